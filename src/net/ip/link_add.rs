//! `ip link add`.

use super::args::{Args, garbage, name, no_device, number, wrong};
use super::link_set::{Changes, apply, common, valid_name};
use super::{Run, Stop, namespace};
use crate::abi::{IfName, Mac};
use crate::net::{Bridge, DeviceKind, MacvlanMode};

/// A device to be made.
#[derive(Default)]
pub(super) struct Wanted {
    name: Option<IfName>,
    lower: Option<IfName>,
    pub to: Changes,
}

pub(super) fn add(run: &mut Run<'_>, mut args: Args<'_>) -> Result<(), Stop> {
    let mut wanted = Wanted::default();
    let mut link = None;
    let mut kind = None;
    while let Some(key) = args.next() {
        if common(run, key, &mut args, &mut wanted.to)? {
            continue;
        }
        match key {
            "link" => link = Some(args.value()?),
            "type" => {
                kind = Some(args.value()?);
                break;
            }
            _ => {
                let word = if matches!(key, "name" | "dev") { args.value()? } else { key };
                if word == "help" {
                    return Err(Stop::unmodelled("help"));
                }
                if wanted.name.is_some() {
                    return Err(garbage("dev", word));
                }
                wanted.name = Some(valid_name(word, "name")?);
            }
        }
    }
    let Some(kind) = kind else {
        return Err(Stop::said(1, "Not enough information: \"type\" argument is required\n"));
    };
    if let Some(word) = link {
        let known = name(word).filter(|n| run.host.devices.get(n).is_some());
        wanted.lower = Some(known.ok_or_else(|| no_device(word))?);
    }
    if wanted.to.netns.is_some() && (wanted.lower.is_some() || wanted.to.master.is_some()) {
        return Err(Stop::unmodelled("link between network namespaces but of a veth pair"));
    }
    match kind {
        "bridge" => bridge(run, wanted, args),
        "veth" => veth(run, wanted, args),
        "macvlan" => macvlan(run, wanted, args),
        "vlan" => vlan(run, wanted, args),
        "dummy" => {
            if let Some(word) = args.next() {
                return Err(garbage("type", word));
            }
            namespace::make(run, wanted, "dummy", DeviceKind::Dummy)
        }
        _ if KNOWN.contains(&kind) => Err(Stop::unmodelled(format!("devices of type `{kind}`"))),
        _ => Err(Stop::kernel("Unknown device type")),
    }
}

/// Types that Linux has and the model does not.
const KNOWN: [&str; 24] = [
    "amt",
    "bareudp",
    "batadv",
    "bond",
    "can",
    "erspan",
    "geneve",
    "gre",
    "gretap",
    "gtp",
    "hsr",
    "ifb",
    "ip6gre",
    "ip6tnl",
    "ipip",
    "ipvlan",
    "macsec",
    "macvtap",
    "netdevsim",
    "sit",
    "team",
    "vrf",
    "vxlan",
    "wireguard",
];

/// The first free name of a kind: `dummy0`, `veth0`.
fn free_name(run: &Run<'_>, stem: &str) -> Result<IfName, Stop> {
    let mut names = (0..1000).filter_map(|n| IfName::new(&format!("{stem}{n}")));
    let free = names.find(|n| run.host.devices.get(n).is_none());
    free.ok_or_else(|| Stop::answers("Too many open files in system"))
}

/// An error if a device of the wanted name is there.
pub(super) fn free(run: &Run<'_>, wanted: &Wanted) -> Result<(), Stop> {
    let there = wanted.name.as_ref().is_some_and(|name| run.host.devices.get(name).is_some());
    if there { Err(Stop::answers("File exists")) } else { Ok(()) }
}

/// Makes a device and sets on it what was said before `type`.
pub(super) fn make(run: &mut Run<'_>, wanted: Wanted, stem: &str, kind: DeviceKind) -> Result<IfName, Stop> {
    free(run, &wanted)?;
    let Wanted { name, mut to, .. } = wanted;
    let name = match name {
        Some(name) => name,
        None => free_name(run, stem)?,
    };
    if to.mac.is_some_and(|m| m.is_group() || m == Mac::ZERO) {
        return Err(Stop::answers("Cannot assign requested address"));
    }
    let own_mac = to.mac.is_some();
    let mac = to.mac.take().unwrap_or_else(|| run.host.devices.fresh_mac());
    let carrier = !matches!(kind, DeviceKind::Veth | DeviceKind::Tap);
    run.host.add_device(name.clone(), kind, mac);
    if let Some(device) = run.host.devices.get_mut(&name) {
        device.admin.own_mac = own_mac;
        device.link.carrier = carrier;
    }
    match apply(run, &name, to) {
        Ok(()) => Ok(name),
        Err(why) => {
            run.host.remove_device(&name);
            Err(why)
        }
    }
}

fn bridge(run: &mut Run<'_>, wanted: Wanted, mut args: Args<'_>) -> Result<(), Stop> {
    while let Some(key) = args.next() {
        let word = args.value()?;
        let value = number(word);
        match key {
            // What the model's bridges never do: the spanning tree, snooping.
            "stp_state" | "mcast_snooping" if value == Some(0) => {}
            "forward_delay" | "hello_time" | "max_age" | "ageing_time" | "priority" if value.is_some() => {}
            _ => return Err(Stop::unmodelled(format!("`{key} {word}` of a bridge"))),
        }
    }
    namespace::make(run, wanted, "bridge", DeviceKind::Bridge(Bridge::default()))
}

