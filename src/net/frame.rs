//! What goes over a wire: Ethernet frames with IP packets or ARP in them.

use crate::abi::Mac;
use crate::packet::Packet;
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An Ethernet frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Frame {
    /// From.
    pub src: Mac,
    /// To.
    pub dst: Mac,
    /// The 802.1Q tag's VLAN, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vlan: Option<u16>,
    /// The IP header's checksum is wrong: no host takes the packet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bad_header: bool,
    /// What it carries.
    pub body: FrameBody,
}

/// What a frame carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FrameBody {
    /// An IP packet.
    Ip(Packet),
    /// An ARP message.
    Arp(Arp),
}

/// An ARP message (RFC 826) for IPv4 over Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Arp {
    /// It asks; else it answers.
    pub request: bool,
    /// The sender's hardware address.
    pub sender_mac: Mac,
    /// The sender's address.
    pub sender: Ipv4Addr,
    /// The target's hardware address; zero in a request.
    pub target_mac: Mac,
    /// The target's address.
    pub target: Ipv4Addr,
}

impl Mac {
    /// To all.
    pub const BROADCAST: Mac = Mac([0xff; 6]);
    /// None.
    pub const ZERO: Mac = Mac([0; 6]);

    /// True for a group's address, which that of all is too.
    pub fn is_group(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// The address of frames to a group of hosts (RFC 1112 6.4, RFC 2464 7).
    pub fn of_group(group: IpAddr) -> Mac {
        match group {
            IpAddr::V4(g) => {
                let [_, b, c, d] = g.octets();
                Mac([0x01, 0x00, 0x5e, b & 0x7f, c, d])
            }
            IpAddr::V6(g) => {
                let o = g.octets();
                Mac([0x33, 0x33, o[12], o[13], o[14], o[15]])
            }
        }
    }

    /// The link-local address that an interface makes of its own (RFC 4291, appendix A).
    pub fn link_local(self) -> Ipv6Addr {
        let [a, b, c, d, e, f] = self.0;
        Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f])
    }
}

/// The group that the holder of an address listens on for solicitations (RFC 4291 2.7.1).
pub fn solicited_node(addr: Ipv6Addr) -> Ipv6Addr {
    let o = addr.octets();
    Ipv6Addr::from([0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, o[13], o[14], o[15]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_groups_and_links() {
        let mac: Mac = "02:00:00:00:01:02".parse().expect("it is right");
        assert_eq!(mac.link_local().to_string(), "fe80::ff:fe00:102");
        assert_eq!(
            Mac::of_group("224.0.0.251".parse().expect("it is right")).to_string(),
            "01:00:5e:00:00:fb"
        );
        assert_eq!(
            solicited_node("2001:db8::1:2".parse().expect("it is right")).to_string(),
            "ff02::1:ff01:2"
        );
    }
}
