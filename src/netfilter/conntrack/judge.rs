//! Which connection a packet belongs to, and what it does to it (`resolve_normal_ct`, the trackers of the
//! protocols).

use super::super::event::{CtChange, Event, KernelDrop, Manip, TrackedBy};
use super::tcp::{self, Given, Step, TcpTrack};
use super::track::{Packet, without};
use super::{Conntrack, ConntrackSettings, CtEntry, CtId, CtRef, CtState, CtStatus, TcpState, sctp};
use crate::abi::{Duration, Sink};
use crate::netfilter::Counters;
use crate::netfilter::nat_tuple::Wish;
use crate::netfilter::targets::NatRange;
use crate::packet::{self, Direction, Proto, TcpFlags, Transport, Tuple};
use std::sync::Arc;

/// UDP traffic that goes on for longer makes a stream.
const UDP_STREAM_AFTER: Duration = Duration::from_secs(2);

type Judged = (CtRef, TrackedBy);

/// What a protocol's tracker says of a packet.
enum Tracker {
    /// It belongs to the connection.
    Fits { stays: Option<u32>, changes: Vec<CtChange>, killed: bool },
    /// It ends this connection and opens another.
    Reopen,
    /// It is INVALID.
    Invalid(TrackedBy),
}

impl Conntrack {
    pub(super) fn judge(&mut self, seen: &Packet, sink: &mut dyn Sink<Event>) -> Result<Judged, KernelDrop> {
        let p = seen.packet;
        if p.is_later_fragment() {
            return Ok((without(CtState::Invalid), TrackedBy::Fragment));
        }
        if p.bad_checksum && seen.from_outside && self.settings.checksum != 0 {
            return Ok((without(CtState::Invalid), TrackedBy::Checksum));
        }
        if let Some(icmp) = p.icmp() {
            let v4 = p.src.is_ipv4();
            // Neighbour, router and multicast listener discovery (`icmpv6_error`).
            if !v4 && matches!(icmp.kind.ty, 130..=136 | 143) {
                return Ok((without(CtState::Untracked), TrackedBy::Discovery));
            }
            const REDIRECT6: u8 = 137;
            if icmp.kind.is_error(v4) || !v4 && icmp.kind.ty == REDIRECT6 && icmp.quoted.is_some() {
                return Ok(self.error(seen, icmp.quoted.as_deref()));
            }
        }
        let Some(tuple) = Tuple::of(p) else {
            return Ok((without(CtState::Invalid), TrackedBy::NoQuestion));
        };
        match self.find_in(&tuple, seen.zone()).map(|(e, dir)| (e.id, dir)) {
            None => self.open(seen, tuple, sink),
            Some((id, dir)) => self.follow(seen, tuple, id, dir, sink),
        }
    }

    /// An ICMP error belongs to the connection of the packet that it quotes (`nf_conntrack_inet_error`).
    fn error(&self, seen: &Packet, quoted: Option<&packet::Packet>) -> Judged {
        let tuple = quoted.and_then(Tuple::of).map(Tuple::invert);
        match tuple.and_then(|t| self.find_in(&t, seen.zone())) {
            // A message about one flow that goes to the end of none.
            Some((entry, dir)) if entry.tuple(dir).dst != seen.packet.dst => {
                (without(CtState::Invalid), TrackedBy::QuotedElsewhere)
            }
            Some((entry, dir)) => {
                (CtRef { state: CtState::Related, entry: Some(entry.id), dir }, TrackedBy::Quoted)
            }
            None => (without(CtState::Invalid), TrackedBy::QuotedUnknown),
        }
    }

