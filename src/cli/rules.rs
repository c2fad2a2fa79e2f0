//! `vitrine rules`: many rules at once, each alone.

use super::{CliError, Status, help, input, usage};
use crate::netfilter::text::{Tried, try_rule};
use crate::netfilter::{Family, RuleError, TableName};
use serde::Deserialize;
use std::ffi::OsString;
use std::io::Write;

/// A line of the file: a rule with its table, as words or as text.
#[derive(Deserialize)]
struct Row {
    #[serde(default = "ip")]
    family: String,
    #[serde(default = "filter")]
    table: String,
    argv: Option<Vec<String>>,
    chain: Option<String>,
    rule: Option<String>,
}

fn ip() -> String {
    "ip".into()
}

fn filter() -> String {
    "filter".into()
}

pub(super) fn run(mut parser: lexopt::Parser, out: &mut dyn Write) -> Result<Status, CliError> {
    use lexopt::prelude::*;
    let (mut file, mut json, mut verb) = (None::<OsString>, false, None::<String>);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("json") | Short('j') => json = true,
            Long("help") | Short('h') => {
                write!(out, "{}", help::RULES)?;
                return Ok(Status::Ok);
            }
            Value(word) if verb.is_none() => verb = Some(word.to_string_lossy().into_owned()),
            Value(word) if file.is_none() => file = Some(word),
            other => return Err(other.unexpected().into()),
        }
    }
    match verb.as_deref() {
        Some("try") => {}
        Some(other) => return Err(usage(format_args!("no such command: rules {other}"))),
        None => return Err(usage("rules needs a command: vitrine rules try FILE")),
    }
    let path = file.ok_or_else(|| usage("rules try needs a FILE"))?;
    for (place, line) in input::read(&path)?.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let at = |what: String| CliError::Input(format!("vitrine: line {}: {what}", place + 1));
        let row: Row = serde_json::from_str(line).map_err(|e| at(e.to_string()))?;
        let (family, argv) = words(&row).map_err(at)?;
        let tried = match TableName::by_name(&row.table) {
            Some(table) => try_rule(family, table, &argv),
            None => {
                let error = RuleError::NoSuchTable(row.table.clone());
                Tried { ok: false, rc: error.exit_status(), save: Vec::new(), err: error.stderr(family) }
            }
        };
        if json {
            serde_json::to_writer(&mut *out, &tried).map_err(std::io::Error::from)?;
            writeln!(out)?;
        } else {
            print(out, family, &row.table, &argv, &tried)?;
        }
    }
    Ok(Status::Ok)
}

/// The family and the words of a row.
fn words(row: &Row) -> Result<(Family, Vec<String>), String> {
    let family = match row.family.as_str() {
        "ip" | "4" | "ipv4" => Family::Ip,
        "ip6" | "6" | "ipv6" => Family::Ip6,
        other => return Err(format!("no such family: {other}")),
    };
    let argv = match (&row.argv, &row.chain, &row.rule) {
        (Some(argv), ..) => argv.clone(),
        (None, Some(chain), Some(rule)) => {
            let mut argv = vec!["-A".to_owned(), chain.clone()];
            argv.extend(input::shell_words(rule));
            argv
        }
        _ => return Err("neither `argv' nor `chain' and `rule'".into()),
    };
    Ok((family, argv))
}

/// A rule, and below it what is saved of it or why it is refused.
fn print(
    out: &mut dyn Write,
    family: Family,
    table: &str,
    argv: &[String],
    tried: &Tried,
) -> std::io::Result<()> {
    let mark = if tried.ok { "✓" } else { "✗" };
    writeln!(out, "{mark} {:3} {} -t {table} {}", tried.rc, family.program(), argv.join(" "))?;
    for line in tried.save.iter().map(String::as_str).chain(tried.err.lines()) {
        writeln!(out, "        {line}")?;
    }
    Ok(())
}
