//! Matches of IPv6's extension headers as they are written: `dst`, `hbh`, `frag`, `rt`, `srh`, `mh`, `ipv6header`.

use super::super::extension::{Args, Extension, Opt, V6, said};
use super::super::kept::Kept;
use super::super::value::{Cx, Kind, Value, leading_number, number};
use super::super::{Inv, Match, RuleError};
use super::ext6::{FragTest, HeadersTest, OptionsTest, RoutingTest, bit};
use super::typed::Ask;
use crate::packet::Proto;
use std::net::Ipv6Addr;

const U32: Kind = Kind::Number(0, u32::MAX as u64);

pub(super) static DST: Extension = Extension::a_match(
    "dst",
    V6,
    &[Opt::new("dst-len", U32).inv(), Opt::new("dst-opts", Kind::Own(read_opts))],
    |args| options(args, Proto::DEST_OPTIONS, "dst-len", "dst-opts"),
);
pub(super) static HBH: Extension = Extension::a_match(
    "hbh",
    V6,
    &[Opt::new("hbh-len", U32).inv(), Opt::new("hbh-opts", Kind::Own(read_opts))],
    |args| options(args, Proto::HOP_BY_HOP, "hbh-len", "hbh-opts"),
);

fn options(args: &Args, proto: Proto, len: &str, opts: &str) -> Result<Match, RuleError> {
    let opt = |item: &str| match item.split_once(':') {
        // A length of 255 is any.
        Some((ty, len)) => Some((ty.parse().ok()?, len.parse().ok().filter(|l| *l != u8::MAX))),
        None => Some((item.parse().ok()?, None)),
    };
    let text = args.text(opts).unwrap_or_default();
    Kept::all(args).asking(Ask::Options(OptionsTest {
        proto,
        len: args.map(len, |v| v.number() as u32),
        opts: text.split(',').filter_map(opt).collect(),
    }))
}

pub(super) static FRAG: Extension = Extension::a_match(
    "frag",
    V6,
    &[
        Opt::new("fragid", Kind::Range(u32::MAX as u64)).inv(),
        Opt::new("fraglen", U32).inv(),
        Opt::flag("fragres"),
        Opt::flag("fragfirst"),
        Opt::flag("fragmore").not_with(&["fraglast"]),
        Opt::flag("fraglast").not_with(&["fragmore"]),
    ],
    |args| {
        let more = if args.has("fragmore") { Some(true) } else { args.has("fraglast").then_some(false) };
        let id = range(args, "fragid");
        Kept::all(args).asking(Ask::Frag(FragTest { id, first: args.has("fragfirst"), more }))
    },
);

/// Lowest and highest number; all where the option is not given.
pub(super) fn range(args: &Args, name: &str) -> Inv<(u32, u32)> {
    let found = args.map(name, |v| (v.range().0 as u32, v.range().1 as u32));
    found.unwrap_or(Inv::yes((0, u32::MAX)))
}

/// `TYPE[:LENGTH],…`, at most 16, each cut to a byte.
fn read_opts(text: &str, cx: Cx) -> Result<Value, RuleError> {
    let byte = |t: &str, what: &str| match leading_number(t) {
        Some((n, "")) => Ok(n as u8),
        Some(_) => said(format!("{}: error parsing {what} `{t}'", cx.ext)),
        None => said(format!("{}: no valid digits in {what} `{t}'", cx.ext)),
    };
    let mut printed = Vec::new();
    for (place, item) in text.split(',').enumerate() {
        if place >= 16 {
            return said("too many addresses specified");
        }
        printed.push(match item.split_once(':') {
            Some((ty, len)) => match byte(ty, "opt")? {
                0 if cx.ext == "hbh" => return said("PAD0 has not got length"),
                0 => return said("PAD0 hasn't got length"),
                ty => format!("{ty}:{}", byte(len, "length")?),
            },
            None => byte(item, "opt")?.to_string(),
        });
    }
    Ok(Value::Text(printed.join(",").into()))
}

pub(super) static RT: Extension = Extension::a_match(
    "rt",
    V6,
    &[
        Opt::new("rt-type", U32).inv(),
        Opt::new("rt-segsleft", Kind::Range(u32::MAX as u64)).inv(),
        Opt::new("rt-len", U32).inv(),
        Opt::flag("rt-0-res"),
        Opt::new("rt-0-addrs", Kind::Own(read_addrs)),
        Opt::flag("rt-0-not-strict"),
    ],
    |args| {
        let addrs = args.text("rt-0-addrs").unwrap_or_default();
        Kept::all(args).asking(Ask::Routing(RoutingTest {
            ty: args.map("rt-type", |v| v.number() as u32),
            left: range(args, "rt-segsleft"),
            len: args.map("rt-len", |v| v.number() as u32),
            reserved: args.has("rt-0-res"),
            addrs: addrs.split(',').filter_map(|a| a.parse().ok()).collect(),
            loose: args.has("rt-0-not-strict"),
        }))
    },
)
.check(check_rt);

fn read_addrs(text: &str, _: Cx) -> Result<Value, RuleError> {
    let mut printed = Vec::new();
    for (place, item) in text.split(',').enumerate() {
        if place >= 16 {
            return said("too many addresses specified");
        }
        match item.parse::<Ipv6Addr>() {
            Ok(addr) => printed.push(addr.to_string()),
            Err(_) => return said(format!("bad address: {item}")),
        }
    }
    Ok(Value::Text(printed.join(",").into()))
}

