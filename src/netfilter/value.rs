//! The kinds of values that options take, read and printed as iptables does.

use super::error::RuleError;
use super::rule::AddrMask;
use super::{Family, services};
use crate::abi::Mac;
use crate::packet::Proto;
use smol_str::SmolStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an option's argument is (`enum xt_option_type`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// No argument.
    None,
    /// Any text; the extension reads it.
    Text,
    /// Two words, kept with a blank between them.
    TwoTexts,
    /// A number from the first to the second, decimal, `0x` or octal.
    Number(u64, u64),
    /// `A[:B]`, each a number up to this; `A:` and `:B` leave an end open.
    Range(u64),
    /// A decimal fraction.
    Double,
    /// A port by number or service name.
    Port,
    /// `PORT[:PORT]`.
    PortRange,
    /// One address.
    Host,
    /// An address with an optional mask.
    HostMask,
    /// `VALUE[/MASK]`, 32 bits each; without a mask all bits count.
    MarkMask,
    /// A syslog level by number or name.
    SyslogLevel,
    /// An Ethernet address.
    Mac,
    /// A protocol by number or name.
    Proto,
}

/// An option's argument, read.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// None was taken.
    None,
    /// Text.
    Text(SmolStr),
    /// A number.
    Number(u64),
    /// Lowest and highest; an end that was left open is the kind's own.
    Range(u64, u64),
    /// A fraction.
    Double(f64),
    /// A port.
    Port(u16),
    /// Lowest and highest port.
    PortRange(u16, u16),
    /// An address.
    Host(IpAddr),
    /// An address with its mask.
    HostMask(AddrMask),
    /// Value and mask.
    MarkMask(u32, u32),
    /// A hardware address.
    Mac(Mac),
    /// A protocol.
    Proto(Proto),
}

impl Value {
    /// The text; empty for any other kind.
    pub fn text(&self) -> &str {
        match self {
            Value::Text(t) => t,
            _ => "",
        }
    }

    /// The number; 0 for any other kind.
    pub fn number(&self) -> u64 {
        match self {
            Value::Number(n) => *n,
            Value::Port(p) => u64::from(*p),
            _ => 0,
        }
    }
}

/// What reading a value needs to know of the rule.
#[derive(Clone, Copy)]
pub struct Cx<'a> {
    /// The extension's name, for messages.
    pub ext: &'a str,
    /// The option's name, for messages.
    pub opt: &'a str,
    /// Family of the table.
    pub family: Family,
    /// `-p`, which decides where a service's name is looked up.
    pub proto: Option<Proto>,
}

/// Reads an option's argument.
pub fn read(kind: Kind, text: &str, cx: Cx) -> Result<Value, RuleError> {
    let bad = || RuleError::BadValue { ext: cx.ext.into(), opt: cx.opt.into(), value: text.into() };
    Ok(match kind {
        Kind::None => Value::None,
        Kind::Text | Kind::TwoTexts => Value::Text(text.into()),
        Kind::Number(min, max) => match number(text).filter(|n| (min..=max).contains(n)) {
            Some(n) => Value::Number(n),
            None => return Err(RuleError::OutOfRange { opt: cx.opt.into(), min, max }),
        },
        Kind::Range(max) => {
            let (a, b) = range(text, max).ok_or_else(|| RuleError::BadRange {
                ext: cx.ext.into(),
                opt: cx.opt.into(),
                value: text.into(),
                max,
            })?;
            Value::Range(a, b)
        }
        Kind::Double => Value::Double(text.parse().map_err(|_| bad())?),
        Kind::Port => Value::Port(port(text, cx.proto)?),
        Kind::PortRange => {
            let (a, b) = port_range(text, cx.proto)?;
            Value::PortRange(a, b)
        }
        Kind::Host => Value::Host(host(text, cx.family)?),
        Kind::HostMask => Value::HostMask(host_mask(text, cx.family)?),
        Kind::MarkMask => {
            let (value, mask) = mark_mask(text).ok_or_else(bad)?;
            Value::MarkMask(value, mask)
        }
        Kind::SyslogLevel => {
            Value::Number(syslog_level(text).ok_or_else(|| RuleError::LogLevel(text.into()))?)
        }
        Kind::Mac => Value::Mac(text.parse().map_err(|_| bad())?),
        Kind::Proto => Value::Proto(proto(text)?),
    })
}

