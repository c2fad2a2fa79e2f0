//! `-m time`: hours and days as they are written.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::kept::Kept;
use super::super::value::{Cx, Kind, Value, number};
use super::super::{Match, RuleError};
use super::clock::TimeTest;
use super::typed::Ask;

/// 23:59:59.
const LAST_SECOND: u64 = 86_399;
/// 2038-01-19T03:14:07, the last moment that 31 bits count.
const LAST_MOMENT: u64 = i32::MAX as u64;
/// Days 1 to 31; weekdays 1 to 7.
const ALL_MONTHDAYS: u64 = 0xffff_fffe;
const ALL_WEEKDAYS: u64 = 0xfe;
const WEEKDAYS: [&str; 8] = ["", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

pub(super) static EXT: Extension = Extension::a_match(
    "time",
    BOTH,
    &[
        Opt::new("datestart", Kind::Own(read_date)),
        Opt::new("datestop", Kind::Own(read_date)),
        Opt::new("timestart", Kind::Own(read_time)),
        Opt::new("timestop", Kind::Own(read_time)),
        Opt::flag("contiguous"),
        Opt::new("weekdays", Kind::Own(read_weekdays)).inv(),
        Opt::new("monthdays", Kind::Own(read_monthdays)).inv(),
        Opt::flag("localtz").not_with(&["utc"]),
        Opt::flag("utc").not_with(&["localtz", "kerneltz"]),
        Opt::flag("kerneltz").not_with(&["utc"]),
    ],
    build,
)
.check(|args| {
    let (start, stop) = hours(args);
    if args.has("contiguous") && start < stop {
        return said("time: --contiguous only makes sense when stoptime is smaller than starttime");
    }
    Ok(())
});

fn hours(args: &Args) -> (u64, u64) {
    (args.number("timestart").unwrap_or(0), args.number("timestop").unwrap_or(LAST_SECOND))
}

/// Decimal digits at the beginning, and what follows them.
fn digits(text: &str) -> (u64, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].parse().unwrap_or(0), &text[end..])
}

/// `YYYY[-MM[-DD[Thh[:mm[:ss]]]]]`, as seconds since 1970.
fn read_date(text: &str, _: Cx) -> Result<Value, RuleError> {
    let bad = || {
        RuleError::Said(format!("Invalid date \"{text}\" specified. Should be YYYY[-MM[-DD[Thh[:mm[:ss]]]]]"))
    };
    let (year, mut rest) = digits(text);
    let mut parts = [1, 1, 0, 0, 0];
    let highest = [12, 31, 23, 59, 59];
    if !(1970..=2038).contains(&year) {
        return Err(bad());
    }
    for ((part, max), mark) in parts.iter_mut().zip(highest).zip(['-', '-', 'T', ':', ':']) {
        let Some(next) = rest.strip_prefix(mark) else { break };
        let (value, after) = digits(next);
        if value > max {
            return Err(bad());
        }
        *part = value;
        rest = after;
    }
    if !rest.is_empty() {
        return Err(bad());
    }
    let [month, day, hour, minute, second] = parts;
    let days = days_before(year, month.max(1)) + day as i64 - 1;
    Ok(Value::Number((days.max(0) as u64) * 86_400 + hour * 3_600 + minute * 60 + second))
}

