//! Commands as lines: `restore`, and the program as a prompt.

use super::args::Fault;
use super::{Done, Exit, Session};

/// The most words of a line.
const WORDS_MAX: usize = 31;

impl Session<'_> {
    /// Reads a dump. Elements are handed to the kernel together; a line that is wrong loses those that wait.
    pub(super) fn restore(&mut self) -> Done {
        for line in self.stdin.split_inclusive('\n') {
            self.line += 1;
            let text = line.trim_start();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            if matches!(text, "COMMIT\n" | "COMMIT\r\n") {
                self.commit()?;
                continue;
            }
            let words = split(text).or_else(|fault| self.fail(fault).map(|()| Vec::new()))?;
            self.command(&words)?;
        }
        self.commit()
    }

    /// Reads commands from a prompt until there are no more.
    pub(super) fn interact(&mut self) -> Done {
        self.interactive = true;
        self.out.stdout += "ipset> ";
        for line in self.stdin.split_inclusive('\n') {
            let text = line.trim_start();
            if text.is_empty() || text.starts_with('#') {
                self.out.stdout += "ipset> ";
            } else if let Ok(words) = split(text) {
                self.command(&words)?;
            }
            self.out.stdout += "ipset> ";
        }
        Err(Exit(0))
    }
}

/// Splits a line at blanks that stand in no quotes.
fn split(line: &str) -> Result<Vec<String>, Fault> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if words.len() >= WORDS_MAX {
            return Err(Fault::Usage("Line is too long to parse.".to_owned()));
        }
        let last = chars.peek().is_none();
        match c {
            '"' => quoted = !quoted,
            ' ' | '\r' | '\n' | '\t' if quoted => {
                word.push(c);
                continue;
            }
            ' ' | '\r' | '\n' | '\t' => {}
            _ => word.push(c),
        }
        if !last && !matches!(c, ' ' | '\r' | '\n' | '\t') {
            continue;
        }
        if last && quoted {
            return Err(Fault::Usage("Missing close quote!".to_owned()));
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together() {
        let words = |line| split(line).ok();
        assert_eq!(words("a \"b c\" d\n"), Some(vec!["a".into(), "b c".into(), "d".into()]));
        assert_eq!(words("a \"b c"), None);
    }
}
