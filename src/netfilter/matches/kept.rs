//! Matches that are read, checked and printed by their tables alone, though unknown to every packet.

use super::super::env::ReversePath;
use super::super::extension::{Args, BOTH, Extension, Fidelity, Opt, V4, V6, said};
use super::super::kept::{Kept, KeptOpt};
use super::super::value::{Cx, Kind, Value, leading_number};
use super::super::{Hook, Inv, KernelError, Match, RuleError, TableName};
use super::around::{DevGroup, RealmTest, SocketTest};
use super::ext6::{Field, SegmentsTest};
use super::headers6::range;
use super::spi::{AuthTest, SpiTest};
use super::typed::Ask;
use crate::packet::Proto;
use std::cmp::Ordering;

const U8: Kind = Kind::Number(0, u8::MAX as u64);
const U16: Kind = Kind::Number(0, u16::MAX as u64);
const U32: Kind = Kind::Number(0, u32::MAX as u64);
const RANGE: Kind = Kind::Range(u32::MAX as u64);

const fn kept(name: &'static str, families: &'static [super::Family], opts: &'static [Opt]) -> Extension {
    Extension::a_match(name, families, opts, all).fidelity(Fidelity::Kept)
}

fn all(args: &Args) -> Result<Match, RuleError> {
    Kept::all(args).into_match()
}

/// One of them must be given; else the extension says so.
macro_rules! needs_one {
    ($said:expr) => {
        |args| if args.given.is_empty() { said($said) } else { Ok(()) }
    };
}

pub(super) static AH: Extension =
    Extension::a_match("ah", V4, &[Opt::new("ahspi", RANGE).inv()], auth).protos(&[Proto::AH]);
pub(super) static AH6: Extension = Extension::a_match(
    "ah",
    V6,
    &[Opt::new("ahspi", RANGE).inv(), Opt::new("ahlen", U32).inv(), Opt::flag("ahres")],
    auth,
);
pub(super) static ESP: Extension =
    Extension::a_match("esp", BOTH, &[Opt::new("espspi", RANGE).inv()], |args| {
        spi(args, Proto::ESP, "espspi")
    })
    .protos(&[Proto::ESP]);
pub(super) static IPCOMP: Extension = Extension::a_match(
    "ipcomp",
    BOTH,
    &[Opt::new("ipcompspi", RANGE).inv(), Opt::flag("compres")],
    compressed,
)
.protos(&[Proto::IPCOMP]);

fn auth(args: &Args) -> Result<Match, RuleError> {
    Kept::all(args).asking(Ask::Auth(AuthTest {
        spi: range(args, "ahspi"),
        len: args.map("ahlen", |v| v.number() as u32),
        reserved: args.has("ahres"),
    }))
}

fn spi(args: &Args, proto: Proto, option: &str) -> Result<Match, RuleError> {
    Kept::all(args).asking(Ask::Spi(SpiTest { proto, spi: range(args, option) }))
}

/// Without an index only 0 is asked for: nothing sets the range before the options are read.
fn compressed(args: &Args) -> Result<Match, RuleError> {
    let mut kept = Kept::all(args);
    let spi = if args.has("ipcompspi") { range(args, "ipcompspi") } else { Inv::yes((0, 0)) };
    if !args.has("ipcompspi") {
        kept.opts.insert(0, KeptOpt { name: "ipcompspi", not: false, value: "0".into() });
    }
    kept.asking(Ask::Spi(SpiTest { proto: Proto::IPCOMP, spi }))
}

/// The number of an option that must be given.
fn number(args: &Args, option: &str) -> Inv<u32> {
    args.map(option, |v| v.number() as u32).unwrap_or(Inv::yes(0))
}

pub(super) static CGROUP: Extension = Extension::a_match(
    "cgroup",
    BOTH,
    &[Opt::new("path", Kind::Cut(511)).inv(), Opt::new("cgroup", U32).inv()],
    |args| Kept::all(args).asking(Ask::Cgroup(number(args, "cgroup"))),
)
.hooks(&[Hook::Input, Hook::Output, Hook::Postrouting])
.ignoring(&["path", "cgroup"]);
pub(super) static CPU: Extension =
    Extension::a_match("cpu", BOTH, &[Opt::new("cpu", U32).inv().req()], |args| {
        Kept::all(args).asking(Ask::Cpu(number(args, "cpu")))
    });
pub(super) static EUI64: Extension =
    Extension::a_match("eui64", V6, &[], |args| Kept::all(args).asking(Ask::Eui64)).hooks(&[
        Hook::Prerouting,
        Hook::Input,
        Hook::Forward,
    ]);
