//! A lab's session with its pictures, and what the page says of its moments. Stands between page and engine.

use crate::abi::EventId;
use crate::lab::{Lab, Probe};
use crate::net::{Event, Fate, FrameDrop, HostId, LinkEvent, NetEvent, PassId, Routed, SocketEvent};
use crate::netfilter::event::{CtChange, Event as NfEvent};
use crate::netfilter::{Family, Policy, Ruleset};
use crate::packet::Packet;
use crate::query::{Direction, Outcome, Stop, Topology};
use crate::say;
use crate::session::{LabOpenError, LabSession};
use crate::ui::case::look_of;
use crate::ui::look::Look;
use crate::ui::pieces;
use crate::ui::shown::{Shown, Walked};
use crate::ui::words::Words;
use std::rc::Rc;
use std::sync::Arc;
use yew::AttrValue;

/// One of the page's own labs.
pub struct OwnLab {
    /// Its name.
    pub name: &'static str,
    /// The file.
    pub text: &'static str,
}

/// The page's own labs.
pub const OWN_LABS: [OwnLab; 5] = [
    OwnLab { name: "masquerade", text: include_str!("../../../static/labs/masquerade.json") },
    OwnLab { name: "published-port", text: include_str!("../../../static/labs/published-port.json") },
    OwnLab { name: "error-through-nat", text: include_str!("../../../static/labs/error-through-nat.json") },
    OwnLab { name: "forward-drop", text: include_str!("../../../static/labs/forward-drop.json") },
    OwnLab { name: "neighbours-v6", text: include_str!("../../../static/labs/neighbours-v6.json") },
];

/// An own lab's title.
pub fn title(name: &str, words: &Words) -> AttrValue {
    match name {
        "masquerade" => words.get("lab-masquerade"),
        "published-port" => words.get("lab-published-port"),
        "error-through-nat" => words.get("lab-error-through-nat"),
        "forward-drop" => words.get("lab-forward-drop"),
        _ => words.get("lab-neighbours-v6"),
    }
}

/// What an own lab shows.
pub fn hint(name: &str, words: &Words) -> AttrValue {
    match name {
        "masquerade" => words.get("lab-masquerade-hint"),
        "published-port" => words.get("lab-published-port-hint"),
        "error-through-nat" => words.get("lab-error-through-nat-hint"),
        "forward-drop" => words.get("lab-forward-drop-hint"),
        _ => words.get("lab-neighbours-v6-hint"),
    }
}

/// The name of an own lab's probe, if it is one of the lab's own.
fn own_probe(name: &str, probe: usize, words: &Words) -> Option<AttrValue> {
    Some(match (name, probe) {
        ("masquerade", 0) => words.get("lab-masquerade-1"),
        ("masquerade", 1) => words.get("lab-masquerade-2"),
        ("masquerade", 2) => words.get("lab-masquerade-3"),
        ("masquerade", 3) => words.get("lab-masquerade-4"),
        ("published-port", 0) => words.get("lab-published-port-1"),
        ("published-port", 1) => words.get("lab-published-port-2"),
        ("published-port", 2) => words.get("lab-published-port-3"),
        ("published-port", 3) => words.get("lab-published-port-4"),
        ("error-through-nat", 0) => words.get("lab-error-through-nat-1"),
        ("error-through-nat", 1) => words.get("lab-error-through-nat-2"),
        ("error-through-nat", 2) => words.get("lab-error-through-nat-3"),
        ("forward-drop", 0) => words.get("lab-forward-drop-1"),
        ("forward-drop", 1) => words.get("lab-forward-drop-2"),
        ("forward-drop", 2) => words.get("lab-forward-drop-3"),
        ("neighbours-v6", 0) => words.get("lab-neighbours-v6-1"),
        ("neighbours-v6", 1) => words.get("lab-neighbours-v6-2"),
        ("neighbours-v6", 2) => words.get("lab-neighbours-v6-3"),
        _ => return None,
    })
}

/// Where a lab came from.
#[derive(Clone, PartialEq)]
pub enum LabName {
    /// It is one of the page's own.
    Own(&'static str),
    /// Somebody opened it, from a file with a name or as text.
    File(Option<Rc<str>>),
}

/// A lab ready to be shown.
#[derive(Clone)]
pub struct LabCase {
    name: LabName,
    session: Rc<LabSession>,
    across: Rc<Topology>,
    down: Rc<Topology>,
}

impl PartialEq for LabCase {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.session, &other.session)
    }
}

