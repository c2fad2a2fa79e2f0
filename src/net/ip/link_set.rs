//! `ip link set`.

use super::args::{Args, garbage, invalid, name, number, on_off, wrong};
use super::link::known;
use super::link_show::group;
use super::{Run, Stop, namespace};
use crate::abi::{IfName, Mac};
use crate::net::{Device, DeviceKind, HostId};

/// What is to be set, in the order in which the kernel does it (`do_setlink`).
#[derive(Default)]
pub(super) struct Changes {
    pub mac: Option<Mac>,
    pub mtu: Option<u32>,
    pub name: Option<IfName>,
    pub group: Option<u32>,
    pub alias: Option<String>,
    pub queue: Option<u32>,
    /// `Some(None)`: `nomaster`.
    pub master: Option<Option<IfName>>,
    pub hairpin: Option<bool>,
    pub promisc: Option<bool>,
    pub allmulti: Option<bool>,
    pub multicast: Option<bool>,
    pub up: Option<bool>,
    /// The network namespace that it goes to, or is made in.
    pub netns: Option<HostId>,
}

/// A hardware address, or what `ip` says of the word.
pub(super) fn lladdr(word: &str) -> Result<Mac, Stop> {
    let short = |w: &str| w.split(':').all(|p| u8::from_str_radix(p, 16).is_ok() && p.len() <= 2);
    if let Ok(mac) = word.parse() {
        return Ok(mac);
    }
    if short(word) && word.contains(':') {
        let parts = word.split(':').count();
        return Err(Stop::said(1, format!("Invalid address length {parts} - must be 6 bytes\n")));
    }
    Err(Stop::said(1, format!("\"{word}\" is invalid lladdr.\n")))
}

/// A name that a device can have.
pub(super) fn valid_name(word: &str, key: &str) -> Result<IfName, Stop> {
    name(word).ok_or_else(|| wrong(word, &format!("\"{key}\" not a valid ifname")))
}

pub(super) fn mtu(word: &str) -> Result<u32, Stop> {
    let read = number(word).and_then(|n| u32::try_from(n).ok());
    read.ok_or_else(|| invalid(word, "Invalid \"mtu\" value"))
}

/// Reads one of the words that `set` and `add` share; false if it is none.
pub(super) fn common(run: &Run<'_>, key: &str, args: &mut Args<'_>, to: &mut Changes) -> Result<bool, Stop> {
    match key {
        "up" => to.up = Some(true),
        "down" => to.up = Some(false),
        "mtu" => to.mtu = Some(mtu(args.value()?)?),
        "address" => to.mac = Some(lladdr(args.value()?)?),
        "txqueuelen" | "qlen" | "txqlen" => {
            let word = args.value()?;
            let read = number(word).and_then(|n| u32::try_from(n).ok());
            to.queue = Some(read.ok_or_else(|| invalid(word, "Invalid \"txqueuelen\" value"))?);
        }
        "group" => {
            let word = args.value()?;
            to.group = Some(group(word).ok_or_else(|| invalid(word, "Invalid \"group\" value"))?);
        }
        "alias" => to.alias = Some(args.value()?.to_owned()),
        "master" => {
            let word = args.value()?;
            let found = name(word).filter(|n| run.host.devices.get(n).is_some());
            to.master = Some(Some(found.ok_or_else(|| invalid(word, "Device does not exist"))?));
        }
        "nomaster" => to.master = Some(None),
        "promisc" => to.promisc = Some(on_off(key, args.value()?)?),
        "allmulticast" => to.allmulti = Some(on_off(key, args.value()?)?),
        "multicast" => to.multicast = Some(on_off(key, args.value()?)?),
        "netns" => to.netns = Some(namespace::find(run, args.value()?)?),
        "arp" | "dynamic" | "trailers" | "carrier" | "vf" | "mode" | "state" | "addrgenmode" | "xdp"
        | "xdpgeneric" | "vrf" | "numtxqueues" | "numrxqueues" | "gso_max_size" | "broadcast" | "brd"
        | "protodown" | "index" | "link-netns" => {
            return Err(Stop::unmodelled(format!("`{key}` of a link")));
        }
        _ => return Ok(false),
    }
    Ok(true)
}

pub(super) fn set(run: &mut Run<'_>, mut args: Args<'_>) -> Result<(), Stop> {
    let mut to = Changes::default();
    let mut dev: Option<&str> = None;
    while let Some(key) = args.next() {
        if common(run, key, &mut args, &mut to)? {
            continue;
        }
        match key {
            "name" => to.name = Some(valid_name(args.value()?, "name")?),
            "type" => {
                match args.value()? {
                    "bridge_slave" => slave(&mut args, &mut to)?,
                    other => return Err(Stop::unmodelled(format!("`link set type {other}`"))),
                }
                break;
            }
            _ => {
                let word = if key == "dev" { args.value()? } else { key };
                if word == "help" {
                    return Err(Stop::unmodelled("help"));
                }
                if dev.is_some() {
                    return Err(garbage("dev", word));
                }
                dev = Some(word);
            }
        }
    }
    let Some(word) = dev else {
        return Err(Stop::said(255, "Not enough information: \"dev\" argument is required.\n"));
    };
    let dev = known(run, word)?;
    match to.netns {
        Some(netns) => namespace::send(run, dev, netns, to),
        None => apply(run, &dev, to),
    }
}

fn slave(args: &mut Args<'_>, to: &mut Changes) -> Result<(), Stop> {
    while let Some(key) = args.next() {
        match key {
            "hairpin" => to.hairpin = Some(on_off(key, args.value()?)?),
            other => return Err(Stop::unmodelled(format!("`{other}` of a bridge's port"))),
        }
    }
    Ok(())
}

