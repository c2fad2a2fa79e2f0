//! The page's address: which of its own labs is on show, and which host is open. Nothing of one's own stands in it.

use super::lab::LabName;
use super::state::State;
use gloo::utils::window;

/// Where the page is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// At the rules of one host.
    Rules,
    /// At a lab.
    Lab {
        /// One of the page's own; `None` for one that was opened.
        own: Option<String>,
        /// The open host.
        host: Option<String>,
    },
}

impl Route {
    /// Reads what stands behind `#`; `None` for what is no place of the page.
    pub fn read(hash: &str) -> Option<Route> {
        let hash = hash.trim_start_matches('#');
        if hash.is_empty() {
            return Some(Route::Rules);
        }
        let mut parts = hash.split('&').map(|part| part.split_once('=').unwrap_or((part, "")));
        let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        let ("lab", own) = parts.next()? else { return None };
        let host = parts.find(|(key, _)| *key == "host").and_then(|(_, value)| text(value));
        Some(Route::Lab { own: text(own), host })
    }

    /// The place that a state is at.
    pub fn of(state: &State) -> Route {
        let Some(stage) = &state.stage else { return Route::Rules };
        let own = match stage.lab.name() {
            LabName::Own(name) => Some((*name).to_owned()),
            LabName::File(_) => None,
        };
        let host = stage.opened.as_ref().map(|o| stage.lab.host_name(o.host).to_string());
        Route::Lab { own, host }
    }

    /// As it stands in the address, with `#`.
    pub fn hash(&self) -> String {
        match self {
            Route::Rules => "#".to_owned(),
            Route::Lab { own, host } => {
                let own = own.as_ref().map(|own| format!("={own}")).unwrap_or_default();
                let host = host.as_ref().map(|host| format!("&host={host}")).unwrap_or_default();
                format!("#lab{own}{host}")
            }
        }
    }
}

/// The place in the address now.
pub fn here() -> Option<Route> {
    Route::read(&window().location().hash().unwrap_or_default())
}

/// Puts a place into the address, as a step that the browser's "back" takes back.
pub fn go(route: &Route) {
    if here().as_ref() != Some(route) {
        let _ = window().location().set_hash(&route.hash());
    }
}
