//! A lab's hosts and wires as a network of the model.

use super::{Backend, HostSpec, Interface, Lab, LinkEnd, Switch};
use crate::abi::{IfName, Log, Mac};
use crate::net::fib::Address;
use crate::net::{DeviceKind, Event, Host, HostId, Network, ip};
use crate::netfilter::ipset::{self, Sets};
use crate::netfilter::text::restore_with;
use crate::netfilter::{Family, Hook, TableName};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// Why a lab cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// A host's rules are refused.
    Rules {
        /// The host.
        host: String,
        /// What iptables says.
        message: String,
    },
    /// A route, a rule of routing or a neighbour was not understood.
    Words {
        /// The host.
        host: String,
        /// The line.
        line: String,
        /// What is wrong.
        why: String,
    },
    /// A setting that the model does not have.
    Sysctl {
        /// The host.
        host: String,
        /// Its key.
        key: String,
    },
    /// A command that the model cannot run.
    Command {
        /// The host.
        host: String,
        /// The command.
        command: String,
        /// Why.
        why: String,
    },
    /// Sets are refused.
    Sets {
        /// The host.
        host: String,
        /// What ipset says.
        message: String,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::Rules { host, message } => write!(f, "host {host}: its rules are refused: {message}"),
            BuildError::Words { host, line, why } => write!(f, "host {host}: `{line}`: {why}"),
            BuildError::Sysctl { host, key } => write!(f, "host {host}: the model has no setting `{key}`"),
            BuildError::Command { host, command, why } => write!(f, "host {host}: `{command}`: {why}"),
            BuildError::Sets { host, message } => write!(f, "host {host}: its sets are refused: {message}"),
        }
    }
}

impl std::error::Error for BuildError {}

/// Builds a lab's network: devices, addresses, routes, settings, rules; not its servers.
pub fn build(lab: &Lab) -> Result<Network, BuildError> {
    let mut network = Network::new();
    let mut macs = Vec::new();
    for (name, spec) in lab.hosts.iter() {
        let mut host = Host::new(true);
        let off = i64::from(!lab.has_ipv6(spec));
        for (key, value) in [
            ("net.ipv6.conf.all.disable_ipv6", off),
            ("net.ipv6.conf.default.disable_ipv6", off),
            // Labs do not wait for tokens: else two runs would differ.
            ("net.ipv4.icmp_ratelimit", 0),
            ("net.ipv6.icmp.ratelimit", 0),
        ] {
            set(&mut host, name.as_str(), key, value)?;
        }
        network.add_host(name.as_str(), host);
        macs.push(0);
    }
    for (a, b) in &lab.links {
        let ends = [a, b].map(|end| add_wire_end(&mut network, &mut macs, end));
        if let [Some(a), Some(b)] = ends {
            network.connect(a, b);
        }
    }
    for (i, (_, spec)) in lab.hosts.iter().enumerate() {
        configure(&mut network, &mut macs, HostId(i as u16), spec);
    }
    network.settle_wires();
    for (i, (name, spec)) in lab.hosts.iter().enumerate() {
        let host = network.host_mut(HostId(i as u16));
        settings(host, name.as_str(), spec)?;
    }
    network.settle_wires();
    for (i, (name, spec)) in lab.hosts.iter().enumerate() {
        let host = network.host_mut(HostId(i as u16));
        rules(host, name.as_str(), lab, spec)?;
    }
    Ok(network)
}

fn set(host: &mut Host, name: &str, key: &str, value: i64) -> Result<(), BuildError> {
    host.set_sysctl(key, value).map_err(|e| BuildError::Sysctl { host: name.to_owned(), key: e.0 })
}

/// The hardware address of a host's next device: hosts and devices count from 1.
fn next_mac(macs: &mut [u8], host: HostId) -> Mac {
    let place = usize::from(host.0);
    macs[place] += 1;
    Mac([2, 0, 0, 0, place as u8 + 1, macs[place]])
}

