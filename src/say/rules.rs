//! What a command did to the rules, in a sentence.

use super::Text;
use crate::netfilter::Family;
use crate::netfilter::event::RulesChange;
use crate::netfilter::text::rule_line;

/// Says what a command did to the rules.
pub(super) fn changed(text: &Text, family: Family, change: &RulesChange) -> String {
    let line = |chain, rule| rule_line(family, chain, rule);
    match change {
        RulesChange::TableAdded { table } => text.with("rules-table-added", &[("table", table.name())]),
        RulesChange::TableRemoved { table } => text.with("rules-table-removed", &[("table", table.name())]),
        RulesChange::ChainAdded { table, chain } => {
            text.with("rules-chain-added", &[("table", table.name()), ("chain", chain.as_str())])
        }
        RulesChange::ChainRemoved { table, chain } => {
            text.with("rules-chain-removed", &[("table", table.name()), ("chain", chain.as_str())])
        }
        RulesChange::ChainRenamed { table, from, to } => text.with(
            "rules-chain-renamed",
            &[("table", table.name()), ("from", from.as_str()), ("to", to.as_str())],
        ),
        RulesChange::PolicySet { table, chain, policy } => text.with(
            "rules-policy-set",
            &[("table", table.name()), ("chain", chain.as_str()), ("policy", &policy.to_string())],
        ),
        RulesChange::PolicyZeroed { table, chain } => {
            text.with("rules-policy-zeroed", &[("table", table.name()), ("chain", chain.as_str())])
        }
        RulesChange::RuleAdded { rule, new } => {
            text.with("rules-added", &[("rule", &rule.to_string()), ("line", &line(&rule.chain, new))])
        }
        RulesChange::RuleReplaced { rule, new } => {
            text.with("rules-replaced", &[("rule", &rule.to_string()), ("line", &line(&rule.chain, new))])
        }
        RulesChange::RuleRemoved { rule, was } => {
            text.with("rules-removed", &[("rule", &rule.to_string()), ("line", &line(&rule.chain, was))])
        }
        RulesChange::Flushed { table, chain: None } => {
            text.with("rules-flushed-table", &[("table", table.name())])
        }
        RulesChange::Flushed { table, chain: Some(chain) } => {
            text.with("rules-flushed-chain", &[("table", table.name()), ("chain", chain.as_str())])
        }
    }
}
