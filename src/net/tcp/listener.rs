//! A listening socket and the handshakes it has begun (`tcp_conn_request`, `tcp_check_req` of the kernel).

use super::connection::{Connection, initial_sequence};
use super::icmp::quoted_sequence;
use super::segment::{Header, Secrets, Segment, before, in_window, make, reset_for};
use super::send::syn_options;
use super::window::initial_window;
use super::{Action, Settings, State, mss};
use crate::abi::{Duration, Time};
use crate::net::errno::icmp_to_errno;
use crate::packet::{Icmp, Packet, TcpFlags, TcpNumbers, TcpOption, TcpOptions};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// A listening socket. Packets for it come after those for connections: a connection it gave out is no longer
/// its business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    settings: Settings,
    /// By this side's end and the other's.
    requests: BTreeMap<(SocketAddr, SocketAddr), Request>,
}

/// A SYN that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Request {
    irs: u32,
    iss: u32,
    /// The SYN's options.
    options: TcpOptions,
    ts_recent: Option<u32>,
    ecn: bool,
    window: u32,
    sent: Time,
    again: Time,
    retries: u8,
    last_challenge: Option<Time>,
}

impl Listener {
    /// `listen(2)`. Which packets reach it is its holder's choice: it answers with the address and port that
    /// were asked.
    pub fn new(settings: Settings) -> Self {
        Listener { settings, requests: BTreeMap::new() }
    }

