//! What iptables asks of the kernel in one go, and what the kernel says: all of it or nothing happens.

use super::super::event::RulesChange;
use super::super::{
    Chain, ChainKind, ChainName, Counters, Edit, Family, Hook, KernelError, Policy, Rule, RuleRef, Ruleset,
    TableName, Target, check,
};
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// One message of a batch.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub table: TableName,
    pub op: Op,
    /// The line of the file that asked for it.
    pub line: Option<u32>,
}

/// What a message asks for (`enum obj_update_type` of iptables).
#[derive(Clone, Debug)]
pub(super) enum Op {
    TableAdd,
    TableFlush,
    /// A built-in chain that a command needs.
    ChainAdd(Hook),
    ChainUserAdd(ChainName),
    ChainDel(ChainName),
    /// A built-in chain with its policy, if one is given, and what that has counted.
    ChainUpdate(Hook, Option<Policy>, Counters),
    /// The last one: this batch made the chain, and iptables does not know by which number to call it.
    ChainRename(ChainName, ChainName, bool),
    /// What a chain's policy has counted. The policy comes along as iptables knows it; a built-in chain is made if
    /// it is not there.
    ChainZero(ChainName, Policy),
    RuleAppend(ChainName, Arc<Rule>),
    /// Before another rule, or first.
    RuleInsert(ChainName, Arc<Rule>, Option<Arc<Rule>>),
    /// In place of another; the second is the new one.
    RuleReplace(ChainName, Arc<Rule>, Arc<Rule>),
    RuleDelete(ChainName, Arc<Rule>),
    /// All rules of a chain, or of the table.
    RuleFlush(Option<ChainName>),
}

impl Op {
    /// As iptables names it where it fails.
    fn name(&self) -> &'static str {
        match self {
            Op::TableAdd => "TABLE_ADD",
            Op::TableFlush => "TABLE_FLUSH",
            Op::ChainAdd(_) => "CHAIN_ADD",
            Op::ChainUserAdd(_) => "CHAIN_USER_ADD",
            Op::ChainDel(_) => "CHAIN_DEL",
            Op::ChainUpdate(..) => "CHAIN_UPDATE",
            Op::ChainRename(..) => "CHAIN_RENAME",
            Op::ChainZero(..) => "CHAIN_ZERO",
            Op::RuleAppend(..) => "RULE_APPEND",
            Op::RuleInsert(..) => "RULE_INSERT",
            Op::RuleReplace(..) => "RULE_REPLACE",
            Op::RuleDelete(..) => "RULE_DELETE",
            Op::RuleFlush(_) => "RULE_FLUSH",
        }
    }

    /// The chain whose rules it changes.
    pub(super) fn rules_of(&self) -> Option<&ChainName> {
        match self {
            Op::RuleAppend(chain, _)
            | Op::RuleInsert(chain, ..)
            | Op::RuleReplace(chain, ..)
            | Op::RuleDelete(chain, _) => Some(chain),
            Op::RuleFlush(chain) => chain.as_ref(),
            Op::TableAdd
            | Op::TableFlush
            | Op::ChainAdd(_)
            | Op::ChainUserAdd(_)
            | Op::ChainDel(_)
            | Op::ChainUpdate(..)
            | Op::ChainRename(..)
            | Op::ChainZero(..) => None,
        }
    }

    /// True for a message that brings a rule in.
    fn adds_rule(&self) -> bool {
        matches!(self, Op::RuleAppend(..) | Op::RuleInsert(..) | Op::RuleReplace(..))
    }
}

/// A message that the kernel refuses.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    message: Message,
    error: KernelError,
}

impl Refused {
    /// What iptables writes about it (`mnl_append_error`).
    fn told(&self) -> String {
        let place = match self.message.line {
            Some(line) => format!("\nline {line}:"),
            None => String::new(),
        };
        let what = match &self.message.op {
            Op::TableAdd | Op::TableFlush => format!("table {}", self.message.table),
            Op::ChainAdd(hook) | Op::ChainUpdate(hook, ..) => format!("chain {hook}"),
            Op::ChainUserAdd(chain) | Op::ChainDel(chain) | Op::ChainZero(chain, _) => {
                format!("chain {chain}")
            }
            Op::ChainRename(_, to, _) => format!("chain {to}"),
            op => match op.rules_of() {
                Some(chain) => format!("rule in chain {chain}"),
                None => "rule in chain (null)".to_owned(),
            },
        };
        format!("{place} {} failed ({}): {what}", self.message.op.name(), self.error)
    }
}

/// What iptables writes about the messages that were refused: without lines only about the first.
pub(super) fn told(refused: &[Refused]) -> String {
    let shown = match refused.first() {
        Some(first) if first.message.line.is_none() => 1,
        _ => refused.len(),
    };
    refused[..shown].iter().map(Refused::told).collect()
}

/// What a batch makes of the rules.
pub(super) struct Done {
    pub edit: Edit,
    pub changes: Vec<RulesChange>,
}

