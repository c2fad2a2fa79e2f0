//! IP fragments: cut where a packet is too long for its way (`ip_fragment`), put together where it is whole
//! again (`ip_defrag`).

use crate::abi::{Duration, Time};
use crate::netfilter::Skb;
use crate::packet::{Fragment, Proto};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// For how long pieces wait for the others (`net.ipv4.ipfrag_time`).
const PATIENCE: Duration = Duration::from_secs(30);

/// The header that an IPv6 piece has besides (RFC 8200, 4.5).
const FRAGMENT_HEADER: u32 = 8;

/// What becomes of a packet on a way that carries only so much.
pub(super) enum Cut {
    /// It fits.
    Fits,
    /// It leaves in pieces.
    Pieces(Vec<Skb>),
    /// It may not be cut: the way carries this much.
    Forbidden(u32),
}

/// Cuts a packet for a way that carries `mtu` bytes. A packet that came in pieces and was put together leaves in
/// pieces no larger than those (`frag_max_size`).
pub(super) fn cut(skb: &Skb, mtu: Option<u32>) -> Cut {
    let Some(mtu) = mtu else { return Cut::Fits };
    let mtu = skb.largest_piece.map_or(mtu, |largest| mtu.min(largest));
    let packet = &skb.packet;
    // What connection tracking put together, though it fits, leaves as it is too.
    if packet.segment_len() <= mtu {
        return Cut::Fits;
    }
    if packet.is_offloaded() {
        // Each segment is cut by itself (`ip_finish_output_gso`).
        let mut all = Vec::new();
        for part in segments(skb) {
            match cut(&part, Some(mtu)) {
                Cut::Fits => all.push(part),
                Cut::Pieces(pieces) => all.extend(pieces),
                Cut::Forbidden(mtu) => return Cut::Forbidden(mtu),
            }
        }
        return Cut::Pieces(all);
    }
    let v4 = packet.src.is_ipv4();
    let again = skb.largest_piece.is_some_and(|largest| largest <= mtu);
    if packet.df && v4 && !again || (!v4 && skb.iif.is_some() && skb.largest_piece.is_none()) {
        return Cut::Forbidden(mtu);
    }
    let room = mtu.saturating_sub(packet.header_len() + if v4 { 0 } else { FRAGMENT_HEADER });
    let step = room & !7;
    if step == 0 {
        return Cut::Forbidden(mtu);
    }
    let (start, total, last_more) = match packet.fragment {
        Some(f) => (u32::from(f.offset), u32::from(f.length), f.more),
        None => (0, packet.carried(), false),
    };
    let mut pieces = Vec::new();
    let mut done = 0;
    while done < total {
        let length = step.min(total - done);
        let last = done + length == total;
        let mut piece = skb.clone();
        piece.largest_piece = None;
        piece.packet.fragment =
            Some(Fragment { offset: (start + done) as u16, more: !last || last_more, length: length as u16 });
        pieces.push(piece);
        done += length;
    }
    Cut::Pieces(pieces)
}

/// The segments of a packet that is longer than one; else the packet.
pub(super) fn segments(skb: &Skb) -> Vec<Skb> {
    skb.packet.segments().into_iter().map(|packet| Skb { packet, ..skb.clone() }).collect()
}

/// What pieces of one packet have in common.
type Key = (IpAddr, IpAddr, Proto, u16);

/// The pieces of a packet that came so far.
#[derive(Clone, Debug, PartialEq)]
struct Gathering {
    pieces: Vec<Fragment>,
    first: Option<Skb>,
    expires: Time,
}

/// The packets that a host is putting together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fragments(BTreeMap<Key, Gathering>);

impl Fragments {
    /// Takes a piece; the whole packet where it was the last one missing. Pieces that overlap are thrown away
    /// (RFC 5722, and Linux does so for IPv4 too).
    pub fn gather(&mut self, skb: &Skb, now: Time) -> Option<Skb> {
        self.0.retain(|_, g| g.expires > now);
        let packet = &skb.packet;
        let piece = packet.fragment?;
        let key = (packet.src, packet.dst, packet.proto(), packet.id);
        let entry = self.0.entry(key).or_insert_with(|| Gathering {
            pieces: Vec::new(),
            first: None,
            expires: now.after(PATIENCE),
        });
        let end = |f: &Fragment| u32::from(f.offset) + u32::from(f.length);
        let overlaps = entry
            .pieces
            .iter()
            .any(|f| u32::from(f.offset) < end(&piece) && u32::from(piece.offset) < end(f));
        if overlaps {
            if !entry.pieces.contains(&piece) {
                self.0.remove(&key);
            }
            return None;
        }
        entry.pieces.push(piece);
        if piece.offset == 0 {
            entry.first = Some(skb.clone());
        }
        entry.pieces.sort_by_key(|f| f.offset);
        let mut reached = 0;
        for f in &entry.pieces {
            if u32::from(f.offset) != reached {
                return None;
            }
            reached = end(f);
        }
        if entry.pieces.last().is_none_or(|f| f.more) {
            return None;
        }
        let gathering = self.0.remove(&key)?;
        let largest = gathering.pieces.iter().map(|f| u32::from(f.length)).max()?;
        // The packet goes on as the last piece came, with the first one's headers.
        let mut whole = gathering.first?;
        whole.packet.fragment = None;
        let header = if whole.packet.src.is_ipv4() { 0 } else { FRAGMENT_HEADER };
        whole.largest_piece = Some(largest + header + whole.packet.header_len());
        Some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Payload, Words, parse_packet};

    fn packet(payload: u16) -> Skb {
        let mut packet = parse_packet(&mut Words::new("udp 10.0.0.1:1 > 10.0.0.2:2")).expect("it is right");
        packet.payload = Payload::Size(payload);
        Skb::new(packet)
    }

    #[test]
    fn what_is_cut_comes_together_again_in_any_order() {
        let whole = packet(2992);
        let Cut::Pieces(mut pieces) = cut(&whole, Some(1500)) else { panic!("it does not fit") };
        let lengths: Vec<u32> = pieces.iter().map(|p| p.packet.len()).collect();
        assert_eq!(lengths, [1500, 1500, 60]);
        pieces.reverse();
        let mut fragments = Fragments::default();
        assert_eq!(fragments.gather(&pieces[0], Time::ZERO), None);
        assert_eq!(fragments.gather(&pieces[1], Time::ZERO), None);
        let again = fragments.gather(&pieces[2], Time::ZERO).expect("all are there");
        assert_eq!(again.packet, whole.packet);
        let Cut::Fits = cut(&packet(100), Some(1500)) else { panic!("it fits") };
    }

    #[test]
    fn pieces_do_not_wait_for_ever() {
        let Cut::Pieces(pieces) = cut(&packet(2000), Some(1500)) else { panic!("it does not fit") };
        let mut fragments = Fragments::default();
        assert_eq!(fragments.gather(&pieces[0], Time::ZERO), None);
        let late = Time::ZERO.after(Duration::from_secs(31));
        assert_eq!(fragments.gather(&pieces[1], late), None);
    }
}
