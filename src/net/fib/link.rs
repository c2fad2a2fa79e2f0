//! What routing asks of interfaces: whether they work, their addresses, their settings.

use super::{Prefix, Scope};
use crate::abi::IfName;
use serde::Serialize;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// An address on an interface (`struct in_ifaddr`, `inet6_ifaddr`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Address {
    /// The host's own.
    pub local: IpAddr,
    /// The other end's, where the link has two.
    pub peer: Option<IpAddr>,
    /// The prefix length; the peer's, if there is one.
    pub len: u8,
    /// `brd`.
    pub broadcast: Option<Ipv4Addr>,
    /// Where it may be used.
    pub scope: Scope,
    /// The metric of its network's route; 0 is the family's default.
    pub metric: u32,
    /// Another address of its network came before (IPv4). [`Address::insert`] sets it.
    pub secondary: bool,
    /// It brings no network route.
    pub noprefixroute: bool,
    /// Nobody is asked whether somebody else has it (IPv6).
    pub nodad: bool,
    /// Still asking whether somebody else has it (IPv6); not used as a source yet.
    pub tentative: bool,
    /// Not to be used for new connections (IPv6).
    pub deprecated: bool,
    /// A mobile node's home address (IPv6).
    pub home: bool,
    /// Its label, where it differs from the interface's name.
    pub label: Option<String>,
}

/// Why an address cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// The interface has it (`EEXIST`).
    Exists,
    /// Another address of its network has another scope (`EINVAL`).
    Scope,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AddressError::Exists => "Address already assigned",
            AddressError::Scope => "Invalid scope value",
        })
    }
}

impl std::error::Error for AddressError {}

impl Address {
    /// An address as `ip addr add ADDR/LEN` makes it.
    pub fn new(local: IpAddr, len: u8) -> Self {
        let scope = match local {
            IpAddr::V4(a) if a.is_loopback() => Scope::HOST,
            IpAddr::V6(a) if a.is_loopback() => Scope::HOST,
            IpAddr::V6(a) if a.is_unicast_link_local() => Scope::LINK,
            IpAddr::V6(a) if a.segments()[0] & 0xffc0 == 0xfec0 => Scope::SITE,
            _ => Scope::GLOBAL,
        };
        Address {
            local,
            peer: None,
            len,
            broadcast: None,
            scope,
            metric: 0,
            secondary: false,
            noprefixroute: false,
            nodad: false,
            tentative: false,
            deprecated: false,
            home: false,
            label: None,
        }
    }

    /// The address whose network it is in: the peer's, if there is one (`ifa_address`).
    pub fn address(&self) -> IpAddr {
        self.peer.unwrap_or(self.local)
    }

    /// Its network. `None` only if the prefix length does not fit the address.
    pub fn network(&self) -> Option<Prefix> {
        Prefix::new(self.address(), self.len)
    }

    /// True if the other address is in its network.
    pub fn on_link(&self, other: IpAddr) -> bool {
        self.network().is_some_and(|net| net.contains(other))
    }

    /// Puts an address among an interface's: IPv4 primary ones by scope, secondary ones last
    /// (`inet_insert_ifa`); IPv6 ones by scope, later ones of a scope first (`ipv6_link_dev_addr`).
    pub fn insert(mut self, addrs: &mut Vec<Address>) -> Result<Address, AddressError> {
        if self.local.is_ipv6() {
            if addrs.iter().any(|a| a.local == self.local) {
                return Err(AddressError::Exists);
            }
            let near = addrs.iter().position(|a| a.local.is_ipv6() && a.scope >= self.scope);
            let at = near.unwrap_or(addrs.len());
            addrs.insert(at, self.clone());
            return Ok(self);
        }
        self.secondary = false;
        let mut at = 0;
        for (i, other) in addrs.iter().enumerate().filter(|(_, a)| a.local.is_ipv4()) {
            if !other.secondary && self.scope <= other.scope {
                at = i + 1;
            }
            if other.len == self.len && other.network() == self.network() {
                if other.local == self.local {
                    return Err(AddressError::Exists);
                }
                if other.scope != self.scope {
                    return Err(AddressError::Scope);
                }
                self.secondary = true;
            }
        }
        if self.secondary {
            at = addrs.iter().rposition(|a| a.local.is_ipv4()).map_or(0, |i| i + 1);
        }
        addrs.insert(at, self.clone());
        Ok(self)
    }

