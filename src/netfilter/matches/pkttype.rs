//! `-m pkttype`: to whom a frame was sent on the link.

use super::super::env::AddrType;
use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Fact, NotTold, Test};
use super::super::text::SaveOptions;
use super::super::value::Kind;
use super::super::{Inv, Match, RuleError};
use super::MatchCx;

/// The kind of a frame's destination (iptables-extensions(8), pkttype).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PktTypeMatch(pub Inv<PktType>);

/// Unicast, broadcast or multicast on the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PktType {
    /// To one station.
    Unicast,
    /// To all.
    Broadcast,
    /// To a group.
    Multicast,
}

impl PktType {
    fn name(self) -> &'static str {
        match self {
            PktType::Unicast => "unicast",
            PktType::Broadcast => "broadcast",
            PktType::Multicast => "multicast",
        }
    }
}

pub(super) static EXT: Extension =
    Extension::a_match("pkttype", BOTH, &[Opt::new("pkt-type", Kind::Text).inv().req()], build);

fn build(args: &Args) -> Result<Match, RuleError> {
    let text = args.text("pkt-type").unwrap_or_default();
    let not = args.get("pkt-type").is_some_and(|a| a.not);
    let kind = match text.to_ascii_lowercase().as_str() {
        "unicast" | "host" => PktType::Unicast,
        "broadcast" | "bcast" => PktType::Broadcast,
        "multicast" | "mcast" => PktType::Multicast,
        _ => return said(format!("Bad packet type '{text}'")),
    };
    Ok(Match::PktType(PktTypeMatch(Inv { not, value: kind })))
}

impl PktTypeMatch {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        out.option("pkt-type", Inv { not: self.0.not, value: self.0.value.name() });
    }

    /// A packet to a broadcast or group address came in a frame to the like.
    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let found = match cx.env.addr_type(cx.skb.packet.dst, None) {
            Some(AddrType::Broadcast) => PktType::Broadcast,
            Some(AddrType::Multicast) => PktType::Multicast,
            Some(_) => PktType::Unicast,
            None => return Test::not_told(NotTold::AddrType),
        };
        Test::new((found == self.0.value) != self.0.not, Fact::Text(found.name().into()))
    }
}
