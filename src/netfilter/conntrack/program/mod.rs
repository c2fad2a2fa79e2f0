//! The program `conntrack` 1.4.7: words in, text and exit status out.

mod args;
mod print;
mod usage;

pub use print::{Form, events};

use super::{Conntrack, CtEntry, CtId, CtStatus, TcpState, Zone};
use crate::abi::{Duration, EventId, Sink, Time};
use crate::netfilter::AddrMask;
use crate::netfilter::event::{CtChange, Event, ExpectChange};
use crate::netfilter::targets::ZoneSide;
use crate::packet::{L4Id, Proto, Tuple};
use args::{Args, Command, Fault, Table};
use std::net::IpAddr;
use std::sync::Arc;

/// What the program wrote, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Its output.
    pub stdout: String,
    /// Its error output.
    pub stderr: String,
    /// Its exit status.
    pub status: u8,
}

const NAME: &str = "conntrack v1.4.7 (conntrack-tools)";

const TCP: [TcpState; 9] = [
    TcpState::SynSent,
    TcpState::SynSent2,
    TcpState::SynRecv,
    TcpState::Established,
    TcpState::FinWait,
    TcpState::CloseWait,
    TcpState::LastAck,
    TcpState::TimeWait,
    TcpState::Close,
];

fn tcp_state(name: &str) -> Option<TcpState> {
    TCP.into_iter().find(|s| s.name() == name)
}

/// Runs `conntrack` with these words, the program's own name left out. `-E` waits for events, which come with
/// packets: it ends at once here, and [`events`] tells them.
///
/// ```
/// use vitrine::abi::{Log, Time};
/// use vitrine::netfilter::conntrack::{Conntrack, program};
/// use vitrine::netfilter::event::Event;
/// let mut log: Log<Event> = Log::default();
/// let out = program::run(&["-L"], &mut Conntrack::default(), Time::ZERO, &mut log);
/// assert_eq!(out.stderr, "conntrack v1.4.7 (conntrack-tools): 0 flow entries have been shown.\n");
/// assert_eq!(out.status, 0);
/// ```
pub fn run(words: &[&str], conntrack: &mut Conntrack, now: Time, sink: &mut dyn Sink<Event>) -> Output {
    let read = if words.is_empty() {
        Ok(Args { command: Command::Help, ..Args::default() })
    } else {
        args::read(words)
    };
    match read.and_then(|args| act(&args, conntrack, now, sink)) {
        Ok(output) => output,
        Err(Fault { said, usage }) => {
            let more = match usage {
                true => "Try `conntrack -h' or 'conntrack --help' for more information.\n",
                false => "",
            };
            Output {
                stdout: String::new(),
                stderr: format!("{NAME}: {said}\n{more}"),
                status: if usage { 2 } else { 1 },
            }
        }
    }
}

fn failed<T>(why: &str) -> Result<T, Fault> {
    Err(Fault { said: format!("Operation failed: {why}"), usage: false })
}