impl LabCase {
    /// Reads a lab and runs it.
    pub fn open(name: LabName, text: &str) -> Result<LabCase, LabOpenError> {
        Ok(LabCase::new(name, LabSession::open(text)?))
    }

    fn new(name: LabName, session: LabSession) -> LabCase {
        let plan = |direction| Rc::new(Topology::of(session.network(), direction));
        let (across, down) = (plan(Direction::Across), plan(Direction::Down));
        LabCase { name, session: Rc::new(session), across, down }
    }

    /// With one probe more.
    pub fn with(&self, probe: Probe) -> Result<LabCase, LabOpenError> {
        Ok(LabCase::new(self.name.clone(), self.session.with(probe)?))
    }

    /// With the other answer where the model cannot know.
    pub fn choose_other(&self, choice: usize) -> Result<LabCase, LabOpenError> {
        Ok(LabCase::new(self.name.clone(), self.session.choose_other(choice)?))
    }

    /// Without the probe that was added last.
    pub fn undo(&self) -> Option<LabCase> {
        Some(LabCase::new(self.name.clone(), self.session.undo()?))
    }

    /// Where it came from.
    pub fn name(&self) -> &LabName {
        &self.name
    }

    /// The run.
    pub fn session(&self) -> &LabSession {
        &self.session
    }

    /// The lab itself.
    pub fn lab(&self) -> &Lab {
        self.session.lab()
    }

    /// The picture.
    pub fn plan(&self, narrow: bool) -> &Rc<Topology> {
        if narrow { &self.down } else { &self.across }
    }

    /// Its title.
    pub fn title(&self, words: &Words) -> AttrValue {
        match &self.name {
            LabName::Own(name) => title(name, words),
            LabName::File(Some(name)) => AttrValue::Rc(name.clone()),
            LabName::File(None) => AttrValue::from(self.lab().name.clone()),
        }
    }

    /// What it is about.
    pub fn about(&self, words: &Words) -> Option<AttrValue> {
        match &self.name {
            LabName::Own(name) => Some(hint(name, words)),
            LabName::File(_) => self.lab().about.clone().map(AttrValue::from),
        }
    }

    /// Its size in words.
    pub fn facts(&self, words: &Words) -> AttrValue {
        words.with(
            "lab-facts",
            &[("hosts", self.lab().hosts.len().into()), ("links", self.lab().links.len().into())],
        )
    }

    /// A host's name.
    pub fn host_name(&self, host: HostId) -> AttrValue {
        AttrValue::from(self.session.network().name(host).to_owned())
    }

    /// A probe's name.
    pub fn probe_name(&self, probe: usize, words: &Words) -> AttrValue {
        if let LabName::Own(name) = self.name
            && let Some(own) = own_probe(name, probe, words)
        {
            return own;
        }
        let Some(probe) = self.lab().probes.get(probe) else { return AttrValue::default() };
        let named = probe.name().map(str::to_owned);
        AttrValue::from(named.unwrap_or_else(|| target(probe)))
    }

    /// Whether a probe runs a command.
    pub fn is_command(&self, probe: usize) -> bool {
        matches!(self.lab().probes.get(probe), Some(Probe::Run(_)))
    }

    /// How a probe went, as its sender saw it.
    pub fn probe_look(&self, probe: usize) -> Look {
        let found = |path: &str| self.session.result(probe).and_then(|r| r.pointer(path));
        let has = |path: &str| found(path).is_some_and(|v| !v.is_null());
        let connect = found("/result/connect").and_then(|v| v.as_str());
        match (connect, found("/result/exit").and_then(|v| v.as_i64())) {
            (Some("ok" | "already"), _) | (None, Some(0)) => Look::YES,
            (Some(_), _) | (None, Some(_)) => Look::NO,
            (None, None) if has("/result/not_modelled") => Look::MAYBE,
            (None, None)
                if ["error", "errors", "socket_errors"].iter().any(|e| has(&format!("/result/{e}"))) =>
            {
                Look::NO
            }
            (None, None) if has("/result/replies") => Look::YES,
            (None, None) => Look::QUIET,
        }
    }

    /// The event of a stop.
    pub fn event(&self, stop: &Stop) -> Option<&Event> {
        self.session.log().get(stop.event?).map(|e| &e.event.event)
    }

