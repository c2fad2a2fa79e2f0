//! Matches whose options are printed as they were given, each with what it asks of a packet.

use super::super::RuleError;
use super::super::fact::Test;
use super::super::kept::Kept;
use super::around::{self, DevGroup, RealmTest, SocketTest};
use super::bpf::Program;
use super::clock::TimeTest;
use super::ext6::{FragTest, HeadersTest, OptionsTest, RoutingTest, SegmentsTest};
use super::rateest::RateTest;
use super::search::Search;
use super::spi::{AuthTest, SpiTest};
use super::u32::Numbers;
use super::{Match, MatchCx};
use crate::netfilter::Inv;
use crate::netfilter::env::ReversePath;

/// A match as it is printed, and what it asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Typed {
    /// Its name and options.
    pub kept: Kept,
    /// What it asks.
    pub ask: Ask,
}

/// What a match asks of a packet.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// `-m ah`.
    Auth(AuthTest),
    /// `-m bpf`.
    Bpf(Program),
    /// `-m cgroup --cgroup`: the sending socket's class.
    Cgroup(Inv<u32>),
    /// `-m cpu`.
    Cpu(Inv<u32>),
    /// `-m devgroup`.
    DevGroup(DevGroup),
    /// `-m esp`, `-m ipcomp`.
    Spi(SpiTest),
    /// `-m eui64`.
    Eui64,
    /// `-m osf`.
    Fingerprint,
    /// `-m frag`.
    Frag(FragTest),
    /// `-m ipv6header`.
    Headers(HeadersTest),
    /// `-m mh`: lowest and highest type.
    Mobility(Inv<(u8, u8)>),
    /// `-m hbh`, `-m dst`.
    Options(OptionsTest),
    /// `-m policy`: true for `--pol none`.
    Policy(bool),
    /// `-m rateest`.
    Rate(RateTest),
    /// `-m realm`.
    Realm(RealmTest),
    /// `-m rpfilter`, and whether it is inverted.
    ReversePath(ReversePath, bool),
    /// `-m rt`.
    Routing(RoutingTest),
    /// `-m srh`.
    Segments(SegmentsTest),
    /// `-m socket`.
    Socket(SocketTest),
    /// `-m string`.
    Search(Search),
    /// `-m time`.
    Time(TimeTest),
    /// `-m u32`.
    U32(Inv<Numbers>),
}

impl Typed {
    pub(super) fn test(&self, cx: &mut MatchCx) -> Test {
        match &self.ask {
            Ask::Auth(t) => t.test(cx),
            Ask::Bpf(t) => t.test(cx),
            Ask::Cgroup(t) => around::cgroup(*t, cx),
            Ask::Cpu(t) => around::cpu(*t),
            Ask::DevGroup(t) => t.test(cx),
            Ask::Spi(t) => t.test(cx),
            Ask::Eui64 => around::eui64(cx),
            Ask::Fingerprint => around::fingerprint(cx),
            Ask::Frag(t) => t.test(cx),
            Ask::Headers(t) => t.test(cx),
            Ask::Mobility(t) => super::ext6::mobility(*t, cx),
            Ask::Options(t) => t.test(cx),
            Ask::Policy(none) => around::policy(*none),
            Ask::Rate(t) => t.test(cx),
            Ask::Realm(t) => t.test(cx),
            Ask::ReversePath(check, invert) => around::reverse_path(*check, *invert, cx),
            Ask::Routing(t) => t.test(cx),
            Ask::Segments(t) => t.test(cx),
            Ask::Socket(t) => t.test(cx),
            Ask::Search(t) => t.test(cx),
            Ask::Time(t) => t.test(cx),
            Ask::U32(t) => super::u32::test(t, cx),
        }
    }
}

impl Kept {
    /// As a match that asks this.
    pub(super) fn asking(self, ask: Ask) -> Result<Match, RuleError> {
        Ok(Match::Typed(Box::new(Typed { kept: self, ask })))
    }
}
