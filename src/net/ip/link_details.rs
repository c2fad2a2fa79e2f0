//! What `ip -d` tells of a device beyond its first two lines (`print_linkinfo`, `print_linktype`).

use super::link_set::mtu_bounds;
use super::link_show::kind_word;
use super::print::{Print, Scalar};
use super::{Run, Stop};
use crate::abi::IfName;
use crate::net::{Bridge, Device, DeviceKind, MacvlanMode};

/// How many processors a machine has: as many queues has a veth.
const PROCESSORS: u32 = 2;

/// Settings of bridges as a new one has them, in the order in which they are told: the word, JSON's key where that is
/// another, and the value.
const BEFORE: [(&str, &str, u32); 7] = [
    ("forward_delay", "", 1500),
    ("hello_time", "", 200),
    ("max_age", "", 2000),
    ("ageing_time", "", 30000),
    ("stp_state", "", 0),
    ("priority", "", 32768),
    ("vlan_filtering", "", 0),
];

/// The same, behind the bridge's numbers and timers.
const BEHIND: [(&str, &str, u32); 22] = [
    ("mcast_snooping", "", 1),
    ("no_linklocal_learn", "", 0),
    ("mcast_vlan_snooping", "", 0),
    ("mcast_router", "", 1),
    ("mcast_query_use_ifaddr", "", 0),
    ("mcast_querier", "", 0),
    ("mcast_hash_elasticity", "", 16),
    ("mcast_hash_max", "", 4096),
    ("mcast_last_member_count", "mcast_last_member_cnt", 2),
    ("mcast_startup_query_count", "mcast_startup_query_cnt", 2),
    ("mcast_last_member_interval", "mcast_last_member_intvl", 100),
    ("mcast_membership_interval", "mcast_membership_intvl", 26000),
    ("mcast_querier_interval", "mcast_querier_intvl", 25500),
    ("mcast_query_interval", "mcast_query_intvl", 12500),
    ("mcast_query_response_interval", "mcast_query_response_intvl", 1000),
    ("mcast_startup_query_interval", "mcast_startup_query_intvl", 3124),
    ("mcast_stats_enabled", "", 0),
    ("mcast_igmp_version", "", 2),
    ("mcast_mld_version", "", 1),
    ("nf_call_iptables", "", 0),
    ("nf_call_ip6tables", "", 0),
    ("nf_call_arptables", "", 0),
];

/// How often a device was asked to take what is not for it: by hand, as a bridge's port, and for the addresses of
/// the devices that stand on it (`__dev_set_promiscuity`).
fn promiscuity(run: &Run<'_>, d: &Device) -> u32 {
    let other = |upper: &Device| match &upper.kind {
        DeviceKind::Macvlan { lower, .. } | DeviceKind::Vlan { lower, .. } => {
            *lower == d.link.name && upper.link.up && upper.mac != d.mac
        }
        _ => false,
    };
    let above = run.host.devices.iter().any(|(_, upper)| other(upper));
    u32::from(d.admin.promisc) + u32::from(d.master.is_some()) + u32::from(above)
}

/// What stands behind a device's addresses, and the lines of its kind. `ip link` tells how it makes its own address.
pub(super) fn details(run: &Run<'_>, d: &Device, link: bool, out: &mut Print) -> Result<(), Stop> {
    let number = |out: &mut Print, key: &str, word: &str, value: u32| {
        out.put(key, value, format_args!("{word} {value} "));
    };
    out.text(' ');
    number(out, "promiscuity", "promiscuity", promiscuity(run, d));
    out.text(' ');
    let allmulti = u32::from(d.admin.allmulti) + u32::from(d.master.is_some());
    number(out, "allmulti", "allmulti", allmulti);
    let (least, most) = mtu_bounds(run, d);
    number(out, "min_mtu", "minmtu", least);
    number(out, "max_mtu", "maxmtu", most);
    let kind = kind_word(&d.kind);
    if !kind.is_empty() {
        out.open(Some("linkinfo"));
        out.line();
        out.put("info_kind", kind, format_args!("    {kind} "));
        of_kind(d, out)?;
        if d.master.is_some() {
            out.line();
            out.put("info_slave_kind", "bridge", "    bridge_slave ");
            out.open(Some("info_slave_data"));
            super::bridge_port::port(run, d, out);
            out.close();
        }
        out.close();
    }
    if link {
        out.put("inet6_addr_gen_mode", "eui64", "addrgenmode eui64 ");
    }
    let queues = if d.kind == DeviceKind::Veth { PROCESSORS } else { 1 };
    number(out, "num_tx_queues", "numtxqueues", queues);
    number(out, "num_rx_queues", "numrxqueues", queues);
    for (key, value) in [
        ("gso_max_size", 65536),
        ("gso_max_segs", 65535),
        ("tso_max_size", tso(run, d)),
        ("tso_max_segs", 65535),
        ("gro_max_size", 65536),
    ] {
        number(out, key, key, value);
    }
    Ok(())
}

