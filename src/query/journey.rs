//! What happened in a network as stops on a timeline: where the packet is at each, and which trip it belongs to.
//!
//! A trip is one packet from where it was sent to where it ended, through as many hosts as it passed. The trips of
//! one conversation, there and back, are a flow.

use super::is_begin;
use crate::abi::{EventId, IfName, Log, Time};
use crate::net::fib::TableId;
use crate::net::{
    ConfigEvent, Event, Fate, Happening, HostId, LinkEvent, NetEvent, Origin, PassId, SocketCall, SocketEvent,
};
use crate::netfilter::event::{ChangedBy, CtChange, Event as NfEvent};
use crate::netfilter::{Hook, Policy, Ternary};
use crate::packet::{Packet, Tuple};
use std::collections::BTreeMap;

/// Where something happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: a probe begins.
    Start,
    /// A host's device.
    Device(HostId, IfName),
    /// Inside a host, at a hook or between two.
    Host(HostId, Option<Hook>),
}

impl Place {
    /// The host.
    pub fn host(&self) -> Option<HostId> {
        match self {
            Place::Start => None,
            Place::Device(host, _) | Place::Host(host, _) => Some(*host),
        }
    }
}

/// One stop.
#[derive(Clone, Debug, PartialEq)]
pub struct Stop {
    /// The probe, counted from 0.
    pub probe: usize,
    /// The event; `None` for the beginning of a probe.
    pub event: Option<EventId>,
    /// When.
    pub time: Time,
    /// Where.
    pub place: Place,
    /// The way through a host that it belongs to.
    pub pass: Option<PassId>,
    /// The trip that it belongs to.
    pub trip: Option<usize>,
    /// A frame arrives, or a packet's way ends without going on: the next place to look at from afar.
    pub hop: bool,
}

/// A packet from its sender to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Trip {
    /// The probe in which it began.
    pub probe: usize,
    /// The packet as it was sent.
    pub first: Packet,
    /// The packet as it was when its last way ended.
    pub last: Packet,
    /// Its ways, in order, each with its host.
    pub passes: Vec<(PassId, HostId)>,
    /// How the last of its ways ended.
    pub fate: Option<Fate>,
    /// The trip that the kernel answers with this one.
    pub answers: Option<usize>,
}

impl Trip {
    /// Where it was sent.
    pub fn from(&self) -> Option<HostId> {
        self.passes.first().map(|(_, host)| *host)
    }

    /// Where it was last.
    pub fn to(&self) -> Option<HostId> {
        self.passes.last().map(|(_, host)| *host)
    }
}

/// A whole run, stop by stop.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Journey {
    /// The stops.
    pub stops: Vec<Stop>,
    /// The trips, in the order in which they began.
    pub trips: Vec<Trip>,
    /// The first stop of each probe.
    pub probes: Vec<usize>,
}

impl Journey {
    /// Makes the journey of a network's log; `starts` are the places at which probes begin, and one more for the end.
    pub fn of(log: &Log<Happening>, starts: &[EventId]) -> Journey {
        let mut maker = Maker {
            log,
            journey: Journey::default(),
            trip_of: BTreeMap::new(),
            hooks: BTreeMap::new(),
            sent: Vec::new(),
        };
        for (probe, range) in starts.windows(2).enumerate() {
            let (Some(from), Some(to)) = (range.first(), range.last()) else { continue };
            maker.begin(probe, *from);
            for id in (from.0..to.0).map(EventId) {
                maker.take(probe, id);
            }
        }
        maker.journey
    }

    /// The last stop's number.
    pub fn last(&self) -> usize {
        self.stops.len().saturating_sub(1)
    }

    /// The stop, or the last one.
    pub fn stop(&self, at: usize) -> Option<&Stop> {
        self.stops.get(at).or(self.stops.last())
    }

    /// The next hop after a stop, or the last stop.
    pub fn hop_forward(&self, at: usize) -> usize {
        let is_hop = |i: &usize| self.stops.get(*i).is_some_and(|s| s.hop || s.event.is_none());
        (at + 1..self.stops.len()).find(is_hop).unwrap_or(self.last())
    }

    /// The hop before a stop.
    pub fn hop_back(&self, at: usize) -> usize {
        let is_hop = |i: &usize| self.stops.get(*i).is_some_and(|s| s.hop || s.event.is_none());
        (0..at).rev().find(is_hop).unwrap_or(0)
    }

    /// The beginning of the next probe, or the last stop.
    pub fn probe_forward(&self, at: usize) -> usize {
        self.probes.iter().copied().find(|first| *first > at).unwrap_or(self.last())
    }

