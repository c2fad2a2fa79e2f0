//! Sending again: the retransmission timeout, the probe for a lost tail, what is thought lost
//! (`tcp_timer.c`, `tcp_schedule_loss_probe`, `tcp_enter_loss` of the kernel).

use super::ack::TICK;
use super::connection::Connection;
use super::segment::after;
use super::send::SendQueue;
use super::{Action, Errno, State};
use crate::abi::{Duration, Time};
use crate::packet::TcpFlags;

/// `TCP_TIMEOUT_INIT`: before the way's delay is known.
const FIRST: Duration = Duration::from_secs(1);
/// `TCP_RTO_MIN`.
const LEAST: Duration = Duration::from_millis(200);
/// `TCP_RTO_MAX`.
const MOST: Duration = Duration::from_secs(120);
/// `TCP_TIMEOUT_MIN`: two ticks.
const SOON: Duration = Duration::from_millis(8);
/// `TCP_INIT_CWND`, segments.
const FIRST_CWND: u32 = 10;
/// So many segments above a hole make it a loss (`net.ipv4.tcp_reordering`).
const REORDERING: u32 = 3;
/// How often an orphan sends again (`tcp_orphan_retries`).
const ORPHAN_RETRIES: u32 = 8;

/// What is done when the timer is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// The first thing not acknowledged is sent again.
    Timeout,
    /// The last thing is sent again, or something new.
    Probe,
}

/// Timer, estimates and the congestion window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Retransmission {
    due: Option<(Time, Due)>,
    rto: Duration,
    /// Smoothed round trip and four times its mean deviation.
    estimate: Option<(Duration, Duration)>,
    /// Timeouts in a row, and when something was first sent again.
    pub(super) timeouts: u32,
    since: Option<Time>,
    /// A probe was sent, and the end of the stream then: until that is acknowledged there is no other.
    probed: Option<u32>,
    /// Segments that may be on their way at once, and where their growth slows down.
    pub(super) cwnd: u32,
    ssthresh: u32,
    /// A loss is being repaired, until this is acknowledged.
    repair: Option<u32>,
    duplicates: u32,
}

impl Default for Retransmission {
    fn default() -> Self {
        Retransmission {
            due: None,
            rto: FIRST,
            estimate: None,
            timeouts: 0,
            since: None,
            probed: None,
            cwnd: FIRST_CWND,
            ssthresh: u32::MAX,
            repair: None,
            duplicates: 0,
        }
    }
}

impl Retransmission {
    pub(super) fn rto(&self) -> Duration {
        self.rto
    }

    pub(super) fn srtt(&self) -> Option<Duration> {
        self.estimate.map(|(srtt, _)| srtt)
    }

    pub(super) fn at(&self) -> Option<Time> {
        self.due.map(|(at, _)| at)
    }

    pub(super) fn stop(&mut self) {
        self.due = None;
    }

    /// True while the first SYN is just being sent.
    pub(super) fn has_begun_at(&self, now: Time) -> bool {
        self.timeouts == 0 && self.due == Some((now.after(self.rto), Due::Timeout))
    }

    /// A SYN was sent for the first time.
    pub(super) fn arm_syn(&mut self, now: Time) {
        self.due = Some((now.after(self.rto), Due::Timeout));
    }

    /// An answer to the SYN was wrong: the SYN is sent again soon.
    pub(super) fn hasten(&mut self, now: Time) {
        if self.timeouts == 0 {
            self.due = Some((now.after(SOON), Due::Timeout));
        }
    }

    /// A round trip was measured (`tcp_rtt_estimator`, RFC 6298).
    pub(super) fn measured(&mut self, rtt: Duration) {
        let (srtt, deviation) = match self.estimate {
            None => (rtt, rtt * 2),
            Some((srtt, deviation)) => {
                let error = srtt.abs_diff(rtt);
                (srtt * 7 / 8 + rtt / 8, deviation * 3 / 4 + error)
            }
        };
        self.estimate = Some((srtt, deviation));
        self.reset_rto();
    }

    fn reset_rto(&mut self) {
        self.rto = match self.estimate {
            Some((srtt, deviation)) => (srtt + deviation.max(LEAST)).min(MOST),
            None => FIRST,
        };
    }

    /// Something new was sent: a probe is due if nothing answers, else a timeout.
    pub(super) fn sent(&mut self, queue: &SendQueue, mss: u32, sack: bool, now: Time) {
        if self.due.is_none_or(|(_, due)| due == Due::Probe) || self.timeouts == 0 {
            self.arm(queue, mss, sack, now);
        }
    }

    /// Sets the timer after what is on its way.
    fn arm(&mut self, queue: &SendQueue, mss: u32, sack: bool, now: Time) {
        let mut flying = queue.chunks.iter().filter(|c| c.sent.is_some());
        let Some(first) = flying.next() else {
            self.due = None;
            return;
        };
        let timeout = match self.timeouts {
            0 => first.sent.unwrap_or(now).after(self.rto).max(now),
            _ => now.after(self.rto),
        };
        let disorder = queue.chunks.iter().any(|c| c.sacked);
        if !sack || self.repair.is_some() || disorder {
            self.due = Some((timeout, Due::Timeout));
            return;
        }
        let segments = first.segments(mss) + flying.map(|c| c.segments(mss)).sum::<u32>();
        let wait = match self.estimate {
            Some((srtt, _)) if segments == 1 => srtt * 2 + LEAST,
            Some((srtt, _)) => srtt * 2 + TICK,
            None => FIRST,
        };
        self.due = Some((now.after(wait).min(timeout), Due::Probe));
    }

