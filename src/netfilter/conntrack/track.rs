//! One packet, seen by connection tracking (`nf_conntrack_in`).

use super::super::event::{CtChange, Event, KernelDrop, TrackedBy};
use super::{Conntrack, CtId, CtRef, CtState, CtStatus, TcpState, Template, Zone};
use crate::abi::{Duration, EventId, Sink, Time};
use crate::packet::{self, Direction, Tuple};
use std::sync::Arc;

/// A packet at the conntrack stage.
pub struct Packet<'a> {
    /// The packet.
    pub packet: &'a packet::Packet,
    /// The model's clock.
    pub now: Time,
    /// What the user said of its connection, instead of its history.
    pub assumed: Option<CtState>,
    /// What a CT rule said of its connection.
    pub template: Option<&'a Template>,
    /// The packet mark.
    pub mark: u32,
    /// It came in from outside: only then is its checksum looked at.
    pub from_outside: bool,
    /// The event of the stage.
    pub cause: EventId,
}

impl Packet<'_> {
    pub(super) fn zone(&self) -> Zone {
        self.template.map_or_else(Zone::default, |t| t.zone(self.mark))
    }
}

impl Conntrack {
    /// Finds or makes a packet's connection and says what rules will see; the event that tells why, where the
    /// packet is dropped instead.
    pub fn track(&mut self, seen: &Packet, sink: &mut dyn Sink<Event>) -> Result<CtRef, EventId> {
        self.expire_expectations(seen.now, seen.cause, sink);
        for id in self.expired(seen.now) {
            self.end(id, CtChange::Expired, seen.cause, sink);
        }
        let judged = match seen.assumed {
            Some(state) => Ok((self.assume(seen, state), TrackedBy::Assumed)),
            None => self.judge(seen, sink),
        };
        let (ct, why) = judged.map_err(|why| {
            self.stats.drop += 1;
            sink.emit(Some(seen.cause), Event::KernelDropped { why })
        })?;
        if ct.state == CtState::Invalid {
            self.stats.invalid += 1;
        }
        let entry = ct.entry.and_then(|id| self.entry(id)).map(|e| Arc::new(e.clone()));
        sink.emit(Some(seen.cause), Event::Tracked { ct, entry, why });
        Ok(ct)
    }

    /// Takes the user's word for the packet's state.
    fn assume(&mut self, seen: &Packet, state: CtState) -> CtRef {
        let Some(tuple) = Tuple::of(seen.packet) else { return without(CtState::Invalid) };
        if matches!(state, CtState::Invalid | CtState::Untracked) {
            return without(state);
        }
        if let Some((entry, dir)) = self.find_in(&tuple, seen.zone()) {
            return CtRef { state, entry: Some(entry.id), dir };
        }
        let id = self.create(tuple, seen.zone(), seen.now);
        let settings = self.settings.clone();
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
            let secs = match entry.tcp {
                Some(tcp) => settings.tcp_timeout(tcp),
                None => super::judge::plain_timeout(entry, &settings),
            };
            entry.expires = seen.now.after(Duration::from_secs(secs.into()));
        }
        if state == CtState::Established {
            self.confirm(id);
        }
        CtRef { state, entry: Some(id), dir: Direction::Original }
    }

    /// Makes room for one more connection, if the table is full; says why there is none.
    pub(super) fn make_room(
        &mut self,
        tuple: &Tuple,
        seen: &Packet,
        sink: &mut dyn Sink<Event>,
    ) -> Result<(), KernelDrop> {
        let most = self.settings.max as usize;
        if most == 0 || self.entries.len() < most {
            return Ok(());
        }
        // The kernel looks at eight buckets of its table for an entry that is not assured.
        const RANGE: u64 = 8;
        let buckets = u64::from(self.settings.buckets.max(1));
        let bucket = |t: &Tuple| (u64::from(tuple_hash(t)) * buckets) >> 32;
        let first = bucket(tuple);
        let near = |t: &Tuple| (bucket(t) + buckets - first) % buckets < RANGE;
        let weak = self.table().find(|e| !e.has(CtStatus::Assured) && (near(&e.original) || near(&e.reply)));
        match weak.map(|e| e.id) {
            Some(id) => {
                self.stats.early_drop += 1;
                self.end(id, CtChange::Evicted, seen.cause, sink);
                Ok(())
            }
            None => Err(KernelDrop::TableFull),
        }
    }

    /// Takes an entry out and says so; what it led to expect goes with it.
    pub(in crate::netfilter) fn end(
        &mut self,
        id: CtId,
        change: CtChange,
        cause: impl Into<Option<EventId>> + Copy,
        sink: &mut dyn Sink<Event>,
    ) {
        if let Some(entry) = self.remove(id) {
            let entry = Arc::new(entry);
            sink.emit(cause.into(), Event::ConnectionChanged { entry, change });
            self.forget_expected_by(id, cause, sink);
        }
    }

    /// Takes an entry out of the table while its last packet still carries it, and says so.
    pub(in crate::netfilter) fn kill(
        &mut self,
        id: CtId,
        change: CtChange,
        cause: EventId,
        sink: &mut dyn Sink<Event>,
    ) {
        self.take_out(id);
        if let Some(entry) = self.entry(id) {
            let entry = Arc::new(entry.clone());
            sink.emit(Some(cause), Event::ConnectionChanged { entry, change });
            self.forget_expected_by(id, cause, sink);
        }
    }
}

/// A fixed hash of a tuple (FNV-1a): Linux uses a secret one, so any choice is as true as another.
pub(in crate::netfilter) fn tuple_hash(tuple: &Tuple) -> u32 {
    tuple.to_string().bytes().fold(0x811c_9dc5, |h: u32, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193))
}

/// A packet without a connection.
pub(super) fn without(state: CtState) -> CtRef {
    CtRef { state, entry: None, dir: Direction::Original }
}
