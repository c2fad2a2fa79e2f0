//! Whether something is at the other end of a device: what follows when one device of a host changes
//! (`netif_carrier_on`, `netif_stacked_transfer_operstate`, `br_port_state_selection`).

use super::fib::Address;
use super::{DeviceKind, Host};
use crate::abi::IfName;

impl Host {
    /// Works out anew which devices have a carrier, and lets IPv6 begin on those that are up and have one: on the
    /// one that was set up first, then on those that follow it.
    pub(super) fn settle_carriers(&mut self, first: Option<&IfName>) {
        loop {
            let all: Vec<(IfName, bool)> =
                self.devices.iter().map(|(name, _)| (name.clone(), self.carrier_of(name))).collect();
            let mut changed = false;
            let mut lost = Vec::new();
            for (name, carrier) in all {
                let Some(device) = self.devices.get_mut(&name) else { continue };
                changed |= device.link.carrier != carrier;
                let had = std::mem::replace(&mut device.link.carrier, carrier);
                if had && !carrier {
                    self.neighbours.forget_learned(&name);
                    lost.push(name);
                }
            }
            lost.iter().for_each(|name| self.judge(name));
            if !changed {
                break;
            }
        }
        let mut begin: Vec<IfName> = self
            .devices
            .by_index()
            .into_iter()
            .filter(|d| !d.link.loopback && d.link.up && d.link.carrier && !d.admin.ready)
            .map(|d| d.link.name.clone())
            .collect();
        begin.sort_by_key(|name| Some(name) != first);
        for name in begin {
            let Some(device) = self.devices.get_mut(&name) else { continue };
            device.admin.ready = true;
            let own = device.resolves() || device.kind == DeviceKind::Dummy;
            let addr = device.mac.link_local();
            self.fib.device_ready(&device.link);
            if own {
                let _ = self.add_address(&name, Address::new(addr.into(), 64));
            }
        }
    }

    /// Tells a wire's end whether the other one is up too.
    pub(super) fn set_carrier(&mut self, name: &IfName, carrier: bool) {
        let Some(device) = self.devices.get_mut(name) else { return };
        if device.link.carrier != carrier {
            device.link.carrier = carrier;
            if !carrier {
                self.judge(name);
            }
            self.settle_carriers(None);
        }
    }

    /// Says why a veth has no carrier. The kernel looks for the number of its other end among this namespace's own
    /// devices, wherever that end is (`default_operstate`).
    pub(super) fn judge(&mut self, name: &IfName) {
        let Some(device) = self.devices.get(name) else { return };
        let other = match (&device.admin.peer, device.admin.far) {
            (Some(peer), _) => self.devices.get(peer),
            (None, Some((_, number, _))) if number != device.link.index => self.devices.by_number(number),
            (None, Some(_)) => None,
            (None, None) => None,
        };
        let below_down = other.is_some_and(|d| !d.link.carrier);
        if let Some(device) = self.devices.get_mut(name) {
            device.admin.below_down = below_down;
        }
    }

    fn carrier_of(&self, name: &IfName) -> bool {
        let Some(device) = self.devices.get(name) else { return false };
        let up = |n: &IfName| self.devices.get(n).is_some_and(|d| d.link.up);
        match &device.kind {
            DeviceKind::Veth => match &device.admin.peer {
                Some(peer) => device.link.up && up(peer),
                None => device.link.carrier,
            },
            DeviceKind::Macvlan { lower, .. } | DeviceKind::Vlan { lower, .. } => {
                self.devices.get(lower).is_some_and(|d| d.link.carrier)
            }
            DeviceKind::Bridge(bridge) => {
                let works =
                    |port: &IfName| self.devices.get(port).is_some_and(|d| d.link.up && d.link.carrier);
                device.link.up && bridge.ports.iter().any(works)
            }
            DeviceKind::Loopback | DeviceKind::Dummy | DeviceKind::Tap | DeviceKind::Described => {
                device.link.carrier
            }
        }
    }
}
