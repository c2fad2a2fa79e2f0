//! Makes the reel of a log: which events are a step of their own, and which only say what came of one.

use super::{Frame, Line, Reel, Scene, Visit};
use crate::abi::Log;
use crate::net::{Event, Fate, NetEvent, Origin, Routed};
use crate::netfilter::event::{ChangedBy, CtChange, EnteredBy, Event as NfEvent, Skip, Verdict};
use crate::netfilter::targets::Role;
use crate::netfilter::{CtEntry, Hook, Policy, RuleRef, Ruleset, Skb, Stage, TableName, Target, Ternary};
use crate::query::Outcome;
use crate::ui::cabinet::plan::Spot;
use crate::ui::case::look_of;
use crate::ui::look::Look;
use std::sync::Arc;
use yew::AttrValue;

/// Makes the reel of a log that begins with a packet; the rules say what targets mean.
pub fn reel_of(rules: &Ruleset, log: &Log<Event>) -> Reel {
    let (skb, origin) = match log.entries().first().map(|e| &e.event) {
        Some(Event::Net(NetEvent::Begins { skb, origin })) => (skb, origin),
        Some(Event::Net(NetEvent::Answers { skb } | NetEvent::Continues { skb, .. })) => {
            (skb, &Origin::Process)
        }
        Some(_) | None => return Reel::default(),
    };
    let mut maker = Maker {
        rules,
        reel: Reel::default(),
        open: Vec::new(),
        hook: None,
        table: None,
        skb: skb.clone(),
        conn: None,
        local: *origin == Origin::Process,
        routed: false,
        fresh: false,
        waiting: Vec::new(),
    };
    maker.reel.ends.0 = match origin {
        Origin::Wire(name) => name.to_string().into(),
        Origin::Process => AttrValue::default(),
    };
    for (id, entry) in log.entries().iter().enumerate() {
        match &entry.event {
            Event::Net(event) => maker.net(id, event),
            Event::Link(_) | Event::Socket(_) | Event::Config(_) => maker.also(id),
            Event::Netfilter(event) => maker.netfilter(id, event),
        }
    }
    maker.reel
}

/// Takes events one by one.
struct Maker<'a> {
    rules: &'a Ruleset,
    reel: Reel,
    /// The visits that the packet is in, innermost last.
    open: Vec<usize>,
    hook: Option<Hook>,
    table: Option<TableName>,
    skb: Arc<Skb>,
    conn: Option<Arc<CtEntry>>,
    /// The packet is one that this host made.
    local: bool,
    /// It was routed once already.
    routed: bool,
    /// The next step is the first of another packet.
    fresh: bool,
    /// What conntrack did before it said so: it belongs to the step that says it.
    waiting: Vec<usize>,
}

