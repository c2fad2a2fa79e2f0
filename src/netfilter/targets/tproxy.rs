//! `-j TPROXY`: gives the packet to a local socket, its addresses staying.

use super::super::env::{Env, SocketFacts};
use super::super::{Hook, Skb};
use std::net::{IpAddr, SocketAddr};

/// Whose socket gets the packet (iptables-extensions(8), TPROXY).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TProxy {
    /// `--on-port`; 0: the packet's own.
    pub port: u16,
    /// `--on-ip`; `None`: the incoming interface's.
    pub addr: Option<IpAddr>,
    /// `--tproxy-mark`: value and mask.
    pub mark: (u32, u32),
}

impl TProxy {
    /// Gives the packet to the socket (`tproxy_tg4`); false where there is none, or none that is transparent: the
    /// packet is dropped. `None` where the host's sockets are not known.
    pub fn apply(&self, hook: Hook, skb: &mut Skb, env: &dyn Env) -> Option<bool> {
        let Some((_, dport)) = skb.packet.ports().filter(|_| hook == Hook::Prerouting) else {
            return Some(false);
        };
        let near = || skb.iif.as_ref().and_then(|iif| env.interface_address(iif, skb.packet.src));
        let addr = self.addr.or_else(near).unwrap_or(skb.packet.dst);
        let to = SocketAddr::new(addr, if self.port == 0 { dport } else { self.port });
        // A connection that runs already comes before the listener.
        let running = |s: &SocketFacts| s.transparent && !s.wildcard;
        let own = SocketAddr::new(skb.packet.dst, dport);
        let found = match env.socket(skb)?.filter(running) {
            Some(_) => Some(own),
            None => {
                let mut there = skb.clone();
                there.packet.dst = to.ip();
                there.packet.set_dport(to.port());
                env.socket(&there)?.filter(|s| s.transparent).map(|_| to)
            }
        };
        if let Some(socket) = found {
            skb.mark = (skb.mark & !self.mark.1) ^ self.mark.0;
            skb.tproxy = Some(socket);
        }
        Some(found.is_some())
    }
}
