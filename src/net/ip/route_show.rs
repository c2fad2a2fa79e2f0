//! `ip route show` and `flush`: which routes are meant, and how one is printed.

use super::args::{Args, Cidr, cidr, garbage, invalid, matches, name, no_device};
use super::print::Print;
use super::route_words::{dsfield, kind, proto, table};
use super::{Run, Stop, args};
use crate::abi::IfName;
use crate::net::fib::{Links, Metrics, Prefix, Route, RouteKind, RouteProto, Scope, TableId};
use crate::netfilter::Family;
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
    fn wants(&self, route: &Route) -> bool {
        let hops = &route.nexthops;
        let has_dev = |dev: &IfName| match hops.as_slice() {
            [one] => one.dev.as_ref() == Some(dev),
            // `ip` finds no device in a route of several ways.
            _ => false,
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
                filter.via = Some(whole(word, family)?);
            }
            "src" => {
                filter.src = Some(whole(args.value()?, run.family)?);
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

/// An address, which is read as a network.
fn whole(word: &str, family: Option<Family>) -> Result<IpAddr, Stop> {
    let net = cidr(word, family)?;
    match net.len {
        Some(len) if len < net.family().bits() => Err(Stop::unmodelled("networks of routers and sources")),
        _ => Ok(net.addr),
    }
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
    let mut out = run.print();
    for family in families(run, &filter) {
        if let Some(table) = filter.table
            && !run.host.fib.has_table(family, table)
        {
            let word = if family.is_v4() { "ipv4" } else { "ipv6" };
            let why = format!("Error: {word}: FIB table does not exist.\nDump terminated\n");
            // What was begun is not ended.
            run.out += &out.unfinished();
            return Err(Stop::said(2, why));
        }
        for (table, route) in meant(run, &filter, family) {
            line(run, table, route, &filter, &mut out);
        }
    }
    run.out += &out.finish();
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
pub(super) fn line(run: &Run<'_>, table: TableId, route: &Route, filter: &Filter, out: &mut Print) {
    let v6 = !route.dst.family().is_v4();
    out.open(None);
    if route.kind != RouteKind::Unicast || run.details {
        out.put("type", route.kind.to_string(), format_args!("{} ", route.kind));
    }
    let dst = network(&route.dst);
    out.put("dst", dst.as_str(), format_args!("{dst} "));
    if route.tos != 0 && filter.tos.is_none() {
        let tos = tos_name(route.tos);
        out.put("tos", tos.as_str(), format_args!("tos {tos} "));
    }
    let several = route.nexthops.len() > 1;
    let hop = route.nexthops.first().filter(|_| !several);
    if let Some(hop) = hop {
        if let Some(via) = hop.via.filter(|_| filter.via.is_none()) {
            router(via, v6, out);
        }
        if let Some(dev) = hop.dev.as_ref().filter(|_| filter.dev.is_none()) {
            out.put("dev", dev.as_str(), format_args!("dev {dev} "));
        }
    }
    if (table != TableId::MAIN || run.details) && filter.table.is_none() {
        out.put("table", table.to_string(), format_args!("table {table} "));
    }
    if filter.proto.is_none() && (route.proto != RouteProto::BOOT || run.details) {
        out.put("protocol", route.proto.to_string(), format_args!("proto {} ", route.proto));
    }
    let scope = if v6 { Scope::GLOBAL } else { route.scope };
    if filter.scope.is_none() && (scope != Scope::GLOBAL || run.details) {
        out.put("scope", scope.to_string(), format_args!("scope {scope} "));
    }
    if let Some(src) = route.prefsrc.filter(|_| filter.src.is_none()) {
        out.put("prefsrc", src.to_string(), format_args!("src {src} "));
    }
    // IPv6 routes always tell their metric.
    if filter.metric.is_none() && (route.metric != 0 || v6) {
        out.put("metric", route.metric, format_args!("metric {} ", route.metric));
    }
    flags(hop.map_or(Vec::new(), |hop| flags_of(run, route, hop)), out);
    metrics(&route.metrics, out);
    if v6 {
        out.put("pref", route.pref.to_string(), format_args!("pref {}", route.pref));
    }
    if several {
        out.open_list("nexthops");
        for hop in &route.nexthops {
            out.open(None);
            out.line();
            out.text("\tnexthop ");
            if let Some(via) = hop.via {
                router(via, v6, out);
            }
            if let Some(dev) = &hop.dev {
                out.put("dev", dev.as_str(), format_args!("dev {dev} "));
            }
            out.put("weight", u32::from(hop.weight), format_args!("weight {} ", hop.weight));
            flags(flags_of(run, route, hop), out);
            out.close();
        }
        out.close_list();
    }
    out.text('\n');
    out.close();
}

/// `via ADDR`; an IPv4 route's IPv6 router tells its family.
pub(super) fn router(via: IpAddr, v6: bool, out: &mut Print) {
    if via.is_ipv6() && !v6 {
        out.open(Some("via"));
        out.put("family", "inet6", "via inet6 ");
        out.put("host", via.to_string(), format_args!("{via} "));
        out.close();
    } else {
        out.put("gateway", via.to_string(), format_args!("via {via} "));
    }
}

/// What a route is measured by (`RTAX_*`).
pub(super) fn metrics(m: &Metrics, out: &mut Print) {
    let all = [
        ("mtu", m.mtu),
        ("window", m.window),
        ("advmss", m.advmss),
        ("hoplimit", m.hoplimit),
        ("initcwnd", m.initcwnd),
    ];
    if all.iter().all(|(_, value)| value.is_none()) {
        return;
    }
    out.open_list("metrics");
    out.open(None);
    for (key, value) in all {
        if let Some(value) = value {
            let lock = if key == "mtu" && m.mtu_lock { "lock " } else { "" };
            out.put(key, value, format_args!("{key} {lock}{value} "));
        }
    }
    out.close();
    out.close_list();
}

pub(super) fn flags(all: Vec<&'static str>, out: &mut Print) {
    out.open_list("flags");
    for flag in all {
        out.element(flag);
        out.text(format_args!("{flag} "));
    }
    out.close_list();
}

/// The flags of a way (`RTNH_F_*`).
fn flags_of(run: &Run<'_>, route: &Route, hop: &crate::net::fib::Nexthop) -> Vec<&'static str> {
    let link = hop.dev.as_ref().and_then(|d| run.host.devices.link(d));
    // Nobody looks for a carrier where the host itself is meant.
    let own = route.kind == RouteKind::Local || route.scope == Scope::HOST;
    let down = hop.dead || (!own && link.is_some_and(|l| l.up && !l.carrier));
    let all = [(hop.dead, "dead"), (hop.onlink, "onlink"), (down, "linkdown")];
    all.into_iter().filter(|(on, _)| *on).map(|(_, word)| word).collect()
}

/// A TOS: `0x10`.
pub(super) fn tos_name(tos: u8) -> String {
    format!("0x{tos:02x}")
}
