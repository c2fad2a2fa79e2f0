//! `-m u32`: numbers anywhere in the packet.

use super::super::extension::{BOTH, Extension, Opt, said};
use super::super::fact::{Absent, Fact, NotTold, Ternary, Test};
use super::super::kept::Kept;
use super::super::value::{Cx, Kind, Value, leading_number};
use super::super::{Inv, RuleError};
use super::MatchCx;
use super::typed::Ask;
use crate::packet::{At, Wire};

/// A test holds so many locations, so many ranges, and a match so many tests.
const MAX: usize = 10;

pub(super) static EXT: Extension =
    Extension::a_match("u32", BOTH, &[Opt::new("u32", Kind::Own(read)).inv().req()], |args| {
        let mut kept = Kept::new(args);
        kept.put("u32", args.map("u32", |v| format!("\"{}\"", v.text())));
        let tests = args.map("u32", |v| numbers(v.text())).unwrap_or(Inv::yes(Numbers(Vec::new())));
        kept.asking(Ask::U32(tests))
    });

/// What is left to read of a text, and where in it that is.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        self.at += self.text[self.at..].len() - self.text[self.at..].trim_start().len();
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.text[self.at..].starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn number(&mut self) -> Result<u64, RuleError> {
        let rest = &self.text[self.at..];
        match leading_number(rest).filter(|(n, _)| *n <= u64::from(u32::MAX)) {
            Some((n, after)) => {
                self.at += rest.len() - after.len();
                Ok(n)
            }
            None => said(format!("u32: at char {}: not a number or out of range", self.at)),
        }
    }

    fn is_over(&self) -> bool {
        self.at >= self.text.len()
    }
}

const ABRUPT: &str = "u32: abrupt end of input after location specifier";

/// `LOCATION=RANGES && …`, where a location is a number with `&`, `<<`, `>>` or `@` and another behind it.
fn read(text: &str, _: Cx) -> Result<Value, RuleError> {
    let mut input = Reader { text, at: 0 };
    let mut tests = Vec::new();
    loop {
        let mut printed = String::new();
        location(&mut input, &mut printed)?;
        ranges(&mut input, &mut printed)?;
        tests.push(printed);
        if input.is_over() {
            break;
        }
        if tests.len() > MAX {
            return said(format!("u32: at char {}: too many \"&&\"s", input.at));
        }
    }
    Ok(Value::Text(tests.join("&&").into()))
}

fn location(input: &mut Reader, printed: &mut String) -> Result<(), RuleError> {
    let mut numbers = 0;
    let mut operator = "";
    loop {
        if input.is_over() {
            return said(ABRUPT);
        }
        if input.take("=") {
            if numbers == 0 {
                return said("u32: at char 0: no location before '='");
            }
            return Ok(());
        }
        if numbers > 0 {
            operator = match ["&", "<<", ">>", "@"].into_iter().find(|o| input.take(o)) {
                Some(operator) => operator,
                None => {
                    let at = input.at;
                    return said(format!("u32: at char {at}: operator expected"));
                }
            };
        }
        input.blanks();
        let n = input.number()?;
        *printed += &format!("{operator}{n:#x}");
        numbers += 1;
        if numbers > MAX + 1 {
            return said(format!("u32: at char {}: too many operators", input.at));
        }
        input.blanks();
    }
}

fn ranges(input: &mut Reader, printed: &mut String) -> Result<(), RuleError> {
    let mut count = 0;
    loop {
        input.blanks();
        let low = input.number()?;
        input.blanks();
        *printed += if count == 0 { "=" } else { "," };
        *printed += &format!("{low:#x}");
        if input.take(":") {
            input.blanks();
            let high = input.number()?;
            *printed += &format!(":{high:#x}");
            input.blanks();
        }
        count += 1;
        if input.is_over() {
            return Ok(());
        }
        if input.take(",") {
            if count > MAX {
                return said(format!("u32: at char {}: too many \",\"s", input.at));
            }
            continue;
        }
        if !input.take("&") {
            return said(format!("u32: at char {}: operator expected", input.at));
        }
        if !input.take("&") {
            return said(format!("u32: at char {}: a second '&' was expected", input.at));
        }
        input.blanks();
        if input.is_over() {
            return said(ABRUPT);
        }
        return Ok(());
    }
}

/// Tests that must all hold (iptables-extensions(8), u32).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers(pub Vec<NumberTest>);

/// One number of the packet, and the ranges of which it must lie in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberTest {
    /// Where the first four bytes are.
    pub start: u32,
    /// What is done with them.
    pub steps: Vec<(Step, u32)>,
    /// Lowest and highest of each range.
    pub ranges: Vec<(u32, u32)>,
}

