//! Where a host's packets go: the routing tables' answer with what the host learned besides, as a packet's way
//! needs it.

use super::event::Lost;
use super::fib::{BadSource, Flow, Links, NoRoute, RouteError, RouteKind, Routing};
use super::host::Host;
use super::sysctl::{Conf, Global};
use crate::abi::IfName;
use crate::netfilter::{Cast, Family, OutDev, ReversePath, Sender, Skb};
use crate::packet::{IcmpType, Packet, Proto};
use std::net::{IpAddr, Ipv6Addr};

/// The next step of a packet that leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Hop {
    /// By this device; `None` where that is not known.
    pub dev: Option<IfName>,
    /// To this router; `None` where the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// The largest packet that the way carries, bytes, where that is known.
    pub mtu: Option<u32>,
    /// To one host, to all or to a group.
    pub cast: Cast,
    /// The host gets a copy of what it sends to many.
    pub copy: bool,
    /// It leaves by the device it came in by: its sender can be told of a better way.
    pub redirect: bool,
}

impl Default for Hop {
    fn default() -> Self {
        Hop { dev: None, gateway: None, mtu: None, cast: Cast::Host, copy: false, redirect: false }
    }
}

impl Hop {
    /// The device, as a packet's way out.
    pub fn out_dev(&self) -> OutDev {
        self.dev.clone().map_or(OutDev::Unknown, OutDev::Named)
    }
}

/// Where a packet goes that came in.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Inbound {
    /// To the host itself.
    Local,
    /// Through.
    Forward(Hop),
    /// Nowhere, and nobody is told.
    Lost(Lost),
    /// Nowhere, and the sender is told.
    Refused { why: Lost, kind: Option<RouteKind>, v4: Option<IcmpType>, v6: Option<IcmpType> },
}

/// Where a packet of the host's own goes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outbound {
    /// This way.
    To(Hop),
    /// Nowhere.
    Refused(Lost, Option<RouteKind>),
}

/// What a flow looks up for a packet.
fn flow_of<'a>(packet: &Packet, mark: u32) -> Flow<'a> {
    let (sport, dport) = packet.ports().unwrap_or_default();
    Flow {
        src: Some(packet.src),
        mark,
        tos: packet.tos,
        proto: packet.proto(),
        sport,
        dport,
        ..Flow::to(packet.dst)
    }
}

impl Host {
    /// Where a packet goes that came in by `skb.iif`.
    pub(super) fn route_in(&self, skb: &Skb) -> Inbound {
        let dst = skb.packet.dst;
        let Some(iif) = skb.iif.as_ref() else { return Inbound::Lost(Lost::NoRoute) };
        // What comes over lo was routed when it was sent; a copy of the host's own too.
        if iif.is_lo() && (self.owner(dst).is_some() || self.is_for_many(dst))
            || skb.cast == Some(Cast::Loopback)
        {
            return Inbound::Local;
        }
        if skb.packet.src.is_ipv6()
            && let Some(lost) = bad_source6(&skb.packet, iif)
        {
            return Inbound::Lost(lost);
        }
        if dst.is_multicast() {
            return if self.has_joined(iif, dst) { Inbound::Local } else { Inbound::Lost(Lost::NotJoined) };
        }
        let flow = Flow { iif: Some(iif), ..flow_of(&skb.packet, skb.mark) };
        match self.fib.route_input(&self.devices, &flow) {
            Ok(routing) => match routing.kind {
                RouteKind::Local | RouteKind::Broadcast | RouteKind::Multicast | RouteKind::Anycast => {
                    Inbound::Local
                }
                _ => {
                    let redirect = routing.dev == *iif
                        && routing.source_on_link
                        && self.devices.link(iif).is_some_and(|l| l.conf.send_redirects);
                    Inbound::Forward(Hop { redirect, ..self.hop(&routing, dst, false) })
                }
            },
            Err(_) if !self.described && skb.packet.src.is_ipv4() && self.is_odd(&skb.packet) => {
                Inbound::Lost(Lost::Martian)
            }
            Err(RouteError::NoRoute(NoRoute::Net)) if !self.described => Inbound::Forward(Hop::default()),
            Err(error) => inbound_error(error),
        }
    }

