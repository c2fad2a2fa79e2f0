//! The host's settings under `/proc/sys/net` that change a packet's way (ip-sysctl of the kernel's documentation).

use crate::abi::IfName;
use crate::netfilter::Family;
use std::collections::BTreeMap;

/// A setting of an interface (`net.ipv4.conf.IF.*`, `net.ipv6.conf.IF.*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Conf {
    /// Packets that come in by it are forwarded.
    Forwarding,
    /// The reverse path is checked: 1 strictly, 2 loosely.
    RpFilter,
    /// 127/8 may come in by it and leave by it.
    RouteLocalnet,
    /// A packet with one of the host's own addresses as source may come in.
    AcceptLocal,
    /// Redirects are sent.
    SendRedirects,
    /// Redirects are believed.
    AcceptRedirects,
    /// Only redirects to known gateways are believed.
    SecureRedirects,
    /// The link is shared by several networks.
    SharedMedia,
    /// Which ARP requests are answered.
    ArpIgnore,
    /// Which source address ARP requests have.
    ArpAnnounce,
    /// An ARP request is answered only where the way back leaves by the same interface.
    ArpFilter,
    /// ARP requests for addresses behind other interfaces are answered.
    ProxyArp,
    /// The mark counts in the reverse path check.
    SrcValidMark,
    /// Broadcasts of a network are forwarded into it.
    BcForwarding,
    /// Impossible addresses are logged.
    LogMartians,
    /// IPv6 is off.
    DisableIpv6,
    /// Duplicate address detection.
    AcceptDad,
    /// Router advertisements are believed.
    AcceptRa,
    /// The interface's IPv6 MTU.
    Mtu,
    /// IPv6's hop limit.
    HopLimit,
}

/// A setting of the whole host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Global {
    /// `net.ipv4.ip_default_ttl`.
    DefaultTtl,
    /// `net.ipv4.ip_nonlocal_bind`.
    NonlocalBind,
    /// `net.ipv6.ip_nonlocal_bind`.
    NonlocalBind6,
    /// `net.ipv4.ip_unprivileged_port_start`.
    UnprivilegedPortStart,
    /// `net.ipv4.ip_no_pmtu_disc`.
    NoPmtuDisc,
    /// `net.ipv4.ip_forward_use_pmtu`.
    ForwardUsePmtu,
    /// `net.ipv4.icmp_echo_ignore_all`.
    EchoIgnoreAll,
    /// `net.ipv6.icmp.echo_ignore_all`.
    EchoIgnoreAll6,
    /// `net.ipv4.icmp_echo_ignore_broadcasts`.
    EchoIgnoreBroadcasts,
    /// `net.ipv4.icmp_errors_use_inbound_ifaddr`.
    IcmpErrorsUseInbound,
    /// `net.ipv4.icmp_ratelimit`, milliseconds.
    IcmpRateLimit,
    /// `net.ipv6.icmp.ratelimit`, milliseconds.
    Icmp6RateLimit,
    /// `net.ipv4.fwmark_reflect`.
    FwmarkReflect,
    /// `net.ipv6.fwmark_reflect`.
    FwmarkReflect6,
    /// `net.ipv4.tcp_fwmark_accept`.
    TcpFwmarkAccept,
    /// `net.bridge.bridge-nf-call-iptables`.
    BridgeCallIptables,
    /// `net.bridge.bridge-nf-call-ip6tables`.
    BridgeCallIp6tables,
    /// `net.bridge.bridge-nf-call-arptables`.
    BridgeCallArptables,
    /// `net.bridge.bridge-nf-filter-vlan-tagged`.
    BridgeFilterVlan,
    /// `net.bridge.bridge-nf-pass-vlan-input-dev`.
    BridgePassVlanDev,
    /// `net.ipv6.bindv6only`.
    BindV6Only,
    /// `net.ipv4.tcp_timestamps`.
    TcpTimestamps,
    /// `net.ipv4.tcp_sack`.
    TcpSack,
    /// `net.ipv4.tcp_window_scaling`.
    TcpWindowScaling,
    /// `net.ipv4.udp_early_demux`, and its kin, change no answer.
    UdpEarlyDemux,
    /// `net.ipv4.ip_early_demux`.
    IpEarlyDemux,
    /// `net.ipv4.tcp_early_demux`.
    TcpEarlyDemux,
}

