//! Addresses and masks as iptables reads them: short forms, octal numbers, names that a host always has.

use super::Family;
use super::error::RuleError;
use super::extension::said;
use super::rule::AddrMask;
use super::value::number;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address with a mask, host bits and all: some extensions print them back, though no packet is asked for
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostMask {
    /// The address.
    pub addr: IpAddr,
    /// The mask; need not be a prefix.
    pub mask: IpAddr,
}

impl HostMask {
    /// One address alone.
    pub fn host(addr: IpAddr) -> Self {
        HostMask { addr, mask: AddrMask::host(addr).mask() }
    }

    /// True if the address lies in it.
    pub fn contains(self, addr: IpAddr) -> bool {
        AddrMask::new(self.addr, self.mask).is_some_and(|net| net.contains(addr))
    }

    /// The prefix length, if the mask is one.
    pub fn prefix_len(self) -> Option<u8> {
        AddrMask::new(self.addr, self.mask)?.prefix_len()
    }

    /// True if the mask covers the whole address.
    pub fn is_host(self) -> bool {
        self.prefix_len() == Some(Family::of(self.addr).bits())
    }
}

impl fmt::Display for HostMask {
    /// `ADDR`, `ADDR/LEN`, or `ADDR/MASK` where the mask is no prefix.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix_len() {
            Some(_) if self.is_host() => self.addr.fmt(f),
            Some(len) => write!(f, "{}/{len}", self.addr),
            None => write!(f, "{}/{}", self.addr, self.mask),
        }
    }
}

/// The mask of a prefix length; all bits for one that is too long.
pub fn prefix_mask(family: Family, len: u8) -> IpAddr {
    match family {
        Family::Ip => {
            let zeros = 32u32.saturating_sub(len.into());
            IpAddr::V4(Ipv4Addr::from(u32::MAX.checked_shl(zeros).unwrap_or(0)))
        }
        Family::Ip6 => {
            let zeros = 128u32.saturating_sub(len.into());
            IpAddr::V6(Ipv6Addr::from(u128::MAX.checked_shl(zeros).unwrap_or(0)))
        }
    }
}

/// An address by its numbers, where an IPv4 one may leave out its last bytes: `10.1` is 10.1.0.0
/// (`xtables_numeric_to_ipaddr`).
pub fn network_number(text: &str, family: Family) -> Option<IpAddr> {
    if family == Family::Ip6 {
        return text.parse().ok().map(IpAddr::V6);
    }
    let mut bytes = [0; 4];
    let mut parts = text.splitn(4, '.');
    for (byte, part) in bytes.iter_mut().zip(&mut parts) {
        *byte = number(part).and_then(|n| u8::try_from(n).ok())?;
    }
    Some(IpAddr::V4(Ipv4Addr::from(bytes)))
}

/// A mask by all its four numbers, or an IPv6 one.
fn mask_number(text: &str, family: Family) -> Option<IpAddr> {
    if family == Family::Ip && text.split('.').count() != 4 {
        return None;
    }
    network_number(text, family)
}

/// An IPv4 address as inet_aton(3) takes it: one to four numbers, the last of which fills what is left.
fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<&str> = text.split('.').collect();
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || parts.iter().any(|p| !p.starts_with(|c: char| c.is_ascii_digit())) {
        return None;
    }
    let mut value = 0u64;
    for part in first {
        value = value << 8 | number(part).filter(|n| *n <= 0xff)?;
    }
    let left = 8 * (4 - first.len() as u32);
    let last = number(last).filter(|n| *n < 1 << left)?;
    u32::try_from(value << left | last).ok().map(Ipv4Addr::from)
}

/// One address of `-s` or `-d`: numbers, the names of /etc/networks of Debian 12, `localhost`. Other names are
/// not looked up.
pub fn host(text: &str, family: Family) -> Result<IpAddr, RuleError> {
    let found = match family {
        Family::Ip => {
            network_number(text, family).or_else(|| network_name(text)).or_else(|| host_number(text))
        }
        Family::Ip6 => network_number(text, family),
    };
    found.ok_or_else(|| RuleError::HostNotFound(text.into()))
}

fn network_name(text: &str) -> Option<IpAddr> {
    let addr = match text {
        "default" => [0, 0, 0, 0],
        "loopback" => [127, 0, 0, 0],
        "link-local" => [169, 254, 0, 0],
        _ => return None,
    };
    Some(IpAddr::from(addr))
}

fn host_number(text: &str) -> Option<IpAddr> {
    let found = if text == "localhost" { Some(Ipv4Addr::LOCALHOST) } else { inet_aton(text) };
    found.map(IpAddr::V4)
}

/// One address of an extension's option, which iptables asks getaddrinfo(3) for.
pub fn option_host(text: &str, family: Family) -> Result<IpAddr, RuleError> {
    let other_family = match family {
        Family::Ip => text.parse::<Ipv6Addr>().is_ok(),
        Family::Ip6 => inet_aton(text).is_some(),
    };
    let found = match family {
        Family::Ip => host_number(text),
        Family::Ip6 => text.parse().ok().map(IpAddr::V6),
    };
    match found {
        Some(addr) => Ok(addr),
        None if other_family => said("getaddrinfo: Address family for hostname not supported\n"),
        None if is_host_name(text, family) => said("getaddrinfo: Temporary failure in name resolution\n"),
        None => said("getaddrinfo: Name or service not known\n"),
    }
}

/// True if the resolver asks for a name, as it can be one (`res_hnok`); for an IPv4 address one that looks like an
/// address is none.
fn is_host_name(text: &str, family: Family) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c) || !c.is_ascii();
    let digits = family == Family::Ip && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    !text.is_empty() && !text.starts_with('-') && text.chars().all(fits) && !digits
}

/// An address of `-s` or `-d` with an optional mask: a prefix length, or a mask (`xtables_ipparse_multiple`).
pub fn addr_mask(text: &str, family: Family) -> Result<AddrMask, RuleError> {
    let Some((name, mask)) = text.rsplit_once('/') else { return Ok(AddrMask::host(host(text, family)?)) };
    let bad_mask = || RuleError::InvalidMask(mask.into());
    let by_len = || number(mask).and_then(|n| u8::try_from(n).ok()).filter(|n| *n <= family.bits());
    let mask = match mask_number(mask, family) {
        Some(mask) => mask,
        None => prefix_mask(family, by_len().ok_or_else(bad_mask)?),
    };
    // A null mask makes the name irrelevant, as in "any/0".
    let addr = if mask.is_unspecified() { mask } else { host(name, family)? };
    AddrMask::new(addr, mask).ok_or_else(|| RuleError::HostNotFound(name.into()))
}
