//! Reads what iptables-save prints, and what people make of it, as iptables-restore 1.8.9 (nf_tables) does.

use super::super::error::{KernelError, RuleError};
use super::super::ipset::Sets;
use super::super::ruleset::{Policy, Ruleset};
use super::super::{Counters, Family, Hook, TableName, check};
use super::diagnostic::{Diagnostic, Problem, Severity};
use super::execute::Section;
use super::rule::{Reading, Refusal, Remark, parse_command};
use super::verb::chain_name;
use super::words::{Word, split_from};

/// The largest text that is read, in bytes.
pub const MAX_BYTES: usize = 32 << 20;
/// After so many errors the rest is not looked at.
const MAX_ERRORS: usize = 50;

/// The family that a dump speaks of: the program's name in its comment tells, else its first IPv6 address or
/// protocol; IPv4 where nothing does.
///
/// ```
/// use vitrine::netfilter::{Family, text::family_of_dump};
/// assert_eq!(family_of_dump("*filter\n-A INPUT -s 2001:db8::/32 -j DROP\nCOMMIT\n"), Family::Ip6);
/// assert_eq!(family_of_dump("*filter\nCOMMIT\n"), Family::Ip);
/// ```
pub fn family_of_dump(text: &str) -> Family {
    let v6 = text.lines().any(|line| {
        if let Some(comment) = line.strip_prefix('#') {
            return comment.contains("ip6tables-save");
        }
        let may = line.contains("::") || line.contains("icmp");
        may && line.split_whitespace().any(|word| {
            let addr = word.split(['/', ']']).next().unwrap_or(word).trim_start_matches('[');
            addr.contains("::") && addr.parse::<std::net::Ipv6Addr>().is_ok()
                || word == "ipv6-icmp"
                || word == "icmp6"
        })
    });
    if v6 { Family::Ip6 } else { Family::Ip }
}

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

    /// True if iptables-restore 1.8.9 would refuse the text, though some of that is read here.
    pub fn is_refused(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_refused)
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
    restore_with(text, family, None)
}

/// The same on a host whose IP sets are known: a rule that names another one is refused, as in Linux. Without sets
/// such a rule is kept, and unknown to every packet.
///
/// ```
/// # use vitrine::netfilter::{Family, ipset::Sets, text::restore_with};
/// let dump = "*filter\n-A INPUT -m set --match-set nosuch src -j DROP\nCOMMIT\n";
/// let restored = restore_with(dump, Family::Ip, Some(&Sets::default()));
/// assert_eq!(restored.diagnostics[0].problem.to_string(), "Set nosuch doesn't exist.");
/// assert!(restore_with(dump, Family::Ip, None).usable().is_ok());
/// ```
pub fn restore_with(text: &str, family: Family, sets: Option<&Sets>) -> Restored {
    let mut reader = Reader {
        sets,
        ruleset: Ruleset::empty(family),
        diagnostics: Vec::new(),
        open: None,
        errors: 0,
        line: 0,
        returns: false,
    };
    reader.read(text);
    Restored { ruleset: reader.ruleset, diagnostics: reader.diagnostics }
}

struct Reader<'a> {
    sets: Option<&'a Sets>,
    ruleset: Ruleset,
    diagnostics: Vec<Diagnostic>,
    /// The table that is being read.
    open: Option<Section>,
    errors: usize,
    line: u32,
    /// A line ended in a carriage return: told once.
    returns: bool,
}

