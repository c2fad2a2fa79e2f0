//! `ip route show` and `flush`: which routes are meant, and how one is printed.

use super::args::{Args, Cidr, cidr, garbage, invalid, matches, name, no_device};
use super::route_words::{dsfield, kind, proto, table};
use super::{Run, Stop, args};
use crate::abi::IfName;
use crate::net::fib::{Links, Prefix, Route, RouteKind, RouteProto, Scope, TableId};
use crate::netfilter::Family;
use std::fmt::Write as _;
use std::net::IpAddr;

/// Which routes are meant, and so which of their parts need not be printed.
#[derive(Default)]
pub(super) struct Filter {
    /// `None`: all tables.
    table: Option<TableId>,
    dev: Option<IfName>,
    via: Option<IpAddr>,
    src: Option<IpAddr>,
    proto: Option<RouteProto>,
    scope: Option<Scope>,
    kind: Option<RouteKind>,
    tos: Option<u8>,
    metric: Option<u32>,
    /// `root NET`: networks inside it.
    root: Option<Cidr>,
    /// `match NET`: networks around it.
    around: Option<Cidr>,
    /// A network alone.
    exact: Option<Cidr>,
    /// `cache`: the exceptions, not the routes.
    cache: bool,
}

impl Filter {
    /// Prints a route of this table whole, but for the table.
    pub fn of(table: TableId) -> Filter {
        Filter { table: Some(table), ..Filter::default() }
    }

    fn wants(&self, route: &Route) -> bool {
        let hops = &route.nexthops;
        let has_dev = |dev: &IfName| match hops.as_slice() {
            [one] => one.dev.as_ref() == Some(dev),
            // Only the first of several ways is looked at by the kernel for IPv4; here by any of them.
            many => many.iter().any(|n| n.dev.as_ref() == Some(dev)),
        };
        let inside = |outer: Prefix, inner: Prefix| {
            outer.family() == inner.family()
                && outer.length() <= inner.length()
                && outer.contains(inner.addr())
        };
        self.dev.as_ref().is_none_or(has_dev)
            && self.via.is_none_or(|via| hops.first().is_some_and(|n| hops.len() == 1 && n.via == Some(via)))
            && self.src.is_none_or(|src| route.prefsrc == Some(src))
            && self.proto.is_none_or(|p| route.proto == p)
            && self.scope.is_none_or(|s| route.scope == s)
            && self.kind.is_none_or(|k| route.kind == k)
            && self.tos.is_none_or(|tos| route.tos == tos)
            && self.metric.is_none_or(|m| route.metric == m)
            && self.root.is_none_or(|net| inside(net.prefix(), route.dst))
            && self.around.is_none_or(|net| inside(route.dst, net.prefix()))
            && self.exact.is_none_or(|net| route.dst == net.prefix())
    }
}

