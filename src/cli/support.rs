//! `vitrine support`.

use super::{CliError, Status, help};
use std::io::Write;

pub(super) fn run(mut parser: lexopt::Parser, out: &mut dyn Write) -> Result<Status, CliError> {
    use lexopt::prelude::*;
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => {
                write!(out, "{}", help::SUPPORT)?;
                return Ok(Status::Ok);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Status::Ok)
}
