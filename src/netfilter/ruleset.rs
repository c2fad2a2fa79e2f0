//! Tables, chains, and where in them a rule stands.

use super::{Counters, Family, Hook, Rule, TableName};
use serde::Serialize;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A chain's name, at most 28 bytes (`XT_EXTENSION_MAXNAMELEN` less its end mark).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ChainName(SmolStr);

impl ChainName {
    /// The longest name, in bytes.
    pub const MAX: usize = 28;

    /// Takes any text; [`crate::netfilter::text`] checks it as iptables does.
    pub fn new(name: &str) -> Self {
        ChainName(SmolStr::new(name))
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Hook> for ChainName {
    fn from(hook: Hook) -> Self {
        ChainName(SmolStr::new_static(hook.name()))
    }
}

impl fmt::Display for ChainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What happens to a packet at the end of a base chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Policy {
    /// It goes on.
    #[default]
    Accept,
    /// It is gone.
    Drop,
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Policy::Accept => "ACCEPT",
            Policy::Drop => "DROP",
        })
    }
}

/// Whether a chain is the kernel's or the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainKind {
    /// Entered at a hook; has a policy.
    Base {
        /// Where it is entered.
        hook: Hook,
        /// What its end means.
        policy: Policy,
        /// What the policy had counted when the text was written; `None` for a chain that a rule brought in:
        /// its policy does not count, until somebody sets it.
        counters: Option<Counters>,
    },
    /// Entered by a jump; its end returns.
    User,
}

/// A list of rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// Base or user chain.
    pub kind: ChainKind,
    /// The rules, first asked first.
    pub rules: Vec<Arc<Rule>>,
    /// Its place in the order in which the table's chains were made; 0 where that is not known.
    pub made: u32,
}

impl Chain {
    /// An empty user chain.
    pub fn user() -> Self {
        Chain { kind: ChainKind::User, rules: Vec::new(), made: 0 }
    }

    /// An empty base chain that accepts.
    pub fn base(hook: Hook) -> Self {
        let kind = ChainKind::Base { hook, policy: Policy::Accept, counters: Some(Counters::default()) };
        Chain { kind, rules: Vec::new(), made: 0 }
    }
}

/// One table's chains.
///
/// Invariant, kept by [`crate::netfilter::check`]: every jump leads to a user chain of this table, and no
/// chain that a base chain reaches leads back to itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The chains by name.
    pub chains: BTreeMap<ChainName, Arc<Chain>>,
}

impl Table {
    /// A table with its built-in chains, empty.
    pub fn new(name: TableName) -> Self {
        let chains = name.hooks().iter().map(|&h| (h.into(), Arc::new(Chain::base(h)))).collect();
        Table { chains }
    }

    /// The chain of this name.
    pub fn chain(&self, name: &ChainName) -> Option<&Arc<Chain>> {
        self.chains.get(name)
    }

    /// The chains as iptables-save prints them: built-in ones in the order of the hooks, then the others by
    /// name.
    pub fn in_order(&self) -> impl Iterator<Item = (&ChainName, &Arc<Chain>)> {
        // A user chain may have the name of a hook at which the table has no chain.
        let is_base = |(_, chain): &(&ChainName, &Arc<Chain>)| chain.kind != ChainKind::User;
        let hooks = Hook::ALL.into_iter().filter_map(|h| self.chains.get_key_value(&ChainName::from(h)));
        let base = hooks.filter(is_base);
        let user = self.chains.iter().filter(|(_, c)| c.kind == ChainKind::User);
        base.chain(user)
    }
}

/// A host's rules of one family.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ruleset {
    /// IPv4 or IPv6.
    pub family: Family,
    /// The tables that exist. A table that does not is not consulted.
    pub tables: BTreeMap<TableName, Table>,
}

impl Ruleset {
    /// No table at all.
    pub fn empty(family: Family) -> Self {
        Ruleset { family, tables: BTreeMap::new() }
    }

    /// The rule at a place.
    pub fn rule(&self, at: &RuleRef) -> Option<&Arc<Rule>> {
        self.chain(at.table, &at.chain)?.rules.get(at.index as usize)
    }

    /// A chain of a table.
    pub fn chain(&self, table: TableName, chain: &ChainName) -> Option<&Arc<Chain>> {
        self.tables.get(&table)?.chain(chain)
    }

    /// Every rule with its place.
    pub fn rules(&self) -> impl Iterator<Item = (RuleRef, &Arc<Rule>)> {
        self.tables.iter().flat_map(|(&table, t)| {
            t.in_order().flat_map(move |(chain, c)| {
                c.rules.iter().enumerate().map(move |(index, rule)| {
                    (RuleRef { table, chain: chain.clone(), index: index as u32 }, rule)
                })
            })
        })
    }
}

/// Where a rule stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RuleRef {
    /// Its table.
    pub table: TableName,
    /// Its chain.
    pub chain: ChainName,
    /// Its place in the chain, counted from 0 (iptables counts from 1).
    pub index: u32,
}

impl RuleRef {
    /// The number that iptables gives the rule.
    pub fn number(&self) -> u32 {
        self.index + 1
    }
}

impl fmt::Display for RuleRef {
    /// `filter INPUT 3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.table, self.chain, self.number())
    }
}
