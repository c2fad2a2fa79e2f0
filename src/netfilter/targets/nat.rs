//! `-j DNAT`, `SNAT`, `MASQUERADE` and `REDIRECT`: set up a flow's translation.

use super::super::extension::{Args, BOTH, Build, Extension, Fidelity, Opt};
use super::super::text::SaveOptions;
use super::super::value::{self, Kind};
use super::super::{Family, Hook, RuleError, TableName, Target};
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
        let fully = args.ext.opts.iter().any(|o| o.name == "random-fully") && args.has("random-fully");
        match (args.has("random"), fully) {
            (false, false) => PortChoice::Keep,
            (true, false) => PortChoice::Random,
            (false, true) => PortChoice::RandomFully,
            (true, true) => PortChoice::Both,
        }
    }
}

const RANDOM: Opt = Opt::new("random", Kind::None);
const PERSISTENT: Opt = Opt::new("persistent", Kind::None);
const FULLY: Opt = Opt::new("random-fully", Kind::None);
const NAT: &[TableName] = &[TableName::Nat];
const DST: &[Hook] = &[Hook::Prerouting, Hook::Output];

pub(super) static DNAT: Extension = Extension {
    name: "DNAT",
    families: BOTH,
    opts: &[Opt::new("to-destination", Kind::Text).req(), RANDOM, PERSISTENT],
    build: Build::Target(|args| build(args, NatVariant::Dnat)),
    fidelity: Fidelity::Modelled,
    tables: NAT,
    hooks: DST,
};
pub(super) static SNAT: Extension = Extension {
    name: "SNAT",
    families: BOTH,
    opts: &[Opt::new("to-source", Kind::Text).req(), RANDOM, FULLY, PERSISTENT],
    build: Build::Target(|args| build(args, NatVariant::Snat)),
    fidelity: Fidelity::Modelled,
    tables: NAT,
    hooks: &[Hook::Postrouting, Hook::Input],
};
pub(super) static MASQUERADE: Extension = Extension {
    name: "MASQUERADE",
    families: BOTH,
    opts: &[Opt::new("to-ports", Kind::Text), RANDOM, FULLY],
    build: Build::Target(|args| build(args, NatVariant::Masquerade)),
    fidelity: Fidelity::Modelled,
    tables: NAT,
    hooks: &[Hook::Postrouting],
};
pub(super) static REDIRECT: Extension = Extension {
    name: "REDIRECT",
    families: BOTH,
    opts: &[Opt::new("to-ports", Kind::Text), RANDOM],
    build: Build::Target(|args| build(args, NatVariant::Redirect)),
    fidelity: Fidelity::Modelled,
    tables: NAT,
    hooks: DST,
};

fn build(args: &Args, variant: NatVariant) -> Result<Target, RuleError> {
    let range = match variant {
        NatVariant::Dnat => address_range(args, args.text("to-destination").unwrap_or_default())?,
        NatVariant::Snat => address_range(args, args.text("to-source").unwrap_or_default())?,
        NatVariant::Masquerade | NatVariant::Redirect => match args.text("to-ports") {
            Some(text) => port_only(args, text)?,
            None => NatRange::default(),
        },
    };
    let persistent = args.ext.opts.iter().any(|o| o.name == "persistent") && args.has("persistent");
    Ok(Target::Nat(NatTarget { variant, range, choice: PortChoice::of(args), persistent }))
}

/// `[ADDR[-ADDR]][:PORT[-PORT[/BASE]]]`, IPv6 addresses in brackets where a port follows.
fn address_range(args: &Args, text: &str) -> Result<NatRange, RuleError> {
    let (addrs, ports) = match (args.family, text.strip_prefix('[').and_then(|t| t.split_once(']'))) {
        (Family::Ip6, Some((addrs, rest))) => (addrs, rest.strip_prefix(':')),
        (Family::Ip6, None) => (text, None),
        (Family::Ip, _) => match text.split_once(':') {
            Some((addrs, ports)) => (addrs, Some(ports)),
            None => (text, None),
        },
    };
    let mut range = match ports {
        Some(ports) => port_only(args, ports)?,
        None => NatRange::default(),
    };
    if !addrs.is_empty() {
        let (low, high) = addrs.split_once('-').unwrap_or((addrs, addrs));
        let read = |t: &str| {
            let bad = || args.said(format!("Bad IP address \"{t}\"\n"));
            let addr: IpAddr = t.parse().map_err(|_| bad())?;
            if Family::of(addr) == args.family { Ok(addr) } else { Err(bad()) }
        };
        range.addrs = Some((read(low)?, read(high)?));
    }
    Ok(range)
}

/// `PORT[-PORT[/BASE]]`; needs a protocol that has ports.
fn port_only(args: &Args, text: &str) -> Result<NatRange, RuleError> {
    if !args.bound_proto().is_some_and(|p| p.has_ports()) {
        return Err(args.said("Need TCP, UDP, SCTP or DCCP with port specification"));
    }
    let bad = || args.said(format!("Port range `{text}' invalid\n"));
    let (ports, base) = match text.split_once('/') {
        Some((ports, base)) => (ports, Some(base)),
        None => (text, None),
    };
    let (low, high) = ports.split_once('-').unwrap_or((ports, ports));
    let read = |t: &str| value::port(t, args.bound_proto()).map_err(|_| bad());
    let (low, high) = (read(low)?, read(high)?);
    if low > high {
        return Err(bad());
    }
    Ok(NatRange { addrs: None, ports: Some((low, high)), base: base.map(read).transpose()? })
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
