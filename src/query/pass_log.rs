//! A packet's way through one host, taken out of a network's log as the log of that host alone.

use crate::abi::{EventId, Log, Sink};
use crate::net::{Event, Fate, Happening, HostId, NetEvent, PassId};
use std::collections::BTreeMap;

/// One way through one host.
#[derive(Clone, Debug)]
pub struct PassLog {
    /// The way.
    pub pass: PassId,
    /// The host.
    pub host: HostId,
    /// Its events, numbered anew from 0. A cause that lies outside of the way is left out.
    pub log: Log<Event>,
    /// Each event's place in the network's log.
    pub ids: Vec<EventId>,
    /// How it ended, if it has.
    pub fate: Option<Fate>,
}

/// Takes a way out of a network's log; `None` where no such way begins. Its first event is a
/// [`NetEvent::Begins`], [`NetEvent::Answers`] or [`NetEvent::Continues`]: a way has the number of that event.
pub fn pass_log(log: &Log<Happening>, pass: PassId) -> Option<PassLog> {
    let first = EventId(pass.0);
    let begins = &log.get(first)?.event;
    if begins.pass != Some(pass) || !is_begin(&begins.event) {
        return None;
    }
    let host = begins.host;
    let skipped = first.0.checked_sub(log.start().0)? as usize;
    let mut new = BTreeMap::new();
    let mut out = PassLog { pass, host, log: Log::default(), ids: Vec::new(), fate: None };
    for (id, entry) in (first.0..).map(EventId).zip(log.entries().iter().skip(skipped)) {
        let happening = &entry.event;
        if happening.pass != Some(pass) || happening.host != host {
            continue;
        }
        if let Event::Net(NetEvent::Ended { fate, .. }) = &happening.event
            && out.fate.is_none()
        {
            out.fate = Some(fate.clone());
        }
        let cause = entry.cause.and_then(|cause| new.get(&cause).copied());
        new.insert(id, out.log.emit(cause, happening.event.clone()));
        out.ids.push(id);
    }
    Some(out)
}

/// True for the events that a way begins with.
pub fn is_begin(event: &Event) -> bool {
    matches!(
        event,
        Event::Net(NetEvent::Begins { .. } | NetEvent::Answers { .. } | NetEvent::Continues { .. })
    )
}
