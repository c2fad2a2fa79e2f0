import errno, json, os, select, signal, socket, struct, sys, time

FLAGS = {'FIN': 1, 'SYN': 2, 'RST': 4, 'PSH': 8, 'ACK': 16, 'URG': 32, 'ECE': 64, 'CWR': 128}
NUMBERS = {'icmp': 1, 'tcp': 6, 'udp': 17, 'icmpv6': 58, 'gre': 47, 'esp': 50, 'sctp': 132}
QUIET = 0.3


def name(error):
    return errno.errorcode.get(error, error)


def checksum(b):
    b += b'\0' * (len(b) % 2)
    s = sum(struct.unpack('!%dH' % (len(b) // 2), b))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def sized(data, p):
    if 'size' in p:
        data = data[:p['size']].ljust(p['size'], b'x')
    return data


def padded(text):
    b = bytes.fromhex(text)
    return b + b'\0' * (-len(b) % 4)


def flag_bits(f):
    if isinstance(f, int):
        return f
    f = f.strip().upper()
    if f in ('', 'NONE'):
        return 0
    if f == 'ALL':
        return 63
    return sum(FLAGS[x] for x in set(f.replace('|', ',').replace(' ', ',').split(',')) if x)


def packet_bytes(p):
    """The bytes of a packet that is given field by field."""
    six = ':' in p['src']
    proto = p.get('proto', 'udp')
    number = proto if isinstance(proto, int) else 58 if six and proto == 'icmp' else NUMBERS[proto]
    family = socket.AF_INET6 if six else socket.AF_INET
    src, dst = (socket.inet_pton(family, p[k]) for k in ('src', 'dst'))
    data = p.get('data', '')
    data = sized(data.encode() if isinstance(data, str) else bytes(data), p)

    def summed(segment, at, pseudo):
        if p.get('no_csum') and pseudo:
            return segment
        head = b''
        if pseudo:
            head = src + dst + struct.pack('!IHBB' if six else '!HBB', *([len(segment), 0, 0, number] if six else [len(segment), 0, number]))
        value = checksum(head + segment)
        if number == 17 and value == 0:
            value = 0xffff
        if p.get('bad_csum'):
            value ^= 0x5555
        return segment[:at] + struct.pack('!H', value) + segment[at + 2:]

    if number == 6:
        options = padded(p.get('tcp_options', ''))
        body = struct.pack('!HHIIBBHHH', p.get('sport', 40000), p.get('dport', 80), p.get('seq', 1000) & 0xffffffff,
                           p.get('ack', 0) & 0xffffffff, 5 + len(options) // 4 << 4, flag_bits(p.get('flags', 'SYN')),
                           p.get('win', 64240), 0, 0) + options + data
        body = summed(body, 16, True)
    elif number == 17:
        body = struct.pack('!HHHH', p.get('sport', 40000), p.get('dport', 53), 8 + len(data), 0) + data
        body = summed(body, 6, True)
    elif number in (1, 58):
        rest = struct.pack('!HH', p.get('id', 1), p.get('seqno', 1))
        if 'inner' in p:
            data = packet_bytes(p['inner'])
            data = data[:p.get('quote', 28)] if number == 1 else data
            rest = struct.pack('!HH', 0, p.get('mtu', 0))
        body = struct.pack('!BBH', p.get('type', 8 if number == 1 else 128), p.get('code', 0), 0) + rest + data
        body = summed(body, 2, number == 58)
    else:
        body = data
    if six:
        return struct.pack('!IHBB', 6 << 28 | p.get('tos', 0) << 20, len(body), number, p.get('ttl', 64)) + src + dst + body
    bits = 0x4000 if p.get('df') else 0
    frag = p.get('frag')
    if frag:
        at = frag.get('offset', 0)
        body = body[at:at + frag.get('length', 65535)]
        bits = (0x2000 if frag.get('more') else 0) | at // 8
    options = padded(p.get('ip_options', ''))
    words = 5 + len(options) // 4
    head = struct.pack('!BBHHHBBH', 0x40 | words, p.get('tos', 0), words * 4 + len(body), p.get('ipid', 4660), bits,
                       p.get('ttl', 64), number, 0) + src + dst + options
    value = checksum(head) ^ (0x5555 if p.get('bad_ip_csum') else 0)
    return head[:10] + struct.pack('!H', value) + head[12:] + body


class Agent:
    def __init__(self, config):
        self.peers = config['peers']
        self.sockets = {}
        self.named = {}
        self.accepted = {}
        for listener in config['listeners']:
            self.listen(listener)

    def watch(self, s, react):
        s.setblocking(False)
        self.sockets[s] = react

    def forget(self, s):
        self.sockets.pop(s, None)
        s.close()

    def listen(self, l):
        proto, addr = l.get('proto', 'tcp'), l.get('addr', '0.0.0.0')
        family = socket.AF_INET6 if ':' in addr else socket.AF_INET
        s = socket.socket(family, socket.SOCK_STREAM if proto == 'tcp' else socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if l.get('transparent'):
            s.setsockopt(socket.SOL_IP, 19, 1)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if l.get('mark'):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, l['mark'])
        if proto == 'udp':
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            if family == socket.AF_INET:
                s.setsockopt(socket.SOL_IP, 8, 1)
        s.bind((addr, l['port']))
        label = l.get('name') or '%s/%d' % (proto, l['port'])
        if proto == 'tcp':
            s.listen(16)
            self.watch(s, lambda: self.accept(s, l, label))
        else:
            self.watch(s, lambda: self.datagram(s, l))

    @staticmethod
    def answer(l, data):
        reply = l.get('reply', False)
        if reply is False:
            return None
        return data if reply in (True, 'echo') else reply.encode()

    def datagram(self, s, l):
        data, notes, _, peer = s.recvmsg(65536, 256)
        answer = self.answer(l, data)
        if answer is None:
            return
        notes = [(level, kind, struct.pack('i4s4s', 0, note[8:12], b'\0' * 4))
                 for level, kind, note in notes if (level, kind) == (socket.SOL_IP, 8)]
        s.sendmsg([answer], notes if l.get('reply_from') == 'same' else [], 0, peer)

    def accept(self, s, l, label):
        c, _ = s.accept()
        self.accepted[label] = c
        self.watch(c, lambda: self.serve(c, l))

    def serve(self, c, l):
        data = c.recv(65536)
        if not data:
            self.forget(c)
            return
        answer = self.answer(l, data)
        if answer is not None:
            c.send(answer)

    def pump(self, quiet, until=None):
        """Lets servers answer until nothing has come for so many seconds."""
        end = time.time() + quiet
        while time.time() < end and not (until and until()):
            ready = select.select(list(self.sockets), [], [], 0.02)[0]
            for s in ready:
                react = self.sockets.get(s)
                try:
                    if react:
                        react()
                except BlockingIOError:
                    pass
                except OSError:
                    self.forget(s)
                if not until:
                    end = max(end, time.time() + QUIET)

    def open(self, p, kind, proto=0):
        family = socket.AF_INET6 if ':' in p['dst'] else socket.AF_INET
        try:
            if 'gid' in p:
                os.setegid(p['gid'])
            if 'uid' in p:
                os.seteuid(p['uid'])
            s = socket.socket(family, kind, proto)
        finally:
            os.seteuid(0)
            os.setegid(0)
        self.options(s, p, family)
        s.setblocking(False)
        return s, family

    @staticmethod
    def options(s, p, family):
        if p.get('mark'):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, p['mark'])
        if p.get('dev'):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, p['dev'].encode() + b'\0')
        if p.get('ttl'):
            level, option = (socket.SOL_IP, socket.IP_TTL) if family == socket.AF_INET else (41, 16)
            s.setsockopt(level, option, p['ttl'])
        if p.get('tos'):
            s.setsockopt(socket.SOL_IP, socket.IP_TOS, p['tos'])
        if p.get('transparent'):
            s.setsockopt(socket.SOL_IP, 19, 1)
        if 'df' in p and family == socket.AF_INET:
            s.setsockopt(socket.SOL_IP, 10, 2 if p['df'] else 0)

    @staticmethod
    def any_address(family):
        return '0.0.0.0' if family == socket.AF_INET else '::'

    def udp(self, p):
        got, sent, errors = [], 0, []
        known = self.named.get(p.get('socket'))
        if known:
            s, family, got = known
            del got[:]
            self.options(s, p, family)
        else:
            s, family = self.open(p, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if p.get('broadcast'):
                s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            s.bind((p.get('src', self.any_address(family)), p.get('sport', 0)))
            if p.get('connected'):
                s.connect((p['dst'], p['dport']))

            def react():
                try:
                    data, peer = s.recvfrom(65536)
                    got.append({'from': '%s port %d' % peer[:2], 'data': data.decode(errors='replace')})
                except OSError as e:
                    got.append({'error': name(e.errno)})
            self.watch(s, react)
            if 'socket' in p:
                self.named[p['socket']] = s, family, got
        data = sized(p.get('data', 'ping').encode(), p)
        for _ in range(p.get('count', 1)):
            try:
                if p.get('connected'):
                    s.send(data)
                else:
                    s.sendto(data, (p['dst'], p['dport']))
                sent += 1
            except OSError as e:
                errors.append(name(e.errno))
        self.pump(max(QUIET, p.get('wait', 0)))
        if 'socket' not in p:
            self.forget(s)
        return {'sent': sent, 'errors': errors, 'replies': list(got)}

    def tcp(self, p):
        known = self.named.get(p.get('socket'))
        if known:
            s, _, got = known
            del got[:]
            result = {'connect': 'already'}
        else:
            got = []
            s, family = self.open(p, socket.SOCK_STREAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if 'src' in p or 'sport' in p:
                s.bind((p.get('src', self.any_address(family)), p.get('sport', 0)))
            error = s.connect_ex((p['dst'], p['dport']))
            if error == errno.EINPROGRESS:
                self.pump(p.get('timeout', 0.3), lambda: select.select([], [s], [], 0)[1])
                error = errno.ETIMEDOUT
                if select.select([], [s], [], 0)[1]:
                    error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                s.close()
                return {'connect': 'timeout' if error == errno.ETIMEDOUT else name(error)}
            result = {'connect': 'ok', 'local': '%s port %d' % s.getsockname()[:2]}

            def react():
                try:
                    data = s.recv(65536)
                    got.append({'data': data.decode(errors='replace')} if data else {'eof': True})
                except OSError as e:
                    data = b''
                    got.append({'error': name(e.errno)})
                if not data:
                    self.sockets.pop(s, None)
            self.watch(s, react)
            if 'socket' in p:
                self.named[p['socket']] = s, family, got
        if p.get('data'):
            try:
                s.send(p['data'].encode())
            except OSError as e:
                result['send_error'] = name(e.errno)
            self.pump(max(QUIET, p.get('wait', 0)))
        result['received'] = list(got)
        close = p.get('close', 'none' if 'socket' in p else 'fin')
        if close != 'none':
            if close == 'rst':
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            else:
                try:
                    s.shutdown(socket.SHUT_WR)
                except OSError as e:
                    result['close_error'] = name(e.errno)
                self.pump(QUIET)
            self.forget(s)
            self.named.pop(p.get('socket'), None)
        return result

    def packet(self, p):
        sent, errors = 0, []
        raw, six, via = packet_bytes(p['packet']), ':' in p['packet']['src'], p.get('via', 'ip')
        for _ in range(p.get('count', 1)):
            try:
                if via == 'ip':
                    with socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, 255) as s:
                        if six:
                            s.setsockopt(41, 36, 1)
                        self.options(s, {k: p[k] for k in ('mark', 'dev') if k in p}, socket.AF_INET)
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                        s.sendto(raw, (p.get('route_to', p['packet']['dst']), 0))
                else:
                    device = via[5:]
                    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as s:
                        s.bind((device, 0))
                        own = s.getsockname()[4]
                        ends = [bytes.fromhex(x.replace(':', '')) if x else own
                                for x in (p.get('eth_dst', self.peers.get(device)), p.get('eth_src'))]
                        s.send(ends[0] + ends[1] + (b'\x86\xdd' if six else b'\x08\x00') + raw)
                sent += 1
            except OSError as e:
                errors.append(name(e.errno))
            self.pump(max(QUIET, p.get('wait', 0)))
        return {'sent': sent, 'errors': errors}

    def push(self, p):
        c = self.accepted.get(p['listener'])
        if c is None or c.fileno() < 0:
            return {'error': 'no connection'}
        if p.get('data'):
            c.send(p['data'].encode())
        if p.get('close'):
            self.forget(c)
        self.pump(QUIET)
        return {'sent': 1}

    def ask(self, control):
        c, _ = control.accept()
        with c:
            p = json.loads(c.makefile().readline())
            try:
                result = getattr(self, {'udp': 'udp', 'tcp': 'tcp', 'packet': 'packet', 'push': 'push'}[p['do']])(p)
            except OSError as e:
                result = {'error': name(e.errno)}
            c.sendall(json.dumps(result).encode() + b'\n')


def serve(path, config):
    agent = Agent(json.loads(config))
    control = socket.socket(socket.AF_UNIX)
    control.bind(path)
    control.listen()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    agent.watch(control, lambda: None)
    while True:
        ready = select.select(list(agent.sockets), [], [])[0]
        if control in ready:
            control.setblocking(True)
            agent.sockets.pop(control)
            agent.ask(control)
            agent.watch(control, lambda: None)
        else:
            agent.pump(0.01)


def ask(path, probe):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        s.sendall(probe.encode() + b'\n')
        result = json.loads(s.makefile().readline())
    print(json.dumps(result, ensure_ascii=False))


if sys.argv[1] == 'serve':
    serve(sys.argv[2], sys.argv[3])
else:
    ask(sys.argv[2], sys.argv[3])
