//! iptables' text: dumps read and printed, rules as options.

mod diagnostic;
mod parts;
mod report;
mod restore;
mod rule;
mod save;
mod words;

pub use diagnostic::{Diagnostic, Problem, Severity};
pub use parts::{RuleParts, rule_parts};
pub use report::report;
pub use restore::{Restored, restore};
pub use rule::{ParsedRule, parse_rule};
pub use save::{Save, SaveOptions, rule_line, rule_words};
pub use words::{OpenQuote, Word, quote, split};
