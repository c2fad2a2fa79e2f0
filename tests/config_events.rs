//! A law: whatever commands do to a host, each difference in its devices, addresses, routes, rules, neighbours,
//! settings, packet rules, sets and connections has an event in the log, and from a state and the events follows the
//! state afterwards.
#![cfg(not(target_arch = "wasm32"))]

use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;
use vitrine::abi::{EventId, IfName, Mac};
use vitrine::net::fib::{Address, IpRule, Route, TableId};
use vitrine::net::{
    ConfigEvent, Event, HostId, LinkChange, LinkEvent, Names, NeighState, Network, ip, watched,
};
use vitrine::net::{DeviceKind, Host};
use vitrine::netfilter::Family;
use vitrine::netfilter::event::Event as NfEvent;

/// What is seen of a device.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    index: u32,
    kind: String,
    mac: Mac,
    mtu: u32,
    group: u32,
    up: bool,
    carrier: bool,
    master: Option<IfName>,
    hairpin: bool,
    promisc: bool,
    allmulti: bool,
    multicast: bool,
    queue: u32,
    alias: Option<String>,
    addrs: Vec<Address>,
}

/// What a host's configuration looks like from outside.
#[derive(Clone, Debug, PartialEq)]
struct State {
    links: BTreeMap<IfName, Seen>,
    routes: BTreeMap<(Family, TableId), Vec<Route>>,
    rules: BTreeMap<Family, Vec<IpRule>>,
    neighbours: BTreeMap<(IfName, std::net::IpAddr), (NeighState, Option<Mac>)>,
    sysctls: BTreeMap<String, i64>,
}

/// What a device is, by the numbers of what it stands on, which names cannot tell.
fn kind(kind: &DeviceKind) -> String {
    match kind {
        DeviceKind::Bridge(_) => "bridge".into(),
        DeviceKind::Vlan { id, .. } => format!("vlan {id}"),
        DeviceKind::Macvlan { mode, .. } => format!("macvlan {mode:?}"),
        other => format!("{other:?}"),
    }
}

const FAMILIES: [Family; 2] = [Family::Ip, Family::Ip6];

fn look(host: &Host) -> State {
    let links = host.devices.iter().map(|(name, d)| {
        let seen = Seen {
            index: d.link.index,
            kind: kind(&d.kind),
            mac: d.mac,
            mtu: d.link.mtu,
            group: d.link.group,
            up: d.link.up,
            carrier: d.link.carrier,
            master: d.master.clone(),
            hairpin: d.hairpin,
            promisc: d.admin.promisc,
            allmulti: d.admin.allmulti,
            multicast: d.admin.multicast,
            queue: d.admin.queue,
            alias: d.admin.alias.clone(),
            addrs: d.link.addrs.clone(),
        };
        (name.clone(), seen)
    });
    let routes = FAMILIES.into_iter().flat_map(|family| {
        let tables = host.fib.tables(family).filter(|(_, routes)| !routes.is_empty());
        tables.map(move |(id, routes)| ((family, id), routes.to_vec()))
    });
    State {
        links: links.collect(),
        routes: routes.collect(),
        rules: FAMILIES.into_iter().map(|f| (f, host.fib.rules(f).to_vec())).collect(),
        neighbours: host.neighbours.iter().map(|(d, a, n)| ((d.clone(), a), (n.state, n.mac))).collect(),
        // The settings of a device come and go with it: those of all are looked at.
        sysctls: host.settings(|_| false),
    }
}

fn take<T: PartialEq + std::fmt::Debug>(list: &mut Vec<T>, what: &T) {
    let at = list.iter().position(|x| x == what).unwrap_or_else(|| panic!("{what:?} was not there"));
    list.remove(at);
}

impl State {
    fn link(&mut self, dev: &IfName) -> &mut Seen {
        self.links.get_mut(dev).unwrap_or_else(|| panic!("an event of {dev}, which is not there"))
    }

