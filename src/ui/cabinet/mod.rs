//! The picture: hooks as glass cases, tables as their shelves, and the packet on its way through them.

pub mod plan;

use super::reel::{Reel, Scene};
use super::words::{Words, use_words};
use crate::netfilter::{ChainName, Hook, Ruleset, Stage};
use plan::{CASE, LID, Plan, SHELF, Spot, WIDTH};
use std::rc::Rc;
use std::sync::Arc;
use web_sys::{Element, ScrollIntoViewOptions, ScrollLogicalPosition};
use yew::prelude::*;

/// Properties of [`Cabinet`].
#[derive(Properties, PartialEq)]
pub struct CabinetProps {
    /// The walk.
    pub reel: Rc<Reel>,
    /// The step that is shown.
    pub at: usize,
    /// The rules, for which shelves are empty.
    pub rules: Arc<Ruleset>,
    /// The host's interfaces with their addresses.
    pub interfaces: Rc<[(AttrValue, AttrValue)]>,
    /// A place was chosen: go to the packet's first step there.
    pub onseek: Callback<usize>,
}

/// How far the packet is, seen from a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Passage {
    None,
    Past,
    Current,
    Future,
}

impl Passage {
    fn name(self) -> &'static str {
        match self {
            Passage::None => "none",
            Passage::Past => "past",
            Passage::Current => "current",
            Passage::Future => "future",
        }
    }

    fn said(self, words: &Words) -> AttrValue {
        match self {
            Passage::None => words.get("cell-none"),
            Passage::Past => words.get("cell-past"),
            Passage::Current => words.get("cell-current"),
            Passage::Future => words.get("cell-future"),
        }
    }

    fn node(self) -> &'static str {
        match self {
            Passage::None => "node",
            Passage::Past | Passage::Current => "node gone",
            Passage::Future => "node ahead",
        }
    }
}

fn passage(props: &CabinetProps, spot: Spot) -> Passage {
    let now = props.reel.scene_at(props.at);
    match props.reel.scenes().iter().position(|s| s.spot == spot) {
        None => Passage::None,
        Some(place) if place < now => Passage::Past,
        Some(place) if place == now => Passage::Current,
        Some(_) => Passage::Future,
    }
}

/// Draws it. Each shelf is a button that seeks to the packet's first step there.
#[component]
pub fn Cabinet(props: &CabinetProps) -> Html {
    let words = use_words();
    let plan = Plan::default();
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with((props.at, props.reel.clone()), move |_| {
            // On a small screen the picture is longer than its pane.
            // The parcel itself is still on its way there.
            let here = node.cast::<Element>().and_then(|e| e.query_selector(".now").ok().flatten());
            if let Some(here) = here {
                let options = ScrollIntoViewOptions::new();
                options.set_block(ScrollLogicalPosition::Nearest);
                here.scroll_into_view_with_scroll_into_view_options(&options);
            }
        });
    }
    let scenes: Vec<(Spot, bool)> = props.reel.scenes().iter().map(|s| (s.spot, s.fresh)).collect();
    let now = props.reel.scene_at(props.at).min(scenes.len().saturating_sub(1));
    let here = scenes.get(now).map(|s| s.0);
    let view_box = format!("0 0 {WIDTH} {}", plan.height());
    let spots = [Spot::Arrives, Spot::RouteIn, Spot::Local, Spot::RouteOut, Spot::Leaves];
    html! {
        <div class="cabinet" ref={node} data-testid="hook-map">
            <svg viewBox={view_box} role="group" aria-label={words.get("map")} preserveAspectRatio="xMidYMin meet">
                { for Hook::ALL.into_iter().map(|hook| glass(&plan, hook, here)) }
                { for Hook::ALL.into_iter().map(|hook| shelves(props, &words, &plan, hook)) }
                { for spots.into_iter().map(|spot| plaque(props, &words, &plan, spot)) }
                { corner(props, &words, &plan) }
                <path class="wire" d={plan.wires()} />
                <path class="trail" d={plan.trail(&scenes)} />
                <path class="trail gone" d={plan.trail(scenes.get(..=now).unwrap_or_default())} />
                { for Hook::ALL.into_iter().flat_map(|h| h.stages().iter().map(move |s| Spot::At(h, *s)))
                    .chain([Spot::Arrives, Spot::RouteIn, Spot::RouteOut, Spot::Leaves])
                    .map(|spot| dot(props, &plan, spot)) }
                { here.map_or_else(Html::default, |spot| parcel(props, &plan, spot)) }
            </svg>
        </div>
    }
}

