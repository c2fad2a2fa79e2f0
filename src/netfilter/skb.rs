//! A packet with what the kernel keeps beside it.

use super::conntrack::CtRef;
use crate::abi::{IfName, Mac};
use crate::packet::Packet;
use serde::Serialize;

/// A packet on its way through a host (`struct sk_buff`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skb {
    /// Its headers.
    pub packet: Packet,
    /// The interface it came in by; `None` for one that this host made.
    pub iif: Option<IfName>,
    /// The interface it leaves by.
    pub oif: OutDev,
    /// The packet mark (`skb->mark`).
    pub mark: u32,
    /// What connection tracking said of it; `None` before it was asked.
    pub ct: Option<CtRef>,
    /// The socket that sent it.
    pub sender: Sender,
    /// The hardware address it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
}

/// The interface that a packet leaves by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OutDev {
    /// Not routed yet, or for this host itself.
    #[default]
    None,
    /// This one.
    Named(IfName),
    /// Some interface: the host's routes do not tell which.
    Unknown,
}

/// Who sent a packet that this host made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sender {
    /// No socket: it came from outside, or the kernel itself made it.
    #[default]
    Kernel,
    /// A socket of this user and group.
    Socket {
        /// User.
        uid: u32,
        /// Group.
        gid: u32,
    },
    /// A socket, whose owner was not told.
    UnknownSocket,
}
