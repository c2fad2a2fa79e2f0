//! `-j CT` and `-j NOTRACK`: how connection tracking treats the packet.

use super::super::extension::{Args, BOTH, Build, Extension, Fidelity, Opt};
use super::super::text::SaveOptions;
use super::super::value::Kind;
use super::super::{Hook, RuleError, TableName, Target};
use smol_str::SmolStr;

/// A packet's tracking, set in the raw table (iptables-extensions(8), CT).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ct {
    /// `--notrack`: not at all.
    pub notrack: bool,
    /// `--helper`.
    pub helper: Option<SmolStr>,
    /// `--timeout`.
    pub timeout: Option<SmolStr>,
    /// `--ctevents`.
    pub ctevents: Option<SmolStr>,
    /// `--expevents`.
    pub expevents: Option<SmolStr>,
    /// `--zone`, `--zone-orig` or `--zone-reply`.
    pub zone: Option<(ZoneDir, SmolStr)>,
}

/// The directions that a zone is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneDir {
    /// Both.
    Both,
    /// The original one.
    Original,
    /// The reply.
    Reply,
}

const HOOKS: &[Hook] = &[Hook::Prerouting, Hook::Output];

pub(super) static CT: Extension = Extension {
    name: "CT",
    families: BOTH,
    opts: &[
        Opt::new("notrack", Kind::None),
        Opt::new("helper", Kind::Text),
        Opt::new("timeout", Kind::Text),
        Opt::new("ctevents", Kind::Text),
        Opt::new("expevents", Kind::Text),
        Opt::new("zone", Kind::Text),
        Opt::new("zone-orig", Kind::Text),
        Opt::new("zone-reply", Kind::Text),
    ],
    build: Build::Target(build),
    fidelity: Fidelity::Modelled,
    tables: &[TableName::Raw],
    hooks: HOOKS,
};
pub(super) static NOTRACK: Extension = Extension {
    name: "NOTRACK",
    families: BOTH,
    opts: &[],
    build: Build::Target(|_| Ok(Target::Ct(Ct { notrack: true, ..Ct::default() }))),
    fidelity: Fidelity::Modelled,
    tables: &[TableName::Raw],
    hooks: HOOKS,
};

fn build(args: &Args) -> Result<Target, RuleError> {
    let text = |name: &str| args.text(name).map(SmolStr::new);
    let zone = |dir, name: &str| text(name).map(|z| (dir, z));
    let zones = [
        zone(ZoneDir::Both, "zone"),
        zone(ZoneDir::Original, "zone-orig"),
        zone(ZoneDir::Reply, "zone-reply"),
    ];
    if let Some((_, id)) = zones.iter().flatten().find(|(_, id)| id.parse::<u16>().is_err() && id != "mark") {
        return Err(RuleError::BadValue { ext: "CT".into(), opt: "zone".into(), value: id.to_string() });
    }
    Ok(Target::Ct(Ct {
        notrack: args.has("notrack"),
        helper: text("helper"),
        timeout: text("timeout"),
        ctevents: text("ctevents"),
        expevents: text("expevents"),
        zone: zones.into_iter().flatten().next(),
    }))
}

impl Ct {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        if self.notrack {
            out.flag("notrack");
        }
        for (name, value) in [("helper", &self.helper), ("timeout", &self.timeout)] {
            if let Some(value) = value {
                out.value(name, value);
            }
        }
        for (name, value) in [("ctevents", &self.ctevents), ("expevents", &self.expevents)] {
            if let Some(value) = value {
                out.value(name, value);
            }
        }
        if let Some((dir, id)) = &self.zone {
            let name = match dir {
                ZoneDir::Both => "zone",
                ZoneDir::Original => "zone-orig",
                ZoneDir::Reply => "zone-reply",
            };
            out.value(name, id);
        }
    }
}
