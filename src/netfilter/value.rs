//! The kinds of values that options take, read as iptables does (`xtoptions.c` of libxtables).

use super::addr::{self, HostMask};
use super::error::RuleError;
use super::extension::said;
use super::targets::NatRange;
use super::{Family, Inv, services};
use crate::abi::Mac;
use crate::packet::Proto;
use smol_str::SmolStr;
use std::fmt;
use std::net::IpAddr;

/// What an option's argument is (`enum xt_option_type`).
#[derive(Clone, Copy)]
pub enum Kind {
    /// No argument.
    None,
    /// Any text.
    Text,
    /// Text of which so many bytes are kept.
    Cut(usize),
    /// Two words, kept with a blank between them.
    TwoTexts,
    /// A number from the first to the second, decimal, `0x` or octal.
    Number(u64, u64),
    /// `A[:B]`, each a number up to this; `A:` and `:B` leave an end open.
    Range(u64),
    /// A decimal fraction from the first to the second.
    Double(f64, f64),
    /// `PORT[:PORT]`, each by number or by a service's name.
    PortRange,
    /// `PORT[:PORT]` of a protocol, as the older extensions read it.
    ServiceRange(Proto),
    /// One address.
    Host,
    /// An address with an optional mask; host bits stay.
    HostMask,
    /// A prefix length, or a mask.
    PrefixMask,
    /// `VALUE[/MASK]`, 32 bits each; without a mask all bits count.
    MarkMask,
    /// A syslog level by number or name.
    SyslogLevel,
    /// An Ethernet address.
    Mac,
    /// A protocol by number or name.
    Proto,
    /// What the extension reads itself.
    Own(fn(&str, Cx) -> Result<Value, RuleError>),
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
    /// Lowest and highest port.
    PortRange(u16, u16),
    /// Ports and ranges of ports.
    Ports(Vec<(u16, u16)>),
    /// An address.
    Host(IpAddr),
    /// An address with its mask.
    HostMask(HostMask),
    /// Lowest and highest address.
    Hosts(IpAddr, IpAddr),
    /// Value and mask.
    MarkMask(u32, u32),
    /// What an address and a port become.
    NatRange(NatRange),
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
            _ => 0,
        }
    }

    /// Value and mask; 0 and 0 for any other kind.
    pub fn mark(&self) -> (u32, u32) {
        match self {
            Value::MarkMask(value, mask) => (*value, *mask),
            _ => (0, 0),
        }
    }

    /// Lowest and highest number; 0 and 0 for any other kind.
    pub fn range(&self) -> (u64, u64) {
        match self {
            Value::Range(low, high) => (*low, *high),
            _ => (0, 0),
        }
    }
}

impl fmt::Display for Value {
    /// As iptables-save prints most values of their kind.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::None => Ok(()),
            Value::Text(text) => text.fmt(f),
            Value::Number(n) => n.fmt(f),
            Value::Range(low, high) if low == high => low.fmt(f),
            Value::Range(low, high) => write!(f, "{low}:{high}"),
            Value::Double(n) => n.fmt(f),
            Value::PortRange(low, high) if low == high => low.fmt(f),
            Value::PortRange(low, high) => write!(f, "{low}:{high}"),
            Value::Ports(list) => list.iter().enumerate().try_for_each(|(place, (low, high))| {
                let comma = if place > 0 { "," } else { "" };
                if low == high { write!(f, "{comma}{low}") } else { write!(f, "{comma}{low}:{high}") }
            }),
            Value::Host(addr) => addr.fmt(f),
            Value::HostMask(net) => net.fmt(f),
            Value::Hosts(low, high) => write!(f, "{low}-{high}"),
            Value::MarkMask(value, u32::MAX) => write!(f, "{value:#x}"),
            Value::MarkMask(value, mask) => write!(f, "{value:#x}/{mask:#x}"),
            Value::NatRange(range) => range.fmt(f),
            Value::Mac(mac) => mac.fmt(f),
            Value::Proto(proto) => proto.fmt(f),
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
    /// `!` stood before the option.
    pub not: bool,
    /// `-p`, if it came before.
    pub proto: Option<Inv<Proto>>,
}

impl Cx<'_> {
    /// The refusal of a value that an extension finds wrong (`XTF_BAD_VALUE`).
    pub fn bad_value<T>(self, value: &str) -> Result<T, RuleError> {
        said(format!("{}: Bad value for \"--{}\" option: \"{value}\"", self.ext, self.opt))
    }
}

