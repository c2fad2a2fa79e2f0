//! `-m addrtype`: what kind of address it is to this host.

use super::super::env::AddrType;
use super::super::extension::{Args, BOTH, Build, Extension, Fidelity, Opt};
use super::super::fact::{Fact, NotTold, Test};
use super::super::text::SaveOptions;
use super::super::value::Kind;
use super::super::{Hook, Inv, Match, OutDev, RuleError, Ternary};
use super::MatchCx;

/// Kinds of addresses (iptables-extensions(8), addrtype).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddrTypeMatch {
    /// `--src-type`.
    pub src: Option<Inv<Vec<AddrType>>>,
    /// `--dst-type`.
    pub dst: Option<Inv<Vec<AddrType>>>,
    /// `--limit-iface-in`, `--limit-iface-out`: only that interface's addresses are local.
    pub limit: Option<Limit>,
}

/// Which interface's addresses count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The one that the packet came in by.
    In,
    /// The one that it leaves by.
    Out,
}

pub(super) static EXT: Extension = Extension {
    name: "addrtype",
    families: BOTH,
    opts: &[
        Opt::new("src-type", Kind::Text).inv(),
        Opt::new("dst-type", Kind::Text).inv(),
        Opt::new("limit-iface-in", Kind::None),
        Opt::new("limit-iface-out", Kind::None),
    ],
    build: Build::Match(build),
    fidelity: Fidelity::Modelled,
    tables: &[],
    hooks: &[],
};

/// The order in which iptables prints the kinds.
const ORDER: [AddrType; 9] = [
    AddrType::Unspec,
    AddrType::Unicast,
    AddrType::Local,
    AddrType::Broadcast,
    AddrType::Anycast,
    AddrType::Multicast,
    AddrType::Blackhole,
    AddrType::Unreachable,
    AddrType::Prohibit,
];

fn build(args: &Args) -> Result<Match, RuleError> {
    let kinds = |name: &str| match args.get(name) {
        None => Ok(None),
        Some(given) => Ok(Some(Inv { not: given.not, value: parse(args, given.value.text())? })),
    };
    let (src, dst) = (kinds("src-type")?, kinds("dst-type")?);
    if src.is_none() && dst.is_none() {
        return Err(args.said("addrtype: you must specify --src-type or --dst-type"));
    }
    let limit = match (args.has("limit-iface-in"), args.has("limit-iface-out")) {
        (true, true) => {
            return Err(
                args.said("addrtype: both incoming and outgoing interface limitation cannot be selected")
            );
        }
        (true, false) => Some(Limit::In),
        (false, true) => Some(Limit::Out),
        (false, false) => None,
    };
    Ok(Match::AddrType(AddrTypeMatch { src, dst, limit }))
}

fn parse(args: &Args, text: &str) -> Result<Vec<AddrType>, RuleError> {
    let mut kinds = Vec::new();
    for name in text.split(',') {
        match ORDER.into_iter().find(|k| k.to_string().eq_ignore_ascii_case(name)) {
            Some(kind) => kinds.push(kind),
            None => return Err(args.said(format!("addrtype: bad type `{name}'"))),
        }
    }
    kinds.sort_by_key(|k| ORDER.iter().position(|o| o == k));
    kinds.dedup();
    Ok(kinds)
}

impl AddrTypeMatch {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        for (name, kinds) in [("src-type", &self.src), ("dst-type", &self.dst)] {
            if let Some(kinds) = kinds {
                let names: Vec<_> = kinds.value.iter().map(AddrType::to_string).collect();
                out.option(name, Inv { not: kinds.not, value: names.join(",") });
            }
        }
        match self.limit {
            Some(Limit::In) => out.flag("limit-iface-in"),
            Some(Limit::Out) => out.flag("limit-iface-out"),
            None => {}
        }
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let on = match self.limit {
            None => None,
            Some(Limit::In) => cx.skb.iif.as_ref(),
            Some(Limit::Out) => match &cx.skb.oif {
                OutDev::Named(name) if cx.hook != Hook::Prerouting => Some(name),
                OutDev::Unknown => return Test::not_told(NotTold::OutInterface),
                OutDev::Named(_) | OutDev::None => None,
            },
        };
        let packet = &cx.skb.packet;
        let mut last = Test::new(true, Fact::Nothing);
        for (want, addr) in [(&self.src, packet.src), (&self.dst, packet.dst)] {
            let Some(want) = want else { continue };
            let Some(kind) = cx.env.addr_type(addr, on) else { return Test::not_told(NotTold::AddrType) };
            last = Test::new(want.value.contains(&kind) != want.not, Fact::AddrType(kind));
            if last.held == Ternary::No {
                break;
            }
        }
        last
    }
}
