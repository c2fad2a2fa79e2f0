//! Probes that send from sockets of the usual kinds, and crafted packets as bytes.

use super::VerifyError;
use super::machine::Machine;
use super::pump::{Kind, Sender, THINKS};
use super::socket::{self, Options, any, end, family_of, name};
use crate::lab::{Close, CraftedPacket, PingProbe, TcpProbe, UdpProbe};
use crate::packet::Proto;
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, Shutdown, SockProtocol, SockType, bind, connect, send, sendto, setsockopt,
    shutdown, sockopt,
};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// A socket that could not be made ready.
fn unready(error: Errno, at: &str) -> Value {
    json!({"error": name(error), "at": at})
}

impl Machine {
    /// What a probe's socket got; it is empty afterwards.
    fn take_got(&mut self, id: usize) -> Vec<Value> {
        match self.sources.get_mut(&id).map(|source| &mut source.kind) {
            Some(Kind::Sender(_, got)) => std::mem::take(got),
            _ => Vec::new(),
        }
    }

    /// Something done with an open socket.
    fn with<T>(&self, id: usize, act: impl FnOnce(&OwnedFd) -> Result<T, Errno>) -> Result<T, Errno> {
        self.sources.get(&id).map_or(Err(Errno::EBADF), |source| act(&source.fd))
    }

    /// UDP datagrams.
    pub fn udp(&mut self, at: usize, p: &UdpProbe) -> Result<Value, VerifyError> {
        let family = family_of(p.dst);
        let options = Options {
            mark: p.mark,
            dev: p.dev.clone(),
            ttl: p.ttl,
            tos: p.tos,
            df: p.df,
            transparent: p.transparent == Some(true),
        };
        let known = p.socket.as_ref().and_then(|name| self.named.get(name).copied());
        let id = match known {
            Some(id) => {
                if let Err(error) = self.with(id, |fd| options.set(fd, family)) {
                    return Ok(unready(error, "options"));
                }
                id
            }
            None => {
                let owner = (p.uid, p.gid);
                let fd = socket::open_as(&self.hosts[at].ns, family, SockType::Datagram, None, owner)?;
                let ready = options
                    .set(&fd, family)
                    .and_then(|()| setsockopt(&fd, sockopt::ReuseAddr, &true))
                    .and_then(|()| match p.broadcast {
                        Some(true) => setsockopt(&fd, sockopt::Broadcast, &true),
                        Some(false) | None => Ok(()),
                    })
                    .and_then(|()| hear_errors(&fd, family))
                    .and_then(|()| {
                        bind(fd.as_raw_fd(), &end(p.src.unwrap_or(any(p.dst)), p.sport.unwrap_or(0)))
                    })
                    .and_then(|()| match p.connected {
                        Some(true) => connect(fd.as_raw_fd(), &end(p.dst, p.dport)),
                        Some(false) | None => Ok(()),
                    });
                if let Err(error) = ready {
                    return Ok(unready(error, "bind/connect"));
                }
                self.watch(at, fd, Kind::Sender(Sender::Udp, Vec::new()))
            }
        };
        if let Some(name) = &p.socket {
            self.named.insert(name.clone(), id);
        }
        self.take_got(id);
        let bytes = p.bytes();
        let (mut sent, mut errors) = (0, Vec::new());
        let count = p.count.unwrap_or(1);
        for _ in 0..count {
            let done = self.with(id, |fd| match p.connected {
                Some(true) => send(fd.as_raw_fd(), &bytes, MsgFlags::MSG_NOSIGNAL),
                Some(false) | None => sendto(fd.as_raw_fd(), &bytes, &end(p.dst, p.dport), MsgFlags::empty()),
            });
            match done {
                Ok(_) => sent += 1,
                Err(error) => errors.push(name(error)),
            }
            if count > 1 {
                self.pump(self.quiet);
            }
        }
        self.pump(self.silence(p.wait.as_ref()));
        Ok(self.finish(id, sent, errors, p.socket.is_some()))
    }

