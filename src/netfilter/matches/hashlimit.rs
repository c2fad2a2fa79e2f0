//! `-m hashlimit`: so much a while, for each flow apart.

use super::super::error::KernelError;
use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Fact, Test};
use super::super::modules::{Bucket, HashEntry, HashKey, Window};
use super::super::rate::{Rate, atoi, read_rate};
use super::super::rule::AddrMask;
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value, leading_number};
use super::super::{Match, RuleError};
use super::MatchCx;
use super::recent::is_proc_name;
use crate::abi::{Duration, Time};
use smol_str::SmolStr;
use std::net::IpAddr;

/// Token buckets, one for each flow (iptables-extensions(8), hashlimit).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashLimit {
    /// `--hashlimit-above`: matches what is beyond the rate; else (`--hashlimit-upto`) what is within.
    pub above: bool,
    /// The rate.
    pub rate: HashRate,
    /// What flows are told apart by.
    pub mode: HashMode,
    /// The name of the table of flows; rules may share one.
    pub name: SmolStr,
    /// `--hashlimit-srcmask`, a prefix length.
    pub srcmask: u8,
    /// `--hashlimit-dstmask`, a prefix length.
    pub dstmask: u8,
    /// `--hashlimit-htable-size`; 0: the kernel's own.
    pub size: u32,
    /// `--hashlimit-htable-max`; 0: the kernel's own.
    pub max: u32,
    /// `--hashlimit-htable-gcinterval`, milliseconds.
    pub gc_interval: u32,
    /// `--hashlimit-htable-expire`, milliseconds.
    pub expire: u32,
    /// `--hashlimit-rate-match` with `--hashlimit-rate-interval`, seconds.
    pub rate_match: Option<u32>,
}

/// Packets or bytes in a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashRate {
    /// One packet in each period of so many microseconds, and so many at once.
    Packets {
        /// The period.
        period: u64,
        /// `--hashlimit-burst`.
        burst: u64,
    },
    /// So many bytes a second, as the kernel's cost of 16 bytes.
    Bytes {
        /// The cost.
        cost: u64,
        /// How often a second's worth may be taken at once; 0 where no burst is given.
        bursts: u64,
    },
}

/// What flows are told apart by (`--hashlimit-mode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HashMode {
    /// `srcip`.
    pub srcip: bool,
    /// `srcport`.
    pub srcport: bool,
    /// `dstip`.
    pub dstip: bool,
    /// `dstport`.
    pub dstport: bool,
}

/// iptables counts a second in so many parts (`XT_HASHLIMIT_SCALE_v2`).
const SCALE: u64 = 1_000_000;
const BURST: u64 = 5;
const BURST_MAX: u64 = 1_000_000;
const GC_INTERVAL: u32 = 1_000;
/// Seconds after which a flow is forgotten where bytes are counted; with a burst.
const BYTE_EXPIRE: u32 = 15;
const BYTE_EXPIRE_BURST: u32 = 60;
/// A marker in a rate's value: it counts bytes.
const BYTES: u64 = 1 << 63;

pub(super) static EXT: Extension = Extension::a_match(
    "hashlimit",
    BOTH,
    &[
        Opt::new("hashlimit-upto", Kind::Own(read)).inv().or(&["hashlimit"]).not_with(&["hashlimit-above"]),
        Opt::new("hashlimit-above", Kind::Own(read)).inv().not_with(&["hashlimit-upto"]),
        Opt::new("hashlimit-srcmask", Kind::Number(0, 255)),
        Opt::new("hashlimit-dstmask", Kind::Number(0, 255)),
        Opt::new("hashlimit-burst", Kind::Own(read_burst)),
        Opt::new("hashlimit-htable-size", Kind::Number(0, u32::MAX as u64)),
        Opt::new("hashlimit-htable-max", Kind::Number(0, u32::MAX as u64)),
        Opt::new("hashlimit-htable-gcinterval", Kind::Number(0, u32::MAX as u64)),
        Opt::new("hashlimit-htable-expire", Kind::Number(0, u32::MAX as u64)),
        Opt::new("hashlimit-mode", Kind::Own(read_mode)),
        Opt::new("hashlimit-name", Kind::Own(read_name)).req(),
        Opt::flag("hashlimit-rate-match"),
        Opt::new("hashlimit-rate-interval", Kind::Own(read_interval)),
    ],
    build,
)
.check(check)
.ignoring(&["hashlimit-htable-size", "hashlimit-htable-max", "hashlimit-htable-gcinterval"]);

