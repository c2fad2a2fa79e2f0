//! Where Linux sends a packet: routing tables, policy rules, the choice of a source address and the check of
//! one. Pure data and functions; interfaces are asked for through [`Links`].

mod check;
mod derive;
mod flow;
mod link;
mod lookup;
mod output;
mod prefix;
mod route;
mod rule;
mod source;
mod table;
mod validate;

pub use check::RouteRefused;
pub use flow::{Flow, Found, Lookup, NoRoute, Pick, Skipped, Step};
pub use link::{Address, AddressError, Link, LinkConf, Links};
pub use output::{RouteError, Routing};
pub use prefix::Prefix;
pub use route::{Metrics, Nexthop, Pref, Route, RouteKind, RouteProto, Scope};
pub use rule::{IpRule, Mismatch, RuleAction};
pub use source::{select_address, select_source6};
pub use table::{Insert, TableError, TableId};
pub use validate::{BadSource, Validated};

use crate::netfilter::Family;
use std::collections::BTreeMap;

/// The routing tables and rules of a host, both families (`struct netns_ipv4`'s and `netns_ipv6`'s part of it).
#[derive(Clone, Debug, PartialEq)]
pub struct Fib {
    /// Routes of each table, in the order in which they are asked: longest prefix first, then the highest TOS,
    /// the lowest metric, the earliest. [`Fib::insert`] keeps this order.
    tables: BTreeMap<(Family, TableId), Vec<Route>>,
    rules4: Vec<IpRule>,
    rules6: Vec<IpRule>,
    /// True once somebody changed an IPv4 rule. Until then `local` and `main` are one trie, and the longest
    /// prefix of both wins (`fib_has_custom_rules`, `fib_trie_unmerge`).
    custom_rules4: bool,
    /// True once a route of type local was put in that no address brought (`fib_has_custom_local_routes`).
    custom_local: bool,
}

impl Default for Fib {
    fn default() -> Self {
        Fib::new()
    }
}

impl Fib {
    /// What a fresh network namespace has: the rules 0, 32766 and 32767 (IPv4), 0 and 32766 (IPv6), and no
    /// route.
    pub fn new() -> Self {
        let lookup = |priority, table| IpRule {
            proto: RouteProto::KERNEL,
            ..IpRule::new(priority, RuleAction::Lookup(table))
        };
        Fib {
            tables: BTreeMap::new(),
            rules4: vec![
                lookup(0, TableId::LOCAL),
                lookup(32766, TableId::MAIN),
                lookup(32767, TableId::DEFAULT),
            ],
            rules6: vec![lookup(0, TableId::LOCAL), lookup(32766, TableId::MAIN)],
            custom_rules4: false,
            custom_local: false,
        }
    }

    /// The rules of a family, by priority.
    pub fn rules(&self, family: Family) -> &[IpRule] {
        if family.is_v4() { &self.rules4 } else { &self.rules6 }
    }

    /// A table's routes in the order in which they are asked; none for a table that does not exist.
    pub fn table(&self, family: Family, table: TableId) -> &[Route] {
        self.tables.get(&(family, table)).map_or(&[], Vec::as_slice)
    }

    /// The tables of a family that have ever had a route, by number.
    pub fn tables(&self, family: Family) -> impl Iterator<Item = (TableId, &[Route])> {
        self.tables
            .iter()
            .filter(move |((f, _), _)| *f == family)
            .map(|((_, id), routes)| (*id, routes.as_slice()))
    }
}
