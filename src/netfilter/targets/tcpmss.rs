//! `-j TCPMSS`: writes the segment size that TCP offers.

use super::super::extension::{Args, Extension, Opt, V4, V6, said};
use super::super::text::SaveOptions;
use super::super::value::Kind;
use super::super::{Family, Hook, RuleError, Target};
use crate::packet::Proto;

/// What the MSS option of a SYN becomes (iptables-extensions(8), TCPMSS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpMss {
    /// `--set-mss`.
    Set(u16),
    /// `--clamp-mss-to-pmtu`: what the path carries, less the headers.
    Clamp,
}

/// An IPv4 packet's bytes less its header's; an IPv6 one's.
const MAX: u64 = 65_535 - 20;
const MAX6: u64 = 65_535 - 40;

pub(super) static EXT: Extension = Extension::a_target(
    "TCPMSS",
    V4,
    &[Opt::new("set-mss", Kind::Number(0, MAX)), Opt::flag("clamp-mss-to-pmtu")],
    build,
)
.check(check)
.ignoring(&["clamp-mss-to-pmtu"])
.protos(&[Proto::TCP]);
pub(super) static EXT6: Extension = Extension::a_target(
    "TCPMSS",
    V6,
    &[Opt::new("set-mss", Kind::Number(0, MAX6)), Opt::flag("clamp-mss-to-pmtu")],
    build,
)
.check(check)
.ignoring(&["clamp-mss-to-pmtu"])
.protos(&[Proto::TCP]);

fn check(args: &Args) -> Result<(), RuleError> {
    if args.given.is_empty() {
        return said("TCPMSS target: At least one parameter is required");
    }
    Ok(())
}

fn build(args: &Args) -> Result<Target, RuleError> {
    // Given both, the clamp wins.
    Ok(Target::TcpMss(match args.number("set-mss") {
        Some(mss) if !args.has("clamp-mss-to-pmtu") => TcpMss::Set(mss as u16),
        _ => TcpMss::Clamp,
    }))
}

impl TcpMss {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        match self {
            TcpMss::Set(mss) => out.value("set-mss", mss),
            TcpMss::Clamp => out.flag("clamp-mss-to-pmtu"),
        }
    }

    /// The base chains from which the kernel takes it.
    pub(super) fn base_hooks(&self) -> &'static [Hook] {
        match self {
            TcpMss::Set(_) => &[],
            TcpMss::Clamp => &[Hook::Forward, Hook::Output, Hook::Postrouting],
        }
    }

    /// The MSS of a SYN afterwards, where it had `mss` and the path carries packets of `mtu` bytes; `None` where
    /// it stays. A SYN without the option gets none here (`tcpmss_mangle_packet` never makes it larger).
    pub fn apply(self, family: Family, mss: u16, mtu: u16) -> Option<u16> {
        let headers = if family.is_v4() { 40 } else { 60 };
        let new = match self {
            TcpMss::Set(new) => new,
            TcpMss::Clamp => mtu.saturating_sub(headers),
        };
        (new < mss).then_some(new)
    }
}
