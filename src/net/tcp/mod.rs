//! TCP endpoints as Linux has them: a state machine that takes segments and calls of a program and says what is
//! sent (RFC 9293; `tcp_input.c`, `tcp_output.c`, `tcp_timer.c`, `tcp_minisocks.c` of Linux 6.18).
//!
//! A machine is pure: it has no clock and sends nothing itself. Each call gives back [`Action`]s, in order; who
//! holds the machine carries them out, and calls [`Connection::timer`] when [`Connection::next_timer`] is due.
//!
//! Which machine a packet is for is the holder's business, and so is what comes before it: a connection of exactly
//! these two ends first ([`Connection::gives_way_to`] tells when one in TIME-WAIT lets a new SYN through), then a
//! [`Listener`], else [`reset_for`].
//!
//! `tests/tcp.rs` compares the machines with recorded exchanges. Not modelled:
//!
//! - the growth of the receive window as data comes, and what a packet costs beyond its bytes: the first window
//!   stays, less what was not read;
//! - probes of a window that stays closed, `SO_KEEPALIVE`, `TCP_USER_TIMEOUT`, `TCP_CORK`, urgent data, fast open;
//! - congestion control but for ten segments at first, slow start, one segment after a timeout, and 0.7 of the
//!   window after a loss; RACK's reordering timer; pacing; the undoing of a retransmission that was not needed;
//! - ECN but for agreeing to it (`net.ipv4.tcp_ecn` is 2) and marking data ECT(0);
//! - SYN cookies, a full backlog, `TCP_DEFER_ACCEPT`; MD5 and AO signatures;
//! - MTU probing, forgetting a path MTU, taking back a timeout after "host unreachable" (RFC 6069);
//! - the steps of Linux' clock: timers are exact, but for the least wait of one tick.
//!
//! What Linux chooses by secret hashes (initial sequence numbers, the offset of timestamps, IP identifications)
//! is here a fixed function of addresses, ports and time.

mod ack;
mod connection;
mod icmp;
mod input;
mod listener;
mod receive;
mod retransmit;
mod segment;
mod send;
mod waiting;
mod window;

pub use connection::Connection;
pub use listener::Listener;
pub use segment::reset_for;

use super::errno::Errno;
use crate::packet::Packet;
use std::sync::Arc;

/// The states of a connection, as RFC 9293 has them; [`State::name`] is what `ss` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// A SYN was sent.
    SynSent,
    /// A SYN came and was answered.
    SynRecv,
    /// Both sides know of each other.
    Established,
    /// This side sent its FIN.
    FinWait1,
    /// This side's FIN was acknowledged.
    FinWait2,
    /// The other side sent its FIN.
    CloseWait,
    /// Both sent their FIN at once.
    Closing,
    /// The other side sent its FIN, then this one.
    LastAck,
    /// Both are done; late segments are waited for.
    TimeWait,
    /// Nothing is left.
    Closed,
}

impl State {
    /// The name that `ss` prints.
    pub fn name(self) -> &'static str {
        match self {
            State::SynSent => "SYN-SENT",
            State::SynRecv => "SYN-RECV",
            State::Established => "ESTAB",
            State::FinWait1 => "FIN-WAIT-1",
            State::FinWait2 => "FIN-WAIT-2",
            State::CloseWait => "CLOSE-WAIT",
            State::Closing => "CLOSING",
            State::LastAck => "LAST-ACK",
            State::TimeWait => "TIME-WAIT",
            State::Closed => "UNCONN",
        }
    }
}

/// What a machine wants done, or tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// This packet goes out.
    Send(Packet),
    /// `connect` succeeded.
    Connected,
    /// A listener has a new connection, which `accept` returns. From now on its packets are its own.
    Accepted(Box<Connection>),
    /// These bytes came, in order; the program has not read them yet ([`Connection::read`]).
    Data(Arc<[u8]>),
    /// The other side sends no more: after the bytes, `read` returns nothing.
    Eof,
    /// The next call of the program fails with this error. If the connection is gone, [`Action::Closed`] follows.
    Error(Errno),
    /// Nothing is left of the connection: the machine can be forgotten.
    Closed,
}

/// What a host and a program set for a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The MTU of the way to the other side, bytes.
    pub mtu: u32,
    /// TTL or hop limit of what is sent (`net.ipv4.ip_default_ttl`, `IP_TTL`).
    pub ttl: u8,
    /// Type of service or traffic class (`IP_TOS`).
    pub tos: u8,
    /// Segments have "don't fragment" set (`net.ipv4.ip_no_pmtu_disc` is 0). IPv4 only.
    pub pmtu_discovery: bool,
    /// `net.ipv4.tcp_timestamps` is not 0.
    pub timestamps: bool,
    /// `net.ipv4.tcp_sack`.
    pub sack: bool,
    /// The window scale that is offered: `None` with `net.ipv4.tcp_window_scaling` 0. Linux takes it from the
    /// largest buffer of `net.ipv4.tcp_rmem`: 10 with 32 MiB, the default since Linux 6.16; 7 with 6 MiB.
    pub window_scale: Option<u8>,
    /// How often a SYN is sent again (`net.ipv4.tcp_syn_retries`).
    pub syn_retries: u8,
    /// Retransmissions of a SYN after one second each, before the pauses double
    /// (`net.ipv4.tcp_syn_linear_timeouts`); they come on top of `syn_retries`.
    pub syn_linear_timeouts: u8,
    /// How often a SYN,ACK is sent again (`net.ipv4.tcp_synack_retries`).
    pub synack_retries: u8,
    /// How often data is sent again (`net.ipv4.tcp_retries2`).
    pub retries2: u8,
    /// How many seconds FIN-WAIT-2 lasts without a program (`net.ipv4.tcp_fin_timeout`).
    pub fin_timeout: u16,
    /// Small segments wait for nothing (`TCP_NODELAY`).
    pub nodelay: bool,
    /// Writings go down whole and are cut up by the device (generic segmentation offload): netfilter sees
    /// packets larger than the MTU. Without it each segment is a packet, as on a wire.
    pub gso: bool,
    /// ICMP errors are told at once (`IP_RECVERR`, `IPV6_RECVERR`).
    pub recverr: bool,
}

/// The largest segment that fits an MTU: less both headers, in the bounds of `net.ipv4.route.min_adv_mss` and of
/// IPv6's least MTU.
fn mss(mtu: u32, v4: bool) -> u16 {
    let (headers, least) = if v4 { (40, 256) } else { (60, 1220) };
    mtu.saturating_sub(headers).clamp(least, 65535 - 40) as u16
}

impl Default for Settings {
    /// Linux' defaults on an Ethernet link.
    fn default() -> Self {
        Settings {
            mtu: 1500,
            ttl: 64,
            tos: 0,
            pmtu_discovery: true,
            timestamps: true,
            sack: true,
            window_scale: Some(10),
            syn_retries: 6,
            syn_linear_timeouts: 4,
            synack_retries: 5,
            retries2: 15,
            fin_timeout: 60,
            nodelay: false,
            gso: false,
            recverr: false,
        }
    }
}
