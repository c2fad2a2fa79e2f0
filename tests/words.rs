//! The page's texts: both languages have the same keys, and the code uses those and no others.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn keys(lang: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(format!("static/locales/{lang}/ui.ftl")).expect("the texts are there");
    let line =
        |l: &str| Some(l.split_once(" =")?.0.to_owned()).filter(|k| !k.starts_with([' ', '#', '*', '[']));
    text.lines().filter_map(line).collect()
}

fn sources(dir: &Path, all: &mut String) {
    for entry in fs::read_dir(dir).expect("the page's sources are there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, all);
        } else {
            all.push_str(&fs::read_to_string(&path).expect("a source file"));
        }
    }
}

/// The literal keys in `words.get("…")` and `words.with("…", …)`.
fn used() -> BTreeSet<String> {
    let mut all = String::new();
    sources(Path::new("src/ui"), &mut all);
    let literal = |rest: &str| {
        let key = rest.trim_start().strip_prefix('"')?.split('"').next()?;
        Some(key.to_owned())
            .filter(|k| k.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'))
    };
    [".get(", ".with("].iter().flat_map(|call| all.split(call).skip(1).filter_map(literal)).collect()
}

#[test]
fn both_languages_say_the_same_things() {
    assert_eq!(keys("en"), keys("ko"));
}

#[test]
fn every_key_that_the_page_uses_is_there() {
    let missing: Vec<_> = used().difference(&keys("en")).cloned().collect();
    assert!(missing.is_empty(), "no text for {missing:?}");
}

#[test]
fn every_text_is_used() {
    let unused: Vec<_> = keys("en").difference(&used()).cloned().collect();
    assert!(unused.is_empty(), "nobody says {unused:?}");
}
