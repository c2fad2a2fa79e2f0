//! What a connection sends: its queue, segments, acknowledgements, resets (`tcp_output.c` of the kernel).

use super::connection::Connection;
use super::segment::{Header, after, before, make};
use super::{Action, mss};
use crate::abi::Time;
use crate::packet::{TcpFlags, TcpNumbers, TcpOption, TcpOptions};
use std::collections::VecDeque;

/// Bytes that one packet may carry down to a device: 64 KiB with the headers (`sk_gso_max_size`).
const LONGEST: u32 = 65535 - 320;

/// A piece of the stream that is sent whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) seq: u32,
    pub(super) bytes: Vec<u8>,
    /// PSH, FIN, or SYN.
    pub(super) flags: TcpFlags,
    /// When it was sent last.
    pub(super) sent: Option<Time>,
    /// It was sent more than once.
    pub(super) again: bool,
    /// The other side told that it has it.
    pub(super) sacked: bool,
    /// It is thought lost and was not sent again since.
    pub(super) lost: bool,
}

impl Chunk {
    fn new(seq: u32, bytes: Vec<u8>, flags: TcpFlags) -> Self {
        Chunk { seq, bytes, flags, sent: None, again: false, sacked: false, lost: false }
    }

    /// One past its last sequence number.
    pub(super) fn end(&self) -> u32 {
        let flag = self.flags.any(TcpFlags::FIN | TcpFlags::SYN);
        self.seq.wrapping_add(self.bytes.len() as u32).wrapping_add(u32::from(flag))
    }

    /// How many segments it is on a wire.
    pub(super) fn segments(&self, mss: u32) -> u32 {
        (self.bytes.len() as u32).div_ceil(mss).max(1)
    }
}

/// The stream from the first byte that is not acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SendQueue {
    pub(super) chunks: VecDeque<Chunk>,
    /// Where the stream ends, once something was queued.
    end: Option<u32>,
    /// Where it was pushed last.
    pushed: Option<u32>,
    /// The end of the last segment that was sent and not full (Minshall's variant of Nagle's algorithm).
    pub(super) small: Option<u32>,
}

impl SendQueue {
    pub(super) fn push_syn(&mut self, iss: u32) {
        self.chunks.push_back(Chunk::new(iss, Vec::new(), TcpFlags::SYN));
        self.end = Some(iss.wrapping_add(1));
        self.pushed = self.end;
    }

    /// The stream begins here (a connection that a listener made).
    pub(super) fn begin(&mut self, seq: u32) {
        self.end = Some(seq);
        self.pushed = self.end;
    }

    /// Appends as many of a program's bytes as make the last chunk `goal` bytes long, or a new one; tells how many.
    fn push(&mut self, bytes: &[u8], goal: u32) -> usize {
        let goal = goal.max(1) as usize;
        let open = |c: &&mut Chunk| c.sent.is_none() && c.bytes.len() < goal;
        if let Some(tail) = self.chunks.back_mut().filter(open) {
            let count = bytes.len().min(goal - tail.bytes.len());
            tail.bytes.extend_from_slice(&bytes[..count]);
            tail.flags = TcpFlags::default();
            self.end = Some(tail.end());
            return count;
        }
        let count = bytes.len().min(goal);
        let chunk = Chunk::new(self.end.unwrap_or(0), bytes[..count].to_vec(), TcpFlags::default());
        self.end = Some(chunk.end());
        self.chunks.push_back(chunk);
        count
    }

    /// The end of the stream is pushed (`tcp_mark_push`).
    fn mark_push(&mut self) {
        self.pushed = self.end;
        if let Some(tail) = self.chunks.back_mut().filter(|c| c.sent.is_none()) {
            tail.flags = tail.flags | TcpFlags::PSH;
        }
    }

    /// Appends a FIN: to what waits, or alone (`tcp_send_fin`).
    pub(super) fn push_fin(&mut self, snd_nxt: u32) {
        match self.chunks.back_mut() {
            Some(tail) if tail.sent.is_none() => {
                tail.flags = tail.flags | TcpFlags::FIN;
                self.end = Some(tail.end());
            }
            _ => {
                let seq = self.end.unwrap_or(snd_nxt);
                self.chunks.push_back(Chunk::new(seq, Vec::new(), TcpFlags::FIN));
                self.end = Some(seq.wrapping_add(1));
            }
        }
    }

