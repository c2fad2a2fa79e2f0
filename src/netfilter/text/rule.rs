//! One rule's options, read in the order and with the refusals of iptables 1.8.9 (`do_parse`).

use super::super::error::RuleError;
use super::super::extension::{Arg, Args, Build, Extension, check_once, check_required};
use super::super::rule::{AddrMask, IfMatch};
use super::super::value::{self, Kind, Value};
use super::super::{ChainName, Family, Hook, Inv, Match, Rule, Target, matches, targets};
use super::words::Word;
use crate::packet::Proto;
use smol_str::SmolStr;

/// What a rule's words say: `-s a,b` makes more than one rule of them.
#[derive(Debug)]
pub struct ParsedRule {
    /// The rules, first source with first destination first.
    pub rules: Vec<Rule>,
    /// Chains that `-j` or `-g` may mean; the caller knows which exist.
    pub remarks: Vec<(usize, Remark)>,
}

/// Something to tell about a rule that was read all the same, with the number of its word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// `!` stood after the option.
    LateNot,
    /// A match that iptables 1.8.9 does not have.
    UnknownMatch(String),
    /// A target that iptables 1.8.9 does not have.
    UnknownTarget(String),
}

/// Reads the words after `-A CHAIN`. `is_chain` tells which names are chains of the table.
///
/// The error names the word (its number in `words`) at which it was noticed.
pub fn parse_rule(
    family: Family,
    chain: &ChainName,
    words: &[Word],
    is_chain: &dyn Fn(&str) -> bool,
) -> Result<ParsedRule, (usize, RuleError)> {
    let mut parser = Parser {
        family,
        chain,
        words,
        at: 0,
        not: None,
        rule: Rule::empty(),
        sources: None,
        destinations: None,
        loaded: Vec::new(),
        target: Jump::None,
        remarks: Vec::new(),
    };
    match parser.run(is_chain) {
        Ok(()) => parser.finish(is_chain),
        Err(error) => Err((parser.at.min(words.len().saturating_sub(1)), error)),
    }
}

/// An extension that `-m`, `-j` or `-p` brought in, with what the rule gave it so far.
struct Loaded {
    source: Source,
    given: Vec<Arg>,
    is_target: bool,
    /// Where it was named.
    word: usize,
}

enum Source {
    Known(&'static Extension),
    /// Kept word for word.
    Unknown(SmolStr, Vec<SmolStr>),
}

enum Jump {
    None,
    To { name: SmolStr, goto: bool, word: usize },
}

struct Parser<'a> {
    family: Family,
    chain: &'a ChainName,
    words: &'a [Word],
    at: usize,
    /// The `!` that waits for its option.
    not: Option<usize>,
    rule: Rule,
    sources: Option<Inv<Vec<AddrMask>>>,
    destinations: Option<Inv<Vec<AddrMask>>>,
    loaded: Vec<Loaded>,
    target: Jump,
    remarks: Vec<(usize, Remark)>,
}

/// The options that every rule knows, by all the names that `getopt_long` takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Core {
    Source,
    Destination,
    InInterface,
    OutInterface,
    Protocol,
    Fragment,
    Match,
    Jump,
    Goto,
    SetCounters,
    Wait,
    Family4,
    Family6,
}

const LONG: &[(&str, Core)] = &[
    ("source", Core::Source),
    ("src", Core::Source),
    ("destination", Core::Destination),
    ("dst", Core::Destination),
    ("in-interface", Core::InInterface),
    ("out-interface", Core::OutInterface),
    ("protocol", Core::Protocol),
    ("proto", Core::Protocol),
    ("fragments", Core::Fragment),
    ("match", Core::Match),
    ("jump", Core::Jump),
    ("goto", Core::Goto),
    ("set-counters", Core::SetCounters),
    ("wait", Core::Wait),
    ("ipv4", Core::Family4),
    ("ipv6", Core::Family6),
];

