//! TFTP: a request to port 69 is answered from a port that nobody knows yet (RFC 1350,
//! `nf_conntrack_tftp` and `nf_nat_tftp` of Linux 6.18).

use super::super::expect::{ExpectNat, STAYS, expectation};
use super::Help;
use crate::netfilter::event::KernelDrop;
use crate::packet::{Direction, Proto};

const READ: u16 = 1;
const WRITE: u16 = 2;

impl Help<'_> {
    pub(super) fn tftp(&mut self) -> Result<(), KernelDrop> {
        let opcode = match self.packet.payload.bytes() {
            Some([high, low, ..]) => u16::from_be_bytes([*high, *low]),
            _ => return Ok(()),
        };
        if !matches!(opcode, READ | WRITE) {
            return Ok(());
        }
        let entry = self.ct.entry.and_then(|id| self.conntrack.entry(id));
        let Some((entry, helper)) = entry.and_then(|e| Some((e, e.helper.clone()?))) else { return Ok(()) };
        let reply = entry.reply;
        let to = (Proto::UDP, reply.dport().unwrap_or(0));
        let mut expected = expectation(entry, &helper, (reply.src, reply.dst), to, self.now.after(STAYS));
        if entry.is_translated() {
            let port = entry.original.sport().unwrap_or(0);
            expected.nat = Some(ExpectNat { dir: Direction::Reply, port });
        }
        self.conntrack.expect(expected, 1, self.cause, self.sink).map_err(|_| KernelDrop::NotExpectable)
    }
}
