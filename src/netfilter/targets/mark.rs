//! `-j MARK`: sets the packet's mark.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::text::{Print, SaveOptions};
use super::super::value::Kind;
use super::super::{RuleError, Target};

/// The mark becomes `(mark & !mask) ^ value` (iptables-extensions(8), MARK `--set-xmark`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkTarget {
    /// Bits to turn over.
    pub value: u32,
    /// Bits to clear first.
    pub mask: u32,
}

const ALL_BITS: Kind = Kind::Number(0, u32::MAX as u64);

pub(super) static EXT: Extension = Extension::a_target(
    "MARK",
    BOTH,
    &[
        Opt::new("set-xmark", Kind::MarkMask).not_with(&["set-mark", "and-mark", "or-mark", "xor-mark"]),
        Opt::new("set-mark", Kind::MarkMask).not_with(&["set-xmark", "and-mark", "or-mark", "xor-mark"]),
        Opt::new("and-mark", ALL_BITS).not_with(&["set-xmark", "set-mark", "or-mark", "xor-mark"]),
        Opt::new("or-mark", ALL_BITS).not_with(&["set-xmark", "set-mark", "and-mark", "xor-mark"]),
        Opt::new("xor-mark", ALL_BITS).not_with(&["set-xmark", "set-mark", "and-mark", "or-mark"]),
    ],
    build,
)
.check(|args| {
    if args.given.is_empty() {
        return said("MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required");
    }
    Ok(())
});

fn build(args: &Args) -> Result<Target, RuleError> {
    Ok(Target::Mark(set_mark(args).unwrap_or(MarkTarget { value: 0, mask: 0 })))
}

/// What the five options that set a mark say.
pub(super) fn set_mark(args: &Args) -> Option<MarkTarget> {
    args.given.iter().find_map(|given| {
        let (value, mask) = given.value.mark();
        let n = given.value.number() as u32;
        let (value, mask) = match args.name_of(given) {
            "set-xmark" => (value, mask),
            // `--set-mark` also clears the value's own bits.
            "set-mark" => (value, value | mask),
            "and-mark" => (0, !n),
            "or-mark" => (n, n),
            "xor-mark" => (n, 0),
            _ => return None,
        };
        Some(MarkTarget { value, mask })
    })
}

impl MarkTarget {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        out.value("set-xmark", format_args!("{:#x}/{:#x}", self.value, self.mask));
    }

    /// The mark that this one becomes.
    pub fn apply(self, mark: u32) -> u32 {
        (mark & !self.mask) ^ self.value
    }
}

impl MarkTarget {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.words(format_args!("MARK {}", mark_words(self.value, self.mask)));
    }
}

/// What is done to a mark: the short form that says it.
pub(super) fn mark_words(value: u32, mask: u32) -> String {
    match (value, mask) {
        (0, _) => format!("and {:#x}", !mask),
        _ if value == mask => format!("or {value:#x}"),
        (_, 0) => format!("xor {value:#x}"),
        (_, u32::MAX) => format!("set {value:#x}"),
        _ => format!("xset {value:#x}/{mask:#x}"),
    }
}
