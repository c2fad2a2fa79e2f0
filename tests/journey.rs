//! Labs on show: the way of each packet, what hosts remember at each moment, and the picture, for every lab that was
//! recorded.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

use std::collections::BTreeSet;
use vitrine::abi::EventId;
use vitrine::net::HostId;
use vitrine::netfilter::Family;
use vitrine::netfilter::text::Save;
use vitrine::query::{Direction, Place, Topology, is_begin};
use vitrine::session::{LabOpenError, LabSession};

/// The labs that are recorded, and those that the page shows.
fn labs() -> Vec<(String, LabSession)> {
    let mut all = Vec::new();
    for folder in ["tests/data/networks/labs", "static/labs"] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            match LabSession::open(&text) {
                Ok(session) => all.push((name, session)),
                Err(LabOpenError::Build(_) | LabOpenError::Probes(_)) => {}
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
    assert!(all.len() > 20, "{} labs", all.len());
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

#[test]
fn what_a_host_remembers_at_a_probes_end_is_what_it_has_before_the_next() {
    let mut entries = 0;
    for (name, session) in labs() {
        let probes = session.journey().probes.len();
        for probe in 0..probes {
            if session.lab().probes[probe].kind() == "run" {
                continue;
            }
            let next =
                session.journey().probes.get(probe + 1).copied().unwrap_or(session.journey().stops.len());
            let last = &session.journey().stops[next - 1];
            for (id, host, _) in session.network().hosts() {
                let mut stop = last.clone();
                stop.event = session.log().next_id().0.checked_sub(1).map(EventId);
                if let Some(after) = session.journey().probes.get(probe + 1) {
                    let begins = &session.journey().stops[*after + 1..];
                    let first = begins.iter().find_map(|s| s.event);
                    // What happens between two probes belongs to the next.
                    let Some(first) = first else { continue };
                    stop.event = first.0.checked_sub(1).map(EventId);
                    if session.log().get(stop.event.unwrap()).is_some_and(|e| e.event.time > last.time) {
                        continue;
                    }
                }
                let seen: Vec<String> =
                    session.connections(&stop, id).iter().map(|e| format!("{e} {:?}", e.expires)).collect();
                let table = match session.host(probe + 1, id) {
                    Some(host) if session.lab().probes.get(probe + 1).is_none_or(|p| p.kind() != "run") => {
                        host
                    }
                    _ => continue,
                };
                let table = table.netfilter.conntrack.table().filter(|e| e.expires > stop.time);
                let kept: Vec<String> = table.map(|e| format!("{e} {:?}", e.expires)).collect();
                assert_eq!(seen, kept, "{name}, probe {probe}, host {host}");
                entries += kept.len();
            }
        }
    }
    assert!(entries > 50, "{entries} entries were compared");
}

#[test]
fn each_way_is_one_hosts_log() {
    let mut passes = 0;
    for (name, session) in labs() {
        for trip in &session.journey().trips {
            assert!(!trip.passes.is_empty(), "{name}");
            for (pass, host) in &trip.passes {
                let log = session.pass(*pass).unwrap();
                assert_eq!(log.host, *host);
                assert_eq!(log.ids.len(), log.log.len());
                assert!(is_begin(&log.log.entries()[0].event), "{name}: {:?}", log.log.entries()[0]);
                assert!(log.ids.windows(2).all(|w| w[0] < w[1]));
                for (id, entry) in log.ids.iter().zip(log.log.entries()) {
                    let happening = &session.log().get(*id).unwrap().event;
                    assert_eq!((happening.host, &happening.event), (*host, &entry.event));
                }
                passes += 1;
            }
        }
    }
    assert!(passes > 500, "{passes} ways");
}

#[test]
fn each_stop_is_where_its_event_is() {
    for (name, session) in labs() {
        let journey = session.journey();
        let mut last = None;
        for (at, stop) in journey.stops.iter().enumerate() {
            assert_eq!(stop.event.is_none(), journey.probes.contains(&at), "{name} {at}");
            let Some(id) = stop.event else { continue };
            assert!(last < Some(id), "{name}: in order");
            last = Some(id);
            let happening = &session.log().get(id).unwrap().event;
            assert_eq!(stop.place.host(), Some(happening.host), "{name} {at}");
            if let Place::Device(host, dev) = &stop.place {
                assert!(
                    session.network().host(*host).devices.get(dev).is_some() || name == "setup",
                    "{name} {dev}"
                );
            }
        }
        for at in 0..journey.stops.len() {
            assert!(journey.hop_forward(at) > at || at == journey.last());
            assert!(journey.probe_forward(at) > at || at == journey.last());
            assert!(journey.hop_back(at) < at || at == 0);
            assert!(journey.probe_back(at) < at || at == 0);
        }
    }
}

#[test]
fn an_answer_goes_back_in_the_flow_of_its_question() {
    let session = LabSession::open(include_str!("../static/labs/masquerade.json")).unwrap();
    let journey = session.journey();
    let flows = journey.flows(0);
    let flow = &flows[0];
    assert!(flow.iter().any(|(_, back)| *back), "{flows:?}");
    let names: Vec<Vec<&str>> = flow
        .iter()
        .take(2)
        .map(|(trip, _)| {
            journey.trips[*trip].passes.iter().map(|(_, h)| session.network().name(*h)).collect()
        })
        .collect();
    assert_eq!(names, [["home", "router", "web"], ["web", "router", "home"]]);
    let first = journey.stop_of(journey.trips[flow[0].0].passes[0].0).unwrap();
    let back = journey.way_back(first).unwrap();
    let trip = journey.stops[back].trip.unwrap();
    assert!(flow.contains(&(trip, true)));
}

#[test]
fn pictures_hold_together() {
    let lines = [4, 5, 7, 12].map(|n| (format!("a line of {n}"), line(n)));
    for (name, session) in labs().into_iter().chain(lines) {
        for direction in [Direction::Across, Direction::Down] {
            let plan = Topology::of(session.network(), direction);
            assert_eq!(plan, Topology::of(session.network(), direction), "{name}: the same each time");
            assert_eq!(plan.hosts.len(), session.network().hosts().count());
            assert_eq!(plan.wires.len(), session.network().wires().len(), "{name}: each wire is drawn");
            let case = vitrine::query::Area { x: 0, y: 0, w: plan.width, h: plan.height };
            for (i, host) in plan.hosts.iter().enumerate() {
                assert_eq!(host.host, HostId(i as u16));
                assert!(case.contains(host.area), "{name} {direction:?}: {host:?}");
                assert!(host.area.contains(host.core));
                for other in plan.hosts.iter().skip(i + 1) {
                    assert!(!host.area.meets(other.area), "{name}: {} over {}", host.name, other.name);
                }
                let names: BTreeSet<_> = host.devices.iter().map(|d| &d.name).collect();
                assert_eq!(names.len(), host.devices.len());
                for device in &host.devices {
                    assert!(
                        host.area.contains(device.area),
                        "{name} {direction:?}: {device:?} in {:?}",
                        host.area
                    );
                    assert!(!host.core.meets(device.area), "{name}: {} over the middle", device.name);
                }
            }
        }
    }
}

/// Hosts in a line, each wired to the next.
fn line(hosts: usize) -> LabSession {
    let host = |i: usize| {
        format!(r#""h{i}": {{"interfaces": {{"l": "10.1.{i}.2/24", "r": "10.1.{}.1/24"}}}}"#, i + 1)
    };
    let all: Vec<String> = (0..hosts).map(host).collect();
    let links: Vec<String> = (1..hosts).map(|i| format!(r#"["h{}:r", "h{i}:l"]"#, i - 1)).collect();
    let ends = r#"["start:e", "h0:l"], "#;
    let (hosts, links) = (all.join(","), links.join(","));
    let last = all.len();
    let text = format!(
        r#"{{"name": "line", "hosts": {{"start": {{"interfaces": {{"e": "10.1.0.1/24"}}}}, {hosts},
            "end": {{"interfaces": {{"e": "10.1.{last}.2/24"}}}}}},
            "links": [{ends}{links}, ["h{}:r", "end:e"]], "probes": []}}"#,
        last - 1
    );
    LabSession::open(&text).unwrap()
}

#[test]
fn a_long_line_of_hosts_is_folded_so_that_no_one_has_to_scroll_sideways() {
    for n in [2, 4, 5, 7, 12, 30] {
        let session = line(n);
        let plan = Topology::of(session.network(), Direction::Across);
        assert!(plan.width <= 1100, "{n}: {}", plan.width);
        // Each wire joins two hosts that stand beside each other, or one below the other at an end of their rows.
        for wire in &plan.wires {
            let [a, b] = wire.ends.clone().map(|(host, _)| plan.host(host).unwrap().area);
            let between = |h: &vitrine::query::HostBox| {
                let (left, right) = ((a.x + a.w).min(b.x + b.w), a.x.max(b.x));
                h.area.x >= left
                    && h.area.x + h.area.w <= right
                    && h.area.y < a.y + a.h
                    && a.y < h.area.y + h.area.h
            };
            assert!(!plan.hosts.iter().any(between), "{n}: {wire:?}");
            if a.y != b.y {
                assert!(a.x == b.x || a.x + a.w == b.x + b.w, "{n}: {wire:?}");
            }
        }
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let hosts: Vec<String> = (0..65).map(|i| format!("\"h{i}\": {{}}")).collect();
    let lab = |hosts: &str, links: &str, probes: &str| {
        format!("{{\"name\": \"x\", \"hosts\": {{{hosts}}}, \"links\": [{links}], \"probes\": [{probes}]}}")
    };
    let error = |text: &str| LabSession::open(text).err().unwrap();
    assert_eq!(error(&lab(&hosts.join(","), "", "")), LabOpenError::Hosts(65));
    let many = r#"{"do": "ping", "from": "a", "dst": "127.0.0.1", "count": 4000000000}"#;
    assert_eq!(error(&lab("\"a\": {}", "", many)), LabOpenError::Probes(4_000_000_000));
    assert!(matches!(error("{"), LabOpenError::Read(_)));
    // Two bridges joined twice: a broadcast goes round for ever.
    let bridge = r#"{"bridges": {"br0": {"addr": "10.0.0.1/24", "ports": ["p1", "p2"]}}}"#;
    let other = bridge.replace("0.1/", "0.2/");
    let ring = lab(
        &format!("\"a\": {bridge}, \"b\": {other}"),
        r#"["a:p1", "b:p1"], ["a:p2", "b:p2"]"#,
        r#"{"do": "ping", "from": "a", "dst": "10.0.0.9"}"#,
    );
    assert_eq!(error(&ring), LabOpenError::Events);
}

#[test]
fn a_probe_is_added_and_taken_back() {
    let session = LabSession::open(include_str!("../static/labs/masquerade.json")).unwrap();
    let before = session.journey().probes.len();
    let probe = serde_json::from_str(r#"{"do": "ping", "from": "home", "dst": "192.168.1.1"}"#).unwrap();
    let more = session.with(probe).unwrap();
    assert_eq!((more.journey().probes.len(), more.added()), (before + 1, 1));
    assert_eq!(more.result(before).unwrap()["result"]["replies"][0]["from"], "192.168.1.1");
    assert_eq!(more.undo().unwrap().journey(), session.journey());
    assert!(session.undo().is_none());
    let nobody = serde_json::from_str(r#"{"do": "ping", "from": "nobody", "dst": "192.168.1.1"}"#).unwrap();
    assert!(matches!(session.with(nobody), Err(LabOpenError::Read(_))));
}

#[test]
fn rules_at_a_probes_end_are_those_before_the_next_with_all_that_they_have_counted() {
    let (mut counted, mut changed) = (0, 0);
    for (name, session) in labs() {
        let count = session.journey().probes.len();
        for probe in 0..count {
            for (id, ..) in session.network().hosts() {
                for family in [Family::Ip, Family::Ip6] {
                    let Some(after) = session.before(probe + 1, id) else { continue };
                    let mut stop = session.journey().stops[session.journey().probes[probe]].clone();
                    let end = session.start(probe + 1).unwrap();
                    stop.event = end.0.checked_sub(1).map(EventId);
                    let rules = session.counted(probe, stop.event, id, family);
                    let want = after.netfilter.with_totals(family);
                    let text = |ruleset| Save { ruleset, counters: true }.to_string();
                    assert_eq!(text(&rules), text(&want), "{name}, probe {}", probe + 1);
                    counted += want.rules().filter(|(_, r)| r.counters.packets > 0).count();
                    let start = session.before(probe, id).unwrap();
                    let was = start.netfilter.ruleset(family).map_or(0, |r| r.rules().count());
                    changed += usize::from(was != want.rules().count());
                    let plain = session.rules(probe, Some(end), id, family);
                    assert_eq!(
                        plain.rules().map(|(at, _)| at).collect::<Vec<_>>(),
                        want.rules().map(|(at, _)| at).collect::<Vec<_>>(),
                        "{name}, probe {}",
                        probe + 1
                    );
                }
            }
        }
    }
    assert!(counted > 500 && changed > 5, "{counted} counted, {changed} changed");
}

#[test]
fn where_the_model_cannot_know_a_lab_goes_each_way() {
    let lab = r#"{
        "name": "chance",
        "hosts": {"a": {"interfaces": {"eth0": "10.0.0.1/24"}},
                  "b": {"interfaces": {"eth0": "10.0.0.2/24"},
                        "iptables": "*filter\n-A INPUT -m statistic --mode random --probability 0.5 -j DROP\nCOMMIT\n"}},
        "links": [["a:eth0", "b:eth0"]],
        "probes": [{"do": "ping", "from": "a", "dst": "10.0.0.2", "count": 2}]
    }"#;
    let replies = |s: &LabSession| s.result(0).unwrap()["result"]["replies"].as_array().map_or(0, Vec::len);
    let session = LabSession::open(lab).unwrap();
    let answers = |s: &LabSession| s.choices().iter().map(|c| c.yes).collect::<Vec<_>>();
    assert_eq!((answers(&session), replies(&session)), (vec![false, false], 2));
    let other = session.choose_other(1).unwrap();
    assert_eq!((answers(&other), replies(&other)), (vec![false, true], 1));
    let again = other.choose_other(0).unwrap();
    assert_eq!((answers(&again), replies(&again)), (vec![true, false], 1));
    assert_eq!(again.choices()[0].rule.to_string(), "filter INPUT 1");
}
