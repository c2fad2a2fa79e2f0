//! A packet's way through a host: hooks around the routing decision (`ip_rcv`, `ip_forward`, `ip_output`, and
//! their twins of IPv6).

use super::event::{Event, Fate, LinkEvent, Lost, NetEvent, Routed};
use super::fragment;
use super::host::Host;
use super::inject::Injected;
use super::routing::{Hop, Inbound, Outbound};
use crate::abi::{EventId, IfName, Sink};
use crate::netfilter::TeeCopy;
use crate::netfilter::event::{ChangedBy, Event as NfEvent};
use crate::netfilter::{
    Cast, Choices, CtRef, CtState, Family, Hook, HookVerdict, OutDev, Sender, Skb, WalkCx,
};
use crate::packet::{Direction, IcmpType, Packet};
use std::net::IpAddr;
use std::sync::Arc;

/// One packet on its way.
pub(super) struct Way<'a> {
    pub host: &'a mut Host,
    pub sink: &'a mut dyn Sink<Event>,
    pub choices: &'a mut Choices,
    /// What the user said of the packet's connection.
    pub assumed: Option<CtState>,
    /// The interface that the user said routing chooses.
    pub out: Option<IfName>,
    /// The interface that the sender's socket is bound to.
    pub bound: Option<IfName>,
    /// The way out is settled, whatever routing would say.
    pub fixed: Option<Hop>,
    /// What goes out by `lo` comes in on the same way, instead of by [`Out::Loop`].
    pub through_lo: bool,
    /// The event that the way began with, where answers may be sent before it ends.
    pub begun: Option<EventId>,
    /// The packet is a TEE rule's copy.
    pub teed: bool,
    /// What came of it, in order.
    pub outs: Vec<Out>,
}

/// What a packet's way through a host leads to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Out {
    /// The kernel answers.
    Answer(Answer),
    /// It leaves by a device.
    Transmit { skb: Skb, hop: Hop, cause: EventId },
    /// It comes in by `lo`.
    Loop { skb: Skb, cause: EventId },
    /// The host's own copy of what it sends to a group or to all, and what leaves.
    Copy { both: Box<(Skb, Skb)>, hop: Hop, cause: EventId },
    /// A RST about a segment that crossed a bridge goes straight back to the wire, as from the segment's receiver
    /// (`nf_send_reset`).
    Direct { packet: Packet, about: Box<Skb>, cause: EventId },
    /// It is for a socket, or for the kernel.
    Deliver { skb: Skb, cause: EventId },
    /// A copy that a TEE rule made goes to its gateway.
    Tee(TeeCopy),
}

/// A packet that the kernel sends in answer to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The packet.
    pub packet: Packet,
    /// Its mark.
    pub mark: u32,
    pub(super) sender: Sender,
    pub(super) ct: Option<CtRef>,
    pub(super) cause: EventId,
}

impl Answer {
    pub(super) fn skb(&self) -> Skb {
        Skb { ct: self.ct, mark: self.mark, sender: self.sender, ..Skb::new(self.packet.clone()) }
    }
}

/// Where a way through the host ended, and by which event.
pub(super) type End = (Fate, Option<EventId>);

impl Host {
    /// Leads a packet, and what the kernel sends in answer to it, through the host. What the kernel would send
    /// in answer to its own answer is not sent.
    pub fn inject(&mut self, injected: &Injected, choices: &mut Choices, sink: &mut dyn Sink<Event>) -> Fate {
        let (fate, answers) = self.pass(injected, choices, sink);
        for answer in answers {
            self.answer(answer, choices, sink);
        }
        fate
    }

