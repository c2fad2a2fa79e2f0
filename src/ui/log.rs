//! The log: each step as a sentence; a click goes there.

use super::look::Look;
use super::words::use_words;
use web_sys::wasm_bindgen::JsCast;
use web_sys::{HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};
use yew::prelude::*;

/// Sentences kept before and after the current one. A walk over 40,000 rules has as many steps.
const BEFORE: usize = 60;
const AFTER: usize = 90;

/// One step's line.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it means.
    pub look: Look,
    /// The sentence.
    pub says: AttrValue,
    /// The name of the hook or the probe, if the step is the first there.
    pub heading: Option<AttrValue>,
    /// The host, where there are several.
    pub host: Option<AttrValue>,
}

/// Properties of [`Log`].
#[derive(Properties, PartialEq)]
pub struct LogProps {
    /// The step that is shown.
    pub at: usize,
    /// The last step.
    pub last: usize,
    /// A change of this is another packet.
    pub packet: usize,
    /// A step's line.
    pub entry: Callback<usize, Entry>,
    /// Go to a step.
    pub onseek: Callback<usize>,
}

/// Draws the lines around the current step.
#[component]
pub fn Log(props: &LogProps) -> Html {
    let words = use_words();
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with((props.at, props.packet), move |_| {
            let Some(list) = node.cast::<HtmlElement>() else { return };
            let current = list.query_selector("[aria-current]").ok().flatten();
            let Some(current) = current.and_then(|e| e.dyn_into::<HtmlElement>().ok()) else { return };
            if list.scroll_height() > list.client_height() + 1 {
                // Only the list scrolls, not the pane around it.
                let (top, end) = (current.offset_top(), current.offset_top() + current.offset_height());
                if top < list.scroll_top() || end > list.scroll_top() + list.client_height() {
                    list.set_scroll_top(end - list.client_height() * 2 / 3);
                }
            } else {
                let options = ScrollIntoViewOptions::new();
                options.set_block(ScrollLogicalPosition::Nearest);
                current.scroll_into_view_with_scroll_into_view_options(&options);
            }
        });
    }
    let range = props.at.saturating_sub(BEFORE)..(props.at + AFTER).min(props.last + 1);
    html! {
        <section class="log" aria-labelledby="log-title">
            <div class="head"><h2 id="log-title">{ words.get("log") }</h2></div>
            <ol ref={node} data-testid="log">
                { for range.map(|i| {
                    let entry = props.entry.emit(i);
                    html! {
                        <>
                            if let Some(heading) = entry.heading {
                                <li key={format!("heading-{i}")} class="hook">{ heading }</li>
                            }
                            <li key={i}>
                                <button type="button" class={classes!((i > props.at).then_some("ahead"))} data-testid="log-entry"
                                    data-index={i.to_string()} aria-current={(i == props.at).then_some("step")}
                                    onclick={props.onseek.reform(move |_: MouseEvent| i)}>
                                    <span class="no">{ i + 1 }</span>
                                    <span class={classes!("mark", entry.look.tone.class())} aria-hidden="true">{ entry.look.symbol }</span>
                                    <span>
                                        if let Some(host) = entry.host {
                                            <b class="host">{ host }</b>{ " " }
                                        }
                                        { entry.says }
                                    </span>
                                </button>
                            </li>
                        </>
                    }
                }) }
            </ol>
        </section>
    }
}
