//! What netfilter tells of a packet's way through it.

use super::conntrack::{CtEntry, CtRef, CtStatus, Expectation, SctpState, TcpState};
pub use super::dropped::KernelDrop;
use super::fact::{Fact, Ternary};
use super::ipset::SetChange;
use super::{ChainName, Family, Hook, Policy, Rule, RuleRef, Skb, Stage, TableName};
use serde::Serialize;
use smol_str::SmolStr;
use std::net::IpAddr;
use std::sync::Arc;

/// One thing that happened to a packet in netfilter.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The packet came to a hook.
    HookEntered {
        /// Which.
        hook: Hook,
    },
    /// A stage of the hook that does nothing with this packet.
    StageSkipped {
        /// The hook.
        hook: Hook,
        /// The stage.
        stage: Stage,
        /// Why.
        why: Skip,
    },
    /// The packet came into a chain.
    ChainEntered {
        /// The hook it is at.
        hook: Hook,
        /// The chain's table.
        table: TableName,
        /// The chain.
        chain: ChainName,
        /// How it came there.
        by: EnteredBy,
    },
    /// A rule was asked.
    RuleAsked {
        /// The rule.
        rule: RuleRef,
        /// The parts that were asked, in order; the last one decided, unless all held.
        checks: Vec<Check>,
        /// Whether the rule matched.
        held: Ternary,
        /// Whether the walk goes on as if it had: differs from `held` only where that is unknown.
        taken: bool,
    },
    /// A match of a rule drops the packet itself, as it makes nothing of it (`hotdrop`); the rule does not count it.
    MatchDropped {
        /// The rule.
        rule: RuleRef,
    },
    /// A chain came to its end, or a rule returned from it.
    ChainLeft {
        /// The chain's table.
        table: TableName,
        /// The chain.
        chain: ChainName,
        /// Whether a `RETURN` ended it.
        returned: bool,
        /// The rule that had jumped here; `None` for a base chain or after a goto from one.
        back_to: Option<RuleRef>,
    },
    /// A base chain's policy decided.
    PolicyApplied {
        /// The chain's table.
        table: TableName,
        /// The chain.
        chain: ChainName,
        /// What it says.
        policy: Policy,
    },
    /// A table is done with the packet.
    TableDone {
        /// The hook.
        hook: Hook,
        /// The table.
        table: TableName,
        /// What it said.
        verdict: Verdict,
    },
    /// Connection tracking looked at the packet.
    Tracked {
        /// What it said.
        ct: CtRef,
        /// The entry as it is now.
        entry: Option<Arc<CtEntry>>,
        /// Why that state.
        why: TrackedBy,
    },
    /// A connection's entry changed.
    ConnectionChanged {
        /// The entry as it is now (for one that is gone: as it was).
        entry: Arc<CtEntry>,
        /// What changed.
        change: CtChange,
    },
    /// The packet, or what the kernel keeps beside it, changed.
    PacketChanged {
        /// Before.
        before: Arc<Skb>,
        /// After.
        after: Arc<Skb>,
        /// By what.
        by: ChangedBy,
    },
    /// A translation was set up, or it was settled that there is none.
    NatSettled {
        /// Source or destination.
        manip: Manip,
        /// The entry as it is now.
        entry: Arc<CtEntry>,
        /// The translation is one that changes something.
        changes: bool,
    },
    /// What a connection led to expect changed.
    ExpectationChanged {
        /// The expectation (for one that is gone: as it was).
        expectation: Arc<Expectation>,
        /// What changed.
        change: ExpectChange,
    },
    /// Connection tracking or translation itself dropped the packet.
    KernelDropped {
        /// Why.
        why: KernelDrop,
    },
    /// A LOG or NFLOG rule wrote a line.
    LogWritten {
        /// The line, as far as the model knows its fields.
        line: String,
    },
    /// A command was run that changes rules.
    CommandRun {
        /// The program's name and its arguments.
        command: String,
    },
    /// A family's rules changed.
    RulesChanged {
        /// Whose.
        family: Family,
        /// What changed.
        change: RulesChange,
    },
    /// A TEE rule copied the packet.
    Copied {
        /// The copy, not sent yet.
        copy: Arc<Skb>,
        /// Where it goes next.
        gateway: IpAddr,
    },
    /// A set changed.
    SetChanged {
        /// Which, before a change of its name.
        set: SmolStr,
        /// What changed.
        change: SetChange,
    },
    /// Something that the model cannot know stands in the way of an exact answer.
    NotKnown {
        /// What.
        what: NotKnown,
    },
}

