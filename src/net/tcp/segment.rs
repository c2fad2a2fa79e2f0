//! Segments: how they are read and made, and the RST that a closed port answers with.

use crate::packet::{Packet, Payload, Tcp, TcpFlags, TcpNumbers, TcpOption, TcpOptions, Transport};
use std::net::SocketAddr;

/// True if sequence number `a` comes before `b` (RFC 9293, section 3.4).
pub(super) fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

/// True if sequence number `a` comes after `b`.
pub(super) fn after(a: u32, b: u32) -> bool {
    before(b, a)
}

/// True if `[seq, end)` touches the window `[from, to)` (`tcp_in_window`).
pub(super) fn in_window(seq: u32, end: u32, from: u32, to: u32) -> bool {
    seq == from || (after(end, from) && before(seq, to)) || (seq == to && seq == end)
}

/// What the machines read of a packet.
#[derive(Clone, Debug)]
pub(super) struct Segment<'a> {
    pub(super) flags: TcpFlags,
    pub(super) seq: u32,
    /// One past the last sequence number, SYN and FIN counted.
    pub(super) end: u32,
    pub(super) ack: u32,
    pub(super) window: u16,
    pub(super) options: &'a TcpOptions,
    /// Value and echo of the timestamp option.
    pub(super) timestamp: Option<(u32, u32)>,
    payload: &'a Payload,
    /// The packet it came in, which a RST answers.
    pub(super) packet: &'a Packet,
}

impl<'a> Segment<'a> {
    /// Reads a packet. `None` where a host would drop it before any socket sees it: no TCP, a fragment, a wrong
    /// checksum.
    pub(super) fn read(packet: &'a Packet) -> Option<Self> {
        let tcp = packet.tcp().filter(|_| packet.fragment.is_none() && !packet.bad_checksum)?;
        let TcpNumbers { seq, ack, window } = numbers(tcp);
        let syn_fin = u32::from(tcp.flags.has(TcpFlags::SYN)) + u32::from(tcp.flags.has(TcpFlags::FIN));
        Some(Segment {
            flags: tcp.flags,
            seq,
            end: seq.wrapping_add(packet.payload.len()).wrapping_add(syn_fin),
            ack,
            window,
            options: &tcp.options,
            timestamp: timestamp(&tcp.options),
            payload: &packet.payload,
            packet,
        })
    }

    pub(super) fn has(&self, flags: TcpFlags) -> bool {
        self.flags.has(flags)
    }

    /// Bytes of data.
    pub(super) fn len(&self) -> u32 {
        self.payload.len()
    }

    /// Bytes of data in each of the segments that one packet may hold.
    pub(super) fn step(&self) -> u32 {
        match self.packet.gso_size {
            0 => self.len(),
            size => size.into(),
        }
    }

    /// The data from a sequence number on. Bytes that nobody told are zeros.
    pub(super) fn data_from(&self, seq: u32) -> Vec<u8> {
        let all = match self.payload.bytes() {
            Some(bytes) => bytes.to_vec(),
            None => vec![0; self.payload.len() as usize],
        };
        let skip = seq.wrapping_sub(self.seq) as usize;
        all.get(skip..).map(<[u8]>::to_vec).unwrap_or_default()
    }

    /// Where the data ends: before the FIN.
    pub(super) fn data_end(&self) -> u32 {
        self.end.wrapping_sub(u32::from(self.has(TcpFlags::FIN)))
    }
}

/// A header's numbers; where nobody told them, all are 0.
fn numbers(tcp: &Tcp) -> TcpNumbers {
    tcp.numbers.unwrap_or(TcpNumbers { seq: 0, ack: 0, window: 0 })
}

fn timestamp(options: &TcpOptions) -> Option<(u32, u32)> {
    options.0.iter().find_map(|o| if let TcpOption::Timestamp(v, e) = o { Some((*v, *e)) } else { None })
}

/// What a header is made of.
pub(super) struct Header {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) flags: TcpFlags,
    pub(super) numbers: TcpNumbers,
    pub(super) options: TcpOptions,
}

/// Makes a packet. The addresses of a machine are of one family, so there is always one.
pub(super) fn make(header: Header, payload: Vec<u8>, ttl: u8, tos: u8, df: bool) -> Packet {
    let tcp = Tcp {
        sport: header.from.port(),
        dport: header.to.port(),
        flags: header.flags,
        numbers: Some(header.numbers),
        options: header.options,
    };
    Packet {
        src: header.from.ip(),
        dst: header.to.ip(),
        ttl,
        tos,
        id: 0,
        df: df && header.from.is_ipv4(),
        ip_options: Vec::new(),
        v6: Default::default(),
        transport: Transport::Tcp(tcp),
        payload: Payload::from(payload),
        fragment: None,
        bad_checksum: false,
        gso_size: 0,
    }
}

/// A connection's first numbers, which Linux takes from secret hashes (`secure_tcp_seq`, `secure_tcp_ts_off`):
/// here FNV-1a of the two ends, addresses and ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Secrets {
    /// What is added to the clock's milliseconds in timestamps.
    pub(super) timestamp: u32,
    /// The first IP identification.
    pub(super) ip_id: u16,
}

impl Secrets {
    pub(super) fn of(local: SocketAddr, remote: SocketAddr) -> Self {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let text = format!("{local} {remote}");
        for byte in text.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Secrets { timestamp: (hash >> 32) as u32, ip_id: (hash >> 24) as u16 }
    }
}

/// The RST with which a host answers a segment that no socket wants (`tcp_v4_send_reset`): RST,ACK for one
/// without ACK, a bare RST with its acknowledgement as sequence number for one with. Its TOS is the segment's,
/// without ECN. None for a RST, for a fragment, and for a packet with a bad checksum.
///
/// Where nobody told the segment's numbers, the RST has none either.
///
/// ```
/// use vitrine::net::tcp::reset_for;
/// use vitrine::packet::{Words, parse_packet};
/// let syn = parse_packet(&mut Words::new("tcp 10.0.0.1:40000 > 10.0.0.2:81 syn")).unwrap();
/// assert_eq!(reset_for(&syn, 64).unwrap().to_string(), "tcp 10.0.0.2:81 > 10.0.0.1:40000 rst,ack df");
/// ```
pub fn reset_for(packet: &Packet, ttl: u8) -> Option<Packet> {
    let segment = Segment::read(packet)?;
    if segment.has(TcpFlags::RST) {
        return None;
    }
    let (sport, dport) = packet.ports()?;
    let (flags, numbers) = if segment.has(TcpFlags::ACK) {
        (TcpFlags::RST, TcpNumbers { seq: segment.ack, ack: 0, window: 0 })
    } else {
        (TcpFlags::RST | TcpFlags::ACK, TcpNumbers { seq: 0, ack: segment.end, window: 0 })
    };
    let header = Header {
        from: SocketAddr::new(packet.dst, dport),
        to: SocketAddr::new(packet.src, sport),
        flags,
        numbers,
        options: TcpOptions::default(),
    };
    let mut reset = make(header, Vec::new(), ttl, packet.tos & !3, true);
    if let (Transport::Tcp(tcp), Some(Tcp { numbers: None, .. })) = (&mut reset.transport, packet.tcp()) {
        tcp.numbers = None;
    }
    Some(reset)
}
