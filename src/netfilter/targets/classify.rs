//! `-j CLASSIFY`: sets the packet's class for traffic control.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value};
use super::super::{Hook, RuleError, Target};

/// Major and minor number of a class (iptables-extensions(8), CLASSIFY).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classify(pub u16, pub u16);

pub(super) static EXT: Extension =
    Extension::a_target("CLASSIFY", BOTH, &[Opt::new("set-class", Kind::Own(read)).req()], build).hooks(&[
        Hook::Forward,
        Hook::Output,
        Hook::Postrouting,
    ]);

/// Two hexadecimal numbers, of which the lower 16 bits count.
fn read(text: &str, _: Cx) -> Result<Value, RuleError> {
    let found = hex(text).and_then(|(major, rest)| Some((major, hex(rest.strip_prefix(':')?)?.0)));
    match found {
        Some((major, minor)) => Ok(Value::Range(major, minor)),
        None => said(format!("Bad class value \"{text}\"")),
    }
}

fn hex(text: &str) -> Option<(u64, &str)> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
    let number = u64::from_str_radix(&digits[..end], 16).ok()?;
    Some((number & 0xffff, &digits[end..]))
}

fn build(args: &Args) -> Result<Target, RuleError> {
    let (major, minor) = args.get("set-class").map_or((0, 0), |a| a.value.range());
    Ok(Target::Classify(Classify(major as u16, minor as u16)))
}

impl Classify {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        out.value("set-class", format_args!("{:04x}:{:04x}", self.0, self.1));
    }
}

impl Classify {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.words(format_args!("CLASSIFY set {:x}:{:x}", self.0, self.1));
    }
}
