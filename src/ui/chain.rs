//! The rules of the chain that the packet is in, with the current one marked.

use super::look::{Chip, Look};
use super::rows::Rows;
use super::words::Words;
use super::words::use_words;
use crate::netfilter::Counters;
use yew::prelude::*;

/// How a part of a rule did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceState {
    /// The rule was not looked at, or not this part of it.
    Unseen,
    /// It held.
    Held,
    /// It failed, and so did the rule.
    Failed,
    /// It can't be told.
    Maybe,
    /// No condition: a comment.
    Remark,
}

/// A part of a rule's text.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// As iptables writes it.
    pub text: AttrValue,
    /// How it did.
    pub state: PieceState,
}

/// A rule as one line.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleRow {
    /// How it did, if it was looked at in this visit already.
    pub look: Option<Look>,
    /// The same in a word.
    pub said: AttrValue,
    /// Its conditions.
    pub pieces: Vec<Piece>,
    /// Its target with what it means.
    pub target: Option<(Look, AttrValue)>,
    /// What it has counted until now, if that is told.
    pub counted: Option<Counters>,
}

/// A chain that called the one shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Caller {
    /// Its name, with the table for the first.
    pub name: AttrValue,
    /// The number of the rule that jumped.
    pub number: u32,
    /// The step at which it did.
    pub step: usize,
}

/// Properties of [`Chain`].
#[derive(Properties, PartialEq)]
pub struct ChainProps {
    /// The table's name.
    pub table: &'static str,
    /// The chain's name.
    pub name: AttrValue,
    /// Through which rules the packet came here, outermost first.
    pub callers: Vec<Caller>,
    /// The number of rules.
    pub count: usize,
    /// The line that is looked at: a rule's index, or `count` for the end.
    pub current: Option<usize>,
    /// What the end of the chain means.
    pub end: AttrValue,
    /// What the chain's policy has counted until now.
    pub counted: Option<Counters>,
    /// Changes with each visit to a chain.
    pub visit: usize,
    /// A rule's line.
    pub row: Callback<usize, RuleRow>,
    /// Go to a step.
    pub onseek: Callback<usize>,
}

/// Draws it.
#[component]
pub fn Chain(props: &ChainProps) -> Html {
    let words = use_words();
    let draw = {
        let (row, end, current, count) = (props.row.clone(), props.end.clone(), props.current, props.count);
        let policy = props.counted;
        let (words, any) = (words.clone(), words.get("rule-any"));
        let none = words.get("target-none");
        Callback::from(move |i: usize| {
            let now = current == Some(i);
            if i == count {
                return html! {
                    <div key={i} class={classes!("rule", "policy", now.then_some("now"))} role="listitem"
                        aria-current={now.then_some("step")} data-testid={now.then_some("rule-current")}>
                        <span class="no"></span>
                        <span class="mark" aria-hidden="true">{ "⏎" }</span>
                        <span class="text">{ &end }</span>
                        { counters(policy, &words) }
                    </div>
                };
            }
            let line = row.emit(i);
            let look = line.look;
            html! {
                <div key={i} class={classes!("rule", look.map(|_| "seen"), now.then_some("now"))} role="listitem"
                    aria-label={words.with("rule-number", &[("number", (i + 1).into())])}
                    aria-current={now.then_some("step")} data-index={(i + 1).to_string()}
                    data-testid={if now { "rule-current" } else { "rule" }}>
                    <span class="no">{ i + 1 }</span>
                    <span class={classes!("mark", look.map(|l| l.tone.class()))} aria-hidden="true">
                        { look.map_or("", |l| l.symbol) }
                    </span>
                    <span class="text">
                        <span class="sr">{ &line.said }{ " " }</span>
                        { pieces(&line.pieces, &any) }
                    </span>
                    { counters(line.counted, &words) }
                    { match line.target {
                        Some((look, word)) => html! { <Chip {look} {word} /> },
                        None => html! { <span class="chip">{ &none }</span> },
                    } }
                </div>
            }
        })
    };
    let label =
        words.with("chain-of", &[("table", props.table.into()), ("chain", props.name.as_str().into())]);
    html! {
        <>
            <div class="head">
                <h2>{ words.get("chain") }</h2>
                <nav class="crumbs" aria-label={words.get("chain")}>
                    { for props.callers.iter().map(|caller| {
                        let step = caller.step;
                        html! {
                            <>
                                <button type="button" onclick={props.onseek.reform(move |_: MouseEvent| step)}>{ &caller.name }</button>
                                <i>{ format!("{} ›", caller.number) }</i>
                            </>
                        }
                    }) }
                    <span aria-current="true">
                        if props.callers.is_empty() {
                            { props.table }{ " " }
                        }
                        { &props.name }
                    </span>
                </nav>
                <span class="aside">{ words.with("chain-rules", &[("rules", props.count.into())]) }</span>
            </div>
            <div class="chain-list" data-testid="rules" data-table={props.table} data-chain={&props.name}>
                <Rows count={props.count + 1} current={props.current} list={props.visit} {label} row={draw} />
            </div>
        </>
    }
}

/// Packets and bytes, as `iptables-save -c` writes them.
fn counters(counted: Option<Counters>, words: &Words) -> Html {
    let Some(counted) = counted else { return html! { <span class="count"></span> } };
    let (packets, bytes) = (counted.packets.to_string(), counted.bytes.to_string());
    let said = words.with("counters", &[("packets", packets.into()), ("bytes", bytes.into())]);
    html! {
        <span class={classes!("count", (counted.packets > 0).then_some("some"))} title={said.clone()} data-testid="counters">
            <span aria-hidden="true">{ counted.to_string() }</span>
            <span class="sr">{ said }</span>
        </span>
    }
}

fn pieces(pieces: &[Piece], any: &AttrValue) -> Html {
    if pieces.iter().all(|p| p.state == PieceState::Remark) {
        return html! {
            <>
                <span class="remark sans">{ any }</span>
                { for pieces.iter().map(|p| html! { <>{ " " }<span class="remark">{ &p.text }</span></> }) }
            </>
        };
    }
    pieces
        .iter()
        .map(|piece| {
            let class = match piece.state {
                PieceState::Unseen => "unseen",
                PieceState::Held => "held",
                PieceState::Failed => "failed",
                PieceState::Maybe => "maybe",
                PieceState::Remark => "remark",
            };
            html! { <><span {class}>{ &piece.text }</span>{ " " }</> }
        })
        .collect()
}