fn glass(plan: &Plan, hook: Hook, here: Option<Spot>) -> Html {
    let case = plan.case(hook);
    let lit = here.and_then(Spot::hook) == Some(hook);
    html! {
        <g class={classes!("glass", lit.then_some("lit"))} aria-hidden="true">
            <rect x={case.x.to_string()} y={case.y.to_string()} width={CASE.to_string()} height={case.h.to_string()} rx="2" />
            <rect class="lid" x={(case.x + 1).to_string()} y={(case.y + 1).to_string()}
                width={(CASE - 2).to_string()} height={(LID - 1).to_string()} />
            <text class="hook-name" x={(case.x + 28).to_string()} y={(case.y + LID / 2 + 1).to_string()}>{ hook.name() }</text>
            { for (0..hook.stages().len() as i32).map(|i| {
                let y = (case.y + LID + SHELF * i).to_string();
                html! { <line x1={case.x.to_string()} x2={(case.x + CASE).to_string()} y1={y.clone()} y2={y} /> }
            }) }
        </g>
    }
}

fn shelves(props: &CabinetProps, words: &Words, plan: &Plan, hook: Hook) -> Html {
    hook.stages().iter().map(|stage| shelf(props, words, plan, hook, *stage)).collect()
}

fn shelf(props: &CabinetProps, words: &Words, plan: &Plan, hook: Hook, stage: Stage) -> Html {
    let spot = Spot::At(hook, stage);
    let area = plan.area(spot);
    let passage = passage(props, spot);
    let count = match stage {
        Stage::Table(table) => {
            Some(props.rules.chain(table, &ChainName::from(hook)).map_or(0, |chain| chain.rules.len()))
        }
        Stage::Conntrack | Stage::Confirm => None,
    };
    let outcome = match passage {
        Passage::Past | Passage::Current => props.reel.outcome(spot, props.at),
        Passage::None | Passage::Future => None,
    };
    let table = match stage {
        Stage::Table(table) => table.name(),
        Stage::Conntrack => "conntrack",
        Stage::Confirm => "confirm",
    };
    let mut label =
        words.with("cell-label", &[("hook", hook.name().into()), ("stage", table.into())]).to_string();
    if let Some(count) = count {
        let rules = if count == 0 {
            words.get("cell-empty")
        } else {
            words.with("cell-rules", &[("rules", count.into())])
        };
        label = format!("{label}, {rules}");
    }
    label = format!("{label}, {}", passage.said(words));
    if let Some((_, word)) = &outcome {
        label = format!("{label}: {word}");
    }
    let first = props.reel.scenes().iter().find(|s| s.spot == spot && !s.silent).map(|s: &Scene| s.first);
    let go = {
        let onseek = props.onseek.clone();
        Callback::from(move |()| {
            if let Some(first) = first {
                onseek.emit(first);
            }
        })
    };
    let onclick = go.reform(|_: MouseEvent| ());
    let onkeydown = Callback::from(move |event: KeyboardEvent| {
        if matches!(event.key().as_str(), "Enter" | " ") {
            event.prevent_default();
            go.emit(());
        }
    });
    let class = classes!(
        "shelf",
        (count == Some(0)).then_some("empty"),
        (passage == Passage::Current).then_some("now"),
        first.is_some().then_some("on-path"),
    );
    let right = match outcome {
        // There is room for a symbol beside a short word only.
        Some((look, word)) if word.len() > 9 => (Some(look), word.to_string()),
        Some((look, word)) => (Some(look), format!("{} {word}", look.symbol)),
        None => (None, count.filter(|n| *n > 0).map(|n| n.to_string()).unwrap_or_default()),
    };
    html! {
        <g {class} data-testid="cell" data-hook={hook.name()} data-table={table} data-state={passage.name()} {onclick} {onkeydown}>
            <rect class="plate" x={(area.x + 2).to_string()} y={(area.y + 2).to_string()}
                width={(CASE - 4).to_string()} height={(SHELF - 4).to_string()} rx="2"
                role="button" tabindex={if first.is_some() { "0" } else { "-1" }} aria-label={label}
                aria-disabled={first.is_none().then_some("true")}
                aria-current={(passage == Passage::Current).then_some("step")} />
            <text class="table-name" aria-hidden="true" x={(area.x + 28).to_string()} y={area.mid().to_string()}>{ table }</text>
            <text class={classes!("outcome", right.0.map(|l| l.tone.class()))} aria-hidden="true"
                x={(area.x + CASE - 8).to_string()} y={area.mid().to_string()}>
                { right.1 }
            </text>
        </g>
    }
}

