//! The TCP probes of a lab: connect, send, close.

use super::run::{CONNECT, Runner, THINKS, any, failed};
use super::{Close, TcpProbe};
use crate::abi::Duration;
use crate::net::{HostId, SocketId, SocketKind, SocketOptions};
use serde_json::{Map, Value};
use std::net::SocketAddr;

impl Runner {
    pub(super) fn tcp(&mut self, p: &TcpProbe) -> Map<String, Value> {
        let mut out = Map::new();
        let host = self.host(&p.from);
        let v6 = p.dst.is_ipv6();
        let open = p.socket.as_ref().and_then(|name| self.programs.named.get(name).copied());
        let id = match open {
            Some((_, id)) => {
                self.programs.take_got(host, id);
                out.insert("connect".into(), "already".into());
                id
            }
            None => match self.tcp_connect(host, p, v6, &mut out) {
                Some(id) => id,
                None => return out,
            },
        };
        if let Some(data) = p.data.as_ref().filter(|d| !d.is_empty()) {
            self.set_phase("data");
            if let Err(error) = self.net.send(host, id, data.as_bytes(), None, None) {
                out.insert("send_error".into(), error.name().into());
            }
            let wait = p.wait.as_ref().map_or(Duration::ZERO, |w| w.duration());
            self.pump(THINKS.max(wait));
        }
        let got = self.programs.take_got(host, id);
        if !got.is_empty() {
            out.insert("received".into(), got.into());
        }
        match p.closing() {
            Close::None => return out,
            Close::Rst => {
                self.set_phase("close");
                self.programs.forget(host, id);
                self.net.close(host, id, true);
                self.pump(THINKS);
            }
            Close::Fin => {
                self.set_phase("close");
                if let Err(error) = self.net.shutdown_write(host, id) {
                    out.insert("close_error".into(), error.name().into());
                }
                self.pump(THINKS);
                let got = self.programs.take_got(host, id);
                if !got.is_empty() {
                    out.insert("after_close".into(), got.into());
                }
                self.programs.forget(host, id);
                self.net.close(host, id, false);
                self.pump(self.quiet);
            }
        }
        if let Some(name) = &p.socket {
            self.programs.named.remove(name);
        }
        out
    }

    /// Connects; `None` where that fails, which `out` then says.
    fn tcp_connect(
        &mut self,
        host: HostId,
        p: &TcpProbe,
        v6: bool,
        out: &mut Map<String, Value>,
    ) -> Option<SocketId> {
        let options = SocketOptions {
            dev: p.dev.clone(),
            mark: p.mark.unwrap_or(0),
            ttl: p.ttl.filter(|t| *t != 0),
            tos: p.tos.unwrap_or(0),
            transparent: p.transparent.unwrap_or(false),
            df: p.df,
            reuse: true,
            uid: p.uid.unwrap_or(0),
            gid: p.gid.unwrap_or(0),
            ..SocketOptions::default()
        };
        let id = self.net.socket(host, SocketKind::Tcp, v6, options);
        if p.src.is_some() || p.sport.is_some() {
            let bound = self.net.bind(host, id, p.src.unwrap_or(any(v6)), p.sport.unwrap_or(0));
            if let Err(error) = bound {
                self.net.close(host, id, false);
                *out = failed(error, "bind");
                return None;
            }
        }
        self.set_phase("connect");
        self.programs.open(host, id);
        let begun = self.net.connect_socket(host, id, SocketAddr::new(p.dst, p.dport));
        let limit = p.timeout.as_ref().map_or(CONNECT, |t| t.duration());
        let result = match begun {
            Err(error) => Err(error.name()),
            Ok(()) => {
                self.pump_until(limit, limit, |r| r.programs.connecting(host, id).is_some());
                self.programs.connecting(host, id).unwrap_or(Err("timeout"))
            }
        };
        out.insert("connect".into(), result.err().unwrap_or("ok").into());
        self.pump(self.quiet);
        if result.is_err() {
            self.programs.forget(host, id);
            self.net.close(host, id, false);
            self.pump(self.quiet);
            return None;
        }
        if let Some(socket) = self.net.host(host).sockets.get(id) {
            let addr = socket.addr.map(|a| a.to_string()).unwrap_or_default();
            out.insert("local".into(), format!("{addr}:{}", socket.port).into());
        }
        if let Some(name) = &p.socket {
            self.programs.named.insert(name.clone(), (host, id));
        }
        Some(id)
    }
}
