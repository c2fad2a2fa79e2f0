//! What netfilter asks of the host around it. The network room answers.

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

    /// The address that MASQUERADE gives to packets that leave by an interface towards `to`, and REDIRECT
    /// to those that came in by it. `None` where it has none or none is known.
    fn interface_address(&self, name: &IfName, to: IpAddr) -> Option<IpAddr>;
}
