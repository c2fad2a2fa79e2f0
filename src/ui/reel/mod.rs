//! A walk as the page plays it: one frame a step, computed once from the log of events.
//!
//! Knows nothing of components; `frames.rs` makes it of a log.

mod frames;

pub use frames::reel_of;

use super::cabinet::plan::Spot;
use super::look::Look;
use crate::netfilter::conntrack::CtEntry;
use crate::netfilter::{ChainName, Skb, TableName};
use std::sync::Arc;
use yew::AttrValue;

/// A visit of the packet to a chain: from its entry by a hook or a jump to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Visit {
    /// The table.
    pub table: TableName,
    /// The chain.
    pub chain: ChainName,
    /// From which rules it came here, outermost first: the visit and the rule's index in its chain.
    pub callers: Vec<(usize, u32)>,
    /// For each rule that was looked at, in the chain's order: its frame.
    pub rules: Vec<usize>,
    /// The first frame.
    pub first: usize,
}

/// Which line of the chain a frame is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The rule of this index.
    Rule(u32),
    /// The end: policy or return.
    End,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Where the packet is.
    pub spot: Spot,
    /// The visit's place in [`Reel::visits`], and the line, while a chain looks at the packet.
    pub line: Option<(usize, Line)>,
    /// What it means.
    pub look: Look,
    /// One word of it for the picture, such as `DNAT` or `NEW`.
    pub word: Option<AttrValue>,
    /// The events' places in the log: what the step is about, then what came of it.
    pub events: Vec<usize>,
    /// The packet after it.
    pub skb: Arc<Skb>,
    /// The connection's entry after it.
    pub conn: Option<Arc<CtEntry>>,
    /// How a packet's way ended with this step.
    pub ended: Option<Look>,
}

/// A stretch of frames at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Where.
    pub spot: Spot,
    /// The first frame, or for a place that does nothing with the packet, the next one.
    pub first: usize,
    /// The place does nothing with the packet.
    pub silent: bool,
    /// Another packet starts here: the kernel's answer.
    pub fresh: bool,
}

/// The whole walk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reel {
    frames: Vec<Frame>,
    visits: Vec<Visit>,
    scenes: Vec<Scene>,
    /// What the plates at both ends say: the interface it came in by and the one it leaves by.
    pub ends: (AttrValue, AttrValue),
}

impl Reel {
    /// All steps.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// The step, or the last one.
    pub fn frame(&self, at: usize) -> Option<&Frame> {
        self.frames.get(at).or(self.frames.last())
    }

    /// The chain visits, in the order of their entries.
    pub fn visit(&self, id: usize) -> Option<&Visit> {
        self.visits.get(id)
    }

    /// The packet's path.
    pub fn scenes(&self) -> &[Scene] {
        &self.scenes
    }

    /// The last step's number.
    pub fn last(&self) -> usize {
        self.frames.len().saturating_sub(1)
    }

    /// The scene that a step belongs to.
    pub fn scene_at(&self, at: usize) -> usize {
        self.scenes.partition_point(|s| s.first <= at).saturating_sub(1)
    }

    /// The last word said at a place up to a step.
    pub fn outcome(&self, spot: Spot, at: usize) -> Option<(Look, AttrValue)> {
        let scene = self.scenes.iter().position(|s| s.spot == spot)?;
        let first = self.scenes.get(scene)?.first;
        let end = self.scenes.get(scene + 1).map_or(self.frames.len(), |s| s.first);
        let seen = self.frames.get(first..end.min(at + 1))?;
        seen.iter().rev().find_map(|f| f.word.clone().map(|word| (f.look, word)))
    }

    /// How a packet's way ended with a step.
    pub fn ended_at(&self, at: usize) -> Option<Look> {
        self.frames.get(at).and_then(|f| f.ended)
    }

    /// The step with which the way of the packet that was sent ended; answers come after it.
    pub fn verdict_step(&self) -> usize {
        self.frames.iter().position(|f| f.ended.is_some()).unwrap_or(self.last())
    }

    fn chain_key(&self, at: usize) -> Option<(Spot, Option<usize>)> {
        self.frames.get(at).map(|f| (f.spot, f.line.map(|(visit, _)| visit)))
    }

    fn hook_key(&self, at: usize) -> Option<(Option<crate::netfilter::Hook>, Spot)> {
        let spot = self.frames.get(at)?.spot;
        // all stages of a hook are one place here
        let place = match spot {
            Spot::At(hook, _) => Spot::At(hook, crate::netfilter::Stage::Confirm),
            other => other,
        };
        Some((spot.hook(), place))
    }

    fn forward<K: PartialEq>(&self, at: usize, key: impl Fn(usize) -> K) -> usize {
        let here = key(at);
        (at + 1..self.frames.len()).find(|i| key(*i) != here).unwrap_or(self.last())
    }

    fn back<K: PartialEq>(&self, at: usize, key: impl Fn(usize) -> K) -> usize {
        let Some(before) = at.checked_sub(1) else { return 0 };
        let there = key(before);
        (0..before).rev().find(|i| key(*i) != there).map_or(0, |i| i + 1)
    }

    /// The first step in the next chain or place.
    pub fn chain_forward(&self, at: usize) -> usize {
        self.forward(at, |i| self.chain_key(i))
    }

    /// The first step of this chain or place, or of the one before if it is that already.
    pub fn chain_back(&self, at: usize) -> usize {
        self.back(at, |i| self.chain_key(i))
    }

    /// The first step at the next hook.
    pub fn hook_forward(&self, at: usize) -> usize {
        self.forward(at, |i| self.hook_key(i))
    }

    /// The first step at this hook, or at the one before.
    pub fn hook_back(&self, at: usize) -> usize {
        self.back(at, |i| self.hook_key(i))
    }
}
