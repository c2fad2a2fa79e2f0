//! `-m mark` and `-m connmark`: marks of the packet and of its connection.

use super::super::extension::{Args, BOTH, Extension, Opt};
use super::super::fact::{Absent, Fact, Test};
use super::super::text::{Print, SaveOptions};
use super::super::value::Kind;
use super::super::{Inv, Match, RuleError};
use super::MatchCx;

/// A mark's value under a mask (iptables-extensions(8), mark and connmark).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkMatch {
    /// The connection's mark, and not the packet's.
    pub of_connection: bool,
    /// What the mark under the mask must be.
    pub mark: Inv<u32>,
    /// The bits that count.
    pub mask: u32,
}

pub(super) static MARK: Extension =
    Extension::a_match("mark", BOTH, &[Opt::new("mark", Kind::MarkMask).inv().req()], |args| {
        build(args, false)
    });
pub(super) static CONNMARK: Extension =
    Extension::a_match("connmark", BOTH, &[Opt::new("mark", Kind::MarkMask).inv().req()], |args| {
        build(args, true)
    });

fn build(args: &Args, of_connection: bool) -> Result<Match, RuleError> {
    let Inv { not, value: (value, mask) } = args.mark("mark").unwrap_or(Inv::yes((0, u32::MAX)));
    Ok(Match::Mark(MarkMatch { of_connection, mark: Inv { not, value }, mask }))
}

impl MarkMatch {
    pub(super) fn name(&self) -> &'static str {
        if self.of_connection { "connmark" } else { "mark" }
    }

    pub(super) fn save(&self, out: &mut SaveOptions) {
        let Inv { not, value } = self.mark;
        let text = match self.mask {
            u32::MAX => format!("{value:#x}"),
            mask => format!("{value:#x}/{mask:#x}"),
        };
        out.option("mark", Inv { not, value: text });
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let mark = match (self.of_connection, cx.ct) {
            (false, _) => cx.skb.mark,
            (true, Some(entry)) => entry.mark,
            (true, None) => return Test::absent(Absent::Connection),
        };
        Test::new((mark & self.mask == self.mark.value) != self.mark.not, Fact::Mark(mark))
    }
}

impl MarkMatch {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        let Inv { not, value } = self.mark;
        let name = if self.of_connection { "connmark match " } else { "mark match" };
        let not = match (self.of_connection, not) {
            (false, true) => " !",
            (true, true) => "!",
            (_, false) => "",
        };
        match self.mask {
            u32::MAX => out.words(format_args!("{name}{not} {value:#x}")),
            mask => out.words(format_args!("{name}{not} {value:#x}/{mask:#x}")),
        }
    }
}
