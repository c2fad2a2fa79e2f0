//! The sheet in which one more probe is written for the lab.

use super::case::LabCase;
use crate::lab::Probe;
use crate::ui::icon::{Glyph, Icon};
use crate::ui::sheet::Sheet;
use crate::ui::state::Action;
use crate::ui::words::use_words;
use serde_json::{Map, Value};
use std::net::IpAddr;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

/// Properties of [`ProbeSheet`].
#[derive(Properties, PartialEq)]
pub struct ProbeProps {
    /// The lab.
    pub lab: LabCase,
    /// Why the last try was refused.
    pub refused: Option<AttrValue>,
    /// What was done.
    pub act: Callback<Action>,
}

/// What is written.
#[derive(Clone, PartialEq)]
struct Draft {
    kind: String,
    from: String,
    dst: String,
    dport: String,
    data: String,
}

impl Draft {
    /// The probe, or which field is wrong.
    fn probe(&self) -> Result<Probe, &'static str> {
        let dst: IpAddr = self.dst.trim().parse().map_err(|_| "dst")?;
        let mut fields = Map::new();
        fields.insert("do".into(), self.kind.clone().into());
        fields.insert("from".into(), self.from.clone().into());
        fields.insert("dst".into(), dst.to_string().into());
        if self.kind != "ping" {
            let port: u16 = self.dport.trim().parse().ok().filter(|p| *p != 0).ok_or("dport")?;
            fields.insert("dport".into(), port.into());
            if !self.data.is_empty() {
                fields.insert("data".into(), self.data.clone().into());
            }
        }
        serde_json::from_value(Value::Object(fields)).map_err(|_| "from")
    }
}

/// The sheet.
#[component]
pub fn ProbeSheet(props: &ProbeProps) -> Html {
    let words = use_words();
    let hosts: Vec<String> = props.lab.lab().hosts.iter().map(|(name, _)| name.to_string()).collect();
    let plan = props.lab.plan(false);
    let addresses: Vec<(String, String)> = plan
        .hosts
        .iter()
        .flat_map(|h| {
            let own = h.devices.iter().flat_map(|d| &d.addrs);
            own.map(|a| (a.split('/').next().unwrap_or_default().to_owned(), h.name.clone()))
        })
        .collect();
    let draft = use_state_eq(|| Draft {
        kind: "tcp".into(),
        from: hosts.first().cloned().unwrap_or_default(),
        dst: addresses.last().map(|(a, _)| a.clone()).unwrap_or_default(),
        dport: "80".into(),
        data: String::new(),
    });
    let tried = use_state_eq(|| false);
    let field = |change: fn(&mut Draft, String)| {
        let draft = draft.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                let mut next = (*draft).clone();
                change(&mut next, input.value());
                draft.set(next);
            }
        })
    };
    let choice = |change: fn(&mut Draft, String)| {
        let draft = draft.clone();
        Callback::from(move |event: Event| {
            if let Some(select) = event.target_dyn_into::<HtmlSelectElement>() {
                let mut next = (*draft).clone();
                change(&mut next, select.value());
                draft.set(next);
            }
        })
    };
    let probe = draft.probe();
    // Nobody is told off before having sent anything.
    let wrong = probe.as_ref().err().copied().filter(|_| *tried);
    let error = match wrong {
        Some("dst") => Some(words.with("error-address", &[("value", draft.dst.as_str().into())])),
        Some("dport") => Some(words.with("error-port", &[("value", draft.dport.as_str().into())])),
        Some(_) | None => props.refused.clone(),
    };
    let onsubmit = {
        let (act, probe, tried) = (props.act.clone(), probe.ok(), tried.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            tried.set(true);
            if let Some(probe) = &probe {
                act.emit(Action::AddProbe(Box::new(probe.clone())));
            }
        })
    };
    let text = |class: &'static str,
                label: AttrValue,
                id: &'static str,
                value: &str,
                bad: bool,
                change: fn(&mut Draft, String)| {
        html! {
            <label class={classes!("field", class)}>
                <span>{ label }</span>
                <input data-testid={id} value={value.to_owned()} oninput={field(change)} autocomplete="off" autocapitalize="off" spellcheck="false"
                    list={(id == "probe-dst").then_some("probe-addresses")} aria-invalid={bad.then_some("true")} />
            </label>
        }
    };
    html! {
        <Sheet name="probe" title={words.get("lab-probe-title")} onclose={props.act.reform(|()| Action::Close)}>
            <form data-testid="probe-form" {onsubmit} novalidate={true}>
                <div class="sheet-body form">
                    <p class="w6">{ words.get("lab-probe-lead") }</p>
                    <label class="field w2">
                        <span>{ words.get("lab-probe-kind") }</span>
                        <select data-testid="probe-kind" onchange={choice(|d, v| d.kind = v)}>
                            { for ["tcp", "udp", "ping"].into_iter().map(|kind| html! {
                                <option value={kind} selected={draft.kind == kind}>{ kind }</option>
                            }) }
                        </select>
                    </label>
                    <label class="field w4">
                        <span>{ words.get("lab-probe-from") }</span>
                        <select data-testid="probe-from" onchange={choice(|d, v| d.from = v)}>
                            { for hosts.iter().map(|host| html! {
                                <option value={host.clone()} selected={draft.from == *host}>{ host }</option>
                            }) }
                        </select>
                    </label>
                    { text("w4", words.get("form-dst"), "probe-dst", &draft.dst, wrong == Some("dst"), |d, v| d.dst = v) }
                    <datalist id="probe-addresses">
                        { for addresses.iter().map(|(address, host)| html! { <option value={address.clone()}>{ host }</option> }) }
                    </datalist>
                    if draft.kind != "ping" {
                        { text("w2", words.get("form-dport"), "probe-dport", &draft.dport, wrong == Some("dport"), |d, v| d.dport = v) }
                        { text("w6", words.get("lab-probe-data"), "probe-data", &draft.data, false, |d, v| d.data = v) }
                    }
                    <p class="error w6" role="alert" data-testid="probe-error">{ error.unwrap_or_default() }</p>
                </div>
                <div class="sheet-end">
                    <span class="push"></span>
                    <button type="submit" class="button main" data-testid="probe-send">
                        { words.get("form-send") }<Icon glyph={Glyph::Forward} />
                    </button>
                </div>
            </form>
        </Sheet>
    }
}
