#!/usr/bin/env python3
"""Makes random labs, by theme, each from a seed: the same seed gives the same lab.

    tests/record/fuzz_labs.py DIR [--seed FIRST] [--count N] [--theme NAME]    writes DIR/THEME-SEED.json
    tests/record/fuzz_labs.py --list                                          the themes

A lab is hosts, links, rulesets and packets in the format of tests/data/labs. Nothing here is left to chance on Linux:
no random ports, no `statistic --mode random`, no limits that end within the recording.
"""
import argparse
import json
import pathlib
import random
from fuzz_rules import Place, rules, ruleset

V4 = Place(4, "10.0.1.2", "10.0.1.1", "192.168.9.1", "192.168.9.2", "10.0.1.0/24", "192.168.9.0/24", "10.9.0.0/24")
V6 = Place(6, "fd01::2", "fd01::1", "fd09::1", "fd09::2", "fd01::/64", "fd09::/64", "fd99::/64")
FORWARD = {4: {"net.ipv4.ip_forward": 1}, 6: {"net.ipv6.conf.all.forwarding": 1}}
FLAGS = ("SYN", "SYN,ACK", "ACK", "PSH,ACK", "FIN,ACK", "RST", "RST,ACK", "FIN", "", "ALL", "SYN,ECE,CWR")


def listeners(family, *more):
    any_ = "0.0.0.0" if family == 4 else "::"
    ours = [{"proto": "udp", "port": 53, "reply": "echo"}, {"proto": "tcp", "port": 80, "reply": "echo"},
            {"proto": "tcp", "port": 22}, {"proto": "udp", "port": 5000}]
    return [dict(l, addr=any_) for l in ours + list(more)]


def tables(p):
    return "iptables" if p.family == 4 else "ip6tables"


def router(p, rules_of_router=None, **more):
    """client - router - server, one rules text on the router."""
    any_route = "default via "
    lab = {
        "hosts": {
            "client": {"interfaces": {"eth0": p.bits(p.near)}, "routes": [any_route + p.own_near], "listeners": listeners(p.family)},
            "host": {"interfaces": {"wan": p.bits(p.own_near), "lan": p.bits(p.own_far)}, "sysctls": dict(FORWARD[p.family]),
                     "listeners": listeners(p.family)},
            "server": {"interfaces": {"eth0": p.bits(p.far)}, "routes": [any_route + p.own_far], "listeners": listeners(p.family)},
        },
        "links": [["client:eth0", "host:wan"], ["host:lan", "server:eth0"]],
    }
    if p.family == 6:
        lab["ipv6"] = True
    if rules_of_router:
        lab["hosts"]["host"][tables(p)] = rules_of_router
    lab["hosts"]["host"].update(more)
    return lab


class Traffic:
    """Probes; each new flow has a source port of its own."""

    def __init__(self, rng, p):
        self.rng, self.p, self.port, self.list = rng, p, 40000, []

    def add(self, **probe):
        kind, to = probe["do"], probe.get("dst", probe.get("packet", {}).get("dst", ""))
        probe = {"name": f"{len(self.list) + 1} {kind} {to}".strip(), **probe}
        self.list.append(probe)
        return probe

    def sport(self):
        self.port += 1
        return self.port

    def udp(self, host, dst, dport=None, **more):
        dport = dport or self.rng.choice((53, 53, 5000, 99))
        self.add(do="udp", **{"from": host}, sport=self.sport(), dst=dst, dport=dport, connected=self.rng.random() < 0.6, **more)

    def tcp(self, host, dst, dport=None, **more):
        more = {"data": "hello", "close": self.rng.choice(("fin", "rst")), **more}
        self.add(do="tcp", **{"from": host}, sport=self.sport(), dst=dst, dport=dport or self.rng.choice((80, 80, 22, 81)), **more)

    def ping(self, host, dst, **more):
        self.add(do="ping", **{"from": host}, dst=dst, id=self.sport() - 39900, **more)

    def packet(self, src, via, packet, **more):
        self.add(do="packet", **{"from": src}, via=via, packet=packet, **more)

    def crafted(self, src, via, source, dst):
        r = self.rng
        proto = r.choice(("tcp", "tcp", "udp", "icmp", 47, 132))
        packet = {"src": source, "dst": dst, "proto": proto, "ttl": r.choice((64, 64, 2, 1)), "tos": r.choice((0, 0, 16, 40, 184, 1, 3))}
        if proto in ("tcp", "udp"):
            packet.update(sport=self.sport(), dport=r.choice((53, 80, 22, 99)), data="x" * r.choice((0, 0, 10)))
        if proto == "tcp":
            packet.update(flags=r.choice(FLAGS), ack=r.choice((0, 7)), win=r.choice((0, 1000)))
        if proto == "icmp":
            request, types = (8, (0, 8, 8, 13, 17, 10)) if self.p.family == 4 else (128, (128, 128, 129))
            packet.update(type=r.choice(types), id=self.sport() - 39900)
            packet["code"] = 0 if packet["type"] == request else 0
        if proto in (47, 132):
            packet["data"] = "\x00\x16\x00\x50" + "x" * 12
        self.packet(src, via, packet)

    def some(self, n, ends=None):
        """n probes between the router's three hosts, of all kinds."""
        p, r = self.p, self.rng
        ends = ends or [("client", p.near, "eth0", (p.far, p.far, p.far, p.own_near, p.own_far)),
                        ("server", p.far, "eth0", (p.near, p.own_far, p.own_near)), ("host", p.own_near, None, (p.far, p.near))]
        for _ in range(n):
            host, addr, dev, targets = r.choices(ends, weights=[6, 2, 1][: len(ends)])[0]
            dst = r.choice(targets)
            kind = r.choice(("udp", "udp", "tcp", "tcp", "ping", "link", "ip"))
            if kind in ("udp", "tcp"):
                getattr(self, kind)(host, dst, **({"tos": r.choice((16, 40, 1))} if r.random() < 0.15 and p.family == 4 else {}))
            elif kind == "ping":
                self.ping(host, dst, size=r.choice((8, 56, 100)))
            elif kind == "link" and dev:
                self.crafted(host, f"link:{dev}", addr, dst)
            else:
                self.crafted(host, "ip", addr, dst)
        return self.list


def both(theme):
    """A theme for IPv4 and, one time in four, for IPv6."""
    theme.both = True
    return theme


# ---- themes: (rng, place) -> lab ---------------------------------------------------------------------------------


@both
def filter_rules(r, p):
    lab = router(p, ruleset(r, p, {"filter": r.randint(5, 14)}))
    return lab, Traffic(r, p).some(10)


@both
def nat_rules(r, p):
    lab = router(p, ruleset(r, p, {"nat": r.randint(3, 8), "filter": 2}))
    t = Traffic(r, p)
    for port in r.sample((8080, 8081, 2222, 5353), 3):
        (t.udp if port == 5353 else t.tcp)("client", p.own_near, port)
    return lab, t.some(7)


@both
def mangle_rules(r, p):
    return router(p, ruleset(r, p, {"mangle": r.randint(5, 12), "filter": 2})), Traffic(r, p).some(9)


@both
def raw_rules(r, p):
    return router(p, ruleset(r, p, {"raw": r.randint(3, 6), "filter": 4, "nat": 2})), Traffic(r, p).some(9)


@both
def every_table(r, p):
    wanted = {"raw": 2, "mangle": 5, "nat": 4, "filter": 7, "security": 2}
    return router(p, ruleset(r, p, wanted)), Traffic(r, p).some(10)


