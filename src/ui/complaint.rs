//! What is wrong in a dump, as a compiler would show it: the place, the line, a mark under the word.

use crate::netfilter::text::Diagnostic;
use std::fmt::Write;

/// After so many the rest is only counted.
const SHOWN: usize = 8;
/// A longer line is cut around the word.
const WIDTH: usize = 96;

/// Renders diagnostics of a text.
pub fn render(diagnostics: &[Diagnostic], text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(SHOWN) {
        if !out.is_empty() {
            out.push_str("\n\n");
        }
        let _ = write!(out, "{}:{}: {}", diagnostic.line, diagnostic.column + 1, diagnostic.problem);
        let line = usize::try_from(diagnostic.line).ok().and_then(|n| lines.get(n.checked_sub(1)?));
        if let Some(line) = line {
            mark(&mut out, diagnostic, line);
        }
    }
    if diagnostics.len() > SHOWN {
        let _ = write!(out, "\n\n… +{}", diagnostics.len() - SHOWN);
    }
    out
}

fn mark(out: &mut String, diagnostic: &Diagnostic, line: &str) {
    let before = line.get(..diagnostic.column).unwrap_or(line);
    let end = diagnostic.column.saturating_add(diagnostic.len).min(line.len());
    let word = line.get(diagnostic.column..end).unwrap_or("");
    let skip = before.chars().count().saturating_sub(WIDTH / 2);
    let shown: String = line.chars().skip(skip).take(WIDTH).map(plain).collect();
    let number = diagnostic.line.to_string();
    let gutter = " ".repeat(number.len());
    let pad: String = before.chars().skip(skip).map(|c| " ".repeat(cells(c))).collect();
    let carets = word.chars().map(cells).sum::<usize>().clamp(1, WIDTH);
    let _ = write!(out, "\n{gutter} │\n{number} │ {shown}\n{gutter} │ {pad}{}", "^".repeat(carets));
}

/// Control characters and direction marks from a file are shown, not obeyed.
fn plain(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => '�',
        c if c.is_control() => '�',
        c => c,
    }
}

/// How many cells of a monospaced line a character takes: Hangul and other wide letters take two.
fn cells(c: char) -> usize {
    match u32::from(c) {
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe4f => 2,
        0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}
