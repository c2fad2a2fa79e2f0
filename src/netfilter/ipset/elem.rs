//! An element: its parts, what stands beside it, and its text.

use super::super::Family;
use super::icmp;
use super::kind::{Dim, SetType};
use crate::abi::{Mac, Time};
use crate::packet::Proto;
use smol_str::SmolStr;
use std::fmt::{self, Write};
use std::net::IpAddr;

/// An address with a prefix length; of an address alone it is the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Net {
    /// The address, host bits off.
    pub addr: IpAddr,
    /// The prefix length.
    pub len: u8,
}

impl Net {
    /// Takes the host bits off.
    pub fn new(addr: IpAddr, len: u8) -> Net {
        Net { addr: mask(addr, len), len }
    }

    /// One address.
    pub fn host(addr: IpAddr) -> Net {
        Net { addr, len: Family::of(addr).bits() }
    }

    /// True for one address.
    pub fn is_host(&self) -> bool {
        self.len == Family::of(self.addr).bits()
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_host() { self.addr.fmt(f) } else { write!(f, "{}/{}", self.addr, self.len) }
    }
}

/// An address without the bits behind a prefix.
pub(super) fn mask(addr: IpAddr, len: u8) -> IpAddr {
    match addr {
        IpAddr::V4(a) => {
            let bits = u32::MAX.checked_shl(32 - u32::from(len.min(32))).unwrap_or(0);
            IpAddr::V4((a.to_bits() & bits).into())
        }
        IpAddr::V6(a) => {
            let bits = u128::MAX.checked_shl(128 - u32::from(len.min(128))).unwrap_or(0);
            IpAddr::V6((a.to_bits() & bits).into())
        }
    }
}

/// An interface of a `hash:net,iface`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Iface {
    /// Its name, or the beginning of names.
    pub name: SmolStr,
    /// The port of a bridge is meant.
    pub physdev: bool,
    /// All names that begin so.
    pub wildcard: bool,
}

impl Iface {
    /// True if the other one, which a packet or a command names, is meant.
    pub fn covers(&self, other: &Iface) -> bool {
        let name = match self.wildcard {
            true => other.name.starts_with(self.name.as_str()),
            false => other.name == self.name,
        };
        self.physdev == other.physdev && name
    }
}

/// The parts of an element; those that its type does not have are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Elem {
    /// The first address or network.
    pub ip: Option<Net>,
    /// Protocol and port; of ICMP type and code.
    pub port: Option<(Proto, u16)>,
    /// The second address or network.
    pub ip2: Option<Net>,
    /// The interface.
    pub iface: Option<Iface>,
    /// The hardware address.
    pub mac: Option<Mac>,
    /// The mark.
    pub mark: Option<u32>,
    /// The set.
    pub set: Option<SmolStr>,
}

impl Elem {
    /// The element as `ipset` prints it for a set of this type.
    pub fn text(&self, kind: SetType) -> String {
        let mut out = String::new();
        let mut ips = 0;
        for dim in kind.dims() {
            let start = out.len();
            if start > 0 {
                out.push(',');
            }
            // Writing to a `String` does not fail.
            let written = match dim {
                Dim::Ip | Dim::Net => {
                    ips += 1;
                    let net = if ips == 1 { self.ip } else { self.ip2 };
                    net.map(|net| write!(out, "{net}"))
                }
                Dim::Port => self.port.map(|(proto, port)| match kind {
                    SetType::BitmapPort => write!(out, "{port}"),
                    _ => write!(out, "{}", port_text(proto, port)),
                }),
                Dim::Iface => self.iface.as_ref().map(|i| {
                    let prefix = if i.physdev { "physdev:" } else { "" };
                    write!(out, "{prefix}{}", i.name)
                }),
                Dim::Mac => self.mac.map(|mac| write!(out, "{}", mac.to_string().to_uppercase())),
                Dim::Mark => self.mark.map(|mark| write!(out, "0x{mark:08x}")),
                Dim::Set => self.set.as_ref().map(|set| write!(out, "{set}")),
            };
            if written.is_none() {
                out.truncate(start);
            }
        }
        out
    }
}

/// Protocol and port as `ipset` prints them.
pub(super) fn port_text(proto: Proto, port: u16) -> String {
    match proto {
        Proto::ICMP | Proto::ICMPV6 => match icmp::name(proto == Proto::ICMPV6, port) {
            Some(known) => format!("{proto}:{known}"),
            None => format!("{proto}:{}/{}", port >> 8, port & 0xff),
        },
        _ if with_ports(proto) => format!("{proto}:{port}"),
        _ => format!("{proto}:0"),
    }
}

/// True for a protocol that has ports (`ip_set_proto_with_ports`).
pub(super) fn with_ports(proto: Proto) -> bool {
    matches!(proto, Proto::TCP | Proto::UDP | Proto::UDPLITE | Proto::SCTP)
}

/// What a set can do to a packet that is in it, beside saying so (`skbinfo`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkbInfo {
    /// The mark.
    pub mark: u32,
    /// Which bits of the mark.
    pub mask: u32,
    /// The priority: major and minor number.
    pub prio: u32,
    /// The transmit queue.
    pub queue: u16,
}

/// What stands beside an element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ext {
    /// When it goes by itself; `None` for never.
    pub expires: Option<Time>,
    /// Packets that met it.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The comment.
    pub comment: SmolStr,
    /// What a packet may get from it.
    pub skbinfo: SkbInfo,
    /// It is an exception: a packet in it is not in the set.
    pub nomatch: bool,
}

impl Ext {
    /// Seconds that are left, as the kernel tells them (`ip_set_timeout_get`): a part of a second is none, though
    /// never 0, which would mean for ever.
    pub fn seconds_left(&self, now: Time) -> u64 {
        let Some(expires) = self.expires else { return 0 };
        // Some moment always passes before a list is read.
        let left = u64::try_from(expires.since(now).as_nanos()).unwrap_or(u64::MAX);
        (left.saturating_sub(1) / 1_000_000_000).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_shows_whole_seconds_and_never_zero() {
        use crate::abi::Duration;
        let ext = Ext { expires: Some(Time::ZERO.after(Duration::from_secs(5))), ..Ext::default() };
        assert_eq!(ext.seconds_left(Time::ZERO), 4);
        assert_eq!(ext.seconds_left(Time::ZERO.after(Duration::from_millis(4900))), 1);
        assert_eq!(Ext::default().seconds_left(Time::ZERO), 0);
    }
}
