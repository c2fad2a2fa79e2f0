//! `-m set`: sets of ipset(8).

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Fact, SetFact, Ternary, Test};
use super::super::ipset::{Answer, Ask, Compare, Look, Side};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value, number};
use super::super::{Inv, Match, RuleError};
use super::MatchCx;
use smol_str::SmolStr;

/// A set that something of the packet must be in (iptables-extensions(8), set).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetMatch {
    /// The set's name.
    pub name: Inv<SmolStr>,
    /// What is asked of it.
    pub ask: Ask,
}

/// The longest name, in bytes.
const MAX: usize = 31;
/// The most ends of a packet (`IPSET_DIM_MAX`).
const SIDES_MAX: usize = 6;

const COUNTER: Kind = Kind::Own(read_counter);

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
.check(check);

fn read_counter(text: &str, _: Cx) -> Result<Value, RuleError> {
    match number(text) {
        Some(n) => Ok(Value::Number(n)),
        None => said(format!("Cannot parse {text} as a counter value")),
    }
}

fn check(args: &Args) -> Result<(), RuleError> {
    let Some(given) = args.text("match-set") else {
        return said("You must specify `--match-set' with proper arguments");
    };
    check_set(given)?;
    let count = |names: &[&str]| args.given.iter().filter(|a| names.contains(&args.name_of(a))).count();
    if count(&["match-set"]) > 1 {
        return said("--match-set can be specified only once");
    }
    for counter in ["packets", "bytes"] {
        let names = ["eq", "lt", "gt"].map(|op| format!("{counter}-{op}"));
        if count(&names.each_ref().map(String::as_str)) > 1 {
            return said(format!("only one of the --{counter}-[eq|lt|gt] is allowed"));
        }
    }
    Ok(())
}

/// Checks the name of a set.
pub fn check_set(given: &str) -> Result<(), RuleError> {
    let (name, _) = split(given);
    if name.len() > MAX {
        return said(format!("setname `{name}' too long, max {MAX} characters."));
    }
    Ok(())
}

/// The name of a set and the ends of the packet, as an option has them.
pub fn split(given: &str) -> (&str, &str) {
    given.split_once(' ').unwrap_or((given, ""))
}

/// Reads `src,dst,…`.
pub fn read_sides(text: &str) -> Result<Vec<Side>, RuleError> {
    let mut sides = Vec::new();
    for word in text.split(',') {
        if sides.len() >= SIDES_MAX {
            return said(format!("Can't be more src/dst options than {SIDES_MAX}."));
        }
        sides.push(match word {
            "src" => Side::Src,
            "dst" => Side::Dst,
            _ => return said("You must spefify (the comma separated list of) 'src' or 'dst'."),
        });
    }
    Ok(sides)
}

/// `src,dst,…` again.
pub fn sides_text(sides: &[Side]) -> String {
    let word = |side: &Side| match side {
        Side::Src => "src",
        Side::Dst => "dst",
    };
    sides.iter().map(word).collect::<Vec<_>>().join(",")
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let given = args.get("match-set");
    let (not, text) = given.map_or((false, ""), |a| (a.not, a.value.text()));
    let (name, sides) = split(text);
    let compare = |counter: &str| {
        let get = |op: &str| args.get(&format!("{counter}-{op}")).map(|a| (a.not, a.value.number()));
        match (get("eq"), get("lt"), get("gt")) {
            (Some((false, n)), ..) => Compare::Eq(n),
            (Some((true, n)), ..) => Compare::Ne(n),
            (_, Some((_, n)), _) => Compare::Lt(n),
            (.., Some((_, n))) => Compare::Gt(n),
            (None, None, None) => Compare::Any,
        }
    };
    let ask = Ask {
        nomatch: args.has("return-nomatch"),
        count: !args.not("update-counters"),
        subcount: !args.not("update-subcounters"),
        packets: compare("packets"),
        bytes: compare("bytes"),
        ..Ask::new(read_sides(sides)?)
    };
    Ok(Match::Set(Box::new(SetMatch { name: Inv { not, value: name.into() }, ask })))
}

impl SetMatch {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        let value = format_args!("{} {}", self.name.value, sides_text(&self.ask.sides));
        out.option("match-set", Inv { not: self.name.not, value });
        if self.ask.nomatch {
            out.flag("return-nomatch");
        }
        if !self.ask.count {
            out.option("update-counters", Inv { not: true, value: "" });
        }
        if !self.ask.subcount {
            out.option("update-subcounters", Inv { not: true, value: "" });
        }
        for (counter, compare) in [("packets", self.ask.packets), ("bytes", self.ask.bytes)] {
            let (op, not, n) = match compare {
                Compare::Any => continue,
                Compare::Eq(n) => ("eq", false, n),
                Compare::Ne(n) => ("eq", true, n),
                Compare::Lt(n) => ("lt", false, n),
                Compare::Gt(n) => ("gt", false, n),
            };
            out.option(&format!("{counter}-{op}"), Inv { not, value: n });
        }
    }

    /// As `set_match_v4` of `net/netfilter/xt_set.c` does. A set that nobody gave is unknown.
    pub(super) fn test(&self, cx: &mut MatchCx) -> Test {
        let look = Look { skb: cx.skb, now: cx.now };
        let set = &self.name.value;
        let fact = |asked, entry| Fact::Set(SetFact { set: set.clone(), asked, entry });
        let (is_in, fact) = match cx.sets.ask(set, look, &self.ask, cx.changes) {
            Answer::In { asked, entry, .. } => (true, fact(Some(asked), Some(entry))),
            Answer::Out(asked) => (false, fact(asked, None)),
            Answer::Except { asked, entry } => (false, fact(Some(asked), Some(entry))),
            Answer::NotTold(what) => return Test::not_told(what),
            Answer::NoSet => return Test::not_modelled(),
        };
        Test { held: Ternary::from(is_in).negate_if(self.name.not), found: fact }
    }
}

impl SetMatch {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.as_saved(|save| self.save(save));
    }
}
