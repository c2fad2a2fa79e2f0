//! What the program conntrack answered to words, against the model's.
//!
//! `tests/record/conntrack.sh` made the recording. The order of entries is that of the kernel's hash, and seconds
//! pass: lines are compared in their own order, with seconds left out.
#![cfg(not(target_arch = "wasm32"))]

use vitrine::abi::{Log, Time};
use vitrine::netfilter::conntrack::{Conntrack, program};
use vitrine::netfilter::event::Event;

/// A line without the seconds that are left.
fn timeless(line: &str) -> String {
    let mut words: Vec<&str> = line.split(' ').collect();
    let seconds = |w: &&str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_digit());
    let family = usize::from(line.starts_with("ipv")) * 2;
    if words.iter().any(|w| w.starts_with("src=")) {
        let numbers: Vec<usize> = (0..words.len()).filter(|i| seconds(&words[*i])).collect();
        if let Some(at) = numbers.get(if family > 0 { 2 } else { 1 }) {
            words[*at] = "N";
        }
    }
    if let ["-A", "-t", _, ..] = words.as_slice() {
        words[2] = "N";
    }
    words.join(" ")
}

fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(timeless).collect();
    lines.sort();
    lines
}

#[test]
fn sessions() {
    let text = std::fs::read_to_string("tests/data/conntrack.txt").expect("the recording");
    let mut conntrack = Conntrack::default();
    let mut log: Log<Event> = Log::default();
    let mut wrong = Vec::new();
    let mut count = 0;
    for block in text.split("\n$ ") {
        let block = block.trim_start_matches("$ ");
        let (command, rest) = block.split_once('\n').unwrap_or((block, ""));
        let Some((want, status)) = rest.trim_end().rsplit_once("exit ") else { continue };
        let words: Vec<&str> = command.split_whitespace().collect();
        let out = program::run(&words, &mut conntrack, Time::ZERO, &mut log);
        let got = format!("{}{}", out.stdout, out.stderr);
        count += 1;
        if sorted(want) != sorted(&got) || status.parse() != Ok(out.status) {
            wrong.push(format!(
                "$ {command}\n{want}exit {status}\n--- the model:\n{got}exit {}\n",
                out.status
            ));
        }
    }
    assert!(count > 70, "{count} commands");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}
