//! Packets given field by field, as a lab file has them.

use super::error::PacketFault;
use super::value::{self, Bytes, Hex};
use crate::abi::Mac;
use crate::packet::checksum;
use crate::packet::{
    Fragment, Icmp, IcmpType, Neighbour, Packet, Payload, Ports, Proto, Tcp, TcpFlags, TcpNumbers, TcpOption,
    TcpOptions, Transport,
};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A packet as a lab gives it. Every field but the addresses may be left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CraftedPacket {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// The protocol; UDP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proto: Option<ProtoName>,
    /// Source port; 40000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sport: Option<u16>,
    /// Destination port; 80 with TCP, 53 with UDP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dport: Option<u16>,
    /// TCP flags; `SYN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flags: Option<FlagBits>,
    /// Sequence number, of which the low 32 bits count; 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// Acknowledgement number, of which the low 32 bits count; 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack: Option<i64>,
    /// Window; 64240.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub win: Option<u16>,
    /// TCP options; none. Filled up with zeros to words of four bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_options: Option<Hex>,
    /// ICMP type; an echo request's.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub ty: Option<u8>,
    /// ICMP code; 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u8>,
    /// ICMP identifier; 1. Not with `inner`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u16>,
    /// ICMP sequence number; 1. Not with `inner`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seqno: Option<u16>,
    /// The MTU that an ICMP error tells; 0. With `inner`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u16>,
    /// The packet that an ICMP error quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner: Option<Box<CraftedPacket>>,
    /// How many bytes of it, with IPv4; 28. IPv6 quotes all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<u16>,
    /// What comes after the transport header; nothing. Not with `inner`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Bytes>,
    /// How many bytes that is: the data cut, or filled up with `x`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u16>,
    /// TTL or hop limit; 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
    /// TOS byte or traffic class; 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos: Option<u8>,
    /// Identification (IPv4); 4660.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipid: Option<u16>,
    /// "Don't fragment" (IPv4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub df: Option<bool>,
    /// The piece of the packet that is sent (IPv4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frag: Option<Fragmentation>,
    /// IP options (IPv4); none. Filled up with zeros to words of four bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_options: Option<Hex>,
    /// The transport checksum is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_csum: Option<bool>,
    /// The transport checksum is left 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_csum: Option<bool>,
    /// The IP header's checksum is wrong (IPv4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_ip_csum: Option<bool>,
}

/// A piece of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fragmentation {
    /// Where it begins, in bytes after the IP header, a multiple of 8; 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u16>,
    /// How many bytes it has; all that are left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u16>,
    /// Whether more pieces follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<bool>,
}

/// A protocol: one of the names of a lab file, or a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ProtoName {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, `gre`, `esp` or `sctp`. `icmp` between IPv6 addresses is `icmpv6`.
    Name(&'static str),
    /// A number.
    Number(u8),
}

impl ProtoName {
    /// The names and their numbers.
    pub const NAMES: [(&'static str, Proto); 7] = [
        ("icmp", Proto::ICMP),
        ("tcp", Proto::TCP),
        ("udp", Proto::UDP),
        ("icmpv6", Proto::ICMPV6),
        ("gre", Proto::GRE),
        ("esp", Proto::ESP),
        ("sctp", Proto::SCTP),
    ];
}

/// TCP flags: names with commas between them, `ALL` (the six of RFC 793), nothing or `NONE`; or the byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum FlagBits {
    /// Names, as they are written.
    Names(String),
    /// The byte.
    Number(u8),
}

impl FlagBits {
    /// The flags; `None` if a name is none.
    pub fn flags(&self) -> Option<TcpFlags> {
        match self {
            FlagBits::Number(bits) => Some(TcpFlags(*bits)),
            FlagBits::Names(text) => match text.trim().to_ascii_uppercase().as_str() {
                "" | "NONE" => Some(TcpFlags(0)),
                "ALL" => Some(TcpFlags(0x3f)),
                names => names
                    .split([',', '|', ' '])
                    .filter(|name| !name.is_empty())
                    .try_fold(TcpFlags(0), |all, name| Some(all | TcpFlags::by_name(name)?)),
            },
        }
    }
}

