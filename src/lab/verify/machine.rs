//! The lab's hosts as namespaces, and what is seen of them between two probes.

use super::counters::{self, Dump};
use super::headers;
use super::journey::{self, Left};
use super::namespace::Namespace;
use super::pump::{Kind, Source};
use super::trace::{self, Event, Handles};
use super::{VerifyError, conntrack, netlink, socket};
use crate::lab::plan::{HostPlan, Plan};
use crate::lab::{HostName, Lab, Listener, Switch};
use crate::netfilter::Family;
use nix::net::if_::if_nameindex;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// A lab that runs.
pub struct Machine {
    /// The hosts, in order.
    pub hosts: Vec<Live>,
    /// All sockets that are read, by a number.
    pub sources: BTreeMap<usize, Source>,
    /// The number of the next one.
    pub next: usize,
    /// Probes' sockets that stay open, by their names.
    pub named: BTreeMap<String, usize>,
    /// Connections that servers accepted, in order: host, listener, source.
    pub accepted: Vec<(usize, String, usize)>,
    /// What servers do once the wires are silent: an answer, or closing.
    pub later: Vec<(usize, Option<Vec<u8>>)>,
    /// What servers got.
    pub received: Vec<Value>,
    /// The silence that ends a step.
    pub quiet: Duration,
    /// How many things were seen.
    pub seen: u64,
    /// The hardware address at the other end of a link: by host and interface.
    pub peers: BTreeMap<(usize, String), [u8; 6]>,
}

/// A host that runs.
pub struct Live {
    /// Its name.
    pub name: HostName,
    /// Its namespace.
    pub ns: Namespace,
    /// Its servers.
    pub listeners: Vec<Listener>,
    families: Vec<Family>,
    names: BTreeMap<u32, String>,
    before: Vec<Dump>,
    handles: Handles,
    /// What its trace told.
    pub events: Vec<Event>,
    /// What left it.
    pub left: Vec<Left>,
}

impl Machine {
    /// Builds a lab.
    pub fn build(lab: &Lab) -> Result<Self, VerifyError> {
        let plan = Plan::new(lab);
        let mut machine = Machine {
            hosts: Vec::new(),
            sources: BTreeMap::new(),
            next: 0,
            named: BTreeMap::new(),
            accepted: Vec::new(),
            later: Vec::new(),
            received: Vec::new(),
            quiet: lab.quiet.as_ref().map_or(Duration::from_millis(60), |s| s.duration()),
            seen: 0,
            peers: BTreeMap::new(),
        };
        for (name, spec) in lab.hosts.iter() {
            let families = if lab.has_ipv6(spec) { vec![Family::Ip, Family::Ip6] } else { vec![Family::Ip] };
            machine.hosts.push(Live {
                name: name.clone(),
                ns: Namespace::new()?,
                listeners: spec.listeners.clone(),
                families,
                names: BTreeMap::new(),
                before: Vec::new(),
                handles: Handles::new(),
                events: Vec::new(),
                left: Vec::new(),
            });
        }
        machine.wire(lab, &plan)?;
        for (host, plan) in machine.hosts.iter().zip(&plan.hosts) {
            host.ip(&plan.devices)?;
        }
        for (host, plan) in machine.hosts.iter().zip(&plan.hosts) {
            host.settle(plan)?;
        }
        for (host, plan) in machine.hosts.iter().zip(&plan.hosts) {
            host.load(plan)?;
            let ipv6 = host.families.contains(&Family::Ip6);
            trace::load(&host.ns, host.name.as_str(), ipv6, lab.conntrack.unwrap_or(Switch::On))?;
        }
        // Ports of bridges and IPv6 addresses take a moment.
        std::thread::sleep(Duration::from_millis(300));
        for at in 0..machine.hosts.len() {
            machine.observe(at)?;
        }
        for at in 0..machine.hosts.len() {
            for listener in 0..machine.hosts[at].listeners.len() {
                machine.serve(at, listener)?;
            }
        }
        machine.pump(Duration::from_millis(50));
        Ok(machine)
    }

    /// Gives hosts their first settings and lays the links.
    fn wire(&mut self, lab: &Lab, plan: &Plan) -> Result<(), VerifyError> {
        for (host, plan) in self.hosts.iter().zip(&plan.hosts) {
            host.ns.within(|| {
                for (path, value) in &plan.defaults {
                    // A kernel without IPv6 lacks some.
                    std::fs::write(format!("/proc/sys/{path}"), value).ok();
                }
            })?;
            host.ip(&["link set lo up".to_owned()])?;
        }
        let place = |name: &HostName| self.hosts.iter().position(|host| host.name == *name);
        for [a, b] in &plan.cables {
            let (Some(near), Some(far)) = (place(&a.host), place(&b.host)) else { continue };
            let other =
                if near == far { String::new() } else { format!(" netns {}", self.hosts[far].ns.path()) };
            self.hosts[near].ip(&[format!(
                "link add {} address {} type veth peer name {} address {}{other}",
                a.interface, a.mac, b.interface, b.mac
            )])?;
            for (host, own, peer) in [(near, a, b), (far, b, a)] {
                let given =
                    lab.hosts.get(&peer.host).and_then(|h| h.interfaces.get(&peer.interface)?.settings().mac);
                self.peers.insert((host, own.interface.to_string()), given.unwrap_or(peer.mac).0);
            }
        }
        Ok(())
    }

