#!/usr/bin/env python3
"""Records what Linux does with packets, byte by byte: which rules count them, what goes out, what is answered.

    tests/record/wire.py          writes tests/data/wire.jsonl

A host with eth0 (10.0.0.1/24, 2001:db8::1/64) and eth1 (10.0.1.1/24, 2001:db8:1::1/64) forwards between two
wires. Each case has rules and packets; a packet goes onto the wire of eth0. Recorded are, for each packet, how
many packets each rule counted, and the bytes from the IP header on of what left by each interface. Needs root and
iptables 1.8.9 (nf_tables); works in fresh network namespaces.
"""
import ctypes
import fcntl
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import time

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "wire.jsonl"
LIBC = ctypes.CDLL(None, use_errno=True)
NEWNET = 0x40000000
PEER, HOST = "02:00:00:00:02:0%d", "02:00:00:00:01:0%d"

# Building packets.


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def addr(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def pseudo(src, dst, proto, length):
    return addr(src) + addr(dst) + struct.pack("!LHBB" if ":" in src else "!xBH", *((length, 0, 0, proto) if ":" in src else (proto, length)))


def transport(src, dst, proto, field, data, bad=False):
    total = checksum(pseudo(src, dst, proto, len(data)) + data) if proto != 1 else checksum(data)
    total = (total or 0xFFFF) ^ (0x5555 if bad else 0)
    return data[:field] + struct.pack("!H", total) + data[field + 2:]


def ip(proto, body, src=None, dst=None, v6=False, ttl=64, tos=0, ident=0x1234, df=False, mf=False, offset=0, options=b"",
       ext=b"", first=None, flow=0):
    src = src or ("2001:db8::2" if v6 else "10.0.0.2")
    dst = dst or ("2001:db8:1::2" if v6 else "10.0.1.2")
    if v6:
        head = struct.pack("!LHBB", 6 << 28 | tos << 20 | flow, len(ext) + len(body), proto if first is None else first, ttl)
        return head + addr(src) + addr(dst) + ext + body
    flags = df << 14 | mf << 13 | offset // 8
    head = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, tos, 20 + len(options) + len(body), ident, flags, ttl, proto, 0)
    head += addr(src) + addr(dst) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def ends(kw):
    v6 = kw.get("v6", False)
    return kw.get("src") or ("2001:db8::2" if v6 else "10.0.0.2"), kw.get("dst") or ("2001:db8:1::2" if v6 else "10.0.1.2")


def udp(data=b"", sport=4000, dport=53, bad=False, **kw):
    src, dst = ends(kw)
    return ip(17, transport(src, dst, 17, 6, struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data, bad), **kw)


def tcp(data=b"", sport=4000, dport=80, flags=2, seq=1000, ack=0, window=64240, opts=b"", bad=False, **kw):
    src, dst = ends(kw)
    head = struct.pack("!HHLLBBHHH", sport, dport, seq, ack, (20 + len(opts)) << 2, flags, window, 0, 0)
    return ip(6, transport(src, dst, 6, 16, head + opts + data, bad), **kw)


def icmp(kind=8, code=0, rest=b"\x12\x34\0\x01", data=b"", **kw):
    v6 = kw.get("v6", False)
    src, dst = ends(kw)
    proto = 58 if v6 else 1
    return ip(proto, transport(src, dst, proto, 2, bytes([kind, code, 0, 0]) + rest + data), **kw)


