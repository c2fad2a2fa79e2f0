//! `-m statistic`: by chance, or each so-manieth packet.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Fact, Ternary, Test};
use super::super::modules::Place;
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value};
use super::super::{Inv, Match, RuleError};
use super::MatchCx;

/// Which packets match (iptables-extensions(8), statistic).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// `--mode random`: with this chance, in parts of 2^31.
    Random(Inv<u32>),
    /// `--mode nth`: one of each `every`, first the one after `packet` others.
    Nth {
        /// `--every`.
        every: Inv<u32>,
        /// `--packet`.
        packet: u32,
    },
}

/// The parts of a chance of 1.
const WHOLE: u32 = 1 << 31;

pub(super) static EXT: Extension = Extension::a_match(
    "statistic",
    BOTH,
    &[
        Opt::new("mode", Kind::Own(read_mode)).req(),
        Opt::new("probability", Kind::Own(read_probability)).inv().not_with(&["every", "packet"]),
        Opt::new("every", Kind::Number(1, u32::MAX as u64))
            .inv()
            .not_with(&["probability"])
            .with(&["packet"]),
        Opt::new("packet", Kind::Number(0, u32::MAX as u64)).not_with(&["probability"]).with(&["every"]),
    ],
    build,
)
.check(check);

/// 0 is `random`, 1 is `nth`.
fn read_mode(text: &str, _: Cx) -> Result<Value, RuleError> {
    match text {
        "random" => Ok(Value::Number(0)),
        "nth" => Ok(Value::Number(1)),
        _ => said(format!("Bad mode \"{text}\"")),
    }
}

fn read_probability(text: &str, cx: Cx) -> Result<Value, RuleError> {
    match text.parse::<f64>() {
        Ok(p) if (0.0..=1.0).contains(&p) => {
            Ok(Value::Number((f64::from(WHOLE) * p).round_ties_even() as u64))
        }
        _ => said(format!("{}: bad value for option \"--{}\", or out of range (0-1).\n", cx.ext, cx.opt)),
    }
}

fn check(args: &Args) -> Result<(), RuleError> {
    if args.number("mode").unwrap_or(0) == 0 {
        if args.has("probability") {
            return Ok(());
        }
        return said("--probability must be specified when using random mode");
    }
    if !args.has("every") && !args.has("packet") {
        return said("--every and --packet must be specified when using nth mode");
    }
    match (args.number("every").unwrap_or(0), args.number("packet")) {
        (every, Some(packet)) if packet >= every => said("the --packet p must be 0 <= p <= n-1"),
        _ => Ok(()),
    }
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let number = |name| args.map(name, |v| v.number() as u32);
    Ok(Match::Statistic(match number("every") {
        Some(every) if args.number("mode") == Some(1) => {
            Statistic::Nth { every, packet: args.number("packet").unwrap_or(0) as u32 }
        }
        _ => Statistic::Random(number("probability").unwrap_or(Inv::yes(0))),
    }))
}

impl Statistic {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        match self {
            Statistic::Random(Inv { not, value }) => {
                out.value("mode", "random");
                let chance = format!("{:.11}", f64::from(*value) / f64::from(WHOLE));
                out.option("probability", Inv { not: *not, value: chance });
            }
            Statistic::Nth { every, packet } => {
                out.value("mode", "nth");
                out.option("every", *every);
                out.value("packet", packet);
            }
        }
    }

    /// As `statistic_mt` does. Chance is thrown only where a seed was given; else the walk shows
    /// both ways, but for its two ends.
    pub(super) fn test(&self, cx: &mut MatchCx) -> Test {
        match *self {
            Statistic::Random(Inv { not, value }) => {
                let chance = if not { WHOLE - value.min(WHOLE) } else { value };
                let held = match chance {
                    0 => Ternary::No,
                    WHOLE.. => Ternary::Yes,
                    _ => cx.choices.throw().map_or(Ternary::Unknown, |n| Ternary::from(n < chance)),
                };
                let permille = (f64::from(chance) * 1000.0 / f64::from(WHOLE)).round() as u16;
                Test::new(held, Fact::Chance(permille))
            }
            Statistic::Nth { every, packet } => {
                let place = Place::of(cx.family, cx.at);
                // The kernel's counter starts so that packet P of each N comes up first.
                let last = every.value - 1;
                let seen = cx.modules.nth.entry(place).or_insert(last.saturating_sub(packet));
                *seen = if *seen >= last { 0 } else { *seen + 1 };
                Test::new((*seen == 0) != every.not, Fact::Number(u64::from(*seen)))
            }
        }
    }
}

impl Statistic {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        match *self {
            Statistic::Nth { every, packet: 0 } => {
                let not = if every.not { " !" } else { "" };
                out.words(format_args!("statistic mode nth{not} every {}", every.value));
            }
            Statistic::Random(_) | Statistic::Nth { .. } => {
                out.words("statistic");
                out.as_saved(|save| self.save(save));
            }
        }
    }
}
