//! What programs do with sockets (socket(2), bind(2), connect(2), sendto(2), shutdown(2), close(2)).

use super::errno::Errno;
use super::event::{Fate, Lost, NetEvent, SocketCall, SocketEvent};
use super::fib::{Flow, Links, NoRoute, RouteError, RouteKind};
use super::inject::Origin;
use super::network::{HostId, Network};
use super::routing::{Hop, Outbound};
use super::socket::{Incoming, QueuedError, Socket, SocketId, SocketKind, SocketOptions};
use super::sysctl::Global;
use super::tcp::{Connection, Listener, Settings};
use crate::abi::EventId;
use crate::netfilter::{AddrType, Cast, Env, Sender, Skb};
use crate::packet::{Packet, Payload, Ports, Proto, Transport};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// The ports that the kernel chooses from (`net.ipv4.ip_local_port_range`).
const EPHEMERAL: std::ops::RangeInclusive<u16> = 32768..=60999;

impl From<RouteError> for Errno {
    fn from(error: RouteError) -> Errno {
        match error {
            RouteError::NoRoute(NoRoute::Net) | RouteError::Source | RouteError::Down => Errno::Enetunreach,
            RouteError::NoRoute(NoRoute::Host) | RouteError::NotForwarding => Errno::Ehostunreach,
            RouteError::NoRoute(NoRoute::Prohibited) => Errno::Eacces,
            RouteError::NoRoute(NoRoute::Blackhole)
            | RouteError::NeverSource
            | RouteError::MartianDestination
            | RouteError::MartianSource(_) => Errno::Einval,
            RouteError::NoDevice => Errno::Enodev,
        }
    }
}

/// The error that a send ends with where routing refuses the packet.
fn refusal(why: Lost, kind: Option<RouteKind>) -> Errno {
    match (kind, why) {
        (Some(RouteKind::Unreachable), _) => Errno::Ehostunreach,
        (Some(RouteKind::Prohibit), _) => Errno::Eacces,
        (Some(RouteKind::Blackhole), _) | (None, Lost::Martian) => Errno::Einval,
        (Some(_) | None, _) => Errno::Enetunreach,
    }
}

/// The error that a send ends with where its packet got no further in its own host.
fn send_error(fate: &Fate) -> Result<(), Errno> {
    match fate {
        Fate::Dropped | Fate::Rejected | Fate::Lost(Lost::Clash | Lost::InHook) => Err(Errno::Eperm),
        Fate::Lost(Lost::NoRoute) => Err(Errno::Enetunreach),
        Fate::Lost(Lost::RouteRefuses) => Err(Errno::Ehostunreach),
        Fate::Lost(Lost::TooBig) => Err(Errno::Emsgsize),
        Fate::Delivered
        | Fate::Sent(_)
        | Fate::SentSomewhere
        | Fate::LoopedBack
        | Fate::Gathered
        | Fate::Lost(_)
        | Fate::Unknown => Ok(()),
    }
}

impl Network {
    /// Opens a socket.
    pub fn socket(&mut self, host: HostId, kind: SocketKind, v6: bool, options: SocketOptions) -> SocketId {
        self.host_mut(host).sockets.insert(Socket {
            kind,
            v6,
            addr: None,
            port: 0,
            remote: None,
            options,
            open: true,
            incoming: Default::default(),
            errors: Vec::new(),
        })
    }

    pub(super) fn called(
        &mut self,
        host: HostId,
        socket: SocketId,
        call: SocketCall,
        result: &Result<(), Errno>,
    ) -> EventId {
        self.between();
        self.emit(host, None, SocketEvent::Called { socket, call, error: result.err() })
    }

    /// Binds a socket to an address and a port; port 0 takes a free one.
    ///
    /// Errors: `EADDRNOTAVAIL`, `EADDRINUSE`, `EACCES` for a privileged port without the right to it.
    pub fn bind(&mut self, host: HostId, id: SocketId, addr: IpAddr, port: u16) -> Result<(), Errno> {
        let result = self.try_bind(host, id, addr, port);
        self.called(host, id, SocketCall::Bind, &result);
        result
    }

