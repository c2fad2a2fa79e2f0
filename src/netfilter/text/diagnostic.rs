//! What is wrong in a dump, and where.

use super::super::{ChainName, KernelError, RuleError, TableName};
use std::fmt;

/// Whether the dump can be used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// iptables-restore refuses the file.
    Error,
    /// The file was read, though iptables-restore would refuse or change something.
    Warning,
}

/// Something wrong at one place of the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// The line, counted from 1.
    pub line: u32,
    /// The byte in the line at which the word starts, counted from 0.
    pub column: usize,
    /// The word's length in bytes; 0 where a whole line is meant.
    pub len: usize,
    /// What is wrong.
    pub problem: Problem,
}

impl Diagnostic {
    /// Error or warning.
    pub fn severity(&self) -> Severity {
        match self.problem {
            Problem::ByteOrderMark
            | Problem::CarriageReturn
            | Problem::Blanks
            | Problem::OpenQuote
            | Problem::BadCounters(_)
            | Problem::LateNot
            | Problem::UnknownMatch(_)
            | Problem::UnknownTarget(_)
            | Problem::NoSet(_)
            | Problem::Missing(_)
            | Problem::Warning(_) => Severity::Warning,
            Problem::Empty
            | Problem::NotText
            | Problem::TooLarge(_)
            | Problem::UnknownTable(_)
            | Problem::OutsideTable
            | Problem::TableInTable
            | Problem::NoCommit(_)
            | Problem::Junk(_)
            | Problem::NoPolicy(_)
            | Problem::BadPolicy(_)
            | Problem::Brackets(_)
            | Problem::Rule(_) => Severity::Error,
        }
    }

    /// True if iptables-restore 1.8.9 refuses the text for it.
    pub fn is_refused(&self) -> bool {
        let taken =
            matches!(self.problem, Problem::OpenQuote | Problem::BadCounters(_) | Problem::Warning(_));
        !taken && self.problem != Problem::Empty
    }
}

/// What can be wrong in a dump.
#[derive(Clone, Debug, PartialEq)]
pub enum Problem {
    /// Nothing in the file.
    Empty,
    /// The file is no text.
    NotText,
    /// The file is larger than this many bytes.
    TooLarge(usize),
    /// The file begins with a byte order mark.
    ByteOrderMark,
    /// Lines end in a carriage return.
    CarriageReturn,
    /// Blanks where iptables-restore wants none.
    Blanks,
    /// A quote is never closed: it takes the rest of the line.
    OpenQuote,
    /// A table's name that no table has.
    UnknownTable(String),
    /// A rule or chain before any `*table`.
    OutsideTable,
    /// A second `*table` before `COMMIT`.
    TableInTable,
    /// The last `COMMIT` is missing.
    NoCommit(TableName),
    /// A word after `COMMIT` that should not be there.
    Junk(String),
    /// `:CHAIN` without a policy.
    NoPolicy(String),
    /// A policy that is neither ACCEPT nor DROP.
    BadPolicy(String),
    /// `[packets:bytes]` that are not two numbers.
    BadCounters(String),
    /// Counters without their brackets or colon.
    Brackets(String),
    /// The command itself.
    Rule(RuleError),
    /// `!` after the option, where older versions had it: read, though 1.8.9 refuses it.
    LateNot,
    /// A match that 1.8.9 does not have: kept, and unknown where a packet meets it.
    UnknownMatch(String),
    /// A target that 1.8.9 does not have: kept, and unknown where a packet meets it.
    UnknownTarget(String),
    /// A set that the text does not bring along: unknown to every packet.
    NoSet(String),
    /// A rule of this chain asks for what Linux 6.18 does not have, or for what other programs make.
    Missing(ChainName),
    /// What iptables itself warns of.
    Warning(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the file is empty: expected `*filter` or another table"),
            Self::NotText => f.write_str("this is not text: expected what iptables-save prints"),
            Self::TooLarge(max) => write!(f, "the file is larger than {} MiB", max >> 20),
            Self::ByteOrderMark => {
                f.write_str("the file begins with a byte order mark, which iptables-restore refuses")
            }
            Self::CarriageReturn => {
                f.write_str("lines end in carriage returns, which iptables-restore refuses")
            }
            Self::Blanks => f.write_str("iptables-restore refuses these blanks"),
            Self::OpenQuote => f.write_str("unclosed quote: it takes the rest of the line"),
            Self::UnknownTable(t) => write!(f, "table name '{t}' invalid"),
            Self::OutsideTable => f.write_str("expected a table (`*filter`) before this line"),
            Self::TableInTable => f.write_str("the table before this one has no COMMIT"),
            Self::NoCommit(t) => write!(f, "COMMIT expected: the text ends inside table {t}"),
            Self::Junk(word) => write!(f, "`{word}` has no place here"),
            Self::NoPolicy(chain) => write!(f, "chain {chain} has no policy: expected `-`, ACCEPT or DROP"),
            Self::BadPolicy(p) => write!(f, "Bad policy name `{p}'"),
            Self::BadCounters(c) => write!(f, "bad counters `{c}': expected [packets:bytes]"),
            Self::Brackets(c) => write!(f, "bad counters `{c}': need [packets:bytes]"),
            Self::Rule(error) => f.write_str(error.to_string().trim()),
            Self::LateNot => f.write_str("`!` belongs before the option; iptables 1.8.9 refuses it here"),
            Self::UnknownMatch(m) => {
                write!(f, "iptables 1.8.9 has no match `{m}': kept as it is, unknown to every packet")
            }
            Self::NoSet(name) => {
                write!(f, "Set {name} doesn't exist: kept as it is, unknown to every packet")
            }
            Self::Missing(chain) => write!(
                f,
                "the kernel has no such thing ({}): rule in chain {chain}, kept as it is",
                KernelError::Missing
            ),
            Self::Warning(text) => f.write_str(text.trim_start_matches("Warning: ")),
            Self::UnknownTarget(t) => {
                write!(f, "iptables 1.8.9 has no target `{t}': kept as it is, unknown to every packet")
            }
        }
    }
}
