//! The network drawn: hosts as glass cases, devices in them, wires between, and the packet on its way.

use super::case::LabCase;
use crate::net::{Event, Fate, HostId, LinkEvent, NetEvent};
use crate::query::{DeviceBox, DeviceRole, HostBox, Outcome, Place, Stop, Topology};
use crate::ui::case::kind_of;
use crate::ui::look::{Look, Tone};
use crate::ui::words::{Words, use_words};
use std::collections::BTreeSet;
use web_sys::{Element, ScrollIntoViewOptions, ScrollLogicalPosition};
use yew::prelude::*;

/// A picture up to this width shrinks to fit where it must.
const FITS: i32 = 1320;
/// A picture larger than this, in pixels, may not be seen at once.
const LARGE: (i32, i32) = (1000, 380);
/// The same of a small screen, whose picture is as wide as it is.
const LARGE_NARROW: (i32, i32) = (400, 480);
/// How far below the packet its label begins.
const TAG: i32 = 12;
/// How far from a device's edge the packet stands.
const BESIDE: i32 = 20;

/// Properties of [`Picture`].
#[derive(Properties, PartialEq)]
pub struct PictureProps {
    /// The lab.
    pub lab: LabCase,
    /// The stop.
    pub at: usize,
    /// Hosts stand one below the other.
    pub narrow: bool,
    /// A host was chosen.
    pub onopen: Callback<HostId>,
}

/// Draws it.
#[component]
pub fn Picture(props: &PictureProps) -> Html {
    let words = use_words();
    let own = props.lab.plan(props.narrow).clone();
    let whole = use_state_eq(|| false);
    {
        let whole = whole.clone();
        use_effect_with(own.clone(), move |_| whole.set(false));
    }
    let large = if props.narrow { LARGE_NARROW } else { LARGE };
    let is_large = own.width > large.0 || own.height > large.1;
    let is_whole = *whole && is_large;
    // Seen at once, a picture that is folded becomes less small than one long column.
    let plan = if is_whole { props.lab.plan(false).clone() } else { own };
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with((props.at, props.narrow, is_whole), move |_| {
            let here = node.cast::<Element>().and_then(|e| e.query_selector(".machine.now").ok().flatten());
            if let Some(here) = here {
                let options = ScrollIntoViewOptions::new();
                options.set_block(ScrollLogicalPosition::Nearest);
                options.set_inline(ScrollLogicalPosition::Nearest);
                here.scroll_into_view_with_scroll_into_view_options(&options);
            }
        });
    }
    let stop = props.lab.session().journey().stop(props.at).cloned();
    let (gone, now) = crossed(props, &plan);
    let size = |n: i32| n.to_string();
    let onwhole = {
        let whole = whole.clone();
        Callback::from(move |_: MouseEvent| whole.set(!*whole))
    };
    html! {
        <div class="plan-frame">
        if is_large {
            <button type="button" class="button fit" data-testid="fit" aria-pressed={whole.to_string()} onclick={onwhole}>
                { words.get("lab-fit") }
            </button>
        }
        <div class={classes!("plan", (plan.width <= FITS).then_some("fits"), is_whole.then_some("whole"))} ref={node} data-testid="network">
            <svg viewBox={format!("0 0 {} {}", plan.width, plan.height)} width={size(plan.width)} height={size(plan.height)}
                role="group" aria-label={words.get("lab-map")} preserveAspectRatio="xMidYMid meet">
                { for plan.hosts.iter().map(|host| machine(props, &words, host, stop.as_ref())) }
                { for plan.wires.iter().enumerate().map(|(i, wire)| {
                    let state = if now == Some(i) { Some("now") } else { gone.contains(&i).then_some("gone") };
                    html! { <path class={classes!("cable", state)} d={wire.path.clone()} data-testid="wire" /> }
                }) }
                { for plan.hosts.iter().map(|host| devices(props, host, stop.as_ref())) }
                { stop.as_ref().map_or_else(Html::default, |stop| parcel(props, &words, &plan, stop)) }
            </svg>
        </div>
        </div>
    }
}

