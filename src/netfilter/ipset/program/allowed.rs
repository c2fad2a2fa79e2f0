//! Elements that a command does not take.

use super::super::request::{Addrs, Request};
use super::super::{Dim, SetType, Verb};
use super::args::{Fault, change_options};
use crate::netfilter::Family;
use std::net::{IpAddr, Ipv4Addr};

/// A command that lost its element (ICMP of the other family).
pub(super) fn without_element(kind: SetType, verb: Verb, said: String) -> Fault {
    if change_options(kind, verb).is_empty() {
        return Fault::warning(
            "There are missing mandatory flags but can't check them. It's a bug, please report the problem."
                .to_owned(),
        );
    }
    let command = if verb == Verb::Test { "test" } else { "add" };
    let mut fault = Fault::syntax(said);
    fault.add(format!("Invalid {command} command: missing setname"));
    fault
}

/// Which forms of an element a command takes.
pub(super) fn check_allowed(
    kind: SetType,
    family: Option<Family>,
    verb: Verb,
    request: &Request,
) -> Result<(), Fault> {
    let Some(Addrs { to, len, .. }) = request.ip.or(request.port.map(|_| Addrs {
        from: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        to: None,
        len: None,
    })) else {
        return Ok(());
    };
    let first_is_net = kind.dims().first() == Some(&Dim::Net);
    let test = verb == Verb::Test;
    let single = matches!(kind, SetType::HashIpMac | SetType::BitmapIpMac);
    let no_range = single || test && kind != SetType::HashIp;
    let what = if len.is_some() && no_range && !first_is_net {
        "IP/CIDR range"
    } else if to.is_some() && no_range {
        "FROM-TO IP range"
    } else if request.port_to.is_some() && test {
        "FROM-TO port range"
    } else if kind == SetType::HashIpPortIp && request.ip2.is_some_and(|a| a.len.is_some()) {
        let cannot = match change_options(kind, verb).is_empty() {
            true => "option list is empty",
            false => "can't resolve them",
        };
        let said = format!(
            "There are not allowed options (28) but {cannot}. It's a bug, please report the problem."
        );
        return Err(Fault::warning(said));
    } else {
        return Ok(());
    };
    let command = match verb {
        Verb::Test => "test",
        Verb::Del => "del",
        _ => "add",
    };
    let family = match family {
        Some(Family::Ip) => "inet",
        Some(Family::Ip6) => "inet6",
        None => "unspec",
    };
    let said = format!("{what} is not allowed in command {command} with set type {kind} and family {family}");
    Err(Fault::said(said))
}
