//! Bridges: learning, forwarding and flooding, and the hooks that bridged packets pass with
//! `bridge-nf-call-iptables` (`br_input.c`, `br_forward.c`, `br_netfilter_hooks.c`).

use super::event::{Event, Fate, FrameDrop, LinkEvent, Lost, NetEvent};
use super::fib::Links;
use super::fragment::{self, Cut};
use super::frame::{Frame, FrameBody};
use super::host::Host;
use super::inject::Origin;
use super::neigh::Resolved;
use super::routing::{Hop, Inbound};
use super::sysctl::Global;
use super::walk::{End, Way};
use super::{Device, DeviceKind};
use crate::abi::{EventId, IfName, Mac};
use crate::netfilter::event::ChangedBy;
use crate::netfilter::{Cast, Hook, OutDev, Skb};
use std::sync::Arc;

/// Where a bridge sends a frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Bridged {
    /// Out by a port.
    Port(IfName, Frame),
    /// Up to the bridge device, without any hook so far.
    Up(Frame),
    /// A packet waits for its new receiver's hardware address, which is to be asked for.
    Ask(IfName, std::net::IpAddr, EventId),
}

impl Host {
    /// The bridge that a device is a port of, if that is up.
    pub(super) fn bridge_of(&self, port: &IfName) -> Option<IfName> {
        let master = self.devices.get(port)?.master.clone()?;
        self.devices.link(&master)?.up.then_some(master)
    }

    /// True if packets that cross a bridge pass the hooks.
    fn calls_iptables(&self, v4: bool) -> bool {
        self.is_on(if v4 { Global::BridgeCallIptables } else { Global::BridgeCallIp6tables })
    }

    fn learn_port(&mut self, bridge: &IfName, port: &IfName, mac: Mac) -> bool {
        let Some(DeviceKind::Bridge(b)) = self.devices.get_mut(bridge).map(|d| &mut d.kind) else {
            return false;
        };
        !mac.is_group() && b.learned.insert(mac, port.clone()).as_ref() != Some(port)
    }

    fn is_own_on_bridge(&self, bridge: &IfName, mac: Mac) -> bool {
        let own = |(name, d): (&IfName, &Device)| {
            d.mac == mac && (name == bridge || d.master.as_ref() == Some(bridge))
        };
        self.devices.iter().any(own)
    }

    /// The ports that a frame leaves by, the one it came in by left out, in the kernel's order: the port that
    /// was added last comes first.
    fn ports_for(&self, bridge: &IfName, from: Option<&IfName>, dst: Mac) -> (Vec<IfName>, bool) {
        let Some(DeviceKind::Bridge(b)) = self.devices.get(bridge).map(|d| &d.kind) else {
            return (Vec::new(), false);
        };
        let may = |port: &IfName| {
            let Some(device) = self.devices.get(port) else { return false };
            device.link.up && (from != Some(port) || device.hairpin)
        };
        match b.learned.get(&dst).filter(|_| !dst.is_group()) {
            Some(port) => (Some(port.clone()).filter(may).into_iter().collect(), false),
            None => (b.ports.iter().rev().filter(|p| may(p)).cloned().collect(), true),
        }
    }

    /// A frame that this host itself sends out by a bridge (`br_dev_xmit`).
    pub(super) fn bridge_send(&mut self, bridge: &IfName, frame: Frame) -> Vec<Bridged> {
        let (ports, _) = self.ports_for(bridge, None, frame.dst);
        ports.into_iter().map(|port| Bridged::Port(port, frame.clone())).collect()
    }
}

