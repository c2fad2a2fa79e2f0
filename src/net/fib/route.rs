//! Routes as the kernel keeps them (rtnetlink(7)).

use super::Prefix;
use crate::abi::IfName;
use serde::Serialize;
use std::fmt;
use std::net::IpAddr;

/// How far away a destination is (`enum rt_scope_t`). A higher number is nearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Scope(pub u8);

impl Scope {
    /// Anywhere.
    pub const GLOBAL: Scope = Scope(0);
    /// Inside the own site.
    pub const SITE: Scope = Scope(200);
    /// On the attached link.
    pub const LINK: Scope = Scope(253);
    /// On this host.
    pub const HOST: Scope = Scope(254);
    /// Does not exist.
    pub const NOWHERE: Scope = Scope(255);

    const NAMES: [(Scope, &str); 5] = [
        (Scope::GLOBAL, "global"),
        (Scope::SITE, "site"),
        (Scope::LINK, "link"),
        (Scope::HOST, "host"),
        (Scope::NOWHERE, "nowhere"),
    ];

    /// Reads a name of /etc/iproute2/rt_scopes or a number up to 255.
    pub fn parse(word: &str) -> Option<Scope> {
        let named = Self::NAMES.iter().find(|(_, name)| *name == word).map(|(scope, _)| *scope);
        named.or_else(|| word.parse().ok().map(Scope))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(scope, _)| scope == self) {
            Some((_, name)) => f.write_str(name),
            None => self.0.fmt(f),
        }
    }
}

/// Who put a route or a rule in (`RTPROT_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RouteProto(pub u8);

impl RouteProto {
    /// Nobody said.
    pub const UNSPEC: RouteProto = RouteProto(0);
    /// The kernel itself.
    pub const KERNEL: RouteProto = RouteProto(2);
    /// What `ip route add` says; it is not printed.
    pub const BOOT: RouteProto = RouteProto(3);
    /// Said by an administrator.
    pub const STATIC: RouteProto = RouteProto(4);
    /// Router advertisements.
    pub const RA: RouteProto = RouteProto(9);

    /// /etc/iproute2/rt_protos of iproute2 6.1.
    const NAMES: [(u8, &str); 22] = [
        (0, "unspec"),
        (1, "redirect"),
        (2, "kernel"),
        (3, "boot"),
        (4, "static"),
        (8, "gated"),
        (9, "ra"),
        (10, "mrt"),
        (11, "zebra"),
        (12, "bird"),
        (13, "dnrouted"),
        (14, "xorp"),
        (15, "ntk"),
        (16, "dhcp"),
        (18, "keepalived"),
        (42, "babel"),
        (186, "bgp"),
        (187, "isis"),
        (188, "ospf"),
        (189, "rip"),
        (192, "eigrp"),
        (99, "openr"),
    ];

    /// Reads a name or a number.
    pub fn parse(word: &str) -> Option<RouteProto> {
        let named = Self::NAMES.iter().find(|(_, name)| *name == word).map(|(number, _)| *number);
        named.or_else(|| word.parse().ok()).map(RouteProto)
    }
}

impl fmt::Display for RouteProto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None => self.0.fmt(f),
        }
    }
}

/// What a route does with its packets (`RTN_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RouteKind {
    /// Sends them on.
    Unicast,
    /// They are for this host.
    Local,
    /// Sends them to all on a link; takes those that come in.
    Broadcast,
    /// IPv6: for the nearest of several hosts; to this one they are local.
    Anycast,
    /// To a group.
    Multicast,
    /// Throws them away and says nothing.
    Blackhole,
    /// Answers that the host is unreachable.
    Unreachable,
    /// Answers that it is forbidden.
    Prohibit,
    /// Goes on with the next rule, as if the table had no route.
    Throw,
}

impl RouteKind {
    /// All of them.
    pub const ALL: [RouteKind; 9] = [
        RouteKind::Unicast,
        RouteKind::Local,
        RouteKind::Broadcast,
        RouteKind::Anycast,
        RouteKind::Multicast,
        RouteKind::Blackhole,
        RouteKind::Unreachable,
        RouteKind::Prohibit,
        RouteKind::Throw,
    ];

