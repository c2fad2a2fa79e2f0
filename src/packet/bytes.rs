//! A packet as the bytes on the wire, from its IP header on, with what of them is not known.

use super::{Fragment, Icmp, Packet, Payload, Proto, Tcp, Transport, checksum};
use std::net::IpAddr;
use std::ops::Range;

/// A packet's bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wire {
    bytes: Vec<u8>,
    /// Bytes that nobody told, in order; they are zero in `bytes`.
    unknown: Vec<Range<usize>>,
}

/// What stands at some place of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At<T> {
    /// This.
    Known(T),
    /// Nobody told.
    Unknown,
    /// The packet ends before.
    Beyond,
}

impl Wire {
    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// All bytes, if all are known.
    pub fn known(&self) -> Option<&[u8]> {
        self.unknown.is_empty().then_some(&self.bytes)
    }

    /// The bytes from one place to another.
    pub fn get(&self, range: Range<usize>) -> At<&[u8]> {
        if self.unknown.iter().any(|u| u.start < range.end && range.start < u.end) {
            return At::Unknown;
        }
        self.bytes.get(range).map_or(At::Beyond, At::Known)
    }

    /// One byte.
    pub fn byte(&self, at: usize) -> At<u8> {
        self.get(at..at.saturating_add(1)).map(|b| b[0])
    }

    /// Four bytes, in the network's order.
    pub fn word(&self, at: usize) -> At<u32> {
        self.get(at..at.saturating_add(4)).map(|b| b.iter().fold(0, |n, b| n << 8 | u32::from(*b)))
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn put_unknown(&mut self, count: usize) {
        if count > 0 {
            self.unknown.push(self.len()..self.len() + count);
            self.bytes.resize(self.len() + count, 0);
        }
    }

    fn append(&mut self, other: Wire) {
        let base = self.len();
        self.bytes.extend(other.bytes);
        self.unknown.extend(other.unknown.into_iter().map(|u| u.start + base..u.end + base));
    }

    /// Cuts a piece out; what lies beyond the end is unknown.
    fn piece(&self, range: Range<usize>) -> Wire {
        let within = |n: usize| n.min(self.len());
        let mut piece =
            Wire { bytes: self.bytes[within(range.start)..within(range.end)].to_vec(), unknown: vec![] };
        for u in &self.unknown {
            let (start, end) = (u.start.max(range.start), u.end.min(range.end));
            if start < end {
                piece.unknown.push(start - range.start..end - range.start);
            }
        }
        piece.put_unknown(range.len() - piece.len());
        piece
    }

    /// Writes a checksum that was left zero, or marks it unknown.
    fn checksum(&mut self, at: usize, sum: Option<u16>) {
        match sum {
            Some(sum) => self.bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes()),
            None => {
                self.unknown.push(at..at + 2);
                self.unknown.sort_by_key(|u| u.start);
            }
        }
    }
}

impl<T> At<T> {
    /// What is made of a known one.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> At<U> {
        match self {
            At::Known(value) => At::Known(f(value)),
            At::Unknown => At::Unknown,
            At::Beyond => At::Beyond,
        }
    }
}

