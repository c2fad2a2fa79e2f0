//! `ip link`: the commands, and taking a device away.

use super::args::{Args, find, name, no_device};
use super::{Run, Stop, link_add, link_set, link_show, no_command};
use crate::abi::IfName;
use crate::net::DeviceKind;

#[derive(Clone, Copy)]
enum Command {
    Add,
    Set,
    Delete,
    Show,
    Other,
}

const COMMANDS: [(&str, Command); 11] = [
    ("add", Command::Add),
    ("set", Command::Set),
    ("change", Command::Set),
    ("replace", Command::Other),
    ("delete", Command::Delete),
    ("show", Command::Show),
    ("lst", Command::Show),
    ("list", Command::Show),
    ("xstats", Command::Other),
    ("property", Command::Other),
    ("help", Command::Other),
];

pub(super) fn run(run: &mut Run<'_>, mut args: Args<'_>) -> Result<(), Stop> {
    let Some(word) = args.next() else { return link_show::show(run, args) };
    match find(word, &COMMANDS) {
        Some(Command::Show) => link_show::show(run, args),
        Some(Command::Add) => link_add::add(run, args),
        Some(Command::Set) => link_set::set(run, args),
        Some(Command::Delete) => delete(run, args),
        Some(Command::Other) => Err(Stop::unmodelled(format!("`link {word}`"))),
        None => Err(no_command(word, "link")),
    }
}

/// The device of this name, or what `ip` says of its absence.
pub(super) fn known(run: &Run<'_>, word: &str) -> Result<IfName, Stop> {
    name(word).filter(|n| run.host.devices.get(n).is_some()).ok_or_else(|| no_device(word))
}

fn delete(run: &mut Run<'_>, mut args: Args<'_>) -> Result<(), Stop> {
    let mut dev = None;
    while let Some(key) = args.next() {
        match key {
            "type" => {
                args.value()?;
            }
            "group" => return Err(Stop::unmodelled("`link delete group`")),
            _ => dev = Some(if key == "dev" { args.value()? } else { key }),
        }
    }
    let Some(word) = dev else {
        return Err(Stop::said(1, "Not enough information: \"dev\" argument is required.\n"));
    };
    let dev = known(run, word)?;
    let Some(device) = run.host.devices.get(&dev) else { return Ok(()) };
    match device.kind {
        DeviceKind::Loopback => return Err(Stop::answers("Operation not supported")),
        DeviceKind::Described => return Err(Stop::unmodelled("way to remove what a description tells of")),
        DeviceKind::Veth
        | DeviceKind::Bridge(_)
        | DeviceKind::Dummy
        | DeviceKind::Tap
        | DeviceKind::Macvlan { .. }
        | DeviceKind::Vlan { .. } => {}
    }
    run.host.delete_device(&dev);
    Ok(())
}
