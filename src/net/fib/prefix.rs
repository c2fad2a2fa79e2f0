//! A network: an address and how many of its bits count.

use crate::netfilter::Family;
use serde::Serialize;
use std::fmt;
use std::net::IpAddr;

/// An address prefix. Invariant: the length fits the family, and bits beyond it are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Prefix {
    addr: IpAddr,
    len: u8,
}

impl Prefix {
    /// The network of an address; `None` if the prefix is longer than the address.
    pub fn new(addr: IpAddr, len: u8) -> Option<Prefix> {
        if len > Family::of(addr).bits() {
            return None;
        }
        let addr = match addr {
            IpAddr::V4(a) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0);
                IpAddr::V4(std::net::Ipv4Addr::from(a.to_bits() & mask))
            }
            IpAddr::V6(a) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0);
                IpAddr::V6(std::net::Ipv6Addr::from(a.to_bits() & mask))
            }
        };
        Some(Prefix { addr, len })
    }

    /// One address alone.
    pub fn host(addr: IpAddr) -> Prefix {
        Prefix { addr, len: Family::of(addr).bits() }
    }

    /// All addresses of a family: `default`.
    pub fn all(family: Family) -> Prefix {
        let addr = match family {
            Family::Ip => IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
            Family::Ip6 => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
        };
        Prefix { addr, len: 0 }
    }

    /// The network's address.
    pub fn addr(&self) -> IpAddr {
        self.addr
    }

    /// The number of bits that count.
    pub fn length(&self) -> u8 {
        self.len
    }

    /// True for `default`.
    pub fn is_all(&self) -> bool {
        self.len == 0
    }

    /// True for one address alone.
    pub fn is_host(&self) -> bool {
        self.len == self.family().bits()
    }

    /// The family.
    pub fn family(&self) -> Family {
        Family::of(self.addr)
    }

    /// True if the address lies in it; false for one of the other family.
    pub fn contains(&self, addr: IpAddr) -> bool {
        match (self.addr, addr) {
            (IpAddr::V4(net), IpAddr::V4(a)) => {
                (net.to_bits() ^ a.to_bits()).checked_shr(32 - u32::from(self.len)).unwrap_or(0) == 0
            }
            (IpAddr::V6(net), IpAddr::V6(a)) => {
                (net.to_bits() ^ a.to_bits()).checked_shr(128 - u32::from(self.len)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl fmt::Display for Prefix {
    /// `ADDR/LEN`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.len)
    }
}
