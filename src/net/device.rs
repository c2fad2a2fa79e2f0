//! Network devices.

use super::fib::{Link, Links};
use crate::abi::{IfName, Mac};
use serde::Serialize;
use std::collections::BTreeMap;

/// A network device.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// What routing sees of it: its number, whether it is up, its MTU, its addresses, its settings.
    pub link: Link,
    /// What it is.
    pub kind: DeviceKind,
    /// Its hardware address.
    pub mac: Mac,
    /// The bridge that it is a port of.
    pub master: Option<IfName>,
    /// As a bridge's port it sends frames back where they came from.
    pub hairpin: bool,
    /// What the administrator said of it that changes no packet's way.
    pub admin: Admin,
}

/// What `ip link` sets and shows of a device, beside what its packets meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Admin {
    /// A veth's other end, where that is on the same host.
    pub peer: Option<IfName>,
    /// A veth's other end, where that is on another host: the host, the device's number there, and the number that
    /// the host's network namespace goes by here (`link-netnsid`).
    pub far: Option<(u16, u32, u32)>,
    /// `promisc on`.
    pub promisc: bool,
    /// `allmulticast on`.
    pub allmulti: bool,
    /// Not `multicast off`.
    pub multicast: bool,
    /// `txqueuelen`, in packets.
    pub queue: u32,
    /// `alias`.
    pub alias: Option<String>,
    /// It was up at least once: its queues are made.
    pub opened: bool,
    /// IPv6 has begun on it: it was up and had a carrier (`IF_READY`).
    pub ready: bool,
    /// Its hardware address was chosen; a bridge does not take one of its ports then.
    pub own_mac: bool,
    /// When its carrier went last, the device of its other end's number on this host had none either
    /// (`IF_OPER_LOWERLAYERDOWN`).
    pub below_down: bool,
    /// Its MTU was chosen; a bridge does not follow its ports then.
    pub own_mtu: bool,
}

/// What kind of device it is (ip-link(8)).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// `lo`.
    Loopback,
    /// One end of a wire: a veth pair, or a cable between machines.
    Veth,
    /// A bridge with what it has learned.
    Bridge(Bridge),
    /// Takes all and sends nothing.
    Dummy,
    /// Ends in a program: a virtual machine, or a tunnel's user-space side.
    Tap,
    /// Another hardware address on a lower device.
    Macvlan {
        /// The lower device.
        lower: IfName,
        /// How its siblings reach it.
        mode: MacvlanMode,
    },
    /// A VLAN of a lower device (802.1Q).
    Vlan {
        /// The lower device.
        lower: IfName,
        /// The VLAN's number.
        id: u16,
    },
    /// A device of which only the name and addresses are known, as a pasted description tells them.
    Described,
}

/// How macvlan devices of one lower device reach each other (ip-link(8)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MacvlanMode {
    /// Not at all.
    Private,
    /// Over the switch outside.
    Vepa,
    /// Directly.
    Bridge,
    /// There is only one.
    Passthru,
}

/// A bridge's memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Bridge {
    /// Its ports, in the order in which they were added.
    pub ports: Vec<IfName>,
    /// Behind which port each hardware address was seen last.
    #[serde(skip)]
    pub learned: BTreeMap<Mac, IfName>,
    /// It has had a port: without any again it has no hardware address of its own.
    #[serde(skip)]
    pub had_ports: bool,
}

impl Device {
    /// A device that is down and has no address.
    pub fn new(name: IfName, index: u32, kind: DeviceKind, mac: Mac) -> Self {
        let mut link = Link::new(name, index);
        link.up = false;
        let admin = Admin {
            peer: None,
            far: None,
            promisc: false,
            allmulti: false,
            multicast: true,
            queue: 1000,
            alias: None,
            opened: false,
            ready: false,
            own_mac: true,
            below_down: true,
            own_mtu: false,
        };
        Device { link, kind, mac, master: None, hairpin: false, admin }
    }

    /// True for a device on which hardware addresses count and neighbours are looked for.
    pub fn resolves(&self) -> bool {
        match self.kind {
            DeviceKind::Loopback | DeviceKind::Dummy | DeviceKind::Described => false,
            DeviceKind::Veth
            | DeviceKind::Bridge(_)
            | DeviceKind::Tap
            | DeviceKind::Macvlan { .. }
            | DeviceKind::Vlan { .. } => true,
        }
    }
}

/// A host's devices, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Devices {
    by_name: BTreeMap<IfName, Device>,
    /// The number given last: none is given twice.
    last: u32,
    /// The host's part of the hardware addresses that it gives.
    space: u16,
    /// How many hardware addresses it has given.
    given: u16,
}

impl Devices {
    /// One device.
    pub fn get(&self, name: &IfName) -> Option<&Device> {
        self.by_name.get(name)
    }

    /// One device, to be changed.
    pub fn get_mut(&mut self, name: &IfName) -> Option<&mut Device> {
        self.by_name.get_mut(name)
    }

    /// All devices, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&IfName, &Device)> {
        self.by_name.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&IfName, &mut Device)> {
        self.by_name.iter_mut()
    }

    pub(super) fn insert(&mut self, device: Device) {
        self.last = self.last.max(device.link.index);
        self.put(device);
    }

    /// Puts a device in that has its number from elsewhere.
    pub(super) fn put(&mut self, device: Device) {
        let Mac([_, high, .., low]) = device.mac;
        let serial = u16::from_be_bytes([high, low]);
        if device.mac == self.mac(serial) {
            self.given = self.given.max(serial);
        }
        self.by_name.insert(device.link.name.clone(), device);
    }

    pub(super) fn remove(&mut self, name: &IfName) -> Option<Device> {
        self.by_name.remove(name)
    }

    /// All devices by their numbers, as the kernel lists them.
    pub fn by_index(&self) -> Vec<&Device> {
        let mut all: Vec<&Device> = self.by_name.values().collect();
        all.sort_by_key(|d| d.link.index);
        all
    }

    /// The device of this number.
    pub fn by_number(&self, index: u32) -> Option<&Device> {
        self.by_name.values().find(|d| d.link.index == index)
    }

    /// The number that the next device gets.
    pub fn next_index(&self) -> u32 {
        let mut next = self.last + 1;
        while self.by_number(next).is_some() {
            next += 1;
        }
        next
    }

    /// Sets apart the hardware addresses that this host gives: those of no other number.
    pub(super) fn set_space(&mut self, space: u16) {
        self.space = space;
    }

    fn mac(&self, serial: u16) -> Mac {
        let ([high, low], [first, last]) = (serial.to_be_bytes(), self.space.to_be_bytes());
        Mac([2, high, 0, first, last, low])
    }

    /// A hardware address that no device has: the kernel takes one at random, the model the next one.
    pub(super) fn fresh_mac(&mut self) -> Mac {
        loop {
            self.given = self.given.wrapping_add(1);
            let mac = self.mac(self.given);
            if self.by_mac(mac).is_none() {
                return mac;
            }
        }
    }

    /// The device with this hardware address.
    pub fn by_mac(&self, mac: Mac) -> Option<&Device> {
        self.by_name.values().find(|d| d.mac == mac)
    }
}

impl Links for Devices {
    fn link(&self, name: &IfName) -> Option<&Link> {
        self.by_name.get(name).map(|d| &d.link)
    }

    fn links(&self) -> impl Iterator<Item = &Link> {
        self.by_name.values().map(|d| &d.link)
    }
}
