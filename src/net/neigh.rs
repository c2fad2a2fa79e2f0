//! Neighbours: which hardware address an IP address has on a link (`net/core/neighbour.c`).

use crate::abi::{Duration, IfName, Mac, Time};
use crate::netfilter::Skb;
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What is known of a neighbour (`NUD_*`, ip-neighbour(8)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum NeighState {
    /// Asked for, not answered yet.
    Incomplete,
    /// Known, and heard of lately.
    Reachable,
    /// Known for long.
    Stale,
    /// Used while stale: soon it will be asked.
    Delay,
    /// Being asked whether it is still there.
    Probe,
    /// Nobody answered.
    Failed,
    /// Set by hand.
    Permanent,
}

/// One neighbour.
#[derive(Clone, Debug, PartialEq)]
pub struct Neigh {
    /// What is known.
    pub state: NeighState,
    /// The hardware address, where one is known.
    pub mac: Option<Mac>,
    /// How often it was asked in this state.
    pub probes: u32,
    /// When it was heard of last.
    pub confirmed: Time,
    /// What waits for the answer.
    pub waiting: Vec<Skb>,
}

/// Timers of neighbour discovery, both families (`ARP_*`, RFC 4861 10).
pub const PROBES: u32 = 3;
/// Between two questions.
pub const RETRANSMIT: Duration = Duration::from_secs(1);
/// For how long one counts as reachable. Linux takes 15 to 45 seconds at random.
pub const REACHABLE: Duration = Duration::from_secs(30);
/// How long after its use a stale one is asked.
pub const DELAY: Duration = Duration::from_secs(5);
/// How many packets wait for an answer at most (`unres_qlen_bytes` for small ones).
pub const WAITING: usize = 101;

/// A host's neighbours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Neighbours(BTreeMap<(IfName, IpAddr), Neigh>);

/// What to do with a packet for a neighbour.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved {
    /// Send it there.
    Known(Mac),
    /// Send it there, and ask in a while whether it is still so.
    Stale(Mac),
    /// It waits; a question is on its way already.
    Waits,
    /// It waits; ask now.
    Ask,
}

impl Neighbours {
    /// The neighbours, by device and address.
    pub fn iter(&self) -> impl Iterator<Item = (&IfName, IpAddr, &Neigh)> {
        self.0.iter().map(|((dev, addr), n)| (dev, *addr, n))
    }

    /// One neighbour.
    pub fn get(&self, dev: &IfName, addr: IpAddr) -> Option<&Neigh> {
        self.0.get(&(dev.clone(), addr))
    }

    pub(super) fn get_mut(&mut self, dev: &IfName, addr: IpAddr) -> Option<&mut Neigh> {
        self.0.get_mut(&(dev.clone(), addr))
    }

    /// Sets one by hand (`ip neigh add … nud permanent`).
    pub fn set_permanent(&mut self, dev: IfName, addr: IpAddr, mac: Mac) {
        self.set(dev, addr, NeighState::Permanent, Some(mac), Time::ZERO);
    }

    /// Sets what is known of one, as `ip neigh replace` does. Packets that wait for it are lost.
    pub fn set(&mut self, dev: IfName, addr: IpAddr, state: NeighState, mac: Option<Mac>, now: Time) {
        let neigh = Neigh { state, mac, probes: 0, confirmed: now, waiting: Vec::new() };
        self.0.insert((dev, addr), neigh);
    }

    /// Forgets one.
    pub fn remove(&mut self, dev: &IfName, addr: IpAddr) -> Option<Neigh> {
        self.0.remove(&(dev.clone(), addr))
    }

    /// Forgets those of a device.
    pub fn forget_device(&mut self, dev: &IfName) {
        self.0.retain(|(d, _), _| d != dev);
    }

    /// Forgets those of a device that were not set by hand (`neigh_carrier_down`).
    pub(super) fn forget_learned(&mut self, dev: &IfName) {
        self.0.retain(|(d, _), n| d != dev || n.state == NeighState::Permanent);
    }

    /// Moves those of a device that has another name now.
    pub(super) fn rename_device(&mut self, old: &IfName, new: &IfName) {
        let all = std::mem::take(&mut self.0).into_iter();
        self.0 = all.map(|((d, a), n)| ((if d == *old { new.clone() } else { d }, a), n)).collect();
    }

    /// Looks a neighbour up for a packet, which is kept if it must wait (`neigh_event_send`).
    pub fn resolve(&mut self, dev: &IfName, addr: IpAddr, skb: &Skb, now: Time) -> Resolved {
        let neigh = self.0.entry((dev.clone(), addr)).or_insert_with(|| Neigh {
            state: NeighState::Failed,
            mac: None,
            probes: 0,
            confirmed: now,
            waiting: Vec::new(),
        });
        if neigh.state == NeighState::Reachable && now.since(neigh.confirmed) > REACHABLE {
            neigh.state = NeighState::Stale;
        }
        match (neigh.state, neigh.mac) {
            (
                NeighState::Reachable | NeighState::Permanent | NeighState::Delay | NeighState::Probe,
                Some(mac),
            ) => Resolved::Known(mac),
            (NeighState::Stale, Some(mac)) => {
                neigh.state = NeighState::Delay;
                Resolved::Stale(mac)
            }
            (NeighState::Incomplete, _) => {
                if neigh.waiting.len() == WAITING {
                    neigh.waiting.remove(0);
                }
                neigh.waiting.push(skb.clone());
                Resolved::Waits
            }
            _ => {
                neigh.state = NeighState::Incomplete;
                neigh.probes = 1;
                neigh.waiting = vec![skb.clone()];
                Resolved::Ask
            }
        }
    }

    /// Takes in that an address has a hardware address (`neigh_update`). `confirmed`: the neighbour itself
    /// answered; else it only spoke. `create`: also where nobody had asked for it. What waited is handed out.
    pub fn learn(
        &mut self,
        (dev, addr): (&IfName, IpAddr),
        mac: Mac,
        confirmed: bool,
        create: bool,
        now: Time,
    ) -> Vec<Skb> {
        let key = (dev.clone(), addr);
        if create && !self.0.contains_key(&key) {
            let new = Neigh {
                state: NeighState::Stale,
                mac: Some(mac),
                probes: 0,
                confirmed: now,
                waiting: Vec::new(),
            };
            self.0.insert(key, new);
            return Vec::new();
        }
        let Some(neigh) = self.0.get_mut(&key) else { return Vec::new() };
        if neigh.state == NeighState::Permanent {
            return Vec::new();
        }
        let changed = neigh.mac != Some(mac);
        neigh.mac = Some(mac);
        neigh.confirmed = now;
        let known = matches!(neigh.state, NeighState::Reachable | NeighState::Delay | NeighState::Probe);
        neigh.state = match (confirmed, known && !changed) {
            (true, _) => NeighState::Reachable,
            (false, true) => neigh.state,
            (false, false) => NeighState::Stale,
        };
        neigh.probes = 0;
        std::mem::take(&mut neigh.waiting)
    }
}
