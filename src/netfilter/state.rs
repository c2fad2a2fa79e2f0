//! A host's netfilter: its rules, and all that they remember.

use super::conntrack::{Conntrack, CtRef, CtStatus, TcpState};
use super::event::{CtChange, Event};
use super::ipset::Sets;
use super::modules::Modules;
use super::{ChainName, Counters, Family, Hook, Match, RuleRef, Ruleset, TableName};
use crate::abi::{Duration, EventId, Sink, Time};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A host's netfilter: its rules and what they remember.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Netfilter {
    pub(super) rulesets: BTreeMap<Family, Arc<Ruleset>>,
    /// The connections.
    pub conntrack: Conntrack,
    /// The memory of matches.
    pub modules: Modules,
    /// The IP sets.
    pub sets: Sets,
    pub(super) counters: BTreeMap<(Family, RuleRef), Counters>,
    pub(super) policies: BTreeMap<(Family, TableName, ChainName), Counters>,
    tracking: bool,
    track_always: bool,
    pub(super) legacy: bool,
}

impl Netfilter {
    /// Puts a family's rules in place of the ones before. Connections stay, as in Linux.
    pub fn load(&mut self, ruleset: Arc<Ruleset>) {
        let family = ruleset.family;
        self.counters.retain(|(f, _), _| *f != family);
        self.policies.retain(|(f, _, _), _| *f != family);
        self.rulesets.insert(family, ruleset);
        self.look_for_tracking();
    }

    /// Tells whether any rule needs connection tracking.
    pub(super) fn look_for_tracking(&mut self) {
        self.tracking = self.rulesets.values().flat_map(|r| r.rules()).any(|(_, rule)| {
            rule.target.needs_conntrack() || rule.matches.iter().any(|m| m.needs_conntrack())
        });
        let counts = |m: &Match| matches!(m, Match::Connection(m) if m.counts());
        if self.rulesets.values().flat_map(|r| r.rules()).any(|(_, r)| r.matches.iter().any(counts)) {
            // connbytes turns accounting on, and nothing turns it off again.
            self.conntrack.settings.acct = 1;
        }
        self.hold_sets();
        self.hold_lists();
    }

    /// Makes the lists that rules name with `recent`, and forgets those that none names any more.
    fn hold_lists(&mut self) {
        let mut before = std::mem::take(&mut self.modules.recent);
        let rules = self.rulesets.values().flat_map(|r| r.rules());
        for recent in rules.flat_map(|(_, r)| &r.matches).filter_map(Match::recent) {
            let held = self.modules.recent.remove(&recent.name);
            let mut list = held.or_else(|| before.remove(&recent.name));
            recent.hold(&mut list);
            self.modules.recent.extend(list.map(|list| (recent.name.clone(), list)));
        }
    }

    /// Puts these sets in place of the ones before.
    pub fn load_sets(&mut self, sets: Sets) {
        self.sets = sets;
        self.hold_sets();
    }

    /// Tells the sets which of them rules refer to: those cannot be destroyed or renamed. To be called when rules
    /// have changed.
    pub fn hold_sets(&mut self) {
        let mut held: BTreeMap<SmolStr, u32> = BTreeMap::new();
        for (_, rule) in self.rulesets.values().flat_map(|r| r.rules()) {
            for set in rule.sets() {
                *held.entry(set.clone()).or_default() += 1;
            }
        }
        self.sets.hold(held);
    }

    /// A family's rules.
    pub fn ruleset(&self, family: Family) -> Option<&Arc<Ruleset>> {
        self.rulesets.get(&family)
    }

    /// Tracks connections even where no rule needs it, as on a host where something else asked for it.
    pub fn track_always(&mut self) {
        self.track_always = true;
    }

    /// The rules are iptables-legacy's: the tables' order at a hook differs ([`Hook::legacy_stages`]).
    pub fn use_legacy(&mut self) {
        self.legacy = true;
    }

    /// A rule answers with a RST: the connection is as good as closed (`nf_conntrack_tcp_set_closing`).
    pub fn reset_sent(&mut self, ct: Option<CtRef>, now: Time, cause: EventId, sink: &mut dyn Sink<Event>) {
        let seconds = self.conntrack.settings.tcp_timeout(TcpState::Close);
        let Some(entry) = ct.and_then(|ct| self.conntrack.entry_mut(ct.entry?)) else { return };
        let Some(before) = entry.tcp.filter(|_| entry.has(CtStatus::Confirmed)) else { return };
        entry.tcp = Some(TcpState::Close);
        entry.expires = now.after(Duration::from_secs(u64::from(seconds)));
        let change = CtChange::Tcp(before, TcpState::Close);
        let entry = Arc::new(entry.clone());
        sink.emit(Some(cause), Event::ConnectionChanged { entry, change });
    }

    /// What a rule has counted since it was loaded.
    pub fn counted(&self, family: Family, rule: &RuleRef) -> Counters {
        self.counters.get(&(family, rule.clone())).copied().unwrap_or_default()
    }

    /// What a base chain's policy has counted since it was loaded.
    pub fn policy_counted(&self, family: Family, table: TableName, hook: Hook) -> Counters {
        self.policies.get(&(family, table, hook.into())).copied().unwrap_or_default()
    }

    /// True if a rule needs connection tracking: without one Linux does not track at all.
    pub fn is_tracking(&self) -> bool {
        self.tracking || self.track_always
    }
}
