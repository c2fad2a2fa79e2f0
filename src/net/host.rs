//! A host: a network namespace with its devices, addresses, routes, neighbours, sockets and its netfilter.

use super::device::{Bridge, Device, DeviceKind, Devices};
use super::exceptions::Exceptions;
use super::fib::{
    Address, AddressError, Fib, Flow, Insert, LinkConf, Links, NoRoute, Prefix, Route, RouteError, RouteKind,
    TableId,
};
use super::fragment::Fragments;
use super::neigh::Neighbours;
use super::pace::Pace;
use super::socket::Sockets;
use super::sysctl::{Conf, Sysctls, UnknownSysctl};
use super::{Assumption, Global, Routed};
use crate::abi::{IfName, Mac, Time};
use crate::netfilter::{AddrType, Env, Family, Netfilter, ReversePath, Skb, SocketFacts};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A Linux host, seen by its packets.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Its devices. `lo` is always there.
    pub devices: Devices,
    /// Its routing tables and rules.
    pub fib: Fib,
    /// Its settings.
    pub sysctls: Sysctls,
    /// Its neighbours.
    pub neighbours: Neighbours,
    /// Its sockets.
    pub sockets: Sockets,
    /// Ways that redirects and messages about the path changed.
    pub exceptions: Exceptions,
    /// Packets that came in pieces.
    pub fragments: Fragments,
    /// How often it may still send ICMP errors.
    pub pace: Pace,
    /// False where the interfaces and routes were worked out from rules and packets: what they do not tell is
    /// then unknown instead of absent.
    pub described: bool,
    /// What was worked out, and from what.
    pub assumptions: Vec<Assumption>,
    /// Rules and connections.
    pub netfilter: Netfilter,
    /// The model's clock.
    pub now: Time,
    pub(super) next_id: u16,
    /// The numbers that other network namespaces go by here (`link-netnsid`).
    pub(super) namespaces: BTreeMap<u16, u32>,
}

impl Host {
    /// A host with nothing but `lo`, as `ip netns add` makes it, and `lo` set up.
    pub fn new(described: bool) -> Self {
        let mut host = Host::bare(described);
        host.set_up(&IfName::lo());
        host
    }

    /// A network namespace as `ip netns add` makes it on this host: IPv4 settings of all devices and of new ones are
    /// this host's (`devinet_init_net`).
    pub fn namespace(&self) -> Host {
        let mut host = Host::bare(self.described);
        host.now = self.now;
        host.sysctls = self.sysctls.inherited();
        host.sysctls.device_added(&IfName::lo());
        host.refresh_settings();
        host
    }

    fn bare(described: bool) -> Self {
        let mut host = Host {
            devices: Devices::default(),
            fib: Fib::new(),
            sysctls: Sysctls::default(),
            neighbours: Neighbours::default(),
            sockets: Sockets::default(),
            exceptions: Exceptions::default(),
            fragments: Fragments::default(),
            pace: Pace::default(),
            described,
            assumptions: Vec::new(),
            netfilter: Netfilter::default(),
            now: Time::ZERO,
            next_id: 0,
            namespaces: BTreeMap::new(),
        };
        host.add_device(IfName::lo(), DeviceKind::Loopback, Mac::ZERO);
        host
    }

    /// Adds a device, which is down.
    pub fn add_device(&mut self, name: IfName, kind: DeviceKind, mac: Mac) {
        self.sysctls.device_added(&name);
        self.devices.insert(Device::new(name, self.devices.next_index(), kind, mac));
        self.refresh_settings();
    }

    /// Removes a device with its addresses, routes and neighbours.
    pub fn remove_device(&mut self, name: &IfName) {
        self.take_device(name);
    }

    /// Takes a device out, without its addresses, routes and neighbours.
    pub(super) fn take_device(&mut self, name: &IfName) -> Option<Device> {
        self.set_down(name);
        let device = self.devices.remove(name)?;
        self.fib.device_removed(&device.link);
        self.sysctls.device_removed(name);
        for (_, other) in self.devices.iter_mut() {
            if other.master.as_ref() == Some(name) {
                other.master = None;
            }
            if let DeviceKind::Bridge(bridge) = &mut other.kind {
                bridge.forget(name);
            }
        }
        self.settle_carriers(None);
        Some(device)
    }

    /// Takes a device away as its owner's request does: with it go a veth's other end on the same host, and what
    /// stands on either.
    pub fn delete_device(&mut self, name: &IfName) {
        let mut gone = vec![name.clone()];
        gone.extend(self.devices.get(name).and_then(|d| d.admin.peer.clone()));
        while let Some(dev) = gone.pop() {
            let above = self.devices.by_index().into_iter().filter(|d| match &d.kind {
                DeviceKind::Macvlan { lower, .. } | DeviceKind::Vlan { lower, .. } => *lower == dev,
                _ => false,
            });
            gone.extend(above.map(|d| d.link.name.clone()));
            self.remove_device(&dev);
        }
    }

