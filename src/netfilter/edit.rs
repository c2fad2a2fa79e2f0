//! Rules put in place of others, where what untouched rules counted and remember stays.

use super::modules::Place;
use super::{ChainName, Counters, Family, Netfilter, Rule, RuleRef, Ruleset, TableName};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A new state of a family's rules, made of the old one. A rule that is the same `Arc` as before is the same rule.
pub struct Edit {
    /// The rules as they shall be.
    pub ruleset: Ruleset,
    /// Rules that say something new though they are the same rule: a chain they lead to was renamed. The new one
    /// and the old one.
    pub same: Vec<(Arc<Rule>, Arc<Rule>)>,
    /// Base chains whose policies count from anew.
    pub reset: Vec<(TableName, ChainName)>,
}

impl Netfilter {
    /// Puts changed rules in place of a family's rules. Connections stay; so does what rules counted and remember,
    /// wherever they stand now.
    pub fn edit(&mut self, edit: Edit) {
        let family = edit.ruleset.family;
        let old = self.rulesets.get(&family).cloned().unwrap_or_else(|| Arc::new(Ruleset::empty(family)));
        let moved = Moved::new(&old, &edit);
        moved.rekey(&mut self.counters, |(_, rule)| rule, |_, rule| (family, rule), |(f, _)| *f == family);
        moved.places(family, &mut self.modules.limits);
        moved.places(family, &mut self.modules.nth);
        moved.places(family, &mut self.modules.connlimits);
        moved.places(family, &mut self.modules.quotas);
        self.policies.retain(|(f, table, chain), _| {
            *f != family
                || edit.ruleset.chain(*table, chain).is_some()
                    && !edit.reset.iter().any(|(t, c)| t == table && c == chain)
        });
        self.rulesets.insert(family, Arc::new(edit.ruleset));
        self.look_for_tracking();
    }

    /// What a rule has counted in all: before its text was written, and since.
    pub fn total(&self, family: Family, at: &RuleRef, rule: &Rule) -> Counters {
        rule.counters.plus(self.counted(family, at))
    }

    /// A family's rules with all that they have counted, as a dump would have it.
    pub fn with_totals(&self, family: Family) -> Ruleset {
        let Some(ruleset) = self.rulesets.get(&family) else { return Ruleset::empty(family) };
        let mut ruleset = Ruleset::clone(ruleset);
        for ((_, at), counted) in self.counters.iter().filter(|((f, _), _)| *f == family) {
            let chain = ruleset.tables.get_mut(&at.table).and_then(|t| t.chains.get_mut(&at.chain));
            if let Some(slot) = chain.and_then(|c| Arc::make_mut(c).rules.get_mut(at.index as usize)) {
                let rule = Arc::make_mut(slot);
                rule.counters = rule.counters.plus(*counted);
            }
        }
        self.add_policy_totals(&mut ruleset);
        ruleset
    }

    /// What a family's rules have counted since they came, but for those that have counted nothing.
    pub fn all_counted(&self, family: Family) -> impl Iterator<Item = (&RuleRef, Counters)> {
        self.counters.iter().filter(move |((f, _), _)| *f == family).map(|((_, at), counted)| (at, *counted))
    }

    /// Adds what policies have counted to what the chains say.
    pub fn add_policy_totals(&self, ruleset: &mut Ruleset) {
        let family = ruleset.family;
        for ((_, table, chain), counted) in self.policies.iter().filter(|((f, ..), _)| *f == family) {
            let chain = ruleset.tables.get_mut(table).and_then(|t| t.chains.get_mut(chain));
            if let Some(super::ChainKind::Base { counters: Some(counters), .. }) =
                chain.map(|c| &mut Arc::make_mut(c).kind)
            {
                *counters = counters.plus(*counted);
            }
        }
    }
}

/// Where the rules of changed chains went.
struct Moved {
    /// Chains that are not what they were.
    changed: BTreeMap<(TableName, ChainName), ()>,
    /// From where to where.
    places: BTreeMap<RuleRef, RuleRef>,
}

impl Moved {
    fn new(old: &Ruleset, edit: &Edit) -> Moved {
        let chains = |ruleset: &Ruleset, other: &Ruleset| {
            let all = ruleset.tables.iter().flat_map(|(&t, table)| table.chains.iter().map(move |c| (t, c)));
            let changed = all.filter(|(t, (name, chain))| {
                other.chain(*t, name).is_none_or(|before| !Arc::ptr_eq(before, chain))
            });
            changed.map(|(t, (name, chain))| ((t, name.clone()), chain.clone())).collect::<Vec<_>>()
        };
        let before = chains(old, &edit.ruleset);
        let mut was: BTreeMap<*const Rule, RuleRef> = BTreeMap::new();
        for ((table, chain), list) in &before {
            for (index, rule) in list.rules.iter().enumerate() {
                let at = RuleRef { table: *table, chain: chain.clone(), index: index as u32 };
                was.insert(Arc::as_ptr(rule), at);
            }
        }
        // In the order in which they were made: a rule may have been renamed twice.
        for (new, old) in &edit.same {
            if let Some(at) = was.get(&Arc::as_ptr(old)).cloned() {
                was.insert(Arc::as_ptr(new), at);
            }
        }
        let mut places = BTreeMap::new();
        for ((table, chain), list) in chains(&edit.ruleset, old) {
            for (index, rule) in list.rules.iter().enumerate() {
                if let Some(from) = was.get(&Arc::as_ptr(rule)) {
                    places.insert(from.clone(), RuleRef { table, chain: chain.clone(), index: index as u32 });
                }
            }
        }
        Moved { changed: before.into_iter().map(|(at, _)| (at, ())).collect(), places }
    }

    fn places<V>(&self, family: Family, map: &mut BTreeMap<Place, V>) {
        let there = |place: &Place, rule| Place { rule, ..place.clone() };
        self.rekey(map, |place| &place.rule, there, |place| place.family == family);
    }

    fn rekey<K: Ord + Clone, V>(
        &self,
        map: &mut BTreeMap<K, V>,
        rule: impl Fn(&K) -> &RuleRef,
        key: impl Fn(&K, RuleRef) -> K,
        mine: impl Fn(&K) -> bool,
    ) {
        let keys: Vec<K> = map.keys().filter(|k| mine(k) && self.is_changed(rule(k))).cloned().collect();
        let taken: Vec<_> = keys.into_iter().filter_map(|k| map.remove(&k).map(|v| (k, v))).collect();
        for (old, value) in taken {
            if let Some(at) = self.places.get(rule(&old)) {
                map.insert(key(&old, at.clone()), value);
            }
        }
    }

    fn is_changed(&self, at: &RuleRef) -> bool {
        self.changed.contains_key(&(at.table, at.chain.clone()))
    }
}
