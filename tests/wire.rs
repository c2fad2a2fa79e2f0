//! What a real kernel did with packets, byte by byte, against the model: the rules that counted each, and the bytes
//! that went out and came back.
#![cfg(not(target_arch = "wasm32"))]

use serde_json::Value;
use std::sync::Arc;
use vitrine::abi::{EventId, IfName, Log};
use vitrine::net::{Event, Fate, Host, Injected, NetEvent, parse_host};
use vitrine::netfilter::event::Event as NfEvent;
use vitrine::netfilter::text::restore;
use vitrine::netfilter::{Choices, Family, RuleRef, Ruleset, Skb};
use vitrine::packet::Packet;

const HOST: &str =
    "eth0 UP 10.0.0.1/24 2001:db8::1/64\neth1 UP 10.0.1.1/24 2001:db8:1::1/64\nnet.ipv4.ip_forward = 1\n";

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |b: u8| (b as char).to_digit(16).expect("recorded") as u8;
    hex.as_bytes().chunks(2).map(|d| digit(d[0]) << 4 | digit(d[1])).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What left by an interface, in order.
fn left(log: &Log<Event>, dev: &str) -> Vec<Arc<Skb>> {
    let mut now: Option<Arc<Skb>> = None;
    let mut out = Vec::new();
    for entry in log.entries() {
        match &entry.event {
            Event::Net(NetEvent::Begins { skb, .. } | NetEvent::Answers { skb }) => now = Some(skb.clone()),
            Event::Netfilter(NfEvent::PacketChanged { after, .. }) => now = Some(after.clone()),
            Event::Net(NetEvent::Ended { fate: Fate::Sent(name), .. }) if name.as_str() == dev => {
                out.extend(now.clone());
            }
            _ => {}
        }
    }
    out
}

/// The packet's bytes without what the kernel takes from a counter: the identification of its own ICMP errors,
/// and its flow labels.
fn comparable(mut bytes: Vec<u8>, own: bool) -> String {
    if own && bytes[0] >> 4 == 4 && bytes[9] == 1 {
        bytes[4..6].fill(0);
        bytes[10..12].fill(0);
    }
    if own && bytes[0] >> 4 == 6 {
        bytes[1..4].fill(0);
    }
    hex(&bytes)
}

fn modelled(log: &Log<Event>, dev: &str) -> Vec<String> {
    let one = |skb: &Arc<Skb>| match skb.packet.wire().known() {
        Some(bytes) => comparable(bytes.to_vec(), skb.iif.is_none()),
        None => "not known".into(),
    };
    left(log, dev).iter().map(one).collect()
}

fn rules(ruleset: &Ruleset) -> Vec<RuleRef> {
    ruleset.rules().map(|(at, _)| at).collect()
}

/// The differences of a case.
fn replay(case: &Value, differ: &mut Vec<String>) -> usize {
    let family = if case["family"] == 4 { Family::Ip } else { Family::Ip6 };
    let lines: String = case["rules"]
        .as_array()
        .expect("recorded")
        .iter()
        .map(|r| format!("{}\n", r.as_str().expect("recorded")))
        .collect();
    let text = format!("*{}\n{lines}COMMIT\n", case["table"].as_str().expect("recorded"));
    let name = case["name"].as_str().expect("recorded");
    let ruleset = Arc::new(restore(&text, family).usable().unwrap_or_else(|_| panic!("{name}: refused")));
    let mut host: Host = parse_host(HOST).expect("recorded");
    host.netfilter.load(ruleset.clone());
    let rules = rules(&ruleset);
    // The kernel lists each chain's rules together.
    let mut count = 0;
    for (place, packet) in case["packets"].as_array().expect("recorded").iter().enumerate() {
        count += 1;
        let given = bytes(packet["in"].as_str().expect("recorded"));
        let parsed = Packet::from_bytes(&given).unwrap_or_else(|| panic!("{name} {place}: no packet"));
        if let Some(known) = parsed.wire().known() {
            assert_eq!(hex(known), hex(&given), "{name} {place}: bytes");
        }
        let mut injected = Injected::new(parsed, Some(IfName::new("eth0").expect("recorded")));
        injected.mac = Some("02:00:00:00:02:00".parse().expect("recorded"));
        injected.after = std::time::Duration::from_secs_f64(packet["after"].as_f64().expect("recorded"));
        let before: Vec<u64> = rules.iter().map(|r| host.netfilter.counted(family, r).packets).collect();
        let (mut choices, mut log) = (Choices::default(), Log::starting_at(EventId(0)));
        host.inject(&injected, &mut choices, &mut log);
        let after = rules.iter().map(|r| host.netfilter.counted(family, r).packets);
        let counted: Vec<u64> = after.zip(before).map(|(a, b)| a - b).collect();
        let want: Vec<u64> =
            packet["counted"].as_array().expect("recorded").iter().filter_map(Value::as_u64).collect();
        let line = &injected.packet;
        for ((rule, got), want) in rules.iter().zip(&counted).zip(&want) {
            if got != want {
                let text = lines
                    .lines()
                    .nth(rules.iter().position(|r| r == rule).expect("recorded"))
                    .expect("recorded");
                differ.push(format!("{name}, packet {place} ({line}): {text}: kernel {want}, model {got}"));
            }
        }
        if choices.made().count() > 0 {
            differ.push(format!("{name}, packet {place} ({line}): unknown"));
        }
        for dev in ["eth0", "eth1"] {
            let kernel = packet[dev]
                .as_array()
                .expect("recorded")
                .iter()
                .map(|h| bytes(h.as_str().expect("recorded")));
            let kernel: Vec<_> = kernel.map(|b| comparable(b, dev == "eth0")).collect();
            let model = modelled(&log, dev);
            if kernel != model && model.iter().all(|m| m != "not known") {
                differ.push(format!(
                    "{name}, packet {place} ({line}), {dev}:\n  kernel {kernel:?}\n  model  {model:?}"
                ));
            }
        }
    }
    count
}

#[test]
fn packets_byte_by_byte() {
    let text = std::fs::read_to_string("tests/data/wire.jsonl").expect("recorded");
    let (mut differ, mut count) = (Vec::new(), 0);
    for line in text.lines() {
        count += replay(&serde_json::from_str(line).expect("recorded"), &mut differ);
    }
    assert!(count > 200, "{count} packets");
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
}
