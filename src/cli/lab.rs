//! `vitrine lab`: labs of several hosts.

use super::{CliError, Status, input, usage};
use crate::lab::{Lab, run};
use std::io::Write;

/// Runs a subcommand.
pub fn command(mut parser: lexopt::Parser, out: &mut dyn Write) -> Result<Status, CliError> {
    use lexopt::prelude::*;
    let (mut action, mut file, mut json) = (None, None, false);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("json") => json = true,
            Value(value) if action.is_none() => action = Some(value.string()?),
            Value(value) if file.is_none() => file = Some(value),
            other => return Err(other.unexpected().into()),
        }
    }
    match (action.as_deref(), file) {
        (Some("run"), Some(file)) => {
            let text = input::read(&file)?;
            let named =
                |why: &dyn std::fmt::Display| CliError::Input(format!("{}: {why}", file.to_string_lossy()));
            let lab: Lab = text.parse().map_err(|e: crate::lab::LabError| named(&e))?;
            let run = run(&lab).map_err(|e| named(&e))?;
            let shown = if json {
                serde_json::to_string(&run.to_json())
            } else {
                serde_json::to_string_pretty(&run.to_json())
            };
            writeln!(out, "{}", shown.map_err(std::io::Error::other)?)?;
            Ok(Status::Ok)
        }
        (Some("run"), None) => Err(usage("lab run needs a file")),
        (Some(other), _) => Err(usage(format_args!("no such lab command: {other}"))),
        (None, _) => Err(usage("lab needs a command: run")),
    }
}
