//! A trace as JSON.

use super::path::{PathStep, path};
use super::trace::{Outcome, Trace};
use crate::abi::Log;
use crate::net::{Assumption, Event, Fate};
use crate::netfilter::{RuleRef, Ruleset};
use serde::Serialize;

/// What `vitrine trace --json` prints for one packet.
#[derive(Serialize)]
pub struct TraceJson<'a> {
    /// The packet, as it can be given to `--packet` again.
    packet: String,
    /// What happens in the end.
    outcome: Outcome,
    /// What was worked out of the host.
    assumptions: &'a [Assumption],
    /// The ways it may go.
    walks: Vec<WalkJson<'a>>,
    /// There are more ways.
    truncated: bool,
}

#[derive(Serialize)]
struct WalkJson<'a> {
    fate: &'a Fate,
    choices: Vec<ChoiceJson<'a>>,
    path: Vec<PathStep>,
    conntrack: Vec<String>,
    events: &'a Log<Event>,
}

#[derive(Serialize)]
struct ChoiceJson<'a> {
    rule: &'a RuleRef,
    matched: bool,
}

impl<'a> TraceJson<'a> {
    /// Puts a trace together.
    pub fn new(ruleset: &Ruleset, trace: &'a Trace) -> Self {
        let walks = trace.walks.iter().map(|walk| WalkJson {
            fate: &walk.fate,
            choices: walk
                .choices
                .iter()
                .map(|(rule, matched)| ChoiceJson { rule, matched: *matched })
                .collect(),
            path: path(ruleset, &walk.log),
            conntrack: walk.host.netfilter.conntrack.entries().map(|e| e.to_string()).collect(),
            events: &walk.log,
        });
        TraceJson {
            packet: trace.injected.to_string(),
            outcome: trace.outcome(),
            assumptions: &trace.first().host.assumptions,
            walks: walks.collect(),
            truncated: trace.truncated,
        }
    }
}
