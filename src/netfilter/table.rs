//! The five tables and the hooks each has a chain at.

use super::Hook;
use serde::Serialize;
use std::fmt;

/// A table's name. The order is that in which iptables-nft-save prints tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TableName {
    /// Changes packets.
    Mangle,
    /// Mandatory access control marks.
    Security,
    /// Before connection tracking.
    Raw,
    /// Lets through or not.
    Filter,
    /// Translates addresses; asked only for a flow's first packet.
    Nat,
}

impl TableName {
    /// All five, as iptables-nft-save orders them.
    pub const ALL: [TableName; 5] = [Self::Mangle, Self::Security, Self::Raw, Self::Filter, Self::Nat];

    /// The name on the command line and after `*` in a dump.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mangle => "mangle",
            Self::Security => "security",
            Self::Raw => "raw",
            Self::Filter => "filter",
            Self::Nat => "nat",
        }
    }

    /// The table of this name.
    pub fn by_name(name: &str) -> Option<TableName> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// The hooks at which this table has a built-in chain (iptables(8), TABLES).
    pub fn hooks(self) -> &'static [Hook] {
        use Hook::{Forward, Input, Output, Postrouting, Prerouting};
        match self {
            Self::Raw => &[Prerouting, Output],
            Self::Mangle => &[Prerouting, Input, Forward, Output, Postrouting],
            Self::Nat => &[Prerouting, Input, Output, Postrouting],
            Self::Filter | Self::Security => &[Input, Forward, Output],
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
