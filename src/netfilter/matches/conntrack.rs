//! `-m conntrack`: what connection tracking knows of the packet.

use super::super::addr::HostMask;
use super::super::conntrack::{CtState, CtStatus};
use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Absent, Fact, Ternary, Test};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value};
use super::super::{Inv, Match, RuleError};
use super::MatchCx;
use super::ports::PortRange;
use crate::packet::{Direction, Proto};
use std::net::IpAddr;

/// What a packet's connection must be like (iptables-extensions(8), conntrack). All that is given must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConntrackMatch {
    /// `--ctstate`, the states SNAT and DNAT apart.
    pub state: Option<Inv<CtStates>>,
    /// `--ctproto`.
    pub proto: Option<Inv<Proto>>,
    /// `--ctorigsrc`, `--ctorigdst`, `--ctreplsrc`, `--ctrepldst`.
    pub addrs: [Option<Inv<HostMask>>; 4],
    /// `--ctorigsrcport`, `--ctorigdstport`, `--ctreplsrcport`, `--ctrepldstport`.
    pub ports: [Option<Inv<PortRange>>; 4],
    /// `--ctstatus`.
    pub status: Option<Inv<Statuses>>,
    /// `--ctexpire`, seconds.
    pub expire: Option<Inv<(u32, u32)>>,
    /// `--ctdir`.
    pub dir: Option<Direction>,
}

/// The states of `--ctstate`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CtStates {
    /// INVALID, NEW, RELATED, ESTABLISHED, UNTRACKED.
    pub states: Vec<CtState>,
    /// SNAT: the source was translated.
    pub snat: bool,
    /// DNAT: the destination was translated.
    pub dnat: bool,
}

/// The bits of `--ctstatus`; none of them is `NONE`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statuses(pub Vec<CtStatus>);

const ADDRS: [&str; 4] = ["ctorigsrc", "ctorigdst", "ctreplsrc", "ctrepldst"];
const PORTS: [&str; 4] = ["ctorigsrcport", "ctorigdstport", "ctreplsrcport", "ctrepldstport"];

pub(super) static EXT: Extension = Extension::a_match(
    "conntrack",
    BOTH,
    &[
        Opt::new("ctstate", Kind::Own(|t, _| list("ctstate", t, &STATES))).inv(),
        Opt::new("ctproto", Kind::Proto).inv(),
        Opt::new("ctorigsrc", Kind::HostMask).inv(),
        Opt::new("ctorigdst", Kind::HostMask).inv(),
        Opt::new("ctreplsrc", Kind::HostMask).inv(),
        Opt::new("ctrepldst", Kind::HostMask).inv(),
        Opt::new("ctorigsrcport", Kind::PortRange).inv(),
        Opt::new("ctorigdstport", Kind::PortRange).inv(),
        Opt::new("ctreplsrcport", Kind::PortRange).inv(),
        Opt::new("ctrepldstport", Kind::PortRange).inv(),
        Opt::new("ctstatus", Kind::Own(|t, _| list("ctstatus", t, &STATUSES))).inv(),
        Opt::new("ctexpire", Kind::Range(u32::MAX as u64)).inv(),
        Opt::new("ctdir", Kind::Own(direction)),
    ],
    build,
)
.check(|args| {
    if args.given.is_empty() {
        return said("conntrack: At least one option is required");
    }
    Ok(())
});

/// The words of `--ctstate` in the order in which iptables prints them; a word's place is its bit.
const STATES: [&str; 7] = ["INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED", "SNAT", "DNAT"];
/// The states of the first five.
const STATE_OF: [CtState; 5] =
    [CtState::Invalid, CtState::New, CtState::Related, CtState::Established, CtState::Untracked];
