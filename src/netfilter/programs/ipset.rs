//! `ipset`, on the host's sets.

use super::super::event::Event;
use super::super::ipset;
use super::{Machine, Output};

pub(super) fn run(argv: &[String], machine: &mut Machine) -> Output {
    let read = ipset::input_file(argv).and_then(|path| (machine.files)(&path));
    let stdin = read.as_deref().unwrap_or(machine.stdin);
    let done = ipset::run(argv, stdin, &mut machine.netfilter.sets, machine.now);
    if !done.changes.is_empty() {
        let command = std::iter::once("ipset").chain(argv.iter().map(String::as_str));
        let command = command.collect::<Vec<_>>().join(" ");
        let cause = machine.sink.emit(None, Event::CommandRun { command });
        for ipset::SetEvent { set, change } in done.changes {
            machine.sink.emit(Some(cause), Event::SetChanged { set, change });
        }
    }
    let output = Output { stdout: done.stdout, stderr: done.stderr, status: done.status };
    match done.file {
        Some((path, _)) => output.fail(1, &format!("ipset: {path}: the model has no files to write")),
        None => output,
    }
}
