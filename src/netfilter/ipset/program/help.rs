//! `ipset help`.

use super::super::{Dim, SetType, Verb};
use super::args::{change_options, create_options};
use std::fmt::Write;

/// Commands and options, as version 7.17 tells them.
pub(super) fn general() -> String {
    include_str!("general.txt").to_owned()
}

/// The types with their revisions.
pub(super) fn types() -> String {
    format!("\nSupported set types:\n{}", include_str!("types.txt"))
}

/// How an option is told.
fn told(kind: SetType, option: &str, verb: Verb) -> Option<&'static str> {
    Some(match option {
        "family" => "[family inet|inet6]|[-4|-6]",
        "hashsize" => "[hashsize VALUE]",
        "maxelem" => "[maxelem VALUE]",
        "netmask" => "[netmask CIDR]",
        "bitmask" => "[bitmask bitmask]",
        "markmask" => "markmask VALUE",
        "timeout" => "[timeout VALUE]",
        "counters" => "[counters]",
        "comment" if verb == Verb::Create => "[comment]",
        "comment" => "[comment \"string\"]",
        "forceadd" => "[forceadd]",
        "skbinfo" => "[skbinfo]",
        "bucketsize" => "[bucketsize VALUE]",
        "initval" => "[initval VALUE]",
        "size" => "[size VALUE]",
        "nomatch" => "[nomatch]",
        "wildcard" => "[wildcard]",
        "before" => "[before|after NAME]",
        "packets" => "[packets VALUE]",
        "bytes" => "[bytes VALUE]",
        "skbmark" => "[skbmark VALUE]",
        "skbprio" => "[skbprio VALUE]",
        "skbqueue" => "[skbqueue VALUE]",
        "range" if kind == SetType::BitmapPort => "range [PROTO:]FROM-TO",
        _ => return None,
    })
}

/// The form of an element.
fn form(kind: SetType, verb: Verb) -> String {
    let range = verb != Verb::Test
        && matches!(kind, SetType::HashNetPort | SetType::HashNetNet | SetType::HashNetIface);
    match kind {
        SetType::BitmapIp if verb != Verb::Test => return "IP|IP/CIDR|FROM-TO".to_owned(),
        SetType::BitmapIpMac => return "IP[,MAC]".to_owned(),
        SetType::BitmapPort if verb != Verb::Test => return "[PROTO:]PORT|FROM-TO".to_owned(),
        SetType::ListSet => return "NAME [before|after NAME]".to_owned(),
        _ => {}
    }
    let part = |dim: &Dim| match dim {
        Dim::Ip => "IP",
        Dim::Net if range => "IP[/CIDR]|FROM-TO",
        Dim::Net => "IP[/CIDR]",
        Dim::Port => "[PROTO:]PORT",
        Dim::Iface => "[physdev:]IFACE",
        Dim::Mac => "MAC",
        Dim::Mark => "MARK",
        Dim::Set => "NAME",
    };
    kind.dims().iter().map(part).collect::<Vec<_>>().join(",")
}

/// What the commands of a type take. The program goes on to explain addresses and to list names of ICMP types;
/// that is left out here.
pub(super) fn of_type(kind: SetType) -> String {
    let mut out = format!("\n{kind} type specific options:\n\n");
    let verbs = [
        (Verb::Create, "create SETNAME"),
        (Verb::Add, "add    SETNAME"),
        (Verb::Del, "del    SETNAME"),
        (Verb::Test, "test   SETNAME"),
    ];
    for (verb, prefix) in verbs {
        let options = match verb {
            Verb::Create => create_options(kind),
            _ => change_options(kind, verb),
        };
        let mut options = options.into_iter().take_while(|o| !o.is_empty()).peekable();
        let first = match verb {
            Verb::Create if options.peek() == Some(&"range") => {
                told(kind, "range", verb).unwrap_or("range IP/CIDR|FROM-TO").to_owned()
            }
            Verb::Create => String::new(),
            _ => form(kind, verb),
        };
        // Writing to a `String` does not fail.
        let _ = writeln!(out, "{prefix} {kind} {first}");
        for line in options.filter(|o| *o != "range").filter_map(|o| told(kind, o, verb)) {
            let _ = writeln!(out, "               {line}");
        }
    }
    out
}
