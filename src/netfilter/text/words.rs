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

/// Why a line could not be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenQuote {
    /// The byte at which the quote opens.
    pub at: usize,
}

/// Splits at blanks outside double quotes; a backslash takes the next character as it is, inside and
/// outside of quotes (`add_param_to_argv` of iptables 1.8.9). Single quotes mean nothing.
///
/// ```
/// use vitrine::netfilter::text::split;
/// let words = split(r#"--comment "a \"b\"" -j X"#).unwrap();
/// let texts: Vec<_> = words.iter().map(|w| w.text.as_str()).collect();
/// assert_eq!(texts, ["--comment", "a \"b\"", "-j", "X"]);
/// ```
pub fn split(line: &str) -> Result<Vec<Word>, OpenQuote> {
    let mut words = Vec::with_capacity(16);
    let mut text = String::new();
    let mut start = None;
    let mut quote = None;
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                start.get_or_insert(at);
                quote = if quote.is_some() { None } else { Some(at) };
            }
            '\\' if quote.is_some() => {
                start.get_or_insert(at);
                if let Some((_, next)) = chars.next() {
                    text.push(next);
                }
            }
            ' ' | '\t' | '\n' if quote.is_none() => {
                if let Some(from) = start.take() {
                    words.push(Word { text: SmolStr::new(&text), at: from, len: at - from });
                    text.clear();
                }
            }
            _ => {
                start.get_or_insert(at);
                text.push(c);
            }
        }
    }
    if let Some(at) = quote {
        return Err(OpenQuote { at });
    }
    if let Some(from) = start {
        words.push(Word { text: SmolStr::new(&text), at: from, len: line.len() - from });
    }
    Ok(words)
}

/// A word as iptables-save prints it (`xtables_save_string`): bare if it is made of letters, digits and
/// `_-.,:/@+=` … alone, else in double quotes with `"`, `\` and `'` escaped.
///
/// ```
/// use vitrine::netfilter::text::quote;
/// assert_eq!(quote("plain-word"), "plain-word");
/// assert_eq!(quote("it's \"x\""), r#""it\'s \"x\"""#);
/// ```
pub fn quote(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
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