    fn rename(&mut self, from: &IfName, to: &IfName) {
        let swap = |name: &mut IfName| {
            if name == from {
                *name = to.clone();
            }
        };
        let mut seen = self.links.remove(from).expect("the device that is renamed");
        for (at, addr) in seen.addrs.iter_mut().filter(|a| a.local.is_ipv4()).enumerate() {
            let label = addr.label.take();
            let end = label.as_deref().and_then(|l| l.split_once(':')).map(|(_, end)| end.to_owned());
            if at > 0 {
                addr.label = Some(format!("{to}:{}", end.unwrap_or_else(|| (at + 1).to_string())));
            }
        }
        self.links.insert(to.clone(), seen);
        self.links.values_mut().for_each(|l| l.master.iter_mut().for_each(swap));
        let routes = self.routes.values_mut().flatten().flat_map(|r| &mut r.nexthops);
        routes.filter_map(|n| n.dev.as_mut()).for_each(swap);
        let all = std::mem::take(&mut self.neighbours).into_iter();
        self.neighbours = all
            .map(|((mut dev, addr), n)| {
                swap(&mut dev);
                ((dev, addr), n)
            })
            .collect();
    }

    /// What the event says, done.
    fn apply(&mut self, event: &Event) {
        match event {
            Event::Link(LinkEvent::Neighbour { dev, addr, state, mac }) => {
                self.neighbours.insert((dev.clone(), *addr), (*state, *mac));
            }
            Event::Config(event) => self.configure(event),
            _ => {}
        }
    }

    fn configure(&mut self, event: &ConfigEvent) {
        match event.clone() {
            // A host's own events begin when it is there.
            ConfigEvent::NamespaceAdded { .. } | ConfigEvent::NamespaceRemoved { .. } => {}
            ConfigEvent::LinkAdded { dev, index, kind: is, mac, mtu, carrier, .. } => {
                let seen = Seen {
                    index,
                    kind: kind(&is),
                    mac,
                    mtu,
                    group: 0,
                    up: false,
                    carrier,
                    master: None,
                    hairpin: false,
                    promisc: false,
                    allmulti: false,
                    multicast: true,
                    queue: 1000,
                    alias: None,
                    addrs: Vec::new(),
                };
                assert!(self.links.insert(dev, seen).is_none(), "the name was taken");
            }
            ConfigEvent::LinkDeleted { dev, .. } => {
                // Its addresses are told of for themselves.
                self.link(&dev).index = 0;
            }
            ConfigEvent::LinkChanged { dev, change: LinkChange::Name(from) } => self.rename(&from, &dev),
            ConfigEvent::LinkChanged { dev, change } => {
                let link = self.link(&dev);
                match change {
                    LinkChange::Up(up) => link.up = up,
                    LinkChange::Name(_) => {}
                    LinkChange::Mtu(mtu) => link.mtu = mtu,
                    LinkChange::Mac(mac) => link.mac = mac,
                    LinkChange::Master(master) => link.master = master,
                    LinkChange::Hairpin(on) => link.hairpin = on,
                    LinkChange::Promisc(on) => link.promisc = on,
                    LinkChange::Allmulticast(on) => link.allmulti = on,
                    LinkChange::Multicast(on) => link.multicast = on,
                    LinkChange::Queue(packets) => link.queue = packets,
                    LinkChange::Alias(alias) => link.alias = alias,
                    LinkChange::Group(group) => link.group = group,
                }
            }
            ConfigEvent::CarrierChanged { dev, carrier } => self.link(&dev).carrier = carrier,
            ConfigEvent::AddressAdded { dev, at, address } => self.link(&dev).addrs.insert(at, address),
            ConfigEvent::AddressRemoved { dev, address } => take(&mut self.link(&dev).addrs, &address),
            ConfigEvent::AddressChanged { dev, before, after } => {
                let addrs = &mut self.link(&dev).addrs;
                *addrs.iter_mut().find(|a| **a == before).expect("the address") = after;
            }
            ConfigEvent::RouteAdded { table, at, route } => {
                self.routes.entry((route.dst.family(), table)).or_default().insert(at, route);
            }
            ConfigEvent::RouteRemoved { table, route } => {
                take(self.routes.entry((route.dst.family(), table)).or_default(), &route);
            }
            ConfigEvent::RouteReplaced { table, before, after } => {
                let routes = self.routes.entry((before.dst.family(), table)).or_default();
                *routes.iter_mut().find(|r| **r == before).expect("the route") = after;
            }
            ConfigEvent::RuleAdded { family, at, rule } => {
                self.rules.entry(family).or_default().insert(at, rule);
            }
            ConfigEvent::RuleRemoved { family, rule } => {
                take(self.rules.entry(family).or_default(), &rule);
            }
            ConfigEvent::NeighbourRemoved { dev, addr } => {
                self.neighbours.remove(&(dev, addr)).expect("the neighbour");
            }
            ConfigEvent::FdbRemoved { .. } => {}
            ConfigEvent::SysctlSet { key, value } => {
                if !key.contains(".conf.") || key.contains(".conf.all.") || key.contains(".conf.default.") {
                    self.sysctls.insert(key, value);
                }
            }
        }
    }

