//! A law: whatever `iptables`, `ipset` and `conntrack` do to a host, each difference has an event, and a lab's log has
//! the events of its commands, each with its cause.
#![cfg(not(target_arch = "wasm32"))]

use expect_test::expect;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use vitrine::abi::{EventId, Log, Time};
use vitrine::lab::{Lab, run as run_lab};
use vitrine::netfilter::event::{CtChange, Event, RulesChange};
use vitrine::netfilter::ipset::SetChange;
use vitrine::netfilter::programs::{Machine, run};
use vitrine::netfilter::{ChainKind, ChainName, Family, Netfilter, Policy, Rule, Ruleset, Table, TableName};
use vitrine::say::{Lang, sentence};

/// A chain from outside: its policy and its rules.
type Chain = (Option<Policy>, Vec<Arc<Rule>>);

/// What is seen of rules, sets and connections.
#[derive(Clone, Debug, Default, PartialEq)]
struct State {
    tables: BTreeMap<(Family, TableName), BTreeMap<ChainName, Chain>>,
    sets: BTreeMap<String, usize>,
    connections: BTreeSet<u64>,
}

fn chains(table: &Table) -> BTreeMap<ChainName, Chain> {
    let chain = |kind: &ChainKind| match kind {
        ChainKind::Base { policy, .. } => Some(*policy),
        ChainKind::User => None,
    };
    table.chains.iter().map(|(name, c)| (name.clone(), (chain(&c.kind), c.rules.clone()))).collect()
}

fn look(netfilter: &Netfilter) -> State {
    let mut state = State::default();
    for family in [Family::Ip, Family::Ip6] {
        for (name, table) in netfilter.ruleset(family).into_iter().flat_map(|r| &r.tables) {
            state.tables.insert((family, *name), chains(table));
        }
    }
    state.sets = netfilter.sets.iter().map(|(name, set)| (name.to_string(), set.len())).collect();
    state.connections = netfilter.conntrack.table().map(|e| e.id.0.into()).collect();
    state
}

