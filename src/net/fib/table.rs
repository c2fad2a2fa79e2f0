//! Tables of routes: their names, how routes are put in and taken out, the longest prefix.

use super::{Fib, Prefix, Route, RouteKind, RouteProto};
use crate::netfilter::Family;
use serde::Serialize;
use std::cmp::{Ordering, Reverse};
use std::fmt;
use std::net::IpAddr;

/// A routing table's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct TableId(pub u32);

impl TableId {
    /// All tables, or none said.
    pub const UNSPEC: TableId = TableId(0);
    /// What is asked last.
    pub const DEFAULT: TableId = TableId(253);
    /// Where routes go that name no table.
    pub const MAIN: TableId = TableId(254);
    /// The host's own addresses.
    pub const LOCAL: TableId = TableId(255);

    const NAMES: [(TableId, &str); 4] = [
        (TableId::LOCAL, "local"),
        (TableId::MAIN, "main"),
        (TableId::DEFAULT, "default"),
        (TableId::UNSPEC, "unspec"),
    ];

    /// Reads a name of /etc/iproute2/rt_tables or a number, decimal or `0x…`.
    pub fn parse(word: &str) -> Option<TableId> {
        let named = Self::NAMES.iter().find(|(_, name)| *name == word).map(|(id, _)| *id);
        let number = || match word.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => word.parse().ok(),
        };
        named.or_else(|| number().map(TableId))
    }
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(id, _)| id == self) {
            Some((_, name)) => f.write_str(name),
            None => self.0.fmt(f),
        }
    }
}

/// How a route is put in, by the words of ip-route(8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insert {
    /// There must be none of its destination, TOS and metric.
    Add,
    /// Takes the place of such a one, which must be there.
    Change,
    /// Takes the place of such a one, if there is one.
    Replace,
    /// Behind those that are there; an IPv6 route by a router becomes one more way of such a one.
    Append,
    /// Before those that are there.
    Prepend,
}

/// Why a route could not be put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableError {
    /// There is one (`EEXIST`).
    Exists,
    /// There is none to change (`ENOENT`).
    Missing,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TableError::Exists => "File exists",
            TableError::Missing => "No such file or directory",
        })
    }
}

impl std::error::Error for TableError {}

type Key = (Reverse<u8>, IpAddr, Reverse<u8>, u32);

/// The order of a table: longest prefix first, then the highest TOS, then the lowest metric. IPv6 knows no TOS.
fn key(route: &Route) -> Key {
    (Reverse(route.dst.length()), route.dst.addr(), Reverse(route.tos), route.metric)
}

impl Fib {
    /// Puts a route into a table (`fib_table_insert`, `fib6_add_rt2node`). The route's devices and routers are
    /// not looked at here.
    pub fn insert(&mut self, table: TableId, route: Route, how: Insert) -> Result<(), TableError> {
        let family = route.dst.family();
        let routes = self.tables.entry((family, table)).or_default();
        let wanted = key(&route);
        let start = routes.partition_point(|r| key(r) < wanted);
        let same = routes[start..].iter().take_while(|r| key(r) == wanted).count();
        let custom_local = route.kind == RouteKind::Local && route.proto != RouteProto::KERNEL;
        let found = &mut routes[start..start + same];
        match how {
            Insert::Add if same > 0 => return Err(TableError::Exists),
            Insert::Change if same == 0 => return Err(TableError::Missing),
            Insert::Change | Insert::Replace if same > 0 => {
                if family.is_v4() {
                    let exact = found.iter().position(|r| *r == route);
                    match exact {
                        Some(0) => {}
                        Some(_) => return Err(TableError::Exists),
                        None => found[0] = route,
                    }
                } else {
                    let ecmp = by_router(&route);
                    match found.iter().position(|r| by_router(r) == ecmp) {
                        Some(at) => found[at] = route,
                        None => found[0] = route,
                    }
                }
            }
            Insert::Append | Insert::Prepend if found.contains(&route) => return Err(TableError::Exists),
            Insert::Append if !family.is_v4() => {
                match found.iter_mut().find(|r| by_router(r) && by_router(&route)) {
                    Some(old) if route.nexthops.iter().any(|n| old.nexthops.contains(n)) => {
                        return Err(TableError::Exists);
                    }
                    Some(old) => old.nexthops.extend(route.nexthops),
                    None => routes.insert(start + same, route),
                }
            }
            Insert::Append => routes.insert(start + same, route),
            Insert::Prepend if !family.is_v4() => routes.insert(start + same, route),
            Insert::Add | Insert::Change | Insert::Replace | Insert::Prepend => routes.insert(start, route),
        }
        self.custom_local |= custom_local;
        Ok(())
    }

    /// Takes the first route of a table away that `which` holds for.
    pub fn remove(
        &mut self,
        family: Family,
        table: TableId,
        which: impl Fn(&Route) -> bool,
    ) -> Option<Route> {
        let routes = self.tables.get_mut(&(family, table))?;
        let at = routes.iter().position(which)?;
        Some(routes.remove(at))
    }

    /// Keeps of all tables only the routes that `keep` holds for; it may change them.
    pub fn retain(&mut self, mut keep: impl FnMut(TableId, &mut Route) -> bool) {
        for ((_, table), routes) in &mut self.tables {
            routes.retain_mut(|route| keep(*table, route));
        }
    }

    /// The routes that `ip route show` lists, in its order: IPv4 by address, the longest prefix first
    /// (`fib_table_dump`); IPv6 what is inside a network before the network (`fib6_walk`).
    pub fn listed(&self, family: Family, table: TableId) -> Vec<&Route> {
        let mut routes: Vec<&Route> = self.table(family, table).iter().collect();
        // A stable sort: within one prefix the table's own order stays.
        match family {
            Family::Ip => routes.sort_by_key(|r| (r.dst.addr(), Reverse(r.dst.length()))),
            Family::Ip6 => routes.sort_by(|a, b| inner_first(a.dst, b.dst)),
        }
        routes
    }
}

/// True if an IPv6 route can become one of several ways to a network (`rt6_qualify_for_ecmp`).
fn by_router(route: &Route) -> bool {
    route.proto != RouteProto::RA && route.nexthops.iter().any(|n| n.via.is_some())
}

fn inner_first(a: Prefix, b: Prefix) -> Ordering {
    if a.length() > b.length() && b.contains(a.addr()) {
        Ordering::Less
    } else if b.length() > a.length() && a.contains(b.addr()) {
        Ordering::Greater
    } else {
        a.addr().cmp(&b.addr())
    }
}
