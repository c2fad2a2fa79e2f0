#!/usr/bin/env python3
"""Records what iptables, iptables-save and iptables-restore do, command after command.

    tests/record/programs.py       writes tests/data/programs/NAME.json, listing-v4.jsonl and listing-v6.jsonl

Each session runs in a fresh network namespace. Recorded are, for each command, standard output, standard error
and exit status; the two comment lines of iptables-save that hold the date are cut out. The listings are those of
the single rules of tests/data/lines. Needs root and iptables 1.8.9 (nf_tables).
"""
import json
import pathlib
import random
import shlex
import subprocess

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
RUN = """
import json, subprocess, sys
for step in json.load(sys.stdin):
    ran = subprocess.run(step["argv"], input=step.get("stdin", ""), capture_output=True, text=True)
    print(json.dumps(dict(step, stdout=ran.stdout, stderr=ran.stderr, status=ran.returncode), ensure_ascii=False))
"""

# A line is a command; a pair is a command with what it reads.
SESSIONS = {
    "chains": """
iptables -S
iptables -N web
iptables -N web
iptables -N INPUT
iptables -N ACCEPT
iptables -N ''
iptables -N -x
iptables -N 'a b'
iptables -N a234567890123456789012345678
iptables -N a2345678901234567890123456789
iptables -A INPUT -j web
iptables -X web
iptables -F INPUT
iptables -A web -j RETURN
iptables -X web
iptables -L web
iptables -v -F web
iptables -E web www
iptables -E nope other
iptables -A FORWARD -j www
iptables -A FORWARD -g www
iptables -E www web
iptables -S
iptables -L -n
iptables -N aaa
iptables -E aaa web
iptables -v -X
iptables -F
iptables -v -X
iptables -S
iptables -t nat -X
iptables -A INPUT -j ACCEPT
iptables -X INPUT
iptables -D INPUT 1
iptables -X INPUT
iptables -X INPUT
iptables -P INPUT DROP
iptables -X INPUT
iptables -L nope
iptables -S nope
iptables -F nope
iptables -Z nope
iptables -X nope
iptables-save
""",
    "rules": """
iptables -A INPUT -p tcp --dport 22 -j ACCEPT
iptables -A INPUT -s 10.0.0.1,10.0.0.2 -d 192.0.2.1,192.0.2.2 -j DROP
iptables -I INPUT -i lo -j ACCEPT
iptables -I INPUT 3 -m comment --comment 'the third' -j DROP
iptables -I INPUT 8 -j LOG
iptables -I INPUT 10 -j LOG
iptables -I INPUT 0 -j LOG
iptables -R INPUT 2 -p tcp --dport 2222 -j ACCEPT
iptables -R INPUT 20 -j ACCEPT
iptables -R INPUT -j ACCEPT
iptables -D INPUT 20
iptables -D INPUT x
iptables -C INPUT -i lo -j ACCEPT
iptables -v -C INPUT -i lo -j ACCEPT
iptables -C INPUT -i lo
iptables -D INPUT -i lo -j DROP
iptables -v -D INPUT -i lo -j ACCEPT
iptables -D FORWARD 1
iptables -D INPUT -j NOPE
iptables -S INPUT 2
iptables -S INPUT 9
iptables -L INPUT 1 -n
iptables -L INPUT 9
iptables -nL INPUT --line-numbers
iptables -nvL INPUT
iptables -nvxL
iptables -L
iptables -v -A OUTPUT -o eth+ ! -d 10.0.0.0/8 -p udp --dport domain -j ACCEPT
iptables -v -I OUTPUT ! -o lo -f -j DROP
iptables -v -A FORWARD -g INPUT
iptables -A INPUT -o eth0 -j DROP
iptables -A NOPE -j DROP
iptables -A INPUT -j NOPE
iptables -A INPUT -j MASQUERADE
iptables -I INPUT 2 -j MASQUERADE
iptables -R INPUT 2 -j MASQUERADE
iptables -A INPUT -j OUTPUT
iptables -A INPUT -j FORWARD
iptables -v -S
""",
    "counters": """
iptables -A INPUT -c 5 600 -p tcp -j ACCEPT
iptables -A INPUT -c 7,800 -j DROP
iptables -A INPUT -c 100000 99999 -p udp
iptables -A INPUT -c 12345678 1234567890123 -p icmp
iptables -A INPUT --set-counters 1 2345678901234567 -p gre
iptables -A INPUT -c 5
iptables -A INPUT -c x y
iptables -A INPUT -c 5 y
iptables -D INPUT -c 5 600 -p tcp -j ACCEPT
iptables -P INPUT DROP -c 3 4
iptables -vL INPUT
iptables -vnL INPUT
iptables -vnxL INPUT
iptables -S INPUT -v
iptables -vS INPUT 2
iptables-save -c
iptables-save
iptables -I INPUT -j LOG
iptables-save -c
iptables -Z INPUT 2
iptables -Z INPUT 9
iptables-save -c
iptables -v -Z INPUT
iptables-save -c
iptables -L -Z
iptables -t nat -L -Z
iptables -t nat -Z
iptables -t nat -Z OUTPUT
iptables -Z INPUT 0
ip6tables -A INPUT -c 5 600 -j ACCEPT
ip6tables-save -c
""",
    "policies": """
iptables -P INPUT DROP
iptables -P FORWARD ACCEPT
iptables -P INPUT REJECT
iptables -P INPUT drop
iptables -P INPUT
iptables -P NOPE DROP
iptables -N user
iptables -P user DROP
iptables -t nat -P PREROUTING DROP
iptables -t nat -P FORWARD ACCEPT
iptables -t nat -A OUTPUT -j DROP
iptables -S
iptables -P INPUT -
iptables -S INPUT
iptables -t mangle -P POSTROUTING DROP
iptables-save
iptables-save -t mangle
iptables-save -t raw
iptables-save -t nope
iptables -L INPUT -v
""",
    "words": """
iptables
iptables -x
iptables -V
iptables ! -V
iptables --version
iptables -A
iptables --append
iptables -A INPUT -D INPUT
iptables -L -F
iptables -t nope -L
iptables -t
iptables -t nat -t filter -S
iptables -L -n -n
iptables -L -x -x
iptables -L ! -n
iptables -S -n
iptables -L -s 10.0.0.1
iptables -L -j ACCEPT
iptables -F -n
iptables -A INPUT -n -j ACCEPT
iptables -A INPUT --line-numbers -j ACCEPT
iptables -D INPUT 1 -j ACCEPT
iptables -P INPUT ACCEPT -j DROP
iptables -L INPUT foo
iptables -L INPUT 1 foo
iptables -N
iptables -E INPUT
iptables -4 -S
iptables -6 -S
ip6tables -4 -S
iptables -w -S INPUT
iptables -w 5 -S INPUT
iptables --wait=5 -S INPUT
iptables -w5 -S INPUT
iptables -W 5 -S INPUT
iptables -wx -S INPUT
iptables --list INPUT --numeric --verbose --exact --line-numbers
iptables --list-rules INPUT
iptables --lis INPUT
iptables --list-r INPUT
iptables --new-chain long
iptables --delete-chain long
iptables --flush
iptables --zero
iptables --policy INPUT ACCEPT
iptables --modprobe=/bin/true -S INPUT
iptables -nvL INPUT
iptables -LINPUT
iptables -Lnope
iptables -S -- INPUT
iptables -S --
iptables -A INPUT ! ! -s 10.0.0.1
iptables -A INPUT ! -j ACCEPT
iptables -A INPUT !
iptables ! -A INPUT
iptables -L !
iptables-nft -S INPUT
iptables-nft-save
ip6tables-nft -L
""",
    "loops": """
iptables -N A
iptables -N B
iptables -A A -j B
iptables -A B -j A
iptables -A INPUT -j A
iptables -F B
iptables -A INPUT -j A
iptables -A B -j A
iptables -I B -g A
iptables -A B -j MASQUERADE
iptables -A B -m owner --uid-owner 0 -j ACCEPT
iptables -D INPUT 1
iptables -A B -m owner --uid-owner 0 -j ACCEPT
iptables -A INPUT -j A
iptables -A OUTPUT -j A
iptables -E A C
iptables -S
""",
    "ip6": """
ip6tables -A INPUT -s 2001:db8::1,2001:db8::2 -p tcp --dport 80 -j ACCEPT
ip6tables -A INPUT -p icmpv6 --icmpv6-type echo-request -j ACCEPT
ip6tables -A INPUT -p 58 -j REJECT
ip6tables -A INPUT -f -j DROP
ip6tables -A INPUT -s 10.0.0.1 -j DROP
ip6tables -v -I INPUT ! -s fe80::/10 -i eth0 -m hl --hl-lt 5 -j DROP
ip6tables -L
ip6tables -nL
ip6tables -nvL INPUT --line-numbers
ip6tables -t nat -A POSTROUTING -o eth0 -j MASQUERADE
ip6tables-save
iptables-save
ip6tables -D INPUT 1
ip6tables -D INPUT 9
ip6tables -X nope
""",
    "restore": [
        ("iptables-restore", "*filter\n:INPUT DROP [3:180]\n:web - [0:0]\n[1:60] -A INPUT -j web\n"
                             "[2:120] -A web -p tcp -m multiport --dports 80,443 -j ACCEPT\nCOMMIT\n"),
        "iptables-save",
        "iptables-save -c",
        ("iptables-restore -c", "# a comment\n*filter\n:INPUT DROP [3:180]\n:web - [0:0]\n\n[1:60] -A INPUT -j web\n"
                                "-A web -j RETURN\nCOMMIT\n"),
        "iptables-save -c",
        ("iptables-restore -n", "*filter\n:more - [0:0]\n-A more -j DROP\n-I INPUT -j more\nCOMMIT\n"),
        "iptables-save -c",
        ("iptables-restore -n", "*filter\n:web - [0:0]\n-A web -j DROP\nCOMMIT\n"),
        "iptables-save -c",
        ("iptables-restore -n", "*filter\n-D INPUT -j web\n-F web\n-X web\n-P INPUT ACCEPT\n-N other\n-A other\n-R INPUT 1 -j other\nCOMMIT\n"),
        "iptables-save -c",
        ("iptables-restore -n", "*filter\n-E other another\n-Z\n-F more\n-X more\nCOMMIT\n"),
        "iptables-save -c",
        ("iptables-restore -n", "*filter\n-A INPUT -j ACCEPT\n-A NOPE -j ACCEPT\nCOMMIT\n"),
        ("iptables-restore -n", "*filter\n-A INPUT -j ACCEPT\n-A INPUT -j NOPE\nCOMMIT\n"),
        ("iptables-restore -n", "*filter\n-A INPUT -j ACCEPT\n-X another\n-A INPUT -j SNAT --to-source 192.0.2.1\nCOMMIT\n"),
        ("iptables-restore -n", "*filter\n-D INPUT 7\nCOMMIT\n"),
        ("iptables-restore -n", "*filter\n-I INPUT 7 -j DROP\nCOMMIT\n"),
        "iptables-save -c",
        ("iptables-restore --test", "*filter\n:INPUT DROP [0:0]\n-A INPUT -j NOPE\nCOMMIT\n"),
        ("iptables-restore --test", "*filter\n-A INPUT -p nope\nCOMMIT\n"),
        "iptables-save -c",
        ("iptables-restore -v", "# told\n*filter\n:a - [0:0]\n:b - [0:0]\n-A a -j b\n-A INPUT -p tcp --dport 25 -j a\n-D a 1\nCOMMIT\n"),
        ("iptables-restore -n -v", "# told\n*filter\n-A a -j b\nCOMMIT\n"),
        ("iptables-restore -T nat", "*filter\n-A INPUT -j DROP\nCOMMIT\n*nat\n-A OUTPUT -j ACCEPT\nCOMMIT\n"),
        "iptables-save",
        ("iptables-restore", "*filter\nCOMMIT\n"),
        "iptables-save",
        ("iptables-restore", "*nope\nCOMMIT\n"),
        ("iptables-restore", "*\nCOMMIT\n"),
        ("iptables-restore", "-A INPUT\n"),
        ("iptables-restore", "*filter\n-A INPUT\n"),
        ("iptables-restore", "*filter\n*nat\n"),
        ("iptables-restore", "*filter\n:INPUT\nCOMMIT\n"),
        ("iptables-restore", "*filter\n:\nCOMMIT\n"),
        ("iptables-restore", "*filter\n:INPUT REJECT\nCOMMIT\n"),
        ("iptables-restore -c", "*filter\n:INPUT DROP\nCOMMIT\n"),
        ("iptables-restore -c", "*filter\n:INPUT DROP [1]\nCOMMIT\n"),
        ("iptables-restore", "*filter\n:ACCEPT - [0:0]\nCOMMIT\n"),
        ("iptables-restore", "*filter\n[1:2 -A INPUT\nCOMMIT\n"),
        ("iptables-restore", "*filter\n[12] -A INPUT\nCOMMIT\n"),
        ("iptables-restore -c", "*filter\n[1:x] -A INPUT\nCOMMIT\n"),
        ("iptables-restore", "*filter\nword\nCOMMIT\n"),
        ("iptables-restore", "*filter\nCOMMIT now\n"),
        ("iptables-restore", "*filter\n-A INPUT -t nat -j ACCEPT\nCOMMIT\n"),
        ("iptables-restore", "*filter\n-A INPUT -w -j ACCEPT\nCOMMIT\n"),
        ("iptables-restore", "*filter\n-A INPUT -6 -j ACCEPT\n-4 -A INPUT -j DROP\nCOMMIT\n"),
        ("ip6tables-restore", "*filter\n-A INPUT -6 -j ACCEPT\n-4 -A INPUT -j DROP\nCOMMIT\n"),
        ("iptables-restore", "*filter\n:A - [0:0]\n-A INPUT -j A\n-A A -j A\n-A INPUT -j ACCEPT\n-A A -j DROP\nCOMMIT\n"),
        ("iptables-restore", "*filter\n:A - [0:0]\n-A INPUT -j A\n-X A\n-A INPUT -j OUTPUT\nCOMMIT\n"),
        ("iptables-restore", "*filter\n:A - [0:0]\n-A A -j ACCEPT\n-L A\n-S\nCOMMIT\n"),
        "iptables-restore -V",
        "iptables-restore -h",
        "iptables-restore -q",
        "iptables-restore one two",
        "iptables-restore /nonexistent",
        "iptables-save -V",
        "iptables-save -q",
        "iptables-save word",
        "ip6tables-nft-restore -V",
        "iptables-save",
        "ip6tables-save",
    ],
}


