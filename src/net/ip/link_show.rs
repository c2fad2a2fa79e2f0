//! `ip link show`, and the first lines of `ip address show`.

use super::args::{Args, garbage, invalid, name, number};
use super::link_details::details;
use super::print::Print;
use super::{Run, Stop};
use crate::abi::IfName;
use crate::net::{Device, DeviceKind, HostId};

/// Which devices are meant.
#[derive(Default)]
pub(super) struct Pick {
    pub dev: Option<IfName>,
    pub up: bool,
    pub kind: Option<String>,
    pub master: Option<IfName>,
    pub group: Option<u32>,
}

impl Pick {
    /// True for a device that the kernel tells of where it is asked for devices, or for one.
    pub fn told(&self, d: &Device) -> bool {
        self.dev.as_ref().is_none_or(|n| *n == d.link.name)
    }

    /// True for a device that is meant. Those that are down `ip` itself leaves out.
    pub fn wants(&self, d: &Device) -> bool {
        self.told(d)
            && self.kind.as_ref().is_none_or(|k| k == kind_word(&d.kind))
            && self.master.as_ref().is_none_or(|m| Some(m) == d.master.as_ref())
            && self.group.is_none_or(|g| g == d.link.group)
    }

    pub fn read_master(&mut self, run: &Run<'_>, args: &mut Args<'_>) -> Result<(), Stop> {
        let word = args.value()?;
        let known = name(word).filter(|n| run.host.devices.get(n).is_some());
        self.master = Some(known.ok_or_else(|| invalid(word, "Device does not exist"))?);
        Ok(())
    }

    pub fn read_group(&mut self, args: &mut Args<'_>) -> Result<(), Stop> {
        let word = args.value()?;
        self.group = Some(group(word).ok_or_else(|| invalid(word, "Invalid \"group\" value"))?);
        Ok(())
    }
}

/// A group by its number or by the one name that /etc/iproute2/group has.
pub(super) fn group(word: &str) -> Option<u32> {
    if word == "default" { Some(0) } else { number(word).and_then(|n| u32::try_from(n).ok()) }
}

/// The name of a group, else its number.
pub(super) fn group_name(group: u32) -> String {
    if group == 0 { "default".to_owned() } else { group.to_string() }
}

/// The word of `type`.
pub(in crate::net) fn kind_word(kind: &DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Loopback | DeviceKind::Described => "",
        DeviceKind::Veth => "veth",
        DeviceKind::Bridge(_) => "bridge",
        DeviceKind::Dummy => "dummy",
        DeviceKind::Tap => "tun",
        DeviceKind::Macvlan { .. } => "macvlan",
        DeviceKind::Vlan { .. } => "vlan",
    }
}

pub(super) fn show(run: &mut Run<'_>, mut args: Args<'_>) -> Result<(), Stop> {
    let mut pick = Pick::default();
    while let Some(key) = args.next() {
        match key {
            "up" => pick.up = true,
            "type" => pick.kind = Some(args.value()?.to_owned()),
            "master" => pick.read_master(run, &mut args)?,
            "group" => pick.read_group(&mut args)?,
            "vrf" | "nomaster" => return Err(Stop::unmodelled(format!("`link show {key}`"))),
            _ => {
                let word = if key == "dev" { args.value()? } else { key };
                if pick.dev.is_some() {
                    return Err(garbage("dev", word));
                }
                let known = name(word).filter(|n| run.host.devices.get(n).is_some());
                let gone = || Stop::said(1, format!("Device \"{word}\" does not exist.\n"));
                pick.dev = Some(known.ok_or_else(gone)?);
            }
        }
    }
    let mut out = run.print();
    for device in run.host.devices.by_index().into_iter().filter(|d| pick.wants(d)) {
        out.open(None);
        if device.link.up || !pick.up {
            if run.brief {
                brief(device, &mut out);
                out.put("address", device.mac.to_string(), format_args!("{} ", device.mac));
                flags(run, device, &mut out);
                out.text('\n');
            } else {
                head(run, device, Told { mode: true, short: false }, &mut out)?;
            }
        }
        out.close();
    }
    run.out += &out.finish();
    Ok(())
}

/// What a device stands on, or its other end on this host (`dev_get_iflink`).
fn beneath(d: &Device) -> Option<&IfName> {
    match &d.kind {
        DeviceKind::Macvlan { lower, .. } | DeviceKind::Vlan { lower, .. } => Some(lower),
        DeviceKind::Veth => d.admin.peer.as_ref(),
        DeviceKind::Bridge(_)
        | DeviceKind::Loopback
        | DeviceKind::Dummy
        | DeviceKind::Tap
        | DeviceKind::Described => None,
    }
}

/// The name with that of the device which it stands on or is joined to.
pub(in crate::net) fn full_name(d: &Device, out: &mut Print) -> String {
    let far = d.admin.far.filter(|_| d.kind == DeviceKind::Veth);
    match (beneath(d), far) {
        (Some(lower), _) => out.json("link", lower.as_str()),
        (None, Some((_, index, _))) => out.json("link_index", index),
        (None, None) => {}
    }
    out.json("ifname", d.link.name.as_str());
    match (beneath(d), far) {
        (Some(lower), _) => format!("{}@{lower}", d.link.name),
        (None, Some((_, index, _))) => format!("{}@if{index}", d.link.name),
        (None, None) => d.link.name.to_string(),
    }
}

