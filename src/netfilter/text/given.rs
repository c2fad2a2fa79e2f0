//! The option that says what a command does, and those that stand once beside it.

use super::super::error::RuleError;
use super::super::rule::IfMatch;
use super::super::{ChainName, Counters, Inv};
use super::parser::{Given, Parser};
use super::rule::Remark;
use super::verb::{List, Verb, Zeroing, chain_name, rule_number};
use smol_str::SmolStr;

impl<'a> Parser<'a> {
    /// Marks an option that stands once and is not negated (`set_option`).
    pub(super) fn once(&mut self, letter: char) -> Result<(), RuleError> {
        if self.flags.contains(&letter) {
            return Err(RuleError::Multiple(letter));
        }
        if self.not.is_some() {
            return Err(RuleError::NotInvertible(letter));
        }
        self.flags.push(letter);
        Ok(())
    }

    pub(super) fn command(&mut self, letter: char, given: Option<&'a str>) -> Result<(), RuleError> {
        let value = given.unwrap_or_default();
        if letter == 'N' {
            chain_name(value, self.reading.family)?;
        }
        if self.not.is_some() {
            return Err(RuleError::Said("unexpected '!' flag".into()));
        }
        if let Some(Given { letter: before, verb, .. }) = &self.verb {
            let beside = match letter {
                'L' | 'S' => matches!(verb, Verb::Zero | Verb::ZeroAt(_)),
                'Z' => matches!(verb, Verb::List(List { zero: Zeroing::None, .. })),
                _ => false,
            };
            if !beside {
                return Err(RuleError::Said(format!("Cannot use -{letter} with -{before}")));
            }
        }
        let chain_word = self.at;
        let before = self.verb.take();
        let verb = match letter {
            'A' => Verb::Append,
            'C' => Verb::Check,
            'I' if self.has_argument() => Verb::Insert(rule_number(self.argument(None)?)?),
            'I' => Verb::Insert(1),
            'D' if self.has_argument() => Verb::DeleteAt(rule_number(self.argument(None)?)?),
            'D' => Verb::Delete,
            'R' if self.has_argument() => Verb::Replace(rule_number(self.argument(None)?)?),
            'R' => return Err(RuleError::Said("-R requires a rule number".into())),
            'F' => Verb::Flush,
            'X' => Verb::DeleteChain,
            'N' => Verb::NewChain,
            'E' if self.has_argument() => {
                // 1.8.9 takes any name here.
                Verb::Rename(ChainName::new(self.argument(None)?))
            }
            'E' => {
                return Err(RuleError::Said("-E requires old-chain-name and new-chain-name".into()));
            }
            'P' if self.has_argument() => Verb::Policy(SmolStr::new(self.argument(None)?)),
            'P' => return Err(RuleError::Said("-P requires a chain and a policy".into())),
            'Z' => self.zero(before.as_ref())?,
            _ => self.list(letter, before.as_ref())?,
        };
        let (letter, chain_before) = match before {
            Some(given) if !matches!(verb, Verb::ZeroAt(_)) => (given.letter, given.chain),
            Some(given) => (letter, given.chain),
            None => (letter, None),
        };
        let chain = given.map(|value| (ChainName::new(value), chain_word)).or(chain_before);
        self.verb = Some(Given { letter, verb, chain });
        Ok(())
    }

    /// `-Z`, alone or after `-L` and `-S`; with a rule's number it takes their place.
    fn zero(&mut self, before: Option<&Given>) -> Result<Verb, RuleError> {
        if self.has_argument() {
            return Ok(Verb::ZeroAt(rule_number(self.argument(None)?)?));
        }
        Ok(match before {
            Some(Given { verb: Verb::List(list), .. }) => Verb::List(List { zero: Zeroing::Chain, ..*list }),
            _ => Verb::Zero,
        })
    }

    /// `-L` or `-S`, alone or after `-Z`.
    fn list(&mut self, letter: char, before: Option<&Given>) -> Result<Verb, RuleError> {
        let (zero, mut number) = match before {
            Some(Given { verb: Verb::ZeroAt(number), .. }) => (Zeroing::Rule, Some(*number)),
            Some(_) => (Zeroing::Chain, None),
            None => (Zeroing::None, None),
        };
        if self.has_argument() {
            number = Some(rule_number(self.argument(None)?)?);
        }
        Ok(Verb::List(List { as_rules: letter == 'S', number, zero }))
    }

    pub(super) fn set_counters(&mut self, first: &str) -> Result<(), RuleError> {
        let (packets, bytes) = match first.split_once(',') {
            Some((packets, bytes)) => (packets, bytes),
            None if self.has_argument() => (first, self.argument(None)?),
            None => return Err(RuleError::Said("-c requires packet and byte counter".into())),
        };
        let bad = |what: &str| RuleError::Said(format!("-c {what} counter not numeric"));
        self.rule.counters = Counters {
            packets: scanned(packets).ok_or_else(|| bad("packet"))?,
            bytes: scanned(bytes).ok_or_else(|| bad("byte"))?,
        };
        self.counters = Some(self.rule.counters);
        Ok(())
    }

    pub(super) fn interface(
        &mut self,
        text: &str,
        letter: char,
        again: bool,
    ) -> Result<Inv<IfMatch>, RuleError> {
        if text.is_empty() {
            return Err(RuleError::IfNameEmpty);
        }
        if again {
            return Err(RuleError::Multiple(letter));
        }
        let pattern = IfMatch::new(text).ok_or_else(|| RuleError::IfNameTooLong(text.into()))?;
        if text.starts_with('-') {
            let warning = format!("Warning: iptables takes `{text}' as the interface's name");
            self.remarks.push((self.at, Remark::Trap(warning)));
        }
        if text.contains(['/', ' ']) {
            let warning = format!(
                "Warning: weird character in interface `{text}' ('/' and ' ' are not allowed by the kernel)."
            );
            self.remarks.push((self.at, Remark::Warning(warning)));
        }
        Ok(Inv { not: self.not.is_some(), value: pattern })
    }
}

/// A number as `sscanf` with `%llu` takes it: what follows the digits does not matter, and a sign wraps around.
fn scanned(text: &str) -> Option<u64> {
    let text = text.trim_start();
    let (minus, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    if end == 0 {
        return None;
    }
    let number = digits[..end].parse().unwrap_or(u64::MAX);
    Some(if minus { number.wrapping_neg() } else { number })
}