    /// How long a program's data may stay unacknowledged (`tcp_model_timeout`).
    fn patience(retries: u32) -> Duration {
        let doubling = retries.min(9);
        LEAST * ((2u32 << doubling) - 1) + MOST * (retries - doubling)
    }
}

impl Connection {
    /// When [`Connection::timer`] is to be called next.
    pub fn next_timer(&self) -> Option<Time> {
        [self.retransmission.at(), self.acks.at, self.ends].into_iter().flatten().min()
    }

    /// Does what is due: retransmissions, delayed acknowledgements, the end of waiting states.
    pub fn timer(&mut self, now: Time) -> Vec<Action> {
        let mut out = Vec::new();
        if self.ends.is_some_and(|at| at <= now) {
            self.die(&mut out);
            return out;
        }
        if self.acks.at.is_some_and(|at| at <= now) {
            self.ack_timer(now, &mut out);
        }
        match self.retransmission.due {
            Some((at, Due::Probe)) if at <= now => self.probe(now, &mut out),
            Some((at, Due::Timeout)) if at <= now && self.is_opening() => self.syn_again(now, &mut out),
            Some((at, Due::Timeout)) if at <= now => self.timeout(now, &mut out),
            Some(_) | None => {}
        }
        out
    }

    /// The SYN was not answered. Its pauses double only after some of one second.
    fn syn_again(&mut self, now: Time, out: &mut Vec<Action>) {
        let linear = match self.state {
            State::SynSent => u32::from(self.settings.syn_linear_timeouts),
            _ => 0,
        };
        let r = &mut self.retransmission;
        if r.timeouts >= u32::from(self.settings.syn_retries) + linear {
            let error = self.soft_error.unwrap_or(Errno::Etimedout);
            self.fail(error, out);
            return;
        }
        r.timeouts += 1;
        if r.timeouts > linear {
            r.rto = (r.rto * 2).min(MOST);
        }
        r.due = Some((now.after(r.rto), Due::Timeout));
        if let Some(chunk) = self.queue.chunks.front_mut() {
            chunk.again = true;
        }
        self.send_syn(now, out);
    }

    /// Sends the tail again, or something new (`tcp_send_loss_probe`).
    fn probe(&mut self, now: Time, out: &mut Vec<Action>) {
        let mss = self.mss();
        self.retransmission.due = Some((now.after(self.retransmission.rto), Due::Timeout));
        if self.retransmission.probed.is_some() {
            return;
        }
        let chunks = &self.queue.chunks;
        let waiting = chunks.iter().position(|c| c.sent.is_none());
        let window = self.snd_una.wrapping_add(self.snd_wnd);
        match waiting {
            Some(at) if !after(chunks[at].end(), window) => self.send_chunk(at, now, out),
            Some(_) | None => {
                if let Some(mut at) = chunks.iter().rposition(|c| c.sent.is_some()) {
                    let segments = chunks[at].segments(mss);
                    if segments > 1 {
                        self.queue.split(at, ((segments - 1) * mss) as usize);
                        at += 1;
                    }
                    self.send_chunk(at, now, out);
                    self.retransmission.since.get_or_insert(now);
                }
            }
        }
        self.retransmission.probed = Some(self.snd_nxt);
    }

    /// Nothing was acknowledged in time (`tcp_retransmit_timer`).
    fn timeout(&mut self, now: Time, out: &mut Vec<Action>) {
        let retries = if self.orphan { ORPHAN_RETRIES } else { u32::from(self.settings.retries2) };
        let waited = self.retransmission.since.map(|s| now.since(s));
        if waited.is_some_and(|w| w >= Retransmission::patience(retries)) {
            let error = self.soft_error.unwrap_or(Errno::Etimedout);
            self.fail(error, out);
            return;
        }
        let mss = self.mss();
        let r = &mut self.retransmission;
        r.since.get_or_insert(now);
        if r.timeouts == 0 {
            r.ssthresh = (r.cwnd * 7 / 10).max(2);
        }
        r.timeouts += 1;
        r.cwnd = 1;
        r.duplicates = 0;
        r.repair = Some(self.snd_nxt);
        for chunk in self.queue.chunks.iter_mut().filter(|c| c.sent.is_some() && !c.sacked) {
            chunk.lost = true;
        }
        if !self.queue.in_flight() {
            r.due = None;
            return;
        }
        self.queue.split(0, mss as usize);
        self.queue.join(0, mss);
        self.send_chunk(0, now, out);
        let r = &mut self.retransmission;
        r.rto = (r.rto * 2).min(MOST);
        r.due = Some((now.after(r.rto), Due::Timeout));
    }

