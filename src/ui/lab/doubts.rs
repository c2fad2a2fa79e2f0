//! Where the model cannot know whether a rule matches: how this run goes on there, and the other way.

use super::case::LabCase;
use crate::ui::state::Action;
use crate::ui::words::use_words;
use yew::prelude::*;

/// More questions than this are not listed.
const MOST: usize = 32;

/// Properties of [`Doubts`].
#[derive(Properties, PartialEq)]
pub struct DoubtsProps {
    /// The lab.
    pub lab: LabCase,
    /// What was pressed.
    pub act: Callback<Action>,
}

/// Draws them, if there are any.
#[component]
pub fn Doubts(props: &DoubtsProps) -> Html {
    let words = use_words();
    let choices = use_memo(props.lab.clone(), |lab| lab.session().choices());
    if choices.is_empty() {
        return Html::default();
    }
    let n = choices.len();
    html! {
        <section class="ways" data-testid="doubts" aria-label={words.get("ways-title")}>
            <span class="mark" aria-hidden="true">{ "?" }</span>
            <details class="text">
                <summary>{ words.with("lab-doubts", &[("n", n.into())]) }</summary>
                <ol class="doubts">
                    { for choices.iter().take(MOST).enumerate().map(|(i, choice)| {
                        let rule = format!("{}: {}", props.lab.host_name(choice.host), choice.rule);
                        let said = if choice.yes {
                            words.with("way-if-yes", &[("rule", rule.into())])
                        } else {
                            words.with("way-if-no", &[("rule", rule.into())])
                        };
                        html! {
                            <li data-testid="doubt">
                                <span>{ said }</span>
                                <button type="button" class="button" data-testid="doubt-other"
                                    onclick={props.act.reform(move |_: MouseEvent| Action::OtherWay(i))}>
                                    { words.get("lab-doubt-other") }
                                </button>
                            </li>
                        }
                    }) }
                </ol>
                if n > MOST {
                    <p>{ words.get("ways-more") }</p>
                }
            </details>
        </section>
    }
}
