//! One packet, seen by connection tracking (`nf_conntrack_in`).

use super::super::event::{CtChange, Event, TrackedBy};
use super::tcp::{self, Step};
use super::{Conntrack, CtEntry, CtId, CtRef, CtState, CtStatus, TcpState};
use crate::abi::{Duration, EventId, Sink, Time};
use crate::packet::{self, Direction, Proto, TcpFlags, Transport, Tuple};
use std::sync::Arc;

/// Timeouts in seconds (`nf_conntrack_*_timeout`).
pub(super) const GENERIC_SECS: u64 = 600;
const UDP_SECS: u64 = 30;
const UDP_STREAM_SECS: u64 = 120;
const ICMP_SECS: u64 = 30;
/// UDP traffic that goes on for longer makes a stream.
const UDP_STREAM_AFTER: Duration = Duration::from_secs(2);

/// A packet at the conntrack stage.
pub struct Packet<'a> {
    /// The packet.
    pub packet: &'a packet::Packet,
    /// The model's clock.
    pub now: Time,
    /// What the user said of its connection, instead of its history.
    pub assumed: Option<CtState>,
    /// The event of the stage.
    pub cause: EventId,
}

impl Conntrack {
    /// Finds or makes a packet's connection and says what rules will see.
    pub fn track(&mut self, seen: &Packet, sink: &mut dyn Sink<Event>) -> CtRef {
        for id in self.expired(seen.now) {
            self.end(id, CtChange::Expired, seen.cause, sink);
        }
        let (ct, why) = match seen.assumed {
            Some(state) => (self.assume(seen, state), TrackedBy::Assumed),
            None => self.judge(seen, sink),
        };
        let entry = ct.entry.and_then(|id| self.entry(id)).map(|e| Arc::new(e.clone()));
        sink.emit(Some(seen.cause), Event::Tracked { ct, entry, why });
        ct
    }

    /// Takes the user's word for the packet's state.
    fn assume(&mut self, seen: &Packet, state: CtState) -> CtRef {
        let Some(tuple) = Tuple::of(seen.packet) else { return without(CtState::Invalid) };
        if matches!(state, CtState::Invalid | CtState::Untracked) {
            return without(state);
        }
        if let Some((entry, dir)) = self.find(&tuple) {
            return CtRef { state, entry: Some(entry.id), dir };
        }
        let id = self.create(tuple, seen.now);
        if let Some(entry) = self.entry_mut(id) {
            let tcp = seen.packet.tcp().is_some();
            match state {
                CtState::Established => {
                    for bit in
                        [CtStatus::SeenReply, CtStatus::Assured, CtStatus::SrcNatDone, CtStatus::DstNatDone]
                    {
                        entry.set(bit);
                    }
                    entry.tcp = tcp.then_some(TcpState::Established);
                }
                CtState::Related => {
                    entry.set(CtStatus::Expected);
                    entry.tcp = tcp.then_some(TcpState::SynSent);
                }
                CtState::New => entry.tcp = tcp.then_some(TcpState::SynSent),
                CtState::Invalid | CtState::Untracked => {}
            }
            entry.expires = seen.now.after(Duration::from_secs(timeout(entry)));
        }
        if state == CtState::Established {
            self.confirm(id);
        }
        CtRef { state, entry: Some(id), dir: Direction::Original }
    }

    fn judge(&mut self, seen: &Packet, sink: &mut dyn Sink<Event>) -> (CtRef, TrackedBy) {
        let p = seen.packet;
        if p.is_later_fragment() {
            return (without(CtState::Invalid), TrackedBy::Fragment);
        }
        if p.bad_checksum {
            return (without(CtState::Invalid), TrackedBy::Checksum);
        }
        if let Some(icmp) = p.icmp() {
            // Neighbour, router and multicast listener discovery (`icmpv6_error`).
            if !p.src.is_ipv4() && matches!(icmp.kind.ty, 130..=137 | 143) {
                return (without(CtState::Untracked), TrackedBy::Discovery);
            }
            if icmp.kind.is_error(p.src.is_ipv4()) {
                return self.error(icmp.quoted.as_deref());
            }
        }
        let Some(tuple) = Tuple::of(p) else { return (without(CtState::Invalid), TrackedBy::NoQuestion) };
        match self.find(&tuple).map(|(e, dir)| (e.id, dir)) {
            None => self.open(seen, tuple, sink),
            Some((id, dir)) => self.follow(seen, tuple, id, dir, sink),
        }
    }

    /// An ICMP error belongs to the connection of the packet that it quotes.
    fn error(&self, quoted: Option<&packet::Packet>) -> (CtRef, TrackedBy) {
        let tuple = quoted.and_then(Tuple::of).map(Tuple::invert);
        match tuple.and_then(|t| self.find(&t)) {
            Some((entry, dir)) => {
                (CtRef { state: CtState::Related, entry: Some(entry.id), dir }, TrackedBy::Quoted)
            }
            None => (without(CtState::Invalid), TrackedBy::QuotedUnknown),
        }
    }

