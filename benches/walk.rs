//! Parsing, printing and walking rules; running a lab. Run with `./x bench`.

use divan::{Bencher, black_box};
use std::fmt::Write;
use std::sync::Arc;
use vitrine::abi::{EventId, Time};
use vitrine::lab::{Lab, run};
use vitrine::net::{Host, Injected, infer};
use vitrine::netfilter::ipset::Sets;
use vitrine::netfilter::text::{Save, restore};
use vitrine::netfilter::{Family, Ruleset};
use vitrine::query::trace;

fn main() {
    divan::main();
}

/// A chain of rules that ask for other sources, and one that accepts.
fn linear(rules: usize) -> String {
    let mut text = String::from("*filter\n:INPUT DROP [0:0]\n");
    for n in 0..rules {
        let _ = writeln!(
            text,
            "-A INPUT -s 10.{}.{}.{}/32 -p tcp -m tcp --dport 22 -j DROP",
            n >> 16 & 255,
            n >> 8 & 255,
            n & 255
        );
    }
    text + "-A INPUT -j ACCEPT\nCOMMIT\n"
}

fn packet() -> Injected {
    "in=eth0 tcp 203.0.113.9:40000 > 198.51.100.2:22 syn".parse().expect("a packet")
}

fn host(text: &str) -> Host {
    let ruleset: Arc<Ruleset> = Arc::new(restore(text, Family::Ip).usable().expect("rules"));
    let mut host = infer(&ruleset, &[packet()]);
    host.netfilter.load(ruleset);
    host
}

#[divan::bench(args = [1_000, 10_000, 50_000], sample_count = 10)]
fn restore_rules(bencher: Bencher, rules: usize) {
    let text = linear(rules);
    bencher.counter(rules).bench(|| restore(black_box(&text), Family::Ip));
}

#[divan::bench(args = [10_000], sample_count = 10)]
fn save_rules(bencher: Bencher, rules: usize) {
    let ruleset = restore(&linear(rules), Family::Ip).ruleset;
    bencher.counter(rules).bench(|| Save { ruleset: black_box(&ruleset), counters: false }.to_string());
}

#[divan::bench(args = [100, 10_000, 50_000], sample_count = 10)]
fn walk_rules(bencher: Bencher, rules: usize) {
    let host = host(&linear(rules));
    let packet = packet();
    let log = &trace(&host, &packet, EventId(0)).first().log.clone();
    assert!(log.len() > rules, "each rule is asked");
    bencher.counter(rules).bench(|| trace(black_box(&host), black_box(&packet), EventId(0)));
}

/// A packet that no network of a set has: each prefix length is asked for.
#[divan::bench(args = [100, 100_000], sample_count = 20)]
fn walk_set(bencher: Bencher, networks: usize) {
    let mut text = String::from("create blocked hash:net maxelem 200000\n");
    for n in 0..networks {
        let len = 24 + n % 9;
        let _ = writeln!(text, "add blocked 10.{}.{}.{}/{len} -exist", n >> 16 & 255, n >> 8 & 255, n & 255);
    }
    let mut sets = Sets::default();
    vitrine::netfilter::ipset::restore(&text, &mut sets, Time::ZERO).expect("sets");
    let mut host = host("*filter\n-A INPUT -m set --match-set blocked src -j DROP\nCOMMIT\n");
    host.netfilter.load_sets(sets);
    let packet = packet();
    bencher.bench(|| trace(black_box(&host), black_box(&packet), EventId(0)));
}

/// A whole lab: building four hosts with Docker's and ufw's rules, and its probes.
#[divan::bench(sample_count = 20)]
fn run_lab(bencher: Bencher) {
    let lab: Lab = include_str!("../tests/data/labs/docker-ufw.json").parse().expect("a lab");
    bencher.counter(lab.probes.len()).bench(|| run(black_box(&lab)));
}
