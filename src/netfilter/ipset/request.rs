//! A command's element as the kernel takes it apart: ranges of addresses and ports become single elements
//! (`*_uadt` of each type in `net/netfilter/ipset`).

use super::super::Family;
use super::elem::{Elem, Iface, Net, mask, with_ports};
use super::error::{SetError, Verb};
use super::kind::{Dim, SetType};
use super::set::{Given, Spec};
use crate::abi::Mac;
use crate::packet::Proto;
use smol_str::SmolStr;
use std::net::IpAddr;

/// An address, network or range as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addrs {
    /// The address, or where a range begins.
    pub from: IpAddr,
    /// Where it ends.
    pub to: Option<IpAddr>,
    /// The prefix length.
    pub len: Option<u8>,
}

/// Where in a `list:set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// Before it; else after.
    pub before: bool,
    /// The set that is there.
    pub set: SmolStr,
}

/// An element as a command says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The first address.
    pub ip: Option<Addrs>,
    /// The second.
    pub ip2: Option<Addrs>,
    /// The protocol.
    pub proto: Option<Proto>,
    /// The port, or where a range begins.
    pub port: Option<u16>,
    /// Where it ends.
    pub port_to: Option<u16>,
    /// The interface.
    pub iface: Option<Iface>,
    /// The hardware address.
    pub mac: Option<Mac>,
    /// The mark.
    pub mark: Option<u32>,
    /// The set.
    pub set: Option<SmolStr>,
    /// Its place.
    pub beside: Option<Beside>,
    /// What stands beside it.
    pub given: Given,
}

type Each<'a> = &'a mut dyn FnMut(Elem) -> Result<(), SetError>;

impl Request {
    /// Does something with each element that is meant, in the kernel's order, until it fails.
    pub(super) fn each(&self, kind: SetType, spec: &Spec, verb: Verb, each: Each) -> Result<(), SetError> {
        match kind {
            SetType::BitmapIp | SetType::BitmapIpMac => return self.bitmap_ips(spec, verb, each),
            SetType::BitmapPort => return self.bitmap_ports(spec, verb, each),
            _ => {}
        }
        spec.allows(&self.given)?;
        let dims = kind.dims();
        let v6 = spec.family == Some(Family::Ip6);
        let width = spec.family.map_or(32, Family::bits);
        let base = self.base(kind, spec)?;
        let port = base.port;
        let port_to = match (port, self.port_to) {
            (Some((proto, _)), Some(to)) if with_ports(proto) => Some(to),
            _ => None,
        };
        // The first part.
        let Some(ip) = self.ip else { return each(base) };
        let first_is_net = dims.first() == Some(&Dim::Net);
        let masked = spec.masked(ip.from);
        if !first_is_net {
            let is_null = masked.is_unspecified();
            match kind {
                SetType::HashIp if is_null => return Err(SetError::Null),
                SetType::HashIpPort if is_null => return Err(SetError::Invalid),
                _ => {}
            }
        }
        let lowest = u8::from(!kind.has_net0());
        let net_len = |a: Addrs| match a.len.unwrap_or(width) {
            len if len < lowest || len > width => Err(SetError::Cidr),
            len => Ok(len),
        };
        let len = if first_is_net { net_len(ip)? } else { width };
        let second = match (dims.get(1), dims.get(2), self.ip2) {
            (Some(Dim::Net), _, Some(ip2)) | (_, Some(Dim::Net), Some(ip2)) => Some((ip2, net_len(ip2)?)),
            _ => None,
        };
        if v6 && (ip.to.is_some() || self.ip2.is_some_and(|a| a.to.is_some())) {
            return Err(SetError::NetRange);
        }
        let second_to = second.and_then(|(ip2, _)| ip2.to);
        let cuts_first = if first_is_net { ip.to.is_some() } else { ip.to.is_some() || ip.len.is_some() };
        if verb == Verb::Test
            || v6 && port_to.is_none()
            || !(cuts_first || port_to.is_some() || second_to.is_some())
        {
            let ip2 = second.map(|(a, len)| Net::new(a.from, len));
            let first = Net::new(masked, len);
            return each(Elem { ip: Some(first), ip2: ip2.or(base.ip2), ..base });
        }
        let (low, high) = match port_to {
            Some(to) => {
                let from = port.map_or(0, |p| p.1);
                (from.min(to), from.max(to))
            }
            None => (port.map_or(0, |p| p.1), port.map_or(0, |p| p.1)),
        };
        let ports = |elem: Elem, each: Each| -> Result<(), SetError> {
            let Some((proto, _)) = elem.port else { return each(elem) };
            (low..=high).try_for_each(|port| each(Elem { port: Some((proto, port)), ..elem.clone() }))
        };
        let seconds = |elem: Elem, each: Each| -> Result<(), SetError> {
            let Some((ip2, len)) = second else { return each(elem) };
            networks(ip2, len, &mut |net| each(Elem { ip2: Some(net), ..elem.clone() }))
        };
        if let Some((ip2, _)) = second {
            check_whole(ip2)?;
        }
        if first_is_net {
            check_whole(ip)?;
            return networks(ip, len, &mut |net| {
                ports(Elem { ip: Some(net), ..base.clone() }, &mut |elem| seconds(elem, each))
            });
        }
        // `hash:ip,port` takes the addresses of a range one by one, whatever its netmask.
        let netmask = spec.netmask.filter(|_| kind == SetType::HashIp);
        let step = netmask.map_or(1, |len| 1_u64 << (32_u8.saturating_sub(len)));
        hosts(Addrs { from: masked, ..ip }, step, kind == SetType::HashIp, &mut |addr| {
            let elem = Elem { ip: Some(Net::host(addr)), ..base.clone() };
            ports(elem, &mut |elem| seconds(elem, each))
        })
    }

