//! The lab on show: which moment of it, and which host is open.

use super::case::LabCase;
use crate::lab::Probe;
use crate::net::{HostId, PassId};
use crate::query::Stop;
use crate::ui::shown::{Shown, Walked};
use crate::ui::state::Step;
use std::rc::Rc;

/// An open host.
#[derive(Clone)]
pub struct Opened {
    /// Which.
    pub host: HostId,
    /// The way through it that is shown; `None` where nothing passed.
    pub walked: Option<Rc<Walked>>,
    /// The step of that way.
    pub at: usize,
}

impl PartialEq for Opened {
    fn eq(&self, other: &Self) -> bool {
        let pass = |o: &Opened| o.walked.as_ref().map(|w| w.pass().pass);
        (self.host, pass(self), self.at) == (other.host, pass(other), other.at)
    }
}

/// A lab at a moment.
#[derive(Clone, PartialEq)]
pub struct Stage {
    /// The lab.
    pub lab: LabCase,
    /// The stop.
    pub at: usize,
    /// The open host.
    pub opened: Option<Opened>,
}

impl Stage {
    /// A lab from its beginning.
    pub fn new(lab: LabCase) -> Self {
        Stage { lab, at: 0, opened: None }
    }

    /// The stop.
    pub fn stop(&self) -> Option<&Stop> {
        self.lab.session().journey().stop(self.at)
    }

    /// The probe.
    pub fn probe(&self) -> usize {
        self.stop().map_or(0, |s| s.probe)
    }

    /// The host in which the present probe runs a command.
    pub fn commanded(&self) -> Option<HostId> {
        match self.lab.lab().probes.get(self.probe())? {
            Probe::Run(probe) => self.lab.session().network().by_name(probe.host.as_str()),
            _ => None,
        }
    }

    /// Moves: through the network by events, hops and probes; in an open host as in the case.
    pub fn step(&mut self, step: Step) {
        if let Some(opened) = &mut self.opened {
            let Some(walked) = &opened.walked else {
                // Nothing passed it in this probe: the network goes on, and the host is shown as it is then.
                let host = opened.host;
                self.opened = None;
                self.step(step);
                self.open(host);
                return;
            };
            let reel = Shown::Pass(walked.clone()).reel();
            opened.at = match step {
                Step::Start => 0,
                Step::HookBack => reel.hook_back(opened.at),
                Step::ChainBack => reel.chain_back(opened.at),
                Step::Back => opened.at.saturating_sub(1),
                Step::Forward => (opened.at + 1).min(reel.last()),
                Step::ChainForward => reel.chain_forward(opened.at),
                Step::HookForward => reel.hook_forward(opened.at),
                Step::End => reel.last(),
            };
            return;
        }
        let journey = self.lab.session().journey();
        self.at = match step {
            Step::Start => 0,
            Step::HookBack => journey.probe_back(self.at),
            Step::ChainBack => journey.hop_back(self.at),
            Step::Back => self.at.saturating_sub(1),
            Step::Forward => (self.at + 1).min(journey.last()),
            Step::ChainForward => journey.hop_forward(self.at),
            Step::HookForward => journey.probe_forward(self.at),
            Step::End => journey.last(),
        };
    }

    /// Goes to a stop, or to a step of the open host's way.
    pub fn seek(&mut self, at: usize) {
        match &mut self.opened {
            Some(Opened { host, walked: None, .. }) => {
                let host = *host;
                self.at = at.min(self.lab.session().journey().last());
                self.open(host);
            }
            Some(opened) => {
                let last = opened.walked.as_ref().map_or(0, |w| Shown::Pass(w.clone()).reel().last());
                opened.at = at.min(last);
            }
            None => self.at = at.min(self.lab.session().journey().last()),
        }
    }

    /// Goes to the beginning of the last probe.
    pub fn show_last_probe(&mut self) {
        self.at = self.lab.session().journey().probes.last().copied().unwrap_or(0);
    }

    /// Goes to the stop of an event, or the last one before it.
    pub fn show_event(&mut self, event: Option<crate::abi::EventId>) {
        let Some(event) = event else { return };
        let stops = &self.lab.session().journey().stops;
        self.at = stops.iter().rposition(|s| s.event.is_some_and(|e| e <= event)).unwrap_or(0);
    }

    /// Opens a host: at the packet's way through it that is nearest to the present stop.
    pub fn open(&mut self, host: HostId) {
        let here = self.stop().filter(|s| s.place.host() == Some(host)).and_then(|s| s.pass);
        let ways = self.lab.ways(self.probe(), host);
        let journey = self.lab.session().journey();
        let before =
            ways.iter().rev().find(|(pass, ..)| journey.stop_of(*pass).is_some_and(|s| s <= self.at));
        let pass = here.or(before.or(ways.first()).map(|(pass, ..)| *pass));
        let walked = pass.and_then(|pass| self.lab.walked(self.probe(), pass));
        let at = walked.as_ref().map_or(0, |w| self.lab.step_of(w, self.stop()));
        self.opened = Some(Opened { host, walked, at });
    }

    /// Shows another way through the open host.
    pub fn pick(&mut self, pass: PassId) {
        let (probe, lab) = (self.probe(), self.lab.clone());
        if let Some(opened) = &mut self.opened {
            opened.walked = lab.walked(probe, pass);
            opened.at = 0;
        }
    }

    /// Closes the open host; the network goes on from where the packet was seen last in it.
    pub fn leave(&mut self) {
        let Some(opened) = self.opened.take() else { return };
        let Some(walked) = opened.walked else { return };
        if let Some(at) = self.lab.stop_at(&walked, opened.at) {
            self.at = at;
        }
    }

    /// Goes to where the other direction of the present flow begins.
    pub fn way_back(&mut self) {
        if let Some(at) = self.lab.session().journey().way_back(self.at) {
            self.opened = None;
            self.at = at;
        }
    }
}
