//! Frames: how they come in by a device and how packets leave by one.

use super::device::{DeviceKind, MacvlanMode};
use super::event::{Fate, FrameDrop, LinkEvent, NetEvent};
use super::fib::Links;
use super::frame::{Frame, FrameBody};
use super::inject::Origin;
use super::neigh::{DELAY, Resolved};
use super::network::{HostId, Network, Task};
use super::routing::Hop;
use super::sysctl::Conf;
use super::walk::Out;
use crate::abi::{EventId, IfName, Mac};
use crate::netfilter::{Cast, Family, Hook, Skb, TeeCopy};
use crate::packet::Packet;
use std::net::IpAddr;
use std::sync::Arc;

impl Network {
    /// Puts a frame on the wire at a device's end, past the host's own stack, as a packet socket does.
    pub fn inject_frame(&mut self, host: HostId, dev: &IfName, frame: Frame) {
        self.between();
        let event = LinkEvent::FrameSent { dev: dev.clone(), frame: Arc::new(frame.clone()) };
        let cause = self.emit(host, None, event);
        self.hand_over(host, dev, frame, 0, cause);
        self.settle();
    }

    /// A frame arrives at a device.
    pub(super) fn receive(&mut self, host: HostId, dev: &IfName, frame: Frame, mark: u32, cause: EventId) {
        let Some(device) = self.host(host).devices.get(dev) else { return };
        let cast = match frame.dst {
            Mac::BROADCAST => Cast::Broadcast,
            mac if mac.is_group() => Cast::Multicast,
            mac if mac == device.mac => Cast::Host,
            _ => Cast::OtherHost,
        };
        let up = device.link.up;
        let event = LinkEvent::FrameReceived { dev: dev.clone(), frame: Arc::new(frame.clone()), cast };
        let cause = self.emit(host, Some(cause), event);
        if !up {
            self.drop_frame(host, dev, FrameDrop::Down, cause);
            return;
        }
        if let Some(id) = frame.vlan
            && let Some(vlan) = self.upper(
                host,
                dev,
                |k| matches!(k, DeviceKind::Vlan { lower, id: i } if lower == dev && *i == id),
            )
        {
            self.receive(host, &vlan, Frame { vlan: None, ..frame }, mark, cause);
            return;
        }
        if self.give_macvlans(host, dev, &frame, mark, cause) {
            return;
        }
        if let Some(bridge) = self.host(host).bridge_of(dev) {
            let what = self.walk(host, |way| way.bridge_receive((&bridge, dev), &frame, cause));
            self.bridged(host, what, &bridge, cause);
            return;
        }
        if frame.vlan.is_some() {
            self.drop_frame(host, dev, FrameDrop::OtherHost, cause);
            return;
        }
        self.take(host, dev, frame, cast, mark, cause);
    }

    /// A frame goes up from a bridge to the bridge device itself.
    pub(super) fn receive_up(&mut self, host: HostId, dev: &IfName, frame: Frame, mark: u32, cause: EventId) {
        let own = self.host(host).devices.get(dev).map(|d| d.mac);
        let cast = match frame.dst {
            Mac::BROADCAST => Cast::Broadcast,
            mac if mac.is_group() => Cast::Multicast,
            mac if Some(mac) == own => Cast::Host,
            _ => Cast::OtherHost,
        };
        if let Some(id) = frame.vlan {
            let vlan = self.upper(
                host,
                dev,
                |k| matches!(k, DeviceKind::Vlan { lower, id: i } if lower == dev && *i == id),
            );
            if let Some(vlan) = vlan {
                self.receive(host, &vlan, Frame { vlan: None, ..frame }, mark, cause);
            }
            return;
        }
        self.take(host, dev, frame, cast, mark, cause);
    }

