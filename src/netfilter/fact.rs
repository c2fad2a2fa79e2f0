//! What a match found in the packet, and three-valued answers.

use super::conntrack::CtState;
use super::env::AddrType;
use crate::abi::{IfName, Mac};
use crate::packet::{IcmpType, Proto, TcpFlags};
use serde::Serialize;
use smol_str::SmolStr;
use std::fmt;
use std::net::IpAddr;

/// Yes, no, or what the model cannot know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ternary {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// It may or may not.
    Unknown,
}

impl Ternary {
    /// The answer, turned around where `!` asks for it; unknown stays unknown.
    #[must_use]
    pub fn negate_if(self, not: bool) -> Ternary {
        match (self, not) {
            (Ternary::Yes, true) => Ternary::No,
            (Ternary::No, true) => Ternary::Yes,
            (same, _) => same,
        }
    }

    /// Both must hold.
    #[must_use]
    pub fn and(self, other: Ternary) -> Ternary {
        match (self, other) {
            (Ternary::No, _) | (_, Ternary::No) => Ternary::No,
            (Ternary::Unknown, _) | (_, Ternary::Unknown) => Ternary::Unknown,
            (Ternary::Yes, Ternary::Yes) => Ternary::Yes,
        }
    }
}

impl From<bool> for Ternary {
    fn from(yes: bool) -> Self {
        if yes { Ternary::Yes } else { Ternary::No }
    }
}

/// The packet's side of a comparison: what was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "value")]
pub enum Fact {
    /// An address.
    Addr(IpAddr),
    /// An interface; `None` where there is none at this hook.
    Iface(Option<IfName>),
    /// A protocol.
    Proto(Proto),
    /// One port.
    Port(u16),
    /// Source and destination port.
    Ports(u16, u16),
    /// TCP flags.
    Flags(TcpFlags),
    /// ICMP type and code.
    Icmp(IcmpType),
    /// Whether the packet is a second or further fragment.
    Fragment(bool),
    /// The connection's state.
    State(CtState),
    /// A packet or connection mark.
    Mark(u32),
    /// A hardware address.
    Mac(Mac),
    /// What kind of address it is to this host.
    AddrType(AddrType),
    /// A number: a length, a TTL, a count.
    Number(u64),
    /// Tokens left, in packets, rounded down.
    Tokens(u64),
    /// So many in a thousand packets, by chance.
    Chance(u16),
    /// User and group of the sending socket.
    Owner(u32, u32),
    /// Text: a name of a list, a class.
    Text(String),
    /// What was looked for in a set.
    Set(SetFact),
    /// The packet has no such thing, so the match cannot hold.
    Absent(Absent),
    /// The match asks nothing of the packet.
    Nothing,
    /// The model was not told.
    NotTold(NotTold),
    /// The model does not have this match.
    NotModelled,
}

/// What was looked for in a set, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetFact {
    /// The set.
    pub set: SmolStr,
    /// What of the packet was looked for; `None` if the packet has no such thing.
    pub asked: Option<SmolStr>,
    /// The element that says so: one that has it, or an exception.
    pub entry: Option<SmolStr>,
}

/// What a packet can lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Absent {
    /// Another protocol's header.
    Header,
    /// A TCP option.
    TcpOption,
    /// A connection tracking entry.
    Connection,
    /// A socket of this host.
    Socket,
    /// A user: the socket is the kernel's own.
    Owner,
    /// An Ethernet header.
    Ethernet,
    /// An entry in a list.
    Entry,
    /// The text that was looked for.
    Text,
    /// A policy of IPsec.
    Ipsec,
}

/// What the model may not have been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotTold {
    /// Which interface the packet leaves by.
    OutInterface,
    /// The sender's hardware address.
    Mac,
    /// The sending socket's user and group.
    Owner,
    /// What kind of address it is to this host.
    AddrType,
    /// Which TCP options the packet has.
    TcpOptions,
    /// The bytes of its payload, or a number in its header.
    Payload,
    /// The host's sockets.
    Socket,
    /// The way back to its source.
    ReversePath,
    /// The groups of interfaces.
    Group,
    /// The realms of routes.
    Realm,
    /// The class of the sending socket.
    Cgroup,
    /// The fingerprints of systems.
    Fingerprints,
}

