//! A session: a host, its rules, and the packets sent into it so far. Inputs in, moments out.

mod lab;
mod reply;
mod sets;
mod world;

pub use lab::{LabChoice, LabOpenError, LabSession, MAX_EVENTS, MAX_HOSTS, MAX_PROBES};
pub use reply::{NoReply, reply_to};
pub use sets::split_sets;
pub use world::{World, docker_ufw};

use crate::abi::{EventId, Time};
use crate::net::{Host, HostTextError, Injected, infer, parse_host};
use crate::netfilter::ipset::{self, Sets};
use crate::netfilter::text::{Diagnostic, restore_with};
use crate::netfilter::{Family, Ruleset};
use crate::query::{Trace, trace};
use std::sync::Arc;

/// What a session starts from, as text: this is what is saved, never the state.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Source {
    /// What iptables-save printed.
    pub rules: String,
    /// The family of the rules.
    pub v6: bool,
    /// What `ip addr` and `ip route` printed; without it the host is worked out.
    pub host: Option<String>,
    /// What `ipset save` printed; without it a rule that names a set is unknown to every packet.
    pub sets: Option<String>,
}

impl Source {
    /// The family of the rules.
    pub fn family(&self) -> Family {
        if self.v6 { Family::Ip6 } else { Family::Ip }
    }
}

/// Why a session could not be opened.
#[derive(Clone, Debug)]
pub enum OpenError {
    /// The rules.
    Rules(Vec<Diagnostic>),
    /// The host's description.
    Host(HostTextError),
    /// The sets: what ipset says of them.
    Sets(String),
}

/// One packet and what came of it.
#[derive(Clone, Debug)]
pub struct Moment {
    /// What happened.
    pub trace: Trace,
    /// The host when the packet came.
    pub before: Arc<Host>,
}

/// A host and the packets sent into it.
#[derive(Clone, Debug)]
pub struct Session {
    source: Source,
    ruleset: Arc<Ruleset>,
    warnings: Vec<Diagnostic>,
    start: Arc<Host>,
    moments: Vec<Arc<Moment>>,
}

impl Session {
    /// Opens a session on a host.
    ///
    /// ```
    /// use vitrine::session::{Session, Source};
    /// let rules = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n";
    /// let source = Source { rules: rules.into(), v6: false, host: None, sets: None };
    /// let mut session = Session::open(source).unwrap();
    /// session.send("in=eth0 tcp 203.0.113.9:40000 > 198.51.100.2:22 syn".parse().unwrap());
    /// let moment = session.moments().last().unwrap();
    /// assert_eq!(moment.trace.outcome(), vitrine::query::Outcome::Accept);
    /// ```
    pub fn open(source: Source) -> Result<Session, OpenError> {
        let mut sets = Sets::default();
        if let Some(text) = &source.sets {
            ipset::restore(text, &mut sets, Time::ZERO).map_err(OpenError::Sets)?;
        }
        let known = source.sets.as_ref().map(|_| &sets);
        let restored = restore_with(&source.rules, source.family(), known);
        if restored.has_errors() {
            return Err(OpenError::Rules(restored.diagnostics));
        }
        let ruleset = Arc::new(restored.ruleset);
        let mut host = match &source.host {
            Some(text) => parse_host(text).map_err(OpenError::Host)?,
            None => infer(&ruleset, &[]),
        };
        host.netfilter.load_sets(sets);
        host.netfilter.load(ruleset.clone());
        let start = Arc::new(host);
        Ok(Session { source, ruleset, warnings: restored.diagnostics, start, moments: Vec::new() })
    }

    /// What the session started from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The host's rules.
    pub fn ruleset(&self) -> &Arc<Ruleset> {
        &self.ruleset
    }

    /// What there is to tell of the rules' text.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The packets sent so far, with what came of them.
    pub fn moments(&self) -> &[Arc<Moment>] {
        &self.moments
    }

    /// The host as it is now. After a packet of which the model could not know all, it is the host of the
    /// first way.
    pub fn host(&self) -> &Host {
        self.moments.last().map_or(&self.start, |m| &m.trace.first().host)
    }

    /// Sends a packet.
    pub fn send(&mut self, injected: Injected) -> &Arc<Moment> {
        let mut host = self.host().clone();
        host.learn(&injected);
        let start = self.moments.last().map_or(EventId(0), |m| m.trace.first().log.next_id());
        let trace = trace(&host, &injected, start);
        self.moments.push(Arc::new(Moment { trace, before: Arc::new(host) }));
        &self.moments[self.moments.len() - 1]
    }

    /// Takes back the packets from this one on.
    pub fn truncate(&mut self, len: usize) {
        self.moments.truncate(len);
    }

    /// The packet that the receiver of a moment's packet would answer with, or why there is none.
    pub fn reply_to(&self, moment: usize) -> Result<Injected, NoReply> {
        let moment = self.moments.get(moment).ok_or(NoReply::NoMoment)?;
        reply_to(moment)
    }
}
