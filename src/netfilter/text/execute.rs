//! What commands do to a table.

use super::super::error::{NO_CHAIN, RuleError};
use super::super::{Chain, ChainKind, ChainName, Counters, Hook, Policy, Rule, Table, TableName, Target};
use super::rule::Command;
use super::verb::Verb;
use std::sync::Arc;

/// `-D` and `-C` find no such rule.
const BAD_RULE: RuleError = RuleError::Plain("Bad rule (does a matching rule exist in that chain?).");

/// A table that commands change.
pub(super) struct Section {
    /// Its name.
    pub name: TableName,
    /// Its chains as they are now.
    pub table: Table,
    /// A command or a line named a chain: only then does the table come into being.
    pub used: bool,
}

impl Section {
    /// An empty table.
    pub(super) fn new(name: TableName) -> Self {
        Section { name, table: Table::new(name), used: false }
    }

    /// Makes a user chain, or empties the one of that name; sets a built-in chain's policy, if one is given.
    pub(super) fn declare(&mut self, name: &str, policy: Option<Policy>, counters: Counters) {
        self.used = true;
        let chain = ChainName::new(name);
        match Hook::by_name(name).filter(|h| self.name.hooks().contains(h)) {
            Some(hook) => {
                if let Some(policy) = policy
                    && let Some(chain) = self.table.chains.get_mut(&chain)
                {
                    Arc::make_mut(chain).kind = ChainKind::Base { hook, policy, counters: Some(counters) };
                }
            }
            None => {
                self.table.chains.insert(chain, Arc::new(Chain::user()));
            }
        }
    }

    /// Does what a command says. The error names a word of the command.
    pub(super) fn execute(
        &mut self,
        command: Command,
        line: u32,
        counted: Counters,
    ) -> Result<(), (usize, RuleError)> {
        if let Some((chain, word)) = &command.jump
            && !self.table.chains.contains_key(chain)
            && command.rules.iter().all(|r| !matches!(r.target, Target::Unknown(_)))
        {
            return Err((*word, RuleError::NoSuchChain(chain.to_string())));
        }
        self.used = true;
        let mut rules = command.rules;
        for rule in &mut rules {
            rule.line = line;
            if rule.counters == Counters::default() {
                rule.counters = counted;
            }
        }
        let Some((name, word)) = command.chain else {
            return self.every_chain(&command.verb).map_err(|e| (0, e));
        };
        self.one_chain(command.verb, &name, rules).map_err(|e| (word, e))
    }

    fn every_chain(&mut self, verb: &Verb) -> Result<(), RuleError> {
        match verb {
            Verb::DeleteChain => {
                let user = self.table.chains.iter().filter(|(_, c)| c.kind == ChainKind::User);
                let names: Vec<ChainName> = user.map(|(name, _)| name.clone()).collect();
                names.iter().try_for_each(|name| self.delete_chain(name))
            }
            // iptables-restore empties only what was there before the file: the rules of the file stay.
            Verb::Flush
            | Verb::Append
            | Verb::Check
            | Verb::Insert(_)
            | Verb::Replace(_)
            | Verb::Delete
            | Verb::DeleteAt(_)
            | Verb::Zero
            | Verb::NewChain
            | Verb::Rename(_)
            | Verb::Policy(_)
            | Verb::ZeroAt(_)
            | Verb::List(_)
            | Verb::Version { .. }
            | Verb::Help => Ok(()),
        }
    }

    fn one_chain(&mut self, verb: Verb, name: &ChainName, rules: Vec<Rule>) -> Result<(), RuleError> {
        match verb {
            Verb::NewChain => return self.new_chain(name),
            Verb::DeleteChain => return self.delete_chain(name),
            Verb::Policy(policy) => return self.set_policy(name, &policy),
            // iptables-restore finds only chains that were there before the file.
            Verb::Rename(_) => return Err(NO_CHAIN),
            Verb::List(_) | Verb::Version { .. } | Verb::Help => return Ok(()),
            Verb::Zero | Verb::ZeroAt(_) if self.table.chains.contains_key(name) => return Ok(()),
            Verb::Zero | Verb::ZeroAt(_) => return Err(NO_CHAIN),
            _ => {}
        }
        let missing = if matches!(verb, Verb::Delete | Verb::Check) { BAD_RULE } else { NO_CHAIN };
        let chain = Arc::make_mut(self.table.chains.get_mut(name).ok_or(missing)?);
        let there = &mut chain.rules;
        match verb {
            Verb::Append => there.extend(rules.into_iter().map(Arc::new)),
            Verb::Insert(number) => {
                if number > there.len() + 1 {
                    return Err(RuleError::Plain("Index of insertion too big."));
                }
                // Each is put at the same place, so that the last of them comes first.
                for rule in rules {
                    there.insert(number - 1, Arc::new(rule));
                }
            }
            Verb::Replace(number) => {
                let slot = there.get_mut(number - 1);
                let slot = slot.ok_or(RuleError::Plain("Index of replacement too big."))?;
                if let Some(rule) = rules.into_iter().next() {
                    *slot = Arc::new(rule);
                }
            }
            Verb::Delete | Verb::Check => {
                for rule in rules {
                    let place = there.iter().position(|r| r.says_the_same(&rule)).ok_or(BAD_RULE)?;
                    if verb == Verb::Delete {
                        there.remove(place);
                    }
                }
            }
            Verb::DeleteAt(number) => {
                if number > there.len() {
                    return Err(RuleError::Plain("Index of deletion too big."));
                }
                there.remove(number - 1);
            }
            Verb::Flush => there.clear(),
            Verb::NewChain
            | Verb::DeleteChain
            | Verb::Policy(_)
            | Verb::Rename(_)
            | Verb::List(_)
            | Verb::Version { .. }
            | Verb::Help
            | Verb::ZeroAt(_)
            | Verb::Zero => {}
        }
        Ok(())
    }

    fn new_chain(&mut self, name: &ChainName) -> Result<(), RuleError> {
        if self.table.chains.contains_key(name) {
            return Err(RuleError::Plain("Chain already exists."));
        }
        self.table.chains.insert(name.clone(), Arc::new(Chain::user()));
        Ok(())
    }

    fn delete_chain(&mut self, name: &ChainName) -> Result<(), RuleError> {
        let chain = self.table.chains.get(name).filter(|c| c.kind == ChainKind::User).ok_or(NO_CHAIN)?;
        let leads_here = |r: &Arc<Rule>| r.target.chain() == Some(name);
        let in_use =
            !chain.rules.is_empty() || self.table.chains.values().any(|c| c.rules.iter().any(leads_here));
        if in_use {
            return Err(RuleError::Busy(name.clone()));
        }
        self.table.chains.remove(name);
        Ok(())
    }

    fn set_policy(&mut self, name: &ChainName, policy: &str) -> Result<(), RuleError> {
        let policy = match policy {
            "ACCEPT" => Policy::Accept,
            "DROP" => Policy::Drop,
            _ => {
                return Err(RuleError::Plain("Bad policy name. Run `dmesg' for more information."));
            }
        };
        match self.table.chains.get_mut(name).map(Arc::make_mut) {
            Some(Chain { kind: ChainKind::Base { policy: slot, .. }, .. }) => {
                *slot = policy;
                Ok(())
            }
            _ => Err(RuleError::Plain("Bad built-in chain name.")),
        }
    }
}
