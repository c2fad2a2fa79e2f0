//! Matches: what `-m` brings in. One file a match; this one names them all.

mod addrtype;
mod comment;
mod conntrack;
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
mod state;
mod statistic;
mod tcp;

pub use addrtype::{AddrTypeMatch, Limit as AddrTypeLimit};
pub use comment::Comment;
pub use conntrack::{ConntrackMatch, CtStates, Statuses};
pub use icmp::{IcmpKind, IcmpMatch};
pub use iprange::{AddrRange, IpRangeMatch};
pub use limit::{Limit, Rate};
pub use mac::MacMatch;
pub use mark::{MarkMask, MarkMatch};
pub use multiport::{Multiport, Side};
pub use number::{NumberMatch, NumberOf, NumberWant};
pub use owner::{IdRange, OwnerMatch};
pub use pkttype::{PktType, PktTypeMatch};
pub use ports::{PortRange, Ports};
pub use state::StateMatch;
pub use statistic::Statistic;
pub use tcp::TcpMatch;

use super::env::Env;
use super::extension::Extension;
use super::fact::Test;
use super::modules::Modules;
use super::text::SaveOptions;
use super::{Conntrack, CtEntry, Family, Hook, RuleRef, Skb, Unknown};
use crate::abi::Time;

/// One `-m` of a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Match {
    /// `-m tcp`.
    Tcp(TcpMatch),
    /// `-m udp`, `udplite`: two port ranges.
    Ports(Ports),
    /// `-m comment`.
    Comment(Comment),
    /// `-m conntrack`.
    Conntrack(Box<ConntrackMatch>),
    /// `-m state`.
    State(StateMatch),
    /// `-m addrtype`.
    AddrType(AddrTypeMatch),
    /// `-m icmp`, `-m icmp6`.
    Icmp(IcmpMatch),
    /// `-m iprange`.
    IpRange(IpRangeMatch),
    /// `-m limit`.
    Limit(Limit),
    /// `-m mac`.
    Mac(MacMatch),
    /// `-m mark`, `-m connmark`.
    Mark(MarkMatch),
    /// `-m multiport`.
    Multiport(Multiport),
    /// `-m length`, `-m ttl`, `-m hl`.
    Number(NumberMatch),
    /// `-m owner`.
    Owner(OwnerMatch),
    /// `-m pkttype`.
    PktType(PktTypeMatch),
    /// `-m statistic`.
    Statistic(Statistic),
    /// A match that iptables 1.8.9 does not have, word for word.
    Unknown(Unknown),
}

/// Every match that iptables 1.8.9 has and this model reads.
pub const ALL: &[&Extension] = &[
    &addrtype::EXT,
    &comment::EXT,
    &mark::CONNMARK,
    &conntrack::EXT,
    &number::HL,
    &icmp::ICMP,
    &icmp::ICMP6,
    &iprange::EXT,
    &number::LENGTH,
    &limit::EXT,
    &mac::EXT,
    &mark::MARK,
    &multiport::EXT,
    &owner::EXT,
    &pkttype::EXT,
    &state::EXT,
    &statistic::EXT,
    &tcp::EXT,
    &number::TTL,
    &ports::UDP,
    &ports::UDPLITE,
];

/// The match of this name for a family.
pub fn find(name: &str, family: Family) -> Option<&'static Extension> {
    ALL.iter().copied().find(|e| e.name == name && e.families.contains(&family))
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
            Match::Tcp(_) => "tcp",
            Match::Ports(m) => m.name(),
            Match::Comment(_) => "comment",
            Match::Conntrack(_) => "conntrack",
            Match::State(_) => "state",
            Match::AddrType(_) => "addrtype",
            Match::Icmp(m) => m.name(),
            Match::IpRange(_) => "iprange",
            Match::Limit(_) => "limit",
            Match::Mac(_) => "mac",
            Match::Mark(m) => m.name(),
            Match::Multiport(_) => "multiport",
            Match::Number(m) => m.name(),
            Match::Owner(_) => "owner",
            Match::PktType(_) => "pkttype",
            Match::Statistic(_) => "statistic",
            Match::Unknown(u) => &u.name,
        }
    }

    /// Prints the options as iptables-save does.
    pub fn save(&self, out: &mut SaveOptions) {
        match self {
            Match::Tcp(m) => m.save(out),
            Match::Ports(m) => m.save(out),
            Match::Comment(m) => m.save(out),
            Match::Conntrack(m) => m.save(out),
            Match::State(m) => m.save(out),
            Match::AddrType(m) => m.save(out),
            Match::Icmp(m) => m.save(out),
            Match::IpRange(m) => m.save(out),
            Match::Limit(m) => m.save(out),
            Match::Mac(m) => m.save(out),
            Match::Mark(m) => m.save(out),
            Match::Multiport(m) => m.save(out),
            Match::Number(m) => m.save(out),
            Match::Owner(m) => m.save(out),
            Match::PktType(m) => m.save(out),
            Match::Statistic(m) => m.save(out),
            Match::Unknown(u) => u.save(out),
        }
    }

    /// Asks the packet.
    pub fn test(&self, cx: &mut MatchCx) -> Test {
        match self {
            Match::Tcp(m) => m.test(cx),
            Match::Ports(m) => m.test(cx),
            Match::Comment(_) => Test::new(true, super::Fact::Nothing),
            Match::Conntrack(m) => m.test(cx),
            Match::State(m) => m.test(cx),
            Match::AddrType(m) => m.test(cx),
            Match::Icmp(m) => m.test(cx),
            Match::IpRange(m) => m.test(cx),
            Match::Limit(m) => m.test(cx),
            Match::Mac(m) => m.test(cx),
            Match::Mark(m) => m.test(cx),
            Match::Multiport(m) => m.test(cx),
            Match::Number(m) => m.test(cx),
            Match::Owner(m) => m.test(cx),
            Match::PktType(m) => m.test(cx),
            Match::Statistic(m) => m.test(cx),
            Match::Unknown(_) => Test::not_modelled(),
        }
    }

    /// True for a match that makes the kernel track connections (it takes a reference on conntrack).
    pub fn needs_conntrack(&self) -> bool {
        match self {
            Match::Conntrack(_) | Match::State(_) => true,
            Match::Mark(mark) => mark.of_connection,
            _ => false,
        }
    }
}
