//! `-m string`: text in the packet, as it is written.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::kept::Kept;
use super::super::value::{Cx, Kind, Value};
use super::super::{Inv, Match, RuleError};
use super::search::Search;
use super::typed::Ask;

/// The longest text, in bytes.
const MAX: usize = 128;
const U16: Kind = Kind::Number(0, u16::MAX as u64);

pub(super) static EXT: Extension = Extension::a_match(
    "string",
    BOTH,
    &[
        Opt::new("from", U16),
        Opt::new("to", U16),
        Opt::new("algo", Kind::Cut(15)).req(),
        Opt::new("string", Kind::Own(read_string)).inv().not_with(&["hex-string"]),
        Opt::new("hex-string", Kind::Own(read_hex)).inv().not_with(&["string"]),
        Opt::flag("icase"),
    ],
    build,
)
.check(|args| {
    if args.has("string") || args.has("hex-string") {
        return Ok(());
    }
    said("STRING match: You must specify `--string' or `--hex-string'")
});

fn read_string(text: &str, _: Cx) -> Result<Value, RuleError> {
    if text.len() > MAX {
        return said(format!("STRING too long \"{text}\""));
    }
    Ok(Value::Text(printed(text.as_bytes()).into()))
}

/// Text in which `|` surrounds bytes in hexadecimal, and `\` takes the next character as it is.
fn read_hex(text: &str, _: Cx) -> Result<Value, RuleError> {
    let s = text.as_bytes();
    if s.is_empty() {
        return said("STRING must contain at least one char");
    }
    let mut found = Vec::new();
    let (mut at, mut hex) = (0, false);
    while at < s.len() {
        let mut literal = false;
        match s[at] {
            b'\\' if hex => return said("Cannot include literals in hex data"),
            b'\\' => literal = true,
            b'|' => {
                hex = !hex;
                while hex && s.get(at + 1) == Some(&b' ') {
                    at += 1;
                }
                if at + 1 >= s.len() {
                    break;
                }
                at += 1;
            }
            _ => {}
        }
        if literal {
            let Some(next) = s.get(at + 1) else { return said("Bad literal placement at end of string") };
            found.push(*next);
            at += 2;
        } else if hex {
            let (Some(&high), Some(&low)) = (s.get(at), s.get(at + 1)) else {
                return said("Odd number of hex digits");
            };
            if at + 2 >= s.len() {
                return said("Invalid hex block");
            }
            let digit = |c: u8| match (c as char).to_digit(16) {
                Some(n) => Ok(n as u8),
                None => said(format!("Invalid hex char '{}'", c as char)),
            };
            found.push(digit(high)? << 4 | digit(low)?);
            at += if s[at + 2] == b' ' { 3 } else { 2 };
        } else {
            found.push(s[at]);
            at += 1;
        }
        if found.len() > MAX {
            return said(format!("STRING too long \"{text}\""));
        }
    }
    Ok(Value::Text(printed(&found).into()))
}

/// The text in quotes, or in hexadecimal with `|` around it where it has other bytes than printable ones.
fn printed(bytes: &[u8]) -> String {
    let printable = |b: &u8| (b' '..=b'~').contains(b);
    if bytes.iter().all(printable) && bytes.last() != Some(&b'\\') {
        let mut out = String::from("\"");
        for &b in bytes {
            if b == b'"' || b == b'\\' {
                out.push('\\');
            }
            out.push(b as char);
        }
        return out + "\"";
    }
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    format!("\"|{hex}|\"")
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let mut kept = Kept::new(args);
    let mut text = None;
    if let Some(given) = args.get("string").or(args.get("hex-string")) {
        let printed = given.value.text();
        text = Some(Inv { not: given.not, value: bytes(printed) });
        let name = if is_hex_block(printed) { "hex-string" } else { "string" };
        kept.push(name, given.not, printed);
    }
    kept.put("algo", args.map("algo", Value::clone));
    for (name, default) in [("from", 0), ("to", u64::from(u16::MAX))] {
        kept.put(name, args.map(name, Value::number).filter(|n| n.value != default));
    }
    kept.flag(args, "icase");
    let place = |name, default| args.number(name).map_or(default, |n| n as usize);
    kept.asking(Ask::Search(Search {
        text: text.unwrap_or(Inv::yes(Vec::new())),
        from: place("from", 0),
        to: place("to", usize::from(u16::MAX)),
        icase: args.has("icase"),
    }))
}

/// True for what [`printed`] made of bytes, and not of a text that looks like it.
fn is_hex_block(text: &str) -> bool {
    let hex = text.strip_prefix("\"|").and_then(|t| t.strip_suffix("|\""));
    hex.is_some_and(|h| !h.is_empty() && h.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The bytes that [`printed`] printed.
fn bytes(text: &str) -> Vec<u8> {
    if is_hex_block(text) {
        let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|n| n as u8).collect();
        return digits.chunks_exact(2).map(|d| d[0] << 4 | d[1]).collect();
    }
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    let mut out = Vec::new();
    let mut chars = inner.bytes();
    while let Some(b) = chars.next() {
        out.push(if b == b'\\' { chars.next().unwrap_or(b) } else { b });
    }
    out
}