    /// A frame for the host's own stack.
    fn take(&mut self, host: HostId, dev: &IfName, frame: Frame, cast: Cast, mark: u32, cause: EventId) {
        let packet = match frame.body {
            FrameBody::Arp(arp) => return self.arp_received(host, dev, arp, cast, cause),
            FrameBody::Ip(packet) => packet,
        };
        let v6_off =
            packet.src.is_ipv6() && self.host(host).sysctls.dev(Family::Ip6, Conf::DisableIpv6, dev) != 0;
        if cast == Cast::OtherHost || frame.bad_header || v6_off {
            let why = if frame.bad_header { FrameDrop::BadHeader } else { FrameDrop::OtherHost };
            self.drop_frame(host, dev, why, cause);
            return;
        }
        let mut skb = Skb {
            iif: Some(dev.clone()),
            mac: Some(frame.src),
            to_mac: Some(frame.dst),
            cast: Some(cast),
            mark,
            ..Skb::new(packet)
        };
        self.walk(host, |way| {
            if !way.gathered(&mut skb, cause) {
                return;
            }
            let origin = Origin::Wire(dev.clone());
            let begins = way.emit(cause, NetEvent::Begins { skb: Arc::new(skb.clone()), origin });
            way.begun = Some(begins);
            let end = way.receive(&mut skb, begins);
            way.end(end, begins);
        });
        self.between();
    }

    /// A packet comes in by `lo`, or is the host's own copy.
    pub(super) fn loop_back(&mut self, host: HostId, mut skb: Skb, cause: EventId) {
        self.between();
        let Some(dev) = skb.iif.clone() else { return };
        self.walk(host, |way| {
            if skb.ct.is_none() && !way.gathered(&mut skb, cause) {
                return;
            }
            let begins = NetEvent::Begins { skb: Arc::new(skb.clone()), origin: Origin::Wire(dev) };
            let begins = way.emit(cause, begins);
            let end = way.receive(&mut skb, begins);
            way.end(end, begins);
        });
        self.between();
    }

    /// Does what a packet's way through a host led to.
    pub(super) fn follow(&mut self, host: HostId, outs: Vec<Out>) {
        for out in outs {
            match out {
                Out::Answer(answer) => {
                    let mut skb = answer.skb();
                    if skb.packet.id == 0 {
                        skb.packet.id = self.host_mut(host).new_id();
                    }
                    let cause = answer.cause;
                    self.walk(host, |way| {
                        let begins = way.emit(cause, NetEvent::Answers { skb: Arc::new(skb.clone()) });
                        let end = way.send(&mut skb, begins);
                        way.end(end, begins);
                    });
                }
                Out::Transmit { skb, hop, cause } => self.transmit(host, skb, &hop, cause),
                Out::Loop { skb, cause } => self.soon(Task::Loop { host, skb: Box::new(skb), cause }),
                Out::Copy { both, hop, cause } => {
                    let (copy, mut real) = *both;
                    // Seen from outside the first is the one that leaves; both are alike.
                    let dev = hop.dev.clone();
                    let mut copy =
                        Skb { iif: dev, oif: Default::default(), cast: Some(Cast::Loopback), ..copy };
                    copy.sender = Default::default();
                    // The copy comes in before the original leaves (`dev_loopback_xmit`).
                    self.loop_back(host, copy, cause);
                    self.walk(host, |way| {
                        let again =
                            NetEvent::Continues { skb: Arc::new(real.clone()), hook: Hook::Postrouting };
                        let begins = way.emit(cause, again);
                        match way.hook(Hook::Postrouting, &mut real, begins) {
                            Err(end) => {
                                way.end(end, begins);
                            }
                            Ok(()) => {
                                way.end((Fate::LoopedBack, None), begins);
                                let end = way.finish_output(&mut real, hop, begins);
                                debug_assert!(matches!(end.0, Fate::Sent(_) | Fate::Lost(_)));
                            }
                        }
                    });
                }
                Out::Direct { packet, about, cause } => {
                    let (Some(dev), Some(from), Some(to)) = (about.physin, about.to_mac, about.mac) else {
                        continue;
                    };
                    let body = FrameBody::Ip(packet);
                    let frame = Frame { src: from, dst: to, vlan: None, bad_header: false, body };
                    self.transmit_frame(host, &dev, frame, 0, cause);
                }
                Out::Deliver { skb, cause } => self.deliver(host, skb, cause),
                Out::Tee(TeeCopy { mut skb, gateway, oif, cause }) => self.walk(host, |way| {
                    way.teed = true;
                    let begins = way.emit(cause, NetEvent::Answers { skb: Arc::new(skb.clone()) });
                    let end = way.send_copy(&mut skb, gateway, oif.as_ref(), begins);
                    way.end(end, begins);
                }),
            }
        }
    }

