//! A host's sockets: what they are bound to, what came for them, and which one a packet is for.

use super::errno::Errno;
use super::tcp::{Connection, Listener, State};
use crate::abi::IfName;
use crate::netfilter::{Cast, Skb, SocketFacts};
use crate::packet::{Icmp, IcmpType, Packet, Proto};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// A socket's number, unique in its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SocketId(pub u32);

/// What a program sets on a socket (socket(7), ip(7)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketOptions {
    /// `SO_BINDTODEVICE`.
    pub dev: Option<IfName>,
    /// `SO_MARK`.
    pub mark: u32,
    /// `IP_TTL`, `IPV6_UNICAST_HOPS`.
    pub ttl: Option<u8>,
    /// `IP_TOS`, `IPV6_TCLASS`.
    pub tos: u8,
    /// `IP_TRANSPARENT`.
    pub transparent: bool,
    /// `IP_MTU_DISCOVER`: always "don't fragment", never, or, where it is not set, as the path wants it.
    pub df: Option<bool>,
    /// `IP_RECVERR`, `IPV6_RECVERR`.
    pub recverr: bool,
    /// `SO_BROADCAST`.
    pub broadcast: bool,
    /// `SO_REUSEADDR`.
    pub reuse: bool,
    /// The user that made it.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// What kind of socket it is.
#[derive(Clone, Debug, PartialEq)]
pub enum SocketKind {
    /// UDP.
    Udp,
    /// Takes a copy of each packet of a protocol (raw(7)).
    Raw(Proto),
    /// TCP, not connected.
    Tcp,
    /// TCP, listening.
    Listener(Listener),
    /// A TCP connection.
    Connection(Box<Connection>),
}

/// Something that came for a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A datagram.
    Datagram {
        /// From.
        from: SocketAddr,
        /// The address it was sent to.
        to: IpAddr,
        /// Its bytes.
        data: Arc<[u8]>,
    },
    /// A packet, for a raw socket.
    Packet(Packet),
    /// `connect` succeeded.
    Connected,
    /// A connection was accepted.
    Accepted(SocketId),
    /// Bytes of a stream.
    Data(Arc<[u8]>),
    /// The end of a stream.
    Eof,
    /// The next call fails.
    Error(Errno),
}

/// An error that waits in a socket's error queue (`IP_RECVERR`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedError {
    /// The error.
    pub error: Errno,
    /// The ICMP message, or `None` for an error of the host itself.
    pub icmp: Option<IcmpType>,
    /// Who sent the message.
    pub from: Option<IpAddr>,
}

/// A socket.
#[derive(Clone, Debug, PartialEq)]
pub struct Socket {
    /// What it is.
    pub kind: SocketKind,
    /// It speaks IPv6.
    pub v6: bool,
    /// The address it is bound to; `None` is any.
    pub addr: Option<IpAddr>,
    /// The port it is bound to; 0 is none.
    pub port: u16,
    /// The other side, where it is connected.
    pub remote: Option<SocketAddr>,
    /// What the program set.
    pub options: SocketOptions,
    /// A program has it open.
    pub open: bool,
    /// What came, oldest first.
    pub incoming: VecDeque<Incoming>,
    /// Errors that wait.
    pub errors: Vec<QueuedError>,
}

/// The sockets of a host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sockets {
    list: BTreeMap<SocketId, Socket>,
    next: u32,
}

impl Sockets {
    /// All sockets, by number.
    pub fn iter(&self) -> impl Iterator<Item = (SocketId, &Socket)> {
        self.list.iter().map(|(id, s)| (*id, s))
    }

    /// One socket.
    pub fn get(&self, id: SocketId) -> Option<&Socket> {
        self.list.get(&id)
    }

    /// One socket, to be changed.
    pub fn get_mut(&mut self, id: SocketId) -> Option<&mut Socket> {
        self.list.get_mut(&id)
    }

    pub(super) fn insert(&mut self, socket: Socket) -> SocketId {
        let id = SocketId(self.next);
        self.next += 1;
        self.list.insert(id, socket);
        id
    }

    pub(super) fn remove(&mut self, id: SocketId) {
        self.list.remove(&id);
    }

