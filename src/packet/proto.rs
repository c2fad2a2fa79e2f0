//! IP protocol numbers and their names.

use serde::{Serialize, Serializer};
use std::fmt;

/// An IP protocol number (the byte in the IP header).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Proto(pub u8);

impl Proto {
    /// Any protocol, where a rule names it: iptables' `all`.
    pub const ALL: Proto = Proto(0);
    /// ICMP.
    pub const ICMP: Proto = Proto(1);
    /// TCP.
    pub const TCP: Proto = Proto(6);
    /// UDP.
    pub const UDP: Proto = Proto(17);
    /// Datagram congestion control.
    pub const DCCP: Proto = Proto(33);
    /// Encapsulating security payload.
    pub const ESP: Proto = Proto(50);
    /// Authentication header.
    pub const AH: Proto = Proto(51);
    /// ICMPv6.
    pub const ICMPV6: Proto = Proto(58);
    /// Stream control transmission.
    pub const SCTP: Proto = Proto(132);
    /// IPv6 mobility header.
    pub const MH: Proto = Proto(135);
    /// UDP-Lite.
    pub const UDPLITE: Proto = Proto(136);
    /// Internet group management.
    pub const IGMP: Proto = Proto(2);
    /// Payload compression.
    pub const IPCOMP: Proto = Proto(108);
    /// IPv6's hop-by-hop options.
    pub const HOP_BY_HOP: Proto = Proto(0);
    /// IPv6's routing header.
    pub const ROUTING: Proto = Proto(43);
    /// IPv6's fragment header.
    pub const FRAGMENT: Proto = Proto(44);
    /// IPv6: nothing follows.
    pub const NO_NEXT: Proto = Proto(59);
    /// IPv6's destination options.
    pub const DEST_OPTIONS: Proto = Proto(60);
    /// Generic routing encapsulation.
    pub const GRE: Proto = Proto(47);

    /// The name that iptables prints: its own table first, then /etc/protocols of Debian 12.
    pub fn name(self) -> Option<&'static str> {
        OWN.iter().chain(ETC).find(|(_, n)| *n == self.0).map(|(name, _)| *name)
    }

    /// The name that iptables carries itself.
    pub fn own_name(self) -> Option<&'static str> {
        OWN.iter().find(|(_, n)| *n == self.0).map(|(name, _)| *name)
    }

    /// Reads a name as iptables' `-p` does: its own table, then /etc/protocols, case counting not.
    ///
    /// ```
    /// use vitrine::packet::Proto;
    /// assert_eq!(Proto::by_name("icmpv6"), Some(Proto::ICMPV6));
    /// assert_eq!(Proto(89).name(), Some("ospf"));
    /// assert_eq!(Proto::by_name("nope"), None);
    /// ```
    pub fn by_name(name: &str) -> Option<Proto> {
        let lower = name.to_ascii_lowercase();
        OWN.iter().chain(ALIASES).chain(ETC).find(|(n, _)| *n == lower).map(|(_, n)| Proto(*n))
    }

    /// True for the protocols whose first four bytes are two ports.
    pub fn has_ports(self) -> bool {
        [Self::TCP, Self::UDP, Self::UDPLITE, Self::SCTP, Self::DCCP].contains(&self)
    }
}

impl fmt::Display for Proto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "{}", self.0),
        }
    }
}

impl Serialize for Proto {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// The names that iptables carries itself, so that they win over the file's.
const OWN: &[(&str, u8)] = &[
    ("tcp", 6),
    ("udp", 17),
    ("udplite", 136),
    ("icmp", 1),
    ("ipv6-icmp", 58),
    ("sctp", 132),
    ("esp", 50),
    ("ah", 51),
    ("mobility-header", 135),
    ("all", 0),
];

/// Names that are read but never printed.
const ALIASES: &[(&str, u8)] = &[("icmpv6", 58), ("ipv6-mh", 135), ("mh", 135)];

/// /etc/protocols of Debian 12, the names; its aliases are in upper case, which iptables never asks for.
const ETC: &[(&str, u8)] = &[
    ("ip", 0),
    ("hopopt", 0),
    ("igmp", 2),
    ("ggp", 3),
    ("ipencap", 4),
    ("st", 5),
    ("egp", 8),
    ("igp", 9),
    ("pup", 12),
    ("hmp", 20),
    ("xns-idp", 22),
    ("rdp", 27),
    ("iso-tp4", 29),
    ("dccp", 33),
    ("xtp", 36),
    ("ddp", 37),
    ("idpr-cmtp", 38),
    ("ipv6", 41),
    ("ipv6-route", 43),
    ("ipv6-frag", 44),
    ("idrp", 45),
    ("rsvp", 46),
    ("gre", 47),
    ("skip", 57),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("rspf", 73),
    ("vmtp", 81),
    ("eigrp", 88),
    ("ospf", 89),
    ("ax.25", 93),
    ("ipip", 94),
    ("etherip", 97),
    ("encap", 98),
    ("pim", 103),
    ("ipcomp", 108),
    ("vrrp", 112),
    ("l2tp", 115),
    ("isis", 124),
    ("fc", 133),
    ("mpls-in-ip", 137),
    ("manet", 138),
    ("hip", 139),
    ("shim6", 140),
    ("wesp", 141),
    ("rohc", 142),
    ("ethernet", 143),
];
