//! Targets: what `-j` does. One file a target; this one names them all.

mod connmark;
mod ct;
mod log;
mod mark;
mod nat;
mod netmap;
mod reject;

pub use connmark::Connmark;
pub use ct::{Ct, ZoneDir};
pub use log::Log;
pub use mark::MarkTarget;
pub use nat::{NatRange, NatTarget, NatVariant, PortChoice};
pub use netmap::Netmap;
pub use reject::{Reject, RejectWith};

use super::extension::Extension;
use super::text::SaveOptions;
use super::{ChainName, Family, Unknown};
use crate::packet::Proto;

/// What a rule does with a packet that matched.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// Nothing: the rule only counts.
    None,
    /// Lets the packet through this base chain.
    Accept,
    /// Throws the packet away.
    Drop,
    /// Hands the packet to a userspace program; without one the kernel drops it.
    Queue,
    /// Ends this chain.
    Return,
    /// `-j CHAIN`: goes on there and comes back.
    Jump(ChainName),
    /// `-g CHAIN`: goes on there and does not come back here.
    Goto(ChainName),
    /// `-j LOG`.
    Log(Log),
    /// `-j REJECT`.
    Reject(Reject),
    /// `-j DNAT`, `SNAT`, `MASQUERADE`, `REDIRECT`.
    Nat(NatTarget),
    /// `-j MARK`.
    Mark(MarkTarget),
    /// `-j CONNMARK`.
    Connmark(Connmark),
    /// `-j CT`, `-j NOTRACK`.
    Ct(Ct),
    /// `-j NETMAP`.
    Netmap(Netmap),
    /// A target that iptables 1.8.9 does not have, word for word.
    Unknown(Unknown),
}

/// Every target extension that iptables 1.8.9 has and this model reads.
pub const ALL: &[&Extension] = &[
    &connmark::EXT,
    &ct::CT,
    &ct::NOTRACK,
    &log::EXT,
    &mark::EXT,
    &nat::DNAT,
    &nat::MASQUERADE,
    &nat::REDIRECT,
    &nat::SNAT,
    &netmap::EXT,
    &reject::EXT,
    &reject::EXT6,
];

/// Targets that are no extension of iptables 1.8.9 but that real dumps have: `-j NAME` means them even
/// without options.
const FOREIGN: &[&str] = &[
    "ACCOUNT",
    "BALANCE",
    "CHAOS",
    "CLUSTERIP",
    "DELUDE",
    "DNETMAP",
    "ECHO",
    "FLOWOFFLOAD",
    "FULLCONENAT",
    "IMQ",
    "IPMARK",
    "LOGMARK",
    "MIRROR",
    "NDPI",
    "NETFLOW",
    "PROTO",
    "ROUTE",
    "SAME",
    "SYSRQ",
    "TARPIT",
    "ULOG",
    "XOR",
];

/// The target extension of this name for a family.
pub fn find(name: &str, family: Family) -> Option<&'static Extension> {
    ALL.iter().copied().find(|e| e.name == name && e.families.contains(&family))
}

/// True for a name that is a target somewhere, though not in iptables 1.8.9.
pub fn is_foreign(name: &str) -> bool {
    FOREIGN.contains(&name)
}

/// True for the name of a target extension, which no chain may have.
pub fn is_builtin(name: &str) -> bool {
    ALL.iter().any(|e| e.name == name)
}

/// The standard target of this name.
pub fn verdict(name: &str) -> Option<Target> {
    match name {
        "ACCEPT" => Some(Target::Accept),
        "DROP" => Some(Target::Drop),
        "QUEUE" => Some(Target::Queue),
        "RETURN" => Some(Target::Return),
        _ => None,
    }
}

/// True for the name of a standard target.
pub fn is_verdict(name: &str) -> bool {
    verdict(name).is_some()
}

/// What a target means to a packet, in kinds that people tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Only counts.
    Count,
    /// Lets it through.
    Accept,
    /// Throws it away.
    Drop,
    /// Throws it away and tells the sender.
    Reject,
    /// Goes back to the chain before.
    Return,
    /// Goes on in another chain.
    Call,
    /// Translates its addresses or ports.
    Translate,
    /// Changes it, its marks or its tracking, and goes on.
    Change,
    /// Tells about it and goes on.
    Note,
    /// Does what the model does not know.
    Unknown,
}

impl Target {
    /// What it means to a packet.
    pub fn role(&self) -> Role {
        match self {
            Target::None => Role::Count,
            Target::Accept => Role::Accept,
            Target::Drop => Role::Drop,
            Target::Reject(_) => Role::Reject,
            Target::Return => Role::Return,
            Target::Jump(_) | Target::Goto(_) => Role::Call,
            Target::Nat(_) | Target::Netmap(_) => Role::Translate,
            Target::Mark(_) | Target::Connmark(_) | Target::Ct(_) => Role::Change,
            Target::Log(_) => Role::Note,
            Target::Queue | Target::Unknown(_) => Role::Unknown,
        }
    }

    /// The name after `-j` or `-g`; empty where there is none.
    pub fn name(&self) -> &str {
        match self {
            Target::None => "",
            Target::Accept => "ACCEPT",
            Target::Drop => "DROP",
            Target::Queue => "QUEUE",
            Target::Return => "RETURN",
            Target::Jump(chain) | Target::Goto(chain) => chain.as_str(),
            Target::Log(_) => "LOG",
            Target::Reject(_) => "REJECT",
            Target::Nat(nat) => nat.name(),
            Target::Mark(_) => "MARK",
            Target::Connmark(_) => "CONNMARK",
            Target::Ct(_) => "CT",
            Target::Netmap(_) => "NETMAP",
            Target::Unknown(u) => &u.name,
        }
    }

    /// Prints the options as iptables-save does.
    pub fn save(&self, out: &mut SaveOptions) {
        match self {
            Target::None
            | Target::Accept
            | Target::Drop
            | Target::Queue
            | Target::Return
            | Target::Jump(_)
            | Target::Goto(_) => {}
            Target::Log(t) => t.save(out),
            Target::Reject(t) => t.save(out),
            Target::Nat(t) => t.save(out),
            Target::Mark(t) => t.save(out),
            Target::Connmark(t) => t.save(out),
            Target::Ct(t) => t.save(out),
            Target::Netmap(t) => t.save(out),
            Target::Unknown(u) => u.save(out),
        }
    }

    /// True for a target that makes the kernel track connections.
    pub fn needs_conntrack(&self) -> bool {
        matches!(self, Target::Nat(_) | Target::Netmap(_) | Target::Connmark(_) | Target::Ct(_))
    }

    /// False where the kernel refuses the target beside this `-p`.
    pub fn allows(&self, proto: Option<Proto>) -> bool {
        match self {
            Target::Reject(Reject { with: RejectWith::TcpReset, .. }) => proto == Some(Proto::TCP),
            _ => true,
        }
    }

    /// True where it matters to the packet's way or content whether the rule matched.
    pub fn steers(&self) -> bool {
        !matches!(self, Target::None | Target::Log(_))
    }

    /// The chain that the target leads to.
    pub fn chain(&self) -> Option<&ChainName> {
        match self {
            Target::Jump(chain) | Target::Goto(chain) => Some(chain),
            _ => None,
        }
    }
}
