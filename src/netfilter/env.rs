//! What netfilter asks of the host around it. The network room answers.

use super::Skb;
use crate::abi::IfName;
use serde::Serialize;
use std::fmt;
use std::net::IpAddr;

/// What kind of address it is to a host (`inet_addr_type`, iptables-extensions(8) addrtype).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum AddrType {
    /// 0.0.0.0 or ::.
    Unspec,
    /// Reached by a route.
    Unicast,
    /// The host's own.
    Local,
    /// A broadcast address of one of its networks.
    Broadcast,
    /// An anycast address.
    Anycast,
    /// A group.
    Multicast,
    /// Silently thrown away by a route.
    Blackhole,
    /// Refused by a route.
    Unreachable,
    /// Forbidden by a route.
    Prohibit,
}

impl fmt::Display for AddrType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            AddrType::Unspec => "UNSPEC",
            AddrType::Unicast => "UNICAST",
            AddrType::Local => "LOCAL",
            AddrType::Broadcast => "BROADCAST",
            AddrType::Anycast => "ANYCAST",
            AddrType::Multicast => "MULTICAST",
            AddrType::Blackhole => "BLACKHOLE",
            AddrType::Unreachable => "UNREACHABLE",
            AddrType::Prohibit => "PROHIBIT",
        })
    }
}

/// The host that netfilter sits in.
pub trait Env {
    /// What kind of address it is to the host; where `on` is given, only that interface's own addresses are
    /// local. `None` where the host's routes do not tell.
    fn addr_type(&self, addr: IpAddr, on: Option<&IfName>) -> Option<AddrType>;

    /// The address that MASQUERADE gives to packets that leave by an interface, handed to `to`: a router, or
    /// their destination. `None` where it has none or none is known.
    fn source_address(&self, name: &IfName, to: IpAddr) -> Option<IpAddr>;

    /// The address that REDIRECT and TPROXY give to packets for `dst` that came in by an interface: its first
    /// of the family (`nf_nat_redirect_ipv4`, `nf_nat_redirect_ipv6`, `nf_tproxy_laddr4`).
    fn first_address(&self, name: &IfName, dst: IpAddr) -> Option<IpAddr>;

    /// True if the host's interfaces, bridges, routes and sockets are all known; false where they were worked
    /// out from rules and packets, and what they do not tell is unknown.
    fn is_described(&self) -> bool {
        false
    }

    /// Whether a packet of this host has a route as it is now.
    fn can_route(&self, skb: &Skb) -> bool {
        let _ = skb;
        true
    }

    /// The largest packet that the route carries by which this one leaves (`dst_mtu`), bytes, and the
    /// largest that the way back to its sender carries; `None` where that is not known.
    fn path_mtu(&self, skb: &Skb) -> Option<(u32, u32)> {
        let _ = skb;
        None
    }

    /// Whether the way back to the packet's source passes the reverse path check (`nft_fib`, `xt_rpfilter`).
    fn reverse_path(&self, skb: &Skb, check: ReversePath) -> Option<bool> {
        let _ = (skb, check);
        None
    }

    /// The local socket that would get the packet (`nf_sk_lookup_slow_v4`), `Some(None)` where there is none.
    fn socket(&self, skb: &Skb) -> Option<Option<SocketFacts>> {
        let _ = skb;
        None
    }
}

/// How the reverse path is checked (iptables-extensions(8), rpfilter).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReversePath {
    /// Any interface will do.
    pub loose: bool,
    /// The packet's mark counts in the lookup.
    pub valid_mark: bool,
    /// A local source address passes.
    pub accept_local: bool,
}

/// What `-m socket` asks of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketFacts {
    /// It is bound to any address.
    pub wildcard: bool,
    /// `IP_TRANSPARENT` is set.
    pub transparent: bool,
    /// `SO_MARK`.
    pub mark: u32,
}
