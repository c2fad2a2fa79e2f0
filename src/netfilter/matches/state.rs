//! `-m state`: the older name of a connection's state.

use super::super::conntrack::CtState;
use super::super::extension::{Args, BOTH, Build, Extension, Fidelity, Opt};
use super::super::fact::{Fact, Test};
use super::super::text::SaveOptions;
use super::super::value::Kind;
use super::super::{Inv, Match, RuleError};
use super::MatchCx;

/// A set of connection states (iptables-extensions(8), state).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateMatch(pub Inv<Vec<CtState>>);

pub(super) static EXT: Extension = Extension {
    name: "state",
    families: BOTH,
    opts: &[Opt::new("state", Kind::Text).inv().req()],
    build: Build::Match(build),
    fidelity: Fidelity::Modelled,
    tables: &[],
    hooks: &[],
};

/// The order in which iptables prints the states of `state`.
const ORDER: [CtState; 5] =
    [CtState::Invalid, CtState::New, CtState::Related, CtState::Established, CtState::Untracked];

fn build(args: &Args) -> Result<Match, RuleError> {
    let Some(given) = args.get("state") else {
        return Err(args.said("You must specify \"--state\""));
    };
    let mut states = Vec::new();
    for name in given.value.text().split(',') {
        match ORDER.into_iter().find(|s| s.name().eq_ignore_ascii_case(name)) {
            Some(state) => states.push(state),
            None => return Err(args.said(format!("Bad state \"{name}\""))),
        }
    }
    states.sort_by_key(|s| ORDER.iter().position(|o| o == s));
    states.dedup();
    Ok(Match::State(StateMatch(Inv { not: given.not, value: states })))
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
