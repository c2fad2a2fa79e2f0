//! Address translation: set up by the first packet of a connection, applied to all of them.
//!
//! Semantics of `nf_nat_core` in Linux 6.18.

use super::conntrack::{CtRef, CtState, CtStatus};
use super::event::{ChangedBy, Event, Manip, NotKnown, Skip};
use super::targets::{NatRange, NatTarget, NatVariant, NetMap, PortChoice};
use super::walk::changed;
use super::{CtId, Hook, HookVerdict, Netfilter, OutDev, Skb, Stage, TableName, WalkCx};
use crate::abi::EventId;
use crate::packet::{Direction, L4Id, Packet, Transport, Tuple};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

impl Manip {
    /// Which end is translated at a hook (`HOOK2MANIP`); none in FORWARD.
    pub fn at(hook: Hook) -> Option<Manip> {
        match hook {
            Hook::Prerouting | Hook::Output => Some(Manip::Dst),
            Hook::Input | Hook::Postrouting => Some(Manip::Src),
            Hook::Forward => None,
        }
    }

    fn flip(self) -> Manip {
        match self {
            Manip::Src => Manip::Dst,
            Manip::Dst => Manip::Src,
        }
    }

    fn done(self) -> CtStatus {
        match self {
            Manip::Src => CtStatus::SrcNatDone,
            Manip::Dst => CtStatus::DstNatDone,
        }
    }

    fn status(self) -> CtStatus {
        match self {
            Manip::Src => CtStatus::SrcNat,
            Manip::Dst => CtStatus::DstNat,
        }
    }

    /// The status bit that says whether packets in a direction are changed at this end.
    fn status_in(self, dir: Direction) -> CtStatus {
        match dir {
            Direction::Original => self.status(),
            Direction::Reply => self.flip().status(),
        }
    }
}

impl Netfilter {
    /// The nat stage of a hook: the table is asked only where this end of the connection is not settled;
    /// then the packet is changed as the connection says.
    pub(super) fn nat_stage(
        &mut self,
        hook: Hook,
        skb: &mut Skb,
        entered: EventId,
        cx: &mut WalkCx,
    ) -> HookVerdict {
        let Some(manip) = Manip::at(hook) else { return HookVerdict::Accept };
        let stage = Stage::Table(TableName::Nat);
        let skip = |why, cx: &mut WalkCx| {
            cx.sink.emit(Some(entered), Event::StageSkipped { hook, stage, why });
        };
        let Some((ct, id)) = skb.ct.and_then(|ct| Some((ct, ct.entry?))) else {
            let why = match skb.ct.map(|ct| ct.state) {
                None => Skip::TrackingOff,
                Some(CtState::Untracked) => Skip::Untracked,
                Some(_) => Skip::Invalid,
            };
            skip(why, cx);
            return HookVerdict::Accept;
        };
        if is_error(&skb.packet) && ct.state == CtState::Related {
            skip(Skip::IcmpError, cx);
            self.translate_error(manip, ct, id, skb, entered, cx);
            return HookVerdict::Accept;
        }
        let settled = self.conntrack.entry(id).is_some_and(|e| e.has(manip.done()));
        let mut cause = entered;
        match ct.state {
            CtState::New | CtState::Related if !settled => {
                let verdict = self.run_table(hook, TableName::Nat, skb, entered, cx);
                if verdict != HookVerdict::Accept {
                    return verdict;
                }
                if !self.conntrack.entry(id).is_some_and(|e| e.has(manip.done())) {
                    self.settle(id, manip, None, entered, cx);
                }
                cause = self.conntrack.entry(id).and_then(|e| e.nat_cause).unwrap_or(entered);
            }
            CtState::New | CtState::Related => skip(Skip::Settled, cx),
            CtState::Established | CtState::Invalid | CtState::Untracked => skip(Skip::NotFirstPacket, cx),
        }
        self.translate(manip, ct, id, skb, cause, cx);
        HookVerdict::Accept
    }

    /// A DNAT, SNAT, MASQUERADE or REDIRECT rule; false where it drops the packet.
    pub(super) fn nat_target(
        &mut self,
        nat: &NatTarget,
        hook: Hook,
        skb: &Skb,
        event: EventId,
        cx: &mut WalkCx,
    ) -> bool {
        let Some(id) = skb.ct.and_then(|ct| ct.entry) else { return true };
        let (manip, addrs) = match nat.variant {
            NatVariant::Dnat => (Manip::Dst, nat.range.addrs),
            NatVariant::Snat => (Manip::Src, nat.range.addrs),
            NatVariant::Masquerade => {
                let address = match &skb.oif {
                    OutDev::Named(oif) => cx.env.interface_address(oif, skb.packet.dst),
                    OutDev::None | OutDev::Unknown => None,
                };
                match address {
                    Some(addr) => (Manip::Src, Some((addr, addr))),
                    None => {
                        let what = NotKnown::MasqueradeAddress;
                        cx.sink.emit(Some(event), Event::NotKnown { what });
                        (Manip::Src, None)
                    }
                }
            }
            NatVariant::Redirect => {
                let local = match (hook, &skb.iif, skb.packet.dst.is_ipv4()) {
                    (Hook::Output, _, true) => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                    (Hook::Output, _, false) => Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
                    (_, Some(iif), _) => cx.env.interface_address(iif, skb.packet.src),
                    (_, None, _) => None,
                };
                // Without an address on the interface the kernel drops the packet.
                let Some(addr) = local else { return false };
                (Manip::Dst, Some((addr, addr)))
            }
        };
        let range = NatRange { addrs, ..nat.range };
        self.settle(id, manip, Some((range, nat.choice)), event, cx);
        true
    }