@both
def end_hosts(r, p):
    """Rules on the two ends as well: OUTPUT and INPUT of the sockets' own hosts."""
    lab = router(p, ruleset(r, p, {"filter": 3}))
    for name in ("client", "server"):
        lab["hosts"][name][tables(p)] = ruleset(r, p, {"filter": 5, "mangle": 2, "nat": 2}, local=True)
    return lab, Traffic(r, p).some(10)


@both
def local_host(r, p):
    """Loopback, local NAT, own addresses."""
    lab = router(p, ruleset(r, p, {"nat": 4, "filter": 5, "mangle": 3, "raw": 1}, local=True))
    lo = "127.0.0.1" if p.family == 4 else "::1"
    t = Traffic(r, p)
    if p.family == 4 and r.random() < 0.5:
        lab["hosts"]["host"]["sysctls"]["net.ipv4.conf.all.route_localnet"] = 1
    for dst in (lo, p.own_near, lo, p.own_far, p.far):
        (t.udp if r.random() < 0.5 else t.tcp)("host", dst, r.choice((53, 80, 80, 99, 8080)))
    if p.family == 4:
        t.udp("host", "127.9.9.9", 53)
        t.packet("client", "link:eth0", {"src": p.near, "dst": "127.0.0.1", "proto": "udp", "sport": 4, "dport": 53})
    t.ping("host", lo)
    t.ping("host", p.own_far)
    return lab, t.some(3, [("host", p.own_near, None, (lo, p.own_near, p.far))])


@both
def rejects(r, p):
    kinds = {4: ("net-unreachable", "host-unreachable", "port-unreachable", "proto-unreachable", "net-prohibited", "host-prohibited",
                 "admin-prohibited"), 6: ("no-route", "adm-prohibited", "addr-unreachable", "port-unreachable", "policy-fail", "reject-route")}
    prefix = "icmp-" if p.family == 4 else "icmp6-"
    text, t = ["*filter"], Traffic(r, p)
    where = r.choice(("INPUT", "FORWARD", "OUTPUT"))
    for n, kind in enumerate(r.sample(kinds[p.family], 4)):
        text.append(f"-A {where} -p udp --dport {100 + n} -j REJECT --reject-with {prefix}{kind}")
        text.append(f"-A {where} -p tcp --dport {100 + n} -j REJECT --reject-with {prefix}{kind}")
    text += [f"-A {where} -p tcp --dport 110 -j REJECT --reject-with tcp-reset", f"-A {where} -p icmp{'v6' * (p.family == 6)} -j REJECT", "COMMIT"]
    src, dst, addr = {"INPUT": ("client", p.own_near, p.near), "FORWARD": ("client", p.far, p.near), "OUTPUT": ("host", p.far, p.own_far)}[where]
    for n in range(4):
        (t.udp if r.random() < 0.5 else t.tcp)(src, dst, 100 + n)
    t.tcp(src, dst, 110)
    t.ping(src, dst)
    for flags in r.sample(FLAGS, 4):
        t.packet(src, "ip", {"src": addr, "dst": dst, "proto": "tcp", "sport": t.sport(), "dport": 110, "flags": flags, "ack": 5})
    t.packet(src, "ip", {"src": "0.0.0.0" if p.family == 4 else "::", "dst": dst, "proto": "udp", "sport": 9, "dport": 100})
    return router(p, text), t.list


@both
def expiry(r, p):
    """TTL, hop limits; errors through NAT."""
    lab = router(p, ruleset(r, p, {"mangle": 3, "nat": 3, "filter": 2}))
    t = Traffic(r, p)
    for ttl in (1, 2, 3, 1):
        t.udp("client", r.choice((p.far, p.own_near, p.own_far)), ttl=ttl)
    t.tcp("client", p.far, 80, ttl=1)
    t.tcp("client", p.far, 80, ttl=2)
    t.ping("client", p.far, ttl=1)
    t.ping("server", p.near, ttl=r.choice((1, 2)))
    t.udp("client", p.far, 99)
    return lab, t.some(2)


@both
def errors_through_nat(r, p):
    """Crafted ICMP errors about live, translated and unknown flows."""
    text = ["*nat", f"-A POSTROUTING -o lan -j {r.choice(('MASQUERADE', 'SNAT --to-source ' + p.own_far))}",
            f"-A PREROUTING -i wan -d {p.own_near} -p udp --dport 5353 -j DNAT --to-destination {p.port(p.far, 53)}", "COMMIT", "*filter",
            "-A FORWARD -m conntrack --ctstate INVALID", "-A FORWARD -m conntrack --ctstate RELATED", "-A INPUT -m conntrack --ctstate INVALID"]
    if r.random() < 0.5:
        text.append("-A FORWARD -m conntrack --ctstate INVALID -j DROP")
    lab, t = router(p, text + ["COMMIT"]), Traffic(r, p)
    types = ((3, 1), (3, 3), (11, 0), (3, 13), (12, 0), (4, 0)) if p.family == 4 else ((1, 0), (1, 4), (3, 0), (4, 1), (1, 1))
    icmp = "icmp" if p.family == 4 else "icmpv6"
    t.udp("client", p.far, 53, socket="a")
    first = t.port
    t.udp("client", p.own_near, 5353, socket="b")
    second = t.port
    for ty, code in r.sample(types, 4):
        quoted = {"src": p.own_far, "dst": p.far, "proto": "udp", "sport": r.choice((first, first, 7)), "dport": 53}
        t.packet("server", "link:eth0", {"src": p.far, "dst": p.own_far, "proto": icmp, "type": ty, "code": code, "inner": quoted})
    quoted = {"src": p.own_far, "dst": p.far, "proto": "udp", "sport": second, "dport": 53}
    t.packet("server", "link:eth0", {"src": p.far, "dst": p.own_far, "proto": icmp, "type": types[0][0], "code": 1, "inner": quoted})
    t.packet("client", "link:eth0", {"src": p.near, "dst": p.far, "proto": icmp, "type": types[1][0], "code": types[1][1],
             "inner": {"src": p.far, "dst": p.near, "proto": "udp", "sport": 53, "dport": first}})
    t.udp("client", p.far, 53, socket="a")
    return lab, t.list


def published(r, p):
    """Docker's layout: a published port, containers on a bridge."""
    lan, c1, c2, br = "172.17.0.0/16", "172.17.0.2", "172.17.0.3", "172.17.0.1"
    text = ["*nat", ":DOCKER - [0:0]", "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
            r.choice(("-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER", "-A OUTPUT -m addrtype --dst-type LOCAL -j DOCKER")),
            f"-A POSTROUTING -s {lan} ! -o docker0 -j MASQUERADE",
            f"-A POSTROUTING -s {c1} -d {c1} -p tcp --dport 80 -j MASQUERADE"][: r.choice((5, 6))]
    text += ["-A DOCKER -i docker0 -j RETURN"] * (r.random() < 0.5)
    text += [f"-A DOCKER {r.choice(('', '! -i docker0 '))}-p tcp --dport 8080 -j DNAT --to-destination {c1}:80",
             f"-A DOCKER -p udp --dport 5353 -j DNAT --to-destination {c2}:53", "COMMIT",
             "*filter", f":FORWARD {r.choice(('DROP', 'ACCEPT'))} [0:0]",
             "-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
             f"-A FORWARD ! -i docker0 -o docker0 -d {c1} -p tcp --dport 80 -j ACCEPT", "-A FORWARD -i docker0 ! -o docker0 -j ACCEPT",
             f"-A FORWARD -i docker0 -o docker0 -j {r.choice(('ACCEPT', 'DROP'))}", "COMMIT"]
    box = lambda a: {"interfaces": {"eth0": a + "/16"}, "routes": ["default via " + br], "listeners": listeners(4)}
    lab = {"hosts": {
        "c1": box(c1), "c2": box(c2),
        "host": {"interfaces": {"eth0": "10.0.0.5/24", "v1": {"hairpin": r.random() < 0.3}, "v2": {}}, "iptables": text, "listeners": listeners(4),
                 "bridges": {"docker0": {"addr": br + "/16", "ports": ["v1", "v2"]}},
                 "sysctls": {"net.ipv4.ip_forward": 1, "net.bridge.bridge-nf-call-iptables": r.choice((0, 1)),
                             "net.ipv4.conf.all.route_localnet": r.choice((0, 0, 1))}},
        "out": {"interfaces": {"eth0": "10.0.0.9/24"}, "listeners": listeners(4), "routes": [lan + " via 10.0.0.5"] * r.choice((0, 1))}},
        "links": [["c1:eth0", "host:v1"], ["c2:eth0", "host:v2"], ["out:eth0", "host:eth0"]]}
    t = Traffic(r, p)
    moves = [("out", "10.0.0.5", 8080), ("out", "10.0.0.5", 5353), ("c1", "10.0.0.9", 80), ("c2", "10.0.0.5", 8080), ("c1", "10.0.0.5", 8080),
             ("host", "10.0.0.5", 8080), ("host", "127.0.0.1", 8080), ("host", c1, 80), ("c1", c2, 53), ("c1", br, 53), ("out", c1, 80),
             ("c2", br, 5353), ("c2", br, 8080), ("c1", c2, 99), ("c2", "10.0.0.77", 80)]
    for src, dst, port in r.sample(moves, 9):
        (t.udp if port in (53, 5353, 99) else t.tcp)(src, dst, port)
    t.ping("c1", r.choice((c2, br, "10.0.0.9")))
    return lab, t.list


