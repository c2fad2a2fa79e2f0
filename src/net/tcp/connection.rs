//! One connection: what it remembers, and the calls that a program makes.

use super::ack::AckState;
use super::retransmit::Retransmission;
use super::segment::{Secrets, after};
use super::send::SendQueue;
use super::window::{Room, initial_window};
use super::{Action, Errno, Settings, State, mss};
use crate::abi::{Duration, Time};
use crate::packet::{TcpFlags, TcpOption, TcpOptions};
use std::net::SocketAddr;
use std::sync::Arc;

/// How long TIME-WAIT lasts (`TCP_TIMEWAIT_LEN`).
pub(super) const TIME_WAIT: Duration = Duration::from_secs(60);

/// One end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    pub(super) state: State,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) settings: Settings,
    /// The MTU of the whole way, as far as it is known.
    pub(super) path_mtu: u32,
    pub(super) secrets: Secrets,

    /// The first sequence number not acknowledged.
    pub(super) snd_una: u32,
    /// The next sequence number to send.
    pub(super) snd_nxt: u32,
    /// The window of the other side, bytes, and the sequence number of the segment that told it.
    pub(super) snd_wnd: u32,
    pub(super) snd_wl1: u32,
    /// The largest window the other side ever told.
    pub(super) max_window: u32,
    /// How many bytes of this side were acknowledged, SYN and FIN counted.
    pub(super) bytes_acked: u64,
    /// What was sent and not acknowledged, and what waits.
    pub(super) queue: SendQueue,
    /// The other side's largest segment, without options.
    pub(super) peer_mss: u16,
    pub(super) retransmission: Retransmission,

    /// Both sides send timestamps.
    pub(super) timestamps: bool,
    /// Both sides know selective acknowledgements.
    pub(super) sack: bool,
    /// How far the windows that come and go are shifted.
    pub(super) snd_scale: u8,
    pub(super) rcv_scale: u8,
    /// The other side asked for ECN (RFC 3168) and this one agreed.
    pub(super) ecn: bool,
    /// The other side's last timestamp.
    pub(super) ts_recent: u32,

    /// The next sequence number expected.
    pub(super) rcv_nxt: u32,
    /// `rcv_nxt` when the last window was told, and that window.
    pub(super) rcv_wup: u32,
    pub(super) rcv_wnd: u32,
    pub(super) room: Room,
    /// What the program has not read.
    pub(super) unread: Vec<u8>,
    /// What came too early: sequence number, bytes, and whether a FIN follows; in order.
    pub(super) early: Vec<(u32, Vec<u8>, bool)>,
    /// Blocks of `early`, the latest first, and a block that came twice, for the next acknowledgement.
    pub(super) sacks: Vec<(u32, u32)>,
    pub(super) dsack: Option<(u32, u32)>,
    pub(super) acks: AckState,

    /// The other side's FIN came.
    pub(super) receive_shut: bool,
    /// The program closed the socket.
    pub(super) orphan: bool,
    /// Linux keeps only a small socket for TIME-WAIT and for FIN-WAIT-2 after a close.
    pub(super) mini: bool,
    /// When TIME-WAIT or FIN-WAIT-2 ends.
    pub(super) ends: Option<Time>,
    /// When the last acknowledgement was sent that only answers a segment out of the window.
    pub(super) last_challenge: Option<Time>,
    pub(super) soft_error: Option<Errno>,
    pub(super) ip_id: u16,
}

impl Connection {
    /// A connection of which nothing is known but its ends.
    pub(super) fn new(local: SocketAddr, remote: SocketAddr, iss: u32, settings: Settings) -> Self {
        let secrets = Secrets::of(local, remote);
        let mut connection = Connection {
            state: State::Closed,
            local,
            remote,
            path_mtu: settings.mtu,
            secrets,
            snd_una: iss,
            snd_nxt: iss,
            snd_wnd: 0,
            snd_wl1: 0,
            max_window: 0,
            bytes_acked: 0,
            queue: SendQueue::default(),
            peer_mss: 536,
            retransmission: Retransmission::default(),
            timestamps: settings.timestamps,
            sack: settings.sack,
            snd_scale: 0,
            rcv_scale: settings.window_scale.unwrap_or(0),
            ecn: false,
            ts_recent: 0,
            rcv_nxt: 0,
            rcv_wup: 0,
            rcv_wnd: 0,
            room: Room::default(),
            unread: Vec::new(),
            early: Vec::new(),
            sacks: Vec::new(),
            dsack: None,
            acks: AckState::default(),
            receive_shut: false,
            orphan: false,
            mini: false,
            ends: None,
            last_challenge: None,
            soft_error: None,
            ip_id: secrets.ip_id,
            settings,
        };
        connection.rcv_wnd = initial_window(mss(connection.settings.mtu, local.is_ipv4()));
        connection.room.limit = connection.rcv_wnd;
        connection
    }

