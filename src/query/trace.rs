//! What happens to a packet: one walk, or, where the model cannot know, each way that it may go.

use crate::abi::{EventId, Log};
use crate::net::{Event, Fate, Host, Injected};
use crate::netfilter::{Choices, RuleRef};

/// After so many ways no more are looked for.
pub const MAX_WALKS: usize = 32;

/// All that may happen to one packet.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The packet.
    pub injected: Injected,
    /// The ways it may go. The first goes on as if no rule of unknown answer had matched; where nothing is
    /// unknown it is the only one.
    pub walks: Vec<Walk>,
    /// There are more ways than [`MAX_WALKS`].
    pub truncated: bool,
}

/// One way that a packet may go.
#[derive(Clone, Debug)]
pub struct Walk {
    /// What happened.
    pub log: Log<Event>,
    /// How it ended.
    pub fate: Fate,
    /// The rules of unknown answer, and whether this walk goes on as if they had matched.
    pub choices: Vec<(RuleRef, bool)>,
    /// The host afterwards.
    pub host: Host,
}

/// An answer for people: what the host does with the packet in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    /// It gets through, to a process or out.
    Accept,
    /// It is dropped, by a rule or by the kernel.
    Drop,
    /// It is dropped, and the sender is told by a rule.
    Reject,
    /// The model cannot know.
    Unknown,
}

impl Outcome {
    /// The outcome that a fate is.
    pub fn of(fate: &Fate) -> Outcome {
        match fate {
            Fate::Delivered | Fate::Sent(_) | Fate::SentSomewhere | Fate::LoopedBack | Fate::Gathered => {
                Outcome::Accept
            }
            Fate::Dropped | Fate::Lost(_) => Outcome::Drop,
            Fate::Rejected => Outcome::Reject,
            Fate::Unknown => Outcome::Unknown,
        }
    }
}

impl Trace {
    /// The walk to go on from.
    ///
    /// Panics never: a trace has at least one walk.
    pub fn first(&self) -> &Walk {
        &self.walks[0]
    }

    /// What happens in the end, whichever way it goes; unknown where the ways differ.
    pub fn outcome(&self) -> Outcome {
        let first = Outcome::of(&self.first().fate);
        let same = !self.truncated && self.walks.iter().all(|w| Outcome::of(&w.fate) == first);
        if same { first } else { Outcome::Unknown }
    }
}

/// Sends a packet into a copy of the host; events are numbered from `start`.
pub fn trace(host: &Host, injected: &Injected, start: EventId) -> Trace {
    let mut walks = Vec::new();
    let mut next = Some(Vec::new());
    while let Some(given) = next {
        if walks.len() == MAX_WALKS {
            return Trace { injected: injected.clone(), walks, truncated: true };
        }
        let mut host = host.clone();
        let mut choices = Choices::new(given);
        let mut log = Log::starting_at(start);
        let fate = host.inject(injected, &mut choices, &mut log);
        next = choices.next();
        let choices = choices.made().map(|(rule, yes)| (rule.clone(), yes)).collect();
        walks.push(Walk { log, fate, choices, host });
    }
    Trace { injected: injected.clone(), walks, truncated: false }
}
