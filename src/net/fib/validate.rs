//! What kind of address it is (`inet_addr_type`), and whether a source can have come in by an interface
//! (`fib_validate_source`, `rp_filter`).

use super::lookup::{InTable, Mode};
use super::output::is_zeronet;
use super::{Fib, Flow, Link, Links, NoRoute, RouteError, RouteKind, Scope, TableId};
use crate::abi::IfName;
use crate::netfilter::AddrType;
use crate::packet::Proto;
use serde::Serialize;
use std::net::IpAddr;

/// Why a source cannot have come in by an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BadSource {
    /// It is never a source (`SKB_DROP_REASON_IP_INVALID_SOURCE`).
    Never,
    /// It is this host's own, or no host's (`SKB_DROP_REASON_IP_LOCAL_SOURCE`).
    Local,
    /// Answers to it would leave by another interface, and `rp_filter` minds
    /// (`SKB_DROP_REASON_IP_RPFILTER`).
    ReversePath,
}

/// What is known of a source that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Validated {
    /// It is on the link that it came from.
    pub on_link: bool,
}

impl Fib {
    /// Checks the source of an IPv4 packet that came in by `link` and will leave by `out`.
    pub fn validate_source(
        &self,
        links: &impl Links,
        flow: &Flow<'_>,
        link: &Link,
        out: Option<&IfName>,
    ) -> Result<Validated, RouteError> {
        let passed = |on_link| Ok(Validated { on_link });
        let Some(IpAddr::V4(src)) = flow.src else { return passed(false) };
        let conf = link.conf;
        let redirects = out == Some(&link.name) && conf.send_redirects;
        if conf.rp_filter == 0 && !redirects {
            if conf.accept_local {
                return passed(false);
            }
            if !self.custom_local && !self.custom_rules4 {
                let own = links.links().flat_map(|l| &l.addrs).any(|a| a.local == IpAddr::V4(src));
                return if own { Err(RouteError::MartianSource(BadSource::Local)) } else { passed(false) };
            }
        }
        self.validate_fully(links, flow, link)
    }

    /// `__fib_validate_source`: routes an answer.
    fn validate_fully(
        &self,
        links: &impl Links,
        flow: &Flow<'_>,
        link: &Link,
    ) -> Result<Validated, RouteError> {
        let Some(src) = flow.src else { return Ok(Validated { on_link: false }) };
        let strictness = link.conf.rp_filter;
        let reverse_path = Err(RouteError::MartianSource(BadSource::ReversePath));
        let last_resort = if strictness == 0 { Ok(Validated { on_link: false }) } else { reverse_path };
        let ports = self.rules4.iter().any(|r| r.ipproto.is_some() || r.sport.is_some() || r.dport.is_some());
        let mut back = Flow {
            dst: src,
            src: Some(flow.dst),
            iif: None,
            oif: None,
            mark: if link.conf.src_valid_mark { flow.mark } else { 0 },
            tos: flow.tos,
            uid: 0,
            proto: if ports { flow.proto } else { Proto::ALL },
            sport: if ports { flow.dport } else { 0 },
            dport: if ports { flow.sport } else { 0 },
            any_source: false,
        };
        let Ok(found) = self.decide(links, &back, Mode::PLAIN, &mut None).result else { return last_resort };
        let kind = found.route.kind;
        let local = kind == RouteKind::Local;
        if kind != RouteKind::Unicast && !(local && link.conf.accept_local) {
            return Err(RouteError::MartianSource(BadSource::Local));
        }
        if found.route.uses(&link.name) || (local && link.loopback) {
            return Ok(Validated { on_link: found.route.nexthop_scope(found.nexthop) >= Scope::HOST });
        }
        if !link.addrs.iter().any(|a| a.local.is_ipv4()) {
            return last_resort;
        }
        if strictness == 1 {
            return reverse_path;
        }
        back.oif = Some(&link.name);
        let mode = Mode { any_carrier: true, ..Mode::PLAIN };
        let on_link = match self.decide(links, &back, mode, &mut None).result {
            Ok(found) if found.route.kind == RouteKind::Unicast => {
                found.route.nexthop_scope(found.nexthop) >= Scope::HOST
            }
            Ok(_) | Err(_) => false,
        };
        Ok(Validated { on_link })
    }

    /// What kind of address it is to the host; with `on`, to that interface alone (`inet_addr_type`,
    /// `inet_dev_addr_type`; IPv6: `xt_addrtype`'s lookup).
    pub fn address_type(&self, links: &impl Links, addr: IpAddr, on: Option<&IfName>) -> AddrType {
        match addr {
            IpAddr::V4(v4) => {
                if is_zeronet(v4) || v4.is_broadcast() {
                    return AddrType::Broadcast;
                }
                if v4.is_multicast() {
                    return AddrType::Multicast;
                }
                let flow = Flow::to(addr);
                match self.in_table(links, TableId::LOCAL, &flow, Mode::PLAIN, &mut None) {
                    InTable::Found(found) if on.is_none() || on == found.nexthop.dev.as_ref() => {
                        kind_of(found.route.kind)
                    }
                    // A route that refuses is none here.
                    InTable::Found(_) | InTable::Refused(..) | InTable::Thrown | InTable::Nothing => {
                        AddrType::Unicast
                    }
                }
            }
            IpAddr::V6(v6) => {
                if v6.is_unspecified() {
                    return AddrType::Unspec;
                }
                if v6.is_multicast() {
                    return AddrType::Multicast;
                }
                let has = |link: &Link| link.addrs.iter().any(|a| a.local == addr && !a.tentative);
                if on.and_then(|name| links.link(name)).is_some_and(has) {
                    return AddrType::Local;
                }
                let flow = Flow { oif: on, ..Flow::to(addr) };
                match self.decide(links, &flow, Mode::PLAIN, &mut None).result {
                    Ok(found) => match (kind_of(found.route.kind), on) {
                        (AddrType::Local, Some(_)) => AddrType::Unicast,
                        (kind, _) => kind,
                    },
                    Err(NoRoute::Net | NoRoute::Host | NoRoute::Prohibited | NoRoute::Blackhole) => {
                        AddrType::Unreachable
                    }
                }
            }
        }
    }
}

fn kind_of(kind: RouteKind) -> AddrType {
    match kind {
        RouteKind::Unicast => AddrType::Unicast,
        RouteKind::Local => AddrType::Local,
        RouteKind::Broadcast => AddrType::Broadcast,
        RouteKind::Anycast => AddrType::Anycast,
        RouteKind::Multicast => AddrType::Multicast,
        RouteKind::Blackhole => AddrType::Blackhole,
        RouteKind::Unreachable | RouteKind::Throw => AddrType::Unreachable,
        RouteKind::Prohibit => AddrType::Prohibit,
    }
}