    /// `connect(2)`: begins a connection with a SYN. Both addresses are of one family.
    pub fn connect(
        local: SocketAddr,
        remote: SocketAddr,
        now: Time,
        settings: Settings,
    ) -> (Self, Vec<Action>) {
        let iss = initial_sequence(now);
        let mut connection = Connection::new(local, remote, iss, settings);
        connection.state = State::SynSent;
        let mut out = Vec::new();
        connection.queue.push_syn(iss);
        connection.send_syn(now, &mut out);
        connection.snd_nxt = iss.wrapping_add(1);
        connection.retransmission.arm_syn(now);
        (connection, out)
    }

    /// The state.
    pub fn state(&self) -> State {
        self.state
    }

    /// This side's address and port.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// The other side's.
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// An error that an ICMP message told and that ended nothing: what `SO_ERROR` gives, and what a
    /// connection that is given up fails with (`sk_err_soft`).
    pub fn soft_error(&self) -> Option<Errno> {
        self.soft_error
    }

    /// `send(2)`: the bytes are taken whole, and sent as windows allow.
    ///
    /// Errors: `EPIPE` after a shutdown or once the connection is gone, `EAGAIN` before it is made.
    pub fn send(&mut self, bytes: &[u8], now: Time) -> Result<Vec<Action>, Errno> {
        match self.state {
            State::SynSent | State::SynRecv => return Err(Errno::Eagain),
            State::Established | State::CloseWait => {}
            State::FinWait1
            | State::FinWait2
            | State::Closing
            | State::LastAck
            | State::TimeWait
            | State::Closed => return Err(Errno::Epipe),
        }
        let mut out = Vec::new();
        self.write(bytes, now, &mut out);
        Ok(out)
    }

    /// `recv(2)` until nothing is left: the bytes that have come, and what their reading sends.
    pub fn read(&mut self, now: Time) -> (Arc<[u8]>, Vec<Action>) {
        let bytes: Arc<[u8]> = std::mem::take(&mut self.unread).into();
        let mut out = Vec::new();
        if !bytes.is_empty() && !self.mini && self.state != State::Closed {
            self.after_reading(now, &mut out);
        }
        (bytes, out)
    }

    /// `shutdown(2)` with `SHUT_WR`. A connection that is not made yet is given up, as `inet_shutdown` does.
    ///
    /// Errors: `ENOTCONN` where there is no connection.
    pub fn shutdown_write(&mut self, now: Time) -> Result<Vec<Action>, Errno> {
        let mut out = Vec::new();
        match self.state {
            State::Closed | State::TimeWait => return Err(Errno::Enotconn),
            State::SynSent => self.fail(Errno::Econnreset, &mut out),
            State::SynRecv
            | State::Established
            | State::CloseWait
            | State::FinWait1
            | State::FinWait2
            | State::Closing
            | State::LastAck => self.finish(now, &mut out),
        }
        Ok(out)
    }

    /// `close(2)`: a FIN after what is still to be sent, or a RST where bytes were not read.
    pub fn close(&mut self, now: Time) -> Vec<Action> {
        let mut out = Vec::new();
        if self.mini || self.state == State::Closed {
            self.orphan = true;
            return out;
        }
        self.orphan = true;
        if !self.unread.is_empty() {
            self.send_active_reset(now, &mut out);
            self.die(&mut out);
            return out;
        }
        if self.state == State::SynSent {
            self.die(&mut out);
            return out;
        }
        self.finish(now, &mut out);
        if self.state == State::FinWait2 {
            self.wait(State::FinWait2, now, &mut out);
        }
        out
    }

    /// `close(2)` with `SO_LINGER` 0: a RST, where there is a connection (`tcp_disconnect`).
    pub fn abort(&mut self, now: Time) -> Vec<Action> {
        let mut out = Vec::new();
        let reset = match self.state {
            State::SynRecv | State::Established | State::CloseWait | State::FinWait1 | State::FinWait2 => {
                !self.mini
            }
            State::Closing | State::LastAck => self.queue.has_unsent(),
            State::SynSent | State::TimeWait | State::Closed => false,
        };
        self.orphan = true;
        if self.mini {
            return out;
        }
        if reset {
            self.send_active_reset(now, &mut out);
        }
        if self.state != State::Closed {
            self.die(&mut out);
        }
        out
    }

