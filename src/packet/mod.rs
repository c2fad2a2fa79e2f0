//! Typed packets. Knows headers and flows, neither devices nor rules.

mod bytes;
pub mod checksum;
mod flags;
mod icmp;
mod offload;
mod payload;
mod proto;
mod tcp;
mod text;
mod transport_bytes;
mod tuple;
mod v6;

pub use bytes::{At, Wire};
pub use flags::TcpFlags;
pub use icmp::{IcmpType, icmp_name, icmp_names, icmp_type_by_name};
pub use payload::Payload;
pub use proto::Proto;
pub use tcp::{Tcp, TcpNumbers, TcpOption, TcpOptions};
pub use text::{PacketErrorKind, ParsePacketError, Words, parse_packet};
pub use tuple::{Direction, L4Id, Tuple};
pub use v6::{ExtHeader, V6Fields};

use crate::abi::Mac;
use serde::Serialize;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// An IP packet: the header fields that rules and conntrack look at, and the size of what it carries.
///
/// Invariant: `src` and `dst` are of one family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Packet {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Time to live, or IPv6's hop limit.
    pub ttl: u8,
    /// Type of service byte (DSCP and ECN), or IPv6's traffic class.
    pub tos: u8,
    /// IPv4's identification: the same for all fragments of a packet.
    #[serde(skip)]
    pub id: u16,
    /// IPv4's "don't fragment".
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub df: bool,
    /// IPv4's options, as bytes, padded to words of four.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ip_options: Vec<u8>,
    /// What only IPv6's header has.
    #[serde(skip_serializing_if = "V6Fields::is_plain")]
    pub v6: V6Fields,
    /// What the IP header carries; for a fragment, what the whole packet does.
    pub transport: Transport,
    /// What comes after the transport header; for a fragment, of the whole packet.
    pub payload: Payload,
    /// Set where the packet is a piece of a larger one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fragment: Option<Fragment>,
    /// The transport checksum is wrong: conntrack calls such a packet INVALID.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bad_checksum: bool,
    /// How many bytes of payload each segment gets when a device cuts the packet up (`gso_size`); 0 where it is sent
    /// as it is.
    #[serde(skip)]
    pub gso_size: u16,
}

/// Where a fragment lies in its packet (RFC 791).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Fragment {
    /// Offset in bytes, a multiple of 8, from the transport header on.
    pub offset: u16,
    /// More fragments follow.
    pub more: bool,
    /// How many bytes of the packet, from the offset on, this piece carries.
    pub length: u16,
}

/// The header after the IP header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Transmission control protocol (RFC 9293).
    Tcp(Tcp),
    /// A protocol that rules know by two ports alone: UDP, UDP-Lite, SCTP, DCCP.
    Ports(Ports),
    /// ICMP or ICMPv6, after the packet's family.
    Icmp(Icmp),
    /// Any other protocol, of which only the number is known.
    Other(Proto),
}

/// A header of which only the two ports count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ports {
    /// UDP, UDP-Lite, SCTP or DCCP.
    pub proto: Proto,
    /// Source port.
    pub sport: u16,
    /// Destination port.
    pub dport: u16,
}

/// An ICMP or ICMPv6 header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Icmp {
    /// Type and code.
    #[serde(flatten)]
    pub kind: IcmpType,
    /// Identifier of a query (echo, timestamp, …); 0 elsewhere.
    pub id: u16,
    /// Sequence number of a query.
    pub seq: u16,
    /// The next hop's MTU, in "fragmentation needed" and "packet too big".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// The better gateway that a redirect names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// What neighbour discovery asks for or tells (RFC 4861).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neighbour: Option<Neighbour>,
    /// The packet that an error quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted: Option<Box<Packet>>,
    /// How many bytes of it, its IP header included.
    #[serde(skip)]
    pub quoted_len: u16,
}

/// The body of a neighbour solicitation or advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Neighbour {
    /// The address in question.
    pub target: Ipv6Addr,
    /// The hardware address in the option: the sender's in a solicitation, the target's in an advertisement.
    pub mac: Option<Mac>,
    /// The advertisement answers a solicitation.
    pub solicited: bool,
}

impl Icmp {
    /// A query or its answer.
    pub fn query(kind: IcmpType, id: u16, seq: u16) -> Self {
        Icmp { kind, id, seq, ..Icmp::default() }
    }

    /// An error about a packet. It quotes as much as Linux does: up to 576 bytes in all with IPv4
    /// (`icmp_send`, RFC 1812 4.3.2.3), 1280 with IPv6 (`icmp6_send`, RFC 4443 2.4).
    pub fn error(kind: IcmpType, about: &Packet) -> Self {
        let most: u32 = if about.src.is_ipv4() { 576 - 28 } else { 1280 - 48 };
        let quoted_len = about.len().min(most) as u16;
        Icmp { kind, quoted: Some(Box::new(about.clone())), quoted_len, ..Icmp::default() }
    }
}

impl Packet {
    /// A packet with TTL 64, nothing in its TOS byte and no payload.
    ///
    /// Returns `None` if the addresses are of two families.
    pub fn new(src: IpAddr, dst: IpAddr, transport: Transport) -> Option<Self> {
        (src.is_ipv4() == dst.is_ipv4()).then_some(Packet {
            src,
            dst,
            ttl: 64,
            tos: 0,
            id: 0,
            df: false,
            ip_options: Vec::new(),
            v6: V6Fields::default(),
            transport,
            payload: Payload::NONE,
            fragment: None,
            bad_checksum: false,
            gso_size: 0,
        })
    }

