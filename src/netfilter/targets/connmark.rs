//! `-j CONNMARK`: sets the connection's mark, or carries it to or from the packet's.

use super::super::extension::{Args, BOTH, Build, Extension, Fidelity, Opt};
use super::super::text::SaveOptions;
use super::super::value::{Kind, Value};
use super::super::{RuleError, Target};

/// What happens to the two marks (iptables-extensions(8), CONNMARK).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connmark {
    /// The connection's becomes `(mark & !mask) ^ value`.
    Set {
        /// Bits to turn over.
        value: u32,
        /// Bits to clear first.
        mask: u32,
    },
    /// The connection's becomes `(ctmark & !ctmask) ^ (mark & nfmask)`.
    Save {
        /// Bits of the packet's that count.
        nfmask: u32,
        /// Bits of the connection's that are cleared first.
        ctmask: u32,
    },
    /// The packet's becomes `(mark & !nfmask) ^ (ctmark & ctmask)`.
    Restore {
        /// Bits of the packet's that are cleared first.
        nfmask: u32,
        /// Bits of the connection's that count.
        ctmask: u32,
    },
}

const U32: Kind = Kind::Number(0, u32::MAX as u64);

pub(super) static EXT: Extension = Extension {
    name: "CONNMARK",
    families: BOTH,
    opts: &[
        Opt::new("set-xmark", Kind::MarkMask),
        Opt::new("set-mark", Kind::MarkMask),
        Opt::new("and-mark", U32),
        Opt::new("or-mark", U32),
        Opt::new("xor-mark", U32),
        Opt::new("save-mark", Kind::None),
        Opt::new("restore-mark", Kind::None),
        Opt::new("ctmask", U32),
        Opt::new("nfmask", U32),
        Opt::new("mask", U32),
    ],
    build: Build::Target(build),
    fidelity: Fidelity::Modelled,
    tables: &[],
    hooks: &[],
};

fn build(args: &Args) -> Result<Target, RuleError> {
    let actions: Vec<_> = args.given.iter().filter(|a| a.opt <= 6).collect();
    let [action] = actions[..] else {
        return Err(args.said(if actions.is_empty() {
            "CONNMARK target: No operation specified"
        } else {
            "CONNMARK: At most one action is possible"
        }));
    };
    let n = action.value.number() as u32;
    let both = args.number("mask").map(|m| m as u32);
    let mask = |name: &str| args.number(name).map(|m| m as u32).or(both).unwrap_or(u32::MAX);
    let (nfmask, ctmask) = (mask("nfmask"), mask("ctmask"));
    let connmark = match (args.ext.opts[action.opt].name, &action.value) {
        ("set-xmark", Value::MarkMask(value, mask)) => Connmark::Set { value: *value, mask: *mask },
        ("set-mark", Value::MarkMask(value, mask)) => Connmark::Set { value: *value, mask: *value | *mask },
        ("and-mark", _) => Connmark::Set { value: 0, mask: !n },
        ("or-mark", _) => Connmark::Set { value: n, mask: n },
        ("xor-mark", _) => Connmark::Set { value: n, mask: 0 },
        ("save-mark", _) => Connmark::Save { nfmask, ctmask },
        _ => Connmark::Restore { nfmask, ctmask },
    };
    Ok(Target::Connmark(connmark))
}

impl Connmark {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        let mut masks = |name, nfmask: u32, ctmask: u32| {
            out.flag(name);
            out.value("nfmask", format_args!("{nfmask:#x}"));
            out.value("ctmask", format_args!("{ctmask:#x}"));
        };
        match *self {
            Connmark::Set { value, mask } => out.value("set-xmark", format_args!("{value:#x}/{mask:#x}")),
            Connmark::Save { nfmask, ctmask } => masks("save-mark", nfmask, ctmask),
            Connmark::Restore { nfmask, ctmask } => masks("restore-mark", nfmask, ctmask),
        }
    }

    /// The packet's and the connection's mark afterwards.
    pub fn apply(self, mark: u32, ctmark: u32) -> (u32, u32) {
        match self {
            Connmark::Set { value, mask: clear } => (mark, (ctmark & !clear) ^ value),
            Connmark::Save { nfmask, ctmask } => (mark, (ctmark & !ctmask) ^ (mark & nfmask)),
            Connmark::Restore { nfmask, ctmask } => ((mark & !nfmask) ^ (ctmark & ctmask), ctmark),
        }
    }
}
