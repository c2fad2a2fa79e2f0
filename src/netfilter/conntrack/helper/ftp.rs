//! FTP: the data connection that PORT, EPRT, PASV and EPSV agree on (RFC 959, RFC 2428, `nf_conntrack_ftp` and
//! `nf_nat_ftp` of Linux 6.18, with its option `loose` off).

use super::super::expect::{ExpectError, ExpectNat, Expectation, STAYS, expectation};
use super::super::window::after;
use super::Help;
use crate::netfilter::conntrack::{CtEntry, CtState};
use crate::netfilter::event::KernelDrop;
use crate::packet::{Direction, Proto};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where lines begin in each direction's stream: the two newest places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::netfilter::conntrack) struct FtpLines([Vec<u32>; 2]);

impl FtpLines {
    fn is_start(&self, dir: Direction, seq: u32) -> bool {
        self.0[dir as usize].contains(&seq)
    }

    fn note(&mut self, dir: Direction, seq: u32) {
        let places = &mut self.0[dir as usize];
        if places.contains(&seq) {
            return;
        }
        if let [first, second] = places.as_mut_slice() {
            let oldest = if after(*first, *second) { second } else { first };
            if after(seq, *oldest) {
                *oldest = seq;
            }
        } else {
            places.push(seq);
        }
    }
}

/// The ways to say where the data connection goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Port,
    Eprt,
    Pasv,
    Epsv,
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    /// Nothing of a data connection.
    Other,
    /// It begins like a command and does not end like one: more may come.
    Partial,
    /// Where the data connection goes, and which bytes of the line say so.
    Found { command: Command, addr: Option<IpAddr>, port: u16, at: usize, len: usize },
}

impl Help<'_> {
    pub(super) fn ftp(&mut self) -> Result<(), KernelDrop> {
        let Some(numbers) = self.packet.tcp().and_then(|t| t.numbers) else { return Ok(()) };
        let Some(bytes) = self.packet.payload.bytes().filter(|b| !b.is_empty()) else { return Ok(()) };
        let id = match (self.ct.state, self.ct.entry) {
            (CtState::Established, Some(id)) => id,
            _ => return Ok(()),
        };
        let Some(entry) = self.conntrack.entry(id) else { return Ok(()) };
        let dir = self.ct.dir;
        let next = numbers.seq.wrapping_add(bytes.len() as u32);
        let ends = bytes.ends_with(b"\n");
        if entry.ftp.is_start(dir, numbers.seq) {
            let v4 = entry.original.src.is_ipv4();
            match read(bytes, dir, v4) {
                Line::Other => {}
                Line::Partial => return Err(KernelDrop::PartialCommand),
                Line::Found { command, addr, port, at, len } => {
                    let own = entry.tuple(dir).src;
                    // A client is not to open holes to other hosts.
                    if addr.is_none_or(|a| a == own) {
                        let expected = self.expected(entry, port);
                        self.agree(expected, command, at, len)?;
                    }
                }
            }
        }
        if ends && let Some(entry) = self.conntrack.entry_mut(id) {
            entry.ftp.note(dir, next);
        }
        Ok(())
    }

    fn expected(&self, entry: &CtEntry, port: u16) -> Expectation {
        let there = entry.tuple(self.ct.dir.flip());
        let helper = entry.helper.clone().unwrap_or_default();
        let (ends, to) = ((there.src, there.dst), (Proto::TCP, port));
        expectation(entry, &helper, ends, to, self.now.after(STAYS))
    }

    /// Expects the data connection; where the control connection is translated, the line says the translated
    /// address, and another port if that one is expected already.
    fn agree(
        &mut self,
        mut expected: Expectation,
        command: Command,
        at: usize,
        len: usize,
    ) -> Result<(), KernelDrop> {
        let translated = self.conntrack.entry(expected.master).is_some_and(CtEntry::is_translated);
        if translated {
            expected.nat = Some(ExpectNat { dir: self.ct.dir.flip(), port: expected.dport });
            while self.conntrack.is_expected_elsewhere(&expected) {
                expected.dport = expected.dport.checked_add(1).ok_or(KernelDrop::NotExpectable)?;
            }
        }
        let (addr, port) = (expected.dst, expected.dport);
        let entered = self.conntrack.expect(expected, 1, self.cause, self.sink);
        entered.map_err(|why| match why {
            ExpectError::Busy | ExpectError::Full => KernelDrop::NotExpectable,
        })?;
        if translated {
            self.mangle(at, len, said(command, addr, port).as_bytes());
        }
        Ok(())
    }
}

