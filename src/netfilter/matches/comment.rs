//! `-m comment`: says something to people, and always matches.

use super::super::extension::{Args, BOTH, Build, Extension, Fidelity, Opt};
use super::super::text::SaveOptions;
use super::super::value::Kind;
use super::super::{Match, RuleError};
use smol_str::SmolStr;

/// The longest comment, in bytes.
const MAX: usize = 255;

/// A remark in a rule (iptables-extensions(8), comment).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment(pub SmolStr);

pub(super) static EXT: Extension = Extension {
    name: "comment",
    families: BOTH,
    opts: &[Opt::new("comment", Kind::Text).req()],
    build: Build::Match(build),
    fidelity: Fidelity::Modelled,
    tables: &[],
    hooks: &[],
};

fn build(args: &Args) -> Result<Match, RuleError> {
    let text = args.text("comment").unwrap_or_default();
    if text.len() > MAX {
        return Err(RuleError::BadValue { ext: "comment".into(), opt: "comment".into(), value: text.into() });
    }
    Ok(Match::Comment(Comment(text.into())))
}

impl Comment {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        out.quoted("comment", &self.0);
    }
}