    fn try_bind(&mut self, host: HostId, id: SocketId, addr: IpAddr, port: u16) -> Result<(), Errno> {
        let h = self.host(host);
        let socket = h.sockets.get(id).ok_or(Errno::Einval)?;
        let global = if addr.is_ipv4() { Global::NonlocalBind } else { Global::NonlocalBind6 };
        let free = socket.options.transparent || h.is_on(global);
        let kind = h.addr_type(addr, None);
        let own = matches!(kind, Some(AddrType::Local | AddrType::Broadcast | AddrType::Multicast));
        if !addr.is_unspecified() && !own && !free {
            return Err(Errno::Eaddrnotavail);
        }
        if port != 0
            && i64::from(port) < h.sysctls.global(Global::UnprivilegedPortStart)
            && socket.options.uid != 0
        {
            return Err(Errno::Eacces);
        }
        let proto = socket.proto();
        let bound = (!addr.is_unspecified()).then_some(addr);
        let raw = matches!(socket.kind, SocketKind::Raw(_));
        let port = match port {
            _ if raw => 0,
            0 => self.free_port(host, id, bound).ok_or(Errno::Eaddrinuse)?,
            port if h.sockets.is_free(id, proto, bound, port) => port,
            _ => return Err(Errno::Eaddrinuse),
        };
        if let Some(socket) = self.host_mut(host).sockets.get_mut(id) {
            (socket.addr, socket.port) = (bound, port);
        }
        Ok(())
    }

    /// The first free port that the kernel may choose. Linux begins at a secret place.
    fn free_port(&self, host: HostId, id: SocketId, addr: Option<IpAddr>) -> Option<u16> {
        let sockets = &self.host(host).sockets;
        let proto = sockets.get(id)?.proto();
        EPHEMERAL.into_iter().find(|port| sockets.is_free(id, proto, addr, *port))
    }

    /// Lets a bound TCP socket listen.
    pub fn listen(&mut self, host: HostId, id: SocketId) -> Result<(), Errno> {
        let result = match self.host_mut(host).sockets.get_mut(id) {
            Some(socket) if socket.kind == SocketKind::Tcp => {
                socket.kind = SocketKind::Listener(Listener::new(Settings::default()));
                Ok(())
            }
            Some(_) | None => Err(Errno::Eopnotsupp),
        };
        self.called(host, id, SocketCall::Listen, &result);
        result
    }

    /// Connects a socket: UDP and raw ones remember the other side, TCP begins a handshake.
    pub fn connect_socket(&mut self, host: HostId, id: SocketId, to: SocketAddr) -> Result<(), Errno> {
        let result = self.try_connect(host, id, to);
        let cause = self.called(host, id, SocketCall::Connect, &result);
        let Some(socket) = self.host(host).sockets.get(id).filter(|_| result.is_ok()) else { return result };
        if let (SocketKind::Tcp, Some(addr)) = (&socket.kind, socket.addr) {
            let local = SocketAddr::new(addr, socket.port);
            let settings = self.tcp_settings(host, &socket.options.clone(), to.ip());
            let (connection, actions) = Connection::connect(local, to, self.now(), settings);
            if let Some(socket) = self.host_mut(host).sockets.get_mut(id) {
                socket.kind = SocketKind::Connection(Box::new(connection));
            }
            let sender = self.sender_of(host, id);
            self.call_stream(host, id, actions, sender, cause);
        }
        result
    }

    fn try_connect(&mut self, host: HostId, id: SocketId, to: SocketAddr) -> Result<(), Errno> {
        let h = self.host(host);
        let socket = h.sockets.get(id).ok_or(Errno::Einval)?;
        let proto = socket.proto();
        let flow = Flow {
            src: socket.addr,
            oif: socket.options.dev.as_ref(),
            mark: socket.options.mark,
            tos: socket.options.tos,
            uid: socket.options.uid,
            proto,
            sport: socket.port,
            dport: to.port(),
            any_source: socket.options.transparent,
            ..Flow::to(to.ip())
        };
        let (src, hop) = h.route_for(&flow)?;
        if proto == Proto::TCP && hop.cast != Cast::Host {
            return Err(Errno::Enetunreach);
        }
        if hop.cast == Cast::Broadcast && !socket.options.broadcast {
            return Err(Errno::Eacces);
        }
        let (raw, port) = (matches!(socket.kind, SocketKind::Raw(_)), socket.port);
        let port = match port {
            _ if raw => 0,
            0 => self.free_port(host, id, Some(src)).ok_or(Errno::Eaddrnotavail)?,
            port => port,
        };
        if let Some(socket) = self.host_mut(host).sockets.get_mut(id) {
            (socket.addr, socket.port, socket.remote) = (Some(src), port, Some(to));
        }
        Ok(())
    }

