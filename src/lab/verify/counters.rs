//! Counters of rules and policies, as `iptables-save -c` prints them.

use super::VerifyError;
use super::namespace::Namespace;
use crate::netfilter::Family;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Packets and bytes.
type Count = (u64, u64);

/// One chain: the policy's counter, `None` for a user's chain, and the rules in order.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// The policy and its counter.
    pub policy: Option<(String, Count)>,
    /// Each rule's text and counter.
    pub rules: Vec<(String, Count)>,
}

/// Chains by table and name.
pub type Dump = BTreeMap<(String, String), Chain>;

/// The program of a family, with what comes after its name.
pub fn tool(family: Family, end: &str) -> String {
    match family {
        Family::Ip => format!("iptables-nft{end}"),
        Family::Ip6 => format!("ip6tables-nft{end}"),
    }
}

/// Reads a family's rules and counters.
pub fn read(ns: &Namespace, family: Family) -> Result<Dump, VerifyError> {
    Ok(parse(&ns.run(&tool(family, "-save"), &["-c"], "")?.out))
}

fn parse(text: &str) -> Dump {
    let mut dump = Dump::new();
    let mut table = String::new();
    for line in text.lines() {
        let mut words = line.splitn(4, ' ');
        let first = words.next().unwrap_or_default();
        if let Some(name) = first.strip_prefix('*') {
            table = name.to_owned();
        } else if let Some(chain) = first.strip_prefix(':') {
            let policy = words.next().unwrap_or("-").to_owned();
            let count = words.next().and_then(count).unwrap_or_default();
            let place = dump.entry((table.clone(), chain.to_owned())).or_default();
            place.policy = (policy != "-").then_some((policy, count));
        } else if let Some(count) = count(first) {
            let chain = words.nth(1).unwrap_or_default().to_owned();
            let rule = words.next().unwrap_or_default().to_owned();
            dump.entry((table.clone(), chain)).or_default().rules.push((rule, count));
        }
    }
    dump
}

/// Reads `[packets:bytes]`.
fn count(word: &str) -> Option<Count> {
    let (packets, bytes) = word.strip_prefix('[')?.strip_suffix(']')?.split_once(':')?;
    Some((packets.parse().ok()?, bytes.parse().ok()?))
}

/// What was added between two looks, as a truth has it; `noise` is left out.
pub fn added(
    family: Family,
    before: &Dump,
    after: &Dump,
    noise: &BTreeMap<String, Count>,
) -> Map<String, Value> {
    let prefix = if family == Family::Ip6 { "ip6:" } else { "" };
    let mut all = Map::new();
    let mut put = |name: String, now: Count, then: Count| {
        let left_out = noise.get(&name).copied().unwrap_or_default();
        let packets = now.0 as i64 - then.0 as i64 - left_out.0 as i64;
        let bytes = now.1 as i64 - then.1 as i64 - left_out.1 as i64;
        if packets != 0 {
            all.insert(name, json!([packets, bytes]));
        }
    };
    let none = Chain::default();
    for ((table, chain), now) in after {
        let then = before.get(&(table.clone(), chain.clone())).unwrap_or(&none);
        if let Some((_, count)) = &now.policy {
            let old = then.policy.as_ref().map_or((0, 0), |(_, count)| *count);
            put(format!("{prefix}{table}/{chain}/policy"), *count, old);
        }
        // Rules that changed in between have no difference.
        if now.rules.iter().map(|r| &r.0).eq(then.rules.iter().map(|r| &r.0)) {
            for (i, (new, old)) in now.rules.iter().zip(&then.rules).enumerate() {
                put(format!("{prefix}{table}/{chain}/{}", i + 1), new.1, old.1);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_read_off_two_dumps() {
        let dump = |n: u32| {
            parse(&format!(
                "# comment\n*filter\n:INPUT DROP [{n}:40]\n:mine - [0:0]\n[{n}:84] -A INPUT -s 1.2.3.4/32 -j mine\n\
                 [0:0] -A mine\nCOMMIT\n"
            ))
        };
        let noise = BTreeMap::from([("filter/INPUT/1".to_owned(), (1, 0))]);
        let none = BTreeMap::new();
        let shown = |noise| Value::Object(added(Family::Ip, &dump(1), &dump(3), noise)).to_string();
        assert_eq!(shown(&none), r#"{"filter/INPUT/1":[2,0],"filter/INPUT/policy":[2,0]}"#);
        assert_eq!(shown(&noise), r#"{"filter/INPUT/1":[1,0],"filter/INPUT/policy":[2,0]}"#);
    }
}
