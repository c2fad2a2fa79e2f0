//! Matches that compare one field of the packet: `length`, `ttl`, `hl`, `tos`, `dscp`, `tcpmss`.

use super::super::extension::{Args, BOTH, Extension, Opt, V4, V6, said};
use super::super::fact::{Absent, Fact, Test};
use super::super::text::{Print, SaveOptions};
use super::super::tos::{read_class, read_tos, service_name};
use super::super::value::{Cx, Kind, Value, read};
use super::super::{Family, Inv, Match, RuleError};
use super::MatchCx;
use crate::packet::Proto;

/// One field and what it must be (iptables-extensions(8): length, ttl, hl, tos, dscp, tcpmss).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderMatch {
    /// `-m length`: the packet's bytes, lowest and highest.
    Length(Inv<(u16, u16)>),
    /// `-m ttl`, or `-m hl` for IPv6.
    Ttl(Family, TtlTest),
    /// `-m tos`: value and mask.
    Tos(Inv<(u8, u8)>),
    /// `-m dscp`: the upper six bits of the byte.
    Dscp(Inv<u8>),
    /// `-m tcpmss`: the segment size that a SYN offers, lowest and highest.
    TcpMss(Inv<(u16, u16)>),
}

/// How a TTL is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TtlTest {
    /// `--ttl-eq`.
    Is(Inv<u8>),
    /// `--ttl-lt`.
    Below(u8),
    /// `--ttl-gt`.
    Above(u8),
}

pub(super) static LENGTH: Extension = Extension::a_match(
    "length",
    BOTH,
    &[Opt::new("length", Kind::Range(u16::MAX as u64)).inv().req()],
    |args| Ok(Match::Header(HeaderMatch::Length(range(args, "length")))),
);
pub(super) static TCPMSS: Extension =
    Extension::a_match("tcpmss", BOTH, &[Opt::new("mss", Kind::Own(read_mss)).inv().req()], |args| {
        Ok(Match::Header(HeaderMatch::TcpMss(range(args, "mss"))))
    })
    .protos(&[Proto::TCP]);
pub(super) static TOS: Extension =
    Extension::a_match("tos", BOTH, &[Opt::new("tos", Kind::Own(read_tos)).inv().req()], |args| {
        let tos = args.mark("tos").unwrap_or(Inv::yes((0, 0)));
        let value = (tos.value.0 as u8, tos.value.1 as u8);
        Ok(Match::Header(HeaderMatch::Tos(Inv { not: tos.not, value })))
    });
pub(super) static DSCP: Extension = Extension::a_match(
    "dscp",
    BOTH,
    &[
        Opt::new("dscp", Kind::Number(0, 63)).inv().not_with(&["dscp-class"]),
        Opt::new("dscp-class", Kind::Own(read_class)).inv().not_with(&["dscp"]),
    ],
    |args| {
        let given = args.given.last();
        let (not, n) = given.map_or((false, 0), |a| (a.not, a.value.number()));
        Ok(Match::Header(HeaderMatch::Dscp(Inv { not, value: n as u8 })))
    },
)
.check(|args| if args.given.is_empty() { said("DSCP match: Parameter --dscp is required") } else { Ok(()) });
pub(super) static TTL: Extension = Extension::a_match(
    "ttl",
    V4,
    &[
        Opt::new("ttl-lt", Kind::Number(0, 255)).not_with(&["ttl-gt", "ttl-eq"]),
        Opt::new("ttl-gt", Kind::Number(0, 255)).not_with(&["ttl-lt", "ttl-eq"]),
        Opt::new("ttl-eq", Kind::Number(0, 255)).inv().or(&["ttl"]).not_with(&["ttl-lt", "ttl-gt"]),
    ],
    build_ttl,
)
.check(|args| {
    if args.given.is_empty() {
        return said("TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt");
    }
    Ok(())
});
pub(super) static HL: Extension = Extension::a_match(
    "hl",
    V6,
    &[
        Opt::new("hl-lt", Kind::Number(0, 255)).not_with(&["hl-gt", "hl-eq"]),
        Opt::new("hl-gt", Kind::Number(0, 255)).not_with(&["hl-lt", "hl-eq"]),
        Opt::new("hl-eq", Kind::Number(0, 255)).inv().or(&["hl"]).not_with(&["hl-lt", "hl-gt"]),
    ],
    build_ttl,
)
.check(|args| {
    if args.given.is_empty() {
        return said("HL match: You must specify one of `--hl-eq', `--hl-lt', `--hl-gt'");
    }
    Ok(())
});

fn read_mss(text: &str, cx: Cx) -> Result<Value, RuleError> {
    let value = read(Kind::Range(u16::MAX.into()), text, cx)?;
    let (low, high) = value.range();
    if low > high { said("tcpmss: invalid range given") } else { Ok(value) }
}

fn range(args: &Args, name: &str) -> Inv<(u16, u16)> {
    let range = args.map(name, |v| (v.range().0 as u16, v.range().1 as u16));
    range.unwrap_or(Inv::yes((0, u16::MAX)))
}

