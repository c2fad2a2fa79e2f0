//! `vitrine support`.

use super::{CliError, Status, help};
use crate::netfilter::Family;
use crate::netfilter::extension::Fidelity;
use crate::netfilter::support::{SupportKind, Supported, support};
use std::io::{self, Write};

pub(super) fn run(mut parser: lexopt::Parser, out: &mut dyn Write) -> Result<Status, CliError> {
    use lexopt::prelude::*;
    let mut json = false;
    while let Some(arg) = parser.next()? {
        match arg {
            Long("json") | Short('j') => json = true,
            Long("help") | Short('h') => {
                write!(out, "{}", help::SUPPORT)?;
                return Ok(Status::Ok);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let all = support();
    if json {
        serde_json::to_writer_pretty(&mut *out, &all).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        all.iter().try_for_each(|s| print(out, s))?;
    }
    Ok(Status::Ok)
}

fn word(status: Fidelity) -> &'static str {
    match status {
        Fidelity::Modelled => "modelled",
        Fidelity::Kept => "kept",
        Fidelity::Refused => "refused",
    }
}

/// One line for the extension, one for each option.
fn print(out: &mut dyn Write, supported: &Supported) -> io::Result<()> {
    let before = match supported.kind {
        SupportKind::Core => "   ",
        SupportKind::Match => "-m ",
        SupportKind::Target => "-j ",
    };
    let family = match supported.families[..] {
        [Family::Ip] => "  IPv4",
        [Family::Ip6] => "  IPv6",
        _ => "",
    };
    writeln!(out, "{before}{:30}{}{family}", supported.name, word(supported.status))?;
    supported.options.iter().try_for_each(|option| {
        let names = std::iter::once(&option.name).chain(&option.aliases);
        let names: Vec<_> = names.map(String::as_str).collect();
        writeln!(out, "     {:27} {}", names.join(", "), word(option.status))
    })
}
