//! A segment comes to a connection (`tcp_rcv_established`, `tcp_rcv_state_process`, `tcp_validate_incoming`,
//! `tcp_ack` of the kernel).

use super::connection::Connection;
use super::segment::{Segment, after, before, reset_for};
use super::{Action, Errno, State};
use crate::abi::{Duration, Time};
use crate::packet::{Packet, TcpFlags, TcpOption};

/// `net.ipv4.tcp_invalid_ratelimit`: answers to segments out of the window are at least so far apart.
const CHALLENGE_PAUSE: Duration = Duration::from_millis(500);

/// What an acknowledgement was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ack {
    /// In the window.
    Good,
    /// Of something acknowledged before.
    Old,
    /// Of something never sent, or much too old.
    Bad,
}

impl Connection {
    /// A packet of this connection came. A packet that a host drops before any socket sees it (a wrong
    /// checksum, a fragment) does nothing.
    pub fn input(&mut self, packet: &Packet, now: Time) -> Vec<Action> {
        let mut out = Vec::new();
        let Some(segment) = Segment::read(packet) else { return out };
        match self.state {
            State::Closed => {}
            _ if self.mini => self.input_waiting(&segment, now, &mut out),
            State::SynSent => self.input_syn_sent(&segment, now, &mut out),
            State::SynRecv
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => self.input_open(&segment, now, &mut out),
        }
        out
    }

    /// The answer to a SYN, perhaps (`tcp_rcv_synsent_state_process`).
    fn input_syn_sent(&mut self, segment: &Segment<'_>, now: Time, out: &mut Vec<Action>) {
        if segment.has(TcpFlags::ACK) {
            if !after(segment.ack, self.snd_una) || after(segment.ack, self.snd_nxt) {
                self.retransmission.hasten(now);
                self.refuse(segment, out);
                return;
            }
            let echo = segment.timestamp.map_or(0, |(_, echo)| echo);
            let sent = self.secrets.timestamp;
            if self.settings.timestamps && echo != 0 && (before(echo, sent) || after(echo, self.stamp(now))) {
                self.refuse(segment, out);
                return;
            }
            if segment.has(TcpFlags::RST) {
                self.reset(out);
                return;
            }
            if !segment.has(TcpFlags::SYN) {
                return;
            }
            self.begin_receiving(segment);
            self.learn(segment.options, segment.timestamp);
            self.set_window(segment, u32::from(segment.window));
            self.state = State::Established;
            self.acknowledged(segment.ack, &[], false, now, out);
            out.push(Action::Connected);
            self.send_ack(now, out);
        } else if segment.has(TcpFlags::SYN) && !segment.has(TcpFlags::RST) {
            self.begin_receiving(segment);
            self.learn(segment.options, segment.timestamp);
            // Linux forgets here to give up a window scale that the other side did not offer.
            self.rcv_scale = self.settings.window_scale.unwrap_or(0);
            self.set_window(segment, u32::from(segment.window));
            self.state = State::SynRecv;
            self.send_syn(now, out);
        }
    }

    /// The other side's first sequence number is known.
    fn begin_receiving(&mut self, segment: &Segment<'_>) {
        self.rcv_nxt = segment.seq.wrapping_add(1);
        self.rcv_wup = self.rcv_nxt;
    }

    fn set_window(&mut self, segment: &Segment<'_>, window: u32) {
        self.snd_wnd = window;
        self.snd_wl1 = segment.seq;
        self.max_window = self.max_window.max(window);
    }

