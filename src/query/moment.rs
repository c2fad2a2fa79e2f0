//! What a host remembers at a moment of a run: worked out from the host as it was before and what happened since.

use crate::abi::{EventId, Log, Time};
use crate::abi::{IfName, Mac};
use crate::net::{ConfigEvent, Event, Happening, Host, HostId, LinkEvent, NeighState};
use crate::netfilter::event::{CtChange, Event as NfEvent};
use crate::netfilter::{CtEntry, CtId};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

/// The connections in a host's table after the events of a range, as `conntrack -L` would show them: an entry whose
/// time is over is left out.
pub fn connections_at(
    before: &Host,
    host: HostId,
    log: &Log<Happening>,
    range: Range<EventId>,
    now: Time,
) -> Vec<Arc<CtEntry>> {
    let table = before.netfilter.conntrack.table();
    let mut all: BTreeMap<CtId, Arc<CtEntry>> = table.map(|e| (e.id, Arc::new(e.clone()))).collect();
    for event in events(log, range, host) {
        let Event::Netfilter(event) = event else { continue };
        match event {
            NfEvent::ConnectionChanged { entry, change } => match change {
                CtChange::Confirmed => {
                    all.insert(entry.id, entry.clone());
                }
                CtChange::Expired
                | CtChange::Reset
                | CtChange::Replaced
                | CtChange::Abandoned
                | CtChange::Evicted
                | CtChange::Deleted
                | CtChange::Rehomed => {
                    all.remove(&entry.id);
                }
                CtChange::Created
                | CtChange::Status(_)
                | CtChange::Tcp(..)
                | CtChange::Sctp(..)
                | CtChange::Mark(_)
                | CtChange::Timeout(_)
                | CtChange::Clash => refresh(&mut all, entry),
            },
            NfEvent::Tracked { entry: Some(entry), .. } | NfEvent::NatSettled { entry, .. } => {
                refresh(&mut all, entry);
            }
            _ => {}
        }
    }
    all.into_values().filter(|e| e.expires > now).collect()
}

fn refresh(all: &mut BTreeMap<CtId, Arc<CtEntry>>, entry: &Arc<CtEntry>) {
    if let Some(known) = all.get_mut(&entry.id) {
        *known = entry.clone();
    }
}

/// One neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeighbourAt {
    /// The device.
    pub dev: IfName,
    /// Its address.
    pub addr: IpAddr,
    /// What is known of it.
    pub state: NeighState,
    /// Its hardware address.
    pub mac: Option<Mac>,
}

/// A host's neighbours after the events of a range.
pub fn neighbours_at(
    before: &Host,
    host: HostId,
    log: &Log<Happening>,
    range: Range<EventId>,
) -> Vec<NeighbourAt> {
    let known = before.neighbours.iter().map(|(dev, addr, n)| ((dev.clone(), addr), (n.state, n.mac)));
    let mut all: BTreeMap<(IfName, IpAddr), (NeighState, Option<Mac>)> = known.collect();
    for event in events(log, range, host) {
        if let Event::Link(LinkEvent::Neighbour { dev, addr, state, mac }) = event {
            all.insert((dev.clone(), *addr), (*state, *mac));
        }
        if let Event::Config(ConfigEvent::NeighbourRemoved { dev, addr }) = event {
            all.remove(&(dev.clone(), *addr));
        }
    }
    all.into_iter().map(|((dev, addr), (state, mac))| NeighbourAt { dev, addr, state, mac }).collect()
}

fn events(log: &Log<Happening>, range: Range<EventId>, host: HostId) -> impl Iterator<Item = &Event> {
    let ids = (range.start.0..range.end.0).map(EventId);
    ids.filter_map(|id| log.get(id)).map(|e| &e.event).filter(move |h| h.host == host).map(|h| &h.event)
}
