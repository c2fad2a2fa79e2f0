//! `-j DNAT`, `SNAT`, `MASQUERADE` and `REDIRECT`: set up a flow's translation.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value, leading_number};
use super::super::{Family, Hook, RuleError, TableName, Target, services};
use crate::packet::Proto;
use std::fmt;
use std::net::IpAddr;

/// A translation (iptables-extensions(8)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatTarget {
    /// Which of the four.
    pub variant: NatVariant,
    /// What the address or port becomes.
    pub range: NatRange,
    /// How a port is chosen of the range.
    pub choice: PortChoice,
    /// `--persistent`: a client keeps its address of the range.
    pub persistent: bool,
}

/// The four targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NatVariant {
    /// New destination.
    Dnat,
    /// New source.
    Snat,
    /// New source: the address of the interface the packet leaves by.
    Masquerade,
    /// New destination: this host itself.
    Redirect,
}

/// What to translate to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NatRange {
    /// Lowest and highest address; without it the address stays (or is the interface's).
    pub addrs: Option<(IpAddr, IpAddr)>,
    /// Lowest and highest port; without it the port stays where it can.
    pub ports: Option<(u16, u16)>,
    /// `PORT-PORT/BASE`: a shifted range, in which the offset to BASE is kept.
    pub base: Option<u16>,
}

/// How a port is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PortChoice {
    /// The packet's own where it is free.
    #[default]
    Keep,
    /// `--random`: by a hash.
    Random,
    /// `--random-fully`: by chance.
    RandomFully,
    /// Both of them, for the text's sake.
    Both,
}

impl PortChoice {
    fn of(args: &Args) -> PortChoice {
        match (args.has("random"), args.has("random-fully")) {
            (false, false) => PortChoice::Keep,
            (true, false) => PortChoice::Random,
            (false, true) => PortChoice::RandomFully,
            (true, true) => PortChoice::Both,
        }
    }
}

const RANDOM: Opt = Opt::flag("random");
const PERSISTENT: Opt = Opt::flag("persistent");
const FULLY: Opt = Opt::flag("random-fully");
const NAT: &[TableName] = &[TableName::Nat];
const DST: &[Hook] = &[Hook::Prerouting, Hook::Output];

pub(super) static DNAT: Extension = Extension::a_target(
    "DNAT",
    BOTH,
    &[Opt::new("to-destination", Kind::Own(read_addrs)).req(), RANDOM, PERSISTENT],
    |args| build(args, NatVariant::Dnat),
)
.tables(NAT)
.hooks(DST);
pub(super) static SNAT: Extension = Extension::a_target(
    "SNAT",
    BOTH,
    &[Opt::new("to-source", Kind::Own(read_addrs)).req(), RANDOM, FULLY, PERSISTENT],
    |args| build(args, NatVariant::Snat),
)
.tables(NAT)
.hooks(&[Hook::Postrouting, Hook::Input]);
pub(super) static MASQUERADE: Extension = Extension::a_target(
    "MASQUERADE",
    BOTH,
    &[Opt::new("to-ports", Kind::Own(read_ports)), RANDOM, FULLY],
    |args| build(args, NatVariant::Masquerade),
)
.tables(NAT)
.hooks(&[Hook::Postrouting]);
pub(super) static REDIRECT: Extension = Extension::a_target(
    "REDIRECT",
    BOTH,
    &[Opt::new("to-ports", Kind::Own(read_own_ports)), RANDOM],
    |args| build(args, NatVariant::Redirect),
)
.tables(NAT)
.hooks(DST);

fn build(args: &Args, variant: NatVariant) -> Result<Target, RuleError> {
    let option = args.ext.opts[0].name;
    let mut range = match args.get(option).map(|a| &a.value) {
        Some(Value::NatRange(range)) => *range,
        _ => NatRange::default(),
    };
    // Only DNAT has the kernel's newer form, which keeps the base.
    if variant != NatVariant::Dnat && range.base.is_some() {
        range.base = Some(0);
    }
    let choice = PortChoice::of(args);
    Ok(Target::Nat(NatTarget { variant, range, choice, persistent: args.has("persistent") }))
}

/// `[ADDR[-ADDR]][:PORT[-PORT[/BASE]]]`, in brackets where an IPv6 address has a port (`parse_to`).
fn read_addrs(text: &str, cx: Cx) -> Result<Value, RuleError> {
    let (addrs, ports) = match text.split_once('[') {
        Some((_, rest)) => match rest.split_once(']') {
            Some((addrs, rest)) => (addrs, rest.split_once(':').map(|(_, ports)| ports)),
            None => return said("Invalid address format"),
        },
        // One colon alone is a port's; more are an IPv6 address.
        None => match text.split_once(':') {
            Some((addrs, ports)) if !ports.contains(':') => (addrs, Some(ports)),
            _ => (text, None),
        },
    };
    let mut range = match ports {
        Some(ports) => port_range(ports, cx)?,
        None => NatRange::default(),
    };
    if !addrs.is_empty() || ports.is_none() {
        let (low, high) = addrs.split_once('-').unwrap_or((addrs, addrs));
        let read = |t: &str| match t.parse::<IpAddr>() {
            Ok(addr) if Family::of(addr) == cx.family => Ok(addr),
            _ => said(format!("Bad IP address \"{t}\"")),
        };
        range.addrs = Some((read(low)?, read(high)?));
    }
    Ok(Value::NatRange(range))
}

