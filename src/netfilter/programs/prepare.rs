//! What iptables-nft makes of commands before it asks the kernel (`nft_prepare`): it looks at the rules as it read
//! them, changes its own copy, prints, and collects messages.

use super::super::error::{NO_CHAIN, RuleError};
use super::super::text::{Command, List, Verb, Zeroing};
use super::super::{Chain, ChainKind, ChainName, Counters, Family, Hook, Policy, Rule, Ruleset, TableName};
use super::kernel::{Message, Op};
use super::list::{self, Counted, Format};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A command that waits for its commit.
pub(super) struct Pending {
    pub table: TableName,
    pub line: Option<u32>,
    pub task: Task,
}

/// What waits.
pub(super) enum Task {
    /// A command's words.
    Command(Command),
    /// `*table` of a file that is to be emptied.
    TableFlush,
    /// `:CHAIN` of a file, for a user chain.
    ChainRestore(ChainName),
    /// `:CHAIN POLICY` of a file.
    ChainSet(ChainName, String, Counters),
}

/// The function that ran last: what an error number means depends on it (`nft_strerror`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    Other,
    Delete,
    Policy,
}

/// Commands at work.
pub(super) struct Prepare<'a> {
    family: Family,
    /// iptables' own copy of the rules.
    pub(super) cache: Ruleset,
    /// The rules as the kernel has them.
    kernel: Ruleset,
    counted: &'a Counted,
    /// Rules were read, not chains alone.
    pub(super) rules_known: bool,
    pub(super) last: Last,
    /// Built-in chains that a listing showed although they are not there: iptables takes them for real from then
    /// on.
    faked: BTreeSet<(TableName, ChainName)>,
    pub messages: Vec<Message>,
    pub stdout: &'a mut String,
    line: Option<u32>,
    pub(super) table: TableName,
}

const BAD_RULE: RuleError = RuleError::Plain("Bad rule (does a matching rule exist in that chain?).");
pub(super) const BAD_BUILTIN: RuleError = RuleError::Plain("Bad built-in chain name.");

impl<'a> Prepare<'a> {
    /// Begins with the rules as the kernel has them, and what they have counted.
    pub fn new(cache: Ruleset, counted: &'a Counted, pending: &[Pending], stdout: &'a mut String) -> Self {
        Prepare {
            family: cache.family,
            kernel: cache.clone(),
            cache,
            counted,
            rules_known: pending.iter().any(Pending::reads_rules),
            last: Last::Other,
            faked: BTreeSet::new(),
            messages: Vec::new(),
            stdout,
            line: None,
            table: TableName::Filter,
        }
    }

    /// Takes the commands one after the other; the line of the one that failed, and why.
    pub fn run(&mut self, pending: Vec<Pending>) -> Result<(), (Option<u32>, RuleError)> {
        for Pending { table, line, task } in pending {
            self.line = line;
            self.table = table;
            let result = match task {
                Task::TableFlush => self.table_flush(),
                Task::ChainRestore(chain) => self.chain_restore(&chain),
                Task::ChainSet(chain, policy, counters) => self.chain_set(&chain, &policy, counters, true),
                Task::Command(command) => self.command(command),
            };
            result.map_err(|e| (line, e))?;
        }
        Ok(())
    }

