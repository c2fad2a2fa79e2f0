//! Ready-made packets: the questions that people come with.

use super::form::{Carries, Form};
use super::words::Words;
use crate::abi::IfName;
use crate::netfilter::{Family, Ruleset};
use crate::session::World;
use std::collections::BTreeMap;
use yew::AttrValue;

/// A ready-made packet.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// A short name.
    pub name: &'static str,
    /// The form's fields.
    pub form: Form,
}

impl Preset {
    /// Its title.
    pub fn title(&self, words: &Words) -> AttrValue {
        match self.name {
            "published-port" => words.get("preset-published-port"),
            "ssh" => words.get("preset-ssh"),
            "blocked-port" => words.get("preset-blocked-port"),
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
            "ssh" => words.get("preset-ssh-hint"),
            "blocked-port" => words.get("preset-blocked-port-hint"),
            "container-out" => words.get("preset-container-out-hint"),
            "ping" => words.get("preset-ping-hint"),
            "host-out" => words.get("preset-host-out-hint"),
            _ => words.get("preset-stray-ack-hint"),
        }
    }
}

/// The presets of a recorded world.
pub fn of_world(world: &World) -> Vec<Preset> {
    world.presets.iter().map(|(name, injected)| Preset { name, form: Form::of(injected) }).collect()
}

/// Presets for rules of a host that nobody described: its outer interface is taken from the rules.
pub fn guessed(rules: &Ruleset) -> Vec<Preset> {
    let (client, host, server) = match rules.family {
        Family::Ip => ("203.0.113.9", "198.51.100.2", "203.0.113.53"),
        Family::Ip6 => ("2001:db8:9::9", "2001:db8:1::2", "2001:db8:53::53"),
    };
    let outside = Form { iface: outer(rules), src: client.into(), dst: host.into(), ..Form::default() };
    let to = |dport: &str| Form { dport: dport.into(), ..outside.clone() };
    let out = Form {
        iface: String::new(),
        carries: Carries::Udp,
        src: host.into(),
        dst: server.into(),
        dport: "53".into(),
        more: format!("out={}", outside.iface),
        ..outside.clone()
    };
    let ping = Form { carries: Carries::Icmp, more: "id=1".into(), ..outside.clone() };
    let stray = Form { flags: "fin,ack".into(), ..to("22") };
    vec![
        Preset { name: "ssh", form: to("22") },
        Preset { name: "blocked-port", form: to("3306") },
        Preset { name: "ping", form: ping },
        Preset { name: "host-out", form: out },
        Preset { name: "stray-ack", form: stray },
    ]
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