/// The least and the greatest MTU of a device; the greatest is 0 where there is none.
pub(super) fn mtu_bounds(run: &Run<'_>, d: &Device) -> (u32, u32) {
    match &d.kind {
        DeviceKind::Loopback | DeviceKind::Dummy | DeviceKind::Described => (0, 0),
        DeviceKind::Veth | DeviceKind::Bridge(_) => (68, 65535),
        DeviceKind::Tap => (68, 65521),
        DeviceKind::Macvlan { .. } => (68, 65535),
        DeviceKind::Vlan { lower, .. } => (0, run.host.devices.get(lower).map_or(65535, |l| l.link.mtu)),
    }
}

/// Sets what is asked for; the kernel stops at the first thing that it refuses.
pub(super) fn apply(run: &mut Run<'_>, dev: &IfName, to: Changes) -> Result<(), Stop> {
    let Some(device) = run.host.devices.get(dev) else { return Ok(()) };
    let (least, most) = mtu_bounds(run, device);
    let kind = device.kind.clone();
    if let Some(mac) = to.mac {
        set_mac(run, dev, mac)?;
    }
    if let Some(mtu) = to.mtu {
        if mtu < least {
            return Err(Stop::kernel("mtu less than device minimum"));
        }
        if most != 0 && mtu > most {
            return Err(Stop::kernel("mtu greater than device maximum"));
        }
        if let DeviceKind::Macvlan { lower, .. } = &kind
            && run.host.devices.get(lower).is_some_and(|l| l.link.mtu < mtu)
        {
            return Err(Stop::answers("Invalid argument"));
        }
        run.host.set_mtu(dev, mtu);
    }
    if let Some(device) = run.host.devices.get_mut(dev) {
        device.link.group = to.group.unwrap_or(device.link.group);
        device.admin.queue = to.queue.unwrap_or(device.admin.queue);
    }
    let mut dev = dev.clone();
    if let Some(new) = to.name.filter(|new| *new != dev) {
        if run.host.devices.get(&new).is_some() {
            return Err(Stop::answers("File exists"));
        }
        run.host.rename(&dev, &new);
        dev = new;
    }
    if let Some(alias) = to.alias
        && let Some(device) = run.host.devices.get_mut(&dev)
    {
        device.admin.alias = Some(alias).filter(|a| !a.is_empty());
    }
    if let Some(master) = to.master {
        enslave(run, &dev, master.as_ref())?;
    }
    if let Some(device) = run.host.devices.get_mut(&dev) {
        device.admin.promisc = to.promisc.unwrap_or(device.admin.promisc);
        device.admin.allmulti = to.allmulti.unwrap_or(device.admin.allmulti);
        device.admin.multicast = to.multicast.unwrap_or(device.admin.multicast);
    }
    match to.up {
        Some(true) => {
            if let DeviceKind::Vlan { lower, .. } = &kind
                && !run.host.devices.get(lower).is_some_and(|l| l.link.up)
            {
                return Err(Stop::answers("Network is down"));
            }
            run.host.set_up(&dev);
        }
        Some(false) => run.host.set_down(&dev),
        None => {}
    }
    if let Some(on) = to.hairpin {
        match run.host.devices.get_mut(&dev).filter(|d| d.master.is_some()) {
            Some(device) => device.hairpin = on,
            None => return Err(Stop::answers("Operation not supported")),
        }
    }
    Ok(())
}

fn set_mac(run: &mut Run<'_>, dev: &IfName, mac: Mac) -> Result<(), Stop> {
    let Some(device) = run.host.devices.get_mut(dev) else { return Ok(()) };
    if device.kind == DeviceKind::Loopback {
        return Err(Stop::answers("Operation not supported"));
    }
    if mac.is_group() || mac == Mac::ZERO {
        return Err(Stop::answers("Cannot assign requested address"));
    }
    device.mac = mac;
    device.admin.own_mac = true;
    run.host.neighbours.forget_device(dev);
    run.host.settle_bridges();
    Ok(())
}

fn enslave(run: &mut Run<'_>, dev: &IfName, master: Option<&IfName>) -> Result<(), Stop> {
    let now = run.host.devices.get(dev).and_then(|d| d.master.clone());
    let Some(master) = master else {
        run.host.release(dev);
        run.host.settle_bridges();
        return Ok(());
    };
    if now.as_ref() == Some(master) {
        return Ok(());
    }
    if now.is_some() {
        run.host.release(dev);
    }
    let kind = |n: &IfName| run.host.devices.get(n).map(|d| &d.kind);
    match kind(master) {
        Some(DeviceKind::Bridge(_)) => {}
        _ => return Err(Stop::answers("Operation not supported")),
    }
    match kind(dev) {
        Some(DeviceKind::Loopback) => return Err(Stop::answers("Invalid argument")),
        Some(DeviceKind::Bridge(_)) => {
            return Err(Stop::kernel("Can not enslave a bridge to a bridge"));
        }
        _ => {}
    }
    let macvlans = run.host.devices.by_index().into_iter();
    let mut lower_of = macvlans.filter_map(|d| match &d.kind {
        DeviceKind::Macvlan { lower, .. } => Some(lower),
        _ => None,
    });
    if lower_of.any(|lower| lower == dev) {
        return Err(Stop::answers("Device or resource busy"));
    }
    run.host.enslave(dev, master);
    run.host.settle_bridges();
    Ok(())
}