    /// Hands a packet to its neighbour (`ip_finish_output2`).
    pub(super) fn transmit(&mut self, host: HostId, skb: Skb, hop: &Hop, cause: EventId) {
        let Some(dev) = hop.dev.clone() else { return };
        let Some(device) = self.host(host).devices.get(&dev) else { return };
        let to = hop.towards(skb.packet.dst);
        let mac = match hop.cast {
            Cast::Broadcast => Mac::BROADCAST,
            Cast::Multicast => Mac::of_group(skb.packet.dst),
            Cast::Host | Cast::OtherHost | Cast::Loopback if !device.resolves() => Mac::ZERO,
            Cast::Host | Cast::OtherHost | Cast::Loopback => {
                let now = self.now();
                match self.host_mut(host).neighbours.resolve(&dev, to, &skb, now) {
                    Resolved::Known(mac) => mac,
                    Resolved::Stale(mac) => {
                        self.later(DELAY, Task::Neighbour { host, dev: dev.clone(), addr: to, cause });
                        mac
                    }
                    Resolved::Waits => return,
                    Resolved::Ask => return self.ask_neighbour(host, dev, to, cause),
                }
            }
        };
        self.send_packet(host, &dev, mac, skb, cause);
    }

    pub(super) fn send_packet(&mut self, host: HostId, dev: &IfName, mac: Mac, skb: Skb, cause: EventId) {
        let src = self.host(host).devices.get(dev).map_or(Mac::ZERO, |d| d.mac);
        let mark = skb.mark;
        let body = FrameBody::Ip(skb.packet);
        self.transmit_frame(
            host,
            dev,
            Frame { src, dst: mac, vlan: None, bad_header: false, body },
            mark,
            cause,
        );
    }

    /// Sends a frame out by a device (`dev_queue_xmit`).
    pub(super) fn transmit_frame(
        &mut self,
        host: HostId,
        dev: &IfName,
        frame: Frame,
        mark: u32,
        cause: EventId,
    ) {
        let event = LinkEvent::FrameSent { dev: dev.clone(), frame: Arc::new(frame.clone()) };
        let cause = self.emit(host, Some(cause), event);
        self.hand_over(host, dev, frame, mark, cause);
    }

    /// What a device does with a frame that leaves by it.
    fn hand_over(&mut self, host: HostId, dev: &IfName, frame: Frame, mark: u32, cause: EventId) {
        let Some(device) = self.host(host).devices.get(dev) else { return };
        if !device.link.up {
            return self.drop_frame(host, dev, FrameDrop::Down, cause);
        }
        match device.kind.clone() {
            DeviceKind::Veth => match self.peer(host, dev) {
                // A mark does not cross from one namespace into another (`skb_scrub_packet`).
                Some((to, dev)) => {
                    let mark = if to == host { mark } else { 0 };
                    if !self.may_carry(to, &dev, &frame) {
                        return self.drop_frame(to, &dev, FrameDrop::TooLong, cause);
                    }
                    self.soon(Task::Frame { host: to, dev, frame: Box::new(frame), mark, cause });
                }
                None => self.drop_frame(host, dev, FrameDrop::NoPeer, cause),
            },
            DeviceKind::Bridge(_) => {
                let what = self.host_mut(host).bridge_send(dev, frame);
                if what.is_empty() {
                    self.drop_frame(host, dev, FrameDrop::NoPort, cause);
                }
                self.bridged(host, what, dev, cause);
            }
            DeviceKind::Vlan { lower, id } => {
                self.transmit_frame(host, &lower, Frame { vlan: Some(id), ..frame }, mark, cause);
            }
            DeviceKind::Macvlan { lower, mode } => {
                if mode == MacvlanMode::Bridge && self.give_siblings(host, dev, &lower, &frame, mark, cause) {
                    return;
                }
                self.transmit_frame(host, &lower, frame, mark, cause);
            }
            // A program reads what leaves by a tap; lo never gets here.
            DeviceKind::Dummy | DeviceKind::Tap | DeviceKind::Described | DeviceKind::Loopback => {}
        }
    }

