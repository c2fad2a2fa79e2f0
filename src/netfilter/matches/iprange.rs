//! `-m iprange`: addresses from one to another.

use super::super::addr::network_number;
use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Fact, Test};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value};
use super::super::{Inv, Match, RuleError};
use super::MatchCx;
use std::net::IpAddr;

/// Lowest and highest address of source and destination (iptables-extensions(8), iprange).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpRange {
    /// `--src-range`.
    pub src: Option<Inv<(IpAddr, IpAddr)>>,
    /// `--dst-range`.
    pub dst: Option<Inv<(IpAddr, IpAddr)>>,
}

pub(super) static EXT: Extension = Extension::a_match(
    "iprange",
    BOTH,
    &[Opt::new("src-range", Kind::Own(read)).inv(), Opt::new("dst-range", Kind::Own(read)).inv()],
    build,
)
.check(|args| {
    if args.given.is_empty() {
        return said("iprange match: You must specify `--src-range' or `--dst-range'");
    }
    Ok(())
});

fn read(text: &str, cx: Cx) -> Result<Value, RuleError> {
    let one = |t: &str| match network_number(t, cx.family) {
        Some(addr) => Ok(addr),
        None => cx.bad_value(t),
    };
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    Ok(Value::Hosts(one(low)?, one(high)?))
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let range = |name| {
        args.get(name).and_then(|a| match a.value {
            Value::Hosts(low, high) => Some(Inv { not: a.not, value: (low, high) }),
            _ => None,
        })
    };
    Ok(Match::IpRange(Box::new(IpRange { src: range("src-range"), dst: range("dst-range") })))
}

impl IpRange {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        for (name, range) in [("src-range", self.src), ("dst-range", self.dst)] {
            if let Some(Inv { not, value: (low, high) }) = range {
                out.option(name, Inv { not, value: format_args!("{low}-{high}") });
            }
        }
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let packet = &cx.skb.packet;
        let mut answer = Test::new(true, Fact::Nothing);
        for (want, addr) in [(self.src, packet.src), (self.dst, packet.dst)] {
            let Some(Inv { not, value: (low, high) }) = want else { continue };
            answer = Test::new((low..=high).contains(&addr) != not, Fact::Addr(addr));
            if answer.held == false.into() {
                return answer;
            }
        }
        answer
    }
}

impl IpRange {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        for (side, range) in [("source", self.src), ("destination", self.dst)] {
            if let Some(Inv { not, value: (low, high) }) = range {
                let not = if not { " !" } else { "" };
                out.words(format_args!("{side} IP range{not} {low}-{high}"));
            }
        }
    }
}
