//! How a lab is built on a real machine: what each host is told, in order, in the words of its tools.

use super::build::complete;
use super::{Backend, HostName, HostSpec, Interface, Lab};
use crate::abi::{IfName, Mac};
use crate::netfilter::Family;
use std::net::IpAddr;

/// All that is needed to build a lab.
#[derive(Debug)]
pub struct Plan {
    /// The hosts, in order.
    pub hosts: Vec<HostPlan>,
    /// The links, in order.
    pub cables: Vec<[Plug; 2]>,
}

/// One end of a link.
#[derive(Clone, Debug)]
pub struct Plug {
    /// The host.
    pub host: HostName,
    /// Its interface.
    pub interface: IfName,
    /// The interface's hardware address by the lab's numbering.
    pub mac: Mac,
}

/// What a host is told.
#[derive(Debug)]
pub struct HostPlan {
    /// Its name.
    pub name: HostName,
    /// Which iptables it has.
    pub backend: Backend,
    /// Settings before there are links, as paths below `/proc/sys`. A kernel may lack some of them.
    pub defaults: Vec<(&'static str, &'static str)>,
    /// `ip` commands, each a line, once the links are there: bridges, addresses.
    pub devices: Vec<String>,
    /// The lab's settings, as paths below `/proc/sys`.
    pub sysctls: Vec<(String, String)>,
    /// `ip` commands, each a line: routes, rules of routing, neighbours.
    pub routes: Vec<String>,
    /// Shell commands.
    pub setup: Vec<String>,
    /// What `ipset restore` reads.
    pub ipset: Option<String>,
    /// What the family's `restore` reads.
    pub rules: Vec<(Family, String)>,
    /// Whether it reads the counters too.
    pub counters: bool,
}

impl Plan {
    /// The plan of a lab.
    pub fn new(lab: &Lab) -> Self {
        let mut counts = vec![0; lab.hosts.len()];
        let cables: Vec<[Plug; 2]> = lab
            .links
            .iter()
            .map(|(a, b)| {
                [a, b].map(|end| Plug {
                    host: end.host.clone(),
                    interface: end.interface.clone(),
                    mac: next_mac(&mut counts, lab.hosts.position(&end.host).unwrap_or_default()),
                })
            })
            .collect();
        let hosts = lab.hosts.iter().enumerate();
        let hosts = hosts.map(|(at, (name, spec))| host(lab, at, name, spec, &cables, &mut counts)).collect();
        Plan { hosts, cables }
    }
}

/// The next hardware address of a host: hosts and their interfaces count from 1.
fn next_mac(counts: &mut [u8], host: usize) -> Mac {
    let mut number = 0;
    if let Some(count) = counts.get_mut(host) {
        *count = count.wrapping_add(1);
        number = *count;
    }
    Mac([2, 0, 0, 0, (host as u8).wrapping_add(1), number])
}

fn host(
    lab: &Lab,
    at: usize,
    name: &HostName,
    spec: &HostSpec,
    cables: &[[Plug; 2]],
    counts: &mut [u8],
) -> HostPlan {
    let ipv6 = lab.has_ipv6(spec);
    let mut devices = Vec::new();
    for (bridge, own) in spec.bridges.iter() {
        let mac = own.mac.unwrap_or_else(|| next_mac(counts, at));
        devices.push(format!(
            "link add {bridge} address {mac} type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
        ));
    }
    let plugs = cables.iter().flatten().filter(|plug| plug.host == *name).map(|plug| &plug.interface);
    for (interface, own) in interfaces(spec, plugs) {
        device(&mut devices, &interface, &own);
    }
    let added = |what: &'static str, lines: &[String], after: &'static str| {
        lines.iter().map(|line| format!("{what} add {line}{after}")).collect::<Vec<_>>()
    };
    let mut routes = added("route", &spec.routes, "");
    routes.extend(added("rule", &spec.ip_rules, ""));
    routes.extend(added("neigh", &spec.neigh, " nud permanent"));
    HostPlan {
        name: name.clone(),
        backend: lab.backend_of(spec),
        defaults: defaults(ipv6),
        devices,
        sysctls: spec.sysctls.iter().map(|(key, value)| (path_of(key), value.to_string())).collect(),
        routes,
        setup: spec.setup.clone(),
        ipset: spec.ipset.as_ref().map(|text| text.text()).filter(|text| !text.is_empty()),
        rules: rules(lab, spec, ipv6),
        counters: spec.restore_counters == Some(true),
    }
}

