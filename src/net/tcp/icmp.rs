//! An ICMP error about a connection's packet (`tcp_v4_err`, `tcp_v6_err` of the kernel).

use super::connection::Connection;
use super::segment::{after, before};
use super::{Action, Errno, State};
use crate::abi::Time;
use crate::net::errno::icmp_to_errno;
use crate::packet::{Icmp, Packet};

/// `net.ipv4.route.min_pmtu`: no way is taken to be narrower.
const LEAST_V4: u32 = 552;
/// Every IPv6 link carries so much (RFC 8200, section 5).
const LEAST_V6: u32 = 1280;

/// The sequence number of the segment that an error quotes.
pub(super) fn quoted_sequence(quoted: &Packet) -> Option<u32> {
    quoted.tcp()?.numbers.map(|n| n.seq)
}

impl Connection {
    /// An ICMP error came that quotes a packet of this connection. While the connection opens it ends the
    /// attempt; later it is only remembered ([`Connection::soft_error`]), or told with `recverr`. A quoted
    /// segment that is not on its way is not believed.
    pub fn icmp_error(&mut self, icmp: &Icmp, now: Time) -> Vec<Action> {
        let mut out = Vec::new();
        let v4 = self.local.is_ipv4();
        let seq = icmp.quoted.as_deref().and_then(quoted_sequence);
        let believed = seq.is_none_or(|s| !before(s, self.snd_una) && !after(s, self.snd_nxt));
        if self.mini || self.state == State::Closed || !believed {
            return out;
        }
        let Some((error, _)) = icmp_to_errno(icmp.kind, v4) else { return out };
        if error == Errno::Emsgsize {
            let least = if v4 { LEAST_V4 } else { LEAST_V6 };
            let told = icmp.mtu.filter(|m| v4 || *m >= least).map(|m| m.max(least));
            if let Some(mtu) = told.filter(|m| *m < self.path_mtu && (self.settings.pmtu_discovery || !v4)) {
                self.narrow(mtu, now, &mut out);
            }
        } else if self.state == State::SynSent && !v4 && self.retransmission.has_begun_at(now) {
            // IPv6 does not take it in while `connect` still holds the socket (`tcp_v6_err`).
            self.soft_error = Some(error);
        } else if self.is_opening() {
            self.fail(error, &mut out);
        } else if self.settings.recverr {
            out.push(Action::Error(error));
        } else {
            self.soft_error = Some(error);
        }
        out
    }
}
