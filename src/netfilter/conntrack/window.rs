//! Whether a TCP segment lies in the window (`tcp_in_window` of Linux 6.18, after Guido van Rooij's "Real
//! stateful TCP packet filtering in IP Filter").

use crate::packet::{Direction, Tcp, TcpFlags, TcpNumbers, TcpOption};

/// How far behind an acknowledgement may lie (`MAXACKWINCONST`).
const MAX_ACK_WINDOW: u32 = 66_000;
const MAX_SHIFT: u8 = 14;

/// True if sequence number `a` comes before `b`, around the end of the numbers too.
pub(super) fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

/// True if sequence number `a` comes after `b`.
pub(super) fn after(a: u32, b: u32) -> bool {
    before(b, a)
}

/// What one side of a connection has sent (`struct ip_ct_tcp_state`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Side {
    /// One past the highest sequence number that it sent.
    pub end: u32,
    /// One past the highest that it may send.
    pub max_end: u32,
    /// The largest window that it announced; 0: nothing of it was seen.
    pub max_win: u32,
    /// The highest acknowledgement that it sent.
    pub max_ack: Option<u32>,
    /// The shift of its windows.
    pub scale: u8,
    /// It offered to scale windows.
    pub offers_scale: bool,
    /// It takes selective acknowledgements.
    pub sack: bool,
    /// Its segments are taken outside of the window too.
    pub liberal: bool,
    /// It closed first.
    pub closed_first: bool,
    /// It sent data that nobody acknowledged yet.
    pub unacked: bool,
}

impl Side {
    /// Takes over what a SYN's options say (`tcp_options`); what was known is forgotten, if it has any.
    pub(super) fn read_options(&mut self, tcp: &Tcp) {
        if tcp.options.is_empty() {
            return;
        }
        *self = Side {
            end: self.end,
            max_end: self.max_end,
            max_win: self.max_win,
            liberal: self.liberal,
            ..Side::default()
        };
        for option in &tcp.options.0 {
            match option {
                TcpOption::SackPermitted => self.sack = true,
                TcpOption::WindowScale(shift) => {
                    self.scale = (*shift).min(MAX_SHIFT);
                    self.offers_scale = true;
                }
                _ => {}
            }
        }
    }

    /// Starts anew with a SYN (`tcp_init_sender`).
    fn start(&mut self, receiver: &mut Side, tcp: &Tcp, end: u32, win: u32, dir: Direction) {
        self.end = end;
        self.max_end = end;
        self.max_win = win.max(1);
        self.read_options(tcp);
        // Windows are scaled only if both sides say so (RFC 7323, 2.2).
        if dir == Direction::Reply && !(self.offers_scale && receiver.offers_scale) {
            self.scale = 0;
            receiver.scale = 0;
        }
    }
}

/// A segment, as the window sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub tcp: &'a Tcp,
    pub numbers: TcpNumbers,
    /// One past its last sequence number.
    pub end: u32,
    pub dir: Direction,
    /// By how much NAT shifted the stream that it acknowledges.
    pub shift: i32,
}

/// What the last segments were, as far as later ones ask for them (`last_*` of `struct ip_ct_tcp`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Last {
    pub seq: u32,
    pub ack: u32,
    pub end: u32,
    pub win: u16,
    pub retrans: u8,
}

/// What the window says of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Window {
    /// It lies in it.
    In,
    /// It belongs to the connection and changes nothing.
    Ignore,
    /// It lies outside.
    Out,
}

/// Where the connection stands, as far as the window asks.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub syn_sent: bool,
    pub syn_recv: bool,
    /// `nf_conntrack_tcp_be_liberal`.
    pub liberal: bool,
    /// The last segment went in this direction.
    pub last_dir: Direction,
    /// The segment is a plain acknowledgement.
    pub is_ack: bool,
}