    /// A packet that no entry expects (`init_conntrack`).
    fn open(
        &mut self,
        seen: &Packet,
        tuple: Tuple,
        sink: &mut dyn Sink<Event>,
    ) -> Result<Judged, KernelDrop> {
        self.make_room(&tuple, seen, sink)?;
        let p = seen.packet;
        let mut why = TrackedBy::NoEntry;
        let zone = seen.zone();
        let id = self.create(tuple, zone, seen.now);
        let settings = &self.settings;
        let Some(entry) = self.entries.get_mut(&id) else {
            return Ok((without(CtState::Invalid), TrackedBy::NoQuestion));
        };
        let refused = match &p.transport {
            Transport::Tcp(header) => match tcp::open(header.flags, settings.tcp_loose != 0) {
                None => Some(TrackedBy::Flags),
                Some(state) => {
                    if state == TcpState::Established {
                        why = TrackedBy::PickedUp;
                    }
                    entry.track =
                        TcpTrack::new(state, &given(header, p, Direction::Original, entry, settings));
                    entry.tcp = Some(state);
                    None
                }
            },
            // Only questions open a connection (`icmp_new`, `icmpv6_new`).
            Transport::Icmp(icmp) => {
                let question = match p.src.is_ipv4() {
                    true => matches!(icmp.kind.ty, 8 | 13 | 15 | 17),
                    false => matches!(icmp.kind.ty, 128 | 139),
                };
                (!question).then_some(TrackedBy::NoQuestion)
            }
            Transport::Ports(_) | Transport::Other(_) => None,
        };
        let tracked = match refused {
            Some(why) => Tracker::Invalid(why),
            None => tracker(entry, seen, Direction::Original, settings),
        };
        let stays = match tracked {
            Tracker::Fits { stays, .. } => stays.unwrap_or_else(|| plain_timeout(entry, settings)),
            Tracker::Invalid(why) => {
                self.entries.remove(&id);
                self.next = id.0;
                return Ok((without(CtState::Invalid), why));
            }
            Tracker::Reopen => plain_timeout(entry, settings),
        };
        entry.expires = seen.now.after(Duration::from_secs(stays.into()));
        entry.acct = (settings.acct != 0).then(<[Counters; 2]>::default);
        entry.timestamped = settings.timestamp != 0;
        count(entry, p, Direction::Original);
        let mut state = CtState::New;
        let met = self.meet(&tuple, zone.id_in(Direction::Original), seen.cause, sink);
        let master = met.as_ref().and_then(|e| self.entries.get(&e.master).cloned());
        let Some(entry) = self.entries.get_mut(&id) else {
            return Ok((without(CtState::Invalid), TrackedBy::NoQuestion));
        };
        if let Some(template) = seen.template {
            entry.ctevents = template.ctevents;
            if met.is_none() && template.helper.is_some() {
                entry.helper.clone_from(&template.helper);
                entry.set(CtStatus::Helper);
            }
        }
        if let (Some(met), Some(master)) = (&met, &master) {
            (state, why) = (CtState::Related, TrackedBy::Expected);
            entry.set(CtStatus::Expected);
            entry.master = Some(met.master);
            entry.mark = master.mark;
        }
        let created = Arc::new(entry.clone());
        sink.emit(Some(seen.cause), Event::ConnectionChanged { entry: created, change: CtChange::Created });
        if let (Some(met), Some(master)) = (met, master)
            && let Some(nat) = met.nat
        {
            self.follow_master(id, &master, nat, seen.cause, sink);
        }
        Ok((CtRef { state, entry: Some(id), dir: Direction::Original }, why))
    }

    /// Translates an expected connection like its master (`nf_nat_follow_master`).
    fn follow_master(
        &mut self,
        id: CtId,
        master: &CtEntry,
        nat: super::ExpectNat,
        cause: crate::abi::EventId,
        sink: &mut dyn Sink<Event>,
    ) {
        let there = master.tuple(nat.dir.flip());
        let port = NatRange { ports: Some((nat.port, nat.port)), ..Wish::address(there.src).range };
        let wishes =
            [(Manip::Src, Wish::address(there.dst)), (Manip::Dst, Wish { range: port, ..Wish::default() })];
        for (manip, wish) in wishes {
            let changes = self.set_up(id, manip, Some(wish), cause, sink);
            if let Some(entry) = self.entry(id).filter(|_| changes) {
                let entry = Arc::new(entry.clone());
                sink.emit(Some(cause), Event::NatSettled { manip, entry, changes });
            }
        }
    }