    /// The parts that are no ranges.
    fn base(&self, kind: SetType, spec: &Spec) -> Result<Elem, SetError> {
        let v6 = spec.family == Some(Family::Ip6);
        let mut elem = Elem { iface: self.iface.clone(), mac: self.mac, ..Elem::default() };
        if kind.has_port() {
            let proto = self.proto.ok_or(SetError::Protocol)?;
            if proto.0 == 0 {
                return Err(SetError::Proto);
            }
            let icmp = if v6 { Proto::ICMPV6 } else { Proto::ICMP };
            let has = with_ports(proto) || proto == icmp;
            elem.port = Some((proto, self.port.filter(|_| has).unwrap_or(0)));
        }
        if kind.dims().get(2) == Some(&Dim::Ip) {
            elem.ip2 = self.ip2.map(|a| Net::host(a.from));
        }
        if matches!(kind, SetType::HashMac | SetType::HashIpMac) && self.mac.is_none_or(|m| m.0 == [0; 6]) {
            return Err(SetError::Null);
        }
        if kind == SetType::HashIpMark {
            elem.mark = self.mark.map(|m| m & spec.markmask.unwrap_or(u32::MAX));
        }
        Ok(elem)
    }

    fn bitmap_ips(&self, spec: &Spec, verb: Verb, each: Each) -> Result<(), SetError> {
        let (Some(ip), Some((first, last))) = (self.ip, spec.ips) else { return Err(SetError::Protocol) };
        spec.allows(&self.given)?;
        let (IpAddr::V4(from), None | Some(IpAddr::V4(_))) = (ip.from, ip.to) else {
            return Err(SetError::Protocol);
        };
        if from < first || from > last {
            return Err(SetError::Range);
        }
        let one = |addr: IpAddr| {
            let net = Net::host(spec.masked(addr));
            Elem { ip: Some(net), mac: self.mac, ..Elem::default() }
        };
        if verb == Verb::Test || (ip.to.is_none() && ip.len.is_none()) {
            return each(one(ip.from));
        }
        let (IpAddr::V4(low), IpAddr::V4(high)) = span(ip)? else { return Err(SetError::Protocol) };
        if low < first || high > last {
            return Err(SetError::Range);
        }
        let step = spec.netmask.map_or(1, |len| 1_usize << (32_u8.saturating_sub(len)));
        (low.to_bits()..=high.to_bits()).step_by(step).try_for_each(|a| each(one(IpAddr::V4(a.into()))))
    }

