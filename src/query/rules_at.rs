//! A host's rules at a moment of a run, with what each has counted: from the host as it was before, and what happened
//! since.

use crate::net::{Event, Host, NetEvent, PassId};
use crate::netfilter::event::{EnteredBy, Event as NfEvent, RulesChange};
use crate::netfilter::{
    Chain, ChainKind, ChainName, Counters, Family, Hook, Policy, RuleRef, Ruleset, Skb, TableName, Target,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A family's rules, kept up to date by the events of their host.
#[derive(Clone, Debug)]
pub struct RulesAt {
    rules: Ruleset,
    /// The packet of each way.
    passes: BTreeMap<Option<PassId>, Seen>,
}

/// What counting needs to know of a packet.
#[derive(Clone, Copy, Debug)]
struct Seen {
    family: Family,
    /// Its length in bytes.
    now: u32,
    /// As it was when it came into the present table: this is what rules count.
    table: u32,
}

impl RulesAt {
    /// A host's rules as they are, with all that they have counted.
    pub fn new(host: &Host, family: Family) -> Self {
        RulesAt { rules: host.netfilter.with_totals(family), passes: BTreeMap::new() }
    }

    /// The next event of the same host, and the way that it belongs to.
    pub fn take(&mut self, pass: Option<PassId>, event: &Event) {
        match event {
            Event::Net(
                NetEvent::Begins { skb, .. } | NetEvent::Answers { skb } | NetEvent::Continues { skb, .. },
            )
            | Event::Netfilter(NfEvent::PacketChanged { after: skb, .. }) => self.see(pass, skb),
            Event::Netfilter(NfEvent::ChainEntered { by: EnteredBy::Hook, .. }) => {
                if let Some(seen) = self.passes.get_mut(&pass) {
                    seen.table = seen.now;
                }
            }
            Event::Netfilter(NfEvent::RuleAsked { rule, taken: true, .. }) => {
                if let Some(bytes) = self.bytes(pass) {
                    self.count(rule, bytes);
                }
            }
            Event::Netfilter(NfEvent::PolicyApplied { table, chain, .. }) => {
                if let Some(bytes) = self.bytes(pass) {
                    self.count_policy(*table, chain, bytes);
                }
            }
            Event::Netfilter(NfEvent::RulesChanged { family, change }) if *family == self.rules.family => {
                self.change(change);
            }
            Event::Net(_) | Event::Netfilter(_) | Event::Link(_) | Event::Socket(_) | Event::Config(_) => {}
        }
    }

    /// The rules; each rule and policy holds what it has counted.
    pub fn rules(&self) -> &Ruleset {
        &self.rules
    }

    fn see(&mut self, pass: Option<PassId>, skb: &Skb) {
        let (family, now) = (Family::of(skb.packet.src), skb.packet.len());
        let table = self.passes.get(&pass).map_or(now, |seen| seen.table);
        self.passes.insert(pass, Seen { family, now, table });
    }

    /// What a rule of this family counts of the packet.
    fn bytes(&self, pass: Option<PassId>) -> Option<u32> {
        self.passes.get(&pass).filter(|seen| seen.family == self.rules.family).map(|seen| seen.table)
    }

    fn chain(&mut self, table: TableName, chain: &ChainName) -> Option<&mut Chain> {
        self.rules.tables.get_mut(&table)?.chains.get_mut(chain).map(Arc::make_mut)
    }

    fn count(&mut self, at: &RuleRef, bytes: u32) {
        let rules = self.chain(at.table, &at.chain).map(|c| &mut c.rules);
        if let Some(rule) = rules.and_then(|rules| rules.get_mut(at.index as usize)) {
            Arc::make_mut(rule).counters.count(bytes);
        }
    }

    fn count_policy(&mut self, table: TableName, chain: &ChainName, bytes: u32) {
        if let Some(Chain { kind: ChainKind::Base { counters: Some(counted), .. }, .. }) =
            self.chain(table, chain)
        {
            counted.count(bytes);
        }
    }

    /// As the kernel side of the program `iptables` changes them.
    fn change(&mut self, change: &RulesChange) {
        match change {
            RulesChange::TableAdded { table } => {
                self.rules.tables.entry(*table).or_default();
            }
            RulesChange::TableRemoved { table } => {
                self.rules.tables.remove(table);
            }
            RulesChange::ChainAdded { table, chain } => {
                let Some(there) = self.rules.tables.get_mut(table) else { return };
                let new = match base_hook(*table, chain) {
                    Some(hook) => {
                        let kind = ChainKind::Base { hook, policy: Policy::Accept, counters: None };
                        Chain { kind, rules: Vec::new(), made: 0 }
                    }
                    None => {
                        let made = 1 + there.chains.values().map(|c| c.made).max().unwrap_or_default();
                        Chain { made, ..Chain::user() }
                    }
                };
                there.chains.entry(chain.clone()).or_insert_with(|| Arc::new(new));
            }
            RulesChange::ChainRemoved { table, chain } => {
                self.rules.tables.get_mut(table).into_iter().for_each(|t| drop(t.chains.remove(chain)));
            }
            RulesChange::ChainRenamed { table, from, to } => {
                let Some(there) = self.rules.tables.get_mut(table) else { return };
                let Some(chain) = there.chains.remove(from) else { return };
                there.chains.insert(to.clone(), chain);
                for chain in there.chains.values_mut() {
                    if chain.rules.iter().any(|rule| rule.target.chain() == Some(from)) {
                        rename_jumps(Arc::make_mut(chain), from, to);
                    }
                }
            }
            RulesChange::PolicySet { table, chain, policy } => {
                self.reset_policy(*table, chain, Some(*policy));
            }
            RulesChange::PolicyZeroed { table, chain } => self.reset_policy(*table, chain, None),
            RulesChange::RuleAdded { rule, new } => {
                let rules = self.chain(rule.table, &rule.chain).map(|c| &mut c.rules);
                if let Some(rules) = rules.filter(|rules| rule.index as usize <= rules.len()) {
                    rules.insert(rule.index as usize, new.clone());
                }
            }
            RulesChange::RuleReplaced { rule, new } => {
                let rules = self.chain(rule.table, &rule.chain).map(|c| &mut c.rules);
                if let Some(slot) = rules.and_then(|rules| rules.get_mut(rule.index as usize)) {
                    *slot = new.clone();
                }
            }
            RulesChange::RuleRemoved { rule, .. } => {
                let rules = self.chain(rule.table, &rule.chain).map(|c| &mut c.rules);
                if let Some(rules) = rules.filter(|rules| (rule.index as usize) < rules.len()) {
                    rules.remove(rule.index as usize);
                }
            }
            RulesChange::Flushed { table, chain } => {
                let chains = self.rules.tables.get_mut(table).into_iter().flat_map(|t| &mut t.chains);
                let chains = chains.filter(|(name, _)| chain.as_ref().is_none_or(|only| only == *name));
                chains.for_each(|(_, chain)| Arc::make_mut(chain).rules.clear());
            }
        }
    }

    /// A policy counts from anew.
    fn reset_policy(&mut self, table: TableName, name: &ChainName, set: Option<Policy>) {
        let Some(there) = self.rules.tables.get_mut(&table) else { return };
        if let Some(hook) = base_hook(table, name) {
            there.chains.entry(name.clone()).or_insert_with(|| Arc::new(Chain::base(hook)));
        }
        if let Some(Chain { kind: ChainKind::Base { policy, counters, .. }, .. }) = self.chain(table, name) {
            *policy = set.unwrap_or(*policy);
            *counters = Some(Counters::default());
        }
    }
}

/// The hook of a built-in chain.
fn base_hook(table: TableName, chain: &ChainName) -> Option<Hook> {
    Hook::by_name(chain.as_str()).filter(|hook| table.hooks().contains(hook))
}

fn rename_jumps(chain: &mut Chain, from: &ChainName, to: &ChainName) {
    for rule in chain.rules.iter_mut().filter(|rule| rule.target.chain() == Some(from)) {
        if let Target::Jump(name) | Target::Goto(name) = &mut Arc::make_mut(rule).target {
            *name = to.clone();
        }
    }
}