    /// Takes an address away, and with an IPv4 primary one the secondary ones of its network
    /// (`inet_del_ifa` without `promote_secondaries`). What went, in the order in which it goes.
    pub fn remove(addrs: &mut Vec<Address>, at: usize) -> Vec<Address> {
        let primary = addrs.remove(at);
        let mut removed = Vec::new();
        if primary.local.is_ipv4() && !primary.secondary {
            addrs.retain(|a| {
                let goes = a.secondary && a.len == primary.len && a.network() == primary.network();
                if goes {
                    removed.push(a.clone());
                }
                !goes
            });
        }
        removed.push(primary);
        removed
    }
}

/// What `net.ipv4.conf` and `net.ipv6.conf` say of an interface, `all` already counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct LinkConf {
    /// `rp_filter`: 0 off, 1 strict, 2 loose; the greater of `all` and the interface's own.
    pub rp_filter: u8,
    /// `accept_local`.
    pub accept_local: bool,
    /// `src_valid_mark`.
    pub src_valid_mark: bool,
    /// `route_localnet`.
    pub route_localnet: bool,
    /// `net.ipv4.conf.forwarding`.
    pub forwarding: bool,
    /// `net.ipv4.conf.ignore_routes_with_linkdown`.
    pub ignore_linkdown: bool,
    /// `net.ipv6.conf.forwarding`.
    pub forwarding6: bool,
    /// `net.ipv6.conf.ignore_routes_with_linkdown`.
    pub ignore_linkdown6: bool,
    /// `net.ipv6.conf.disable_ipv6`.
    pub disable_ipv6: bool,
    /// `send_redirects`.
    pub send_redirects: bool,
}

/// An interface, as routing sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its name.
    pub name: IfName,
    /// Its number in the namespace.
    pub index: u32,
    /// Set up by the administrator (`IFF_UP`).
    pub up: bool,
    /// Something is at the other end (`netif_carrier_ok`).
    pub carrier: bool,
    /// `IFF_LOOPBACK`.
    pub loopback: bool,
    /// `IFF_POINTOPOINT`.
    pub point_to_point: bool,
    /// Its group (`ip link set group`).
    pub group: u32,
    /// Its MTU in bytes.
    pub mtu: u32,
    /// Its addresses, in the kernel's order: see [`Address::insert`].
    pub addrs: Vec<Address>,
    /// Its settings.
    pub conf: LinkConf,
}

impl Link {
    /// An interface that is up, without addresses.
    pub fn new(name: IfName, index: u32) -> Self {
        let loopback = name.is_lo();
        Link {
            name,
            index,
            up: true,
            carrier: true,
            loopback,
            point_to_point: false,
            group: 0,
            mtu: if loopback { 65536 } else { 1500 },
            addrs: Vec::new(),
            conf: LinkConf { send_redirects: true, ..LinkConf::default() },
        }
    }
}

/// A host's interfaces.
pub trait Links {
    /// One by its name.
    fn link(&self, name: &IfName) -> Option<&Link>;

    /// All, by their numbers.
    fn links(&self) -> impl Iterator<Item = &Link>;
}

impl Links for [Link] {
    fn link(&self, name: &IfName) -> Option<&Link> {
        self.iter().find(|link| link.name == *name)
    }

    fn links(&self) -> impl Iterator<Item = &Link> {
        self.iter()
    }
}

impl Links for Vec<Link> {
    fn link(&self, name: &IfName) -> Option<&Link> {
        self.as_slice().link(name)
    }

    fn links(&self) -> impl Iterator<Item = &Link> {
        self.iter()
    }
}
