//! One connection.

use super::{CtState, CtStatus, TcpState};
use crate::abi::{EventId, Time};
use crate::packet::{Direction, Tuple};
use serde::{Serialize, Serializer};
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
    /// Where a TCP connection stands.
    pub tcp: Option<TcpState>,
    /// When the entry goes if no packet comes.
    pub expires: Time,
    /// When its first packet came.
    pub started: Time,
    /// The connection mark.
    pub mark: u32,
    /// The rule's event that set up its translation.
    pub nat_cause: Option<EventId>,
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
        write!(f, " mark={}", self.mark)
    }
}

impl Serialize for CtEntry {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