    /// Leads a packet through the host: how it ended, and what the kernel is about to send in answer.
    pub fn pass(
        &mut self,
        injected: &Injected,
        choices: &mut Choices,
        sink: &mut dyn Sink<Event>,
    ) -> (Fate, Vec<Answer>) {
        self.now = self.now.after(injected.after);
        let untracked = CtRef { state: CtState::Untracked, entry: None, dir: Direction::Original };
        let mut skb = Skb {
            iif: injected.iif.clone(),
            mark: injected.mark,
            ct: (injected.ct == Some(CtState::Untracked)).then_some(untracked),
            sender: injected.socket(),
            mac: injected.mac,
            ..Skb::new(injected.packet.clone())
        };
        let begins = NetEvent::Begins { skb: Arc::new(skb.clone()), origin: injected.origin() };
        let begins = sink.emit(None, begins.into());
        let mut way = Way::new(self, choices, sink);
        way.assumed = injected.ct;
        way.out = injected.out.clone();
        way.through_lo = true;
        let end = match injected.iif {
            Some(_) => way.receive(&mut skb, begins),
            None => way.send(&mut skb, begins),
        };
        let fate = way.end(end, begins);
        let answers = way.outs.into_iter().filter_map(|out| match out {
            Out::Answer(answer) => Some(answer),
            Out::Transmit { .. }
            | Out::Direct { .. }
            | Out::Loop { .. }
            | Out::Copy { .. }
            | Out::Deliver { .. }
            | Out::Tee(_) => None,
        });
        (fate, answers.collect())
    }

    /// Leads an answer of the kernel's out of the host.
    pub fn answer(&mut self, answer: Answer, choices: &mut Choices, sink: &mut dyn Sink<Event>) -> Fate {
        let mut skb = answer.skb();
        let begins = NetEvent::Answers { skb: Arc::new(skb.clone()) };
        let begins = sink.emit(Some(answer.cause), begins.into());
        let mut way = Way::new(self, choices, sink);
        way.through_lo = true;
        let end = way.send(&mut skb, begins);
        way.end(end, begins)
    }
}

impl<'a> Way<'a> {
    pub fn new(host: &'a mut Host, choices: &'a mut Choices, sink: &'a mut dyn Sink<Event>) -> Self {
        Way {
            host,
            sink,
            choices,
            assumed: None,
            out: None,
            bound: None,
            fixed: None,
            through_lo: false,
            begun: None,
            teed: false,
            outs: Vec::new(),
        }
    }

    pub fn emit(&mut self, cause: EventId, event: impl Into<Event>) -> EventId {
        self.sink.emit(Some(cause), event.into())
    }

    /// Tells how the way ended, and forgets a connection whose first packet did not get through.
    pub fn end(&mut self, (fate, by): End, begins: EventId) -> Fate {
        let ended = self.emit(by.unwrap_or(begins), NetEvent::Ended { fate: fate.clone(), by });
        // A connection that something on its way still belongs to stays until that has passed.
        let held = |out: &Out| match out {
            Out::Answer(answer) => answer.ct?.entry,
            Out::Copy { both, .. } => both.0.ct?.entry,
            Out::Loop { skb, .. } => skb.ct?.entry,
            Out::Transmit { .. } | Out::Direct { .. } | Out::Deliver { .. } | Out::Tee(_) => None,
        };
        let kept: Vec<_> = self.outs.iter().filter_map(held).collect();
        self.host.netfilter.forget_unconfirmed(&kept, ended, &mut Narrow(self.sink));
        fate
    }

    /// In by an interface (`ip_rcv`).
    pub fn receive(&mut self, skb: &mut Skb, cause: EventId) -> End {
        if let Err(end) = self.hook(Hook::Prerouting, skb, cause) {
            return end;
        }
        self.route_in(skb, cause)
    }

    /// The routing decision for what came in, and what follows (`ip_rcv_finish`).
    pub fn route_in(&mut self, skb: &mut Skb, cause: EventId) -> End {
        let dst = skb.packet.dst;
        let inbound = match &self.out {
            Some(out) if self.host.owner(dst).is_none() => {
                Inbound::Forward(Hop { dev: Some(out.clone()), ..Hop::default() })
            }
            _ => self.host.route_in(skb),
        };
        let cause = self.emit(cause, NetEvent::Routed { dst, to: inbound.routed() });
        match inbound {
            Inbound::Local => self.deliver(skb, cause),
            Inbound::Forward(hop) => self.forward(skb, hop, cause),
            Inbound::Lost(lost) => (Fate::Lost(lost), Some(cause)),
            Inbound::Refused { why, v4, v6, .. } => {
                if skb.packet.src.is_ipv6() || self.host.may_tell_unreachable(skb.packet.src) {
                    self.icmp_error(skb, v4, v6, cause);
                }
                (Fate::Lost(why), Some(cause))
            }
        }
    }

