//! `-m mac`: the Ethernet address that a packet came from.

use super::super::extension::{Args, BOTH, Build, Extension, Fidelity, Opt};
use super::super::fact::{Absent, Fact, NotTold, Test};
use super::super::text::SaveOptions;
use super::super::value::{Kind, Value};
use super::super::{Hook, Inv, Match, RuleError};
use super::MatchCx;
use crate::abi::Mac;

/// A source address on the link (iptables-extensions(8), mac).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacMatch {
    /// `--mac-source`.
    pub source: Inv<Mac>,
}

pub(super) static EXT: Extension = Extension {
    name: "mac",
    families: BOTH,
    opts: &[Opt::new("mac-source", Kind::Mac).inv().req()],
    build: Build::Match(build),
    fidelity: Fidelity::Modelled,
    tables: &[],
    hooks: &[Hook::Prerouting, Hook::Input, Hook::Forward],
};

fn build(args: &Args) -> Result<Match, RuleError> {
    match args.get("mac-source").map(|a| (a.not, &a.value)) {
        Some((not, Value::Mac(mac))) => Ok(Match::Mac(MacMatch { source: Inv { not, value: *mac } })),
        _ => Err(RuleError::Required { ext: "mac", opt: "mac-source" }),
    }
}

impl MacMatch {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        out.option("mac-source", self.source);
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        match (cx.skb.mac, &cx.skb.iif) {
            (Some(mac), _) => Test::new((mac == self.source.value) != self.source.not, Fact::Mac(mac)),
            (None, Some(iif)) if !iif.is_lo() => Test::not_told(NotTold::Mac),
            (None, _) => Test::absent(Absent::Ethernet),
        }
    }
}
