//! The page's whole state, and the only ways in which it changes.

use super::case::Case;
use super::form::Form;
use super::lab::{LabCase, LabName, OWN_LABS, Stage};
use super::route::{self, Route};
use super::storage::{self, Kept, Theme};
use super::words::Words;
use crate::lab::Probe;
use crate::net::{HostId, PassId};
use crate::netfilter::text::{Diagnostic, MAX_BYTES};
use crate::say::Lang;
use crate::session::{LabOpenError, MAX_EVENTS, MAX_HOSTS, MAX_PROBES};
use std::rc::Rc;
use yew::prelude::*;

/// The sheets that can lie over the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sheets {
    /// The packet's form.
    Composer,
    /// Another ruleset.
    Dump,
    /// What is modelled.
    Support,
    /// The keys.
    Keys,
    /// One more probe for the lab.
    Probe,
}

/// The panes, one at a time on small screens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// The picture.
    Path,
    /// The chain and why.
    Rules,
    /// The header and the connection.
    Packet,
    /// The log.
    Log,
}

impl Tab {
    /// All, in order.
    pub const ALL: [Tab; 4] = [Tab::Path, Tab::Rules, Tab::Packet, Tab::Log];

    /// As `data-tab` has it.
    pub fn name(self) -> &'static str {
        match self {
            Tab::Path => "path",
            Tab::Rules => "rules",
            Tab::Packet => "packet",
            Tab::Log => "log",
        }
    }
}

/// A move through the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the first step.
    Start,
    /// To the previous hook.
    HookBack,
    /// To the previous chain.
    ChainBack,
    /// One back.
    Back,
    /// One on.
    Forward,
    /// To the next chain.
    ChainForward,
    /// To the next hook.
    HookForward,
    /// To the verdict.
    End,
}

/// Why a ruleset can't be used.
#[derive(Clone, Debug, PartialEq)]
pub enum Complaint {
    /// The file is larger than the page reads.
    TooBig,
    /// It is no text.
    NotText,
    /// What the reader says of the rules, as a compiler would.
    Read(Rc<str>),
    /// What it says of the host's description.
    Host(Rc<str>),
    /// What is wrong with a lab.
    Lab(LabOpenError),
}

impl Complaint {
    /// What the reader says of a text, each with its line and a mark under the word.
    pub fn of(diagnostics: &[Diagnostic], text: &str) -> Complaint {
        Complaint::Read(super::complaint::render(diagnostics, text).into())
    }

    /// In words.
    pub fn text(&self, words: &Words) -> AttrValue {
        match self {
            Complaint::TooBig => words.with("dump-too-big", &[("limit", (MAX_BYTES >> 20).into())]),
            Complaint::NotText => words.get("dump-binary"),
            Complaint::Read(text) | Complaint::Host(text) => AttrValue::Rc(text.clone()),
            Complaint::Lab(error) => match error {
                LabOpenError::Read(error) => AttrValue::from(error.to_string()),
                LabOpenError::Build(error) => AttrValue::from(error.to_string()),
                LabOpenError::Hosts(n) => {
                    words.with("lab-too-many-hosts", &[("n", (*n).into()), ("most", MAX_HOSTS.into())])
                }
                LabOpenError::Probes(n) => words
                    .with("lab-too-many-probes", &[("n", n.to_string().into()), ("most", MAX_PROBES.into())]),
                LabOpenError::Events => words.with("lab-too-many-events", &[("most", MAX_EVENTS.into())]),
            },
        }
    }
}

/// Everything that people can do here.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Move through the walk.
    Step(Step),
    /// Go to a step.
    Seek(usize),
    /// Show another packet's walk.
    Show(usize),
    /// Show another of the ways that the packet may go.
    Way(usize),
    /// Show another pane.
    Turn(Tab),
    /// Speak another language.
    Speak(Lang),
    /// Light to dark and back.
    SwitchTheme,
    /// Open a sheet.
    Open(Sheets),
    /// Close the sheet.
    Close,
    /// Send a packet.
    Send {
        /// The packet's line.
        line: String,
        /// The form that made it, for the next time.
        form: Form,
    },
    /// Send the reply to the packet that is shown.
    Reply,
    /// Forget all packets, and send the first again.
    StartOver,
    /// Take other rules.
    Load {
        /// The file's name, if it came from one.
        name: Option<Rc<str>>,
        /// Its text.
        text: Rc<str>,
        /// What `ip` prints of the host they are from; empty where nobody told.
        host: Rc<str>,
    },
    /// A file can't be read at all.
    Refuse(Complaint),
    /// Back to the recorded host.
    Reset,
    /// Put one of the page's own labs on show.
    Lab(usize),
    /// Open a host of the lab.
    OpenHost(HostId),
    /// Show another packet's way through the open host.
    Pick(PassId),
    /// Close the open host: back to the network.
    Leave,
    /// Go to where the other direction of this packet's flow begins.
    WayBack,
    /// Run the lab again with one probe more.
    AddProbe(Box<Probe>),
    /// Run it again without the one that was added last.
    UndoProbe,
    /// Run it again with the other answer where the model cannot know.
    OtherWay(usize),
    /// The address names another place.
    Route(Route),
}

