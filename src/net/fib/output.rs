//! Where a host's own packet and one that comes in go, with the checks and the source that come with it
//! (`ip_route_output_key_hash`, `ip_route_input_slow`, `ip6_route_output_flags`, `ip6_route_input`).

use super::lookup::Mode;
use super::{
    BadSource, Fib, Flow, IpRule, Link, Links, Lookup, NoRoute, Pick, Route, RouteKind, Scope, TableId,
    select_address, select_source6,
};
use crate::abi::IfName;
use serde::Serialize;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why a packet goes nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RouteError {
    /// The tables or the rules say so.
    NoRoute(NoRoute),
    /// The source is none of the host's addresses (`ENETUNREACH`; `EINVAL` for one that is never a source).
    Source,
    /// An address that is never a source (`EINVAL`).
    NeverSource,
    /// There is no such interface (`ENODEV`).
    NoDevice,
    /// The interface is down (`ENETUNREACH`).
    Down,
    /// The destination is none that comes in from outside (`EINVAL`).
    MartianDestination,
    /// The source cannot have come from there.
    MartianSource(BadSource),
    /// It is for somebody else, and the interface does not forward (`EHOSTUNREACH`).
    NotForwarding,
}

impl RouteError {
    /// What `ip route get` answers, by strerror(3).
    pub fn message(self) -> &'static str {
        match self {
            RouteError::NoRoute(NoRoute::Net) | RouteError::Source | RouteError::Down => {
                "Network is unreachable"
            }
            RouteError::NoRoute(NoRoute::Host) | RouteError::NotForwarding => "No route to host",
            RouteError::NoRoute(NoRoute::Prohibited) => "Permission denied",
            RouteError::NoRoute(NoRoute::Blackhole)
            | RouteError::NeverSource
            | RouteError::MartianDestination
            | RouteError::MartianSource(BadSource::Local | BadSource::Never | BadSource::ReversePath) => {
                "Invalid argument"
            }
            RouteError::NoDevice => "No such device",
        }
    }
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for RouteError {}

/// Where a packet goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing<'a> {
    /// To this host, to one other, to all or to a group.
    pub kind: RouteKind,
    /// The interface that it leaves by; `lo` for what stays here.
    pub dev: IfName,
    /// The router that it is handed to; `None` where the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// Its source; for what comes in, the one it has.
    pub src: Option<IpAddr>,
    /// What the route says of the path's MTU, in bytes.
    pub mtu: Option<u32>,
    /// The route that decided, if one did.
    pub route: Option<Pick<'a>>,
    /// The rule that decided, if one did.
    pub rule: Option<&'a IpRule>,
    /// True for what comes in and whose source is on the link that it came from: it can be told of a better
    /// router (`fib_validate_source`).
    pub source_on_link: bool,
}

impl<'a> Routing<'a> {
    fn plain(kind: RouteKind, dev: IfName) -> Self {
        Routing {
            kind,
            dev,
            gateway: None,
            src: None,
            mtu: None,
            route: None,
            rule: None,
            source_on_link: false,
        }
    }

    fn of(lookup: &Lookup<'a>, dev: IfName) -> Self {
        let found = lookup.result.ok();
        Routing {
            gateway: found.and_then(|f| f.nexthop.via),
            mtu: found.and_then(|f| f.route.metrics.mtu),
            route: lookup.route,
            rule: lookup.rule,
            ..Routing::plain(found.map_or(RouteKind::Unicast, |f| f.route.kind), dev)
        }
    }
}

/// 0.0.0.0. The rest of 0/8 is like any other network since Linux 5.3 (`ipv4_is_zeronet`).
pub(super) fn is_zeronet(addr: Ipv4Addr) -> bool {
    addr.is_unspecified()
}

/// 224.0.0.0/24.
fn is_local_group(addr: Ipv4Addr) -> bool {
    addr.octets()[..3] == [224, 0, 0]
}

