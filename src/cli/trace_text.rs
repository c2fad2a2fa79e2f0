//! A trace as text.

use crate::abi::{Entry, EventId, Log};
use crate::net::{Event, NetEvent};
use crate::netfilter::event::{ChangedBy, Event as NfEvent};
use crate::netfilter::text::rule_line;
use crate::netfilter::{Ruleset, Ternary};
use crate::query::{Outcome, Scene, Trace, Walk, scenes};
use crate::say::{Lang, assumption, fate, sentence};
use std::io::{self, Write};

/// Prints traces. Rules that did not match are left out unless `all` is asked for.
pub(super) fn print(
    out: &mut dyn Write,
    lang: Lang,
    all: bool,
    ruleset: &Ruleset,
    traces: &[Trace],
) -> io::Result<()> {
    if let Some(first) = traces.first() {
        for a in &first.first().host.assumptions {
            writeln!(out, "assumed: {}", assumption(lang, a))?;
        }
    }
    for (number, trace) in traces.iter().enumerate() {
        writeln!(out, "packet {}: {}", number + 1, trace.injected)?;
        for (way, walk) in trace.walks.iter().enumerate() {
            print_way(out, ruleset, trace, way)?;
            let before = way.checked_sub(1).map(|w| &trace.walks[w].log);
            let common = before.map_or(0, |b| common_prefix(b, &walk.log));
            print_walk(out, lang, all, ruleset, walk, common)?;
        }
        print_end(out, lang, ruleset, trace)?;
    }
    Ok(())
}

/// Which way this is, and what it takes for granted.
fn print_way(out: &mut dyn Write, ruleset: &Ruleset, trace: &Trace, way: usize) -> io::Result<()> {
    let ways = trace.walks.len();
    if ways == 1 {
        return Ok(());
    }
    writeln!(out, "  way {} of {ways}{}", way + 1, if trace.truncated { " or more" } else { "" })?;
    for (rule, yes) in &trace.walks[way].choices {
        let text = ruleset.rule(rule).map(|r| rule_line(ruleset.family, &rule.chain, r));
        let word = if *yes { "matched" } else { "did not match" };
        writeln!(out, "    if {word}: {} {}", rule.table, text.unwrap_or_default())?;
    }
    Ok(())
}

/// How many events two ways of one packet begin with in common.
fn common_prefix(a: &Log<Event>, b: &Log<Event>) -> usize {
    a.entries().iter().zip(b.entries()).take_while(|(a, b)| a == b).count()
}

fn print_walk(
    out: &mut dyn Write,
    lang: Lang,
    all: bool,
    ruleset: &Ruleset,
    walk: &Walk,
    common: usize,
) -> io::Result<()> {
    if common > 0 {
        writeln!(out, "  … as the way before, up to here")?;
    }
    for (entry, scene) in walk.log.entries().iter().zip(scenes(&walk.log)).skip(common) {
        if !is_shown(entry, all) {
            continue;
        }
        let mark = match &entry.event {
            Event::Netfilter(NfEvent::RuleAsked { held: Ternary::Yes, .. }) => "✓ ",
            Event::Netfilter(NfEvent::RuleAsked { held: Ternary::No, .. }) => "✗ ",
            Event::Netfilter(NfEvent::RuleAsked { held: Ternary::Unknown, .. }) => "? ",
            _ => "",
        };
        let said = sentence(lang, ruleset, &entry.event);
        writeln!(out, "{:indent$}{mark}{said}", "", indent = depth(entry, &scene) * 2)?;
    }
    Ok(())
}

fn is_shown(entry: &Entry<Event>, all: bool) -> bool {
    match &entry.event {
        Event::Net(NetEvent::Begins { .. }) => false,
        Event::Netfilter(NfEvent::RuleAsked { held, .. }) => all || *held != Ternary::No,
        Event::Netfilter(NfEvent::StageSkipped { .. }) => all,
        // The state was just told.
        Event::Netfilter(NfEvent::PacketChanged { by: ChangedBy::Tracking, .. }) => false,
        _ => true,
    }
}

/// Hooks stand at the left, their tables below them, chains below the rules that led there.
fn depth(entry: &Entry<Event>, scene: &Scene) -> usize {
    match &entry.event {
        Event::Net(_)
        | Event::Link(_)
        | Event::Socket(_)
        | Event::Config(_)
        | Event::Netfilter(NfEvent::HookEntered { .. }) => 1,
        Event::Netfilter(NfEvent::ChainEntered { .. }) => 1 + scene.chains.len(),
        Event::Netfilter(NfEvent::ChainLeft { .. } | NfEvent::RuleAsked { .. }) => 2 + scene.chains.len(),
        Event::Netfilter(NfEvent::TableDone { .. } | NfEvent::PolicyApplied { .. }) => 2,
        Event::Netfilter(NfEvent::PacketChanged { by: ChangedBy::Nat(_), .. }) => 2,
        Event::Netfilter(_) if scene.chains.is_empty() => 2,
        Event::Netfilter(_) => 2 + scene.chains.len(),
    }
}

fn print_end(out: &mut dyn Write, lang: Lang, ruleset: &Ruleset, trace: &Trace) -> io::Result<()> {
    let word = |outcome| match outcome {
        Outcome::Accept => "ACCEPT",
        Outcome::Drop => "DROP",
        Outcome::Reject => "REJECT",
        Outcome::Unknown => "UNKNOWN",
    };
    if let [walk] = &trace.walks[..] {
        writeln!(out, "= {}: {}", word(trace.outcome()), fate(lang, &walk.fate))?;
        return print_reason(out, lang, ruleset, walk, "  ");
    }
    writeln!(out, "= {}", word(trace.outcome()))?;
    for (way, walk) in trace.walks.iter().enumerate() {
        let outcome = word(Outcome::of(&walk.fate));
        writeln!(out, "  way {}: {outcome}: {}", way + 1, fate(lang, &walk.fate))?;
        print_reason(out, lang, ruleset, walk, "    ")?;
    }
    Ok(())
}

/// The rule or policy that ended the packet's way, where one did.
fn print_reason(
    out: &mut dyn Write,
    lang: Lang,
    ruleset: &Ruleset,
    walk: &Walk,
    indent: &str,
) -> io::Result<()> {
    let Some(id) = reason(&walk.log) else { return Ok(()) };
    let Some(entry) = walk.log.get(id) else { return Ok(()) };
    writeln!(out, "{indent}{}", sentence(lang, ruleset, &entry.event))
}

fn reason(log: &Log<Event>) -> Option<EventId> {
    let ended = log.entries().iter().find_map(|e| match &e.event {
        Event::Net(NetEvent::Ended { by, .. }) => Some(*by),
        _ => None,
    });
    let by = ended??;
    match &log.get(by)?.event {
        Event::Netfilter(NfEvent::TableDone { .. }) => log.get(by)?.cause,
        _ => None,
    }
}
