//! Sentences for what happens on links and at sockets.

use super::{Lang, Text};
use crate::net::{FrameBody, FrameDrop, LinkEvent, SocketCall, SocketEvent};

/// Says what happened on a link.
pub(super) fn link(lang: Lang, event: &LinkEvent) -> String {
    let text = Text::events(lang);
    match event {
        LinkEvent::FrameSent { dev, frame } => {
            let what = body(lang, &frame.body);
            text.with(
                "frame-sent",
                &[("iface", dev.as_str()), ("what", &what), ("to", &frame.dst.to_string())],
            )
        }
        LinkEvent::FrameReceived { dev, frame, .. } => {
            let what = body(lang, &frame.body);
            text.with(
                "frame-received",
                &[("iface", dev.as_str()), ("what", &what), ("from", &frame.src.to_string())],
            )
        }
        LinkEvent::FrameDropped { dev, why } => {
            let key = match why {
                FrameDrop::OtherHost => "frame-dropped-other-host",
                FrameDrop::BadHeader => "frame-dropped-bad-header",
                FrameDrop::Down => "frame-dropped-down",
                FrameDrop::NoPeer => "frame-dropped-no-peer",
                FrameDrop::NoPort => "frame-dropped-no-port",
                FrameDrop::TooLong => "frame-dropped-too-long",
            };
            text.with(key, &[("iface", dev.as_str())])
        }
        LinkEvent::Learned { bridge, port, mac } => text.with(
            "bridge-learned",
            &[("bridge", bridge.as_str()), ("port", port.as_str()), ("mac", &mac.to_string())],
        ),
        LinkEvent::Flooded { bridge, ports } => {
            text.with("bridge-flooded", &[("bridge", bridge.as_str()), ("ports", &ports.to_string())])
        }
        LinkEvent::Neighbour { dev, addr, state, mac } => {
            let mac = mac.map(|m| m.to_string()).unwrap_or("-".into());
            let state = format!("{state:?}").to_uppercase();
            let parts =
                [("iface", dev.as_str()), ("addr", &addr.to_string()), ("state", &state), ("mac", &mac)];
            text.with("neighbour", &parts)
        }
        LinkEvent::PathChanged { addr, gateway: Some(gateway), .. } => {
            text.with("path-gateway", &[("addr", &addr.to_string()), ("gateway", &gateway.to_string())])
        }
        LinkEvent::PathChanged { addr, gateway: None, mtu } => {
            let mtu = mtu.map(|m| m.to_string()).unwrap_or("-".into());
            text.with("path-mtu", &[("addr", &addr.to_string()), ("mtu", &mtu)])
        }
    }
}

fn body(lang: Lang, body: &FrameBody) -> String {
    match body {
        FrameBody::Ip(packet) => packet.to_string(),
        FrameBody::Arp(arp) => {
            let key = if arp.request { "arp-request" } else { "arp-reply" };
            let parts = [
                ("target", arp.target.to_string()),
                ("sender", arp.sender.to_string()),
                ("mac", arp.sender_mac.to_string()),
            ];
            Text::events(lang).with(key, &parts.each_ref().map(|(k, v)| (*k, v.as_str())))
        }
    }
}

/// Says what a socket saw.
pub(super) fn socket(lang: Lang, event: &SocketEvent) -> String {
    let text = Text::events(lang);
    match event {
        SocketEvent::Called { call, error, .. } => {
            let call = match call {
                SocketCall::Bind => "bind",
                SocketCall::Listen => "listen",
                SocketCall::Connect => "connect",
                SocketCall::Send => "send",
                SocketCall::Receive => "recv",
                SocketCall::Shutdown => "shutdown",
                SocketCall::Close => "close",
            };
            match error {
                Some(error) => text.with("socket-call-failed", &[("call", call), ("error", error.name())]),
                None => text.with("socket-called", &[("call", call)]),
            }
        }
        SocketEvent::Got { .. } => text.get("socket-got"),
        SocketEvent::State { state, .. } => text.with("socket-state", &[("state", state)]),
        SocketEvent::Timer { .. } => text.get("socket-timer"),
        SocketEvent::NoSocket => text.get("socket-none"),
        SocketEvent::Error { error, .. } => text.with("socket-error", &[("error", error.name())]),
    }
}
