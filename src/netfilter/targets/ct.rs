//! `-j CT` and `-j NOTRACK`: what connection tracking makes of a packet that it has not seen yet.

use super::super::error::KernelError;
use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value, number};
use super::super::{RuleError, TableName, Target};
use crate::packet::Proto;
use smol_str::SmolStr;

/// What a packet's connection will be like (iptables-extensions(8), CT).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ct {
    /// Written as `-j NOTRACK`.
    pub as_notrack: bool,
    /// `--notrack`: the packet is UNTRACKED.
    pub notrack: bool,
    /// `--helper`.
    pub helper: Option<SmolStr>,
    /// `--timeout`, a policy's name.
    pub timeout: Option<SmolStr>,
    /// `--ctevents`: a bit for each name of [`EVENTS`].
    pub ctevents: u16,
    /// `--expevents`.
    pub expevents: bool,
    /// `--zone` and its like.
    pub zone: Option<CtZone>,
}

/// A conntrack zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CtZone {
    /// For which direction.
    pub side: ZoneSide,
    /// Its number; `None`: the packet's mark.
    pub id: Option<u16>,
}

/// Which direction of a connection a zone is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ZoneSide {
    /// `--zone`.
    #[default]
    Both,
    /// `--zone-orig`.
    Original,
    /// `--zone-reply`.
    Reply,
}

/// The events of `--ctevents`, in the order in which iptables prints them.
pub const EVENTS: [&str; 10] =
    ["new", "related", "destroy", "reply", "assured", "protoinfo", "helper", "mark", "natseqinfo", "secmark"];

/// The helpers that Linux has, with the protocol each is for.
const HELPERS: [(&str, Proto); 12] = [
    ("ftp", Proto::TCP),
    ("irc", Proto::TCP),
    ("pptp", Proto::TCP),
    ("sane", Proto::TCP),
    ("Q.931", Proto::TCP),
    ("sip", Proto::TCP),
    ("sip", Proto::UDP),
    ("tftp", Proto::UDP),
    ("amanda", Proto::UDP),
    ("netbios-ns", Proto::UDP),
    ("snmp", Proto::UDP),
    ("RAS", Proto::UDP),
];

const ZONE: Kind = Kind::Own(read_zone);

pub(super) static CT: Extension = Extension::a_target(
    "CT",
    BOTH,
    &[
        Opt::flag("notrack"),
        Opt::new("helper", Kind::Cut(15)),
        Opt::new("timeout", Kind::Cut(31)),
        Opt::new("ctevents", Kind::Own(|t, _| events(t, &EVENTS))),
        Opt::new("expevents", Kind::Own(|t, _| events(t, &["new"]))),
        Opt::new("zone-orig", ZONE),
        Opt::new("zone-reply", ZONE),
        Opt::new("zone", ZONE),
    ],
    build,
)
.tables(&[TableName::Raw])
.ignoring(&["timeout"]);
pub(super) static NOTRACK: Extension = Extension::a_target("NOTRACK", BOTH, &[], |_| {
    Ok(Target::Ct(Box::new(Ct { as_notrack: true, notrack: true, ..Ct::default() })))
})
.tables(&[TableName::Raw]);

fn events(text: &str, names: &[&str]) -> Result<Value, RuleError> {
    let mut bits = 0;
    for word in text.split(',') {
        match names.iter().position(|n| *n == word) {
            Some(place) => bits |= 1 << place,
            None => return said(format!("Unknown event type \"{word}\"")),
        }
    }
    Ok(Value::Number(bits))
}

/// A zone's number, or one above all of them for `mark`.
fn read_zone(text: &str, _: Cx) -> Result<Value, RuleError> {
    if text == "mark" {
        return Ok(Value::Number(1 << 16));
    }
    match number(text).filter(|n| *n <= u64::from(u16::MAX)) {
        Some(n) => Ok(Value::Number(n)),
        None => said(format!("Cannot parse {text} as a zone ID")),
    }
}

fn build(args: &Args) -> Result<Target, RuleError> {
    let text = |name| args.text(name).map(SmolStr::new);
    Ok(Target::Ct(Box::new(Ct {
        as_notrack: false,
        notrack: args.has("notrack"),
        helper: text("helper"),
        timeout: text("timeout"),
        ctevents: args.number("ctevents").unwrap_or(0) as u16,
        expevents: args.has("expevents"),
        zone: zone(args),
    })))
}

/// Each zone option writes the same number; the two directions together are both.
fn zone(args: &Args) -> Option<CtZone> {
    let mut id = Some(0);
    let (mut original, mut reply) = (false, false);
    for given in args.given {
        match args.name_of(given) {
            "zone" => {}
            "zone-orig" => original = true,
            "zone-reply" => reply = true,
            _ => continue,
        }
        match u16::try_from(given.value.number()) {
            Ok(n) if id.is_some() => id = Some(n),
            Ok(_) => {}
            Err(_) => id = None,
        }
    }
    let side = match (original, reply) {
        (true, false) => ZoneSide::Original,
        (false, true) => ZoneSide::Reply,
        _ => ZoneSide::Both,
    };
    (id != Some(0) || original != reply).then_some(CtZone { side, id })
}

impl Ct {
    pub(super) fn name(&self) -> &'static str {
        if self.as_notrack { "NOTRACK" } else { "CT" }
    }

    pub(super) fn save(&self, out: &mut SaveOptions) {
        if self.as_notrack {
            return;
        }
        if self.notrack {
            out.flag("notrack");
        }
        if let Some(helper) = &self.helper {
            out.value("helper", helper);
        }
        if let Some(timeout) = &self.timeout {
            out.value("timeout", timeout);
        }
        if self.ctevents != 0 {
            let set = EVENTS.iter().enumerate().filter(|(place, _)| self.ctevents & 1 << place != 0);
            out.value("ctevents", set.map(|(_, name)| *name).collect::<Vec<_>>().join(","));
        }
        if self.expevents {
            out.value("expevents", "new");
        }
        if let Some(zone) = self.zone {
            let name = match zone.side {
                ZoneSide::Both => "zone",
                ZoneSide::Original => "zone-orig",
                ZoneSide::Reply => "zone-reply",
            };
            match zone.id {
                Some(id) => out.value(name, id),
                None => out.value(name, "mark"),
            }
        }
    }

    /// What the kernel refuses: a helper that it does not have for the protocol, any timeout policy.
    pub(super) fn kernel(&self, proto: Option<Proto>) -> Option<KernelError> {
        if self.notrack {
            return None;
        }
        if let Some(helper) = &self.helper {
            match proto {
                None => return Some(KernelError::NotFound),
                Some(proto) if !HELPERS.iter().any(|(n, p)| n == helper && *p == proto) => {
                    return Some(KernelError::NotFound);
                }
                Some(_) => {}
            }
        }
        self.timeout.as_ref().map(|_| match proto {
            None => KernelError::InvalidArgument,
            Some(_) => KernelError::NotFound,
        })
    }
}

impl Ct {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        if self.as_notrack {
            return out.words("NOTRACK");
        }
        out.words("CT");
        out.as_saved(|save| self.save(save));
    }
}
