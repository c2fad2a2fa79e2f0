//! What is wrong with a lab file.

use std::fmt;

/// A lab file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabError {
    /// The text is not JSON.
    Syntax {
        /// The line, from 1 on.
        line: usize,
        /// The column, from 1 on.
        column: usize,
        /// What the reader expected.
        what: String,
    },
    /// A field is unknown, missing or has a value that it cannot have.
    Field {
        /// Where, as `hosts.a.interfaces.eth0` or `probes[2]`.
        path: String,
        /// The line on which the reader noticed, where the text was still at hand.
        line: Option<usize>,
        /// What is wrong.
        what: String,
    },
}

impl LabError {
    /// A field's error that no line of the text is known for.
    pub(super) fn at(path: impl fmt::Display, what: impl fmt::Display) -> LabError {
        LabError::Field { path: path.to_string(), line: None, what: what.to_string() }
    }
}

impl fmt::Display for LabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LabError::Syntax { line, column, what } => write!(f, "line {line}, column {column}: {what}"),
            LabError::Field { path, line: Some(line), what } => write!(f, "{path} (line {line}): {what}"),
            LabError::Field { path, line: None, what } => write!(f, "{path}: {what}"),
        }
    }
}

impl std::error::Error for LabError {}

/// A packet that cannot be written down as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketFault {
    /// Source and destination are of two families.
    Families,
    /// More than 40 bytes of IP options, or of TCP options.
    Options,
    /// A fragment's offset is not a multiple of 8 bytes.
    Offset,
    /// A fragment that is cut short but neither has an offset nor says that more follows.
    NotAFragment,
    /// More than 65535 bytes in all.
    Size,
    /// A field of the IPv4 header in an IPv6 packet.
    Ipv4Only(&'static str),
}

impl fmt::Display for PacketFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PacketFault::Families => f.write_str("source and destination must be of one family"),
            PacketFault::Options => f.write_str("a header has room for 40 bytes of options"),
            PacketFault::Offset => f.write_str("a fragment's offset is a multiple of 8 bytes"),
            PacketFault::NotAFragment => f.write_str("a fragment has an offset or says that more follows"),
            PacketFault::Size => f.write_str("a packet has at most 65535 bytes"),
            PacketFault::Ipv4Only(field) => write!(f, "`{field}` is a field of IPv4 packets only"),
        }
    }
}

impl std::error::Error for PacketFault {}
