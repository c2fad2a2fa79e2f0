//! Packets and sets: whether a packet is in one, and putting packets in (`*_kadt` of each type in
//! `net/netfilter/ipset`).

use super::super::skb::OutDev;
use super::super::{Family, NotTold, Skb};
use super::Sets;
use super::elem::{Elem, Iface, Net, SkbInfo};
use super::error::SetError;
use super::event::{Changes, SetChange, SetEvent};
use super::kind::{Dim, SetType};
use super::set::{Done, Given, IpSet};
use crate::abi::{Mac, Time};
use crate::packet::{Packet, Proto, Transport};
use smol_str::SmolStr;
use std::net::IpAddr;

/// Which end of a packet a part of an element is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `src`: where it comes from.
    Src,
    /// `dst`: where it goes to.
    Dst,
}

/// What an element's counter is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    /// Nothing.
    #[default]
    Any,
    /// `--packets-eq`, `--bytes-eq`.
    Eq(u64),
    /// The same with `!`.
    Ne(u64),
    /// `--packets-lt`, `--bytes-lt`.
    Lt(u64),
    /// `--packets-gt`, `--bytes-gt`.
    Gt(u64),
}

impl Compare {
    fn holds(self, counted: u64) -> bool {
        match self {
            Compare::Any => true,
            Compare::Eq(n) => counted == n,
            Compare::Ne(n) => counted != n,
            Compare::Lt(n) => counted < n,
            Compare::Gt(n) => counted > n,
        }
    }
}

/// What a rule asks of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The ends, one for each part of the set's elements; more than those are passed over.
    pub sides: Vec<Side>,
    /// `--return-nomatch`: only exceptions count.
    pub nomatch: bool,
    /// Packets are counted; `! --update-counters` says no.
    pub count: bool,
    /// Packets are counted in the members of a list; `! --update-subcounters` says no.
    pub subcount: bool,
    /// `--packets-…`.
    pub packets: Compare,
    /// `--bytes-…`.
    pub bytes: Compare,
}

impl Ask {
    /// Asks for the packet alone.
    pub fn new(sides: Vec<Side>) -> Ask {
        let (packets, bytes) = (Compare::Any, Compare::Any);
        Ask { sides, nomatch: false, count: true, subcount: true, packets, bytes }
    }
}

/// The packet as sets see it.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// The packet with what the kernel keeps beside it.
    pub skb: &'a Skb,
    /// The model's clock.
    pub now: Time,
}

/// Whether a packet is in a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is, by this element.
    In {
        /// What was looked for.
        asked: SmolStr,
        /// The element.
        entry: SmolStr,
        /// What the packet may get from it.
        skbinfo: SkbInfo,
    },
    /// It is not; what was looked for, if the packet has it.
    Out(Option<SmolStr>),
    /// An exception: this element says that it is not.
    Except {
        /// What was looked for.
        asked: SmolStr,
        /// The exception.
        entry: SmolStr,
    },
    /// The model was not told what it would have to look for.
    NotTold(NotTold),
    /// There is no such set.
    NoSet,
}

impl Sets {
    /// Asks whether a packet is in a set, and counts it there.
    pub fn ask(&mut self, name: &str, look: Look, ask: &Ask, log: &mut Changes) -> Answer {
        let Some(set) = self.get(name) else { return Answer::NoSet };
        if !fits(set, look, ask.sides.len()) {
            return Answer::Out(None);
        }
        if set.kind == SetType::ListSet {
            return self.ask_list(name, look, ask, log);
        }
        let elem = match element(set, look, &ask.sides, None) {
            Ok(Some(elem)) => elem,
            Ok(None) => return Answer::Out(None),
            Err(what) => return Answer::NotTold(what),
        };
        let counts = set.spec.counters && ask.count;
        let length = look.skb.packet.len();
        let mut counted = Vec::new();
        let found = set.find(&elem, &mut |here, ext| {
            let (mut packets, mut bytes) = (ext.packets, ext.bytes);
            if counts {
                counted.push(here.clone());
                packets += 1;
                bytes += u64::from(length);
            }
            !set.spec.counters || ask.packets.holds(packets) && ask.bytes.holds(bytes)
        });
        let text = |elem: &Elem| SmolStr::from(elem.text(set.kind));
        let fills = found.is_some_and(|(here, _)| here.mac.is_none() && set.kind == SetType::BitmapIpMac);
        let answer = match found {
            None => Answer::Out(Some(text(&elem))),
            Some((here, ext)) if ext.nomatch == ask.nomatch => {
                Answer::In { asked: text(&elem), entry: text(here), skbinfo: ext.skbinfo }
            }
            Some((here, _)) => Answer::Except { asked: text(&elem), entry: text(here) },
        };
        if let Some(set) = self.get_mut(name).filter(|_| !counted.is_empty() || fills) {
            for here in &counted {
                set.count(here, length);
            }
            // An address that waits for its hardware address takes the first that comes.
            if fills && let Ok(Done::Changed) = set.put(elem.clone(), &Given::default(), true, look.now) {
                let change = SetChange::Updated(elem.text(set.kind).into());
                log.push(SetEvent { set: name.into(), change });
            }
        }
        answer
    }

