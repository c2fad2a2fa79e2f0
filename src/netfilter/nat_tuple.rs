//! Which addresses and ports a translated connection gets (`nf_nat_setup_info`, `get_unique_tuple` of Linux
//! 6.18). Where the kernel throws dice, a fixed hash decides.

use super::conntrack::{Conntrack, CtId, CtStatus, TcpState, tuple_hash};
use super::event::{CtChange, Event, Manip};
use super::targets::{NatRange, PortChoice};
use crate::abi::{EventId, Sink};
use crate::packet::{Direction, L4Id, Proto, Tuple};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a rule asks of a translation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish {
    pub range: NatRange,
    pub choice: PortChoice,
    /// A client keeps its address of the range whomever it speaks to.
    pub persistent: bool,
}

impl Wish {
    /// This address, and the port as it is where it can be.
    pub(super) fn address(addr: IpAddr) -> Wish {
        Wish { range: NatRange { addrs: Some((addr, addr)), ..NatRange::default() }, ..Wish::default() }
    }

    fn keeps(&self) -> bool {
        self.choice == PortChoice::Keep
    }

    /// True if a source is one that the wish allows (`nf_in_range`).
    fn allows(&self, tuple: &Tuple) -> bool {
        let addr = self.range.addrs.is_none_or(|(low, high)| (low..=high).contains(&tuple.src));
        addr && self.allows_port(tuple, Manip::Src)
    }

    fn allows_port(&self, tuple: &Tuple, manip: Manip) -> bool {
        match (self.range.ports, port(tuple, manip)) {
            (Some((low, high)), Some(port)) => (low..=high).contains(&port),
            (None, _) | (_, None) => true,
        }
    }
}

impl Conntrack {
    /// Settles one end of a connection: with a wish as a rule says, without one as it is, as far as that is free.
    /// True if that changes packets.
    pub(super) fn set_up(
        &mut self,
        id: CtId,
        manip: Manip,
        wish: Option<Wish>,
        cause: EventId,
        sink: &mut dyn Sink<Event>,
    ) -> bool {
        let Some(entry) = self.entry(id).filter(|e| !e.has(CtStatus::Confirmed)) else { return false };
        let now = entry.reply.invert();
        let wish = wish.unwrap_or_else(|| Wish::address(if manip == Manip::Src { now.src } else { now.dst }));
        let (wanted, in_the_way) = self.unique(id, now, &wish, manip);
        if let Some(other) = in_the_way {
            self.stats.clash_resolve += 1;
            self.end(other, CtChange::Replaced, cause, sink);
        }
        let Some(entry) = self.entry_mut(id) else { return false };
        let changes = wanted != now;
        if changes {
            entry.reply = wanted.invert();
            entry.set(manip.status());
        }
        entry.set(manip.done());
        changes
    }

    /// The tuple that a connection's packets get: in the range, and not that of another connection where that can
    /// be; and a connection in TIME_WAIT that must give way for it.
    pub(super) fn unique(&self, id: CtId, now: Tuple, wish: &Wish, manip: Manip) -> (Tuple, Option<CtId>) {
        let free = |t: &Tuple| self.taken_by(&t.invert(), id).is_none();
        if manip == Manip::Src && wish.keeps() {
            if wish.allows(&now) {
                if free(&now) {
                    return (now, None);
                }
            } else if let Some(mapped) = self.mapped_source(id, &now, wish)
                && free(&mapped)
            {
                return (mapped, None);
            }
        }
        let mut tuple = now;
        if let Some((low, high)) = wish.range.addrs {
            let addr = pick_address(low, high, &now, wish.persistent);
            match manip {
                Manip::Src => tuple.src = addr,
                Manip::Dst => tuple.dst = addr,
            }
        }
        if wish.keeps() {
            let fits = match wish.range.ports {
                Some((low, high)) => {
                    wish.range.base.is_none()
                        && wish.allows_port(&tuple, manip)
                        && (low == high || free(&tuple))
                }
                None => free(&tuple),
            };
            if fits {
                return (tuple, None);
            }
        }
        self.search(id, tuple, wish, manip)
    }

