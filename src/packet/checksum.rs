//! The internet checksum (RFC 1071).

use std::net::IpAddr;

/// The one's complement sum of 16-bit words, an odd last byte padded with zero.
pub fn sum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(w.get(1).copied().unwrap_or(0)));
    fold(words.fold(0u64, |sum, w| sum + u64::from(w)))
}

/// The sum of two sums.
pub fn add(a: u16, b: u16) -> u16 {
    fold(u64::from(a) + u64::from(b))
}

/// What a header's field becomes: the complement of the sum over it, the field itself being zero.
pub fn of(bytes: &[u8]) -> u16 {
    !sum(bytes)
}

/// The checksum of a transport header with its payload, over the pseudo-header too (RFC 9293 3.1, RFC 8200 8.1).
pub fn of_transport(src: IpAddr, dst: IpAddr, proto: u8, segment: &[u8]) -> u16 {
    let octets = |addr| match addr {
        IpAddr::V4(a) => sum(&a.octets()),
        IpAddr::V6(a) => sum(&a.octets()),
    };
    let length = fold(segment.len() as u64);
    [octets(dst), length, u16::from(proto), sum(segment)].into_iter().fold(octets(src), add) ^ u16::MAX
}

/// The CRC32c of SCTP (RFC 9260, appendix A), the field itself being zero.
pub fn crc32c(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let bit = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
    let byte = |crc: u32, b: &u8| (0..8).fold(crc ^ u32::from(*b), |crc, _| bit(crc));
    !bytes.iter().fold(u32::MAX, byte)
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_of_digits() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn rfc_1071_example() {
        assert_eq!(sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), 0xddf2);
        assert_eq!(of(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), 0x220d);
        assert_eq!(sum(&[0xff]), 0xff00);
    }
}