/// Each global setting: its key and its value in a fresh network namespace.
const GLOBALS: &[(Global, &str, i64)] = &[
    (Global::DefaultTtl, "net.ipv4.ip_default_ttl", 64),
    (Global::NonlocalBind, "net.ipv4.ip_nonlocal_bind", 0),
    (Global::NonlocalBind6, "net.ipv6.ip_nonlocal_bind", 0),
    (Global::UnprivilegedPortStart, "net.ipv4.ip_unprivileged_port_start", 1024),
    (Global::NoPmtuDisc, "net.ipv4.ip_no_pmtu_disc", 0),
    (Global::ForwardUsePmtu, "net.ipv4.ip_forward_use_pmtu", 0),
    (Global::EchoIgnoreAll, "net.ipv4.icmp_echo_ignore_all", 0),
    (Global::EchoIgnoreAll6, "net.ipv6.icmp.echo_ignore_all", 0),
    (Global::EchoIgnoreBroadcasts, "net.ipv4.icmp_echo_ignore_broadcasts", 1),
    (Global::IcmpErrorsUseInbound, "net.ipv4.icmp_errors_use_inbound_ifaddr", 0),
    (Global::IcmpRateLimit, "net.ipv4.icmp_ratelimit", 1000),
    (Global::Icmp6RateLimit, "net.ipv6.icmp.ratelimit", 1000),
    (Global::FwmarkReflect, "net.ipv4.fwmark_reflect", 0),
    (Global::FwmarkReflect6, "net.ipv6.fwmark_reflect", 0),
    (Global::TcpFwmarkAccept, "net.ipv4.tcp_fwmark_accept", 0),
    (Global::BridgeCallIptables, "net.bridge.bridge-nf-call-iptables", 1),
    (Global::BridgeCallIp6tables, "net.bridge.bridge-nf-call-ip6tables", 1),
    (Global::BridgeCallArptables, "net.bridge.bridge-nf-call-arptables", 1),
    (Global::BridgeFilterVlan, "net.bridge.bridge-nf-filter-vlan-tagged", 0),
    (Global::BridgePassVlanDev, "net.bridge.bridge-nf-pass-vlan-input-dev", 0),
    (Global::BindV6Only, "net.ipv6.bindv6only", 0),
    (Global::TcpTimestamps, "net.ipv4.tcp_timestamps", 1),
    (Global::TcpSack, "net.ipv4.tcp_sack", 1),
    (Global::TcpWindowScaling, "net.ipv4.tcp_window_scaling", 1),
    (Global::UdpEarlyDemux, "net.ipv4.udp_early_demux", 1),
    (Global::IpEarlyDemux, "net.ipv4.ip_early_demux", 1),
    (Global::TcpEarlyDemux, "net.ipv4.tcp_early_demux", 1),
];

/// Each setting of an interface: its name, the family, and the value before anybody sets it.
const CONFS: &[(Conf, &str, Family, i64)] = &[
    (Conf::Forwarding, "forwarding", Family::Ip, 0),
    (Conf::RpFilter, "rp_filter", Family::Ip, 0),
    (Conf::RouteLocalnet, "route_localnet", Family::Ip, 0),
    (Conf::AcceptLocal, "accept_local", Family::Ip, 0),
    (Conf::SendRedirects, "send_redirects", Family::Ip, 1),
    (Conf::AcceptRedirects, "accept_redirects", Family::Ip, 1),
    (Conf::SecureRedirects, "secure_redirects", Family::Ip, 1),
    (Conf::SharedMedia, "shared_media", Family::Ip, 1),
    (Conf::ArpIgnore, "arp_ignore", Family::Ip, 0),
    (Conf::ArpAnnounce, "arp_announce", Family::Ip, 0),
    (Conf::ArpFilter, "arp_filter", Family::Ip, 0),
    (Conf::ProxyArp, "proxy_arp", Family::Ip, 0),
    (Conf::SrcValidMark, "src_valid_mark", Family::Ip, 0),
    (Conf::BcForwarding, "bc_forwarding", Family::Ip, 0),
    (Conf::LogMartians, "log_martians", Family::Ip, 0),
    (Conf::Forwarding, "forwarding", Family::Ip6, 0),
    (Conf::AcceptRedirects, "accept_redirects", Family::Ip6, 1),
    (Conf::DisableIpv6, "disable_ipv6", Family::Ip6, 0),
    (Conf::AcceptDad, "accept_dad", Family::Ip6, 1),
    (Conf::AcceptRa, "accept_ra", Family::Ip6, 1),
    (Conf::Mtu, "mtu", Family::Ip6, 1500),
    (Conf::HopLimit, "hop_limit", Family::Ip6, 64),
];