const SHORT: &[(char, Core)] = &[
    ('s', Core::Source),
    ('d', Core::Destination),
    ('i', Core::InInterface),
    ('o', Core::OutInterface),
    ('p', Core::Protocol),
    ('f', Core::Fragment),
    ('m', Core::Match),
    ('j', Core::Jump),
    ('g', Core::Goto),
    ('c', Core::SetCounters),
    ('w', Core::Wait),
    ('4', Core::Family4),
    ('6', Core::Family6),
];

impl<'a> Parser<'a> {
    fn run(&mut self, is_chain: &dyn Fn(&str) -> bool) -> Result<(), RuleError> {
        while let Some(word) = self.words.get(self.at) {
            let text = word.text.as_str();
            if text == "!" {
                if self.not.is_some() {
                    return Err(RuleError::DoubleNot);
                }
                self.not = Some(self.at);
                self.at += 1;
                continue;
            }
            if let Some(long) = text.strip_prefix("--") {
                self.long(long, is_chain)?;
            } else if let Some(short) = text.strip_prefix('-').filter(|s| !s.is_empty()) {
                self.short(short, is_chain)?;
            } else {
                return Err(RuleError::BadArgument(text.into()));
            }
            self.at += 1;
            self.not = None;
        }
        match self.not {
            Some(at) => {
                self.at = at;
                Err(RuleError::BadArgument("!".into()))
            }
            None => Ok(()),
        }
    }

    fn short(&mut self, short: &str, is_chain: &dyn Fn(&str) -> bool) -> Result<(), RuleError> {
        let mut chars = short.chars();
        let letter = chars.next().unwrap_or_default();
        let core = SHORT.iter().find(|(c, _)| *c == letter).map(|(_, core)| *core);
        let Some(core) = core else { return Err(RuleError::UnknownOption(format!("-{short}"))) };
        let attached = Some(chars.as_str()).filter(|a| !a.is_empty());
        self.core(core, &format!("-{letter}"), attached, is_chain)
    }

    fn long(&mut self, text: &str, is_chain: &dyn Fn(&str) -> bool) -> Result<(), RuleError> {
        let (name, attached) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        if let Some(&(full, core)) = LONG.iter().find(|(n, _)| *n == name) {
            return self.core(core, &format!("--{full}"), attached, is_chain);
        }
        if let Some((slot, opt)) = self.find_option(name)? {
            return self.extension_option(slot, opt, attached);
        }
        // `-p tcp --dport 80`: the protocol's own match comes in with its first option.
        if let Some(ext) = self.implicit_match()
            && let Some(opt) = exact(ext, name).or_else(|| abbreviated(ext, name))
        {
            self.loaded.push(Loaded {
                source: Source::Known(ext),
                given: Vec::new(),
                is_target: false,
                word: self.at,
            });
            return self.extension_option(self.loaded.len() - 1, opt, attached);
        }
        if let Some(place) = self.loaded.iter().rposition(|l| matches!(l.source, Source::Unknown(..))) {
            self.keep_words(place);
            return Ok(());
        }
        let mut core = LONG.iter().filter(|(n, _)| n.starts_with(name));
        match (core.next(), core.next()) {
            (Some(&(full, core)), None) => self.core(core, &format!("--{full}"), attached, is_chain),
            _ => Err(RuleError::UnknownOption(format!("--{name}"))),
        }
    }

    /// The loaded extension that has the option: the one that came in last wins, as in `getopt`'s merged list.
    fn find_option(&self, name: &str) -> Result<Option<(usize, usize)>, RuleError> {
        let known = || {
            self.loaded.iter().enumerate().rev().filter_map(|(slot, l)| match &l.source {
                Source::Known(ext) => Some((slot, *ext)),
                Source::Unknown(..) => None,
            })
        };
        if let Some(found) = known().find_map(|(slot, ext)| Some((slot, exact(ext, name)?))) {
            return Ok(Some(found));
        }
        let mut close = known().filter_map(|(slot, ext)| Some((slot, abbreviated(ext, name)?)));
        Ok(close.next())
    }

