//! `-m udp` and `-m udplite`: source and destination port.

use super::super::extension::{Args, BOTH, Build, Extension, Fidelity, Opt};
use super::super::fact::{Absent, Fact, Test};
use super::super::text::SaveOptions;
use super::super::value::{Kind, Value};
use super::super::{Inv, Match, RuleError};
use super::MatchCx;
use crate::packet::Proto;
use std::fmt;

/// Two port ranges that a packet's ports must lie in (iptables-extensions(8), udp).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports {
    /// UDP or UDP-Lite.
    pub proto: Proto,
    /// `--sport`.
    pub sport: Option<Inv<PortRange>>,
    /// `--dport`.
    pub dport: Option<Inv<PortRange>>,
}

/// Lowest and highest port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortRange(pub u16, pub u16);

impl PortRange {
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

/// The two options that every protocol with ports has.
pub(super) const SPORT: Opt = Opt::new("sport", Kind::PortRange).inv().or("source-port");
pub(super) const DPORT: Opt = Opt::new("dport", Kind::PortRange).inv().or("destination-port");

pub(super) static UDP: Extension = Extension {
    name: "udp",
    families: BOTH,
    opts: &[SPORT, DPORT],
    build: Build::Match(|args| build(args, Proto::UDP)),
    fidelity: Fidelity::Modelled,
    tables: &[],
    hooks: &[],
};

pub(super) static UDPLITE: Extension = Extension {
    name: "udplite",
    families: BOTH,
    opts: &[SPORT, DPORT],
    build: Build::Match(|args| build(args, Proto::UDPLITE)),
    fidelity: Fidelity::Modelled,
    tables: &[],
    hooks: &[],
};

fn build(args: &Args, proto: Proto) -> Result<Match, RuleError> {
    if args.bound_proto() != Some(proto) {
        return Err(args.said(format!(
            "{} match requires '-p {}'",
            args.ext.name.to_ascii_uppercase(),
            args.ext.name
        )));
    }
    let sport = args.map("sport", PortRange::of);
    let dport = args.map("dport", PortRange::of);
    Ok(Match::Ports(Ports { proto, sport, dport }))
}

/// Tests both ports; the fact is the port that failed, or both.
pub(super) fn test_ports(
    cx: &MatchCx,
    sport: Option<Inv<PortRange>>,
    dport: Option<Inv<PortRange>>,
) -> Option<Test> {
    let (s, d) = cx.skb.packet.ports()?;
    let holds = |want: Option<Inv<PortRange>>, port| want.is_none_or(|w| w.value.contains(port) != w.not);
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
    pub(super) fn name(&self) -> &'static str {
        if self.proto == Proto::UDPLITE { "udplite" } else { "udp" }
    }

    pub(super) fn save(&self, out: &mut SaveOptions) {
        save_ports(out, self.sport, self.dport);
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        if cx.skb.packet.proto() != self.proto {
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
        if let Some(range) = range.filter(|r| r.not || r.value != PortRange(0, u16::MAX)) {
            out.option(name, range);
        }
    }
}
