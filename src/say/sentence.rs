//! One sentence for each event.

use super::sets::set_changed;
use super::text::{Lang, Text};
use super::{connection, rules};
use crate::net::{Assumption, Event, Fate, Lost, NetEvent, Origin, Routed};
use crate::netfilter::event::{ChangedBy, EnteredBy, Event as NfEvent, Manip, NotKnown, Skip, Verdict};
use crate::netfilter::text::rule_parts;
use crate::netfilter::{Absent, Fact, NotTold, OutDev, RuleRef, Ruleset, SetFact, Skb, Stage, Ternary};
use crate::packet::{Icmp, Packet, Transport};
use crate::session::NoReply;

/// Says an event. The ruleset is the one the event's packet walked.
pub fn sentence(lang: Lang, ruleset: &Ruleset, event: &Event) -> String {
    match event {
        Event::Net(event) => net(lang, event),
        Event::Link(event) => super::wire::link(lang, event),
        Event::Socket(event) => super::wire::socket(lang, event),
        Event::Config(event) => super::config::config(lang, event),
        Event::Netfilter(event) => netfilter(lang, ruleset, event),
    }
}

fn net(lang: Lang, event: &NetEvent) -> String {
    let text = Text::events(lang);
    match event {
        NetEvent::Begins { skb, origin } => {
            let packet = skb.packet.to_string();
            match origin {
                Origin::Wire(iif) => {
                    text.with("begins-wire", &[("iface", iif.as_str()), ("packet", &packet)])
                }
                Origin::Process => text.with("begins-process", &[("packet", &packet)]),
            }
        }
        NetEvent::Continues { skb, hook } => {
            text.with("continues", &[("packet", &skb.packet.to_string()), ("hook", &hook.to_string())])
        }
        NetEvent::Resumes { .. } => text.get("resumes").to_string(),
        NetEvent::Gathered { skb } => text.with("gathered", &[("packet", &skb.packet.to_string())]),
        NetEvent::Fragmented { pieces, mtu } => {
            text.with("fragmented", &[("pieces", &pieces.to_string()), ("mtu", &mtu.to_string())])
        }
        NetEvent::Answers { skb } => text.with("answers", &[("packet", &skb.packet.to_string())]),
        NetEvent::Routed { dst, to } => {
            let dst = dst.to_string();
            match to {
                Routed::Local => text.with("routed-local", &[("dst", &dst)]),
                Routed::Out(dev) => text.with("routed-out", &[("dst", &dst), ("iface", dev.as_str())]),
                Routed::Broadcast(dev) => {
                    text.with("routed-broadcast", &[("dst", &dst), ("iface", dev.as_str())])
                }
                Routed::Multicast(dev) => {
                    text.with("routed-multicast", &[("dst", &dst), ("iface", dev.as_str())])
                }
                Routed::Refused(_) => text.with("routed-refused", &[("dst", &dst)]),
                Routed::NoRoute => text.with("routed-none", &[("dst", &dst)]),
                Routed::Unknown => text.with("routed-unknown", &[("dst", &dst)]),
            }
        }
        NetEvent::Ended { fate: ended, .. } => fate(lang, ended),
    }
}

/// Says how a packet's way ended.
pub fn fate(lang: Lang, fate: &Fate) -> String {
    let text = Text::events(lang);
    let key = match fate {
        Fate::Delivered => "fate-delivered",
        Fate::Sent(dev) => return text.with("fate-sent", &[("iface", dev.as_str())]),
        Fate::SentSomewhere => "fate-sent-somewhere",
        Fate::Dropped => "fate-dropped",
        Fate::Rejected => "fate-rejected",
        Fate::Unknown => "fate-unknown",
        Fate::LoopedBack => "fate-looped-back",
        Fate::Gathered => "fate-gathered",
        Fate::Lost(Lost::NoRoute) => "fate-lost-no-route",
        Fate::Lost(Lost::RouteRefuses) => "fate-lost-route-refuses",
        Fate::Lost(Lost::ForwardingOff) => "fate-lost-forwarding-off",
        Fate::Lost(Lost::TtlExceeded) => "fate-lost-ttl-exceeded",
        Fate::Lost(Lost::Martian) => "fate-lost-martian",
        Fate::Lost(Lost::ReversePath) => "fate-lost-reverse-path",
        Fate::Lost(Lost::InHook) => "fate-lost-in-hook",
        Fate::Lost(Lost::TooBig) => "fate-lost-too-big",
        Fate::Lost(Lost::NoNeighbour) => "fate-lost-no-neighbour",
        Fate::Lost(Lost::NotJoined) => "fate-lost-not-joined",
        Fate::Lost(Lost::NotForHost) => "fate-lost-not-for-host",
        Fate::Lost(Lost::LinkDown) => "fate-lost-link-down",
        Fate::Lost(Lost::Clash) => "fate-lost-clash",
    };
    text.get(key)
}