    /// A segment for a connection that has begun.
    pub(super) fn input_open(&mut self, segment: &Segment<'_>, now: Time, out: &mut Vec<Action>) {
        if !segment.flags.any(TcpFlags::ACK | TcpFlags::RST | TcpFlags::SYN)
            || !self.is_valid(segment, now, out)
        {
            return;
        }
        let acked = self.take_ack(segment, now, out);
        match (self.state, acked) {
            (State::SynRecv, Ack::Old | Ack::Bad) => {
                self.refuse(segment, out);
                return;
            }
            (_, Ack::Bad) => {
                self.challenge(now, out);
                return;
            }
            (_, Ack::Good | Ack::Old) => {}
        }
        let all_acked = self.queue.chunks.is_empty();
        match self.state {
            State::SynRecv => {
                self.state = State::Established;
                out.push(Action::Connected);
            }
            State::FinWait1 if all_acked => {
                self.state = State::FinWait2;
                if self.orphan {
                    if self.is_new_data(segment) {
                        self.die(out);
                        self.refuse(segment, out);
                        return;
                    }
                    if segment.has(TcpFlags::FIN) {
                        let span = Duration::from_secs(self.settings.fin_timeout.into());
                        self.ends = Some(now.after(span));
                    } else {
                        self.wait(State::FinWait2, now, out);
                        return;
                    }
                }
            }
            State::Closing if all_acked => {
                self.wait(State::TimeWait, now, out);
                return;
            }
            State::LastAck if all_acked => {
                self.die(out);
                return;
            }
            _ => {}
        }
        match self.state {
            State::CloseWait | State::Closing | State::LastAck if !before(segment.seq, self.rcv_nxt) => {}
            State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck => {
                let closing = self.state != State::Established;
                if closing && (self.orphan || self.receive_shut) && self.is_new_data(segment) {
                    self.fail(Errno::Econnreset, out);
                    self.refuse(segment, out);
                    return;
                }
                self.receive(segment, now, out);
            }
            State::SynSent | State::SynRecv | State::TimeWait | State::Closed => return,
        }
        if self.state != State::Closed && !self.mini {
            self.push_pending(now, out);
            self.check_ack(now, out);
        }
    }

    /// Bytes came that nobody will read.
    fn is_new_data(&self, segment: &Segment<'_>) -> bool {
        segment.end != segment.seq && after(segment.data_end(), self.rcv_nxt)
    }

    /// Answers a segment as a closed port does.
    pub(super) fn refuse(&self, segment: &Segment<'_>, out: &mut Vec<Action>) {
        out.extend(reset_for(segment.packet, self.settings.ttl).map(Action::Send));
    }

    /// The other side reset the connection (`tcp_reset`).
    fn reset(&mut self, out: &mut Vec<Action>) {
        let error = match self.state {
            State::SynSent => Errno::Econnrefused,
            State::CloseWait => Errno::Epipe,
            State::SynRecv
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::Closing
            | State::LastAck
            | State::TimeWait
            | State::Closed => Errno::Econnreset,
        };
        self.fail(error, out);
    }

    /// Checks timestamp, sequence numbers, RST and SYN (`tcp_validate_incoming`, RFC 5961). What is wrong is
    /// answered, or not, here.
    fn is_valid(&mut self, segment: &Segment<'_>, now: Time, out: &mut Vec<Action>) -> bool {
        let (rst, syn) = (segment.has(TcpFlags::RST), segment.has(TcpFlags::SYN));
        if self.is_old_stamp(segment) && !rst {
            if syn {
                self.challenge(now, out);
            } else {
                self.answer_strange(segment, now, out);
            }
            return false;
        }
        // A RST for what came before the other side's FIN, in a state after it.
        let late_reset = segment.seq == self.rcv_nxt.wrapping_sub(1)
            && matches!(self.state, State::CloseWait | State::LastAck | State::Closing);
        let edge = self.rcv_nxt.wrapping_add(self.receive_window());
        let beyond = after(segment.end, edge) && (after(segment.seq, edge) || !self.unread.is_empty());
        if before(segment.end, self.rcv_wup) || beyond {
            match (rst, syn) {
                (true, _) if late_reset => self.reset(out),
                (true, _) => {}
                (false, true) => self.challenge(now, out),
                (false, false) => self.answer_strange(segment, now, out),
            }
            return false;
        }
        if rst {
            let right_most =
                self.sacks.iter().map(|(_, to)| *to).reduce(|a, b| if after(a, b) { a } else { b });
            if segment.seq == self.rcv_nxt || late_reset || right_most == Some(segment.seq) {
                self.reset(out);
            } else {
                self.challenge(now, out);
            }
            return false;
        }
        if syn {
            let crossing = self.state == State::SynRecv
                && segment.has(TcpFlags::ACK)
                && segment.end == self.rcv_nxt
                && segment.ack == self.snd_nxt;
            if !crossing {
                self.challenge(now, out);
            }
            return crossing;
        }
        true
    }

