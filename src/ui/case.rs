//! What is in the case: a session, and what the page shows of it. Stands between page and engine.

use super::form::Form;
use super::look::Look;
use super::presets::{Preset, guessed, of_world};
use super::reel::{Reel, reel_of};
use super::state::Complaint;
use super::strip::Sent;
use super::words::Words;
use crate::net::{Event, Injected};
use crate::netfilter::Ruleset;
use crate::netfilter::text::family_of_dump;
use crate::packet::{Packet, Transport, icmp_name};
use crate::query::{Outcome, RulesAt, Trace, Walk};
use crate::say::{self, Lang};
use crate::session::{NoReply, OpenError, Session, Source, docker_ufw, split_sets};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use yew::AttrValue;

/// A session, with the reels of its walks made once.
#[derive(Clone)]
pub struct Case {
    name: Option<Rc<str>>,
    recorded: bool,
    session: Rc<Session>,
    presets: Rc<[Preset]>,
    /// Tables, chains, rules.
    size: [usize; 3],
    /// For each packet, each way that it may go.
    reels: Vec<Rc<[Rc<Reel>]>>,
    sent: Rc<[Sent]>,
}

impl PartialEq for Case {
    /// A session changes only by growing into another one.
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.session, &other.session)
    }
}

impl Case {
    /// The recorded host, with the first preset's packet walked.
    pub fn recorded() -> Case {
        let world = docker_ufw();
        let presets = of_world(&world);
        match Session::open(world.source) {
            Ok(session) => Case::new(None, true, session, presets),
            // The recorded rules are read by a test too.
            Err(_) => Case::empty(),
        }
    }

    /// A pasted ruleset, with a first packet walked.
    pub fn of_text(name: Option<Rc<str>>, text: &str, host: &str) -> Result<Case, Complaint> {
        let host = (!host.trim().is_empty()).then(|| host.to_owned());
        let (rules, sets) = split_sets(text);
        let v6 = !family_of_dump(&rules).is_v4();
        let source = Source { rules, v6, host: host.clone(), sets };
        let opened = Session::open(source);
        match opened {
            Ok(session) => {
                let presets = guessed(session.ruleset(), session.host());
                Ok(Case::new(name, false, session, presets))
            }
            Err(OpenError::Rules(diagnostics)) => Err(Complaint::of(&diagnostics, text)),
            Err(OpenError::Sets(message)) => Err(Complaint::Read(message.into())),
            Err(OpenError::Host(error)) => {
                let line = usize::try_from(error.line)
                    .ok()
                    .and_then(|n| host.as_ref()?.lines().nth(n.checked_sub(1)?).map(str::to_owned));
                let text = format!("{error}\n  │\n{} │ {}", error.line, line.unwrap_or_default());
                Err(Complaint::Host(text.into()))
            }
        }
    }

    fn empty() -> Case {
        let source = Source { rules: String::new(), v6: false, host: None, sets: None };
        let session = Session::open(source).unwrap_or_else(|_| unreachable!("no rules are no error"));
        Case::new(None, false, session, Vec::new())
    }

    fn new(name: Option<Rc<str>>, recorded: bool, session: Session, presets: Vec<Preset>) -> Case {
        let rules = session.ruleset();
        let chains = rules.tables.values().map(|t| t.chains.len()).sum();
        let count = rules.tables.values().flat_map(|t| t.chains.values()).map(|c| c.rules.len()).sum();
        let case = Case {
            size: [rules.tables.len(), chains, count],
            name,
            recorded,
            session: Rc::new(session),
            presets: presets.into(),
            reels: Vec::new(),
            sent: Rc::new([]),
        };
        case.start_over()
    }

    /// It is the recorded host.
    pub fn is_recorded(&self) -> bool {
        self.recorded
    }

    /// The machine's name.
    pub fn name(&self, words: &Words) -> AttrValue {
        match (&self.name, self.recorded) {
            (Some(name), _) => AttrValue::Rc(name.clone()),
            (None, true) => words.get("specimen-recorded"),
            (None, false) => words.get("specimen-pasted"),
        }
    }

    /// Its size in words.
    pub fn facts(&self, words: &Words) -> AttrValue {
        let rules = self.session.ruleset();
        let [tables, chains, count] = self.size;
        words.with(
            "specimen-facts",
            &[
                ("family", if rules.family.is_v4() { "IPv4" } else { "IPv6" }.into()),
                ("tables", tables.into()),
                ("chains", chains.into()),
                ("rules", count.into()),
            ],
        )
    }

    /// How much there is to tell of the rules' text.
    pub fn remarks(&self) -> usize {
        self.session.warnings().len()
    }

    /// What there is to tell of the rules' text.
    pub fn remark_text(&self) -> Option<AttrValue> {
        let warnings = self.session.warnings();
        let text = || super::complaint::render(warnings, &self.session.source().rules);
        (!warnings.is_empty()).then(|| AttrValue::from(text()))
    }

    /// What was worked out of a host that nobody described, in words.
    pub fn assumptions(&self, lang: Lang) -> Rc<[AttrValue]> {
        let all = &self.session.host().assumptions;
        all.iter().map(|a| AttrValue::from(say::assumption(lang, a))).collect()
    }

    /// A rule needs connection tracking: without one Linux doesn't track at all.
    pub fn is_tracking(&self) -> bool {
        self.session.host().netfilter.is_tracking()
    }

    /// The rules.
    pub fn rules(&self) -> Arc<Ruleset> {
        self.session.ruleset().clone()
    }

