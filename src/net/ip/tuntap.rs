//! `ip tuntap`: taps that stay without a program behind them.

use super::args::{Args, find, garbage, wrong};
use super::link_set::valid_name;
use super::{Run, Stop, no_command};
use crate::abi::{IfName, Mac};
use crate::net::DeviceKind;

pub(super) fn run(run: &mut Run<'_>, mut args: Args<'_>) -> Result<(), Stop> {
    let Some(word) = args.next() else { return Err(Stop::unmodelled("`tuntap show`")) };
    let commands =
        [("add", Some(true)), ("delete", Some(false)), ("show", None), ("list", None), ("help", None)];
    match find(word, &commands) {
        Some(Some(adding)) => modify(run, args, adding),
        Some(None) => Err(Stop::unmodelled(format!("`tuntap {word}`"))),
        None => Err(no_command(word, "tuntap")),
    }
}

fn modify(run: &mut Run<'_>, mut args: Args<'_>, adding: bool) -> Result<(), Stop> {
    let (mut mode, mut dev) = (None, None);
    while let Some(key) = args.next() {
        match key {
            "mode" => match args.value()? {
                "tap" => mode = Some(()),
                "tun" => return Err(Stop::unmodelled("devices of type `tun`")),
                other => return Err(wrong(other, "Unknown tunnel mode")),
            },
            // Who may open it, and how its program reads it.
            "user" | "group" => {
                args.value()?;
            }
            "one_queue" | "pi" | "vnet_hdr" | "multi_queue" => {}
            _ => {
                let word = if matches!(key, "dev" | "name") { args.value()? } else { key };
                if dev.is_some() {
                    return Err(garbage("dev", word));
                }
                dev = Some(valid_name(word, "dev")?);
            }
        }
    }
    mode.ok_or_else(|| Stop::said(1, "You failed to specify a tunnel mode\n"))?;
    let busy = || Stop::said(1, "ioctl(TUNSETIFF): Device or resource busy\n");
    if !adding {
        let dev = dev.ok_or_else(|| Stop::unmodelled("`tuntap del` without a name"))?;
        match run.host.devices.get(&dev).map(|d| &d.kind) {
            Some(DeviceKind::Tap) => run.host.delete_device(&dev),
            Some(_) => return Err(Stop::said(1, "ioctl(TUNSETIFF): Invalid argument\n")),
            None => {}
        }
        return Ok(());
    }
    let name = match dev {
        Some(name) => name,
        None => {
            let mut names = (0..1000).filter_map(|n| IfName::new(&format!("tap{n}")));
            names.find(|n| run.host.devices.get(n).is_none()).ok_or_else(busy)?
        }
    };
    match run.host.devices.get(&name).map(|d| &d.kind) {
        Some(DeviceKind::Tap) => return Err(busy()),
        Some(_) => return Err(Stop::said(1, "ioctl(TUNSETIFF): Invalid argument\n")),
        None => {}
    }
    let mac: Mac = run.host.devices.fresh_mac();
    run.host.add_device(name.clone(), DeviceKind::Tap, mac);
    if let Some(device) = run.host.devices.get_mut(&name) {
        device.link.carrier = false;
    }
    Ok(())
}