pub(in crate::net) fn flags(run: &Run<'_>, d: &Device, out: &mut Print) {
    let lo = d.kind == DeviceKind::Loopback;
    let lower_down = beneath(d).and_then(|n| run.host.devices.get(n)).is_some_and(|l| !l.link.up);
    let all = [
        (d.link.up && !d.link.carrier, "NO-CARRIER"),
        (lo, "LOOPBACK"),
        (!lo, "BROADCAST"),
        (d.link.point_to_point, "POINTOPOINT"),
        (!lo && d.admin.multicast, "MULTICAST"),
        (d.kind == DeviceKind::Dummy, "NOARP"),
        (d.admin.allmulti, "ALLMULTI"),
        (d.admin.promisc, "PROMISC"),
        (d.link.up, "UP"),
        (d.link.up && d.link.carrier, "LOWER_UP"),
        (lower_down, "M-DOWN"),
    ];
    let set: Vec<&str> = all.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
    out.open_list("flags");
    set.iter().for_each(|flag| out.element(flag));
    out.close_list();
    out.text(format_args!("<{}> ", set.join(",")));
}

/// The operational state (RFC 2863, `rfc2863_policy`): unknown where nothing ever judged the carrier.
fn state(d: &Device) -> &'static str {
    if !d.link.up {
        return "DOWN";
    }
    let judged = match &d.kind {
        DeviceKind::Bridge(_)
        | DeviceKind::Veth
        | DeviceKind::Macvlan { .. }
        | DeviceKind::Vlan { .. }
        | DeviceKind::Tap => true,
        DeviceKind::Loopback | DeviceKind::Dummy | DeviceKind::Described => false,
    };
    let stands = match d.kind {
        DeviceKind::Veth => d.admin.below_down,
        _ => beneath(d).is_some(),
    };
    match (d.link.carrier, judged) {
        (true, true) => "UP",
        (true, false) => "UNKNOWN",
        (false, _) if stands => "LOWERLAYERDOWN",
        (false, _) => "DOWN",
    }
}

/// The queueing discipline: none before the device was up once, then that of its kind.
fn qdisc(d: &Device) -> &'static str {
    match d.kind {
        _ if !d.admin.opened => "noop",
        DeviceKind::Tap => "pfifo_fast",
        _ => "noqueue",
    }
}

/// How much is told of a device.
#[derive(Clone, Copy)]
pub(super) struct Told {
    /// What `ip link` alone tells.
    pub mode: bool,
    /// As IPv6 tells of all devices (`inet6_fill_ifinfo`): less.
    pub short: bool,
}

/// A device's first line and its `link/` line, and with `-d` the lines below.
pub(super) fn head(run: &Run<'_>, d: &Device, told: Told, out: &mut Print) -> Result<(), Stop> {
    let Told { mode, short } = told;
    out.put("ifindex", d.link.index, format_args!("{}: ", d.link.index));
    let name = full_name(d, out);
    out.text(format_args!("{name}: "));
    flags(run, d, out);
    out.put("mtu", d.link.mtu, format_args!("mtu {} ", d.link.mtu));
    if !short {
        out.put("qdisc", qdisc(d), format_args!("qdisc {} ", qdisc(d)));
    }
    if let Some(master) = d.master.as_ref().filter(|_| !short) {
        out.put("master", master.as_str(), format_args!("master {master} "));
    }
    out.put("operstate", state(d), format_args!("state {} ", state(d)));
    if mode {
        out.put("linkmode", "DEFAULT", "mode DEFAULT ");
    }
    if !short {
        let group = group_name(d.link.group);
        out.put("group", group.as_str(), format_args!("group {group} "));
    }
    out.put("txqlen", d.admin.queue, format_args!("qlen {}", d.admin.queue));
    if run.family.is_none() || mode || run.details {
        out.line();
        let (kind, brd) = match d.kind {
            DeviceKind::Loopback => ("loopback", "00:00:00:00:00:00"),
            _ => ("ether", "ff:ff:ff:ff:ff:ff"),
        };
        out.put("link_type", kind, format_args!("    link/{kind} "));
        out.put("address", d.mac.to_string(), d.mac);
        if !short {
            out.put("broadcast", brd, format_args!(" brd {brd}"));
        }
    }
    if let Some((host, _, id)) = d.admin.far.filter(|_| !short) {
        out.json("link_netnsid", id);
        match run.names.name(HostId(host)) {
            Some(name) => out.text(format_args!(" link-netns {name}")),
            None => out.text(format_args!(" link-netnsid {id}")),
        }
    }
    if run.details && !short {
        details(run, d, mode, out)?;
    }
    if let Some(alias) = d.admin.alias.as_ref().filter(|_| (mode || run.details) && !short) {
        out.line();
        out.put("ifalias", alias.as_str(), format_args!("    alias {alias}"));
    }
    out.text('\n');
    Ok(())
}

/// The columns of `-br`.
pub(super) fn brief(d: &Device, out: &mut Print) {
    let name = full_name(d, out);
    out.text(format_args!("{name:<16} "));
    out.put("operstate", state(d), format_args!("{:<14} ", state(d)));
}