def bridge(r, p):
    """A bridge that is a firewall, or a plain switch, between hosts."""
    call = r.choice((0, 1, 1))
    addr = r.random() < 0.7
    pool = ["-A FORWARD -m physdev --physdev-in p1 -p udp --dport 99 -j DROP", "-A FORWARD -m physdev --physdev-is-bridged -p tcp --dport 22 -j REJECT",
            "-A FORWARD -m physdev --physdev-in p1 --physdev-out p2 -j ACCEPT", "-A FORWARD -m physdev ! --physdev-is-bridged -j ACCEPT",
            "-A FORWARD -m physdev --physdev-is-out -j ACCEPT", "-A FORWARD -p icmp -j REJECT", "-A INPUT -m physdev --physdev-in p1 -j ACCEPT",
            "-A INPUT -i br0 -p udp -j ACCEPT", "-A OUTPUT -o br0 -p icmp -j ACCEPT", "-A FORWARD -i p1 -j DROP", "-A FORWARD -p tcp --syn -j REJECT --reject-with tcp-reset"]
    nat = ["-A PREROUTING -i br0 -p udp --dport 5353 -j DNAT --to-destination 10.0.1.3:53", "-A PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 80",
           "-A POSTROUTING -o br0 -p udp -j MASQUERADE", "-A POSTROUTING -m physdev --physdev-out p2 -p udp --dport 5353",
           "-A POSTROUTING -s 10.0.1.2 -d 10.0.1.3 -p tcp -j SNAT --to-source 10.0.1.9"]
    text = ["*filter"] + r.sample(pool, 4) + ["COMMIT", "*nat"] + r.sample(nat, 2) + ["COMMIT", "*mangle"]
    text += r.sample(["-A FORWARD -j TTL --ttl-dec 1", "-A PREROUTING -i br0 -j MARK --set-mark 7", "-A POSTROUTING -m mark --mark 7", "-A PREROUTING -m pkttype --pkt-type host"], 2)
    host = {"interfaces": {"p1": {"hairpin": r.random() < 0.3}, "p2": {}, "p3": {}}, "bridges": {"br0": {"ports": ["p1", "p2", "p3"]}},
            "iptables": text + ["COMMIT"], "listeners": listeners(4),
            "sysctls": {"net.bridge.bridge-nf-call-iptables": call, "net.ipv4.ip_forward": r.choice((0, 1))}}
    if addr:
        host["bridges"]["br0"]["addr"] = "10.0.1.1/24"
    hosts = {"host": host}
    for n, name in enumerate("abc"):
        hosts[name] = {"interfaces": {"eth0": f"10.0.1.{n + 2}/24"}, "listeners": listeners(4)}
        if addr:
            hosts[name]["routes"] = ["default via 10.0.1.1"]
    lab = {"hosts": hosts, "links": [[f"{n}:eth0", f"host:p{i + 1}"] for i, n in enumerate("abc")]}
    t = Traffic(r, p)
    targets = ["10.0.1.3", "10.0.1.3", "10.0.1.4"] + ["10.0.1.1"] * addr
    for _ in range(8):
        src, dst = r.choice("aab"), r.choice(targets)
        if (src, dst) == ("b", "10.0.1.3"):
            dst = "10.0.1.4"
        r.choice((t.udp, t.udp, t.tcp, t.ping))(src, dst)
    t.udp("a", "10.0.1.3", 5353)
    t.tcp("a", "10.0.1.3", 8080)
    t.udp("a", "10.0.1.255", 53, broadcast=True)
    if addr:
        t.udp("host", "10.0.1.3", 53)
    return lab, t.list


@both
def two_routers(r, p):
    """client - r1 - r2 - server, each router with rules; often translated twice."""
    mid = ("10.5.0.1", "10.5.0.2") if p.family == 4 else ("fd05::1", "fd05::2")
    lab = router(p)
    hosts = lab["hosts"]
    one, hosts["server"] = hosts.pop("host"), hosts.pop("server")
    two = dict(one, interfaces={"wan": p.bits(mid[1]), "lan": p.bits(p.own_far)}, sysctls=dict(FORWARD[p.family]))
    one = dict(one, interfaces={"wan": p.bits(p.own_near), "lan": p.bits(mid[0])})
    one["routes"], two["routes"] = [f"{p.net_far} via {mid[1]}"], [f"{p.net_near} via {mid[0]}"]
    out, back = p.port(p.far, 53), p.port(p.near, 53)
    nat = [[f"-A POSTROUTING -o lan -j MASQUERADE", f"-A PREROUTING -i wan -p udp --dport 5353 -j DNAT --to-destination {out}",
            f"-A POSTROUTING -o lan -p tcp -j SNAT --to-source {mid[0]}"],
           [f"-A POSTROUTING -o lan -j MASQUERADE", f"-A PREROUTING -i wan -p udp --dport 53 -j DNAT --to-destination {p.port(p.far, 5000)}",
            f"-A PREROUTING -i lan -p udp --dport 5353 -j DNAT --to-destination {back}"]]
    for host, own in ((one, nat[0]), (two, nat[1])):
        host[tables(p)] = ["*nat"] + r.sample(own, 2) + ["COMMIT", "*filter"] + rules(r, p, "filter", 4) + ["COMMIT"]
        if r.random() < 0.2:
            host["sysctls"] = {k: 0 for k in FORWARD[p.family]}
    hosts["one"], hosts["two"] = one, two
    lab["links"] = [["client:eth0", "one:wan"], ["one:lan", "two:wan"], ["two:lan", "server:eth0"]]
    t = Traffic(r, p)
    t.udp("client", p.own_near, 5353)
    t.udp("client", p.far, 53, ttl=r.choice((2, 3)))
    ends = [("client", p.near, "eth0", (p.far, p.far, mid[1], p.own_far)), ("server", p.far, "eth0", (p.near, mid[0])), ("one", mid[0], None, (p.far,))]
    return lab, t.some(8, ends)