/// Checks a segment, and takes it into account if it lies in the window.
pub(super) fn check(sides: &mut [Side; 2], last: &mut Last, at: Place, seen: &Seen) -> (Window, Direction) {
    let (first, second) = sides.split_at_mut(1);
    let (sender, receiver) = match seen.dir {
        Direction::Original => (&mut first[0], &mut second[0]),
        Direction::Reply => (&mut second[0], &mut first[0]),
    };
    let tcp = seen.tcp;
    let (syn, has_ack, rst) =
        (tcp.flags.has(TcpFlags::SYN), tcp.flags.has(TcpFlags::ACK), tcp.flags.has(TcpFlags::RST));
    let (mut seq, mut end) = (seen.numbers.seq, seen.end);
    let mut ack = seen.numbers.ack;
    let mut sack = ack;
    let mut win = u32::from(seen.numbers.window);
    if receiver.sack {
        sack = highest_sack(tcp, sack);
    }
    ack = ack.wrapping_sub(seen.shift as u32);
    sack = sack.wrapping_sub(seen.shift as u32);
    if sender.max_win == 0 {
        if syn {
            sender.start(receiver, tcp, end, win, seen.dir);
            if !has_ack {
                // Both sides open at once.
                return (Window::In, at.last_dir);
            }
        } else {
            // In the middle of a connection whose beginning was not seen.
            sender.end = end;
            sender.max_win = (win << sender.scale).max(1);
            sender.max_end = end.wrapping_add(sender.max_win);
            if receiver.max_win == 0 {
                receiver.end = sack;
                receiver.max_end = sack;
            } else if sack == receiver.end.wrapping_add(1) {
                // The answer to a keepalive.
                receiver.end = receiver.end.wrapping_add(1);
            }
        }
    } else if syn && after(end, sender.end) && (at.syn_sent || at.syn_recv) {
        sender.start(receiver, tcp, end, win, seen.dir);
        if seen.dir == Direction::Reply && !has_ack {
            return (Window::In, at.last_dir);
        }
    }
    if !has_ack || (rst && ack == 0) {
        ack = receiver.end;
        sack = receiver.end;
    }
    if rst && seq == 0 && at.syn_sent {
        // The answer to a SYN.
        seq = sender.end;
        end = sender.end;
    }
    let out = |window: Window, liberal: bool| match sender_or(liberal, at.liberal) {
        true => (Window::In, at.last_dir),
        false => (window, at.last_dir),
    };
    let lowest_ack = receiver.end.wrapping_sub(sender.max_win.max(MAX_ACK_WINDOW)).wrapping_sub(1);
    let lowest_end = sender.end.wrapping_sub(receiver.max_win).wrapping_sub(1);
    let acks_seen_data = before(sack, receiver.end.wrapping_add(1));
    if !before(seq, sender.max_end.wrapping_add(1)) {
        let over = end.wrapping_sub(sender.max_end).wrapping_add(1);
        let in_window = receiver.max_win != 0 && after(end, lowest_end);
        if in_window && after(sack, lowest_ack) && over <= receiver.max_win && acks_seen_data {
            // A sender that oversteps the window by less than a window: it may get through and be acknowledged.
            sender.end = end;
            sender.unacked = true;
            return out(Window::Ignore, sender.liberal);
        }
        return out(Window::Out, sender.liberal);
    }
    if !acks_seen_data {
        return out(Window::Out, sender.liberal);
    }
    let in_window = receiver.max_win == 0 || after(end, lowest_end);
    if !in_window || !after(sack, lowest_ack) {
        return out(Window::Ignore, sender.liberal);
    }
    if !syn {
        win <<= sender.scale;
    }
    sender.max_win = sender.max_win.max(win.wrapping_add(sack.wrapping_sub(ack)));
    if after(end, sender.end) {
        sender.end = end;
        sender.unacked = true;
    }
    if has_ack && sender.max_ack.is_none_or(|most| after(ack, most)) {
        sender.max_ack = Some(ack);
    }
    if receiver.max_win != 0 && after(end, sender.max_end) {
        receiver.max_win = receiver.max_win.wrapping_add(end.wrapping_sub(sender.max_end));
    }
    if after(sack.wrapping_add(win), receiver.max_end.wrapping_sub(1)) {
        receiver.max_end = sack.wrapping_add(win).wrapping_add(u32::from(win == 0));
    }
    if ack == receiver.end {
        receiver.unacked = false;
    }
    if !at.is_ack {
        return (Window::In, at.last_dir);
    }
    let now = Last { seq, ack, end, win: seen.numbers.window, retrans: 0 };
    if at.last_dir == seen.dir && *last == (Last { retrans: last.retrans, ..now }) {
        last.retrans = last.retrans.wrapping_add(1);
    } else {
        *last = now;
    }
    (Window::In, seen.dir)
}

fn sender_or(sender: bool, all: bool) -> bool {
    sender || all
}

/// The highest end of a selectively acknowledged block, if it is beyond the acknowledgement (`tcp_sack`).
fn highest_sack(tcp: &Tcp, ack: u32) -> u32 {
    let blocks = tcp.options.0.iter().find_map(|o| match o {
        TcpOption::Sack(blocks) if !blocks.is_empty() => Some(blocks),
        _ => None,
    });
    let ends = blocks.into_iter().flatten().map(|(_, end)| *end);
    ends.fold(ack, |most, end| if after(end, most) { end } else { most })
}
