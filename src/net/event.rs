//! What happens to a packet in a host, netfilter's part included.

use super::RouteKind;
use super::inject::Origin;
use crate::abi::{EventId, IfName};
use crate::netfilter::{AddrMask, RuleRef, Skb, event};
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
    /// Another connection has its addresses and ports.
    Clash,
    /// Connection tracking, a helper or address translation dropped it.
    Tracking,
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
