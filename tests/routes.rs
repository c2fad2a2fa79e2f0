//! Routing as a real kernel does it: random addresses, routes and rules, and what `ip route get` answered. The
//! recordings are made by `tests/record/routes.py`; `ROUTES_DIR` names a folder of more.
#![cfg(not(target_arch = "wasm32"))]

use serde_json::Value;
use std::net::IpAddr;
use std::path::PathBuf;
use vitrine::abi::IfName;
use vitrine::net::fib::{
    Address, Fib, Flow, Insert, IpRule, Link, Nexthop, Prefix, Route, RouteKind, RuleAction, TableId,
};
use vitrine::netfilter::Family;
use vitrine::packet::Proto;

fn cases() -> Vec<(PathBuf, Value)> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for dir in [Some("tests/data/routes".to_owned()), std::env::var("ROUTES_DIR").ok()].into_iter().flatten()
    {
        paths.extend(std::fs::read_dir(dir).expect("recordings").flatten().map(|e| e.path()));
    }
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a recording");
        let case = serde_json::from_str(&text).expect("JSON");
        (path, case)
    };
    paths.into_iter().map(read).collect()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn dev(value: &Value) -> Option<IfName> {
    value.as_str().and_then(IfName::new)
}

fn addr(value: &Value) -> Option<IpAddr> {
    value.as_str().and_then(|text| text.parse().ok())
}

fn prefix(value: &Value) -> Option<Prefix> {
    let (addr, len) = value.as_str()?.split_once('/')?;
    Prefix::new(addr.parse().ok()?, len.parse().ok()?)
}

fn number(value: &Value) -> u32 {
    match value.as_str() {
        Some(text) => match text.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).expect("a hexadecimal number"),
            None => text.parse().expect("a number"),
        },
        None => value.as_u64().unwrap_or(0) as u32,
    }
}

fn proto(value: &Value) -> Option<Proto> {
    value.as_str().and_then(Proto::by_name)
}

struct World {
    links: Vec<Link>,
    fib: Fib,
}

impl World {
    fn link(&mut self, name: &IfName) -> &mut Link {
        self.links.iter_mut().find(|l| l.name == *name).expect("an interface of the case")
    }

    fn add(&mut self, name: &IfName, address: Address) -> bool {
        let link = self.link(name);
        let Ok(address) = address.insert(&mut link.addrs) else { return false };
        let link = link.clone();
        self.fib.address_added(&link, &address);
        true
    }
}

