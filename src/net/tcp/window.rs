//! The window that is told to the other side (`__tcp_select_window`, `tcp_grow_window`, `tcp_measure_rcv_mss` of the
//! kernel). Linux counts the memory that packets take, not only their bytes; how long the socket's buffer itself grows as
//! a program reads (`tcp_rcv_space_adjust`) is not modelled.

use super::State;
use super::connection::Connection;

/// The default receive buffer, bytes (`net.ipv4.tcp_rmem`).
const BUFFER: u32 = 131_072;

/// What a packet takes beside its data, bytes: `struct sk_buff` and a small head (`SKB_TRUESIZE`). Packets that wait in
/// a queue are joined, and then take it once (`tcp_try_coalesce`).
const OVERHEAD: u32 = 896;

/// Shorter data does not widen the window (`tcp_event_data_recv`).
pub(super) const WIDENS: u32 = 128;

/// Of a receive buffer's memory, how much counts as room for data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// The largest window that is told, bytes (`rcv_ssthresh`).
    pub(super) limit: u32,
    /// The part of memory that data takes, of 256 (`scaling_ratio`).
    ratio: u32,
}

impl Default for Room {
    fn default() -> Self {
        Room { limit: 0, ratio: 128 }
    }
}

impl Room {
    fn of(&self, memory: u32) -> u32 {
        ((u64::from(memory) * u64::from(self.ratio)) >> 8) as u32
    }

    /// The whole buffer, as room for data (`tcp_full_space`).
    pub(super) fn space(&self) -> u32 {
        self.of(BUFFER)
    }

    /// What is left of it (`tcp_space`).
    fn free(&self, unread: usize) -> u32 {
        let taken = if unread > 0 { unread as u32 + OVERHEAD } else { 0 };
        self.of(BUFFER.saturating_sub(taken))
    }

    /// A packet of another size than those before came: how much of its memory was data?
    pub(super) fn measure(&mut self, len: u32, told: u32) {
        let before = self.ratio;
        self.ratio = ((len << 8) / (len + OVERHEAD)).max(1);
        let space = self.space();
        match self.ratio.cmp(&before) {
            std::cmp::Ordering::Less => self.limit = self.limit.min(space),
            std::cmp::Ordering::Greater => self.limit = self.limit.max(told.min(space)),
            std::cmp::Ordering::Equal => {}
        }
    }

    /// Data came: a larger window may be told from now on. True if so.
    pub(super) fn grow(&mut self, unread: usize, mss: u32, len: u32) -> bool {
        let room = self.space().min(self.free(unread)).saturating_sub(self.limit);
        self.limit += room.min(2 * mss.max(len));
        room > 0
    }
}

impl Connection {
    /// The window that could be told now, in steps of the scale.
    pub(super) fn select_window(&mut self) -> u32 {
        let space = self.room.space();
        let mut free = self.room.free(self.unread.len());
        if free < space / 2 {
            self.acks.quick = 0;
            free = (free >> self.rcv_scale) << self.rcv_scale;
            if free < (space >> 4).max(self.acks.rcv_mss.min(space)) {
                return 0;
            }
        }
        let window = free.min(self.room.limit);
        if self.rcv_scale > 0 { window.next_multiple_of(1 << self.rcv_scale) } else { window.min(65535) }
    }

    /// Tells a window: never less than what was told before (`tcp_select_window`).
    pub(super) fn next_window(&mut self) -> u32 {
        if self.state == State::Closed {
            return 0;
        }
        let told = self.receive_window().next_multiple_of(1 << self.rcv_scale);
        self.rcv_wnd = self.select_window().max(told);
        self.rcv_wup = self.rcv_nxt;
        self.rcv_wnd
    }
}

/// The first window that is offered for a largest segment: a whole number of them (`tcp_select_initial_window`).
pub(super) fn initial_window(mss: u16) -> u32 {
    let mss = u32::from(mss);
    const SPACE: u32 = BUFFER / 2;
    let space = if mss > 0 && mss < SPACE { SPACE / mss * mss } else { SPACE };
    space.min(65535)
}
