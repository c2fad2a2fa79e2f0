//! Rates as `--limit` and `--hashlimit` write them: so many a second, minute, hour or day.

use super::error::RuleError;
use super::extension::said;
use std::fmt;

/// A number of packets in a unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u64,
    /// In what time.
    pub unit: Unit,
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 86,400 seconds.
    Day,
    /// 3,600 seconds.
    Hour,
    /// 60 seconds.
    Minute,
    /// One second.
    Second,
}

impl Unit {
    const ALL: [Unit; 4] = [Unit::Day, Unit::Hour, Unit::Minute, Unit::Second];

    /// Its length.
    pub fn seconds(self) -> u64 {
        match self {
            Unit::Day => 86_400,
            Unit::Hour => 3_600,
            Unit::Minute => 60,
            Unit::Second => 1,
        }
    }
}

impl Rate {
    /// The rate of one packet in each period, given in parts of a second: in the smallest unit that leaves little
    /// over (`print_rate`).
    pub fn of(period: u64, scale: u64) -> Rate {
        let period = period.max(1);
        let fits = |unit: &&Unit| {
            let whole = unit.seconds() * scale;
            period <= whole && whole / period >= whole % period
        };
        let unit = Unit::ALL[1..].iter().take_while(fits).last().copied().unwrap_or(Unit::Day);
        Rate { count: unit.seconds() * scale / period, unit }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Day => "day",
            Unit::Hour => "hour",
            Unit::Minute => "min",
            Unit::Second => "sec",
        };
        write!(f, "{}/{unit}", self.count)
    }
}

/// The number at a text's beginning as `atoi(3)` takes it: 0 where there is none.
pub fn atoi(text: &str) -> u64 {
    let digits = text.trim_start().trim_start_matches('+');
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().unwrap_or(0)
}

/// Reads `COUNT[/UNIT]`, of which the unit's beginning is enough: the period of one packet in parts of a second, and
/// the unit's seconds. `None` where it is no rate.
pub fn read_rate(text: &str, scale: u64) -> Result<Option<(u64, u64)>, RuleError> {
    let mut seconds = 1;
    if let Some((_, unit)) = text.split_once('/') {
        let names = [("second", 1), ("minute", 60), ("hour", 3_600), ("day", 86_400)];
        let begins = |name: &str| name.get(..unit.len()).is_some_and(|s| s.eq_ignore_ascii_case(unit));
        match names.iter().find(|(name, _)| !unit.is_empty() && begins(name)) {
            Some((_, length)) => seconds = *length,
            None => return Ok(None),
        }
    }
    let below_zero = text.trim_start().strip_prefix('-').is_some_and(|n| atoi(n) > 0);
    if below_zero {
        // As an unsigned number it is too many.
        return said(format!("Rate too fast \"{text}\""));
    }
    let count = atoi(text);
    if count == 0 {
        return Ok(None);
    }
    match scale * seconds / count {
        0 => said(format!("Rate too fast \"{text}\"")),
        period => Ok(Some((period, seconds))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, printed: &str) {
        let rate = read_rate(text, 10_000).map(|r| r.map(|(period, _)| Rate::of(period, 10_000).to_string()));
        assert_eq!(rate, Ok(Some(printed.to_owned())));
    }

    #[test]
    fn a_rate_is_printed_in_the_smallest_unit_that_fits() {
        check("60/min", "1/sec");
        check("61/min", "61/min");
        check("1000/d", "1000/day");
        check("7", "7/sec");
    }
}