fn add_wire_end(network: &mut Network, macs: &mut [u8], end: &LinkEnd) -> Option<(HostId, IfName)> {
    let host = network.by_name(end.host.as_str())?;
    let mac = next_mac(macs, host);
    network.host_mut(host).add_device(end.interface.clone(), DeviceKind::Veth, mac);
    Some((host, end.interface.clone()))
}

/// Devices in the order in which they are set up, each with its settings.
fn devices(host: &Host, spec: &HostSpec) -> Vec<(IfName, Interface)> {
    let mut all: Vec<(IfName, Interface)> =
        spec.interfaces.iter().map(|(name, i)| (name.clone(), i.settings())).collect();
    let mut wires: Vec<_> = host.devices.iter().filter(|(_, d)| d.kind == DeviceKind::Veth).collect();
    wires.sort_by_key(|(_, d)| d.link.index);
    let known = |all: &[(IfName, Interface)], name: &IfName| all.iter().position(|(n, _)| n == name);
    for (name, _) in wires {
        if known(&all, name).is_none() {
            all.push((name.clone(), Interface::default()));
        }
    }
    for (name, bridge) in spec.bridges.iter() {
        let place = known(&all, name).unwrap_or_else(|| {
            all.push((name.clone(), Interface::default()));
            all.len() - 1
        });
        let own = &mut all[place].1;
        own.addr = own.addr.take().or(bridge.addr.clone());
        own.mac = own.mac.or(bridge.mac);
        own.mtu = own.mtu.or(bridge.mtu);
        own.up = own.up.or(bridge.up);
        for port in &bridge.ports {
            let place = known(&all, port).unwrap_or_else(|| {
                all.push((port.clone(), Interface::default()));
                all.len() - 1
            });
            all[place].1.master = Some(name.clone());
        }
    }
    all
}

fn configure(network: &mut Network, macs: &mut [u8], id: HostId, spec: &HostSpec) {
    for (name, bridge) in spec.bridges.iter() {
        let mac = bridge.mac.unwrap_or_else(|| next_mac(macs, id));
        network.host_mut(id).add_device(name.clone(), DeviceKind::Bridge(Default::default()), mac);
    }
    let host = network.host_mut(id);
    for (name, own) in devices(host, spec) {
        if let Some(device) = host.devices.get_mut(&name) {
            device.mac = own.mac.unwrap_or(device.mac);
            device.link.mtu = own.mtu.unwrap_or(device.link.mtu);
            device.admin.own_mtu = own.mtu.is_some();
            device.hairpin = own.hairpin.unwrap_or(false);
        }
        if let Some(bridge) = &own.master {
            host.enslave(&name, bridge);
        }
        if own.up.unwrap_or(true) {
            host.set_up(&name);
        }
        for cidr in own.addr.iter().flat_map(|list| list.as_slice()) {
            let len = cidr.prefix_len();
            let mut address = Address::new(cidr.addr, len);
            if let IpAddr::V4(addr) = cidr.addr
                && !name.is_lo()
                && len < 31
            {
                address.broadcast = Some(Ipv4Addr::from(addr.to_bits() | u32::MAX >> len));
            }
            // An address that is there already stays.
            let _ = host.add_address(&name, address);
        }
    }
    host.settle_bridges();
}

/// Runs a line of `ip`; what it says of a refusal is the error.
fn run_ip(host: &mut Host, line: &str) -> Result<(), String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    // What a lab begins with is no event of its history.
    match ip::run(&words, host, &mut Log::<Event>::default()) {
        Ok(done) if done.status == 0 => Ok(()),
        Ok(done) => Err(done.stderr.trim_end().to_owned()),
        Err(why) => Err(why.to_string()),
    }
}

