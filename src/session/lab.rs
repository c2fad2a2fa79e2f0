//! A lab on show: its run, the hosts before each probe, and the probes that were added by hand.

use crate::abi::{EventId, Log};
use crate::lab::{BuildError, Lab, LabError, PingProbe, Probe, Run, run_watched};
use crate::net::{Happening, Host, HostId};
use crate::netfilter::{CtEntry, Family, Ruleset};
use crate::query::{Journey, NeighbourAt, PassLog, Stop, connections_at, neighbours_at, pass_log};
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
}

impl LabSession {
    /// Reads a lab file and runs it.
    ///
    /// # Errors
    /// The file is no lab, its network cannot be built, or it is larger than what is shown.
    pub fn open(text: &str) -> Result<LabSession, LabOpenError> {
        LabSession::run(text.parse().map_err(LabOpenError::Read)?, 0)
    }

    fn run(lab: Lab, added: usize) -> Result<LabSession, LabOpenError> {
        if lab.hosts.len() > MAX_HOSTS {
            return Err(LabOpenError::Hosts(lab.hosts.len()));
        }
        let sent: u64 = lab.probes.iter().map(times).sum();
        if sent > MAX_PROBES {
            return Err(LabOpenError::Probes(sent));
        }
        let mut hosts = Vec::new();
        let run = run_watched(&lab, MAX_EVENTS, |net| {
            hosts.push(net.hosts().map(|(id, _, h)| (id, h.clone())).collect())
        })
        .map_err(LabOpenError::Build)?;
        if run.network.is_over() {
            return Err(LabOpenError::Events);
        }
        let journey = Journey::of(run.network.log(), &run.starts);
        Ok(LabSession { lab, added, run, hosts, journey })
    }

    /// Runs the lab again with one probe more.
    ///
    /// # Errors
    /// As [`LabSession::open`]; the probe may name what is not there.
    pub fn with(&self, probe: Probe) -> Result<LabSession, LabOpenError> {
        let mut lab = self.lab.clone();
        lab.probes.push(probe);
        lab.check().map_err(LabOpenError::Read)?;
        LabSession::run(lab, self.added + 1)
    }

    /// Runs the lab again without the probe that was added last; `None` where none was.
    pub fn undo(&self) -> Option<LabSession> {
        let added = self.added.checked_sub(1)?;
        let mut lab = self.lab.clone();
        lab.probes.pop();
        LabSession::run(lab, added).ok()
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

    /// The rules that a packet meets in a host, in a probe.
    pub fn rules(&self, probe: usize, host: HostId, family: Family) -> Arc<Ruleset> {
        let host = self.hosts.get(probe).and_then(|hosts| hosts.get(&host));
        let rules = host.and_then(|h| h.netfilter.ruleset(family).cloned());
        rules.unwrap_or_else(|| Arc::new(Ruleset { family, ..Ruleset::default() }))
    }

    /// The events from the beginning of a stop's probe to the stop itself.
    fn until(&self, stop: &Stop) -> Range<EventId> {
        let start = self.run.starts.get(stop.probe).copied().unwrap_or(EventId(0));
        start..stop.event.map_or(start, |id| EventId(id.0 + 1))
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
