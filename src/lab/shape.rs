//! A packet in the shape of a recorded truth.

use crate::packet::{Packet, Proto, TcpFlags, Transport};
use serde_json::{Value, json};

pub(super) fn proto_json(proto: Proto) -> Value {
    match proto.0 {
        1 => "icmp".into(),
        6 => "tcp".into(),
        17 => "udp".into(),
        47 => "gre".into(),
        50 => "esp".into(),
        58 => "icmpv6".into(),
        132 => "sctp".into(),
        n => n.into(),
    }
}

/// TCP flags as a truth names them.
fn flag_names(flags: TcpFlags) -> String {
    const NAMES: [(&str, TcpFlags); 8] = [
        ("FIN", TcpFlags::FIN),
        ("SYN", TcpFlags::SYN),
        ("RST", TcpFlags::RST),
        ("PSH", TcpFlags::PSH),
        ("ACK", TcpFlags::ACK),
        ("URG", TcpFlags::URG),
        ("ECE", TcpFlags::ECE),
        ("CWR", TcpFlags::CWR),
    ];
    let set: Vec<&str> = NAMES.iter().filter(|(_, bit)| flags.has(*bit)).map(|(name, _)| *name).collect();
    if set.is_empty() { "NONE".into() } else { set.join(",") }
}

/// A packet as a truth shows it.
pub(super) fn packet_json(packet: &Packet) -> Value {
    let mut out = json!({
        "src": packet.src.to_string(),
        "dst": packet.dst.to_string(),
        "proto": proto_json(packet.proto()),
        "ttl": packet.ttl,
        "len": packet.len(),
    });
    if packet.tos != 0 {
        out["tos"] = packet.tos.into();
    }
    if let Some(fragment) = packet.fragment {
        out["frag"] = json!({"offset": fragment.offset, "more": fragment.more});
        if fragment.offset > 0 {
            return out;
        }
    }
    match &packet.transport {
        Transport::Tcp(tcp) => {
            out["sport"] = tcp.sport.into();
            out["dport"] = tcp.dport.into();
            out["flags"] = flag_names(tcp.flags).into();
        }
        Transport::Ports(ports) if ports.proto == Proto::UDP || ports.proto == Proto::UDPLITE => {
            out["sport"] = ports.sport.into();
            out["dport"] = ports.dport.into();
        }
        Transport::Icmp(icmp) => {
            out["type"] = icmp.kind.ty.into();
            out["code"] = icmp.kind.code.into();
            let v4 = packet.src.is_ipv4();
            if icmp.kind.is_error(v4) {
                if let Some(quoted) = &icmp.quoted {
                    let mut inner = packet_json(quoted);
                    if let Value::Object(inner) = &mut inner {
                        inner.remove("len");
                    }
                    out["inner"] = inner;
                }
            } else if v4 || matches!(icmp.kind.ty, 128 | 129) {
                out["id"] = icmp.id.into();
                out["seqno"] = icmp.seq.into();
            }
        }
        Transport::Ports(_) | Transport::Other(_) => {}
    }
    if let Some(bytes) = packet.payload.bytes().filter(|b| !b.is_empty())
        && matches!(packet.transport, Transport::Tcp(_) | Transport::Ports(_))
    {
        out["data"] = super::run::shown(bytes);
    }
    out
}
