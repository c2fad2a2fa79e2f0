//! `-j REJECT`: throws the packet away and tells the sender.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value};
use super::super::{Family, Hook, RuleError, TableName, Target};
use crate::packet::{Icmp, IcmpType, Packet, Proto, Tcp, TcpFlags, TcpNumbers, Transport};

/// How the sender is told (iptables-extensions(8), REJECT).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The answer.
    pub with: RejectWith,
    /// The table's family.
    pub family: Family,
}

/// The answer that a REJECT gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectWith {
    /// An ICMP or ICMPv6 error, with the name that iptables prints.
    Icmp(&'static str, IcmpType),
    /// A TCP RST.
    TcpReset,
}

/// Name, second name, type and code: `ipt_reject_with` and what each sends.
const V4_TYPES: &[(&str, &str, IcmpType)] = &[
    ("icmp-net-unreachable", "net-unreach", IcmpType::new(3, 0)),
    ("icmp-host-unreachable", "host-unreach", IcmpType::new(3, 1)),
    ("icmp-proto-unreachable", "proto-unreach", IcmpType::new(3, 2)),
    ("icmp-port-unreachable", "port-unreach", IcmpType::new(3, 3)),
    ("icmp-net-prohibited", "net-prohib", IcmpType::new(3, 9)),
    ("icmp-host-prohibited", "host-prohib", IcmpType::new(3, 10)),
    ("icmp-admin-prohibited", "admin-prohib", IcmpType::new(3, 13)),
];
const V6_TYPES: &[(&str, &str, IcmpType)] = &[
    ("icmp6-no-route", "no-route", IcmpType::new(1, 0)),
    ("icmp6-adm-prohibited", "adm-prohibited", IcmpType::new(1, 1)),
    ("icmp6-addr-unreachable", "addr-unreach", IcmpType::new(1, 3)),
    ("icmp6-port-unreachable", "port-unreach", IcmpType::new(1, 4)),
    ("icmp6-policy-fail", "policy-fail", IcmpType::new(1, 5)),
    ("icmp6-reject-route", "reject-route", IcmpType::new(1, 6)),
];

const HOOKS: &[Hook] = &[Hook::Input, Hook::Forward, Hook::Output];

pub(super) static EXT: Extension =
    Extension::a_target("REJECT", BOTH, &[Opt::new("reject-with", Kind::Own(read))], build)
        .tables(&[TableName::Filter])
        .hooks(HOOKS);

/// Reads the beginning of a name: an ICMP type's place in the table, or the place behind it for a TCP RST.
fn read(text: &str, cx: Cx) -> Result<Value, RuleError> {
    let begins = |name: &str| name.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
    let types = types(cx.family);
    let place = match types.iter().position(|(a, b, _)| begins(a) || begins(b)) {
        None if begins("tcp-reset") || begins("tcp-rst") => Some(types.len()),
        found => found,
    };
    match place {
        Some(place) => Ok(Value::Number(place as u64)),
        None => said(format!("unknown reject type \"{text}\"")),
    }
}

fn types(family: Family) -> &'static [(&'static str, &'static str, IcmpType)] {
    if family.is_v4() { V4_TYPES } else { V6_TYPES }
}

fn build(args: &Args) -> Result<Target, RuleError> {
    let family = args.family;
    // Both tables have port-unreachable at the same place.
    let place = args.number("reject-with").unwrap_or(3) as usize;
    let with = match types(family).get(place) {
        Some((name, _, kind)) => RejectWith::Icmp(name, *kind),
        None => RejectWith::TcpReset,
    };
    Ok(Target::Reject(Reject { with, family }))
}

impl Reject {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        out.value("reject-with", self.with_name());
    }

    /// The name after `--reject-with`.
    pub fn with_name(&self) -> &'static str {
        match self.with {
            RejectWith::Icmp(name, _) => name,
            RejectWith::TcpReset => "tcp-reset",
        }
    }

    /// The packet that tells the sender; `None` where the kernel sends none: in answer to a RST by
    /// `tcp-reset`, to an ICMP error, to a later fragment, to a group, or where the checksum is
    /// wrong (`nf_reject_ipv4`).
    pub fn answer(&self, rejected: &Packet) -> Option<Packet> {
        let (src, dst) = (rejected.dst, rejected.src);
        if rejected.is_later_fragment() || src.is_multicast() || dst.is_unspecified() || dst.is_multicast() {
            return None;
        }
        // A wrong checksum may mean that the sender is another, where the checksum covers the whole packet.
        if rejected.bad_checksum
            && [Proto::TCP, Proto::UDP, Proto::ICMP, Proto::ICMPV6].contains(&rejected.proto())
        {
            return None;
        }
        let transport = match self.with {
            RejectWith::TcpReset => {
                let tcp = rejected.tcp().filter(|t| !t.flags.has(TcpFlags::RST))?;
                let ack = if tcp.flags.has(TcpFlags::ACK) { TcpFlags(0) } else { TcpFlags::ACK };
                let flags = TcpFlags::RST | ack;
                Transport::Tcp(Tcp {
                    sport: tcp.dport,
                    dport: tcp.sport,
                    flags,
                    numbers: reset_numbers(tcp, rejected),
                    ..Tcp::default()
                })
            }
            RejectWith::Icmp(_, kind) => {
                if rejected.icmp().is_some_and(|i| i.kind.is_error(src.is_ipv4())) {
                    return None;
                }
                Transport::Icmp(Icmp::error(kind, rejected))
            }
        };
        let mut answer = Packet::new(src, dst, transport)?;
        answer.df = self.with == RejectWith::TcpReset && src.is_ipv4();
        Some(answer)
    }
}

impl Reject {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.words(format_args!("reject-with {}", self.with_name()));
    }
}

/// The numbers of the RST that answers a segment (RFC 9293, 3.10.7.1): its acknowledgement is the RST's place;
/// without one, the RST acknowledges all that the segment takes up.
fn reset_numbers(tcp: &Tcp, rejected: &Packet) -> Option<TcpNumbers> {
    let told = tcp.numbers?;
    if tcp.flags.has(TcpFlags::ACK) {
        return Some(TcpNumbers { seq: told.ack, ack: 0, window: 0 });
    }
    let control = u32::from(tcp.flags.has(TcpFlags::SYN)) + u32::from(tcp.flags.has(TcpFlags::FIN));
    let ack = told.seq.wrapping_add(rejected.payload.len()).wrapping_add(control);
    Some(TcpNumbers { seq: 0, ack, window: 0 })
}