impl CraftedPacket {
    /// The protocol number.
    pub fn protocol(&self) -> Proto {
        match &self.proto {
            None => Proto::UDP,
            Some(ProtoName::Name("icmp")) if self.src.is_ipv6() => Proto::ICMPV6,
            Some(ProtoName::Name(name)) => {
                ProtoName::NAMES.iter().find(|(n, _)| n == name).map_or(Proto::UDP, |(_, proto)| *proto)
            }
            Some(ProtoName::Number(n)) => Proto(*n),
        }
    }

    /// The packet. Whether its IP header's checksum is wrong is not part of it: see `bad_ip_csum`.
    ///
    /// # Errors
    /// A packet that cannot be: addresses of two families, too many options, no fragment, too many bytes.
    pub fn to_packet(&self) -> Result<Packet, PacketFault> {
        let v6 = self.src.is_ipv6();
        let (transport, payload) = self.transport()?;
        let mut packet = Packet::new(self.src, self.dst, transport).ok_or(PacketFault::Families)?;
        packet.payload = payload;
        packet.ttl = self.ttl.unwrap_or(64);
        packet.tos = self.tos.unwrap_or(0);
        packet.bad_checksum = self.has_bad_checksum(&packet);
        if v6 {
            self.only_ipv6()?;
        } else {
            packet.id = self.ipid.unwrap_or(4660);
            packet.df = self.df == Some(true);
            if let Some(options) = &self.ip_options {
                packet.ip_options = padded(options.bytes())?;
            }
            packet.fragment = self.fragment(packet.carried())?;
            // The word that says "don't fragment" says where a fragment lies.
            packet.df &= packet.fragment.is_none();
        }
        if packet.header_len() + packet.carried() > 65535 { Err(PacketFault::Size) } else { Ok(packet) }
    }

    /// Refuses what an IPv6 header has no room for.
    fn only_ipv6(&self) -> Result<(), PacketFault> {
        let set = [
            ("frag", self.frag.is_some_and(|f| f != Fragmentation::default())),
            ("ip_options", self.ip_options.as_ref().is_some_and(|o| !o.bytes().is_empty())),
            ("df", self.df == Some(true)),
            ("bad_ip_csum", self.bad_ip_csum == Some(true)),
        ];
        match set.into_iter().find(|(_, is)| *is) {
            Some((field, _)) => Err(PacketFault::Ipv4Only(field)),
            None => Ok(()),
        }
    }

    /// Which piece of the packet this is.
    fn fragment(&self, carried: u32) -> Result<Option<Fragment>, PacketFault> {
        let Some(frag) = self.frag.filter(|f| *f != Fragmentation::default()) else { return Ok(None) };
        let offset = frag.offset.unwrap_or(0);
        if !offset.is_multiple_of(8) {
            return Err(PacketFault::Offset);
        }
        let left = carried.saturating_sub(u32::from(offset));
        let length = u32::from(frag.length.unwrap_or(u16::MAX)).min(left);
        let more = frag.more == Some(true);
        if offset == 0 && !more {
            return if length == carried { Ok(None) } else { Err(PacketFault::NotAFragment) };
        }
        Ok(Some(Fragment { offset, more, length: u16::try_from(length).map_err(|_| PacketFault::Size)? }))
    }

    /// Whether the transport checksum is one that a receiver refuses.
    fn has_bad_checksum(&self, packet: &Packet) -> bool {
        let (bad, none) = (self.bad_csum == Some(true), self.no_csum == Some(true));
        match &packet.transport {
            // 0 means "none" in UDP over IPv4 (RFC 768); IPv6 does not allow it (RFC 8200 8.1).
            Transport::Ports(p) if p.proto == Proto::UDP && none => self.src.is_ipv6(),
            Transport::Ports(p) if p.proto == Proto::UDP => bad,
            Transport::Tcp(_) => bad || none,
            Transport::Icmp(_) => bad && !(none && self.src.is_ipv6()) || none && self.src.is_ipv6(),
            Transport::Ports(p) => match p.proto {
                Proto::SCTP => !self.has_crc(),
                Proto::UDPLITE => !self.covers(),
                _ => false,
            },
            Transport::Other(_) => false,
        }
    }

    /// The transport header and what follows, as the lab gives them.
    fn given_bytes(&self) -> Vec<u8> {
        value::sized(self.data.as_ref().map_or(&[], Bytes::as_slice), self.size)
    }

    /// Whether an SCTP packet's checksum is right (RFC 9260 6.8).
    fn has_crc(&self) -> bool {
        let mut bytes = self.given_bytes();
        let Some(field) = bytes.get_mut(8..12) else { return false };
        let mut found = [0; 4];
        found.copy_from_slice(field);
        field.fill(0);
        checksum::crc32c(&bytes) == u32::from_le_bytes(found)
    }

