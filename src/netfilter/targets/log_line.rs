//! The line that `-j LOG` writes (`net/netfilter/nf_log_syslog.c`). What was not told of a packet is a `?`.

use super::Log;
use crate::netfilter::{Hook, Sender, Skb};
use crate::packet::{At, Icmp, Packet, Proto, Tcp, TcpFlags, Transport, Wire};
use std::fmt::Write;
use std::net::{IpAddr, Ipv6Addr};

/// A line in the making. Writing to it cannot fail.
struct Line<'a> {
    text: String,
    log: &'a Log,
}

impl Log {
    /// The line for a packet, without the blank at its end.
    pub fn line(&self, hook: Hook, skb: &Skb) -> String {
        let mut line = Line { text: self.prefix.to_string(), log: self };
        line.interfaces(hook, skb);
        line.packet(&skb.packet, Some(skb));
        line.text.truncate(line.text.trim_end().len());
        line.text
    }
}

impl Line<'_> {
    fn add(&mut self, part: std::fmt::Arguments) {
        let _ = self.text.write_fmt(part);
    }

    fn interfaces(&mut self, hook: Hook, skb: &Skb) {
        let iif = skb.iif.as_ref().filter(|_| matches!(hook, Hook::Prerouting | Hook::Input | Hook::Forward));
        let oif = skb.oif.name().filter(|_| hook.has_oif());
        let name = |n: Option<&crate::abi::IfName>| n.map_or(String::new(), ToString::to_string);
        self.add(format_args!("IN={} OUT={} ", name(iif), name(oif)));
        if let Some(port) = skb.physin.as_ref().filter(|p| Some(*p) != iif) {
            self.add(format_args!("PHYSIN={port} "));
        }
        if let Some(port) = skb.physout.as_ref().filter(|p| Some(*p) != oif) {
            self.add(format_args!("PHYSOUT={port} "));
        }
        let Some(iif) = iif else { return };
        let kind: u16 = if skb.packet.src.is_ipv4() { 0x0800 } else { 0x86dd };
        let none = crate::abi::Mac([0; 6]);
        let (from, to) = if iif.is_lo() { (Some(none), Some(none)) } else { (skb.mac, skb.to_mac) };
        let shown = |mac: Option<crate::abi::Mac>| mac.map_or("?".to_owned(), |m| m.to_string());
        let (from, to) = (shown(from), shown(to));
        if self.log.macdecode && !iif.is_lo() {
            self.add(format_args!("MACSRC={from} MACDST={to} MACPROTO={kind:04x} "));
        } else {
            self.add(format_args!("MAC={to}:{from}:{:02x}:{:02x} ", kind >> 8, kind & 0xff));
        }
    }

    /// The packet, or (without an skb) one that an error quotes.
    fn packet(&mut self, packet: &Packet, skb: Option<&Skb>) {
        let known = match (packet.src, packet.dst) {
            (IpAddr::V6(src), IpAddr::V6(dst)) => self.v6_header(packet, src, dst),
            _ => {
                self.v4_header(packet);
                true
            }
        };
        if !known {
            return;
        }
        let later = packet.is_later_fragment();
        match &packet.transport {
            _ if packet.proto() == Proto::TCP => {
                self.add(format_args!("PROTO=TCP "));
                if let Some(tcp) = packet.tcp() {
                    self.tcp(tcp);
                }
            }
            Transport::Ports(p) if p.proto == Proto::UDP || p.proto == Proto::UDPLITE => {
                self.add(format_args!("PROTO={} ", if p.proto == Proto::UDP { "UDP" } else { "UDPLITE" }));
                if !later {
                    let len = 8 + packet.payload.len();
                    self.add(format_args!("SPT={} DPT={} LEN={len} ", p.sport, p.dport));
                }
            }
            Transport::Icmp(icmp) => {
                let name = if packet.src.is_ipv4() { "ICMP" } else { "ICMPv6" };
                self.add(format_args!("PROTO={name} "));
                if !later {
                    self.icmp(icmp, packet.src.is_ipv4(), skb.is_some());
                }
            }
            Transport::Tcp(_) | Transport::Ports(_) | Transport::Other(_) => self.other(packet),
        }
        let Some(skb) = skb else { return };
        if let (true, Sender::Socket { uid, gid }) = (self.log.uid, skb.sender) {
            self.add(format_args!("UID={uid} GID={gid} "));
        }
        if skb.mark != 0 {
            self.add(format_args!("MARK={:#x} ", skb.mark));
        }
    }

    fn v4_header(&mut self, packet: &Packet) {
        const TOS: u8 = 0x1e;
        const PRECEDENCE: u8 = 0xe0;
        let (tos, precedence) = (packet.tos & TOS, packet.tos & PRECEDENCE);
        self.add(format_args!("SRC={} DST={} LEN={} ", packet.src, packet.dst, packet.len()));
        self.add(format_args!(
            "TOS=0x{tos:02X} PREC=0x{precedence:02X} TTL={} ID={} ",
            packet.ttl, packet.id
        ));
        if packet.df {
            self.text += "DF ";
        }
        if let Some(fragment) = packet.fragment {
            if fragment.more {
                self.text += "MF ";
            }
            if fragment.offset > 0 {
                self.add(format_args!("FRAG:{} ", fragment.offset / 8));
            }
        }
        if self.log.ip_options && !packet.ip_options.is_empty() {
            self.options(&packet.ip_options);
        }
    }

    /// False where the kernel's line ends after the header.
    fn v6_header(&mut self, packet: &Packet, src: Ipv6Addr, dst: Ipv6Addr) -> bool {
        // Eight groups of four digits.
        let full = |addr: Ipv6Addr| addr.segments().map(|s| format!("{s:04x}")).join(":");
        self.add(format_args!("SRC={} DST={} LEN={} ", full(src), full(dst), packet.len()));
        let label = packet.v6.flow_label;
        self.add(format_args!("TC={} HOPLIMIT={} FLOWLBL={label} ", packet.tos, packet.ttl));
        let (open, close) = if self.log.ip_options { ("OPT ( ", ") ") } else { ("", "") };
        for _ in &packet.v6.headers {
            self.add(format_args!("{open}{close}"));
        }
        if let Some(fragment) = packet.fragment {
            let more = if fragment.more { "INCOMPLETE " } else { "" };
            let id = packet.v6.fragment_id;
            self.add(format_args!("{open}FRAG:{} {more}ID:{id:08x} {close}", fragment.offset));
        }
        match packet.proto() {
            Proto::ESP | Proto::AH if self.log.ip_options => {
                self.add(format_args!("{open}{} ", if packet.proto() == Proto::ESP { "ESP" } else { "AH" }));
                if packet.is_later_fragment() {
                    self.text += ")";
                    return false;
                }
                self.spi(packet);
                self.text += if packet.proto() == Proto::ESP { ")" } else { ") " };
                packet.proto() != Proto::ESP
            }
            Proto::ESP => false,
            _ => true,
        }
    }

    fn tcp(&mut self, tcp: &Tcp) {
        self.add(format_args!("SPT={} DPT={} ", tcp.sport, tcp.dport));
        let number = |n: Option<u32>| n.map_or("?".to_owned(), |n| n.to_string());
        let (seq, ack) = (number(tcp.numbers.map(|n| n.seq)), number(tcp.numbers.map(|n| n.ack)));
        if self.log.tcp_sequence {
            self.add(format_args!("SEQ={seq} ACK={ack} "));
        }
        let window = number(tcp.numbers.map(|n| n.window.into()));
        self.add(format_args!("WINDOW={window} RES=0x00 "));
        let shown = [
            ("CWR ", TcpFlags::CWR),
            ("ECE ", TcpFlags::ECE),
            ("URG ", TcpFlags::URG),
            ("ACK ", TcpFlags::ACK),
            ("PSH ", TcpFlags::PSH),
            ("RST ", TcpFlags::RST),
            ("SYN ", TcpFlags::SYN),
            ("FIN ", TcpFlags::FIN),
        ];
        self.text.extend(shown.into_iter().filter(|(_, flag)| tcp.flags.has(*flag)).map(|(name, _)| name));
        self.text += "URGP=0 ";
        if self.log.tcp_options && !tcp.options.is_empty() {
            self.options(&tcp.options.to_bytes());
        }
    }

    fn options(&mut self, bytes: &[u8]) {
        let hex: String = bytes.iter().map(|b| format!("{b:02X}")).collect();
        self.add(format_args!("OPT ({hex}) "));
    }

    fn icmp(&mut self, icmp: &Icmp, v4: bool, outer: bool) {
        self.add(format_args!("TYPE={} CODE={} ", icmp.kind.ty, icmp.kind.code));
        match (v4, icmp.kind.ty) {
            (true, 0 | 8) | (false, 128 | 129) => {
                self.add(format_args!("ID={} SEQ={} ", icmp.id, icmp.seq));
            }
            (true, 12) => self.text += "PARAMETER=0 ",
            (true, 5) => {
                let gateway = icmp.gateway.map_or("0.0.0.0".into(), |g| g.to_string());
                self.add(format_args!("GATEWAY={gateway} "));
                self.quoted(icmp, outer);
            }
            (false, 4) => {
                self.text += "POINTER=00000000 ";
                self.quoted(icmp, outer);
            }
            (true, 3 | 4 | 11) | (false, 1..=3) => self.quoted(icmp, outer),
            _ => {}
        }
        if (v4, icmp.kind.ty, icmp.kind.code) == (true, 3, 4) || !v4 && icmp.kind.ty == 2 {
            self.add(format_args!("MTU={} ", icmp.mtu.unwrap_or(0)));
        }
    }

    /// The quoted packet in brackets; only one level deep.
    fn quoted(&mut self, icmp: &Icmp, outer: bool) {
        if !outer {
            return;
        }
        self.text += "[";
        match &icmp.quoted {
            Some(quoted) => self.packet(quoted, None),
            None => self.text += "?",
        }
        self.text += "] ";
    }

    fn other(&mut self, packet: &Packet) {
        let proto = packet.proto();
        let v4 = packet.src.is_ipv4();
        match proto {
            Proto::AH if v4 && packet.is_later_fragment() => {}
            Proto::AH | Proto::ESP if v4 => {
                self.add(format_args!("PROTO={} ", if proto == Proto::AH { "AH" } else { "ESP" }));
                if !packet.is_later_fragment() {
                    self.spi(packet);
                }
            }
            _ => self.add(format_args!("PROTO={} ", proto.0)),
        }
    }

    fn spi(&mut self, packet: &Packet) {
        let at = packet.header_len() as usize + if packet.proto() == Proto::AH { 4 } else { 0 };
        let wire: Wire = packet.wire();
        match wire.word(at) {
            At::Known(spi) => self.add(format_args!("SPI={spi:#x} ")),
            At::Unknown => self.text += "SPI=? ",
            At::Beyond => self.add(format_args!("INCOMPLETE [{} bytes] ", packet.payload.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netfilter::OutDev;
    use crate::packet::{TcpNumbers, TcpOptions, Words, parse_packet};
    use expect_test::{Expect, expect};

    const PLAIN: Log = Log {
        level: 4,
        prefix: smol_str::SmolStr::new_static("x "),
        tcp_sequence: false,
        tcp_options: false,
        ip_options: false,
        uid: false,
        macdecode: false,
    };

    fn skb(line: &str) -> Skb {
        let mut skb = Skb::new(parse_packet(&mut Words::new(line)).expect("a packet"));
        skb.iif = crate::abi::IfName::new("eth0");
        skb.mac = Some(crate::abi::Mac([2, 0, 0, 0, 2, 0]));
        skb.to_mac = Some(crate::abi::Mac([2, 0, 0, 0, 1, 0]));
        skb
    }

    #[track_caller]
    fn check(log: &Log, skb: &Skb, want: Expect) {
        want.assert_eq(&log.line(Hook::Forward, skb));
    }

    #[test]
    fn tcp() {
        let mut skb = skb("tcp 10.0.0.2:4000 > 10.0.1.2:80 syn,ece tos=0x28 df");
        skb.oif = OutDev::Named(crate::abi::IfName::new("eth1").expect("a name"));
        skb.mark = 0x10;
        check(
            &PLAIN,
            &skb,
            expect![
                "x IN=eth0 OUT=eth1 MAC=02:00:00:00:01:00:02:00:00:00:02:00:08:00 SRC=10.0.0.2 DST=10.0.1.2 LEN=40 TOS=0x08 PREC=0x20 TTL=64 ID=0 DF PROTO=TCP SPT=4000 DPT=80 WINDOW=? RES=0x00 ECE SYN URGP=0 MARK=0x10"
            ],
        );
        if let Transport::Tcp(tcp) = &mut skb.packet.transport {
            tcp.numbers = Some(TcpNumbers { seq: 1, ack: 2, window: 64_240 });
            tcp.options = TcpOptions::from_bytes(&[2, 4, 5, 0xb4]);
        }
        let all = Log { tcp_sequence: true, tcp_options: true, macdecode: true, ..PLAIN };
        check(
            &all,
            &skb,
            expect![
                "x IN=eth0 OUT=eth1 MACSRC=02:00:00:00:02:00 MACDST=02:00:00:00:01:00 MACPROTO=0800 SRC=10.0.0.2 DST=10.0.1.2 LEN=44 TOS=0x08 PREC=0x20 TTL=64 ID=0 DF PROTO=TCP SPT=4000 DPT=80 SEQ=1 ACK=2 WINDOW=64240 RES=0x00 ECE SYN URGP=0 OPT (020405B4) MARK=0x10"
            ],
        );
    }

    #[test]
    fn an_error_quotes_in_brackets() {
        check(
            &PLAIN,
            &skb("icmp 10.0.1.2 > 10.0.0.2 port-unreachable about udp 10.0.0.2:9 > 10.0.1.2:53 payload=4"),
            expect![
                "x IN=eth0 OUT= MAC=02:00:00:00:01:00:02:00:00:00:02:00:08:00 SRC=10.0.1.2 DST=10.0.0.2 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 PROTO=ICMP TYPE=3 CODE=3 [SRC=10.0.0.2 DST=10.0.1.2 LEN=32 TOS=0x00 PREC=0x00 TTL=64 ID=0 PROTO=UDP SPT=9 DPT=53 LEN=12 ]"
            ],
        );
    }

    #[test]
    fn ipv6_and_what_a_process_sends() {
        let mut skb = skb("udp [2001:db8::2]:53 > [2001:db8::3]:54 tos=0x28");
        skb.iif = None;
        skb.sender = Sender::Socket { uid: 33, gid: 34 };
        check(
            &Log { uid: true, ..PLAIN },
            &skb,
            expect![
                "x IN= OUT= SRC=2001:0db8:0000:0000:0000:0000:0000:0002 DST=2001:0db8:0000:0000:0000:0000:0000:0003 LEN=48 TC=40 HOPLIMIT=64 FLOWLBL=0 PROTO=UDP SPT=53 DPT=54 LEN=8 UID=33 GID=34"
            ],
        );
    }
}
