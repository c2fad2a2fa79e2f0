//! Reads what iptables-save prints, and what people make of it, as iptables-restore 1.8.9 (nf_tables) does.

use super::super::error::RuleError;
use super::super::rule::Counters;
use super::super::ruleset::{Chain, ChainKind, ChainName, Policy, Ruleset, Table};
use super::super::{Family, Hook, TableName, Target, check};
use super::diagnostic::{Diagnostic, Problem, Severity};
use super::rule::{Remark, parse_rule};
use super::words::{Word, split};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The largest text that is read, in bytes.
pub const MAX_BYTES: usize = 32 << 20;
/// After so many errors the rest is not looked at.
const MAX_ERRORS: usize = 50;

/// A dump as it was understood.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The rules. Complete only if no diagnostic is an error.
    pub ruleset: Ruleset,
    /// What is wrong with the text, in the order of its lines.
    pub diagnostics: Vec<Diagnostic>,
}

impl Restored {
    /// The rules, if iptables-restore would have taken the text (or refused it only for what is kept here).
    pub fn usable(self) -> Result<Ruleset, Vec<Diagnostic>> {
        if self.has_errors() { Err(self.diagnostics) } else { Ok(self.ruleset) }
    }

    /// True if a diagnostic is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity() == Severity::Error)
    }
}

/// Reads a dump.
///
/// ```
/// use vitrine::netfilter::{Family, text::{Save, restore}};
/// let dump = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport ssh -j ACCEPT\nCOMMIT\n";
/// let ruleset = restore(dump, Family::Ip).usable().unwrap();
/// let saved = Save { ruleset: &ruleset, counters: false }.to_string();
/// assert!(saved.contains("-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"));
/// ```
///
/// An error names its place:
///
/// ```
/// # use vitrine::netfilter::{Family, text::restore};
/// let restored = restore("*filter\n-A INPUT -j NOPE\nCOMMIT\n", Family::Ip);
/// let error = &restored.diagnostics[0];
/// assert_eq!((error.line, error.column), (2, 12));
/// assert_eq!(error.problem.to_string(), "Chain 'NOPE' does not exist");
/// ```
pub fn restore(text: &str, family: Family) -> Restored {
    let mut reader =
        Reader { ruleset: Ruleset::empty(family), diagnostics: Vec::new(), open: None, errors: 0, line: 0 };
    reader.read(text);
    Restored { ruleset: reader.ruleset, diagnostics: reader.diagnostics }
}

/// The table that is being read.
struct Open {
    name: TableName,
    table: Table,
    /// Chains that the section declares anywhere: a rule may jump to a later one.
    declared: BTreeSet<String>,
    /// The section named a chain or a rule: only then does the table come into being.
    used: bool,
}

struct Reader {
    ruleset: Ruleset,
    diagnostics: Vec<Diagnostic>,
    open: Option<Open>,
    errors: usize,
    line: u32,
}

impl Reader {
    fn read(&mut self, text: &str) {
        if text.len() > MAX_BYTES {
            return self.whole_line(Problem::TooLarge(MAX_BYTES));
        }
        if text.contains('\0') {
            return self.whole_line(Problem::NotText);
        }
        let lines: Vec<&str> = text.split('\n').collect();
        if lines.iter().all(|l| l.trim().is_empty()) {
            self.line = 1;
            return self.whole_line(Problem::Empty);
        }
        for (index, line) in lines.iter().enumerate() {
            self.line = index as u32 + 1;
            if self.errors >= MAX_ERRORS {
                return;
            }
            self.read_line(line, &lines[index + 1..]);
        }
        if let Some(open) = self.open.take() {
            self.line = lines.len() as u32;
            self.whole_line(Problem::NoCommit(open.name));
        }
    }

