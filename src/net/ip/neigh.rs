//! `ip neighbour`: the words, the commands, and the kernel's answers.

use super::args::{Args, Cidr, cidr, find, garbage, invalid, name, no_device};
use super::{Run, Stop, args, no_command};
use crate::abi::{IfName, Mac};
use crate::net::{Neigh, NeighState};
use crate::netfilter::Family;
use std::net::IpAddr;

#[derive(Clone, Copy)]
enum Command {
    Add,
    Change,
    Replace,
    Delete,
    Get,
    Show,
    Flush,
    Other,
}

const COMMANDS: [(&str, Command); 11] = [
    ("add", Command::Add),
    ("change", Command::Change),
    ("chg", Command::Change),
    ("replace", Command::Replace),
    ("delete", Command::Delete),
    ("get", Command::Get),
    ("show", Command::Show),
    ("lst", Command::Show),
    ("list", Command::Show),
    ("flush", Command::Flush),
    ("help", Command::Other),
];

/// The states that are shown, and their names.
const STATES: [(&str, NeighState); 7] = [
    ("permanent", NeighState::Permanent),
    ("reachable", NeighState::Reachable),
    ("stale", NeighState::Stale),
    ("incomplete", NeighState::Incomplete),
    ("delay", NeighState::Delay),
    ("probe", NeighState::Probe),
    ("failed", NeighState::Failed),
];

pub(super) fn run(run: &mut Run<'_>, mut args: Args<'_>) -> Result<(), Stop> {
    let Some(word) = args.next() else { return show(run, args) };
    match find(word, &COMMANDS) {
        Some(Command::Show) => show(run, args),
        Some(Command::Flush) => flush(run, args),
        Some(Command::Get | Command::Other) => Err(Stop::unmodelled(format!("`neigh {word}`"))),
        Some(command @ (Command::Add | Command::Change | Command::Replace | Command::Delete)) => {
            modify(run, args, command)
        }
        None => Err(no_command(word, "neigh")),
    }
}

fn state(word: &str) -> Option<NeighState> {
    STATES.iter().find(|(name, _)| *name == word).map(|(_, state)| *state)
}

fn modify(run: &mut Run<'_>, mut args: Args<'_>, command: Command) -> Result<(), Stop> {
    let (mut mac, mut dev, mut dst) = (None, None, None);
    let mut nud = NeighState::Permanent;
    while let Some(key) = args.next() {
        match key {
            "lladdr" => mac = Some(args.value()?),
            "nud" => {
                let word = args.value()?;
                nud = match word {
                    "noarp" | "none" => {
                        return Err(Stop::unmodelled(format!("neighbours in state `{word}`")));
                    }
                    _ => state(word).ok_or_else(|| invalid(word, "nud state is bad"))?,
                };
            }
            "dev" => dev = Some(args.value()?),
            "proxy" | "router" | "managed" | "use" | "extern_learn" | "protocol" => {
                return Err(Stop::unmodelled(format!("`{key}` of a neighbour")));
            }
            _ => {
                let word = if key == "to" { args.value()? } else { key };
                if word == "help" {
                    return Err(Stop::unmodelled("help"));
                }
                if dst.is_some() {
                    return Err(garbage("to", word));
                }
                dst = Some(args::address(word, run.family)?);
            }
        }
    }
    let (Some(dev), Some(dst)) = (dev, dst) else {
        return Err(Stop::said(255, "Device and destination are required arguments.\n"));
    };
    let mac = match mac {
        None | Some("null") => None,
        Some(word) => {
            let read = word.parse::<Mac>();
            Some(read.map_err(|_| Stop::said(1, format!("\"{word}\" is invalid lladdr.\n")))?)
        }
    };
    let known = name(dev).filter(|n| run.host.devices.get(n).is_some());
    let dev: IfName = known.ok_or_else(|| no_device(dev))?;
    // On lo all IPv4 neighbours are one (`arp_tbl`'s key for `IFF_LOOPBACK`).
    let key = match dst {
        IpAddr::V4(_) if dev.is_lo() => IpAddr::from([0, 0, 0, 0]),
        dst => dst,
    };
    let there = run.host.neighbours.get(&dev, dst).cloned();
    let missing = || Stop::answers("No such file or directory");
    match command {
        Command::Delete => {
            there.ok_or_else(missing)?;
            run.host.neighbours.remove(&dev, dst);
            return Ok(());
        }
        Command::Add if there.is_some() => return Err(Stop::answers("File exists")),
        Command::Change if there.is_none() => return Err(missing()),
        _ => {}
    }
    let valid = !matches!(nud, NeighState::Incomplete | NeighState::Failed);
    let mac = mac.or(there.as_ref().and_then(|n| n.mac));
    if valid && mac.is_none() {
        return Err(Stop::kernel("No link layer address given"));
    }
    let now = run.host.now;
    run.host.neighbours.set(dev, key, nud, mac, now);
    Ok(())
}