    /// True if no other socket stands in the way of a bind (`inet_csk_get_port`, `udp_lib_get_port`).
    pub fn is_free(&self, id: SocketId, proto: Proto, addr: Option<IpAddr>, port: u16) -> bool {
        let Some(own) = self.get(id) else { return false };
        !self.list.iter().any(|(other, s)| {
            let same = *other != id && s.proto() == proto && s.port == port && s.v6 == own.v6;
            let overlaps = s.addr.is_none() || addr.is_none() || s.addr == addr;
            let devices =
                s.options.dev.is_none() || own.options.dev.is_none() || s.options.dev == own.options.dev;
            let listens = matches!(s.kind, SocketKind::Listener(_));
            let shares = s.options.reuse && own.options.reuse && !listens;
            same && overlaps && devices && !shares
        })
    }

    /// The sockets that a UDP packet is for: the best one, or all that fit where it is for many
    /// (`__udp4_lib_lookup`, `__udp4_lib_mcast_deliver`).
    pub fn for_udp(&self, skb: &Skb) -> Vec<SocketId> {
        let Some((sport, dport)) = skb.packet.ports() else { return Vec::new() };
        let (src, dst) = (skb.packet.src, skb.packet.dst);
        let many = dst.is_multicast()
            || matches!(skb.cast, Some(Cast::Broadcast | Cast::Multicast | Cast::Loopback));
        let want = |s: &Socket| matches!(s.kind, SocketKind::Udp) && s.v6 == src.is_ipv6();
        if let Some(to) = skb.tproxy {
            let fits = |s: &Socket| want(s) && s.port == to.port() && s.addr.is_none_or(|a| a == to.ip());
            return self.list.iter().find(|(_, s)| fits(s)).map(|(id, _)| *id).into_iter().collect();
        }
        let scored = self.list.iter().filter(|(_, s)| want(s)).filter_map(|(id, s)| {
            Some((s.score((dst, dport), SocketAddr::new(src, sport), skb.iif.as_ref())?, *id))
        });
        if many {
            return scored.map(|(_, id)| id).collect();
        }
        scored.max().map(|(_, id)| id).into_iter().collect()
    }

    /// The socket that a TCP segment is for: a connection, else a listener (`__inet_lookup`).
    pub fn for_tcp(&self, skb: &Skb) -> Option<SocketId> {
        let (sport, dport) = skb.packet.ports()?;
        let remote = SocketAddr::new(skb.packet.src, sport);
        // What is closed is not found any more (`tcp_set_state` unhashes it).
        let connection = |s: &Socket| {
            matches!(&s.kind, SocketKind::Connection(c) if c.state() != State::Closed)
                && s.port == dport
                && s.remote == Some(remote)
                && s.addr == Some(skb.packet.dst)
        };
        match self.list.iter().find(|(_, s)| connection(s)) {
            Some((id, _)) => Some(*id),
            None => self.for_request(skb).or_else(|| self.for_listener(skb)),
        }
    }

    /// The listener with which a handshake is under way that a segment belongs to; its port may be another one
    /// (TPROXY).
    fn for_request(&self, skb: &Skb) -> Option<SocketId> {
        let (sport, dport) = skb.packet.ports()?;
        let ends = (SocketAddr::new(skb.packet.dst, dport), SocketAddr::new(skb.packet.src, sport));
        let asked = |s: &Socket| matches!(&s.kind, SocketKind::Listener(l) if l.has_request(ends.0, ends.1));
        self.list.iter().find(|(_, s)| asked(s)).map(|(id, _)| *id)
    }

    /// The listener that a TCP segment is for (`__inet_lookup_listener`).
    pub fn for_listener(&self, skb: &Skb) -> Option<SocketId> {
        let (sport, dport) = skb.packet.ports()?;
        let remote = SocketAddr::new(skb.packet.src, sport);
        let (dst, dport) = skb.tproxy.map_or((skb.packet.dst, dport), |to| (to.ip(), to.port()));
        let listens = |s: &Socket| matches!(s.kind, SocketKind::Listener(_)) && s.v6 == remote.is_ipv6();
        let scored = self.list.iter().filter(|(_, s)| listens(s)).filter_map(|(id, s)| {
            // The one that listened first, of those that fit as well.
            Some((s.score((dst, dport), remote, skb.iif.as_ref())?, std::cmp::Reverse(*id)))
        });
        scored.max().map(|(_, id)| id.0)
    }