    /// What a sender of datagrams says; its socket is closed unless it stays.
    fn finish(&mut self, id: usize, sent: u32, errors: Vec<Value>, stays: bool) -> Value {
        let mut told = json!({});
        if sent > 0 {
            told["sent"] = json!(sent);
        }
        if !errors.is_empty() {
            told["errors"] = json!(errors);
        }
        let queue = self.sources.get(&id).map(|source| socket::error_queue(&source.fd)).unwrap_or_default();
        if !queue.is_empty() {
            told["socket_errors"] = json!(queue);
        }
        let got = self.take_got(id);
        if !got.is_empty() {
            told["replies"] = json!(got);
        }
        if !stays {
            self.sources.remove(&id);
        }
        told
    }

    /// Echo requests.
    pub fn ping(&mut self, at: usize, p: &PingProbe) -> Result<Value, VerifyError> {
        let family = family_of(p.dst);
        let v4 = p.dst.is_ipv4();
        let proto = if v4 { SockProtocol::Icmp } else { SockProtocol::IcmpV6 };
        let options = Options {
            mark: p.mark,
            dev: p.dev.clone(),
            ttl: p.ttl,
            tos: p.tos,
            df: p.df,
            transparent: p.transparent == Some(true),
        };
        let fd = socket::open_as(&self.hosts[at].ns, family, SockType::Raw, Some(proto), (p.uid, p.gid))?;
        let ready = options
            .set(&fd, family)
            .and_then(|()| p.src.map_or(Ok(()), |src| bind(fd.as_raw_fd(), &end(src, 0))))
            .and_then(|()| hear_errors(&fd, family));
        if let Err(error) = ready {
            return Ok(unready(error, "bind"));
        }
        let ident = p.id.unwrap_or(77);
        let id = self.watch(at, fd, Kind::Sender(Sender::Ping(ident), Vec::new()));
        let (mut sent, mut errors) = (0, Vec::new());
        for i in 0..p.count.unwrap_or(1) {
            let seqno = p.seqno.unwrap_or(1).wrapping_add(i as u16);
            let mut message = vec![if v4 { 8 } else { 128 }, 0, 0, 0];
            message.extend(ident.to_be_bytes());
            message.extend(seqno.to_be_bytes());
            message.extend(std::iter::repeat_n(b'q', usize::from(p.size.unwrap_or(8))));
            if v4 {
                let sum = checksum(&message).to_be_bytes();
                message[2..4].copy_from_slice(&sum);
            }
            match self.with(id, |fd| sendto(fd.as_raw_fd(), &message, &end(p.dst, 0), MsgFlags::empty())) {
                Ok(_) => sent += 1,
                Err(error) => errors.push(name(error)),
            }
            self.pump(self.silence(p.wait.as_ref()));
        }
        Ok(self.finish(id, sent, errors, false))
    }

    /// A TCP connection.
    pub fn tcp(&mut self, at: usize, p: &TcpProbe) -> Result<Value, VerifyError> {
        let mut told = json!({});
        let known = p.socket.as_ref().and_then(|name| self.named.get(name).copied());
        let id = match known {
            Some(id) => {
                self.take_got(id);
                told["connect"] = json!("already");
                id
            }
            None => match self.connect(at, p)? {
                Ok(id) => {
                    told["connect"] = json!("ok");
                    told["local"] = json!(self.local(id).map(|local| socket::text(&local, false)));
                    if let Some(name) = &p.socket {
                        self.named.insert(name.clone(), id);
                    }
                    id
                }
                Err(refused) => return Ok(refused),
            },
        };
        if let Some(data) = p.data.as_ref().filter(|data| !data.is_empty()) {
            if let Err(e) = self.with(id, |fd| send(fd.as_raw_fd(), data.as_bytes(), MsgFlags::MSG_NOSIGNAL))
            {
                told["send_error"] = name(e);
            }
            self.pump(p.wait.as_ref().map_or(THINKS, |wait| wait.duration().max(THINKS)));
        }
        let got = self.take_got(id);
        if !got.is_empty() {
            told["received"] = json!(got);
        }
        match p.closing() {
            Close::None => return Ok(told),
            Close::Rst => {
                let now = libc::linger { l_onoff: 1, l_linger: 0 };
                self.with(id, |fd| setsockopt(fd, sockopt::Linger, &now)).ok();
                self.sources.remove(&id);
                self.pump(THINKS);
            }
            Close::Fin => {
                if let Err(error) = self.with(id, |fd| shutdown(fd.as_raw_fd(), Shutdown::Write)) {
                    told["close_error"] = name(error);
                }
                self.pump(THINKS);
                let got = self.take_got(id);
                if !got.is_empty() {
                    told["after_close"] = json!(got);
                }
                self.sources.remove(&id);
                self.pump(self.quiet);
            }
        }
        if let Some(name) = &p.socket {
            self.named.remove(name);
        }
        Ok(told)
    }

