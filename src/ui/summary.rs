//! The walk in short, once it is over: what each table said, and which rule said it.

use super::look::{Chip, Look};
use super::words::use_words;
use yew::prelude::*;

/// What one place said in the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The hook and the stage.
    pub place: AttrValue,
    /// What it said.
    pub look: Look,
    /// The same in a word.
    pub word: AttrValue,
    /// Which rule or policy said so.
    pub by: AttrValue,
    /// The step.
    pub step: usize,
}

/// Properties of [`Summary`].
#[derive(Properties, PartialEq)]
pub struct SummaryProps {
    /// How the packet's way ended.
    pub look: Look,
    /// The same in netfilter's word.
    pub verdict: AttrValue,
    /// What each place said.
    pub said: Vec<Said>,
    /// Go to a step.
    pub onseek: Callback<usize>,
}

/// Draws it.
#[component]
pub fn Summary(props: &SummaryProps) -> Html {
    let words = use_words();
    html! {
        <div class={classes!("summary", props.look.tone.class())} data-testid="summary">
            <h2><span aria-hidden="true">{ props.look.symbol }{ " " }</span>{ &props.verdict }</h2>
            <p>{ words.get("summary-lead") }</p>
            <ol>
                { for props.said.iter().map(|said| {
                    let step = said.step;
                    html! {
                        <li>
                            <button type="button" onclick={props.onseek.reform(move |_: MouseEvent| step)}>
                                <span class="place">{ &said.place }</span>
                                <Chip look={said.look} word={said.word.clone()} />
                                <span class="by">{ &said.by }</span>
                            </button>
                        </li>
                    }
                }) }
            </ol>
        </div>
    }
}
