//! TCP as connection tracking follows it: which segment leads from which state to which.
//!
//! Semantics of `nf_conntrack_proto_tcp` in Linux 6.18. Where a packet's sequence numbers are not told, the
//! window is not checked.

use super::window::{self, Last, Place, Seen, Side, Window, before};
use super::{ConntrackSettings, TcpState};
use crate::packet::{Direction, Tcp, TcpFlags, TcpNumbers};

/// What a segment does to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It belongs to the connection and leads to this state.
    To(TcpState),
    /// It belongs to the connection and changes nothing.
    Ignore,
    /// It ends this connection and opens another with the same addresses and ports.
    Reopen,
    /// It is INVALID: the connection's state takes no such segment.
    Invalid,
    /// It is INVALID: it lies outside of the window.
    OutOfWindow,
    /// It is INVALID: a RST that lies before what the other side acknowledged.
    StaleReset,
}

/// The kinds of segments that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Syn,
    SynAck,
    Fin,
    Ack,
    Rst,
}

/// What is remembered of a connection besides its state (`struct ip_ct_tcp`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TcpTrack {
    sides: [Side; 2],
    last: Last,
    last_segment: Option<Segment>,
    /// `None` is the direction of the first packet, as in the kernel's zeroed memory.
    last_reply: bool,
    ignored: Ignored,
    simultaneous: bool,
}

/// What the options of an ignored SYN said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ignored {
    scale: Option<u8>,
    sack: bool,
    /// A challenge acknowledgement may answer it (RFC 5961).
    challenge: bool,
}

/// A segment at a connection.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub tcp: &'a Tcp,
    /// Bytes of payload.
    pub len: u32,
    pub dir: Direction,
    /// Packets were seen in both directions.
    pub seen_reply: bool,
    pub assured: bool,
    /// By how much NAT shifted the stream that it acknowledges.
    pub shift: i32,
    pub settings: &'a ConntrackSettings,
}

impl Given<'_> {
    /// One past the segment's last sequence number.
    fn end(&self, numbers: TcpNumbers) -> u32 {
        let flag = |flag| u32::from(self.tcp.flags.has(flag));
        numbers.seq.wrapping_add(self.len).wrapping_add(flag(TcpFlags::SYN)).wrapping_add(flag(TcpFlags::FIN))
    }
}

/// Which kind a segment is; `None` for combinations of flags that no real sender uses. PSH, ECE and CWR do
/// not count.
pub(super) fn segment(flags: TcpFlags) -> Option<Segment> {
    let core = flags.0 & !(TcpFlags::PSH | TcpFlags::ECE | TcpFlags::CWR).0;
    let without_urg = core & !TcpFlags::URG.0;
    let urg = core != without_urg;
    const SYN: u8 = TcpFlags::SYN.0;
    const ACK: u8 = TcpFlags::ACK.0;
    const RST: u8 = TcpFlags::RST.0;
    const FIN: u8 = TcpFlags::FIN.0;
    const SYN_ACK: u8 = SYN | ACK;
    const RST_ACK: u8 = RST | ACK;
    const FIN_ACK: u8 = FIN | ACK;
    match without_urg {
        SYN => Some(Segment::Syn),
        ACK => Some(Segment::Ack),
        FIN_ACK => Some(Segment::Fin),
        SYN_ACK if !urg => Some(Segment::SynAck),
        RST | RST_ACK if !urg => Some(Segment::Rst),
        _ => None,
    }
}

/// The state that a segment without a connection opens: SYN_SENT for a SYN, and, with
/// `nf_conntrack_tcp_loose`, ESTABLISHED for a lone ACK; `None` where it is INVALID.
pub(super) fn open(flags: TcpFlags, loose: bool) -> Option<TcpState> {
    match segment(flags)? {
        Segment::Syn => Some(TcpState::SynSent),
        Segment::Ack if loose => Some(TcpState::Established),
        Segment::Ack | Segment::SynAck | Segment::Fin | Segment::Rst => None,
    }
}

