//! `ip route get`: where the kernel would send a packet, in its own form.

use super::args::{Args, bounded, cidr, incomplete, invalid, name, no_device};
use super::print::Print;
use super::route_show::{Filter, flags, line, metrics, router};
use super::route_words::dsfield;
use super::{Run, Stop};
use crate::abi::IfName;
use crate::net::fib::{Flow, Metrics, RouteKind, RouteProto, Routing, TableId};
use crate::packet::Proto;
use std::net::IpAddr;

/// What is asked for.
struct Asked {
    dst: IpAddr,
    src: Option<IpAddr>,
    iif: Option<IfName>,
    oif: Option<IfName>,
    mark: u32,
    tos: u8,
    uid: u32,
    proto: Proto,
    sport: u16,
    dport: u16,
    fibmatch: bool,
}

fn read(run: &Run<'_>, mut args: Args<'_>) -> Result<Asked, Stop> {
    let mut family = run.family;
    let mut asked = Asked {
        dst: IpAddr::from([0, 0, 0, 0]),
        src: None,
        iif: None,
        oif: None,
        mark: 0,
        tos: 0,
        uid: 0,
        proto: Proto::ALL,
        sport: 0,
        dport: 0,
        fibmatch: false,
    };
    let mut dst = None;
    let (mut iif, mut oif) = (None, None);
    while let Some(key) = args.next() {
        match key {
            "tos" | "dsfield" => {
                let word = args.value()?;
                asked.tos = dsfield(word).ok_or_else(|| invalid(word, "TOS value is invalid"))?;
            }
            "iif" => iif = Some(args.value()?),
            "oif" | "dev" => oif = Some(args.value()?),
            "from" => {
                let net = cidr(args.value()?, family)?;
                family.get_or_insert(net.family());
                asked.src = Some(net.addr);
            }
            "mark" => {
                asked.mark = bounded(args.value()?, u32::MAX.into(), "\"mark\" value is invalid")? as u32
            }
            "uid" => asked.uid = bounded(args.value()?, u32::MAX.into(), "invalid UID")? as u32,
            "ipproto" => {
                let word = args.value()?;
                let by_name = Proto::by_name(word);
                let proto = by_name.or(word.parse().ok().map(Proto));
                asked.proto = proto.ok_or_else(|| invalid(word, "Invalid \"ipproto\" value"))?;
            }
            "sport" => asked.sport = bounded(args.value()?, u16::MAX.into(), "invalid \"sport\"")? as u16,
            "dport" => asked.dport = bounded(args.value()?, u16::MAX.into(), "invalid \"dport\"")? as u16,
            "fibmatch" => asked.fibmatch = true,
            "notify" | "connected" | "vrf" => return Err(Stop::unmodelled(format!("`route get {key}`"))),
            _ => {
                let word = if key == "to" { args.next().ok_or_else(incomplete)? } else { key };
                let net = cidr(word, family)?;
                family.get_or_insert(net.family());
                dst = Some(net.addr);
            }
        }
    }
    asked.dst = dst.ok_or_else(|| Stop::said(1, "need at least a destination address\n"))?;
    let known =
        |word: &str| name(word).filter(|n| run.host.devices.get(n).is_some()).ok_or_else(|| no_device(word));
    asked.iif = iif.map(known).transpose()?;
    asked.oif = oif.map(known).transpose()?;
    Ok(asked)
}

pub(super) fn get(run: &mut Run<'_>, args: Args<'_>) -> Result<(), Stop> {
    let asked = read(run, args)?;
    let flow = Flow {
        src: asked.src,
        iif: asked.iif.as_ref(),
        oif: asked.oif.as_ref(),
        mark: asked.mark,
        tos: asked.tos,
        uid: asked.uid,
        proto: asked.proto,
        sport: asked.sport,
        dport: asked.dport,
        ..Flow::to(asked.dst)
    };
    let host = &run.host;
    let routed = if asked.iif.is_some() {
        host.fib.route_input(&host.devices, &flow)
    } else {
        host.fib.route_output(&host.devices, &flow)
    };
    let routing = routed.map_err(|e| Stop::answers(e.message()))?;
    let mut out = run.print();
    match asked.dst {
        _ if asked.fibmatch => {
            let pick = routing.route.ok_or_else(|| Stop::answers("Network is unreachable"))?;
            line(run, pick.table, pick.route, &Filter::default(), &mut out);
        }
        IpAddr::V4(_) => answer4(run, &asked, &routing, &mut out),
        IpAddr::V6(_) => answer6(run, &asked, &routing, &mut out),
    }
    run.out += &out.finish();
    Ok(())
}

