//! `-m addrtype`: what kind of address it is to this host.

use super::super::env::AddrType;
use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Fact, NotTold, Test};
use super::super::skb::OutDev;
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value};
use super::super::{Hook, Inv, Match, RuleError};
use super::MatchCx;
use crate::abi::IfName;
use std::net::IpAddr;

/// Kinds of addresses that source and destination must have (iptables-extensions(8), addrtype).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddrTypeMatch {
    /// `--src-type`.
    pub src: Option<Inv<AddrTypes>>,
    /// `--dst-type`.
    pub dst: Option<Inv<AddrTypes>>,
    /// Only this interface's own addresses are local.
    pub limit: Option<IfaceLimit>,
}

/// A set of kinds: a bit for each name of [`NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddrTypes(pub u16);

/// Which interface the question is limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfaceLimit {
    /// `--limit-iface-in`.
    In,
    /// `--limit-iface-out`.
    Out,
}

/// The kinds' names, in the order in which iptables prints them.
pub const NAMES: [&str; 12] = [
    "UNSPEC",
    "UNICAST",
    "LOCAL",
    "BROADCAST",
    "ANYCAST",
    "MULTICAST",
    "BLACKHOLE",
    "UNREACHABLE",
    "PROHIBIT",
    "THROW",
    "NAT",
    "XRESOLVE",
];

/// The kinds that the kernel does not know of IPv6 addresses: BROADCAST, BLACKHOLE, and PROHIBIT and after.
const NOT_V6: u16 = 0b1111_0100_1000;

pub(super) static EXT: Extension = Extension::a_match(
    "addrtype",
    BOTH,
    &[
        Opt::new("src-type", Kind::Own(read)).inv(),
        Opt::new("dst-type", Kind::Own(read)).inv(),
        Opt::flag("limit-iface-in").not_with(&["limit-iface-out"]),
        Opt::flag("limit-iface-out").not_with(&["limit-iface-in"]),
    ],
    build,
)
.check(|args| {
    if args.has("src-type") || args.has("dst-type") {
        return Ok(());
    }
    said("addrtype: you must specify --src-type or --dst-type")
});

fn read(text: &str, _: Cx) -> Result<Value, RuleError> {
    let mut bits = 0;
    let mut rest = Some(text);
    while let Some(list) = rest {
        let (word, more) = match list.split_once(',') {
            Some((word, more)) => (word, Some(more)),
            None => (list, None),
        };
        let begins = |n: &str| n.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        match NAMES.iter().position(|n| begins(n)).filter(|_| !word.is_empty()) {
            Some(place) => bits |= 1 << place,
            None if more.is_some() => return said(format!("addrtype: bad type `{list}'")),
            None => return said(format!("addrtype: bad type \"{list}\"")),
        }
        rest = more;
    }
    Ok(Value::Number(bits))
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let types = |name| args.map(name, |v| AddrTypes(v.number() as u16));
    let limit = if args.has("limit-iface-in") {
        Some(IfaceLimit::In)
    } else {
        args.has("limit-iface-out").then_some(IfaceLimit::Out)
    };
    Ok(Match::AddrType(AddrTypeMatch { src: types("src-type"), dst: types("dst-type"), limit }))
}

impl AddrTypes {
    /// True if the kind is among them.
    pub fn has(self, kind: AddrType) -> bool {
        self.0 & 1 << place(kind) != 0
    }

    fn names(self) -> String {
        let set = NAMES.iter().enumerate().filter(|(place, _)| self.0 & 1 << place != 0);
        set.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
    }

    /// Whether an address is one of them to the kernel; `None` where the host's routes do not tell.
    fn holds(self, addr: IpAddr, on: Option<&IfName>, cx: &MatchCx) -> Option<(bool, Fact)> {
        let kind = cx.env.addr_type(addr, on);
        if addr.is_ipv4() {
            let kind = kind?;
            return Some((self.has(kind), Fact::AddrType(kind)));
        }
        // IPv6 asks all that is named, and the routes only for what they alone know (`match_type6`).
        let fact = kind.map_or(Fact::Addr(addr), Fact::AddrType);
        let unicast = !addr.is_multicast() && !addr.is_unspecified();
        let wrong = |kind, is: bool| self.has(kind) && !is;
        if wrong(AddrType::Multicast, addr.is_multicast())
            || wrong(AddrType::Unicast, unicast)
            || wrong(AddrType::Unspec, addr.is_unspecified())
        {
            return Some((false, fact));
        }
        let routed = [AddrType::Local, AddrType::Anycast, AddrType::Unreachable];
        if routed.iter().any(|k| self.has(*k)) {
            let kind = kind?;
            return Some((routed.contains(&kind) && self.has(kind), fact));
        }
        Some((true, fact))
    }
}

fn place(kind: AddrType) -> usize {
    match kind {
        AddrType::Unspec => 0,
        AddrType::Unicast => 1,
        AddrType::Local => 2,
        AddrType::Broadcast => 3,
        AddrType::Anycast => 4,
        AddrType::Multicast => 5,
        AddrType::Blackhole => 6,
        AddrType::Unreachable => 7,
        AddrType::Prohibit => 8,
    }
}

impl AddrTypeMatch {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        for (name, types) in [("src-type", self.src), ("dst-type", self.dst)] {
            if let Some(types) = types {
                out.option(name, Inv { not: types.not, value: types.value.names() });
            }
        }
        match self.limit {
            Some(IfaceLimit::In) => out.flag("limit-iface-in"),
            Some(IfaceLimit::Out) => out.flag("limit-iface-out"),
            None => {}
        }
    }

    /// True if the kernel refuses it for IPv6.
    pub(super) fn is_not_v6(&self) -> bool {
        [self.src, self.dst].into_iter().flatten().any(|t| t.value.0 & NOT_V6 != 0)
    }

    /// The base chains from which the kernel takes it.
    pub(super) fn base_hooks(&self) -> &'static [Hook] {
        match self.limit {
            Some(IfaceLimit::In) => &[Hook::Prerouting, Hook::Input, Hook::Forward],
            Some(IfaceLimit::Out) => &[Hook::Forward, Hook::Output, Hook::Postrouting],
            None => &[],
        }
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let on = match (self.limit, &cx.skb.oif) {
            (None, _) => None,
            (Some(IfaceLimit::In), _) => cx.skb.iif.as_ref(),
            (Some(IfaceLimit::Out), OutDev::Named(name)) => Some(name),
            (Some(IfaceLimit::Out), OutDev::None) => None,
            (Some(IfaceLimit::Out), OutDev::Unknown) => return Test::not_told(NotTold::OutInterface),
        };
        let packet = &cx.skb.packet;
        let mut answer = Test::new(true, Fact::Nothing);
        for (want, addr) in [(self.src, packet.src), (self.dst, packet.dst)] {
            let Some(want) = want else { continue };
            let Some((held, found)) = want.value.holds(addr, on, cx) else {
                return Test::not_told(NotTold::AddrType);
            };
            if held == want.not {
                return Test::new(false, found);
            }
            answer.found = found;
        }
        answer
    }
}

impl AddrTypeMatch {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.words("ADDRTYPE match");
        for (side, types) in [("src", self.src), ("dst", self.dst)] {
            if let Some(types) = types {
                out.words(format_args!("{side}-type {}{}", Print::not(types.not), types.value.names()));
            }
        }
        match self.limit {
            Some(IfaceLimit::In) => out.words("limit-in"),
            Some(IfaceLimit::Out) => out.words("limit-out"),
            None => {}
        }
    }
}
