//! The programs `iptables`, `iptables-save`, `iptables-restore`, their IPv6 twins and `ipset`, by their arguments:
//! what they print, what they refuse, and what they do to a host's rules and sets, as Debian 12's do.

mod chains;
mod date;
mod help;
mod ipset;
mod iptables;
mod kernel;
mod list;
mod prepare;
mod restore;
mod save;

use super::conntrack;
use super::event::Event;
use super::{Family, Netfilter};
use crate::abi::{EventId, Sink, Time};

/// What a program wrote, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Output {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit status.
    pub status: u8,
}

/// What a program works on.
pub struct Machine<'a> {
    /// The host's rules, and what they remember.
    pub netfilter: &'a mut Netfilter,
    /// The model's clock: the world began with the year 1970.
    pub now: Time,
    /// What is there to read on standard input.
    pub stdin: &'a str,
    /// The text of a file, by its path.
    pub files: &'a dyn Fn(&str) -> Option<String>,
    /// Where events go.
    pub sink: &'a mut dyn Sink<Event>,
}

/// Which of the programs a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Command,
    Save,
    Restore,
}

/// The names by which the programs are called: they print the first one of a row as their own name where the row
/// says so.
const PROGRAMS: &[(&str, Family, Kind, &str)] = &[
    ("iptables", Family::Ip, Kind::Command, "iptables"),
    ("iptables-nft", Family::Ip, Kind::Command, "iptables"),
    ("iptables-save", Family::Ip, Kind::Save, "iptables-save"),
    ("iptables-nft-save", Family::Ip, Kind::Save, "iptables-nft-save"),
    ("iptables-restore", Family::Ip, Kind::Restore, "iptables-restore"),
    ("iptables-nft-restore", Family::Ip, Kind::Restore, "iptables-nft-restore"),
    ("ip6tables", Family::Ip6, Kind::Command, "ip6tables"),
    ("ip6tables-nft", Family::Ip6, Kind::Command, "ip6tables"),
    ("ip6tables-save", Family::Ip6, Kind::Save, "ip6tables-save"),
    ("ip6tables-nft-save", Family::Ip6, Kind::Save, "ip6tables-nft-save"),
    ("ip6tables-restore", Family::Ip6, Kind::Restore, "ip6tables-restore"),
    ("ip6tables-nft-restore", Family::Ip6, Kind::Restore, "ip6tables-nft-restore"),
];

/// The names of all programs.
pub fn names() -> impl Iterator<Item = &'static str> {
    PROGRAMS.iter().map(|(name, ..)| *name).chain(["ipset"])
}

/// Runs a program; `None` if there is none of that name.
///
/// ```
/// use vitrine::abi::{Log, Time};
/// use vitrine::netfilter::programs::{Machine, run};
/// use vitrine::netfilter::{Netfilter, event::Event};
/// let mut netfilter = Netfilter::default();
/// let mut log = Log::<Event>::default();
/// let mut call = |line: &str| {
///     let mut machine = Machine {
///         netfilter: &mut netfilter, now: Time::ZERO, stdin: "", files: &|_| None, sink: &mut log,
///     };
///     let mut words = line.split(' ');
///     let program = words.next().unwrap();
///     run(program, &words.map(String::from).collect::<Vec<_>>(), &mut machine).unwrap()
/// };
/// assert_eq!(call("iptables -A INPUT -p tcp --dport 22 -j ACCEPT").status, 0);
/// assert_eq!(call("iptables -S INPUT").stdout, "-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n");
/// assert_eq!(call("iptables -D INPUT 2").stderr, "iptables: Index of deletion too big.\n");
/// ```
pub fn run(program: &str, argv: &[String], machine: &mut Machine) -> Option<Output> {
    if program == "ipset" {
        return Some(ipset::run(argv, machine));
    }
    if program == "conntrack" {
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        let command = std::iter::once("conntrack").chain(words.iter().copied()).collect::<Vec<_>>().join(" ");
        let mut sink = Rooted { sink: machine.sink, command, root: None };
        let conntrack::program::Output { stdout, stderr, status } =
            conntrack::program::run(&words, &mut machine.netfilter.conntrack, machine.now, &mut sink);
        return Some(Output { stdout, stderr, status });
    }
    let (_, family, kind, name) = *PROGRAMS.iter().find(|(name, ..)| *name == program)?;
    Some(match kind {
        Kind::Command => iptables::run(name, family, argv, machine),
        Kind::Save => save::run(name, family, argv, machine),
        Kind::Restore => restore::run(name, family, argv, machine),
    })
}

/// Gives events that have no cause the command that was run.
struct Rooted<'a> {
    sink: &'a mut dyn Sink<Event>,
    command: String,
    root: Option<EventId>,
}

impl Sink<Event> for Rooted<'_> {
    fn emit(&mut self, cause: Option<EventId>, event: Event) -> EventId {
        let cause = cause.unwrap_or_else(|| {
            let run = || self.sink.emit(None, Event::CommandRun { command: self.command.clone() });
            *self.root.get_or_insert_with(run)
        });
        self.sink.emit(Some(cause), event)
    }
}

impl Output {
    /// Ends with a line on standard error.
    fn fail(mut self, status: u8, line: &str) -> Output {
        self.stderr.push_str(line);
        self.stderr.push('\n');
        self.status = status;
        self
    }
}