    /// The sockets that sent a packet which an ICMP error quotes.
    pub fn for_error(&self, quoted: &Packet) -> Vec<SocketId> {
        let sent = |s: &Socket| match (&s.kind, quoted.proto()) {
            (SocketKind::Udp, Proto::UDP) => {
                let Some((sport, dport)) = quoted.ports() else { return false };
                let remote = SocketAddr::new(quoted.dst, dport);
                s.port == sport
                    && s.v6 == quoted.src.is_ipv6()
                    && s.addr.is_none_or(|a| a == quoted.src)
                    && s.remote.is_none_or(|r| r == remote)
            }
            (SocketKind::Connection(_), Proto::TCP) => {
                let Some((sport, dport)) = quoted.ports() else { return false };
                s.port == sport
                    && s.addr == Some(quoted.src)
                    && s.remote == Some(SocketAddr::new(quoted.dst, dport))
            }
            (SocketKind::Listener(_), Proto::TCP) => {
                quoted.ports().is_some_and(|(sport, _)| s.port == sport)
                    && s.addr.is_none_or(|a| a == quoted.src)
            }
            (SocketKind::Raw(proto), quoted_proto) => {
                *proto == quoted_proto && s.addr.is_none_or(|a| a == quoted.src)
            }
            _ => false,
        };
        let found: Vec<_> = self.list.iter().filter(|(_, s)| sent(s)).map(|(id, _)| *id).collect();
        match quoted.proto() {
            // One socket, the one that fits best and is newest.
            Proto::UDP => found.into_iter().max().into_iter().collect(),
            _ => found,
        }
    }

    /// What `-m socket` finds of the socket that would get a packet.
    pub(super) fn facts_for(&self, skb: &Skb) -> Option<SocketFacts> {
        let id = match skb.packet.proto() {
            Proto::TCP => self.for_tcp(skb),
            Proto::UDP => self.for_udp(skb).into_iter().next(),
            _ => None,
        };
        let socket = self.get(id?)?;
        let (transparent, mark) = (socket.options.transparent, socket.options.mark);
        // A handshake has an address of its own.
        let wildcard =
            socket.addr.is_none() && (skb.packet.tcp().is_none() || self.for_request(skb).is_none());
        Some(SocketFacts { wildcard, transparent, mark })
    }
}

impl Socket {
    /// The protocol it speaks.
    pub fn proto(&self) -> Proto {
        match self.kind {
            SocketKind::Udp => Proto::UDP,
            SocketKind::Raw(proto) => proto,
            SocketKind::Tcp | SocketKind::Listener(_) | SocketKind::Connection(_) => Proto::TCP,
        }
    }

    /// How well it fits a packet: each thing it is bound to must fit, and counts (`compute_score`).
    fn score(&self, (dst, dport): (IpAddr, u16), src: SocketAddr, iif: Option<&IfName>) -> Option<u32> {
        if self.port != dport {
            return None;
        }
        let mut score = 1;
        for (bound, fits) in [
            (self.addr.is_some(), self.addr == Some(dst)),
            (self.remote.is_some(), self.remote == Some(src)),
            (self.options.dev.is_some(), self.options.dev.as_ref() == iif),
        ] {
            match (bound, fits) {
                (true, true) => score += 4,
                (true, false) => return None,
                (false, _) => {}
            }
        }
        Some(score)
    }

    /// Takes in an ICMP error about something it sent; true if the program is to be woken
    /// (`__udp4_lib_err`, `raw_err`). Connections have their own way.
    pub(super) fn icmp_error(&mut self, icmp: &Icmp, from: IpAddr) -> bool {
        let Some((error, fatal)) = super::errno::icmp_to_errno(icmp.kind, from.is_ipv4()) else {
            return false;
        };
        if error == Errno::Emsgsize && self.options.df == Some(false) {
            return false;
        }
        let fatal = fatal || error == Errno::Emsgsize;
        if self.options.recverr {
            self.errors.push(QueuedError { error, icmp: Some(icmp.kind), from: Some(from) });
        } else if !fatal || self.remote.is_none() {
            return false;
        }
        self.incoming.push_back(Incoming::Error(error));
        true
    }
}