    /// Sets a device up: the routes of its addresses come, and `lo` and the others get the addresses that the
    /// kernel gives them itself.
    pub fn set_up(&mut self, name: &IfName) {
        let Some(device) = self.devices.get_mut(name) else { return };
        if device.link.up {
            return;
        }
        device.link.up = true;
        device.admin.opened = true;
        self.fib.device_up(&device.link);
        if name.is_lo() {
            let _ = self.add_address(name, Address::new(Ipv4Addr::LOCALHOST.into(), 8));
            let _ = self.add_address(name, Address::new(Ipv6Addr::LOCALHOST.into(), 128));
        }
        self.settle_carriers(Some(name));
    }

    /// Sets a device down: its routes go, and its IPv6 addresses.
    pub fn set_down(&mut self, name: &IfName) {
        let Some(device) = self.devices.get_mut(name) else { return };
        if !device.link.up {
            return;
        }
        device.link.up = false;
        device.admin.ready = false;
        device.link.addrs.retain(|a| a.local.is_ipv4());
        self.fib.device_down(&device.link);
        self.neighbours.forget_device(name);
        self.settle_carriers(None);
    }

    /// Gives a device an address, with the routes that come of it. IPv6 ones are not given where IPv6 is off.
    ///
    /// Errors: the device has it, or there is no such device.
    pub fn add_address(&mut self, name: &IfName, address: Address) -> Result<(), AddressError> {
        if address.local.is_ipv6() && self.sysctls.dev(Family::Ip6, Conf::DisableIpv6, name) != 0 {
            return Ok(());
        }
        let Some(device) = self.devices.get_mut(name) else { return Ok(()) };
        let address = address.insert(&mut device.link.addrs)?;
        if address.local.is_ipv6() && device.link.up {
            self.fib.device_ready(&device.link);
        }
        self.fib.address_added(&device.link, &address);
        Ok(())
    }

    /// Takes a device's address away, with the routes that came of it.
    pub fn remove_address(&mut self, name: &IfName, local: IpAddr, len: u8) -> bool {
        let Some(device) = self.devices.get_mut(name) else { return false };
        let Some(at) = device.link.addrs.iter().position(|a| a.local == local && a.len == len) else {
            return false;
        };
        let removed = Address::remove(&mut device.link.addrs, at);
        for address in &removed {
            self.fib.address_removed(&device.link, address);
        }
        true
    }

    /// Makes a device a port of a bridge.
    pub fn enslave(&mut self, port: &IfName, bridge: &IfName) {
        if let Some(device) = self.devices.get_mut(port) {
            device.master = Some(bridge.clone());
        }
        if let Some(DeviceKind::Bridge(b)) = self.devices.get_mut(bridge).map(|d| &mut d.kind)
            && !b.ports.contains(port)
        {
            b.ports.push(port.clone());
        }
        self.settle_carriers(None);
    }

    /// Takes a port away from its bridge.
    pub fn release(&mut self, port: &IfName) {
        let Some(bridge) = self.devices.get_mut(port).and_then(|d| d.master.take()) else { return };
        if let Some(DeviceKind::Bridge(b)) = self.devices.get_mut(&bridge).map(|d| &mut d.kind) {
            b.forget(port);
        }
        self.settle_carriers(None);
    }

    /// Adds a route to the main table, or to the one it names; one that is there already stays.
    pub fn add_route(&mut self, table: TableId, route: Route) {
        let _ = self.fib.insert(table, route, Insert::Append);
    }

    /// Sets one of the host's settings.
    ///
    /// Errors: one that the model does not have.
    pub fn set_sysctl(&mut self, key: &str, value: i64) -> Result<(), UnknownSysctl> {
        let dots = if key.contains('/') { key.replace('/', ".") } else { key.to_owned() };
        if dots.starts_with("net.netfilter.nf_conntrack_") {
            let settings = &mut self.netfilter.conntrack.settings;
            return settings.set(&dots, &value.to_string()).map_err(|_| UnknownSysctl(dots));
        }
        self.sysctls.set(key, value)?;
        self.refresh_settings();
        Ok(())
    }

    /// A copy of what commands configure: devices, routes, neighbours and settings; nothing else of the host.
    pub(super) fn configuration(&self) -> Host {
        let mut copy = Host::new(self.described);
        copy.devices = self.devices.clone();
        copy.fib = self.fib.clone();
        copy.sysctls = self.sysctls.clone();
        copy.neighbours = self.neighbours.clone();
        copy.netfilter.conntrack.settings = self.netfilter.conntrack.settings.clone();
        copy
    }

    /// All settings by their keys; of devices' own only those of the ones that `which` holds for.
    pub fn settings(&self, which: impl Fn(&IfName) -> bool) -> BTreeMap<String, i64> {
        let mut all = self.sysctls.values(which);
        let conntrack = self.netfilter.conntrack.settings.values();
        all.extend(
            conntrack.map(|(name, value)| (format!("net.netfilter.nf_conntrack_{name}"), value.into())),
        );
        all
    }

