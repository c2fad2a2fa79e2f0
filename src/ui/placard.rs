//! The museum label: where the packet is, and what happens to it there, in one sentence.

use super::look::{Chip, Look};
use yew::prelude::*;

/// Properties of [`Placard`].
#[derive(Properties, PartialEq)]
pub struct PlacardProps {
    /// The hook, the table, the chain: outermost first.
    pub place: Vec<AttrValue>,
    /// What it means, with its word.
    pub outcome: Option<(Look, AttrValue)>,
    /// The sentence.
    pub says: AttrValue,
    /// The one beside the picture; the other is in the step bar of small screens.
    #[prop_or_default]
    pub inline: bool,
}

/// Draws it.
#[component]
pub fn Placard(props: &PlacardProps) -> Html {
    html! {
        <div class={classes!("placard", props.inline.then_some("inline"))}
            data-testid={if props.inline { "placard" } else { "placard-small" }}>
            <p class="where">
                { for props.place.iter().enumerate().map(|(i, name)| html! {
                    <>
                        if i > 0 {
                            <span aria-hidden="true">{ "›" }</span>
                        }
                        <b>{ name }</b>
                    </>
                }) }
                if let Some((look, word)) = &props.outcome {
                    <Chip look={*look} word={word.clone()} />
                }
            </p>
            <p class="says">{ &props.says }</p>
        </div>
    }
}
