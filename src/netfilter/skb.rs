//! A packet with what the kernel keeps beside it.

use super::conntrack::{CtRef, Template};
use crate::abi::{IfName, Mac};
use crate::packet::Packet;
use serde::Serialize;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// A packet on its way through a host (`struct sk_buff`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skb {
    /// Its headers.
    pub packet: Packet,
    /// The interface it came in by; `None` for one that this host made.
    pub iif: Option<IfName>,
    /// The interface it leaves by.
    pub oif: OutDev,
    /// The router that it is handed to, where its destination is not on the link; from POSTROUTING on.
    #[serde(skip)]
    pub gateway: Option<IpAddr>,
    /// The port of a bridge that it came in by (`physindev`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub physin: Option<IfName>,
    /// The port of a bridge that it leaves by (`physoutdev`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub physout: Option<IfName>,
    /// The packet mark (`skb->mark`).
    pub mark: u32,
    /// `skb->priority`, as CLASSIFY sets it.
    #[serde(skip_serializing_if = "is_zero")]
    pub priority: u32,
    /// What connection tracking said of it; `None` before it was asked.
    pub ct: Option<CtRef>,
    /// What a CT rule said of its connection; gone once connection tracking was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<Arc<Template>>,
    /// The socket that sent it.
    pub sender: Sender,
    /// The hardware address it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// The hardware address it was sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_mac: Option<Mac>,
    /// To whom the frame that carried it was sent; `None` where nobody told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cast: Option<Cast>,
    /// The length of the longest piece of a packet that was put together, IP header included
    /// (`frag_max_size`), bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest_piece: Option<u32>,
    /// The local socket that TPROXY gave it to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tproxy: Option<SocketAddr>,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Skb {
    /// A packet that nothing is known of besides its headers.
    pub fn new(packet: Packet) -> Self {
        Skb {
            packet,
            iif: None,
            oif: OutDev::None,
            gateway: None,
            physin: None,
            physout: None,
            mark: 0,
            priority: 0,
            ct: None,
            template: None,
            sender: Sender::Kernel,
            mac: None,
            to_mac: None,
            cast: None,
            largest_piece: None,
            tproxy: None,
        }
    }
}

/// To whom a frame was sent (`skb->pkt_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cast {
    /// To this host.
    Host,
    /// To all.
    Broadcast,
    /// To a group.
    Multicast,
    /// To another host: seen because the interface takes all.
    OtherHost,
    /// Sent by this host to itself, over lo or as its own copy of a group's packet.
    Loopback,
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

impl OutDev {
    /// The interface's name, where there is one and it is known.
    pub fn name(&self) -> Option<&IfName> {
        match self {
            OutDev::Named(name) => Some(name),
            OutDev::None | OutDev::Unknown => None,
        }
    }
}

/// Who sent a packet that this host made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sender {
    /// No socket: it came from outside, or the kernel made it without one.
    #[default]
    Kernel,
    /// A socket of the kernel's own, which has no user: ICMP messages, and TCP's answers for no socket.
    KernelSocket,
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
