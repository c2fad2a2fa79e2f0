//! What matches remember from packet to packet.

use super::RuleRef;
use crate::abi::Time;
use std::collections::BTreeMap;

/// The memory of stateful matches. A rule's own memory is keyed by the rule and the match's place in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Modules {
    /// `limit`: a bucket for each match.
    pub buckets: BTreeMap<(RuleRef, usize), Bucket>,
    /// `statistic --mode nth`: packets seen by each match.
    pub nth: BTreeMap<(RuleRef, usize), u32>,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// What it holds, in the units of the match.
    pub credit: u64,
    /// When it was filled last.
    pub filled: Time,
}
