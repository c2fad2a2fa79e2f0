//! A sheet over the case: the browser's own modal dialog, so that focus and Escape are the browser's affair.

use super::icon::{Glyph, Icon};
use super::words::use_words;
use gloo::utils::document;
use web_sys::wasm_bindgen::JsCast;
use web_sys::{HtmlDialogElement, HtmlElement};
use yew::prelude::*;

/// Properties of [`Sheet`].
#[derive(Properties, PartialEq)]
pub struct SheetProps {
    /// A short name for tests and styles.
    pub name: &'static str,
    /// The heading.
    pub title: AttrValue,
    /// What is in it.
    pub children: Html,
    /// It wants to be closed.
    pub onclose: Callback<()>,
}

/// Shows itself as soon as it is there; its owner takes it away on `onclose`.
#[component]
pub fn Sheet(props: &SheetProps) -> Html {
    let words = use_words();
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with((), move |()| {
            let before = document().active_element().and_then(|e| e.dyn_into::<HtmlElement>().ok());
            let dialog = node.cast::<HtmlDialogElement>();
            if let Some(dialog) = dialog.as_ref().filter(|d| !d.open()) {
                let _ = dialog.show_modal();
            }
            move || {
                // Closed first: what lies under an open modal dialog takes no focus.
                if let Some(dialog) = dialog {
                    dialog.close();
                }
                if let Some(before) = before.filter(|e| e.is_connected()) {
                    let _ = before.focus();
                }
            }
        });
    }
    let heading = format!("{}-title", props.name);
    let close = props.onclose.reform(|_: MouseEvent| ());
    let oncancel = props.onclose.reform(|event: Event| event.prevent_default());
    html! {
        <dialog ref={node} class={classes!("sheet", props.name)} aria-labelledby={heading.clone()} {oncancel}>
            <div class="sheet-top">
                <h2 id={heading}>{ &props.title }</h2>
                <button type="button" class="button quiet square" data-testid="sheet-close"
                    aria-label={words.get("close")} onclick={close}>
                    <Icon glyph={Glyph::Close} />
                </button>
            </div>
            { props.children.clone() }
        </dialog>
    }
}
