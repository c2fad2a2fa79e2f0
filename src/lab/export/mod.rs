//! A lab as a bash script that builds it on a real Linux machine.
//!
//! Every text of the lab is in single quotes or in a here-document that ends with a word of which the text has no
//! line, so none of it is read as shell code, except what the format means to be shell code: `setup` and `run`.

mod quote;

use super::plan::{HostPlan, Plan};
use super::{Backend, HostName, Lab, PacketProbe, Probe, Switch};
use crate::netfilter::Family;
use quote::{comment, here, quoted};
use serde_json::{Map, Value, json};
use std::fmt;
use std::fmt::Write;

const BEGIN: &str = include_str!("begin.sh");
const END: &str = include_str!("end.sh");
const AGENT: &str = include_str!("agent.py");

/// Why a lab cannot be written as a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportError {
    /// A text has a zero byte, which no shell can hold.
    Zero {
        /// Where the text stands.
        place: String,
    },
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExportError::Zero { place } => write!(f, "{place}: a shell script cannot hold a zero byte"),
        }
    }
}

impl std::error::Error for ExportError {}

/// The script.
///
/// # Errors
/// A text of the lab that no shell script can hold.
pub fn to_bash(lab: &Lab) -> Result<String, ExportError> {
    let value = serde_json::to_value(lab).unwrap_or_default();
    if let Some(place) = zero(&value, "the lab") {
        return Err(ExportError::Zero { place });
    }
    let plan = Plan::new(lab);
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = header(&mut out, lab, &plan);
    out += BEGIN;
    let _ = build(&mut out, lab, &plan);
    let _ = servers(&mut out, lab, &plan);
    let _ = probes(&mut out, lab, &plan);
    out += END;
    Ok(out)
}

