//! What happens to a packet in a host, netfilter's part included.

use super::config::ConfigEvent;
use super::errno::Errno;
use super::fib::RouteKind;
use super::frame::Frame;
use super::inject::Origin;
use super::neigh::NeighState;
use super::socket::SocketId;
use crate::abi::{EventId, IfName, Mac};
use crate::netfilter::{AddrMask, Cast, Hook, RuleRef, Skb, event};
use serde::Serialize;
use std::net::IpAddr;
use std::sync::Arc;

/// One thing that happened to a packet in a host.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Event {
    /// The network's own.
    Net(NetEvent),
    /// Netfilter's.
    Netfilter(event::Event),
    /// The links': frames, bridges, neighbours.
    Link(LinkEvent),
    /// The sockets'.
    Socket(SocketEvent),
    /// The configuration's.
    Config(ConfigEvent),
}

impl From<ConfigEvent> for Event {
    fn from(event: ConfigEvent) -> Self {
        Event::Config(event)
    }
}

impl From<LinkEvent> for Event {
    fn from(event: LinkEvent) -> Self {
        Event::Link(event)
    }
}

impl From<SocketEvent> for Event {
    fn from(event: SocketEvent) -> Self {
        Event::Socket(event)
    }
}

impl From<event::Event> for Event {
    fn from(event: event::Event) -> Self {
        Event::Netfilter(event)
    }
}

impl From<NetEvent> for Event {
    fn from(event: NetEvent) -> Self {
        Event::Net(event)
    }
}

/// What the network room tells.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum NetEvent {
    /// A packet comes into the host's IP layer.
    Begins {
        /// As it comes.
        skb: Arc<Skb>,
        /// From where.
        origin: Origin,
    },
    /// A copy of a packet goes a way of its own, or one that waited goes on.
    Continues {
        /// As it goes on.
        skb: Arc<Skb>,
        /// The hook that comes next.
        hook: Hook,
    },
    /// After an answer that was sent in between, the packet whose way began with this event goes on.
    Resumes {
        /// The event.
        begun: EventId,
    },
    /// A packet is sent in answer, by the kernel itself.
    Answers {
        /// The answer as it starts on its way.
        skb: Arc<Skb>,
    },
    /// The routing decision.
    Routed {
        /// The address that was looked up.
        dst: IpAddr,
        /// Where it leads.
        to: Routed,
    },
    /// A piece of a packet waits for the others.
    Gathered {
        /// The piece.
        skb: Arc<Skb>,
    },
    /// A packet is too long for its way out and is cut into pieces.
    Fragmented {
        /// How many pieces.
        pieces: usize,
        /// The largest packet that the way carries, bytes.
        mtu: u32,
    },
    /// The packet's way through this host ends.
    Ended {
        /// How.
        fate: Fate,
        /// The event that decided it.
        by: Option<EventId>,
    },
}

/// Where routing sends a packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Routed {
    /// To this host itself.
    Local,
    /// Out by an interface.
    Out(IfName),
    /// A route that refuses.
    Refused(RouteKind),
    /// No route leads there.
    NoRoute,
    /// To all on a link, by this interface.
    Broadcast(IfName),
    /// To a group, by this interface.
    Multicast(IfName),
    /// The model was not told of a route, and none can be worked out.
    Unknown,
}

/// How a packet's way through a host ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// A local process (or the kernel itself) got it.
    Delivered,
    /// It left by an interface.
    Sent(IfName),
    /// It left, by an interface that is not known.
    SentSomewhere,
    /// It is the host's own copy of what it sent to a group or to all.
    LoopedBack,
    /// It is a piece of a packet, and waits for the others.
    Gathered,
    /// A rule or a policy dropped it.
    Dropped,
    /// A rule dropped it and told the sender.
    Rejected,
    /// The kernel dropped it outside of any rule.
    Lost(Lost),
    /// It went where the model does not follow.
    Unknown,
}

/// Why the kernel drops a packet outside of any rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lost {
    /// No route leads to its destination.
    NoRoute,
    /// A route refuses it.
    RouteRefuses,
    /// The host does not forward.
    ForwardingOff,
    /// Its time to live is over.
    TtlExceeded,
    /// An address that no packet from outside may have.
    Martian,
    /// The way back to its source leads elsewhere (`rp_filter`).
    ReversePath,
    /// Another connection has its addresses and ports.
    Clash,
    /// Netfilter itself dropped it, not a rule: a redirect about a translated connection.
    InHook,
    /// It is too long for the way out and may not be cut.
    TooBig,
    /// The next hop does not answer.
    NoNeighbour,
    /// It is for a group that nobody here has joined.
    NotJoined,
    /// It came in a frame for another host or for all, and such packets are not forwarded.
    NotForHost,
    /// The interface is down.
    LinkDown,
}

