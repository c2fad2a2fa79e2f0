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
use vitrine::lab::{Comparison, Lab, Layer, Run, compare, run};

/// Folders with `labs` and `truth`; of the first, truths tell one host alone, the machine under test.
const FOLDERS: [&str; 2] = ["tests/data", "tests/data/networks"];

/// A lab that was run, and how it compares.
struct Compared {
    /// The file's name without its ending; labs of both folders have different ones.
    name: String,
    lab: Lab,
    truth: Value,
    run: Run,
    comparison: Comparison,
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

/// Of a run what a truth of one host tells: its journey, connections and counters.
fn of_host(mut run: Value, host: &str) -> Value {
    for probe in run["probes"].as_array_mut().into_iter().flatten() {
        if let Some(passes) = probe["journey"].as_array_mut() {
            passes.retain(|pass| pass["host"] == host);
        }
        for key in ["conntrack", "counters"] {
            if let Some(hosts) = probe[key].as_object_mut() {
                hosts.retain(|name, _| name == host);
            }
        }
    }
    run
}

fn compare_lab(path: &Path) -> Compared {
    let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
    let folder = path.parent().and_then(Path::parent).expect("a folder");
    let lab: Lab = read(path).parse().unwrap_or_else(|e| panic!("{name}: {e}"));
    let truth = read(&folder.join("truth").join(format!("{name}.json")));
    let truth: Value = serde_json::from_str(&truth).unwrap_or_else(|e| panic!("{name}: {e}"));
    let run = run(&lab).unwrap_or_else(|e| panic!("{name}: {e}"));
    let told = match folder == Path::new(FOLDERS[0]) {
        true => of_host(run.to_json(), "host"),
        false => run.to_json(),
    };
    let comparison = compare(&truth, &told);
    Compared { name, lab, truth, run, comparison }
}

/// All labs, run on two threads.
fn all() -> Vec<Compared> {
    let files = files();
    let half = |n: usize| -> Vec<Compared> {
        files.iter().skip(n).step_by(2).map(|path| compare_lab(path)).collect()
    };
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
    for Compared { name, comparison, .. } in &all {
        for difference in &comparison.differences {
            let key = (name.clone(), difference.probe.clone(), difference.layer);
            if !known::has(&key) {
                told += &format!("{name}: {difference}\n");
            }
            differing.insert(key);
        }
    }
    let probes: usize = all.iter().map(|c| c.comparison.score(Layer::Fate).of).sum();
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
    let Compared { truth, run, comparison, .. } = compare_lab(&path);
    assert_eq!(comparison.differences, []);
    for (at, layer) in [
        ("/probes/0/journey/0/fate", Layer::Fate),
        ("/probes/0/journey/1/path/0/chain", Layer::Path),
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