    /// Opens the sockets that watch a host.
    fn observe(&mut self, at: usize) -> Result<(), VerifyError> {
        let host = &mut self.hosts[at];
        let named = host.ns.within(if_nameindex)?.map_err(VerifyError::doing("listing interfaces"))?;
        host.names = named.iter().map(|i| (i.index(), i.name().to_string_lossy().into_owned())).collect();
        let trace = netlink::listen(&host.ns, trace::GROUP)?;
        let wire = socket::open(
            &host.ns,
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::SOCK_NONBLOCK,
            Some(SockProtocol::EthAll),
        )?;
        nix::sys::socket::setsockopt(&wire, nix::sys::socket::sockopt::RcvBufForce, &(1 << 22)).ok();
        self.watch(at, trace, Kind::Trace);
        self.watch(at, wire, Kind::Wire);
        Ok(())
    }

    /// Forgets what was seen, before a probe.
    pub fn begin(&mut self) -> Result<(), VerifyError> {
        for host in &mut self.hosts {
            host.look()?;
        }
        self.pump(Duration::from_millis(20));
        for host in &mut self.hosts {
            host.events.clear();
            host.left.clear();
        }
        self.received.clear();
        Ok(())
    }

    /// What was seen since, as a truth has it.
    pub fn end(&mut self) -> Result<Map<String, Value>, VerifyError> {
        let mut told = Map::new();
        if !self.received.is_empty() {
            told.insert("received".to_owned(), json!(self.received));
        }
        let (mut journey, mut added, mut tracked) = (Vec::new(), Map::new(), Map::new());
        for host in &mut self.hosts {
            let (passes, noise) = journey::passes(&host.events, &host.handles);
            journey.extend(journey::show(
                host.name.as_str(),
                &passes,
                &mut host.left,
                &host.handles,
                &host.names,
            ));
            let mut counts = Map::new();
            for (family, before) in host.families.iter().zip(&host.before) {
                let after = counters::read(&host.ns, *family)?;
                counts.extend(counters::added(*family, before, &after, &noise));
            }
            if !counts.is_empty() {
                added.insert(host.name.to_string(), json!(counts));
            }
            let table = conntrack::table(&host.ns, host.families.contains(&Family::Ip6))?;
            if !table.is_empty() {
                tracked.insert(host.name.to_string(), json!({"table": table}));
            }
        }
        journey.sort_by_key(|(order, _)| *order);
        told.insert("journey".to_owned(), journey.into_iter().map(|(_, pass)| pass).collect());
        told.insert("counters".to_owned(), json!(added));
        told.insert("conntrack".to_owned(), json!(tracked));
        Ok(told)
    }
}

impl Live {
    /// Gives `ip` lines to do.
    fn ip(&self, lines: &[String]) -> Result<(), VerifyError> {
        if lines.is_empty() {
            return Ok(());
        }
        self.tool("ip", &["-batch", "-"], &(lines.join("\n") + "\n"))
    }

    /// Runs a tool that must succeed.
    fn tool(&self, program: &str, arguments: &[&str], stdin: &str) -> Result<(), VerifyError> {
        let said = self.ns.run(program, arguments, stdin)?;
        if said.status == 0 {
            return Ok(());
        }
        let message = if said.err.is_empty() { said.out } else { said.err };
        Err(VerifyError::Refused { host: self.name.to_string(), tool: program.to_owned(), message })
    }

    /// Settings, routes and the lab's own commands.
    fn settle(&self, plan: &HostPlan) -> Result<(), VerifyError> {
        for (path, value) in &plan.sysctls {
            self.ns
                .within(|| std::fs::write(format!("/proc/sys/{path}"), value))?
                .map_err(VerifyError::doing(format!("host {}: setting {path}", self.name)))?;
        }
        self.ip(&plan.routes)?;
        plan.setup.iter().try_for_each(|command| self.tool("bash", &["-c", command], ""))
    }

    /// Sets and rules.
    fn load(&self, plan: &HostPlan) -> Result<(), VerifyError> {
        if let Some(sets) = &plan.ipset {
            self.tool("ipset", &["restore"], sets)?;
        }
        for (family, text) in &plan.rules {
            let arguments: &[&str] = if plan.counters { &["-c"] } else { &[] };
            self.tool(&counters::tool(*family, "-restore"), arguments, text)?;
        }
        Ok(())
    }

    /// Reads rules and counters.
    pub fn look(&mut self) -> Result<(), VerifyError> {
        self.before = self.families.iter().map(|f| counters::read(&self.ns, *f)).collect::<Result<_, _>>()?;
        self.handles = trace::handles(&self.ns)?;
        Ok(())
    }

    /// Takes a frame that an interface sent.
    pub fn sent(&mut self, frame: &[u8]) {
        let kind = frame.get(12..14);
        if kind == Some(&[0x08, 0x00]) || kind == Some(&[0x86, 0xdd]) {
            self.left.extend(frame.get(14..).and_then(|bytes| headers::read(bytes, None)).map(Left::new));
        }
    }
}
