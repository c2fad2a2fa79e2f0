//! The routing decision: rules by priority, in each table the longest prefix (`fib_lookup`,
//! `fib6_rule_lookup`).

use super::{
    Fib, Flow, Found, IpRule, Link, Links, Lookup, Nexthop, NoRoute, Pick, Pref, Route, RouteKind,
    RuleAction, Scope, Skipped, Step, TableId,
};
use crate::netfilter::Family;
use std::net::IpAddr;

/// How a lookup is made.
#[derive(Clone, Copy)]
pub(super) struct Mode {
    /// Routes to further away do not count (`flowi4_scope`).
    pub scope: Scope,
    /// `FIB_LOOKUP_IGNORE_LINKSTATE`.
    pub any_carrier: bool,
}

impl Mode {
    pub(super) const PLAIN: Mode = Mode { scope: Scope::GLOBAL, any_carrier: false };
}

/// What a table says.
pub(super) enum InTable<'a> {
    Found(Found<'a>),
    Refused(Pick<'a>, NoRoute),
    Thrown,
    Nothing,
}

type Trace<'t, 'a> = Option<&'t mut Vec<Step<'a>>>;

fn tell<'a>(trace: &mut Trace<'_, 'a>, step: Step<'a>) {
    if let Some(steps) = trace {
        steps.push(step);
    }
}

impl Fib {
    /// Decides where a flow goes. Which of several ways it takes is decided too.
    pub fn lookup<'a>(&'a self, links: &impl Links, flow: &Flow<'_>) -> Lookup<'a> {
        self.decide(links, flow, Mode::PLAIN, &mut None)
    }

