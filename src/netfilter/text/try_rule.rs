//! One command on empty tables: what iptables says to it, and what iptables-save prints afterwards.

use super::super::event::Event;
use super::super::programs::{self, Machine};
use super::super::{Chain, Family, Netfilter, Ruleset, Table, TableName};
use super::rule::{Reading, parse_command};
use super::save::rule_line;
use super::verb::Verb;
use super::words::Word;
use crate::abi::{Log, Time};
use serde::Serialize;
use smol_str::SmolStr;
use std::sync::Arc;

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// It was taken.
    pub ok: bool,
    /// The exit status.
    pub rc: u8,
    /// The rules that iptables-save prints.
    pub save: Vec<String>,
    /// What was written to the error output.
    pub err: String,
}

/// Tries a command's words, as a shell would hand them to `iptables -t TABLE`, on an empty table in which only
/// the chains that it names exist.
///
/// ```
/// use vitrine::netfilter::{Family, TableName, text::try_rule};
/// let words = |line: &str| line.split(' ').map(String::from).collect::<Vec<_>>();
/// let tried = try_rule(Family::Ip, TableName::Filter, &words("-A INPUT -p tcp --dport ssh -j ACCEPT"));
/// assert_eq!(tried.save, ["-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"]);
/// let tried = try_rule(Family::Ip, TableName::Nat, &words("-A PREROUTING -j MASQUERADE"));
/// assert_eq!(tried.rc, 4);
/// assert_eq!(tried.err,
///     "iptables v1.8.9 (nf_tables):  RULE_APPEND failed (Invalid argument): rule in chain PREROUTING");
/// ```
pub fn try_rule(family: Family, table: TableName, argv: &[String]) -> Tried {
    let mut netfilter = Netfilter::default();
    netfilter.load(Arc::new(named_chains(family, table, argv)));
    let mut words = vec!["-t".to_owned(), table.name().to_owned()];
    words.extend_from_slice(argv);
    let mut log = Log::<Event>::default();
    let mut machine =
        Machine { netfilter: &mut netfilter, now: Time::ZERO, stdin: "", files: &|_| None, sink: &mut log };
    let output = programs::run(family.program(), &words, &mut machine).unwrap_or_default();
    let ok = output.status == 0;
    let ruleset = netfilter.ruleset(family).filter(|_| ok);
    let rules = ruleset.iter().flat_map(|r| r.rules()).filter(|(at, _)| at.table == table);
    Tried {
        ok,
        rc: output.status,
        save: rules.map(|(at, rule)| rule_line(family, &at.chain, rule)).collect(),
        err: output.stderr.strip_suffix('\n').unwrap_or(&output.stderr).to_owned(),
    }
}

/// A table with its built-in chains and the user chains that a command's words name.
fn named_chains(family: Family, name: TableName, argv: &[String]) -> Ruleset {
    let words: Vec<Word> = argv.iter().map(|a| Word { text: SmolStr::new(a), at: 0, len: a.len() }).collect();
    let mut table = Table::new(name);
    let reading = Reading { family, table: name, restore: false, dump: false, sets: None };
    if let Ok(command) = parse_command(reading, &words) {
        let chain = command.chain.filter(|_| command.verb != Verb::NewChain);
        for (name, _) in chain.into_iter().chain(command.jump) {
            table.chains.entry(name).or_insert_with(|| Arc::new(Chain::user()));
        }
    }
    Ruleset { family, tables: [(name, table)].into() }
}
