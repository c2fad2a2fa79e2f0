//! The words of `--chunk-types` (SCTP) and `--dccp-types`, and what the first ask of a packet.

use super::super::RuleError;
use super::super::extension::said;
use super::super::value::{Cx, Value};
use crate::packet::Proto;
use smol_str::SmolStr;

/// SCTP's chunks by number, each with the letters of its flags from the highest bit down.
const CHUNKS: [(&str, u8, &str); 24] = [
    ("DATA", 0, "----IUBE"),
    ("INIT", 1, "--------"),
    ("INIT_ACK", 2, "--------"),
    ("SACK", 3, "--------"),
    ("HEARTBEAT", 4, "--------"),
    ("HEARTBEAT_ACK", 5, "--------"),
    ("ABORT", 6, "-------T"),
    ("SHUTDOWN", 7, "--------"),
    ("SHUTDOWN_ACK", 8, "--------"),
    ("ERROR", 9, "--------"),
    ("COOKIE_ECHO", 10, "--------"),
    ("COOKIE_ACK", 11, "--------"),
    ("ECN_ECNE", 12, "--------"),
    ("ECN_CWR", 13, "--------"),
    ("SHUTDOWN_COMPLETE", 14, "-------T"),
    ("I_DATA", 64, "----IUBE"),
    ("ASCONF_ACK", 128, "--------"),
    ("RE_CONFIG", 130, "--------"),
    ("PAD", 132, "--------"),
    ("FORWARD_TSN", 192, "--------"),
    ("ASCONF", 193, "--------"),
    ("I_FORWARD_TSN", 194, "--------"),
    ("ALL", 254, ""),
    ("NONE", 255, ""),
];

/// Reads `all|any|only CHUNK[:FLAGS],…` and gives it as iptables prints it: chunks by number, the letters of what
/// must be set large, of what must not small.
pub(super) fn read_chunks(text: &str) -> Result<SmolStr, RuleError> {
    let (which, list) = text.split_once(' ').unwrap_or_default();
    let Some(which) = ["all", "any", "only"].into_iter().find(|w| w.eq_ignore_ascii_case(which)) else {
        return said("Match type has to be one of \"ALL\", \"ANY\" or \"ONLY\"");
    };
    for word in ["ALL", "NONE"] {
        if list.eq_ignore_ascii_case(word) {
            return Ok(format!("{which} {word}").into());
        }
    }
    let mut found: Vec<Option<String>> = vec![None; CHUNKS.len()];
    for item in list.split(',') {
        let (name, flags) = match item.split_once(':') {
            Some((name, flags)) => (name, Some(flags)),
            None => (item, None),
        };
        let Some(place) = CHUNKS[..22].iter().position(|(n, ..)| n.eq_ignore_ascii_case(name)) else {
            return said(format!("Unknown sctp chunk `{name}'"));
        };
        let (chunk, number, letters) = CHUNKS[place];
        found[place] = Some(match flags {
            None => chunk.to_owned(),
            Some(flags) => {
                let known = |c: &char| *c != '-' && letters.contains(c.to_ascii_uppercase());
                if !flags.chars().all(|c| known(&c)) {
                    return said(format!("Invalid flags for chunk type {number}"));
                }
                let printed = letters
                    .chars()
                    .filter_map(|l| flags.chars().find(|c| l != '-' && c.eq_ignore_ascii_case(&l)));
                format!("{chunk}:{}", printed.collect::<String>())
            }
        });
    }
    let names: Vec<String> = found.into_iter().flatten().collect();
    Ok(format!("{which} {}", names.join(",")).into())
}

/// Chunks that a packet must, may or may only have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkTest {
    which: Which,
    /// The types, each with the flags that must be set, and those that count.
    types: Types,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    All,
    Any,
    Only,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Types {
    Every,
    These(Vec<(u8, u8, u8)>),
}

impl ChunkTest {
    /// Takes apart what [`read_chunks`] printed.
    pub(super) fn of(printed: &str) -> ChunkTest {
        let (which, list) = printed.split_once(' ').unwrap_or_default();
        let which = match which {
            "all" => Which::All,
            "any" => Which::Any,
            _ => Which::Only,
        };
        if list == "ALL" {
            return ChunkTest { which, types: Types::Every };
        }
        let one = |item: &str| {
            let (name, flags) = item.split_once(':').unwrap_or((item, ""));
            let (_, ty, letters) = CHUNKS[..22].iter().find(|(n, ..)| *n == name)?;
            let (mut set, mut mask) = (0, 0);
            for flag in flags.chars() {
                let bit = 7 - letters.find(flag.to_ascii_uppercase())?;
                mask |= 1 << bit;
                set |= u8::from(flag.is_ascii_uppercase()) << bit;
            }
            Some((*ty, set, mask))
        };
        ChunkTest { which, types: Types::These(list.split(',').filter_map(one).collect()) }
    }

