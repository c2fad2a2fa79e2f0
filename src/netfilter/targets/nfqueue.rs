//! `-j NFQUEUE`: hands the packet to a program, which says what becomes of it.

use super::super::error::KernelError;
use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value, read};
use super::super::{RuleError, Target};

/// The queue, and what happens where no program listens (iptables-extensions(8), NFQUEUE).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NfQueue {
    /// Lowest and highest queue; a flow keeps its own.
    pub queues: (u16, u16),
    /// `--queue-bypass`: without a program the packet goes on; else it is dropped.
    pub bypass: bool,
    /// `--queue-cpu-fanout`: the processor chooses the queue.
    pub cpu_fanout: bool,
}

pub(super) static EXT: Extension = Extension::a_target(
    "NFQUEUE",
    BOTH,
    &[
        Opt::new("queue-num", Kind::Number(0, u16::MAX as u64)).not_with(&["queue-balance"]),
        Opt::new("queue-balance", Kind::Own(read_balance)).not_with(&["queue-num"]),
        Opt::flag("queue-bypass"),
        Opt::flag("queue-cpu-fanout").with(&["queue-balance"]),
    ],
    build,
)
.ignoring(&["queue-cpu-fanout"]);

fn read_balance(text: &str, cx: Cx) -> Result<Value, RuleError> {
    let value = read(Kind::Range(u16::MAX.into()), text, cx)?;
    let (low, high) = value.range();
    if !text.contains(':') {
        return said(format!("Bad range \"{text}\""));
    }
    if low >= high {
        return said(format!("{low} should be less than {high}"));
    }
    Ok(value)
}

fn build(args: &Args) -> Result<Target, RuleError> {
    let queues = match args.map("queue-balance", |v| v.range()) {
        Some(balance) => balance.value,
        None => args.number("queue-num").map_or((0, 0), |n| (n, n)),
    };
    Ok(Target::NfQueue(NfQueue {
        queues: (queues.0 as u16, queues.1 as u16),
        bypass: args.has("queue-bypass"),
        cpu_fanout: args.has("queue-cpu-fanout"),
    }))
}

impl NfQueue {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        let (low, high) = self.queues;
        if low == high {
            out.value("queue-num", low);
        } else {
            out.value("queue-balance", format_args!("{low}:{high}"));
        }
        if self.bypass {
            out.flag("queue-bypass");
        }
        if self.cpu_fanout {
            out.flag("queue-cpu-fanout");
        }
    }

    /// The kernel counts queues in 16 bits: all of them are too many.
    pub(super) fn kernel(&self) -> Option<KernelError> {
        (self.queues == (0, u16::MAX)).then_some(KernelError::InvalidArgument)
    }
}

impl NfQueue {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        let (low, high) = self.queues;
        match low == high {
            true => out.words(format_args!("NFQUEUE num {low}")),
            false => out.words(format_args!("NFQUEUE balance {low}:{high}")),
        }
        if self.bypass {
            out.words("bypass");
        }
        if self.cpu_fanout {
            out.words("cpu-fanout");
        }
    }
}
