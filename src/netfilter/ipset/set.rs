//! One set: how it is made, its size, and what is done to one element of it.

use super::super::Family;
use super::elem::{Elem, Ext, Iface, Net, mask};
use super::error::SetError;
use super::kind::{Dim, Method, SetType};
use super::table::{Added, Shape, Slot, Table};
use crate::abi::{Duration, Time};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// How a set is made: what `ipset create` can say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    /// IPv6 addresses.
    pub family: Option<Family>,
    /// `hashsize`.
    pub hashsize: Option<u32>,
    /// `maxelem`.
    pub maxelem: Option<u32>,
    /// `bucketsize`.
    pub bucketsize: Option<u8>,
    /// `initval`.
    pub initval: Option<u32>,
    /// `netmask`.
    pub netmask: Option<u8>,
    /// `bitmask`.
    pub bitmask: Option<IpAddr>,
    /// `markmask`.
    pub markmask: Option<u32>,
    /// `timeout`, in seconds.
    pub timeout: Option<u32>,
    /// `counters`.
    pub counters: bool,
    /// `comment`.
    pub comment: bool,
    /// `skbinfo`.
    pub skbinfo: bool,
    /// `forceadd`.
    pub forceadd: bool,
    /// `size`.
    pub size: Option<u32>,
    /// `range` of addresses, ends included.
    pub ips: Option<(Ipv4Addr, Ipv4Addr)>,
    /// `range` of ports, ends included.
    pub ports: Option<(u16, u16)>,
}

/// What a set of the kernel keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpSet {
    /// Its type.
    pub kind: SetType,
    /// Its options, as the kernel took them.
    pub spec: Spec,
    pub(super) store: Store,
    /// No element goes before this moment.
    soonest: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Store {
    Hash(Box<Table>),
    /// By address or port.
    Bitmap(BTreeMap<u32, Slot>),
    List(Vec<Slot>),
}

/// What a command or a rule says to stand beside an element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Seconds; else the set's own.
    pub timeout: Option<u32>,
    /// Packets; else what was counted stays.
    pub packets: Option<u64>,
    /// Bytes, likewise.
    pub bytes: Option<u64>,
    /// A comment.
    pub comment: Option<SmolStr>,
    /// A mark with its mask.
    pub skbmark: Option<(u32, u32)>,
    /// A priority.
    pub skbprio: Option<u32>,
    /// A queue.
    pub skbqueue: Option<u16>,
    /// An exception.
    pub nomatch: bool,
}

/// Is told an element with what stands beside it, and says whether it counts.
pub(super) type Met<'a> = &'a mut dyn FnMut(&Elem, &Ext) -> bool;

/// What became of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// It came in; the one that gave way.
    New(Option<Elem>),
    /// What stands beside it changed.
    Changed,
    /// The table must grow first.
    Crowded,
}

/// The largest bitmap.
const BITMAP_MAX: u64 = 65_536;

impl IpSet {
    /// Makes an empty set, as the `create` of its type in the kernel does. `number` tells sets apart that are made
    /// without `initval`.
    pub fn new(kind: SetType, mut spec: Spec, number: u32) -> Result<IpSet, SetError> {
        let store = match kind.method() {
            Method::Hash => Store::Hash(Box::new(hash(kind, &mut spec, number)?)),
            Method::Bitmap => {
                bitmap_range(kind, &mut spec)?;
                Store::Bitmap(BTreeMap::new())
            }
            Method::List => {
                spec.size = Some(spec.size.unwrap_or(8).max(4));
                Store::List(Vec::new())
            }
        };
        Ok(IpSet { kind, spec, store, soonest: None })
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        match &self.store {
            Store::Hash(table) => table.len(),
            Store::Bitmap(slots) => slots.len(),
            Store::List(members) => members.len(),
        }
    }