fn build_ttl(args: &Args) -> Result<Match, RuleError> {
    let given = args.given.last();
    let (not, n) = given.map_or((false, 0), |a| (a.not, a.value.number() as u8));
    let test = match given.map_or("", |a| args.name_of(a)) {
        "ttl-lt" | "hl-lt" => TtlTest::Below(n),
        "ttl-gt" | "hl-gt" => TtlTest::Above(n),
        _ => TtlTest::Is(Inv { not, value: n }),
    };
    Ok(Match::Header(HeaderMatch::Ttl(args.family, test)))
}

impl HeaderMatch {
    pub(super) fn name(&self) -> &'static str {
        match self {
            HeaderMatch::Length(_) => "length",
            HeaderMatch::Ttl(Family::Ip, _) => "ttl",
            HeaderMatch::Ttl(Family::Ip6, _) => "hl",
            HeaderMatch::Tos(_) => "tos",
            HeaderMatch::Dscp(_) => "dscp",
            HeaderMatch::TcpMss(_) => "tcpmss",
        }
    }

    pub(super) fn save(&self, out: &mut SaveOptions) {
        let span = |range: Inv<(u16, u16)>| {
            let (low, high) = range.value;
            let text = if low == high { low.to_string() } else { format!("{low}:{high}") };
            Inv { not: range.not, value: text }
        };
        match *self {
            HeaderMatch::Length(range) => out.option("length", span(range)),
            HeaderMatch::TcpMss(range) => out.option("mss", span(range)),
            HeaderMatch::Tos(Inv { not, value: (value, mask) }) => {
                out.option("tos", Inv { not, value: format_args!("0x{value:02x}/0x{mask:02x}") });
            }
            HeaderMatch::Dscp(Inv { not, value }) => {
                out.option("dscp", Inv { not, value: format_args!("0x{value:02x}") });
            }
            HeaderMatch::Ttl(family, test) => {
                let [eq, lt, gt] = match family {
                    Family::Ip => ["ttl-eq", "ttl-lt", "ttl-gt"],
                    Family::Ip6 => ["hl-eq", "hl-lt", "hl-gt"],
                };
                match test {
                    TtlTest::Is(n) => out.option(eq, n),
                    TtlTest::Below(n) => out.value(lt, n),
                    TtlTest::Above(n) => out.value(gt, n),
                }
            }
        }
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let packet = &cx.skb.packet;
        let within = |range: (u16, u16), n: u32| (u32::from(range.0)..=u32::from(range.1)).contains(&n);
        match *self {
            HeaderMatch::Length(want) => {
                // IPv6's length is the payload's with the header's 40 bytes.
                let len = packet.len();
                Test::new(within(want.value, len) != want.not, Fact::Number(len.into()))
            }
            HeaderMatch::Ttl(_, test) => {
                let held = match test {
                    TtlTest::Is(want) => (packet.ttl == want.value) != want.not,
                    TtlTest::Below(n) => packet.ttl < n,
                    TtlTest::Above(n) => packet.ttl > n,
                };
                Test::new(held, Fact::Number(packet.ttl.into()))
            }
            HeaderMatch::Tos(Inv { not, value: (value, mask) }) => {
                Test::new((packet.tos & mask == value) != not, Fact::Number(packet.tos.into()))
            }
            HeaderMatch::Dscp(want) => {
                let dscp = packet.tos >> 2;
                Test::new((dscp == want.value) != want.not, Fact::Number(dscp.into()))
            }
            HeaderMatch::TcpMss(want) => match packet.tcp().map(|tcp| tcp.options.mss()) {
                None => Test::absent(Absent::Header),
                // Without the option only the negated form holds.
                Some(None) => Test::new(want.not, Fact::Absent(Absent::TcpOption)),
                Some(Some(mss)) => {
                    Test::new(within(want.value, mss.into()) != want.not, Fact::Number(mss.into()))
                }
            },
        }
    }
}

impl HeaderMatch {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        let span = |(low, high): (u16, u16)| match low == high {
            true => low.to_string(),
            false => format!("{low}:{high}"),
        };
        match *self {
            HeaderMatch::Length(Inv { not, value }) => {
                out.words(format_args!("length {}{}", Print::not(not), span(value)));
            }
            HeaderMatch::TcpMss(Inv { not, value }) => {
                out.words(format_args!("tcpmss match {}{}", Print::not(not), span(value)));
            }
            HeaderMatch::Dscp(Inv { not, value }) => {
                out.words(format_args!("DSCP match {}0x{value:02x}", Print::not(not)));
            }
            HeaderMatch::Tos(Inv { not, value: (value, mask) }) => {
                let not = Print::not(not);
                match service_name(value, mask).filter(|_| !out.numeric) {
                    Some(name) => out.words(format_args!("tos match{not} {name}")),
                    None => out.words(format_args!("tos match{not}0x{value:02x}/0x{mask:02x}")),
                }
            }
            HeaderMatch::Ttl(family, test) => {
                let name = if family.is_v4() { "TTL" } else { "HL" };
                let (compared, n) = match test {
                    TtlTest::Is(Inv { not: false, value }) => ("==", value),
                    TtlTest::Is(Inv { not: true, value }) => ("!=", value),
                    TtlTest::Below(n) => ("<", n),
                    TtlTest::Above(n) => (">", n),
                };
                out.words(format_args!("{name} match {name} {compared} {n}"));
            }
        }
    }
}