    pub(super) fn has_unsent(&self) -> bool {
        self.chunks.back().is_some_and(|c| c.sent.is_none())
    }

    /// Something was sent that is not acknowledged.
    pub(super) fn in_flight(&self) -> bool {
        self.chunks.front().is_some_and(|c| c.sent.is_some())
    }

    /// Segments on their way: sent, neither acknowledged nor thought lost.
    pub(super) fn flying(&self, mss: u32) -> u32 {
        let flies = |c: &&Chunk| c.sent.is_some() && !c.sacked && !c.lost;
        self.chunks.iter().filter(flies).map(|c| c.segments(mss)).sum()
    }

    /// Joins to a chunk that is sent again those after it that fit with it into one segment
    /// (`tcp_retrans_try_collapse`).
    pub(super) fn join(&mut self, at: usize, mss: u32) {
        while let (Some(first), Some(second)) = (self.chunks.get(at), self.chunks.get(at + 1)) {
            let plain =
                !first.flags.any(TcpFlags::SYN | TcpFlags::FIN) && second.sent.is_some() && !second.sacked;
            if !plain || first.bytes.len() + second.bytes.len() > mss as usize {
                return;
            }
            if let Some(second) = self.chunks.remove(at + 1) {
                let first = &mut self.chunks[at];
                first.bytes.extend(second.bytes);
                first.flags = first.flags | second.flags;
            }
        }
    }

    /// Fills a chunk up to so many bytes from the one after it (`tcp_grow_skb`).
    fn grow(&mut self, at: usize, bytes: u32) {
        let missing = (bytes as usize).saturating_sub(self.chunks[at].bytes.len());
        let Some(next) = self.chunks.get_mut(at + 1).filter(|_| missing > 0) else { return };
        let taken: Vec<u8> = next.bytes.drain(..missing.min(next.bytes.len())).collect();
        if taken.is_empty() {
            return;
        }
        next.seq = next.seq.wrapping_add(taken.len() as u32);
        let empty = next.bytes.is_empty().then_some(next.flags);
        let first = &mut self.chunks[at];
        first.bytes.extend(taken);
        if let Some(flags) = empty {
            first.flags = first.flags | flags;
            self.chunks.remove(at + 1);
        }
    }

    /// Cuts a chunk after so many bytes; PSH and FIN go with the second part (`tcp_fragment`).
    pub(super) fn split(&mut self, at: usize, bytes: usize) {
        let Some(first) = self.chunks.get_mut(at).filter(|c| bytes > 0 && c.bytes.len() > bytes) else {
            return;
        };
        let mut second = first.clone();
        second.bytes = first.bytes.split_off(bytes);
        second.seq = first.seq.wrapping_add(bytes as u32);
        first.flags = TcpFlags::default();
        self.chunks.insert(at + 1, second);
    }
}

impl Connection {
    /// How many bytes of a program's writing are kept together.
    fn size_goal(&self) -> u32 {
        let mss = self.mss();
        if !self.settings.gso {
            return mss;
        }
        let most = self.half_window(LONGEST);
        (most / mss * mss).max(mss)
    }

