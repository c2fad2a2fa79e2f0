//! A packet alone through one host, as `vitrine trace` leads it: each recorded pass of some labs, with the packet
//! as the kernel saw it arrive. Whole networks are held to Linux by `tests/labs`.
#![cfg(not(target_arch = "wasm32"))]

use serde_json::Value;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use vitrine::abi::{EventId, IfName, Log};
use vitrine::lab::{Lab, build};
use vitrine::net::{Answer, Event, Fate, Host, Injected};
use vitrine::netfilter::{Choices, CtState, Family, Ruleset, Sender};
use vitrine::packet::{Icmp, IcmpType, Packet, Payload, Ports, Proto, Tcp, TcpFlags, Transport};
use vitrine::query::{PathStep, path, scenes};

/// Labs of which no pass needs more than its packet: no answer of the kernel's to another host's error.
const LABS: [&str; 4] = ["chains", "marks", "matches", "states"];

/// A recorded packet, if the record tells enough of it.
fn packet(json: &Value) -> Option<Packet> {
    let number = |key: &str| json[key].as_u64().unwrap_or(0);
    let (sport, dport) = (number("sport") as u16, number("dport") as u16);
    let transport = match Proto::by_name(json["proto"].as_str()?)? {
        Proto::TCP => {
            let names = json["flags"].as_str().unwrap_or_default().split(',');
            let flags = names.filter_map(TcpFlags::by_name).fold(TcpFlags(0), |sum, flag| sum | flag);
            Transport::Tcp(Tcp { sport, dport, flags, ..Tcp::default() })
        }
        Proto::ICMP | Proto::ICMPV6 => {
            let kind = IcmpType::new(number("type") as u8, number("code") as u8);
            Transport::Icmp(Icmp::query(kind, number("id") as u16, number("seqno") as u16))
        }
        proto if proto.has_ports() => Transport::Ports(Ports { proto, sport, dport }),
        proto => Transport::Other(proto),
    };
    let address = |key: &str| json[key].as_str()?.parse().ok();
    let mut packet = Packet::new(address("src")?, address("dst")?, transport)?;
    packet.ttl = json["ttl"].as_u64().unwrap_or(64) as u8;
    packet.tos = number("tos") as u8;
    packet.payload = Payload::Size((number("len") as u32).saturating_sub(packet.len()) as u16);
    let told =
        json["frag"].is_null() && !packet.icmp().is_some_and(|i| i.kind.is_error(packet.src.is_ipv4()));
    told.then_some(packet)
}

/// The machine under test.
struct Machine {
    host: Host,
    next: EventId,
    /// What the model's kernel is about to send.
    answers: VecDeque<Answer>,
}

/// Where a packet goes and how it looks, in the words of a truth.
fn sent(dev: &str, packet: &Packet) -> String {
    let ports = packet.ports().map(|(s, d)| format!("{s} {d}")).unwrap_or_default();
    format!("sent {dev} {} {} {ports} ttl {} tos {}", packet.src, packet.dst, packet.ttl, packet.tos)
}

/// A recorded pass in short, one line a step.
fn expected(pass: &Value) -> Vec<String> {
    let mut out = Vec::new();
    for step in pass["path"].as_array().into_iter().flatten() {
        let text = |key: &str| step[key].as_str().unwrap_or_default();
        let chain = format!("{} {}", text("table"), text("chain"));
        if step["rule"].is_u64() {
            out.push(format!("{chain} {} {} {}", step["rule"], text("verdict"), text("to")));
        } else if step["end"].is_boolean() {
            out.push(format!("{chain} end"));
        } else if step["policy"].is_string() {
            out.push(format!("{chain} policy {}", text("policy")));
        } else if text("at").ends_with(":ct") && step["ct"].is_string() && step["ct"] != "UNTRACKED" {
            out.push(format!("ct {}", text("ct")));
        }
    }
    out.push(match pass["fate"].as_str().unwrap_or_default() {
        "sent" => {
            let packet = packet(&pass["sent_packet"]).expect("the packet that was sent");
            sent(pass["sent_on"].as_str().unwrap_or_default(), &packet)
        }
        fate if fate.starts_with("lost") => "lost".into(),
        fate => fate.into(),
    });
    out
}

/// What the model says of a pass, in the same words.
fn actual(ruleset: &Ruleset, log: &Log<Event>, fate: &Fate) -> Vec<String> {
    let mut out = Vec::new();
    for step in path(ruleset, log) {
        match step {
            PathStep::Pass { .. } | PathStep::Nat { .. } | PathStep::Ct { ct: CtState::Untracked, .. } => {}
            PathStep::Ct { ct, .. } => out.push(format!("ct {ct}")),
            PathStep::Rule { table, chain, rule, verdict, to, .. } => {
                let to = to.map(|c| c.to_string()).unwrap_or_default();
                out.push(format!("{table} {chain} {rule} {verdict} {to}"));
            }
            PathStep::End { table, chain, .. } => out.push(format!("{table} {chain} end")),
            PathStep::Policy { table, chain, policy } => out.push(format!("{table} {chain} policy {policy}")),
        }
    }
    out.push(match fate {
        Fate::Delivered => "delivered".into(),
        Fate::Sent(dev) => match scenes(log).last() {
            Some(scene) => sent(dev.as_str(), &scene.skb.packet),
            None => format!("sent {dev} without a packet"),
        },
        Fate::Dropped | Fate::Rejected => "dropped".into(),
        Fate::Lost(_) => "lost".into(),
        other => format!("{other:?}"),
    });
    out
}

