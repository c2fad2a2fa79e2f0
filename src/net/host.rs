//! A host: its interfaces, its routes, its netfilter.

use super::route::{Route, RouteKind};
use super::{Assumption, Routed};
use crate::abi::{IfName, Time};
use crate::netfilter::{AddrMask, AddrType, Env, Family, Netfilter};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// An address on an interface, with the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct IfAddr {
    /// The address.
    pub addr: IpAddr,
    /// The prefix length.
    pub len: u8,
}

impl IfAddr {
    /// The network that the address lies in.
    pub fn network(&self) -> Option<AddrMask> {
        AddrMask::prefix(self.addr, self.len)
    }

    /// The network's broadcast address; IPv6, `/31` and `/32` have none.
    pub fn broadcast(&self) -> Option<Ipv4Addr> {
        match self.addr {
            IpAddr::V4(addr) if self.len < 31 => {
                Some(Ipv4Addr::from(addr.to_bits() | u32::MAX.checked_shr(self.len.into()).unwrap_or(0)))
            }
            _ => None,
        }
    }
}

impl fmt::Display for IfAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.len)
    }
}

/// A Linux host, seen by its packets.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Interfaces with their addresses. `lo` is always there.
    pub interfaces: BTreeMap<IfName, Vec<IfAddr>>,
    /// Routes besides those that addresses bring with them.
    pub routes: Vec<Route>,
    /// `net.ipv4.ip_forward` and its twin of IPv6.
    pub forwarding: bool,
    /// `net.ipv4.conf.*.route_localnet`: 127/8 may come in from outside.
    pub route_localnet: bool,
    /// False where the interfaces and routes were worked out from rules and packets: what they do not tell is
    /// then unknown instead of absent.
    pub described: bool,
    /// What was worked out, and from what.
    pub assumptions: Vec<Assumption>,
    /// Rules and connections.
    pub netfilter: Netfilter,
    /// The model's clock.
    pub now: Time,
}

impl Host {
    /// A host with nothing but `lo`, which forwards.
    pub fn new(described: bool) -> Self {
        let lo = vec![
            IfAddr { addr: Ipv4Addr::LOCALHOST.into(), len: 8 },
            IfAddr { addr: std::net::Ipv6Addr::LOCALHOST.into(), len: 128 },
        ];
        Host {
            interfaces: BTreeMap::from([(IfName::lo(), lo)]),
            routes: Vec::new(),
            forwarding: true,
            route_localnet: false,
            described,
            assumptions: Vec::new(),
            netfilter: Netfilter::default(),
            now: Time::ZERO,
        }
    }

    /// The interface that has the address.
    pub fn owner(&self, addr: IpAddr) -> Option<&IfName> {
        let on_lo = matches!(addr, IpAddr::V4(a) if a.is_loopback());
        let has = |addrs: &Vec<IfAddr>| addrs.iter().any(|a| a.addr == addr);
        self.interfaces
            .iter()
            .find(|(name, addrs)| has(addrs) || (on_lo && name.is_lo()))
            .map(|(name, _)| name)
    }

    /// True if the address is a broadcast address of one of the host's networks, or of all.
    pub fn is_broadcast(&self, addr: IpAddr) -> bool {
        let IpAddr::V4(addr) = addr else { return false };
        addr.is_broadcast() || self.interfaces.values().flatten().any(|a| a.broadcast() == Some(addr))
    }

    /// Where a packet to this address goes (`fib_lookup`): the host's own addresses first, then the longest
    /// prefix.
    pub fn route(&self, dst: IpAddr) -> Routed {
        if self.owner(dst).is_some() || self.is_broadcast(dst) || dst.is_multicast() {
            return Routed::Local;
        }
        let connected = self.interfaces.iter().filter(|(name, _)| !name.is_lo()).flat_map(|(name, addrs)| {
            addrs.iter().filter_map(|a| Some((a.network()?, RouteKind::Dev(name.clone()))))
        });
        let added = self.routes.iter().map(|r| (r.dst, r.kind.clone()));
        let found = connected
            .chain(added)
            .filter(|(net, _)| net.contains(dst))
            .max_by_key(|(net, _)| net.prefix_len().unwrap_or(0));
        match found {
            Some((_, RouteKind::Dev(dev))) => Routed::Out(dev),
            Some((_, kind)) => Routed::Refused(kind),
            None if self.described => Routed::NoRoute,
            None => Routed::Unknown,
        }
    }
}

impl Env for Host {
    fn is_described(&self) -> bool {
        self.described
    }

    fn addr_type(&self, addr: IpAddr, on: Option<&IfName>) -> Option<AddrType> {
        if addr.is_multicast() {
            return Some(AddrType::Multicast);
        }
        if self.is_broadcast(addr) || addr == IpAddr::V4(Ipv4Addr::UNSPECIFIED) {
            return Some(AddrType::Broadcast);
        }
        if addr.is_unspecified() {
            return Some(AddrType::Unspec);
        }
        match (self.owner(addr), on) {
            (Some(owner), Some(on)) if owner != on => Some(AddrType::Unicast),
            (Some(_), _) => Some(AddrType::Local),
            (None, _) => Some(AddrType::Unicast),
        }
    }

    fn interface_address(&self, name: &IfName, to: IpAddr) -> Option<IpAddr> {
        let mut addrs = self.interfaces.get(name)?.iter().filter(|a| Family::of(a.addr) == Family::of(to));
        let near = addrs.clone().find(|a| a.network().is_some_and(|n| n.contains(to)));
        near.or_else(|| addrs.next()).map(|a| a.addr)
    }
}
