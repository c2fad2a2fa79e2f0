//! What is different between two states of one host's configuration, each difference with that which brought it.
//!
//! The causes are the kernel's own order of things: a device that goes down takes its routes with it, a carrier
//! brings an address, an address brings routes (`fib_netdev_event`, `fib_inetaddr_event`, `addrconf_notify`).

use super::{ConfigEvent, LinkChange};
use crate::abi::IfName;
use crate::net::fib::{Address, Route, RouteProto, TableId};
use crate::net::{Device, DeviceKind, Event, Host, LinkEvent};
use crate::netfilter::Family;
use std::collections::BTreeMap;

/// A difference, and the earlier one that brought it; `None` where it is what was asked for.
pub(super) struct Difference {
    pub because: Option<usize>,
    pub event: Event,
}

/// The differences found so far.
struct Found<'a> {
    before: Host,
    after: &'a Host,
    all: Vec<Difference>,
    /// The last event of each device, by its name now.
    links: BTreeMap<IfName, usize>,
    /// The events of addresses.
    addresses: Vec<(IfName, Address, usize)>,
}

/// All differences, causes first.
pub(super) fn differences(before: Host, after: &Host) -> Vec<Difference> {
    let mut found = Found { before, after, all: Vec::new(), links: BTreeMap::new(), addresses: Vec::new() };
    found.renames();
    found.settings();
    found.links_deleted();
    found.links_changed();
    found.carriers();
    found.addresses();
    found.routes();
    found.rules();
    found.neighbours();
    found.all
}

/// How high a device stands on others: what is below changes first.
fn height(device: &Device) -> u8 {
    match device.kind {
        DeviceKind::Loopback
        | DeviceKind::Veth
        | DeviceKind::Dummy
        | DeviceKind::Tap
        | DeviceKind::Described => 0,
        DeviceKind::Macvlan { .. } | DeviceKind::Vlan { .. } => 1,
        DeviceKind::Bridge(_) => 2,
    }
}

/// The devices that another one's state follows from.
fn below(device: &Device) -> Vec<&IfName> {
    match &device.kind {
        DeviceKind::Macvlan { lower, .. } | DeviceKind::Vlan { lower, .. } => vec![lower],
        DeviceKind::Bridge(bridge) => bridge.ports.iter().collect(),
        DeviceKind::Loopback
        | DeviceKind::Veth
        | DeviceKind::Dummy
        | DeviceKind::Tap
        | DeviceKind::Described => device.admin.peer.iter().collect(),
    }
}

fn link_changes(old: &Device, new: &Device) -> Vec<LinkChange> {
    let mut changes = Vec::new();
    let mut put = |differs: bool, change: LinkChange| {
        if differs {
            changes.push(change);
        }
    };
    put(old.mac != new.mac, LinkChange::Mac(new.mac));
    put(old.link.mtu != new.link.mtu, LinkChange::Mtu(new.link.mtu));
    put(old.link.group != new.link.group, LinkChange::Group(new.link.group));
    put(old.admin.alias != new.admin.alias, LinkChange::Alias(new.admin.alias.clone()));
    put(old.admin.queue != new.admin.queue, LinkChange::Queue(new.admin.queue));
    put(old.master != new.master, LinkChange::Master(new.master.clone()));
    put(old.hairpin != new.hairpin, LinkChange::Hairpin(new.hairpin));
    put(old.admin.promisc != new.admin.promisc, LinkChange::Promisc(new.admin.promisc));
    put(old.admin.allmulti != new.admin.allmulti, LinkChange::Allmulticast(new.admin.allmulti));
    put(old.admin.multicast != new.admin.multicast, LinkChange::Multicast(new.admin.multicast));
    put(old.link.up != new.link.up, LinkChange::Up(new.link.up));
    changes
}

/// A kind as a new device has it: a bridge without ports.
fn fresh(kind: &DeviceKind) -> DeviceKind {
    match kind {
        DeviceKind::Bridge(_) => DeviceKind::Bridge(Default::default()),
        other => other.clone(),
    }
}

/// Two lists in order: what is only in the first, and what is only in the second with its place there.
fn lists<T: PartialEq + Clone>(before: &[T], after: &[T]) -> (Vec<T>, Vec<(usize, T)>) {
    let mut left: Vec<Option<&T>> = after.iter().map(Some).collect();
    let mut gone = Vec::new();
    for old in before {
        match left.iter_mut().find(|new| **new == Some(old)) {
            Some(slot) => *slot = None,
            None => gone.push(old.clone()),
        }
    }
    let new = left.into_iter().enumerate().filter_map(|(at, new)| Some((at, new?.clone()))).collect();
    (gone, new)
}

