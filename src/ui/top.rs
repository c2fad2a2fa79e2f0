//! The bar on top: the sign, which machine is in the case, and the page's switches.

use super::brand::Brand;
use super::icon::{Glyph, Icon};
use super::state::{Action, Sheets};
use super::storage::Theme;
use super::words::{own_name, use_words};
use crate::say::Lang;
use yew::prelude::*;

/// Properties of [`Top`].
#[derive(Properties, PartialEq)]
pub struct TopProps {
    /// The machine's name.
    pub specimen: AttrValue,
    /// Its size in words.
    pub facts: AttrValue,
    /// How many remarks there are about its rules.
    pub remarks: usize,
    /// Light or dark.
    pub theme: Theme,
    /// What was pressed.
    pub act: Callback<Action>,
}

/// Draws it.
#[component]
pub fn Top(props: &TopProps) -> Html {
    let words = use_words();
    let act = |action: fn() -> Action| props.act.reform(move |_: MouseEvent| action());
    let theme_label = match props.theme {
        Theme::Light => words.get("theme-to-dark"),
        Theme::Dark => words.get("theme-to-light"),
    };
    html! {
        <header class="top">
            <Brand />
            <div class="specimen">
                <strong data-testid="specimen">{ &props.specimen }</strong>
                <span>{ &props.facts }</span>
                if props.remarks > 0 {
                    <button type="button" class="chip is-unknown" data-testid="remarks" onclick={act(|| Action::Open(Sheets::Dump))}>
                        <span aria-hidden="true">{ "! " }</span>
                        { words.with("remarks", &[("n", props.remarks.into())]) }
                    </button>
                }
            </div>
            <span class="push"></span>
            <button type="button" class="button quiet" data-testid="support-open" onclick={act(|| Action::Open(Sheets::Support))}>
                <Icon glyph={Glyph::List} /><span class="text">{ words.get("support") }</span>
            </button>
            <button type="button" class="button" data-testid="dump-open" onclick={act(|| Action::Open(Sheets::Dump))}>
                <Icon glyph={Glyph::Open} /><span class="text">{ words.get("open-rules") }</span>
            </button>
            <div class="switch" role="group" aria-label={words.get("language")}>
                { for Lang::ALL.into_iter().map(|lang| {
                    let here = words.lang() == lang;
                    html! {
                        <button type="button" lang={lang.tag()} aria-pressed={here.to_string()}
                            data-testid={(!here).then_some("lang-switch")}
                            onclick={props.act.reform(move |_: MouseEvent| Action::Speak(lang))}>
                            { own_name(lang) }
                        </button>
                    }
                }) }
            </div>
            <button type="button" class="button quiet square" data-testid="theme-switch" aria-label={theme_label.clone()}
                title={theme_label} onclick={act(|| Action::SwitchTheme)}>
                <Icon glyph={Glyph::Theme} />
            </button>
            <button type="button" class="button quiet square wide" data-testid="keys-open" aria-label={words.get("keys")}
                title={words.get("keys")} onclick={act(|| Action::Open(Sheets::Keys))}>
                <Icon glyph={Glyph::Keys} />
            </button>
        </header>
    }
}