    /// Whether a UDP-Lite packet's checksum is there and right over what it covers (RFC 3828 3.1).
    fn covers(&self) -> bool {
        let bytes = self.given_bytes();
        let Some([_, _, _, _, high, low, sum @ ..]) = bytes.get(..8) else { return false };
        let covered = match usize::from(u16::from_be_bytes([*high, *low])) {
            0 => bytes.len(),
            covered => covered,
        };
        let Some(told) = bytes.get(..covered).filter(|_| covered >= 8 && *sum != [0, 0]) else {
            return false;
        };
        // The pseudo-header tells the whole length.
        let rest = checksum::add(bytes.len() as u16, !(told.len() as u16));
        checksum::add(!checksum::of_transport(self.src, self.dst, Proto::UDPLITE.0, told), rest) == u16::MAX
    }

    /// What is after the IP header.
    fn transport(&self) -> Result<(Transport, Payload), PacketFault> {
        let data = value::sized(self.data.as_ref().map_or(&[], Bytes::as_slice), self.size);
        let sport = self.sport.unwrap_or(40000);
        let v4 = self.src.is_ipv4();
        Ok(match self.protocol() {
            Proto::TCP => {
                let numbers = TcpNumbers {
                    seq: low_bits(self.seq.unwrap_or(1000)),
                    ack: low_bits(self.ack.unwrap_or(0)),
                    window: self.win.unwrap_or(64240),
                };
                let flags =
                    self.flags.as_ref().map_or(Some(TcpFlags::SYN), FlagBits::flags).unwrap_or(TcpFlags::SYN);
                let options = tcp_options(self.tcp_options.as_ref().map_or(&[], Hex::bytes))?;
                let dport = self.dport.unwrap_or(80);
                (Transport::Tcp(Tcp { sport, dport, flags, numbers: Some(numbers), options }), data.into())
            }
            Proto::UDP => {
                let dport = self.dport.unwrap_or(53);
                (Transport::Ports(Ports { proto: Proto::UDP, sport, dport }), data.into())
            }
            Proto::ICMP if v4 => self.icmp(data)?,
            Proto::ICMPV6 if !v4 => self.icmp(data)?,
            // The other family's ICMP: its header is only bytes here.
            proto @ (Proto::ICMP | Proto::ICMPV6) => {
                let body = match &self.inner {
                    Some(inner) => self.quoted(inner)?.1,
                    None => data.len() as u16,
                };
                (Transport::Other(proto), Payload::Size(body.saturating_add(8)))
            }
            // What a lab gives of these is all that follows the IP header.
            proto if proto.has_ports() => match ports_of(proto, &data) {
                Some((ports, rest)) => (Transport::Ports(ports), rest.into()),
                None => (Transport::Other(proto), data.into()),
            },
            proto => (Transport::Other(proto), data.into()),
        })
    }

    /// An ICMP or ICMPv6 message, with `data` where it quotes no packet.
    fn icmp(&self, data: Vec<u8>) -> Result<(Transport, Payload), PacketFault> {
        let v4 = self.src.is_ipv4();
        let kind = IcmpType::new(self.ty.unwrap_or(if v4 { 8 } else { 128 }), self.code.unwrap_or(0));
        let Some(inner) = &self.inner else {
            let icmp = Icmp::query(kind, self.id.unwrap_or(1), self.seqno.unwrap_or(1));
            return Ok(match neighbour(&icmp, v4, &data) {
                Some((neighbour, rest)) => {
                    (Transport::Icmp(Icmp { neighbour: Some(neighbour), ..icmp }), rest.into())
                }
                None => (Transport::Icmp(icmp), data.into()),
            });
        };
        let (packet, length) = self.quoted(inner)?;
        let mtu = self.mtu.unwrap_or(0);
        if !kind.is_error(v4) {
            // A message of a type that quotes nothing: those bytes are only bytes.
            return Ok((Transport::Icmp(Icmp::query(kind, 0, mtu)), Payload::Size(length)));
        }
        let mut icmp = Icmp { kind, quoted: Some(Box::new(packet)), quoted_len: length, ..Icmp::default() };
        icmp.mtu = (mtu != 0).then_some(u32::from(mtu));
        if v4 && kind.ty == 5 {
            // The same four bytes are a redirect's gateway.
            icmp.gateway = Some(IpAddr::V4(Ipv4Addr::from(u32::from(mtu))));
        }
        Ok((Transport::Icmp(icmp), Payload::NONE))
    }

