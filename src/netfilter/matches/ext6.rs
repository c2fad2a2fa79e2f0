//! What matches ask of IPv6's extension headers: `frag`, `hbh`, `dst`, `rt`, `srh`, `mh`, `ipv6header`.

use super::super::addr::HostMask;
use super::super::fact::{Absent, Fact, NotTold, Test};
use super::super::{AddrMask, Inv};
use super::MatchCx;
use crate::packet::{At, ExtHeader, Packet, Proto};
use std::net::Ipv6Addr;

/// `-m frag`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragTest {
    /// Lowest and highest identification.
    pub id: Inv<(u32, u32)>,
    /// `--fragfirst`.
    pub first: bool,
    /// `--fragmore` or, false, `--fraglast`.
    pub more: Option<bool>,
}

/// `-m hbh`, `-m dst`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionsTest {
    /// Hop-by-hop or destination options.
    pub proto: Proto,
    /// The header's size in bytes.
    pub len: Option<Inv<u32>>,
    /// Types, each with its length where one is asked for, from the first on.
    pub opts: Vec<(u8, Option<u8>)>,
}

/// `-m rt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutingTest {
    /// `--rt-type`.
    pub ty: Option<Inv<u32>>,
    /// `--rt-segsleft`, lowest and highest.
    pub left: Inv<(u32, u32)>,
    /// `--rt-len`, bytes.
    pub len: Option<Inv<u32>>,
    /// `--rt-0-res`: the reserved field is zero.
    pub reserved: bool,
    /// `--rt-0-addrs`.
    pub addrs: Vec<Ipv6Addr>,
    /// `--rt-0-not-strict`: other addresses may stand between.
    pub loose: bool,
}

/// A number that a field must be, be below or be above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Next header, length, segments left, last entry or tag, by its name in the options.
    pub name: &'static str,
    /// `eq`, `gt` or `lt`.
    pub than: std::cmp::Ordering,
    /// The number.
    pub want: Inv<u16>,
}

/// `-m srh`: fields, and networks of the segment before, the one to come, and the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentsTest {
    /// Each field that is asked for.
    pub fields: Vec<Field>,
    /// `--srh-psid`.
    pub before: Option<Inv<HostMask>>,
    /// `--srh-nsid`.
    pub next: Option<Inv<HostMask>>,
    /// `--srh-lsid`.
    pub last: Option<Inv<HostMask>>,
}

/// `-m ipv6header`: a bit for each header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadersTest {
    /// The headers; inverted: not these.
    pub headers: Inv<u8>,
    /// `--soft`: others may be there too.
    pub soft: bool,
}

fn header(packet: &Packet, proto: Proto) -> Option<&ExtHeader> {
    packet.v6.headers.iter().find(|h| h.proto == proto)
}

/// The header's size in bytes.
fn size(header: &ExtHeader) -> u32 {
    header.body.len() as u32 + 2
}

fn is(want: Option<Inv<u32>>, found: u32) -> bool {
    want.is_none_or(|w| (w.value == found) != w.not)
}

impl FragTest {
    /// As `frag_mt6` does; it does not look at the length.
    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let packet = &cx.skb.packet;
        let Some(fragment) = packet.fragment else { return Test::absent(Absent::Header) };
        let id = packet.v6.fragment_id;
        let held = (self.id.value.0..=self.id.value.1).contains(&id) != self.id.not
            && !(self.first && fragment.offset > 0)
            && self.more.is_none_or(|more| more == fragment.more);
        Test::new(held, Fact::Fragment(fragment.offset > 0))
    }
}

impl OptionsTest {
    /// As `hbh_mt6` does.
    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let Some(header) = header(&cx.skb.packet, self.proto) else { return Test::absent(Absent::Header) };
        let held = is(self.len, size(header)) && self.follow(&header.body);
        Test::new(held, Fact::Number(size(header).into()))
    }

    fn follow(&self, mut body: &[u8]) -> bool {
        self.opts.iter().enumerate().all(|(place, (want, len))| {
            let Some((&ty, rest)) = body.split_first() else { return false };
            if ty != *want {
                return false;
            }
            let step = match (ty, rest.first()) {
                (0, _) => 1,
                (_, None) => return false,
                (_, Some(found)) if len.is_some_and(|l| l != *found) => return false,
                (_, Some(found)) => usize::from(*found) + 2,
            };
            if step > body.len() && place + 1 < self.opts.len() {
                return false;
            }
            body = body.get(step..).unwrap_or_default();
            true
        })
    }
}

/// The addresses of a routing header of type 0.
fn addresses(body: &[u8]) -> Vec<Ipv6Addr> {
    let octets = body.get(6..).unwrap_or_default().chunks_exact(16);
    octets.filter_map(|c| <[u8; 16]>::try_from(c).ok()).map(Ipv6Addr::from).collect()
}

