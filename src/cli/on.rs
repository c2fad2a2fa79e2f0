//! `vitrine on`: one of the programs that work on rules, on a dump.

use super::{CliError, Status, help, input, usage};
use crate::abi::{Log, Time};
use crate::netfilter::event::Event;
use crate::netfilter::programs::{self, Machine, Output};
use crate::netfilter::text::{Save, family_of_dump};
use crate::netfilter::{Family, Netfilter};
use serde::Serialize;
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::sync::Arc;

#[derive(Default)]
struct Options {
    dump: Option<OsString>,
    family: Option<Family>,
    write: bool,
    script: Option<OsString>,
    sets: Option<OsString>,
    command: Vec<String>,
}

/// A command of a script, with what it is given to read.
#[derive(serde::Deserialize)]
struct Line {
    argv: Vec<String>,
    #[serde(default)]
    stdin: String,
}

/// A command of a script, and what it did.
#[derive(Serialize)]
struct Answer<'a> {
    argv: &'a [String],
    #[serde(flatten)]
    output: Output,
}

pub(super) fn run(
    parser: lexopt::Parser,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Status, CliError> {
    let Some(options) = read_options(parser)? else {
        write!(out, "{}", help::ON)?;
        return Ok(Status::Ok);
    };
    let mut netfilter = Netfilter::default();
    if let Some(path) = &options.sets {
        netfilter.sets = input::sets(path)?;
    }
    let mut family = options.family.unwrap_or_default();
    if let Some(path) = &options.dump {
        let text = input::read(path)?;
        family = options.family.unwrap_or_else(|| family_of_dump(&text));
        if !text.trim().is_empty() {
            netfilter.load(Arc::new(input::rules(
                path,
                &text,
                family,
                options.sets.as_ref().map(|_| &netfilter.sets),
                err,
            )?));
        }
    }
    let status = match &options.script {
        Some(script) => run_script(&mut netfilter, &input::read(script)?, out)?,
        None => {
            let wants_input = options.command[0].ends_with("-restore");
            let stdin =
                if wants_input && !is_stdin(options.dump.as_deref()) { read_stdin()? } else { String::new() };
            let output = call(&mut netfilter, &options.command, &stdin)?;
            write!(out, "{}", output.stdout)?;
            write!(err, "{}", output.stderr)?;
            Status::Of(output.status)
        }
    };
    if options.write {
        let ruleset = netfilter.with_totals(family);
        let text = Save { ruleset: &ruleset, counters: true }.to_string();
        match options.dump.as_deref().filter(|d| !is_stdin(Some(d))) {
            Some(path) => std::fs::write(path, text).map_err(|e| {
                CliError::Input(format!("vitrine: cannot write {}: {e}", path.to_string_lossy()))
            })?,
            None => write!(out, "{text}")?,
        }
    }
    Ok(status)
}

fn is_stdin(path: Option<&OsStr>) -> bool {
    path.is_some_and(|p| p == "-")
}

fn read_stdin() -> Result<String, CliError> {
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    read.map_err(|e| CliError::Input(format!("vitrine: cannot read standard input: {e}")))?;
    Ok(text)
}

fn call(netfilter: &mut Netfilter, argv: &[String], stdin: &str) -> Result<Output, CliError> {
    let (program, words) = argv.split_first().ok_or_else(|| usage("no command"))?;
    let mut log = Log::<Event>::default();
    let files = |path: &str| std::fs::read_to_string(path).ok();
    let mut machine = Machine { netfilter, now: Time::ZERO, stdin, files: &files, sink: &mut log };
    let name = program.rsplit('/').next().unwrap_or(program);
    programs::run(name, words, &mut machine).ok_or_else(|| {
        let names = programs::names().collect::<Vec<_>>().join(", ");
        usage(format_args!("no such program: {program} (there are {names})"))
    })
}

/// Runs a command a line, and prints a line of JSON for each.
fn run_script(netfilter: &mut Netfilter, text: &str, out: &mut dyn Write) -> Result<Status, CliError> {
    let mut status = Status::Ok;
    for (place, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let Line { argv, stdin } = if line.starts_with('{') {
            let read = serde_json::from_str(line);
            read.map_err(|e| CliError::Input(format!("vitrine: line {} of the script: {e}", place + 1)))?
        } else {
            Line { argv: input::shell_words(line), stdin: String::new() }
        };
        let output = call(netfilter, &argv, &stdin)?;
        status = Status::Of(output.status);
        serde_json::to_writer(&mut *out, &Answer { argv: &argv, output }).map_err(std::io::Error::from)?;
        writeln!(out)?;
    }
    Ok(status)
}

/// Reads the options; `None` if help was asked for.
fn read_options(mut parser: lexopt::Parser) -> Result<Option<Options>, CliError> {
    use lexopt::prelude::*;
    let mut options = Options::default();
    loop {
        // What stands behind `--` is the program's own, options and all.
        if let Some(mut raw) = parser.try_raw_args()
            && raw.peek().is_some_and(|w| w == "--")
        {
            raw.next();
            options.command = raw.map(|w| w.to_string_lossy().into_owned()).collect();
            break;
        }
        let Some(arg) = parser.next()? else { break };
        match arg {
            Long("family") | Short('f') => options.family = Some(input::family(&parser.value()?)?),
            Long("ipset") => options.sets = Some(parser.value()?),
            Long("write") | Short('w') => options.write = true,
            Long("script") | Short('s') => options.script = Some(parser.value()?),
            Long("help") | Short('h') => return Ok(None),
            Value(path) if options.dump.is_none() => options.dump = Some(path),
            other => return Err(other.unexpected().into()),
        }
    }
    match (&options.script, options.command.is_empty()) {
        (None, true) => Err(usage("on needs a command: vitrine on DUMP -- iptables -L")),
        (Some(_), false) => Err(usage("on takes a command or a script, not both")),
        _ => Ok(Some(options)),
    }
}