fn netfilter(lang: Lang, ruleset: &Ruleset, event: &NfEvent) -> String {
    let text = Text::events(lang);
    match event {
        NfEvent::HookEntered { hook } => text.with("hook-entered", &[("hook", hook.name())]),
        NfEvent::StageSkipped { hook, stage, why } => {
            let key = match why {
                Skip::NoTable => "skip-no-table",
                Skip::NoChain => "skip-no-chain",
                Skip::TrackingOff => "skip-tracking-off",
                Skip::AlreadyTracked => "skip-already-tracked",
                Skip::Untracked => "skip-untracked",
                Skip::Invalid => "skip-invalid",
                Skip::NotFirstPacket => "skip-not-first-packet",
                Skip::Settled => "skip-settled",
                Skip::IcmpError => "skip-icmp-error",
                Skip::Answer => "skip-answer",
                Skip::Confirmed => "skip-confirmed",
            };
            text.with(key, &[("stage", &stage_name(*stage)), ("hook", hook.name())])
        }
        NfEvent::ChainEntered { table, chain, by, .. } => {
            let key = match by {
                EnteredBy::Hook => "chain-base",
                EnteredBy::Jump(_) => "chain-jump",
                EnteredBy::Goto(_) => "chain-goto",
            };
            text.with(key, &[("table", table.name()), ("chain", chain.as_str())])
        }
        NfEvent::RuleAsked { rule, checks, held, taken } => {
            let values = [("chain", rule.chain.as_str()), ("number", &rule.number().to_string())];
            let parts = ruleset.rule(rule).map(|r| rule_parts(ruleset.family, r));
            if *held == Ternary::Yes {
                let whole = parts.map(|p| {
                    let asked = p.parts.iter().map(|(_, t)| t.as_str());
                    asked.chain([p.target.as_str()]).filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" ")
                });
                return text.with("rule-yes", &[values[0], values[1], ("rule", &whole.unwrap_or_default())]);
            }
            let decided = checks.iter().find(|c| c.held == *held);
            let part = decided.and_then(|c| parts?.parts.into_iter().find(|(p, _)| *p == c.part));
            let part = part.map(|(_, t)| t).unwrap_or_default();
            let found = decided.map(|c| found(lang, &c.found)).unwrap_or_default();
            let key = match (held, taken) {
                (Ternary::Unknown, true) => "rule-unknown-taken",
                (Ternary::Unknown, false) => "rule-unknown-passed",
                (Ternary::No | Ternary::Yes, _) => "rule-no",
            };
            text.with(key, &[values[0], values[1], ("part", &part), ("found", &found)])
        }
        NfEvent::ChainLeft { table, chain, returned, .. } => {
            let key = if *returned { "chain-returned" } else { "chain-end" };
            text.with(key, &[("table", table.name()), ("chain", chain.as_str())])
        }
        NfEvent::PolicyApplied { table, chain, policy } => {
            let policy = policy.to_string();
            text.with("policy", &[("table", table.name()), ("chain", chain.as_str()), ("policy", &policy)])
        }
        NfEvent::TableDone { hook, table, verdict } => {
            let key = match verdict {
                Verdict::Accept => "table-accept",
                Verdict::Drop => "table-drop",
                Verdict::Reject => "table-reject",
                Verdict::Unknown => "table-unknown",
            };
            text.with(key, &[("table", table.name()), ("hook", hook.name())])
        }
        NfEvent::Tracked { ct, why, .. } => text
            .with("tracked", &[("state", ct.state.name()), ("why", &connection::tracked_by(text, *why, ct))]),
        NfEvent::ConnectionChanged { entry, change } => {
            connection::connection(text, &entry.to_string(), *change)
        }
        NfEvent::PacketChanged { before, after, by } => changed(text, before, after, *by),
        NfEvent::NatSettled { manip, entry, changes } => {
            let key = match (manip, changes) {
                (Manip::Src, true) => "nat-src",
                (Manip::Dst, true) => "nat-dst",
                (Manip::Src, false) => "nat-src-same",
                (Manip::Dst, false) => "nat-dst-same",
            };
            text.with(key, &[("entry", &entry.to_string())])
        }
        NfEvent::SetChanged { set, change } => set_changed(text, set, change),
        NfEvent::ExpectationChanged { expectation, change } => {
            connection::expectation(text, &expectation.to_string(), *change)
        }
        NfEvent::KernelDropped { why } => connection::kernel_dropped(text, *why),
        NfEvent::LogWritten { line } => text.with("log-written", &[("line", line)]),
        NfEvent::CommandRun { command } => text.with("command-run", &[("command", command)]),
        NfEvent::RulesChanged { family, change } => rules::changed(text, *family, change),
        NfEvent::Copied { gateway, .. } => text.with("copied", &[("gateway", &gateway.to_string())]),
        NfEvent::NotKnown { what } => match what {
            NotKnown::MasqueradeAddress => text.get("not-known-masquerade-address"),
            NotKnown::Helper(name) => text.with("not-known-helper", &[("name", name)]),
            NotKnown::Target(name) => text.with("not-known-target", &[("name", name)]),
            NotKnown::PathMtu => text.get("not-known-path-mtu"),
            NotKnown::Set(name) => text.with("not-known-set", &[("name", name)]),
            NotKnown::Queue => text.get("not-known-queue"),
        },
    }
}

