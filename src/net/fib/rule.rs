//! Policy rules: which table a packet's route is looked for in (ip-rule(8)).

use super::{Fib, Flow, Prefix, RouteProto, TableId};
use crate::abi::IfName;
use crate::netfilter::Family;
use crate::packet::Proto;
use serde::Serialize;
use std::net::IpAddr;

/// What a rule does with the packets it is for (`FR_ACT_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleAction {
    /// Looks into a table.
    Lookup(TableId),
    /// Goes on at the rule of this priority.
    Goto(u32),
    /// Nothing.
    Nop,
    /// Throws away and says nothing.
    Blackhole,
    /// Answers that the net is unreachable.
    Unreachable,
    /// Answers that it is forbidden.
    Prohibit,
}

/// A policy rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct IpRule {
    /// Rules are asked from the lowest number on.
    pub priority: u32,
    /// It is for the packets that it would not be for.
    pub not: bool,
    /// Source.
    pub from: Option<Prefix>,
    /// Destination.
    pub to: Option<Prefix>,
    /// Where the packet came in; `lo` for the host's own.
    pub iif: Option<IfName>,
    /// The interface that the sender's socket is bound to.
    pub oif: Option<IfName>,
    /// Firewall mark and mask.
    pub mark: Option<(u32, u32)>,
    /// TOS; 0 is all.
    pub tos: u8,
    /// Users, first and last.
    pub uids: Option<(u32, u32)>,
    /// Protocol.
    pub ipproto: Option<Proto>,
    /// Source ports, first and last.
    pub sport: Option<(u16, u16)>,
    /// Destination ports, first and last.
    pub dport: Option<(u16, u16)>,
    /// What it does.
    pub action: RuleAction,
    /// A route found whose prefix is not longer than this does not count.
    pub suppress_prefixlength: Option<u8>,
    /// A route found out by an interface of this group does not count.
    pub suppress_ifgroup: Option<u32>,
    /// Who put it in.
    pub proto: RouteProto,
}

/// What a packet does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mismatch {
    /// `iif`.
    Iif,
    /// `oif`.
    Oif,
    /// `fwmark`.
    Mark,
    /// `uidrange`.
    Uid,
    /// `to`.
    To,
    /// `from`.
    From,
    /// `tos`.
    Tos,
    /// `ipproto`.
    Proto,
    /// `sport`.
    Sport,
    /// `dport`.
    Dport,
    /// It fits all, and `not` stands before it.
    Not,
}

/// The bits of an IPv4 packet's TOS that routing looks at (`INET_DSCP_LEGACY_TOS_MASK`).
pub(super) const LEGACY_TOS: u8 = 0x1c;

impl IpRule {
    /// A rule for every packet.
    pub fn new(priority: u32, action: RuleAction) -> Self {
        IpRule {
            priority,
            not: false,
            from: None,
            to: None,
            iif: None,
            oif: None,
            mark: None,
            tos: 0,
            uids: None,
            ipproto: None,
            sport: None,
            dport: None,
            action,
            suppress_prefixlength: None,
            suppress_ifgroup: None,
            proto: RouteProto::BOOT,
        }
    }

    /// Why the packet is none of this rule's, or `None` if it is (`fib_rule_match`).
    pub fn mismatch(&self, flow: &Flow<'_>) -> Option<Mismatch> {
        match (self.fits(flow), self.not) {
            (Ok(()), false) | (Err(_), true) => None,
            (Ok(()), true) => Some(Mismatch::Not),
            (Err(why), false) => Some(why),
        }
    }

    fn fits(&self, flow: &Flow<'_>) -> Result<(), Mismatch> {
        let check = |ok: bool, why| if ok { Ok(()) } else { Err(why) };
        let v4 = flow.dst.is_ipv4();
        let iif = flow.iif.map_or("lo", IfName::as_str);
        check(self.iif.as_ref().is_none_or(|name| name.as_str() == iif), Mismatch::Iif)?;
        check(self.oif.as_ref().is_none_or(|name| Some(name) == flow.oif), Mismatch::Oif)?;
        check(self.mark.is_none_or(|(mark, mask)| (mark ^ flow.mark) & mask == 0), Mismatch::Mark)?;
        check(self.uids.is_none_or(|(first, last)| (first..=last).contains(&flow.uid)), Mismatch::Uid)?;
        check(self.to.is_none_or(|net| net.contains(flow.dst)), Mismatch::To)?;
        check(self.from.is_none_or(|net| holds(net, flow.src)), Mismatch::From)?;
        let tos = if v4 { flow.tos & LEGACY_TOS } else { flow.tos & !3 };
        check(self.tos == 0 || self.tos == tos, Mismatch::Tos)?;
        check(self.ipproto.is_none_or(|proto| proto == flow.proto), Mismatch::Proto)?;
        check(self.sport.is_none_or(|(first, last)| (first..=last).contains(&flow.sport)), Mismatch::Sport)?;
        check(self.dport.is_none_or(|(first, last)| (first..=last).contains(&flow.dport)), Mismatch::Dport)
    }
}

/// Whether a source lies in a rule's net. An IPv4 source that is not chosen yet counts as 0.0.0.0; an IPv6 one
/// lies in no net (`RT6_LOOKUP_F_HAS_SADDR`).
fn holds(net: Prefix, src: Option<IpAddr>) -> bool {
    match src {
        Some(IpAddr::V6(src)) if src.is_unspecified() => false,
        Some(src) => net.contains(src),
        None => net.family().is_v4() && net.contains(Prefix::all(Family::Ip).addr()),
    }
}

impl Fib {
    fn rules_mut(&mut self, family: Family) -> &mut Vec<IpRule> {
        if family.is_v4() { &mut self.rules4 } else { &mut self.rules6 }
    }

    /// Puts a rule behind those of its priority (`fib_nl_newrule`). False if the same rule is there already and
    /// `exclusive` asked for that to be refused, as `ip rule add` does.
    pub fn add_rule(&mut self, family: Family, rule: IpRule, exclusive: bool) -> bool {
        let rules = self.rules_mut(family);
        if exclusive && rules.contains(&rule) {
            return false;
        }
        let at = rules.iter().position(|r| r.priority > rule.priority).unwrap_or(rules.len());
        rules.insert(at, rule);
        self.custom_rules4 |= family.is_v4();
        true
    }

    /// The priority that a rule gets when none is given: one less than the second rule's
    /// (`fib_default_rule_pref`).
    pub fn default_priority(&self, family: Family) -> u32 {
        self.rules(family).get(1).map_or(0, |second| second.priority.saturating_sub(1))
    }

    /// Takes the first rule away that `which` holds for.
    pub fn remove_rule(&mut self, family: Family, which: impl Fn(&IpRule) -> bool) -> Option<IpRule> {
        let rules = self.rules_mut(family);
        let at = rules.iter().position(which)?;
        let removed = rules.remove(at);
        self.custom_rules4 |= family.is_v4();
        Some(removed)
    }
}
