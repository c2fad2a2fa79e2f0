//! Messages of the kernel's netfilter subsystems (netlink(7), linux/netfilter/nfnetlink.h).

use super::VerifyError;
use super::namespace::Namespace;
use super::socket::open;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, setsockopt,
    sockopt,
};
use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, OwnedFd};

/// A message: its type and what follows the netlink header.
pub type Message = (u16, Vec<u8>);

/// Attributes by their number.
pub type Attributes<'a> = BTreeMap<u16, &'a [u8]>;

/// `NLMSG_ERROR` and `NLMSG_DONE`.
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const DUMP: u16 = 0x301;

/// Opens a netfilter socket that hears some groups, as bits.
pub fn listen(ns: &Namespace, groups: u32) -> Result<OwnedFd, VerifyError> {
    let fd = open(
        ns,
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_NONBLOCK,
        Some(SockProtocol::NetlinkNetFilter),
    )?;
    bind(fd.as_raw_fd(), &NetlinkAddr::new(0, groups))
        .map_err(VerifyError::doing("listening to netfilter"))?;
    // A burst of trace messages must not be lost; without the right to it the usual size has to do.
    setsockopt(&fd, sockopt::RcvBufForce, &(1 << 24)).ok();
    Ok(fd)
}

/// Reads the messages that are there.
pub fn receive(fd: &OwnedFd) -> Vec<Message> {
    let mut buffer = vec![0; 1 << 18];
    let mut all = Vec::new();
    while let Ok(n) = recv(fd.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
        all.extend(messages(&buffer[..n]));
    }
    all
}

fn messages(mut bytes: &[u8]) -> Vec<Message> {
    let mut all = Vec::new();
    while let Some(head) = bytes.get(..16) {
        let length = u32::from_ne_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let kind = u16::from_ne_bytes([head[4], head[5]]);
        let Some(body) = bytes.get(16..length) else { break };
        all.push((kind, body.to_vec()));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    all
}

/// Asks for all of a kind, of an address family.
pub fn dump(ns: &Namespace, kind: u16, family: u8) -> Result<Vec<Vec<u8>>, VerifyError> {
    let fd = open(
        ns,
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::empty(),
        Some(SockProtocol::NetlinkNetFilter),
    )?;
    let mut ask = Vec::new();
    ask.extend(20_u32.to_ne_bytes());
    ask.extend(kind.to_ne_bytes());
    ask.extend(DUMP.to_ne_bytes());
    ask.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    ask.extend([family, 0, 0, 0]);
    send(fd.as_raw_fd(), &ask, MsgFlags::empty()).map_err(VerifyError::doing("asking netfilter"))?;
    let mut buffer = vec![0; 1 << 18];
    let mut all = Vec::new();
    loop {
        let n = recv(fd.as_raw_fd(), &mut buffer, MsgFlags::empty())
            .map_err(VerifyError::doing("asking netfilter"))?;
        for (kind, body) in messages(&buffer[..n]) {
            match kind {
                DONE => return Ok(all),
                ERROR => {
                    let code = body.get(..4).and_then(|b| b.try_into().ok()).map_or(0, i32::from_ne_bytes);
                    return match Errno::from_raw(-code) {
                        // Nothing of this kind was ever there.
                        Errno::ENOENT | Errno::UnknownErrno => Ok(all),
                        error => Err(VerifyError::doing("asking netfilter")(error)),
                    };
                }
                _ => all.push(body),
            }
        }
    }
}

/// The attributes in a message's bytes.
pub fn attributes(mut bytes: &[u8]) -> Attributes<'_> {
    let mut all = BTreeMap::new();
    while let Some(head) = bytes.get(..4) {
        let length = usize::from(u16::from_ne_bytes([head[0], head[1]]));
        // The two highest bits say how it is written.
        let kind = u16::from_ne_bytes([head[2], head[3]]) & 0x3fff;
        let Some(body) = bytes.get(4..length) else { break };
        all.insert(kind, body);
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    all
}

/// Attributes within an attribute.
pub fn nested<'a>(all: &Attributes<'a>, kind: u16) -> Attributes<'a> {
    all.get(&kind).map(|bytes| attributes(bytes)).unwrap_or_default()
}

/// A text.
pub fn text(all: &Attributes<'_>, kind: u16) -> Option<String> {
    let bytes = all.get(&kind)?;
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
}

/// A number, of as many bytes as it has, the highest first.
pub fn number(all: &Attributes<'_>, kind: u16) -> Option<u64> {
    let bytes = all.get(&kind).filter(|bytes| bytes.len() <= 8)?;
    Some(bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
}