    /// A list asks its members in order.
    fn ask_list(&mut self, name: &str, look: Look, ask: &Ask, log: &mut Changes) -> Answer {
        let members: Vec<SmolStr> = self.get(name).into_iter().flat_map(IpSet::members).cloned().collect();
        let own = Ask {
            packets: Compare::Any,
            bytes: Compare::Any,
            count: ask.count && ask.subcount,
            ..ask.clone()
        };
        let mut answer = Answer::Out(None);
        for member in members {
            let (asked, found, skbinfo) = match self.ask(&member, look, &own, log) {
                Answer::In { asked, entry, skbinfo } => (asked, entry, skbinfo),
                Answer::NotTold(what) => {
                    answer = Answer::NotTold(what);
                    continue;
                }
                Answer::Out(asked) => {
                    if let Answer::Out(last) = &mut answer {
                        *last = asked.or(last.take());
                    }
                    continue;
                }
                Answer::Except { .. } | Answer::NoSet => continue,
            };
            let Some(set) = self.get(name) else { return Answer::NoSet };
            let entry = Elem { set: Some(member.clone()), ..Elem::default() };
            let counters = set.spec.counters;
            let length = look.skb.packet.len();
            let Some((_, ext)) = set.find(&entry, &mut |_, _| true) else { continue };
            let one = u64::from(counters && ask.count);
            let holds = !counters
                || ask.packets.holds(ext.packets + one)
                    && ask.bytes.holds(ext.bytes + one * u64::from(length));
            let skbinfo = if set.spec.skbinfo { ext.skbinfo } else { skbinfo };
            if one > 0
                && let Some(set) = self.get_mut(name)
            {
                set.count(&entry, length);
            }
            if holds {
                return Answer::In { asked, entry: format!("{member} {found}").into(), skbinfo };
            }
        }
        answer
    }

    /// Puts what a packet has into a set, or takes it out (`-j SET`). An error is one that no packet notices.
    pub fn change_by(
        &mut self,
        name: &str,
        look: Look,
        sides: &[Side],
        how: &By,
        log: &mut Changes,
    ) -> Result<(), ByError> {
        let set = self.get(name).ok_or(ByError::Refused(SetError::NoSet))?;
        if !fits(set, look, sides.len()) {
            return Err(ByError::Refused(SetError::TypeMismatch));
        }
        if set.kind == SetType::ListSet {
            let members: Vec<SmolStr> = set.members().cloned().collect();
            let mut last = Ok(());
            for member in members {
                last = self.change_by(&member, look, sides, how, log);
                if last.is_ok() {
                    break;
                }
            }
            return last;
        }
        let lens = [set.longest(false), set.longest(true)];
        let elem = match element(set, look, sides, Some(lens)) {
            Ok(Some(elem)) => elem,
            Ok(None) => return Err(ByError::Refused(SetError::Invalid)),
            Err(what) => return Err(ByError::NotTold(what)),
        };
        let (kind, length) = (set.kind, look.skb.packet.len());
        let out_of_range = match (set.spec.ips, set.spec.ports, elem.ip.map(|n| n.addr), elem.port) {
            (Some((first, last)), _, Some(IpAddr::V4(a)), _) => a < first || a > last,
            (_, Some((first, last)), _, Some((_, p))) => p < first || p > last,
            _ => false,
        };
        if out_of_range {
            return Err(ByError::Refused(SetError::Range));
        }
        let given = Given {
            timeout: how.timeout.filter(|_| set.spec.timeout.is_some()),
            packets: Some(1),
            bytes: Some(u64::from(length)),
            ..Given::default()
        };
        let text: SmolStr = elem.text(kind).into();
        let set = self.get_mut(name).ok_or(ByError::Refused(SetError::NoSet))?;
        let change = if how.delete {
            set.take(&elem).map_err(ByError::Refused)?;
            SetChange::Deleted(text)
        } else {
            match set.put(elem, &given, how.exist, look.now).map_err(ByError::Refused)? {
                Done::New(gone) => {
                    if let Some(gone) = gone {
                        let change = SetChange::GaveWay(gone.text(kind).into());
                        log.push(SetEvent { set: name.into(), change });
                    }
                    SetChange::Added(text)
                }
                Done::Changed => SetChange::Updated(text),
                // A packet cannot make a table grow.
                Done::Crowded => return Err(ByError::Refused(SetError::Full)),
            }
        };
        log.push(SetEvent { set: name.into(), change });
        Ok(())
    }
}

