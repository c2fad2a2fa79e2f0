//! The routes that addresses and interfaces bring with them (`fib_add_ifaddr`, `addrconf`).

use super::{Address, Fib, Insert, Link, Nexthop, Prefix, Route, RouteKind, RouteProto, Scope, TableId};
use crate::netfilter::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The metric of the IPv6 routes that the kernel makes (`IP6_RT_PRIO_ADDRCONF`).
const METRIC6_KERNEL: u32 = 256;

impl Fib {
    /// Puts in what an address brings that was just added to the interface; `link` has it already. Tentative
    /// IPv6 addresses are to be added when they are found to be free.
    pub fn address_added(&mut self, link: &Link, address: &Address) {
        for (table, route) in derived(link, address) {
            if !self.has_source(&route) {
                continue;
            }
            // What another address brought already stays the one (`NLM_F_APPEND` finds it).
            let _ = self.insert(table, route, Insert::Append);
        }
    }

    /// Whether the source that an IPv4 route names is the host's (`fib_valid_prefsrc`). An address that was
    /// another network's broadcast address before is not.
    fn has_source(&self, route: &Route) -> bool {
        let Some(src @ IpAddr::V4(_)) = route.prefsrc else { return true };
        let itself = route.kind == RouteKind::Local && route.dst == Prefix::host(src);
        let known = self.table(Family::Ip, TableId::LOCAL).iter().find(|r| r.dst.contains(src));
        itself || known.is_some_and(|r| r.kind == RouteKind::Local)
    }

    /// Takes away what an address brought that was just taken from the interface; `link` no longer has it,
    /// `others` are the host's other interfaces.
    pub fn address_removed(&mut self, link: &Link, address: &Address) {
        match address.local {
            IpAddr::V4(local) => self.address_removed4(link, address, local),
            IpAddr::V6(_) => self.address_removed6(link, address),
        }
    }

    fn address_removed4(&mut self, link: &Link, address: &Address, local: Ipv4Addr) {
        // A secondary address that goes with its primary finds the primary gone: its routes had its source.
        let left: Vec<_> = link.addrs.iter().flat_map(|other| derived(link, other)).collect();
        for (table, route) in derived(link, address) {
            if !left.contains(&(table, route.clone())) {
                self.remove(Family::Ip, table, |r| same_route(r, &route));
            }
        }
        let gone = !self
            .table(Family::Ip, TableId::LOCAL)
            .iter()
            .any(|r| r.kind == RouteKind::Local && r.dst.contains(IpAddr::V4(local)));
        if gone {
            // Routes with that source cannot be used (`fib_sync_down_addr`).
            self.retain(|_, r| r.prefsrc != Some(IpAddr::V4(local)));
        }
        if !link.addrs.iter().any(|a| a.local.is_ipv4()) {
            // The last one: IPv4 is off on the interface (`fib_disable_ip`).
            self.drop_ways(link, Family::Ip, true);
        }
    }

    fn address_removed6(&mut self, link: &Link, address: &Address) {
        let dev = Some(&link.name);
        let on_dev = |r: &Route| r.nexthops.first().is_some_and(|n| n.dev.as_ref() == dev);
        let own = Prefix::host(address.local);
        self.remove(Family::Ip6, TableId::LOCAL, |r| r.kind == RouteKind::Local && r.dst == own && on_dev(r));
        if let Some(peer) = address.peer {
            let peer = Prefix::host(peer);
            self.remove(Family::Ip6, TableId::MAIN, |r| r.dst == peer && on_dev(r));
        }
        // Routes with that source stay and lose it (`rt6_remove_prefsrc`).
        self.retain(|_, route| {
            route.prefsrc = route.prefsrc.filter(|src| *src != address.local);
            true
        });
        let Some(net) = Prefix::new(address.local, address.len) else { return };
        let shared = link.addrs.iter().any(|a| Prefix::new(a.local, a.len) == Some(net));
        if !shared {
            if !address.noprefixroute {
                self.remove(Family::Ip6, TableId::MAIN, |r| {
                    r.dst == net && on_dev(r) && r.proto == RouteProto::KERNEL
                });
            }
            let router = Prefix::host(net.addr());
            self.remove(Family::Ip6, TableId::LOCAL, |r| {
                r.kind == RouteKind::Anycast && r.dst == router && on_dev(r)
            });
        }
    }

