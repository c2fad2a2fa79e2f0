//! `-m policy`: IPsec, which packets here never come by.

use super::super::extension::{Arg, Args, BOTH, Extension, Opt, said};
use super::super::kept::Kept;
use super::super::value::{Cx, Kind, Value, proto};
use super::super::{Match, RuleError};
use super::typed::Ask;
use crate::packet::Proto;

const U32: Kind = Kind::Number(0, u32::MAX as u64);
/// The options of one element, in the order in which they are printed.
const ELEMENT: [&str; 6] = ["reqid", "spi", "proto", "mode", "tunnel-dst", "tunnel-src"];

pub(super) static EXT: Extension = Extension::a_match(
    "policy",
    BOTH,
    &[
        Opt::new("dir", Kind::Own(|t, _| one_of(t, "policy_match: invalid dir", &["in", "out"]))),
        Opt::new("pol", Kind::Own(|t, _| one_of(t, "policy match: invalid policy", &["ipsec", "none"]))),
        Opt::flag("strict"),
        Opt::new("reqid", U32).inv().many(),
        Opt::new("spi", U32).inv().many(),
        Opt::new("tunnel-src", Kind::HostMask).inv().many(),
        Opt::new("tunnel-dst", Kind::HostMask).inv().many(),
        Opt::new("proto", Kind::Own(read_proto)).inv().many(),
        Opt::new("mode", Kind::Own(|t, _| one_of(t, "policy match: invalid mode", &["transport", "tunnel"])))
            .inv()
            .many(),
        Opt::flag("next").many().with(&["strict"]),
    ],
    build,
)
.check(check);

fn one_of(text: &str, said_of: &str, words: &[&'static str]) -> Result<Value, RuleError> {
    match words.iter().find(|w| **w == text) {
        Some(word) => Ok(Value::Text((*word).into())),
        None => said(format!("{said_of} \"{text}\"")),
    }
}

fn read_proto(text: &str, _: Cx) -> Result<Value, RuleError> {
    let found = proto(text)?;
    if ![Proto::AH, Proto::ESP, Proto::IPCOMP].contains(&found) {
        return said("policy match: protocol must be ah/esp/ipcomp");
    }
    Ok(Value::Proto(found))
}

/// The elements that `--next` parts.
fn elements<'a>(args: &Args<'a>) -> Vec<Vec<&'a Arg>> {
    let mut elements = vec![Vec::new()];
    for given in args.given {
        match args.name_of(given) {
            "next" => elements.push(Vec::new()),
            name if ELEMENT.contains(&name) => {
                if let Some(last) = elements.last_mut() {
                    last.push(given);
                }
            }
            _ => {}
        }
    }
    elements
}

fn check(args: &Args) -> Result<(), RuleError> {
    let elements = elements(args);
    for element in &elements {
        for (place, given) in element.iter().enumerate() {
            if element[..place].iter().any(|other| other.opt == given.opt) {
                return said(format!("policy match: double --{} option", args.name_of(given)));
            }
        }
    }
    if !args.has("dir") {
        return said("policy match: neither --dir in nor --dir out specified");
    }
    if args.text("pol") == Some("none") {
        if args.has("strict") {
            return said("policy match: policy none but --strict given");
        }
        return Ok(());
    }
    for (place, element) in elements.iter().enumerate() {
        if args.has("strict") && element.is_empty() {
            return said(format!(
                "policy match: empty policy element {place}. --strict is in effect, but at least one of reqid, \
                 spi, tunnel-src, tunnel-dst, proto or mode is required."
            ));
        }
        let is = |name: &str| element.iter().find(|a| args.name_of(a) == name);
        let tunnel = is("mode").is_some_and(|a| a.value.text() == "tunnel" && !a.not);
        if (is("tunnel-src").is_some() || is("tunnel-dst").is_some()) && !tunnel {
            return said("policy match: --tunnel-src/--tunnel-dst is only valid in tunnel mode");
        }
    }
    Ok(())
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let mut kept = Kept::new(args);
    kept.put("dir", args.map("dir", Value::clone));
    let policy = args.text("pol").unwrap_or("ipsec");
    kept.push("pol", false, policy);
    if policy == "none" {
        return kept.asking(Ask::Policy(true));
    }
    kept.flag(args, "strict");
    for (place, element) in elements(args).iter().enumerate() {
        if place > 0 {
            kept.push("next", false, "");
        }
        for name in ELEMENT {
            let Some(given) = element.iter().find(|a| args.name_of(a) == name) else { continue };
            match &given.value {
                Value::Number(n) if name == "spi" => kept.push(name, given.not, format_args!("{n:#x}")),
                // A mask that is no prefix is not printed.
                Value::HostMask(net) if net.prefix_len().is_none() => kept.push(name, given.not, net.addr),
                value => kept.push(name, given.not, value),
            }
        }
    }
    kept.asking(Ask::Policy(false))
}
