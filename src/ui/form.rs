//! The packet's form as data: what the fields hold, and the packet's line that they make.

use crate::net::Injected;
use crate::netfilter::Sender;
use crate::packet::{TcpFlags, Transport, icmp_name};

/// The states that a packet can be given instead of the computed one.
pub const STATES: [&str; 5] = ["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"];

/// What can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP or ICMPv6, after the addresses.
    Icmp,
}

impl Carries {
    /// All three.
    pub const ALL: [Carries; 3] = [Carries::Tcp, Carries::Udp, Carries::Icmp];

    /// As the packet's line has it.
    pub fn name(self) -> &'static str {
        match self {
            Carries::Tcp => "tcp",
            Carries::Udp => "udp",
            Carries::Icmp => "icmp",
        }
    }
}

/// The fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// The interface it comes in by; empty for a packet of a local process.
    pub iface: String,
    /// What it carries.
    pub carries: Carries,
    /// Source address.
    pub src: String,
    /// Source port.
    pub sport: String,
    /// Destination address.
    pub dst: String,
    /// Destination port.
    pub dport: String,
    /// TCP flags, with commas.
    pub flags: String,
    /// ICMP type by name or number.
    pub icmp: String,
    /// Time to live.
    pub ttl: String,
    /// The state it is given; empty for the computed one.
    pub state: String,
    /// Anything else: `uid=0`, `mark=1`, `out=eth1`, …
    pub more: String,
}

impl Default for Form {
    fn default() -> Self {
        Form {
            iface: "eth0".into(),
            carries: Carries::Tcp,
            src: "203.0.113.9".into(),
            sport: "40000".into(),
            dst: "198.51.100.2".into(),
            dport: "8080".into(),
            flags: "syn".into(),
            icmp: "echo-request".into(),
            ttl: "64".into(),
            state: String::new(),
            more: String::new(),
        }
    }
}

/// What is wrong with a field; each holds the field's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldError {
    /// No address.
    Address(String),
    /// Two families.
    Families,
    /// No port.
    Port(String),
    /// No TTL.
    Ttl(String),
    /// No TCP flags.
    Flags(String),
}

impl Form {
    /// The fields of a packet.
    pub fn of(injected: &Injected) -> Form {
        let packet = &injected.packet;
        let (sport, dport) = packet.ports().unwrap_or((40000, 80));
        let mut more = Vec::new();
        let mut form = Form {
            iface: injected.iif.as_ref().map(|i| i.to_string()).unwrap_or_default(),
            src: packet.src.to_string(),
            sport: sport.to_string(),
            dst: packet.dst.to_string(),
            dport: dport.to_string(),
            ttl: packet.ttl.to_string(),
            state: injected.ct.map(|ct| ct.name().to_owned()).unwrap_or_default(),
            ..Form::default()
        };
        match &packet.transport {
            Transport::Tcp(tcp) => form.flags = tcp.flags.to_string(),
            Transport::Icmp(icmp) => {
                form.carries = Carries::Icmp;
                form.icmp = icmp_name(icmp.kind, packet.src.is_ipv4()).to_string();
                if icmp.id != 0 {
                    more.push(format!("id={}", icmp.id));
                }
            }
            Transport::Ports(_) | Transport::Other(_) => form.carries = Carries::Udp,
        }
        more.extend(injected.out.as_ref().map(|out| format!("out={out}")));
        more.extend(injected.mac.map(|mac| format!("mac={mac}")));
        if injected.mark != 0 {
            more.push(format!("mark={:#x}", injected.mark));
        }
        match injected.sender {
            Sender::Socket { uid, gid } => more.push(format!("uid={uid} gid={gid}")),
            Sender::Kernel => more.push("socket=none".into()),
            Sender::KernelSocket => more.push("socket=kernel".into()),
            Sender::UnknownSocket => {}
        }
        form.more = more.join(" ");
        form
    }

    /// True if the flag is among the flags.
    pub fn has_flag(&self, name: &str) -> bool {
        self.flags.split(',').any(|f| f.trim().eq_ignore_ascii_case(name))
    }

    /// Puts a flag in or takes it out.
    pub fn toggle_flag(&mut self, name: &str) {
        let on = self.has_flag(name);
        let flags = TcpFlags::NAMED.iter().map(|(n, _)| *n);
        let kept: Vec<String> = flags
            .filter(|n| if n.eq_ignore_ascii_case(name) { !on } else { self.has_flag(n) })
            .map(str::to_ascii_lowercase)
            .collect();
        self.flags = if kept.is_empty() { "none".into() } else { kept.join(",") };
    }

    /// The packet's line, or what is wrong first.
    pub fn line(&self) -> Result<String, FieldError> {
        let address = |text: &str| {
            text.trim().parse::<std::net::IpAddr>().map_err(|_| FieldError::Address(text.into()))
        };
        let (src, dst) = (address(&self.src)?, address(&self.dst)?);
        if src.is_ipv4() != dst.is_ipv4() {
            return Err(FieldError::Families);
        }
        let end = |address: std::net::IpAddr, port: &str| {
            let port: u16 = port.trim().parse().map_err(|_| FieldError::Port(port.into()))?;
            Ok(std::net::SocketAddr::new(address, port).to_string())
        };
        let mut line = String::new();
        if !self.iface.is_empty() {
            line.push_str(&format!("in={} ", self.iface.trim()));
        }
        match self.carries {
            Carries::Tcp => {
                let flags = self.flags.replace(' ', "").to_ascii_lowercase();
                let flags = if flags.is_empty() { "none".to_owned() } else { flags };
                let known = matches!(flags.as_str(), "none" | "all")
                    || flags.split(',').all(|f| TcpFlags::by_name(f).is_some());
                if !known {
                    return Err(FieldError::Flags(self.flags.clone()));
                }
                line.push_str(&format!(
                    "tcp {} > {} {flags}",
                    end(src, &self.sport)?,
                    end(dst, &self.dport)?
                ));
            }
            Carries::Udp => {
                line.push_str(&format!("udp {} > {}", end(src, &self.sport)?, end(dst, &self.dport)?));
            }
            Carries::Icmp => {
                let name = if src.is_ipv4() { "icmp" } else { "ipv6-icmp" };
                line.push_str(&format!("{name} {src} > {dst} {}", self.icmp.trim()));
            }
        }
        let ttl = self.ttl.trim();
        match ttl.parse::<u8>() {
            Ok(64) => {}
            Ok(n) if n > 0 => line.push_str(&format!(" ttl={n}")),
            Ok(_) | Err(_) => return Err(FieldError::Ttl(self.ttl.clone())),
        }
        if !self.state.is_empty() {
            line.push_str(&format!(" ct={}", self.state.to_ascii_lowercase()));
        }
        for word in self.more.split_whitespace() {
            line.push(' ');
            line.push_str(word);
        }
        Ok(line)
    }
}