/// What the table of states says (`tcp_conntracks`).
fn table(state: TcpState, dir: Direction, segment: Segment) -> Step {
    use TcpState as S;
    let to = Step::To;
    match (dir, segment) {
        (_, Segment::Rst) => to(S::Close),
        (Direction::Original, Segment::Syn) => match state {
            S::SynSent => to(S::SynSent),
            S::SynSent2 => to(S::SynSent2),
            S::TimeWait | S::Close => Step::Reopen,
            S::SynRecv | S::Established | S::FinWait | S::CloseWait | S::LastAck => Step::Ignore,
        },
        (Direction::Reply, Segment::Syn) => match state {
            // Both sides open at once.
            S::SynSent | S::SynSent2 => to(S::SynSent2),
            S::TimeWait => Step::Reopen,
            S::SynRecv | S::Established | S::FinWait | S::CloseWait | S::LastAck | S::Close => Step::Invalid,
        },
        (Direction::Original, Segment::SynAck) => match state {
            S::SynSent2 | S::SynRecv => to(S::SynRecv),
            _ => Step::Invalid,
        },
        (Direction::Reply, Segment::SynAck) => match state {
            S::SynSent | S::SynSent2 => to(S::SynRecv),
            _ => Step::Ignore,
        },
        (_, Segment::Fin) => match state {
            S::SynSent | S::SynSent2 => Step::Invalid,
            S::SynRecv | S::Established => to(S::FinWait),
            S::FinWait | S::CloseWait | S::LastAck => to(S::LastAck),
            S::TimeWait => to(S::TimeWait),
            S::Close => to(S::Close),
        },
        (dir, Segment::Ack) => match state {
            S::SynSent | S::SynSent2 if dir == Direction::Reply => Step::Ignore,
            S::SynSent | S::SynSent2 => Step::Invalid,
            S::SynRecv if dir == Direction::Reply => to(S::SynRecv),
            S::SynRecv | S::Established => to(S::Established),
            S::FinWait | S::CloseWait => to(S::CloseWait),
            S::LastAck | S::TimeWait => to(S::TimeWait),
            S::Close => to(S::Close),
        },
    }
}

impl TcpTrack {
    /// What is known after the first segment (`tcp_new`).
    pub(super) fn new(state: TcpState, given: &Given) -> TcpTrack {
        let mut track = TcpTrack::default();
        let Some(numbers) = given.tcp.numbers else { return track };
        let [first, second] = &mut track.sides;
        first.end = given.end(numbers);
        first.max_win = u32::from(numbers.window).max(1);
        if state == TcpState::SynSent {
            first.max_end = first.end;
            first.read_options(given.tcp);
        } else {
            // In the middle of a connection nobody knows how windows are scaled.
            first.max_end = first.end.wrapping_add(first.max_win);
            for side in [first, second] {
                side.sack = true;
                side.liberal = true;
            }
        }
        track
    }

    fn last_dir(&self) -> Direction {
        if self.last_reply { Direction::Reply } else { Direction::Original }
    }

    fn remember(&mut self, segment: Segment, dir: Direction) {
        self.last_segment = Some(segment);
        self.last_reply = dir == Direction::Reply;
    }

    /// What a segment does to a connection in a state (`nf_conntrack_tcp_packet`).
    pub(super) fn step(&mut self, state: TcpState, given: &Given) -> Step {
        let Some(segment) = segment(given.tcp.flags) else { return Step::Invalid };
        let dir = given.dir;
        let mut old = state;
        let mut step = table(state, dir, segment);
        if step == Step::Reopen {
            let closed = self.sides.iter().any(|s| s.closed_first);
            let aborted = self.last_segment == Some(Segment::Rst) && self.last_dir() == dir;
            if closed || aborted {
                return Step::Reopen;
            }
            step = Step::Ignore;
        }
        let mut in_window = given.tcp.numbers.is_none();
        match step {
            Step::Ignore if self.answers_ignored(segment, given) => {
                old = TcpState::SynSent;
                step = Step::To(TcpState::SynRecv);
                self.follow_ignored(given);
            }
            Step::Ignore => {
                self.annotate(state, segment, given);
                return Step::Ignore;
            }
            Step::To(TcpState::TimeWait)
                if old == TcpState::LastAck
                    && segment == Segment::Ack
                    && self.last_dir() != dir
                    && self.last_segment == Some(Segment::Syn)
                    && self.ignored.challenge =>
            {
                self.ignored.challenge = false;
                return Step::Ignore;
            }
            Step::To(TcpState::SynSent2) => self.simultaneous = true,
            Step::To(TcpState::SynRecv)
                if dir == Direction::Reply && segment == Segment::Ack && self.simultaneous =>
            {
                step = Step::To(TcpState::Established);
            }
            Step::To(TcpState::Close) if segment == Segment::Rst => match self.reset(old, given) {
                Reset::Closes => {}
                Reset::ClosesAnyway => in_window = true,
                Reset::Doubtful => step = Step::To(old),
                Reset::DoubtfulAnyway => {
                    step = Step::To(old);
                    in_window = true;
                }
                Reset::Stale => return Step::StaleReset,
            },
            Step::To(_) | Step::Reopen | Step::Invalid | Step::OutOfWindow | Step::StaleReset => {}
        }
        let Step::To(new) = step else { return step };
        if !in_window && let Some(numbers) = given.tcp.numbers {
            let at = Place {
                syn_sent: state == TcpState::SynSent,
                syn_recv: state == TcpState::SynRecv,
                liberal: given.settings.tcp_be_liberal != 0,
                last_dir: self.last_dir(),
                is_ack: segment == Segment::Ack,
            };
            let seen = Seen { tcp: given.tcp, numbers, end: given.end(numbers), dir, shift: given.shift };
            let (window, last_dir) = window::check(&mut self.sides, &mut self.last, at, &seen);
            self.last_reply = last_dir == Direction::Reply;
            match window {
                Window::In => {}
                Window::Ignore => return Step::Ignore,
                Window::Out => return Step::OutOfWindow,
            }
        }
        self.remember(segment, dir);
        if new != old && new == TcpState::FinWait {
            self.sides[dir as usize].closed_first = true;
        }
        Step::To(new)
    }

