//! TCP exchanges as a Linux 6.18 kernel had them, segment by segment: `tests/data/tcp.txt`, which
//! `tests/record/tcp.py` recorded, played again by two machines.
//!
//! Compared is each segment of each direction between two commands: flags, numbers, window, options, length, TTL,
//! TOS, "don't fragment", and when it was sent; and what each call returned.
#![cfg(not(target_arch = "wasm32"))]

use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use vitrine::abi::Time;
use vitrine::net::errno::Errno;
use vitrine::net::tcp::{Action, Connection, Listener, Settings, State, reset_for};
use vitrine::packet::{
    Icmp, IcmpType, Packet, Payload, Tcp, TcpFlags, TcpNumbers, TcpOption, TcpOptions, Transport,
};

const RECORDED: &str = include_str!("data/tcp.txt");

/// A segment longer than this lets Linux widen its window (`tcp_event_data_recv`).
const WIDENS: u32 = 128;

/// Exchanges in which that window depends on memory that the model does not count: of segments that were cut up after
/// they were queued, and of some that were not joined.
const CUT: [&str; 4] =
    ["10000 bytes", "data gets ICMP 3/4", "small data gets ICMP 3/4", "data gets packet too big"];

#[derive(Default)]
struct Socket {
    connection: Option<Connection>,
    error: Option<Errno>,
    eof: bool,
}

#[derive(Default)]
struct Machine {
    sockets: BTreeMap<(SocketAddr, SocketAddr), Socket>,
    /// The socket that commands speak of.
    own: Option<(SocketAddr, SocketAddr)>,
    listener: Option<(u16, Listener)>,
    blind: bool,
    settings: Settings,
}

/// The two machines, and the wire between them.
struct Play {
    machines: [Machine; 2],
    net: [IpAddr; 2],
    now: Time,
    /// First sequence numbers of both directions, by the ports of c and s.
    base: BTreeMap<(u16, u16), [Option<u32>; 2]>,
    /// A segment that widens the window came to this side.
    widened: [bool; 2],
    /// The exchange is one of [`CUT`].
    cut: bool,
    /// What was said since the last command: by direction, with its time.
    said: [Vec<(u64, String)>; 2],
    results: Vec<String>,
    /// Whether the next segments get lost, one after another; then none does.
    lossy: Vec<bool>,
}

fn ms(ms: u64) -> Time {
    Time::ZERO.after(Duration::from_millis(ms))
}

impl Play {
    fn new(settings: &str) -> Self {
        let words: Vec<_> = settings.split_whitespace().collect();
        let mtu =
            words.iter().find_map(|w| w.strip_prefix("mtu=")).map_or(1500, |m| m.parse().expect("a number"));
        let both = Settings { mtu, gso: words.contains(&"gso"), ..Settings::default() };
        let client = Settings {
            timestamps: !words.contains(&"nots"),
            sack: !words.contains(&"nosack"),
            ..both.clone()
        };
        let net = if words.contains(&"v6") { ["fd00::1", "fd00::2"] } else { ["10.0.0.1", "10.0.0.2"] };
        Play {
            machines: [
                Machine { settings: client, ..Machine::default() },
                Machine { settings: both, ..Machine::default() },
            ],
            net: net.map(|a| a.parse().expect("an address")),
            now: Time::ZERO,
            base: BTreeMap::new(),
            widened: [false; 2],
            cut: false,
            said: [Vec::new(), Vec::new()],
            results: Vec::new(),
            lossy: Vec::new(),
        }
    }

    /// Lets time pass, and timers fire.
    fn until(&mut self, at: u64) {
        loop {
            let due = |m: &Machine| {
                let sockets = m.sockets.values().filter_map(|s| s.connection.as_ref()?.next_timer());
                sockets.chain(m.listener.as_ref().and_then(|(_, l)| l.next_timer())).min()
            };
            let Some(next) = self.machines.iter().filter_map(due).min().filter(|t| *t <= ms(at)) else {
                break;
            };
            self.now = self.now.max(next);
            for side in 0..2 {
                let ends: Vec<_> = self.machines[side].sockets.keys().copied().collect();
                for ends in ends {
                    let now = self.now;
                    self.with(
                        side,
                        ends,
                        |c| if c.next_timer() <= Some(now) { c.timer(now) } else { vec![] },
                    );
                }
                let now = self.now;
                if let Some((_, listener)) = &mut self.machines[side].listener {
                    let actions = listener.timer(now);
                    self.act(side, None, actions);
                }
            }
        }
        self.now = ms(at);
    }

