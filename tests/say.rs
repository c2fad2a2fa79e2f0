//! Every event has a sentence in every language, and the languages have the same texts.
#![cfg(not(target_arch = "wasm32"))]

use fluent_bundle::FluentResource;
use std::collections::BTreeSet;
use vitrine::say::{Lang, assumption, sentence};
use vitrine::session::{Session, Source, docker_ufw};

fn file(lang: Lang, name: &str) -> String {
    let path = format!("static/locales/{}/{name}", lang.tag());
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Key and sorted variables of each message.
fn messages(text: &str) -> BTreeSet<(String, Vec<String>)> {
    let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(_, e)| panic!("{e:?}"));
    drop(resource);
    let mut out = BTreeSet::new();
    let mut current: Option<(String, BTreeSet<String>)> = None;
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let key = line.split(" =").next().filter(|k| line.contains(" =") && !k.starts_with(' '));
        if let Some(key) = key {
            if let Some((key, vars)) = current.take() {
                out.insert((key, vars.into_iter().collect()));
            }
            current = Some((key.to_owned(), BTreeSet::new()));
        }
        if let Some((_, vars)) = &mut current {
            for var in line.split('$').skip(1) {
                vars.insert(var.chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect());
            }
        }
    }
    if let Some((key, vars)) = current {
        out.insert((key, vars.into_iter().collect()));
    }
    out
}

#[test]
fn the_languages_have_the_same_texts() {
    for entry in std::fs::read_dir("static/locales/en").expect("locales").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let (en, ko) = (messages(&file(Lang::En, &name)), messages(&file(Lang::Ko, &name)));
        assert!(en.len() > 20, "{name}: {} texts", en.len());
        let only: Vec<_> = en.symmetric_difference(&ko).collect();
        assert!(only.is_empty(), "{name}: not the same in both languages: {only:?}");
    }
}

/// No sentence shows a key or an unfilled variable.
#[test]
fn every_event_of_the_first_world_has_its_sentence() {
    let world = docker_ufw();
    let mut session = Session::open(world.source).expect("the recorded host");
    let mut said = 0;
    for (_, packet) in world.presets {
        session.send(packet);
    }
    for moment in session.moments() {
        for entry in moment.trace.walks.iter().flat_map(|w| w.log.entries()) {
            for lang in Lang::ALL {
                let text = sentence(lang, session.ruleset(), &entry.event);
                assert!(text.contains(' ') && !text.contains('$') && !text.contains("{"), "{text}");
                said += 1;
            }
        }
    }
    assert!(said > 200, "{said} sentences");
}

#[test]
fn what_was_worked_out_is_said() {
    let rules = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\nCOMMIT\n";
    let source = Source { rules: rules.into(), v6: false, host: None, sets: None };
    let session = Session::open(source).expect("two lines");
    let said: Vec<_> = Lang::ALL
        .into_iter()
        .flat_map(|l| session.host().assumptions.iter().map(move |a| assumption(l, a)))
        .collect();
    assert_eq!(
        said,
        [
            "172.17.0.0/16 lies behind docker0 (as nat POSTROUTING 1 says)",
            "172.17.0.0/16 네트워크는 docker0 뒤에 있음(nat POSTROUTING 1 규칙 기준)"
        ]
    );
}