/// Settings of an interface that are kept, and change nothing of what the model has: it has no source routing, no
/// gratuitous ARP, no IPsec, no group membership messages, no router advertisements.
const KEPT_CONFS: &[(&str, Family)] = &[
    ("accept_source_route", Family::Ip),
    ("arp_accept", Family::Ip),
    ("arp_evict_nocarrier", Family::Ip),
    ("arp_notify", Family::Ip),
    ("disable_policy", Family::Ip),
    ("disable_xfrm", Family::Ip),
    ("drop_gratuitous_arp", Family::Ip),
    ("force_igmp_version", Family::Ip),
    ("igmpv2_unsolicited_report_interval", Family::Ip),
    ("igmpv3_unsolicited_report_interval", Family::Ip),
    ("accept_ra_defrtr", Family::Ip6),
    ("accept_ra_pinfo", Family::Ip6),
    ("accept_source_route", Family::Ip6),
    ("addr_gen_mode", Family::Ip6),
    ("autoconf", Family::Ip6),
    ("dad_transmits", Family::Ip6),
    ("router_solicitations", Family::Ip6),
    ("use_tempaddr", Family::Ip6),
];

/// Settings of the whole host that are kept, and change nothing of what the model has: sizes of queues and
/// tables, speeds, and limits that no lab reaches.
const KEPT: &[&str] = &[
    "net.core.rmem_default",
    "net.core.rmem_max",
    "net.core.somaxconn",
    "net.core.wmem_default",
    "net.core.wmem_max",
    "net.ipv4.icmp_ignore_bogus_error_responses",
    "net.ipv4.icmp_msgs_burst",
    "net.ipv4.icmp_msgs_per_sec",
    "net.ipv4.igmp_max_memberships",
    "net.ipv4.ip_dynaddr",
    "net.ipv4.ip_forward_update_priority",
    "net.ipv4.tcp_congestion_control",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_moderate_rcvbuf",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.udp_mem",
    "net.netfilter.nf_log_all_netns",
];

/// Which interfaces a setting is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    All,
    Default,
    Dev(IfName),
}

/// A setting that the model does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSysctl(pub String);

/// A host's settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sysctls {
    globals: BTreeMap<Global, i64>,
    confs: BTreeMap<(Family, Conf, Scope), i64>,
    kept: BTreeMap<String, i64>,
}

impl Sysctls {
    /// Sets one by its key, with dots (`net.ipv4.ip_forward`) or, where an interface's name has one, slashes.
    ///
    /// ```
    /// use vitrine::net::{Conf, Sysctls};
    /// use vitrine::netfilter::Family;
    /// let mut sysctls = Sysctls::default();
    /// sysctls.set("net.ipv4.conf.all.rp_filter", 1).unwrap();
    /// let eth0 = vitrine::abi::IfName::new("eth0").unwrap();
    /// assert_eq!(sysctls.max(Family::Ip, Conf::RpFilter, &eth0), 1);
    /// assert!(sysctls.set("net.ipv4.no_such_thing", 1).is_err());
    /// ```
    pub fn set(&mut self, key: &str, value: i64) -> Result<(), UnknownSysctl> {
        let unknown = || UnknownSysctl(key.to_owned());
        let dots = if key.contains('/') { key.replace('/', "\u{0}") } else { key.replace('.', "\u{0}") };
        let parts: Vec<&str> = dots.split('\u{0}').collect();
        if let ["net", "ipv4", "ip_forward"] = parts[..] {
            self.set_conf(Family::Ip, Conf::Forwarding, Scope::All, value);
            return Ok(());
        }
        if let ["net", ip @ ("ipv4" | "ipv6"), "conf", scope, name] = parts[..] {
            let family = if ip == "ipv4" { Family::Ip } else { Family::Ip6 };
            if KEPT_CONFS.contains(&(name, family)) {
                self.kept.insert(parts.join("/"), value);
                return Ok(());
            }
            let (conf, ..) = CONFS.iter().find(|c| c.1 == name && c.2 == family).ok_or_else(unknown)?;
            let scope = match scope {
                "all" => Scope::All,
                "default" => Scope::Default,
                dev => Scope::Dev(IfName::new(dev).ok_or_else(unknown)?),
            };
            self.set_conf(family, *conf, scope, value);
            return Ok(());
        }
        let joined = parts.join(".");
        if KEPT.contains(&joined.as_str()) {
            self.kept.insert(joined, value);
            return Ok(());
        }
        let (global, ..) = GLOBALS.iter().find(|g| g.1 == joined).ok_or_else(unknown)?;
        self.globals.insert(*global, value);
        Ok(())
    }

