//! `-j NETMAP`: maps one network onto another, address by address.

use super::super::extension::{Args, BOTH, Build, Extension, Fidelity, Opt};
use super::super::rule::AddrMask;
use super::super::text::SaveOptions;
use super::super::value::{Kind, Value};
use super::super::{Hook, RuleError, TableName, Target};
use std::net::IpAddr;

/// The network that takes the place of the address's own (iptables-extensions(8), NETMAP).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Netmap {
    /// `--to`.
    pub to: AddrMask,
}

pub(super) static EXT: Extension = Extension {
    name: "NETMAP",
    families: BOTH,
    opts: &[Opt::new("to", Kind::HostMask).req()],
    build: Build::Target(build),
    fidelity: Fidelity::Modelled,
    tables: &[TableName::Nat],
    hooks: &[Hook::Prerouting, Hook::Input, Hook::Output, Hook::Postrouting],
};

fn build(args: &Args) -> Result<Target, RuleError> {
    match args.get("to").map(|a| &a.value) {
        Some(Value::HostMask(to)) => Ok(Target::Netmap(Netmap { to: *to })),
        _ => Err(RuleError::Required { ext: "NETMAP", opt: "to" }),
    }
}

impl Netmap {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        match (self.to.prefix_len(), self.to.addr()) {
            (Some(len), addr) if len == super::super::Family::of(addr).bits() => out.value("to", addr),
            _ => out.value("to", self.to),
        }
    }

    /// The address with the network part of `--to` and its own host part.
    pub fn map(&self, addr: IpAddr) -> IpAddr {
        match (addr, self.to.addr(), self.to.mask()) {
            (IpAddr::V4(a), IpAddr::V4(net), IpAddr::V4(mask)) => IpAddr::V4((a & !mask) | net),
            (IpAddr::V6(a), IpAddr::V6(net), IpAddr::V6(mask)) => IpAddr::V6((a & !mask) | net),
            _ => addr,
        }
    }
}