/// Reads an option's argument.
pub fn read(kind: Kind, text: &str, cx: Cx) -> Result<Value, RuleError> {
    let Cx { ext, opt, .. } = cx;
    Ok(match kind {
        Kind::None => Value::None,
        Kind::Text | Kind::TwoTexts => Value::Text(text.into()),
        Kind::Cut(max) => Value::Text(text[..text.floor_char_boundary(max)].into()),
        Kind::Number(min, max) => match number(text).filter(|n| (min..=max).contains(n)) {
            Some(n) => Value::Number(n),
            None => {
                return said(format!(
                    "{ext}: bad value for option \"--{opt}\", or out of range ({min}-{max}).\n"
                ));
            }
        },
        Kind::Range(max) => {
            let (low, high) = range(text, max, cx)?;
            Value::Range(low, high)
        }
        Kind::Double(min, max) => match text.parse() {
            Ok(n) if (min..=max).contains(&n) => Value::Double(n),
            _ => {
                return said(format!(
                    "{ext}: bad value for option \"--{opt}\", or out of range ({min:.6}-{max:.6}).\n"
                ));
            }
        },
        Kind::PortRange => {
            let (low, high) = port_range(text, cx)?;
            Value::PortRange(low, high)
        }
        Kind::ServiceRange(proto) => {
            let (low, high) = service_range(text, Some(proto))?;
            Value::PortRange(low, high)
        }
        Kind::Host => Value::Host(addr::option_host(text, cx.family)?),
        Kind::HostMask => Value::HostMask(host_mask(text, cx)?),
        Kind::PrefixMask => Value::Host(prefix_mask(text, cx)?),
        Kind::MarkMask => {
            let (value, mask) = mark_mask(text, cx)?;
            Value::MarkMask(value, mask)
        }
        Kind::SyslogLevel => match syslog_level(text) {
            Some(level) => Value::Number(level),
            None => return said(format!("log level \"{text}\" unknown\n")),
        },
        Kind::Mac => match text.parse() {
            Ok(mac) => Value::Mac(mac),
            Err(_) => return said("Invalid MAC address specified."),
        },
        Kind::Proto => Value::Proto(proto(text)?),
        Kind::Own(read) => read(text, cx)?,
    })
}

