#!/usr/bin/env python3
"""Records TCP exchanges: tcp.py ../data/tcp.txt [NAME ...] > new.txt (root, Linux with iproute2 and nft).
With names, only those scenarios are recorded anew.

The file holds scenarios: a line `== NAME | SETTINGS`, then commands `@MILLISECONDS HOST COMMAND`; all other lines are
what the kernel did after a command, and are written anew. Two hosts, c (10.0.0.1, fd00::1) and s (10.0.0.2, fd00::2),
on a veth pair; everything is in fresh network namespaces. Settings: mtu=N, v6, gso (generic segmentation offload
stays on), nots (c has no timestamps), nosack (c has no SACK).

  listen PORT | connect SPORT DPORT | accept | send N | read | shut | close | abort | error
  blind, see              the host's own TCP gets nothing from now on, gets everything again
  craft FLAGS SPORT DPORT SEQ ACK [data=N] [bad] [tos=N] [opts=HEX]
                          a raw segment; +N is relative to the first number of that direction
  icmp TYPE CODE SPORT DPORT SEQ [mtu=N]      an error about a segment of the other host
"""
import ctypes, errno, os, select, socket, struct, subprocess, sys, time

libc = ctypes.CDLL(None, use_errno=True)
FLAGS = 'FSRPAUEC'


def check(result):
    if result:
        raise OSError(ctypes.get_errno(), 'namespace')


def sh(text):
    subprocess.run(text, shell=True, check=True)


