//! A packet as one line of text, the way people type it: `tcp 203.0.113.9:40000 > 198.51.100.2:8080 syn`.

use super::{
    Fragment, Icmp, IcmpType, Packet, Payload, Ports, Proto, Tcp, TcpFlags, Transport, icmp_type_by_name,
};
use std::fmt;
use std::net::IpAddr;

/// Why a packet's line was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsePacketError {
    /// The byte in the line at which the trouble starts, counted from 0.
    pub at: usize,
    /// The word in question; empty at the end of the line.
    pub word: String,
    /// What was expected there.
    pub kind: PacketErrorKind,
}

/// What was wrong with the word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PacketErrorKind {
    /// The line ends before the protocol.
    NoProtocol,
    /// Neither a protocol's name nor its number.
    Protocol,
    /// Not `ADDRESS` or `ADDRESS:PORT` (IPv6 with a port: `[ADDRESS]:PORT`).
    End,
    /// No `>` between source and destination.
    Arrow,
    /// A TCP, UDP, SCTP or DCCP end without its port.
    Port,
    /// A port where the protocol has none.
    NoPort,
    /// Source and destination are of two families.
    Families,
    /// A word after the addresses that means nothing there.
    Word,
    /// The value after `=` is not what the key takes.
    Value,
}

impl fmt::Display for PacketErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProtocol => "expected a protocol: tcp, udp, icmp, icmpv6, sctp, … or a number",
            Self::Protocol => "not a protocol's name or number",
            Self::End => "expected ADDRESS or ADDRESS:PORT (IPv6 with a port: [ADDRESS]:PORT)",
            Self::Arrow => "expected `>` between source and destination",
            Self::Port => "this protocol needs a port: ADDRESS:PORT",
            Self::NoPort => "this protocol has no ports",
            Self::Families => "source and destination are of two families",
            Self::Word => "this word means nothing here",
            Self::Value => "this is no value for that key",
        })
    }
}

impl fmt::Display for ParsePacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.word.is_empty() {
            write!(f, "at the end: {}", self.kind)
        } else {
            write!(f, "column {}, `{}`: {}", self.at + 1, self.word, self.kind)
        }
    }
}

impl std::error::Error for ParsePacketError {}

/// The blank-separated words of a line, each with its place.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    words: Vec<(usize, &'a str)>,
    next: usize,
    end: usize,
}

impl<'a> Words<'a> {
    /// Splits a line.
    pub fn new(line: &'a str) -> Self {
        let words =
            line.split_whitespace().map(|w| (w.as_ptr() as usize - line.as_ptr() as usize, w)).collect();
        Words { words, next: 0, end: line.len() }
    }

    /// The next word, left where it is.
    pub fn peek(&self) -> Option<&'a str> {
        self.words.get(self.next).map(|w| w.1)
    }

    /// The error that the next word (or the end) deserves.
    pub fn error(&self, kind: PacketErrorKind) -> ParsePacketError {
        match self.words.get(self.next) {
            Some((at, word)) => ParsePacketError { at: *at, word: (*word).to_owned(), kind },
            None => ParsePacketError { at: self.end, word: String::new(), kind },
        }
    }

    /// Goes on to the word after.
    pub fn advance(&mut self) {
        self.next += 1;
    }

    /// The value of the next word if it is `KEY=value`; does not advance.
    pub fn value(&self, key: &str) -> Option<&'a str> {
        self.peek()?.strip_prefix(key)?.strip_prefix('=')
    }
}

