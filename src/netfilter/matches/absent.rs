//! What can be said of a kept match without knowing its options: a packet without the header that it asks for
//! does not match.

use super::super::fact::{Absent, Test};
use super::super::kept::Kept;
use super::MatchCx;
use crate::packet::Proto;

/// No, where the packet lacks the header; else unknown. In the kernel a missing header is a plain no, which
/// `!` does not turn around (`ip6t_rt`, `ip6t_hbh`, `ip6t_ah`, `xt_esp` and their like).
pub(super) fn test(kept: &Kept, cx: &MatchCx) -> Test {
    let packet = &cx.skb.packet;
    let v4 = packet.src.is_ipv4();
    let has = match kept.name {
        // A packet here carries no extension headers but the one that its protocol names.
        "rt" | "hbh" | "dst" | "srh" if !v4 => Some(false),
        "frag" if !v4 => Some(packet.fragment.is_some()),
        "ah" => Some(packet.proto() == Proto::AH),
        "esp" => Some(packet.proto() == Proto::ESP),
        "ipcomp" => Some(packet.proto() == Proto::IPCOMP),
        "mh" => Some(packet.proto() == Proto::MH),
        _ => None,
    };
    match has {
        Some(false) => Test::absent(Absent::Header),
        Some(true) | None => Test::not_modelled(),
    }
}
