//! `-m ecn`: the bits of explicit congestion notification.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Absent, Fact, Test};
use super::super::text::{Print, SaveOptions};
use super::super::value::Kind;
use super::super::{Inv, Match};
use super::MatchCx;
use crate::packet::{Proto, TcpFlags};

/// Bits of RFC 3168 (iptables-extensions(8), ecn).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EcnMatch {
    /// `--ecn-tcp-cwr`; false where it is negated.
    pub cwr: Option<bool>,
    /// `--ecn-tcp-ece`; false where it is negated.
    pub ece: Option<bool>,
    /// `--ecn-ip-ect`: the two lower bits of the type of service byte.
    pub ect: Option<Inv<u8>>,
}

pub(super) static EXT: Extension = Extension::a_match(
    "ecn",
    BOTH,
    &[
        Opt::flag("ecn-tcp-cwr").inv(),
        Opt::flag("ecn-tcp-ece").inv(),
        Opt::new("ecn-ip-ect", Kind::Number(0, 3)).inv(),
    ],
    |args| Ok(Match::Ecn(of(args))),
)
.check(|args| if args.given.is_empty() { said("ECN match: some option required") } else { Ok(()) });

fn of(args: &Args) -> EcnMatch {
    let flag = |name| args.get(name).map(|a| !a.not);
    EcnMatch {
        cwr: flag("ecn-tcp-cwr"),
        ece: flag("ecn-tcp-ece"),
        ect: args.map("ecn-ip-ect", |v| v.number() as u8),
    }
}

impl EcnMatch {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        for (name, bit) in [("ecn-tcp-ece", self.ece), ("ecn-tcp-cwr", self.cwr)] {
            if let Some(bit) = bit {
                out.option(name, Inv { not: !bit, value: "" });
            }
        }
        if let Some(ect) = self.ect {
            out.option("ecn-ip-ect", ect);
        }
    }

    /// True if the kernel wants `-p tcp` beside it.
    pub(super) fn needs_tcp(&self) -> bool {
        self.cwr.is_some() || self.ece.is_some()
    }

    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let packet = &cx.skb.packet;
        let mut answer = Test::new(true, Fact::Nothing);
        if let Some(want) = self.ect {
            let ect = packet.tos & 0x03;
            answer = Test::new((ect == want.value) != want.not, Fact::Number(ect.into()));
            if answer.held == false.into() {
                return answer;
            }
        }
        if !self.needs_tcp() {
            return answer;
        }
        let Some(tcp) = packet.tcp().filter(|_| packet.proto() == Proto::TCP) else {
            return Test::absent(Absent::Header);
        };
        let met = |want: Option<bool>, flag| want.is_none_or(|w| tcp.flags.has(flag) == w);
        Test::new(met(self.ece, TcpFlags::ECE) && met(self.cwr, TcpFlags::CWR), Fact::Flags(tcp.flags))
    }
}

impl EcnMatch {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.words("ECN match");
        for (name, bit) in [("ECE", self.ece), ("CWR", self.cwr)] {
            if let Some(bit) = bit {
                out.words(format_args!("{}{name}", Print::not(!bit)));
            }
        }
        if let Some(Inv { not, value }) = self.ect {
            out.words(format_args!("{}ECT={value}", Print::not(not)));
        }
    }
}
