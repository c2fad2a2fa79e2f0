//! Which walk the panes show: a packet's in the case, or one way through a host of a lab.

use super::case::Case;
use super::reel::{Reel, reel_of};
use crate::net::{Event, Fate, NetEvent};
use crate::netfilter::{Family, RuleRef, Ruleset};
use crate::query::PassLog;
use std::rc::Rc;
use std::sync::Arc;

/// One way through a host of a lab, with its reel.
pub struct Walked {
    pass: PassLog,
    rules: Arc<Ruleset>,
    reel: Rc<Reel>,
}

impl Walked {
    /// Makes the reel of a way; `rules` gives the host's rules for a family.
    pub fn new(pass: PassLog, rules: impl Fn(Family) -> Arc<Ruleset>) -> Self {
        let first = pass.log.entries().first().map(|e| &e.event);
        let family = match first {
            Some(Event::Net(
                NetEvent::Begins { skb, .. } | NetEvent::Answers { skb } | NetEvent::Continues { skb, .. },
            )) => Family::of(skb.packet.src),
            Some(_) | None => Family::Ip,
        };
        let rules = rules(family);
        let reel = Rc::new(reel_of(&rules, &pass.log));
        Walked { pass, rules, reel }
    }

    /// The way.
    pub fn pass(&self) -> &PassLog {
        &self.pass
    }
}

/// What is shown.
#[derive(Clone)]
pub enum Shown {
    /// A packet's walk in the case.
    Case {
        /// The case.
        case: Rc<Case>,
        /// The packet.
        packet: usize,
        /// Which of the ways that it may go.
        way: usize,
    },
    /// A way through a host of a lab.
    Pass(Rc<Walked>),
}

impl Shown {
    /// Its reel.
    pub fn reel(&self) -> Rc<Reel> {
        match self {
            Shown::Case { case, packet, way } => case.reel(*packet, *way).unwrap_or_default(),
            Shown::Pass(walked) => walked.reel.clone(),
        }
    }

    /// The rules that it meets.
    pub fn rules(&self) -> Arc<Ruleset> {
        match self {
            Shown::Case { case, .. } => case.rules(),
            Shown::Pass(walked) => walked.rules.clone(),
        }
    }

    /// The event at a place of its log.
    pub fn event(&self, place: usize) -> Option<&Event> {
        match self {
            Shown::Case { case, packet, way } => case.event(*packet, *way, place),
            Shown::Pass(walked) => walked.pass.log.entries().get(place).map(|e| &e.event),
        }
    }

    /// How it ends.
    pub fn fate(&self) -> Option<&Fate> {
        match self {
            Shown::Case { case, packet, way } => case.walk(*packet, *way).map(|w| &w.fate),
            Shown::Pass(walked) => walked.pass.fate.as_ref(),
        }
    }

    /// The rules of unknown answer on it, and what was taken for granted.
    pub fn choices(&self) -> &[(RuleRef, bool)] {
        match self {
            Shown::Case { case, packet, way } => case.walk(*packet, *way).map_or(&[], |w| &w.choices),
            Shown::Pass(_) => &[],
        }
    }

    /// There are more ways than were followed.
    pub fn truncated(&self) -> bool {
        match self {
            Shown::Case { case, packet, .. } => case.trace(*packet).is_some_and(|t| t.truncated),
            Shown::Pass(_) => false,
        }
    }
}
