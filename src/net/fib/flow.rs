//! What a route is looked for, what is found, and what was asked on the way.

use super::{IpRule, Mismatch, Nexthop, Route, TableId};
use crate::abi::IfName;
use crate::packet::Proto;
use serde::Serialize;
use std::fmt;
use std::net::IpAddr;

/// What a route is looked for (`struct flowi4`, `flowi6`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow<'a> {
    /// Destination.
    pub dst: IpAddr,
    /// Source; `None` while the host has not chosen it.
    pub src: Option<IpAddr>,
    /// Where it came in; `None` for the host's own.
    pub iif: Option<&'a IfName>,
    /// The interface that its socket is bound to.
    pub oif: Option<&'a IfName>,
    /// Firewall mark.
    pub mark: u32,
    /// The whole TOS or traffic class byte.
    pub tos: u8,
    /// The user that sends it; 0 for what is forwarded.
    pub uid: u32,
    /// Protocol; 0 where it does not matter.
    pub proto: Proto,
    /// Source port.
    pub sport: u16,
    /// Destination port.
    pub dport: u16,
    /// The source may be none of the host's addresses (`FLOWI_FLAG_ANYSRC`): packets routed again after
    /// translation, transparent sockets, the kernel's own answers.
    pub any_source: bool,
}

impl Flow<'_> {
    /// The host's own, root's, to an address.
    pub fn to(dst: IpAddr) -> Self {
        Flow {
            dst,
            src: None,
            iif: None,
            oif: None,
            mark: 0,
            tos: 0,
            uid: 0,
            proto: Proto::ALL,
            sport: 0,
            dport: 0,
            any_source: false,
        }
    }

    /// The flow's place among several ways, 0 to 2³¹-1, from its addresses (`fib_multipath_hash_policy` 0).
    /// Linux mixes a secret into it; here it is FNV-1a, so the same flow always goes the same way.
    pub fn hash(&self) -> u32 {
        let mut hash = 0x811c_9dc5_u32;
        let mut mix = |addr: IpAddr| match addr {
            IpAddr::V4(a) => a.octets().into_iter().for_each(|b| hash = fnv(hash, b)),
            IpAddr::V6(a) => a.octets().into_iter().for_each(|b| hash = fnv(hash, b)),
        };
        self.src.into_iter().for_each(&mut mix);
        mix(self.dst);
        // FNV's high bits mix badly over so few bytes.
        (hash ^ hash >> 15).wrapping_mul(0x2c1b_3c6d) >> 1
    }
}

fn fnv(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

/// Why there is no way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NoRoute {
    /// No table has one, or a rule says `unreachable` (`ENETUNREACH`).
    Net,
    /// A route says `unreachable` (`EHOSTUNREACH`).
    Host,
    /// A route or a rule says `prohibit` (`EACCES`).
    Prohibited,
    /// A route or a rule says `blackhole` (`EINVAL`).
    Blackhole,
}

impl fmt::Display for NoRoute {
    /// What strerror(3) says of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoRoute::Net => "Network is unreachable",
            NoRoute::Host => "No route to host",
            NoRoute::Prohibited => "Permission denied",
            NoRoute::Blackhole => "Invalid argument",
        })
    }
}

/// A route that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick<'a> {
    /// The table it is in.
    pub table: TableId,
    /// The route.
    pub route: &'a Route,
}

/// A way that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// The table that has it.
    pub table: TableId,
    /// The route.
    pub route: &'a Route,
    /// Which of its ways.
    pub nexthop: &'a Nexthop,
}

/// What was decided, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookup<'a> {
    /// The way, or why there is none.
    pub result: Result<Found<'a>, NoRoute>,
    /// The rule that decided; `None` if none did.
    pub rule: Option<&'a IpRule>,
    /// The route that decided, one that refuses included.
    pub route: Option<Pick<'a>>,
}

/// Why a route that has the destination is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Skipped {
    /// It is for another TOS.
    Tos,
    /// The destination is further away than asked for.
    Scope,
    /// Its interface is down.
    Down,
    /// Its interface has no carrier, and `ignore_routes_with_linkdown` is on.
    Linkdown,
    /// Its interface is not the one that the socket is bound to.
    Oif,
}

/// One step of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step<'a> {
    /// A rule was asked; why it is not for this packet, or `None` if it is.
    Rule(&'a IpRule, Option<Mismatch>),
    /// A route of a table has the destination; why it is passed over, or `None` if it is taken.
    Route(TableId, &'a Route, Option<Skipped>),
    /// The table has no route.
    Nothing(TableId),
    /// The route found says `throw`.
    Thrown(TableId),
    /// The rule does not want the route that was found.
    Suppressed(TableId),
}
