//! Transport headers read from bytes: the header, and how many bytes it takes.

use super::{
    Icmp, IcmpType, Neighbour, Packet, Ports, Proto, Tcp, TcpFlags, TcpNumbers, TcpOptions, Transport,
};
use crate::abi::Mac;
use std::net::Ipv6Addr;

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// A TCP header; one that is cut short has no numbers and no options.
pub(super) fn tcp(bytes: &[u8]) -> Option<(Transport, usize)> {
    let (sport, dport) = (half(bytes, 0)?, half(bytes, 2)?);
    let Some(size) =
        bytes.get(12).map(|b| usize::from(b >> 4) * 4).filter(|n| (20..=bytes.len()).contains(n))
    else {
        return Some((Transport::Tcp(Tcp { sport, dport, ..Tcp::default() }), 20));
    };
    let numbers = TcpNumbers { seq: word(bytes, 4)?, ack: word(bytes, 8)?, window: half(bytes, 14)? };
    let tcp = Tcp {
        sport,
        dport,
        flags: TcpFlags(bytes[13]),
        numbers: Some(numbers),
        options: TcpOptions::from_bytes(&bytes[20..size]),
    };
    Some((Transport::Tcp(tcp), size))
}

/// A header that begins with two ports.
pub(super) fn udp(proto: Proto, bytes: &[u8]) -> Option<(Transport, usize)> {
    let size = if proto == Proto::SCTP || proto == Proto::DCCP { 12 } else { 8 };
    Some((Transport::Ports(Ports { proto, sport: half(bytes, 0)?, dport: half(bytes, 2)? }), size))
}

/// An ICMP or ICMPv6 header, with what an error quotes.
pub(super) fn icmp(
    bytes: &[u8],
    v4: bool,
    quoted: impl FnOnce(&[u8]) -> Option<Packet>,
) -> Option<(Transport, usize)> {
    let kind = IcmpType::new(*bytes.first()?, *bytes.get(1)?);
    let mut icmp = Icmp { kind, ..Icmp::default() };
    if kind.is_error(v4) {
        match (v4, kind.ty, kind.code) {
            (true, 3, 4) => icmp.mtu = half(bytes, 6).map(u32::from),
            (true, 5, _) => icmp.gateway = word(bytes, 4).map(|n| n.to_be_bytes().into()),
            (false, 2, _) => icmp.mtu = word(bytes, 4),
            _ => {}
        }
        let rest = bytes.get(8..).unwrap_or_default();
        if let Some(packet) = quoted(rest) {
            icmp.quoted = Some(Box::new(packet));
            icmp.quoted_len = rest.len() as u16;
            return Some((Transport::Icmp(icmp), bytes.len()));
        }
        return Some((Transport::Icmp(icmp), 8));
    }
    if let (false, 135 | 136, Some(target)) = (v4, kind.ty, bytes.get(8..24)) {
        let target = Ipv6Addr::from(<[u8; 16]>::try_from(target).ok()?);
        let mac = match bytes.get(24..32) {
            Some([1 | 2, 1, mac @ ..]) => Some(Mac(mac.try_into().ok()?)),
            _ => None,
        };
        icmp.neighbour = Some(Neighbour { target, mac, solicited: bytes[4] & 0x40 != 0 });
        return Some((Transport::Icmp(icmp), if mac.is_some() { 32 } else { 24 }));
    }
    (icmp.id, icmp.seq) = (half(bytes, 4).unwrap_or(0), half(bytes, 6).unwrap_or(0));
    Some((Transport::Icmp(icmp), 8))
}
