//! Targets: what `-j` does. One file a target; this one names them all.

mod classify;
mod connmark;
mod ct;
mod hmark;
mod kept;
mod listed;
mod log;
mod log_line;
mod mark;
mod nat;
mod netmap;
mod nflog;
mod nfqueue;
mod npt;
mod plain;
mod rateest;
mod reject;
mod set;
mod strip;
mod tcpmss;
mod tos;
mod tproxy;
mod ttl;
mod typed;

pub use classify::Classify;
pub use connmark::{ConnMark, ConnMarkAction};
pub use ct::{Ct, CtZone, ZoneSide};
pub use hmark::HMark;
pub use log::Log;
pub use mark::MarkTarget;
pub use nat::{NatRange, NatTarget, NatVariant, PortChoice};
pub use netmap::NetMap;
pub use nflog::NfLog;
pub use nfqueue::NfQueue;
pub use npt::Npt;
pub use reject::{Reject, RejectWith};
pub use set::{SetSides, SetTarget};
pub use strip::{Ecn, Strip};
pub use tcpmss::TcpMss;
pub use tos::{Dscp, Tos};
pub use tproxy::TProxy;
pub use ttl::{Ttl, TtlAction};
pub use typed::{Act, TypedTarget};

use super::error::KernelError;
use super::extension::{self, Extension};
use super::kept::Kept;
use super::text::{Print, SaveOptions};
use super::{ChainName, Family, Hook, Unknown};
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
    /// `-j CHECKSUM`: fills in the checksum.
    Checksum,
    /// `-j CLASSIFY`.
    Classify(Classify),
    /// `-j CONNMARK`.
    ConnMark(ConnMark),
    /// `-j CT`, `NOTRACK`.
    Ct(Box<Ct>),
    /// `-j DSCP`.
    Dscp(Dscp),
    /// `-j LOG`.
    Log(Log),
    /// `-j MARK`.
    Mark(MarkTarget),
    /// `-j DNAT`, `SNAT`, `MASQUERADE`, `REDIRECT`.
    Nat(NatTarget),
    /// `-j NETMAP`.
    NetMap(NetMap),
    /// `-j NFLOG`.
    NfLog(Box<NfLog>),
    /// `-j NFQUEUE`.
    NfQueue(NfQueue),
    /// `-j REJECT`.
    Reject(Reject),
    /// `-j SET`.
    Set(Box<SetTarget>),
    /// `-j TCPMSS`.
    TcpMss(TcpMss),
    /// `-j TOS`.
    Tos(Tos),
    /// `-j TRACE`: the kernel tells each rule that the packet meets.
    Trace,
    /// `-j TTL`, `HL`.
    Ttl(Ttl),
    /// A target that prints its options as they were given: `ECN`, `HMARK`, `TEE`, `TPROXY` and their like.
    Typed(Box<TypedTarget>),
    /// A target that is read and printed, though not modelled.
    Kept(Box<Kept>),
    /// A target that iptables 1.8.9 does not have, word for word.
    Unknown(Unknown),
}

/// Every target extension that iptables 1.8.9 has, by name.
pub const ALL: &[&Extension] = &[
    &kept::AUDIT,
    &plain::CHECKSUM,
    &classify::EXT,
    &kept::CLUSTERIP,
    &connmark::EXT,
    &kept::CONNSECMARK,
    &ct::CT,
    &nat::DNAT,
    &kept::DNPT,
    &tos::DSCP,
    &kept::ECN,
    &ttl::HL,
    &hmark::EXT,
    &kept::IDLETIMER,
    &kept::LED,
    &log::EXT,
    &mark::EXT,
    &nat::MASQUERADE,
    &netmap::EXT,
    &nflog::EXT,
    &nfqueue::EXT,
    &ct::NOTRACK,
    &rateest::EXT,
    &nat::REDIRECT,
    &reject::EXT,
    &kept::SECMARK,
    &set::EXT,
    &nat::SNAT,
    &kept::SNPT,
    &kept::SYNPROXY,
    &tcpmss::EXT,
    &tcpmss::EXT6,
    &kept::TCPOPTSTRIP,
    &kept::TEE,
    &tos::TOS,
    &kept::TPROXY,
    &plain::TRACE,
    &ttl::TTL,
    &kept::ULOG,
];

/// Targets that are no extension of iptables 1.8.9 but that real dumps have: `-j NAME` means them even
/// without options.
const FOREIGN: &[&str] = &[
    "ACCOUNT",
    "BALANCE",
    "CHAOS",
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
    "XOR",
];

/// The target extension of this name for a family.
pub fn find(name: &str, family: Family) -> Option<&'static Extension> {
    extension::find(ALL, name, family)
}