/// A number as `strtoul` with base 0 reads it: decimal, `0x…` or octal with a leading 0.
///
/// ```
/// use vitrine::netfilter::value::number;
/// assert_eq!([number("16"), number("0x10"), number("020"), number("-1"), number("1x")],
///            [Some(16), Some(16), Some(16), None, None]);
/// ```
pub fn number(text: &str) -> Option<u64> {
    let (digits, radix) = if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        (hex, 16)
    } else if text.len() > 1 && text.starts_with('0') {
        (&text[1..], 8)
    } else {
        (text, 10)
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// `A[:B]`.
fn range(text: &str, max: u64) -> Option<(u64, u64)> {
    let one = |t: &str, open: u64| if t.is_empty() { Some(open) } else { number(t).filter(|n| *n <= max) };
    match text.split_once(':') {
        None => number(text).filter(|n| *n <= max).map(|n| (n, n)),
        Some((a, b)) => Some((one(a, 0)?, one(b, max)?)),
    }
}

/// A port by number or by its name for the protocol.
pub fn port(text: &str, proto: Option<Proto>) -> Result<u16, RuleError> {
    if let Some(n) = number(text) {
        return u16::try_from(n).map_err(|_| RuleError::Port(text.into()));
    }
    services::port_of(text, proto).ok_or_else(|| RuleError::Port(text.into()))
}

/// `PORT[:PORT]`; an end left out is 0 or 65535.
pub fn port_range(text: &str, proto: Option<Proto>) -> Result<(u16, u16), RuleError> {
    let Some((low, high)) = text.split_once(':') else {
        let one = port(text, proto)?;
        return Ok((one, one));
    };
    let low = if low.is_empty() { 0 } else { port(low, proto)? };
    let high = if high.is_empty() { u16::MAX } else { port(high, proto)? };
    if low > high {
        return Err(RuleError::PortOrder);
    }
    Ok((low, high))
}

/// One address, by number; names are not looked up, but for `localhost`.
pub fn host(text: &str, family: Family) -> Result<IpAddr, RuleError> {
    let missing = || RuleError::HostNotFound(text.into());
    match family {
        Family::Ip if text == "localhost" => Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        Family::Ip6 if text == "localhost" => Ok(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        Family::Ip => text.parse::<Ipv4Addr>().map(IpAddr::V4).map_err(|_| missing()),
        Family::Ip6 => text.parse::<Ipv6Addr>().map(IpAddr::V6).map_err(|_| missing()),
    }
}

/// An address with an optional mask: a prefix length, or an address.
pub fn host_mask(text: &str, family: Family) -> Result<AddrMask, RuleError> {
    let (addr, mask) = match text.split_once('/') {
        Some((addr, mask)) => (addr, Some(mask)),
        None => (text, None),
    };
    let Some(mask) = mask else { return Ok(AddrMask::host(host(addr, family)?)) };
    let bad_mask = || RuleError::InvalidMask(mask.into());
    if let Ok(len) = mask.parse::<u8>() {
        let all: IpAddr =
            if family.is_v4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        // A null mask makes the name irrelevant, as in "any/0".
        let addr = if len == 0 { all } else { host(addr, family)? };
        return AddrMask::prefix(addr, len).ok_or_else(bad_mask);
    }
    let mask = match family {
        Family::Ip => mask.parse::<Ipv4Addr>().map(IpAddr::V4).map_err(|_| bad_mask())?,
        Family::Ip6 => mask.parse::<Ipv6Addr>().map(IpAddr::V6).map_err(|_| bad_mask())?,
    };
    AddrMask::new(host(addr, family)?, mask).ok_or_else(bad_mask)
}

/// `VALUE[/MASK]`.
pub fn mark_mask(text: &str) -> Option<(u32, u32)> {
    let one = |t: &str| number(t).and_then(|n| u32::try_from(n).ok());
    match text.split_once('/') {
        None => Some((one(text)?, u32::MAX)),
        Some((value, mask)) => Some((one(value)?, one(mask)?)),
    }
}

/// Syslog levels by name or number (syslog(3)).
fn syslog_level(text: &str) -> Option<u64> {
    const NAMES: [(&str, u64); 11] = [
        ("emerg", 0),
        ("panic", 0),
        ("alert", 1),
        ("crit", 2),
        ("error", 3),
        ("err", 3),
        ("warning", 4),
        ("warn", 4),
        ("notice", 5),
        ("info", 6),
        ("debug", 7),
    ];
    let lower = text.to_ascii_lowercase();
    number(text).filter(|n| *n <= 7).or_else(|| NAMES.iter().find(|(n, _)| *n == lower).map(|(_, l)| *l))
}

/// A protocol by number or name.
pub fn proto(text: &str) -> Result<Proto, RuleError> {
    if let Some(n) = number(text)
        && let Ok(n) = u8::try_from(n)
    {
        return Ok(Proto(n));
    }
    Proto::by_name(text).ok_or_else(|| RuleError::UnknownProtocol(text.into()))
}
