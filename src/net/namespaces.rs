//! Network namespaces that come and go while a network runs, and devices that move between them (`setup_net`,
//! `cleanup_net`, `__dev_change_net_namespace`).

use super::config::{ConfigEvent, Told, tell};
use super::device::{Admin, Device, DeviceKind};
use super::event::Event;
use super::host::Host;
use super::network::{HostId, Network, Port};
use crate::abi::{EventId, IfName};
use std::fmt;

/// The names by which commands call network namespaces: those of ip-netns(8), or the numbers of processes in them.
pub trait Names {
    /// The namespace of this name.
    fn find(&self, name: &str) -> Option<HostId>;

    /// The name of a namespace.
    fn name(&self, host: HostId) -> Option<&str>;
}

/// No namespace has a name.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNames;

impl Names for NoNames {
    fn find(&self, _: &str) -> Option<HostId> {
        None
    }

    fn name(&self, _: HostId) -> Option<&str> {
        None
    }
}

/// Why a device cannot move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoveError {
    /// It is not there (`ENODEV`).
    NoDevice,
    /// Devices of its kind stay where they are (`EINVAL`).
    Immutable,
    /// A device of its name is there already (`EEXIST`).
    Exists,
    /// So is one of the name that it would get then (`EEXIST`).
    NameTaken(IfName),
    /// It stands on another device or carries one: the model does not move those.
    Stacked,
}

impl fmt::Display for MoveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MoveError::NoDevice => "No such device",
            MoveError::Immutable => "The interface netns is immutable",
            MoveError::Exists => "An interface with the same name exists in the target netns",
            MoveError::NameTaken(name) => {
                return write!(f, "Unable to use '{name}' for the new interface name in the target netns");
            }
            MoveError::Stacked => "the model moves no device that stands on another one or carries one",
        })
    }
}

impl std::error::Error for MoveError {}

/// A device that went from one host to another.
#[derive(Clone, Debug)]
pub(super) struct Moved {
    from: HostId,
    /// Its number there.
    old: u32,
    to: HostId,
    /// Its number where it is now.
    number: u32,
    /// Its name there when it came.
    pub new: IfName,
}

/// Hosts as they were before a change of several.
pub(super) struct Before {
    since: EventId,
    hosts: Vec<(HostId, Host)>,
}

impl Before {
    /// Further hosts as they are now.
    pub fn add(&mut self, net: &Network, hosts: impl IntoIterator<Item = HostId>) {
        for id in hosts {
            if self.hosts.iter().all(|(known, _)| *known != id) {
                self.hosts.push((id, net.host(id).configuration()));
            }
        }
    }
}

impl Host {
    /// The number that another network namespace goes by here: the least free one, from when it is first told of
    /// (`peernet2id_alloc`).
    pub(super) fn number_of(&mut self, other: HostId) -> u32 {
        let mut free = 0;
        while self.namespaces.values().any(|n| *n == free) {
            free += 1;
        }
        *self.namespaces.entry(other.0).or_insert(free)
    }

    /// Puts a device in that was in another namespace: down, and with its own number if that is free.
    fn attach(&mut self, old: Device, name: IfName) -> u32 {
        let taken = self.devices.by_number(old.link.index).is_some();
        let index = if taken { self.devices.next_index() } else { old.link.index };
        let carrier = old.link.carrier && old.kind != DeviceKind::Veth;
        let mut device = Device::new(name.clone(), index, old.kind, old.mac);
        device.link.mtu = old.link.mtu;
        device.link.group = old.link.group;
        device.link.carrier = carrier;
        device.admin = Admin { peer: None, far: None, opened: false, ready: false, ..old.admin };
        self.sysctls.device_added(&name);
        if taken {
            self.devices.insert(device);
        } else {
            self.devices.put(device);
        }
        self.refresh_settings();
        index
    }
}

impl Network {
    /// Adds a network namespace to the machine of a host.
    pub fn add_namespace(&mut self, of: HostId, name: &str, cause: Option<EventId>) -> HostId {
        let machine = self.machine(of);
        let host = self.host(machine).namespace();
        let id = self.put_host(name, host, machine);
        self.between();
        self.emit(id, cause, ConfigEvent::NamespaceAdded { name: name.into() });
        id
    }

