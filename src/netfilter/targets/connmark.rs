//! `-j CONNMARK`: sets the connection's mark, or carries marks between packet and connection.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::text::{Print, SaveOptions};
use super::super::value::Kind;
use super::super::{RuleError, Target};
use super::mark::mark_words;
use super::mark::set_mark;

/// What becomes of a connection's mark (iptables-extensions(8), CONNMARK).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnMark {
    /// What is done.
    pub action: ConnMarkAction,
    /// `--left-shift-mark` (above 0) or `--right-shift-mark` (below 0): by how many bits the new mark is shifted.
    pub shift: i8,
}

/// The three things that CONNMARK does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnMarkAction {
    /// The connection's mark becomes `(mark & !mask) ^ value`.
    Set {
        /// Bits to turn over.
        value: u32,
        /// Bits to clear first.
        mask: u32,
    },
    /// The connection's mark becomes `(ctmark & !ctmask) ^ (mark & nfmask)`.
    Save {
        /// Bits of the packet's mark that count.
        nfmask: u32,
        /// Bits of the connection's mark to clear first.
        ctmask: u32,
    },
    /// The packet's mark becomes `(mark & !nfmask) ^ (ctmark & ctmask)`.
    Restore {
        /// Bits of the packet's mark to clear first.
        nfmask: u32,
        /// Bits of the connection's mark that count.
        ctmask: u32,
    },
}

const ALL_BITS: Kind = Kind::Number(0, u32::MAX as u64);
const SHIFT: Kind = Kind::Number(0, 32);

pub(super) static EXT: Extension = Extension::a_target(
    "CONNMARK",
    BOTH,
    &[
        Opt::new("set-xmark", Kind::MarkMask).not_with(&[
            "set-mark",
            "and-mark",
            "or-mark",
            "xor-mark",
            "save-mark",
            "restore-mark",
        ]),
        Opt::new("set-mark", Kind::MarkMask).not_with(&[
            "set-xmark",
            "and-mark",
            "or-mark",
            "xor-mark",
            "save-mark",
            "restore-mark",
        ]),
        Opt::new("and-mark", ALL_BITS).not_with(&[
            "set-xmark",
            "set-mark",
            "or-mark",
            "xor-mark",
            "save-mark",
            "restore-mark",
        ]),
        Opt::new("or-mark", ALL_BITS).not_with(&[
            "set-xmark",
            "set-mark",
            "and-mark",
            "xor-mark",
            "save-mark",
            "restore-mark",
        ]),
        Opt::new("xor-mark", ALL_BITS).not_with(&[
            "set-xmark",
            "set-mark",
            "and-mark",
            "or-mark",
            "save-mark",
            "restore-mark",
        ]),
        Opt::flag("save-mark").not_with(&[
            "set-xmark",
            "set-mark",
            "and-mark",
            "or-mark",
            "xor-mark",
            "restore-mark",
        ]),
        Opt::flag("restore-mark").not_with(&[
            "set-xmark",
            "set-mark",
            "and-mark",
            "or-mark",
            "xor-mark",
            "save-mark",
        ]),
        Opt::new("left-shift-mark", SHIFT).not_with(&["right-shift-mark"]),
        Opt::new("right-shift-mark", SHIFT).not_with(&["left-shift-mark"]),
        Opt::new("ctmask", ALL_BITS).not_with(&["mask"]),
        Opt::new("nfmask", ALL_BITS).not_with(&["mask"]),
        Opt::new("mask", ALL_BITS).not_with(&["ctmask", "nfmask"]),
    ],
    build,
)
.check(|args| if action(args).is_some() { Ok(()) } else { said("CONNMARK target: No operation specified") });