/// A match's answer with what it looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// The answer, `!` taken into account.
    pub held: Ternary,
    /// What was found in the packet.
    pub found: Fact,
}

impl Test {
    /// An answer about something found.
    pub fn new(held: impl Into<Ternary>, found: Fact) -> Test {
        Test { held: held.into(), found }
    }

    /// No: the packet has no such thing. `!` does not turn this around.
    pub fn absent(what: Absent) -> Test {
        Test { held: Ternary::No, found: Fact::Absent(what) }
    }

    /// Unknown: the model was not told.
    pub fn not_told(what: NotTold) -> Test {
        Test { held: Ternary::Unknown, found: Fact::NotTold(what) }
    }

    /// Unknown: the model does not have this.
    pub fn not_modelled() -> Test {
        Test { held: Ternary::Unknown, found: Fact::NotModelled }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fact::Addr(a) => a.fmt(f),
            Fact::Iface(Some(name)) => name.fmt(f),
            Fact::Iface(None) => f.write_str("none"),
            Fact::Proto(p) => p.fmt(f),
            Fact::Port(p) => p.fmt(f),
            Fact::Ports(s, d) => write!(f, "{s} > {d}"),
            Fact::Flags(flags) => flags.fmt(f),
            Fact::Icmp(kind) => write!(f, "type {} code {}", kind.ty, kind.code),
            Fact::Fragment(yes) => {
                f.write_str(if *yes { "a later fragment" } else { "not a later fragment" })
            }
            Fact::State(state) => state.fmt(f),
            Fact::Mark(mark) => write!(f, "{mark:#x}"),
            Fact::Mac(mac) => mac.fmt(f),
            Fact::AddrType(kind) => kind.fmt(f),
            Fact::Number(n) => n.fmt(f),
            Fact::Tokens(n) => write!(f, "{n} left"),
            Fact::Chance(permille) => write!(f, "{}.{} %", permille / 10, permille % 10),
            Fact::Owner(uid, gid) => write!(f, "uid {uid} gid {gid}"),
            Fact::Text(text) => f.write_str(text),
            Fact::Set(SetFact { set, asked: None, .. }) => write!(f, "nothing to look for in {set}"),
            Fact::Set(SetFact { set, asked: Some(asked), entry: None }) => {
                write!(f, "{asked} is not in {set}")
            }
            Fact::Set(SetFact { set, asked: Some(asked), entry: Some(entry) }) => {
                write!(f, "{asked} meets {entry} of {set}")
            }
            Fact::Absent(what) => f.write_str(match what {
                Absent::Header => "no such header",
                Absent::TcpOption => "no such option",
                Absent::Connection => "no connection",
                Absent::Socket => "no socket of this host",
                Absent::Owner => "a socket of the kernel's own, which has no user",
                Absent::Ethernet => "no Ethernet header",
                Absent::Entry => "not in the list",
                Absent::Text => "no such text",
                Absent::Ipsec => "no IPsec",
            }),
            Fact::Nothing => f.write_str("-"),
            Fact::NotTold(what) => f.write_str(match what {
                NotTold::OutInterface => "output interface not known",
                NotTold::Mac => "hardware address not given",
                NotTold::Owner => "owner not given",
                NotTold::AddrType => "address type not known",
                NotTold::TcpOptions => "TCP options not given",
                NotTold::Payload => "payload bytes not given",
                NotTold::Socket => "sockets not known",
                NotTold::ReversePath => "way back not known",
                NotTold::Group => "group of interfaces not known",
                NotTold::Realm => "realm of routes not known",
                NotTold::Cgroup => "socket's class not given",
                NotTold::Fingerprints => "fingerprints not given",
            }),
            Fact::NotModelled => f.write_str("not modelled"),
        }
    }
}
