//! What a real kernel did with packets, pass by pass, against the model.
//!
//! A lab's truth tells each packet's way through each host. Here every such way is walked by the model of
//! that host, with the packet as the kernel saw it arrive: rules, states, policies and the end must be equal.
#![cfg(not(target_arch = "wasm32"))]

use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vitrine::abi::{EventId, IfName, Log, Time};
use vitrine::net::{Answer, Event, Fate, Host, Injected, parse_host};
use vitrine::netfilter::event::ChangedBy;
use vitrine::netfilter::ipset::Sets;
use vitrine::netfilter::text::restore_with;
use vitrine::netfilter::{Choices, CtState, Family, Ruleset, Sender, Table, TableName};
use vitrine::packet::{Fragment, Icmp, IcmpType, Packet, Payload, Ports, Proto, Tcp, TcpFlags, Transport};
use vitrine::query::{PathStep, path};

/// One host of a lab, as the model has it.
struct Machine {
    host: Host,
    rulesets: BTreeMap<Family, Arc<Ruleset>>,
    /// Answers that the model's kernel is about to send.
    answers: VecDeque<Answer>,
    next: EventId,
}

impl Machine {
    /// Walks a packet; where the model cannot know which way it goes, the kernel's must be one of them.
    fn walk(
        &mut self,
        injected: &Injected,
        answer: Option<Answer>,
        family: Family,
        want: &[String],
    ) -> (Log<Event>, Vec<String>) {
        let mut first = None;
        let mut next = Some(Vec::new());
        while let Some(given) = next {
            let mut choices = Choices::new(given);
            let mut host = self.host.clone();
            let mut log = Log::starting_at(self.next);
            let (fate, answers) = match answer.clone() {
                Some(answer) => (host.answer(answer, &mut choices, &mut log), Vec::new()),
                None => host.pass(injected, &mut choices, &mut log),
            };
            next = choices.next();
            let mut got = actual(self, family, &log, &fate);
            let over_lo = log.entries().iter().any(|e| matches!(&e.event, Event::Netfilter(e)
                if matches!(e, vitrine::netfilter::event::Event::PacketChanged { by: ChangedBy::Loopback, .. })));
            if over_lo {
                // The kernel's second half is a pass of its own, which is left out here.
                got.truncate(want.len() - 1);
                got.extend(want.last().cloned());
            }
            let equal = got == want;
            if first.is_none() || equal {
                first = Some((host, answers, log, got));
            }
            if equal {
                break;
            }
        }
        let (host, answers, log, got) = first.expect("at least one way");
        self.host = host;
        self.next = log.next_id();
        self.answers.extend(answers);
        (log, got)
    }
}

fn lines(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(lines) => {
            lines.iter().filter_map(Value::as_str).map(|l| format!("{l}\n")).collect::<String>()
        }
        _ => String::new(),
    }
}

