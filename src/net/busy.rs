//! A stream's socket while its program is inside a call (`lock_sock`, `tcp_add_backlog`, `release_sock` of the kernel).
//!
//! What a call sends is carried on at once, as far as it gets, before the call sends more: sending ends with the
//! softirqs that it raised. What comes back for the socket meanwhile waits until the call ends.

use super::network::{HostId, Network};
use super::socket::{SocketId, SocketKind};
use crate::abi::EventId;
use crate::netfilter::{Sender, Skb};
use crate::packet::Icmp;
use std::collections::VecDeque;

/// The socket that is inside a call, and what waits for it.
#[derive(Clone, Debug)]
pub(super) struct Busy {
    host: HostId,
    socket: SocketId,
    packets: VecDeque<(Skb, EventId)>,
    /// The way became narrower (`TCP_MTU_REDUCED_DEFERRED`): the last word counts.
    narrowed: Option<(Icmp, EventId)>,
}

impl Network {
    /// A program's call on a stream begins.
    pub(super) fn hold(&mut self, host: HostId, socket: SocketId) {
        self.busy = Some(Busy { host, socket, packets: VecDeque::new(), narrowed: None });
    }

    /// True if this socket is inside a call.
    pub(super) fn is_held(&self, host: HostId, socket: SocketId) -> bool {
        self.busy.as_ref().is_some_and(|b| (b.host, b.socket) == (host, socket))
    }

    /// Keeps a segment for later if its socket is inside a call; true if so.
    pub(super) fn keep_segment(&mut self, host: HostId, socket: SocketId, skb: &Skb, cause: EventId) -> bool {
        let held = self.is_held(host, socket);
        if let Some(busy) = self.busy.as_mut().filter(|_| held) {
            busy.packets.push_back((skb.clone(), cause));
        }
        held
    }

    /// Keeps the news of a narrower way for later if the socket is inside a call; true if so.
    pub(super) fn keep_narrowing(
        &mut self,
        host: HostId,
        socket: SocketId,
        icmp: &Icmp,
        cause: EventId,
    ) -> bool {
        let held = self.is_held(host, socket);
        if let Some(busy) = self.busy.as_mut().filter(|_| held) {
            busy.narrowed = Some((icmp.clone(), cause));
        }
        held
    }

    /// The call ends: what waited is taken in, and all that follows happens.
    pub(super) fn end_call(&mut self) {
        let Some((host, id)) = self.busy.as_ref().map(|b| (b.host, b.socket)) else { return };
        while let Some((skb, cause)) = self.busy.as_mut().and_then(|b| b.packets.pop_front()) {
            self.socket_receives(host, id, &skb, None, cause);
        }
        if let Some((icmp, cause)) = self.busy.take().and_then(|b| b.narrowed) {
            let now = self.now();
            let sender = self.sender_of(host, id);
            if let Some(SocketKind::Connection(c)) =
                self.host_mut(host).sockets.get_mut(id).map(|s| &mut s.kind)
            {
                let actions = c.icmp_error(&icmp, now);
                self.perform(host, id, actions, sender, cause);
            }
        }
        self.settle();
    }

    /// Carries out what a program's call on a stream asks for.
    pub(super) fn call_stream(
        &mut self,
        host: HostId,
        id: SocketId,
        actions: Vec<super::tcp::Action>,
        sender: Sender,
        cause: EventId,
    ) {
        self.hold(host, id);
        self.perform(host, id, actions, sender, cause);
        self.end_call();
    }
}