/// `N/UNIT`, or `N[k|m]b/s`: the period or the cost, and the unit's seconds.
fn read(text: &str, cx: Cx) -> Result<Value, RuleError> {
    if let Some(at) = text.find("b/s").filter(|at| *at > 0)
        && let count @ 1.. = atoi(text)
    {
        let bytes = count.saturating_mul(factor(text[..at].chars().next_back()));
        let cost = bytes_to_cost(bytes);
        if cost == 0 {
            return said(format!("Rate too high \"{text}\""));
        }
        return Ok(Value::Range(BYTES | cost, u64::from(BYTE_EXPIRE)));
    }
    match read_rate(text, SCALE)? {
        Some((period, seconds)) => Ok(Value::Range(period, seconds)),
        None => cx.bad_value(text),
    }
}

fn factor(unit: Option<char>) -> u64 {
    match unit {
        Some('m') => 1 << 20,
        Some('k') => 1 << 10,
        _ => 1,
    }
}

fn bytes_to_cost(bytes: u64) -> u64 {
    u64::from(u32::MAX) / (u64::from((bytes >> 4) as u32) + 1)
}

fn cost_to_bytes(cost: u64) -> u64 {
    (u64::from(u32::MAX).checked_div(cost).unwrap_or(u64::from(u32::MAX)) - 1) << 4
}

fn read_burst(text: &str, _: Cx) -> Result<Value, RuleError> {
    let found = leading_number(text).filter(|(n, rest)| *n >= 1 && (!rest.is_empty() || *n <= BURST_MAX));
    match found {
        Some((n, rest)) => Ok(Value::Number(n.saturating_mul(factor(rest.chars().next())))),
        None => said(format!("bad value for option \"--hashlimit-burst\", or out of range (1-{BURST_MAX}).")),
    }
}

fn read_mode(text: &str, cx: Cx) -> Result<Value, RuleError> {
    let mut bits = 0;
    for word in text.split([',', '|']).filter(|w| !w.is_empty()) {
        bits |= match word {
            "srcip" => 1,
            "srcport" => 2,
            "dstip" => 4,
            "dstport" => 8,
            _ => return cx.bad_value(text),
        };
    }
    Ok(Value::Number(bits))
}

fn read_interval(text: &str, cx: Cx) -> Result<Value, RuleError> {
    match atoi(text) {
        0 => cx.bad_value(text),
        n => Ok(Value::Number(n)),
    }
}

/// The rate as it was given: by which option, the value, and the unit's seconds.
fn given_rate(args: &Args) -> Option<(bool, u64, u64)> {
    let arg =
        args.given.iter().rev().find(|a| ["hashlimit-upto", "hashlimit-above"].contains(&args.name_of(a)))?;
    let above = (args.name_of(arg) == "hashlimit-above") != arg.not;
    let (value, seconds) = arg.value.range();
    Some((above, value, seconds))
}

fn check(args: &Args) -> Result<(), RuleError> {
    let Some((_, value, _)) = given_rate(args) else { return said("You have to specify --hashlimit") };
    let Some(burst) = args.number("hashlimit-burst") else { return Ok(()) };
    if value & BYTES == 0 {
        return match burst {
            ..=BURST_MAX => Ok(()),
            _ => {
                said(format!("bad value for option \"--hashlimit-burst\", or out of range (1-{BURST_MAX})."))
            }
        };
    }
    let second = cost_to_bytes(value & !BYTES);
    if second == 0 {
        // iptables 1.8.9 divides by it and is ended by the kernel.
        return said("a rate of less than 16b/s takes no burst");
    }
    if burst < second { said(format!("burst cannot be smaller than {second}b")) } else { Ok(()) }
}

