//! A packet's way through a host: hooks around the routing decision (`ip_rcv`, `ip_forward`, `ip_output`).

use super::event::{Event, Fate, Lost, NetEvent, Routed};
use super::host::Host;
use super::inject::Injected;
use super::route::RouteKind;
use crate::abi::{EventId, IfName, Log, Sink};
use crate::netfilter::event::{ChangedBy, Event as NfEvent};
use crate::netfilter::{
    Cast, Choices, CtRef, CtState, Hook, HookVerdict, OutDev, Sender, Skb, WalkCx, targets::Reject,
};
use crate::packet::{Icmp, IcmpType, Packet, Transport};
use std::net::IpAddr;
use std::sync::Arc;

/// One packet on its way.
struct Way<'a> {
    host: &'a mut Host,
    log: &'a mut Log<Event>,
    choices: &'a mut Choices,
    assumed: Option<CtState>,
    /// The interface that the user said routing chooses.
    out: Option<IfName>,
    answers: Vec<Answer>,
}

/// A packet that the kernel sends in answer to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The packet.
    pub packet: Packet,
    ct: Option<CtRef>,
    cause: EventId,
}

/// Where a way through the host ended, and by which event.
type End = (Fate, Option<EventId>);

impl Host {
    /// Leads a packet, and what the kernel sends in answer to it, through the host. What the kernel would send
    /// in answer to its own answer is not sent.
    pub fn inject(&mut self, injected: &Injected, choices: &mut Choices, log: &mut Log<Event>) -> Fate {
        let (fate, answers) = self.pass(injected, choices, log);
        for answer in answers {
            self.answer(answer, choices, log);
        }
        fate
    }

    /// Leads a packet through the host: how it ended, and what the kernel is about to send in answer.
    pub fn pass(
        &mut self,
        injected: &Injected,
        choices: &mut Choices,
        log: &mut Log<Event>,
    ) -> (Fate, Vec<Answer>) {
        self.now = self.now.after(injected.after);
        let untracked =
            CtRef { state: CtState::Untracked, entry: None, dir: crate::packet::Direction::Original };
        let mut skb = Skb {
            iif: injected.iif.clone(),
            mark: injected.mark,
            ct: (injected.ct == Some(CtState::Untracked)).then_some(untracked),
            sender: injected.socket(),
            mac: injected.mac,
            ..Skb::new(injected.packet.clone())
        };
        let origin = injected.origin();
        let begins = log.emit(None, Event::Net(NetEvent::Begins { skb: Arc::new(skb.clone()), origin }));
        let (assumed, out) = (injected.ct, injected.out.clone());
        let mut way = Way { host: self, log, choices, assumed, out, answers: Vec::new() };
        let end = match injected.iif {
            Some(_) => way.receive(&mut skb, begins),
            None => way.send(&mut skb, begins),
        };
        (way.end(end, begins), way.answers)
    }

    /// Leads an answer of the kernel's out of the host.
    pub fn answer(&mut self, answer: Answer, choices: &mut Choices, log: &mut Log<Event>) -> Fate {
        let mut skb = Skb { ct: answer.ct, ..Skb::new(answer.packet) };
        let begins =
            log.emit(Some(answer.cause), Event::Net(NetEvent::Answers { skb: Arc::new(skb.clone()) }));
        let mut way = Way { host: self, log, choices, assumed: None, out: None, answers: Vec::new() };
        let end = way.send(&mut skb, begins);
        way.end(end, begins)
    }
}