    /// A packet of a known connection.
    fn follow(
        &mut self,
        seen: &Packet,
        tuple: Tuple,
        id: CtId,
        dir: Direction,
        sink: &mut dyn Sink<Event>,
    ) -> Result<Judged, KernelDrop> {
        let settings = &self.settings;
        let Some(entry) = self.entries.get_mut(&id) else {
            return Ok((without(CtState::Invalid), TrackedBy::OutOfState));
        };
        let (stays, mut changes, killed) = match tracker(entry, seen, dir, settings) {
            Tracker::Fits { stays, changes, killed } => (stays, changes, killed),
            Tracker::Invalid(why) => return Ok((without(CtState::Invalid), why)),
            Tracker::Reopen => {
                self.end(id, CtChange::Replaced, seen.cause, sink);
                let (ct, why) = self.open(seen, tuple, sink)?;
                let why = if ct.state == CtState::New { TrackedBy::Reopened } else { why };
                return Ok((ct, why));
            }
        };
        let state = match dir {
            Direction::Reply => CtState::Established,
            Direction::Original if entry.has(CtStatus::SeenReply) => CtState::Established,
            Direction::Original if entry.has(CtStatus::Expected) => CtState::Related,
            Direction::Original => CtState::New,
        };
        if let Some(secs) = stays
            && !entry.has(CtStatus::FixedTimeout)
        {
            entry.expires = seen.now.after(Duration::from_secs(secs.into()));
        }
        count(entry, seen.packet, dir);
        let ct = CtRef { state, entry: Some(id), dir };
        if killed {
            self.kill(id, CtChange::Reset, seen.cause, sink);
            if let (Direction::Reply, Some(entry)) = (dir, self.entries.get_mut(&id)) {
                entry.set(CtStatus::SeenReply);
            }
            return Ok((ct, TrackedBy::Entry));
        }
        if dir == Direction::Reply && entry.set(CtStatus::SeenReply) {
            changes.push(CtChange::Status(CtStatus::SeenReply));
        }
        let entry = Arc::new(entry.clone());
        for change in changes {
            sink.emit(Some(seen.cause), Event::ConnectionChanged { entry: entry.clone(), change });
        }
        Ok((ct, TrackedBy::Entry))
    }
}

/// Counts a packet, if the connection counts.
fn count(entry: &mut CtEntry, packet: &packet::Packet, dir: Direction) {
    if let Some(acct) = &mut entry.acct {
        acct[dir as usize].count(packet.len());
    }
}

fn given<'a>(
    tcp: &'a packet::Tcp,
    packet: &packet::Packet,
    dir: Direction,
    entry: &CtEntry,
    settings: &'a ConntrackSettings,
) -> Given<'a> {
    let ack = tcp.numbers.map_or(0, |n| n.ack);
    Given {
        tcp,
        len: packet.payload.len(),
        dir,
        seen_reply: entry.has(CtStatus::SeenReply),
        assured: entry.has(CtStatus::Assured),
        shift: entry.seqadj[dir.flip() as usize].at(ack.wrapping_sub(1)),
        settings,
    }
}

/// What the protocol says of a packet (`nf_conntrack_handle_packet`).
fn tracker(entry: &mut CtEntry, seen: &Packet, dir: Direction, settings: &ConntrackSettings) -> Tracker {
    let replied = entry.has(CtStatus::SeenReply);
    let mut changes = Vec::new();
    match (&seen.packet.transport, entry.tcp) {
        (Transport::Tcp(tcp), Some(state)) => return track_tcp(entry, tcp, state, seen, dir, settings),
        (Transport::Ports(ports), _) if ports.proto == Proto::SCTP => {
            if let Some(bytes) = seen.packet.payload.bytes().filter(|b| !b.is_empty()) {
                let Some(new) = sctp::step(entry.sctp, dir, bytes) else {
                    return Tracker::Invalid(TrackedBy::OutOfState);
                };
                let old = entry.sctp.replace(new);
                if let Some(old) = old.filter(|o| *o != new) {
                    changes.push(CtChange::Sctp(old, new));
                }
                let opened =
                    (old, new) == (Some(super::SctpState::CookieEchoed), super::SctpState::Established);
                if opened && dir == Direction::Reply && entry.set(CtStatus::Assured) {
                    changes.push(CtChange::Status(CtStatus::Assured));
                }
            }
        }
        (Transport::Ports(ports), _) if ports.proto == Proto::UDP => {
            let goes_on = seen.now.since(entry.started) > UDP_STREAM_AFTER;
            if replied && !entry.has(CtStatus::NatClash) && goes_on && entry.set(CtStatus::Assured) {
                changes.push(CtChange::Status(CtStatus::Assured));
            }
            let secs = if replied && goes_on { settings.udp_timeout_stream } else { settings.udp_timeout };
            return Tracker::Fits { stays: Some(secs), changes, killed: false };
        }
        (Transport::Ports(_) | Transport::Other(Proto::GRE), _) => {
            let proto = entry.original.proto;
            if replied && proto != Proto::DCCP && entry.set(CtStatus::Assured) {
                changes.push(CtChange::Status(CtStatus::Assured));
            }
        }
        (Transport::Tcp(_) | Transport::Icmp(_) | Transport::Other(_), _) => {}
    }
    Tracker::Fits { stays: Some(plain_timeout(entry, settings)), changes, killed: false }
}

