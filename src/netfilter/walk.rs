//! A packet's walk through one hook: stages in order, chains, rules.

use super::conntrack::{self, CtRef, CtState, CtStatus};
use super::core_parts::for_each_core;
use super::event::{ChangedBy, Check, CtChange, EnteredBy, Event, Part, Skip, Verdict};
use super::ipset::{Changes, SetEvent};
use super::matches::{Effects, MatchCx};
use super::targets;
use super::{
    Chain, ChainKind, ChainName, Choices, CtId, Env, Family, Hook, Netfilter, Policy, Rule, RuleRef, Skb,
    Stage, TableName, Ternary,
};
use crate::abi::{EventId, IfName, Sink, Time};
use crate::packet::Direction;
use std::net::IpAddr;
use std::sync::Arc;

/// What a walk through a hook needs from outside.
pub struct WalkCx<'a> {
    /// The host.
    pub env: &'a dyn Env,
    /// The model's clock.
    pub now: Time,
    /// Which way to go where that is not known.
    pub choices: &'a mut Choices,
    /// What the user said of the packet's connection.
    pub assumed: Option<CtState>,
    /// Where events go.
    pub sink: &'a mut dyn Sink<Event>,
    /// Where copies go that `-j TEE` makes.
    pub copies: &'a mut Vec<TeeCopy>,
}

/// A copy of a packet that is to be sent to a gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct TeeCopy {
    /// The copy.
    pub skb: Skb,
    /// Where it goes next.
    pub gateway: IpAddr,
    /// By this interface, where the rule names one.
    pub oif: Option<IfName>,
    /// The event that tells of it.
    pub cause: EventId,
}

/// What a hook says of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookVerdict {
    /// It goes on.
    Accept,
    /// It is gone; the event that did it.
    Drop(EventId),
    /// It is gone, and this target tells the sender.
    Reject(EventId, targets::Reject),
    /// It went where the model does not follow.
    Unknown(EventId),
    /// It is gone, and no rule did it; the event after which.
    Lost(EventId, LostIn),
}

/// What in a hook loses a packet, besides rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostIn {
    /// Another connection has its addresses and ports: it cannot be confirmed.
    Clash,
    /// The hook itself: a translation that may not be, or a new route that is not there.
    Hook,
}

/// What a rule does with the walk. `RETURN` and jumps end here: no chain's outcome knows them.
pub(super) enum RuleOutcome {
    Next,
    Return,
    Jump(ChainName),
    Goto(ChainName),
    Final(ChainOutcome),
}

/// What a base chain says in the end.
#[derive(Clone)]
pub(super) enum ChainOutcome {
    Accept(EventId),
    Drop(EventId),
    Reject(EventId, targets::Reject),
    Unknown(EventId),
}

/// What became of a packet that a rule was asked about.
enum Asked {
    /// The walk goes on as if the rule had matched.
    Taken,
    /// As if it had not.
    Passed,
    /// A match dropped it.
    Malformed,
}

/// A chain that the packet is in, and where in it.
struct Frame {
    name: ChainName,
    chain: Arc<Chain>,
    next: usize,
    /// The rule that a return leads back behind.
    back_to: Option<RuleRef>,
    entered: EventId,
}

impl Netfilter {
    /// Leads a packet through a hook.
    pub fn run_hook(
        &mut self,
        hook: Hook,
        skb: &mut Skb,
        cause: Option<EventId>,
        cx: &mut WalkCx,
    ) -> HookVerdict {
        let entered = cx.sink.emit(cause, Event::HookEntered { hook });
        let mut changes = Changes::new();
        self.sets.expire(cx.now, &mut changes);
        tell_sets(changes, entered, cx);
        let routed_by = |skb: &Skb| (skb.packet.src, skb.packet.dst, skb.mark, skb.packet.tos);
        let mut routed = routed_by(skb);
        let stages = if self.legacy { hook.legacy_stages() } else { hook.stages() };
        for &stage in stages {
            let verdict = match stage {
                Stage::Conntrack => self.track(hook, skb, entered, cx),
                Stage::Confirm => self.confirm(hook, skb, entered, cx),
                Stage::Table(TableName::Nat) => self.nat_stage(hook, skb, entered, cx),
                Stage::Table(table) => self.run_table(hook, table, skb, entered, cx),
            };
            if verdict != HookVerdict::Accept {
                return verdict;
            }
            // What OUTPUT changed may need another route (`ip_route_me_harder`); without one the packet is lost.
            if hook == Hook::Output && routed_by(skb) != routed {
                routed = routed_by(skb);
                if !cx.env.can_route(skb) {
                    return HookVerdict::Lost(entered, LostIn::Hook);
                }
            }
        }
        HookVerdict::Accept
    }

