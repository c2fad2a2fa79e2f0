//! Lab files: each one is read and written back as it was; misspelt and impossible ones are refused.
#![cfg(not(target_arch = "wasm32"))]

use expect_test::expect;
use serde_json::Value;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use vitrine::lab::{Cidr, CraftedPacket, Lab};

/// The lab files of the project, and those that lie beside it.
fn labs() -> Vec<PathBuf> {
    let beside = std::env::var("VITRINE_SHARED").unwrap_or("../shared".into());
    let own = ["tests/data/labs", "tests/data/networks/labs"].map(PathBuf::from);
    let folders = own.into_iter().chain([Path::new(&beside).join("truth/netfilter/labs")]);
    let mut found: Vec<PathBuf> = folders
        .filter_map(|f| std::fs::read_dir(f).ok())
        .flat_map(|entries| entries.flatten().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .collect();
    found.sort();
    assert!(found.len() >= 10, "the labs of tests/data");
    found
}

#[test]
fn every_lab_is_read_and_written_back() {
    for path in labs() {
        let text = std::fs::read_to_string(&path).expect("a readable lab");
        let lab: Lab = text.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let written = serde_json::to_string(&lab).expect("a lab as JSON");
        let (before, after): (Value, Value) =
            (serde_json::from_str(&text).expect("JSON"), serde_json::from_str(&written).expect("JSON"));
        assert_eq!(normal(before), normal(after), "{}", path.display());
        assert_eq!(written.parse::<Lab>().as_ref(), Ok(&lab), "{}", path.display());
    }
}

#[test]
fn hosts_and_interfaces_keep_the_order_of_the_file() {
    let text = r#"{"name": "n", "hosts": {"z": {"interfaces": {"e9": "10.0.0.1/24", "e1": []}}, "a": {}},
        "links": [["z:e9", "a:x"], ["z:e1", "a:w"]], "probes": []}"#;
    let lab: Lab = text.parse().expect("a lab");
    let hosts: Vec<_> = lab.hosts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(hosts, ["z", "a"]);
    let (_, z) = lab.hosts.iter().next().expect("z");
    let interfaces: Vec<_> = z.interfaces.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(interfaces, ["e9", "e1"]);
}

/// A value in normal form: without empty lists and objects, which say as much as if they were left out, and
/// with addresses as they are printed.
fn normal(value: Value) -> Value {
    let empty =
        |v: &Value| v.as_array().is_some_and(Vec::is_empty) || v.as_object().is_some_and(|o| o.is_empty());
    match value {
        Value::Object(map) => {
            map.into_iter().map(|(k, v)| (k, normal(v))).filter(|(_, v)| !empty(v)).collect()
        }
        Value::Array(list) => list.into_iter().map(normal).collect(),
        Value::String(text) => match text.parse::<IpAddr>() {
            Ok(addr) => Value::String(addr.to_string()),
            Err(_) => match text.parse::<Cidr>() {
                Ok(cidr) => Value::String(cidr.to_string()),
                Err(_) => Value::String(text),
            },
        },
        other => other,
    }
}