def steps(session):
    if isinstance(session, str):
        session = session.strip().splitlines()
    for step in session:
        command, text = step if isinstance(step, tuple) else (step, "")
        yield {"argv": shlex.split(command), **({"stdin": text} if text else {})}


def without_dates(text):
    return "".join(l for l in text.splitlines(True) if not l.startswith(("# Generated by", "# Completed on")))


def run(session):
    # Users, groups and hosts are those of Debian, whoever else is on this machine.
    system = ("mount --bind /usr/share/base-passwd/passwd.master /etc/passwd && "
              "mount --bind /usr/share/base-passwd/group.master /etc/group && "
              "mount -t tmpfs none /mnt && echo 127.0.0.1 localhost > /mnt/hosts && "
              'mount --bind /mnt/hosts /etc/hosts && exec python3 -c "$0"')
    ran = subprocess.run(["unshare", "--net", "--mount", "sh", "-c", system, RUN], input=json.dumps(list(session)),
                         capture_output=True, text=True, env=ENV, check=True)
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    for answer in answers:
        answer["stdout"] = without_dates(answer["stdout"])
    return answers


def any_command(chance, past):
    """One of the many commands that a user may type, mostly right."""
    table = chance.choice(["filter"] * 4 + ["nat", "mangle", "raw"])
    base = {"filter": ["INPUT", "FORWARD", "OUTPUT"], "nat": ["PREROUTING", "OUTPUT", "POSTROUTING"],
            "mangle": ["PREROUTING", "FORWARD", "POSTROUTING"], "raw": ["PREROUTING", "OUTPUT"]}[table]
    users = ["one", "two", "three"]
    chain = lambda: chance.choice(base + users + ["gone"])
    rule = []
    for likely, words in ((0.3, ["-s 10.0.0.0/8", "-s 192.0.2.1,192.0.2.2", "! -s 127.0.0.1"]),
                          (0.2, ["-d 198.51.100.0/24", "-d 224.0.0.1"]),
                          (0.2, ["-i eth0", "! -i lo"]), (0.1, ["-o eth1"]),
                          (0.4, ["-p tcp --dport 443", "-p udp --sport 53", "-p icmp", "-p tcp --syn", "! -p udp"]),
                          (0.2, ["-m limit --limit 4/min", "-m mark --mark 7", "-m conntrack --ctstate NEW",
                                 "-m comment --comment words"])):
        if chance.random() < likely:
            rule += chance.choice(words).split()
    rule += chance.choice(["-j ACCEPT", "-j DROP", "-j RETURN", "-j one", "-j two", "-g three", "-j LOG", ""]).split()
    number = chance.choice(["1", "2", "3", "5"])
    at = chain()
    kind = chance.choice(["-A"] * 6 + ["-I", "-I", "-R", "-D", "-C", "-D#", "-N", "-N", "-N", "-X", "-E", "-P", "-F",
                                      "-Z", "-L", "-S", "save", "restore"])
    words = {"-A": ["-A", at] + rule, "-I": ["-I", at] + chance.choice([[], [number]]) + rule,
             "-R": ["-R", at, number] + rule, "-D#": ["-D", at, number], "-N": ["-N", chance.choice(users)],
             "-X": ["-X"] + chance.choice([[], [at]]), "-E": ["-E", chance.choice(users), chance.choice(users)],
             "-P": ["-P", at, chance.choice(["ACCEPT", "DROP"])], "-F": ["-F"] + chance.choice([[], [at]]),
             "-Z": ["-Z"] + chance.choice([[], [at]]), "-L": ["-nvL"] + chance.choice([[], [at], [at, number]]),
             "-S": ["-S"] + chance.choice([[], [at]])}
    if kind in ("-D", "-C"):
        return ["iptables", "-t"] + [past[0], kind] + past[1] if past else ["iptables", "-S"]
    if kind in ("save", "restore"):
        return ["iptables-save", "-c"]
    if kind == "-A":
        past[:] = [table, [at] + rule]
    return ["iptables", "-t", table] + words[kind] + (["-v"] if chance.random() < 0.1 and kind != "-L" else [])