    fn set_conf(&mut self, family: Family, conf: Conf, scope: Scope, value: i64) {
        // Forwarding for all sets it for each (`inet_forward_change`).
        if scope == Scope::All && (conf == Conf::Forwarding || conf == Conf::DisableIpv6) {
            for ((f, c, s), v) in &mut self.confs {
                if *f == family && *c == conf && matches!(s, Scope::Dev(_)) {
                    *v = value;
                }
            }
            self.confs.insert((family, conf, Scope::Default), value);
        }
        self.confs.insert((family, conf, scope), value);
    }

    /// What a new network namespace takes over from the machine's first one: IPv4's settings of all interfaces and of
    /// new ones.
    pub(super) fn inherited(&self) -> Sysctls {
        let confs = self
            .confs
            .iter()
            .filter(|((family, _, scope), _)| family.is_v4() && matches!(scope, Scope::All | Scope::Default));
        let kept = self.kept.iter().filter(|(path, _)| {
            path.starts_with("net/ipv4/conf/all/") || path.starts_with("net/ipv4/conf/default/")
        });
        Sysctls {
            globals: BTreeMap::new(),
            confs: confs.map(|(key, value)| (key.clone(), *value)).collect(),
            kept: kept.map(|(key, value)| (key.clone(), *value)).collect(),
        }
    }

    /// Gives a new interface the values that `default` has now.
    pub fn device_added(&mut self, name: &IfName) {
        for (conf, _, family, initial) in CONFS {
            let value = self.confs.get(&(*family, *conf, Scope::Default)).copied().unwrap_or(*initial);
            self.confs.insert((*family, *conf, Scope::Dev(name.clone())), value);
        }
    }

    /// Forgets an interface's.
    pub fn device_removed(&mut self, name: &IfName) {
        self.confs.retain(|(_, _, scope), _| *scope != Scope::Dev(name.clone()));
        self.kept.retain(|path, _| path.split('/').nth(3) != Some(name.as_str()));
    }

    /// Moves those of an interface that has another name now.
    pub(super) fn device_renamed(&mut self, old: &IfName, new: &IfName) {
        let all = std::mem::take(&mut self.confs).into_iter();
        let moved = |scope| if scope == Scope::Dev(old.clone()) { Scope::Dev(new.clone()) } else { scope };
        self.confs = all.map(|((family, conf, scope), v)| ((family, conf, moved(scope)), v)).collect();
        let all = std::mem::take(&mut self.kept).into_iter();
        let moved = |path: String| match path.split('/').collect::<Vec<_>>()[..] {
            [net, ip, conf, dev, name] if dev == old.as_str() => {
                [net, ip, conf, new.as_str(), name].join("/")
            }
            _ => path,
        };
        self.kept = all.map(|(path, v)| (moved(path), v)).collect();
    }

