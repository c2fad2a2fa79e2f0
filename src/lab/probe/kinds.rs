//! What each kind of probe needs.

use super::Via;
use crate::abi::{IfName, Mac};
use crate::lab::CraftedPacket;
use crate::lab::value::{self, HostName, Seconds, Text};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// UDP datagrams from a socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UdpProbe {
    /// A short name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The host that sends.
    pub from: HostName,
    /// The destination.
    pub dst: IpAddr,
    /// The destination port.
    pub dport: u16,
    /// The source port; else any free one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sport: Option<u16>,
    /// The source address; else routing chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src: Option<IpAddr>,
    /// TTL or hop limit; else the host's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
    /// TOS byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos: Option<u8>,
    /// What is sent; `ping` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// How many bytes are sent: the data cut, or filled up with `x`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u16>,
    /// How many datagrams; 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// `SO_MARK`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<u32>,
    /// `SO_BINDTODEVICE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<IfName>,
    /// "Don't fragment": always or never; else the host's way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub df: Option<bool>,
    /// The user that owns the socket; else root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The group that owns the socket; else root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
    /// `IP_TRANSPARENT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transparent: Option<bool>,
    /// At least so much silence after sending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Seconds>,
    /// Whether the socket is connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<bool>,
    /// `SO_BROADCAST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcast: Option<bool>,
    /// A name under which the socket stays open for later probes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
}

/// A TCP connection: opened, used and closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TcpProbe {
    /// A short name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The host that sends.
    pub from: HostName,
    /// The destination.
    pub dst: IpAddr,
    /// The destination port.
    pub dport: u16,
    /// The source port; else any free one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sport: Option<u16>,
    /// The source address; else routing chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src: Option<IpAddr>,
    /// TTL or hop limit; else the host's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
    /// TOS byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos: Option<u8>,
    /// What is sent once it is open; nothing where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// `SO_MARK`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<u32>,
    /// `SO_BINDTODEVICE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<IfName>,
    /// "Don't fragment": always or never; else the host's way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub df: Option<bool>,
    /// The user that owns the socket; else root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The group that owns the socket; else root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
    /// `IP_TRANSPARENT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transparent: Option<bool>,
    /// At least so much silence after sending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Seconds>,
    /// How long to wait for the connection; 0.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Seconds>,
    /// How it ends; with a `FIN`, or not at all where the socket stays open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close: Option<Close>,
    /// A name under which the socket stays open for later probes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
}

/// How a TCP connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Close {
    /// With a `FIN`: the sender has no more to say.
    Fin,
    /// With a `RST`.
    Rst,
    /// It stays open.
    None,
}

/// Echo requests from a raw socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PingProbe {
    /// A short name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The host that sends.
    pub from: HostName,
    /// The destination.
    pub dst: IpAddr,
    /// The source address; else routing chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src: Option<IpAddr>,
    /// TTL or hop limit; else the host's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
    /// TOS byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos: Option<u8>,
    /// Identifier; 77.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u16>,
    /// First sequence number; 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seqno: Option<u16>,
    /// Bytes after the ICMP header, all `q`; 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u16>,
    /// How many requests; 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// `SO_MARK`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<u32>,
    /// `SO_BINDTODEVICE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<IfName>,
    /// "Don't fragment": always or never; else the host's way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub df: Option<bool>,
    /// The user that owns the socket; else root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The group that owns the socket; else root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
    /// `IP_TRANSPARENT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transparent: Option<bool>,
    /// At least so much silence after sending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Seconds>,
}

/// A packet given field by field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PacketProbe {
    /// A short name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The host that sends.
    pub from: HostName,
    /// The packet.
    pub packet: Box<CraftedPacket>,
    /// How it gets out; `ip` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// How many times; 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// `SO_MARK`, with `ip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<u32>,
    /// `SO_BINDTODEVICE`, with `ip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<IfName>,
    /// The address that is routed to instead of the packet's destination, with `ip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_to: Option<IpAddr>,
    /// The frame's destination, with `link`; else the other end of the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eth_dst: Option<Mac>,
    /// The frame's source, with `link`; else the interface's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eth_src: Option<Mac>,
    /// At least so much silence after each packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Seconds>,
}

/// Several packets given field by field, one after another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PacketsProbe {
    /// A short name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The host that sends.
    pub from: HostName,
    /// The packets.
    pub packets: Vec<PacketsItem>,
    /// How it gets out; `ip` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// How many times; 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// `SO_MARK`, with `ip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<u32>,
    /// `SO_BINDTODEVICE`, with `ip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<IfName>,
    /// The address that is routed to instead of the packet's destination, with `ip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_to: Option<IpAddr>,
    /// The frame's destination, with `link`; else the other end of the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eth_dst: Option<Mac>,
    /// The frame's source, with `link`; else the interface's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eth_src: Option<Mac>,
    /// At least so much silence after each packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Seconds>,
}

/// One of several packets. What it leaves out is said by the probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PacketsItem {
    /// The packet.
    #[serde(flatten)]
    pub packet: CraftedPacket,
    /// How it gets out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// The host that sends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<HostName>,
    /// At least so much silence after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<Seconds>,
}

/// A shell command in a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunProbe {
    /// A short name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The host.
    pub host: HostName,
    /// The command.
    pub cmd: Text,
    /// Its standard input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<Text>,
    /// Whether packets that it sends are told as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observe: Option<bool>,
}

/// The server's side of the newest connection to a listener speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushProbe {
    /// A short name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The server's host.
    pub from: HostName,
    /// The listener's name.
    pub listener: String,
    /// What it sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Whether it then closes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close: Option<bool>,
}

/// Time passes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SleepProbe {
    /// A short name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// A host, which says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<HostName>,
    /// How much.
    pub seconds: Seconds,
}

impl UdpProbe {
    /// The bytes of each datagram.
    pub fn bytes(&self) -> Vec<u8> {
        value::sized(self.data.as_deref().unwrap_or("ping").as_bytes(), self.size)
    }
}

impl TcpProbe {
    /// How it ends.
    pub fn closing(&self) -> Close {
        self.close.unwrap_or(if self.socket.is_some() { Close::None } else { Close::Fin })
    }
}
