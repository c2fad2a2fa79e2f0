//! Rules and rulesets against what iptables 1.8.9 made of them: recorded ones under `tests/data`, and, where it is
//! at hand, the larger collection beside the project (`../shared`, or the directory that `VITRINE_SHARED` names).
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use vitrine::netfilter::text::{Save, Tried, restore, try_rule};
use vitrine::netfilter::{Family, TableName};

/// Where the collection is, if it is.
fn shared() -> Option<PathBuf> {
    let named = std::env::var_os("VITRINE_SHARED").map(PathBuf::from);
    let dir = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    if dir.is_dir() {
        return Some(dir);
    }
    println!("skipped: {} is not there", dir.display());
    None
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn data(dir: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(dir)
}

fn family(name: &str) -> Family {
    if name == "ip6" { Family::Ip6 } else { Family::Ip }
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().map_or(Vec::new(), |list| list.iter().map(|s| s.as_str().unwrap().to_owned()).collect())
}

/// Counts what was equal and what was not.
#[derive(Default)]
struct Tally {
    total: usize,
    wrong: BTreeMap<&'static str, Vec<String>>,
}

impl Tally {
    fn compare<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &'static str,
        case: &str,
        found: T,
        wanted: T,
    ) {
        if found != wanted {
            self.wrong
                .entry(what)
                .or_default()
                .push(format!("{case}\n   ours {found:?}\n  linux {wanted:?}"));
        }
    }

    /// Prints the counts and fails if a case differs that is not known to, or one that is known to does not.
    fn finish(self, name: &str, known: &[(&str, &str)]) {
        for (what, cases) in &self.wrong {
            println!("{name}: {what} differs in {} of {}", cases.len(), self.total);
        }
        println!("{name}: {} cases", self.total);
        let is_known = |case: &str| known.iter().any(|(line, _)| case.lines().next() == Some(line));
        let new: Vec<_> = self.wrong.values().flatten().filter(|case| !is_known(case)).cloned().collect();
        let all: BTreeSet<_> = self.wrong.values().flatten().filter_map(|case| case.lines().next()).collect();
        let mended: Vec<_> = known.iter().filter(|(line, _)| !all.contains(line)).collect();
        assert!(new.is_empty(), "{} differ:\n{}", new.len(), new[..new.len().min(400)].join("\n"));
        assert!(mended.is_empty(), "no longer differ, take them off the list: {mended:?}");
    }
}

fn check_tried(
    tally: &mut Tally,
    case: &str,
    tried: &Tried,
    ok: bool,
    rc: u64,
    save: Vec<String>,
    err: &str,
) {
    tally.total += 1;
    tally.compare("accepted", case, tried.ok, ok);
    tally.compare("exit status", case, u64::from(tried.rc), rc);
    if tried.ok && ok {
        tally.compare("text", case, tried.save.clone(), save);
    }
    if !tried.ok && !ok {
        tally.compare("message", case, tried.err.trim_end(), err.trim_end());
    }
}

#[test]
fn rules_of_other_projects_tests() {
    let Some(shared) = shared() else { return };
    let mut tally = Tally::default();
    for row in lines(&shared.join("truth/iptables-rules/corpus.jsonl")) {
        let table = TableName::by_name(row["table"].as_str().unwrap()).unwrap();
        let argv = strings(&row["argv"]);
        let family = family(row["family"].as_str().unwrap());
        let tried = try_rule(family, table, &argv);
        let nft = &row["nft"];
        let case = format!("{} {table} {}", family.program(), argv.join(" "));
        let (ok, rc) = (nft["ok"].as_bool().unwrap(), nft["rc"].as_u64().unwrap());
        check_tried(
            &mut tally,
            &case,
            &tried,
            ok,
            rc,
            strings(&nft["save"]),
            nft["err"].as_str().unwrap_or(""),
        );
    }
    tally.finish("corpus", &[]);
}

#[test]
fn rules_of_iptables_own_tests() {
    let Some(shared) = shared() else { return };
    let mut tally = Tally::default();
    for row in lines(&shared.join("truth/iptables-rules/extensions.jsonl")) {
        let text = |key: &str| row[key].as_str().unwrap_or("").to_owned();
        let table = TableName::by_name(&text("table")).unwrap();
        let mut argv = vec!["-A".to_owned(), text("chain")];
        argv.extend(shell_words(&text("rule")));
        let family = family(&text("family"));
        let case = format!("{} {table} {} {}", family.program(), text("chain"), text("rule"));
        let (ok, rc) = (row["real_nft_ok"].as_bool().unwrap(), row["real_nft_rc"].as_u64().unwrap());
        let save = strings(&row["real_nft_save"]);
        // Estimators were measured by other rules before.
        if let [before @ .., _] = &save[..]
            && text("extension") == "libxt_rateest.t"
        {
            let dump =
                format!("*{table}\n{}\n-A {} {}\nCOMMIT\n", before.join("\n"), text("chain"), text("rule"));
            let restored = restore(&dump, family);
            let printed = Save { ruleset: &restored.ruleset, counters: false }.to_string();
            tally.total += 1;
            let rules: Vec<_> = printed.lines().filter(|l| l.starts_with('-')).map(String::from).collect();
            tally.compare("text", &case, rules, save);
            continue;
        }
        let tried = try_rule(family, table, &argv);
        check_tried(&mut tally, &case, &tried, ok, rc, save, &text("real_nft_error"));
    }
    tally.finish("extensions", &[]);
}