pub(super) static IPVS: Extension = kept(
    "ipvs",
    BOTH,
    &[
        Opt::flag("ipvs").inv(),
        Opt::new("vproto", Kind::Proto).inv(),
        Opt::new("vaddr", Kind::HostMask).inv(),
        Opt::new("vport", Kind::PortRange).inv(),
        Opt::new("vdir", Kind::Own(|t, cx| word(t, cx, &["ORIGINAL", "REPLY"]))),
        Opt::new("vmethod", Kind::Own(|t, cx| word(t, cx, &["GATE", "IPIP", "MASQ"]))).inv(),
        Opt::new("vportctl", Kind::PortRange).inv(),
    ],
)
.check(needs_one!("IPVS: At least one option is required"))
.missing();
/// The kernel refuses it where no accounting object of the name was made, which no dump brings along.
pub(super) static NFACCT: Extension =
    kept("nfacct", BOTH, &[Opt::new("nfacct-name", Kind::Cut(31)).req()]).fidelity(Fidelity::Refused);
pub(super) static OSF: Extension = Extension::a_match(
    "osf",
    V4,
    &[
        Opt::new("genre", Kind::Cut(31)).inv().req(),
        Opt::new("ttl", Kind::Number(0, 2)),
        Opt::new("log", Kind::Number(0, 2)),
    ],
    |args| Kept::all(args).asking(Ask::Fingerprint),
)
.fidelity(Fidelity::Kept)
.protos(&[Proto::TCP])
.hooks(&[Hook::Prerouting, Hook::Input, Hook::Forward]);
pub(super) static RPFILTER: Extension = Extension::a_match(
    "rpfilter",
    BOTH,
    &[Opt::flag("loose"), Opt::flag("validmark"), Opt::flag("accept-local"), Opt::flag("invert")],
    |args| {
        let check = ReversePath {
            loose: args.has("loose"),
            valid_mark: args.has("validmark"),
            accept_local: args.has("accept-local"),
        };
        Kept::all(args).asking(Ask::ReversePath(check, args.has("invert")))
    },
)
.tables(&[TableName::Raw, TableName::Mangle])
.hooks(&[Hook::Prerouting]);
pub(super) static SOCKET: Extension = Extension::a_match(
    "socket",
    BOTH,
    &[Opt::flag("transparent"), Opt::flag("nowildcard"), Opt::flag("restore-skmark")],
    |args| {
        Kept::all(args).asking(Ask::Socket(SocketTest {
            transparent: args.has("transparent"),
            nowildcard: args.has("nowildcard"),
            restore: args.has("restore-skmark"),
        }))
    },
)
.hooks(&[Hook::Prerouting, Hook::Input]);
pub(super) static SRH: Extension = Extension::a_match(
    "srh",
    V6,
    &[
        Opt::new("srh-next-hdr", U8).inv(),
        Opt::new("srh-hdr-len-eq", U8).inv(),
        Opt::new("srh-hdr-len-gt", U8).inv(),
        Opt::new("srh-hdr-len-lt", U8).inv(),
        Opt::new("srh-segs-left-eq", U8).inv(),
        Opt::new("srh-segs-left-gt", U8).inv(),
        Opt::new("srh-segs-left-lt", U8).inv(),
        Opt::new("srh-last-entry-eq", U8).inv(),
        Opt::new("srh-last-entry-gt", U8).inv(),
        Opt::new("srh-last-entry-lt", U8).inv(),
        Opt::new("srh-tag", U16).inv(),
        Opt::new("srh-psid", Kind::HostMask).inv(),
        Opt::new("srh-nsid", Kind::HostMask).inv(),
        Opt::new("srh-lsid", Kind::HostMask).inv(),
    ],
    srh,
);