    fn command(&mut self, command: Command) -> Result<(), RuleError> {
        let Command { verb, chain, rules, jump, verbose, numeric, exact, line_numbers, .. } = command;
        let verbose = verbose > 0;
        let chain = chain.map(|(name, _)| name);
        let name = chain.clone().unwrap_or_else(|| ChainName::new(""));
        if verb.takes_rule()
            && let Some((jump, _)) = &jump
            && !self.exists(jump)
        {
            return Err(RuleError::NoSuchChain(jump.to_string()));
        }
        match verb {
            Verb::Append => rules.into_iter().try_for_each(|r| self.append(&name, Arc::new(r), verbose)),
            Verb::Insert(number) => {
                rules.into_iter().try_for_each(|r| self.insert(&name, Arc::new(r), number, verbose))
            }
            Verb::Replace(number) => {
                rules.into_iter().try_for_each(|r| self.replace(&name, Arc::new(r), number, verbose))
            }
            Verb::Delete => rules.iter().try_for_each(|r| self.delete(&name, r, verbose)),
            Verb::Check => rules.iter().try_for_each(|r| self.check(&name, r, verbose)),
            Verb::DeleteAt(number) => self.delete_at(&name, number),
            Verb::Flush => self.flush(chain.as_ref(), verbose),
            Verb::Zero => self.zero(chain.as_ref(), verbose),
            Verb::ZeroAt(number) => self.zero_at(&name, number),
            Verb::NewChain => self.new_chain(&name),
            Verb::DeleteChain => self.delete_chain(chain.as_ref(), verbose),
            Verb::Rename(to) => self.rename(&name, &to),
            Verb::Policy(policy) => self.chain_set(&name, &policy, Counters::default(), false),
            Verb::List(list) => {
                let format = Format { verbose, numeric, exact, line_numbers, ..Format::default() };
                self.list(chain.as_ref(), list, format)?;
                match list.zero {
                    Zeroing::None => Ok(()),
                    Zeroing::Chain => self.zero(chain.as_ref(), verbose),
                    Zeroing::Rule => self.zero_at(&name, list.number.unwrap_or(1)),
                }
            }
            Verb::Version { .. } | Verb::Help => Ok(()),
        }
    }

    pub(super) fn send(&mut self, op: Op) {
        self.messages.push(Message { table: self.table, op, line: self.line });
    }

    /// A chain that is there; built-in ones only once something made them.
    pub(super) fn chain(&self, name: &ChainName) -> Option<&Arc<Chain>> {
        self.cache.chain(self.table, name)
    }

    pub(super) fn chain_mut(&mut self, name: &ChainName) -> Option<&mut Chain> {
        self.cache.tables.get_mut(&self.table)?.chains.get_mut(name).map(Arc::make_mut)
    }

    pub(super) fn builtin(&self, name: &ChainName) -> Option<Hook> {
        Hook::by_name(name.as_str()).filter(|h| self.table.hooks().contains(h))
    }

    pub(super) fn exists(&self, name: &ChainName) -> bool {
        self.builtin(name).is_some() || self.chain(name).is_some()
    }

    pub(super) fn make_table(&mut self) {
        if !self.cache.tables.contains_key(&self.table) {
            self.cache.tables.insert(self.table, Default::default());
            self.send(Op::TableAdd);
        }
    }

    /// Makes the table, and the built-in chain of this name; all built-in chains if none is named.
    pub(super) fn make(&mut self, name: Option<&ChainName>) {
        self.make_table();
        let wanted: Vec<Hook> = match name {
            Some(name) => self.builtin(name).into_iter().collect(),
            None => self.table.hooks().to_vec(),
        };
        for hook in wanted {
            let name = ChainName::from(hook);
            if self.chain(&name).is_none() {
                self.send(Op::ChainAdd(hook));
                let kind = ChainKind::Base { hook, policy: Policy::Accept, counters: None };
                let chain = Arc::new(Chain { kind, rules: Vec::new(), made: 0 });
                if let Some(table) = self.cache.tables.get_mut(&self.table) {
                    table.chains.insert(name, chain);
                }
            }
        }
    }

    fn print(&mut self, rule: &Rule) {
        list::rule(self.stdout, self.family, rule, Counters::default(), 0, Format::OF_A_RULE);
    }

    fn append(&mut self, name: &ChainName, rule: Arc<Rule>, verbose: bool) -> Result<(), RuleError> {
        self.make(Some(name));
        self.last = Last::Other;
        self.send(Op::RuleAppend(name.clone(), rule.clone()));
        if verbose {
            self.print(&rule);
        }
        self.chain_mut(name).ok_or(NO_CHAIN)?.rules.push(rule);
        Ok(())
    }

