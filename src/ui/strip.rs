//! The packets sent so far: the conversation that connection tracking remembers.

use super::case::name_of;
use super::icon::{Glyph, Icon};
use super::look::Look;
use super::state::{Action, Sheets};
use super::words::use_words;
use crate::query::Outcome;
use crate::session::NoReply;
use std::rc::Rc;
use web_sys::{Element, ScrollIntoViewOptions, ScrollLogicalPosition};
use yew::prelude::*;

/// One packet in the strip.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// Where it comes from.
    pub from: AttrValue,
    /// Where it goes.
    pub to: AttrValue,
    /// Its flags or type.
    pub kind: AttrValue,
    /// How it ended.
    pub look: Look,
    /// The same in a word.
    pub outcome: Outcome,
}

/// Properties of [`Strip`].
#[derive(Properties, PartialEq)]
pub struct StripProps {
    /// The packets.
    pub sent: Rc<[Sent]>,
    /// Which one is shown.
    pub current: usize,
    /// Why there is no reply to send; `None` if there is one.
    pub no_reply: Option<NoReply>,
    /// What was pressed.
    pub act: Callback<Action>,
}

/// Draws it.
#[component]
pub fn Strip(props: &StripProps) -> Html {
    let words = use_words();
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with((props.current, props.sent.len()), move |_| {
            let list = node.cast::<Element>();
            let chip = list.and_then(|e| e.query_selector("[aria-current]").ok().flatten());
            if let Some(chip) = chip {
                let options = ScrollIntoViewOptions::new();
                options.set_inline(ScrollLogicalPosition::Nearest);
                options.set_block(ScrollLogicalPosition::Nearest);
                chip.scroll_into_view_with_scroll_into_view_options(&options);
            }
        });
    }
    let reply_title = props.no_reply.map(|why| match why {
        NoReply::NoMoment | NoReply::NotReceived => words.get("send-reply-lost"),
        NoReply::NotAnswered => words.get("send-reply-none"),
    });
    html! {
        <nav class="strip" aria-label={words.get("packets-sent")}>
            <span class="label" aria-hidden="true">{ words.get("packets") }</span>
            <ol ref={node}>
                { for props.sent.iter().enumerate().map(|(i, sent)| html! {
                    <li key={i}>
                        <button type="button" class={classes!("sent", sent.look.tone.class())} data-testid="sent"
                            data-index={i.to_string()} data-verdict={name_of(sent.outcome)}
                            aria-current={(i == props.current).then_some("true")}
                            onclick={props.act.reform(move |_: MouseEvent| Action::Show(i))}>
                            <span class="no">{ i + 1 }</span>
                            <span class="from">{ &sent.from }</span>
                            <span>{ "→ " }{ &sent.to }</span>
                            <span class="flags">{ &sent.kind }</span>
                            <b aria-hidden="true">{ sent.look.symbol }</b>
                            <span class="sr">
                                { match sent.outcome {
                                    Outcome::Accept => words.get("packet-verdict-accept"),
                                    Outcome::Drop => words.get("packet-verdict-drop"),
                                    Outcome::Reject => words.get("packet-verdict-reject"),
                                    Outcome::Unknown => words.get("packet-verdict-unknown"),
                                } }
                            </span>
                        </button>
                    </li>
                }) }
            </ol>
            <span class="push"></span>
            <button type="button" class="button" data-testid="btn-reply" disabled={props.no_reply.is_some()} title={reply_title}
                onclick={props.act.reform(|_: MouseEvent| Action::Reply)}>
                <Icon glyph={Glyph::Reply} /><span class="text">{ words.get("send-reply") }</span>
            </button>
            <button type="button" class="button main" data-testid="packet-open"
                onclick={props.act.reform(|_: MouseEvent| Action::Open(Sheets::Composer))}>
                <Icon glyph={Glyph::Plus} /><span class="text">{ words.get("new-packet") }</span>
            </button>
        </nav>
    }
}
