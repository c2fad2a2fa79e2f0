//! The two address families that netfilter's tables exist for.

use serde::Serialize;
use std::fmt;
use std::net::IpAddr;

/// IPv4 (`iptables`) or IPv6 (`ip6tables`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    #[default]
    Ip,
    /// IPv6.
    Ip6,
}

impl Family {
    /// The family of an address.
    pub fn of(addr: IpAddr) -> Family {
        if addr.is_ipv4() { Family::Ip } else { Family::Ip6 }
    }

    /// True for IPv4.
    pub fn is_v4(self) -> bool {
        self == Family::Ip
    }

    /// The bits of an address.
    pub fn bits(self) -> u8 {
        if self.is_v4() { 32 } else { 128 }
    }

    /// The program of this family: `iptables` or `ip6tables`.
    pub fn program(self) -> &'static str {
        if self.is_v4() { "iptables" } else { "ip6tables" }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_v4() { "IPv4" } else { "IPv6" })
    }
}
