//! `-j TCPOPTSTRIP` and `-j ECN`: bits taken out of headers.

use crate::packet::{Packet, TcpFlags, TcpOption, Transport};

/// TCP options that are overwritten, by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strip(pub Vec<u8>);

/// Bits of explicit congestion notification that are set or cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ecn {
    /// `--ecn-ip-ect`.
    pub ect: Option<u8>,
    /// `--ecn-tcp-ece`; `--ecn-tcp-remove` clears both.
    pub ece: Option<bool>,
    /// `--ecn-tcp-cwr`.
    pub cwr: Option<bool>,
}

impl Strip {
    /// Puts no-operations where the options were (`tcpoptstrip_mangle_packet`).
    pub fn apply(&self, packet: &mut Packet) {
        let later = packet.is_later_fragment();
        let Transport::Tcp(tcp) = &mut packet.transport else { return };
        if later {
            return;
        }
        let options = std::mem::take(&mut tcp.options.0);
        for option in options {
            if self.0.contains(&option.kind()) {
                tcp.options.0.extend(std::iter::repeat_n(TcpOption::Nop, option.size()));
            } else {
                tcp.options.0.push(option);
            }
        }
    }
}

impl Ecn {
    /// Sets and clears the bits (`ecn_tg`).
    pub fn apply(self, packet: &mut Packet) {
        if let Some(ect) = self.ect {
            packet.tos = packet.tos & !3 | ect;
        }
        if let Transport::Tcp(tcp) = &mut packet.transport {
            for (bit, flag) in [(self.ece, TcpFlags::ECE), (self.cwr, TcpFlags::CWR)] {
                match bit {
                    Some(true) => tcp.flags = tcp.flags | flag,
                    Some(false) => tcp.flags = TcpFlags(tcp.flags.0 & !flag.0),
                    None => {}
                }
            }
        }
    }
}