fn read_ports(text: &str, cx: Cx) -> Result<Value, RuleError> {
    Ok(Value::NatRange(port_range(text, cx)?))
}

fn read_own_ports(text: &str, cx: Cx) -> Result<Value, RuleError> {
    let range = port_range(text, cx)?;
    if range.base.is_some() {
        return said("Shifted portmap ranges not supported with this kernel");
    }
    Ok(Value::NatRange(range))
}

/// `PORT[-PORT[/BASE]]`; needs a protocol that has ports (`parse_ports`).
fn port_range(text: &str, cx: Cx) -> Result<NatRange, RuleError> {
    const ANY: [Proto; 5] = [Proto::TCP, Proto::UDP, Proto::SCTP, Proto::DCCP, Proto::ICMP];
    if !cx.proto.is_some_and(|p| ANY.contains(&p.value)) {
        return said("Need TCP, UDP, SCTP or DCCP with port specification");
    }
    let (low, rest) = port(text)?;
    let ports = |low, high, base| NatRange { addrs: None, ports: Some((low, high)), base };
    let Some(second) = rest.strip_prefix('-') else {
        return match rest.chars().next() {
            None => Ok(ports(low, low, None)),
            Some(':') => said("Invalid port:port syntax - use dash"),
            Some(_) => said(format!("Garbage after port value: `{rest}'")),
        };
    };
    let (high, rest) = port_number(second)?;
    if high < low {
        return said(format!("Port range `{second}' funky"));
    }
    let Some(third) = rest.strip_prefix('/') else {
        return match rest {
            "" => Ok(ports(low, high, None)),
            _ => said(format!("Garbage after port range: `{rest}'")),
        };
    };
    let (base, rest) = port(third)?;
    if !rest.is_empty() {
        return said(format!("Garbage after base port value: `{rest}'"));
    }
    Ok(ports(low, high, Some(base)))
}

/// A port's number and what follows it, or a service's name.
fn port(text: &str) -> Result<(u16, &str), RuleError> {
    match services::port_of(text, None) {
        Some(port) if leading_number(text).is_none() => Ok((port, "")),
        _ => port_number(text),
    }
}

/// A port's number and what follows it. The end of a range has no name.
fn port_number(text: &str) -> Result<(u16, &str), RuleError> {
    match leading_number(text).and_then(|(n, rest)| Some((u16::try_from(n).ok()?, rest))) {
        Some(found) => Ok(found),
        None => said(format!("Port `{text}' not valid")),
    }
}

impl fmt::Display for NatRange {
    /// As `--to-destination` and `--to-source` are printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((low, high)) = self.addrs {
            let bracket = low.is_ipv6() && self.ports.is_some();
            if bracket {
                f.write_str("[")?;
            }
            low.fmt(f)?;
            if high != low {
                write!(f, "-{high}")?;
            }
            if bracket {
                f.write_str("]")?;
            }
        }
        if let Some((low, high)) = self.ports {
            if self.addrs.is_some() || f.alternate() {
                f.write_str(":")?;
            }
            low.fmt(f)?;
            if high != low {
                write!(f, "-{high}")?;
            }
            if let Some(base) = self.base {
                write!(f, "/{base}")?;
            }
        }
        Ok(())
    }
}

impl NatTarget {
    /// The name after `-j`.
    pub fn name(&self) -> &'static str {
        match self.variant {
            NatVariant::Dnat => "DNAT",
            NatVariant::Snat => "SNAT",
            NatVariant::Masquerade => "MASQUERADE",
            NatVariant::Redirect => "REDIRECT",
        }
    }

    pub(super) fn save(&self, out: &mut SaveOptions) {
        match self.variant {
            NatVariant::Dnat => out.value("to-destination", format_args!("{:#}", self.range)),
            NatVariant::Snat => out.value("to-source", format_args!("{:#}", self.range)),
            NatVariant::Masquerade | NatVariant::Redirect => {
                if self.range.ports.is_some() {
                    out.value("to-ports", self.range);
                }
            }
        }
        if matches!(self.choice, PortChoice::Random | PortChoice::Both) {
            out.flag("random");
        }
        if matches!(self.choice, PortChoice::RandomFully | PortChoice::Both) {
            out.flag("random-fully");
        }
        if self.persistent {
            out.flag("persistent");
        }
    }
}

impl NatTarget {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        match self.variant {
            NatVariant::Dnat | NatVariant::Snat => out.words(format_args!("to:{:#}", self.range)),
            NatVariant::Masquerade if self.range.ports.is_some() => {
                out.words(format_args!("masq ports: {}", self.range));
            }
            NatVariant::Redirect if self.range.ports.is_some() => {
                out.words(format_args!("redir ports {}", self.range));
            }
            NatVariant::Masquerade | NatVariant::Redirect => {}
        }
        if matches!(self.choice, PortChoice::Random | PortChoice::Both) {
            out.words("random");
        }
        if matches!(self.choice, PortChoice::RandomFully | PortChoice::Both) {
            out.words("random-fully");
        }
        if self.persistent {
            out.words("persistent");
        }
    }
}