    fn read_line(&mut self, line: &str, rest: &[&str]) {
        let trimmed = line.trim_end_matches('\r');
        if trimmed.is_empty() || trimmed.starts_with('#') {
            return;
        }
        if let Some(name) = trimmed.strip_prefix('*') {
            return self.table_line(name, rest);
        }
        if self.open.is_none() {
            return self.whole_line(Problem::OutsideTable);
        }
        if let Some(after) = trimmed.strip_prefix("COMMIT")
            && (after.is_empty() || after.starts_with([' ', '\t']))
        {
            // 1.8.9 refuses anything after the word, a blank too; a pasted text often has one.
            if !after.trim().is_empty() {
                self.report(6, after.len(), Problem::Junk(after.trim().into()));
            }
            return self.commit();
        }
        match trimmed.strip_prefix(':') {
            Some(chain) => self.chain_line(chain),
            None => self.rule_line(trimmed),
        }
    }

    fn table_line(&mut self, name: &str, rest: &[&str]) {
        let name = name.trim();
        if self.open.is_some() {
            self.whole_line(Problem::TableInTable);
            self.commit();
        }
        let Some(table) = TableName::by_name(name) else {
            return self.report(1, name.len(), Problem::UnknownTable(name.into()));
        };
        let section = rest.iter().take_while(|l| !l.starts_with("COMMIT") && !l.starts_with('*'));
        let declared = section
            .filter_map(|l| l.strip_prefix(':').or_else(|| l.strip_prefix("-N ")))
            .filter_map(|l| l.split_whitespace().next())
            .chain(table.hooks().iter().map(|h| h.name()))
            .map(str::to_owned)
            .collect();
        self.open = Some(Open { name: table, table: Table::new(table), declared, used: false });
    }

    fn commit(&mut self) {
        let Some(open) = self.open.take().filter(|o| o.used) else { return };
        for found in check::table(self.ruleset.family, open.name, &open.table) {
            self.errors += 1;
            let problem = Problem::Rule(RuleError::Kernel(found.error, found.chain));
            self.diagnostics.push(Diagnostic { line: found.line, column: 0, len: 0, problem });
        }
        self.ruleset.tables.insert(open.name, open.table);
    }

    fn chain_line(&mut self, text: &str) {
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or_default();
        if let Err(why) = chain_name(name) {
            return self.report(1, name.len(), Problem::ChainName(why));
        }
        let Some(policy) = words.next() else {
            return self.whole_line(Problem::NoPolicy(name.into()));
        };
        let counters = match words.next().map(|c| (c, counters(c))) {
            None => Counters::default(),
            Some((_, Some(counters))) => counters,
            Some((bad, None)) => return self.report_word(bad, text, Problem::BadCounters(bad.into())),
        };
        let Some(open) = &mut self.open else { return };
        open.used = true;
        let hook = Hook::by_name(name).filter(|h| open.name.hooks().contains(h));
        let kind = match (hook, policy) {
            (None, _) => ChainKind::User,
            (Some(hook), "ACCEPT" | "-") => ChainKind::Base { hook, policy: Policy::Accept, counters },
            (Some(hook), "DROP") => ChainKind::Base { hook, policy: Policy::Drop, counters },
            (Some(_), bad) => return self.report_word(bad, text, Problem::BadPolicy(bad.into())),
        };
        open.table.chains.insert(ChainName::new(name), Arc::new(Chain { kind, rules: Vec::new() }));
    }

