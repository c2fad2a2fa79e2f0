//! What a rule's target does with a packet that matched.

use super::conntrack::{CtRef, CtState};
use super::estimator::Estimator;
use super::event::{ChangedBy, CtChange, Event, NotKnown};
use super::ipset::{Answer, Ask, By, ByError, Changes, Look};
use super::targets::{self, Act, ConnMark, SetSides, SetTarget, Target};
use super::walk::{ChainOutcome, RuleOutcome, changed, tell_sets};
use super::{Hook, Netfilter, RuleRef, Skb, TeeCopy, Template, WalkCx};
use crate::abi::EventId;
use crate::packet::{At, Direction};
use std::sync::Arc;

impl Netfilter {
    /// Does what a rule's target says.
    pub(super) fn act(
        &mut self,
        target: &Target,
        at: &RuleRef,
        event: EventId,
        hook: Hook,
        skb: &mut Skb,
        cx: &mut WalkCx,
    ) -> RuleOutcome {
        let before = target.changes().then(|| Arc::new(skb.clone()));
        let outcome = match target {
            Target::None => RuleOutcome::Next,
            Target::Accept => RuleOutcome::Final(ChainOutcome::Accept(event)),
            Target::Drop => RuleOutcome::Final(ChainOutcome::Drop(event)),
            Target::Queue => self.queue(false, event, cx),
            Target::Return => RuleOutcome::Return,
            Target::Jump(chain) => RuleOutcome::Jump(chain.clone()),
            Target::Goto(chain) => RuleOutcome::Goto(chain.clone()),
            Target::Log(log) => {
                let line = log.line(hook, skb);
                cx.sink.emit(Some(event), Event::LogWritten { line });
                RuleOutcome::Next
            }
            Target::Reject(reject) => RuleOutcome::Final(ChainOutcome::Reject(event, *reject)),
            Target::Mark(mark) => {
                skb.mark = mark.apply(skb.mark);
                RuleOutcome::Next
            }
            Target::Nat(nat) => match self.nat_target(nat, hook, skb, event, cx) {
                true => RuleOutcome::Final(ChainOutcome::Accept(event)),
                false => RuleOutcome::Final(ChainOutcome::Drop(event)),
            },
            Target::NetMap(netmap) => {
                self.netmap_target(netmap, hook, skb, event, cx);
                RuleOutcome::Final(ChainOutcome::Accept(event))
            }
            Target::ConnMark(connmark) => {
                self.connmark_target(*connmark, skb, event, cx);
                RuleOutcome::Next
            }
            Target::Ct(ct) => {
                self.ct_target(ct, skb);
                RuleOutcome::Next
            }
            Target::Ttl(ttl) => {
                skb.packet.ttl = ttl.apply(skb.packet.ttl);
                RuleOutcome::Next
            }
            Target::Tos(tos) => {
                skb.packet.tos = tos.apply(skb.packet.tos);
                RuleOutcome::Next
            }
            Target::Dscp(dscp) => {
                skb.packet.tos = dscp.apply(skb.packet.tos);
                RuleOutcome::Next
            }
            Target::Set(set) => {
                self.set_target(set, skb, event, cx);
                RuleOutcome::Next
            }
            Target::TcpMss(mss) => {
                let whole = skb.clone();
                match mss.apply(&mut skb.packet, || cx.env.path_mtu(&whole)) {
                    Some(true) => RuleOutcome::Next,
                    Some(false) => RuleOutcome::Final(ChainOutcome::Drop(event)),
                    None => {
                        cx.sink.emit(Some(event), Event::NotKnown { what: NotKnown::PathMtu });
                        RuleOutcome::Next
                    }
                }
            }
            Target::NfLog(log) => {
                let line = log.prefix.to_string();
                cx.sink.emit(Some(event), Event::LogWritten { line });
                RuleOutcome::Next
            }
            Target::Classify(class) => {
                skb.priority = u32::from(class.0) << 16 | u32::from(class.1);
                RuleOutcome::Next
            }
            // Checksums here are right, and each rule is told of anyway.
            Target::Checksum | Target::Trace => RuleOutcome::Next,
            Target::NfQueue(queue) => self.queue(queue.bypass, event, cx),
            Target::Typed(target) => self.act_typed(&target.act, at, event, hook, skb, cx),
            Target::Kept(_) | Target::Unknown(_) => not_modelled(target.name(), at, event, cx),
        };
        if let Some(before) = before {
            changed(cx, Some(event), before, skb, ChangedBy::Target);
        }
        outcome
    }

    /// A queue that no program reads: on a host of which all is known there is none.
    fn queue(&self, bypass: bool, event: EventId, cx: &mut WalkCx) -> RuleOutcome {
        if cx.env.is_described() {
            return RuleOutcome::Final(match bypass {
                true => ChainOutcome::Accept(event),
                false => ChainOutcome::Drop(event),
            });
        }
        let told = cx.sink.emit(Some(event), Event::NotKnown { what: NotKnown::Queue });
        RuleOutcome::Final(ChainOutcome::Unknown(told))
    }

