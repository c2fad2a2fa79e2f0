//! `-m set`: sets of ipset(8), which no dump of rules brings along.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::text::SaveOptions;
use super::super::value::Kind;
use super::super::{Inv, Match, RuleError};
use smol_str::SmolStr;

/// A set that an address of the packet must be in (iptables-extensions(8), set).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetMatch {
    /// The set's name.
    pub name: Inv<SmolStr>,
    /// `src` and `dst` for each part of the set's entries.
    pub dirs: SmolStr,
    /// The options after them, as iptables prints them.
    pub more: Vec<SmolStr>,
}

/// The longest name, in bytes.
const MAX: usize = 31;

const COUNTER: Kind = Kind::Number(0, u64::MAX);

pub(super) static EXT: Extension = Extension::a_match(
    "set",
    BOTH,
    &[
        Opt::new("match-set", Kind::TwoTexts).inv().many().or(&["set"]),
        Opt::flag("return-nomatch").many(),
        Opt::flag("update-counters").inv().many(),
        Opt::flag("update-subcounters").inv().many(),
        Opt::new("packets-eq", COUNTER).inv().many(),
        Opt::new("packets-lt", COUNTER).many(),
        Opt::new("packets-gt", COUNTER).many(),
        Opt::new("bytes-eq", COUNTER).inv().many(),
        Opt::new("bytes-lt", COUNTER).many(),
        Opt::new("bytes-gt", COUNTER).many(),
    ],
    build,
)
.check(check)
.fidelity(super::super::extension::Fidelity::Kept);

fn check(args: &Args) -> Result<(), RuleError> {
    let Some(given) = args.text("match-set") else {
        return said("You must specify `--match-set' with proper arguments");
    };
    let name = given.split(' ').next().unwrap_or_default();
    if name.len() > MAX {
        return said(format!("setname `{name}' too long, max {MAX} characters."));
    }
    Ok(())
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let given = args.get("match-set");
    let (not, text) = given.map_or((false, ""), |a| (a.not, a.value.text()));
    let (name, dirs) = text.split_once(' ').unwrap_or((text, ""));
    let more = args.given.iter().filter(|a| args.name_of(a) != "match-set");
    let words = more.flat_map(|a| {
        let not = a.not.then(|| SmolStr::new_static("!"));
        let number = args.ext.opts[a.opt].kind;
        let value = matches!(number, Kind::Number(..)).then(|| a.value.number().to_string().into());
        not.into_iter().chain([format!("--{}", args.name_of(a)).into()]).chain(value)
    });
    Ok(Match::Set(Box::new(SetMatch {
        name: Inv { not, value: name.into() },
        dirs: dirs.into(),
        more: words.collect(),
    })))
}

impl SetMatch {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        let value = format_args!("{} {}", self.name.value, self.dirs);
        out.option("match-set", Inv { not: self.name.not, value });
        for word in &self.more {
            out.raw(word);
        }
    }
}
