//! The words of a route, as `ip route add` and `del` take them.

use super::args::{Args, Cidr, bounded, cidr, garbage, invalid, matches, name, no_device, number, wrong};
use super::{Run, Stop, args};
use crate::net::fib::{Metrics, Nexthop, Pref, Prefix, Route, RouteKind, RouteProto, Scope, TableId};
use crate::netfilter::Family;
use std::net::IpAddr;

/// A route as it was said: what was left out is `None`, since `del` then takes any.
pub(super) struct Words {
    pub family: Family,
    pub kind: Option<RouteKind>,
    pub dst: Cidr,
    pub table: Option<TableId>,
    pub scope: Option<Scope>,
    pub proto: Option<RouteProto>,
    pub hops: Vec<Nexthop>,
    /// The route came as one way after its destination, not as `nexthop`s.
    pub single: bool,
    pub prefsrc: Option<IpAddr>,
    pub metric: u32,
    pub tos: u8,
    pub metrics: Metrics,
    pub pref: Pref,
}

/// The kinds in the order in which abbreviations are tried. `false`: only the whole word.
const KINDS: [(&str, RouteKind, bool); 10] = [
    ("local", RouteKind::Local, false),
    ("broadcast", RouteKind::Broadcast, true),
    ("brd", RouteKind::Broadcast, false),
    ("anycast", RouteKind::Anycast, true),
    ("multicast", RouteKind::Multicast, true),
    ("prohibit", RouteKind::Prohibit, true),
    ("unreachable", RouteKind::Unreachable, true),
    ("blackhole", RouteKind::Blackhole, true),
    ("unicast", RouteKind::Unicast, true),
    ("throw", RouteKind::Throw, true),
];

/// A kind by its name or the beginning of it.
pub(super) fn kind(word: &str) -> Option<RouteKind> {
    let fits = |(full, _, short): &&(&str, RouteKind, bool)| *full == word || (*short && matches(word, full));
    KINDS.iter().find(fits).map(|(_, kind, _)| *kind)
}

pub(super) fn table(word: &str) -> Result<TableId, Stop> {
    TableId::parse(word).ok_or_else(|| invalid(word, "\"table\" value is invalid"))
}

pub(super) fn proto(word: &str) -> Result<RouteProto, Stop> {
    RouteProto::parse(word).ok_or_else(|| invalid(word, "\"protocol\" value is invalid"))
}

/// A TOS by its number or by a name of /etc/iproute2/rt_dsfield. Numbers are hexadecimal.
pub(super) fn dsfield(word: &str) -> Option<u8> {
    u8::from_str_radix(word.strip_prefix("0x").unwrap_or(word), 16).ok()
}

/// Reads a route's words. An interface that is not there is refused at the end, as `ip` does.
pub(super) fn read(run: &Run<'_>, mut args: Args<'_>) -> Result<Words, Stop> {
    let mut family = run.family;
    let mut dst: Option<Cidr> = None;
    let mut hop = Nexthop::new(None, None);
    let mut dev: Option<String> = None;
    let mut words = Words {
        family: Family::Ip,
        kind: None,
        dst: Cidr { addr: Prefix::all(Family::Ip).addr(), len: Some(0) },
        table: None,
        scope: None,
        proto: None,
        hops: Vec::new(),
        single: true,
        prefsrc: None,
        metric: 0,
        tos: 0,
        metrics: Metrics::default(),
        pref: Pref::Medium,
    };
    while let Some(key) = args.next() {
        match key {
            "src" => {
                let addr = args::address(args.value()?, family)?;
                family.get_or_insert(Family::of(addr));
                words.prefsrc = Some(addr);
            }
            "via" => hop.via = Some(gateway(&mut args, &mut family)?),
            "from" => return Err(Stop::unmodelled("routes by source (`from`)")),
            "tos" | "dsfield" => words.tos = tos(args.value()?)?,
            _ if key.len() > 1 && matches(key, "dsfield") => words.tos = tos(args.value()?)?,
            "metric" | "priority" | "preference" => {
                words.metric = bounded(args.value()?, u32::MAX.into(), "\"metric\" value is invalid")? as u32;
            }
            "scope" => {
                let word = args.value()?;
                words.scope =
                    Some(Scope::parse(word).ok_or_else(|| invalid(word, "invalid \"scope\" value"))?);
            }
            "mtu" => {
                let mut word = args.value()?;
                if word == "lock" {
                    words.metrics.mtu_lock = true;
                    word = args.value()?;
                }
                words.metrics.mtu = Some(metric(word, "\"mtu\" value is invalid")?);
            }
            "hoplimit" => {
                words.metrics.hoplimit = Some(metric(args.value()?, "\"hoplimit\" value is invalid")?);
            }
            "advmss" => words.metrics.advmss = Some(metric(args.value()?, "\"mss\" value is invalid")?),
            "window" => words.metrics.window = Some(metric(args.value()?, "\"window\" value is invalid")?),
            "initcwnd" => {
                words.metrics.initcwnd = Some(metric(args.value()?, "\"initcwnd\" value is invalid")?);
            }
            "rtt" | "rttvar" | "reordering" | "cwnd" | "ssthresh" | "realms" | "realm" | "rto_min"
            | "initrwnd" | "features" | "quickack" | "congctl" | "expires" | "fastopen_no_cookie"
            | "nhid" | "encap" | "as" | "vrf" | "ttl-propagate" => {
                return Err(Stop::unmodelled(format!("`{key}` of a route")));
            }
            "onlink" => hop.onlink = true,
            "nexthop" => {
                words.single = false;
                words.hops = nexthops(run, &mut args, &mut family)?;
                break;
            }
            "protocol" | "proto" => words.proto = Some(proto(args.value()?)?),
            "table" => words.table = Some(table(args.value()?)?),
            "dev" | "oif" => dev = Some(args.value()?.to_owned()),
            "pref" => {
                let word = args.value()?;
                words.pref = match word {
                    "low" => Pref::Low,
                    "medium" => Pref::Medium,
                    "high" => Pref::High,
                    _ => return Err(invalid(word, "\"pref\" value is invalid")),
                };
            }
            _ => {
                let mut word = if key == "to" { args.value()? } else { key };
                if !word.starts_with(|c: char| c.is_ascii_digit())
                    && let Some(found) = kind(word)
                {
                    words.kind = Some(found);
                    word = args.value()?;
                } else if matches(word, "xresolve") || word == "nat" {
                    args.value()?;
                    return Err(Stop::unmodelled(format!("routes of type `{word}`")));
                }
                if word == "help" {
                    return Err(Stop::unmodelled("help"));
                }
                if dst.is_some() {
                    return Err(garbage("to", word));
                }
                let all = matches!(word, "default" | "any" | "all");
                let read = cidr(word, family)?;
                if !all {
                    family.get_or_insert(read.family());
                }
                dst = Some(read);
            }
        }
    }
    let Some(dst) = dst else { return Err(Stop::unmodelled("help")) };
    words.family = family.unwrap_or(Family::Ip);
    words.dst = match dst.len {
        Some(0) if dst.family() != words.family => {
            Cidr { addr: Prefix::all(words.family).addr(), len: Some(0) }
        }
        _ => dst,
    };
    if let Some(dev) = dev {
        hop.dev = Some(known(run, &dev)?);
    }
    if hop.dev.is_some() || hop.via.is_some() || hop.onlink {
        words.hops.insert(0, hop);
    }
    Ok(words)
}

