//! The source that a host gives its own packets.

use super::{Address, Link, Links, Scope};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IPv4 address for packets that leave by an interface (`inet_select_addr`): the first primary one in the
/// network of `near`, else the interface's first of the scope, else another interface's.
pub fn select_address(
    links: &impl Links,
    link: &Link,
    near: Option<Ipv4Addr>,
    scope: Scope,
) -> Option<Ipv4Addr> {
    let most = if link.conf.route_localnet { Scope::LINK } else { Scope::HOST };
    let primary = link.addrs.iter().filter(|a| !a.secondary && a.scope.min(most) <= scope);
    let mut first = None;
    for address in primary {
        let IpAddr::V4(local) = address.local else { continue };
        if near.is_none_or(|near| address.on_link(IpAddr::V4(near))) {
            return Some(local);
        }
        first = first.or(Some(local));
    }
    first.or_else(|| links.links().find_map(|other| elsewhere(other, scope)))
}

fn elsewhere(link: &Link, scope: Scope) -> Option<Ipv4Addr> {
    link.addrs.iter().find_map(|a| match a.local {
        IpAddr::V4(local) if !a.secondary && a.scope != Scope::LINK && a.scope <= scope => Some(local),
        _ => None,
    })
}

/// The IPv6 source for a destination (RFC 6724, section 5; `ipv6_dev_get_saddr`): of the rules 1 (same
/// address), 2 (scope), 3 (not deprecated), 4 (home), 5 (outgoing interface), 6 (label) and 8 (longest prefix)
/// the first that tells two candidates apart; else the earlier one. Link-local and group destinations take only
/// addresses of the interface.
pub fn select_source6(links: &impl Links, dev: Option<&Link>, dst: Ipv6Addr) -> Option<Ipv6Addr> {
    let only_dev = dst.is_multicast() || dst.is_unicast_link_local();
    let mut best: Option<(Rank, Ipv6Addr)> = None;
    let mut consider = |link: &Link| {
        for address in &link.addrs {
            let Some(rank) = rank(address, link, dev, dst) else { continue };
            let IpAddr::V6(local) = address.local else { continue };
            if best.is_none_or(|(other, _)| rank > other) {
                best = Some((rank, local));
            }
        }
    };
    match dev {
        Some(dev) if only_dev => consider(dev),
        Some(_) | None => links.links().filter(|l| l.up && !l.conf.disable_ipv6).for_each(&mut consider),
    }
    best.map(|(_, addr)| addr)
}

/// How good a source is: the rules in their order, the greater the better. Scopes count as in the rule: the
/// smallest that reaches, else the largest.
type Rank = (bool, i16, bool, bool, bool, bool, u8);

fn rank(address: &Address, link: &Link, dev: Option<&Link>, dst: Ipv6Addr) -> Option<Rank> {
    let IpAddr::V6(addr) = address.local else { return None };
    if address.tentative || addr.is_unspecified() || addr.is_multicast() {
        return None;
    }
    let scope = i16::from(scope6(addr));
    let reach = i16::from(scope6(dst));
    let fits = if scope >= reach { 16 - scope } else { scope - 128 };
    let same_dev = dev.is_none_or(|dev| dev.name == link.name);
    let same_label = label(addr) == label(dst);
    let common = (addr.to_bits() ^ dst.to_bits()).leading_zeros() as u8;
    let prefix = common.min(address.len);
    Some((addr == dst, fits, !address.deprecated, address.home, same_dev, same_label, prefix))
}

/// The scope of an address, as in a group's address: 1 host, 2 link, 5 site, 14 global.
fn scope6(addr: Ipv6Addr) -> u8 {
    if addr.is_multicast() {
        (addr.segments()[0] & 0xf) as u8
    } else if addr.is_loopback() || addr.is_unicast_link_local() {
        2
    } else if addr.segments()[0] & 0xffc0 == 0xfec0 {
        5
    } else {
        14
    }
}

/// The address's label (`ip addrlabel`, what the kernel begins with).
fn label(addr: Ipv6Addr) -> u8 {
    let s = addr.segments();
    if addr.is_loopback() {
        0
    } else if s[..5] == [0; 5] && s[5] == 0xffff {
        4
    } else if s[..6] == [0; 6] {
        3
    } else if s[0] == 0x2002 {
        2
    } else if s[0] == 0x2001 && s[1] == 0 {
        6
    } else if s[0] == 0x2001 && s[1] & 0xfff0 == 0x10 {
        7
    } else if s[0] & 0xfe00 == 0xfc00 {
        5
    } else if s[0] & 0xffc0 == 0xfec0 {
        11
    } else if s[0] == 0x3ffe {
        12
    } else {
        1
    }
}
