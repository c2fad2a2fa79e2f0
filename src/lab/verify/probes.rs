//! A lab's probes, done with this machine's sockets, one kind after another.

use super::VerifyError;
use super::machine::Machine;
use super::senders::bytes_of;
use super::socket;
use crate::lab::{CraftedPacket, HostName, Probe, PushProbe, RunProbe, Seconds, Via};
use crate::netfilter::Family;
use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, send, sendto, setsockopt, sockopt,
};
use serde_json::{Value, json};
use std::os::fd::AsRawFd;
use std::time::Duration;

/// How a crafted packet is sent.
struct Sending<'a> {
    packet: &'a CraftedPacket,
    via: Via,
    options: socket::Options,
    count: u32,
    route_to: Option<std::net::IpAddr>,
    macs: [Option<[u8; 6]>; 2],
    wait: Option<&'a Seconds>,
}

impl Machine {
    /// Does a probe, and tells it as a truth does.
    pub fn probe(&mut self, at: usize, probe: &Probe) -> Result<Value, VerifyError> {
        self.begin()?;
        let host = probe.host().map_or(0, |name| self.place(name));
        let (result, quiet) = match probe {
            Probe::Udp(p) => (self.udp(host, p)?, false),
            Probe::Tcp(p) => (self.tcp(host, p)?, false),
            Probe::Ping(p) => (self.ping(host, p)?, false),
            Probe::Packet(p) => {
                let sending = Sending {
                    packet: &p.packet,
                    via: p.via.clone().unwrap_or_default(),
                    options: socket::Options { mark: p.mark, dev: p.dev.clone(), ..Default::default() },
                    count: p.count.unwrap_or(1),
                    route_to: p.route_to,
                    macs: [p.eth_dst.map(|m| m.0), p.eth_src.map(|m| m.0)],
                    wait: p.wait.as_ref(),
                };
                let (sent, errors) = self.packet(host, &sending)?;
                (told(sent, errors), false)
            }
            Probe::Packets(p) => {
                let (mut sent, mut errors) = (0, Vec::new());
                for item in &p.packets {
                    let sending = Sending {
                        packet: &item.packet,
                        via: item.via.as_ref().or(p.via.as_ref()).cloned().unwrap_or_default(),
                        options: socket::Options { mark: p.mark, dev: p.dev.clone(), ..Default::default() },
                        count: p.count.unwrap_or(1),
                        route_to: p.route_to,
                        macs: [p.eth_dst.map(|m| m.0), p.eth_src.map(|m| m.0)],
                        wait: item.wait.as_ref().or(p.wait.as_ref()),
                    };
                    let from = item.from.as_ref().map_or(host, |name| self.place(name));
                    let (more, wrong) = self.packet(from, &sending)?;
                    sent += more;
                    errors.extend(wrong);
                }
                (told(sent, errors), false)
            }
            Probe::Run(p) => (self.run(host, p)?, p.observe != Some(true)),
            Probe::Push(p) => (self.push(host, p), false),
            Probe::Sleep(p) => {
                let span = p.seconds.duration();
                self.pump_for(span, span);
                (json!({}), false)
            }
        };
        self.pump(Duration::from_millis(20));
        let mut line = json!({"do": probe.kind(), "result": result});
        line["name"] = json!(probe.name().map_or_else(|| format!("probe {}", at + 1), str::to_owned));
        if !quiet && let Value::Object(map) = &mut line {
            map.extend(self.end()?);
        }
        Ok(line)
    }

    /// A host's place.
    fn place(&self, name: &HostName) -> usize {
        self.hosts.iter().position(|host| host.name == *name).unwrap_or_default()
    }

    /// The silence after sending.
    pub fn silence(&self, wait: Option<&Seconds>) -> Duration {
        wait.map_or(self.quiet, |wait| wait.duration().max(self.quiet))
    }

    /// Sends a packet that is given field by field; how often that went well, and the errors.
    fn packet(&mut self, at: usize, how: &Sending<'_>) -> Result<(u32, Vec<Value>), VerifyError> {
        let bytes = bytes_of(how.packet);
        let (mut sent, mut errors) = (0, Vec::new());
        for _ in 0..how.count {
            let done = match &how.via {
                Via::Ip => self.send_raw(at, how, &bytes)?,
                Via::Link(name) => self.send_frame(at, name.as_str(), how, &bytes)?,
            };
            match done {
                Ok(()) => sent += 1,
                Err(error) => errors.push(socket::name(error)),
            }
            self.pump(self.silence(how.wait));
        }
        Ok((sent, errors))
    }