    /// Opens a connection; else what is told of the attempt.
    fn connect(&mut self, at: usize, p: &TcpProbe) -> Result<Result<usize, Value>, VerifyError> {
        let family = family_of(p.dst);
        let options = Options {
            mark: p.mark,
            dev: p.dev.clone(),
            ttl: p.ttl,
            tos: p.tos,
            df: p.df,
            transparent: p.transparent == Some(true),
        };
        let fd = socket::open_as(&self.hosts[at].ns, family, SockType::Stream, None, (p.uid, p.gid))?;
        let ready = options
            .set(&fd, family)
            .and_then(|()| setsockopt(&fd, sockopt::ReuseAddr, &true))
            .and_then(|()| {
                if p.src.is_none() && p.sport.unwrap_or(0) == 0 {
                    return Ok(());
                }
                bind(fd.as_raw_fd(), &end(p.src.unwrap_or(any(p.dst)), p.sport.unwrap_or(0)))
            });
        if let Err(error) = ready {
            return Ok(Err(unready(error, "bind")));
        }
        let timeout = p.timeout.as_ref().map_or(Duration::from_millis(300), |t| t.duration());
        let limit = Instant::now() + timeout;
        let mut outcome = match connect(fd.as_raw_fd(), &end(p.dst, p.dport)) {
            Ok(()) => json!("ok"),
            Err(Errno::EINPROGRESS) => json!("timeout"),
            Err(error) => name(error),
        };
        while outcome == "timeout" && Instant::now() < limit {
            self.pump_for(Duration::from_millis(20), limit - Instant::now());
            let mut polled = [PollFd::new(fd.as_fd(), PollFlags::POLLOUT)];
            if poll(&mut polled, PollTimeout::ZERO).is_ok_and(|n| n > 0) {
                outcome = match nix::sys::socket::getsockopt(&fd, sockopt::SocketError) {
                    Ok(0) => json!("ok"),
                    Ok(code) => name(Errno::from_raw(code)),
                    Err(error) => name(error),
                };
            }
        }
        self.pump(self.quiet);
        if outcome == "ok" {
            return Ok(Ok(self.watch(at, fd, Kind::Sender(Sender::Tcp, Vec::new()))));
        }
        drop(fd);
        self.pump(self.quiet);
        Ok(Err(json!({"connect": outcome})))
    }
}

/// Asks for the errors that others tell (`IP_RECVERR`).
fn hear_errors(fd: &OwnedFd, family: AddressFamily) -> Result<(), Errno> {
    if family == AddressFamily::Inet {
        setsockopt(fd, sockopt::Ipv4RecvErr, &true)
    } else {
        setsockopt(fd, sockopt::Ipv6RecvErr, &true)
    }
}

/// The internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum = words.fold(0_u64, |sum, word| sum + u64::from(word));
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn octets(addr: IpAddr) -> Vec<u8> {
    match addr {
        IpAddr::V4(addr) => addr.octets().to_vec(),
        IpAddr::V6(addr) => addr.octets().to_vec(),
    }
}

