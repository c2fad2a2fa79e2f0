//! What `ipset save` and `iptables-save` printed, pasted as one text, taken apart.

/// Takes apart a text that holds what `ipset save` and `iptables-save` printed, in any order: the rules, and the sets
/// if there are any. Each part keeps the place of its lines; the other's are empty.
///
/// ```
/// use vitrine::session::split_sets;
/// let (rules, sets) = split_sets("create bad hash:ip\nadd bad 203.0.113.9\n*filter\nCOMMIT\n");
/// assert_eq!(rules, "\n\n*filter\nCOMMIT\n");
/// assert_eq!(sets.unwrap(), "create bad hash:ip\nadd bad 203.0.113.9\n\n\n");
/// assert_eq!(split_sets("*filter\nCOMMIT\n").1, None);
/// ```
pub fn split_sets(text: &str) -> (String, Option<String>) {
    if !text.lines().any(is_of_sets) {
        return (text.to_owned(), None);
    }
    let (mut rules, mut sets) = (String::with_capacity(text.len()), String::new());
    for line in text.split_inclusive('\n') {
        let (whole, blank) = if is_of_sets(line) { (&mut sets, &mut rules) } else { (&mut rules, &mut sets) };
        whole.push_str(line);
        if line.ends_with('\n') {
            blank.push('\n');
        }
    }
    (rules, Some(sets))
}

/// `ipset save` prints nothing else (ipset(8)), and no line of a dump of rules begins so.
fn is_of_sets(line: &str) -> bool {
    line.starts_with("create ") || line.starts_with("add ")
}
