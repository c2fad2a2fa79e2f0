//! The parts of a rule that need no extension, asked in the order in which iptables prints them.

use super::event::Part;
use super::{AddrMask, Fact, Hook, IfMatch, Inv, NotTold, OutDev, Rule, Skb, Test};
use crate::abi::IfName;

/// Asks the parts of a rule that need no extension, until `each` says to stop.
pub(super) fn for_each_core(rule: &Rule, hook: Hook, skb: &Skb, mut each: impl FnMut(Part, Test) -> bool) {
    let packet = &skb.packet;
    let addr =
        |want: Inv<AddrMask>, found| Test::new(want.value.contains(found) != want.not, Fact::Addr(found));
    if let Some(want) = rule.src
        && !each(Part::Source, addr(want, packet.src))
    {
        return;
    }
    if let Some(want) = rule.dst
        && !each(Part::Destination, addr(want, packet.dst))
    {
        return;
    }
    if let Some(want) = &rule.iif
        && !each(Part::InInterface, interface(want, skb.iif.as_ref()))
    {
        return;
    }
    if let Some(want) = &rule.oif {
        let test = match &skb.oif {
            _ if !hook.has_oif() => interface(want, None),
            OutDev::None => interface(want, None),
            OutDev::Named(name) => interface(want, Some(name)),
            OutDev::Unknown => Test::not_told(NotTold::OutInterface),
        };
        if !each(Part::OutInterface, test) {
            return;
        }
    }
    if let Some(want) = rule.proto {
        let found = packet.proto();
        if !each(Part::Protocol, Test::new((want.value == found) != want.not, Fact::Proto(found))) {
            return;
        }
    }
    if let Some(want) = rule.fragment {
        let found = packet.is_later_fragment();
        each(Part::Fragment, Test::new(want == found, Fact::Fragment(found)));
    }
}

/// Where there is no interface, its name is empty: `-i eth0` fails and `! -i eth0` holds.
fn interface(want: &Inv<IfMatch>, found: Option<&IfName>) -> Test {
    let held = found.is_some_and(|name| want.value.matches(name));
    Test::new(held != want.not, Fact::Iface(found.cloned()))
}