    fn act_typed(
        &mut self,
        act: &Act,
        at: &RuleRef,
        event: EventId,
        hook: Hook,
        skb: &mut Skb,
        cx: &mut WalkCx,
    ) -> RuleOutcome {
        match act {
            Act::Audit => {
                let p = &skb.packet;
                let (mark, src, dst) = (skb.mark, p.src, p.dst);
                let line =
                    format!("NETFILTER_PKT mark={mark:#x} saddr={src} daddr={dst} proto={}", p.proto().0);
                cx.sink.emit(Some(event), Event::LogWritten { line });
            }
            Act::Nothing => {}
            Act::Ecn(ecn) => ecn.apply(&mut skb.packet),
            Act::HMark(hmark) => {
                let ct = skb.ct.and_then(|ct| self.conntrack.entry(ct.entry?));
                match hmark.mark(&skb.packet, ct) {
                    At::Known(mark) => skb.mark = mark,
                    At::Beyond => {}
                    At::Unknown => return not_modelled("HMARK", at, event, cx),
                }
            }
            Act::Npt(npt) => {
                if !npt.apply(&mut skb.packet) {
                    return RuleOutcome::Final(ChainOutcome::Drop(event));
                }
            }
            Act::RateEst(name, steps, log) => {
                let now = cx.now;
                let new = || Estimator::new(*steps, *log, now);
                let estimator = self.modules.estimators.entry(name.clone()).or_insert_with(new);
                estimator.count(skb.packet.len(), now);
            }
            Act::Strip(strip) => strip.apply(&mut skb.packet),
            Act::Tee(gateway, oif) => {
                let (copy, gateway, oif) = (copied(skb, hook), *gateway, oif.clone());
                let told = Event::Copied { copy: Arc::new(copy.clone()), gateway };
                let cause = cx.sink.emit(Some(event), told);
                cx.copies.push(TeeCopy { skb: copy, gateway, oif, cause });
            }
            Act::TProxy(tproxy) => match tproxy.apply(hook, skb, cx.env) {
                Some(true) => return RuleOutcome::Final(ChainOutcome::Accept(event)),
                Some(false) => return RuleOutcome::Final(ChainOutcome::Drop(event)),
                None => return not_modelled("TPROXY", at, event, cx),
            },
        }
        RuleOutcome::Next
    }

    fn connmark_target(&mut self, connmark: ConnMark, skb: &mut Skb, event: EventId, cx: &mut WalkCx) {
        let Some(entry) = skb.ct.and_then(|ct| self.conntrack.entry_mut(ct.entry?)) else { return };
        let (mark, ctmark) = connmark.apply(skb.mark, entry.mark);
        skb.mark = mark;
        if ctmark != entry.mark {
            entry.mark = ctmark;
            let entry = Arc::new(entry.clone());
            cx.sink.emit(Some(event), Event::ConnectionChanged { entry, change: CtChange::Mark(ctmark) });
        }
    }

    /// SET: into one set, out of another, and what stands beside an element of a third; in this order.
    fn set_target(&mut self, target: &SetTarget, skb: &mut Skb, event: EventId, cx: &mut WalkCx) {
        let mut changes = Changes::new();
        let adds = By { delete: false, exist: target.exist, timeout: target.seconds() };
        let deletes = By { delete: true, ..By::default() };
        for (to, how) in [(&target.add, adds), (&target.del, deletes)] {
            let Some(SetSides { set, sides }) = to else { continue };
            let look = Look { skb, now: cx.now };
            match self.sets.change_by(set, look, sides, &how, &mut changes) {
                Ok(()) | Err(ByError::Refused(_)) if self.sets.contains(set) => {}
                // A set that nobody gave, or something of the packet that was not told.
                _ => {
                    cx.sink.emit(Some(event), Event::NotKnown { what: NotKnown::Set(set.clone()) });
                }
            }
        }
        if let Some(SetSides { set, sides }) = &target.map {
            let look = Look { skb, now: cx.now };
            match self.sets.ask(set, look, &Ask::new(sides.clone()), &mut changes) {
                Answer::In { skbinfo, .. } => skb.mark = target.mark(skb.mark, skbinfo),
                Answer::Out(_) | Answer::Except { .. } => {}
                Answer::NotTold(_) | Answer::NoSet => {
                    cx.sink.emit(Some(event), Event::NotKnown { what: NotKnown::Set(set.clone()) });
                }
            }
        }
        tell_sets(changes, event, cx);
    }

    /// CT acts only on a packet that has no connection yet, and only once.
    fn ct_target(&mut self, ct: &targets::Ct, skb: &mut Skb) {
        if skb.ct.is_some() || skb.template.is_some() {
            return;
        }
        if ct.notrack {
            skb.ct = Some(CtRef { state: CtState::Untracked, entry: None, dir: Direction::Original });
        } else {
            skb.template = Some(Arc::new(Template {
                zone: ct.zone,
                helper: ct.helper.clone(),
                ctevents: ct.ctevents,
                expevents: ct.expevents,
            }));
        }
    }
}

/// What a target does is not known: if it ends the walk, the choice says so.
fn not_modelled(name: &str, at: &RuleRef, event: EventId, cx: &mut WalkCx) -> RuleOutcome {
    cx.sink.emit(Some(event), Event::NotKnown { what: NotKnown::Target(name.to_owned()) });
    if cx.choices.choose(at) { RuleOutcome::Final(ChainOutcome::Unknown(event)) } else { RuleOutcome::Next }
}

/// The copy that TEE sends (`nf_dup_ipv4`, `nf_dup_ipv6`): not tracked, and one step nearer to its end, so that two
/// hosts that copy to each other come to an end.
fn copied(skb: &Skb, hook: Hook) -> Skb {
    let untracked = CtRef { state: CtState::Untracked, entry: None, dir: Direction::Original };
    let mut copy = Skb { ct: Some(untracked), mark: skb.mark, ..Skb::new(skb.packet.clone()) };
    copy.packet.df = copy.packet.src.is_ipv4();
    if matches!(hook, Hook::Prerouting | Hook::Input) {
        copy.packet.ttl = copy.packet.ttl.saturating_sub(1);
    }
    copy
}
