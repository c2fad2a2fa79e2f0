//! What the panes show at the present step, put into words.

use super::chain::{Caller, Chain, Piece, PieceState, RuleRow};
use super::log::Entry;
use super::look::Look;
use super::pieces;
use super::reel::{Frame, Line, Reel};
use super::state::State;
use super::timeline::Stretch;
use super::why::Reason;
use super::words::Words;
use crate::netfilter::{ChainKind, CtEntry, CtState, Skb, Stage};
use std::rc::Rc;
use yew::prelude::*;

use super::cabinet::plan::Spot;

/// The state, seen at its step.
pub struct View<'a> {
    state: &'a State,
    /// The walk that is shown.
    pub reel: Rc<Reel>,
}

impl<'a> View<'a> {
    /// Looks.
    pub fn new(state: &'a State) -> Self {
        View { state, reel: state.case.reel(state.packet).unwrap_or_default() }
    }

    fn words(&self) -> &Words {
        &self.state.words
    }

    fn frame(&self) -> Option<&Frame> {
        self.reel.frame(self.state.at)
    }

    /// The step's sentence.
    pub fn says(&self) -> AttrValue {
        self.state.case.says(self.state.packet, self.state.at, self.words())
    }

    /// Where the packet is: hook, table, chain.
    pub fn place(&self) -> Vec<AttrValue> {
        let Some(frame) = self.frame() else { return Vec::new() };
        let words = self.words();
        match frame.spot {
            Spot::Arrives => vec![words.get("interface"), self.reel.ends.0.0.clone()],
            Spot::Leaves => vec![words.get("interface"), self.reel.ends.1.0.clone()],
            Spot::RouteIn | Spot::RouteOut => vec![words.get("routing-decision")],
            Spot::Local => vec![words.get("local-process")],
            Spot::At(hook, stage) => {
                let mut place = vec![AttrValue::Static(hook.name()), AttrValue::from(stage.to_string())];
                let chain = frame.line.and_then(|(visit, _)| self.reel.visit(visit));
                place.extend(chain.map(|v| AttrValue::from(v.chain.to_string())).filter(|name| name != hook.name()));
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
        let known = self.state.at >= self.reel.last();
        let sent = self.state.case.sent();
        if known { sent.get(self.state.packet).map_or("", |s| s.verdict) } else { "" }
    }

    /// The packet as it came, one step before, and now.
    pub fn packet(&self) -> Option<(Rc<Skb>, Rc<Skb>, Rc<Skb>)> {
        let came = self.reel.frames().iter().find_map(|f| f.skb.clone())?;
        let now = self.frame().and_then(|f| f.skb.clone()).unwrap_or_else(|| came.clone());
        let before = self.state.at.checked_sub(1).and_then(|at| self.reel.frame(at)).and_then(|f| f.skb.clone());
        Some((came.clone(), before.unwrap_or(came), now))
    }

    /// What connection tracking says of it.
    pub fn ct_state(&self) -> Option<CtState> {
        self.frame().and_then(|f| f.skb.as_ref()?.ct.as_ref()).map(|ct| ct.state)
    }

    /// Its connection's entry.
    pub fn entry(&self) -> Option<Rc<CtEntry>> {
        self.frame().and_then(|f| f.conn.clone())
    }

    /// The log's lines.
    pub fn entries(&self) -> Callback<usize, Entry> {
        let (case, reel, words) = (self.state.case.clone(), self.reel.clone(), self.state.words.clone());
        let packet = self.state.packet;
        Callback::from(move |at: usize| {
            let hook = |at: usize| reel.frame(at).and_then(|f| f.spot.hook());
            let first = at == 0 || hook(at) != hook(at - 1);
            Entry {
                look: reel.frame(at).map_or(Look::QUIET, |f| f.look),
                says: case.says(packet, at, &words),
                hook: hook(at).filter(|_| first).map(|h| h.name()),
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
                Some(_) | None => all.push(Stretch { name: AttrValue::Static(name), first: i, end: i + 1 }),
            }
        }
        all.into()
    }

    /// The chain's pane.
    pub fn chain(&self, onseek: &Callback<usize>) -> Html {
        let words = self.words();
        let Some((id, line)) = self.frame().and_then(|f| f.line) else {
            return html! {
                <>
                    <div class="head"><h2>{ words.get("chain") }</h2></div>
                    <div class="chain-list" data-testid="rules" data-table="" data-chain="">
                        <p class="nothing">{ self.no_chain() }</p>
                    </div>
                </>
            };
        };
        let Some(visit) = self.reel.visit(id) else { return Html::default() };
        let rules = self.state.case.rules();
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
                let name = if depth == 0 { format!("{} {}", from.table, from.chain) } else { from.chain.to_string() };
                let step = from.rules.get(*rule as usize).copied().unwrap_or(from.first);
                Some(Caller { name: name.into(), number: rule + 1, step })
            })
            .collect::<Vec<_>>();
        let row = self.rows(id);
        html! {
            <Chain table={visit.table.name()} name={visit.chain.to_string()} {callers} {count} current={Some(current)} {end}
                visit={id} {row} onseek={onseek.clone()} />
        }
    }

    /// Why there is no chain here.
    fn no_chain(&self) -> AttrValue {
        let words = self.words();
        match self.frame().map(|f| f.spot) {
            None | Some(Spot::Arrives | Spot::Leaves) => words.get("chain-none-interface"),
            Some(Spot::RouteIn | Spot::RouteOut) => words.get("chain-none-routing"),
            Some(Spot::Local) => words.get("chain-none-local"),
            Some(Spot::At(_, Stage::Conntrack)) => words.get("chain-none-conntrack"),
            Some(Spot::At(_, Stage::Confirm)) => words.get("chain-none-confirm"),
            Some(Spot::At(_, Stage::Table(_))) => words.get("chain-none-table"),
        }
    }

    /// Draws the rules of a visit, as far as the packet has come.
    fn rows(&self, id: usize) -> Callback<usize, RuleRow> {
        let (case, reel, words) = (self.state.case.clone(), self.reel.clone(), self.state.words.clone());
        let (packet, at) = (self.state.packet, self.state.at);
        Callback::from(move |i: usize| {
            let rules = case.rules();
            let blank = RuleRow { look: None, said: AttrValue::default(), pieces: Vec::new(), target: None };
            let Some(visit) = reel.visit(id) else { return blank };
            let Some(rule) = rules.chain(visit.table, &visit.chain).and_then(|c| c.rules.get(i)) else { return blank };
            let seen = visit.rules.get(i).copied().filter(|step| *step <= at);
            let states = seen.map(|step| case.piece_states(packet, step)).unwrap_or_default();
            let pieces = pieces::conditions(rules.family, rule)
                .into_iter()
                .map(|(part, text)| {
                    let remark = text.starts_with("-m comment");
                    let state = states.iter().find(|(p, _)| *p == part).map_or(PieceState::Unseen, |(_, state)| *state);
                    Piece { text, state: if remark { PieceState::Remark } else { state } }
                })
                .collect();
            let look = seen.and_then(|step| case.rule_look(packet, step));
            let said = match look {
                Some(look) if look == Look::YES => words.get("answer-held"),
                Some(look) if look == Look::MAYBE => words.get("answer-unknown"),
                Some(_) => words.get("answer-failed"),
                None => AttrValue::default(),
            };
            let target = pieces::target(rule).map(|(look, _)| (look, pieces::target_words(rules.family, rule)));
            RuleRow { look, said, pieces, target }
        })
    }

    /// Why.
    pub fn reason(&self) -> Reason {
        self.state.case.reason(self.state.packet, self.state.at, self.words())
            .unwrap_or_else(|| Reason::Remark(self.words().get("why-not-rule")))
    }

    /// And then.
    pub fn then(&self) -> Option<(Look, AttrValue, AttrValue)> {
        self.state.case.then(self.state.packet, self.state.at, self.words())
    }
}
