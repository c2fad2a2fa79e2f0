//! A trace as text.

use crate::net::{Event, NetEvent};
use crate::netfilter::event::Event as NfEvent;
use crate::netfilter::text::rule_line;
use crate::netfilter::{Ruleset, Ternary};
use crate::query::{Outcome, Trace, Walk, scenes};
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
        let ways = trace.walks.len();
        for (way, walk) in trace.walks.iter().enumerate() {
            if ways > 1 {
                writeln!(
                    out,
                    "  way {} of {ways}{}",
                    way + 1,
                    if trace.truncated { " or more" } else { "" }
                )?;
                for (rule, yes) in &walk.choices {
                    let text = ruleset.rule(rule).map(|r| rule_line(ruleset.family, &rule.chain, r));
                    let word = if *yes { "matched" } else { "did not match" };
                    writeln!(out, "    if {word}: {} {}", rule.table, text.unwrap_or_default())?;
                }
            }
            print_walk(out, lang, all, ruleset, walk)?;
        }
        print_end(out, lang, trace)?;
    }
    Ok(())
}

fn print_walk(out: &mut dyn Write, lang: Lang, all: bool, ruleset: &Ruleset, walk: &Walk) -> io::Result<()> {
    for (entry, scene) in walk.log.entries().iter().zip(scenes(&walk.log)) {
        let shown = match &entry.event {
            Event::Net(NetEvent::Begins { .. }) => false,
            Event::Netfilter(NfEvent::RuleAsked { held, .. }) => all || *held != Ternary::No,
            Event::Netfilter(NfEvent::StageSkipped { .. }) => all,
            _ => true,
        };
        if !shown {
            continue;
        }
        // Hooks stand at the left, their tables below them, chains below the rules that led there.
        let depth = match &entry.event {
            Event::Net(_) | Event::Netfilter(NfEvent::HookEntered { .. }) => 1,
            Event::Netfilter(NfEvent::RuleAsked { .. }) => 2 + scene.chains.len(),
            _ => 2 + scene.chains.len().saturating_sub(1),
        };
        let mark = match &entry.event {
            Event::Netfilter(NfEvent::RuleAsked { held: Ternary::Yes, .. }) => "✓ ",
            Event::Netfilter(NfEvent::RuleAsked { held: Ternary::No, .. }) => "✗ ",
            Event::Netfilter(NfEvent::RuleAsked { held: Ternary::Unknown, .. }) => "? ",
            _ => "",
        };
        let said = sentence(lang, ruleset, &entry.event);
        writeln!(out, "{:indent$}{mark}{said}", "", indent = depth * 2)?;
    }
    Ok(())
}

fn print_end(out: &mut dyn Write, lang: Lang, trace: &Trace) -> io::Result<()> {
    let word = match trace.outcome() {
        Outcome::Accept => "ACCEPT",
        Outcome::Drop => "DROP",
        Outcome::Reject => "REJECT",
        Outcome::Unknown => "UNKNOWN",
    };
    if trace.walks.len() == 1 {
        return writeln!(out, "= {word}: {}", fate(lang, &trace.first().fate));
    }
    writeln!(out, "= {word}")?;
    for (way, walk) in trace.walks.iter().enumerate() {
        writeln!(out, "    way {}: {}", way + 1, fate(lang, &walk.fate))?;
    }
    Ok(())
}