fn settings(host: &mut Host, name: &str, spec: &HostSpec) -> Result<(), BuildError> {
    for (key, value) in spec.sysctls.iter() {
        let number = value.to_string().trim().parse();
        let number = number.map_err(|_| BuildError::Sysctl { host: name.to_owned(), key: key.clone() })?;
        set(host, name, key, number)?;
    }
    let bad =
        |line: &str, why: String| BuildError::Words { host: name.to_owned(), line: line.to_owned(), why };
    for line in &spec.routes {
        run_ip(host, &format!("route add {line}")).map_err(|why| bad(line, why))?;
    }
    for line in &spec.ip_rules {
        run_ip(host, &format!("rule add {line}")).map_err(|why| bad(line, why))?;
    }
    for line in &spec.neigh {
        run_ip(host, &format!("neigh add {line}")).map_err(|why| bad(line, why))?;
    }
    for command in &spec.setup {
        super::shell::run(host, command, "", &mut Log::<Event>::default())
            .and_then(|done| match done.status {
                0 => Ok(()),
                _ => Err(done.stderr),
            })
            .map_err(|why| BuildError::Command { host: name.to_owned(), command: command.clone(), why })?;
    }
    Ok(())
}

/// Adds every table and every builtin chain that a ruleset's text does not name.
pub(super) fn complete(text: &str) -> String {
    let mut tables: Vec<(String, Vec<&str>)> = Vec::new();
    for line in text.lines().map(str::trim) {
        match line.strip_prefix('*') {
            Some(table) => tables.push((table.trim().to_owned(), Vec::new())),
            None if line.is_empty() || line.starts_with('#') || line == "COMMIT" => {}
            None => tables.iter_mut().next_back().into_iter().for_each(|(_, lines)| lines.push(line)),
        }
    }
    for table in TableName::ALL {
        if !tables.iter().any(|(name, _)| name == table.name()) {
            tables.push((table.name().to_owned(), Vec::new()));
        }
    }
    let mut out = String::new();
    for (name, lines) in &tables {
        out += &format!("*{name}\n");
        for line in lines.iter().filter(|l| l.starts_with(':')) {
            out += &format!("{line}\n");
        }
        let hooks: &[Hook] = TableName::ALL.iter().find(|t| t.name() == name).map_or(&[], |t| t.hooks());
        for hook in hooks {
            let chain = format!(":{hook} ");
            if !lines.iter().any(|l| l.starts_with(&chain)) {
                out += &format!("{chain}ACCEPT [0:0]\n");
            }
        }
        for line in lines.iter().filter(|l| !l.starts_with(':')) {
            out += &format!("{line}\n");
        }
        out += "COMMIT\n";
    }
    out
}

fn rules(host: &mut Host, name: &str, lab: &Lab, spec: &HostSpec) -> Result<(), BuildError> {
    if let Some(sets) = &spec.ipset {
        let mut all = Sets::default();
        ipset::restore(&sets.text(), &mut all, host.now)
            .map_err(|message| BuildError::Sets { host: name.to_owned(), message })?;
        host.netfilter.load_sets(all);
    }
    for (family, text) in [(Family::Ip, &spec.iptables), (Family::Ip6, &spec.ip6tables)] {
        if family == Family::Ip6 && !lab.has_ipv6(spec) {
            continue;
        }
        let mut text = text.as_ref().map(|t| t.text()).unwrap_or_default();
        if lab.complete_tables != Some(false) {
            text = complete(&text);
        }
        if text.is_empty() {
            continue;
        }
        let restored = restore_with(&text, family, Some(&host.netfilter.sets));
        if restored.has_errors() {
            let message = crate::netfilter::text::report(name, &text, &restored.diagnostics);
            return Err(BuildError::Rules { host: name.to_owned(), message });
        }
        host.netfilter.load(Arc::new(restored.ruleset));
    }
    if lab.backend_of(spec) == Backend::Legacy {
        host.netfilter.use_legacy();
    }
    if lab.conntrack.unwrap_or(Switch::On) == Switch::On {
        host.netfilter.track_always();
    }
    Ok(())
}
