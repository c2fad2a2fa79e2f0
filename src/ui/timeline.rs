//! The slider over the whole walk, with the hooks as stretches above it.

use super::state::Action;
use super::words::use_words;
use std::rc::Rc;
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// A run of steps at one hook, or between hooks.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// The hook's name; empty between hooks.
    pub name: AttrValue,
    /// A shorter one, for where there is no room for that.
    pub short: AttrValue,
    /// The first step.
    pub first: usize,
    /// The step after the last.
    pub end: usize,
}

/// Properties of [`Timeline`].
#[derive(Properties, PartialEq)]
pub struct TimelineProps {
    /// The step that is shown, counted from 0.
    pub at: usize,
    /// The last step.
    pub last: usize,
    /// The stretches, in order, without gaps.
    pub stretches: Rc<[Stretch]>,
    /// The step's sentence.
    pub says: AttrValue,
    /// What was done.
    pub act: Callback<Action>,
}

/// A name's length, in letters of the Latin alphabet: those of Hangul are wider.
fn letters(name: &str) -> f64 {
    name.chars().map(|c| if c.is_ascii() { 1.0 } else { 1.7 }).sum()
}

/// Draws it.
#[component]
pub fn Timeline(props: &TimelineProps) -> Html {
    let words = use_words();
    let oninput = props.act.reform(|event: InputEvent| {
        let value = event.target_dyn_into::<HtmlInputElement>().map(|input| input.value_as_number());
        Action::Seek(value.map_or(0, |v| v as usize))
    });
    let all = (props.last + 1) as f64;
    let percent = |n: usize| n as f64 / all * 100.0;
    let value_text = words.with(
        "step-value",
        &[
            ("at", (props.at + 1).into()),
            ("of", (props.last + 1).into()),
            ("says", props.says.as_str().into()),
        ],
    );
    html! {
        <div class="timeline">
            <svg aria-hidden="true">
                { for props.stretches.iter().map(|stretch| {
                    let (x, end) = (percent(stretch.first), percent(stretch.end));
                    let state = if stretch.end <= props.at {
                        "gone"
                    } else if stretch.first <= props.at {
                        "now"
                    } else {
                        "ahead"
                    };
                    // A name is written where there is room for it, not across its neighbour.
                    let room = |name: &str| end - x > 1.4 * letters(name) * 0.8;
                    let name = if room(&stretch.name) { Some(&stretch.name) } else { Some(&stretch.short).filter(|s| room(s)) };
                    html! {
                        <>
                            <rect class={classes!("stretch", state)} x={format!("{:.2}%", x + 0.1)}
                                width={format!("{:.2}%", (end - x - 0.2).max(0.2))} y="14" height="5" rx="1" />
                            if let Some(name) = name {
                                <text x={format!("{x:.2}%")} y="9">{ name }</text>
                            }
                        </>
                    }
                }) }
            </svg>
            <input type="range" min="0" max={props.last.to_string()} step="1" value={props.at.to_string()} data-testid="slider"
                aria-label={words.get("step-slider")} aria-valuetext={value_text} {oninput} />
        </div>
    }
}
