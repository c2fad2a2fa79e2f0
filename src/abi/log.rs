//! The event log: what happened, in order, and because of what.

use serde::{Serialize, Serializer};

/// The place of an event in its history, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct EventId(pub u32);

/// One event with the event that caused it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry<E> {
    /// The event without which this one would not have happened; always an earlier one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
    /// What happened.
    #[serde(flatten)]
    pub event: E,
}

/// Takes events. A room writes its own kind of event and does not know which log collects them.
pub trait Sink<E> {
    /// Takes an event and tells its place.
    fn emit(&mut self, cause: Option<EventId>, event: E) -> EventId;
}

/// An append-only list of events: a whole history, or the part of one that starts at some place.
///
/// ```
/// use vitrine::abi::{Log, Sink};
/// let mut log: Log<String> = Log::default();
/// let first = log.emit(None, "a packet came".to_string());
/// let second = log.emit(Some(first), "a rule dropped it".to_string());
/// assert_eq!(log.get(second).unwrap().cause, Some(first));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Log<E> {
    start: u32,
    entries: Vec<Entry<E>>,
}

/// An event with its own place, as it is serialised.
#[derive(Serialize)]
struct Numbered<'a, E> {
    id: u32,
    #[serde(flatten)]
    entry: &'a Entry<E>,
}

impl<E: Serialize> Serialize for Log<E> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq((self.start..).zip(&self.entries).map(|(id, entry)| Numbered { id, entry }))
    }
}

impl<E> Default for Log<E> {
    fn default() -> Self {
        Log::starting_at(EventId(0))
    }
}

impl<E> Log<E> {
    /// An empty part of a history whose next event has this place.
    pub fn starting_at(next: EventId) -> Self {
        Log { start: next.0, entries: Vec::new() }
    }

    /// The events of this part, oldest first.
    pub fn entries(&self) -> &[Entry<E>] {
        &self.entries
    }

    /// The event at a place of the history, if it lies in this part.
    pub fn get(&self, id: EventId) -> Option<&Entry<E>> {
        self.entries.get(id.0.checked_sub(self.start)? as usize)
    }

    /// The place that the next event will have.
    pub fn next_id(&self) -> EventId {
        EventId(self.start + self.entries.len() as u32)
    }

    /// The place of the first event of this part.
    pub fn start(&self) -> EventId {
        EventId(self.start)
    }

    /// The number of events in this part.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if this part has no event.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<E, F: From<E>> Sink<E> for Log<F> {
    /// Panics if `cause` is not an earlier event: a broken invariant of the caller.
    fn emit(&mut self, cause: Option<EventId>, event: E) -> EventId {
        let id = self.next_id();
        assert!(cause.is_none_or(|c| c < id), "a cause comes before its effect");
        self.entries.push(Entry { cause, event: event.into() });
        id
    }
}
