//! What rules and packets tell of a host that nobody described. Each conclusion is an [`Assumption`] that the
//! trace shows.

use super::device::DeviceKind;
use super::event::{Assumption, Routed};
use super::fib::{Address, Nexthop, Prefix, Route, TableId};
use super::host::Host;
use super::inject::Injected;
use crate::abi::{IfName, Mac};
use crate::netfilter::{
    AddrMask, Family, IfMatch, Inv, Rule, RuleRef, Ruleset, TableName, Target, targets::NatVariant,
};

/// Works out a host.
///
/// - A network that a rule masquerades when it leaves by any other interface, and an address that a rule
///   lets in only by one interface, lie behind that interface.
/// - `out=` says that the destination is reached by that interface, and, for a packet of a local process,
///   that the source is an address on it.
/// - A packet that comes in by an interface, without `out=`, is for the host itself, unless its destination
///   lies behind an interface or its source behind the one it came in by.
/// - All else is reached by the interface that a packet for the host itself came in by.
pub fn infer(ruleset: &Ruleset, packets: &[Injected]) -> Host {
    let mut host = Host::new(false);
    host.set_forwarding(true);
    for (at, rule) in ruleset.rules() {
        if let Some((net, dev)) = network(&at, rule)
            && host.add_way(net, &dev)
        {
            host.assumptions.push(Assumption::Network { net, dev, rule: at });
        }
    }
    for injected in packets {
        host.learn(injected);
    }
    host
}

impl Host {
    /// Adds a device of which only the name is known, if it is not there yet, and sets it up.
    pub fn describe_device(&mut self, dev: &IfName) {
        if self.devices.get(dev).is_none() {
            self.add_device(dev.clone(), DeviceKind::Described, Mac::ZERO);
            self.set_up(dev);
        }
    }

    /// Adds a way to a network by a device; false if there is one, or if the mask is not a prefix.
    fn add_way(&mut self, net: AddrMask, dev: &IfName) -> bool {
        let Some(dst) = net.prefix_len().and_then(|len| Prefix::new(net.addr(), len)) else { return false };
        if self.fib.table(dst.family(), TableId::MAIN).iter().any(|r| r.dst == dst) {
            return false;
        }
        self.describe_device(dev);
        let nexthops = vec![Nexthop::new(Some(dev.clone()), None)];
        self.add_route(TableId::MAIN, Route { nexthops, ..Route::new(dst) });
        true
    }

    /// Takes in what one more packet tells, unless the host was described.
    pub fn learn(&mut self, injected: &Injected) {
        if !self.described {
            learn(self, injected);
        }
    }
}

fn learn(host: &mut Host, injected: &Injected) {
    let (src, dst) = (injected.packet.src, injected.packet.dst);
    let behind = |host: &Host, addr, dev: &IfName| host.route(addr) == Routed::Out(dev.clone());
    match (&injected.iif, &injected.out) {
        (_, Some(out)) => {
            if injected.iif.is_none() {
                own_address(host, src, out);
            }
            if host.owner(dst).is_none() && !behind(host, dst, out) {
                host.add_way(AddrMask::host(dst), out);
                host.assumptions.push(Assumption::Reached { addr: dst, dev: out.clone() });
            }
        }
        (Some(iif), None) => {
            let through = behind(host, src, iif) || matches!(host.route(dst), Routed::Out(_));
            if !iif.is_lo() && !through && host.route(dst) == Routed::Unknown {
                own_address(host, dst, iif);
                default_route(host, iif, Family::of(dst));
            }
        }
        (None, None) => {}
    }
}

fn own_address(host: &mut Host, addr: std::net::IpAddr, dev: &IfName) {
    if host.owner(addr).is_some() || addr.is_multicast() || dev.is_lo() {
        return;
    }
    host.describe_device(dev);
    let _ = host.add_address(dev, Address::new(addr, Family::of(addr).bits()));
    host.assumptions.push(Assumption::OwnAddress { addr, dev: dev.clone() });
}

fn default_route(host: &mut Host, dev: &IfName, family: Family) {
    let any: std::net::IpAddr = match family {
        Family::Ip => std::net::Ipv4Addr::UNSPECIFIED.into(),
        Family::Ip6 => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let Some(dst) = AddrMask::prefix(any, 0) else { return };
    if !host.add_way(dst, dev) {
        return;
    }
    host.assumptions.push(Assumption::DefaultRoute { dev: dev.clone() });
}

/// The network that a rule says to lie behind an interface.
fn network(at: &RuleRef, rule: &Rule) -> Option<(AddrMask, IfName)> {
    let named = |m: &Option<Inv<IfMatch>>, not: bool| {
        m.as_ref().filter(|i| i.not == not).and_then(|i| i.value.exact()).filter(|i| !i.is_lo())
    };
    let plain = |a: Option<Inv<AddrMask>>| a.filter(|a| !a.not && !a.value.is_everything()).map(|a| a.value);
    let masquerades = matches!(&rule.target, Target::Nat(n) if n.variant == NatVariant::Masquerade);
    if at.table == TableName::Nat && masquerades {
        return Some((plain(rule.src)?, named(&rule.oif, true)?));
    }
    if at.table == TableName::Filter && rule.target == Target::Accept {
        let (inside, dev) = (named(&rule.iif, true)?, named(&rule.oif, false)?);
        return (inside == dev).then_some((plain(rule.dst)?, dev));
    }
    None
}