fn veth(run: &mut Run<'_>, wanted: Wanted, mut args: Args<'_>) -> Result<(), Stop> {
    let mut other = Wanted::default();
    // An end that is told nothing is where the first is; else it is here.
    other.to.netns = wanted.to.netns;
    if let Some(word) = args.next() {
        other.to.netns = None;
        if word != "peer" {
            return Err(Stop::unmodelled(format!("`{word}` of a veth")));
        }
        while let Some(key) = args.next() {
            if common(run, key, &mut args, &mut other.to)? {
                continue;
            }
            let word = if matches!(key, "name" | "dev") { args.value()? } else { key };
            other.name = Some(valid_name(word, "name")?);
        }
    }
    if wanted.to.netns.is_some() || other.to.netns.is_some() {
        return namespace::pair(run, wanted, other);
    }
    pair(run, wanted, other)
}

/// Makes a veth pair on one host.
pub(super) fn pair(run: &mut Run<'_>, wanted: Wanted, other: Wanted) -> Result<(), Stop> {
    free(run, &wanted)?;
    let (up, up2) = (wanted.to.up, other.to.up);
    // The other end is made first.
    let peer = make(run, Wanted { to: Changes { up: None, ..other.to }, ..other }, "veth", DeviceKind::Veth)?;
    let made =
        make(run, Wanted { to: Changes { up: None, ..wanted.to }, ..wanted }, "veth", DeviceKind::Veth);
    let name = match made {
        Ok(name) => name,
        Err(why) => {
            run.host.remove_device(&peer);
            return Err(why);
        }
    };
    for (end, far) in [(&name, &peer), (&peer, &name)] {
        if let Some(device) = run.host.devices.get_mut(end) {
            device.admin.peer = Some(far.clone());
        }
    }
    for (end, up) in [(&name, up), (&peer, up2)] {
        if up == Some(true) {
            run.host.set_up(end);
        }
    }
    Ok(())
}

fn macvlan(run: &mut Run<'_>, wanted: Wanted, mut args: Args<'_>) -> Result<(), Stop> {
    let mut mode = MacvlanMode::Vepa;
    while let Some(key) = args.next() {
        if key != "mode" {
            return Err(Stop::unmodelled(format!("`{key}` of a macvlan")));
        }
        let word = args.value()?;
        mode = match word {
            "private" => MacvlanMode::Private,
            "vepa" => MacvlanMode::Vepa,
            "bridge" => MacvlanMode::Bridge,
            "passthru" | "source" => return Err(Stop::unmodelled(format!("macvlan mode `{word}`"))),
            _ => {
                let all = "\"private\", \"vepa\", \"bridge\", \"passthru\" or \"source\"";
                let text = format!("Error: argument of \"mode\" must be {all}, not \"{word}\"\n");
                return Err(Stop::said(1, text));
            }
        };
    }
    // A macvlan of a macvlan is one of what that stands on.
    let lower = wanted.lower.clone().ok_or_else(|| Stop::answers("Invalid argument"))?;
    let lower = match run.host.devices.get(&lower).map(|d| &d.kind) {
        Some(DeviceKind::Macvlan { lower: below, .. }) => below.clone(),
        _ => lower,
    };
    let Some(device) = run.host.devices.get(&lower) else { return Err(Stop::answers("Invalid argument")) };
    if device.kind == DeviceKind::Loopback {
        return Err(Stop::answers("Invalid argument"));
    }
    if device.master.is_some() {
        return Err(Stop::answers("Device or resource busy"));
    }
    let mtu = device.link.mtu;
    let up = wanted.to.up;
    let wanted = Wanted { to: Changes { mtu: wanted.to.mtu.or(Some(mtu)), up: None, ..wanted.to }, ..wanted };
    let name = make(run, wanted, "macvlan", DeviceKind::Macvlan { lower, mode })?;
    if up == Some(true) {
        run.host.set_up(&name);
    }
    run.host.settle_bridges();
    Ok(())
}

fn vlan(run: &mut Run<'_>, wanted: Wanted, mut args: Args<'_>) -> Result<(), Stop> {
    let mut id = None;
    while let Some(key) = args.next() {
        let word = args.value()?;
        match key {
            "id" => {
                let read = number(word).and_then(|n| u16::try_from(n).ok());
                id = Some(read.ok_or_else(|| wrong(word, "id is invalid"))?);
            }
            "protocol" if word.eq_ignore_ascii_case("802.1q") => {}
            _ => return Err(Stop::unmodelled(format!("`{key} {word}` of a vlan"))),
        }
    }
    let Some(id) = id else { return Err(Stop::kernel("VLAN properties not specified")) };
    let Some(lower) = wanted.lower.clone() else { return Err(Stop::kernel("link not specified")) };
    if id >= 4096 {
        return Err(Stop::kernel("Invalid VLAN id"));
    }
    let taken = run.host.devices.iter().any(|(_, d)| match &d.kind {
        DeviceKind::Vlan { lower: l, id: i } => *l == lower && *i == id,
        _ => false,
    });
    if taken {
        return Err(Stop::answers("File exists"));
    }
    let Some(device) = run.host.devices.get(&lower) else { return Err(Stop::answers("No such device")) };
    // A VLAN has its device's hardware address and MTU unless it is told others.
    let (mac, mtu) = (device.mac, device.link.mtu);
    let to = Changes { mac: wanted.to.mac.or(Some(mac)), mtu: wanted.to.mtu.or(Some(mtu)), ..wanted.to };
    make(run, Wanted { to, ..wanted }, "vlan", DeviceKind::Vlan { lower, id }).map(drop)
}