fn act(
    args: &Args,
    conntrack: &mut Conntrack,
    now: Time,
    sink: &mut dyn Sink<Event>,
) -> Result<Output, Fault> {
    let told =
        |stdout: String, said: String| Output { stdout, stderr: format!("{NAME}: {said}\n"), status: 0 };
    match (args.command, args.table) {
        (Command::None | Command::Help, _) => Ok(Output { stdout: usage::TEXT.into(), ..Output::default() }),
        (Command::Version, _) => Ok(Output { stdout: format!("{NAME}\n"), ..Output::default() }),
        (Command::List, Table::Expect) => {
            let lines = conntrack.expectations().map(|e| print::expectation(e, now) + "\n");
            let lines: Vec<_> = lines.collect();
            let said = format!("{} expectations have been shown.", lines.len());
            Ok(told(lines.concat(), said))
        }
        (Command::List, table) => {
            let found = match table {
                Table::Dying => Vec::new(),
                Table::Unconfirmed => {
                    let loose = conntrack.entries().filter(|e| !e.has(CtStatus::Confirmed));
                    loose.map(|e| e.id).collect()
                }
                Table::Conntrack | Table::Expect => select(args, conntrack)?,
            };
            let text = lines(args, conntrack, &found, now, 1);
            if args.given.contains_key("zero") {
                zero(conntrack, &found);
            }
            Ok(told(text, format!("{} flow entries have been shown.", found.len())))
        }
        (Command::Get, _) => {
            let id = conntrack.find_in(&wanted(args), zone(args)).map(|(e, _)| e.id);
            let Some(id) = id else { return failed("such conntrack doesn't exist") };
            let text = lines(args, conntrack, &[id], now, 2);
            Ok(told(text, "1 flow entries have been shown.".into()))
        }
        (Command::Delete, _) => {
            let found = select(args, conntrack)?;
            let text = lines(args, conntrack, &found, now, 1);
            for id in &found {
                conntrack.end(*id, CtChange::Deleted, None, sink);
            }
            let status = u8::from(found.is_empty());
            Ok(Output { status, ..told(text, format!("{} flow entries have been deleted.", found.len())) })
        }
        (Command::Update, _) => update(args, conntrack, now, sink),
        (Command::Create, Table::Conntrack) => create(args, conntrack, now, sink),
        (Command::Create, _) => failed("Operation not supported"),
        (Command::Flush, Table::Expect) => {
            let all: Vec<_> = conntrack.expectations().map(|e| e.id).collect();
            for id in all {
                conntrack.unexpect(id, ExpectChange::Replaced, None, sink);
            }
            Ok(told(String::new(), "expectation table has been emptied.".into()))
        }
        (Command::Flush, _) => {
            let all: Vec<_> = conntrack.table().map(|e| e.id).collect();
            for id in all {
                conntrack.end(id, CtChange::Deleted, None, sink);
            }
            Ok(told(String::new(), "connection tracking table has been emptied.".into()))
        }
        (Command::Count, table) => {
            let n = match table {
                Table::Expect => conntrack.expectations().count(),
                Table::Conntrack | Table::Dying | Table::Unconfirmed => conntrack.table().count(),
            };
            Ok(Output { stdout: format!("{n}\n"), ..Output::default() })
        }
        (Command::Stats, _) => {
            let s = conntrack.stats;
            let stdout = format!(
                "cpu=0   \tfound={} invalid={} insert={} insert_failed={} drop={} early_drop={} error={} \
                 search_restart=0 clash_resolve={} chaintoolong=0 \n",
                s.found, s.invalid, s.insert, s.insert_failed, s.drop, s.early_drop, s.error, s.clash_resolve
            );
            Ok(Output { stdout, ..Output::default() })
        }
        (Command::Event, Table::Expect) => {
            Ok(told(String::new(), "0 expectation events have been shown.".into()))
        }
        (Command::Event, _) => Ok(told(String::new(), "0 flow events have been shown.".into())),
    }
}

fn lines(args: &Args, conntrack: &Conntrack, found: &[CtId], now: Time, held: u32) -> String {
    let entries = found.iter().filter_map(|id| conntrack.entry(*id));
    entries
        .map(|e| {
            let children = conntrack.entries().filter(|c| c.master == Some(e.id)).count() as u32;
            let left = print::left(e.expires, now);
            print::line(e, args.form, left, now, Some(held + children)) + "\n"
        })
        .collect()
}

fn zero(conntrack: &mut Conntrack, found: &[CtId]) {
    for id in found {
        if let Some(entry) = conntrack.entry_mut(*id)
            && let Some(acct) = &mut entry.acct
        {
            *acct = Default::default();
        }
    }
}

/// The connections in the table that the options are about.
fn select(args: &Args, conntrack: &Conntrack) -> Result<Vec<CtId>, Fault> {
    let listed = matches!(args.command, Command::List | Command::Delete);
    if listed && args.given.get("status").is_some_and(|s| s.to_ascii_uppercase().contains("UNSET")) {
        return failed("invalid parameters");
    }
    Ok(conntrack.table().filter(|e| fits(args, e)).map(|e| e.id).collect())
}