/// Says each field that changed.
fn changed(text: &Text, before: &Skb, after: &Skb, by: ChangedBy) -> String {
    if by == ChangedBy::Loopback {
        return text.get("changed-lo");
    }
    if by == ChangedBy::Gathering {
        return text.with("changed-gathered", &[("length", &after.packet.len().to_string())]);
    }
    let (old, new) = (&before.packet, &after.packet);
    let mut said = Vec::new();
    let mut say = |key, from: String, to: String| {
        if from != to {
            said.push(text.with(key, &[("from", &from), ("to", &to)]));
        }
    };
    say("changed-src", end(old, true), end(new, true));
    say("changed-dst", end(old, false), end(new, false));
    say("changed-ttl", old.ttl.to_string(), new.ttl.to_string());
    say("changed-tos", format!("{:#04x}", old.tos), format!("{:#04x}", new.tos));
    say("changed-mark", format!("{:#x}", before.mark), format!("{:#x}", after.mark));
    let mss = |p: &Packet| p.tcp().and_then(|t| t.options.mss()).map_or("-".into(), |m| m.to_string());
    say("changed-mss", mss(old), mss(new));
    let payload = |p: &Packet| format!("{:?}", p.payload);
    say("changed-payload", payload(old), payload(new));
    let numbers = |p: &Packet| match p.tcp().and_then(|t| t.numbers) {
        Some(n) => format!("{}/{}", n.seq, n.ack),
        None => "-".into(),
    };
    say("changed-numbers", numbers(old), numbers(new));
    let template = |s: &Skb| connection::template(s.template.as_deref(), s.mark);
    if after.template.is_some() {
        say("changed-template", template(before), template(after));
    }
    let quoted = |p: &Packet| match &p.transport {
        Transport::Icmp(Icmp { quoted: Some(q), .. }) => q.to_string(),
        _ => String::new(),
    };
    say("changed-quoted", quoted(old), quoted(new));
    if before.oif != after.oif {
        said.push(match &after.oif {
            OutDev::Named(dev) => text.with("changed-oif", &[("to", dev.as_str())]),
            OutDev::None | OutDev::Unknown => text.get("changed-oif-unknown"),
        });
    }
    if before.ct != after.ct
        && let Some(ct) = after.ct
    {
        said.push(text.with("changed-ct", &[("to", ct.state.name())]));
    }
    if said.is_empty() {
        said.push(text.with("changed-other", &[("from", &old.to_string()), ("to", &new.to_string())]));
    }
    said.join(", ")
}

