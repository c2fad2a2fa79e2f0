//! The program `bridge` of iproute2 6.1 (bridge(8)): what it shows of ports, of hardware addresses and of VLANs.
//!
//! What is behind a port in the order of hardware addresses, where Linux has the newest first; the times since which
//! an address is used are not told (`-s`). Bridges are those of a kernel without VLANs on bridges
//! (`CONFIG_BRIDGE_VLAN_FILTERING`): no port has a VLAN.

use super::args::{Args, find, matches, name, wrong};
use super::link_show::{flags, full_name};
use super::{Output, Run, Stop, Unmodelled, bridge_port, end};
use crate::abi::{IfName, Mac};
use crate::net::{Conf, Device, DeviceKind, Host, NoNames, solicited_node};
use crate::netfilter::Family;
use std::net::IpAddr;

const USAGE: &str = "Usage: bridge [ OPTIONS ] OBJECT { COMMAND | help }
       bridge [ -force ] -batch filename
where  OBJECT := { link | fdb | mdb | vlan | monitor }
       OPTIONS := { -V[ersion] | -s[tatistics] | -d[etails] |
                    -o[neline] | -t[imestamp] | -n[etns] name |
                    -c[ompressvlans] -color -p[retty] -j[son] }
";

/// Runs `bridge` with these words after its name.
///
/// Errors: a part of the program that the model does not have.
pub fn bridge(argv: &[impl AsRef<str>], host: &mut Host) -> Result<Output, Unmodelled> {
    let words: Vec<String> = argv.iter().map(|w| w.as_ref().to_owned()).collect();
    let mut run = Run::on(host, &NoNames);
    let ended = start(&mut run, &words);
    end(run.out, run.err, ended)
}

fn start(run: &mut Run<'_>, words: &[String]) -> Result<(), Stop> {
    let mut args = Args::new(words);
    while let Some(word) = args.peek().filter(|w| w.starts_with('-')) {
        args.next();
        let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-')).unwrap_or(word);
        let is = |full: &str| !name.is_empty() && matches(name, full);
        match name {
            _ if is("Version") => {
                run.out = "bridge utility, 6.1.0\n".into();
                return Ok(());
            }
            _ if is("details") => run.details = true,
            _ if is("oneline") => run.oneline = true,
            // Nobody prints to a terminal here.
            "color=never" | "color=auto" => {}
            // No port has VLANs to be drawn together.
            _ if name.starts_with("com") && is("compressvlans") => {}
            _ if is("json") => run.json = true,
            _ if is("pretty") => run.pretty = true,
            _ => return Err(Stop::unmodelled(format!("`bridge {word}`"))),
        }
    }
    let Some(object) = args.next() else { return Err(Stop::said(255, USAGE)) };
    match object {
        _ if matches(object, "link") => command(run, args, "link", link),
        _ if matches(object, "fdb") => command(run, args, "fdb", fdb),
        _ if matches(object, "vlan") => command(run, args, "vlan", vlan),
        _ if ["mdb", "monitor", "vni", "help"].iter().any(|o| matches(object, o)) => {
            Err(Stop::unmodelled(format!("`bridge {object}`")))
        }
        _ => Err(Stop::said(255, format!("Object \"{object}\" is unknown, try \"bridge help\".\n"))),
    }
}

type Show = fn(&mut Run<'_>, Args<'_>) -> Result<(), Stop>;

/// Shows, unless another command is given.
fn command(run: &mut Run<'_>, mut args: Args<'_>, object: &str, show: Show) -> Result<(), Stop> {
    let Some(word) = args.next() else { return show(run, args) };
    let all = [
        ("add", false),
        ("append", false),
        ("replace", false),
        ("delete", false),
        ("set", false),
        ("get", false),
        ("flush", false),
        ("show", true),
        ("lst", true),
        ("list", true),
        ("tunnelshow", false),
        ("global", false),
        ("help", false),
    ];
    match find(word, &all) {
        Some(true) => show(run, args),
        Some(false) => Err(Stop::unmodelled(format!("`bridge {object} {word}`"))),
        None => {
            let why = format!("Command \"{word}\" is unknown, try \"bridge {object} help\".\n");
            Err(Stop::said(255, why))
        }
    }
}

fn known(run: &Run<'_>, word: &str) -> Result<IfName, Stop> {
    let gone = || Stop::said(255, format!("Cannot find device \"{word}\"\n"));
    name(word).filter(|n| run.host.devices.get(n).is_some()).ok_or_else(gone)
}

