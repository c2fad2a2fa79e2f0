//! The commands that a lab may run on a host: those of programs that the model has.

use crate::abi::Sink;
use crate::net::ip::{self, Output};
use crate::net::{Event, Host, Narrow, watched};
use crate::netfilter::programs::{self, Machine};

/// What a command printed, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit status.
    pub status: i32,
}

/// Runs a command line on a host: words, `;`, `&&`, line ends and `2>&1`, no other shell grammar.
///
/// Errors: a program or a part of the shell's language that the model does not have.
pub fn run(host: &mut Host, command: &str, stdin: &str, sink: &mut dyn Sink<Event>) -> Result<Done, String> {
    let mut all = Done::default();
    for part in command.split([';', '\n']) {
        for one in part.split("&&") {
            let (one, joined) = match one.trim().strip_suffix("2>&1") {
                Some(one) => (one.trim(), true),
                None => (one.trim(), false),
            };
            if one.is_empty() {
                continue;
            }
            if let Some(odd) = one.chars().find(|c| "|<>$`&(){}*?\\".contains(*c)) {
                return Err(format!("the model's labs have no shell for `{odd}`"));
            }
            let mut done = program(host, &split(one)?, stdin, sink)?;
            if joined {
                done.stdout += &std::mem::take(&mut done.stderr);
            }
            all.stdout += &done.stdout;
            all.stderr += &done.stderr;
            all.status = done.status;
            if done.status != 0 {
                break;
            }
        }
    }
    Ok(all)
}

/// Splits a line into words; quotes hold words together.
fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if quote.is_some() { Err("a quote is not closed".into()) } else { Ok(words) }
}

fn program(
    host: &mut Host,
    argv: &[String],
    stdin: &str,
    sink: &mut dyn Sink<Event>,
) -> Result<Done, String> {
    if let Some((name, rest)) = argv.split_first() {
        let (now, sink) = (host.now, &mut Narrow(sink));
        let mut machine = Machine { netfilter: &mut host.netfilter, now, stdin, files: &|_| None, sink };
        if let Some(done) = programs::run(name, rest, &mut machine) {
            return Ok(Done { stdout: done.stdout, stderr: done.stderr, status: done.status.into() });
        }
    }
    match argv.split_first().map(|(name, rest)| (name.as_str(), rest)) {
        Some(("ip", rest)) => {
            let Output { stdout, stderr, status } =
                ip::run(rest, host, sink).map_err(|why| why.to_string())?;
            Ok(Done { stdout, stderr, status })
        }
        Some(("sysctl", rest)) => {
            watched(host, &format!("sysctl {}", rest.join(" ")), sink, |host| sysctl(host, rest))
        }
        Some((other, _)) => Err(format!("the model has no program `{other}` yet")),
        None => Ok(Done::default()),
    }
}

fn sysctl(host: &mut Host, words: &[String]) -> Result<Done, String> {
    for word in words.iter().filter(|w| !w.starts_with('-')) {
        let (key, value) = word.split_once('=').ok_or("the model's `sysctl` only sets: KEY=VALUE")?;
        let value = value.trim().parse().map_err(|_| format!("`{value}` is no number"))?;
        host.set_sysctl(key.trim(), value).map_err(|e| format!("the model has no setting `{}`", e.0))?;
    }
    Ok(Done::default())
}
