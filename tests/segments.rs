//! What Linux's connection tracking said of TCP segments, one by one, against the model.
//!
//! `tests/record/segments.py` made the recording: odd handshakes, numbers far from where they should be, resets,
//! windows, options. State, the entry's state, seconds left and bits must be equal after each segment.
#![cfg(not(target_arch = "wasm32"))]

use std::net::IpAddr;
use vitrine::abi::{Duration, IfName, Log, Time};
use vitrine::netfilter::event::Event;
use vitrine::netfilter::{
    AddrType, Choices, CtState, CtStatus, Env, Hook, HookVerdict, Netfilter, OutDev, Skb, WalkCx,
};
use vitrine::packet::{Packet, Payload, Tcp, TcpFlags, TcpNumbers, TcpOption, TcpOptions, Transport};

struct Nowhere;

impl Env for Nowhere {
    fn addr_type(&self, _: IpAddr, _: Option<&IfName>) -> Option<AddrType> {
        None
    }
    fn source_address(&self, _: &IfName, _: IpAddr) -> Option<IpAddr> {
        None
    }

    fn first_address(&self, _: &IfName, _: IpAddr) -> Option<IpAddr> {
        None
    }
}

fn flags(text: &str) -> TcpFlags {
    text.chars().fold(TcpFlags(0), |sum, c| {
        sum | match c {
            'F' => TcpFlags::FIN,
            'S' => TcpFlags::SYN,
            'R' => TcpFlags::RST,
            'P' => TcpFlags::PSH,
            'A' => TcpFlags::ACK,
            'U' => TcpFlags::URG,
            _ => TcpFlags(0),
        }
    })
}

fn options(text: &str) -> TcpOptions {
    let number = |t: &str| t.parse::<u32>().expect("number");
    let list = text.split(',').filter(|o| *o != "-").map(|o| {
        if let Some(shift) = o.strip_prefix("ws") {
            TcpOption::WindowScale(number(shift) as u8)
        } else if let Some((start, end)) = o.strip_prefix("sack").and_then(|s| s.split_once('-')) {
            TcpOption::Sack(vec![(number(start), number(end))])
        } else {
            TcpOption::SackPermitted
        }
    });
    TcpOptions(list.collect())
}

/// One segment as the recording has it.
fn packet(words: &[&str]) -> Packet {
    let number = |at: usize| words[at].parse::<u32>().expect("number");
    let forth = words[0] == ">";
    let (a, b): (IpAddr, IpAddr) = ([10, 1, 0, 2].into(), [10, 2, 0, 2].into());
    let (src, dst, sport, dport) = if forth { (a, b, 40000, 80) } else { (b, a, 80, 40000) };
    let tcp = Tcp {
        sport,
        dport,
        flags: flags(words[1]),
        numbers: Some(TcpNumbers { seq: number(2), ack: number(3), window: number(4) as u16 }),
        options: options(words[5]),
    };
    let mut packet = Packet::new(src, dst, Transport::Tcp(tcp)).expect("one family");
    packet.payload = Payload::Size(number(6) as u16);
    packet
}

fn walk(netfilter: &mut Netfilter, packet: Packet) -> Option<CtState> {
    let mut skb = Skb { iif: IfName::new("in"), ..Skb::new(packet) };
    let mut log: Log<Event> = Log::default();
    let mut choices = Choices::new(Vec::new());
    let mut copies = Vec::new();
    for hook in [Hook::Prerouting, Hook::Forward, Hook::Postrouting] {
        if hook == Hook::Forward {
            skb.oif = OutDev::Named(IfName::new("out").expect("name"));
        }
        let mut cx = WalkCx {
            env: &Nowhere,
            now: Time::ZERO.after(Duration::from_secs(1000)),
            choices: &mut choices,
            assumed: None,
            sink: &mut log,
            copies: &mut copies,
        };
        assert_eq!(netfilter.run_hook(hook, &mut skb, None, &mut cx), HookVerdict::Accept);
    }
    let last = log.next_id();
    let state = skb.ct.map(|ct| ct.state);
    let mut log: Log<Event> = Log::starting_at(last);
    let ended = vitrine::abi::EventId(last.0 - 1);
    netfilter.forget_unconfirmed(&[], ended, &mut log);
    state
}

fn entry(netfilter: &Netfilter) -> String {
    let now = Time::ZERO.after(Duration::from_secs(1000));
    let Some(entry) = netfilter.conntrack.table().next() else { return "- - -".into() };
    let mut bits = String::new();
    if entry.has(CtStatus::SeenReply) {
        bits.push('r');
    }
    if entry.has(CtStatus::Assured) {
        bits.push('a');
    }
    let tcp = entry.tcp.map_or("-", |t| t.name());
    let bits = if bits.is_empty() { "-" } else { &bits };
    // The kernel rounds what is left down, and some of the first second is over.
    format!("{tcp} {} {bits}", entry.expires.since(now).as_secs().saturating_sub(1))
}

#[test]
fn segments() {
    let path = std::env::var("SEGMENTS").unwrap_or("tests/data/segments.txt".into());
    let text = std::fs::read_to_string(&path).expect("the recording");
    let mut netfilter = Netfilter::default();
    let (mut number, mut flow, mut wrong) = (0, Vec::new(), Vec::new());
    let mut broken = false;
    for line in text.lines() {
        if let Some(settings) = line.strip_prefix("flow ") {
            netfilter = Netfilter::default();
            netfilter.track_always();
            for (key, value) in settings.split(' ').filter_map(|s| s.split_once('=')) {
                let name = format!("nf_conntrack_{key}");
                netfilter.conntrack.settings.set(&name, value).expect("a setting");
            }
            (flow, broken) = (vec![line], false);
            continue;
        }
        flow.push(line);
        if broken {
            continue;
        }
        let (sent, want) = line.split_once(" | ").expect("two halves");
        let words: Vec<&str> = sent.split(' ').collect();
        let state = walk(&mut netfilter, packet(&words));
        let got = format!("{} {}", state.map_or("none", CtState::name), entry(&netfilter));
        number += 1;
        // Seconds differ by one where recording took long.
        let near = |a: &str, b: &str| match (a.parse::<i64>(), b.parse::<i64>()) {
            (Ok(a), Ok(b)) => (a - b).abs() <= 1,
            _ => a == b,
        };
        let equal = got.split(' ').zip(want.split(' ')).all(|(g, w)| near(g, w));
        if !equal {
            wrong.push(format!("{}\n   the model: {got}\n", flow.join("\n")));
            broken = true;
        }
    }
    assert!(number > 500, "{number} segments");
    assert!(
        wrong.is_empty(),
        "{number} segments, {} flows differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(8)].join("\n")
    );
}