impl Packet {
    /// The packet's bytes, checksums computed.
    ///
    /// ```
    /// use vitrine::packet::{Packet, Words, parse_packet};
    /// let packet = parse_packet(&mut Words::new("udp 10.0.0.1:53 > 10.0.0.2:5353")).unwrap();
    /// let wire = packet.wire();
    /// assert_eq!(Packet::from_bytes(wire.known().unwrap()), Some(packet));
    /// ```
    pub fn wire(&self) -> Wire {
        let transport = self.transport_wire();
        let carried = match self.fragment {
            Some(f) => transport.piece(f.offset.into()..usize::from(f.offset) + usize::from(f.length)),
            None => transport,
        };
        let mut wire = Wire::default();
        match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let more = self.fragment.is_some_and(|f| f.more);
                let offset = self.fragment.map_or(0, |f| f.offset / 8);
                let fragment = u16::from(self.df) << 14 | u16::from(more) << 13 | offset;
                let mut header = vec![0x45 + (self.ip_options.len() / 4) as u8, self.tos];
                header.extend((self.header_len() as u16 + carried.len() as u16).to_be_bytes());
                header.extend(self.id.to_be_bytes());
                header.extend(fragment.to_be_bytes());
                header.extend([self.ttl, self.proto().0, 0, 0]);
                header.extend(src.octets());
                header.extend(dst.octets());
                header.extend(&self.ip_options);
                let sum = checksum::of(&header);
                header[10..12].copy_from_slice(&sum.to_be_bytes());
                wire.put(&header);
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let length = self.header_len() as u16 - 40 + carried.len() as u16;
                let first = 6 << 28 | u32::from(self.tos) << 20 | self.v6.flow_label & 0xf_ffff;
                wire.put(&first.to_be_bytes());
                wire.put(&length.to_be_bytes());
                wire.put(&[self.first_header().0, self.ttl]);
                wire.put(&src.octets());
                wire.put(&dst.octets());
                wire.put(&self.extension_bytes());
            }
            // No packet has addresses of two families.
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {}
        }
        wire.append(carried);
        wire
    }

    /// The protocol number in the IP header: the first extension header's where there is one.
    fn first_header(&self) -> Proto {
        match self.v6.headers.first() {
            Some(first) => first.proto,
            None if self.fragment.is_some() && self.src.is_ipv6() => Proto::FRAGMENT,
            None => self.proto(),
        }
    }

    /// IPv6's extension headers, the fragment's last.
    fn extension_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let last = if self.fragment.is_some() { Proto::FRAGMENT } else { self.proto() };
        let after = self.v6.headers.iter().skip(1).map(|h| h.proto).chain([last]);
        for (header, next) in self.v6.headers.iter().zip(after) {
            bytes.extend([next.0, (header.body.len() / 8) as u8]);
            bytes.extend(&header.body);
        }
        if let Some(f) = self.fragment {
            bytes.extend([self.proto().0, 0]);
            bytes.extend((f.offset & !7 | u16::from(f.more)).to_be_bytes());
            bytes.extend(self.v6.fragment_id.to_be_bytes());
        }
        bytes
    }

    /// Transport header and payload of the whole packet.
    fn transport_wire(&self) -> Wire {
        let mut wire = Wire::default();
        let field = match &self.transport {
            Transport::Tcp(tcp) => {
                tcp_header(tcp, &mut wire);
                Some(16)
            }
            Transport::Ports(ports) => {
                wire.put(&ports.sport.to_be_bytes());
                wire.put(&ports.dport.to_be_bytes());
                match ports.proto {
                    Proto::SCTP | Proto::DCCP => {
                        wire.put_unknown(8);
                        None
                    }
                    Proto::UDPLITE => {
                        wire.put_unknown(4);
                        None
                    }
                    _ => {
                        wire.put(&(8 + self.payload.len() as u16).to_be_bytes());
                        wire.put(&[0, 0]);
                        Some(6)
                    }
                }
            }
            Transport::Icmp(icmp) => {
                self.icmp_header(icmp, &mut wire);
                Some(2)
            }
            Transport::Other(_) => None,
        };
        match self.payload.bytes() {
            Some(bytes) => wire.put(bytes),
            None => wire.put_unknown(self.payload.len() as usize),
        }
        if let Some(at) = field {
            let sum = wire.known().filter(|_| !self.bad_checksum).map(|bytes| match self.proto() {
                Proto::ICMP => checksum::of(bytes),
                proto => match checksum::of_transport(self.src, self.dst, proto.0, bytes) {
                    0 if proto == Proto::UDP => u16::MAX,
                    sum => sum,
                },
            });
            wire.checksum(at, sum);
        }
        wire
    }

    fn icmp_header(&self, icmp: &Icmp, wire: &mut Wire) {
        let v4 = self.src.is_ipv4();
        wire.put(&[icmp.kind.ty, icmp.kind.code, 0, 0]);
        if let Some(n) = icmp.neighbour {
            wire.put(&(u32::from(n.solicited) << 30).to_be_bytes());
            wire.put(&n.target.octets());
            if let Some(mac) = n.mac {
                wire.put(&[if icmp.kind.ty == 135 { 1 } else { 2 }, 1]);
                wire.put(&mac.0);
            }
            return;
        }
        match (icmp.gateway, icmp.mtu) {
            (Some(IpAddr::V4(gateway)), _) => wire.put(&gateway.octets()),
            (_, Some(mtu)) => wire.put(&mtu.to_be_bytes()),
            (None | Some(IpAddr::V6(_)), None) if icmp.kind.is_error(v4) => wire.put(&[0; 4]),
            (None | Some(IpAddr::V6(_)), None) => {
                wire.put(&icmp.id.to_be_bytes());
                wire.put(&icmp.seq.to_be_bytes());
            }
        }
        match &icmp.quoted {
            Some(quoted) => wire.append(quoted.wire().piece(0..icmp.quoted_len.into())),
            None => wire.put_unknown(icmp.quoted_len.into()),
        }
    }

    /// Reads a packet; `None` for what is no whole IP packet, or of a form that [`Packet`] has no place for.
    pub fn from_bytes(bytes: &[u8]) -> Option<Packet> {
        read(bytes, false)
    }
}

fn tcp_header(tcp: &Tcp, wire: &mut Wire) {
    wire.put(&tcp.sport.to_be_bytes());
    wire.put(&tcp.dport.to_be_bytes());
    match tcp.numbers {
        Some(n) => {
            wire.put(&n.seq.to_be_bytes());
            wire.put(&n.ack.to_be_bytes());
        }
        None => wire.put_unknown(8),
    }
    wire.put(&[(20 + tcp.options.size() as u8) << 2, tcp.flags.0]);
    match tcp.numbers {
        Some(n) => wire.put(&n.window.to_be_bytes()),
        None => wire.put_unknown(2),
    }
    wire.put(&[0; 4]);
    wire.put(&tcp.options.to_bytes());
}