    fn with(
        &mut self,
        side: usize,
        ends: (SocketAddr, SocketAddr),
        f: impl FnOnce(&mut Connection) -> Vec<Action>,
    ) {
        let socket = self.machines[side].sockets.get_mut(&ends);
        if let Some(connection) = socket.and_then(|s| s.connection.as_mut()) {
            let actions = f(connection);
            self.act(side, Some(ends), actions);
        }
    }

    /// Carries out what a machine wants, and what that brings about, in the order of the wire.
    fn act(&mut self, side: usize, ends: Option<(SocketAddr, SocketAddr)>, actions: Vec<Action>) {
        let mut wire = VecDeque::new();
        self.note(side, ends, actions, &mut wire);
        while let Some((to, packet)) = wire.pop_front() {
            let (ends, actions) = self.arrive(to, &packet);
            self.note(to, ends, actions, &mut wire);
        }
    }

    fn note(
        &mut self,
        side: usize,
        mut ends: Option<(SocketAddr, SocketAddr)>,
        actions: Vec<Action>,
        wire: &mut VecDeque<(usize, Packet)>,
    ) {
        for action in actions {
            let socket = |m: &mut Machine, ends| -> Option<()> {
                let socket: &mut Socket = m.sockets.get_mut(&ends?)?;
                match &action {
                    Action::Error(error) => socket.error = Some(*error),
                    Action::Eof => socket.eof = true,
                    _ => {}
                }
                Some(())
            };
            socket(&mut self.machines[side], ends);
            match action {
                Action::Send(packet) => {
                    self.say(side, &packet);
                    if !self.lossy.pop().unwrap_or(false) {
                        wire.push_back((1 - side, packet));
                    }
                }
                Action::Accepted(connection) => {
                    let key = (connection.local(), connection.remote());
                    ends = Some(key);
                    self.machines[side].own = ends;
                    let socket = Socket { connection: Some(*connection), ..Socket::default() };
                    self.machines[side].sockets.insert(key, socket);
                }
                Action::Closed => {
                    // The program still has its socket; what it read is kept in the machine.
                }
                Action::Connected | Action::Data(_) | Action::Eof | Action::Error(_) => {}
            }
        }
    }

    /// A packet comes to a host.
    fn arrive(&mut self, side: usize, packet: &Packet) -> (Option<(SocketAddr, SocketAddr)>, Vec<Action>) {
        let machine = &mut self.machines[side];
        let none = (None, Vec::new());
        let Some((sport, dport)) = packet.ports().filter(|_| !machine.blind) else { return none };
        self.widened[side] |= packet.payload.len() >= WIDENS;
        let ends = (SocketAddr::new(packet.dst, dport), SocketAddr::new(packet.src, sport));
        let now = self.now;
        let listener = machine.listener.as_mut().filter(|(port, _)| *port == dport).map(|(_, l)| l);
        let alive = |s: &&mut Socket| s.connection.as_ref().is_some_and(|c| c.state() != State::Closed);
        if let Some(connection) =
            machine.sockets.get_mut(&ends).filter(alive).and_then(|s| s.connection.as_mut())
        {
            if let (Some(isn), Some(listener)) = (connection.gives_way_to(packet), &listener) {
                let mut listener = (*listener).clone();
                let actions = listener.reopen(packet, isn, now);
                machine.sockets.remove(&ends);
                machine.listener = Some((dport, listener));
                return (None, actions);
            }
            return (Some(ends), connection.input(packet, now));
        }
        match listener {
            Some(listener) => (None, listener.input(packet, now)),
            None => (None, reset_for(packet, 64).map(Action::Send).into_iter().collect()),
        }
    }

