//! Labs in the page: the network as a picture, its moments as a timeline, and each host to be opened.
//!
//! `stage.rs` is the state, `case.rs` asks the engine, the other files draw.

mod case;
mod doubts;
mod host;
mod picture;
mod probe;
mod rules;
mod seen;
mod stage;
mod strip;
mod tables;

pub use case::{LabCase, LabName, OWN_LABS, hint, title};
pub use host::HostPage;
pub use probe::ProbeSheet;
pub use stage::Stage;

use super::log::{Entry, Log};
use super::placard::Placard;
use super::state::{Action, Sheets, Step, Tab};
use super::steps::{Scale, Steps};
use super::tabs::Tabs;
use super::timeline::Stretch;
use super::words::{Words, use_words};
use doubts::Doubts;
use gloo::events::EventListener;
use gloo::timers::callback::Interval;
use gloo::utils::window;
use picture::Picture;
use rules::RulesNow;
use seen::Seen;
use std::rc::Rc;
use strip::Probes;
use tables::Connections;
use yew::prelude::*;

/// Between two stops of a run that plays by itself, milliseconds.
const BEAT: u32 = 650;
/// The width below which hosts stand one below the other, as `lab.css` has it.
const NARROW: f64 = 860.0;

fn is_narrow() -> bool {
    window().inner_width().ok().and_then(|w| w.as_f64()).is_some_and(|w| w < NARROW)
}

/// True on a small screen; follows the window.
#[hook]
pub fn use_narrow() -> bool {
    let narrow = use_state_eq(is_narrow);
    {
        let narrow = narrow.clone();
        use_effect_with((), move |()| {
            let listener = EventListener::new(&window(), "resize", move |_| narrow.set(is_narrow()));
            move || drop(listener)
        });
    }
    *narrow
}

/// Properties of [`NetworkPage`].
#[derive(Properties, PartialEq)]
pub struct NetworkProps {
    /// The lab at its moment.
    pub stage: Stage,
    /// The pane of small screens.
    pub tab: Tab,
    /// What was done.
    pub act: Callback<Action>,
}

/// The whole network.
#[component]
pub fn NetworkPage(props: &NetworkProps) -> Html {
    let words = use_words();
    let narrow = use_narrow();
    let playing = use_state_eq(|| false);
    let (stage, act) = (&props.stage, &props.act);
    let (lab, at) = (&stage.lab, stage.at);
    let journey = lab.session().journey();
    let last = journey.last();
    {
        let (act, ended, on) = (act.clone(), at >= last, playing.clone());
        use_effect_with((*playing, at >= last), move |(play, _)| {
            if *play && ended {
                on.set(false);
            }
            let beat =
                (*play && !ended).then(|| Interval::new(BEAT, move || act.emit(Action::Step(Step::Forward))));
            move || drop(beat)
        });
    }
    let onplay = {
        let playing = playing.clone();
        Callback::from(move |()| playing.set(!*playing))
    };
    let says = lab.sentence(at, &words);
    let stop = journey.stop(at);
    let mut place: Vec<AttrValue> = Vec::new();
    if let Some(stop) = stop {
        place.push(lab.probe_name(stop.probe, &words));
        place.extend(stop.place.host().map(|h| lab.host_name(h)));
        place.extend(match &stop.place {
            crate::query::Place::Device(_, dev) => Some(AttrValue::from(dev.to_string())),
            crate::query::Place::Host(_, Some(hook)) => Some(AttrValue::Static(hook.name())),
            crate::query::Place::Host(_, None) | crate::query::Place::Start => None,
        });
    }
    let stretches = stretches(lab, &words);
    let commanded = stage.commanded();
    let onseek = act.reform(Action::Seek);
    let onopen = act.reform(Action::OpenHost);
    let entry = {
        let (lab, words) = (lab.clone(), words.clone());
        Callback::from(move |at: usize| {
            let stop = lab.session().journey().stop(at);
            let begins = stop.filter(|s| s.event.is_none());
            Entry {
                look: lab.look(at),
                says: lab.sentence(at, &words),
                heading: begins
                    .map(|s| format!("{} · {}", s.probe + 1, lab.probe_name(s.probe, &words)).into()),
                host: stop.and_then(|s| s.place.host()).map(|h| lab.host_name(h)),
            }
        })
    };
    let placard = |inline: bool| html! { <Placard place={place.clone()} outcome={None} says={says.clone()} {inline} /> };
    html! {
        <>
            <Probes stage={stage.clone()} act={act.clone()} />
            <Tabs tab={props.tab} lab={true} act={act.clone()} />
            <main class="panes">
                <section class="pane path" aria-label={words.get("tab-network")}>
                    { placard(true) }
                    <Doubts lab={lab.clone()} act={act.clone()} />
                    if at == 0 {
                        <div class="lab-about" data-testid="lab-about">
                            <p>{ lab.about(&words) }</p>
                            if journey.probes.is_empty() {
                                <button type="button" class="button main" data-testid="probe-first"
                                    onclick={act.reform(|_: MouseEvent| Action::Open(Sheets::Probe))}>
                                    { words.get("lab-probe-new") }
                                </button>
                            } else {
                                <p class="hint">{ words.get("lab-how") }</p>
                            }
                        </div>
                    }
                    <Picture lab={lab.clone()} {at} {narrow} onopen={onopen} />
                </section>
                <section class="pane rules" tabindex="0" aria-label={words.get("tab-connections")}>
                    if let Some(host) = commanded {
                        <RulesNow lab={lab.clone()} {at} {host} />
                    }
                    <Connections lab={lab.clone()} {at} only={None} />
                </section>
                <section class="pane side" tabindex="0" aria-label={words.get("tab-seen")}>
                    <div class="header-pane">
                        <Seen lab={lab.clone()} {at} act={act.clone()} />
                    </div>
                    <Log {at} {last} packet={lab.session().added()} {entry} {onseek} />
                </section>
            </main>
            <Steps {at} {last} {stretches} says={says.clone()} scale={Scale::Network} playing={Some(*playing)} {onplay} act={act.clone()}>
                { placard(false) }
            </Steps>
            <p class="sr" role="status" aria-live="polite" data-testid="live">{ &says }</p>
        </>
    }
}

/// The slider's stretches: one for each probe.
fn stretches(lab: &LabCase, words: &Words) -> Rc<[Stretch]> {
    let journey = lab.session().journey();
    let stretch = |(i, first): (usize, &usize)| Stretch {
        name: lab.probe_name(i, words),
        short: AttrValue::from((i + 1).to_string()),
        first: *first,
        end: journey.probes.get(i + 1).copied().unwrap_or(journey.stops.len()),
    };
    journey.probes.iter().enumerate().map(stretch).collect()
}
