//! `ip address show` and `flush`.

use super::args::{Args, Cidr, cidr, garbage, invalid, name};
use super::link_show::{Pick, head};
use super::{Run, Stop};
use crate::abi::IfName;
use crate::net::Device;
use crate::net::fib::{Address, Scope};
use crate::netfilter::Family;
use std::fmt::Write as _;

/// Which addresses are meant.
#[derive(Default)]
struct Filter {
    pick: Pick,
    scope: Option<Scope>,
    net: Option<Cidr>,
    label: Option<String>,
}

impl Filter {
    fn wants(&self, run: &Run<'_>, device: &Device, a: &Address) -> bool {
        let label = a.label.as_deref().unwrap_or(device.link.name.as_str());
        run.of_family(Family::of(a.local))
            && self.scope.is_none_or(|s| s == a.scope)
            && self.net.is_none_or(|net| net.prefix().contains(a.local) && net.length() <= a.len.max(32))
            && self.label.as_ref().is_none_or(|l| a.local.is_ipv4() && l == label)
    }

    fn some(&self) -> bool {
        self.scope.is_some() || self.net.is_some() || self.label.is_some()
    }
}

fn read(run: &mut Run<'_>, mut args: Args<'_>) -> Result<Filter, Stop> {
    let mut filter = Filter::default();
    while let Some(key) = args.next() {
        match key {
            "to" => {
                let net = cidr(args.value()?, run.family)?;
                run.family.get_or_insert(net.family());
                filter.net = Some(net);
            }
            "scope" => {
                let word = args.value()?;
                filter.scope = match word {
                    "all" => None,
                    _ => Some(Scope::parse(word).ok_or_else(|| invalid(word, "invalid \"scope\""))?),
                };
            }
            "up" => filter.pick.up = true,
            "label" => filter.label = Some(args.value()?.to_owned()),
            "type" => filter.pick.kind = Some(args.value()?.to_owned()),
            "master" => filter.pick.read_master(run, &mut args)?,
            "group" => filter.pick.read_group(&mut args)?,
            "dynamic" | "permanent" | "secondary" | "primary" | "temporary" | "tentative" | "deprecated"
            | "dadfailed" | "vrf" | "home" => {
                return Err(Stop::unmodelled(format!("`{key}` of a selection of addresses")));
            }
            _ => {
                let word = if key == "dev" { args.value()? } else { key };
                if filter.pick.dev.is_some() {
                    return Err(garbage("dev", word));
                }
                let known = name(word).filter(|n| run.host.devices.get(n).is_some());
                let gone = || Stop::said(1, format!("Device \"{word}\" does not exist.\n"));
                filter.pick.dev = Some(known.ok_or_else(gone)?);
            }
        }
    }
    Ok(filter)
}

pub(super) fn show(run: &mut Run<'_>, args: Args<'_>) -> Result<(), Stop> {
    let filter = read(run, args)?;
    let mut text = String::new();
    for device in run.host.devices.by_index() {
        if !filter.pick.wants(device) {
            continue;
        }
        // IPv4 addresses come before IPv6 ones.
        let of = |v4: bool| device.link.addrs.iter().filter(move |a| a.local.is_ipv4() == v4);
        let addrs: Vec<&Address> =
            of(true).chain(of(false)).filter(|a| filter.wants(run, device, a)).collect();
        if addrs.is_empty() && (run.family.is_some() || filter.some()) {
            continue;
        }
        if run.brief {
            text += &super::link_show::brief_head(device);
            for a in addrs {
                text += &pair(a);
                if a.metric != 0 {
                    let _ = write!(text, " metric {}", a.metric);
                }
                text.push(' ');
            }
            text.push('\n');
            continue;
        }
        if !run.oneline {
            text += &head(run, device, false);
        }
        for a in addrs {
            text += &line(run, device, a);
        }
    }
    run.out += &text;
    Ok(())
}

pub(super) fn flush(run: &mut Run<'_>, args: Args<'_>) -> Result<(), Stop> {
    if args.peek().is_none() {
        return Err(Stop::said(1, "Flush requires arguments.\n"));
    }
    let filter = read(run, args)?;
    let mut gone = Vec::new();
    for device in run.host.devices.by_index() {
        if !filter.pick.wants(device) {
            continue;
        }
        let name: &IfName = &device.link.name;
        let meant = device.link.addrs.iter().filter(|a| filter.wants(run, device, a));
        gone.extend(meant.map(|a| (name.clone(), a.local, a.len)));
    }
    for (dev, addr, len) in gone {
        run.host.remove_address(&dev, addr, len);
    }
    Ok(())
}

/// The address and its length; the other end's, where the link has one.
fn pair(a: &Address) -> String {
    match a.peer {
        Some(peer) => format!("{} peer {peer}/{}", a.local, a.len),
        None => format!("{}/{}", a.local, a.len),
    }
}

fn line(run: &Run<'_>, device: &Device, a: &Address) -> String {
    let mut out = String::new();
    if run.oneline {
        let _ = write!(out, "{}: {}", device.link.index, device.link.name);
    }
    let v4 = a.local.is_ipv4();
    let _ = write!(out, "    {} {} ", if v4 { "inet" } else { "inet6" }, pair(a));
    if a.metric != 0 {
        let _ = write!(out, "metric {} ", a.metric);
    }
    if let Some(brd) = a.broadcast {
        let _ = write!(out, "brd {brd} ");
    }
    let _ = write!(out, "scope {} ", a.scope);
    for (flag, word) in [
        (a.secondary, "secondary "),
        (a.nodad, "nodad "),
        (a.home, "home "),
        (a.deprecated, "deprecated "),
        (a.tentative, "tentative "),
        (a.noprefixroute, "noprefixroute "),
    ] {
        if flag {
            out += word;
        }
    }
    if v4 {
        out += a.label.as_deref().unwrap_or(device.link.name.as_str());
    }
    out += run.line_break();
    let preferred = if a.deprecated { "0sec" } else { "forever" };
    let _ = writeln!(out, "       valid_lft forever preferred_lft {preferred}");
    out
}