/// Which neighbours are meant.
struct Filter {
    dev: Option<IfName>,
    net: Option<Cidr>,
    states: Vec<NeighState>,
    family: Option<Family>,
    any_state: bool,
    /// `flush` without a state leaves what was set by hand.
    flushing: bool,
}

impl Filter {
    fn wants(&self, dev: &IfName, addr: IpAddr, neigh: &Neigh) -> bool {
        let state = if self.states.is_empty() {
            self.any_state || !(self.flushing && neigh.state == NeighState::Permanent)
        } else {
            self.states.contains(&neigh.state)
        };
        state
            && self.dev.as_ref().is_none_or(|d| d == dev)
            && self.net.is_none_or(|net| net.prefix().contains(addr))
            && self.family.is_none_or(|f| f == Family::of(addr))
    }
}

fn read(run: &Run<'_>, mut args: Args<'_>, flushing: bool) -> Result<Filter, Stop> {
    let mut filter =
        Filter { dev: None, net: None, states: Vec::new(), family: run.family, any_state: false, flushing };
    let mut dev = None;
    while let Some(key) = args.next() {
        match key {
            "dev" => dev = Some(args.value()?),
            "nud" => {
                let word = args.value()?;
                match word {
                    "all" => filter.any_state = true,
                    "noarp" | "none" => {
                        return Err(Stop::unmodelled(format!("neighbours in state `{word}`")));
                    }
                    _ => filter.states.push(state(word).ok_or_else(|| invalid(word, "nud state is bad"))?),
                }
            }
            "unused" | "proxy" | "vrf" | "master" | "nomaster" | "protocol" => {
                return Err(Stop::unmodelled(format!("`{key}` of a selection of neighbours")));
            }
            _ => {
                let word = if key == "to" { args.value()? } else { key };
                if word == "all" && flushing {
                    continue;
                }
                filter.net = Some(cidr(word, run.family)?);
            }
        }
    }
    if let Some(word) = dev {
        let known = name(word).filter(|n| run.host.devices.get(n).is_some());
        filter.dev = Some(known.ok_or_else(|| no_device(word))?);
    }
    Ok(filter)
}

fn show(run: &mut Run<'_>, args: Args<'_>) -> Result<(), Stop> {
    let filter = read(run, args, false)?;
    let mut out = run.print();
    // IPv4's table comes before IPv6's; within one, Linux's order depends on a secret. Here it is by address.
    let mut all: Vec<_> = run.host.neighbours.iter().filter(|(d, a, n)| filter.wants(d, *a, n)).collect();
    all.sort_by_key(|(dev, addr, _)| (*addr, *dev));
    for (dev, addr, neigh) in all {
        let state = STATES.iter().find(|(_, s)| *s == neigh.state).map_or("", |(name, _)| name);
        out.open(None);
        if run.brief {
            out.put("dst", addr.to_string(), format_args!("{:<40}", addr.to_string()));
            if filter.dev.is_none() {
                out.put("dev", dev.as_str(), format_args!("{:<17}", dev.as_str()));
            }
            if let Some(mac) = neigh.mac {
                out.put("lladdr", mac.to_string(), mac);
            }
            out.text('\n');
            out.close();
            continue;
        }
        out.put("dst", addr.to_string(), format_args!("{addr} "));
        if filter.dev.is_none() {
            out.put("dev", dev.as_str(), format_args!("dev {dev} "));
        }
        if let Some(mac) = neigh.mac {
            out.put("lladdr", mac.to_string(), format_args!("lladdr {mac} "));
        }
        out.open_list("state");
        out.element(&state.to_ascii_uppercase());
        out.close_list();
        out.text(format_args!("{} \n", state.to_ascii_uppercase()));
        out.close();
    }
    run.out += &out.finish();
    Ok(())
}

fn flush(run: &mut Run<'_>, args: Args<'_>) -> Result<(), Stop> {
    if args.peek().is_none() {
        return Err(Stop::said(1, "Flush requires arguments.\n"));
    }
    let filter = read(run, args, true)?;
    let gone: Vec<(IfName, IpAddr)> = run
        .host
        .neighbours
        .iter()
        .filter(|(d, a, n)| filter.wants(d, *a, n))
        .map(|(d, a, _)| (d.clone(), a))
        .collect();
    for (dev, addr) in gone {
        run.host.neighbours.remove(&dev, addr);
    }
    Ok(())
}
