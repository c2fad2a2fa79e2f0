//! `ip route`: the commands, and what the kernel does and answers.

use super::args::{Args, find};
use super::route_words::{Words, read};
use super::{Run, Stop, no_command, route_get, route_show};
use crate::net::fib::{Insert, Route, RouteProto, RouteRefused, Scope, TableError};
use crate::netfilter::Family;

#[derive(Clone, Copy)]
enum Command {
    Show,
    Get,
    Insert(Insert),
    Delete,
    Flush,
    Other,
}

const COMMANDS: [(&str, Command); 14] = [
    ("list", Command::Show),
    ("show", Command::Show),
    ("lst", Command::Show),
    ("get", Command::Get),
    ("add", Command::Insert(Insert::Add)),
    ("change", Command::Insert(Insert::Change)),
    ("chg", Command::Insert(Insert::Change)),
    ("replace", Command::Insert(Insert::Replace)),
    ("prepend", Command::Insert(Insert::Prepend)),
    ("append", Command::Insert(Insert::Append)),
    ("test", Command::Other),
    ("delete", Command::Delete),
    ("flush", Command::Flush),
    ("help", Command::Other),
];

pub(super) fn run(run: &mut Run<'_>, mut args: Args<'_>) -> Result<(), Stop> {
    let Some(word) = args.next() else { return route_show::show(run, args) };
    match find(word, &COMMANDS) {
        Some(Command::Show) => route_show::show(run, args),
        Some(Command::Get) => route_get::get(run, args),
        Some(Command::Insert(how)) => insert(run, args, how),
        Some(Command::Delete) => delete(run, args),
        Some(Command::Flush) => route_show::flush(run, args),
        Some(Command::Other) => Err(Stop::unmodelled(format!("`route {word}`"))),
        None => Err(no_command(word, "route")),
    }
}

fn refused(why: RouteRefused) -> Stop {
    match why {
        RouteRefused::Because(words) => Stop::kernel(words),
        RouteRefused::NoDevice => Stop::answers("No such device"),
        RouteRefused::HostUnreachable => Stop::answers("No route to host"),
        RouteRefused::NetworkDown => Stop::answers("Network is down"),
    }
}

fn insert(run: &mut Run<'_>, args: Args<'_>, how: Insert) -> Result<(), Stop> {
    let words = read(run, args)?;
    let table = words.table();
    let mut route = words.route();
    let fib = &mut run.host.fib;
    if words.family.is_v4() {
        fib.create_table(Family::Ip, table);
        if route.dst.addr() != words.dst.addr {
            return Err(Stop::kernel("Invalid prefix for given prefix length"));
        }
        if words.tos & 3 != 0 {
            return Err(Stop::kernel("Invalid dsfield (tos): ECN bits must be 0"));
        }
    }
    run.host.fib.check(&run.host.devices, table, &mut route).map_err(refused)?;
    if !words.family.is_v4() {
        run.host.fib.create_table(Family::Ip6, table);
    }
    let fib = &mut run.host.fib;
    // IPv6's tables have a place for what they have a route to, and for all addresses.
    let place = route.dst.is_all() || fib.table(words.family, table).iter().any(|r| r.dst == route.dst);
    fib.insert(table, route, how).map_err(|why| match why {
        TableError::Exists => Stop::answers("File exists"),
        TableError::Missing if words.family.is_v4() || place => Stop::answers("No such file or directory"),
        TableError::Missing => Stop::kernel("Can not replace route - no match found"),
    })
}

fn delete(run: &mut Run<'_>, args: Args<'_>) -> Result<(), Stop> {
    let words = read(run, args)?;
    let table = words.table();
    if words.family.is_v4() && words.dst.prefix().addr() != words.dst.addr {
        return Err(Stop::kernel("Invalid prefix for given prefix length"));
    }
    if !run.host.fib.has_table(words.family, table) {
        return Err(Stop::kernel("FIB table does not exist"));
    }
    let gone = if words.family.is_v4() {
        run.host.fib.remove(Family::Ip, table, |r| meant4(&words, r)).map(drop)
    } else {
        delete6(run, &words)
    };
    // What stands in IPv6's table where there is no default route is found, and is none.
    let found = !words.family.is_v4()
        && words.dst.length() == 0
        && words.metric == 0
        && words.hops.is_empty()
        && words.proto.is_none_or(|p| p == RouteProto::UNSPEC || p == RouteProto::KERNEL);
    let error = if found { "No such file or directory" } else { "No such process" };
    gone.ok_or_else(|| Stop::answers(error))
}

/// True if a route is the one that `del` means (`fib_table_delete`, `fib_nh_match`).
fn meant4(words: &Words, route: &Route) -> bool {
    let scope = words.scope_for(true);
    let one = words.hops.first();
    route.dst == words.dst.prefix()
        && route.tos == words.tos
        && words.kind.is_none_or(|k| k == route.kind)
        && (scope == Scope::NOWHERE || scope == route.scope)
        && words.prefsrc.is_none_or(|src| Some(src) == route.prefsrc)
        && words.proto.is_none_or(|p| p == RouteProto::UNSPEC || p == route.proto)
        && (words.metric == 0 || words.metric == route.metric)
        && metrics_match(words, route)
        && if words.single {
            one.is_none_or(|hop| route.nexthops.first().is_some_and(|n| hop_meant(hop, n)))
        } else {
            words.hops.len() == route.nexthops.len()
                && words
                    .hops
                    .iter()
                    .zip(&route.nexthops)
                    .all(|(hop, n)| hop_meant(hop, n) && hop.weight == n.weight)
        }
}

fn metrics_match(words: &Words, route: &Route) -> bool {
    let (want, have) = (&words.metrics, &route.metrics);
    let pairs = [
        (want.mtu, have.mtu),
        (want.advmss, have.advmss),
        (want.hoplimit, have.hoplimit),
        (want.initcwnd, have.initcwnd),
        (want.window, have.window),
    ];
    pairs.iter().all(|(want, have)| want.is_none() || want == have)
}

fn hop_meant(want: &crate::net::fib::Nexthop, have: &crate::net::fib::Nexthop) -> bool {
    want.dev.as_ref().is_none_or(|dev| Some(dev) == have.dev.as_ref())
        && want.via.is_none_or(|via| Some(via) == have.via)
}

/// Takes an IPv6 route away, or of several ways the one that is named (`ip6_route_del`).
fn delete6(run: &mut Run<'_>, words: &Words) -> Option<()> {
    let table = words.table();
    let dst = words.dst.prefix();
    let fits = |r: &Route| {
        r.dst == dst
            && (words.metric == 0 || words.metric == r.metric)
            && words.proto.is_none_or(|p| p == RouteProto::UNSPEC || p == r.proto)
    };
    if words.hops.is_empty() {
        return run.host.fib.remove(Family::Ip6, table, fits).map(drop);
    }
    let mut found = false;
    for want in &words.hops {
        let mut done = false;
        run.host.fib.retain(|t, r| {
            if t != table || done || !fits(r) {
                return true;
            }
            let Some(at) = r.nexthops.iter().position(|n| hop_meant(want, n)) else { return true };
            done = true;
            r.nexthops.remove(at);
            !r.nexthops.is_empty()
        });
        found |= done;
    }
    found.then_some(())
}
