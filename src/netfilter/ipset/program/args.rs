//! What stands behind a command's name and element: options by set type, and what is wrong with them.

use super::super::elem::mask;
use super::super::request::Request;
use super::super::{Method, SetError, SetType, Spec, Verb};
use super::address::{Form, addresses, number, port, ports, proto_port};
use crate::netfilter::Family;
use smol_str::SmolStr;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// The longest name of a set or type, in bytes.
pub(super) const NAME_MAX: usize = 31;
/// The longest comment, in bytes.
const COMMENT_MAX: usize = 255;
/// The longest timeout, in seconds.
const TIMEOUT_MAX: u64 = 2_147_483;

/// Messages that the program collects before it writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Report(Vec<String>);

impl Report {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// What is wrong with a command's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The words do not make a command: the program points to its help.
    Usage(String),
    /// Something about a value. The first line is a warning at first, and then has no line number.
    Report { lines: Report, warned: bool },
    /// The program ends by a signal: a defect of version 7.17.
    Crash,
}

impl Fault {
    pub(super) fn said(text: impl Into<String>) -> Fault {
        Fault::Report { lines: Report(vec![text.into()]), warned: false }
    }

    pub(super) fn syntax(text: impl fmt::Display) -> Fault {
        Fault::said(format!("Syntax error: {text}"))
    }

    pub(super) fn warning(text: String) -> Fault {
        Fault::Report { lines: Report(vec![text]), warned: true }
    }

    pub(super) fn add(&mut self, text: String) {
        if let Fault::Report { lines, .. } = self {
            lines.0.push(text);
        }
    }

    /// The last line.
    pub(super) fn message(&self) -> String {
        match self {
            Fault::Usage(text) => text.clone(),
            Fault::Report { lines, .. } => lines.0.last().cloned().unwrap_or_default(),
            Fault::Crash => String::new(),
        }
    }

    pub(super) fn status(&self) -> u8 {
        match self {
            Fault::Usage(_) => 2,
            Fault::Report { .. } => 1,
            Fault::Crash => 139,
        }
    }

    /// All that the program writes; in a dump it names the line, and keeps only the last error of it.
    pub(super) fn text(&self, line: u32) -> String {
        match self {
            Fault::Usage(text) => format!("ipset v7.17: {text}\nTry `ipset help' for more information.\n"),
            Fault::Report { lines, warned: false } if line > 0 => {
                format!("ipset v7.17: Error in line {line}: {}\n", lines.0.last().map_or("", |l| l))
            }
            Fault::Report { lines, .. } => format!("ipset v7.17: {lines}"),
            Fault::Crash => String::new(),
        }
    }
}

/// Checks a set's name.
pub(super) fn set_name(name: &str) -> Result<(), Fault> {
    match name.len() > NAME_MAX {
        true => Err(Fault::syntax(format!("setname '{name}' is longer than {NAME_MAX} characters"))),
        false => Ok(()),
    }
}

/// The options of `create` in the order in which a set's header has them; those after the empty one are read and
/// passed over.
pub(super) fn create_options(kind: SetType) -> Vec<&'static str> {
    let mut all = Vec::new();
    let beside: &[&str] = match kind.method() {
        Method::Hash => &["timeout", "counters", "comment", "forceadd", "skbinfo", "bucketsize", "initval"],
        Method::Bitmap | Method::List => &["timeout", "counters", "comment", "skbinfo"],
    };
    match kind {
        SetType::BitmapIp => all.extend(["range", "netmask"]),
        SetType::BitmapIpMac | SetType::BitmapPort => all.push("range"),
        SetType::ListSet => all.push("size"),
        SetType::HashMac => all.extend(["hashsize", "maxelem"]),
        SetType::HashIpMark => all.extend(["family", "-4", "-6", "markmask", "hashsize", "maxelem"]),
        _ => all.extend(["family", "-4", "-6", "hashsize", "maxelem"]),
    }
    if kind == SetType::HashIp {
        all.extend(["netmask", "bitmask"]);
    }
    all.extend(beside);
    match kind {
        SetType::HashIpPort => all.extend(["netmask", "bitmask"]),
        SetType::HashNetNet => all.extend(["bitmask", "netmask"]),
        SetType::BitmapIp | SetType::BitmapIpMac => all.extend(["from", "to", "network"]),
        SetType::BitmapPort => all.extend(["from", "to"]),
        _ => {}
    }
    all.push("");
    match kind {
        SetType::HashIp => all.extend(["probes", "resize", "gc"]),
        SetType::HashNet => all.extend(["probes", "resize"]),
        SetType::HashIpPort | SetType::HashIpPortIp | SetType::HashIpPortNet => {
            all.extend(["probes", "resize", "from", "to", "network"]);
        }
        _ => {}
    }
    all
}

