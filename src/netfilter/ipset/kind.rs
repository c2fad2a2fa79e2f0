//! The set types: what their elements are made of, and what tells them apart to the kernel and to ipset.

use super::super::Family;
use std::fmt;

/// A set type that Linux 6.18 and ipset 7.17 have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetType {
    /// `bitmap:ip`.
    BitmapIp,
    /// `bitmap:ip,mac`.
    BitmapIpMac,
    /// `bitmap:port`.
    BitmapPort,
    /// `hash:ip`.
    HashIp,
    /// `hash:net`.
    HashNet,
    /// `hash:ip,port`.
    HashIpPort,
    /// `hash:net,port`.
    HashNetPort,
    /// `hash:ip,port,ip`.
    HashIpPortIp,
    /// `hash:ip,port,net`.
    HashIpPortNet,
    /// `hash:net,net`.
    HashNetNet,
    /// `hash:net,port,net`.
    HashNetPortNet,
    /// `hash:net,iface`.
    HashNetIface,
    /// `hash:mac`.
    HashMac,
    /// `hash:ip,mac`.
    HashIpMac,
    /// `hash:ip,mark`.
    HashIpMark,
    /// `list:set`.
    ListSet,
}

/// What one part of an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dim {
    /// An address.
    Ip,
    /// A network.
    Net,
    /// A protocol with a port, or an ICMP type and code.
    Port,
    /// An interface.
    Iface,
    /// A hardware address.
    Mac,
    /// A packet mark.
    Mark,
    /// Another set.
    Set,
}

/// Where a type keeps its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// One place for each value of a range.
    Bitmap,
    /// A hash table.
    Hash,
    /// A list in order.
    List,
}

/// Names, revision in Linux 6.18, and parts, by type.
struct Facts {
    names: &'static [&'static str],
    revision: u8,
    dims: &'static [Dim],
}

impl SetType {
    /// All of them, as `ipset help` has them.
    pub const ALL: [SetType; 16] = [
        SetType::ListSet,
        SetType::HashMac,
        SetType::HashIpMac,
        SetType::HashNetIface,
        SetType::HashNetPort,
        SetType::HashNetPortNet,
        SetType::HashNetNet,
        SetType::HashNet,
        SetType::HashIpPortNet,
        SetType::HashIpPortIp,
        SetType::HashIpMark,
        SetType::HashIpPort,
        SetType::HashIp,
        SetType::BitmapPort,
        SetType::BitmapIpMac,
        SetType::BitmapIp,
    ];

    const fn facts(self) -> Facts {
        use Dim::{Iface, Ip, Mac, Mark, Net, Port, Set};
        const fn facts(names: &'static [&'static str], revision: u8, dims: &'static [Dim]) -> Facts {
            Facts { names, revision, dims }
        }
        match self {
            SetType::BitmapIp => facts(&["bitmap:ip", "ipmap"], 3, &[Ip]),
            SetType::BitmapIpMac => facts(&["bitmap:ip,mac", "macipmap"], 3, &[Ip, Mac]),
            SetType::BitmapPort => facts(&["bitmap:port", "portmap"], 3, &[Port]),
            SetType::HashIp => facts(&["hash:ip", "iphash"], 6, &[Ip]),
            SetType::HashNet => facts(&["hash:net", "nethash"], 7, &[Net]),
            SetType::HashIpPort => facts(&["hash:ip,port", "ipporthash"], 7, &[Ip, Port]),
            SetType::HashNetPort => facts(&["hash:net,port", "netporthash"], 8, &[Net, Port]),
            SetType::HashIpPortIp => facts(&["hash:ip,port,ip", "ipportiphash"], 6, &[Ip, Port, Ip]),
            SetType::HashIpPortNet => facts(&["hash:ip,port,net", "ipportnethash"], 8, &[Ip, Port, Net]),
            SetType::HashNetNet => facts(&["hash:net,net", "netnethash"], 4, &[Net, Net]),
            SetType::HashNetPortNet => facts(&["hash:net,port,net", "netportnethash"], 3, &[Net, Port, Net]),
            SetType::HashNetIface => facts(&["hash:net,iface", "netifacehash"], 8, &[Net, Iface]),
            SetType::HashMac => facts(&["hash:mac", "machash"], 1, &[Mac]),
            SetType::HashIpMac => facts(&["hash:ip,mac", "ipmachash"], 1, &[Ip, Mac]),
            SetType::HashIpMark => facts(&["hash:ip,mark", "ipmarkhash"], 3, &[Ip, Mark]),
            SetType::ListSet => facts(&["list:set", "setlist"], 3, &[Set]),
        }
    }

    /// The type of this name, or of one of its old names.
    ///
    /// ```
    /// use vitrine::netfilter::ipset::SetType;
    /// assert_eq!(SetType::by_name("iphash"), Some(SetType::HashIp));
    /// ```
    pub fn by_name(name: &str) -> Option<SetType> {
        Self::ALL.into_iter().find(|t| t.facts().names.contains(&name))
    }

    /// The name.
    pub fn name(self) -> &'static str {
        self.facts().names[0]
    }

    /// The newest revision that Linux 6.18 and ipset 7.17 both have.
    pub fn revision(self) -> u8 {
        self.facts().revision
    }

    /// What an element is made of.
    pub fn dims(self) -> &'static [Dim] {
        self.facts().dims
    }

    /// Where it keeps its elements.
    pub fn method(self) -> Method {
        match self {
            SetType::BitmapIp | SetType::BitmapIpMac | SetType::BitmapPort => Method::Bitmap,
            SetType::ListSet => Method::List,
            _ => Method::Hash,
        }
    }

    /// True if it holds networks, and can hold exceptions from them.
    pub fn has_nets(self) -> bool {
        self.dims().contains(&Dim::Net)
    }

    /// True if an element has ports.
    pub fn has_port(self) -> bool {
        self.dims().contains(&Dim::Port)
    }

    /// True if a network may be everything (`/0`).
    pub fn has_net0(self) -> bool {
        matches!(self, SetType::HashNetIface | SetType::HashNetNet | SetType::HashNetPortNet)
    }

    /// True if it can be told a netmask (or, of the hash types, a bitmask).
    pub fn has_netmask(self) -> bool {
        matches!(self, SetType::HashIp | SetType::HashIpPort | SetType::HashNetNet | SetType::BitmapIp)
    }

    /// The families that a set of it may have; none where it has no family.
    pub fn families(self) -> &'static [Family] {
        match self {
            SetType::BitmapIp | SetType::BitmapIpMac => &[Family::Ip],
            SetType::BitmapPort | SetType::HashMac | SetType::ListSet => &[],
            _ => &[Family::Ip, Family::Ip6],
        }
    }

    /// True if two sets of these types may change places (`features` of the kernel's types).
    pub fn swaps_with(self, other: SetType) -> bool {
        let features = |t: SetType| {
            let dims = t.dims();
            let ips = dims.iter().filter(|d| matches!(d, Dim::Ip | Dim::Net)).count();
            let has = |dim| dims.contains(&dim);
            let rest = (has(Dim::Iface), has(Dim::Mac), has(Dim::Mark), has(Dim::Set));
            (ips, has(Dim::Net), has(Dim::Port), rest)
        };
        features(self) == features(other)
    }
}

impl fmt::Display for SetType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_of_the_same_parts_change_places() {
        assert!(SetType::HashIp.swaps_with(SetType::BitmapIp));
        assert!(!SetType::HashIp.swaps_with(SetType::HashNet));
        assert!(!SetType::HashIpPortIp.swaps_with(SetType::HashIpPort));
    }
}