    /// Whether a frame is short enough for a device: a VLAN's tag may always be added, and what is still to be cut into
    /// segments passes (`is_skb_forwardable`).
    pub(super) fn may_carry(&self, host: HostId, dev: &IfName, frame: &Frame) -> bool {
        const VLAN_TAG: u32 = 4;
        match (&frame.body, self.host(host).devices.link(dev)) {
            (FrameBody::Ip(packet), Some(link)) => {
                packet.is_offloaded() || packet.len() <= link.mtu + VLAN_TAG
            }
            (FrameBody::Arp(_), _) | (_, None) => true,
        }
    }

    pub(super) fn drop_frame(&mut self, host: HostId, dev: &IfName, why: FrameDrop, cause: EventId) {
        self.emit(host, Some(cause), LinkEvent::FrameDropped { dev: dev.clone(), why });
    }

    /// The device above another that fits.
    fn upper(&self, host: HostId, _lower: &IfName, fits: impl Fn(&DeviceKind) -> bool) -> Option<IfName> {
        let mut devices = self.host(host).devices.iter();
        devices.find(|(_, d)| d.link.up && fits(&d.kind)).map(|(name, _)| name.clone())
    }

    /// The macvlan devices of a lower one, their hardware addresses and modes.
    fn macvlans(&self, host: HostId, dev: &IfName) -> Vec<(IfName, Mac, MacvlanMode)> {
        let of = |(name, d): (&IfName, &super::Device)| match &d.kind {
            DeviceKind::Macvlan { lower, mode } if lower == dev && d.link.up => {
                Some((name.clone(), d.mac, *mode))
            }
            _ => None,
        };
        self.host(host).devices.iter().filter_map(of).collect()
    }

    /// Gives a frame to the macvlan devices that it is for; true if it is for nobody else.
    fn give_macvlans(
        &mut self,
        host: HostId,
        dev: &IfName,
        frame: &Frame,
        mark: u32,
        cause: EventId,
    ) -> bool {
        let all = self.macvlans(host, dev);
        for (name, mac, mode) in all {
            if frame.dst == mac || mode == MacvlanMode::Passthru {
                self.receive(host, &name, frame.clone(), mark, cause);
                return true;
            }
            if frame.dst.is_group() {
                self.receive(host, &name, frame.clone(), mark, cause);
            }
        }
        false
    }

    /// Gives a frame of a macvlan in bridge mode to its siblings; true if it needs to go no further.
    fn give_siblings(
        &mut self,
        host: HostId,
        dev: &IfName,
        lower: &IfName,
        frame: &Frame,
        mark: u32,
        cause: EventId,
    ) -> bool {
        for (name, mac, mode) in self.macvlans(host, lower) {
            if name == *dev || mode != MacvlanMode::Bridge {
                continue;
            }
            let task = Task::Frame { host, dev: name, frame: Box::new(frame.clone()), mark, cause };
            if frame.dst == mac {
                self.soon(task);
                return true;
            }
            if frame.dst.is_group() {
                self.soon(task);
            }
        }
        false
    }
}

/// True if an IPv4 address is one of the addresses on the device's link.
pub(super) fn on_link(network: &Network, host: HostId, dev: &IfName, addr: IpAddr) -> bool {
    network.host(host).devices.link(dev).is_some_and(|l| l.addrs.iter().any(|a| a.on_link(addr)))
}

/// The packet in a frame, if it carries one.
impl Frame {
    /// The IP packet that it carries.
    pub fn packet(&self) -> Option<&Packet> {
        match &self.body {
            FrameBody::Ip(packet) => Some(packet),
            FrameBody::Arp(_) => None,
        }
    }
}
