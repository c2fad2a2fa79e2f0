//! Matches: what `-m` brings in. One file a match; this one names them all.

mod addrtype;
mod comment;
mod conntrack;
mod hashlimit;
mod icmp;
mod iprange;
mod limit;
mod mac;
mod mark;
mod multiport;
mod number;
mod owner;
mod pkttype;
mod ports;
mod recent;
mod state;
mod statistic;
mod tcp;

pub use addrtype::{AddrTypeMatch, AddrTypes, IfaceLimit};
pub use comment::Comment;
pub use conntrack::{ConntrackMatch, CtStates, Statuses};
pub use hashlimit::{HashLimit, HashMode, HashRate};
pub use icmp::{IcmpCodes, IcmpMatch};
pub use iprange::{AddrRange, IpRangeMatch};
pub use limit::Limit;
pub use mac::MacMatch;
pub use mark::MarkMatch;
pub use multiport::{Multiport, PortSide};
pub use number::{NumberMatch, NumberOf, NumberWant};
pub use owner::Owner;
pub use pkttype::{PktType, PktTypeMatch};
pub use ports::{PortRange, Ports};
pub use recent::{Recent, RecentAction};
pub use state::StateMatch;
pub use statistic::Statistic;
pub use tcp::TcpMatch;

use super::env::Env;
use super::error::KernelError;
use super::extension::{self, Extension};
use super::fact::Test;
use super::modules::Modules;
use super::text::SaveOptions;
use super::{Conntrack, CtEntry, Family, Hook, RuleRef, Skb, Unknown};
use crate::abi::Time;

/// One `-m` of a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Match {
    /// `-m addrtype`.
    AddrType(AddrTypeMatch),
    /// `-m comment`.
    Comment(Comment),
    /// `-m conntrack`.
    Conntrack(Box<ConntrackMatch>),
    /// `-m hashlimit`.
    HashLimit(Box<HashLimit>),
    /// `-m icmp` and `icmp6`.
    Icmp(IcmpMatch),
    /// `-m iprange`.
    IpRange(IpRangeMatch),
    /// `-m limit`.
    Limit(Limit),
    /// `-m mac`.
    Mac(MacMatch),
    /// `-m mark` and `connmark`.
    Mark(MarkMatch),
    /// `-m multiport`.
    Multiport(Multiport),
    /// `-m length`, `ttl` and `hl`.
    Number(NumberMatch),
    /// `-m owner`.
    Owner(Owner),
    /// `-m pkttype`.
    PktType(PktTypeMatch),
    /// `-m udp`.
    Ports(Ports),
    /// `-m recent`.
    Recent(Box<Recent>),
    /// `-m state`.
    State(StateMatch),
    /// `-m statistic`.
    Statistic(Statistic),
    /// `-m tcp`.
    Tcp(TcpMatch),
    /// A match that iptables 1.8.9 does not have, word for word.
    Unknown(Unknown),
}

/// Every match that iptables 1.8.9 has, by name.
pub const ALL: &[&Extension] = &[
    &addrtype::EXT,
    &comment::EXT,
    &mark::CONNMARK,
    &conntrack::EXT,
    &hashlimit::EXT,
    &number::HL,
    &icmp::EXT,
    &icmp::EXT6,
    &iprange::EXT,
    &number::LENGTH,
    &limit::EXT,
    &mac::EXT,
    &mark::MARK,
    &multiport::EXT,
    &owner::EXT,
    &pkttype::EXT,
    &recent::EXT,
    &state::EXT,
    &statistic::EXT,
    &tcp::EXT,
    &number::TTL,
    &ports::UDP,
];

/// The match of this name for a family.
pub fn find(name: &str, family: Family) -> Option<&'static Extension> {
    let name = match name {
        "icmpv6" | "ipv6-icmp" => "icmp6",
        other => other,
    };
    extension::find(ALL, name, family)
}

/// What a match may look at.
pub struct MatchCx<'a> {
    /// The packet.
    pub skb: &'a Skb,
    /// Where it is.
    pub hook: Hook,
    /// The table's family.
    pub family: Family,
    /// The host.
    pub env: &'a dyn Env,
    /// The packet's connection.
    pub ct: Option<&'a CtEntry>,
    /// All connections.
    pub conntrack: &'a Conntrack,
    /// The model's clock.
    pub now: Time,
    /// The rule, and the match's place in it.
    pub at: (&'a RuleRef, usize),
    /// What matches remember from packet to packet.
    pub modules: &'a mut Modules,
}

