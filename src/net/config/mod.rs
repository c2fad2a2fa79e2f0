//! What changes a host's configuration: devices, addresses, routes, rules, neighbours and settings, each change an
//! event with its cause, as `ip monitor` and rtnetlink(7) tell of them.

mod diff;
mod watch;

use super::DeviceKind;
use super::fib::{Address, IpRule, Route, TableId};
use crate::abi::{IfName, Mac};
use crate::netfilter::Family;
use serde::Serialize;
use smol_str::SmolStr;
use std::net::IpAddr;

pub use watch::watched;
pub(super) use watch::{Told, tell, tell_since};

/// One change of a host's configuration. That of a neighbour by hand is [`super::LinkEvent::Neighbour`], as any other.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum ConfigEvent {
    /// A network namespace came into being, with nothing but `lo`, which is down.
    NamespaceAdded {
        /// Its name.
        name: SmolStr,
    },
    /// A network namespace is gone, with all that was in it.
    NamespaceRemoved {
        /// Its name.
        name: SmolStr,
    },
    /// A device came into being, or out of another network namespace: down, with the settings that `default` has.
    LinkAdded {
        /// Its name.
        dev: IfName,
        /// Its number.
        index: u32,
        /// What it is.
        kind: DeviceKind,
        /// Its hardware address.
        mac: Mac,
        /// Its MTU in bytes.
        mtu: u32,
        /// Something is at its other end.
        carrier: bool,
        /// The host that it came from, where it was there before.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<SmolStr>,
    },
    /// A device is gone, with its settings.
    LinkDeleted {
        /// Its name.
        dev: IfName,
        /// Its number.
        index: u32,
        /// The host that it went to, where it is still there.
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<SmolStr>,
    },
    /// Something of a device was set.
    LinkChanged {
        /// The device; after a change of its name, by the new one.
        dev: IfName,
        /// What.
        change: LinkChange,
    },
    /// Something is at a device's other end now, or is no longer.
    CarrierChanged {
        /// The device.
        dev: IfName,
        /// Now.
        carrier: bool,
    },
    /// A device has another address.
    AddressAdded {
        /// The device.
        dev: IfName,
        /// Its place among the device's addresses.
        at: usize,
        /// The address.
        address: Address,
    },
    /// An address is gone.
    AddressRemoved {
        /// The device.
        dev: IfName,
        /// The address.
        address: Address,
    },
    /// An address has other properties.
    AddressChanged {
        /// The device.
        dev: IfName,
        /// As it was.
        before: Address,
        /// As it is.
        after: Address,
    },
    /// A table has another route.
    RouteAdded {
        /// The table.
        table: TableId,
        /// Its place in the table.
        at: usize,
        /// The route.
        route: Route,
    },
    /// A route is gone.
    RouteRemoved {
        /// The table.
        table: TableId,
        /// The route.
        route: Route,
    },
    /// A route stands in the place of another of the same destination, TOS and metric.
    RouteReplaced {
        /// The table.
        table: TableId,
        /// As it was.
        before: Route,
        /// As it is.
        after: Route,
    },
    /// There is another rule of policy routing.
    RuleAdded {
        /// Whose.
        family: Family,
        /// Its place among the rules.
        at: usize,
        /// The rule.
        rule: IpRule,
    },
    /// A rule of policy routing is gone.
    RuleRemoved {
        /// Whose.
        family: Family,
        /// The rule.
        rule: IpRule,
    },
    /// A neighbour is no longer known.
    NeighbourRemoved {
        /// The device.
        dev: IfName,
        /// The neighbour.
        addr: IpAddr,
    },
    /// A bridge no longer knows where a hardware address is.
    FdbRemoved {
        /// The bridge.
        bridge: IfName,
        /// Its port.
        port: IfName,
        /// The address.
        mac: Mac,
    },
    /// A setting has another value.
    SysctlSet {
        /// Its key, with dots; a dot in an interface's name is a slash (sysctl(8)).
        key: String,
        /// The value.
        value: i64,
    },
}

impl ConfigEvent {
    /// The device that it is about.
    pub fn dev(&self) -> Option<&IfName> {
        match self {
            ConfigEvent::LinkAdded { dev, .. }
            | ConfigEvent::LinkDeleted { dev, .. }
            | ConfigEvent::LinkChanged { dev, .. }
            | ConfigEvent::CarrierChanged { dev, .. }
            | ConfigEvent::AddressAdded { dev, .. }
            | ConfigEvent::AddressRemoved { dev, .. }
            | ConfigEvent::AddressChanged { dev, .. }
            | ConfigEvent::NeighbourRemoved { dev, .. }
            | ConfigEvent::FdbRemoved { bridge: dev, .. } => Some(dev),
            ConfigEvent::NamespaceAdded { .. }
            | ConfigEvent::NamespaceRemoved { .. }
            | ConfigEvent::RouteAdded { .. }
            | ConfigEvent::RouteRemoved { .. }
            | ConfigEvent::RouteReplaced { .. }
            | ConfigEvent::RuleAdded { .. }
            | ConfigEvent::RuleRemoved { .. }
            | ConfigEvent::SysctlSet { .. } => None,
        }
    }
}

/// What was set of a device (ip-link(8)).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkChange {
    /// `up`, `down`.
    Up(bool),
    /// It was called so.
    Name(IfName),
    /// `mtu`.
    Mtu(u32),
    /// `address`.
    Mac(Mac),
    /// `master`, `nomaster`.
    Master(Option<IfName>),
    /// `hairpin`.
    Hairpin(bool),
    /// `promisc`.
    Promisc(bool),
    /// `allmulticast`.
    Allmulticast(bool),
    /// `multicast`.
    Multicast(bool),
    /// `txqueuelen`.
    Queue(u32),
    /// `alias`.
    Alias(Option<String>),
    /// `group`.
    Group(u32),
}
