//! `-m statistic`: by chance, or every so many packets.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Fact, Ternary, Test};
use super::super::modules::Place;
use super::super::text::SaveOptions;
use super::super::value::{Kind, Value};
use super::super::{Inv, Match, RuleError};
use super::MatchCx;

/// Some of the packets (iptables-extensions(8), statistic).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// `--mode random --probability P`: P in units of 2^-31, as the kernel holds it.
    Random(Inv<u32>),
    /// `--mode nth --every N --packet P`.
    Nth {
        /// Every so many packets; negated: all the others.
        every: Inv<u32>,
        /// Counting from this one.
        packet: u32,
    },
}

/// 2^31: probability 1.
const ONE: f64 = 2_147_483_648.0;

pub(super) static EXT: Extension = Extension::a_match(
    "statistic",
    BOTH,
    &[
        Opt::new("mode", Kind::Text).req(),
        Opt::new("probability", Kind::Double(0.0, 1.0)).inv(),
        Opt::new("every", Kind::Number(1, u32::MAX as u64)).inv(),
        Opt::new("packet", Kind::Number(0, u32::MAX as u64)),
    ],
    build,
);

fn build(args: &Args) -> Result<Match, RuleError> {
    match args.text("mode") {
        Some("random") => {
            let Some(given) = args.get("probability") else {
                return said("--probability must be specified when using random mode");
            };
            let p = match given.value {
                Value::Double(p) if (0.0..=1.0).contains(&p) => (p * ONE).round() as u32,
                _ => return said("probability: value must be between 0 and 1"),
            };
            Ok(Match::Statistic(Statistic::Random(Inv { not: given.not, value: p })))
        }
        Some("nth") => {
            let Some(given) = args.get("every") else {
                return said("--every must be specified when using nth mode");
            };
            let (every, packet) = (given.value.number() as u32, args.number("packet").unwrap_or(0) as u32);
            if packet >= every {
                return said("the --packet p must be 0 <= p <= n-1");
            }
            Ok(Match::Statistic(Statistic::Nth { every: Inv { not: given.not, value: every }, packet }))
        }
        Some(other) => said(format!("Bad mode \"{other}\"")),
        None => Err(RuleError::Required { ext: "statistic", opt: "mode" }),
    }
}

impl Statistic {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        match self {
            Statistic::Random(p) => {
                out.value("mode", "random");
                out.option(
                    "probability",
                    Inv { not: p.not, value: format!("{:.11}", f64::from(p.value) / ONE) },
                );
            }
            Statistic::Nth { every, packet } => {
                out.value("mode", "nth");
                out.option("every", *every);
                if *packet != 0 {
                    out.value("packet", packet);
                }
            }
        }
    }

    /// Chance is not thrown here: the walk shows both ways.
    pub(super) fn test(&self, cx: &mut MatchCx) -> Test {
        match self {
            Statistic::Random(p) => {
                let chance = f64::from(p.value) / ONE;
                let chance = if p.not { 1.0 - chance } else { chance };
                let permille = (chance * 1000.0).round() as u16;
                let held = match permille {
                    0 if p.value == 0 || p.not => Ternary::No,
                    1000 => Ternary::Yes,
                    _ => Ternary::Unknown,
                };
                Test { held, found: Fact::Chance(permille) }
            }
            Statistic::Nth { every, packet } => {
                let key = Place::of(cx.family, cx.at);
                // The kernel's counter starts so that packet P of each N comes up first.
                let seen = cx.modules.nth.entry(key).or_insert(every.value - 1 - packet % every.value);
                *seen = if *seen == every.value - 1 { 0 } else { *seen + 1 };
                let held = *seen == 0;
                Test::new(held != every.not, Fact::Number(u64::from(*seen)))
            }
        }
    }
}
