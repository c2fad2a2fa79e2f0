//! The programs of a lab: servers that answer, and the clients of its probes.

use super::run::{echo_reply, shown};
use super::{HostName, Listener, ListenerProto, ReplyFrom};
use crate::net::{HostId, Incoming, Network, SocketId, SocketKind, SocketOptions};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A server.
#[derive(Clone, Debug)]
struct Server {
    host: HostId,
    host_name: HostName,
    id: SocketId,
    spec: Listener,
}

/// A connection that a server accepted.
#[derive(Clone, Debug)]
struct Accepted {
    host: HostId,
    id: SocketId,
    server: usize,
    open: bool,
}

/// What a server will do when the line is silent.
#[derive(Clone, Debug)]
enum Later {
    Answer(usize, Vec<u8>),
    Close(usize),
}

/// A probe's own socket.
#[derive(Clone, Debug, Default)]
struct Client {
    /// An echo request's identifier, for a ping.
    ident: Option<u16>,
    connected: Option<Result<(), &'static str>>,
    got: Vec<Value>,
}

/// All programs of a running lab.
#[derive(Clone, Debug, Default)]
pub(super) struct Programs {
    servers: Vec<Server>,
    accepted: Vec<Accepted>,
    clients: BTreeMap<(HostId, SocketId), Client>,
    later: VecDeque<Later>,
    /// Sockets that probes keep, by name.
    pub named: BTreeMap<String, (HostId, SocketId)>,
    /// What servers got since the probe began.
    pub received: Vec<Value>,
}

/// Bytes as a truth shows them: text where they are, else hexadecimal; 48 at most.
pub(super) fn text(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(48)];
    let plain = |b: &u8| (32..127).contains(b) || matches!(b, b'\r' | b'\n' | b'\t');
    if bytes.iter().all(plain) {
        String::from_utf8_lossy(bytes).into_owned()
    } else {
        bytes.iter().fold("hex:".to_owned(), |text, b| text + &format!("{b:02x}"))
    }
}

fn bracketed(addr: SocketAddr) -> String {
    addr.to_string()
}

fn plain(addr: SocketAddr) -> String {
    format!("{}:{}", addr.ip(), addr.port())
}

impl Programs {
    /// Starts a server.
    pub fn listen(&mut self, net: &mut Network, host: HostId, name: &HostName, spec: &Listener) {
        let addr = spec.addr.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let options = SocketOptions {
            mark: spec.mark.unwrap_or(0),
            transparent: spec.transparent.unwrap_or(false),
            broadcast: true,
            reuse: true,
            ..SocketOptions::default()
        };
        let tcp = spec.proto.unwrap_or(ListenerProto::Tcp) == ListenerProto::Tcp;
        let kind = if tcp { SocketKind::Tcp } else { SocketKind::Udp };
        let id = net.socket(host, kind, addr.is_ipv6(), options);
        let started = net
            .bind(host, id, addr, spec.port)
            .and_then(|()| if tcp { net.listen(host, id) } else { Ok(()) });
        if started.is_ok() {
            self.servers.push(Server { host, host_name: name.clone(), id, spec: spec.clone() });
        }
    }

    /// Watches a probe's socket.
    pub fn open(&mut self, host: HostId, id: SocketId) {
        self.clients.insert((host, id), Client::default());
    }

    /// Watches a ping's socket.
    pub fn open_ping(&mut self, host: HostId, id: SocketId, ident: u16) {
        self.clients.insert((host, id), Client { ident: Some(ident), ..Client::default() });
    }

    /// No longer watches a socket.
    pub fn forget(&mut self, host: HostId, id: SocketId) {
        self.clients.remove(&(host, id));
    }

    /// What a probe's socket got since it was asked last.
    pub fn take_got(&mut self, host: HostId, id: SocketId) -> Vec<Value> {
        self.clients.get_mut(&(host, id)).map(|c| std::mem::take(&mut c.got)).unwrap_or_default()
    }

