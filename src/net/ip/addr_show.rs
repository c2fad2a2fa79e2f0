//! `ip address show` and `flush`.

use super::args::{Args, Cidr, cidr, garbage, invalid, name};
use super::link_show::{Pick, Told, brief, head};
use super::print::Print;
use super::{Run, Stop};
use crate::abi::IfName;
use crate::net::Device;
use crate::net::fib::{Address, Scope};
use crate::netfilter::Family;

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
    let mut out = run.print();
    // Of all devices IPv6 alone tells less.
    let short = run.family == Some(Family::Ip6) && filter.pick.dev.is_none();
    for device in run.host.devices.by_index() {
        // With a family the kernel tells of all, and `ip` looks for those that are meant; IPv6 does not say what they
        // are.
        let silent = short && (filter.pick.kind.is_some() || filter.pick.master.is_some());
        let meant = filter.pick.wants(device) && !silent;
        if !meant && (run.family.is_none() || !filter.pick.told(device)) {
            continue;
        }
        // IPv4 addresses come before IPv6 ones.
        let all = &device.link.addrs;
        let of = |family: Family| {
            let told = run.of_family(family);
            all.iter().filter(move |a| told && Family::of(a.local) == family)
        };
        let wanted = |a: &Address| filter.wants(run, device, a);
        let one = all.iter().any(wanted);
        if !one && (run.family.is_some() || (filter.some() && !all.is_empty())) {
            continue;
        }
        out.open(None);
        let left_out = (!meant || (filter.pick.up && !device.link.up)) && (run.brief || !run.oneline);
        if !left_out {
            if run.brief {
                brief(device, &mut out);
            } else if !run.oneline {
                head(run, device, Told { mode: false, short }, &mut out)?;
            }
            out.open_list("addr_info");
            for a in of(Family::Ip).chain(of(Family::Ip6)) {
                out.open(None);
                if wanted(a) {
                    line(run, device, a, &mut out);
                }
                out.close();
            }
            out.close_list();
            if run.brief {
                out.text('\n');
            }
        }
        out.close();
    }
    run.out += &out.finish();
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

fn line(run: &Run<'_>, device: &Device, a: &Address, out: &mut Print) {
    if run.oneline && !run.brief {
        out.put("index", device.link.index, format_args!("{}: ", device.link.index));
        out.put("dev", device.link.name.as_str(), &device.link.name);
    }
    let v4 = a.local.is_ipv4();
    if !run.brief {
        let family = if v4 { "inet" } else { "inet6" };
        out.put("family", family, format_args!("    {family} "));
    }
    out.put("local", a.local.to_string(), a.local);
    if let Some(peer) = a.peer {
        out.put("address", peer.to_string(), format_args!(" peer {peer}"));
    }
    out.put("prefixlen", u32::from(a.len), format_args!("/{} ", a.len));
    if a.metric != 0 {
        out.put("metric", a.metric, format_args!("metric {} ", a.metric));
    }
    if run.brief {
        return;
    }
    if let Some(brd) = a.broadcast {
        out.put("broadcast", brd.to_string(), format_args!("brd {brd} "));
    }
    out.put("scope", a.scope.to_string(), format_args!("scope {} ", a.scope));
    for (flag, word) in [
        (a.secondary, "secondary"),
        (a.nodad, "nodad"),
        (a.home, "home"),
        (a.deprecated, "deprecated"),
        (a.tentative, "tentative"),
        (a.noprefixroute, "noprefixroute"),
    ] {
        if flag {
            out.put(word, true, format_args!("{word} "));
        }
    }
    if v4 {
        let label = a.label.as_deref().unwrap_or(device.link.name.as_str());
        out.put("label", label, label);
    }
    out.line();
    out.put("valid_life_time", u32::MAX, "       valid_lft forever");
    match a.deprecated {
        true => out.put("preferred_life_time", 0, " preferred_lft 0sec"),
        false => out.put("preferred_life_time", u32::MAX, " preferred_lft forever"),
    }
    out.text('\n');
}
