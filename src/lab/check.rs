//! Whether the parts of a lab fit together.

use super::{CraftedPacket, HostName, HostSpec, Lab, LabError, Probe, Via};
use crate::abi::IfName;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The interfaces of each host.
type Interfaces<'a> = BTreeMap<&'a HostName, BTreeSet<&'a IfName>>;

impl Lab {
    /// Checks that what the lab names exists: the hosts of links and probes, the interfaces of hosts and
    /// bridges; and that each interface is linked once and each packet can be.
    ///
    /// # Errors
    /// The first part that does not fit.
    pub fn check(&self) -> Result<(), LabError> {
        let mut interfaces: Interfaces<'_> =
            self.hosts.iter().map(|(name, _)| (name, BTreeSet::new())).collect();
        for (i, (a, b)) in self.links.iter().enumerate() {
            for (j, end) in [a, b].into_iter().enumerate() {
                let path = format!("links[{i}][{j}]");
                let own = interfaces
                    .get_mut(&end.host)
                    .ok_or_else(|| LabError::at(&path, format_args!("there is no host `{}`", end.host)))?;
                if end.interface.is_lo() {
                    return Err(LabError::at(&path, "`lo` is no end of a link"));
                }
                if !own.insert(&end.interface) {
                    return Err(LabError::at(&path, format_args!("`{end}` has a link already")));
                }
            }
        }
        for (name, host) in self.hosts.iter() {
            let own = interfaces.entry(name).or_default();
            check_host(name, host, own)?;
        }
        for (i, probe) in self.probes.iter().enumerate() {
            self.check_probe(&format!("probes[{i}]"), probe, &interfaces)?;
        }
        Ok(())
    }

    fn check_probe(&self, path: &str, probe: &Probe, interfaces: &Interfaces<'_>) -> Result<(), LabError> {
        let no_host = |name: &HostName| LabError::at(path, format_args!("there is no host `{name}`"));
        if let Some(name) = probe.host() {
            self.hosts.get(name).ok_or_else(|| no_host(name))?;
        }
        match probe {
            Probe::Udp(p) => one_family(path, p.src, p.dst),
            Probe::Tcp(p) => one_family(path, p.src, p.dst),
            Probe::Ping(p) => one_family(path, p.src, p.dst),
            Probe::Packet(p) => {
                let via = p.via.clone().unwrap_or_default();
                check_packet(path, &p.packet, &p.from, &via, interfaces)
            }
            Probe::Packets(p) => {
                for (i, item) in p.packets.iter().enumerate() {
                    let via = item.via.as_ref().or(p.via.as_ref()).cloned().unwrap_or_default();
                    let from = item.from.as_ref().unwrap_or(&p.from);
                    self.hosts.get(from).ok_or_else(|| no_host(from))?;
                    check_packet(&format!("{path}.packets[{i}]"), &item.packet, from, &via, interfaces)?;
                }
                Ok(())
            }
            Probe::Push(p) => {
                let host = self.hosts.get(&p.from).ok_or_else(|| no_host(&p.from))?;
                if host.listeners.iter().any(|l| l.label() == p.listener) {
                    return Ok(());
                }
                Err(LabError::at(path, format_args!("`{}` has no listener `{}`", p.from, p.listener)))
            }
            Probe::Run(_) | Probe::Sleep(_) => Ok(()),
        }
    }
}

/// A host's interfaces, bridges and listeners.
fn check_host<'a>(
    name: &HostName,
    host: &'a HostSpec,
    own: &mut BTreeSet<&'a IfName>,
) -> Result<(), LabError> {
    let at =
        |part: &str, what: &dyn std::fmt::Display| LabError::at(format_args!("hosts.{name}.{part}"), what);
    for (bridge, _) in host.bridges.iter() {
        if bridge.is_lo() || !own.insert(bridge) {
            return Err(at("bridges", &format_args!("there is an interface `{bridge}` already")));
        }
    }
    let known = |n: &IfName| n.is_lo() || own.contains(n);
    for (interface, spec) in host.interfaces.iter() {
        if !known(interface) {
            return Err(at(
                "interfaces",
                &format_args!("`{interface}` is neither linked, nor a bridge, nor `lo`"),
            ));
        }
        if let Some(master) = spec.settings().master
            && host.bridges.get(&master).is_none()
        {
            return Err(at("interfaces", &format_args!("there is no bridge `{master}`")));
        }
    }
    let mut ports = BTreeSet::new();
    for (bridge, spec) in host.bridges.iter() {
        for port in &spec.ports {
            if port.is_lo() || !own.contains(port) || host.bridges.get(port).is_some() {
                return Err(at("bridges", &format_args!("`{port}` cannot be a port of `{bridge}`")));
            }
            if !ports.insert(port) {
                return Err(at("bridges", &format_args!("`{port}` is a port of two bridges")));
            }
        }
    }
    let mut labels = BTreeSet::new();
    for listener in &host.listeners {
        // Two listeners may share a port under two addresses; a name of its own is one listener's.
        if listener.name.is_some() && !labels.insert(listener.label()) {
            return Err(at("listeners", &format_args!("there is a listener `{}` already", listener.label())));
        }
    }
    for (key, value) in host.sysctls.iter() {
        if !is_setting(key) || has_control(&value.to_string()) {
            return Err(at("sysctls", &format_args!("`{key}` is no setting of the network")));
        }
    }
    for (field, lines) in [("routes", &host.routes), ("ip_rules", &host.ip_rules), ("neigh", &host.neigh)] {
        if let Some(line) = lines.iter().find(|line| has_control(line)) {
            return Err(at(field, &format_args!("{line:?} is more than a line")));
        }
    }
    Ok(())
}

/// Whether a text has control characters, an end of line among them.
fn has_control(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && c != '\t')
}

/// Whether a name is a setting of the network: only those belong to a host's own namespace.
fn is_setting(key: &str) -> bool {
    let mut parts = key.split(if key.contains('/') { '/' } else { '.' });
    parts.next() == Some("net") && !has_control(key) && parts.all(|part| !part.is_empty() && part != "..")
}

fn one_family(path: &str, src: Option<IpAddr>, dst: IpAddr) -> Result<(), LabError> {
    match src {
        Some(src) if src.is_ipv4() != dst.is_ipv4() => {
            Err(LabError::at(path, "source and destination must be of one family"))
        }
        _ => Ok(()),
    }
}

fn check_packet(
    path: &str,
    packet: &CraftedPacket,
    from: &HostName,
    via: &Via,
    interfaces: &Interfaces<'_>,
) -> Result<(), LabError> {
    packet.to_packet().map_err(|fault| LabError::at(path, fault))?;
    match via {
        Via::Ip => Ok(()),
        Via::Link(name) if name.is_lo() || interfaces.get(from).is_some_and(|own| own.contains(name)) => {
            Ok(())
        }
        Via::Link(name) => Err(LabError::at(path, format_args!("`{from}` has no interface `{name}`"))),
    }
}
