//! `-m icmp` and `-m icmp6`: type and code.

use super::super::extension::{Args, Build, Extension, Fidelity, Opt, V4, V6};
use super::super::fact::{Absent, Fact, Test};
use super::super::text::SaveOptions;
use super::super::value::{Kind, number};
use super::super::{Inv, Match, RuleError};
use super::MatchCx;
use crate::packet::{IcmpNamed, Proto, icmp_names};
use std::fmt;

/// The type and codes that an ICMP message must have (iptables-extensions(8), icmp and icmp6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IcmpMatch {
    /// ICMP, or ICMPv6.
    pub v4: bool,
    /// `--icmp-type` or `--icmpv6-type`.
    pub kind: Inv<IcmpKind>,
}

/// A type, or any, with the codes that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpKind {
    /// The type; `None` for `any`.
    pub ty: Option<u8>,
    /// Lowest and highest code.
    pub codes: (u8, u8),
}

pub(super) static ICMP: Extension = Extension {
    name: "icmp",
    families: V4,
    opts: &[Opt::new("icmp-type", Kind::Text).inv()],
    build: Build::Match(|args| build(args, true)),
    fidelity: Fidelity::Modelled,
    tables: &[],
    hooks: &[],
};

pub(super) static ICMP6: Extension = Extension {
    name: "icmp6",
    families: V6,
    opts: &[Opt::new("icmpv6-type", Kind::Text).inv().req()],
    build: Build::Match(|args| build(args, false)),
    fidelity: Fidelity::Modelled,
    tables: &[],
    hooks: &[],
};

/// Any type.
const ANY: IcmpKind = IcmpKind { ty: None, codes: (0, 255) };

fn build(args: &Args, v4: bool) -> Result<Match, RuleError> {
    let (option, proto, name) =
        if v4 { ("icmp-type", Proto::ICMP, "icmp") } else { ("icmpv6-type", Proto::ICMPV6, "ipv6-icmp") };
    if args.bound_proto() != Some(proto) {
        let upper = if v4 { "ICMP" } else { "ICMPv6" };
        return Err(args.said(format!("{upper} match requires '-p {name}'")));
    }
    let kind = match args.get(option) {
        None => Inv::yes(ANY),
        Some(given) => Inv { not: given.not, value: parse(args, given.value.text(), v4)? },
    };
    Ok(Match::Icmp(IcmpMatch { v4, kind }))
}

/// A name, the unique beginning of one, or `TYPE[/CODE]`.
fn parse(args: &Args, text: &str, v4: bool) -> Result<IcmpKind, RuleError> {
    let family = if v4 { "ICMP" } else { "ICMPv6" };
    let lower = text.to_ascii_lowercase();
    let names = icmp_names(v4);
    let begins = |n: &&IcmpNamed| n.name.to_ascii_lowercase().starts_with(&lower);
    let exact = names.iter().find(|n| n.name.eq_ignore_ascii_case(text));
    let mut close = names.iter().filter(begins);
    let found = match (exact, close.next(), close.next()) {
        (Some(exact), _, _) => Some(exact),
        (None, Some(only), None) => Some(only),
        (None, Some(one), Some(two)) => {
            let message = format!("Ambiguous {family} type `{text}': `{}' or `{}'?", one.name, two.name);
            return Err(args.said(message));
        }
        (None, None, _) => None,
    };
    if let Some(found) = found {
        let ty = (!(v4 && found.ty == 255)).then_some(found.ty);
        return Ok(IcmpKind { ty, codes: found.codes });
    }
    let (ty, code) = match text.split_once('/') {
        Some((ty, code)) => (ty, Some(code)),
        None => (text, None),
    };
    let read = |t: &str| number(t).and_then(|n| u8::try_from(n).ok());
    let Some(ty) = read(ty) else {
        let what = if v4 { "Invalid ICMP type" } else { "Invalid ICMPv6 type" };
        return Err(args.said(format!("{what} `{ty}'\n")));
    };
    let codes = match code {
        None => (0, 255),
        Some(code) => match read(code) {
            Some(code) => (code, code),
            None => return Err(args.said(format!("Invalid {family} code `{code}'\n"))),
        },
    };
    Ok(IcmpKind { ty: (!(v4 && ty == 255)).then_some(ty), codes })
}

impl fmt::Display for IcmpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.ty, self.codes) {
            (None, _) => f.write_str("any"),
            (Some(ty), (0, 255)) => write!(f, "{ty}"),
            (Some(ty), (low, high)) if low == high => write!(f, "{ty}/{low}"),
            (Some(ty), (low, high)) => write!(f, "{ty}/{low}-{high}"),
        }
    }
}

impl IcmpMatch {
    pub(super) fn name(&self) -> &'static str {
        if self.v4 { "icmp" } else { "icmp6" }
    }

    pub(super) fn save(&self, out: &mut SaveOptions) {
        let option = if self.v4 { "icmp-type" } else { "icmpv6-type" };
        out.option(option, self.kind);
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let packet = &cx.skb.packet;
        let Some(icmp) = packet.icmp().filter(|_| packet.src.is_ipv4() == self.v4) else {
            return Test::absent(Absent::Header);
        };
        let want = self.kind.value;
        let held = want.ty.is_none_or(|ty| ty == icmp.kind.ty)
            && (want.ty.is_none() || (want.codes.0..=want.codes.1).contains(&icmp.kind.code));
        Test::new(held != self.kind.not, Fact::Icmp(icmp.kind))
    }
}