/// The options of `add`, `del` and `test`.
pub(super) fn change_options(kind: SetType, verb: Verb) -> Vec<&'static str> {
    let mut all = Vec::new();
    if verb == Verb::Add {
        all.push("timeout");
    }
    if kind.has_nets() && verb != Verb::Del {
        all.push("nomatch");
    }
    if kind == SetType::HashNetIface && verb == Verb::Add {
        all.push("wildcard");
    }
    if kind == SetType::ListSet {
        all.extend(["before", "after"]);
    }
    if verb == Verb::Add {
        all.extend(["packets", "bytes", "comment", "skbmark", "skbprio", "skbqueue"]);
    }
    all
}

fn is_flag(option: &str, verb: Verb) -> bool {
    let at_create = matches!(option, "counters" | "comment" | "forceadd" | "skbinfo" | "-4" | "-6");
    verb == Verb::Create && at_create || matches!(option, "nomatch" | "wildcard")
}

/// Options with their values.
type Given<'a> = Vec<(&'static str, &'a str)>;

/// Pairs the words up.
fn pair<'a>(
    words: &'a [String],
    known: &[&'static str],
    verb: Verb,
) -> Result<Given<'a>, (Given<'a>, Fault)> {
    let mut given = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let bare = word.strip_prefix("--").unwrap_or(word);
        let Some(option) = known.iter().find(|k| **k == bare && !k.is_empty()) else {
            return Err((given, Fault::Usage(format!("Unknown argument: `{word}'"))));
        };
        if is_flag(option, verb) {
            given.push((*option, *option));
            continue;
        }
        let Some(value) = rest.next() else {
            let said = format!("Missing mandatory argument of option `{option}'");
            return Err((given, Fault::Usage(said)));
        };
        given.push((*option, value.as_str()));
    }
    Ok(given)
}

fn family(given: &Given) -> Result<Option<Option<Family>>, Fault> {
    let mut found = None;
    for (option, value) in given.iter().filter(|(o, _)| matches!(*o, "family" | "-4" | "-6")) {
        if found.is_some() {
            return Err(Fault::syntax(format!("{option} already specified")));
        }
        found = Some(match *value {
            "inet" | "ipv4" | "-4" => Some(Family::Ip),
            "inet6" | "ipv6" | "-6" => Some(Family::Ip6),
            "any" | "unspec" => None,
            other => return Err(Fault::syntax(format!("unknown inet family {other}"))),
        });
    }
    Ok(found)
}