fn track_tcp(
    entry: &mut CtEntry,
    tcp: &packet::Tcp,
    state: TcpState,
    seen: &Packet,
    dir: Direction,
    settings: &ConntrackSettings,
) -> Tracker {
    let given = given(tcp, seen.packet, dir, entry, settings);
    let new = match entry.track.step(state, &given) {
        Step::To(new) => new,
        Step::Ignore => return Tracker::Fits { stays: None, changes: Vec::new(), killed: false },
        Step::Reopen => return Tracker::Reopen,
        Step::Invalid => return Tracker::Invalid(TrackedBy::OutOfState),
        Step::StaleReset => return Tracker::Invalid(TrackedBy::OutOfWindow),
        Step::OutOfWindow => {
            let ends = given.assured
                && !entry.has(CtStatus::FixedTimeout)
                && entry.track.note_out_of_window(tcp, dir);
            let soon = seen.now.after(Duration::from_secs(settings.tcp_timeout_unacknowledged.into()));
            // Both sides end a connection that the model sees otherwise: it is not kept for days.
            if ends && entry.expires.since(seen.now) >= Duration::from_secs(120) && entry.expires > soon {
                entry.expires = soon;
            }
            return Tracker::Invalid(TrackedBy::OutOfWindow);
        }
    };
    let mut changes = Vec::new();
    entry.tcp = Some(new);
    if new != state {
        changes.push(CtChange::Tcp(state, new));
    }
    let mut stays = Some(entry.track.timeout(new, tcp, settings));
    if !entry.has(CtStatus::SeenReply) {
        // A RST as the only answer, or after a SYN alone, ends the connection at once.
        if tcp.flags.has(TcpFlags::RST) {
            return Tracker::Fits { stays: None, changes, killed: true };
        }
        let repeated = entry.has(CtStatus::Confirmed)
            && tcp::segment(tcp.flags) == Some(tcp::Segment::Syn)
            && state == TcpState::SynSent;
        if repeated {
            stays = None;
        } else if new == TcpState::Established {
            stays = stays.map(|s| s.min(settings.tcp_timeout_unacknowledged));
        }
    } else if matches!(state, TcpState::SynRecv | TcpState::Established)
        && new == TcpState::Established
        && entry.set(CtStatus::Assured)
    {
        changes.push(CtChange::Status(CtStatus::Assured));
    }
    Tracker::Fits { stays, changes, killed: false }
}

/// How long an entry of a protocol without states stays without another packet, seconds.
pub(super) fn plain_timeout(entry: &CtEntry, settings: &ConntrackSettings) -> u32 {
    let replied = entry.has(CtStatus::SeenReply);
    match (entry.sctp, entry.original.proto) {
        (Some(sctp), _) => sctp.timeout(settings),
        (None, Proto::UDP) => settings.udp_timeout,
        (None, Proto::UDPLITE) if replied => settings.udp_timeout_stream,
        (None, Proto::UDPLITE) => settings.udp_timeout,
        (None, Proto::ICMP) => settings.icmp_timeout,
        (None, Proto::ICMPV6) => settings.icmpv6_timeout,
        (None, Proto::GRE) if replied => settings.gre_timeout_stream,
        (None, Proto::GRE) => settings.gre_timeout,
        (None, _) => settings.generic_timeout,
    }
}