impl Maker<'_> {
    /// A step outside the hooks.
    fn place(&mut self, event: usize, spot: Spot, look: Look, word: Option<AttrValue>) {
        self.hook = None;
        self.table = None;
        self.open.clear();
        self.push(event, spot, None, look, word);
    }

    /// An event that only says what came of the step before.
    fn also(&mut self, event: usize) {
        if let Some(last) = self.reel.frames.last_mut() {
            last.events.push(event);
        }
    }

    fn net(&mut self, id: usize, event: &NetEvent) {
        match event {
            NetEvent::Begins { .. } => {
                let spot = if self.local { Spot::Local } else { Spot::Arrives };
                self.place(id, spot, Look::MOVE, None);
            }
            NetEvent::Answers { skb } | NetEvent::Continues { skb, .. } => {
                self.skb = skb.clone();
                self.conn = None;
                (self.local, self.routed, self.fresh) = (true, false, true);
                self.place(id, Spot::Local, Look::MOVE, None);
            }
            NetEvent::Routed { to, .. } => {
                if self.routed {
                    self.also(id);
                } else {
                    let spot = if self.local { Spot::RouteOut } else { Spot::RouteIn };
                    let word = match to {
                        Routed::Local | Routed::NoRoute | Routed::Refused(_) | Routed::Unknown => None,
                        Routed::Out(dev) | Routed::Broadcast(dev) | Routed::Multicast(dev) => {
                            Some(AttrValue::from(dev.to_string()))
                        }
                    };
                    self.place(id, spot, Look::MOVE, word);
                }
                self.routed = true;
            }
            NetEvent::Ended { fate, .. } => self.ended(id, fate),
            NetEvent::Gathered { .. } | NetEvent::Fragmented { .. } | NetEvent::Resumes { .. } => {
                self.also(id)
            }
        }
    }

    fn ended(&mut self, id: usize, fate: &Fate) {
        let look = look_of(Outcome::of(fate));
        match fate {
            Fate::Delivered => self.place(id, Spot::Local, look, None),
            Fate::Sent(dev) => {
                if !self.fresh && self.reel.ends.1.is_empty() {
                    self.reel.ends.1 = dev.to_string().into();
                }
                self.place(id, Spot::Leaves, look, None);
            }
            Fate::SentSomewhere => self.place(id, Spot::Leaves, look, None),
            Fate::Dropped
            | Fate::Rejected
            | Fate::Lost(_)
            | Fate::LoopedBack
            | Fate::Gathered
            | Fate::Unknown => self.also(id),
        }
        if let Some(last) = self.reel.frames.last_mut() {
            last.ended = Some(look);
            if !matches!(fate, Fate::Delivered | Fate::Sent(_) | Fate::SentSomewhere) {
                last.look = look;
            }
        }
    }

    /// An event of netfilter.
    fn netfilter(&mut self, id: usize, event: &NfEvent) {
        match event {
            NfEvent::HookEntered { hook } => {
                self.hook = Some(*hook);
                self.table = None;
                self.open.clear();
            }
            NfEvent::StageSkipped { hook, stage, why } => self.skipped(id, *hook, *stage, *why),
            NfEvent::ChainEntered { hook, table, chain, by } => {
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
            NfEvent::RuleAsked { rule, held, taken, .. } => self.asked(id, rule, *held, *taken),
            NfEvent::ChainLeft { returned, .. } => {
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
            NfEvent::PolicyApplied { policy, .. } => {
                let line = self.open.first().map(|visit| (*visit, Line::End));
                let look = match policy {
                    Policy::Accept => Look::YES,
                    Policy::Drop => Look::NO,
                };
                self.push_here(id, line, look, Some(AttrValue::from(policy.to_string())));
            }
            NfEvent::TableDone { verdict, .. } => {
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
            NfEvent::Tracked { ct, entry, .. } => {
                self.conn = entry.clone();
                let spot = self.hook.map_or(Spot::Arrives, |hook| Spot::At(hook, Stage::Conntrack));
                self.table = None;
                self.push(id, spot, None, Look::TRACK, Some(AttrValue::Static(ct.state.name())));
            }
            NfEvent::ConnectionChanged { entry, change } => self.connection(id, entry, *change),
            NfEvent::PacketChanged { after, by, .. } => self.changed(id, after, *by),
            NfEvent::NatSettled { entry, .. } => {
                self.also(id);
                self.know(entry);
            }
            NfEvent::KernelDropped { .. } => {
                let stage = self.table.map_or(Stage::Conntrack, Stage::Table);
                let spot = self.hook.map_or(Spot::Arrives, |hook| Spot::At(hook, stage));
                self.push(id, spot, None, Look::NO, Some(AttrValue::Static("DROP")));
            }
            NfEvent::ExpectationChanged { .. }
            | NfEvent::Copied { .. }
            | NfEvent::LogWritten { .. }
            | NfEvent::CommandRun { .. }
            | NfEvent::RulesChanged { .. }
            | NfEvent::SetChanged { .. } => self.also(id),
            NfEvent::NotKnown { .. } => {
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
            | Skip::Answer
            | Skip::IcmpError => false,
        };
        if silent {
            self.reel.scenes.push(Scene { spot, first: self.reel.frames.len(), silent, fresh: false });
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
        let (look, named) = match (held, taken) {
            (Ternary::Unknown, _) => (Look::MAYBE, false),
            (Ternary::No, _) | (Ternary::Yes, false) => (Look::PASS, false),
            (Ternary::Yes, true) => match target.role() {
                Role::Count => (Look::YES, false),
                Role::Accept => (Look::YES, true),
                Role::Drop => (Look::NO, true),
                Role::Reject => (Look::REJECT, true),
                Role::Return => (Look::BACK, false),
                Role::Call => (Look::CALL, false),
                Role::Note => (Look::NOTE, true),
                Role::Translate | Role::Change => (Look::CHANGE, true),
                Role::Unknown => (Look::MAYBE, false),
            },
        };
        let word = named.then(|| AttrValue::from(target.name().to_owned()));
        self.push_here(id, line, look, word);
    }

    fn connection(&mut self, id: usize, entry: &Arc<CtEntry>, change: CtChange) {
        if self.skb.ct.is_none() && self.hook.is_some() {
            self.waiting.push(id);
            return;
        }
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
            CtChange::Created
            | CtChange::Status(_)
            | CtChange::Tcp(..)
            | CtChange::Sctp(..)
            | CtChange::Timeout(_)
            | CtChange::Mark(_) => {
                self.also(id);
                self.know(entry);
            }
            CtChange::Expired
            | CtChange::Reset
            | CtChange::Replaced
            | CtChange::Evicted
            | CtChange::Deleted
            | CtChange::Rehomed
            | CtChange::Abandoned => self.also(id),
        }
    }

    fn changed(&mut self, id: usize, after: &Arc<Skb>, by: ChangedBy) {
        self.skb = after.clone();
        self.also(id);
        if let Some(last) = self.reel.frames.last_mut() {
            last.skb = after.clone();
        }
        if let (ChangedBy::Nat(_) | ChangedBy::Target, Some(last)) = (by, self.reel.frames.last_mut())
            && matches!(last.look, Look::QUIET | Look::YES)
        {
            last.look = Look::CHANGE;
            last.word = Some(AttrValue::Static("NAT"));
        }
    }

    /// The connection's entry as it is from here on.
    fn know(&mut self, entry: &Arc<CtEntry>) {
        let own = self.skb.ct.and_then(|ct| ct.entry).is_none_or(|id| id == entry.id);
        if !own {
            return;
        }
        self.conn = Some(entry.clone());
        if let Some(last) = self.reel.frames.last_mut() {
            last.conn = Some(entry.clone());
        }
    }

    fn push_here(&mut self, id: usize, line: Option<(usize, Line)>, look: Look, word: Option<AttrValue>) {
        let spot = match (self.hook, self.table) {
            (Some(hook), Some(table)) => Spot::At(hook, Stage::Table(table)),
            (Some(_), None) | (None, _) => Spot::Arrives,
        };
        self.push(id, spot, line, look, word);
    }

    fn push(
        &mut self,
        id: usize,
        spot: Spot,
        line: Option<(usize, Line)>,
        look: Look,
        word: Option<AttrValue>,
    ) {
        let first = self.reel.frames.len();
        let fresh = std::mem::take(&mut self.fresh);
        if fresh || self.reel.scenes.last().is_none_or(|s| s.spot != spot || s.silent) {
            self.reel.scenes.push(Scene { spot, first, silent: false, fresh });
        }
        let (skb, conn) = (self.skb.clone(), self.conn.clone());
        let mut events = vec![id];
        events.append(&mut self.waiting);
        self.reel.frames.push(Frame { spot, line, look, word, events, skb, conn, ended: None });
    }
}
