//! The command line: the same engine, in a terminal.
//!
//! Exit status: 0, 1 for a negative answer, 2 for bad usage or input. Errors go to stderr.

mod fmt;
mod help;
mod input;
mod lab;
mod lab_text;
mod on;
mod rules;
mod support;
mod trace;
mod trace_text;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};

/// A run's end, as the shell sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It went well, and a question was answered with yes.
    Ok,
    /// A question was answered with no.
    No,
    /// Bad usage or bad input.
    Bad,
    /// What another program's exit status was.
    Of(u8),
}

impl Status {
    /// The exit status.
    pub fn code(self) -> u8 {
        match self {
            Status::Ok => 0,
            Status::No => 1,
            Status::Bad => 2,
            Status::Of(status) => status,
        }
    }
}

/// Why a command did not come to its end.
#[derive(Debug)]
pub enum CliError {
    /// The arguments.
    Usage(String),
    /// A file or a packet, told in full.
    Input(String),
    /// The output is closed or full.
    Output(io::Error),
}

impl From<lexopt::Error> for CliError {
    fn from(error: lexopt::Error) -> Self {
        CliError::Usage(error.to_string())
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        CliError::Output(error)
    }
}

/// Makes a usage error of a sentence.
fn usage(what: impl Display) -> CliError {
    CliError::Usage(what.to_string())
}

/// Runs the program with its arguments, the program's own name left out.
pub fn run(args: impl IntoIterator<Item = OsString>, out: &mut dyn Write, err: &mut dyn Write) -> Status {
    match dispatch(args, out, err) {
        Ok(status) => status,
        Err(CliError::Usage(what)) => {
            let _ = writeln!(err, "vitrine: {what}\nTry `vitrine --help'.");
            Status::Bad
        }
        Err(CliError::Input(what)) => {
            let _ = writeln!(err, "{}", what.trim_end());
            Status::Bad
        }
        // `vitrine … | head` is no mistake.
        Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Status::Ok,
        Err(CliError::Output(error)) => {
            let _ = writeln!(err, "vitrine: cannot write: {error}");
            Status::Bad
        }
    }
}

fn dispatch(
    args: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Status, CliError> {
    use lexopt::prelude::*;
    let mut parser = lexopt::Parser::from_args(args);
    match parser.next()? {
        None => {
            write!(err, "{}", help::MAIN)?;
            Ok(Status::Bad)
        }
        Some(Long("help") | Short('h')) => {
            write!(out, "{}", help::MAIN)?;
            Ok(Status::Ok)
        }
        Some(Long("version") | Short('V')) => {
            writeln!(out, "vitrine {}", env!("CARGO_PKG_VERSION"))?;
            Ok(Status::Ok)
        }
        Some(Value(command)) => match command.to_str() {
            Some("trace") => trace::run(parser, out, err),
            Some("lab") => lab::command(parser, out),
            Some("fmt") => fmt::run(parser, out, err),
            Some("on") => on::run(parser, out, err),
            Some("rules") => rules::run(parser, out),
            Some("support") => support::run(parser, out),
            Some("help") => {
                write!(out, "{}", help::MAIN)?;
                Ok(Status::Ok)
            }
            _ => Err(usage(format_args!("no such command: {}", command.to_string_lossy()))),
        },
        Some(other) => Err(other.unexpected().into()),
    }
}
