//! What the panes show at the present step, put into words.

use super::chain::{Caller, Chain, Piece, PieceState, RuleRow};
use super::log::Entry;
use super::look::Look;
use super::pieces;
use super::reel::{Frame, Line, Reel};
use super::shown::Shown;
use super::state::{Action, State};
use super::summary::{Said, Summary};
use super::timeline::Stretch;
use super::welcome::Welcome;
use super::why::{Answer, Reason};
use super::words::Words;
use crate::net::{Event, Fate, NetEvent};
use crate::netfilter::event::{ChangedBy, Check, CtChange, Event as NfEvent, Part};
use crate::netfilter::{ChainKind, CtEntry, CtState, RuleRef, Ruleset, Skb, Stage, Ternary};
use crate::say;
use std::rc::Rc;
use std::sync::Arc;
use yew::prelude::*;

use super::cabinet::plan::Spot;

/// Counters are shown of at most so many rules.
const COUNTED: usize = 5_000;

/// A walk, seen at a step.
#[derive(Clone)]
pub struct View {
    words: Rc<Words>,
    at: usize,
    shown: Shown,
    /// The rules with what they have counted, where that is told.
    counted: Option<Rc<Ruleset>>,
    /// The walk that is shown.
    pub reel: Rc<Reel>,
}

impl View {
    /// Looks.
    pub fn new(words: Rc<Words>, shown: Shown, at: usize) -> Self {
        let reel = shown.reel();
        View { words, at, shown, counted: None, reel }
    }

    /// Looks with the counters of the rules as well.
    pub fn counting(self, counted: Option<Ruleset>) -> Self {
        View { counted: counted.map(Rc::new), ..self }
    }

    /// Looks at the packet in the case.
    pub fn of(state: &State) -> Self {
        let shown = Shown::Case { case: state.case.clone(), packet: state.packet, way: state.way };
        let view = View::new(state.words.clone(), shown, state.at);
        // A large dump is not counted anew at each step: its rows would wait for it.
        let place = view.place_in_log().filter(|_| state.case.rules().rules().nth(COUNTED).is_none());
        let counted = place.and_then(|place| state.case.counted(state.packet, state.way, place));
        view.counting(counted)
    }

    /// The last event of the step.
    pub fn place_in_log(&self) -> Option<usize> {
        self.frame()?.events.last().copied()
    }

    fn words(&self) -> &Words {
        &self.words
    }

    fn frame(&self) -> Option<&Frame> {
        self.reel.frame(self.at)
    }

    /// The step's sentence.
    pub fn says(&self) -> AttrValue {
        self.sentence(self.at)
    }

    /// Where the packet is: hook, table, chain.
    pub fn place(&self) -> Vec<AttrValue> {
        let Some(frame) = self.frame() else { return Vec::new() };
        let words = self.words();
        match frame.spot {
            Spot::Arrives => vec![words.get("interface"), self.reel.ends.0.clone()],
            Spot::Leaves => vec![words.get("interface"), self.reel.ends.1.clone()],
            Spot::RouteIn | Spot::RouteOut => vec![words.get("routing-decision")],
            Spot::Local => vec![words.get("local-process")],
            Spot::At(hook, stage) => {
                let mut place = vec![AttrValue::Static(hook.name()), AttrValue::from(stage.to_string())];
                let chain = frame.line.and_then(|(visit, _)| self.reel.visit(visit));
                place.extend(
                    chain.map(|v| AttrValue::from(v.chain.to_string())).filter(|name| name != hook.name()),
                );
                place
            }
        }
    }

    /// What the step means, with its word.
    pub fn outcome(&self) -> Option<(Look, AttrValue)> {
        let frame = self.frame()?;
        frame.word.clone().map(|word| (frame.look, word))
    }

