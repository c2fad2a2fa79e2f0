//! Another ruleset: pasted, dropped or picked. It is read here and goes nowhere.

use super::icon::{Glyph, Icon};
use super::labs::Labs;
use super::sheet::Sheet;
use super::state::{Action, Complaint};
use super::words::use_words;
use crate::netfilter::text::MAX_BYTES;
use gloo::file::File;
use gloo::file::callbacks::{FileReader, read_as_bytes};
use std::rc::Rc;
use web_sys::{FileList, HtmlInputElement, HtmlTextAreaElement};
use yew::prelude::*;

/// What rules look like.
const RULES_LIKE: &str = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT";
/// What a host's description looks like.
const HOST_LIKE: &str =
    "eth0 UP 198.51.100.2/24\ndocker0 UP 172.17.0.1/16\ndefault via 198.51.100.1 dev eth0";

/// Reads the first file of a list into an action; the reader must be kept until then.
pub fn read(files: Option<FileList>, host: String, act: Callback<Action>) -> Option<FileReader> {
    let file = File::from(files?.get(0)?);
    let name = file.name();
    if file.size() > MAX_BYTES as u64 {
        act.emit(Action::Refuse(Complaint::TooBig));
        return None;
    }
    Some(read_as_bytes(&file, move |bytes| {
        act.emit(match bytes {
            Ok(bytes) => Action::load(&name, bytes, &host),
            Err(_) => Action::Refuse(Complaint::NotText),
        });
    }))
}

/// Properties of [`Opener`].
#[derive(Properties, PartialEq)]
pub struct OpenerProps {
    /// The text that was tried last.
    pub text: Rc<str>,
    /// The host's description that was tried with it.
    pub host: Rc<str>,
    /// What was wrong with it.
    pub complaint: Option<Complaint>,
    /// What there is to tell of the rules in use.
    pub remarks: Option<AttrValue>,
    /// What was done.
    pub act: Callback<Action>,
}

/// The sheet.
#[component]
pub fn Opener(props: &OpenerProps) -> Html {
    let words = use_words();
    let area = use_node_ref();
    let host = use_node_ref();
    let described = {
        let host = host.clone();
        move || host.cast::<HtmlTextAreaElement>().map(|a| a.value()).unwrap_or_default()
    };
    let reader = use_mut_ref(|| None::<FileReader>);
    let onapply = {
        let (area, described) = (area.clone(), described.clone());
        props.act.reform(move |_: MouseEvent| {
            let text = area.cast::<HtmlTextAreaElement>().map(|a| a.value()).unwrap_or_default();
            Action::Load { name: None, text: text.into(), host: described().into() }
        })
    };
    let onfile = {
        let act = props.act.clone();
        Callback::from(move |event: Event| {
            let files = event.target_dyn_into::<HtmlInputElement>().and_then(|input| input.files());
            *reader.borrow_mut() = read(files, described(), act.clone());
        })
    };
    // A large text is shown by its beginning only: a text area of 50 MB would stop the page.
    let shown = if props.text.len() > 400_000 { "" } else { &*props.text };
    html! {
        <Sheet name="opener" title={words.get("dump-title")} onclose={props.act.reform(|()| Action::Close)}>
            <div class="sheet-body">
                <p class="private" data-testid="privacy"><Icon glyph={Glyph::Lock} />{ words.get("dump-private") }</p>
                <label class="field">
                    <span>{ words.get("dump-lead") }</span>
                    <textarea ref={area} class="area" data-testid="dump-paste" spellcheck="false" autocapitalize="off"
                        aria-label={words.get("dump-text")} rows="12" defaultvalue={shown.to_owned()}
                        aria-invalid={props.complaint.as_ref().is_some_and(|c| !matches!(c, Complaint::Host(_))).then_some("true")} placeholder={RULES_LIKE} />
                </label>
                { match &props.complaint {
                    Some(complaint) => html! {
                        <div class="complaint" role="alert" data-testid="dump-error">
                            <strong>
                                { match complaint {
                                    Complaint::Host(_) => words.get("dump-host-error"),
                                    Complaint::Lab(_) => words.get("lab-error"),
                                    Complaint::TooBig | Complaint::NotText | Complaint::Read(_) => words.get("dump-error"),
                                } }
                            </strong>
                            <pre class={matches!(complaint, Complaint::Lab(_)).then_some("prose")} tabindex="0">{ complaint.text(&words) }</pre>
                        </div>
                    },
                    None => match &props.remarks {
                        Some(remarks) => html! {
                            <div class="complaint mild" data-testid="dump-remarks">
                                <strong>{ words.get("dump-warnings") }</strong>
                                <pre tabindex="0">{ remarks }</pre>
                            </div>
                        },
                        None => Html::default(),
                    },
                } }
                <details class="more" open={!props.host.is_empty()}>
                    <summary>{ words.get("dump-host") }</summary>
                    <label class="field">
                        <span>{ words.get("dump-host-lead") }</span>
                        <textarea ref={host} class="area short" data-testid="dump-host" spellcheck="false" autocapitalize="off" rows="6"
                            aria-label={words.get("dump-host")} defaultvalue={props.host.to_string()}
                            aria-invalid={matches!(props.complaint, Some(Complaint::Host(_))).then_some("true")}
                            placeholder={HOST_LIKE} />
                    </label>
                </details>
                <details class="more">
                    <summary>{ words.get("lab-open") }</summary>
                    <p>{ words.get("lab-open-lead") }</p>
                    <Labs act={props.act.clone()} />
                </details>
            </div>
            <div class="sheet-end">
                <label class="button file">
                    <Icon glyph={Glyph::Open} />{ words.get("dump-file") }
                    <input type="file" class="sr" data-testid="dump-file" onchange={onfile} />
                </label>
                <button type="button" class="button quiet" data-testid="dump-reset" onclick={props.act.reform(|_: MouseEvent| Action::Reset)}>
                    { words.get("dump-reset") }
                </button>
                <span class="push"></span>
                <button type="button" class="button main" data-testid="dump-apply" onclick={onapply}>{ words.get("dump-apply") }</button>
            </div>
        </Sheet>
    }
}
