//! ICMP and ICMPv6 types and the names iptables has for them.

use serde::Serialize;

/// An ICMP message's type and code (RFC 792, RFC 4443).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct IcmpType {
    /// Type.
    #[serde(rename = "type")]
    pub ty: u8,
    /// Code.
    pub code: u8,
}

impl IcmpType {
    /// A type with its code.
    pub const fn new(ty: u8, code: u8) -> Self {
        IcmpType { ty, code }
    }

    /// True for a message that quotes the packet it is about.
    pub fn is_error(self, v4: bool) -> bool {
        if v4 { matches!(self.ty, 3 | 4 | 5 | 11 | 12) } else { self.ty < 128 }
    }
}

/// One row of a name table: name, type, lowest and highest code, and whether it names the type as a whole.
pub struct Named {
    /// The name.
    pub name: &'static str,
    /// The type.
    pub ty: u8,
    /// Lowest and highest code.
    pub codes: (u8, u8),
}

const fn ty(name: &'static str, ty: u8) -> Named {
    Named { name, ty, codes: (0, 255) }
}
const fn code(name: &'static str, ty: u8, code: u8) -> Named {
    Named { name, ty, codes: (code, code) }
}

/// iptables' names for ICMP types, in the order of `iptables -p icmp -h`.
pub(crate) const V4: &[Named] = &[
    Named { name: "any", ty: 255, codes: (0, 255) },
    ty("echo-reply", 0),
    ty("pong", 0),
    ty("destination-unreachable", 3),
    code("network-unreachable", 3, 0),
    code("host-unreachable", 3, 1),
    code("protocol-unreachable", 3, 2),
    code("port-unreachable", 3, 3),
    code("fragmentation-needed", 3, 4),
    code("source-route-failed", 3, 5),
    code("network-unknown", 3, 6),
    code("host-unknown", 3, 7),
    code("network-prohibited", 3, 9),
    code("host-prohibited", 3, 10),
    code("TOS-network-unreachable", 3, 11),
    code("TOS-host-unreachable", 3, 12),
    code("communication-prohibited", 3, 13),
    code("host-precedence-violation", 3, 14),
    code("precedence-cutoff", 3, 15),
    ty("source-quench", 4),
    ty("redirect", 5),
    code("network-redirect", 5, 0),
    code("host-redirect", 5, 1),
    code("TOS-network-redirect", 5, 2),
    code("TOS-host-redirect", 5, 3),
    ty("echo-request", 8),
    ty("ping", 8),
    ty("router-advertisement", 9),
    ty("router-solicitation", 10),
    ty("time-exceeded", 11),
    ty("ttl-exceeded", 11),
    code("ttl-zero-during-transit", 11, 0),
    code("ttl-zero-during-reassembly", 11, 1),
    ty("parameter-problem", 12),
    code("ip-header-bad", 12, 0),
    code("required-option-missing", 12, 1),
    ty("timestamp-request", 13),
    ty("timestamp-reply", 14),
    ty("address-mask-request", 17),
    ty("address-mask-reply", 18),
];

/// ip6tables' names for ICMPv6 types, in the order of `ip6tables -p icmpv6 -h`.
pub(crate) const V6: &[Named] = &[
    ty("destination-unreachable", 1),
    code("no-route", 1, 0),
    code("communication-prohibited", 1, 1),
    code("beyond-scope", 1, 2),
    code("address-unreachable", 1, 3),
    code("port-unreachable", 1, 4),
    code("failed-policy", 1, 5),
    code("reject-route", 1, 6),
    ty("packet-too-big", 2),
    ty("time-exceeded", 3),
    ty("ttl-exceeded", 3),
    code("ttl-zero-during-transit", 3, 0),
    code("ttl-zero-during-reassembly", 3, 1),
    ty("parameter-problem", 4),
    code("bad-header", 4, 0),
    code("unknown-header-type", 4, 1),
    code("unknown-option", 4, 2),
    ty("echo-request", 128),
    ty("ping", 128),
    ty("echo-reply", 129),
    ty("pong", 129),
    ty("mld-listener-query", 130),
    ty("mld-listener-report", 131),
    ty("mld-listener-done", 132),
    ty("mld-listener-reduction", 132),
    ty("router-solicitation", 133),
    ty("router-advertisement", 134),
    ty("neighbour-solicitation", 135),
    ty("neighbor-solicitation", 135),
    ty("neighbour-advertisement", 136),
    ty("neighbor-advertisement", 136),
    ty("redirect", 137),
];

/// The names that iptables has for messages of a family.
pub fn icmp_names(v4: bool) -> &'static [Named] {
    if v4 { V4 } else { V6 }
}

/// A message's best name: of its code, else of its type (with the code behind it), else numbers.
///
/// ```
/// use vitrine::packet::{IcmpType, icmp_name};
/// assert_eq!(icmp_name(IcmpType::new(8, 0), true), "echo-request");
/// assert_eq!(icmp_name(IcmpType::new(3, 3), true), "port-unreachable");
/// assert_eq!(icmp_name(IcmpType::new(200, 1), true), "type=200/1");
/// ```
pub fn icmp_name(kind: IcmpType, v4: bool) -> String {
    let table = if v4 { V4 } else { V6 };
    let of_code = table.iter().find(|n| n.ty == kind.ty && n.codes == (kind.code, kind.code));
    let of_type = table.iter().find(|n| n.ty == kind.ty && kind.code == 0);
    match of_code.or(of_type) {
        Some(named) => named.name.to_owned(),
        None => format!("type={}/{}", kind.ty, kind.code),
    }
}

/// Reads a name of the family's table, or a unique beginning of one; the code is the lowest it covers.
pub fn icmp_type_by_name(name: &str, v4: bool) -> Option<IcmpType> {
    let table = if v4 { V4 } else { V6 };
    table
        .iter()
        .find(|n| n.name.eq_ignore_ascii_case(name) && n.ty != 255)
        .map(|n| IcmpType::new(n.ty, n.codes.0))
}