    /// To the host itself (`ip_local_deliver`): pieces are put together first.
    pub fn deliver(&mut self, skb: &mut Skb, cause: EventId) -> End {
        if skb.packet.fragment.is_some() {
            match self.host.fragments.gather(skb, self.host.now) {
                Some(whole) => self.change(skb, cause, ChangedBy::Gathering, |s| *s = whole),
                None => {
                    let gathered = self.emit(cause, NetEvent::Gathered { skb: Arc::new(skb.clone()) });
                    return (Fate::Gathered, Some(gathered));
                }
            }
        }
        if let Err(end) = self.hook(Hook::Input, skb, cause) {
            return end;
        }
        self.outs.push(Out::Deliver { skb: skb.clone(), cause });
        (Fate::Delivered, None)
    }

    /// Through the host (`ip_forward`, `ip6_forward`): the time to live is lowered before the hook.
    fn forward(&mut self, skb: &mut Skb, hop: Hop, cause: EventId) -> End {
        let v4 = skb.packet.src.is_ipv4();
        if skb.cast.is_some_and(|cast| cast != Cast::Host) {
            return (Fate::Lost(Lost::NotForHost), Some(cause));
        }
        let off = !v4 && self.host.described && !self.host.sysctls.is_forwarding(Family::Ip6);
        if off {
            return (Fate::Lost(Lost::ForwardingOff), Some(cause));
        }
        // TPROXY gave it a socket, and routing sent it elsewhere (`ip_forward`).
        if skb.tproxy.is_some() {
            return (Fate::Lost(Lost::NotForHost), Some(cause));
        }
        if skb.packet.ttl <= 1 {
            self.icmp_error(skb, Some(IcmpType::new(11, 0)), Some(IcmpType::new(3, 0)), cause);
            return (Fate::Lost(Lost::TtlExceeded), Some(cause));
        }
        // Sources that no router passes on (`ip6_forward`); one of a link is told so.
        if let IpAddr::V6(src) = skb.packet.src
            && hop.dev != skb.iif
        {
            if src.is_unspecified() || src.is_multicast() || src.is_loopback() {
                return (Fate::Lost(Lost::Martian), Some(cause));
            }
            if src.is_unicast_link_local() {
                self.icmp_error(skb, None, Some(IcmpType::new(1, 2)), cause);
                return (Fate::Lost(Lost::Martian), Some(cause));
            }
        }
        // What came in pieces that fit leaves in such pieces again (`ip_exceeds_mtu`, `ip6_pkt_too_big`).
        let may_cut = |mtu: u32| (v4 && !skb.packet.df) || skb.largest_piece.is_some_and(|l| l <= mtu);
        if let Some(mtu) = hop.mtu.filter(|mtu| skb.packet.segment_len() > *mtu && !may_cut(*mtu)) {
            self.too_big(skb, mtu, cause);
            return (Fate::Lost(Lost::TooBig), Some(cause));
        }
        if hop.redirect && v4 {
            self.redirect(skb, &hop, cause);
        }
        let oif = hop.out_dev();
        self.change(skb, cause, ChangedBy::Routing, |s| s.oif = oif);
        self.change(skb, cause, ChangedBy::Forwarding, |s| s.packet.ttl -= 1);
        match self.hook(Hook::Forward, skb, cause) {
            Err(end) => end,
            Ok(()) => self.leave(skb, hop, cause),
        }
    }

    /// From a local process (`ip_local_out`): routed first, and once more where OUTPUT changed what routing
    /// looks at. Rules of OUTPUT see the first way out.
    pub fn send(&mut self, skb: &mut Skb, cause: EventId) -> End {
        let routed = match self.fixed.take() {
            Some(hop) => {
                let oif = hop.out_dev();
                self.change(skb, cause, ChangedBy::Routing, |s| s.oif = oif);
                Ok((hop, cause))
            }
            None => self.route_out(skb, cause),
        };
        let (mut hop, mut cause) = match routed {
            Ok(found) => found,
            Err(end) => return end,
        };
        let key = |s: &Skb| (s.packet.src, s.packet.dst, s.mark, s.packet.tos);
        let before = key(skb);
        if let Err(end) = self.hook(Hook::Output, skb, cause) {
            return end;
        }
        if key(skb) != before {
            (hop, cause) = match self.route_out(skb, cause) {
                Ok(found) => found,
                Err(end) => return end,
            };
        }
        self.leave(skb, hop, cause)
    }