    /// Addresses that no packet from outside may have, whatever the routes say.
    fn is_odd(&self, packet: &Packet) -> bool {
        packet.src.is_loopback()
            || packet.dst.is_loopback()
            || packet.src.is_multicast()
            || self.owner(packet.src).is_some()
    }

    /// Where a packet of the host's own goes; `bound` is the interface that its socket is bound to.
    pub(super) fn route_out(&self, skb: &Skb, bound: Option<&IfName>) -> Outbound {
        let uid = match skb.sender {
            Sender::Socket { uid, .. } => uid,
            Sender::Kernel | Sender::KernelSocket | Sender::UnknownSocket => 0,
        };
        let flow = Flow { oif: bound, uid, any_source: true, ..flow_of(&skb.packet, skb.mark) };
        match self.routed_out(&flow) {
            Ok(hop) => Outbound::To(hop),
            Err(RouteError::NoRoute(NoRoute::Net)) if !self.described => Outbound::To(Hop::default()),
            Err(error) => outbound_error(error),
        }
    }

    fn routed_out(&self, flow: &Flow<'_>) -> Result<Hop, RouteError> {
        let routing = self.fib.route_output(&self.devices, flow)?;
        if !self.described
            && !routing.dev.is_lo()
            && matches!(routing.kind, RouteKind::Broadcast | RouteKind::Multicast)
        {
            return Ok(Hop::default());
        }
        let hop = self.hop(&routing, flow.dst, true);
        self.may_leave(flow.src, &hop)?;
        Ok(hop)
    }

    /// A loopback source leaves only by `lo`, unless `route_localnet` is on (`__mkroute_output`).
    fn may_leave(&self, src: Option<IpAddr>, hop: &Hop) -> Result<(), RouteError> {
        let Some(dev) = hop.dev.as_ref().filter(|dev| !dev.is_lo()) else { return Ok(()) };
        let loopback = matches!(src, Some(IpAddr::V4(src)) if src.is_loopback());
        let localnet = self.devices.link(dev).is_some_and(|l| l.conf.route_localnet);
        if self.described && loopback && !localnet { Err(RouteError::NeverSource) } else { Ok(()) }
    }

    /// The source that the host gives a packet, and the way it takes; as a socket's program asks.
    pub(super) fn route_for(&self, flow: &Flow<'_>) -> Result<(IpAddr, Hop), RouteError> {
        let routing = self.fib.route_output(&self.devices, flow)?;
        let hop = self.hop(&routing, flow.dst, true);
        self.may_leave(flow.src.or(routing.src), &hop)?;
        match flow.src.or(routing.src) {
            Some(src) => Ok((src, hop)),
            // An interface without an address: IPv4 sends from 0.0.0.0, IPv6 does not send.
            None if flow.dst.is_ipv4() => Ok((std::net::Ipv4Addr::UNSPECIFIED.into(), hop)),
            None => Err(RouteError::Source),
        }
    }

    /// The source of an ICMP error or another packet of the kernel's towards an address.
    pub(super) fn source_towards(&self, dst: IpAddr, about: &Skb) -> Option<IpAddr> {
        let mark = if self.is_on(Global::FwmarkReflect) { about.mark } else { 0 };
        let flow =
            Flow { mark, proto: if dst.is_ipv4() { Proto::ICMP } else { Proto::ICMPV6 }, ..Flow::to(dst) };
        let routed = self.fib.route_output(&self.devices, &flow).ok().and_then(|r| r.src);
        match (routed, about.iif.as_ref()) {
            (Some(src), _) => Some(src),
            (None, Some(iif)) if !self.described => self.address_towards(iif, dst),
            (None, _) => None,
        }
    }