/// True for a name that is a target somewhere, though not in iptables 1.8.9.
pub fn is_foreign(name: &str) -> bool {
    FOREIGN.contains(&name)
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
            Target::Nat(_) | Target::NetMap(_) => Role::Translate,
            Target::Mark(_)
            | Target::ConnMark(_)
            | Target::Ct(_)
            | Target::Checksum
            | Target::Classify(_)
            | Target::Dscp(_)
            | Target::Set(_)
            | Target::TcpMss(_)
            | Target::Tos(_)
            | Target::Ttl(_) => Role::Change,
            Target::Log(_) | Target::NfLog(_) | Target::Trace => Role::Note,
            Target::Typed(t) if t.act.notes() => Role::Note,
            Target::Typed(_) => Role::Change,
            Target::Queue | Target::NfQueue(_) | Target::Kept(_) | Target::Unknown(_) => Role::Unknown,
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
            Target::Checksum => "CHECKSUM",
            Target::Classify(_) => "CLASSIFY",
            Target::ConnMark(_) => "CONNMARK",
            Target::Ct(t) => t.name(),
            Target::Dscp(_) => "DSCP",
            Target::Log(_) => "LOG",
            Target::Mark(_) => "MARK",
            Target::Nat(t) => t.name(),
            Target::NetMap(_) => "NETMAP",
            Target::NfLog(_) => "NFLOG",
            Target::NfQueue(_) => "NFQUEUE",
            Target::Reject(_) => "REJECT",
            Target::Set(_) => "SET",
            Target::TcpMss(_) => "TCPMSS",
            Target::Tos(_) => "TOS",
            Target::Trace => "TRACE",
            Target::Ttl(t) => t.name(),
            Target::Typed(t) => t.kept.name,
            Target::Kept(t) => t.name,
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
            | Target::Goto(_)
            | Target::Trace => {}
            Target::Checksum => out.flag("checksum-fill"),
            Target::Classify(t) => t.save(out),
            Target::ConnMark(t) => t.save(out),
            Target::Ct(t) => t.save(out),
            Target::Dscp(t) => t.save(out),
            Target::Log(t) => t.save(out),
            Target::Mark(t) => t.save(out),
            Target::Nat(t) => t.save(out),
            Target::NetMap(t) => t.save(out),
            Target::NfLog(t) => t.save(out),
            Target::NfQueue(t) => t.save(out),
            Target::Reject(t) => t.save(out),
            Target::Set(t) => t.save(out),
            Target::TcpMss(t) => t.save(out),
            Target::Tos(t) => t.save(out),
            Target::Ttl(t) => t.save(out),
            Target::Typed(t) => t.kept.save(out),
            Target::Kept(t) => t.save(out),
            Target::Unknown(u) => u.save(out),
        }
    }

    /// Prints it as a listing does.
    pub fn print(&self, out: &mut Print) {
        match self {
            Target::None
            | Target::Accept
            | Target::Drop
            | Target::Queue
            | Target::Return
            | Target::Jump(_)
            | Target::Goto(_)
            | Target::Trace => {}
            Target::Checksum => out.words("CHECKSUM fill"),
            Target::Classify(t) => t.print(out),
            Target::ConnMark(t) => t.print(out),
            Target::Ct(t) => t.print(out),
            Target::Dscp(t) => t.print(out),
            Target::Log(t) => t.print(out),
            Target::Mark(t) => t.print(out),
            Target::Nat(t) => t.print(out),
            Target::NetMap(t) => t.print(out),
            Target::NfLog(t) => t.print(out),
            Target::NfQueue(t) => t.print(out),
            Target::Reject(t) => t.print(out),
            Target::TcpMss(t) => t.print(out),
            Target::Tos(t) => t.print(out),
            Target::Ttl(t) => t.print(out),
            Target::Kept(t) => listed::print(t, out),
            Target::Set(t) => out.as_saved(|save| t.save(save)),
            Target::Typed(t) => listed::print(&t.kept, out),
            Target::Unknown(t) => {
                out.words(&t.name);
                out.word_for_word(|save| t.save(save));
            }
        }
    }

    /// True for a target that makes the kernel track connections.
    pub fn needs_conntrack(&self) -> bool {
        match self {
            Target::Nat(_) | Target::NetMap(_) | Target::ConnMark(_) => true,
            Target::Ct(ct) => !ct.notrack,
            _ => false,
        }
    }

    /// True if it may change the packet or what the kernel keeps beside it.
    pub(super) fn changes(&self) -> bool {
        matches!(self.role(), Role::Translate | Role::Change)
    }

    /// True where it matters to the packet's way or content whether the rule matched.
    pub fn steers(&self) -> bool {
        !matches!(self.role(), Role::Count | Role::Note)
    }

    /// The base chains from which the kernel takes these options, beside what the extension's table says.
    pub(super) fn base_hooks(&self) -> &'static [Hook] {
        match self {
            Target::TcpMss(t) => t.base_hooks(),
            _ => &[],
        }
    }

    /// Why the kernel refuses these options wherever they stand, beside this `-p`.
    pub(super) fn kernel(&self, proto: Option<Proto>) -> Option<KernelError> {
        match self {
            Target::Reject(Reject { with: RejectWith::TcpReset, .. }) if proto != Some(Proto::TCP) => {
                Some(KernelError::InvalidArgument)
            }
            Target::Ct(t) => t.kernel(proto),
            Target::Typed(t) => kept::kernel(&t.kept, proto),
            Target::Kept(t) => kept::kernel(t, proto),
            Target::NfQueue(t) => t.kernel(),
            _ => None,
        }
    }

    /// The chain that the target leads to.
    pub fn chain(&self) -> Option<&ChainName> {
        match self {
            Target::Jump(chain) | Target::Goto(chain) => Some(chain),
            _ => None,
        }
    }
}
