//! When an acknowledgement is sent: at once, with the next data, or after a while (`tcp_event_data_recv`,
//! `__tcp_ack_snd_check`, `tcp_send_delayed_ack`, `tcp_delack_timer_handler` of the kernel).

use super::connection::Connection;
use super::segment::Segment;
use super::window::WIDENS;
use super::{Action, State, mss};
use crate::abi::{Duration, Time};
use crate::packet::TcpFlags;

/// `TCP_ATO_MIN`: how long an acknowledgement waits for data to go with.
const ATO_MIN: Duration = Duration::from_millis(40);

/// A tick at 250 Hz: a timer for "now" fires at the next.
pub(super) const TICK: Duration = Duration::from_millis(4);

/// How many acknowledgements are sent at once at most at a connection's start (`TCP_MAX_QUICKACKS`).
const MAX_QUICK: u32 = 16;

/// What a connection knows of acknowledgements it owes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AckState {
    /// One is owed.
    pub(super) pending: bool,
    /// One is owed at once.
    pub(super) now: bool,
    /// A small segment came since the last one was sent, or two.
    pushed: bool,
    pushed_twice: bool,
    /// When one is sent if nothing else sends it.
    pub(super) at: Option<Time>,
    /// So many more are sent at once.
    pub(super) quick: u32,
    /// The program answers: acknowledgements wait for its data.
    pub(super) pingpong: bool,
    /// How long one waits; zero before the first data.
    ato: Duration,
    /// When data came last.
    received: Option<Time>,
    /// The largest segment seen, bytes of data.
    pub(super) rcv_mss: u32,
}

impl AckState {
    /// `tcp_initialize_rcv_mss`.
    pub(super) fn begin(&mut self, mss: u32, window: u32) {
        self.rcv_mss = mss.min(window / 2).clamp(88, 536);
    }

    /// One was sent, alone or with data (`tcp_event_ack_sent`).
    pub(super) fn sent(&mut self) {
        if self.pending && self.quick > 0 {
            self.quick -= 1;
            if self.quick == 0 {
                self.ato = ATO_MIN;
            }
        }
        self.pending = false;
        self.now = false;
        self.pushed = false;
        self.pushed_twice = false;
        self.at = None;
    }

    /// The next ones are sent at once (`tcp_incr_quickack`).
    fn more_quick(&mut self, window: u32) {
        let segments = (window / (2 * self.rcv_mss.max(1))).clamp(2, MAX_QUICK);
        self.quick = self.quick.max(segments);
    }

    /// Something is amiss: the next ones are sent at once (`tcp_enter_quickack_mode`).
    pub(super) fn hurry(&mut self, window: u32) {
        self.more_quick(window);
        self.pingpong = false;
        self.ato = ATO_MIN;
    }

    fn is_quick(&self) -> bool {
        self.quick > 0 && !self.pingpong
    }

    /// Data went out: if it answers what came, the program talks both ways (`tcp_event_data_sent`).
    pub(super) fn data_sent(&mut self, now: Time) {
        if self.received.is_some_and(|r| now.since(r) < self.ato) {
            self.pingpong = true;
        }
    }
}

impl Connection {
    /// Data came in order (`tcp_event_data_recv`, `tcp_measure_rcv_mss`).
    pub(super) fn data_received(&mut self, segment: &Segment<'_>, now: Time) {
        let window = self.rcv_wnd;
        let rto = self.retransmission.rto();
        let largest = u32::from(mss(self.settings.mtu, self.local.is_ipv4()));
        let acks = &mut self.acks;
        acks.pending = true;
        if segment.step() >= acks.rcv_mss {
            if segment.step() != acks.rcv_mss {
                self.room.measure(segment.len(), self.rcv_wnd);
            }
            acks.rcv_mss = segment.step().min(largest);
            acks.pushed |= segment.has(TcpFlags::PSH);
        } else {
            acks.pushed_twice |= acks.pushed;
            acks.pushed = true;
        }
        match acks.received.filter(|_| !acks.ato.is_zero()) {
            None => {
                acks.more_quick(window);
                acks.ato = ATO_MIN;
            }
            Some(last) => {
                let pause = now.since(last);
                if pause <= ATO_MIN / 2 {
                    acks.ato = acks.ato / 2 + ATO_MIN / 2;
                } else if pause < acks.ato {
                    acks.ato = (acks.ato / 2 + pause).min(rto);
                } else if pause > rto {
                    acks.more_quick(window);
                }
            }
        }
        acks.received = Some(now);
        if segment.len() >= WIDENS && self.room.grow(self.unread.len(), largest, segment.len()) {
            acks.quick |= 1;
        }
    }

    /// Sends what is owed, or sees to it that it is sent (`tcp_ack_snd_check`).
    pub(super) fn check_ack(&mut self, now: Time, out: &mut Vec<Action>) {
        if !self.acks.pending || self.mini || self.state == State::Closed {
            return;
        }
        let much = self.rcv_nxt.wrapping_sub(self.rcv_wup) > self.acks.rcv_mss
            && self.select_window() >= self.rcv_wnd;
        if much || self.acks.is_quick() || self.acks.now || !self.early.is_empty() {
            self.send_ack(now, out);
        } else {
            self.delay_ack(now, out);
        }
    }

    /// `tcp_send_delayed_ack`.
    fn delay_ack(&mut self, now: Time, out: &mut Vec<Action>) {
        let mut ato = self.acks.ato;
        if ato > ATO_MIN {
            let most = if self.acks.pingpong || self.acks.pushed { 200 } else { 500 };
            let most = Duration::from_millis(most);
            let rtt = self.retransmission.srtt().map_or(most, |rtt| rtt.max(ATO_MIN));
            ato = ato.min(most).min(rtt);
        }
        let mut at = now.after(ato.max(TICK));
        if let Some(earlier) = self.acks.at {
            if earlier <= now.after(ato / 4) {
                self.send_ack(now, out);
                return;
            }
            at = at.min(earlier);
        }
        self.acks.at = Some(at);
    }

    /// The wait is over (`tcp_delack_timer_handler`).
    pub(super) fn ack_timer(&mut self, now: Time, out: &mut Vec<Action>) {
        self.acks.at = None;
        if !self.acks.pending {
            return;
        }
        if self.acks.pingpong {
            self.acks.pingpong = false;
            self.acks.ato = ATO_MIN;
        } else {
            self.acks.ato = (self.acks.ato * 2).min(self.retransmission.rto());
        }
        self.send_ack(now, out);
    }

    /// The program read: an acknowledgement may be due, or a larger window to be told (`__tcp_cleanup_rbuf`).
    pub(super) fn after_reading(&mut self, now: Time, out: &mut Vec<Action>) {
        let acks = &self.acks;
        let owed = acks.pending
            && (self.rcv_nxt.wrapping_sub(self.rcv_wup) > acks.rcv_mss
                || acks.pushed_twice
                || (acks.pushed && !acks.pingpong));
        let told = self.receive_window();
        let wider = !self.receive_shut && 2 * told <= self.room.space() && {
            let window = self.select_window();
            window > 0 && window >= 2 * told
        };
        if owed || wider {
            self.send_ack(now, out);
        }
    }
}
