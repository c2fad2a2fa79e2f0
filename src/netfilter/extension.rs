//! What iptables knows of its extensions: options as data, and the guided reading of them.
//!
//! iptables reads most extensions with one guided parser (`xtables_option_parse`): an option has a kind of
//! value and may be negated, be required, or be given once only. The tables here say that for each extension;
//! [`Args`] holds what a rule said; the extension's `build` makes a typed match or target of it.

use super::error::RuleError;
use super::value::{self, Value};
use super::{Family, Hook, Inv, Match, TableName, Target};
use crate::packet::Proto;

/// A match (`-m`) or a target (`-j`) that iptables 1.8.9 has, or an alias of one.
pub struct Extension {
    /// The name after `-m` or `-j`.
    pub name: &'static str,
    /// The families it exists for.
    pub families: &'static [Family],
    /// Its options, in the order in which iptables-save prints those of kept extensions.
    pub opts: &'static [Opt],
    /// Makes the typed thing of the options that a rule gave.
    pub build: Build,
    /// Whether the model evaluates it.
    pub fidelity: Fidelity,
    /// The tables in which the kernel takes it; empty: any.
    pub tables: &'static [TableName],
    /// The hooks from which the kernel takes it; empty: any.
    pub hooks: &'static [Hook],
}

/// How an extension becomes a part of a rule.
pub enum Build {
    /// A match.
    Match(fn(&Args) -> Result<Match, RuleError>),
    /// A target.
    Target(fn(&Args) -> Result<Target, RuleError>),
}

/// How far the model goes with an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fidelity {
    /// Read, printed and evaluated as Linux does.
    Modelled,
    /// Read, checked and printed; where a packet meets it the answer is *unknown*.
    Kept,
    /// Refused, as iptables 1.8.9 or Linux 6.18 refuse it.
    Refused,
}

/// Both families.
pub const BOTH: &[Family] = &[Family::Ip, Family::Ip6];
/// IPv4 alone.
pub const V4: &[Family] = &[Family::Ip];
/// IPv6 alone.
pub const V6: &[Family] = &[Family::Ip6];

/// One option of an extension.
#[derive(Clone, Copy)]
pub struct Opt {
    /// Its name without the two hyphens.
    pub name: &'static str,
    /// What its argument is.
    pub kind: value::Kind,
    /// `!` may stand before it.
    pub invert: bool,
    /// A rule must give it.
    pub required: bool,
    /// A rule may give it more than once.
    pub multi: bool,
    /// Another name of the option at this place in the table.
    pub alias: Option<&'static str>,
}

impl Opt {
    /// An option that takes a value of this kind, once, without negation.
    pub const fn new(name: &'static str, kind: value::Kind) -> Opt {
        Opt { name, kind, invert: false, required: false, multi: false, alias: None }
    }
    /// The same, and `!` may stand before it.
    pub const fn inv(mut self) -> Opt {
        self.invert = true;
        self
    }
    /// The same, and it must be given.
    pub const fn req(mut self) -> Opt {
        self.required = true;
        self
    }
    /// The same, and it may be repeated.
    pub const fn many(mut self) -> Opt {
        self.multi = true;
        self
    }
    /// The same, read under a second name as well.
    pub const fn or(mut self, alias: &'static str) -> Opt {
        self.alias = Some(alias);
        self
    }
}

/// One option as a rule gave it.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// Its place in [`Extension::opts`].
    pub opt: usize,
    /// `!` stood before it.
    pub not: bool,
    /// Its value.
    pub value: Value,
}

/// All that a rule gave to one extension, and the rule's surroundings that an extension may ask for.
pub struct Args<'a> {
    /// The extension.
    pub ext: &'static Extension,
    /// Its options, in the rule's order.
    pub given: &'a [Arg],
    /// The family of the table.
    pub family: Family,
    /// `-p`.
    pub proto: Option<Inv<Proto>>,
}

impl<'a> Args<'a> {
    /// The option, if the rule gave it.
    ///
    /// Panics if the extension has no such option: a broken table.
    pub fn get(&self, name: &str) -> Option<&'a Arg> {
        let place = self.ext.opts.iter().position(|o| o.name == name);
        let place = place.expect("an extension asks for its own options");
        self.given.iter().rev().find(|a| a.opt == place)
    }

    /// True if the rule gave the option.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The option's value with its negation, made into what the match holds.
    pub fn map<T>(&self, name: &str, f: impl FnOnce(&Value) -> T) -> Option<Inv<T>> {
        self.get(name).map(|a| Inv { not: a.not, value: f(&a.value) })
    }

    /// The text of an option of kind [`value::Kind::Text`].
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.get(name).map(|a| a.value.text())
    }

    /// The number of an option of a numeric kind.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name).map(|a| a.value.number())
    }

    /// An error in the extension's own words.
    pub fn said(&self, message: impl Into<String>) -> RuleError {
        RuleError::Said(message.into())
    }

    /// The protocol the rule is bound to by `-p` without `!`.
    pub fn bound_proto(&self) -> Option<Proto> {
        self.proto.filter(|p| !p.not && p.value != Proto::ALL).map(|p| p.value)
    }
}

/// Checks an option's argument as `xtables_option_parse` does before an extension sees it.
pub fn check_once(ext: &Extension, given: &[Arg], opt: usize, not: bool) -> Result<(), RuleError> {
    let option = &ext.opts[opt];
    if not && !option.invert {
        return Err(RuleError::NoInvert { ext: ext.name, opt: option.name });
    }
    if !option.multi && given.iter().any(|a| a.opt == opt) {
        return Err(RuleError::OnlyOnce { ext: ext.name, opt: option.name });
    }
    Ok(())
}

/// Checks that all that must be given is (`xtables_option_mfcall`'s first half).
pub fn check_required(ext: &Extension, given: &[Arg]) -> Result<(), RuleError> {
    match ext.opts.iter().enumerate().find(|(i, o)| o.required && !given.iter().any(|a| a.opt == *i)) {
        Some((_, missing)) => Err(RuleError::Required { ext: ext.name, opt: missing.name }),
        None => Ok(()),
    }
}
