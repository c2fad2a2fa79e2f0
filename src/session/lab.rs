//! A lab on show: its run, the hosts before each probe, and the probes that were added by hand.

use crate::abi::{EventId, Log};
use crate::lab::{BuildError, Lab, LabError, PingProbe, Probe, Run, run_watched};
use crate::net::{Event, Happening, Host, HostId};
use crate::netfilter::event::{Event as NfEvent, NotKnown};
use crate::netfilter::{CtEntry, Family, RuleRef, Ruleset, Ternary};
use crate::query::{Journey, NeighbourAt, PassLog, RulesAt, Stop, connections_at, neighbours_at, pass_log};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The most hosts that are shown.
pub const MAX_HOSTS: usize = 64;
/// The most probes that are sent, each counted as often as it repeats itself.
pub const MAX_PROBES: u64 = 400;
/// After so many events the run is stopped.
pub const MAX_EVENTS: usize = 200_000;

/// Why a lab cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabOpenError {
    /// The file.
    Read(LabError),
    /// Its network.
    Build(BuildError),
    /// More than [`MAX_HOSTS`] hosts: so many.
    Hosts(usize),
    /// More than [`MAX_PROBES`] probes: so many.
    Probes(u64),
    /// More than [`MAX_EVENTS`] events, as a loop of bridges makes them.
    Events,
}

impl fmt::Display for LabOpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LabOpenError::Read(error) => error.fmt(f),
            LabOpenError::Build(error) => error.fmt(f),
            LabOpenError::Hosts(n) => write!(f, "{n} hosts: more than {MAX_HOSTS}"),
            LabOpenError::Probes(n) => write!(f, "{n} probes: more than {MAX_PROBES}"),
            LabOpenError::Events => write!(f, "more than {MAX_EVENTS} events"),
        }
    }
}

impl std::error::Error for LabOpenError {}

/// A lab that has been run, ready to be looked at moment by moment.
#[derive(Clone, Debug)]
pub struct LabSession {
    lab: Lab,
    /// How many of its probes were added by hand.
    added: usize,
    run: Run,
    /// The hosts before each probe, and after the last.
    hosts: Vec<BTreeMap<HostId, Host>>,
    journey: Journey,
    /// Where commands changed rules.
    changes: Vec<EventId>,
    /// What was given where the model cannot know.
    answers: Vec<bool>,
}

/// A rule of which the model cannot know whether it matches, or what it does; the run goes on as if it did or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabChoice {
    /// Where the question came up.
    pub event: EventId,
    /// In which host.
    pub host: HostId,
    /// The rule.
    pub rule: RuleRef,
    /// The run goes on as if it had matched, or, with a target that the model does not have, as if it had ended the
    /// packet's way.
    pub yes: bool,
}

impl LabSession {
    /// Reads a lab file and runs it.
    ///
    /// # Errors
    /// The file is no lab, its network cannot be built, or it is larger than what is shown.
    pub fn open(text: &str) -> Result<LabSession, LabOpenError> {
        LabSession::run(text.parse().map_err(LabOpenError::Read)?, 0, Vec::new())
    }

    fn run(lab: Lab, added: usize, answers: Vec<bool>) -> Result<LabSession, LabOpenError> {
        if lab.hosts.len() > MAX_HOSTS {
            return Err(LabOpenError::Hosts(lab.hosts.len()));
        }
        let sent: u64 = lab.probes.iter().map(times).sum();
        if sent > MAX_PROBES {
            return Err(LabOpenError::Probes(sent));
        }
        let mut hosts = Vec::new();
        let before =
            |net: &crate::net::Network| hosts.push(net.hosts().map(|(id, _, h)| (id, h.clone())).collect());
        let run = run_watched(&lab, MAX_EVENTS, answers.clone(), before).map_err(LabOpenError::Build)?;
        if run.network.is_over() {
            return Err(LabOpenError::Events);
        }
        let journey = Journey::of(run.network.log(), &run.starts);
        let log = run.network.log();
        let ids = (log.start().0..log.next_id().0).map(EventId);
        let is_change = |id: &EventId| {
            let event = log.get(*id).map(|e| &e.event.event);
            matches!(event, Some(Event::Netfilter(NfEvent::RulesChanged { .. })))
        };
        let changes = ids.filter(is_change).collect();
        Ok(LabSession { lab, added, run, hosts, journey, changes, answers })
    }

