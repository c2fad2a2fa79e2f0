//! The words that `conntrack` 1.4.7 takes, and what it refuses of them.

use super::print::{Form, proto_name};
use crate::packet::Proto;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Command {
    #[default]
    None,
    List,
    Get,
    Delete,
    Create,
    Update,
    Event,
    Flush,
    Count,
    Stats,
    Version,
    Help,
}

/// Which table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Table {
    #[default]
    Conntrack,
    Expect,
    Dying,
    Unconfirmed,
}

/// A mistake: what the program says, and its exit status.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub said: String,
    /// How to use the program is told too.
    pub usage: bool,
}

pub(super) fn misuse<T>(said: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { said: said.into(), usage: true })
}

/// The options in the order in which the program checks them, by their long names.
const NAMES: [&str; 29] = [
    "src",
    "dst",
    "reply-src",
    "reply-dst",
    "protonum",
    "timeout",
    "status",
    "zero",
    "event-mask",
    "tuple-src",
    "tuple-dst",
    "mask-src",
    "mask-dst",
    "nat-range",
    "mark",
    "id",
    "family",
    "src-nat",
    "dst-nat",
    "output",
    "secmark",
    "buffer-size",
    "any-nat",
    "zone",
    "label",
    "label-add",
    "label-del",
    "orig-zone",
    "reply-zone",
];

/// Which options a command takes, a letter each in the order of [`NAMES`]: `!` it must be there, `-` it must not.
fn allowed(command: Command) -> &'static str {
    match command {
        Command::List => ".....-..---..-.-.....-...--..",
        Command::Create => "....!!.------..--..----.-.-..",
        Command::Update => ".......----..-.-.....-.......",
        Command::Delete => ".......----..-.......-...--..",
        Command::Get => "....!-------------.-------..-",
        Command::Event => ".....----.-..-.-.........--..",
        Command::None
        | Command::Flush
        | Command::Count
        | Command::Stats
        | Command::Version
        | Command::Help => "-----------------------------",
    }
}

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Args {
    pub command: Command,
    pub table: Table,
    /// Values by long names; empty where an option takes none.
    pub given: BTreeMap<&'static str, String>,
    pub proto: Option<Proto>,
    pub form: Form,
}

const SHORT: &[(char, &str, Need)] = &[
    ('s', "src", Need::Value),
    ('d', "dst", Need::Value),
    ('r', "reply-src", Need::Value),
    ('q', "reply-dst", Need::Value),
    ('p', "protonum", Need::Value),
    ('t', "timeout", Need::Value),
    ('u', "status", Need::Value),
    ('z', "zero", Need::Nothing),
    ('e', "event-mask", Need::Value),
    ('m', "mark", Need::Value),
    ('f', "family", Need::Value),
    ('n', "src-nat", Need::Optional),
    ('g', "dst-nat", Need::Optional),
    ('j', "any-nat", Need::Optional),
    ('o', "output", Need::Value),
    ('c', "secmark", Need::Value),
    ('b', "buffer-size", Need::Value),
    ('w', "zone", Need::Value),
    ('l', "label", Need::Value),
    ('i', "id", Need::Value),
];

/// Options that have no short form, or another long one.
const LONG: &[(&str, &str, Need)] = &[
    ("orig-src", "src", Need::Value),
    ("orig-dst", "dst", Need::Value),
    ("proto", "protonum", Need::Value),
    ("mask-src", "mask-src", Need::Value),
    ("mask-dst", "mask-dst", Need::Value),
    ("tuple-src", "tuple-src", Need::Value),
    ("tuple-dst", "tuple-dst", Need::Value),
    ("orig-zone", "orig-zone", Need::Value),
    ("reply-zone", "reply-zone", Need::Value),
    ("label-add", "label-add", Need::Value),
    ("label-del", "label-del", Need::Optional),
];

const PORTS: &[(&str, &str)] = &[
    ("sport", "sport"),
    ("orig-port-src", "sport"),
    ("dport", "dport"),
    ("orig-port-dst", "dport"),
    ("reply-port-src", "reply-port-src"),
    ("reply-port-dst", "reply-port-dst"),
    ("state", "state"),
];

