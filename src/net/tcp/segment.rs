//! Segments: how they are read and made, and the RST that a closed port answers with.

use crate::packet::Packet;

/// The RST with which a host answers a segment that no socket wants (`tcp_v4_send_reset`): RST,ACK for one
/// without ACK, a bare RST with its acknowledgement as sequence number for one with. None for a RST, and none
/// for a packet with a bad checksum.
pub fn reset_for(packet: &Packet, ttl: u8) -> Option<Packet> {
    todo!()
}
