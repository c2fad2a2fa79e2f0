//! TIME-WAIT, and FIN-WAIT-2 of a socket that its program closed (`tcp_timewait_state_process`).

use super::connection::{Connection, TIME_WAIT};
use super::segment::{Segment, after, before, in_window};
use super::{Action, State};
use crate::abi::Time;
use crate::packet::{Packet, TcpFlags, TcpNumbers, TcpOption, TcpOptions};

impl Connection {
    /// A SYN may open a new connection over one in TIME-WAIT. Returns the first sequence number with which a
    /// listener is then to answer ([`super::Listener::reopen`]); this machine is forgotten. Where no listener
    /// wants it, the SYN goes to [`Connection::input`] instead.
    pub fn gives_way_to(&self, packet: &Packet) -> Option<u32> {
        let segment = Segment::read(packet)?;
        let syn = segment.has(TcpFlags::SYN) && !segment.flags.any(TcpFlags::RST | TcpFlags::ACK);
        let newer =
            segment.timestamp.is_some_and(|(value, _)| self.timestamps && after(value, self.ts_recent));
        let fresh = after(segment.seq, self.rcv_nxt) || newer;
        let isn = self.snd_nxt.wrapping_add(65535 + 2);
        (self.state == State::TimeWait && syn && fresh && !self.is_old_stamp(&segment)).then_some(isn.max(1))
    }

    pub(super) fn input_waiting(&mut self, segment: &Segment<'_>, now: Time, out: &mut Vec<Action>) {
        let old = self.is_old_stamp(segment);
        let rst = segment.has(TcpFlags::RST);
        if self.state == State::FinWait2 {
            let edge = self.rcv_nxt.wrapping_add(self.receive_window());
            if (old && !rst) || !in_window(segment.seq, segment.end, self.rcv_nxt, edge) {
                self.answer_waiting(segment, now, out);
            } else if rst {
                self.die(out);
            } else if segment.has(TcpFlags::SYN) && !before(segment.seq, self.rcv_nxt) {
                self.kill(segment, out);
            } else if !segment.has(TcpFlags::ACK)
                || !after(segment.end, self.rcv_nxt)
                || segment.end == segment.seq
            {
                // Nothing new.
            } else if !segment.has(TcpFlags::FIN) || segment.end != self.rcv_nxt.wrapping_add(1) {
                self.kill(segment, out);
            } else {
                self.state = State::TimeWait;
                self.rcv_nxt = segment.end;
                if let Some((value, _)) = segment.timestamp.filter(|_| self.timestamps) {
                    self.ts_recent = value;
                }
                self.ends = Some(now.after(TIME_WAIT));
                self.send_waiting(now, out);
            }
            return;
        }
        if !old && segment.seq == self.rcv_nxt && (segment.seq == segment.end || rst) {
            if rst {
                self.die(out);
            } else {
                self.ends = Some(now.after(TIME_WAIT));
                if let Some((value, _)) = segment.timestamp.filter(|_| self.timestamps) {
                    self.ts_recent = value;
                }
            }
            return;
        }
        if !rst {
            if old || segment.has(TcpFlags::ACK) {
                self.ends = Some(now.after(TIME_WAIT));
            }
            self.answer_waiting(segment, now, out);
        }
    }

    /// Resets what nobody waits for any more.
    fn kill(&mut self, segment: &Segment<'_>, out: &mut Vec<Action>) {
        self.refuse(segment, out);
        self.die(out);
    }

    fn answer_waiting(&mut self, segment: &Segment<'_>, now: Time, out: &mut Vec<Action>) {
        let bare = segment.end == segment.seq || segment.has(TcpFlags::SYN);
        if !bare || self.may_challenge(now) {
            self.send_waiting(now, out);
        }
    }

    /// The acknowledgement of a small socket: it tells the last window again.
    fn send_waiting(&mut self, now: Time, out: &mut Vec<Action>) {
        let window = (self.rcv_wnd >> self.rcv_scale).min(65535) as u16;
        let mut options = TcpOptions::default();
        if self.timestamps {
            let stamp = TcpOption::Timestamp(self.stamp(now), self.ts_recent);
            options.0.extend([TcpOption::Nop, TcpOption::Nop, stamp]);
        }
        let numbers = TcpNumbers { seq: self.snd_nxt, ack: self.rcv_nxt, window };
        self.put(TcpFlags::ACK, numbers, options, Vec::new(), 0, out);
    }
}
