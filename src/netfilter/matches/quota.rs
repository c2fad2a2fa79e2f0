//! `-m quota`: so many bytes, and no more.

use super::super::extension::{Args, BOTH, Extension, Opt};
use super::super::fact::{Fact, Test};
use super::super::modules::Place;
use super::super::text::{Print, SaveOptions};
use super::super::value::{Kind, Value};
use super::super::{Inv, Match, RuleError};
use super::MatchCx;

/// Bytes that may pass (iptables-extensions(8), quota).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota(pub Inv<u64>);

pub(super) static EXT: Extension =
    Extension::a_match("quota", BOTH, &[Opt::new("quota", Kind::Number(0, u64::MAX)).inv().req()], build);

fn build(args: &Args) -> Result<Match, RuleError> {
    Ok(Match::Quota(Quota(args.map("quota", Value::number).unwrap_or(Inv::yes(0)))))
}

impl Quota {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        out.option("quota", self.0);
    }

    /// As `quota_mt` does: the first packet that does not fit ends it for good.
    pub(super) fn test(&self, cx: &mut MatchCx) -> Test {
        let left = cx.modules.quotas.entry(Place::of(cx.family, cx.at)).or_insert(self.0.value);
        let before = *left;
        let fits = before.checked_sub(cx.skb.packet.len().into());
        *left = fits.unwrap_or(0);
        Test::new(fits.is_some() != self.0.not, Fact::Number(before))
    }
}

impl Quota {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.words(format_args!("quota: {} bytes", self.0.value));
    }
}
