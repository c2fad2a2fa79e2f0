//! The command line, as a shell would run it.
#![cfg(not(target_arch = "wasm32"))]

use expect_test::{Expect, expect};
use std::io::Write;

/// Runs `vitrine` and returns exit status, stdout and stderr.
fn vitrine(args: &[&str]) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = vitrine::cli::run(args.iter().map(Into::into), &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(out), text(err))
}

/// Writes a dump to a file of its own and returns its path.
fn dump(name: &str, text: &[u8]) -> String {
    let dir = std::env::temp_dir().join(format!("vitrine-cli-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    let path = dir.join(name);
    std::fs::File::create(&path).and_then(|mut f| f.write_all(text)).expect("a file");
    path.to_string_lossy().into_owned()
}

#[track_caller]
fn check(args: &[&str], status: u8, out: Expect, err: Expect) {
    let (got, stdout, stderr) = vitrine(args);
    out.assert_eq(&stdout);
    // Files lie in another folder each time.
    let folder = format!("{}/vitrine-cli-{}/", std::env::temp_dir().display(), std::process::id());
    err.assert_eq(&stderr.replace(&folder, ""));
    assert_eq!(got, status);
}

const SMALL: &[u8] = b"*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n";

#[test]
fn a_packet_that_gets_through() {
    let rules = dump("small.rules", SMALL);
    let packet = "in=eth0 tcp 203.0.113.9:40000 > 198.51.100.2:22 syn";
    check(
        &["trace", "--rules", &rules, "--packet", packet],
        0,
        expect![[r#"
            assumed: 198.51.100.2 is this host’s own address on eth0
            assumed: everything else is reached by eth0
            packet 1: in=eth0 tcp 203.0.113.9:40000 > 198.51.100.2:22 syn
              The packet reaches PREROUTING
              Routing: 198.51.100.2 is this host itself
              The packet reaches INPUT
                filter: the packet enters INPUT
                  ✓ INPUT 1 matches: -p tcp -m tcp --dport 22 -j ACCEPT
                filter INPUT: ACCEPT, the packet goes on
              The packet is delivered to this host
            = ACCEPT: The packet is delivered to this host
        "#]],
        expect![""],
    );
}

#[test]
fn a_packet_that_is_dropped_and_the_rule_it_missed() {
    let rules = dump("small2.rules", SMALL);
    let packet = "in=eth0 tcp 203.0.113.9:40000 > 198.51.100.2:23 syn";
    check(
        &["trace", "--rules", &rules, "--packet", packet, "--all"],
        1,
        expect![[r#"
            assumed: 198.51.100.2 is this host’s own address on eth0
            assumed: everything else is reached by eth0
            packet 1: in=eth0 tcp 203.0.113.9:40000 > 198.51.100.2:23 syn
              The packet reaches PREROUTING
                raw: this table does not exist
                conntrack: off, since no rule needs connection tracking
                mangle: this table does not exist
                nat: off, since no rule needs connection tracking
              Routing: 198.51.100.2 is this host itself
              The packet reaches INPUT
                mangle: this table does not exist
                filter: the packet enters INPUT
                  ✗ INPUT 1 does not match: -m tcp --dport 22 asks, the packet has 23
                filter INPUT: no rule decided, so the policy does: DROP
                filter INPUT: DROP, the packet is gone
              The packet is dropped
            = DROP: The packet is dropped
              filter INPUT: no rule decided, so the policy does: DROP
        "#]],
        expect![""],
    );
}

#[test]
fn what_the_model_does_not_have_is_shown_both_ways() {
    let rules =
        dump("geo.rules", b"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m geoip --src-cc XX -j DROP\nCOMMIT\n");
    check(
        &["trace", "-r", &rules, "-p", "in=eth0 udp 203.0.113.9:1 > 198.51.100.2:2"],
        1,
        expect![[r#"
            assumed: 198.51.100.2 is this host’s own address on eth0
            assumed: everything else is reached by eth0
            packet 1: in=eth0 udp 203.0.113.9:1 > 198.51.100.2:2
              way 1 of 2
                if did not match: filter -A INPUT -m geoip --src-cc XX -j DROP
              The packet reaches PREROUTING
              Routing: 198.51.100.2 is this host itself
              The packet reaches INPUT
                filter: the packet enters INPUT
                  ? INPUT 1 may match (-m geoip --src-cc XX: not modelled); this way goes on as if it did not
                filter INPUT: no rule decided, so the policy does: ACCEPT
                filter INPUT: ACCEPT, the packet goes on
              The packet is delivered to this host
              way 2 of 2
                if matched: filter -A INPUT -m geoip --src-cc XX -j DROP
              … as the way before, up to here
                  ? INPUT 1 may match (-m geoip --src-cc XX: not modelled); this way goes on as if it did
                filter INPUT: DROP, the packet is gone
              The packet is dropped
            = UNKNOWN
              way 1: ACCEPT: The packet is delivered to this host
              way 2: DROP: The packet is dropped
                INPUT 1 may match (-m geoip --src-cc XX: not modelled); this way goes on as if it did
        "#]],
        expect![[r#"
            warning: iptables 1.8.9 has no match `geoip': kept as it is, unknown to every packet
              ┌─ geo.rules:3:13
              │
            3 │ -A INPUT -m geoip --src-cc XX -j DROP
              │             ^^^^^

        "#]],
    );
}

#[test]
fn json_holds_path_and_events() {
    let rules = dump("json.rules", SMALL);
    let args = ["trace", "-r", &rules, "-p", "in=eth0 tcp 1.2.3.4:5 > 1.2.3.5:22 syn", "--json"];
    let (status, out, err) = vitrine(&args);
    assert_eq!((status, err.as_str()), (0, ""));
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(json[0]["outcome"], "ACCEPT");
    assert_eq!(json[0]["walks"][0]["fate"], "delivered");
    let path = json[0]["walks"][0]["path"].as_array().expect("a path");
    assert_eq!(path[1]["verdict"], "ACCEPT");
    assert_eq!(path[1]["rule"], 1);
    assert!(json[0]["walks"][0]["events"].as_array().expect("events").len() > 8);
}

#[test]
fn fmt_prints_the_normal_form() {
    let rules = dump(
        "fmt.rules",
        b"*filter\n:INPUT DROP [5:60]\n[7:80] -A INPUT -p tcp --dport ssh -j ACCEPT\nCOMMIT\n",
    );
    check(
        &["fmt", "--rules", &rules],
        0,
        expect![[r#"
            *filter
            :INPUT DROP [0:0]
            :FORWARD ACCEPT [0:0]
            :OUTPUT ACCEPT [0:0]
            -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
            COMMIT
        "#]],
        expect![""],
    );
    let (_, with_counters, _) = vitrine(&["fmt", "--rules", &rules, "-c"]);
    assert!(with_counters.contains(":INPUT DROP [5:60]\n") && with_counters.contains("\n[7:80] -A INPUT"));
}

#[test]
fn bad_usage_says_what_is_wrong() {
    for (args, words) in [
        (&[][..], "Usage:"),
        (&["frobnicate"], "no such command: frobnicate"),
        (&["trace"], "trace needs --rules FILE"),
        (&["trace", "--rules", "x"], "trace needs --packet"),
        (&["trace", "--rulez", "x"], "invalid option '--rulez'"),
        (&["trace", "-r", "x", "-p", "tcp 1.2.3.4:1 > 1.2.3.4:2", "--family", "5"], "--family takes 4 or 6"),
        (&["trace", "-r", "x", "-p", "tcp 1.2.3.4 > 1.2.3.4:2"], "this protocol needs a port"),
        (&["trace", "-r", "/no/such", "-p", "tcp 1.2.3.4:1 > 1.2.3.4:2"], "cannot read /no/such"),
        (&["fmt"], "fmt needs --rules FILE"),
        (&["support", "x"], "unexpected argument"),
    ] {
        let (status, out, err) = vitrine(args);
        assert_eq!((status, out.as_str()), (2, ""), "{args:?}");
        assert!(err.contains(words), "{args:?}: {err}");
    }
}

#[test]
fn help_for_each() {
    for args in
        [&["--help"][..], &["-h"], &["help"], &["trace", "--help"], &["fmt", "-h"], &["support", "--help"]]
    {
        let (status, out, err) = vitrine(args);
        assert_eq!((status, err.as_str()), (0, ""));
        assert!(out.contains("Usage:"), "{args:?}");
    }
}

/// The packets in the help text are packets.
#[test]
fn the_examples_of_the_help_text_work() {
    let (_, help, _) = vitrine(&["--help"]);
    let examples = help.split("Examples:\n").nth(1).and_then(|t| t.split("\n\n").next()).expect("examples");
    assert!(examples.lines().count() >= 6);
    for line in examples.lines() {
        let injected: Result<vitrine::net::Injected, _> = line.trim().parse();
        assert_eq!(injected.map(|i| i.to_string()), Ok(line.trim().to_owned()));
    }
}

#[test]
fn bad_input_is_told_with_its_place() {
    let big = vec![b'#'; 33 << 20];
    for (name, text, words) in [
        ("empty.rules", &b""[..], "the file is empty"),
        ("blank.rules", b"\n\n  \n", "the file is empty"),
        ("binary.rules", b"\x7fELF\x02\x01\x01\x00\xff\xfe", "is not text"),
        ("nul.rules", b"*filter\0\nCOMMIT\n", "this is not text"),
        ("cut.rules", b"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tc", "unknown protocol \"tc\" specified"),
        ("open.rules", b"*filter\n:INPUT ACCEPT [0:0]\n", "COMMIT expected"),
        ("loop.rules", b"*filter\n:A - [0:0]\n-A INPUT -j A\n-A A -j A\nCOMMIT\n", "Too many links"),
        ("table.rules", b"*nope\n-A INPUT -j ACCEPT\nCOMMIT\n", "table name 'nope' invalid"),
        ("outside.rules", b"-A INPUT -j ACCEPT\n", "expected a table"),
        ("big.rules", &big, "larger than 32 MiB"),
    ] {
        let path = dump(name, text);
        let (status, out, err) = vitrine(&["fmt", "--rules", &path]);
        assert_eq!((status, out.as_str()), (2, ""), "{name}");
        assert!(err.contains(words), "{name}: {err}");
        assert!(err.contains(name), "{name}: {err}");
    }
}

#[test]
fn sets_decide_and_are_named() {
    let rules = dump(
        "sets.rules",
        b"*filter\n-A INPUT -m set --match-set blocked src,dst -j DROP\n-A INPUT -j SET --add-set seen src\nCOMMIT\n",
    );
    let sets = dump(
        "sets.ipset",
        b"create blocked hash:net,port\nadd blocked 203.0.113.0/24,tcp:22\ncreate seen hash:ip timeout 60\n",
    );
    let packet = "in=eth0 tcp 203.0.113.9:40000 > 198.51.100.2:22 syn";
    check(
        &["trace", "--rules", &rules, "--ipset", &sets, "--packet", packet],
        1,
        expect![[r#"
        assumed: 198.51.100.2 is this host’s own address on eth0
        assumed: everything else is reached by eth0
        packet 1: in=eth0 tcp 203.0.113.9:40000 > 198.51.100.2:22 syn
          The packet reaches PREROUTING
          Routing: 198.51.100.2 is this host itself
          The packet reaches INPUT
            filter: the packet enters INPUT
              ✓ INPUT 1 matches: -m set --match-set blocked src,dst -j DROP
            filter INPUT: DROP, the packet is gone
          The packet is dropped
        = DROP: The packet is dropped
          INPUT 1 matches: -m set --match-set blocked src,dst -j DROP
    "#]],
        expect![""],
    );
    let other = "in=eth0 tcp 203.0.113.9:40000 > 198.51.100.2:23 syn";
    check(
        &["trace", "--all", "--rules", &rules, "--ipset", &sets, "--packet", other],
        0,
        expect![[r#"
            assumed: 198.51.100.2 is this host’s own address on eth0
            assumed: everything else is reached by eth0
            packet 1: in=eth0 tcp 203.0.113.9:40000 > 198.51.100.2:23 syn
              The packet reaches PREROUTING
                raw: this table does not exist
                conntrack: off, since no rule needs connection tracking
                mangle: this table does not exist
                nat: off, since no rule needs connection tracking
              Routing: 198.51.100.2 is this host itself
              The packet reaches INPUT
                mangle: this table does not exist
                filter: the packet enters INPUT
                  ✗ INPUT 1 does not match: -m set --match-set blocked src,dst asks, the packet has 203.0.113.9,tcp:23, not in blocked
                  ✓ INPUT 2 matches: -j SET --add-set seen src
                  203.0.113.9 comes into the set seen
                filter INPUT: no rule decided, so the policy does: ACCEPT
                filter INPUT: ACCEPT, the packet goes on
                nat: off, since no rule needs connection tracking
                security: this table does not exist
                confirm: off, since no rule needs connection tracking
              The packet is delivered to this host
            = ACCEPT: The packet is delivered to this host
        "#]],
        expect![""],
    );
    let none = dump("none.ipset", b"create other hash:ip\n");
    check(
        &["trace", "--rules", &rules, "--ipset", &none, "--packet", packet],
        2,
        expect![[""]],
        expect![[r#"
            error: Set blocked doesn't exist.
              ┌─ sets.rules:2:13
              │
            2 │ -A INPUT -m set --match-set blocked src,dst -j DROP
              │             ^^^

            error: Set seen doesn't exist.
              ┌─ sets.rules:3:13
              │
            3 │ -A INPUT -j SET --add-set seen src
              │             ^^^

            vitrine: sets.rules: 2 errors
        "#]],
    );
}

#[test]
fn labs_are_compared_and_exported() {
    let lab = dump(
        "small.json",
        br#"{"name": "small", "hosts": {"a": {}, "b": {"listeners": [{"port": 80}]}},
            "links": [["a:e", "b:e"]], "probes": []}"#,
    );
    let wrong = dump("wrong.json", br#"{"name": "small", "hosts": {"a": {"rules": []}}, "probes": []}"#);
    let linux = dump("linux.json", br#"{"probes": [{"name": "p", "result": {"sent": 1}}, {"name": "q"}]}"#);
    let model = dump("model.json", br#"{"probes": [{"name": "p", "result": {"sent": 2}}]}"#);
    check(
        &["lab", "compare", &linux, &linux, "--score"],
        0,
        expect![[r#"
        {"fate":[2,2],"path":[2,2],"packet":[2,2],"state":[2,2],"ends":[2,2],"counters":[2,2]}
    "#]],
        expect![""],
    );
    check(
        &["lab", "compare", &linux, &model],
        1,
        expect![[r#"
        p: ends differs
            Linux:
                ["sender",{"sent":1}]
            model:
                ["sender",{"sent":2}]
        q: fate differs
            Linux:
                (nothing)
            model:
                (nothing)
        q: path differs
            Linux:
                (nothing)
            model:
                (nothing)
        q: packet differs
            Linux:
                (nothing)
            model:
                (nothing)
        q: state differs
            Linux:
                (nothing)
            model:
                (nothing)
        q: ends differs
            Linux:
                ["sender",{}]
            model:
                (nothing)
        q: counters differs
            Linux:
                (nothing)
            model:
                (nothing)
        fate 1/2  path 1/2  packet 1/2  state 1/2  ends 0/2  counters 1/2
    "#]],
        expect![""],
    );
    check(
        &["lab", "compare", &linux],
        2,
        expect![""],
        expect![[r#"
        vitrine: lab needs what the model says
        Try `vitrine --help'.
    "#]],
    );
    check(
        &["lab", "run", &wrong],
        2,
        expect![""],
        expect![[r#"
        vitrine: wrong.json: hosts.a.rules (line 1): unknown field `rules`, expected one of `interfaces`, `bridges`, `routes`, `ip_rules`, `neigh`, `sysctls`, `iptables`, `ip6tables`, `ipset`, `restore_counters`, `backend`, `ipv6`, `setup`, `listeners`
    "#]],
    );
    check(
        &["lab", "export", &lab],
        2,
        expect![""],
        expect![[r#"
        vitrine: lab export needs --to bash
        Try `vitrine --help'.
    "#]],
    );
    check(
        &["lab", "export", "--to", "zsh", &lab],
        2,
        expect![""],
        expect![[r#"
        vitrine: a lab is exported to bash, not to zsh
        Try `vitrine --help'.
    "#]],
    );
    check(
        &["lab", "nap"],
        2,
        expect![""],
        expect![[r#"
        vitrine: no such lab command: nap
        Try `vitrine --help'.
    "#]],
    );
    check(
        &["lab"],
        2,
        expect![""],
        expect![[r#"
            vitrine: lab needs a command: run, verify, record, export, compare
            Try `vitrine --help'.
        "#]],
    );
    let (status, script, errors) = vitrine(&["lab", "export", "--to", "bash", &lab]);
    assert_eq!((status, errors.as_str()), (0, ""));
    assert!(script.starts_with("#!/usr/bin/env bash\n# The lab `small`"), "{script}");
    let (status, help, _) = vitrine(&["lab", "compare", "--help"]);
    assert_eq!(
        (status, help.lines().next()),
        (0, Some("Follow probes through a network of several hosts, which a lab file describes."))
    );
}

#[test]
fn a_lab_in_lines_for_people() {
    let lab = dump(
        "published.json",
        br#"{"name": "published", "hosts": {
            "a": {"interfaces": {"e": "10.0.0.1/24"}},
            "b": {"interfaces": {"e": "10.0.0.2/24"}, "listeners": [{"proto": "udp", "port": 53, "reply": "echo"}],
                  "iptables": ["*nat", "-A PREROUTING -p udp --dport 54 -j REDIRECT --to-ports 53", "COMMIT",
                               "*filter", ":INPUT DROP", "-A INPUT -p udp --dport 53 -j ACCEPT", "COMMIT"]}},
            "links": [["a:e", "b:e"]],
            "probes": [
              {"name": "redirected", "do": "udp", "from": "a", "sport": 40000, "dst": "10.0.0.2", "dport": 54, "data": "x"},
              {"name": "closed", "do": "ping", "from": "a", "dst": "10.0.0.2"}]}"#,
    );
    check(
        &["lab", "run", &lab],
        0,
        expect![[r#"
        1. redirected (udp)
           sender: replies [{"data":"x","from":"10.0.0.2:54"}], sent 1
           a: udp 10.0.0.1:40000 > 10.0.0.2:54 at OUTPUT
              = sent on e
           b: udp 10.0.0.1:40000 > 10.0.0.2:54 at PREROUTING
              nat PREROUTING 1: ACCEPT  -p udp -m udp --dport 54 -j REDIRECT --to-ports 53
              filter INPUT 1: ACCEPT  -p udp -m udp --dport 53 -j ACCEPT
              = delivered as udp 10.0.0.1:40000 > 10.0.0.2:53
           b: udp 10.0.0.2:53 > 10.0.0.1:40000 at OUTPUT
              = sent on e as udp 10.0.0.2:54 > 10.0.0.1:40000
           a: udp 10.0.0.2:54 > 10.0.0.1:40000 at PREROUTING
              = delivered
           b udp/53: data x, from 10.0.0.1:40000, to 10.0.0.2
        2. closed (ping)
           sender: sent 1
           a: icmp 10.0.0.1 > 10.0.0.2 type 8 code 0 at OUTPUT
              = sent on e
           b: icmp 10.0.0.1 > 10.0.0.2 type 8 code 0 at PREROUTING
              filter INPUT: policy DROP
              = dropped
    "#]],
        expect![""],
    );
}

#[test]
fn a_program_on_a_dump() {
    let rules = dump("on.rules", SMALL);
    check(
        &["on", &rules, "--", "iptables", "-nL", "INPUT", "--line-numbers"],
        0,
        expect![[r#"
            Chain INPUT (policy DROP)
            num  target     prot opt source               destination         
            1    ACCEPT     6    --  0.0.0.0/0            0.0.0.0/0            tcp dpt:22
        "#]],
        expect![""],
    );
    check(
        &["on", "--", "iptables", "-D", "INPUT", "1"],
        1,
        expect![""],
        expect![[r#"
        iptables: No chain/target/match by that name.
    "#]],
    );
    check(
        &["on", "--write", "--", "iptables", "-A", "INPUT", "-c", "3", "180", "-p", "6", "-j", "DROP"],
        0,
        expect![[r#"
            *filter
            :INPUT ACCEPT [0:0]
            :FORWARD ACCEPT [0:0]
            :OUTPUT ACCEPT [0:0]
            [3:180] -A INPUT -p tcp -j DROP
            COMMIT
        "#]],
        expect![""],
    );
    check(
        &["on", &rules, "--", "nft", "list", "ruleset"],
        2,
        expect![""],
        expect![[r#"
            vitrine: no such program: nft (there are iptables, iptables-nft, iptables-save, iptables-nft-save, iptables-restore, iptables-nft-restore, ip6tables, ip6tables-nft, ip6tables-save, ip6tables-nft-save, ip6tables-restore, ip6tables-nft-restore, ipset)
            Try `vitrine --help'.
        "#]],
    );
    check(
        &["on", &rules],
        2,
        expect![""],
        expect![[r#"
        vitrine: on needs a command: vitrine on DUMP -- iptables -L
        Try `vitrine --help'.
    "#]],
    );
}

#[test]
fn a_program_changes_the_dump_it_is_given() {
    let rules = dump("written.rules", SMALL);
    check(
        &["on", &rules, "-w", "--", "iptables", "-I", "INPUT", "-i", "lo", "-j", "ACCEPT"],
        0,
        expect![""],
        expect![""],
    );
    check(
        &["on", &rules, "--", "iptables", "-S"],
        0,
        expect![[r#"
        -P INPUT DROP
        -P FORWARD ACCEPT
        -P OUTPUT ACCEPT
        -A INPUT -i lo -j ACCEPT
        -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
    "#]],
        expect![""],
    );
}

#[test]
fn a_script_of_commands() {
    let script = dump(
        "commands.txt",
        b"# a chain and a way into it\niptables -N web\niptables -A INPUT -m comment --comment 'to the web' -j web\n\
          {\"argv\": [\"iptables-restore\", \"-n\"], \"stdin\": \"*filter\\n-A web -j NOPE\\nCOMMIT\\n\"}\n\
          iptables -S INPUT\n",
    );
    check(
        &["on", "--script", &script],
        0,
        expect![[r#"
        {"argv":["iptables","-N","web"],"stdout":"","stderr":"","status":0}
        {"argv":["iptables","-A","INPUT","-m","comment","--comment","to the web","-j","web"],"stdout":"","stderr":"","status":0}
        {"argv":["iptables-restore","-n"],"stdout":"","stderr":"iptables-restore v1.8.9 (nf_tables): Chain 'NOPE' does not exist\nError occurred at line: 3\nTry `iptables-restore -h' or 'iptables-restore --help' for more information.\n","status":2}
        {"argv":["iptables","-S","INPUT"],"stdout":"-P INPUT ACCEPT\n-A INPUT -m comment --comment \"to the web\" -j web\n","stderr":"","status":0}
    "#]],
        expect![""],
    );
}

#[test]
fn many_rules_at_once() {
    let rows = dump(
        "rows.jsonl",
        b"{\"family\": \"ip\", \"table\": \"filter\", \"argv\": [\"-A\", \"INPUT\", \"-p\", \"tcp\", \"--dport\", \"ssh\"]}\n\
          {\"family\": \"ip6\", \"table\": \"nat\", \"chain\": \"OUTPUT\", \"rule\": \"-m comment --comment 'a b' -j MASQUERADE\"}\n",
    );
    check(
        &["rules", "try", &rows],
        0,
        expect![[r#"
        ✓   0 iptables -t filter -A INPUT -p tcp --dport ssh
                -A INPUT -p tcp -m tcp --dport 22
        ✗   4 ip6tables -t nat -A OUTPUT -m comment --comment a b -j MASQUERADE
                ip6tables v1.8.9 (nf_tables):  RULE_APPEND failed (Invalid argument): rule in chain OUTPUT
    "#]],
        expect![""],
    );
    check(
        &["rules", "try", &rows, "--json"],
        0,
        expect![[r#"
        {"ok":true,"rc":0,"save":["-A INPUT -p tcp -m tcp --dport 22"],"err":""}
        {"ok":false,"rc":4,"save":[],"err":"ip6tables v1.8.9 (nf_tables):  RULE_APPEND failed (Invalid argument): rule in chain OUTPUT"}
    "#]],
        expect![""],
    );
    let bad = dump("bad.jsonl", b"{\"table\": \"filter\"}\n");
    check(
        &["rules", "try", &bad],
        2,
        expect![""],
        expect![[r#"
        vitrine: line 1: neither `argv' nor `chain' and `rule'
    "#]],
    );
    check(
        &["rules"],
        2,
        expect![""],
        expect![[r#"
        vitrine: rules needs a command: vitrine rules try FILE
        Try `vitrine --help'.
    "#]],
    );
}
