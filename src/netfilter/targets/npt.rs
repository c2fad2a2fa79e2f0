//! `-j DNPT` and `-j SNPT`: one IPv6 prefix for another, the checksum staying right (RFC 6296).

use super::super::AddrMask;
use crate::packet::{Packet, Transport, checksum};
use std::net::{IpAddr, Ipv6Addr};

/// A prefix and the one that takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Npt {
    /// DNPT: the destination; else SNPT: the source.
    pub destination: bool,
    /// `--src-pfx`, with its length.
    pub from: (Ipv6Addr, u8),
    /// `--dst-pfx`, with its length.
    pub to: (Ipv6Addr, u8),
}

impl Npt {
    /// Translates the packet, and what an ICMPv6 error quotes the other way round (`ip6t_npt_tg`). False where no
    /// address keeps the checksum: the packet is dropped.
    pub fn apply(&self, packet: &mut Packet) -> bool {
        let end = if self.destination { &mut packet.dst } else { &mut packet.src };
        let IpAddr::V6(addr) = *end else { return true };
        let Some(mapped) = self.map(addr) else { return false };
        *end = mapped.into();
        if let Transport::Icmp(icmp) = &mut packet.transport
            && let Some(quoted) = &mut icmp.quoted
        {
            let end = if self.destination { &mut quoted.src } else { &mut quoted.dst };
            let prefix = AddrMask::prefix(self.from.0.into(), self.from.1);
            if prefix.is_some_and(|p| p.contains(*end))
                && let IpAddr::V6(addr) = *end
                && let Some(mapped) = self.map(addr)
            {
                *end = mapped.into();
            }
        }
        true
    }

    fn map(&self, addr: Ipv6Addr) -> Option<Ipv6Addr> {
        let len = self.from.1.max(self.to.1);
        let host = u128::MAX.checked_shr(len.into()).unwrap_or(0);
        let mut words = Ipv6Addr::from(addr.to_bits() & host | self.to.0.to_bits()).segments();
        // The word that takes up the difference: behind a short prefix, or the first of the host's that can.
        let place = if len <= 48 { 3 } else { (4..8).find(|p| words[*p] != 0xffff)? };
        let sum = |a: Ipv6Addr| checksum::sum(&a.octets());
        let difference = checksum::add(sum(self.from.0), !sum(self.to.0));
        words[place] = match checksum::add(words[place], difference) {
            0xffff => 0,
            word => word,
        };
        Some(words.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_6296() {
        let npt = Npt {
            destination: false,
            from: ("fd01:203:405::".parse().expect("it is right"), 48),
            to: ("2001:db8:1::".parse().expect("it is right"), 48),
        };
        let inside = "fd01:203:405:1::1234".parse().expect("it is right");
        assert_eq!(npt.map(inside), Some("2001:db8:1:d550::1234".parse().expect("it is right")));
    }
}