    /// A packet that no entry expects.
    fn open(&mut self, seen: &Packet, tuple: Tuple, sink: &mut dyn Sink<Event>) -> (CtRef, TrackedBy) {
        let p = seen.packet;
        let mut why = TrackedBy::NoEntry;
        let mut tcp = None;
        match &p.transport {
            Transport::Tcp(header) => match tcp::open(header.flags, self.tcp_loose) {
                None => return (without(CtState::Invalid), TrackedBy::Flags),
                Some(state) => {
                    if state == TcpState::Established {
                        why = TrackedBy::PickedUp;
                    }
                    tcp = Some(state);
                }
            },
            // Only questions open a connection (`icmp_new`, `icmpv6_new`).
            Transport::Icmp(icmp) => {
                let question = match p.src.is_ipv4() {
                    true => matches!(icmp.kind.ty, 8 | 13 | 15 | 17),
                    false => matches!(icmp.kind.ty, 128 | 139),
                };
                if !question {
                    return (without(CtState::Invalid), TrackedBy::NoQuestion);
                }
            }
            Transport::Ports(_) | Transport::Other(_) => {}
        }
        let id = self.create(tuple, seen.now);
        if let Some(entry) = self.entry_mut(id) {
            entry.tcp = tcp;
            entry.expires = seen.now.after(Duration::from_secs(timeout(entry)));
            let entry = Arc::new(entry.clone());
            sink.emit(Some(seen.cause), Event::ConnectionChanged { entry, change: CtChange::Created });
        }
        (CtRef { state: CtState::New, entry: Some(id), dir: Direction::Original }, why)
    }

    /// A packet of a known connection.
    fn follow(
        &mut self,
        seen: &Packet,
        tuple: Tuple,
        id: CtId,
        dir: Direction,
        sink: &mut dyn Sink<Event>,
    ) -> (CtRef, TrackedBy) {
        let flags = seen.packet.tcp().map(|t| t.flags);
        let tcp_state = self.entry(id).and_then(|e| e.tcp);
        let step = match (flags, tcp_state) {
            (Some(flags), Some(state)) => Some(tcp::step(state, dir, flags)),
            _ => None,
        };
        match step {
            Some(Step::Invalid) => return (without(CtState::Invalid), TrackedBy::OutOfState),
            Some(Step::Reopen) => {
                self.end(id, CtChange::Replaced, seen.cause, sink);
                let (ct, _) = self.open(seen, tuple, sink);
                return (ct, TrackedBy::Reopened);
            }
            Some(Step::To(_) | Step::Ignore) | None => {}
        }
        let Some(entry) = self.entries.get_mut(&id) else {
            return (without(CtState::Invalid), TrackedBy::OutOfState);
        };
        let state = match dir {
            Direction::Reply => CtState::Established,
            Direction::Original if entry.has(CtStatus::SeenReply) => CtState::Established,
            Direction::Original if entry.has(CtStatus::Expected) => CtState::Related,
            Direction::Original => CtState::New,
        };
        let ct = CtRef { state, entry: Some(id), dir };
        // A RST as the only answer, or after a SYN alone, ends the connection at once.
        if flags.is_some_and(|f| f.has(TcpFlags::RST)) && !entry.has(CtStatus::SeenReply) {
            entry.tcp = Some(TcpState::Close);
            if dir == Direction::Reply {
                entry.set(CtStatus::SeenReply);
            }
            let last = entry.clone();
            self.tuples.retain(|_, (owner, _)| *owner != id);
            let entry = Arc::new(last);
            sink.emit(Some(seen.cause), Event::ConnectionChanged { entry, change: CtChange::Reset });
            return (ct, TrackedBy::Entry);
        }
        for change in advance(entry, seen, dir, step) {
            let entry = Arc::new(entry.clone());
            sink.emit(Some(seen.cause), Event::ConnectionChanged { entry, change });
        }
        (ct, TrackedBy::Entry)
    }

    /// Takes an entry out and says so.
    pub(in crate::netfilter) fn end(
        &mut self,
        id: CtId,
        change: CtChange,
        cause: EventId,
        sink: &mut dyn Sink<Event>,
    ) {
        if let Some(entry) = self.remove(id) {
            let entry = Arc::new(entry);
            sink.emit(Some(cause), Event::ConnectionChanged { entry, change });
        }
    }
}

/// Brings an entry up to date with one more packet; what changed.
fn advance(entry: &mut CtEntry, seen: &Packet, dir: Direction, step: Option<Step>) -> Vec<CtChange> {
    let mut changes = Vec::new();
    let old = entry.tcp;
    if let (Some(Step::To(new)), Some(old)) = (step, old) {
        if new != old {
            entry.tcp = Some(new);
            changes.push(CtChange::Tcp(old, new));
        }
        let was_open = matches!(old, TcpState::SynRecv | TcpState::Established);
        if new == TcpState::Established
            && was_open
            && entry.has(CtStatus::SeenReply)
            && entry.set(CtStatus::Assured)
        {
            changes.push(CtChange::Status(CtStatus::Assured));
        }
    }
    if entry.original.proto == Proto::UDP || entry.original.proto == Proto::UDPLITE {
        let goes_on = seen.now.since(entry.started) > UDP_STREAM_AFTER;
        if entry.has(CtStatus::SeenReply) && goes_on && entry.set(CtStatus::Assured) {
            changes.push(CtChange::Status(CtStatus::Assured));
        }
    }
    if dir == Direction::Reply && entry.set(CtStatus::SeenReply) {
        changes.push(CtChange::Status(CtStatus::SeenReply));
    }
    if step != Some(Step::Ignore) {
        entry.expires = seen.now.after(Duration::from_secs(timeout(entry)));
    }
    changes
}

/// How long the entry stays without another packet, in seconds.
fn timeout(entry: &CtEntry) -> u64 {
    match (entry.tcp, entry.original.proto) {
        (Some(tcp), _) => tcp.timeout_secs(),
        (None, Proto::UDP | Proto::UDPLITE) if entry.has(CtStatus::Assured) => UDP_STREAM_SECS,
        (None, Proto::UDP | Proto::UDPLITE) => UDP_SECS,
        (None, Proto::ICMP | Proto::ICMPV6) => ICMP_SECS,
        (None, _) => GENERIC_SECS,
    }
}

/// A packet without a connection.
fn without(state: CtState) -> CtRef {
    CtRef { state, entry: None, dir: Direction::Original }
}