impl Way<'_> {
    fn end(&mut self, (fate, by): End, begins: EventId) -> Fate {
        let ended =
            self.log.emit(by.or(Some(begins)), Event::Net(NetEvent::Ended { fate: fate.clone(), by }));
        // A connection that an answer still belongs to stays until that has been sent.
        let kept: Vec<_> = self.answers.iter().filter_map(|a| a.ct?.entry).collect();
        self.host.netfilter.forget_unconfirmed(&kept, ended, self.log);
        fate
    }

    /// In by an interface (`ip_rcv`).
    fn receive(&mut self, skb: &mut Skb, cause: EventId) -> End {
        if let Err(end) = self.hook(Hook::Prerouting, skb, cause) {
            return end;
        }
        let dst = skb.packet.dst;
        let routed = match &self.out {
            Some(out) if self.host.owner(dst).is_none() => Routed::Out(out.clone()),
            _ => self.host.route(dst),
        };
        let cause = self.log.emit(Some(cause), Event::Net(NetEvent::Routed { dst, to: routed.clone() }));
        if self.is_martian(skb) {
            return (Fate::Lost(Lost::Martian), Some(cause));
        }
        match routed {
            Routed::Local => match self.hook(Hook::Input, skb, cause) {
                Err(end) => end,
                Ok(()) => (Fate::Delivered, None),
            },
            Routed::Out(dev) => self.forward(skb, OutDev::Named(dev), cause),
            Routed::Unknown => self.forward(skb, OutDev::Unknown, cause),
            Routed::NoRoute => {
                self.icmp_error(skb, IcmpType::new(3, 0), IcmpType::new(1, 0), cause);
                (Fate::Lost(Lost::NoRoute), Some(cause))
            }
            Routed::Refused(kind) => {
                match kind {
                    RouteKind::Unreachable => {
                        self.icmp_error(skb, IcmpType::new(3, 1), IcmpType::new(1, 0), cause);
                    }
                    RouteKind::Prohibit => {
                        self.icmp_error(skb, IcmpType::new(3, 13), IcmpType::new(1, 1), cause);
                    }
                    RouteKind::Blackhole | RouteKind::Dev(_) => {}
                }
                (Fate::Lost(Lost::RouteRefuses), Some(cause))
            }
        }
    }

    /// Addresses that no packet from outside may have (`ip_route_input_slow`, `fib_validate_source`): loopback
    /// ones, the host's own as source, a group's or a broadcast's as source.
    fn is_martian(&self, skb: &Skb) -> bool {
        if skb.iif.as_ref().is_some_and(IfName::is_lo) {
            return false;
        }
        match (skb.packet.src, skb.packet.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                src.is_loopback()
                    || dst.is_loopback() && !self.host.route_localnet
                    || src.is_multicast()
                    || src.is_broadcast()
                    || self.host.owner(IpAddr::V4(src)).is_some()
            }
            (src, dst) => src.is_multicast() || src.is_loopback() || dst.is_loopback(),
        }
    }

    /// Through the host (`ip_forward`): the time to live is lowered before the hook.
    fn forward(&mut self, skb: &mut Skb, oif: OutDev, cause: EventId) -> End {
        if !self.host.forwarding {
            return (Fate::Lost(Lost::ForwardingOff), Some(cause));
        }
        if skb.packet.ttl <= 1 {
            self.icmp_error(skb, IcmpType::new(11, 0), IcmpType::new(3, 0), cause);
            return (Fate::Lost(Lost::TtlExceeded), Some(cause));
        }
        self.change(skb, cause, ChangedBy::Routing, |s| s.oif = oif);
        self.change(skb, cause, ChangedBy::Forwarding, |s| s.packet.ttl -= 1);
        match self.hook(Hook::Forward, skb, cause) {
            Err(end) => end,
            Ok(()) => self.leave(skb, cause),
        }
    }

    /// From a local process (`ip_local_out`): routed first, and once more where OUTPUT changed what routing
    /// looks at. Rules of OUTPUT see the first way out.
    fn send(&mut self, skb: &mut Skb, cause: EventId) -> End {
        let cause = match self.route_out(skb, cause) {
            Ok(cause) => cause,
            Err(end) => return end,
        };
        let (dst, mark) = (skb.packet.dst, skb.mark);
        if let Err(end) = self.hook(Hook::Output, skb, cause) {
            return end;
        }
        let cause = if skb.packet.dst != dst || skb.mark != mark {
            match self.route_out(skb, cause) {
                Ok(cause) => cause,
                Err(end) => return end,
            }
        } else {
            cause
        };
        self.leave(skb, cause)
    }

    fn route_out(&mut self, skb: &mut Skb, cause: EventId) -> Result<EventId, End> {
        let dst = skb.packet.dst;
        let group = dst.is_multicast() || self.host.is_broadcast(dst);
        let to = match &self.out {
            Some(out) if self.host.owner(dst).is_none() => Routed::Out(out.clone()),
            _ if group => Routed::Unknown,
            _ => self.host.route(dst),
        };
        let cause = self.log.emit(Some(cause), Event::Net(NetEvent::Routed { dst, to: to.clone() }));
        let oif = match to {
            Routed::Local => OutDev::Named(IfName::lo()),
            Routed::Out(dev) => OutDev::Named(dev),
            Routed::Unknown => OutDev::Unknown,
            Routed::NoRoute => return Err((Fate::Lost(Lost::NoRoute), Some(cause))),
            Routed::Refused(_) => return Err((Fate::Lost(Lost::RouteRefuses), Some(cause))),
        };
        self.change(skb, cause, ChangedBy::Routing, |s| s.oif = oif);
        Ok(cause)
    }

    /// Out (`ip_output`); what goes out by `lo` comes in by it.
    fn leave(&mut self, skb: &mut Skb, cause: EventId) -> End {
        if let Err(end) = self.hook(Hook::Postrouting, skb, cause) {
            return end;
        }
        match skb.oif.clone() {
            OutDev::Named(dev) if dev.is_lo() => {
                self.change(skb, cause, ChangedBy::Loopback, |s| {
                    s.iif = Some(IfName::lo());
                    s.oif = OutDev::None;
                    s.sender = Sender::Kernel;
                });
                self.receive(skb, cause)
            }
            OutDev::Named(dev) => (Fate::Sent(dev), None),
            OutDev::None | OutDev::Unknown => (Fate::SentSomewhere, None),
        }
    }

    fn hook(&mut self, hook: Hook, skb: &mut Skb, cause: EventId) -> Result<(), End> {
        let mut netfilter = std::mem::take(&mut self.host.netfilter);
        let verdict = netfilter.run_hook(
            hook,
            skb,
            Some(cause),
            &mut WalkCx {
                env: &*self.host,
                now: self.host.now,
                choices: self.choices,
                assumed: self.assumed,
                sink: self.log,
            },
        );
        self.host.netfilter = netfilter;
        match verdict {
            HookVerdict::Accept => Ok(()),
            HookVerdict::Drop(by) => Err((self.dropped(by), Some(by))),
            HookVerdict::Unknown(by) => Err((Fate::Unknown, Some(by))),
            HookVerdict::Reject(by, how) => {
                self.reject(skb, how, by);
                Err((Fate::Rejected, Some(by)))
            }
        }
    }

    /// A drop at confirmation is the kernel's, not a rule's.
    fn dropped(&self, by: EventId) -> Fate {
        match self.log.get(by).map(|e| &e.event) {
            Some(Event::Netfilter(NfEvent::ConnectionChanged { .. })) => Fate::Lost(Lost::Clash),
            _ => Fate::Dropped,
        }
    }

    fn reject(&mut self, skb: &Skb, how: Reject, cause: EventId) {
        // To all or to a group of hosts, or to another host: nobody but the host that is meant may answer.
        let shared = matches!(skb.cast, Some(Cast::Broadcast | Cast::Multicast | Cast::OtherHost));
        if shared || self.host.is_broadcast(skb.packet.dst) {
            return;
        }
        if let Some(mut packet) = how.answer(&skb.packet) {
            // An ICMP error comes from the host's own address (`icmp_send`); a RST from the rejected one.
            if packet.icmp().is_some()
                && let Some(own) = self.own_address(skb)
            {
                packet.src = own;
            }
            if packet.icmp().is_some() {
                packet.tos = error_tos(&skb.packet);
            }
            self.answers.push(Answer { packet, ct: answering(skb.ct), cause });
        }
    }

    /// Answers with an ICMP error, unless the packet is one itself (RFC 1122, 3.2.2).
    fn icmp_error(&mut self, skb: &Skb, v4: IcmpType, v6: IcmpType, cause: EventId) {
        let rejected = &skb.packet;
        let kind = if rejected.src.is_ipv4() { v4 } else { v6 };
        let is_error = rejected.icmp().is_some_and(|i| i.kind.is_error(rejected.src.is_ipv4()));
        if is_error || rejected.is_later_fragment() || rejected.dst.is_multicast() {
            return;
        }
        let transport = Transport::Icmp(Icmp::error(kind, rejected));
        let src = self.own_address(skb).unwrap_or(rejected.dst);
        if let Some(mut packet) = Packet::new(src, rejected.src, transport) {
            packet.tos = error_tos(rejected);
            self.answers.push(Answer { packet, ct: answering(skb.ct), cause });
        }
    }

    /// The address that the host answers from: the rejected packet's destination where that is its own, else
    /// that of the interface that leads back.
    fn own_address(&self, skb: &Skb) -> Option<IpAddr> {
        use crate::netfilter::Env;
        if self.host.owner(skb.packet.dst).is_some() {
            return Some(skb.packet.dst);
        }
        let back = match self.host.route(skb.packet.src) {
            Routed::Out(dev) => dev,
            Routed::Local => return Some(skb.packet.src),
            Routed::NoRoute | Routed::Unknown | Routed::Refused(_) => skb.iif.clone()?,
        };
        self.host.interface_address(&back, skb.packet.src)
    }

    fn change(&mut self, skb: &mut Skb, cause: EventId, by: ChangedBy, f: impl FnOnce(&mut Skb)) {
        let before = Arc::new(skb.clone());
        f(skb);
        if *before != *skb {
            let after = Arc::new(skb.clone());
            self.log.emit(Some(cause), Event::Netfilter(NfEvent::PacketChanged { before, after, by }));
        }
    }
}

/// What the kernel's own answer has to do with the connection of the packet that it answers
/// (`nf_ct_attach`).
fn answering(ct: Option<CtRef>) -> Option<CtRef> {
    let ct = ct?;
    ct.entry?;
    Some(CtRef { state: CtState::Related, entry: ct.entry, dir: ct.dir.flip() })
}

/// IPv4 errors are sent as internetwork control (`icmp_send`, RFC 1812 4.3.2.5).
fn error_tos(rejected: &Packet) -> u8 {
    const INTERNETWORK_CONTROL: u8 = 0xc0;
    const TOS_BITS: u8 = 0x1e;
    if rejected.src.is_ipv4() { rejected.tos & TOS_BITS | INTERNETWORK_CONTROL } else { 0 }
}