fn read_name(text: &str, cx: Cx) -> Result<Value, RuleError> {
    if text.is_empty() {
        return said("Argument must have a minimum length of 1 characters\n");
    }
    super::super::value::read(Kind::Cut(255), text, cx)
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let (above, value, seconds) = given_rate(args).unwrap_or((false, SCALE, 1));
    let burst = args.number("hashlimit-burst");
    let mut expire = seconds as u32;
    let mut rate = if value & BYTES != 0 {
        let cost = value & !BYTES;
        let second = cost_to_bytes(cost).max(1);
        if burst.is_some() {
            expire = BYTE_EXPIRE_BURST;
        }
        HashRate::Bytes { cost, bursts: burst.map_or(0, |b| b.div_ceil(second)) }
    } else {
        HashRate::Packets { period: value, burst: burst.unwrap_or(BURST) }
    };
    let mut rate_match = None;
    if args.has("hashlimit-rate-match") {
        let own = match &mut rate {
            HashRate::Bytes { .. } => 1,
            HashRate::Packets { period, .. } => {
                *period /= seconds;
                seconds
            }
        };
        rate_match = Some(args.number("hashlimit-rate-interval").unwrap_or(own) as u32);
    }
    let bits = args.number("hashlimit-mode").unwrap_or(0);
    let mask = |name| args.number(name).map_or(args.family.bits(), |n| n as u8);
    let table = |name| args.number(name).map(|n| n as u32);
    Ok(Match::HashLimit(Box::new(HashLimit {
        above,
        rate,
        mode: HashMode {
            srcip: bits & 1 != 0,
            srcport: bits & 2 != 0,
            dstip: bits & 4 != 0,
            dstport: bits & 8 != 0,
        },
        name: args.text("hashlimit-name").unwrap_or_default().into(),
        srcmask: mask("hashlimit-srcmask"),
        dstmask: mask("hashlimit-dstmask"),
        size: table("hashlimit-htable-size").unwrap_or(0),
        max: table("hashlimit-htable-max").unwrap_or(0),
        gc_interval: table("hashlimit-htable-gcinterval").unwrap_or(GC_INTERVAL),
        expire: table("hashlimit-htable-expire").unwrap_or(expire.saturating_mul(1_000)),
        rate_match,
    })))
}

/// `512kb`, in the largest unit that loses nothing to the kernel's arithmetic, or the largest that fits.
fn with_unit(bytes: u64, fits: impl Fn(u64) -> bool) -> String {
    let unit = [("m", 1u64 << 20), ("k", 1 << 10)].into_iter().find(|(_, n)| bytes >= *n && fits(*n));
    let (name, size) = unit.unwrap_or(("", 1));
    format!("{}{name}b", bytes / size)
}

impl HashLimit {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        let name = if self.above { "hashlimit-above" } else { "hashlimit-upto" };
        // What it expires by unless told otherwise hangs on the unit that is printed.
        let quantum = match self.rate {
            HashRate::Packets { period, burst } => {
                let rate = Rate::of(period, SCALE);
                out.value(name, rate);
                out.value("hashlimit-burst", burst);
                rate.unit.seconds() as u32
            }
            HashRate::Bytes { cost, bursts } => {
                let bytes = cost_to_bytes(cost);
                let text = with_unit(bytes, |unit| bytes_to_cost(bytes & !(unit - 1)) == cost);
                out.value(name, format_args!("{text}/s"));
                if bursts > 0 {
                    out.value("hashlimit-burst", with_unit(bytes.wrapping_mul(bursts), |_| true));
                }
                if bursts > 0 { BYTE_EXPIRE_BURST } else { BYTE_EXPIRE }
            }
        };
        let mode = self.mode;
        let words = [
            (mode.srcip, "srcip"),
            (mode.srcport, "srcport"),
            (mode.dstip, "dstip"),
            (mode.dstport, "dstport"),
        ];
        let words: Vec<_> = words.into_iter().filter(|(set, _)| *set).map(|(_, word)| word).collect();
        if !words.is_empty() {
            out.value("hashlimit-mode", words.join(","));
        }
        out.value("hashlimit-name", &self.name);
        for (name, value, default) in [
            ("hashlimit-htable-size", self.size, 0),
            ("hashlimit-htable-max", self.max, 0),
            ("hashlimit-htable-gcinterval", self.gc_interval, GC_INTERVAL),
            ("hashlimit-htable-expire", self.expire, quantum.wrapping_mul(1_000)),
            ("hashlimit-srcmask", self.srcmask.into(), out.family.bits().into()),
            ("hashlimit-dstmask", self.dstmask.into(), out.family.bits().into()),
        ] {
            if value != default {
                out.value(name, value);
            }
        }
        if let Some(interval) = self.rate_match {
            out.flag("hashlimit-rate-match");
            if interval != 1 {
                out.value("hashlimit-rate-interval", interval);
            }
        }
    }

    /// What the kernel refuses (`hashlimit_mt_check_common`).
    pub(super) fn kernel(&self, bits: u8) -> Option<KernelError> {
        if self.srcmask > bits || self.dstmask > bits || !is_proc_name(&self.name) {
            return Some(KernelError::InvalidArgument);
        }
        if self.gc_interval == 0 || self.expire == 0 {
            return Some(KernelError::InvalidArgument);
        }
        match self.rate {
            HashRate::Packets { period, burst }
                if self.rate_match.is_none() && credits(period.wrapping_mul(burst)) < credits(period) =>
            {
                Some(KernelError::OutOfRange)
            }
            _ => None,
        }
    }

    /// As `hashlimit_mt_common` does, in nanoseconds.
    pub(super) fn test(&self, cx: &mut MatchCx) -> Test {
        let packet = &cx.skb.packet;
        let under = |addr: IpAddr, len| AddrMask::prefix(addr, len).map(|net| net.addr());
        let (sport, dport) = packet.ports().unwrap_or((0, 0));
        let key = HashKey {
            src: if self.mode.srcip { under(packet.src, self.srcmask) } else { None },
            dst: if self.mode.dstip { under(packet.dst, self.dstmask) } else { None },
            sport: if self.mode.srcport { sport } else { 0 },
            dport: if self.mode.dstport { dport } else { 0 },
        };
        let second = 1_000_000_000;
        let (most, bursts) = match self.rate {
            HashRate::Packets { period, burst } => (nanoseconds(period.wrapping_mul(burst)), 0),
            HashRate::Bytes { bursts, .. } => (second, bursts),
        };
        let expires = cx.now.after(Duration::from_millis(self.expire.into()));
        let flows = cx.modules.hashlimits.entry(self.name.clone()).or_default();
        flows.retain(|_, flow| flow.expires > cx.now);
        let flow = flows.entry(key).or_insert(HashEntry {
            bucket: Bucket { tokens: most, last: cx.now },
            bursts,
            expires,
            window: Window { over: false, used: 0 },
        });
        flow.expires = expires;
        if let Some(interval) = self.rate_match {
            return self.measure(flow, u64::from(interval) * second, packet.len(), cx.now);
        }
        flow.bucket.fill(cx.now, most);
        let cost = match self.rate {
            HashRate::Packets { period, .. } => nanoseconds(period),
            HashRate::Bytes { cost, .. } => {
                let chunks = u64::from(packet.len() >> 4) + 1;
                let cost = (u128::from(cost) * u128::from(second) * u128::from(chunks)) >> 32;
                let cost = u64::try_from(cost).unwrap_or(u64::MAX).min(second);
                if flow.bucket.tokens < cost && flow.bursts > 0 {
                    flow.bursts -= 1;
                    flow.bucket.tokens = second;
                }
                cost
            }
        };
        let left = flow.bucket.tokens / cost.max(1);
        let within = flow.bucket.take(cost);
        Test::new(within != self.above, Fact::Tokens(left))
    }
}

