//! What happened in a network, in the shape of a recorded truth: passes, wires, counters, connections.

use super::shape::{packet_json, proto_json};
use crate::abi::EventId;
use crate::net::{Event, Fate, Happening, HostId, LinkEvent, Lost, NetEvent, Network, Origin, PassId};
use crate::netfilter::event::{Event as NfEvent, Verdict};
use crate::netfilter::{Counters, CtEntry, Family, Hook, Ruleset, TableName};
use crate::packet::{L4Id, Packet, Tuple};
use crate::query::{PathStep, netfilter_step};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Policies' counters before a probe: a chain that was made by a rule alone never counts.
pub(super) struct Before(BTreeMap<(HostId, Family, TableName, Hook), Counters>);

const FAMILIES: [Family; 2] = [Family::Ip, Family::Ip6];

impl Before {
    pub fn of(net: &Network) -> Before {
        let mut all = BTreeMap::new();
        for (id, _, host) in net.hosts() {
            for family in FAMILIES {
                for table in TableName::ALL {
                    for hook in table.hooks() {
                        let counted = host.netfilter.policy_counted(family, table, *hook);
                        all.insert((id, family, table, *hook), counted);
                    }
                }
            }
        }
        Before(all)
    }
}

/// One packet's way through one host.
struct Pass {
    id: PassId,
    host: HostId,
    begun: EventId,
    start: Hook,
    continuation: bool,
    first: Packet,
    now: Packet,
    steps: Vec<Value>,
    last_hook: Option<Hook>,
    fate: Option<Fate>,
    counted: Vec<(String, u32)>,
}

/// Writes what happened since an event.
pub(super) fn record(
    net: &Network,
    start: EventId,
    phases: &[(EventId, &str)],
    before: &Before,
    out: &mut Map<String, Value>,
) {
    let entries = &net.log().entries()[start.0 as usize..];
    let passes = passes(net, start, entries.iter().map(|e| &e.event));
    let shown: Vec<&Pass> = passes.iter().filter(|p| p.last_hook.is_some() && !is_noise(&p.first)).collect();
    let icmp: Vec<Value> = shown.iter().filter_map(|p| icmp_received(net, p)).collect();
    if !icmp.is_empty() {
        out.insert("icmp_received".into(), icmp.into());
    }
    let mut sent: Vec<(HostId, Packet)> = Vec::new();
    let mut wire = Vec::new();
    for entry in entries {
        let Happening { host, event, .. } = &entry.event;
        let (dev, frame, dir) = match event {
            Event::Link(LinkEvent::FrameSent { dev, frame }) => (dev, frame, "out"),
            Event::Link(LinkEvent::FrameReceived { dev, frame, .. }) => (dev, frame, "in"),
            _ => continue,
        };
        let Some(packet) = frame.packet().filter(|p| !is_noise(p)) else { continue };
        let mut line = json!({"host": net.name(*host), "dev": dev.as_str(), "dir": dir});
        merge(&mut line, packet_json(packet));
        wire.push(line);
        // A recording takes an IPv6 piece for another protocol's packet.
        if dir == "out" && (packet.src.is_ipv4() || packet.fragment.is_none()) {
            sent.push((*host, packet.clone()));
        }
    }
    for pass in &shown {
        if matches!(&pass.fate, Some(Fate::Sent(dev)) if dev.is_lo()) {
            sent.push((pass.host, pass.now.clone()));
        }
    }
    let gathered: Vec<(HostId, u16)> = shown
        .iter()
        .filter(|p| p.last_hook == Some(Hook::Input) && p.first.fragment.is_some())
        .map(|p| (p.host, p.first.id))
        .collect();
    let many = phases.iter().map(|(_, name)| name).collect::<std::collections::BTreeSet<_>>().len() > 1;
    let journey: Vec<Value> = shown
        .iter()
        .map(|pass| {
            let phase = phases.iter().rev().find(|(at, _)| *at <= pass.begun).map(|(_, name)| *name);
            show(net, pass, &shown, phase.filter(|_| many), &mut sent, &gathered)
        })
        .collect();
    out.insert("journey".into(), journey.into());
    out.insert("wire".into(), wire.into());
    out.insert("counters".into(), counters(net, &shown, before));
    out.insert("counters_agree_with_trace".into(), true.into());
    out.insert("conntrack".into(), connections(net));
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// Neighbour and multicast listener discovery, which recordings leave out.
fn is_noise(packet: &Packet) -> bool {
    packet.src.is_ipv6() && packet.icmp().is_some_and(|i| matches!(i.kind.ty, 130..=137 | 143))
}

fn passes<'a>(net: &Network, start: EventId, entries: impl Iterator<Item = &'a Happening>) -> Vec<Pass> {
    let mut all: Vec<Pass> = Vec::new();
    let rulesets: BTreeMap<HostId, [Option<Arc<Ruleset>>; 2]> =
        net.hosts().map(|(id, _, host)| (id, FAMILIES.map(|f| host.netfilter.ruleset(f).cloned()))).collect();
    for (at, happening) in entries.enumerate() {
        let Some(id) = happening.pass else { continue };
        let begun = EventId(start.0 + at as u32);
        let opened = match &happening.event {
            Event::Net(NetEvent::Begins { skb, origin: Origin::Wire(_) }) => {
                Some((skb, Hook::Prerouting, false))
            }
            Event::Net(NetEvent::Begins { skb, origin: Origin::Process } | NetEvent::Answers { skb }) => {
                Some((skb, Hook::Output, false))
            }
            Event::Net(NetEvent::Continues { skb, hook }) => Some((skb, *hook, true)),
            _ => None,
        };
        if let Some((skb, start, continuation)) = opened {
            all.push(Pass {
                id,
                host: happening.host,
                begun,
                start,
                continuation,
                first: skb.packet.clone(),
                now: skb.packet.clone(),
                steps: Vec::new(),
                last_hook: None,
                fate: None,
                counted: Vec::new(),
            });
            continue;
        }
        let Some(pass) = all.iter_mut().rev().find(|p| p.id == id) else { continue };
        match &happening.event {
            Event::Net(NetEvent::Ended { fate, .. }) => pass.fate = Some(fate.clone()),
            Event::Netfilter(event) => {
                let family = usize::from(pass.first.src.is_ipv6());
                let ruleset = rulesets.get(&pass.host).and_then(|r| r[family].as_ref());
                pass.take(event, ruleset);
            }
            Event::Net(_) | Event::Link(_) | Event::Socket(_) | Event::Config(_) => {}
        }
    }
    all
}