    pub(super) fn accept(
        &mut self,
        host: HostId,
        listener: SocketId,
        connection: Connection,
    ) -> Option<SocketId> {
        let parent = self.host(host).sockets.get(listener)?;
        let (local, remote) = (connection.local(), connection.remote());
        let socket = Socket {
            kind: SocketKind::Connection(Box::new(connection)),
            addr: Some(local.ip()),
            port: local.port(),
            remote: Some(remote),
            incoming: Default::default(),
            errors: Vec::new(),
            ..parent.clone()
        };
        Some(self.host_mut(host).sockets.insert(socket))
    }

    /// Sends bytes to where the socket is connected, or to `to`. `from` overrides the source (`IP_PKTINFO`).
    pub fn send(
        &mut self,
        host: HostId,
        id: SocketId,
        data: &[u8],
        to: Option<SocketAddr>,
        from: Option<IpAddr>,
    ) -> Result<(), Errno> {
        self.between();
        let call = SocketEvent::Called { socket: id, call: SocketCall::Send, error: None };
        let Some(socket) = self.host(host).sockets.get(id) else { return Err(Errno::Einval) };
        if let SocketKind::Connection(_) = socket.kind {
            let cause = self.emit(host, None, call);
            return self.send_stream(host, id, data, cause);
        }
        let Some(to) = to.or(socket.remote) else { return Err(Errno::Edestaddrreq) };
        let transport = match socket.kind {
            SocketKind::Udp => {
                Transport::Ports(Ports { proto: Proto::UDP, sport: socket.port, dport: to.port() })
            }
            SocketKind::Raw(proto) => Transport::Other(proto),
            SocketKind::Tcp | SocketKind::Listener(_) | SocketKind::Connection(_) => {
                return Err(Errno::Enotconn);
            }
        };
        let result = self.send_datagram(host, id, to, from, transport, data.into());
        if let Err(error) = result {
            self.between();
            self.emit(
                host,
                None,
                SocketEvent::Called { socket: id, call: SocketCall::Send, error: Some(error) },
            );
        }
        result
    }

    /// Sends a message of a raw socket's protocol, its header included.
    pub fn send_raw(
        &mut self,
        host: HostId,
        id: SocketId,
        to: IpAddr,
        transport: Transport,
        payload: Payload,
    ) -> Result<(), Errno> {
        self.between();
        self.send_datagram(host, id, SocketAddr::new(to, 0), None, transport, payload)
    }

    fn send_datagram(
        &mut self,
        host: HostId,
        id: SocketId,
        to: SocketAddr,
        from: Option<IpAddr>,
        transport: Transport,
        payload: Payload,
    ) -> Result<(), Errno> {
        let h = self.host(host);
        let socket = h.sockets.get(id).ok_or(Errno::Einval)?;
        let options = socket.options.clone();
        let port = socket.port;
        let proto = socket.proto();
        let flow = Flow {
            src: from.or(socket.addr.filter(|a| !a.is_multicast() && !h.is_broadcast(*a))),
            oif: options.dev.as_ref(),
            mark: options.mark,
            tos: options.tos,
            uid: options.uid,
            proto,
            sport: port,
            dport: to.port(),
            any_source: options.transparent,
            ..Flow::to(to.ip())
        };
        let (src, hop) = h.route_for(&flow)?;
        if hop.cast == Cast::Broadcast && !options.broadcast {
            return Err(Errno::Eacces);
        }
        if port == 0 && proto == Proto::UDP {
            self.try_bind(
                host,
                id,
                if to.is_ipv4() {
                    std::net::Ipv4Addr::UNSPECIFIED.into()
                } else {
                    std::net::Ipv6Addr::UNSPECIFIED.into()
                },
                0,
            )?;
        }
        let sport = self.host(host).sockets.get(id).map_or(port, |s| s.port);
        let mut packet = Packet::new(src, to.ip(), transport).ok_or(Errno::Einval)?;
        packet.set_sport(sport);
        packet.payload = payload;
        packet.ttl = self.ttl_for(host, &options, &hop);
        packet.tos = options.tos;
        packet.id = self.host_mut(host).new_id();
        let most = hop.mtu.unwrap_or(u32::MAX);
        let too_long = packet.len() > most;
        if too_long && options.df == Some(true) {
            if options.recverr
                && let Some(socket) = self.host_mut(host).sockets.get_mut(id)
            {
                socket.errors.push(QueuedError { error: Errno::Emsgsize, icmp: None, from: None });
            }
            return Err(Errno::Emsgsize);
        }
        packet.df =
            to.is_ipv4() && !too_long && options.df.unwrap_or(!self.host(host).is_on(Global::NoPmtuDisc));
        let sent = self.send_own(host, packet, &options, true);
        self.settle();
        sent
    }