    /// The beginning of this probe, or of the one before if it is that already.
    pub fn probe_back(&self, at: usize) -> usize {
        self.probes.iter().copied().rev().find(|first| *first < at).unwrap_or(0)
    }

    /// The first stop of a way.
    pub fn stop_of(&self, pass: PassId) -> Option<usize> {
        self.stops.iter().position(|s| s.pass == Some(pass))
    }

    /// The flows of a probe: each a list of trips, with true for those that go back.
    pub fn flows(&self, probe: usize) -> Vec<Vec<(usize, bool)>> {
        let mut flows: Vec<Vec<(usize, bool)>> = Vec::new();
        for (i, trip) in self.trips.iter().enumerate().filter(|(_, t)| t.probe == probe) {
            let found = flows.iter().enumerate().find_map(|(n, flow)| {
                flow.iter().find_map(|(j, back)| {
                    let same = self.trips.get(*j).and_then(|other| related(other, trip, *j))?;
                    Some((n, if same { *back } else { !*back }))
                })
            });
            match found {
                Some((n, back)) => flows.get_mut(n).into_iter().for_each(|flow| flow.push((i, back))),
                None => flows.push(vec![(i, false)]),
            }
        }
        flows
    }

    /// The first stop, after one, of a trip that goes the other way of the same flow; at a stop of no trip, of the
    /// first trip that goes back in the probe's first flow.
    pub fn way_back(&self, at: usize) -> Option<usize> {
        let stop = self.stop(at)?;
        let flows = self.flows(stop.probe);
        let (flow, back) = match stop.trip {
            Some(here) => flows.iter().find_map(|flow| {
                let (_, back) = flow.iter().find(|(trip, _)| *trip == here)?;
                Some((flow, *back))
            })?,
            None => (flows.first()?, false),
        };
        let wanted: Vec<usize> = flow.iter().filter(|(_, b)| *b != back).map(|(t, _)| *t).collect();
        let of = |(_, s): &(usize, &Stop)| s.trip.is_some_and(|t| wanted.contains(&t));
        self.stops.iter().enumerate().skip(at + 1).find(of).map(|(i, _)| i)
    }
}

/// True if two trips go the same way of one flow, false if the second goes back, `None` if they are strangers.
fn related(one: &Trip, other: &Trip, number: usize) -> Option<bool> {
    let solicits = one.first.icmp().is_some_and(|i| i.kind.ty == 135);
    let advertises = other.first.icmp().is_some_and(|i| i.kind.ty == 136);
    let asked = one.first.src.is_ipv6() && solicits && advertises && other.first.dst == one.first.src;
    if other.answers == Some(number) || (asked && one.to() == other.from()) {
        return Some(false);
    }
    let (there, again) = (Tuple::of(&one.first)?, Tuple::of(&other.first)?);
    if one.from() == other.from() && there == again {
        return Some(true);
    }
    let arrived = Tuple::of(&one.last)?;
    (one.to() == other.from() && arrived.invert() == again).then_some(false)
}

/// Takes events one by one.
struct Maker<'a> {
    log: &'a Log<Happening>,
    journey: Journey,
    /// The trip of each way.
    trip_of: BTreeMap<PassId, usize>,
    /// The hook that each way is at.
    hooks: BTreeMap<PassId, Hook>,
    /// The packets that left their hosts, each with its trip. One that waits for a neighbour leaves because of that
    /// neighbour's answer: its cause does not tell its trip, it does itself.
    sent: Vec<(Packet, usize)>,
}