impl Pass {
    /// A target that decides by what it finds (TPROXY, MASQUERADE) shows its verdict with the table's.
    fn decided(&mut self, verdict: Verdict) {
        let Some(last) = self.steps.last_mut().filter(|s| s.get("rule").is_some()) else { return };
        let shown = match verdict {
            Verdict::Accept => "ACCEPT",
            Verdict::Drop => "DROP",
            Verdict::Reject | Verdict::Unknown => return,
        };
        if matches!(last["verdict"].as_str(), Some("CONTINUE" | "ACCEPT")) {
            last["verdict"] = shown.into();
        }
    }

    fn take(&mut self, event: &NfEvent, ruleset: Option<&Arc<Ruleset>>) {
        match event {
            NfEvent::HookEntered { hook } => self.last_hook = Some(*hook),
            NfEvent::PacketChanged { after, .. } => self.now = after.packet.clone(),
            NfEvent::TableDone { verdict, .. } => self.decided(*verdict),
            _ => {}
        }
        let Some(ruleset) = ruleset else { return };
        let prefix = if self.first.src.is_ipv4() { "" } else { "ip6:" };
        let mut hook = self.last_hook;
        let Some(step) = netfilter_step(ruleset, event, &mut hook) else { return };
        let value = match &step {
            PathStep::Rule { table, chain, rule, text, verdict, to, .. } => {
                self.counted.push((format!("{prefix}{table}/{chain}/{rule}"), self.now.len()));
                let rest = text.strip_prefix(&format!("-A {chain} ")).unwrap_or(text);
                // A recording has no word for a queue's number.
                let numbered = rest.contains("-j NFQUEUE") && !rest.ends_with("--queue-num 0");
                let verdict = if numbered { "?" } else { *verdict };
                let mut step =
                    json!({"table": table, "chain": chain, "rule": rule, "text": rest, "verdict": verdict});
                if let Some(to) = to {
                    step["to"] = json!(to);
                }
                step
            }
            PathStep::End { table, chain, .. } => json!({"table": table, "chain": chain, "end": true}),
            PathStep::Policy { table, chain, policy } => {
                self.counted.push((format!("{prefix}{table}/{chain}/policy"), self.now.len()));
                json!({"table": table, "chain": chain, "policy": policy})
            }
            PathStep::Ct { at, ct } => json!({"at": format!("{at}:ct"), "ct": ct}),
            PathStep::Pass { .. } | PathStep::Nat { .. } => return,
        };
        self.steps.push(value);
    }
}

