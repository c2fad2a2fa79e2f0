//! Time: the buttons that step, and the slider over the whole walk.

use super::icon::{Glyph, Icon};
use super::state::{Action, Step};
use super::timeline::{Stretch, Timeline};
use super::words::use_words;
use std::rc::Rc;
use yew::prelude::*;

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
    /// What was pressed.
    pub act: Callback<Action>,
}

/// Draws it.
#[component]
pub fn Steps(props: &StepsProps) -> Html {
    let words = use_words();
    let (start, end) = (props.at == 0, props.at >= props.last);
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
            <div class="transport">
                { button(Step::Start, Glyph::First, "btn-start", words.get("to-start"), start, "") }
                { button(Step::HookBack, Glyph::HookBack, "btn-hook-back", words.get("hook-back"), start, "") }
                { button(Step::ChainBack, Glyph::ChainBack, "btn-chain-back", words.get("chain-back"), start, "by-chain") }
                { button(Step::Back, Glyph::Back, "btn-back", words.get("step-back"), start, "") }
                <button type="button" class="button main next" data-testid="btn-step" disabled={end}
                    title={words.get("step-forward")} onclick={props.act.reform(|_: MouseEvent| Action::Step(Step::Forward))}>
                    <span>{ words.get("step") }</span><Icon glyph={Glyph::Forward} />
                </button>
                { button(Step::ChainForward, Glyph::ChainForward, "btn-chain-next", words.get("chain-forward"), end, "by-chain") }
                { button(Step::HookForward, Glyph::HookForward, "btn-hook-next", words.get("hook-forward"), end, "") }
                { button(Step::End, Glyph::Last, "btn-run", words.get("run"), end, "") }
            </div>
            <Timeline at={props.at} last={props.last} stretches={props.stretches.clone()} says={props.says.clone()} act={props.act.clone()} />
            <p class="count" data-testid="step-label" data-at={(props.at + 1).to_string()} data-of={(props.last + 1).to_string()}>
                <b>{ props.at + 1 }</b>{ format!(" / {}", props.last + 1) }
            </p>
        </section>
    }
}
