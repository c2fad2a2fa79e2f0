//! Sockets in a host.

use super::VerifyError;
use super::namespace::Namespace;
use crate::abi::IfName;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrStorage, recvmsg,
    setsockopt, socket, sockopt,
};
use nix::unistd::{Gid, Uid, setegid, seteuid};
use rustix::net::sockopt::{Ipv4PathMtuDiscovery, set_ip_mtu_discover};
use serde_json::{Value, json};
use std::io::IoSliceMut;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

/// Opens a socket in a host.
pub fn open(
    ns: &Namespace,
    family: AddressFamily,
    kind: SockType,
    flags: SockFlag,
    proto: Option<SockProtocol>,
) -> Result<OwnedFd, VerifyError> {
    ns.within(|| socket(family, kind, flags | SockFlag::SOCK_CLOEXEC, proto))?
        .map_err(VerifyError::doing("opening a socket"))
}

/// Opens one that belongs to a user and a group.
pub fn open_as(
    ns: &Namespace,
    family: AddressFamily,
    kind: SockType,
    proto: Option<SockProtocol>,
    owner: (Option<u32>, Option<u32>),
) -> Result<OwnedFd, VerifyError> {
    let refused = |e| VerifyError::doing("changing the user")(e);
    let back = || seteuid(Uid::from_raw(0)).and_then(|()| setegid(Gid::from_raw(0)));
    if let Some(gid) = owner.1 {
        setegid(Gid::from_raw(gid)).map_err(refused)?;
    }
    // Entering a host takes root, so the socket is opened as somebody else only within it.
    let made = ns.within(|| {
        if let Some(uid) = owner.0 {
            seteuid(Uid::from_raw(uid))?;
        }
        let made = socket(family, kind, SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC, proto);
        back()?;
        made
    });
    back().map_err(refused)?;
    made?.map_err(VerifyError::doing("opening a socket"))
}

/// The family of an address.
pub fn family_of(addr: IpAddr) -> AddressFamily {
    if addr.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

/// An address of a socket.
pub fn end(addr: IpAddr, port: u16) -> SockaddrStorage {
    SocketAddr::new(addr, port).into()
}

/// The address that stands for all of a family.
pub fn any(like: IpAddr) -> IpAddr {
    if like.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() }
}

/// An address as text, `10.0.0.1:80`; IPv6 in brackets where `brackets`.
pub fn text(addr: &SockaddrStorage, brackets: bool) -> String {
    let (ip, port) = parts(addr);
    if brackets && ip.is_ipv6() { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
}

/// Address and port.
pub fn parts(addr: &SockaddrStorage) -> (IpAddr, u16) {
    let v4 = addr.as_sockaddr_in().map(|a| (IpAddr::V4(a.ip()), a.port()));
    let v6 = addr.as_sockaddr_in6().map(|a| (IpAddr::V6(a.ip()), a.port()));
    v4.or(v6).unwrap_or((Ipv4Addr::UNSPECIFIED.into(), 0))
}

/// An error's name, as `ECONNREFUSED`.
pub fn name(error: Errno) -> Value {
    json!(format!("{error:?}"))
}

/// What a probe may set on its socket.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `SO_MARK`.
    pub mark: Option<u32>,
    /// `SO_BINDTODEVICE`.
    pub dev: Option<IfName>,
    /// TTL or hop limit.
    pub ttl: Option<u8>,
    /// TOS byte.
    pub tos: Option<u8>,
    /// "Don't fragment".
    pub df: Option<bool>,
    /// `IP_TRANSPARENT`.
    pub transparent: bool,
}

impl Options {
    /// Sets them.
    pub fn set(&self, fd: &OwnedFd, family: AddressFamily) -> Result<(), Errno> {
        let v4 = family == AddressFamily::Inet;
        if let Some(mark) = self.mark {
            setsockopt(fd, sockopt::Mark, &mark)?;
        }
        if let Some(dev) = &self.dev {
            setsockopt(fd, sockopt::BindToDevice, &dev.as_str().into())?;
        }
        match self.ttl {
            Some(ttl) if v4 => setsockopt(fd, sockopt::Ipv4Ttl, &i32::from(ttl))?,
            Some(ttl) => setsockopt(fd, sockopt::Ipv6Ttl, &i32::from(ttl))?,
            None => {}
        }
        if let Some(tos) = self.tos {
            setsockopt(fd, sockopt::Ipv4Tos, &i32::from(tos))?;
        }
        if self.transparent {
            setsockopt(fd, sockopt::IpTransparent, &true)?;
        }
        if let Some(df) = self.df.filter(|_| v4) {
            let how = if df { Ipv4PathMtuDiscovery::DO } else { Ipv4PathMtuDiscovery::DONT };
            set_ip_mtu_discover(fd, how).map_err(|e| Errno::from_raw(e.raw_os_error()))?;
        }
        Ok(())
    }
}

/// Takes what lies in a socket's error queue (ip(7), `IP_RECVERR`).
pub fn error_queue(fd: &OwnedFd) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let (mut data, mut control) = (vec![0; 2048], vec![0; 512]);
        let mut slices = [IoSliceMut::new(&mut data)];
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let Ok(message) = recvmsg::<SockaddrStorage>(fd.as_raw_fd(), &mut slices, Some(&mut control), flags)
        else {
            return all;
        };
        for control in message.cmsgs().into_iter().flatten() {
            let (error, from) = match control {
                ControlMessageOwned::Ipv4RecvErr(error, from) => {
                    (error, from.map(|a| IpAddr::V4(u32::from_be(a.sin_addr.s_addr).into())))
                }
                ControlMessageOwned::Ipv6RecvErr(error, from) => {
                    (error, from.map(|a| IpAddr::V6(a.sin6_addr.s6_addr.into())))
                }
                _ => continue,
            };
            let mut told = json!({"errno": name(Errno::from_raw(error.ee_errno as i32))});
            // SO_EE_ORIGIN_ICMP and SO_EE_ORIGIN_ICMP6: somebody else told.
            if matches!(error.ee_origin, 2 | 3) {
                told["icmp_type"] = json!(error.ee_type);
                told["icmp_code"] = json!(error.ee_code);
                if let Some(from) = from {
                    told["from"] = json!(from);
                }
            } else {
                told["origin"] = json!("local");
            }
            all.push(told);
        }
    }
}