    /// Queues a FIN where the state has none yet (`tcp_close_state`, `tcp_send_fin`).
    fn finish(&mut self, now: Time, out: &mut Vec<Action>) {
        self.state = match self.state {
            State::SynRecv | State::Established => State::FinWait1,
            State::CloseWait => State::LastAck,
            State::SynSent
            | State::FinWait1
            | State::FinWait2
            | State::Closing
            | State::LastAck
            | State::TimeWait
            | State::Closed => return,
        };
        self.queue.push_fin(self.snd_nxt);
        self.push_pending(now, out);
    }

    /// Ends the connection: nothing is sent any more.
    pub(super) fn die(&mut self, out: &mut Vec<Action>) {
        self.state = State::Closed;
        self.mini = false;
        self.ends = None;
        self.queue = SendQueue::default();
        self.early.clear();
        self.retransmission.stop();
        self.acks.sent();
        out.push(Action::Closed);
    }

    /// Ends the connection with an error, which an orphan's program does not see.
    pub(super) fn fail(&mut self, error: Errno, out: &mut Vec<Action>) {
        if !self.orphan {
            out.push(Action::Error(error));
        }
        self.die(out);
    }

    /// Goes to TIME-WAIT, or leaves FIN-WAIT-2 to a small socket (`tcp_time_wait`).
    pub(super) fn wait(&mut self, state: State, now: Time, out: &mut Vec<Action>) {
        let span = if state == State::FinWait2 {
            Duration::from_secs(self.settings.fin_timeout.into())
        } else {
            TIME_WAIT
        };
        self.state = state;
        self.mini = true;
        self.ends = Some(now.after(span));
        self.queue = SendQueue::default();
        self.early.clear();
        self.retransmission.stop();
        self.acks.sent();
        out.retain(|a| *a != Action::Closed);
    }

    /// This side's largest segment, options taken off.
    pub(super) fn mss(&self) -> u32 {
        let own = mss(self.path_mtu, self.local.is_ipv4());
        let options = if self.timestamps { 12 } else { 0 };
        self.half_window(u32::from(own.min(self.peer_mss)).saturating_sub(options).max(36))
    }

    /// A size, but no more than half of the largest window that the other side told (`tcp_bound_to_half_wnd`).
    pub(super) fn half_window(&self, size: u32) -> u32 {
        let options = if self.timestamps { 12 } else { 0 };
        match self.max_window {
            0 => size,
            window if window <= 536 => size.min(window.max(48 - options)),
            window => size.min(window / 2),
        }
    }

    /// What came of the other side's SYN or SYN,ACK.
    pub(super) fn learn(&mut self, options: &TcpOptions, timestamp: Option<(u32, u32)>) {
        self.peer_mss = options.mss().filter(|m| *m > 0).unwrap_or(536);
        self.timestamps = self.settings.timestamps && timestamp.is_some();
        self.sack = self.settings.sack && options.has(TcpOption::SackPermitted.kind());
        match (self.settings.window_scale, options.window_scale()) {
            (Some(own), Some(theirs)) => {
                self.rcv_scale = own;
                self.snd_scale = theirs.min(14);
            }
            _ => {
                self.rcv_scale = 0;
                self.snd_scale = 0;
            }
        }
        self.ts_recent = timestamp.map_or(0, |(value, _)| value);
        self.acks.begin(self.mss(), self.rcv_wnd);
    }

    /// Bytes of window the other side has left (`tcp_receive_window`).
    pub(super) fn receive_window(&self) -> u32 {
        let end = self.rcv_wup.wrapping_add(self.rcv_wnd);
        if after(end, self.rcv_nxt) { end.wrapping_sub(self.rcv_nxt) } else { 0 }
    }

    /// True if a SYN was sent, and nothing else (of an active or a simultaneous open).
    pub(super) fn is_opening(&self) -> bool {
        matches!(self.state, State::SynSent | State::SynRecv)
    }

    /// The flags of a SYN in this state.
    pub(super) fn syn_flags(&self) -> TcpFlags {
        if self.state == State::SynRecv { TcpFlags::SYN | TcpFlags::ACK } else { TcpFlags::SYN }
    }
}

/// A connection's first sequence number: the clock in steps of 64 ns (`secure_tcp_seq`). Linux adds a secret hash of
/// the connection's ends; a fixed number instead lets a later connection always begin beyond an earlier one.
pub(super) fn initial_sequence(now: Time) -> u32 {
    const BEGIN: u32 = 0x6000_0000;
    BEGIN.wrapping_add((now.as_nanos() >> 6) as u32)
}
