//! `-m tcp`: ports, flags, options.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Absent, Fact, NotTold, Test};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value, number};
use super::super::{Inv, Match, RuleError};
use super::MatchCx;
use super::ports::{PortRange, is_all, print_ports, save_ports, test_ports};
use crate::packet::{Proto, TcpFlags};

/// What a TCP header must be like (iptables-extensions(8), tcp).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TcpMatch {
    /// `--sport`.
    pub sport: Option<Inv<PortRange>>,
    /// `--dport`.
    pub dport: Option<Inv<PortRange>>,
    /// `--tcp-flags MASK COMP`, or `--syn`: mask and what must be set of it.
    pub flags: Option<Inv<(TcpFlags, TcpFlags)>>,
    /// `--tcp-option`.
    pub option: Option<Inv<u8>>,
}

/// `--syn` is `--tcp-flags FIN,SYN,RST,ACK SYN`.
const SYN: (TcpFlags, TcpFlags) =
    (TcpFlags(TcpFlags::FIN.0 | TcpFlags::SYN.0 | TcpFlags::RST.0 | TcpFlags::ACK.0), TcpFlags::SYN);

pub(super) static EXT: Extension = Extension::a_match(
    "tcp",
    BOTH,
    &[
        Opt::new("source-port", Kind::ServiceRange(Proto::TCP)).inv().many().or(&["sport"]),
        Opt::new("destination-port", Kind::ServiceRange(Proto::TCP)).inv().many().or(&["dport"]),
        Opt::flag("syn").inv().many(),
        Opt::new("tcp-flags", Kind::TwoTexts).inv().many(),
        Opt::new("tcp-option", Kind::Own(read_option)).inv().many(),
    ],
    build,
)
.check(check)
.protos(&[Proto::TCP]);

fn check(args: &Args) -> Result<(), RuleError> {
    let times = |names: &[&str]| args.given.iter().filter(|a| names.contains(&args.name_of(a))).count();
    if times(&["source-port"]) > 1 {
        return said("Only one `--source-port' allowed");
    }
    if times(&["destination-port"]) > 1 {
        return said("Only one `--destination-port' allowed");
    }
    if times(&["syn", "tcp-flags"]) > 1 {
        return said("Only one of `--syn' or `--tcp-flags'  allowed");
    }
    if times(&["tcp-option"]) > 1 {
        return said("Only one `--tcp-option' allowed");
    }
    Ok(())
}

fn read_option(text: &str, _: Cx) -> Result<Value, RuleError> {
    match number(text).filter(|n| (1..=255).contains(n)) {
        Some(n) => Ok(Value::Number(n)),
        None => said(format!("Bad TCP option \"{text}\"")),
    }
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let mut flags = args.get("syn").map(|a| Inv { not: a.not, value: SYN });
    if let Some(given) = args.get("tcp-flags") {
        let (mask, set) = given.value.text().split_once(' ').unwrap_or_default();
        flags = Some(Inv { not: given.not, value: (read_flags(mask)?, read_flags(set)?) });
    }
    Ok(Match::Tcp(TcpMatch {
        sport: args.map("sport", PortRange::of),
        dport: args.map("dport", PortRange::of),
        flags,
        option: args.map("tcp-option", |v| v.number() as u8),
    }))
}

fn read_flags(text: &str) -> Result<TcpFlags, RuleError> {
    text.split(',').try_fold(TcpFlags(0), |sum, name| match name.to_ascii_uppercase().as_str() {
        "ALL" => Ok(sum | TcpFlags(0x3f)),
        "NONE" => Ok(sum),
        upper => match TcpFlags::NAMED.iter().find(|(n, _)| *n == upper) {
            Some((_, flag)) => Ok(sum | *flag),
            None => said(format!("Unknown TCP flag `{name}'")),
        },
    })
}

/// `FIN,SYN` as iptables prints flags.
fn flag_names(flags: TcpFlags) -> String {
    if flags.0 == 0 {
        return "NONE".into();
    }
    let names = TcpFlags::NAMED.iter().filter(|(_, f)| flags.has(*f)).map(|(n, _)| *n);
    names.collect::<Vec<_>>().join(",")
}

impl TcpMatch {
    /// True if iptables-nft makes plain comparisons of it: it asks for something, though for no TCP option.
    pub(in crate::netfilter) fn is_native(&self) -> bool {
        let nothing = TcpFlags(0);
        let flags = self.flags.is_some_and(|f| f.not || f.value != (nothing, nothing));
        self.option.is_none() && (!is_all(self.sport) || !is_all(self.dport) || flags)
    }

    pub(super) fn save(&self, out: &mut SaveOptions) {
        // The extension's own printing leaves a range of all ports out, even where it is negated.
        let some = |r: &Inv<PortRange>| self.option.is_none() || r.value != PortRange::ALL;
        save_ports(out, self.sport.filter(some), self.dport.filter(some));
        if let Some(option) = self.option {
            out.option("tcp-option", option);
        }
        if let Some(Inv { not, value: (mask, set) }) = self.flags.filter(|f| f.not || f.value.0.0 != 0) {
            out.option("tcp-flags", Inv { not, value: format!("{} {}", flag_names(mask), flag_names(set)) });
        }
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let Some(tcp) = cx.skb.packet.tcp() else { return Test::absent(Absent::Header) };
        let ports = match test_ports(cx, self.sport, self.dport) {
            Some(test) => test,
            None => return Test::absent(Absent::Header),
        };
        if ports.held != super::super::Ternary::Yes {
            return ports;
        }
        if let Some(Inv { not, value: (mask, set) }) = self.flags
            && (tcp.flags.0 & mask.0 == set.0) == not
        {
            return Test::new(false, Fact::Flags(tcp.flags));
        }
        if let Some(option) = self.option {
            let there = tcp.options.has(option.value);
            // Where the packet was told in short, more options may be there than it names.
            if tcp.numbers.is_none() && !there {
                return Test::not_told(NotTold::TcpOptions);
            }
            if there == option.not {
                let found =
                    if there { Fact::Number(option.value.into()) } else { Fact::Absent(Absent::TcpOption) };
                return Test::new(false, found);
            }
        }
        match (self.sport.or(self.dport), self.flags) {
            (None, Some(_)) => Test::new(true, Fact::Flags(tcp.flags)),
            _ => ports,
        }
    }
}

impl TcpMatch {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.words("tcp");
        print_ports(out, Proto::TCP, self.sport, self.dport);
        if let Some(Inv { not, value }) = self.option {
            out.words(format_args!("option={}{value}", Print::not(not)));
        }
        if let Some(Inv { not, value: (mask, set) }) = self.flags.filter(|f| f.not || f.value.0.0 != 0) {
            let not = Print::not(not);
            match out.numeric {
                true => out.words(format_args!("flags:{not}0x{:02X}/0x{:02X}", mask.0, set.0)),
                false => out.words(format_args!("flags:{not}{}/{}", flag_names(mask), flag_names(set))),
            }
        }
    }
}
