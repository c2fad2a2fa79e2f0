//! The structure of the sources: which room uses which, what each file begins with, how long it is, and
//! whether the documents speak of files that exist.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The rooms from the ground up: each may use only those before it.
const ROOMS: [&str; 10] =
    ["abi", "packet", "netfilter", "net", "query", "lab", "session", "say", "cli", "ui"];

/// The longest file, in lines without its tests.
const MAX_LINES: usize = 500;

fn sources(dir: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from(dir)];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "no sources under {dir}");
    found.sort();
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a readable source")
}

/// The part of a file before its tests.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

#[test]
fn rooms_use_only_rooms_above_them() {
    let mut wrong = Vec::new();
    for path in sources("src") {
        let relative = path.strip_prefix("src").expect("below src");
        let Some(own) = relative.components().next().and_then(|c| c.as_os_str().to_str()) else { continue };
        let Some(place) = ROOMS.iter().position(|r| *r == own.trim_end_matches(".rs")) else { continue };
        for (number, line) in read(&path).lines().enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            for used in code.split("crate::").skip(1) {
                let room: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if ROOMS.iter().position(|r| *r == room).is_some_and(|p| p > place) {
                    wrong.push(format!("{}:{}: {own} uses {room}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_is_in_the_list() {
    let known: BTreeSet<_> = ROOMS.into_iter().collect();
    for entry in std::fs::read_dir("src").expect("src").flatten().filter(|e| e.path().is_dir()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(known.contains(name.as_str()), "src/{name} is in no list of rooms");
    }
}

#[test]
fn every_file_says_what_it_is() {
    for path in sources("src").into_iter().chain(sources("tests")) {
        assert!(read(&path).starts_with("//! "), "{} has no header", path.display());
    }
}

#[test]
fn no_file_is_too_long() {
    for path in sources("src") {
        let lines = without_tests(&read(&path)).lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines; at most {MAX_LINES}", path.display());
    }
}

#[test]
fn documents_name_files_that_exist() {
    for document in ["ARCHITECTURE.md", "README.md", "CONTRIBUTING.md"] {
        let text = std::fs::read_to_string(document).expect("a document");
        for word in text.split('`').skip(1).step_by(2) {
            let is_path =
                word.starts_with("src/") || word.starts_with("tests/") || word.starts_with("static/");
            let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            assert!(
                !is_path || !plain || Path::new(word).exists(),
                "{document} names {word}, which is not there"
            );
        }
    }
}