    /// What is left when all is told: nothing of a device that is gone.
    fn settled(mut self) -> State {
        self.links.retain(|name, link| {
            assert!(link.index != 0 || link.addrs.is_empty(), "{name} is gone, its addresses are not");
            link.index != 0
        });
        self.routes.retain(|_, routes| !routes.is_empty());
        self
    }
}

/// A command; devices, addresses and numbers are taken from few, so that much of it is there.
fn command() -> impl Strategy<Value = String> {
    let dev = || select(vec!["eth0", "eth1", "br0", "d0", "v0", "v1", "m0", "vlan5", "lo", "x0"]);
    let addr =
        || select(vec!["10.0.0.1", "10.0.0.2", "10.1.0.7", "192.168.3.9", "fd00::1", "fd00:5::7", "fe80::7"]);
    let net = || select(vec!["default", "10.9.0.0/16", "10.0.0.0/24", "192.0.2.1", "fd00:9::/64", "::/0"]);
    let number = || select(vec!["1", "5", "100", "1000", "1300", "9000", "66"]);
    let verb = || select(vec!["add", "del", "replace", "append", "change", "prepend"]);
    prop_oneof![
        (dev(), select(vec!["up", "down"])).prop_map(|(d, s)| format!("link set {d} {s}")),
        (dev(), dev()).prop_map(|(a, b)| format!("link set {a} name {b}")),
        (dev(), number()).prop_map(|(d, n)| format!("link set {d} mtu {n}")),
        (
            dev(),
            select(vec![
                "master br0",
                "nomaster",
                "promisc on",
                "allmulticast on",
                "multicast off",
                "txqueuelen 7",
                "alias it",
                "group 3",
                "address 02:00:00:00:77:01",
                "type bridge_slave hairpin on"
            ])
        )
            .prop_map(|(d, w)| format!("link set {d} {w}")),
        dev().prop_map(|d| format!("link add {d} type bridge")),
        dev().prop_map(|d| format!("link add {d} up type dummy")),
        (dev(), dev()).prop_map(|(a, b)| format!("link add {a} up mtu 1400 type veth peer name {b} up")),
        (dev(), dev()).prop_map(|(a, b)| format!("link add {b} link {a} up type macvlan mode bridge")),
        (dev(), dev()).prop_map(|(a, b)| format!("link add {b} link {a} type vlan id 5")),
        dev().prop_map(|d| format!("link del {d}")),
        (dev(), dev(), select(vec!["a", "b"]), select(vec!["", " up", " mtu 1300 promisc on", " mtu 7"]))
            .prop_map(|(d, e, n, w)| format!("link set {d} netns {n} name {e}{w}")),
        (dev(), dev(), select(vec!["a", "b"]))
            .prop_map(|(d, e, n)| format!("link add {d} up type veth peer name {e} up netns {n}")),
        (
            addr(),
            dev(),
            select(vec!["24", "16", "32", "64"]),
            select(vec!["add", "del", "replace", "change"])
        )
            .prop_map(|(a, d, l, v)| format!("addr {v} {a}/{l} dev {d}")),
        dev().prop_map(|d| format!("addr flush dev {d}")),
        (net(), dev(), verb(), number()).prop_map(|(n, d, v, m)| format!("route {v} {n} dev {d} metric {m}")),
        (net(), addr(), verb()).prop_map(|(n, a, v)| format!("route {v} {n} via {a}")),
        (net(), verb()).prop_map(|(n, v)| format!("route {v} blackhole {n} table 7")),
        select(vec!["route flush table main", "-6 route flush table main", "rule flush"])
            .prop_map(String::from),
        (net(), select(vec!["add", "del"]), number())
            .prop_map(|(n, v, p)| format!("rule {v} to {n} priority {p} lookup 7")),
        (addr(), dev(), select(vec!["add", "del", "replace"]), select(vec!["", " nud stale", " nud failed"]))
            .prop_map(|(a, d, v, n)| format!("neigh {v} {a} dev {d} lladdr 02:00:00:00:00:aa{n}")),
        dev().prop_map(|d| format!("neigh flush dev {d}")),
        (
            select(vec![
                "net.ipv4.ip_forward",
                "net.ipv4.conf.all.rp_filter",
                "net.ipv4.conf.default.rp_filter",
                "net.ipv4.conf.eth0.rp_filter",
                "net.ipv6.conf.all.forwarding",
                "net.netfilter.nf_conntrack_max",
                "net.netfilter.nf_conntrack_tcp_timeout_close",
                "net.core.somaxconn",
                "net.ipv6.conf.eth0.autoconf",
                "net.ipv4.no_such_thing"
            ]),
            select(vec!["0", "1", "2"])
        )
            .prop_map(|(key, value)| format!("sysctl {key}={value}")),
    ]
}