def checksum(b):
    b += b'\0' * (len(b) & 1)
    s = sum(struct.unpack('!%dH' % (len(b) // 2), b))
    s = (s & 0xffff) + (s >> 16)
    s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


class Scenario:
    def __init__(self, settings):
        words = settings.split()
        mtu = next((w[4:] for w in words if w.startswith('mtu=')), '1500')
        self.v6 = 'v6' in words
        self.family = socket.AF_INET6 if self.v6 else socket.AF_INET
        self.ns, self.base, self.out, self.socks = {}, {}, [], {}
        self.accepted = None
        for host in 'cs':
            check(libc.unshare(0x40000000))
            self.ns[host] = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
        self.enter('c')
        sh('ip link add eth0 mtu %s type veth peer name eth0 mtu %s netns /proc/%d/fd/%d'
           % (mtu, mtu, os.getpid(), self.ns['s']))
        for host, n in (('c', 1), ('s', 2)):
            self.enter(host)
            sh('ip link set lo up; ip link set eth0 address 02:00:00:00:00:0%d; ip addr add 10.0.0.%d/24 dev eth0' % (n, n))
            sh('echo 0 > /proc/sys/net/ipv4/icmp_ratelimit')
            if 'gso' not in words:
                sh('ip link set eth0 gso_max_segs 1; ethtool -K eth0 tso off gso off gro off > /dev/null 2>&1 || true')
            if self.v6:
                sh('ip addr add fd00::%d/64 dev eth0 nodad' % n)
            sh('ip link set eth0 up')
            sh('nft "add table t; add chain t i { type filter hook prerouting priority -400; };'
               ' add table ip6 t; add chain ip6 t i { type filter hook prerouting priority -400; }"')
        for host, n in (('c', 2), ('s', 1)):
            self.enter(host)
            sh('ip neigh replace 10.0.0.%d lladdr 02:00:00:00:00:0%d dev eth0 nud permanent' % (n, n))
            if self.v6:
                sh('ip neigh replace fd00::%d lladdr 02:00:00:00:00:0%d dev eth0 nud permanent' % (n, n))
        self.enter('c')
        if 'nots' in words:
            sh('echo 0 > /proc/sys/net/ipv4/tcp_timestamps')
        if 'nosack' in words:
            sh('echo 0 > /proc/sys/net/ipv4/tcp_sack')
        self.cap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.cap.bind(('eth0', 0))
        self.cap.setblocking(False)
        self.cap.setsockopt(socket.SOL_SOCKET, 35, 1)       # SO_TIMESTAMPNS
        self.start = time.time()

    def enter(self, host):
        check(libc.setns(self.ns[host], 0x40000000))

    def until(self, ms):
        end = self.start + ms / 1000
        while True:
            self.pump()
            left = end - time.time()
            if left <= 0:
                break
            select.select([self.cap], [], [], left)
        self.start = time.time() - ms / 1000        # a late command is not late for what follows

    def pump(self):
        while True:
            try:
                b, control, _, _ = self.cap.recvmsg(70000, 200)
            except BlockingIOError:
                return
            s, ns = struct.unpack('qq', control[0][2][:16])
            self.show(b, (s + ns / 1e9 - self.start) * 1000)

    def show(self, b, ms):
        kind, ip = struct.unpack('!H', b[12:14])[0], b[14:]
        if kind == 0x800:
            at = (ip[0] & 15) * 4
            total = struct.unpack('!H', ip[2:4])[0] or len(ip)
            src, proto, ttl, tos = ip[15], ip[9], ip[8], ip[1]
            df = ' df' if ip[6] & 0x40 else ''
        elif kind == 0x86dd:
            at, total, src, proto, ttl = 40, len(ip), ip[23], ip[6], ip[7]
            tos, df = struct.unpack('!H', ip[:2])[0] >> 4 & 255, ''
        else:
            return
        th = ip[at:total]
        if proto != 6:
            return
        sport, dport, seq, ack, off, flags, window = struct.unpack('!HHIIBBH', th[:16])
        way, back = ('>', '<') if src == 1 else ('<', '>')
        base = self.base.setdefault((sport, dport) if way == '>' else (dport, sport), {})
        base.setdefault(way, seq)
        if flags & 16:
            base.setdefault(back, (ack - 1) & 0xffffffff)

        def rel(v, w):
            return ((v - base[w] + 0x80000000) & 0xffffffff) - 0x80000000
        o, i, names = th[20:(off >> 4) * 4], 0, []
        while i < len(o):
            if o[i] < 2:
                names.append(('eol', 'nop')[o[i]])
                i += 1
                if o[i - 1] == 0:
                    break
                continue
            v = o[i + 2:i + o[i + 1]]
            names.append({2: lambda: 'mss %d' % struct.unpack('!H', v), 3: lambda: 'wscale %d' % v[0],
                          4: lambda: 'sackOK', 8: lambda: 'TS',
                          5: lambda: 'sack ' + ' '.join('%d-%d' % tuple(rel(e, back) for e in p)
                                                        for p in struct.iter_unpack('!II', v))}[o[i]]())
            i += o[i + 1]
        # a RST to a segment without ACK counts from 0, not from a first number
        number = 'seq %d' % rel(seq, way) if not (flags & 4 and seq == 0) else 'seq zero'
        self.out.append('%d %s %d>%d %s %s ack %s win %d len %d data %d [%s] ttl %d tos %d%s' % (
            ms, way, sport, dport, ''.join(c for n, c in enumerate(FLAGS) if flags >> n & 1) or '-', number,
            rel(ack, back) if flags & 16 else '-', window, total, len(th) - (off >> 4) * 4, ','.join(names), ttl, tos, df))

    def call(self, f, *args):
        try:
            r = f(*args)
        except OSError as x:
            r = errno.errorcode[x.errno]
        return r

    def command(self, host, words):
        self.enter(host)
        what, rest = words[0], words[1:]
        sock = self.socks.get(host)
        if what == 'listen':
            s = socket.socket(self.family)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(('', int(rest[0])))
            s.listen(16)
            s.setblocking(False)
            self.listener = s
        elif what == 'connect':
            s = socket.socket(self.family)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(('', int(rest[0])))
            s.setblocking(False)
            self.socks[host] = s
            net = 'fd00::%d' if self.v6 else '10.0.0.%d'
            self.base.pop((int(rest[0]), int(rest[1])), None)
            s.connect_ex((net % (2 if host == 'c' else 1), int(rest[1])))
        elif what == 'accept':
            r = self.call(self.listener.accept)
            if not isinstance(r, str):
                self.socks[host] = r[0]
                r[0].setblocking(False)
            else:
                self.out.append('= ' + r)
        elif what == 'send':
            r = self.call(sock.send, b'x' * int(rest[0]))
            if isinstance(r, str):
                self.out.append('= ' + r)
        elif what == 'read':
            total, end = 0, ''
            while True:
                r = self.call(sock.recv, 1 << 20)
                if isinstance(r, str) or not r:
                    end = r or 'eof'
                    break
                total += len(r)
            self.out.append('= %d %s' % (total, end))
        elif what == 'shut':
            r = self.call(sock.shutdown, socket.SHUT_WR)
            if r:
                self.out.append('= ' + r)
        elif what in ('close', 'abort'):
            if what == 'abort':
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            sock.close()
        elif what == 'error':
            e = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self.out.append('= ' + errno.errorcode.get(e, '0').replace('ENOTSUP', 'EOPNOTSUPP'))
        elif what == 'blind':
            sh('nft "add rule t i ip protocol tcp drop; add rule ip6 t i ip6 nexthdr tcp drop"')
        elif what == 'see':
            sh('nft "flush table t; flush table ip6 t"')
        elif what == 'craft':
            self.craft(host, *rest)
        elif what == 'icmp':
            self.icmp(host, *rest)
        else:
            raise SystemExit('no command ' + what)

    def number(self, text, way, ports):
        return (int(text[1:]) + self.base[ports][way] if text[0] in '+' else int(text)) & 0xffffffff

    def craft(self, host, flags, sport, dport, seq, ack, *more):
        more = dict(m.partition('=')[::2] for m in more)
        sport, dport = int(sport), int(dport)
        way, back = ('>', '<') if host == 'c' else ('<', '>')
        ports = (sport, dport) if host == 'c' else (dport, sport)
        data, options = b'x' * int(more.get('data', 0)), bytes.fromhex(more.get('opts', ''))
        bits = sum(1 << n for n, c in enumerate(FLAGS) if c in flags)
        h = struct.pack('!HHIIBBHHH', sport, dport, self.number(seq, way, ports), self.number(ack, back, ports),
                        (20 + len(options)) // 4 << 4, bits, 64240, 0, 0) + options + data
        net = 'fd00::%d' if self.v6 else '10.0.0.%d'
        mine, theirs = (net % n for n in ((1, 2) if host == 'c' else (2, 1)))
        a, b = (socket.inet_pton(self.family, x) for x in (mine, theirs))
        pseudo = a + b + (struct.pack('!IHBB', len(h), 0, 0, 6) if self.v6 else struct.pack('!BBH', 0, 6, len(h)))
        s = checksum(pseudo + h) ^ (0x1234 if 'bad' in more else 0)
        h = h[:16] + struct.pack('!H', s) + h[18:]
        tos = int(more.get('tos', 0))
        if self.v6:
            ip = struct.pack('!IHBB', 6 << 28 | tos << 20, len(h), 6, 64) + a + b
            raw = socket.socket(self.family, socket.SOCK_RAW, socket.IPPROTO_RAW)
            raw.sendto(ip + h, (theirs, 0))
        else:
            ip = struct.pack('!BBHHHBBH', 0x45, tos, 20 + len(h), 7, 0x4000, 64, 6, 0) + a + b
            raw = socket.socket(self.family, socket.SOCK_RAW, socket.IPPROTO_RAW)
            raw.sendto(ip + h, (theirs, 0))
        raw.close()

    def icmp(self, host, kind, code, sport, dport, seq, *more):
        more = dict(m.partition('=')[::2] for m in more)
        way = '<' if host == 'c' else '>'
        ports = (int(dport), int(sport)) if host == 'c' else (int(sport), int(dport))
        th = struct.pack('!HHIIBBHHH', int(sport), int(dport), self.number(seq, way, ports), 0, 0x50, 16, 0, 0, 0)
        net = 'fd00::%d' if self.v6 else '10.0.0.%d'
        mine, theirs = (net % n for n in ((1, 2) if host == 'c' else (2, 1)))
        a, b = (socket.inet_pton(self.family, x) for x in (mine, theirs))
        mtu = int(more.get('mtu', 0))
        if self.v6:
            inner = struct.pack('!IHBB', 6 << 28, len(th), 6, 64) + b + a + th
            m = struct.pack('!BBHI', int(kind), int(code), 0, mtu) + inner
            raw = socket.socket(self.family, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        else:
            inner = struct.pack('!BBHHHBBH', 0x45, 0, 40, 7, 0x4000, 64, 6, 0) + b + a + th
            m = struct.pack('!BBHI', int(kind), int(code), 0, mtu) + inner
            m = m[:2] + struct.pack('!H', checksum(m)) + m[4:]
            raw = socket.socket(self.family, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        raw.sendto(m, (theirs, 0))
        raw.close()


def main():
    scenario, only = None, sys.argv[2:]

    def flush():
        if scenario:
            scenario.pump()
            for line in scenario.out:
                print(line)
            scenario.out = []
    keep = False
    for line in open(sys.argv[1]):
        line = line.rstrip('\n')
        if line.startswith('== '):
            flush()
            name, _, settings = line[3:].partition('|')
            keep = bool(only) and name.strip() not in only
        if keep:
            scenario = None
            print(line)
        elif line.startswith('== '):
            scenario = Scenario(settings)
            print(line, flush=True)
        elif line.startswith('@'):
            at, host, *words = line[1:].split()
            scenario.until(int(at))
            flush()
            print(line, flush=True)
            if words != ['end']:
                scenario.command(host, words)
        elif line.startswith('#') or not line:
            flush()
            print(line)
    flush()


main()
