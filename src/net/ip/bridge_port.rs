//! What is told of a bridge's port (`bridge_slave_print_opt`).

use super::Run;
use super::link_details::{bridge_id, timer};
use super::print::Print;
use crate::net::{Device, DeviceKind};

/// What a port may do with frames: forward them, or nothing. The model has no spanning tree.
fn state(run: &Run<'_>, d: &Device) -> &'static str {
    let up = d.master.as_ref().and_then(|m| run.host.devices.get(m)).is_some_and(|bridge| bridge.link.up);
    if up && d.link.up && d.link.carrier { "forwarding" } else { "disabled" }
}

/// What a path over it costs, by its speed: veths and taps say 10 Gbit/s of themselves, what stands on a device says
/// what that one does, all else says nothing (`port_cost`).
fn cost(run: &Run<'_>, d: &Device) -> u32 {
    match &d.kind {
        DeviceKind::Veth | DeviceKind::Tap => 2,
        DeviceKind::Macvlan { lower, .. } | DeviceKind::Vlan { lower, .. } => {
            run.host.devices.get(lower).map_or(100, |lower| cost(run, lower))
        }
        DeviceKind::Loopback | DeviceKind::Bridge(_) | DeviceKind::Dummy | DeviceKind::Described => 100,
    }
}

fn switch(out: &mut Print, key: &str, word: &str, on: bool) {
    out.put(key, on, format_args!("{word} {} ", if on { "on" } else { "off" }));
}

/// What is always told.
pub(super) fn short(run: &Run<'_>, d: &Device, out: &mut Print) {
    let state = state(run, d);
    out.put("state", state, format_args!("state {state} "));
    out.put("priority", 32, "priority 32 ");
    let cost = cost(run, d);
    out.put("cost", cost, format_args!("cost {cost} "));
}

/// What may be switched, as `bridge -d link` tells it.
pub(super) fn switches(d: &Device, out: &mut Print) {
    switch(out, "hairpin", "hairpin", d.hairpin);
    for (word, on) in [
        ("guard", false),
        ("root_block", false),
        ("fastleave", false),
        ("learning", true),
        ("flood", true),
        ("mcast_flood", true),
        ("bcast_flood", true),
    ] {
        switch(out, word, word, on);
    }
    out.put("mcast_router", 1, "mcast_router 1 ");
    for word in ["mcast_to_unicast", "neigh_suppress", "vlan_tunnel", "isolated", "locked"] {
        switch(out, word, word, false);
    }
}

/// All that `ip -d link` tells.
pub(super) fn port(run: &Run<'_>, d: &Device, out: &mut Print) {
    short(run, d, out);
    switch(out, "hairpin", "hairpin", d.hairpin);
    for (word, on) in
        [("guard", false), ("root_block", false), ("fastleave", false), ("learning", true), ("flood", true)]
    {
        switch(out, word, word, on);
    }
    let number = u32::from(d.admin.port);
    let id = 0x8000 | number;
    out.put("id", format!("{id:#x}"), format_args!("port_id {id:#x} "));
    out.put("no", format!("{number:#x}"), format_args!("port_no {number:#x} "));
    out.put("designated_port", id, format_args!("designated_port {id} "));
    out.put("designated_cost", 0, "designated_cost 0 ");
    let bridge = d.master.as_ref().and_then(|m| run.host.devices.get(m)).map(bridge_id).unwrap_or_default();
    out.put("bridge_id", bridge.as_str(), format_args!("designated_bridge {bridge} "));
    out.put("root_id", bridge.as_str(), format_args!("designated_root {bridge} "));
    for key in ["hold_timer", "message_age_timer", "forward_delay_timer"] {
        timer(out, key, 0.0);
    }
    out.put("topology_change_ack", 0, "topology_change_ack 0 ");
    out.put("config_pending", 0, "config_pending 0 ");
    switch(out, "proxy_arp", "proxy_arp", false);
    switch(out, "proxy_arp_wifi", "proxy_arp_wifi", false);
    out.put("multicast_router", 1, "mcast_router 1 ");
    // Only people are told of this one a second time.
    out.text("mcast_fast_leave off ");
    for (word, on) in
        [("mcast_flood", true), ("bcast_flood", true), ("mcast_to_unicast", false), ("neigh_suppress", false)]
    {
        switch(out, word, word, on);
    }
    out.put("group_fwd_mask", "0", "group_fwd_mask 0 ");
    out.put("group_fwd_mask_str", "0x0", "group_fwd_mask_str 0x0 ");
    for word in ["vlan_tunnel", "isolated", "locked"] {
        switch(out, word, word, false);
    }
}