    /// Takes other settings for the handshakes to come: another way back has another MTU.
    pub fn set_settings(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Whether a handshake is under way between this address and that one.
    pub fn has_request(&self, local: SocketAddr, remote: SocketAddr) -> bool {
        self.requests.contains_key(&(local, remote))
    }

    /// How many handshakes are open.
    pub fn requests(&self) -> usize {
        self.requests.len()
    }

    /// A packet came that no connection wanted: a SYN, an ACK of a handshake, or nonsense.
    pub fn input(&mut self, packet: &Packet, now: Time) -> Vec<Action> {
        self.process(packet, None, now)
    }

    /// A SYN that a connection in TIME-WAIT gave way to ([`Connection::gives_way_to`]).
    pub fn reopen(&mut self, packet: &Packet, isn: u32, now: Time) -> Vec<Action> {
        self.process(packet, Some(isn), now)
    }

    fn process(&mut self, packet: &Packet, isn: Option<u32>, now: Time) -> Vec<Action> {
        let mut out = Vec::new();
        let (Some(segment), Some((sport, dport))) = (Segment::read(packet), packet.ports()) else {
            return out;
        };
        let ends = (SocketAddr::new(packet.dst, dport), SocketAddr::new(packet.src, sport));
        if self.requests.contains_key(&ends) && self.input_request(ends, &segment, now, &mut out) {
            return out;
        }
        if segment.has(TcpFlags::ACK) {
            out.extend(reset_for(packet, self.settings.ttl).map(Action::Send));
        } else if segment.has(TcpFlags::SYN) && !segment.flags.any(TcpFlags::RST | TcpFlags::FIN) {
            let iss = isn.unwrap_or_else(|| initial_sequence(now));
            let stamps = self.settings.timestamps && segment.timestamp.is_some();
            let largest = mss(self.settings.mtu, packet.src.is_ipv4()) - if stamps { 12 } else { 0 };
            let request = Request {
                irs: segment.seq,
                iss,
                options: segment.options.clone(),
                ts_recent: segment.timestamp.map(|(value, _)| value).filter(|_| stamps),
                ecn: segment.has(TcpFlags::ECE | TcpFlags::CWR) && packet.tos & 3 == 0,
                window: initial_window(largest),
                sent: now,
                again: now.after(Duration::from_secs(1)),
                retries: 0,
                last_challenge: None,
            };
            out.push(Action::Send(self.syn_ack(ends, &request, now)));
            self.requests.insert(ends, request);
        }
        out
    }

    /// A further segment of a handshake. False where it is the listener's to answer.
    fn input_request(
        &mut self,
        ends: (SocketAddr, SocketAddr),
        segment: &Segment<'_>,
        now: Time,
        out: &mut Vec<Action>,
    ) -> bool {
        let Some(request) = self.requests.get_mut(&ends) else { return false };
        let old = match (segment.timestamp, request.ts_recent) {
            (Some((value, _)), Some(recent)) => before(value, recent),
            _ => false,
        };
        let (syn, rst, ack) =
            (segment.has(TcpFlags::SYN), segment.has(TcpFlags::RST), segment.has(TcpFlags::ACK));
        if segment.seq == request.irs && syn && !rst && !ack && !old {
            if request.may_challenge(now) {
                request.again = now.after(request.pause());
                let packet = self.requests.get(&ends).map(|r| self.syn_ack(ends, r, now));
                out.extend(packet.map(Action::Send));
            }
            return true;
        }
        if ack && segment.ack != request.iss.wrapping_add(1) {
            return false;
        }
        let first = request.irs.wrapping_add(1);
        let edge = first.wrapping_add(request.window);
        if (old && !rst) || !in_window(segment.seq, segment.end, first, edge) {
            if !rst && (segment.len() > 0 || request.may_challenge(now)) {
                let packet = self.requests.get(&ends).map(|r| self.plain_ack(ends, r, now));
                out.extend(packet.map(Action::Send));
            }
            return true;
        }
        if rst {
            // One that is in the window but not exact is asked back (RFC 5961, section 3.2).
            if segment.seq == first {
                self.requests.remove(&ends);
            } else if request.may_challenge(now) {
                let packet = self.requests.get(&ends).map(|r| self.plain_ack(ends, r, now));
                out.extend(packet.map(Action::Send));
            }
            return true;
        }
        if syn {
            self.requests.remove(&ends);
            out.extend(reset_for(segment.packet, self.settings.ttl).map(Action::Send));
            return true;
        }
        if !ack {
            return true;
        }
        if let Some(request) = self.requests.remove(&ends) {
            let (connection, actions) = self.establish(ends, &request, segment, now);
            out.push(Action::Accepted(Box::new(connection)));
            out.extend(actions);
        }
        true
    }

    /// The handshake is done: a connection, and what it does with the segment that ended it.
    fn establish(
        &self,
        ends: (SocketAddr, SocketAddr),
        request: &Request,
        segment: &Segment<'_>,
        now: Time,
    ) -> (Connection, Vec<Action>) {
        let mut made = Connection::new(ends.0, ends.1, request.iss, self.settings.clone());
        made.state = State::Established;
        made.snd_una = request.iss.wrapping_add(1);
        made.snd_nxt = made.snd_una;
        made.queue.begin(made.snd_nxt);
        made.rcv_nxt = request.irs.wrapping_add(1);
        made.rcv_wup = made.rcv_nxt;
        made.rcv_wnd = request.window;
        made.room.limit = request.window;
        made.learn(&request.options, request.ts_recent.map(|value| (value, 0)));
        made.ecn = request.ecn;
        made.snd_wnd = u32::from(segment.window) << made.snd_scale;
        made.max_window = made.snd_wnd;
        made.snd_wl1 = segment.seq;
        if request.retries == 0 {
            made.retransmission.measured(now.since(request.sent));
        }
        let mut actions = Vec::new();
        made.input_open(segment, now, &mut actions);
        (made, actions)
    }

    /// An ICMP error came about a SYN,ACK of this listener: some end the handshake (`tcp_req_err`).
    pub fn icmp_error(&mut self, icmp: &Icmp) {
        let Some(quoted) = icmp.quoted.as_deref() else { return };
        let Some((sport, dport)) = quoted.ports() else { return };
        let ends = (SocketAddr::new(quoted.src, sport), SocketAddr::new(quoted.dst, dport));
        let Some(request) = self.requests.get(&ends) else { return };
        let v4 = quoted.src.is_ipv4();
        let ends_it = match (v4, icmp.kind.ty, icmp.kind.code) {
            (true, 3, 0 | 1) | (true, 11 | 12, _) => true,
            (true, _, _) => false,
            (false, _, _) => icmp_to_errno(icmp.kind, false).is_some_and(|(_, fatal)| fatal),
        };
        if ends_it && quoted_sequence(quoted).is_none_or(|seq| seq == request.iss) {
            self.requests.remove(&ends);
        }
    }

    /// When [`Listener::timer`] is to be called next.
    pub fn next_timer(&self) -> Option<Time> {
        self.requests.values().map(|r| r.again).min()
    }

    /// Sends SYN,ACKs again, gives up handshakes.
    pub fn timer(&mut self, now: Time) -> Vec<Action> {
        let mut out = Vec::new();
        let most = self.settings.synack_retries;
        self.requests.retain(|_, r| r.again > now || r.retries < most);
        let due: Vec<_> = self.requests.iter().filter(|(_, r)| r.again <= now).map(|(e, _)| *e).collect();
        for ends in due {
            if let Some(request) = self.requests.get_mut(&ends) {
                request.retries += 1;
                request.again = now.after(request.pause());
            }
            out.extend(self.requests.get(&ends).map(|r| Action::Send(self.syn_ack(ends, r, now))));
        }
        out
    }

    fn syn_ack(&self, ends: (SocketAddr, SocketAddr), request: &Request, now: Time) -> Packet {
        let stamp = request.ts_recent.map(|recent| (stamp(ends, now), recent));
        let sack = self.settings.sack && request.options.has(TcpOption::SackPermitted.kind());
        let scale = self.settings.window_scale.filter(|_| request.options.window_scale().is_some());
        let options = syn_options(mss(self.settings.mtu, ends.0.is_ipv4()), stamp, sack, scale);
        let ece = if request.ecn { TcpFlags::ECE } else { TcpFlags::default() };
        let numbers = TcpNumbers {
            seq: request.iss,
            ack: request.irs.wrapping_add(1),
            window: request.window.min(65535) as u16,
        };
        self.packet(ends, TcpFlags::SYN | TcpFlags::ACK | ece, numbers, options)
    }

    /// An acknowledgement for a connection that is not made yet.
    fn plain_ack(&self, ends: (SocketAddr, SocketAddr), request: &Request, now: Time) -> Packet {
        let mut options = TcpOptions::default();
        if let Some(recent) = request.ts_recent {
            options.0.extend([
                TcpOption::Nop,
                TcpOption::Nop,
                TcpOption::Timestamp(stamp(ends, now), recent),
            ]);
        }
        let scale =
            self.settings.window_scale.filter(|_| request.options.window_scale().is_some()).unwrap_or(0);
        let numbers = TcpNumbers {
            seq: request.iss.wrapping_add(1),
            ack: request.irs.wrapping_add(1),
            window: (request.window >> scale).min(65535) as u16,
        };
        self.packet(ends, TcpFlags::ACK, numbers, options)
    }

    fn packet(
        &self,
        ends: (SocketAddr, SocketAddr),
        flags: TcpFlags,
        numbers: TcpNumbers,
        options: TcpOptions,
    ) -> Packet {
        let header = Header { from: ends.0, to: ends.1, flags, numbers, options };
        make(header, Vec::new(), self.settings.ttl, self.settings.tos, self.settings.pmtu_discovery)
    }
}

impl Request {
    /// How long the next answer to a SYN,ACK is waited for.
    fn pause(&self) -> Duration {
        Duration::from_secs((1 << self.retries.min(7)).min(120))
    }

    /// Answers to nonsense are at least half a second apart (`tcp_oow_rate_limited`).
    fn may_challenge(&mut self, now: Time) -> bool {
        let may = self.last_challenge.is_none_or(|last| now.since(last) >= Duration::from_millis(500));
        if may {
            self.last_challenge = Some(now);
        }
        may
    }
}

fn stamp(ends: (SocketAddr, SocketAddr), now: Time) -> u32 {
    Secrets::of(ends.0, ends.1).timestamp.wrapping_add((now.as_nanos() / 1_000_000) as u32)
}
