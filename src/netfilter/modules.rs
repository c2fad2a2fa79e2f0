//! What matches remember from packet to packet.

use super::estimator::Estimator;
use super::{CtId, Family, RuleRef, Zone};
use crate::abi::Time;
use crate::packet::Tuple;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The memory of stateful matches. Ordered maps: two walks over the same packets remember the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Modules {
    /// The token buckets of `limit`.
    pub limits: BTreeMap<Place, Bucket>,
    /// The token buckets of each table of `hashlimit`.
    pub hashlimits: BTreeMap<SmolStr, BTreeMap<HashKey, HashEntry>>,
    /// The lists of `recent`, by name; both families share them.
    pub recent: BTreeMap<SmolStr, RecentList>,
    /// How many packets `statistic --mode nth` has seen since its last match.
    pub nth: BTreeMap<Place, u32>,
    /// The connections that met each `connlimit`, by the network's address and the number of the zone.
    pub connlimits: BTreeMap<Place, Counted>,
    /// The labels of connections, a bit each (`connlabel`).
    pub labels: BTreeMap<CtId, u128>,
    /// The rates that `-j RATEEST` measures, by name.
    pub estimators: BTreeMap<SmolStr, Estimator>,
    /// What is left of each `quota`, in bytes.
    pub quotas: BTreeMap<Place, u64>,
}

/// Connections that `connlimit` counts: each by its first direction and its zone.
pub type Counted = BTreeMap<(IpAddr, u16), Vec<(Tuple, Zone)>>;

/// A match's place: its rule, and its number there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The rule's family.
    pub family: Family,
    /// The rule.
    pub rule: RuleRef,
    /// The match's number in it.
    pub number: usize,
}

impl Place {
    /// The place of a match.
    pub fn of(family: Family, (rule, number): (&RuleRef, usize)) -> Place {
        Place { family, rule: rule.clone(), number }
    }
}

/// Tokens that come with time, up to a limit. The unit is the match's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// How many are there.
    pub tokens: u64,
    /// When they were counted last.
    pub last: Time,
}

impl Bucket {
    /// Adds a token for each nanosecond since the last time.
    pub fn fill(&mut self, now: Time, most: u64) {
        let came = u64::try_from(now.since(self.last).as_nanos()).unwrap_or(u64::MAX);
        self.tokens = self.tokens.saturating_add(came).min(most);
        self.last = now;
    }

    /// Takes a packet's tokens, if they are there.
    pub fn take(&mut self, cost: u64) -> bool {
        let enough = self.tokens >= cost;
        if enough {
            self.tokens -= cost;
        }
        enough
    }
}

/// What `hashlimit` tells flows apart by: what its mode does not name is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct HashKey {
    /// Source address under the mask.
    pub src: Option<IpAddr>,
    /// Destination address under the mask.
    pub dst: Option<IpAddr>,
    /// Source port.
    pub sport: u16,
    /// Destination port.
    pub dport: u16,
}

/// One flow of `hashlimit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashEntry {
    /// Its tokens.
    pub bucket: Bucket,
    /// Bursts that are left, where bytes are counted.
    pub bursts: u64,
    /// When it is forgotten if no packet comes.
    pub expires: Time,
    /// What came lately, where rates are measured.
    pub window: Window,
}

/// A window of time in which `hashlimit --hashlimit-rate-match` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Too much came in the one before.
    pub over: bool,
    /// What came since this one began, in packets or bytes.
    pub used: u64,
}

/// A list of `recent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentList {
    /// What of an address counts: as the rule said that was the first to name the list, for all that follow.
    pub mask: [u8; 16],
    /// How many moments an entry holds.
    pub room: usize,
    /// The entries, the one that was touched longest ago first.
    pub entries: Vec<RecentEntry>,
}

/// An address in a list of `recent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentEntry {
    /// The address under the mask.
    pub addr: IpAddr,
    /// The TTL of the packet that put it there.
    pub ttl: u8,
    /// When it was seen, as a ring.
    pub stamps: Vec<Time>,
    /// Where in the ring the next moment goes.
    pub next: usize,
}
