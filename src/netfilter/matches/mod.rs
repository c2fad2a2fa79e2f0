//! Matches: what `-m` brings in. One file a match; this one names them all.

mod addrtype;
mod around;
mod bpf;
mod chunks;
mod clock;
mod comment;
mod connection;
mod connlimit;
mod conntrack;
mod ecn;
mod ext6;
mod hashlimit;
mod header;
mod headers6;
mod icmp;
mod iprange;
mod kept;
mod limit;
mod listed;
mod mac;
mod mark;
mod multiport;
mod owner;
mod physdev;
mod pkttype;
mod policy;
mod ports;
mod quota;
mod rateest;
mod recent;
mod search;
pub(super) mod set;
mod spi;
mod state;
mod statistic;
mod string;
mod tcp;
mod time;
mod transport;
mod typed;
mod u32;

pub use addrtype::{AddrTypeMatch, AddrTypes, IfaceLimit};
pub use comment::Comment;
pub use connection::ConnectionMatch;
pub use connlimit::ConnLimit;
pub use conntrack::{ConntrackMatch, CtStates, Statuses};
pub use ecn::EcnMatch;
pub use hashlimit::{HashLimit, HashMode, HashRate};
pub use header::{HeaderMatch, TtlTest};
pub use icmp::{IcmpCodes, IcmpMatch};
pub use iprange::IpRange;
pub use limit::Limit;
pub use mac::MacMatch;
pub use mark::MarkMatch;
pub use multiport::{Multiport, PortSide};
pub use owner::Owner;
pub use physdev::PhysDev;
pub use pkttype::PktType;
pub use ports::{PortRange, Ports};
pub use quota::Quota;
pub use recent::{Recent, RecentAction};
pub use set::SetMatch;
pub use state::StateMatch;
pub use statistic::Statistic;
pub use tcp::TcpMatch;
pub use transport::TransportMatch;
pub use typed::{Ask, Typed};

use super::env::Env;
use super::error::KernelError;
use super::extension::{self, Extension};
use super::fact::Test;
use super::ipset::{Changes, Sets};
use super::kept::Kept;
use super::modules::Modules;
use super::text::{Print, SaveOptions};
use super::{Choices, Conntrack, CtEntry, Family, Hook, Inv, RuleRef, Skb, Unknown};
use crate::abi::Time;
use crate::packet::Proto;

/// One `-m` of a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Match {
    /// `-m addrtype`.
    AddrType(AddrTypeMatch),
    /// `-m comment`.
    Comment(Comment),
    /// `-m connbytes`, `connlabel`, `helper`, `cluster`.
    Connection(Box<ConnectionMatch>),
    /// `-m connlimit`.
    ConnLimit(ConnLimit),
    /// `-m conntrack`.
    Conntrack(Box<ConntrackMatch>),
    /// `-m ecn`.
    Ecn(EcnMatch),
    /// `-m hashlimit`.
    HashLimit(Box<HashLimit>),
    /// `-m length`, `ttl`, `hl`, `tos`, `dscp`, `tcpmss`.
    Header(HeaderMatch),
    /// `-m icmp` and `icmp6`.
    Icmp(IcmpMatch),
    /// `-m iprange`.
    IpRange(Box<IpRange>),
    /// A match that is read and printed, though not modelled.
    Kept(Box<Kept>),
    /// `-m limit`.
    Limit(Limit),
    /// `-m mac`.
    Mac(MacMatch),
    /// `-m mark` and `connmark`.
    Mark(MarkMatch),
    /// `-m multiport`.
    Multiport(Multiport),
    /// `-m owner`.
    Owner(Owner),
    /// `-m physdev`.
    PhysDev(Box<PhysDev>),
    /// `-m pkttype`.
    PktType(Inv<PktType>),
    /// `-m udp`.
    Ports(Ports),
    /// `-m quota`.
    Quota(Quota),
    /// `-m recent`.
    Recent(Box<Recent>),
    /// `-m set`.
    Set(Box<SetMatch>),
    /// `-m state`.
    State(StateMatch),
    /// `-m statistic`.
    Statistic(Statistic),
    /// `-m tcp`.
    Tcp(TcpMatch),
    /// `-m sctp` and `dccp`.
    Transport(Box<TransportMatch>),
    /// A match that prints its options as they were given: `ah`, `bpf`, `string`, `time`, `u32` and their like.
    Typed(Box<Typed>),
    /// A match that iptables 1.8.9 does not have, word for word.
    Unknown(Unknown),
}

