//! What a host does with packets that are for itself: ICMP, UDP, TCP, raw sockets.

use super::event::SocketEvent;
use super::host::Host;
use super::network::{HostId, Network};
use super::socket::{Incoming, SocketId, SocketKind};
use super::sysctl::{Conf, Global};
use super::tcp::{self, Action};
use super::walk::Answer;
use crate::abi::EventId;
use crate::netfilter::{Cast, Family, Sender, Skb};
use crate::packet::{Icmp, IcmpType, Packet, Payload, Proto, Transport};
use std::sync::Arc;

/// The smallest path MTU that an ICMP message can bring about (`net.ipv4.route.min_pmtu`, RFC 8200 5), bytes.
const MIN_PMTU: u32 = 552;
const MIN_PMTU6: u32 = 1280;

impl Network {
    /// A packet has passed INPUT (`ip_local_deliver_finish`).
    pub(super) fn deliver(&mut self, host: HostId, skb: Skb, cause: EventId) {
        let packet = &skb.packet;
        let proto = packet.proto();
        let raw = self.give_raw(host, &skb, cause);
        match &packet.transport {
            Transport::Icmp(icmp) if !packet.bad_checksum => {
                let icmp = icmp.clone();
                self.icmp_received(host, &skb, &icmp, cause);
            }
            Transport::Tcp(_) if !packet.bad_checksum => self.tcp_received(host, &skb, cause),
            Transport::Ports(_) if proto == Proto::UDP && !packet.bad_checksum => {
                self.udp_received(host, &skb, cause);
            }
            Transport::Icmp(_) | Transport::Tcp(_) => {}
            Transport::Ports(_) if proto == Proto::UDP => {}
            Transport::Ports(_) | Transport::Other(_) if raw => {}
            Transport::Ports(_) | Transport::Other(_) => {
                self.refuse(host, &skb, IcmpType::new(3, 2), IcmpType::new(4, 1), cause);
            }
        }
    }

    fn refuse(&mut self, host: HostId, skb: &Skb, v4: IcmpType, v6: IcmpType, cause: EventId) {
        let cause = self.emit(host, Some(cause), SocketEvent::NoSocket);
        self.walk(host, |way| way.icmp_error(skb, Some(v4), Some(v6), cause));
        self.between();
    }

    /// Gives raw sockets their copies; true if there was one.
    fn give_raw(&mut self, host: HostId, skb: &Skb, cause: EventId) -> bool {
        let (src, dst) = (skb.packet.src, skb.packet.dst);
        let fits = |s: &super::Socket| {
            s.kind == SocketKind::Raw(skb.packet.proto())
                && s.v6 == src.is_ipv6()
                && s.addr.is_none_or(|a| a == dst)
                && s.remote.is_none_or(|r| r.ip() == src)
                && s.options.dev.as_ref().is_none_or(|d| Some(d) == skb.iif.as_ref())
        };
        let found: Vec<SocketId> =
            self.host(host).sockets.iter().filter(|(_, s)| fits(s)).map(|(id, _)| id).collect();
        for id in &found {
            self.give(host, *id, Incoming::Packet(skb.packet.clone()), cause);
        }
        !found.is_empty()
    }

    /// Puts something into a socket's queue and wakes its program.
    pub(super) fn give(&mut self, host: HostId, id: SocketId, what: Incoming, cause: EventId) {
        let event = match &what {
            Incoming::Error(error) => SocketEvent::Error { socket: id, error: *error },
            _ => SocketEvent::Got { socket: id },
        };
        let Some(socket) = self.host_mut(host).sockets.get_mut(id) else { return };
        socket.incoming.push_back(what);
        self.emit(host, Some(cause), event);
        self.woken.push_back((host, id));
    }

    fn udp_received(&mut self, host: HostId, skb: &Skb, cause: EventId) {
        let Some((sport, _)) = skb.packet.ports() else { return };
        let found = self.host(host).sockets.for_udp(skb);
        if found.is_empty() {
            return self.refuse(host, skb, IcmpType::new(3, 3), IcmpType::new(1, 4), cause);
        }
        let data: Arc<[u8]> = match skb.packet.payload.bytes() {
            Some(bytes) => bytes.into(),
            None => vec![0; skb.packet.payload.len() as usize].into(),
        };
        for id in found {
            let from = (skb.packet.src, sport).into();
            let datagram = Incoming::Datagram { from, to: skb.packet.dst, data: data.clone() };
            self.give(host, id, datagram, cause);
        }
    }

    fn tcp_received(&mut self, host: HostId, skb: &Skb, cause: EventId) {
        if skb.cast.is_some_and(|c| c != Cast::Host) {
            return;
        }
        let Some(id) = self.host(host).sockets.for_tcp(skb) else {
            let ttl = self.host(host).default_ttl(skb.packet.src.is_ipv4());
            let cause = self.emit(host, Some(cause), SocketEvent::NoSocket);
            if let Some(reset) = tcp::reset_for(&skb.packet, ttl) {
                self.kernel_sends(host, reset, skb, None, cause);
            }
            return;
        };
        if self.keep_segment(host, id, skb, cause) {
            return;
        }
        let (id, isn) = self.reopened(host, id, skb);
        self.socket_receives(host, id, skb, isn, cause);
    }

