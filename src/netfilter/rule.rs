//! A rule and what every rule can say without an extension.

use super::{Family, Match, Target};
use crate::abi::IfName;
use crate::packet::Proto;
use smol_str::SmolStr;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Something a rule asks for, possibly negated by `!`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Inv<T> {
    /// True where `!` stands before it.
    pub not: bool,
    /// What is asked for.
    pub value: T,
}

impl<T> Inv<T> {
    /// Asked for as it is.
    pub fn yes(value: T) -> Self {
        Inv { not: false, value }
    }
}

/// Packets and bytes that a rule or a policy has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counters {
    /// Packets.
    pub packets: u64,
    /// Bytes, IP header included.
    pub bytes: u64,
}

impl Counters {
    /// Counts one packet of so many bytes.
    pub fn count(&mut self, bytes: u32) {
        self.packets += 1;
        self.bytes += u64::from(bytes);
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Counters) -> Counters {
        Counters {
            packets: self.packets.wrapping_add(other.packets),
            bytes: self.bytes.wrapping_add(other.bytes),
        }
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}:{}]", self.packets, self.bytes)
    }
}

/// An address with a mask, which need not be a prefix.
///
/// Invariant: both are of one family, and `addr` has no bit outside `mask`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddrMask {
    addr: IpAddr,
    mask: IpAddr,
}

impl AddrMask {
    /// Masks off the host bits, as iptables does. `None` if the families differ.
    pub fn new(addr: IpAddr, mask: IpAddr) -> Option<Self> {
        let addr = match (addr, mask) {
            (IpAddr::V4(a), IpAddr::V4(m)) => IpAddr::V4(a & m),
            (IpAddr::V6(a), IpAddr::V6(m)) => IpAddr::V6(a & m),
            _ => return None,
        };
        Some(AddrMask { addr, mask })
    }

    /// An address with a prefix length; `None` if it is longer than the address.
    ///
    /// ```
    /// use vitrine::netfilter::AddrMask;
    /// let net = AddrMask::prefix("10.0.0.77".parse().unwrap(), 24).unwrap();
    /// assert_eq!(net.to_string(), "10.0.0.0/24");
    /// assert!(net.contains("10.0.0.1".parse().unwrap()));
    /// ```
    pub fn prefix(addr: IpAddr, len: u8) -> Option<Self> {
        if len > Family::of(addr).bits() {
            return None;
        }
        let mask = match addr {
            IpAddr::V4(_) => {
                IpAddr::V4(Ipv4Addr::from(u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0)))
            }
            IpAddr::V6(_) => {
                IpAddr::V6(Ipv6Addr::from(u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0)))
            }
        };
        Self::new(addr, mask)
    }

    /// One address alone.
    pub fn host(addr: IpAddr) -> Self {
        let mask = match addr {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::BROADCAST),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from(u128::MAX)),
        };
        AddrMask { addr, mask }
    }

    /// The address, host bits off.
    pub fn addr(&self) -> IpAddr {
        self.addr
    }

    /// The mask.
    pub fn mask(&self) -> IpAddr {
        self.mask
    }

    /// The prefix length, if the mask is one.
    pub fn prefix_len(&self) -> Option<u8> {
        let (bits, width) = match self.mask {
            IpAddr::V4(m) => (u128::from(m.to_bits()) << 96, 32),
            IpAddr::V6(m) => (m.to_bits(), 128),
        };
        let len = bits.leading_ones();
        let rest = bits.checked_shl(len).unwrap_or(0);
        (rest == 0 && len <= width).then_some(len as u8)
    }

    /// True if the address lies in it; false for one of the other family.
    pub fn contains(&self, addr: IpAddr) -> bool {
        match (addr, self.addr, self.mask) {
            (IpAddr::V4(a), IpAddr::V4(net), IpAddr::V4(m)) => a & m == net,
            (IpAddr::V6(a), IpAddr::V6(net), IpAddr::V6(m)) => a & m == net,
            _ => false,
        }
    }

    /// True if every address is in it.
    pub fn is_everything(&self) -> bool {
        self.prefix_len() == Some(0)
    }
}

impl fmt::Display for AddrMask {
    /// As iptables-save writes it: always with a prefix length, or with a dotted mask where it is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix_len() {
            Some(len) => write!(f, "{}/{len}", self.addr),
            None => write!(f, "{}/{}", self.addr, self.mask),
        }
    }
}

/// An interface's name, or all that begin so (`eth+`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IfMatch {
    name: smol_str::SmolStr,
}

impl IfMatch {
    /// Takes a pattern of at most 15 bytes.
    pub fn new(name: &str) -> Option<Self> {
        (name.len() <= IfName::MAX).then(|| IfMatch { name: name.into() })
    }

    /// True if the interface is meant.
    pub fn matches(&self, name: &IfName) -> bool {
        match self.name.strip_suffix('+') {
            Some(start) => name.as_str().starts_with(start),
            None => name.as_str() == self.name,
        }
    }

    /// The pattern's text.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The one interface that is meant, unless the pattern ends in `+`.
    pub fn exact(&self) -> Option<IfName> {
        IfName::new(&self.name).filter(|_| !self.name.ends_with('+'))
    }
}

impl fmt::Display for IfMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// One rule of a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The line of the text it came from, counted from 1; 0 if it came from none.
    pub line: u32,
    /// `-s`.
    pub src: Option<Inv<AddrMask>>,
    /// `-d`.
    pub dst: Option<Inv<AddrMask>>,
    /// `-i`.
    pub iif: Option<Inv<IfMatch>>,
    /// `-o`.
    pub oif: Option<Inv<IfMatch>>,
    /// `-p`.
    pub proto: Option<Inv<Proto>>,
    /// `-f`: second and further fragments (IPv4 only); false where it is negated.
    pub fragment: Option<bool>,
    /// `-m …`, in the order in which they are asked.
    pub matches: Vec<Match>,
    /// `-j` or `-g`.
    pub target: Target,
    /// What it had counted when the text was written.
    pub counters: Counters,
}

impl Rule {
    /// A rule that matches everything and does nothing.
    pub fn empty() -> Self {
        Rule {
            line: 0,
            src: None,
            dst: None,
            iif: None,
            oif: None,
            proto: None,
            fragment: None,
            matches: Vec::new(),
            target: Target::None,
            counters: Counters::default(),
        }
    }

    /// The sets that it names, each as often as it does.
    pub fn sets(&self) -> impl Iterator<Item = &SmolStr> {
        let asked = self.matches.iter().filter_map(|m| match m {
            Match::Set(set) => Some(&set.name.value),
            _ => None,
        });
        let target = match &self.target {
            Target::Set(set) => Some(set),
            _ => None,
        };
        asked.chain(target.into_iter().flat_map(|set| set.sets()))
    }

    /// True if both ask and do the same, wherever they come from and whatever they counted.
    pub fn says_the_same(&self, other: &Rule) -> bool {
        let bare = |rule: &Rule| Rule { line: 0, counters: Counters::default(), ..rule.clone() };
        bare(self) == bare(other)
    }
}
