#!/usr/bin/env python3
"""Records what iptables makes of single rule lines.

    tests/record/lines.py          reads tests/data/lines/v4.txt and v6.txt, writes v4.jsonl and v6.jsonl

Each line goes alone, in its table and beside an empty chain USER, to iptables-restore in a fresh
network namespace. Recorded are the exit status, what iptables-save prints of the chains and rules
afterwards, and the message where the line was refused. Needs root and iptables 1.8.9 (nf_tables).
"""
import json
import pathlib
import subprocess

LINES = pathlib.Path(__file__).resolve().parents[1] / "data" / "lines"


def record(tool, line):
    table, rule = line.split(" ", 1)
    script = f"{tool}-restore; status=$?; {tool}-save; exit $status"
    text = f"*{table}\n:USER - [0:0]\n{rule}\nCOMMIT\n"
    # dash, an empty environment: no locale, no settings of the user's shell
    ran = subprocess.run(["unshare", "--net", "sh", "-c", script], input=text, capture_output=True, text=True,
                         env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    saved = [l for l in ran.stdout.splitlines() if l[:1] in ":-*"]
    rules = [l for l in saved if l.startswith("-")]
    answer = {"line": line, "exit": ran.returncode}
    if ran.returncode:
        answer["error"] = ran.stderr.strip()
        return answer
    answer["saved"] = rules
    if ran.stderr.strip():
        answer["warning"] = ran.stderr.strip()
    # The chains are the usual ones unless the line made or changed one.
    chains = [l for l in saved if l.startswith(":")]
    usual = {":USER - [0:0]"} | {f":{c} ACCEPT [0:0]" for c in
                                 ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")}
    if set(chains) - usual or ":USER - [0:0]" not in chains:
        answer["chains"] = chains
    return answer


for family, tool in (("v4", "iptables"), ("v6", "ip6tables")):
    lines = (LINES / f"{family}.txt").read_text().splitlines()
    with open(LINES / f"{family}.jsonl", "w") as out:
        for line in lines:
            if line and not line.startswith("#"):
                print(json.dumps(record(tool, line), ensure_ascii=False), file=out)