    /// A segment for this socket; `isn` is the sequence number that a listener is to begin with
    /// ([`Network::reopened`]).
    pub(super) fn socket_receives(
        &mut self,
        host: HostId,
        id: SocketId,
        skb: &Skb,
        isn: Option<u32>,
        cause: EventId,
    ) {
        let now = self.now();
        let settings =
            self.host(host).sockets.get(id).map(|s| self.tcp_settings(host, &s.options, skb.packet.src));
        let sender = self.sender_of(host, id);
        let Some(socket) = self.host_mut(host).sockets.get_mut(id) else { return };
        let actions = match &mut socket.kind {
            SocketKind::Connection(connection) => connection.input(&skb.packet, now),
            SocketKind::Listener(listener) => {
                // Another way back has another MTU.
                if let Some(settings) = settings {
                    listener.set_settings(settings);
                }
                match isn {
                    Some(isn) => listener.reopen(&skb.packet, isn, now),
                    None => listener.input(&skb.packet, now),
                }
            }
            SocketKind::Udp | SocketKind::Raw(_) | SocketKind::Tcp => Vec::new(),
        };
        self.perform(host, id, actions, sender, cause);
    }

    /// A SYN may open a new connection over one in TIME-WAIT, if a listener is there: then it is the listener's, with
    /// the sequence number that it is to begin with.
    fn reopened(&mut self, host: HostId, id: SocketId, skb: &Skb) -> (SocketId, Option<u32>) {
        let sockets = &self.host(host).sockets;
        let gives_way = match sockets.get(id).map(|s| &s.kind) {
            Some(SocketKind::Connection(connection)) => connection.gives_way_to(&skb.packet),
            Some(_) | None => None,
        };
        match (gives_way, sockets.for_listener(skb)) {
            (Some(isn), Some(listener)) => {
                self.host_mut(host).sockets.remove(id);
                (listener, Some(isn))
            }
            _ => (id, None),
        }
    }

    /// Sends a packet of the kernel's own. IPv6 sends TCP's answers without its socket (`ip6_xmit`).
    fn kernel_sends(
        &mut self,
        host: HostId,
        packet: Packet,
        about: &Skb,
        ct: Option<crate::netfilter::CtRef>,
        cause: EventId,
    ) {
        let v4 = packet.src.is_ipv4();
        let reflect = if v4 { Global::FwmarkReflect } else { Global::FwmarkReflect6 };
        let mark = if self.host(host).is_on(reflect) { about.mark } else { 0 };
        let sender = if v4 || packet.icmp().is_some() { Sender::KernelSocket } else { Sender::Kernel };
        let answer = Answer { packet, mark, sender, ct, cause };
        self.follow(host, vec![super::walk::Out::Answer(answer)]);
        self.between();
    }

    /// Carries out what a connection or a listener wants; as this sender.
    pub(super) fn perform(
        &mut self,
        host: HostId,
        id: SocketId,
        actions: Vec<Action>,
        sender: Sender,
        cause: EventId,
    ) {
        for action in actions {
            match action {
                Action::Send(packet) => {
                    // What OUTPUT drops, TCP sends again later.
                    let _ = self.socket_sends(host, id, packet, sender, cause);
                    if self.is_held(host, id) {
                        self.settle();
                    }
                }
                Action::Connected => self.give(host, id, Incoming::Connected, cause),
                Action::Accepted(connection) => {
                    let new = self.accept(host, id, *connection);
                    if let Some(new) = new {
                        self.give(host, id, Incoming::Accepted(new), cause);
                    }
                }
                Action::Data(bytes) => self.give(host, id, Incoming::Data(bytes), cause),
                Action::Eof => self.give(host, id, Incoming::Eof, cause),
                Action::Error(error) => self.give(host, id, Incoming::Error(error), cause),
                Action::Closed => {
                    if self.host(host).sockets.get(id).is_some_and(|s| !s.open) {
                        self.host_mut(host).sockets.remove(id);
                    }
                }
            }
        }
        self.schedule_tcp(host, id);
    }

    fn icmp_received(&mut self, host: HostId, skb: &Skb, icmp: &Icmp, cause: EventId) {
        let v4 = skb.packet.src.is_ipv4();
        match (v4, icmp.kind.ty) {
            (true, 8) if !self.host(host).ignores_echo(skb) => {
                self.echo(host, skb, icmp, IcmpType::new(0, 0), cause)
            }
            (true, 13) if skb.cast.is_none_or(|c| c == Cast::Host) && skb.packet.payload.len() >= 4 => {
                self.echo(host, skb, icmp, IcmpType::new(14, 0), cause);
            }
            (false, 128) if !self.host(host).is_on(Global::EchoIgnoreAll6) => {
                self.echo(host, skb, icmp, IcmpType::new(129, 0), cause);
            }
            (false, 135 | 136) => self.nd_received(host, skb, icmp, cause),
            _ if icmp.kind.is_error(v4) => self.error_received(host, skb, icmp, cause),
            _ => {}
        }
    }