/// The wires that the packet's trip has crossed so far, and the one that it is on.
fn crossed(props: &PictureProps, plan: &Topology) -> (BTreeSet<usize>, Option<usize>) {
    let session = props.lab.session();
    let journey = session.journey();
    let Some(stop) = journey.stop(props.at) else { return (BTreeSet::new(), None) };
    let wire = |stop: &Stop| match (&stop.place, props.lab.event(stop)) {
        (
            Place::Device(host, dev),
            Some(Event::Link(LinkEvent::FrameSent { frame, .. } | LinkEvent::FrameReceived { frame, .. })),
        ) => plan.wire_at(*host, dev).map(|wire| (wire, frame.packet().is_some())),
        _ => None,
    };
    let first = journey.probes.get(stop.probe).copied().unwrap_or(0);
    let before = journey.stops.get(first..=props.at.min(journey.last())).unwrap_or_default();
    let gone = before.iter().filter(|s| s.trip.is_some() && s.trip == stop.trip).filter_map(wire);
    let gone = gone.filter(|(_, carries)| *carries).map(|(wire, _)| wire).collect();
    (gone, wire(stop).map(|(wire, _)| wire))
}

fn machine(props: &PictureProps, words: &Words, host: &HostBox, stop: Option<&Stop>) -> Html {
    let here = stop.is_some_and(|s| s.place.host() == Some(host.host));
    let addresses: Vec<String> =
        host.devices.iter().map(|d| format!("{} {}", d.name, d.addrs.join(" "))).collect();
    let mut label = words
        .with(
            "lab-host-label",
            &[("host", host.name.as_str().into()), ("devices", addresses.join(", ").into())],
        )
        .to_string();
    if here {
        label = format!("{label}; {}", words.get("cell-current"));
    }
    let id = host.host;
    let onclick = props.onopen.reform(move |_: MouseEvent| id);
    let onkeydown = {
        let onopen = props.onopen.clone();
        Callback::from(move |event: KeyboardEvent| {
            if matches!(event.key().as_str(), "Enter" | " ") {
                event.prevent_default();
                onopen.emit(id);
            }
        })
    };
    let hook = match stop.map(|s| &s.place) {
        Some(Place::Host(at, Some(hook))) if *at == id => hook.name(),
        _ => "",
    };
    let a = host.area;
    let (cx, _) = host.core.middle();
    html! {
        <g class={classes!("machine", here.then_some("now"))} data-testid="machine" data-host={host.name.clone()} {onclick} {onkeydown}>
            <rect class="box" x={a.x.to_string()} y={a.y.to_string()} width={a.w.to_string()} height={a.h.to_string()} rx="3"
                role="button" tabindex="0" aria-label={label} aria-current={here.then_some("location")} />
            <rect class="lid" x={(a.x + 1).to_string()} y={(a.y + 1).to_string()} width={(a.w - 2).to_string()} height="26" aria-hidden="true" />
            <text class="name" x={(a.x + 12).to_string()} y={(a.y + 15).to_string()} aria-hidden="true">{ &host.name }</text>
            <text class="open" x={(a.x + a.w - 12).to_string()} y={(a.y + 15).to_string()} aria-hidden="true">{ words.get("lab-open-host") }</text>
            if !hook.is_empty() {
                <text class="hook" x={cx.to_string()} y={(host.core.y + 6).to_string()} aria-hidden="true">{ hook }</text>
            }
        </g>
    }
}

fn devices(props: &PictureProps, host: &HostBox, stop: Option<&Stop>) -> Html {
    let id = host.host;
    let onclick = props.onopen.reform(move |_: MouseEvent| id);
    let at = match stop.map(|s| &s.place) {
        Some(Place::Device(on, dev)) if *on == id => Some(dev.clone()),
        _ => None,
    };
    html! {
        <g class="devices" aria-hidden="true" {onclick}>
            { for host.devices.iter().map(|d| device(d, at.as_ref() == Some(&d.name))) }
        </g>
    }
}

fn device(device: &DeviceBox, now: bool) -> Html {
    let a = device.area;
    let role = match device.role {
        DeviceRole::Plain => "plain",
        DeviceRole::Bridge => "bridge",
        DeviceRole::Port => "port",
    };
    html! {
        <g class={classes!("device", role, now.then_some("now"))} data-testid="device" data-device={device.name.to_string()}>
            <rect x={a.x.to_string()} y={a.y.to_string()} width={a.w.to_string()} height={a.h.to_string()} rx="2" />
            <text class="dev" x={(a.x + 8).to_string()} y={(a.y + 12).to_string()}>{ device.name.to_string() }</text>
            { for device.addrs.iter().enumerate().map(|(i, addr)| html! {
                <text class="addr" x={(a.x + 8).to_string()} y={(a.y + 27 + 15 * i as i32).to_string()}>{ addr }</text>
            }) }
        </g>
    }
}