impl RoutingTest {
    /// As `rt_mt6` does.
    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let Some(header) = header(&cx.skb.packet, Proto::ROUTING) else {
            return Test::absent(Absent::Header);
        };
        let (ty, left) = (u32::from(header.body[0]), u32::from(header.body[1]));
        let held = (self.left.value.0..=self.left.value.1).contains(&left) != self.left.not
            && is(self.len, size(header))
            && is(self.ty, ty)
            && !(self.reserved && header.body[2..6] != [0; 4])
            && self.passes(&addresses(&header.body));
        Test::new(held, Fact::Number(ty.into()))
    }

    fn passes(&self, found: &[Ipv6Addr]) -> bool {
        if self.addrs.is_empty() {
            return true;
        }
        if !self.loose {
            return self.addrs == found;
        }
        let mut wanted = self.addrs.iter().peekable();
        for addr in found {
            if wanted.peek() == Some(&addr) {
                wanted.next();
            }
        }
        wanted.peek().is_none()
    }
}

impl SegmentsTest {
    /// As `srh1_mt6` does.
    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        const SEGMENT_ROUTING: u8 = 4;
        let packet = &cx.skb.packet;
        let Some(place) = packet.v6.headers.iter().position(|h| h.proto == Proto::ROUTING) else {
            return Test::absent(Absent::Header);
        };
        let header = &packet.v6.headers[place];
        let [ty, left, last, _, high, low, ..] = header.body[..] else { return Test::absent(Absent::Header) };
        if ty != SEGMENT_ROUTING || left > last {
            return Test::absent(Absent::Header);
        }
        let after = packet.v6.headers.get(place + 1).map(|h| h.proto);
        let next = after.unwrap_or(if packet.fragment.is_some() { Proto::FRAGMENT } else { packet.proto() });
        let fields = self.fields.iter().all(|f| {
            let found = match f.name {
                "next-hdr" => next.0.into(),
                "hdr-len" => (header.body.len() / 8) as u16,
                "segs-left" => left.into(),
                "last-entry" => last.into(),
                // The kernel compares the tag's bytes turned around.
                _ => u16::from_le_bytes([high, low]),
            };
            (found.cmp(&f.want.value) == f.than) != f.want.not
        });
        let segments = addresses(&header.body);
        let lies = |want: Option<Inv<HostMask>>, at: Option<u8>| {
            let Some(want) = want else { return true };
            let Some(addr) = at.and_then(|at| segments.get(usize::from(at))) else { return false };
            AddrMask::new(want.value.addr, want.value.mask)
                .is_some_and(|net| net.contains((*addr).into()) != want.not)
        };
        let held = fields
            && lies(self.before, if left == last { None } else { Some(left + 1) })
            && lies(self.next, left.checked_sub(1))
            && lies(self.last, Some(0));
        Test::new(held, Fact::Number(left.into()))
    }
}

/// The type of a mobility header (`mh_mt6`).
pub(super) fn mobility(want: Inv<(u8, u8)>, cx: &MatchCx) -> Test {
    let packet = &cx.skb.packet;
    if packet.proto() != Proto::MH || packet.is_later_fragment() {
        return Test::absent(Absent::Header);
    }
    match packet.payload.bytes() {
        None => Test::not_told(NotTold::Payload),
        Some([next, _, ty, _, _, _, ..]) if *next == Proto::NO_NEXT.0 => {
            Test::new((want.value.0..=want.value.1).contains(ty) != want.not, Fact::Number((*ty).into()))
        }
        Some(_) => Test::absent(Absent::Header),
    }
}

impl HeadersTest {
    /// As `ipv6header_mt6` does.
    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let found = match headers(&cx.skb.packet) {
            At::Known(found) => found,
            At::Unknown => return Test::not_told(NotTold::Payload),
            At::Beyond => return Test::absent(Absent::Header),
        };
        let Inv { not, value } = self.headers;
        let held = match self.soft {
            true if not => found & value == 0,
            true => found & value == value,
            false => (found == value) != not,
        };
        Test::new(held, Fact::Text(super::headers6::header_names(found)))
    }
}

/// The bit of a header (`MASK_HOPOPTS` and its like).
pub(super) fn bit(proto: Proto) -> u8 {
    match proto {
        Proto::HOP_BY_HOP => 128,
        Proto::DEST_OPTIONS => 64,
        Proto::ROUTING => 32,
        Proto::FRAGMENT => 16,
        Proto::AH => 8,
        Proto::ESP => 4,
        Proto::NO_NEXT => 2,
        _ => 1,
    }
}

/// The headers that a packet has, a bit each.
fn headers(packet: &Packet) -> At<u8> {
    let wire = packet.wire();
    let (mut next, mut at, mut found) = (wire.byte(6), 40, 0);
    loop {
        let proto = match next {
            At::Known(n) => Proto(n),
            other => return other,
        };
        found |= bit(proto);
        match proto {
            Proto::HOP_BY_HOP | Proto::DEST_OPTIONS | Proto::ROUTING | Proto::FRAGMENT | Proto::AH => {}
            Proto::ESP if at + 2 > wire.len() => return At::Beyond,
            _ => return At::Known(found),
        }
        let units = match wire.byte(at + 1) {
            At::Known(n) => usize::from(n),
            other => return other,
        };
        next = wire.byte(at);
        at += match proto {
            Proto::FRAGMENT => 8,
            Proto::AH => (units + 2) * 4,
            _ => (units + 1) * 8,
        };
        if at > wire.len() {
            return next.map(|n| found | if [Proto::NO_NEXT.0, Proto::ESP.0].contains(&n) { 0 } else { 1 });
        }
    }
}
