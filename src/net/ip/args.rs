//! The words of a command line as iproute2 reads them: abbreviations, numbers, addresses, and what it says when a
//! word is wrong (`lib/utils.c`'s behaviour).

use super::Stop;
use crate::abi::IfName;
use crate::net::fib::Prefix;
use crate::netfilter::Family;
use std::net::{IpAddr, Ipv4Addr};

/// The words that are left.
#[derive(Clone)]
pub(super) struct Args<'a> {
    words: &'a [String],
    at: usize,
}

impl<'a> Args<'a> {
    pub fn new(words: &'a [String]) -> Self {
        Args { words, at: 0 }
    }

    /// The next word, if there is one.
    pub fn next(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at)?;
        self.at += 1;
        Some(word)
    }

    /// The word after this one, left where it is.
    pub fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).map(String::as_str)
    }

    /// The value of a key (`NEXT_ARG`).
    pub fn value(&mut self) -> Result<&'a str, Stop> {
        self.next().ok_or_else(incomplete)
    }
}

/// The line ends where a value should be.
pub(super) fn incomplete() -> Stop {
    Stop::said(255, "Command line is not complete. Try option \"help\"\n")
}

/// A value that cannot be (`invarg`).
pub(super) fn wrong(word: &str, why: &str) -> Stop {
    Stop::said(255, format!("Error: argument \"{word}\" is wrong: {why}\n"))
}

/// A value that a parser of a number, a name or a device refused: its words end with an empty line.
pub(super) fn invalid(word: &str, why: &str) -> Stop {
    wrong(word, &format!("{why}\n"))
}

/// A key for the second time (`duparg`).
pub(super) fn twice(key: &str, word: &str) -> Stop {
    Stop::said(255, format!("Error: duplicate \"{key}\": \"{word}\" is the second value.\n"))
}

/// A word that is no key where a value was given already (`duparg2`).
pub(super) fn garbage(key: &str, word: &str) -> Stop {
    Stop::said(255, format!("Error: either \"{key}\" is duplicate, or \"{word}\" is a garbage.\n"))
}

/// There is no such interface.
pub(super) fn no_device(name: &str) -> Stop {
    Stop::said(1, format!("Cannot find device \"{name}\"\n"))
}

/// True if the word is the key or an abbreviation of it (`matches`).
pub(super) fn matches(word: &str, key: &str) -> bool {
    key.starts_with(word)
}

/// Finds the first key that the word abbreviates.
pub(super) fn find<T: Copy>(word: &str, keys: &[(&str, T)]) -> Option<T> {
    keys.iter().find(|(key, _)| matches(word, key)).map(|(_, value)| *value)
}

/// A number as strtoul(3) reads it with base 0: decimal, `0x…` or octal with a leading 0.
pub(super) fn number(word: &str) -> Option<u64> {
    if let Some(hex) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return u64::from_str_radix(hex, 16).ok();
    }
    match word.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => u64::from_str_radix(octal, 8).ok(),
        _ if word.bytes().all(|b| b.is_ascii_digit()) => word.parse().ok(),
        _ => None,
    }
}

/// A number that fits, or what is said of it.
pub(super) fn bounded(word: &str, max: u64, why: &str) -> Result<u64, Stop> {
    number(word).filter(|n| *n <= max).ok_or_else(|| invalid(word, why))
}

/// What `ip` calls a family in its refusals.
fn family_word(family: Option<Family>) -> &'static str {
    match family {
        None => "any valid",
        Some(Family::Ip) => "inet",
        Some(Family::Ip6) => "inet6",
    }
}

/// IPv4 with what is missing at its end as zeros, or IPv6.
fn address_of(word: &str, family: Option<Family>) -> Option<IpAddr> {
    if word.contains(':') {
        let addr = word.parse().ok().map(IpAddr::V6)?;
        return (family != Some(Family::Ip)).then_some(addr);
    }
    if family == Some(Family::Ip6) {
        return None;
    }
    let mut octets = [0; 4];
    let mut parts = word.split('.');
    for octet in &mut octets {
        let Some(part) = parts.next() else { break };
        *octet = number(part).and_then(|n| u8::try_from(n).ok())?;
    }
    parts.next().is_none().then_some(IpAddr::V4(Ipv4Addr::from(octets)))
}

/// An address; `default`, `any` and `all` are the family's zero.
pub(super) fn address(word: &str, family: Option<Family>) -> Result<IpAddr, Stop> {
    let found = match word {
        "default" | "any" | "all" => Some(Prefix::all(family.unwrap_or(Family::Ip)).addr()),
        _ => address_of(word, family),
    };
    found.ok_or_else(|| {
        let family = family_word(family);
        Stop::said(1, format!("Error: {family} address is expected rather than \"{word}\".\n"))
    })
}

/// An address and the length behind it, if there was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cidr {
    pub addr: IpAddr,
    pub len: Option<u8>,
}

impl Cidr {
    pub fn family(&self) -> Family {
        Family::of(self.addr)
    }

    /// Its length; the whole address where none was given.
    pub fn length(&self) -> u8 {
        self.len.unwrap_or(self.family().bits())
    }

    /// The network, bits beyond the length cut off.
    pub fn prefix(&self) -> Prefix {
        Prefix::new(self.addr, self.length()).unwrap_or_else(|| Prefix::host(self.addr))
    }
}

/// `ADDRESS`, `ADDRESS/LENGTH`, `ADDRESS/NETMASK`, `default`.
pub(super) fn cidr(word: &str, family: Option<Family>) -> Result<Cidr, Stop> {
    if matches!(word, "default" | "any" | "all") {
        let addr = Prefix::all(family.unwrap_or(Family::Ip)).addr();
        return Ok(Cidr { addr, len: Some(0) });
    }
    let (addr, len) = word.split_once('/').map_or((word, None), |(a, l)| (a, Some(l)));
    let read = || {
        let addr = address_of(addr, family)?;
        let bits = Family::of(addr).bits();
        let Some(len) = len else { return Some(Cidr { addr, len: None }) };
        let plain = number(len).and_then(|n| u8::try_from(n).ok()).filter(|n| *n <= bits);
        let mask = || {
            let mask = len.parse::<Ipv4Addr>().ok().filter(|_| addr.is_ipv4())?.to_bits();
            (mask.leading_ones() + mask.trailing_zeros() == 32).then_some(mask.leading_ones() as u8)
        };
        Some(Cidr { addr, len: Some(plain.or_else(mask)?) })
    };
    read().ok_or_else(|| {
        let family = family_word(family);
        Stop::said(1, format!("Error: {family} prefix is expected rather than \"{word}\".\n"))
    })
}

/// The name of an interface that there may be; `None` for one that no interface can have.
pub(super) fn name(word: &str) -> Option<IfName> {
    IfName::new(word)
}

/// `on` or `off`.
pub(super) fn on_off(key: &str, word: &str) -> Result<bool, Stop> {
    match word {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Stop::said(
            1,
            format!("Error: argument of \"{key}\" must be \"on\" or \"off\", not \"{word}\"\n"),
        )),
    }
}