/// A line's words as a shell splits them: quotes of both kinds, backslashes.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(q), c) if c == q => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Dumps of the collection, each with what iptables-save printed after restoring it.
#[test]
fn dumps_of_real_hosts() {
    let Some(shared) = shared() else { return };
    let rulesets = shared.join("truth/rulesets");
    let index: Value =
        serde_json::from_str(&fs::read_to_string(rulesets.join("index.json")).unwrap()).unwrap();
    let mut tally = Tally::default();
    for row in index.as_array().unwrap() {
        let file = row["file"].as_str().unwrap();
        let bytes = fs::read(rulesets.join("dumps").join(file)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let restored = restore(&text, family(row["family"].as_str().unwrap()));
        let ok = row["nft"]["restore_ok"].as_bool().unwrap();
        tally.total += 1;
        let said = || format!("{file}: {:?}", restored.diagnostics.iter().take(3).collect::<Vec<_>>());
        tally.compare("accepted", &said(), !restored.is_refused() && !restored.has_errors(), ok);
        let saved = rulesets.join("saved").join(file);
        if ok && let Ok(saved) = fs::read_to_string(saved) {
            let printed = Save { ruleset: &restored.ruleset, counters: false }.to_string();
            let wanted = without_comments(&saved);
            for (ours, linux) in printed.lines().zip(wanted.lines()) {
                if ours != linux {
                    tally.compare("text", file, ours, linux);
                    break;
                }
            }
            tally.compare("length", file, printed.lines().count(), wanted.lines().count());
        }
    }
    tally.finish("dumps", &[]);
}

fn without_comments(saved: &str) -> String {
    saved.lines().filter(|l| !l.starts_with('#')).map(|l| format!("{l}\n")).collect()
}

#[test]
fn recorded_rulesets() {
    let mut tally = Tally::default();
    let mut files: Vec<_> = fs::read_dir(data("rulesets")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for path in files.iter().filter(|p| p.extension().is_some_and(|e| e == "rules")) {
        let text = fs::read_to_string(path).unwrap();
        let v6 = path.file_stem().unwrap().to_str().unwrap().ends_with(".v6");
        let restored = restore(&text, if v6 { Family::Ip6 } else { Family::Ip });
        for (ending, counters) in [("saved", false), ("saved-counters", true)] {
            let Ok(saved) = fs::read_to_string(path.with_extension(ending)) else { continue };
            tally.total += 1;
            assert_eq!(restored.diagnostics, [], "{}", path.display());
            let printed = Save { ruleset: &restored.ruleset, counters }.to_string();
            tally.compare("text", &path.display().to_string(), printed, without_comments(&saved));
        }
    }
    assert!(tally.total > 15, "{}", tally.total);
    tally.finish("recorded rulesets", &[]);
}

/// Single lines, each restored in its table beside an empty chain USER.
#[test]
fn recorded_lines() {
    let mut tally = Tally::default();
    for (file, family) in [("v4.jsonl", Family::Ip), ("v6.jsonl", Family::Ip6)] {
        for row in lines(&data("lines").join(file)) {
            let case = row["line"].as_str().unwrap();
            let (table, line) = case.split_once(' ').unwrap();
            let restored = restore(&format!("*{table}\n:USER - [0:0]\n{line}\nCOMMIT\n"), family);
            tally.total += 1;
            let ok = row["exit"].as_u64() == Some(0);
            let taken = !restored.is_refused();
            tally.compare("accepted", case, taken, ok);
            if taken && ok {
                let printed = Save { ruleset: &restored.ruleset, counters: false }.to_string();
                let rules: Vec<_> =
                    printed.lines().filter(|l| l.starts_with('-')).map(String::from).collect();
                tally.compare("text", case, rules, strings(&row["saved"]));
            }
            if !taken && !ok && restored.has_errors() {
                let linux = row["error"].as_str().unwrap_or("");
                let ours = restored.diagnostics.iter().find(|d| d.is_refused()).unwrap().problem.to_string();
                if !linux.contains(&ours) {
                    tally.compare("message", case, &ours[..], linux);
                }
            }
        }
    }
    assert!(tally.total > 400, "{}", tally.total);
    tally.finish("recorded lines", KNOWN);
}

/// Recorded lines that differ, each with the reason.
const KNOWN: &[(&str, &str)] = &[
    ("filter -A INPUT -j OUTPUT", "a built-in chain that no line named is not there yet"),
    ("filter -R INPUT 1 -j ACCEPT", "the same"),
    ("filter -P INPUT REJECT", "iptables-restore says it shorter than iptables"),
    ("filter [12] -A INPUT -j ACCEPT", "in words of our own"),
    ("filter [5] -A INPUT -p tcp -j ACCEPT", "the same"),
];
