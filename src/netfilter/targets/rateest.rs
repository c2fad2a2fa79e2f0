//! `-j RATEEST`: measures rates for `-m rateest`.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::kept::Kept;
use super::super::value::{Kind, Value};
use super::super::{RuleError, Target};
use super::typed::Act;

pub(super) static EXT: Extension = Extension::a_target(
    "RATEEST",
    BOTH,
    &[
        Opt::new("rateest-name", Kind::Cut(15)).req(),
        Opt::new("rateest-interval", Kind::Own(|t, _| read_span(t, "interval"))).req(),
        Opt::new("rateest-ewmalog", Kind::Own(|t, _| read_span(t, "ewmalog"))).req(),
    ],
    rateest,
)
.check(check_rateest);

/// A time in seconds, milliseconds or microseconds (the default); gives microseconds.
fn read_span(text: &str, what: &str) -> Result<Value, RuleError> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let scale = match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" => Some(1e6),
        "ms" | "msec" | "msecs" => Some(1e3),
        "" | "us" | "usec" | "usecs" => Some(1.0),
        _ => None,
    };
    match (digits.parse::<f64>(), scale) {
        (Ok(n), Some(scale)) => Ok(Value::Number((n * scale) as u64)),
        _ => said(format!("RATEEST: bad {what} value \"{text}\"")),
    }
}

/// The kernel's interval: a quarter of a second, doubled so often.
fn interval_steps(span: u64) -> Option<u32> {
    (0..=5).find(|step| span <= 250_000 << step)
}

/// The logarithm of the average's weight.
fn ewma_log(interval: u64, span: u64) -> Option<u32> {
    (1..32)
        .find(|log| {
            let weight = 1.0 - 1.0 / f64::from(1u32 << log);
            interval as f64 / -weight.ln() > span as f64
        })
        .map(|log| log - 1)
        .filter(|log| *log > 0)
}

fn check_rateest(args: &Args) -> Result<(), RuleError> {
    let (interval, span) =
        (args.number("rateest-interval").unwrap_or(0), args.number("rateest-ewmalog").unwrap_or(0));
    let Some(steps) = interval_steps(interval) else { return said("RATEEST: interval value is too large") };
    if ewma_log(250_000 << steps, span).is_none() {
        return said("RATEEST: ewmalog value is out of range");
    }
    Ok(())
}

fn rateest(args: &Args) -> Result<Target, RuleError> {
    let span = |micros: u64| match micros {
        1_000_000.. => format!("{:.1}s", micros as f64 / 1e6),
        1_000.. => format!("{:.1}ms", micros as f64 / 1e3),
        _ => format!("{micros}us"),
    };
    let steps = interval_steps(args.number("rateest-interval").unwrap_or(0)).unwrap_or(0);
    let interval = 250_000 << steps;
    let log = ewma_log(interval, args.number("rateest-ewmalog").unwrap_or(0)).unwrap_or(0);
    let mut kept = Kept::new(args);
    kept.put("rateest-name", args.map("rateest-name", Value::clone));
    kept.push("rateest-interval", false, span(interval));
    kept.push("rateest-ewmalog", false, span(interval << log));
    let name = args.text("rateest-name").unwrap_or_default().into();
    kept.doing(Act::RateEst(name, steps, log))
}
