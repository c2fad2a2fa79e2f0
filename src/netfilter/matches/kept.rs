//! Matches that are read, checked and printed by their tables alone, though unknown to every packet.

use super::super::extension::{Args, BOTH, Extension, Fidelity, Opt, V4, V6, said};
use super::super::kept::Kept;
use super::super::value::{Cx, Kind, Value, leading_number};
use super::super::{Hook, KernelError, Match, RuleError, TableName};
use crate::packet::Proto;

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

pub(super) static AH: Extension = kept("ah", V4, &[Opt::new("ahspi", RANGE).inv()]).protos(&[Proto::AH]);
pub(super) static AH6: Extension =
    kept("ah", V6, &[Opt::new("ahspi", RANGE).inv(), Opt::new("ahlen", U32).inv(), Opt::flag("ahres")]);
pub(super) static ESP: Extension =
    kept("esp", BOTH, &[Opt::new("espspi", RANGE).inv()]).protos(&[Proto::ESP]);
pub(super) static IPCOMP: Extension =
    kept("ipcomp", BOTH, &[Opt::new("ipcompspi", RANGE).inv(), Opt::flag("compres")])
        .protos(&[Proto::IPCOMP]);
pub(super) static CGROUP: Extension =
    kept("cgroup", BOTH, &[Opt::new("path", Kind::Cut(511)).inv(), Opt::new("cgroup", U32).inv()]).hooks(&[
        Hook::Input,
        Hook::Output,
        Hook::Postrouting,
    ]);
pub(super) static CPU: Extension = kept("cpu", BOTH, &[Opt::new("cpu", U32).inv().req()]);
pub(super) static EUI64: Extension =
    kept("eui64", V6, &[]).hooks(&[Hook::Prerouting, Hook::Input, Hook::Forward]);
pub(super) static FRAG: Extension = kept(
    "frag",
    V6,
    &[
        Opt::new("fragid", RANGE).inv(),
        Opt::new("fraglen", U32).inv(),
        Opt::flag("fragres"),
        Opt::flag("fragfirst"),
        Opt::flag("fragmore").not_with(&["fraglast"]),
        Opt::flag("fraglast").not_with(&["fragmore"]),
    ],
);
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
pub(super) static NFACCT: Extension = kept("nfacct", BOTH, &[Opt::new("nfacct-name", Kind::Cut(31)).req()]);
pub(super) static OSF: Extension = kept(
    "osf",
    V4,
    &[
        Opt::new("genre", Kind::Cut(31)).inv().req(),
        Opt::new("ttl", Kind::Number(0, 2)),
        Opt::new("log", Kind::Number(0, 2)),
    ],
)
.protos(&[Proto::TCP])
.hooks(&[Hook::Prerouting, Hook::Input, Hook::Forward]);
pub(super) static RPFILTER: Extension = kept(
    "rpfilter",
    BOTH,
    &[Opt::flag("loose"), Opt::flag("validmark"), Opt::flag("accept-local"), Opt::flag("invert")],
)
.tables(&[TableName::Raw, TableName::Mangle])
.hooks(&[Hook::Prerouting]);
pub(super) static SOCKET: Extension =
    kept("socket", BOTH, &[Opt::flag("transparent"), Opt::flag("nowildcard"), Opt::flag("restore-skmark")])
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
)
.fidelity(Fidelity::Kept);

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
    kept.into_match()
}

fn word(text: &str, cx: Cx, words: &[&'static str]) -> Result<Value, RuleError> {
    match words.iter().find(|w| w.eq_ignore_ascii_case(text)) {
        Some(word) => Ok(Value::Text((*word).into())),
        None => cx.bad_value(text),
    }
}

pub(super) static DEVGROUP: Extension = kept(
    "devgroup",
    BOTH,
    &[
        Opt::new("src-group", Kind::Own(|t, cx| named(t, cx, "default"))).inv(),
        Opt::new("dst-group", Kind::Own(|t, cx| named(t, cx, "default"))).inv(),
    ],
)
.check(needs_one!("devgroup match: You must specify either '--src-group' or '--dst-group'"));
pub(super) static REALM: Extension =
    kept("realm", V4, &[Opt::new("realm", Kind::Own(|t, cx| named(t, cx, "cosmos"))).inv().req()]).hooks(&[
        Hook::Input,
        Hook::Forward,
        Hook::Output,
        Hook::Postrouting,
    ]);

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

pub(super) static BPF: Extension = Extension::a_match(
    "bpf",
    BOTH,
    &[
        Opt::new("bytecode", Kind::Own(read_bytecode)),
        Opt::new("object-pinned", Kind::Own(|_, _| said("bpf: failed to get bpf object"))),
    ],
    |args| {
        let mut kept = Kept::new(args);
        kept.put("bytecode", args.map("bytecode", |v| format!("\"{}\"", v.text())));
        kept.into_match()
    },
)
.check(needs_one!("bpf: one of --bytecode or --pinned is required"))
.fidelity(Fidelity::Kept);

/// `COUNT,CODE JT JF K,…`: the program's length, and four numbers for each instruction.
fn read_bytecode(text: &str, _: Cx) -> Result<Value, RuleError> {
    const MAX: usize = 64;
    let Some((count, program)) = text.split_once(',') else {
        return said("bpf: error parsing program length");
    };
    let Ok(count) = count.parse::<usize>() else { return said("bpf: error parsing program length") };
    if count == 0 {
        return said("bpf: illegal zero length program");
    }
    if count > MAX {
        return said("bpf: number of instructions exceeds maximum");
    }
    let mut printed = count.to_string();
    let mut instructions = program.split(',');
    for place in 0..count {
        let Some(text) = instructions.next() else {
            return said("bpf: parsed program length is less than the encoded length parameter");
        };
        let number = |word: &str| {
            let end = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
            word[..end].parse::<u32>().ok()
        };
        let numbers: Option<Vec<u32>> = text.split_whitespace().take(4).map(number).collect();
        match numbers.as_deref() {
            Some([code, jt, jf, k]) => printed += &format!(",{code} {jt} {jf} {k}"),
            _ => return said(format!("bpf: error at instr {place}")),
        }
    }
    Ok(Value::Text(printed.into()))
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
