//! Rules and rulesets as iptables-save 1.8.9 (nf_tables) prints them.

use super::super::{
    ChainKind, ChainName, Counters, Family, Hook, Inv, Policy, Rule, Ruleset, Table, TableName, Target,
};
use super::words::quote;
use crate::packet::Proto;
use std::fmt::{self, Display, Write};

/// Collects the options of one match or target.
pub struct SaveOptions<'a> {
    out: &'a mut String,
    /// The family whose program prints.
    pub family: Family,
    /// The rule's `-p`, if it has one without `!`.
    pub proto: Option<Proto>,
}

impl<'a> SaveOptions<'a> {
    /// Writes behind what is there.
    pub(in super::super) fn new(out: &'a mut String, family: Family, proto: Option<Proto>) -> Self {
        SaveOptions { out, family, proto }
    }

    /// ` --name`.
    pub fn flag(&mut self, name: &str) {
        self.put(false, name, "");
    }

    /// ` [!] --name VALUE`.
    pub fn option<T: Display>(&mut self, name: &str, value: Inv<T>) {
        self.put(value.not, name, value.value);
    }

    /// ` --name VALUE`.
    pub fn value(&mut self, name: &str, value: impl Display) {
        self.put(false, name, value);
    }

    /// ` --name TEXT`, quoted where it needs it.
    pub fn quoted(&mut self, name: &str, text: &str) {
        self.put(false, name, quote(text));
    }

    /// Any words, with a blank before them.
    pub fn raw(&mut self, words: impl Display) {
        let _ = write!(self.out, " {words}");
    }

    fn put(&mut self, not: bool, name: &str, value: impl Display) {
        let not = if not { " !" } else { "" };
        let _ = write!(self.out, "{not} --{name}");
        let before = self.out.len();
        let _ = write!(self.out, " {value}");
        if self.out.len() == before + 1 {
            self.out.truncate(before);
        }
    }
}

/// One rule as `-A CHAIN …`, without counters.
pub fn rule_line(family: Family, chain: &ChainName, rule: &Rule) -> String {
    let mut out = String::with_capacity(96);
    let _ = write!(out, "-A {chain}");
    rule_words(&mut out, family, rule);
    out
}

/// A rule's words after `-A CHAIN`, each with a blank before it.
pub fn rule_words(out: &mut String, family: Family, rule: &Rule) {
    rule_words_counting(out, family, rule, None);
}

/// The same, with `-c PACKETS BYTES` before the target.
pub fn rule_words_counting(out: &mut String, family: Family, rule: &Rule, counters: Option<Counters>) {
    fn core<T: Display>(out: &mut String, name: char, value: &Option<Inv<T>>) {
        if let Some(value) = value {
            let _ = write!(out, "{} -{name} {}", if value.not { " !" } else { "" }, value.value);
        }
    }
    core(out, 's', &rule.src);
    core(out, 'd', &rule.dst);
    core(out, 'i', &rule.iif);
    core(out, 'o', &rule.oif);
    core(out, 'p', &rule.proto);
    match rule.fragment {
        Some(true) => out.push_str(" -f"),
        Some(false) => out.push_str(" ! -f"),
        None => {}
    }
    let proto = rule.proto.filter(|p| !p.not).map(|p| p.value);
    for m in &rule.matches {
        let _ = write!(out, " -m {}", m.name());
        m.save(&mut SaveOptions::new(out, family, proto));
    }
    if let Some(counters) = counters {
        let _ = write!(out, " -c {} {}", counters.packets, counters.bytes);
    }
    match &rule.target {
        Target::None => {}
        Target::Goto(chain) => {
            let _ = write!(out, " -g {chain}");
        }
        target => {
            let _ = write!(out, " -j {}", target.name());
            target.save(&mut SaveOptions::new(out, family, proto));
        }
    }
}

/// A whole dump.
pub struct Save<'a> {
    /// What to print.
    pub ruleset: &'a Ruleset,
    /// Print the counters that the text brought (`iptables-save -c`).
    pub counters: bool,
}

impl fmt::Display for Save<'_> {
    /// Without the two comment lines around each table, which hold the date.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ruleset.tables.iter().try_for_each(|(name, table)| self.table(f, *name, table, self.counters))
    }
}

impl Save<'_> {
    /// What the program itself prints: the counters of policies in any case, those of rules if they are asked for.
    pub fn with_policies(&self) -> String {
        let mut out = String::new();
        for (name, table) in &self.ruleset.tables {
            let _ = self.table(&mut out, *name, table, true);
        }
        out
    }

    fn table(&self, f: &mut impl Write, name: TableName, table: &Table, policies: bool) -> fmt::Result {
        writeln!(f, "*{name}")?;
        // A built-in chain that is not there yet is printed as it would be when it comes.
        for hook in Hook::ALL.into_iter().filter(|h| name.hooks().contains(h)) {
            let (policy, counters) = match table.chain(&hook.into()).map(|c| c.kind) {
                Some(ChainKind::Base { policy, counters, .. }) => (policy, counters),
                _ => (Policy::Accept, None),
            };
            let counters = counters.filter(|_| policies).unwrap_or_default();
            writeln!(f, ":{hook} {policy} {counters}")?;
        }
        for (chain, _) in table.chains.iter().filter(|(_, c)| c.kind == ChainKind::User) {
            writeln!(f, ":{chain} - [0:0]")?;
        }
        for (chain, rule) in table.in_order().flat_map(|(n, c)| c.rules.iter().map(move |r| (n, r))) {
            if self.counters {
                // ip6tables-restore 1.8.9 (nf_tables) loses what a rule had counted, even with -c.
                let v4 = self.ruleset.family.is_v4();
                write!(f, "{} ", if v4 { rule.counters } else { Counters::default() })?;
            }
            writeln!(f, "{}", rule_line(self.ruleset.family, chain, rule))?;
        }
        writeln!(f, "COMMIT")
    }
}
