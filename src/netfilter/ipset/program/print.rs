//! Sets as `list` and `save` print them.

use super::super::elem::port_text;
use super::super::request::{Addrs, Beside, Request};
use super::super::{Elem, Ext, IpSet, Method, SetType, Sets};
use super::args::create_options;
use super::words::{Mode, Options};
use crate::abi::Time;
use crate::netfilter::Family;
use std::fmt::Write;

/// One option as it is printed: its name, and its value if it has one.
type Printed = (&'static str, Option<String>);

/// How a set was made, in the order of its type's options.
fn header(set: &IpSet) -> Vec<Printed> {
    let spec = &set.spec;
    let number = |n: Option<u32>| n.map(|n| Some(n.to_string()));
    let flag = |on: bool| on.then_some(None);
    let mut out = Vec::new();
    let options = create_options(set.kind);
    for option in options.into_iter().take_while(|o| !o.is_empty()) {
        let value = match option {
            "family" => spec.family.map(|f| Some(if f == Family::Ip { "inet" } else { "inet6" }.to_owned())),
            "hashsize" => number(Some(set.hashsize())),
            "maxelem" => number(spec.maxelem),
            "markmask" => spec.markmask.map(|m| Some(format!("0x{m:08x}"))),
            "netmask" => spec.netmask.map(|n| Some(n.to_string())),
            "bitmask" => spec.bitmask.map(|m| Some(m.to_string())),
            "range" => spec
                .ips
                .map(|(a, b)| Some(format!("{a}-{b}")))
                .or(spec.ports.map(|(a, b)| Some(format!("{a}-{b}")))),
            "size" => number(spec.size),
            "timeout" => number(spec.timeout),
            "counters" => flag(spec.counters),
            "comment" => flag(spec.comment),
            "skbinfo" => flag(spec.skbinfo),
            "bucketsize" => Some(Some(set.bucketsize().to_string())),
            "initval" => spec.initval.map(|n| Some(format!("0x{n:08x}"))),
            // Version 7.17 does not print `forceadd`; the old names of a range are never printed.
            _ => None,
        };
        out.extend(value.map(|value| (option, value)));
    }
    out
}

/// What stands beside an element.
fn beside(set: &IpSet, elem: &Elem, ext: &Ext, now: Time) -> Vec<Printed> {
    let spec = &set.spec;
    let mut out: Vec<Printed> = Vec::new();
    if spec.timeout.is_some() {
        out.push(("timeout", Some(ext.seconds_left(now).to_string())));
    }
    if ext.nomatch {
        out.push(("nomatch", None));
    }
    if elem.iface.as_ref().is_some_and(|i| i.wildcard) {
        out.push(("wildcard", None));
    }
    if spec.counters {
        out.push(("packets", Some(ext.packets.to_string())));
        out.push(("bytes", Some(ext.bytes.to_string())));
    }
    if spec.comment && !ext.comment.is_empty() {
        out.push(("comment", Some(format!("\"{}\"", ext.comment))));
    }
    if spec.skbinfo {
        let info = ext.skbinfo;
        if info.mark != 0 || info.mask != 0 {
            let mask = if info.mask == u32::MAX { String::new() } else { format!("/0x{:x}", info.mask) };
            out.push(("skbmark", Some(format!("0x{:x}{mask}", info.mark))));
        }
        if info.prio != 0 {
            out.push(("skbprio", Some(format!("{:x}:{:x}", info.prio >> 16, info.prio & 0xffff))));
        }
        if info.queue != 0 {
            out.push(("skbqueue", Some(info.queue.to_string())));
        }
    }
    out
}

/// A set's elements as they are printed.
fn members(set: &IpSet, options: &Options, now: Time) -> Vec<(String, Vec<Printed>)> {
    let one = |(elem, ext): (&Elem, &Ext)| (elem.text(set.kind), beside(set, elem, ext, now));
    let mut all: Vec<(&Elem, &Ext)> = set.elems().collect();
    if options.sorted && set.kind.method() == Method::Hash {
        all.sort_by(|a, b| a.0.cmp(b.0));
    }
    all.into_iter().map(one).collect()
}

fn words(printed: &[Printed]) -> String {
    let mut out = String::new();
    for (name, value) in printed {
        out.push(' ');
        out += name;
        if let Some(value) = value {
            out.push(' ');
            out += value;
        }
    }
    out
}

/// All sets, or the one of this name.
pub(super) fn sets(sets: &Sets, name: Option<&str>, mode: Mode, options: &Options, now: Time) -> String {
    let mut out = String::new();
    if mode == Mode::Xml {
        out += "<ipsets>\n";
    }
    let meant = sets.iter().filter(|(n, _)| name.is_none_or(|name| *n == name));
    for (index, (name, set)) in meant.enumerate() {
        // Writing to a `String` does not fail.
        let _ = match mode {
            Mode::Save => save(&mut out, name, set, options, now),
            Mode::Plain if options.names => writeln!(out, "{name}"),
            Mode::Xml if options.names => writeln!(out, "<ipset name=\"{name}\"/>"),
            Mode::Plain => {
                if index > 0 {
                    out.push('\n');
                }
                plain(&mut out, name, set, sets.references(name), options, now)
            }
            Mode::Xml => xml(&mut out, name, set, sets.references(name), options, now),
        };
    }
    if mode == Mode::Xml {
        out += "</ipsets>\n";
    }
    out
}

fn save(out: &mut String, name: &str, set: &IpSet, options: &Options, now: Time) -> std::fmt::Result {
    writeln!(out, "create {name} {}{}", set.kind, words(&header(set)))?;
    for (elem, beside) in members(set, options, now) {
        writeln!(out, "add {name} {elem}{}", words(&beside))?;
    }
    Ok(())
}

fn plain(
    out: &mut String,
    name: &str,
    set: &IpSet,
    references: u32,
    options: &Options,
    now: Time,
) -> std::fmt::Result {
    writeln!(out, "Name: {name}\nType: {}\nRevision: {}", set.kind, set.kind.revision())?;
    writeln!(out, "Header:{}", words(&header(set)))?;
    writeln!(out, "Size in memory: {}\nReferences: {references}", set.memory())?;
    writeln!(out, "Number of entries: {}", set.len())?;
    if options.terse {
        return Ok(());
    }
    writeln!(out, "Members:")?;
    for (elem, beside) in members(set, options, now) {
        writeln!(out, "{elem}{}", words(&beside))?;
    }
    Ok(())
}

fn xml(
    out: &mut String,
    name: &str,
    set: &IpSet,
    references: u32,
    options: &Options,
    now: Time,
) -> std::fmt::Result {
    let tags = |printed: &[Printed]| -> String {
        let tag = |(name, value): &Printed| match value {
            Some(value) => format!("<{name}>{value}</{name}>"),
            None => format!("<{name}/>"),
        };
        printed.iter().map(tag).collect()
    };
    writeln!(out, "<ipset name=\"{name}\">\n<type>{}</type>", set.kind)?;
    writeln!(out, "<revision>{}</revision>\n<header>{}", set.kind.revision(), tags(&header(set)))?;
    writeln!(out, "<memsize>{}</memsize>\n<references>{references}</references>", set.memory())?;
    writeln!(out, "<numentries>{}</numentries>\n</header>", set.len())?;
    if !options.terse {
        writeln!(out, "<members>")?;
        for (elem, beside) in members(set, options, now) {
            writeln!(out, "<member><elem>{elem}</elem>{}</member>", tags(&beside))?;
        }
        writeln!(out, "</members>")?;
    }
    writeln!(out, "</ipset>")
}

/// The element of a test, as the program says it back.
pub(super) fn asked(kind: SetType, request: &Request) -> String {
    let addr = |a: Addrs| {
        let width = Family::of(a.from).bits();
        match a.len.filter(|len| *len != width) {
            Some(len) => format!("{}/{len}", a.from),
            None => a.to.map_or(a.from.to_string(), |to| format!("{}-{to}", a.from)),
        }
    };
    let mut parts = Vec::new();
    parts.extend(request.ip.map(addr));
    match (request.proto, request.port) {
        (Some(proto), port) => parts.push(port_text(proto, port.unwrap_or(0))),
        (None, Some(port)) => parts.push(port.to_string()),
        (None, None) => {}
    }
    // Of the second address only where it begins is said.
    parts.extend(request.ip2.map(|a| addr(Addrs { to: None, ..a })));
    parts.extend(request.iface.as_ref().map(|i| i.name.to_string()));
    parts.extend(request.mac.map(|m| m.to_string().to_uppercase()));
    parts.extend(request.mark.map(|m| format!("0x{m:08x}")));
    if kind == SetType::ListSet {
        parts.extend(request.set.as_ref().map(|set| match &request.beside {
            // Whichever was asked for, the program says `after`.
            Some(Beside { set: other, .. }) => format!("{set} after {other}"),
            None => set.to_string(),
        }));
    }
    parts.join(",")
}
