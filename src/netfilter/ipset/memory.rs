//! What a set takes of the kernel's memory: the sizes of its structures on a 64-bit machine.

use super::super::Family;
use super::elem::Ext;
use super::kind::{Dim, SetType};
use super::set::{IpSet, Store};

/// Bytes of a hash's own structure without the parts that differ between types.
const HASH: u64 = 168;

fn up(size: u64, to: u64) -> u64 {
    size.div_ceil(to) * to
}

impl IpSet {
    /// Bytes, as `ipset list` tells them.
    pub fn memory(&self) -> u64 {
        let comment = |x: &Ext| if x.comment.is_empty() { 0 } else { 17 + x.comment.len() as u64 };
        let comments: u64 = self.elems().map(|(_, ext)| comment(ext)).sum();
        let own = match &self.store {
            Store::Hash(table) => self.hash_bytes() + table.memory(self.each()),
            Store::Bitmap(_) => {
                let (own, count) = self.bitmap_bytes();
                own + count.div_ceil(64) * 8 + count * self.each()
            }
            Store::List(members) => 80 + members.len() as u64 * self.each(),
        };
        own + comments
    }

    /// Bytes of an element with what stands beside it.
    fn each(&self) -> u64 {
        let spec = &self.spec;
        // Size and alignment, in the order in which the kernel lays them out.
        let beside = [
            (spec.counters, 16, 8),
            (spec.timeout.is_some(), 8, 8),
            (spec.skbinfo, 16, 4),
            (spec.comment, 8, 8),
        ];
        let (mut size, mut align) = (self.elem_bytes(), 1);
        for (_, bytes, to) in beside.into_iter().filter(|(has, ..)| *has) {
            size = up(size, to) + bytes;
            align = align.max(to);
        }
        up(size, align)
    }

    /// Bytes of the element's own structure.
    fn elem_bytes(&self) -> u64 {
        let v6 = self.spec.family == Some(Family::Ip6);
        let ip = if v6 { 16 } else { 4 };
        match self.kind {
            SetType::BitmapIp | SetType::BitmapPort => 0,
            SetType::BitmapIpMac => 8,
            SetType::ListSet => 48,
            SetType::HashIp => ip,
            SetType::HashNet | SetType::HashIpPort | SetType::HashNetPort | SetType::HashIpMark => ip + 4,
            SetType::HashIpPortIp | SetType::HashIpPortNet => 2 * ip + 4,
            SetType::HashNetNet => up(2 * ip + 4, if v6 { 4 } else { 8 }),
            SetType::HashNetPortNet => 2 * ip + 8,
            SetType::HashNetIface => up(ip + 4 + 17, 4),
            SetType::HashMac => 8,
            SetType::HashIpMac => ip + 8,
        }
    }

    fn hash_bytes(&self) -> u64 {
        let v6 = self.spec.family == Some(Family::Ip6);
        let nets = self.kind.dims().iter().filter(|d| **d == Dim::Net).count() as u64;
        let lens = if v6 { 128 } else { 32 } + u64::from(self.kind.has_net0());
        let prefixes = match nets {
            0 => 0,
            1 => 8 * lens,
            _ => 12 * lens,
        };
        let masks = if self.kind.has_netmask() { 16 } else { 0 };
        HASH + masks + up(self.elem_bytes() + prefixes, 8)
    }

    /// Bytes of a bitmap's own structure, and the number of its places.
    fn bitmap_bytes(&self) -> (u64, u64) {
        let own = match self.kind {
            SetType::BitmapIp => 88,
            SetType::BitmapIpMac => 80,
            _ => 72,
        };
        let count = match (self.spec.ips, self.spec.ports) {
            (Some((first, last)), _) => {
                let hosts = self.spec.netmask.map_or(0, |len| 32 - len);
                (u64::from(last.to_bits() - first.to_bits()) + 1) >> hosts
            }
            (_, Some((first, last))) => u64::from(last - first) + 1,
            _ => 0,
        };
        (own, count)
    }
}