    /// The first network namespace of a host's machine.
    pub fn machine(&self, host: HostId) -> HostId {
        self.machines.get(usize::from(host.0)).copied().unwrap_or(host)
    }

    /// Removes a host: its devices are gone with their other ends, those that are no software are its machine's
    /// again, and nothing that was due at it happens. With a machine its namespaces are gone.
    pub fn remove_host(&mut self, host: HostId, cause: Option<EventId>) {
        if self.gone.contains(&host) {
            return;
        }
        let machine = self.machine(host);
        if machine == host {
            let mut guests: Vec<HostId> = self.hosts().map(|(id, ..)| id).collect();
            guests.retain(|id| *id != host && self.machine(*id) == host);
            for guest in guests {
                self.remove_host(guest, cause);
            }
        }
        self.between();
        let name = self.name(host).into();
        let root = self.emit(host, cause, ConfigEvent::NamespaceRemoved { name });
        let of_kind = |net: &Network, hardware: bool| -> Vec<(IfName, u32)> {
            let all = net.host(host).devices.by_index().into_iter();
            let wanted = all.filter(|d| {
                !d.link.loopback && (d.kind == DeviceKind::Described && machine != host) == hardware
            });
            wanted.map(|d| (d.link.name.clone(), d.link.index)).collect()
        };
        for (dev, index) in of_kind(self, true) {
            let fallback = self.spare_name(machine, index);
            let before = self.before([host, machine]);
            // Hardware moves freely: nothing stands on it that could hold it here once that is gone.
            let moved = self.carry(&(host, dev), machine, fallback.as_ref());
            self.tell_of(before, moved.ok().as_slice(), |_| Some(root));
        }
        let before = self.before([host]);
        for (dev, _) in of_kind(self, false) {
            self.host_mut(host).delete_device(&dev);
        }
        self.tell_of(before, &[], |_| Some(root));
        self.gone.insert(host);
        self.forget_tasks(host);
        let blank = self.host(machine).namespace();
        *self.host_mut(host) = blank;
        for other in &mut self.hosts {
            other.namespaces.remove(&host.0);
        }
    }

    /// The name that a device gets which comes back and whose own is taken (`default_device_exit_net`).
    fn spare_name(&self, host: HostId, index: u32) -> Option<IfName> {
        let mut names = std::iter::once(index).chain(0..).map(|n| IfName::new(&format!("dev{n}")));
        let free = |name: &Option<IfName>| {
            name.as_ref().is_none_or(|name| self.host(host).devices.get(name).is_none())
        };
        names.find(free).flatten()
    }

    /// Moves a device to another host, as `ip link set DEV netns NAME` does: it is down there, without its addresses
    /// and routes, and its other end stays. If its name is taken it gets the other one.
    ///
    /// Returns its name there. Errors: it cannot move.
    pub fn move_device(
        &mut self,
        device: &Port,
        to: HostId,
        fallback: Option<&IfName>,
        cause: Option<EventId>,
    ) -> Result<IfName, MoveError> {
        let before = self.before([device.0, to]);
        let moved = self.carry(device, to, fallback)?;
        let new = moved.new.clone();
        self.tell_of(before, &[moved], |_| cause);
        Ok(new)
    }

