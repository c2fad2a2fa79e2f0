//! Programs' calls on TCP connections, and their timers.

use super::errno::Errno;
use super::event::{SocketCall, SocketEvent};
use super::fib::Flow;
use super::network::{HostId, Network, Task};
use super::socket::{SocketId, SocketKind, SocketOptions};
use super::sysctl::Global;
use super::tcp::{Connection, Settings, State};
use crate::abi::{EventId, Time};
use crate::netfilter::Sender;
use crate::packet::Packet;
use std::net::IpAddr;

impl Network {
    /// As whose a TCP socket's segments go out: its program's, until that closes it; the kernel's own while the
    /// connection only waits.
    pub(super) fn sender_of(&self, host: HostId, id: SocketId) -> Sender {
        let Some(socket) = self.host(host).sockets.get(id) else { return Sender::Kernel };
        let waits = match &socket.kind {
            SocketKind::Connection(c) => matches!(c.state(), State::TimeWait | State::Closed),
            SocketKind::Udp | SocketKind::Raw(_) | SocketKind::Tcp | SocketKind::Listener(_) => false,
        };
        match (waits, socket.open) {
            // IPv6 sends TCP's answers without the kernel's socket (`ip6_xmit`).
            (true, _) if socket.v6 => Sender::Kernel,
            (true, _) => Sender::KernelSocket,
            (false, true) => Sender::Socket { uid: socket.options.uid, gid: socket.options.gid },
            (false, false) => Sender::Kernel,
        }
    }

    /// Sends a segment of a connection.
    pub(super) fn socket_sends(
        &mut self,
        host: HostId,
        id: SocketId,
        mut packet: Packet,
        sender: Sender,
        cause: EventId,
    ) -> Result<(), Errno> {
        packet.id = self.host_mut(host).new_id();
        let Some(socket) = self.host(host).sockets.get(id) else { return Err(Errno::Einval) };
        let options = socket.options.clone();
        self.lead_out(host, packet, sender, &options, (None, Some(cause)))
    }

    pub(super) fn send_stream(
        &mut self,
        host: HostId,
        id: SocketId,
        data: &[u8],
        cause: EventId,
    ) -> Result<(), Errno> {
        let now = self.now();
        let actions = self.on_connection(host, id, |c| c.send(data, now))??;
        let sender = self.sender_of(host, id);
        self.call_stream(host, id, actions, sender, cause);
        Ok(())
    }

    fn on_connection<T>(
        &mut self,
        host: HostId,
        id: SocketId,
        f: impl FnOnce(&mut Connection) -> T,
    ) -> Result<T, Errno> {
        match self.host_mut(host).sockets.get_mut(id).map(|s| &mut s.kind) {
            Some(SocketKind::Connection(connection)) => Ok(f(connection)),
            Some(_) | None => Err(Errno::Enotconn),
        }
    }

    /// Reads what has come on a connection, so that its window opens again.
    pub fn read(&mut self, host: HostId, id: SocketId) {
        let now = self.now();
        let Ok((_, actions)) = self.on_connection(host, id, |c| c.read(now)) else { return };
        if !actions.is_empty() {
            let cause = self.called(host, id, SocketCall::Receive, &Ok(()));
            let sender = self.sender_of(host, id);
            self.call_stream(host, id, actions, sender, cause);
        }
    }

    /// Says that no more will be sent.
    pub fn shutdown_write(&mut self, host: HostId, id: SocketId) -> Result<(), Errno> {
        let now = self.now();
        let result = self.on_connection(host, id, |c| c.shutdown_write(now)).and_then(|r| r);
        let cause = self.called(host, id, SocketCall::Shutdown, &result.as_ref().map(|_| ()).map_err(|e| *e));
        let sender = self.sender_of(host, id);
        self.call_stream(host, id, result?, sender, cause);
        Ok(())
    }

