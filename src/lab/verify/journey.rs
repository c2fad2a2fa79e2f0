//! The trace of a host's kernel as passes of packets through its hooks.

use super::headers::Seen;
use super::trace::{Event, Handles, Kind, Place};
use crate::netfilter::Family;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A packet on a wire, as it left a host.
#[derive(Clone, Debug)]
pub struct Left {
    /// The packet.
    pub seen: Seen,
    /// A pass was found that sent it.
    taken: bool,
}

impl Left {
    /// A packet that just left.
    pub fn new(seen: Seen) -> Self {
        Left { seen, taken: false }
    }
}

/// One walk of a packet through a host's hooks.
#[derive(Debug)]
pub struct Pass {
    start: String,
    hook: String,
    /// It went through the end of INPUT or POSTROUTING.
    done: bool,
    events: Vec<Event>,
    /// The newest headers.
    last: Option<Seen>,
    /// The end of a base chain, whose policy is told next.
    ends: Option<Event>,
}

/// Packets and bytes.
pub type Noise = BTreeMap<String, (u64, u64)>;

/// What a packet's number stands for.
enum Known {
    Noise(u32),
    Pass(usize),
}

/// The hooks that may follow a hook.
fn follows(hook: &str, next: &str) -> bool {
    match hook {
        "PREROUTING" => matches!(next, "INPUT" | "FORWARD"),
        "FORWARD" | "OUTPUT" => next == "POSTROUTING",
        _ => false,
    }
}

/// Sorts a host's events into passes; counts what neighbour discovery adds to counters.
///
/// The kernel makes a packet's number of its address in memory, its flow and its input interface. So a later packet
/// may have an earlier one's, and a frame that a bridge hands up gets another: where a number does not fit, the
/// newest pass that can go on there with the same headers is taken.
pub fn passes(events: &[Event], handles: &Handles) -> (Vec<Pass>, Noise) {
    let mut all: Vec<Pass> = Vec::new();
    let mut known: BTreeMap<u64, Known> = BTreeMap::new();
    let mut noise = Noise::new();
    for event in events {
        if let Some(seen) = event.seen.as_ref().filter(|seen| seen.is_noise()) {
            known.insert(event.packet, Known::Noise(seen.len));
            count(&mut noise, event, seen.len, handles);
            continue;
        }
        let begins = matches!(event.place(), Place::Tap("PREROUTING" | "OUTPUT", "start"));
        let marks = event.kind == Kind::Rule && event.handle.is_some();
        if let Some(Known::Noise(len)) = known.get(&event.packet)
            && !(begins && marks)
        {
            count(&mut noise, event, *len, handles);
            continue;
        }
        if begins {
            if marks {
                known.insert(event.packet, Known::Pass(all.len()));
                all.push(Pass::begin(event));
            }
            continue;
        }
        let hook = match event.place() {
            Place::Tap(hook, _) | Place::Base(hook) => Some(hook),
            Place::User => None,
        };
        let at = place_of(&all, known.get(&event.packet), hook, event).unwrap_or_else(|| {
            all.push(Pass::begin_at(hook.unwrap_or(&event.chain), event));
            all.len() - 1
        });
        known.insert(event.packet, Known::Pass(at));
        all[at].take(event.clone(), hook);
    }
    (all, noise)
}

/// The pass that an event belongs to.
fn place_of(all: &[Pass], known: Option<&Known>, hook: Option<&str>, event: &Event) -> Option<usize> {
    let by_number = match known {
        Some(Known::Pass(at)) => Some(*at),
        Some(Known::Noise(_)) | None => None,
    };
    let Some(hook) = hook else { return by_number.or(all.len().checked_sub(1)) };
    let fits = |pass: &Pass| !pass.done && (pass.hook == hook || follows(&pass.hook, hook));
    match by_number.filter(|at| all.get(*at).is_some_and(fits)) {
        Some(at) => Some(at),
        None => all.iter().rposition(|pass| {
            let same = pass.last.as_ref().zip(event.seen.as_ref()).is_some_and(|(a, b)| a.is_like(b));
            !pass.done && follows(&pass.hook, hook) && same
        }),
    }
}