    /// Whether a packet's chunks are those (`match_packet` of `xt_sctp`); `None` where one has no length or is cut
    /// short: the kernel drops the packet.
    pub(super) fn meets(&self, payload: &[u8]) -> Option<bool> {
        let mut met = Vec::new();
        let mut rest = payload;
        loop {
            let [ty, flags, high, low, ..] = *rest else { return None };
            let length = usize::from(u16::from_be_bytes([high, low]));
            if length == 0 {
                return None;
            }
            let (named, fits) = match &self.types {
                Types::Every => (true, true),
                Types::These(list) => match list.iter().find(|(t, ..)| *t == ty) {
                    Some((_, set, mask)) => (true, flags & mask == *set),
                    None => (false, false),
                },
            };
            match self.which {
                Which::Any if fits => return Some(true),
                Which::All if fits => met.push(ty),
                Which::Only if !named || !fits => return Some(false),
                Which::Any | Which::All | Which::Only => {}
            }
            match rest.get(length.next_multiple_of(4)..) {
                Some([]) | None => break,
                Some(after) => rest = after,
            }
        }
        Some(match (self.which, &self.types) {
            (Which::Any, _) => false,
            (Which::Only, _) => true,
            (Which::All, Types::Every) => (0..=u8::MAX).all(|ty| met.contains(&ty)),
            (Which::All, Types::These(list)) => list.iter().all(|(ty, ..)| met.contains(ty)),
        })
    }
}

/// The names of a packet's chunks, or their numbers.
pub(super) fn chunk_names(payload: &[u8]) -> String {
    let mut names = Vec::new();
    let mut rest = payload;
    while let [ty, _, high, low, ..] = *rest {
        let named = CHUNKS[..22].iter().find(|(_, n, _)| *n == ty);
        names.push(named.map_or_else(|| ty.to_string(), |(name, ..)| (*name).to_owned()));
        let length = usize::from(u16::from_be_bytes([high, low])).max(4).next_multiple_of(4);
        rest = rest.get(length..).unwrap_or_default();
    }
    names.join(",")
}

/// DCCP's packet types by number.
const TYPES: [&str; 11] = [
    "REQUEST", "RESPONSE", "DATA", "ACK", "DATAACK", "CLOSEREQ", "CLOSE", "RESET", "SYNC", "SYNCACK",
    "INVALID",
];

/// Reads DCCP's packet types and gives them by number.
pub(super) fn read_types(text: &str, _: Cx) -> Result<Value, RuleError> {
    let mut found = [false; TYPES.len()];
    for word in text.split(',') {
        match TYPES.iter().position(|t| t.eq_ignore_ascii_case(word)) {
            Some(place) => found[place] = true,
            None => return said(format!("Unknown DCCP type `{word}'")),
        }
    }
    let names: Vec<&str> =
        TYPES.into_iter().zip(found).filter(|(_, set)| *set).map(|(name, _)| name).collect();
    Ok(Value::Text(names.join(",").into()))
}

/// The same words with numbers in place of names: chunks in hexadecimal, types each as one bit of sixteen.
pub(super) fn by_number(proto: Proto, words: &str) -> String {
    if proto != Proto::SCTP {
        let number = |word: &str| match TYPES.iter().position(|t| *t == word) {
            Some(10) => "10,11,12,13,14,15".to_owned(),
            place => place.map(|p| p.to_string()).unwrap_or_default(),
        };
        return words.split(',').map(number).collect::<Vec<_>>().join(",");
    }
    let (which, list) = words.split_once(' ').unwrap_or_default();
    let chunk = |word: &str| {
        let (name, flags) = word.split_once(':').map_or((word, None), |(name, flags)| (name, Some(flags)));
        let number = CHUNKS[..22].iter().find(|(n, ..)| *n == name).map(|(_, number, _)| *number);
        let flags = flags.map(|f| format!(":{f}")).unwrap_or_default();
        number.map_or_else(|| word.to_owned(), |n| format!("0x{n:04X}{flags}"))
    };
    format!("{which} {}", list.split(',').map(chunk).collect::<Vec<_>>().join(","))
}