    /// The verdict, once the walk is at its end.
    pub fn verdict(&self) -> &'static str {
        let known = self.at >= self.reel.verdict_step();
        let fate = self.shown.fate().filter(|_| known);
        fate.map_or("", |fate| super::case::name_of(crate::query::Outcome::of(fate)))
    }

    /// The packet as it came, one step before, and now.
    pub fn packet(&self) -> Option<(Arc<Skb>, Arc<Skb>, Arc<Skb>)> {
        let at = self.at;
        // An answer is a packet of its own: it is compared with itself as it started.
        let start = self.reel.scenes().iter().rev().find(|s| s.fresh && s.first <= at).map_or(0, |s| s.first);
        let came = self.reel.frame(start)?.skb.clone();
        let now = self.frame()?.skb.clone();
        let before = at.checked_sub(1).filter(|b| *b >= start).and_then(|b| self.reel.frame(b));
        Some((came.clone(), before.map_or(came, |f| f.skb.clone()), now))
    }

    /// What connection tracking says of it.
    pub fn ct_state(&self) -> Option<CtState> {
        self.frame().and_then(|f| f.skb.ct).map(|ct| ct.state)
    }

    /// Its connection's entry.
    pub fn entry(&self) -> Option<Arc<CtEntry>> {
        self.frame().and_then(|f| f.conn.clone())
    }

    /// The log's lines.
    pub fn entries(&self) -> Callback<usize, Entry> {
        let view = self.clone();
        Callback::from(move |at: usize| {
            let hook = |at: usize| view.reel.frame(at).and_then(|f| f.spot.hook());
            let first = at == 0 || hook(at) != hook(at - 1);
            Entry {
                look: view.reel.frame(at).map_or(Look::QUIET, |f| f.look),
                says: view.sentence(at),
                heading: hook(at).filter(|_| first).map(|h| AttrValue::Static(h.name())),
                host: None,
            }
        })
    }

    /// The slider's stretches: one for each hook, and one for what lies between two.
    pub fn stretches(&self) -> Rc<[Stretch]> {
        let frames = self.reel.frames();
        let mut all: Vec<Stretch> = Vec::new();
        for (i, frame) in frames.iter().enumerate() {
            let name = frame.spot.hook().map_or("", |h| h.name());
            match all.last_mut() {
                Some(last) if last.name == name => last.end = i + 1,
                Some(_) | None => all.push(Stretch {
                    name: AttrValue::Static(name),
                    short: AttrValue::default(),
                    first: i,
                    end: i + 1,
                }),
            }
        }
        all.into()
    }

    /// The chain's pane.
    pub fn chain(&self, onseek: &Callback<usize>, act: &Callback<Action>) -> Html {
        let words = self.words();
        let Some((id, line)) = self.frame().and_then(|f| f.line) else {
            return html! {
                <div class="chain-list plain" data-testid="rules" data-table="" data-chain="">
                    { self.no_chain(onseek, act) }
                </div>
            };
        };
        let Some(visit) = self.reel.visit(id) else { return Html::default() };
        let rules = self.shown.rules();
        let Some(chain) = rules.chain(visit.table, &visit.chain).cloned() else { return Html::default() };
        let count = chain.rules.len();
        let current = match line {
            Line::Rule(index) => index as usize,
            Line::End => count,
        };
        let end = match (&chain.kind, visit.callers.last()) {
            (ChainKind::Base { policy, .. }, _) => {
                words.with("policy-end", &[("policy", policy.to_string().into())])
            }
            (ChainKind::User, Some((caller, _))) => {
                let name = self.reel.visit(*caller).map(|v| v.chain.to_string()).unwrap_or_default();
                words.with("return-end", &[("chain", name.into())])
            }
            (ChainKind::User, None) => words.get("chain"),
        };
        let callers = visit
            .callers
            .iter()
            .enumerate()
            .filter_map(|(depth, (caller, rule))| {
                let from = self.reel.visit(*caller)?;
                let name = if depth == 0 {
                    format!("{} {}", from.table, from.chain)
                } else {
                    from.chain.to_string()
                };
                let step = from.rules.get(*rule as usize).copied().unwrap_or(from.first);
                Some(Caller { name: name.into(), number: rule + 1, step })
            })
            .collect::<Vec<_>>();
        let row = self.rows(id);
        let policy = self.counted.as_ref().and_then(|r| r.chain(visit.table, &visit.chain)).map(|c| &c.kind);
        let counted = match policy {
            Some(ChainKind::Base { counters, .. }) => *counters,
            Some(ChainKind::User) | None => None,
        };
        html! {
            <Chain table={visit.table.name()} name={visit.chain.to_string()} {callers} {count} current={Some(current)} {end} {counted}
                visit={id} {row} onseek={onseek.clone()} />
        }
    }

    /// What stands where no chain is asked.
    fn no_chain(&self, onseek: &Callback<usize>, act: &Callback<Action>) -> Html {
        let words = self.words();
        if let (0, Shown::Case { case, .. }) = (self.at, &self.shown) {
            let recorded = case.is_recorded();
            return html! { <Welcome presets={case.presets()} {recorded} assumptions={case.assumptions(words.lang())} act={act.clone()} /> };
        }
        if let (Some(_), Some(fate)) = (self.reel.ended_at(self.at), self.shown.fate()) {
            // The answer of the kernel may have gone through: the verdict is that on the packet that was sent.
            let look = super::case::look_of(crate::query::Outcome::of(fate));
            let verdict = self.verdict();
            return html! { <Summary {look} {verdict} said={self.said()} onseek={onseek.clone()} /> };
        }
        let text = match self.frame().map(|f| f.spot) {
            None | Some(Spot::Arrives | Spot::Leaves) => words.get("chain-none-interface"),
            Some(Spot::RouteIn | Spot::RouteOut) => words.get("chain-none-routing"),
            Some(Spot::Local) => words.get("chain-none-local"),
            Some(Spot::At(_, Stage::Conntrack)) => words.get("chain-none-conntrack"),
            Some(Spot::At(_, Stage::Confirm)) => words.get("chain-none-confirm"),
            Some(Spot::At(_, Stage::Table(_))) => words.get("chain-none-table"),
        };
        html! { <p class="nothing">{ text }</p> }
    }

    /// What each place said up to here.
    fn said(&self) -> Vec<Said> {
        let at = self.at;
        let frames = self.reel.frames().iter().enumerate().take(at + 1);
        let mut all: Vec<(Spot, Said)> = Vec::new();
        for (step, frame) in frames {
            let (Spot::At(hook, stage), Some(word)) = (frame.spot, &frame.word) else { continue };
            let by = match frame.line.and_then(|(id, line)| Some((self.reel.visit(id)?, line))) {
                Some((visit, Line::Rule(index))) => format!("{} {}", visit.chain, index + 1),
                Some((visit, Line::End)) => {
                    self.words().with("summary-policy", &[("chain", visit.chain.as_str().into())]).to_string()
                }
                None => String::new(),
            };
            let place = format!("{} {stage}", hook.name());
            let said =
                Said { place: place.into(), look: frame.look, word: word.clone(), by: by.into(), step };
            // Of several words of one place the last is its answer, unless the first changed the packet.
            match all.last_mut() {
                Some((spot, last)) if *spot == frame.spot && last.look != Look::CHANGE => *last = said,
                Some(_) | None => all.push((frame.spot, said)),
            }
        }
        all.into_iter().map(|(_, said)| said).collect()
    }

    /// Draws the rules of a visit, as far as the packet has come.
    fn rows(&self, id: usize) -> Callback<usize, RuleRow> {
        let (view, rules) = (self.clone(), self.shown.rules());
        Callback::from(move |i: usize| {
            let (words, reel) = (&view.words, &view.reel);
            let blank = RuleRow {
                look: None,
                said: AttrValue::default(),
                pieces: Vec::new(),
                target: None,
                counted: None,
            };
            let Some(visit) = reel.visit(id) else { return blank };
            let Some(rule) = rules.chain(visit.table, &visit.chain).and_then(|c| c.rules.get(i)) else {
                return blank;
            };
            let seen = visit.rules.get(i).copied().filter(|step| *step <= view.at);
            let asked = seen.and_then(|step| view.asked(step));
            let pieces = pieces::conditions(rules.family, rule)
                .into_iter()
                .map(|(part, text)| {
                    let remark = text.starts_with("-m comment");
                    let state = match asked.and_then(|a| a.answer(part)) {
                        None => PieceState::Unseen,
                        Some(Ternary::Yes) => PieceState::Held,
                        Some(Ternary::No) => PieceState::Failed,
                        Some(Ternary::Unknown) => PieceState::Maybe,
                    };
                    Piece { text, state: if remark { PieceState::Remark } else { state } }
                })
                .collect();
            let (look, said) = match asked.map(|a| a.held) {
                Some(Ternary::Yes) => (Some(Look::YES), words.get("answer-held")),
                Some(Ternary::No) => (Some(Look::PASS), words.get("answer-failed")),
                Some(Ternary::Unknown) => (Some(Look::MAYBE), words.get("answer-unknown")),
                None => (None, AttrValue::default()),
            };
            let target =
                pieces::target(rule).map(|(look, _)| (look, pieces::target_short(rules.family, rule)));
            let chain = view.counted.as_ref().and_then(|r| r.chain(visit.table, &visit.chain));
            let counted = chain.and_then(|c| c.rules.get(i)).map(|rule| rule.counters);
            RuleRow { look, said, pieces, target, counted }
        })
    }

    /// Why.
    pub fn reason(&self) -> Option<Reason> {
        let words = self.words();
        let (_, line) = self.frame()?.line?;
        let Some(asked) = self.asked(self.at) else {
            return (line == Line::End).then(|| Reason::Remark(self.why_end()));
        };
        let rules = self.shown.rules();
        let rule = rules.rule(asked.rule)?;
        let number = ("number", asked.rule.number().into());
        let title = match asked.held {
            Ternary::Yes => words.with("why-matched", &[number]),
            Ternary::No => words.with("why-failed", &[number]),
            Ternary::Unknown => words.with("why-maybe", &[number]),
        };
        let answer = |(part, asks): (Part, AttrValue)| {
            let check = asked.checks.iter().find(|c| c.part == part);
            let (look, word) = match check.map(|c| c.held) {
                Some(Ternary::Yes) => (Some(Look::YES), words.get("answer-held")),
                Some(Ternary::No) => (Some(Look::NO), words.get("answer-failed")),
                Some(Ternary::Unknown) => (Some(Look::MAYBE), words.get("answer-unknown")),
                None => (None, words.get("answer-unseen")),
            };
            let has =
                check.map_or_else(|| words.get("field-none"), |c| say::found(words.lang(), &c.found).into());
            Answer { asks, has, look, word }
        };
        let answers = pieces::conditions(rules.family, rule).into_iter().map(answer).collect();
        Some(Reason::Rule { title, answers })
    }

    /// Why the end of a chain decides.
    fn why_end(&self) -> AttrValue {
        let words = self.words();
        let visit = self.frame().and_then(|f| self.reel.visit(f.line?.0));
        let rules = self.shown.rules();
        let chain = visit.and_then(|v| rules.chain(v.table, &v.chain));
        match chain.map(|c| &c.kind) {
            Some(ChainKind::Base { policy, .. }) => {
                words.with("why-policy", &[("policy", policy.to_string().into())])
            }
            Some(ChainKind::User) | None => words.get("why-end"),
        }
    }

    /// The rules of unknown answer on this way.
    pub fn choices(&self) -> Vec<(AttrValue, bool)> {
        let name = |rule: &RuleRef| AttrValue::from(rule.to_string());
        self.shown.choices().iter().map(|(rule, yes)| (name(rule), *yes)).collect()
    }

    /// There are more ways than were followed.
    pub fn truncated(&self) -> bool {
        self.shown.truncated()
    }

    /// What the rule's target does, if it matched.
    pub fn then(&self) -> Option<(Look, AttrValue, AttrValue)> {
        let asked = self.asked(self.at).filter(|a| a.held == Ternary::Yes)?;
        let rules = self.shown.rules();
        let rule = rules.rule(asked.rule)?;
        let (look, name) = pieces::target(rule)?;
        let all = pieces::target_words(rules.family, rule);
        let options = all.strip_prefix(name.as_str()).unwrap_or("").trim().to_owned();
        Some((look, name, options.into()))
    }

    /// The rule that a step is about.
    fn asked(&self, step: usize) -> Option<Asked<'_>> {
        let place = *self.reel.frames().get(step)?.events.first()?;
        match self.shown.event(place)? {
            Event::Netfilter(NfEvent::RuleAsked { rule, checks, held, .. }) => {
                Some(Asked { rule, checks, held: *held })
            }
            Event::Netfilter(_) | Event::Net(_) | Event::Link(_) | Event::Socket(_) | Event::Config(_) => {
                None
            }
        }
    }

    /// A step in words: what it is about, and what came of it.
    fn sentence(&self, step: usize) -> AttrValue {
        let Some(frame) = self.reel.frames().get(step) else { return AttrValue::default() };
        let (lang, rules) = (self.words.lang(), self.shown.rules());
        let events = frame.events.iter().filter_map(|place| self.shown.event(*place));
        let told = events.enumerate().filter(|(i, event)| *i == 0 || is_told(event));
        let said: Vec<String> = told.map(|(_, event)| say::sentence(lang, &rules, event)).collect();
        said.join(" · ").into()
    }
}

