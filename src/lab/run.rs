//! Runs a lab: its probes, its servers, and what each saw.

use super::build::{BuildError, build};
use super::programs::{Programs, text};
use super::truth;
use super::{HostName, Lab, PingProbe, Probe, PushProbe, RunProbe, SleepProbe, UdpProbe};
use crate::abi::{Duration, EventId};
use crate::net::{Errno, HostId, Incoming, Network, SocketId, SocketKind, SocketOptions};
use crate::packet::{Icmp, IcmpType, Payload, Proto, Transport};
use serde_json::{Map, Value, json};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A step is over after so long a silence.
const QUIET: Duration = Duration::from_millis(60);
/// So long a TCP server thinks before it answers: longer than a delayed acknowledgement takes.
pub(super) const THINKS: Duration = Duration::from_millis(90);
/// What a recording does between two probes takes about so long, and so long more for each host and family: it
/// reads all counters and connections.
const BETWEEN: Duration = Duration::from_millis(20);
const BETWEEN_HOST: Duration = Duration::from_millis(20);
/// No step waits longer.
const LIMIT: Duration = Duration::from_secs(5);
/// A SYN is given up before it is sent again.
pub(super) const CONNECT: Duration = Duration::from_millis(300);

/// A lab that has been run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The network afterwards, with all that happened.
    pub network: Network,
    /// What each probe showed, in the shape of a recorded truth.
    pub probes: Vec<Value>,
    /// Where each probe's events begin in the network's log; one more for their end.
    pub starts: Vec<EventId>,
    name: String,
    about: Option<String>,
}

impl Run {
    /// The whole run in the shape of a recorded truth.
    pub fn to_json(&self) -> Value {
        json!({
            "scenario": self.name,
            "about": self.about,
            "kernel": "vitrine",
            "tool": concat!("vitrine v", env!("CARGO_PKG_VERSION")),
            "probes": self.probes,
        })
    }
}

/// Builds a lab's network and sends its probes through it.
///
/// ```
/// use vitrine::lab::{Lab, run};
/// let lab: Lab = r#"{
///     "name": "two hosts",
///     "hosts": {"a": {"interfaces": {"eth0": "10.0.0.1/24"}},
///               "b": {"interfaces": {"eth0": "10.0.0.2/24"}}},
///     "links": [["a:eth0", "b:eth0"]],
///     "probes": [{"name": "hello", "do": "ping", "from": "a", "dst": "10.0.0.2"}]
/// }"#.parse().unwrap();
/// let run = run(&lab).unwrap();
/// assert_eq!(run.probes[0]["result"]["replies"][0]["from"], "10.0.0.2");
/// ```
pub fn run(lab: &Lab) -> Result<Run, BuildError> {
    run_watched(lab, usize::MAX, Vec::new(), |_| ())
}

/// Runs a lab, and stops before more has happened than so many events; `before` sees the network before each
/// probe, and once more after the last. `answers` are the first ones that are given where the model cannot know
/// whether a rule matches; the others are that it does not.
///
/// # Errors
/// As [`run`].
pub fn run_watched(
    lab: &Lab,
    limit: usize,
    answers: Vec<bool>,
    mut before: impl FnMut(&Network),
) -> Result<Run, BuildError> {
    let mut runner = Runner::new(lab, limit, answers)?;
    let mut probes = Vec::new();
    let mut starts = Vec::new();
    for probe in lab.probes.iter() {
        if runner.net.is_over() {
            break;
        }
        before(&runner.net);
        starts.push(runner.net.log().next_id());
        probes.push(runner.probe(probe));
    }
    before(&runner.net);
    starts.push(runner.net.log().next_id());
    let (name, about) = (lab.name.clone(), lab.about.clone());
    Ok(Run { network: runner.net, probes, starts, name, about })
}

