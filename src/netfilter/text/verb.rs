//! What a command does, and the names and numbers that commands take.

use super::super::error::RuleError;
use super::super::value;
use super::super::{ChainName, Family, targets};
use smol_str::SmolStr;

/// What a command does (iptables(8), COMMANDS).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `-A`.
    Append,
    /// `-C`.
    Check,
    /// `-I`, with the number that the first new rule gets.
    Insert(usize),
    /// `-R`.
    Replace(usize),
    /// `-D` with a rule.
    Delete,
    /// `-D` with a rule's number.
    DeleteAt(usize),
    /// `-F`.
    Flush,
    /// `-Z`.
    Zero,
    /// `-Z` with a rule's number.
    ZeroAt(usize),
    /// `-N`.
    NewChain,
    /// `-X`.
    DeleteChain,
    /// `-E`, with the new name.
    Rename(ChainName),
    /// `-P`, with the policy.
    Policy(SmolStr),
    /// `-L` or `-S`, which change nothing but what `-Z` beside them does.
    List(List),
    /// `-V`.
    Version {
        /// `!` stood before it.
        not: bool,
    },
    /// `-h`.
    Help,
}

/// What a listing shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List {
    /// `-S`: as commands.
    pub as_rules: bool,
    /// One rule alone.
    pub number: Option<usize>,
    /// What is set to zero afterwards.
    pub zero: Zeroing,
}

/// What `-Z` beside a listing sets to zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zeroing {
    /// Nothing.
    None,
    /// The chain's counters, or those of all chains.
    Chain,
    /// One rule's.
    Rule,
}

impl Verb {
    /// True for an option that this command does not take, by its letter; `0` is `--line-numbers`
    /// (`commands_v_options`).
    pub(super) fn refuses(&self, letter: char) -> bool {
        match letter {
            'v' => false,
            'n' | 'x' | '0' => !matches!(self, Verb::List(List { as_rules: false, .. })),
            'c' => !matches!(self, Verb::Append | Verb::Insert(_) | Verb::Replace(_) | Verb::Policy(_)),
            _ => !self.takes_rule(),
        }
    }

    /// True for a command that takes a rule's options.
    pub(in crate::netfilter) fn takes_rule(&self) -> bool {
        match self {
            Verb::Append | Verb::Check | Verb::Insert(_) | Verb::Replace(_) | Verb::Delete => true,
            Verb::DeleteAt(_)
            | Verb::Flush
            | Verb::Zero
            | Verb::ZeroAt(_)
            | Verb::NewChain
            | Verb::DeleteChain
            | Verb::Rename(_)
            | Verb::Policy(_)
            | Verb::List(_)
            | Verb::Version { .. }
            | Verb::Help => false,
        }
    }
}

/// Says why iptables takes no such name for a new chain (`parse_chain`).
pub(in crate::netfilter) fn chain_name(name: &str, family: Family) -> Result<(), RuleError> {
    let said = |words: String| Err(RuleError::Said(words));
    if name.len() > ChainName::MAX {
        Err(too_long(name))
    } else if name.starts_with(['-', '!']) {
        said(format!("chain name not allowed to start with `{}'", &name[..1]))
    } else if name.is_empty() || targets::is_verdict(name) || targets::find(name, family).is_some() {
        said("chain name may not clash with target name".into())
    } else if name.contains(char::is_whitespace) {
        said(format!("Invalid chain name `{name}'"))
    } else {
        Ok(())
    }
}

/// The refusal of a chain's name.
pub(super) fn too_long(name: &str) -> RuleError {
    RuleError::Said(format!("chain name `{name}' too long (must be under {} chars)", ChainName::MAX + 1))
}

/// Says why iptables takes no such name after `-j` or `-g` (`xt_parse_target`).
pub(super) fn target_name(name: &str) -> Result<(), RuleError> {
    let said = |words: String| Err(RuleError::Said(words));
    if name.is_empty() {
        said("Invalid target name (too short)".into())
    } else if name.len() > ChainName::MAX {
        said(format!("Invalid target name `{name}' ({} chars max)", ChainName::MAX))
    } else if name.contains(char::is_whitespace) {
        said(format!("Invalid target name `{name}'"))
    } else {
        Ok(())
    }
}

/// A rule's number.
pub(super) fn rule_number(text: &str) -> Result<usize, RuleError> {
    match value::number(text).filter(|n| (1..=i32::MAX as u64).contains(n)) {
        Some(n) => Ok(n as usize),
        None => Err(RuleError::Said(format!("Invalid rule number `{text}'"))),
    }
}
