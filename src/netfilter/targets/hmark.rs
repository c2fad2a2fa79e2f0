//! `-j HMARK`: a mark by the flow's hash. Kept.

use super::super::addr::HostMask;
use super::super::extension::{Args, BOTH, Extension, Fidelity, Opt, said};
use super::super::kept::Kept;
use super::super::value::{Cx, Kind, Value};
use super::super::{RuleError, Target};

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
.check(check_hmark)
.fidelity(Fidelity::Kept);

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
    kept.into_target()
}
