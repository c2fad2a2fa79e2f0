#!/usr/bin/env python3
"""Records what a real kernel did with the packets of tests/data/labs, into tests/data/truth.

    tests/record/labs.py ORACLE [LAB.json ...]

and the networks of tests/data/networks/labs, whole, into tests/data/networks/truth.

ORACLE is the program that runs a lab in fresh network namespaces and prints what nf_tables traces,
conntrack and the sockets said (root; iproute2, iptables 1.8.9, nftables, ipset). Each lab runs twice and
must give the same answer. Of that, what concerns the machine under test (the one named "host") is kept, of a
network what concerns any of its hosts:

    scenario, about, kernel, tool
    probes: name; journey: each pass of a packet through the host's hooks; conntrack: its table afterwards;
            counters: packets and bytes added to rules and policies; result, received: what the sockets saw
"""
import json
import pathlib
import re
import subprocess
import sys

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
WIDTH = 160  # A pass of a network's packet stands on one line instead.


def run(oracle, lab):
    ran = subprocess.run([sys.executable, oracle, lab], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def walked(p):
    """A pass with what decided it: rules, policies, ends of chains, and what conntrack said first."""
    kept = ("at", "ct", "table", "chain", "rule", "verdict", "to", "end", "policy")
    path = [{k: step[k] for k in kept if k in step and (k != "ct" or "at" in step)} for step in p["path"]]
    return {**p, "path": [step for step in path if "at" not in step or (step["at"].endswith(":ct") and "ct" in step)]}


def whole(truth):
    kept = ("name", "result", "received", "icmp_received", "journey", "conntrack", "counters")
    probes = [{k: probe[k] for k in kept if probe.get(k)} for probe in agreeing(truth)]
    for probe in probes:
        probe["journey"] = [walked(p) for p in probe.get("journey", [])]
        tables = {host: seen["table"] for host, seen in probe.get("conntrack", {}).items()}
        probe["conntrack"] = {host: {"table": table} for host, table in tables.items()}
    return headed(truth, probes)


def agreeing(truth):
    for probe in truth["probes"]:
        if not probe.get("counters_agree_with_trace", True):
            sys.exit(f"{truth['scenario']}: {probe['name']}: counters and trace differ")
    return truth["probes"]


def trimmed(truth):
    probes = []
    for probe in agreeing(truth):
        conntrack = probe.get("conntrack", {}).get("host", {}).get("table", [])
        kept = {
            "name": probe["name"],
            "result": probe.get("result"),
            "received": probe.get("received"),
            "journey": [p for p in probe["journey"] if p["host"] == "host"],
            "conntrack": {"host": {"table": conntrack}},
            "counters": {k: v for k, v in probe.get("counters", {}).items() if k == "host"},
        }
        probes.append({k: v for k, v in kept.items() if v})
    return headed(truth, probes)


def headed(truth, probes):
    kernel = re.match(r"[\d.]+", truth["kernel"]).group()
    return {"scenario": truth["scenario"], "about": truth["about"], "kernel": kernel, "tool": truth["tool"], "probes": probes}


def text(value, indent=0, width=WIDTH):
    """JSON, a value on one line where it fits."""
    line = json.dumps(value, ensure_ascii=False)
    if indent + len(line) <= width or not isinstance(value, (dict, list)):
        return line
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        items = [f"{pad}{json.dumps(k)}: {text(v, indent + 1, width)}" for k, v in value.items()]
        return "{\n" + ",\n".join(items) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(pad + text(v, indent + 1, width) for v in value) + "\n" + " " * indent + "]"


oracle, *labs = sys.argv[1:] or sys.exit(__doc__)
for lab in [pathlib.Path(l) for l in labs] or sorted([*(DATA / "labs").glob("*.json"), *(DATA / "networks/labs").glob("*.json")]):
    keep = whole if lab.parts[-3:-1] == ("networks", "labs") else trimmed
    first, second = (keep(run(oracle, lab)) for _ in range(2))
    if first != second:
        sys.exit(f"{lab.name}: two runs differ")
    (lab.parents[1] / "truth" / lab.name).write_text(text(first, width=WIDTH if keep is trimmed else 3000) + "\n")
    print(lab.stem, len(first["probes"]), "probes")