/// Bytes of options, filled up with zeros to words of four.
fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// A crafted packet's bytes, from its IP header on.
pub fn bytes_of(p: &CraftedPacket) -> Vec<u8> {
    let (v4, proto) = (p.src.is_ipv4(), p.protocol());
    let mut body = transport(p, proto);
    let place = match proto {
        Proto::TCP => Some(16),
        Proto::UDP => Some(6),
        Proto::ICMP | Proto::ICMPV6 => Some(2),
        _ => None,
    };
    if let Some(place) = place.filter(|_| p.no_csum != Some(true) || proto == Proto::ICMP) {
        let mut summed = Vec::new();
        if proto != Proto::ICMP {
            // The pseudo header (RFC 768, RFC 8200 8.1).
            summed.extend(octets(p.src));
            summed.extend(octets(p.dst));
            if v4 {
                summed.extend([0, proto.0]);
                summed.extend((body.len() as u16).to_be_bytes());
            } else {
                summed.extend((body.len() as u32).to_be_bytes());
                summed.extend([0, 0, 0, proto.0]);
            }
        }
        summed.extend(&body);
        let mut sum = checksum(&summed);
        if proto == Proto::UDP && sum == 0 {
            sum = 0xffff;
        }
        if p.bad_csum == Some(true) {
            sum ^= 0x5555;
        }
        body[place..place + 2].copy_from_slice(&sum.to_be_bytes());
    }
    if v4 { ipv4(p, proto, body) } else { ipv6(p, proto, &body) }
}

fn ipv6(p: &CraftedPacket, proto: Proto, body: &[u8]) -> Vec<u8> {
    let mut bytes = (6_u32 << 28 | u32::from(p.tos.unwrap_or(0)) << 20).to_be_bytes().to_vec();
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend([proto.0, p.ttl.unwrap_or(64)]);
    bytes.extend(octets(p.src));
    bytes.extend(octets(p.dst));
    bytes.extend(body);
    bytes
}

fn ipv4(p: &CraftedPacket, proto: Proto, body: Vec<u8>) -> Vec<u8> {
    let mut bits = if p.df == Some(true) { 0x4000 } else { 0 };
    let mut body = body;
    if let Some(frag) = p.frag.filter(|frag| *frag != Default::default()) {
        let offset = frag.offset.unwrap_or(0);
        bits = (offset / 8) | if frag.more == Some(true) { 0x2000 } else { 0 };
        body.drain(..usize::from(offset).min(body.len()));
        body.truncate(frag.length.map_or(usize::MAX, usize::from));
    }
    let options = padded(p.ip_options.as_ref().map_or(&[], |o| o.bytes()));
    let words = 5 + options.len() / 4;
    let mut bytes = vec![0x40 | words as u8, p.tos.unwrap_or(0)];
    bytes.extend(((words * 4 + body.len()) as u16).to_be_bytes());
    bytes.extend(p.ipid.unwrap_or(4660).to_be_bytes());
    bytes.extend(bits.to_be_bytes());
    bytes.extend([p.ttl.unwrap_or(64), proto.0, 0, 0]);
    bytes.extend(octets(p.src));
    bytes.extend(octets(p.dst));
    bytes.extend(options);
    let mut sum = checksum(&bytes);
    if p.bad_ip_csum == Some(true) {
        sum ^= 0x5555;
    }
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    bytes.extend(body);
    bytes
}

