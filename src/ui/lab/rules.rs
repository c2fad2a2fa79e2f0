//! A host's rules at a moment, as a dump, with what the present command has just changed.

use super::case::LabCase;
use crate::net::HostId;
use crate::netfilter::text::Save;
use crate::netfilter::{ChainKind, Family, Policy, Ruleset, Table, TableName};
use crate::query::Stop;
use crate::ui::words::use_words;
use yew::prelude::*;

/// Properties of [`RulesNow`].
#[derive(Properties, PartialEq)]
pub struct RulesProps {
    /// The lab.
    pub lab: LabCase,
    /// The stop.
    pub at: usize,
    /// The host.
    pub host: HostId,
}

/// A line of a dump.
struct Line {
    text: String,
    /// It has just come, or it has just gone.
    change: Option<bool>,
}

/// The rules of both families, tables without anything of their own aside.
#[component]
pub fn RulesNow(props: &RulesProps) -> Html {
    let words = use_words();
    let Some(stop) = props.lab.session().journey().stop(props.at) else { return Html::default() };
    let families = [Family::Ip, Family::Ip6].map(|family| (family, lines(props, stop, family)));
    let shown: Vec<_> = families.into_iter().filter(|(_, lines)| !lines.is_empty()).collect();
    let host = props.lab.host_name(props.host);
    html! {
        <section class="rules-now" data-testid="rules-now" aria-label={words.get("lab-rules-now")}>
            <div class="head">
                <h2>{ words.get("lab-rules-now") }</h2>
                <span class="aside">{ host }</span>
            </div>
            if shown.is_empty() {
                <p class="nothing">{ words.get("lab-rules-none") }</p>
            }
            { for shown.into_iter().map(|(family, lines)| html! {
                <>
                    if !family.is_v4() {
                        <h3>{ "ip6tables" }</h3>
                    }
                    <ol>
                        { for lines.into_iter().map(|line| match line.change {
                            None => html! { <li>{ line.text }</li> },
                            Some(true) => html! {
                                <li class="came" data-testid="rule-came">
                                    <b aria-hidden="true">{ "+" }</b><span class="sr">{ words.get("lab-rule-came") }</span>{ line.text }
                                </li>
                            },
                            Some(false) => html! {
                                <li class="went" data-testid="rule-went">
                                    <b aria-hidden="true">{ "−" }</b><span class="sr">{ words.get("lab-rule-went") }</span>{ line.text }
                                </li>
                            },
                        }) }
                    </ol>
                </>
            }) }
        </section>
    }
}

fn lines(props: &RulesProps, stop: &Stop, family: Family) -> Vec<Line> {
    let session = props.lab.session();
    let now = session.counted(stop.probe, stop.event, props.host, family);
    // What the stop's own event changed: one change touches lines that lie together.
    let was = session.rules(stop.probe, stop.event, props.host, family);
    let is_shown =
        |name: &TableName| [&*was, &now].iter().any(|ruleset| ruleset.tables.get(name).is_some_and(is_own));
    let dump = |ruleset: &Ruleset, counters: bool| {
        let tables = ruleset.tables.iter().filter(|(name, _)| is_shown(name));
        let tables = tables.map(|(name, table)| (*name, table.clone())).collect();
        Save { ruleset: &Ruleset { family, tables }, counters }.to_string()
    };
    let was = dump(&was, false);
    let (plain, counted) = (dump(&now, false), dump(&now, true));
    let (was, plain): (Vec<&str>, Vec<&str>) = (was.lines().collect(), plain.lines().collect());
    let same = |a: &str, b: &str| a.split(" [").next() == b.split(" [").next();
    let first = was.iter().zip(&plain).take_while(|(a, b)| same(a, b)).count();
    let rest = was.len().min(plain.len()) - first;
    let behind = was.iter().rev().zip(plain.iter().rev()).take(rest).take_while(|(a, b)| same(a, b)).count();
    let line = |text: &str, change| Line { text: text.to_owned(), change };
    let gone =
        was.get(first..was.len() - behind).unwrap_or_default().iter().map(|text| line(text, Some(false)));
    let mut all: Vec<Line> = Vec::new();
    let mut gone = gone.collect::<Vec<_>>();
    for (i, text) in counted.lines().enumerate() {
        if i == first {
            all.append(&mut gone);
        }
        all.push(line(text, (i >= first && i < plain.len() - behind).then_some(true)));
    }
    all.append(&mut gone);
    all
}

/// False for a table that holds nothing but empty chains that accept.
fn is_own(table: &Table) -> bool {
    table.chains.values().any(|chain| {
        !chain.rules.is_empty()
            || match chain.kind {
                ChainKind::Base { policy, .. } => policy == Policy::Drop,
                ChainKind::User => true,
            }
    })
}
