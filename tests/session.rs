//! Sessions: packets one after another, their answers, going back, hosts that nobody described.
#![cfg(not(target_arch = "wasm32"))]

use expect_test::{Expect, expect};
use vitrine::net::parse_host;
use vitrine::netfilter::{ChainName, Family, Hook, RuleRef, TableName};
use vitrine::query::{Outcome, scenes};
use vitrine::session::{NoReply, Session, docker_ufw};

fn docker() -> Session {
    Session::open(docker_ufw().source).expect("the recorded host")
}

/// Sends a packet and tells its outcome, how it left, and its connection.
fn send(session: &mut Session, line: &str) -> String {
    let moment = session.send(line.parse().expect("a packet")).clone();
    let walk = moment.trace.first();
    let last = scenes(&walk.log).into_iter().rfind(|s| s.pass == 0).expect("a scene");
    let entry = last.entry.map_or("-".into(), |e| e.to_string());
    format!("{:?} {:?}\n  {}\n  {entry}\n", moment.trace.outcome(), walk.fate, last.skb.packet)
}

#[track_caller]
fn check(session: &mut Session, lines: &[&str], want: Expect) {
    let told: String = lines.iter().map(|line| send(session, line)).collect();
    want.assert_eq(&told);
}

#[test]
fn a_published_port_and_the_way_back() {
    let mut session = docker();
    check(
        &mut session,
        &["in=eth0 tcp 203.0.113.9:40000 > 198.51.100.2:8080 syn"],
        expect![[r#"
            Accept Sent(IfName("docker0"))
              tcp 203.0.113.9:40000 > 172.17.0.2:80 syn ttl=63
              tcp SYN_SENT src=203.0.113.9 dst=198.51.100.2 sport=40000 dport=8080 [UNREPLIED] src=172.17.0.2 dst=203.0.113.9 sport=80 dport=40000 mark=0
        "#]],
    );
    let reply = session.reply_to(0).expect("an answer").to_string();
    assert_eq!(reply, "in=docker0 tcp 172.17.0.2:80 > 203.0.113.9:40000 syn,ack");
    check(
        &mut session,
        &[&reply, "in=eth0 tcp 203.0.113.9:40000 > 198.51.100.2:8080 ack"],
        expect![[r#"
            Accept Sent(IfName("eth0"))
              tcp 198.51.100.2:8080 > 203.0.113.9:40000 syn,ack ttl=63
              tcp SYN_RECV src=203.0.113.9 dst=198.51.100.2 sport=40000 dport=8080 src=172.17.0.2 dst=203.0.113.9 sport=80 dport=40000 mark=0
            Accept Sent(IfName("docker0"))
              tcp 203.0.113.9:40000 > 172.17.0.2:80 ack ttl=63
              tcp ESTABLISHED src=203.0.113.9 dst=198.51.100.2 sport=40000 dport=8080 src=172.17.0.2 dst=203.0.113.9 sport=80 dport=40000 [ASSURED] mark=0
        "#]],
    );
}

#[test]
fn a_container_goes_out_masqueraded_and_two_flows_share_no_port() {
    check(
        &mut docker(),
        &[
            "in=docker0 udp 172.17.0.2:5353 > 203.0.113.53:53",
            "in=docker0 udp 172.17.0.3:5353 > 203.0.113.53:53",
            "in=eth0 udp 203.0.113.53:53 > 198.51.100.2:5353",
        ],
        expect![[r#"
            Accept Sent(IfName("eth0"))
              udp 198.51.100.2:5353 > 203.0.113.53:53 ttl=63
              udp src=172.17.0.2 dst=203.0.113.53 sport=5353 dport=53 [UNREPLIED] src=203.0.113.53 dst=198.51.100.2 sport=53 dport=5353 mark=0
            Accept Sent(IfName("eth0"))
              udp 198.51.100.2:1109 > 203.0.113.53:53 ttl=63
              udp src=172.17.0.3 dst=203.0.113.53 sport=5353 dport=53 [UNREPLIED] src=203.0.113.53 dst=198.51.100.2 sport=53 dport=1109 mark=0
            Accept Sent(IfName("docker0"))
              udp 203.0.113.53:53 > 172.17.0.2:5353 ttl=63
              udp src=172.17.0.2 dst=203.0.113.53 sport=5353 dport=53 src=203.0.113.53 dst=198.51.100.2 sport=53 dport=5353 mark=0
        "#]],
    );
}

#[test]
fn time_ends_a_connection() {
    check(
        &mut docker(),
        &[
            "in=docker0 udp 172.17.0.2:5353 > 203.0.113.53:53",
            "after=31 in=eth0 udp 203.0.113.53:53 > 198.51.100.2:5353",
        ],
        expect![[r#"
            Accept Sent(IfName("eth0"))
              udp 198.51.100.2:5353 > 203.0.113.53:53 ttl=63
              udp src=172.17.0.2 dst=203.0.113.53 sport=5353 dport=53 [UNREPLIED] src=203.0.113.53 dst=198.51.100.2 sport=53 dport=5353 mark=0
            Drop Dropped
              udp 203.0.113.53:53 > 198.51.100.2:5353
              udp src=203.0.113.53 dst=198.51.100.2 sport=53 dport=5353 [UNREPLIED] src=198.51.100.2 dst=203.0.113.53 sport=5353 dport=53 mark=0
        "#]],
    );
}

#[test]
fn going_back_forgets_what_came_after() {
    let mut session = docker();
    let packet = "in=docker0 udp 172.17.0.2:5353 > 203.0.113.53:53";
    let first = send(&mut session, packet);
    send(&mut session, "in=eth0 udp 203.0.113.53:53 > 198.51.100.2:5353");
    session.truncate(0);
    assert_eq!(session.host().netfilter.conntrack.entries().count(), 0);
    assert_eq!(send(&mut session, packet), first);
}

#[test]
fn nobody_answers_what_did_not_arrive() {
    let mut session = docker();
    assert_eq!(session.reply_to(0).err(), Some(NoReply::NoMoment));
    send(&mut session, "in=eth0 tcp 203.0.113.9:40002 > 198.51.100.2:3306 syn");
    assert_eq!(session.reply_to(0).err(), Some(NoReply::NotReceived));
    send(&mut session, "uid=0 gid=0 tcp 198.51.100.2:40002 > 203.0.113.9:80 rst");
    assert_eq!(session.reply_to(1).err(), Some(NoReply::NotAnswered));
}

/// Without a description the host is worked out of rules and packets, and the outcome is the same.
#[test]
fn a_host_that_nobody_described() {
    let mut source = docker_ufw().source;
    source.host = None;
    let mut session = Session::open(source).expect("the recorded rules");
    for (line, want) in [
        ("in=eth0 tcp 203.0.113.9:40000 > 198.51.100.2:8080 syn", Outcome::Accept),
        ("in=eth0 tcp 203.0.113.9:40001 > 198.51.100.2:3306 syn", Outcome::Drop),
        ("in=docker0 tcp 172.17.0.2:40000 > 203.0.113.80:443 syn", Outcome::Accept),
    ] {
        let moment = session.send(line.parse().expect("a packet"));
        assert_eq!(moment.trace.outcome(), want, "{line}");
    }
    assert!(session.host().assumptions.len() >= 3);
}

#[test]
fn a_host_as_ip_prints_it() {
    let host = parse_host(
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
5: eth0@if6: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default
    link/ether 02:42:ac:11:00:02 brd ff:ff:ff:ff:ff:ff link-netnsid 0
    inet 198.51.100.2/24 brd 198.51.100.255 scope global eth0
    inet6 2001:db8::2/64 scope global
default via 198.51.100.1 dev eth0 proto dhcp metric 100
blackhole 203.0.113.0/24
net.ipv4.ip_forward = 0
",
    )
    .expect("a host");
    let routed = |addr: &str| format!("{:?}", host.route(addr.parse().expect("an address")));
    let all = [
        "198.51.100.2",
        "198.51.100.255",
        "198.51.100.9",
        "2001:db8::9",
        "203.0.113.5",
        "192.0.2.1",
        "fd00::1",
    ];
    expect![[r#"
        198.51.100.2 Local
        198.51.100.255 Local
        198.51.100.9 Out(IfName("eth0"))
        2001:db8::9 Out(IfName("eth0"))
        203.0.113.5 Refused(Blackhole)
        192.0.2.1 Out(IfName("eth0"))
        fd00::1 NoRoute"#]]
    .assert_eq(&all.map(|a| format!("{a} {}", routed(a))).join("\n"));
    assert!(!host.sysctls.is_forwarding(vitrine::netfilter::Family::Ip));
    for (text, error) in [
        ("inet 10.0.0.1/24", "line 1, `inet`: this address stands before any interface"),
        ("eth0 UP 10.0.0.300/24", "line 1, `10.0.0.300/24`: expected ADDRESS/LENGTH"),
        ("\ndefault via 10.0.0.1", "line 2, `default`: this route names no interface: expected `dev IF`"),
        (
            "net.ipv4.frob = 1",
            "line 1, `net.ipv4.frob`: expected a line of `ip -br addr`, `ip addr`, `ip route` or `sysctl`",
        ),
    ] {
        let told = parse_host(text).map(|_| ()).map_err(|e| e.to_string());
        assert_eq!(told, Err(error.to_owned()), "{text}");
    }
}

/// As Linux counts: a rule each packet that matched, a policy each packet that came to it.
#[test]
fn rules_and_policies_count() {
    let mut session = docker();
    for port in [40000, 40001] {
        send(&mut session, &format!("in=eth0 tcp 203.0.113.9:{port} > 198.51.100.2:3306 syn payload=10"));
    }
    let netfilter = &session.host().netfilter;
    let first = RuleRef { table: TableName::Filter, chain: ChainName::new("INPUT"), index: 0 };
    assert_eq!(netfilter.counted(Family::Ip, &first).to_string(), "[2:100]");
    let policy = |hook| netfilter.policy_counted(Family::Ip, TableName::Filter, hook).to_string();
    assert_eq!((policy(Hook::Input), policy(Hook::Forward)), ("[2:100]".into(), "[0:0]".into()));
}