    fn insert(
        &mut self,
        name: &ChainName,
        rule: Arc<Rule>,
        number: usize,
        verbose: bool,
    ) -> Result<(), RuleError> {
        self.make(Some(name));
        self.last = Last::Other;
        let chain = self.chain(name).ok_or(NO_CHAIN)?;
        let before = match number {
            1 => None,
            _ if number == chain.rules.len() + 1 => return self.append(name, rule, verbose),
            _ => {
                let there = chain.rules.get(number - 1).cloned();
                Some(there.ok_or(RuleError::Plain("Index of insertion too big."))?)
            }
        };
        self.send(Op::RuleInsert(name.clone(), rule.clone(), before));
        if verbose {
            self.print(&rule);
        }
        self.chain_mut(name).ok_or(NO_CHAIN)?.rules.insert(number - 1, rule);
        Ok(())
    }

    fn replace(
        &mut self,
        name: &ChainName,
        rule: Arc<Rule>,
        number: usize,
        verbose: bool,
    ) -> Result<(), RuleError> {
        self.last = Last::Other;
        let chain = self.chain(name).ok_or(NO_CHAIN)?;
        let old = chain.rules.get(number - 1).cloned();
        let old = old.ok_or(RuleError::Plain("Index of replacement too big."))?;
        self.swap(name, number - 1, &old, rule.clone());
        if verbose {
            self.print(&rule);
        }
        Ok(())
    }

    fn swap(&mut self, name: &ChainName, index: usize, old: &Arc<Rule>, new: Arc<Rule>) {
        self.send(Op::RuleReplace(name.clone(), old.clone(), new.clone()));
        if let Some(slot) = self.chain_mut(name).and_then(|c| c.rules.get_mut(index)) {
            *slot = new;
        }
    }

    fn find(&self, name: &ChainName, rule: &Rule) -> Option<(usize, Arc<Rule>)> {
        let rules = &self.chain(name)?.rules;
        rules.iter().enumerate().find(|(_, r)| r.says_the_same(rule)).map(|(at, r)| (at, r.clone()))
    }

    fn delete(&mut self, name: &ChainName, rule: &Rule, verbose: bool) -> Result<(), RuleError> {
        self.last = Last::Delete;
        let (index, found) = self.find(name, rule).ok_or(BAD_RULE)?;
        self.remove(name, index, found.clone());
        if verbose {
            self.print(&found);
        }
        Ok(())
    }

    fn delete_at(&mut self, name: &ChainName, number: usize) -> Result<(), RuleError> {
        self.last = Last::Other;
        let chain = self.chain(name).ok_or(NO_CHAIN)?;
        let found = chain.rules.get(number - 1).cloned();
        let found = found.ok_or(RuleError::Plain("Index of deletion too big."))?;
        self.remove(name, number - 1, found);
        Ok(())
    }

    fn remove(&mut self, name: &ChainName, index: usize, rule: Arc<Rule>) {
        self.send(Op::RuleDelete(name.clone(), rule));
        if let Some(chain) = self.chain_mut(name) {
            chain.rules.remove(index);
        }
    }

    fn check(&mut self, name: &ChainName, rule: &Rule, verbose: bool) -> Result<(), RuleError> {
        self.last = Last::Delete;
        let (_, found) = self.find(name, rule).ok_or(BAD_RULE)?;
        if verbose {
            self.print(&found);
        }
        Ok(())
    }

    /// The chains in the order in which they are listed.
    pub(super) fn names(&self) -> Vec<ChainName> {
        let table = self.cache.tables.get(&self.table);
        table.map(|t| t.in_order().map(|(name, _)| name.clone()).collect()).unwrap_or_default()
    }

    fn no_chain(&self) -> RuleError {
        match self.last {
            Last::Delete => BAD_RULE,
            Last::Policy => BAD_BUILTIN,
            Last::Other => NO_CHAIN,
        }
    }