    /// Queues a program's bytes and sends what may be sent. Each chunk that is full while there is more to come is sent
    /// at once if it is the next, or pushed with all before it once half a window waits (`tcp_sendmsg_locked`).
    pub(super) fn write(&mut self, bytes: &[u8], now: Time, out: &mut Vec<Action>) {
        let goal = self.size_goal();
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = &rest[self.queue.push(rest, goal)..];
            if rest.is_empty() {
                break;
            }
            let much = self.queue.pushed.map(|p| p.wrapping_add(self.max_window / 2));
            if self.queue.end.zip(much).is_some_and(|(end, much)| after(end, much)) {
                self.queue.mark_push();
                self.transmit(false, now, out);
            } else if self.queue.chunks.iter().filter(|c| c.sent.is_none()).count() == 1 {
                self.transmit(true, now, out);
            }
        }
        if !bytes.is_empty() {
            self.queue.mark_push();
        }
        self.transmit(false, now, out);
    }

    /// Sends what windows and Nagle's algorithm allow (`tcp_write_xmit`).
    pub(super) fn push_pending(&mut self, now: Time, out: &mut Vec<Action>) {
        self.transmit(false, now, out);
    }

    /// The same; only one packet where there is more to come from the program (`tcp_push_one`).
    fn transmit(&mut self, one: bool, now: Time, out: &mut Vec<Action>) {
        let mss = self.mss();
        let mut sent = false;
        while let Some(at) = self.queue.chunks.iter().position(|c| c.sent.is_none()) {
            let flying = self.queue.flying(mss);
            let cwnd = self.retransmission.cwnd;
            if flying >= cwnd {
                break;
            }
            let quota = (cwnd / 2).max(1).min(cwnd - flying);
            // No more than one packet takes, but two segments always (`tcp_tso_autosize`).
            let quota = if self.settings.gso { quota.min((LONGEST / mss).max(2)) } else { 1 };
            if self.settings.gso {
                self.queue.grow(at, quota * mss);
            }
            let chunk = &self.queue.chunks[at];
            let whole = chunk.bytes.len() as u32;
            let first_end = if whole > mss { chunk.seq.wrapping_add(mss) } else { chunk.end() };
            if after(first_end, self.snd_una.wrapping_add(self.snd_wnd)) {
                break;
            }
            let room = self.snd_una.wrapping_add(self.snd_wnd).wrapping_sub(chunk.seq);
            let mut limit = whole.min(quota * mss);
            if limit > room {
                limit = (room / mss * mss).max(mss.min(room));
            }
            let partial = limit == whole && !whole.is_multiple_of(mss);
            let waits = self.queue.small.is_some_and(|s| after(s, self.snd_una) && !after(s, self.snd_nxt));
            let fin = chunk.flags.has(TcpFlags::FIN);
            if partial && !fin && !self.settings.nodelay && self.queue.in_flight() && waits {
                if limit < mss {
                    break;
                }
                limit = limit / mss * mss;
            }
            // What is longer than a segment waits for more of the window (`tcp_tso_should_defer`); that the next
            // acknowledgement comes soon is taken for granted.
            let open = room.min((cwnd - flying) * mss);
            let middle = at + 1 < self.queue.chunks.len() && open >= whole;
            let third = self.snd_wnd.min(cwnd * mss) / 3;
            let gains = open <= whole || !fin;
            if self.settings.gso
                && !one
                && whole > mss
                && self.queue.in_flight()
                && !middle
                && open < third
                && gains
            {
                break;
            }
            if limit < whole {
                self.queue.split(at, limit as usize);
            }
            self.send_chunk(at, now, out);
            sent = true;
            if one {
                break;
            }
        }
        if sent {
            let (mss, sack) = (self.mss(), self.sack);
            self.retransmission.sent(&self.queue, mss, sack, now);
        }
    }

    /// Sends one chunk, for the first time or again.
    pub(super) fn send_chunk(&mut self, at: usize, now: Time, out: &mut Vec<Action>) {
        let mss = self.mss();
        let Some(chunk) = self.queue.chunks.get_mut(at) else { return };
        let first = chunk.sent.is_none();
        chunk.again |= !first;
        chunk.sent = Some(now);
        chunk.lost = false;
        if chunk.flags.has(TcpFlags::SYN) {
            self.send_syn(now, out);
            return;
        }
        let (seq, end, bytes) = (chunk.seq, chunk.end(), chunk.bytes.clone());
        // A packet of several segments is pushed, and stays so (`__tcp_transmit_skb`).
        if chunk.segments(mss) > 1 {
            chunk.flags = chunk.flags | TcpFlags::PSH;
        }
        let flags = chunk.flags | TcpFlags::ACK;
        if (bytes.len() as u32) < mss && !bytes.is_empty() && first {
            self.queue.small = Some(end);
        }
        let ect = if self.ecn && !bytes.is_empty() && first { 2 } else { 0 };
        if !bytes.is_empty() {
            self.acks.data_sent(now);
        }
        self.emit(seq, flags, bytes, ect, now, out);
        if before(self.snd_nxt, end) {
            self.snd_nxt = end;
        }
    }

    /// An acknowledgement alone.
    pub(super) fn send_ack(&mut self, now: Time, out: &mut Vec<Action>) {
        self.emit(self.snd_nxt, TcpFlags::ACK, Vec::new(), 0, now, out);
    }

    /// The RST with which a program's close ends a connection (`tcp_send_active_reset`).
    pub(super) fn send_active_reset(&mut self, now: Time, out: &mut Vec<Action>) {
        self.emit(self.snd_nxt, TcpFlags::RST | TcpFlags::ACK, Vec::new(), 0, now, out);
    }

    /// A segment of an established connection, with the window and the options of the moment.
    fn emit(&mut self, seq: u32, flags: TcpFlags, bytes: Vec<u8>, ect: u8, now: Time, out: &mut Vec<Action>) {
        let window = self.next_window();
        let mut options = TcpOptions::default();
        if self.timestamps {
            let stamp = TcpOption::Timestamp(self.stamp(now), self.ts_recent);
            options.0.extend([TcpOption::Nop, TcpOption::Nop, stamp]);
        }
        let room = (40 - options.size() as usize).saturating_sub(4) / 8;
        let blocks: Vec<_> = self
            .dsack
            .take()
            .into_iter()
            .chain(self.sacks.iter().copied())
            .filter(|_| self.sack)
            .take(room)
            .collect();
        if !blocks.is_empty() {
            options.0.extend([TcpOption::Nop, TcpOption::Nop, TcpOption::Sack(blocks)]);
        }
        self.acks.sent();
        let window = (window >> self.rcv_scale).min(65535) as u16;
        let numbers = TcpNumbers { seq, ack: self.rcv_nxt, window };
        self.put(flags, numbers, options, bytes, ect, out);
    }

    /// The SYN, or the SYN,ACK of a simultaneous open: its options are those of a SYN.
    pub(super) fn send_syn(&mut self, now: Time, out: &mut Vec<Action>) {
        let flags = self.syn_flags();
        let settings = &self.settings;
        let echo = if flags.has(TcpFlags::ACK) { self.ts_recent } else { 0 };
        let stamp = settings.timestamps.then_some((self.stamp(now), echo));
        // Only IPv4 offers what the whole way carries.
        let v4 = self.local.is_ipv4();
        let offer = mss(if v4 { self.path_mtu } else { settings.mtu }, v4);
        let options = syn_options(offer, stamp, settings.sack, settings.window_scale);
        let seq = self.queue.chunks.front().map_or(self.snd_una, |c| c.seq);
        let window = self.rcv_wnd.min(65535) as u16;
        if let Some(chunk) = self.queue.chunks.front_mut() {
            chunk.sent = Some(now);
        }
        let ack = if flags.has(TcpFlags::ACK) { self.rcv_nxt } else { 0 };
        self.put(flags, TcpNumbers { seq, ack, window }, options, Vec::new(), 0, out);
    }

    /// Puts a segment on its way.
    pub(super) fn put(
        &mut self,
        flags: TcpFlags,
        numbers: TcpNumbers,
        options: TcpOptions,
        bytes: Vec<u8>,
        ect: u8,
        out: &mut Vec<Action>,
    ) {
        let header = Header { from: self.local, to: self.remote, flags, numbers, options };
        let settings = &self.settings;
        let mut packet = make(header, bytes, settings.ttl, settings.tos | ect, settings.pmtu_discovery);
        let mss = self.mss();
        if packet.payload.len() > mss {
            packet.gso_size = mss as u16;
        }
        if self.local.is_ipv4() && !self.mini {
            packet.id = self.ip_id;
            self.ip_id = self.ip_id.wrapping_add(1);
        }
        out.push(Action::Send(packet));
    }

    /// The clock of the timestamp option: milliseconds, from a connection's own beginning.
    pub(super) fn stamp(&self, now: Time) -> u32 {
        self.secrets.timestamp.wrapping_add((now.as_nanos() / 1_000_000) as u32)
    }
}

/// The options of a SYN or a SYN,ACK, in Linux' order (`tcp_options_write`).
pub(super) fn syn_options(
    mss: u16,
    stamp: Option<(u32, u32)>,
    sack: bool,
    window_scale: Option<u8>,
) -> TcpOptions {
    let mut list = vec![TcpOption::Mss(mss)];
    match (stamp, sack) {
        (Some((value, echo)), true) => {
            list.extend([TcpOption::SackPermitted, TcpOption::Timestamp(value, echo)]);
        }
        (Some((value, echo)), false) => {
            list.extend([TcpOption::Nop, TcpOption::Nop, TcpOption::Timestamp(value, echo)]);
        }
        (None, true) => list.extend([TcpOption::Nop, TcpOption::Nop, TcpOption::SackPermitted]),
        (None, false) => {}
    }
    if let Some(shift) = window_scale {
        list.extend([TcpOption::Nop, TcpOption::WindowScale(shift)]);
    }
    TcpOptions(list)
}
