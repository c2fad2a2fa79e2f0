//! Extensions that iptables 1.8.9 does not have, kept word for word.

use super::text::{SaveOptions, quote};
use smol_str::SmolStr;

/// A match or target of which only the words are known. It evaluates to *unknown*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The name after `-m` or `-j`.
    pub name: SmolStr,
    /// The words that belong to it.
    pub words: Vec<SmolStr>,
}

impl Unknown {
    /// Prints the words back.
    pub fn save(&self, out: &mut SaveOptions) {
        for word in &self.words {
            let bare = word == "!" || word.starts_with("--") || !word.contains([' ', '"', '\\', '\'']);
            if bare && !word.is_empty() { out.raw(word) } else { out.raw(quote(word)) }
        }
    }
}
