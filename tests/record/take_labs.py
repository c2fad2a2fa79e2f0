#!/usr/bin/env python3
"""Takes recorded labs into tests/data/networks, with what a comparison needs of their truths.

    tests/record/take_labs.py FOLDER

FOLDER has labs/NN-NAME.json and truth/NN-NAME.json, as the recording program wrote them. The number before a name
goes. Of a truth stay, probe by probe: what senders and listeners saw, each pass with its rules, policies and
states, the packet as it came and left, the connections afterwards, what the counters grew by. One line a probe.
"""
import json
import pathlib
import re
import sys

DATA = pathlib.Path(__file__).resolve().parents[1] / "data/networks"
PACKET = ("src", "dst", "proto", "sport", "dport", "type", "code", "flags", "ttl", "len", "tos", "hl", "frag")
ENDS = ("connect", "sent", "errors", "received", "replies", "socket_errors", "after_close", "exit", "stdout", "stderr")
STEP = ("at", "ct", "table", "chain", "rule", "verdict", "to", "end", "policy")
PASS = ("host", "start", "last_hook", "fate", "sent_on")


def pick(value, keys):
    return {k: value[k] for k in keys if k in value}


def steps(path):
    """Rules, policies and ends of chains, and what connection tracking said first."""
    for step in path:
        if "table" in step:
            yield pick(step, STEP[2:])
        elif step["at"].endswith(":ct") and "ct" in step:
            yield pick(step, STEP[:2])


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


def line(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


(folder,) = sys.argv[1:] or sys.exit(__doc__)
for lab in sorted(pathlib.Path(folder, "labs").glob("*.json")):
    truth = json.loads(pathlib.Path(folder, "truth", lab.name).read_text())
    name = re.sub(r"^\d+-", "", lab.name)
    head = {**pick(truth, ("scenario", "about", "tool")), "kernel": re.match(r"[\d.]+", truth["kernel"]).group()}
    probes = ",\n".join(line(probed(p)) for p in truth["probes"])
    (DATA / "truth" / name).write_text(line(head)[:-1] + ',"probes":[\n' + probes + "\n]}\n")
    (DATA / "labs" / name).write_text(lab.read_text())
