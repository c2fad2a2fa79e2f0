//! What the middle of the page says before the first step: what this is, and what to do with it.

use super::icon::{Glyph, Icon};
use super::labs::Labs;
use super::presets::Preset;
use super::state::{Action, Sheets, Step};
use super::words::use_words;
use std::rc::Rc;
use yew::prelude::*;

/// Properties of [`Welcome`].
#[derive(Properties, PartialEq)]
pub struct WelcomeProps {
    /// Ready-made packets.
    pub presets: Rc<[Preset]>,
    /// The rules are those of the recorded host.
    pub recorded: bool,
    /// What was worked out of the host, in words.
    pub assumptions: Rc<[AttrValue]>,
    /// What was pressed.
    pub act: Callback<Action>,
}

/// Draws it.
#[component]
pub fn Welcome(props: &WelcomeProps) -> Html {
    let words = use_words();
    html! {
        <div class="welcome" data-testid="welcome">
            <h2>{ words.get("welcome-title") }</h2>
            <p>{ if props.recorded { words.get("welcome-recorded") } else { words.get("welcome-pasted") } }</p>
            <p class="do">
                <button type="button" class="button main" onclick={props.act.reform(|_: MouseEvent| Action::Step(Step::Forward))}>
                    { words.get("welcome-step") }<Icon glyph={Glyph::Forward} />
                </button>
                <button type="button" class="button" onclick={props.act.reform(|_: MouseEvent| Action::Step(Step::End))}>
                    { words.get("run") }<Icon glyph={Glyph::Last} />
                </button>
            </p>
            <h3>{ words.get("welcome-try") }</h3>
            <ul class="tries">
                { for props.presets.iter().map(|preset| {
                    let form = preset.form.clone();
                    let send = props.act.reform(move |_: MouseEvent| {
                        form.line().map_or(Action::Open(Sheets::Composer), |line| Action::Send { line, form: form.clone() })
                    });
                    html! {
                        <li>
                            <button type="button" data-testid="try" data-preset={preset.name} onclick={send}>
                                <b>{ preset.title(&words) }</b>
                                <span>{ preset.hint(&words) }</span>
                            </button>
                        </li>
                    }
                }) }
            </ul>
            <h3>{ words.get("welcome-labs") }</h3>
            <Labs act={props.act.clone()} />
            if !props.assumptions.is_empty() {
                <h3>{ words.get("welcome-assumed") }</h3>
                <ul class="assumed" data-testid="assumed">
                    { for props.assumptions.iter().map(|text| html! { <li>{ text }</li> }) }
                </ul>
            }
            <p class="own">
                { words.get("welcome-own") }{ " " }
                <button type="button" class="link" onclick={props.act.reform(|_: MouseEvent| Action::Open(Sheets::Dump))}>
                    { words.get("open-rules") }
                </button>
            </p>
        </div>
    }
}