impl Reader<'_> {
    fn read(&mut self, text: &str) {
        self.line = 1;
        if text.len() > MAX_BYTES {
            return self.whole_line(Problem::TooLarge(MAX_BYTES));
        }
        if text.contains('\0') {
            return self.whole_line(Problem::NotText);
        }
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => {
                self.whole_line(Problem::ByteOrderMark);
                rest
            }
            None => text,
        };
        if text.trim().is_empty() {
            return self.whole_line(Problem::Empty);
        }
        for (index, line) in text.lines().enumerate() {
            self.line = index as u32 + 1;
            if self.errors >= MAX_ERRORS {
                return;
            }
            // `lines` takes one carriage return off, as part of the line's end.
            let trimmed = line.trim_end_matches('\r');
            let end = line.as_ptr() as usize - text.as_ptr() as usize + line.len();
            if !self.returns && (trimmed.len() < line.len() || text[end..].starts_with('\r')) {
                self.returns = true;
                self.report(trimmed.len(), 0, Problem::CarriageReturn);
            }
            self.read_line(trimmed);
        }
        if let Some(open) = self.open.take() {
            self.whole_line(Problem::NoCommit(open.name));
        }
    }

    fn read_line(&mut self, line: &str) {
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        let bare = line.trim_start_matches([' ', '\t']);
        if bare.len() < line.len() && (bare.is_empty() || bare.starts_with(['#', '*', ':'])) {
            self.report(0, line.len() - bare.len(), Problem::Blanks);
            return self.read_line(bare);
        }
        if let Some(name) = line.strip_prefix('*') {
            return self.table_line(name);
        }
        if self.open.is_none() {
            return self.whole_line(Problem::OutsideTable);
        }
        if let Some(after) = line.strip_prefix("COMMIT")
            && (after.is_empty() || after.starts_with([' ', '\t']))
        {
            match after.trim() {
                "" if after.is_empty() => {}
                "" => self.report(6, after.len(), Problem::Blanks),
                junk => self.report(6, after.len(), Problem::Junk(junk.into())),
            }
            return self.commit();
        }
        match line.strip_prefix(':') {
            Some(chain) => self.chain_line(chain),
            None => self.rule_line(line),
        }
    }

    fn table_line(&mut self, name: &str) {
        let name = name.split_whitespace().next().unwrap_or_default();
        if self.open.is_some() {
            self.whole_line(Problem::TableInTable);
            self.commit();
        }
        match TableName::by_name(name) {
            Some(table) => self.open = Some(Section::new(table)),
            None => self.report(1, name.len(), Problem::UnknownTable(name.into())),
        }
    }

    fn commit(&mut self) {
        let Some(open) = self.open.take().filter(|o| o.used) else { return };
        for found in check::table(self.ruleset.family, open.name, &open.table) {
            let problem = match found.error {
                KernelError::Missing => Problem::Missing(found.chain),
                error => Problem::Rule(RuleError::Kernel(error, found.chain)),
            };
            let diagnostic = Diagnostic { line: found.line, column: 0, len: 0, problem };
            self.errors += usize::from(diagnostic.severity() == Severity::Error);
            self.diagnostics.push(diagnostic);
        }
        self.ruleset.tables.insert(open.name, open.table);
    }

    fn chain_line(&mut self, text: &str) {
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or_default();
        if let Err(why) = chain_name(name, self.ruleset.family) {
            return self.report(1, name.len(), Problem::Rule(why));
        }
        let Some(policy) = words.next() else {
            return self.whole_line(Problem::NoPolicy(name.into()));
        };
        let mut counted = Counters::default();
        if let Some(word) = words.next() {
            match counters(word) {
                Some(counters) => counted = counters,
                None => self.report_word(word, text, Problem::BadCounters(word.into())),
            }
        }
        let Some(open) = &mut self.open else { return };
        let is_base = Hook::by_name(name).is_some_and(|h| open.name.hooks().contains(&h));
        let policy = match policy {
            "ACCEPT" => Some(Policy::Accept),
            "-" => None,
            "DROP" => Some(Policy::Drop),
            bad if is_base => return self.report_word(bad, text, Problem::BadPolicy(bad.into())),
            _ => None,
        };
        open.declare(name, policy, counted);
    }

    fn rule_line(&mut self, line: &str) {
        let mut counted = Counters::default();
        let mut start = 0;
        if line.starts_with('[') {
            let end = line.find(']').map_or(line.len(), |at| at + 1);
            let text = &line[..end];
            match counters(text) {
                Some(counters) => counted = counters,
                None if text.contains(':') && text.ends_with(']') => {
                    self.report(0, end, Problem::BadCounters(text.into()));
                }
                None => return self.report(0, end, Problem::Brackets(text.into())),
            }
            start = end;
        }
        let split = split_from(line, start);
        if let Some(at) = split.open_quote {
            self.report(at, line.len() - at, Problem::OpenQuote);
        }
        let words = &split.words[..];
        let Some(open) = &mut self.open else { return };
        let reading = Reading {
            family: self.ruleset.family,
            table: open.name,
            restore: true,
            dump: true,
            sets: self.sets,
        };
        let result = match parse_command(reading, words) {
            Ok(mut command) => {
                let remarks = std::mem::take(&mut command.remarks);
                open.execute(command, self.line, counted).map(|()| remarks)
            }
            Err(Refusal { error: RuleError::OtherFamily, .. }) => return,
            Err(Refusal { word, error, .. }) => Err((word, error)),
        };
        let nowhere = Word { text: Default::default(), at: 0, len: 0 };
        match result {
            Ok(remarks) => {
                for (word, remark) in remarks {
                    let problem = match remark {
                        Remark::LateNot => Problem::LateNot,
                        Remark::UnknownMatch(name) => Problem::UnknownMatch(name),
                        Remark::UnknownTarget(name) => Problem::UnknownTarget(name),
                        Remark::Warning(text) | Remark::Trap(text) => Problem::Warning(text),
                        Remark::NoSet(name) => Problem::NoSet(name),
                    };
                    self.at_word(words.get(word).unwrap_or(&nowhere), problem);
                }
            }
            Err((word, error)) => {
                self.at_word(words.get(word).unwrap_or(&nowhere), Problem::Rule(error));
            }
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
        let diagnostic = Diagnostic { line: self.line, column, len, problem };
        if diagnostic.severity() == Severity::Error {
            self.errors += 1;
        }
        self.diagnostics.push(diagnostic);
    }
}

/// Reads `[packets:bytes]`; what follows a number's digits is passed over.
fn counters(text: &str) -> Option<Counters> {
    let (packets, bytes) = text.strip_prefix('[')?.strip_suffix(']')?.split_once(':')?;
    let number = |text: &str| {
        let text = text.trim_start();
        let text = text.strip_prefix('+').unwrap_or(text);
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text[..digits].parse().ok()
    };
    Some(Counters { packets: number(packets)?, bytes: number(bytes)? })
}
