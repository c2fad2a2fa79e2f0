//! The page's own labs, to be chosen from.

use super::lab::{OWN_LABS, hint, title};
use super::state::Action;
use super::words::use_words;
use yew::prelude::*;

/// Properties of [`Labs`].
#[derive(Properties, PartialEq)]
pub struct LabsProps {
    /// What was pressed.
    pub act: Callback<Action>,
}

/// The list.
#[component]
pub fn Labs(props: &LabsProps) -> Html {
    let words = use_words();
    html! {
        <ul class="tries">
            { for OWN_LABS.iter().enumerate().map(|(i, own)| html! {
                <li>
                    <button type="button" data-testid="lab" data-lab={own.name}
                        onclick={props.act.reform(move |_: MouseEvent| Action::Lab(i))}>
                        <b>{ title(own.name, &words) }</b>
                        <span>{ hint(own.name, &words) }</span>
                    </button>
                </li>
            }) }
        </ul>
    }
}