const COMMANDS: &[(char, &str, Command)] = &[
    ('L', "dump", Command::List),
    ('G', "get", Command::Get),
    ('D', "delete", Command::Delete),
    ('I', "create", Command::Create),
    ('A', "add", Command::Create),
    ('U', "update", Command::Update),
    ('E', "event", Command::Event),
    ('F', "flush", Command::Flush),
    ('C', "count", Command::Count),
    ('S', "stats", Command::Stats),
    ('V', "version", Command::Version),
    ('h', "help", Command::Help),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Nothing,
    Value,
    Optional,
}

/// The options that a protocol brings.
fn of_proto(proto: Proto, name: &str) -> Option<&'static str> {
    match proto {
        Proto::TCP | Proto::SCTP | Proto::UDP | Proto::UDPLITE | Proto::DCCP => {
            let (_, long) = PORTS.iter().find(|(n, _)| *n == name)?;
            (*long != "state" || matches!(proto, Proto::TCP | Proto::SCTP | Proto::DCCP)).then_some(*long)
        }
        Proto::ICMP => ["icmp-type", "icmp-code", "icmp-id"].into_iter().find(|n| *n == name),
        Proto::ICMPV6 => match name {
            "icmpv6-type" => Some("icmp-type"),
            "icmpv6-code" => Some("icmp-code"),
            "icmpv6-id" => Some("icmp-id"),
            _ => None,
        },
        _ => None,
    }
}

fn proto(text: &str) -> Option<Proto> {
    let named =
        [Proto::TCP, Proto::UDP, Proto::UDPLITE, Proto::SCTP, Proto::DCCP, Proto::ICMP, Proto::ICMPV6];
    let found = named.into_iter().chain([Proto::GRE]).find(|p| proto_name(*p) == text);
    found.or_else(|| text.parse().ok().map(Proto))
}

/// Reads the words after the program's name.
pub(super) fn read(words: &[&str]) -> Result<Args, Fault> {
    let mut args = Args::default();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        let next = words.get(at).filter(|w| !w.starts_with('-'));
        let (name, attached) = match word.strip_prefix("--") {
            Some(long) => match long.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value)),
                None => (long.to_owned(), None),
            },
            None => match word.strip_prefix('-').filter(|s| !s.is_empty()) {
                Some(short) => {
                    let first = short.chars().next().unwrap_or_default();
                    let rest = &short[first.len_utf8()..];
                    (first.to_string(), Some(rest).filter(|r| !r.is_empty()))
                }
                // Words without an option are left alone.
                None => continue,
            },
        };
        let is_long = word.starts_with("--");
        let is = |short: char, long: &str| {
            if is_long { name == long } else { name.starts_with(short) }
        };
        if let Some((.., command)) = COMMANDS.iter().find(|(s, l, _)| is(*s, l)) {
            if args.command != Command::None && args.command != *command {
                return misuse("Invalid commands combination");
            }
            args.command = *command;
            if let Some(table) = next {
                at += 1;
                args.table = match *table {
                    "conntrack" => Table::Conntrack,
                    "expect" => Table::Expect,
                    "dying" => Table::Dying,
                    "unconfirmed" => Table::Unconfirmed,
                    other => return misuse(format!("unknown type `{other}'")),
                };
            }
            continue;
        }
        let common = SHORT.iter().find(|(s, l, _)| is(*s, l)).map(|(_, l, need)| (*l, *need));
        let long = || LONG.iter().find(|(n, ..)| is_long && *n == name).map(|(_, l, need)| (*l, *need));
        let own =
            || args.proto.filter(|_| is_long).and_then(|p| of_proto(p, &name)).map(|n| (n, Need::Value));
        let Some((long, need)) = common.or_else(long).or_else(own) else {
            return misuse(format!("unknown option `{word}'"));
        };
        let value = match (need, attached) {
            (Need::Nothing, _) => String::new(),
            (_, Some(value)) => value.to_owned(),
            (Need::Value, None) => match words.get(at) {
                Some(value) => {
                    at += 1;
                    (*value).to_owned()
                }
                None => return misuse(format!("option `{word}' requires an argument")),
            },
            (Need::Optional, None) => match next {
                Some(value) => {
                    at += 1;
                    (*value).to_owned()
                }
                None => String::new(),
            },
        };
        args.take(long, value)?;
    }
    args.check()?;
    Ok(args)
}

