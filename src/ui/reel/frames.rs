//! Makes the reel of a log: which events are a step of their own, and which only say what came of one.

use super::{Frame, Line, Reel, Scene, Visit};
use crate::netfilter::event::{ChangedBy, CtChange, EnteredBy, Event, Skip, Verdict};
use crate::netfilter::{CtEntry, Policy, RuleRef, Skb, Stage, Target, TableName, Ternary};
use crate::netfilter::{Hook, Ruleset};
use crate::ui::cabinet::plan::Spot;
use crate::ui::look::Look;
use std::rc::Rc;
use std::sync::Arc;
use yew::AttrValue;

/// Takes events one by one.
pub struct Maker<'a> {
    rules: &'a Ruleset,
    reel: Reel,
    /// The visits that the packet is in, innermost last.
    open: Vec<usize>,
    hook: Option<Hook>,
    table: Option<TableName>,
    skb: Option<Rc<Skb>>,
    conn: Option<Rc<CtEntry>>,
    /// Events that wait for the step they belong to.
    waiting: Vec<usize>,
}

impl<'a> Maker<'a> {
    /// Begins; the rules say what targets mean.
    pub fn new(rules: &'a Ruleset) -> Self {
        Maker {
            rules,
            reel: Reel::default(),
            open: Vec::new(),
            hook: None,
            table: None,
            skb: None,
            conn: None,
            waiting: Vec::new(),
        }
    }

    /// The packet as it is from here on.
    pub fn packet(&mut self, skb: &Arc<Skb>) {
        let skb = Rc::new((**skb).clone());
        self.skb = Some(skb.clone());
        if let Some(last) = self.reel.frames.last_mut() {
            last.skb = Some(skb);
        }
    }

    /// A step outside the hooks.
    pub fn place(&mut self, event: usize, spot: Spot, look: Look, word: Option<AttrValue>) {
        self.hook = None;
        self.table = None;
        self.open.clear();
        self.push(event, spot, None, look, word);
    }

    /// An event that only says what came of the step before.
    pub fn also(&mut self, event: usize) {
        match self.reel.frames.last_mut() {
            Some(last) => last.events.push(event),
            None => self.waiting.push(event),
        }
    }

    /// Done.
    pub fn finish(self, ends: ((AttrValue, AttrValue), (AttrValue, AttrValue)), ending: Option<Look>) -> Reel {
        Reel { ends, ending, ..self.reel }
    }

    /// An event of netfilter.
    pub fn netfilter(&mut self, id: usize, event: &Event) {
        match event {
            Event::HookEntered { hook } => {
                self.hook = Some(*hook);
                self.table = None;
                self.open.clear();
            }
            Event::StageSkipped { hook, stage, why } => self.skipped(id, *hook, *stage, *why),
            Event::ChainEntered { hook, table, chain, by } => {
                self.hook = Some(*hook);
                self.table = Some(*table);
                let callers = match by {
                    EnteredBy::Hook => {
                        self.open.clear();
                        Vec::new()
                    }
                    EnteredBy::Jump(rule) => self.callers(Some(rule)),
                    EnteredBy::Goto(_) => {
                        let callers = self.callers(None);
                        self.open.pop();
                        callers
                    }
                };
                self.reel.visits.push(Visit {
                    table: *table,
                    chain: chain.clone(),
                    callers,
                    rules: Vec::new(),
                    first: self.reel.frames.len(),
                });
                self.open.push(self.reel.visits.len() - 1);
            }
            Event::RuleAsked { rule, held, taken, .. } => self.asked(id, rule, *held, *taken),
            Event::ChainLeft { returned, .. } => {
                let visit = self.open.last().copied();
                if *returned || self.open.len() <= 1 {
                    self.also(id);
                } else if let Some(visit) = visit {
                    self.push_here(id, Some((visit, Line::End)), Look::BACK, None);
                }
                if self.open.len() > 1 {
                    self.open.pop();
                }
            }
            Event::PolicyApplied { policy, .. } => {
                let line = self.open.first().map(|visit| (*visit, Line::End));
                let look = match policy {
                    Policy::Accept => Look::YES,
                    Policy::Drop => Look::NO,
                };
                self.push_here(id, line, look, Some(AttrValue::from(policy.to_string())));
            }
            Event::TableDone { verdict, .. } => {
                self.also(id);
                if let Some(last) = self.reel.frames.last_mut()
                    && last.word.is_none()
                {
                    last.word = match verdict {
                        Verdict::Accept => Some(AttrValue::Static("ACCEPT")),
                        Verdict::Drop => Some(AttrValue::Static("DROP")),
                        Verdict::Reject => Some(AttrValue::Static("REJECT")),
                        Verdict::Unknown => Some(AttrValue::Static("?")),
                    };
                }
            }
            Event::Tracked { ct, entry, .. } => {
                self.conn = entry.as_ref().map(|e| Rc::new((**e).clone()));
                let spot = self.hook.map_or(Spot::Arrives, |hook| Spot::At(hook, Stage::Conntrack));
                self.table = None;
                self.push(id, spot, None, Look::TRACK, Some(AttrValue::Static(ct.state.name())));
            }
            Event::ConnectionChanged { entry, change } => self.connection(id, entry, *change),
            Event::PacketChanged { after, by, .. } => self.changed(id, after, *by),
            Event::NatSettled { entry, .. } => {
                self.also(id);
                self.know(entry);
            }
            Event::LogWritten { .. } => self.also(id),
            Event::NotKnown { .. } => {
                self.also(id);
                if let Some(last) = self.reel.frames.last_mut() {
                    last.look = Look::MAYBE;
                }
            }
        }
    }

