"""Random rules that iptables 1.8.9 takes, for fuzz_labs.py: what may match where, and what may be done in each table."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Place:
    """The addresses around a router: a host on its near and on its far side."""

    family: int
    near: str
    own_near: str
    own_far: str
    far: str
    net_near: str
    net_far: str
    net_other: str

    def bits(self, addr):
        return addr + ("/24" if self.family == 4 else "/64")

    def port(self, addr, port):
        return f"{addr}:{port}" if self.family == 4 else f"[{addr}]:{port}"


CHAINS = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "OUTPUT", "POSTROUTING", "INPUT"),
    "filter": ("INPUT", "FORWARD", "FORWARD", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}
PORTS = (53, 80, 22, 99, 5000)
ANY = (
    "-m conntrack --ctstate NEW", "-m conntrack --ctstate ESTABLISHED,RELATED", "-m conntrack --ctstate INVALID", "-m conntrack ! --ctstate NEW",
    "-m conntrack --ctstate DNAT", "-m conntrack --ctstate SNAT", "-m conntrack --ctdir ORIGINAL", "-m conntrack --ctdir REPLY",
    "-m conntrack --ctstatus SEEN_REPLY", "-m conntrack --ctstatus ASSURED,CONFIRMED", "-m conntrack --ctstatus NONE",
    "-m conntrack --ctproto 17", "-m conntrack --ctorigdstport 80", "-m conntrack --ctorigdst {own_near}", "-m conntrack --ctreplsrc {far}",
    "-m conntrack --ctexpire 1:200", "-m state --state NEW,UNTRACKED", "-m addrtype --dst-type LOCAL", "-m addrtype ! --src-type LOCAL",
    "-m addrtype --src-type UNICAST --dst-type UNICAST", "-m mark --mark 0x1", "-m mark ! --mark 0/0xff", "-m connmark --mark 2", "-m length --length 0:59",
    "-m length --length 60:100", "-m length ! --length 28:60", "-m pkttype --pkt-type unicast", "-m pkttype ! --pkt-type broadcast",
    "-m string --algo bm --string hello", "-m string --algo kmp --string ping --from 20 --to 60", "-m string --algo bm ! --string ping",
    "-m comment --comment \"a comment\"", "-m policy --dir {dir} --pol none", "-m dscp --dscp 4", "-m dscp ! --dscp-class EF", "-m tos --tos 0x10",
    "-m tos ! --tos 0x10/0x3f", "-m devgroup --src-group 0", "-m realm --realm 0", "-m cpu ! --cpu 99", "-m time --timestart 00:00:00 --timestop 23:59:59",
    "-m connlabel --label 3", "-m cluster --cluster-total-nodes 1 --cluster-local-node 1 --cluster-hash-seed 7", "-m helper --helper ftp",
)
ANY4 = ("-m ttl --ttl-eq 63", "-m ttl --ttl-gt 63", "-m ttl --ttl-lt 3", "-m iprange --src-range 10.0.1.2-10.0.1.9", "-m iprange ! --dst-range 192.168.9.1-192.168.9.200",
        "-f", "! -f", "-m ecn --ecn-ip-ect 1", "-m u32 --u32 \"0>>22&0x3C@0&0xFFFF=53\"", "-m u32 --u32 \"6&0xFF=17\"", "-m u32 --u32 \"0&0xFFFF=0x0:0x40\"",
        "-m u32 --u32 \"8>>24&0xFF=63:64\"", "-m addrtype --limit-iface-in --dst-type LOCAL")
ANY6 = ("-m hl --hl-eq 63", "-m hl --hl-gt 62", "-m hl --hl-lt 3", "-m iprange --src-range fd01::2-fd01::9", "-m ipv6header --header none --soft",
        "-m ipv6header --header frag --soft", "-m frag --fragfirst", "-m rt --rt-type 0", "-m u32 --u32 \"4>>8&0xFF=17\"", "-m dst", "-m hbh")
BY_PROTO = {
    "tcp": ("--dport {port}", "! --dport {port}", "--sport 40000:40003", "--syn", "! --syn", "--tcp-flags SYN,ACK,FIN,RST RST", "--tcp-flags ALL ACK,PSH", "--tcp-flags SYN,FIN SYN,FIN",
            "--tcp-option 2", "! --tcp-option 8", "-m tcpmss --mss 1400:1500", "-m multiport --dports 22,80", "-m multiport ! --ports 80,1000:2000",
            "-m ecn --ecn-tcp-cwr", "-m ecn ! --ecn-tcp-ece"),
    "udp": ("--dport {port}", "! --dport {port}", "--sport 40000:40005", "-m multiport --sports 53,40001:40004", "-m multiport --dports 53,5000", "-m length --length 32"),
    "icmp": ("--icmp-type 8", "! --icmp-type 8", "--icmp-type 0", "--icmp-type 3", "--icmp-type 3/3", "--icmp-type 11", "--icmp-type any"),
    "icmpv6": ("--icmpv6-type 128", "! --icmpv6-type 128", "--icmpv6-type 129", "--icmpv6-type 1", "--icmpv6-type 1/4", "--icmpv6-type 3", "--icmpv6-type 2"),
    "gre": ("",), "sctp": ("--dport 80", "! --sport 22"), "all": ("",),
}
HAS_IN = ("PREROUTING", "INPUT", "FORWARD")
HAS_OUT = ("FORWARD", "OUTPUT", "POSTROUTING")


def matches(r, p, table, chain, proto, local):
    words = []
    if r.random() < 0.15:
        words.append(("! " if r.random() < 0.25 else "") + r.choice((f"-s {p.near}", f"-s {p.net_near}", f"-d {p.far}", f"-d {p.net_far}", f"-d {p.own_near}")))
    devices = ("eth0", "lo", "eth+") if local else ("wan", "lan", "lan", "wa+", "lo")
    if chain in HAS_IN and r.random() < 0.15:
        words.append(("! " if r.random() < 0.2 else "") + "-i " + r.choice(devices))
    if chain in HAS_OUT and r.random() < 0.15:
        words.append(("! " if r.random() < 0.2 else "") + "-o " + r.choice(devices))
    if proto:
        words.append(f"-p {proto} {r.choice(BY_PROTO[proto]).format(port=r.choice(PORTS))}")
    if r.random() < (0.25 if proto else 0.9):
        pool = ANY + (ANY4 if p.family == 4 else ANY6)
        pool = [m for m in pool if not ("realm" in m and p.family == 6) and not ("devgroup" in m and chain not in HAS_IN) and not ("limit-iface" in m and chain not in HAS_IN)
                and not ("ct" in m and table == "raw" and "--ct" in m) and not ("policy" in m and chain == "FORWARD" and False)]
        words.append(r.choice(pool).format(dir="out" if chain in ("OUTPUT", "POSTROUTING") else "in", own_near=p.own_near, far=p.far))
    if chain == "OUTPUT" and r.random() < 0.15:
        words.append(r.choice(("-m owner --uid-owner 0", "-m owner ! --uid-owner 0", "-m owner --socket-exists", "-m owner --gid-owner 5")))
    if chain in HAS_IN and r.random() < 0.08:
        words.append(r.choice(("-m mac --mac-source 02:00:00:00:01:01", "-m mac ! --mac-source 02:00:00:00:01:01")))
    return words


def target(r, p, table, chain, proto):
    mark = r.choice(("0x1", "0x2", "0x10/0xf0"))
    if table == "filter" or table == "security":
        ends = ["", "", "", "-j ACCEPT", "-j ACCEPT", "-j DROP", "-j LOG", "-j RETURN", "-j NFLOG", "-j {user}", "-j {user}", "-g {user}"]
        if table == "filter":
            ends += ["-j REJECT"] + ["-j REJECT --reject-with tcp-reset"] * (proto == "tcp")
        return r.choice(ends)
    if table == "mangle":
        ends = [f"-j MARK --set-mark {mark}", f"-j MARK --set-mark {mark}", "-j MARK --or-mark 0x4", f"-j CONNMARK --set-mark {mark}", "-j CONNMARK --save-mark", "-j CONNMARK --restore-mark",
                "-j TOS --set-tos 0x10", "-j DSCP --set-dscp 4", "-j DSCP --set-dscp-class EF", "-j TOS --set-tos 8/0x1c", "", "-j ACCEPT", "-j DROP", "-j RETURN", "-j {user}", "-g {user}"]
        ends += ["-j TTL --ttl-set 63", "-j TTL --ttl-dec 1", "-j TTL --ttl-inc 5"] if p.family == 4 else ["-j HL --hl-set 63", "-j HL --hl-dec 1", "-j HL --hl-inc 5"]
        if proto == "tcp":
            ends += (["-j ECN --ecn-tcp-remove"] if p.family == 4 else []) + ["-j TCPOPTSTRIP --strip-options timestamp,wscale"]
        return r.choice(ends)
    if table == "raw":
        return r.choice(("-j NOTRACK", "-j CT --notrack", "-j CT --zone 1", "-j CT --zone-orig 2", "-j DROP", "-j ACCEPT", "", "", "-j {user}", "-j CT --ctevents new"))
    ported = proto in ("tcp", "udp")
    if chain in ("PREROUTING", "OUTPUT"):
        ends = [f"-j DNAT --to-destination {p.far}", "-j REDIRECT", "-j ACCEPT", "-j {user}", f"-j NETMAP --to {p.net_far}"]
        if ported:
            ends += [f"-j DNAT --to-destination {p.port(p.far, q)}" for q in (80, 53, 99)] + ["-j REDIRECT --to-ports 80", "-j REDIRECT --to-ports 53", "-j DNAT --to-destination :80"]
    elif chain == "POSTROUTING":
        ends = ["-j MASQUERADE", "-j MASQUERADE", f"-j SNAT --to-source {p.own_far}", f"-j SNAT --to-source {p.own_near}", "-j ACCEPT", "-j RETURN"]
        if ported:
            ends += [f"-j SNAT --to-source {p.port(p.own_far, 6001)}", "-j MASQUERADE --to-ports 6000-6050"][:1]
    else:
        ends = [f"-j SNAT --to-source {p.own_far}", "-j ACCEPT", ""]
    return r.choice(ends)


def rules(r, p, table, n, local=False, user=()):
    """n rules of a table, appended to its chains."""
    out = []
    protos = ["tcp", "udp", "icmp" if p.family == 4 else "icmpv6"]
    for _ in range(n):
        chain = r.choice(CHAINS[table])
        if local and chain in ("FORWARD",):
            chain = "OUTPUT"
        proto = r.choice(protos * 3 + [None] * 5 + ["gre", "sctp"])
        end = target(r, p, table, chain, proto)
        if "{user}" in end:
            end = end.format(user=r.choice(user)) if user else ""
        if table == "nat" and not end.startswith(("-j ACCEPT", "-j RETURN")) and proto is None:
            proto = r.choice(("tcp", "udp"))
        out.append(" ".join(w for w in ["-A", chain, *matches(r, p, table, chain, proto, local), end] if w))
    return out


def ruleset(r, p, wanted, local=False):
    """Tables with so many rules each, user chains for some, now and then a policy of DROP."""
    text = []
    for table, n in wanted.items():
        text.append("*" + table)
        user = ["one", "two"] if n >= 3 and table != "nat" else []
        if table == "filter":
            text += [f":{c} DROP [0:0]" for c in ("INPUT", "FORWARD", "OUTPUT") if r.random() < 0.12]
        text += [f":{c} - [0:0]" for c in user]
        for chain in user:
            for _ in range(r.randint(1, 2)):
                words = matches(r, p, table, "x", r.choice(("tcp", "udp", None)), local)
                end = r.choice(("", "-j RETURN", "-j ACCEPT", "-j two" if chain == "one" else "-j RETURN", "-g two" if chain == "one" else ""))
                text.append(" ".join(w for w in ["-A", chain, *words, end] if w))
        text += rules(r, p, table, n, local, user) + ["COMMIT"]
    return text
