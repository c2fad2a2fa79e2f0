//! `-m connlimit`: how many connections a network has open.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Fact, Test};
use super::super::modules::Place;
use super::super::rule::AddrMask;
use super::super::text::{Print, SaveOptions};
use super::super::value::{Kind, Value};
use super::super::{Match, RuleError, TcpState};
use super::MatchCx;

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

    /// Counts the connections that met the rule with an address of the packet's network, its own with them, as
    /// `nf_conncount` does: one that is gone or closed no longer counts.
    pub(super) fn test(&self, cx: &mut MatchCx) -> Test {
        let packet = &cx.skb.packet;
        let own = if self.dest { packet.dst } else { packet.src };
        let net = AddrMask::prefix(own, self.mask).map_or(own, |net| net.addr());
        let rule = cx.modules.connlimits.entry(Place::of(cx.family, cx.at)).or_default();
        let seen = rule.entry(net).or_default();
        let closed = |tcp| matches!(tcp, Some(TcpState::TimeWait | TcpState::Close));
        seen.retain(|id| cx.conntrack.entry(*id).is_some_and(|entry| !closed(entry.tcp)));
        let count = match cx.skb.ct.and_then(|ct| ct.entry) {
            Some(id) => {
                if !seen.contains(&id) {
                    seen.push(id);
                }
                seen.len()
            }
            None => seen.len() + 1,
        };
        Test::new((count > self.limit as usize) == self.above, Fact::Number(count as u64))
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