/// The three comparisons of one field share one number: the last that was given. Addresses keep their `/128`.
fn srh(args: &Args) -> Result<Match, RuleError> {
    let mut kept = Kept::new(args);
    for option in args.ext.opts {
        let Some(given) = args.get(option.name) else { continue };
        let field = option.name.trim_end_matches("-eq").trim_end_matches("-gt").trim_end_matches("-lt");
        let shared = |a: &&super::super::extension::Arg| {
            field != option.name && args.name_of(a).strip_prefix(field).is_some_and(|rest| rest.len() == 3)
        };
        let value = &args.given.iter().rev().find(shared).unwrap_or(given).value;
        match value {
            Value::HostMask(net) if net.is_host() => {
                kept.push(option.name, given.not, format_args!("{net}/128"))
            }
            value => kept.push(option.name, given.not, value),
        }
    }
    let net = |name| match args.get(name).map(|a| (a.not, &a.value)) {
        Some((not, Value::HostMask(net))) => Some(Inv { not, value: *net }),
        _ => None,
    };
    let fields = kept.opts.iter().filter_map(|opt| {
        let name = opt.name.strip_prefix("srh-")?;
        let suffixes = [("-eq", Ordering::Equal), ("-gt", Ordering::Greater), ("-lt", Ordering::Less)];
        let found = suffixes.into_iter().find_map(|(s, than)| Some((name.strip_suffix(s)?, than)));
        let (name, than) = found.unwrap_or((name, Ordering::Equal));
        Some(Field { name, than, want: Inv { not: opt.not, value: opt.value.parse().ok()? } })
    });
    let fields = fields.collect();
    let (before, next, last) = (net("srh-psid"), net("srh-nsid"), net("srh-lsid"));
    kept.asking(Ask::Segments(SegmentsTest { fields, before, next, last }))
}

fn word(text: &str, cx: Cx, words: &[&'static str]) -> Result<Value, RuleError> {
    match words.iter().find(|w| w.eq_ignore_ascii_case(text)) {
        Some(word) => Ok(Value::Text((*word).into())),
        None => cx.bad_value(text),
    }
}

pub(super) static DEVGROUP: Extension = Extension::a_match(
    "devgroup",
    BOTH,
    &[
        Opt::new("src-group", Kind::Own(|t, cx| named(t, cx, "default"))).inv(),
        Opt::new("dst-group", Kind::Own(|t, cx| named(t, cx, "default"))).inv(),
    ],
    |args| {
        let (src, dst) = (args.map("src-group", masked), args.map("dst-group", masked));
        Kept::all(args).asking(Ask::DevGroup(DevGroup { src, dst }))
    },
)
.check(needs_one!("devgroup match: You must specify either '--src-group' or '--dst-group'"));
pub(super) static REALM: Extension = Extension::a_match(
    "realm",
    V4,
    &[Opt::new("realm", Kind::Own(|t, cx| named(t, cx, "cosmos"))).inv().req()],
    |args| {
        let realm = args.map("realm", masked).unwrap_or(Inv::yes((0, 0)));
        Kept::all(args).asking(Ask::Realm(RealmTest(realm)))
    },
)
.hooks(&[Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting]);

/// Value and mask of what [`named`] read; a name is number 0.
fn masked(value: &Value) -> (u32, u32) {
    match value {
        Value::MarkMask(value, mask) => (*value, *mask),
        _ => (0, u32::MAX),
    }
}

/// `VALUE[/MASK]`, or the name that number 0 has in /etc/iproute2.
fn named(text: &str, cx: Cx, zero: &'static str) -> Result<Value, RuleError> {
    let name = || Ok(Value::Text(zero.into()));
    if text == zero {
        return name();
    }
    let u32_of = |t| leading_number(t).filter(|(n, _)| *n <= u64::from(u32::MAX));
    match u32_of(text) {
        Some((0, "")) => name(),
        Some((value, "")) => Ok(Value::MarkMask(value as u32, u32::MAX)),
        Some((value, rest)) if rest.starts_with('/') => match u32_of(&rest[1..]) {
            Some((mask, "")) => Ok(Value::MarkMask(value as u32, mask as u32)),
            _ => {
                said(format!("{}: bad integer value for option \"--{}\", or out of range.\n", cx.ext, cx.opt))
            }
        },
        _ => said(format!(
            "{}: could not map name {text} to an integer value for option \"--{}\".\n",
            cx.ext, cx.opt
        )),
    }
}

/// What the kernel refuses of these.
pub(super) fn kernel(kept: &Kept) -> Option<KernelError> {
    let wrong = match kept.name {
        // A path is looked up among the host's groups.
        "cgroup" => !kept.has("cgroup") || kept.has("path"),
        // Accounting objects, which no dump brings along.
        "nfacct" => return Some(KernelError::Missing),
        "rateest" => {
            let modes = ["rateest-lt", "rateest-gt", "rateest-eq"];
            let rates = |o: &super::super::kept::KeptOpt| o.name.contains("ps");
            !modes.iter().any(|m| kept.has(m)) || !kept.opts.iter().any(rates)
        }
        "string" => {
            if !matches!(kept.get("algo"), Some("bm" | "kmp" | "fsm")) {
                return Some(KernelError::NotFound);
            }
            kept.get("string") == Some("\"\"")
        }
        _ => false,
    };
    wrong.then_some(KernelError::InvalidArgument)
}