fn known(run: &Run<'_>, dev: &str) -> Result<crate::abi::IfName, Stop> {
    name(dev).filter(|n| run.host.devices.get(n).is_some()).ok_or_else(|| no_device(dev))
}

fn metric(word: &str, why: &str) -> Result<u32, Stop> {
    Ok(bounded(word, u32::MAX.into(), why)? as u32)
}

fn tos(word: &str) -> Result<u8, Stop> {
    dsfield(word).ok_or_else(|| invalid(word, "\"tos\" value is invalid"))
}

/// The router behind `via`, which may say its family first.
fn gateway(args: &mut Args<'_>, family: &mut Option<Family>) -> Result<IpAddr, Stop> {
    let mut word = args.value()?;
    let said = match word {
        "inet" => Some(Family::Ip),
        "inet6" => Some(Family::Ip6),
        _ => None,
    };
    if said.is_some() {
        word = args.value()?;
    }
    let addr = args::address(word, said.or(*family))?;
    family.get_or_insert(Family::of(addr));
    Ok(addr)
}

/// What follows the first `nexthop`.
fn nexthops(run: &Run<'_>, args: &mut Args<'_>, family: &mut Option<Family>) -> Result<Vec<Nexthop>, Stop> {
    let mut hops = vec![Nexthop::new(None, None)];
    while let Some(key) = args.next() {
        let last = hops.len() - 1;
        let hop = &mut hops[last];
        match key {
            "via" => hop.via = Some(gateway(args, family)?),
            "dev" => {
                let word = args.value()?;
                let unread = "Error: cannot parse nexthop\n";
                let gone = |_| Stop::said(255, format!("Cannot find device \"{word}\"\n{unread}"));
                hop.dev = Some(known(run, word).map_err(gone)?);
            }
            "weight" => {
                let word = args.value()?;
                let weight = number(word).filter(|n| (1..=256).contains(n));
                hop.weight = weight.ok_or_else(|| wrong(word, "\"weight\" is invalid"))? as u16;
            }
            "onlink" => hop.onlink = true,
            "nexthop" => hops.push(Nexthop::new(None, None)),
            other => {
                return Err(Stop::said(
                    255,
                    format!("Error: \"nexthop\" or end of line is expected instead of \"{other}\"\n"),
                ));
            }
        }
    }
    Ok(hops)
}

impl Words {
    /// The table that is meant.
    pub fn table(&self) -> TableId {
        let local = matches!(self.kind, Some(RouteKind::Local | RouteKind::Broadcast | RouteKind::Anycast));
        self.table.unwrap_or(if local { TableId::LOCAL } else { TableId::MAIN })
    }

    /// The scope that `ip` gives a route that says none.
    pub fn scope_for(&self, deleting: bool) -> Scope {
        if let Some(scope) = self.scope {
            return scope;
        }
        if !self.family.is_v4() {
            return Scope::GLOBAL;
        }
        match self.kind {
            Some(RouteKind::Local) => Scope::HOST,
            Some(RouteKind::Broadcast | RouteKind::Multicast | RouteKind::Anycast) => Scope::LINK,
            None | Some(RouteKind::Unicast) if deleting => Scope::NOWHERE,
            None | Some(RouteKind::Unicast) if self.hops.iter().all(|h| h.via.is_none()) && self.single => {
                Scope::LINK
            }
            _ if deleting => Scope::NOWHERE,
            _ => Scope::GLOBAL,
        }
    }

    /// The route to be put in.
    pub fn route(&self) -> Route {
        let v6 = !self.family.is_v4();
        Route {
            kind: self.kind.unwrap_or(RouteKind::Unicast),
            nexthops: self.hops.clone(),
            prefsrc: self.prefsrc,
            metric: if v6 && self.metric == 0 { 1024 } else { self.metric },
            scope: self.scope_for(false),
            proto: self.proto.unwrap_or(RouteProto::BOOT),
            tos: if v6 { 0 } else { self.tos },
            metrics: self.metrics,
            pref: self.pref,
            ..Route::new(self.dst.prefix())
        }
    }
}