/// Reads `PROTO SRC > DST [word…]` from where `words` stands to the first word that is not the packet's.
///
/// Words after the addresses: TCP flags (`syn`, `syn,ack`, `none`; default `syn`), an ICMP type's name or
/// `type=T/C` (default echo-request), `id=N`, `ttl=N`, `tos=N`, `payload=BYTES`, `mss=N`,
/// `df`, `frag=OFFSET[+]`, `bad-checksum`, and, for an ICMP error, `about PACKET`, the quoted packet, which
/// takes the rest.
///
/// ```
/// use vitrine::packet::{Words, parse_packet};
/// let line = "tcp 203.0.113.9:40000 > 198.51.100.2:8080 syn ttl=7";
/// assert_eq!(parse_packet(&mut Words::new(line)).unwrap().to_string(), line);
/// let error = parse_packet(&mut Words::new("tcp 203.0.113.9 > 198.51.100.2:80")).unwrap_err();
/// assert_eq!(error.to_string(), "column 5, `203.0.113.9`: this protocol needs a port: ADDRESS:PORT");
/// ```
pub fn parse_packet(words: &mut Words) -> Result<Packet, ParsePacketError> {
    use PacketErrorKind as Kind;
    let name = words.peek().ok_or_else(|| words.error(Kind::NoProtocol))?;
    let proto = name
        .parse()
        .map(Proto)
        .ok()
        .or_else(|| if name == "icmp6" { Some(Proto::ICMPV6) } else { Proto::by_name(name) })
        .filter(|p| *p != Proto::ALL)
        .ok_or_else(|| words.error(Kind::Protocol))?;
    words.advance();
    let (src, sport) = end(words, proto)?;
    if words.peek() != Some(">") {
        return Err(words.error(Kind::Arrow));
    }
    words.advance();
    let dst_at = words.clone();
    let (dst, dport) = end(words, proto)?;
    if src.is_ipv4() != dst.is_ipv4() {
        return Err(dst_at.error(Kind::Families));
    }
    let v4 = src.is_ipv4();
    let transport = match proto {
        Proto::TCP => Transport::Tcp(Tcp { sport, dport, flags: TcpFlags::SYN, ..Tcp::default() }),
        p if p.has_ports() => Transport::Ports(Ports { proto, sport, dport }),
        Proto::ICMP if v4 => Transport::Icmp(Icmp::query(IcmpType::new(8, 0), 0, 0)),
        Proto::ICMPV6 if !v4 => Transport::Icmp(Icmp::query(IcmpType::new(128, 0), 0, 0)),
        _ => Transport::Other(proto),
    };
    let mut packet = Packet::new(src, dst, transport).ok_or_else(|| dst_at.error(Kind::Families))?;
    while let Some(word) = words.peek() {
        if !option(words, word, &mut packet)? {
            break;
        }
    }
    // A first fragment has the transport header before its payload, a later one has not.
    let carried = packet.carried();
    let payload = packet.payload.len();
    if let Some(fragment) = &mut packet.fragment {
        let length = if fragment.offset == 0 { carried } else { payload };
        fragment.length = u16::try_from(length).unwrap_or(u16::MAX);
    }
    Ok(packet)
}

/// Reads one end of the packet.
fn end(words: &mut Words, proto: Proto) -> Result<(IpAddr, u16), ParsePacketError> {
    use PacketErrorKind as Kind;
    let word = words.peek().ok_or_else(|| words.error(Kind::End))?;
    let (addr, port): (IpAddr, Option<&str>) = if let Ok(addr) = word.parse() {
        (addr, None)
    } else if let Some((addr, port)) = word.rsplit_once(':') {
        let bare = addr.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(addr);
        (bare.parse().map_err(|_| words.error(Kind::End))?, Some(port))
    } else {
        return Err(words.error(Kind::End));
    };
    let port = match (proto.has_ports(), port) {
        (true, Some(port)) => port.parse().map_err(|_| words.error(Kind::End))?,
        (true, None) => return Err(words.error(Kind::Port)),
        (false, Some(_)) => return Err(words.error(Kind::NoPort)),
        (false, None) => 0,
    };
    words.advance();
    Ok((addr, port))
}