/// How a rule changes a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct By {
    /// Takes out; else puts in.
    pub delete: bool,
    /// `--exist`: an element that is there gets its time anew.
    pub exist: bool,
    /// `--timeout`.
    pub timeout: Option<u32>,
}

/// Why a packet changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByError {
    /// The kernel refuses, and says nothing.
    Refused(SetError),
    /// The model was not told what would be put in.
    NotTold(NotTold),
}

/// True if a set can be asked with so many ends, for a packet of this family.
fn fits(set: &IpSet, look: Look, sides: usize) -> bool {
    let family = Family::of(look.skb.packet.src);
    sides >= set.kind.dims().len() && set.spec.family.is_none_or(|f| f == family)
}

/// What of a packet a set is asked for; `None` if the packet has no such thing. Networks are cut to `lens`, which
/// is what an element that is added gets.
fn element(
    set: &IpSet,
    look: Look,
    sides: &[Side],
    lens: Option<[Option<u8>; 2]>,
) -> Result<Option<Elem>, NotTold> {
    let Skb { packet, .. } = look.skb;
    let mut elem = Elem::default();
    for (dim, side) in set.kind.dims().iter().zip(sides) {
        let src = *side == Side::Src;
        match dim {
            Dim::Ip | Dim::Net => {
                let addr = if src { packet.src } else { packet.dst };
                let second = elem.ip.is_some();
                let addr = if second { addr } else { set.spec.masked(addr) };
                let checked = matches!(set.kind, SetType::HashIp | SetType::HashIpPort);
                if checked && addr.is_unspecified() {
                    return Ok(None);
                }
                let len = lens.filter(|_| *dim == Dim::Net).and_then(|l| l[usize::from(second)]);
                let net = len.map_or(Net::host(addr), |len| Net::new(addr, len));
                *(if second { &mut elem.ip2 } else { &mut elem.ip }) = Some(net);
            }
            Dim::Port => match port(packet, src) {
                Some((proto, _)) if set.kind == SetType::BitmapPort && !is_tcp_udp(proto) => return Ok(None),
                None => return Ok(None),
                Some((_, port)) if set.kind == SetType::BitmapPort => elem.port = Some((Proto(0), port)),
                found => elem.port = found,
            },
            Dim::Iface => {
                let name = match (src, &look.skb.iif, &look.skb.oif) {
                    (true, Some(iif), _) => iif,
                    (false, _, OutDev::Named(oif)) => oif,
                    (false, _, OutDev::Unknown) => return Err(NotTold::OutInterface),
                    (true, None, _) | (false, _, OutDev::None) => return Ok(None),
                };
                elem.iface = Some(Iface::plain(name.as_str()));
            }
            Dim::Mac => match (&look.skb.iif, look.skb.mac, src) {
                (None, ..) => return Ok(None),
                // The loopback interface has addresses of zeros.
                (Some(iif), ..) if iif.is_lo() => return Ok(None),
                (Some(_), Some(Mac([0, 0, 0, 0, 0, 0])), true) => return Ok(None),
                (Some(_), Some(mac), true) => elem.mac = Some(mac),
                (Some(_), ..) => return Err(NotTold::Mac),
            },
            Dim::Mark => elem.mark = Some(look.skb.mark & set.spec.markmask.unwrap_or(u32::MAX)),
            Dim::Set => {}
        }
    }
    Ok(Some(elem))
}

fn is_tcp_udp(proto: Proto) -> bool {
    matches!(proto, Proto::TCP | Proto::UDP)
}

/// Protocol and port, or ICMP type and code; `None` where the header is not there (`ip_set_get_ip_port`).
fn port(packet: &Packet, src: bool) -> Option<(Proto, u16)> {
    let pick = |sport, dport| if src { sport } else { dport };
    let late = packet.is_later_fragment();
    match &packet.transport {
        Transport::Tcp(tcp) if !late => Some((Proto::TCP, pick(tcp.sport, tcp.dport))),
        // DCCP has ports, though sets do not look at them.
        Transport::Ports(p) if p.proto == Proto::DCCP => Some((p.proto, 0)),
        Transport::Ports(p) if !late => Some((p.proto, pick(p.sport, p.dport))),
        Transport::Icmp(icmp) if !late => {
            Some((packet.proto(), u16::from(icmp.kind.ty) << 8 | u16::from(icmp.kind.code)))
        }
        Transport::Other(proto) if late && matches!(*proto, Proto::TCP | Proto::UDP | Proto::ICMP) => None,
        Transport::Other(proto) => Some((*proto, 0)),
        Transport::Tcp(_) | Transport::Ports(_) | Transport::Icmp(_) => None,
    }
}
