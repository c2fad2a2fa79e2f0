//! A packet that a user puts into a host, with what the host would know of it.

use crate::abi::{Duration, IfName, Mac};
use crate::netfilter::{CtState, Sender};
use crate::packet::{Packet, PacketErrorKind, Words, parse_packet};
use serde::Serialize;
use std::fmt;

/// Where a packet comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// In by an interface.
    Wire(IfName),
    /// From a process of this host.
    Process,
}

/// A packet with its surroundings.
///
/// As text: `[in=IF] [out=IF] [KEY=VALUE…] PROTO SRC > DST [WORD…]`, keys before or after the packet.
///
/// ```
/// use vitrine::net::Injected;
/// let line = "in=eth0 tcp 203.0.113.9:40000 > 198.51.100.2:8080 syn";
/// let injected: Injected = line.parse().unwrap();
/// assert_eq!(injected.to_string(), line);
/// assert_eq!("tcp 1.2.3.4:1 > 1.2.3.5:2 frobnicate".parse::<Injected>().unwrap_err().to_string(),
///            "column 27, `frobnicate`: this word means nothing here");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injected {
    /// The packet.
    pub packet: Packet,
    /// `in=IF`; without it the packet comes from a local process.
    pub iif: Option<IfName>,
    /// `out=IF`: the interface that routing chooses, instead of what the host's routes say.
    pub out: Option<IfName>,
    /// `mark=N`: the packet's mark at the start.
    pub mark: u32,
    /// `mac=…`: the hardware address it comes from.
    pub mac: Option<Mac>,
    /// `uid=N` and `gid=N`: the sending socket's owner; `socket=none`: it has none; `socket=kernel`: the kernel's own.
    pub sender: Sender,
    /// `ct=STATE`: the connection's state, instead of what the packets before make it.
    pub ct: Option<CtState>,
    /// `after=SECONDS`: how long after the packet before.
    pub after: Duration,
}

/// Why a packet's text was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InjectError {
    /// The byte at which the trouble starts, counted from 0.
    pub at: usize,
    /// The word; empty at the end.
    pub word: String,
    /// What is wrong with it.
    pub kind: InjectErrorKind,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InjectErrorKind {
    /// The packet itself.
    Packet(PacketErrorKind),
    /// Not an interface's name.
    Interface,
    /// Not a number.
    Number,
    /// Not a hardware address.
    Mac,
    /// Not a state.
    State,
    /// No such key.
    Key,
}

impl fmt::Display for InjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.word.is_empty() {
            write!(f, "at the end: {}", self.kind)
        } else {
            write!(f, "column {}, `{}`: {}", self.at + 1, self.word, self.kind)
        }
    }
}

impl fmt::Display for InjectErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packet(kind) => kind.fmt(f),
            Self::Interface => f.write_str("an interface's name has 1 to 15 characters and no `/`"),
            Self::Number => f.write_str("expected a number"),
            Self::Mac => f.write_str("expected a hardware address like 02:00:00:00:00:01"),
            Self::State => f.write_str("expected new, established, related, invalid or untracked"),
            Self::Key => f.write_str("no such key: in, out, mark, mac, uid, gid, socket, ct, after"),
        }
    }
}

impl std::error::Error for InjectError {}

impl Injected {
    /// A packet that comes in by an interface, or from a local process where there is none.
    pub fn new(packet: Packet, iif: Option<IfName>) -> Self {
        Injected {
            packet,
            iif,
            out: None,
            mark: 0,
            mac: None,
            sender: Sender::UnknownSocket,
            ct: None,
            after: Duration::ZERO,
        }
    }

    /// Where it comes from.
    pub fn origin(&self) -> Origin {
        self.iif.clone().map_or(Origin::Process, Origin::Wire)
    }

    /// What the kernel knows of the sending socket: nothing, for a packet that came in.
    pub(super) fn socket(&self) -> Sender {
        if self.iif.is_some() { Sender::Kernel } else { self.sender }
    }

