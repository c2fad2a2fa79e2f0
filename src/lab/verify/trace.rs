//! What the kernel's trace says of each packet (`NFT_MSG_TRACE`), and the chains that make it speak.

use super::VerifyError;
use super::headers::{self, Seen};
use super::namespace::Namespace;
use super::netlink::{attributes, dump, nested, number, text};
use crate::lab::Switch;
use crate::netfilter::Family;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The table of the chains that look between iptables' own.
const TABLE: &str = "vitrine_tap";

/// `NFT_MSG_TRACE` and `NFT_MSG_GETRULE` of the nf_tables subsystem.
pub const TRACE: u16 = 10 << 8 | 17;
const GET_RULE: u16 = 10 << 8 | 7;

/// The group of trace messages, as a bit.
pub const GROUP: u32 = 1 << 8;

/// Where the chains look: hook, point, priority. The tables lie at -300 (raw), -200 (connection tracking), -150
/// (mangle), -100 (destination), 0 (filter), 50 (security), 100 (source).
const TAPS: [(&str, &str, i32); 12] = [
    ("PREROUTING", "start", -310),
    ("PREROUTING", "ct", -190),
    ("PREROUTING", "end", 310),
    ("INPUT", "start", -310),
    ("INPUT", "end", 310),
    ("FORWARD", "start", -310),
    ("FORWARD", "end", 310),
    ("OUTPUT", "start", -310),
    ("OUTPUT", "ct", -190),
    ("OUTPUT", "end", 310),
    ("POSTROUTING", "start", -310),
    ("POSTROUTING", "end", 310),
];

/// The hooks, as base chains of iptables are named after them.
pub const HOOKS: [&str; 5] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

/// What the kernel told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A base chain's policy.
    Policy,
    /// A chain's end.
    End,
    /// A rule.
    Rule,
}

/// One message of the trace.
#[derive(Clone, Debug)]
pub struct Event {
    /// The packet's number, the same on its way through the hooks.
    pub packet: u64,
    /// The family of the table; none in a chain that looks.
    pub family: Option<Family>,
    /// The table.
    pub table: String,
    /// The chain.
    pub chain: String,
    /// What is told.
    pub kind: Kind,
    /// The rule's handle.
    pub handle: Option<u64>,
    /// The verdict, and the chain that it leads to.
    pub verdict: Option<(String, Option<String>)>,
    /// The policy.
    pub policy: Option<String>,
    /// The headers, where they are told.
    pub seen: Option<Seen>,
    /// The interface that it leaves by, as far as it is known.
    pub out: Option<u32>,
    /// In which order it was told.
    pub order: u64,
}

/// What an event's chain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// A chain that looks: its hook and point.
    Tap(&'a str, &'a str),
    /// A base chain, named after its hook.
    Base(&'a str),
    /// A user's chain.
    User,
}

impl Event {
    /// What its chain is.
    pub fn place(&self) -> Place<'_> {
        match self.chain.split_once('_') {
            Some((hook, point)) if self.table == TABLE => Place::Tap(hook, point),
            _ if HOOKS.contains(&self.chain.as_str()) => Place::Base(&self.chain),
            _ => Place::User,
        }
    }
}

/// Adds the chains to a host.
pub fn load(ns: &Namespace, host: &str, ipv6: bool, conntrack: Switch) -> Result<(), VerifyError> {
    let mut rules = format!("table inet {TABLE} {{\n");
    for (hook, point, priority) in TAPS {
        let base = hook.to_ascii_lowercase();
        // Writing to a string cannot fail.
        let _ = writeln!(
            rules,
            "chain {hook}_{point} {{ type filter hook {base} priority {priority}; policy accept;"
        );
        match (hook, point) {
            ("OUTPUT", "start") if ipv6 => {
                rules += "icmpv6 type { 131, 132, 143 } drop\nmeta nftrace set 1\n"
            }
            ("OUTPUT" | "PREROUTING", "start") => rules += "meta nftrace set 1\n",
            _ => {}
        }
        rules += "}\n";
    }
    if conntrack == Switch::On {
        // No packet meets it; that it is there makes the kernel track connections.
        rules += "chain none { ct state new; }\n";
    }
    rules += "}\n";
    let said = ns.run("nft", &["-f", "-"], &rules)?;
    if said.status != 0 {
        return Err(VerifyError::Refused {
            host: host.to_owned(),
            tool: "nft".to_owned(),
            message: said.err,
        });
    }
    Ok(())
}

fn verdict(code: i32) -> &'static str {
    match code {
        0 => "DROP",
        1 => "ACCEPT",
        2 => "STOLEN",
        3 => "QUEUE",
        4 => "REPEAT",
        -1 => "CONTINUE",
        -2 => "BREAK",
        -3 => "JUMP",
        -4 => "GOTO",
        -5 => "RETURN",
        _ => "?",
    }
}

/// Reads a message's attributes (`enum nft_trace_attributes`).
pub fn event(message: &[u8], order: u64) -> Option<Event> {
    let all = attributes(message.get(4..)?);
    let code = |n: u64| verdict(n as u32 as i32);
    let said = nested(&all, 5);
    Some(Event {
        packet: number(&all, 6)?,
        family: match number(&all, 15)? {
            2 => Some(Family::Ip),
            10 => Some(Family::Ip6),
            _ => None,
        },
        table: text(&all, 1)?,
        chain: text(&all, 2)?,
        kind: match number(&all, 4)? {
            1 => Kind::Policy,
            2 => Kind::End,
            _ => Kind::Rule,
        },
        handle: number(&all, 3),
        verdict: number(&said, 1).map(|n| (code(n).to_owned(), text(&said, 2))),
        policy: number(&all, 16).map(|n| code(n).to_owned()),
        seen: all
            .get(&8)
            .and_then(|header| headers::read(header, Some(all.get(&9).copied().unwrap_or_default()))),
        out: number(&all, 12).and_then(|n| u32::try_from(n).ok()),
        order,
    })
}

/// A rule's place: family, table, chain and number from 1 on, by its handle.
pub type Handles = BTreeMap<(Family, String, String, u64), usize>;

/// Reads the handles of all rules.
pub fn handles(ns: &Namespace) -> Result<Handles, VerifyError> {
    let mut all = Handles::new();
    for (family, number_of) in [(Family::Ip, 2), (Family::Ip6, 10)] {
        let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
        for message in dump(ns, GET_RULE, number_of)? {
            let parts = attributes(message.get(4..).unwrap_or_default());
            let (Some(table), Some(chain), Some(handle)) =
                (text(&parts, 1), text(&parts, 2), number(&parts, 3))
            else {
                continue;
            };
            let of_family = message.first() == Some(&number_of);
            if of_family {
                let count = counts.entry((table.clone(), chain.clone())).or_default();
                *count += 1;
                all.insert((family, table, chain, handle), *count);
            }
        }
    }
    Ok(all)
}
