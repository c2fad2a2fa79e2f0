//! The connection tracking entry of the packet.

use super::words::use_words;
use crate::netfilter::conntrack::{CtEntry, CtState, CtStatus};
use crate::packet::{L4Id, Tuple};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use yew::prelude::*;

/// Properties of [`Connection`].
#[derive(Properties, PartialEq)]
pub struct ConnectionProps {
    /// What connection tracking said of the packet; `None` before it was asked.
    pub state: Option<CtState>,
    /// The entry, where the packet has one.
    pub entry: Option<Arc<CtEntry>>,
    /// A rule needs connection tracking: without one it is off.
    pub tracking: bool,
}

/// Draws it.
#[component]
pub fn Connection(props: &ConnectionProps) -> Html {
    let words = use_words();
    let state = props.state.map_or("", CtState::name);
    html! {
        <section aria-labelledby="connection-title" data-testid="conntrack" data-state={state}>
            <div class="head rulebar">
                <h2 id="connection-title">{ words.get("connection") }</h2>
                if let Some(state) = props.state {
                    <span class="aside chip is-packet">{ state.name() }</span>
                }
            </div>
            <div class="entry">
                { match (&props.entry, props.state) {
                    (Some(entry), _) => {
                        let kept = entry.has(CtStatus::Confirmed);
                        html! {
                            <>
                                <dl>
                                    <dt>{ words.get("connection-original") }</dt>
                                    <dd>{ flow(&entry.original) }</dd>
                                    <dt>{ words.get("connection-reply") }</dt>
                                    <dd>{ flow(&entry.reply) }</dd>
                                    if let Some(tcp) = entry.tcp {
                                        <dt>{ "TCP" }</dt>
                                        <dd>{ tcp.name() }</dd>
                                    }
                                    if !entry.statuses().is_empty() {
                                        <dt>{ words.get("connection-state") }</dt>
                                        <dd>{ statuses(entry) }</dd>
                                    }
                                    if entry.mark != 0 {
                                        <dt>{ words.get("connection-mark") }</dt>
                                        <dd>{ format!("{:#x}", entry.mark) }</dd>
                                    }
                                </dl>
                                if !kept {
                                    <p class="none">{ words.get("connection-unconfirmed") }</p>
                                }
                            </>
                        }
                    }
                    (None, Some(CtState::Untracked)) => html! { <p class="none">{ words.get("connection-untracked") }</p> },
                    (None, Some(CtState::Invalid)) => html! { <p class="none">{ words.get("connection-invalid") }</p> },
                    (None, None) if !props.tracking => html! { <p class="none">{ words.get("connection-off") }</p> },
                    (None, _) => html! { <p class="none">{ words.get("connection-none") }</p> },
                } }
            </div>
        </section>
    }
}

/// Both ends of a direction.
pub fn flow(tuple: &Tuple) -> String {
    let end = |address: IpAddr, port: Option<u16>| match port {
        Some(port) => SocketAddr::new(address, port).to_string(),
        None => address.to_string(),
    };
    match tuple.id {
        L4Id::Ports(from, to) => format!("{} → {}", end(tuple.src, Some(from)), end(tuple.dst, Some(to))),
        L4Id::Icmp(ty, code, id) => format!("{} → {} type={ty} code={code} id={id}", tuple.src, tuple.dst),
        L4Id::None => format!("{} → {}", tuple.src, tuple.dst),
    }
}

fn statuses(entry: &CtEntry) -> String {
    let names: Vec<&str> = entry.statuses().into_iter().map(CtStatus::name).collect();
    names.join(" ")
}
