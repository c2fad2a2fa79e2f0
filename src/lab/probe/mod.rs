//! What a lab sends: the kinds of probes, and how one is read.

mod kinds;
mod via;

pub use kinds::{
    Close, PacketProbe, PacketsItem, PacketsProbe, PingProbe, PushProbe, RunProbe, SleepProbe, TcpProbe,
    UdpProbe,
};
pub use via::Via;

use super::HostName;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// One thing that is done in a lab. What hosts remember carries over from one to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub enum Probe {
    /// UDP datagrams from a socket.
    Udp(UdpProbe),
    /// A TCP connection: opened, used and closed.
    Tcp(TcpProbe),
    /// Echo requests.
    Ping(PingProbe),
    /// A packet given field by field.
    Packet(PacketProbe),
    /// Several such packets, one after another.
    Packets(PacketsProbe),
    /// A shell command in a host.
    Run(RunProbe),
    /// The server's side of a connection speaks.
    Push(PushProbe),
    /// Time passes.
    Sleep(SleepProbe),
}

impl Probe {
    /// The kinds of probes, as `do` names them.
    pub const KINDS: [&'static str; 8] = ["udp", "tcp", "ping", "packet", "packets", "run", "push", "sleep"];

    /// Its kind, as `do` names it.
    pub fn kind(&self) -> &'static str {
        match self {
            Probe::Udp(_) => "udp",
            Probe::Tcp(_) => "tcp",
            Probe::Ping(_) => "ping",
            Probe::Packet(_) => "packet",
            Probe::Packets(_) => "packets",
            Probe::Run(_) => "run",
            Probe::Push(_) => "push",
            Probe::Sleep(_) => "sleep",
        }
    }

    /// Its name, if it has one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Probe::Udp(p) => p.name.as_deref(),
            Probe::Tcp(p) => p.name.as_deref(),
            Probe::Ping(p) => p.name.as_deref(),
            Probe::Packet(p) => p.name.as_deref(),
            Probe::Packets(p) => p.name.as_deref(),
            Probe::Run(p) => p.name.as_deref(),
            Probe::Push(p) => p.name.as_deref(),
            Probe::Sleep(p) => p.name.as_deref(),
        }
    }

    /// What it is about, if it says so.
    pub fn about(&self) -> Option<&str> {
        match self {
            Probe::Udp(p) => p.about.as_deref(),
            Probe::Tcp(p) => p.about.as_deref(),
            Probe::Ping(p) => p.about.as_deref(),
            Probe::Packet(p) => p.about.as_deref(),
            Probe::Packets(p) => p.about.as_deref(),
            Probe::Run(p) => p.about.as_deref(),
            Probe::Push(p) => p.about.as_deref(),
            Probe::Sleep(p) => p.about.as_deref(),
        }
    }

    /// The host that acts; none where only time passes.
    pub fn host(&self) -> Option<&HostName> {
        match self {
            Probe::Udp(p) => Some(&p.from),
            Probe::Tcp(p) => Some(&p.from),
            Probe::Ping(p) => Some(&p.from),
            Probe::Packet(p) => Some(&p.from),
            Probe::Packets(p) => Some(&p.from),
            Probe::Run(p) => Some(&p.host),
            Probe::Push(p) => Some(&p.from),
            Probe::Sleep(p) => p.from.as_ref(),
        }
    }
}

impl<'de> Deserialize<'de> for Probe {
    /// Each kind refuses the fields of the others, and an error tells the field within the probe.
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(d)?;
        let kind = fields.remove("do").ok_or_else(|| D::Error::missing_field("do"))?;
        let fields = Value::Object(fields);
        match kind.as_str() {
            Some("udp") => read(fields).map(Probe::Udp),
            Some("tcp") => read(fields).map(Probe::Tcp),
            Some("ping") => read(fields).map(Probe::Ping),
            Some("packet") => read(fields).map(Probe::Packet),
            Some("packets") => read(fields).map(Probe::Packets),
            Some("run") => read(fields).map(Probe::Run),
            Some("push") => read(fields).map(Probe::Push),
            Some("sleep") => read(fields).map(Probe::Sleep),
            _ => Err(format!("`do` is one of {}, not {kind}", Probe::KINDS.join(", "))),
        }
        .map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for PacketsItem {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(d)?;
        let mut own = |name: &str| fields.remove(name).unwrap_or(Value::Null);
        let (via, from, wait) = (own("via"), own("from"), own("wait"));
        Ok(PacketsItem {
            via: read(via).map_err(|e| D::Error::custom(format_args!("via: {e}")))?,
            from: read(from).map_err(|e| D::Error::custom(format_args!("from: {e}")))?,
            wait: read(wait).map_err(|e| D::Error::custom(format_args!("wait: {e}")))?,
            packet: read(Value::Object(fields)).map_err(D::Error::custom)?,
        })
    }
}

/// Reads a value, telling in an error the field in which it lies.
fn read<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| match error.path().to_string() {
        path if path == "." => error.inner().to_string(),
        path => format!("{path}: {}", error.inner()),
    })
}