    /// Closes a socket; `abort` with `SO_LINGER` 0.
    pub fn close(&mut self, host: HostId, id: SocketId, abort: bool) {
        let now = self.now();
        let cause = self.called(host, id, SocketCall::Close, &Ok(()));
        let actions = self.on_connection(host, id, |c| if abort { c.abort(now) } else { c.close(now) });
        let sender = self
            .host(host)
            .sockets
            .get(id)
            .map_or(Sender::Kernel, |s| Sender::Socket { uid: s.options.uid, gid: s.options.gid });
        match actions {
            Ok(actions) => {
                // The FIN still has the program's socket; what follows has none.
                self.hold(host, id);
                for action in &actions {
                    if let super::tcp::Action::Send(packet) = action {
                        let _ = self.socket_sends(host, id, packet.clone(), sender, cause);
                        self.settle();
                    }
                }
                let rest =
                    actions.into_iter().filter(|a| !matches!(a, super::tcp::Action::Send(_))).collect();
                if let Some(socket) = self.host_mut(host).sockets.get_mut(id) {
                    socket.open = false;
                }
                self.perform(host, id, rest, Sender::Kernel, cause);
                self.end_call();
                let closed = self.on_connection(host, id, |c| c.state() == State::Closed);
                if closed == Ok(true) {
                    self.host_mut(host).sockets.remove(id);
                }
            }
            Err(_) => self.host_mut(host).sockets.remove(id),
        }
        self.touch();
        self.settle();
    }

    pub(super) fn tcp_settings(&self, host: HostId, options: &SocketOptions, to: IpAddr) -> Settings {
        let h = self.host(host);
        let flow = Flow { oif: options.dev.as_ref(), mark: options.mark, any_source: true, ..Flow::to(to) };
        let mtu = h.route_for(&flow).ok().and_then(|(_, hop)| hop.mtu).unwrap_or(1500);
        let defaults = Settings::default();
        Settings {
            mtu,
            ttl: options.ttl.unwrap_or_else(|| h.default_ttl(to.is_ipv4())),
            // A stream's ECN bits are TCP's own (`do_ip_setsockopt`).
            tos: options.tos & !3,
            pmtu_discovery: !h.is_on(Global::NoPmtuDisc),
            timestamps: h.is_on(Global::TcpTimestamps),
            sack: h.is_on(Global::TcpSack),
            window_scale: defaults.window_scale.filter(|_| h.is_on(Global::TcpWindowScaling)),
            recverr: options.recverr,
            gso: true,
            ..defaults
        }
    }

    /// Puts a connection's next timer into the queue.
    pub(super) fn schedule_tcp(&mut self, host: HostId, id: SocketId) {
        if let Some(due) = self.tcp_due(host, id) {
            let span = due.since(self.now());
            self.later(span, Task::Tcp { host, socket: id });
        }
    }

    fn tcp_due(&self, host: HostId, id: SocketId) -> Option<Time> {
        match &self.host(host).sockets.get(id)?.kind {
            SocketKind::Connection(c) => c.next_timer(),
            SocketKind::Listener(l) => l.next_timer(),
            SocketKind::Udp | SocketKind::Raw(_) | SocketKind::Tcp => None,
        }
    }

    /// A timer of a connection may be due: an older entry of the queue finds nothing to do.
    pub(super) fn tcp_timer(&mut self, host: HostId, id: SocketId) {
        self.between();
        let now = self.now();
        if self.tcp_due(host, id).is_none_or(|due| due > now) {
            return;
        }
        let sender = self.sender_of(host, id);
        let Some(socket) = self.host_mut(host).sockets.get_mut(id) else { return };
        let actions = match &mut socket.kind {
            SocketKind::Connection(c) => c.timer(now),
            SocketKind::Listener(l) => l.timer(now),
            SocketKind::Udp | SocketKind::Raw(_) | SocketKind::Tcp => return,
        };
        let cause = self.emit(host, None, SocketEvent::Timer { socket: id });
        self.perform(host, id, actions, sender, cause);
    }
}
