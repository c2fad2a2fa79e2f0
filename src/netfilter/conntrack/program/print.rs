//! How `conntrack` 1.4.7 prints connections, expectations and events.

use super::super::{CtEntry, CtStatus, Expectation};
use crate::abi::Time;
use crate::netfilter::Counters;
use crate::netfilter::event::{CtChange, Event, ExpectChange};
use crate::packet::{Direction, L4Id, Proto, Tuple};
use std::fmt::Write;

/// What `-o` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// `extended`: the family in front.
    pub extended: bool,
    /// `id`: the number behind.
    pub id: bool,
    /// `timestamp`.
    pub timestamp: bool,
    /// `save`: as options of `conntrack -I`.
    pub save: bool,
}

/// The name that conntrack has for a protocol.
pub(super) fn proto_name(proto: Proto) -> &'static str {
    match proto {
        Proto::TCP => "tcp",
        Proto::UDP => "udp",
        Proto::UDPLITE => "udplite",
        Proto::SCTP => "sctp",
        Proto::DCCP => "dccp",
        Proto::ICMP => "icmp",
        Proto::ICMPV6 => "icmpv6",
        Proto::GRE => "gre",
        _ => "unknown",
    }
}

fn tuple(out: &mut String, t: &Tuple, counted: Option<Counters>) {
    let _ = write!(out, "src={} dst={} ", t.src, t.dst);
    match t.id {
        L4Id::Ports(s, d) => {
            let _ = write!(out, "sport={s} dport={d} ");
        }
        L4Id::Icmp(ty, code, id) => {
            let _ = write!(out, "type={ty} code={code} id={id} ");
        }
        // Without PPTP the keys of GRE are not told apart.
        L4Id::None if t.proto == Proto::GRE => out.push_str("srckey=0x0 dstkey=0x0 "),
        L4Id::None => {}
    }
    if let Some(Counters { packets, bytes }) = counted {
        let _ = write!(out, "packets={packets} bytes={bytes} ");
    }
}

/// A connection as a line, without the line's end.
///
/// `left`: how many seconds are left. `listed`: in a list, which says more than an event.
pub(super) fn line(entry: &CtEntry, form: Form, left: u64, now: Time, listed: Option<u32>) -> String {
    if form.save {
        return save(entry, left);
    }
    let proto = entry.original.proto;
    let mut out = String::new();
    if form.extended {
        out.push_str(if entry.original.src.is_ipv4() { "ipv4     2 " } else { "ipv6     10 " });
    }
    let _ = write!(out, "{:<8} {} {left} ", proto_name(proto), proto.0);
    if let Some(state) = entry.tcp.map(|t| t.name()).or(entry.sctp.map(|s| s.name())) {
        let _ = write!(out, "{state} ");
    }
    let acct = |dir: Direction| entry.acct.map(|a| a[dir as usize]);
    tuple(&mut out, &entry.original, acct(Direction::Original));
    if !entry.has(CtStatus::SeenReply) {
        out.push_str("[UNREPLIED] ");
    }
    tuple(&mut out, &entry.reply, acct(Direction::Reply));
    if entry.has(CtStatus::Assured) {
        out.push_str("[ASSURED] ");
    }
    if listed.is_some() || entry.mark != 0 {
        let _ = write!(out, "mark={} ", entry.mark);
    }
    if entry.zone.id != 0 {
        use crate::netfilter::targets::ZoneSide;
        let name = match entry.zone.side {
            ZoneSide::Both => "zone",
            ZoneSide::Original => "zone-orig",
            ZoneSide::Reply => "zone-reply",
        };
        let _ = write!(out, "{name}={} ", entry.zone.id);
    }
    if entry.timestamped && (listed.is_some() || entry.has(CtStatus::Dying)) {
        let _ = write!(out, "delta-time={} ", now.since(entry.started).as_secs());
    }
    if let Some(helper) = &entry.helper {
        let _ = write!(out, "helper={helper} ");
    }
    if let Some(uses) = listed {
        let _ = write!(out, "use={uses} ");
    }
    if form.id {
        let _ = write!(out, "id={} ", entry.id.0);
    }
    out.truncate(out.trim_end().len());
    out
}

