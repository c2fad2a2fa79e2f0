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

/// What is counted for one address.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tokens {
    saved: Duration,
    last: Time,
}

/// A host's tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pace {
    errors: BTreeMap<IpAddr, Tokens>,
    unreachables: BTreeMap<IpAddr, Tokens>,
    redirects: BTreeMap<IpAddr, (u32, Time)>,
}

/// Takes `cost` from an address's tokens, which grow with time up to `most`; false if there are too few.
fn take(
    tokens: &mut BTreeMap<IpAddr, Tokens>,
    addr: IpAddr,
    cost: Duration,
    most: Duration,
    now: Time,
) -> bool {
    let entry = tokens.entry(addr).or_insert(Tokens { saved: most, last: now });
    entry.saved = (entry.saved + now.since(entry.last)).min(most);
    entry.last = now;
    let enough = entry.saved >= cost;
    if enough {
        entry.saved -= cost;
    }
    enough
}

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
        let pause = u64::try_from(self.sysctls.global(limit)).unwrap_or(0);
        if !limited || pause == 0 || self.owner(to).is_some() {
            return true;
        }
        let cost = Duration::from_millis(pause);
        take(&mut self.pace.errors, to, cost, cost * BURST, self.now)
    }

    /// Whether routing may tell the address that there is no way.
    pub(super) fn may_tell_unreachable(&mut self, to: IpAddr) -> bool {
        take(&mut self.pace.unreachables, to, UNREACHABLE_COST, UNREACHABLE_BURST, self.now)
    }

    /// Whether the address may be told of a better gateway.
    pub(super) fn may_redirect(&mut self, to: IpAddr) -> bool {
        let now = self.now;
        let (sent, last) = self.pace.redirects.entry(to).or_insert((0, now));
        if now.since(*last) > REDIRECT_SILENCE {
            *sent = 0;
        }
        if *sent >= REDIRECTS {
            *last = now;
            return false;
        }
        if *sent > 0 && now.since(*last) <= REDIRECT_PAUSE * (1 << *sent) {
            return false;
        }
        *sent += 1;
        *last = now;
        true
    }
}