    /// Moves a device, and tells nobody.
    pub(super) fn carry(
        &mut self,
        (from, dev): &Port,
        to: HostId,
        fallback: Option<&IfName>,
    ) -> Result<Moved, MoveError> {
        let devices = &self.host(*from).devices;
        let device = devices.get(dev).ok_or(MoveError::NoDevice)?;
        let index = device.link.index;
        let moved = |new: &IfName, number| Moved { from: *from, old: index, to, number, new: new.clone() };
        if *from == to {
            return Ok(moved(dev, index));
        }
        match device.kind {
            DeviceKind::Loopback | DeviceKind::Bridge(_) => return Err(MoveError::Immutable),
            DeviceKind::Veth | DeviceKind::Dummy | DeviceKind::Tap | DeviceKind::Described => {}
            DeviceKind::Macvlan { .. } | DeviceKind::Vlan { .. } => return Err(MoveError::Stacked),
        }
        let above = |d: &Device| match &d.kind {
            DeviceKind::Macvlan { lower, .. } | DeviceKind::Vlan { lower, .. } => lower == dev,
            _ => false,
        };
        if devices.iter().any(|(_, d)| above(d)) {
            return Err(MoveError::Stacked);
        }
        let taken = |name: &IfName| self.host(to).devices.get(name).is_some();
        let new = match fallback {
            _ if !taken(dev) => dev,
            None => return Err(MoveError::Exists),
            Some(name) if taken(name) => return Err(MoveError::NameTaken(name.clone())),
            Some(name) => name,
        };
        let peer = self.peer(*from, dev);
        let peer_had = peer
            .as_ref()
            .is_some_and(|(host, dev)| self.host(*host).devices.get(dev).is_some_and(|d| d.link.carrier));
        if let Some(far) = self.wires.remove(&(*from, index)) {
            self.wires.remove(&far);
        }
        let source = self.host_mut(*from);
        // The old namespace is told where it went.
        source.number_of(to);
        let device = source.take_device(dev).ok_or(MoveError::NoDevice)?;
        source.settle_bridges();
        let number = self.host_mut(to).attach(device, new.clone());
        if let Some(peer) = peer {
            self.connect((to, new.clone()), peer.clone());
            if peer_had {
                self.host_mut(peer.0).judge(&peer.1);
            }
        }
        self.host_mut(to).settle_carriers(None);
        Ok(moved(new, number))
    }

    /// Hosts as they are.
    pub(super) fn before(&self, hosts: impl IntoIterator<Item = HostId>) -> Before {
        let mut before = Before { since: self.log().next_id(), hosts: Vec::new() };
        before.add(self, hosts);
        before
    }

    /// Tells of what is different from before, and of what follows at the wires' other ends. What it is all because
    /// of is asked for if anything is. A device that came did so because it went.
    pub(super) fn tell_of(
        &mut self,
        before: Before,
        moved: &[Moved],
        root: impl FnOnce(&mut Network) -> Option<EventId>,
    ) {
        let Before { since, hosts } = before;
        let mut all: Vec<(HostId, Told)> = Vec::new();
        for (id, was) in hosts {
            let mut told = Told::of(was, self.host(id));
            for one in moved.iter().filter(|one| one.from != one.to) {
                for event in told.events() {
                    match event {
                        ConfigEvent::LinkDeleted { index, to, .. } if id == one.from && *index == one.old => {
                            *to = Some(self.name(one.to).into());
                        }
                        ConfigEvent::LinkAdded { index, from, .. }
                            if id == one.to && *index == one.number =>
                        {
                            *from = Some(self.name(one.from).into());
                        }
                        _ => {}
                    }
                }
            }
            all.push((id, told));
        }
        if all.iter().all(|(_, told)| told.is_nothing()) {
            return;
        }
        let root = root(self);
        // Where devices went from is told before where they came to.
        all.sort_by_key(|(id, _)| moved.iter().any(|one| one.to == *id && one.from != *id));
        for (id, told) in all {
            let went = moved.iter().find(|one| one.to == id && one.from != id);
            let cause = went.and_then(|one| self.departure(since, one)).or(root);
            self.within(id, |host, sink| tell(&told, cause, host, sink));
        }
        self.settle_wires_after(since);
    }

    fn departure(&self, since: EventId, moved: &Moved) -> Option<EventId> {
        (since.0..self.log().next_id().0).map(EventId).find(|id| {
            self.log().get(*id).is_some_and(|entry| match &entry.event.event {
                Event::Config(ConfigEvent::LinkDeleted { index, to: Some(_), .. }) => {
                    entry.event.host == moved.from && *index == moved.old
                }
                _ => false,
            })
        })
    }
}
