//! An open host: its hooks and tables, with one packet's way through them, as in the case.

use super::rules::RulesNow;
use super::stage::{Opened, Stage};
use super::strip::Ways;
use super::tables::{Connections, Memory};
use crate::netfilter::{Family, Ruleset};
use crate::ui::cabinet::Cabinet;
use crate::ui::connection::Connection;
use crate::ui::fields::Fields;
use crate::ui::log::Log;
use crate::ui::placard::Placard;
use crate::ui::shown::Shown;
use crate::ui::state::{Action, Tab};
use crate::ui::steps::{Scale, Steps};
use crate::ui::tabs::Tabs;
use crate::ui::view::View;
use crate::ui::why::Why;
use crate::ui::words::use_words;
use std::rc::Rc;
use std::sync::Arc;
use yew::prelude::*;

/// Properties of [`HostPage`].
#[derive(Properties, PartialEq)]
pub struct HostProps {
    /// The lab at its moment.
    pub stage: Stage,
    /// The open host.
    pub opened: Opened,
    /// The pane of small screens.
    pub tab: Tab,
    /// What was done.
    pub act: Callback<Action>,
}

/// The open host.
#[component]
pub fn HostPage(props: &HostProps) -> Html {
    let words = use_words();
    let (stage, opened, act) = (&props.stage, &props.opened, &props.act);
    let lab = &stage.lab;
    let onseek = act.reform(Action::Seek);
    let view = opened.walked.as_ref().map(|w| {
        let view = View::new(words.clone(), Shown::Pass(w.clone()), opened.at);
        let event = view.place_in_log().and_then(|place| w.pass().ids.get(place).copied());
        let family = Shown::Pass(w.clone()).rules().family;
        view.counting(Some(lab.session().counted(stage.probe(), event, opened.host, family)))
    });
    let rules: Arc<Ruleset> = match &opened.walked {
        Some(walked) => Shown::Pass(walked.clone()).rules(),
        None => {
            lab.session().rules(stage.probe(), stage.stop().and_then(|s| s.event), opened.host, Family::Ip)
        }
    };
    let v4 = rules.family.is_v4();
    let host = lab.session().host(stage.probe(), opened.host);
    let interfaces: Rc<[(AttrValue, AttrValue)]> = host.map_or_else(
        || Rc::from(Vec::new()),
        |host| {
            let mut all: Vec<(AttrValue, AttrValue)> = host
                .devices
                .iter()
                .map(|(name, device)| {
                    let address = device.link.addrs.iter().find(|a| a.local.is_ipv4() == v4);
                    let text = address.map(|a| format!("{}/{}", a.local, a.len)).unwrap_or_default();
                    (AttrValue::from(name.to_string()), AttrValue::from(text))
                })
                .collect();
            all.sort_by_key(|(name, _)| name == "lo");
            all.into()
        },
    );
    let tracking = host.is_some_and(|h| h.netfilter.is_tracking());
    // What the host remembers is shown as of the step.
    let moment = opened.walked.as_ref().and_then(|w| lab.stop_at(w, opened.at)).unwrap_or(stage.at);
    let says = view.as_ref().map_or_else(|| lab.sentence(stage.at, &words), View::says);
    let placard = |inline: bool| {
        let mut place = vec![lab.host_name(opened.host)];
        place.extend(view.iter().flat_map(View::place));
        let outcome = view.as_ref().and_then(View::outcome);
        html! { <Placard {place} {outcome} says={says.clone()} {inline} /> }
    };
    let reel = view.as_ref().map(|v| v.reel.clone()).unwrap_or_default();
    // Where nothing passed, time is the network's.
    let (at, last, scale) = match &view {
        Some(_) => (opened.at, reel.last(), Scale::Rules),
        None => (stage.at, lab.session().journey().last(), Scale::Network),
    };
    let stretches = view.as_ref().map_or_else(|| super::stretches(lab, &words), View::stretches);
    let number = opened.walked.as_ref().map_or(0, |w| w.pass().pass.0 as usize);
    html! {
        <>
            <Ways stage={stage.clone()} opened={opened.clone()} act={act.clone()} />
            <Tabs tab={props.tab} act={act.clone()} />
            <main class="panes" data-testid="host-page" data-host={lab.host_name(opened.host)}>
                <section class="pane path" aria-label={words.get("tab-path")}>
                    <Cabinet reel={reel.clone()} at={opened.at} {rules} {interfaces} onseek={onseek.clone()} />
                </section>
                <section class="pane rules" aria-label={words.get("tab-rules")}>
                    { placard(true) }
                    { match &view {
                        Some(view) => view.chain(&onseek, act),
                        None => html! {
                            <div class="quiet-host">
                                <p class="nothing">{ words.get("lab-host-quiet") }</p>
                                <RulesNow lab={lab.clone()} at={stage.at} host={opened.host} />
                            </div>
                        },
                    } }
                    if let Some(view) = &view {
                        if let Some(reason) = view.reason() {
                            <Why {reason} then={view.then()} />
                        }
                    }
                </section>
                <section class="pane side" tabindex="0" aria-label={words.get("tab-packet")}>
                    <div class="header-pane">
                        if let Some(view) = &view {
                            <div class="head"><h2>{ words.get("packet") }</h2></div>
                            if let Some((came, before, now)) = view.packet() {
                                <Fields {came} {before} {now} />
                            }
                            <Connection state={view.ct_state()} entry={view.entry()} {tracking} />
                        }
                        <Connections lab={lab.clone()} at={moment} only={Some(opened.host)} />
                        <Memory lab={lab.clone()} at={moment} host={opened.host} />
                    </div>
                    if let Some(view) = &view {
                        <Log at={opened.at} {last} packet={number} entry={view.entries()} onseek={onseek.clone()} />
                    }
                </section>
            </main>
            <Steps {at} {last} {stretches}
                says={says.clone()} {scale} playing={None} act={act.clone()}>
                { placard(false) }
            </Steps>
            <p class="sr" role="status" aria-live="polite" data-testid="live">{ &says }</p>
        </>
    }
}