/// Does what a batch asks, or says which messages are refused.
///
/// The kernel looks at the whole table once more at the end. If it finds something wrong there it goes through the
/// batch again, now looking at the table after each new rule, and refuses each after which it is wrong
/// (`nf_tables_newrule`).
pub(super) fn commit(before: &Ruleset, batch: &[Message]) -> Result<Done, Vec<Refused>> {
    let (done, refused) = apply(before, batch, &[]);
    if !refused.is_empty() {
        return Err(refused);
    }
    let family = before.family;
    let is_wrong = |ruleset: &Ruleset, name| ruleset.tables.get(&name).and_then(|t| check::reach(family, t));
    let mut touched: Vec<TableName> = batch.iter().filter(|m| m.op.adds_rule()).map(|m| m.table).collect();
    touched.sort_unstable();
    touched.dedup();
    // What was wrong before came from a text that is kept though Linux refuses it.
    touched.retain(|&t| is_wrong(&done.edit.ruleset, t).is_some() && is_wrong(before, t).is_none());
    if touched.is_empty() {
        return Ok(done);
    }
    Err(apply(before, batch, &touched).1)
}

fn apply(before: &Ruleset, batch: &[Message], validate: &[TableName]) -> (Done, Vec<Refused>) {
    let edit = Edit { ruleset: before.clone(), same: Vec::new(), reset: Vec::new() };
    let mut done = Done { edit, changes: Vec::new() };
    let mut refused = Vec::new();
    for message in batch {
        let mut result = done.apply(message);
        if result.is_ok()
            && message.op.adds_rule()
            && validate.contains(&message.table)
            && let Some(table) = done.edit.ruleset.tables.get(&message.table)
            && let Some(error) = check::reach(before.family, table)
        {
            result = Err(error);
        }
        if let Err(error) = result {
            refused.push(Refused { message: message.clone(), error });
        }
    }
    (done, refused)
}

impl Done {
    fn apply(&mut self, message: &Message) -> Result<(), KernelError> {
        let (table, ruleset) = (message.table, &mut self.edit.ruleset);
        let family = ruleset.family;
        match &message.op {
            Op::TableAdd => {
                if let Entry::Vacant(vacant) = ruleset.tables.entry(table) {
                    vacant.insert(Default::default());
                    self.changes.push(RulesChange::TableAdded { table });
                }
                return Ok(());
            }
            Op::TableFlush => {
                ruleset.tables.remove(&table).ok_or(KernelError::NotFound)?;
                self.changes.push(RulesChange::TableRemoved { table });
                return Ok(());
            }
            _ => {}
        }
        let there = ruleset.tables.get_mut(&table).ok_or(KernelError::NotFound)?;
        if let Op::RuleAppend(_, rule) | Op::RuleInsert(_, rule, _) | Op::RuleReplace(_, _, rule) =
            &message.op
            && check::asks_nobody(there, rule)
        {
            return Err(KernelError::Missing);
        }
        let chains = &mut there.chains;
        let change = match &message.op {
            Op::TableAdd | Op::TableFlush => return Ok(()),
            Op::ChainAdd(hook) => {
                let name = ChainName::from(*hook);
                if chains.contains_key(&name) {
                    return Ok(());
                }
                let kind = ChainKind::Base { hook: *hook, policy: Policy::Accept, counters: None };
                chains.insert(name.clone(), Arc::new(Chain { kind, rules: Vec::new(), made: 0 }));
                RulesChange::ChainAdded { table, chain: name }
            }
            Op::ChainUserAdd(name) => {
                if chains.contains_key(name) {
                    return Err(KernelError::Exists);
                }
                let made = 1 + chains.values().map(|c| c.made).max().unwrap_or_default();
                chains.insert(name.clone(), Arc::new(Chain { made, ..Chain::user() }));
                RulesChange::ChainAdded { table, chain: name.clone() }
            }
            Op::ChainDel(name) => {
                let chain = chains.get(name).ok_or(KernelError::NotFound)?;
                let leads_here = |c: &Arc<Chain>| c.rules.iter().any(|r| r.target.chain() == Some(name));
                if !chain.rules.is_empty() || chains.values().any(leads_here) {
                    return Err(KernelError::Busy);
                }
                chains.remove(name);
                RulesChange::ChainRemoved { table, chain: name.clone() }
            }
            Op::ChainUpdate(hook, policy, counted) => {
                let name = ChainName::from(*hook);
                let chain = chains.entry(name.clone()).or_insert_with(|| Arc::new(Chain::base(*hook)));
                if let ChainKind::Base { policy: slot, counters, .. } = &mut Arc::make_mut(chain).kind {
                    // A chain that comes without a policy gets the kernel's own.
                    *slot = policy.unwrap_or_default();
                    *counters = Some(*counted);
                    self.edit.reset.push((table, name.clone()));
                    RulesChange::PolicySet { table, chain: name, policy: *slot }
                } else {
                    return Err(KernelError::NotSupported);
                }
            }
            Op::ChainRename(_, _, true) => return Err(KernelError::NotFound),
            Op::ChainRename(from, to, false) => {
                if chains.contains_key(to) {
                    return Err(KernelError::Exists);
                }
                let chain = chains.remove(from).ok_or(KernelError::NotFound)?;
                chains.insert(to.clone(), chain);
                for chain in chains.values_mut() {
                    rename_jumps(chain, from, to, &mut self.edit.same);
                }
                RulesChange::ChainRenamed { table, from: from.clone(), to: to.clone() }
            }
            Op::ChainZero(name, policy) => {
                let builtin = Hook::by_name(name.as_str()).filter(|h| table.hooks().contains(h));
                let chain = match builtin {
                    Some(hook) => chains.entry(name.clone()).or_insert_with(|| Arc::new(Chain::base(hook))),
                    None => chains.get_mut(name).ok_or(KernelError::NotFound)?,
                };
                if let ChainKind::Base { policy: slot, counters, .. } = &mut Arc::make_mut(chain).kind {
                    *slot = *policy;
                    *counters = Some(Counters::default());
                    self.edit.reset.push((table, name.clone()));
                }
                RulesChange::PolicyZeroed { table, chain: name.clone() }
            }
            Op::RuleAppend(name, rule) => {
                let index = chains.get(name).ok_or(KernelError::NotFound)?.rules.len();
                put(family, table, chains, name, rule, index, false)?
            }
            Op::RuleInsert(name, rule, before) => {
                let chain = chains.get(name).ok_or(KernelError::NotFound)?;
                let index = match before {
                    Some(before) => place(chain, before)?,
                    None => 0,
                };
                put(family, table, chains, name, rule, index, false)?
            }
            Op::RuleReplace(name, old, rule) => {
                let index = place(chains.get(name).ok_or(KernelError::NotFound)?, old)?;
                put(family, table, chains, name, rule, index, true)?
            }
            Op::RuleDelete(name, rule) => {
                let chain = chains.get_mut(name).ok_or(KernelError::NotFound)?;
                let index = place(chain, rule)?;
                Arc::make_mut(chain).rules.remove(index);
                let at = RuleRef { table, chain: name.clone(), index: index as u32 };
                RulesChange::RuleRemoved { rule: at, was: rule.clone() }
            }
            Op::RuleFlush(None) => {
                for chain in chains.values_mut().filter(|c| !c.rules.is_empty()) {
                    Arc::make_mut(chain).rules.clear();
                }
                RulesChange::Flushed { table, chain: None }
            }
            Op::RuleFlush(Some(name)) => {
                let chain = chains.get_mut(name).ok_or(KernelError::NotFound)?;
                if !chain.rules.is_empty() {
                    Arc::make_mut(chain).rules.clear();
                }
                RulesChange::Flushed { table, chain: Some(name.clone()) }
            }
        };
        self.changes.push(change);
        Ok(())
    }
}

