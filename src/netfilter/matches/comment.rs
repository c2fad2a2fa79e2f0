//! `-m comment`: says something to people, and always matches.

use super::super::extension::{Args, BOTH, Extension, Opt};
use super::super::text::{Print, SaveOptions};
use super::super::value::Kind;
use super::super::{Match, RuleError};
use smol_str::SmolStr;

/// The longest comment, in bytes.
const MAX: usize = 255;

/// A remark in a rule (iptables-extensions(8), comment).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment(pub SmolStr);

pub(super) static EXT: Extension =
    Extension::a_match("comment", BOTH, &[Opt::new("comment", Kind::Cut(MAX)).req()], build);

fn build(args: &Args) -> Result<Match, RuleError> {
    Ok(Match::Comment(Comment(args.text("comment").unwrap_or_default().into())))
}

impl Comment {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        out.quoted("comment", &self.0);
    }
}

impl Comment {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.words(format_args!("/* {} */", self.0));
    }
}