/// The host's interfaces, routes and settings, as `ip` would print them.
fn description(host: &Value) -> String {
    let mut text = String::new();
    let mut ports = Vec::new();
    let addrs = |v: &Value| match v {
        Value::String(a) => a.clone(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        other => lines(&other["addr"]).replace('\n', " "),
    };
    for (name, bridge) in host["bridges"].as_object().into_iter().flatten() {
        text += &format!("{name} UP {}\n", addrs(&bridge["addr"]));
        ports.extend(bridge["ports"].as_array().into_iter().flatten().filter_map(Value::as_str));
    }
    for (name, interface) in host["interfaces"].as_object().into_iter().flatten() {
        text += &format!("{name} UP {}\n", addrs(interface));
    }
    for route in host["routes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        text += route;
        if let Some(via) = route.split(" via ").nth(1).filter(|_| !route.contains(" dev ")) {
            text += &format!(" dev {}", device_for(&text, via.split(' ').next().unwrap_or_default()));
        }
        text += "\n";
    }
    let forwards = |key: &str| host["sysctls"][key].as_i64() == Some(1);
    let on = forwards("net.ipv4.ip_forward") || forwards("net.ipv6.conf.all.forwarding");
    text += &format!("net.ipv4.ip_forward = {}\n", i32::from(on));
    let localnet = host["sysctls"].as_object().into_iter().flatten();
    if localnet.into_iter().any(|(k, v)| k.ends_with("route_localnet") && v.as_i64() == Some(1)) {
        text += "net.ipv4.conf.all.route_localnet = 1\n";
    }
    if host["sysctls"]["net.netfilter.nf_conntrack_tcp_loose"].as_i64() == Some(0) {
        text += "net.netfilter.nf_conntrack_tcp_loose = 0\n";
    }
    text
}

/// The interface in whose network a gateway lies.
fn device_for(text: &str, via: &str) -> String {
    let host = parse_host(
        &text.lines().filter(|l| l.contains(" UP ")).map(|l| format!("{l}\n")).collect::<String>(),
    );
    match (host, via.parse()) {
        (Ok(host), Ok(via)) => match host.route(via) {
            vitrine::net::Routed::Out(dev) => dev.to_string(),
            _ => "lo".into(),
        },
        _ => "lo".into(),
    }
}

fn machine(lab: &Value, host: &Value) -> Option<Machine> {
    let mut model = parse_host(&description(host)).ok()?;
    let mut rulesets = BTreeMap::new();
    let mut sets = Sets::default();
    vitrine::netfilter::ipset::restore(&lines(&host["ipset"]), &mut sets, Time::ZERO).expect("sets");
    for (family, key) in [(Family::Ip, "iptables"), (Family::Ip6, "ip6tables")] {
        let text = lines(&host[key]);
        let mut ruleset = match text.trim() {
            "" => Ruleset::empty(family),
            _ => restore_with(&text, family, Some(&sets)).usable().ok()?,
        };
        if lab["complete_tables"] != Value::Bool(false) {
            for name in TableName::ALL {
                ruleset.tables.entry(name).or_insert_with(|| Table::new(name));
            }
        }
        let ruleset = Arc::new(ruleset);
        model.netfilter.load(ruleset.clone());
        rulesets.insert(family, ruleset);
    }
    // As the recording had it; here no time passes between packets.
    for key in ["net.ipv4.icmp_ratelimit", "net.ipv6.icmp.ratelimit"] {
        model.sysctls.set(key, 0).ok()?;
    }
    model.netfilter.load_sets(sets);
    if lab["conntrack"] != "off" {
        model.netfilter.track_always();
    }
    Some(Machine { host: model, rulesets, answers: VecDeque::new(), next: EventId(0) })
}

fn packet(json: &Value) -> Option<Packet> {
    let number = |key: &str| json[key].as_u64().unwrap_or(0);
    let (sport, dport) = (number("sport") as u16, number("dport") as u16);
    let kind = IcmpType::new(number("type") as u8, number("code") as u8);
    let quoted = json["inner"].is_object().then(|| packet(&json["inner"])).flatten().map(Box::new);
    let icmp = || Transport::Icmp(Icmp { kind, id: number("id") as u16, quoted, ..Icmp::default() });
    let proto = json["proto"].as_str().map(str::to_owned).unwrap_or(number("proto").to_string());
    let transport = match proto.as_str() {
        "tcp" => {
            let names = json["flags"].as_str().unwrap_or_default().split(',').filter(|f| !f.is_empty());
            let flags = names.fold(TcpFlags(0), |sum, f| sum | TcpFlags::by_name(f).unwrap_or_default());
            Transport::Tcp(Tcp { sport, dport, flags, ..Tcp::default() })
        }
        "icmp" | "icmpv6" | "ipv6-icmp" => icmp(),
        name => {
            let proto = Proto::by_name(name).or(name.parse().ok().map(Proto))?;
            match proto.has_ports() {
                true => Transport::Ports(Ports { proto, sport, dport }),
                false => Transport::Other(proto),
            }
        }
    };
    let parse = |key: &str| json[key].as_str()?.parse().ok();
    let mut packet = Packet::new(parse("src")?, parse("dst")?, transport)?;
    packet.ttl = json["ttl"].as_u64().or(json["hlim"].as_u64()).unwrap_or(64) as u8;
    packet.tos = number("tos") as u8;
    packet.bad_checksum = json["bad_csum"].as_bool().unwrap_or(false);
    if let Some(offset) = json["frag_offset"].as_u64().or(json["frag"]["offset"].as_u64()) {
        packet.fragment = Some(Fragment {
            offset: offset as u16,
            more: false,
            length: number("len").saturating_sub(20) as u16,
        });
    }
    packet.payload = Payload::Size((number("len") as u32).saturating_sub(packet.len()) as u16);
    Some(packet)
}

/// A pass in short, one line a step.
fn expected(pass: &Value) -> Vec<String> {
    let mut out = Vec::new();
    for step in pass["path"].as_array().into_iter().flatten() {
        let text = |key: &str| step[key].as_str().unwrap_or_default();
        let chain = || format!("{} {}", text("table"), text("chain"));
        if step["rule"].is_u64() {
            let verdict = text("verdict");
            out.push(format!("{} {} {verdict} {}", chain(), step["rule"], text("to")).trim_end().to_owned());
        } else if step["end"].is_boolean() {
            out.push(format!("{} end", chain()));
        } else if step["policy"].is_string() {
            out.push(format!("{} policy {}", chain(), text("policy")));
        } else if text("at").ends_with(":ct") && step["ct"].is_string() && step["ct"] != "UNTRACKED" {
            out.push(format!("ct {}", text("ct")));
        }
    }
    let fate = pass["fate"].as_str().unwrap_or_default();
    out.push(match fate {
        "sent" => {
            let sent = packet(&pass["sent_packet"]).map(|p| ends(&p)).unwrap_or_default();
            format!("sent {} {sent}", pass["sent_on"].as_str().unwrap_or_default())
        }
        other if other.starts_with("lost") => "lost".into(),
        other => other.into(),
    });
    out
}

fn ends(packet: &Packet) -> String {
    let mut bare = packet.clone();
    bare.payload = Payload::NONE;
    bare.bad_checksum = false;
    // Truths do not tell it.
    bare.df = false;
    // Truths tell no TCP options.
    if let Transport::Tcp(tcp) = &mut bare.transport {
        tcp.options = Default::default();
    }
    if let Transport::Icmp(icmp) = &mut bare.transport {
        icmp.quoted = None;
    }
    bare.to_string()
}

fn actual(machine: &Machine, family: Family, log: &Log<Event>, fate: &Fate) -> Vec<String> {
    let mut out = Vec::new();
    for step in path(&machine.rulesets[&family], log) {
        match step {
            PathStep::Pass { .. } | PathStep::Nat { .. } => {}
            PathStep::Ct { ct: CtState::Untracked, .. } => {}
            PathStep::Ct { ct, .. } => out.push(format!("ct {ct}")),
            PathStep::Rule { table, chain, rule, verdict, to, .. } => {
                let to = to.map(|c| c.to_string()).unwrap_or_default();
                out.push(format!("{table} {chain} {rule} {verdict} {to}").trim_end().to_owned());
            }
            PathStep::End { table, chain, .. } => out.push(format!("{table} {chain} end")),
            PathStep::Policy { table, chain, policy } => {
                out.push(format!("{table} {chain} policy {policy}"));
            }
        }
    }
    let last = vitrine::query::scenes(log).last().map(|s| s.skb.packet.clone());
    out.push(match fate {
        Fate::Delivered => "delivered".into(),
        Fate::Sent(dev) => format!("sent {dev} {}", last.map(|p| ends(&p)).unwrap_or_default()),
        Fate::SentSomewhere | Fate::LoopedBack | Fate::Gathered => "sent somewhere".into(),
        Fate::Dropped | Fate::Rejected => "dropped".into(),
        Fate::Lost(_) => "lost".into(),
        Fate::Unknown => "unknown".into(),
    });
    out
}

/// What a probe that sends a packet of its own lets it quote; `None` for any other probe.
fn packet_of_probe(ask: &Value) -> Option<Option<Packet>> {
    (ask["do"] == "packet").then(|| packet(&ask["packet"]["inner"]))
}

#[derive(Default)]
struct Count {
    equal: usize,
    differ: Vec<String>,
    skipped: usize,
    /// Passes that differ, by lab.
    by_lab: Vec<(String, usize)>,
}

/// Walks every pass of a truth.
fn replay(lab: &Value, truth: &Value) -> Count {
    let mut count = Count::default();
    let mut machines: BTreeMap<String, Option<Machine>> = BTreeMap::new();
    for (name, host) in lab["hosts"].as_object().into_iter().flatten() {
        machines.insert(name.clone(), machine(lab, host));
    }
    let mut wait = 0.0;
    let mut changed = false;
    // What the ICMP error on its way quotes: truths leave it out.
    let mut quoted: Option<Packet>;
    let mut last_at: BTreeMap<String, Packet> = BTreeMap::new();
    let probes = truth["probes"].as_array().cloned().unwrap_or_default();
    let asked = lab["probes"].as_array().cloned().unwrap_or_default();
    for (probe, ask) in probes.iter().zip(&asked) {
        wait += ask["seconds"].as_f64().unwrap_or(0.0);
        quoted = None;
        // A probe that changes the host's rules is beyond this test.
        changed |= ask["do"] == "run";
        if changed {
            count.skipped += probe["journey"].as_array().map_or(0, Vec::len);
            continue;
        }
        for (number, pass) in probe["journey"].as_array().into_iter().flatten().enumerate() {
            let name = pass["host"].as_str().unwrap_or_default();
            let Some(Some(machine)) = machines.get_mut(name) else {
                count.skipped += 1;
                continue;
            };
            let unusual = pass["continuation"].as_bool() == Some(true)
                || matches!(pass["fate"].as_str(), Some("reassembled" | "looped-back"))
                || pass["path"].as_array().into_iter().flatten().any(|s| s["physin"].is_string());
            let Some(mut packet) = packet(&pass["packet"]).filter(|_| !unusual) else {
                count.skipped += 1;
                continue;
            };
            packet.bad_checksum |= ask["packet"]["bad_csum"] == Value::Bool(true) && number == 0;
            let v4 = packet.src.is_ipv4();
            let error = |p: &Packet| p.icmp().is_some_and(|i| i.kind.is_error(v4) && i.quoted.is_none());
            if error(&packet) {
                if pass["start"] == "OUTPUT" {
                    quoted = match packet_of_probe(ask).filter(|_| number == 0) {
                        Some(inner) => inner,
                        None => last_at.get(name).cloned(),
                    };
                }
                // One from a host outside the lab's journeys quotes what it was sent last.
                let sent = last_at.get(name).filter(|_| ask["do"] != "packet" || number > 0).cloned();
                let quoted = quoted.clone().or(sent);
                if let (Transport::Icmp(icmp), Some(inner)) = (&mut packet.transport, &quoted) {
                    icmp.quoted = Some(Box::new(inner.clone()));
                    icmp.quoted_len = inner.len() as u16;
                    packet.payload =
                        Payload::Size((packet.payload.len() as u16).saturating_sub(inner.len() as u16));
                }
            }
            let iif = pass["path"][0]["iif"].as_str().and_then(IfName::new);
            let over_lo = iif.as_ref().is_some_and(IfName::is_lo);
            if over_lo {
                // The model walks both halves of a packet over lo as one.
                count.skipped += 1;
                continue;
            }
            let family = Family::of(packet.src);
            let mut injected = Injected::new(packet, iif);
            injected.after = std::time::Duration::from_secs_f64(std::mem::take(&mut wait));
            injected.mark =
                ask["mark"].as_u64().filter(|_| injected.iif.is_none() && number == 0).unwrap_or(0) as u32;
            if injected.iif.is_none() && ask["from"].as_str() == Some(name) && ask["do"] != "packet" {
                let id = |key: &str| ask[key].as_u64().unwrap_or(0) as u32;
                injected.sender = Sender::Socket { uid: id("uid"), gid: id("gid") };
            }
            let kernel_made = match &injected.packet.transport {
                Transport::Icmp(icmp) => !matches!(icmp.kind.ty, 8 | 128),
                Transport::Tcp(tcp) => tcp.flags.has(TcpFlags::RST) && ask["close"] != "rst",
                _ => false,
            };
            if injected.iif.is_none() && kernel_made {
                let socket = v4 || injected.packet.icmp().is_some();
                injected.sender = if socket { Sender::KernelSocket } else { Sender::Kernel };
            }
            let is_answer = injected.iif.is_none()
                && machine.answers.front().is_some_and(|a| ends(&a.packet) == ends(&injected.packet));
            let answer = is_answer.then(|| machine.answers.pop_front()).flatten();
            let want = expected(pass);
            let (log, got) = machine.walk(&injected, answer, family, &want);
            if let Some(scene) = vitrine::query::scenes(&log).last() {
                let ended = scene.skb.packet.clone();
                match &ended.transport {
                    Transport::Icmp(Icmp { quoted: Some(inner), .. }) => quoted = Some((**inner).clone()),
                    _ => drop(last_at.insert(name.to_owned(), ended)),
                }
            }
            if want == got {
                count.equal += 1;
            } else {
                let at = want.iter().zip(&got).position(|(a, b)| a != b).unwrap_or(want.len().min(got.len()));
                let line = |v: &[String]| v.get(at).cloned().unwrap_or("(end)".into());
                count.differ.push(format!(
                    "{} / {} / pass {number} at {name}: {injected}\n      kernel: {}\n      model:  {}",
                    truth["scenario"].as_str().unwrap_or_default(),
                    probe["name"].as_str().unwrap_or_default(),
                    line(&want),
                    line(&got)
                ));
            }
        }
    }
    count
}

fn replay_folder(labs: &Path, truths: &Path) -> (Count, usize) {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(labs).into_iter().flatten().filter_map(|e| Some(e.ok()?.path())).collect();
    files.sort();
    let read =
        |path: &Path| -> Option<Value> { serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok() };
    let mut sum = Count::default();
    for file in &files {
        let name = file.file_name().unwrap_or_default();
        let (Some(lab), Some(truth)) = (read(file), read(&truths.join(name))) else { continue };
        let one = replay(&lab, &truth);
        println!(
            "{:50} {:4} equal {:4} differ {:4} skipped",
            name.to_string_lossy(),
            one.equal,
            one.differ.len(),
            one.skipped
        );
        sum.by_lab.push((name.to_string_lossy().into_owned(), one.differ.len()));
        sum.equal += one.equal;
        sum.skipped += one.skipped;
        sum.differ.extend(one.differ);
    }
    (sum, files.len())
}

#[test]
fn labs_of_our_own() {
    let (count, files) = replay_folder(Path::new("tests/data/labs"), Path::new("tests/data/truth"));
    assert!(files >= 10 && count.equal > 100, "{files} labs, {} passes", count.equal);
    assert!(count.differ.is_empty(), "{} passes differ:\n{}", count.differ.len(), count.differ.join("\n"));
}

/// Labs beside the project of which so many passes differ, and why. Any other number fails, a smaller one too.
const KNOWN: [(&str, usize, &str); 13] = [
    ("10-ct-related.json", 2, "a neighbour that does not answer"),
    ("13-ct-tcp-window.json", 3, "sequence numbers"),
    ("17-docker-publish.json", 11, "bridged frames"),
    ("20-snat-masquerade.json", 2, "a port that Linux chooses by chance"),
    ("29-mark-reroute-output.json", 11, "ip rule"),
    ("36-multiport-iprange-mac.json", 3, "hardware addresses, which truths leave out"),
    ("43-tcp-flags.json", 1, "TCP options, which truths leave out"),
    ("50-bridge-nf-1.json", 21, "bridged frames"),
    ("53-rp-filter-1.json", 3, "rp_filter"),
    ("56-no-route.json", 6, "throw routes, a neighbour that does not answer"),
    ("66-tproxy.json", 6, "TPROXY"),
    ("72-mtu.json", 2, "path MTU"),
    ("75-ip6-neighbour-discovery.json", 2, "a neighbour that does not answer"),
];

/// Labs that lie beside the project, where they do.
#[test]
fn labs_beside_the_project() {
    let base = std::env::var("VITRINE_SHARED").unwrap_or("../shared".into());
    let base = Path::new(&base).join("truth/netfilter");
    let (count, files) = replay_folder(&base.join("labs"), &base.join("truth"));
    println!("{files} labs: {} equal, {} differ, {} skipped", count.equal, count.differ.len(), count.skipped);
    for line in &count.differ {
        println!("{line}");
    }
    let known = |name: &str| KNOWN.iter().find(|k| k.0 == name).map_or(0, |k| k.1);
    let wrong: Vec<_> = count.by_lab.iter().filter(|(name, n)| *n != known(name)).collect();
    assert!(wrong.is_empty(), "other than known: {wrong:?}");
}