    /// A source that the same client's same port was given before (`find_appropriate_src`).
    fn mapped_source(&self, id: CtId, now: &Tuple, wish: &Wish) -> Option<Tuple> {
        let zone = self.entry(id)?.zone.id_in(Direction::Original);
        let mut all = self.entries().collect::<Vec<_>>();
        all.reverse();
        let same = all.into_iter().filter(|e| {
            let own = &e.original;
            e.has(CtStatus::SrcNatDone)
                && e.zone.id_in(Direction::Original) == zone
                && (own.proto, own.src, own.sport()) == (now.proto, now.src, now.sport())
        });
        same.map(|e| {
            let given = e.reply.invert();
            let with = with_port(*now, Manip::Src, given.sport().unwrap_or(0));
            Tuple { src: given.src, ..with }
        })
        .find(|t| wish.allows(t))
    }

    /// Looks for a free port (`nf_nat_l4proto_unique_tuple`).
    fn search(&self, id: CtId, tuple: Tuple, wish: &Wish, manip: Manip) -> (Tuple, Option<CtId>) {
        const MOST: u32 = 128;
        const FEWEST: u32 = 16;
        let Some(own) = port(&tuple, manip) else { return (tuple, None) };
        let (low, high) = match wish.range.ports {
            Some((low, high)) => (low.min(high), low.max(high)),
            // Without a range, a destination's port cannot change.
            None if manip == Manip::Dst && !matches!(tuple.id, L4Id::Icmp(..)) => return (tuple, None),
            None => source_ports(own, &tuple),
        };
        let size = u32::from(high - low) + 1;
        let dice =
            |round: u32| (tuple_hash(&tuple).wrapping_add(round.wrapping_mul(0x9e37_79b9)) >> 8) as u16;
        let mut from = match (manip, wish.range.base) {
            (_, Some(base)) => own.wrapping_sub(base),
            (Manip::Dst, None) if wish.keeps() && !matches!(tuple.id, L4Id::Icmp(..)) => 0,
            // Without a range Linux begins anywhere; here it begins low, where ports are easy to tell from others.
            (_, None) if wish.range.ports.is_none() => dice(0) % 1000,
            (_, None) => dice(0),
        };
        let mut attempts = size.min(MOST);
        let mut last = tuple;
        for round in 1.. {
            for left in (1..=attempts).rev() {
                last = with_port(tuple, manip, low + (u32::from(from) % size) as u16);
                from = from.wrapping_add(1);
                match self.taken_by(&last.invert(), id) {
                    None => return (last, None),
                    Some((other, Direction::Reply)) if self.gives_way(other.id, id, left) => {
                        return (last, Some(other.id));
                    }
                    Some(_) => {}
                }
            }
            if attempts >= size || attempts < FEWEST {
                break;
            }
            attempts /= 2;
            from = dice(round);
        }
        // All are taken: the last one tried is used, and the packet is dropped at confirmation.
        (last, None)
    }

    /// True if an old TCP connection in TIME_WAIT may be thrown out for a new one, among the last tries
    /// (`nf_nat_used_tuple_harder`).
    fn gives_way(&self, old: CtId, new: CtId, left: u32) -> bool {
        const LAST_TRIES: u32 = 32;
        let (Some(old), Some(new)) = (self.entry(old), self.entry(new)) else { return false };
        left <= LAST_TRIES
            && new.original.proto == Proto::TCP
            && new.tcp == Some(TcpState::SynSent)
            && matches!(old.tcp, Some(TcpState::TimeWait | TcpState::Close))
            && old.has(CtStatus::SrcNat)
            && !old.has(CtStatus::FixedTimeout)
            && new.begins_after(old)
    }
}

fn port(tuple: &Tuple, manip: Manip) -> Option<u16> {
    match (manip, tuple.id) {
        (_, L4Id::Icmp(_, _, id)) => Some(id),
        (Manip::Src, _) => tuple.sport(),
        (Manip::Dst, _) => tuple.dport(),
    }
}

fn with_port(mut tuple: Tuple, manip: Manip, port: u16) -> Tuple {
    tuple.id = match (tuple.id, manip) {
        (L4Id::Ports(_, d), Manip::Src) => L4Id::Ports(port, d),
        (L4Id::Ports(s, _), Manip::Dst) => L4Id::Ports(s, port),
        (L4Id::Icmp(ty, code, _), _) => L4Id::Icmp(ty, code, port),
        (L4Id::None, _) => L4Id::None,
    };
    tuple
}

/// The ports that a source without a range may get: privileged ones stay so.
fn source_ports(own: u16, tuple: &Tuple) -> (u16, u16) {
    match (tuple.id, own) {
        (L4Id::Icmp(..), _) => (0, u16::MAX),
        (_, 0..=511) => (1, 511),
        (_, 512..=1023) => (600, 1023),
        _ => (1024, u16::MAX),
    }
}

