//! The event log: what happened, in order, and because of what.

use serde::Serialize;

/// The place of an event in its [`Log`], counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct EventId(pub u32);

/// One event with the event that caused it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry<E> {
    /// The event without which this one would not have happened; always an earlier one.
    pub cause: Option<EventId>,
    /// What happened.
    #[serde(flatten)]
    pub event: E,
}

/// An append-only list of events.
///
/// ```
/// use vitrine::abi::Log;
/// let mut log = Log::default();
/// let first = log.push(None, "a packet came");
/// log.push(Some(first), "a rule dropped it");
/// assert_eq!(log.entries()[1].cause, Some(first));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Log<E> {
    entries: Vec<Entry<E>>,
}

impl<E> Default for Log<E> {
    fn default() -> Self {
        Log { entries: Vec::new() }
    }
}

impl<E> Log<E> {
    /// Appends an event and returns its place.
    ///
    /// Panics if `cause` is not an earlier event: a broken invariant of the caller.
    pub fn push(&mut self, cause: Option<EventId>, event: E) -> EventId {
        let id = EventId(u32::try_from(self.entries.len()).expect("a log of fewer than 2^32 events"));
        assert!(cause.is_none_or(|c| c < id), "a cause comes before its effect");
        self.entries.push(Entry { cause, event });
        id
    }

    /// All events, oldest first.
    pub fn entries(&self) -> &[Entry<E>] {
        &self.entries
    }

    /// The event at a place, if the log is that long.
    pub fn get(&self, id: EventId) -> Option<&Entry<E>> {
        self.entries.get(id.0 as usize)
    }

    /// The number of events.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True before the first event.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