fn plaque(props: &CabinetProps, words: &Words, plan: &Plan, spot: Spot) -> Html {
    let area = plan.area(spot);
    let passage = passage(props, spot);
    let interface = |name: &AttrValue| {
        let address = props.interfaces.iter().find(|(n, _)| n == name).map(|(_, a)| a.clone());
        let shown = if name.is_empty() { words.get("field-none") } else { name.clone() };
        (shown, address.unwrap_or_default())
    };
    let (name, note) = match spot {
        Spot::Arrives => interface(&props.reel.ends.0),
        Spot::Leaves => interface(&props.reel.ends.1),
        Spot::RouteIn | Spot::RouteOut => {
            let to = match passage {
                Passage::Past | Passage::Current => props.reel.outcome(spot, props.at),
                Passage::None | Passage::Future => None,
            };
            (words.get("routing"), to.map(|(_, word)| word).unwrap_or_default())
        }
        Spot::Local | Spot::At(..) => (words.get("local-process"), AttrValue::default()),
    };
    let class = classes!(
        "plaque",
        (spot == Spot::Local).then_some("local"),
        match passage {
            Passage::None | Passage::Future => None,
            Passage::Past => Some("lit"),
            Passage::Current => Some("now"),
        },
    );
    html! {
        <g {class} aria-hidden="true">
            <rect x={area.x.to_string()} y={area.y.to_string()} width={CASE.to_string()} height={area.h.to_string()} rx="2" />
            <text class="name" x={(area.x + 28).to_string()} y={(area.mid() + 1).to_string()}>{ name }</text>
            <text class="note end" x={(area.x + CASE - 8).to_string()} y={(area.mid() + 1).to_string()}>{ note }</text>
        </g>
    }
}

fn corner(props: &CabinetProps, words: &Words, plan: &Plan) -> Html {
    let area = plan.corner();
    let row = |i: usize| (area.y + 36 + 20 * i as i32).to_string();
    // As many interfaces as the corner has room for.
    let room = usize::try_from((area.h - 36) / 20).unwrap_or(0);
    html! {
        <g>
            <text class="note" x={area.x.to_string()} y={(area.y + 14).to_string()}>{ words.get("host") }</text>
            { for props.interfaces.iter().take(room).enumerate().map(|(i, (name, address))| html! {
                <>
                    <text class="table-name" x={area.x.to_string()} y={row(i)}>{ name }</text>
                    <text class="note end" x={(area.x + CASE).to_string()} y={row(i)}>{ address }</text>
                </>
            }) }
        </g>
    }
}

fn dot(props: &CabinetProps, plan: &Plan, spot: Spot) -> Html {
    let (x, y) = plan.point(spot);
    html! { <circle class={passage(props, spot).node()} cx={x.to_string()} cy={y.to_string()} r="4" /> }
}

fn parcel(props: &CabinetProps, plan: &Plan, spot: Spot) -> Html {
    let (x, y) = plan.point(spot);
    let ended = props.reel.ended_at(props.at);
    html! {
        <g class={classes!("parcel", ended.map(|look| look.tone.class()))} transform={format!("translate({x} {y})")} aria-hidden="true">
            <circle class="halo" r="12" />
            <rect class="body" x="-7.5" y="-6" width="15" height="12" rx="1.5" />
            { match ended {
                Some(look) if look.tone == super::look::Tone::Drop => html! { <path class="mark" d="M-3-3 3 3M3-3-3 3" /> },
                Some(look) if look.tone == super::look::Tone::Accept => html! { <path class="mark" d="M-3.5 .5-1 3 3.5-2.5" /> },
                Some(_) | None => html! { <path class="mark" d="M-5.5-3.5 0 .5 5.5-3.5" /> },
            } }
        </g>
    }
}
