//! `-m connbytes`, `connlabel`, `helper` and `cluster`: matches that ask the packet's connection alone.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Absent, Fact, Test};
use super::super::kept::Kept;
use super::super::text::{Print, SaveOptions, quote};
use super::super::value::{Cx, Kind, Value};
use super::super::{CtEntry, Inv, KernelError, Match, RuleError};
use super::MatchCx;
use crate::packet::Direction;
use smol_str::SmolStr;
use std::net::IpAddr;

/// One of these matches: its options as they print, and what they ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionMatch {
    text: Kept,
    asks: Asks,
}

/// What is asked (iptables-extensions(8)).
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asks {
    /// `connbytes`: how much the connection has carried, in these directions.
    Bytes { range: Inv<(u64, u64)>, dir: Option<Direction>, mode: BytesMode },
    /// `connlabel`: whether it has a label, or `--set`: gives it.
    Label { label: Inv<u16>, set: bool },
    /// `helper`: which helper of another connection led to expect this one; empty: any.
    Helper(Inv<SmolStr>),
    /// `cluster`: whether this node takes it.
    Cluster { nodes: Inv<u32>, total: u32, seed: u32 },
}

/// What `connbytes` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BytesMode {
    Packets,
    Bytes,
    Average,
}

impl ConnectionMatch {
    fn of(text: Kept, asks: Asks) -> Result<Match, RuleError> {
        Ok(Match::Connection(Box::new(ConnectionMatch { text, asks })))
    }

    pub(super) fn name(&self) -> &'static str {
        self.text.name
    }

    pub(super) fn save(&self, out: &mut SaveOptions) {
        self.text.save(out);
    }

    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        super::listed::print(&self.text, out);
    }

    /// True for `connbytes`: a rule with it makes the kernel count.
    pub(in crate::netfilter) fn counts(&self) -> bool {
        matches!(self.asks, Asks::Bytes { .. })
    }

    pub(super) fn kernel(&self) -> Option<KernelError> {
        match &self.asks {
            Asks::Label { label, .. } => (label.value > 127).then_some(KernelError::OutOfRange),
            Asks::Bytes { .. } | Asks::Helper(_) | Asks::Cluster { .. } => None,
        }
    }

    pub(super) fn test(&self, cx: &mut MatchCx) -> Test {
        match &self.asks {
            Asks::Bytes { range, dir, mode } => {
                let acct = cx.ct.and_then(|ct| ct.acct);
                let Some([original, reply]) = acct else { return Test::absent(Absent::Connection) };
                let (packets, bytes) = match dir {
                    Some(Direction::Original) => (original.packets, original.bytes),
                    Some(Direction::Reply) => (reply.packets, reply.bytes),
                    None => (original.packets + reply.packets, original.bytes + reply.bytes),
                };
                let found = match mode {
                    BytesMode::Packets => packets,
                    BytesMode::Bytes => bytes,
                    BytesMode::Average => bytes.checked_div(packets).unwrap_or(0),
                };
                let (from, to) = range.value;
                // `!` is the range turned around, which one of a single number cannot be.
                let not = range.not && from != to;
                Test::new((from..=to).contains(&found) != not, Fact::Number(found))
            }
            Asks::Label { label, set } => {
                let Some(entry) = cx.ct else {
                    return Test::new(label.not, Fact::Absent(Absent::Connection));
                };
                let bit = 1u128.checked_shl(label.value.into()).unwrap_or(0);
                let labels = cx.modules.labels.entry(entry.id).or_default();
                let held = *labels & bit != 0 || *set;
                if *set {
                    *labels |= bit;
                }
                Test::new(held != label.not, Fact::Text(format!("{labels:#x}")))
            }
            Asks::Helper(want) => {
                let master = cx.ct.and_then(|ct| ct.master).and_then(|id| cx.conntrack.entry(id));
                let Some(helper) = master.and_then(|m| m.helper.as_ref()) else {
                    return Test::new(want.not, Fact::Absent(Absent::Connection));
                };
                let held = want.value.is_empty() || want.value.starts_with(helper.as_str());
                Test::new(held != want.not, Fact::Text(helper.to_string()))
            }
            Asks::Cluster { nodes, total, seed } => {
                let Some(entry) = cx.ct else { return Test::absent(Absent::Connection) };
                let first = entry.master.and_then(|id| cx.conntrack.entry(id)).unwrap_or(entry);
                let node = node(first, *total, *seed);
                let held = 1u32.checked_shl(node).unwrap_or(0) & nodes.value != 0;
                Test::new(held != nodes.not, Fact::Number(u64::from(node) + 1))
            }
        }
    }
}