    /// Takes away what is acknowledged, and repairs what is lost.
    ///
    /// `blocks` are the segment's SACK blocks; `duplicate` tells that it acknowledged nothing new.
    pub(super) fn acknowledged(
        &mut self,
        ack: u32,
        blocks: &[(u32, u32)],
        duplicate: bool,
        now: Time,
        out: &mut Vec<Action>,
    ) {
        let mss = self.mss();
        let progress = after(ack, self.snd_una);
        let opening = self.queue.chunks.front().is_some_and(|c| c.flags.has(TcpFlags::SYN));
        let mut segments = 0;
        let mut rtt = None;
        while let Some(chunk) = self.queue.chunks.front().filter(|c| c.sent.is_some()) {
            if after(chunk.end(), ack) {
                break;
            }
            segments += chunk.segments(mss);
            if !chunk.again {
                rtt = chunk.sent.map(|sent| now.since(sent));
            }
            self.queue.chunks.pop_front();
        }
        if let Some(first) =
            self.queue.chunks.front_mut().filter(|c| after(ack, c.seq) && after(c.end(), ack))
        {
            let gone = (ack.wrapping_sub(first.seq) as usize).min(first.bytes.len());
            first.bytes.drain(..gone);
            first.seq = ack;
        }
        if progress {
            self.bytes_acked += u64::from(ack.wrapping_sub(self.snd_una));
            self.snd_una = ack;
        }
        for chunk in self.queue.chunks.iter_mut().filter(|c| c.sent.is_some()) {
            let has = |(from, to): &(u32, u32)| !after(*from, chunk.seq) && !after(chunk.end(), *to);
            chunk.sacked |= blocks.iter().any(has);
            chunk.lost &= !chunk.sacked;
        }
        let r = &mut self.retransmission;
        if let Some(rtt) = rtt {
            r.measured(rtt);
        }
        if progress {
            r.timeouts = 0;
            r.since = None;
            r.duplicates = 0;
            r.probed = r.probed.filter(|end| after(*end, ack));
            r.reset_rto();
            if r.cwnd < r.ssthresh && !opening {
                r.cwnd = r.cwnd.saturating_add(segments);
            }
            if r.repair.is_some_and(|until| !after(until, ack)) {
                r.repair = None;
            }
        } else if duplicate && self.queue.in_flight() {
            r.duplicates += 1;
        }
        self.find_losses();
        self.repair(now, out);
        if progress {
            let (mss, sack) = (self.mss(), self.sack);
            self.retransmission.arm(&self.queue, mss, sack, now);
        }
    }

    /// A hole below enough that the other side has is a loss (RFC 6675).
    fn find_losses(&mut self) {
        let mss = self.mss();
        let mut above = 0;
        let mut found = false;
        for chunk in self.queue.chunks.iter_mut().rev().filter(|c| c.sent.is_some()) {
            if chunk.sacked {
                above += chunk.segments(mss);
            } else if above >= REORDERING && !chunk.again {
                found |= !chunk.lost;
                chunk.lost = true;
            }
        }
        let r = &mut self.retransmission;
        let third = !self.sack && r.duplicates == REORDERING;
        if let Some(first) = self.queue.chunks.front_mut().filter(|_| third) {
            first.lost = true;
            found = true;
        }
        if found && r.repair.is_none() {
            r.ssthresh = (r.cwnd * 7 / 10).max(2);
            r.cwnd = r.ssthresh;
            r.repair = Some(self.snd_nxt);
        }
    }

    /// Sends again what is thought lost, as far as the window allows (`tcp_xmit_retransmit_queue`).
    fn repair(&mut self, now: Time, out: &mut Vec<Action>) {
        let mss = self.mss();
        let mut at = 0;
        while let Some(chunk) = self.queue.chunks.get(at) {
            if chunk.sent.is_some() && !chunk.sacked && chunk.lost {
                let room = self.retransmission.cwnd.saturating_sub(self.queue.flying(mss));
                if room == 0 {
                    return;
                }
                let room = if self.settings.gso { room } else { 1 };
                self.queue.split(at, (room * mss) as usize);
                self.queue.join(at, mss);
                self.send_chunk(at, now, out);
            }
            at += 1;
        }
    }

    /// The way became narrower: what no longer fits is sent again in smaller pieces (`tcp_simple_retransmit`).
    pub(super) fn narrow(&mut self, mtu: u32, now: Time, out: &mut Vec<Action>) {
        self.path_mtu = mtu;
        let mss = self.mss();
        let mut found = false;
        for chunk in self.queue.chunks.iter_mut().filter(|c| c.sent.is_some() && !c.sacked) {
            let syn = chunk.flags.has(TcpFlags::SYN);
            if !syn && chunk.bytes.len() as u32 > mss {
                chunk.lost = true;
                found = true;
            }
        }
        if found {
            let r = &mut self.retransmission;
            r.repair = Some(self.snd_nxt);
            self.repair(now, out);
            let (sack, r) = (self.sack, &mut self.retransmission);
            r.arm(&self.queue, mss, sack, now);
        }
    }
}