    /// Lets packets through, in both families or in none.
    pub fn set_forwarding(&mut self, on: bool) {
        let value = i64::from(on);
        for key in ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"] {
            let _ = self.sysctls.set(key, value);
        }
        self.refresh_settings();
    }

    /// Brings what routing sees of each device's settings up to date.
    pub(super) fn refresh_settings(&mut self) {
        let s = &self.sysctls;
        for (name, device) in self.devices.iter_mut() {
            device.link.conf = LinkConf {
                rp_filter: u8::try_from(s.max(Family::Ip, Conf::RpFilter, name)).unwrap_or(0),
                accept_local: s.either(Family::Ip, Conf::AcceptLocal, name),
                src_valid_mark: s.either(Family::Ip, Conf::SrcValidMark, name),
                route_localnet: s.either(Family::Ip, Conf::RouteLocalnet, name),
                forwarding: s.dev(Family::Ip, Conf::Forwarding, name) != 0,
                forwarding6: s.dev(Family::Ip6, Conf::Forwarding, name) != 0,
                disable_ipv6: s.dev(Family::Ip6, Conf::DisableIpv6, name) != 0,
                send_redirects: s.either(Family::Ip, Conf::SendRedirects, name),
                ..device.link.conf
            };
        }
    }

    /// The interface that has the address.
    pub fn owner(&self, addr: IpAddr) -> Option<&IfName> {
        let on_lo = matches!(addr, IpAddr::V4(a) if a.is_loopback());
        let has = |d: &Device| d.link.addrs.iter().any(|a| a.local == addr);
        self.devices.iter().find(|(name, d)| has(d) || (on_lo && name.is_lo())).map(|(name, _)| name)
    }

    /// True if the address is a broadcast address of one of the host's networks, or of all.
    pub fn is_broadcast(&self, addr: IpAddr) -> bool {
        let IpAddr::V4(v4) = addr else { return false };
        if v4.is_broadcast() {
            return true;
        }
        let host = Prefix::host(addr);
        let local = self.fib.table(Family::Ip, TableId::LOCAL);
        local.iter().any(|r| r.dst == host && r.kind == RouteKind::Broadcast)
    }

    /// Where a packet of the host's own to this address goes.
    pub fn route(&self, dst: IpAddr) -> Routed {
        if self.takes(dst) {
            return Routed::Local;
        }
        match self.fib.route_output(&self.devices, &Flow::to(dst)) {
            Ok(routing) => Routed::Out(routing.dev),
            Err(RouteError::NoRoute(NoRoute::Net)) if self.described => Routed::NoRoute,
            Err(RouteError::NoRoute(NoRoute::Net)) => Routed::Unknown,
            Err(RouteError::NoRoute(NoRoute::Host)) => Routed::Refused(RouteKind::Unreachable),
            Err(RouteError::NoRoute(NoRoute::Prohibited)) => Routed::Refused(RouteKind::Prohibit),
            Err(RouteError::NoRoute(NoRoute::Blackhole)) => Routed::Refused(RouteKind::Blackhole),
            Err(_) => Routed::NoRoute,
        }
    }

    /// True if the host takes packets to the address itself.
    pub fn takes(&self, addr: IpAddr) -> bool {
        self.owner(addr).is_some() || self.is_broadcast(addr) || addr.is_multicast()
    }

    /// The addresses of an interface.
    pub fn addresses(&self, name: &IfName) -> &[Address] {
        self.devices.link(name).map_or(&[], |link| &link.addrs)
    }

    /// The next identification of a packet that the host sends.
    pub(super) fn new_id(&mut self) -> u16 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }
}

impl Bridge {
    fn forget(&mut self, port: &IfName) {
        self.had_ports |= self.ports.contains(port);
        self.ports.retain(|p| p != port);
        self.learned.retain(|_, p| p != port);
    }
}

impl Env for Host {
    fn addr_type(&self, addr: IpAddr, on: Option<&IfName>) -> Option<AddrType> {
        Some(self.fib.address_type(&self.devices, addr, on))
    }

    fn interface_address(&self, name: &IfName, to: IpAddr) -> Option<IpAddr> {
        self.address_on(name, to)
    }

    fn is_described(&self) -> bool {
        self.described
    }

    fn can_route(&self, skb: &Skb) -> bool {
        matches!(self.route_out(skb, None), super::routing::Outbound::To(_))
    }

    fn path_mtu(&self, skb: &Skb) -> Option<(u32, u32)> {
        self.described.then(|| self.mtu_both_ways(skb)).flatten()
    }

    fn reverse_path(&self, skb: &Skb, check: ReversePath) -> Option<bool> {
        self.described.then(|| self.passes_reverse_path(skb, check))
    }

    fn socket(&self, skb: &Skb) -> Option<Option<SocketFacts>> {
        self.described.then(|| self.sockets.facts_for(skb))
    }
}

impl Host {
    /// True if a setting of the whole host is on.
    pub fn is_on(&self, global: Global) -> bool {
        self.sysctls.is_on(global)
    }
}
