//! Texts in a bash script.

/// A text as one word of a shell: in single quotes, in which only a single quote means something.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A text on one line of a comment.
pub fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A text as a here-document: the quoted word after `<<`, the text, and the word on a line of its own. The word
/// is one that the text has no line of; quoted, it keeps the shell from reading anything in the text. `rest` is
/// the rest of the command's line.
pub fn here(text: &str, rest: &str) -> String {
    let mut word = "END".to_owned();
    while text.lines().any(|line| line == word) {
        word.push('_');
    }
    let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("'{word}'{rest}\n{text}{newline}{word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_quotation() {
        assert_eq!(quoted("a'; rm -r x; '"), r"'a'\''; rm -r x; '\'''");
        assert_eq!(comment("a\nrm -r x\r\u{85}y"), "a rm -r x  y");
        assert_eq!(here("a\nEND\nEND_\nb", ""), "'END__'\na\nEND\nEND_\nb\nEND__");
    }
}
