//! `ip link show`, and the first lines of `ip address show`.

use super::args::{Args, garbage, invalid, name, number};
use super::{Run, Stop};
use crate::abi::IfName;
use crate::net::{Device, DeviceKind, HostId};
use std::fmt::Write as _;

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
    pub fn wants(&self, d: &Device) -> bool {
        self.dev.as_ref().is_none_or(|n| *n == d.link.name)
            && (!self.up || d.link.up)
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

/// The word of `type`.
pub(super) fn kind_word(kind: &DeviceKind) -> &'static str {
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
    if run.details {
        return Err(Stop::unmodelled("`-d link show`"));
    }
    let mut text = String::new();
    for device in run.host.devices.by_index().into_iter().filter(|d| pick.wants(d)) {
        if run.brief {
            let _ = writeln!(text, "{}{} <{}> ", brief_head(device), device.mac, flags(run, device));
        } else {
            text += &head(run, device, true);
        }
    }
    run.out += &text;
    Ok(())
}

/// The name with that of the device which it stands on or is joined to.
fn full_name(d: &Device) -> String {
    match beneath(d) {
        Some(lower) => format!("{}@{lower}", d.link.name),
        None if d.kind == DeviceKind::Veth => match d.admin.far {
            Some((_, index, _)) => format!("{}@if{index}", d.link.name),
            None => d.link.name.to_string(),
        },
        None => d.link.name.to_string(),
    }
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

fn flags(run: &Run<'_>, d: &Device) -> String {
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
    set.join(",")
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

/// A device's first line and its `link/` line; `mode` is told by `ip link` alone.
pub(super) fn head(run: &Run<'_>, d: &Device, mode: bool) -> String {
    let mut out = String::new();
    let only6 = run.family == Some(crate::netfilter::Family::Ip6) && !mode;
    let _ = write!(out, "{}: {}: <{}> mtu {} ", d.link.index, full_name(d), flags(run, d), d.link.mtu);
    if !only6 {
        let _ = write!(out, "qdisc {} ", qdisc(d));
    }
    if let Some(master) = &d.master {
        let _ = write!(out, "master {master} ");
    }
    let _ = write!(out, "state {} ", state(d));
    if mode {
        out += "mode DEFAULT ";
    }
    if !only6 {
        let group = if d.link.group == 0 { "default".to_owned() } else { d.link.group.to_string() };
        let _ = write!(out, "group {group} ");
    }
    let _ = write!(out, "qlen {}", d.admin.queue);
    let both = run.family.is_none() || mode;
    if both {
        let (kind, brd) = match d.kind {
            DeviceKind::Loopback => ("loopback", "00:00:00:00:00:00"),
            _ => ("ether", "ff:ff:ff:ff:ff:ff"),
        };
        let _ = write!(out, "{}    link/{kind} {} brd {brd}", run.line_break(), d.mac);
        if let Some((host, _, id)) = d.admin.far {
            let _ = match run.names.name(HostId(host)) {
                Some(name) => write!(out, " link-netns {name}"),
                None => write!(out, " link-netnsid {id}"),
            };
        }
    }
    if let Some(alias) = d.admin.alias.as_ref().filter(|_| mode) {
        let _ = write!(out, "{}    alias {alias}", run.line_break());
    }
    out.push('\n');
    out
}

/// The columns of `-br`.
pub(super) fn brief_head(d: &Device) -> String {
    format!("{:<16} {:<14} ", full_name(d), state(d))
}