impl Action {
    /// A file's bytes, if they are text.
    pub fn load(name: &str, bytes: Vec<u8>, host: &str) -> Action {
        if bytes.contains(&0) {
            return Action::Refuse(Complaint::NotText);
        }
        match String::from_utf8(bytes) {
            Ok(text) => Action::Load { name: Some(name.into()), text: text.into(), host: host.into() },
            Err(_) => Action::Refuse(Complaint::NotText),
        }
    }
}

/// What the page shows.
#[derive(Clone, PartialEq)]
pub struct State {
    /// The machine in the case, and the packets sent to it.
    pub case: Rc<Case>,
    /// Which packet's walk is shown.
    pub packet: usize,
    /// Which of the ways that it may go.
    pub way: usize,
    /// Which step of it.
    pub at: usize,
    /// The language's words.
    pub words: Rc<Words>,
    /// Light or dark.
    pub theme: Theme,
    /// The pane of small screens.
    pub tab: Tab,
    /// The sheet that is open.
    pub sheet: Option<Sheets>,
    /// The form as it was sent last.
    pub form: Form,
    /// The ruleset that was tried last.
    pub tried: Rc<str>,
    /// The host's description that was tried with it.
    pub tried_host: Rc<str>,
    /// What was wrong with it.
    pub complaint: Option<Complaint>,
    /// Why the last packet was not sent.
    pub refused: Option<AttrValue>,
    /// The lab on show, in the case's place.
    pub stage: Option<Stage>,
    /// The rules that somebody opened.
    pub own_rules: Option<Kept>,
    /// The lab that somebody opened.
    pub own_lab: Option<Kept>,
}

impl State {
    /// As the page opens: the recorded host with the first packet walked, or what was open before a reload, or the
    /// place that the address names.
    pub fn open() -> State {
        let mut state = State::first();
        if let Some(kept) = storage::rules()
            && let Ok(case) = Case::of_text(kept.name.clone(), &kept.text, &kept.host)
        {
            state.form = case.first_form();
            state.show(case);
            (state.tried, state.tried_host) = (kept.text.clone(), kept.host.clone());
            state.own_rules = Some(kept);
        }
        state.own_lab = storage::lab();
        if let Some(route) = route::here() {
            state.go(route);
        }
        state
    }

    fn first() -> State {
        State {
            case: Rc::new(Case::recorded()),
            packet: 0,
            way: 0,
            at: 0,
            words: Rc::new(Words::new(storage::lang())),
            theme: storage::theme(),
            tab: Tab::Path,
            sheet: None,
            form: Form::default(),
            tried: "".into(),
            tried_host: "".into(),
            complaint: None,
            refused: None,
            stage: None,
            own_rules: None,
            own_lab: None,
        }
    }

    fn last(&self) -> usize {
        self.case.reel(self.packet, self.way).map_or(0, |r| r.last())
    }

    fn stepped(&self, step: Step) -> usize {
        let Some(reel) = self.case.reel(self.packet, self.way) else { return 0 };
        match step {
            Step::Start => 0,
            Step::HookBack => reel.hook_back(self.at),
            Step::ChainBack => reel.chain_back(self.at),
            Step::Back => self.at.saturating_sub(1),
            Step::Forward => (self.at + 1).min(reel.last()),
            Step::ChainForward => reel.chain_forward(self.at),
            Step::HookForward => reel.hook_forward(self.at),
            Step::End => reel.last(),
        }
    }

    /// Goes to the place of an address, as far as it is there.
    fn go(&mut self, route: Route) {
        if Route::of(self) == route {
            return;
        }
        self.sheet = None;
        let Route::Lab { own, host } = route else {
            self.stage = None;
            return;
        };
        let shown = self.stage.as_ref().map(|s| s.lab.name().clone());
        match own {
            Some(name) => {
                let Some(own) = OWN_LABS.iter().find(|own| own.name == name) else { return };
                if shown != Some(LabName::Own(own.name)) {
                    self.show_lab(LabName::Own(own.name), own.text);
                }
            }
            None if matches!(shown, Some(LabName::File(_))) => {}
            None => {
                let Some(kept) = self.own_lab.clone() else { return };
                self.show_lab(LabName::File(kept.name), &kept.text);
            }
        }
        let Some(stage) = &mut self.stage else { return };
        let found = host.and_then(|host| stage.lab.session().network().by_name(&host));
        match found {
            Some(host) if stage.opened.as_ref().is_none_or(|o| o.host != host) => stage.open(host),
            Some(_) => {}
            None => stage.leave(),
        }
    }

    /// Puts a lab on show, from its beginning.
    fn show_lab(&mut self, name: LabName, text: &str) {
        match LabCase::open(name, text) {
            Ok(lab) => {
                self.stage = Some(Stage::new(lab));
                self.tab = Tab::Path;
                self.sheet = None;
                self.complaint = None;
            }
            Err(error) => {
                self.complaint = Some(Complaint::Lab(error));
                self.sheet = Some(Sheets::Dump);
            }
        }
    }