impl Maker<'_> {
    fn begin(&mut self, probe: usize, from: EventId) {
        self.journey.probes.push(self.journey.stops.len());
        self.sent.clear();
        let time = self.log.get(from).map(|e| e.event.time);
        let time = time.or(self.log.entries().last().map(|e| e.event.time)).unwrap_or_default();
        let place = Place::Start;
        self.journey.stops.push(Stop { probe, event: None, time, place, pass: None, trip: None, hop: false });
    }

    fn take(&mut self, probe: usize, id: EventId) {
        let Some(entry) = self.log.get(id) else { return };
        let happening = &entry.event;
        if is_begin(&happening.event) {
            self.open(probe, id, entry.cause, happening);
        }
        self.follow(happening);
        if !is_stop(&happening.event) {
            return;
        }
        let own = happening.pass.and_then(|pass| self.trip_of.get(&pass).copied());
        let carried = match &happening.event {
            Event::Link(LinkEvent::FrameSent { frame, .. } | LinkEvent::FrameReceived { frame, .. }) => {
                frame.packet().and_then(|packet| self.trip_with(packet))
            }
            Event::Net(_) | Event::Netfilter(_) | Event::Link(_) | Event::Socket(_) | Event::Config(_) => {
                None
            }
        };
        let trip = carried.or(own).or_else(|| self.trip_behind(entry.cause));
        self.journey.stops.push(Stop {
            probe,
            event: Some(id),
            time: happening.time,
            place: self.place(happening),
            pass: happening.pass.filter(|_| trip == own),
            trip,
            hop: is_hop(&happening.event),
        });
    }

    /// A way begins: it goes on with a trip, or begins one.
    fn open(&mut self, probe: usize, id: EventId, cause: Option<EventId>, happening: &Happening) {
        let (skb, own) = match &happening.event {
            Event::Net(
                NetEvent::Begins { skb, origin: Origin::Wire(_) } | NetEvent::Continues { skb, .. },
            ) => (skb, false),
            Event::Net(NetEvent::Begins { skb, origin: Origin::Process } | NetEvent::Answers { skb }) => {
                (skb, true)
            }
            _ => return,
        };
        let behind = self.trip_with(&skb.packet).filter(|_| !own).or_else(|| self.trip_behind(cause));
        let answers = behind.filter(|_| matches!(happening.event, Event::Net(NetEvent::Answers { .. })));
        let pass = PassId(id.0);
        let trip = match behind {
            Some(trip) if !own => trip,
            Some(_) | None => {
                let (first, last) = (skb.packet.clone(), skb.packet.clone());
                let new = Trip { probe, first, last, passes: Vec::new(), fate: None, answers };
                self.journey.trips.push(new);
                self.journey.trips.len() - 1
            }
        };
        self.trip_of.insert(pass, trip);
        if let Some(trip) = self.journey.trips.get_mut(trip) {
            trip.passes.push((pass, happening.host));
            trip.last = skb.packet.clone();
            trip.fate = None;
        }
    }

    /// The trip of the packet that left a host last and is like this one.
    fn trip_with(&self, packet: &Packet) -> Option<usize> {
        self.sent.iter().rev().find(|(sent, _)| sent == packet).map(|(_, trip)| *trip)
    }

    /// The trip that an event's cause belongs to, or the cause's cause, and so on.
    fn trip_behind(&self, mut cause: Option<EventId>) -> Option<usize> {
        while let Some(id) = cause {
            let entry = self.log.get(id)?;
            if let Some(trip) = entry.event.pass.and_then(|pass| self.trip_of.get(&pass)) {
                return Some(*trip);
            }
            cause = entry.cause;
        }
        None
    }

    /// What an event changes of its trip.
    fn follow(&mut self, happening: &Happening) {
        let Some(pass) = happening.pass else { return };
        let trip = self.trip_of.get(&pass).and_then(|trip| self.journey.trips.get_mut(*trip));
        match &happening.event {
            Event::Netfilter(NfEvent::HookEntered { hook }) => {
                self.hooks.insert(pass, *hook);
            }
            Event::Netfilter(NfEvent::PacketChanged { after, .. }) => {
                trip.into_iter().for_each(|t| t.last = after.packet.clone());
            }
            Event::Net(NetEvent::Ended { fate, .. }) => {
                self.hooks.remove(&pass);
                let Some(number) = self.trip_of.get(&pass).copied() else { return };
                let Some(trip) = self.journey.trips.get_mut(number) else { return };
                trip.fate = Some(fate.clone());
                if let Fate::Sent(_) = fate {
                    self.sent.push((trip.last.clone(), number));
                }
            }
            Event::Net(_) | Event::Netfilter(_) | Event::Link(_) | Event::Socket(_) | Event::Config(_) => {}
        }
    }

    fn place(&self, happening: &Happening) -> Place {
        let host = happening.host;
        match &happening.event {
            Event::Link(
                LinkEvent::FrameSent { dev, .. }
                | LinkEvent::FrameReceived { dev, .. }
                | LinkEvent::FrameDropped { dev, .. }
                | LinkEvent::Neighbour { dev, .. }
                | LinkEvent::Flooded { bridge: dev, .. }
                | LinkEvent::Learned { bridge: dev, .. },
            ) => Place::Device(host, dev.clone()),
            Event::Net(NetEvent::Begins { origin: Origin::Wire(dev), .. }) => {
                Place::Device(host, dev.clone())
            }
            Event::Net(NetEvent::Ended { fate: Fate::Sent(dev), .. }) => Place::Device(host, dev.clone()),
            Event::Netfilter(_) => {
                Place::Host(host, happening.pass.and_then(|p| self.hooks.get(&p).copied()))
            }
            Event::Net(NetEvent::Ended { fate: Fate::Dropped | Fate::Rejected, .. })
            | Event::Net(_)
            | Event::Link(LinkEvent::PathChanged { .. })
            | Event::Socket(_) => Place::Host(host, None),
            Event::Config(event) => {
                event.dev().map_or(Place::Host(host, None), |dev| Place::Device(host, dev.clone()))
            }
        }
    }
}