impl Match {
    /// The name after `-m`.
    pub fn name(&self) -> &str {
        match self {
            Match::AddrType(_) => "addrtype",
            Match::Comment(_) => "comment",
            Match::Conntrack(_) => "conntrack",
            Match::HashLimit(_) => "hashlimit",
            Match::Icmp(m) => m.name(),
            Match::IpRange(_) => "iprange",
            Match::Limit(_) => "limit",
            Match::Mac(_) => "mac",
            Match::Mark(m) => m.name(),
            Match::Multiport(_) => "multiport",
            Match::Number(m) => m.name(),
            Match::Owner(_) => "owner",
            Match::PktType(_) => "pkttype",
            Match::Ports(_) => "udp",
            Match::Recent(_) => "recent",
            Match::State(_) => "state",
            Match::Statistic(_) => "statistic",
            Match::Tcp(_) => "tcp",
            Match::Unknown(u) => &u.name,
        }
    }

    /// Prints the options as iptables-save does.
    pub fn save(&self, out: &mut SaveOptions) {
        match self {
            Match::AddrType(m) => m.save(out),
            Match::Comment(m) => m.save(out),
            Match::Conntrack(m) => m.save(out),
            Match::HashLimit(m) => m.save(out),
            Match::Icmp(m) => m.save(out),
            Match::IpRange(m) => m.save(out),
            Match::Limit(m) => m.save(out),
            Match::Mac(m) => m.save(out),
            Match::Mark(m) => m.save(out),
            Match::Multiport(m) => m.save(out),
            Match::Number(m) => m.save(out),
            Match::Owner(m) => m.save(out),
            Match::PktType(m) => m.save(out),
            Match::Ports(m) => m.save(out),
            Match::Recent(m) => m.save(out),
            Match::State(m) => m.save(out),
            Match::Statistic(m) => m.save(out),
            Match::Tcp(m) => m.save(out),
            Match::Unknown(u) => u.save(out),
        }
    }

    /// Asks the packet.
    pub fn test(&self, cx: &mut MatchCx) -> Test {
        match self {
            Match::AddrType(m) => m.test(cx),
            Match::Comment(_) => Test::new(true, super::Fact::Nothing),
            Match::Conntrack(m) => m.test(cx),
            Match::HashLimit(m) => m.test(cx),
            Match::Icmp(m) => m.test(cx),
            Match::IpRange(m) => m.test(cx),
            Match::Limit(m) => m.test(cx),
            Match::Mac(m) => m.test(cx),
            Match::Mark(m) => m.test(cx),
            Match::Multiport(m) => m.test(cx),
            Match::Number(m) => m.test(cx),
            Match::Owner(m) => m.test(cx),
            Match::PktType(m) => m.test(cx),
            Match::Ports(m) => m.test(cx),
            Match::Recent(m) => m.test(cx),
            Match::State(m) => m.test(cx),
            Match::Statistic(m) => m.test(cx),
            Match::Tcp(m) => m.test(cx),
            Match::Unknown(_) => Test::not_modelled(),
        }
    }

    /// True for a match that makes the kernel track connections (it takes a reference on conntrack).
    pub fn needs_conntrack(&self) -> bool {
        match self {
            Match::Conntrack(_) | Match::State(_) => true,
            Match::Mark(m) => m.of_connection,
            _ => false,
        }
    }

    /// True if the rule's `-p` does not matter to the kernel: iptables-nft makes plain comparisons of it.
    pub(super) fn is_native(&self) -> bool {
        match self {
            Match::Tcp(m) => m.is_native(),
            Match::Ports(m) => m.is_native(),
            _ => false,
        }
    }

    /// The base chains from which the kernel takes these options, beside what the extension's table says.
    pub(super) fn base_hooks(&self) -> &'static [Hook] {
        match self {
            Match::AddrType(m) => m.base_hooks(),
            _ => &[],
        }
    }

    /// Why the kernel refuses these options wherever they stand.
    pub(super) fn kernel(&self, family: Family) -> Option<KernelError> {
        match self {
            Match::AddrType(m) if !family.is_v4() && m.is_not_v6() => Some(KernelError::InvalidArgument),
            Match::HashLimit(m) => m.kernel(family.bits()),
            Match::Owner(m) => m.kernel(),
            Match::Recent(m) => m.kernel(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(ALL.is_sorted_by_key(|e| e.name));
    }
}