/// Where the packet is drawn: at a device on the side of its wire, or in the middle of a host.
fn point(plan: &Topology, stop: &Stop) -> Option<(i32, i32)> {
    match &stop.place {
        Place::Start => None,
        Place::Host(host, _) => {
            let (x, y) = plan.host(*host)?.core.middle();
            Some((x, y + 6))
        }
        Place::Device(host, dev) => {
            let machine = plan.host(*host)?;
            let Some(device) = machine.device(dev) else { return Some(machine.core.middle()) };
            let left = device.area.x + device.area.w / 2 < machine.core.x + machine.core.w / 2;
            let on_wire = plan.wire_at(*host, dev).is_some();
            // Beside the device, so that its address can be read.
            let (before, after) = (device.area.x - BESIDE, device.area.x + device.area.w + BESIDE);
            let x = if left == on_wire { before } else { after };
            Some((x, if on_wire { device.area.middle().1 } else { device.point.1 }))
        }
    }
}

/// Where a label that is wider than its place begins: on the lower edge of the host.
fn below(plan: &Topology, stop: &Stop, half: i32) -> Option<i32> {
    let host = plan.host(stop.place.host()?)?;
    let room = match &stop.place {
        Place::Host(..) => host.core.w / 2 + 6,
        Place::Device(..) | Place::Start => 2 * BESIDE,
    };
    (half > room).then_some((host.area.y + host.area.h - 9).min(plan.height - 20))
}

fn parcel(props: &PictureProps, words: &Words, plan: &Topology, stop: &Stop) -> Html {
    let Some((x, y)) = point(plan, stop) else { return Html::default() };
    let event = props.lab.event(stop);
    let fate = match event {
        Some(Event::Net(NetEvent::Ended { fate, .. })) if !matches!(fate, Fate::Sent(_)) => {
            Some(Outcome::of(fate))
        }
        Some(Event::Link(LinkEvent::FrameDropped { .. })) => Some(Outcome::Drop),
        _ => None,
    };
    let look = match fate {
        Some(outcome) => crate::ui::case::look_of(outcome),
        None => Look::MOVE,
    };
    let said = match fate {
        Some(Outcome::Accept) => Some(words.get("packet-verdict-accept")),
        Some(Outcome::Drop) => Some(words.get("packet-verdict-drop")),
        Some(Outcome::Reject) => Some(words.get("packet-verdict-reject")),
        Some(Outcome::Unknown) => Some(words.get("packet-verdict-unknown")),
        None => None,
    };
    let kind = props.lab.packet(stop).map(|p| kind_of(&p)).or_else(|| match event {
        Some(Event::Link(LinkEvent::FrameSent { .. } | LinkEvent::FrameReceived { .. })) => {
            Some("ARP".into())
        }
        _ => None,
    });
    let label = match (&kind, &said) {
        (Some(kind), Some(said)) => format!("{kind}: {said}"),
        (Some(kind), None) => kind.clone(),
        (None, Some(said)) => said.to_string(),
        (None, None) => return Html::default(),
    };
    // The label stays within the picture, and a long one stands below the devices so that it covers no address.
    let half = label.chars().map(|c| if c.is_ascii() { 7 } else { 12 }).sum::<i32>() / 2 + 8;
    let shift = (half + 4 - x).max(0) - (x + half + 4 - plan.width).max(0);
    let below = below(plan, stop, half).map_or(TAG, |edge| edge - y);
    let tone = fate.map(|_| look.tone.class());
    html! {
        <g class={classes!("parcel", tone)} transform={format!("translate({x} {y})")} aria-hidden="true"
            data-testid="parcel" data-fate={fate.map_or("", crate::ui::case::name_of)}>
            <circle class="halo" r="13" />
            <rect class="body" x="-8.5" y="-6.5" width="17" height="13" rx="1.5" />
            { match fate.map(|_| look.tone) {
                Some(Tone::Drop) => html! { <path class="mark" d="M-3-3 3 3M3-3-3 3" /> },
                Some(Tone::Accept) => html! { <path class="mark" d="M-3.5 .5-1 3 3.5-2.5" /> },
                Some(_) | None => html! { <path class="mark" d="M-6-4 0 .5 6-4" /> },
            } }
            <rect class="tag" x={(shift - half).to_string()} y={below.to_string()} width={(2 * half).to_string()} height="19" rx="2" />
            <text class="kind" x={shift.to_string()} y={(below + 10).to_string()}>{ label }</text>
        </g>
    }
}
