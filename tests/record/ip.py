#!/usr/bin/env python3
"""Records what iproute2's `ip` prints, refuses and answers: sessions of commands, one JSON list of lines a file,
each run in a fresh network namespace. Usage: unshare -n ip.py SESSION.json OUT.jsonl. Needs root."""

import json
import subprocess
import sys
import time


def run(words):
    program = [] if words[0] in ("bridge", "sysctl") else ["ip"]
    done = subprocess.run(program + words, capture_output=True, text=True)
    return {"run": words, "out": done.stdout, "err": done.stderr, "status": done.returncode}


def main():
    # Nobody else is on the links: addresses need not be asked for.
    for name in ("default", "all"):
        with open(f"/proc/sys/net/ipv6/conf/{name}/accept_dad", "w") as f:
            f.write("0")
    changed = False
    with open(sys.argv[1]) as f, open(sys.argv[2], "w") as out:
        for line in json.load(f):
            words = line.split(" ")
            shows = "show" in words or "get" in words or len(words) == 1
            if shows and changed:
                # The kernel tells of carriers at most once a second (`linkwatch`).
                time.sleep(1.25)
            out.write(json.dumps(run(words)) + "\n")
            changed = changed and not shows or not shows
            if not shows:
                time.sleep(0.02 if words[0] == "link" else 0.003)


if __name__ == "__main__":
    main()
