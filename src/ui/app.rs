//! The page: one state, its panes, and what the whole window listens to.

use super::cabinet::Cabinet;
use super::composer::Composer;
use super::connection::Connection;
use super::fields::Fields;
use super::focus::use_focus_along;
use super::keys::{Keys, action_of};
use super::lab::{HostPage, NetworkPage, ProbeSheet};
use super::log::Log;
use super::opener::{Opener, read};
use super::placard::Placard;
use super::route::{self, Route};
use super::shown::Shown;
use super::state::{Action, Sheets, State};
use super::steps::Steps;
use super::storage;
use super::strip::Strip;
use super::support::Support;
use super::tabs::Tabs;
use super::top::Top;
use super::view::View;
use super::ways::Ways;
use super::why::Why;
use super::words::{Words, use_words};
use gloo::events::{EventListener, EventListenerOptions};
use gloo::file::callbacks::FileReader;
use gloo::utils::{document, document_element, window};
use std::rc::Rc;
use web_sys::wasm_bindgen::JsCast;
use web_sys::{DragEvent, KeyboardEvent};
use yew::prelude::*;

/// The whole page.
#[component]
pub fn App() -> Html {
    let state = use_reducer_eq(State::open);
    let act = {
        let dispatcher = state.dispatcher();
        use_callback((), move |action: Action, ()| dispatcher.dispatch(action))
    };
    use_effect_with(state.words.clone(), |words| {
        let _ = document_element().set_attribute("lang", words.lang().tag());
        document().set_title(&words.get("app-title"));
        storage::keep_lang(words.lang());
    });
    use_effect_with(state.theme, |theme| {
        let _ = document_element().set_attribute("data-theme", theme.name());
        storage::keep_theme(*theme);
    });
    use_effect_with(state.own_rules.clone(), |kept| storage::keep_rules(kept.as_ref()));
    use_effect_with(state.own_lab.clone(), |kept| storage::keep_lab(kept.as_ref()));
    use_effect_with(Route::of(&state), route::go);
    use_effect_with(act.clone(), |act| {
        let act = act.clone();
        let listener = EventListener::new(&window(), "hashchange", move |_| {
            route::here().into_iter().for_each(|route| act.emit(Action::Route(route)));
        });
        move || drop(listener)
    });
    use_effect_with(act.clone(), |act| {
        let act = act.clone();
        let options = EventListenerOptions::enable_prevent_default();
        let listener = EventListener::new_with_options(&window(), "keydown", options, move |event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
            if let Some(action) = action_of(event) {
                event.prevent_default();
                act.emit(action);
            }
        });
        move || drop(listener)
    });
    html! {
        <ContextProvider<Rc<Words>> context={state.words.clone()}>
            <Case state={(*state).clone()} {act} />
        </ContextProvider<Rc<Words>>>
    }
}

#[derive(Properties, PartialEq)]
struct CaseProps {
    state: State,
    act: Callback<Action>,
}

/// The frame, and the sheet that lies over it.
#[component]
fn Case(props: &CaseProps) -> Html {
    let words = use_words();
    let state = &props.state;
    let act = &props.act;
    use_focus_along(state.stage.as_ref().and_then(|s| Some(s.lab.host_name(s.opened.as_ref()?.host))));
    let over = use_state_eq(|| false);
    let reader = use_mut_ref(|| None::<FileReader>);
    let ondragover = {
        let over = over.clone();
        Callback::from(move |event: DragEvent| {
            event.prevent_default();
            over.set(true);
        })
    };
    let ondragleave = {
        let over = over.clone();
        Callback::from(move |event: DragEvent| {
            if event.related_target().is_none() {
                over.set(false);
            }
        })
    };
    let ondrop = {
        let (over, act) = (over.clone(), act.clone());
        Callback::from(move |event: DragEvent| {
            event.prevent_default();
            over.set(false);
            let files = event.data_transfer().and_then(|data| data.files());
            *reader.borrow_mut() = read(files, String::new(), act.clone());
        })
    };
    let (title, facts, remarks) = match &state.stage {
        Some(stage) => (stage.lab.title(&words), stage.lab.facts(&words), 0),
        None => (state.case.name(&words), state.case.facts(&words), state.case.remarks()),
    };
    let lab = state.stage.as_ref().map(|s| if s.opened.is_some() { "host" } else { "network" });
    html! {
        <div class={classes!("case", lab)} data-tab={state.tab.name()} data-testid="verdict" data-verdict={verdict(state)}
            {ondragover} {ondragleave} {ondrop}>
            <a class="skip" href="#steps">{ words.get("skip-to-steps") }</a>
            <Top specimen={title} {facts} {remarks} theme={state.theme} act={act.clone()} />
            { match &state.stage {
                None => html! { <Walk state={state.clone()} act={act.clone()} /> },
                Some(stage) => match &stage.opened {
                    None => html! { <NetworkPage stage={stage.clone()} tab={state.tab} act={act.clone()} /> },
                    Some(opened) => html! {
                        <HostPage stage={stage.clone()} opened={opened.clone()} tab={state.tab} act={act.clone()} />
                    },
                },
            } }
            if *over {
                <div class="drop-here"><p>{ words.get("dump-drop") }</p></div>
            }
            { sheet(state, act) }
        </div>
    }
}

