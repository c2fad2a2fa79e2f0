//! Laws that hold for any input.
#![cfg(not(target_arch = "wasm32"))]

use proptest::prelude::*;
use vitrine::abi::EventId;
use vitrine::net::{Injected, infer, parse_host};
use vitrine::netfilter::Family;
use vitrine::netfilter::text::{Save, report, restore};
use vitrine::query::{scenes, trace};
use vitrine::say::{Lang, sentence};

/// One word of a rule's conditions that iptables takes.
fn condition() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "-s 10.0.0.0/8",
        "! -s 192.0.2.7/32",
        "-d 198.51.100.2",
        "-d 198.51.100.0/255.255.255.0",
        "-i eth+",
        "-p tcp --dport 22",
        "-p tcp -m tcp --syn",
        "-p tcp -m multiport --dports 80,443",
        "-p udp -m udp ! --sport 53",
        "-p icmp --icmp-type echo-request",
        "-m conntrack --ctstate RELATED,ESTABLISHED",
        "-m state --state NEW",
        "-m mark --mark 0x1/0xff",
        "-m limit --limit 5/min",
        "-m addrtype --dst-type LOCAL",
        "-m comment --comment \"two words\"",
        "-m geoip --src-cc KR,JP",
    ]);
    words.prop_map(str::to_owned)
}

fn target() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "-j ACCEPT",
        "-j DROP",
        "-j RETURN",
        "-j REJECT",
        "-j LOG --log-prefix x",
        "-j A",
        "-g B",
        "-j MARK --set-mark 7",
    ])
}

/// A filter table that iptables takes: INPUT may go to A, A to B.
fn ruleset() -> impl Strategy<Value = String> {
    let rule = |chain: &'static str, deeper: bool| {
        (condition(), target()).prop_map(move |(c, t)| {
            let t = if !deeper && (t.ends_with(" A") || t.ends_with(" B")) { "-j ACCEPT" } else { t };
            format!("-A {chain} {c} {t}\n")
        })
    };
    let rules = (
        prop::collection::vec(rule("INPUT", true), 0..6),
        prop::collection::vec(rule("A", false), 0..4),
        prop::collection::vec(rule("B", false), 0..4),
        any::<bool>(),
    );
    rules.prop_map(|(input, a, b, drop)| {
        let policy = if drop { "DROP" } else { "ACCEPT" };
        let rules = [input, a, b].concat().concat();
        format!("*filter\n:INPUT {policy} [0:0]\n:A - [0:0]\n:B - [0:0]\n{rules}COMMIT\n")
    })
}

fn packet() -> impl Strategy<Value = String> {
    let addr = prop::sample::select(vec!["10.1.2.3", "192.0.2.7", "203.0.113.9"]);
    let kind = prop::sample::select(vec![
        "tcp {s}:40000 > 198.51.100.2:22 syn",
        "tcp {s}:40000 > 198.51.100.2:80 ack",
        "tcp {s}:1024 > 198.51.100.2:443 none ttl=3",
        "udp {s}:53 > 198.51.100.2:53 payload=100",
        "icmp {s} > 198.51.100.2 echo-request id=9",
        "icmp {s} > 198.51.100.2 port-unreachable about udp 198.51.100.2:9 > {s}:53",
        "gre {s} > 198.51.100.2",
    ]);
    let state = prop::sample::select(vec!["", "ct=established ", "ct=invalid ", "mark=0x1 "]);
    (addr, kind, state).prop_map(|(a, k, s)| format!("in=eth0 {s}{}", k.replace("{s}", a)))
}

proptest! {
    /// What is printed is read back as the same rules.
    #[test]
    fn a_saved_ruleset_is_a_fixed_point(text in ruleset()) {
        let first = restore(&text, Family::Ip).usable().expect("a good ruleset");
        let saved = Save { ruleset: &first, counters: false }.to_string();
        let second = restore(&saved, Family::Ip).usable().expect("a saved ruleset");
        prop_assert_eq!(&saved, &Save { ruleset: &second, counters: false }.to_string());
    }

    /// Any text gets an answer, and every complaint about it can be shown.
    #[test]
    fn no_text_is_too_strange(text in "(\\*filter\n)?([-:*#!\"\\\\ a-zA-Z0-9.,/\n\u{ac00}\u{202e}]{0,120})", v6: bool) {
        let family = if v6 { Family::Ip6 } else { Family::Ip };
        let restored = restore(&text, family);
        let shown = report("text", &text, &restored.diagnostics);
        prop_assert_eq!(shown.is_empty(), restored.diagnostics.is_empty());
        let _ = parse_host(&text);
        let _ = text.parse::<Injected>();
    }

    /// A packet's line is read back as the same packet.
    #[test]
    fn a_packet_prints_as_itself(line in packet()) {
        let injected: Injected = line.parse().expect("a packet");
        prop_assert_eq!(injected.to_string().parse::<Injected>().expect("its own text"), injected);
    }

    /// The same inputs give the same walks; each event has an earlier cause, its scene and its sentence.
    #[test]
    fn a_walk_is_the_same_every_time(text in ruleset(), packets in prop::collection::vec(packet(), 1..4)) {
        let packets: Vec<Injected> = packets.iter().map(|p| p.parse().expect("a packet")).collect();
        let ruleset = std::sync::Arc::new(restore(&text, Family::Ip).usable().expect("a good ruleset"));
        let run = || {
            let mut host = infer(&ruleset, &packets);
            host.netfilter.load(ruleset.clone());
            let mut logs = Vec::new();
            let mut next = EventId(0);
            for packet in &packets {
                let trace = trace(&host, packet, next);
                host = trace.first().host.clone();
                next = trace.first().log.next_id();
                logs.extend(trace.walks.into_iter().map(|w| (w.log, w.fate)));
            }
            logs
        };
        let logs = run();
        prop_assert_eq!(&logs, &run());
        for (log, _) in &logs {
            prop_assert_eq!(scenes(log).len(), log.len());
            for entry in log.entries() {
                prop_assert!(!sentence(Lang::Ko, &ruleset, &entry.event).is_empty());
            }
        }
    }
}
