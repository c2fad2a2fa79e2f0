//! What the model does like Linux, what it only keeps, and what it refuses.

use super::look::Look;
use super::sheet::Sheet;
use super::words::use_words;
use crate::netfilter::extension::Fidelity;
use crate::netfilter::support::{SupportKind, Supported, support};
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// Properties of [`Support`].
#[derive(Properties, PartialEq)]
pub struct SupportProps {
    /// It wants to be closed.
    pub onclose: Callback<()>,
}

/// A match or target as a row: how a rule writes it, its options, those that are only kept marked.
struct Row {
    name: String,
    options: Vec<(String, Fidelity)>,
    fidelity: Fidelity,
}

fn rows() -> Vec<Row> {
    let row = |s: Supported| Row {
        name: match s.kind {
            SupportKind::Core => s.name.to_owned(),
            SupportKind::Match => format!("-m {}", s.name),
            SupportKind::Target => format!("-j {}", s.name),
        },
        options: s.options.into_iter().map(|o| (o.name, o.status)).collect(),
        fidelity: s.status,
    };
    support().into_iter().map(row).collect()
}

/// The sheet.
#[component]
pub fn Support(props: &SupportProps) -> Html {
    let words = use_words();
    let rows = use_memo((), |()| rows());
    let wanted = use_state_eq(String::new);
    let oninput = {
        let wanted = wanted.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                wanted.set(input.value().to_lowercase());
            }
        })
    };
    let shown: Vec<&Row> = rows
        .iter()
        .filter(|r| {
            r.name.to_lowercase().contains(&*wanted) || r.options.iter().any(|o| o.0.contains(&**wanted))
        })
        .collect();
    let status = |fidelity: Fidelity| match fidelity {
        Fidelity::Modelled => (Look::YES, words.get("support-modelled")),
        Fidelity::Kept => (Look::MAYBE, words.get("support-kept")),
        Fidelity::Refused => (Look::NO, words.get("support-refused")),
    };
    let legend = [
        (Fidelity::Modelled, words.get("support-modelled-hint")),
        (Fidelity::Kept, words.get("support-kept-hint")),
        (Fidelity::Refused, words.get("support-refused-hint")),
    ];
    html! {
        <Sheet name="support" title={words.get("support-title")} onclose={props.onclose.clone()}>
            <div class="sheet-body">
                <p>{ words.get("support-lead") }</p>
                <ul class="legend">
                    { for legend.into_iter().map(|(fidelity, hint)| {
                        let (look, word) = status(fidelity);
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
                <table class="facts">
                    <thead>
                        <tr>
                            <th scope="col">{ words.get("support-name") }</th>
                            <th scope="col">{ words.get("support-options") }</th>
                            <th scope="col">{ words.get("support-status") }</th>
                        </tr>
                    </thead>
                    <tbody>
                        { for shown.into_iter().map(|row| {
                            let (look, word) = status(row.fidelity);
                            html! {
                                <tr key={row.name.clone()}>
                                    <td><code>{ &row.name }</code></td>
                                    <td>{ for row.options.iter().map(|(name, fidelity)| {
                                        let mark = if *fidelity == row.fidelity { "" } else { status(*fidelity).0.symbol };
                                        html! { <><code class="faint">{ name }{ mark }</code>{ " " }</> }
                                    }) }</td>
                                    <td class={classes!("answer", look.tone.class())}>
                                        <span aria-hidden="true">{ look.symbol }{ " " }</span>{ word }
                                    </td>
                                </tr>
                            }
                        }) }
                    </tbody>
                </table>
            </div>
        </Sheet>
    }
}