/// Days from 1970-01-01 to the first of a month.
fn days_before(year: u64, month: u64) -> i64 {
    let is_leap = |y: u64| y.is_multiple_of(4) && (!y.is_multiple_of(100) || y.is_multiple_of(400));
    let before_year: i64 = (1970..year).map(|y| if is_leap(y) { 366 } else { 365 }).sum();
    let lengths = [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    before_year + lengths.iter().take(month as usize - 1).sum::<i64>()
}

/// Year, month and day of a day, counted from 1970-01-01.
fn calendar(day: u64) -> (u64, u64, u64) {
    let day = day as i64;
    let mut year = 1970;
    while day >= days_before(year + 1, 1) {
        year += 1;
    }
    let month = (1..=12).rev().find(|m| day >= days_before(year, *m)).unwrap_or(1);
    (year, month, (day - days_before(year, month)) as u64 + 1)
}

/// The day of its month, 1 to 31.
pub(super) fn monthday(day: u64) -> u64 {
    calendar(day).2
}

/// A date as iptables prints it.
pub(super) fn date(seconds: u64) -> String {
    let (year, month, day) = calendar(seconds / 86_400);
    format!("{year:04}-{month:02}-{day:02}T{}", clock(seconds % 86_400))
}

fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// `hh:mm[:ss]`, as seconds.
fn read_time(text: &str, _: Cx) -> Result<Value, RuleError> {
    let bad = |at: &str| {
        said(format!(
            "invalid time \"{at}\" specified, should be hh:mm[:ss] format and within the boundaries"
        ))
    };
    let (hour, rest) = digits(text);
    let Some(at) = rest.strip_prefix(':').filter(|_| hour <= 23) else { return bad(text) };
    let (minute, rest) = digits(at);
    if minute > 59 {
        return bad(at);
    }
    let second = match rest.strip_prefix(':') {
        None if rest.is_empty() => 0,
        None => return bad(at),
        Some(at) => match digits(at) {
            (second @ 0..=59, "") => second,
            _ => return bad(at),
        },
    };
    Ok(Value::Number(hour * 3_600 + minute * 60 + second))
}

fn read_monthdays(text: &str, cx: Cx) -> Result<Value, RuleError> {
    let mut days = 0u64;
    for day in text.split(',').filter(|d| !d.is_empty()) {
        let day = &day[..day.floor_char_boundary(2)];
        match number(day).filter(|n| *n <= 31) {
            Some(n) => days |= 1 << n,
            None => return said(format!("{day} is not a valid day for --monthdays")),
        }
    }
    Ok(Value::Number(if cx.not { days ^ ALL_MONTHDAYS } else { days }))
}

fn read_weekdays(text: &str, cx: Cx) -> Result<Value, RuleError> {
    let mut days = 0u64;
    for day in text.split(',').filter(|d| !d.is_empty()) {
        let day = &day[..day.floor_char_boundary(3)];
        match number(day) {
            Some(0) => return said("No, the week does NOT begin with Sunday."),
            Some(n) => days |= 1u64.checked_shl(n as u32).unwrap_or(0),
            None => match WEEKDAYS.iter().position(|w| day.len() >= 2 && w.get(..2) == day.get(..2)) {
                Some(place) => days |= 1 << place,
                None => return said(format!("{day} is not a valid day specifier")),
            },
        }
    }
    Ok(Value::Number(if cx.not { days ^ ALL_WEEKDAYS } else { days }))
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let mut kept = Kept::new(args);
    let (start, stop) = hours(args);
    if (start, stop) != (0, LAST_SECOND) {
        kept.push("timestart", false, clock(start));
        kept.push("timestop", false, clock(stop));
    }
    // `!` became the other days already.
    if let Some(days) = args.number("monthdays").filter(|d| *d != ALL_MONTHDAYS) {
        let list: Vec<_> = (1..=31).filter(|d| days & 1 << d != 0).map(|d: u32| d.to_string()).collect();
        kept.push("monthdays", false, list.join(","));
    }
    if let Some(days) = args.number("weekdays").filter(|d| *d != ALL_WEEKDAYS) {
        let list: Vec<_> = (1..=7).filter(|d| days & 1 << d != 0).map(|d: usize| WEEKDAYS[d]).collect();
        kept.push("weekdays", false, list.join(","));
    }
    if let Some(start) = args.number("datestart").filter(|d| *d != 0) {
        kept.push("datestart", false, date(start));
    }
    if let Some(stop) = Some(args.number("datestop").unwrap_or(LAST_MOMENT)).filter(|d| *d != 0) {
        kept.push("datestop", false, date(stop));
    }
    if args.has("kerneltz") || args.has("localtz") {
        kept.push("kerneltz", false, "");
    }
    if args.has("contiguous") {
        kept.push("contiguous", false, "");
    }
    kept.asking(Ask::Time(TimeTest {
        dates: (args.number("datestart").unwrap_or(0), args.number("datestop").unwrap_or(LAST_MOMENT)),
        hours: hours(args),
        weekdays: args.number("weekdays").unwrap_or(ALL_WEEKDAYS),
        monthdays: args.number("monthdays").unwrap_or(ALL_MONTHDAYS),
        contiguous: args.has("contiguous"),
    }))
}
