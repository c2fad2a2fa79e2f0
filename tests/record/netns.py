#!/usr/bin/env python3
"""Records what iproute2's `ip` does between network namespaces: a random session of commands in three of them, which
also come and go. Usage: unshare -n -m netns.py SEED OUT.jsonl. Needs root, and a mount namespace of its own."""

import json
import os
import random
import subprocess
import sys
import time

NAMES = ("one", "two", "three")


def ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, text=True)


def commands(r):
    """Lines of (namespace, words), endlessly."""
    devs = ["a0", "a1", "b0", "b1", "c0"]
    number = 0

    def mac():
        nonlocal number
        number += 1
        return f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"

    while True:
        ns, other, d, e = r.choice(NAMES), r.choice(NAMES), r.choice(devs), r.choice(devs)
        m = mac()
        kind = r.randrange(100)
        if kind < 14:
            yield ns, f"link add {d} address {m} type veth peer name {e} address {mac()} netns {other}"
        elif kind < 22:
            yield ns, f"link add {d} address {m} netns {other} type veth peer name {e} address {mac()}"
        elif kind < 28:
            yield ns, f"link add {d} address {m} type veth peer name {e} address {mac()}"
        elif kind < 31:
            yield ns, f"link add br0 address {m} netns {other} type bridge"
        elif kind < 45:
            yield ns, f"link set {d} netns {other}"
        elif kind < 52:
            yield ns, f"link set {d} netns {other} name {e}" + r.choice(("", " up", " mtu 1300", " alias x group 4"))
        elif kind < 54:
            yield ns, f"link set {r.choice(('br0', 'lo', 'nope'))} netns {r.choice((other, 'nowhere'))}"
        elif kind < 70:
            yield ns, f"link set {d} {r.choice(('up', 'up', 'down', 'promisc on', 'mtu 1400', 'txqueuelen 7', 'group 3'))}"
        elif kind < 76:
            yield ns, f"addr add 10.0.{r.randrange(3)}.{r.randrange(1, 9)}/24 dev {d}"
        elif kind < 80:
            yield ns, f"link set {d} {r.choice(('master br0', 'nomaster'))}"
        elif kind < 83:
            yield ns, f"link del {d}"
        elif kind < 86:
            yield "", f"netns del {ns}"
        elif kind < 96:
            yield ns, r.choice(("link show", "link show", "addr show", f"link show {d}", "route show"))
        else:
            yield ns, f"link set br0 {r.choice(('up', 'up', 'down'))}"


def add(name):
    ip("netns", "add", name)
    subprocess.run(["ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                    "net.ipv6.conf.default.disable_ipv6=1"], check=True)


def main():
    r = random.Random(int(sys.argv[1]))
    subprocess.run("mount --make-rprivate / && mount -t tmpfs none /run", shell=True, check=True)
    os.makedirs("/run/netns")
    for name in NAMES:
        add(name)
    with open(sys.argv[2], "w") as out:
        lines = [line for line, _ in zip(commands(r), range(60))]
        lines += [(name, "link show") for name in NAMES]
        for ns, line in lines:
            words = line.split(" ")
            if words[0] == "netns":
                ip(*words)
                # What was in it goes a little later (`cleanup_net`).
                time.sleep(0.6)
                add(words[2])
                out.write(json.dumps({"run": words}) + "\n")
                continue
            shows = "show" in words
            done = ip("-n", ns, *words)
            out.write(json.dumps({"in": ns, "run": words, "out": done.stdout, "err": done.stderr,
                                  "status": done.returncode}) + "\n")
            # The kernel looks at carriers at once, but no more than once a second (`linkwatch`).
            if not shows and done.returncode == 0:
                time.sleep(1.1)


if __name__ == "__main__":
    main()