/// A connection as options that make it again.
fn save(entry: &CtEntry, left: u64) -> String {
    let mut out = format!("-A -t {left} -u ");
    let bits = [(CtStatus::SeenReply, "SEEN_REPLY"), (CtStatus::Assured, "ASSURED")];
    let names: Vec<_> = bits.iter().filter(|(b, _)| entry.has(*b)).map(|(_, n)| *n).collect();
    out += if names.is_empty() { "UNSET".into() } else { names.join(",") }.as_str();
    if entry.zone.id != 0 {
        let _ = write!(out, " -w {}", entry.zone.id);
    }
    let (o, r) = (&entry.original, &entry.reply);
    let translated = |there: bool| if there { "-g" } else { "-r" };
    let _ = write!(out, " -s {} -d {} {} {}", o.src, o.dst, translated(r.src != o.dst), r.src);
    let _ = write!(out, " {} {}", if r.dst == o.src { "-q" } else { "-n" }, r.dst);
    let _ = match proto_name(o.proto) {
        "unknown" => write!(out, " -p {}", o.proto.0),
        name => write!(out, " -p {name}"),
    };
    match (o.id, r.id) {
        (L4Id::Ports(a, b), L4Id::Ports(c, d)) => {
            let _ = write!(out, " --sport {a} --dport {b} --reply-port-src {c} --reply-port-dst {d}");
        }
        (L4Id::Icmp(ty, code, id), _) => {
            let _ = write!(out, " --icmp-type {ty} --icmp-code {code} --icmp-id {id}");
        }
        _ => {}
    }
    if let Some(state) = entry.tcp.map(|t| t.name()).or(entry.sctp.map(|s| s.name())) {
        let _ = write!(out, " --state {state}");
    }
    out
}

/// An expectation as a line.
pub(super) fn expectation(expected: &Expectation, now: Time) -> String {
    format!("{} {expected}", left(expected.expires, now))
}

/// Seconds that are left. The kernel counts them from just before, so that a part of the first is over.
pub(super) fn left(expires: Time, now: Time) -> u64 {
    let nanos = expires.since(now).as_nanos();
    u64::try_from(nanos.saturating_sub(1) / 1_000_000_000).unwrap_or(u64::MAX)
}

/// What `conntrack -E` (or `-E expect`) says of what one packet did, a line each: a connection is told once a packet.
pub fn events<'a>(
    events: impl IntoIterator<Item = &'a Event>,
    form: Form,
    expectations: bool,
    now: Time,
) -> Vec<String> {
    let mut lines: Vec<(Option<super::super::CtId>, &str, String)> = Vec::new();
    for event in events {
        match event {
            Event::ExpectationChanged { expectation, change } if expectations => {
                let word = match change {
                    ExpectChange::Created => "    [NEW]",
                    ExpectChange::Met
                    | ExpectChange::Expired
                    | ExpectChange::Replaced
                    | ExpectChange::MasterGone => "[DESTROY]",
                };
                let left = expectation.expires.since(now).as_secs();
                lines.push((None, word, format!("{left} {expectation}")));
            }
            Event::ConnectionChanged { entry, change } if !expectations => {
                let word = match change {
                    CtChange::Confirmed => "    [NEW]",
                    CtChange::Status(_)
                    | CtChange::Tcp(..)
                    | CtChange::Sctp(..)
                    | CtChange::Mark(_)
                    | CtChange::Timeout(_)
                        if entry.has(CtStatus::Confirmed) =>
                    {
                        " [UPDATE]"
                    }
                    CtChange::Expired
                    | CtChange::Reset
                    | CtChange::Replaced
                    | CtChange::Evicted
                    | CtChange::Deleted
                    | CtChange::Rehomed
                        if entry.has(CtStatus::Confirmed) =>
                    {
                        "[DESTROY]"
                    }
                    _ => continue,
                };
                let left = entry.expires.since(now).as_secs();
                let text = line(entry, form, left, now, None);
                // Later changes of the same packet take the earlier one's line.
                match lines.iter_mut().find(|l| l.0 == Some(entry.id) && l.1 != "[DESTROY]") {
                    Some(known) if word == " [UPDATE]" => known.2 = text,
                    _ => lines.push((Some(entry.id), word, text)),
                }
            }
            _ => {}
        }
    }
    let stamp = |word: &str| match form.timestamp {
        true => {
            let nanos = now.as_nanos();
            format!("[{}.{:06}]\t{word}", nanos / 1_000_000_000, nanos % 1_000_000_000 / 1000)
        }
        false => word.to_owned(),
    };
    lines.into_iter().map(|(_, word, text)| format!("{} {text}", stamp(word))).collect()
}
