//! A host described by what `ip` prints: `ip -br addr`, `ip addr`, `ip route`, and `sysctl` lines.

use super::fib::{Address, Nexthop, Prefix, Route, RouteKind, TableId};
use super::host::Host;
use crate::abi::IfName;
use crate::netfilter::Family;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A line that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostTextError {
    /// The line, counted from 1.
    pub line: u32,
    /// The word in question.
    pub word: String,
    /// What is wrong.
    pub problem: HostTextProblem,
}

/// What can be wrong in a host's description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostTextProblem {
    /// Not an interface's name.
    Interface,
    /// Not `ADDRESS/LENGTH`.
    Address,
    /// Not a network.
    Network,
    /// A route that names no interface.
    NoDevice,
    /// An address before any interface.
    NoInterface,
    /// Neither an interface, an address, a route nor a known setting.
    Line,
}

impl fmt::Display for HostTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, `{}`: {}", self.line, self.word, self.problem)
    }
}

impl fmt::Display for HostTextProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interface => "not an interface's name",
            Self::Address => "expected ADDRESS/LENGTH",
            Self::Network => "expected `default` or NETWORK/LENGTH",
            Self::NoDevice => "this route names no interface: expected `dev IF`",
            Self::NoInterface => "this address stands before any interface",
            Self::Line => "expected a line of `ip -br addr`, `ip addr`, `ip route` or `sysctl`",
        })
    }
}

impl std::error::Error for HostTextError {}

/// Reads a host.
///
/// ```
/// use vitrine::net::{Routed, parse_host};
/// let host = parse_host("
/// eth0 UP 198.51.100.2/24
/// docker0 UP 172.17.0.1/16
/// default via 198.51.100.1 dev eth0
/// net.ipv4.ip_forward = 1
/// ").unwrap();
/// assert_eq!(host.route("198.51.100.2".parse().unwrap()), Routed::Local);
/// assert!(matches!(host.route("172.17.0.2".parse().unwrap()), Routed::Out(dev) if dev.as_str() == "docker0"));
/// ```
pub fn parse_host(text: &str) -> Result<Host, HostTextError> {
    let mut host = Host::new(true);
    host.set_forwarding(true);
    let mut current = None;
    for (index, line) in text.lines().enumerate() {
        let line_number = index as u32 + 1;
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(&first) = words.first() else { continue };
        if first.starts_with('#') {
            continue;
        }
        read_line(&mut host, &mut current, &words).map_err(|(word, problem)| HostTextError {
            line: line_number,
            word: word.to_owned(),
            problem,
        })?;
    }
    Ok(host)
}

type LineError<'a> = (&'a str, HostTextProblem);

fn read_line<'a>(
    host: &mut Host,
    current: &mut Option<IfName>,
    words: &[&'a str],
) -> Result<(), LineError<'a>> {
    use HostTextProblem as Problem;
    let first = words[0];
    match first {
        "inet" | "inet6" => {
            let text = *words.get(1).ok_or((first, Problem::Address))?;
            let name = current.clone().ok_or((first, Problem::NoInterface))?;
            add_address(host, &name, text)
        }
        _ if first.starts_with("link/") || first.ends_with("_lft") || first == "altname" => Ok(()),
        "blackhole" | "unreachable" | "prohibit" => {
            let kind = match first {
                "blackhole" => RouteKind::Blackhole,
                "unreachable" => RouteKind::Unreachable,
                _ => RouteKind::Prohibit,
            };
            let dst = network(words.get(1).copied().unwrap_or_default(), false)?;
            host.add_route(TableId::MAIN, Route { kind, ..Route::new(dst) });
            Ok(())
        }
        // The local table repeats what addresses say.
        "local" | "broadcast" | "multicast" | "anycast" => Ok(()),
        "default" => route(host, words),
        _ if first.starts_with(|c: char| c.is_ascii_digit()) && first.ends_with(':') => {
            *current = Some(interface(words.get(1).copied().unwrap_or_default().trim_end_matches(':'))?);
            touch(host, current);
            Ok(())
        }
        _ if first.split('/').next().is_some_and(|a| a.parse::<IpAddr>().is_ok()) => route(host, words),
        _ if first.contains('.') && words.contains(&"=") => {
            setting(host, first, words.last().copied().unwrap_or_default())
        }
        _ if first.contains('=') && first.contains('.') => {
            let (key, value) = first.split_once('=').unwrap_or_default();
            setting(host, key, value)
        }
        _ => {
            let name = interface(first)?;
            if words.len() < 2 {
                return Err((first, Problem::Line));
            }
            *current = Some(name.clone());
            touch(host, current);
            words[1..].iter().filter(|w| w.contains('/')).try_for_each(|w| add_address(host, &name, w))
        }
    }
}