@both
def policy_routing(r, p):
    """Rules, tables, marks, and routes that are none."""
    kinds = ("blackhole", "unreachable", "prohibit", "throw")
    nets = ["10.50.%d.0/24" % n for n in range(4)] if p.family == 4 else ["fd50:%d::/32" % n for n in range(4)]
    hosts = [n.replace("0/24", "9") if p.family == 4 else n.replace("/32", "9") for n in nets]
    marks = {"*mangle": [f"-A {c} -p udp --dport {port} -j MARK --set-mark {m}" for c in ("PREROUTING", "OUTPUT") for port, m in ((53, 1), (5000, 2))]}
    lab = router(p, ["*mangle"] + r.sample(marks["*mangle"], 3) + ["COMMIT"] + ruleset(r, p, {"filter": 3, "nat": 2}))
    host = lab["hosts"]["host"]
    table = r.choice(("100", "200"))
    host["routes"] = [f"{k} {n}" for k, n in zip(r.sample(kinds, 4), nets)]
    host["routes"] += [f"{r.choice(kinds)} {p.net_far} table 100", f"default via {p.far} table 200"]
    pool = [f"fwmark 1 lookup {table}", "fwmark 2/0x3 lookup 100", f"from {p.near} lookup 200", "iif wan lookup 100", "oif lan lookup 200",
            f"to {nets[0]} lookup 200", "ipproto udp dport 99 prohibit", "tos 0x10 lookup 200", f"from {p.far} unreachable",
            "not from all fwmark 1 lookup 200", f"from all to {p.far} ipproto tcp lookup 200", "fwmark 2 blackhole", "uidrange 5-9 lookup 100"]
    host["ip_rules"] = [f"{rule} pref {100 + i}" for i, rule in enumerate(r.sample(pool, 3))]
    t = Traffic(r, p)
    for dst in hosts:
        (t.udp if r.random() < 0.7 else t.tcp)(r.choice(("client", "host")), dst, **({"wait": 3.6} if False else {}))
    t.udp("host", p.far, 53, mark=r.choice((0, 1, 2)))
    t.udp("host", p.far, 53, uid=r.choice((0, 7)))
    return lab, t.some(6)


def reverse_path(r, p):
    """rp_filter, asymmetric paths, martians, foreign sources."""
    lab = router(p, ruleset(r, p, {"filter": 3, "raw": 1}))
    host = lab["hosts"]["host"]
    all_, wan, lan = (r.choice((0, 0, 1, 2)) for _ in range(3))
    host["sysctls"].update({"net.ipv4.conf.all.rp_filter": all_, "net.ipv4.conf.wan.rp_filter": wan, "net.ipv4.conf.lan.rp_filter": lan,
                            "net.ipv4.conf.all.log_martians": r.choice((0, 1)), "net.ipv4.conf.all.accept_local": r.choice((0, 0, 1))})
    host["routes"] = r.sample(["10.7.0.0/24 via 192.168.9.2", "10.8.0.0/24 via 10.0.1.2", "blackhole 10.6.0.0/24", "unreachable 10.4.0.0/24"], 3)
    if r.random() < 0.4:
        host["routes"].append("default via 192.168.9.2")
    if r.random() < 0.4:
        host["ip_rules"] = [r.choice(("from 10.7.0.5 lookup 77", "iif wan lookup 77", "fwmark 1 lookup 77"))]
        host["routes"].append("10.7.0.0/24 via 10.0.1.2 table 77")
    t = Traffic(r, p)
    for source in r.sample(["10.7.0.5", "10.8.0.5", "10.6.0.5", "10.4.0.5", "172.31.0.1", "192.168.9.77", "10.0.1.77", "10.0.1.1", "192.168.9.1",
                            "127.0.0.1", "0.0.0.0", "224.0.0.5", "255.255.255.255", "10.0.1.255", "240.0.0.1", "0.1.2.3"], 9):
        dst = r.choice(("192.168.9.2", "10.0.1.1", "192.168.9.1"))
        t.packet("client", "link:eth0", {"src": source, "dst": dst, "proto": "udp", "sport": t.sport(), "dport": 53})
    t.udp("client", p.far, 53)
    t.tcp("client", p.far, 80)
    return lab, t.list


def settings(r, p):
    """Switches of the stack, a few at once."""
    pool = {"net.ipv4.ip_forward": (0, 1, 1), "net.ipv4.conf.all.route_localnet": (1,), "net.ipv4.conf.wan.route_localnet": (1,),
            "net.netfilter.nf_conntrack_tcp_loose": (0,), "net.netfilter.nf_conntrack_tcp_be_liberal": (1,), "net.ipv4.ip_unprivileged_port_start": (0, 80),
            "net.ipv4.icmp_echo_ignore_all": (1,), "net.ipv4.icmp_echo_ignore_broadcasts": (0,), "net.ipv4.ip_default_ttl": (10, 255),
            "net.ipv4.conf.wan.forwarding": (0,), "net.ipv4.conf.lan.forwarding": (0,), "net.ipv4.conf.all.send_redirects": (0,),
            "net.ipv4.ip_nonlocal_bind": (1,), "net.ipv4.conf.all.arp_ignore": (1, 2), "net.ipv4.conf.all.arp_filter": (1,),
            "net.ipv4.icmp_errors_use_inbound_ifaddr": (1,), "net.netfilter.nf_conntrack_checksum": (0,), "net.ipv4.conf.all.accept_source_route": (1,),
            "net.netfilter.nf_conntrack_icmp_timeout": (5,), "net.ipv4.ip_forward_use_pmtu": (1,), "net.ipv4.conf.all.drop_gratuitous_arp": (1,)}
    lab = router(p, ruleset(r, p, {"filter": 4, "nat": 2}))
    for key in r.sample(sorted(pool), 5):
        lab["hosts"]["host"]["sysctls"][key] = r.choice(pool[key])
    t = Traffic(r, p)
    t.packet("client", "link:eth0", {"src": p.near, "dst": "127.0.0.1", "proto": "udp", "sport": 4, "dport": 53})
    t.packet("client", "link:eth0", {"src": p.near, "dst": p.far, "proto": "tcp", "flags": r.choice(("ACK", "PSH,ACK")), "sport": 5, "dport": 80})
    t.packet("client", "link:eth0", {"src": p.near, "dst": p.far, "proto": "udp", "sport": 6, "dport": 53, "bad_csum": True})
    t.ping("client", p.own_near)
    t.ping("client", "10.0.1.255")
    t.udp("host", p.far, 53, src=r.choice(("10.0.1.1", "192.168.9.1", "9.9.9.9")))
    t.udp("host", p.far, 53, uid=7)
    t.udp("client", p.own_far, 99)
    return lab, t.some(4)


@both
def neighbours(r, p):
    """Hosts that do not answer ARP or ND, dropped neighbour solicitations, errors about it."""
    text = ruleset(r, p, {"filter": 2, "nat": 1})
    if p.family == 6:
        text = ["*filter"] + r.sample(["-A INPUT -p ipv6-icmp --icmpv6-type neighbour-solicitation -j DROP",
                "-A OUTPUT -p ipv6-icmp --icmpv6-type 135 -o lan -j DROP", "-A INPUT -p icmpv6 --icmpv6-type 136 -j DROP", "-A FORWARD -p udp"], 2) + ["COMMIT"]
    lab = router(p, text)
    gone = p.far[:-1] + "77"
    t = Traffic(r, p)
    wait = {"wait": 3.6}
    t.udp("client", gone, 53, **wait)
    t.ping(r.choice(("client", "host")), gone, **wait)
    t.udp("host", gone, 53, **wait)
    t.tcp("client", gone, 80, timeout=4.0)
    t.udp("client", p.far, 53, **wait)
    t.udp("client", p.own_near, 53)
    return lab, t.list


