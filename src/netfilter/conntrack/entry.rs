//! One connection.

use super::helper::FtpLines;
use super::seqadj::SeqAdjust;
use super::tcp::TcpTrack;
use super::{CtState, CtStatus, SctpState, TcpState, Zone};
use crate::abi::{EventId, IfName, Time};
use crate::netfilter::Counters;
use crate::packet::{Direction, Tuple};
use serde::{Serialize, Serializer};
use smol_str::SmolStr;
use std::fmt;

/// A connection's number in this model, by first appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CtId(pub u32);

/// A connection (`struct nf_conn`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CtEntry {
    /// Its number.
    pub id: CtId,
    /// As its first packet came.
    pub original: Tuple,
    /// As its answers will come; differs from the inverse of `original` where it is translated.
    pub reply: Tuple,
    /// The part of the table that it lies in.
    pub zone: Zone,
    /// Where a TCP connection stands.
    pub tcp: Option<TcpState>,
    /// Where an SCTP association stands, where its chunks were told.
    pub sctp: Option<SctpState>,
    /// When the entry goes if no packet comes.
    pub expires: Time,
    /// When its first packet came.
    pub started: Time,
    /// The connection mark.
    pub mark: u32,
    /// The connection that led to expect this one.
    pub master: Option<CtId>,
    /// The helper that reads its packets.
    pub helper: Option<SmolStr>,
    /// Packets and bytes in each direction, if `nf_conntrack_acct` was on when it began.
    pub acct: Option<[Counters; 2]>,
    /// The interface whose address MASQUERADE gave it.
    pub masquerades: Option<IfName>,
    /// `--ctevents` of the rule that it began under; 0: all.
    pub ctevents: u16,
    /// `nf_conntrack_timestamp` was on when it began.
    pub timestamped: bool,
    /// The rule's event that set up its translation.
    pub nat_cause: Option<EventId>,
    pub(super) track: TcpTrack,
    pub(super) seqadj: [SeqAdjust; 2],
    pub(super) ftp: FtpLines,
    pub(super) status: u16,
}

/// What a packet has to do with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CtRef {
    /// The state that rules see.
    pub state: CtState,
    /// The entry, unless the packet is INVALID or UNTRACKED.
    pub entry: Option<CtId>,
    /// The packet's direction in it.
    pub dir: Direction,
}

impl CtEntry {
    pub(super) fn new(id: CtId, original: Tuple, zone: Zone, now: Time) -> CtEntry {
        CtEntry {
            id,
            original,
            reply: original.invert(),
            zone,
            tcp: None,
            sctp: None,
            expires: now,
            started: now,
            mark: 0,
            master: None,
            helper: None,
            acct: None,
            masquerades: None,
            ctevents: 0,
            timestamped: false,
            nat_cause: None,
            track: TcpTrack::default(),
            seqadj: Default::default(),
            ftp: FtpLines::default(),
            status: 0,
        }
    }

    /// True if a status bit is set.
    pub fn has(&self, status: CtStatus) -> bool {
        self.status & status.bit() != 0
    }

    /// Sets a status bit; true if it was not set.
    pub(in crate::netfilter) fn set(&mut self, status: CtStatus) -> bool {
        let new = !self.has(status);
        self.status |= status.bit();
        new
    }

    /// The tuple of packets in a direction.
    pub fn tuple(&self, dir: Direction) -> Tuple {
        match dir {
            Direction::Original => self.original,
            Direction::Reply => self.reply,
        }
    }

    /// What packets in this direction look like once they are translated.
    pub fn translated(&self, dir: Direction) -> Tuple {
        self.tuple(dir.flip()).invert()
    }

    /// True if its source or destination is translated (`IPS_NAT_MASK`).
    pub fn is_translated(&self) -> bool {
        self.has(CtStatus::SrcNat) || self.has(CtStatus::DstNat)
    }

    /// True if this TCP connection's first byte lies beyond the other's last (`nf_seq_has_advanced`).
    pub(in crate::netfilter) fn begins_after(&self, other: &CtEntry) -> bool {
        super::window::after(self.track.original_end(), other.track.original_end())
    }

    /// All status bits that are set, in the kernel's order.
    pub fn status_bits(&self) -> Vec<CtStatus> {
        CtStatus::ALL.into_iter().filter(|s| self.has(*s)).collect()
    }

    /// The status as the kernel's number (`enum ip_conntrack_status`).
    pub fn status_number(&self) -> u32 {
        self.status.into()
    }

    /// The status bits that are set and mean something to people.
    pub fn statuses(&self) -> Vec<CtStatus> {
        use CtStatus::{Assured, Confirmed, DstNat, Expected, SeenReply, SrcNat};
        [Expected, SeenReply, Assured, Confirmed, SrcNat, DstNat]
            .into_iter()
            .filter(|s| self.has(*s))
            .collect()
    }
}

impl fmt::Display for CtEntry {
    /// As `conntrack -L` writes it, without the seconds left.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.original.proto)?;
        if let Some(tcp) = self.tcp {
            write!(f, "{tcp} ")?;
        }
        write!(f, "{}", self.original)?;
        if !self.has(CtStatus::SeenReply) {
            f.write_str(" [UNREPLIED]")?;
        }
        write!(f, " {}", self.reply)?;
        if self.has(CtStatus::Assured) {
            f.write_str(" [ASSURED]")?;
        }
        write!(f, " mark={}", self.mark)?;
        if self.zone.id != 0 {
            write!(f, " zone={}", self.zone.id)?;
        }
        if let Some(helper) = &self.helper {
            write!(f, " helper={helper}")?;
        }
        Ok(())
    }
}

impl Serialize for CtEntry {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