/// One change of a family's rules.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum RulesChange {
    /// A table came into being.
    TableAdded {
        /// Which.
        table: TableName,
    },
    /// A table is gone, with its chains and rules.
    TableRemoved {
        /// Which.
        table: TableName,
    },
    /// A chain came into being.
    ChainAdded {
        /// Its table.
        table: TableName,
        /// Which.
        chain: ChainName,
    },
    /// A chain is gone.
    ChainRemoved {
        /// Its table.
        table: TableName,
        /// Which.
        chain: ChainName,
    },
    /// A chain has another name, and so have the jumps to it.
    ChainRenamed {
        /// Its table.
        table: TableName,
        /// What it was called.
        from: ChainName,
        /// What it is called now.
        to: ChainName,
    },
    /// A base chain's policy was set, and counts from anew.
    PolicySet {
        /// Its table.
        table: TableName,
        /// The chain.
        chain: ChainName,
        /// What it says now.
        policy: Policy,
    },
    /// What a base chain's policy has counted was set to zero.
    PolicyZeroed {
        /// Its table.
        table: TableName,
        /// The chain.
        chain: ChainName,
    },
    /// A rule came in; those behind it have moved.
    RuleAdded {
        /// Where it stands.
        rule: RuleRef,
        /// What it says.
        #[serde(skip)]
        new: Arc<Rule>,
    },
    /// A rule stands in the place of another.
    RuleReplaced {
        /// Where it stands.
        rule: RuleRef,
        /// What it says.
        #[serde(skip)]
        new: Arc<Rule>,
    },
    /// A rule is gone; those behind it have moved.
    RuleRemoved {
        /// Where it stood.
        rule: RuleRef,
        /// What it said.
        #[serde(skip)]
        was: Arc<Rule>,
    },
    /// All rules of a chain, or of a table, are gone.
    Flushed {
        /// The table.
        table: TableName,
        /// The chain; `None` for all.
        chain: Option<ChainName>,
    },
}

/// How a packet came into a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EnteredBy {
    /// The hook itself.
    Hook,
    /// This rule's jump.
    Jump(RuleRef),
    /// This rule's goto.
    Goto(RuleRef),
}

/// One part of a rule that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Which part.
    pub part: Part,
    /// The answer.
    pub held: Ternary,
    /// What was found in the packet.
    pub found: Fact,
}

/// A part of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// `-s`.
    Source,
    /// `-d`.
    Destination,
    /// `-i`.
    InInterface,
    /// `-o`.
    OutInterface,
    /// `-p`.
    Protocol,
    /// `-f`.
    Fragment,
    /// The match at this place of [`super::Rule::matches`].
    Match(usize),
}

/// What a table says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// It goes on.
    Accept,
    /// It is gone.
    Drop,
    /// It is gone, and the sender is told.
    Reject,
    /// It went where the model does not follow: to a program, or into a target it does not have.
    Unknown,
}

/// Why a stage does nothing with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Skip {
    /// The table does not exist.
    NoTable,
    /// The table has no chain at this hook.
    NoChain,
    /// No rule needs connection tracking, so it is off.
    TrackingOff,
    /// The packet has its connection already: it came over lo.
    AlreadyTracked,
    /// A rule took it out of connection tracking.
    Untracked,
    /// It belongs to no connection.
    Invalid,
    /// The nat table is asked only for a connection's first packet.
    NotFirstPacket,
    /// The translation of this end was settled before, in OUTPUT or POSTROUTING: the packet came over lo.
    Settled,
    /// The quoted packet's connection says how an ICMP error is translated.
    IcmpError,
    /// The packet answers the connection's first packet, which did not get through.
    Answer,
    /// The entry is in the table already.
    Confirmed,
}

