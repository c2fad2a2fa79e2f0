//! Routes, routing rules and neighbours as a lab's file has them: the words after `ip route add`, `ip rule add`,
//! `ip neigh add`.

use crate::abi::{IfName, Mac};
use crate::net::Host;
use crate::net::fib::{Flow, Insert, IpRule, Nexthop, Prefix, Route, RouteKind, RuleAction, Scope, TableId};
use crate::netfilter::Family;
use crate::packet::Proto;
use std::net::IpAddr;
use std::str::FromStr;

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn value<T: FromStr>(words: &mut Words, key: &str) -> Result<T, String> {
    let word = words.next().ok_or_else(|| format!("`{key}` needs a value"))?;
    word.parse().map_err(|_| format!("`{word}` is no value for `{key}`"))
}

fn device(words: &mut Words, key: &str) -> Result<IfName, String> {
    let word = words.next().ok_or_else(|| format!("`{key}` needs an interface"))?;
    IfName::new(word).ok_or_else(|| format!("`{word}` is no interface's name"))
}

fn table(words: &mut Words, key: &str) -> Result<TableId, String> {
    let word = words.next().ok_or_else(|| format!("`{key}` needs a table"))?;
    TableId::parse(word).ok_or_else(|| format!("`{word}` is no table"))
}

/// `default`, `ADDRESS` or `ADDRESS/LENGTH`.
fn prefix(word: &str, v6: bool) -> Result<Prefix, String> {
    if matches!(word, "default" | "all" | "any") {
        return Ok(Prefix::all(if v6 { Family::Ip6 } else { Family::Ip }));
    }
    let (addr, len) = word.split_once('/').map_or((word, None), |(a, l)| (a, Some(l)));
    let bad = || format!("`{word}` is no network");
    let addr: IpAddr = addr.parse().map_err(|_| bad())?;
    let len = match len {
        Some(len) => len.parse().map_err(|_| bad())?,
        None => Family::of(addr).bits(),
    };
    Prefix::new(addr, len).ok_or_else(bad)
}

/// Reads one `nexthop`'s words.
fn nexthop(words: &mut Words) -> Result<Nexthop, String> {
    let mut hop = Nexthop::new(None, None);
    while let Some(&key) = words.peek() {
        match key {
            "via" => {
                words.next();
                hop.via = Some(gateway(words)?);
            }
            "dev" => {
                words.next();
                hop.dev = Some(device(words, "dev")?);
            }
            "weight" => {
                words.next();
                hop.weight = value(words, "weight")?;
            }
            "onlink" => {
                words.next();
                hop.onlink = true;
            }
            _ => break,
        }
    }
    Ok(hop)
}

fn gateway(words: &mut Words) -> Result<IpAddr, String> {
    if matches!(words.peek(), Some(&("inet" | "inet6"))) {
        words.next();
    }
    value(words, "via")
}

/// Adds a route to a host.
pub(super) fn add_route(host: &mut Host, line: &str) -> Result<(), String> {
    let mut words: Words = line.split_whitespace().peekable();
    let v6_words = line.contains("via fe80") || line.split_whitespace().any(|w| w.contains("::"));
    let first = words.peek().copied().unwrap_or_default();
    let kind = RouteKind::ALL.into_iter().find(|k| k.word() == first);
    if kind.is_some() {
        words.next();
    }
    let net = prefix(words.next().ok_or("a route needs a network")?, v6_words)?;
    let kind = kind.unwrap_or(RouteKind::Unicast);
    let v6 = net.family() == Family::Ip6;
    let mut route = Route { kind, ..Route::new(net) };
    let mut hop = Nexthop::new(None, None);
    let mut into = if kind == RouteKind::Local { TableId::LOCAL } else { TableId::MAIN };
    let mut scope = None;
    while let Some(key) = words.next() {
        match key {
            "via" => hop.via = Some(gateway(&mut words)?),
            "dev" => hop.dev = Some(device(&mut words, key)?),
            "onlink" => hop.onlink = true,
            "table" => into = table(&mut words, key)?,
            "metric" | "preference" | "priority" => route.metric = value(&mut words, key)?,
            "src" => route.prefsrc = Some(value(&mut words, key)?),
            "tos" | "dsfield" => route.tos = hex(words.next().unwrap_or_default())? as u8,
            "mtu" => {
                route.metrics.mtu_lock = words.next_if_eq(&"lock").is_some();
                route.metrics.mtu = Some(value(&mut words, key)?);
            }
            "advmss" => route.metrics.advmss = Some(value(&mut words, key)?),
            "scope" => scope = words.next().and_then(Scope::parse),
            "proto" | "protocol" => {
                words.next();
            }
            "nexthop" => route.nexthops.push(nexthop(&mut words)?),
            other => return Err(format!("`{other}` means nothing here")),
        }
    }
    if kind.is_error() && v6 && hop.dev.is_none() {
        hop.dev = Some(IfName::lo());
    }
    if (hop.dev.is_some() || hop.via.is_some()) && route.nexthops.is_empty() {
        route.nexthops.push(hop);
    }
    for hop in &mut route.nexthops {
        if let (None, Some(via)) = (&hop.dev, hop.via) {
            let found = host.fib.route_output(&host.devices, &Flow::to(via)).map_err(|e| e.to_string())?;
            hop.dev = Some(found.dev);
        }
    }
    let has_gateway = route.nexthops.iter().any(|h| h.via.is_some());
    route.scope = scope.unwrap_or(match kind {
        RouteKind::Local => Scope::HOST,
        RouteKind::Unicast if !v6 && !has_gateway => Scope::LINK,
        RouteKind::Broadcast | RouteKind::Multicast | RouteKind::Anycast => Scope::LINK,
        _ => Scope::GLOBAL,
    });
    if v6 && route.metric == 0 {
        route.metric = 1024;
    }
    host.fib.insert(into, route, Insert::Add).map_err(|e| e.to_string())
}