/// Whether an event is a stop of its own on the way through the network. The rest is seen in the host, opened.
fn is_stop(event: &Event) -> bool {
    match event {
        Event::Net(_) => true,
        // The table `local` follows from the addresses.
        Event::Config(
            ConfigEvent::RouteAdded { table: TableId::LOCAL, .. }
            | ConfigEvent::RouteRemoved { table: TableId::LOCAL, .. },
        ) => false,
        Event::Config(_) => true,
        Event::Link(event) => match event {
            LinkEvent::FrameSent { .. }
            | LinkEvent::FrameReceived { .. }
            | LinkEvent::FrameDropped { .. }
            | LinkEvent::Flooded { .. }
            | LinkEvent::Neighbour { .. }
            | LinkEvent::PathChanged { .. } => true,
            LinkEvent::Learned { .. } => false,
        },
        Event::Socket(event) => match event {
            SocketEvent::Called { call, error, .. } => {
                error.is_some()
                    || matches!(
                        call,
                        SocketCall::Connect | SocketCall::Send | SocketCall::Shutdown | SocketCall::Close
                    )
            }
            SocketEvent::Got { .. }
            | SocketEvent::State { .. }
            | SocketEvent::Timer { .. }
            | SocketEvent::NoSocket
            | SocketEvent::Error { .. } => true,
        },
        Event::Netfilter(event) => match event {
            NfEvent::HookEntered { .. }
            | NfEvent::Tracked { .. }
            | NfEvent::KernelDropped { .. }
            | NfEvent::MatchDropped { .. }
            | NfEvent::LogWritten { .. }
            | NfEvent::Copied { .. }
            | NfEvent::SetChanged { .. }
            | NfEvent::CommandRun { .. }
            | NfEvent::RulesChanged { .. }
            | NfEvent::ExpectationChanged { .. }
            | NfEvent::NotKnown { .. } => true,
            NfEvent::RuleAsked { held, taken, .. } => *taken && *held != Ternary::No,
            NfEvent::PolicyApplied { policy, .. } => *policy == Policy::Drop,
            NfEvent::NatSettled { changes, .. } => *changes,
            NfEvent::PacketChanged { by, .. } => match by {
                ChangedBy::Target
                | ChangedBy::Match
                | ChangedBy::Nat(_)
                | ChangedBy::Gathering
                | ChangedBy::Helper => true,
                ChangedBy::Tracking | ChangedBy::Routing | ChangedBy::Forwarding | ChangedBy::Loopback => {
                    false
                }
            },
            NfEvent::ConnectionChanged { change, .. } => match change {
                CtChange::Created | CtChange::Status(_) | CtChange::Timeout(_) => false,
                CtChange::Confirmed
                | CtChange::Tcp(..)
                | CtChange::Sctp(..)
                | CtChange::Mark(_)
                | CtChange::Expired
                | CtChange::Reset
                | CtChange::Replaced
                | CtChange::Abandoned
                | CtChange::Clash
                | CtChange::Evicted
                | CtChange::Deleted
                | CtChange::Rehomed => true,
            },
            NfEvent::StageSkipped { .. }
            | NfEvent::ChainEntered { .. }
            | NfEvent::ChainLeft { .. }
            | NfEvent::TableDone { .. } => false,
        },
    }
}

fn is_hop(event: &Event) -> bool {
    match event {
        Event::Link(LinkEvent::FrameReceived { .. } | LinkEvent::FrameDropped { .. }) => true,
        Event::Net(NetEvent::Ended { fate, .. }) => !matches!(fate, Fate::Sent(_)),
        Event::Net(NetEvent::Begins { origin, .. }) => *origin == Origin::Process,
        Event::Net(_) | Event::Link(_) | Event::Socket(_) | Event::Netfilter(_) | Event::Config(_) => false,
    }
}
