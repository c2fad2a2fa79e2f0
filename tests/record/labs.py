#!/usr/bin/env python3
"""Records what a real kernel did with the probes of the labs in tests/data, into the truth folder beside each.

    tests/record/labs.py ORACLE [LAB.json ...]
    tests/record/labs.py --take FOLDER

ORACLE is the program that runs a lab in fresh network namespaces and prints what nf_tables traces, conntrack and the
sockets said (root; iproute2, iptables 1.8.9, nftables, ipset). Each lab runs twice and must give the same answer.
--take brings in labs that were recorded so elsewhere: FOLDER/labs/NN-NAME.json with FOLDER/truth/NN-NAME.json become
networks/labs/NAME.json and networks/truth/NAME.json.

Of a truth stays what a comparison needs, one line a probe:

    scenario, about, kernel, tool
    probes: name; result, received: what senders and listeners saw; journey: each pass of a packet through a host's
            hooks, its rules, policies and states, the packet as it came and left; conntrack: the tables afterwards;
            counters: packets and bytes added to rules and policies
"""
import json
import pathlib
import re
import subprocess
import sys

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
PACKET = ("src", "dst", "proto", "sport", "dport", "type", "code", "id", "flags", "ttl", "len", "tos", "hl", "frag")
ENDS = ("connect", "sent", "errors", "received", "replies", "socket_errors", "after_close", "exit", "stdout", "stderr")
STEP = ("table", "chain", "rule", "verdict", "to", "end", "policy")
PASS = ("host", "start", "last_hook", "fate", "sent_on")


def run(oracle, lab):
    ran = subprocess.run([sys.executable, oracle, lab], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def pick(value, keys):
    return {k: value[k] for k in keys if k in value}


def steps(path):
    """Rules, policies and ends of chains; by what device it came; what connection tracking said first."""
    for step in path:
        if "table" in step:
            yield pick(step, STEP)
        elif step["at"] == "PREROUTING:start" and "iif" in step:
            yield pick(step, ("at", "iif"))
        elif step["at"].endswith(":ct") and "ct" in step:
            yield pick(step, ("at", "ct"))


def passed(p):
    out = {**pick(p, PASS), "packet": pick(p["packet"], PACKET), "path": list(steps(p["path"]))}
    return {**out, "sent_packet": pick(p["sent_packet"], PACKET)} if "sent_packet" in p else out


def probed(probe):
    tables = {host: seen.get("table", []) for host, seen in probe.get("conntrack", {}).items()}
    kept = {
        "name": probe["name"],
        "result": pick(probe.get("result") or {}, ENDS),
        "received": probe.get("received"),
        "journey": [passed(p) for p in probe.get("journey", [])],
        "conntrack": {host: {"table": table} for host, table in tables.items() if table},
        "counters": {host: grown for host, grown in probe.get("counters", {}).items() if grown},
    }
    return {k: v for k, v in kept.items() if v}


def steps_of(probe, rule):
    """The steps of a probe that are this rule, TABLE/CHAIN/NUMBER."""
    name = lambda step: "/".join(str(step.get(key)) for key in ("table", "chain", "rule"))
    return [step for p in probe["journey"] for step in p["path"] if name(step) == rule]


def text(truth):
    for probe in truth["probes"]:
        # A packet that a match drops itself is in the trace, and its rule does not count it.
        uncounted = [rule["counter"] < rule["trace"] and any(s.get("verdict") == "DROP" for s in steps_of(probe, name))
                     for host in probe.get("counter_mismatch", {}).values() for name, rule in host.items()]
        if not probe.get("counters_agree_with_trace", True) and not (uncounted and all(uncounted)):
            sys.exit(f"{truth['scenario']}: {probe['name']}: counters and trace differ")
    line = lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    head = {**pick(truth, ("scenario", "about", "tool")), "kernel": re.match(r"[\d.]+", truth["kernel"]).group()}
    probes = ",\n".join(line(probed(p)) for p in truth["probes"])
    return line(head)[:-1] + ',"probes":[\n' + probes + "\n]}\n"


def take(folder):
    for lab in sorted(pathlib.Path(folder, "labs").glob("*.json")):
        truth = json.loads(pathlib.Path(folder, "truth", lab.name).read_text())
        name = re.sub(r"^\d+-", "", lab.name)
        (DATA / "networks/labs" / name).write_text(lab.read_text())
        (DATA / "networks/truth" / name).write_text(text(truth))


def record(oracle, labs):
    own = [*(DATA / "labs").glob("*.json"), *(DATA / "networks/labs").glob("*.json")]
    for lab in [pathlib.Path(l) for l in labs] or sorted(own):
        first, second = (text(run(oracle, lab)) for _ in range(2))
        if first != second:
            sys.exit(f"{lab.name}: two runs differ")
        (lab.parents[1] / "truth" / lab.name).write_text(first)
        print(lab.stem)


match sys.argv[1:]:
    case ["--take", folder]:
        take(folder)
    case [oracle, *labs] if not oracle.startswith("-"):
        record(oracle, labs)
    case _:
        sys.exit(__doc__)