/// Reads `0x10`, `16`.
fn hex(word: &str) -> Result<u32, String> {
    let number = match word.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => word.parse(),
    };
    number.map_err(|_| format!("`{word}` is no number"))
}

fn range<T: FromStr + Copy>(word: &str) -> Result<(T, T), String> {
    let bad = || format!("`{word}` is no range");
    let (low, high) = word.split_once('-').unwrap_or((word, word));
    Ok((low.parse().map_err(|_| bad())?, high.parse().map_err(|_| bad())?))
}

/// Adds a routing rule to a host.
pub(super) fn add_rule(host: &mut Host, line: &str) -> Result<(), String> {
    let mut words: Words = line.split_whitespace().peekable();
    let v6 = line.split_whitespace().any(|w| w.contains(':')) || words.next_if_eq(&"-6").is_some();
    let family = if v6 { Family::Ip6 } else { Family::Ip };
    let mut rule = IpRule::new(host.fib.default_priority(family), RuleAction::Lookup(TableId::MAIN));
    let everything = |p: Prefix| (!p.is_all()).then_some(p);
    while let Some(key) = words.next() {
        let mut word = || words.next().ok_or_else(|| format!("`{key}` needs a value"));
        match key {
            "not" => rule.not = true,
            "from" => rule.from = everything(prefix(word()?, v6)?),
            "to" => rule.to = everything(prefix(word()?, v6)?),
            "iif" | "dev" => rule.iif = Some(device(&mut words, key)?),
            "oif" => rule.oif = Some(device(&mut words, key)?),
            "fwmark" => {
                let text = word()?;
                let (mark, mask) = text.split_once('/').unwrap_or((text, "0xffffffff"));
                rule.mark = Some((hex(mark)?, hex(mask)?));
            }
            "tos" | "dsfield" => rule.tos = hex(word()?)? as u8,
            "uidrange" => rule.uids = Some(range(word()?)?),
            "ipproto" => {
                let name = word()?;
                rule.ipproto = Some(
                    Proto::by_name(name)
                        .or(name.parse().ok().map(Proto))
                        .ok_or_else(|| format!("`{name}` is no protocol"))?,
                );
            }
            "sport" => rule.sport = Some(range(word()?)?),
            "dport" => rule.dport = Some(range(word()?)?),
            "table" | "lookup" => rule.action = RuleAction::Lookup(table(&mut words, key)?),
            "goto" => rule.action = RuleAction::Goto(value(&mut words, key)?),
            "nop" => rule.action = RuleAction::Nop,
            "blackhole" => rule.action = RuleAction::Blackhole,
            "unreachable" => rule.action = RuleAction::Unreachable,
            "prohibit" => rule.action = RuleAction::Prohibit,
            "priority" | "pref" | "preference" | "order" => rule.priority = value(&mut words, key)?,
            "suppress_prefixlength" | "sup_pl" => rule.suppress_prefixlength = Some(value(&mut words, key)?),
            "suppress_ifgroup" | "sup_group" => rule.suppress_ifgroup = Some(value(&mut words, key)?),
            other => return Err(format!("`{other}` means nothing here")),
        }
    }
    if host.fib.add_rule(family, rule, true) { Ok(()) } else { Err("File exists".into()) }
}

/// A neighbour set by hand: `ADDRESS lladdr MAC dev IF`.
pub(super) fn add_neighbour(host: &mut Host, line: &str) -> Result<(), String> {
    let mut words: Words = line.split_whitespace().peekable();
    let addr: IpAddr = value(&mut words, "neighbour")?;
    let (mut mac, mut dev) = (None, None);
    while let Some(key) = words.next() {
        match key {
            "lladdr" => mac = Some(value::<Mac>(&mut words, key)?),
            "dev" => dev = Some(device(&mut words, key)?),
            "nud" => {
                words.next();
            }
            other => return Err(format!("`{other}` means nothing here")),
        }
    }
    match (mac, dev) {
        (Some(mac), Some(dev)) => {
            host.neighbours.set_permanent(dev, addr, mac);
            Ok(())
        }
        _ => Err("a neighbour needs `lladdr` and `dev`".into()),
    }
}