@both
def sizes(r, p):
    """MTU, fragments, path MTU."""
    low = r.choice((600, 900)) if p.family == 4 else 1300
    lab = router(p, ruleset(r, p, {"filter": 3, "nat": 2, "mangle": 2}))
    for name, dev in (("host", "lan"), ("server", "eth0")):
        addr = lab["hosts"][name]["interfaces"][dev]
        lab["hosts"][name]["interfaces"][dev] = {"addr": addr, "mtu": low}
    t = Traffic(r, p)
    if p.family == 4:
        for size, df in ((1000, True), (1000, True), (1000, False), (2000, False), (500, False)):
            t.udp("client", p.far, 53, size=size, df=df)
        data = "abcdefgh" * 20
        base = {"src": p.near, "dst": p.far, "proto": "udp", "sport": 6000, "dport": 53, "data": data, "ipid": r.randint(1, 9000)}
        cut = r.choice((80, 88))
        parts = [dict(base, frag={"offset": 0, "length": cut, "more": True}), dict(base, frag={"offset": cut, "more": False})]
        r.shuffle(parts)
        t.add(do="packets", **{"from": "client"}, via="link:eth0", packets=parts)
        t.packet("client", "link:eth0", dict(base, ipid=77, frag={"offset": cut, "more": False}))
        t.packet("client", "link:eth0", dict(base, df=True, data="y" * 1200))
    else:
        for size in (1400, 1400, 1200, 2500):
            t.udp("client", p.far, 53, size=size)
    t.ping("client", p.far, size=1400)
    t.ping("host", p.far, size=low + 200)
    t.tcp("client", p.far, 80, data="z" * 1000)
    t.udp("server", p.near, 53, size=1000)
    return lab, t.list


def tcp_states(r, p):
    """Crafted segments: handshakes, windows, resets, both directions; sockets kept out by raw rules on the ends."""
    lab = router(p, ["*filter"] + [f"-A FORWARD -m conntrack --ctstate {s}" for s in ("INVALID", "NEW", "ESTABLISHED", "RELATED")] + ["COMMIT"])
    lab["show_seq"] = True
    for end in ("client", "server"):
        lab["hosts"][end]["iptables"] = ["*raw", "-A PREROUTING -p tcp -j DROP", "COMMIT"]
    sysctls = lab["hosts"]["host"]["sysctls"]
    if r.random() < 0.3:
        sysctls[r.choice(("net.netfilter.nf_conntrack_tcp_loose", "net.netfilter.nf_conntrack_tcp_be_liberal", "net.netfilter.nf_conntrack_tcp_ignore_invalid_rst"))] = r.choice((0, 1))
    t = Traffic(r, p)
    seq = {"client": 1000, "server": 5000}
    win = r.choice((500, 1000, 65535))
    options = r.choice(("", "020405b4", "020405b401030307"))

    def segment(end, flags, data="", shift=0, ack_shift=0, **more):
        other = "server" if end == "client" else "client"
        ends = ((p.near, 50100), (p.far, 80)) if end == "client" else ((p.far, 80), (p.near, 50100))
        packet = {"src": ends[0][0], "dst": ends[1][0], "proto": "tcp", "sport": ends[0][1], "dport": ends[1][1], "flags": flags,
                  "seq": seq[end] + shift, "ack": seq[other] + ack_shift if "ACK" in flags else 0, "win": win, **more}
        if data:
            packet["data"] = data
        t.packet(end, "link:eth0", packet)
        if not shift:
            seq[end] += len(data) + ("SYN" in flags) + ("FIN" in flags)

    if r.random() < 0.8:
        segment("client", "SYN", tcp_options=options)
        if r.random() < 0.25:
            segment(r.choice(("client", "server")), "SYN")
        segment("server", "SYN,ACK", tcp_options=options)
        segment("client", "ACK")
    for _ in range(r.randint(6, 9)):
        end = r.choice(("client", "server"))
        move = r.choice(("data", "data", "ack", "fin", "rst", "far", "old", "badack", "syn", "oldack", "wildrst", "synack"))
        {"data": lambda: segment(end, "PSH,ACK", "0123456789"), "ack": lambda: segment(end, "ACK"), "fin": lambda: segment(end, "FIN,ACK"),
         "rst": lambda: segment(end, "RST"), "far": lambda: segment(end, "PSH,ACK", "x", shift=900000),
         "old": lambda: segment(end, "PSH,ACK", "x" * 10, shift=-10), "badack": lambda: segment(end, "ACK", ack_shift=90000),
         "syn": lambda: segment(end, "SYN", shift=r.choice((0, 70000))), "oldack": lambda: segment(end, "ACK", ack_shift=-200000),
         "wildrst": lambda: segment(end, r.choice(("RST", "RST,ACK")), shift=r.choice((100, 900000))),
         "synack": lambda: segment(end, "SYN,ACK", shift=r.choice((0, 70000)))}[move]()
    return lab, t.list


def zones(r, p):
    """Conntrack zones, no tracking, events, helpers."""
    pool = ["-A PREROUTING -i wan -j CT --zone 1", "-A PREROUTING -i lan -j CT --zone 2", "-A PREROUTING -i wan -j CT --zone-orig 3", "-A OUTPUT -j CT --zone 4",
            "-A PREROUTING -i wan -p udp -j CT --notrack", "-A PREROUTING -i lan -p icmp -j NOTRACK", "-A PREROUTING -p tcp --dport 80 -j CT --zone-reply 5",
            "-A PREROUTING -p udp --dport 53 -j CT --ctevents new,destroy", "-A PREROUTING -i lan -j CT --zone 1"]
    text = ["*raw"] + r.sample(pool, 3) + ["COMMIT"] + ruleset(r, p, {"nat": 3, "filter": 4})
    return router(p, text), Traffic(r, p).some(9)


def helper(r, p):
    """FTP through a router that follows it: the data connection is RELATED, through NAT as well."""
    nat = r.choice(("", "-A POSTROUTING -o lan -j MASQUERADE", "-A PREROUTING -i wan -d 10.0.1.1 -p tcp --dport 21 -j DNAT --to-destination 192.168.9.2"))
    dst = "10.0.1.1" if "DNAT" in nat else p.far
    text = ["*raw"] + ["-A PREROUTING -p tcp --dport 21 -j CT --helper ftp"] * (r.random() < 0.85) + ["COMMIT", "*filter", ":FORWARD DROP [0:0]",
            "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT", "-A FORWARD -m conntrack --ctstate RELATED -m helper --helper ftp -j ACCEPT",
            "-A FORWARD -m conntrack --ctstate RELATED -j ACCEPT", "-A FORWARD -p tcp --dport 21 -j ACCEPT", "COMMIT", "*nat"] + [nat] * bool(nat) + ["COMMIT"]
    lab = router(p, text)
    for name in ("client", "server"):
        lab["hosts"][name]["listeners"] = listeners(4, {"proto": "tcp", "port": 21, "name": "ftp"}, {"proto": "tcp", "port": 4000}, {"proto": "tcp", "port": 2000})
    t = Traffic(r, p)
    t.add(do="tcp", **{"from": "client"}, sport=40001, dst=dst, dport=21, socket="control")
    if r.random() < 0.5:
        passive = r.choice(("227 Entering Passive Mode (192,168,9,2,15,160).\r\n", "229 Entering Extended Passive Mode (|||4000|)\r\n",
                            "227 Entering Passive Mode (192,168,9,9,15,160).\r\n", "227 no numbers\r\n"))
        t.add(do="push", **{"from": "server"}, listener="ftp", data=passive)
        t.tcp("client", dst, 4000)
        t.tcp("client", dst, 4000)
    else:
        active = r.choice(("PORT 10,0,1,2,7,208\r\n", "EPRT |1|10.0.1.2|2000|\r\n", "PORT 10,0,1,99,7,208\r\n", "NOOP\r\n"))
        t.add(do="tcp", **{"from": "client"}, dst=dst, dport=21, socket="control", data=active)
        t.tcp("server", "192.168.9.1" if "MASQ" in nat else p.near, 2000)
        t.tcp("server", "192.168.9.1" if "MASQ" in nat else p.near, 2001)
    t.tcp("client", dst, 4001)
    t.add(do="tcp", **{"from": "client"}, dst=dst, dport=21, socket="control", data="QUIT\r\n", close="fin")
    return lab, t.list