fn fits(args: &Args, entry: &CtEntry) -> bool {
    let (o, r) = (&entry.original, &entry.reply);
    let addr = |name: &str, mask: &str, found: IpAddr| {
        let Some(text) = args.given.get(name) else { return true };
        let Some(addr) = args.addr(name) else { return false };
        let len = text.split_once('/').and_then(|(_, l)| l.parse().ok());
        let net = match (len, args.addr(mask)) {
            (Some(len), _) => AddrMask::prefix(addr, len),
            (None, Some(mask)) => AddrMask::new(addr, mask),
            (None, None) => Some(AddrMask::host(addr)),
        };
        net.is_some_and(|net| net.contains(found))
    };
    let port = |name: &str, found: Option<u16>| {
        args.number(name).is_none_or(|want| found.map(u32::from) == Some(want))
    };
    let filters = args.command != Command::Update;
    let mark = !filters
        || args.given.get("mark").is_none_or(|text| {
            let (value, mask) = text.split_once('/').map_or((text.as_str(), None), |(v, m)| (v, Some(m)));
            let mask = mask.map_or(u32::MAX, args::number);
            entry.mark & mask == args::number(value)
        });
    let status = !filters
        || args.given.get("status").is_none_or(|text| {
            text.split(',').all(|word| match word.to_ascii_uppercase().as_str() {
                "ASSURED" => entry.has(CtStatus::Assured),
                "SEEN_REPLY" => entry.has(CtStatus::SeenReply),
                "UNREPLIED" => !entry.has(CtStatus::SeenReply),
                "FIXED_TIMEOUT" => entry.has(CtStatus::FixedTimeout),
                "EXPECTED" => entry.has(CtStatus::Expected),
                _ => false,
            })
        });
    let snat = entry.has(CtStatus::SrcNat) && r.dst != o.src;
    let dnat = entry.has(CtStatus::DstNat) && r.src != o.dst;
    let nat = |name: &str, held: bool, addrs: &[IpAddr]| {
        args.given.get(name).is_none_or(|text| {
            let addr = text.split(':').next().and_then(|a| a.parse::<IpAddr>().ok());
            held && addr.is_none_or(|a| addrs.contains(&a))
        })
    };
    let zone = args.number("zone").is_none_or(|z| {
        let own = if entry.zone.side == ZoneSide::Both { entry.zone.id } else { 0 };
        u32::from(own) == z
    });
    let zone_of = |name: &str, side: ZoneSide| {
        args.number(name).is_none_or(|z| entry.zone.side == side && u32::from(entry.zone.id) == z)
    };
    let icmp = match o.id {
        L4Id::Icmp(ty, code, id) => {
            let is = |name: &str, found: u32| args.number(name).is_none_or(|want| want == found);
            is("icmp-type", ty.into()) && is("icmp-code", code.into()) && is("icmp-id", id.into())
        }
        L4Id::Ports(..) | L4Id::None => true,
    };
    args.is_v4().is_none_or(|v4| v4 == o.src.is_ipv4())
        && args.proto.is_none_or(|p| p == o.proto)
        && addr("src", "mask-src", o.src)
        && addr("dst", "mask-dst", o.dst)
        && addr("reply-src", "", r.src)
        && addr("reply-dst", "", r.dst)
        && port("sport", o.sport())
        && port("dport", o.dport())
        && port("reply-port-src", r.sport())
        && port("reply-port-dst", r.dport())
        && icmp
        && mark
        && status
        && nat("src-nat", snat, &[r.dst])
        && nat("dst-nat", dnat, &[r.src])
        && nat("any-nat", snat || dnat, &[r.dst, r.src])
        && zone
        && zone_of("orig-zone", ZoneSide::Original)
        && zone_of("reply-zone", ZoneSide::Reply)
        && args.given.get("state").is_none_or(|s| entry.tcp == tcp_state(s))
}

/// The tuple that the options name.
fn wanted(args: &Args) -> Tuple {
    let none = IpAddr::from([0, 0, 0, 0]);
    let (src, dst) = match (args.addr("src"), args.addr("dst")) {
        (Some(src), Some(dst)) => (src, dst),
        _ => (args.addr("reply-dst").unwrap_or(none), args.addr("reply-src").unwrap_or(none)),
    };
    let proto = args.proto.unwrap_or(Proto::ALL);
    let number = |name: &str, other: &str| args.number(name).or(args.number(other)).unwrap_or(0) as u16;
    let id = match proto {
        Proto::ICMP | Proto::ICMPV6 => L4Id::Icmp(
            args.number("icmp-type").unwrap_or(0) as u8,
            args.number("icmp-code").unwrap_or(0) as u8,
            number("icmp-id", ""),
        ),
        Proto::DCCP => L4Id::None,
        p if p.has_ports() => {
            L4Id::Ports(number("sport", "reply-port-dst"), number("dport", "reply-port-src"))
        }
        _ => L4Id::None,
    };
    Tuple { src, dst, proto, id }
}

fn zone(args: &Args) -> Zone {
    let sides =
        [("zone", ZoneSide::Both), ("orig-zone", ZoneSide::Original), ("reply-zone", ZoneSide::Reply)];
    let given = sides.into_iter().find_map(|(name, side)| Some((args.number(name)?, side)));
    given.map_or_else(Zone::default, |(id, side)| Zone { id: id as u16, side })
}

/// Sets the bits that `-u` names.
fn set_status(args: &Args, entry: &mut CtEntry) {
    let bits = [
        ("ASSURED", CtStatus::Assured),
        ("SEEN_REPLY", CtStatus::SeenReply),
        ("FIXED_TIMEOUT", CtStatus::FixedTimeout),
    ];
    for word in args.given.get("status").map(String::as_str).unwrap_or_default().split(',') {
        if let Some((_, bit)) = bits.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) {
            entry.set(*bit);
        }
    }
}