/// A number as `strtoul` with base 0 reads it, and what follows it: decimal, `0x…` or octal with a leading 0.
pub fn leading_number(text: &str) -> Option<(u64, &str)> {
    let start = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let start = start.strip_prefix('+').unwrap_or(start);
    let hex = start.strip_prefix("0x").or_else(|| start.strip_prefix("0X"));
    let (digits, radix) = match hex.filter(|h| h.starts_with(|c: char| c.is_ascii_hexdigit())) {
        Some(hex) => (hex, 16),
        None if start.starts_with('0') => (start, 8),
        None => (start, 10),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let value = u64::from_str_radix(&digits[..end], radix).ok()?;
    Some((value, &digits[end..]))
}

/// The same, with nothing behind it.
///
/// ```
/// use vitrine::netfilter::value::number;
/// assert_eq!([number("16"), number("0x10"), number("020"), number("-1"), number("1x")],
///            [Some(16), Some(16), Some(16), None, None]);
/// ```
pub fn number(text: &str) -> Option<u64> {
    leading_number(text).filter(|(_, rest)| rest.is_empty()).map(|(n, _)| n)
}

/// `A[:B]` (`xtopt_parse_mint` with two values).
fn range(text: &str, max: u64, cx: Cx) -> Result<(u64, u64), RuleError> {
    let Cx { ext, opt, .. } = cx;
    let mut found = [0; 2];
    let mut count = 0;
    let mut at = text;
    loop {
        let Some(slot) = found.get_mut(count) else {
            return said(format!("{ext}: Too many components for option \"--{opt}\" (max: 2)\n"));
        };
        let rest = if at.is_empty() || at.starts_with(':') {
            *slot = if count == 0 { 0 } else { max };
            at
        } else {
            let Some((n, rest)) = leading_number(at).filter(|(n, _)| *n <= max) else {
                return said(format!(
                    "{ext}: bad value for option \"--{opt}\" near \"{at}\", or out of range (0-{max}).\n"
                ));
            };
            *slot = n;
            rest
        };
        count += 1;
        match rest.strip_prefix(':') {
            Some(next) => at = next,
            None if rest.is_empty() => break,
            None => {
                return said(format!(
                    "{ext}: Argument to \"--{opt}\" has unexpected characters near \"{rest}\".\n"
                ));
            }
        }
    }
    Ok(if count == 1 { (found[0], found[0]) } else { (found[0], found[1]) })
}

/// A port as getaddrinfo(3) takes it: a decimal number, cut to 16 bits, or a service's name.
pub fn port(text: &str) -> Option<u16> {
    if text.is_empty() {
        return Some(0);
    }
    let digits = text.trim_start().trim_start_matches('+');
    match digits.parse::<u64>() {
        // What is -1 in 32 bits is taken for a name.
        Ok(n) if !digits.starts_with('+') && n as u32 != u32::MAX => Some(n as u16),
        _ => services::port_of(text, None),
    }
}

/// `PORT[:PORT]` (`xtopt_parse_mport`); an end left out is 0 or 65535.
fn port_range(text: &str, cx: Cx) -> Result<(u16, u16), RuleError> {
    let one = |t: &str| match port(t) {
        Some(p) => Ok(p),
        None => said(format!("Port \"{t}\" does not resolve to anything.\n")),
    };
    let Some((low, high)) = text.split_once(':') else {
        let one = one(text)?;
        return Ok((one, one));
    };
    let low = one(low)?;
    if high.contains(':') {
        return said(format!("{}: Too many components for option \"--{}\" (max: 2)\n", cx.ext, cx.opt));
    }
    Ok((low, if high.is_empty() { u16::MAX } else { one(high)? }))
}

/// A port by number or by its name for the protocol (`xtables_parse_port`).
pub fn service(text: &str, proto: Option<Proto>) -> Result<u16, RuleError> {
    let found = match number(text) {
        Some(n) => u16::try_from(n).ok(),
        None => services::port_of(text, proto),
    };
    found.ok_or_else(|| RuleError::Said(format!("invalid port/service `{text}' specified")))
}

/// `PORT[:PORT]` as the older extensions read it.
pub fn service_range(text: &str, proto: Option<Proto>) -> Result<(u16, u16), RuleError> {
    let Some((low, high)) = text.split_once(':') else {
        let one = service(text, proto)?;
        return Ok((one, one));
    };
    let low = if low.is_empty() { 0 } else { service(low, proto)? };
    let high = if high.is_empty() { u16::MAX } else { service(high, proto)? };
    if low > high { said("invalid portrange (min > max)") } else { Ok((low, high)) }
}

/// An address with an optional mask (`xtopt_parse_hostmask`).
fn host_mask(text: &str, cx: Cx) -> Result<HostMask, RuleError> {
    Ok(match text.split_once('/') {
        None => HostMask::host(addr::option_host(text, cx.family)?),
        Some((host, mask)) => {
            HostMask { addr: addr::option_host(host, cx.family)?, mask: prefix_mask(mask, cx)? }
        }
    })
}

/// A prefix length or a mask (`xtopt_parse_plenmask`).
fn prefix_mask(text: &str, cx: Cx) -> Result<IpAddr, RuleError> {
    let bits = cx.family.bits();
    let len = number(text).and_then(|n| u8::try_from(n).ok()).filter(|n| *n <= bits);
    let mask = match len {
        Some(len) => Some(addr::prefix_mask(cx.family, len)),
        None => addr::network_number(text, cx.family),
    };
    match mask {
        Some(mask) => Ok(mask),
        None => said(format!(
            "{}: bad value for option \"--{}\", neither a valid network mask nor valid CIDR (0-{bits}).\n",
            cx.ext, cx.opt
        )),
    }
}

/// `VALUE[/MASK]` (`xtopt_parse_markmask`).
pub fn mark_mask(text: &str, cx: Cx) -> Result<(u32, u32), RuleError> {
    let Cx { ext, opt, .. } = cx;
    let one = |t: &str| {
        let (n, _) = leading_number(t)?;
        u32::try_from(n).ok()
    };
    let bad =
        |_| RuleError::Said(format!("{ext}: bad integer value for option \"--{opt}\", or out of range.\n"));
    let value = one(text).ok_or(()).map_err(bad)?;
    let mut rest = leading_number(text).map_or("", |(_, rest)| rest);
    let mut mask = u32::MAX;
    if let Some(text) = rest.strip_prefix('/') {
        mask = one(text).ok_or(()).map_err(bad)?;
        rest = leading_number(text).map_or("", |(_, rest)| rest);
    }
    if !rest.is_empty() {
        return said(format!("{ext}: trailing garbage after value for option \"--{opt}\".\n"));
    }
    Ok((value, mask))
}

/// Syslog levels by number or by the names that iptables knows.
fn syslog_level(text: &str) -> Option<u64> {
    const NAMES: [(&str, u64); 9] = [
        ("debug", 7),
        ("info", 6),
        ("notice", 5),
        ("warning", 4),
        ("error", 3),
        ("crit", 2),
        ("alert", 1),
        ("emerg", 0),
        ("panic", 0),
    ];
    number(text).filter(|n| *n <= 7).or_else(|| NAMES.iter().find(|(n, _)| *n == text).map(|(_, l)| *l))
}

/// A protocol by number or name.
pub fn proto(text: &str) -> Result<Proto, RuleError> {
    let found = match number(text) {
        Some(n) => u8::try_from(n).ok().map(Proto),
        None => Proto::by_name(text),
    };
    found.ok_or_else(|| RuleError::UnknownProtocol(text.to_ascii_lowercase()))
}