    /// From the kernel itself, by a way that is settled: neighbour discovery does not ask routing.
    pub fn send_by(&mut self, skb: &mut Skb, hop: Hop, cause: EventId) -> End {
        let oif = hop.out_dev();
        self.change(skb, cause, ChangedBy::Routing, |s| s.oif = oif);
        if let Err(end) = self.hook(Hook::Output, skb, cause) {
            return end;
        }
        self.leave(skb, hop, cause)
    }

    /// A TEE rule's copy, by the way that leads to its gateway (`nf_dup_ipv4`, `nf_dup_ipv6`).
    pub fn send_copy(&mut self, skb: &mut Skb, gateway: IpAddr, oif: Option<&IfName>, cause: EventId) -> End {
        let mut asked = Skb { mark: 0, ..skb.clone() };
        asked.packet.dst = gateway;
        match self.host.route_out(&asked, oif) {
            Outbound::To(mut hop) => {
                hop.gateway.get_or_insert(gateway);
                self.send_by(skb, hop, cause)
            }
            Outbound::Refused(lost, _) => (Fate::Lost(lost), Some(cause)),
        }
    }

    fn route_out(&mut self, skb: &mut Skb, cause: EventId) -> Result<(Hop, EventId), End> {
        let dst = skb.packet.dst;
        let outbound = match &self.out {
            Some(out) if self.host.owner(dst).is_none() => {
                Outbound::To(Hop { dev: Some(out.clone()), ..Hop::default() })
            }
            _ => self.host.route_out(skb, self.bound.as_ref()),
        };
        let cause = self.emit(cause, NetEvent::Routed { dst, to: outbound.routed() });
        match outbound {
            Outbound::To(hop) => {
                let oif = hop.out_dev();
                self.change(skb, cause, ChangedBy::Routing, |s| s.oif = oif);
                Ok((hop, cause))
            }
            Outbound::Refused(lost, _) => Err((Fate::Lost(lost), Some(cause))),
        }
    }

    /// Out (`ip_output`, `ip_mc_output`); what goes out by `lo` comes in by it.
    fn leave(&mut self, skb: &mut Skb, hop: Hop, cause: EventId) -> End {
        let original = skb.clone();
        if let Err(end) = self.hook(Hook::Postrouting, skb, cause) {
            return end;
        }
        let Some(dev) = hop.dev.clone() else { return (Fate::SentSomewhere, None) };
        if dev.is_lo() {
            self.change(skb, cause, ChangedBy::Loopback, |s| {
                s.iif = Some(IfName::lo());
                s.oif = OutDev::None;
                s.sender = Sender::Kernel;
                s.cast = Some(Cast::Host);
            });
            if self.through_lo {
                return self.receive(skb, cause);
            }
            self.outs.push(Out::Loop { skb: skb.clone(), cause });
            return (Fate::Sent(dev), None);
        }
        if hop.copy && !self.through_lo {
            let real = Skb { ct: skb.ct, ..original };
            self.outs.push(Out::Copy { both: Box::new((skb.clone(), real)), hop, cause });
            return (Fate::Sent(dev), None);
        }
        self.finish_output(skb, hop, cause)
    }

    /// After POSTROUTING: what is too long is cut (`ip_finish_output`).
    pub fn finish_output(&mut self, skb: &mut Skb, hop: Hop, cause: EventId) -> End {
        let Some(dev) = hop.dev.clone() else { return (Fate::SentSomewhere, None) };
        let pieces = match fragment::cut(skb, hop.mtu) {
            fragment::Cut::Fits => vec![skb.clone()],
            fragment::Cut::Pieces(pieces) => {
                let mtu = hop.mtu.unwrap_or_default();
                self.emit(cause, NetEvent::Fragmented { pieces: pieces.len(), mtu });
                pieces
            }
            fragment::Cut::Forbidden(mtu) => {
                for part in fragment::segments(skb) {
                    self.too_big(&part, mtu, cause);
                }
                return (Fate::Lost(Lost::TooBig), Some(cause));
            }
        };
        for skb in pieces {
            self.outs.push(Out::Transmit { skb, hop: hop.clone(), cause });
        }
        (Fate::Sent(dev), None)
    }

