//! `-j MARK`: sets the packet's mark.

use super::super::extension::{Args, BOTH, Build, Extension, Fidelity, Opt};
use super::super::text::SaveOptions;
use super::super::value::{Kind, Value};
use super::super::{RuleError, Target};

/// The mark becomes `(mark & !mask) ^ value` (iptables-extensions(8), MARK `--set-xmark`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkTarget {
    /// Bits to turn over.
    pub value: u32,
    /// Bits to clear first.
    pub mask: u32,
}

pub(super) static EXT: Extension = Extension {
    name: "MARK",
    families: BOTH,
    opts: &[
        Opt::new("set-xmark", Kind::MarkMask),
        Opt::new("set-mark", Kind::MarkMask),
        Opt::new("and-mark", Kind::Number(0, u32::MAX as u64)),
        Opt::new("or-mark", Kind::Number(0, u32::MAX as u64)),
        Opt::new("xor-mark", Kind::Number(0, u32::MAX as u64)),
    ],
    build: Build::Target(build),
    fidelity: Fidelity::Modelled,
    tables: &[],
    hooks: &[],
};

fn build(args: &Args) -> Result<Target, RuleError> {
    let Some(given) = args.given.last() else {
        return Err(args.said("MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required"));
    };
    if args.given.len() > 1 {
        return Err(args.said("MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required"));
    }
    let n = given.value.number() as u32;
    let (value, mask) = match (args.ext.opts[given.opt].name, &given.value) {
        ("set-xmark", Value::MarkMask(v, m)) => (*v, *m),
        // `--set-mark` also clears the value's own bits.
        ("set-mark", Value::MarkMask(v, m)) => (*v, *v | *m),
        ("and-mark", _) => (0, !n),
        ("or-mark", _) => (n, n),
        _ => (n, 0),
    };
    Ok(Target::Mark(MarkTarget { value, mask }))
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
