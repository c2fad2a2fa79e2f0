//! Where a packet is, and what it is like, at each event of a walk.

use crate::abi::Log;
use crate::net::{Event, NetEvent, Routed};
use crate::netfilter::event::Event as NfEvent;
use crate::netfilter::{ChainName, CtEntry, Hook, RuleRef, Skb, Stage, TableName};
use std::sync::Arc;

/// The state of things right after an event.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The packet's way counts from 0; the kernel's answers have ways of their own.
    pub pass: usize,
    /// The hook that the packet is at; `None` before the first, between two, and at the end.
    pub hook: Option<Hook>,
    /// The stage of the hook.
    pub stage: Option<Stage>,
    /// The chains that the packet is in, the base chain first.
    pub chains: Arc<[ChainAt]>,
    /// The rule that was asked last in the innermost chain.
    pub rule: Option<RuleRef>,
    /// The packet.
    pub skb: Arc<Skb>,
    /// Its connection, as it was last told.
    pub entry: Option<Arc<CtEntry>>,
    /// The last routing decision.
    pub routed: Option<Routed>,
}

/// A chain that a packet is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainAt {
    /// The chain's table.
    pub table: TableName,
    /// The chain.
    pub chain: ChainName,
    /// The rule that led here.
    pub from: Option<RuleRef>,
}

/// The scenes of a walk, one for each event.
pub fn scenes(log: &Log<Event>) -> Vec<Scene> {
    let mut scenes: Vec<Scene> = Vec::with_capacity(log.len());
    for entry in log.entries() {
        let next = match (scenes.last(), &entry.event) {
            (
                None,
                Event::Net(
                    NetEvent::Begins { skb, .. }
                    | NetEvent::Answers { skb }
                    | NetEvent::Continues { skb, .. },
                ),
            ) => begin(skb, 0),
            // A walk begins with its packet.
            (None, _) => continue,
            (Some(last), event) => after(last.clone(), event),
        };
        scenes.push(next);
    }
    scenes
}

fn begin(skb: &Arc<Skb>, pass: usize) -> Scene {
    Scene {
        pass,
        hook: None,
        stage: None,
        chains: Arc::new([]),
        rule: None,
        skb: skb.clone(),
        entry: None,
        routed: None,
    }
}

fn after(mut scene: Scene, event: &Event) -> Scene {
    match event {
        Event::Net(
            NetEvent::Begins { skb, .. } | NetEvent::Answers { skb } | NetEvent::Continues { skb, .. },
        ) => {
            return begin(skb, scene.pass + 1);
        }
        Event::Net(NetEvent::Routed { to, .. }) => {
            scene.leave_hook();
            scene.routed = Some(to.clone());
        }
        Event::Net(
            NetEvent::Ended { .. }
            | NetEvent::Gathered { .. }
            | NetEvent::Fragmented { .. }
            | NetEvent::Resumes { .. },
        )
        | Event::Link(_)
        | Event::Socket(_)
        | Event::Config(_) => {}
        Event::Netfilter(event) => scene.netfilter(event),
    }
    scene
}

impl Scene {
    fn leave_hook(&mut self) {
        (self.hook, self.stage, self.rule) = (None, None, None);
        self.chains = Arc::new([]);
    }

    fn at(&mut self, hook: Hook, stage: Option<Stage>) {
        (self.hook, self.stage, self.rule) = (Some(hook), stage, None);
        self.chains = Arc::new([]);
    }

    fn netfilter(&mut self, event: &NfEvent) {
        use crate::netfilter::event::EnteredBy;
        match event {
            NfEvent::HookEntered { hook } => self.at(*hook, None),
            NfEvent::StageSkipped { hook, stage, .. } => self.at(*hook, Some(*stage)),
            NfEvent::ChainEntered { hook, table, chain, by } => {
                let mut chains = self.chains.to_vec();
                let from = match by {
                    EnteredBy::Hook => {
                        chains.clear();
                        None
                    }
                    EnteredBy::Jump(rule) => Some(rule.clone()),
                    EnteredBy::Goto(rule) => {
                        chains.pop();
                        Some(rule.clone())
                    }
                };
                chains.push(ChainAt { table: *table, chain: chain.clone(), from });
                self.at(*hook, Some(Stage::Table(*table)));
                self.chains = chains.into();
            }
            NfEvent::RuleAsked { rule, .. } => self.rule = Some(rule.clone()),
            NfEvent::ChainLeft { back_to, .. } => {
                let mut chains = self.chains.to_vec();
                if chains.len() > 1 {
                    chains.pop();
                }
                self.chains = chains.into();
                self.rule = back_to.clone();
            }
            NfEvent::PolicyApplied { .. } => self.rule = None,
            NfEvent::TableDone { .. } => {}
            NfEvent::Tracked { entry, .. } => {
                self.stage = Some(Stage::Conntrack);
                self.entry = entry.clone();
            }
            NfEvent::ConnectionChanged { entry, .. } | NfEvent::NatSettled { entry, .. } => {
                let own = self.skb.ct.and_then(|ct| ct.entry).is_none_or(|id| id == entry.id);
                if own {
                    self.entry = Some(entry.clone());
                }
            }
            NfEvent::PacketChanged { after, .. } => self.skb = after.clone(),
            NfEvent::ExpectationChanged { .. }
            | NfEvent::KernelDropped { .. }
            | NfEvent::Copied { .. }
            | NfEvent::LogWritten { .. }
            | NfEvent::CommandRun { .. }
            | NfEvent::RulesChanged { .. }
            | NfEvent::SetChanged { .. }
            | NfEvent::NotKnown { .. } => {}
        }
    }
}

impl Scene {
    /// The innermost chain.
    pub fn chain(&self) -> Option<&ChainAt> {
        self.chains.last()
    }
}
