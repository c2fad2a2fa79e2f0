//! One command: what its words say, and why they are refused.

use super::super::error::RuleError;
use super::super::ipset::Sets;
use super::super::value::Value;
use super::super::{ChainName, Counters, Family, Rule, TableName};
use super::parser::Parser;
use super::verb::Verb;
use super::words::Word;
use smol_str::SmolStr;

/// What a command's words say.
#[derive(Debug)]
pub struct Command {
    /// What is to be done.
    pub verb: Verb,
    /// Where, with the number of the chain's word; `None` for all chains.
    pub chain: Option<(ChainName, usize)>,
    /// The rules, first source with first destination first: `-s a,b` makes more than one rule.
    pub rules: Vec<Rule>,
    /// The chain that the rules jump to, with the number of its word.
    pub jump: Option<(ChainName, usize)>,
    /// `-t`, as it was written.
    pub table: Option<SmolStr>,
    /// How many times `-v` stood there.
    pub verbose: u8,
    /// `-n`.
    pub numeric: bool,
    /// `-x`.
    pub exact: bool,
    /// `--line-numbers`.
    pub line_numbers: bool,
    /// `-c`.
    pub counters: Option<Counters>,
    /// What there is to tell of the words, each with the number of its word.
    pub remarks: Vec<(usize, Remark)>,
}

/// Something to tell about a command that was read all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// `!` stood after the option.
    LateNot,
    /// A match that iptables 1.8.9 does not have.
    UnknownMatch(String),
    /// A target that iptables 1.8.9 does not have.
    UnknownTarget(String),
    /// What iptables warns of.
    Warning(String),
    /// What iptables silently takes for something else than was meant.
    Trap(String),
    /// A set that the text does not bring along.
    NoSet(String),
}

impl Remark {
    /// What iptables warns of when it reads an extension's value.
    pub(super) fn of_value(ext: &str, text: &str, value: &Result<Value, RuleError>) -> Option<Remark> {
        match (ext, value) {
            ("iprange", Ok(Value::Hosts(low, high))) if low > high => {
                let said = format!("xt_iprange: range {low}-{high} is reversed and will never match");
                Some(Remark::Warning(said))
            }
            // It looks for the name of a label where the argument is no number.
            ("connlabel", Err(_)) if !text.is_empty() => {
                let said = "Warning: cannot open /etc/xtables/connlabel.conf: No such file or directory";
                Some(Remark::Warning(said.into()))
            }
            _ => None,
        }
    }
}

/// How a command is read.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// The table's family.
    pub family: Family,
    /// The table.
    pub table: TableName,
    /// The words are a line for iptables-restore, where `-t` and `-w` have no place.
    pub restore: bool,
    /// What other versions of iptables take is read with a remark: `!` behind its option, unknown matches and
    /// targets.
    pub dump: bool,
    /// The host's IP sets, where they are known: a rule that names another is refused. Without them a dump's rules
    /// are kept with a remark, and such rules typed as commands are refused, as on a host without any set.
    pub sets: Option<&'a Sets>,
}

/// Reads a command's words: `-A CHAIN …` and its like.
///
/// ```
/// use vitrine::netfilter::{Family, TableName, text::{Reading, parse_command, split}};
/// let reading =
///     Reading { family: Family::Ip, table: TableName::Filter, restore: false, dump: false, sets: None };
/// let refused = parse_command(reading, &split("-A INPUT -p tpc").words).unwrap_err();
/// assert_eq!((refused.word, refused.error.to_string().as_str()), (3, "unknown protocol \"tpc\" specified"));
/// ```
pub fn parse_command<'a>(reading: Reading<'a>, words: &'a [Word]) -> Result<Command, Refusal> {
    let mut parser = Parser::new(reading, words);
    let refusal = match parser.run() {
        Err(error) => (parser.word(), error),
        Ok(()) => match parser.finish() {
            Ok(command) => return Ok(command),
            Err(refusal) => refusal,
        },
    };
    let (word, error) = refusal;
    Err(Refusal { word, error, remarks: parser.remarks() })
}

/// A command that is refused.
#[derive(Debug)]
pub struct Refusal {
    /// The number of the word at which it was noticed.
    pub word: usize,
    /// Why.
    pub error: RuleError,
    /// What there was to tell of the words before.
    pub remarks: Vec<(usize, Remark)>,
}