    /// Answers an echo or a timestamp request (`icmp_reply`).
    fn echo(&mut self, host: HostId, skb: &Skb, icmp: &Icmp, kind: IcmpType, cause: EventId) {
        let asked = &skb.packet;
        let h = self.host(host);
        // To what was sent to many the host answers from an address of its own.
        let src = match h.is_for_many(asked.dst) {
            false => Some(asked.dst),
            true => h.source_towards(asked.src, skb),
        };
        let Some(src) = src else { return };
        let reply = Icmp::query(kind, icmp.id, icmp.seq);
        let Some(mut packet) = Packet::new(src, asked.src, Transport::Icmp(reply)) else { return };
        // A timestamp's answer has three times of four bytes, whatever was asked.
        packet.payload = if kind.ty == 14 { Payload::Size(12) } else { asked.payload.clone() };
        packet.tos = asked.tos;
        packet.ttl = h.default_ttl(asked.src.is_ipv4());
        self.kernel_sends(host, packet, skb, None, cause);
    }

    /// An ICMP error came: what it says of the path, and whose packet it quotes.
    fn error_received(&mut self, host: HostId, skb: &Skb, icmp: &Icmp, cause: EventId) {
        let Some(quoted) = icmp.quoted.as_deref() else { return };
        let v4 = skb.packet.src.is_ipv4();
        let sockets = self.host(host).sockets.for_error(quoted);
        let known = !sockets.is_empty() || quoted.icmp().is_some();
        match (v4, icmp.kind.ty, icmp.kind.code) {
            (true, 3, 4) | (false, 2, _) if known => {
                let least = if v4 { MIN_PMTU } else { MIN_PMTU6 };
                let mtu = icmp.mtu.unwrap_or(0).max(least);
                let dst = quoted.dst;
                self.walk(host, |way| way.path_changed(dst, None, Some(mtu), cause));
            }
            (true, 5, _) => return self.redirected(host, skb, icmp, quoted, cause),
            _ => {}
        }
        let now = self.now();
        let from = skb.packet.src;
        for id in sockets {
            let narrower = icmp.mtu.is_some() && self.keep_narrowing(host, id, icmp, cause);
            if narrower {
                continue;
            }
            let Some(socket) = self.host_mut(host).sockets.get_mut(id) else { continue };
            match &mut socket.kind {
                SocketKind::Connection(connection) => {
                    let actions = connection.icmp_error(icmp, now);
                    let sender = self.sender_of(host, id);
                    self.perform(host, id, actions, sender, cause);
                }
                SocketKind::Udp | SocketKind::Raw(_) => {
                    if socket.icmp_error(icmp, from) {
                        if let Some(Incoming::Error(error)) = socket.incoming.back().cloned() {
                            self.emit(host, Some(cause), SocketEvent::Error { socket: id, error });
                        }
                        self.woken.push_back((host, id));
                    }
                }
                SocketKind::Listener(listener) => listener.icmp_error(icmp),
                SocketKind::Tcp => {}
            }
        }
    }

    /// A redirect came (`__ip_do_redirect`): it counts where it comes from the gateway in use, and names one
    /// whose hardware address is known; else that is asked for first.
    fn redirected(&mut self, host: HostId, skb: &Skb, icmp: &Icmp, quoted: &Packet, cause: EventId) {
        let (Some(gateway), Some(iif)) = (icmp.gateway, skb.iif.as_ref()) else { return };
        let h = self.host(host);
        let forwards = h.sysctls.dev(Family::Ip, Conf::Forwarding, iif) != 0;
        let accepts = match forwards {
            true => h.sysctls.both(Family::Ip, Conf::AcceptRedirects, iif),
            false => h.sysctls.either(Family::Ip, Conf::AcceptRedirects, iif),
        };
        let flow =
            super::fib::Flow { src: Some(quoted.src), any_source: true, ..super::fib::Flow::to(quoted.dst) };
        let Ok((_, hop)) = h.route_for(&flow) else { return };
        let usable = accepts
            && hop.gateway == Some(skb.packet.src)
            && gateway != skb.packet.src
            && h.owner(gateway).is_none()
            && !h.is_for_many(gateway)
            && super::links::on_link(self, host, iif, gateway);
        if !usable {
            return;
        }
        let (iif, dst) = (iif.clone(), quoted.dst);
        match self.host(host).neighbours.get(&iif, gateway).and_then(|n| n.mac) {
            Some(_) => {
                self.walk(host, |way| way.path_changed(dst, Some(gateway), None, cause));
            }
            None => self.ask_neighbour(host, iif, gateway, cause),
        }
    }
}

impl Host {
    /// Whether an echo request gets no answer.
    fn ignores_echo(&self, skb: &Skb) -> bool {
        let many = self.is_for_many(skb.packet.dst);
        self.is_on(Global::EchoIgnoreAll) || (many && self.is_on(Global::EchoIgnoreBroadcasts))
    }
}
