//! iptables' text: dumps read and printed, rules as options.

mod diagnostic;
mod execute;
mod finish;
mod options;
mod parser;
mod parts;
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
pub use report::report;
pub use restore::{MAX_BYTES, Restored, family_of_dump, restore, restore_with};
pub use rule::{Command, Reading, Remark, parse_command};
pub use save::{Save, SaveOptions, rule_line, rule_words};
pub use try_rule::{Tried, try_rule};
pub use verb::Verb;
pub use words::{Split, Word, quote, split};