fn update(
    args: &Args,
    conntrack: &mut Conntrack,
    now: Time,
    sink: &mut dyn Sink<Event>,
) -> Result<Output, Fault> {
    let found = select(args, conntrack)?;
    let mut text = String::new();
    let mut count = 0;
    for id in &found {
        let children = conntrack.entries().filter(|c| c.master == Some(*id)).count() as u32;
        let Some(entry) = conntrack.entry_mut(*id) else { continue };
        let mut new = entry.clone();
        let mut changes = Vec::new();
        if let Some(given) = args.given.get("mark") {
            let (value, mask) = given.split_once('/').map_or((given.as_str(), None), |(v, m)| (v, Some(m)));
            let mask = mask.map_or(u32::MAX, args::number);
            new.mark = entry.mark & !mask | args::number(value);
            changes.extend((new.mark != entry.mark).then_some(CtChange::Mark(new.mark)));
        }
        let mut left = print::left(entry.expires, now);
        if let Some(secs) = args.number("timeout") {
            new.expires = now.after(Duration::from_secs(secs.into()));
            changes.extend((left != u64::from(secs)).then_some(CtChange::Timeout(secs)));
            left = secs.into();
        }
        set_status(args, &mut new);
        let bits = new.status_bits().into_iter().filter(|b| entry.status & b.bit() == 0);
        changes.extend(bits.map(CtChange::Status));
        // What would stay as it is the program does not send; and it sends no family that no word told.
        if changes.is_empty() {
            continue;
        }
        if args.is_v4().is_none() {
            let failed = "Operation failed: Operation not supported\n";
            return Ok(Output { stdout: text, stderr: format!("{failed}{NAME}: {failed}"), status: 1 });
        }
        count += 1;
        *entry = new;
        text += &(print::line(entry, args.form, left, now, Some(2 + children)) + "\n");
        let entry = Arc::new(entry.clone());
        for change in changes {
            sink.emit(None::<EventId>, Event::ConnectionChanged { entry: entry.clone(), change });
        }
    }
    Ok(Output {
        stdout: text,
        stderr: format!("{NAME}: {} flow entries have been updated.\n", count),
        status: u8::from(count == 0),
    })
}

fn create(
    args: &Args,
    conntrack: &mut Conntrack,
    now: Time,
    sink: &mut dyn Sink<Event>,
) -> Result<Output, Fault> {
    let tuple = wanted(args);
    let zone = zone(args);
    if conntrack.find_in(&tuple, zone).is_some() {
        return failed("Such conntrack exists, try -U to update");
    }
    let acct = conntrack.settings.acct != 0;
    let timestamped = conntrack.settings.timestamp != 0;
    let id = conntrack.create(tuple, zone, now);
    let Some(entry) = conntrack.entry_mut(id) else { return failed("Cannot allocate memory") };
    let nat_addr = |name: &str| {
        let text = args.given.get(name)?;
        let (addr, port) = text.split_once(':').map_or((text.as_str(), None), |(a, p)| (a, Some(p)));
        Some((addr.parse::<IpAddr>().ok()?, port.map(|p| args::number(p) as u16)))
    };
    if let Some((addr, port)) = nat_addr("dst-nat") {
        entry.reply.src = addr;
        if let (Some(port), L4Id::Ports(_, d)) = (port, entry.reply.id) {
            entry.reply.id = L4Id::Ports(port, d);
        }
        entry.set(CtStatus::DstNat);
    }
    if let Some((addr, port)) = nat_addr("src-nat") {
        entry.reply.dst = addr;
        if let (Some(port), L4Id::Ports(s, _)) = (port, entry.reply.id) {
            entry.reply.id = L4Id::Ports(s, port);
        }
        entry.set(CtStatus::SrcNat);
    }
    entry.set(CtStatus::SrcNatDone);
    entry.set(CtStatus::DstNatDone);
    entry.tcp = args.given.get("state").and_then(|s| tcp_state(s));
    entry.mark = args.number("mark").unwrap_or(0);
    entry.expires = now.after(Duration::from_secs(args.number("timeout").unwrap_or(0).into()));
    entry.acct = acct.then(Default::default);
    entry.timestamped = timestamped;
    set_status(args, entry);
    if !conntrack.confirm(id) {
        conntrack.remove(id);
        return failed("Such conntrack exists, try -U to update");
    }
    conntrack.stats.insert += 1;
    if let Some(entry) = conntrack.entry(id) {
        let entry = Arc::new(entry.clone());
        sink.emit(None::<EventId>, Event::ConnectionChanged { entry, change: CtChange::Confirmed });
    }
    let stderr = format!("{NAME}: 1 flow entries have been created.\n");
    Ok(Output { stderr, ..Output::default() })
}
