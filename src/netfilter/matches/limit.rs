//! `-m limit`: so many packets a while.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Fact, Test};
use super::super::modules::{Bucket, Place};
use super::super::rate::{Rate, read_rate};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value};
use super::super::{Match, RuleError};
use super::MatchCx;

/// A token bucket (iptables-extensions(8), limit), which iptables-nft keeps as nft's own `limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// `--limit`.
    pub rate: Rate,
    /// `--limit-burst`.
    pub burst: u32,
}

/// iptables counts a second in so many parts (`XT_LIMIT_SCALE`).
const SCALE: u64 = 10_000;
/// `--limit-burst` where it is not given.
const BURST: u32 = 5;
/// `--limit` where it is not given.
const RATE: &str = "3/hour";

pub(super) static EXT: Extension = Extension::a_match(
    "limit",
    BOTH,
    &[Opt::new("limit", Kind::Own(read)), Opt::new("limit-burst", Kind::Number(0, 10_000))],
    build,
);

fn read(text: &str, _: Cx) -> Result<Value, RuleError> {
    match read_rate(text, SCALE)? {
        Some((period, _)) => Ok(Value::Number(period)),
        None => said(format!("bad rate \"{text}\"'")),
    }
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let period = match args.number("limit") {
        Some(period) => period,
        None => read_rate(RATE, SCALE)?.map_or(SCALE, |(period, _)| period),
    };
    // The kernel takes no burst of 0.
    let burst = args.number("limit-burst").filter(|n| *n > 0).map_or(BURST, |n| n as u32);
    Ok(Match::Limit(Limit { rate: Rate::of(period, SCALE), burst }))
}

impl Limit {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        // What the kernel gives back is turned into a period and printed anew.
        let period = self.rate.unit.seconds() * SCALE / self.rate.count;
        out.value("limit", Rate::of(period, SCALE));
        if self.burst != BURST {
            out.value("limit-burst", self.burst);
        }
    }

    /// As `nft_limit_pkts_eval` does, in nanoseconds.
    pub(super) fn test(&self, cx: &mut MatchCx) -> Test {
        let cost = self.rate.unit.seconds() * 1_000_000_000 / self.rate.count.max(1);
        let most = cost.saturating_mul(u64::from(self.burst));
        let bucket = cx
            .modules
            .limits
            .entry(Place::of(cx.family, cx.at))
            .or_insert(Bucket { tokens: most, last: cx.now });
        bucket.fill(cx.now, most);
        let left = bucket.tokens / cost.max(1);
        Test::new(bucket.take(cost), Fact::Tokens(left))
    }
}

impl Limit {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        let period = self.rate.unit.seconds() * SCALE / self.rate.count;
        out.words(format_args!("limit: avg {} burst {}", Rate::of(period, SCALE), self.burst));
    }
}
