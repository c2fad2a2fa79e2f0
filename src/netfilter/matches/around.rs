//! What matches ask of the host around a packet: IPsec, sockets, the way back, groups of interfaces, realms,
//! processors.

use super::super::Inv;
use super::super::env::ReversePath;
use super::super::fact::{Absent, Fact, NotTold, Ternary, Test};
use super::super::skb::{OutDev, Sender};
use super::MatchCx;
use std::net::IpAddr;

/// `-m socket`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketTest {
    /// `--transparent`.
    pub transparent: bool,
    /// `--nowildcard`: a socket that is bound to any address counts too.
    pub nowildcard: bool,
    /// `--restore-skmark`.
    pub restore: bool,
}

/// `-m devgroup`: value and mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevGroup {
    /// `--src-group`.
    pub src: Option<Inv<(u32, u32)>>,
    /// `--dst-group`.
    pub dst: Option<Inv<(u32, u32)>>,
}

/// `-m realm`: value and mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RealmTest(pub Inv<(u32, u32)>);

/// The group of every interface, and the realm of every route, unless an administrator gives it another.
const DEFAULT: u32 = 0;

/// No packet comes or goes by IPsec here, so none has a policy (`policy_mt`).
pub(super) fn policy(none: bool) -> Test {
    Test::new(none, Fact::Absent(Absent::Ipsec))
}

/// A host here has one processor (`cpu_mt`).
pub(super) fn cpu(want: Inv<u32>) -> Test {
    Test::new((want.value == 0) != want.not, Fact::Number(0))
}

/// The class that net_cls gives a socket (`cgroup_mt`); a packet without a socket never matches.
pub(super) fn cgroup(want: Inv<u32>, cx: &MatchCx) -> Test {
    match cx.skb.sender {
        Sender::Kernel => Test::absent(Absent::Socket),
        Sender::KernelSocket => Test::new((want.value == 0) != want.not, Fact::Number(0)),
        Sender::Socket { .. } | Sender::UnknownSocket => Test::not_told(NotTold::Cgroup),
    }
}

/// Fingerprints come from a file that is no part of the rules.
pub(super) fn fingerprint(cx: &MatchCx) -> Test {
    match cx.skb.packet.tcp() {
        Some(tcp) if tcp.flags.has(crate::packet::TcpFlags::SYN) => Test::not_told(NotTold::Fingerprints),
        Some(_) | None => Test::absent(Absent::Header),
    }
}

/// `rpfilter_mt`: what came over lo passes, and what asks for an address from none.
pub(super) fn reverse_path(check: ReversePath, invert: bool, cx: &MatchCx) -> Test {
    let packet = &cx.skb.packet;
    let passes = match (packet.src, packet.dst) {
        _ if cx.skb.iif.as_ref().is_some_and(|i| i.is_lo()) => true,
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            src.is_unspecified() && (dst.is_broadcast() || dst.octets()[..3] == [224, 0, 0])
        }
        (src, _) => src.is_ipv6() && src.is_unspecified(),
    };
    let found = if passes { Some(true) } else { cx.env.reverse_path(cx.skb, check) };
    match found {
        Some(passes) => {
            let text = if passes { "the way back is the same" } else { "the way back is another" };
            Test::new(passes != invert, Fact::Text(text.into()))
        }
        None => Test::not_told(NotTold::ReversePath),
    }
}

/// The lower half of the source address follows the sender's hardware address (`eui64_mt6`).
pub(super) fn eui64(cx: &MatchCx) -> Test {
    let (Some(mac), IpAddr::V6(src)) = (cx.skb.mac, cx.skb.packet.src) else {
        return match cx.skb.iif {
            Some(_) => Test::not_told(NotTold::Mac),
            None => Test::absent(Absent::Ethernet),
        };
    };
    let [a, b, c, d, e, f] = mac.0;
    Test::new(src.octets()[8..] == [a ^ 2, b, c, 0xff, 0xfe, d, e, f], Fact::Mac(mac))
}

impl SocketTest {
    /// As `socket_match` does.
    pub(super) fn test(&self, cx: &mut MatchCx) -> Test {
        let facts = match cx.env.socket(cx.skb) {
            None => return Test::not_told(NotTold::Socket),
            Some(None) => return Test::absent(Absent::Socket),
            Some(Some(facts)) => facts,
        };
        let wildcard = !self.nowildcard && facts.wildcard;
        let transparent = !self.transparent || facts.transparent;
        if self.restore && !wildcard && transparent {
            cx.effects.mark = Some(facts.mark);
        }
        let text = match (facts.wildcard, facts.transparent) {
            (true, _) => "a socket of any address",
            (false, true) => "a transparent socket",
            (false, false) => "a socket",
        };
        Test::new(!wildcard && transparent, Fact::Text(text.into()))
    }
}

fn masked(want: Option<Inv<(u32, u32)>>, found: u32) -> bool {
    want.is_none_or(|Inv { not, value: (value, mask) }| ((value ^ found) & mask == 0) != not)
}

impl DevGroup {
    /// As `devgroup_mt` does, where no interface is in another group than it was born into.
    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        if !cx.env.is_described() {
            return Test::not_told(NotTold::Group);
        }
        Test::new(masked(self.src, DEFAULT) && masked(self.dst, DEFAULT), Fact::Number(DEFAULT.into()))
    }
}

impl RealmTest {
    /// As `realm_mt` does, where no route has a realm.
    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        if !cx.env.is_described() || cx.skb.oif == OutDev::Unknown {
            return Test::not_told(NotTold::Realm);
        }
        let Inv { not, value: (value, mask) } = self.0;
        Test::new(Ternary::from((value == DEFAULT & mask) != not), Fact::Number(DEFAULT.into()))
    }
}