fn world(case: &Value) -> World {
    let forwarding = case["forwarding"].as_bool() == Some(true);
    let v6 = case["v6"].as_bool() == Some(true);
    let names = ["lo", "d0", "d1", "d2", "p0", "p1", "p2"];
    let mut world = World { links: Vec::new(), fib: Fib::new() };
    for (index, name) in [1, 10, 11, 12, 20, 21, 22].into_iter().zip(names) {
        let mut link = Link::new(IfName::new(name).expect("a name"), index);
        link.conf.forwarding = forwarding && !v6;
        link.conf.forwarding6 = forwarding && v6;
        link.conf.rp_filter = number(&case["rp_filter"]) as u8;
        world.fib.device_up(&link);
        world.links.push(link);
    }
    let lo = IfName::lo();
    assert!(world.add(&lo, Address::new("127.0.0.1".parse().expect("IPv4"), 8)));
    assert!(world.add(&lo, Address::new("::1".parse().expect("IPv6"), 128)));
    for a in list(case, "addrs") {
        let address = Address::new(addr(&a["addr"]).expect("an address"), number(&a["len"]) as u8);
        let added = world.add(&dev(&a["dev"]).expect("a device"), address);
        assert_eq!(Some(added), a["ok"].as_bool(), "{a}");
    }
    for r in list(case, "routes") {
        let kind = RouteKind::ALL.into_iter().find(|k| Some(k.word()) == r["kind"].as_str()).expect("a kind");
        let mut way = Nexthop::new(dev(&r["dev"]), addr(&r["via"]));
        way.onlink = way.via.is_some();
        let route = Route {
            kind,
            nexthops: match (kind.is_error(), v6) {
                (true, false) => Vec::new(),
                (true, true) => vec![Nexthop::new(Some(IfName::lo()), None)],
                (false, _) => vec![way],
            },
            prefsrc: addr(&r["src"]),
            metric: if v6 && number(&r["metric"]) == 0 { 1024 } else { number(&r["metric"]) },
            scope: if v6 || kind.is_error() || r["via"].is_string() {
                vitrine::net::fib::Scope::GLOBAL
            } else {
                vitrine::net::fib::Scope::LINK
            },
            tos: number(&r["tos"]) as u8,
            ..Route::new(prefix(&r["dst"]).expect("a network"))
        };
        let table = r["table"].as_str().map_or(TableId::MAIN, |t| TableId::parse(t).expect("a table"));
        world.fib.insert(table, route, Insert::Add).expect("the kernel took it");
    }
    let family = if v6 { Family::Ip6 } else { Family::Ip };
    for r in list(case, "rules") {
        let words: Vec<&str> = list(r, "action").iter().filter_map(Value::as_str).collect();
        let action = match words[..] {
            ["lookup", table] => RuleAction::Lookup(TableId::parse(table).expect("a table")),
            ["goto", priority] => RuleAction::Goto(priority.parse().expect("a priority")),
            ["nop"] => RuleAction::Nop,
            ["blackhole"] => RuleAction::Blackhole,
            ["unreachable"] => RuleAction::Unreachable,
            ["prohibit"] => RuleAction::Prohibit,
            ref other => panic!("{other:?}"),
        };
        let rule = IpRule {
            not: r["not"].as_bool() == Some(true),
            from: prefix(&r["from"]).filter(|p| !p.is_all()),
            to: prefix(&r["to"]).filter(|p| !p.is_all()),
            iif: dev(&r["iif"]),
            oif: dev(&r["oif"]),
            mark: r["fwmark"].is_string().then_some((1, 3)),
            tos: number(&r["tos"]) as u8,
            ipproto: proto(&r["ipproto"]),
            dport: r["dport"].is_string().then_some((80, 90)),
            suppress_prefixlength: r["suppress"].as_u64().map(|n| n as u8),
            ..IpRule::new(number(&r["priority"]), action)
        };
        assert!(world.fib.add_rule(family, rule, true), "the kernel took {r}");
    }
    for a in list(case, "removed") {
        let name = dev(&a["dev"]).expect("a device");
        let link = world.link(&name);
        let local = addr(&a["addr"]);
        let at = link.addrs.iter().position(|x| Some(x.local) == local && x.len == number(&a["len"]) as u8);
        let gone = Address::remove(&mut link.addrs, at.expect("the address"));
        let link = link.clone();
        for address in gone {
            world.fib.address_removed(&link, &address);
        }
    }
    for down in list(case, "down") {
        let name = dev(down).expect("a device");
        let link = world.link(&name);
        link.up = false;
        link.carrier = false;
        link.addrs.retain(|a| a.local.is_ipv4());
        let link = link.clone();
        world.fib.device_down(&link);
        world.link(&IfName::new(&name.as_str().replace('d', "p")).expect("a name")).carrier = false;
    }
    world
}

fn ask(world: &World, asked: &Value) -> String {
    let (iif, oif) = (dev(&asked["iif"]), dev(&asked["oif"]));
    let flow = Flow {
        src: addr(&asked["from"]),
        iif: iif.as_ref(),
        oif: oif.as_ref(),
        mark: number(&asked["mark"]),
        tos: number(&asked["tos"]) as u8,
        proto: proto(&asked["ipproto"]).unwrap_or(Proto::ALL),
        sport: number(&asked["sport"]) as u16,
        dport: number(&asked["dport"]) as u16,
        ..Flow::to(addr(&asked["dst"]).expect("a destination"))
    };
    let found = if iif.is_some() {
        world.fib.route_input(&world.links, &flow)
    } else {
        world.fib.route_output(&world.links, &flow)
    };
    match found {
        Err(why) => format!("RTNETLINK answers: {why}"),
        Ok(to) => {
            let src = if iif.is_some() || flow.src.is_some() { None } else { to.src };
            let text = |addr: Option<IpAddr>| addr.map_or("-".into(), |a| a.to_string());
            format!("{} dev {} via {} src {}", to.kind, to.dev, text(to.gateway), text(src))
        }
    }
}

fn answered(asked: &Value) -> String {
    let answer = &asked["answer"];
    if let Some(error) = answer["error"].as_str() {
        return error.to_owned();
    }
    let text = |key: &str| answer[key].as_str().unwrap_or("-").to_owned();
    let chosen = asked["iif"].is_null() && asked["from"].is_null();
    let src = if chosen { text("prefsrc") } else { "-".into() };
    format!("{} dev {} via {} src {src}", text("type"), text("dev"), text("gateway"))
}

#[test]
fn flows_go_where_the_kernel_sends_them() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (path, case) in cases() {
        let world = world(&case);
        for asked in list(&case, "asked") {
            count += 1;
            let (ours, theirs) = (ask(&world, asked), answered(asked));
            if ours != theirs {
                wrong.push(format!("{}: {asked}\n  ours {ours}\n  real {theirs}", path.display()));
            }
        }
    }
    assert!(count > 0, "nothing was recorded");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}
