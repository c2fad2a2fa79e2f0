//! Matches: what `-m` brings in. One file a match; this one names them all.

mod comment;
mod conntrack;
mod ports;
mod state;
mod tcp;

pub use comment::Comment;
pub use conntrack::{ConntrackMatch, Statuses};
pub use ports::Ports;
pub use state::StateMatch;
pub use tcp::TcpMatch;

use super::env::Env;
use super::extension::Extension;
use super::fact::Test;
use super::modules::Modules;
use super::text::SaveOptions;
use super::{Conntrack, CtEntry, Family, Hook, RuleRef, Skb, Unknown};
use crate::abi::Time;

/// One `-m` of a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Match {
    /// `-m tcp`.
    Tcp(TcpMatch),
    /// `-m udp`, `udplite`: two port ranges.
    Ports(Ports),
    /// `-m comment`.
    Comment(Comment),
    /// `-m conntrack`.
    Conntrack(Box<ConntrackMatch>),
    /// `-m state`.
    State(StateMatch),
    /// A match that iptables 1.8.9 does not have, word for word.
    Unknown(Unknown),
}

/// Every match that iptables 1.8.9 has and this model reads.
pub const ALL: &[&Extension] =
    &[&tcp::EXT, &ports::UDP, &ports::UDPLITE, &comment::EXT, &conntrack::EXT, &state::EXT];

/// The match of this name for a family.
pub fn find(name: &str, family: Family) -> Option<&'static Extension> {
    ALL.iter().copied().find(|e| e.name == name && e.families.contains(&family))
}

/// What a match may look at.
pub struct MatchCx<'a> {
    /// The packet.
    pub skb: &'a Skb,
    /// Where it is.
    pub hook: Hook,
    /// The table's family.
    pub family: Family,
    /// The host.
    pub env: &'a dyn Env,
    /// The packet's connection.
    pub ct: Option<&'a CtEntry>,
    /// All connections.
    pub conntrack: &'a Conntrack,
    /// The model's clock.
    pub now: Time,
    /// The rule, and the match's place in it.
    pub at: (&'a RuleRef, usize),
    /// What matches remember from packet to packet.
    pub modules: &'a mut Modules,
}

impl Match {
    /// The name after `-m`.
    pub fn name(&self) -> &str {
        match self {
            Match::Tcp(_) => "tcp",
            Match::Ports(m) => m.name(),
            Match::Comment(_) => "comment",
            Match::Conntrack(_) => "conntrack",
            Match::State(_) => "state",
            Match::Unknown(u) => &u.name,
        }
    }

    /// Prints the options as iptables-save does.
    pub fn save(&self, out: &mut SaveOptions) {
        match self {
            Match::Tcp(m) => m.save(out),
            Match::Ports(m) => m.save(out),
            Match::Comment(m) => m.save(out),
            Match::Conntrack(m) => m.save(out),
            Match::State(m) => m.save(out),
            Match::Unknown(u) => u.save(out),
        }
    }

    /// Asks the packet.
    pub fn test(&self, cx: &mut MatchCx) -> Test {
        match self {
            Match::Tcp(m) => m.test(cx),
            Match::Ports(m) => m.test(cx),
            Match::Comment(_) => Test::new(true, super::Fact::Nothing),
            Match::Conntrack(m) => m.test(cx),
            Match::State(m) => m.test(cx),
            Match::Unknown(_) => Test::not_modelled(),
        }
    }

    /// True for a match that makes the kernel track connections (it takes a reference on conntrack).
    pub fn needs_conntrack(&self) -> bool {
        matches!(self, Match::Conntrack(_) | Match::State(_))
    }
}
