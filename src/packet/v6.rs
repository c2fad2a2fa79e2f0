//! What only an IPv6 header has: flow label and extension headers (RFC 8200).

use super::Proto;
use serde::Serialize;

/// Fields of an IPv6 packet that an IPv4 one has not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct V6Fields {
    /// The flow label, 20 bits.
    pub flow_label: u32,
    /// The identification in the fragment header.
    pub fragment_id: u32,
    /// Hop-by-hop options, routing headers and destination options, in order. The fragment header, which comes
    /// after them, is [`super::Packet::fragment`]; AH and what follows is the transport.
    pub headers: Vec<ExtHeader>,
}

/// An extension header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExtHeader {
    /// Its own number: hop-by-hop, routing or destination options.
    pub proto: Proto,
    /// Its bytes after the next header's number and its length: 6 and a multiple of 8 more.
    #[serde(skip)]
    pub body: Vec<u8>,
}

impl V6Fields {
    /// True if all are zero and no extension header is there.
    pub fn is_plain(&self) -> bool {
        *self == V6Fields::default()
    }

    /// The extension headers' size in bytes.
    pub fn size(&self) -> u32 {
        self.headers.iter().map(|h| h.body.len() as u32 + 2).sum()
    }
}
