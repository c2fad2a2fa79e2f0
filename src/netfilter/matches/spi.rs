//! What `-m ah`, `-m esp` and `-m ipcomp` ask: the security parameter index.

use super::super::Inv;
use super::super::fact::{Absent, Fact, NotTold, Test};
use super::MatchCx;
use crate::packet::{Packet, Proto};

/// An index in a header of IPsec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpiTest {
    /// ESP or IPComp.
    pub proto: Proto,
    /// Lowest and highest.
    pub spi: Inv<(u32, u32)>,
}

/// An authentication header (iptables-extensions(8), ah).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthTest {
    /// Lowest and highest index.
    pub spi: Inv<(u32, u32)>,
    /// `--ahlen`, bytes; 0 is any.
    pub len: Option<Inv<u32>>,
    /// `--ahres`: the reserved field is zero.
    pub reserved: bool,
}

fn within(range: Inv<(u32, u32)>, n: u32) -> bool {
    (range.value.0..=range.value.1).contains(&n) != range.not
}

/// The first bytes of the payload of a packet of this protocol; a later fragment has no such header.
fn header(packet: &Packet, proto: Proto, size: usize) -> Result<&[u8], Test> {
    if packet.proto() != proto || packet.is_later_fragment() {
        return Err(Test::absent(Absent::Header));
    }
    match packet.payload.bytes() {
        Some(bytes) => bytes.get(..size).ok_or(Test::absent(Absent::Header)),
        None => Err(Test::not_told(NotTold::Payload)),
    }
}

fn word(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |n, b| n << 8 | u32::from(*b))
}

impl SpiTest {
    /// As `esp_mt` and `comp_mt` do.
    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let size = if self.proto == Proto::ESP { 8 } else { 4 };
        match header(&cx.skb.packet, self.proto, size) {
            Ok(bytes) => {
                let spi = if self.proto == Proto::ESP { word(&bytes[..4]) } else { word(&bytes[2..4]) };
                Test::new(within(self.spi, spi), Fact::Number(spi.into()))
            }
            Err(_)
                if self.is_any()
                    && cx.skb.packet.proto() == self.proto
                    && !cx.skb.packet.is_later_fragment() =>
            {
                Test::new(true, Fact::Proto(self.proto))
            }
            Err(test) => test,
        }
    }

    fn is_any(&self) -> bool {
        self.spi == Inv::yes((0, u32::MAX))
    }
}

impl AuthTest {
    /// As `ah_mt` and `ah_mt6` do.
    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        match header(&cx.skb.packet, Proto::AH, 12) {
            Ok(bytes) => {
                let spi = word(&bytes[4..8]);
                let size = (u32::from(bytes[1]) + 2) * 4;
                let len = self.len.is_none_or(|l| l.value == 0 || (l.value == size) != l.not);
                let held = within(self.spi, spi) && len && !(self.reserved && word(&bytes[2..4]) != 0);
                Test::new(held, Fact::Number(spi.into()))
            }
            Err(test) => test,
        }
    }
}
