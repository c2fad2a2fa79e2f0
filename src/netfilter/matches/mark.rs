//! `-m mark` and `-m connmark`: the packet's and the connection's mark.

use super::super::extension::{Args, BOTH, Build, Extension, Fidelity, Opt};
use super::super::fact::{Absent, Fact, Test};
use super::super::text::SaveOptions;
use super::super::value::{Kind, Value};
use super::super::{Inv, Match, RuleError};
use super::MatchCx;
use std::fmt;

/// A mark that must be so, under a mask (iptables-extensions(8), mark and connmark).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkMatch {
    /// The connection's mark, not the packet's.
    pub of_connection: bool,
    /// `--mark`.
    pub mark: Inv<MarkMask>,
}

/// A value with the bits of it that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkMask {
    /// The value.
    pub value: u32,
    /// The bits that count.
    pub mask: u32,
}

impl fmt::Display for MarkMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.value)?;
        if self.mask == u32::MAX { Ok(()) } else { write!(f, "/{:#x}", self.mask) }
    }
}

const OPTS: &[Opt] = &[Opt::new("mark", Kind::MarkMask).inv().req()];

pub(super) static MARK: Extension = Extension {
    name: "mark",
    families: BOTH,
    opts: OPTS,
    build: Build::Match(|args| build(args, false)),
    fidelity: Fidelity::Modelled,
    tables: &[],
    hooks: &[],
};

pub(super) static CONNMARK: Extension = Extension {
    name: "connmark",
    families: BOTH,
    opts: OPTS,
    build: Build::Match(|args| build(args, true)),
    fidelity: Fidelity::Modelled,
    tables: &[],
    hooks: &[],
};

fn build(args: &Args, of_connection: bool) -> Result<Match, RuleError> {
    let mark = args.map("mark", |v| match v {
        Value::MarkMask(value, mask) => MarkMask { value: *value, mask: *mask },
        _ => MarkMask { value: 0, mask: 0 },
    });
    let mark = mark.unwrap_or(Inv::yes(MarkMask { value: 0, mask: 0 }));
    Ok(Match::Mark(MarkMatch { of_connection, mark }))
}

impl MarkMatch {
    pub(super) fn name(&self) -> &'static str {
        if self.of_connection { "connmark" } else { "mark" }
    }

    pub(super) fn save(&self, out: &mut SaveOptions) {
        out.option("mark", self.mark);
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let mark = match (self.of_connection, cx.ct) {
            (false, _) => cx.skb.mark,
            (true, Some(entry)) => entry.mark,
            (true, None) => return Test::absent(Absent::Connection),
        };
        let want = self.mark.value;
        Test::new((mark & want.mask == want.value) != self.mark.not, Fact::Mark(mark))
    }
}