@both
def counts(r, p):
    """Matches that remember: limits with hours between tokens, recent, connlimit, nth, quota, connbytes."""
    mask = 24 if p.family == 4 else 64
    pool = ["-m limit --limit 1/hour --limit-burst 3", "-m limit --limit 2/day --limit-burst 2", "-m recent --name a --set",
            "-m recent --name a --rcheck", "-m recent --name a --update --hitcount 3", "-m recent --name a --remove", "-m recent --name b --set --rdest",
            "-m recent --name b --rcheck --rdest --seconds 600", f"-m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 2 --hashlimit-mode srcip --hashlimit-name h1",
            "-m hashlimit --hashlimit-above 1/hour --hashlimit-burst 3 --hashlimit-mode srcip,dstport --hashlimit-name h2",
            f"-m hashlimit --hashlimit-upto 1/day --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-srcmask {mask} --hashlimit-name h3",
            "-m statistic --mode nth --every 2 --packet 0", "-m statistic --mode nth --every 3 --packet 1", "-m quota --quota 150",
            "-p tcp -m connlimit --connlimit-above 1", "-m connlimit --connlimit-upto 2 --connlimit-daddr", f"-m connlimit --connlimit-above 2 --connlimit-mask {mask}",
            "-m connbytes --connbytes 2: --connbytes-dir original --connbytes-mode packets", "-m connbytes --connbytes 100:200 --connbytes-dir both --connbytes-mode bytes",
            "-p udp -m limit --limit 1/hour --limit-burst 1", "! -p tcp -m statistic --mode nth --every 4 --packet 2"]
    text = ["*filter"]
    for rule in r.sample(pool, 7):
        text.append(f"-A {r.choice(('INPUT', 'FORWARD', 'FORWARD'))} {rule}" + r.choice(("", "", " -j ACCEPT", " -m conntrack --ctstate NEW -j DROP")))
    t = Traffic(r, p)
    for n in range(9):
        dst = r.choice((p.far, p.far, p.own_near))
        r.choice((t.udp, lambda s, d: t.ping(s, d, count=2), lambda s, d: t.tcp(s, d, 80, socket=f"s{n}"), t.tcp))("client", dst)
    t.packet("client", "link:eth0", {"src": p.near[:-1] + "9", "dst": p.far, "proto": "udp", "sport": 9, "dport": 53})
    return router(p, text + ["COMMIT"]), t.list


@both
def sets(r, p):
    """ipset: kinds, dimensions, the SET target, nomatch, counters."""
    f = "" if p.family == 4 else " family inet6"
    near, far, net = p.near, p.far, p.net_near
    pool = {"hi": [f"create hi hash:ip{f}", f"add hi {near}"], "hn": [f"create hn hash:net{f}", f"add hn {net}", f"add hn {near} nomatch"],
            "hp": [f"create hp hash:ip,port{f}", f"add hp {far},udp:53", f"add hp {far},tcp:80", f"add hp {near},tcp:0"],
            "np": [f"create np hash:net,port{f}", f"add np {p.net_far},udp:50-60", f"add np {net},tcp:80"],
            "ipp": [f"create ipp hash:ip,port,ip{f}", f"add ipp {near},udp:53,{far}"],
            "ni": [f"create ni hash:net,iface{f}", f"add ni {net},wan"],
            "to": [f"create to hash:ip{f} timeout 600", f"add to {near}"], "co": [f"create co hash:ip{f} counters", f"add co {near}"],
            "bp": ["create bp bitmap:port range 0-1000", "add bp 53"], "ls": ["create ls list:set", "add ls hi"],
            "sk": [f"create sk hash:ip{f} skbinfo", f"add sk {near} skbmark 0x7/0xff"]}
    dims = {"hi": ("src", "dst"), "hn": ("src", "dst"), "hp": ("dst,dst", "src,src", "src,dst"), "np": ("dst,dst", "src,dst"), "ipp": ("src,dst,dst",),
            "ni": ("src,src", "dst,dst"), "to": ("src", "dst"), "co": ("src", "src"), "bp": ("dst", "src"),
            "ls": ("src", "dst"), "sk": ("src",)}
    names = sorted(set(r.sample(sorted(pool), 6)) | {"hi"}, key=lambda n: (n == "ls", n))
    text = ["*filter"]
    for name in names + r.sample(names, 2):
        chain = r.choice(("INPUT", "FORWARD", "FORWARD")) if name != "ni" else "FORWARD"
        rule = f"-A {chain} -m set {r.choice(('', '', '! '))}--match-set {name} {r.choice(dims[name])}"
        text.append(rule + r.choice(("", "", " -j ACCEPT", " -j DROP", " -p udp -j REJECT")))
    if "co" in names:
        text.insert(1, "-A FORWARD -m set --match-set co src --packets-gt 2 -j ACCEPT")
    text.insert(1, f"-A FORWARD -p udp -j SET --{r.choice(('add', 'del'))}-set hi {r.choice(('src', 'dst'))}{r.choice(('', '', ' --exist'))}".replace("del-set hi src --exist", "del-set hi src").replace("del-set hi dst --exist", "del-set hi dst"))
    if "to" in names:
        text.insert(1, "-A FORWARD -p icmp{0} -j SET --add-set to dst --exist --timeout 300".format("v6" * (p.family == 6)))
    mangle = ["*mangle", "-A PREROUTING -p tcp -j MARK --set-mark 5"] + ["-A PREROUTING -j SET --map-set sk src --map-mark"] * ("sk" in names) + ["-A FORWARD -m mark --mark 7/0xff", "COMMIT"]
    return router(p, text + ["COMMIT"] + mangle, ipset=[line for n in names for line in pool[n]]), Traffic(r, p).some(10)


def many_receivers(r, p):
    """Broadcast and multicast, local copies, pkttype, addrtype."""
    text = ["*filter"] + [f"-A {c} {m}" for c in ("INPUT", "OUTPUT") for m in r.sample(
        ("-m addrtype --dst-type BROADCAST", "-m addrtype --dst-type MULTICAST", "-m pkttype --pkt-type broadcast", "-m pkttype --pkt-type multicast",
         "-m pkttype --pkt-type unicast", "-d 224.0.0.0/4", "-d 255.255.255.255 -j ACCEPT", "-p udp --dport 5000 -j REJECT", "-m addrtype --src-type LOCAL"), 4)]
    text += ["COMMIT", "*nat", "-A PREROUTING -d 10.0.1.255 -p udp -j REDIRECT --to-ports 53", "COMMIT"]
    lab = router(p, text)
    lab["hosts"]["client"]["iptables"] = text[: text.index("COMMIT") + 1]
    if r.random() < 0.5:
        lab["hosts"]["host"]["setup"] = ["ip addr add 224.1.2.3/32 dev wan autojoin; sleep 4"]
    t = Traffic(r, p)
    for dst in r.sample(["255.255.255.255", "10.0.1.255", "224.0.0.1", "224.1.2.3", "224.0.0.251", "239.1.1.1", "192.168.9.255", "10.0.1.0"], 6):
        t.udp(r.choice(("client", "client", "host")), dst, r.choice((53, 5000, 99)), **({"dev": r.choice(("eth0",))} if False else {}), broadcast=True)
    t.ping("client", "10.0.1.255")
    t.ping("client", "224.0.0.1")
    t.packet("client", "link:eth0", {"src": p.near, "dst": p.own_near, "proto": "udp", "sport": 9, "dport": 53}, eth_dst="ff:ff:ff:ff:ff:ff")
    t.packet("client", "link:eth0", {"src": p.near, "dst": p.far, "proto": "udp", "sport": 9, "dport": 53}, eth_dst="02:00:00:00:99:99")
    t.packet("client", "link:eth0", {"src": p.near, "dst": "224.0.0.1", "proto": "udp", "sport": 9, "dport": 53}, eth_dst="01:00:5e:00:00:01")
    for probe in t.list:
        probe.pop("connected", None)
    return lab, t.list


