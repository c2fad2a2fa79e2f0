//! `iptables` and `ip6tables`: one command.

use super::super::error::RuleError;
use super::super::event::Event;
use super::super::text::{Command, Reading, Refusal, Remark, Verb, Word, parse_command};
use super::super::{Family, Netfilter, Ruleset, TableName};
use super::kernel::{self, Message};
use super::list::Counted;
use super::prepare::{Pending, Prepare, Task};
use super::{Machine, Output, help};
use smol_str::SmolStr;
use std::sync::Arc;

pub(super) fn run(program: &str, family: Family, argv: &[String], machine: &mut Machine) -> Output {
    let mut output = Output::default();
    let words: Vec<Word> = argv.iter().map(|a| Word { text: SmolStr::new(a), at: 0, len: a.len() }).collect();
    let sets = Some(&machine.netfilter.sets);
    let reading = Reading { family, table: TableName::Filter, restore: false, dump: false, sets };
    let command = match parse_command(reading, &words) {
        Ok(command) => command,
        Err(Refusal { error, remarks, .. }) => {
            warn(&mut output, &remarks);
            return refuse(output, program, &error, None);
        }
    };
    warn(&mut output, &command.remarks);
    match command.verb {
        Verb::Help => {
            output.stdout = help::text(program);
            return output;
        }
        Verb::Version { not: false } => {
            output.stdout = format!("{program} v{VERSION}\n");
            return output;
        }
        Verb::Version { not: true } => {
            output.stdout = format!("Not {VERSION} ;-)\n");
            return output;
        }
        _ => {}
    }
    let name = command.table.as_deref().unwrap_or("filter");
    let Some(table) = TableName::by_name(name) else {
        return refuse(output, program, &RuleError::NoSuchTable(name.into()), None);
    };
    let line = std::iter::once(program).chain(argv.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    let pending = vec![Pending { table, line: None, task: Task::Command(as_kept(family, command)) }];
    commit(output, program, &line, family, (pending, None), machine)
}

/// The version that all the programs print.
pub(super) const VERSION: &str = "1.8.9 (nf_tables)";

/// A command with its rules as iptables hands them to the kernel: ip6tables 1.8.9 forgets what `-c` says.
pub(super) fn as_kept(family: Family, mut command: Command) -> Command {
    for rule in &mut command.rules {
        rule.counters = command.counters.filter(|_| family.is_v4()).unwrap_or_default();
    }
    command
}

/// Writes what iptables warns of while it reads a command.
pub(super) fn warn(output: &mut Output, remarks: &[(usize, Remark)]) {
    for (_, remark) in remarks {
        match remark {
            Remark::Warning(text) => {
                output.stderr.push_str(text);
                output.stderr.push('\n');
            }
            Remark::LateNot
            | Remark::UnknownMatch(_)
            | Remark::UnknownTarget(_)
            | Remark::Trap(_)
            | Remark::NoSet(_) => {}
        }
    }
}

/// Ends with an error of the command's own.
pub(super) fn refuse(output: Output, program: &str, error: &RuleError, line: Option<u32>) -> Output {
    let told = match (error, line) {
        (RuleError::Plain(message), Some(line)) => format!("{program}: line {line} failed: {message}"),
        _ => error.told(program, line),
    };
    output.fail(error.exit_status(), &told)
}

/// Runs commands to their end: what iptables itself finds wrong, then what the kernel does.
pub(super) fn commit(
    mut output: Output,
    program: &str,
    line: &str,
    family: Family,
    (pending, at): (Vec<Pending>, Option<u32>),
    machine: &mut Machine,
) -> Output {
    match prepare(&mut output.stdout, family, pending, machine.netfilter) {
        Ok(batch) => send(output, program, line, family, &batch, machine),
        // What is wrong with the command itself is noticed only now, and told of the line of the COMMIT.
        Err((line, error)) => {
            let line = if matches!(error, RuleError::Plain(_)) { line } else { at };
            refuse(output, program, &error, line)
        }
    }
}

/// The messages for the kernel.
fn prepare(
    stdout: &mut String,
    family: Family,
    pending: Vec<Pending>,
    netfilter: &Netfilter,
) -> Result<Vec<Message>, (Option<u32>, RuleError)> {
    let counted = counted(netfilter, family);
    let mut prepare = Prepare::new(as_listed(netfilter, family), &counted, &pending, stdout);
    prepare.run(pending)?;
    Ok(prepare.messages)
}

/// A family's rules, its chains with what their policies have counted.
fn as_listed(netfilter: &Netfilter, family: Family) -> Ruleset {
    let mut ruleset = netfilter.ruleset(family).map_or_else(|| Ruleset::empty(family), |r| Ruleset::clone(r));
    netfilter.add_policy_totals(&mut ruleset);
    ruleset
}

/// What rules have counted since they came, by the rule.
fn counted(netfilter: &Netfilter, family: Family) -> Counted {
    let Some(ruleset) = netfilter.ruleset(family) else { return Counted::new() };
    let counters = netfilter.all_counted(family);
    counters.filter_map(|(at, counted)| Some((Arc::as_ptr(ruleset.rule(at)?), counted))).collect()
}

fn send(
    output: Output,
    program: &str,
    line: &str,
    family: Family,
    batch: &[Message],
    machine: &mut Machine,
) -> Output {
    if batch.is_empty() {
        return output;
    }
    let empty;
    let before = match machine.netfilter.ruleset(family) {
        Some(ruleset) => ruleset,
        None => {
            empty = Arc::new(Ruleset::empty(family));
            &empty
        }
    };
    match kernel::commit(before, batch) {
        Ok(done) => {
            if !done.changes.is_empty() {
                let run = Event::CommandRun { command: line.to_owned() };
                let cause = machine.sink.emit(None, run);
                for change in done.changes {
                    machine.sink.emit(Some(cause), Event::RulesChanged { family, change });
                }
            }
            machine.netfilter.edit(done.edit);
            output
        }
        Err(refused) => {
            let told = kernel::told(&refused);
            output.fail(4, &format!("{program} v{VERSION}: {told}"))
        }
    }
}