    /// Writes a segment down as the recorder does.
    fn say(&mut self, side: usize, packet: &Packet) {
        let Some(tcp) = packet.tcp() else { return };
        let TcpNumbers { seq, ack, window } = tcp.numbers.expect("numbers");
        let key = if side == 0 { (tcp.sport, tcp.dport) } else { (tcp.dport, tcp.sport) };
        let has_ack = tcp.flags.has(TcpFlags::ACK);
        let base = self.base.entry(key).or_default();
        base[side].get_or_insert(seq);
        if has_ack {
            base[1 - side].get_or_insert(ack.wrapping_sub(1));
        }
        let base = *base;
        let rel = |v: u32, of: usize| v.wrapping_sub(base[of].unwrap_or(0)) as i32;
        let options: Vec<_> = tcp
            .options
            .0
            .iter()
            .map(|o| match o {
                TcpOption::End => "eol".to_owned(),
                TcpOption::Nop => "nop".to_owned(),
                TcpOption::Mss(mss) => format!("mss {mss}"),
                TcpOption::WindowScale(n) => format!("wscale {n}"),
                TcpOption::SackPermitted => "sackOK".to_owned(),
                TcpOption::Timestamp(..) => "TS".to_owned(),
                TcpOption::Sack(blocks) => {
                    let blocks: Vec<_> = blocks
                        .iter()
                        .map(|(a, b)| format!("{}-{}", rel(*a, 1 - side), rel(*b, 1 - side)))
                        .collect();
                    format!("sack {}", blocks.join(" "))
                }
                TcpOption::Other(kind, _) => format!("other {kind}"),
            })
            .collect();
        let letters: String = "FSRPAUEC"
            .chars()
            .enumerate()
            .filter(|(n, _)| tcp.flags.0 >> n & 1 == 1)
            .map(|(_, c)| c)
            .collect();
        let number = if tcp.flags.has(TcpFlags::RST) && seq == 0 {
            "zero".to_owned()
        } else {
            rel(seq, side).to_string()
        };
        let line = format!(
            "{}>{} {} seq {number} ack {} win {} len {} data {} [{}] ttl {} tos {}{}",
            tcp.sport,
            tcp.dport,
            if letters.is_empty() { "-" } else { &letters },
            if has_ack { rel(ack, 1 - side).to_string() } else { "-".to_owned() },
            if self.widened[side] && self.cut { "any".to_owned() } else { window.to_string() },
            packet.len(),
            packet.payload.len(),
            options.join(","),
            packet.ttl,
            packet.tos,
            if packet.df { " df" } else { "" },
        );
        self.said[side].push(((self.now.as_nanos() / 1_000_000), line));
    }

    /// A number of a command: `+N` counts from the first of its direction.
    fn number(&self, text: &str, key: (u16, u16), side: usize) -> u32 {
        match text.strip_prefix('+') {
            Some(n) => {
                let base = self.base[&key][side].expect("a segment before");
                base.wrapping_add(n.parse::<i32>().expect("a number") as u32)
            }
            None => text.parse().expect("a number"),
        }
    }

