//! Targets that are read, checked and printed by their tables alone, though the model does not do what they say.

use super::super::addr::HostMask;
use super::super::extension::{Args, BOTH, Extension, Fidelity, Opt, V4, V6, said};
use super::super::kept::Kept;
use super::super::value::{Cx, Kind, Value, number};
use super::super::{Hook, KernelError, RuleError, TableName, Target};
use super::npt::Npt;
use super::strip::{Ecn, Strip};
use super::tproxy::TProxy;
use super::typed::Act;
use crate::packet::Proto;

const U32: Kind = Kind::Number(0, u32::MAX as u64);
const MANGLE: &[TableName] = &[TableName::Mangle];

const fn kept(name: &'static str, families: &'static [super::Family], opts: &'static [Opt]) -> Extension {
    Extension::a_target(name, families, opts, all).fidelity(Fidelity::Kept)
}

fn all(args: &Args) -> Result<Target, RuleError> {
    Kept::all(args).into_target()
}

/// One of them must be given; else the extension says so.
macro_rules! needs_one {
    ($said:expr) => {
        |args| if args.given.is_empty() { said($said) } else { Ok(()) }
    };
}

pub(super) static AUDIT: Extension =
    Extension::a_target("AUDIT", BOTH, &[Opt::new("type", Kind::Own(read_audit)).req()], |args| {
        Kept::all(args).doing(Act::Audit)
    });

fn read_audit(text: &str, _: Cx) -> Result<Value, RuleError> {
    match ["accept", "drop", "reject"].into_iter().find(|w| w.eq_ignore_ascii_case(text)) {
        Some(word) => Ok(Value::Text(word.into())),
        None => said(format!("Bad action type value \"{text}\"")),
    }
}

pub(super) static CLUSTERIP: Extension = kept(
    "CLUSTERIP",
    V4,
    &[
        Opt::flag("new"),
        Opt::new("hashmode", Kind::Own(read_hashmode)),
        Opt::new("clustermac", Kind::Own(read_multicast)),
        Opt::new("total-nodes", Kind::Number(0, 16)),
        Opt::new("local-node", Kind::Number(0, 16)),
        Opt::new("hash-init", U32),
    ],
)
.check(|args| {
    let rest = ["hashmode", "clustermac", "total-nodes", "local-node"];
    if args.has("new") && !rest.iter().all(|o| args.has(o)) {
        return said("CLUSTERIP target: Invalid parameter combination");
    }
    Ok(())
})
.missing();

fn read_hashmode(text: &str, _: Cx) -> Result<Value, RuleError> {
    match text {
        "sourceip" | "sourceip-sourceport" | "sourceip-sourceport-destport" => Ok(Value::Text(text.into())),
        _ => said(format!("Unknown hashmode \"{text}\"")),
    }
}

fn read_multicast(text: &str, cx: Cx) -> Result<Value, RuleError> {
    let value = super::super::value::read(Kind::Mac, text, cx)?;
    match value {
        Value::Mac(mac) if mac.0[0] & 1 == 0 => said("MAC has to be a multicast ethernet address"),
        value => Ok(value),
    }
}

pub(super) static CONNSECMARK: Extension = Extension::a_target(
    "CONNSECMARK",
    BOTH,
    &[Opt::flag("save").not_with(&["restore"]), Opt::flag("restore").not_with(&["save"])],
    |args| Kept::all(args).doing(Act::Nothing),
)
.check(needs_one!("CONNSECMARK target: parameter required"))
.tables(&[TableName::Mangle, TableName::Security]);

const PREFIXES: &[Opt] =
    &[Opt::new("src-pfx", Kind::HostMask).req(), Opt::new("dst-pfx", Kind::HostMask).req()];
pub(super) static DNPT: Extension = Extension::a_target("DNPT", V6, PREFIXES, |args| prefixes(args, true))
    .tables(MANGLE)
    .hooks(&[Hook::Prerouting, Hook::Output]);
pub(super) static SNPT: Extension = Extension::a_target("SNPT", V6, PREFIXES, |args| prefixes(args, false))
    .tables(MANGLE)
    .hooks(&[Hook::Input, Hook::Postrouting]);

/// A prefix is printed with its length.
fn prefixes(args: &Args, destination: bool) -> Result<Target, RuleError> {
    let mut kept = Kept::new(args);
    let none = (std::net::Ipv6Addr::UNSPECIFIED, 0);
    let mut npt = Npt { destination, from: none, to: none };
    for name in ["src-pfx", "dst-pfx"] {
        if let Some(Value::HostMask(net)) = args.get(name).map(|a| &a.value) {
            let len = net.prefix_len().unwrap_or(128);
            kept.push(name, false, format_args!("{}/{len}", net.addr));
            if let std::net::IpAddr::V6(addr) = net.addr {
                *(if name == "src-pfx" { &mut npt.from } else { &mut npt.to }) = (addr, len);
            }
        }
    }
    kept.doing(Act::Npt(npt))
}

