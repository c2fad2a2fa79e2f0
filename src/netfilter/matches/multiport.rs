//! `-m multiport`: up to 15 ports or port ranges.

use super::super::extension::{Args, BOTH, Build, Extension, Fidelity, Opt};
use super::super::fact::{Absent, Fact, Test};
use super::super::text::SaveOptions;
use super::super::value::{Kind, port};
use super::super::{Inv, Match, RuleError};
use super::MatchCx;
use super::ports::PortRange;

/// A list of ports (iptables-extensions(8), multiport).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multiport {
    /// Which port is looked at.
    pub side: Side,
    /// The list; a packet's port must be in one of the ranges.
    pub ports: Inv<Vec<PortRange>>,
}

/// Which of a packet's ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `--sports`.
    Source,
    /// `--dports`.
    Destination,
    /// `--ports`: either.
    Either,
}

/// A range takes two of the places (`XT_MULTI_PORTS`).
const PLACES: usize = 15;

pub(super) static EXT: Extension = Extension {
    name: "multiport",
    families: BOTH,
    opts: &[
        Opt::new("source-ports", Kind::Text).inv().or("sports"),
        Opt::new("destination-ports", Kind::Text).inv().or("dports"),
        Opt::new("ports", Kind::Text).inv(),
    ],
    build: Build::Match(build),
    fidelity: Fidelity::Modelled,
    tables: &[],
    hooks: &[],
};

fn build(args: &Args) -> Result<Match, RuleError> {
    if !args.bound_proto().is_some_and(|p| p.has_ports()) {
        return Err(args.said("multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'"));
    }
    let given = match args.given {
        [one] => one,
        [] => return Err(args.said("multiport expection an option")),
        _ => {
            return Err(
                args.said("multiport: only one of --source-ports, --destination-ports, --ports is allowed")
            );
        }
    };
    let side = match args.ext.opts[given.opt].name {
        "source-ports" => Side::Source,
        "destination-ports" => Side::Destination,
        _ => Side::Either,
    };
    let mut ports = Vec::new();
    let mut places = 0;
    for text in given.value.text().split(',') {
        let (low, high) = text.split_once(':').unwrap_or((text, text));
        let range = PortRange(port(low, args.bound_proto())?, port(high, args.bound_proto())?);
        places += if text.contains(':') { 2 } else { 1 };
        if range.0 >= range.1 && text.contains(':') {
            return Err(args.said("invalid portrange specified"));
        }
        ports.push(range);
    }
    if places > PLACES {
        return Err(args.said("too many ports specified"));
    }
    Ok(Match::Multiport(Multiport { side, ports: Inv { not: given.not, value: ports } }))
}

impl Multiport {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        let name = match self.side {
            Side::Source => "sports",
            Side::Destination => "dports",
            Side::Either => "ports",
        };
        let list: Vec<_> = self.ports.value.iter().map(PortRange::to_string).collect();
        out.option(name, Inv { not: self.ports.not, value: list.join(",") });
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let Some((sport, dport)) = cx.skb.packet.ports() else { return Test::absent(Absent::Header) };
        let has = |port| self.ports.value.iter().any(|range| range.contains(port));
        let (held, found) = match self.side {
            Side::Source => (has(sport), Fact::Port(sport)),
            Side::Destination => (has(dport), Fact::Port(dport)),
            Side::Either => (has(sport) || has(dport), Fact::Ports(sport, dport)),
        };
        Test::new(held != self.ports.not, found)
    }
}