    /// A SYN,ACK that acknowledges a SYN which was ignored: both sides are in step, and we are not.
    fn answers_ignored(&self, segment: Segment, given: &Given) -> bool {
        segment == Segment::SynAck
            && self.last_segment == Some(Segment::Syn)
            && self.last_dir() != given.dir
            && given.tcp.numbers.is_none_or(|n| n.ack == self.last.end)
    }

    /// Gets in step with what the ignored SYN said.
    fn follow_ignored(&mut self, given: &Given) {
        self.ignored.challenge = false;
        self.sides[self.last_dir() as usize] = Side {
            end: self.last.end,
            max_end: self.last.end,
            max_win: u32::from(self.last.win).max(1),
            scale: self.ignored.scale.unwrap_or(0),
            offers_scale: self.ignored.scale.is_some(),
            sack: self.ignored.sack,
            ..Side::default()
        };
        let this = &mut self.sides[given.dir as usize];
        *this = Side { liberal: this.liberal, ..Side::default() };
    }

    /// Remembers an ignored segment: its answer may tell that the connection is another one.
    fn annotate(&mut self, old: TcpState, segment: Segment, given: &Given) {
        self.remember(segment, given.dir);
        if let Some(numbers) = given.tcp.numbers {
            self.last.seq = numbers.seq;
            self.last.end = given.end(numbers);
            self.last.win = numbers.window;
            if old == TcpState::SynSent && segment == Segment::Ack && given.dir == Direction::Reply {
                self.last.ack = numbers.ack;
            }
        }
        if segment == Segment::Syn && given.dir == Direction::Original {
            let mut said = Side::default();
            said.read_options(given.tcp);
            self.ignored = Ignored {
                scale: said.offers_scale.then_some(said.scale),
                sack: said.sack,
                challenge: old == TcpState::LastAck,
            };
            self.simultaneous = false;
        }
    }

    /// Whether a RST closes: on an open connection only its exact place in the stream is trusted.
    fn reset(&self, old: TcpState, given: &Given) -> Reset {
        let Some(numbers) = given.tcp.numbers else { return Reset::Closes };
        // Once a side has closed, any RST may end the rest.
        if old >= TcpState::FinWait {
            return Reset::ClosesAnyway;
        }
        let open = old == TcpState::Established && given.assured;
        let mut doubtful = false;
        if let Some(most) = self.sides[given.dir.flip() as usize].max_ack
            && self.last_segment != Some(Segment::Syn)
        {
            if numbers.seq == 0 && !open {
                return Reset::Closes;
            }
            if before(numbers.seq, most) && given.settings.tcp_ignore_invalid_rst == 0 {
                return Reset::Stale;
            }
            let follows = self.last_segment == Some(Segment::Ack)
                && self.last_dir() == given.dir
                && numbers.seq == self.last.end;
            if !open || numbers.seq == most || follows {
                return Reset::Closes;
            }
            doubtful = true;
        }
        let of_ignored = (given.seen_reply && self.last_segment == Some(Segment::Syn)
            || !given.assured && self.last_segment == Some(Segment::Ack))
            && self.last_dir() != given.dir
            && numbers.ack == self.last.end;
        let of_challenge = old == TcpState::SynSent
            && self.last_segment == Some(Segment::Ack)
            && self.last_dir() == Direction::Reply
            && numbers.seq == self.last.ack;
        match (doubtful, of_ignored || of_challenge) {
            (false, false) => Reset::Closes,
            (false, true) => Reset::ClosesAnyway,
            (true, false) => Reset::Doubtful,
            (true, true) => Reset::DoubtfulAnyway,
        }
    }