def listing(tool, line):
    table, rule = line.split(" ", 1)
    chain = rule.split()[1]
    text = f"*{table}\n:USER - [0:0]\n{rule}\nCOMMIT\n"
    look = [tool, "-t", table, "-L", chain]
    answers = run([{"argv": [f"{tool}-restore"], "stdin": text}, {"argv": look}, {"argv": look + ["-n"]},
                   {"argv": look + ["-n", "-v", "-x"]}])
    # A line that is refused, or that makes no rule in its chain.
    if answers[0]["status"] or answers[1]["stdout"].count("\n") < 3:
        return None
    rows = [answer["stdout"].split("\n", 2)[2] for answer in answers[1:]]
    return {"line": line, "names": rows[0], "numbers": rows[1], "verbose": rows[2]}


def main():
    out = DATA / "programs"
    out.mkdir(exist_ok=True)
    sessions = {name: list(steps(session)) for name, session in SESSIONS.items()}
    for seed in range(1, 13):
        chance, past = random.Random(seed), []
        sessions[f"random-{seed:02}"] = [{"argv": any_command(chance, past)} for _ in range(60)]
    for name, session in sessions.items():
        lines = ",\n".join(json.dumps(answer, ensure_ascii=False) for answer in run(session))
        (out / f"{name}.json").write_text(f"[\n{lines}\n]\n")
    for family, tool in (("v4", "iptables"), ("v6", "ip6tables")):
        lines = (DATA / "lines" / f"{family}.txt").read_text().splitlines()
        rules = [line for line in lines if " -A " in f" {line}" and not line.startswith("#")]
        rows = [row for row in (listing(tool, line) for line in rules) if row]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (out / f"listing-{family}.jsonl").write_text(text)


main()