fn link(run: &mut Run<'_>, mut args: Args<'_>) -> Result<(), Stop> {
    let (mut dev, mut master) = (None, None);
    while let Some(key) = args.next() {
        match key {
            "dev" => dev = Some(known(run, args.value()?)?),
            "master" => master = Some(known(run, args.value()?)?),
            _ => return Err(Stop::unmodelled(format!("`{key}` of `bridge link show`"))),
        }
    }
    let mut out = run.print();
    for d in run.host.devices.by_index() {
        let Some(bridge) = d.master.as_ref() else { continue };
        if dev.as_ref().is_some_and(|dev| *dev != d.link.name) || master.as_ref().is_some_and(|m| m != bridge)
        {
            continue;
        }
        out.open(None);
        out.put("ifindex", d.link.index, format_args!("{}: ", d.link.index));
        let full = full_name(d, &mut out);
        out.text(format_args!("{full}: "));
        flags(run, d, &mut out);
        out.put("mtu", d.link.mtu, format_args!("mtu {} ", d.link.mtu));
        out.put("master", bridge.as_str(), format_args!("master {bridge} "));
        bridge_port::short(run, d, &mut out);
        if run.details {
            out.line();
            out.text("    ");
            bridge_port::switches(d, &mut out);
        }
        out.text('\n');
        out.close();
    }
    run.out += &out.finish();
    Ok(())
}

fn vlan(run: &mut Run<'_>, mut args: Args<'_>) -> Result<(), Stop> {
    while let Some(key) = args.next() {
        match key {
            "dev" => drop(known(run, args.value()?)?),
            _ => return Err(Stop::unmodelled(format!("`{key}` of `bridge vlan show`"))),
        }
    }
    if run.details && run.json {
        return Err(Stop::unmodelled("`bridge -d -j vlan`"));
    }
    if run.details {
        run.out += "port              vlan-id  \n";
        return Err(Stop::said(1, "RTNETLINK answers: Operation not supported\nDump terminated\n"));
    }
    let mut out = run.print();
    out.text("port              vlan-id  \n");
    run.out += &out.finish();
    Ok(())
}

/// One line of the list.
struct Entry<'a> {
    mac: Mac,
    dev: &'a Device,
    /// Where a bridge knows it, not the device itself.
    master: Option<&'a IfName>,
    /// It does not go by itself.
    permanent: bool,
}

fn fdb(run: &mut Run<'_>, mut args: Args<'_>) -> Result<(), Stop> {
    let (mut dev, mut bridge, mut permanent) = (None, None, None);
    while let Some(key) = args.next() {
        match key {
            "dev" | "brport" => dev = Some(known(run, args.value()?)?),
            "br" => {
                let word = args.value()?;
                let gone = || Stop::said(255, format!("Cannot find bridge device \"{word}\"\n"));
                bridge = Some(known(run, word).map_err(|_| gone())?);
            }
            "dynamic" => permanent = Some(false),
            "state" => {
                permanent = match args.value()? {
                    "all" => None,
                    "permanent" => Some(true),
                    "dynamic" => Some(false),
                    word @ ("static" | "stale" | "reachable") => {
                        return Err(Stop::unmodelled(format!("`state {word}` of `bridge fdb show`")));
                    }
                    word => return Err(wrong(word, "invalid state")),
                }
            }
            _ => return Err(Stop::unmodelled(format!("`{key}` of `bridge fdb show`"))),
        }
    }
    let mut out = run.print();
    let of = |e: &Entry<'_>| {
        dev.as_ref().is_none_or(|dev| *dev == e.dev.link.name)
            && bridge.as_ref().is_none_or(|b| *b == e.dev.link.name || e.dev.master.as_ref() == Some(b))
            && permanent.is_none_or(|p| p == e.permanent)
    };
    for entry in entries(run.host).iter().filter(|e| of(e)) {
        let Entry { mac, dev: device, master, permanent } = entry;
        out.open(None);
        out.put("mac", mac.to_string(), format_args!("{mac} "));
        if dev.is_none() {
            out.put("ifname", device.link.name.as_str(), format_args!("dev {} ", device.link.name));
        }
        out.open_list("flags");
        if master.is_none() {
            out.element("self");
            out.text("self ");
        }
        out.close_list();
        if let Some(master) = master {
            out.put("master", master.as_str(), format_args!("master {master} "));
        }
        let state = if *permanent { "permanent" } else { "" };
        out.put("state", state, state);
        out.text('\n');
        out.close();
    }
    run.out += &out.finish();
    Ok(())
}

