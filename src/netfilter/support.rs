//! What of iptables 1.8.9 the model does like Linux, what it only keeps, and what it refuses: taken from the
//! tables of matches and targets themselves.

use super::extension::{BOTH, Extension, Fidelity, V4};
use super::{Family, matches, targets};
use serde::Serialize;

/// One thing that a rule may say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Supported {
    /// What it is.
    pub kind: SupportedKind,
    /// Its name.
    pub name: &'static str,
    /// The families it exists for.
    pub families: Vec<Family>,
    /// How far the model goes with it.
    pub fidelity: Fidelity,
    /// Its options by name, without hyphens. An option of a modelled match or target may itself be kept: it is
    /// read and printed, and not evaluated.
    pub options: Vec<(&'static str, Fidelity)>,
}

/// What a supported thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SupportedKind {
    /// What every rule can say, without `-m` or `-j`.
    Core,
    /// After `-m`.
    Match,
    /// After `-j`.
    Target,
}

impl SupportedKind {
    /// How a rule writes it before the name.
    pub fn flag(self) -> &'static str {
        match self {
            SupportedKind::Core => "",
            SupportedKind::Match => "-m",
            SupportedKind::Target => "-j",
        }
    }
}

/// The options of every rule.
const CORE: [(&str, &[Family]); 9] = [
    ("-s", BOTH),
    ("-d", BOTH),
    ("-i", BOTH),
    ("-o", BOTH),
    ("-p", BOTH),
    ("-f", V4),
    ("-j CHAIN", BOTH),
    ("-g CHAIN", BOTH),
    ("!", BOTH),
];

/// Targets that are no extensions. `QUEUE` the kernel no longer has.
const VERDICTS: [(&str, Fidelity); 4] = [
    ("ACCEPT", Fidelity::Modelled),
    ("DROP", Fidelity::Modelled),
    ("QUEUE", Fidelity::Refused),
    ("RETURN", Fidelity::Modelled),
];

/// All of it: what every rule can say, then matches and targets by name.
///
/// ```
/// use vitrine::netfilter::{extension::Fidelity, support::{SupportedKind, support}};
/// let all = support();
/// let find = |kind, name| all.iter().find(|s| s.kind == kind && s.name == name).unwrap();
/// assert_eq!(find(SupportedKind::Match, "multiport").fidelity, Fidelity::Modelled);
/// assert_eq!(find(SupportedKind::Match, "u32").fidelity, Fidelity::Kept);
/// assert_eq!(find(SupportedKind::Target, "ULOG").fidelity, Fidelity::Refused);
/// ```
pub fn support() -> Vec<Supported> {
    let plain = |kind, name, families: &[Family], fidelity| Supported {
        kind,
        name,
        families: families.to_vec(),
        fidelity,
        options: Vec::new(),
    };
    let core = CORE.map(|(name, families)| plain(SupportedKind::Core, name, families, Fidelity::Modelled));
    let verdicts = VERDICTS.map(|(name, fidelity)| plain(SupportedKind::Target, name, BOTH, fidelity));
    let mut all: Vec<Supported> = core.into_iter().chain(verdicts).collect();
    all.extend(matches::ALL.iter().map(|ext| of(SupportedKind::Match, ext)));
    all.extend(targets::ALL.iter().map(|ext| of(SupportedKind::Target, ext)));
    all.sort_by_key(|s| (s.kind, s.name));
    // A match that each family has in its own form is one.
    all.dedup_by(|later, first| {
        let same = (later.kind, later.name) == (first.kind, first.name);
        if same {
            first.families.append(&mut later.families);
            first.families.sort();
            for option in later.options.drain(..) {
                if !first.options.contains(&option) {
                    first.options.push(option);
                }
            }
        }
        same
    });
    all
}

fn of(kind: SupportedKind, ext: &Extension) -> Supported {
    let names = ext.opts.iter().flat_map(|option| option.names().map(|name| (option.name, name)));
    let fidelity = |option: &str| match ext.fidelity {
        Fidelity::Modelled if ext.ignored.contains(&option) => Fidelity::Kept,
        other => other,
    };
    Supported {
        kind,
        name: ext.name,
        families: ext.families.to_vec(),
        fidelity: ext.fidelity,
        options: names.map(|(option, name)| (name, fidelity(option))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_thing_stands_once() {
        let names: Vec<_> = support().into_iter().map(|s| (s.kind, s.name)).collect();
        assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len());
        assert!(names.len() > 110, "{}", names.len());
    }

    #[test]
    fn an_ignored_option_is_one_of_the_extension() {
        for ext in matches::ALL.iter().chain(targets::ALL) {
            for name in ext.ignored {
                assert!(ext.opt(name).is_some(), "{} --{name}", ext.name);
            }
        }
    }
}
