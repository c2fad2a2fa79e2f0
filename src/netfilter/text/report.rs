//! What is wrong in a dump, shown as a compiler would.

use super::diagnostic::{Diagnostic, Severity};
use codespan_reporting::diagnostic as shown;
use codespan_reporting::files::SimpleFile;
use codespan_reporting::term::{self, Config};

/// A line longer than this is cut in the report, so that one line of a huge file does not fill the screen.
const MAX_LINE: usize = 400;

/// Shows each diagnostic with its line and a mark under the word.
///
/// ```
/// use vitrine::netfilter::{Family, text::{report, restore}};
/// let text = "*filter\n-A INPUT -p tpc -j ACCEPT\nCOMMIT\n";
/// let shown = report("host.rules", text, &restore(text, Family::Ip).diagnostics);
/// assert!(shown.contains("host.rules:2:13"), "{shown}");
/// assert!(shown.contains("unknown protocol \"tpc\" specified"));
/// ```
pub fn report(name: &str, text: &str, diagnostics: &[Diagnostic]) -> String {
    // Only the lines in question are handed on: a file may have half a million.
    let mut out = String::new();
    let lines: Vec<&str> = text.split('\n').collect();
    for diagnostic in diagnostics {
        let line = lines.get(diagnostic.line as usize - 1).copied().unwrap_or_default();
        let line = line.trim_end_matches('\r');
        let end = line.floor_char_boundary(MAX_LINE.max(diagnostic.column + diagnostic.len).min(line.len()));
        let padded = format!("{}{}", "\n".repeat(diagnostic.line as usize - 1), &line[..end]);
        let start = diagnostic.line as usize - 1;
        let from = start + line.floor_char_boundary(diagnostic.column.min(end));
        let to = match diagnostic.len {
            0 => start + end,
            len => start + line.floor_char_boundary((diagnostic.column + len).min(end)),
        };
        let severity = match diagnostic.severity() {
            Severity::Error => shown::Severity::Error,
            Severity::Warning => shown::Severity::Warning,
        };
        let message = diagnostic.problem.to_string();
        let label = shown::Label::primary((), from..to.max(from));
        let diagnostic = shown::Diagnostic::new(severity).with_message(message).with_labels(vec![label]);
        let file = SimpleFile::new(name, padded);
        if let Ok(text) = term::emit_into_string(&Config::default(), &file, &diagnostic) {
            out += &text;
        }
    }
    out
}
