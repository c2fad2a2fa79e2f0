//! `vitrine fmt`.

use super::{CliError, Status, help, input, usage};
use crate::netfilter::text::{Save, family_of_dump};
use std::ffi::OsString;
use std::io::Write;

pub(super) fn run(
    mut parser: lexopt::Parser,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Status, CliError> {
    use lexopt::prelude::*;
    let (mut rules, mut family, mut counters) = (None::<OsString>, None, false);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("rules") | Short('r') => rules = Some(parser.value()?),
            Long("family") | Short('f') => family = Some(input::family(&parser.value()?)?),
            Long("counters") | Short('c') => counters = true,
            Long("help") | Short('h') => {
                write!(out, "{}", help::FMT)?;
                return Ok(Status::Ok);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let path = rules.ok_or_else(|| usage("fmt needs --rules FILE"))?;
    let text = input::read(&path)?;
    let family = family.unwrap_or_else(|| family_of_dump(&text));
    let ruleset = input::rules(&path, &text, family, None, err)?;
    write!(out, "{}", Save { ruleset: &ruleset, counters })?;
    Ok(Status::Ok)
}
