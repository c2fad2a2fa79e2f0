//! `vitrine lab export --to bash`: the script holds no shell code of the lab's texts, shellcheck finds nothing in
//! it, and on this machine's kernel it builds what the lab says and takes it down again.
//!
//! What needs root and new namespaces is told as skipped where there are none; `VITRINE_NEED_ROOT=1` makes that a
//! failure.
#![cfg(not(target_arch = "wasm32"))]

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use vitrine::lab::{Lab, to_bash};
use vitrine::netfilter::text::{Save, restore};
use vitrine::netfilter::{Family, Ruleset};

/// A folder of this run's own.
fn folder(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("vitrine-export-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    dir
}

fn labs() -> Vec<(String, Lab)> {
    let mut all: Vec<_> = std::fs::read_dir("tests/data/labs")
        .expect("the labs")
        .flatten()
        .map(|entry| {
            let text = std::fs::read_to_string(entry.path()).expect("a lab");
            let name = entry.path().file_stem().expect("a name").to_string_lossy().into_owned();
            (name, text.parse().expect("a lab"))
        })
        .collect();
    all.sort_by(|a: &(String, Lab), b| a.0.cmp(&b.0));
    all
}

/// Whether a program is there; says so if not.
fn have(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        println!("skipped: there is no {program}");
    }
    found
}

/// Whether this process may make namespaces; says so if not.
fn may_build() -> bool {
    let unshare = Command::new("unshare").args(["-n", "-m", "true"]).status();
    let may = unshare.is_ok_and(|status| status.success());
    if !may {
        println!("skipped: this needs root and namespaces");
        assert!(std::env::var_os("VITRINE_NEED_ROOT").is_none(), "VITRINE_NEED_ROOT is set");
    }
    may
}

/// A lab with a text in every place that takes one, and nothing that the format runs as shell code.
fn hostile(text: &str) -> Lab {
    let lab = json!({
        "name": text, "about": text,
        "hosts": {"a": {
            "interfaces": {"eth0": "10.0.0.1/24"}, "routes": [text], "ip_rules": [text], "neigh": [text],
            "sysctls": {"net.ipv4.ip_forward": text}, "iptables": [text, "END", "END_"], "ip6tables": text,
            "ipset": text, "listeners": [{"port": 80, "reply": text, "name": text}]}},
        "links": [["a:eth0", "a:eth1"]],
        "probes": [
            {"do": "udp", "from": "a", "dst": "10.0.0.2", "dport": 1, "name": text, "about": text, "data": text,
             "socket": text},
            {"do": "tcp", "from": "a", "dst": "10.0.0.2", "dport": 1, "data": text, "socket": text},
            {"do": "packet", "from": "a", "packet": {"src": "10.0.0.1", "dst": "10.0.0.2", "data": text}},
            {"do": "push", "from": "a", "listener": text, "data": text},
            {"do": "run", "host": "a", "cmd": "true", "stdin": [text, "END"]}
        ]
    });
    serde_json::from_value(lab).expect("a lab")
}

#[test]
fn no_text_of_a_lab_is_shell_code() {
    let dir = folder("hostile");
    let sign = dir.join("sign");
    let mark = format!("touch {}", sign.display());
    for text in [
        format!("'; {mark}; '"),
        format!("$({mark}) `{mark}`"),
        format!("x\n{mark}\n"),
        format!("\nEND\n{mark}\n"),
        format!("\"; {mark}; \" \\"),
        format!("}}; {mark}; {{"),
        format!("a\r\n{mark}\r\n"),
        format!("' || true\n{mark}\n"),
    ] {
        let script = dir.join("lab.sh");
        std::fs::write(&script, to_bash(&hostile(&text)).expect("a script")).expect("a file");
        // Every tool does nothing and succeeds; so does what would need root.
        let run = format!(
            "ip() {{ cat >/dev/null; }}; python3() {{ :; }}; nft() {{ :; }}; ping() {{ :; }}; sleep() {{ :; }}
             id() {{ echo 0; }}; need() {{ :; }}; mkdir() {{ :; }}; rm() {{ :; }}; kill() {{ :; }}
             set -- probes; . '{0}' >/dev/null
             need() {{ :; }}; agent_start() {{ :; }}; agent_ask() {{ :; }}; in_host() {{ cat >/dev/null; }}
             xtables() {{ cat >/dev/null; }}
             build </dev/null; servers; for i in 1 2 3 4 5; do one_probe $i </dev/null; done; usage",
            script.display()
        );
        let done = Command::new("bash").arg("-c").arg(run).output().expect("bash");
        let err = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() && err.is_empty(), "{text:?}: {err}");
        assert!(!sign.exists(), "{text:?} was run");
    }
    std::fs::remove_dir_all(dir).expect("the folder");
}

#[test]
fn a_zero_byte_is_refused() {
    let error = to_bash(&hostile("a\0b")).expect_err("no shell holds it");
    assert_eq!(error.to_string(), "the lab.about: a shell script cannot hold a zero byte");
}

#[test]
fn shellcheck_finds_nothing() {
    if !have("shellcheck") {
        return;
    }
    let dir = folder("shellcheck");
    for (name, lab) in labs() {
        let script = dir.join(format!("{name}.sh"));
        std::fs::write(&script, to_bash(&lab).expect("a script")).expect("a file");
        let found = Command::new("shellcheck").arg(&script).output().expect("shellcheck");
        assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stdout));
    }
    std::fs::remove_dir_all(dir).expect("the folder");
}