    pub fn hook(&mut self, hook: Hook, skb: &mut Skb, cause: EventId) -> Result<(), End> {
        let mut netfilter = std::mem::take(&mut self.host.netfilter);
        let mut copies = Vec::new();
        let verdict = netfilter.run_hook(
            hook,
            skb,
            Some(cause),
            &mut WalkCx {
                env: &*self.host,
                now: self.host.now,
                choices: self.choices,
                assumed: self.assumed,
                sink: &mut Narrow(self.sink),
                copies: &mut copies,
            },
        );
        self.host.netfilter = netfilter;
        // A copy is not copied again (`nf_skb_duplicated`).
        if !self.teed {
            self.outs.extend(copies.into_iter().map(Out::Tee));
        }
        match verdict {
            HookVerdict::Accept => Ok(()),
            HookVerdict::Drop(by) => Err((Fate::Dropped, Some(by))),
            HookVerdict::Lost(by, crate::netfilter::LostIn::Clash) => {
                Err((Fate::Lost(Lost::Clash), Some(by)))
            }
            HookVerdict::Lost(by, crate::netfilter::LostIn::Hook) => {
                Err((Fate::Lost(Lost::InHook), Some(by)))
            }
            HookVerdict::Unknown(by) => Err((Fate::Unknown, Some(by))),
            HookVerdict::Reject(by, how) => {
                if let Some(packet) = how.answer(&skb.packet) {
                    if packet.tcp().is_some() {
                        let now = self.host.now;
                        self.host.netfilter.reset_sent(skb.ct, now, by, &mut Narrow(self.sink));
                    }
                    self.answer(skb, packet, by);
                }
                Err((Fate::Rejected, Some(by)))
            }
        }
    }

    pub fn change(&mut self, skb: &mut Skb, cause: EventId, by: ChangedBy, f: impl FnOnce(&mut Skb)) {
        let before = Arc::new(skb.clone());
        f(skb);
        if *before != *skb {
            let after = Arc::new(skb.clone());
            self.emit(cause, NfEvent::PacketChanged { before, after, by });
        }
    }

    /// Notes a better way or a smaller packet size for an address.
    pub fn path_changed(&mut self, addr: IpAddr, gateway: Option<IpAddr>, mtu: Option<u32>, cause: EventId) {
        self.host.exceptions.learn(addr, gateway, mtu, self.host.now);
        self.emit(cause, LinkEvent::PathChanged { addr, gateway, mtu });
    }
}

/// Lets netfilter write into the network's log.
pub struct Narrow<'a>(pub &'a mut dyn Sink<Event>);

impl Sink<NfEvent> for Narrow<'_> {
    fn emit(&mut self, cause: Option<EventId>, event: NfEvent) -> EventId {
        self.0.emit(cause, Event::Netfilter(event))
    }
}

impl Inbound {
    fn routed(&self) -> Routed {
        match self {
            Inbound::Local => Routed::Local,
            Inbound::Forward(hop) => hop.dev.clone().map_or(Routed::Unknown, Routed::Out),
            Inbound::Lost(_) => Routed::NoRoute,
            Inbound::Refused { kind: Some(kind), .. } => Routed::Refused(*kind),
            Inbound::Refused { kind: None, .. } => Routed::NoRoute,
        }
    }
}

impl Outbound {
    fn routed(&self) -> Routed {
        match self {
            Outbound::To(hop) => match &hop.dev {
                None => Routed::Unknown,
                Some(dev) if dev.is_lo() => Routed::Local,
                Some(dev) => match hop.cast {
                    Cast::Broadcast => Routed::Broadcast(dev.clone()),
                    Cast::Multicast => Routed::Multicast(dev.clone()),
                    Cast::Host | Cast::OtherHost | Cast::Loopback => Routed::Out(dev.clone()),
                },
            },
            Outbound::Refused(_, Some(kind)) => Routed::Refused(*kind),
            Outbound::Refused(_, None) => Routed::NoRoute,
        }
    }
}
