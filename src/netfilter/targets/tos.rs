//! `-j TOS` and `-j DSCP`: writes the type of service byte.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::text::{Print, SaveOptions};
use super::super::tos::{read_class, read_tos, service_name};
use super::super::value::Kind;
use super::super::{RuleError, TableName, Target};

/// The byte becomes `(tos & !mask) ^ value` (iptables-extensions(8), TOS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tos {
    /// Bits to turn over.
    pub value: u8,
    /// Bits to clear first.
    pub mask: u8,
}

/// The upper six bits of the byte become this (iptables-extensions(8), DSCP).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dscp(pub u8);

const BYTE: Kind = Kind::Number(0, 255);
const MANGLE: &[TableName] = &[TableName::Mangle];

pub(super) static TOS: Extension = Extension::a_target(
    "TOS",
    BOTH,
    &[
        Opt::new("set-tos", Kind::Own(read_tos)).not_with(&["and-tos", "or-tos", "xor-tos"]),
        Opt::new("and-tos", BYTE).not_with(&["set-tos", "or-tos", "xor-tos"]),
        Opt::new("or-tos", BYTE).not_with(&["set-tos", "and-tos", "xor-tos"]),
        Opt::new("xor-tos", BYTE).not_with(&["set-tos", "and-tos", "or-tos"]),
    ],
    build_tos,
)
.check(|args| if args.given.is_empty() { said("TOS: An action is required") } else { Ok(()) })
.tables(MANGLE);

pub(super) static DSCP: Extension = Extension::a_target(
    "DSCP",
    BOTH,
    &[
        Opt::new("set-dscp", Kind::Number(0, 63)).not_with(&["set-dscp-class"]),
        Opt::new("set-dscp-class", Kind::Own(read_class)).not_with(&["set-dscp"]),
    ],
    |args| Ok(Target::Dscp(Dscp(args.given.last().map_or(0, |g| g.value.number() as u8)))),
)
.check(
    |args| {
        if args.given.is_empty() { said("DSCP target: Parameter --set-dscp is required") } else { Ok(()) }
    },
)
.tables(MANGLE);

fn build_tos(args: &Args) -> Result<Target, RuleError> {
    let Some(given) = args.given.last() else { return Ok(Target::Tos(Tos { value: 0, mask: 0 })) };
    let n = given.value.number() as u8;
    let (value, mask) = match args.name_of(given) {
        "and-tos" => (0, !n),
        "or-tos" => (n, n),
        "xor-tos" => (n, 0),
        _ => {
            let (value, mask) = given.value.mark();
            (value as u8, mask as u8)
        }
    };
    Ok(Target::Tos(Tos { value, mask }))
}

impl Tos {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        out.value("set-tos", format_args!("0x{:02x}/0x{:02x}", self.value, self.mask));
    }

    /// What the byte becomes.
    pub fn apply(self, tos: u8) -> u8 {
        (tos & !self.mask) ^ self.value
    }
}

impl Dscp {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        out.value("set-dscp", format_args!("0x{:02x}", self.0));
    }

    /// What the byte becomes; its two lower bits stay.
    pub fn apply(self, tos: u8) -> u8 {
        (tos & 0x03) | self.0 << 2
    }
}

impl Tos {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        let (value, mask) = (self.value, self.mask);
        let words = match service_name(value, mask) {
            _ if out.numeric => format!("set 0x{value:02x}/0x{mask:02x}"),
            Some(name) => return out.words(format_args!(" TOS set{name}")),
            None if value == mask => format!("or 0x{value:02x}"),
            None if mask == 0 => format!("xor 0x{value:02x}"),
            None if value == 0 => format!("and 0x{:02x}", !mask),
            None => format!("set 0x{value:02x}/0x{mask:02x}"),
        };
        out.words(format_args!("TOS {words}"));
    }
}

impl Dscp {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.words(format_args!("DSCP set 0x{:02x}", self.0));
    }
}
