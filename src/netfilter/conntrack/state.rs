//! The words for connections: states that rules see, status bits, TCP's states.

use serde::Serialize;
use std::fmt;

/// A packet's state, as `--ctstate` names it (iptables-extensions(8), conntrack).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CtState {
    /// It opens a connection, or belongs to one that has not been answered yet.
    New,
    /// It belongs to a connection that has seen packets in both directions.
    Established,
    /// It opens a connection, or is an ICMP error, that another connection led to expect.
    Related,
    /// It belongs to no connection and can open none.
    Invalid,
    /// A rule took it out of connection tracking.
    Untracked,
}

impl CtState {
    /// All five.
    pub const ALL: [CtState; 5] =
        [Self::New, Self::Established, Self::Related, Self::Invalid, Self::Untracked];

    /// The name in rules.
    pub fn name(self) -> &'static str {
        match self {
            CtState::New => "NEW",
            CtState::Established => "ESTABLISHED",
            CtState::Related => "RELATED",
            CtState::Invalid => "INVALID",
            CtState::Untracked => "UNTRACKED",
        }
    }
}

impl fmt::Display for CtState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A bit of an entry's status (`enum ip_conntrack_status`), in the kernel's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CtStatus {
    /// Another connection led to expect this one.
    Expected,
    /// Packets were seen in both directions.
    SeenReply,
    /// Not to be thrown out early.
    Assured,
    /// The first packet got through: the entry is in the table.
    Confirmed,
    /// The source is translated.
    SrcNat,
    /// The destination is translated.
    DstNat,
    /// A helper changed the length of what it carries.
    SeqAdjust,
    /// The source's translation, or that there is none, is settled.
    SrcNatDone,
    /// The destination's translation, or that there is none, is settled.
    DstNatDone,
    /// It was taken out of the table.
    Dying,
    /// Packets do not make it stay longer.
    FixedTimeout,
    /// It is no connection, but what a CT rule says of one.
    Template,
    /// Another entry has its original tuple.
    NatClash,
    /// A CT rule gave it a helper.
    Helper,
}

impl CtStatus {
    /// All, in the kernel's order.
    pub const ALL: [CtStatus; 14] = [
        Self::Expected,
        Self::SeenReply,
        Self::Assured,
        Self::Confirmed,
        Self::SrcNat,
        Self::DstNat,
        Self::SeqAdjust,
        Self::SrcNatDone,
        Self::DstNatDone,
        Self::Dying,
        Self::FixedTimeout,
        Self::Template,
        Self::NatClash,
        Self::Helper,
    ];

    /// Those that `--ctstatus` knows, in its order.
    pub const MATCHED: [CtStatus; 4] = [Self::Expected, Self::SeenReply, Self::Assured, Self::Confirmed];

    /// The kernel's name without `IPS_`, which rules and `conntrack -L` use too.
    pub fn name(self) -> &'static str {
        match self {
            CtStatus::Expected => "EXPECTED",
            CtStatus::SeenReply => "SEEN_REPLY",
            CtStatus::Assured => "ASSURED",
            CtStatus::Confirmed => "CONFIRMED",
            CtStatus::SrcNat => "SRC_NAT",
            CtStatus::DstNat => "DST_NAT",
            CtStatus::SeqAdjust => "SEQ_ADJUST",
            CtStatus::SrcNatDone => "SRC_NAT_DONE",
            CtStatus::DstNatDone => "DST_NAT_DONE",
            CtStatus::Dying => "DYING",
            CtStatus::FixedTimeout => "FIXED_TIMEOUT",
            CtStatus::Template => "TEMPLATE",
            CtStatus::NatClash => "NAT_CLASH",
            CtStatus::Helper => "HELPER",
        }
    }

    pub(super) fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// Where a TCP connection stands (`enum tcp_conntrack`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TcpState {
    /// SYN seen.
    SynSent,
    /// SYN from both sides.
    SynSent2,
    /// SYN,ACK seen.
    SynRecv,
    /// Open.
    Established,
    /// FIN seen.
    FinWait,
    /// That FIN acknowledged.
    CloseWait,
    /// FIN from the other side too.
    LastAck,
    /// The last ACK seen.
    TimeWait,
    /// Reset.
    Close,
}

impl TcpState {
    /// The name in `conntrack -L`.
    pub fn name(self) -> &'static str {
        match self {
            TcpState::SynSent => "SYN_SENT",
            TcpState::SynSent2 => "SYN_SENT2",
            TcpState::SynRecv => "SYN_RECV",
            TcpState::Established => "ESTABLISHED",
            TcpState::FinWait => "FIN_WAIT",
            TcpState::CloseWait => "CLOSE_WAIT",
            TcpState::LastAck => "LAST_ACK",
            TcpState::TimeWait => "TIME_WAIT",
            TcpState::Close => "CLOSE",
        }
    }
}

impl fmt::Display for TcpState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