fn show(
    net: &Network,
    pass: &Pass,
    all: &[&Pass],
    phase: Option<&str>,
    sent: &mut Vec<(HostId, Packet)>,
    gathered: &[(HostId, u16)],
) -> Value {
    let mut out = json!({"host": net.name(pass.host)});
    if let Some(phase) = phase {
        out["phase"] = phase.into();
    }
    out["start"] = pass.start.to_string().into();
    if pass.continuation {
        out["continuation"] = true.into();
    }
    if pass.first.src.is_ipv6() {
        out["family"] = 6.into();
    }
    out["packet"] = packet_json(&pass.first);
    out["path"] = pass.steps.clone().into();
    let hook = pass.last_hook.unwrap_or(pass.start);
    out["last_hook"] = hook.to_string().into();
    let lost_after = || format!("lost-after-{hook}");
    // A recording looks for each pass on the wires, and crosses out what it finds: two alike packets over `lo`, as
    // IPv6 has them without identifications, take each other's place.
    let on_wire = left(pass, sent);
    let fate = match &pass.fate {
        None => lost_after(),
        Some(Fate::Delivered) => "delivered".into(),
        Some(Fate::Sent(dev)) => {
            if on_wire {
                out["sent_on"] = dev.as_str().into();
                out["sent_packet"] = packet_json(&pass.now);
                "sent".into()
            } else if !dev.is_lo() && repeated(pass, all) {
                "looped-back".into()
            } else {
                lost_after()
            }
        }
        Some(Fate::SentSomewhere) => "sent".into(),
        Some(Fate::LoopedBack) => "looped-back".into(),
        Some(Fate::Gathered) if gathered.contains(&(pass.host, pass.first.id)) => "reassembled".into(),
        Some(Fate::Gathered) => lost_after(),
        // A queue that nobody reads is no rule's drop.
        Some(Fate::Dropped)
            if pass.steps.last().is_some_and(|s| s["verdict"] == "?" || s["verdict"] == "QUEUE") =>
        {
            format!("lost-in-{hook}")
        }
        Some(Fate::Dropped | Fate::Rejected) => "dropped".into(),
        // Confirmation comes after everything that a recording sees.
        Some(Fate::Lost(Lost::Clash)) if hook == Hook::Input => "delivered".into(),
        Some(Fate::Lost(Lost::InHook)) => format!("lost-in-{hook}"),
        Some(Fate::Lost(_)) => lost_after(),
        Some(Fate::Unknown) => "unknown".into(),
    };
    if fate == "delivered" && pass.now != pass.first {
        out["delivered_packet"] = packet_json(&pass.now);
    }
    out["fate"] = fate.into();
    out
}

/// A recording takes what does not leave for a copy that the host keeps if a packet of the same number for the same
/// address comes in: so a forwarded packet that is lost and sent again.
fn repeated(pass: &Pass, all: &[&Pass]) -> bool {
    let id = |p: &Packet| if p.src.is_ipv4() { p.id } else { 0 };
    let alike = |p: &Packet| id(p) == id(&pass.now) && p.dst == pass.now.dst;
    all.iter()
        .any(|p| p.id != pass.id && p.host == pass.host && p.start == Hook::Prerouting && alike(&p.first))
}

/// Whether a packet really left its host by a wire: then that is crossed out.
fn left(pass: &Pass, sent: &mut Vec<(HostId, Packet)>) -> bool {
    let id = |p: &Packet| if p.src.is_ipv4() { p.id } else { 0 };
    let key = |p: &Packet| (p.src, p.dst, p.proto(), id(p), p.tcp().map(|t| t.flags));
    let place = sent.iter().position(|(host, p)| {
        *host == pass.host
            && key(p) == key(&pass.now)
            && (p.fragment.is_some() || p.ports() == pass.now.ports())
    });
    match place {
        Some(at) => {
            if sent[at].1.fragment.is_none() {
                sent.remove(at);
            }
            true
        }
        None => false,
    }
}

