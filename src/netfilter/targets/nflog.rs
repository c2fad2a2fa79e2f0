//! `-j NFLOG`: hands a copy of the packet to a program.

use super::super::extension::{Args, BOTH, Extension, Opt};
use super::super::text::{Print, SaveOptions};
use super::super::value::Kind;
use super::super::{RuleError, Target};
use super::log::read_prefix;
use smol_str::SmolStr;

/// Who gets the copy, and how (iptables-extensions(8), NFLOG).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NfLog {
    /// `--nflog-prefix`.
    pub prefix: SmolStr,
    /// `--nflog-group`.
    pub group: u16,
    /// `--nflog-size`: bytes of the packet to copy.
    pub size: Option<u32>,
    /// `--nflog-threshold`: packets to gather before the program is told; 0: the kernel's own.
    pub threshold: u16,
}

/// The prefix's longest part that is kept.
const PREFIX_MAX: usize = 127;

pub(super) static EXT: Extension = Extension::a_target(
    "NFLOG",
    BOTH,
    &[
        Opt::new("nflog-group", Kind::Number(0, u16::MAX as u64)),
        Opt::new("nflog-prefix", Kind::Own(|t, _| read_prefix(t, PREFIX_MAX))),
        Opt::new("nflog-range", Kind::Number(0, u32::MAX as u64)).not_with(&["nflog-size"]),
        Opt::new("nflog-size", Kind::Number(0, u32::MAX as u64)).not_with(&["nflog-range"]),
        Opt::new("nflog-threshold", Kind::Number(0, u16::MAX as u64)),
    ],
    build,
)
.ignoring(&["nflog-range", "nflog-threshold"]);

fn build(args: &Args) -> Result<Target, RuleError> {
    Ok(Target::NfLog(Box::new(NfLog {
        prefix: args.text("nflog-prefix").unwrap_or_default().into(),
        group: args.number("nflog-group").unwrap_or(0) as u16,
        // `--nflog-range` is read and dropped.
        size: args.number("nflog-size").map(|n| n as u32),
        threshold: args.number("nflog-threshold").unwrap_or(0) as u16,
    })))
}

impl NfLog {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        if !self.prefix.is_empty() {
            out.quoted("nflog-prefix", &self.prefix);
        }
        if self.group != 0 {
            out.value("nflog-group", self.group);
        }
        if let Some(size) = self.size {
            out.value("nflog-size", size);
        }
        if self.threshold != 0 {
            out.value("nflog-threshold", self.threshold);
        }
    }
}

impl NfLog {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.as_saved(|save| self.save(save));
    }
}
