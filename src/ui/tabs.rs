//! On a small screen: which pane is shown.

use super::state::{Action, Tab};
use super::words::use_words;
use yew::prelude::*;

/// Properties of [`Tabs`].
#[derive(Properties, PartialEq)]
pub struct TabsProps {
    /// The one that is shown.
    pub tab: Tab,
    /// They are the panes of a network.
    #[prop_or_default]
    pub lab: bool,
    /// What was pressed.
    pub act: Callback<Action>,
}

/// Draws them.
#[component]
pub fn Tabs(props: &TabsProps) -> Html {
    let words = use_words();
    html! {
        <nav class="tabs" aria-label={words.get("panes")}>
            { for Tab::ALL.into_iter().map(|tab| {
                let name = match tab {
                    Tab::Path if props.lab => words.get("tab-network"),
                    Tab::Rules if props.lab => words.get("tab-connections"),
                    Tab::Packet if props.lab => words.get("tab-seen"),
                    Tab::Path => words.get("tab-path"),
                    Tab::Rules => words.get("tab-rules"),
                    Tab::Packet => words.get("tab-packet"),
                    Tab::Log => words.get("tab-log"),
                };
                html! {
                    <button type="button" aria-pressed={(tab == props.tab).to_string()} data-testid="tab" data-tab={tab.name()}
                        onclick={props.act.reform(move |_: MouseEvent| Action::Turn(tab))}>
                        { name }
                    </button>
                }
            }) }
        </nav>
    }
}