    fn command(&mut self, side: usize, words: &[&str]) {
        let now = self.now;
        let own = self.machines[side].own;
        let settings = self.machines[side].settings.clone();
        let port = |n: usize| words[n].parse::<u16>().expect("a port");
        match words[0] {
            "listen" => self.machines[side].listener = Some((port(1), Listener::new(settings))),
            "connect" => {
                let ends =
                    (SocketAddr::new(self.net[side], port(1)), SocketAddr::new(self.net[1 - side], port(2)));
                self.base.remove(&(port(1), port(2)));
                let (connection, actions) = Connection::connect(ends.0, ends.1, now, settings);
                let socket = Socket { connection: Some(connection), ..Socket::default() };
                self.machines[side].sockets.insert(ends, socket);
                self.machines[side].own = Some(ends);
                self.act(side, Some(ends), actions);
            }
            "accept" | "end" => {}
            "blind" => self.machines[side].blind = true,
            "see" => self.machines[side].blind = false,
            "craft" => self.craft(side, words),
            "icmp" => self.icmp(side, words),
            call => {
                let ends = own.expect("a socket");
                let socket = self.machines[side].sockets.get_mut(&ends).expect("a socket");
                let connection = socket.connection.as_mut().expect("a connection");
                let mut error = None;
                let actions = match call {
                    "send" => {
                        let bytes = vec![b'x'; words[1].parse().expect("a number")];
                        connection.send(&bytes, now).unwrap_or_else(|e| {
                            error = Some(socket.error.take().unwrap_or(e));
                            Vec::new()
                        })
                    }
                    "shut" => connection.shutdown_write(now).unwrap_or_else(|e| {
                        error = Some(e);
                        Vec::new()
                    }),
                    "close" => connection.close(now),
                    "abort" => connection.abort(now),
                    "read" => {
                        let (bytes, actions) = connection.read(now);
                        // After the other side's FIN there is an end, not an error (`SOCK_DONE`).
                        let end = match socket.error.take_if(|_| !socket.eof) {
                            Some(error) => error.name(),
                            None if socket.eof || connection.state() == State::Closed => "eof",
                            None => "EAGAIN",
                        };
                        self.results.push(format!("= {} {end}", bytes.len()));
                        actions
                    }
                    "error" => {
                        let error = socket.error.take().or(connection.soft_error());
                        self.results.push(format!("= {}", error.map_or("0", Errno::name)));
                        Vec::new()
                    }
                    other => panic!("no command {other}"),
                };
                self.results.extend(error.map(|e| format!("= {e}")));
                self.act(side, Some(ends), actions);
            }
        }
    }

    fn craft(&mut self, side: usize, words: &[&str]) {
        let (sport, dport): (u16, u16) =
            (words[2].parse().expect("a number"), words[3].parse().expect("a number"));
        let key = if side == 0 { (sport, dport) } else { (dport, sport) };
        let more = |name: &str| words[6..].iter().find_map(|w| w.strip_prefix(name));
        let flags = "FSRPAUEC".chars().enumerate().filter(|(_, c)| words[1].contains(*c));
        let hex = more("opts=").unwrap_or_default();
        let options: Vec<u8> =
            (0..hex.len()).step_by(2).map(|n| u8::from_str_radix(&hex[n..n + 2], 16).expect("hex")).collect();
        let tcp = Tcp {
            sport,
            dport,
            flags: TcpFlags(flags.map(|(n, _)| 1 << n).sum()),
            numbers: Some(TcpNumbers {
                seq: self.number(words[4], key, side),
                ack: self.number(words[5], key, 1 - side),
                window: 64240,
            }),
            options: TcpOptions::from_bytes(&options),
        };
        let mut packet =
            Packet::new(self.net[side], self.net[1 - side], Transport::Tcp(tcp)).expect("one family");
        packet.payload = Payload::from(vec![b'x'; more("data=").map_or(0, |n| n.parse().expect("a number"))]);
        packet.tos = more("tos=").map_or(0, |n| n.parse().expect("a number"));
        packet.bad_checksum = words[6..].contains(&"bad");
        packet.df = self.net[0].is_ipv4();
        self.act(side, None, vec![Action::Send(packet)]);
    }

    fn icmp(&mut self, side: usize, words: &[&str]) {
        let (sport, dport): (u16, u16) =
            (words[3].parse().expect("a number"), words[4].parse().expect("a number"));
        let key = if side == 1 { (sport, dport) } else { (dport, sport) };
        let seq = self.number(words[5], key, 1 - side);
        let numbers = Some(TcpNumbers { seq, ack: 0, window: 0 });
        let tcp = Tcp { sport, dport, numbers, ..Tcp::default() };
        let about = Packet::new(self.net[1 - side], self.net[side], Transport::Tcp(tcp)).expect("one family");
        let mut icmp = Icmp::error(
            IcmpType::new(words[1].parse().expect("a number"), words[2].parse().expect("a number")),
            &about,
        );
        icmp.mtu =
            words[6..].iter().find_map(|w| w.strip_prefix("mtu=")).map(|m| m.parse().expect("a number"));
        let ends = (SocketAddr::new(about.src, sport), SocketAddr::new(about.dst, dport));
        let now = self.now;
        if self.machines[1 - side].sockets.contains_key(&ends) {
            self.with(1 - side, ends, |c| c.icmp_error(&icmp, now));
        } else if let Some((_, listener)) = &mut self.machines[1 - side].listener {
            listener.icmp_error(&icmp);
        }
    }
}

