//! Connection tracking: which packets belong together, computed from what came before.

mod entry;
mod expect;
mod helper;
mod judge;
pub mod program;
mod sctp;
mod seqadj;
mod settings;
mod state;
mod tcp;
mod track;
mod window;
mod zone;

pub use entry::{CtEntry, CtId, CtRef};
pub use expect::{ExpectId, ExpectNat, Expectation};
pub use sctp::SctpState;
pub use settings::{ConntrackSettings, SettingError};
pub use state::{CtState, CtStatus, TcpState};
pub use track::Packet;
pub(super) use track::tuple_hash;
pub use zone::{Template, Zone};

use crate::abi::Time;
use crate::packet::{Direction, Tuple};
use std::collections::BTreeMap;

/// A host's connections.
#[derive(Clone, Debug, PartialEq)]
pub struct Conntrack {
    /// `net.netfilter.nf_conntrack_*`.
    pub settings: ConntrackSettings,
    /// What was counted (`conntrack -S`).
    pub stats: CtStats,
    entries: BTreeMap<CtId, CtEntry>,
    /// Confirmed entries by both their tuples, each with its zone.
    tuples: BTreeMap<(Tuple, u16), (CtId, Direction)>,
    expectations: BTreeMap<ExpectId, Expectation>,
    next: u32,
    next_expect: u32,
}

/// What connection tracking counts (`struct ip_conntrack_stat`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CtStats {
    /// Entries that lay where the packet's own was looked for.
    pub found: u64,
    /// Packets that belong to no connection and can open none.
    pub invalid: u64,
    /// Entries that userspace entered.
    pub insert: u64,
    /// Entries that did not get into the table.
    pub insert_failed: u64,
    /// Packets that were dropped.
    pub drop: u64,
    /// Entries that gave way in a full table.
    pub early_drop: u64,
    /// ICMP messages that were wrong.
    pub error: u64,
    /// Clashing entries that were made one.
    pub clash_resolve: u64,
}

impl Default for Conntrack {
    fn default() -> Self {
        Conntrack {
            settings: ConntrackSettings::default(),
            stats: CtStats::default(),
            entries: BTreeMap::new(),
            tuples: BTreeMap::new(),
            expectations: BTreeMap::new(),
            next: 1,
            next_expect: 1,
        }
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

    /// The entries in the table, by number.
    pub fn table(&self) -> impl Iterator<Item = &CtEntry> {
        self.entries.values().filter(|e| self.is_in_table(e))
    }

    /// The confirmed entry that packets with this tuple belong to, and their direction, where no rule put them
    /// into a zone.
    pub fn find(&self, tuple: &Tuple) -> Option<(&CtEntry, Direction)> {
        self.find_in(tuple, Zone::default())
    }

    /// The confirmed entry that packets with this tuple belong to in a zone, and their direction.
    pub fn find_in(&self, tuple: &Tuple, zone: Zone) -> Option<(&CtEntry, Direction)> {
        [Direction::Original, Direction::Reply].into_iter().find_map(|dir| {
            let (id, found) = self.tuples.get(&(*tuple, zone.id_in(dir)))?;
            let entry = self.entries.get(id)?;
            (entry.zone.id_in(*found) == zone.id_in(*found)).then_some((entry, *found))
        })
    }

    /// The other connection that expects packets with this tuple, as an answer or as its own (`nf_nat_used_tuple`
    /// asks for answers). One whose packets begin as this connection's do is the same.
    pub(super) fn taken_by(&self, tuple: &Tuple, asks: CtId) -> Option<(&CtEntry, Direction)> {
        let asking = self.entries.get(&asks);
        let (entry, dir) = self.find_in(tuple, asking.map(|a| a.zone).unwrap_or_default())?;
        let same = entry.id == asks || asking.is_some_and(|a| a.original == entry.original);
        (!same).then_some((entry, dir))
    }

    /// True if the entry is in the table.
    pub fn is_in_table(&self, entry: &CtEntry) -> bool {
        let zone = entry.zone.id_in(Direction::Original);
        self.tuples.get(&(entry.original, zone)).is_some_and(|(owner, _)| *owner == entry.id)
    }

    pub(super) fn entry_mut(&mut self, id: CtId) -> Option<&mut CtEntry> {
        self.entries.get_mut(&id)
    }

    /// Makes an unconfirmed entry for a packet that opens a connection.
    pub(super) fn create(&mut self, original: Tuple, zone: Zone, now: Time) -> CtId {
        let id = CtId(self.next);
        self.next += 1;
        self.entries.insert(id, CtEntry::new(id, original, zone, now));
        id
    }

    /// Puts an entry into the table; false if another one has one of its tuples.
    pub(super) fn confirm(&mut self, id: CtId) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else { return false };
        let keys = [Direction::Original, Direction::Reply].map(|d| (entry.tuple(d), entry.zone.id_in(d)));
        if keys.iter().any(|key| self.tuples.contains_key(key)) {
            self.stats.insert_failed += 1;
            self.stats.drop += 1;
            return false;
        }
        entry.set(CtStatus::Confirmed);
        let [original, reply] = keys;
        self.tuples.insert(original, (id, Direction::Original));
        self.tuples.insert(reply, (id, Direction::Reply));
        true
    }

    /// Takes an entry out of the table, while the packet that ends it still carries it.
    pub(super) fn take_out(&mut self, id: CtId) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.set(CtStatus::Dying);
            for dir in [Direction::Original, Direction::Reply] {
                let key = (entry.tuple(dir), entry.zone.id_in(dir));
                if self.tuples.get(&key).is_some_and(|(owner, _)| *owner == id) {
                    self.tuples.remove(&key);
                }
            }
        }
    }

    /// Takes an entry out for good.
    pub(super) fn remove(&mut self, id: CtId) -> Option<CtEntry> {
        self.take_out(id);
        self.entries.remove(&id)
    }

    /// The entries whose time is over.
    fn expired(&self, now: Time) -> Vec<CtId> {
        self.table().filter(|e| e.expires <= now).map(|e| e.id).collect()
    }
}
