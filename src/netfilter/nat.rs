//! Address translation: set up by the first packet of a connection, applied to all of them.
//!
//! Semantics of `nf_nat_core` in Linux 6.18.

use super::conntrack::{CtRef, CtState, CtStatus};
use super::event::{ChangedBy, CtChange, Event, KernelDrop, Manip, NotKnown, Skip};
use super::nat_tuple::Wish;
use super::targets::{NatRange, NatTarget, NatVariant, NetMap};
use super::walk::changed;
use super::{CtEntry, CtId, Hook, HookVerdict, LostIn, Netfilter, OutDev, Skb, Stage, TableName, WalkCx};
use crate::abi::{EventId, IfName, Sink};
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

    pub(super) fn done(self) -> CtStatus {
        match self {
            Manip::Src => CtStatus::SrcNatDone,
            Manip::Dst => CtStatus::DstNatDone,
        }
    }

    pub(super) fn status(self) -> CtStatus {
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
            if self.is_redirect_of_translated(&skb.packet, id) {
                let why = KernelDrop::TranslatedRedirect;
                let dropped = cx.sink.emit(Some(entered), Event::KernelDropped { why });
                return HookVerdict::Lost(dropped, LostIn::Hook);
            }
            if self.translating(manip, ct, id).is_some() && is_short_quote(&skb.packet) {
                let why = KernelDrop::ShortQuote;
                let dropped = cx.sink.emit(Some(entered), Event::KernelDropped { why });
                return HookVerdict::Lost(dropped, LostIn::Hook);
            }
            self.translate_error(manip, ct, id, skb, entered, cx);
            return HookVerdict::Accept;
        }
        let settled = self.conntrack.entry(id).is_some_and(|e| e.has(manip.done()));
        let first = matches!(ct.state, CtState::New | CtState::Related);
        if (settled || !first) && self.leaves_elsewhere(hook, ct, id, skb) {
            let why = KernelDrop::OtherInterface;
            let dropped = cx.sink.emit(Some(entered), Event::KernelDropped { why });
            self.conntrack.end(id, CtChange::Rehomed, dropped, cx.sink);
            return HookVerdict::Lost(dropped, LostIn::Hook);
        }
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
                    OutDev::Named(oif) => cx.env.source_address(oif, skb.gateway.unwrap_or(skb.packet.dst)),
                    OutDev::None | OutDev::Unknown => None,
                };
                match address {
                    // Nothing was chosen as source yet: the kernel lets it pass as it is.
                    _ if skb.packet.src.is_unspecified() => return true,
                    Some(addr) => (Manip::Src, Some((addr, addr))),
                    None if cx.env.is_described() && skb.oif.name().is_some() => return false,
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
                    (_, Some(iif), _) => cx.env.first_address(iif, skb.packet.dst),
                    (_, None, _) => None,
                };
                // Without an address on the interface the kernel drops the packet.
                let Some(addr) = local else { return false };
                (Manip::Dst, Some((addr, addr)))
            }
        };
        let range = NatRange { addrs, ..nat.range };
        let wish = Wish { range, choice: nat.choice, persistent: nat.persistent };
        self.settle(id, manip, Some(wish), event, cx);
        if nat.variant == NatVariant::Masquerade
            && let Some(entry) = self.conntrack.entry_mut(id)
        {
            entry.masquerades = skb.oif.name().cloned();
        }
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
        self.settle(id, manip, Some(Wish::address(addr)), event, cx);
    }

    /// Settles one end of a connection (`nf_nat_setup_info`): with a range as a rule says, without one as
    /// it is.
    fn settle(&mut self, id: CtId, manip: Manip, wish: Option<Wish>, cause: EventId, cx: &mut WalkCx) {
        if self.conntrack.entry(id).is_none_or(|e| e.has(CtStatus::Confirmed)) {
            return;
        }
        let changes = self.conntrack.set_up(id, manip, wish, cause, cx.sink);
        let Some(entry) = self.conntrack.entry_mut(id) else { return };
        if changes {
            entry.nat_cause = Some(cause);
        }
        if wish.is_some() || changes {
            let entry = Arc::new(entry.clone());
            cx.sink.emit(Some(cause), Event::NatSettled { manip, entry, changes });
        }
    }

    /// True for an ICMP redirect about a connection that is translated, or may still be: nobody could follow it.
    fn is_redirect_of_translated(&self, packet: &Packet, id: CtId) -> bool {
        const REDIRECT: u8 = 5;
        const REDIRECT6: u8 = 137;
        let kind = if packet.src.is_ipv4() { REDIRECT } else { REDIRECT6 };
        packet.icmp().is_some_and(|i| i.kind.ty == kind)
            && self.conntrack.entry(id).is_some_and(|e| {
                e.is_translated() || !e.has(CtStatus::SrcNatDone) || !e.has(CtStatus::DstNatDone)
            })
    }

    /// True if a masqueraded connection would leave by another interface than at first (`nf_nat_oif_changed`).
    fn leaves_elsewhere(&self, hook: Hook, ct: CtRef, id: CtId, skb: &Skb) -> bool {
        let by = self.conntrack.entry(id).and_then(|e| e.masquerades.as_ref());
        hook == Hook::Postrouting
            && ct.dir == Direction::Original
            && by.zip(skb.oif.name()).is_some_and(|(at_first, now)| at_first != now)
    }

    /// An interface went down: what was masqueraded by it is forgotten (`masq_device_event`).
    pub fn interface_down(
        &mut self,
        name: &IfName,
        cause: impl Into<Option<EventId>> + Copy,
        sink: &mut dyn Sink<Event>,
    ) {
        self.forget_masqueraded(|e| e.masquerades.as_ref() == Some(name), cause, sink);
    }

    /// An interface lost an address: what was masqueraded with it is forgotten (`masq_inet_event`).
    pub fn address_gone(
        &mut self,
        name: &IfName,
        addr: IpAddr,
        cause: impl Into<Option<EventId>> + Copy,
        sink: &mut dyn Sink<Event>,
    ) {
        let lost = |e: &CtEntry| e.masquerades.as_ref() == Some(name) && e.reply.dst == addr;
        self.forget_masqueraded(lost, cause, sink);
    }

    fn forget_masqueraded(
        &mut self,
        which: impl Fn(&CtEntry) -> bool,
        cause: impl Into<Option<EventId>> + Copy,
        sink: &mut dyn Sink<Event>,
    ) {
        let over: Vec<_> = self.conntrack.entries().filter(|e| which(e)).map(|e| e.id).collect();
        for id in over {
            self.conntrack.end(id, CtChange::Rehomed, cause, sink);
        }
    }

    /// The packet's connection, if it changes this end of packets in the packet's direction.
    fn translating(&self, manip: Manip, ct: CtRef, id: CtId) -> Option<&CtEntry> {
        self.conntrack.entry(id).filter(|entry| entry.has(manip.status_in(ct.dir)))
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
        let Some(entry) = self.translating(manip, ct, id) else { return };
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
        let Some(entry) = self.translating(manip, ct, id) else { return };
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
    const REDIRECT6: u8 = 137;
    let v4 = packet.src.is_ipv4();
    packet.icmp().is_some_and(|i| i.kind.is_error(v4) || !v4 && i.kind.ty == REDIRECT6)
}

/// True for an error that quotes fewer than the eight bytes of a transport header that translating changes
/// (`l4proto_manip_pkt`); of a protocol without ports it changes none.
fn is_short_quote(packet: &Packet) -> bool {
    packet.icmp().is_some_and(|icmp| {
        let quoted = icmp.quoted.as_ref().filter(|q| !matches!(q.transport, Transport::Other(_)));
        quoted.is_some_and(|q| u32::from(icmp.quoted_len) < q.header_len() + 8)
    })
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
