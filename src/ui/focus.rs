//! Where the focus goes when a host opens or closes: what had it is gone then, and it would start from the top.

use gloo::utils::document;
use web_sys::wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, SvgElement};
use yew::prelude::*;

/// Follows which host is open: into it, to the way back; out of it, to its box in the picture.
#[hook]
pub fn use_focus_along(opened: Option<AttrValue>) {
    let before = use_mut_ref(|| opened.clone());
    use_effect_with(opened, move |now| {
        let before = before.replace(now.clone());
        let is_lost = document().active_element().is_none_or(|e| e.tag_name() == "BODY");
        if before == *now || !is_lost {
            return;
        }
        match (now, before) {
            (Some(_), _) => {
                let back = document().query_selector("#lab-back").ok().flatten();
                let _ = back.and_then(|e| e.dyn_into::<HtmlElement>().ok()).map(|e| e.focus());
            }
            (None, Some(host)) => {
                let _ = machine(&host).and_then(|e| e.dyn_into::<SvgElement>().ok()).map(|e| e.focus());
            }
            (None, None) => {}
        }
    });
}

/// A host's box in the picture.
fn machine(host: &str) -> Option<Element> {
    let all = document().query_selector_all(".machine").ok()?;
    let all = (0..all.length()).filter_map(|i| all.get(i)?.dyn_into::<Element>().ok());
    let mut own = all.filter(|e| e.get_attribute("data-host").as_deref() == Some(host));
    own.next()?.query_selector(".box").ok().flatten()
}