    /// Runs the lab again with one probe more.
    ///
    /// # Errors
    /// As [`LabSession::open`]; the probe may name what is not there.
    pub fn with(&self, probe: Probe) -> Result<LabSession, LabOpenError> {
        let mut lab = self.lab.clone();
        lab.probes.push(probe);
        lab.check().map_err(LabOpenError::Read)?;
        LabSession::run(lab, self.added + 1, self.answers.clone())
    }

    /// Runs the lab again without the probe that was added last; `None` where none was.
    pub fn undo(&self) -> Option<LabSession> {
        let added = self.added.checked_sub(1)?;
        let mut lab = self.lab.clone();
        lab.probes.pop();
        LabSession::run(lab, added, self.answers.clone()).ok()
    }

    /// Where the model cannot know, and how this run goes on there, in order.
    pub fn choices(&self) -> Vec<LabChoice> {
        let mut made = self.run.network.choices().made().peekable();
        let mut all = Vec::new();
        for (id, entry) in (self.log().start().0..).map(EventId).zip(self.log().entries()) {
            let Some((rule, yes)) = made.peek().copied() else { break };
            let asked = match &entry.event.event {
                Event::Netfilter(NfEvent::RuleAsked { rule, held: Ternary::Unknown, taken, .. }) => {
                    Some(rule).filter(|_| *taken == yes)
                }
                Event::Netfilter(NfEvent::NotKnown { what: NotKnown::Target(_) }) => {
                    let cause = entry.cause.and_then(|cause| self.log().get(cause));
                    match cause.map(|c| &c.event.event) {
                        Some(Event::Netfilter(NfEvent::RuleAsked { rule, .. })) => Some(rule),
                        _ => None,
                    }
                }
                _ => None,
            };
            if asked == Some(rule) {
                all.push(LabChoice { event: id, host: entry.event.host, rule: rule.clone(), yes });
                made.next();
            }
        }
        all
    }

    /// Runs the lab again with the other answer to one of [`LabSession::choices`]; what comes after it is asked anew.
    ///
    /// # Errors
    /// As [`LabSession::open`].
    pub fn choose_other(&self, choice: usize) -> Result<LabSession, LabOpenError> {
        let made = self.run.network.choices().made().map(|(_, yes)| yes);
        let mut answers: Vec<bool> = made.take(choice + 1).collect();
        answers.last_mut().into_iter().for_each(|last| *last = !*last);
        LabSession::run(self.lab.clone(), self.added, answers)
    }

    /// How many probes were added by hand.
    pub fn added(&self) -> usize {
        self.added
    }

    /// The lab.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// What has happened, in the network's own words.
    pub fn log(&self) -> &Log<Happening> {
        self.run.network.log()
    }

    /// The network afterwards.
    pub fn network(&self) -> &crate::net::Network {
        &self.run.network
    }

    /// The same, stop by stop.
    pub fn journey(&self) -> &Journey {
        &self.journey
    }

    /// What a probe showed, in the shape of a recorded truth.
    pub fn result(&self, probe: usize) -> Option<&Value> {
        self.run.probes.get(probe)
    }

    /// A host as it was before a probe; a probe that runs a command shows it as it was afterwards.
    pub fn host(&self, probe: usize, host: HostId) -> Option<&Host> {
        let after = matches!(self.lab.probes.get(probe), Some(Probe::Run(_)));
        self.hosts.get(probe + usize::from(after))?.get(&host)
    }

    /// Where a probe's events begin in the log; after the last probe, where they end.
    pub fn start(&self, probe: usize) -> Option<EventId> {
        self.run.starts.get(probe).copied()
    }