    /// Puts a new case on show, from its last packet's first step.
    fn show(&mut self, case: Case) {
        self.packet = case.sent().len().saturating_sub(1);
        self.way = 0;
        self.at = 0;
        self.case = Rc::new(case);
        self.stage = None;
        self.sheet = None;
        self.complaint = None;
        self.refused = None;
    }
}

impl Reducible for State {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut next = (*self).clone();
        match action {
            Action::Step(step) => match &mut next.stage {
                Some(stage) => stage.step(step),
                None => next.at = self.stepped(step),
            },
            Action::Seek(at) => match &mut next.stage {
                Some(stage) => stage.seek(at),
                None => next.at = at.min(self.case.reel(self.packet, self.way).map_or(0, |r| r.last())),
            },
            Action::Show(packet) => {
                next.packet = packet;
                next.way = 0;
                next.at = 0;
            }
            Action::Way(way) => {
                // Ways are the same up to the rule that parts them, so the step can stay.
                next.way = way.min(self.case.ways(self.packet).saturating_sub(1));
                next.at = self.at.min(next.last());
            }
            Action::Turn(tab) => next.tab = tab,
            Action::Speak(lang) => next.words = Rc::new(Words::new(lang)),
            Action::SwitchTheme => next.theme = self.theme.other(),
            Action::Open(sheet) => next.sheet = Some(sheet),
            Action::Close => {
                next.sheet = None;
                next.complaint = None;
                next.refused = None;
            }
            Action::Send { line, form } => match self.case.send(&line) {
                Ok(case) => {
                    next.form = form;
                    next.show(case);
                }
                Err(why) => next.refused = Some(self.words.with("error-send", &[("why", why.into())])),
            },
            Action::Reply => {
                if let Some(case) = self.case.reply(self.packet) {
                    next.show(case);
                }
            }
            Action::StartOver => next.show(self.case.start_over()),
            Action::Load { name, text, host } => {
                next.tried = text.clone();
                next.tried_host = host.clone();
                // A dump of rules never begins so; a lab always does.
                if text.trim_start().starts_with('{') {
                    next.show_lab(LabName::File(name.clone()), &text);
                    if next.complaint.is_none() {
                        next.own_lab = Some(Kept { name, text, host });
                    }
                    return Rc::new(next);
                }
                match Case::of_text(name.clone(), &text, &host) {
                    Ok(case) => {
                        next.form = case.first_form();
                        next.show(case);
                        next.own_rules = Some(Kept { name, text, host });
                    }
                    Err(complaint) => {
                        next.complaint = Some(complaint);
                        next.sheet = Some(Sheets::Dump);
                    }
                }
            }
            Action::Refuse(complaint) => {
                next.complaint = Some(complaint);
                next.sheet = Some(Sheets::Dump);
            }
            Action::Reset => {
                let case = Case::recorded();
                next.form = case.first_form();
                next.tried = "".into();
                next.tried_host = "".into();
                (next.own_rules, next.own_lab) = (None, None);
                next.show(case);
            }
            Action::Lab(number) => {
                next.tried = "".into();
                if let Some(own) = OWN_LABS.get(number) {
                    next.show_lab(LabName::Own(own.name), own.text);
                }
            }
            Action::OpenHost(host) => next.stage.iter_mut().for_each(|s| s.open(host)),
            Action::Pick(pass) => next.stage.iter_mut().for_each(|s| s.pick(pass)),
            Action::Leave => next.stage.iter_mut().for_each(Stage::leave),
            Action::WayBack => next.stage.iter_mut().for_each(Stage::way_back),
            Action::AddProbe(probe) => {
                let added = self.stage.as_ref().map(|s| s.lab.with(*probe));
                match added {
                    Some(Ok(lab)) => {
                        let mut stage = Stage::new(lab);
                        stage.show_last_probe();
                        next.stage = Some(stage);
                        next.sheet = None;
                        next.refused = None;
                    }
                    Some(Err(why)) => next.refused = Some(Complaint::Lab(why).text(&self.words)),
                    None => {}
                }
            }
            Action::OtherWay(choice) => match self.stage.as_ref().map(|s| s.lab.choose_other(choice)) {
                Some(Ok(lab)) => {
                    let event = lab.session().choices().get(choice).map(|c| c.event);
                    let mut stage = Stage::new(lab);
                    stage.show_event(event);
                    next.stage = Some(stage);
                }
                Some(Err(error)) => {
                    next.complaint = Some(Complaint::Lab(error));
                    next.sheet = Some(Sheets::Dump);
                }
                None => {}
            },
            Action::Route(route) => next.go(route),
            Action::UndoProbe => {
                if let Some(lab) = self.stage.as_ref().and_then(|s| s.lab.undo()) {
                    let mut stage = Stage::new(lab);
                    stage.show_last_probe();
                    next.stage = Some(stage);
                }
            }
        }
        Rc::new(next)
    }
}