    /// The timestamp is older than one seen before (PAWS, RFC 7323, section 5).
    pub(super) fn is_old_stamp(&self, segment: &Segment<'_>) -> bool {
        self.timestamps && segment.timestamp.is_some_and(|(value, _)| before(value, self.ts_recent))
    }

    /// Answers a segment that is out of the window with what is expected (`tcp_send_dupack`).
    fn answer_strange(&mut self, segment: &Segment<'_>, now: Time, out: &mut Vec<Action>) {
        if segment.end == segment.seq && !self.may_challenge(now) {
            return;
        }
        if segment.end != segment.seq && before(segment.seq, self.rcv_nxt) {
            self.acks.hurry(self.rcv_wnd);
            if self.sack {
                let end = if after(segment.end, self.rcv_nxt) { self.rcv_nxt } else { segment.end };
                self.dsack = Some((segment.seq, end));
            }
        }
        self.send_ack(now, out);
    }

    /// The acknowledgement that asks the other side whether it meant it (RFC 5961).
    fn challenge(&mut self, now: Time, out: &mut Vec<Action>) {
        if self.may_challenge(now) {
            self.send_ack(now, out);
        }
    }

    /// `tcp_oow_rate_limited`.
    pub(super) fn may_challenge(&mut self, now: Time) -> bool {
        let may = self.last_challenge.is_none_or(|last| now.since(last) >= CHALLENGE_PAUSE);
        if may {
            self.last_challenge = Some(now);
        }
        may
    }

    /// What the segment acknowledges, and the window that it tells (`tcp_ack`). One without ACK tells nothing.
    fn take_ack(&mut self, segment: &Segment<'_>, now: Time, out: &mut Vec<Action>) -> Ack {
        let ack = segment.ack;
        let blocks = segment.options.0.iter().find_map(|o| match o {
            TcpOption::Sack(blocks) if self.sack => Some(blocks.as_slice()),
            _ => None,
        });
        let blocks = blocks.unwrap_or_default();
        if before(ack, self.snd_una) {
            let known = u64::from(self.max_window).min(self.bytes_acked) as u32;
            if before(ack, self.snd_una.wrapping_sub(known)) {
                return Ack::Bad;
            }
            self.acknowledged(self.snd_una, blocks, false, now, out);
            return Ack::Old;
        }
        if after(ack, self.snd_nxt) {
            return Ack::Bad;
        }
        let stamp = segment.timestamp.filter(|_| self.timestamps && !after(segment.seq, self.rcv_wup));
        if let Some((value, _)) = stamp.filter(|(value, _)| !before(*value, self.ts_recent)) {
            self.ts_recent = value;
        }
        let window = u32::from(segment.window) << self.snd_scale;
        let same_window = window == self.snd_wnd;
        let newer = after(ack, self.snd_una)
            || after(segment.seq, self.snd_wl1)
            || (segment.seq == self.snd_wl1 && (window > self.snd_wnd || window == 0));
        if newer {
            self.set_window(segment, window);
        }
        let duplicate = ack == self.snd_una && segment.len() == 0 && same_window;
        self.acknowledged(ack, blocks, duplicate, now, out);
        Ack::Good
    }
}
