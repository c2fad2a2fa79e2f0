//! `-m iprange`: addresses from one to another.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Fact, Test};
use super::super::text::SaveOptions;
use super::super::value::Kind;
use super::super::{Family, Inv, Match, RuleError};
use super::MatchCx;
use std::fmt;
use std::net::IpAddr;

/// Ranges of addresses (iptables-extensions(8), iprange).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpRangeMatch {
    /// `--src-range`.
    pub src: Option<Inv<AddrRange>>,
    /// `--dst-range`.
    pub dst: Option<Inv<AddrRange>>,
}

/// Lowest and highest address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddrRange(pub IpAddr, pub IpAddr);

impl fmt::Display for AddrRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

pub(super) static EXT: Extension = Extension::a_match(
    "iprange",
    BOTH,
    &[Opt::new("src-range", Kind::Text).inv(), Opt::new("dst-range", Kind::Text).inv()],
    build,
);

fn build(args: &Args) -> Result<Match, RuleError> {
    let range = |name: &'static str| match args.get(name) {
        None => Ok(None),
        Some(given) => Ok(Some(Inv { not: given.not, value: parse(args, name, given.value.text())? })),
    };
    let (src, dst) = (range("src-range")?, range("dst-range")?);
    if src.is_none() && dst.is_none() {
        return said("iprange match: You must specify `--src-range' or `--dst-range'");
    }
    Ok(Match::IpRange(IpRangeMatch { src, dst }))
}

fn parse(args: &Args, name: &'static str, text: &str) -> Result<AddrRange, RuleError> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let read = |t: &str| t.parse::<IpAddr>().ok().filter(|a| Family::of(*a) == args.family);
    let bad = || RuleError::Said(format!("iprange: Bad value for \"--{name}\" option: \"{text}\"\n"));
    let (low, high) = (read(low).ok_or_else(bad)?, read(high).ok_or_else(bad)?);
    if low > high {
        return said(format!("iprange: range {low}-{high} is reversed and will never match"));
    }
    Ok(AddrRange(low, high))
}

impl IpRangeMatch {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        for (name, range) in [("src-range", self.src), ("dst-range", self.dst)] {
            if let Some(range) = range {
                out.option(name, range);
            }
        }
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let packet = &cx.skb.packet;
        let mut found = Fact::Nothing;
        for (want, addr) in [(self.src, packet.src), (self.dst, packet.dst)] {
            let Some(want) = want else { continue };
            found = Fact::Addr(addr);
            if (want.value.0..=want.value.1).contains(&addr) == want.not {
                return Test::new(false, found);
            }
        }
        Test::new(true, found)
    }
}