    /// The quoted packet and how many of its bytes are quoted.
    fn quoted(&self, inner: &CraftedPacket) -> Result<(Packet, u16), PacketFault> {
        let packet = inner.to_packet()?;
        let all = u16::try_from(packet.len()).map_err(|_| PacketFault::Size)?;
        let length = if self.protocol() == Proto::ICMP { all.min(self.quote.unwrap_or(28)) } else { all };
        Ok((packet, length))
    }
}

/// The low 32 bits, as a header has them.
fn low_bits(n: i64) -> u32 {
    (n & 0xffff_ffff) as u32
}

/// Bytes of options, filled up with zeros to words of four.
fn padded(options: &[u8]) -> Result<Vec<u8>, PacketFault> {
    let mut bytes = options.to_vec();
    bytes.resize(options.len().next_multiple_of(4), 0);
    if bytes.len() > 40 { Err(PacketFault::Options) } else { Ok(bytes) }
}

/// TCP options of the header's full size: what does not parse is taken for padding.
fn tcp_options(bytes: &[u8]) -> Result<TcpOptions, PacketFault> {
    let size = padded(bytes)?.len() as u32;
    let mut options = TcpOptions::from_bytes(bytes);
    while options.size() < size {
        options.0.push(TcpOption::End);
    }
    Ok(options)
}

/// The ports at the beginning of a header that a lab gives as bytes.
fn ports_of(proto: Proto, data: &[u8]) -> Option<(Ports, &[u8])> {
    let header = if proto == Proto::UDPLITE { 8 } else { 12 };
    let (head, rest) = data.split_at_checked(header)?;
    let port = |at: usize| Some(u16::from_be_bytes([*head.get(at)?, *head.get(at + 1)?]));
    Some((Ports { proto, sport: port(0)?, dport: port(2)? }, rest))
}

/// Neighbour discovery's target and hardware address (RFC 4861 4.3, 4.4), and the bytes after them.
fn neighbour<'a>(icmp: &Icmp, v4: bool, data: &'a [u8]) -> Option<(Neighbour, &'a [u8])> {
    if v4 || !matches!(icmp.kind.ty, 135 | 136) {
        return None;
    }
    let (target, rest) = data.split_first_chunk::<16>()?;
    let (mac, rest) = match rest {
        [1 | 2, 1, a, b, c, d, e, f, rest @ ..] => (Some(Mac([*a, *b, *c, *d, *e, *f])), rest),
        rest => (None, rest),
    };
    // The flags are the first byte after the checksum, where a query has its identifier.
    let solicited = icmp.kind.ty == 136 && icmp.id & 0x4000 != 0;
    Some((Neighbour { target: Ipv6Addr::from(*target), mac, solicited }, rest))
}

impl<'de> Deserialize<'de> for ProtoName {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = ProtoName;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let names: Vec<_> = ProtoName::NAMES.iter().map(|(name, _)| *name).collect();
                write!(f, "a protocol's number or one of {}", names.join(", "))
            }
            fn visit_u64<E: Error>(self, n: u64) -> Result<ProtoName, E> {
                u8::try_from(n)
                    .map(ProtoName::Number)
                    .map_err(|_| E::custom("a protocol's number is at most 255"))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<ProtoName, E> {
                let known = ProtoName::NAMES.iter().find(|(name, _)| *name == text);
                known.map(|(name, _)| ProtoName::Name(name)).ok_or_else(|| {
                    E::custom(format_args!("`{text}` is no protocol of a lab; give its number"))
                })
            }
        }
        d.deserialize_any(V)
    }
}

impl<'de> Deserialize<'de> for FlagBits {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = FlagBits;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("TCP flags, such as `SYN,ACK`, or a byte")
            }
            fn visit_u64<E: Error>(self, n: u64) -> Result<FlagBits, E> {
                u8::try_from(n).map(FlagBits::Number).map_err(|_| E::custom("TCP flags are a byte"))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<FlagBits, E> {
                let bits = FlagBits::Names(text.to_owned());
                match bits.flags() {
                    Some(_) => Ok(bits),
                    None => Err(E::custom(format_args!("`{text}` are no TCP flags"))),
                }
            }
        }
        d.deserialize_any(V)
    }
}
