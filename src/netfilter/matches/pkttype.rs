//! `-m pkttype`: whom the packet was sent to on its link.

use super::super::env::AddrType;
use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Fact, NotTold, Test};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value};
use super::super::{Cast, Inv, Match, RuleError};
use super::MatchCx;
use std::fmt;

/// Whom a packet was sent to (iptables-extensions(8), pkttype).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PktType {
    /// This host.
    Unicast,
    /// All.
    Broadcast,
    /// A group.
    Multicast,
    /// Another host.
    OtherHost,
}

/// The names that iptables reads, each its own first.
const NAMES: [(&str, PktType); 7] = [
    ("unicast", PktType::Unicast),
    ("broadcast", PktType::Broadcast),
    ("multicast", PktType::Multicast),
    ("otherhost", PktType::OtherHost),
    ("bcast", PktType::Broadcast),
    ("mcast", PktType::Multicast),
    ("host", PktType::Unicast),
];

pub(super) static EXT: Extension =
    Extension::a_match("pkttype", BOTH, &[Opt::new("pkt-type", Kind::Own(read)).inv().req()], build);

fn read(text: &str, _: Cx) -> Result<Value, RuleError> {
    match NAMES.iter().position(|(name, _)| name.eq_ignore_ascii_case(text)) {
        Some(place) => Ok(Value::Number(place as u64)),
        None => said(format!("Bad packet type '{text}'")),
    }
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let kind = args.map("pkt-type", |v| NAMES[v.number() as usize % NAMES.len()].1);
    Ok(Match::PktType(kind.unwrap_or(Inv::yes(PktType::Unicast))))
}

impl fmt::Display for PktType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(_, kind)| kind == self).map_or("", |(name, _)| name))
    }
}

pub(super) fn save(kind: Inv<PktType>, out: &mut SaveOptions) {
    out.option("pkt-type", kind);
}

/// Where the frame was not told, its address follows the packet's destination: a group's, all, or one host's. A
/// packet that came over lo counts as what its destination is (`pkttype_mt`).
pub(super) fn test(want: Inv<PktType>, cx: &MatchCx) -> Test {
    let dst = cx.skb.packet.dst;
    let told = match cx.skb.cast {
        Some(Cast::Host | Cast::OtherHost) => Some(PktType::Unicast),
        Some(Cast::Broadcast) => Some(PktType::Broadcast),
        Some(Cast::Multicast) => Some(PktType::Multicast),
        Some(Cast::Loopback) if dst.is_multicast() || dst.is_ipv6() => Some(PktType::Multicast),
        Some(Cast::Loopback) => Some(PktType::Broadcast),
        None => None,
    };
    let found = if let Some(told) = told {
        told
    } else if cx.skb.iif.is_none() {
        PktType::Unicast
    } else if dst.is_multicast() {
        PktType::Multicast
    } else if dst.is_ipv6() {
        PktType::Unicast
    } else {
        match cx.env.addr_type(dst, None) {
            Some(AddrType::Broadcast) => PktType::Broadcast,
            Some(_) => PktType::Unicast,
            None => return Test::not_told(NotTold::AddrType),
        }
    };
    Test::new((found == want.value) != want.not, Fact::Text(found.to_string()))
}

/// Prints it as a listing does.
pub(super) fn print(kind: Inv<PktType>, out: &mut Print) {
    out.words(format_args!("PKTTYPE {} {}", if kind.not { "!=" } else { "=" }, kind.value));
}
