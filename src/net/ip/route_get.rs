//! `ip route get`: where the kernel would send a packet, in its own form.

use super::args::{Args, bounded, cidr, incomplete, invalid, name, no_device};
use super::route_show::{Filter, line};
use super::route_words::dsfield;
use super::{Run, Stop};
use crate::abi::IfName;
use crate::net::fib::{Flow, RouteKind, Routing, TableId};
use crate::packet::Proto;
use std::fmt::Write as _;
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
    let text = match asked.dst {
        _ if asked.fibmatch => {
            let pick = routing.route.ok_or_else(|| Stop::answers("Network is unreachable"))?;
            let filter = Filter::of(pick.table);
            line(run, pick.table, pick.route, &filter)
        }
        IpAddr::V4(_) => text4(run, &asked, &routing),
        IpAddr::V6(_) => text6(run, &asked, &routing),
    };
    run.out += &text;
    Ok(())
}

/// The answer's line and its `cache` line (`rt_fill_info`).
fn text4(run: &Run<'_>, asked: &Asked, routing: &Routing<'_>) -> String {
    let mut out = String::new();
    let table = routing.route.map_or(TableId::MAIN, |r| r.table);
    if routing.kind != RouteKind::Unicast || run.details {
        let _ = write!(out, "{} ", routing.kind);
    }
    let _ = write!(out, "{} ", asked.dst);
    if let Some(src) = asked.src {
        let _ = write!(out, "from {src} ");
    }
    if let Some(via) = routing.gateway {
        let inet6 = if via.is_ipv6() { "inet6 " } else { "" };
        let _ = write!(out, "via {inet6}{via} ");
    }
    let _ = write!(out, "dev {} ", routing.dev);
    let merged = run.host.fib.is_merged() && table == TableId::LOCAL;
    if (table != TableId::MAIN && !merged) || run.details {
        let _ = write!(out, "table {table} ");
    }
    if let Some(src) = routing.src.filter(|s| asked.iif.is_none() && Some(*s) != asked.src) {
        let _ = write!(out, "src {src} ");
    }
    if routing.kind == RouteKind::Multicast {
        // The kernel's flag of a multicast destination is the one that `ip` takes for this.
        out += "rt_offload_failed ";
    }
    match asked.mark {
        0 => {}
        mark if mark >= 16 => {
            let _ = write!(out, "mark 0x{mark:x} ");
        }
        mark => {
            let _ = write!(out, "mark {mark} ");
        }
    }
    if asked.iif.is_none() || asked.uid != 0 {
        let _ = write!(out, "uid {} ", asked.uid);
    }
    out += run.line_break();
    out += "    cache ";
    let all_hosts = asked.dst == IpAddr::from([224, 0, 0, 1]);
    let marks: &[&str] = match routing.kind {
        RouteKind::Local => &["local"],
        RouteKind::Broadcast if asked.iif.is_some() => &["brd", "local"],
        RouteKind::Broadcast => &["local", "brd"],
        RouteKind::Multicast if all_hosts => &["local", "mc"],
        RouteKind::Multicast => &["mc"],
        _ => &[],
    };
    if !marks.is_empty() {
        let _ = write!(out, "<{}> ", marks.join(","));
    }
    if let Some(mtu) = routing.mtu {
        let _ = write!(out, "mtu {mtu} ");
    }
    if let Some(iif) = &asked.iif {
        let _ = write!(out, "iif {iif} ");
    }
    out.push('\n');
    out
}

/// The answer for IPv6, which is the route itself with the destination put in (`rt6_fill_node`).
fn text6(run: &Run<'_>, asked: &Asked, routing: &Routing<'_>) -> String {
    let mut out = String::new();
    let Some(pick) = routing.route else { return out };
    let route = pick.route;
    if route.kind != RouteKind::Unicast || run.details {
        let _ = write!(out, "{} ", route.kind);
    }
    let from = asked.src.unwrap_or(IpAddr::from([0_u16; 8]));
    let _ = write!(out, "{} from {from} ", asked.dst);
    if let Some(via) = routing.gateway {
        let _ = write!(out, "via {via} ");
    }
    let _ = write!(out, "dev {} ", routing.dev);
    if pick.table != TableId::MAIN {
        let _ = write!(out, "table {} ", pick.table);
    }
    if route.proto != crate::net::fib::RouteProto::BOOT || run.details {
        let _ = write!(out, "proto {} ", route.proto);
    }
    if let Some(src) = routing.src.filter(|_| asked.iif.is_none()) {
        let _ = write!(out, "src {src} ");
    }
    let _ = write!(out, "metric {} ", route.metric);
    if let Some(iif) = &asked.iif {
        let _ = write!(out, "iif {iif} ");
    }
    if let Some(mtu) = route.metrics.mtu {
        let _ = write!(out, "mtu {mtu} ");
    }
    let _ = writeln!(out, "pref {}", route.pref);
    out
}
