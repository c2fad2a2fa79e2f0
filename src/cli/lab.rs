//! `vitrine lab`: labs of several hosts.

use super::{CliError, Status, help, input, lab_text, usage};
use crate::lab::{Comparison, Lab, compare, run, to_bash};
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::io::Write;

/// Runs a subcommand.
pub(super) fn command(mut parser: lexopt::Parser, out: &mut dyn Write) -> Result<Status, CliError> {
    use lexopt::prelude::*;
    match parser.next()? {
        Some(Value(action)) => match action.to_str() {
            Some("run") => {
                let (files, json) = arguments(parser, out, &["a file"], "--json")?;
                files.map_or(Ok(Status::Ok), |files| run_lab(&files[0], json, out))
            }
            Some("export") => export(parser, out),
            Some("record") => {
                let (files, json) = arguments(parser, out, &["a file"], "--json")?;
                files.map_or(Ok(Status::Ok), |files| {
                    let lab = lab(&files[0])?;
                    print(&kernel(&files[0], &lab)?, json, out)
                })
            }
            Some("verify") => {
                let (files, json) = arguments(parser, out, &["a file"], "--json")?;
                files.map_or(Ok(Status::Ok), |files| verify(&files[0], json, out))
            }
            Some("compare") => {
                let (files, score) =
                    arguments(parser, out, &["what Linux did", "what the model says"], "--score")?;
                files.map_or(Ok(Status::Ok), |files| compare_runs(&files[0], &files[1], score, out))
            }
            _ => Err(usage(format_args!("no such lab command: {}", action.to_string_lossy()))),
        },
        Some(Long("help") | Short('h')) => {
            write!(out, "{}", help::LAB)?;
            Ok(Status::Ok)
        }
        Some(other) => Err(other.unexpected().into()),
        None => Err(usage("lab needs a command: run, verify, record, export, compare")),
    }
}

/// The files of a subcommand, as many as are named, and whether its flag is given; no files after `--help`.
fn arguments(
    mut parser: lexopt::Parser,
    out: &mut dyn Write,
    names: &[&str],
    flag: &str,
) -> Result<(Option<Vec<OsString>>, bool), CliError> {
    use lexopt::prelude::*;
    let (mut files, mut set) = (Vec::new(), false);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => {
                write!(out, "{}", help::LAB)?;
                return Ok((None, set));
            }
            Long(name) if flag.strip_prefix("--") == Some(name) => set = true,
            Value(file) if files.len() < names.len() => files.push(file),
            other => return Err(other.unexpected().into()),
        }
    }
    match names.get(files.len()) {
        Some(missing) => Err(usage(format_args!("lab needs {missing}"))),
        None => Ok((Some(files), set)),
    }
}

/// An error with the name of its file.
fn in_file(file: &OsStr, why: impl std::fmt::Display) -> CliError {
    CliError::Input(format!("vitrine: {}: {why}", file.to_string_lossy()))
}

/// Reads a lab.
fn lab(file: &OsStr) -> Result<Lab, CliError> {
    input::read(file)?.parse().map_err(|error| in_file(file, error))
}

fn run_lab(file: &OsStr, json: bool, out: &mut dyn Write) -> Result<Status, CliError> {
    let run = run(&lab(file)?).map_err(|error| in_file(file, error))?;
    print(&run.to_json(), json, out)
}

/// Prints a run, as JSON or for people.
fn print(run: &Value, json: bool, out: &mut dyn Write) -> Result<Status, CliError> {
    if json {
        writeln!(out, "{}", serde_json::to_string(run).map_err(std::io::Error::other)?)?;
    } else {
        lab_text::print(run, out)?;
    }
    Ok(Status::Ok)
}

/// What this machine's kernel does with a lab.
#[cfg(target_os = "linux")]
fn kernel(file: &OsStr, lab: &Lab) -> Result<Value, CliError> {
    crate::lab::verify::record(lab).map_err(|error| in_file(file, error))
}

/// What this machine's kernel does with a lab.
#[cfg(not(target_os = "linux"))]
fn kernel(file: &OsStr, _: &Lab) -> Result<Value, CliError> {
    Err(in_file(file, "a lab runs on a Linux kernel, which this machine does not have"))
}

fn verify(file: &OsStr, json: bool, out: &mut dyn Write) -> Result<Status, CliError> {
    let lab = lab(file)?;
    let model = run(&lab).map_err(|error| in_file(file, error))?;
    let found = compare(&kernel(file, &lab)?, &model.to_json());
    if json {
        let told = json!({"figures": found, "differences": found.differences});
        return print(&told, true, out).map(|_| judged(&found));
    }
    report(&found, out)
}

/// Differences, then the figures.
fn report(found: &Comparison, out: &mut dyn Write) -> Result<Status, CliError> {
    for difference in &found.differences {
        writeln!(out, "{difference}")?;
    }
    writeln!(out, "{found}")?;
    Ok(judged(found))
}

/// No where there are differences.
fn judged(found: &Comparison) -> Status {
    if found.differences.is_empty() { Status::Ok } else { Status::No }
}

fn export(mut parser: lexopt::Parser, out: &mut dyn Write) -> Result<Status, CliError> {
    use lexopt::prelude::*;
    let (mut file, mut to) = (None, None);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("to") => to = Some(parser.value()?.string()?),
            Long("help") | Short('h') => {
                write!(out, "{}", help::LAB)?;
                return Ok(Status::Ok);
            }
            Value(value) if file.is_none() => file = Some(value),
            other => return Err(other.unexpected().into()),
        }
    }
    match to.as_deref() {
        Some("bash") => {}
        Some(other) => return Err(usage(format_args!("a lab is exported to bash, not to {other}"))),
        None => return Err(usage("lab export needs --to bash")),
    }
    let file = file.ok_or_else(|| usage("lab needs a file"))?;
    let script = to_bash(&lab(&file)?).map_err(|error| in_file(&file, error))?;
    write!(out, "{script}")?;
    Ok(Status::Ok)
}

fn compare_runs(linux: &OsStr, model: &OsStr, score: bool, out: &mut dyn Write) -> Result<Status, CliError> {
    let read = |file: &OsStr| -> Result<Value, CliError> {
        serde_json::from_str(&input::read(file)?).map_err(|error| in_file(file, error))
    };
    let found = compare(&read(linux)?, &read(model)?);
    if score {
        let figures = serde_json::to_string(&found).map_err(std::io::Error::other)?;
        writeln!(out, "{figures}")?;
        return Ok(judged(&found));
    }
    report(&found, out)
}
