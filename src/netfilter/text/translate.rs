//! What iptables-nft makes of a rule before it hands it to the kernel.
//!
//! The matches `tcp` and `udp` become plain comparisons of the header where they can, which iptables-save puts
//! together again: pieces of several matches end up in the first, and a comparison that holds for every packet
//! is gone.

use super::super::error::RuleError;
use super::super::matches::{PortRange, Ports, TcpMatch};
use super::super::{Inv, Match, Rule};
use crate::packet::Proto;

/// Puts a rule into the form in which it comes back from the kernel.
pub(super) fn translate(rule: &mut Rule) -> Result<(), RuleError> {
    if !rule.matches.iter().any(|m| matches!(m, Match::Tcp(_) | Match::Ports(_))) {
        return Ok(());
    }
    let proto = rule.proto.map(|p| p.value);
    let mut merged: Vec<Match> = Vec::with_capacity(rule.matches.len());
    let (mut tcp, mut udp) = (None, None);
    for m in std::mem::take(&mut rule.matches) {
        match &m {
            Match::Tcp(m) if m.is_native() => {
                needs(proto, Proto::TCP, "TCP match requires '-p tcp'")?;
                let flags = m.flags.filter(|f| f.value.0.0 != 0);
                if is_gone(m.sport) && is_gone(m.dport) && flags.is_none() {
                    continue;
                }
                let place = *tcp.get_or_insert_with(|| {
                    merged.push(Match::Tcp(TcpMatch::default()));
                    merged.len() - 1
                });
                if let Match::Tcp(first) = &mut merged[place] {
                    put(&mut first.sport, m.sport);
                    put(&mut first.dport, m.dport);
                    if let Some(flags) = flags {
                        let not = flags.not || first.flags.is_some_and(|f| f.not);
                        first.flags = Some(Inv { not, value: flags.value });
                    }
                }
            }
            Match::Ports(m) if m.is_native() => {
                needs(proto, Proto::UDP, "UDP match requires '-p udp'")?;
                if is_gone(m.sport) && is_gone(m.dport) {
                    continue;
                }
                let place = *udp.get_or_insert_with(|| {
                    merged.push(Match::Ports(Ports::default()));
                    merged.len() - 1
                });
                if let Match::Ports(first) = &mut merged[place] {
                    put(&mut first.sport, m.sport);
                    put(&mut first.dport, m.dport);
                }
            }
            _ => merged.push(m),
        }
    }
    rule.matches = merged;
    Ok(())
}

fn needs(found: Option<Proto>, wanted: Proto, said: &str) -> Result<(), RuleError> {
    if found == Some(wanted) { Ok(()) } else { Err(RuleError::Said(said.into())) }
}

/// True if no comparison is made for it: it was not given, or spans all ports, `!` or not.
fn is_gone(range: Option<Inv<PortRange>>) -> bool {
    range.is_none_or(|r| r.value == PortRange::ALL)
}

/// Adds what a comparison reads back as to what the ones before it did.
fn put(slot: &mut Option<Inv<PortRange>>, range: Option<Inv<PortRange>>) {
    let Some(Inv { not, value: PortRange(low, high) }) = range.filter(|r| r.value != PortRange::ALL) else {
        return;
    };
    let Inv { not: was_not, value: PortRange(was_low, was_high) } =
        slot.unwrap_or(Inv { not: false, value: PortRange::ALL });
    let (low, high, not) = match (low, high, not) {
        (a, b, _) if a == b => (a, b, not),
        // `!` of a range from 0 is what lies above it.
        (0, b, true) => (b.saturating_add(1), was_high, false),
        (0, b, false) => (was_low, b, false),
        _ => (low, high, not),
    };
    *slot = Some(Inv { not: not || was_not, value: PortRange(low, high) });
}