/// Settings without which two runs would differ: no IPv6 of its own accord, no limit to ICMP errors.
fn defaults(ipv6: bool) -> Vec<(&'static str, &'static str)> {
    let off = if ipv6 { "0" } else { "1" };
    vec![
        ("net/ipv6/conf/all/disable_ipv6", off),
        ("net/ipv6/conf/default/disable_ipv6", off),
        ("net/ipv6/conf/default/accept_dad", "0"),
        ("net/ipv6/conf/default/accept_ra", "0"),
        ("net/ipv6/conf/default/router_solicitations", "0"),
        ("net/ipv4/icmp_ratelimit", "0"),
        ("net/ipv6/icmp/ratelimit", "0"),
        ("net/netfilter/nf_conntrack_events", "1"),
    ]
}

/// A setting's path below `/proc/sys`.
fn path_of(key: &str) -> String {
    if key.contains('/') { key.to_owned() } else { key.replace('.', "/") }
}

/// A host's interfaces in the order in which they are set up, each with all its settings: those of
/// `interfaces`, then the links', then the bridges'.
fn interfaces<'a>(spec: &HostSpec, plugs: impl Iterator<Item = &'a IfName>) -> Vec<(IfName, Interface)> {
    let mut all: Vec<(IfName, Interface)> =
        spec.interfaces.iter().map(|(name, own)| (name.clone(), own.settings())).collect();
    fn place<'a>(all: &'a mut Vec<(IfName, Interface)>, name: &IfName) -> &'a mut Interface {
        let at = all.iter().position(|(n, _)| n == name).unwrap_or_else(|| {
            all.push((name.clone(), Interface::default()));
            all.len() - 1
        });
        &mut all[at].1
    }
    for name in plugs {
        place(&mut all, name);
    }
    for (name, bridge) in spec.bridges.iter() {
        let own = place(&mut all, name);
        own.addr = own.addr.take().or_else(|| bridge.addr.clone());
        own.mac = own.mac.or(bridge.mac);
        own.mtu = own.mtu.or(bridge.mtu);
        own.up = own.up.or(bridge.up);
        for port in &bridge.ports {
            place(&mut all, port).master = Some(name.clone());
        }
    }
    all
}

/// The `ip` commands that set up an interface.
fn device(lines: &mut Vec<String>, name: &IfName, own: &Interface) {
    if let Some(mac) = own.mac
        && !name.is_lo()
    {
        lines.push(format!("link set {name} address {mac}"));
    }
    if let Some(mtu) = own.mtu {
        lines.push(format!("link set {name} mtu {mtu}"));
    }
    if let Some(master) = &own.master {
        let hairpin = if own.hairpin == Some(true) { "on" } else { "off" };
        lines.push(format!("link set {name} master {master}"));
        lines.push(format!("link set {name} type bridge_slave hairpin {hairpin}"));
    }
    if own.up != Some(false) {
        lines.push(format!("link set {name} up"));
    }
    for cidr in own.addr.iter().flat_map(|list| list.as_slice()) {
        match cidr.addr {
            IpAddr::V6(_) => lines.push(format!("addr add {cidr} dev {name} nodad")),
            IpAddr::V4(_) if !name.is_lo() && cidr.prefix_len() < 32 => {
                lines.push(format!("addr add {cidr} brd + dev {name}"));
            }
            IpAddr::V4(_) => lines.push(format!("addr add {cidr} dev {name}")),
        }
    }
}

/// What is restored, per family.
fn rules(lab: &Lab, spec: &HostSpec, ipv6: bool) -> Vec<(Family, String)> {
    let mut rules = Vec::new();
    for (family, text) in [(Family::Ip, &spec.iptables), (Family::Ip6, &spec.ip6tables)] {
        if family == Family::Ip6 && !ipv6 {
            continue;
        }
        let mut text = text.as_ref().map(|t| t.text()).unwrap_or_default();
        if lab.complete_tables != Some(false) {
            text = complete(&text);
        }
        if !text.is_empty() {
            rules.push((family, text));
        }
    }
    rules
}