    /// The protocol number of the IP header.
    pub fn proto(&self) -> Proto {
        match &self.transport {
            Transport::Tcp(_) => Proto::TCP,
            Transport::Ports(p) => p.proto,
            Transport::Icmp(_) if self.src.is_ipv4() => Proto::ICMP,
            Transport::Icmp(_) => Proto::ICMPV6,
            Transport::Other(proto) => *proto,
        }
    }

    /// The packet's size in bytes, as counters count it: IP header, transport header, payload. A fragment's is
    /// that of the piece.
    pub fn len(&self) -> u32 {
        let carried = match self.fragment {
            Some(fragment) => u32::from(fragment.length),
            None => self.carried(),
        };
        self.header_len() + carried
    }

    /// The IP header's size in bytes, IPv6's extension headers included.
    pub fn header_len(&self) -> u32 {
        if self.src.is_ipv4() {
            return 20 + self.ip_options.len() as u32;
        }
        40 + self.v6.size() + if self.fragment.is_some() { 8 } else { 0 }
    }

    /// Bytes after the IP header, of the whole packet.
    pub fn carried(&self) -> u32 {
        let transport = match &self.transport {
            Transport::Tcp(tcp) => 20 + tcp.options.size(),
            Transport::Ports(p) if p.proto == Proto::SCTP || p.proto == Proto::DCCP => 12,
            Transport::Ports(_) => 8,
            Transport::Icmp(icmp) => {
                let neighbour = icmp.neighbour.map_or(0, |n| 16 + if n.mac.is_some() { 8 } else { 0 });
                8 + u32::from(icmp.quoted_len) + neighbour
            }
            Transport::Other(_) => 0,
        };
        transport + self.payload.len()
    }

    /// False: a packet always has a header.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Source and destination port, for protocols that have them (a later fragment has none).
    pub fn ports(&self) -> Option<(u16, u16)> {
        if self.is_later_fragment() {
            return None;
        }
        match &self.transport {
            Transport::Tcp(tcp) => Some((tcp.sport, tcp.dport)),
            Transport::Ports(p) => Some((p.sport, p.dport)),
            Transport::Icmp(_) | Transport::Other(_) => None,
        }
    }

    /// Sets the source port, where the protocol has one.
    pub fn set_sport(&mut self, port: u16) {
        match &mut self.transport {
            Transport::Tcp(tcp) => tcp.sport = port,
            Transport::Ports(p) => p.sport = port,
            Transport::Icmp(_) | Transport::Other(_) => {}
        }
    }

    /// Sets the destination port, where the protocol has one.
    pub fn set_dport(&mut self, port: u16) {
        match &mut self.transport {
            Transport::Tcp(tcp) => tcp.dport = port,
            Transport::Ports(p) => p.dport = port,
            Transport::Icmp(_) | Transport::Other(_) => {}
        }
    }

    /// The TCP header, if this is a TCP packet that carries one.
    pub fn tcp(&self) -> Option<&Tcp> {
        match &self.transport {
            Transport::Tcp(tcp) if !self.is_later_fragment() => Some(tcp),
            _ => None,
        }
    }

    /// The ICMP header, if this is an ICMP packet that carries one.
    pub fn icmp(&self) -> Option<&Icmp> {
        match &self.transport {
            Transport::Icmp(icmp) if !self.is_later_fragment() => Some(icmp),
            _ => None,
        }
    }

    /// A fragment other than the first: it has no transport header.
    pub fn is_later_fragment(&self) -> bool {
        self.fragment.is_some_and(|f| f.offset > 0)
    }
}

impl fmt::Display for Packet {
    /// One line, as `vitrine trace --packet` reads it back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |addr: IpAddr, port: Option<u16>| match (addr, port) {
            (IpAddr::V6(a), Some(p)) => format!("[{a}]:{p}"),
            (a, Some(p)) => format!("{a}:{p}"),
            (a, None) => a.to_string(),
        };
        let ports = self.ports();
        write!(
            f,
            "{} {} > {}",
            self.proto(),
            end(self.src, ports.map(|p| p.0)),
            end(self.dst, ports.map(|p| p.1))
        )?;
        match &self.transport {
            Transport::Tcp(tcp) if !self.is_later_fragment() => write!(f, " {}", tcp.flags)?,
            Transport::Icmp(icmp) if !self.is_later_fragment() => {
                write!(f, " {}", icmp_name(icmp.kind, self.src.is_ipv4()))?;
                if icmp.id != 0 {
                    write!(f, " id={}", icmp.id)?;
                }
            }
            _ => {}
        }
        if let Some(mss) = self.tcp().and_then(|t| t.options.mss()) {
            write!(f, " mss={mss}")?;
        }
        if self.ttl != 64 {
            write!(f, " ttl={}", self.ttl)?;
        }
        if self.tos != 0 {
            write!(f, " tos={:#04x}", self.tos)?;
        }
        if !self.payload.is_empty() {
            write!(f, " payload={}", self.payload.len())?;
        }
        if self.df {
            f.write_str(" df")?;
        }
        if let Some(fragment) = self.fragment {
            write!(f, " frag={}{}", fragment.offset, if fragment.more { "+" } else { "" })?;
        }
        if self.bad_checksum {
            f.write_str(" bad-checksum")?;
        }
        if let Some(Icmp { quoted: Some(quoted), .. }) = self.icmp() {
            write!(f, " about {quoted}")?;
        }
        Ok(())
    }
}
