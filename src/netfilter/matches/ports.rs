//! `-m udp`: source and destination port.

use super::super::extension::{Args, BOTH, Extension, Opt};
use super::super::fact::{Absent, Fact, Test};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Kind, Value};
use super::super::{Inv, Match, RuleError};
use super::MatchCx;
use crate::packet::Proto;
use std::fmt;

/// Two port ranges that a packet's ports must lie in (iptables-extensions(8), udp).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// `--sport`.
    pub sport: Option<Inv<PortRange>>,
    /// `--dport`.
    pub dport: Option<Inv<PortRange>>,
}

/// Lowest and highest port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortRange(pub u16, pub u16);

impl PortRange {
    /// Every port.
    pub const ALL: PortRange = PortRange(0, u16::MAX);

    /// True if the port lies in it.
    pub fn contains(self, port: u16) -> bool {
        (self.0..=self.1).contains(&port)
    }

    /// Takes the value of an option of kind [`Kind::PortRange`].
    pub(super) fn of(value: &Value) -> PortRange {
        match value {
            Value::PortRange(a, b) => PortRange(*a, *b),
            _ => PortRange(0, u16::MAX),
        }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == self.1 { self.0.fmt(f) } else { write!(f, "{}:{}", self.0, self.1) }
    }
}

pub(super) static UDP: Extension = Extension::a_match(
    "udp",
    BOTH,
    &[
        Opt::new("source-port", Kind::PortRange).inv().or(&["sport"]),
        Opt::new("destination-port", Kind::PortRange).inv().or(&["dport"]),
    ],
    build,
)
.protos(&[Proto::UDP]);

fn build(args: &Args) -> Result<Match, RuleError> {
    let sport = args.map("sport", PortRange::of);
    let dport = args.map("dport", PortRange::of);
    Ok(Match::Ports(Ports { sport, dport }))
}

/// True if it asks for nothing: not given, or all ports without `!`.
pub(super) fn is_all(range: Option<Inv<PortRange>>) -> bool {
    range.is_none_or(|r| !r.not && r.value == PortRange::ALL)
}

/// Tests both ports; the fact is the port that failed, or both.
///
/// Two single ports with `!` before each are one comparison in iptables-nft: it fails only where both are met.
pub(super) fn test_ports(
    cx: &MatchCx,
    sport: Option<Inv<PortRange>>,
    dport: Option<Inv<PortRange>>,
) -> Option<Test> {
    let (s, d) = cx.skb.packet.ports()?;
    let single =
        |want: Option<Inv<PortRange>>| want.is_some_and(|w| w.not && w.value.0 == w.value.1 && w.value.0 > 0);
    let holds = |want: Option<Inv<PortRange>>, port| want.is_none_or(|w| w.value.contains(port) != w.not);
    if single(sport) && single(dport) {
        return Some(Test::new(holds(sport, s) || holds(dport, d), Fact::Ports(s, d)));
    }
    Some(if !holds(sport, s) {
        Test::new(false, Fact::Port(s))
    } else if !holds(dport, d) {
        Test::new(false, Fact::Port(d))
    } else {
        let found = match (sport, dport) {
            (Some(_), None) => Fact::Port(s),
            (None, Some(_)) => Fact::Port(d),
            (None, None) | (Some(_), Some(_)) => Fact::Ports(s, d),
        };
        Test::new(true, found)
    })
}

impl Ports {
    /// True if iptables-nft makes plain comparisons of it: it asks for something.
    pub(in crate::netfilter) fn is_native(&self) -> bool {
        !is_all(self.sport) || !is_all(self.dport)
    }

    pub(super) fn save(&self, out: &mut SaveOptions) {
        save_ports(out, self.sport, self.dport);
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        if cx.skb.packet.proto() != Proto::UDP {
            return Test::absent(Absent::Header);
        }
        test_ports(cx, self.sport, self.dport).unwrap_or(Test::absent(Absent::Header))
    }
}

/// ` --sport … --dport …`; a range of all ports that is not negated is not printed.
pub(super) fn save_ports(
    out: &mut SaveOptions,
    sport: Option<Inv<PortRange>>,
    dport: Option<Inv<PortRange>>,
) {
    for (name, range) in [("sport", sport), ("dport", dport)] {
        if let Some(range) = range.filter(|r| r.not || r.value != PortRange::ALL) {
            out.option(name, range);
        }
    }
}

impl Ports {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.words("udp");
        print_ports(out, Proto::UDP, self.sport, self.dport);
    }
}

/// ` spt:… dpts:…`, by the names of services unless numbers are asked for.
pub(super) fn print_ports(
    out: &mut Print,
    proto: Proto,
    sport: Option<Inv<PortRange>>,
    dport: Option<Inv<PortRange>>,
) {
    for (name, range) in [("spt", sport), ("dpt", dport)] {
        let Some(Inv { not, value }) = range.filter(|r| r.not || r.value != PortRange::ALL) else { continue };
        let not = Print::not(not);
        let port = |port| out.port(port, Some(proto));
        let text = match value {
            PortRange(low, high) if low == high => format!("{name}:{not}{}", port(low)),
            PortRange(low, high) => format!("{name}s:{not}{}:{}", port(low), port(high)),
        };
        out.words(text);
    }
}