/// One address of a range: the same for the same pair of ends, or, if it is to persist, for the same source
/// (`find_best_ips_proto`).
fn pick_address(low: IpAddr, high: IpAddr, tuple: &Tuple, persistent: bool) -> IpAddr {
    let dst = if persistent { tuple.src } else { tuple.dst };
    let n = u128::from(tuple_hash(&Tuple { dst, id: L4Id::None, ..*tuple }));
    match (low, high) {
        (IpAddr::V4(l), IpAddr::V4(h)) => {
            let size = u128::from(h.to_bits().saturating_sub(l.to_bits())) + 1;
            IpAddr::V4(Ipv4Addr::from(l.to_bits() + (n % size) as u32))
        }
        (IpAddr::V6(l), IpAddr::V6(h)) => {
            let size = h.to_bits().saturating_sub(l.to_bits()).saturating_add(1);
            IpAddr::V6(Ipv6Addr::from(l.to_bits() + n % size))
        }
        _ => low,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Log, Time};
    use crate::netfilter::Zone;
    use expect_test::{Expect, expect};

    fn tuple(sport: u16) -> Tuple {
        let addr = |last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
        Tuple { src: addr(1), dst: addr(9), proto: Proto::UDP, id: L4Id::Ports(sport, 53) }
    }

    /// What a flow's tuple becomes where another client's flows have taken some.
    #[track_caller]
    fn check(taken: &[Tuple], now: Tuple, range: NatRange, manip: Manip, want: Expect) {
        let mut conntrack = Conntrack::default();
        for (n, tuple) in (0..).zip(taken) {
            let other = Tuple { id: L4Id::Ports(n, 1), ..*tuple };
            let id = conntrack.create(other, Zone::default(), Time::ZERO);
            conntrack.entry_mut(id).expect("entry").reply = tuple.invert();
            assert!(conntrack.confirm(id));
        }
        let id = conntrack.create(now, Zone::default(), Time::ZERO);
        let wish = Wish { range, ..Wish::default() };
        conntrack.set_up(id, manip, Some(wish), EventId(0), &mut Log::<Event>::starting_at(EventId(1)));
        want.assert_eq(&conntrack.entry(id).expect("entry").reply.invert().to_string());
    }

    fn ports(low: u16, high: u16) -> NatRange {
        NatRange { ports: Some((low, high)), ..NatRange::default() }
    }

    #[test]
    fn a_port_stays_where_it_is_free() {
        for range in [NatRange::default(), ports(4000, 4010)] {
            check(
                &[],
                tuple(4000),
                range,
                Manip::Src,
                expect!["src=10.0.0.1 dst=10.0.0.9 sport=4000 dport=53"],
            );
        }
    }

    #[test]
    fn a_taken_port_gives_way_within_its_class() {
        for own in [4000, 700, 80] {
            let mut conntrack = Conntrack::default();
            let other = conntrack.create(tuple(9), Zone::default(), Time::ZERO);
            conntrack.entry_mut(other).expect("entry").reply = tuple(own).invert();
            assert!(conntrack.confirm(other));
            let id = conntrack.create(tuple(own), Zone::default(), Time::ZERO);
            let (got, _) = conntrack.unique(id, tuple(own), &Wish::default(), Manip::Src);
            let port = got.sport().unwrap_or(0);
            let (low, high) = source_ports(own, &got);
            assert!(port != own && (low..=high).contains(&port), "{own} became {port}");
        }
    }

    #[test]
    fn a_destination_range_begins_at_its_first_port() {
        let now = tuple(4000);
        check(
            &[],
            now,
            ports(2000, 2009),
            Manip::Dst,
            expect!["src=10.0.0.1 dst=10.0.0.9 sport=4000 dport=2000"],
        );
        let shifted = NatRange { base: Some(50), ..ports(2000, 2009) };
        check(&[], now, shifted, Manip::Dst, expect!["src=10.0.0.1 dst=10.0.0.9 sport=4000 dport=2003"]);
    }

    #[test]
    fn a_full_range_gives_a_taken_tuple_which_confirmation_drops() {
        check(
            &[tuple(6000)],
            tuple(4000),
            ports(6000, 6000),
            Manip::Src,
            expect!["src=10.0.0.1 dst=10.0.0.9 sport=6000 dport=53"],
        );
    }
}