    fn zero(&mut self, name: Option<&ChainName>, verbose: bool) -> Result<(), RuleError> {
        match name {
            Some(name) if self.chain(name).is_none() && !self.is_faked(name) => Err(self.no_chain()),
            Some(name) => {
                self.zero_one(name, verbose);
                Ok(())
            }
            None => {
                let builtin = Hook::ALL.into_iter().filter(|h| self.table.hooks().contains(h));
                let is_there = |name: &ChainName| self.chain(name).is_some() || self.is_faked(name);
                let mut names: Vec<ChainName> = builtin.map(ChainName::from).filter(is_there).collect();
                names.extend(self.names().into_iter().filter(|n| self.builtin(n).is_none()));
                for name in names {
                    self.zero_one(&name, verbose);
                }
                Ok(())
            }
        }
    }

    /// A rule that has counted is replaced by one that has not: what its matches remember goes too.
    fn zero_one(&mut self, name: &ChainName, verbose: bool) {
        if verbose {
            self.stdout.push_str(&format!("Zeroing chain `{name}'\n"));
        }
        let Some(chain) = self.chain(name).cloned() else {
            return self.send(Op::ChainZero(name.clone(), Policy::Accept));
        };
        if let ChainKind::Base { policy, .. } = chain.kind {
            self.send(Op::ChainZero(name.clone(), policy));
        }
        for (index, rule) in chain.rules.iter().enumerate() {
            if rule.counters.plus(self.counted_since(rule)) != Counters::default() {
                self.swap(name, index, rule, zeroed(rule));
            }
        }
    }

    fn counted_since(&self, rule: &Arc<Rule>) -> Counters {
        self.counted.get(&Arc::as_ptr(rule)).copied().unwrap_or_default()
    }

    fn zero_at(&mut self, name: &ChainName, number: usize) -> Result<(), RuleError> {
        self.last = Last::Delete;
        let chain = self.chain(name).ok_or(BAD_RULE)?;
        // A rule that is not there is no mistake to 1.8.9.
        let Some(rule) = chain.rules.get(number - 1).cloned() else { return Ok(()) };
        self.last = Last::Other;
        self.swap(name, number - 1, &rule, zeroed(&rule));
        Ok(())
    }

    fn is_faked(&self, name: &ChainName) -> bool {
        self.faked.contains(&(self.table, name.clone()))
    }

    fn list(&mut self, name: Option<&ChainName>, list: List, format: Format) -> Result<(), RuleError> {
        let faked = self.table.hooks().iter().map(|h| (self.table, ChainName::from(*h)));
        self.faked.extend(faked.filter(|(_, chain)| name.is_none_or(|n| n == chain)));
        let shown = list::Shown {
            family: self.family,
            ruleset: &self.cache,
            kernel: &self.kernel,
            counted: self.counted,
            table: self.table,
        };
        match name {
            Some(name) if !self.exists(name) => {
                let said =
                    format!("chain `{name}' in table `{}' is incompatible, use 'nft' tool.", self.table);
                return Err(RuleError::Incompatible(said));
            }
            Some(name) if list.as_rules => shown.chain_as_rules(self.stdout, name, list.number, format),
            Some(name) => shown.chain(self.stdout, name, list.number, format),
            None if list.as_rules => shown.all_as_rules(self.stdout, list.number, format),
            None => shown.all(self.stdout, list.number, format),
        }
        Ok(())
    }
}

fn zeroed(rule: &Arc<Rule>) -> Arc<Rule> {
    Arc::new(Rule { counters: Counters::default(), ..Rule::clone(rule) })
}

impl Pending {
    /// True where iptables reads the rules themselves before it begins.
    fn reads_rules(&self) -> bool {
        match &self.task {
            Task::TableFlush | Task::ChainRestore(_) | Task::ChainSet(..) => false,
            Task::Command(command) => match &command.verb {
                Verb::Insert(number) => *number > 1,
                Verb::Check
                | Verb::Replace(_)
                | Verb::Delete
                | Verb::DeleteAt(_)
                | Verb::Zero
                | Verb::ZeroAt(_)
                | Verb::List(_) => true,
                Verb::DeleteChain => command.chain.is_none(),
                Verb::Append
                | Verb::Flush
                | Verb::NewChain
                | Verb::Rename(_)
                | Verb::Policy(_)
                | Verb::Version { .. }
                | Verb::Help => false,
            },
        }
    }
}