/// Where a text has a zero byte.
fn zero(value: &Value, place: &str) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(|| place.to_owned()),
        Value::Array(list) => list.iter().enumerate().find_map(|(i, v)| zero(v, &format!("{place}[{i}]"))),
        Value::Object(map) => map.iter().find_map(|(name, v)| {
            if name.contains('\0') { Some(place.to_owned()) } else { zero(v, &format!("{place}.{name}")) }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// What a host's agent is needed for: servers, and everything that is sent from sockets but echo requests.
fn has_agent(lab: &Lab, name: &HostName) -> bool {
    let serves = lab.hosts.get(name).is_some_and(|host| !host.listeners.is_empty());
    serves
        || lab.probes.iter().any(|probe| match probe {
            Probe::Udp(_) | Probe::Tcp(_) | Probe::Packet(_) | Probe::Push(_) => probe.host() == Some(name),
            Probe::Packets(p) => p.packets.iter().any(|item| item.from.as_ref().unwrap_or(&p.from) == name),
            Probe::Ping(_) | Probe::Run(_) | Probe::Sleep(_) => false,
        })
}

/// The words at the top, the names, and the check for what is needed.
fn header(out: &mut String, lab: &Lab, plan: &Plan) -> fmt::Result {
    let tracks = lab.conntrack.unwrap_or(Switch::On) == Switch::On;
    let agents = plan.hosts.iter().any(|host| has_agent(lab, &host.name));
    let pings = lab.probes.iter().any(|probe| matches!(probe, Probe::Ping(_)));
    let sets = plan.hosts.iter().any(|host| host.ipset.is_some());
    let mut needs = vec![("ip", "iproute2")];
    let mut families: Vec<(&str, &str)> = Vec::new();
    for host in &plan.hosts {
        families.extend(host.rules.iter().map(|(family, _)| match (family, host.backend) {
            (Family::Ip, Backend::Nft) => ("iptables-restore", "iptables, the nf_tables kind"),
            (Family::Ip, Backend::Legacy) => ("iptables-restore", "iptables, the legacy kind"),
            (Family::Ip6, Backend::Nft) => ("ip6tables-restore", "iptables, the nf_tables kind"),
            (Family::Ip6, Backend::Legacy) => ("ip6tables-restore", "iptables, the legacy kind"),
        }));
    }
    families.sort_unstable();
    families.dedup();
    needs.extend(families);
    needs.extend(sets.then_some(("ipset", "ipset")));
    needs.extend(tracks.then_some(("nft", "nftables, to turn connection tracking on")));
    needs.extend(pings.then_some(("ping", "iputils-ping")));
    needs.extend(agents.then_some(("python3", "for servers and for what sockets send")));

    writeln!(out, "#!/usr/bin/env bash")?;
    writeln!(out, "# The lab `{}`, built out of network namespaces.", comment(&lab.name))?;
    if let Some(about) = &lab.about {
        writeln!(out, "# {}", comment(about))?;
    }
    writeln!(out, "#\n# It needs root on Linux, and:")?;
    for (tool, what) in &needs {
        writeln!(out, "#   {tool} ({what})")?;
    }
    let setups: usize = plan.hosts.iter().map(|host| host.setup.len()).sum();
    let runs = lab.probes.iter().filter(|probe| matches!(probe, Probe::Run(_))).count();
    if setups + runs > 0 {
        writeln!(
            out,
            "#\n# The lab brings shell commands of its own, which run as root in its namespaces ({setups} to set up, \
             {runs} as probes).\n# Read them below before you run this."
        )?;
    }
    writeln!(out, "#\n# Called without arguments it tells what it can do.\n")?;
    writeln!(out, "prefix='vitrine-{}-'", short(&lab.name))?;
    writeln!(out, "state=\"/run/${{prefix%-}}\"")?;
    let hosts: Vec<String> = plan.hosts.iter().map(|host| quoted(host.name.as_str())).collect();
    writeln!(out, "hosts=({})", hosts.join(" "))?;
    let names: Vec<String> =
        lab.probes.iter().enumerate().map(|(i, probe)| quoted(&title(i, probe))).collect();
    writeln!(out, "names=({})", names.join(" "))?;
    if agents {
        // `read` ends at the end of the text with a status of 1.
        writeln!(out, "IFS= read -r -d '' agent <<{}", here(AGENT, " || true"))?;
    } else {
        writeln!(out, "agent=''")?;
    }
    writeln!(out, "\nneeds() {{")?;
    for (tool, what) in &needs {
        writeln!(out, "  need {tool} {}", quoted(what))?;
    }
    writeln!(out, "}}")
}

/// A probe's name for people, on one line.
fn title(at: usize, probe: &Probe) -> String {
    let name = probe.name().map_or_else(|| format!("probe {}", at + 1), comment);
    format!("{name} ({})", probe.kind())
}

/// A lab's name as a part of the names of namespaces.
fn short(name: &str) -> String {
    let plain = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    plain.take(32).collect()
}

/// The function that builds the network.
fn build(out: &mut String, lab: &Lab, plan: &Plan) -> fmt::Result {
    writeln!(out, "\n# shellcheck disable=SC2016\nbuild() {{")?;
    for host in &plan.hosts {
        let name = quoted(host.name.as_str());
        writeln!(out, "  ip netns add \"$(ns {name})\"")?;
        for (path, value) in &host.defaults {
            writeln!(out, "  default_setting {name} {path} {value}")?;
        }
        writeln!(out, "  ip -n \"$(ns {name})\" link set lo up")?;
    }
    for [a, b] in &plan.cables {
        let (host, peer) = (quoted(a.host.as_str()), quoted(b.host.as_str()));
        let (near, far) = (quoted(a.interface.as_str()), quoted(b.interface.as_str()));
        writeln!(out, "  ip -n \"$(ns {host})\" link add {near} address {} type veth \\", a.mac)?;
        write!(out, "    peer name {far} address {}", b.mac)?;
        writeln!(
            out,
            "{}",
            if a.host == b.host { String::new() } else { format!(" netns \"$(ns {peer})\"") }
        )?;
    }
    for host in &plan.hosts {
        batch(out, host, &host.devices)?;
    }
    for host in &plan.hosts {
        let name = quoted(host.name.as_str());
        for (path, value) in &host.sysctls {
            writeln!(out, "  setting {name} {} {}", quoted(path), quoted(value))?;
        }
        batch(out, host, &host.routes)?;
        for command in &host.setup {
            writeln!(out, "  in_host {name} bash -c {}", quoted(command))?;
        }
    }
    for host in &plan.hosts {
        let name = quoted(host.name.as_str());
        if let Some(sets) = &host.ipset {
            writeln!(out, "  in_host {name} ipset restore <<{}", here(sets, ""))?;
        }
        for (family, text) in &host.rules {
            let (tool, kind) = tool(*family, host.backend);
            let counters = if host.counters { " -c" } else { "" };
            writeln!(out, "  xtables {name} {tool} {kind} -restore{counters} <<{}", here(text, ""))?;
        }
    }
    if lab.conntrack.unwrap_or(Switch::On) == Switch::On {
        writeln!(out, "  # A rule that no packet meets makes the kernel track connections.")?;
        writeln!(out, "  for host in \"${{hosts[@]}}\"; do")?;
        writeln!(
            out,
            "    in_host \"$host\" nft 'table inet vitrine_conntrack {{ chain none {{ ct state new; }}; }}'"
        )?;
        writeln!(out, "  done")?;
    }
    // Ports of bridges and IPv6 addresses take a moment.
    writeln!(out, "  sleep 0.3\n}}")
}

/// The tool and its kind, as `xtables` of the script takes them.
fn tool(family: Family, backend: Backend) -> (&'static str, &'static str) {
    let tool = match family {
        Family::Ip => "iptables",
        Family::Ip6 => "ip6tables",
    };
    let kind = match backend {
        Backend::Nft => "nft",
        Backend::Legacy => "legacy",
    };
    (tool, kind)
}

/// Lines for `ip`.
fn batch(out: &mut String, host: &HostPlan, lines: &[String]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    let text = lines.join("\n") + "\n";
    writeln!(out, "  ip -n \"$(ns {})\" -batch - <<{}", quoted(host.name.as_str()), here(&text, ""))
}

/// The function that starts the hosts' agents.
fn servers(out: &mut String, lab: &Lab, plan: &Plan) -> fmt::Result {
    writeln!(out, "\nservers() {{\n  :")?;
    for host in plan.hosts.iter().filter(|host| has_agent(lab, &host.name)) {
        let listeners = lab.hosts.get(&host.name).map(|spec| &spec.listeners);
        let config = json!({"listeners": listeners, "peers": peers(lab, plan, &host.name)});
        writeln!(out, "  agent_start {} {}", quoted(host.name.as_str()), quoted(&config.to_string()))?;
    }
    writeln!(out, "}}")
}

/// The hardware address at the other end of each of a host's links.
fn peers(lab: &Lab, plan: &Plan, host: &HostName) -> Map<String, Value> {
    let pairs = plan.cables.iter().flat_map(|[a, b]| [(a, b), (b, a)]);
    let own = pairs.filter(|(near, _)| near.host == *host);
    own.map(|(near, far)| {
        let given =
            lab.hosts.get(&far.host).and_then(|spec| spec.interfaces.get(&far.interface)?.settings().mac);
        (near.interface.to_string(), json!(given.unwrap_or(far.mac)))
    })
    .collect()
}

/// A function per probe.
fn probes(out: &mut String, lab: &Lab, plan: &Plan) -> fmt::Result {
    for (i, probe) in lab.probes.iter().enumerate() {
        // The lab's own commands may well have dollar signs in single quotes.
        writeln!(out, "\n# shellcheck disable=SC2016\nprobe_{}() {{", i + 1)?;
        one_probe(out, plan, probe)?;
        writeln!(out, "}}")?;
    }
    Ok(())
}

fn one_probe(out: &mut String, plan: &Plan, probe: &Probe) -> fmt::Result {
    match probe {
        Probe::Udp(_) | Probe::Tcp(_) | Probe::Packet(_) | Probe::Push(_) => {
            let host = probe.host().map_or("", HostName::as_str);
            ask(out, host, probe)
        }
        Probe::Packets(p) => p.packets.iter().try_for_each(|item| {
            let from = item.from.as_ref().unwrap_or(&p.from);
            let single = PacketProbe {
                name: None,
                about: None,
                from: from.clone(),
                packet: Box::new(item.packet.clone()),
                via: item.via.as_ref().or(p.via.as_ref()).cloned(),
                count: p.count,
                mark: p.mark,
                dev: p.dev.clone(),
                route_to: p.route_to,
                eth_dst: p.eth_dst,
                eth_src: p.eth_src,
                wait: item.wait.as_ref().or(p.wait.as_ref()).cloned(),
            };
            ask(out, from.as_str(), &Probe::Packet(single))
        }),
        Probe::Ping(p) => {
            let mut words = format!("ping -n -c {} -W 1 -s {}", p.count.unwrap_or(1), p.size.unwrap_or(8));
            let mut option = |name: &str, value: Option<String>| {
                if let Some(value) = value {
                    words += &format!(" {name} {}", quoted(&value));
                }
            };
            option("-t", p.ttl.map(|n| n.to_string()));
            option("-Q", p.tos.map(|n| n.to_string()));
            option("-m", p.mark.map(|n| n.to_string()));
            option("-I", p.dev.as_ref().map(|name| name.to_string()));
            option("-I", p.src.map(|addr| addr.to_string()));
            // No answer is an answer too.
            writeln!(
                out,
                "  in_host {} {words} {} || true",
                quoted(p.from.as_str()),
                quoted(&p.dst.to_string())
            )
        }
        Probe::Run(p) => {
            let host = plan.hosts.iter().find(|host| host.name == p.host);
            let backend = host.map_or(Backend::Nft, |host| host.backend);
            let shell = format!("{}{}", kinds(backend), p.cmd.text());
            let name = quoted(p.host.as_str());
            let stdin = p.stdin.as_ref().map(|text| text.text()).unwrap_or_default();
            writeln!(out, "  local status=0")?;
            let tail = here(&stdin, " || status=$?");
            writeln!(out, "  in_host {name} bash -c {} <<{tail}", quoted(&shell))?;
            writeln!(out, "  say \"exit status $status\"")
        }
        Probe::Sleep(p) => writeln!(out, "  sleep {:.3}", p.seconds.duration().as_secs_f64()),
    }
}

/// A question to a host's agent.
fn ask(out: &mut String, host: &str, probe: &Probe) -> fmt::Result {
    let text = serde_json::to_string(probe).unwrap_or_default();
    writeln!(out, "  agent_ask {} {}", quoted(host), quoted(&text))
}

/// Shell functions by which plain `iptables` is that of the host's kind, where both are installed.
fn kinds(backend: Backend) -> String {
    let mut shell = String::new();
    for family in [Family::Ip, Family::Ip6] {
        let (tool, kind) = tool(family, backend);
        for end in ["", "-save", "-restore"] {
            shell += &format!(
                "if command -v {tool}-{kind}{end} >/dev/null; then {tool}{end}() {{ {tool}-{kind}{end} \"$@\"; }}; fi\n"
            );
        }
    }
    shell
}
