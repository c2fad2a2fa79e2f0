//! Commands about whole chains: `-F`, `-N`, `-X`, `-E`, `-P`, and what a file's `*` and `:` lines ask for.

use super::super::error::{NO_CHAIN, RuleError};
use super::super::{Chain, ChainKind, ChainName, Counters, Policy};
use super::kernel::{Message, Op};
use super::prepare::{BAD_BUILTIN, Last, Prepare};
use std::sync::Arc;

impl Prepare<'_> {
    pub(super) fn flush(&mut self, chain: Option<&ChainName>, verbose: bool) -> Result<(), RuleError> {
        self.last = Last::Other;
        if chain.is_some() || verbose {
            self.make(chain);
        } else if !self.cache.tables.contains_key(&self.table) {
            return Ok(());
        }
        match chain {
            Some(name) if self.chain(name).is_none() => return Err(NO_CHAIN),
            Some(name) => self.flush_one(name, verbose),
            None if verbose => {
                for name in self.names() {
                    self.flush_one(&name, true);
                }
            }
            None => {
                let table = self.table;
                self.messages.retain(|m| m.table != table || m.op.rules_of().is_none());
                self.send(Op::RuleFlush(None));
                for name in self.names() {
                    self.empty(&name);
                }
            }
        }
        Ok(())
    }

    fn flush_one(&mut self, name: &ChainName, verbose: bool) {
        if verbose {
            self.stdout.push_str(&format!("Flushing chain `{name}'\n"));
        }
        self.forget(name);
        self.send(Op::RuleFlush(Some(name.clone())));
        self.empty(name);
    }

    /// Takes back the messages about a chain's rules.
    fn forget(&mut self, name: &ChainName) {
        let table = self.table;
        self.messages.retain(|m| m.table != table || m.op.rules_of() != Some(name));
    }

    fn empty(&mut self, name: &ChainName) {
        if let Some(chain) = self.chain_mut(name) {
            chain.rules.clear();
        }
    }

    pub(super) fn new_chain(&mut self, name: &ChainName) -> Result<(), RuleError> {
        self.last = Last::Other;
        self.make_table();
        if self.exists(name) {
            return Err(RuleError::Plain("Chain already exists."));
        }
        self.add_user_chain(name);
        Ok(())
    }

    fn add_user_chain(&mut self, name: &ChainName) {
        self.send(Op::ChainUserAdd(name.clone()));
        if let Some(table) = self.cache.tables.get_mut(&self.table) {
            let made = 1 + table.chains.values().map(|c| c.made).max().unwrap_or_default();
            table.chains.insert(name.clone(), Arc::new(Chain { made, ..Chain::user() }));
        }
    }

    pub(super) fn chain_restore(&mut self, name: &ChainName) -> Result<(), RuleError> {
        self.make_table();
        if self.chain(name).is_none() {
            self.add_user_chain(name);
        } else {
            self.send(Op::RuleFlush(Some(name.clone())));
        }
        Ok(())
    }

    pub(super) fn table_flush(&mut self) -> Result<(), RuleError> {
        self.last = Last::Other;
        if self.cache.tables.remove(&self.table).is_some() {
            self.send(Op::TableFlush);
        }
        Ok(())
    }

    pub(super) fn delete_chain(&mut self, name: Option<&ChainName>, verbose: bool) -> Result<(), RuleError> {
        self.last = Last::Other;
        match name {
            Some(name) => {
                let is_known = self.chain(name).is_some();
                if is_known { self.delete_one(name, verbose, true) } else { Err(NO_CHAIN) }
            }
            None => {
                let mut names = self.names();
                if !verbose {
                    // As the kernel has them, and not by name.
                    names.sort_by_key(|name| self.chain(name).map(|c| (c.kind == ChainKind::User, c.made)));
                }
                names.iter().try_for_each(|name| self.delete_one(name, verbose, false))
            }
        }
    }

    fn delete_one(&mut self, name: &ChainName, verbose: bool, named: bool) -> Result<(), RuleError> {
        let Some(chain) = self.chain(name).cloned() else { return Ok(()) };
        match chain.kind {
            ChainKind::User => {
                if verbose {
                    self.stdout.push_str(&format!("Deleting chain `{name}'\n"));
                }
            }
            // A built-in chain goes too, unless it says or holds something.
            ChainKind::Base { policy, .. } => {
                let stays = policy != Policy::Accept || self.rules_known && !chain.rules.is_empty();
                if stays {
                    return if named { Err(RuleError::Plain("Directory not empty.")) } else { Ok(()) };
                }
            }
        }
        self.send(Op::ChainDel(name.clone()));
        if let Some(table) = self.cache.tables.get_mut(&self.table) {
            table.chains.remove(name);
        }
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &ChainName, to: &ChainName) -> Result<(), RuleError> {
        self.last = Last::Other;
        if self.exists(to) {
            return Err(RuleError::Plain("File exists."));
        }
        let Some(chain) = self.chain(from) else { return Err(NO_CHAIN) };
        if chain.kind != ChainKind::User {
            let said = "renaming a built-in chain, which the kernel allows, is not modelled";
            return Err(RuleError::Incompatible(said.into()));
        }
        let is_new = |m: &Message| {
            let made = match &m.op {
                Op::ChainAdd(hook) => ChainName::from(*hook) == *from,
                Op::ChainUserAdd(name) => name == from,
                _ => false,
            };
            made && m.table == self.table
        };
        let is_new = self.messages.iter().any(is_new);
        self.send(Op::ChainRename(from.clone(), to.clone(), is_new));
        Ok(())
    }

    pub(super) fn chain_set(
        &mut self,
        name: &ChainName,
        policy: &str,
        counters: Counters,
        restore: bool,
    ) -> Result<(), RuleError> {
        self.last = Last::Policy;
        let policy = match policy {
            "DROP" => Some(Policy::Drop),
            "ACCEPT" => Some(Policy::Accept),
            "-" => None,
            _ if restore => return Err(RuleError::Plain("Bad policy name.")),
            _ => return Err(RuleError::Plain("Bad policy name. Run `dmesg' for more information.")),
        };
        self.make(Some(name));
        let hook = self.builtin(name).ok_or(BAD_BUILTIN)?;
        self.send(Op::ChainUpdate(hook, policy, counters));
        Ok(())
    }
}
