//! `-m multiport`: up to fifteen ports or ranges.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Absent, Fact, Test};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value, service};
use super::super::{Inv, Match, RuleError};
use super::MatchCx;
use super::ports::PortRange;
use crate::packet::Proto;
use std::fmt::Write;

/// A list of ports (iptables-extensions(8), multiport).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multiport {
    /// Which of the packet's ports must be in the list.
    pub side: PortSide,
    /// The list.
    pub ports: Inv<Vec<PortRange>>,
}

/// Which of a packet's two ports is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortSide {
    /// `--sports`.
    Source,
    /// `--dports`.
    Destination,
    /// `--ports`: either.
    Either,
}

/// The longest list; a range takes two places.
const MAX: usize = 15;

pub(super) static EXT: Extension = Extension::a_match(
    "multiport",
    BOTH,
    &[
        Opt::new("source-ports", Kind::Own(read))
            .inv()
            .or(&["sports"])
            .not_with(&["destination-ports", "ports"]),
        Opt::new("destination-ports", Kind::Own(read))
            .inv()
            .or(&["dports"])
            .not_with(&["source-ports", "ports"]),
        Opt::new("ports", Kind::Own(read)).inv().not_with(&["source-ports", "destination-ports"]),
    ],
    build,
)
.check(|args| if args.given.is_empty() { said("multiport expection an option") } else { Ok(()) });

fn read(text: &str, cx: Cx) -> Result<Value, RuleError> {
    let proto = match cx.proto {
        Some(p) if p.not || p.value != Proto::ALL && !p.value.has_ports() => {
            return said("multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP");
        }
        Some(p) if p.value != Proto::ALL => p.value,
        _ => {
            return said("multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'");
        }
    };
    let mut places = 0;
    let mut list = Vec::new();
    for item in text.split(',') {
        let Some((low, high)) = item.split_once(':') else {
            places += 1;
            if places > MAX {
                return said("too many ports specified");
            }
            let port = service(item, Some(proto))?;
            list.push((port, port));
            continue;
        };
        places += 2;
        if places > MAX {
            return said("too many ports specified");
        }
        let (low, high) = (service(low, Some(proto))?, service(high, Some(proto))?);
        if low >= high {
            return said("invalid portrange specified");
        }
        list.push((low, high));
    }
    Ok(Value::Ports(list))
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let list = |value: &Value| match value {
        Value::Ports(list) => list.iter().map(|&(low, high)| PortRange(low, high)).collect(),
        _ => Vec::new(),
    };
    let sides =
        [("sports", PortSide::Source), ("dports", PortSide::Destination), ("ports", PortSide::Either)];
    let found = sides.into_iter().find_map(|(name, side)| Some((side, args.map(name, list)?)));
    let (side, ports) = found.unwrap_or((PortSide::Either, Inv::yes(Vec::new())));
    Ok(Match::Multiport(Multiport { side, ports }))
}

impl Multiport {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        let name = match self.side {
            PortSide::Source => "sports",
            PortSide::Destination => "dports",
            PortSide::Either => "ports",
        };
        let mut list = String::new();
        for (place, range) in self.ports.value.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            let _ = write!(list, "{comma}{range}");
        }
        out.option(name, Inv { not: self.ports.not, value: list });
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let Some((s, d)) = cx.skb.packet.ports() else { return Test::absent(Absent::Header) };
        let has = |port| self.ports.value.iter().any(|range| range.contains(port));
        let (held, found) = match self.side {
            PortSide::Source => (has(s), Fact::Port(s)),
            PortSide::Destination => (has(d), Fact::Port(d)),
            PortSide::Either => (has(s) || has(d), Fact::Ports(s, d)),
        };
        Test::new(held != self.ports.not, found)
    }
}

impl Multiport {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        let side = match self.side {
            PortSide::Source => "sports",
            PortSide::Destination => "dports",
            PortSide::Either => "ports",
        };
        let not = if self.ports.not { " !" } else { "" };
        let name = |port| out.port(port, out.proto);
        let ports = self.ports.value.iter().map(|PortRange(low, high)| match low == high {
            true => name(*low),
            false => format!("{}:{}", name(*low), name(*high)),
        });
        let ports = ports.collect::<Vec<_>>().join(",");
        out.words(format_args!("multiport {side} {not}{ports}"));
    }
}