fn end(packet: &Packet, source: bool) -> String {
    let addr = if source { packet.src } else { packet.dst };
    match packet.ports() {
        Some((sport, dport)) => {
            std::net::SocketAddr::new(addr, if source { sport } else { dport }).to_string()
        }
        None => addr.to_string(),
    }
}

/// Says what a match found in the packet.
pub fn found(lang: Lang, fact: &Fact) -> String {
    let text = Text::events(lang);
    let key = match fact {
        Fact::Iface(None) => "found-none",
        Fact::Fragment(true) => "found-fragment",
        Fact::Fragment(false) => "found-not-fragment",
        Fact::Tokens(n) => return text.count("found-tokens", *n),
        Fact::Set(SetFact { set, asked, entry }) => {
            let asked = asked.as_deref().unwrap_or_default();
            let entry = entry.as_deref().unwrap_or_default();
            let key = match (asked, entry) {
                ("", _) => "found-set-nothing",
                (_, "") => "found-set-out",
                _ => "found-set-in",
            };
            return text.with(key, &[("set", set), ("asked", asked), ("entry", entry)]);
        }
        Fact::Absent(what) => match what {
            Absent::Header => "found-absent-header",
            Absent::TcpOption => "found-absent-tcp-option",
            Absent::Connection => "found-absent-connection",
            Absent::Socket => "found-absent-socket",
            Absent::Owner => "found-absent-owner",
            Absent::Ethernet => "found-absent-ethernet",
            Absent::Entry => "found-absent-entry",
            Absent::Text => "found-absent-text",
            Absent::Ipsec => "found-absent-ipsec",
        },
        Fact::Nothing => "found-nothing",
        Fact::NotTold(what) => match what {
            NotTold::OutInterface => "found-not-told-out-interface",
            NotTold::Mac => "found-not-told-mac",
            NotTold::Owner => "found-not-told-owner",
            NotTold::AddrType => "found-not-told-addr-type",
            NotTold::TcpOptions => "found-not-told-tcp-options",
            NotTold::Payload => "found-not-told-payload",
            NotTold::Socket => "found-not-told-socket",
            NotTold::ReversePath => "found-not-told-reverse-path",
            NotTold::Group => "found-not-told-group",
            NotTold::Realm => "found-not-told-realm",
            NotTold::Cgroup => "found-not-told-cgroup",
            NotTold::Fingerprints => "found-not-told-fingerprints",
        },
        Fact::NotModelled => "found-not-modelled",
        value => return value.to_string(),
    };
    text.get(key)
}

/// Says what was worked out of a host.
pub fn assumption(lang: Lang, assumption: &Assumption) -> String {
    let text = Text::events(lang);
    let at = |rule: &RuleRef| rule.to_string();
    match assumption {
        Assumption::OwnAddress { addr, dev } => {
            text.with("assumed-own-address", &[("addr", &addr.to_string()), ("iface", dev.as_str())])
        }
        Assumption::Network { net, dev, rule } => text.with(
            "assumed-network",
            &[("net", &net.to_string()), ("iface", dev.as_str()), ("rule", &at(rule))],
        ),
        Assumption::Reached { addr, dev } => {
            text.with("assumed-reached", &[("addr", &addr.to_string()), ("iface", dev.as_str())])
        }
        Assumption::DefaultRoute { dev } => text.with("assumed-default-route", &[("iface", dev.as_str())]),
    }
}

/// Says why a packet has no answer.
pub fn no_reply(lang: Lang, why: NoReply) -> String {
    Text::events(lang).get(match why {
        NoReply::NoMoment => "reply-no-moment",
        NoReply::NotReceived => "reply-not-received",
        NoReply::NotAnswered => "reply-not-answered",
    })
}

/// A stage's name: the same in each language, as it is what one looks for in the kernel.
pub fn stage_name(stage: Stage) -> String {
    stage.to_string()
}