    /// Ends a packet's walk: a connection whose first packet did not get through is forgotten, but for those
    /// in `kept`.
    pub fn forget_unconfirmed(&mut self, kept: &[CtId], cause: EventId, sink: &mut dyn Sink<Event>) {
        let loose = self.conntrack.entries().filter(|e| !self.conntrack.is_in_table(e)).map(|e| e.id);
        let loose: Vec<_> = loose.filter(|id| !kept.contains(id)).collect();
        for id in loose {
            if self.conntrack.entry(id).is_some_and(|e| e.has(CtStatus::Confirmed)) {
                // It was taken out of the table already, and that was said.
                self.conntrack.remove(id);
            } else {
                self.conntrack.end(id, CtChange::Abandoned, cause, sink);
            }
        }
    }

    fn track(&mut self, hook: Hook, skb: &mut Skb, entered: EventId, cx: &mut WalkCx) -> HookVerdict {
        let skip = match skb.ct {
            _ if !self.is_tracking() && cx.assumed.is_none() => Some(Skip::TrackingOff),
            Some(CtRef { state: CtState::Untracked, .. }) => Some(Skip::Untracked),
            Some(_) => Some(Skip::AlreadyTracked),
            None => None,
        };
        if let Some(why) = skip {
            cx.sink.emit(Some(entered), Event::StageSkipped { hook, stage: Stage::Conntrack, why });
            return HookVerdict::Accept;
        }
        let before = Arc::new(skb.clone());
        let template = skb.template.take();
        let seen = conntrack::Packet {
            packet: &skb.packet,
            now: cx.now,
            assumed: cx.assumed,
            template: template.as_deref(),
            mark: skb.mark,
            from_outside: hook == Hook::Prerouting,
            cause: entered,
        };
        match self.conntrack.track(&seen, cx.sink) {
            Err(why) => return HookVerdict::Lost(why, LostIn::Hook),
            Ok(ct) => skb.ct = Some(ct),
        }
        changed(cx, Some(entered), before, skb, ChangedBy::Tracking);
        HookVerdict::Accept
    }

    /// The last stage: helpers read the packet, and the connection gets into the table (`nf_confirm`).
    fn confirm(&mut self, hook: Hook, skb: &mut Skb, entered: EventId, cx: &mut WalkCx) -> HookVerdict {
        let stage = Stage::Confirm;
        let skip = |why, cx: &mut WalkCx| {
            cx.sink.emit(Some(entered), Event::StageSkipped { hook, stage, why });
            HookVerdict::Accept
        };
        let Some(ct) = skb.ct else { return skip(Skip::TrackingOff, cx) };
        let Some(id) = ct.entry else {
            return skip(if ct.state == CtState::Untracked { Skip::Untracked } else { Skip::Invalid }, cx);
        };
        let before = Arc::new(skb.clone());
        let over_lo = [skb.iif.as_ref(), skb.oif.name()].into_iter().flatten().any(IfName::is_lo);
        let helped = self.conntrack.help(&mut skb.packet, ct, over_lo, (cx.now, entered), cx.sink);
        if let Err(why) = helped {
            let dropped = cx.sink.emit(Some(entered), Event::KernelDropped { why });
            return HookVerdict::Lost(dropped, LostIn::Hook);
        }
        changed(cx, Some(entered), before, skb, ChangedBy::Helper);
        // A RST or an ICMP error that answers the first packet does not confirm the connection.
        if ct.dir == Direction::Reply {
            return skip(Skip::Answer, cx);
        }
        let Some(entry) = self.conntrack.entry(id) else { return skip(Skip::Confirmed, cx) };
        if entry.has(CtStatus::Confirmed) {
            return skip(Skip::Confirmed, cx);
        }
        let fits = self.conntrack.confirm(id);
        let Some(entry) = self.conntrack.entry(id) else { return skip(Skip::Confirmed, cx) };
        let change = if fits { CtChange::Confirmed } else { CtChange::Clash };
        let entry = Arc::new(entry.clone());
        let event = cx.sink.emit(Some(entered), Event::ConnectionChanged { entry, change });
        if fits { HookVerdict::Accept } else { HookVerdict::Lost(event, LostIn::Clash) }
    }

