//! What the page remembers: between visits the language and the theme, until the tab is closed what was opened. The only file that touches the browser's storage.
//!
//! Storage that is blocked or broken is no error: the page then asks the browser's settings each time.

use crate::say::Lang;
use gloo::storage::{LocalStorage, SessionStorage, Storage};
use gloo::utils::window;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

const LANG: &str = "vitrine.lang";
const THEME: &str = "vitrine.theme";
const RULES: &str = "vitrine.rules";
const LAB: &str = "vitrine.lab";

/// Rules or a lab that somebody opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The file's name, if it came from one.
    pub name: Option<Rc<str>>,
    /// The text.
    pub text: Rc<str>,
    /// The host's description that came with rules.
    pub host: Rc<str>,
}

/// The rules that were opened in this tab.
pub fn rules() -> Option<Kept> {
    SessionStorage::get(RULES).ok()
}

/// The lab that was opened in this tab.
pub fn lab() -> Option<Kept> {
    SessionStorage::get(LAB).ok()
}

/// Remembers rules until the tab is closed, or forgets them.
pub fn keep_rules(kept: Option<&Kept>) {
    keep(RULES, kept);
}

/// Remembers a lab until the tab is closed, or forgets it.
pub fn keep_lab(kept: Option<&Kept>) {
    keep(LAB, kept);
}

fn keep(key: &str, kept: Option<&Kept>) {
    // What is too large for the storage is not kept, nor is what was kept before it.
    SessionStorage::delete(key);
    if let Some(kept) = kept {
        let _ = SessionStorage::set(key, kept);
    }
}

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark ink on light ground.
    Light,
    /// Light ink on dark ground.
    Dark,
}

impl Theme {
    /// As `<html data-theme>` has it.
    pub fn name(self) -> &'static str {
        match self {
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The other one.
    pub fn other(self) -> Theme {
        match self {
            Theme::Light => Theme::Dark,
            Theme::Dark => Theme::Light,
        }
    }
}

/// The language chosen before, or else the browser's first that the page speaks, or else English.
pub fn lang() -> Lang {
    let chosen = LocalStorage::get::<String>(LANG).ok().and_then(|tag| Lang::of_tag(&tag));
    let browsers = || {
        let tags = window().navigator().languages();
        tags.iter().filter_map(|tag| tag.as_string()).find_map(|tag| Lang::of_tag(&tag))
    };
    chosen.or_else(browsers).unwrap_or(Lang::En)
}

/// Remembers the language.
pub fn keep_lang(lang: Lang) {
    let _ = LocalStorage::set(LANG, lang.tag());
}

/// The theme chosen before, or else the system's.
pub fn theme() -> Theme {
    let chosen = match LocalStorage::get::<String>(THEME).ok().as_deref() {
        Some("dark") => Some(Theme::Dark),
        Some("light") => Some(Theme::Light),
        _ => None,
    };
    let systems = || {
        let dark = window().match_media("(prefers-color-scheme: dark)").ok().flatten()?;
        Some(if dark.matches() { Theme::Dark } else { Theme::Light })
    };
    chosen.or_else(systems).unwrap_or(Theme::Light)
}

/// Remembers the theme.
pub fn keep_theme(theme: Theme) {
    let _ = LocalStorage::set(THEME, theme.name());
}
