//! `-m conntrack`: what connection tracking knows of the packet.

use super::super::conntrack::{CtState, CtStatus};
use super::super::extension::{Args, BOTH, Build, Extension, Fidelity, Opt};
use super::super::fact::{Absent, Fact, Ternary, Test};
use super::super::rule::AddrMask;
use super::super::text::SaveOptions;
use super::super::value::{Kind, Value};
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
    pub addrs: [Option<Inv<AddrMask>>; 4],
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

/// The bits of `--ctstatus`; `NONE` is the empty set, which no connection is in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statuses(pub Vec<CtStatus>);

const ADDRS: [&str; 4] = ["ctorigsrc", "ctorigdst", "ctreplsrc", "ctrepldst"];
const PORTS: [&str; 4] = ["ctorigsrcport", "ctorigdstport", "ctreplsrcport", "ctrepldstport"];

pub(super) static EXT: Extension = Extension {
    name: "conntrack",
    families: BOTH,
    opts: &[
        Opt::new("ctstate", Kind::Text).inv(),
        Opt::new("ctproto", Kind::Proto).inv(),
        Opt::new("ctorigsrc", Kind::HostMask).inv(),
        Opt::new("ctorigdst", Kind::HostMask).inv(),
        Opt::new("ctreplsrc", Kind::HostMask).inv(),
        Opt::new("ctrepldst", Kind::HostMask).inv(),
        Opt::new("ctorigsrcport", Kind::PortRange).inv(),
        Opt::new("ctorigdstport", Kind::PortRange).inv(),
        Opt::new("ctreplsrcport", Kind::PortRange).inv(),
        Opt::new("ctrepldstport", Kind::PortRange).inv(),
        Opt::new("ctstatus", Kind::Text).inv(),
        Opt::new("ctexpire", Kind::Range(u32::MAX as u64)).inv(),
        Opt::new("ctdir", Kind::Text),
    ],
    build: Build::Match(build),
    fidelity: Fidelity::Modelled,
    tables: &[],
    hooks: &[],
};

/// The order in which iptables prints the states of `conntrack`.
const ORDER: [CtState; 5] =
    [CtState::Invalid, CtState::New, CtState::Related, CtState::Established, CtState::Untracked];

fn build(args: &Args) -> Result<Match, RuleError> {
    if args.given.is_empty() {
        return Err(args.said("conntrack: At least one option is required"));
    }
    let mut m = ConntrackMatch { proto: args.map("ctproto", proto_of), ..Default::default() };
    if let Some(given) = args.get("ctstate") {
        m.state = Some(Inv { not: given.not, value: states(args, given.value.text())? });
    }
    if let Some(given) = args.get("ctstatus") {
        m.status = Some(Inv { not: given.not, value: statuses(args, given.value.text())? });
    }
    for (slot, name) in m.addrs.iter_mut().zip(ADDRS) {
        *slot = args.map(name, addr_of).and_then(|a| Some(Inv { not: a.not, value: a.value? }));
    }
    for (slot, name) in m.ports.iter_mut().zip(PORTS) {
        *slot = args.map(name, PortRange::of);
    }
    m.expire = args.map("ctexpire", |v| match v {
        Value::Range(a, b) => (*a as u32, *b as u32),
        _ => (0, u32::MAX),
    });
    m.dir = match args.text("ctdir") {
        None => None,
        Some(text) if text.eq_ignore_ascii_case("ORIGINAL") => Some(Direction::Original),
        Some(text) if text.eq_ignore_ascii_case("REPLY") => Some(Direction::Reply),
        Some(bad) => {
            return Err(RuleError::BadValue {
                ext: "conntrack".into(),
                opt: "ctdir".into(),
                value: bad.into(),
            });
        }
    };
    Ok(Match::Conntrack(Box::new(m)))
}

fn proto_of(value: &Value) -> Proto {
    match value {
        Value::Proto(p) => *p,
        _ => Proto::ALL,
    }
}

fn addr_of(value: &Value) -> Option<AddrMask> {
    match value {
        Value::HostMask(a) => Some(*a),
        _ => None,
    }
}

fn states(args: &Args, text: &str) -> Result<CtStates, RuleError> {
    let mut out = CtStates::default();
    for name in text.split(',') {
        if name.eq_ignore_ascii_case("SNAT") {
            out.snat = true;
        } else if name.eq_ignore_ascii_case("DNAT") {
            out.dnat = true;
        } else if let Some(state) = ORDER.into_iter().find(|s| s.name().eq_ignore_ascii_case(name)) {
            out.states.push(state);
        } else {
            return Err(args.said(format!("Bad ctstate \"{name}\"")));
        }
    }
    out.states.sort_by_key(|s| ORDER.iter().position(|o| o == s));
    out.states.dedup();
    Ok(out)
}

fn statuses(args: &Args, text: &str) -> Result<Statuses, RuleError> {
    let mut out = Vec::new();
    for name in text.split(',') {
        match CtStatus::MATCHED.into_iter().find(|s| s.name().eq_ignore_ascii_case(name)) {
            Some(status) => out.push(status),
            None if name.eq_ignore_ascii_case("NONE") => {}
            None => return Err(args.said(format!("Bad ctstatus \"{name}\""))),
        }
    }
    out.sort_by_key(|s| CtStatus::MATCHED.iter().position(|o| o == s));
    out.dedup();
    Ok(Statuses(out))
}

impl ConntrackMatch {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        if let Some(state) = &self.state {
            let value = &state.value;
            let plain = value.states.iter().filter(|s| **s != CtState::Untracked).map(|s| s.name());
            let untracked = value.states.contains(&CtState::Untracked).then_some("UNTRACKED");
            let names: Vec<_> = plain
                .chain(untracked)
                .chain(value.snat.then_some("SNAT"))
                .chain(value.dnat.then_some("DNAT"))
                .collect();
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
        let (Some(entry), Some(ct_ref)) = (cx.ct, ct_ref) else { return Test::absent(Absent::Connection) };
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
            // NONE is no bit at all: it never holds, and its negation always does.
            let held = want.value.0.iter().any(|s| entry.has(*s));
            let names: Vec<_> =
                CtStatus::MATCHED.iter().filter(|s| entry.has(**s)).map(|s| s.name()).collect();
            ask(held, want.not, Fact::Text(names.join(",")));
        }
        if let Some(Inv { not, value: (a, b) }) = self.expire {
            let left = entry.expires.since(cx.now).as_secs();
            ask((u64::from(a)..=u64::from(b)).contains(&left), not, Fact::Number(left));
        }
        answer
    }
}

/// `conntrack` prints its addresses without `/32`.
fn short_addr(addr: AddrMask) -> String {
    match addr.prefix_len() {
        Some(len) if len == super::super::Family::of(addr.addr()).bits() => addr.addr().to_string(),
        _ => addr.to_string(),
    }
}