/// A lab that is being run.
pub(super) struct Runner {
    pub(super) net: Network,
    pub(super) programs: Programs,
    pub(super) quiet: Duration,
    between: Duration,
    phases: Vec<(EventId, &'static str)>,
}

impl Runner {
    fn new(lab: &Lab, limit: usize, answers: Vec<bool>) -> Result<Self, BuildError> {
        let mut net = build(lab)?;
        net.limit(limit);
        net.choose(answers);
        let quiet = lab.quiet.as_ref().map_or(QUIET, |q| q.duration());
        let families = lab.hosts.iter().map(|(_, spec)| 1 + u32::from(lab.has_ipv6(spec))).sum::<u32>();
        let between = BETWEEN + BETWEEN_HOST * families;
        let mut runner = Runner { net, programs: Programs::default(), quiet, between, phases: Vec::new() };
        for (i, (name, spec)) in lab.hosts.iter().enumerate() {
            for listener in &spec.listeners {
                runner.programs.listen(&mut runner.net, HostId(i as u16), name, listener);
            }
        }
        runner.pump(Duration::from_millis(50));
        Ok(runner)
    }

    pub(super) fn host(&self, name: &HostName) -> HostId {
        self.net.by_name(name.as_str()).unwrap_or(HostId(0))
    }

    pub(super) fn set_phase(&mut self, name: &'static str) {
        self.phases.push((self.net.log().next_id(), name));
    }

    /// Lets everything happen until nothing has for so long.
    pub(super) fn pump(&mut self, quiet: Duration) {
        self.pump_until(quiet, LIMIT, |_| false);
    }

    pub(super) fn pump_until(&mut self, quiet: Duration, limit: Duration, done: impl Fn(&Self) -> bool) {
        let end = self.net.now().after(limit);
        self.net.touch();
        loop {
            self.net.settle();
            if self.programs.act(&mut self.net) {
                self.net.touch();
                continue;
            }
            if done(self) {
                return;
            }
            let wait = if self.programs.is_thinking() { quiet.max(THINKS) } else { quiet };
            let until = self.net.last_activity().after(wait).min(end);
            if self.net.advance(until) {
                continue;
            }
            if self.net.now() >= end || !self.programs.answer(&mut self.net) {
                return;
            }
            self.net.touch();
        }
    }

    fn probe(&mut self, probe: &Probe) -> Value {
        self.net.pass_time(self.between);
        self.pump(Duration::from_millis(20));
        self.programs.received.clear();
        self.phases.clear();
        let before = truth::Before::of(&self.net);
        let start = self.net.log().next_id();
        let result = match probe {
            Probe::Udp(p) => self.udp(p),
            Probe::Tcp(p) => self.tcp(p),
            Probe::Ping(p) => self.ping(p),
            Probe::Packet(p) => self.packet(p),
            Probe::Packets(p) => self.packets(p),
            Probe::Run(p) => self.command(p),
            Probe::Push(p) => self.push(p),
            Probe::Sleep(p) => self.sleep(p),
        };
        self.pump(Duration::from_millis(20));
        let mut out = Map::new();
        out.insert("name".into(), probe.name().unwrap_or_default().into());
        out.insert("do".into(), probe.kind().into());
        if let Some(about) = probe.about() {
            out.insert("about".into(), about.into());
        }
        out.insert("result".into(), Value::Object(result));
        if let Probe::Run(RunProbe { observe: None | Some(false), .. }) = probe {
            return Value::Object(out);
        }
        let received = std::mem::take(&mut self.programs.received);
        if !received.is_empty() {
            out.insert("received".into(), received.into());
        }
        truth::record(&self.net, start, &self.phases, &before, &mut out);
        Value::Object(out)
    }

    fn options(p: &UdpProbe) -> SocketOptions {
        SocketOptions {
            dev: p.dev.clone(),
            mark: p.mark.unwrap_or(0),
            ttl: p.ttl.filter(|t| *t != 0),
            tos: p.tos.unwrap_or(0),
            transparent: p.transparent.unwrap_or(false),
            df: p.df,
            recverr: true,
            broadcast: p.broadcast.unwrap_or(false),
            reuse: true,
            uid: p.uid.unwrap_or(0),
            gid: p.gid.unwrap_or(0),
        }
    }