    /// The interfaces with their first addresses.
    pub fn interfaces(&self) -> Rc<[(AttrValue, AttrValue)]> {
        let v4 = self.session.ruleset().family.is_v4();
        let host = self.session.host();
        let mut all: Vec<(AttrValue, AttrValue)> = host
            .devices
            .iter()
            .map(|(name, device)| {
                let address = device.link.addrs.iter().find(|a| a.local.is_ipv4() == v4);
                let text = address.map(|a| format!("{}/{}", a.local, a.len)).unwrap_or_default();
                (AttrValue::from(name.to_string()), AttrValue::from(text))
            })
            .collect();
        // lo last: packets seldom come in by it
        all.sort_by_key(|(name, _)| name == "lo");
        all.into()
    }

    /// Ready-made packets.
    pub fn presets(&self) -> Rc<[Preset]> {
        self.presets.clone()
    }

    /// What the form begins with.
    pub fn first_form(&self) -> Form {
        self.presets.first().map(|p| p.form.clone()).unwrap_or_default()
    }

    /// The packets.
    pub fn sent(&self) -> Rc<[Sent]> {
        self.sent.clone()
    }

    /// One way of a packet.
    pub fn reel(&self, packet: usize, way: usize) -> Option<Rc<Reel>> {
        let ways = self.reels.get(packet)?;
        ways.get(way).or(ways.first()).cloned()
    }

    /// How many ways a packet may go.
    pub fn ways(&self, packet: usize) -> usize {
        self.reels.get(packet).map_or(0, |ways| ways.len())
    }

    /// A packet's trace.
    pub fn trace(&self, packet: usize) -> Option<&Trace> {
        self.session.moments().get(packet).map(|m| &m.trace)
    }

    /// A way's events.
    pub fn walk(&self, packet: usize, way: usize) -> Option<&Walk> {
        let walks = &self.trace(packet)?.walks;
        walks.get(way).or(walks.first())
    }

    /// The rules after the event at a place of a way's log, with what each has counted.
    pub fn counted(&self, packet: usize, way: usize, place: usize) -> Option<Ruleset> {
        let moment = self.session.moments().get(packet)?;
        let mut at = RulesAt::new(&moment.before, self.session.ruleset().family);
        let log = &self.walk(packet, way)?.log;
        log.entries().iter().take(place + 1).for_each(|entry| at.take(None, &entry.event));
        Some(at.rules().clone())
    }

    /// The event at a place of a way's log.
    pub fn event(&self, packet: usize, way: usize, place: usize) -> Option<&Event> {
        self.walk(packet, way)?.log.entries().get(place).map(|entry| &entry.event)
    }

    /// Sends a packet.
    pub fn send(&self, line: &str) -> Result<Case, String> {
        let injected: Injected = line.parse().map_err(|e: crate::net::InjectError| e.to_string())?;
        Ok(self.inject(injected))
    }

    fn inject(&self, injected: Injected) -> Case {
        let mut session = (*self.session).clone();
        let moment = session.send(injected).clone();
        let rules = session.ruleset().clone();
        let mut next = self.clone();
        next.reels.push(moment.trace.walks.iter().map(|walk| Rc::new(reel_of(&rules, &walk.log))).collect());
        next.sent = next.sent.iter().cloned().chain([sent(&moment.trace)]).collect();
        next.session = Rc::new(session);
        next
    }

    /// The reply to a packet, if its receiver would send one.
    pub fn reply_to(&self, packet: usize) -> Result<Injected, NoReply> {
        self.session.reply_to(packet)
    }

    /// Sends the reply to a packet.
    pub fn reply(&self, packet: usize) -> Option<Case> {
        self.reply_to(packet).ok().map(|injected| self.inject(injected))
    }

    /// Forgets all packets and sends the first again.
    pub fn start_over(&self) -> Case {
        let mut session = (*self.session).clone();
        session.truncate(0);
        let case = Case { session: Rc::new(session), reels: Vec::new(), sent: Rc::new([]), ..self.clone() };
        let first = case.presets.first().and_then(|preset| preset.form.line().ok());
        first.and_then(|line| case.send(&line).ok()).unwrap_or(case)
    }
}

/// A packet's chip.
fn sent(trace: &Trace) -> Sent {
    let packet = &trace.injected.packet;
    let end = |address: IpAddr, port: Option<u16>| match port {
        Some(port) => std::net::SocketAddr::new(address, port).to_string(),
        None => address.to_string(),
    };
    let ports = packet.ports();
    let (from, to) = (end(packet.src, ports.map(|p| p.0)), end(packet.dst, ports.map(|p| p.1)));
    let kind = kind_of(packet);
    let outcome = trace.outcome();
    Sent { from: from.into(), to: to.into(), kind: kind.into(), look: look_of(outcome), outcome }
}

/// A packet in a word: its flags, its ICMP type, or its protocol.
pub fn kind_of(packet: &Packet) -> String {
    match &packet.transport {
        Transport::Tcp(tcp) => tcp.flags.to_string().to_uppercase(),
        Transport::Icmp(icmp) => icmp_name(icmp.kind, packet.src.is_ipv4()).to_string(),
        Transport::Ports(_) | Transport::Other(_) => packet.proto().to_string().to_uppercase(),
    }
}

/// What an outcome looks like.
pub fn look_of(outcome: Outcome) -> Look {
    match outcome {
        Outcome::Accept => Look::YES,
        Outcome::Drop => Look::NO,
        Outcome::Reject => Look::REJECT,
        Outcome::Unknown => Look::MAYBE,
    }
}

/// An outcome's name, as netfilter would write it.
pub fn name_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Accept => "ACCEPT",
        Outcome::Drop => "DROP",
        Outcome::Reject => "REJECT",
        Outcome::Unknown => "UNKNOWN",
    }
}
