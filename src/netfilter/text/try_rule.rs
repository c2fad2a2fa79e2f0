//! One command on empty tables: what iptables says to it, and what iptables-save prints afterwards.

use super::super::error::RuleError;
use super::super::{Counters, Family, TableName, check};
use super::execute::Section;
use super::rule::{Reading, Refusal, Remark, parse_command};
use super::save::rule_line;
use super::words::Word;
use serde::Serialize;
use smol_str::SmolStr;

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
    let words: Vec<Word> = argv.iter().map(|a| Word { text: SmolStr::new(a), at: 0, len: a.len() }).collect();
    match run(family, table, &words) {
        Ok((save, warnings)) => Tried { ok: true, rc: 0, save, err: warnings.join("\n") },
        Err((error, mut lines)) => {
            lines.push(error.stderr(family));
            Tried { ok: false, rc: error.exit_status(), save: Vec::new(), err: lines.join("\n") }
        }
    }
}

type Warnings = Vec<String>;

fn run(
    family: Family,
    table: TableName,
    words: &[Word],
) -> Result<(Vec<String>, Warnings), (RuleError, Warnings)> {
    let reading = Reading { family, table, dump: false, sets: None };
    let warnings = |remarks: Vec<(usize, Remark)>| -> Warnings {
        remarks
            .into_iter()
            .filter_map(|(_, remark)| match remark {
                Remark::Warning(text) => Some(text),
                Remark::LateNot
                | Remark::UnknownMatch(_)
                | Remark::UnknownTarget(_)
                | Remark::Trap(_)
                | Remark::NoSet(_) => None,
            })
            .collect()
    };
    let command =
        parse_command(reading, words).map_err(|Refusal { error, remarks, .. }| (error, warnings(remarks)))?;
    let mut section = Section::new(table);
    for (name, _) in command.chain.iter().chain(&command.jump) {
        if !section.table.chains.contains_key(name) {
            section.declare(name.as_str(), None, Counters::default());
        }
    }
    let warnings = warnings(command.remarks.clone());
    if let Err((_, error)) = section.execute(command, 0, Counters::default()) {
        return Err((error, warnings));
    }
    if let Some(refused) = check::table(family, table, &section.table).into_iter().next() {
        return Err((RuleError::Kernel(refused.error, refused.chain), warnings));
    }
    let chains = section.table.in_order();
    let rules = chains.flat_map(|(name, chain)| chain.rules.iter().map(move |rule| (name, rule)));
    Ok((rules.map(|(name, rule)| rule_line(family, name, rule)).collect(), warnings))
}
