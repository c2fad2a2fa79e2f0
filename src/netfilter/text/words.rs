//! The words of a line of a dump, split as iptables-restore splits them.

use smol_str::SmolStr;

/// One word with its place in the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The text, quotes and escapes taken off.
    pub text: SmolStr,
    /// The byte in the line at which it starts.
    pub at: usize,
    /// Its length in the line in bytes, quotes and escapes included.
    pub len: usize,
}

/// A line's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The words. The last of them runs to the line's end where a quote is never closed.
    pub words: Vec<Word>,
    /// The byte at which a quote opens that is never closed.
    pub open_quote: Option<usize>,
}

/// Splits at blanks outside double quotes; in quotes a backslash takes the next character as it is
/// (`add_param_to_argv` of iptables 1.8.9). Single quotes mean nothing. An open quote takes all that follows, the
/// line's end as well.
///
/// ```
/// use vitrine::netfilter::text::split;
/// let line = split(r#"--comment "a \"b\"" -j X"#);
/// let texts: Vec<_> = line.words.iter().map(|w| w.text.as_str()).collect();
/// assert_eq!(texts, ["--comment", "a \"b\"", "-j", "X"]);
/// assert_eq!(split(r#"a "b c"#).words[1].text, "b c\n");
/// ```
pub fn split(line: &str) -> Split {
    split_from(line, 0)
}

/// Splits what follows a byte of the line; places are those in the whole line.
pub(in crate::netfilter) fn split_from(line: &str, from: usize) -> Split {
    let mut words = Vec::with_capacity(16);
    let bytes = line.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        if is_blank(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && !is_blank(bytes[at]) && bytes[at] != b'"' {
            at += 1;
        }
        if at < bytes.len() && bytes[at] == b'"' {
            let (text, end, open_quote) = quoted(line, start);
            words.push(Word { text, at: start, len: end - start });
            if open_quote.is_some() {
                return Split { words, open_quote };
            }
            at = end;
        } else {
            words.push(Word { text: SmolStr::new(&line[start..at]), at: start, len: at - start });
        }
    }
    Split { words, open_quote: None }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n')
}

/// A word that has a quote in it: its text, where it ends, and where a quote opens that is never closed.
fn quoted(line: &str, start: usize) -> (SmolStr, usize, Option<usize>) {
    let mut text = String::new();
    let mut quote = None;
    let mut chars = line[start..].char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => quote = if quote.is_some() { None } else { Some(start + at) },
            '\\' if quote.is_some() => text.extend(chars.next().map(|(_, next)| next)),
            ' ' | '\t' | '\n' if quote.is_none() => return (text.into(), start + at, None),
            _ => text.push(c),
        }
    }
    if quote.is_some() {
        text.push('\n');
    }
    (text.into(), line.len(), quote)
}

/// A word as iptables-save prints it (`xtables_save_string`): bare if it is made of letters, digits, `_` and `-`
/// alone, else in double quotes with `"`, `\` and `'` escaped.
///
/// ```
/// use vitrine::netfilter::text::quote;
/// assert_eq!(quote("plain-word"), "plain-word");
/// assert_eq!(quote("it's \"x\""), r#""it\'s \"x\"""#);
/// ```
pub fn quote(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if !text.is_empty() && text.chars().all(bare) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '\'') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}
