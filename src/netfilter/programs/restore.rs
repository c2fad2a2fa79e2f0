//! `iptables-restore` and `ip6tables-restore`: a file of commands, a commit a table.

use super::super::error::RuleError;
use super::super::text::{Command, Reading, Refusal, Verb, chain_name, parse_command, split_from};
use super::super::{ChainName, Counters, Family, Hook, TableName};
use super::iptables::{VERSION, as_kept, commit, refuse, warn};
use super::prepare::{Pending, Task};
use super::save::{Found, Words};
use super::{Machine, Output, help};

#[derive(Default)]
struct Options {
    counters: bool,
    verbose: u8,
    test: bool,
    noflush: bool,
    table: Option<String>,
}

const OPTIONS: &[(&str, char)] = &[
    ("counters", 'c'),
    ("verbose", 'v'),
    ("version", 'V'),
    ("test", 't'),
    ("help", 'h'),
    ("noflush", 'n'),
    ("modprobe", 'M'),
    ("table", 'T'),
    ("ipv4", '4'),
    ("ipv6", '6'),
    ("wait", 'w'),
    ("wait-interval", 'W'),
];

pub(super) fn run(program: &str, family: Family, argv: &[String], machine: &mut Machine) -> Output {
    let mut output = Output::default();
    let mut options = Options::default();
    let mut files = Vec::new();
    let mut words = Words::new(argv);
    while let Some(found) = words.next(OPTIONS, "bcvVthnM:T:w::W::46") {
        match found {
            Found::Option('c', _) => options.counters = true,
            Found::Option('v', _) => options.verbose = options.verbose.saturating_add(1),
            Found::Option('V', _) => {
                output.stdout = format!("{program} v{VERSION}\n");
                return output;
            }
            Found::Option('t', _) => options.test = true,
            Found::Option('h', _) => {
                output.stderr = help::restore(program);
                return output;
            }
            Found::Option('n', _) => options.noflush = true,
            Found::Option('T', value) => options.table = value.map(str::to_owned),
            Found::Option('w' | 'W', None) => words.skip_argument(),
            Found::Option('b', _) => output.stderr.push_str("-b/--binary option is not implemented\n"),
            Found::Option(..) => {}
            Found::Word(word) => files.push(word),
            Found::Wrong(what) => {
                let hint = format!("Try `{program} -h' for more information.");
                return output.fail(1, &format!("{program}: {what}\n{hint}"));
            }
        }
    }
    let text = match files[..] {
        [] => machine.stdin.to_owned(),
        [file] => match (machine.files)(file) {
            Some(text) => text,
            None => return output.fail(1, &format!("Can't open {file}: No such file or directory")),
        },
        _ => return output.fail(1, "Unknown arguments found on commandline"),
    };
    let line = std::iter::once(program).chain(argv.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    let mut restore = Restore { program, family, options, line, machine, table: None, pending: Vec::new() };
    let mut count = 0;
    for line in text.split_inclusive('\n') {
        count += 1;
        output = match restore.read(output, line, count) {
            Ok(output) => output,
            Err(ended) => return ended,
        };
    }
    if restore.table.is_some_and(|(_, chosen)| chosen) {
        return output.fail(1, &format!("{program}: COMMIT expected at line {}", count + 1));
    }
    output
}

struct Restore<'a, 'm> {
    program: &'a str,
    family: Family,
    options: Options,
    /// The command line, as the cause of what changes.
    line: String,
    machine: &'a mut Machine<'m>,
    /// The table of the last `*` line, and whether its lines are taken.
    table: Option<(TableName, bool)>,
    pending: Vec<Pending>,
}

impl Restore<'_, '_> {
    /// Takes one line; the end of the run where it ends there.
    fn read(&mut self, mut output: Output, text: &str, line: u32) -> Result<Output, Output> {
        let bare = text.strip_suffix('\n').unwrap_or(text);
        if text == "\n" {
            return Ok(output);
        }
        if text.starts_with('#') {
            if self.options.verbose > 0 {
                output.stdout.push_str(text);
            }
            return Ok(output);
        }
        let open = self.table.filter(|(_, taken)| *taken).map(|(table, _)| table);
        match open {
            Some(_) if bare == "COMMIT" => {
                self.table = self.table.map(|(table, _)| (table, false));
                let pending = std::mem::take(&mut self.pending);
                if self.options.test {
                    return Ok(output);
                }
                let batch = (pending, Some(line));
                let output = commit(output, self.program, &self.line, self.family, batch, self.machine);
                if output.status == 0 { Ok(output) } else { Err(output) }
            }
            None if bare.starts_with('*') => self.table_line(output, &bare[1..], line),
            Some(table) if bare.starts_with(':') => self.chain_line(output, table, &bare[1..], line),
            Some(table) => self.rule_line(output, table, bare, line),
            // Lines of a table that was not asked for.
            None if self.is_other_table() => Ok(output),
            None => Err(output.fail(1, &format!("{}: line {line} failed", self.program))),
        }
    }

    fn is_other_table(&self) -> bool {
        let wanted = self.options.table.as_deref();
        matches!((wanted, self.table), (Some(wanted), Some((table, _))) if table.name() != wanted)
    }

    /// Ends with an error that names the program twice, as these do.
    fn invalid(&self, output: Output, line: u32, what: &str) -> Output {
        let said = format!("{}: line {line} {what}", self.program);
        refuse(output, self.program, &RuleError::Said(said), Some(line))
    }

    fn push(&mut self, table: TableName, line: u32, task: Task) {
        self.pending.push(Pending { table, line: Some(line), task });
    }

    fn table_line(&mut self, output: Output, text: &str, line: u32) -> Result<Output, Output> {
        let Some(name) = text.split([' ', '\t']).find(|w| !w.is_empty()) else {
            return Err(self.invalid(output, line, "table name invalid"));
        };
        let Some(table) = TableName::by_name(name) else {
            return Err(self.invalid(output, line, &format!("table name '{name}' invalid")));
        };
        let taken = self.options.table.as_deref().is_none_or(|wanted| wanted == name);
        self.table = Some((table, taken));
        if taken && !self.options.noflush {
            if self.options.verbose > 0 {
                self.push(table, line, Task::Command(whole_table(Verb::Flush, self.options.verbose)));
                self.push(table, line, Task::Command(whole_table(Verb::DeleteChain, self.options.verbose)));
            } else {
                self.push(table, line, Task::TableFlush);
            }
        }
        Ok(output)
    }

    fn chain_line(
        &mut self,
        output: Output,
        table: TableName,
        text: &str,
        line: u32,
    ) -> Result<Output, Output> {
        let mut words = text.split([' ', '\t']).filter(|w| !w.is_empty());
        let Some(name) = words.next() else {
            return Err(self.invalid(output, line, "chain name invalid"));
        };
        if let Err(error) = chain_name(name, self.family) {
            return Err(refuse(output, self.program, &error, Some(line)));
        }
        let Some(policy) = words.next() else {
            return Err(self.invalid(output, line, "policy invalid"));
        };
        let chain = ChainName::new(name);
        if Hook::by_name(name).is_none_or(|h| !table.hooks().contains(&h)) {
            self.push(table, line, Task::ChainRestore(chain));
            return Ok(output);
        }
        let word = words.next();
        let counted = word.and_then(policy_counters);
        if self.options.counters && counted.is_none() {
            let said = format!("invalid policy counters for chain '{name}'");
            return Err(refuse(output, self.program, &RuleError::Said(said), Some(line)));
        }
        let counted = counted.filter(|_| self.options.counters).unwrap_or_default();
        self.push(table, line, Task::ChainSet(chain, policy.to_owned(), counted));
        Ok(output)
    }

    fn rule_line(
        &mut self,
        mut output: Output,
        table: TableName,
        text: &str,
        line: u32,
    ) -> Result<Output, Output> {
        let said =
            |output, what: String| Err(refuse(output, self.program, &RuleError::Said(what), Some(line)));
        let (mut start, mut counted) = (0, None);
        if let Some(inside) = text.strip_prefix('[') {
            let Some(end) = inside.find(']') else {
                return said(output, format!("Bad line {line}: need ]"));
            };
            // As strtok cuts it: at the first colon, wherever it stands, and then at the first bracket.
            let inside = inside.trim_start_matches(':');
            if inside.is_empty() {
                return said(output, format!("Bad line {line}: need :"));
            }
            let (packets, rest) = inside.split_once(':').unwrap_or((inside, ""));
            let rest = rest.trim_start_matches(']');
            if rest.is_empty() {
                return said(output, format!("Bad line {line}: need ]"));
            }
            start = end + 2;
            counted = Some((packets, rest.split(']').next().unwrap_or(rest)));
        }
        let mut words = split_from(text, start).words;
        if let Some((packets, bytes)) = counted.filter(|_| self.options.counters) {
            let more = ["--set-counters", packets, bytes];
            let word = |text: &str| super::super::text::Word { text: text.into(), at: 0, len: text.len() };
            words.splice(0..0, more.into_iter().map(word));
        }
        let sets = Some(&self.machine.netfilter.sets);
        let reading = Reading { family: self.family, table, restore: true, dump: false, sets };
        let mut command = match parse_command(reading, &words) {
            Ok(command) => command,
            Err(Refusal { error: RuleError::OtherFamily, .. }) => return Ok(output),
            Err(Refusal { error, remarks, .. }) => {
                warn(&mut output, &remarks);
                return Err(refuse(output, self.program, &error, Some(line)));
            }
        };
        warn(&mut output, &command.remarks);
        match command.verb {
            Verb::Help => {
                output.stdout.push_str(&help::text(self.program));
                return Err(output);
            }
            Verb::Version { .. } => {
                output.stdout.push_str(&format!("{} v{VERSION}\n", self.program));
                return Err(output);
            }
            _ => {}
        }
        if !self.options.noflush {
            command.verbose = command.verbose.saturating_add(self.options.verbose);
        }
        let command = as_kept(self.family, command);
        self.push(table, line, Task::Command(command));
        Ok(output)
    }
}

/// A command for all chains of a table.
fn whole_table(verb: Verb, verbose: u8) -> Command {
    Command {
        verb,
        chain: None,
        rules: Vec::new(),
        jump: None,
        table: None,
        verbose,
        numeric: false,
        exact: false,
        line_numbers: false,
        counters: None,
        remarks: Vec::new(),
    }
}

/// `[packets:bytes]` of a chain's line; what follows the second number does not matter.
fn policy_counters(word: &str) -> Option<Counters> {
    let number = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        Some((text[..end].parse().ok()?, text[end..].to_owned()))
    };
    let (packets, rest) = number(word.strip_prefix('[')?)?;
    let (bytes, _) = number(rest.strip_prefix(':')?)?;
    Some(Counters { packets, bytes })
}
