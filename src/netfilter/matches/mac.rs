//! `-m mac`: the hardware address a packet came from.

use super::super::extension::{Args, BOTH, Extension, Opt};
use super::super::fact::{Absent, Fact, NotTold, Test};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Kind, Value};
use super::super::{Hook, Inv, Match, RuleError};
use super::MatchCx;
use crate::abi::Mac;

/// A hardware address (iptables-extensions(8), mac).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacMatch(pub Inv<Mac>);

pub(super) static EXT: Extension =
    Extension::a_match("mac", BOTH, &[Opt::new("mac-source", Kind::Mac).inv().req()], build).hooks(&[
        Hook::Prerouting,
        Hook::Input,
        Hook::Forward,
    ]);

fn build(args: &Args) -> Result<Match, RuleError> {
    let mac = args.map("mac-source", |v| match v {
        Value::Mac(mac) => *mac,
        _ => Mac([0; 6]),
    });
    Ok(Match::Mac(MacMatch(mac.unwrap_or(Inv::yes(Mac([0; 6]))))))
}

impl MacMatch {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        out.option("mac-source", self.0);
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        match (&cx.skb.iif, cx.skb.mac) {
            // The loopback interface is no Ethernet.
            (Some(iif), _) if iif.is_lo() => Test::absent(Absent::Ethernet),
            (None, _) => Test::absent(Absent::Ethernet),
            (Some(_), None) => Test::not_told(NotTold::Mac),
            (Some(_), Some(mac)) => Test::new((mac == self.0.value) != self.0.not, Fact::Mac(mac)),
        }
    }
}

impl MacMatch {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        let not = if self.0.not { " !" } else { "" };
        out.words(format_args!("MAC{not} {}", self.0.value));
    }
}