/// Reads the options of `create`. The family is looked for first, through all the words.
pub(super) fn create(kind: SetType, words: &[String], report: &mut Report) -> Result<Spec, Fault> {
    let known = create_options(kind);
    let (given, fault) = match pair(words, &known, Verb::Create) {
        Ok(given) => (given, None),
        Err((given, fault)) => (given, Some(fault)),
    };
    let family = family(&given)?;
    if let Some(fault) = fault {
        return Err(fault);
    }
    let mut spec = Spec { family: family.flatten(), ..Spec::default() };
    let ignored = |option: &str| {
        let at = known.iter().position(|k| k.is_empty()).unwrap_or(known.len());
        !known[..at].contains(&option)
    };
    let mut seen: Vec<&str> = Vec::new();
    let mut ips: Ends<Ipv4Addr> = Ends { from: None, to: None };
    let mut range_ports: Ends<u16> = Ends { from: None, to: None };
    for (option, value) in given {
        if matches!(option, "family" | "-4" | "-6") {
            continue;
        }
        if ignored(option) {
            let option = if option == "network" { "from" } else { option };
            report.0.push(format!("Option '--{option} {value}' is ignored. Please upgrade your syntax."));
            continue;
        }
        if seen.contains(&option) && !is_flag(option, Verb::Create) {
            return Err(Fault::syntax(format!("{option} already specified")));
        }
        seen.push(option);
        let value32 = || number(value, 0, u64::from(u32::MAX)).map(|n| n as u32);
        match option {
            "hashsize" => spec.hashsize = Some(value32()?),
            "maxelem" => spec.maxelem = Some(value32()?),
            "markmask" => spec.markmask = Some(value32()?),
            "initval" => spec.initval = Some(value32()?),
            "size" => spec.size = Some(value32()?),
            "bucketsize" => spec.bucketsize = Some(number(value, 0, 255)? as u8),
            "timeout" => spec.timeout = Some(number(value, 0, TIMEOUT_MAX)? as u32),
            "counters" => spec.counters = true,
            "comment" => spec.comment = true,
            "skbinfo" => spec.skbinfo = true,
            "forceadd" => spec.forceadd = true,
            "netmask" | "bitmask" if spec.netmask.is_some() || spec.bitmask.is_some() => {
                return Err(Fault::syntax("bitmask and netmask are mutually exclusive, provide only one"));
            }
            "netmask" => spec.netmask = Some(netmask(value, spec.family.unwrap_or_default())?),
            "bitmask" => spec.bitmask = Some(bitmask(value, spec.family.unwrap_or_default())?),
            _ if kind == SetType::BitmapPort => range_ports.read_ports(option, value)?,
            _ => ips.read_addresses(option, value)?,
        }
    }
    match kind {
        SetType::BitmapPort => spec.ports = Some(range_ports.both()?),
        SetType::BitmapIp | SetType::BitmapIpMac => spec.ips = Some(ips.both()?),
        _ => {}
    }
    if family == Some(None) && !kind.families().is_empty() {
        return Err(Fault::said("Protocol family not supported by the set type"));
    }
    if spec.bitmask.is_some_and(|m| m.is_unspecified()) {
        return Err(Fault::said(SetError::Netmask.text(Verb::Create)));
    }
    Ok(spec)
}

/// Where a range begins and ends, from one option or several.
struct Ends<T> {
    from: Option<T>,
    to: Option<T>,
}

impl<T> Ends<T> {
    fn both(self) -> Result<(T, T), Fault> {
        let missing = |option: &str| Fault::Usage(format!("Mandatory option `{option}' is missing"));
        Ok((self.from.ok_or_else(|| missing("range"))?, self.to.ok_or_else(|| missing("to"))?))
    }
}

impl Ends<u16> {
    fn read_ports(&mut self, option: &str, value: &str) -> Result<(), Fault> {
        match option {
            "from" => self.from = Some(port(value, "tcp")?),
            "to" => self.to = Some(port(value, "tcp")?),
            _ => {
                let found = tcp_udp(value)?;
                (self.from, self.to) = (Some(found.0), found.1);
            }
        }
        Ok(())
    }
}

impl Ends<Ipv4Addr> {
    fn read_addresses(&mut self, option: &str, value: &str) -> Result<(), Fault> {
        let form = match option {
            "from" | "to" => Form::Plain,
            "network" => Form::Net,
            _ => Form::NetOrRange,
        };
        let found = addresses(value, Family::Ip, form)?;
        let v4 = |addr| match addr {
            IpAddr::V4(a) => Some(a),
            IpAddr::V6(_) => None,
        };
        match (option, found.len, found.to) {
            ("to", ..) => self.to = v4(found.from),
            ("from", ..) => self.from = v4(found.from),
            (_, Some(32..), _) => return Err(Fault::said(SetError::Cidr.text(Verb::Create))),
            (_, Some(len), _) => {
                let low = v4(mask(found.from, len));
                let hosts = u32::MAX.checked_shr(u32::from(len)).unwrap_or(0);
                (self.from, self.to) = (low, low.map(|a| (a.to_bits() | hosts).into()));
            }
            (_, None, to) => (self.from, self.to) = (v4(found.from), to.and_then(v4)),
        }
        Ok(())
    }
}

/// `[PROTO:]PORT` of a `bitmap:port`, where only TCP and UDP have a meaning.
pub(super) fn tcp_udp(text: &str) -> Result<(u16, Option<u16>), Fault> {
    use crate::packet::Proto;
    if super::address::separator(text, ':').is_none() {
        return ports(text, "tcp");
    }
    let found = proto_port(text, None)?;
    if found.wrong_family.is_some() {
        return Err(Fault::Crash);
    }
    match (found.proto, found.port) {
        (Proto::TCP | Proto::UDP, Some(port)) => Ok((port, found.port_to)),
        _ => Err(Fault::syntax("Only protocols TCP and UDP are valid")),
    }
}