    fn udp(&mut self, p: &UdpProbe) -> Map<String, Value> {
        let mut out = Map::new();
        let host = self.host(&p.from);
        let v6 = p.dst.is_ipv6();
        let to = SocketAddr::new(p.dst, p.dport);
        let open = p.socket.as_ref().and_then(|name| self.programs.named.get(name).copied());
        let id = match open {
            Some((_, id)) => {
                if let Some(socket) = self.net.host_mut(host).sockets.get_mut(id) {
                    let new = Self::options(p);
                    socket.options.mark = if new.mark != 0 { new.mark } else { socket.options.mark };
                    socket.options.ttl = new.ttl.or(socket.options.ttl);
                    socket.options.df = new.df.or(socket.options.df);
                }
                id
            }
            None => {
                let id = self.net.socket(host, SocketKind::Udp, v6, Self::options(p));
                let any = any(v6);
                let bound = self.net.bind(host, id, p.src.unwrap_or(any), p.sport.unwrap_or(0));
                let connected = match p.connected {
                    Some(true) => bound.and_then(|()| self.net.connect_socket(host, id, to)),
                    Some(false) | None => bound,
                };
                if let Err(error) = connected {
                    self.net.close(host, id, false);
                    return failed(error, "bind/connect");
                }
                self.programs.open(host, id);
                if let Some(name) = &p.socket {
                    self.programs.named.insert(name.clone(), (host, id));
                }
                id
            }
        };
        self.programs.take_got(host, id);
        let data = p.bytes();
        self.set_phase("send");
        let count = p.count.unwrap_or(1);
        for _ in 0..count {
            let sent = self.net.send(host, id, &data, (p.connected != Some(true)).then_some(to), None);
            note_send(&mut out, sent);
            if count > 1 {
                self.pump(self.quiet);
            }
        }
        let wait = p.wait.as_ref().map_or(Duration::ZERO, |w| w.duration());
        self.pump(self.quiet.max(wait));
        self.note_errors(host, id, &mut out);
        let got = self.programs.take_got(host, id);
        if !got.is_empty() {
            out.insert("replies".into(), got.into());
        }
        if p.socket.is_none() {
            self.programs.forget(host, id);
            self.net.close(host, id, false);
        }
        out
    }

    fn note_errors(&mut self, host: HostId, id: SocketId, out: &mut Map<String, Value>) {
        let errors = self.net.take_errors(host, id);
        if errors.is_empty() {
            return;
        }
        let list = errors.iter().map(|e| match (e.icmp, e.from) {
            (Some(kind), Some(from)) => json!({
                "errno": e.error.name(), "icmp_type": kind.ty, "icmp_code": kind.code, "from": from.to_string(),
            }),
            _ => json!({"errno": e.error.name(), "origin": "local"}),
        });
        out.insert("socket_errors".into(), list.collect());
    }

    fn ping(&mut self, p: &PingProbe) -> Map<String, Value> {
        let mut out = Map::new();
        let host = self.host(&p.from);
        let v6 = p.dst.is_ipv6();
        let options = SocketOptions {
            dev: p.dev.clone(),
            mark: p.mark.unwrap_or(0),
            ttl: p.ttl.filter(|t| *t != 0),
            tos: p.tos.unwrap_or(0),
            transparent: p.transparent.unwrap_or(false),
            df: p.df,
            recverr: true,
            uid: p.uid.unwrap_or(0),
            gid: p.gid.unwrap_or(0),
            ..SocketOptions::default()
        };
        let proto = if v6 { Proto::ICMPV6 } else { Proto::ICMP };
        let id = self.net.socket(host, SocketKind::Raw(proto), v6, options);
        if let Some(src) = p.src
            && let Err(error) = self.net.bind(host, id, src, 0)
        {
            self.net.close(host, id, false);
            return failed(error, "bind");
        }
        let ident = p.id.unwrap_or(77);
        self.programs.open_ping(host, id, ident);
        let kind = IcmpType::new(if v6 { 128 } else { 8 }, 0);
        let body = vec![b'q'; usize::from(p.size.unwrap_or(8))];
        let wait = p.wait.as_ref().map_or(Duration::ZERO, |w| w.duration());
        for i in 0..p.count.unwrap_or(1) {
            let seq = p.seqno.unwrap_or(1).wrapping_add(i as u16);
            self.set_phase("send");
            let message = Transport::Icmp(Icmp::query(kind, ident, seq));
            let sent = self.net.send_raw(host, id, p.dst, message, Payload::from(body.clone()));
            note_send(&mut out, sent);
            self.pump(self.quiet.max(wait));
        }
        self.note_errors(host, id, &mut out);
        let got = self.programs.take_got(host, id);
        if !got.is_empty() {
            out.insert("replies".into(), got.into());
        }
        self.programs.forget(host, id);
        self.net.close(host, id, false);
        out
    }

