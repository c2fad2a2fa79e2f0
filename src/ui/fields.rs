//! The packet's header as it came and as it is now.

use super::words::{Words, use_words};
use crate::netfilter::{OutDev, Skb};
use crate::packet::{Transport, icmp_name};
use std::sync::Arc;
use yew::prelude::*;

/// Properties of [`Fields`].
#[derive(Properties, PartialEq)]
pub struct FieldsProps {
    /// As it came.
    pub came: Arc<Skb>,
    /// As it was one step before.
    pub before: Arc<Skb>,
    /// As it is.
    pub now: Arc<Skb>,
}

/// Draws both side by side; what changed is marked, and what changed in this very step more so.
#[component]
pub fn Fields(props: &FieldsProps) -> Html {
    let words = use_words();
    let (came, before, now) =
        (list(&props.came, &words), list(&props.before, &words), list(&props.now, &words));
    html! {
        <table class="fields">
            <thead>
                <tr>
                    <th><span class="sr">{ words.get("packet") }</span></th>
                    <th scope="col">{ words.get("packet-came") }</th>
                    <th scope="col">{ words.get("packet-now") }</th>
                </tr>
            </thead>
            <tbody>
                { for came.iter().zip(&before).zip(&now).map(|(((name, came), (_, before)), (_, now))| {
                    let changed = came != now;
                    let class = classes!(if changed { "changed" } else { "same" }, (before != now).then_some("just"));
                    html! {
                        <tr {class}>
                            <th scope="row">{ name }</th>
                            <td class="before">{ came }</td>
                            <td class="after">
                                if changed {
                                    <span>
                                        <span aria-hidden="true">{ "≠ " }</span>
                                        <span class="sr">{ words.get("field-changed") }{ " " }</span>
                                        { now }
                                    </span>
                                } else {
                                    { now }
                                }
                            </td>
                        </tr>
                    }
                }) }
            </tbody>
        </table>
    }
}

/// Name and value of each header field that the packet's protocol has.
fn list(skb: &Skb, words: &Words) -> Vec<(AttrValue, AttrValue)> {
    let none = words.get("field-none");
    let packet = &skb.packet;
    let mut fields = vec![
        (words.get("field-in"), skb.iif.as_ref().map_or(none.clone(), |name| name.to_string().into())),
        (
            words.get("field-out"),
            match &skb.oif {
                OutDev::None => none.clone(),
                OutDev::Named(name) => name.to_string().into(),
                OutDev::Unknown => AttrValue::Static("?"),
            },
        ),
        (words.get("field-proto"), packet.proto().to_string().into()),
        (words.get("field-src"), packet.src.to_string().into()),
    ];
    let ports = packet.ports();
    if let Some((sport, _)) = ports {
        fields.push((words.get("field-sport"), sport.to_string().into()));
    }
    fields.push((words.get("field-dst"), packet.dst.to_string().into()));
    if let Some((_, dport)) = ports {
        fields.push((words.get("field-dport"), dport.to_string().into()));
    }
    match &packet.transport {
        Transport::Tcp(tcp) => {
            fields.push((words.get("field-flags"), tcp.flags.to_string().to_uppercase().into()));
        }
        Transport::Icmp(icmp) => {
            let name = icmp_name(icmp.kind, packet.src.is_ipv4()).to_string();
            fields.push((words.get("field-icmp"), name.into()));
            fields.push((words.get("field-icmp-id"), icmp.id.to_string().into()));
        }
        Transport::Ports(_) | Transport::Other(_) => {}
    }
    fields.push((words.get("field-ttl"), packet.ttl.to_string().into()));
    if packet.tos != 0 {
        fields.push((words.get("field-tos"), format!("{:#04x}", packet.tos).into()));
    }
    fields.push((words.get("field-mark"), format!("{:#x}", skb.mark).into()));
    fields
}