/// An operator of a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `&`.
    And,
    /// `<<`.
    Left,
    /// `>>`.
    Right,
    /// `@`: goes that many bytes on and reads anew.
    At,
}

/// Takes apart what [`read`] printed.
fn numbers(printed: &str) -> Numbers {
    // A test's `&&` is a mark of its own: a location has no operator twice without a number between.
    Numbers(printed.split("&&").filter_map(number_test).collect())
}

fn number_test(text: &str) -> Option<NumberTest> {
    let (location, ranges) = text.split_once('=')?;
    let hex = |t: &str| u32::from_str_radix(t.strip_prefix("0x")?, 16).ok();
    let end = |t: &str| t.find(['&', '<', '>', '@']).unwrap_or(t.len());
    let (first, mut rest) = location.split_at(end(location));
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let operators = [("&", Step::And), ("<<", Step::Left), (">>", Step::Right), ("@", Step::At)];
        let (after, step) = operators.iter().find_map(|(o, step)| Some((rest.strip_prefix(o)?, *step)))?;
        let (number, tail) = after.split_at(end(after));
        steps.push((step, hex(number)?));
        rest = tail;
    }
    let range = |t: &str| match t.split_once(':') {
        Some((low, high)) => Some((hex(low)?, hex(high)?)),
        None => Some((hex(t)?, hex(t)?)),
    };
    Some(NumberTest { start: hex(first)?, steps, ranges: ranges.split(',').filter_map(range).collect() })
}

/// As `u32_mt` does.
pub(super) fn test(want: &Inv<Numbers>, cx: &MatchCx) -> Test {
    let wire = cx.skb.packet.wire();
    let (mut held, mut found) = (Ternary::Yes, Fact::Nothing);
    for one in &want.value.0 {
        let this = match one.value(&wire) {
            At::Known(n) => {
                found = Fact::Number(n.into());
                Ternary::from(one.ranges.iter().any(|(low, high)| (*low..=*high).contains(&n)))
            }
            At::Unknown => Ternary::Unknown,
            At::Beyond => {
                found = Fact::Absent(Absent::Header);
                Ternary::No
            }
        };
        held = held.and(this);
        if held == Ternary::No {
            break;
        }
    }
    match held {
        Ternary::Unknown => Test::not_told(NotTold::Payload),
        held => Test::new(held.negate_if(want.not), found),
    }
}

impl NumberTest {
    fn value(&self, wire: &Wire) -> At<u32> {
        let mut base = 0u32;
        let mut value = match wire.word(self.start as usize) {
            At::Known(n) => n,
            other => return other,
        };
        for (step, number) in &self.steps {
            match step {
                Step::And => value &= number,
                Step::Left => value = value.wrapping_shl(*number),
                Step::Right => value = value.wrapping_shr(*number),
                Step::At => {
                    let Some(next) = base.checked_add(value) else { return At::Beyond };
                    base = next;
                    value = match wire.word(base as usize + *number as usize) {
                        At::Known(n) => n,
                        other => return other,
                    };
                }
            }
        }
        At::Known(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Words, parse_packet};

    #[track_caller]
    fn check(text: &str, line: &str, want: At<u32>) {
        let cx = Cx { ext: "u32", opt: "u32", family: super::super::Family::Ip, not: false, proto: None };
        let printed = read(text, cx).expect("it is right");
        let tests = numbers(printed.text());
        let packet = parse_packet(&mut Words::new(line)).expect("it is right");
        assert_eq!(tests.0[0].value(&packet.wire()), want);
    }

    #[test]
    fn numbers_are_read_as_the_kernel_reads_them() {
        check("0>>22&0x3C@0>>24=8", "icmp 10.0.0.1 > 10.0.0.2 echo-request", At::Known(8));
        check("6&0xFF=1", "icmp 10.0.0.1 > 10.0.0.2 echo-request", At::Known(1));
        check("0&0xFFFF=100:65535", "udp 10.0.0.1:1 > 10.0.0.2:2 payload=72", At::Known(100));
        check("0>>22&0x3C@8=1", "udp 10.0.0.1:1 > 10.0.0.2:2 payload=72", At::Unknown);
        check("0>>22&0x3C@8=1", "udp 10.0.0.1:1 > 10.0.0.2:2", At::Beyond);
        check("12=0x0a000001", "udp 10.0.0.1:1 > 10.0.0.2:2", At::Known(0x0a00_0001));
    }
}