/// Leads a packet through the host. Where the model cannot know which way it goes, the kernel's must be one of them.
fn lead(machine: &mut Machine, injected: &Injected, want: &[String]) -> Vec<String> {
    let key = |p: &Packet| (p.src, p.dst, p.ports(), p.tcp().map(|t| t.flags));
    let is_own = |answer: &Answer| key(&answer.packet) == key(&injected.packet);
    let front = machine.answers.front().filter(|a| injected.iif.is_none() && is_own(a));
    let answer = front.cloned().inspect(|_| drop(machine.answers.pop_front()));
    let host = &machine.host;
    let family = Family::of(injected.packet.src);
    let ruleset = host.netfilter.ruleset(family).cloned().unwrap_or_else(|| Arc::new(Ruleset::empty(family)));
    let mut first = None;
    let mut given = Some(Vec::new());
    while let Some(answers) = given {
        let mut choices = Choices::new(answers);
        let (mut host, mut log) = (host.clone(), Log::starting_at(machine.next));
        let (fate, answers) = match &answer {
            Some(answer) => (host.answer(answer.clone(), &mut choices, &mut log), Vec::new()),
            None => host.pass(injected, &mut choices, &mut log),
        };
        given = choices.next();
        let got = actual(&ruleset, &log, &fate);
        let equal = got == want;
        if first.is_none() || equal {
            first = Some((host, log.next_id(), answers, got));
        }
        if equal {
            break;
        }
    }
    let (host, next, answers, got) = first.expect("at least one way");
    (machine.host, machine.next) = (host, next);
    machine.answers.extend(answers);
    got
}

/// Leads each recorded pass of a lab through its host; how many, and what differs.
fn replay(name: &str) -> (usize, Vec<String>) {
    let read = |folder: &str| {
        let path = Path::new("tests/data").join(folder).join(format!("{name}.json"));
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    let lab: Lab = read("labs").parse().unwrap_or_else(|e| panic!("{name}: {e}"));
    let truth: Value = serde_json::from_str(&read("truth")).unwrap_or_else(|e| panic!("{name}: {e}"));
    let network = build(&lab).unwrap_or_else(|e| panic!("{name}: {e}"));
    let host = network.host(network.by_name("host").expect("the machine under test")).clone();
    let mut machine = Machine { host, next: EventId(0), answers: VecDeque::new() };
    let asked = serde_json::to_value(&lab.probes).expect("probes as JSON");
    let (mut equal, mut differ, mut wait) = (0, Vec::new(), 0.0);
    for (number, probe) in truth["probes"].as_array().into_iter().flatten().enumerate() {
        let ask = &asked[number];
        wait += ask["seconds"].as_f64().unwrap_or(0.0);
        let passes = probe["journey"].as_array().into_iter().flatten().filter(|p| p["host"] == "host");
        for pass in passes {
            let iif = pass["path"][0]["iif"].as_str().and_then(IfName::new);
            let over_lo = pass["sent_on"] == "lo" || iif.as_ref().is_some_and(IfName::is_lo);
            // The model leads a packet over lo through both its passes at once.
            let Some(packet) = packet(&pass["packet"]).filter(|_| !over_lo) else { continue };
            let mut injected = Injected::new(packet, iif);
            injected.packet.bad_checksum = ask["packet"]["bad_csum"] == true;
            injected.after = Duration::from_secs_f64(std::mem::take(&mut wait));
            let answer = match &injected.packet.transport {
                Transport::Icmp(icmp) => !matches!(icmp.kind.ty, 8 | 128),
                Transport::Tcp(tcp) => tcp.flags.has(TcpFlags::RST),
                Transport::Ports(_) | Transport::Other(_) => false,
            };
            if injected.iif.is_none() && answer {
                injected.sender = Sender::Kernel;
            } else if injected.iif.is_none() && ask["from"] == "host" && ask["do"] != "packet" {
                let id = |key: &str| ask[key].as_u64().unwrap_or(0) as u32;
                injected.sender = Sender::Socket { uid: id("uid"), gid: id("gid") };
                injected.mark = id("mark");
            }
            let want = expected(pass);
            let got = lead(&mut machine, &injected, &want);
            match want == got {
                true => equal += 1,
                false => differ.push(format!(
                    "{name} / {}: {injected}\n  kernel: {want:#?}\n  model: {got:#?}",
                    probe["name"]
                )),
            }
        }
    }
    (equal, differ)
}

#[test]
fn each_pass_alone_is_as_linux_had_it() {
    let (mut equal, mut differ) = (0, Vec::new());
    for lab in LABS {
        let (n, other) = replay(lab);
        println!("{lab}: {n} equal, {} differ", other.len());
        equal += n;
        differ.extend(other);
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(equal > 100, "{equal} passes");
}