/// What is wrong with a lab whose parts are these.
fn fault(hosts: &str, links: &str, probes: &str) -> String {
    let text =
        format!("{{\"name\": \"n\",\n\"hosts\": {hosts},\n\"links\": {links},\n\"probes\": {probes}}}");
    match text.parse::<Lab>() {
        Ok(_) => "nothing".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn faults_tell_where_they_are() {
    let two = r#"{"a": {"interfaces": {"e": "10.0.0.1/24"}, "listeners": [{"port": 80}]}, "b": {}}"#;
    let link = r#"[["a:e", "b:e"]]"#;
    let probe =
        |fields: &str| fault(two, link, &format!("[{{\"do\": \"sleep\", \"seconds\": 1}}, {{{fields}}}]"));
    let lines = [
        fault("{", "[]", "[]"),
        fault("{}", "[]", "[], \"probe\": 1"),
        fault(r#"{"a": {"rules": []}}"#, "[]", "[]"),
        fault(r#"{"a": {}, "a": {}}"#, "[]", "[]"),
        fault(r#"{"a b": {}}"#, "[]", "[]"),
        fault(r#"{"a": {"interfaces": {"e": "10.0.0.1/33"}}}"#, "[]", "[]"),
        fault(r#"{"a": {"interfaces": {"e": {"adr": []}}}}"#, "[]", "[]"),
        fault(r#"{"a": {"interfaces": {"e": {"mac": "2"}}}}"#, "[]", "[]"),
        fault(r#"{"a": {"interfaces": {"e": "10.0.0.1"}}}"#, "[]", "[]"),
        fault(r#"{"a": {"bridges": {"br": {"ports": ["e"]}}}}"#, "[]", "[]"),
        fault(r#"{"a": {"sysctls": {"../x": 1}}}"#, "[]", "[]"),
        fault(two, r#"[["a:e", "c:e"]]"#, "[]"),
        fault(two, r#"[["a:e", "b:e"], ["a:e", "b:f"]]"#, "[]"),
        fault(two, r#"[["a", "b:e"]]"#, "[]"),
        probe(r#""do": "upd""#),
        probe(r#""from": "a""#),
        probe(r#""do": "udp", "from": "a", "dst": "10.0.0.2""#),
        probe(r#""do": "udp", "from": "a", "dst": "10.0.0.2", "dpot": 5"#),
        probe(r#""do": "udp", "from": "c", "dst": "10.0.0.2", "dport": 5"#),
        probe(r#""do": "udp", "from": "a", "dst": "10.0.0.2", "src": "fd00::1", "dport": 5"#),
        probe(r#""do": "packet", "from": "a", "packet": {"src": "10.0.0.1", "dst": "10.0.0.300"}"#),
        probe(r#""do": "packet", "from": "a", "packet": {"src": "10.0.0.1", "dst": "fd00::1"}"#),
        probe(
            r#""do": "packet", "from": "a", "via": "link:f", "packet": {"src": "10.0.0.1", "dst": "10.0.0.2"}"#,
        ),
        probe(
            r#""do": "packets", "from": "a", "packets": [{"src": "10.0.0.1", "dst": "10.0.0.2", "vai": "ip"}]"#,
        ),
        probe(
            r#""do": "packets", "from": "a", "packets": [{"src": "10.0.0.1", "dst": "10.0.0.2", "via": "if"}]"#,
        ),
        probe(
            r#""do": "packet", "from": "a", "packet": {"src": "10.0.0.1", "dst": "10.0.0.2", "flags": "SIN"}"#,
        ),
        probe(r#""do": "push", "from": "a", "listener": "tcp/81""#),
        probe(r#""do": "push", "from": "a", "listener": "tcp/80""#),
    ];
    expect![[r#"
        line 2, column 11: key must be a string
        probe (line 4): unknown field `probe`, expected one of `name`, `about`, `backend`, `conntrack`, `complete_tables`, `show_seq`, `show_mac`, `show_arp`, `all_taps`, `ipv6`, `quiet`, `hosts`, `links`, `probes`
        hosts.a.rules (line 2): unknown field `rules`, expected one of `interfaces`, `bridges`, `routes`, `ip_rules`, `neigh`, `sysctls`, `iptables`, `ip6tables`, `ipset`, `restore_counters`, `backend`, `ipv6`, `setup`, `listeners`
        hosts (line 2): `a` is there twice
        hosts.a b (line 2): a host's name is at most 63 letters, digits, `_`, `-` and `.`
        hosts.a.interfaces.e (line 2): `33` is no prefix length
        hosts.a.interfaces.e.adr (line 2): unknown field `adr`, expected one of `addr`, `mac`, `mtu`, `up`, `master`, `hairpin`
        hosts.a.interfaces.e.mac (line 2): an Ethernet address is six hexadecimal bytes with colons, like 02:00:00:00:00:01
        hosts.a.interfaces: `e` is neither linked, nor a bridge, nor `lo`
        hosts.a.bridges: `e` cannot be a port of `br`
        hosts.a.sysctls: `../x` is no setting of the network
        links[0][1]: there is no host `c`
        links[1][0]: `a:e` has a link already
        links[0][0] (line 3): a link's end is written host:interface
        probes[1] (line 4): `do` is one of udp, tcp, ping, packet, packets, run, push, sleep, not "upd"
        probes[1] (line 4): missing field `do`
        probes[1] (line 4): missing field `dport`
        probes[1] (line 4): dpot: unknown field `dpot`, expected one of `name`, `about`, `from`, `dst`, `dport`, `sport`, `src`, `ttl`, `tos`, `data`, `size`, `count`, `mark`, `dev`, `df`, `uid`, `gid`, `transparent`, `wait`, `connected`, `broadcast`, `socket`
        probes[1]: there is no host `c`
        probes[1]: source and destination must be of one family
        probes[1] (line 4): packet.dst: invalid IP address syntax
        probes[1]: source and destination must be of one family
        probes[1]: `a` has no interface `f`
        probes[1] (line 4): packets[0]: vai: unknown field `vai`, expected one of `src`, `dst`, `proto`, `sport`, `dport`, `flags`, `seq`, `ack`, `win`, `tcp_options`, `type`, `code`, `id`, `seqno`, `mtu`, `inner`, `quote`, `data`, `size`, `ttl`, `tos`, `ipid`, `df`, `frag`, `ip_options`, `bad_csum`, `no_csum`, `bad_ip_csum`
        probes[1] (line 4): packets[0]: via: a packet gets out via `ip` or `link:IF`
        probes[1] (line 4): packet.flags: `SIN` are no TCP flags
        probes[1]: `a` has no listener `tcp/81`
        nothing"#]].assert_eq(&lines.join("\n"));
}

/// A crafted packet as one line, its size, and what it carries.
fn shown(fields: &str) -> String {
    let packet: CraftedPacket =
        serde_json::from_str(&format!("{{\"src\": \"10.0.0.1\", \"dst\": \"10.0.0.2\"{fields}}}"))
            .expect("a packet");
    match packet.to_packet() {
        Ok(p) => format!("{p} | {} bytes, {:?} {:?}", p.len(), p.payload, p.tcp().and_then(|t| t.numbers)),
        Err(fault) => fault.to_string(),
    }
}

#[test]
fn crafted_packets_have_their_defaults() {
    let lines = [
        "",
        r#", "proto": "tcp""#,
        r#", "proto": "tcp", "flags": "SYN,ACK", "seq": -1, "tcp_options": "020405b4 01", "data": "abc""#,
        r#", "proto": "tcp", "flags": "ALL", "tcp_options": "0000000000""#,
        r#", "proto": "tcp", "bad_csum": true, "flags": """#,
        r#", "proto": "tcp", "no_csum": true, "flags": 1"#,
        r#", "proto": "udp", "no_csum": true, "data": "ab", "size": 4"#,
        r#", "proto": "udp", "data": [1, 2, 3], "size": 2"#,
        r#", "proto": "icmp""#,
        r#", "proto": "icmp", "type": 3, "code": 4, "mtu": 1400,
             "inner": {"src": "10.0.0.2", "dst": "10.0.0.1", "data": "0123456789"}"#,
        r#", "proto": "icmp", "type": 3, "code": 1, "quote": 100,
             "inner": {"src": "10.0.0.2", "dst": "10.0.0.1", "data": "0123456789"}"#,
        r#", "proto": "icmp", "type": 5, "inner": {"src": "10.0.0.2", "dst": "10.0.0.1"}"#,
        r#", "proto": "icmp", "inner": {"src": "10.0.0.2", "dst": "10.0.0.1"}"#,
        r#", "proto": 47, "data": "0123", "ttl": 3, "tos": 8"#,
        r#", "proto": "sctp", "data": [0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 9]"#,
        r#", "proto": "sctp", "data": "short""#,
        r#", "size": 100, "df": true, "frag": {"more": true, "length": 48}"#,
        r#", "size": 100, "frag": {"offset": 48}"#,
        r#", "size": 100, "frag": {"offset": 4}"#,
        r#", "size": 100, "frag": {"length": 40}"#,
        r#", "size": 65535"#,
        r#", "ip_options": "9404""#,
        r#", "df": true"#,
    ]
    .map(shown);
    expect![[r#"
        udp 10.0.0.1:40000 > 10.0.0.2:53 | 28 bytes, 0 bytes None
        tcp 10.0.0.1:40000 > 10.0.0.2:80 syn | 40 bytes, 0 bytes Some(TcpNumbers { seq: 1000, ack: 0, window: 64240 })
        tcp 10.0.0.1:40000 > 10.0.0.2:80 syn,ack mss=1460 payload=3 | 51 bytes, b"abc" Some(TcpNumbers { seq: 4294967295, ack: 0, window: 64240 })
        tcp 10.0.0.1:40000 > 10.0.0.2:80 fin,syn,rst,psh,ack,urg | 48 bytes, 0 bytes Some(TcpNumbers { seq: 1000, ack: 0, window: 64240 })
        tcp 10.0.0.1:40000 > 10.0.0.2:80 none bad-checksum | 40 bytes, 0 bytes Some(TcpNumbers { seq: 1000, ack: 0, window: 64240 })
        tcp 10.0.0.1:40000 > 10.0.0.2:80 fin bad-checksum | 40 bytes, 0 bytes Some(TcpNumbers { seq: 1000, ack: 0, window: 64240 })
        udp 10.0.0.1:40000 > 10.0.0.2:53 payload=4 | 32 bytes, b"abxx" None
        udp 10.0.0.1:40000 > 10.0.0.2:53 payload=2 | 30 bytes, b"\x01\x02" None
        icmp 10.0.0.1 > 10.0.0.2 echo-request id=1 | 28 bytes, 0 bytes None
        icmp 10.0.0.1 > 10.0.0.2 fragmentation-needed about udp 10.0.0.2:40000 > 10.0.0.1:53 payload=10 | 56 bytes, 0 bytes None
        icmp 10.0.0.1 > 10.0.0.2 host-unreachable about udp 10.0.0.2:40000 > 10.0.0.1:53 payload=10 | 66 bytes, 0 bytes None
        icmp 10.0.0.1 > 10.0.0.2 network-redirect about udp 10.0.0.2:40000 > 10.0.0.1:53 | 56 bytes, 0 bytes None
        icmp 10.0.0.1 > 10.0.0.2 echo-request payload=28 | 56 bytes, 28 bytes None
        gre 10.0.0.1 > 10.0.0.2 ttl=3 tos=0x08 payload=4 | 24 bytes, b"0123" None
        sctp 10.0.0.1:1 > 10.0.0.2:2 payload=1 bad-checksum | 33 bytes, b"\t" None
        sctp 10.0.0.1 > 10.0.0.2 payload=5 | 25 bytes, b"short" None
        udp 10.0.0.1:40000 > 10.0.0.2:53 payload=100 frag=0+ | 68 bytes, b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" None
        udp 10.0.0.1 > 10.0.0.2 payload=100 frag=48 | 80 bytes, b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" None
        a fragment's offset is a multiple of 8 bytes
        a fragment has an offset or says that more follows
        a packet has at most 65535 bytes
        udp 10.0.0.1:40000 > 10.0.0.2:53 | 32 bytes, 0 bytes None
        udp 10.0.0.1:40000 > 10.0.0.2:53 df | 28 bytes, 0 bytes None"#]].assert_eq(&lines.join("\n"));
}
