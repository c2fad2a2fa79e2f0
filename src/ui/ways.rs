//! Where the model can't know, a packet has several ways: which one is shown, and what it takes for granted.

use super::icon::{Glyph, Icon};
use super::state::Action;
use super::words::use_words;
use yew::prelude::*;

/// Properties of [`Ways`].
#[derive(Properties, PartialEq)]
pub struct WaysProps {
    /// The way that is shown, counted from 0.
    pub way: usize,
    /// How many there are.
    pub ways: usize,
    /// There are more than were followed.
    pub truncated: bool,
    /// The rules of unknown answer on this way, and what was taken for granted.
    pub choices: Vec<(AttrValue, bool)>,
    /// What was pressed.
    pub act: Callback<Action>,
}

/// Draws it, if there is more than one way.
#[component]
pub fn Ways(props: &WaysProps) -> Html {
    let words = use_words();
    if props.ways < 2 {
        return Html::default();
    }
    let (way, ways) = (props.way, props.ways);
    html! {
        <section class="ways" data-testid="ways" aria-label={words.get("ways-title")}>
            <span class="mark" aria-hidden="true">{ "?" }</span>
            <details class="text">
                <summary>
                    { words.with("ways", &[("way", (way + 1).into()), ("ways", ways.into())]) }
                    if props.truncated {
                        { " " }{ words.get("ways-more") }
                    }
                </summary>
                <ul>
                    { for props.choices.iter().map(|(rule, yes)| html! {
                        <li>
                            { if *yes {
                                words.with("way-if-yes", &[("rule", rule.as_str().into())])
                            } else {
                                words.with("way-if-no", &[("rule", rule.as_str().into())])
                            } }
                        </li>
                    }) }
                </ul>
            </details>
            <button type="button" class="button square" aria-label={words.get("way-back")} disabled={way == 0}
                onclick={props.act.reform(move |_: MouseEvent| Action::Way(way.saturating_sub(1)))}>
                <Icon glyph={Glyph::Back} />
            </button>
            <button type="button" class="button square" aria-label={words.get("way-next")} disabled={way + 1 == ways}
                data-testid="way-next" onclick={props.act.reform(move |_: MouseEvent| Action::Way(way + 1))}>
                <Icon glyph={Glyph::Forward} />
            </button>
        </section>
    }
}