fn action(args: &Args) -> Option<ConnMarkAction> {
    if let Some(set) = set_mark(args) {
        return Some(ConnMarkAction::Set { value: set.value, mask: set.mask });
    }
    let mask = |name| args.number("mask").or(args.number(name)).map_or(u32::MAX, |n| n as u32);
    let (nfmask, ctmask) = (mask("nfmask"), mask("ctmask"));
    if args.has("save-mark") {
        return Some(ConnMarkAction::Save { nfmask, ctmask });
    }
    args.has("restore-mark").then_some(ConnMarkAction::Restore { nfmask, ctmask })
}

fn build(args: &Args) -> Result<Target, RuleError> {
    let shift = |name| args.number(name).map(|n| n as i8);
    let shift = shift("left-shift-mark").or(shift("right-shift-mark").map(|n| -n)).unwrap_or(0);
    let action = action(args).unwrap_or(ConnMarkAction::Set { value: 0, mask: 0 });
    Ok(Target::ConnMark(ConnMark { action, shift }))
}

impl ConnMark {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        match self.action {
            ConnMarkAction::Set { value, mask } => {
                out.value("set-xmark", format_args!("{value:#x}/{mask:#x}"))
            }
            ConnMarkAction::Save { nfmask, ctmask } => {
                out.flag("save-mark");
                masks(out, nfmask, ctmask);
            }
            ConnMarkAction::Restore { nfmask, ctmask } => {
                out.flag("restore-mark");
                masks(out, nfmask, ctmask);
            }
        }
        match self.shift {
            0 => {}
            1.. => out.value("left-shift-mark", self.shift),
            _ => out.value("right-shift-mark", -self.shift),
        }
    }

    /// The packet's mark and the connection's afterwards (`connmark_tg_shift`).
    pub fn apply(self, mark: u32, ctmark: u32) -> (u32, u32) {
        let shifted = |value: u32| match self.shift {
            0 => value,
            left @ 1.. => value.checked_shl(left as u32).unwrap_or(0),
            right => value.checked_shr(right.unsigned_abs().into()).unwrap_or(0),
        };
        match self.action {
            ConnMarkAction::Set { value, mask } => (mark, shifted((ctmark & !mask) ^ value)),
            ConnMarkAction::Save { nfmask, ctmask } => (mark, (ctmark & !ctmask) ^ shifted(mark & nfmask)),
            ConnMarkAction::Restore { nfmask, ctmask } => {
                ((mark & !nfmask) ^ shifted(ctmark & ctmask), ctmark)
            }
        }
    }
}

fn masks(out: &mut SaveOptions, nfmask: u32, ctmask: u32) {
    out.value("nfmask", format_args!("{nfmask:#x}"));
    out.value("ctmask", format_args!("{ctmask:#x}"));
}

impl ConnMark {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.words("CONNMARK");
        match self.action {
            ConnMarkAction::Set { value, mask } => out.words(mark_words(value, mask)),
            ConnMarkAction::Save { nfmask: u32::MAX, ctmask: u32::MAX } => out.words("save"),
            ConnMarkAction::Save { nfmask, ctmask } if nfmask == ctmask => {
                out.words(format_args!("save mask {nfmask:#x}"));
            }
            ConnMarkAction::Save { nfmask, ctmask } => {
                out.words(format_args!("save nfmask {nfmask:#x} ctmask ~{ctmask:#x}"));
            }
            ConnMarkAction::Restore { nfmask: u32::MAX, ctmask: u32::MAX } => out.words("restore"),
            ConnMarkAction::Restore { nfmask, ctmask } if nfmask == ctmask => {
                out.words(format_args!("restore mask {ctmask:#x}"));
            }
            ConnMarkAction::Restore { nfmask, ctmask } => {
                out.words(format_args!("restore ctmask {ctmask:#x} nfmask ~{nfmask:#x}"));
            }
        }
        match self.shift {
            0 => {}
            1.. => out.words(format_args!("left-shift-mark {}", self.shift)),
            _ => out.words(format_args!("right-shift-mark {}", -i16::from(self.shift))),
        }
    }
}