/// What follows the IP header, its checksum 0.
fn transport(p: &CraftedPacket, proto: Proto) -> Vec<u8> {
    let mut data = p.data.as_ref().map_or(Vec::new(), |data| data.as_slice().to_vec());
    if let Some(size) = p.size {
        data.resize(usize::from(size), b'x');
    }
    let mut bytes = Vec::new();
    let sport = p.sport.unwrap_or(40000).to_be_bytes();
    match proto {
        Proto::TCP => {
            let options = padded(p.tcp_options.as_ref().map_or(&[], |o| o.bytes()));
            let flags = p.flags.as_ref().map_or(Some(crate::packet::TcpFlags::SYN), |f| f.flags());
            bytes.extend(sport);
            bytes.extend(p.dport.unwrap_or(80).to_be_bytes());
            bytes.extend((p.seq.unwrap_or(1000) as u32).to_be_bytes());
            bytes.extend((p.ack.unwrap_or(0) as u32).to_be_bytes());
            bytes.extend([((5 + options.len() / 4) << 4) as u8, flags.unwrap_or_default().0]);
            bytes.extend(p.win.unwrap_or(64240).to_be_bytes());
            bytes.extend([0; 4]);
            bytes.extend(options);
        }
        Proto::UDP => {
            bytes.extend(sport);
            bytes.extend(p.dport.unwrap_or(53).to_be_bytes());
            bytes.extend((8 + data.len() as u16).to_be_bytes());
            bytes.extend([0; 2]);
        }
        Proto::ICMP | Proto::ICMPV6 => {
            let echo = if proto == Proto::ICMP { 8 } else { 128 };
            bytes.extend([p.ty.unwrap_or(echo), p.code.unwrap_or(0), 0, 0]);
            match &p.inner {
                Some(inner) => {
                    bytes.extend([0; 2]);
                    bytes.extend(p.mtu.unwrap_or(0).to_be_bytes());
                    data = bytes_of(inner);
                    if proto == Proto::ICMP {
                        data.truncate(usize::from(p.quote.unwrap_or(28)));
                    }
                }
                None => {
                    bytes.extend(p.id.unwrap_or(1).to_be_bytes());
                    bytes.extend(p.seqno.unwrap_or(1).to_be_bytes());
                }
            }
        }
        _ => {}
    }
    bytes.extend(data);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::verify::headers;

    #[test]
    fn bytes_are_what_the_typed_packet_is() {
        for fields in [
            r#""src": "10.0.0.1", "dst": "10.0.0.2", "data": "abc", "tos": 8, "ttl": 3"#,
            r#""src": "10.0.0.1", "dst": "10.0.0.2", "proto": "tcp", "flags": "FIN,ACK", "tcp_options": "0101""#,
            r#""src": "10.0.0.1", "dst": "10.0.0.2", "proto": "icmp", "size": 40, "ip_options": "94040000""#,
            r#""src": "10.0.0.1", "dst": "10.0.0.2", "size": 100, "frag": {"offset": 8, "length": 40, "more": true}"#,
            r#""src": "10.0.0.1", "dst": "10.0.0.2", "proto": "icmp", "type": 3, "code": 1,
               "inner": {"src": "10.0.0.2", "dst": "10.0.0.1", "data": "0123456789"}"#,
            r#""src": "fd00::1", "dst": "fd00::2", "proto": "icmp", "id": 7, "size": 9"#,
            r#""src": "fd00::1", "dst": "fd00::2", "proto": "tcp", "dport": 443"#,
            r#""src": "10.0.0.1", "dst": "10.0.0.2", "proto": 47, "data": "0123""#,
        ] {
            let crafted: CraftedPacket = serde_json::from_str(&format!("{{{fields}}}")).expect("a packet");
            let packet = crafted.to_packet().expect("a packet");
            let seen = headers::read(&bytes_of(&crafted), None).expect("headers");
            assert_eq!(
                (seen.len, seen.proto, seen.ttl, seen.tos),
                (packet.len(), packet.proto(), packet.ttl, packet.tos)
            );
            assert_eq!(bytes_of(&crafted).len() as u32, packet.len());
            assert_eq!((seen.ports, seen.flags), (packet.ports(), packet.tcp().map(|t| t.flags)));
            assert_eq!(seen.icmp, packet.icmp().map(|i| (i.kind.ty, i.kind.code)));
        }
    }

    #[test]
    fn checksums_add_up() {
        let fields = r#"{"src": "10.0.0.1", "dst": "10.0.0.2", "proto": "icmp", "data": "abc"}"#;
        let bytes = bytes_of(&serde_json::from_str(fields).expect("a packet"));
        assert_eq!((checksum(&bytes[..20]), checksum(&bytes[20..])), (0, 0));
        let bad =
            bytes_of(&serde_json::from_str(&fields.replace('}', ", \"bad_csum\": true}")).expect("a packet"));
        assert_ne!(checksum(&bad[20..]), 0);
    }
}