/// What the kernel says of a prefix: at most 64 bits, and nothing beside them.
pub(super) fn is_prefix(text: &str) -> bool {
    let Some((addr, len)) = text.split_once('/') else { return false };
    let (Ok(addr), Ok(len @ ..=64)) = (addr.parse(), len.parse()) else { return false };
    let net = HostMask { addr, mask: super::super::addr::prefix_mask(super::Family::Ip6, len) };
    super::super::AddrMask::new(net.addr, net.mask).is_some_and(|n| n.addr() == addr)
}

pub(super) static ECN: Extension = Extension::a_target(
    "ECN",
    V4,
    &[
        Opt::flag("ecn-tcp-remove").not_with(&["ecn-tcp-cwr", "ecn-tcp-ece"]),
        Opt::new("ecn-tcp-ece", Kind::Number(0, 1)).not_with(&["ecn-tcp-remove"]),
        Opt::new("ecn-tcp-cwr", Kind::Number(0, 1)).not_with(&["ecn-tcp-remove"]),
        Opt::new("ecn-ip-ect", Kind::Number(0, 3)),
    ],
    |args| {
        let bit = |name| match args.has("ecn-tcp-remove") {
            true => Some(false),
            false => args.number(name).map(|n| n != 0),
        };
        let (ece, cwr) = (bit("ecn-tcp-ece"), bit("ecn-tcp-cwr"));
        Kept::all(args).doing(Act::Ecn(Ecn { ect: args.number("ecn-ip-ect").map(|n| n as u8), ece, cwr }))
    },
)
.check(needs_one!("ECN target: An operation is required"))
.tables(MANGLE);
pub(super) static IDLETIMER: Extension = Extension::a_target(
    "IDLETIMER",
    BOTH,
    &[Opt::new("timeout", U32).req(), Opt::new("label", Kind::Cut(27)).req(), Opt::flag("alarm")],
    |args| Kept::all(args).doing(Act::Nothing),
);
pub(super) static LED: Extension = kept(
    "LED",
    BOTH,
    &[
        Opt::new("led-trigger-id", Kind::Own(read_led)).req(),
        Opt::new("led-delay", Kind::Text),
        Opt::flag("led-always-blink"),
    ],
)
.missing();

fn read_led(text: &str, _: Cx) -> Result<Value, RuleError> {
    match text.len() {
        ..=16 => Ok(Value::Text(text.into())),
        _ => said("Argument must have a maximum length of 16 characters\n"),
    }
}

/// The kernel refuses it: no security module is there that could know the label.
pub(super) static SECMARK: Extension = kept("SECMARK", BOTH, &[Opt::new("selctx", Kind::Cut(255)).req()])
    .fidelity(Fidelity::Refused)
    .tables(&[TableName::Mangle, TableName::Security]);
pub(super) static SYNPROXY: Extension = kept(
    "SYNPROXY",
    BOTH,
    &[
        Opt::flag("sack-perm"),
        Opt::flag("timestamp"),
        Opt::new("wscale", Kind::Own(read_wscale)),
        Opt::new("mss", Kind::Own(read_mss)),
        Opt::flag("ecn"),
    ],
)
.protos(&[Proto::TCP])
.hooks(&[Hook::Input, Hook::Forward]);

/// A number of 32 bits, of which 16 are kept.
fn read_mss(text: &str, cx: Cx) -> Result<Value, RuleError> {
    let value = super::super::value::read(U32, text, cx)?;
    Ok(Value::Number(value.number() & 0xffff))
}

/// A number of 32 bits, of which 8 are kept.
fn read_wscale(text: &str, cx: Cx) -> Result<Value, RuleError> {
    let value = super::super::value::read(U32, text, cx)?;
    Ok(Value::Number(value.number() & 0xff))
}

/// TCP options by name.
const TCP_OPTIONS: [(&str, u64); 6] =
    [("wscale", 3), ("mss", 2), ("sack-permitted", 4), ("sack", 5), ("timestamp", 8), ("md5", 19)];

pub(super) static TCPOPTSTRIP: Extension =
    Extension::a_target("TCPOPTSTRIP", BOTH, &[Opt::new("strip-options", Kind::Own(read_strip))], |args| {
        let list = args.text("strip-options").unwrap_or_default();
        let numbers = list.split(',').filter_map(|n| n.parse().ok()).collect();
        Kept::all(args).doing(Act::Strip(Strip(numbers)))
    })
    .tables(MANGLE)
    .protos(&[Proto::TCP]);