    /// The word of ip-route(8).
    pub fn word(self) -> &'static str {
        match self {
            RouteKind::Unicast => "unicast",
            RouteKind::Local => "local",
            RouteKind::Broadcast => "broadcast",
            RouteKind::Anycast => "anycast",
            RouteKind::Multicast => "multicast",
            RouteKind::Blackhole => "blackhole",
            RouteKind::Unreachable => "unreachable",
            RouteKind::Prohibit => "prohibit",
            RouteKind::Throw => "throw",
        }
    }

    /// True for those that never reach an interface.
    pub fn is_error(self) -> bool {
        match self {
            RouteKind::Blackhole | RouteKind::Unreachable | RouteKind::Prohibit | RouteKind::Throw => true,
            RouteKind::Unicast
            | RouteKind::Local
            | RouteKind::Broadcast
            | RouteKind::Anycast
            | RouteKind::Multicast => false,
        }
    }
}

impl fmt::Display for RouteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One way that a route offers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Nexthop {
    /// The interface; `None` for routes that refuse (IPv4).
    pub dev: Option<IfName>,
    /// The router; `None` where the destination is on the link. An IPv4 route can have an IPv6 router.
    pub via: Option<IpAddr>,
    /// The router is taken to be on the link, whatever the tables say.
    pub onlink: bool,
    /// Its share among several, 1 to 256.
    pub weight: u16,
    /// The interface went down while another of the route's ways stayed (`RTNH_F_DEAD`).
    pub dead: bool,
}

impl Nexthop {
    /// Out by an interface, to a router or to the destination itself.
    pub fn new(dev: Option<IfName>, via: Option<IpAddr>) -> Self {
        Nexthop { dev, via, onlink: false, weight: 1, dead: false }
    }
}

/// A router's preference in IPv6 (RFC 4191).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pref {
    /// Less than usual.
    Low,
    /// The usual one.
    #[default]
    Medium,
    /// More than usual.
    High,
}

impl fmt::Display for Pref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Pref::Low => "low",
            Pref::Medium => "medium",
            Pref::High => "high",
        })
    }
}

/// What a route says of its path (`RTAX_*`). Of these only the MTU changes what a packet meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Metrics {
    /// The path's MTU in bytes.
    pub mtu: Option<u32>,
    /// `mtu lock`: not to be lowered by what routers report.
    pub mtu_lock: bool,
    /// The segment size to announce, in bytes.
    pub advmss: Option<u32>,
    /// The hop limit to set.
    pub hoplimit: Option<u32>,
    /// The initial congestion window, in segments.
    pub initcwnd: Option<u32>,
    /// The window's clamp, in bytes.
    pub window: Option<u32>,
}

/// A route (ip-route(8)).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Route {
    /// What it is for.
    pub dst: Prefix,
    /// What it does.
    pub kind: RouteKind,
    /// The ways it offers; empty only for refusing IPv4 routes.
    pub nexthops: Vec<Nexthop>,
    /// The source that the host's own packets take.
    pub prefsrc: Option<IpAddr>,
    /// The lower, the sooner.
    pub metric: u32,
    /// How far the destination is. IPv6 does not use it.
    pub scope: Scope,
    /// Who put it in.
    pub proto: RouteProto,
    /// The TOS it is for; 0 is all.
    pub tos: u8,
    /// What it says of the path.
    pub metrics: Metrics,
    /// IPv6: the router's preference.
    pub pref: Pref,
}

impl Route {
    /// A unicast route without anything further.
    pub fn new(dst: Prefix) -> Self {
        Route {
            dst,
            kind: RouteKind::Unicast,
            nexthops: Vec::new(),
            prefsrc: None,
            metric: 0,
            scope: Scope::GLOBAL,
            proto: RouteProto::BOOT,
            tos: 0,
            metrics: Metrics::default(),
            pref: Pref::Medium,
        }
    }

    /// True if one of its ways goes out by the interface.
    pub fn uses(&self, dev: &IfName) -> bool {
        self.nexthops.iter().any(|n| n.dev.as_ref() == Some(dev))
    }

    /// How near the chosen way's next host is (`nhc_scope`).
    pub fn nexthop_scope(&self, nexthop: &Nexthop) -> Scope {
        if self.scope == Scope::HOST {
            Scope::NOWHERE
        } else if nexthop.via.is_some() {
            Scope::LINK
        } else {
            Scope::HOST
        }
    }
}
