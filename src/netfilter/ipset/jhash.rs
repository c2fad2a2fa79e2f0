//! The kernel's hash of an element, so that a set has the order, the size and the growth that it has in Linux.
//!
//! Linux picks `initval` by chance unless the set is made with one; a fixed one takes its place here.

use super::elem::Elem;
use super::kind::SetType;
use crate::packet::Proto;
use std::net::IpAddr;

/// Bob Jenkins' hash over whole words, as `jhash2` of the kernel has it.
pub(super) fn jhash2(words: &[u32], initval: u32) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add((words.len() as u32) << 2).wrapping_add(initval);
    let (mut a, mut b, mut c) = (start, start, start);
    let mut rest = words;
    while let [x, y, z, more @ ..] = rest
        && !more.is_empty()
    {
        a = a.wrapping_add(*x);
        b = b.wrapping_add(*y);
        c = c.wrapping_add(*z);
        (a, b, c) = mix(a, b, c);
        rest = more;
    }
    if rest.is_empty() {
        return c;
    }
    a = a.wrapping_add(rest[0]);
    b = b.wrapping_add(rest.get(1).copied().unwrap_or(0));
    c = c.wrapping_add(rest.get(2).copied().unwrap_or(0));
    last(a, b, c)
}

fn mix(mut a: u32, mut b: u32, mut c: u32) -> (u32, u32, u32) {
    for [x, y, z] in [[4, 6, 8], [16, 19, 4]] {
        a = a.wrapping_sub(c) ^ c.rotate_left(x);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(y);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(z);
        b = b.wrapping_add(a);
    }
    (a, b, c)
}

fn last(mut a: u32, mut b: u32, mut c: u32) -> u32 {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

/// The element's bytes as the kernel's structure of its type has them, which is what it hashes.
pub(super) fn bytes(kind: SetType, elem: &Elem) -> Vec<u8> {
    let mut out = Vec::with_capacity(36);
    let addr = |out: &mut Vec<u8>, addr: Option<IpAddr>| match addr {
        Some(IpAddr::V4(a)) => out.extend(a.octets()),
        Some(IpAddr::V6(a)) => out.extend(a.octets()),
        None => {}
    };
    let first = elem.ip.map(|n| n.addr);
    let second = elem.ip2.map(|n| n.addr);
    let len = |net: Option<super::elem::Net>| net.map_or(0, |n| n.len);
    let (proto, port) = elem.port.unwrap_or((Proto(0), 0));
    addr(&mut out, first);
    match kind {
        SetType::HashIp => {}
        SetType::HashNet => out.extend([0, 0, 0, len(elem.ip)]),
        SetType::HashIpPort => {
            out.extend(port.to_be_bytes());
            out.extend([proto.0, 0]);
        }
        SetType::HashNetPort => {
            out.extend(port.to_be_bytes());
            // The prefix less one shares its byte with the mark of an exception.
            out.extend([proto.0, len(elem.ip).wrapping_sub(1) & 0x7f]);
        }
        SetType::HashIpPortIp => {
            addr(&mut out, second);
            out.extend(port.to_be_bytes());
            out.extend([proto.0, 0]);
        }
        SetType::HashIpPortNet => {
            addr(&mut out, second);
            out.extend(port.to_be_bytes());
            out.extend([len(elem.ip2).wrapping_sub(1) & 0x7f, proto.0]);
        }
        SetType::HashNetNet => {
            addr(&mut out, second);
            out.extend([0, 0, len(elem.ip), len(elem.ip2)]);
        }
        SetType::HashNetPortNet => {
            addr(&mut out, second);
            out.extend(port.to_be_bytes());
            out.extend([len(elem.ip), len(elem.ip2), 0, 0, 0, proto.0]);
        }
        SetType::HashNetIface => {
            let physdev = elem.iface.as_ref().is_some_and(|i| i.physdev);
            out.extend([u8::from(physdev), len(elem.ip), 0, 1]);
        }
        SetType::HashMac | SetType::HashIpMac => {
            out.extend(elem.mac.map_or([0; 6], |m| m.0));
            out.extend([0, 0]);
        }
        SetType::HashIpMark => out.extend(elem.mark.unwrap_or(0).to_le_bytes()),
        SetType::BitmapIp | SetType::BitmapIpMac | SetType::BitmapPort | SetType::ListSet => {}
    }
    // Structures of two networks of IPv4 hold a 64-bit word, and end where the next would begin.
    if matches!(kind, SetType::HashNetNet | SetType::HashNetPortNet) && first.is_some_and(|a| a.is_ipv4()) {
        out.resize(16, 0);
    }
    out
}

/// The place of an element in a table of `2^bits` buckets.
pub(super) fn bucket(kind: SetType, elem: &Elem, initval: u32, bits: u8) -> usize {
    let bytes = bytes(kind, elem);
    let mut words = [0_u32; 10];
    let count = bytes.len() / 4;
    for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
    }
    (jhash2(&words[..count.min(words.len())], initval) & ((1_u32 << bits) - 1)) as usize
}
