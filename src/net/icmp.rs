//! The ICMP messages that a host sends of its own accord (`icmp_send`, `icmp6_send`, `icmp_reply`).

use super::event::NetEvent;
use super::fib::Links;
use super::routing::Hop;
use super::sysctl::Global;
use super::walk::{Answer, Out, Way};
use crate::abi::EventId;
use crate::netfilter::{Cast, CtRef, CtState, Sender, Skb};
use crate::packet::{Icmp, IcmpType, Packet, Transport};
use std::net::IpAddr;
use std::sync::Arc;

impl Way<'_> {
    /// Answers with a packet that the kernel has made: an ICMP error comes from the host's own address, and all
    /// belong to the connection of the packet that they answer.
    pub fn answer(&mut self, skb: &Skb, mut packet: Packet, cause: EventId) {
        let rejected = &skb.packet;
        let v4 = rejected.src.is_ipv4();
        if self.host.is_for_many(rejected.dst) {
            return;
        }
        if let Some(kind) = packet.icmp().map(|icmp| icmp.kind) {
            // Not about what was sent to many (`icmp_send`).
            if skb.cast.is_some_and(|cast| cast != Cast::Host) {
                return;
            }
            // The host's one socket for ICMP is busy with what is being sent (`icmp_xmit_lock`).
            if skb.iif.is_none() && skb.sender == Sender::KernelSocket && rejected.icmp().is_some() {
                return;
            }
            if rejected.icmp().is_some_and(|icmp| is_answerless(icmp.kind, v4)) {
                return;
            }
            match self.host.error_source(skb) {
                Some(own) => packet.src = own,
                None => return,
            }
            if !self.host.may_tell(packet.dst, kind) {
                return;
            }
            packet.tos = error_tos(rejected);
        }
        packet.ttl = self.host.default_ttl(v4);
        let reflect = if v4 { Global::FwmarkReflect } else { Global::FwmarkReflect6 };
        let mark = if self.host.sysctls.is_on(reflect) { skb.mark } else { 0 };
        // What REJECT makes of a segment has no socket (`nf_send_reset`); ICMP has the host's own.
        let sender = if packet.icmp().is_some() { Sender::KernelSocket } else { Sender::Kernel };
        if sender == Sender::Kernel && skb.physin.is_some() {
            return self.outs.push(Out::Direct { packet, about: Box::new(skb.clone()), cause });
        }
        self.outs.push(Out::Answer(Answer { packet, mark, sender, ct: answering(skb.ct), cause }));
    }

    /// Answers with an ICMP error, unless the packet is one itself (RFC 1122, 3.2.2) or a later fragment.
    pub fn icmp_error(&mut self, skb: &Skb, v4: Option<IcmpType>, v6: Option<IcmpType>, cause: EventId) {
        let kind = if skb.packet.src.is_ipv4() { v4 } else { v6 };
        let Some(kind) = kind else { return };
        self.icmp_message(skb, Icmp::error(kind, &skb.packet), cause);
    }

    /// Tells the sender how large a packet the way carries (RFC 1191, RFC 8201).
    pub fn too_big(&mut self, skb: &Skb, mtu: u32, cause: EventId) {
        let kind = if skb.packet.src.is_ipv4() { IcmpType::new(3, 4) } else { IcmpType::new(2, 0) };
        let icmp = Icmp { mtu: Some(mtu), ..Icmp::error(kind, &skb.packet) };
        self.icmp_message(skb, icmp, cause);
    }

    /// Tells the sender of a better gateway on its own link (`ip_rt_send_redirect`).
    pub fn redirect(&mut self, skb: &Skb, hop: &Hop, cause: EventId) {
        if !self.host.may_redirect(skb.packet.src) {
            return;
        }
        let gateway = hop.gateway.unwrap_or(skb.packet.dst);
        let icmp = Icmp { gateway: Some(gateway), ..Icmp::error(IcmpType::new(5, 1), &skb.packet) };
        let before = self.outs.len();
        self.icmp_message(skb, icmp, cause);
        // It leaves before the packet goes on: what is not settled of the connection yet counts.
        if let Some(begun) = self.begun {
            for out in self.outs.split_off(before) {
                match out {
                    Out::Answer(answer) => self.send_answer(answer),
                    other => self.outs.push(other),
                }
            }
            self.emit(begun, NetEvent::Resumes { begun });
        }
    }

    /// Leads an answer out, in between.
    fn send_answer(&mut self, answer: Answer) {
        let mut skb = answer.skb();
        let begins = self.emit(answer.cause, NetEvent::Answers { skb: Arc::new(skb.clone()) });
        let (fate, by) = self.send(&mut skb, begins);
        self.emit(by.unwrap_or(begins), NetEvent::Ended { fate, by });
    }

    fn icmp_message(&mut self, skb: &Skb, icmp: Icmp, cause: EventId) {
        let about = &skb.packet;
        let is_error = about.icmp().is_some_and(|i| i.kind.is_error(about.src.is_ipv4()));
        if is_error || about.is_later_fragment() {
            return;
        }
        if let Some(packet) = Packet::new(about.dst, about.src, Transport::Icmp(icmp)) {
            self.answer(skb, packet, cause);
        }
    }
}

/// Messages that no ICMP error is sent about, besides errors: what Linux has no use for, and types that it does
/// not know (`icmp_pointers`, `is_ineligible`).
fn is_answerless(kind: IcmpType, v4: bool) -> bool {
    match v4 {
        true => kind.is_error(true) || matches!(kind.ty, 1 | 2 | 6 | 7 | 9 | 10 | 19..),
        false => kind.ty < 128 || kind.ty == 137,
    }
}

/// What the kernel's own answer has to do with the connection of the packet that it answers
/// (`nf_ct_attach`).
pub(super) fn answering(ct: Option<CtRef>) -> Option<CtRef> {
    let ct = ct?;
    ct.entry?;
    Some(CtRef { state: CtState::Related, entry: ct.entry, dir: ct.dir.flip() })
}

/// IPv4 errors are sent as internetwork control (`icmp_send`, RFC 1812 4.3.2.5).
pub(super) fn error_tos(rejected: &Packet) -> u8 {
    const INTERNETWORK_CONTROL: u8 = 0xc0;
    const TOS_BITS: u8 = 0x1e;
    if rejected.src.is_ipv4() { rejected.tos & TOS_BITS | INTERNETWORK_CONTROL } else { 0 }
}

impl super::host::Host {
    /// The TTL or hop limit of what the host sends.
    pub fn default_ttl(&self, v4: bool) -> u8 {
        if v4 { u8::try_from(self.sysctls.global(Global::DefaultTtl)).unwrap_or(64) } else { 64 }
    }

    /// True for an address of a group or of all on a link.
    pub fn is_for_many(&self, addr: IpAddr) -> bool {
        addr.is_multicast() || self.is_broadcast(addr)
    }

    /// The address that the host sends an ICMP error about a packet from: the packet's destination where that is
    /// its own, else the one that the way back to the sender has.
    pub(super) fn error_source(&self, skb: &Skb) -> Option<IpAddr> {
        let (src, dst) = (skb.packet.src, skb.packet.dst);
        if self.owner(dst).is_some() {
            return Some(dst);
        }
        if self.sysctls.is_on(Global::IcmpErrorsUseInbound)
            && src.is_ipv4()
            && let Some(link) = skb.iif.as_ref().and_then(|iif| self.devices.link(iif))
            && let Some(own) = link.addrs.iter().find(|a| a.local.is_ipv4())
        {
            return Some(own.local);
        }
        self.source_towards(src, skb)
    }
}
