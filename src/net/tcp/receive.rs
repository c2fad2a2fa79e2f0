//! Bytes that come: in order, twice, too early; and the other side's FIN (`tcp_data_queue`, `tcp_fin`).

use super::connection::Connection;
use super::segment::{Segment, after, before};
use super::{Action, State};
use crate::abi::Time;
use crate::packet::TcpFlags;

impl Connection {
    /// Takes the bytes of a segment that passed all checks.
    pub(super) fn receive(&mut self, segment: &Segment<'_>, now: Time, out: &mut Vec<Action>) {
        if segment.seq == segment.end {
            return;
        }
        let window = self.receive_window();
        if !after(segment.end, self.rcv_nxt) {
            self.twice(segment.seq, segment.end);
            self.hurry();
        } else if !after(segment.seq, self.rcv_nxt) {
            if before(segment.seq, self.rcv_nxt) {
                self.twice(segment.seq, self.rcv_nxt);
            }
            if window == 0 && segment.len() > 0 {
                self.hurry();
                return;
            }
            self.in_order(segment, now, out);
        } else if before(segment.seq, self.rcv_nxt.wrapping_add(window)) {
            self.too_early(segment);
        } else {
            self.hurry();
        }
    }

    fn hurry(&mut self) {
        self.acks.hurry(self.rcv_wnd);
        self.acks.pending = true;
    }

    /// The next acknowledgement tells that these came twice (D-SACK, RFC 2883).
    fn twice(&mut self, from: u32, to: u32) {
        if self.sack {
            self.dsack = Some((from, to));
        }
    }

    fn in_order(&mut self, segment: &Segment<'_>, now: Time, out: &mut Vec<Action>) {
        let bytes = segment.data_from(self.rcv_nxt);
        if !bytes.is_empty() {
            self.deliver(&bytes, out);
            self.data_received(segment, now);
        }
        if segment.has(TcpFlags::FIN) {
            self.finished(now, out);
        }
        let had_early = !self.early.is_empty();
        while let Some((seq, _, _)) = self.early.first().filter(|(seq, _, _)| !after(*seq, self.rcv_nxt)) {
            let known = self.rcv_nxt.wrapping_sub(*seq) as usize;
            let (_, bytes, fin) = self.early.remove(0);
            if let Some(rest) = bytes.get(known..).filter(|rest| !rest.is_empty()) {
                self.deliver(rest, out);
            }
            if fin {
                self.finished(now, out);
                break;
            }
        }
        self.acks.now |= had_early && self.early.is_empty() && !self.mini;
        let nxt = self.rcv_nxt;
        self.sacks.retain(|(_, to)| after(*to, nxt));
    }

    /// Gives bytes to the program.
    fn deliver(&mut self, bytes: &[u8], out: &mut Vec<Action>) {
        self.rcv_nxt = self.rcv_nxt.wrapping_add(bytes.len() as u32);
        self.unread.extend_from_slice(bytes);
        out.push(Action::Data(bytes.into()));
    }

    /// Keeps what came too early, and tells the other side that it is here (`tcp_data_queue_ofo`).
    fn too_early(&mut self, segment: &Segment<'_>) {
        self.acks.pending = true;
        let (seq, end) = (segment.seq, segment.end);
        let covers = |(from, to): &(u32, u32)| !after(*from, seq) && !after(end, *to);
        if self.sacks.iter().any(covers) {
            self.twice(seq, end);
        } else {
            let piece = (seq, segment.data_from(seq), segment.has(TcpFlags::FIN));
            let at = self.early.partition_point(|(s, _, _)| before(*s, seq));
            self.early.insert(at, piece);
        }
        let (mut from, mut to) = (seq, end);
        self.sacks.retain(|(f, t)| {
            let apart = after(*f, to) || before(*t, from);
            if !apart {
                from = if before(*f, from) { *f } else { from };
                to = if after(*t, to) { *t } else { to };
            }
            apart
        });
        self.sacks.insert(0, (from, to));
        self.sacks.truncate(4);
    }

    /// The other side's FIN came, in order.
    fn finished(&mut self, now: Time, out: &mut Vec<Action>) {
        self.rcv_nxt = self.rcv_nxt.wrapping_add(1);
        self.receive_shut = true;
        self.acks.pending = true;
        self.early.clear();
        self.sacks.clear();
        if !self.orphan {
            out.push(Action::Eof);
        }
        match self.state {
            State::Established | State::SynRecv => {
                self.state = State::CloseWait;
                self.acks.pingpong = true;
            }
            State::FinWait1 => {
                self.send_ack(now, out);
                self.state = State::Closing;
            }
            State::FinWait2 => {
                self.send_ack(now, out);
                self.wait(State::TimeWait, now, out);
            }
            State::SynSent
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait
            | State::Closed => {}
        }
    }
}
