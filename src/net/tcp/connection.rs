//! One connection: its state, and the calls a program and the host make.

use super::{Action, Errno, Settings, State};
use crate::abi::Time;
use crate::packet::{Icmp, Packet};
use std::net::SocketAddr;
use std::sync::Arc;

/// One end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    state: State,
    local: SocketAddr,
    remote: SocketAddr,
    settings: Settings,
}

impl Connection {
    /// `connect(2)`: begins a connection with a SYN. Both addresses are of one family.
    pub fn connect(
        local: SocketAddr,
        remote: SocketAddr,
        now: Time,
        settings: Settings,
    ) -> (Self, Vec<Action>) {
        todo!()
    }
    /// The state.
    pub fn state(&self) -> State {
        todo!()
    }
    /// This side's address and port.
    pub fn local(&self) -> SocketAddr {
        todo!()
    }
    /// The other side's.
    pub fn remote(&self) -> SocketAddr {
        todo!()
    }
    /// A packet of this connection came.
    pub fn input(&mut self, packet: &Packet, now: Time) -> Vec<Action> {
        todo!()
    }
    /// An ICMP error about a packet of this connection came.
    pub fn icmp_error(&mut self, icmp: &Icmp, now: Time) -> Vec<Action> {
        todo!()
    }
    /// `send(2)`. Errors: `EPIPE` after a shutdown or once the connection is gone, `ENOTCONN` before it is made.
    pub fn send(&mut self, bytes: &[u8], now: Time) -> Result<Vec<Action>, Errno> {
        todo!()
    }
    /// `recv(2)` until nothing is left: the bytes that have come, and what their reading sends.
    pub fn read(&mut self, now: Time) -> (Arc<[u8]>, Vec<Action>) {
        todo!()
    }
    /// `shutdown(2)` with `SHUT_WR`.
    pub fn shutdown_write(&mut self, now: Time) -> Result<Vec<Action>, Errno> {
        todo!()
    }
    /// `close(2)`: FIN after what is still to be sent, or RST where bytes were not read.
    pub fn close(&mut self, now: Time) -> Vec<Action> {
        todo!()
    }
    /// `close(2)` with `SO_LINGER` 0: RST.
    pub fn abort(&mut self, now: Time) -> Vec<Action> {
        todo!()
    }
    /// When [`Connection::timer`] is to be called next.
    pub fn next_timer(&self) -> Option<Time> {
        todo!()
    }
    /// Does what is due: retransmissions, delayed acknowledgements, the end of waiting states.
    pub fn timer(&mut self, now: Time) -> Vec<Action> {
        todo!()
    }
}
