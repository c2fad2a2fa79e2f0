//! iptables' text: dumps read and printed, rules as options.

mod diagnostic;
mod execute;
mod finish;
mod given;
mod options;
mod parser;
mod parts;
mod print;
mod report;
mod restore;
mod rule;
mod save;
mod translate;
mod try_rule;
mod verb;
mod words;

pub use diagnostic::{Diagnostic, Problem, Severity};
pub use parts::{RuleParts, rule_parts};
pub use print::Print;
pub use report::report;
pub use restore::{MAX_BYTES, Restored, family_of_dump, restore, restore_with};
pub use rule::{Command, Reading, Refusal, Remark, parse_command};
pub use save::{Save, SaveOptions, rule_line, rule_words, rule_words_counting};
pub use try_rule::{Tried, try_rule};
pub(in crate::netfilter) use verb::chain_name;
pub use verb::{List, Verb, Zeroing};
pub(in crate::netfilter) use words::split_from;
pub use words::{Split, Word, quote, split};
