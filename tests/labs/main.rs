//! Labs: what a real kernel did with each probe, in six layers, against what the model says.
//!
//! `known.rs` lists what differs and why; `docs/fidelity.md` is written of the same figures by `./x fidelity`.
#![cfg(not(target_arch = "wasm32"))]

mod features;
mod known;
mod page;

use known::KNOWN;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use vitrine::lab::{Difference, Lab, Layer, Run, compare, run};

/// Folders with `labs` and `truth`.
const FOLDERS: [&str; 2] = ["tests/data", "tests/data/networks"];

/// A probe, and how it compares.
struct Compared {
    /// Its name; with a prime for each earlier one of that name.
    key: String,
    differences: Vec<Difference>,
}

/// A lab that was run.
struct Tried {
    /// The file's name without its ending; labs of both folders have different ones.
    name: String,
    lab: Lab,
    truth: Value,
    run: Run,
    probes: Vec<Compared>,
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn files() -> Vec<PathBuf> {
    let entries = |folder: &str| std::fs::read_dir(Path::new(folder).join("labs")).expect("a folder of labs");
    let mut all: Vec<PathBuf> =
        FOLDERS.iter().flat_map(|f| entries(f)).map(|e| e.expect("an entry").path()).collect();
    all.sort();
    all
}

fn try_lab(path: &Path) -> Tried {
    let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
    let folder = path.parent().and_then(Path::parent).expect("a folder");
    let lab: Lab = read(path).parse().unwrap_or_else(|e| panic!("{name}: {e}"));
    let truth = read(&folder.join("truth").join(format!("{name}.json")));
    let truth: Value = serde_json::from_str(&truth).unwrap_or_else(|e| panic!("{name}: {e}"));
    let run = run(&lab).unwrap_or_else(|e| panic!("{name}: {e}"));
    let told = run.to_json();
    let recorded = truth["probes"].as_array().map_or(0, Vec::len);
    assert_eq!(recorded, lab.probes.len(), "{name}: another lab was recorded");
    let mut seen = BTreeSet::new();
    let probes = truth["probes"].as_array().into_iter().flatten().enumerate();
    let probes = probes.map(|(number, linux)| {
        let mut key = linux["name"].as_str().unwrap_or_default().to_owned();
        while !seen.insert(key.clone()) {
            key.push('\'');
        }
        // One by one, since names repeat.
        let model = told["probes"].get(number).map_or(json!([]), |p| json!([p]));
        Compared {
            key,
            differences: compare(&json!({"probes": [linux]}), &json!({"probes": model})).differences,
        }
    });
    Tried { probes: probes.collect(), name, lab, truth, run }
}

/// All labs, run on two threads.
fn all() -> Vec<Tried> {
    let files = files();
    let half =
        |n: usize| -> Vec<Tried> { files.iter().skip(n).step_by(2).map(|path| try_lab(path)).collect() };
    let mut all = std::thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        let mut all = half(0);
        all.extend(other.join().expect("the other half"));
        all
    });
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let names: BTreeSet<&str> = all.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names.len(), files.len(), "two labs of one name");
    all
}

/// Every probe is as Linux had it, in every layer, but those that are known to differ; and these do.
#[test]
fn labs_agree_with_linux() {
    let all = all();
    let mut told = String::new();
    let mut differing = BTreeSet::new();
    for Tried { name, probes, .. } in &all {
        for Compared { key, differences } in probes {
            for difference in differences {
                let key = (name.clone(), key.clone(), difference.layer);
                if !known::has(&key) {
                    told += &format!("{name}: {difference}\n");
                }
                differing.insert(key);
            }
        }
    }
    let probes: usize = all.iter().map(|tried| tried.probes.len()).sum();
    assert!(all.len() >= 80 && probes >= 600, "{} labs, {probes} probes", all.len());
    for key in known::all().filter(|key| !differing.contains(key)) {
        told += &format!("{}: {}: {} is known to differ, and is equal\n", key.0, key.1, key.2.name());
    }
    assert!(told.is_empty(), "{told}");
    assert!(KNOWN.iter().all(|known| !known.why.is_empty()));
}

/// `docs/fidelity.md` is up to date: `./x fidelity` writes it anew.
#[test]
fn the_page_of_figures_is_up_to_date() {
    expect_test::expect_file!["../../docs/fidelity.md"].assert_eq(&page::page(&all()));
}

/// A comparison that cannot fail proves nothing.
#[test]
fn what_a_truth_says_counts() {
    let path = Path::new(FOLDERS[1]).join("labs/policy-drop-input.json");
    let Tried { truth, run, probes, .. } = try_lab(&path);
    assert!(probes.iter().all(|p| p.differences.is_empty()));
    for (at, layer) in [
        ("/probes/0/journey/0/fate", Layer::Fate),
        ("/probes/0/journey/0/path/0/chain", Layer::Path),
        ("/probes/0/journey/0/packet/ttl", Layer::Packet),
        ("/probes/0/conntrack/b/table/0/status", Layer::State),
        ("/probes/0/result/connect", Layer::Ends),
        ("/probes/0/counters/b/filter~1INPUT~11", Layer::Counters),
    ] {
        let mut wrong = truth.clone();
        *wrong.pointer_mut(at).unwrap_or_else(|| panic!("{at} in the truth")) = json!("something else");
        let layers: Vec<Layer> =
            compare(&wrong, &run.to_json()).differences.iter().map(|d| d.layer).collect();
        assert_eq!(layers, [layer], "{at}");
    }
}