    fn rules_at(&self, stop: &Stop) -> Arc<Ruleset> {
        let trip = stop.trip.and_then(|trip| self.session.journey().trips.get(trip));
        let family = trip.map_or(Family::Ip, |t| Family::of(t.first.src));
        self.session.rules(stop.probe, stop.event, stop.place.host().unwrap_or(HostId(0)), family)
    }

    /// A stop in words.
    pub fn sentence(&self, at: usize, words: &Words) -> AttrValue {
        let Some(stop) = self.session.journey().stop(at) else { return words.get("lab-no-probes") };
        match self.event(stop) {
            Some(event) => say::sentence(words.lang(), &self.rules_at(stop), event).into(),
            None => {
                let probe = self.lab().probes.get(stop.probe);
                let (kind, who) = probe.map_or(("", String::new()), |p| {
                    (p.kind(), p.host().map(ToString::to_string).unwrap_or_default())
                });
                let what = probe.map(target).unwrap_or_default();
                let args = [
                    ("number", (stop.probe + 1).into()),
                    ("kind", kind.into()),
                    ("host", who.into()),
                    ("what", what.into()),
                ];
                words.with("lab-probe-begins", &args)
            }
        }
    }

    /// What a stop means.
    pub fn look(&self, at: usize) -> Look {
        let Some(stop) = self.session.journey().stop(at) else { return Look::QUIET };
        match self.event(stop) {
            None => Look::MOVE,
            Some(Event::Net(event)) => match event {
                NetEvent::Ended { fate: Fate::Sent(_), .. } => Look::MOVE,
                NetEvent::Ended { fate, .. } => look_of(Outcome::of(fate)),
                NetEvent::Routed { to: Routed::NoRoute | Routed::Refused(_), .. } => Look::NO,
                NetEvent::Routed { to: Routed::Unknown, .. } => Look::MAYBE,
                NetEvent::Routed { .. }
                | NetEvent::Begins { .. }
                | NetEvent::Continues { .. }
                | NetEvent::Resumes { .. }
                | NetEvent::Answers { .. } => Look::MOVE,
                NetEvent::Gathered { .. } | NetEvent::Fragmented { .. } => Look::CHANGE,
            },
            Some(Event::Link(event)) => match event {
                LinkEvent::FrameSent { .. } | LinkEvent::FrameReceived { .. } => Look::MOVE,
                LinkEvent::FrameDropped { why: FrameDrop::OtherHost, .. } => Look::QUIET,
                LinkEvent::FrameDropped { .. } => Look::NO,
                LinkEvent::Flooded { .. } => Look::CALL,
                LinkEvent::Learned { .. } | LinkEvent::Neighbour { .. } | LinkEvent::PathChanged { .. } => {
                    Look::TRACK
                }
            },
            Some(Event::Socket(event)) => match event {
                SocketEvent::Called { error: Some(_), .. }
                | SocketEvent::NoSocket
                | SocketEvent::Error { .. } => Look::NO,
                SocketEvent::Got { .. } => Look::YES,
                SocketEvent::State { .. } => Look::TRACK,
                SocketEvent::Called { error: None, .. } | SocketEvent::Timer { .. } => Look::QUIET,
            },
            Some(Event::Config(_)) => Look::NOTE,
            Some(Event::Netfilter(event)) => self.netfilter_look(stop, event),
        }
    }

    fn netfilter_look(&self, stop: &Stop, event: &NfEvent) -> Look {
        match event {
            NfEvent::RuleAsked { rule, .. } => {
                let rules = self.rules_at(stop);
                rules.rule(rule).and_then(|rule| pieces::target(rule)).map_or(Look::YES, |(look, _)| look)
            }
            NfEvent::PolicyApplied { policy: Policy::Drop, .. }
            | NfEvent::KernelDropped { .. }
            | NfEvent::MatchDropped { .. } => Look::NO,
            NfEvent::PolicyApplied { policy: Policy::Accept, .. } => Look::YES,
            NfEvent::ConnectionChanged { change: CtChange::Clash, .. } => Look::NO,
            NfEvent::Tracked { .. }
            | NfEvent::ConnectionChanged { .. }
            | NfEvent::ExpectationChanged { .. } => Look::TRACK,
            NfEvent::NatSettled { .. } | NfEvent::PacketChanged { .. } => Look::CHANGE,
            NfEvent::LogWritten { .. }
            | NfEvent::Copied { .. }
            | NfEvent::SetChanged { .. }
            | NfEvent::CommandRun { .. }
            | NfEvent::RulesChanged { .. } => Look::NOTE,
            NfEvent::NotKnown { .. } => Look::MAYBE,
            NfEvent::HookEntered { .. }
            | NfEvent::StageSkipped { .. }
            | NfEvent::ChainEntered { .. }
            | NfEvent::ChainLeft { .. }
            | NfEvent::TableDone { .. } => Look::QUIET,
        }
    }