/// How a command says an address and a port.
fn said(command: Command, addr: IpAddr, port: u16) -> String {
    match (command, addr) {
        (Command::Port | Command::Pasv, IpAddr::V4(a)) => {
            let [a, b, c, d] = a.octets();
            format!("{a},{b},{c},{d},{},{}", port >> 8, port & 0xff)
        }
        (Command::Eprt, IpAddr::V4(a)) => format!("|1|{a}|{port}|"),
        // The kernel writes all eight words in full.
        (Command::Eprt, IpAddr::V6(a)) => {
            let words: Vec<_> = a.segments().iter().map(|w| format!("{w:04x}")).collect();
            format!("|2|{}|{port}|", words.join(":"))
        }
        (Command::Epsv | Command::Port | Command::Pasv, _) => format!("|||{port}|"),
    }
}

/// What a line of this direction says.
fn read(line: &[u8], dir: Direction, v4: bool) -> Line {
    let words: [(Command, &[u8], Option<u8>); 2] = match dir {
        Direction::Original => [(Command::Port, b"PORT", Some(b' ')), (Command::Eprt, b"EPRT", Some(b' '))],
        Direction::Reply => [(Command::Pasv, b"227 ", None), (Command::Epsv, b"229 ", Some(b'('))],
    };
    for (command, word, skip) in words {
        let shorter = line.len().min(word.len());
        if !line[..shorter].eq_ignore_ascii_case(&word[..shorter]) {
            continue;
        }
        if line.len() <= word.len() {
            return Line::Partial;
        }
        let mut at = word.len();
        if let Some(skip) = skip {
            match line[at..].iter().position(|b| *b == skip) {
                Some(place) if at + place < line.len() - 1 => at += place + 1,
                _ => return Line::Partial,
            }
        }
        let found = match command {
            Command::Port => numbers::<6>(&line[at..], b',', Some(b'\r')).map(|(n, len)| (of_six(n), len)),
            Command::Pasv => {
                at += line[at..].iter().position(u8::is_ascii_digit).unwrap_or(line.len() - at);
                numbers::<6>(&line[at..], b',', None).map(|(n, len)| (of_six(n), len))
            }
            Command::Eprt => eprt(&line[at..], v4),
            Command::Epsv => epsv(&line[at..]),
        };
        return match found {
            Some(((addr, port), len)) => Line::Found { command, addr, port, at, len },
            None => Line::Partial,
        };
    }
    Line::Other
}

type Said = ((Option<IpAddr>, u16), usize);

fn of_six(n: [u32; 6]) -> (Option<IpAddr>, u16) {
    let addr = n[..4].iter().fold(0u32, |sum, byte| sum << 8 | byte);
    (Some(Ipv4Addr::from(addr).into()), (n[4] << 8 | n[5]) as u16)
}

/// So many numbers with a separator between them, up to a terminator (any other byte where there is none), and
/// their length.
fn numbers<const N: usize>(text: &[u8], separator: u8, end: Option<u8>) -> Option<([u32; N], usize)> {
    let mut found = [0u32; N];
    let mut place = 0;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                let number = found.get_mut(place)?;
                *number = number.wrapping_mul(10).wrapping_add(u32::from(byte - b'0'));
            }
            _ if *byte == separator => place += 1,
            _ if place == N - 1 && end.is_none_or(|e| e == *byte) => return Some((found, at)),
            _ => return None,
        }
        if place >= N {
            return None;
        }
    }
    None
}

