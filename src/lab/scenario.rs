//! A lab file as data: hosts, links and probes. `docs/labs.md` tells what each field means.

use super::value::{Cidr, HostName, OneOrMany, Ordered, Seconds, Text};
use super::{LabError, Probe};
use crate::abi::{IfName, Mac};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A lab: a network of several hosts and what is sent through it.
///
/// Reading it with [`FromStr`] also checks that its parts fit together; deserialising alone does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lab {
    /// A short name.
    pub name: String,
    /// What the lab is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Which iptables the hosts have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<Backend>,
    /// Whether connection tracking is on in every host, or only where a rule asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conntrack: Option<Switch>,
    /// Whether all five tables exist in every host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete_tables: Option<bool>,
    /// Whether the journeys tell TCP sequence numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_seq: Option<bool>,
    /// Whether the wire tells hardware addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_mac: Option<bool>,
    /// Whether the wire tells ARP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_arp: Option<bool>,
    /// Whether looks between tables at which nothing changed are told too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_taps: Option<bool>,
    /// Whether all hosts have IPv6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<bool>,
    /// The silence that ends a step on a real kernel; 0.06 where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Seconds>,
    /// The hosts. Their order numbers them, from 1 on.
    pub hosts: Ordered<HostName, HostSpec>,
    /// The links, each between two interfaces. Their order numbers a host's interfaces, from 1 on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<(LinkEnd, LinkEnd)>,
    /// What is sent, in order.
    pub probes: Vec<Probe>,
}

/// Which iptables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// iptables-nft.
    #[default]
    Nft,
    /// iptables-legacy.
    Legacy,
}

/// `on` or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// One end of a link, written `host:interface`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkEnd {
    /// The host.
    pub host: HostName,
    /// Its interface.
    pub interface: IfName,
}

/// A host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSpec {
    /// Addresses and settings of its interfaces.
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub interfaces: Ordered<IfName, InterfaceSpec>,
    /// Its bridges.
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub bridges: Ordered<IfName, Bridge>,
    /// Routes, as the text after `ip route add`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
    /// Routing rules, as the text after `ip rule add`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ip_rules: Vec<String>,
    /// Permanent neighbours, as the text after `ip neigh add`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neigh: Vec<String>,
    /// Kernel settings; a name with `/` is a path below `/proc/sys`.
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub sysctls: Ordered<String, SysctlValue>,
    /// What `iptables-restore` loads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iptables: Option<Text>,
    /// What `ip6tables-restore` loads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip6tables: Option<Text>,
    /// What `ipset restore` loads, before the rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipset: Option<Text>,
    /// Whether the dumps' counters are loaded too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_counters: Option<bool>,
    /// Which iptables this host has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<Backend>,
    /// Whether this host has IPv6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<bool>,
    /// Shell commands, run in the host after everything else but the rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<String>,
    /// Servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listeners: Vec<Listener>,
}

/// An interface: its addresses alone, or all its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum InterfaceSpec {
    /// One address or a list of them.
    Addrs(OneOrMany<Cidr>),
    /// Settings.
    Full(Interface),
}

/// An interface's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interface {
    /// Its addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addr: Option<OneOrMany<Cidr>>,
    /// Its hardware address, instead of the lab's numbering.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// Its MTU, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Whether it is up; it is, where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up: Option<bool>,
    /// The bridge that it is a port of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master: Option<IfName>,
    /// Whether the bridge may send a frame back to the port that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hairpin: Option<bool>,
}

impl InterfaceSpec {
    /// Its settings, whichever way they are written.
    pub fn settings(&self) -> Interface {
        match self {
            InterfaceSpec::Addrs(addrs) => Interface { addr: Some(addrs.clone()), ..Interface::default() },
            InterfaceSpec::Full(settings) => settings.clone(),
        }
    }
}

/// A bridge: without spanning tree, without multicast snooping.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bridge {
    /// Its addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addr: Option<OneOrMany<Cidr>>,
    /// The interfaces that are its ports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<IfName>,
    /// Its hardware address, instead of the lab's numbering.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// Its MTU, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Whether it is up; it is, where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up: Option<bool>,
}

/// A kernel setting's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SysctlValue {
    /// A number.
    Number(i64),
    /// A text, such as `1024 65535`.
    Text(String),
}

impl fmt::Display for SysctlValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SysctlValue::Number(n) => write!(f, "{n}"),
            SysctlValue::Text(text) => f.write_str(text),
        }
    }
}

/// A server that listens on a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// TCP where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proto: Option<ListenerProto>,
    /// The port.
    pub port: u16,
    /// The address; all IPv4 addresses where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addr: Option<IpAddr>,
    /// What it answers; nothing where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
    /// A name, for `push`; `tcp/80` and the like where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address that a UDP server answers from, where routing is not to choose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_from: Option<ReplyFrom>,
    /// `IP_TRANSPARENT`: it may be asked under addresses that are not the host's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transparent: Option<bool>,
    /// `SO_MARK`: the mark of what it sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<u32>,
}

