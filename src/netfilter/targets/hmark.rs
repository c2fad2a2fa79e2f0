//! `-j HMARK`: a mark by the flow's hash.

use super::super::addr::{HostMask, prefix_mask};
use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::kept::Kept;
use super::super::value::{Cx, Kind, Value};
use super::super::{CtEntry, RuleError, Target, jhash};
use super::typed::Act;
use crate::packet::{At, L4Id, Packet, Proto, Transport};
use std::net::IpAddr;

const U16: Kind = Kind::Number(0, u16::MAX as u64);
const U32: Kind = Kind::Number(0, u32::MAX as u64);
/// The parts of the tuple, each with the option that it stands for.
const MASK: [(&str, &str); 6] = [
    ("src", "hmark-src-prefix"),
    ("dst", "hmark-dst-prefix"),
    ("sport", "hmark-sport-mask"),
    ("dport", "hmark-dport-mask"),
    ("proto", "hmark-proto-mask"),
    ("spi", "hmark-spi-mask"),
];

pub(super) static EXT: Extension = Extension::a_target(
    "HMARK",
    BOTH,
    &[
        Opt::new("hmark-tuple", Kind::Own(read_tuple)),
        Opt::new("hmark-src-prefix", Kind::PrefixMask),
        Opt::new("hmark-dst-prefix", Kind::PrefixMask),
        Opt::new("hmark-sport-mask", U16),
        Opt::new("hmark-dport-mask", U16),
        Opt::new("hmark-spi-mask", U32),
        Opt::new("hmark-sport", U16),
        Opt::new("hmark-dport", U16),
        Opt::new("hmark-spi", U32),
        Opt::new("hmark-proto-mask", U16),
        Opt::new("hmark-rnd", U32),
        Opt::new("hmark-mod", Kind::Number(1, u32::MAX as u64)).req(),
        Opt::new("hmark-offset", U32),
    ],
    hmark,
)
.check(check_hmark);

fn read_tuple(text: &str, _: Cx) -> Result<Value, RuleError> {
    if text.is_empty() || text.ends_with(',') {
        return said(
            "\"--hmark-tuple\" requires a list of types with no spaces, e.g. src,dst,sport,dport,proto",
        );
    }
    let mut rest = Some(text);
    while let Some(list) = rest {
        let (word, more) = list.split_once(',').map_or((list, None), |(w, m)| (w, Some(m)));
        if tuple_part(word).is_none() {
            return said(format!("Bad type \"{list}\""));
        }
        rest = more;
    }
    Ok(Value::Text(text.into()))
}

/// The part of the tuple that a beginning of its name means.
fn tuple_part(word: &str) -> Option<&'static str> {
    let names = ["ct", "src", "dst", "sport", "dport", "proto", "spi"];
    let begins = |n: &&str| n.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    names.into_iter().find(|n| !word.is_empty() && begins(n))
}

fn in_tuple(args: &Args, part: &str) -> bool {
    args.text("hmark-tuple").is_some_and(|t| t.split(',').any(|w| tuple_part(w) == Some(part)))
}

fn check_hmark(args: &Args) -> Result<(), RuleError> {
    if !args.has("hmark-mod") {
        return said("--hmark-mod is mandatory");
    }
    if !args.has("hmark-rnd") {
        return said("--hmark-rnd is mandatory");
    }
    // What the tuple names counts as given after it.
    let tuple = args.given.iter().position(|a| args.name_of(a) == "hmark-tuple");
    for (place, given) in args.given.iter().enumerate() {
        let name = args.name_of(given);
        let part = MASK.iter().find(|(_, opt)| *opt == name);
        if part.is_some_and(|(part, _)| in_tuple(args, part)) && tuple.is_some_and(|t| t < place) {
            return Err(RuleError::OnlyOnce { ext: args.ext.name, opt: name });
        }
    }
    let has = |part: &str, option: &str| args.has(option) || in_tuple(args, part);
    if has("spi", "hmark-spi-mask") && (has("sport", "hmark-sport-mask") || has("dport", "hmark-dport-mask"))
    {
        return said("you cannot use --hmark-spi-mask and --hmark-?port-mask,at the same time");
    }
    let sets = ["hmark-sport", "hmark-dport", "hmark-spi"];
    let any = MASK.iter().any(|(part, option)| has(part, option)) || sets.iter().any(|o| args.has(o));
    if any || in_tuple(args, "ct") { Ok(()) } else { said("you have to specify --hmark-tuple at least") }
}

fn hmark(args: &Args) -> Result<Target, RuleError> {
    let mut kept = Kept::new(args);
    for (part, name) in &MASK[..2] {
        match args.get(name).map(|a| &a.value) {
            Some(Value::Host(mask)) => {
                let net = HostMask { addr: *mask, mask: *mask };
                match net.prefix_len() {
                    Some(len) => kept.push(name, false, len),
                    None => kept.push(name, false, -1),
                }
            }
            _ if in_tuple(args, part) => kept.push(name, false, args.family.bits()),
            _ => {}
        }
    }
    let all_ones = |width: usize| u64::MAX >> (64 - 4 * width);
    for (part, name, width) in [
        ("sport", "hmark-sport-mask", 4),
        ("dport", "hmark-dport-mask", 4),
        ("spi", "hmark-spi-mask", 8),
        ("", "hmark-sport", 4),
        ("", "hmark-dport", 4),
        ("", "hmark-spi", 8),
        ("proto", "hmark-proto-mask", 4),
        ("", "hmark-rnd", 8),
    ] {
        let implied = in_tuple(args, part).then(|| all_ones(width));
        if let Some(n) = args.number(name).or(implied) {
            let width = if name == "hmark-proto-mask" { 2 } else { width };
            kept.push(name, false, format_args!("0x{n:0width$x}"));
        }
    }
    for name in ["hmark-mod", "hmark-offset"] {
        kept.put(name, args.map(name, Value::number));
    }
    if in_tuple(args, "ct") {
        kept.push("hmark-tuple", false, "ct");
    }
    kept.doing(Act::HMark(Box::new(typed(args))))
}

