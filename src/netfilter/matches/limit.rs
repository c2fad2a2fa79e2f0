//! `-m limit`: a token bucket for all packets of a rule.

use super::super::extension::{Args, BOTH, Build, Extension, Fidelity, Opt};
use super::super::fact::{Fact, Test};
use super::super::modules::Bucket;
use super::super::text::SaveOptions;
use super::super::value::Kind;
use super::super::{Match, RuleError};
use super::MatchCx;
use std::fmt;

/// So many packets in so much time, and a burst before that (iptables-extensions(8), limit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// `--limit`.
    pub rate: Rate,
    /// `--limit-burst`.
    pub burst: u32,
}

/// A rate as iptables holds it: the span between two packets, in ten-thousandths of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(pub u32);

/// `XT_LIMIT_SCALE`: units in a second.
pub(super) const SCALE: u32 = 10_000;
const UNITS: [(&str, u32); 4] = [("second", 1), ("minute", 60), ("hour", 3600), ("day", 86_400)];
const BURST: u32 = 5;

impl Rate {
    /// Reads `N[/UNIT]`; a unit may be shortened to its beginning.
    pub fn parse(text: &str) -> Option<Rate> {
        let (count, unit) = text.split_once('/').unwrap_or((text, "second"));
        let (_, secs) = UNITS
            .iter()
            .find(|(name, _)| !unit.is_empty() && name.starts_with(&unit.to_ascii_lowercase()))?;
        let count: u32 = count.parse().ok().filter(|c| *c > 0)?;
        let span = SCALE * secs / count;
        (span > 0).then_some(Rate(span))
    }
}

impl fmt::Display for Rate {
    /// With the unit that gives a whole number, or nearly one (`print_rate`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("inf");
        }
        let names = ["sec", "min", "hour", "day"];
        let mut unit = 0;
        for (place, (_, secs)) in UNITS.iter().enumerate().skip(1) {
            let whole = SCALE * secs;
            if self.0 > whole || whole / self.0 < whole % self.0 {
                break;
            }
            if self.0 > SCALE * UNITS[place - 1].1 || (SCALE * UNITS[place - 1].1) % self.0 != 0 {
                unit = place;
            } else {
                break;
            }
        }
        write!(f, "{}/{}", SCALE * UNITS[unit].1 / self.0, names[unit])
    }
}

pub(super) static EXT: Extension = Extension {
    name: "limit",
    families: BOTH,
    opts: &[Opt::new("limit", Kind::Text), Opt::new("limit-burst", Kind::Number(0, 10_000))],
    build: Build::Match(build),
    fidelity: Fidelity::Modelled,
    tables: &[],
    hooks: &[],
};

fn build(args: &Args) -> Result<Match, RuleError> {
    let text = args.text("limit").unwrap_or("3/hour");
    let Some(rate) = Rate::parse(text) else {
        return Err(args.said(format!("bad rate \"{text}\"'")));
    };
    let burst = args.number("limit-burst").map_or(BURST, |n| n as u32);
    Ok(Match::Limit(Limit { rate, burst }))
}

impl Limit {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        out.value("limit", self.rate);
        if self.burst != BURST {
            out.value("limit-burst", self.burst);
        }
    }

    /// Takes a token if there is one. A bucket is full at first and fills with the model's clock.
    pub(super) fn test(&self, cx: &mut MatchCx) -> Test {
        let full = u64::from(self.burst.max(1)) * u64::from(self.rate.0);
        let key = (cx.at.0.clone(), cx.at.1);
        let bucket = cx.modules.buckets.entry(key).or_insert(Bucket { credit: full, filled: cx.now });
        let gained = cx.now.since(bucket.filled).as_nanos() / u128::from(1_000_000_000 / SCALE);
        bucket.credit = full.min(bucket.credit.saturating_add(u64::try_from(gained).unwrap_or(u64::MAX)));
        bucket.filled = cx.now;
        let cost = u64::from(self.rate.0);
        let held = bucket.credit >= cost;
        if held {
            bucket.credit -= cost;
        }
        Test::new(held, Fact::Tokens(bucket.credit / cost.max(1)))
    }
}