def hop(body, following, size=8):
    """An extension header: next header, length, body padded."""
    return bytes([following, size // 8 - 1]) + body.ljust(size - 2, b"\0")


MSS = b"\x02\x04\x05\xb4"
SYNOPTS = MSS + b"\x04\x02\x08\x0a\x00\x00\x00\x05\x00\x00\x00\x00\x01\x03\x03\x07"


def u32(*tests):
    return [f'-A FORWARD -m u32 --u32 "{t}"' for t in tests]


def forward(*matches, target=""):
    return [f"-A FORWARD {m}{target}" for m in matches]


MANY = [udp(b"GET /index.html"), udp(), tcp(opts=SYNOPTS), tcp(flags=0x18, ack=5, data=b"hello"), icmp(), icmp(data=b"abcdefgh"),
        udp(b"x" * 100, tos=0xB8, ttl=3), tcp(flags=0xC2), icmp(3, 3, b"\0" * 4, data=udp(b"abc", src="10.0.1.2", dst="10.0.0.2"))]
MANY6 = [udp(b"GET /index.html", v6=True), tcp(opts=SYNOPTS, v6=True), icmp(128, v6=True),
         udp(b"y" * 9, v6=True, tos=0xB8, ttl=3)]

SRC, DST = "2001:db8::2", "2001:db8:1::2"
UDP6 = udp(b"inner", v6=True)[40:]


def ext6(first, ext, proto=17, body=UDP6, **kw):
    return ip(proto, body, v6=True, ext=ext, first=first, **kw)


RT0 = hop(b"\x00\x00\0\0\0\0" + addr("2001:db8::a") + addr("2001:db8::b"), 17, 40)
RT2 = hop(b"\x02\x00\0\0\0\0" + addr("2001:db8::a"), 17, 24)
SRH = hop(b"\x04\x00\x01\x00\x00\x07" + addr("2001:db8:1::2") + addr("2001:db8::b"), 17, 40)
EXT6 = [
    udp(b"plain", v6=True),
    ext6(0, hop(b"\x05\x02\0\0\x01\x00", 17)),
    ext6(60, hop(b"\x01\x04\0\0\0\0", 17)),
    ext6(60, hop(b"\x01\x0c", 17, 16)),
    ext6(0, hop(b"\x05\x02\0\0\x01\x00", 60) + hop(b"\x01\x04", 17)),
    ext6(43, RT0), ext6(43, RT2), ext6(43, SRH),
    ext6(44, struct.pack("!BBHL", 17, 0, 1, 77)),
    ext6(44, struct.pack("!BBHL", 17, 0, 0, 78)),
    ext6(44, struct.pack("!BBHL", 17, 0, 64, 79), body=b"q" * 16),
    ext6(51, struct.pack("!BBHLL", 17, 1, 0, 0x10, 1) , proto=51),
    ip(50, struct.pack("!LL", 0x200, 1) + b"e" * 16, v6=True),
    ip(59, b"", v6=True),
    ip(135, b"\x3b\x00\x05\x00\0\0\0\0", v6=True),
    icmp(128, v6=True),
]

CASES = [
    ("u32", 4, "filter", u32("0>>22&0x3C@0>>24=8", "6&0xFF=1", "6&0xFF=6&&0>>22&0x3C@12>>26&0x3C@0=0:0xFFFFFFFF", "0&0xFFFF=100:65535",
                             "0>>22&0x3C@8=0x47455420", "28&0xFF000000=0x47000000", "60=0", "8&0xFF0000=0x110000,0x60000", "0<<8>>24=0xb8",
                             "12=0x0a000002", "0>>22&0x3C@0>>24&3=0,3") + ['-A FORWARD -m u32 ! --u32 "6&0xFF=17"'], MANY),
    ("u32 v6", 6, "filter", u32("6&0xFF=0x11", "40=0x0fa00035", "4>>16=23", "48=0x47455420"), MANY6),
    ("string", 4, "filter", forward('-m string --algo bm --string "GET"', '-m string --algo kmp --string "get"',
        '-m string --algo kmp --string "get" --icase', '-m string --algo bm --string "GET" --from 28 --to 31',
        '-m string --algo bm --string "GET" --from 28 --to 30', '-m string --algo bm --string "GET" --from 29', '-m string --algo bm --hex-string "|474554|"',
        '-m string --algo bm ! --string "html"', '-m string --algo kmp --hex-string "|0a000002|"', '-m string --algo bm --string "abc"',
        '-m string --algo kmp --string "html" --to 43', '-m string --algo kmp --string "html" --to 42', '-m string --algo bm --string "ell" --icase'), MANY),
    ("bpf", 4, "filter", forward('-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0"',
        '-m bpf --bytecode "5,177 0 0 0,72 0 0 2,21 0 1 53,6 0 0 65535,6 0 0 0"', '-m bpf --bytecode "4,32 0 0 28,21 0 1 1195725856,6 0 0 1,6 0 0 0"',
        '-m bpf --bytecode "4,128 0 0 0,37 0 1 60,6 0 0 1,6 0 0 0"', '-m bpf --bytecode "4,40 0 0 4294963200,21 0 1 2048,6 0 0 1,6 0 0 0"'), MANY),
    ("headers", 4, "filter", forward("-m length --length 28", "-m length ! --length 0:60", "-m ttl --ttl-eq 63", "-m ttl --ttl-lt 3", "-m ttl --ttl-gt 2",
        "-m tos --tos 0xb8/0xff", "-m dscp --dscp-class ef", "-m ecn --ecn-ip-ect 0", "-p tcp -m ecn --ecn-tcp-ece", "-p tcp -m ecn ! --ecn-tcp-cwr",
        "-p tcp -m tcpmss --mss 1460", "-p tcp -m tcpmss ! --mss 1:100", "-p tcp -m tcp --tcp-option 8", "-p tcp -m tcp ! --tcp-option 2",
        "-p tcp -m tcp --syn", "-p udp -m udp --dport 53", "-p icmp -m icmp --icmp-type 8", "-p icmp -m icmp --icmp-type 3/3", "-p icmp -m icmp ! --icmp-type any",
        "-m multiport -p udp --ports 53,80", "-m iprange --src-range 10.0.0.1-10.0.0.2"), MANY),
    ("around", 4, "filter", forward("-m policy --dir in --pol none", "-m policy --dir in --pol ipsec", "-m policy --dir out --pol ipsec --strict --proto esp",
        "-m cpu --cpu 0", "-m devgroup --src-group 0", "-m devgroup ! --dst-group 0", "-m devgroup --src-group 0x1/0x1", "-m realm --realm 0",
        "-m realm ! --realm 1", "-m realm --realm 0x0/0xf", "-m mac --mac-source 02:00:00:00:02:00", "-m mac ! --mac-source 02:00:00:00:02:00", "-m pkttype --pkt-type unicast",
        "-m physdev ! --physdev-is-in", "-m addrtype --src-type UNICAST", "-m addrtype --dst-type LOCAL", "-m addrtype --limit-iface-in --dst-type UNICAST"), [udp()]),
    ("ah and esp", 4, "filter", forward("-p ah -m ah --ahspi 1:16", "-p ah -m ah ! --ahspi 16", "-p esp -m esp --espspi 512", "-p esp -m esp ! --espspi 1:511",
        "-p esp", "-p 108 -m ipcomp --ipcompspi 7"),
     [ip(51, struct.pack("!BBHLL", 17, 1, 0, 0x10, 1) + b"z" * 8), ip(50, struct.pack("!LL", 0x200, 1) + b"e" * 16), ip(108, b"\x11\x00\x00\x07abcd"), udp()]),
    ("extension headers", 6, "filter", forward("-m hbh", "-m hbh --hbh-len 8", "-m hbh ! --hbh-len 8", "-m hbh --hbh-opts 5:2", "-m hbh --hbh-opts 5,1", "-m hbh --hbh-opts 1",
        "-m dst", "-m dst --dst-len 16", "-m dst --dst-opts 1:4", "-m dst --dst-opts 1:12", "-m rt", "-m rt --rt-type 0", "-m rt ! --rt-type 0", "-m rt --rt-segsleft 0",
        "-m rt --rt-type 0 --rt-len 40", "-m rt --rt-type 0 --rt-0-res", "-m rt --rt-type 0 --rt-0-addrs 2001:db8::a,2001:db8::b",
        "-m rt --rt-type 0 --rt-0-addrs 2001:db8::b --rt-0-not-strict", "-m rt --rt-type 0 --rt-0-addrs 2001:db8::a",
        "-m frag", "-m frag --fragid 77", "-m frag --fragid 70:78 --fragfirst", "-m frag --fragmore", "-m frag --fraglast", "-m frag --fragfirst",
        "-m ipv6header --header hop --soft", "-m ipv6header --header hop,prot", "-m ipv6header ! --header prot", "-m ipv6header --header prot", "-m ipv6header --header esp --soft",
        "-m ipv6header ! --header frag --soft", "-m ipv6header --header none --soft", "-m ipv6header --header auth --soft", "-m ipv6header --header auth,prot",
        "-m ipv6header --header dst,route --soft", "-m ah --ahspi 16", "-m ah --ahlen 12", "-m ah --ahspi 16 --ahres", "-p esp -m esp --espspi 512", "-p mh -m mh --mh-type bu", "-p mh -m mh --mh-type 6",
        "-m srh", "-m srh --srh-segs-left-eq 0", "-m srh --srh-tag 7", "-m srh ! --srh-tag 7", "-m srh --srh-last-entry-gt 0", "-m srh --srh-lsid 2001:db8:1::/64",
        "-m srh --srh-next-hdr 17", "-m srh --srh-hdr-len-lt 4", "-p udp", "-p udp -m udp --dport 53", "! -p udp", "-p esp", "-p ah", "-p ipv6-nonxt"), EXT6),
    ("ttl and tos targets", 4, "mangle", ["-A PREROUTING -p udp -j TTL --ttl-set 10", "-A PREROUTING -p tcp -j TTL --ttl-inc 5", "-A PREROUTING -p icmp -j TTL --ttl-dec 2",
        "-A FORWARD -p udp -j TOS --set-tos 0x10/0x3f", "-A FORWARD -p tcp -j DSCP --set-dscp 46", "-A FORWARD -p icmp -j TOS --or-tos 0x04",
        "-A FORWARD -p tcp -j ECN --ecn-tcp-remove", "-A FORWARD -p udp -j ECN --ecn-ip-ect 2"], MANY),
    ("tcp options", 4, "mangle", ["-A FORWARD -p tcp -m tcp --dport 80 -j TCPOPTSTRIP --strip-options timestamp,sack-permitted",
        "-A FORWARD -p tcp -m tcp --dport 81 -j TCPMSS --set-mss 1000", "-A FORWARD -p tcp -m tcp --dport 82 -j TCPMSS --set-mss 1500"],
     [tcp(opts=SYNOPTS), tcp(opts=SYNOPTS, dport=81), tcp(dport=81), tcp(dport=81, data=b"x"), tcp(opts=SYNOPTS, dport=82), tcp(dport=82), tcp(opts=b"\x01" * 40, dport=81)]),
    ("tcp options v6", 6, "mangle", ["-A FORWARD -p tcp -m tcp --dport 80 -j TCPOPTSTRIP --strip-options wscale,mss",
        "-A FORWARD -p tcp -m tcp --dport 81 -j TCPMSS --set-mss 1000", "-A FORWARD -p tcp -m tcp --dport 82 -j TCPMSS --set-mss 1500"],
     [tcp(opts=SYNOPTS, v6=True), tcp(opts=SYNOPTS, dport=81, v6=True), tcp(dport=81, v6=True), tcp(dport=82, v6=True)]),
    ("hmark", 4, "mangle", [f"-A PREROUTING -p {p} -j HMARK {o} --hmark-mod 16 --hmark-rnd 0xcafe" for p, o in
        (("udp", "--hmark-tuple src,dst,sport,dport,proto"), ("tcp", "--hmark-tuple src,dst"), ("icmp", "--hmark-tuple src,dst,proto"),
         ("esp", "--hmark-tuple src,spi --hmark-offset 3"))] + [f"-A FORWARD -m mark --mark {n}" for n in range(20)],
     MANY + [udp(sport=n) for n in range(4001, 4009)] + [ip(50, struct.pack("!LL", n, 1) + b"e" * 16) for n in (1, 2)]
     + [udp(dport=4000, sport=53), udp(mf=True), tcp(src="10.0.0.9")]),
    ("hmark masks", 4, "mangle", ["-A PREROUTING -p udp -j HMARK --hmark-src-prefix 24 --hmark-dport-mask 0xff00 --hmark-sport 5 --hmark-mod 16 --hmark-rnd 7"]
     + [f"-A FORWARD -m mark --mark {n}" for n in range(16)], [udp(sport=n, dport=n * 3, src=f"10.0.0.{n % 5 + 2}") for n in range(4001, 4013)]),
    ("hmark v6", 6, "mangle", ["-A PREROUTING -j HMARK --hmark-tuple src,dst,sport,dport,proto --hmark-mod 16 --hmark-rnd 0xcafe"]
     + [f"-A FORWARD -m mark --mark {n}" for n in range(16)], MANY6 + [udp(sport=n, v6=True) for n in range(4001, 4005)]),
    ("npt", 6, "mangle", ["-A POSTROUTING -s 2001:db8::/64 -j SNPT --src-pfx 2001:db8::/64 --dst-pfx fd00:1:2:3::/64",
        "-A PREROUTING -d fd00:9::/48 -j DNPT --src-pfx fd00:9::/48 --dst-pfx 2001:db8:1::/48"],
     [udp(b"hi", v6=True), udp(b"hi", v6=True, dst="fd00:9:0:0::2"), tcp(v6=True, src="2001:db8::ffff:1:2:3"),
      icmp(1, 4, b"\0" * 4, data=udp(b"abc", v6=True, src="2001:db8:1::2", dst="2001:db8::2"), v6=True)]),
    ("reject", 4, "filter", ["-A FORWARD -p tcp -j REJECT --reject-with tcp-reset", "-A FORWARD -p udp -j REJECT --reject-with icmp-admin-prohibited",
        "-A FORWARD -j REJECT", "-A INPUT -p udp -j REJECT", "-A INPUT -p tcp -j REJECT --reject-with tcp-reset"],
     [tcp(), tcp(flags=0x10, ack=77), tcp(flags=4), tcp(data=b"abc", flags=0x18, ack=9), tcp(flags=0, data=b"xy"), tcp(flags=3), tcp(bad=True), udp(b"abc"), udp(bad=True), udp(b"z" * 600, tos=0x08),
      icmp(), icmp(0), icmp(3, 3, b"\0" * 4, data=udp(b"abc", src="10.0.1.2", dst="10.0.0.2")), udp(dst="10.0.0.1"), udp(dst="10.0.0.255"), udp(dst="255.255.255.255"),
      tcp(dst="10.0.0.1", opts=SYNOPTS), udp(dst="224.0.0.1"), udp(b"a" * 24, offset=1480), udp(b"a" * 24, mf=True)]),
    ("reject v6", 6, "filter", ["-A FORWARD -p tcp -j REJECT --reject-with tcp-reset", "-A FORWARD -p udp -j REJECT --reject-with icmp6-adm-prohibited",
        "-A FORWARD -j REJECT"],
     [tcp(v6=True), tcp(flags=0x10, ack=77, v6=True), tcp(flags=4, v6=True), tcp(bad=True, v6=True), udp(b"abc", v6=True), udp(b"abc", v6=True, bad=True), icmp(128, v6=True),
      icmp(1, 4, b"\0" * 4, data=udp(b"abc", v6=True, src="2001:db8:1::2", dst="2001:db8::2"), v6=True), udp(b"z" * 1300, v6=True)]),
    ("queue", 4, "filter", ["-A FORWARD -p udp -j NFQUEUE --queue-num 3 --queue-bypass", "-A FORWARD -p tcp -j NFQUEUE --queue-num 3", "-A FORWARD -p udp"], [udp(), tcp()]),
    ("notes", 4, "mangle", ["-A FORWARD -j AUDIT --type accept", "-A FORWARD -j LOG --log-prefix x", "-A FORWARD -j NFLOG", "-A FORWARD -j TRACE", "-A FORWARD -j CLASSIFY --set-class 1:2",
        "-A FORWARD -j CHECKSUM --checksum-fill", "-A FORWARD -j CONNMARK --save-mark", "-A FORWARD"], [udp()]),
    ("limit", 4, "filter", ["-A FORWARD -m limit --limit 2/sec --limit-burst 3", "-A FORWARD -m limit --limit 1/min --limit-burst 2"],
     [udp()] * 5 + [(udp(), 0.6), (udp(), 0.6), (udp(), 0.1)]),
    ("hashlimit", 4, "filter", ["-A FORWARD -m hashlimit --hashlimit-upto 2/sec --hashlimit-burst 3 --hashlimit-mode srcip --hashlimit-name a",
        "-A FORWARD -m hashlimit --hashlimit-above 2/sec --hashlimit-burst 3 --hashlimit-mode srcip,dstport --hashlimit-name b",
        "-A FORWARD -m hashlimit --hashlimit-upto 1kb/s --hashlimit-mode dstip --hashlimit-name c",
        "-A FORWARD -m hashlimit --hashlimit-above 1kb/s --hashlimit-burst 2kb --hashlimit-mode dstip --hashlimit-name d",
        "-A FORWARD -m hashlimit --hashlimit-upto 3/sec --hashlimit-burst 2 --hashlimit-rate-match --hashlimit-mode srcip --hashlimit-name e",
        "-A FORWARD -m hashlimit --hashlimit-above 3/sec --hashlimit-burst 2 --hashlimit-rate-match --hashlimit-rate-interval 2 --hashlimit-mode srcip --hashlimit-name f",
        "-A FORWARD -m hashlimit --hashlimit-upto 1kb/s --hashlimit-rate-match --hashlimit-mode srcip --hashlimit-name g"],
     [udp(b"q" * 300)] * 7 + [udp(src="10.0.0.3"), udp(dport=54), (udp(b"q" * 300), 0.6)] + [udp(b"q" * 300)] * 3 + [(udp(), 1.2), udp(), (udp(), 2.2), udp()]),
    ("recent", 4, "filter", ["-A FORWARD -m recent --name a --rcheck --hitcount 3", "-A FORWARD -m recent --name a --rcheck --seconds 1", "-A FORWARD -m recent --name a --rcheck --rttl",
        "-A FORWARD -m recent --name m --update --seconds 1 --reap", "-A FORWARD -m recent --name a --set", "-A FORWARD -m recent --name m --mask 255.255.255.0 --set",
        "-A FORWARD -m recent --name d --rdest ! --rcheck", "-A FORWARD -p tcp -m recent --name d --rdest --set", "-A FORWARD -p icmp -m recent --name a --remove",
        "-A FORWARD -m recent --name b --rcheck --hitcount 40", "-A FORWARD -m recent --name b --set"],
     [udp(), udp(), udp(), udp(), udp(ttl=9), udp(src="10.0.0.7"), (udp(), 1.3), udp(), tcp(), udp(), icmp(), udp(), icmp(src="10.0.0.99")] + [udp()] * 30),
    ("quota and statistic", 4, "filter", ["-A FORWARD -m quota --quota 100", "-A FORWARD -m quota ! --quota 60", "-A FORWARD -m statistic --mode nth --every 3 --packet 1",
        "-A FORWARD -m statistic --mode nth ! --every 2 --packet 0", "-A FORWARD -m statistic --mode random --probability 1", "-A FORWARD -m statistic --mode random --probability 0"], [udp()] * 7),
    ("sctp", 4, "filter", forward("-p sctp -m sctp --chunk-types any INIT", "-p sctp -m sctp --chunk-types all INIT,DATA", "-p sctp -m sctp --chunk-types only DATA", "-p sctp -m sctp ! --chunk-types any DATA",
        "-p sctp -m sctp --chunk-types any DATA:Be", "-p sctp -m sctp --chunk-types any DATA:BE", "-p sctp -m sctp --chunk-types only INIT,DATA", "-p sctp -m sctp --chunk-types all ALL", "-p sctp -m sctp --chunk-types any NONE",
        "-p sctp -m sctp --dport 80", "-p sctp -m sctp --chunk-types any SACK --dport 80"),
     [ip(132, struct.pack("!HHLL", 4000, 80, 1, 0) + c) for c in (b"\x01\0\0\x14" + b"i" * 16, b"\0\x02\0\x14" + b"d" * 16, b"\0\x03\0\x13" + b"d" * 15 + b"\0" + b"\x03\0\0\x10" + b"s" * 12,
        b"\x01\0\0\x08abcd\0\x03\0\x08abcd", b"\0\x03\0\0", b"", b"\0\x03")]),
]


# Running them.

def unshare():
    if LIBC.unshare(NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    return os.open("/proc/self/ns/net", os.O_RDONLY)


def enter(ns):
    if LIBC.setns(ns, NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def sh(*command, **kw):
    return subprocess.run(command, check=True, capture_output=True, text=True, **kw).stdout


def no_checksum_offload(name):
    """Checksums are made before a packet leaves, not by the interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        value = ctypes.create_string_buffer(struct.pack("II", 0x17, 0))
        fcntl.ioctl(s, 0x8946, struct.pack("16sP", name.encode(), ctypes.addressof(value)) + bytes(16))


def host():
    """A fresh host and the two wires' other ends."""
    peers = unshare()
    pathlib.Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")
    own = unshare()
    for key, value in (("ipv4/ip_forward", 1), ("ipv6/conf/all/forwarding", 1), ("ipv6/conf/default/accept_dad", 0), ("ipv4/icmp_ratelimit", 0),
                       ("ipv6/icmp/ratelimit", 0), ("ipv4/conf/default/rp_filter", 0), ("ipv4/conf/all/rp_filter", 0), ("ipv6/conf/all/accept_dad", 0)):
        pathlib.Path("/proc/sys/net", key).write_text(str(value))
    wires = []
    for n in (0, 1):
        sh("ip", "link", "add", f"eth{n}", "address", HOST % n, "type", "veth", "peer", "name", f"p{n}", "address", PEER % n, "netns", f"/proc/{os.getpid()}/fd/{peers}",
           pass_fds=(peers,))
        no_checksum_offload(f"eth{n}")
        sh("ip", "addr", "add", f"10.0.{n}.1/24", "broadcast", "+", "dev", f"eth{n}")
        sh("ip", "addr", "add", ("2001:db8::1/64", "2001:db8:1::1/64")[n], "dev", f"eth{n}", "nodad")
        sh("ip", "link", "set", f"eth{n}", "up")
    sh("ip", "link", "set", "lo", "up")
    for n in (0, 1):
        for last in (*range(2, 12), 99):
            sh("ip", "neigh", "add", f"10.0.{n}.{last}", "lladdr", PEER % n, "nud", "permanent", "dev", f"eth{n}")
        for a in ("2", "ffff:1:2:3") if n == 0 else ("2",):
            sh("ip", "neigh", "add", (f"2001:db8::{a}", f"2001:db8:1::{a}")[n], "lladdr", PEER % n, "nud", "permanent", "dev", f"eth{n}")
    enter(peers)
    for n in (0, 1):
        sh("ip", "link", "set", f"p{n}", "up")
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        wire.bind((f"p{n}", 0))
        wire.setblocking(False)
        wires.append(wire)
    enter(own)
    os.close(peers)
    os.close(own)
    time.sleep(0.2)
    return wires


def arrived(wire):
    """What came over a wire, without neighbour and listener discovery."""
    frames = []
    while True:
        try:
            frame, (_, _, kind, *_) = wire.recvfrom(65535)
        except BlockingIOError:
            return frames
        packet = frame[14:]
        discovery = packet[:1] and packet[0] >> 4 == 6 and (packet[6] == 58 and packet[40] in range(130, 144) or packet[6] == 0 and packet[48:49] in (b"\x8f", b"\x83"))
        if kind != socket.PACKET_OUTGOING and frame[12:14] in (b"\x08\x00", b"\x86\xdd") and not discovery:
            frames.append(packet)


def counts(tool):
    return [int(m) for m in re.findall(r"^\[(\d+):\d+\] -A", sh(f"{tool}-save", "-c"), re.M)]


def record(case):
    name, family, table, rules, packets = case
    wires = host()
    tool = "iptables" if family == 4 else "ip6tables"
    # Discovery goes before the rules that are counted.
    text = f"*{table}\n" + "".join(f"{r}\n" for r in rules) + "COMMIT\n"
    loaded = subprocess.run([f"{tool}-restore"], input=text, text=True, capture_output=True)
    if loaded.returncode:
        raise SystemExit(f"{name}: {loaded.stderr}")
    time.sleep(0.1)
    for wire in wires:
        arrived(wire)
    out = []
    before = counts(tool)
    last = time.monotonic()
    for packet in packets:
        packet, wait = packet if isinstance(packet, tuple) else (packet, 0)
        time.sleep(wait)
        now = time.monotonic()
        group = packet[16] in range(224, 240) if packet[0] >> 4 == 4 else False
        all_ = packet[16:20] == b"\xff" * 4 or packet[16:20] == b"\x0a\0\0\xff"
        to = "ff" * 6 if all_ else "01005e000001" if group else (HOST % 0).replace(":", "")
        frame = bytes.fromhex(to) + bytes.fromhex((PEER % 0).replace(":", "")) + (b"\x08\x00" if family == 4 else b"\x86\xdd") + packet
        wires[0].send(frame)
        time.sleep(0.01)
        after = counts(tool)
        out.append({"in": packet.hex(), "after": round(now - last, 3), "to": to, "counted": [b - a for a, b in zip(before, after)],
                    "eth0": [p.hex() for p in arrived(wires[0])], "eth1": [p.hex() for p in arrived(wires[1])]})
        before, last = after, now
    for wire in wires:
        wire.close()
    return {"name": name, "family": family, "table": table, "rules": rules, "packets": out}


if __name__ == "__main__":
    import sys
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    cases = [record(c) for c in CASES if only in c[0]]
    text = "".join(json.dumps(c) + "\n" for c in cases)
    if only:
        print(text)
    else:
        OUT.write_text(text)