fn is_delimiter(byte: u8) -> bool {
    (33..=126).contains(&byte) && !byte.is_ascii_digit()
}

/// `|1|132.235.1.2|6275|` or `|2|3ffe::1|6275|`.
fn eprt(text: &[u8], v4: bool) -> Option<Said> {
    let [delimiter, family, third, rest @ ..] = text else { return None };
    if rest.is_empty() || !is_delimiter(*delimiter) || third != delimiter {
        return None;
    }
    let (addr, len) = match (family, v4) {
        (b'1', true) => {
            let (n, len) = numbers::<4>(rest, b'.', Some(*delimiter))?;
            (IpAddr::V4(Ipv4Addr::from(n.iter().fold(0u32, |sum, byte| sum << 8 | byte))), len)
        }
        (b'2', false) => {
            let len = rest.iter().position(|b| b == delimiter)?;
            (IpAddr::V6(std::str::from_utf8(&rest[..len]).ok()?.parse::<Ipv6Addr>().ok()?), len)
        }
        _ => return None,
    };
    let start = 3 + len + 1;
    let (port, end) = port(text.get(start..)?, *delimiter)?;
    Some(((Some(addr), port), start + end))
}

/// `|||6446|`.
fn epsv(text: &[u8]) -> Option<Said> {
    let [a, b, c, rest @ ..] = text else { return None };
    if rest.is_empty() || !is_delimiter(*a) || a != b || a != c {
        return None;
    }
    let (port, end) = port(rest, *a)?;
    Some(((None, port), 3 + end))
}

/// A port up to a delimiter, and where that ends.
fn port(text: &[u8], delimiter: u8) -> Option<(u16, usize)> {
    let mut port = 0u16;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if *byte == delimiter => return (port != 0).then_some((port, at + 1)),
            b'0'..=b'9' => port = port.wrapping_mul(10).wrapping_add(u16::from(byte - b'0')),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[track_caller]
    fn check(line: &str, dir: Direction, v4: bool, want: Expect) {
        want.assert_eq(&match read(line.as_bytes(), dir, v4) {
            Line::Other => "other".into(),
            Line::Partial => "partial".into(),
            Line::Found { command, addr, port, at, len } => {
                let addr = addr.map_or("the same".into(), |a| a.to_string());
                format!("{command:?} {addr} {port}, bytes {at}+{len}")
            }
        });
    }

    #[test]
    fn lines() {
        use Direction::{Original as O, Reply as R};
        check("PORT 10,0,0,1,4,1\r\n", O, true, expect!["Port 10.0.0.1 1025, bytes 5+12"]);
        check("port 10,0,0,1,4,1\r\n", O, true, expect!["Port 10.0.0.1 1025, bytes 5+12"]);
        check("PORT 10,0,0,1,4\r\n", O, true, expect!["partial"]);
        check("POR", O, true, expect!["partial"]);
        check("USER x\r\n", O, true, expect!["other"]);
        check("EPRT |1|10.0.0.1|6275|\r\n", O, true, expect!["Eprt 10.0.0.1 6275, bytes 5+17"]);
        check("EPRT |2|fd00::1|6275|\r\n", O, false, expect!["Eprt fd00::1 6275, bytes 5+16"]);
        check("EPRT |2|fd00::1|6275|\r\n", O, true, expect!["partial"]);
        check("227 Entering (10,0,0,2,200,1).\r\n", R, true, expect!["Pasv 10.0.0.2 51201, bytes 14+14"]);
        check("227 now 10,0,0,2,200,1\r\n", R, true, expect!["Pasv 10.0.0.2 51201, bytes 8+14"]);
        check("229 Entering (|||6446|)\r\n", R, false, expect!["Epsv the same 6446, bytes 14+8"]);
        check("226 done\r\n", R, true, expect!["other"]);
    }
}
