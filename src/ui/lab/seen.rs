//! What a probe's sender and the listeners saw, and the flows it made, there and back.

use super::case::LabCase;
use super::case::target;
use crate::query::Outcome;
use crate::ui::case::{kind_of, look_of};
use crate::ui::look::Look;
use crate::ui::state::Action;
use crate::ui::words::{Words, use_words};
use serde_json::Value;
use yew::prelude::*;

/// Properties of [`Seen`].
#[derive(Properties, PartialEq)]
pub struct SeenProps {
    /// The lab.
    pub lab: LabCase,
    /// The stop.
    pub at: usize,
    /// What was pressed.
    pub act: Callback<Action>,
}

/// Draws it.
#[component]
pub fn Seen(props: &SeenProps) -> Html {
    let words = use_words();
    let session = props.lab.session();
    let journey = session.journey();
    let Some(stop) = journey.stop(props.at) else { return Html::default() };
    let probe = stop.probe;
    let look = props.lab.probe_look(probe);
    let is_command = props.lab.is_command(probe);
    let rows = rows(session.result(probe), &words);
    let flows = journey.flows(probe);
    let back = journey.way_back(props.at).is_some();
    html! {
        <section class="seen" data-testid="seen" aria-label={words.get("lab-seen")}>
            <div class="head">
                <h2>{ words.get("lab-seen") }</h2>
                <span class={classes!("aside", "chip", look.tone.class())}>
                    <span aria-hidden="true">{ look.symbol }</span>{ answer(look, is_command, &words) }
                </span>
            </div>
            <p class="what">{ session.lab().probes.get(probe).map(target).unwrap_or_default() }</p>
            <dl>
                { for rows.into_iter().map(|(label, value)| html! { <><dt>{ label }</dt><dd>{ value }</dd></> }) }
            </dl>
            if !flows.is_empty() {
            <div class="head">
                <h2>{ words.get("lab-flows") }</h2>
                <button type="button" class="button quiet aside-button" data-testid="way-back" disabled={!back}
                    onclick={props.act.reform(|_: MouseEvent| Action::WayBack)}>
                    { words.get("lab-way-back") }
                </button>
            </div>
            }
            { for flows.iter().map(|flow| html! {
                <ol class="flow" data-testid="flow">
                    { for flow.iter().filter_map(|(number, back)| {
                        let trip = journey.trips.get(*number)?;
                        let first = journey.stop_of(trip.passes.first()?.0)?;
                        let look = trip.fate.as_ref().map_or(Look::QUIET, |f| look_of(Outcome::of(f)));
                        let hosts: Vec<String> = trip.passes.iter().map(|(_, h)| props.lab.host_name(*h).to_string()).collect();
                        let mut hosts = hosts;
                        hosts.dedup();
                        let arrow = if *back { "←" } else { "→" };
                        Some(html! {
                            <li class={classes!(back.then_some("back"))}>
                                <button type="button" data-testid="trip" aria-current={(stop.trip == Some(*number)).then_some("true")}
                                    onclick={props.act.reform(move |_: MouseEvent| Action::Seek(first))}>
                                    <b aria-hidden="true">{ arrow }</b>
                                    <span class="sr">{ if *back { words.get("connection-reply") } else { words.get("connection-original") } }</span>
                                    <span class="kind">{ kind_of(&trip.first) }</span>
                                    <span class="hosts">{ hosts.join(" › ") }</span>
                                    <span class={classes!("mark", look.tone.class())} aria-hidden="true">{ look.symbol }</span>
                                </button>
                            </li>
                        })
                    }) }
                </ol>
            }) }
        </section>
    }
}

/// How a probe went, in a word.
pub fn answer(look: Look, is_command: bool, words: &Words) -> AttrValue {
    match look {
        Look::YES if is_command => words.get("lab-done"),
        Look::YES => words.get("lab-answered"),
        Look::NO => words.get("lab-refused"),
        Look::MAYBE => words.get("answer-unknown"),
        _ => words.get("lab-silence"),
    }
}

/// The result of a probe, line by line.
fn rows(result: Option<&Value>, words: &Words) -> Vec<(AttrValue, String)> {
    let Some(result) = result else { return Vec::new() };
    let mut rows = Vec::new();
    for (key, value) in result.pointer("/result").and_then(Value::as_object).into_iter().flatten() {
        let label = match key.as_str() {
            "sent" => words.get("seen-sent"),
            "replies" => words.get("seen-replies"),
            "connect" => words.get("seen-connect"),
            "local" => words.get("seen-local"),
            "received" => words.get("seen-received"),
            "after_close" => words.get("seen-after-close"),
            "socket_errors" | "errors" | "error" | "send_error" | "close_error" => words.get("seen-errors"),
            "exit" => words.get("seen-exit"),
            "not_modelled" => words.get("seen-not-modelled"),
            _ => AttrValue::from(key.clone()),
        };
        rows.push((label, shown(value)));
    }
    if let Some(received) = result.pointer("/received") {
        rows.push((words.get("seen-listeners"), shown(received)));
    }
    rows
}

/// A value in one line, or one line for each of a list.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(shown).collect::<Vec<_>>().join("\n"),
        Value::Object(fields) => {
            fields.iter().map(|(k, v)| format!("{k}={}", shown(v))).collect::<Vec<_>>().join(" ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}
