//! What hosts remember at a moment: connections with the time they have left, neighbours, routes.

use super::case::LabCase;
use crate::abi::Time;
use crate::net::HostId;
use crate::net::fib::{Route, TableId};
use crate::netfilter::{CtEntry, CtStatus, Family};
use crate::query::Stop;
use crate::ui::connection::flow;
use crate::ui::words::{Words, use_words};
use std::sync::Arc;
use yew::prelude::*;

/// Properties of [`Connections`].
#[derive(Properties, PartialEq)]
pub struct ConnectionsProps {
    /// The lab.
    pub lab: LabCase,
    /// The stop.
    pub at: usize,
    /// Only this host's.
    pub only: Option<HostId>,
}

/// The connections of each host.
#[component]
pub fn Connections(props: &ConnectionsProps) -> Html {
    let words = use_words();
    let session = props.lab.session();
    let Some(stop) = session.journey().stop(props.at) else { return Html::default() };
    let hosts = session.network().hosts().filter(|(id, ..)| props.only.is_none_or(|only| only == *id));
    let all: Vec<(HostId, Vec<Arc<CtEntry>>)> =
        hosts.map(|(id, ..)| (id, session.connections(stop, id))).filter(|(_, e)| !e.is_empty()).collect();
    html! {
        <section class="conntracks" aria-label={words.get("lab-connections")} data-testid="connections">
            <div class="head">
                <h2>{ words.get("lab-connections") }</h2>
                <span class="aside">{ words.with("lab-clock", &[("time", clock(stop.time).into())]) }</span>
            </div>
            if all.is_empty() {
                <p class="nothing">{ words.get("lab-connections-none") }</p>
            }
            { for all.iter().map(|(id, entries)| html! {
                <>
                    if props.only.is_none() {
                        <h3>{ props.lab.host_name(*id) }</h3>
                    }
                    <ul>{ for entries.iter().map(|entry| connection(entry, stop, &words)) }</ul>
                </>
            }) }
        </section>
    }
}

/// The model's clock, in seconds.
fn clock(time: Time) -> String {
    format!("{:.2}", time.as_nanos() as f64 / 1e9)
}

fn connection(entry: &CtEntry, stop: &Stop, words: &Words) -> Html {
    let left = entry.expires.since(stop.time).as_secs_f64().ceil();
    let state = entry.tcp.map(|s| s.name().to_owned()).or(entry.sctp.map(|s| s.name().to_owned()));
    let mut notes: Vec<String> = Vec::new();
    if !entry.has(CtStatus::SeenReply) {
        notes.push("[UNREPLIED]".into());
    }
    notes.extend(
        entry.statuses().into_iter().filter(|s| *s != CtStatus::Confirmed).map(|s| s.name().to_owned()),
    );
    notes.push(format!("mark={:#x}", entry.mark));
    if entry.zone.id != 0 {
        notes.push(format!("zone={}", entry.zone.id));
    }
    html! {
        <li data-testid="ct-entry" data-left={left.to_string()}>
            <span class="what">{ entry.original.proto.to_string() }{ " " }{ state.unwrap_or_default() }</span>
            <span class="left">{ words.with("lab-seconds-left", &[("n", left.to_string().into())]) }</span>
            <span class="way"><b aria-hidden="true">{ "→" }</b><span class="sr">{ words.get("connection-original") }</span>{ " " }{ flow(&entry.original) }</span>
            <span class="way"><b aria-hidden="true">{ "←" }</b><span class="sr">{ words.get("connection-reply") }</span>{ " " }{ flow(&entry.reply) }</span>
            <span class="notes">{ notes.join(" ") }</span>
        </li>
    }
}

/// Properties of [`Memory`].
#[derive(Properties, PartialEq)]
pub struct MemoryProps {
    /// The lab.
    pub lab: LabCase,
    /// The stop.
    pub at: usize,
    /// The host.
    pub host: HostId,
}

/// A host's neighbours and routes.
#[component]
pub fn Memory(props: &MemoryProps) -> Html {
    let words = use_words();
    let session = props.lab.session();
    let Some(stop) = session.journey().stop(props.at) else { return Html::default() };
    let neighbours = session.neighbours(stop, props.host);
    let routes: Vec<String> = session.host(stop.probe, props.host).map_or_else(Vec::new, |host| {
        let families = [Family::Ip, Family::Ip6];
        let main = families.iter().flat_map(|f| host.fib.listed(*f, TableId::MAIN));
        main.filter(|r| !is_of_link(r)).map(route).collect()
    });
    html! {
        <section class="memory" data-testid="memory">
            <div class="head"><h2>{ words.get("lab-neighbours") }</h2></div>
            if neighbours.is_empty() {
                <p class="nothing">{ words.get("lab-neighbours-none") }</p>
            }
            <ul>
                { for neighbours.iter().map(|n| html! {
                    <li data-testid="neighbour">
                        { format!("{} dev {} {} {}", n.addr, n.dev,
                            n.mac.map(|m| format!("lladdr {m}")).unwrap_or_default(),
                            format!("{:?}", n.state).to_uppercase()) }
                    </li>
                }) }
            </ul>
            <div class="head"><h2>{ words.get("lab-routes") }</h2></div>
            <ul>{ for routes.iter().map(|r| html! { <li data-testid="route">{ r }</li> }) }</ul>
        </section>
    }
}

/// The routes that every interface has of itself.
fn is_of_link(route: &Route) -> bool {
    let addr = route.dst.addr();
    addr.is_multicast() || matches!(addr, std::net::IpAddr::V6(a) if a.is_unicast_link_local())
}

/// A route in the words of ip-route(8), as far as the page shows it.
fn route(route: &Route) -> String {
    let mut words = Vec::new();
    if route.kind != crate::net::RouteKind::Unicast {
        words.push(route.kind.word().to_owned());
    }
    words.push(if route.dst.is_all() { "default".to_owned() } else { route.dst.to_string() });
    for hop in &route.nexthops {
        words.extend(hop.via.map(|via| format!("via {via}")));
        words.extend(hop.dev.as_ref().map(|dev| format!("dev {dev}")));
    }
    words.extend(route.prefsrc.map(|src| format!("src {src}")));
    if route.metric != 0 {
        words.push(format!("metric {}", route.metric));
    }
    words.join(" ")
}
