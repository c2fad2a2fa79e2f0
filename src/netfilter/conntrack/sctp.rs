//! SCTP as connection tracking follows it (RFC 9260, `nf_conntrack_proto_sctp` of Linux 6.18). Verification tags
//! are not part of the model's packets, so they are not checked.

use super::ConntrackSettings;
use crate::packet::Direction;
use serde::Serialize;
use std::fmt;

/// Where an SCTP association stands (`enum sctp_conntrack`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SctpState {
    /// INIT seen, or the end.
    Closed,
    /// INIT ACK seen.
    CookieWait,
    /// COOKIE ECHO seen.
    CookieEchoed,
    /// COOKIE ACK seen.
    Established,
    /// SHUTDOWN from the side that began.
    ShutdownSent,
    /// SHUTDOWN from the other side.
    ShutdownRecd,
    /// SHUTDOWN ACK seen.
    ShutdownAckSent,
    /// HEARTBEAT in a flow that was not there.
    HeartbeatSent,
}

impl SctpState {
    /// The name in `conntrack -L`.
    pub fn name(self) -> &'static str {
        match self {
            SctpState::Closed => "CLOSED",
            SctpState::CookieWait => "COOKIE_WAIT",
            SctpState::CookieEchoed => "COOKIE_ECHOED",
            SctpState::Established => "ESTABLISHED",
            SctpState::ShutdownSent => "SHUTDOWN_SENT",
            SctpState::ShutdownRecd => "SHUTDOWN_RECD",
            SctpState::ShutdownAckSent => "SHUTDOWN_ACK_SENT",
            SctpState::HeartbeatSent => "HEARTBEAT_SENT",
        }
    }

    /// How long the entry stays without another packet, seconds.
    pub(super) fn timeout(self, settings: &ConntrackSettings) -> u32 {
        settings.sctp_timeouts[self as usize]
    }
}

impl fmt::Display for SctpState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const HEARTBEAT: u8 = 4;
const HEARTBEAT_ACK: u8 = 5;
const ABORT: u8 = 6;
const SHUTDOWN: u8 = 7;
const SHUTDOWN_ACK: u8 = 8;
const ERROR: u8 = 9;
const COOKIE_ECHO: u8 = 10;
const COOKIE_ACK: u8 = 11;
const SHUTDOWN_COMPLETE: u8 = 14;

/// The types of a packet's chunks; `None` if they cannot stand together.
fn chunks(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut types = Vec::new();
    let mut alone = false;
    while let [ty, _, high, low, ..] = bytes {
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        alone |= matches!(*ty, INIT | INIT_ACK | SHUTDOWN_COMPLETE);
        let first = matches!(*ty, COOKIE_ACK | COOKIE_ECHO) || alone;
        if first && !types.is_empty() || len == 0 {
            return None;
        }
        types.push(*ty);
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    (!types.is_empty()).then_some(types)
}

/// Where a packet leads an association; `state` is `None` before its first packet. `None`: it is INVALID.
pub(super) fn step(state: Option<SctpState>, dir: Direction, payload: &[u8]) -> Option<SctpState> {
    let chunks = chunks(payload)?;
    let mut now = state;
    for chunk in chunks {
        if state.is_none() && matches!(chunk, ABORT | SHUTDOWN_COMPLETE | COOKIE_ACK) {
            return None;
        }
        now = Some(match dir {
            Direction::Original => original(now, chunk)?,
            Direction::Reply => reply(now?, chunk)?,
        });
    }
    now
}

fn original(state: Option<SctpState>, chunk: u8) -> Option<SctpState> {
    use SctpState as S;
    let Some(state) = state else {
        return match chunk {
            INIT | INIT_ACK | SHUTDOWN | ERROR | COOKIE_ECHO | HEARTBEAT_ACK => Some(S::Closed),
            SHUTDOWN_ACK => Some(S::ShutdownAckSent),
            HEARTBEAT => Some(S::HeartbeatSent),
            _ => None,
        };
    };
    Some(match (chunk, state) {
        (ABORT, _) => S::Closed,
        (INIT, S::ShutdownSent | S::ShutdownRecd) => S::Closed,
        (INIT, S::HeartbeatSent) => S::CookieWait,
        (SHUTDOWN, S::Established) => S::ShutdownSent,
        (SHUTDOWN_ACK, S::ShutdownSent | S::ShutdownRecd | S::HeartbeatSent) => S::ShutdownAckSent,
        (COOKIE_ECHO, S::CookieWait) => S::CookieEchoed,
        (COOKIE_ACK, S::CookieEchoed) => S::Established,
        (SHUTDOWN_COMPLETE, S::ShutdownAckSent) => S::Closed,
        (INIT_ACK | SHUTDOWN | ERROR | COOKIE_ECHO | COOKIE_ACK | SHUTDOWN_COMPLETE, S::HeartbeatSent) => {
            S::Closed
        }
        (_, same) => same,
    })
}

fn reply(state: SctpState, chunk: u8) -> Option<SctpState> {
    use SctpState as S;
    Some(match (chunk, state) {
        (HEARTBEAT_ACK, S::HeartbeatSent) => S::Established,
        (
            INIT | INIT_ACK | ABORT | SHUTDOWN | SHUTDOWN_ACK | ERROR | COOKIE_ECHO | COOKIE_ACK
            | SHUTDOWN_COMPLETE,
            S::HeartbeatSent,
        ) => return None,
        (ABORT, _) => S::Closed,
        (INIT_ACK, S::Closed) => S::CookieWait,
        (SHUTDOWN, S::Established) => S::ShutdownRecd,
        (SHUTDOWN_ACK, S::ShutdownSent | S::ShutdownRecd) => S::ShutdownAckSent,
        (ERROR, S::CookieEchoed) => S::Closed,
        (COOKIE_ECHO, S::CookieWait) => S::CookieEchoed,
        (COOKIE_ACK, S::CookieEchoed) => S::Established,
        (SHUTDOWN_COMPLETE, S::ShutdownAckSent) => S::Closed,
        (_, same) => same,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{Original as O, Reply as R};

    fn chunk(ty: u8) -> Vec<u8> {
        vec![ty, 0, 0, 4]
    }

    #[test]
    fn an_association_opens_and_closes() {
        let walk = [
            (O, INIT),
            (R, INIT_ACK),
            (O, COOKIE_ECHO),
            (R, COOKIE_ACK),
            (O, 0),
            (R, SHUTDOWN),
            (O, SHUTDOWN_ACK),
            (R, SHUTDOWN_COMPLETE),
        ];
        let mut state = None;
        let mut seen = Vec::new();
        for (dir, ty) in walk {
            state = step(state, dir, &chunk(ty));
            seen.push(state.map_or("INVALID", SctpState::name));
        }
        assert_eq!(
            seen,
            [
                "CLOSED",
                "COOKIE_WAIT",
                "COOKIE_ECHOED",
                "ESTABLISHED",
                "ESTABLISHED",
                "SHUTDOWN_RECD",
                "SHUTDOWN_ACK_SENT",
                "CLOSED"
            ]
        );
    }

    #[test]
    fn chunks_that_cannot_begin_or_stand_together() {
        for packet in [chunk(ABORT), chunk(0), [chunk(0), chunk(INIT)].concat(), vec![INIT, 0, 0, 0]] {
            assert_eq!(step(None, O, &packet), None, "{packet:?}");
        }
    }
}
