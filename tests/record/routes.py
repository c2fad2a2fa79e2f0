#!/usr/bin/env python3
"""Records what a Linux kernel routes where: random addresses, routes and rules in fresh network namespaces, and
what `ip route get` answers. Usage: routes.py DIRECTORY FIRST LAST (seeds). Needs root."""

import ipaddress
import json
import os
import random
import subprocess
import sys
import time


def ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, text=True)


def words_of(thing):
    return [word for key, value in thing.items() for word in (key, str(value))]


def pick_address(r, v6):
    if v6:
        return f"2001:db8:{r.randint(0, 2)}::{r.randint(1, 6):x}"
    return f"10.{r.randint(0, 1)}.{r.randint(0, 2)}.{r.choice([0, 1, 2, 3, 7, 255])}"


def pick_network(r, v6):
    length = r.choice([0, 16, 32, 46, 48, 64, 128] if v6 else [0, 8, 15, 16, 23, 24, 30, 32])
    return str(ipaddress.ip_network(f"{pick_address(r, v6)}/{length}", strict=False))


def make(seed):
    r = random.Random(seed)
    v6 = seed % 2 == 1
    flag = "-6" if v6 else "-4"
    devs = ["d0", "d1", "d2"]
    ip("link", "set", "lo", "up")
    for i, dev in enumerate(devs):
        ip("link", "add", dev, "index", str(10 + i), "type", "veth", "peer", "name", f"p{i}", "index", str(20 + i))
        for end in (dev, f"p{i}"):
            ip("link", "set", end, "addrgenmode", "none")
            ip("link", "set", end, "up")
    forwarding = r.random() < 0.7
    rp_filter = r.choice([0, 0, 1, 2])
    base = "/proc/sys/net/ipv6/conf/all/forwarding" if v6 else "/proc/sys/net/ipv4/ip_forward"
    with open(base, "w") as f:
        f.write(str(int(forwarding)))
    with open("/proc/sys/net/ipv4/conf/all/rp_filter", "w") as f:
        f.write(str(rp_filter))
    case = {"seed": seed, "v6": v6, "forwarding": forwarding, "rp_filter": rp_filter, "addrs": [], "routes": [],
            "rules": [], "removed": [], "down": [], "asked": []}
    for _ in range(r.randint(1, 5)):
        dev, addr = r.choice(devs), pick_address(r, v6)
        length = r.choice([48, 64, 64, 127, 128] if v6 else [16, 24, 24, 30, 31, 32])
        done = ip(flag, "addr", "add", f"{addr}/{length}", "dev", dev, *(["nodad"] if v6 else []))
        case["addrs"].append({"dev": dev, "addr": addr, "len": length, "ok": done.returncode == 0})
    # An IPv6 address is there only after the kernel's worker has run, `nodad` or not.
    while v6 and len(ip("-6", "route", "show", "table", "local", "type", "local").stdout.splitlines()) < 1 + sum(
            a["ok"] for a in case["addrs"]):
        time.sleep(0.01)
    for _ in range(r.randint(0, 8)):
        kind = r.choice(["unicast"] * 8 + ["blackhole", "unreachable", "prohibit", "throw"])
        route = {"kind": kind, "dst": pick_network(r, v6)}
        if kind == "unicast":
            route["dev"] = r.choice(devs)
            if r.random() < 0.5:
                route["via"] = pick_address(r, v6)
        table = r.choice([None, None, "100", "default"])
        if table:
            route["table"] = table
        if r.random() < 0.4:
            route["metric"] = r.choice([1, 100, 2000])
        if not v6 and r.random() < 0.15:
            route["tos"] = r.choice(["0x08", "0x10"])
        own = [a["addr"] for a in case["addrs"] if a["ok"]]
        if kind == "unicast" and own and r.random() < 0.3:
            route["src"] = r.choice(own)
        text = {k: v for k, v in route.items() if k not in ("kind", "dst", "via")}
        via = ["via", route["via"], "onlink"] if "via" in route else []
        tail = words_of(text)
        done = ip(flag, "route", "add", kind, route["dst"], *via, *tail)
        if done.returncode == 0:
            case["routes"].append(route)
    for _ in range(r.choice([0, 0, 1, 2, 4])):
        rule = {"priority": r.randint(1, 40000)}
        for key, value in (("from", pick_network(r, v6)), ("to", pick_network(r, v6)), ("iif", r.choice(devs + ["lo"])),
                           ("oif", r.choice(devs)), ("fwmark", "1/3"), ("tos", "0x08"), ("ipproto", "tcp"),
                           ("dport", "80-90")):
            if r.random() < 0.2:
                rule[key] = value
        invert = r.random() < 0.15
        action = r.choice([["lookup", "100"]] * 5 + [["lookup", "main"], ["lookup", "default"], ["blackhole"],
                                                     ["prohibit"], ["unreachable"], ["nop"], ["goto", "32767"]])
        extra = []
        if action[0] == "lookup" and r.random() < 0.3:
            extra = ["suppress_prefixlength", str(r.choice([0, 16]))]
        done = ip(flag, "rule", "add", *(["not"] if invert else []), *words_of(rule), *action, *extra)
        if done.returncode == 0:
            case["rules"].append({**rule, "not": invert, "action": action,
                                  **({"suppress": int(extra[1])} if extra else {})})
    if r.random() < 0.3:
        for a in r.sample(case["addrs"], 1):
            done = ip(flag, "addr", "del", f"{a['addr']}/{a['len']}", "dev", a["dev"])
            if done.returncode == 0:
                case["removed"].append(a)
    if r.random() < 0.15:
        dev = r.choice(devs)
        ip("link", "set", dev, "down")
        case["down"].append(dev)
    for _ in range(14):
        asked = {"dst": pick_address(r, v6)}
        if not v6 and r.random() < 0.1:
            asked["dst"] = r.choice(["127.0.0.1", "127.9.9.9", "255.255.255.255", "192.0.2.1"])
        if r.random() < 0.25:
            asked["iif"] = r.choice(devs)
            asked["from"] = pick_address(r, v6)
        elif r.random() < 0.3:
            asked["from"] = pick_address(r, v6)
        if "iif" not in asked and r.random() < 0.2:
            asked["oif"] = r.choice(devs)
        for key, value in (("mark", "1"), ("tos", "0x08"), ("ipproto", "tcp")):
            if r.random() < 0.25:
                asked[key] = value
        if asked.get("ipproto"):
            asked["sport"], asked["dport"] = "1000", r.choice(["80", "99"])
        where = asked.pop("dst")
        done = ip("-j", "-d", flag, "route", "get", where, *words_of(asked))
        answer = {"error": done.stderr.strip()} if done.returncode else json.loads(done.stdout)[0]
        case["asked"].append({"dst": where, **asked, "answer": answer})
    return case


def text(case):
    """JSON with one line for each address, route, rule and question."""
    parts = []
    for key, value in case.items():
        if isinstance(value, list) and value:
            rows = ",\n".join("    " + json.dumps(row) for row in value)
            parts.append(f"  {json.dumps(key)}: [\n{rows}\n  ]")
        else:
            parts.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main():
    if sys.argv[1] == "--one":
        print(json.dumps(make(int(sys.argv[2]))))
        return
    folder, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.makedirs(folder, exist_ok=True)
    for seed in range(first, last):
        done = subprocess.run(["unshare", "-n", sys.executable, __file__, "--one", str(seed)],
                              capture_output=True, text=True, check=True)
        with open(f"{folder}/{seed:05}.json", "w") as f:
            f.write(text(json.loads(done.stdout)))


main()