/// The verdict on the packet in the case, or on its way through the open host, once it is known.
fn verdict(state: &State) -> &'static str {
    match &state.stage {
        None => View::of(state).verdict(),
        Some(stage) => {
            let opened = stage.opened.as_ref();
            let walked = opened.and_then(|o| Some((o.walked.clone()?, o.at)));
            walked.map_or("", |(w, at)| View::new(state.words.clone(), Shown::Pass(w), at).verdict())
        }
    }
}

/// The panes of one host's case.
#[component]
fn Walk(props: &CaseProps) -> Html {
    let words = use_words();
    let (state, act) = (&props.state, &props.act);
    let onseek = {
        let act = act.clone();
        use_callback((), move |at: usize, ()| act.emit(Action::Seek(at)))
    };
    let view = View::of(state);
    let case = &state.case;
    let says = view.says();
    let placard = |inline: bool| {
        html! { <Placard place={view.place()} outcome={view.outcome()} says={says.clone()} {inline} /> }
    };
    html! {
        <>
            <Strip sent={case.sent()} current={state.packet} no_reply={case.reply_to(state.packet).err()} act={act.clone()} />
            <Tabs tab={state.tab} act={act.clone()} />
            <main class="panes">
                <section class="pane path" aria-label={words.get("tab-path")}>
                    <Cabinet reel={view.reel.clone()} at={state.at} rules={case.rules()} interfaces={case.interfaces()} onseek={onseek.clone()} />
                </section>
                <section class="pane rules" aria-label={words.get("tab-rules")}>
                    { placard(true) }
                    <Ways way={state.way} ways={case.ways(state.packet)} truncated={view.truncated()} choices={view.choices()} act={act.clone()} />
                    { view.chain(&onseek, act) }
                    if let Some(reason) = view.reason() {
                        <Why {reason} then={view.then()} />
                    }
                </section>
                <section class="pane side" tabindex="0" aria-label={words.get("tab-packet")}>
                    <div class="header-pane">
                        <div class="head"><h2>{ words.get("packet") }</h2></div>
                        if let Some((came, before, now)) = view.packet() {
                            <Fields {came} {before} {now} />
                        }
                        <Connection state={view.ct_state()} entry={view.entry()} tracking={case.is_tracking()} />
                    </div>
                    <Log at={state.at} last={view.reel.last()} packet={state.packet} entry={view.entries()} onseek={onseek.clone()} />
                </section>
            </main>
            <Steps at={state.at} last={view.reel.last()} stretches={view.stretches()} says={says.clone()} act={act.clone()}>
                { placard(false) }
            </Steps>
            <p class="sr" role="status" aria-live="polite" data-testid="live">{ &says }</p>
        </>
    }
}

fn sheet(state: &State, act: &Callback<Action>) -> Html {
    let onclose = act.reform(|()| Action::Close);
    match state.sheet {
        None => Html::default(),
        Some(Sheets::Composer) => html! {
            <Composer form={state.form.clone()} presets={state.case.presets()} interfaces={state.case.interfaces()}
                refused={state.refused.clone()} act={act.clone()} />
        },
        Some(Sheets::Dump) => html! {
            <Opener text={state.tried.clone()} host={state.tried_host.clone()} complaint={state.complaint.clone()} remarks={state.case.remark_text()} act={act.clone()} />
        },
        Some(Sheets::Probe) => state.stage.as_ref().map_or_else(Html::default, |stage| {
            html! {
                <ProbeSheet lab={stage.lab.clone()} refused={state.refused.clone()} act={act.clone()} />
            }
        }),
        Some(Sheets::Support) => html! { <Support {onclose} /> },
        Some(Sheets::Keys) => html! { <Keys {onclose} /> },
    }
}
