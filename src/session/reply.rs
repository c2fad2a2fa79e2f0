//! The answer to a packet, as its receiver would send it.

use super::Moment;
use crate::net::{Event, Fate, Injected, NetEvent};
use crate::netfilter::event::Event as NfEvent;
use crate::netfilter::{OutDev, Skb};
use crate::packet::{Icmp, IcmpType, Packet, Ports, Tcp, TcpFlags, Transport};
use std::fmt;
use std::sync::Arc;

/// Why a packet has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoReply {
    /// There is no such moment.
    NoMoment,
    /// It did not get through.
    NotReceived,
    /// Nobody answers such a packet: a RST, an ICMP error, an answer, a protocol that is not known.
    NotAnswered,
}

impl fmt::Display for NoReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoReply::NoMoment => "no packet was sent yet",
            NoReply::NotReceived => "the packet did not get through",
            NoReply::NotAnswered => "nobody answers such a packet",
        })
    }
}

/// The answer to a moment's packet: it comes from where the packet went, to whom its receiver saw as sender.
pub fn reply_to(moment: &Moment) -> Result<Injected, NoReply> {
    let walk = moment.trace.first();
    let skb = last_skb(moment).ok_or(NoReply::NotReceived)?;
    let iif = match &walk.fate {
        Fate::Sent(dev) => Some(dev.clone()),
        Fate::Delivered => None,
        Fate::LoopedBack
        | Fate::Gathered
        | Fate::SentSomewhere
        | Fate::Dropped
        | Fate::Rejected
        | Fate::Lost(_)
        | Fate::Unknown => {
            return Err(NoReply::NotReceived);
        }
    };
    let transport = answer(&skb.packet).ok_or(NoReply::NotAnswered)?;
    let packet = Packet::new(skb.packet.dst, skb.packet.src, transport).ok_or(NoReply::NotAnswered)?;
    Ok(Injected::new(packet, iif))
}

/// The packet as it was when its way ended.
fn last_skb(moment: &Moment) -> Option<Arc<Skb>> {
    let mut last = None;
    for entry in moment.trace.first().log.entries() {
        match &entry.event {
            Event::Net(NetEvent::Begins { skb, .. }) => last = Some(skb.clone()),
            Event::Netfilter(NfEvent::PacketChanged { after, .. }) => last = Some(after.clone()),
            Event::Net(NetEvent::Ended { .. }) => break,
            _ => {}
        }
    }
    last.filter(|skb| skb.oif != OutDev::Unknown)
}

fn answer(packet: &Packet) -> Option<Transport> {
    let v4 = packet.src.is_ipv4();
    match &packet.transport {
        Transport::Tcp(tcp) => {
            let flags = if tcp.flags.has(TcpFlags::RST) {
                return None;
            } else if tcp.flags.has(TcpFlags::SYN) && !tcp.flags.has(TcpFlags::ACK) {
                TcpFlags::SYN | TcpFlags::ACK
            } else if tcp.flags.has(TcpFlags::FIN) {
                TcpFlags::FIN | TcpFlags::ACK
            } else {
                TcpFlags::ACK
            };
            Some(Transport::Tcp(Tcp { sport: tcp.dport, dport: tcp.sport, flags, ..Tcp::default() }))
        }
        Transport::Ports(p) => {
            Some(Transport::Ports(Ports { proto: p.proto, sport: p.dport, dport: p.sport }))
        }
        Transport::Icmp(icmp) => {
            let ty = match (v4, icmp.kind.ty) {
                (true, 8) => 0,
                (true, 13) => 14,
                (true, 17) => 18,
                (false, 128) => 129,
                _ => return None,
            };
            Some(Transport::Icmp(Icmp::query(IcmpType::new(ty, 0), icmp.id, icmp.seq)))
        }
        Transport::Other(_) => None,
    }
}
