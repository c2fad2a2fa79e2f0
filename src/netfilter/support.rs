//! What is modelled, what is kept, what is refused: one list, made of the extensions' own tables.

use super::extension::{Extension, Fidelity};
use super::{Family, matches, targets};
use serde::Serialize;

/// One match or target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Supported {
    /// Match or target.
    pub kind: SupportKind,
    /// Its name after `-m` or `-j`.
    pub name: &'static str,
    /// The families it exists for.
    pub families: Vec<Family>,
    /// What the model does with it.
    pub status: Fidelity,
    /// Its options.
    pub options: Vec<SupportedOption>,
}

/// What stands before a name in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SupportKind {
    /// What every rule can ask without an extension.
    Core,
    /// `-m`.
    Match,
    /// `-j`.
    Target,
}

/// One option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SupportedOption {
    /// Its name, hyphens included.
    pub name: String,
    /// Its other names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// What the model does with it: an option of a modelled extension may be only kept, which is read and
    /// printed, and not evaluated.
    pub status: Fidelity,
}

/// Options that every rule knows.
const CORE: [&str; 9] = ["-s", "-d", "-i", "-o", "-p", "-f", "-j", "-g", "-m"];
/// Targets that are no extension.
const STANDARD: [(&str, Fidelity); 4] = [
    ("ACCEPT", Fidelity::Modelled),
    ("DROP", Fidelity::Modelled),
    ("QUEUE", Fidelity::Refused),
    ("RETURN", Fidelity::Modelled),
];

/// Everything, matches before targets, each by name.
///
/// ```
/// use vitrine::netfilter::{extension::Fidelity, support::support};
/// let tcp = support().into_iter().find(|s| s.name == "tcp").unwrap();
/// assert_eq!(tcp.status, Fidelity::Modelled);
/// assert!(tcp.options.iter().any(|o| o.aliases.contains(&"--dport".to_string())));
/// ```
pub fn support() -> Vec<Supported> {
    let both = || vec![Family::Ip, Family::Ip6];
    let core = Supported {
        kind: SupportKind::Core,
        name: "rule",
        families: both(),
        status: Fidelity::Modelled,
        options: CORE
            .map(|o| SupportedOption { name: o.into(), aliases: Vec::new(), status: Fidelity::Modelled })
            .into(),
    };
    let standard = STANDARD.into_iter().map(|(name, status)| Supported {
        kind: SupportKind::Target,
        name,
        families: both(),
        status,
        options: Vec::new(),
    });
    let of = |kind, all: &[&Extension]| {
        let mut list: Vec<Supported> = Vec::new();
        for ext in all {
            match list.last_mut().filter(|last| last.name == ext.name) {
                Some(last) => add(last, ext),
                None => list.push(supported(kind, ext)),
            }
        }
        list
    };
    let mut targets: Vec<_> = standard.chain(of(SupportKind::Target, targets::ALL)).collect();
    targets.sort_by_key(|t| t.name);
    let mut all = vec![core];
    all.extend(of(SupportKind::Match, matches::ALL));
    all.extend(targets);
    all
}

fn supported(kind: SupportKind, ext: &Extension) -> Supported {
    Supported {
        kind,
        name: ext.name,
        families: ext.families.to_vec(),
        status: ext.fidelity,
        options: options(ext).collect(),
    }
}

/// An extension that has a table for each family.
fn add(supported: &mut Supported, ext: &Extension) {
    supported.families.extend(ext.families);
    supported.families.sort();
    supported.families.dedup();
    for option in options(ext) {
        if !supported.options.contains(&option) {
            supported.options.push(option);
        }
    }
}

fn options(ext: &Extension) -> impl Iterator<Item = SupportedOption> {
    ext.opts.iter().map(|option| {
        let unasked = ext.ignored.contains(&option.name);
        let status = if unasked { Fidelity::Kept } else { ext.fidelity };
        let aliases = option.aliases.iter().map(|a| format!("--{a}")).collect();
        SupportedOption { name: format!("--{}", option.name), aliases, status }
    })
}
