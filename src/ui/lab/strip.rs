//! The strip of a lab: its probes, or, in an open host, the packets that passed it.

use super::seen::answer;
use super::stage::{Opened, Stage};
use crate::ui::icon::{Glyph, Icon};
use crate::ui::state::{Action, Sheets};
use crate::ui::words::use_words;
use web_sys::{Element, ScrollIntoViewOptions, ScrollLogicalPosition};
use yew::prelude::*;

/// Brings the current chip into view.
#[hook]
fn use_current(key: u64) -> NodeRef {
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with(key, move |_| {
            let list = node.cast::<Element>();
            let chip = list.and_then(|e| e.query_selector("[aria-current]").ok().flatten());
            if let Some(chip) = chip {
                let options = ScrollIntoViewOptions::new();
                options.set_inline(ScrollLogicalPosition::Nearest);
                options.set_block(ScrollLogicalPosition::Nearest);
                chip.scroll_into_view_with_scroll_into_view_options(&options);
            }
        });
    }
    node
}

/// Properties of [`Probes`].
#[derive(Properties, PartialEq)]
pub struct ProbesProps {
    /// The lab at its moment.
    pub stage: Stage,
    /// What was pressed.
    pub act: Callback<Action>,
}

/// The probes.
#[component]
pub fn Probes(props: &ProbesProps) -> Html {
    let words = use_words();
    let (lab, current) = (&props.stage.lab, props.stage.probe());
    let node = use_current(current as u64);
    html! {
        <nav class="strip" aria-label={words.get("lab-probes")}>
            <span class="label" aria-hidden="true">{ words.get("lab-probes") }</span>
            <ol ref={node}>
                { for lab.session().journey().probes.iter().enumerate().map(|(i, first)| {
                    let (first, look) = (*first, lab.probe_look(i));
                    html! {
                        <li key={i}>
                            <button type="button" class={classes!("sent", look.tone.class())} data-testid="probe"
                                aria-current={(i == current).then_some("true")}
                                onclick={props.act.reform(move |_: MouseEvent| Action::Seek(first))}>
                                <span class="no">{ i + 1 }</span>
                                <span>{ lab.probe_name(i, &words) }</span>
                                <b aria-hidden="true">{ look.symbol }</b>
                                <span class="sr">
                                    { answer(look, lab.is_command(i), &words) }
                                </span>
                            </button>
                        </li>
                    }
                }) }
            </ol>
            <span class="push"></span>
            if lab.session().added() > 0 {
                <button type="button" class="button" data-testid="probe-undo" onclick={props.act.reform(|_: MouseEvent| Action::UndoProbe)}>
                    <Icon glyph={Glyph::Reply} /><span class="text">{ words.get("lab-undo") }</span>
                </button>
            }
            <button type="button" class="button main" data-testid="probe-open"
                onclick={props.act.reform(|_: MouseEvent| Action::Open(Sheets::Probe))}>
                <Icon glyph={Glyph::Plus} /><span class="text">{ words.get("lab-probe-new") }</span>
            </button>
        </nav>
    }
}

/// Properties of [`Ways`].
#[derive(Properties, PartialEq)]
pub struct WaysProps {
    /// The lab at its moment.
    pub stage: Stage,
    /// The open host.
    pub opened: Opened,
    /// What was pressed.
    pub act: Callback<Action>,
}

/// The packets that passed the open host in this probe, and the way back to the network.
#[component]
pub fn Ways(props: &WaysProps) -> Html {
    let words = use_words();
    let (lab, opened) = (&props.stage.lab, &props.opened);
    let current = opened.walked.as_ref().map(|w| w.pass().pass);
    let node = use_current(current.map_or(0, |p| p.0.into()));
    html! {
        <nav class="strip" aria-label={words.get("lab-ways")}>
            <button type="button" class="button" id="lab-back" data-testid="lab-back" onclick={props.act.reform(|_: MouseEvent| Action::Leave)}>
                <Icon glyph={Glyph::Back} /><span class="text">{ words.get("lab-leave") }</span>
            </button>
            <span class="label" aria-hidden="true">{ lab.host_name(opened.host) }</span>
            <ol ref={node}>
                { for lab.ways(props.stage.probe(), opened.host).into_iter().enumerate().map(|(i, (pass, kind, back))| html! {
                    <li key={pass.0}>
                        <button type="button" class="sent" data-testid="way" aria-current={(current == Some(pass)).then_some("true")}
                            onclick={props.act.reform(move |_: MouseEvent| Action::Pick(pass))}>
                            <span class="no">{ i + 1 }</span>
                            <b class="is-packet" aria-hidden="true">{ if back { "←" } else { "→" } }</b>
                            <span class="sr">{ if back { words.get("connection-reply") } else { words.get("connection-original") } }</span>
                            <span>{ kind }</span>
                        </button>
                    </li>
                }) }
            </ol>
        </nav>
    }
}
