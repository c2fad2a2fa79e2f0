//! TCP's flag bits.

use serde::{Serialize, Serializer};
use std::fmt;

/// The flag byte of a TCP header (RFC 9293, section 3.1), as iptables' `--tcp-flags` names its bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: TcpFlags = TcpFlags(0x01);
    /// Opens a connection.
    pub const SYN: TcpFlags = TcpFlags(0x02);
    /// Resets the connection.
    pub const RST: TcpFlags = TcpFlags(0x04);
    /// Data to be pushed through.
    pub const PSH: TcpFlags = TcpFlags(0x08);
    /// The acknowledgement field counts.
    pub const ACK: TcpFlags = TcpFlags(0x10);
    /// The urgent pointer counts.
    pub const URG: TcpFlags = TcpFlags(0x20);
    /// Congestion was seen (RFC 3168).
    pub const ECE: TcpFlags = TcpFlags(0x40);
    /// The congestion window was reduced (RFC 3168).
    pub const CWR: TcpFlags = TcpFlags(0x80);

    /// The six bits that iptables knows, in the order in which it prints them.
    pub const NAMED: [(&'static str, TcpFlags); 6] = [
        ("FIN", Self::FIN),
        ("SYN", Self::SYN),
        ("RST", Self::RST),
        ("PSH", Self::PSH),
        ("ACK", Self::ACK),
        ("URG", Self::URG),
    ];

    /// True if all bits of `other` are set.
    pub fn has(self, other: TcpFlags) -> bool {
        self.0 & other.0 == other.0
    }

    /// True if any bit of `other` is set.
    pub fn any(self, other: TcpFlags) -> bool {
        self.0 & other.0 != 0
    }

    /// Without the bits of `other`.
    pub fn without(self, other: TcpFlags) -> TcpFlags {
        TcpFlags(self.0 & !other.0)
    }

    /// Reads one flag's name, in any case.
    pub fn by_name(name: &str) -> Option<TcpFlags> {
        match name.to_ascii_uppercase().as_str() {
            "ECE" => Some(Self::ECE),
            "CWR" => Some(Self::CWR),
            upper => Self::NAMED.iter().find(|(n, _)| *n == upper).map(|(_, f)| *f),
        }
    }
}

impl std::ops::BitOr for TcpFlags {
    type Output = TcpFlags;
    fn bitor(self, other: TcpFlags) -> TcpFlags {
        TcpFlags(self.0 | other.0)
    }
}

impl fmt::Display for TcpFlags {
    /// `syn,ack`, or `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = Self::NAMED.iter().copied().chain([("ECE", Self::ECE), ("CWR", Self::CWR)]);
        let mut first = true;
        for (name, flag) in all {
            if self.has(flag) {
                if !first {
                    f.write_str(",")?;
                }
                f.write_str(&name.to_ascii_lowercase())?;
                first = false;
            }
        }
        if first { f.write_str("none") } else { Ok(()) }
    }
}

impl Serialize for TcpFlags {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
