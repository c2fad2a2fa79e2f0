//! Numbers, addresses and ports as ipset reads them.

use super::super::icmp;
use super::super::request::Addrs;
use super::args::Fault;
use crate::netfilter::{Family, services};
use crate::packet::Proto;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `strtoull` of base 0: decimal, octal after 0, hexadecimal after 0x; `None` for anything else.
fn strtoull(text: &str) -> Option<Result<u64, ()>> {
    let bare = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let (minus, bare) = match bare.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, bare.strip_prefix('+').unwrap_or(bare)),
    };
    let (digits, base) = match bare.strip_prefix("0x").or(bare.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if bare.len() > 1 && bare.starts_with('0') => (&bare[1..], 8),
        None => (bare, 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    let number = u64::from_str_radix(digits, base).map_err(|_| ());
    Some(number.map(|n| if minus { n.wrapping_neg() } else { n }))
}

/// A number within bounds.
pub(super) fn number(text: &str, min: u64, max: u64) -> Result<u64, Fault> {
    match strtoull(text) {
        Some(Ok(n)) if n >= min && n <= max => Ok(n),
        Some(_) => Err(Fault::syntax(format!("'{text}' is out of range {min}-{max}"))),
        None => Err(Fault::syntax(format!("'{text}' is invalid as number"))),
    }
}

/// The place of a separator, which may neither begin nor end the text.
pub(super) fn separator(text: &str, sep: char) -> Option<usize> {
    text.find(sep).filter(|_| !text.starts_with(sep) && !text.ends_with(sep))
}

/// A range's two ends; brackets keep a hyphen from being one.
fn range(text: &str) -> Result<(&str, Option<&str>), Fault> {
    if text.starts_with('[') {
        let Some(end) = text.find(']') else {
            return Err(Fault::syntax(format!("cannot find closing escape character ']' in {text}")));
        };
        return match &text[end + 1..] {
            "" => Ok((text, None)),
            rest if rest.starts_with('-') => Ok((&text[..=end], Some(&rest[1..]))),
            _ => Err(Fault::syntax(format!("range separator expected after '{}'", &text[..=end]))),
        };
    }
    match separator(text, '-') {
        Some(at) => Ok((&text[..at], Some(&text[at + 1..]))),
        None => Ok((text, None)),
    }
}

fn unescape(text: &str) -> Result<&str, Fault> {
    match text.strip_prefix('[') {
        None => Ok(text),
        Some(rest) => rest
            .strip_suffix(']')
            .ok_or_else(|| Fault::syntax(format!("cannot find closing escape character ']' in {text}"))),
    }
}

/// One address. Names are not looked up: the model has no resolver.
pub(super) fn address(text: &str, family: Family) -> Result<IpAddr, Fault> {
    let found = match family.is_v4() {
        true => inet_aton(text).map(IpAddr::V4),
        false => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
    };
    let name = if family.is_v4() { "IPv4" } else { "IPv6" };
    found.ok_or_else(|| Fault::syntax(format!("cannot parse {text}: resolving to {name} address failed")))
}

/// The old forms too: fewer parts, of which the last fills the rest; octal after 0.
fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    if !text.starts_with(|c: char| c.is_ascii_digit())
        || !text.chars().all(|c| c.is_ascii_digit() || c == '.')
    {
        return None;
    }
    let parts: Option<Vec<u64>> = text.split('.').map(|p| strtoull(p)?.ok()).collect();
    let parts = parts.filter(|p| p.len() <= 4)?;
    let (last, high) = parts.split_last()?;
    let room = 32 - 8 * high.len() as u32;
    if high.iter().any(|p| *p > 255) || *last >> room != 0 {
        return None;
    }
    let high = high.iter().enumerate().map(|(i, p)| p << (24 - 8 * i)).sum::<u64>();
    Some(Ipv4Addr::from((high | last) as u32))
}

/// What forms of an address are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// An address, network or range.
    Any,
    /// One address.
    Plain,
    /// A network or range.
    NetOrRange,
    /// An address or network.
    IpOrNet,
    /// A network.
    Net,
}

/// An address, network or range.
pub(super) fn addresses(text: &str, family: Family, form: Form) -> Result<Addrs, Fault> {
    let slash = separator(text, '/');
    let is_range = escaped_range(text);
    let host = if family.is_v4() { "/32" } else { "/128" };
    let wrong = match form {
        Form::Plain => (is_range || slash.is_some_and(|at| &text[at..] != host))
            .then_some("plain IP address must be supplied"),
        Form::NetOrRange => {
            (!is_range && slash.is_none()).then_some("IP/cidr or IP-IP range must be specified")
        }
        Form::IpOrNet => is_range.then_some("IP address or IP/cidr must be specified"),
        Form::Net => (slash.is_none() || is_range).then_some("IP/netblock must be supplied"),
        Form::Any => None,
    };
    if let Some(wrong) = wrong {
        return Err(Fault::syntax(format!("{wrong}: {text}")));
    }
    if let Some(at) = slash {
        let most = u64::from(family.bits());
        let len =
            number(&text[at + 1..], 0, 255).and_then(|len| number(&text[at + 1..], 0, most).map(|_| len))?;
        let from = address(unescape(&text[..at])?, family)?;
        return Ok(Addrs { from, to: None, len: Some(len as u8) });
    }
    let (from, to) = range(text)?;
    let from = address(unescape(from)?, family)?;
    let to = to.map(|to| unescape(to).and_then(|to| address(to, family))).transpose()?;
    Ok(Addrs { from, to, len: None })
}

