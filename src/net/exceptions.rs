//! What a host learned of the ways to single addresses (`fib_nh_exception`): a gateway from a redirect, a packet
//! size from "fragmentation needed".

use crate::abi::{Duration, Time};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// For how long a learned packet size counts (`net.ipv4.route.mtu_expires`).
const MTU_EXPIRES: Duration = Duration::from_secs(600);
/// For how long a learned gateway counts (`ip_rt_gc_timeout`).
const GATEWAY_EXPIRES: Duration = Duration::from_secs(300);

/// What was learned of one address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exception {
    /// The gateway, and until when.
    pub gateway: Option<(IpAddr, Time)>,
    /// The largest packet in bytes, and until when.
    pub mtu: Option<(u32, Time)>,
}

/// A host's exceptions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exceptions(BTreeMap<IpAddr, Exception>);

impl Exceptions {
    /// Takes in what was learned; a packet size only where it is smaller than the one known.
    pub fn learn(&mut self, addr: IpAddr, gateway: Option<IpAddr>, mtu: Option<u32>, now: Time) {
        let known = self.mtu(addr, now);
        let entry = self.0.entry(addr).or_default();
        if let Some(gateway) = gateway {
            entry.gateway = Some((gateway, now.after(GATEWAY_EXPIRES)));
        }
        if let Some(mtu) = mtu.filter(|mtu| known.is_none_or(|k| *mtu < k)) {
            entry.mtu = Some((mtu, now.after(MTU_EXPIRES)));
        }
    }

    /// The gateway that was learned for an address.
    pub fn gateway(&self, addr: IpAddr, now: Time) -> Option<IpAddr> {
        self.0.get(&addr)?.gateway.filter(|(_, until)| *until > now).map(|(gateway, _)| gateway)
    }

    /// The packet size that was learned for an address.
    pub fn mtu(&self, addr: IpAddr, now: Time) -> Option<u32> {
        self.0.get(&addr)?.mtu.filter(|(_, until)| *until > now).map(|(mtu, _)| mtu)
    }
}
