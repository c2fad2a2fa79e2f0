//! `-m rateest`: rates that `-j RATEEST` measured.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Fact, Test};
use super::super::kept::Kept;
use super::super::value::{Cx, Kind, Value};
use super::super::{Match, RuleError};
use super::MatchCx;
use super::typed::Ask;
use smol_str::SmolStr;
use std::cmp::Ordering;

pub(super) static EXT: Extension = Extension::a_match(
    "rateest",
    BOTH,
    &[
        Opt::new("rateest1", Kind::Cut(15)).inv().or(&["rateest"]),
        Opt::new("rateest-bps1", Kind::Own(read_rate)).or(&["rateest-bps"]),
        Opt::new("rateest-pps1", Kind::Own(read_packets)).or(&["rateest-pps"]),
        Opt::new("rateest2", Kind::Cut(15)).inv(),
        Opt::new("rateest-bps2", Kind::Own(read_rate)),
        Opt::new("rateest-pps2", Kind::Own(read_packets)),
        Opt::flag("rateest-delta"),
        Opt::flag("rateest-lt").inv().not_with(&["rateest-gt", "rateest-eq"]),
        Opt::flag("rateest-gt").inv().not_with(&["rateest-lt", "rateest-eq"]),
        Opt::flag("rateest-eq").inv().not_with(&["rateest-lt", "rateest-gt"]),
    ],
    build,
);

/// A rate in bits or bytes a second, with a unit; gives bytes.
fn read_rate(text: &str, _: Cx) -> Result<Value, RuleError> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let bytes = match unit {
        "" | "bit" => Some(0.125),
        "kibit" => Some(1_024.0 / 8.0),
        "kbit" => Some(125.0),
        "mibit" => Some(1_048_576.0 / 8.0),
        "mbit" => Some(125_000.0),
        "gibit" => Some(1_073_741_824.0 / 8.0),
        "gbit" => Some(125_000_000.0),
        "bps" => Some(1.0),
        "kibps" => Some(1_024.0),
        "kbps" => Some(1_000.0),
        "mibps" => Some(1_048_576.0),
        "mbps" => Some(1_000_000.0),
        _ => None,
    };
    match (number.parse::<f64>(), bytes) {
        (Ok(n), Some(bytes)) => Ok(Value::Number((n * bytes) as u64)),
        _ => said(format!("rateest: could not parse rate `{text}'")),
    }
}

/// A number of packets a second.
fn read_packets(text: &str, cx: Cx) -> Result<Value, RuleError> {
    super::super::value::read(Kind::Number(0, u32::MAX.into()), text, cx)
        .or_else(|_| said(format!("rateest: could not parse pps `{text}'")))
}

/// Bytes a second as iptables prints them: bits.
fn rate(bytes: u64) -> String {
    match bytes * 8 {
        bits @ 1_000_000_000.. => format!("{:.0}Mbit", bits as f64 / 1e6),
        bits @ 1_000_000.. => format!("{:.0}Kbit", bits as f64 / 1e3),
        bits => format!("{bits}bit"),
    }
}

/// Adds a rate in bytes and one in packets, where the rule gave them.
fn side(kept: &mut Kept, args: &Args, given: [&'static str; 2], printed: [&'static str; 2]) {
    if let Some(bytes) = args.number(given[0]) {
        kept.push(printed[0], false, rate(bytes));
    }
    if let Some(packets) = args.number(given[1]) {
        kept.push(printed[1], false, packets);
    }
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let mut kept = Kept::new(args);
    let delta = args.has("rateest-delta");
    let second = args.text("rateest2");
    kept.flag(args, "rateest-delta");
    let first = args.text("rateest1").unwrap_or_default();
    kept.push(if second.is_some() { "rateest1" } else { "rateest" }, false, first);
    if delta {
        let names = ["rateest-bps1", "rateest-pps1"];
        side(&mut kept, args, names, names);
    }
    for mode in ["rateest-lt", "rateest-gt", "rateest-eq"] {
        kept.flag(args, mode);
    }
    let names = ["rateest-bps2", "rateest-pps2"];
    match second {
        None if !delta => {
            side(&mut kept, args, ["rateest-bps1", "rateest-pps1"], ["rateest-bps", "rateest-pps"]);
        }
        _ => side(&mut kept, args, names, names),
    }
    if let Some(second) = second {
        kept.push("rateest2", false, second);
    }
    let modes =
        [("rateest-lt", Ordering::Less), ("rateest-gt", Ordering::Greater), ("rateest-eq", Ordering::Equal)];
    let mode = modes.into_iter().find(|(name, _)| args.has(name));
    let pair = |one: &str, two: &str| {
        let (one, two) = (args.number(one), args.number(two));
        match (second.is_some() || delta, one.or(two)) {
            // One estimator, and what it is compared with.
            (false, first) => first.map(|n| (0, n)),
            (true, any) => any.map(|_| (one.unwrap_or(0), two.unwrap_or(0))),
        }
    };
    let not = ["rateest1", "rateest2", "rateest-lt", "rateest-gt", "rateest-eq"].iter().any(|o| args.not(o));
    kept.asking(Ask::Rate(RateTest {
        first: first.into(),
        second: second.map(SmolStr::from),
        delta,
        than: mode.map_or(Ordering::Equal, |(_, than)| than),
        not,
        bytes: pair("rateest-bps1", "rateest-bps2"),
        packets: pair("rateest-pps1", "rateest-pps2"),
    }))
}

/// Two rates, or a rate and a number, compared (iptables-extensions(8), rateest).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateTest {
    /// The estimator on the left.
    pub first: SmolStr,
    /// The one on the right; else a number stands there.
    pub second: Option<SmolStr>,
    /// What is left of given numbers after the rates is compared.
    pub delta: bool,
    /// How the left must be.
    pub than: Ordering,
    /// Inverted.
    pub not: bool,
    /// Numbers of bytes a second for both sides, where bytes are compared.
    pub bytes: Option<(u64, u64)>,
    /// The same in packets.
    pub packets: Option<(u64, u64)>,
}

impl RateTest {
    /// As `xt_rateest_mt` does. An estimator that no packet met has rate 0.
    pub(super) fn test(&self, cx: &mut MatchCx) -> Test {
        let now = cx.now;
        let mut rates = |name: &SmolStr| cx.modules.estimators.get_mut(name).map_or((0, 0), |e| e.rates(now));
        let left = rates(&self.first);
        let right = self.second.as_ref().map(rates);
        let side = |number: u64, rate: u64| if self.delta { number.saturating_sub(rate) } else { rate };
        let holds = |want: Option<(u64, u64)>, left: u64, right: Option<u64>| {
            want.is_none_or(|(one, two)| {
                side(one, left).cmp(&right.map_or(two, |rate| side(two, rate))) == self.than
            })
        };
        let held =
            holds(self.bytes, left.0, right.map(|r| r.0)) && holds(self.packets, left.1, right.map(|r| r.1));
        Test::new(held != self.not, Fact::Number(if self.bytes.is_some() { left.0 } else { left.1 }))
    }
}
