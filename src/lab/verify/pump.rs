//! Everything that comes in while a probe runs: trace, wires, servers, the probe's own sockets.

use super::machine::Machine;
use super::socket::{self, name};
use super::{VerifyError, headers, netlink, trace};
use crate::lab::{ListenerProto, ReplyFrom};
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    Backlog, ControlMessage, ControlMessageOwned, LinkAddr, MsgFlags, SockFlag, SockType, SockaddrStorage,
    bind, getsockname, listen, recv, recvfrom, recvmsg, send, sendmsg, setsockopt, sockopt,
};
use rustix::net::{SocketFlags, acceptfrom_with};
use serde_json::{Value, json};
use std::io::{IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// A TCP server thinks so long, longer than an acknowledgement is held back: else it would depend on the
/// machine's load whether one goes alone.
pub const THINKS: Duration = Duration::from_millis(90);

/// A socket that is read.
pub struct Source {
    /// Its host.
    pub host: usize,
    /// The socket.
    pub fd: OwnedFd,
    /// Whether it is still read.
    pub watched: bool,
    /// What it is.
    pub kind: Kind,
}

/// What a socket is.
pub enum Kind {
    /// The kernel's trace.
    Trace,
    /// The wires.
    Wire,
    /// A listener, by its place.
    Listener(usize),
    /// A connection that a listener accepted.
    Connection(usize),
    /// A probe's, and what it got.
    Sender(Sender, Vec<Value>),
}

/// A probe's socket.
#[derive(Clone, Copy, Debug)]
pub enum Sender {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// Echo requests with an identifier.
    Ping(u16),
}

impl Machine {
    /// Takes a socket to be read.
    pub fn watch(&mut self, host: usize, fd: OwnedFd, kind: Kind) -> usize {
        self.next += 1;
        self.sources.insert(self.next, Source { host, fd, watched: true, kind });
        self.next
    }

    /// Handles what comes until so long nothing has come.
    pub fn pump(&mut self, quiet: Duration) {
        self.pump_for(quiet, Duration::from_secs(5).max(quiet));
    }

    /// The same, but not for longer than `limit`.
    pub fn pump_for(&mut self, quiet: Duration, limit: Duration) {
        let end = Instant::now() + limit;
        let mut last = Instant::now();
        loop {
            let now = Instant::now();
            let mut until = (last + quiet).min(end);
            if until <= now {
                if self.later.is_empty() || now >= end {
                    return;
                }
                until = last + THINKS;
                if until <= now {
                    self.do_later();
                    last = Instant::now();
                    continue;
                }
            }
            let ready = self.ready(until - now);
            for id in ready {
                if self.handle(id) {
                    last = Instant::now();
                }
            }
        }
    }

    /// The sockets that have something.
    fn ready(&self, wait: Duration) -> Vec<usize> {
        let watched: Vec<_> = self.sources.iter().filter(|(_, source)| source.watched).collect();
        let mut polled: Vec<_> =
            watched.iter().map(|(_, source)| PollFd::new(source.fd.as_fd(), PollFlags::POLLIN)).collect();
        let millis = u16::try_from(wait.as_millis() + 1).unwrap_or(u16::MAX);
        if poll(&mut polled, PollTimeout::from(millis)).is_err() {
            return Vec::new();
        }
        let has = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| !events.is_empty());
        polled.iter().zip(&watched).filter(|(fd, _)| has(fd)).map(|(_, (id, _))| **id).collect()
    }

    /// What servers put off.
    fn do_later(&mut self) {
        for (id, answer) in std::mem::take(&mut self.later) {
            match answer {
                None => {
                    self.sources.remove(&id);
                }
                Some(bytes) => {
                    let Some(source) = self.sources.get(&id) else { continue };
                    if let Err(error) = send(source.fd.as_raw_fd(), &bytes, MsgFlags::MSG_NOSIGNAL)
                        && let Kind::Connection(listener) = source.kind
                    {
                        let told = self.about(source.host, listener, &[("reply_error", name(error))]);
                        self.received.push(told);
                    }
                }
            }
        }
    }

    /// A line about a listener.
    fn about(&self, host: usize, listener: usize, fields: &[(&str, Value)]) -> Value {
        let host = &self.hosts[host];
        let mut line = json!({"host": host.name, "listener": host.listeners[listener].label()});
        for (field, value) in fields {
            line[*field] = value.clone();
        }
        line
    }

    /// Handles a socket that has something; true if it had.
    fn handle(&mut self, id: usize) -> bool {
        let Some(source) = self.sources.get(&id) else { return false };
        let host = source.host;
        match source.kind {
            Kind::Trace => self.trace(id, host),
            Kind::Wire => self.wires(id, host),
            Kind::Listener(listener) => {
                match self.hosts[host].listeners[listener].proto.unwrap_or_default() {
                    ListenerProto::Udp => self.datagrams(id, host, listener),
                    ListenerProto::Tcp => self.accept(id, host, listener),
                }
            }
            Kind::Connection(listener) => self.connection(id, host, listener),
            Kind::Sender(sender, _) => self.sender(id, sender),
        }
    }

    fn trace(&mut self, id: usize, host: usize) -> bool {
        let Some(source) = self.sources.get(&id) else { return false };
        let messages = netlink::receive(&source.fd);
        for (kind, message) in &messages {
            if *kind == trace::TRACE {
                self.seen += 1;
                self.hosts[host].events.extend(trace::event(message, self.seen));
            }
        }
        !messages.is_empty()
    }

    fn wires(&mut self, id: usize, host: usize) -> bool {
        let Some(source) = self.sources.get(&id) else { return false };
        let mut buffer = vec![0; 1 << 16];
        let mut any = false;
        while let Ok((n, from)) = recvfrom::<LinkAddr>(source.fd.as_raw_fd(), &mut buffer) {
            any = true;
            if from.is_some_and(|from| from.pkttype() == libc::PACKET_OUTGOING) {
                self.hosts[host].sent(&buffer[..n]);
            }
        }
        any
    }

    /// Opens a listener.
    pub fn serve(&mut self, at: usize, place: usize) -> Result<(), VerifyError> {
        let host = &self.hosts[at];
        let own = host.listeners[place].clone();
        let addr = own.addr.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let (v6, udp) = (addr.is_ipv6(), own.proto.unwrap_or_default() == ListenerProto::Udp);
        let kind = if udp { SockType::Datagram } else { SockType::Stream };
        let fd = socket::open(&host.ns, socket::family_of(addr), kind, SockFlag::SOCK_NONBLOCK, None)?;
        let open = || -> Result<(), Errno> {
            setsockopt(&fd, sockopt::ReuseAddr, &true)?;
            if own.transparent == Some(true) {
                setsockopt(&fd, sockopt::IpTransparent, &true)?;
            }
            if v6 {
                setsockopt(&fd, sockopt::Ipv6V6Only, &true)?;
            }
            if let Some(mark) = own.mark {
                setsockopt(&fd, sockopt::Mark, &mark)?;
            }
            if udp {
                setsockopt(&fd, sockopt::Broadcast, &true)?;
                if !v6 {
                    setsockopt(&fd, sockopt::Ipv4PacketInfo, &true)?;
                }
            }
            bind(fd.as_raw_fd(), &socket::end(addr, own.port))?;
            if udp { Ok(()) } else { listen(&fd, Backlog::new(16)?) }
        };
        let doing = format!("host {}: listener {}", host.name, own.label());
        open().map_err(VerifyError::doing(doing))?;
        self.watch(at, fd, Kind::Listener(place));
        Ok(())
    }

    fn datagrams(&mut self, id: usize, host: usize, listener: usize) -> bool {
        let own = self.hosts[host].listeners[listener].clone();
        let mut any = false;
        loop {
            let Some(source) = self.sources.get(&id) else { return any };
            let fd = source.fd.as_raw_fd();
            let (mut data, mut control) = (vec![0; 1 << 16], vec![0; 256]);
            let mut slices = [IoSliceMut::new(&mut data)];
            let (n, from, to) =
                match recvmsg::<SockaddrStorage>(fd, &mut slices, Some(&mut control), MsgFlags::MSG_DONTWAIT)
                {
                    Err(Errno::EAGAIN) => return any,
                    Err(_) => return true,
                    Ok(message) => {
                        let to = message.cmsgs().into_iter().flatten().find_map(|c| match c {
                            ControlMessageOwned::Ipv4PacketInfo(info) => Some(info.ipi_addr),
                            _ => None,
                        });
                        (message.bytes, message.address, to)
                    }
                };
            any = true;
            let Some(from) = from else { continue };
            let mut fields = vec![("from", json!(socket::text(&from, true)))];
            if let Some(to) = to {
                fields.push(("to", json!(Ipv4Addr::from(u32::from_be(to.s_addr)))));
            }
            fields.push(("data", json!(headers::data(&data[..n]))));
            if let Some(answer) = own.reply.as_ref().and_then(|reply| reply.to_bytes(&data[..n])) {
                let info =
                    to.filter(|_| own.reply_from == Some(ReplyFrom::Same)).map(|to| libc::in_pktinfo {
                        ipi_ifindex: 0,
                        ipi_spec_dst: to,
                        ipi_addr: libc::in_addr { s_addr: 0 },
                    });
                let control: Vec<_> = info.iter().map(ControlMessage::Ipv4PacketInfo).collect();
                let slices = [IoSlice::new(&answer)];
                if let Err(error) = sendmsg(fd, &slices, &control, MsgFlags::MSG_DONTWAIT, Some(&from)) {
                    fields.push(("reply_error", name(error)));
                }
            }
            let line = self.about(host, listener, &fields);
            self.received.push(line);
        }
    }

    fn accept(&mut self, id: usize, host: usize, listener: usize) -> bool {
        let Some(source) = self.sources.get(&id) else { return false };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let Ok((fd, from)) = acceptfrom_with(&source.fd, flags) else { return false };
        let from = from.and_then(|from| std::net::SocketAddr::try_from(from).ok());
        let from = from.map(|from| format!("{}:{}", from.ip(), from.port()));
        let local =
            getsockname::<SockaddrStorage>(fd.as_raw_fd()).ok().map(|local| socket::text(&local, false));
        let line = self.about(host, listener, &[("accepted_from", json!(from)), ("local", json!(local))]);
        self.received.push(line);
        let label = self.hosts[host].listeners[listener].label();
        let id = self.watch(host, fd, Kind::Connection(listener));
        self.accepted.push((host, label, id));
        true
    }

    fn connection(&mut self, id: usize, host: usize, listener: usize) -> bool {
        let Some(source) = self.sources.get_mut(&id) else { return false };
        let mut buffer = vec![0; 1 << 16];
        match recv(source.fd.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
            Err(Errno::EAGAIN) => return false,
            Err(error) => {
                let line = self.about(host, listener, &[("error", name(error))]);
                self.received.push(line);
                self.sources.remove(&id);
            }
            Ok(0) => {
                source.watched = false;
                let line = self.about(host, listener, &[("eof", json!(true))]);
                self.received.push(line);
                self.later.push((id, None));
            }
            Ok(n) => {
                let line = self.about(host, listener, &[("data", json!(headers::data(&buffer[..n])))]);
                self.received.push(line);
                let reply = &self.hosts[host].listeners[listener].reply;
                if let Some(answer) = reply.as_ref().and_then(|reply| reply.to_bytes(&buffer[..n])) {
                    self.later.push((id, Some(answer)));
                }
            }
        }
        true
    }

    /// A probe's socket.
    fn sender(&mut self, id: usize, sender: Sender) -> bool {
        let Some(source) = self.sources.get_mut(&id) else { return false };
        let Kind::Sender(_, got) = &mut source.kind else { return false };
        let mut buffer = vec![0; 1 << 16];
        let mut any = false;
        loop {
            let fd = source.fd.as_raw_fd();
            match (sender, recvfrom::<SockaddrStorage>(fd, &mut buffer)) {
                (_, Err(Errno::EAGAIN)) => return any,
                (Sender::Ping(_), Err(_)) => return true,
                (Sender::Udp, Err(error)) => {
                    got.push(json!({"error": name(error)}));
                    return true;
                }
                (Sender::Tcp, Err(error)) => {
                    got.push(json!({"error": name(error)}));
                    source.watched = false;
                    return true;
                }
                (Sender::Udp, Ok((n, from))) => {
                    let from = from.map(|from| socket::text(&from, true));
                    got.push(json!({"from": from, "data": headers::data(&buffer[..n])}));
                }
                (Sender::Tcp, Ok((0, _))) => {
                    got.push(json!({"eof": true}));
                    source.watched = false;
                    return true;
                }
                (Sender::Tcp, Ok((n, _))) => got.push(json!({"data": headers::data(&buffer[..n])})),
                (Sender::Ping(ident), Ok((n, from))) => {
                    let answer =
                        from.and_then(|from| echo_reply(&buffer[..n], socket::parts(&from).0, ident));
                    if let Some(answer) = answer {
                        got.push(answer);
                    } else {
                        continue;
                    }
                }
            }
            any = true;
        }
    }

    /// Where a socket ends on its own side.
    pub fn local(&self, id: usize) -> Option<SockaddrStorage> {
        getsockname(self.sources.get(&id)?.fd.as_raw_fd()).ok()
    }
}

/// An echo reply to an identifier's request, with the IP header before it in IPv4.
fn echo_reply(bytes: &[u8], from: IpAddr, ident: u16) -> Option<Value> {
    let header = if from.is_ipv4() { usize::from(bytes.first()? & 15) * 4 } else { 0 };
    let message = bytes.get(header..header + 8)?;
    let reply = if from.is_ipv4() { 0 } else { 129 };
    if message[0] != reply || u16::from_be_bytes([message[4], message[5]]) != ident {
        return None;
    }
    let mut answer = json!({"from": from, "seqno": u16::from_be_bytes([message[6], message[7]])});
    if from.is_ipv4() {
        answer["ttl"] = json!(bytes.get(8)?);
    }
    Some(answer)
}
