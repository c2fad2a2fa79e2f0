//! `-m state`: the older name of a connection's state.

use super::super::conntrack::CtState;
use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Fact, Test};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value};
use super::super::{Inv, Match, RuleError};
use super::MatchCx;
use super::conntrack::{list, states_of};

/// A set of connection states (iptables-extensions(8), state).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateMatch(pub Inv<Vec<CtState>>);

pub(super) static EXT: Extension =
    Extension::a_match("state", BOTH, &[Opt::new("state", Kind::Own(read)).inv().req()], build);

fn read(text: &str, _: Cx) -> Result<Value, RuleError> {
    if text.is_empty() || text.ends_with(',') && text != "," {
        return said("\"--state\" requires a list of states with no spaces, e.g. ESTABLISHED,RELATED");
    }
    list("state", text, &["INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED"])
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let bits = args.number("state").unwrap_or_default();
    Ok(Match::State(StateMatch(Inv { not: args.not("state"), value: states_of(bits) })))
}

impl StateMatch {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        let names: Vec<_> = self.0.value.iter().map(|s| s.name()).collect();
        out.option("state", Inv { not: self.0.not, value: names.join(",") });
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let state = cx.skb.ct.map_or(CtState::Invalid, |ct| ct.state);
        Test::new(self.0.value.contains(&state) != self.0.not, Fact::State(state))
    }
}

impl StateMatch {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.as_saved(|save| self.save(save));
    }
}