impl Way<'_> {
    /// A frame came in by a bridge's port.
    pub(super) fn bridge_receive(
        &mut self,
        (bridge, port): (&IfName, &IfName),
        frame: &Frame,
        cause: EventId,
    ) -> Vec<Bridged> {
        let packet = match &frame.body {
            FrameBody::Ip(packet)
                if frame.vlan.is_none() && self.host.calls_iptables(packet.src.is_ipv4()) =>
            {
                packet
            }
            FrameBody::Ip(_) | FrameBody::Arp(_) => return self.bridge_plain((bridge, port), frame, cause),
        };
        if frame.bad_header {
            self.emit(cause, LinkEvent::FrameDropped { dev: port.clone(), why: FrameDrop::BadHeader });
            return Vec::new();
        }
        let cast = if frame.dst == Mac::BROADCAST {
            Cast::Broadcast
        } else if frame.dst.is_group() {
            Cast::Multicast
        } else {
            // Rules see what crosses the bridge as if it were for this host (`setup_pre_routing`).
            Cast::Host
        };
        let mut skb = Skb {
            iif: Some(bridge.clone()),
            physin: Some(port.clone()),
            mac: Some(frame.src),
            to_mac: Some(frame.dst),
            cast: Some(cast),
            ..Skb::new(packet.clone())
        };
        if !self.gathered(&mut skb, cause) {
            return Vec::new();
        }
        let begins = NetEvent::Begins { skb: Arc::new(skb.clone()), origin: Origin::Wire(bridge.clone()) };
        let begins = self.emit(cause, begins);
        self.begun = Some(begins);
        let dst = skb.packet.dst;
        if let Err(end) = self.hook(Hook::Prerouting, &mut skb, begins) {
            self.end(end, begins);
            return Vec::new();
        }
        let mut frame = frame.clone();
        if skb.packet.dst != dst {
            match self.translated_target(bridge, &skb, begins) {
                Target::Bridged(mac) => frame.dst = mac,
                Target::Up => {
                    frame.dst = self.host.devices.get(bridge).map_or(frame.dst, |d| d.mac);
                    skb.cast = Some(Cast::Host);
                }
                Target::Waits(ask) => {
                    self.end((Fate::Sent(bridge.clone()), None), begins);
                    return ask;
                }
                Target::Lost(end) => {
                    self.end(end, begins);
                    return Vec::new();
                }
            }
        }
        self.bridge_finish((bridge, port), frame, skb, begins)
    }

    /// Where a bridged packet goes whose destination was translated (`br_nf_pre_routing_finish`): to a host on
    /// the same bridge it stays bridged.
    fn translated_target(&mut self, bridge: &IfName, skb: &Skb, cause: EventId) -> Target {
        let routed = match self.host.route_in(skb) {
            Inbound::Local => return Target::Up,
            Inbound::Forward(hop) => hop,
            // Also where the host only does not forward: it is the route that bridging asks for.
            Inbound::Lost(_) | Inbound::Refused { .. } => {
                return Target::Lost((Fate::Lost(Lost::NoRoute), Some(cause)));
            }
        };
        if routed.dev.as_ref() != Some(bridge) {
            return Target::Up;
        }
        let to = routed.towards(skb.packet.dst);
        let now = self.host.now;
        match self.host.neighbours.resolve(bridge, to, skb, now) {
            Resolved::Known(mac) | Resolved::Stale(mac) => Target::Bridged(mac),
            Resolved::Waits => Target::Waits(Vec::new()),
            Resolved::Ask => Target::Waits(vec![Bridged::Ask(bridge.clone(), to, cause)]),
        }
    }

    /// A translated packet's new receiver is known: it goes on where it waited.
    pub(super) fn bridge_go_on(&mut self, skb: Skb, mac: Mac, cause: EventId) -> Vec<Bridged> {
        let (Some(bridge), Some(port)) = (skb.iif.clone(), skb.physin.clone()) else { return Vec::new() };
        let frame = Frame {
            src: skb.mac.unwrap_or(Mac::ZERO),
            dst: mac,
            vlan: None,
            bad_header: false,
            body: FrameBody::Ip(skb.packet.clone()),
        };
        let again = NetEvent::Continues { skb: Arc::new(skb.clone()), hook: Hook::Forward };
        let begins = self.emit(cause, again);
        self.bridge_finish((&bridge, &port), frame, skb, begins)
    }

    /// After PREROUTING: learns, and sends the frame up, out by a port, or out by all (`br_handle_frame_finish`).
    fn bridge_finish(
        &mut self,
        (bridge, port): (&IfName, &IfName),
        frame: Frame,
        skb: Skb,
        begins: EventId,
    ) -> Vec<Bridged> {
        self.learn(bridge, port, frame.src, begins);
        let group = frame.dst.is_group();
        let local = self.host.is_own_on_bridge(bridge, frame.dst);
        let (ports, flooded) = match local {
            true => (Vec::new(), false),
            false => self.host.ports_for(bridge, Some(port), frame.dst),
        };
        if flooded {
            self.emit(begins, LinkEvent::Flooded { bridge: bridge.clone(), ports: ports.len() });
        }
        let mut out = Vec::new();
        let mut at = Some(begins);
        for physout in ports {
            let mut copy = skb.clone();
            // Each copy after the first has a way of its own.
            let begins = match at.take() {
                Some(begins) => begins,
                None => {
                    let again = NetEvent::Continues { skb: Arc::new(skb.clone()), hook: Hook::Forward };
                    self.emit(begins, again)
                }
            };
            let end = self.bridge_forward(bridge, physout, &mut copy, &frame, &mut out, begins);
            self.end(end, begins);
        }
        if local || group {
            let mut up = skb;
            let begins = match at.take() {
                Some(begins) => begins,
                None => {
                    let again = NetEvent::Continues { skb: Arc::new(up.clone()), hook: Hook::Input };
                    self.emit(begins, again)
                }
            };
            let end = self.route_in(&mut up, begins);
            self.end(end, begins);
        } else if let Some(begins) = at {
            self.emit(begins, LinkEvent::FrameDropped { dev: port.clone(), why: FrameDrop::NoPort });
            self.end((Fate::Lost(Lost::NotForHost), Some(begins)), begins);
        }
        out
    }

    /// One bridged packet out by one port: FORWARD, POSTROUTING, the wire.
    fn bridge_forward(
        &mut self,
        bridge: &IfName,
        physout: IfName,
        skb: &mut Skb,
        frame: &Frame,
        out: &mut Vec<Bridged>,
        cause: EventId,
    ) -> End {
        let port = physout.clone();
        self.change(skb, cause, ChangedBy::Routing, |s| {
            s.oif = OutDev::Named(bridge.clone());
            s.physout = Some(port);
        });
        if let Err(end) = self.hook(Hook::Forward, skb, cause) {
            return end;
        }
        self.change(skb, cause, ChangedBy::Routing, |s| s.iif = None);
        if let Err(end) = self.hook(Hook::Postrouting, skb, cause) {
            return end;
        }
        // What is still to be cut into segments passes (`br_nf_dev_queue_xmit`).
        let link = self.host.devices.link(&physout).filter(|_| !skb.packet.is_offloaded());
        let mtu = link.map(|l| l.mtu);
        let whole = skb.largest_piece.is_none();
        let pieces = match fragment::cut(skb, mtu) {
            Cut::Fits => vec![skb.clone()],
            Cut::Pieces(pieces) if !whole => pieces,
            Cut::Pieces(_) | Cut::Forbidden(_) => return (Fate::Lost(Lost::TooBig), Some(cause)),
        };
        for piece in pieces {
            let frame = Frame { body: FrameBody::Ip(piece.packet), ..frame.clone() };
            out.push(Bridged::Port(physout.clone(), frame));
        }
        (Fate::Sent(bridge.clone()), None)
    }

    /// A frame that passes no hook.
    fn bridge_plain(
        &mut self,
        (bridge, port): (&IfName, &IfName),
        frame: &Frame,
        cause: EventId,
    ) -> Vec<Bridged> {
        self.learn(bridge, port, frame.src, cause);
        let local = self.host.is_own_on_bridge(bridge, frame.dst);
        let mut out = Vec::new();
        if !local {
            let (ports, flooded) = self.host.ports_for(bridge, Some(port), frame.dst);
            if flooded {
                self.emit(cause, LinkEvent::Flooded { bridge: bridge.clone(), ports: ports.len() });
            }
            out.extend(ports.into_iter().map(|port| Bridged::Port(port, frame.clone())));
        }
        if local || frame.dst.is_group() {
            let mut up = frame.clone();
            if local && let Some(device) = self.host.devices.get(bridge) {
                // A frame to a port's own address is for the bridge all the same.
                up.dst = device.mac;
            }
            out.push(Bridged::Up(up));
        }
        out
    }

    fn learn(&mut self, bridge: &IfName, port: &IfName, mac: Mac, cause: EventId) {
        if self.host.learn_port(bridge, port, mac) {
            let event = LinkEvent::Learned { bridge: bridge.clone(), port: port.clone(), mac };
            self.emit(cause, Event::Link(event));
        }
    }

    /// With connection tracking, pieces are put together before any hook (`nf_defrag`); false while some are
    /// missing.
    pub(super) fn gathered(&mut self, skb: &mut Skb, cause: impl Into<Option<EventId>>) -> bool {
        if skb.packet.fragment.is_none() || !self.host.netfilter.is_tracking() {
            return true;
        }
        match self.host.fragments.gather(skb, self.host.now) {
            Some(whole) => {
                *skb = whole;
                true
            }
            None => {
                self.sink.emit(cause.into(), NetEvent::Gathered { skb: Arc::new(skb.clone()) }.into());
                false
            }
        }
    }
}

/// What becomes of a bridged packet with a new destination.
enum Target {
    Bridged(Mac),
    Up,
    Waits(Vec<Bridged>),
    Lost(End),
}

impl Hop {
    /// The neighbour that a packet for an address is handed to.
    pub(super) fn towards(&self, dst: std::net::IpAddr) -> std::net::IpAddr {
        self.gateway.unwrap_or(dst)
    }
}
