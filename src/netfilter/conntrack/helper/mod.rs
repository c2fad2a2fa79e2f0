//! Helpers: they read what a connection carries and expect others because of it. A packet meets its helper
//! where its connection is confirmed (`nf_confirm`).

mod ftp;
mod tftp;

pub(super) use ftp::FtpLines;

use super::{Conntrack, CtRef, CtState, CtStatus, seqadj};
use crate::abi::{EventId, Sink, Time};
use crate::netfilter::event::{CtChange, Event, KernelDrop, NotKnown};
use crate::packet::{Packet, Transport};
use std::sync::Arc;

/// A packet before its helper.
struct Help<'a> {
    conntrack: &'a mut Conntrack,
    packet: &'a mut Packet,
    ct: CtRef,
    now: Time,
    cause: EventId,
    sink: &'a mut dyn Sink<Event>,
}

impl Conntrack {
    /// Lets a packet's helper read it, and gives the packet the sequence numbers that the other side knows.
    pub(in crate::netfilter) fn help(
        &mut self,
        packet: &mut Packet,
        ct: CtRef,
        over_lo: bool,
        (now, cause): (Time, EventId),
        sink: &mut dyn Sink<Event>,
    ) -> Result<(), KernelDrop> {
        let Some(entry) = ct.entry.and_then(|id| self.entry(id)) else { return Ok(()) };
        let adjusts = entry.has(CtStatus::SeqAdjust) && !over_lo;
        let shifts = entry.seqadj;
        if ct.state == CtState::Related && ct.dir == crate::packet::Direction::Reply {
            // An ICMP error.
            return Ok(());
        }
        match entry.helper.clone().as_deref() {
            None => {}
            Some("ftp") => {
                let mut help = Help { conntrack: self, packet, ct, now, cause, sink };
                help.ftp()?;
            }
            Some("tftp") => {
                let mut help = Help { conntrack: self, packet, ct, now, cause, sink };
                help.tftp()?;
            }
            Some(name) => {
                sink.emit(Some(cause), Event::NotKnown { what: NotKnown::Helper(name.into()) });
            }
        }
        if adjusts && let Transport::Tcp(tcp) = &mut packet.transport {
            seqadj::adjust(tcp, &shifts, ct.dir);
        }
        Ok(())
    }
}

impl Help<'_> {
    /// Replaces a part of the payload of a TCP segment (`nf_nat_mangle_tcp_packet`); a change of length shifts
    /// what follows in the stream.
    fn mangle(&mut self, at: usize, len: usize, by: &[u8]) {
        let Some(bytes) = self.packet.payload.bytes() else { return };
        let mut new = bytes.to_vec();
        new.splice(at..at + len, by.iter().copied());
        self.packet.payload = new.into();
        let shift = by.len() as i32 - len as i32;
        let (Some(tcp), Some(id)) = (self.packet.tcp(), self.ct.entry) else { return };
        let seq = tcp.numbers.map(|n| n.seq);
        if let (true, Some(seq), Some(entry)) = (shift != 0, seq, self.conntrack.entry_mut(id)) {
            entry.seqadj[self.ct.dir as usize].change(seq, shift);
            if entry.set(CtStatus::SeqAdjust) {
                let entry = Arc::new(entry.clone());
                let change = CtChange::Status(CtStatus::SeqAdjust);
                self.sink.emit(Some(self.cause), Event::ConnectionChanged { entry, change });
            }
        }
    }
}
