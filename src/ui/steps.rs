//! Time: the buttons that step, and the slider over the whole walk.

use super::icon::{Glyph, Icon};
use super::state::{Action, Step};
use super::timeline::{Stretch, Timeline};
use super::words::use_words;
use std::rc::Rc;
use yew::prelude::*;

/// What the buttons step by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Rules, chains, hooks.
    #[default]
    Rules,
    /// Events, hops from host to host, probes.
    Network,
}

/// Properties of [`Steps`].
#[derive(Properties, PartialEq)]
pub struct StepsProps {
    /// The step that is shown, counted from 0.
    pub at: usize,
    /// The last step.
    pub last: usize,
    /// The stretches of the walk.
    pub stretches: Rc<[Stretch]>,
    /// The step's sentence, for the slider.
    pub says: AttrValue,
    /// The label, for small screens.
    pub children: Html,
    /// What the buttons step by.
    #[prop_or_default]
    pub scale: Scale,
    /// Whether it plays by itself; `None` where it cannot.
    #[prop_or_default]
    pub playing: Option<bool>,
    /// Play or pause was pressed.
    #[prop_or_default]
    pub onplay: Callback<()>,
    /// What was pressed.
    pub act: Callback<Action>,
}

/// Draws it.
#[component]
pub fn Steps(props: &StepsProps) -> Html {
    let words = use_words();
    let (start, end) = (props.at == 0, props.at >= props.last);
    let labels = match props.scale {
        Scale::Rules => [
            words.get("to-start"),
            words.get("hook-back"),
            words.get("chain-back"),
            words.get("chain-forward"),
            words.get("hook-forward"),
            words.get("run"),
        ],
        Scale::Network => [
            words.get("lab-to-start"),
            words.get("probe-back"),
            words.get("hop-back"),
            words.get("hop-forward"),
            words.get("probe-forward"),
            words.get("lab-to-end"),
        ],
    };
    let [to_start, far_back, near_back, near_forward, far_forward, to_end] = labels;
    let button = |step: Step,
                  glyph: Glyph,
                  id: &'static str,
                  label: AttrValue,
                  off: bool,
                  class: &'static str| {
        html! {
            <button type="button" class={classes!("button", "square", class)} data-testid={id} disabled={off}
                aria-label={label.clone()} title={label} onclick={props.act.reform(move |_: MouseEvent| Action::Step(step))}>
                <Icon {glyph} />
            </button>
        }
    };
    html! {
        <section class="steps" aria-label={words.get("steps")} id="steps">
            { props.children.clone() }
            <div class={classes!("transport", (props.scale == Scale::Network).then_some("hops"))}>
                { button(Step::Start, Glyph::First, "btn-start", to_start, start, "by-end") }
                { button(Step::HookBack, Glyph::HookBack, "btn-hook-back", far_back, start, "") }
                { button(Step::ChainBack, Glyph::ChainBack, "btn-chain-back", near_back, start, "by-chain") }
                { button(Step::Back, Glyph::Back, "btn-back", words.get("step-back"), start, "") }
                <button type="button" class="button main next" data-testid="btn-step" disabled={end}
                    title={words.get("step-forward")} onclick={props.act.reform(|_: MouseEvent| Action::Step(Step::Forward))}>
                    <span>{ words.get("step") }</span><Icon glyph={Glyph::Forward} />
                </button>
                if let Some(playing) = props.playing {
                    <button type="button" class="button square" data-testid="btn-play" aria-pressed={playing.to_string()} disabled={end}
                        aria-label={words.get("play")} title={words.get("play")} onclick={props.onplay.reform(|_: MouseEvent| ())}>
                        <Icon glyph={if playing { Glyph::Pause } else { Glyph::Play }} />
                    </button>
                }
                { button(Step::ChainForward, Glyph::ChainForward, "btn-chain-next", near_forward, end, "by-chain") }
                { button(Step::HookForward, Glyph::HookForward, "btn-hook-next", far_forward, end, "") }
                { button(Step::End, Glyph::Last, "btn-run", to_end, end, "by-end") }
            </div>
            <Timeline at={props.at} last={props.last} stretches={props.stretches.clone()} says={props.says.clone()} act={props.act.clone()} />
            <p class="count" data-testid="step-label" data-at={(props.at + 1).to_string()} data-of={(props.last + 1).to_string()}>
                <b>{ props.at + 1 }</b>{ format!(" / {}", props.last + 1) }
            </p>
        </section>
    }
}
