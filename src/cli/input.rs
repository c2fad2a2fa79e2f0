//! Files and the rules in them.

use super::CliError;
use crate::abi::Time;
use crate::netfilter::ipset::{self, Sets};
use crate::netfilter::text::{Severity, report, restore_with};
use crate::netfilter::{Family, Ruleset};
use std::ffi::OsStr;
use std::io::{Read, Write};

/// Reads a text file, or standard input for `-`.
pub(super) fn read(path: &OsStr) -> Result<String, CliError> {
    let name = path.to_string_lossy();
    let bytes = if path == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    let bytes = bytes.map_err(|e| CliError::Input(format!("vitrine: cannot read {name}: {e}")))?;
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        CliError::Input(format!("vitrine: {name} is not text: byte {at} is no UTF-8"))
    })
}

/// A line's words as a shell splits them: quotes of both kinds, backslashes.
pub(super) fn shell_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(q), c) if c == q => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Reads a family's number.
pub(super) fn family(text: &OsStr) -> Result<Family, CliError> {
    match text.to_str() {
        Some("4") => Ok(Family::Ip),
        Some("6") => Ok(Family::Ip6),
        _ => Err(super::usage("--family takes 4 or 6")),
    }
}

/// Reads what `ipset save` printed.
pub(super) fn sets(path: &OsStr) -> Result<Sets, CliError> {
    let mut sets = Sets::default();
    match ipset::restore(&read(path)?, &mut sets, Time::ZERO) {
        Ok(_) => Ok(sets),
        Err(said) => {
            Err(CliError::Input(format!("vitrine: {}: {}", path.to_string_lossy(), said.trim_end())))
        }
    }
}

/// Reads the rules of a dump; what is to be said of its text goes to `err`.
pub(super) fn rules(
    path: &OsStr,
    text: &str,
    family: Family,
    sets: Option<&Sets>,
    err: &mut dyn Write,
) -> Result<Ruleset, CliError> {
    let restored = restore_with(text, family, sets);
    let shown = report(&path.to_string_lossy(), text, &restored.diagnostics);
    if restored.has_errors() {
        let errors = restored.diagnostics.iter().filter(|d| d.severity() == Severity::Error).count();
        let what = if errors == 1 { "1 error".into() } else { format!("{errors} errors") };
        return Err(CliError::Input(format!("{shown}vitrine: {}: {what}", path.to_string_lossy())));
    }
    write!(err, "{shown}")?;
    Ok(restored.ruleset)
}
