//! Ready-made packets: the questions that people come with.

use super::form::{Carries, Form};
use super::words::Words;
use crate::abi::IfName;
use crate::net::{Host, Routed};
use crate::netfilter::{Family, Ruleset};
use crate::session::World;
use std::collections::BTreeMap;
use std::net::IpAddr;
use yew::AttrValue;

/// A ready-made packet.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// A short name.
    pub name: &'static str,
    /// It belongs to the recorded host, of which it is known what its rules are for.
    pub recorded: bool,
    /// The form's fields.
    pub form: Form,
}

impl Preset {
    /// Its title.
    pub fn title(&self, words: &Words) -> AttrValue {
        match self.name {
            "published-port" => words.get("preset-published-port"),
            "ssh" => words.get("preset-ssh"),
            "blocked-port" if self.recorded => words.get("preset-blocked-port"),
            "blocked-port" => words.get("preset-any-port"),
            "container-out" => words.get("preset-container-out"),
            "ping" => words.get("preset-ping"),
            "host-out" => words.get("preset-host-out"),
            _ => words.get("preset-stray-ack"),
        }
    }

    /// What it asks.
    pub fn hint(&self, words: &Words) -> AttrValue {
        match self.name {
            "published-port" => words.get("preset-published-port-hint"),
            "ssh" if self.recorded => words.get("preset-ssh-hint"),
            "ssh" => words.get("preset-any-ssh-hint"),
            "blocked-port" if self.recorded => words.get("preset-blocked-port-hint"),
            "blocked-port" => words.get("preset-any-port-hint"),
            "container-out" => words.get("preset-container-out-hint"),
            "ping" => words.get("preset-ping-hint"),
            "host-out" => words.get("preset-host-out-hint"),
            _ => words.get("preset-stray-ack-hint"),
        }
    }
}

/// The presets of a recorded world.
pub fn of_world(world: &World) -> Vec<Preset> {
    world
        .presets
        .iter()
        .map(|(name, injected)| Preset { name, recorded: true, form: Form::of(injected) })
        .collect()
}

/// Presets for pasted rules: the outer interface and its address are the described host's, or else the interface is
/// the one that the rules name most.
pub fn guessed(rules: &Ruleset, host: &Host) -> Vec<Preset> {
    let (client, address, server) = match rules.family {
        Family::Ip => ("203.0.113.9", "198.51.100.2", "203.0.113.53"),
        Family::Ip6 => ("2001:db8:9::9", "2001:db8:1::2", "2001:db8:53::53"),
    };
    let known = described(rules, host);
    let own = known.as_ref().map_or_else(|| address.to_owned(), |(_, address)| address.to_string());
    let iface = known.map_or_else(|| outer(rules), |(name, _)| name.to_string());
    let outside = Form { iface, src: client.into(), dst: own.clone(), ..Form::default() };
    let to = |dport: &str| Form { dport: dport.into(), ..outside.clone() };
    let out = Form {
        iface: String::new(),
        carries: Carries::Udp,
        src: own,
        dst: server.into(),
        dport: "53".into(),
        more: if host.described { String::new() } else { format!("out={}", outside.iface) },
        ..outside.clone()
    };
    let ping = Form { carries: Carries::Icmp, more: "id=1".into(), ..outside.clone() };
    let stray = Form { flags: "fin,ack".into(), ..to("22") };
    let all = [
        ("ssh", to("22")),
        ("blocked-port", to("3306")),
        ("ping", ping),
        ("host-out", out),
        ("stray-ack", stray),
    ];
    all.into_iter().map(|(name, form)| Preset { name, recorded: false, form }).collect()
}

/// A described host's interface towards everywhere, with its address; without a default route, its first.
fn described(rules: &Ruleset, host: &Host) -> Option<(IfName, IpAddr)> {
    let mut all = host.devices.iter().filter(|(name, _)| host.described && !name.is_lo()).filter_map(
        |(name, device)| {
            let mut own = device.link.addrs.iter().map(|a| a.local);
            let own = own.find(|a| Family::of(*a) == rules.family && !is_link_local(*a))?;
            Some((name.clone(), own))
        },
    );
    let anywhere = match rules.family {
        Family::Ip => IpAddr::from([203, 0, 113, 9]),
        Family::Ip6 => IpAddr::from([0x2001, 0xdb8, 9, 0, 0, 0, 0, 9]),
    };
    match host.route(anywhere) {
        Routed::Out(dev) | Routed::Broadcast(dev) | Routed::Multicast(dev) => {
            let first = all.next();
            first.clone().into_iter().chain(all).find(|(name, _)| *name == dev).or(first)
        }
        Routed::Local | Routed::Refused(_) | Routed::NoRoute | Routed::Unknown => all.next(),
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.is_link_local(),
        IpAddr::V6(a) => a.is_unicast_link_local(),
    }
}

/// The interface that rules name most, those of bridges and loopback aside.
fn outer(rules: &Ruleset) -> String {
    let mut count: BTreeMap<IfName, usize> = BTreeMap::new();
    for (_, rule) in rules.rules() {
        for named in [&rule.iif, &rule.oif].into_iter().flatten() {
            if let Some(name) = named.value.exact() {
                *count.entry(name).or_default() += 1;
            }
        }
    }
    let inner = ["lo", "docker", "br-", "veth", "virbr", "cni", "flannel", "cali", "tun", "wg"];
    let outer = count.into_iter().filter(|(name, _)| !inner.iter().any(|i| name.as_str().starts_with(i)));
    outer.max_by_key(|(_, n)| *n).map_or_else(|| "eth0".to_owned(), |(name, _)| name.to_string())
}