fn read_strip(text: &str, _: Cx) -> Result<Value, RuleError> {
    let mut found = Vec::new();
    for word in text.split(',') {
        let named = TCP_OPTIONS.iter().find(|(name, _)| *name == word).map(|(_, n)| *n);
        let Some(n) = named.or(number(word)).filter(|n| *n <= 255) else {
            return said(format!("Bad TCP option value \"{word}\""));
        };
        if n < 2 {
            return said("Option value may not be 0 or 1");
        }
        if found.contains(&n) {
            return said(format!("Option \"{word}\" already specified"));
        }
        found.push(n);
    }
    found.sort_unstable();
    let words: Vec<_> = found.iter().map(u64::to_string).collect();
    Ok(Value::Text(words.join(",").into()))
}

pub(super) static TEE: Extension = Extension::a_target(
    "TEE",
    BOTH,
    &[Opt::new("gateway", Kind::Host).req(), Opt::new("oif", Kind::Cut(15))],
    |args| {
        let gateway = match args.get("gateway").map(|a| &a.value) {
            Some(Value::Host(addr)) => *addr,
            _ => std::net::Ipv4Addr::UNSPECIFIED.into(),
        };
        let oif = args.text("oif").and_then(crate::abi::IfName::new);
        Kept::all(args).doing(Act::Tee(gateway, oif))
    },
);
pub(super) static ULOG: Extension = kept(
    "ULOG",
    V4,
    &[
        Opt::new("ulog-prefix", Kind::Cut(31)),
        Opt::new("ulog-nlgroup", Kind::Number(1, 32)),
        Opt::new("ulog-cprange", Kind::Number(0, u64::MAX)),
        Opt::new("ulog-qthreshold", Kind::Number(1, 50)),
    ],
)
.missing();

pub(super) static TPROXY: Extension = Extension::a_target(
    "TPROXY",
    BOTH,
    &[
        Opt::new("on-port", Kind::PortRange).req(),
        Opt::new("on-ip", Kind::Host),
        Opt::new("tproxy-mark", Kind::MarkMask),
    ],
    tproxy,
)
.tables(MANGLE)
.hooks(&[Hook::Prerouting])
.protos(&[Proto::TCP, Proto::UDP]);

fn tproxy(args: &Args) -> Result<Target, RuleError> {
    let mut kept = Kept::new(args);
    kept.put("on-port", args.map("on-port", Value::clone));
    match args.get("on-ip").map(|a| &a.value) {
        Some(addr) => kept.push("on-ip", false, addr),
        None if args.family.is_v4() => kept.push("on-ip", false, "0.0.0.0"),
        None => kept.push("on-ip", false, "::"),
    }
    let (value, mask) = args.mark("tproxy-mark").map_or((0, 0), |m| m.value);
    kept.push("tproxy-mark", false, format_args!("{value:#x}/{mask:#x}"));
    let port = match args.get("on-port").map(|a| &a.value) {
        Some(Value::PortRange(port, _)) => *port,
        _ => 0,
    };
    let addr = match args.get("on-ip").map(|a| &a.value) {
        Some(Value::Host(addr)) => Some(*addr).filter(|a| !a.is_unspecified()),
        _ => None,
    };
    kept.doing(Act::TProxy(TProxy { port, addr, mark: (value, mask) }))
}

/// What the kernel refuses of these.
pub(super) fn kernel(kept: &Kept, proto: Option<Proto>) -> Option<KernelError> {
    let wrong = match kept.name {
        "DNPT" | "SNPT" => kept.opts.iter().any(|o| !is_prefix(&o.value)),
        "ECN" => {
            let tcp = ["ecn-tcp-remove", "ecn-tcp-ece", "ecn-tcp-cwr"];
            tcp.iter().any(|o| kept.has(o)) && proto != Some(Proto::TCP)
        }
        "IDLETIMER" => {
            // The kernel counts milliseconds in 31 bits.
            let seconds = kept.get("timeout").and_then(|t| t.parse::<u32>().ok()).unwrap_or(0);
            !(1..i32::MAX as u32 / 1_000).contains(&seconds)
        }
        "TEE" => matches!(kept.get("gateway"), Some("0.0.0.0" | "::")),
        // Labels of a security module that is not there.
        "SECMARK" => return Some(KernelError::Missing),
        _ => false,
    };
    wrong.then_some(KernelError::InvalidArgument)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_at_most_64_bits_and_nothing_beside_them() {
        assert!(is_prefix("2001:db8::/64"));
        assert!(!is_prefix("2001:db8::1/64"));
        assert!(!is_prefix("2001:db8::/65"));
    }
}
