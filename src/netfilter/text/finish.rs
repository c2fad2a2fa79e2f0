//! What a command's options make together: checks at the end (`do_parse`), addresses, the rules.

use super::super::error::RuleError;
use super::super::extension::{Args, Build, check_all, said};
use super::super::matches::set;
use super::super::rule::AddrMask;
use super::super::value::Kind;
use super::super::{ChainName, Hook, Inv, Match, Rule, TableName, Target, Unknown, addr, targets};
use super::parser::{Given, Jump, Loaded, Parser, Source};
use super::rule::{Command, Remark};
use super::translate::translate;
use super::verb::{Verb, too_long};
use crate::packet::Proto;
use smol_str::SmolStr;

impl Parser<'_> {
    /// Checks what was read, and makes a command of it.
    pub(super) fn finish(&mut self) -> Result<Command, (usize, RuleError)> {
        if let Some(verb) = self.asked.take() {
            return Ok(self.command_of(verb, None, Vec::new(), None));
        }
        let last = self.words.len().saturating_sub(1);
        let drops = self.target.as_ref().is_some_and(|t| t.name == "DROP")
            || matches!(&self.verb, Some(Given { verb: Verb::Policy(p), .. }) if p == "DROP");
        let in_nat = self.table.map_or(self.reading.table == TableName::Nat, |t| t == TableName::Nat.name());
        if drops && in_nat {
            return Err((self.target.as_ref().map_or(last, |t| t.word), RuleError::DropInNat));
        }
        if self.waits == (false, true) {
            let said = "--wait-interval only makes sense with --wait\n";
            return Err((last, RuleError::Said(said.into())));
        }
        for is_target in [false, true] {
            for place in 0..self.loaded.len() {
                if self.loaded[place].is_target == is_target {
                    self.build(place).map_err(|e| (self.loaded[place].word, e))?;
                }
            }
        }
        if self.leftover {
            return Err((last, RuleError::Said("unknown arguments found on commandline".into())));
        }
        let Some(Given { verb, chain, .. }) = self.verb.take() else {
            return Err((0, RuleError::Said("no command specified".into())));
        };
        if let Some(at) = self.not {
            return Err((at, RuleError::TrailingNot));
        }
        let sources = self.addresses(self.sources)?;
        let destinations = self.addresses(self.destinations)?;
        let several = sources.len() * destinations.len() > 1;
        let negated = [self.sources, self.destinations].into_iter().flatten().find(|(not, ..)| *not);
        if let Some((_, _, word)) = negated.filter(|_| several) {
            return Err((word, RuleError::NegatedList));
        }
        if several && matches!(verb, Verb::Replace(_)) {
            let said = "Replacement rule does not specify a unique address";
            return Err((last, RuleError::Said(said.into())));
        }
        if let Some(option) = self.options().into_iter().find(|letter| verb.refuses(*letter)) {
            let said = format!("Illegal option `-{option}' with this command");
            return Err((last, RuleError::Said(said)));
        }
        if let Some((name, word)) = &chain {
            if name.as_str().len() > ChainName::MAX {
                return Err((*word, too_long(name.as_str())));
            }
            if verb.takes_rule() {
                self.check_interfaces(name).map_err(|e| (*word, e))?;
            }
        }
        let jump = self.jump();
        self.clean(sources, destinations, jump, verb, chain)
    }

    /// Puts the rule into the form in which nft keeps it, and makes one of each pair of addresses.
    fn clean(
        &mut self,
        sources: Vec<Option<Inv<AddrMask>>>,
        destinations: Vec<Option<Inv<AddrMask>>>,
        jump: Option<(ChainName, usize)>,
        verb: Verb,
        chain: Option<(ChainName, usize)>,
    ) -> Result<Command, (usize, RuleError)> {
        let rule = &mut self.rule;
        rule.proto = rule.proto.filter(|p| p.value != Proto::ALL);
        rule.iif = rule.iif.take().filter(|i| i.not || i.value.as_str() != "+");
        rule.oif = rule.oif.take().filter(|o| o.not || o.value.as_str() != "+");
        let word = self.loaded.first().map_or(0, |l| l.word);
        translate(rule).map_err(|e| (word, e))?;
        let mut rules = Vec::with_capacity(sources.len() * destinations.len());
        let rule = std::mem::replace(&mut self.rule, Rule::empty());
        if let ([src], [dst]) = (&sources[..], &destinations[..]) {
            rules.push(Rule { src: *src, dst: *dst, ..rule });
        } else {
            for &src in &sources {
                for &dst in &destinations {
                    rules.push(Rule { src, dst, ..rule.clone() });
                }
            }
        }
        Ok(self.command_of(verb, chain, rules, jump))
    }

    fn command_of(
        &mut self,
        verb: Verb,
        chain: Option<(ChainName, usize)>,
        rules: Vec<Rule>,
        jump: Option<(ChainName, usize)>,
    ) -> Command {
        Command {
            verb,
            chain,
            rules,
            jump,
            table: self.table.map(SmolStr::new),
            verbose: self.verbose,
            numeric: self.flags.contains(&'n'),
            exact: self.flags.contains(&'x'),
            line_numbers: self.flags.contains(&'0'),
            counters: self.counters,
            remarks: std::mem::take(&mut self.remarks),
        }
    }

    /// The addresses of `-s` or `-d`; one `None` where there is nothing to ask for.
    fn addresses(
        &self,
        given: Option<(bool, &str, usize)>,
    ) -> Result<Vec<Option<Inv<AddrMask>>>, (usize, RuleError)> {
        let Some((not, text, word)) = given else { return Ok(vec![None]) };
        let read = |t: &str| {
            let value = addr::addr_mask(t.trim_start(), self.reading.family)?;
            // `-s 0.0.0.0/0` asks for nothing; `! -s 0.0.0.0/0` is left for the kernel to refuse.
            Ok(Some(Inv { not, value }).filter(|a| not || !a.value.is_everything()))
        };
        text.split(',').map(read).collect::<Result<Vec<_>, _>>().map_err(|e| (word, e))
    }

    /// The letters of the options that were given, in the order in which iptables looks at them.
    fn options(&self) -> Vec<char> {
        let rule = &self.rule;
        let flag = |letter| (self.flags.contains(&letter), letter);
        [
            flag('n'),
            (self.sources.is_some(), 's'),
            (self.destinations.is_some(), 'd'),
            (rule.proto.is_some(), 'p'),
            (self.target.is_some(), 'j'),
            flag('x'),
            (rule.iif.is_some(), 'i'),
            (rule.oif.is_some(), 'o'),
            flag('0'),
            flag('c'),
            (rule.fragment.is_some(), 'f'),
        ]
        .into_iter()
        .filter_map(|(given, letter)| given.then_some(letter))
        .collect()
    }

    fn check_interfaces(&self, chain: &ChainName) -> Result<(), RuleError> {
        let Some(hook) = Hook::by_name(chain.as_str()) else { return Ok(()) };
        if self.rule.oif.is_some() && !hook.has_oif() {
            return Err(RuleError::WrongInterface('o', chain.clone()));
        }
        if self.rule.iif.is_some() && !hook.has_iif() {
            return Err(RuleError::WrongInterface('i', chain.clone()));
        }
        Ok(())
    }

    fn build(&mut self, place: usize) -> Result<(), RuleError> {
        let loaded = &self.loaded[place];
        match &loaded.source {
            Source::Known(ext) => {
                let args =
                    Args { ext, given: &loaded.given, family: self.reading.family, proto: self.rule.proto };
                if let Some(check) = ext.check {
                    check(&args)?;
                }
                check_all(ext, &loaded.given)?;
                let missing = self.check_sets(place)?;
                match ext.build {
                    Build::Match(build) => self.rule.matches.push(build(&args)?),
                    Build::Target(build) => self.rule.target = build(&args)?,
                }
                self.remarks.extend(missing);
            }
            Source::Unknown(name, words) if loaded.is_target => {
                if self.reading.dump && (!words.is_empty() || targets::is_foreign(name)) {
                    self.remarks.push((loaded.word, Remark::UnknownTarget(name.to_string())));
                    let unknown = Unknown { name: name.clone(), words: words.clone() };
                    self.rule.target = Target::Unknown(unknown);
                }
            }
            Source::Unknown(name, words) => {
                let unknown = Unknown { name: name.clone(), words: words.clone() };
                self.rule.matches.push(Match::Unknown(unknown));
            }
        }
        Ok(())
    }

    /// Sets are made by another program: iptables asks the kernel for each, and refuses one that is not there.
    fn check_sets(&self, place: usize) -> Result<Vec<(usize, Remark)>, RuleError> {
        let Loaded { source: Source::Known(ext), given, word, .. } = &self.loaded[place] else {
            return Ok(Vec::new());
        };
        if !matches!(ext.name, "set" | "SET") {
            return Ok(Vec::new());
        }
        let named = given.iter().filter(|a| matches!(ext.opts[a.opt].kind, Kind::TwoTexts));
        let mut missing = Vec::new();
        for text in named.map(|a| a.value.text()) {
            let (name, sides) = set::split(text);
            match self.reading.sets.map(|sets| sets.get(name)) {
                Some(None) => return said(format!("Set {name} doesn't exist.\n")),
                None if !self.reading.dump => return said(format!("Set {name} doesn't exist.\n")),
                None => missing.push((*word, Remark::NoSet(name.to_owned()))),
                Some(Some(set)) => {
                    if let Some(family) = set.spec.family.filter(|f| *f != self.reading.family) {
                        let family = if family.is_v4() { "IPv4" } else { "IPv6" };
                        return said(format!(
                            "The protocol family of set {name} is {family}, which is not applicable.\n"
                        ));
                    }
                }
            }
            set::read_sides(sides)?;
        }
        Ok(missing)
    }

    /// Makes a jump of a target that is no extension; the caller knows whether there is such a chain.
    fn jump(&mut self) -> Option<(ChainName, usize)> {
        let Jump { name, goto, word } = self.target.take()?;
        if !goto && let Some(verdict) = targets::verdict(name) {
            self.rule.target = verdict;
            return None;
        }
        if !goto && !matches!(self.rule.target, Target::None | Target::Unknown(_)) {
            return None;
        }
        let chain = ChainName::new(name);
        if self.rule.target == Target::None {
            self.rule.target = if goto { Target::Goto(chain.clone()) } else { Target::Jump(chain.clone()) };
        }
        Some((chain, word))
    }

    /// Keeps an unknown option and the words up to the next option.
    pub(super) fn keep_words(&mut self, place: usize) {
        let mut kept = Vec::new();
        if self.not.is_some() {
            kept.push(SmolStr::new("!"));
        }
        kept.push(self.words[self.at].text.clone());
        while let Some(next) = self.words.get(self.at + 1) {
            let negates =
                next.text == "!" && self.words.get(self.at + 2).is_some_and(|w| w.text.starts_with('-'));
            if negates || (next.text.starts_with('-') && next.text.len() > 1) {
                break;
            }
            kept.push(next.text.clone());
            self.at += 1;
        }
        if let Source::Unknown(_, words) = &mut self.loaded[place].source {
            words.extend(kept);
        }
    }
}