/// Reads a selector; the family may be told by an address in it.
fn read(run: &mut Run<'_>, mut args: Args<'_>) -> Result<Filter, Stop> {
    let mut filter = Filter { table: Some(TableId::MAIN), ..Filter::default() };
    let mut dev = None;
    while let Some(key) = args.next() {
        match key {
            _ if matches(key, "table") => {
                let word = args.value()?;
                match word {
                    "all" => filter.table = None,
                    "cache" => filter.cache = true,
                    _ => {
                        let id = table(word).map_err(|_| invalid(word, "table id value is invalid"))?;
                        filter.table = (id != TableId::UNSPEC).then_some(id);
                    }
                }
            }
            "cached" | "cloned" => filter.cache = true,
            "tos" | "dsfield" => {
                let word = args.value()?;
                filter.tos = Some(dsfield(word).ok_or_else(|| invalid(word, "TOS value is invalid"))?);
            }
            "protocol" | "proto" => {
                let word = args.value()?;
                filter.proto = if word == "all" {
                    None
                } else {
                    Some(proto(word).map_err(|_| invalid(word, "invalid \"protocol\""))?)
                };
            }
            "scope" => {
                let word = args.value()?;
                filter.scope = if word == "all" {
                    None
                } else {
                    Some(Scope::parse(word).ok_or_else(|| invalid(word, "invalid \"scope\""))?)
                };
            }
            "type" => {
                let word = args.value()?;
                filter.kind = Some(kind(word).ok_or_else(|| invalid(word, "node type value is invalid"))?);
            }
            "dev" | "oif" | "iif" => dev = Some(args.value()?),
            "via" => {
                let word = args.value()?;
                let family = match word {
                    "inet" => Some(Family::Ip),
                    "inet6" => Some(Family::Ip6),
                    _ => run.family,
                };
                let word = if matches!(word, "inet" | "inet6") { args.value()? } else { word };
                filter.via = Some(args::address(word, family)?);
            }
            "src" => {
                let addr = args::address(args.value()?, run.family)?;
                filter.src = Some(addr);
            }
            "metric" | "priority" | "preference" => {
                let word = args.value()?;
                let read = args::bounded(word, u32::MAX.into(), "\"metric\" value is invalid")?;
                filter.metric = Some(read as u32);
            }
            "from" | "realms" | "realm" | "vrf" | "nhid" | "mark" => {
                return Err(Stop::unmodelled(format!("`{key}` of a selection of routes")));
            }
            _ => {
                let (mode, word) = match key {
                    "to" => {
                        let next = args.value()?;
                        match next {
                            "root" | "match" | "exact" => (next, args.value()?),
                            _ => ("", next),
                        }
                    }
                    "root" | "match" | "exact" => (key, args.value()?),
                    _ => ("", key),
                };
                if filter.exact.is_some() && mode.is_empty() {
                    return Err(garbage("to", word));
                }
                let net = cidr(word, run.family)?;
                if !matches!(word, "default" | "any" | "all") {
                    run.family.get_or_insert(net.family());
                }
                match mode {
                    "root" => filter.root = Some(net),
                    "match" => filter.around = Some(net),
                    _ => filter.exact = Some(net),
                }
            }
        }
    }
    if let Some(word) = dev {
        let known = name(word).filter(|n| run.host.devices.get(n).is_some());
        filter.dev = Some(known.ok_or_else(|| no_device(word))?);
    }
    Ok(filter)
}

/// The families that are listed: with no table asked for, both; else IPv4 unless another was said.
fn families(run: &Run<'_>, filter: &Filter) -> Vec<Family> {
    match (run.family, filter.table) {
        (Some(family), _) => vec![family],
        (None, Some(_)) => vec![Family::Ip],
        (None, None) => vec![Family::Ip, Family::Ip6],
    }
}

/// The routes that are meant, in the order in which the kernel gives them out.
fn meant<'a>(run: &'a Run<'_>, filter: &Filter, family: Family) -> Vec<(TableId, &'a Route)> {
    let fib = &run.host.fib;
    let tables = match filter.table {
        Some(table) => vec![table],
        None => {
            let mut all: Vec<TableId> = fib.tables(family).map(|(id, _)| id).collect();
            // Tables hang in 256 chains, a later one before an earlier one.
            all.sort_by_key(|t| (t.0 & 255, std::cmp::Reverse(t.0)));
            all
        }
    };
    let routes = |table: TableId| fib.listed(family, table).into_iter().map(move |r| (table, r));
    tables.into_iter().flat_map(routes).filter(|(_, r)| filter.wants(r)).collect()
}

pub(super) fn show(run: &mut Run<'_>, args: Args<'_>) -> Result<(), Stop> {
    let filter = read(run, args)?;
    if filter.cache {
        return Ok(());
    }
    let mut text = String::new();
    for family in families(run, &filter) {
        if let Some(table) = filter.table
            && !run.host.fib.has_table(family, table)
        {
            let word = if family.is_v4() { "ipv4" } else { "ipv6" };
            let why = format!("Error: {word}: FIB table does not exist.\nDump terminated\n");
            return Err(Stop::said(2, why));
        }
        for (table, route) in meant(run, &filter, family) {
            text += &line(run, table, route, &filter);
        }
    }
    run.out += &text;
    Ok(())
}

pub(super) fn flush(run: &mut Run<'_>, args: Args<'_>) -> Result<(), Stop> {
    if args.peek().is_none() {
        return Err(Stop::said(1, "\"ip route flush\" requires arguments.\n"));
    }
    let filter = read(run, args)?;
    if filter.cache {
        run.host.exceptions = Default::default();
        return Ok(());
    }
    for family in families(run, &filter) {
        if let Some(table) = filter.table
            && !run.host.fib.has_table(family, table)
        {
            let word = if family.is_v4() { "ipv4" } else { "ipv6" };
            let why = format!("Error: {word}: FIB table does not exist.\nFlush terminated\n");
            return Err(Stop::said(2, why));
        }
        let gone: Vec<(TableId, Route)> =
            meant(run, &filter, family).into_iter().map(|(t, r)| (t, r.clone())).collect();
        run.host.fib.retain(|t, r| !gone.iter().any(|(table, route)| *table == t && route == r));
    }
    Ok(())
}

