//! The crafted packets of a lab: out of a raw socket, or onto a wire.

use super::run::{Runner, note_send};
use super::{CraftedPacket, PacketProbe, PacketsProbe, Via};
use crate::abi::{Duration, IfName, Mac};
use crate::net::{Frame, FrameBody, HostId, SocketOptions};
use serde_json::{Map, Value};
use std::net::IpAddr;

/// How a crafted packet leaves its host.
struct Way {
    via: Via,
    mark: u32,
    dev: Option<IfName>,
    eth: (Option<Mac>, Option<Mac>),
    route_to: Option<IpAddr>,
}

impl Runner {
    pub(super) fn packet(&mut self, p: &PacketProbe) -> Map<String, Value> {
        let mut out = Map::new();
        let way = Way {
            via: p.via.clone().unwrap_or_default(),
            mark: p.mark.unwrap_or(0),
            dev: p.dev.clone(),
            eth: (p.eth_dst, p.eth_src),
            route_to: p.route_to,
        };
        let wait = p.wait.as_ref().map_or(Duration::ZERO, |w| w.duration());
        for _ in 0..p.count.unwrap_or(1) {
            self.send_crafted(self.host(&p.from), &p.packet, &way, &mut out);
            self.pump(self.quiet.max(wait));
        }
        out
    }

    pub(super) fn packets(&mut self, p: &PacketsProbe) -> Map<String, Value> {
        let mut out = Map::new();
        for item in &p.packets {
            let way = Way {
                via: item.via.clone().or(p.via.clone()).unwrap_or_default(),
                mark: p.mark.unwrap_or(0),
                dev: p.dev.clone(),
                eth: (p.eth_dst, p.eth_src),
                route_to: p.route_to,
            };
            let wait = item.wait.as_ref().or(p.wait.as_ref()).map_or(Duration::ZERO, |w| w.duration());
            for _ in 0..p.count.unwrap_or(1) {
                self.send_crafted(
                    self.host(item.from.as_ref().unwrap_or(&p.from)),
                    &item.packet,
                    &way,
                    &mut out,
                );
                self.pump(self.quiet.max(wait));
            }
        }
        out
    }

    fn send_crafted(
        &mut self,
        host: HostId,
        crafted: &CraftedPacket,
        way: &Way,
        out: &mut Map<String, Value>,
    ) {
        self.set_phase("send");
        let packet = match crafted.to_packet() {
            Ok(packet) => packet,
            Err(fault) => {
                out.insert("error".into(), fault.to_string().into());
                return;
            }
        };
        let sent = match &way.via {
            Via::Ip => {
                let options = SocketOptions {
                    dev: way.dev.clone(),
                    mark: way.mark,
                    broadcast: true,
                    ..SocketOptions::default()
                };
                self.net.send_crafted(host, packet, &options, way.route_to)
            }
            Via::Link(dev) => {
                let own = self.net.host(host).devices.get(dev).map(|d| d.mac);
                let peer =
                    self.net.peer(host, dev).and_then(|(h, d)| Some(self.net.host(h).devices.get(&d)?.mac));
                let frame = Frame {
                    src: way.eth.1.or(own).unwrap_or(Mac::ZERO),
                    dst: way.eth.0.or(peer).unwrap_or(Mac::BROADCAST),
                    vlan: None,
                    bad_header: crafted.bad_ip_csum == Some(true),
                    body: FrameBody::Ip(packet),
                };
                self.net.inject_frame(host, dev, frame);
                Ok(())
            }
        };
        note_send(out, sent);
    }
}
