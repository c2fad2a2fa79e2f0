//! Why the current rule matched or not: part by part, the packet's value against the rule's.

use super::look::{Chip, Look};
use super::words::use_words;
use yew::prelude::*;

/// How one part of the rule did.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What the rule asks, as iptables writes it.
    pub asks: AttrValue,
    /// What the packet has.
    pub has: AttrValue,
    /// The answer; `None` where it was not looked at.
    pub look: Option<Look>,
    /// The answer in a word.
    pub word: AttrValue,
}

/// What the panel tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// A rule's parts.
    Rule {
        /// The heading.
        title: AttrValue,
        /// Each part.
        answers: Vec<Answer>,
    },
    /// One remark.
    Remark(AttrValue),
}

/// Properties of [`Why`].
#[derive(Properties, PartialEq)]
pub struct WhyProps {
    /// What it tells.
    pub reason: Reason,
    /// What follows, with its word: the target's or policy's doing.
    pub then: Option<(Look, AttrValue, AttrValue)>,
}

/// Draws it.
#[component]
pub fn Why(props: &WhyProps) -> Html {
    let words = use_words();
    let title = match &props.reason {
        Reason::Rule { title, .. } => title.clone(),
        Reason::Remark(_) => words.get("why-here"),
    };
    html! {
        <section class="why" data-testid="why" aria-labelledby="why-title">
            <div class="head"><h2 id="why-title">{ title }</h2></div>
            <div class="scroll" tabindex="0" role="group" aria-labelledby="why-title">
                { match &props.reason {
                    Reason::Remark(text) => html! { <p class="nothing">{ text }</p> },
                    Reason::Rule { answers, .. } if answers.is_empty() => html! {
                        <p class="nothing">{ words.get("why-everything") }</p>
                    },
                    Reason::Rule { answers, .. } => html! {
                        <>
                        <table>
                            <thead>
                                <tr>
                                    <th scope="col">{ words.get("why-rule") }</th>
                                    <th scope="col">{ words.get("why-packet") }</th>
                                    <th scope="col"><span class="sr">{ words.get("why-answer") }</span></th>
                                </tr>
                            </thead>
                            <tbody>{ for answers.iter().map(answer) }</tbody>
                        </table>
                        if answers.iter().any(|a| a.look.is_none()) {
                            <p class="note">{ words.get("why-failed-first") }</p>
                        }
                        </>
                    },
                } }
                if let Some((look, word, text)) = &props.then {
                    <p class="then">
                        <b>{ words.get("why-then") }</b>
                        <Chip look={*look} word={word.clone()} />
                        <span>{ text }</span>
                    </p>
                }
            </div>
        </section>
    }
}

fn answer(answer: &Answer) -> Html {
    html! {
        <tr class={classes!(answer.look.is_none().then_some("unseen"))}>
            <td><code>{ &answer.asks }</code></td>
            <td><code>{ &answer.has }</code></td>
            <td class={classes!("answer", answer.look.map(|l| l.tone.class()))}>
                <span aria-hidden="true">{ answer.look.map_or("", |l| l.symbol) }{ " " }</span>
                { &answer.word }
            </td>
        </tr>
    }
}