/// The node that a connection belongs to, from 0 on: the kernel hashes the first four bytes of its source
/// (`xt_cluster_hash`; of an IPv6 address no more than these) as a word of the machine's order.
fn node(entry: &CtEntry, total: u32, seed: u32) -> u32 {
    let first = match entry.original.src {
        IpAddr::V4(addr) => addr.octets(),
        IpAddr::V6(addr) => {
            let [a, b, c, d, ..] = addr.octets();
            [a, b, c, d]
        }
    };
    let hash = jenkins(u32::from_le_bytes(first), seed);
    ((u64::from(hash) * u64::from(total)) >> 32) as u32
}

/// Bob Jenkins' lookup3 of one word (`jhash_1word`).
fn jenkins(word: u32, seed: u32) -> u32 {
    const LEN: u32 = 4;
    let start = 0xdead_beef_u32.wrapping_add(LEN).wrapping_add(seed);
    let [mut a, mut b, mut c] = [start.wrapping_add(word), start, start];
    let end = |x: &mut u32, y: u32, by: u32| *x = (*x ^ y).wrapping_sub(y.rotate_left(by));
    end(&mut c, b, 14);
    end(&mut a, c, 11);
    end(&mut b, a, 25);
    end(&mut c, b, 16);
    end(&mut a, c, 4);
    end(&mut b, a, 14);
    end(&mut c, b, 24);
    c
}

pub(super) static HELPER: Extension =
    Extension::a_match("helper", BOTH, &[Opt::new("helper", Kind::Cut(29)).inv().req()], |args| {
        let mut kept = Kept::new(args);
        kept.put("helper", args.map("helper", |v| quote(v.text())));
        let name = args.map("helper", |v| SmolStr::new(v.text())).unwrap_or(Inv::yes(SmolStr::default()));
        ConnectionMatch::of(kept, Asks::Helper(name))
    });

pub(super) static CONNLABEL: Extension = Extension::a_match(
    "connlabel",
    BOTH,
    &[Opt::new("label", Kind::Own(read_label)).inv().req(), Opt::flag("set")],
    |args| {
        let mut kept = Kept::new(args);
        kept.put("label", args.map("label", |v| format!("\"{}\"", v.number())));
        kept.flag(args, "set");
        let label = args.map("label", |v| v.number() as u16).unwrap_or(Inv::yes(0));
        ConnectionMatch::of(kept, Asks::Label { label, set: args.has("set") })
    },
);

/// A label's number; Debian 12 has no names for them.
fn read_label(text: &str, _: Cx) -> Result<Value, RuleError> {
    match super::super::value::number(text) {
        // Of a number 16 bits are kept.
        Some(n) => Ok(Value::Number(n & 0xffff)),
        None if text.is_empty() => said("Argument must have a minimum length of 1 characters\n"),
        None => said(format!("label '{text}' not found or invalid value")),
    }
}

pub(super) static CONNBYTES: Extension = Extension::a_match(
    "connbytes",
    BOTH,
    &[
        Opt::new("connbytes", Kind::Own(read_bytes)).inv().req(),
        Opt::new("connbytes-dir", Kind::Own(|t, _| one_of(t, "dir", &["original", "reply", "both"]))).req(),
        Opt::new("connbytes-mode", Kind::Own(|t, _| one_of(t, "mode", &["packets", "bytes", "avgpkt"])))
            .req(),
    ],
    |args| {
        let mut kept = Kept::new(args);
        for option in ["connbytes", "connbytes-mode", "connbytes-dir"] {
            kept.put(option, args.map(option, Value::clone));
        }
        let text = |name| args.text(name).unwrap_or_default();
        let dir = match text("connbytes-dir") {
            "original" => Some(Direction::Original),
            "reply" => Some(Direction::Reply),
            _ => None,
        };
        let mode = match text("connbytes-mode") {
            "packets" => BytesMode::Packets,
            "bytes" => BytesMode::Bytes,
            _ => BytesMode::Average,
        };
        let range = args.map("connbytes", |v| range_of(v.text())).unwrap_or(Inv::yes((0, u64::MAX)));
        ConnectionMatch::of(kept, Asks::Bytes { range, dir, mode })
    },
);

/// `FROM[:TO]`, as it was read and printed.
fn range_of(text: &str) -> (u64, u64) {
    let (from, to) = text.split_once(':').map_or((text, None), |(f, t)| (f, Some(t)));
    (from.parse().unwrap_or(0), to.map_or(u64::MAX, |t| t.parse().unwrap_or(u64::MAX)))
}

