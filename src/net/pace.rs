//! How often a host tells others of errors (`icmpv4_xrlim_allow`, `ip_error`, `ip_rt_send_redirect`): tokens for
//! each address that is told.

use super::host::Host;
use super::sysctl::Global;
use crate::abi::{Duration, Time};
use crate::packet::IcmpType;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Errors that may be sent at once (`XRLIM_BURST_FACTOR`).
const BURST: u32 = 6;
/// "Unreachable" messages that routing may send at once, and the time for one more (`ip_rt_error_burst`,
/// `ip_rt_error_cost`).
const UNREACHABLE_BURST: Duration = Duration::from_secs(5);
const UNREACHABLE_COST: Duration = Duration::from_secs(1);
/// Redirects: the pause after the first, which doubles; how many; and after how long all is forgotten
/// (`ip_rt_redirect_load`, `_number`, `_silence`).
const REDIRECT_PAUSE: Duration = Duration::from_millis(20);
const REDIRECTS: u32 = 9;
const REDIRECT_SILENCE: Duration = Duration::from_millis(20 << 10);

/// How long ago an address that was never told anything counts as told (`inet_getpeer`).
const NEVER: Duration = Duration::from_secs(60);

/// What is counted for one address (`struct inet_peer`): all that is said to it takes from the same tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Peer {
    tokens: Duration,
    last: Option<Time>,
    redirects: u32,
}

impl Peer {
    fn idle(&self, now: Time) -> Duration {
        self.last.map_or(NEVER, |last| now.since(last))
    }

    fn take(&mut self, cost: Duration) -> bool {
        let enough = self.tokens >= cost;
        if enough {
            self.tokens -= cost;
        }
        enough
    }
}

/// A host's tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pace(BTreeMap<IpAddr, Peer>);

impl Host {
    /// Whether an ICMP error of this type may be sent to the address now. Only some types are limited
    /// (`net.ipv4.icmp_ratemask`), and none is on `lo`.
    pub(super) fn may_tell(&mut self, to: IpAddr, kind: IcmpType) -> bool {
        let (limit, limited) = match to {
            IpAddr::V4(_) => (
                Global::IcmpRateLimit,
                matches!((kind.ty, kind.code), (4 | 11 | 12, _) | (3, _)) && (kind.ty, kind.code) != (3, 4),
            ),
            IpAddr::V6(_) => (Global::Icmp6RateLimit, kind.ty < 128 && kind.ty != 2),
        };
        if !limited || self.owner(to).is_some() {
            return true;
        }
        let cost = Duration::from_millis(u64::try_from(self.sysctls.global(limit)).unwrap_or(0));
        let now = self.now;
        let peer = self.pace.0.entry(to).or_default();
        let idle = peer.idle(now);
        if !idle.is_zero() {
            // Without a limit nothing is saved up either, which routing's messages then miss.
            peer.tokens = (peer.tokens + idle).min(cost * BURST);
            peer.last = Some(now);
        }
        peer.take(cost)
    }

    /// Whether routing may tell the address that there is no way (`ip_error`).
    pub(super) fn may_tell_unreachable(&mut self, to: IpAddr) -> bool {
        let now = self.now;
        let peer = self.pace.0.entry(to).or_default();
        peer.tokens = (peer.tokens + peer.idle(now)).min(UNREACHABLE_BURST);
        peer.last = Some(now);
        peer.take(UNREACHABLE_COST)
    }

    /// Whether the address may be told of a better gateway.
    pub(super) fn may_redirect(&mut self, to: IpAddr) -> bool {
        let now = self.now;
        let peer = self.pace.0.entry(to).or_default();
        let idle = peer.idle(now);
        if idle > REDIRECT_SILENCE {
            peer.tokens = Duration::ZERO;
            peer.redirects = 0;
        }
        if peer.redirects >= REDIRECTS {
            peer.last = Some(now);
            return false;
        }
        if peer.redirects > 0 && idle <= REDIRECT_PAUSE * (1 << peer.redirects) {
            return false;
        }
        peer.redirects += 1;
        peer.last = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routing_is_silent_for_a_second_after_another_error() {
        let mut host = Host::new(true);
        host.sysctls.set("net.ipv4.icmp_ratelimit", 0).expect("it is right");
        let to = "10.0.1.2".parse().expect("it is right");
        let mut told = |after: u64, kind: Option<IcmpType>| {
            host.now = host.now.after(Duration::from_millis(after));
            match kind {
                Some(kind) => host.may_tell(to, kind),
                None => host.may_tell_unreachable(to),
            }
        };
        // Five at once and one a second; as a kernel did, asked every 280 ms.
        let answers: Vec<bool> = (0..10).map(|_| told(280, None)).collect();
        assert_eq!(answers, [true, true, true, true, true, true, false, false, true, false]);
        assert!(told(280, Some(IcmpType::new(3, 3))));
        assert!(!told(280, None));
        assert!(told(1000, None));
    }
}