/// A recorded time, and the one in the play: Linux rounds timers up to its tick of 4 ms and, the longer they
/// are, to coarser steps.
fn about_the_same(recorded: u64, played: u64) -> bool {
    recorded.abs_diff(played) <= 20 + recorded / 10
}

/// Compares what was recorded after one command with what was played.
fn compare(play: &mut Play, recorded: &[&str], wrong: &mut Vec<String>) {
    for (side, way) in [(0, '>'), (1, '<')] {
        let said = std::mem::take(&mut play.said[side]);
        let lines: Vec<(u64, String)> = recorded
            .iter()
            .filter_map(|l| {
                let (at, rest) = l.split_once(' ')?;
                Some((at.parse().ok()?, rest.strip_prefix(way)?.trim_start().to_owned()))
            })
            .collect();
        for at in 0..lines.len().max(said.len()) {
            let (a, b) = (lines.get(at), said.get(at));
            let same = match (a, b) {
                (Some((t1, l1)), Some((t2, l2))) => {
                    let any = |l: &str| match l.split_once(" win ") {
                        Some((head, tail)) if l2.contains(" win any ") => {
                            format!("{head} win any {}", tail.split_once(' ').map_or("", |(_, t)| t))
                        }
                        _ => l.to_owned(),
                    };
                    any(l1) == *l2 && about_the_same(*t1, *t2)
                }
                _ => false,
            };
            if !same {
                let show =
                    |x: Option<&(u64, String)>| x.map_or("nothing".into(), |(t, l)| format!("{t} {l}"));
                wrong.push(format!("  {way} Linux   {}\n  {way} Vitrine {}", show(a), show(b)));
                break;
            }
        }
    }
    let results = std::mem::take(&mut play.results);
    let lines: Vec<_> = recorded.iter().filter(|l| l.starts_with("= ")).map(|l| (*l).to_owned()).collect();
    if lines != results {
        wrong.push(format!("  Linux {lines:?}, Vitrine {results:?}"));
    }
}

#[test]
fn exchanges_are_as_linux_has_them() {
    let mut failures = Vec::new();
    let mut count = 0;
    for scenario in RECORDED.split("\n== ").skip(1) {
        let mut lines = scenario.lines();
        let title = lines.next().unwrap_or_default();
        let (name, settings) = title.split_once(" | ").unwrap_or((title, ""));
        let lines: Vec<_> = lines.filter(|l| !l.is_empty()).collect();
        let mut play = Play::new(settings);
        play.cut = CUT.contains(&name);
        let mut since = 0;
        let mut at = 0;
        count += 1;
        while at < lines.len() {
            let words: Vec<_> = lines[at].trim_start_matches('@').split(' ').collect();
            let next =
                lines[at + 1..].iter().position(|l| l.starts_with('@')).map_or(lines.len(), |n| at + 1 + n);
            since = words[0].parse().unwrap_or(since);
            play.until(since);
            play.command(usize::from(words[1] == "s"), &words[2..]);
            let until = lines.get(next).and_then(|l| l[1..].split(' ').next()?.parse().ok()).unwrap_or(since);
            play.until(until);
            let mut wrong = Vec::new();
            compare(&mut play, &lines[at + 1..next], &mut wrong);
            if !wrong.is_empty() {
                failures.push(format!("{name}, after {}\n{}", lines[at], wrong.join("\n")));
                break;
            }
            at = next;
        }
    }
    assert!(count > 100, "only {count} exchanges");
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
}