    fn ttl_for(&self, host: HostId, options: &SocketOptions, hop: &Hop) -> u8 {
        match hop.cast {
            Cast::Multicast => 1,
            Cast::Host | Cast::Broadcast | Cast::OtherHost | Cast::Loopback => {
                options.ttl.unwrap_or_else(|| self.host(host).default_ttl(true))
            }
        }
    }

    /// Sends a packet that a program has made whole (`IP_HDRINCL`), by the way to `route_to` where that is given.
    ///
    /// Errors: no route, `EMSGSIZE` for one longer than the device carries, `EPERM` where OUTPUT drops it.
    pub fn send_crafted(
        &mut self,
        host: HostId,
        mut packet: Packet,
        options: &SocketOptions,
        route_to: Option<IpAddr>,
    ) -> Result<(), Errno> {
        if packet.id == 0 {
            packet.id = self.host_mut(host).new_id();
        }
        let to = route_to.unwrap_or(packet.dst);
        let flow = Flow {
            src: Some(packet.src),
            oif: options.dev.as_ref(),
            mark: options.mark,
            proto: packet.proto(),
            any_source: true,
            ..Flow::to(to)
        };
        let (_, hop) = self.host(host).route_for(&flow)?;
        // A source that is left open is filled in (`raw_send_hdrinc`).
        if packet.src == IpAddr::V4(Ipv4Addr::UNSPECIFIED) {
            let open = Flow { src: None, ..flow };
            packet.src = self.host(host).route_for(&open)?.0;
            // The transport's checksum still covers the open one.
            packet.bad_checksum |= packet.icmp().is_none();
        }
        let mtu = hop.dev.as_ref().and_then(|dev| self.host(host).devices.link(dev)).map(|l| l.mtu);
        if mtu.is_some_and(|mtu| packet.len() > mtu) {
            return Err(Errno::Emsgsize);
        }
        self.between();
        let sender = Sender::Socket { uid: options.uid, gid: options.gid };
        let fixed = route_to.map(|_| hop);
        let sent = self.lead_out(host, packet, sender, options, (fixed, None));
        self.settle();
        sent
    }

    /// Leads a packet of a socket, whole, out of the host (`IP_HDRINCL`; also what UDP has made).
    pub fn send_own(
        &mut self,
        host: HostId,
        packet: Packet,
        options: &SocketOptions,
        owned: bool,
    ) -> Result<(), Errno> {
        self.between();
        let sender = match owned {
            true => Sender::Socket { uid: options.uid, gid: options.gid },
            false => Sender::Kernel,
        };
        self.lead_out(host, packet, sender, options, (None, None))
    }

    pub(super) fn lead_out(
        &mut self,
        host: HostId,
        packet: Packet,
        sender: Sender,
        options: &SocketOptions,
        (fixed, cause): (Option<Hop>, Option<EventId>),
    ) -> Result<(), Errno> {
        let mut skb = Skb { mark: options.mark, sender, ..Skb::new(packet) };
        let bound = options.dev.clone();
        if fixed.is_none()
            && let Outbound::Refused(why, kind) = self.host(host).route_out(&skb, bound.as_ref())
        {
            return Err(refusal(why, kind));
        }
        let result = self.walk(host, |way| {
            way.bound = bound;
            way.fixed = fixed;
            // Fragments that a program made itself are put together before the first hook, too.
            if !way.gathered(&mut skb, cause) {
                return Ok(());
            }
            let begins = NetEvent::Begins { skb: Arc::new(skb.clone()), origin: Origin::Process };
            let begins = way.sink.emit(cause, begins.into());
            let end = way.send(&mut skb, begins);
            let fate = way.end(end, begins);
            // Where OUTPUT changed the packet and its new route refuses it, that error counts.
            let rerouted = way.host.route_out(&skb, way.bound.as_ref());
            match (&fate, rerouted) {
                (Fate::Lost(Lost::InHook), Outbound::Refused(why, kind)) => Err(refusal(why, kind)),
                _ => send_error(&fate),
            }
        });
        self.between();
        self.touch();
        result
    }

    /// Takes what has come for a socket.
    pub fn receive_from(&mut self, host: HostId, id: SocketId) -> Option<Incoming> {
        self.host_mut(host).sockets.get_mut(id)?.incoming.pop_front()
    }

    /// Takes a socket's queued errors.
    pub fn take_errors(&mut self, host: HostId, id: SocketId) -> Vec<QueuedError> {
        self.host_mut(host).sockets.get_mut(id).map(|s| std::mem::take(&mut s.errors)).unwrap_or_default()
    }
}