impl Fib {
    /// Where a packet of the host's own goes. `flow.iif` is not looked at.
    pub fn route_output<'a>(
        &'a self,
        links: &impl Links,
        flow: &Flow<'_>,
    ) -> Result<Routing<'a>, RouteError> {
        let flow = Flow { iif: None, ..*flow };
        match flow.dst {
            IpAddr::V4(dst) => self.output4(links, &flow, dst),
            IpAddr::V6(dst) => self.output6(links, &flow, dst),
        }
    }

    /// Where a packet goes that came in by `flow.iif`; its IPv4 source is checked too. Whether the host forwards
    /// IPv6 is asked later, when it does (`ip6_forward`).
    pub fn route_input<'a>(&'a self, links: &impl Links, flow: &Flow<'_>) -> Result<Routing<'a>, RouteError> {
        let link = flow.iif.and_then(|name| links.link(name)).ok_or(RouteError::NoDevice)?;
        match (flow.dst, flow.src) {
            (IpAddr::V4(dst), Some(IpAddr::V4(src))) => self.input4(links, link, flow, dst, src),
            (IpAddr::V4(dst), _) => self.input4(links, link, flow, dst, Ipv4Addr::UNSPECIFIED),
            (IpAddr::V6(_), _) => self.input6(links, flow),
        }
    }

    fn output4<'a>(
        &'a self,
        links: &impl Links,
        flow: &Flow<'_>,
        dst: Ipv4Addr,
    ) -> Result<Routing<'a>, RouteError> {
        let mut src = match flow.src {
            Some(IpAddr::V4(src)) if !src.is_unspecified() => Some(src),
            _ => None,
        };
        let oif = flow.oif;
        if let Some(src) = src {
            if src.is_multicast() || src.is_broadcast() || is_zeronet(src) {
                return Err(RouteError::NeverSource);
            }
            let owner = self.owner4(links, src);
            if owner.is_none() && !flow.any_source {
                return Err(RouteError::Source);
            }
            if oif.is_none() && (dst.is_multicast() || dst.is_broadcast()) {
                let owner = owner.ok_or(RouteError::Source)?;
                return Ok(made4(Some(src), None, Some(&owner.name), dst));
            }
        }
        if let Some(name) = oif {
            let link = links.link(name).ok_or(RouteError::NoDevice)?;
            if !link.up {
                return Err(RouteError::Down);
            }
            if is_local_group(dst) || dst.is_broadcast() {
                let src = src.or_else(|| select_address(links, link, None, Scope::LINK));
                return Ok(made4(src, None, oif, dst));
            }
            if src.is_none() && dst.is_multicast() {
                src = select_address(links, link, None, Scope::GLOBAL);
            } else if src.is_none() && dst.is_unspecified() {
                src = select_address(links, link, None, Scope::HOST);
            }
        }
        if dst.is_unspecified() {
            let src = src.unwrap_or(Ipv4Addr::LOCALHOST);
            let mut routing = Routing::plain(RouteKind::Local, IfName::lo());
            routing.src = Some(src.into());
            return Ok(routing);
        }
        let flow = Flow { src: src.map(IpAddr::V4), ..*flow };
        let lookup = self.decide(links, &flow, Mode::PLAIN, &mut None);
        let found = match lookup.result {
            Ok(found) => found,
            Err(why) => {
                // Bound to an interface, the destination is taken to be on its link.
                let name = oif.ok_or(RouteError::NoRoute(why))?;
                let link = links.link(name).ok_or(RouteError::NoDevice)?;
                let src = src.or_else(|| select_address(links, link, None, Scope::LINK));
                return Ok(made4(src, None, oif, dst));
            }
        };
        let route = found.route;
        if route.kind == RouteKind::Local {
            let mut routing = Routing::of(&lookup, IfName::lo());
            routing.src = src.map(IpAddr::V4).or(route.prefsrc).or(Some(flow.dst));
            return Ok(routing);
        }
        let src = src.or_else(|| self.preferred4(links, &lookup, route));
        let dev = found.nexthop.dev.as_ref();
        Ok(made4(src, Some(&lookup), dev, dst))
    }

    /// The source that a route's way asks for (`fib_result_prefsrc`).
    fn preferred4(&self, links: &impl Links, lookup: &Lookup<'_>, route: &Route) -> Option<Ipv4Addr> {
        if let Some(IpAddr::V4(src)) = route.prefsrc {
            return Some(src);
        }
        let found = lookup.result.ok()?;
        let link = links.link(found.nexthop.dev.as_ref()?)?;
        let near = match found.nexthop.via {
            Some(IpAddr::V4(via)) => Some(via),
            Some(IpAddr::V6(_)) | None => None,
        };
        select_address(links, link, near, route.scope)
    }

    /// The interface of a local address, as `__ip_dev_find` has it: an interface's address, else what table
    /// `local` calls local.
    pub(super) fn owner4<'l>(&self, links: &'l impl Links, addr: Ipv4Addr) -> Option<&'l Link> {
        let has = |link: &&Link| link.addrs.iter().any(|a| a.local == IpAddr::V4(addr));
        links.links().find(has).or_else(|| {
            let flow = Flow::to(addr.into());
            match self.in_table(links, TableId::LOCAL, &flow, Mode::PLAIN, &mut None) {
                super::lookup::InTable::Found(found) if found.route.kind == RouteKind::Local => {
                    links.link(found.nexthop.dev.as_ref()?)
                }
                _ => None,
            }
        })
    }

    fn input4<'a>(
        &'a self,
        links: &impl Links,
        link: &Link,
        flow: &Flow<'_>,
        dst: Ipv4Addr,
        src: Ipv4Addr,
    ) -> Result<Routing<'a>, RouteError> {
        let flow = Flow { src: Some(src.into()), oif: None, uid: 0, ..*flow };
        let never = RouteError::MartianSource(BadSource::Never);
        if dst.is_multicast() {
            let mut routing = Routing::plain(RouteKind::Multicast, IfName::lo());
            routing.src = flow.src;
            return Ok(routing);
        }
        if src.is_multicast() || src.is_broadcast() {
            return Err(never);
        }
        let here = |kind| Routing { src: flow.src, ..Routing::plain(kind, IfName::lo()) };
        let nobody = src.is_unspecified() && dst.is_unspecified();
        if dst.is_broadcast() || nobody {
            let on_link = is_zeronet(src) || self.validate_source(links, &flow, link, None)?.on_link;
            return Ok(Routing { source_on_link: on_link, ..here(RouteKind::Broadcast) });
        }
        if is_zeronet(src) || (src.is_loopback() && !link.conf.route_localnet) {
            return Err(never);
        }
        if is_zeronet(dst) || (dst.is_loopback() && !link.conf.route_localnet) {
            return Err(RouteError::MartianDestination);
        }
        let lookup = self.decide(links, &flow, Mode::PLAIN, &mut None);
        let found = match lookup.result {
            Ok(found) => found,
            Err(_) if !link.conf.forwarding => return Err(RouteError::NotForwarding),
            Err(why) => return Err(RouteError::NoRoute(why)),
        };
        match found.route.kind {
            RouteKind::Broadcast => {
                let on_link = is_zeronet(src) || self.validate_source(links, &flow, link, None)?.on_link;
                let routing = Routing::of(&lookup, IfName::lo());
                Ok(Routing { src: flow.src, source_on_link: on_link, ..routing })
            }
            RouteKind::Local => {
                let on_link = self.validate_source(links, &flow, link, None)?.on_link;
                let routing = Routing::of(&lookup, IfName::lo());
                Ok(Routing { src: flow.src, source_on_link: on_link, ..routing })
            }
            _ if !link.conf.forwarding => Err(RouteError::NotForwarding),
            RouteKind::Unicast => {
                let dev = found.nexthop.dev.as_ref().ok_or(RouteError::NoDevice)?;
                let on_link = self.validate_source(links, &flow, link, Some(dev))?.on_link;
                let routing = Routing::of(&lookup, dev.clone());
                Ok(Routing { src: flow.src, source_on_link: on_link, ..routing })
            }
            _ => Err(RouteError::MartianDestination),
        }
    }

    fn output6<'a>(
        &'a self,
        links: &impl Links,
        flow: &Flow<'_>,
        dst: Ipv6Addr,
    ) -> Result<Routing<'a>, RouteError> {
        if let Some(name) = flow.oif {
            links.link(name).ok_or(RouteError::NoDevice)?;
        }
        let lookup = self.decide(links, flow, Mode::PLAIN, &mut None);
        let found = lookup.result.map_err(RouteError::NoRoute)?;
        let dev = device6(&lookup);
        let mut routing = Routing::of(&lookup, dev);
        let given = flow.src.filter(|src| !src.is_unspecified());
        let by = found.nexthop.dev.as_ref().and_then(|name| links.link(name));
        let chosen = || select_source6(links, by, dst).map(IpAddr::V6);
        routing.src = given.or(found.route.prefsrc).or_else(chosen);
        Ok(routing)
    }

    fn input6<'a>(&'a self, links: &impl Links, flow: &Flow<'_>) -> Result<Routing<'a>, RouteError> {
        let flow = Flow { oif: None, uid: 0, ..*flow };
        let lookup = self.decide(links, &flow, Mode::PLAIN, &mut None);
        lookup.result.map_err(RouteError::NoRoute)?;
        let dev = device6(&lookup);
        Ok(Routing { src: flow.src, source_on_link: true, ..Routing::of(&lookup, dev) })
    }
}

