//! A rule's text in the pieces that a walk asks one by one.

use super::super::event::Part;
use super::super::{Family, Inv, Rule, Target};
use super::save::SaveOptions;
use std::fmt::{Display, Write};

/// A rule as iptables-save prints it, cut where its parts meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleParts {
    /// What is asked, in order, each with its own text (`-i docker0`, `-m tcp --dport 80`).
    pub parts: Vec<(Part, String)>,
    /// `-j DNAT --to-destination …`; empty where there is none.
    pub target: String,
}

/// Cuts a rule into its parts.
pub fn rule_parts(family: Family, rule: &Rule) -> RuleParts {
    fn core<T: Display>(parts: &mut Vec<(Part, String)>, part: Part, name: char, value: &Option<Inv<T>>) {
        if let Some(v) = value {
            parts.push((part, format!("{}-{name} {}", if v.not { "! " } else { "" }, v.value)));
        }
    }
    let mut parts = Vec::new();
    core(&mut parts, Part::Source, 's', &rule.src);
    core(&mut parts, Part::Destination, 'd', &rule.dst);
    core(&mut parts, Part::InInterface, 'i', &rule.iif);
    core(&mut parts, Part::OutInterface, 'o', &rule.oif);
    core(&mut parts, Part::Protocol, 'p', &rule.proto);
    if let Some(yes) = rule.fragment {
        parts.push((Part::Fragment, if yes { "-f".into() } else { "! -f".into() }));
    }
    let proto = rule.proto.filter(|p| !p.not).map(|p| p.value);
    for (place, m) in rule.matches.iter().enumerate() {
        let mut text = format!("-m {}", m.name());
        m.save(&mut SaveOptions::new(&mut text, family, proto));
        parts.push((Part::Match(place), text));
    }
    let mut target = String::new();
    match &rule.target {
        Target::None => {}
        Target::Goto(chain) => {
            let _ = write!(target, "-g {chain}");
        }
        other => {
            let _ = write!(target, "-j {}", other.name());
            other.save(&mut SaveOptions::new(&mut target, family, proto));
        }
    }
    RuleParts { parts, target }
}