    /// A host as it was when a probe began; after the last probe, as it was in the end.
    pub fn before(&self, probe: usize, host: HostId) -> Option<&Host> {
        self.hosts.get(probe)?.get(&host)
    }

    /// The rules of a host in a probe, as they are when an event happens; without one, as the probe begins.
    pub fn rules(&self, probe: usize, event: Option<EventId>, host: HostId, family: Family) -> Arc<Ruleset> {
        let none = || Arc::new(Ruleset { family, ..Ruleset::default() });
        let Some(before) = self.before(probe, host) else { return none() };
        let start = self.run.starts.get(probe).copied().unwrap_or(EventId(0));
        let first = self.changes.partition_point(|id| *id < start);
        let end = self.changes.partition_point(|id| event.is_some_and(|event| *id < event));
        let happened = self.changes.get(first..end).unwrap_or_default().iter();
        let mut happened = happened.filter_map(|id| self.log().get(*id)).map(|e| &e.event);
        let mut happened = happened.by_ref().filter(|h| h.host == host).peekable();
        if happened.peek().is_none() {
            return before.netfilter.ruleset(family).cloned().unwrap_or_else(none);
        }
        let mut at = RulesAt::new(before, family);
        happened.for_each(|h| at.take(h.pass, &h.event));
        Arc::new(at.rules().clone())
    }

    /// A host's rules in a probe, after an event, with what each rule and policy has counted until then.
    pub fn counted(&self, probe: usize, event: Option<EventId>, host: HostId, family: Family) -> Ruleset {
        let Some(before) = self.before(probe, host) else { return Ruleset::empty(family) };
        let mut at = RulesAt::new(before, family);
        let ids = self.range(probe, event);
        let entries = (ids.start.0..ids.end.0).filter_map(|id| self.log().get(EventId(id)));
        entries.map(|e| &e.event).filter(|h| h.host == host).for_each(|h| at.take(h.pass, &h.event));
        at.rules().clone()
    }

    /// The events from the beginning of a stop's probe to the stop itself.
    fn until(&self, stop: &Stop) -> Range<EventId> {
        self.range(stop.probe, stop.event)
    }

    fn range(&self, probe: usize, last: Option<EventId>) -> Range<EventId> {
        let start = self.run.starts.get(probe).copied().unwrap_or(EventId(0));
        start..last.map_or(start, |id| EventId(id.0 + 1))
    }

    /// A host's connections at a stop.
    pub fn connections(&self, stop: &Stop, host: HostId) -> Vec<Arc<CtEntry>> {
        let before = self.hosts.get(stop.probe).and_then(|hosts| hosts.get(&host));
        before.map_or_else(Vec::new, |before| {
            connections_at(before, host, self.log(), self.until(stop), stop.time)
        })
    }

    /// A host's neighbours at a stop.
    pub fn neighbours(&self, stop: &Stop, host: HostId) -> Vec<NeighbourAt> {
        let before = self.hosts.get(stop.probe).and_then(|hosts| hosts.get(&host));
        before.map_or_else(Vec::new, |before| neighbours_at(before, host, self.log(), self.until(stop)))
    }

    /// A way through a host.
    pub fn pass(&self, pass: crate::net::PassId) -> Option<PassLog> {
        pass_log(self.log(), pass)
    }
}

/// How often a probe sends.
fn times(probe: &Probe) -> u64 {
    let count = match probe {
        Probe::Udp(p) => p.count,
        Probe::Ping(PingProbe { count, .. }) => *count,
        Probe::Packet(p) => p.count,
        Probe::Packets(p) => {
            return u64::from(p.count.unwrap_or(1)).saturating_mul(p.packets.len() as u64).max(1);
        }
        Probe::Tcp(_) | Probe::Run(_) | Probe::Push(_) | Probe::Sleep(_) => None,
    };
    u64::from(count.unwrap_or(1)).max(1)
}
