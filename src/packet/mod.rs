//! Typed packets. Knows headers and flows, neither devices nor rules.

mod flags;
mod icmp;
mod proto;
mod text;
mod tuple;

pub use flags::TcpFlags;
pub use icmp::{IcmpType, icmp_name, icmp_names, icmp_type_by_name};
pub use proto::Proto;
pub use text::{PacketErrorKind, ParsePacketError, Words, parse_packet};
pub use tuple::{Direction, L4Id, Tuple};

use serde::Serialize;
use std::fmt;
use std::net::IpAddr;

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
    /// What the IP header carries.
    pub transport: Transport,
    /// Bytes after the transport header.
    pub payload: u16,
    /// Set where the packet is a piece of a larger one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fragment: Option<Fragment>,
    /// The transport checksum is wrong: conntrack calls such a packet INVALID.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bad_checksum: bool,
}

/// Where a fragment lies in its packet (RFC 791).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Fragment {
    /// Offset in bytes, a multiple of 8.
    pub offset: u16,
    /// More fragments follow.
    pub more: bool,
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

/// A TCP header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tcp {
    /// Source port.
    pub sport: u16,
    /// Destination port.
    pub dport: u16,
    /// The flag bits.
    pub flags: TcpFlags,
    /// Maximum segment size option, bytes, where it is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mss: Option<u16>,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Icmp {
    /// Type and code.
    #[serde(flatten)]
    pub kind: IcmpType,
    /// Identifier of a query (echo, timestamp, …); 0 elsewhere.
    pub id: u16,
    /// The packet that an error quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted: Option<Box<Packet>>,
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
            transport,
            payload: 0,
            fragment: None,
            bad_checksum: false,
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

    /// The whole packet's size in bytes, as counters count it: IP header, transport header, payload.
    pub fn len(&self) -> u32 {
        let ip: u32 = if self.src.is_ipv4() { 20 } else { 40 };
        let transport: u32 = match &self.transport {
            Transport::Tcp(tcp) => 20 + if tcp.mss.is_some() { 4 } else { 0 },
            Transport::Ports(p) if p.proto == Proto::SCTP || p.proto == Proto::DCCP => 12,
            Transport::Ports(_) | Transport::Icmp(_) => 8,
            Transport::Other(_) => 0,
        };
        let quoted = match &self.transport {
            Transport::Icmp(Icmp { quoted: Some(q), .. }) => q.len(),
            _ => 0,
        };
        ip + transport + quoted + u32::from(self.payload)
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
        if let Some(Tcp { mss: Some(mss), .. }) = self.tcp() {
            write!(f, " mss={mss}")?;
        }
        if self.ttl != 64 {
            write!(f, " ttl={}", self.ttl)?;
        }
        if self.tos != 0 {
            write!(f, " tos={:#04x}", self.tos)?;
        }
        if self.payload != 0 {
            write!(f, " payload={}", self.payload)?;
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
