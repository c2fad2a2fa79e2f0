//! The settings of connection tracking (`/proc/sys/net/netfilter/nf_conntrack_*`, Linux 6.18).

use super::TcpState;
use std::fmt;

/// Settings by their kernel names without `nf_conntrack_`. Timeouts are in seconds; what is a switch is 0 or 1.
///
/// A changed timeout counts from a connection's next packet on, as in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConntrackSettings {
    /// New connections count their packets and bytes.
    pub acct: u32,
    /// Transport checksums of packets that come in are checked.
    pub checksum: u32,
    /// 0: no events; 1: for all; 2: for all while somebody listens.
    pub events: u32,
    /// So many expectations at most.
    pub expect_max: u32,
    /// So many connections at most; 0: no limit.
    pub max: u32,
    /// Buckets of the hash table.
    pub buckets: u32,
    /// Connections remember when they began.
    pub timestamp: u32,
    /// Protocols without a tracker of their own.
    pub generic_timeout: u32,
    /// ICMP.
    pub icmp_timeout: u32,
    /// ICMPv6.
    pub icmpv6_timeout: u32,
    /// UDP, before it is a stream.
    pub udp_timeout: u32,
    /// UDP that goes on for more than two seconds.
    pub udp_timeout_stream: u32,
    /// GRE, unanswered.
    pub gre_timeout: u32,
    /// GRE, answered.
    pub gre_timeout_stream: u32,
    /// TCP segments outside of the window are not INVALID.
    pub tcp_be_liberal: u32,
    /// A RST outside of the window is not INVALID.
    pub tcp_ignore_invalid_rst: u32,
    /// A lone ACK opens a connection in the middle.
    pub tcp_loose: u32,
    /// After so many retransmissions the short timeout holds.
    pub tcp_max_retrans: u32,
    /// TCP by state, in the order of [`TcpState`].
    pub tcp_timeouts: [u32; 9],
    /// TCP that retransmits, or whose window is closed.
    pub tcp_timeout_max_retrans: u32,
    /// TCP with data that nobody acknowledged.
    pub tcp_timeout_unacknowledged: u32,
    /// SCTP by state, in the order of [`super::SctpState`].
    pub sctp_timeouts: [u32; 8],
}

/// How the timeouts name TCP's states; the kernel's second one has none.
const TCP_STATES: [&str; 9] =
    ["syn_sent", "", "syn_recv", "established", "fin_wait", "close_wait", "last_ack", "time_wait", "close"];

/// How the timeouts name SCTP's states.
const SCTP_STATES: [&str; 8] = [
    "closed",
    "cookie_wait",
    "cookie_echoed",
    "established",
    "shutdown_sent",
    "shutdown_recd",
    "shutdown_ack_sent",
    "heartbeat_sent",
];

/// Why a setting was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingError {
    /// There is none of this name.
    Unknown,
    /// The value is not one that the kernel takes (EINVAL).
    Value,
    /// It can only be read (EACCES).
    ReadOnly,
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SettingError::Unknown => "No such file or directory",
            SettingError::Value => "Invalid argument",
            SettingError::ReadOnly => "Permission denied",
        })
    }
}

impl std::error::Error for SettingError {}

impl Default for ConntrackSettings {
    fn default() -> Self {
        ConntrackSettings {
            acct: 0,
            checksum: 1,
            events: 2,
            expect_max: 4096,
            max: 262_144,
            buckets: 262_144,
            timestamp: 0,
            generic_timeout: 600,
            icmp_timeout: 30,
            icmpv6_timeout: 30,
            udp_timeout: 30,
            udp_timeout_stream: 120,
            gre_timeout: 30,
            gre_timeout_stream: 180,
            tcp_be_liberal: 0,
            tcp_ignore_invalid_rst: 0,
            tcp_loose: 1,
            tcp_max_retrans: 3,
            tcp_timeouts: [120, 120, 60, 432_000, 120, 60, 30, 120, 10],
            tcp_timeout_max_retrans: 300,
            tcp_timeout_unacknowledged: 300,
            sctp_timeouts: [10, 3, 3, 210, 3, 3, 3, 30],
        }
    }
}

impl ConntrackSettings {
    /// How long a TCP connection in this state stays without another packet, seconds.
    pub fn tcp_timeout(&self, state: TcpState) -> u32 {
        self.tcp_timeouts[state as usize]
    }