    fn command(&mut self, p: &RunProbe) -> Map<String, Value> {
        let mut out = Map::new();
        let host = self.host(&p.host);
        let stdin = p.stdin.as_ref().map(|s| s.text()).unwrap_or_default();
        let text = p.cmd.text();
        let done = self.net.change(host, |host, sink| super::shell::run(host, text.trim(), &stdin, sink));
        match done {
            Ok(done) => {
                out.insert("exit".into(), done.status.into());
                for (key, text) in [("stdout", done.stdout), ("stderr", done.stderr)] {
                    if !text.trim().is_empty() {
                        let lines: Vec<&str> = text.trim_end_matches('\n').split('\n').collect();
                        out.insert(key.into(), lines.into());
                    }
                }
            }
            Err(why) => {
                out.insert("not_modelled".into(), why.into());
            }
        }
        self.pump(self.quiet);
        out
    }

    fn push(&mut self, p: &PushProbe) -> Map<String, Value> {
        self.set_phase("push");
        let host = self.host(&p.from);
        let Some(id) = self.programs.newest_connection(host, &p.listener) else {
            return Map::from_iter([("error".to_owned(), Value::from("no connection"))]);
        };
        let mut out = Map::new();
        if let Some(data) = p.data.as_ref().filter(|d| !d.is_empty())
            && let Err(error) = self.net.send(host, id, data.as_bytes(), None, None)
        {
            out.insert("error".into(), error.name().into());
            return out;
        }
        if p.close == Some(true) {
            self.programs.drop_connection(&mut self.net, host, id);
        }
        self.pump(self.quiet);
        out
    }

    fn sleep(&mut self, p: &SleepProbe) -> Map<String, Value> {
        let span = p.seconds.duration();
        self.pump_until(span, span, |_| false);
        Map::new()
    }
}

pub(super) fn any(v6: bool) -> IpAddr {
    if v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() }
}

pub(super) fn failed(error: Errno, at: &str) -> Map<String, Value> {
    Map::from_iter([("error".to_owned(), error.name().into()), ("at".to_owned(), at.into())])
}

pub(super) fn note_send(out: &mut Map<String, Value>, sent: Result<(), Errno>) {
    match sent {
        Ok(()) => {
            let n = out.get("sent").and_then(Value::as_u64).unwrap_or(0);
            out.insert("sent".into(), (n + 1).into());
        }
        Err(error) => {
            let list = out.entry("errors").or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(error.name().into());
            }
        }
    }
}

/// The echo replies that a ping's raw socket sees.
pub(super) fn echo_reply(incoming: &Incoming, ident: u16) -> Option<Value> {
    let Incoming::Packet(packet) = incoming else { return None };
    let icmp = packet.icmp()?;
    let v4 = packet.src.is_ipv4();
    let reply = icmp.kind.ty == if v4 { 0 } else { 129 };
    if !reply || icmp.id != ident {
        return None;
    }
    let mut got = json!({"from": packet.src.to_string(), "seqno": icmp.seq});
    if v4 {
        got["ttl"] = packet.ttl.into();
    }
    Some(got)
}

/// Bytes as a truth shows them.
pub(super) fn shown(bytes: &[u8]) -> Value {
    text(bytes).into()
}