    /// True if nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements in the order in which the kernel lists them.
    pub fn elems(&self) -> Box<dyn Iterator<Item = (&Elem, &Ext)> + '_> {
        match &self.store {
            Store::Hash(table) => Box::new(table.slots().map(|s| (&s.elem, &s.ext))),
            Store::Bitmap(slots) => Box::new(slots.values().map(|s| (&s.elem, &s.ext))),
            Store::List(members) => Box::new(members.iter().map(|s| (&s.elem, &s.ext))),
        }
    }

    /// The buckets that its table has now.
    pub fn hashsize(&self) -> u32 {
        match &self.store {
            Store::Hash(table) => table.hashsize(),
            Store::Bitmap(_) | Store::List(_) => 0,
        }
    }

    /// The most places of a bucket.
    pub fn bucketsize(&self) -> usize {
        match &self.store {
            Store::Hash(table) => table.bucketsize(),
            Store::Bitmap(_) | Store::List(_) => 0,
        }
    }

    /// True if a set made in the same way as `other` would be the same (`same_set` of the kernel's types).
    pub fn is_made_as(&self, other: &IpSet) -> bool {
        let (a, b) = (&self.spec, &other.spec);
        let ext = |s: &Spec| (s.timeout, s.counters, s.comment, s.skbinfo);
        let hash = |s: &Spec| (s.maxelem, s.netmask, s.bitmask, s.markmask);
        self.kind == other.kind
            && ext(a) == ext(b)
            && hash(a) == hash(b)
            && (a.ips, a.ports, a.size) == (b.ips, b.ports, b.size)
    }

    /// Takes everything out.
    pub(super) fn clear(&mut self) {
        match &mut self.store {
            Store::Hash(table) => table.clear(),
            Store::Bitmap(slots) => slots.clear(),
            Store::List(members) => members.clear(),
        }
        self.soonest = None;
    }

    /// True if the time of an element may be up.
    pub(super) fn has_expired(&self, now: Time) -> bool {
        self.soonest.is_some_and(|soonest| soonest <= now)
    }

    /// Takes out the elements whose time is up.
    pub(super) fn expire(&mut self, now: Time) -> Vec<Elem> {
        if !self.has_expired(now) {
            return Vec::new();
        }
        let is_over = |ext: &Ext| ext.expires.is_some_and(|at| at <= now);
        let gone: Vec<Elem> = self.elems().filter(|(_, x)| is_over(x)).map(|(e, _)| e.clone()).collect();
        match &mut self.store {
            Store::Hash(table) => {
                for elem in &gone {
                    table.remove(elem);
                }
            }
            Store::Bitmap(slots) => slots.retain(|_, s| !is_over(&s.ext)),
            Store::List(members) => members.retain(|s| !is_over(&s.ext)),
        }
        self.soonest = self.elems().filter_map(|(_, ext)| ext.expires).min();
        gone
    }

    /// What stands beside an element that is put in; `old` if it is there already.
    pub(super) fn ext(&mut self, given: &Given, old: Option<&Ext>, now: Time) -> Ext {
        let seconds = given.timeout.or(self.spec.timeout).filter(|s| *s > 0);
        let expires = seconds.map(|s| now.after(Duration::from_secs(u64::from(s))));
        if let Some(at) = expires {
            self.soonest = Some(self.soonest.map_or(at, |soonest| soonest.min(at)));
        }
        let (mark, mask) = given.skbmark.unwrap_or_default();
        Ext {
            expires,
            packets: given.packets.or(old.map(|o| o.packets)).unwrap_or(0),
            bytes: given.bytes.or(old.map(|o| o.bytes)).unwrap_or(0),
            comment: given.comment.clone().unwrap_or_default(),
            skbinfo: super::elem::SkbInfo {
                mark,
                mask,
                prio: given.skbprio.unwrap_or(0),
                queue: given.skbqueue.unwrap_or(0),
            },
            nomatch: given.nomatch,
        }
    }

    /// Puts one element in.
    pub(super) fn put(
        &mut self,
        elem: Elem,
        given: &Given,
        exist: bool,
        now: Time,
    ) -> Result<Done, SetError> {
        let old = self.get(&elem).map(|s| s.ext.clone());
        let ext = self.ext(given, old.as_ref(), now);
        match &mut self.store {
            Store::Hash(table) => match table.add(elem, ext, exist) {
                Added::New(gone) => Ok(Done::New(gone)),
                Added::Changed => Ok(Done::Changed),
                Added::Exists => Err(SetError::Elem),
                Added::Full => Err(SetError::Full),
                Added::Crowded => Ok(Done::Crowded),
            },
            Store::Bitmap(slots) => {
                let id = bitmap_id(&elem);
                let Some(slot) = slots.get_mut(&id) else {
                    slots.insert(id, Slot { elem, ext });
                    return Ok(Done::New(None));
                };
                // An address without its hardware address may get one.
                let fills = slot.elem.mac.is_none() && elem.mac.is_some();
                if !exist && !fills {
                    return Err(SetError::Elem);
                }
                slot.elem.mac = elem.mac.or(slot.elem.mac);
                slot.ext = ext;
                Ok(Done::Changed)
            }
            Store::List(members) => {
                members.push(Slot { elem, ext });
                Ok(Done::New(None))
            }
        }
    }

    /// Takes one element out.
    pub(super) fn take(&mut self, elem: &Elem) -> Result<(), SetError> {
        let gone = match &mut self.store {
            Store::Hash(table) => table.remove(elem),
            Store::Bitmap(slots) => slots.remove(&bitmap_id(elem)),
            Store::List(_) => None,
        };
        gone.map(|_| ()).ok_or(SetError::Elem)
    }

    fn get(&self, elem: &Elem) -> Option<&Slot> {
        match &self.store {
            Store::Hash(table) => table.find(elem).next(),
            Store::Bitmap(slots) => slots.get(&bitmap_id(elem)),
            Store::List(members) => members.iter().find(|s| s.elem == *elem),
        }
    }

    /// Makes room for one more.
    pub(super) fn grow(&mut self) -> Result<(), SetError> {
        let grown = match &mut self.store {
            Store::Hash(table) => table.grow(),
            Store::Bitmap(_) | Store::List(_) => false,
        };
        if grown { Ok(()) } else { Err(SetError::Full) }
    }

    /// Asks for an element. Addresses are looked for in each network of the set, longest prefix first. `met` is
    /// told each element that is found, and says whether it counts; the answer is the one that did.
    pub(super) fn find(&self, asked: &Elem, met: Met) -> Option<(&Elem, &Ext)> {
        let kind = self.kind;
        let mut hit = |slot: &Slot| met(&slot.elem, &slot.ext);
        match &self.store {
            Store::Bitmap(slots) => {
                let slot = slots.get(&bitmap_id(asked))?;
                let same = asked.mac.is_none() || slot.elem.mac.is_none() || slot.elem.mac == asked.mac;
                (same && hit(slot)).then_some((&slot.elem, &slot.ext))
            }
            Store::List(members) => {
                members.iter().find(|s| s.elem == *asked && hit(s)).map(|s| (&s.elem, &s.ext))
            }
            Store::Hash(table) => {
                let (first, second) = nets_of(kind, asked);
                let nets = || first.into_iter().chain(second);
                if nets().next().is_none() || nets().any(|net| !net.is_host()) {
                    return table.find(asked).find(|s| hit(s)).map(|s| (&s.elem, &s.ext));
                }
                let lens = |net: Option<Net>, second| match net {
                    Some(_) => table.prefixes(second).map(Some).collect(),
                    None => vec![None],
                };
                let (firsts, seconds): (Vec<_>, Vec<_>) = (lens(first, false), lens(second, true));
                for first in firsts {
                    for &second in &seconds {
                        let masked = under(asked, first, second);
                        if let Some(found) = table.find(&masked).find(|s| hit(s)) {
                            return Some((&found.elem, &found.ext));
                        }
                        // The kernel leaves off at a network that has other interfaces.
                        if kind == SetType::HashNetIface && table.has_net(&masked) {
                            return None;
                        }
                    }
                }
                None
            }
        }
    }

    /// Counts a packet of so many bytes at an element.
    pub(super) fn count(&mut self, elem: &Elem, bytes: u32) {
        let slot = match &mut self.store {
            Store::Hash(table) => table.find_mut(elem).next(),
            Store::Bitmap(slots) => slots.get_mut(&bitmap_id(elem)),
            Store::List(members) => members.iter_mut().find(|s| s.elem == *elem),
        };
        if let Some(Slot { ext, .. }) = slot {
            ext.packets = ext.packets.wrapping_add(1);
            ext.bytes = ext.bytes.wrapping_add(u64::from(bytes));
        }
    }

    /// The longest prefix of the set's networks, which an element that a packet adds gets.
    pub(super) fn longest(&self, second: bool) -> Option<u8> {
        match &self.store {
            Store::Hash(table) => table.prefixes(second).next(),
            Store::Bitmap(_) | Store::List(_) => None,
        }
    }
}