    fn owner(&self) -> (u32, u32) {
        match self.sender {
            Sender::Socket { uid, gid } => (uid, gid),
            Sender::Kernel | Sender::KernelSocket | Sender::UnknownSocket => (0, 0),
        }
    }

    /// Reads one `KEY=VALUE`.
    fn key(&mut self, key: &str, value: &str) -> Result<(), InjectErrorKind> {
        use InjectErrorKind as Kind;
        let number = |v: &str| match v.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).map_err(|_| Kind::Number),
            None => v.parse().map_err(|_| Kind::Number),
        };
        match key {
            "in" => self.iif = Some(IfName::new(value).ok_or(Kind::Interface)?),
            "out" => self.out = Some(IfName::new(value).ok_or(Kind::Interface)?),
            "mark" => self.mark = number(value)?,
            "mac" => self.mac = Some(value.parse().map_err(|_| Kind::Mac)?),
            "uid" => self.sender = Sender::Socket { uid: number(value)?, gid: self.owner().1 },
            "gid" => self.sender = Sender::Socket { uid: self.owner().0, gid: number(value)? },
            "socket" if value == "none" => self.sender = Sender::Kernel,
            "socket" if value == "kernel" => self.sender = Sender::KernelSocket,
            "ct" => {
                let found = CtState::ALL.into_iter().find(|s| s.name().eq_ignore_ascii_case(value));
                self.ct = Some(found.ok_or(Kind::State)?);
            }
            "after" => {
                let secs: f64 = value.trim_end_matches('s').parse().map_err(|_| Kind::Number)?;
                self.after = Duration::try_from_secs_f64(secs).map_err(|_| Kind::Number)?;
            }
            _ => return Err(Kind::Key),
        }
        Ok(())
    }
}

impl std::str::FromStr for Injected {
    type Err = InjectError;

    fn from_str(text: &str) -> Result<Self, InjectError> {
        let mut words = Words::new(text);
        let mut keys = Vec::new();
        let collect = |words: &mut Words, keys: &mut Vec<_>| {
            while let Some((key, value)) = words.peek().and_then(|w| w.split_once('=')) {
                keys.push((words.error(PacketErrorKind::Word), key.to_owned(), value.to_owned()));
                words.advance();
            }
        };
        let of_packet = |e: crate::packet::ParsePacketError| InjectError {
            at: e.at,
            word: e.word,
            kind: InjectErrorKind::Packet(e.kind),
        };
        collect(&mut words, &mut keys);
        let packet = parse_packet(&mut words).map_err(of_packet)?;
        collect(&mut words, &mut keys);
        if words.peek().is_some() {
            return Err(of_packet(words.error(PacketErrorKind::Word)));
        }
        let mut injected = Injected::new(packet, None);
        for (place, key, value) in keys {
            injected.key(&key, &value).map_err(|kind| InjectError {
                at: place.at,
                word: place.word,
                kind,
            })?;
        }
        Ok(injected)
    }
}

impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(iif) = &self.iif {
            write!(f, "in={iif} ")?;
        }
        if let Some(out) = &self.out {
            write!(f, "out={out} ")?;
        }
        if let Some(mac) = self.mac {
            write!(f, "mac={mac} ")?;
        }
        if self.mark != 0 {
            write!(f, "mark={:#x} ", self.mark)?;
        }
        match self.sender {
            Sender::Socket { uid, gid } => write!(f, "uid={uid} gid={gid} ")?,
            Sender::Kernel => f.write_str("socket=none ")?,
            Sender::KernelSocket => f.write_str("socket=kernel ")?,
            Sender::UnknownSocket => {}
        }
        if let Some(ct) = self.ct {
            write!(f, "ct={} ", ct.name().to_ascii_lowercase())?;
        }
        if !self.after.is_zero() {
            write!(f, "after={} ", self.after.as_secs_f64())?;
        }
        self.packet.fmt(f)
    }
}
