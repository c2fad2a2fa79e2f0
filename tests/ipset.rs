//! What the real ipset said, word for word, against the model's.
#![cfg(not(target_arch = "wasm32"))]

use serde_json::Value;
use vitrine::abi::{Duration, Time};
use vitrine::netfilter::Family;
use vitrine::netfilter::ipset::{SetChange, Sets, input_file, run};
use vitrine::netfilter::text::restore_with;

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(String::from).collect()
}

/// The text with the numbers behind `timeout` made coarse: real time passed while it was recorded.
fn coarse(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("timeout") {
        let (before, after) = rest.split_at(at + "timeout".len());
        out += before;
        let digits = after[1..].find(|c: char| !c.is_ascii_digit()).map_or(after.len(), |n| n + 1);
        match after.get(1..digits).and_then(|n| n.parse::<u64>().ok()) {
            Some(n) if n > 100 => {
                out += &format!("{}~{}", &after[..1], (n + 50) / 100);
                rest = &after[digits..];
            }
            _ => rest = after,
        }
    }
    out + rest
}

#[test]
fn recorded_sessions() {
    let mut count = 0;
    let mut wrong = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir("tests/data/ipset").expect("data").flatten().collect();
    files.sort_by_key(|f| f.path());
    for file in files {
        let mut sets = Sets::default();
        let text = std::fs::read_to_string(file.path()).expect("a session");
        for (number, line) in text.lines().enumerate() {
            let step: Value = serde_json::from_str(line).expect("JSON");
            let argv: Vec<String> = serde_json::from_value(step["run"].clone()).expect("words");
            let text = |key: &str| step[key].as_str().unwrap_or_default();
            let done = run(&argv, text("stdin"), &mut sets, Time::ZERO);
            let want = (step["status"].as_u64().unwrap_or(0), coarse(text("out")), text("err").to_owned());
            let got = (u64::from(done.status), coarse(&done.stdout), done.stderr);
            count += 1;
            if want != got {
                let name = file.file_name();
                wrong.push(format!(
                    "{}:{}: {argv:?}\n  real {want:?}\n  here {got:?}",
                    name.display(),
                    number + 1
                ));
            }
        }
    }
    assert!(count > 1500, "{count} commands");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn an_element_goes_when_its_time_is_up_and_says_so() {
    let mut sets = Sets::default();
    let at = |seconds| Time::ZERO.after(Duration::from_secs(seconds));
    run(&words("create a hash:ip timeout 10"), "", &mut sets, at(0));
    run(&words("add a 10.0.0.1"), "", &mut sets, at(0));
    run(&words("add a 10.0.0.2 timeout 0"), "", &mut sets, at(0));
    assert_eq!(run(&words("test a 10.0.0.1"), "", &mut sets, at(9)).status, 0);
    let later = run(&words("test a 10.0.0.1"), "", &mut sets, at(10));
    assert_eq!(later.status, 1);
    assert_eq!(later.changes[0].change, SetChange::Expired("10.0.0.1".into()));
    assert_eq!(sets.get("a").map(|s| s.len()), Some(1));
}

/// Types that the recording kernel was built without; what they hold follows the kernel's sources.
#[test]
fn types_without_a_recording() {
    let mut sets = Sets::default();
    let mut status = |line: &str| run(&words(line), "", &mut sets, Time::ZERO).status;
    for (kind, elem, other) in [
        ("hash:mac", "02:00:00:00:00:01", "02:00:00:00:00:02"),
        ("hash:ip,mac", "10.0.0.1,02:00:00:00:00:01", "10.0.0.2,02:00:00:00:00:01"),
        ("hash:ip,mark", "10.0.0.1,0x10", "10.0.0.1,0x11"),
        ("hash:net,net", "10.0.0.0/24,10.1.0.0/16", "10.0.0.1,10.2.0.1"),
        ("hash:net,port,net", "10.0.0.0/24,tcp:80,0.0.0.0/0", "10.0.0.0/24,udp:80,0.0.0.0/0"),
    ] {
        assert_eq!(status(&format!("create a {kind}")), 0, "{kind}");
        assert_eq!(status(&format!("add a {elem}")), 0, "{kind}");
        assert_eq!(status(&format!("add a {elem}")), 1, "{kind}");
        assert_eq!(status(&format!("test a {elem}")), 0, "{kind}");
        assert_eq!(status(&format!("test a {other}")), 1, "{kind}");
        assert_eq!(status("destroy a"), 0, "{kind}");
    }
    assert_eq!(status("create b hash:net,net"), 0);
    assert_eq!(status("add b 10.0.0.0/8,10.0.0.0/8"), 0);
    assert_eq!(status("add b 10.1.0.0/16,10.1.0.0/16 nomatch"), 0);
    assert_eq!(status("test b 10.1.0.1,10.2.0.1"), 0);
    assert_eq!(status("test b 10.1.0.1,10.1.0.1"), 1);
}

#[test]
fn a_set_that_a_rule_names_stays() {
    let mut nf = vitrine::netfilter::Netfilter::default();
    run(&words("create a hash:ip"), "", &mut nf.sets, Time::ZERO);
    run(&words("create b hash:ip"), "", &mut nf.sets, Time::ZERO);
    let dump = "*filter\n-A INPUT -m set --match-set a src -j SET --add-set a src\nCOMMIT\n";
    let ruleset = restore_with(dump, Family::Ip, Some(&nf.sets)).usable().expect("rules");
    nf.load(ruleset.into());
    let mut said = |line: &str| run(&words(line), "", &mut nf.sets, Time::ZERO).stderr;
    let busy = "ipset v7.17: Set cannot be destroyed: it is in use by a kernel component\n";
    assert_eq!(said("destroy a"), busy);
    assert_eq!(said("rename a c"), "ipset v7.17: Set cannot be renamed: it is in use by another system\n");
    assert_eq!(said("swap a b"), "");
    assert_eq!(said("destroy a"), busy);
    assert_eq!(said("destroy b"), "");
    assert_eq!(nf.sets.references("a"), 2);
}

#[test]
fn iptables_asks_for_the_sets_that_there_are() {
    let mut sets = Sets::default();
    run(&words("create six hash:ip family inet6"), "", &mut sets, Time::ZERO);
    run(&words("create a hash:ip"), "", &mut sets, Time::ZERO);
    let said = |rule: &str| {
        let dump = format!("*filter\n-A INPUT {rule}\nCOMMIT\n");
        let restored = restore_with(&dump, Family::Ip, Some(&sets));
        restored.diagnostics.first().map(|d| d.problem.to_string()).unwrap_or_default()
    };
    assert_eq!(said("-m set --match-set nosuch foo"), "Set nosuch doesn't exist.");
    assert_eq!(said("-j SET --add-set nosuch src"), "Set nosuch doesn't exist.");
    assert_eq!(
        said("-m set --match-set six src"),
        "The protocol family of set six is IPv6, which is not applicable."
    );
    assert_eq!(
        said("-m set --match-set a src,foo"),
        "You must spefify (the comma separated list of) 'src' or 'dst'."
    );
    assert_eq!(
        said("-j SET --map-set a src --map-mark"),
        "RULE_APPEND failed (Invalid argument): rule in chain INPUT"
    );
    assert_eq!(said("-m set --match-set a src -j SET --add-set a src --exist"), "");
}

#[test]
fn files_are_the_callers() {
    assert_eq!(input_file(&words("restore -file sets")), Some("sets".into()));
    assert_eq!(input_file(&words("save -file sets")), None);
    let mut sets = Sets::default();
    run(&words("create l list:set"), "", &mut sets, Time::ZERO);
    let done = run(&words("save -f out"), "", &mut sets, Time::ZERO);
    assert_eq!(done.file, Some(("out".into(), "create l list:set size 8\n".into())));
}
