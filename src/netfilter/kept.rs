//! Extensions that are read, checked and printed back in iptables' own form, though the model does not evaluate
//! them.

use super::extension::Args;
use super::text::SaveOptions;
use super::value::{Kind, Value};
use super::{Inv, Match, RuleError, Target};
use smol_str::SmolStr;
use std::fmt::Display;

/// A match or target by its name, and its options as iptables-save prints them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The name after `-m` or `-j`.
    pub name: &'static str,
    /// The options, in the order in which they are printed.
    pub opts: Vec<KeptOpt>,
}

/// One option as it is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptOpt {
    /// Its name without the two hyphens.
    pub name: &'static str,
    /// `!` stands before it.
    pub not: bool,
    /// Its value; empty where it takes none.
    pub value: SmolStr,
}

impl Kept {
    /// Nothing of an extension's options yet.
    pub(super) fn new(args: &Args) -> Kept {
        Kept { name: args.ext.name, opts: Vec::new() }
    }

    /// Each option that a rule gave, in the table's order.
    pub(super) fn all(args: &Args) -> Kept {
        let mut kept = Kept::new(args);
        for (place, option) in args.ext.opts.iter().enumerate() {
            for given in args.given.iter().filter(|a| a.opt == place) {
                let value = match (option.kind, &given.value) {
                    (Kind::Range(max), Value::Range(0, high)) if *high == max => continue,
                    (_, value) => value.to_string(),
                };
                kept.push(option.name, given.not, value);
            }
        }
        kept
    }

    /// Adds an option.
    pub(super) fn push(&mut self, name: &'static str, not: bool, value: impl Display) {
        self.opts.push(KeptOpt { name, not, value: value.to_string().into() });
    }

    /// Adds an option that a rule gave, with what is printed of its value.
    pub(super) fn put<T: Display>(&mut self, name: &'static str, value: Option<Inv<T>>) {
        if let Some(Inv { not, value }) = value {
            self.push(name, not, value);
        }
    }

    /// Adds an option without a value, if a rule gave it.
    pub(super) fn flag(&mut self, args: &Args, name: &'static str) {
        if let Some(given) = args.get(name) {
            self.push(name, given.not, "");
        }
    }

    /// Prints the options.
    pub(super) fn save(&self, out: &mut SaveOptions) {
        for opt in &self.opts {
            out.option(opt.name, Inv { not: opt.not, value: &opt.value });
        }
    }

    /// As a match.
    pub(super) fn into_match(self) -> Result<Match, RuleError> {
        Ok(Match::Kept(Box::new(self)))
    }

    /// As a target.
    pub(super) fn into_target(self) -> Result<Target, RuleError> {
        Ok(Target::Kept(Box::new(self)))
    }

    /// True if it has the option.
    pub(super) fn has(&self, name: &str) -> bool {
        self.opts.iter().any(|o| o.name == name)
    }

    /// The value of an option.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.opts.iter().find(|o| o.name == name).map(|o| o.value.as_str())
    }
}