/// The interface that an IPv6 packet leaves by; what is for this host goes by `lo` (`ip6_rt_get_dev_rcu`).
fn device6(lookup: &Lookup<'_>) -> IfName {
    match lookup.result {
        Ok(found) if !matches!(found.route.kind, RouteKind::Local | RouteKind::Anycast) => {
            found.nexthop.dev.clone().unwrap_or_else(IfName::lo)
        }
        _ => IfName::lo(),
    }
}

/// The kind of what goes out by an interface, by its destination (`__mkroute_output`).
fn made4<'a>(
    src: Option<Ipv4Addr>,
    lookup: Option<&Lookup<'a>>,
    dev: Option<&IfName>,
    dst: Ipv4Addr,
) -> Routing<'a> {
    let dev = dev.cloned().unwrap_or_else(IfName::lo);
    let mut routing = match lookup {
        Some(lookup) => Routing::of(lookup, dev),
        None => Routing::plain(RouteKind::Unicast, dev),
    };
    if dst.is_broadcast() {
        routing.kind = RouteKind::Broadcast;
    } else if dst.is_multicast() {
        routing.kind = RouteKind::Multicast;
    }
    if matches!(routing.kind, RouteKind::Broadcast | RouteKind::Multicast) {
        routing.gateway = None;
    }
    routing.src = src.map(IpAddr::V4);
    routing
}