/// Two hosts with two wires between them.
fn network() -> Network {
    let mut net = Network::new();
    let mut number = 0;
    let name = |n: &str| IfName::new(n).expect("a name");
    for host in ["a", "b"] {
        let host = net.add_host(host, Host::new(true));
        for dev in ["eth0", "eth1"] {
            number += 1;
            net.host_mut(host).add_device(name(dev), DeviceKind::Veth, Mac([2, 0, 0, 0, 0, number]));
            net.host_mut(host).set_up(&name(dev));
        }
    }
    for dev in ["eth0", "eth1"] {
        net.connect((HostId(0), name(dev)), (HostId(1), name(dev)));
    }
    net.settle_wires();
    net
}

/// Each host is a namespace of its name.
struct ByName;

impl Names for ByName {
    fn find(&self, name: &str) -> Option<HostId> {
        ["a", "b"].iter().position(|n| *n == name).map(|at| HostId(at as u16))
    }

    fn name(&self, host: HostId) -> Option<&str> {
        ["a", "b"].get(usize::from(host.0)).copied()
    }
}

/// Runs a command on a host, as a lab does.
fn run(net: &mut Network, host: HostId, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    if words.contains(&"netns") {
        let _ = net.ip(host, &words, &ByName);
        return;
    }
    net.change(host, |host, sink| match words[..] {
        ["sysctl", set] => {
            let (key, value) = set.split_once('=').expect("KEY=VALUE");
            watched(host, line, sink, |host| drop(host.set_sysctl(key, value.parse().expect("a number"))));
        }
        _ => drop(ip::run(&words, host, sink)),
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_difference_has_an_event(lines in prop::collection::vec((0..2u16, command()), 1..25)) {
        let mut net = network();
        for (host, line) in lines {
            let before: Vec<State> = net.hosts().map(|(_, _, h)| look(h)).collect();
            let since = net.log().next_id();
            run(&mut net, HostId(host), &line);
            let new: Vec<_> = (since.0..net.log().next_id().0).filter_map(|id| net.log().get(EventId(id))).collect();
            // The command is the root; all else has a cause.
            for (at, entry) in new.iter().enumerate() {
                let is_root = matches!(entry.event.event, Event::Netfilter(NfEvent::CommandRun { .. }));
                prop_assert_eq!(is_root, at == 0, "{}: {:?}", line, entry);
                prop_assert_eq!(entry.cause.is_none(), is_root, "{}: {:?}", line, entry);
                prop_assert!(entry.cause.is_none_or(|cause| cause >= since));
            }
            for (id, state) in before.into_iter().enumerate() {
                let mut state = state;
                for entry in new.iter().filter(|e| usize::from(e.event.host.0) == id) {
                    state.apply(&entry.event.event);
                }
                prop_assert_eq!(state.settled(), look(net.host(HostId(id as u16))), "host {}: {}", id, line);
            }
        }
    }
}
