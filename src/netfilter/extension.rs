//! What iptables knows of its extensions: options as data, and the guided reading of them.
//!
//! iptables reads most extensions with one guided parser (`xtables_option_parse`): an option has a kind of
//! value and may be negated, be required, exclude another, or be given once only. The tables here say that for
//! each extension; [`Args`] holds what a rule said; the extension's `build` makes a typed match or target of it.

use super::error::RuleError;
use super::value::{self, Value};
use super::{Family, Hook, Inv, Match, TableName, Target};
use crate::packet::Proto;

/// A match (`-m`) or a target (`-j`) that iptables 1.8.9 has.
pub struct Extension {
    /// The name after `-m` or `-j`.
    pub name: &'static str,
    /// The families it exists for.
    pub families: &'static [Family],
    /// Its options. Those of kept extensions are printed in this order.
    pub opts: &'static [Opt],
    /// What the extension checks of all its options together, before what the table says of them is checked.
    pub check: Option<Check>,
    /// Makes the typed thing of the options that a rule gave.
    pub build: Build,
    /// Whether the model evaluates it.
    pub fidelity: Fidelity,
    /// Options of a modelled extension that are read and printed, though not evaluated.
    pub ignored: &'static [&'static str],
    /// The tables in which the kernel takes it; empty: any.
    pub tables: &'static [TableName],
    /// The hooks from which the kernel takes it, through jumps too; empty: any.
    pub hooks: &'static [Hook],
    /// The protocols that `-p` must name for the kernel to take it; empty: any, or none.
    pub protos: &'static [Proto],
    /// Linux 6.18 has no such module: iptables warns, and the kernel finds nothing.
    pub missing: bool,
}

/// A check of an extension's options.
pub type Check = fn(&Args) -> Result<(), RuleError>;

/// How an extension becomes a part of a rule.
#[derive(Clone, Copy)]
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

impl Extension {
    const fn new(
        name: &'static str,
        families: &'static [Family],
        opts: &'static [Opt],
        build: Build,
    ) -> Self {
        Extension {
            name,
            families,
            opts,
            check: None,
            build,
            fidelity: Fidelity::Modelled,
            ignored: &[],
            tables: &[],
            hooks: &[],
            protos: &[],
            missing: false,
        }
    }

    /// A modelled match that the kernel takes everywhere.
    pub const fn a_match(
        name: &'static str,
        families: &'static [Family],
        opts: &'static [Opt],
        build: fn(&Args) -> Result<Match, RuleError>,
    ) -> Self {
        Extension::new(name, families, opts, Build::Match(build))
    }

    /// A modelled target that the kernel takes everywhere.
    pub const fn a_target(
        name: &'static str,
        families: &'static [Family],
        opts: &'static [Opt],
        build: fn(&Args) -> Result<Target, RuleError>,
    ) -> Self {
        Extension::new(name, families, opts, Build::Target(build))
    }

    /// The same, with a check of its own.
    pub const fn check(mut self, check: Check) -> Self {
        self.check = Some(check);
        self
    }

    /// The same, of another fidelity.
    pub const fn fidelity(mut self, fidelity: Fidelity) -> Self {
        self.fidelity = fidelity;
        self
    }

    /// The same, with options that are not evaluated.
    pub const fn ignoring(mut self, ignored: &'static [&'static str]) -> Self {
        self.ignored = ignored;
        self
    }

    /// The same, in these tables only.
    pub const fn tables(mut self, tables: &'static [TableName]) -> Self {
        self.tables = tables;
        self
    }

    /// The same, from these hooks only.
    pub const fn hooks(mut self, hooks: &'static [Hook]) -> Self {
        self.hooks = hooks;
        self
    }

    /// The same, with these protocols only.
    pub const fn protos(mut self, protos: &'static [Proto]) -> Self {
        self.protos = protos;
        self
    }

    /// The same, of which the kernel has no module.
    pub const fn missing(mut self) -> Self {
        self.missing = true;
        self.fidelity = Fidelity::Refused;
        self
    }

    /// The place of an option by its name or another of its names.
    pub fn opt(&self, name: &str) -> Option<usize> {
        self.opts.iter().position(|o| o.is(name))
    }
}

/// Finds an extension in a table that is sorted by name.
pub fn find(table: &'static [&'static Extension], name: &str, family: Family) -> Option<&'static Extension> {
    let first = table.partition_point(|e| e.name < name);
    table[first..].iter().take_while(|e| e.name == name).find(|e| e.families.contains(&family)).copied()
}

