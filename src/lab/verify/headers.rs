//! Headers on the wire and in the kernel's trace, read from their bytes.

use crate::packet::{Proto, TcpFlags};
use serde_json::{Map, Value, json};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is read of a packet's headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Protocol.
    pub proto: Proto,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Length, bytes.
    pub len: u32,
    /// TOS or traffic class.
    pub tos: u8,
    /// A fragment's offset, and whether more follow.
    pub frag: Option<(u16, bool)>,
    /// IPv4's identification.
    pub ipid: u16,
    /// Ports.
    pub ports: Option<(u16, u16)>,
    /// TCP flags.
    pub flags: Option<TcpFlags>,
    /// ICMP type and code.
    pub icmp: Option<(u8, u8)>,
    /// Identifier and sequence number of an ICMP query.
    pub query: Option<(u16, u16)>,
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

/// Reads a packet; `transport` are the bytes of its transport header where they lie elsewhere.
pub fn read(bytes: &[u8], transport: Option<&[u8]>) -> Option<Seen> {
    match bytes.first()? >> 4 {
        4 => read_v4(bytes, transport),
        6 => read_v6(bytes, transport),
        _ => None,
    }
}

fn read_v4(bytes: &[u8], transport: Option<&[u8]>) -> Option<Seen> {
    let addr =
        |at: usize| bytes.get(at..at + 4).and_then(|b| <[u8; 4]>::try_from(b).ok()).map(Ipv4Addr::from);
    let bits = word(bytes, 6)?;
    let mut seen = Seen {
        src: addr(12)?.into(),
        dst: addr(16)?.into(),
        proto: Proto(*bytes.get(9)?),
        ttl: *bytes.get(8)?,
        len: u32::from(word(bytes, 2)?),
        tos: *bytes.get(1)?,
        frag: (bits & 0x3fff != 0).then_some(((bits & 0x1fff) * 8, bits & 0x2000 != 0)),
        ipid: word(bytes, 4)?,
        ports: None,
        flags: None,
        icmp: None,
        query: None,
    };
    if bits & 0x1fff == 0 {
        let header = usize::from(bytes.first()? & 15) * 4;
        let end = (seen.len as usize).saturating_sub(header);
        let body = transport.or_else(|| bytes.get(header..)).unwrap_or_default();
        read_transport(&mut seen, &body[..body.len().min(end)]);
    }
    Some(seen)
}

fn read_v6(bytes: &[u8], transport: Option<&[u8]>) -> Option<Seen> {
    let addr =
        |at: usize| bytes.get(at..at + 16).and_then(|b| <[u8; 16]>::try_from(b).ok()).map(Ipv6Addr::from);
    let length = word(bytes, 4)?;
    let mut next = *bytes.get(6)?;
    let mut body = transport.or_else(|| bytes.get(40..)).unwrap_or_default();
    if transport.is_none() {
        // Hop-by-hop options, routing, destination options (RFC 8200 4).
        while matches!(next, 0 | 43 | 60) && body.len() >= 8 {
            next = body[0];
            body = body.get(8 + usize::from(body[1]) * 8..).unwrap_or_default();
        }
    }
    let mut seen = Seen {
        src: addr(8)?.into(),
        dst: addr(24)?.into(),
        proto: Proto(next),
        ttl: *bytes.get(7)?,
        len: u32::from(length) + 40,
        tos: (word(bytes, 0)? >> 4) as u8,
        frag: None,
        ipid: 0,
        ports: None,
        flags: None,
        icmp: None,
        query: None,
    };
    read_transport(&mut seen, &body[..body.len().min(usize::from(length))]);
    Some(seen)
}

fn read_transport(seen: &mut Seen, body: &[u8]) {
    let v4 = seen.src.is_ipv4();
    match seen.proto {
        Proto::TCP | Proto::UDP | Proto::UDPLITE => {
            seen.ports = word(body, 0).zip(word(body, 2));
            if seen.proto == Proto::TCP {
                seen.flags = body.get(13).map(|bits| TcpFlags(*bits));
            }
        }
        Proto::ICMP | Proto::ICMPV6 => {
            seen.icmp = body.first().copied().zip(body.get(1).copied());
            let queries = match seen.icmp {
                Some((ty, _)) if seen.proto == Proto::ICMP => !matches!(ty, 3 | 4 | 5 | 11 | 12),
                Some((ty, _)) => !v4 && matches!(ty, 128 | 129),
                None => false,
            };
            if queries {
                seen.query = word(body, 4).zip(word(body, 6));
            }
        }
        _ => {}
    }
}

/// A protocol as a truth has it: by one of the names of lab files, else by number.
pub fn protocol(proto: Proto) -> Value {
    match crate::lab::ProtoName::NAMES.iter().find(|(_, p)| *p == proto) {
        Some((name, _)) => json!(name),
        None => json!(proto.0),
    }
}

impl Seen {
    /// Neighbour and multicast listener discovery, which come of their own accord.
    pub fn is_noise(&self) -> bool {
        let discovery = |ty| (130..=137).contains(&ty) || ty == 143;
        self.proto == Proto::ICMPV6 && discovery(self.icmp.map_or(0, |(ty, _)| ty)) || self.proto.0 == 0
    }

    /// Whether another look shows the same packet, whatever was rewritten below its transport header.
    pub fn is_like(&self, other: &Seen) -> bool {
        (self.src, self.dst, self.proto, self.ipid) == (other.src, other.dst, other.proto, other.ipid)
            && (self.ports, self.flags, self.query) == (other.ports, other.flags, other.query)
            && self.icmp.map(|i| i.0) == other.icmp.map(|i| i.0)
    }

    /// As a truth has it.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        let mut put = |name: &str, value: Value| map.insert(name.to_owned(), value);
        put("src", json!(self.src));
        put("dst", json!(self.dst));
        put("proto", protocol(self.proto));
        put("ttl", json!(self.ttl));
        put("len", json!(self.len));
        if self.tos != 0 {
            put("tos", json!(self.tos));
        }
        if let Some((offset, more)) = self.frag {
            put("frag", json!({"offset": offset, "more": more}));
        }
        if let Some((sport, dport)) = self.ports {
            put("sport", json!(sport));
            put("dport", json!(dport));
        }
        if let Some(flags) = self.flags {
            put("flags", json!(flags.to_string().to_ascii_uppercase()));
        }
        if let Some((ty, code)) = self.icmp {
            put("type", json!(ty));
            put("code", json!(code));
        }
        if let Some((id, seqno)) = self.query {
            put("id", json!(id));
            put("seqno", json!(seqno));
        }
        Value::Object(map)
    }
}

/// Data as a truth has it: the first 48 bytes, as text where it is that.
pub fn data(bytes: &[u8]) -> String {
    let first = &bytes[..bytes.len().min(48)];
    let plain = first.iter().all(|b| (32..127).contains(b) || b"\r\n\t".contains(b));
    if plain {
        return String::from_utf8_lossy(first).into_owned();
    }
    first.iter().fold("hex:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}