    fn callers(&self, by: Option<&RuleRef>) -> Vec<(usize, u32)> {
        let Some(&here) = self.open.last() else { return Vec::new() };
        let mut callers = self.reel.visits.get(here).map(|v| v.callers.clone()).unwrap_or_default();
        callers.extend(by.map(|rule| (here, rule.index)));
        callers
    }

    fn skipped(&mut self, id: usize, hook: Hook, stage: Stage, why: Skip) {
        self.hook = Some(hook);
        self.table = match stage {
            Stage::Table(table) => Some(table),
            Stage::Conntrack | Stage::Confirm => None,
        };
        self.open.clear();
        let spot = Spot::At(hook, stage);
        let silent = match why {
            Skip::NoTable | Skip::NoChain | Skip::Confirmed | Skip::TrackingOff => true,
            Skip::AlreadyTracked
            | Skip::Untracked
            | Skip::Invalid
            | Skip::NotFirstPacket
            | Skip::Settled
            | Skip::IcmpError => false,
        };
        if silent {
            self.reel.scenes.push(Scene { spot, first: self.reel.frames.len(), silent });
        } else {
            self.push(id, spot, None, Look::QUIET, None);
        }
    }

    fn asked(&mut self, id: usize, rule: &RuleRef, held: Ternary, taken: bool) {
        let Some(&visit) = self.open.last() else { return };
        let step = self.reel.frames.len();
        if let Some(visit) = self.reel.visits.get_mut(visit) {
            visit.rules.push(step);
        }
        let line = Some((visit, Line::Rule(rule.index)));
        let target = self.rules.rule(rule).map(|r| r.target.clone()).unwrap_or(Target::None);
        let (look, word) = match (held, taken) {
            (Ternary::Unknown, _) => (Look::MAYBE, None),
            (Ternary::No, _) | (Ternary::Yes, false) => (Look::PASS, None),
            (Ternary::Yes, true) => match &target {
                Target::None => (Look::YES, None),
                Target::Accept => (Look::YES, Some("ACCEPT")),
                Target::Drop => (Look::NO, Some("DROP")),
                Target::Reject(_) => (Look::REJECT, Some("REJECT")),
                Target::Return => (Look::BACK, None),
                Target::Jump(_) | Target::Goto(_) => (Look::CALL, None),
                Target::Log(_) => (Look::NOTE, Some("LOG")),
                Target::Nat(_) | Target::Mark(_) => (Look::CHANGE, None),
                Target::Queue | Target::Unknown(_) => (Look::MAYBE, None),
            },
        };
        let word = word.map(AttrValue::Static).or_else(|| {
            let changes = matches!(target, Target::Nat(_) | Target::Mark(_)) && look == Look::CHANGE;
            changes.then(|| AttrValue::from(target.name().to_owned()))
        });
        self.push_here(id, line, look, word);
    }

    fn connection(&mut self, id: usize, entry: &Arc<CtEntry>, change: CtChange) {
        match change {
            CtChange::Confirmed => {
                self.know(entry);
                let spot = self.hook.map_or(Spot::Arrives, |hook| Spot::At(hook, Stage::Confirm));
                self.table = None;
                self.open.clear();
                self.push(id, spot, None, Look::TRACK, None);
            }
            CtChange::Clash => {
                let spot = self.hook.map_or(Spot::Arrives, |hook| Spot::At(hook, Stage::Confirm));
                self.table = None;
                self.open.clear();
                self.push(id, spot, None, Look::NO, Some(AttrValue::Static("DROP")));
            }
            CtChange::Created | CtChange::Status(_) | CtChange::Tcp(..) | CtChange::Mark(_) => {
                self.also(id);
                self.know(entry);
            }
            CtChange::Expired | CtChange::Reset | CtChange::Replaced | CtChange::Abandoned => self.also(id),
        }
    }

    fn changed(&mut self, id: usize, after: &Arc<Skb>, by: ChangedBy) {
        self.packet(after);
        self.also(id);
        if let (ChangedBy::Nat(_) | ChangedBy::Target, Some(last)) = (by, self.reel.frames.last_mut())
            && matches!(last.look, Look::QUIET | Look::YES)
        {
            last.look = Look::CHANGE;
            last.word = Some(AttrValue::Static("NAT"));
        }
    }

    /// The connection's entry as it is from here on.
    fn know(&mut self, entry: &Arc<CtEntry>) {
        let entry = Rc::new((**entry).clone());
        self.conn = Some(entry.clone());
        if let Some(last) = self.reel.frames.last_mut() {
            last.conn = Some(entry);
        }
    }

    fn push_here(&mut self, id: usize, line: Option<(usize, Line)>, look: Look, word: Option<AttrValue>) {
        let spot = match (self.hook, self.table) {
            (Some(hook), Some(table)) => Spot::At(hook, Stage::Table(table)),
            (Some(_), None) | (None, _) => Spot::Arrives,
        };
        self.push(id, spot, line, look, word);
    }

    fn push(&mut self, id: usize, spot: Spot, line: Option<(usize, Line)>, look: Look, word: Option<AttrValue>) {
        let first = self.reel.frames.len();
        if self.reel.scenes.last().is_none_or(|s| s.spot != spot || s.silent) {
            self.reel.scenes.push(Scene { spot, first, silent: false });
        }
        let mut events = std::mem::take(&mut self.waiting);
        events.insert(0, id);
        let (skb, conn) = (self.skb.clone(), self.conn.clone());
        self.reel.frames.push(Frame { spot, line, look, word, events, skb, conn });
    }
}
