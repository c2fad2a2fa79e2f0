//! Asking for neighbours: ARP (RFC 826, `arp.c`) and IPv6 neighbour discovery (RFC 4861, `ndisc.c`), as real
//! packets.

use super::event::{LinkEvent, NetEvent};
use super::fib::Scope;
use super::frame::{Arp, Frame, FrameBody, solicited_node};
use super::inject::Origin;
use super::neigh::{Neigh, NeighState, PROBES, RETRANSMIT};
use super::network::{HostId, Network, Task};
use super::routing::{Hop, Inbound};
use super::sysctl::Conf;
use crate::abi::{EventId, IfName, Mac};
use crate::netfilter::{Cast, Family, Sender, Skb};
use crate::packet::{Icmp, IcmpType, Neighbour, Packet, Transport};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

impl Network {
    /// Asks who has an address, and comes back to it after a while.
    pub(super) fn ask_neighbour(&mut self, host: HostId, dev: IfName, addr: IpAddr, cause: EventId) {
        let cause = self.tell_neighbour(host, &dev, addr, cause);
        self.ask(host, &dev, addr, None, cause);
        self.later(RETRANSMIT, Task::Neighbour { host, dev, addr, cause });
    }

    fn tell_neighbour(&mut self, host: HostId, dev: &IfName, addr: IpAddr, cause: EventId) -> EventId {
        let Some(neigh) = self.host(host).neighbours.get(dev, addr) else { return cause };
        let event = LinkEvent::Neighbour { dev: dev.clone(), addr, state: neigh.state, mac: neigh.mac };
        self.emit(host, Some(cause), event)
    }

    /// One question, to all, or to the neighbour as it was known.
    fn ask(&mut self, host: HostId, dev: &IfName, addr: IpAddr, known: Option<Mac>, cause: EventId) {
        let waiting = self.host(host).neighbours.get(dev, addr).and_then(|n| n.waiting.first());
        let asker = waiting.map(|skb| skb.packet.src);
        match addr {
            IpAddr::V4(target) => self.ask_arp(host, dev, target, asker, known, cause),
            IpAddr::V6(target) => self.ask_nd(host, dev, target, asker, known, cause),
        }
    }

    fn ask_arp(
        &mut self,
        host: HostId,
        dev: &IfName,
        target: Ipv4Addr,
        asker: Option<IpAddr>,
        known: Option<Mac>,
        cause: EventId,
    ) {
        let h = self.host(host);
        let Some(device) = h.devices.get(dev) else { return };
        // The waiting packet's own source, where it is this host's and `arp_announce` lets it.
        let announce = h.sysctls.max(Family::Ip, Conf::ArpAnnounce, dev);
        let near =
            |a: IpAddr| device.link.addrs.iter().any(|own| own.local == a && own.on_link(target.into()));
        let own = asker.filter(|a| match announce {
            0 => h.owner(*a).is_some(),
            1 => near(*a),
            _ => false,
        });
        let chosen = super::fib::select_address(&h.devices, &device.link, Some(target), Scope::LINK);
        let sender = match own {
            Some(IpAddr::V4(own)) => own,
            _ => chosen.unwrap_or(Ipv4Addr::UNSPECIFIED),
        };
        let arp = Arp { request: true, sender_mac: device.mac, sender, target_mac: Mac::ZERO, target };
        let dst = known.unwrap_or(Mac::BROADCAST);
        let frame = Frame { src: device.mac, dst, vlan: None, bad_header: false, body: FrameBody::Arp(arp) };
        self.between();
        self.transmit_frame(host, dev, frame, 0, cause);
    }

    fn ask_nd(
        &mut self,
        host: HostId,
        dev: &IfName,
        target: Ipv6Addr,
        asker: Option<IpAddr>,
        known: Option<Mac>,
        cause: EventId,
    ) {
        let h = self.host(host);
        let Some(device) = h.devices.get(dev) else { return };
        let mac = device.mac;
        let own = asker.filter(|a| device.link.addrs.iter().any(|x| x.local == *a));
        let link_local = device
            .link
            .addrs
            .iter()
            .map(|a| a.local)
            .find(|a| matches!(a, IpAddr::V6(a) if a.is_unicast_link_local()));
        let Some(src) = own.or(link_local) else { return };
        let dst = if known.is_some() { target } else { solicited_node(target) };
        let neighbour = Neighbour { target, mac: Some(mac), solicited: false };
        self.send_nd(host, dev, (src, dst.into()), IcmpType::new(135, 0), neighbour, known, cause);
    }