/// Any header at all, near the numbers that count.
fn header() -> impl Strategy<Value = (u8, i32, i32, u16, u16, bool)> {
    let near = prop_oneof![-10..10i32, -3000..3000i32, any::<i32>()];
    (any::<u8>(), near.clone(), near, any::<u16>(), 0..2000u16, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever segments come, in whatever state, nothing panics, and timers come to an end.
    #[test]
    fn nonsense_does_no_harm(segments in prop::collection::vec(header(), 1..40), calls in any::<[u8; 8]>()) {
        let ends: [SocketAddr; 2] =
            ["10.0.0.1:40001", "10.0.0.2:80"].map(|a| a.parse().expect("an address"));
        let mut now = ms(5);
        let (mut connection, mut said) = Connection::connect(ends[0], ends[1], now, Settings::default());
        let mut listener = Listener::new(Settings::default());
        let (mut seq, mut ack) = (0u32, 0u32);
        for (n, (flags, ds, da, window, size, to_listener)) in segments.into_iter().enumerate() {
            if let Some(numbers) = said.iter().rev().find_map(|a| match a {
                Action::Send(packet) => packet.tcp().and_then(|t| t.numbers),
                _ => None,
            }) {
                (seq, ack) = (numbers.ack, numbers.seq);
            }
            let tcp = Tcp {
                sport: 80,
                dport: 40001,
                flags: TcpFlags(flags),
                numbers: Some(TcpNumbers {
                    seq: seq.wrapping_add(ds as u32),
                    ack: ack.wrapping_add(da as u32),
                    window,
                }),
                options: TcpOptions::default(),
            };
            let mut packet =
                Packet::new(ends[1].ip(), ends[0].ip(), Transport::Tcp(tcp)).expect("one family");
            packet.payload = Payload::Size(size);
            now = now.after(Duration::from_millis(37));
            said = if to_listener { listener.input(&packet, now) } else { connection.input(&packet, now) };
            for action in &said {
                if let Action::Accepted(made) = action {
                    connection = (**made).clone();
                }
            }
            match calls[n % 8] % 8 {
                0 => drop(connection.send(&[1; 3000], now)),
                1 => drop(connection.read(now)),
                2 => drop(connection.shutdown_write(now)),
                3 if n > 20 => drop(connection.close(now)),
                _ => {}
            }
        }
        let mut fired = 0;
        connection.abort(now);
        while let Some(at) = connection.next_timer().into_iter().chain(listener.next_timer()).min() {
            connection.timer(at);
            listener.timer(at);
            fired += 1;
            prop_assert!(fired < 200, "timers without end");
        }
    }

    /// However many segments are lost, what is sent arrives, once and in order, and both sides end.
    #[test]
    fn what_is_sent_arrives(lost in prop::collection::vec(prop::bool::weighted(0.3), 60), size in 1..60_000usize) {
        let mut play = Play::new("");
        play.command(1, &["listen", "80"]);
        play.lossy = lost;
        play.command(0, &["connect", "40001", "80"]);
        let data: Vec<u8> = (0..size).map(|n| (n * 7 % 251) as u8).collect();
        let mut at = 0;
        let own = |p: &Play, side: usize| p.machines[side].own;
        while play.machines[1].sockets.is_empty() && at < 300_000 {
            at += 100;
            play.until(at);
        }
        prop_assume!(own(&play, 1).is_some());
        let now = play.now;
        let client = own(&play, 0).expect("a client");
        play.with(0, client, |c| c.send(&data, now).unwrap_or_default());
        play.with(0, client, |c| c.shutdown_write(now).unwrap_or_default());
        let mut got = Vec::new();
        let server = own(&play, 1).expect("a server");
        let mut ended = false;
        while at < 3_000_000 && !ended {
            at += 100;
            play.until(at);
            ended = play.machines[1].sockets[&server].eof;
            let now = play.now;
            play.with(1, server, |c| {
                let (bytes, actions) = c.read(now);
                got.extend_from_slice(&bytes);
                actions
            });
        }
        prop_assert!(got == data, "{} of {size} bytes", got.len());
        let now = play.now;
        play.with(1, server, |c| c.close(now));
        play.with(0, client, |c| c.close(now));
        play.until(at + 300_000);
        for machine in &play.machines {
            for socket in machine.sockets.values() {
                let state = socket.connection.as_ref().map(Connection::state);
                prop_assert_eq!(state, Some(State::Closed));
            }
        }
    }
}