/// One option of an extension.
#[derive(Clone, Copy)]
pub struct Opt {
    /// Its name without the two hyphens.
    pub name: &'static str,
    /// Its other names.
    pub aliases: &'static [&'static str],
    /// What its argument is.
    pub kind: value::Kind,
    /// `!` may stand before it.
    pub invert: bool,
    /// A rule must give it.
    pub required: bool,
    /// A rule may give it more than once.
    pub multi: bool,
    /// Options that may not stand beside it.
    pub excludes: &'static [&'static str],
    /// Options that must stand beside it.
    pub also: &'static [&'static str],
}

impl Opt {
    /// An option that takes a value of this kind, once, without negation.
    pub const fn new(name: &'static str, kind: value::Kind) -> Opt {
        Opt {
            name,
            aliases: &[],
            kind,
            invert: false,
            required: false,
            multi: false,
            excludes: &[],
            also: &[],
        }
    }
    /// An option without an argument.
    pub const fn flag(name: &'static str) -> Opt {
        Opt::new(name, value::Kind::None)
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
    /// The same, under other names as well.
    pub const fn or(mut self, aliases: &'static [&'static str]) -> Opt {
        self.aliases = aliases;
        self
    }
    /// The same, and not beside these.
    pub const fn not_with(mut self, excludes: &'static [&'static str]) -> Opt {
        self.excludes = excludes;
        self
    }
    /// The same, and only beside these.
    pub const fn with(mut self, also: &'static [&'static str]) -> Opt {
        self.also = also;
        self
    }

    /// True if that is one of its names.
    pub fn is(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    /// All its names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
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
    /// The option as it was given last; `None` if the rule did not give it or the extension has none such.
    pub fn get(&self, name: &str) -> Option<&'a Arg> {
        let place = self.ext.opt(name)?;
        self.given.iter().rev().find(|a| a.opt == place)
    }

    /// True if the rule gave the option.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// True if the rule gave the option with `!`.
    pub fn not(&self, name: &str) -> bool {
        self.get(name).is_some_and(|a| a.not)
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

    /// Value and mask of an option of kind [`value::Kind::MarkMask`].
    pub fn mark(&self, name: &str) -> Option<Inv<(u32, u32)>> {
        self.map(name, Value::mark)
    }

    /// The name of the option at a place.
    pub fn name_of(&self, arg: &Arg) -> &'static str {
        self.ext.opts[arg.opt].name
    }

    /// The protocol the rule is bound to by `-p` without `!`.
    pub fn bound_proto(&self) -> Option<Proto> {
        self.proto.filter(|p| !p.not && p.value != Proto::ALL).map(|p| p.value)
    }
}

/// An error in the extension's own words.
pub fn said<T>(message: impl Into<String>) -> Result<T, RuleError> {
    Err(RuleError::Said(message.into()))
}

/// Checks an option as `xtables_option_parse` does before it reads the argument.
pub fn check_once(ext: &Extension, given: &[Arg], opt: usize, not: bool) -> Result<(), RuleError> {
    let option = &ext.opts[opt];
    if !option.multi && given.iter().any(|a| a.opt == opt) {
        return Err(RuleError::OnlyOnce { ext: ext.name, opt: option.name });
    }
    if not && !option.invert {
        return Err(RuleError::NoInvert { ext: ext.name, opt: option.name });
    }
    Ok(())
}

/// Checks what the table says of the options together (`xtables_options_fcheck`).
pub fn check_all(ext: &Extension, given: &[Arg]) -> Result<(), RuleError> {
    let has = |name: &&'static str| given.iter().any(|a| ext.opts[a.opt].is(name));
    let ext_name = ext.name;
    for (place, option) in ext.opts.iter().enumerate() {
        let opt = option.name;
        if !given.iter().any(|a| a.opt == place) {
            if option.required {
                return Err(RuleError::Required { ext: ext_name, opt });
            }
            continue;
        }
        if let Some(&other) = option.also.iter().find(|o| !has(o)) {
            return Err(RuleError::AlsoRequires { ext: ext_name, opt, other });
        }
        if let Some(&other) = option.excludes.iter().find(|o| has(o)) {
            return Err(RuleError::NotTogether { ext: ext_name, opt, other });
        }
    }
    Ok(())
}