/// Every match that iptables 1.8.9 has, by name.
pub const ALL: &[&Extension] = &[
    &addrtype::EXT,
    &kept::AH,
    &kept::AH6,
    &bpf::EXT,
    &kept::CGROUP,
    &connection::CLUSTER,
    &comment::EXT,
    &connection::CONNBYTES,
    &connection::CONNLABEL,
    &connlimit::EXT,
    &mark::CONNMARK,
    &conntrack::EXT,
    &kept::CPU,
    &transport::DCCP,
    &kept::DEVGROUP,
    &header::DSCP,
    &headers6::DST,
    &ecn::EXT,
    &kept::ESP,
    &kept::EUI64,
    &headers6::FRAG,
    &hashlimit::EXT,
    &headers6::HBH,
    &connection::HELPER,
    &header::HL,
    &icmp::EXT,
    &icmp::EXT6,
    &kept::IPCOMP,
    &iprange::EXT,
    &headers6::IPV6HEADER,
    &kept::IPVS,
    &header::LENGTH,
    &limit::EXT,
    &mac::EXT,
    &mark::MARK,
    &headers6::MH,
    &multiport::EXT,
    &kept::NFACCT,
    &kept::OSF,
    &owner::EXT,
    &physdev::EXT,
    &pkttype::EXT,
    &policy::EXT,
    &quota::EXT,
    &rateest::EXT,
    &kept::REALM,
    &recent::EXT,
    &kept::RPFILTER,
    &headers6::RT,
    &transport::SCTP,
    &set::EXT,
    &kept::SOCKET,
    &kept::SRH,
    &state::EXT,
    &statistic::EXT,
    &string::EXT,
    &tcp::EXT,
    &header::TCPMSS,
    &time::EXT,
    &header::TOS,
    &header::TTL,
    &u32::EXT,
    &ports::UDP,
];

/// Refuses a match's name that is too long to be one (`xtables_find_match`).
///
/// # Errors
/// What iptables says of it.
pub fn check_name(name: &str) -> Result<(), super::RuleError> {
    /// `XT_EXTENSION_MAXNAMELEN`, without the byte at its end.
    const MAX: usize = 28;
    if name.len() > MAX {
        return Err(super::RuleError::Said(format!("Invalid match name \"{name}\" ({MAX} chars max)")));
    }
    Ok(())
}

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
    /// Chance, where a seed was given.
    pub choices: &'a mut Choices,
    /// What a match does beside answering.
    pub effects: &'a mut Effects,
    /// The host's sets.
    pub sets: &'a mut Sets,
    /// What a match changed in them.
    pub changes: &'a mut Changes,
}

/// What a match does to a packet beside answering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// The mark that it gets (`socket --restore-skmark`).
    pub mark: Option<u32>,
    /// It is malformed and dropped (`hotdrop`).
    pub drop: bool,
}

impl Match {
    /// The name after `-m`.
    pub fn name(&self) -> &str {
        match self {
            Match::AddrType(_) => "addrtype",
            Match::Comment(_) => "comment",
            Match::Connection(m) => m.name(),
            Match::ConnLimit(_) => "connlimit",
            Match::Conntrack(_) => "conntrack",
            Match::Ecn(_) => "ecn",
            Match::HashLimit(_) => "hashlimit",
            Match::Header(m) => m.name(),
            Match::Icmp(m) => m.name(),
            Match::IpRange(_) => "iprange",
            Match::Kept(m) => m.name,
            Match::Limit(_) => "limit",
            Match::Mac(_) => "mac",
            Match::Mark(m) => m.name(),
            Match::Multiport(_) => "multiport",
            Match::Owner(_) => "owner",
            Match::PhysDev(_) => "physdev",
            Match::PktType(_) => "pkttype",
            Match::Ports(_) => "udp",
            Match::Quota(_) => "quota",
            Match::Recent(_) => "recent",
            Match::Set(_) => "set",
            Match::State(_) => "state",
            Match::Statistic(_) => "statistic",
            Match::Tcp(_) => "tcp",
            Match::Transport(m) => m.name(),
            Match::Typed(m) => m.kept.name,
            Match::Unknown(u) => &u.name,
        }
    }

    /// Prints the options as iptables-save does.
    pub fn save(&self, out: &mut SaveOptions) {
        match self {
            Match::AddrType(m) => m.save(out),
            Match::Comment(m) => m.save(out),
            Match::Connection(m) => m.save(out),
            Match::ConnLimit(m) => m.save(out),
            Match::Conntrack(m) => m.save(out),
            Match::Ecn(m) => m.save(out),
            Match::HashLimit(m) => m.save(out),
            Match::Header(m) => m.save(out),
            Match::Icmp(m) => m.save(out),
            Match::IpRange(m) => m.save(out),
            Match::Kept(m) => m.save(out),
            Match::Limit(m) => m.save(out),
            Match::Mac(m) => m.save(out),
            Match::Mark(m) => m.save(out),
            Match::Multiport(m) => m.save(out),
            Match::Owner(m) => m.save(out),
            Match::PhysDev(m) => m.save(out),
            Match::PktType(m) => pkttype::save(*m, out),
            Match::Ports(m) => m.save(out),
            Match::Quota(m) => m.save(out),
            Match::Recent(m) => m.save(out),
            Match::Set(m) => m.save(out),
            Match::State(m) => m.save(out),
            Match::Statistic(m) => m.save(out),
            Match::Tcp(m) => m.save(out),
            Match::Transport(m) => m.save(out),
            Match::Typed(m) => m.kept.save(out),
            Match::Unknown(m) => m.save(out),
        }
    }

