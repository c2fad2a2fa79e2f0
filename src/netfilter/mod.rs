//! Netfilter, usable alone: rules, tables, hooks, connection tracking, address translation, and iptables'
//! text. Knows neither network namespaces nor tasks; what it must ask of the host it asks through [`Env`].

pub mod act;
mod addr;
pub mod check;
mod choices;
pub mod conntrack;
mod core_parts;
mod dropped;
mod edit;
pub mod env;
pub mod error;
mod estimator;
pub mod event;
pub mod extension;
mod fact;
mod family;
mod hook;
pub mod ipset;
mod jhash;
pub mod kept;
pub mod matches;
pub mod modules;
mod nat;
mod nat_tuple;
pub mod programs;
pub mod rate;
mod rule;
mod ruleset;
pub mod services;
mod skb;
mod state;
pub mod support;
mod table;
pub mod targets;
pub mod text;
mod tos;
mod unknown;
pub mod value;
mod walk;

pub use choices::Choices;
pub use conntrack::{
    Conntrack, ConntrackSettings, CtEntry, CtId, CtRef, CtState, CtStatus, TcpState, Template, Zone,
};
pub use edit::Edit;
pub use env::{AddrType, Env, ReversePath, SocketFacts};
pub use error::{KernelError, RuleError};
pub use estimator::Estimator;
pub use fact::{Absent, Fact, NotTold, SetFact, Ternary, Test};
pub use family::Family;
pub use hook::{Hook, Stage};
pub use matches::Match;
pub use rule::{AddrMask, Counters, IfMatch, Inv, Rule};
pub use ruleset::{Chain, ChainKind, ChainName, Policy, RuleRef, Ruleset, Table};
pub use skb::{Cast, OutDev, Sender, Skb};
pub use state::Netfilter;
pub use table::TableName;
pub use targets::Target;
pub use unknown::Unknown;
pub use walk::{HookVerdict, LostIn, TeeCopy, WalkCx};
