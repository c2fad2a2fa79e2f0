//! Routes.

use crate::abi::IfName;
use crate::netfilter::AddrMask;
use serde::Serialize;
use std::fmt;

/// A route (ip-route(8)).
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The addresses it is for.
    pub dst: AddrMask,
    /// What it does with them.
    pub kind: RouteKind,
}

/// What a route does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RouteKind {
    /// Sends out by an interface.
    Dev(IfName),
    /// Throws away and says nothing.
    Blackhole,
    /// Answers that the host is unreachable.
    Unreachable,
    /// Answers that it is forbidden.
    Prohibit,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            RouteKind::Dev(dev) => write!(f, "{} dev {dev}", self.dst),
            RouteKind::Blackhole => write!(f, "blackhole {}", self.dst),
            RouteKind::Unreachable => write!(f, "unreachable {}", self.dst),
            RouteKind::Prohibit => write!(f, "prohibit {}", self.dst),
        }
    }
}
