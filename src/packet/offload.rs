//! A TCP packet longer than a segment may be: writings go down whole, and the device that sends them onto a wire cuts
//! them (generic segmentation offload; `gso_size`, `tcp_gso_segment`, `skb_gso_validate_network_len` of the kernel).

use super::{Packet, Payload, TcpFlags, Transport};

impl Packet {
    /// True if a device is to cut the packet into several segments (`skb_is_gso`).
    pub fn is_offloaded(&self) -> bool {
        self.gso_size > 0
    }

    /// How long the longest packet is that is on a wire in the end, bytes: this one, or its longest segment.
    pub fn segment_len(&self) -> u32 {
        match self.gso_size {
            0 => self.len(),
            size => self.len() - self.payload.len() + self.payload.len().min(u32::from(size)),
        }
    }

    /// The packets that a device makes of it: only this one where nothing is to be cut.
    pub fn segments(&self) -> Vec<Packet> {
        let step = usize::from(self.gso_size);
        let total = self.payload.len() as usize;
        if step == 0 || total <= step {
            return vec![Packet { gso_size: 0, ..self.clone() }];
        }
        let cut = |from: usize, to: usize| match self.payload.bytes() {
            Some(bytes) => Payload::from(&bytes[from..to]),
            None => Payload::Size((to - from) as u16),
        };
        let segment = |(number, from): (usize, usize)| {
            let to = total.min(from + step);
            let mut part = Packet { gso_size: 0, payload: cut(from, to), ..self.clone() };
            part.id = self.id.wrapping_add(number as u16);
            if let Transport::Tcp(tcp) = &mut part.transport {
                if let Some(numbers) = &mut tcp.numbers {
                    numbers.seq = numbers.seq.wrapping_add(from as u32);
                }
                if from > 0 {
                    tcp.flags = tcp.flags.without(TcpFlags::CWR);
                }
                if to < total {
                    tcp.flags = tcp.flags.without(TcpFlags::FIN | TcpFlags::PSH);
                }
            }
            part
        };
        (0..total).step_by(step).enumerate().map(segment).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::packet::{TcpFlags, TcpNumbers, Transport, Words, parse_packet};

    #[test]
    fn segments_follow_each_other_and_the_last_one_is_pushed() {
        let mut whole =
            parse_packet(&mut Words::new("tcp 10.0.0.1:1 > 10.0.0.2:2 psh,ack")).expect("it is right");
        whole.payload = vec![7; 3000].into();
        assert_eq!((whole.segments().len(), whole.segment_len()), (1, 3040));
        whole.gso_size = 1448;
        if let Transport::Tcp(tcp) = &mut whole.transport {
            tcp.numbers = Some(TcpNumbers { seq: 100, ack: 0, window: 0 });
        }
        let told: Vec<_> = whole
            .segments()
            .iter()
            .filter_map(|p| Some((p.tcp()?.numbers?.seq, p.len(), p.tcp()?.flags.has(TcpFlags::PSH))))
            .collect();
        assert_eq!(told, [(100, 1488, false), (1548, 1488, false), (2996, 144, true)]);
        assert_eq!((whole.len(), whole.segment_len()), (3040, 1488));
    }
}
