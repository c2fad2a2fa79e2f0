//! A rule cut into the parts that are asked one by one, each as iptables-save prints it.

use super::look::Look;
use crate::netfilter::text::rule_words;
use crate::netfilter::event::Part;
use crate::netfilter::{Family, Match, Rule, Target};
use yew::AttrValue;

/// The parts of a rule that can hold or fail, in the order in which they are asked.
pub fn conditions(family: Family, rule: &Rule) -> Vec<(Part, AttrValue)> {
    let core: [(Part, fn(&mut Rule, &Rule)); 6] = [
        (Part::Source, |one, rule| one.src = rule.src),
        (Part::Destination, |one, rule| one.dst = rule.dst),
        (Part::InInterface, |one, rule| one.iif = rule.iif.clone()),
        (Part::OutInterface, |one, rule| one.oif = rule.oif.clone()),
        (Part::Protocol, |one, rule| one.proto = rule.proto),
        (Part::Fragment, |one, rule| one.fragment = rule.fragment),
    ];
    let mut all = Vec::new();
    for (part, fill) in core {
        let mut one = Rule::empty();
        fill(&mut one, rule);
        let text = words(family, &one);
        if !text.is_empty() {
            all.push((part, text));
        }
    }
    all.extend(rule.matches.iter().enumerate().map(|(i, m)| (Part::Match(i), one_match(family, rule, m))));
    all
}

/// One `-m`, printed as in its rule.
fn one_match(family: Family, rule: &Rule, m: &Match) -> AttrValue {
    // Some matches print according to `-p`, so it is there and taken off again.
    let mut with = Rule { proto: rule.proto, ..Rule::empty() };
    let before = words(family, &with).len();
    with.matches.push(m.clone());
    let text = words(family, &with);
    AttrValue::from(text.get(before..).unwrap_or(&text).trim_start().to_owned())
}

fn words(family: Family, rule: &Rule) -> AttrValue {
    let mut out = String::new();
    rule_words(&mut out, family, rule);
    AttrValue::from(out.trim_start().to_owned())
}

/// The target in short, with what it means to the packet; `None` for a rule that only counts.
pub fn target(rule: &Rule) -> Option<(Look, AttrValue)> {
    let look = match &rule.target {
        Target::None => return None,
        Target::Accept => Look::YES,
        Target::Drop => Look::NO,
        Target::Reject(_) => Look::REJECT,
        Target::Return => Look::BACK,
        Target::Jump(_) | Target::Goto(_) => Look::CALL,
        Target::Nat(_) | Target::Mark(_) => Look::CHANGE,
        Target::Log(_) => Look::NOTE,
        Target::Queue | Target::Unknown(_) => Look::MAYBE,
    };
    Some((look, AttrValue::from(rule.target.name().to_owned())))
}

/// The target with its options, as `-j` has it.
pub fn target_words(family: Family, rule: &Rule) -> AttrValue {
    let only = Rule { target: rule.target.clone(), proto: rule.proto, ..Rule::empty() };
    let text = words(family, &only);
    let place = text.find("-j ").or_else(|| text.find("-g ")).map_or(0, |at| at + 3);
    AttrValue::from(text.get(place..).unwrap_or("").to_owned())
}
