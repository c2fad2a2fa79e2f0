//! What a packet carries after its transport header.

use serde::{Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// A packet's payload: its bytes, or only how many there are.
///
/// ```
/// use vitrine::packet::Payload;
/// assert_eq!(Payload::Size(100).len(), 100);
/// assert_eq!(Payload::from(b"ping".as_slice()).bytes(), Some(b"ping".as_slice()));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum Payload {
    /// So many bytes, of which nobody said what they are.
    Size(u16),
    /// These bytes.
    Bytes(Arc<[u8]>),
}

impl Payload {
    /// No bytes at all.
    pub const NONE: Payload = Payload::Size(0);

    /// The number of bytes.
    pub fn len(&self) -> u32 {
        match self {
            Payload::Size(n) => u32::from(*n),
            Payload::Bytes(bytes) => bytes.len() as u32,
        }
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, where they are known. An empty payload is known.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Payload::Size(0) => Some(&[]),
            Payload::Size(_) => None,
            Payload::Bytes(bytes) => Some(bytes),
        }
    }
}

impl Default for Payload {
    fn default() -> Self {
        Payload::NONE
    }
}

impl From<&[u8]> for Payload {
    fn from(bytes: &[u8]) -> Self {
        if bytes.is_empty() { Payload::NONE } else { Payload::Bytes(bytes.into()) }
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Payload::from(bytes.as_slice())
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Payload::Size(n) => write!(f, "{n} bytes"),
            Payload::Bytes(bytes) => write!(f, "b\"{}\"", bytes.escape_ascii()),
        }
    }
}

impl Serialize for Payload {
    /// The number of bytes.
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u32(self.len())
    }
}