fn touch(host: &mut Host, current: &Option<IfName>) {
    if let Some(name) = current {
        host.describe_device(name);
    }
}

/// An interface's name; `eth0@if5` is `eth0`.
fn interface(text: &str) -> Result<IfName, LineError<'_>> {
    let name = text.split('@').next().unwrap_or(text);
    IfName::new(name).ok_or((text, HostTextProblem::Interface))
}

fn add_address<'a>(host: &mut Host, name: &IfName, text: &'a str) -> Result<(), LineError<'a>> {
    let bad = (text, HostTextProblem::Address);
    let (addr, len) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
    let addr: IpAddr = addr.parse().map_err(|_| bad)?;
    let bits = Family::of(addr).bits();
    let len = match len {
        Some(len) => len.parse().ok().filter(|l| *l <= bits).ok_or(bad)?,
        None => bits,
    };
    host.describe_device(name);
    let mut address = Address::new(addr, len);
    // `ip addr` prints the broadcast address; the short form does not, and nearly every network has one.
    address.broadcast = match addr {
        IpAddr::V4(a) if len < 31 && !a.is_loopback() => {
            Some(Ipv4Addr::from(a.to_bits() | u32::MAX.checked_shr(len.into()).unwrap_or(0)))
        }
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    };
    // What is told twice is there once.
    let _ = host.add_address(name, address);
    Ok(())
}

fn network(text: &str, v6: bool) -> Result<Prefix, LineError<'_>> {
    let bad = (text, HostTextProblem::Network);
    if text == "default" {
        let any: IpAddr = if v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
        return Prefix::new(any, 0).ok_or(bad);
    }
    let (addr, len) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
    let addr: IpAddr = addr.parse().map_err(|_| bad)?;
    let len = len.map_or(Ok(Family::of(addr).bits()), str::parse).map_err(|_| bad)?;
    Prefix::new(addr, len).ok_or(bad)
}

fn route<'a>(host: &mut Host, words: &[&'a str]) -> Result<(), LineError<'a>> {
    let after = |key: &str| words.iter().position(|w| *w == key).and_then(|i| words.get(i + 1)).copied();
    let v6 = after("via").is_some_and(|via| via.contains(':'));
    let dst = network(words[0], v6)?;
    let dev = after("dev").ok_or((words[0], HostTextProblem::NoDevice))?;
    let dev = interface(dev)?;
    host.describe_device(&dev);
    let via = after("via").filter(|via| *via != "inet6").and_then(|via| via.parse().ok());
    let metric = after("metric").and_then(|m| m.parse().ok()).unwrap_or(0);
    let prefsrc = after("src").and_then(|src| src.parse().ok());
    let nexthops = vec![Nexthop::new(Some(dev), via)];
    host.add_route(TableId::MAIN, Route { nexthops, metric, prefsrc, ..Route::new(dst) });
    Ok(())
}

fn setting<'a>(host: &mut Host, key: &'a str, value: &str) -> Result<(), LineError<'a>> {
    let bad = (key, HostTextProblem::Line);
    host.set_sysctl(key.trim(), value.trim().parse().map_err(|_| bad)?).map_err(|_| bad)
}