impl Listener {
    /// The name that `push` and the results know it by.
    pub fn label(&self) -> String {
        match (&self.name, self.proto.unwrap_or_default()) {
            (Some(name), _) => name.clone(),
            (None, ListenerProto::Tcp) => format!("tcp/{}", self.port),
            (None, ListenerProto::Udp) => format!("udp/{}", self.port),
        }
    }
}

/// A server's protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListenerProto {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// `true`: what it was sent; `false`: nothing.
    Flag(bool),
    /// `echo`: what it was sent; any other text: that text.
    Text(String),
}

impl Reply {
    /// The answer to some bytes.
    pub fn to_bytes(&self, asked: &[u8]) -> Option<Vec<u8>> {
        match self {
            Reply::Flag(false) => None,
            Reply::Flag(true) => Some(asked.to_vec()),
            Reply::Text(text) if text == "echo" => Some(asked.to_vec()),
            Reply::Text(text) => Some(text.clone().into_bytes()),
        }
    }
}

/// The address that a UDP server answers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplyFrom {
    /// The one that was asked.
    Same,
}

impl Lab {
    /// Whether a host has IPv6: the lab says so, or the host, or it has rules for it.
    pub fn has_ipv6(&self, host: &HostSpec) -> bool {
        self.ipv6 == Some(true)
            || host.ipv6 == Some(true)
            || host.ip6tables.as_ref().is_some_and(|t| !t.as_slice().is_empty())
    }

    /// Which iptables a host has.
    pub fn backend_of(&self, host: &HostSpec) -> Backend {
        host.backend.or(self.backend).unwrap_or_default()
    }
}

impl FromStr for Lab {
    type Err = LabError;

    /// Reads a lab file and checks that its parts fit together.
    fn from_str(text: &str) -> Result<Self, LabError> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let lab: Lab = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            in_file(Some(path), error.inner())
        })?;
        reader.end().map_err(|error| in_file(None, &error))?;
        lab.check()?;
        Ok(lab)
    }
}

/// A reader's error, with its place taken out of the sentence.
fn in_file(path: Option<String>, error: &serde_json::Error) -> LabError {
    let (line, column) = (error.line(), error.column());
    let what = error.to_string();
    let what = what.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&what).to_owned();
    match path {
        Some(path) if error.is_data() => {
            let path = if path == "." { "the lab".to_owned() } else { path };
            LabError::Field { path, line: Some(line), what }
        }
        _ => LabError::Syntax { line, column, what },
    }
}

impl FromStr for LinkEnd {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (host, interface) = text.split_once(':').ok_or("a link's end is written host:interface")?;
        Ok(LinkEnd {
            host: HostName::try_from(SmolStr::new(host))?,
            interface: IfName::try_from(SmolStr::new(interface))?,
        })
    }
}

impl fmt::Display for LinkEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.interface)
    }
}

impl Serialize for LinkEnd {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LinkEnd {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for InterfaceSpec {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = InterfaceSpec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address, a list of addresses or an object")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<InterfaceSpec, E> {
                Cidr::deserialize(StrDeserializer::new(text)).map(|c| InterfaceSpec::Addrs(OneOrMany::One(c)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<InterfaceSpec, A::Error> {
                let mut addrs = Vec::new();
                while let Some(addr) = seq.next_element()? {
                    addrs.push(addr);
                }
                Ok(InterfaceSpec::Addrs(OneOrMany::Many(addrs)))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<InterfaceSpec, A::Error> {
                Interface::deserialize(MapAccessDeserializer::new(map)).map(InterfaceSpec::Full)
            }
        }
        d.deserialize_any(V)
    }
}

impl<'de> Deserialize<'de> for SysctlValue {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = SysctlValue;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or a text")
            }
            fn visit_i64<E: Error>(self, n: i64) -> Result<SysctlValue, E> {
                Ok(SysctlValue::Number(n))
            }
            fn visit_u64<E: Error>(self, n: u64) -> Result<SysctlValue, E> {
                i64::try_from(n).map(SysctlValue::Number).map_err(|_| E::custom("too large a number"))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<SysctlValue, E> {
                Ok(SysctlValue::Text(text.to_owned()))
            }
        }
        d.deserialize_any(V)
    }
}

impl<'de> Deserialize<'de> for Reply {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = Reply;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`echo`, another text, or a boolean")
            }
            fn visit_bool<E: Error>(self, flag: bool) -> Result<Reply, E> {
                Ok(Reply::Flag(flag))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Reply, E> {
                Ok(Reply::Text(text.to_owned()))
            }
        }
        d.deserialize_any(V)
    }
}