    /// From a raw socket, as output of the host.
    fn send_raw(&self, at: usize, how: &Sending<'_>, bytes: &[u8]) -> Result<Result<(), Errno>, VerifyError> {
        let family = socket::family_of(how.packet.src);
        let fd = socket::open(
            &self.hosts[at].ns,
            family,
            SockType::Raw,
            SockFlag::empty(),
            // A raw socket of this protocol takes the IP header from its user (raw(7)).
            Some(SockProtocol::Raw),
        )?;
        let to = socket::end(how.route_to.unwrap_or(how.packet.dst), 0);
        Ok(how
            .options
            .set(&fd, AddressFamily::Inet)
            .and_then(|()| setsockopt(&fd, sockopt::Broadcast, &true))
            .and_then(|()| sendto(fd.as_raw_fd(), bytes, &to, MsgFlags::empty()))
            .map(|_| ()))
    }

    /// Onto the wire of an interface.
    fn send_frame(
        &self,
        at: usize,
        name: &str,
        how: &Sending<'_>,
        bytes: &[u8],
    ) -> Result<Result<(), Errno>, VerifyError> {
        let host = &self.hosts[at];
        let fd = socket::open(&host.ns, AddressFamily::Packet, SockType::Raw, SockFlag::empty(), None)?;
        let all = host.ns.within(getifaddrs)?.map_err(VerifyError::doing("listing interfaces"))?;
        let link = all
            .filter(|i| i.interface_name == name)
            .find_map(|i| i.address.and_then(|address| address.as_link_addr().copied()));
        let Some(link) = link else { return Ok(Err(Errno::ENODEV)) };
        let own = LinkAddr::addr(&link).unwrap_or_default();
        let peer = self.peers.get(&(at, name.to_owned())).copied().unwrap_or_default();
        let mut frame = Vec::new();
        frame.extend(how.macs[0].unwrap_or(peer));
        frame.extend(how.macs[1].unwrap_or(own));
        frame.extend(if how.packet.src.is_ipv4() { [0x08, 0x00] } else { [0x86, 0xdd] });
        frame.extend(bytes);
        Ok(sendto(fd.as_raw_fd(), &frame, &link, MsgFlags::empty()).map(|_| ()))
    }

    /// A shell command; plain `iptables` is that of the host.
    fn run(&mut self, at: usize, p: &RunProbe) -> Result<Value, VerifyError> {
        let mut shell = String::new();
        for (family, plain) in [(Family::Ip, "iptables"), (Family::Ip6, "ip6tables")] {
            for end in ["", "-save", "-restore"] {
                let tool = super::counters::tool(family, end);
                shell += &format!("{plain}{end}() {{ {tool} \"$@\"; }}; ");
            }
        }
        shell += &p.cmd.text();
        let stdin = p.stdin.as_ref().map(|text| text.text()).unwrap_or_default();
        let said = self.hosts[at].ns.run("bash", &["-c", &shell], &stdin)?;
        let mut told = json!({"exit": said.status});
        for (name, text) in [("stdout", &said.out), ("stderr", &said.err)] {
            if !text.trim().is_empty() {
                told[name] = text.trim_end_matches('\n').split('\n').collect();
            }
        }
        self.pump(self.quiet);
        Ok(told)
    }

    /// The server's side of the newest connection speaks.
    fn push(&mut self, at: usize, p: &PushProbe) -> Value {
        let open = |(host, label, id): &&(usize, String, usize)| {
            *host == at && *label == p.listener && self.sources.contains_key(id)
        };
        let Some(id) = self.accepted.iter().rev().find(open).map(|(_, _, id)| *id) else {
            return json!({"error": "no connection"});
        };
        if let Some(data) = &p.data
            && let Some(source) = self.sources.get(&id)
            && let Err(error) = send(source.fd.as_raw_fd(), data.as_bytes(), MsgFlags::MSG_NOSIGNAL)
        {
            return json!({"error": socket::name(error)});
        }
        if p.close == Some(true) {
            self.sources.remove(&id);
        }
        self.pump(self.quiet);
        json!({})
    }
}

/// What a sender of packets says.
fn told(sent: u32, errors: Vec<Value>) -> Value {
    let mut told = json!({});
    if sent > 0 {
        told["sent"] = json!(sent);
    }
    if !errors.is_empty() {
        told["errors"] = json!(errors);
    }
    told
}
