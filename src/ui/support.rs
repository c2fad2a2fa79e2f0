//! What the model does like Linux, what it only keeps, and what it refuses: the list that the command line
//! prints too.

use super::look::Look;
use super::sheet::Sheet;
use super::words::{Words, use_words};
use crate::netfilter::extension::Fidelity;
use crate::netfilter::support::{SupportKind, Supported, SupportedOption, support};
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// Properties of [`Support`].
#[derive(Properties, PartialEq)]
pub struct SupportProps {
    /// It wants to be closed.
    pub onclose: Callback<()>,
}

/// The sheet.
#[component]
pub fn Support(props: &SupportProps) -> Html {
    let words = use_words();
    let all = use_memo((), |()| support());
    let wanted = use_state_eq(String::new);
    let oninput = {
        let wanted = wanted.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                wanted.set(input.value().trim().to_lowercase());
            }
        })
    };
    let shown: Vec<&Supported> = all.iter().filter(|s| fits(s, &wanted)).collect();
    let legend = [
        (Fidelity::Modelled, words.get("support-modelled-hint")),
        (Fidelity::Kept, words.get("support-kept-hint")),
        (Fidelity::Refused, words.get("support-refused-hint")),
    ];
    html! {
        <Sheet name="support" title={words.get("support-title")} onclose={props.onclose.clone()}>
            <div class="sheet-body" tabindex="0" role="group" aria-label={words.get("support-title")}>
                <p>{ words.get("support-lead") }</p>
                <ul class="legend">
                    { for legend.into_iter().map(|(fidelity, hint)| {
                        let (look, word) = status(fidelity, &words);
                        html! { <li><b class={look.tone.class()}>{ look.symbol }{ " " }{ word }</b>{ " " }{ hint }</li> }
                    }) }
                </ul>
                <div class="filter-line">
                    <label class="field">
                        <span>{ words.get("support-filter") }</span>
                        <input data-testid="support-filter" type="search" {oninput} autocomplete="off" spellcheck="false" />
                    </label>
                </div>
                <p role="status">{ words.with("support-count", &[("n", shown.len().into())]) }</p>
                <table class="facts" data-testid="support-list">
                    <thead>
                        <tr>
                            <th scope="col">{ words.get("support-name") }</th>
                            <th scope="col">{ words.get("support-options") }</th>
                            <th scope="col">{ words.get("support-status") }</th>
                        </tr>
                    </thead>
                    <tbody>{ for shown.into_iter().map(|s| row(s, &words)) }</tbody>
                </table>
            </div>
        </Sheet>
    }
}

fn fits(supported: &Supported, wanted: &str) -> bool {
    let option =
        |o: &SupportedOption| o.name.contains(wanted) || o.aliases.iter().any(|a| a.contains(wanted));
    supported.name.to_lowercase().contains(wanted) || supported.options.iter().any(option)
}

fn status(fidelity: Fidelity, words: &Words) -> (Look, AttrValue) {
    match fidelity {
        Fidelity::Modelled => (Look::YES, words.get("support-modelled")),
        Fidelity::Kept => (Look::MAYBE, words.get("support-kept")),
        Fidelity::Refused => (Look::NO, words.get("support-refused")),
    }
}

fn row(supported: &Supported, words: &Words) -> Html {
    let (look, word) = status(supported.status, words);
    let name = match supported.kind {
        SupportKind::Core => words.get("support-core"),
        SupportKind::Match => format!("-m {}", supported.name).into(),
        SupportKind::Target => format!("-j {}", supported.name).into(),
    };
    // An extension of one family only says so.
    let family = match supported.families.as_slice() {
        [only] if only.is_v4() => " (IPv4)",
        [_] => " (IPv6)",
        _ => "",
    };
    html! {
        <tr key={name.to_string()}>
            <td><code>{ &name }</code>{ family }</td>
            <td class="options">
                { for supported.options.iter().map(|option| {
                    // An option that does as its extension does needs no mark of its own.
                    let own = (option.status != supported.status).then(|| status(option.status, words));
                    html! {
                        <>
                            <code>{ &option.name }</code>
                            if let Some((look, word)) = own {
                                <span class={look.tone.class()}>{ " " }{ look.symbol }{ " " }{ word }</span>
                            }
                            { " " }
                        </>
                    }
                }) }
            </td>
            <td class={classes!("answer", look.tone.class())}>
                <span aria-hidden="true">{ look.symbol }{ " " }</span>{ word }
            </td>
        </tr>
    }
}
