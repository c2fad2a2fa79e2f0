//! `-m icmp` and `-m icmp6`: a message's type and code.

use super::super::extension::{Args, Extension, Opt, V4, V6, said};
use super::super::fact::{Absent, Fact, Test};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value, leading_number};
use super::super::{Family, Inv, Match, RuleError};
use super::MatchCx;
use crate::packet::{Proto, Transport, icmp_names};
use std::fmt;

/// An ICMP type with its codes (iptables-extensions(8), icmp and icmp6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpMatch {
    /// ICMP or ICMPv6.
    pub family: Family,
    /// What is asked for.
    pub kind: Inv<IcmpCodes>,
}

/// A type, with its lowest and highest code. Type 255 of ICMP is any message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpCodes {
    /// The type.
    pub ty: u8,
    /// Lowest code.
    pub low: u8,
    /// Highest code.
    pub high: u8,
}

pub(super) static EXT: Extension =
    Extension::a_match("icmp", V4, &[Opt::new("icmp-type", Kind::Own(read)).inv().req()], build)
        .protos(&[Proto::ICMP]);
pub(super) static EXT6: Extension =
    Extension::a_match("icmp6", V6, &[Opt::new("icmpv6-type", Kind::Own(read)).inv().req()], build)
        .protos(&[Proto::ICMPV6]);

/// Reads a name or an unambiguous beginning of one, a number, or `TYPE/CODE`.
fn read(text: &str, cx: Cx) -> Result<Value, RuleError> {
    let v4 = cx.family.is_v4();
    let protocol = if v4 { "ICMP" } else { "ICMPv6" };
    let begins = |name: &str| name.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
    // The names of MLD messages are newer than 1.8.9.
    let mut named = icmp_names(v4).iter().filter(|n| begins(n.name) && !n.name.starts_with("mld-"));
    let found = match (named.next(), named.next()) {
        (Some(one), Some(other)) => {
            return said(format!("Ambiguous {protocol} type `{text}': `{}' or `{}'?", one.name, other.name));
        }
        (Some(one), None) => (one.ty, one.codes.0, one.codes.1),
        (None, _) => number(text, protocol)?,
    };
    Ok(Value::Number(u64::from(found.0) << 16 | u64::from(found.1) << 8 | u64::from(found.2)))
}

/// Reads `TYPE` or `TYPE/CODE`: the type, and its lowest and highest code.
fn number(text: &str, protocol: &str) -> Result<(u8, u8, u8), RuleError> {
    let byte = |t| leading_number(t).and_then(|(n, rest)| Some((u8::try_from(n).ok()?, rest)));
    let Some((ty, mut rest)) = byte(text) else { return said(format!("Unknown {protocol} type `{text}'")) };
    let mut codes = (0, 255);
    if let Some(code) = rest.strip_prefix('/') {
        let Some((code, after)) = byte(code) else {
            return said(format!("Unknown {protocol} code `{text}'"));
        };
        codes = (code, code);
        rest = after;
    }
    match rest.chars().next() {
        None => Ok((ty, codes.0, codes.1)),
        Some(':') => said(format!("{protocol} type range not supported")),
        Some(c) => said(format!("unknown character {c}")),
    }
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let option = args.ext.opts[0].name;
    let kind = args.map(option, |v| {
        let [.., ty, low, high] = v.number().to_be_bytes();
        IcmpCodes { ty, low, high }
    });
    let kind = kind.unwrap_or(Inv::yes(IcmpCodes { ty: 255, low: 0, high: 255 }));
    Ok(Match::Icmp(IcmpMatch { family: args.family, kind }))
}

/// Any ICMP message.
const ANY: u8 = 255;

impl fmt::Display for IcmpCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ty.fmt(f)?;
        if self.low == self.high { write!(f, "/{}", self.low) } else { Ok(()) }
    }
}

impl IcmpMatch {
    pub(super) fn name(&self) -> &'static str {
        if self.family.is_v4() { "icmp" } else { "icmp6" }
    }

    pub(super) fn save(&self, out: &mut SaveOptions) {
        match self.family {
            Family::Ip if self.kind.value.ty == ANY => {
                out.option("icmp-type", Inv { not: self.kind.not, value: "any" });
            }
            Family::Ip => out.option("icmp-type", self.kind),
            Family::Ip6 => out.option("icmpv6-type", self.kind),
        }
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let packet = &cx.skb.packet;
        let Transport::Icmp(icmp) = &packet.transport else { return Test::absent(Absent::Header) };
        if packet.is_later_fragment() {
            return Test::absent(Absent::Header);
        }
        let IcmpCodes { ty, low, high } = self.kind.value;
        let any = self.family.is_v4() && ty == ANY;
        let held = any || (ty == icmp.kind.ty && (low..=high).contains(&icmp.kind.code));
        Test::new(held != self.kind.not, Fact::Icmp(icmp.kind))
    }
}

impl IcmpMatch {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        let Inv { not, value: IcmpCodes { ty, low, high } } = self.kind;
        let v4 = self.family.is_v4();
        out.words(if v4 { "icmp" } else { "ipv6-icmp" });
        let mut names = icmp_names(v4).iter().filter(|n| !n.name.starts_with("mld-"));
        let name = names.find(|n| n.ty == ty && n.codes == (low, high)).map(|n| n.name);
        let name = if v4 && ty == ANY { Some("any") } else { name };
        if let Some(name) = name.filter(|_| !out.numeric) {
            return out.words(format_args!("{}{name}", Print::not(not)));
        }
        if not {
            out.words("!");
        }
        out.bare(format_args!("type {ty}"));
        if low == high {
            out.words(format_args!("code {low}"));
        } else if (low, high) != (0, 255) {
            out.words(format_args!("codes {low}-{high}"));
        }
    }
}