    /// Leads a packet through a table's base chain at a hook.
    pub(super) fn run_table(
        &mut self,
        hook: Hook,
        table: TableName,
        skb: &mut Skb,
        entered: EventId,
        cx: &mut WalkCx,
    ) -> HookVerdict {
        let family = Family::of(skb.packet.src);
        let stage = Stage::Table(table);
        let skip = |why, cx: &mut WalkCx| {
            cx.sink.emit(Some(entered), Event::StageSkipped { hook, stage, why });
            HookVerdict::Accept
        };
        let Some(ruleset) = self.rulesets.get(&family).cloned() else { return skip(Skip::NoTable, cx) };
        let Some(chains) = ruleset.tables.get(&table) else { return skip(Skip::NoTable, cx) };
        let name = ChainName::from(hook);
        let Some(base) = chains.chain(&name) else { return skip(Skip::NoChain, cx) };
        let event = Event::ChainEntered { hook, table, chain: name.clone(), by: EnteredBy::Hook };
        let came = cx.sink.emit(Some(entered), event);
        let mut walk = TableWalk { family, table, hook, chains, packet_len: skb.packet.len() };
        let base = Frame { name, chain: base.clone(), next: 0, back_to: None, entered: came };
        let outcome = walk.run(self, base, skb, cx);
        let (verdict, cause) = match &outcome {
            ChainOutcome::Accept(by) => (Verdict::Accept, *by),
            ChainOutcome::Drop(by) => (Verdict::Drop, *by),
            ChainOutcome::Reject(by, _) => (Verdict::Reject, *by),
            ChainOutcome::Unknown(by) => (Verdict::Unknown, *by),
        };
        let done = cx.sink.emit(Some(cause), Event::TableDone { hook, table, verdict });
        match outcome {
            ChainOutcome::Accept(_) => HookVerdict::Accept,
            ChainOutcome::Drop(_) => HookVerdict::Drop(done),
            ChainOutcome::Reject(_, how) => HookVerdict::Reject(done, how),
            ChainOutcome::Unknown(_) => HookVerdict::Unknown(done),
        }
    }
}

/// One table at one hook.
struct TableWalk<'a> {
    family: Family,
    table: TableName,
    hook: Hook,
    chains: &'a super::Table,
    packet_len: u32,
}