/// ICMP messages that a host took, echo requests and replies aside.
fn icmp_received(net: &Network, pass: &Pass) -> Option<Value> {
    let icmp = pass.now.icmp().filter(|_| pass.fate == Some(Fate::Delivered))?;
    let v4 = pass.now.src.is_ipv4();
    let echo = if v4 { matches!(icmp.kind.ty, 0 | 8) } else { matches!(icmp.kind.ty, 128 | 129) };
    if echo {
        return None;
    }
    let mut out = json!({
        "host": net.name(pass.host), "from": pass.now.src.to_string(),
        "type": icmp.kind.ty, "code": icmp.kind.code,
    });
    let shown = packet_json(&pass.now);
    for key in ["id", "seqno", "inner"] {
        if let Some(value) = shown.get(key) {
            out[key] = value.clone();
        }
    }
    Some(out)
}

fn counters(net: &Network, passes: &[&Pass], before: &Before) -> Value {
    let mut out = Map::new();
    for (id, name, host) in net.hosts() {
        let mut counted: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for pass in passes.iter().filter(|p| p.host == id) {
            for (key, len) in &pass.counted {
                let entry = counted.entry(key.clone()).or_default();
                entry.0 += 1;
                entry.1 += u64::from(*len);
            }
        }
        counted.retain(|key, _| {
            let Some(chain) = key.strip_suffix("/policy") else { return true };
            let (family, chain) = match chain.strip_prefix("ip6:") {
                Some(chain) => (Family::Ip6, chain),
                None => (Family::Ip, chain),
            };
            let place = chain.split_once('/').and_then(|(table, chain)| {
                let table = TableName::ALL.into_iter().find(|t| t.name() == table)?;
                Some((table, *table.hooks().iter().find(|h| h.to_string() == chain)?))
            });
            place.is_some_and(|(table, hook)| {
                let was = before.0.get(&(id, family, table, hook)).copied().unwrap_or_default();
                host.netfilter.policy_counted(family, table, hook) != was
            })
        });
        if !counted.is_empty() {
            let all = counted.into_iter().map(|(key, (packets, bytes))| (key, json!([packets, bytes])));
            out.insert(name.to_owned(), Value::Object(all.collect()));
        }
    }
    Value::Object(out)
}

fn connections(net: &Network) -> Value {
    let mut out = Map::new();
    for (_, name, host) in net.hosts() {
        let conntrack = &host.netfilter.conntrack;
        let table: Vec<Value> = conntrack
            .table()
            .filter(|e| e.expires > net.now())
            .map(|entry| connection(entry, entry.master.and_then(|id| conntrack.entry(id))))
            .collect();
        if !table.is_empty() {
            out.insert(name.to_owned(), json!({"table": table}));
        }
    }
    Value::Object(out)
}

fn connection(entry: &CtEntry, master: Option<&CtEntry>) -> Value {
    let mut out = json!({
        "ct": entry.id,
        "orig": tuple_json(&entry.original),
        "reply": tuple_json(&entry.reply),
    });
    if let Some(master) = master {
        out["master"] = tuple_json(&master.original);
    }
    if let Some(tcp) = entry.tcp {
        out["tcp"] = tcp.name().into();
    }
    let status: Vec<&str> = entry.status_bits().iter().map(|s| s.name()).collect();
    out["status"] = status.into();
    if entry.mark != 0 {
        out["mark"] = entry.mark.into();
    }
    if entry.zone.id != 0 && entry.zone.side == Default::default() {
        out["zone"] = entry.zone.id.into();
    }
    if let Some(helper) = &entry.helper {
        out["helper"] = helper.as_str().into();
    }
    out
}

fn tuple_json(tuple: &Tuple) -> Value {
    let mut out = json!({
        "src": tuple.src.to_string(), "dst": tuple.dst.to_string(), "proto": proto_json(tuple.proto),
    });
    match tuple.id {
        L4Id::Ports(sport, dport) => {
            out["sport"] = sport.into();
            out["dport"] = dport.into();
        }
        L4Id::Icmp(ty, code, id) => {
            out["id"] = id.into();
            out["type"] = ty.into();
            out["code"] = code.into();
        }
        L4Id::None if tuple.proto.0 == 47 => {
            out["sport"] = 0.into();
            out["dport"] = 0.into();
        }
        L4Id::None => {}
    }
    out
}