    /// The packet that a stop is about, as it is then; `None` for ARP and for what is about no packet.
    pub fn packet(&self, stop: &Stop) -> Option<Packet> {
        if let Some(Event::Link(
            LinkEvent::FrameSent { frame, .. } | LinkEvent::FrameReceived { frame, .. },
        )) = self.event(stop)
        {
            return frame.packet().cloned();
        }
        let (first, last) = (stop.pass?.0, stop.event?.0);
        let mut packet = None;
        for entry in (first..=last).filter_map(|id| self.session.log().get(EventId(id))) {
            if entry.event.pass != stop.pass {
                continue;
            }
            match &entry.event.event {
                Event::Net(
                    NetEvent::Begins { skb, .. }
                    | NetEvent::Answers { skb }
                    | NetEvent::Continues { skb, .. },
                )
                | Event::Netfilter(NfEvent::PacketChanged { after: skb, .. }) => packet = Some(&skb.packet),
                _ => {}
            }
        }
        packet.cloned()
    }

    /// The ways through a host in a probe, each with its packet as it came and true if it goes back.
    pub fn ways(&self, probe: usize, host: HostId) -> Vec<(PassId, AttrValue, bool)> {
        let journey = self.session.journey();
        let mut all = Vec::new();
        for (trip, back) in journey.flows(probe).into_iter().flatten() {
            let Some(trip) = journey.trips.get(trip) else { continue };
            for (pass, _) in trip.passes.iter().filter(|(_, h)| *h == host) {
                let name = crate::ui::case::kind_of(&trip.first);
                all.push((*pass, AttrValue::from(name), back));
            }
        }
        all.sort_by_key(|(pass, ..)| *pass);
        all
    }

    /// A way with its reel.
    pub fn walked(&self, probe: usize, pass: PassId) -> Option<Rc<Walked>> {
        let log = self.session.pass(pass)?;
        let host = log.host;
        Some(Rc::new(Walked::new(log, |family| {
            self.session.rules(probe, Some(EventId(pass.0)), host, family)
        })))
    }

    /// The step of a way that a stop of the network is in.
    pub fn step_of(&self, walked: &Rc<Walked>, stop: Option<&Stop>) -> usize {
        let Some(event) = stop.filter(|s| s.pass == Some(walked.pass().pass)).and_then(|s| s.event) else {
            return 0;
        };
        let place = walked.pass().ids.partition_point(|id| *id < event);
        let reel = Shown::Pass(walked.clone()).reel();
        let reached = |f: &crate::ui::reel::Frame| f.events.first().is_some_and(|first| *first <= place);
        reel.frames().iter().rposition(reached).unwrap_or(0)
    }

    /// The stop of the network that a step of a way comes after.
    pub fn stop_at(&self, walked: &Rc<Walked>, step: usize) -> Option<usize> {
        let reel = Shown::Pass(walked.clone()).reel();
        let place = *reel.frame(step)?.events.first()?;
        let event = *walked.pass().ids.get(place)?;
        let stops = &self.session.journey().stops;
        stops.iter().rposition(|s| s.pass == Some(walked.pass().pass) && s.event.is_some_and(|e| e <= event))
    }
}

/// Where a probe goes, or what it does.
pub fn target(probe: &Probe) -> String {
    let to = |dst: std::net::IpAddr, port: u16| std::net::SocketAddr::new(dst, port).to_string();
    match probe {
        Probe::Udp(p) => format!("udp {}", to(p.dst, p.dport)),
        Probe::Tcp(p) => format!("tcp {}", to(p.dst, p.dport)),
        Probe::Ping(p) => format!("ping {}", p.dst),
        Probe::Packet(p) => p.packet.to_packet().map(|p| p.to_string()).unwrap_or_default(),
        Probe::Packets(p) => {
            let first = p.packets.first().and_then(|i| i.packet.to_packet().ok());
            first.map(|p| format!("{p} …")).unwrap_or_default()
        }
        Probe::Run(p) => p.cmd.text().trim().to_owned(),
        Probe::Push(p) => p.listener.clone(),
        Probe::Sleep(p) => format!("{} s", p.seconds.duration().as_secs_f64()),
    }
}
