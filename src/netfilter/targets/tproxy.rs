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
        let near = || skb.iif.as_ref().and_then(|iif| env.first_address(iif, skb.packet.dst));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::IfName;
    use crate::netfilter::AddrType;
    use crate::packet::{Words, parse_packet};

    /// A host with a transparent socket at this end, or of which nothing is known.
    struct One(Option<&'static str>);

    impl Env for One {
        fn addr_type(&self, _: IpAddr, _: Option<&IfName>) -> Option<AddrType> {
            None
        }
        fn source_address(&self, _: &IfName, _: IpAddr) -> Option<IpAddr> {
            None
        }

        fn first_address(&self, _: &IfName, _: IpAddr) -> Option<IpAddr> {
            Some(IpAddr::from([10, 0, 0, 1]))
        }
        fn socket(&self, skb: &Skb) -> Option<Option<SocketFacts>> {
            let to = SocketAddr::new(skb.packet.dst, skb.packet.ports()?.1).to_string();
            Some((to == self.0?).then_some(SocketFacts { wildcard: false, transparent: true, mark: 0 }))
        }
    }

    #[track_caller]
    fn check(tproxy: TProxy, env: One, want: (Option<bool>, Option<&str>, u32)) {
        let packet = parse_packet(&mut Words::new("tcp 10.0.0.2:4000 > 192.0.2.1:80")).expect("a packet");
        let mut skb = Skb { iif: IfName::new("eth0"), mark: 0xf1, ..Skb::new(packet) };
        let done = tproxy.apply(Hook::Prerouting, &mut skb, &env);
        let socket = skb.tproxy.map(|s| s.to_string());
        assert_eq!((done, socket.as_deref(), skb.mark), want);
    }

    #[test]
    fn a_transparent_socket_gets_the_packet() {
        let to = |port, addr: Option<[u8; 4]>| TProxy { port, addr: addr.map(IpAddr::from), mark: (1, 0xf) };
        let found = |at| (Some(true), Some(at), 0xf1);
        check(to(3129, None), One(Some("10.0.0.1:3129")), found("10.0.0.1:3129"));
        check(to(3129, Some([127, 0, 0, 1])), One(Some("127.0.0.1:3129")), found("127.0.0.1:3129"));
        check(to(0, None), One(Some("10.0.0.1:80")), found("10.0.0.1:80"));
        // The connection's own socket comes first.
        check(to(3129, None), One(Some("192.0.2.1:80")), found("192.0.2.1:80"));
        check(to(3130, None), One(Some("10.0.0.1:3129")), (Some(false), None, 0xf1));
        check(to(3129, None), One(None), (None, None, 0xf1));
    }
}