    /// Prints it as a listing does.
    pub fn print(&self, out: &mut Print) {
        match self {
            Match::AddrType(m) => m.print(out),
            Match::Comment(m) => m.print(out),
            Match::Connection(m) => m.print(out),
            Match::ConnLimit(m) => m.print(out),
            Match::Conntrack(m) => m.print(out),
            Match::Ecn(m) => m.print(out),
            Match::HashLimit(m) => m.print(out),
            Match::Header(m) => m.print(out),
            Match::Icmp(m) => m.print(out),
            Match::IpRange(m) => m.print(out),
            Match::Limit(m) => m.print(out),
            Match::Mac(m) => m.print(out),
            Match::Mark(m) => m.print(out),
            Match::Multiport(m) => m.print(out),
            Match::Owner(m) => m.print(out),
            Match::PhysDev(m) => m.print(out),
            Match::Ports(m) => m.print(out),
            Match::Quota(m) => m.print(out),
            Match::Recent(m) => m.print(out),
            Match::Set(m) => m.print(out),
            Match::State(m) => m.print(out),
            Match::Statistic(m) => m.print(out),
            Match::Tcp(m) => m.print(out),
            Match::Transport(m) => m.print(out),
            Match::Kept(m) => listed::print(m, out),
            Match::Typed(m) => listed::print(&m.kept, out),
            Match::PktType(m) => pkttype::print(*m, out),
            Match::Unknown(m) => {
                out.words(&m.name);
                out.word_for_word(|save| m.save(save));
            }
        }
    }

    /// Asks the packet.
    pub fn test(&self, cx: &mut MatchCx) -> Test {
        match self {
            Match::AddrType(m) => m.test(cx),
            Match::Comment(_) => Test::new(true, super::Fact::Nothing),
            Match::Connection(m) => m.test(cx),
            Match::ConnLimit(m) => m.test(cx),
            Match::Conntrack(m) => m.test(cx),
            Match::Ecn(m) => m.test(cx),
            Match::HashLimit(m) => m.test(cx),
            Match::Header(m) => m.test(cx),
            Match::Icmp(m) => m.test(cx),
            Match::IpRange(m) => m.test(cx),
            Match::Set(m) => m.test(cx),
            Match::Kept(_) | Match::Unknown(_) => Test::not_modelled(),
            Match::Limit(m) => m.test(cx),
            Match::Mac(m) => m.test(cx),
            Match::Mark(m) => m.test(cx),
            Match::Multiport(m) => m.test(cx),
            Match::Owner(m) => m.test(cx),
            Match::PhysDev(m) => m.test(cx),
            Match::PktType(m) => pkttype::test(*m, cx),
            Match::Ports(m) => m.test(cx),
            Match::Quota(m) => m.test(cx),
            Match::Recent(m) => m.test(cx),
            Match::State(m) => m.test(cx),
            Match::Statistic(m) => m.test(cx),
            Match::Tcp(m) => m.test(cx),
            Match::Transport(m) => m.test(cx),
            Match::Typed(m) => m.test(cx),
        }
    }

    /// True for a match that makes the kernel track connections (it takes a reference on conntrack).
    pub fn needs_conntrack(&self) -> bool {
        match self {
            Match::Connection(_) | Match::ConnLimit(_) | Match::Conntrack(_) | Match::State(_) => true,
            Match::Mark(m) => m.of_connection,
            _ => false,
        }
    }

    /// The match, if it is `recent`.
    pub fn recent(&self) -> Option<&Recent> {
        match self {
            Match::Recent(m) => Some(m),
            _ => None,
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
        const IN: &[Hook] = &[Hook::Prerouting, Hook::Input, Hook::Forward];
        const OUT: &[Hook] = &[Hook::Forward, Hook::Output, Hook::Postrouting];
        match self {
            Match::AddrType(m) => m.base_hooks(),
            Match::PhysDev(m) => m.base_hooks(),
            Match::Typed(m) if m.kept.name == "policy" => {
                if m.kept.get("dir") == Some("in") {
                    IN
                } else {
                    OUT
                }
            }
            Match::Typed(m) => match (m.kept.has("src-group"), m.kept.has("dst-group")) {
                (true, true) => &[Hook::Forward],
                (true, false) => IN,
                (false, true) => OUT,
                (false, false) => &[],
            },
            _ => &[],
        }
    }

    /// Why the kernel refuses these options wherever they stand, beside this `-p`.
    pub(super) fn kernel(&self, family: Family, proto: Option<Proto>) -> Option<KernelError> {
        let wrong = match self {
            Match::AddrType(m) => !family.is_v4() && m.is_not_v6(),
            Match::Ecn(m) => m.needs_tcp() && proto != Some(Proto::TCP),
            Match::HashLimit(m) => return m.kernel(family.bits()),
            Match::Owner(m) => return m.kernel(),
            Match::Recent(m) => return m.kernel(),
            Match::Connection(m) => return m.kernel(),
            Match::Kept(m) => return kept::kernel(m),
            Match::Typed(m) => return kept::kernel(&m.kept),
            _ => false,
        };
        wrong.then_some(KernelError::InvalidArgument)
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
