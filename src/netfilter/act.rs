//! What a rule's target does with a packet that matched.

use super::conntrack::{CtRef, CtState};
use super::event::{ChangedBy, CtChange, Event, NotKnown};
use super::targets::{self, ConnMark, Target, TcpMss};
use super::walk::{ChainOutcome, RuleOutcome, changed};
use super::{Hook, Netfilter, RuleRef, Skb, Template, WalkCx};
use crate::abi::EventId;
use crate::packet::{Direction, Transport};
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
        let before = Arc::new(skb.clone());
        let outcome = match target {
            Target::None => RuleOutcome::Next,
            Target::Accept => RuleOutcome::Final(ChainOutcome::Accept(event)),
            Target::Drop => RuleOutcome::Final(ChainOutcome::Drop(event)),
            Target::Queue => {
                let told = cx.sink.emit(Some(event), Event::NotKnown { what: NotKnown::Queue });
                RuleOutcome::Final(ChainOutcome::Unknown(told))
            }
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
            Target::TcpMss(mss) => {
                tcp_mss(*mss, skb, event, cx);
                RuleOutcome::Next
            }
            Target::NfLog(log) => {
                let line = log.prefix.to_string();
                cx.sink.emit(Some(event), Event::LogWritten { line });
                RuleOutcome::Next
            }
            // What they change, a packet here does not have: a checksum, a priority, a mark for tracing.
            Target::Checksum | Target::Classify(_) | Target::Trace => RuleOutcome::Next,
            Target::NfQueue(_) => {
                let told = cx.sink.emit(Some(event), Event::NotKnown { what: NotKnown::Queue });
                RuleOutcome::Final(ChainOutcome::Unknown(told))
            }
            Target::Kept(_) | Target::Unknown(_) => {
                let what = NotKnown::Target(target.name().to_string());
                cx.sink.emit(Some(event), Event::NotKnown { what });
                // The model has not this target: if it ends the walk, the choice says so.
                if cx.choices.choose(at) {
                    RuleOutcome::Final(ChainOutcome::Unknown(event))
                } else {
                    RuleOutcome::Next
                }
            }
        };
        changed(cx, Some(event), before, skb, ChangedBy::Target);
        outcome
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

/// TCPMSS: lowers the option of a SYN, or sets it. What the path carries the model is not told.
fn tcp_mss(mss: TcpMss, skb: &mut Skb, event: EventId, cx: &mut WalkCx) {
    match mss {
        TcpMss::Clamp => {
            cx.sink.emit(Some(event), Event::NotKnown { what: NotKnown::PathMtu });
        }
        TcpMss::Set(size) => {
            if let Transport::Tcp(tcp) = &mut skb.packet.transport {
                // An MSS is never raised; a packet without the option gets it.
                tcp.options.set_mss(tcp.options.mss().map_or(size, |now| now.min(size)));
            }
        }
    }
}