/// Reads one word after the addresses into the packet; false if it is not the packet's.
fn option(words: &mut Words, word: &str, packet: &mut Packet) -> Result<bool, ParsePacketError> {
    use PacketErrorKind as Kind;
    let v4 = packet.src.is_ipv4();
    if word == "about" {
        let Transport::Icmp(icmp) = &mut packet.transport else { return Err(words.error(Kind::Word)) };
        if !icmp.kind.is_error(v4) {
            return Err(words.error(Kind::Word));
        }
        words.advance();
        let about = parse_packet(words)?;
        let Icmp { quoted, quoted_len, .. } = Icmp::error(icmp.kind, &about);
        (icmp.quoted, icmp.quoted_len) = (quoted, quoted_len);
        return Ok(true);
    }
    if word == "bad-checksum" {
        packet.bad_checksum = true;
    } else if word == "df" && v4 {
        packet.df = true;
    } else if let Some((key, value)) = word.split_once('=') {
        let bad = || words.error(Kind::Value);
        match (key, &mut packet.transport) {
            ("ttl", _) => packet.ttl = number(value).ok_or_else(bad)?,
            ("tos", _) => packet.tos = number(value).ok_or_else(bad)?,
            ("payload", _) => packet.payload = Payload::Size(number(value).ok_or_else(bad)?),
            ("frag", _) => {
                let (offset, more) = value.strip_suffix('+').map_or((value, false), |o| (o, true));
                let offset = number(offset).filter(|o: &u16| o.is_multiple_of(8)).ok_or_else(bad)?;
                packet.fragment = Some(Fragment { offset, more, length: 0 });
            }
            ("mss", Transport::Tcp(tcp)) => tcp.options.set_mss(number(value).ok_or_else(bad)?),
            ("id", Transport::Icmp(icmp)) => icmp.id = number(value).ok_or_else(bad)?,
            ("type", Transport::Icmp(icmp)) => {
                let (ty, code) = value.split_once('/').unwrap_or((value, "0"));
                icmp.kind = IcmpType::new(number(ty).ok_or_else(bad)?, number(code).ok_or_else(bad)?);
            }
            ("id" | "type" | "mss", _) => return Err(words.error(Kind::Word)),
            _ => return Ok(false),
        }
    } else {
        match &mut packet.transport {
            Transport::Tcp(tcp) => match flags(word) {
                Some(flags) => tcp.flags = flags,
                None => return Ok(false),
            },
            Transport::Icmp(icmp) => match icmp_type_by_name(word, v4) {
                Some(kind) => icmp.kind = kind,
                None => return Ok(false),
            },
            Transport::Ports(_) | Transport::Other(_) => return Ok(false),
        }
    }
    words.advance();
    Ok(true)
}

/// Reads `syn,ack`, `none`, `all`.
fn flags(word: &str) -> Option<TcpFlags> {
    match word {
        "none" => Some(TcpFlags(0)),
        "all" => Some(TcpFlags(0x3f)),
        _ => word.split(',').try_fold(TcpFlags(0), |sum, name| Some(sum | TcpFlags::by_name(name)?)),
    }
}

/// Reads a decimal or `0x` number that fits.
fn number<T: TryFrom<u32>>(text: &str) -> Option<T> {
    let n = match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => text.parse().ok()?,
    };
    T::try_from(n).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, want: &str) {
        let got = match parse_packet(&mut Words::new(line)) {
            Ok(packet) => packet.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, want);
    }

    #[test]
    fn a_line_prints_back() {
        for line in [
            "tcp 10.0.0.1:1 > 10.0.0.2:2 syn,ack",
            "tcp 10.0.0.1:1 > 10.0.0.2:2 none",
            "udp [2001:db8::1]:53 > [2001:db8::2]:5353",
            "icmp 10.0.0.1 > 10.0.0.2 echo-request id=7",
            "icmp 10.0.0.1 > 10.0.0.2 port-unreachable about udp 10.0.0.2:9 > 10.0.0.1:53",
            "ipv6-icmp fe80::1 > ff02::1 neighbour-solicitation",
            "gre 10.0.0.1 > 10.0.0.2 ttl=3 payload=100",
            "udp 10.0.0.1:5 > 10.0.0.2:6 frag=0+",
        ] {
            check(line, line);
        }
    }

    #[test]
    fn errors_name_the_word() {
        check("", "at the end: expected a protocol: tcp, udp, icmp, icmpv6, sctp, … or a number");
        check("nope 1.2.3.4 > 1.2.3.5", "column 1, `nope`: not a protocol's name or number");
        check(
            "udp 1.2.3.4:1 1.2.3.5:2",
            "column 15, `1.2.3.5:2`: expected `>` between source and destination",
        );
        check("icmp 1.2.3.4 > ::1", "column 16, `::1`: source and destination are of two families");
        check("icmp 1.2.3.4 > 1.2.3.5 id=70000", "column 24, `id=70000`: this is no value for that key");
        check("icmp 1.2.3.4:1 > 1.2.3.5", "column 6, `1.2.3.4:1`: this protocol has no ports");
    }
}
