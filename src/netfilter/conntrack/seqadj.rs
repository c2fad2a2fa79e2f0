//! Sequence numbers after a payload was made longer or shorter (`nf_conntrack_seqadj`).

use super::window::{after, before};
use crate::packet::{Direction, Tcp, TcpOption};

/// By how much one direction's stream is shifted (`struct nf_ct_seqadj`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::netfilter) struct SeqAdjust {
    /// Where the last change was made.
    position: u32,
    /// The shift up to there.
    before: i32,
    /// The shift beyond.
    after: i32,
}

impl SeqAdjust {
    /// Takes note of a change of the payload's length (`nf_ct_seqadj_set`).
    pub(super) fn change(&mut self, seq: u32, by: i32) {
        if self.before == self.after || before(self.position, seq) {
            self.position = seq;
            self.before = self.after;
            self.after += by;
        }
    }

    /// The shift at a place in the stream (`nf_ct_seq_offset`).
    pub(super) fn at(&self, seq: u32) -> i32 {
        if after(seq, self.position) { self.after } else { self.before }
    }

    /// The shift back of a place in the shifted stream.
    fn back(&self, seq: u32) -> i32 {
        if after(seq.wrapping_sub(self.before as u32), self.position) { self.after } else { self.before }
    }
}

/// Gives a segment the numbers that the other side knows (`nf_ct_seq_adjust`).
pub(super) fn adjust(tcp: &mut Tcp, shifts: &[SeqAdjust; 2], dir: Direction) {
    let (this, other) = (&shifts[dir as usize], &shifts[dir.flip() as usize]);
    if let Some(numbers) = &mut tcp.numbers {
        numbers.seq = numbers.seq.wrapping_add(this.at(numbers.seq) as u32);
        if tcp.flags.has(crate::packet::TcpFlags::ACK) {
            numbers.ack = numbers.ack.wrapping_sub(other.back(numbers.ack) as u32);
        }
    }
    for option in &mut tcp.options.0 {
        if let TcpOption::Sack(blocks) = option {
            for end in blocks.iter_mut().flat_map(|(a, b)| [a, b]) {
                *end = end.wrapping_sub(other.back(*end) as u32);
            }
        }
    }
}
