//! The sheet in which a packet is written: presets on one side, the form on the other.

use super::form::{Carries, FieldError, Form, STATES};
use super::icon::{Glyph, Icon};
use super::presets::Preset;
use super::sheet::Sheet;
use super::state::Action;
use super::words::{Words, use_words};
use crate::packet::TcpFlags;
use std::rc::Rc;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

/// Properties of [`Composer`].
#[derive(Properties, PartialEq)]
pub struct ComposerProps {
    /// What the form begins with.
    pub form: Form,
    /// Ready-made packets for this host.
    pub presets: Rc<[Preset]>,
    /// The host's interfaces.
    pub interfaces: Rc<[(AttrValue, AttrValue)]>,
    /// What the session said of the last try.
    pub refused: Option<AttrValue>,
    /// What was done.
    pub act: Callback<Action>,
}

/// One change of the form.
enum Edit {
    All(Form),
    Iface(String),
    Carries(Carries),
    Src(String),
    Sport(String),
    Dst(String),
    Dport(String),
    Flags(String),
    Flag(&'static str),
    Icmp(String),
    Ttl(String),
    State(String),
    More(String),
}

#[derive(PartialEq)]
struct Draft(Form);

impl Reducible for Draft {
    type Action = Edit;

    fn reduce(self: Rc<Self>, edit: Edit) -> Rc<Self> {
        let mut form = self.0.clone();
        match edit {
            Edit::All(all) => form = all,
            Edit::Iface(text) => form.iface = text,
            Edit::Carries(carries) => form.carries = carries,
            Edit::Src(text) => form.src = text,
            Edit::Sport(text) => form.sport = text,
            Edit::Dst(text) => form.dst = text,
            Edit::Dport(text) => form.dport = text,
            Edit::Flags(text) => form.flags = text,
            Edit::Flag(name) => form.toggle_flag(name),
            Edit::Icmp(text) => form.icmp = text,
            Edit::Ttl(text) => form.ttl = text,
            Edit::State(text) => form.state = text,
            Edit::More(text) => form.more = text,
        }
        Rc::new(Draft(form))
    }
}

/// The sheet.
#[component]
pub fn Composer(props: &ComposerProps) -> Html {
    let words = use_words();
    let draft = use_reducer_eq(|| Draft(props.form.clone()));
    let form = &draft.0;
    let edit = draft.dispatcher();
    let line = form.line();
    let error = line.as_ref().err().map(|e| field_error(e, &words)).or(props.refused.clone());
    let text = |make: fn(String) -> Edit| {
        let edit = edit.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                edit.dispatch(make(input.value()));
            }
        })
    };
    let choice = |make: fn(String) -> Edit| {
        let edit = edit.clone();
        Callback::from(move |event: Event| {
            if let Some(select) = event.target_dyn_into::<HtmlSelectElement>() {
                edit.dispatch(make(select.value()));
            }
        })
    };
    let onsubmit = {
        let (act, line, form) = (props.act.clone(), line.clone().ok(), form.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if let Some(line) = &line {
                act.emit(Action::Send { line: line.clone(), form: form.clone() });
            }
        })
    };
    let field = |class: &'static str,
                 label: AttrValue,
                 id: &'static str,
                 value: &str,
                 bad: bool,
                 make: fn(String) -> Edit| {
        html! {
            <label class={classes!("field", class)}>
                <span>{ label }</span>
                <input data-testid={id} value={value.to_owned()} oninput={text(make)} autocomplete="off" autocapitalize="off"
                    spellcheck="false" aria-invalid={bad.then_some("true")} aria-describedby={bad.then_some("packet-error")} />
            </label>
        }
    };
    let wrong = line.as_ref().err();
    let bad_address = |value: &str| {
        matches!(wrong, Some(FieldError::Address(a)) if a == value) || wrong == Some(&FieldError::Families)
    };
    let bad_port = |value: &str| matches!(wrong, Some(FieldError::Port(p)) if p == value);
    let with_ports = form.carries != Carries::Icmp;
    html! {
        <Sheet name="compose" title={words.get("composer")} onclose={props.act.reform(|()| Action::Close)}>
            <form class="composer-form" data-testid="packet-form" {onsubmit} novalidate={true}>
                <div class="composer">
                    <div class="presets" role="group" aria-label={words.get("presets")}>
                        { for props.presets.iter().map(|preset| {
                            let (edit, form) = (edit.clone(), preset.form.clone());
                            html! {
                                <button type="button" data-testid="preset" data-preset={preset.name}
                                    aria-pressed={(preset.form == draft.0).to_string()}
                                    onclick={Callback::from(move |_: MouseEvent| edit.dispatch(Edit::All(form.clone())))}>
                                    <b>{ preset.title(&words) }</b>
                                    <span>{ preset.hint(&words) }</span>
                                </button>
                            }
                        }) }
                    </div>
                    <div class="form">
                        <label class="field w4">
                            <span>{ words.get("form-where") }</span>
                            <select data-testid="pf-iface" onchange={choice(Edit::Iface)}>
                                { for props.interfaces.iter().map(|(name, address)| html! {
                                    <option value={name} selected={*name == form.iface}>{ format!("{name} ({address})") }</option>
                                }) }
                                <option value="" selected={form.iface.is_empty()}>{ words.get("form-where-local") }</option>
                            </select>
                        </label>
                        <label class="field w2">
                            <span>{ words.get("form-proto") }</span>
                            <select data-testid="pf-proto" onchange={choice(|name| {
                                Edit::Carries(Carries::ALL.into_iter().find(|c| c.name() == name).unwrap_or(Carries::Tcp))
                            })}>
                                { for Carries::ALL.into_iter().map(|c| html! {
                                    <option value={c.name()} selected={c == form.carries}>{ c.name().to_uppercase() }</option>
                                }) }
                            </select>
                        </label>
                        { field("w4", words.get("form-src"), "pf-src", &form.src, bad_address(&form.src), Edit::Src) }
                        if with_ports {
                            { field("w2", words.get("form-sport"), "pf-sport", &form.sport, bad_port(&form.sport), Edit::Sport) }
                        } else {
                            <span class="w2"></span>
                        }
                        { field("w4", words.get("form-dst"), "pf-dst", &form.dst, bad_address(&form.dst), Edit::Dst) }
                        if with_ports {
                            { field("w2", words.get("form-dport"), "pf-dport", &form.dport, bad_port(&form.dport), Edit::Dport) }
                        } else {
                            <span class="w2"></span>
                        }
                        { match form.carries {
                            Carries::Tcp => html! {
                                <>
                                    { field("w2 flag-text", words.get("form-flags"), "pf-flags", &form.flags,
                                        matches!(wrong, Some(FieldError::Flags(_))), Edit::Flags) }
                                    <div class="flags w4" role="group" aria-label={words.get("form-flags")}>
                                        { for TcpFlags::NAMED.iter().map(|(name, _)| {
                                            let (edit, name) = (edit.clone(), *name);
                                            html! {
                                                <label class="check">
                                                    <input type="checkbox" checked={form.has_flag(name)}
                                                        onchange={Callback::from(move |_: Event| edit.dispatch(Edit::Flag(name)))} />
                                                    { name }
                                                </label>
                                            }
                                        }) }
                                    </div>
                                </>
                            },
                            Carries::Icmp => field("w6", words.get("form-icmp"), "pf-icmp", &form.icmp, false, Edit::Icmp),
                            Carries::Udp => Html::default(),
                        } }
                        { field("w2", words.get("form-ttl"), "pf-ttl", &form.ttl, matches!(wrong, Some(FieldError::Ttl(_))), Edit::Ttl) }
                        <label class="field w4">
                            <span>{ words.get("form-state") }</span>
                            <select data-testid="pf-state" onchange={choice(Edit::State)}>
                                <option value="" selected={form.state.is_empty()}>{ words.get("form-state-auto") }</option>
                                { for STATES.into_iter().map(|state| html! {
                                    <option value={state} selected={form.state == state}>{ state }</option>
                                }) }
                            </select>
                        </label>
                        { field("w6", words.get("form-more"), "pf-more", &form.more, false, Edit::More) }
                        <div class="w6">
                            <p class="hint">{ words.get("form-as-text") }</p>
                            <p class="as-text">{ line.as_ref().map_or("…".to_owned(), |l| format!("--packet '{l}'")) }</p>
                        </div>
                        <p class="error w6" id="packet-error" role="alert" data-testid="packet-error">{ error.unwrap_or_default() }</p>
                    </div>
                </div>
                <div class="sheet-end">
                    <button type="button" class="button quiet" data-testid="btn-restart"
                        onclick={props.act.reform(|_: MouseEvent| Action::StartOver)}>
                        { words.get("form-start-over") }
                    </button>
                    <span class="push"></span>
                    <button type="submit" class="button main" data-testid="btn-send">
                        { words.get("form-send") }<Icon glyph={Glyph::Forward} />
                    </button>
                </div>
            </form>
        </Sheet>
    }
}

fn field_error(error: &FieldError, words: &Words) -> AttrValue {
    match error {
        FieldError::Address(value) => words.with("error-address", &[("value", value.as_str().into())]),
        FieldError::Families => words.get("error-families"),
        FieldError::Port(value) => words.with("error-port", &[("value", value.as_str().into())]),
        FieldError::Ttl(value) => words.with("error-ttl", &[("value", value.as_str().into())]),
        FieldError::Flags(value) => words.with("error-flags", &[("value", value.as_str().into())]),
    }
}
