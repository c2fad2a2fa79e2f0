//! A command's options, read in the order and with the refusals of iptables 1.8.9 (`do_parse`).

use super::super::error::RuleError;
use super::super::extension::{Arg, Extension, check_once};
use super::super::rule::Counters;
use super::super::value::{self, Kind};
use super::super::{ChainName, Inv, Rule, matches, targets};
use super::options::{Core, Takes};
use super::rule::{Reading, Remark};
use super::verb::{Verb, target_name};
use super::words::Word;
use crate::packet::Proto;
use smol_str::SmolStr;

/// An extension that `-m`, `-j` or `-p` brought in, with what the rule gave it so far.
pub(super) struct Loaded {
    pub(super) source: Source,
    pub(super) given: Vec<Arg>,
    pub(super) is_target: bool,
    /// Where it was named.
    pub(super) word: usize,
}

pub(super) enum Source {
    Known(&'static Extension),
    /// Kept word for word.
    Unknown(SmolStr, Vec<SmolStr>),
}

/// The command's option: its letter, what it does, where, and the number of the chain's word.
pub(super) struct Given {
    pub(super) letter: char,
    pub(super) verb: Verb,
    pub(super) chain: Option<(ChainName, usize)>,
}

/// `-j` or `-g`, with the number of its word.
pub(super) struct Jump<'a> {
    pub(super) name: &'a str,
    pub(super) goto: bool,
    pub(super) word: usize,
}