    /// The same, and what was asked on the way.
    pub fn lookup_traced<'a>(&'a self, links: &impl Links, flow: &Flow<'_>) -> (Lookup<'a>, Vec<Step<'a>>) {
        let mut steps = Vec::new();
        let lookup = self.decide(links, flow, Mode::PLAIN, &mut Some(&mut steps));
        (lookup, steps)
    }

    pub(super) fn decide<'a>(
        &'a self,
        links: &impl Links,
        flow: &Flow<'_>,
        mode: Mode,
        trace: &mut Trace<'_, 'a>,
    ) -> Lookup<'a> {
        let family = Family::of(flow.dst);
        if family.is_v4() && !self.custom_rules4 {
            return self.decide_merged(links, flow, mode, trace);
        }
        let rules = self.rules(family);
        let mut at = 0;
        while let Some(rule) = rules.get(at) {
            at += 1;
            let mismatch = rule.mismatch(flow);
            tell(trace, Step::Rule(rule, mismatch));
            if mismatch.is_some() {
                continue;
            }
            let refused = |why| Lookup { result: Err(why), rule: Some(rule), route: None };
            let table = match rule.action {
                RuleAction::Lookup(table) => table,
                RuleAction::Goto(priority) => {
                    // Without its target the rule does nothing; a target lies further on.
                    let target = rules.iter().position(|r| r.priority == priority);
                    at = target.filter(|t| *t >= at).unwrap_or(at);
                    continue;
                }
                RuleAction::Nop => continue,
                RuleAction::Blackhole => return refused(NoRoute::Blackhole),
                RuleAction::Unreachable => return refused(NoRoute::Net),
                RuleAction::Prohibit => return refused(NoRoute::Prohibited),
            };
            match self.in_table(links, table, flow, mode, trace) {
                InTable::Found(found) => {
                    if suppressed(links, rule, &found) {
                        tell(trace, Step::Suppressed(table));
                        continue;
                    }
                    return done(rule, found);
                }
                InTable::Refused(pick, why) => {
                    return Lookup { result: Err(why), rule: Some(rule), route: Some(pick) };
                }
                InTable::Thrown | InTable::Nothing => {}
            }
        }
        Lookup { result: Err(NoRoute::Net), rule: None, route: None }
    }

    /// IPv4 while nobody has touched its rules: `local` and `main` are one trie, then comes `default`.
    fn decide_merged<'a>(
        &'a self,
        links: &impl Links,
        flow: &Flow<'_>,
        mode: Mode,
        trace: &mut Trace<'_, 'a>,
    ) -> Lookup<'a> {
        let rule_of = |table| self.rules4.iter().find(|r| r.action == RuleAction::Lookup(table));
        for table in [TableId::LOCAL, TableId::MAIN] {
            rule_of(table).into_iter().for_each(|rule| tell(trace, Step::Rule(rule, None)));
        }
        let nothing = Lookup { result: Err(NoRoute::Net), rule: None, route: None };
        match self.in_table(links, TableId::LOCAL, flow, mode, trace) {
            InTable::Found(found) => {
                let route = Some(Pick { table: found.table, route: found.route });
                return Lookup { result: Ok(found), rule: rule_of(found.table), route };
            }
            InTable::Refused(pick, why) => {
                return Lookup { result: Err(why), rule: rule_of(pick.table), route: Some(pick) };
            }
            InTable::Thrown | InTable::Nothing => {}
        }
        let Some(rule) = rule_of(TableId::DEFAULT) else { return nothing };
        tell(trace, Step::Rule(rule, None));
        match self.in_table(links, TableId::DEFAULT, flow, mode, trace) {
            InTable::Found(found) => done(rule, found),
            InTable::Refused(pick, why) => Lookup { result: Err(why), rule: Some(rule), route: Some(pick) },
            InTable::Thrown | InTable::Nothing => nothing,
        }
    }

    /// Looks into one table; into `local` and `main` at once while they are one.
    pub(super) fn in_table<'a>(
        &'a self,
        links: &impl Links,
        table: TableId,
        flow: &Flow<'_>,
        mode: Mode,
        trace: &mut Trace<'_, 'a>,
    ) -> InTable<'a> {
        let family = Family::of(flow.dst);
        let found = if !family.is_v4() {
            self.in_table6(links, table, flow, trace)
        } else {
            let merged = !self.custom_rules4 && (table == TableId::LOCAL || table == TableId::MAIN);
            if merged {
                let local = self.table(family, TableId::LOCAL).iter().map(|r| (TableId::LOCAL, r));
                let main = self.table(family, TableId::MAIN).iter().map(|r| (TableId::MAIN, r));
                in_order4(links, longer_first(local, main), flow, mode, trace)
            } else {
                let routes = self.table(family, table).iter().map(|r| (table, r));
                in_order4(links, routes, flow, mode, trace)
            }
        };
        match &found {
            InTable::Nothing => tell(trace, Step::Nothing(table)),
            InTable::Thrown => tell(trace, Step::Thrown(table)),
            InTable::Found(_) | InTable::Refused(..) => {}
        }
        found
    }

    /// `fib6_table_lookup`: of the longest prefix the lowest metric that can be used; among those of one metric
    /// the best by interface and preference (`rt6_score_route`).
    fn in_table6<'a>(
        &'a self,
        links: &impl Links,
        table: TableId,
        flow: &Flow<'_>,
        trace: &mut Trace<'_, 'a>,
    ) -> InTable<'a> {
        let strict = needs_interface(flow);
        // What came in prefers to go out by the same interface (`ip6_pol_route_input`).
        let oif = flow.iif.or(flow.oif);
        let mut best: Option<(u8, &Route, &Nexthop)> = None;
        for route in self.table(Family::Ip6, table).iter().filter(|r| r.dst.contains(flow.dst)) {
            if let Some((_, chosen, _)) = best
                && (chosen.dst, chosen.metric) != (route.dst, route.metric)
            {
                break;
            }
            let mut why = Skipped::Down;
            for way in &route.nexthops {
                if let Err(reason) = usable(links, route, way, false) {
                    why = reason;
                    continue;
                }
                let on_oif = oif.is_none() || way.dev.as_ref() == oif;
                if strict && !on_oif {
                    why = Skipped::Oif;
                    continue;
                }
                let pref = match route.pref {
                    Pref::Low => 1,
                    Pref::Medium => 2,
                    Pref::High => 3,
                };
                let score = pref << 2 | u8::from(on_oif) << 1;
                if best.is_none_or(|(other, _, _)| score > other) {
                    best = Some((score, route, way));
                }
            }
            if best.is_none_or(|(_, chosen, _)| !std::ptr::eq(chosen, route)) {
                tell(trace, Step::Route(table, route, Some(why)));
            }
        }
        let Some((_, route, way)) = best else { return InTable::Nothing };
        tell(trace, Step::Route(table, route, None));
        let pick = Pick { table, route };
        if let Some(refusal) = refusal(pick) {
            return refusal;
        }
        let nexthop = match share(links, route, flow) {
            Some(shared) if !strict || oif.is_none() || shared.dev.as_ref() == oif => shared,
            _ => way,
        };
        InTable::Found(Found { table, route, nexthop })
    }
}

fn done<'a>(rule: &'a IpRule, found: Found<'a>) -> Lookup<'a> {
    let route = Some(Pick { table: found.table, route: found.route });
    Lookup { result: Ok(found), rule: Some(rule), route }
}

/// Whether a rule does not want what was found (`fib4_rule_suppress`).
fn suppressed(links: &impl Links, rule: &IpRule, found: &Found<'_>) -> bool {
    let short = rule.suppress_prefixlength.is_some_and(|len| found.route.dst.length() <= len);
    let group = found.nexthop.dev.as_ref().and_then(|dev| links.link(dev)).map(|link| link.group);
    short || (rule.suppress_ifgroup.is_some() && rule.suppress_ifgroup == group)
}

/// Whether only routes by the very interface count (`rt6_need_strict`).
fn needs_interface(flow: &Flow<'_>) -> bool {
    let IpAddr::V6(dst) = flow.dst else { return false };
    let local = dst.is_multicast() || dst.is_unicast_link_local() || dst.is_loopback();
    let no_src = flow.src.is_none_or(|src| src.is_unspecified());
    local || (flow.iif.is_none() && flow.oif.is_some() && no_src)
}

