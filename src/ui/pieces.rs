//! A rule's parts and target, as the page writes them.

use super::look::Look;
use crate::netfilter::event::Part;
use crate::netfilter::targets::Role;
use crate::netfilter::text::rule_parts;
use crate::netfilter::{Family, Rule};
use yew::AttrValue;

/// The parts of a rule that can hold or fail, in the order in which they are asked.
pub fn conditions(family: Family, rule: &Rule) -> Vec<(Part, AttrValue)> {
    rule_parts(family, rule).parts.into_iter().map(|(part, text)| (part, text.into())).collect()
}

/// What the target means to the packet, and its name; `None` for a rule that only counts.
pub fn target(rule: &Rule) -> Option<(Look, AttrValue)> {
    let look = match rule.target.role() {
        Role::Count => return None,
        Role::Accept => Look::YES,
        Role::Drop => Look::NO,
        Role::Reject => Look::REJECT,
        Role::Return => Look::BACK,
        Role::Call => Look::CALL,
        Role::Translate | Role::Change => Look::CHANGE,
        Role::Note => Look::NOTE,
        Role::Unknown => Look::MAYBE,
    };
    Some((look, AttrValue::from(rule.target.name().to_owned())))
}

/// The target with its options, without `-j`.
pub fn target_words(family: Family, rule: &Rule) -> AttrValue {
    let text = rule_parts(family, rule).target;
    let short = text.strip_prefix("-j ").or_else(|| text.strip_prefix("-g ")).unwrap_or(&text);
    AttrValue::from(short.to_owned())
}

/// The target in a few letters: its name, and where it translates to.
pub fn target_short(family: Family, rule: &Rule) -> AttrValue {
    let name = rule.target.name().to_owned();
    let value = match rule.target.role() {
        Role::Translate | Role::Change => {
            let words = target_words(family, rule);
            words.split(' ').find(|w| !w.starts_with("--") && *w != name).map(str::to_owned)
        }
        Role::Count
        | Role::Accept
        | Role::Drop
        | Role::Reject
        | Role::Return
        | Role::Call
        | Role::Note
        | Role::Unknown => None,
    };
    AttrValue::from(value.map_or(name.clone(), |v| format!("{name} {v}")))
}
