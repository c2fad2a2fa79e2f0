//! Expectations: connections that another one led to expect (`nf_conntrack_expect` of Linux 6.18).

use super::{Conntrack, CtEntry, CtId, CtStatus};
use crate::abi::{Duration, EventId, Sink, Time};
use crate::netfilter::event::{Event, ExpectChange};
use crate::packet::{Direction, Proto, Tuple};
use serde::{Serialize, Serializer};
use smol_str::SmolStr;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// An expectation's number in this model, by first appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ExpectId(pub u32);

/// A connection that is expected (`struct nf_conntrack_expect`): any source port will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Its number.
    pub id: ExpectId,
    /// The connection that led to expect it.
    pub master: CtId,
    /// That connection's tuple.
    pub master_tuple: Tuple,
    /// The helper that read so.
    pub helper: SmolStr,
    /// From this address.
    pub src: IpAddr,
    /// To this address.
    pub dst: IpAddr,
    /// By this protocol.
    pub proto: Proto,
    /// To this port.
    pub dport: u16,
    /// Its zone.
    pub zone: u16,
    /// When it is forgotten.
    pub expires: Time,
    /// Where the connection is to be translated like its master.
    pub nat: Option<ExpectNat>,
}

/// How an expected connection is translated (`nf_nat_follow_master`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectNat {
    /// The direction of the master in which the connection goes.
    pub dir: Direction,
    /// The port that it leads to in the end.
    pub port: u16,
}

/// Why an expectation was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExpectError {
    /// Another connection expects the same.
    Busy,
    /// There are too many.
    Full,
}

impl Expectation {
    fn covers(&self, tuple: &Tuple) -> bool {
        self.src == tuple.src
            && self.dst == tuple.dst
            && self.proto == tuple.proto
            && tuple.dport() == Some(self.dport)
    }

    fn is_same(&self, other: &Expectation) -> bool {
        (self.src, self.dst, self.proto, self.dport, self.zone)
            == (other.src, other.dst, other.proto, other.dport, other.zone)
    }
}

impl fmt::Display for Expectation {
    /// As `conntrack -L expect` writes it, without the seconds left.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mask: IpAddr = match self.src {
            IpAddr::V4(_) => std::net::Ipv4Addr::BROADCAST.into(),
            IpAddr::V6(_) => std::net::Ipv6Addr::from_bits(u128::MAX).into(),
        };
        let own: Tuple = self.master_tuple;
        write!(
            f,
            "proto={} src={} dst={} sport=0 dport={} mask-src={mask} mask-dst={mask} sport=0 dport=65535 \
             master-src={} master-dst={} sport={} dport={} class=0 helper={}",
            self.proto.0,
            self.src,
            self.dst,
            self.dport,
            own.src,
            own.dst,
            own.sport().unwrap_or(0),
            own.dport().unwrap_or(0),
            self.helper,
        )
    }
}

impl Serialize for Expectation {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl Conntrack {
    /// All expectations, by number.
    pub fn expectations(&self) -> impl Iterator<Item = &Expectation> {
        self.expectations.values()
    }

    /// Enters an expectation (`nf_ct_expect_related`): it takes the place of an equal one of the same master, and
    /// of the oldest where the helper allows no more.
    pub(super) fn expect(
        &mut self,
        mut expected: Expectation,
        most: usize,
        cause: EventId,
        sink: &mut dyn Sink<Event>,
    ) -> Result<(), ExpectError> {
        let mut clashing = self.expectations.values().filter(|e| e.is_same(&expected));
        let equal = clashing.clone().find(|e| e.master == expected.master).map(|e| e.id);
        if clashing.any(|e| e.master != expected.master) {
            return Err(ExpectError::Busy);
        }
        if let Some(id) = equal {
            self.unexpect(id, ExpectChange::Replaced, cause, sink);
        }
        let of_master = self.expectations.values().filter(|e| e.master == expected.master);
        if of_master.clone().count() >= most
            && let Some(oldest) = of_master.map(|e| e.id).min()
        {
            self.unexpect(oldest, ExpectChange::Replaced, cause, sink);
        }
        if self.expectations.len() as u64 >= u64::from(self.settings.expect_max) {
            return Err(ExpectError::Full);
        }
        expected.id = ExpectId(self.next_expect);
        self.next_expect += 1;
        let expectation = Arc::new(expected.clone());
        self.expectations.insert(expected.id, expected);
        sink.emit(Some(cause), Event::ExpectationChanged { expectation, change: ExpectChange::Created });
        Ok(())
    }

    /// True if something expects the same as this would; what the same master expects does not count.
    pub(super) fn is_expected_elsewhere(&self, like: &Expectation) -> bool {
        self.expectations.values().any(|e| e.is_same(like) && e.master != like.master)
    }

    /// The expectation that a new connection meets; it is gone then (`nf_ct_find_expectation`).
    pub(super) fn meet(
        &mut self,
        tuple: &Tuple,
        zone: u16,
        cause: EventId,
        sink: &mut dyn Sink<Event>,
    ) -> Option<Expectation> {
        let found = self.expectations.values().find(|e| e.zone == zone && e.covers(tuple))?.clone();
        // While the master's first packet is still under way nobody can know of it.
        if !self.entry(found.master).is_some_and(|m| m.has(CtStatus::Confirmed)) {
            return None;
        }
        self.unexpect(found.id, ExpectChange::Met, cause, sink);
        Some(found)
    }

    /// Forgets an expectation and says so.
    pub(super) fn unexpect(
        &mut self,
        id: ExpectId,
        change: ExpectChange,
        cause: impl Into<Option<EventId>> + Copy,
        sink: &mut dyn Sink<Event>,
    ) {
        if let Some(expected) = self.expectations.remove(&id) {
            let expectation = Arc::new(expected);
            sink.emit(cause.into(), Event::ExpectationChanged { expectation, change });
        }
    }

    /// Forgets the expectations whose time is over.
    pub(super) fn expire_expectations(&mut self, now: Time, cause: EventId, sink: &mut dyn Sink<Event>) {
        let over = self.expectations.values().filter(|e| e.expires <= now).map(|e| e.id).collect::<Vec<_>>();
        for id in over {
            self.unexpect(id, ExpectChange::Expired, cause, sink);
        }
    }

    /// Forgets what a connection that is gone led to expect.
    pub(super) fn forget_expected_by(
        &mut self,
        master: CtId,
        cause: impl Into<Option<EventId>> + Copy,
        sink: &mut dyn Sink<Event>,
    ) {
        let over =
            self.expectations.values().filter(|e| e.master == master).map(|e| e.id).collect::<Vec<_>>();
        for id in over {
            self.unexpect(id, ExpectChange::MasterGone, cause, sink);
        }
    }
}

/// What a helper expects: a connection from where the answers of `entry` in this direction go, to a port.
pub(super) fn expectation(
    entry: &CtEntry,
    helper: &SmolStr,
    (src, dst): (IpAddr, IpAddr),
    (proto, dport): (Proto, u16),
    expires: Time,
) -> Expectation {
    Expectation {
        id: ExpectId(0),
        master: entry.id,
        master_tuple: entry.original,
        helper: helper.clone(),
        src,
        dst,
        proto,
        dport,
        zone: entry.zone.id,
        expires,
        nat: None,
    }
}

/// How long FTP's and TFTP's expectations stay.
pub(super) const STAYS: Duration = Duration::from_secs(5 * 60);
