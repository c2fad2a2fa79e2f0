//! Errors that a socket reports, and which of them an ICMP message becomes.

use crate::packet::IcmpType;
use serde::Serialize;
use std::fmt;

/// An error number, by its name in errno(3). Only those that the socket calls of the model can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Errno {
    /// Permission denied.
    Eacces,
    /// The address is in use already.
    Eaddrinuse,
    /// The address is of no interface.
    Eaddrnotavail,
    /// A non-blocking call would block.
    Eagain,
    /// An earlier connect goes on still.
    Ealready,
    /// Reset by the other side.
    Econnreset,
    /// Refused by the other side.
    Econnrefused,
    /// No destination was given.
    Edestaddrreq,
    /// The host is down.
    Ehostdown,
    /// No way to the host.
    Ehostunreach,
    /// A non-blocking connect has begun.
    Einprogress,
    /// An argument is invalid.
    Einval,
    /// The socket is connected already.
    Eisconn,
    /// The message is too long.
    Emsgsize,
    /// No way to the network.
    Enetunreach,
    /// No such device.
    Enodev,
    /// The machine is not on the network.
    Enonet,
    /// The protocol is not available.
    Enoprotoopt,
    /// The socket is not connected.
    Enotconn,
    /// The operation is not permitted.
    Eperm,
    /// The writing side is shut.
    Epipe,
    /// A protocol error.
    Eproto,
    /// Nobody answered in time.
    Etimedout,
    /// The family has no such operation.
    Eopnotsupp,
}

impl Errno {
    /// The name, as `errno` of moreutils and strace print it.
    pub fn name(self) -> &'static str {
        match self {
            Errno::Eacces => "EACCES",
            Errno::Eaddrinuse => "EADDRINUSE",
            Errno::Eaddrnotavail => "EADDRNOTAVAIL",
            Errno::Eagain => "EAGAIN",
            Errno::Ealready => "EALREADY",
            Errno::Econnreset => "ECONNRESET",
            Errno::Econnrefused => "ECONNREFUSED",
            Errno::Edestaddrreq => "EDESTADDRREQ",
            Errno::Ehostdown => "EHOSTDOWN",
            Errno::Ehostunreach => "EHOSTUNREACH",
            Errno::Einprogress => "EINPROGRESS",
            Errno::Einval => "EINVAL",
            Errno::Eisconn => "EISCONN",
            Errno::Emsgsize => "EMSGSIZE",
            Errno::Enetunreach => "ENETUNREACH",
            Errno::Enodev => "ENODEV",
            Errno::Enonet => "ENONET",
            Errno::Enoprotoopt => "ENOPROTOOPT",
            Errno::Enotconn => "ENOTCONN",
            Errno::Eperm => "EPERM",
            Errno::Epipe => "EPIPE",
            Errno::Eproto => "EPROTO",
            Errno::Etimedout => "ETIMEDOUT",
            Errno::Eopnotsupp => "EOPNOTSUPP",
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The error that an ICMP error becomes at the socket whose packet it quotes, and whether it is fatal: a fatal
/// one ends a connection attempt and is told to a connected datagram socket, another only to a socket with
/// `IP_RECVERR` (`icmp_err_convert` and `tcp_v4_err`, `icmpv6_err_convert` and `tcp_v6_err` of the kernel).
///
/// Returns `None` for a message that is no error for a socket: a redirect, source quench, an unknown code, a
/// query. "Fragmentation needed" and "packet too big" are `EMSGSIZE`, and never end a connection: TCP makes
/// smaller segments.
pub fn icmp_to_errno(kind: IcmpType, v4: bool) -> Option<(Errno, bool)> {
    if v4 { icmp4_to_errno(kind) } else { icmp6_to_errno(kind) }
}

fn icmp4_to_errno(kind: IcmpType) -> Option<(Errno, bool)> {
    match (kind.ty, kind.code) {
        (3, code) => match code {
            0 => Some((Errno::Enetunreach, false)),
            1 => Some((Errno::Ehostunreach, false)),
            2 => Some((Errno::Enoprotoopt, true)),
            3 => Some((Errno::Econnrefused, true)),
            4 => Some((Errno::Emsgsize, false)),
            5 => Some((Errno::Eopnotsupp, false)),
            6 => Some((Errno::Enetunreach, true)),
            7 => Some((Errno::Ehostdown, true)),
            8 => Some((Errno::Enonet, true)),
            9 => Some((Errno::Enetunreach, true)),
            10 => Some((Errno::Ehostunreach, true)),
            11 => Some((Errno::Enetunreach, false)),
            12 => Some((Errno::Ehostunreach, false)),
            13..=15 => Some((Errno::Ehostunreach, true)),
            _ => None,
        },
        // A lost fragment is nobody's error (`icmp_unreach`).
        (11, 1) => None,
        (11, _) => Some((Errno::Ehostunreach, false)),
        (12, _) => Some((Errno::Eproto, true)),
        _ => None,
    }
}

fn icmp6_to_errno(kind: IcmpType) -> Option<(Errno, bool)> {
    match (kind.ty, kind.code) {
        (1, code) => match code {
            0 => Some((Errno::Enetunreach, false)),
            1 => Some((Errno::Eacces, true)),
            2 => Some((Errno::Ehostunreach, false)),
            3 => Some((Errno::Ehostunreach, false)),
            4 => Some((Errno::Econnrefused, true)),
            5 | 6 => Some((Errno::Eacces, true)),
            _ => Some((Errno::Eproto, true)),
        },
        (2, _) => Some((Errno::Emsgsize, false)),
        (3, _) => Some((Errno::Ehostunreach, false)),
        (4, _) => Some((Errno::Eproto, true)),
        _ => None,
    }
}