type Chains = std::collections::BTreeMap<ChainName, Arc<Chain>>;

/// Puts a rule at a place, or in the place of the one that is there.
fn put(
    family: Family,
    table: TableName,
    chains: &mut Chains,
    name: &ChainName,
    rule: &Arc<Rule>,
    index: usize,
    instead: bool,
) -> Result<RulesChange, KernelError> {
    let base = match chains.get(name).ok_or(KernelError::NotFound)?.kind {
        ChainKind::Base { hook, .. } => Some(hook),
        ChainKind::User => None,
    };
    if let Some(error) = check::rule(family, table, rule, base) {
        return Err(error);
    }
    if let Some(target) = rule.target.chain() {
        match chains.get(target) {
            None => return Err(KernelError::NotFound),
            Some(chain) if chain.kind != ChainKind::User => return Err(KernelError::NotSupported),
            Some(_) => {}
        }
    }
    let at = RuleRef { table, chain: name.clone(), index: index as u32 };
    let rules = &mut Arc::make_mut(chains.get_mut(name).ok_or(KernelError::NotFound)?).rules;
    match rules.get_mut(index).filter(|_| instead) {
        Some(slot) => {
            *slot = rule.clone();
            Ok(RulesChange::RuleReplaced { rule: at, new: rule.clone() })
        }
        None => {
            rules.insert(index, rule.clone());
            Ok(RulesChange::RuleAdded { rule: at, new: rule.clone() })
        }
    }
}

/// Where in a chain a rule stands.
fn place(chain: &Chain, rule: &Arc<Rule>) -> Result<usize, KernelError> {
    chain.rules.iter().position(|r| Arc::ptr_eq(r, rule)).ok_or(KernelError::NotFound)
}

/// Lets the rules that lead to a chain name it as it is called now.
fn rename_jumps(
    chain: &mut Arc<Chain>,
    from: &ChainName,
    to: &ChainName,
    same: &mut Vec<(Arc<Rule>, Arc<Rule>)>,
) {
    if !chain.rules.iter().any(|r| r.target.chain() == Some(from)) {
        return;
    }
    for rule in &mut Arc::make_mut(chain).rules {
        let target = match &rule.target {
            Target::Jump(name) if name == from => Target::Jump(to.clone()),
            Target::Goto(name) if name == from => Target::Goto(to.clone()),
            _ => continue,
        };
        let new = Arc::new(Rule { target, ..Rule::clone(rule) });
        same.push((new.clone(), std::mem::replace(rule, new)));
    }
}