def net_maps(r, p):
    """NETMAP, ranges, shifted ports, persistent sources."""
    pool = ["-A PREROUTING -i wan -d 10.77.0.0/24 -j NETMAP --to 192.168.9.0/24", "-A POSTROUTING -s 10.0.1.0/24 -o lan -p udp -j NETMAP --to 10.66.0.0/24",
            "-A PREROUTING -p tcp --dport 1000:1010 -j DNAT --to-destination 192.168.9.2:80-90/1000", "-A PREROUTING -p udp --dport 2000:2005 -j DNAT --to-destination :53",
            "-A POSTROUTING -o lan -p tcp -j SNAT --to-source 192.168.9.51-192.168.9.51 --persistent", "-A POSTROUTING -o lan -p udp -j SNAT --to-source 192.168.9.60:7001-7001",
            "-A PREROUTING -d 10.0.1.1 -p tcp --dport 3000 -j DNAT --to-destination 192.168.9.3-192.168.9.3:80", "-A POSTROUTING -p icmp -j SNAT --to-source 192.168.9.70",
            "-A OUTPUT -d 10.88.0.0/24 -j NETMAP --to 192.168.9.0/24", "-A POSTROUTING -o lan -p tcp -j MASQUERADE --to-ports 6001-6001"]
    lab = router(p, ["*nat"] + r.sample(pool, 6) + ["COMMIT"])
    lab["hosts"]["server"]["routes"] += ["10.66.0.0/24 via 192.168.9.1"]
    lab["hosts"]["server"]["interfaces"]["eth0"] = ["192.168.9.2/24", "192.168.9.3/24"]
    lab["hosts"]["host"]["interfaces"]["lan"] = ["192.168.9.1/24"] + [f"192.168.9.{n}/24" for n in (50, 51, 52, 60, 70)]
    t = Traffic(r, p)
    moves = [("client", "10.77.0.2", 80), ("client", "10.77.0.2", 53), ("client", p.own_near, 1000), ("client", p.own_near, 1001), ("client", p.own_near, 2003),
             ("client", p.own_near, 3000), ("client", p.far, 80), ("client", p.far, 53), ("host", "10.88.0.2", 80), ("client", p.far, 99), ("server", p.near, 53)]
    for src, dst, port in r.sample(moves, 9):
        (t.udp if port in (53, 99, 2003) else t.tcp)(src, dst, port)
    t.ping("client", p.far)
    return lab, t.list


@both
def transparent(r, p):
    """TPROXY and the socket match."""
    lo, any_ = ("127.0.0.1", "0.0.0.0/0") if p.family == 4 else ("::1", "::/0")
    text = ["*mangle", ":DIVERT - [0:0]", "-A DIVERT -j MARK --set-mark 1", "-A DIVERT -j ACCEPT"]
    text += ["-A PREROUTING -p tcp -m socket --transparent -j DIVERT"] * (r.random() < 0.6)
    text += ["-A PREROUTING -p udp -m socket"] * (r.random() < 0.5)
    text += [f"-A PREROUTING -i wan -p tcp --dport 80 -j TPROXY --on-port {r.choice((3129, 3130))} --on-ip {lo} --tproxy-mark 0x1/0x1",
             f"-A PREROUTING -i wan -p udp --dport 53 -j TPROXY --on-port 5300 --tproxy-mark 1", "COMMIT"]
    lab = router(p, text + ruleset(r, p, {"filter": 3}))
    host = lab["hosts"]["host"]
    host["ip_rules"] = ["fwmark 1 lookup 100"] * (r.random() < 0.85)
    host["routes"] = [f"local {any_} dev lo table 100"]
    host["listeners"] = listeners(p.family, {"proto": "tcp", "port": 3129, "reply": "echo", "transparent": r.random() < 0.85},
                                  {"proto": "udp", "port": 5300, "transparent": True})
    t = Traffic(r, p)
    for dst in (p.far, p.far, p.own_near):
        t.tcp("client", dst, 80)
    t.udp("client", p.far, 53)
    t.udp("client", p.own_near, 53)
    return lab, t.some(4)


def odd_targets(r, p):
    """Copies, queues, logs and other targets that do something besides."""
    pool = ["-t mangle -A PREROUTING -i wan -p udp --dport 53 -j TEE --gateway 192.168.9.2", "-t filter -A FORWARD -p udp --dport 99 -j NFQUEUE --queue-num 3",
            "-t filter -A FORWARD -p udp --dport 5000 -j NFQUEUE --queue-num 3 --queue-bypass", "-t filter -A FORWARD -j LOG --log-prefix x",
            "-t filter -A FORWARD -j NFLOG --nflog-group 5", "-t mangle -A POSTROUTING -j CLASSIFY --set-class 1:2", "-t mangle -A POSTROUTING -p udp -j CHECKSUM --checksum-fill",
            "-t mangle -A FORWARD -p tcp -j TCPOPTSTRIP --strip-options sack-permitted,timestamp", "-t mangle -A FORWARD -p tcp --syn -j TCPMSS --set-mss 700",
            "-t mangle -A PREROUTING -j HMARK --hmark-tuple src,dst --hmark-mod 1 --hmark-offset 9 --hmark-rnd 1", "-t filter -A FORWARD -m mark --mark 9",
            "-t filter -A FORWARD -j AUDIT --type accept", "-t mangle -A PREROUTING -j DSCP --set-dscp-class EF", "-t mangle -A FORWARD -j ECN --ecn-tcp-remove -p tcp",
            "-t mangle -A OUTPUT -j TOS --set-tos 0x10/0x3f", "-t filter -A INPUT -j NFQUEUE --queue-balance 0:3 -p icmp", "-t filter -A FORWARD -p tcp -m tcpmss --mss 600:800",
            "-t mangle -A POSTROUTING -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu", "-t filter -A FORWARD -p tcp --tcp-option 8 -j REJECT"]
    by_table = {}
    for rule in r.sample(pool, 9):
        _, table, rest = rule.split(" ", 2)
        by_table.setdefault(table, []).append(rest)
    text = [line for table, own in by_table.items() for line in ["*" + table, *own, "COMMIT"]]
    lab = router(p, text)
    if r.random() < 0.4:
        lab["hosts"]["host"]["interfaces"]["lan"] = {"addr": "192.168.9.1/24", "mtu": 1000}
        lab["hosts"]["server"]["interfaces"]["eth0"] = {"addr": "192.168.9.2/24", "mtu": 1000}
    t = Traffic(r, p)
    for port in (53, 99, 5000):
        t.udp("client", p.far, port)
    return lab, t.some(6)