fn escaped_range(text: &str) -> bool {
    match text.strip_prefix('[') {
        None => separator(text, '-').is_some(),
        Some(_) => text.find(']').is_some_and(|end| text[end + 1..].starts_with('-')),
    }
}

/// One port by number or name.
pub(super) fn port(text: &str, proto: &str) -> Result<u16, Fault> {
    let wrong = match number(text, 0, u64::from(u16::MAX)) {
        Ok(port) => return Ok(port as u16),
        Err(wrong) => wrong,
    };
    let mut fault = Fault::warning(wrong.message());
    let known = match number(proto, 0, 255) {
        Ok(n) => Some(Proto(n as u8)),
        Err(why) => {
            fault.add(why.message());
            proto_by_name(proto)
        }
    };
    let name = unescape(text)?;
    // /etc/services knows protocols by their plain names.
    let found = known.filter(|p| p.name() == Some(proto) || proto == p.0.to_string().as_str());
    let found = found.and_then(|p| services::port_of(name, Some(p)));
    found.ok_or_else(|| {
        fault.add(format!("cannot parse '{text}' as a {proto} port"));
        fault
    })
}

/// A port or a range of them.
pub(super) fn ports(text: &str, proto: &str) -> Result<(u16, Option<u16>), Fault> {
    let (from, to) = range(text)?;
    let to = to.map(|to| port(to, proto)).transpose()?;
    Ok((port(from, proto)?, to))
}

fn proto_by_name(text: &str) -> Option<Proto> {
    let is_alias = text == text.to_ascii_uppercase();
    let found = Proto::by_name(text).filter(|_| is_alias || text == text.to_ascii_lowercase());
    found.filter(|_| !matches!(text, "all" | "mh" | "ipv6-mh"))
}

/// Protocol and port as an element has them.
pub(super) struct ProtoPort {
    pub(super) proto: Proto,
    pub(super) port: Option<u16>,
    pub(super) port_to: Option<u16>,
    /// ICMP of the other family: what the program says of it, and goes on.
    pub(super) wrong_family: Option<String>,
}

/// `[PROTO:]PORT`.
pub(super) fn proto_port(text: &str, family: Option<Family>) -> Result<ProtoPort, Fault> {
    let Some(at) = separator(text, ':') else {
        let (port, port_to) = ports(text, "tcp")?;
        return Ok(ProtoPort { proto: Proto::TCP, port: Some(port), port_to, wrong_family: None });
    };
    let (name, rest) = (&text[..at], &text[at + 1..]);
    let proto = match number(name, 0, 255) {
        Ok(n) => Proto(n as u8),
        Err(_) => {
            let found = proto_by_name(name);
            let found = found.ok_or_else(|| Fault::syntax(format!("cannot parse '{name}' as a protocol")))?;
            if found.0 == 0 {
                return Err(Fault::syntax(format!("Unsupported protocol '{name}'")));
            }
            found
        }
    };
    match proto {
        Proto::TCP | Proto::SCTP | Proto::UDP | Proto::UDPLITE => {
            let (port, port_to) = ports(rest, name)?;
            Ok(ProtoPort { proto, port: Some(port), port_to, wrong_family: None })
        }
        Proto::ICMP | Proto::ICMPV6 => {
            let v6 = proto == Proto::ICMPV6;
            let (label, only) = if v6 { ("ICMPv6", Family::Ip6) } else { ("ICMP", Family::Ip) };
            let inet = if v6 { "inet6" } else { "inet" };
            if family != Some(only) {
                let said = format!("Protocol {label} can be used with family {inet} only");
                return Ok(ProtoPort { proto, port: None, port_to: None, wrong_family: Some(said) });
            }
            let port = match icmp::by_name(v6, rest) {
                Some(port) => port,
                None => {
                    let Some(at) = separator(rest, '/') else {
                        let said = format!("Cannot parse {rest} as an {label} type/code.");
                        return Err(Fault::said(said));
                    };
                    let (ty, code) = (number(&rest[..at], 0, 255)?, number(&rest[at + 1..], 0, 255)?);
                    (ty << 8 | code) as u16
                }
            };
            Ok(ProtoPort { proto, port: Some(port), port_to: None, wrong_family: None })
        }
        _ if rest == "0" => Ok(ProtoPort { proto, port: None, port_to: None, wrong_family: None }),
        _ => Err(Fault::syntax(format!("Protocol {name} can be used with pseudo port value 0 only."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_forms_of_addresses() {
        let read = |text| inet_aton(text).map(|a| a.to_string());
        assert_eq!(read("1.2").as_deref(), Some("1.0.0.2"));
        assert_eq!(read("010.0.0.1").as_deref(), Some("8.0.0.1"));
        assert_eq!(read("300").as_deref(), Some("0.0.1.44"));
        assert_eq!(read("10.0.0.256"), None);
        assert_eq!(read("0x0a000001"), None);
    }
}