    /// The match that `-p` brings in by itself, unless it is there already.
    fn implicit_match(&self) -> Option<&'static Extension> {
        let proto = self.rule.proto?.value;
        let name = match proto {
            Proto::ICMPV6 => "icmp6",
            Proto::MH => "mh",
            other => other.name()?,
        };
        let ext = matches::find(name, self.family)?;
        let loaded = self.loaded.iter().any(|l| matches!(l.source, Source::Known(e) if std::ptr::eq(e, ext)));
        (!loaded).then_some(ext)
    }

    fn core(
        &mut self,
        core: Core,
        name: &str,
        attached: Option<&str>,
        is_chain: &dyn Fn(&str) -> bool,
    ) -> Result<(), RuleError> {
        match core {
            Core::Fragment => {
                if !self.family.is_v4() {
                    return Err(RuleError::UnknownOption("-f".into()));
                }
                self.rule.fragment = Some(self.not.is_none());
                return Ok(());
            }
            Core::Family4 | Core::Family6 => return Ok(()),
            Core::Wait => {
                if self.peek_is_number() {
                    self.at += 1;
                }
                return Ok(());
            }
            Core::SetCounters => return self.set_counters(attached),
            _ => {}
        }
        let value = self.argument(name, attached)?;
        match core {
            Core::Source => {
                let list = self.addresses(&value, 's', self.sources.is_some())?;
                self.sources = Some(list);
            }
            Core::Destination => {
                let list = self.addresses(&value, 'd', self.destinations.is_some())?;
                self.destinations = Some(list);
            }
            Core::InInterface => {
                self.rule.iif = Some(self.interface(&value, 'i', self.rule.iif.is_some())?);
            }
            Core::OutInterface => {
                self.rule.oif = Some(self.interface(&value, 'o', self.rule.oif.is_some())?);
            }
            Core::Protocol => {
                if self.rule.proto.is_some() {
                    return Err(RuleError::Multiple('p'));
                }
                let proto = value::proto(&value)?;
                if proto == Proto::ALL && self.not.is_some() {
                    return Err(RuleError::NeverMatches);
                }
                self.rule.proto = Some(Inv { not: self.not.is_some(), value: proto });
            }
            Core::Match => {
                if self.not.is_some() {
                    return Err(RuleError::UnexpectedNot);
                }
                self.load_match(&value);
            }
            Core::Jump | Core::Goto => {
                if self.not.is_some() {
                    return Err(RuleError::Said(format!("unexpected ! flag before {name}")));
                }
                if !matches!(self.target, Jump::None) {
                    return Err(RuleError::Multiple('j'));
                }
                let goto = core == Core::Goto;
                self.target = Jump::To { name: SmolStr::new(&value), goto, word: self.at };
                if !goto && !is_chain(&value) {
                    self.load_target(&value);
                }
            }
            Core::Fragment | Core::Family4 | Core::Family6 | Core::Wait | Core::SetCounters => {}
        }
        Ok(())
    }

    /// The option's argument: what hangs on it, or the next word.
    fn argument(&mut self, name: &str, attached: Option<&str>) -> Result<String, RuleError> {
        if let Some(value) = attached {
            return Ok(value.to_owned());
        }
        match self.words.get(self.at + 1) {
            // `-s ! ADDRESS`, as versions before 1.4.3 had it.
            Some(bang) if bang.text == "!" && self.not.is_none() && self.at + 2 < self.words.len() => {
                self.remarks.push((self.at + 1, Remark::LateNot));
                self.not = Some(self.at + 1);
                self.at += 2;
                Ok(self.words[self.at].text.to_string())
            }
            Some(word) => {
                self.at += 1;
                Ok(word.text.to_string())
            }
            None => Err(RuleError::MissingArgument(name.into())),
        }
    }

    fn peek_is_number(&self) -> bool {
        self.words.get(self.at + 1).is_some_and(|w| w.text.parse::<u32>().is_ok())
    }

    fn set_counters(&mut self, attached: Option<&str>) -> Result<(), RuleError> {
        let first = self.argument("-c", attached)?;
        let (packets, bytes) = match first.split_once(',') {
            Some((p, b)) => (p.to_owned(), b.to_owned()),
            None if self.peek_is_number() => {
                self.at += 1;
                (first, self.words[self.at].text.to_string())
            }
            None => return Err(RuleError::Said("-c requires packet and byte counter".into())),
        };
        let bad = |what: &str| RuleError::Said(format!("-c {what} counter not numeric"));
        self.rule.counters.packets = packets.parse().map_err(|_| bad("packet"))?;
        self.rule.counters.bytes = bytes.parse().map_err(|_| bad("byte"))?;
        Ok(())
    }

    fn addresses(&self, text: &str, letter: char, again: bool) -> Result<Inv<Vec<AddrMask>>, RuleError> {
        if again {
            return Err(RuleError::Multiple(letter));
        }
        let list =
            text.split(',').map(|a| value::host_mask(a, self.family)).collect::<Result<Vec<_>, _>>()?;
        if list.len() > 1 && self.not.is_some() {
            return Err(RuleError::NegatedList);
        }
        Ok(Inv { not: self.not.is_some(), value: list })
    }

    fn interface(&self, text: &str, letter: char, again: bool) -> Result<Inv<IfMatch>, RuleError> {
        if again {
            return Err(RuleError::Multiple(letter));
        }
        if text.is_empty() {
            return Err(RuleError::IfNameEmpty);
        }
        if let Some(hook) = Hook::by_name(self.chain.as_str()) {
            let known = if letter == 'i' { hook.has_iif() } else { hook.has_oif() };
            if !known {
                return Err(RuleError::WrongInterface(letter, self.chain.clone()));
            }
        }
        let pattern = IfMatch::new(text).ok_or_else(|| RuleError::IfNameTooLong(text.into()))?;
        Ok(Inv { not: self.not.is_some(), value: pattern })
    }

    fn load_match(&mut self, name: &str) {
        let source = match matches::find(name, self.family) {
            Some(ext) => Source::Known(ext),
            None => {
                self.remarks.push((self.at, Remark::UnknownMatch(name.into())));
                Source::Unknown(name.into(), Vec::new())
            }
        };
        self.loaded.push(Loaded { source, given: Vec::new(), is_target: false, word: self.at });
    }

    fn load_target(&mut self, name: &str) {
        if targets::is_verdict(name) {
            return;
        }
        let source = match targets::find(name, self.family) {
            Some(ext) => Source::Known(ext),
            None => Source::Unknown(name.into(), Vec::new()),
        };
        self.loaded.push(Loaded { source, given: Vec::new(), is_target: true, word: self.at });
    }

    fn extension_option(&mut self, slot: usize, opt: usize, attached: Option<&str>) -> Result<(), RuleError> {
        let Source::Known(ext) = self.loaded[slot].source else { return Ok(()) };
        let option = &ext.opts[opt];
        let text = match option.kind {
            Kind::None => String::new(),
            Kind::TwoTexts => {
                let first = self.argument(&format!("--{}", option.name), attached)?;
                let second = self.argument(&format!("--{}", option.name), None)?;
                format!("{first} {second}")
            }
            _ => self.argument(&format!("--{}", option.name), attached)?,
        };
        let not = self.not.is_some();
        check_once(ext, &self.loaded[slot].given, opt, not)?;
        let proto = self.rule.proto.filter(|p| !p.not).map(|p| p.value);
        let cx = value::Cx { ext: ext.name, opt: option.name, family: self.family, proto };
        let value = match option.kind {
            Kind::None => Value::None,
            kind => value::read(kind, &text, cx)?,
        };
        self.loaded[slot].given.push(Arg { opt, not, value });
        Ok(())
    }

    /// Keeps an unknown option and the words up to the next option.
    fn keep_words(&mut self, place: usize) {
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

    fn finish(mut self, is_chain: &dyn Fn(&str) -> bool) -> Result<ParsedRule, (usize, RuleError)> {
        for loaded in std::mem::take(&mut self.loaded) {
            let word = loaded.word;
            self.build(loaded).map_err(|e| (word, e))?;
        }
        self.jump(is_chain)?;
        let one = |list: Option<Inv<Vec<AddrMask>>>| match list {
            None => vec![None],
            Some(Inv { not, value }) => value.into_iter().map(|value| Some(Inv { not, value })).collect(),
        };
        // `-s 0.0.0.0/0` asks for nothing; `! -s 0.0.0.0/0` never matches and is kept.
        let trim = |a: Option<Inv<AddrMask>>| a.filter(|a| a.not || !a.value.is_everything());
        let (sources, destinations) = (one(self.sources), one(self.destinations));
        let mut rules = Vec::with_capacity(sources.len() * destinations.len());
        for src in sources {
            for dst in &destinations {
                rules.push(Rule { src: trim(src), dst: trim(*dst), ..self.rule.clone() });
            }
        }
        for rule in &mut rules {
            rule.proto = rule.proto.filter(|p| p.value != Proto::ALL);
            rule.iif = rule.iif.take().filter(|i| i.not || i.value.as_str() != "+");
            rule.oif = rule.oif.take().filter(|o| o.not || o.value.as_str() != "+");
        }
        Ok(ParsedRule { rules, remarks: self.remarks })
    }

    fn build(&mut self, loaded: Loaded) -> Result<(), RuleError> {
        match loaded.source {
            Source::Known(ext) => {
                check_required(ext, &loaded.given)?;
                let args = Args { ext, given: &loaded.given, family: self.family, proto: self.rule.proto };
                match ext.build {
                    Build::Match(build) => self.rule.matches.push(build(&args)?),
                    Build::Target(build) => self.rule.target = build(&args)?,
                }
            }
            Source::Unknown(name, words) if loaded.is_target => {
                if words.is_empty() && !targets::is_foreign(&name) {
                    return Err(RuleError::NoSuchChain(name.into()));
                }
                self.remarks.push((loaded.word, Remark::UnknownTarget(name.to_string())));
                self.rule.target = Target::Unknown(super::super::Unknown { name, words });
            }
            Source::Unknown(name, words) => {
                self.rule.matches.push(Match::Unknown(super::super::Unknown { name, words }));
            }
        }
        Ok(())
    }

    fn jump(&mut self, is_chain: &dyn Fn(&str) -> bool) -> Result<(), (usize, RuleError)> {
        let Jump::To { name, goto, word } = &self.target else { return Ok(()) };
        if let Some(verdict) = targets::verdict(name).filter(|_| !goto) {
            self.rule.target = verdict;
        } else if is_chain(name) {
            let chain = ChainName::new(name);
            self.rule.target = if *goto { Target::Goto(chain) } else { Target::Jump(chain) };
        } else if *goto {
            return Err((*word, RuleError::NoSuchChain(name.to_string())));
        }
        Ok(())
    }
}

fn exact(ext: &Extension, name: &str) -> Option<usize> {
    ext.opts.iter().position(|o| o.name == name || o.alias == Some(name))
}

/// `getopt_long` takes a unique beginning of an option's name.
fn abbreviated(ext: &Extension, name: &str) -> Option<usize> {
    let mut found = ext.opts.iter().enumerate().filter(|(_, o)| o.name.starts_with(name));
    match (found.next(), found.next()) {
        (Some((place, _)), None) => Some(place),
        _ => None,
    }
}
