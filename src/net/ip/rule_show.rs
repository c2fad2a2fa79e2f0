//! `ip rule show` and `flush`: which rules are meant, and how one is printed.

use super::args::{Args, Cidr, bounded, cidr, invalid};
use super::route_show::tos_name;
use super::route_words::{proto, table};
use super::{Run, Stop};
use crate::abi::IfName;
use crate::net::fib::{IpRule, Prefix, RouteProto, RuleAction, TableId};
use crate::netfilter::Family;
use std::fmt::Write as _;

/// Which rules are meant.
#[derive(Default)]
struct Filter {
    from: Option<Cidr>,
    to: Option<Cidr>,
    priority: Option<u32>,
    table: Option<TableId>,
    iif: Option<String>,
    oif: Option<String>,
    mark: Option<u32>,
    proto: Option<RouteProto>,
}

impl Filter {
    fn wants(&self, rule: &IpRule) -> bool {
        let inside = |net: &Cidr, of: Option<Prefix>| {
            of.is_some_and(|p| p.length() >= net.length() && net.prefix().contains(p.addr()))
        };
        let table = |t: TableId| rule.action == RuleAction::Lookup(t);
        let named = |want: &Option<String>, have: &Option<IfName>| {
            want.as_ref().is_none_or(|w| have.as_ref().is_some_and(|h| h.as_str() == w))
        };
        self.from.as_ref().is_none_or(|net| inside(net, rule.from))
            && self.to.as_ref().is_none_or(|net| inside(net, rule.to))
            && self.priority.is_none_or(|p| p == rule.priority)
            && self.table.is_none_or(table)
            && named(&self.iif, &rule.iif)
            && named(&self.oif, &rule.oif)
            && self.mark.is_none_or(|m| rule.mark.is_some_and(|(mark, _)| mark == m))
            && self.proto.is_none_or(|p| p == rule.proto)
    }
}

fn read(run: &Run<'_>, mut args: Args<'_>) -> Result<Filter, Stop> {
    let mut filter = Filter::default();
    while let Some(key) = args.next() {
        match key {
            "from" => filter.from = Some(cidr(args.value()?, run.family)?).filter(|n| n.length() > 0),
            "to" => filter.to = Some(cidr(args.value()?, run.family)?).filter(|n| n.length() > 0),
            "preference" | "pref" | "priority" | "prio" | "order" => {
                let read = bounded(args.value()?, u32::MAX.into(), "preference value is invalid")?;
                filter.priority = Some(read as u32);
            }
            "table" | "lookup" => {
                let word = args.value()?;
                filter.table = Some(table(word).map_err(|_| invalid(word, "invalid table ID"))?);
            }
            "iif" | "dev" => filter.iif = Some(args.value()?.to_owned()),
            "oif" => filter.oif = Some(args.value()?.to_owned()),
            "fwmark" => {
                let read = bounded(args.value()?, u32::MAX.into(), "fwmark value is invalid")?;
                filter.mark = Some(read as u32);
            }
            "protocol" | "proto" => filter.proto = Some(proto(args.value()?)?),
            _ => return Err(Stop::unmodelled(format!("`{key}` of a selection of rules"))),
        }
    }
    Ok(filter)
}

pub(super) fn show(run: &mut Run<'_>, args: Args<'_>) -> Result<(), Stop> {
    let filter = read(run, args)?;
    let family = run.family.unwrap_or(Family::Ip);
    let rules = run.host.fib.rules(family).iter().filter(|r| filter.wants(r));
    let text: String = rules.map(|r| line(run, family, r)).collect();
    run.out += &text;
    Ok(())
}

pub(super) fn flush(run: &mut Run<'_>, args: Args<'_>) -> Result<(), Stop> {
    let filter = read(run, args)?;
    let family = run.family.unwrap_or(Family::Ip);
    // Rule 0 stays unless its protocol is asked for.
    let goes = |r: &IpRule| (r.priority != 0 || filter.proto.is_some()) && filter.wants(r);
    while run.host.fib.remove_rule(family, goes).is_some() {}
    Ok(())
}

fn line(run: &Run<'_>, family: Family, rule: &IpRule) -> String {
    let mut out = format!("{}:\t", rule.priority);
    let net = |p: &Prefix| if p.is_host() { p.addr().to_string() } else { p.to_string() };
    if rule.not {
        out += "not ";
    }
    match &rule.from {
        Some(from) => out += &format!("from {}", net(from)),
        None => out += "from all",
    }
    if let Some(to) = &rule.to {
        let _ = write!(out, " to {}", net(to));
    }
    if rule.tos != 0 {
        let _ = write!(out, " tos {}", tos_name(rule.tos));
    }
    match rule.mark {
        Some((mark, u32::MAX)) => {
            let _ = write!(out, " fwmark 0x{mark:x}");
        }
        Some((mark, mask)) => {
            let _ = write!(out, " fwmark 0x{mark:x}/0x{mask:x}");
        }
        None => {}
    }
    for (key, name) in [("iif", &rule.iif), ("oif", &rule.oif)] {
        if let Some(name) = name {
            let detached = if run.host.devices.get(name).is_none() { " [detached]" } else { "" };
            let _ = write!(out, " {key} {name}{detached}");
        }
    }
    if let Some((first, last)) = rule.uids {
        let _ = write!(out, " uidrange {first}-{last}");
    }
    if let Some(proto) = rule.ipproto {
        let _ = write!(out, " ipproto {proto}");
    }
    for (key, range) in [("sport", rule.sport), ("dport", rule.dport)] {
        match range {
            Some((first, last)) if first == last => {
                let _ = write!(out, " {key} {first}");
            }
            Some((first, last)) => {
                let _ = write!(out, " {key} {first}-{last}");
            }
            None => {}
        }
    }
    match rule.action {
        RuleAction::Lookup(table) => {
            let _ = write!(out, " lookup {table}");
            if let Some(len) = rule.suppress_prefixlength {
                let _ = write!(out, " suppress_prefixlength {len}");
            }
            if let Some(group) = rule.suppress_ifgroup {
                let name = if group == 0 { "default".to_owned() } else { group.to_string() };
                let _ = write!(out, " suppress_ifgroup {name}");
            }
        }
        RuleAction::Goto(target) => {
            let _ = write!(out, " goto {target}");
            if !run.host.fib.rules(family).iter().any(|r| r.priority == target) {
                out += " [unresolved]";
            }
        }
        RuleAction::Nop => out += " nop",
        RuleAction::Blackhole => out += " blackhole",
        RuleAction::Unreachable => out += " unreachable",
        RuleAction::Prohibit => out += " prohibit",
    }
    let plain = rule.proto == RouteProto::UNSPEC || rule.proto == RouteProto::KERNEL;
    if !plain || run.details {
        let _ = write!(out, " proto {}", rule.proto);
    }
    out.push('\n');
    out
}