impl HashLimit {
    /// Counts in windows of time and compares (`--hashlimit-rate-match`), instead of filling a bucket.
    fn measure(&self, flow: &mut HashEntry, interval: u64, len: u32, now: Time) -> Test {
        let (rate, burst, cost) = match self.rate {
            HashRate::Packets { period, burst } => {
                let rate = SCALE.checked_div(period).unwrap_or(0);
                (rate, burst + rate, 1)
            }
            HashRate::Bytes { cost, bursts } => {
                let rate = cost_to_bytes(cost);
                (rate, rate * bursts.max(1), u64::from(len))
            }
        };
        let passed = u64::try_from(now.since(flow.bucket.last).as_nanos()).unwrap_or(u64::MAX);
        if passed >= interval.max(1) {
            flow.bucket.last = now;
            let came = u128::from(flow.window.used) * u128::from(interval);
            flow.window = Window { over: came > u128::from(passed) * u128::from(rate), used: 0 };
        }
        flow.window.used += cost;
        let within = !flow.window.over && flow.window.used <= burst;
        Test::new(within != self.above, Fact::Number(flow.window.used))
    }
}

/// Credits a second.
const SECOND: u64 = 250 << 39;

/// The kernel's credits of a period (`user2credits`), which wrap around.
fn credits(period: u64) -> u64 {
    period.wrapping_mul(SECOND / SCALE)
}

/// The time in which so many credits come: a burst that is longer than about 37 hours in all is less, as it wraps.
fn nanoseconds(period: u64) -> u64 {
    u64::try_from(u128::from(credits(period)) * 1_000_000_000 / u128::from(SECOND)).unwrap_or(u64::MAX)
}

impl HashLimit {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.words("limit:");
        let mut words = String::new();
        self.save(&mut SaveOptions::new(&mut words, out.family, out.proto));
        let mut words = words.split(' ').peekable();
        while let Some(word) = words.next() {
            let value = words.peek().copied().unwrap_or_default();
            match word.strip_prefix("--hashlimit-") {
                Some("upto") => out.words(format_args!("up to {value}")),
                Some("mode") => out.words(format_args!("mode {}", value.replace(',', "-"))),
                // The table's name is left out.
                Some("name") | None => {}
                Some(name) if value.starts_with("--") || value.is_empty() => out.words(name),
                Some(name) => out.words(format_args!("{name} {value}")),
            }
        }
    }
}
