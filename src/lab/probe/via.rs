//! The way that a crafted packet takes out of its host.

use crate::abi::IfName;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;
use std::fmt;
use std::str::FromStr;

/// How a crafted packet gets out of its host, written `ip` or `link:IF`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// A raw socket sends it: it is output of the host.
    #[default]
    Ip,
    /// It is put on the wire of an interface, past the host's own rules and routes.
    Link(IfName),
}

impl FromStr for Via {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.split_once(':') {
            None if text == "ip" => Ok(Via::Ip),
            Some(("link", name)) => IfName::try_from(SmolStr::new(name)).map(Via::Link),
            _ => Err("a packet gets out via `ip` or `link:IF`"),
        }
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Via::Ip => f.write_str("ip"),
            Via::Link(name) => write!(f, "link:{name}"),
        }
    }
}

impl Serialize for Via {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Via {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}