    /// A NETMAP rule: the address of the end that this hook translates keeps its host part.
    pub(super) fn netmap_target(
        &mut self,
        netmap: &NetMap,
        hook: Hook,
        skb: &Skb,
        event: EventId,
        cx: &mut WalkCx,
    ) {
        let Some((id, manip)) = skb.ct.and_then(|ct| ct.entry).zip(Manip::at(hook)) else { return };
        let addr = netmap.apply(match manip {
            Manip::Src => skb.packet.src,
            Manip::Dst => skb.packet.dst,
        });
        let range = NatRange { addrs: Some((addr, addr)), ..NatRange::default() };
        self.settle(id, manip, Some((range, PortChoice::Keep)), event, cx);
    }

    /// Settles one end of a connection (`nf_nat_setup_info`): with a range as a rule says, without one as
    /// it is.
    fn settle(
        &mut self,
        id: CtId,
        manip: Manip,
        rule: Option<(NatRange, PortChoice)>,
        cause: EventId,
        cx: &mut WalkCx,
    ) {
        let Some(entry) = self.conntrack.entry(id) else { return };
        let now = entry.reply.invert();
        let wanted = match rule {
            Some((range, choice)) => self.unique(now, range, choice, manip),
            None => self.unique(now, NatRange::default(), PortChoice::Keep, manip),
        };
        let Some(entry) = self.conntrack.entry_mut(id) else { return };
        let changes = wanted != now;
        if changes {
            entry.reply = wanted.invert();
            entry.set(manip.status());
            entry.nat_cause = Some(cause);
        }
        entry.set(manip.done());
        if rule.is_some() || changes {
            let entry = Arc::new(entry.clone());
            cx.sink.emit(Some(cause), Event::NatSettled { manip, entry, changes });
        }
    }

    /// The tuple that a connection's packets get: in the range, and not that of another connection
    /// (`get_unique_tuple`).
    fn unique(&self, now: Tuple, range: NatRange, choice: PortChoice, manip: Manip) -> Tuple {
        let mut tuple = now;
        if let Some((low, high)) = range.addrs {
            let addr = pick_address(low, high, &now, manip);
            match manip {
                Manip::Src => tuple.src = addr,
                Manip::Dst => tuple.dst = addr,
            }
        }
        let free = |t: &Tuple| !self.conntrack.is_taken(&t.invert());
        let own = port(&tuple, manip);
        let keep = choice == PortChoice::Keep && range.base.is_none();
        match (own, range.ports) {
            (None, _) => return tuple,
            (Some(own), Some((low, high))) => {
                if keep && (low..=high).contains(&own) && (low == high || free(&tuple)) {
                    return tuple;
                }
            }
            // Without a range, a port is changed only where it clashes, and only the source's.
            (Some(_), None) => {
                if (keep && free(&tuple)) || manip == Manip::Dst {
                    return tuple;
                }
            }
        }
        let own = own.unwrap_or_default();
        let (low, high) = range.ports.unwrap_or(source_ports(own, &tuple));
        let size = u32::from(high - low) + 1;
        let start = match (manip, range.base) {
            (_, Some(base)) => u32::from(own.wrapping_sub(base)),
            (Manip::Dst, None) if choice == PortChoice::Keep => 0,
            (_, None) => hash(&tuple),
        };
        for step in 0..size {
            let candidate = with_port(tuple, manip, low + ((start.wrapping_add(step)) % size) as u16);
            if free(&candidate) {
                return candidate;
            }
        }
        // All are taken: the last one tried is used, and the packet is dropped at confirmation.
        with_port(tuple, manip, low + (start % size) as u16)
    }

    /// Changes one end of a packet as its connection says (`nf_nat_packet`).
    fn translate(
        &mut self,
        manip: Manip,
        ct: CtRef,
        id: CtId,
        skb: &mut Skb,
        cause: EventId,
        cx: &mut WalkCx,
    ) {
        let Some(entry) = self.conntrack.entry(id) else { return };
        if !entry.has(manip.status_in(ct.dir)) {
            return;
        }
        let cause = entry.nat_cause.unwrap_or(cause);
        let target = entry.translated(ct.dir);
        let before = Arc::new(skb.clone());
        rewrite(&mut skb.packet, manip, &target);
        changed(cx, Some(cause), before, skb, ChangedBy::Nat(manip));
    }

