//! Reads an element as `add`, `del` and `test` have it.

use super::super::request::Request;
use super::super::{Dim, SetType};
use super::address::{Form, addresses, number, proto_port, separator};
use super::args::{Fault, set_name, tcp_udp};
use crate::abi::{IfName, Mac};
use crate::netfilter::Family;
use crate::netfilter::ipset::Iface;

/// Takes an element apart at its commas.
fn parts<'a>(kind: SetType, text: &'a str) -> Result<Vec<&'a str>, Fault> {
    let dims = kind.dims().len();
    let optional = kind == SetType::BitmapIpMac;
    let cut = |text: &'a str| separator(text, ',').map(|at| (&text[..at], &text[at + 1..]));
    let missing = |which: &str| Err(Fault::syntax(format!("{which} element is missing from {text}.")));
    let Some((first, rest)) = cut(text) else {
        return if dims > 1 && !optional { missing("Second") } else { Ok(vec![text]) };
    };
    if dims == 1 {
        return Err(Fault::syntax(format!("Elem separator in {text}, but settype {kind} supports none.")));
    }
    let Some((second, third)) = cut(rest) else {
        return if dims > 2 { missing("Third") } else { Ok(vec![first, rest]) };
    };
    if dims == 2 {
        return Err(Fault::syntax(format!(
            "Two elem separators in {text}, but settype {kind} supports one."
        )));
    }
    if cut(third).is_some() {
        return Err(Fault::syntax(format!(
            "Three elem separators in {text}, but settype {kind} supports two."
        )));
    }
    Ok(vec![first, second, third])
}

/// Reads an element of a set of this type and family.
///
/// ICMP of the other family is noticed, though the program goes on without the element; `late` gets what it says.
pub(super) fn read(
    kind: SetType,
    family: Option<Family>,
    text: &str,
    late: &mut Option<String>,
) -> Result<Request, Fault> {
    if kind == SetType::ListSet {
        return member(text);
    }
    let mut request = Request::default();
    let mut width = family.unwrap_or_default();
    let mut seen = false;
    for (dim, part) in kind.dims().iter().zip(parts(kind, text)?) {
        match dim {
            Dim::Ip | Dim::Net => {
                let form = match (dim, width) {
                    _ if kind == SetType::BitmapIpMac => Form::Plain,
                    (Dim::Ip, _) if seen => Form::Plain,
                    (_, Family::Ip) => Form::Any,
                    (Dim::Net, Family::Ip6) => Form::IpOrNet,
                    (_, Family::Ip6) => Form::Plain,
                };
                let found = addresses(part, width, form).map_err(|fault| behind(late, fault))?;
                *(if seen { &mut request.ip2 } else { &mut request.ip }) = Some(found);
                seen = true;
            }
            Dim::Port if kind == SetType::BitmapPort => {
                let (port, port_to) = tcp_udp(part)?;
                (request.port, request.port_to) = (Some(port), port_to);
            }
            Dim::Port => {
                let found = proto_port(part, family)?;
                if found.wrong_family.is_some() {
                    *late = found.wrong_family;
                    // The program forgets the family with the rest.
                    width = Family::Ip;
                }
                request.proto = Some(found.proto);
                (request.port, request.port_to) = (found.port, found.port_to);
            }
            Dim::Iface => request.iface = Some(iface(part)?),
            Dim::Mac => request.mac = Some(mac(part)?),
            Dim::Mark => request.mark = Some(number(part, 0, u64::from(u32::MAX))? as u32),
            Dim::Set => {}
        }
    }
    Ok(request)
}

/// A fault after the one that was passed over.
pub(super) fn behind(late: &Option<String>, fault: Fault) -> Fault {
    let (Some(said), Fault::Report { .. }) = (late, &fault) else { return fault };
    let mut both = Fault::syntax(said);
    both.add(fault.message());
    both
}

/// `SET`, or in the old way `SET,before|after,SET`.
fn member(text: &str) -> Result<Request, Fault> {
    let mut request = Request::default();
    let Some(at) = separator(text, ',') else {
        set_name(text)?;
        request.set = Some(text.into());
        return Ok(request);
    };
    let (name, rest) = (&text[..at], &text[at + 1..]);
    let place = separator(rest, ',').map(|at| (&rest[..at], &rest[at + 1..]));
    let Some((place @ ("before" | "after"), beside)) = place else {
        return Err(Fault::said("you must specify elements as setname,[before|after],setname"));
    };
    set_name(name)?;
    set_name(beside)?;
    request.set = Some(name.into());
    request.put_beside(place == "before", beside);
    Ok(request)
}

fn iface(text: &str) -> Result<Iface, Fault> {
    let (physdev, name) = match text.strip_prefix("physdev:") {
        Some(name) => (true, name),
        None => (false, text),
    };
    if name.len() > IfName::MAX {
        let said = format!("interface name '{name}' is longer than {} characters", IfName::MAX);
        return Err(Fault::syntax(said));
    }
    Ok(Iface { name: name.into(), physdev, wildcard: false })
}

fn mac(text: &str) -> Result<Mac, Fault> {
    let wrong = || Fault::syntax(format!("cannot parse '{text}' as ethernet address"));
    text.parse().map_err(|_| wrong())
}
