//! What connection tracking and translation drop packets for.

use serde::Serialize;

/// Why connection tracking or translation drops a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KernelDrop {
    /// As many connections as `nf_conntrack_max` allows are there.
    TableFull,
    /// An ICMP redirect about a translated connection.
    TranslatedRedirect,
    /// An ICMP error about a translated connection quotes too little of the packet to change it.
    ShortQuote,
    /// A masqueraded connection would leave by another interface.
    OtherInterface,
    /// A line begins like a command that the helper must read, and does not end like one.
    PartialCommand,
    /// What the packet agrees on is expected already, or too much is.
    NotExpectable,
}