/// Builds a lab, asks each host, and takes the lab down, all in namespaces of its own.
const ASK: &str = r#"
set -e
mount -t tmpfs none /run
bash "$1" up >&2
for ns in /run/netns/*; do
  ns=${ns##*/}
  for what in addr route rule; do printf '%s %s ' "$ns" "$what"; ip -n "$ns" -j "$what" show | tr -d '\n'; echo; done
  for tool in iptables-save ip6tables-save; do
    printf '%s %s ' "$ns" "$tool"; ip netns exec "$ns" "$tool" | python3 -c 'import json, sys; print(json.dumps(sys.stdin.read()))'
  done
done
bash "$1" down
printf '. left %s\n' "$(ls -A /run | grep -v '^netns$' | wc -l)"
printf '. namespaces %s\n' "$(ls /run/netns | wc -l)"
printf '. processes %s\n' "$(ps -eo args | grep -c '[s]erve /run/vitrine-' || true)"
"#;

/// A dump without its comments and counters.
fn plain(ruleset: &Ruleset) -> String {
    Save { ruleset, counters: false }.to_string()
}

#[test]
fn the_script_builds_what_the_lab_says_and_leaves_nothing() {
    if !may_build() {
        return;
    }
    let dir = folder("build");
    for (name, lab) in labs() {
        let script = dir.join(format!("{name}.sh"));
        std::fs::write(&script, to_bash(&lab).expect("a script")).expect("a file");
        let done = Command::new("unshare")
            .args(["-n", "-m", "-p", "-f", "--mount-proc", "bash", "-c", ASK, "ask"])
            .arg(&script)
            .output()
            .expect("unshare");
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{name}: {out}{err}");
        let mut told: BTreeMap<(&str, &str), Value> = BTreeMap::new();
        for line in out.lines() {
            let mut words = line.splitn(3, ' ');
            let (who, what) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            let value = words.next().unwrap_or("").trim();
            told.insert(
                (who, what),
                serde_json::from_str(value).unwrap_or_else(|e| panic!("{name}: {line}: {e}")),
            );
        }
        for what in ["left", "namespaces", "processes"] {
            assert_eq!(told[&(".", what)], json!(0), "{name}: {what}");
        }
        let mut macs = BTreeMap::new();
        for (number, (host, spec)) in lab.hosts.iter().enumerate() {
            let ends = lab.links.iter().flat_map(|(a, b)| [a, b]).filter(|end| end.host == *host);
            let bridges = spec.bridges.iter().filter(|(_, b)| b.mac.is_none()).map(|(name, _)| name);
            for (i, name) in ends.map(|end| &end.interface).chain(bridges).enumerate() {
                let given = spec.interfaces.get(name).and_then(|s| s.settings().mac);
                let mac =
                    given.map_or(format!("02:00:00:00:{:02x}:{:02x}", number + 1, i + 1), |m| m.to_string());
                macs.insert((host.clone(), name.clone()), mac);
            }
        }
        for (host, spec) in lab.hosts.iter() {
            let key = told.keys().find(|(who, _)| who.ends_with(&format!("-{host}"))).expect("the host").0;
            let devices = told[&(key, "addr")].as_array().expect("devices").clone();
            let device = |name: &str| {
                devices
                    .iter()
                    .find(|d| d["ifname"] == name)
                    .unwrap_or_else(|| panic!("{host}: {name} is missing"))
            };
            for ((of, interface), mac) in &macs {
                if of == host {
                    assert_eq!(
                        device(interface.as_str())["address"],
                        json!(mac),
                        "{name}: {host}:{interface}"
                    );
                }
            }
            let own = spec.interfaces.iter().map(|(name, spec)| (name, spec.settings().addr));
            for (interface, addrs) in own.chain(spec.bridges.iter().map(|(name, b)| (name, b.addr.clone()))) {
                let there = device(interface.as_str())["addr_info"].as_array().expect("addresses").clone();
                for cidr in addrs.iter().flat_map(|list| list.as_slice()) {
                    let same = |a: &Value| {
                        a["local"] == json!(cidr.addr) && a["prefixlen"] == json!(cidr.prefix_len())
                    };
                    assert!(there.iter().any(same), "{name}: {host}:{interface} has no {cidr}");
                }
            }
            let routes = told[&(key, "route")].as_array().expect("routes").clone();
            // Other tables and types are not in the list that `ip route` gives.
            for line in
                spec.routes.iter().filter(|l| !l.contains("table") && !l.contains(':') && l.contains(" via "))
            {
                let to = line.split(' ').next().expect("a destination").trim_end_matches("/32");
                assert!(routes.iter().any(|r| r["dst"] == json!(to)), "{name}: {host} has no route `{line}`");
            }
            assert_eq!(
                told[&(key, "rule")].as_array().expect("rules").len(),
                3 + spec.ip_rules.len(),
                "{name}: {host}"
            );
            for (tool, family, text) in [
                ("iptables-save", Family::Ip, &spec.iptables),
                ("ip6tables-save", Family::Ip6, &spec.ip6tables),
            ] {
                let rules = |text: &str| {
                    if text.is_empty() {
                        return Vec::new();
                    }
                    let restored = restore(text, family);
                    assert!(!restored.has_errors(), "{name}: {host}: {text}");
                    let saved = plain(&restored.ruleset);
                    saved.lines().filter(|l| l.starts_with("-A")).map(str::to_owned).collect::<Vec<_>>()
                };
                let own = rules(&text.as_ref().map(|t| t.text()).unwrap_or_default());
                let loaded = rules(told[&(key, tool)].as_str().expect("a dump"));
                let sorted = |mut lines: Vec<String>| {
                    // Tables come in another order.
                    lines.sort();
                    lines
                };
                assert_eq!(sorted(loaded), sorted(own), "{name}: {host} {tool}");
            }
        }
    }
    std::fs::remove_dir_all(dir).expect("the folder");
}