/// What all devices and bridges know, device by device (`rtnl_fdb_dump`).
fn entries(host: &Host) -> Vec<Entry<'_>> {
    let mut all = Vec::new();
    for dev in host.devices.by_index().into_iter().filter(|d| !d.link.loopback) {
        let own = |mac| Entry { mac, dev, master: None, permanent: true };
        if let Some((master, DeviceKind::Bridge(bridge))) =
            dev.master.as_ref().and_then(|m| Some((m, &host.devices.get(m)?.kind)))
        {
            let behind = bridge.learned.iter().filter(|(_, port)| **port == dev.link.name);
            all.extend(behind.map(|(mac, _)| Entry {
                mac: *mac,
                dev,
                master: Some(master),
                permanent: false,
            }));
            all.push(Entry { mac: dev.mac, dev, master: Some(master), permanent: true });
        }
        all.extend(taken(host, dev).into_iter().map(own));
        if let DeviceKind::Bridge(bridge) = &dev.kind {
            // An address that is a port's as well is known as the port's.
            let ports = || bridge.ports.iter().filter_map(|p| host.devices.get(p));
            if dev.mac != Mac::ZERO && !ports().any(|p| p.mac == dev.mac) {
                all.push(Entry { mac: dev.mac, dev, master: Some(&dev.link.name), permanent: true });
            }
        }
    }
    all
}

/// The addresses that a device takes beside its own: first those of devices that stand on it, then its groups and
/// theirs (`dev->uc`, `dev->mc`).
fn taken(host: &Host, dev: &Device) -> Vec<Mac> {
    let above: Vec<&Device> = host
        .devices
        .by_index()
        .into_iter()
        .filter(|d| d.link.up)
        .filter(|d| match &d.kind {
            DeviceKind::Macvlan { lower, .. } | DeviceKind::Vlan { lower, .. } => *lower == dev.link.name,
            _ => false,
        })
        .collect();
    let mut all: Vec<Mac> = above.iter().map(|d| d.mac).filter(|mac| *mac != dev.mac).collect();
    let devices = || std::iter::once(&dev).chain(&above);
    // Who forwards joined the routers' groups last.
    let all_groups = devices().flat_map(|d| groups(d)).chain(devices().flat_map(|d| routers(host, d)));
    for group in all_groups {
        if !all.contains(&group) {
            all.push(group);
        }
    }
    all
}

/// The groups of a device on which IPv6 is forwarded: all routers, and those by which its networks' routers are asked
/// for (`addrconf_join_anycast`).
fn routers(host: &Host, dev: &Device) -> Vec<Mac> {
    if host.sysctls.dev(Family::Ip6, Conf::Forwarding, &dev.link.name) == 0 || dev.link.mtu < 1280 {
        return Vec::new();
    }
    let mut all = vec![Mac([0x33, 0x33, 0, 0, 0, 2])];
    let addrs = dev.link.addrs.iter().filter(|a| dev.admin.ready && a.len < 127);
    for network in addrs.filter_map(|a| a.network()) {
        if let IpAddr::V6(addr) = network.addr() {
            all.push(asked_by(addr));
        }
    }
    all
}

/// The hardware address under which an address is asked for (RFC 4861 2.3, RFC 2464 7).
fn asked_by(addr: std::net::Ipv6Addr) -> Mac {
    let [.., a, b, c] = solicited_node(addr).octets();
    Mac([0x33, 0x33, 0xff, a, b, c])
}

/// The groups that a device is in: all nodes, as a bridge all snoopers, all IPv4 hosts, and those by which its IPv6
/// addresses are asked for.
fn groups(dev: &Device) -> Vec<Mac> {
    let mut all = Vec::new();
    if dev.link.mtu >= 1280 {
        all.push(Mac([0x33, 0x33, 0, 0, 0, 1]));
    }
    if !dev.link.up {
        return all;
    }
    if let DeviceKind::Bridge(bridge) = &dev.kind
        && bridge.setting("mcast_snooping", 1) != 0
    {
        all.extend([Mac([1, 0, 0x5e, 0, 0, 0x6a]), Mac([0x33, 0x33, 0, 0, 0, 0x6a])]);
    }
    all.push(Mac([1, 0, 0x5e, 0, 0, 1]));
    if dev.admin.ready {
        for addr in dev.link.addrs.iter().rev() {
            if let IpAddr::V6(addr) = addr.local {
                all.push(asked_by(addr));
            }
        }
    }
    all
}
