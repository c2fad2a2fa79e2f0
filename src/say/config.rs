//! Sentences for changes of a host's configuration.

use super::{Lang, Text};
use crate::abi::IfName;
use crate::net::fib::{Address, IpRule, Route, RuleAction};
use crate::net::{ConfigEvent, DeviceKind, LinkChange, RouteKind};

/// Says what changed in a host's configuration.
pub(super) fn config(lang: Lang, event: &ConfigEvent) -> String {
    let text = Text::events(lang);
    let on = |key, dev: &IfName, name, value: &str| text.with(key, &[("iface", dev.as_str()), (name, value)]);
    match event {
        ConfigEvent::NamespaceAdded { name } => text.with("namespace-added", &[("name", name)]),
        ConfigEvent::NamespaceRemoved { name } => text.with("namespace-removed", &[("name", name)]),
        ConfigEvent::LinkAdded { dev, kind, from: None, .. } => on("link-added", dev, "kind", word(kind)),
        ConfigEvent::LinkAdded { dev, from: Some(host), .. } => on("link-came", dev, "host", host),
        ConfigEvent::LinkDeleted { dev, to: None, .. } => {
            text.with("link-deleted", &[("iface", dev.as_str())])
        }
        ConfigEvent::LinkDeleted { dev, to: Some(host), .. } => on("link-went", dev, "host", host),
        ConfigEvent::LinkChanged { dev, change } => link(lang, dev, change),
        ConfigEvent::CarrierChanged { dev, carrier } => {
            let key = if *carrier { "carrier-on" } else { "carrier-off" };
            text.with(key, &[("iface", dev.as_str())])
        }
        ConfigEvent::AddressAdded { dev, address, .. } => on("address-added", dev, "addr", &addr(address)),
        ConfigEvent::AddressRemoved { dev, address } => on("address-removed", dev, "addr", &addr(address)),
        ConfigEvent::AddressChanged { dev, after, .. } => on("address-changed", dev, "addr", &addr(after)),
        ConfigEvent::RouteAdded { table, route: r, .. } => {
            text.with("route-added", &[("table", &table.to_string()), ("route", &route(r))])
        }
        ConfigEvent::RouteRemoved { table, route: r } => {
            text.with("route-removed", &[("table", &table.to_string()), ("route", &route(r))])
        }
        ConfigEvent::RouteReplaced { table, after, .. } => {
            text.with("route-replaced", &[("table", &table.to_string()), ("route", &route(after))])
        }
        ConfigEvent::RuleAdded { family, rule: r, .. } => text.with(
            "ip-rule-added",
            &[("family", if family.is_v4() { "IPv4" } else { "IPv6" }), ("rule", &rule(r))],
        ),
        ConfigEvent::RuleRemoved { family, rule: r } => text.with(
            "ip-rule-removed",
            &[("family", if family.is_v4() { "IPv4" } else { "IPv6" }), ("rule", &rule(r))],
        ),
        ConfigEvent::NeighbourRemoved { dev, addr } => {
            on("neighbour-removed", dev, "addr", &addr.to_string())
        }
        ConfigEvent::FdbRemoved { bridge, port, mac } => text.with(
            "fdb-removed",
            &[("bridge", bridge.as_str()), ("port", port.as_str()), ("mac", &mac.to_string())],
        ),
        ConfigEvent::SysctlSet { key, value } => {
            text.with("sysctl-set", &[("key", key), ("value", &value.to_string())])
        }
    }
}

fn link(lang: Lang, dev: &IfName, change: &LinkChange) -> String {
    let text = Text::events(lang);
    let iface = ("iface", dev.as_str());
    let set =
        |setting: &str, value: &str| text.with("link-set", &[iface, ("setting", setting), ("value", value)]);
    let switch = |setting: &str, on: bool| set(setting, if on { "on" } else { "off" });
    match change {
        LinkChange::Up(true) => text.with("link-up", &[iface]),
        LinkChange::Up(false) => text.with("link-down", &[iface]),
        LinkChange::Name(from) => text.with("link-renamed", &[iface, ("from", from.as_str())]),
        LinkChange::Mtu(mtu) => text.with("link-mtu", &[iface, ("value", &mtu.to_string())]),
        LinkChange::Mac(mac) => text.with("link-mac", &[iface, ("value", &mac.to_string())]),
        LinkChange::Master(Some(bridge)) => text.with("link-master", &[iface, ("value", bridge.as_str())]),
        LinkChange::Master(None) => text.with("link-nomaster", &[iface]),
        LinkChange::Hairpin(on) => switch("hairpin", *on),
        LinkChange::Promisc(on) => switch("promisc", *on),
        LinkChange::Allmulticast(on) => switch("allmulticast", *on),
        LinkChange::Multicast(on) => switch("multicast", *on),
        LinkChange::Queue(packets) => set("txqueuelen", &packets.to_string()),
        LinkChange::Alias(Some(alias)) => set("alias", alias),
        LinkChange::Alias(None) => text.with("link-unset", &[iface, ("setting", "alias")]),
        LinkChange::Group(group) => set("group", &group.to_string()),
    }
}

/// The word of ip-link(8) for a kind.
fn word(kind: &DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Loopback => "loopback",
        DeviceKind::Veth => "veth",
        DeviceKind::Bridge(_) => "bridge",
        DeviceKind::Dummy => "dummy",
        DeviceKind::Tap => "tap",
        DeviceKind::Macvlan { .. } => "macvlan",
        DeviceKind::Vlan { .. } => "vlan",
        DeviceKind::Described => "device",
    }
}

fn addr(address: &Address) -> String {
    match address.peer {
        Some(peer) => format!("{} peer {peer}/{}", address.local, address.len),
        None => format!("{}/{}", address.local, address.len),
    }
}

/// A route in short, in the words of ip-route(8).
fn route(route: &Route) -> String {
    let mut words = Vec::new();
    if route.kind != RouteKind::Unicast {
        words.push(route.kind.to_string());
    }
    words.push(if route.dst.length() == 0 { "default".to_owned() } else { route.dst.to_string() });
    for hop in &route.nexthops {
        words.extend(hop.via.map(|via| format!("via {via}")));
        words.extend(hop.dev.as_ref().map(|dev| format!("dev {dev}")));
    }
    words.extend(route.prefsrc.map(|src| format!("src {src}")));
    if route.metric != 0 {
        words.push(format!("metric {}", route.metric));
    }
    words.join(" ")
}

/// A rule in short, in the words of ip-rule(8).
fn rule(rule: &IpRule) -> String {
    let mut words = vec![format!("{}:", rule.priority)];
    if rule.not {
        words.push("not".to_owned());
    }
    words.push(rule.from.map_or("from all".to_owned(), |net| format!("from {net}")));
    words.extend(rule.to.map(|net| format!("to {net}")));
    words.extend(rule.mark.map(|(mark, mask)| format!("fwmark {mark:#x}/{mask:#x}")));
    words.extend(rule.iif.as_ref().map(|dev| format!("iif {dev}")));
    words.extend(rule.oif.as_ref().map(|dev| format!("oif {dev}")));
    words.push(match rule.action {
        RuleAction::Lookup(table) => format!("lookup {table}"),
        RuleAction::Goto(priority) => format!("goto {priority}"),
        RuleAction::Nop => "nop".to_owned(),
        RuleAction::Blackhole => "blackhole".to_owned(),
        RuleAction::Unreachable => "unreachable".to_owned(),
        RuleAction::Prohibit => "prohibit".to_owned(),
    });
    words.join(" ")
}