/// Reads a packet; one that an error quotes may end early.
fn read(bytes: &[u8], quoted: bool) -> Option<Packet> {
    let half = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    match bytes.first()? >> 4 {
        4 => {
            let header = usize::from(bytes[0] & 15) * 4;
            let length = usize::from(half(2)?);
            let octets = |at: usize| <[u8; 4]>::try_from(bytes.get(at..at + 4)?).ok();
            let (src, dst) = (IpAddr::from(octets(12)?), IpAddr::from(octets(16)?));
            let options = bytes.get(20..header)?.to_vec();
            let flags = half(6)?;
            let fragment = flags & 0x3fff != 0;
            let length = length.min(bytes.len()).max(header);
            if bytes.len() < usize::from(half(2)?) && !quoted {
                return None;
            }
            let whole = usize::from(half(2)?).checked_sub(header)?;
            let offset = (flags & 0x1fff) << 3;
            let mut packet =
                read_transport(src, dst, Proto(bytes[9]), &bytes[header..length], whole, offset)?;
            (packet.tos, packet.ttl, packet.id) = (bytes[1], bytes[8], half(4)?);
            packet.ip_options = options;
            packet.df = flags & 0x4000 != 0;
            packet.fragment =
                fragment.then_some(Fragment { offset, more: flags & 0x2000 != 0, length: whole as u16 });
            Some(packet)
        }
        6 => {
            let octets = |at: usize| <[u8; 16]>::try_from(bytes.get(at..at + 16)?).ok();
            let (src, dst) = (IpAddr::from(octets(8)?), IpAddr::from(octets(24)?));
            let end = 40 + usize::from(half(4)?);
            if bytes.len() < end && !quoted {
                return None;
            }
            let mut fields = super::V6Fields {
                flow_label: u32::from_be_bytes(bytes[..4].try_into().ok()?) & 0xf_ffff,
                ..Default::default()
            };
            let (mut next, mut at, mut fragment) = (Proto(bytes[6]), 40, None);
            while fragment.is_none() {
                match next {
                    Proto::HOP_BY_HOP | Proto::ROUTING | Proto::DEST_OPTIONS => {
                        let size = usize::from(*bytes.get(at + 1)?) * 8 + 8;
                        let body = bytes.get(at + 2..at + size)?.to_vec();
                        fields.headers.push(super::ExtHeader { proto: next, body });
                        next = Proto(bytes[at]);
                        at += size;
                    }
                    Proto::FRAGMENT => {
                        let flags = half(at + 2)?;
                        fields.fragment_id = u32::from_be_bytes(bytes.get(at + 4..at + 8)?.try_into().ok()?);
                        next = Proto(bytes[at]);
                        at += 8;
                        let length = end.checked_sub(at)? as u16;
                        fragment = Some(Fragment { offset: flags & !7, more: flags & 1 != 0, length });
                    }
                    _ => break,
                }
            }
            let whole = end.checked_sub(at)?;
            let offset = fragment.map_or(0, |f| f.offset);
            let carried = bytes.get(at..end.min(bytes.len()))?;
            let mut packet = read_transport(src, dst, next, carried, whole, offset)?;
            packet.tos = (half(0)? >> 4) as u8;
            packet.ttl = bytes[7];
            packet.v6 = fields;
            packet.fragment = fragment;
            Some(packet)
        }
        _ => None,
    }
}

/// Reads what an IP header carries: `whole` bytes, of which `bytes` are there.
fn read_transport(
    src: IpAddr,
    dst: IpAddr,
    proto: Proto,
    bytes: &[u8],
    whole: usize,
    offset: u16,
) -> Option<Packet> {
    use super::transport_bytes::{icmp, tcp, udp};
    let (transport, header) = match proto {
        _ if offset > 0 => (Transport::Other(proto), 0),
        Proto::TCP => tcp(bytes)?,
        p if p.has_ports() => udp(proto, bytes)?,
        Proto::ICMP if src.is_ipv4() => icmp(bytes, true, |b| read(b, true))?,
        Proto::ICMPV6 if src.is_ipv6() => icmp(bytes, false, |b| read(b, true))?,
        _ => (Transport::Other(proto), 0),
    };
    let mut packet = Packet::new(src, dst, transport)?;
    let rest = bytes.get(header..).unwrap_or_default();
    let size = whole.saturating_sub(header);
    packet.payload = if rest.len() == size { Payload::from(rest) } else { Payload::Size(size as u16) };
    if offset > 0 {
        // The bytes before the piece are not told.
        packet.payload = Payload::Size(offset.saturating_add(size as u16));
    } else if bytes.len() == whole {
        let told = packet.transport_wire();
        let field = match packet.transport {
            Transport::Tcp(_) => 16,
            Transport::Ports(ref p) if p.proto == Proto::UDP => 6,
            Transport::Icmp(_) => 2,
            Transport::Ports(_) | Transport::Other(_) => return Some(packet),
        };
        let none = proto == Proto::UDP && bytes.get(6..8) == Some(&[0, 0]);
        if let (At::Known(right), Some(found)) = (told.get(field..field + 2), bytes.get(field..field + 2)) {
            packet.bad_checksum = right != found && !none;
        }
    }
    Some(packet)
}
