//! `-j NETMAP`: moves a whole network, host bits staying.

use super::super::addr::HostMask;
use super::super::extension::{Args, BOTH, Extension, Opt};
use super::super::rule::AddrMask;
use super::super::text::{Print, SaveOptions};
use super::super::value::{Kind, Value};
use super::super::{Hook, RuleError, TableName, Target};
use std::net::IpAddr;

/// The network that an address moves to (iptables-extensions(8), NETMAP): the destination in PREROUTING and
/// OUTPUT, the source in POSTROUTING and INPUT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetMap(pub AddrMask);

pub(super) static EXT: Extension =
    Extension::a_target("NETMAP", BOTH, &[Opt::new("to", Kind::HostMask).req()], build)
        .tables(&[TableName::Nat])
        .hooks(&[Hook::Prerouting, Hook::Input, Hook::Output, Hook::Postrouting]);

fn build(args: &Args) -> Result<Target, RuleError> {
    let given = match args.get("to").map(|a| &a.value) {
        Some(Value::HostMask(given)) => *given,
        _ => HostMask::host(if args.family.is_v4() {
            std::net::Ipv4Addr::UNSPECIFIED.into()
        } else {
            std::net::Ipv6Addr::UNSPECIFIED.into()
        }),
    };
    // A mask that is no prefix counts as a whole one.
    let len = given.prefix_len().unwrap_or(args.family.bits());
    Ok(Target::NetMap(NetMap(AddrMask::prefix(given.addr, len).unwrap_or(AddrMask::host(given.addr)))))
}

impl NetMap {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        out.value("to", self.0);
    }

    /// What an address becomes.
    pub fn apply(self, addr: IpAddr) -> IpAddr {
        match (addr, self.0.addr(), self.0.mask()) {
            (IpAddr::V4(a), IpAddr::V4(net), IpAddr::V4(mask)) => IpAddr::V4((a & !mask) | net),
            (IpAddr::V6(a), IpAddr::V6(net), IpAddr::V6(mask)) => IpAddr::V6((a & !mask) | net),
            _ => addr,
        }
    }
}

impl NetMap {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.words(format_args!("to:{}", self.0));
    }
}