fn one_of(text: &str, what: &str, words: &[&'static str]) -> Result<Value, RuleError> {
    match words.iter().find(|w| **w == text) {
        Some(word) => Ok(Value::Text((*word).into())),
        None => said(format!("Unknown --connbytes-{what} `{text}'")),
    }
}

/// `FROM[:TO]`, where the end is printed only if it was given.
fn read_bytes(text: &str, cx: Cx) -> Result<Value, RuleError> {
    let value = match text.contains(':') {
        // An open end is `u64::MAX`, which no range of the kind can tell from a number.
        true => super::super::value::read(Kind::Range(u64::MAX), text, cx)?,
        false => {
            let from = super::super::value::read(Kind::Range(u64::MAX), text, cx)?;
            Value::Range(from.range().0, u64::MAX)
        }
    };
    let (from, to) = value.range();
    if from > to {
        return said(format!("{from} should be less than {to}"));
    }
    Ok(Value::Text(match to {
        u64::MAX => from.to_string().into(),
        to => format!("{from}:{to}").into(),
    }))
}

pub(super) static CLUSTER: Extension = Extension::a_match(
    "cluster",
    BOTH,
    &[
        Opt::new("cluster-total-nodes", Kind::Number(1, 32)).req(),
        Opt::new("cluster-local-node", Kind::Number(1, 32)).inv().not_with(&["cluster-local-nodemask"]),
        Opt::new("cluster-local-nodemask", Kind::Number(0, u32::MAX as u64))
            .inv()
            .not_with(&["cluster-local-node"]),
        Opt::new("cluster-hash-seed", Kind::Number(0, u32::MAX as u64)).req(),
    ],
    cluster,
)
.check(check_cluster);

fn check_cluster(args: &Args) -> Result<(), RuleError> {
    let total = args.number("cluster-total-nodes");
    match (args.number("cluster-local-node"), args.number("cluster-local-nodemask")) {
        (None, None) => said("cluster match: `--cluster-local-node' or`--cluster-local-nodemask' is missing"),
        (Some(node), None) if total.is_some_and(|t| node > t) => {
            said("cluster match: `--cluster-local-node' must be <= `--cluster-total-nodes'")
        }
        (None, Some(mask)) if total.is_some_and(|t| mask >= 1 << t) => {
            said("cluster match: `--cluster-local-nodemask' too big for `--cluster-total-nodes'")
        }
        _ => Ok(()),
    }
}

fn cluster(args: &Args) -> Result<Match, RuleError> {
    let node = args.map("cluster-local-node", |v| 1 << (v.number().max(1) - 1));
    let mask = node.or(args.map("cluster-local-nodemask", Value::number));
    let hex = |n: Inv<u64>| Inv { not: n.not, value: format!("0x{:08x}", n.value) };
    let mut kept = Kept::new(args);
    kept.put("cluster-local-nodemask", mask.map(hex));
    kept.put("cluster-total-nodes", args.map("cluster-total-nodes", Value::number));
    kept.put("cluster-hash-seed", args.map("cluster-hash-seed", Value::number).map(hex));
    let nodes = mask.map_or(Inv::yes(0), |m| Inv { not: m.not, value: m.value as u32 });
    let number = |name| args.number(name).unwrap_or(0) as u32;
    let (total, seed) = (number("cluster-total-nodes"), number("cluster-hash-seed"));
    ConnectionMatch::of(kept, Asks::Cluster { nodes, total, seed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Time;
    use crate::netfilter::{Conntrack, Zone};
    use crate::packet::{L4Id, Proto, Tuple};

    /// Of five nodes with the seed 0x1234, as Linux 6.18 had it.
    #[test]
    fn nodes_of_a_cluster() {
        for (src, want) in [
            ("127.0.0.1", 1),
            ("127.0.0.2", 2),
            ("127.0.0.3", 5),
            ("127.0.0.4", 2),
            ("127.0.0.5", 3),
            ("127.0.0.6", 4),
            ("127.0.0.77", 5),
            ("127.0.0.200", 1),
            ("fd00::1", 2),
            ("fd00::2", 2),
            ("fd00:1:2:3::77", 4),
        ] {
            let src: IpAddr = src.parse().expect("an address");
            let tuple = Tuple { src, dst: src, proto: Proto::UDP, id: L4Id::Ports(1, 9) };
            let mut conntrack = Conntrack::default();
            let id = conntrack.create(tuple, Zone::default(), Time::ZERO);
            let entry = conntrack.entry(id).expect("the entry");
            assert_eq!(node(entry, 5, 0x1234) + 1, want, "{src}");
        }
    }
}