/// Two tables as one: at each length the first's routes before the second's.
fn longer_first<'a>(
    first: impl Iterator<Item = (TableId, &'a Route)>,
    second: impl Iterator<Item = (TableId, &'a Route)>,
) -> impl Iterator<Item = (TableId, &'a Route)> {
    let mut first = first.peekable();
    let mut second = second.peekable();
    std::iter::from_fn(move || match (first.peek(), second.peek()) {
        (Some((_, a)), Some((_, b))) if a.dst.length() < b.dst.length() => second.next(),
        (Some(_), _) => first.next(),
        (None, _) => second.next(),
    })
}

/// `fib_table_lookup` over routes in their order.
fn in_order4<'a>(
    links: &impl Links,
    routes: impl Iterator<Item = (TableId, &'a Route)>,
    flow: &Flow<'_>,
    mode: Mode,
    trace: &mut Trace<'_, 'a>,
) -> InTable<'a> {
    for (table, route) in routes.filter(|(_, r)| r.dst.contains(flow.dst)) {
        match take4(links, route, flow, mode) {
            Err(why) => tell(trace, Step::Route(table, route, Some(why))),
            Ok(nexthop) => {
                tell(trace, Step::Route(table, route, None));
                let pick = Pick { table, route };
                return match (refusal(pick), nexthop) {
                    (Some(refusal), _) => refusal,
                    (None, Some(nexthop)) => InTable::Found(Found { table, route, nexthop }),
                    (None, None) => InTable::Nothing,
                };
            }
        }
    }
    InTable::Nothing
}

/// Whether an IPv4 route that has the destination is taken, and by which way; a refusing route has none.
fn take4<'a>(
    links: &impl Links,
    route: &'a Route,
    flow: &Flow<'_>,
    mode: Mode,
) -> Result<Option<&'a Nexthop>, Skipped> {
    if route.tos != 0 && route.tos != flow.tos & super::rule::LEGACY_TOS {
        return Err(Skipped::Tos);
    }
    if route.scope < mode.scope {
        return Err(Skipped::Scope);
    }
    if route.kind.is_error() {
        return Ok(None);
    }
    let mut why = Skipped::Down;
    for way in &route.nexthops {
        match usable(links, route, way, mode.any_carrier) {
            Err(reason) => why = reason,
            Ok(()) if flow.oif.is_some() && flow.oif != way.dev.as_ref() => why = Skipped::Oif,
            Ok(()) if flow.oif.is_none() => return Ok(share(links, route, flow).or(Some(way))),
            Ok(()) => return Ok(Some(way)),
        }
    }
    Err(why)
}

/// What a route that refuses answers.
fn refusal(pick: Pick<'_>) -> Option<InTable<'_>> {
    match pick.route.kind {
        RouteKind::Blackhole => Some(InTable::Refused(pick, NoRoute::Blackhole)),
        RouteKind::Unreachable => Some(InTable::Refused(pick, NoRoute::Host)),
        RouteKind::Prohibit => Some(InTable::Refused(pick, NoRoute::Prohibited)),
        RouteKind::Throw => Some(InTable::Thrown),
        RouteKind::Unicast
        | RouteKind::Local
        | RouteKind::Broadcast
        | RouteKind::Anycast
        | RouteKind::Multicast => None,
    }
}

/// Whether a way works (`RTNH_F_DEAD`, `RTNH_F_LINKDOWN`). The host's own IPv4 addresses need no interface that
/// is up.
fn usable(links: &impl Links, route: &Route, way: &Nexthop, any_carrier: bool) -> Result<(), Skipped> {
    if way.dead {
        return Err(Skipped::Down);
    }
    if route.scope == Scope::HOST {
        return Ok(());
    }
    // An IPv6 route that refuses may name no interface.
    let Some(dev) = &way.dev else { return Ok(()) };
    let link = links.link(dev).ok_or(Skipped::Down)?;
    if !link.up && !route.kind.is_error() {
        return Err(Skipped::Down);
    }
    let ignores =
        if route.dst.family().is_v4() { link.conf.ignore_linkdown } else { link.conf.ignore_linkdown6 };
    if linkdown(link) && ignores && !any_carrier {
        return Err(Skipped::Linkdown);
    }
    Ok(())
}

/// True for an interface that is up and has nothing at its other end.
fn linkdown(link: &Link) -> bool {
    link.up && !link.carrier
}

/// The way of several that a flow takes, by its hash and their weights; `None` where there is no choice.
fn share<'a>(links: &impl Links, route: &'a Route, flow: &Flow<'_>) -> Option<&'a Nexthop> {
    if route.nexthops.len() < 2 {
        return None;
    }
    let open = || route.nexthops.iter().filter(|n| usable(links, route, n, false).is_ok());
    let total: u64 = open().map(|n| u64::from(n.weight)).sum();
    let place = (u64::from(flow.hash()) * total) >> 31;
    let mut sum = 0;
    open().find(|n| {
        sum += u64::from(n.weight);
        place < sum
    })
}