/// The networks among an element's parts: the first address and the second.
fn nets_of(kind: SetType, elem: &Elem) -> (Option<Net>, Option<Net>) {
    let mut ips = kind.dims().iter().filter(|d| matches!(d, Dim::Ip | Dim::Net));
    let mut net = |net: Option<Net>| net.filter(|_| ips.next() == Some(&Dim::Net));
    let first = net(elem.ip);
    (first, net(elem.ip2))
}

/// The element with its networks cut to these prefixes.
fn under(elem: &Elem, first: Option<u8>, second: Option<u8>) -> Elem {
    let cut = |net: Option<Net>, len: Option<u8>| match (net, len) {
        (Some(net), Some(len)) => Some(Net::new(net.addr, len)),
        (net, _) => net,
    };
    Elem { ip: cut(elem.ip, first), ip2: cut(elem.ip2, second), ..elem.clone() }
}

/// Where a bitmap keeps an element.
fn bitmap_id(elem: &Elem) -> u32 {
    match (elem.ip.map(|n| n.addr), elem.port) {
        (Some(IpAddr::V4(addr)), _) => addr.to_bits(),
        (_, Some((_, port))) => u32::from(port),
        _ => 0,
    }
}

fn hash(kind: SetType, spec: &mut Spec, number: u32) -> Result<Table, SetError> {
    if spec.markmask == Some(0) {
        return Err(SetError::Markmask);
    }
    if kind.families().is_empty() {
        spec.family = None;
    } else {
        spec.family = Some(spec.family.unwrap_or_default());
    }
    let hashsize = spec.hashsize.unwrap_or(1024).max(64);
    let bits = (32 - (hashsize - 1).leading_zeros()) as u8;
    // A table of 2^28 buckets would take more memory than the kernel gives at once.
    if bits > 27 {
        return Err(SetError::Memory);
    }
    let bucketsize = spec.bucketsize.unwrap_or(12).clamp(2, 12);
    let shape = Shape {
        bits,
        initval: *spec.initval.get_or_insert(0x1000_0000_u32.wrapping_add(number.wrapping_mul(0x9e37_79b9))),
        bucketsize: bucketsize + bucketsize % 2,
        maxelem: *spec.maxelem.get_or_insert(65_536),
        forceadd: spec.forceadd,
    };
    let width = spec.family.map_or(32, Family::bits);
    spec.netmask = spec.netmask.filter(|len| *len != width);
    if kind == SetType::HashIpMark {
        spec.markmask.get_or_insert(u32::MAX);
    }
    Ok(Table::new(kind, shape))
}