impl State {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::RulesChanged { family, change } => self.rules(*family, change),
            Event::SetChanged { set, change } => self.set(set, change),
            Event::ConnectionChanged { entry, change: CtChange::Deleted } => {
                assert!(
                    self.connections.remove(&entry.id.0.into()),
                    "a connection that was not there is gone"
                );
            }
            Event::ConnectionChanged { entry, change: CtChange::Confirmed } => {
                assert!(self.connections.insert(entry.id.0.into()), "a connection comes twice");
            }
            _ => {}
        }
    }

    fn chain(&mut self, family: Family, table: TableName, chain: &ChainName) -> &mut Chain {
        self.tables.get_mut(&(family, table)).and_then(|t| t.get_mut(chain)).expect("the chain")
    }

    fn rules(&mut self, family: Family, change: &RulesChange) {
        match change {
            RulesChange::TableAdded { table } => {
                self.tables.insert((family, *table), BTreeMap::new());
            }
            RulesChange::TableRemoved { table } => {
                self.tables.remove(&(family, *table)).expect("the table");
            }
            RulesChange::ChainAdded { table, chain } => {
                // A built-in chain comes with the policy ACCEPT.
                let policy = chains(&Table::new(*table)).get(chain).and_then(|c| c.0);
                let table = self.tables.get_mut(&(family, *table)).expect("the table");
                table.insert(chain.clone(), (policy, Vec::new()));
            }
            RulesChange::ChainRemoved { table, chain } => {
                let table = self.tables.get_mut(&(family, *table)).expect("the table");
                table.remove(chain).expect("the chain");
            }
            RulesChange::ChainRenamed { table, from, to } => {
                let table = self.tables.get_mut(&(family, *table)).expect("the table");
                let chain = table.remove(from).expect("the chain");
                table.insert(to.clone(), chain);
            }
            RulesChange::PolicySet { table, chain: name, policy } => {
                self.chain(family, *table, name).0 = Some(*policy)
            }
            RulesChange::PolicyZeroed { .. } => {}
            RulesChange::RuleAdded { rule, new } => {
                self.chain(family, rule.table, &rule.chain).1.insert(rule.index as usize, new.clone());
            }
            RulesChange::RuleReplaced { rule, new } => {
                self.chain(family, rule.table, &rule.chain).1[rule.index as usize] = new.clone();
            }
            RulesChange::RuleRemoved { rule, .. } => {
                self.chain(family, rule.table, &rule.chain).1.remove(rule.index as usize);
            }
            RulesChange::Flushed { table, chain: Some(name) } => self.chain(family, *table, name).1.clear(),
            RulesChange::Flushed { table, chain: None } => {
                let table = self.tables.get_mut(&(family, *table)).expect("the table");
                table.values_mut().for_each(|chain| chain.1.clear());
            }
        }
    }

    fn set(&mut self, set: &str, change: &SetChange) {
        match change {
            SetChange::Created(_) => drop(self.sets.insert(set.into(), 0)),
            SetChange::Destroyed => drop(self.sets.remove(set).expect("the set")),
            SetChange::Flushed => *self.sets.get_mut(set).expect("the set") = 0,
            SetChange::Renamed(to) => {
                let held = self.sets.remove(set).expect("the set");
                self.sets.insert(to.to_string(), held);
            }
            SetChange::Swapped(other) => {
                let (a, b) = (self.sets[set], self.sets[other.as_str()]);
                self.sets.insert(set.into(), b);
                self.sets.insert(other.to_string(), a);
            }
            SetChange::Added(_) => *self.sets.get_mut(set).expect("the set") += 1,
            SetChange::Updated(_) => assert!(self.sets.contains_key(set)),
            SetChange::Deleted(_) | SetChange::Expired(_) | SetChange::GaveWay(_) => {
                *self.sets.get_mut(set).expect("the set") -= 1;
            }
        }
    }

    /// Where a chain got another name, the rules that lead to it say something else.
    fn comparable(mut self, renamed: bool) -> State {
        if renamed {
            self.tables.values_mut().flat_map(|t| t.values_mut()).for_each(|c| c.1.clear());
        }
        self
    }
}

