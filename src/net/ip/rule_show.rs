//! `ip rule show` and `flush`: which rules are meant, and how one is printed.

use super::args::{Args, Cidr, bounded, cidr, invalid};
use super::link_show::group_name;
use super::print::{Print, Scalar};
use super::route_show::tos_name;
use super::route_words::{proto, table};
use super::{Run, Stop};
use crate::abi::IfName;
use crate::net::fib::{IpRule, Prefix, RouteProto, RuleAction, TableId};
use crate::netfilter::Family;

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
    let mut out = run.print();
    for rule in run.host.fib.rules(family).iter().filter(|r| filter.wants(r)) {
        line(run, family, rule, &mut out);
    }
    run.out += &out.finish();
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

fn line(run: &Run<'_>, family: Family, rule: &IpRule, out: &mut Print) {
    out.open(None);
    out.put("priority", rule.priority, format_args!("{}:\t", rule.priority));
    if rule.not {
        out.put("not", Scalar::Null, "not ");
    }
    match &rule.from {
        Some(from) => network("src", "srclen", "from ", from, out),
        None => out.put("src", "all", "from all"),
    }
    if let Some(to) = &rule.to {
        network("dst", "dstlen", " to ", to, out);
    }
    if rule.tos != 0 {
        let tos = tos_name(rule.tos);
        out.put("tos", tos.as_str(), format_args!(" tos {tos}"));
    }
    if let Some((mark, mask)) = rule.mark {
        out.put("fwmark", format!("0x{mark:x}"), format_args!(" fwmark 0x{mark:x}"));
        if mask != u32::MAX {
            out.put("fwmask", format!("0x{mask:x}"), format_args!("/0x{mask:x}"));
        }
    }
    for (key, detached, name) in [("iif", "iif_detached", &rule.iif), ("oif", "oif_detached", &rule.oif)] {
        if let Some(name) = name {
            out.put(key, name.as_str(), format_args!(" {key} {name}"));
            if run.host.devices.get(name).is_none() {
                out.put(detached, Scalar::Null, " [detached]");
            }
        }
    }
    if let Some((first, last)) = rule.uids {
        out.put("uid_start", first, format_args!(" uidrange {first}"));
        out.put("uid_end", last, format_args!("-{last}"));
    }
    if let Some(proto) = rule.ipproto {
        let word = proto.to_string();
        let nameless = word.bytes().all(|b| b.is_ascii_digit());
        let word = if nameless { format!("ipproto-{word}") } else { word };
        out.put("ipproto", word.as_str(), format_args!(" ipproto {word}"));
    }
    for (key, start, end, range) in
        [("sport", "sport_start", "sport_end", rule.sport), ("dport", "dport_start", "dport_end", rule.dport)]
    {
        match range {
            Some((first, last)) if first == last => {
                out.put(key, u32::from(first), format_args!(" {key} {first}"));
            }
            Some((first, last)) => {
                out.put(start, u32::from(first), format_args!(" {key} {first}"));
                out.put(end, u32::from(last), format_args!("-{last}"));
            }
            None => {}
        }
    }
    match rule.action {
        RuleAction::Lookup(table) => {
            out.put("table", table.to_string(), format_args!(" lookup {table}"));
            if let Some(len) = rule.suppress_prefixlength {
                out.put("suppress_prefixlen", u32::from(len), format_args!(" suppress_prefixlength {len}"));
            }
            if let Some(group) = rule.suppress_ifgroup {
                let name = group_name(group);
                out.put("suppress_ifgroup", name.as_str(), format_args!(" suppress_ifgroup {name}"));
            }
        }
        RuleAction::Goto(target) => {
            out.put("goto", target, format_args!(" goto {target}"));
            if !run.host.fib.rules(family).iter().any(|r| r.priority == target) {
                out.put("unresolved", Scalar::Null, " [unresolved]");
            }
        }
        RuleAction::Nop => out.put("nop", Scalar::Null, " nop"),
        RuleAction::Blackhole => out.put("action", "blackhole", " blackhole"),
        RuleAction::Unreachable => out.put("action", "unreachable", " unreachable"),
        RuleAction::Prohibit => out.put("action", "prohibit", " prohibit"),
    }
    let plain = rule.proto == RouteProto::UNSPEC || rule.proto == RouteProto::KERNEL;
    if !plain || run.details {
        out.put("protocol", rule.proto.to_string(), format_args!(" proto {}", rule.proto));
    }
    out.text('\n');
    out.close();
}

fn network(key: &str, length: &str, word: &str, net: &Prefix, out: &mut Print) {
    let addr = net.addr();
    out.put(key, addr.to_string(), format_args!("{word}{addr}"));
    if !net.is_host() {
        out.put(length, u32::from(net.length()), format_args!("/{}", net.length()));
    }
}
