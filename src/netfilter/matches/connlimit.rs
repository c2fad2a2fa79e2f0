//! `-m connlimit`: how many connections a network has open.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Fact, Test};
use super::super::modules::Place;
use super::super::rule::AddrMask;
use super::super::text::{Print, SaveOptions};
use super::super::value::{Kind, Value};
use super::super::{Match, RuleError, TcpState, Zone};
use super::MatchCx;
use crate::packet::Tuple;

/// How many connections of one network are allowed (iptables-extensions(8), connlimit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnLimit {
    /// `--connlimit-above`: matches what is beyond the limit; else (`--connlimit-upto`) what is within.
    pub above: bool,
    /// The limit.
    pub limit: u32,
    /// `--connlimit-mask`, a prefix length.
    pub mask: u8,
    /// `--connlimit-daddr`: the destination's network counts, and not the source's.
    pub dest: bool,
}

pub(super) static EXT: Extension = Extension::a_match(
    "connlimit",
    BOTH,
    &[
        Opt::new("connlimit-upto", Kind::Number(0, u32::MAX as u64)).inv().not_with(&["connlimit-above"]),
        Opt::new("connlimit-above", Kind::Number(0, u32::MAX as u64)).inv().not_with(&["connlimit-upto"]),
        Opt::new("connlimit-mask", Kind::PrefixMask),
        Opt::flag("connlimit-saddr").not_with(&["connlimit-daddr"]),
        Opt::flag("connlimit-daddr").not_with(&["connlimit-saddr"]),
    ],
    build,
)
.check(|args| {
    if args.has("connlimit-above") || args.has("connlimit-upto") {
        return Ok(());
    }
    said("You must specify \"--connlimit-above\" or \"--connlimit-upto\".")
});

fn build(args: &Args) -> Result<Match, RuleError> {
    let above = args.map("connlimit-above", Value::number);
    let upto = args.map("connlimit-upto", Value::number);
    let (above, limit) = match (above, upto) {
        (Some(limit), _) => (!limit.not, limit.value),
        (None, Some(limit)) => (limit.not, limit.value),
        (None, None) => (true, 0),
    };
    // A mask that is no prefix counts as a whole one.
    let mask = match args.get("connlimit-mask").map(|a| &a.value) {
        Some(Value::Host(mask)) => AddrMask::new(*mask, *mask).and_then(|net| net.prefix_len()),
        _ => None,
    };
    Ok(Match::ConnLimit(ConnLimit {
        above,
        limit: limit as u32,
        mask: mask.unwrap_or(args.family.bits()),
        dest: args.has("connlimit-daddr"),
    }))
}

impl ConnLimit {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        out.value(if self.above { "connlimit-above" } else { "connlimit-upto" }, self.limit);
        out.value("connlimit-mask", self.mask);
        out.flag(if self.dest { "connlimit-daddr" } else { "connlimit-saddr" });
    }

    /// Counts the connections that met the rule with an address of the packet's network, its own with them
    /// (`connlimit_mt`, `nf_conncount.c`). A packet whose connection no longer counts, and of whose network no other
    /// does, is dropped.
    pub(super) fn test(&self, cx: &mut MatchCx) -> Test {
        let packet = &cx.skb.packet;
        let side = if self.dest { packet.dst } else { packet.src };
        let net = AddrMask::prefix(side, self.mask).map_or(side, |net| net.addr());
        let zone = match (cx.ct, &cx.skb.template) {
            (Some(ct), _) => ct.zone,
            (None, Some(template)) => template.zone(cx.skb.mark),
            (None, None) => Zone::default(),
        };
        let rule = cx.modules.connlimits.entry(Place::of(cx.family, cx.at)).or_default();
        let Some(own) = cx.ct.map(|ct| ct.original).or_else(|| Tuple::of(packet)) else {
            cx.effects.drop = true;
            return Test::new(false, Fact::Number(0));
        };
        let entry =
            |(tuple, zone): &(Tuple, Zone)| cx.conntrack.find_in(tuple, *zone).map(|(entry, _)| entry);
        let counts = |one: &(Tuple, Zone)| {
            entry(one).is_some_and(|e| !matches!(e.tcp, Some(TcpState::TimeWait | TcpState::Close)))
        };
        let seen = rule.entry((net, zone.id)).or_default();
        let is_own = |one: &(Tuple, Zone)| *one == (own, zone);
        // One that is there is not added again, but taken out with the others that ended.
        let there = seen.iter().any(|one| is_own(one) && entry(one).is_some());
        seen.retain(counts);
        if !there {
            seen.push((own, zone));
        }
        let count = seen.len();
        cx.effects.drop |= count == 0;
        Test::new(count > 0 && (count > self.limit as usize) == self.above, Fact::Number(count as u64))
    }
}

impl ConnLimit {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        let side = if self.dest { "dst" } else { "src" };
        let compared = if self.above { ">" } else { "<=" };
        out.words(format_args!("#conn {side}/{} {compared} {}", self.mask, self.limit));
    }
}