    /// How long a connection stays in its new state after a segment, seconds; `told`: its numbers are known.
    pub(super) fn timeout(&self, state: TcpState, tcp: &Tcp, settings: &ConntrackSettings) -> u32 {
        let normal = settings.tcp_timeout(state);
        let retrans = normal.min(settings.tcp_timeout_max_retrans);
        let unacked = self.sides.iter().any(|s| s.unacked);
        if u32::from(self.last.retrans) >= settings.tcp_max_retrans && retrans < normal {
            retrans
        } else if tcp.flags.has(TcpFlags::RST) {
            settings.tcp_timeout(TcpState::Close)
        } else if unacked && normal > settings.tcp_timeout_unacknowledged {
            settings.tcp_timeout_unacknowledged
        } else if tcp.numbers.is_some() && self.last.win == 0 {
            retrans
        } else {
            normal
        }
    }

    /// Takes note of a FIN or RST outside of the window; true if the other side sent one before, so that the
    /// connection is not kept for long (`nf_tcp_handle_invalid`).
    pub(super) fn note_out_of_window(&mut self, tcp: &Tcp, dir: Direction) -> bool {
        let ends = |segment| matches!(segment, Some(Segment::Fin | Segment::Rst));
        let now = segment(tcp.flags);
        if !ends(now) {
            return false;
        }
        if self.last_dir() != dir && ends(self.last_segment) {
            return true;
        }
        self.last_segment = now;
        self.last_reply = dir == Direction::Reply;
        false
    }

    /// One past the highest sequence number of the side that opened the connection.
    pub(super) fn original_end(&self) -> u32 {
        self.sides[0].end
    }
}

/// What a RST does.
enum Reset {
    /// It closes the connection, if it lies in the window.
    Closes,
    /// It closes it, wherever it lies: it answers a segment that was let through.
    ClosesAnyway,
    /// It may provoke a challenge acknowledgement: the state stays.
    Doubtful,
    /// The same, wherever it lies.
    DoubtfulAnyway,
    /// It is INVALID.
    Stale,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(text: &str) -> TcpFlags {
        text.split(',').fold(TcpFlags(0), |sum, f| sum | TcpFlags::by_name(f).unwrap_or_default())
    }

    #[test]
    fn flags_that_open_a_connection() {
        let opens = |text: &str, loose| open(flags(text), loose).map(TcpState::name);
        for text in ["syn", "syn,ece,cwr", "syn,psh", "syn,urg"] {
            assert_eq!(opens(text, true), Some("SYN_SENT"), "{text}");
        }
        for text in ["ack", "psh,ack"] {
            assert_eq!((opens(text, true), opens(text, false)), (Some("ESTABLISHED"), None), "{text}");
        }
        for text in
            ["fin", "fin,ack", "syn,ack", "rst", "rst,ack", "none", "fin,psh,urg", "syn,fin", "syn,rst"]
        {
            assert_eq!(opens(text, true), None, "{text}");
        }
    }

    #[test]
    fn a_connection_opens_and_closes() {
        use Direction::{Original as O, Reply as R};
        let walk = [(R, "syn,ack"), (O, "ack"), (O, "fin,ack"), (R, "ack"), (R, "fin,ack"), (O, "ack")];
        let mut state = TcpState::SynSent;
        let mut seen = Vec::new();
        for (dir, text) in walk {
            match table(state, dir, segment(flags(text)).expect("a segment")) {
                Step::To(next) => state = next,
                other => panic!("{text}: {other:?}"),
            }
            seen.push(state.name());
        }
        assert_eq!(seen, ["SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT"]);
    }
}
