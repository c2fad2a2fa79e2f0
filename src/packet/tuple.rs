//! Flow identities, as conntrack keys them.

use super::{IcmpType, Packet, Proto, Transport};
use serde::{Serialize, Serializer};
use std::fmt;
use std::net::IpAddr;

/// Which way a packet goes, seen from the packet that opened the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// As the first packet went.
    Original,
    /// Back.
    Reply,
}

impl Direction {
    /// The other direction.
    #[must_use]
    pub fn flip(self) -> Self {
        match self {
            Direction::Original => Direction::Reply,
            Direction::Reply => Direction::Original,
        }
    }
}

/// What tells flows of one protocol between two addresses apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum L4Id {
    /// Source and destination port.
    Ports(u16, u16),
    /// ICMP query: type, code, identifier.
    Icmp(u8, u8, u16),
    /// Nothing: one flow for each pair of addresses and protocol.
    None,
}

/// One direction of a flow: addresses, protocol and what the protocol adds (`nf_conntrack_tuple`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tuple {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Protocol.
    pub proto: Proto,
    /// Ports or ICMP identifier.
    pub id: L4Id,
}

impl Tuple {
    /// The tuple of a packet, or `None` where conntrack finds none: a later fragment, or an ICMP
    /// message that is neither a query nor an answer to one.
    pub fn of(packet: &Packet) -> Option<Tuple> {
        if packet.is_later_fragment() {
            return None;
        }
        let id = match &packet.transport {
            Transport::Tcp(tcp) => L4Id::Ports(tcp.sport, tcp.dport),
            // Linux 6.18 tracks DCCP no more than any protocol without ports.
            Transport::Ports(p) if p.proto == Proto::DCCP => L4Id::None,
            Transport::Ports(p) => L4Id::Ports(p.sport, p.dport),
            Transport::Icmp(icmp) => {
                icmp_answer(icmp.kind, packet.src.is_ipv4())?;
                L4Id::Icmp(icmp.kind.ty, icmp.kind.code, icmp.id)
            }
            Transport::Other(_) => L4Id::None,
        };
        Some(Tuple { src: packet.src, dst: packet.dst, proto: packet.proto(), id })
    }

    /// The tuple of the answers to this one.
    #[must_use]
    pub fn invert(self) -> Tuple {
        let id = match self.id {
            L4Id::Ports(s, d) => L4Id::Ports(d, s),
            L4Id::Icmp(ty, code, id) => {
                let ty = icmp_answer(IcmpType::new(ty, code), self.src.is_ipv4()).unwrap_or(ty);
                L4Id::Icmp(ty, code, id)
            }
            L4Id::None => L4Id::None,
        };
        Tuple { src: self.dst, dst: self.src, proto: self.proto, id }
    }

    /// Source port, or an ICMP query's identifier.
    pub fn sport(&self) -> Option<u16> {
        match self.id {
            L4Id::Ports(s, _) => Some(s),
            L4Id::Icmp(_, _, id) => Some(id),
            L4Id::None => None,
        }
    }

    /// Destination port.
    pub fn dport(&self) -> Option<u16> {
        match self.id {
            L4Id::Ports(_, d) => Some(d),
            L4Id::Icmp(..) | L4Id::None => None,
        }
    }
}

/// The type that answers a query type, or that a type answers; `None` for any other
/// (`invmap` of nf_conntrack_proto_icmp and _icmpv6).
fn icmp_answer(kind: IcmpType, v4: bool) -> Option<u8> {
    match (v4, kind.ty) {
        (true, 8) => Some(0),
        (true, 0) => Some(8),
        (true, 13) => Some(14),
        (true, 14) => Some(13),
        (true, 15) => Some(16),
        (true, 16) => Some(15),
        (true, 17) => Some(18),
        (true, 18) => Some(17),
        (false, 128) => Some(129),
        (false, 129) => Some(128),
        (false, 139) => Some(140),
        (false, 140) => Some(139),
        _ => None,
    }
}

impl fmt::Display for Tuple {
    /// As `conntrack -L` writes one direction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "src={} dst={}", self.src, self.dst)?;
        match self.id {
            L4Id::Ports(s, d) => write!(f, " sport={s} dport={d}"),
            L4Id::Icmp(ty, code, id) => write!(f, " type={ty} code={code} id={id}"),
            L4Id::None => Ok(()),
        }
    }
}

impl Serialize for Tuple {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