/// What an event added to the counters.
fn count(noise: &mut Noise, event: &Event, len: u32, handles: &Handles) {
    if matches!(event.place(), Place::Tap(..)) {
        return;
    }
    let what = match (event.kind, event.handle) {
        (Kind::Policy, _) => Some("policy".to_owned()),
        (Kind::Rule | Kind::End, Some(_)) => number(event, handles).map(|n| n.to_string()),
        (Kind::Rule | Kind::End, None) => None,
    };
    if let Some(what) = what {
        let prefix = if event.family == Some(Family::Ip6) { "ip6:" } else { "" };
        let place = noise.entry(format!("{prefix}{}/{}/{what}", event.table, event.chain)).or_default();
        place.0 += 1;
        place.1 += u64::from(len);
    }
}

/// A rule's number.
fn number(event: &Event, handles: &Handles) -> Option<usize> {
    handles.get(&(event.family?, event.table.clone(), event.chain.clone(), event.handle?)).copied()
}

impl Pass {
    fn begin(event: &Event) -> Pass {
        let mut pass = Pass::begin_at(event.chain.split('_').next().unwrap_or_default(), event);
        pass.events.push(event.clone());
        pass
    }

    fn begin_at(hook: &str, event: &Event) -> Pass {
        Pass {
            start: hook.to_owned(),
            hook: hook.to_owned(),
            done: false,
            events: Vec::new(),
            last: event.seen.clone(),
            ends: None,
        }
    }

    fn take(&mut self, mut event: Event, hook: Option<&str>) {
        if let Some(hook) = hook {
            self.hook = hook.to_owned();
        }
        if event.seen.is_some() {
            self.last = event.seen.clone();
        }
        if matches!(event.place(), Place::Tap("INPUT" | "POSTROUTING", "end")) && event.kind == Kind::Policy {
            self.done = true;
        }
        match (event.kind, event.handle) {
            (Kind::Rule | Kind::End, None) => {
                if event.place() != Place::User {
                    self.ends = Some(event);
                    return;
                }
                event.kind = Kind::End;
            }
            (Kind::End, Some(_)) => event.kind = Kind::Rule,
            (Kind::Rule, Some(_)) => {}
            (Kind::Policy, _) => {
                // The end of the chain, told just before, has the headers and interfaces.
                let same = |end: &Event| (&end.chain, &end.table) == (&event.chain, &event.table);
                if let Some(end) = self.ends.take().filter(same) {
                    event.seen = event.seen.or(end.seen);
                    event.out = event.out.or(end.out);
                }
            }
        }
        self.ends = None;
        self.events.push(event);
    }

    fn first(&self) -> Option<&Seen> {
        self.events.iter().find_map(|event| event.seen.as_ref())
    }

    fn end(&self) -> Option<&Seen> {
        self.events.iter().rev().find_map(|event| event.seen.as_ref())
    }

    /// When it began.
    pub fn order(&self) -> u64 {
        self.events.first().map_or(0, |event| event.order)
    }

    fn enters_input(&self) -> bool {
        self.events.iter().any(|event| event.chain.starts_with("INPUT"))
    }
}

/// What became of a packet after the last hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnWire {
    Yes,
    /// Only the sender's own copy of a broadcast or multicast.
    Loop,
    No,
}