pub(super) struct Parser<'a> {
    pub(super) reading: Reading<'a>,
    pub(super) words: &'a [Word],
    pub(super) at: usize,
    /// The `!` that waits for its option.
    pub(super) not: Option<usize>,
    pub(super) verb: Option<Given>,
    pub(super) rule: Rule,
    pub(super) sources: Option<(bool, &'a str, usize)>,
    pub(super) destinations: Option<(bool, &'a str, usize)>,
    /// `-p` as it was written: the name of the match that its first option brings in.
    pub(super) proto_name: Option<&'a str>,
    pub(super) proto_loaded: bool,
    pub(super) loaded: Vec<Loaded>,
    pub(super) target: Option<Jump<'a>>,
    /// `-n`, `-x`, `--line-numbers` (`0`) and `-v`, which each stand once; `-v` may be repeated.
    pub(super) flags: Vec<char>,
    pub(super) verbose: u8,
    /// `-t`, the last one.
    pub(super) table: Option<&'a str>,
    pub(super) counters: Option<Counters>,
    /// `-w` and `-W` were given.
    pub(super) waits: (bool, bool),
    /// The line's end was told by `--`, and words stand behind it.
    pub(super) leftover: bool,
    /// `-V` or `-h`: the rest of the line is not looked at.
    pub(super) asked: Option<Verb>,
    pub(super) remarks: Vec<(usize, Remark)>,
}

impl<'a> Parser<'a> {
    /// Nothing read yet.
    pub(super) fn new(reading: Reading<'a>, words: &'a [Word]) -> Self {
        Parser {
            reading,
            words,
            at: 0,
            not: None,
            verb: None,
            rule: Rule::empty(),
            sources: None,
            destinations: None,
            proto_name: None,
            proto_loaded: false,
            loaded: Vec::new(),
            target: None,
            flags: Vec::new(),
            verbose: 0,
            table: None,
            counters: None,
            waits: (false, false),
            leftover: false,
            asked: None,
            remarks: Vec::new(),
        }
    }

    /// The number of the word at which an error was noticed.
    pub(super) fn word(&self) -> usize {
        self.at.min(self.words.len().saturating_sub(1))
    }

    /// What there was to tell of the words so far.
    pub(super) fn remarks(self) -> Vec<(usize, Remark)> {
        self.remarks
    }

    /// Reads all words.
    pub(super) fn run(&mut self) -> Result<(), RuleError> {
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
            if text == "--" {
                self.leftover = self.at + 1 < self.words.len();
                break;
            }
            if let Some(long) = text.strip_prefix("--") {
                self.long(long)?;
            } else if let Some(short) = text.strip_prefix('-').filter(|s| !s.is_empty()) {
                self.short(short)?;
            } else {
                return Err(RuleError::BadArgument(text.into()));
            }
            if self.asked.is_some() {
                break;
            }
            self.at += 1;
            self.not = None;
        }
        Ok(())
    }

    /// `-nvL` is `-n -v -L`; what follows a letter that takes an argument is the argument.
    fn short(&mut self, short: &'a str) -> Result<(), RuleError> {
        let mut chars = short.chars();
        while let Some(letter) = chars.next() {
            let unknown = || RuleError::UnknownOption(format!("-{letter}"));
            let core = Core::short(letter).ok_or_else(unknown)?;
            if core.takes() != Takes::Nothing {
                return self.core(core, Some(chars.as_str()).filter(|a| !a.is_empty()));
            }
            self.core(core, None)?;
            if self.asked.is_some() {
                break;
            }
            // `!` negates the first of them only.
            self.not = None;
        }
        Ok(())
    }

    fn long(&mut self, text: &'a str) -> Result<(), RuleError> {
        let (name, attached) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let unknown = || RuleError::UnknownOption(format!("--{text}"));
        if let Some(core) = Core::exact(name) {
            return self.core(core, attached);
        }
        match self.find_option(name) {
            Found::Core(core) => return self.core(core, attached),
            Found::Option(slot, opt) => return self.extension_option(slot, opt, attached),
            Found::Ambiguous => return Err(unknown()),
            Found::Nothing => {}
        }
        // `-p tcp --dport 80`: the protocol's own match comes in with the first option that nothing else has.
        if let Some(ext) = self.implicit_match() {
            self.proto_loaded = true;
            self.load(ext, false);
            if let Found::Option(slot, opt) = self.find_option(name) {
                return self.extension_option(slot, opt, attached);
            }
        }
        match self.loaded.iter().rposition(|l| matches!(l.source, Source::Unknown(..))) {
            Some(place) if self.reading.dump => {
                self.keep_words(place);
                Ok(())
            }
            _ => Err(unknown()),
        }
    }

    /// What a long name means: the extension that came in last is asked first, as in `getopt`'s merged list;
    /// a beginning of a name must belong to one option only.
    fn find_option(&self, name: &str) -> Found {
        let known = || {
            self.loaded.iter().enumerate().rev().filter_map(|(slot, l)| match &l.source {
                Source::Known(ext) => Some((slot, *ext)),
                Source::Unknown(..) => None,
            })
        };
        if let Some((slot, opt)) = known().find_map(|(slot, ext)| Some((slot, ext.opt(name)?))) {
            return Found::Option(slot, opt);
        }
        let mut found = Found::Nothing;
        let mut names = None;
        for core in Core::beginning(name) {
            match found {
                Found::Nothing => found = Found::Core(core),
                Found::Core(other) if other == core => {}
                _ => return Found::Ambiguous,
            }
        }
        for (slot, ext) in known() {
            for (opt, option) in ext.opts.iter().enumerate() {
                if !option.names().any(|n| n.starts_with(name)) || names == Some((ext.name, opt)) {
                    continue;
                }
                match found {
                    Found::Nothing => found = Found::Option(slot, opt),
                    _ => return Found::Ambiguous,
                }
                names = Some((ext.name, opt));
            }
        }
        found
    }

    /// The match that `-p` brings in by itself, once a rule.
    fn implicit_match(&self) -> Option<&'static Extension> {
        if self.proto_loaded {
            return None;
        }
        let written = self.proto_name?;
        match value::number(written) {
            Some(n) => matches::find(Proto(u8::try_from(n).ok()?).name()?, self.reading.family),
            None => matches::find(&written.to_ascii_lowercase(), self.reading.family),
        }
    }

    fn core(&mut self, core: Core, attached: Option<&'a str>) -> Result<(), RuleError> {
        let word = self.words[self.at].text.as_str();
        let given = match core.takes() {
            Takes::Nothing => None,
            Takes::One => Some(self.argument(attached)?),
            Takes::Maybe if core == Core::Help => attached,
            Takes::Maybe => match attached {
                Some(text) => Some(text),
                None if self.has_argument() => Some(self.argument(None)?),
                None => None,
            },
        };
        let value = given.unwrap_or_default();
        // For these iptables takes the whole last word, also where the value hangs on its option.
        let whole = [Core::Source, Core::Destination, Core::InInterface, Core::OutInterface, Core::Protocol]
            .contains(&core)
            || core == Core::Jump;
        let value = if whole && attached.is_some() { word } else { value };
        match core {
            Core::Command(letter) => self.command(letter, given)?,
            Core::Source | Core::Destination => {
                let (letter, slot) = match core {
                    Core::Source => ('s', &mut self.sources),
                    _ => ('d', &mut self.destinations),
                };
                if slot.is_some() {
                    return Err(RuleError::Multiple(letter));
                }
                *slot = Some((self.not.is_some(), value, self.at));
            }
            Core::InInterface => {
                self.rule.iif = Some(self.interface(value, 'i', self.rule.iif.is_some())?);
            }
            Core::OutInterface => {
                self.rule.oif = Some(self.interface(value, 'o', self.rule.oif.is_some())?);
            }
            Core::Protocol => self.protocol(value)?,
            Core::Fragment => {
                if !self.reading.family.is_v4() {
                    return Err(RuleError::Fragment6);
                }
                if self.rule.fragment.is_some() {
                    return Err(RuleError::Multiple('f'));
                }
                self.rule.fragment = Some(self.not.is_none());
            }
            Core::Match => {
                if self.not.is_some() {
                    return Err(RuleError::NotBeforeMatch);
                }
                self.load_match(value)?;
            }
            Core::Jump | Core::Goto => {
                if self.target.is_some() {
                    return Err(RuleError::Multiple('j'));
                }
                if self.not.is_some() {
                    return Err(RuleError::NotInvertible('j'));
                }
                target_name(value)?;
                let goto = core == Core::Goto;
                self.target = Some(Jump { name: value, goto, word: self.at });
                if !goto {
                    self.load_target(value);
                }
            }
            Core::Table if self.not.is_some() => {
                return Err(RuleError::Said("unexpected ! flag before --table".into()));
            }
            Core::Table if self.reading.restore => {
                let program = self.reading.family.program();
                let said = format!("The -t option cannot be used in {program}-restore.\n");
                return Err(RuleError::Said(said));
            }
            Core::Wait | Core::WaitInterval if self.reading.restore => {
                let letter = if core == Core::Wait { 'w' } else { 'W' };
                let said = format!("You cannot use `-{letter}' from iptables-restore");
                return Err(RuleError::Said(said));
            }
            Core::Table => self.table = Some(value),
            Core::Wait => {
                if given
                    .is_some_and(|seconds| value::leading_number(seconds.trim_start_matches('-')).is_none())
                {
                    return Err(RuleError::Said("wait seconds not numeric".into()));
                }
                self.waits.0 = true;
            }
            Core::WaitInterval => {
                if given.is_some_and(|micros| value::number(micros).is_none()) {
                    return Err(RuleError::Said("wait interval not numeric".into()));
                }
                self.waits.1 = true;
                let warning = "Ignoring deprecated --wait-interval option.";
                self.remarks.push((self.at, Remark::Warning(warning.into())));
            }
            Core::SetCounters => {
                self.once('c')?;
                self.set_counters(value)?;
            }
            Core::Listing(letter) => self.once(letter)?,
            Core::Verbose => {
                if self.verbose == 0 {
                    self.once('v')?;
                }
                self.verbose = self.verbose.saturating_add(1);
            }
            Core::Modprobe => {}
            Core::Version => self.asked = Some(Verb::Version { not: self.not.is_some() }),
            Core::Help => self.asked = Some(Verb::Help),
            Core::Family4 | Core::Family6 => {
                if (core == Core::Family4) != self.reading.family.is_v4() {
                    return Err(RuleError::OtherFamily);
                }
            }
        }
        Ok(())
    }

    fn protocol(&mut self, text: &'a str) -> Result<(), RuleError> {
        if self.rule.proto.is_some() {
            return Err(RuleError::Multiple('p'));
        }
        let proto = value::proto(text)?;
        if proto == Proto::ALL && self.not.is_some() {
            return Err(RuleError::NeverMatches);
        }
        // IPv6 rules ask the header that ends the chain of headers, which is never one of these.
        if !self.reading.family.is_v4() && matches!(proto.0, 43 | 44 | 51 | 60) && self.not.is_none() {
            let lower = text.to_ascii_lowercase();
            let warning = format!("Warning: never matched protocol: {lower}. use extension match instead.");
            self.remarks.push((self.at, Remark::Warning(warning)));
        }
        self.rule.proto = Some(Inv { not: self.not.is_some(), value: proto });
        self.proto_name = Some(text);
        Ok(())
    }

    /// The option's argument: what hangs on it, or the next word.
    pub(super) fn argument(&mut self, attached: Option<&'a str>) -> Result<&'a str, RuleError> {
        if let Some(value) = attached {
            return Ok(value);
        }
        let words = self.words;
        match words.get(self.at + 1) {
            // `-s ! ADDRESS`, as versions before 1.4.3 had it.
            Some(bang)
                if self.reading.dump
                    && bang.text == "!"
                    && self.not.is_none()
                    && self.at + 2 < words.len() =>
            {
                self.remarks.push((self.at + 1, Remark::LateNot));
                self.not = Some(self.at + 1);
                self.at += 2;
                Ok(words[self.at].text.as_str())
            }
            Some(word) => {
                self.at += 1;
                Ok(word.text.as_str())
            }
            None => Err(RuleError::MissingArgument(words[self.at].text.to_string())),
        }
    }

    /// True if the next word is neither an option nor `!` (`xs_has_arg`).
    pub(super) fn has_argument(&self) -> bool {
        self.words.get(self.at + 1).is_some_and(|w| !w.text.starts_with(['-', '!']))
    }

    fn load(&mut self, ext: &'static Extension, is_target: bool) {
        if ext.missing {
            let warning =
                format!("Warning: Extension {} revision 0 not supported, missing kernel module?", ext.name);
            self.remarks.push((self.at, Remark::Warning(warning)));
        }
        self.loaded.push(Loaded { source: Source::Known(ext), given: Vec::new(), is_target, word: self.at });
    }

    fn load_match(&mut self, name: &str) -> Result<(), RuleError> {
        matches::check_name(name)?;
        match matches::find(name, self.reading.family) {
            Some(ext) => self.load(ext, false),
            None if !self.reading.dump => return Err(RuleError::NoSuchMatch(name.into())),
            None => {
                self.remarks.push((self.at, Remark::UnknownMatch(name.into())));
                self.load_unknown(name, false);
            }
        }
        Ok(())
    }

    fn load_target(&mut self, name: &str) {
        match targets::find(name, self.reading.family) {
            Some(ext) => self.load(ext, true),
            None if targets::is_verdict(name) => {}
            None => self.load_unknown(name, true),
        }
    }

    fn load_unknown(&mut self, name: &str, is_target: bool) {
        let source = Source::Unknown(name.into(), Vec::new());
        self.loaded.push(Loaded { source, given: Vec::new(), is_target, word: self.at });
    }

    fn extension_option(
        &mut self,
        slot: usize,
        opt: usize,
        attached: Option<&'a str>,
    ) -> Result<(), RuleError> {
        let Source::Known(ext) = self.loaded[slot].source else { return Ok(()) };
        let option = &ext.opts[opt];
        if matches!(option.kind, Kind::None) && attached.is_some() {
            return Err(RuleError::UnknownOption(self.words[self.at].text.to_string()));
        }
        let joined;
        let text = match option.kind {
            Kind::None => "",
            Kind::TwoTexts => {
                let first = self.argument(attached)?;
                check_once(ext, &self.loaded[slot].given, opt, self.not.is_some())?;
                if !self.has_argument() {
                    let end = if ext.name == "sctp" { "" } else { "." };
                    return Err(RuleError::Said(format!("--{} requires two args{end}", option.name)));
                }
                joined = format!("{first} {}", self.argument(None)?);
                &joined
            }
            _ => self.argument(attached)?,
        };
        if ext.name == "set" && self.words[self.at.saturating_sub(2)].text == "--set" {
            let warning = "--set option deprecated, please use --match-set";
            self.remarks.push((self.at, Remark::Warning(warning.into())));
        }
        let not = self.not.is_some();
        check_once(ext, &self.loaded[slot].given, opt, not)?;
        let (family, proto) = (self.reading.family, self.rule.proto);
        let cx = value::Cx { ext: ext.name, opt: option.name, family, not, proto };
        let value = value::read(option.kind, text, cx);
        self.remarks.extend(Remark::of_value(ext.name, text, &value).map(|remark| (self.at, remark)));
        let value = value?;
        self.loaded[slot].given.push(Arg { opt, not, value });
        Ok(())
    }
}

/// What a long name means.
#[derive(Clone, Copy)]
enum Found {
    Core(Core),
    /// An extension's place among the loaded ones, and the option's place in its table.
    Option(usize, usize),
    Ambiguous,
    Nothing,
}