    /// Sets a value by its name: `nf_conntrack_tcp_loose`, with or without `net.netfilter.` before it.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), SettingError> {
        let key = key.strip_prefix("net.netfilter.").unwrap_or(key);
        if key == "nf_conntrack_count" {
            return Err(SettingError::ReadOnly);
        }
        let (slot, most) = self.slot(key).ok_or(SettingError::Unknown)?;
        let value = value.trim().parse::<u32>().map_err(|_| SettingError::Value)?;
        if value > most {
            return Err(SettingError::Value);
        }
        *slot = value;
        Ok(())
    }

    /// The value of this name; `None` where there is none.
    pub fn get(&self, key: &str) -> Option<u32> {
        self.clone().slot(key.strip_prefix("net.netfilter.").unwrap_or(key)).map(|(slot, _)| *slot)
    }

    /// All of them, by their names without `nf_conntrack_`.
    pub fn values(&self) -> impl Iterator<Item = (String, u32)> {
        let timeouts = |proto: &str, states: &[&str], values: &[u32]| {
            let all = states.iter().zip(values).filter(|(state, _)| !state.is_empty());
            all.map(|(state, value)| (format!("{proto}_timeout_{state}"), *value)).collect::<Vec<_>>()
        };
        let mut all = timeouts("tcp", &TCP_STATES, &self.tcp_timeouts);
        all.extend(timeouts("sctp", &SCTP_STATES, &self.sctp_timeouts));
        for (name, value) in [
            ("tcp_timeout_max_retrans", self.tcp_timeout_max_retrans),
            ("tcp_timeout_unacknowledged", self.tcp_timeout_unacknowledged),
            ("acct", self.acct),
            ("checksum", self.checksum),
            ("events", self.events),
            ("expect_max", self.expect_max),
            ("max", self.max),
            ("buckets", self.buckets),
            ("timestamp", self.timestamp),
            ("generic_timeout", self.generic_timeout),
            ("icmp_timeout", self.icmp_timeout),
            ("icmpv6_timeout", self.icmpv6_timeout),
            ("udp_timeout", self.udp_timeout),
            ("udp_timeout_stream", self.udp_timeout_stream),
            ("gre_timeout", self.gre_timeout),
            ("gre_timeout_stream", self.gre_timeout_stream),
            ("tcp_be_liberal", self.tcp_be_liberal),
            ("tcp_ignore_invalid_rst", self.tcp_ignore_invalid_rst),
            ("tcp_loose", self.tcp_loose),
            ("tcp_max_retrans", self.tcp_max_retrans),
        ] {
            all.push((name.to_owned(), value));
        }
        all.into_iter()
    }

    /// A value's place, and the largest that the kernel takes.
    fn slot(&mut self, key: &str) -> Option<(&mut u32, u32)> {
        const ANY: u32 = i32::MAX as u32;
        if let Some(tcp) = key.strip_prefix("nf_conntrack_tcp_timeout_") {
            return match tcp {
                "max_retrans" => Some((&mut self.tcp_timeout_max_retrans, ANY)),
                "unacknowledged" => Some((&mut self.tcp_timeout_unacknowledged, ANY)),
                "" => None,
                _ => TCP_STATES.iter().position(|s| *s == tcp).map(|at| (&mut self.tcp_timeouts[at], ANY)),
            };
        }
        if let Some(sctp) = key.strip_prefix("nf_conntrack_sctp_timeout_") {
            return SCTP_STATES.iter().position(|s| *s == sctp).map(|at| (&mut self.sctp_timeouts[at], ANY));
        }
        Some(match key.strip_prefix("nf_conntrack_")? {
            "acct" => (&mut self.acct, 1),
            "checksum" => (&mut self.checksum, 1),
            "events" => (&mut self.events, 2),
            "expect_max" => (&mut self.expect_max, ANY),
            "max" => (&mut self.max, ANY),
            "buckets" => (&mut self.buckets, ANY),
            "timestamp" => (&mut self.timestamp, 1),
            "generic_timeout" => (&mut self.generic_timeout, ANY),
            "icmp_timeout" => (&mut self.icmp_timeout, ANY),
            "icmpv6_timeout" => (&mut self.icmpv6_timeout, ANY),
            "udp_timeout" => (&mut self.udp_timeout, ANY),
            "udp_timeout_stream" => (&mut self.udp_timeout_stream, ANY),
            "gre_timeout" => (&mut self.gre_timeout, ANY),
            "gre_timeout_stream" => (&mut self.gre_timeout_stream, ANY),
            "tcp_be_liberal" => (&mut self.tcp_be_liberal, 1),
            "tcp_ignore_invalid_rst" => (&mut self.tcp_ignore_invalid_rst, 1),
            "tcp_loose" => (&mut self.tcp_loose, 1),
            "tcp_max_retrans" => (&mut self.tcp_max_retrans, u8::MAX.into()),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_by_name() {
        let mut settings = ConntrackSettings::default();
        for (key, value, want) in [
            ("nf_conntrack_tcp_loose", "0", Ok(())),
            ("net.netfilter.nf_conntrack_tcp_timeout_time_wait", "5", Ok(())),
            ("nf_conntrack_tcp_loose", "2", Err(SettingError::Value)),
            ("nf_conntrack_helper", "1", Err(SettingError::Unknown)),
            ("nf_conntrack_count", "1", Err(SettingError::ReadOnly)),
        ] {
            assert_eq!(settings.set(key, value), want, "{key}");
        }
        assert_eq!(settings.tcp_timeout(TcpState::TimeWait), 5);
        assert_eq!(settings.get("nf_conntrack_tcp_loose"), Some(0));
        assert_eq!(settings.get("nf_conntrack_tcp_timeout_syn_sent"), Some(120));
    }
}
