#!/usr/bin/env python3
"""Records what connection tracking of the running kernel says of TCP segments, one by one.

    unshare -n tests/record/segments.py [SEED [FLOWS]] > tests/data/segments.txt

Needs root, iproute2, nftables, conntrack, and a fresh network namespace (unshare -n). Two veth pairs lie in it:
what is put onto one pair is forwarded to the other, and a rule writes the packet's state into its DSCP.
Each line: direction, flags, seq, ack, window, options, bytes of payload | state, entry's state, seconds, bits.
"""
import random
import re
import socket
import struct
import subprocess
import sys

A, B = "10.1.0.2", "10.2.0.2"
STATES = {1: "INVALID", 2: "NEW", 3: "ESTABLISHED", 4: "RELATED", 5: "UNTRACKED"}
FLAGS = [("F", 1), ("S", 2), ("R", 4), ("P", 8), ("A", 16), ("U", 32)]


def run(*args, stdin=None):
    return subprocess.run(args, input=stdin, capture_output=True, text=True, check=False)


def setup():
    for line in (
        "link set lo up",
        "link add a0 type veth peer name a1",
        "link add b0 type veth peer name b1",
        "addr add 10.1.0.1/24 dev a1",
        "addr add 10.2.0.1/24 dev b1",
        "link set a1 address 02:00:00:00:01:01",
        "link set b1 address 02:00:00:00:02:01",
        *(f"link set {i} up" for i in ("a0", "a1", "b0", "b1")),
        f"neigh add {A} lladdr 02:00:00:00:01:99 dev a1",
        f"neigh add {B} lladdr 02:00:00:00:02:99 dev b1",
    ):
        done = run("ip", *line.split())
        assert done.returncode == 0, (line, done.stderr)
    for path in ("ipv4/ip_forward=1", "ipv4/conf/all/rp_filter=0", "ipv6/conf/all/disable_ipv6=1"):
        key, value = path.split("=")
        open(f"/proc/sys/net/{key}", "w").write(value)
    rules = "".join(f"ct state {name.lower()} ip dscp set {n}\n" for n, name in STATES.items())
    done = run("nft", "-f", "-", stdin=f"table ip t {{ chain f {{ type filter hook forward priority 0;\n{rules}}}\n}}\n")
    assert done.returncode == 0, done.stderr


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(src, dst, mac, sport, dport, s):
    options = b"".join(s["raw"])
    options += b"\1" * (-len(options) % 4)
    bits = sum(bit for name, bit in FLAGS if name in s["flags"])
    tcp = struct.pack(
        "!HHIIBBHHH", sport, dport, s["seq"], s["ack"], (20 + len(options)) << 2, bits, s["win"], 0, 0
    )
    tcp += options + b"x" * s["len"]
    pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack("!BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0x4000, 64, 6, 0)
    ip += socket.inet_aton(src) + socket.inet_aton(dst)
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return bytes.fromhex(mac.replace(":", "")) + b"\x02\0\0\0\0\x77" + b"\x08\x00" + ip + tcp


class Net:
    def __init__(self):
        self.socks = {}
        for name in ("a0", "b0"):
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
            sock.bind((name, 0))
            sock.settimeout(0.5)
            self.socks[name] = sock

    def send(self, forth, sport, s):
        if forth:
            out, back = self.socks["a0"], self.socks["b0"]
            data = frame(A, B, "02:00:00:00:01:01", sport, 80, s)
        else:
            out, back = self.socks["b0"], self.socks["a0"]
            data = frame(B, A, "02:00:00:00:02:01", 80, sport, s)
        out.send(data)
        while True:
            try:
                got, where = back.recvfrom(4096)
            except TimeoutError:
                return "LOST"
            if where[2] != socket.PACKET_OUTGOING:
                return STATES.get(got[15] >> 2, "?")


def entry():
    line = run("conntrack", "-L").stdout.strip()
    found = re.match(r"tcp\s+6 (\d+) (\S+) .*", line)
    if not found:
        return "- - -"
    bits = ("" if "[UNREPLIED]" in line else "r") + ("a" if "[ASSURED]" in line else "")
    return f"{found[2]} {found[1]} {bits or '-'}"


OFFSETS = [0, 0, 0, 0, 0, 0, 1, -1, 2, 10, -10, 100, -100, 1000, -1000, 5000, -5000, 65535, -65535, 66000, -66000,
           66001, -66001, 70000, -70000, 200000, -200000, 1 << 20, 1 << 30, 1 << 31, -(1 << 30)]
COMMON = ["A"] * 8 + ["PA"] * 4 + ["FA"] * 3 + ["S"] * 3 + ["SA"] * 3 + ["R", "R", "RA", "RA"]
CLOSING = ["R", "RA"] * 6 + ["A", "FA", "SA", "S"]
ODD = ["F", "", "FPU", "SF", "SR", "AU", "SU", "SPA", "FAU", "SAU"]


class Side:
    def __init__(self, rng):
        self.nxt = rng.choice([rng.getrandbits(32), 0, 0xFFFFFFF0, rng.randrange(1 << 16)])
        self.win = rng.choice([1, 100, 1000, 5840, 65535, 65535, 65535])


def segment(rng, sides, step, forth, wild):
    me, peer = sides[0 if forth else 1], sides[1 if forth else 0]
    s = {"raw": [], "said": "-"}
    plain = [(True, "S"), (False, "SA"), (True, "A")]
    if step < 3 and rng.random() > wild / 2:
        forth, s["flags"] = plain[step]
        me, peer = sides[0 if forth else 1], sides[1 if forth else 0]
    else:
        some = CLOSING if step > 8 and wild > 0.5 else COMMON
        s["flags"] = rng.choice(ODD) if rng.random() < wild / 10 else rng.choice(some)
    off = rng.choice(OFFSETS) if rng.random() < wild else 0
    ack = rng.choice(OFFSETS) if rng.random() < wild else 0
    s["seq"] = (me.nxt + off) & 0xFFFFFFFF
    s["ack"] = (peer.nxt + ack) & 0xFFFFFFFF if "A" in s["flags"] else 0
    if "R" in s["flags"] and rng.random() < wild / 3:
        s["seq"] = 0
    if rng.random() < wild / 10:
        s["ack"] = 0
    s["len"] = rng.choice([1, 10, 500, 1400]) if "P" in s["flags"] or rng.random() < 0.1 else 0
    s["win"] = rng.choice([0, 1, 100, 65535]) if rng.random() < wild / 3 else me.win
    if "S" in s["flags"]:
        said = []
        if rng.random() < 0.6:
            shift = rng.choice([0, 1, 7, 14, 20])
            s["raw"].append(bytes([3, 3, shift]))
            said.append(f"ws{shift}")
        if rng.random() < 0.6:
            s["raw"].append(bytes([4, 2]))
            said.append("sok")
        s["said"] = ",".join(said) or "-"
    elif "A" in s["flags"] and rng.random() < 0.15:
        start = (peer.nxt + rng.choice([0, 10, 1000, -1000])) & 0xFFFFFFFF
        end = (start + rng.choice([1, 100, 2000])) & 0xFFFFFFFF
        s["raw"].append(bytes([5, 10]) + struct.pack("!II", start, end))
        s["said"] = f"sack{start}-{end}"
    if off == 0:
        me.nxt = (me.nxt + s["len"] + ("S" in s["flags"]) + ("F" in s["flags"])) & 0xFFFFFFFF
    return forth, s


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    flows = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    setup()
    net = Net()
    for flow in range(flows):
        rng = random.Random(seed * 100000 + flow)
        run("conntrack", "-F")
        settings = {
            "tcp_loose": int(rng.random() > 0.1),
            "tcp_be_liberal": int(rng.random() < 0.05),
            "tcp_ignore_invalid_rst": int(rng.random() < 0.1),
        }
        for key, value in settings.items():
            open(f"/proc/sys/net/netfilter/nf_conntrack_{key}", "w").write(str(value))
        print("flow", " ".join(f"{k}={v}" for k, v in settings.items()))
        sides = [Side(rng), Side(rng)]
        wild = rng.choice([0.02, 0.1, 0.3, 0.7])
        last = None
        for step in range(rng.randrange(4, 24)):
            if last and rng.random() < 0.12:
                forth, s = last
            else:
                forth, s = segment(rng, sides, step, rng.random() < 0.5, wild)
            last = forth, s
            state = net.send(forth, 40000 + flow % 20000, s)
            print(
                ">" if forth else "<", s["flags"] or ".", s["seq"], s["ack"], s["win"], s["said"], s["len"],
                "|", state, entry(),
            )


main()
