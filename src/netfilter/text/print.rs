//! What a listing (`-L`) prints of matches and targets, which is not what iptables-save prints.

use super::super::{Family, services};
use super::save::SaveOptions;
use crate::packet::Proto;
use std::fmt::{Display, Write};

/// Collects what a listing says of one rule's matches and target.
pub struct Print<'a> {
    out: &'a mut String,
    /// The family whose program prints.
    pub family: Family,
    /// The rule's `-p`, if it has one without `!`.
    pub proto: Option<Proto>,
    /// `-n`: numbers instead of names.
    pub numeric: bool,
}

impl<'a> Print<'a> {
    /// Writes behind what is there.
    pub(in super::super) fn new(
        out: &'a mut String,
        family: Family,
        proto: Option<Proto>,
        numeric: bool,
    ) -> Self {
        Print { out, family, proto, numeric }
    }

    /// Words, with a blank before them.
    pub fn words(&mut self, words: impl Display) {
        let _ = write!(self.out, " {words}");
    }

    /// Words as they are.
    pub fn bare(&mut self, words: impl Display) {
        let _ = write!(self.out, "{words}");
    }

    /// The words that iptables-save prints, each option without its hyphens.
    pub(in super::super) fn as_saved(&mut self, save: impl FnOnce(&mut SaveOptions)) {
        let mut words = String::new();
        save(&mut SaveOptions::new(&mut words, self.family, self.proto));
        self.bare(words.replace(" --", " "));
    }

    /// The words that iptables-save prints.
    pub(in super::super) fn word_for_word(&mut self, save: impl FnOnce(&mut SaveOptions)) {
        save(&mut SaveOptions::new(self.out, self.family, self.proto));
    }

    /// `!` if it is negated, else nothing: as most extensions write it.
    pub fn not(not: bool) -> &'static str {
        if not { "!" } else { "" }
    }

    /// A port by its service's name for a protocol, or by its number.
    pub fn port(&self, port: u16, proto: Option<Proto>) -> String {
        let name = if self.numeric { None } else { services::name_of(port, proto) };
        name.map_or_else(|| port.to_string(), str::to_owned)
    }
}
