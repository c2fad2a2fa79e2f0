//! A listening socket and the handshakes it has begun.

use super::{Action, Settings};
use crate::abi::Time;
use crate::packet::{Icmp, Packet};

/// A listening socket. Packets for it come after those for connections: a connection it gave out is no longer
/// its business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    settings: Settings,
}

impl Listener {
    /// `listen(2)`. Which packets reach it is its holder's choice ([`super::super::sockets`]): it answers with
    /// the address and port that were asked.
    pub fn new(settings: Settings) -> Self {
        todo!()
    }
    /// A packet came that no connection wanted: a SYN, an ACK of a handshake, or nonsense.
    pub fn input(&mut self, packet: &Packet, now: Time) -> Vec<Action> {
        todo!()
    }
    /// An ICMP error came about a SYN,ACK of this listener.
    pub fn icmp_error(&mut self, icmp: &Icmp, now: Time) -> Vec<Action> {
        todo!()
    }
    /// When [`Listener::timer`] is to be called next.
    pub fn next_timer(&self) -> Option<Time> {
        todo!()
    }
    /// Sends SYN,ACKs again, gives up handshakes.
    pub fn timer(&mut self, now: Time) -> Vec<Action> {
        todo!()
    }
    /// How many handshakes are open.
    pub fn requests(&self) -> usize {
        todo!()
    }
    pub fn set_settings(&mut self, _s: Settings) {}
}