impl TableWalk<'_> {
    fn run(&mut self, nf: &mut Netfilter, base: Frame, skb: &mut Skb, cx: &mut WalkCx) -> ChainOutcome {
        let base_chain = (base.name.clone(), base.chain.kind, base.entered);
        let mut stack = vec![base];
        while let Some(frame) = stack.last_mut() {
            let Some(rule) = frame.chain.rules.get(frame.next).cloned() else {
                self.leave(&mut stack, false, None, cx);
                continue;
            };
            let at = RuleRef { table: self.table, chain: frame.name.clone(), index: frame.next as u32 };
            frame.next += 1;
            let entered = frame.entered;
            let (event, asked) = self.ask(nf, &rule, &at, skb, entered, cx);
            match asked {
                Asked::Taken => {}
                Asked::Passed => continue,
                Asked::Malformed => return ChainOutcome::Drop(event),
            }
            match nf.act(&rule.target, &at, event, self.hook, skb, cx) {
                RuleOutcome::Next => {}
                RuleOutcome::Return => self.leave(&mut stack, true, Some(event), cx),
                RuleOutcome::Jump(name) => {
                    let by = EnteredBy::Jump(at.clone());
                    self.enter(&mut stack, name, by, Some(at), event, cx);
                }
                RuleOutcome::Goto(name) => {
                    // The chain's end leads back to where this chain's end would.
                    let back_to = stack.pop().and_then(|f| f.back_to);
                    self.enter(&mut stack, name, EnteredBy::Goto(at), back_to, event, cx);
                }
                RuleOutcome::Final(outcome) => return outcome,
            }
        }
        let (name, kind, entered) = base_chain;
        let (policy, counts) = match kind {
            ChainKind::Base { policy, counters, .. } => (policy, counters.is_some()),
            ChainKind::User => (Policy::Accept, false),
        };
        if counts {
            nf.policies.entry((self.family, self.table, name.clone())).or_default().count(self.packet_len);
        }
        let event = Event::PolicyApplied { table: self.table, chain: name, policy };
        let event = cx.sink.emit(Some(entered), event);
        match policy {
            Policy::Accept => ChainOutcome::Accept(event),
            Policy::Drop => ChainOutcome::Drop(event),
        }
    }

    fn enter(
        &self,
        stack: &mut Vec<Frame>,
        name: ChainName,
        by: EnteredBy,
        back_to: Option<RuleRef>,
        cause: EventId,
        cx: &mut WalkCx,
    ) {
        // `check::table` refuses a table with a jump to nowhere.
        let Some(chain) = self.chains.chain(&name).cloned() else { return };
        let event = Event::ChainEntered { hook: self.hook, table: self.table, chain: name.clone(), by };
        let entered = cx.sink.emit(Some(cause), event);
        stack.push(Frame { name, chain, next: 0, back_to, entered });
    }

    /// Leaves the chain on top. A base chain's end is told by its policy alone, unless a rule returned.
    fn leave(&self, stack: &mut Vec<Frame>, returned: bool, cause: Option<EventId>, cx: &mut WalkCx) {
        let Some(frame) = stack.pop() else { return };
        if frame.chain.kind == ChainKind::User || returned {
            let event =
                Event::ChainLeft { table: self.table, chain: frame.name, returned, back_to: frame.back_to };
            cx.sink.emit(cause.or(Some(frame.entered)), event);
        }
    }

    /// Asks a rule; its event, and how the walk goes on.
    fn ask(
        &self,
        nf: &mut Netfilter,
        rule: &Rule,
        at: &RuleRef,
        skb: &mut Skb,
        entered: EventId,
        cx: &mut WalkCx,
    ) -> (EventId, Asked) {
        let mut effects = Effects::default();
        let mut checks = Vec::with_capacity(4);
        let mut held = Ternary::Yes;
        let mut changes = Changes::new();
        for_each_core(rule, self.hook, skb, |part, test| {
            held = held.and(test.held);
            checks.push(Check { part, held: test.held, found: test.found });
            test.held != Ternary::No
        });
        if held != Ternary::No {
            for (place, m) in rule.matches.iter().enumerate() {
                let test = m.test(&mut MatchCx {
                    skb,
                    hook: self.hook,
                    family: self.family,
                    env: cx.env,
                    ct: skb.ct.and_then(|ct| ct.entry).and_then(|id| nf.conntrack.entry(id)),
                    conntrack: &nf.conntrack,
                    now: cx.now,
                    at: (at, place),
                    modules: &mut nf.modules,
                    choices: cx.choices,
                    effects: &mut effects,
                    sets: &mut nf.sets,
                    changes: &mut changes,
                });
                held = held.and(test.held);
                checks.push(Check { part: Part::Match(place), held: test.held, found: test.found });
                if test.held == Ternary::No || effects.drop {
                    break;
                }
            }
        }
        let taken = match held {
            Ternary::Yes => true,
            Ternary::No => false,
            Ternary::Unknown => rule.target.steers() && cx.choices.choose(at),
        };
        if taken && !effects.drop {
            nf.counters.entry((self.family, at.clone())).or_default().count(self.packet_len);
        }
        let event = cx.sink.emit(Some(entered), Event::RuleAsked { rule: at.clone(), checks, held, taken });
        tell_sets(changes, event, cx);
        if effects.drop {
            let event = cx.sink.emit(Some(event), Event::MatchDropped { rule: at.clone() });
            return (event, Asked::Malformed);
        }
        if let Some(mark) = effects.mark {
            let before = Arc::new(skb.clone());
            skb.mark = mark;
            changed(cx, Some(event), before, skb, ChangedBy::Match);
        }
        (event, if taken { Asked::Taken } else { Asked::Passed })
    }
}

/// Tells what changed in sets.
pub(super) fn tell_sets(changes: Changes, cause: EventId, cx: &mut WalkCx) {
    for SetEvent { set, change } in changes {
        cx.sink.emit(Some(cause), Event::SetChanged { set, change });
    }
}

/// Tells that the packet changed, if it did.
pub(super) fn changed(
    cx: &mut WalkCx,
    cause: Option<EventId>,
    before: Arc<Skb>,
    after: &Skb,
    by: ChangedBy,
) -> Option<EventId> {
    if *before == *after {
        return None;
    }
    Some(cx.sink.emit(cause, Event::PacketChanged { before, after: Arc::new(after.clone()), by }))
}
