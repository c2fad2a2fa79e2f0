//! The wires between the hosts of a network: who is at the other end, and what follows from a change of one end.

use super::config::{ConfigEvent, tell_since};
use super::network::{HostId, Network, Port};
use super::{Event, Host};
use crate::abi::{EventId, IfName};

impl Network {
    /// Joins two devices by a wire. Both are there, and were made as [`super::DeviceKind::Veth`].
    pub fn connect(&mut self, a: Port, b: Port) {
        let index = |(host, dev): &Port| Some((*host, self.host(*host).devices.get(dev)?.link.index));
        let (Some(from), Some(to)) = (index(&a), index(&b)) else { return };
        if from.0 == to.0 {
            self.wires.remove(&from);
            self.wires.remove(&to);
        } else {
            self.wires.insert(from, to);
            self.wires.insert(to, from);
        }
        for ((host, dev), ((other, number), far)) in [(&a, (to, &b.1)), (&b, (from, &a.1))] {
            let same = *host == other;
            let host = self.host_mut(*host);
            // A namespace gets a number with a host when the first of its devices comes to lie there.
            let id = if same { 0 } else { host.number_of(other) };
            if let Some(device) = host.devices.get_mut(dev) {
                device.admin.peer = same.then(|| far.clone());
                device.admin.far = (!same).then_some((other.0, number, id));
            }
        }
    }

    /// The wires, each with both its ends, one way only.
    pub fn wires(&self) -> Vec<(Port, Port)> {
        let port = |(host, index): (HostId, u32)| {
            self.host(host).devices.by_number(index).map(|d| (host, d.link.name.clone()))
        };
        let once = self.wires.iter().filter(|(a, b)| a <= b);
        once.filter_map(|(a, b)| Some((port(*a)?, port(*b)?))).collect()
    }

    /// The device at the other end of a wire, or of a veth pair within a host.
    pub fn peer(&self, host: HostId, dev: &IfName) -> Option<Port> {
        let device = self.host(host).devices.get(dev)?;
        if let Some(peer) = &device.admin.peer {
            return Some((host, peer.clone()));
        }
        let (host, index) = *self.wires.get(&(host, device.link.index))?;
        self.host(host).devices.by_number(index).map(|d| (host, d.link.name.clone()))
    }

    /// Brings wires up to date after devices were changed: without one of its ends a wire is gone with the other
    /// one, and there is a carrier while both are up. For hosts that are being made: nothing is told.
    pub fn settle_wires(&mut self) {
        self.settle_ends(None);
    }

    /// The same, because of what was told since.
    pub(super) fn settle_wires_after(&mut self, since: EventId) {
        self.settle_ends(Some(since));
    }

    fn settle_ends(&mut self, since: Option<EventId>) {
        let wires: Vec<_> = self.wires.iter().map(|(a, b)| (*a, *b)).collect();
        for (a, b) in wires {
            let find = |(host, index): (HostId, u32)| {
                let device = self.host(host).devices.by_number(index);
                device.map(|d| (d.link.name.clone(), d.link.up, d.link.carrier))
            };
            let Some((name, up, had)) = find(a) else {
                if let Some((other, ..)) = find(b) {
                    self.reconfigure(b.0, since, &[a], |host| host.delete_device(&other));
                }
                self.wires.remove(&a);
                self.wires.remove(&b);
                continue;
            };
            let carrier = up && find(b).is_some_and(|(_, up, _)| up);
            if carrier != had {
                self.reconfigure(a.0, since, &[b, a], |host| host.set_carrier(&name, carrier));
            }
        }
    }

    /// Changes a host because of what was told of one of these devices since.
    fn reconfigure(
        &mut self,
        host: HostId,
        since: Option<EventId>,
        of: &[(HostId, u32)],
        change: impl FnOnce(&mut Host),
    ) {
        let Some(since) = since else { return change(self.host_mut(host)) };
        let root = of.iter().find_map(|end| self.told_of(since, *end));
        self.within(host, |host, sink| {
            let before = host.configuration();
            change(host);
            tell_since(before, host, sink, |_| root);
        });
    }

    /// The last event of a device since then.
    fn told_of(&self, since: EventId, (host, number): (HostId, u32)) -> Option<EventId> {
        let name: Option<IfName> = self.host(host).devices.by_number(number).map(|d| d.link.name.clone());
        let about = |event: &Event| match event {
            Event::Config(ConfigEvent::LinkDeleted { index, .. }) => *index == number,
            Event::Config(
                event @ (ConfigEvent::LinkAdded { .. }
                | ConfigEvent::LinkChanged { .. }
                | ConfigEvent::CarrierChanged { .. }),
            ) => event.dev() == name.as_ref(),
            _ => false,
        };
        let ids = (since.0..self.log().next_id().0).rev().map(EventId);
        ids.into_iter()
            .find(|id| self.log().get(*id).is_some_and(|e| e.event.host == host && about(&e.event.event)))
    }
}