/// How much it takes to be cut into segments, in bytes: what stands on devices takes as much as they do
/// (`netif_inherit_tso_max`, `br_set_gso_limits`).
fn tso(run: &Run<'_>, d: &Device) -> u32 {
    const MOST: u32 = 524_280;
    let of = |name: &IfName| run.host.devices.get(name).map_or(MOST, |d| tso(run, d));
    match &d.kind {
        DeviceKind::Loopback | DeviceKind::Veth | DeviceKind::Dummy => MOST,
        DeviceKind::Tap | DeviceKind::Described => 65536,
        DeviceKind::Macvlan { lower, .. } | DeviceKind::Vlan { lower, .. } => of(lower),
        DeviceKind::Bridge(bridge) if bridge.ports.is_empty() && !bridge.had_ports => 65536,
        DeviceKind::Bridge(bridge) => bridge.ports.iter().map(of).min().unwrap_or(MOST),
    }
}

/// What is told of one kind.
fn of_kind(d: &Device, out: &mut Print) -> Result<(), Stop> {
    match &d.kind {
        DeviceKind::Loopback | DeviceKind::Described | DeviceKind::Veth | DeviceKind::Dummy => {}
        DeviceKind::Bridge(bridge) => {
            out.open(Some("info_data"));
            bridge_data(d, bridge, out);
            out.close();
        }
        DeviceKind::Macvlan { mode, .. } => {
            let word = match mode {
                MacvlanMode::Private => "private",
                MacvlanMode::Vepa => "vepa",
                MacvlanMode::Bridge => "bridge",
                MacvlanMode::Passthru => "passthru",
            };
            out.open(Some("info_data"));
            out.put("mode", word, format_args!("mode {word} "));
            out.put("bcqueuelen", 1000, "bcqueuelen 1000 ");
            out.put("usedbcqueuelen", 1000, "usedbcqueuelen 1000 ");
            out.close();
        }
        DeviceKind::Tap => {
            out.open(Some("info_data"));
            out.put("type", "tap", "type tap ");
            for (word, on) in [("pi", false), ("vnet_hdr", false)] {
                out.put(word, on, format_args!("{word} off "));
            }
            out.json("multi_queue", false);
            out.put("persist", true, "persist on ");
            out.close();
        }
        DeviceKind::Vlan { .. } => return Err(Stop::unmodelled("`-d` of a vlan")),
    }
    Ok(())
}

/// A bridge's number: its priority and its hardware address.
pub(super) fn bridge_id(bridge: &Device) -> String {
    let octets: Vec<String> = bridge.mac.0.iter().map(|o| format!("{o:x}")).collect();
    let priority = match &bridge.kind {
        DeviceKind::Bridge(own) => own.setting("priority", 32768),
        _ => 32768,
    };
    format!("{priority:04x}.{}", octets.join(":"))
}

/// A timer as `-d` tells of it, in seconds.
pub(super) fn timer(out: &mut Print, key: &str, seconds: f64) {
    out.put(key, Scalar::Seconds(seconds), format_args!("{key} {seconds:7.2} "));
}

fn bridge_data(d: &Device, bridge: &Bridge, out: &mut Print) {
    let all = |out: &mut Print, settings: &[(&str, &str, u32)]| {
        for (word, key, default) in settings {
            let value = bridge.setting(word, *default);
            out.put(if key.is_empty() { word } else { key }, value, format_args!("{word} {value} "));
        }
    };
    all(out, &BEFORE);
    let id = bridge_id(d);
    out.put("bridge_id", id.as_str(), format_args!("bridge_id {id} "));
    out.put("root_id", id.as_str(), format_args!("designated_root {id} "));
    for key in ["root_port", "root_path_cost", "topology_change", "topology_change_detected"] {
        out.put(key, 0, format_args!("{key} 0 "));
    }
    for key in ["hello_timer", "tcn_timer", "topology_change_timer", "gc_timer"] {
        timer(out, key, 0.0);
    }
    out.put("group_fwd_mask", "0", "group_fwd_mask 0 ");
    let group = "01:80:c2:00:00:00";
    out.put("group_addr", group, format_args!("group_address {group} "));
    all(out, &BEHIND);
}