/// What happens on links.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum LinkEvent {
    /// A frame leaves by a device.
    FrameSent {
        /// The device.
        dev: IfName,
        /// The frame.
        frame: Arc<Frame>,
    },
    /// A frame comes in by a device.
    FrameReceived {
        /// The device.
        dev: IfName,
        /// The frame.
        frame: Arc<Frame>,
        /// To whom it is.
        cast: Cast,
    },
    /// A frame goes no further.
    FrameDropped {
        /// The device.
        dev: IfName,
        /// Why.
        why: FrameDrop,
    },
    /// A bridge saw where a hardware address is.
    Learned {
        /// The bridge.
        bridge: IfName,
        /// Its port.
        port: IfName,
        /// The address.
        mac: Mac,
    },
    /// A bridge does not know where the frame's receiver is, or it is for many: it sends it out by all ports.
    Flooded {
        /// The bridge.
        bridge: IfName,
        /// How many ports.
        ports: usize,
    },
    /// What is known of a neighbour changed.
    Neighbour {
        /// The device.
        dev: IfName,
        /// The neighbour.
        addr: IpAddr,
        /// What is known now.
        state: NeighState,
        /// Its hardware address.
        #[serde(skip_serializing_if = "Option::is_none")]
        mac: Option<Mac>,
    },
    /// A redirect or a message about the path changed the way to an address.
    PathChanged {
        /// The address.
        addr: IpAddr,
        /// The gateway to use.
        #[serde(skip_serializing_if = "Option::is_none")]
        gateway: Option<IpAddr>,
        /// The largest packet the path carries, bytes.
        #[serde(skip_serializing_if = "Option::is_none")]
        mtu: Option<u32>,
    },
}

/// Why a frame goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrameDrop {
    /// It is for another host.
    OtherHost,
    /// The IP header's checksum is wrong.
    BadHeader,
    /// The device is down.
    Down,
    /// Nothing is at the device's other end.
    NoPeer,
    /// A bridge has no other port for it.
    NoPort,
    /// It is longer than the device may have it.
    TooLong,
}

/// What sockets see.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum SocketEvent {
    /// A program calls.
    Called {
        /// The socket.
        socket: SocketId,
        /// The call, in words of its manual page.
        call: SocketCall,
        /// The error that it ends with.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<Errno>,
    },
    /// A packet reached a socket.
    Got {
        /// The socket.
        socket: SocketId,
    },
    /// A TCP connection went to another state.
    State {
        /// The socket.
        socket: SocketId,
        /// The state, as `ss` names it.
        state: &'static str,
    },
    /// A timer of a connection is due: something is sent again, or given up.
    Timer {
        /// The socket.
        socket: SocketId,
    },
    /// No socket takes the packet.
    NoSocket,
    /// An error waits for the program.
    Error {
        /// The socket.
        socket: SocketId,
        /// The error.
        error: Errno,
    },
}

/// A call that a program makes on a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SocketCall {
    /// bind(2).
    Bind,
    /// listen(2).
    Listen,
    /// connect(2).
    Connect,
    /// send(2), sendto(2).
    Send,
    /// recv(2).
    Receive,
    /// shutdown(2).
    Shutdown,
    /// close(2).
    Close,
}

/// Something about the host that was worked out because nobody told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "assumed", rename_all = "kebab-case")]
pub enum Assumption {
    /// The host has this address on this interface.
    OwnAddress {
        /// The address.
        addr: IpAddr,
        /// The interface.
        dev: IfName,
    },
    /// This network lies behind this interface, as a rule tells.
    Network {
        /// The network.
        #[serde(serialize_with = "as_text")]
        net: AddrMask,
        /// The interface.
        dev: IfName,
        /// The rule.
        rule: RuleRef,
    },
    /// This address is reached by this interface, as the packet says.
    Reached {
        /// The address.
        addr: IpAddr,
        /// The interface.
        dev: IfName,
    },
    /// All else is reached by this interface: packets came in by it.
    DefaultRoute {
        /// The interface.
        dev: IfName,
    },
}

fn as_text<S: serde::Serializer>(net: &AddrMask, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(net)
}