    fn bitmap_ports(&self, spec: &Spec, verb: Verb, each: Each) -> Result<(), SetError> {
        let (Some(port), Some((first, last))) = (self.port, spec.ports) else {
            return Err(SetError::Protocol);
        };
        if port < first || port > last {
            return Err(SetError::Range);
        }
        spec.allows(&self.given)?;
        let one = |port| Elem { port: Some((Proto(0), port)), ..Elem::default() };
        let Some(to) = self.port_to.filter(|_| verb != Verb::Test) else { return each(one(port)) };
        let (low, high) = (port.min(to), port.max(to));
        if low < first || high > last {
            return Err(SetError::Range);
        }
        (low..=high).try_for_each(|port| each(one(port)))
    }
}

/// First and last address.
fn span(ip: Addrs) -> Result<(IpAddr, IpAddr), SetError> {
    match (ip.to, ip.len) {
        (Some(to), _) => Ok((ip.from.min(to), ip.from.max(to))),
        (None, Some(0)) => Err(SetError::Cidr),
        (None, Some(len)) => {
            let low = mask(ip.from, len);
            match low {
                IpAddr::V4(a) => {
                    let hosts = u32::MAX.checked_shr(u32::from(len)).unwrap_or(0);
                    Ok((low, IpAddr::V4((a.to_bits() | hosts).into())))
                }
                IpAddr::V6(_) => Ok((low, ip.from)),
            }
        }
        (None, None) => Ok((ip.from, ip.from)),
    }
}

/// A range must leave something out.
fn check_whole(ip: Addrs) -> Result<(), SetError> {
    let whole = |a: IpAddr, b: IpAddr| match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.to_bits() == 0 && b.to_bits() == u32::MAX,
        _ => false,
    };
    match ip.to {
        Some(to) if whole(ip.from.min(to), ip.from.max(to)) => Err(SetError::WholeRange),
        _ => Ok(()),
    }
}

/// Each address of a range, or of each network of `step` addresses in it the first.
fn hosts(
    ip: Addrs,
    step: u64,
    not_null: bool,
    each: &mut dyn FnMut(IpAddr) -> Result<(), SetError>,
) -> Result<(), SetError> {
    let (IpAddr::V4(low), IpAddr::V4(high)) = span(ip)? else { return each(ip.from) };
    let turned = not_null && ip.to.is_some_and(|to| to < ip.from && to.is_unspecified());
    if turned {
        return Err(SetError::Null);
    }
    let (mut at, high) = (u64::from(low.to_bits()), u64::from(high.to_bits()));
    while at <= high {
        each(IpAddr::V4((at as u32).into()))?;
        at += step;
    }
    Ok(())
}

/// Each network of a range, the largest that fit. The kernel compares with a sign: in a range of more than half of
/// all addresses it takes them one by one (`ip_set_range_to_cidr`).
fn networks(ip: Addrs, len: u8, each: &mut dyn FnMut(Net) -> Result<(), SetError>) -> Result<(), SetError> {
    let (Some(IpAddr::V4(to)), IpAddr::V4(from)) = (ip.to, ip.from) else {
        return each(Net::new(ip.from, len));
    };
    let (mut at, end) = (from.min(to).to_bits(), from.max(to).to_bits());
    loop {
        let hosts = |len: u8| u32::MAX >> len;
        let fits = |len: &u8| at & hosts(*len) == 0 && end.wrapping_sub(at | hosts(*len)) as i32 >= 0;
        let len = (1..32).find(fits).unwrap_or(32);
        each(Net { addr: IpAddr::V4(at.into()), len })?;
        let last = at | if len < 32 { hosts(len) } else { 0 };
        if last >= end {
            return Ok(());
        }
        at = last + 1;
    }
}
