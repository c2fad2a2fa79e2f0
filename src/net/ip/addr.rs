//! `ip address`: the words of an address, `add` and `del`, and the kernel's answers.

use super::args::{Args, Cidr, bounded, cidr, find, garbage, invalid, name, no_device, twice, wrong};
use super::{Run, Stop, addr_show, args, no_command};
use crate::abi::IfName;
use crate::net::fib::{Address, AddressError, Scope};
use crate::netfilter::Family;
use std::net::{IpAddr, Ipv4Addr};

#[derive(Clone, Copy)]
enum Command {
    Add,
    Change,
    Replace,
    Delete,
    Show,
    Flush,
    Other,
}

const COMMANDS: [(&str, Command); 13] = [
    ("add", Command::Add),
    ("change", Command::Change),
    ("chg", Command::Change),
    ("replace", Command::Replace),
    ("delete", Command::Delete),
    ("show", Command::Show),
    ("lst", Command::Show),
    ("list", Command::Show),
    ("flush", Command::Flush),
    ("save", Command::Other),
    ("showdump", Command::Other),
    ("restore", Command::Other),
    ("help", Command::Other),
];

pub(super) fn run(run: &mut Run<'_>, mut args: Args<'_>) -> Result<(), Stop> {
    let Some(word) = args.next() else { return addr_show::show(run, args) };
    match find(word, &COMMANDS) {
        Some(Command::Show) => addr_show::show(run, args),
        Some(Command::Flush) => addr_show::flush(run, args),
        Some(Command::Add) => add(run, args),
        Some(Command::Delete) => delete(run, args),
        Some(Command::Change | Command::Replace | Command::Other) => {
            Err(Stop::unmodelled(format!("`address {word}`")))
        }
        None => Err(no_command(word, "address")),
    }
}

/// The device of this name, or what `ip` says of its absence.
fn known(run: &Run<'_>, dev: &str) -> Result<IfName, Stop> {
    name(dev).filter(|n| run.host.devices.get(n).is_some()).ok_or_else(|| no_device(dev))
}

/// An address as it was said.
struct Words {
    dev: String,
    local: Option<Cidr>,
    peer: Option<Cidr>,
    broadcast: Option<Ipv4Addr>,
    scope: Option<Scope>,
    metric: u32,
    label: Option<String>,
    noprefixroute: bool,
    nodad: bool,
    deprecated: bool,
}

fn read(run: &Run<'_>, mut args: Args<'_>) -> Result<Words, Stop> {
    let mut family = run.family;
    let mut words = Words {
        dev: String::new(),
        local: None,
        peer: None,
        broadcast: None,
        scope: None,
        metric: 0,
        label: None,
        noprefixroute: false,
        nodad: false,
        deprecated: false,
    };
    let mut dev = None;
    let mut brd = None;
    while let Some(key) = args.next() {
        match key {
            "peer" | "remote" => {
                let word = args.value()?;
                if words.peer.is_some() {
                    return Err(twice("peer", word));
                }
                let net = cidr(word, family)?;
                family.get_or_insert(net.family());
                words.peer = Some(net);
            }
            _ if !key.is_empty() && key.starts_with("br") && args::matches(key, "broadcast")
                || key == "brd" =>
            {
                let word = args.value()?;
                if brd.is_some() {
                    return Err(twice("broadcast", word));
                }
                if !matches!(word, "+" | "-") {
                    let addr = args::address(word, family)?;
                    family.get_or_insert(Family::of(addr));
                }
                brd = Some(word);
            }
            "scope" => {
                let word = args.value()?;
                words.scope = Some(Scope::parse(word).ok_or_else(|| wrong(word, "invalid scope value."))?);
            }
            "dev" => dev = Some(args.value()?),
            "label" => words.label = Some(args.value()?.to_owned()),
            "metric" | "priority" | "preference" => {
                words.metric = bounded(args.value()?, u32::MAX.into(), "\"metric\" value is invalid")? as u32;
            }
            "valid_lft" | "preferred_lft" => {
                let word = args.value()?;
                let forever = word == "forever";
                let now = key == "preferred_lft" && word == "0";
                if !forever && !now {
                    return Err(Stop::unmodelled("addresses that end some time"));
                }
                words.deprecated |= key == "preferred_lft" && !forever;
            }
            "noprefixroute" => words.noprefixroute = true,
            "nodad" => words.nodad = true,
            "anycast" | "home" | "mngtmpaddr" | "optimistic" | "autojoin" | "proto" => {
                return Err(Stop::unmodelled(format!("`{key}` of an address")));
            }
            _ => {
                let word = if key == "local" { args.value()? } else { key };
                if word == "help" {
                    return Err(Stop::unmodelled("help"));
                }
                if words.local.is_some() {
                    return Err(garbage("local", word));
                }
                let net = cidr(word, family)?;
                family.get_or_insert(net.family());
                words.local = Some(net);
            }
        }
    }
    let Some(dev) = dev else {
        return Err(Stop::said(1, "Not enough information: \"dev\" argument is required.\n"));
    };
    if let Some(label) = words.label.as_ref().filter(|l| l.len() > 15) {
        return Err(wrong(label, "\"label\" (must be 15 bytes at most)"));
    }
    words.broadcast = match (brd, words.peer.or(words.local)) {
        (Some(sign @ ("+" | "-")), Some(net)) => {
            let IpAddr::V4(addr) = net.addr else {
                return Err(Stop::said(1, "Broadcast can be set only for IPv4 addresses\n"));
            };
            let hosts = u32::MAX.checked_shr(net.length().into()).unwrap_or(0);
            let bits = if sign == "+" { addr.to_bits() | hosts } else { addr.to_bits() & !hosts };
            (net.length() <= 30).then_some(Ipv4Addr::from(bits))
        }
        (Some(word), _) => match word.parse() {
            Ok(addr) => Some(addr),
            Err(_) => return Err(invalid(word, "invalid broadcast address")),
        },
        (None, _) => None,
    };
    words.dev = dev.to_owned();
    Ok(words)
}

