//! `-m u32`: numbers anywhere in the packet. Kept: packets have no bytes here.

use super::super::RuleError;
use super::super::extension::{BOTH, Extension, Fidelity, Opt, said};
use super::super::kept::Kept;
use super::super::value::{Cx, Kind, Value, leading_number};

/// A test holds so many locations, so many ranges, and a match so many tests.
const MAX: usize = 10;

pub(super) static EXT: Extension =
    Extension::a_match("u32", BOTH, &[Opt::new("u32", Kind::Own(read)).inv().req()], |args| {
        let mut kept = Kept::new(args);
        kept.put("u32", args.map("u32", |v| format!("\"{}\"", v.text())));
        kept.into_match()
    })
    .fidelity(Fidelity::Kept);

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
