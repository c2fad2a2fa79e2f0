//! `-m length`, `-m ttl`, `-m hl`: a number in the packet.

use super::super::extension::{Args, BOTH, Extension, Opt, V4, V6, said};
use super::super::fact::{Fact, Test};
use super::super::text::SaveOptions;
use super::super::value::{Kind, Value};
use super::super::{Inv, Match, RuleError};
use super::MatchCx;

/// A number that must be so (iptables-extensions(8), length, ttl and hl).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberMatch {
    /// Which number.
    pub of: NumberOf,
    /// How it is compared.
    pub want: Inv<NumberWant>,
}

/// The numbers that rules look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberOf {
    /// The packet's length without its IP header's own idea of it: all bytes from the IP header on.
    Length,
    /// Time to live.
    Ttl,
    /// Hop limit.
    Hl,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberWant {
    /// From the first to the second.
    Range(u32, u32),
    /// Less than this.
    Below(u32),
    /// Greater than this.
    Above(u32),
}

const fn comparison(eq: &'static str, lt: &'static str, gt: &'static str) -> [Opt; 3] {
    [
        Opt::new(lt, Kind::Number(0, 255)),
        Opt::new(gt, Kind::Number(0, 255)),
        Opt::new(eq, Kind::Number(0, 255)).inv(),
    ]
}
const TTL_OPTS: &[Opt] = &comparison("ttl-eq", "ttl-lt", "ttl-gt");
const HL_OPTS: &[Opt] = &comparison("hl-eq", "hl-lt", "hl-gt");

pub(super) static LENGTH: Extension =
    Extension::a_match("length", BOTH, &[Opt::new("length", Kind::Range(65535)).inv().req()], build_length);
pub(super) static TTL: Extension =
    Extension::a_match("ttl", V4, TTL_OPTS, |args| build_hops(args, NumberOf::Ttl));
pub(super) static HL: Extension =
    Extension::a_match("hl", V6, HL_OPTS, |args| build_hops(args, NumberOf::Hl));

fn build_length(args: &Args) -> Result<Match, RuleError> {
    let want = args.map("length", |v| match v {
        Value::Range(a, b) => NumberWant::Range(*a as u32, *b as u32),
        _ => NumberWant::Range(0, 65535),
    });
    let want = want.unwrap_or(Inv::yes(NumberWant::Range(0, 65535)));
    Ok(Match::Number(NumberMatch { of: NumberOf::Length, want }))
}

fn build_hops(args: &Args, of: NumberOf) -> Result<Match, RuleError> {
    let [given] = args.given else {
        let upper = args.ext.name.to_ascii_uppercase();
        let (a, b, c) = (args.ext.opts[2].name, args.ext.opts[0].name, args.ext.opts[1].name);
        return said(format!("{upper} match: You must specify one of `--{a}', `--{b}', `--{c}"));
    };
    let n = given.value.number() as u32;
    let want = match given.opt {
        0 => NumberWant::Below(n),
        1 => NumberWant::Above(n),
        _ => NumberWant::Range(n, n),
    };
    Ok(Match::Number(NumberMatch { of, want: Inv { not: given.not, value: want } }))
}

impl NumberMatch {
    pub(super) fn name(&self) -> &'static str {
        match self.of {
            NumberOf::Length => "length",
            NumberOf::Ttl => "ttl",
            NumberOf::Hl => "hl",
        }
    }

    pub(super) fn save(&self, out: &mut SaveOptions) {
        let not = self.want.not;
        let name = self.name();
        match (self.of, self.want.value) {
            (NumberOf::Length, NumberWant::Range(a, b)) => {
                let text = if a == b { a.to_string() } else { format!("{a}:{b}") };
                out.option(name, Inv { not, value: text });
            }
            (_, NumberWant::Range(a, _)) => out.option(&format!("{name}-eq"), Inv { not, value: a }),
            (_, NumberWant::Below(n)) => out.option(&format!("{name}-lt"), Inv { not, value: n }),
            (_, NumberWant::Above(n)) => out.option(&format!("{name}-gt"), Inv { not, value: n }),
        }
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let packet = &cx.skb.packet;
        let found = match self.of {
            NumberOf::Length => packet.len(),
            NumberOf::Ttl | NumberOf::Hl => u32::from(packet.ttl),
        };
        let held = match self.want.value {
            NumberWant::Range(a, b) => (a..=b).contains(&found),
            NumberWant::Below(n) => found < n,
            NumberWant::Above(n) => found > n,
        };
        Test::new(held != self.want.not, Fact::Number(u64::from(found)))
    }
}
