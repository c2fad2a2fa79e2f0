//! Laws of networks, for small random labs: nothing panics, a lab runs the same every time, a cause is earlier than
//! what it causes, and a packet's way through a host has one end.
#![cfg(not(target_arch = "wasm32"))]

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use vitrine::lab::{Lab, compare, run};
use vitrine::net::{Event, NetEvent, PassId};
use vitrine::netfilter::{Family, Ruleset};
use vitrine::say::{Lang, sentence};

/// One rule of the router, in the table named first.
fn rule() -> impl Strategy<Value = (&'static str, &'static str)> {
    select(vec![
        ("filter", "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"),
        ("filter", "-A INPUT -p icmp -m limit --limit 1/s --limit-burst 1 -j ACCEPT"),
        ("filter", "-A INPUT -j REJECT"),
        ("filter", "-A FORWARD -p tcp --dport 80 -j user"),
        ("filter", "-A FORWARD -m conntrack --ctstate INVALID -j DROP"),
        ("filter", "-A FORWARD -p tcp --syn -j REJECT --reject-with tcp-reset"),
        ("filter", "-A FORWARD -p udp -j REJECT --reject-with icmp-admin-prohibited"),
        ("filter", "-A FORWARD -m statistic --mode nth --every 2 --packet 0 -j DROP"),
        ("filter", "-A FORWARD -m recent --name r --set"),
        ("filter", "-A OUTPUT -m owner --uid-owner 0 -g user"),
        ("filter", "-A OUTPUT -p icmp -j DROP"),
        ("filter", "-A user -m mark --mark 7 -j RETURN"),
        ("filter", "-A user -m geoip --src-cc KR -j ACCEPT"),
        ("filter", "-A user -j LOG --log-prefix x"),
        ("nat", "-A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 10.2.0.2:80"),
        ("nat", "-A PREROUTING -p udp --dport 53 -j REDIRECT --to-ports 5353"),
        ("nat", "-A OUTPUT -p tcp -j DNAT --to-destination 10.2.0.2"),
        ("nat", "-A POSTROUTING -o b -j MASQUERADE"),
        ("nat", "-A POSTROUTING -p udp -j SNAT --to-source 10.2.0.1-10.2.0.3:1024-1030"),
        ("nat", "-A PREROUTING -d 10.2.0.0/24 -j NETMAP --to 10.1.0.0/24"),
        ("mangle", "-A PREROUTING -j MARK --set-mark 7"),
        ("mangle", "-A PREROUTING -i a -j TTL --ttl-set 1"),
        ("mangle", "-A FORWARD -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu"),
        ("mangle", "-A OUTPUT -j MARK --set-mark 7"),
        ("mangle", "-A POSTROUTING -j CONNMARK --save-mark"),
        ("raw", "-A PREROUTING -p udp -j CT --notrack"),
        ("raw", "-A PREROUTING -i a -j CT --zone 5"),
        ("raw", "-A OUTPUT -j TRACE"),
    ])
}

/// What is sent: sockets' packets, crafted ones, nonsense.
fn probe() -> impl Strategy<Value = Value> {
    let dst = select(vec![
        "10.1.0.1",
        "10.1.0.2",
        "10.2.0.1",
        "10.2.0.2",
        "10.2.0.9",
        "10.1.0.255",
        "198.51.100.1",
        "127.0.0.1",
    ]);
    let from = select(vec!["a", "r", "b"]);
    let port = select(vec![53u16, 80, 8080, 9]);
    let number: BoxedStrategy<u16> = prop_oneof![Just(0), Just(1), Just(8), Just(1400), any::<u16>()].boxed();
    let kind = 0..6usize;
    (kind, from, dst, port, number, any::<u8>(), 1u8..3).prop_map(|(kind, from, dst, port, number, byte, count)| match kind {
        0 => json!({"do": "udp", "from": from, "dst": dst, "dport": port, "sport": 40000, "size": number % 3000,
                    "count": count}),
        1 => json!({"do": "tcp", "from": from, "dst": dst, "dport": port, "sport": 40000 + number % 4, "data": "hi",
                    "close": if byte & 1 == 0 { "fin" } else { "rst" }}),
        2 => json!({"do": "ping", "from": from, "dst": dst, "size": number % 3000, "ttl": byte % 4, "count": count}),
        3 => json!({"do": "packet", "from": from, "via": if from == "r" { "link:a" } else { "link:eth0" }, "count": count,
                    "packet": {"src": "10.1.0.7", "dst": dst, "proto": "tcp", "sport": number, "dport": port,
                               "flags": if byte & 2 == 0 { "SYN" } else { "RST,ACK" }, "seq": u32::from(number) << 16,
                               "ttl": byte}}),
        4 => json!({"do": "packet", "from": from, "via": "ip",
                    "packet": {"src": "10.1.0.2", "dst": dst, "proto": "icmp", "type": 3, "code": byte % 16, "mtu": number,
                               "inner": {"src": dst, "dst": "10.1.0.2", "proto": "udp", "sport": port, "dport": 40000}}}),
        _ => json!({"do": "packet", "from": from, "via": "ip", "count": count,
                    "packet": {"src": dst, "dst": "10.2.0.2", "proto": "udp", "sport": 9, "dport": port, "size": 64,
                               "frag": {"offset": number & 0x1ff8, "more": byte & 1 == 0}, "ipid": byte}}),
    })
}