    /// Sends a message of neighbour discovery: it passes OUTPUT and POSTROUTING.
    #[expect(clippy::too_many_arguments, reason = "a message's parts")]
    fn send_nd(
        &mut self,
        host: HostId,
        dev: &IfName,
        (src, dst): (IpAddr, IpAddr),
        kind: IcmpType,
        neighbour: Neighbour,
        to: Option<Mac>,
        cause: EventId,
    ) {
        let icmp = Icmp { kind, neighbour: Some(neighbour), ..Icmp::default() };
        let Some(mut packet) = Packet::new(src, dst, Transport::Icmp(icmp)) else { return };
        packet.ttl = 255;
        let mut skb = Skb { sender: Sender::KernelSocket, ..Skb::new(packet) };
        let hop = Hop {
            dev: Some(dev.clone()),
            cast: if dst.is_multicast() { Cast::Multicast } else { Cast::Host },
            ..Hop::default()
        };
        let sent = self.walk(host, |way| {
            let begins =
                way.emit(cause, NetEvent::Begins { skb: Arc::new(skb.clone()), origin: Origin::Process });
            let end = way.send_by(&mut skb, hop.clone(), begins);
            let fate = way.end(end, begins);
            way.outs.clear();
            matches!(fate, super::Fate::Sent(_))
        });
        if sent {
            let mac = match to {
                Some(mac) => mac,
                None => Mac::of_group(dst),
            };
            self.send_packet(host, dev, mac, skb, cause);
        }
        self.between();
    }

    /// An ARP message arrives (`arp_process`).
    pub(super) fn arp_received(&mut self, host: HostId, dev: &IfName, arp: Arp, cast: Cast, cause: EventId) {
        self.between();
        let h = self.host(host);
        let Some(device) = h.devices.get(dev) else { return };
        let localnet = device.link.conf.route_localnet;
        if arp.target.is_multicast() || (arp.target.is_loopback() && !localnet) {
            return;
        }
        let key = (dev, IpAddr::V4(arp.sender));
        if arp.request && self.answers_arp(host, dev, arp) {
            let own = device.mac;
            let now = self.now();
            let waiting = self.host_mut(host).neighbours.learn(key, arp.sender_mac, false, true, now);
            self.tell_neighbour(host, dev, arp.sender.into(), cause);
            self.release(host, dev, arp.sender_mac, waiting, cause);
            let answer = Arp {
                request: false,
                sender_mac: own,
                sender: arp.target,
                target_mac: arp.sender_mac,
                target: arp.sender,
            };
            let body = FrameBody::Arp(answer);
            let frame = Frame { src: own, dst: arp.sender_mac, vlan: None, bad_header: false, body };
            self.transmit_frame(host, dev, frame, 0, cause);
            return;
        }
        let confirmed = !arp.request && cast == Cast::Host;
        let now = self.now();
        let known = self.host(host).neighbours.get(dev, arp.sender.into()).is_some();
        let waiting = self.host_mut(host).neighbours.learn(key, arp.sender_mac, confirmed, false, now);
        if known {
            self.tell_neighbour(host, dev, arp.sender.into(), cause);
        }
        self.release(host, dev, arp.sender_mac, waiting, cause);
    }

    /// Whether the host answers that it has an address, or leads to it.
    fn answers_arp(&self, host: HostId, dev: &IfName, arp: Arp) -> bool {
        let h = self.host(host);
        // A probe for a duplicate comes from nobody.
        if arp.sender.is_unspecified() {
            return h.owner(arp.target.into()).is_some();
        }
        let transport = Transport::Other(crate::packet::Proto::ALL);
        let Some(question) = Packet::new(arp.sender.into(), arp.target.into(), transport) else {
            return false;
        };
        let skb = Skb { iif: Some(dev.clone()), ..Skb::new(question) };
        match h.route_in(&skb) {
            Inbound::Local if h.is_for_many(arp.target.into()) => false,
            Inbound::Local => self.may_answer(host, dev, arp),
            Inbound::Forward(hop) => {
                let proxies = h.sysctls.either(Family::Ip, Conf::ProxyArp, dev);
                proxies && hop.dev.as_ref() != Some(dev)
            }
            Inbound::Lost(_) | Inbound::Refused { .. } => false,
        }
    }