/// A rule that was asked.
#[derive(Clone, Copy)]
struct Asked<'a> {
    rule: &'a RuleRef,
    checks: &'a [Check],
    held: Ternary,
}

impl Asked<'_> {
    fn answer(&self, part: Part) -> Option<Ternary> {
        self.checks.iter().find(|c| c.part == part).map(|c| c.held)
    }
}

/// Whether an event that came of another is worth saying along with it.
fn is_told(event: &Event) -> bool {
    match event {
        Event::Net(NetEvent::Ended { fate, .. }) => {
            matches!(fate, Fate::Lost(_) | Fate::Unknown | Fate::Rejected)
        }
        Event::Net(_) | Event::Link(_) | Event::Socket(_) | Event::Config(_) => false,
        Event::Netfilter(event) => match event {
            NfEvent::PacketChanged { by, .. } => match by {
                ChangedBy::Target
                | ChangedBy::Match
                | ChangedBy::Nat(_)
                | ChangedBy::Helper
                | ChangedBy::Forwarding
                | ChangedBy::Loopback
                | ChangedBy::Gathering => true,
                ChangedBy::Tracking | ChangedBy::Routing => false,
            },
            NfEvent::ExpectationChanged { .. }
            | NfEvent::KernelDropped { .. }
            | NfEvent::Copied { .. }
            | NfEvent::LogWritten { .. }
            | NfEvent::CommandRun { .. }
            | NfEvent::RulesChanged { .. }
            | NfEvent::SetChanged { .. }
            | NfEvent::NotKnown { .. } => true,
            NfEvent::ConnectionChanged { change, .. } => match change {
                CtChange::Tcp(..)
                | CtChange::Sctp(..)
                | CtChange::Reset
                | CtChange::Replaced
                | CtChange::Evicted
                | CtChange::Deleted
                | CtChange::Rehomed
                | CtChange::Timeout(_)
                | CtChange::Mark(_) => true,
                CtChange::Created
                | CtChange::Confirmed
                | CtChange::Status(_)
                | CtChange::Expired
                | CtChange::Abandoned
                | CtChange::Clash => false,
            },
            NfEvent::HookEntered { .. }
            | NfEvent::StageSkipped { .. }
            | NfEvent::ChainEntered { .. }
            | NfEvent::RuleAsked { .. }
            | NfEvent::MatchDropped { .. }
            | NfEvent::ChainLeft { .. }
            | NfEvent::PolicyApplied { .. }
            | NfEvent::TableDone { .. }
            | NfEvent::Tracked { .. }
            | NfEvent::NatSettled { .. } => false,
        },
    }
}