/// The answer's line and its `cache` line (`rt_fill_info`).
fn answer4(run: &Run<'_>, asked: &Asked, routing: &Routing<'_>, out: &mut Print) {
    out.open(None);
    let table = routing.route.map_or(TableId::MAIN, |r| r.table);
    if routing.kind != RouteKind::Unicast || run.details {
        out.put("type", routing.kind.to_string(), format_args!("{} ", routing.kind));
    }
    out.put("dst", asked.dst.to_string(), format_args!("{} ", asked.dst));
    if let Some(src) = asked.src {
        out.put("from", src.to_string(), format_args!("from {src} "));
    }
    if let Some(via) = routing.gateway {
        router(via, false, out);
    }
    out.put("dev", routing.dev.as_str(), format_args!("dev {} ", routing.dev));
    let merged = run.host.fib.is_merged() && table == TableId::LOCAL;
    if (table != TableId::MAIN && !merged) || run.details {
        let table = if merged { TableId::MAIN } else { table };
        out.put("table", table.to_string(), format_args!("table {table} "));
    }
    if let Some(src) = routing.src.filter(|s| asked.iif.is_none() && Some(*s) != asked.src) {
        out.put("prefsrc", src.to_string(), format_args!("src {src} "));
    }
    // The kernel's flag of a multicast destination is the one that `ip` takes for this.
    let multicast = routing.kind == RouteKind::Multicast;
    flags(if multicast { vec!["rt_offload_failed"] } else { Vec::new() }, out);
    match asked.mark {
        0 => {}
        mark if mark >= 16 => out.put("mark", format!("0x{mark:x}"), format_args!("mark 0x{mark:x} ")),
        mark => out.put("mark", mark, format_args!("mark {mark} ")),
    }
    if asked.iif.is_none() || asked.uid != 0 {
        out.put("uid", asked.uid, format_args!("uid {} ", asked.uid));
    }
    out.line();
    out.text("    cache ");
    let all_hosts = asked.dst == IpAddr::from([224, 0, 0, 1]);
    let marks: &[&str] = match routing.kind {
        RouteKind::Local => &["local"],
        RouteKind::Broadcast if asked.iif.is_some() => &["brd", "local"],
        RouteKind::Broadcast => &["local", "brd"],
        RouteKind::Multicast if all_hosts => &["local", "mc"],
        RouteKind::Multicast => &["mc"],
        _ => &[],
    };
    out.open_list("cache");
    marks.iter().for_each(|mark| out.element(mark));
    out.close_list();
    if !marks.is_empty() {
        out.text(format_args!("<{}> ", marks.join(",")));
    }
    let own = routing.route.map(|r| r.route.metrics).unwrap_or_default();
    metrics(&Metrics { mtu: routing.mtu, ..own }, out);
    if let Some(iif) = &asked.iif {
        out.put("iif", iif.as_str(), format_args!("iif {iif} "));
    }
    out.text('\n');
    out.close();
}

/// The answer for IPv6, which is the route itself with the destination put in (`rt6_fill_node`).
fn answer6(run: &Run<'_>, asked: &Asked, routing: &Routing<'_>, out: &mut Print) {
    let Some(pick) = routing.route else { return };
    let route = pick.route;
    out.open(None);
    if route.kind != RouteKind::Unicast || run.details {
        out.put("type", route.kind.to_string(), format_args!("{} ", route.kind));
    }
    out.put("dst", asked.dst.to_string(), format_args!("{} ", asked.dst));
    let from = asked.src.unwrap_or(IpAddr::from([0_u16; 8]));
    out.put("from", from.to_string(), format_args!("from {from} "));
    if let Some(via) = routing.gateway {
        router(via, true, out);
    }
    out.put("dev", routing.dev.as_str(), format_args!("dev {} ", routing.dev));
    if pick.table != TableId::MAIN || run.details {
        out.put("table", pick.table.to_string(), format_args!("table {} ", pick.table));
    }
    if route.proto != RouteProto::BOOT || run.details {
        out.put("protocol", route.proto.to_string(), format_args!("proto {} ", route.proto));
    }
    if run.details {
        out.put("scope", "global", "scope global ");
    }
    if let Some(src) = routing.src.filter(|_| asked.iif.is_none()) {
        out.put("prefsrc", src.to_string(), format_args!("src {src} "));
    }
    out.put("metric", route.metric, format_args!("metric {} ", route.metric));
    flags(Vec::new(), out);
    if let Some(iif) = &asked.iif {
        out.put("iif", iif.as_str(), format_args!("iif {iif} "));
    }
    metrics(&Metrics { mtu: route.metrics.mtu, ..Metrics::default() }, out);
    out.put("pref", route.pref.to_string(), format_args!("pref {}", route.pref));
    out.text('\n');
    out.close();
}
