//! `-j TTL` and `-j HL`: writes the time to live.

use super::super::extension::{Args, Extension, Opt, V4, V6, said};
use super::super::text::{Print, SaveOptions};
use super::super::value::Kind;
use super::super::{Family, RuleError, TableName, Target};

/// What the TTL, or IPv6's hop limit, becomes (iptables-extensions(8), TTL and HL).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttl {
    /// IPv4: TTL; IPv6: HL.
    pub family: Family,
    /// What is done.
    pub action: TtlAction,
}

/// What is done to the TTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TtlAction {
    /// Becomes this.
    Set(u8),
    /// Less by this, at least 0.
    Dec(u8),
    /// More by this, at most 255.
    Inc(u8),
}

pub(super) static TTL: Extension = Extension::a_target(
    "TTL",
    V4,
    &[
        Opt::new("ttl-set", Kind::Number(0, 255)).not_with(&["ttl-inc", "ttl-dec"]),
        Opt::new("ttl-dec", Kind::Number(1, 255)).not_with(&["ttl-inc", "ttl-set"]),
        Opt::new("ttl-inc", Kind::Number(1, 255)).not_with(&["ttl-set", "ttl-dec"]),
    ],
    build,
)
.check(check)
.tables(&[TableName::Mangle]);
pub(super) static HL: Extension = Extension::a_target(
    "HL",
    V6,
    &[
        Opt::new("hl-set", Kind::Number(0, 255)).not_with(&["hl-inc", "hl-dec"]),
        Opt::new("hl-dec", Kind::Number(1, 255)).not_with(&["hl-inc", "hl-set"]),
        Opt::new("hl-inc", Kind::Number(1, 255)).not_with(&["hl-set", "hl-dec"]),
    ],
    build,
)
.check(check)
.tables(&[TableName::Mangle]);

fn check(args: &Args) -> Result<(), RuleError> {
    if args.given.is_empty() {
        return said(format!("{}: You must specify an action", args.ext.name));
    }
    Ok(())
}

fn build(args: &Args) -> Result<Target, RuleError> {
    let given = args.given.last();
    let n = given.map_or(0, |g| g.value.number() as u8);
    let action = match given.map_or("", |g| args.name_of(g)) {
        "ttl-dec" | "hl-dec" => TtlAction::Dec(n),
        "ttl-inc" | "hl-inc" => TtlAction::Inc(n),
        _ => TtlAction::Set(n),
    };
    Ok(Target::Ttl(Ttl { family: args.family, action }))
}

impl Ttl {
    pub(super) fn name(&self) -> &'static str {
        if self.family.is_v4() { "TTL" } else { "HL" }
    }

    pub(super) fn save(&self, out: &mut SaveOptions) {
        let ([set, dec, inc], action) = match self.family {
            Family::Ip => (["ttl-set", "ttl-dec", "ttl-inc"], self.action),
            Family::Ip6 => (["hl-set", "hl-dec", "hl-inc"], self.action),
        };
        match action {
            TtlAction::Set(n) => out.value(set, n),
            TtlAction::Dec(n) => out.value(dec, n),
            TtlAction::Inc(n) => out.value(inc, n),
        }
    }

    /// What a TTL becomes.
    pub fn apply(self, ttl: u8) -> u8 {
        match self.action {
            TtlAction::Set(n) => n,
            TtlAction::Dec(n) => ttl.saturating_sub(n),
            TtlAction::Inc(n) => ttl.saturating_add(n),
        }
    }
}

impl Ttl {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        let name = if self.family.is_v4() { "TTL" } else { "HL" };
        match self.action {
            TtlAction::Set(n) => out.words(format_args!("{name} set to {n}")),
            TtlAction::Dec(n) => out.words(format_args!("{name} decrement by {n}")),
            TtlAction::Inc(n) => out.words(format_args!("{name} increment by {n}")),
        }
    }
}
