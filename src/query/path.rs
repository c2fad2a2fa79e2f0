//! A walk in short: the rules that matched, the chains' ends, the policies, as a kernel's own trace tells
//! them.

use crate::abi::Log;
use crate::net::{Event, NetEvent};
use crate::netfilter::event::{ChangedBy, Event as NfEvent};
use crate::netfilter::text::rule_line;
use crate::netfilter::{
    ChainName, CtState, Family, Hook, Policy, RuleRef, Ruleset, TableName, Target, Ternary, targets::Act,
};
use serde::Serialize;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum PathStep {
    /// A packet starts on its way: 0 is the one that was sent in, the others the kernel's answers.
    Pass {
        /// Its number.
        pass: usize,
        /// The packet.
        packet: String,
    },
    /// Connection tracking named the packet's state.
    Ct {
        /// The hook.
        at: Hook,
        /// The state.
        ct: CtState,
    },
    /// A rule matched.
    Rule {
        /// Table.
        table: TableName,
        /// Chain.
        chain: ChainName,
        /// The rule's number, counted from 1.
        rule: u32,
        /// The rule.
        text: String,
        /// What it did: ACCEPT, DROP, CONTINUE, JUMP, GOTO, RETURN.
        verdict: &'static str,
        /// The chain it led to.
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<ChainName>,
        /// The model cannot know that it matched.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        maybe: bool,
    },
    /// A user chain came to its end.
    End {
        /// Table.
        table: TableName,
        /// Chain.
        chain: ChainName,
        /// Always true.
        end: bool,
    },
    /// A policy decided.
    Policy {
        /// Table.
        table: TableName,
        /// Chain.
        chain: ChainName,
        /// The policy.
        policy: Policy,
    },
    /// The packet was translated.
    Nat {
        /// What it was.
        from: String,
        /// What it became.
        to: String,
    },
}

/// The path of a walk.
pub fn path(ruleset: &Ruleset, log: &Log<Event>) -> Vec<PathStep> {
    let mut steps = Vec::new();
    let mut pass = 0;
    let mut hook = None;
    for entry in log.entries() {
        match &entry.event {
            Event::Net(
                NetEvent::Begins { skb, .. } | NetEvent::Answers { skb } | NetEvent::Continues { skb, .. },
            ) => {
                steps.push(PathStep::Pass { pass, packet: skb.packet.to_string() });
                pass += 1;
            }
            Event::Net(_) | Event::Link(_) | Event::Socket(_) | Event::Config(_) => {}
            Event::Netfilter(event) => steps.extend(netfilter_step(ruleset, event, &mut hook)),
        }
    }
    steps
}

/// The step that an event of netfilter's is, if it is one; `hook` is the hook that the packet is at.
pub fn netfilter_step(ruleset: &Ruleset, event: &NfEvent, hook: &mut Option<Hook>) -> Option<PathStep> {
    match event {
        NfEvent::HookEntered { hook: entered } => {
            *hook = Some(*entered);
            None
        }
        NfEvent::Tracked { ct, .. } => Some(PathStep::Ct { at: (*hook)?, ct: ct.state }),
        NfEvent::RuleAsked { rule, held, taken: true, .. } => {
            matched(ruleset, rule, *held == Ternary::Unknown)
        }
        NfEvent::ChainLeft { table, chain, returned: false, .. } => {
            Some(PathStep::End { table: *table, chain: chain.clone(), end: true })
        }
        NfEvent::PolicyApplied { table, chain, policy } => {
            Some(PathStep::Policy { table: *table, chain: chain.clone(), policy: *policy })
        }
        NfEvent::PacketChanged { before, after, by: ChangedBy::Nat(_) } => {
            Some(PathStep::Nat { from: before.packet.to_string(), to: after.packet.to_string() })
        }
        _ => None,
    }
}

fn matched(ruleset: &Ruleset, at: &RuleRef, maybe: bool) -> Option<PathStep> {
    let rule = ruleset.rule(at)?;
    let (verdict, to) = match &rule.target {
        Target::Accept => ("ACCEPT", None),
        Target::Drop | Target::Reject(_) => ("DROP", None),
        Target::Return => ("RETURN", None),
        Target::Jump(chain) => ("JUMP", Some(chain.clone())),
        Target::Goto(chain) => ("GOTO", Some(chain.clone())),
        Target::Nat(_) | Target::NetMap(_) => ("ACCEPT", None),
        Target::Typed(t) if matches!(t.act, Act::TProxy(_)) => ("ACCEPT", None),
        Target::Queue | Target::NfQueue(_) => ("QUEUE", None),
        _ => ("CONTINUE", None),
    };
    let text = rule_line(Family::clone(&ruleset.family), &at.chain, rule);
    Some(PathStep::Rule {
        table: at.table,
        chain: at.chain.clone(),
        rule: at.number(),
        text,
        verdict,
        to,
        maybe,
    })
}
