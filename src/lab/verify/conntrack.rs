//! The connections that a host's kernel knows (linux/netfilter/nfnetlink_conntrack.h).

use super::VerifyError;
use super::headers::protocol;
use super::namespace::Namespace;
use super::netlink::{Attributes, attributes, dump, nested, number, text};
use crate::packet::Proto;
use serde_json::{Map, Value, json};
use std::net::{Ipv4Addr, Ipv6Addr};

/// `IPCTNL_MSG_CT_GET` of the connection tracking subsystem.
const GET: u16 = 1 << 8 | 1;

/// Bits of a connection's status, from the lowest on (`enum ip_conntrack_status`).
const STATUS: [&str; 14] = [
    "EXPECTED",
    "SEEN_REPLY",
    "ASSURED",
    "CONFIRMED",
    "SRC_NAT",
    "DST_NAT",
    "SEQ_ADJUST",
    "SRC_NAT_DONE",
    "DST_NAT_DONE",
    "DYING",
    "FIXED_TIMEOUT",
    "TEMPLATE",
    "NAT_CLASH",
    "HELPER",
];

/// States of a TCP connection (`enum tcp_conntrack`).
const TCP: [&str; 10] = [
    "NONE",
    "SYN_SENT",
    "SYN_RECV",
    "ESTABLISHED",
    "FIN_WAIT",
    "CLOSE_WAIT",
    "LAST_ACK",
    "TIME_WAIT",
    "CLOSE",
    "SYN_SENT2",
];

/// All connections of a host, numbered as they are told.
pub fn table(ns: &Namespace, ipv6: bool) -> Result<Vec<Value>, VerifyError> {
    let mut all = Vec::new();
    for family in if ipv6 { &[2, 10][..] } else { &[2] } {
        for message in dump(ns, GET, *family)? {
            let row = row(&attributes(message.get(4..).unwrap_or_default()));
            // Neighbour discovery comes of its own accord.
            let noise = row["orig"]["proto"] == "icmpv6" && row["orig"]["type"] != 128;
            if !noise {
                all.push(row);
            }
        }
    }
    all.sort_by_key(|row| row["orig"].to_string());
    for (i, row) in all.iter_mut().enumerate() {
        row["ct"] = json!(i + 1);
    }
    Ok(all)
}

/// The names of the bits of a status.
fn status(bits: u64) -> Vec<String> {
    let set = (0..20).filter(|bit| bits >> bit & 1 == 1);
    set.map(|bit: usize| STATUS.get(bit).map_or_else(|| format!("BIT{bit}"), |name| (*name).to_owned()))
        .collect()
}

fn row(all: &Attributes<'_>) -> Value {
    let mut map = Map::new();
    for (kind, name) in [(1, "orig"), (2, "reply"), (14, "master")] {
        if all.contains_key(&kind) {
            map.insert(name.to_owned(), tuple(&nested(all, kind)));
        }
    }
    if let Some(state) = number(&nested(&nested(all, 4), 1), 1) {
        let name = usize::try_from(state).ok().and_then(|n| TCP.get(n));
        map.insert("tcp".to_owned(), name.map_or(json!(state), |name| json!(name)));
    }
    if let Some(bits) = number(all, 3) {
        map.insert("status".to_owned(), json!(status(bits)));
    }
    if let Some(mark) = number(all, 8).filter(|mark| *mark != 0) {
        map.insert("mark".to_owned(), json!(mark));
    }
    if let Some(zone) = number(all, 18) {
        map.insert("zone".to_owned(), json!(zone));
    }
    if let Some(helper) = text(&nested(all, 5), 1) {
        map.insert("helper".to_owned(), json!(helper));
    }
    Value::Object(map)
}

fn tuple(all: &Attributes<'_>) -> Value {
    let (ip, l4) = (nested(all, 1), nested(all, 2));
    let mut map = Map::new();
    let v4 = |kind| ip.get(&kind).and_then(|b| <[u8; 4]>::try_from(*b).ok()).map(Ipv4Addr::from);
    let v6 = |kind| ip.get(&kind).and_then(|b| <[u8; 16]>::try_from(*b).ok()).map(Ipv6Addr::from);
    for (name, four, six) in [("src", 1, 3), ("dst", 2, 4)] {
        let address = v4(four).map(|a| a.to_string()).or_else(|| v6(six).map(|a| a.to_string()));
        map.insert(name.to_owned(), json!(address));
    }
    let proto = number(&l4, 1).and_then(|n| u8::try_from(n).ok()).unwrap_or(0);
    map.insert("proto".to_owned(), protocol(Proto(proto)));
    let names = ["sport", "dport", "id", "type", "code", "id", "type", "code"];
    for (kind, name) in (2..).zip(names) {
        if let Some(value) = number(&l4, kind) {
            map.insert(name.to_owned(), json!(value));
        }
    }
    Value::Object(map)
}