/// Checks a bitmap's range, and widens it to whole networks of its netmask.
fn bitmap_range(kind: SetType, spec: &mut Spec) -> Result<(), SetError> {
    if let Some((first, last)) = spec.ports {
        spec.ports = Some((first.min(last), first.max(last)));
        return Ok(());
    }
    spec.family = Some(Family::Ip);
    let Some((first, last)) = spec.ips else { return Err(SetError::Protocol) };
    let (mut first, mut last) = (first.min(last).to_bits(), first.max(last).to_bits());
    let mut count = u64::from(last - first) + 1;
    if let Some(netmask) = spec.netmask.filter(|m| *m < 32 && kind == SetType::BitmapIp) {
        let bits = u32::MAX.checked_shl(32 - u32::from(netmask)).unwrap_or(0);
        first &= bits;
        last |= !bits;
        // The range must be one network, larger than those in it.
        let len = (first ^ last).leading_zeros() as u8;
        let is_net = u64::from(last - first) + 1 == 1 << (32 - len);
        if !is_net || netmask <= len {
            return Err(SetError::Range);
        }
        count = 1 << (netmask - len);
    }
    spec.netmask = spec.netmask.filter(|m| *m < 32);
    if count > BITMAP_MAX {
        return Err(SetError::RangeSize);
    }
    spec.ips = Some((first.into(), last.into()));
    Ok(())
}

impl Spec {
    /// What the set does not have cannot be given to an element.
    pub(super) fn allows(&self, given: &Given) -> Result<(), SetError> {
        if given.timeout.is_some() && self.timeout.is_none() {
            return Err(SetError::NoTimeout);
        }
        if (given.packets.is_some() || given.bytes.is_some()) && !self.counters {
            return Err(SetError::NoCounters);
        }
        if given.comment.is_some() && !self.comment {
            return Err(SetError::NoComment);
        }
        let skb = given.skbmark.is_some() || given.skbprio.is_some() || given.skbqueue.is_some();
        if skb && !self.skbinfo {
            return Err(SetError::NoSkbinfo);
        }
        Ok(())
    }

    /// An address under the set's netmask or bitmask.
    pub(super) fn masked(&self, addr: IpAddr) -> IpAddr {
        match (self.bitmask, self.netmask, addr) {
            (Some(IpAddr::V4(bits)), _, IpAddr::V4(a)) => IpAddr::V4(a & bits),
            (Some(IpAddr::V6(bits)), _, IpAddr::V6(a)) => IpAddr::V6(a & bits),
            (_, Some(len), addr) => mask(addr, len),
            _ => addr,
        }
    }
}

impl Iface {
    /// An interface that a packet came by.
    pub(super) fn plain(name: &str) -> Iface {
        Iface { name: name.into(), physdev: false, wildcard: false }
    }
}