/// Two hosts and a router between them, some of whose settings are at random.
fn lab() -> impl Strategy<Value = Value> {
    let rules = prop::collection::vec(rule(), 0..8);
    let probes = prop::collection::vec(probe(), 1..5);
    let settings =
        (any::<bool>(), 0..3u8, any::<bool>(), select(vec![576u16, 1280, 1500]), select(vec!["on", "off"]));
    (rules, probes, settings).prop_map(|(rules, mut probes, (forward, rp_filter, drop, mtu, conntrack))| {
        let mut tables: BTreeMap<&str, String> = BTreeMap::new();
        let policy = if drop { "DROP" } else { "ACCEPT" };
        tables.insert("filter", format!(":FORWARD {policy} [0:0]\n:user - [0:0]\n"));
        for (table, rule) in rules {
            *tables.entry(table).or_default() += &format!("{rule}\n");
        }
        let dump: String = tables.iter().map(|(table, body)| format!("*{table}\n{body}COMMIT\n")).collect();
        for (number, probe) in probes.iter_mut().enumerate() {
            probe["name"] = json!(format!("probe {number}"));
        }
        let servers = json!([{"proto": "tcp", "port": 80, "reply": "echo"}, {"proto": "udp", "port": 53, "reply": "echo"}]);
        json!({
            "name": "random", "conntrack": conntrack,
            "hosts": {
                "a": {"interfaces": {"eth0": "10.1.0.2/24"}, "routes": ["default via 10.1.0.1"], "listeners": servers},
                "r": {"interfaces": {"a": "10.1.0.1/24", "b": {"addr": "10.2.0.1/24", "mtu": mtu}},
                      "sysctls": {"net.ipv4.ip_forward": i32::from(forward), "net.ipv4.conf.all.rp_filter": rp_filter},
                      "iptables": dump, "listeners": servers},
                "b": {"interfaces": {"eth0": "10.2.0.2/24"}, "routes": ["default via 10.2.0.1"], "listeners": servers},
            },
            "links": [["a:eth0", "r:a"], ["b:eth0", "r:b"]],
            "probes": probes,
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Each lab runs; twice, it is the same; and what it tells of is in order.
    #[test]
    fn a_lab_is_the_same_every_time(lab in lab()) {
        let lab: Lab = lab.to_string().parse().expect("a good lab");
        let (first, second) = (run(&lab).expect("a network"), run(&lab).expect("a network"));
        prop_assert_eq!(first.network.log(), second.network.log());
        prop_assert_eq!(&first.probes, &second.probes);
        prop_assert!(compare(&first.to_json(), &second.to_json()).differences.is_empty());

        let log = first.network.log();
        prop_assert!(!log.is_empty(), "nothing happened");
        let none = Ruleset::empty(Family::Ip);
        let (mut open, mut ended): (BTreeSet<PassId>, BTreeSet<PassId>) = Default::default();
        let mut time = log.entries()[0].event.time;
        for (at, entry) in log.entries().iter().enumerate() {
            let happening = &entry.event;
            prop_assert!(entry.cause.is_none_or(|cause| (cause.0 as usize) < at), "event {} has a later cause", at);
            prop_assert!(happening.time >= time, "event {} is before the one before it", at);
            time = happening.time;
            prop_assert!(!sentence(Lang::En, &none, &happening.event).is_empty());
            let Some(pass) = happening.pass else { continue };
            match &happening.event {
                Event::Net(NetEvent::Begins { .. } | NetEvent::Continues { .. } | NetEvent::Answers { .. }) => {
                    prop_assert!(open.insert(pass), "the way {:?} begins twice", pass);
                }
                Event::Net(NetEvent::Ended { .. }) => {
                    prop_assert!(open.contains(&pass), "the way {:?} ends and never began", pass);
                    prop_assert!(ended.insert(pass), "the packet of {:?} has two fates", pass);
                }
                Event::Net(_) | Event::Netfilter(_) | Event::Link(_) | Event::Socket(_) | Event::Config(_) => {}
            }
        }
        prop_assert_eq!(&open, &ended, "each way ends");
    }
}
