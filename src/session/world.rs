//! The worlds that a session can start from, recorded on real machines.

use super::Source;
use crate::net::Injected;

/// A named start with packets to try.
pub struct World {
    /// What it starts from.
    pub source: Source,
    /// Packets to try, each with the key of its name.
    pub presets: Vec<(&'static str, Injected)>,
}

/// A host that runs Docker with a published port, behind ufw.
pub fn docker_ufw() -> World {
    let source = Source {
        rules: include_str!("../../static/worlds/docker-ufw.rules").to_owned(),
        v6: false,
        host: Some(include_str!("../../static/worlds/docker-ufw.host").to_owned()),
        sets: None,
    };
    let lines = [
        ("published-port", "in=eth0 tcp 203.0.113.9:40000 > 198.51.100.2:8080 syn"),
        ("ssh", "in=eth0 tcp 203.0.113.9:40001 > 198.51.100.2:22 syn"),
        ("blocked-port", "in=eth0 tcp 203.0.113.9:40002 > 198.51.100.2:3306 syn"),
        ("container-out", "in=docker0 tcp 172.17.0.2:50000 > 203.0.113.80:443 syn"),
        ("ping", "in=eth0 icmp 203.0.113.9 > 198.51.100.2 echo-request id=1"),
        ("host-out", "uid=1000 gid=1000 udp 198.51.100.2:40000 > 203.0.113.53:53"),
        ("stray-ack", "in=eth0 tcp 203.0.113.9:40003 > 198.51.100.2:22 fin,ack"),
    ];
    let presets = lines.into_iter().filter_map(|(name, line)| Some((name, line.parse().ok()?))).collect();
    World { source, presets }
}
