//! `-m physdev`: the ports of a bridge that a packet goes through.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Fact, Test};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value};
use super::super::{Hook, IfMatch, Inv, Match, RuleError};
use super::MatchCx;
use crate::abi::IfName;

/// Bridge ports (iptables-extensions(8), physdev).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhysDev {
    /// `--physdev-is-in`; false where it is negated.
    pub is_in: Option<bool>,
    /// `--physdev-in`.
    pub iif: Option<Inv<IfMatch>>,
    /// `--physdev-is-out`; false where it is negated.
    pub is_out: Option<bool>,
    /// `--physdev-out`.
    pub oif: Option<Inv<IfMatch>>,
    /// `--physdev-is-bridged`; false where it is negated.
    pub is_bridged: Option<bool>,
}

pub(super) static EXT: Extension = Extension::a_match(
    "physdev",
    BOTH,
    &[
        Opt::new("physdev-in", Kind::Own(read_name)).inv(),
        Opt::new("physdev-out", Kind::Own(read_name)).inv(),
        Opt::flag("physdev-is-in").inv(),
        Opt::flag("physdev-is-out").inv(),
        Opt::flag("physdev-is-bridged").inv(),
    ],
    build,
)
.check(|args| if args.given.is_empty() { said("PHYSDEV: no physdev option specified") } else { Ok(()) });

fn read_name(text: &str, _: Cx) -> Result<Value, RuleError> {
    match IfMatch::new(text) {
        Some(_) => Ok(Value::Text(text.into())),
        None => Err(RuleError::IfNameTooLong(text.into())),
    }
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let name = |option| {
        let a = args.get(option)?;
        Some(Inv { not: a.not, value: IfMatch::new(a.value.text())? })
    };
    let flag = |option| args.get(option).map(|a| !a.not);
    Ok(Match::PhysDev(Box::new(PhysDev {
        is_in: flag("physdev-is-in"),
        iif: name("physdev-in"),
        is_out: flag("physdev-is-out"),
        oif: name("physdev-out"),
        is_bridged: flag("physdev-is-bridged"),
    })))
}

impl PhysDev {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        let flag = |out: &mut SaveOptions, name, is: Option<bool>| {
            if let Some(is) = is {
                out.option(name, Inv { not: !is, value: "" });
            }
        };
        flag(out, "physdev-is-in", self.is_in);
        if let Some(Inv { not, value }) = &self.iif {
            out.option("physdev-in", Inv { not: *not, value });
        }
        flag(out, "physdev-is-out", self.is_out);
        if let Some(Inv { not, value }) = &self.oif {
            out.option("physdev-out", Inv { not: *not, value });
        }
        flag(out, "physdev-is-bridged", self.is_bridged);
    }

    /// The base chains from which the kernel takes it: in OUTPUT no bridge port is chosen yet.
    pub(super) fn base_hooks(&self) -> &'static [Hook] {
        if (self.oif.is_some() || self.is_out.is_some()) && self.is_bridged != Some(true) {
            return &[Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Postrouting];
        }
        &[]
    }

    /// A packet that crossed no bridge fits where all that is asked for is negated (`physdev_mt`). On a host
    /// that nobody described, one that came in by a wire may have crossed one.
    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let skb = cx.skb;
        if skb.physin.is_some() || skb.physout.is_some() {
            let is = |want: Option<bool>, found: bool| want.is_none_or(|want| want == found);
            let named = |want: &Option<Inv<IfMatch>>, found: &Option<IfName>| {
                let fits = |i: &IfMatch| found.as_ref().is_some_and(|name| i.matches(name));
                want.as_ref().is_none_or(|i| fits(&i.value) != i.not)
            };
            let held = is(self.is_bridged, skb.physout.is_some())
                && is(self.is_in, skb.physin.is_some())
                && is(self.is_out, skb.physout.is_some())
                && named(&self.iif, &skb.physin)
                && named(&self.oif, &skb.physout);
            return Test::new(held, Fact::Iface(skb.physin.clone().or_else(|| skb.physout.clone())));
        }
        if !cx.env.is_described() && skb.iif.as_ref().is_some_and(|iif| !iif.is_lo()) {
            return Test::not_modelled();
        }
        let negated = self.is_in != Some(true)
            && self.is_out != Some(true)
            && self.is_bridged != Some(true)
            && self.iif.as_ref().is_none_or(|i| i.not)
            && self.oif.as_ref().is_none_or(|o| o.not);
        Test::new(negated, Fact::Iface(None))
    }
}

impl PhysDev {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.words("PHYSDEV match");
        out.word_for_word(|save| self.save(save));
    }
}