fn netmask(text: &str, family: Family) -> Result<u8, Fault> {
    let most = u64::from(family.bits());
    let read = number(text, 0, 255).and_then(|_| number(text, 1, most));
    read.map(|n| n as u8).map_err(|mut fault| {
        fault.add(format!("Syntax error: netmask is out of the inclusive range of 1-{most}"));
        fault
    })
}

fn bitmask(text: &str, family: Family) -> Result<IpAddr, Fault> {
    super::address::address(text, family).map_err(|mut fault| {
        let family = if family.is_v4() { "inet" } else { "inet6" };
        fault.add(format!("Syntax error: bitmask is not valid for family = {family}"));
        fault
    })
}

/// Reads the options of `add`, `del` and `test`.
pub(super) fn change(
    kind: SetType,
    verb: Verb,
    words: &[String],
    request: &mut Request,
) -> Result<(), Fault> {
    let known = change_options(kind, verb);
    let (given, fault) = match pair(words, &known, verb) {
        Ok(given) => (given, None),
        Err((given, fault)) => (given, Some(fault)),
    };
    let mut seen: Vec<&str> = Vec::new();
    for (option, value) in given {
        if seen.contains(&option) && !is_flag(option, verb) || option == "after" && seen.contains(&"before") {
            return Err(Fault::syntax(format!("{option} already specified")));
        }
        seen.push(option);
        let beside = &mut request.given;
        match option {
            "timeout" => beside.timeout = Some(number(value, 0, TIMEOUT_MAX)? as u32),
            "packets" => beside.packets = Some(number(value, 0, u64::MAX - 1)?),
            "bytes" => beside.bytes = Some(number(value, 0, u64::MAX - 1)?),
            "comment" => beside.comment = Some(comment(value)?),
            "skbmark" => beside.skbmark = Some(skbmark(value)?),
            "skbprio" => beside.skbprio = Some(skbprio(value)?),
            "skbqueue" => beside.skbqueue = Some(number(value, 0, u64::from(u16::MAX))? as u16),
            "nomatch" => beside.nomatch = true,
            "before" | "after" => {
                set_name(value)?;
                request.put_beside(option == "before", value);
            }
            _ => {
                if let Some(iface) = &mut request.iface {
                    iface.wildcard = true;
                }
            }
        }
    }
    fault.map_or(Ok(()), Err)
}

fn comment(text: &str) -> Result<SmolStr, Fault> {
    if text.contains('"') {
        return Err(Fault::syntax("\" character is not permitted in comments"));
    }
    if text.len() > COMMENT_MAX {
        let said = format!("Comment is longer than the maximum allowed {COMMENT_MAX} characters");
        return Err(Fault::syntax(said));
    }
    Ok(text.into())
}

/// `scanf`'s `%lx`: the digits that there are, and what follows them.
fn hex(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(text.len());
    let number = u64::from_str_radix(&text[..end], 16).ok()?;
    Some((number, &text[end..]))
}

/// `0xMARK[/0xMASK]`. A mark of more than 32 bits becomes all of them.
fn skbmark(text: &str) -> Result<(u32, u32), Fault> {
    let wrong = || Fault::syntax("Invalid skbmark format, it should be:  MARK/MASK or MARK (see manpage)");
    let (mark, rest) = text.strip_prefix("0x").and_then(hex).ok_or_else(wrong)?;
    let mask = rest.strip_prefix("/0x").and_then(hex).map_or(u64::from(u32::MAX), |(mask, _)| mask);
    Ok((mark as u32, mask as u32))
}

/// `MAJOR:MINOR`.
fn skbprio(text: &str) -> Result<u32, Fault> {
    let bare = |t| str::strip_prefix(t, "0x").unwrap_or(t);
    let found = hex(bare(text)).and_then(|(major, rest)| {
        let (minor, _) = hex(bare(rest.strip_prefix(':')?))?;
        Some((major as u32) << 16 | (minor as u32 & 0xffff))
    });
    found.ok_or_else(|| Fault::syntax("Invalid skbprio format, it should be:MAJOR:MINOR (see manpage)"))
}