    /// Changes an ICMP error and the packet it quotes (`nf_nat_icmp_reply_translation`).
    fn translate_error(
        &mut self,
        manip: Manip,
        ct: CtRef,
        id: CtId,
        skb: &mut Skb,
        cause: EventId,
        cx: &mut WalkCx,
    ) {
        let Some(entry) = self.conntrack.entry(id) else { return };
        if !entry.has(manip.status_in(ct.dir)) {
            return;
        }
        let cause = entry.nat_cause.unwrap_or(cause);
        let there = entry.tuple(ct.dir.flip());
        let before = Arc::new(skb.clone());
        match manip {
            Manip::Src => skb.packet.src = there.dst,
            Manip::Dst => skb.packet.dst = there.src,
        }
        if let Transport::Icmp(icmp) = &mut skb.packet.transport
            && let Some(quoted) = &mut icmp.quoted
        {
            rewrite(quoted, manip.flip(), &there);
        }
        changed(cx, Some(cause), before, skb, ChangedBy::Nat(manip));
    }
}

fn is_error(packet: &Packet) -> bool {
    packet.icmp().is_some_and(|i| i.kind.is_error(packet.src.is_ipv4()))
}

/// Gives a packet one end of a tuple.
fn rewrite(packet: &mut Packet, manip: Manip, target: &Tuple) {
    match manip {
        Manip::Src => packet.src = target.src,
        Manip::Dst => packet.dst = target.dst,
    }
    match (target.id, manip, &mut packet.transport) {
        (L4Id::Ports(sport, _), Manip::Src, _) => packet.set_sport(sport),
        (L4Id::Ports(_, dport), Manip::Dst, _) => packet.set_dport(dport),
        (L4Id::Icmp(_, _, id), _, Transport::Icmp(icmp)) => icmp.id = id,
        _ => {}
    }
}

fn port(tuple: &Tuple, manip: Manip) -> Option<u16> {
    match manip {
        Manip::Src => tuple.sport(),
        Manip::Dst => tuple.dport(),
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

/// The ports that a source without a range may get: privileged ones stay so (`nf_nat_l4proto_unique_tuple`).
fn source_ports(own: u16, tuple: &Tuple) -> (u16, u16) {
    match (tuple.id, own) {
        (L4Id::Icmp(..), _) => (0, u16::MAX),
        (_, 0..=511) => (1, 511),
        (_, 512..=1023) => (600, 1023),
        _ => (1024, u16::MAX),
    }
}

/// One address of a range: the same for the same pair of ends (`find_best_ips_proto`).
fn pick_address(low: IpAddr, high: IpAddr, tuple: &Tuple, manip: Manip) -> IpAddr {
    let current = match manip {
        Manip::Src => tuple.src,
        Manip::Dst => tuple.dst,
    };
    if low == high || (low..=high).contains(&current) && manip == Manip::Src {
        return if low == high { low } else { current };
    }
    let n = u128::from(hash(&Tuple { id: L4Id::None, ..*tuple }));
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

/// A fixed hash of a tuple (FNV-1a): Linux uses a secret one, so any choice is as true as another.
fn hash(tuple: &Tuple) -> u32 {
    tuple.to_string().bytes().fold(0x811c_9dc5, |h: u32, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Time;
    use crate::netfilter::Netfilter;
    use crate::packet::Proto;
    use expect_test::{Expect, expect};

    fn tuple(sport: u16) -> Tuple {
        let addr = |last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
        Tuple { src: addr(1), dst: addr(9), proto: Proto::UDP, id: L4Id::Ports(sport, 53) }
    }

    /// What a flow's tuple becomes where others have taken some.
    #[track_caller]
    fn check(taken: &[Tuple], now: Tuple, range: NatRange, manip: Manip, want: Expect) {
        let mut netfilter = Netfilter::default();
        for tuple in taken {
            let id = netfilter.conntrack.create(*tuple, Time::ZERO);
            assert!(netfilter.conntrack.confirm(id));
        }
        want.assert_eq(&netfilter.unique(now, range, PortChoice::Keep, manip).to_string());
    }

    fn ports(low: u16, high: u16) -> NatRange {
        NatRange { ports: Some((low, high)), ..NatRange::default() }
    }

    #[test]
    fn a_port_stays_where_it_is_free() {
        check(
            &[],
            tuple(4000),
            NatRange::default(),
            Manip::Src,
            expect!["src=10.0.0.1 dst=10.0.0.9 sport=4000 dport=53"],
        );
        check(
            &[],
            tuple(4000),
            ports(4000, 4010),
            Manip::Src,
            expect!["src=10.0.0.1 dst=10.0.0.9 sport=4000 dport=53"],
        );
    }

    #[test]
    fn a_taken_port_gives_way_within_its_class() {
        let mut netfilter = Netfilter::default();
        for own in [4000, 700, 80] {
            let id = netfilter.conntrack.create(tuple(own), Time::ZERO);
            assert!(netfilter.conntrack.confirm(id));
            let got = netfilter.unique(tuple(own), NatRange::default(), PortChoice::Keep, Manip::Src);
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
        let taken = tuple(6000);
        check(
            &[taken],
            tuple(4000),
            ports(6000, 6000),
            Manip::Src,
            expect!["src=10.0.0.1 dst=10.0.0.9 sport=6000 dport=53"],
        );
    }
}
