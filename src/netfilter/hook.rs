//! The five hooks and what the kernel does at each, in order.

use super::TableName;
use serde::Serialize;
use std::fmt;

/// A place on a packet's path through the IP layer (`enum nf_inet_hooks`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Hook {
    /// After a packet came in, before it is routed.
    Prerouting,
    /// Before a packet reaches a local process.
    Input,
    /// For a packet that is routed through this host.
    Forward,
    /// For a packet that a local process sent.
    Output,
    /// Before a packet leaves.
    Postrouting,
}

impl Hook {
    /// All five, in the order in which iptables-save prints their chains.
    pub const ALL: [Hook; 5] =
        [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting];

    /// The name of the built-in chains at this hook.
    pub fn name(self) -> &'static str {
        match self {
            Hook::Prerouting => "PREROUTING",
            Hook::Input => "INPUT",
            Hook::Forward => "FORWARD",
            Hook::Output => "OUTPUT",
            Hook::Postrouting => "POSTROUTING",
        }
    }

    /// The hook whose built-in chains have this name.
    pub fn by_name(name: &str) -> Option<Hook> {
        Hook::ALL.into_iter().find(|h| h.name() == name)
    }

    /// What happens here, in the order of the priorities that iptables-nft 1.8.9 registers.
    ///
    /// The page draws this list and the walk follows it.
    ///
    /// ```
    /// use vitrine::netfilter::{Hook, Stage, TableName};
    /// let tables: Vec<_> = Hook::Input.stages().iter().map(|s| s.to_string()).collect();
    /// assert_eq!(tables, ["mangle", "filter", "nat", "security", "confirm"]);
    /// ```
    pub fn stages(self) -> &'static [Stage] {
        use Stage::{Confirm, Conntrack, Table};
        use TableName::{Filter, Mangle, Nat, Raw, Security};
        match self {
            Hook::Prerouting => &[Table(Raw), Conntrack, Table(Mangle), Table(Nat)],
            Hook::Input => &[Table(Mangle), Table(Filter), Table(Nat), Table(Security), Confirm],
            Hook::Forward => &[Table(Mangle), Table(Filter), Table(Security)],
            Hook::Output => {
                &[Table(Raw), Conntrack, Table(Mangle), Table(Nat), Table(Filter), Table(Security)]
            }
            Hook::Postrouting => &[Table(Mangle), Table(Nat), Confirm],
        }
    }

    /// The same with iptables-legacy, which has `security` before `nat` in INPUT: its security chains have
    /// priority 50, those of nft 150.
    pub fn legacy_stages(self) -> &'static [Stage] {
        use Stage::{Confirm, Table};
        use TableName::{Filter, Mangle, Nat, Security};
        match self {
            Hook::Input => &[Table(Mangle), Table(Filter), Table(Security), Table(Nat), Confirm],
            Hook::Prerouting | Hook::Forward | Hook::Output | Hook::Postrouting => self.stages(),
        }
    }

    /// True where the input interface is known to the rules.
    pub fn has_iif(self) -> bool {
        matches!(self, Hook::Prerouting | Hook::Input | Hook::Forward)
    }

    /// True where the output interface is known to the rules.
    pub fn has_oif(self) -> bool {
        matches!(self, Hook::Forward | Hook::Output | Hook::Postrouting)
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One step at a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The base chain of a table.
    Table(TableName),
    /// Connection tracking finds or makes the packet's entry.
    Conntrack,
    /// Connection tracking enters a new connection into its table.
    Confirm,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stage::Table(table) => table.fmt(f),
            Stage::Conntrack => f.pad("conntrack"),
            Stage::Confirm => f.pad("confirm"),
        }
    }
}