    /// `arp_ignore` and `arp_filter`.
    fn may_answer(&self, host: HostId, dev: &IfName, arp: Arp) -> bool {
        let h = self.host(host);
        let target = IpAddr::V4(arp.target);
        let here = h.addresses(dev).iter().find(|a| a.local == target);
        let ignored = match h.sysctls.max(Family::Ip, Conf::ArpIgnore, dev) {
            1 => here.is_none(),
            2 => here.is_none_or(|a| !a.on_link(arp.sender.into())),
            3 => here.is_some_and(|a| a.scope >= Scope::LINK),
            8 => true,
            _ => false,
        };
        if ignored {
            return false;
        }
        if !h.sysctls.either(Family::Ip, Conf::ArpFilter, dev) {
            return true;
        }
        let flow = super::fib::Flow { src: Some(target), ..super::fib::Flow::to(arp.sender.into()) };
        h.route_for(&flow).is_ok_and(|(_, hop)| hop.dev.as_ref() == Some(dev))
    }

    /// A solicitation or an advertisement came through INPUT.
    pub(super) fn nd_received(&mut self, host: HostId, skb: &Skb, icmp: &Icmp, cause: EventId) {
        let (Some(neighbour), Some(dev)) = (icmp.neighbour, skb.iif.clone()) else { return };
        let now = self.now();
        let src = skb.packet.src;
        match icmp.kind.ty {
            135 => {
                let target = IpAddr::V6(neighbour.target);
                if !self.host(host).addresses(&dev).iter().any(|a| a.local == target) {
                    return;
                }
                let Some(own) = self.host(host).devices.get(&dev).map(|d| d.mac) else { return };
                if let Some(mac) = neighbour.mac.filter(|_| !src.is_unspecified()) {
                    let waiting = self.host_mut(host).neighbours.learn((&dev, src), mac, false, true, now);
                    self.tell_neighbour(host, &dev, src, cause);
                    self.release(host, &dev, mac, waiting, cause);
                }
                let answer = Neighbour { target: neighbour.target, mac: Some(own), solicited: true };
                let to = neighbour.mac.or(skb.mac);
                self.send_nd(host, &dev, (target, src), IcmpType::new(136, 0), answer, to, cause);
            }
            136 => {
                let target = IpAddr::V6(neighbour.target);
                let Some(mac) = neighbour.mac.or(skb.mac) else { return };
                let confirmed = neighbour.solicited;
                let waiting =
                    self.host_mut(host).neighbours.learn((&dev, target), mac, confirmed, false, now);
                self.tell_neighbour(host, &dev, target, cause);
                self.release(host, &dev, mac, waiting, cause);
            }
            _ => {}
        }
    }

    /// What waited for a hardware address goes on.
    fn release(&mut self, host: HostId, dev: &IfName, mac: Mac, waiting: Vec<Skb>, cause: EventId) {
        for skb in waiting {
            if skb.oif.name().is_none() && skb.physin.is_some() {
                let what = self.walk(host, |way| way.bridge_go_on(skb, mac, cause));
                self.bridged(host, what, dev, cause);
                self.between();
            } else {
                self.send_packet(host, dev, mac, skb, cause);
            }
        }
    }

    /// It is time to ask a neighbour again, or to give it up (`neigh_timer_handler`).
    pub(super) fn neighbour_timer(&mut self, host: HostId, dev: IfName, addr: IpAddr, cause: EventId) {
        let Some(neigh) = self.host_mut(host).neighbours.get_mut(&dev, addr) else { return };
        match neigh.state {
            NeighState::Incomplete | NeighState::Probe if neigh.probes < PROBES => neigh.probes += 1,
            NeighState::Incomplete | NeighState::Probe => return self.give_up(host, &dev, addr, cause),
            NeighState::Delay => {
                neigh.state = NeighState::Probe;
                neigh.probes = 1;
            }
            NeighState::Reachable | NeighState::Stale | NeighState::Failed | NeighState::Permanent => return,
        }
        let known = neigh.mac.filter(|_| neigh.state == NeighState::Probe);
        self.between();
        self.ask(host, &dev, addr, known, cause);
        self.later(RETRANSMIT, Task::Neighbour { host, dev, addr, cause });
    }

    /// Nobody answered: what waited is lost, and its senders are told.
    fn give_up(&mut self, host: HostId, dev: &IfName, addr: IpAddr, cause: EventId) {
        self.between();
        let waiting = match self.host_mut(host).neighbours.get_mut(dev, addr) {
            Some(neigh) => {
                *neigh = Neigh { state: NeighState::Failed, mac: None, probes: 0, ..neigh.clone() };
                std::mem::take(&mut neigh.waiting)
            }
            None => return,
        };
        let cause = self.tell_neighbour(host, dev, addr, cause);
        for skb in waiting {
            self.walk(host, |way| {
                way.icmp_error(&skb, Some(IcmpType::new(3, 1)), Some(IcmpType::new(1, 3)), cause);
            });
            self.between();
        }
    }
}
