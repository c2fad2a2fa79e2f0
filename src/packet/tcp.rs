//! TCP headers and their options.

use super::TcpFlags;
use serde::{Serialize, Serializer};

/// A TCP header (RFC 9293).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tcp {
    /// Source port.
    pub sport: u16,
    /// Destination port.
    pub dport: u16,
    /// The flag bits.
    pub flags: TcpFlags,
    /// Sequence numbers and window. `None` where nobody told them: then the options may be incomplete too,
    /// and connection tracking does not check the window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers: Option<TcpNumbers>,
    /// The options, in order.
    #[serde(skip_serializing_if = "TcpOptions::is_empty")]
    pub options: TcpOptions,
}

/// Where a segment lies in its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TcpNumbers {
    /// Sequence number of the first byte.
    pub seq: u32,
    /// The next sequence number expected from the other side; counts only with ACK.
    pub ack: u32,
    /// The receive window, not scaled.
    pub window: u16,
}

/// One TCP option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TcpOption {
    /// Kind 0: the rest is padding.
    End,
    /// Kind 1.
    Nop,
    /// Kind 2: maximum segment size, bytes.
    Mss(u16),
    /// Kind 3: window scale, as a shift (RFC 7323).
    WindowScale(u8),
    /// Kind 4: selective acknowledgement permitted (RFC 2018).
    SackPermitted,
    /// Kind 5: blocks received out of order, as `[start, end)`.
    Sack(Vec<(u32, u32)>),
    /// Kind 8: value and echo (RFC 7323).
    Timestamp(u32, u32),
    /// Any other, with its bytes after kind and length.
    Other(u8, Vec<u8>),
}

impl TcpOption {
    /// The option's number.
    pub fn kind(&self) -> u8 {
        match self {
            TcpOption::End => 0,
            TcpOption::Nop => 1,
            TcpOption::Mss(_) => 2,
            TcpOption::WindowScale(_) => 3,
            TcpOption::SackPermitted => 4,
            TcpOption::Sack(_) => 5,
            TcpOption::Timestamp(..) => 8,
            TcpOption::Other(kind, _) => *kind,
        }
    }

    /// Its size in the header, bytes.
    pub fn size(&self) -> usize {
        match self {
            TcpOption::End | TcpOption::Nop => 1,
            TcpOption::Mss(_) => 4,
            TcpOption::WindowScale(_) => 3,
            TcpOption::SackPermitted => 2,
            TcpOption::Sack(blocks) => 2 + 8 * blocks.len(),
            TcpOption::Timestamp(..) => 10,
            TcpOption::Other(_, bytes) => 2 + bytes.len(),
        }
    }
}

/// A header's options.
///
/// ```
/// use vitrine::packet::{TcpOption, TcpOptions};
/// let options = TcpOptions::from_bytes(&[2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7]);
/// assert_eq!(options.mss(), Some(1460));
/// assert_eq!(options.0[3], TcpOption::WindowScale(7));
/// assert_eq!(options.size(), 12, "padded to words of four bytes");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TcpOptions(pub Vec<TcpOption>);

impl TcpOptions {
    /// Reads the option bytes of a header. What does not parse, and all after it, is left out, as a receiver
    /// does.
    pub fn from_bytes(mut bytes: &[u8]) -> Self {
        let mut list = Vec::new();
        while let Some((&kind, rest)) = bytes.split_first() {
            match kind {
                0 => {
                    list.push(TcpOption::End);
                    break;
                }
                1 => {
                    list.push(TcpOption::Nop);
                    bytes = rest;
                    continue;
                }
                _ => {}
            }
            let Some(size) = rest.first().map(|s| usize::from(*s)).filter(|s| (2..=bytes.len()).contains(s))
            else {
                break;
            };
            let body = &bytes[2..size];
            let word = |at: usize| {
                body.get(at..at + 4).map_or(0, |b| b.iter().fold(0, |n: u32, b| n << 8 | u32::from(*b)))
            };
            list.push(match (kind, body) {
                (2, [high, low]) => TcpOption::Mss(u16::from_be_bytes([*high, *low])),
                (3, [shift]) => TcpOption::WindowScale(*shift),
                (4, []) => TcpOption::SackPermitted,
                (5, blocks) if blocks.len().is_multiple_of(8) => {
                    TcpOption::Sack((0..blocks.len()).step_by(8).map(|at| (word(at), word(at + 4))).collect())
                }
                (8, [_, _, _, _, _, _, _, _]) => TcpOption::Timestamp(word(0), word(4)),
                (kind, body) => TcpOption::Other(kind, body.to_vec()),
            });
            bytes = &bytes[size..];
        }
        TcpOptions(list)
    }

    /// The option bytes of a header, padded to words of four with zeros.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for option in &self.0 {
            bytes.push(option.kind());
            if option.size() > 1 {
                bytes.push(option.size() as u8);
            }
            match option {
                TcpOption::End | TcpOption::Nop | TcpOption::SackPermitted => {}
                TcpOption::Mss(mss) => bytes.extend(mss.to_be_bytes()),
                TcpOption::WindowScale(shift) => bytes.push(*shift),
                TcpOption::Sack(blocks) => {
                    for (start, end) in blocks {
                        bytes.extend(start.to_be_bytes());
                        bytes.extend(end.to_be_bytes());
                    }
                }
                TcpOption::Timestamp(value, echo) => {
                    bytes.extend(value.to_be_bytes());
                    bytes.extend(echo.to_be_bytes());
                }
                TcpOption::Other(_, body) => bytes.extend(body),
            }
        }
        bytes.resize(self.size() as usize, 0);
        bytes
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The size in the header: a multiple of four bytes.
    pub fn size(&self) -> u32 {
        self.0.iter().map(TcpOption::size).sum::<usize>().next_multiple_of(4) as u32
    }

    /// The first maximum segment size.
    pub fn mss(&self) -> Option<u16> {
        self.0.iter().find_map(|o| if let TcpOption::Mss(mss) = o { Some(*mss) } else { None })
    }

    /// Sets the maximum segment size; adds the option in front where there is none.
    pub fn set_mss(&mut self, mss: u16) {
        match self.0.iter_mut().find(|o| matches!(o, TcpOption::Mss(_))) {
            Some(option) => *option = TcpOption::Mss(mss),
            None => self.0.insert(0, TcpOption::Mss(mss)),
        }
    }

    /// The window scale.
    pub fn window_scale(&self) -> Option<u8> {
        self.0.iter().find_map(|o| if let TcpOption::WindowScale(n) = o { Some(*n) } else { None })
    }

    /// True if an option of this kind is there.
    pub fn has(&self, kind: u8) -> bool {
        self.0.iter().any(|o| o.kind() == kind)
    }
}

impl Serialize for TcpOptions {
    /// The names, as tcpdump has them.
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.0.iter().map(|o| match o {
            TcpOption::End => "eol".to_owned(),
            TcpOption::Nop => "nop".to_owned(),
            TcpOption::Mss(mss) => format!("mss {mss}"),
            TcpOption::WindowScale(n) => format!("wscale {n}"),
            TcpOption::SackPermitted => "sackOK".to_owned(),
            TcpOption::Sack(blocks) => format!("sack {}", blocks.len()),
            TcpOption::Timestamp(value, echo) => format!("TS val {value} ecr {echo}"),
            TcpOption::Other(kind, bytes) => format!("unknown-{kind} {}", bytes.len()),
        }))
    }
}
