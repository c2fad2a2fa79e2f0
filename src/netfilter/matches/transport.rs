//! `-m sctp` and `-m dccp`: ports, and SCTP's chunks. Packets here have no types and options of DCCP.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Absent, Fact, NotTold, Ternary, Test};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value, number};
use super::super::{Inv, Match, RuleError};
use super::MatchCx;
use super::chunks::{self, ChunkTest, chunk_names, read_chunks, read_types};
use super::ports::{PortRange, print_ports, test_ports};
use crate::packet::Proto;
use smol_str::SmolStr;

/// Ports of SCTP or DCCP (iptables-extensions(8), sctp and dccp).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportMatch {
    /// SCTP or DCCP.
    pub proto: Proto,
    /// `--sport`.
    pub sport: Option<Inv<PortRange>>,
    /// `--dport`.
    pub dport: Option<Inv<PortRange>>,
    /// `--chunk-types` or `--dccp-types`, as iptables prints it. DCCP's are unknown to every packet.
    pub types: Option<Inv<SmolStr>>,
    /// What `--chunk-types` asks.
    pub chunks: Option<ChunkTest>,
    /// `--dccp-option`: unknown to every packet.
    pub option: Option<Inv<u8>>,
}

pub(super) static SCTP: Extension = Extension::a_match(
    "sctp",
    BOTH,
    &[
        Opt::new("source-port", Kind::ServiceRange(Proto::SCTP)).inv().many().or(&["sport"]),
        Opt::new("destination-port", Kind::ServiceRange(Proto::SCTP)).inv().many().or(&["dport"]),
        Opt::new("chunk-types", Kind::TwoTexts).inv().many(),
    ],
    |args| build(args, Proto::SCTP),
)
.check(check)
.protos(&[Proto::SCTP]);

pub(super) static DCCP: Extension = Extension::a_match(
    "dccp",
    BOTH,
    &[
        Opt::new("source-port", Kind::PortRange).inv().or(&["sport"]),
        Opt::new("destination-port", Kind::PortRange).inv().or(&["dport"]),
        Opt::new("dccp-types", Kind::Own(read_types)).inv(),
        Opt::new("dccp-option", Kind::Own(read_option)).inv(),
    ],
    |args| build(args, Proto::DCCP),
)
.ignoring(&["dccp-types", "dccp-option"])
.protos(&[Proto::DCCP]);

fn check(args: &Args) -> Result<(), RuleError> {
    let twice = |name| args.given.iter().filter(|a| args.name_of(a) == name).count() > 1;
    if twice("source-port") {
        return said("Only one `--source-port' allowed");
    }
    if twice("destination-port") {
        return said("Only one `--destination-port' allowed");
    }
    if twice("chunk-types") {
        return said("Only one `--chunk-types' allowed");
    }
    Ok(())
}

fn read_option(text: &str, cx: Cx) -> Result<Value, RuleError> {
    match number(text).filter(|n| (1..=255).contains(n)) {
        Some(n) => Ok(Value::Number(n)),
        None => {
            said(format!("{}: bad value for option \"--{}\", or out of range (1-255).\n", cx.ext, cx.opt))
        }
    }
}

fn build(args: &Args, proto: Proto) -> Result<Match, RuleError> {
    let types = match args.get("chunk-types").or(args.get("dccp-types")) {
        None => None,
        Some(a) if proto == Proto::SCTP => Some(Inv { not: a.not, value: read_chunks(a.value.text())? }),
        Some(a) => Some(Inv { not: a.not, value: a.value.text().into() }),
    };
    let chunks = match &types {
        Some(types) if proto == Proto::SCTP => Some(ChunkTest::of(&types.value)),
        _ => None,
    };
    Ok(Match::Transport(Box::new(TransportMatch {
        proto,
        chunks,
        sport: args.map("sport", PortRange::of),
        dport: args.map("dport", PortRange::of),
        types,
        option: args.map("dccp-option", |v| v.number() as u8),
    })))
}

impl TransportMatch {
    pub(super) fn name(&self) -> &'static str {
        if self.proto == Proto::SCTP { "sctp" } else { "dccp" }
    }

    pub(super) fn save(&self, out: &mut SaveOptions) {
        for (name, ports) in [("sport", self.sport), ("dport", self.dport)] {
            if let Some(ports) = ports {
                out.option(name, ports);
            }
        }
        if let Some(Inv { not, value }) = &self.types {
            let name = if self.proto == Proto::SCTP { "chunk-types" } else { "dccp-types" };
            out.option(name, Inv { not: *not, value });
        }
        if let Some(option) = self.option {
            out.option("dccp-option", option);
        }
    }

    pub(super) fn test(&self, cx: &mut MatchCx) -> Test {
        if cx.skb.packet.proto() != self.proto {
            return Test::absent(Absent::Header);
        }
        let Some(ports) = test_ports(cx, self.sport, self.dport) else {
            return Test::absent(Absent::Header);
        };
        if ports.held != Ternary::Yes {
            return ports;
        }
        if let (Some(types), Some(chunks)) = (&self.types, &self.chunks) {
            let Some(bytes) = cx.skb.packet.payload.bytes() else { return Test::not_told(NotTold::Payload) };
            return match chunks.meets(bytes) {
                Some(held) => Test::new(held != types.not, Fact::Text(chunk_names(bytes))),
                None => {
                    cx.effects.drop = true;
                    Test::absent(Absent::Header)
                }
            };
        }
        if self.types.is_some() || self.option.is_some() {
            return Test::not_told(NotTold::Payload);
        }
        ports
    }
}

impl TransportMatch {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.words(self.name());
        print_ports(out, self.proto, self.sport, self.dport);
        if let Some(Inv { not, value }) = &self.types {
            let not = if *not { "! " } else { "" };
            match out.numeric {
                true => out.words(format_args!("{not}{}", chunks::by_number(self.proto, value))),
                false => out.words(format_args!("{not}{value}")),
            }
        }
        if let Some(Inv { not, value }) = self.option {
            out.words(format_args!("option={}{value}", Print::not(not)));
        }
    }
}