fn add(run: &mut Run<'_>, args: Args<'_>) -> Result<(), Stop> {
    let words = read(run, args)?;
    let dev = known(run, &words.dev)?;
    let Some(local) = words.local else { return Err(Stop::answers("Operation not supported")) };
    let len = words.peer.map_or(local.length(), |p| p.length());
    let mut address = Address::new(local.addr, len);
    address.peer = words.peer.map(|p| p.addr).filter(|p| *p != local.addr);
    address.broadcast = words.broadcast;
    address.metric = words.metric;
    address.noprefixroute = words.noprefixroute;
    address.nodad = words.nodad;
    address.deprecated = words.deprecated;
    address.label = words.label.filter(|_| local.addr.is_ipv4());
    match local.addr {
        IpAddr::V4(_) => address.scope = words.scope.unwrap_or(address.scope),
        IpAddr::V6(addr) => {
            if addr.is_multicast() {
                let why = "ipv6: Cannot assign multicast address without \"IFA_F_MCAUTOJOIN\" flag";
                return Err(Stop::kernel(why));
            }
            let off = run.host.sysctls.dev(Family::Ip6, crate::net::Conf::DisableIpv6, &dev) != 0;
            if off {
                return Err(Stop::kernel("ipv6: IPv6 is disabled on this device"));
            }
        }
    }
    if local.addr.is_unspecified() && local.addr.is_ipv4() {
        return Ok(());
    }
    let word = if local.addr.is_ipv4() { "ipv4: Address" } else { "ipv6: address" };
    run.host.add_address(&dev, address).map_err(|why| match why {
        AddressError::Exists => Stop::kernel(&format!("{word} already assigned")),
        AddressError::Scope => Stop::kernel("ipv4: Invalid scope value"),
    })
}

fn delete(run: &mut Run<'_>, args: Args<'_>) -> Result<(), Stop> {
    let words = read(run, args)?;
    let Some(local) = words.local.or(words.peer) else {
        return Err(Stop::answers("Operation not supported"));
    };
    if local.len.is_none() && words.peer.is_none() && local.addr.is_ipv4() {
        run.err += &format!(
            "Warning: Executing wildcard deletion to stay compatible with old scripts.\n         \
             Explicitly specify the prefix length ({}/32) to avoid this warning.\n         \
             This special behaviour is likely to disappear in further releases,\n         \
             fix your scripts!\n",
            local.addr
        );
    }
    let dev = known(run, &words.dev)?;
    let any_length = local.len.is_none() && words.peer.is_none() && local.addr.is_ipv4();
    let peer = words.peer.map_or(local, |p| p);
    let fits = |a: &&Address| {
        a.local == local.addr
            && words.label.as_ref().is_none_or(|l| a.label.as_deref().unwrap_or(dev.as_str()) == l)
            && (any_length
                || a.len == peer.length() && (!local.addr.is_ipv4() || a.network() == Some(peer.prefix())))
    };
    let found = run.host.addresses(&dev).iter().find(fits).map(|a| (a.local, a.len));
    let missing = if local.addr.is_ipv4() { "ipv4: Address not found" } else { "ipv6: address not found" };
    let (addr, len) = found.ok_or_else(|| Stop::kernel(missing))?;
    run.host.remove_address(&dev, addr, len);
    Ok(())
}