    /// All values by their keys; of devices' own only those of the ones that `which` holds for. A dot in a device's
    /// name is a slash, as sysctl(8) has it. Those that change nothing are there once somebody set them.
    pub fn values(&self, which: impl Fn(&IfName) -> bool) -> BTreeMap<String, i64> {
        let mut all: BTreeMap<String, i64> =
            GLOBALS.iter().map(|(global, key, _)| ((*key).to_owned(), self.global(*global))).collect();
        let key = |family: Family, scope: &str, name: &str| {
            let ip = if family.is_v4() { "ipv4" } else { "ipv6" };
            format!("net.{ip}.conf.{scope}.{name}")
        };
        for (conf, name, family, initial) in CONFS {
            for (scope, word) in [(Scope::All, "all"), (Scope::Default, "default")] {
                let value = self.confs.get(&(*family, *conf, scope)).copied().unwrap_or(*initial);
                all.insert(key(*family, word, name), value);
            }
        }
        for ((family, conf, scope), value) in &self.confs {
            let Scope::Dev(dev) = scope else { continue };
            let name = CONFS.iter().find(|c| c.0 == *conf && c.2 == *family).map_or("", |c| c.1);
            if which(dev) {
                all.insert(key(*family, &dev.as_str().replace('.', "/"), name), *value);
            }
        }
        for (path, value) in &self.kept {
            let parts: Vec<&str> = path.split('/').collect();
            let device = match parts[..] {
                [_, _, "conf", dev, _] if !matches!(dev, "all" | "default") => IfName::new(dev),
                _ => None,
            };
            if device.is_none_or(|dev| which(&dev)) {
                let parts: Vec<String> = parts.iter().map(|part| part.replace('.', "/")).collect();
                let plain = if parts.len() == 1 { path.clone() } else { parts.join(".") };
                all.insert(plain, *value);
            }
        }
        all
    }

    /// A setting of the whole host.
    pub fn global(&self, global: Global) -> i64 {
        let initial = || GLOBALS.iter().find(|g| g.0 == global).map_or(0, |g| g.2);
        self.globals.get(&global).copied().unwrap_or_else(initial)
    }

    /// True if a setting of the whole host is not 0.
    pub fn is_on(&self, global: Global) -> bool {
        self.global(global) != 0
    }

    /// The interface's own value (`IN_DEV_CONF_GET`).
    pub fn dev(&self, family: Family, conf: Conf, dev: &IfName) -> i64 {
        let own = self.confs.get(&(family, conf, Scope::Dev(dev.clone())));
        own.copied().unwrap_or_else(|| self.initial(family, conf))
    }

    /// The value for all.
    pub fn all(&self, family: Family, conf: Conf) -> i64 {
        let all = self.confs.get(&(family, conf, Scope::All));
        all.copied().unwrap_or_else(|| self.initial(family, conf))
    }

    /// True if packets are forwarded, as far as one setting for all says so.
    pub fn is_forwarding(&self, family: Family) -> bool {
        self.all(family, Conf::Forwarding) != 0
    }

    /// The larger of the interface's and that for all (`IN_DEV_MAXCONF`).
    pub fn max(&self, family: Family, conf: Conf, dev: &IfName) -> i64 {
        self.dev(family, conf, dev).max(self.all(family, conf))
    }

    /// On for the interface or for all (`IN_DEV_ORCONF`).
    pub fn either(&self, family: Family, conf: Conf, dev: &IfName) -> bool {
        self.dev(family, conf, dev) != 0 || self.all(family, conf) != 0
    }

    /// On for the interface and for all (`IN_DEV_ANDCONF`).
    pub fn both(&self, family: Family, conf: Conf, dev: &IfName) -> bool {
        self.dev(family, conf, dev) != 0 && self.all(family, conf) != 0
    }

    fn initial(&self, family: Family, conf: Conf) -> i64 {
        CONFS.iter().find(|c| c.0 == conf && c.2 == family).map_or(0, |c| c.3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_counts_only_for_later_devices() {
        let mut sysctls = Sysctls::default();
        let (old, new) = (IfName::new("old").expect("it is right"), IfName::new("new").expect("it is right"));
        sysctls.device_added(&old);
        sysctls.set("net.ipv4.conf.default.rp_filter", 2).expect("it is right");
        sysctls.device_added(&new);
        let value = |dev| sysctls.dev(Family::Ip, Conf::RpFilter, dev);
        assert_eq!((value(&old), value(&new)), (0, 2));
    }

    #[test]
    fn forwarding_for_all_is_forwarding_for_each() {
        let mut sysctls = Sysctls::default();
        let (old, new) = (IfName::new("old").expect("it is right"), IfName::new("new").expect("it is right"));
        sysctls.device_added(&old);
        sysctls.set("net.ipv4.ip_forward", 1).expect("it is right");
        sysctls.device_added(&new);
        let value = |dev| sysctls.dev(Family::Ip, Conf::Forwarding, dev);
        assert_eq!((value(&old), value(&new)), (1, 1));
        sysctls.set("net/ipv4/conf/old/forwarding", 0).expect("it is right");
        assert_eq!(sysctls.dev(Family::Ip, Conf::Forwarding, &old), 0);
    }
}
