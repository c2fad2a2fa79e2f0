//! Connection tracking: which packets belong together, computed from what came before.

mod entry;
mod state;
mod tcp;
mod track;

pub use entry::{CtEntry, CtId, CtRef};
pub use state::{CtState, CtStatus, TcpState};
pub use track::Packet;

use crate::abi::{Duration, Time};
use crate::packet::{Direction, Tuple};
use std::collections::BTreeMap;

/// A host's connections.
#[derive(Clone, Debug, PartialEq)]
pub struct Conntrack {
    /// `net.netfilter.nf_conntrack_tcp_loose`: a lone ACK opens a connection in the middle.
    pub tcp_loose: bool,
    entries: BTreeMap<CtId, CtEntry>,
    /// Confirmed entries by both their tuples.
    tuples: BTreeMap<Tuple, (CtId, Direction)>,
    next: u32,
}

impl Default for Conntrack {
    fn default() -> Self {
        Conntrack { tcp_loose: true, entries: BTreeMap::new(), tuples: BTreeMap::new(), next: 1 }
    }
}

impl Conntrack {
    /// The entry of this number, confirmed or not.
    pub fn entry(&self, id: CtId) -> Option<&CtEntry> {
        self.entries.get(&id)
    }

    /// All entries, by number; those that are not confirmed yet too.
    pub fn entries(&self) -> impl Iterator<Item = &CtEntry> {
        self.entries.values()
    }

    /// The confirmed entry that packets with this tuple belong to, and their direction.
    pub fn find(&self, tuple: &Tuple) -> Option<(&CtEntry, Direction)> {
        let (id, dir) = self.tuples.get(tuple)?;
        Some((self.entries.get(id)?, *dir))
    }

    /// True if a confirmed entry expects packets with this tuple (`nf_nat_used_tuple` asks for answers).
    pub fn is_taken(&self, tuple: &Tuple) -> bool {
        self.tuples.contains_key(tuple)
    }

    pub(super) fn entry_mut(&mut self, id: CtId) -> Option<&mut CtEntry> {
        self.entries.get_mut(&id)
    }

    /// Makes an unconfirmed entry for a packet that opens a connection.
    pub(super) fn create(&mut self, original: Tuple, now: Time) -> CtId {
        let id = CtId(self.next);
        self.next += 1;
        let entry = CtEntry {
            id,
            original,
            reply: original.invert(),
            tcp: None,
            expires: now.after(Duration::from_secs(track::GENERIC_SECS)),
            started: now,
            mark: 0,
            nat_cause: None,
            status: 0,
        };
        self.entries.insert(id, entry);
        id
    }

    /// Puts an entry into the table; false if another one has one of its tuples.
    pub(super) fn confirm(&mut self, id: CtId) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else { return false };
        if self.tuples.contains_key(&entry.original) || self.tuples.contains_key(&entry.reply) {
            return false;
        }
        entry.set(CtStatus::Confirmed);
        self.tuples.insert(entry.original, (id, Direction::Original));
        self.tuples.insert(entry.reply, (id, Direction::Reply));
        true
    }

    /// Takes an entry out.
    pub(super) fn remove(&mut self, id: CtId) -> Option<CtEntry> {
        let entry = self.entries.remove(&id)?;
        for tuple in [entry.original, entry.reply] {
            if self.tuples.get(&tuple).is_some_and(|(owner, _)| *owner == id) {
                self.tuples.remove(&tuple);
            }
        }
        Some(entry)
    }

    /// The entries whose time is over.
    pub(super) fn expired(&self, now: Time) -> Vec<CtId> {
        let confirmed = self.entries.values().filter(|e| e.has(CtStatus::Confirmed));
        confirmed.filter(|e| e.expires <= now).map(|e| e.id).collect()
    }
}