/// The words of `--ctstatus`; `NONE` has no bit.
const STATUSES: [&str; 5] = ["EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "NONE"];

/// Reads words with commas between them, of which a beginning is enough, as a number with a bit for each.
pub(super) fn list(what: &str, text: &str, words: &[&str]) -> Result<Value, RuleError> {
    let mut bits = 0;
    let mut rest = Some(text);
    while let Some(list) = rest {
        let (word, more) = match list.split_once(',') {
            Some((word, more)) => (word, Some(more)),
            None => (list, None),
        };
        let begins = |w: &str| w.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        match words.iter().position(|w| begins(w)).filter(|_| !word.is_empty()) {
            Some(place) => bits |= 1 << place,
            None => return said(format!("Bad {what} \"{list}\"")),
        }
        rest = more;
    }
    Ok(Value::Number(bits))
}

fn direction(text: &str, cx: Cx) -> Result<Value, RuleError> {
    if text.eq_ignore_ascii_case("ORIGINAL") {
        Ok(Value::Number(0))
    } else if text.eq_ignore_ascii_case("REPLY") {
        Ok(Value::Number(1))
    } else {
        cx.bad_value(text)
    }
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let mut m = ConntrackMatch {
        state: args.map("ctstate", |v| CtStates::of(v.number())),
        proto: args.map("ctproto", proto_of),
        status: args.map("ctstatus", |v| Statuses::of(v.number())),
        expire: args.map("ctexpire", |v| (v.range().0 as u32, v.range().1 as u32)),
        dir: args.number("ctdir").map(|n| if n == 0 { Direction::Original } else { Direction::Reply }),
        ..Default::default()
    };
    for (slot, name) in m.addrs.iter_mut().zip(ADDRS) {
        *slot = args.map(name, addr_of).and_then(|a| Some(Inv { not: a.not, value: a.value? }));
    }
    for (slot, name) in m.ports.iter_mut().zip(PORTS) {
        *slot = args.map(name, PortRange::of);
    }
    Ok(Match::Conntrack(Box::new(m)))
}

fn proto_of(value: &Value) -> Proto {
    match value {
        Value::Proto(p) => *p,
        _ => Proto::ALL,
    }
}

fn addr_of(value: &Value) -> Option<HostMask> {
    match value {
        Value::HostMask(a) => Some(*a),
        _ => None,
    }
}

/// The states whose bits are set, in iptables' order.
pub(super) fn states_of(bits: u64) -> Vec<CtState> {
    STATE_OF.iter().enumerate().filter(|(place, _)| bits & 1 << place != 0).map(|(_, state)| *state).collect()
}

impl CtStates {
    fn of(bits: u64) -> Self {
        CtStates { states: states_of(bits), snat: bits & 1 << 5 != 0, dnat: bits & 1 << 6 != 0 }
    }
}

impl Statuses {
    fn of(bits: u64) -> Self {
        let set = CtStatus::MATCHED.into_iter().enumerate().filter(|(place, _)| bits & 1 << place != 0);
        Statuses(set.map(|(_, status)| status).collect())
    }
}

impl ConntrackMatch {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        if let Some(state) = &self.state {
            let value = &state.value;
            let plain = value.states.iter().map(|s| s.name());
            let names: Vec<_> =
                plain.chain(value.snat.then_some("SNAT")).chain(value.dnat.then_some("DNAT")).collect();
            out.option("ctstate", Inv { not: state.not, value: names.join(",") });
        }
        if let Some(proto) = self.proto {
            out.option("ctproto", Inv { not: proto.not, value: proto.value.0 });
        }
        for (name, addr) in ADDRS.iter().zip(self.addrs) {
            if let Some(addr) = addr {
                out.option(name, Inv { not: addr.not, value: short_addr(addr.value) });
            }
        }
        for (name, ports) in PORTS.iter().zip(self.ports) {
            if let Some(ports) = ports {
                out.option(name, ports);
            }
        }
        if let Some(status) = &self.status {
            let names: Vec<_> = status.value.0.iter().map(|s| s.name()).collect();
            let names = if names.is_empty() { "NONE".into() } else { names.join(",") };
            out.option("ctstatus", Inv { not: status.not, value: names });
        }
        if let Some(Inv { not, value: (a, b) }) = self.expire {
            let text = if a == b { a.to_string() } else { format!("{a}:{b}") };
            out.option("ctexpire", Inv { not, value: text });
        }
        if let Some(dir) = self.dir {
            out.value("ctdir", if dir == Direction::Original { "ORIGINAL" } else { "REPLY" });
        }
    }

    /// As `conntrack_mt` does: without a connection only the state can match.
    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let ct_ref = cx.skb.ct;
        let state = ct_ref.map_or(CtState::Invalid, |ct| ct.state);
        let mut answer = Test::new(true, Fact::State(state));
        if let Some(want) = &self.state {
            let translated = cx.ct.is_some_and(|e| {
                (want.value.snat && e.has(CtStatus::SrcNat)) || (want.value.dnat && e.has(CtStatus::DstNat))
            });
            let held = want.value.states.contains(&state) || translated;
            if held == want.not {
                return Test::new(false, Fact::State(state));
            }
        }
        let asks_entry = self.proto.is_some()
            || self.addrs.iter().any(Option::is_some)
            || self.ports.iter().any(Option::is_some)
            || self.status.is_some()
            || self.expire.is_some()
            || self.dir.is_some();
        if !asks_entry {
            return answer;
        }
        let (Some(entry), Some(ct_ref)) = (cx.ct, ct_ref) else {
            // Without a connection the state alone decides, where it is asked for.
            return if self.state.is_some() { answer } else { Test::absent(Absent::Connection) };
        };
        let (orig, reply) = (entry.original, entry.reply);
        let mut ask = |held: bool, not: bool, found: Fact| {
            let held = held != not;
            let before = answer.held;
            if before == Ternary::Yes {
                answer = Test::new(held, found);
            }
        };
        if let Some(dir) = self.dir {
            let text = if ct_ref.dir == Direction::Original { "ORIGINAL" } else { "REPLY" };
            ask(dir == ct_ref.dir, false, Fact::Text(text.into()));
        }
        let ends: [IpAddr; 4] = [orig.src, orig.dst, reply.src, reply.dst];
        for (want, found) in self.addrs.iter().zip(ends) {
            if let Some(want) = want {
                ask(want.value.contains(found), want.not, Fact::Addr(found));
            }
        }
        if let Some(want) = self.proto {
            ask(want.value == orig.proto, want.not, Fact::Proto(orig.proto));
        }
        let ends = [orig.sport(), orig.dport(), reply.sport(), reply.dport()];
        for (want, found) in self.ports.iter().zip(ends) {
            if let Some(want) = want {
                let found = found.unwrap_or(0);
                ask(want.value.contains(found), want.not, Fact::Port(found));
            }
        }
        if let Some(want) = &self.status {
            // `NONE` is no bit: the kernel finds it in no connection.
            let held = want.value.0.iter().any(|s| entry.has(*s));
            let names: Vec<_> =
                CtStatus::MATCHED.iter().filter(|s| entry.has(**s)).map(|s| s.name()).collect();
            ask(held, want.not, Fact::Text(names.join(",")));
        }
        if let Some(Inv { not, value: (a, b) }) = self.expire {
            // Before confirmation the kernel keeps a span where a moment will be: nothing is left of it.
            let confirmed = entry.has(CtStatus::Confirmed);
            let left = if confirmed { entry.expires.since(cx.now).as_secs() } else { 0 };
            ask((u64::from(a)..=u64::from(b)).contains(&left), not, Fact::Number(left));
        }
        answer
    }
}

/// `conntrack` prints its addresses without `/32`, and without a mask that is no prefix.
fn short_addr(addr: HostMask) -> String {
    match addr.prefix_len() {
        Some(len) if !addr.is_host() => format!("{}/{len}", addr.addr),
        _ => addr.addr.to_string(),
    }
}

impl ConntrackMatch {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.as_saved(|save| self.save(save));
    }
}