    fn hop(&self, routing: &Routing<'_>, dst: IpAddr, own: bool) -> Hop {
        let cast = match routing.kind {
            RouteKind::Broadcast => Cast::Broadcast,
            RouteKind::Multicast => Cast::Multicast,
            _ if dst.is_multicast() => Cast::Multicast,
            _ => Cast::Host,
        };
        // Of a device that a text describes the MTU is not known.
        let device = self.devices.get(&routing.dev).filter(|d| d.kind != super::DeviceKind::Described);
        let dev_mtu = device.map(|d| d.link.mtu);
        let mut mtu = routing.mtu.or(dev_mtu);
        let mut gateway = routing.gateway;
        // What ICMP told of the way counts for the host's own packets (`ip_dst_mtu_maybe_forward`).
        if own || self.is_on(Global::ForwardUsePmtu) || dst.is_ipv6() {
            let learned = self.exceptions.mtu(dst, self.now);
            mtu = match (mtu, learned) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        if let Some(better) = self.exceptions.gateway(dst, self.now).filter(|_| own) {
            gateway = Some(better).filter(|g| *g != dst);
        }
        let copy = match cast {
            Cast::Broadcast => !routing.dev.is_lo(),
            Cast::Multicast => dst.is_ipv4() && self.has_joined(&routing.dev, dst),
            Cast::Host | Cast::OtherHost | Cast::Loopback => false,
        };
        Hop { dev: Some(routing.dev.clone()), gateway, mtu, cast, copy, redirect: false }
    }

    /// Whether the host takes a group's packets on an interface: the groups that every host is in, and those of
    /// its own IPv6 addresses.
    pub(super) fn has_joined(&self, dev: &IfName, group: IpAddr) -> bool {
        if !self.described {
            return true;
        }
        match group {
            IpAddr::V4(g) => g.octets() == [224, 0, 0, 1],
            IpAddr::V6(g) => {
                let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
                let interface = Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 1);
                let routers = [0xff01, 0xff02, 0xff05].map(|scope| Ipv6Addr::new(scope, 0, 0, 0, 0, 0, 0, 2));
                let forwards = self.sysctls.dev(Family::Ip6, Conf::Forwarding, dev) != 0;
                let solicited = |addr: IpAddr| match addr {
                    IpAddr::V6(a) => super::frame::solicited_node(a) == g,
                    IpAddr::V4(_) => false,
                };
                g == all_nodes
                    || g == interface
                    || (forwards && routers.contains(&g))
                    || self.addresses(dev).iter().any(|a| solicited(a.local))
            }
        }
    }

    /// The first address of the interface that packets for `dst` can be given to. For an IPv6 destination that is
    /// not global it is one of the same reach (`nf_nat_redirect_ipv6_usable`).
    pub(super) fn first_of(&self, name: &IfName, dst: IpAddr) -> Option<IpAddr> {
        let link = self.devices.link(name)?;
        let reach = |addr: IpAddr| match addr {
            IpAddr::V6(a) => (a.is_loopback(), a.is_unicast_link_local()),
            IpAddr::V4(_) => (false, false),
        };
        let near = reach(dst) != (false, false);
        let usable = |addr: IpAddr| addr.is_ipv4() == dst.is_ipv4() && (!near || reach(addr) == reach(dst));
        link.addrs.iter().filter(|a| !a.tentative).map(|a| a.local).find(|a| usable(*a))
    }

    /// The address that MASQUERADE gives: the interface's, near the other end where it has several.
    pub(super) fn address_towards(&self, name: &IfName, to: IpAddr) -> Option<IpAddr> {
        let link = self.devices.link(name)?;
        match to {
            IpAddr::V4(to) => {
                let near =
                    super::fib::select_address(&self.devices, link, Some(to), super::fib::Scope::GLOBAL);
                near.map(IpAddr::V4)
            }
            IpAddr::V6(to) => super::fib::select_source6(&self.devices, Some(link), to).map(IpAddr::V6),
        }
    }

    /// The packet sizes of the way that a packet takes and of the way back to its sender, bytes.
    pub(super) fn mtu_both_ways(&self, skb: &Skb) -> Option<(u32, u32)> {
        let mtu = |dst: IpAddr| {
            let routing = self.fib.route_output(&self.devices, &Flow::to(dst)).ok()?;
            self.hop(&routing, dst, true).mtu
        };
        let out = mtu(skb.packet.dst)?;
        Some((out, mtu(skb.packet.src).unwrap_or(out)))
    }