/// A network as `ip` prints it: `default`, or without its length where that is the whole address.
pub(super) fn network(net: &Prefix) -> String {
    match net {
        _ if net.is_all() => "default".into(),
        _ if net.is_host() => net.addr().to_string(),
        _ => net.to_string(),
    }
}

/// One route, its line or lines ended.
pub(super) fn line(run: &Run<'_>, table: TableId, route: &Route, filter: &Filter) -> String {
    let v6 = !route.dst.family().is_v4();
    let mut out = String::new();
    if route.kind != RouteKind::Unicast || run.details {
        out += &format!("{} ", route.kind);
    }
    out += &format!("{} ", network(&route.dst));
    if route.tos != 0 && filter.tos.is_none() {
        let _ = write!(out, "tos {} ", tos_name(route.tos));
    }
    let several = route.nexthops.len() > 1;
    let hop = route.nexthops.first().filter(|_| !several);
    if let Some(hop) = hop {
        if let Some(via) = hop.via.filter(|_| filter.via.is_none()) {
            out += &router(via, v6);
        }
        if let Some(dev) = hop.dev.as_ref().filter(|_| filter.dev.is_none()) {
            let _ = write!(out, "dev {dev} ");
        }
    }
    if table != TableId::MAIN && filter.table.is_none() {
        let _ = write!(out, "table {table} ");
    }
    if filter.proto.is_none() && (route.proto != RouteProto::BOOT || run.details) {
        let _ = write!(out, "proto {} ", route.proto);
    }
    if !v6 && filter.scope.is_none() && (route.scope != Scope::GLOBAL || run.details) {
        let _ = write!(out, "scope {} ", route.scope);
    }
    if v6 && run.details {
        let _ = write!(out, "scope global ");
    }
    if let Some(src) = route.prefsrc.filter(|_| filter.src.is_none()) {
        let _ = write!(out, "src {src} ");
    }
    // IPv6 routes always tell their metric.
    if filter.metric.is_none() && (route.metric != 0 || v6) {
        let _ = write!(out, "metric {} ", route.metric);
    }
    if let Some(hop) = hop {
        out += &flags(run, route, hop);
    }
    let m = &route.metrics;
    let lock = if m.mtu_lock { "lock " } else { "" };
    for (key, lock, value) in [
        ("mtu", lock, m.mtu),
        ("window", "", m.window),
        ("advmss", "", m.advmss),
        ("hoplimit", "", m.hoplimit),
        ("initcwnd", "", m.initcwnd),
    ] {
        if let Some(value) = value {
            let _ = write!(out, "{key} {lock}{value} ");
        }
    }
    if v6 {
        let _ = write!(out, "pref {}", route.pref);
    }
    if several {
        for hop in &route.nexthops {
            if let Some(dev) = &filter.dev
                && hop.dev.as_ref() != Some(dev)
            {
                continue;
            }
            out += if run.oneline { "\\\tnexthop " } else { "\n\tnexthop " };
            if let Some(via) = hop.via {
                out += &router(via, v6);
            }
            if let Some(dev) = &hop.dev {
                let _ = write!(out, "dev {dev} ");
            }
            let _ = write!(out, "weight {} ", hop.weight);
            out += &flags(run, route, hop);
        }
    }
    out.push('\n');
    out
}

/// `via ADDR`; an IPv4 route's IPv6 router tells its family.
fn router(via: IpAddr, v6: bool) -> String {
    if via.is_ipv6() && !v6 { format!("via inet6 {via} ") } else { format!("via {via} ") }
}

/// The flags of a way (`RTNH_F_*`).
fn flags(run: &Run<'_>, route: &Route, hop: &crate::net::fib::Nexthop) -> String {
    let link = hop.dev.as_ref().and_then(|d| run.host.devices.link(d));
    let mut out = String::new();
    if hop.dead {
        out += "dead ";
    }
    if hop.onlink {
        out += "onlink ";
    }
    // Nobody looks for a carrier where the host itself is meant.
    let own = route.kind == RouteKind::Local || route.scope == Scope::HOST;
    if hop.dead || (!own && link.is_some_and(|l| l.up && !l.carrier)) {
        out += "linkdown ";
    }
    out
}

/// A TOS: `0x10`.
pub(super) fn tos_name(tos: u8) -> String {
    format!("0x{tos:02x}")
}
