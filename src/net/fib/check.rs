//! What the kernel asks of a route before it takes it: that its ways lead somewhere and its source is the host's
//! (`fib_create_info`, `fib_check_nh`, `ip6_route_info_create`, `fib6_nh_init`).

use super::lookup::{InTable, Mode};
use super::{Fib, Flow, Links, Nexthop, Route, RouteKind, Scope, TableId};
use crate::abi::IfName;
use crate::netfilter::{AddrType, Family};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why the kernel does not take a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteRefused {
    /// With these words (`NL_SET_ERR_MSG`).
    Because(&'static str),
    /// There is no such device (`ENODEV`).
    NoDevice,
    /// The router is not on a link (`EHOSTUNREACH`; IPv6).
    HostUnreachable,
    /// The device is down (`ENETDOWN`).
    NetworkDown,
}

use RouteRefused::Because;

const GATEWAY: RouteRefused = Because("Nexthop has invalid gateway");

impl Fib {
    /// Checks a route that is to be put into a table, and fills in the devices of ways that name only a router.
    pub fn check(&self, links: &impl Links, table: TableId, route: &mut Route) -> Result<(), RouteRefused> {
        if route.dst.family().is_v4() {
            self.check4(links, table, route)
        } else {
            self.check6(links, table, route)
        }
    }

    fn check4(&self, links: &impl Links, table: TableId, route: &mut Route) -> Result<(), RouteRefused> {
        let least = match route.kind {
            RouteKind::Local => Scope::HOST,
            RouteKind::Broadcast | RouteKind::Anycast => Scope::LINK,
            _ => Scope::GLOBAL,
        };
        if least > route.scope {
            return Err(Because("Invalid scope"));
        }
        if route.kind.is_error() {
            if !route.nexthops.is_empty() {
                return Err(Because(
                    "Gateway, device and multipath can not be specified for this route type",
                ));
            }
            // Whose source it names does not matter.
            return Ok(());
        }
        if route.scope > Scope::HOST {
            return Err(Because("Invalid scope"));
        }
        if route.nexthops.is_empty() {
            return Err(RouteRefused::NoDevice);
        }
        if route.scope == Scope::HOST {
            if route.nexthops.len() > 1 {
                return Err(Because("Route with host scope can not have multiple nexthops"));
            }
            if route.nexthops.iter().any(|n| n.via.is_some()) {
                return Err(Because("Route with host scope can not have a gateway"));
            }
        } else {
            let scope = route.scope;
            for hop in &mut route.nexthops {
                match hop.via {
                    None => on_link(links, hop)?,
                    Some(IpAddr::V4(via)) => self.router4(links, table, scope, hop, via)?,
                    Some(IpAddr::V6(via)) => self.router6(links, table, hop, via)?,
                }
            }
        }
        self.check_source4(links, table, route)
    }

    /// `fib_valid_prefsrc`.
    fn check_source4(&self, links: &impl Links, table: TableId, route: &Route) -> Result<(), RouteRefused> {
        let Some(src) = route.prefsrc else { return Ok(()) };
        let itself = route.kind == RouteKind::Local && route.dst.is_host() && route.dst.addr() == src;
        if itself {
            return Ok(());
        }
        let there = |t: TableId| {
            let found = self.in_table(links, t, &Flow::to(src), Mode::PLAIN, &mut None);
            matches!(found, InTable::Found(f) if f.route.kind == RouteKind::Local)
        };
        let own =
            there(TableId::LOCAL) || (table != TableId::MAIN && table != TableId::LOCAL && there(table));
        if own { Ok(()) } else { Err(Because("Invalid prefsrc address")) }
    }

    /// A way by an IPv4 router (`fib_check_nh_v4_gw`).
    fn router4(
        &self,
        links: &impl Links,
        table: TableId,
        scope: Scope,
        hop: &mut Nexthop,
        via: Ipv4Addr,
    ) -> Result<(), RouteRefused> {
        let gateway = IpAddr::V4(via);
        if hop.onlink {
            if scope >= Scope::LINK {
                return Err(Because("Nexthop has invalid scope"));
            }
            let dev = hop.dev.as_ref().ok_or(Because("Nexthop device required for onlink"))?;
            let link = links.link(dev).ok_or(RouteRefused::NoDevice)?;
            if !link.up {
                return Err(Because("Nexthop device is not up"));
            }
            // The address is asked for on the device alone: elsewhere it may be the host's.
            return match self.address_type(links, gateway, Some(dev)) {
                AddrType::Unicast => Ok(()),
                _ => Err(GATEWAY),
            };
        }
        let flow = Flow { oif: hop.dev.as_ref(), ..Flow::to(gateway) };
        let mode = Mode { scope: Scope(scope.0.saturating_add(1)).max(Scope::LINK), any_carrier: true };
        let in_table = match self.in_table(links, table, &flow, mode, &mut None) {
            InTable::Found(found) => Some(found),
            InTable::Refused(..) | InTable::Thrown | InTable::Nothing => None,
        };
        let found = match in_table {
            Some(found) => found,
            None => self.decide(links, &flow, mode, &mut None).result.map_err(|_| GATEWAY)?,
        };
        if !matches!(found.route.kind, RouteKind::Unicast | RouteKind::Local) {
            return Err(GATEWAY);
        }
        hop.dev = found.nexthop.dev.clone();
        match hop.dev.as_ref().and_then(|dev| links.link(dev)) {
            None => Err(Because("No egress device for nexthop")),
            Some(link) if !link.up => Err(RouteRefused::NetworkDown),
            Some(_) => Ok(()),
        }
    }

    fn check6(&self, links: &impl Links, table: TableId, route: &mut Route) -> Result<(), RouteRefused> {
        if route.kind.is_error() && route.nexthops.is_empty() {
            route.nexthops.push(Nexthop::new(Some(IfName::lo()), None));
        }
        if route.nexthops.is_empty() {
            return Err(RouteRefused::NoDevice);
        }
        if route.kind.is_error() {
            route.pref = super::Pref::Medium;
        }
        for hop in &mut route.nexthops {
            if hop.onlink && hop.dev.is_none() {
                return Err(Because("Nexthop device required for onlink"));
            }
            if route.kind.is_error() {
                // Whatever device was named, refusing routes are lo's.
                *hop = Nexthop::new(Some(IfName::lo()), None);
                continue;
            }
            match hop.via {
                Some(IpAddr::V6(via)) => self.router6(links, table, hop, via)?,
                Some(IpAddr::V4(_)) => {
                    return Err(Because(
                        "IPv6 routes using source address or IPv4 gateway are not supported",
                    ));
                }
                None => device6(links, hop)?,
            }
        }
        if let Some(src) = route.prefsrc {
            let has = |dev: Option<&IfName>| {
                let of = |l: &super::Link| dev.is_none_or(|d| *d == l.name);
                links.links().filter(|l| of(l)).flat_map(|l| &l.addrs).any(|a| a.local == src && !a.tentative)
            };
            let dev = route.nexthops.first().and_then(|n| n.dev.as_ref());
            let link_local = matches!(src, IpAddr::V6(a) if a.is_unicast_link_local());
            if !has(dev.filter(|_| link_local)) {
                return Err(Because("Invalid source address"));
            }
        }
        Ok(())
    }

    /// A way by an IPv6 router (`ip6_validate_gw`).
    fn router6(
        &self,
        links: &impl Links,
        table: TableId,
        hop: &mut Nexthop,
        via: Ipv6Addr,
    ) -> Result<(), RouteRefused> {
        let gateway = IpAddr::V6(via);
        let link_local = via.is_unicast_link_local();
        let own = |dev: Option<&IfName>| {
            let of = |l: &super::Link| !link_local || dev.is_some_and(|d| *d == l.name);
            links.links().filter(|l| of(l)).flat_map(|l| &l.addrs).any(|a| a.local == gateway)
        };
        let local = Because("Gateway can not be a local address");
        if let Some(dev) = &hop.dev {
            let link = links.link(dev).ok_or(RouteRefused::NoDevice)?;
            if hop.onlink && !link.up {
                return Err(Because("Nexthop device is not up"));
            }
        } else if hop.onlink {
            return Err(Because("Nexthop device required for onlink"));
        }
        if own(hop.dev.as_ref()) {
            return Err(local);
        }
        if !link_local {
            if via.is_multicast() || via.is_loopback() || via.is_unspecified() {
                return Err(Because("Invalid gateway address"));
            }
            if hop.onlink {
                // Where it is said to be, the table must not know better (`ip6_route_check_nh_onlink`).
                let found = self.in_table(links, table, &Flow::to(gateway), Mode::PLAIN, &mut None);
                if let InTable::Found(found) = found
                    && !found.route.dst.is_all()
                    && (found.route.kind != RouteKind::Unicast || found.nexthop.dev != hop.dev)
                {
                    return Err(Because("Nexthop has invalid gateway or device mismatch"));
                }
            } else {
                hop.dev = Some(self.link_of6(links, table, hop.dev.as_ref(), gateway)?);
            }
        }
        let dev = hop.dev.as_ref().ok_or(Because("Egress device not specified"))?;
        if links.link(dev).is_some_and(|l| l.loopback) {
            return Err(Because("Egress device can not be loopback device for this route"));
        }
        device6(links, hop)
    }

    /// The link that an IPv6 router is on: first by the route's own table, then by all (`ip6_route_check_nh`).
    fn link_of6(
        &self,
        links: &impl Links,
        table: TableId,
        dev: Option<&IfName>,
        gateway: IpAddr,
    ) -> Result<IfName, RouteRefused> {
        let flow = Flow { oif: dev, ..Flow::to(gateway) };
        let mode = Mode { scope: Scope::GLOBAL, any_carrier: true };
        let by = |route: &Route, hop: &Nexthop| {
            let direct = hop.via.is_none() && !route.kind.is_error();
            let out = hop.dev.as_ref().filter(|d| dev.is_none_or(|dev| dev == *d));
            out.filter(|_| direct).cloned()
        };
        if let InTable::Found(found) = self.in_table(links, table, &flow, mode, &mut None)
            && let Some(out) = by(found.route, found.nexthop)
        {
            return Ok(out);
        }
        let found = self.decide(links, &flow, mode, &mut None).result;
        found.ok().and_then(|f| by(f.route, f.nexthop)).ok_or(RouteRefused::HostUnreachable)
    }

    /// Makes sure that a table is there, as a rule that names it does in IPv6, and a route in both families.
    pub fn create_table(&mut self, family: Family, table: TableId) {
        self.tables.entry((family, table)).or_default();
    }

    /// True while IPv4's tables `local` and `main` are one, since nobody has touched the rules.
    pub fn is_merged(&self) -> bool {
        !self.custom_rules4
    }

    /// True if the table is there: asking for another one is refused.
    pub fn has_table(&self, family: Family, table: TableId) -> bool {
        let always = [TableId::MAIN, TableId::LOCAL].contains(&table);
        always || self.tables.contains_key(&(family, table))
    }
}

/// A way to what is on a device's link (`fib_check_nh_nongw`).
fn on_link(links: &impl Links, hop: &Nexthop) -> Result<(), RouteRefused> {
    if hop.onlink {
        return Err(Because("Invalid flags for nexthop - PERVASIVE and ONLINK can not be set"));
    }
    let link = hop.dev.as_ref().and_then(|dev| links.link(dev)).ok_or(RouteRefused::NoDevice)?;
    if link.up { Ok(()) } else { Err(Because("Device for nexthop is not up")) }
}

fn device6(links: &impl Links, hop: &Nexthop) -> Result<(), RouteRefused> {
    let link = hop.dev.as_ref().and_then(|dev| links.link(dev)).ok_or(RouteRefused::NoDevice)?;
    if link.conf.disable_ipv6 {
        return Err(Because("IPv6 is disabled on nexthop device"));
    }
    if link.up { Ok(()) } else { Err(Because("Nexthop device is not up")) }
}