    /// The check of `-m rpfilter`: whether the way to the packet's source leaves by the interface it came in by.
    pub(super) fn passes_reverse_path(&self, skb: &Skb, check: ReversePath) -> bool {
        let Some(iif) = skb.iif.as_ref() else { return true };
        let (src, dst) = (skb.packet.src, skb.packet.dst);
        if iif.is_lo() || src.is_unspecified() {
            return true;
        }
        let flow = Flow {
            mark: if check.valid_mark { skb.mark } else { 0 },
            tos: skb.packet.tos,
            src: (!dst.is_multicast() && !self.is_broadcast(dst)).then_some(dst),
            any_source: true,
            ..Flow::to(src)
        };
        let lookup = self.fib.lookup(&self.devices, &flow);
        let Ok(found) = lookup.result else { return false };
        match found.route.kind {
            RouteKind::Unicast => check.loose || found.route.uses(iif),
            RouteKind::Local if src.is_ipv6() => check.accept_local,
            RouteKind::Local => check.accept_local && (check.loose || found.route.uses(iif)),
            _ => false,
        }
    }
}

/// Sources that IPv6 never takes from outside (`ip6_rcv_core`).
fn bad_source6(packet: &Packet, iif: &IfName) -> Option<Lost> {
    let lo = iif.is_lo();
    let odd = packet.src.is_multicast() || (!lo && (packet.src.is_loopback() || packet.dst.is_loopback()));
    odd.then_some(Lost::Martian)
}

fn inbound_error(error: RouteError) -> Inbound {
    let told = |why, kind, v4: u8, v6: u8| Inbound::Refused {
        why,
        kind,
        v4: Some(IcmpType::new(3, v4)),
        v6: Some(IcmpType::new(1, v6)),
    };
    match error {
        RouteError::NoRoute(NoRoute::Net) => told(Lost::NoRoute, None, 0, 0),
        RouteError::NoRoute(NoRoute::Host) => told(Lost::RouteRefuses, Some(RouteKind::Unreachable), 1, 0),
        RouteError::NoRoute(NoRoute::Prohibited) => {
            told(Lost::RouteRefuses, Some(RouteKind::Prohibit), 13, 1)
        }
        RouteError::NoRoute(NoRoute::Blackhole) => {
            Inbound::Refused { why: Lost::RouteRefuses, kind: Some(RouteKind::Blackhole), v4: None, v6: None }
        }
        RouteError::NotForwarding => Inbound::Lost(Lost::ForwardingOff),
        RouteError::MartianSource(BadSource::ReversePath) => Inbound::Lost(Lost::ReversePath),
        RouteError::MartianSource(BadSource::Never | BadSource::Local)
        | RouteError::MartianDestination
        | RouteError::NeverSource
        | RouteError::Source => Inbound::Lost(Lost::Martian),
        RouteError::NoDevice | RouteError::Down => Inbound::Lost(Lost::LinkDown),
    }
}

fn outbound_error(error: RouteError) -> Outbound {
    match error {
        RouteError::NoRoute(NoRoute::Net) => Outbound::Refused(Lost::NoRoute, None),
        RouteError::NoRoute(NoRoute::Host) => {
            Outbound::Refused(Lost::RouteRefuses, Some(RouteKind::Unreachable))
        }
        RouteError::NoRoute(NoRoute::Prohibited) => {
            Outbound::Refused(Lost::RouteRefuses, Some(RouteKind::Prohibit))
        }
        RouteError::NoRoute(NoRoute::Blackhole) => {
            Outbound::Refused(Lost::RouteRefuses, Some(RouteKind::Blackhole))
        }
        RouteError::NoDevice | RouteError::Down => Outbound::Refused(Lost::LinkDown, None),
        RouteError::Source
        | RouteError::NeverSource
        | RouteError::MartianDestination
        | RouteError::MartianSource(_)
        | RouteError::NotForwarding => Outbound::Refused(Lost::Martian, None),
    }
}
