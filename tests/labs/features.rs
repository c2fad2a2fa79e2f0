//! Which features of Linux a probe uses: those that its packets met, and those of the hosts they went through.

use super::Tried;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use vitrine::lab::{Backend, Probe, Switch};
use vitrine::net::{Event, NetEvent, PassId};
use vitrine::netfilter::Family;
use vitrine::netfilter::event::{Event as NfEvent, Part};
use vitrine::netfilter::targets::{RejectWith, Target};

/// What a feature is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Packets and how they are sent.
    Packets,
    /// Hosts and their links.
    Hosts,
    /// Connection tracking and translation.
    Connections,
    /// `-m`, asked.
    Matches,
    /// `-j`, done.
    Targets,
}

/// One feature.
pub type Feature = (Group, String);

/// The features of a lab's probe.
pub fn of_probe(tried: &Tried, number: usize) -> BTreeSet<Feature> {
    let mut found = BTreeSet::new();
    let probe = &tried.truth["probes"][number];
    packets(&tried.lab.probes[number], probe, &mut found);
    hosts(tried, probe, &mut found);
    connections(probe, &mut found);
    rules(tried, number, &mut found);
    found
}

fn add(found: &mut BTreeSet<Feature>, group: Group, name: impl Into<String>) {
    found.insert((group, name.into()));
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn packets(sent: &Probe, probe: &Value, found: &mut BTreeSet<Feature>) {
    let mut add = |name: &str| add(found, Group::Packets, name);
    match sent {
        Probe::Run(_) => add("commands (`iptables`, `ipset`, `conntrack`, …)"),
        Probe::Packet(_) | Probe::Packets(_) => add("packets given field by field"),
        Probe::Tcp(_) | Probe::Push(_) => add("TCP sockets"),
        Probe::Udp(_) => add("UDP sockets"),
        Probe::Ping(_) => add("ping"),
        Probe::Sleep(_) => add("time that passes"),
    }
    for pass in list(probe, "journey") {
        let packet = &pass["packet"];
        let v6 = packet["src"].as_str().is_some_and(|a| a.contains(':'));
        add(if v6 { "IPv6" } else { "IPv4" });
        let (ty, code) = (packet["type"].as_u64(), packet["code"].as_u64());
        let v4_error = matches!(ty, Some(3 | 4 | 5 | 11 | 12)) && !v6;
        let v6_error = matches!(ty, Some(1..=4)) && v6;
        if v4_error || v6_error {
            add("ICMP errors");
        }
        if (v4_error && (ty, code) == (Some(3), Some(4))) || (v6_error && ty == Some(2)) {
            add("path MTU");
        }
        if packet["frag"].is_object() {
            add("fragments");
        }
        match packet["proto"].as_str() {
            Some("tcp" | "udp" | "icmp" | "icmpv6") => {}
            _ => add("other protocols"),
        }
        let group = |a: &str| a.starts_with("224.") || a.starts_with("239.") || a.starts_with("ff");
        if packet["dst"].as_str().is_some_and(|a| group(a) || a.ends_with(".255")) {
            add("broadcast and multicast");
        }
        if pass["sent_on"] == "lo" {
            add("over lo");
        }
        if pass["fate"].as_str().is_some_and(|f| f.starts_with("lost")) {
            add("lost outside of any rule");
        }
    }
}

fn hosts(tried: &Tried, probe: &Value, found: &mut BTreeSet<Feature>) {
    let passed: BTreeSet<&str> = list(probe, "journey").iter().filter_map(|p| p["host"].as_str()).collect();
    let lab = &tried.lab;
    let mut add = |name: &str| add(found, Group::Hosts, name);
    if passed.len() > 1 {
        add("several hosts");
    }
    if lab.conntrack == Some(Switch::Off) {
        add("no connection tracking but by a rule");
    }
    for (name, spec) in lab.hosts.iter().filter(|(name, _)| passed.contains(name.as_str())) {
        if lab.backend_of(spec) == Backend::Legacy {
            add("iptables-legacy");
        }
        if !spec.bridges.is_empty() {
            add("bridge");
        }
        if !spec.ip_rules.is_empty() {
            add("policy routing");
        }
        if spec.ipset.is_some() {
            add("IP sets");
        }
        if spec.interfaces.iter().any(|(_, i)| i.settings().mtu.is_some()) {
            add("an MTU below 1500");
        }
        for (key, value) in spec.sysctls.iter() {
            let text = serde_json::to_string(value).unwrap_or_default();
            let last = key.rsplit(['.', '/']).next().unwrap_or_default();
            match last {
                "rp_filter" if text != "0" => add("rp_filter"),
                "rp_filter" | "ip_forward" => {}
                "forwarding" => {}
                last if last.starts_with("nf_conntrack") => add("settings of connection tracking"),
                last if last.starts_with("bridge-nf") => {}
                last => add(&format!("sysctl {last}")),
            }
        }
        let forwarded = list(probe, "journey").iter().any(|p| {
            p["host"] == name.as_str() && p["start"] == "PREROUTING" && p["last_hook"] == "POSTROUTING"
        });
        if forwarded {
            add("forwarding");
        }
    }
}

fn connections(probe: &Value, found: &mut BTreeSet<Feature>) {
    let mut add = |name: String| add(found, Group::Connections, name);
    for pass in list(probe, "journey") {
        for step in list(pass, "path").iter().filter(|s| s["table"].is_null()) {
            if let Some(state) = step["ct"].as_str() {
                add(format!("state {state}"));
            }
        }
        let (came, went) = (&pass["packet"], &pass["sent_packet"]);
        if went.is_object() {
            if ["src", "sport"].iter().any(|k| came[k] != went[k]) {
                add("source translated".into());
            }
            if ["dst", "dport"].iter().any(|k| came[k] != went[k]) {
                add("destination translated".into());
            }
        }
    }
    for (_, tracked) in probe["conntrack"].as_object().into_iter().flatten() {
        for row in list(tracked, "table") {
            for (key, name) in [("zone", "zones"), ("helper", "helpers"), ("master", "expected connections")]
            {
                if !row[key].is_null() {
                    add(name.into());
                }
            }
        }
    }
}

/// Matches that were asked and targets of rules that matched, as the model walked.
fn rules(tried: &Tried, number: usize, found: &mut BTreeSet<Feature>) {
    let run = &tried.run;
    // Where commands change rules, the network as it was after this probe.
    let changes = tried.lab.probes.iter().any(|probe| matches!(probe, Probe::Run(_)));
    let until = changes.then(|| {
        let mut lab = tried.lab.clone();
        lab.probes.truncate(number + 1);
        vitrine::lab::run(&lab).expect("a lab that runs").network
    });
    let network = until.as_ref().unwrap_or(&run.network);
    let range = run.starts[number].0 as usize..run.starts[number + 1].0 as usize;
    let mut families: BTreeMap<PassId, Family> = BTreeMap::new();
    for entry in &run.network.log().entries()[range] {
        let happening = &entry.event;
        let Some(pass) = happening.pass else { continue };
        let (at, checks, taken) = match &happening.event {
            Event::Net(
                NetEvent::Begins { skb, .. } | NetEvent::Continues { skb, .. } | NetEvent::Answers { skb },
            ) => {
                families.insert(pass, Family::of(skb.packet.src));
                continue;
            }
            Event::Netfilter(NfEvent::RuleAsked { rule, checks, taken, .. }) => (rule, checks, *taken),
            _ => continue,
        };
        let Some(family) = families.get(&pass) else { continue };
        let ruleset = network.host(happening.host).netfilter.ruleset(*family);
        let Some(rule) = ruleset.and_then(|r| r.rule(at)) else { continue };
        for check in checks {
            if let Part::Match(place) = check.part {
                add(found, Group::Matches, format!("`{}`", rule.matches[place].name()));
            }
        }
        match &rule.target {
            target if !taken || *target == Target::None => {}
            Target::Jump(_) => add(found, Group::Targets, "a jump to a chain"),
            Target::Goto(_) => add(found, Group::Targets, "a goto to a chain"),
            Target::Reject(reject) => {
                let with = match reject.with {
                    RejectWith::Icmp(name, _) => name,
                    RejectWith::TcpReset => "tcp-reset",
                };
                add(found, Group::Targets, format!("`REJECT --reject-with {with}`"));
            }
            target => add(found, Group::Targets, format!("`{}`", target.name())),
        }
    }
}