impl Found<'_> {
    fn put(&mut self, because: Option<usize>, event: impl Into<Event>) -> usize {
        self.all.push(Difference { because, event: event.into() });
        self.all.len() - 1
    }

    fn link(&mut self, dev: &IfName, because: Option<usize>, event: ConfigEvent) {
        let at = self.put(because, event);
        self.links.insert(dev.clone(), at);
    }

    /// The last event of one of these devices.
    fn last_of<'d>(&self, devs: impl IntoIterator<Item = &'d IfName>) -> Option<usize> {
        devs.into_iter().filter_map(|d| self.links.get(d)).max().copied()
    }

    fn renames(&mut self) {
        let renamed: Vec<(IfName, IfName)> = self
            .before
            .devices
            .iter()
            .filter_map(|(old, d)| {
                let now = self.after.devices.by_number(d.link.index)?;
                (now.link.name != *old).then(|| (old.clone(), now.link.name.clone()))
            })
            .collect();
        for (old, new) in renamed {
            self.before.rename(&old, &new);
            let change = LinkChange::Name(old);
            self.link(&new, None, ConfigEvent::LinkChanged { dev: new.clone(), change });
        }
    }

    /// Settings; those of a device come and go with it.
    fn settings(&mut self) {
        let (before, after) = (&self.before, self.after);
        let stays = |name: &IfName| {
            let index = |h: &Host| h.devices.get(name).map(|d| d.link.index);
            index(before).is_some() && index(before) == index(after)
        };
        let old = before.settings(stays);
        let new = after.settings(stays);
        let changed: Vec<(String, i64)> =
            new.into_iter().filter(|(key, value)| old.get(key) != Some(value)).collect();
        // What is set for all may set it for each (`inet_forward_change`).
        let mut leaders = BTreeMap::new();
        let of_all = |key: &str| key.contains(".conf.all.");
        for (key, value) in changed.iter().filter(|(key, _)| of_all(key)) {
            let at = self.put(None, ConfigEvent::SysctlSet { key: key.clone(), value: *value });
            leaders.insert(key.clone(), at);
        }
        for (key, value) in changed.into_iter().filter(|(key, _)| !of_all(key)) {
            let parts: Vec<&str> = key.split('.').collect();
            let leader = match parts[..] {
                [net, ip, "conf", _, name] => leaders.get(&format!("{net}.{ip}.conf.all.{name}")).copied(),
                _ => None,
            };
            self.put(leader, ConfigEvent::SysctlSet { key, value });
        }
    }

    fn links_deleted(&mut self) {
        let mut gone: Vec<Device> = self.before.devices.by_index().into_iter().cloned().collect();
        gone.retain(|d| self.after.devices.by_number(d.link.index).is_none());
        gone.sort_by_key(height);
        for device in gone {
            let (dev, index) = (device.link.name.clone(), device.link.index);
            // A veth's two ends go at once; what stands on a device goes because of it.
            let because = if height(&device) == 1 { self.last_of(below(&device)) } else { None };
            self.link(&dev, because, ConfigEvent::LinkDeleted { dev: dev.clone(), index, to: None });
        }
    }

    fn links_changed(&mut self) {
        let mut devices = self.after.devices.by_index();
        devices.sort_by_key(|d| height(d));
        for new in devices {
            let dev = &new.link.name;
            let old = self.before.devices.by_number(new.link.index).cloned();
            let old = old.unwrap_or_else(|| {
                let mut old = Device::new(dev.clone(), new.link.index, fresh(&new.kind), new.mac);
                old.link.mtu = new.link.mtu;
                old.link.carrier = new.link.carrier && new.kind != DeviceKind::Veth;
                let event = ConfigEvent::LinkAdded {
                    dev: dev.clone(),
                    index: new.link.index,
                    kind: old.kind.clone(),
                    mac: new.mac,
                    mtu: new.link.mtu,
                    carrier: old.link.carrier,
                    from: None,
                };
                self.link(dev, None, event);
                old
            });
            for change in link_changes(&old, new) {
                let because = match &change {
                    LinkChange::Mac(_) | LinkChange::Mtu(_) if height(new) > 0 => {
                        self.last_of(below(new).into_iter().chain(below(&old)))
                    }
                    LinkChange::Master(None) => self.last_of(&old.master),
                    _ => None,
                };
                self.link(dev, because, ConfigEvent::LinkChanged { dev: dev.clone(), change });
            }
            self.forgotten(&old, new);
        }
    }

    /// What a bridge no longer knows.
    fn forgotten(&mut self, old: &Device, new: &Device) {
        let (DeviceKind::Bridge(old), DeviceKind::Bridge(now)) = (&old.kind, &new.kind) else { return };
        for (mac, port) in old.learned.iter().filter(|(mac, _)| !now.learned.contains_key(mac)) {
            let because = self.last_of([port]);
            let bridge = new.link.name.clone();
            self.put(because, ConfigEvent::FdbRemoved { bridge, port: port.clone(), mac: *mac });
        }
    }

    fn carriers(&mut self) {
        let mut devices = self.after.devices.by_index();
        devices.sort_by_key(|d| height(d));
        for new in devices {
            let dev = &new.link.name;
            let old = self.before.devices.by_number(new.link.index);
            let was = match old {
                Some(old) => old.link.carrier,
                None => new.link.carrier && new.kind != DeviceKind::Veth,
            };
            if was == new.link.carrier {
                continue;
            }
            let around = old.map(below).into_iter().flatten().chain(below(new));
            let because = self.last_of(around).or_else(|| self.last_of([dev]));
            let event = ConfigEvent::CarrierChanged { dev: dev.clone(), carrier: new.link.carrier };
            self.link(dev, because, event);
        }
    }

    fn addresses(&mut self) {
        let mut devices: Vec<(u32, IfName)> = Vec::new();
        for device in self.before.devices.by_index().into_iter().chain(self.after.devices.by_index()) {
            devices.push((device.link.index, device.link.name.clone()));
        }
        devices.sort();
        devices.dedup();
        for (index, dev) in devices {
            let of = |host: &Host| host.devices.by_number(index).map_or(Vec::new(), |d| d.link.addrs.clone());
            let (mut gone, new) = lists(&of(&self.before), &of(self.after));
            let because = self.last_of([&dev]);
            let mut told = Vec::new();
            for (at, address) in new {
                let same = gone.iter().position(|a| a.local == address.local && a.len == address.len);
                let dev = dev.clone();
                told.push((
                    address.clone(),
                    match same {
                        Some(old) => {
                            ConfigEvent::AddressChanged { dev, before: gone.remove(old), after: address }
                        }
                        None => ConfigEvent::AddressAdded { dev, at, address },
                    },
                ));
            }
            let removed = gone
                .into_iter()
                .map(|address| (address.clone(), ConfigEvent::AddressRemoved { dev: dev.clone(), address }));
            for (address, event) in removed.chain(told) {
                let at = self.put(because, event);
                self.addresses.push((dev.clone(), address, at));
            }
        }
    }

    /// What brought or took a route: the address that it comes of, else the device that it goes by.
    fn because_of(&self, route: &Route, added: bool) -> Option<usize> {
        if added && route.proto != RouteProto::KERNEL {
            return None;
        }
        let fits = |(dev, address, at): &(IfName, Address, usize)| {
            let own = route.prefsrc == Some(address.local)
                || (route.uses(dev)
                    && (route.dst.contains(address.address()) || route.dst.contains(address.local)));
            own.then_some(*at)
        };
        let address = self.addresses.iter().filter_map(fits).next_back();
        address.or_else(|| self.last_of(route.nexthops.iter().filter_map(|n| n.dev.as_ref())))
    }

    fn routes(&mut self) {
        for family in [Family::Ip, Family::Ip6] {
            let mut tables: Vec<TableId> = self.before.fib.tables(family).map(|(id, _)| id).collect();
            tables.extend(self.after.fib.tables(family).map(|(id, _)| id));
            tables.sort();
            tables.dedup();
            for table in tables {
                let old = self.before.fib.table(family, table);
                let (mut gone, new) = lists(old, self.after.fib.table(family, table));
                let key = |r: &Route| (r.dst, r.tos, r.metric);
                let mut told = Vec::new();
                for (at, route) in new {
                    let because = self.because_of(&route, true);
                    told.push(match gone.iter().position(|r| key(r) == key(&route)) {
                        Some(old) => {
                            let before = gone.remove(old);
                            let because = self.because_of(&before, false);
                            (because, ConfigEvent::RouteReplaced { table, before, after: route })
                        }
                        None => (because, ConfigEvent::RouteAdded { table, at, route }),
                    });
                }
                for route in gone {
                    let because = self.because_of(&route, false);
                    self.put(because, ConfigEvent::RouteRemoved { table, route });
                }
                for (because, event) in told {
                    self.put(because, event);
                }
            }
        }
    }

    fn rules(&mut self) {
        for family in [Family::Ip, Family::Ip6] {
            let (gone, new) = lists(self.before.fib.rules(family), self.after.fib.rules(family));
            for rule in gone {
                self.put(None, ConfigEvent::RuleRemoved { family, rule });
            }
            for (at, rule) in new {
                self.put(None, ConfigEvent::RuleAdded { family, at, rule });
            }
        }
    }

    fn neighbours(&mut self) {
        let mut events: Vec<(IfName, Event)> = Vec::new();
        for (dev, addr, _) in self.before.neighbours.iter() {
            if self.after.neighbours.get(dev, addr).is_none() {
                let event = ConfigEvent::NeighbourRemoved { dev: dev.clone(), addr };
                events.push((dev.clone(), event.into()));
            }
        }
        for (dev, addr, new) in self.after.neighbours.iter() {
            let old = self.before.neighbours.get(dev, addr);
            if old.is_none_or(|old| (old.state, old.mac) != (new.state, new.mac)) {
                let event = LinkEvent::Neighbour { dev: dev.clone(), addr, state: new.state, mac: new.mac };
                events.push((dev.clone(), event.into()));
            }
        }
        for (dev, event) in events {
            let because = self.last_of([&dev]);
            self.put(because, event);
        }
    }
}
