//! `vitrine lab record` on this machine's own kernel, against what was recorded of it before. Where there is no
//! root or a tool is missing this is told as skipped; `VITRINE_NEED_ROOT=1` makes that a failure.
#![cfg(target_os = "linux")]

use serde_json::Value;
use std::collections::BTreeSet;
use vitrine::lab::verify::{VerifyError, record};
use vitrine::lab::{Lab, Layer, compare};

/// Whether a lab cannot be run here; says so.
fn skipped(error: &VerifyError) -> bool {
    let cannot = matches!(error, VerifyError::Rights(_) | VerifyError::Tool(_));
    if cannot {
        println!("skipped: {error}");
        assert!(std::env::var_os("VITRINE_NEED_ROOT").is_none(), "VITRINE_NEED_ROOT is set");
    }
    cannot
}

/// A run without the hosts that a truth tells nothing of: recordings in `tests/data` have only the hosts with rules.
fn of_hosts_in(truth: &Value, mut run: Value) -> Value {
    let probes = |run: &Value| run["probes"].as_array().cloned().unwrap_or_default();
    let passes = |probe: &Value| probe["journey"].as_array().cloned().unwrap_or_default();
    let hosts: BTreeSet<String> = probes(truth)
        .iter()
        .flat_map(|probe| {
            passes(probe).into_iter().filter_map(|pass| pass["host"].as_str().map(str::to_owned))
        })
        .collect();
    assert!(!hosts.is_empty(), "the truth has no host");
    for probe in run["probes"].as_array_mut().expect("probes") {
        if let Some(passes) = probe["journey"].as_array_mut() {
            passes.retain(|pass| pass["host"].as_str().is_some_and(|host| hosts.contains(host)));
        }
        for part in ["conntrack", "counters"] {
            if let Some(by_host) = probe[part].as_object_mut() {
                by_host.retain(|host, _| hosts.contains(host));
            }
        }
    }
    run
}

#[test]
fn the_kernel_does_what_was_recorded() {
    for name in ["chains", "reject", "v6", "nat"] {
        let text = std::fs::read_to_string(format!("tests/data/labs/{name}.json")).expect("a lab");
        let truth = std::fs::read_to_string(format!("tests/data/truth/{name}.json")).expect("a truth");
        let truth: Value = serde_json::from_str(&truth).expect("JSON");
        let lab: Lab = text.parse().expect("a lab");
        let told = match record(&lab) {
            Ok(told) => of_hosts_in(&truth, told),
            Err(error) if skipped(&error) => return,
            Err(error) => panic!("{name}: {error}"),
        };
        let found = compare(&truth, &told);
        // What listeners got is not part of those recordings.
        let wrong = found.differences.iter().filter(|d| d.layer != Layer::Ends);
        let wrong: Vec<_> = wrong.map(ToString::to_string).collect();
        assert!(wrong.is_empty(), "{name}: {}", wrong.join("\n"));
    }
}

#[test]
fn what_the_kernel_refuses_is_told() {
    let text = r#"{"name": "n", "hosts": {"a": {"routes": ["default via 10.0.0.1"]}}, "probes": []}"#;
    match record(&text.parse().expect("a lab")) {
        Err(error) if skipped(&error) => {}
        Err(VerifyError::Refused { host, tool, message }) => {
            assert_eq!((host.as_str(), tool.as_str()), ("a", "ip"));
            assert!(message.contains("Nexthop has invalid gateway"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    let legacy = r#"{"name": "n", "backend": "legacy", "hosts": {"a": {}}, "probes": []}"#;
    assert!(matches!(record(&legacy.parse().expect("a lab")), Err(VerifyError::Legacy(host)) if host == "a"));
}
