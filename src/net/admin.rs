//! What the administrator changes of a device, and what the kernel changes with it.

use super::fib::Links;
use super::{DeviceKind, Host};
use crate::abi::{IfName, Mac};

/// The least MTU with which IPv6 works (RFC 8200 5).
const LEAST_MTU6: u32 = 1280;

/// The least MTU with which IPv4 works (RFC 791).
const LEAST_MTU4: u32 = 68;

impl Host {
    /// Sets a device's MTU in bytes. Below 1280 IPv6 ends on it; VLANs and macvlans above are not longer than it.
    pub(super) fn set_mtu(&mut self, name: &IfName, mtu: u32) {
        let Some(device) = self.devices.get_mut(name) else { return };
        device.link.mtu = mtu;
        device.admin.own_mtu = true;
        if mtu < LEAST_MTU4 {
            device.link.addrs.retain(|a| !a.local.is_ipv4());
            let link = device.link.clone();
            self.fib.retain(|_, r| !r.dst.family().is_v4() || !r.uses(&link.name));
        }
        let Some(device) = self.devices.get_mut(name) else { return };
        if mtu < LEAST_MTU6 {
            device.link.addrs.retain(|a| a.local.is_ipv4());
            let link = device.link.clone();
            self.fib.retain(|_, r| r.dst.family().is_v4() || !r.uses(&link.name));
        }
        let above = |d: &super::Device| match &d.kind {
            DeviceKind::Macvlan { lower, .. } | DeviceKind::Vlan { lower, .. } => lower == name,
            _ => false,
        };
        let longer: Vec<IfName> = self
            .devices
            .iter()
            .filter(|(_, d)| above(d) && d.link.mtu > mtu)
            .map(|(name, _)| name.clone())
            .collect();
        for upper in longer {
            self.set_mtu(&upper, mtu);
        }
        self.settle_bridges();
    }

    /// Gives each bridge the least hardware address and the least MTU of its ports, where neither was chosen
    /// (`br_stp_recalculate_bridge_id`, `br_mtu_auto_adjust`).
    pub fn settle_bridges(&mut self) {
        let mut changes = Vec::new();
        for (name, device) in self.devices.iter() {
            let DeviceKind::Bridge(bridge) = &device.kind else { continue };
            let ports = || bridge.ports.iter().filter_map(|p| self.devices.get(p));
            let mac = ports().map(|d| d.mac).min();
            let had_ports = bridge.had_ports;
            let mac = match (device.admin.own_mac, mac) {
                (false, Some(mac)) => mac,
                // Without its last port it has none.
                (false, None) if had_ports => Mac::ZERO,
                (false, None) | (true, _) => device.mac,
            };
            let least = ports().map(|d| d.link.mtu).min().unwrap_or(1500);
            let mtu = if device.admin.own_mtu { device.link.mtu } else { least };
            changes.push((name.clone(), mac, mtu));
        }
        for (name, mac, mtu) in changes {
            if let Some(device) = self.devices.get_mut(&name) {
                device.mac = mac;
                device.link.mtu = mtu;
            }
        }
    }

    /// Gives a device another name, everywhere.
    pub(super) fn rename(&mut self, old: &IfName, new: &IfName) {
        let Some(mut device) = self.devices.remove(old) else { return };
        device.link.name = new.clone();
        // IPv4 addresses after the first are labelled by their number, or keep what their label ended with
        // (`inetdev_changename`).
        for (at, addr) in device.link.addrs.iter_mut().filter(|a| a.local.is_ipv4()).enumerate() {
            let old = addr.label.take();
            let end = old.as_deref().and_then(|l| l.split_once(':')).map(|(_, end)| end.to_owned());
            if at > 0 {
                addr.label = Some(format!("{new}:{}", end.unwrap_or_else(|| (at + 1).to_string())));
            }
        }
        self.devices.put(device);
        let swap = |name: &mut IfName| {
            if name == old {
                *name = new.clone();
            }
        };
        for (_, device) in self.devices.iter_mut() {
            device.master.iter_mut().for_each(swap);
            device.admin.peer.iter_mut().for_each(swap);
            match &mut device.kind {
                DeviceKind::Macvlan { lower, .. } | DeviceKind::Vlan { lower, .. } => swap(lower),
                DeviceKind::Bridge(bridge) => {
                    bridge.ports.iter_mut().for_each(swap);
                    bridge.learned.values_mut().for_each(swap);
                }
                DeviceKind::Loopback
                | DeviceKind::Veth
                | DeviceKind::Dummy
                | DeviceKind::Tap
                | DeviceKind::Described => {}
            }
        }
        self.fib.retain(|_, route| {
            route.nexthops.iter_mut().filter_map(|n| n.dev.as_mut()).for_each(swap);
            true
        });
        self.neighbours.rename_device(old, new);
        self.sysctls.device_renamed(old, new);
        debug_assert!(self.devices.link(new).is_some());
    }
}