/// The options of type 0 come after `--rt-type 0`, and `--rt-0-not-strict` after the addresses.
fn check_rt(args: &Args) -> Result<(), RuleError> {
    let (mut type0, mut addrs) = (false, false);
    for given in args.given {
        match args.name_of(given) {
            "rt-type" => type0 = given.value.number() == 0 && !given.not,
            name @ ("rt-0-res" | "rt-0-addrs") if !type0 => {
                return said(format!("`--rt-type 0' required before `--{name}'"));
            }
            "rt-0-addrs" => addrs = true,
            "rt-0-not-strict" if !type0 || !addrs => {
                return said("`--rt-0-addr ...' required before `--rt-0-not-strict'");
            }
            _ => {}
        }
    }
    Ok(())
}

/// The types of mobility headers with their names, long and short.
const MH_TYPES: [(&str, u8); 16] = [
    ("binding-refresh-request", 0),
    ("brr", 0),
    ("home-test-init", 1),
    ("hoti", 1),
    ("careof-test-init", 2),
    ("coti", 2),
    ("home-test", 3),
    ("hot", 3),
    ("careof-test", 4),
    ("cot", 4),
    ("binding-update", 5),
    ("bu", 5),
    ("binding-acknowledgement", 6),
    ("ba", 6),
    ("binding-error", 7),
    ("be", 7),
];

/// The first name of a type.
pub(super) fn mh_name(number: &str) -> Option<&'static str> {
    MH_TYPES.iter().find(|(_, n)| n.to_string() == number).map(|(name, _)| *name)
}

pub(super) static MH: Extension =
    Extension::a_match("mh", V6, &[Opt::new("mh-type", Kind::Own(read_mh)).inv()], |args| {
        let mut kept = Kept::new(args);
        let range = args.map("mh-type", Value::clone).filter(|v| v.value.range() != (0, 255));
        kept.put("mh-type", range);
        let types = args.map("mh-type", |v| (v.range().0 as u8, v.range().1 as u8));
        kept.asking(Ask::Mobility(types.unwrap_or(Inv::yes((0, u8::MAX)))))
    })
    .protos(&[Proto::MH]);

fn read_mh(text: &str, _: Cx) -> Result<Value, RuleError> {
    let one = |t: &str| {
        let begins = |name: &str| name.get(..t.len()).is_some_and(|start| start.eq_ignore_ascii_case(t));
        let whole = MH_TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(t));
        let named = whole.or(MH_TYPES.iter().find(|(name, _)| begins(name))).map(|(_, n)| u64::from(*n));
        match named.or(number(t)).filter(|n| *n <= 255) {
            Some(n) => Ok(n),
            None => said(format!("Invalid MH type `{t}'")),
        }
    };
    let (low, high) = match text.split_once(':') {
        None => {
            let only = one(text)?;
            (only, only)
        }
        Some((low, high)) => {
            let low = if low.is_empty() { 0 } else { one(low)? };
            (low, if high.is_empty() { 255 } else { one(high)? })
        }
    };
    if low > high { said("Invalid MH type range (min > max)") } else { Ok(Value::Range(low, high)) }
}

/// The headers that `--header` knows, in the order in which iptables prints them: number, name, other names.
const HEADERS: [(u8, &str, &[&str]); 8] = [
    (0, "hop-by-hop", &["hop", "hopopt"]),
    (60, "ipv6-opts", &["dst"]),
    (43, "ipv6-route", &["route"]),
    (44, "ipv6-frag", &["frag"]),
    (51, "ah", &["auth"]),
    (50, "esp", &[]),
    (59, "ipv6-nonxt", &["none"]),
    (255, "protocol", &["prot"]),
];

pub(super) static IPV6HEADER: Extension = Extension::a_match(
    "ipv6header",
    V6,
    &[Opt::new("header", Kind::Own(read_headers)).inv().req(), Opt::flag("soft")],
    |args| {
        let bits = |v: &Value| v.text().split(',').filter_map(header_bit).fold(0, |sum, bit| sum | bit);
        let headers = args.map("header", bits).unwrap_or(Inv::yes(0));
        Kept::all(args).asking(Ask::Headers(HeadersTest { headers, soft: args.has("soft") }))
    },
);

fn header_bit(name: &str) -> Option<u8> {
    HEADERS.iter().find(|(_, n, _)| *n == name).map(|(number, ..)| bit(Proto(*number)))
}

/// The names of headers, given by their bits.
pub(super) fn header_names(bits: u8) -> String {
    let names = HEADERS.iter().filter(|(n, ..)| bits & bit(Proto(*n)) != 0).map(|(_, name, _)| *name);
    names.collect::<Vec<_>>().join(",")
}

fn read_headers(text: &str, _: Cx) -> Result<Value, RuleError> {
    let mut found = [false; HEADERS.len()];
    for word in text.split(',') {
        let is = |(n, name, others): &(u8, &str, &[&str])| {
            *name == word || others.contains(&word) || number(word) == Some(u64::from(*n))
        };
        match HEADERS.iter().position(is) {
            Some(place) => found[place] = true,
            None => return said(format!("unknown header `{word}' specified")),
        }
    }
    let names: Vec<_> =
        HEADERS.iter().zip(found).filter(|(_, set)| *set).map(|((_, name, _), _)| *name).collect();
    Ok(Value::Text(names.join(",").into()))
}
