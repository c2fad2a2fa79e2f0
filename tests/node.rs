//! The engine as WebAssembly, without a browser: it comes to the same answers as the native one.
#![cfg(target_arch = "wasm32")]

use vitrine::netfilter::Family;
use vitrine::netfilter::text::{Save, restore};
use vitrine::query::Outcome;
use vitrine::session::{Session, docker_ufw};
use wasm_bindgen_test::wasm_bindgen_test;

/// What iptables-save printed, without the comments around each table.
fn uncommented(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

#[wasm_bindgen_test]
fn rules_print_as_iptables_prints_them() {
    for (text, saved, family) in [
        (
            include_str!("data/rulesets/firewalld.rules"),
            include_str!("data/rulesets/firewalld.saved"),
            Family::Ip,
        ),
        (include_str!("data/rulesets/text.rules"), include_str!("data/rulesets/text.saved"), Family::Ip),
        (include_str!("data/rulesets/ufw.v6.rules"), include_str!("data/rulesets/ufw.v6.saved"), Family::Ip6),
    ] {
        let restored = restore(text, family);
        assert!(!restored.has_errors());
        let printed = Save { ruleset: &restored.ruleset, counters: false }.to_string();
        assert_eq!(printed, uncommented(saved));
    }
}

#[wasm_bindgen_test]
fn the_first_world_answers_as_the_kernel_did() {
    let world = docker_ufw();
    for (preset, want) in
        [("published-port", Outcome::Accept), ("ssh", Outcome::Accept), ("blocked-port", Outcome::Drop)]
    {
        let mut session = Session::open(world.source.clone()).expect("the recorded rules are read");
        let (_, injected) =
            world.presets.iter().find(|(name, _)| *name == preset).expect("there is such a packet");
        assert_eq!(session.send(injected.clone()).trace.outcome(), want, "{preset}");
    }
}

#[wasm_bindgen_test]
fn a_reply_belongs_to_its_connection() {
    let world = docker_ufw();
    let mut session = Session::open(world.source).expect("the recorded rules are read");
    session.send(world.presets[0].1.clone());
    let reply = session.reply_to(0).expect("the packet got through");
    assert_eq!(session.send(reply).trace.outcome(), Outcome::Accept);
}
