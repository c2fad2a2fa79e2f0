//! `vitrine trace`.

use super::{CliError, Status, help, input, trace_text, usage};
use crate::abi::EventId;
use crate::net::{Host, Injected, infer, parse_host};
use crate::netfilter::text::family_of_dump;
use crate::netfilter::{Family, Ruleset};
use crate::query::{Outcome, Trace, TraceJson, trace};
use crate::say::Lang;
use std::ffi::OsString;
use std::io::Write;
use std::sync::Arc;

#[derive(Default)]
struct Options {
    rules: Option<OsString>,
    packets: Vec<String>,
    family: Option<Family>,
    host: Option<OsString>,
    ipset: Option<OsString>,
    all: bool,
    json: bool,
    lang: Lang,
}

pub(super) fn run(
    parser: lexopt::Parser,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Status, CliError> {
    let Some(options) = read_options(parser)? else {
        write!(out, "{}", help::TRACE)?;
        return Ok(Status::Ok);
    };
    let path = options.rules.as_ref().ok_or_else(|| usage("trace needs --rules FILE"))?;
    if options.packets.is_empty() {
        return Err(usage("trace needs --packet 'PACKET'"));
    }
    let packets = options.packets.iter().map(|text| packet(text)).collect::<Result<Vec<_>, _>>()?;
    let family = family(&options, &packets)?;
    let text = input::read(path)?;
    let sets = options.ipset.as_ref().map(|path| input::sets(path)).transpose()?;
    let ruleset = match input::rules(path, &text, family, sets.as_ref(), err) {
        Err(CliError::Input(told)) if family_of_dump(&text) != family => {
            let other = family_of_dump(&text);
            let hint =
                format!("{told}\nvitrine: these look like {other} rules, and the packets are {family}");
            return Err(CliError::Input(hint));
        }
        other => Arc::new(other?),
    };
    let mut host = host(&options, &ruleset, &packets)?;
    host.netfilter.load_sets(sets.unwrap_or_default());
    let traces = walk(host, &packets);
    if options.json {
        let json: Vec<_> = traces.iter().map(|t| TraceJson::new(&ruleset, t)).collect();
        serde_json::to_writer_pretty(&mut *out, &json).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        trace_text::print(out, options.lang, options.all, &ruleset, &traces)?;
    }
    let through = traces.iter().all(|t| t.outcome() == Outcome::Accept);
    Ok(if through { Status::Ok } else { Status::No })
}

/// Reads the options; `None` if help was asked for.
fn read_options(mut parser: lexopt::Parser) -> Result<Option<Options>, CliError> {
    use lexopt::prelude::*;
    let mut options = Options::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("rules") | Short('r') => options.rules = Some(parser.value()?),
            Long("packet") | Short('p') => options.packets.push(parser.value()?.string()?),
            Long("family") | Short('f') => options.family = Some(input::family(&parser.value()?)?),
            Long("host") | Short('H') => options.host = Some(parser.value()?),
            Long("ipset") => options.ipset = Some(parser.value()?),
            Long("all") => options.all = true,
            Long("json") | Short('j') => options.json = true,
            Long("lang") => {
                let tag = parser.value()?.string()?;
                options.lang = Lang::of_tag(&tag).ok_or_else(|| usage("--lang takes en or ko"))?;
            }
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(options))
}

fn packet(text: &str) -> Result<Injected, CliError> {
    text.parse().map_err(|e: crate::net::InjectError| {
        let mark = "^".repeat(e.word.chars().count().max(1));
        let before = text.get(..e.at).unwrap_or(text).chars().count();
        CliError::Input(format!("vitrine: --packet: {}\n  {text}\n  {}{mark}", e.kind, " ".repeat(before)))
    })
}

/// The family that was asked for, or that of the packets; they must agree.
fn family(options: &Options, packets: &[Injected]) -> Result<Family, CliError> {
    let first = packets.first().map_or(Family::Ip, |p| Family::of(p.packet.src));
    let family = options.family.unwrap_or(first);
    match packets.iter().find(|p| Family::of(p.packet.src) != family) {
        Some(other) => {
            Err(CliError::Input(format!("vitrine: the rules are {family}, this packet is not: {other}")))
        }
        None => Ok(family),
    }
}

fn host(options: &Options, ruleset: &Arc<Ruleset>, packets: &[Injected]) -> Result<Host, CliError> {
    let mut host = match &options.host {
        None => infer(ruleset, packets),
        Some(path) => parse_host(&input::read(path)?)
            .map_err(|e| CliError::Input(format!("vitrine: {}: {e}", path.to_string_lossy())))?,
    };
    host.netfilter.load(ruleset.clone());
    Ok(host)
}

/// Sends the packets one after another; after one that may go more than one way, the first way goes on.
fn walk(mut host: Host, packets: &[Injected]) -> Vec<Trace> {
    let mut traces: Vec<Trace> = Vec::with_capacity(packets.len());
    let mut next = EventId(0);
    for injected in packets {
        let trace = trace(&host, injected, next);
        host = trace.first().host.clone();
        next = trace.first().log.next_id();
        traces.push(trace);
    }
    traces
}