/// What is hashed, and what the hash becomes (iptables-extensions(8), HMARK).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HMark {
    /// Masks of source and destination; all zero where they do not count.
    pub masks: (IpAddr, IpAddr),
    /// Masks of source and destination port, the first the higher half.
    pub port_mask: u32,
    /// Bits of ports that are always set.
    pub port_set: u32,
    /// Mask of the protocol.
    pub proto_mask: u32,
    /// Addresses alone count.
    pub addresses_only: bool,
    /// The connection's ends count, and not the packet's.
    pub of_connection: bool,
    /// The seed.
    pub seed: u32,
    /// The mark is below this, before the offset.
    pub modulus: u32,
    /// The lowest mark.
    pub offset: u32,
}

fn typed(args: &Args) -> HMark {
    let mask = |(part, name): (&str, &str)| match args.get(name).map(|a| &a.value) {
        Some(Value::Host(mask)) => *mask,
        _ if in_tuple(args, part) => prefix_mask(args.family, args.family.bits()),
        _ => prefix_mask(args.family, 0),
    };
    let number = |name: &str| args.number(name).unwrap_or(0) as u32;
    let half = |part: &str, name: &str| match in_tuple(args, part) {
        true => 0xffff,
        false => number(name) & 0xffff,
    };
    let ports = half("sport", "hmark-sport-mask") << 16 | half("dport", "hmark-dport-mask");
    let spi = if in_tuple(args, "spi") { u32::MAX } else { number("hmark-spi-mask") };
    let set = number("hmark-sport") << 16 | number("hmark-dport");
    let proto_mask = half("proto", "hmark-proto-mask");
    let l4 = ["sport", "dport", "spi", "proto"].iter().any(|p| in_tuple(args, p))
        || MASK[2..].iter().any(|(_, option)| args.has(option))
        || ["hmark-sport", "hmark-dport", "hmark-spi"].iter().any(|o| args.has(o));
    HMark {
        masks: (mask(MASK[0]), mask(MASK[1])),
        port_mask: ports | spi,
        port_set: set | number("hmark-spi"),
        proto_mask,
        addresses_only: !l4,
        of_connection: in_tuple(args, "ct"),
        seed: number("hmark-rnd"),
        modulus: number("hmark-mod"),
        offset: number("hmark-offset"),
    }
}

/// An address under a mask as one word (`hmark_addr_mask`): IPv6's four words are combined.
fn word(addr: IpAddr, mask: IpAddr) -> u32 {
    match (addr, mask) {
        (IpAddr::V4(a), IpAddr::V4(m)) => (a & m).to_bits(),
        (IpAddr::V6(a), IpAddr::V6(m)) => {
            let bits = (a & m).to_bits();
            (0..4).fold(0, |sum, n| sum ^ (bits >> (32 * n)) as u32)
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => 0,
    }
}

impl HMark {
    /// The mark of a packet (`hmark_tg_v4`, `hmark_tg_v6`); [`At::Beyond`] where it stays: the connection's ends count, and
    /// there is none.
    pub fn mark(&self, packet: &Packet, ct: Option<&CtEntry>) -> At<u32> {
        if self.of_connection {
            let Some(ct) = ct else { return At::Beyond };
            let ends = (word(ct.original.src, self.masks.0), word(ct.reply.src, self.masks.1));
            let proto = ct.original.proto;
            let ports = match (ct.original.id, ct.reply.id) {
                (L4Id::Ports(s, _), L4Id::Ports(d, _)) => Some(u32::from(s) << 16 | u32::from(d)),
                _ => Some(0),
            };
            return At::Known(self.hash(ends, proto, if proto == Proto::ICMP { None } else { ports }));
        }
        let packet = match &packet.transport {
            Transport::Icmp(icmp) if packet.fragment.is_none() => icmp.quoted.as_deref().unwrap_or(packet),
            _ => packet,
        };
        let ends = (word(packet.src, self.masks.0), word(packet.dst, self.masks.1));
        let proto = packet.proto();
        let ports = match (&packet.transport, packet.ports()) {
            _ if packet.fragment.is_some() || self.addresses_only => None,
            (_, Some((s, d))) => Some(u32::from(s) << 16 | u32::from(d)),
            // The index of IPsec stands in for ports.
            (Transport::Other(Proto::ESP | Proto::AH), _) => {
                let at = if proto == Proto::AH { 4 } else { 0 };
                let Some(bytes) = packet.payload.bytes() else { return At::Unknown };
                bytes.get(at..at + 4).map(|b| b.iter().fold(0, |n, b| n << 8 | u32::from(*b)))
            }
            _ => None,
        };
        At::Known(self.hash(ends, proto, ports))
    }

    fn hash(&self, (src, dst): (u32, u32), proto: Proto, ports: Option<u32>) -> u32 {
        let ports = ports.filter(|_| !self.addresses_only).map_or(0, |ports| {
            let ports = ports & self.port_mask | self.port_set;
            // Both directions of a flow are one.
            ports.max(ports.rotate_left(16))
        });
        let mut hash = jhash::words3([src.min(dst), src.max(dst), ports], self.seed);
        if !self.addresses_only {
            hash ^= u32::from(proto.0) & self.proto_mask;
        }
        jhash::scale(hash, self.modulus).wrapping_add(self.offset)
    }
}