impl Args {
    fn take(&mut self, name: &'static str, value: String) -> Result<(), Fault> {
        match name {
            "protonum" => match proto(&value) {
                Some(proto) => self.proto = Some(proto),
                None => return misuse(format!("`{value}' unsupported protocol")),
            },
            "family" if value != "ipv4" && value != "ipv6" => {
                return misuse(format!("`{value}' unsupported protocol"));
            }
            "output" => {
                for word in value.split(',') {
                    match word {
                        "extended" => self.form.extended = true,
                        "id" => self.form.id = true,
                        "timestamp" => self.form.timestamp = true,
                        "save" => self.form.save = true,
                        _ => return misuse(format!("Bad parameter `{word}'")),
                    }
                }
            }
            "status" => {
                const KNOWN: [&str; 6] =
                    ["ASSURED", "SEEN_REPLY", "UNSET", "UNREPLIED", "FIXED_TIMEOUT", "EXPECTED"];
                let unknown = value.split(',').find(|w| !KNOWN.iter().any(|k| k.eq_ignore_ascii_case(w)));
                if let Some(word) = unknown {
                    return misuse(format!("Bad parameter `{word}'"));
                }
            }
            "label" | "label-add" => {
                return Err(Fault { said: format!("unknown label '{value}'"), usage: true });
            }
            "src" | "dst" | "reply-src" | "reply-dst" | "mask-src" | "mask-dst" => {
                let (addr, len) = value.split_once('/').map_or((value.as_str(), None), |(a, l)| (a, Some(l)));
                let Ok(parsed) = addr.parse::<IpAddr>() else {
                    return misuse(format!("Invalid IP address `{addr}'"));
                };
                let most = if parsed.is_ipv4() { 32 } else { 128 };
                if len.is_some_and(|l| l.parse::<u8>().map_or(true, |l| l > most)) {
                    return misuse(format!("Invalid netmask `{}'", len.unwrap_or_default()));
                }
                if self.is_v4().is_some_and(|v4| v4 != parsed.is_ipv4()) {
                    return misuse("mismatched address family");
                }
            }
            _ => {}
        }
        self.given.insert(name, value);
        Ok(())
    }

    /// The family that was asked for, by name or by an address.
    pub(super) fn is_v4(&self) -> Option<bool> {
        if let Some(family) = self.given.get("family") {
            return Some(family == "ipv4");
        }
        let named = ["src", "dst", "reply-src", "reply-dst"].into_iter().find_map(|n| self.given.get(n));
        named.map(|a| !a.contains(':'))
    }

    /// A number; words that are none are 0, as strtoul(3) has it.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.given.get(name).map(|v| number(v))
    }

    pub(super) fn addr(&self, name: &str) -> Option<IpAddr> {
        let text = self.given.get(name)?;
        text.split('/').next()?.parse().ok()
    }

    fn check(&self) -> Result<(), Fault> {
        for (name, how) in NAMES.iter().zip(allowed(self.command).chars()) {
            let there = self.given.contains_key(name);
            if there && how == '-' {
                return misuse(format!("Illegal option `--{name}' with this command"));
            }
            if !there && how == '!' {
                return misuse(format!("You need to supply the `--{name}' option for this command"));
            }
        }
        let exact = matches!(self.command, Command::Create | Command::Get);
        let pair = |a, b| self.given.contains_key(a) && self.given.contains_key(b);
        if exact && !pair("src", "dst") && !pair("reply-src", "reply-dst") {
            return misuse("you have to specify `--src' and `--dst'");
        }
        if self.command == Command::Create
            && self.proto == Some(Proto::TCP)
            && !self.given.contains_key("state")
        {
            return misuse("You need to supply the `--state' option for this command");
        }
        if let Some(state) = self.given.get("state").filter(|_| self.proto == Some(Proto::TCP))
            && super::tcp_state(state).is_none()
        {
            return misuse(format!("unknown TCP state `{state}'"));
        }
        Ok(())
    }
}

/// A number as strtoul(3) reads it: the digits at the start.
pub(super) fn number(text: &str) -> u32 {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(hex) => (hex, 16),
        None => (text, 10),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    u32::from_str_radix(&digits[..end], radix).unwrap_or(0)
}
