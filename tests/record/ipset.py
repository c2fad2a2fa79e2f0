#!/usr/bin/env python3
"""Records what the real ipset 7.17 says to the commands of tests/data/ipset (root, fresh network namespaces).

    tests/record/ipset.py [FILE ...]

Each file is a session on an empty host, a JSON object a line: "run" are the words after `ipset`, "stdin" is what it
reads. What is added: "status", "out", "err". Sets are made with `initval`, so that Linux hashes as it says.
"""
import json
import os
import pathlib
import subprocess
import sys

DATA = pathlib.Path(__file__).resolve().parents[1] / "data" / "ipset"


def record(path):
    lines = []
    for line in path.read_text().splitlines():
        step = json.loads(line)
        ran = subprocess.run(["ipset", *step["run"]], input=step.get("stdin", ""), capture_output=True, text=True)
        step.update(status=ran.returncode if ran.returncode >= 0 else 128 - ran.returncode, out=ran.stdout, err=ran.stderr)
        lines.append(json.dumps({k: v for k, v in step.items() if v or k == "run"}))
    path.write_text("\n".join(lines) + "\n")


if sys.argv[1:2] == ["--inside"]:
    record(pathlib.Path(sys.argv[2]))
else:
    for path in map(pathlib.Path, sys.argv[1:] or sorted(DATA.glob("*.jsonl"))):
        subprocess.run(["unshare", "-n", sys.executable, os.path.abspath(__file__), "--inside", path.resolve()], check=True)
        print(path.name)
