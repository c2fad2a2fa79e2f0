//! What the real `ip` did between network namespaces, word for word, against the model's; and what is told of it.
#![cfg(not(target_arch = "wasm32"))]

use expect_test::expect;
use serde_json::Value;
use std::path::{Path, PathBuf};
use vitrine::abi::{EventId, IfName};
use vitrine::net::{DeviceKind, Host, HostId, MoveError, Names, Network};
use vitrine::netfilter::{Family, Ruleset};
use vitrine::say::{Lang, sentence};

/// Each host of a network is a namespace of its name.
struct ByName(Vec<(HostId, String)>);

impl ByName {
    fn of(net: &Network) -> ByName {
        ByName(net.hosts().map(|(id, name, _)| (id, name.to_owned())).collect())
    }
}

impl Names for ByName {
    fn find(&self, name: &str) -> Option<HostId> {
        self.0.iter().find(|(_, n)| n == name).map(|(id, _)| *id)
    }

    fn name(&self, host: HostId) -> Option<&str> {
        self.0.iter().find(|(id, _)| *id == host).map(|(_, n)| n.as_str())
    }
}

fn add(net: &mut Network, name: &str) {
    let host = net.add_namespace(HostId(0), name, None);
    for scope in ["all", "default"] {
        let key = format!("net.ipv6.conf.{scope}.disable_ipv6");
        net.host_mut(host).set_sysctl(&key, 1).expect("a setting");
    }
}

/// Replays a session up to its first difference.
fn replay(file: &Path, count: &mut usize) -> Option<String> {
    let mut net = Network::new();
    net.add_host("machine", Host::new(true));
    for name in ["one", "two", "three"] {
        add(&mut net, name);
    }
    for (number, line) in std::fs::read_to_string(file).expect("a session").lines().enumerate() {
        let step: Value = serde_json::from_str(line).expect("JSON");
        let argv: Vec<String> = serde_json::from_value(step["run"].clone()).expect("words");
        if argv[0] == "netns" {
            net.remove_host(net.by_name(&argv[2]).expect("a host"), None);
            add(&mut net, &argv[2]);
            continue;
        }
        let host = net.by_name(step["in"].as_str().expect("a name")).expect("a host");
        let real = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
        let want = (step["status"].as_i64().unwrap_or(0), real("out"), real("err"));
        let names = ByName::of(&net);
        let got = match net.ip(host, &argv, &names) {
            Ok(done) => (i64::from(done.status), done.stdout, done.stderr),
            Err(why) => (-1, String::new(), why.to_string()),
        };
        *count += 1;
        if want != got {
            return Some(format!(
                "{}:{}: {}: ip {}\n--- real [{}]\n{}{}\n--- here [{}]\n{}{}",
                file.display(),
                number + 1,
                net.name(host),
                argv.join(" "),
                want.0,
                want.1,
                want.2,
                got.0,
                got.1,
                got.2
            ));
        }
    }
    None
}