/// A host's passes as a truth has them.
pub fn show(
    host: &str,
    passes: &[Pass],
    left: &mut [Left],
    handles: &Handles,
    names: &BTreeMap<u32, String>,
) -> Vec<(u64, Value)> {
    let with_packets: Vec<&Pass> = passes.iter().filter(|pass| pass.first().is_some()).collect();
    let mut shown = Vec::new();
    for (i, pass) in with_packets.iter().enumerate() {
        let (Some(first), Some(end)) = (pass.first(), pass.end()) else { continue };
        let others = || with_packets.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, other)| *other);
        let out = pass.events.iter().rev().find_map(|event| event.out).and_then(|n| names.get(&n));
        let sent = left.iter_mut().find(|left| !left.taken && leaves_as(&left.seen, end));
        let on_wire = match sent {
            Some(left) => {
                // Each of a packet's fragments leaves, and one pass sent them all.
                left.taken = left.seen.frag.is_none();
                OnWire::Yes
            }
            None => {
                let own_copy = |other: &Pass| {
                    let came = other.first();
                    other.start == "PREROUTING"
                        && came.is_some_and(|c| (c.ipid, c.dst) == (end.ipid, end.dst))
                };
                let loops = out.is_some_and(|name| name != "lo") && others().any(own_copy);
                if loops { OnWire::Loop } else { OnWire::No }
            }
        };
        let reassembled = first.frag.is_some()
            && others().any(|other| {
                let same = other.first().is_some_and(|f| f.ipid == first.ipid && f.frag.is_some());
                same && other.enters_input()
            });
        let (path, verdict) = steps(pass, handles);
        let last_hook = pass.events.iter().rev().find_map(|event| match event.place() {
            Place::Tap(hook, _) | Place::Base(hook) => Some(hook),
            Place::User => None,
        });
        let last_hook = last_hook.unwrap_or(&pass.start);
        let at_end = pass.events.last().is_some_and(|event| matches!(event.place(), Place::Tap(_, "end")));
        let fate = match (at_end, last_hook) {
            (true, "PREROUTING") if reassembled => "reassembled".to_owned(),
            (true, "INPUT") => "delivered".to_owned(),
            (true, "POSTROUTING") => match on_wire {
                OnWire::Yes => "sent".to_owned(),
                OnWire::Loop => "looped-back".to_owned(),
                OnWire::No => "lost-after-POSTROUTING".to_owned(),
            },
            (true, hook) => format!("lost-after-{hook}"),
            (false, _) if verdict.as_deref() == Some("DROP") => "dropped".to_owned(),
            (false, hook) => format!("lost-in-{hook}"),
        };
        let mut map = Map::new();
        let mut put = |name: &str, value: Value| map.insert(name.to_owned(), value);
        put("host", json!(host));
        put("start", json!(pass.start));
        put("packet", first.to_json());
        put("path", json!(path));
        put("last_hook", json!(last_hook));
        if fate == "sent" {
            put("sent_on", json!(out));
            put("sent_packet", end.to_json());
        }
        if fate == "delivered" && first != end {
            put("delivered_packet", end.to_json());
        }
        put("fate", json!(fate));
        shown.push((pass.order(), Value::Object(map)));
    }
    shown
}

/// Whether a packet on the wire is the one that a pass ended with.
fn leaves_as(wire: &Seen, end: &Seen) -> bool {
    (wire.src, wire.dst, wire.proto, wire.ipid) == (end.src, end.dst, end.proto, end.ipid)
        && (wire.frag.is_some() || wire.ports.map(|p| p.0) == end.ports.map(|p| p.0))
        && (wire.frag.is_some_and(|f| f.0 > 0) || wire.flags == end.flags)
}

/// The rules, chain ends and policies of a pass, and the verdict of the last event.
fn steps(pass: &Pass, handles: &Handles) -> (Vec<Value>, Option<String>) {
    let mut path = Vec::new();
    let mut fate = None;
    for event in &pass.events {
        if let Place::Tap(..) = event.place() {
            fate = Some("ACCEPT".to_owned());
            continue;
        }
        let mut step = Map::new();
        step.insert("table".to_owned(), json!(event.table));
        step.insert("chain".to_owned(), json!(event.chain));
        match event.kind {
            Kind::Rule => {
                step.insert("rule".to_owned(), json!(number(event, handles)));
                fate = event.verdict.as_ref().map(|(verdict, _)| verdict.clone());
                if let Some((verdict, to)) = &event.verdict {
                    step.insert("verdict".to_owned(), json!(verdict));
                    if let Some(to) = to {
                        step.insert("to".to_owned(), json!(to));
                    }
                }
            }
            Kind::End => {
                step.insert("end".to_owned(), json!(true));
                fate = Some("RETURN".to_owned());
            }
            Kind::Policy => {
                step.insert("policy".to_owned(), json!(event.policy));
                fate = event.policy.clone();
            }
        }
        path.push(Value::Object(step));
    }
    (path, fate)
}