fn command() -> impl Strategy<Value = String> {
    let program = || select(vec!["iptables", "ip6tables"]);
    let table = || select(vec!["filter", "nat", "mangle", "raw"]);
    let chain = || select(vec!["INPUT", "OUTPUT", "one", "two", "three"]);
    let set = || select(vec!["s", "t", "u"]);
    let number = || select(vec!["1", "2", "3"]);
    let body = || {
        select(vec![
            "-p tcp --dport 22 -j ACCEPT",
            "-j one",
            "-j two",
            "-m mark --mark 3",
            "-p udp",
            "-j DROP",
            "-m set --match-set s src -j RETURN",
            "",
        ])
    };
    let dst = || select(vec!["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    prop_oneof![
        (program(), table(), chain(), body()).prop_map(|(p, t, c, b)| format!("{p} -t {t} -A {c} {b}")),
        (program(), table(), chain(), number(), body())
            .prop_map(|(p, t, c, n, b)| format!("{p} -t {t} -I {c} {n} {b}")),
        (program(), table(), chain(), number(), body())
            .prop_map(|(p, t, c, n, b)| format!("{p} -t {t} -R {c} {n} {b}")),
        (program(), table(), chain(), number()).prop_map(|(p, t, c, n)| format!("{p} -t {t} -D {c} {n}")),
        (program(), table(), chain(), select(vec!["-N", "-X", "-F", "-Z"]))
            .prop_map(|(p, t, c, v)| format!("{p} -t {t} {v} {c}")),
        (program(), table(), select(vec!["-X", "-F", "-Z"])).prop_map(|(p, t, v)| format!("{p} -t {t} {v}")),
        (program(), table(), chain(), chain()).prop_map(|(p, t, a, b)| format!("{p} -t {t} -E {a} {b}")),
        (program(), table(), chain(), select(vec!["ACCEPT", "DROP"]))
            .prop_map(|(p, t, c, v)| format!("{p} -t {t} -P {c} {v}")),
        (set(), select(vec!["hash:ip", "hash:ip maxelem 2", "list:set", "hash:ip,port"]))
            .prop_map(|(s, t)| format!("ipset create {s} {t}")),
        (set(), dst(), select(vec!["add", "del"])).prop_map(|(s, d, v)| format!("ipset {v} {s} {d}")),
        (set(), set(), select(vec!["rename", "swap", "add"]))
            .prop_map(|(a, b, v)| format!("ipset {v} {a} {b}")),
        (set(), select(vec!["flush", "destroy"])).prop_map(|(s, v)| format!("ipset {v} {s}")),
        select(vec!["ipset flush", "ipset destroy"]).prop_map(String::from),
        (dst(), select(vec!["-I", "-U", "-D"])).prop_map(|(d, v)| {
            let rest = if v == "-D" { "" } else { " -t 60 -m 7" };
            format!("conntrack {v} -p udp -s 10.9.9.9 -d {d} --sport 5 --dport 6{rest}")
        }),
        select(vec!["conntrack -F", "conntrack -D -p udp", "conntrack -D -s 10.9.9.9"])
            .prop_map(String::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_difference_has_an_event(lines in prop::collection::vec(command(), 1..40)) {
        let mut netfilter = Netfilter::default();
        let mut log = Log::<Event>::default();
        for line in lines {
            let mut state = look(&netfilter);
            let since = log.next_id();
            let words: Vec<String> = line.split_whitespace().map(String::from).collect();
            let mut machine =
                Machine { netfilter: &mut netfilter, now: Time::ZERO, stdin: "", files: &|_| None, sink: &mut log };
            run(&words[0], &words[1..], &mut machine).expect("a program");
            let new: Vec<_> = (since.0..log.next_id().0).filter_map(|id| log.get(EventId(id))).collect();
            let mut renamed = false;
            for (at, entry) in new.iter().enumerate() {
                let is_root = matches!(entry.event, Event::CommandRun { .. });
                prop_assert_eq!(is_root, at == 0, "{}: {:?}", line, entry);
                prop_assert_eq!(entry.cause.is_none(), is_root, "{}: {:?}", line, entry);
                renamed |= matches!(&entry.event,
                    Event::RulesChanged { change: RulesChange::ChainRenamed { .. }, .. });
                state.apply(&entry.event);
            }
            prop_assert_eq!(state.comparable(renamed), look(&netfilter).comparable(renamed), "{}", line);
        }
    }
}

/// A lab's log tells of what its commands changed, on both ends of a wire: each event behind its cause.
#[test]
fn a_labs_log_has_its_commands() {
    let commands = [
        "ip link add br0 type bridge && ip link set eth0 master br0 && ip link set br0 up",
        "ip addr add 10.0.0.9/24 dev br0; ip route add default via 10.0.0.254",
        "ip neigh add 10.0.0.5 dev br0 lladdr 02:00:00:00:00:05",
        "sysctl -w net.ipv4.ip_forward=1",
        "iptables -A FORWARD -j DROP; ipset create s hash:ip; ipset add s 10.0.0.1",
        "conntrack -I -p udp -s 10.9.9.9 -d 10.0.0.1 --sport 5 --dport 6 -t 60; conntrack -D -p udp",
        "ip rule add to 10.7.0.0/16 lookup 7; ip neigh flush dev br0",
        "ip link set eth0 down",
        "ip link del eth0",
        "ip link show; ip route show; sysctl net.ipv4.ip_forward=1",
    ];
    let probes: Vec<_> = commands
        .iter()
        .map(|cmd| serde_json::json!({"name": cmd, "do": "run", "host": "a", "cmd": cmd}))
        .collect();
    let lab = serde_json::json!({
        "name": "commands", "complete_tables": false,
        "hosts": {"a": {"interfaces": {"eth0": {}}}, "b": {"interfaces": {"eth0": "10.0.0.2/24"}}},
        "links": [["a:eth0", "b:eth0"]], "probes": probes,
    });
    let lab: Lab = lab.to_string().parse().expect("a lab");
    let run = run_lab(&lab).expect("a network");
    let none = Ruleset::empty(Family::Ip);
    let mut depth: BTreeMap<EventId, usize> = BTreeMap::new();
    let mut told = String::new();
    for id in (0..run.network.log().next_id().0).map(EventId) {
        let entry = run.network.log().get(id).expect("an event");
        let own = entry.cause.map_or(0, |cause| depth[&cause] + 1);
        depth.insert(id, own);
        let said = sentence(Lang::En, &none, &entry.event.event);
        told += &format!("{}{}: {said}\n", "  ".repeat(own), run.network.name(entry.event.host));
        assert!(!sentence(Lang::Ko, &none, &entry.event.event).contains("{"));
    }
    expect![[r#"
        a: A command is run: ip link add br0 type bridge
          a: The device br0 comes into being (bridge)
        a: A command is run: ip link set eth0 master br0
          a: eth0 is a port of br0 now
            a: br0 has the hardware address 02:00:00:00:01:01 now
            a: Nothing is at the other end of br0 any more
        a: A command is run: ip link set br0 up
          a: br0 is set up
            a: Something is at the other end of br0 now
        a: A command is run: ip addr add 10.0.0.9/24 dev br0
          a: br0 gets the address 10.0.0.9/24
            a: A new route in the table main: 10.0.0.0/24 dev br0 src 10.0.0.9
            a: A new route in the table local: local 10.0.0.9/32 dev br0 src 10.0.0.9
            a: A new route in the table local: broadcast 10.0.0.255/32 dev br0 src 10.0.0.9
        a: A command is run: ip route add default via 10.0.0.254
          a: A new route in the table main: default via 10.0.0.254 dev br0
        a: A command is run: ip neigh add 10.0.0.5 dev br0 lladdr 02:00:00:00:00:05
          a: Neighbour 10.0.0.5 on br0 is now PERMANENT (02:00:00:00:00:05)
        a: A command is run: sysctl -w net.ipv4.ip_forward=1
          a: net.ipv4.conf.all.forwarding is 1 now
            a: net.ipv4.conf.br0.forwarding is 1 now
            a: net.ipv4.conf.default.forwarding is 1 now
            a: net.ipv4.conf.eth0.forwarding is 1 now
            a: net.ipv4.conf.lo.forwarding is 1 now
        a: A command is run: iptables -A FORWARD -j DROP
          a: The table filter comes into being
          a: The table filter gets a chain FORWARD
          a: A new rule, filter FORWARD 1: -A FORWARD -j DROP
        a: A command is run: ipset create s hash:ip
          a: The set s is made: hash:ip
        a: A command is run: ipset add s 10.0.0.1
          a: 10.0.0.1 comes into the set s
        a: A command is run: conntrack -I -p udp -s 10.9.9.9 -d 10.0.0.1 --sport 5 --dport 6 -t 60
          a: The first packet got through: the connection is confirmed
        a: A command is run: conntrack -D -p udp
          a: Somebody deletes a connection: udp src=10.9.9.9 dst=10.0.0.1 sport=5 dport=6 [UNREPLIED] src=10.0.0.1 dst=10.9.9.9 sport=6 dport=5 mark=0
        a: A command is run: ip rule add to 10.7.0.0/16 lookup 7
          a: A new rule of policy routing (IPv4): 32765: from all to 10.7.0.0/16 lookup 7
        a: A command is run: ip link set eth0 down
          a: eth0 is set down
            a: Nothing is at the other end of br0 any more
            a: Nothing is at the other end of eth0 any more
              b: Nothing is at the other end of eth0 any more
        a: A command is run: ip link del eth0
          a: The device eth0 is gone
            b: The device eth0 is gone
              b: eth0 loses the address 10.0.0.2/24
                b: A route of the table main is gone: 10.0.0.0/24 dev eth0 src 10.0.0.2
                b: A route of the table local is gone: local 10.0.0.2/32 dev eth0 src 10.0.0.2
                b: A route of the table local is gone: broadcast 10.0.0.255/32 dev eth0 src 10.0.0.2
    "#]].assert_eq(&told);
}