#[test]
fn recorded_sessions() {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir("tests/data/netns").expect("data").flatten().map(|f| f.path()).collect();
    files.sort();
    let mut count = 0;
    let wrong: Vec<String> = files.iter().filter_map(|f| replay(f, &mut count)).collect();
    assert!(wrong.is_empty(), "{} sessions differ:\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(count >= 1000, "{count} commands");
}

fn story(net: &Network) -> String {
    let none = Ruleset::empty(Family::Ip);
    let mut depth = std::collections::BTreeMap::new();
    let mut told = String::new();
    for id in (0..net.log().next_id().0).map(EventId) {
        let entry = net.log().get(id).expect("an event");
        let own = entry.cause.map_or(0, |cause| depth[&cause] + 1);
        depth.insert(id, own);
        let said = sentence(Lang::En, &none, &entry.event.event);
        told += &format!("{}{}: {said}\n", "  ".repeat(own), net.name(entry.event.host));
        assert!(!sentence(Lang::Ko, &none, &entry.event.event).contains('{'));
    }
    told
}

#[test]
fn what_moves_is_told_at_both_ends() {
    let mut net = Network::new();
    let machine = net.add_host("machine", Host::new(true));
    let eth0 = IfName::new("eth0").expect("a name");
    let mac = "02:00:00:00:00:99".parse().expect("an address");
    net.host_mut(machine).add_device(eth0.clone(), DeviceKind::Described, mac);
    let pod = net.add_namespace(machine, "pod", None);
    let names = ByName::of(&net);
    for line in [
        "link add veth0 type veth peer name veth1",
        "addr add 10.0.0.1/24 dev veth0",
        "link set veth0 up",
        "link set veth1 netns pod name eth1 up",
        "link set eth0 netns pod",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let done = net.ip(machine, &words, &names).expect("a command");
        assert_eq!((done.status, done.stderr.as_str()), (0, ""), "{line}");
    }
    assert_eq!(net.move_device(&(pod, IfName::lo()), machine, None, None), Err(MoveError::Immutable));
    net.remove_host(pod, None);
    assert!(net.by_name("pod").is_none());
    assert!(net.host(machine).devices.get(&eth0).is_some(), "hardware is the machine's");
    assert_eq!(net.host(machine).devices.iter().count(), 2, "the veth went with its other end");
    expect![[r#"
        pod: The network namespace pod comes into being
        machine: A command is run: ip link add veth0 type veth peer name veth1
          machine: The device veth1 comes into being (veth)
          machine: The device veth0 comes into being (veth)
        machine: A command is run: ip addr add 10.0.0.1/24 dev veth0
          machine: veth0 gets the address 10.0.0.1/24
            machine: A new route in the table local: local 10.0.0.1/32 dev veth0 src 10.0.0.1
        machine: A command is run: ip link set veth0 up
          machine: veth0 is set up
            machine: A new route in the table main: 10.0.0.0/24 dev veth0 src 10.0.0.1
            machine: A new route in the table local: broadcast 10.0.0.255/32 dev veth0 src 10.0.0.1
        machine: A command is run: ip link set veth1 netns pod name eth1 up
          machine: The device veth1 goes to pod
            pod: The device eth1 comes from machine
            pod: eth1 is set up
              machine: Something is at the other end of veth0 now
                machine: veth0 gets the address fe80::ff:fe00:102/64
                  machine: A new route in the table main: fe80::/64 dev veth0 metric 256
                  machine: A new route in the table local: local fe80::ff:fe00:102/128 dev veth0
                machine: A new route in the table local: multicast ff00::/8 dev veth0 metric 256
                pod: Something is at the other end of eth1 now
                  pod: eth1 gets the address fe80::ff:fe00:101/64
                    pod: A new route in the table main: fe80::/64 dev eth1 metric 256
                    pod: A new route in the table local: local fe80::ff:fe00:101/128 dev eth1
                  pod: A new route in the table local: multicast ff00::/8 dev eth1 metric 256
        machine: A command is run: ip link set eth0 netns pod
          machine: The device eth0 goes to pod
            pod: The device eth0 comes from machine
        pod: The network namespace pod is gone, with all that was in it
          pod: The device eth0 goes to machine
            machine: The device eth0 comes from pod
          pod: The device eth1 is gone
            pod: eth1 loses the address fe80::ff:fe00:101/64
              pod: A route of the table main is gone: fe80::/64 dev eth1 metric 256
              pod: A route of the table local is gone: local fe80::ff:fe00:101/128 dev eth1
            pod: A route of the table local is gone: multicast ff00::/8 dev eth1 metric 256
            machine: Nothing is at the other end of veth0 any more
            machine: The device veth0 is gone
              machine: veth0 loses the address 10.0.0.1/24
              machine: veth0 loses the address fe80::ff:fe00:102/64
                machine: A route of the table main is gone: 10.0.0.0/24 dev veth0 src 10.0.0.1
                machine: A route of the table local is gone: local 10.0.0.1/32 dev veth0 src 10.0.0.1
                machine: A route of the table local is gone: broadcast 10.0.0.255/32 dev veth0 src 10.0.0.1
                machine: A route of the table main is gone: fe80::/64 dev veth0 metric 256
                machine: A route of the table local is gone: local fe80::ff:fe00:102/128 dev veth0
              machine: A route of the table local is gone: multicast ff00::/8 dev veth0 metric 256
    "#]]
    .assert_eq(&story(&net));
}
