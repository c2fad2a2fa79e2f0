//! What can be told of a set.

use serde::Serialize;
use smol_str::SmolStr;

/// A change of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetEvent {
    /// The set's name; before a change of it.
    pub set: SmolStr,
    /// What happened.
    pub change: SetChange,
}

/// What happened to a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SetChange {
    /// It was made, of this type.
    Created(&'static str),
    /// It is gone.
    Destroyed,
    /// All its elements were taken out.
    Flushed,
    /// It has this name now.
    Renamed(SmolStr),
    /// It holds what this one held, and the other way round.
    Swapped(SmolStr),
    /// This element came in.
    Added(SmolStr),
    /// What stands beside this element changed.
    Updated(SmolStr),
    /// This element was taken out.
    Deleted(SmolStr),
    /// The time of this element was up.
    Expired(SmolStr),
    /// This element gave way to another: the set was full (`forceadd`).
    GaveWay(SmolStr),
}

/// Where changes go.
pub type Changes = Vec<SetEvent>;