@both
def marks(r, p):
    """MARK and CONNMARK arithmetic, kept across directions, used for routes."""
    pool = ["-j MARK --set-mark 0x12", "-j MARK --set-xmark 0x3/0xf", "-j MARK --or-mark 0x40", "-j MARK --and-mark 0xf0", "-j MARK --xor-mark 0xff",
            "-j CONNMARK --set-mark 0x5", "-j CONNMARK --save-mark", "-j CONNMARK --restore-mark", "-j CONNMARK --save-mark --nfmask 0xf --ctmask 0xf0",
            "-j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xf", "-j CONNMARK --or-mark 0x100", "-m mark --mark 0x12/0xff", "-m mark ! --mark 0", "-m connmark --mark 5",
            "-m connmark ! --mark 0/0xf -j MARK --set-mark 9", "-m mark --mark 9 -j ACCEPT", "-j CONNMARK --set-xmark 0x1/0x3", "-j CONNMARK --and-mark 0xfff0"]
    text = ["*mangle"] + [f"-A {r.choice(('PREROUTING', 'PREROUTING', 'FORWARD', 'POSTROUTING', 'INPUT', 'OUTPUT'))} {rule}" for rule in r.choices(pool, k=11)]
    text += ["COMMIT", "*filter"] + [f"-A FORWARD -m mark --mark {m}" for m in ("0", "0x10/0x10", "0x1/0x1")] + ["-A FORWARD -m connmark ! --mark 0", "COMMIT"]
    lab = router(p, text)
    if r.random() < 0.5:
        lab["hosts"]["host"]["ip_rules"] = [r.choice(("fwmark 0x40/0x40 prohibit", "fwmark 9 unreachable", "fwmark 0x12 blackhole"))]
    t = Traffic(r, p)
    t.udp("client", p.far, 53, socket="a")
    t.udp("client", p.far, 53, socket="a")
    t.udp("host", p.far, 53, mark=0x12)
    return lab, t.some(6)


def hairpin(r, p):
    """A LAN, its router, a server in it published on the router's outer address."""
    masq = r.random() < 0.5
    text = ["*nat", "-A PREROUTING -d 10.0.1.1 -p tcp --dport 8080 -j DNAT --to-destination 192.168.9.2:80",
            "-A PREROUTING -d 10.0.1.1 -p udp --dport 5353 -j DNAT --to-destination 192.168.9.2:53"]
    text += ["-A POSTROUTING -s 192.168.9.0/24 -d 192.168.9.2 -j MASQUERADE"] * masq + ["-A POSTROUTING -o wan -j MASQUERADE"] * r.choice((0, 1))
    text += ["COMMIT"] + ruleset(r, p, {"filter": 3, "mangle": 1})
    lab = router(p, text)
    hosts = lab["hosts"]
    hosts["laptop"] = {"interfaces": {"eth0": "192.168.9.3/24"}, "routes": ["default via 192.168.9.1"], "listeners": listeners(4)}
    hosts["switch"] = {"interfaces": {"p1": {}, "p2": {}, "p3": {}}, "bridges": {"br0": {"ports": ["p1", "p2", "p3"]}},
                       "sysctls": {"net.bridge.bridge-nf-call-iptables": r.choice((0, 0, 1))}}
    hosts["host"]["sysctls"].update({"net.ipv4.conf.all.send_redirects": r.choice((0, 1)), "net.ipv4.conf.lan.send_redirects": r.choice((0, 1))})
    lab["links"] = [["client:eth0", "host:wan"], ["host:lan", "switch:p1"], ["server:eth0", "switch:p2"], ["laptop:eth0", "switch:p3"]]
    t = Traffic(r, p)
    for src in ("laptop", "server", "client"):
        t.tcp(src, "10.0.1.1", 8080)
        t.udp(src, "10.0.1.1", 5353)
    if r.random() < 0.6:
        hosts["laptop"]["routes"].append("192.168.9.2 via 192.168.9.1")
        t.udp("laptop", p.far, 53)
    t.ping("laptop", p.far)
    return lab, t.list


def reload(r, p):
    """Rules, sets and entries changed between packets of live flows."""
    lab = router(p, ["*nat", "-A POSTROUTING -o lan -j MASQUERADE", "-A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 192.168.9.2:80", "COMMIT", "*filter",
                     "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT", "-A FORWARD -p udp -j ACCEPT", "COMMIT"])
    t = Traffic(r, p)
    t.udp("client", p.far, 53, socket="a")
    t.add(do="tcp", **{"from": "client"}, sport=t.sport(), dst=p.own_near, dport=8080, socket="b", data="one")
    commands = ["iptables -t nat -F", "conntrack -F", "conntrack -D -p udp", "iptables -I FORWARD -j DROP", "iptables -P FORWARD DROP", "iptables -D FORWARD 1",
                "iptables -t nat -I POSTROUTING -p udp -j SNAT --to-source 192.168.9.1:7777", "iptables -I FORWARD 2 -p tcp -j REJECT --reject-with tcp-reset",
                "sysctl -qw net.ipv4.ip_forward=0", "ip route add blackhole 192.168.9.2", "iptables -Z", "conntrack -U -p udp --mark 7", "ip link set lan down", "ip addr del 192.168.9.1/24 dev lan"]
    for cmd in r.sample(commands, 3):
        t.add(do="run", host="host", cmd=cmd)
        t.udp("client", p.far, 53, socket="a")
        t.tcp("client", p.own_near, 8080)
        r.choice((t.udp, t.ping))("client", p.far)
    return lab, t.list


THEMES = [filter_rules, nat_rules, mangle_rules, raw_rules, every_table, end_hosts, local_host, rejects, expiry, errors_through_nat, published, bridge,
          two_routers, policy_routing, reverse_path, settings, neighbours, sizes, tcp_states, zones, helper, counts, sets, many_receivers, net_maps,
          transparent, odd_targets, marks, hairpin, reload]


def settle(lab):
    """Neighbours known beforehand: when a solicitation is repeated depends on the machine's load."""
    names, macs, addrs = list(lab["hosts"]), {}, {}
    for link in lab["links"]:
        for end in link:
            host = end.split(":")[0]
            macs[end] = f"02:00:00:00:{names.index(host) + 1:02x}:{sum(m.startswith(host + ':') for m in macs) + 1:02x}"
    for host, spec in lab["hosts"].items():
        for dev, address in spec["interfaces"].items():
            addrs[f"{host}:{dev}"] = (address["addr"] if isinstance(address, dict) else address).split("/")[0]
    for a, b in lab["links"]:
        for here, there in ((a, b), (b, a)):
            host, dev = here.split(":")
            lab["hosts"][host].setdefault("neigh", []).append(f"{addrs[there]} lladdr {macs[there]} dev {dev}")


def make(theme, seed):
    rng = random.Random(f"{theme.__name__} {seed}")
    place = V6 if getattr(theme, "both", False) and seed % 3 == 0 else V4
    lab, probes = theme(rng, place)
    if place.family == 6 and theme is not neighbours:
        settle(lab)
    about = (theme.__doc__ or theme.__name__.replace("_", " ")).split("\n")[0]
    return {"name": f"{theme.__name__}-{seed}", "about": about, **lab, "probes": probes}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("dir", nargs="?", type=pathlib.Path)
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--count", type=int, default=1)
    ap.add_argument("--theme")
    ap.add_argument("--list", action="store_true")
    args = ap.parse_args()
    if args.list or not args.dir:
        print("\n".join(t.__name__ for t in THEMES))
        return
    args.dir.mkdir(parents=True, exist_ok=True)
    for theme in [t for t in THEMES if args.theme in (None, t.__name__)]:
        for seed in range(args.seed, args.seed + args.count):
            lab = make(theme, seed)
            (args.dir / f"{lab['name']}.json").write_text(json.dumps(lab, indent=1) + "\n")


if __name__ == "__main__":
    main()
