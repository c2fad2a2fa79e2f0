//! What the keys do: the list that people see, and the same list as the page obeys it.

use super::sheet::Sheet;
use super::state::{Action, Sheets, Step};
use super::words::use_words;
use web_sys::{Element, KeyboardEvent};
use yew::prelude::*;

/// What a key press means, unless it is meant for a field or a control that has the focus.
pub fn action_of(event: &KeyboardEvent) -> Option<Action> {
    if event.ctrl_key() || event.alt_key() || event.meta_key() || event.default_prevented() {
        return None;
    }
    let on = event.target_dyn_into::<Element>();
    let taken = on.and_then(|e| e.closest("input, textarea, select, dialog").ok().flatten()).is_some();
    if taken {
        return None;
    }
    let step = match (event.key().as_str(), event.shift_key()) {
        ("ArrowRight", false) => Step::Forward,
        ("ArrowLeft", false) => Step::Back,
        ("ArrowRight", true) => Step::ChainForward,
        ("ArrowLeft", true) => Step::ChainBack,
        ("PageDown", false) => Step::HookForward,
        ("PageUp", false) => Step::HookBack,
        ("Home", false) => Step::Start,
        ("End", false) => Step::End,
        ("Escape", _) => return Some(Action::Leave),
        ("?", _) => return Some(Action::Open(Sheets::Keys)),
        _ => return None,
    };
    Some(Action::Step(step))
}

/// Properties of [`Keys`].
#[derive(Properties, PartialEq)]
pub struct KeysProps {
    /// It wants to be closed.
    pub onclose: Callback<()>,
}

/// The list.
#[component]
pub fn Keys(props: &KeysProps) -> Html {
    let words = use_words();
    let rows: [(&[&str], AttrValue); 8] = [
        (&["→", "←"], words.get("key-step")),
        (&["Shift →", "Shift ←"], words.get("key-chain")),
        (&["Page Down", "Page Up"], words.get("key-hook")),
        (&["Shift →", "Page Down"], words.get("key-network")),
        (&["Enter", "Esc"], words.get("key-host")),
        (&["Home", "End"], words.get("key-ends")),
        (&["?"], words.get("key-help")),
        (&["Esc"], words.get("key-close")),
    ];
    html! {
        <Sheet name="keys" title={words.get("keys-title")} onclose={props.onclose.clone()}>
            <div class="sheet-body">
                <p>{ words.get("keys-lead") }</p>
                <table class="facts">
                    <tbody>
                        { for rows.into_iter().map(|(keys, meaning)| html! {
                            <tr>
                                <td>{ for keys.iter().map(|key| html! { <><kbd>{ *key }</kbd>{ " " }</> }) }</td>
                                <td>{ meaning }</td>
                            </tr>
                        }) }
                    </tbody>
                </table>
            </div>
        </Sheet>
    }
}