    /// How a connection attempt ended, if it has.
    pub fn connecting(&self, host: HostId, id: SocketId) -> Option<Result<(), &'static str>> {
        self.clients.get(&(host, id))?.connected
    }

    /// The newest open connection of a server.
    pub fn newest_connection(&self, host: HostId, listener: &str) -> Option<SocketId> {
        let of = |a: &&Accepted| a.open && a.host == host && self.servers[a.server].spec.label() == listener;
        self.accepted.iter().rev().find(of).map(|a| a.id)
    }

    /// A server closes one of its connections.
    pub fn drop_connection(&mut self, net: &mut Network, host: HostId, id: SocketId) {
        for accepted in &mut self.accepted {
            if (accepted.host, accepted.id) == (host, id) && accepted.open {
                accepted.open = false;
                net.close(host, id, false);
            }
        }
    }

    /// True while a TCP server waits for silence to answer.
    pub fn is_thinking(&self) -> bool {
        !self.later.is_empty()
    }

    /// The line is silent: TCP servers answer, or close after the client has. False if there is nothing to do.
    pub fn answer(&mut self, net: &mut Network) -> bool {
        let todo = std::mem::take(&mut self.later);
        let any = !todo.is_empty();
        for later in todo {
            match later {
                Later::Close(at) => {
                    let (host, id) = (self.accepted[at].host, self.accepted[at].id);
                    self.drop_connection(net, host, id);
                }
                Later::Answer(at, bytes) => {
                    let Accepted { host, id, server, open } = self.accepted[at];
                    if open && let Err(error) = net.send(host, id, &bytes, None, None) {
                        let server = &self.servers[server];
                        self.received.push(json!({
                            "host": server.host_name.as_str(), "listener": server.spec.label(),
                            "reply_error": error.name(),
                        }));
                    }
                }
            }
        }
        any
    }

    /// Programs read what came for them, and UDP servers answer at once. False if nothing came.
    pub fn act(&mut self, net: &mut Network) -> bool {
        // All that came at one moment is read in the order of hosts, as one loop over all sockets does.
        let mut woken: Vec<_> = std::iter::from_fn(|| net.next_woken()).collect();
        woken.sort();
        woken.dedup();
        let any = !woken.is_empty();
        for (host, id) in woken {
            if let Some(at) = self.servers.iter().position(|s| (s.host, s.id) == (host, id)) {
                self.serve(net, at);
            } else if let Some(at) = self.accepted.iter().position(|a| (a.host, a.id) == (host, id)) {
                self.read_accepted(net, at);
            } else if self.clients.contains_key(&(host, id)) {
                self.read_client(net, host, id);
            }
        }
        any
    }

    fn serve(&mut self, net: &mut Network, at: usize) {
        let Server { host, host_name, id, spec } = self.servers[at].clone();
        while let Some(incoming) = net.receive_from(host, id) {
            match incoming {
                Incoming::Datagram { from, to, data } => {
                    let mut seen = json!({
                        "host": host_name.as_str(), "listener": spec.label(), "from": bracketed(from),
                    });
                    if to.is_ipv4() {
                        seen["to"] = to.to_string().into();
                    }
                    seen["data"] = shown(&data);
                    if let Some(answer) = spec.reply.as_ref().and_then(|r| r.to_bytes(&data)) {
                        let own: Option<IpAddr> = (spec.reply_from == Some(ReplyFrom::Same)).then_some(to);
                        if let Err(error) = net.send(host, id, &answer, Some(from), own) {
                            seen["reply_error"] = error.name().into();
                        }
                    }
                    self.received.push(seen);
                }
                Incoming::Accepted(new) => {
                    let ends =
                        net.host(host).sockets.get(new).and_then(|s| Some((s.remote?, s.addr?, s.port)));
                    if let Some((remote, addr, port)) = ends {
                        self.received.push(json!({
                            "host": host_name.as_str(), "listener": spec.label(),
                            "accepted_from": plain(remote), "local": plain(SocketAddr::new(addr, port)),
                        }));
                    }
                    self.accepted.push(Accepted { host, id: new, server: at, open: true });
                    self.read_accepted(net, self.accepted.len() - 1);
                }
                Incoming::Packet(_)
                | Incoming::Connected
                | Incoming::Data(_)
                | Incoming::Eof
                | Incoming::Error(_) => {}
            }
        }
    }

    fn read_accepted(&mut self, net: &mut Network, at: usize) {
        let Accepted { host, id, server, open } = self.accepted[at];
        if !open {
            return;
        }
        let (name, label) = (self.servers[server].host_name.clone(), self.servers[server].spec.label());
        let seen = |what: &str, value: Value| json!({"host": name.as_str(), "listener": label, what: value});
        let mut bytes = Vec::new();
        let mut rest = Vec::new();
        while let Some(incoming) = net.receive_from(host, id) {
            match incoming {
                Incoming::Data(data) => bytes.extend_from_slice(&data),
                other => rest.push(other),
            }
        }
        if !bytes.is_empty() {
            net.read(host, id);
            self.received.push(seen("data", shown(&bytes)));
            if let Some(answer) = self.servers[server].spec.reply.as_ref().and_then(|r| r.to_bytes(&bytes)) {
                self.later.push_back(Later::Answer(at, answer));
            }
        }
        for incoming in rest {
            match incoming {
                Incoming::Eof => {
                    self.received.push(seen("eof", true.into()));
                    self.later.push_back(Later::Close(at));
                }
                Incoming::Error(error) => {
                    self.received.push(seen("error", error.name().into()));
                    self.drop_connection(net, host, id);
                }
                _ => {}
            }
        }
    }

    fn read_client(&mut self, net: &mut Network, host: HostId, id: SocketId) {
        let mut bytes = Vec::new();
        let mut got = Vec::new();
        let Some(client) = self.clients.get_mut(&(host, id)) else { return };
        while let Some(incoming) = net.receive_from(host, id) {
            match incoming {
                Incoming::Connected => client.connected = Some(Ok(())),
                Incoming::Data(data) => bytes.extend_from_slice(&data),
                Incoming::Eof => got.push(json!({"eof": true})),
                Incoming::Datagram { from, data, .. } => {
                    got.push(json!({"from": bracketed(from), "data": shown(&data)}));
                }
                Incoming::Error(error) => match client.ident {
                    Some(_) => {}
                    None if client.connected.is_none() && self_is_tcp(net, host, id) => {
                        client.connected = Some(Err(error.name()));
                    }
                    None => got.push(json!({"error": error.name()})),
                },
                incoming @ Incoming::Packet(_) => {
                    got.extend(client.ident.and_then(|ident| echo_reply(&incoming, ident)));
                }
                Incoming::Accepted(_) => {}
            }
        }
        if !bytes.is_empty() {
            client.got.push(json!({"data": shown(&bytes)}));
            net.read(host, id);
        }
        if let Some(client) = self.clients.get_mut(&(host, id)) {
            client.got.extend(got);
        }
    }
}

fn self_is_tcp(net: &Network, host: HostId, id: SocketId) -> bool {
    net.host(host).sockets.get(id).is_some_and(|s| s.proto() == crate::packet::Proto::TCP)
}