/// Why a packet has its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrackedBy {
    /// No entry has its addresses and ports: it opens a connection.
    NoEntry,
    /// It opens no connection that can be known, though a lone ACK is taken as one in the middle.
    PickedUp,
    /// An entry has them, in this direction.
    Entry,
    /// The packet that an ICMP error quotes belongs to the entry.
    Quoted,
    /// It ends an old connection of the same addresses and ports and opens another.
    Reopened,
    /// Its flags open no connection, and there is none.
    Flags,
    /// The connection's state takes no such segment.
    OutOfState,
    /// It lies outside of the connection's window.
    OutOfWindow,
    /// It quotes a packet of no known connection.
    QuotedUnknown,
    /// It quotes a packet of a known connection, but goes elsewhere.
    QuotedElsewhere,
    /// Another connection led to expect it.
    Expected,
    /// No question of this ICMP type was seen.
    NoQuestion,
    /// Its checksum is wrong.
    Checksum,
    /// It is a fragment without its header.
    Fragment,
    /// Neighbour and multicast discovery are never tracked.
    Discovery,
    /// The user said so.
    Assumed,
    /// The kernel made it in answer to a packet of the connection.
    Answer,
}

/// What changed in a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CtChange {
    /// It came into being, unconfirmed.
    Created,
    /// Its first packet got through.
    Confirmed,
    /// A status bit was set.
    Status(CtStatus),
    /// TCP went to another state.
    Tcp(TcpState, TcpState),
    /// SCTP went to another state.
    Sctp(SctpState, SctpState),
    /// Its mark was set.
    Mark(u32),
    /// Its time is over earlier or later, in seconds from now.
    Timeout(u32),
    /// It timed out.
    Expired,
    /// A RST without any answer before ended it.
    Reset,
    /// Another connection took its place.
    Replaced,
    /// Its first packet did not get through: there will be no entry.
    Abandoned,
    /// An entry with its addresses and ports is there already: the packet is dropped.
    Clash,
    /// The table was full, and it was not assured.
    Evicted,
    /// Somebody took it out.
    Deleted,
    /// The address or the interface is gone that it was masqueraded by.
    Rehomed,
}

/// What changed in an expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpectChange {
    /// It came into being.
    Created,
    /// The connection came that was expected.
    Met,
    /// It timed out.
    Expired,
    /// Another of the same connection took its place.
    Replaced,
    /// The connection is gone that led to expect it.
    MasterGone,
}

/// What changed a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangedBy {
    /// A rule's target.
    Target,
    /// A rule's match: `socket --restore-skmark`.
    Match,
    /// The connection's translation of this end.
    Nat(Manip),
    /// Connection tracking gave it its connection.
    Tracking,
    /// Its connection's helper changed what it carries, or shifted its sequence numbers.
    Helper,
    /// Routing gave it its way out.
    Routing,
    /// Forwarding lowered its time to live.
    Forwarding,
    /// It went over the loopback interface.
    Loopback,
    /// The pieces that it came in were put together.
    Gathering,
}

/// Which end of a packet a translation changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Manip {
    /// Source.
    Src,
    /// Destination.
    Dst,
}

/// What the model cannot know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotKnown {
    /// Which address the interface has that the packet leaves by.
    MasqueradeAddress,
    /// What a target does that the model does not have.
    Target(String),
    /// What a connection's helper does, which the model does not have.
    Helper(String),
    /// How large a packet the path carries.
    PathMtu,
    /// What a set would hold, or what of the packet would come into it.
    Set(SmolStr),
    /// What the program does that takes packets from the queue.
    Queue,
}
