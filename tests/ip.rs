//! What the real `ip` of iproute2 6.1 printed, refused and answered, word for word, against the model's.
#![cfg(not(target_arch = "wasm32"))]

use serde_json::Value;
use std::path::{Path, PathBuf};
use vitrine::abi::Log;
use vitrine::net::{Event, Host, ip};

/// The neighbours' order in Linux follows a secret: lines are compared sorted where only neighbours are shown.
fn comparable(argv: &[String], text: &str) -> String {
    let neighbours = argv.iter().find(|w| !w.starts_with('-')).is_some_and(|w| w.starts_with('n'));
    if !neighbours {
        // Which of two devices begins with IPv6 first is a race in Linux.
        let mut lines: Vec<&str> = text.split('\n').collect();
        for start in ["fe80::/64 dev", "multicast ff00::/8 dev"] {
            let at: Vec<usize> = (0..lines.len()).filter(|i| lines[*i].starts_with(start)).collect();
            let mut sorted: Vec<&str> = at.iter().map(|i| lines[*i]).collect();
            sorted.sort_unstable();
            at.iter().zip(sorted).for_each(|(i, line)| lines[*i] = line);
        }
        return lines.join("\n");
    }
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn sessions(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("data").flatten().map(|f| f.path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "jsonl"));
    files.sort();
    files
}

/// Replays a session; what differs, and how many commands were compared. A session ends at its first difference:
/// what follows follows from it.
fn replay(file: &Path, count: &mut usize) -> Option<String> {
    let mut host = Host::new(true);
    let text = std::fs::read_to_string(file).expect("a session");
    for (number, line) in text.lines().enumerate() {
        let step: Value = serde_json::from_str(line).expect("JSON");
        let argv: Vec<String> = serde_json::from_value(step["run"].clone()).expect("words");
        let real = |key: &str| step[key].as_str().unwrap_or_default();
        let want =
            (step["status"].as_i64().unwrap_or(0), comparable(&argv, real("out")), real("err").to_owned());
        let got = match ip::run(&argv, &mut host, &mut Log::<Event>::default()) {
            Ok(done) => (i64::from(done.status), comparable(&argv, &done.stdout), done.stderr),
            Err(why) => (-1, String::new(), why.to_string()),
        };
        *count += 1;
        if want != got {
            let at = format!("{}:{}: ip {}", file.display(), number + 1, argv.join(" "));
            return Some(format!(
                "{at}\n--- real [{}]\n{}{}\n--- here [{}]\n{}{}",
                want.0, want.1, want.2, got.0, got.1, got.2
            ));
        }
    }
    None
}

fn all(folder: &Path, least: usize) {
    let mut count = 0;
    let wrong: Vec<String> = sessions(folder).iter().filter_map(|f| replay(f, &mut count)).collect();
    assert!(count >= least, "{count} commands");
    assert!(wrong.is_empty(), "{} sessions differ:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn recorded_sessions() {
    all(Path::new("tests/data/ip"), 1000);
}

/// Further sessions, from a folder that the environment names.
#[test]
fn further_sessions() {
    if let Some(folder) = std::env::var_os("IP_SESSIONS") {
        all(Path::new(&folder), 1);
    }
}
