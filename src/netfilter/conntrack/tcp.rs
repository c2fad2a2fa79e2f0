//! TCP as connection tracking follows it: which segment leads from which state to which.
//!
//! Semantics of `nf_conntrack_proto_tcp` in Linux 6.18; sequence numbers are not followed.

use super::TcpState;
use crate::packet::{Direction, TcpFlags};

/// What a segment does to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It belongs to the connection and leads to this state.
    To(TcpState),
    /// It belongs to the connection and changes nothing.
    Ignore,
    /// It ends this connection and opens another with the same addresses and ports.
    Reopen,
    /// It is INVALID.
    Invalid,
}

/// The kinds of segments that are told apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Segment {
    Syn,
    SynAck,
    Fin,
    Ack,
    Rst,
}

/// Which kind a segment is; `None` for combinations of flags that no real sender uses. PSH, ECE and CWR do
/// not count.
fn segment(flags: TcpFlags) -> Option<Segment> {
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

/// What a segment does to a connection in a state.
pub(super) fn step(state: TcpState, dir: Direction, flags: TcpFlags) -> Step {
    use TcpState as S;
    let Some(segment) = segment(flags) else { return Step::Invalid };
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
            match step(state, dir, flags(text)) {
                Step::To(next) => state = next,
                other => panic!("{text}: {other:?}"),
            }
            seen.push(state.name());
        }
        assert_eq!(seen, ["SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT"]);
    }
}