    /// Puts in what an interface brings on which IPv6 begins, up and with a carrier: the groups
    /// (`addrconf_add_mroute`).
    pub fn device_ready(&mut self, link: &Link) {
        let groups = Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0);
        if let Some(dst) = Prefix::new(groups.into(), 8)
            && !link.loopback
            && !link.conf.disable_ipv6
        {
            let route = kernel6(link, dst, RouteKind::Multicast, METRIC6_KERNEL);
            let _ = self.insert(TableId::LOCAL, route, Insert::Append);
        }
    }

    /// Puts in what an interface brings that was just set up: all that its addresses bring.
    pub fn device_up(&mut self, link: &Link) {
        self.retain(|_, route| {
            for way in &mut route.nexthops {
                way.dead &= way.dev.as_ref() != Some(&link.name);
            }
            true
        });
        for address in &link.addrs {
            self.address_added(link, address);
        }
    }

    /// Takes away what cannot be used without the interface: its routes, except those to the host's own IPv4
    /// addresses (`fib_sync_down_dev`, `rt6_sync_down_dev`). The kernel takes the interface's IPv6 addresses
    /// away too; that is the caller's to do.
    pub fn device_down(&mut self, link: &Link) {
        self.drop_ways(link, Family::Ip, false);
        self.drop_ways(link, Family::Ip6, true);
    }

    /// Takes away all routes of an interface that is no more.
    pub fn device_removed(&mut self, link: &Link) {
        self.retain(|_, r| !r.uses(&link.name));
    }

    fn drop_ways(&mut self, link: &Link, family: Family, own_too: bool) {
        self.retain(|_, route| {
            if route.dst.family() != family || (route.scope == Scope::HOST && !own_too) {
                return true;
            }
            for way in &mut route.nexthops {
                way.dead |= way.dev.as_ref() == Some(&link.name);
            }
            route.nexthops.is_empty() || !route.nexthops.iter().all(|n| n.dead)
        });
    }
}

fn same_route(a: &Route, b: &Route) -> bool {
    (a.dst, a.kind, a.scope, a.prefsrc, &a.nexthops) == (b.dst, b.kind, b.scope, b.prefsrc, &b.nexthops)
}

/// What an address on an interface brings.
fn derived(link: &Link, address: &Address) -> Vec<(TableId, Route)> {
    match address.local {
        IpAddr::V4(local) => derived4(link, address, local),
        IpAddr::V6(_) => derived6(link, address),
    }
}

fn derived4(link: &Link, address: &Address, local: Ipv4Addr) -> Vec<(TableId, Route)> {
    let Some(net) = address.network() else { return Vec::new() };
    let IpAddr::V4(base) = net.addr() else { return Vec::new() };
    let primary = if address.secondary {
        let first = |a: &&Address| !a.secondary && a.network() == Some(net);
        link.addrs.iter().find(first).map_or(address.local, |a| a.local)
    } else {
        address.local
    };
    let route = |dst, kind, metric| Route {
        kind,
        nexthops: vec![Nexthop::new(Some(link.name.clone()), None)],
        prefsrc: Some(primary),
        metric,
        scope: if kind == RouteKind::Local { Scope::HOST } else { Scope::LINK },
        proto: RouteProto::KERNEL,
        ..Route::new(dst)
    };
    let mut routes = vec![(TableId::LOCAL, route(Prefix::host(local.into()), RouteKind::Local, 0))];
    if !link.up {
        return routes;
    }
    let broadcast =
        |addr: Ipv4Addr| (TableId::LOCAL, route(Prefix::host(addr.into()), RouteKind::Broadcast, 0));
    if let Some(addr) = address.broadcast.filter(|a| !a.is_broadcast() && !a.is_unspecified()) {
        routes.push(broadcast(addr));
    }
    if !base.is_unspecified() && !address.secondary && (base != local || address.len < 32) {
        if !address.noprefixroute {
            let (table, kind) = if link.loopback {
                (TableId::LOCAL, RouteKind::Local)
            } else {
                (TableId::MAIN, RouteKind::Unicast)
            };
            routes.push((table, route(net, kind, address.metric)));
        }
        if address.len < 31 {
            let hosts = u32::MAX.checked_shr(address.len.into()).unwrap_or(0);
            let last = broadcast(Ipv4Addr::from(base.to_bits() | hosts));
            if !routes.contains(&last) {
                routes.push(last);
            }
        }
    }
    routes
}

fn kernel6(link: &Link, dst: Prefix, kind: RouteKind, metric: u32) -> Route {
    Route {
        kind,
        nexthops: vec![Nexthop::new(Some(link.name.clone()), None)],
        metric,
        proto: RouteProto::KERNEL,
        ..Route::new(dst)
    }
}

fn derived6(link: &Link, address: &Address) -> Vec<(TableId, Route)> {
    if link.conf.disable_ipv6 {
        return Vec::new();
    }
    let Some(net) = Prefix::new(address.local, address.len) else { return Vec::new() };
    let own = kernel6(link, Prefix::host(address.local), RouteKind::Local, 0);
    let mut routes = vec![(TableId::LOCAL, own)];
    if !link.up {
        return routes;
    }
    let metric = if address.metric == 0 { METRIC6_KERNEL } else { address.metric };
    let loopback = matches!(address.local, IpAddr::V6(a) if a.is_loopback());
    if !address.noprefixroute && !loopback {
        routes.push((TableId::MAIN, kernel6(link, net, RouteKind::Unicast, metric)));
    }
    if let Some(peer) = address.peer {
        routes.push((TableId::MAIN, kernel6(link, Prefix::host(peer), RouteKind::Unicast, metric)));
    }
    if link.conf.forwarding6 && address.len < 127 && !link.loopback {
        let router = kernel6(link, Prefix::host(net.addr()), RouteKind::Anycast, 0);
        routes.push((TableId::LOCAL, router));
    }
    routes
}