    fn rule_line(&mut self, line: &str) {
        let mut words = match split(line) {
            Ok(words) => words,
            Err(open) => return self.report(open.at, line.len() - open.at, Problem::OpenQuote),
        };
        if words.is_empty() {
            return;
        }
        let mut counted = Counters::default();
        if words[0].text.starts_with('[') {
            match counters(&words[0].text) {
                Some(counters) => counted = counters,
                None => return self.at_word(&words[0], Problem::BadCounters(words[0].text.to_string())),
            }
            words.remove(0);
        }
        let (Some(command), Some(chain)) = (words.first(), words.get(1)) else {
            return match words.first() {
                Some(only) => self.at_word(&only.clone(), Problem::BadCommand(only.text.to_string())),
                None => self.whole_line(Problem::BadCommand(line.trim().into())),
            };
        };
        let insert = match command.text.as_str() {
            "-A" | "--append" => None,
            "-I" | "--insert" => Some(()),
            _ => return self.at_word(&command.clone(), Problem::BadCommand(command.text.to_string())),
        };
        let name = ChainName::new(&chain.text);
        let chain_word = chain.clone();
        let mut options = &words[2..];
        let mut place = 1;
        if insert.is_some()
            && let Some(number) = options.first().and_then(|w| w.text.parse::<usize>().ok())
        {
            place = number;
            options = &options[1..];
        }
        let Some(open) = &mut self.open else { return };
        open.used = true;
        let table = open.name;
        let declared = &open.declared;
        let parsed = parse_rule(self.ruleset.family, &name, options, &|c| declared.contains(c));
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err((word, error)) => {
                let word = options.get(word).unwrap_or(&chain_word).clone();
                return self.at_word(&word, Problem::Rule(error));
            }
        };
        if table == TableName::Nat && parsed.rules.iter().any(|r| r.target == Target::Drop) {
            let words =
                "The \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.";
            return self.whole_line(Problem::Rule(RuleError::Said(words.into())));
        }
        let Some(chain) = open.table.chains.get_mut(&name) else {
            return self.at_word(&chain_word, Problem::NoChain(name));
        };
        let rules = &mut Arc::make_mut(chain).rules;
        if insert.is_some() && (place == 0 || place > rules.len() + 1) {
            let said = RuleError::Said("Index of insertion too big.".into());
            return self.at_word(&chain_word, Problem::Rule(said));
        }
        for (offset, mut rule) in parsed.rules.into_iter().enumerate() {
            rule.line = self.line;
            if rule.counters == Counters::default() {
                rule.counters = counted;
            }
            match insert {
                None => rules.push(Arc::new(rule)),
                Some(()) => rules.insert(place - 1 + offset, Arc::new(rule)),
            }
        }
        for (word, remark) in parsed.remarks {
            let problem = match remark {
                Remark::LateNot => Problem::LateNot,
                Remark::UnknownMatch(name) => Problem::UnknownMatch(name),
                Remark::UnknownTarget(name) => Problem::UnknownTarget(name),
            };
            let word = options.get(word).unwrap_or(&chain_word).clone();
            self.at_word(&word, problem);
        }
    }

    fn whole_line(&mut self, problem: Problem) {
        self.report(0, 0, problem);
    }

    fn at_word(&mut self, word: &Word, problem: Problem) {
        self.report(word.at, word.len, problem);
    }

    /// Reports a word of a chain's line, which starts after its `:`.
    fn report_word(&mut self, word: &str, text: &str, problem: Problem) {
        let at = text.find(word).unwrap_or_default() + 1;
        self.report(at, word.len(), problem);
    }

    fn report(&mut self, column: usize, len: usize, problem: Problem) {
        let diagnostic = Diagnostic { line: self.line.max(1), column, len, problem };
        if diagnostic.severity() == Severity::Error {
            self.errors += 1;
        }
        self.diagnostics.push(diagnostic);
    }
}

/// Reads `[packets:bytes]`.
fn counters(text: &str) -> Option<Counters> {
    let (packets, bytes) = text.strip_prefix('[')?.strip_suffix(']')?.split_once(':')?;
    Some(Counters { packets: packets.parse().ok()?, bytes: bytes.parse().ok()? })
}

/// Says why iptables takes no such name for a chain.
fn chain_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        Err("a chain needs a name".into())
    } else if name.len() > ChainName::MAX {
        Err(format!("chain name `{name}' too long (must be under {} chars)", ChainName::MAX + 1))
    } else if name.starts_with(['-', '!']) {
        Err(format!("chain name not allowed to start with `{}'", &name[..1]))
    } else if super::super::targets::is_verdict(name) || super::super::targets::is_builtin(name) {
        Err("chain name may not clash with target name".into())
    } else {
        Ok(())
    }
}
