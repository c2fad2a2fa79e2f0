//! The commands that a lab may run on a host: those of programs that the model has.

use super::words;
use crate::abi::{IfName, Sink};
use crate::net::fib::Address;
use crate::net::{Event, Host, Narrow};
use crate::netfilter::programs::{self, Machine};
use std::net::IpAddr;

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
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    let (v6, words) = match words.split_first() {
        Some((&"ip", rest)) => match rest.split_first() {
            Some((&"-6", rest)) => (true, rest),
            Some((&"-4", rest)) => (false, rest),
            _ => (false, rest),
        },
        Some((&"sysctl", rest)) => return sysctl(host, rest),
        Some((other, _)) => return Err(format!("the model has no program `{other}` yet")),
        None => return Ok(Done::default()),
    };
    let refused = |why: String| Ok(Done { stderr: format!("{why}\n"), status: 2, ..Done::default() });
    let rest = words.get(2..).unwrap_or_default().join(" ");
    match (words.first().copied().unwrap_or_default(), words.get(1).copied().unwrap_or_default()) {
        ("route", "add") => words::add_route(host, &rest).map_or_else(refused, |()| Ok(Done::default())),
        ("rule", "add") => {
            let rest = if v6 { format!("-6 {rest}") } else { rest };
            words::add_rule(host, &rest).map_or_else(refused, |()| Ok(Done::default()))
        }
        ("neigh", "add" | "replace") => {
            words::add_neighbour(host, &rest).map_or_else(refused, |()| Ok(Done::default()))
        }
        ("addr" | "address", action @ ("add" | "del")) => address(host, action, &words[2..]),
        ("link", "set") => link_set(host, &words[2..]),
        (object, action) => Err(format!("the model's `ip` has no `{object} {action}` yet")),
    }
}

fn address(host: &mut Host, action: &str, words: &[&str]) -> Result<Done, String> {
    let text = words.first().copied().unwrap_or_default();
    let dev =
        words.iter().position(|w| *w == "dev").and_then(|at| words.get(at + 1)).and_then(|d| IfName::new(d));
    let (addr, len) = text.split_once('/').map_or((text, None), |(a, l)| (a, l.parse().ok()));
    let addr: IpAddr = addr.parse().map_err(|_| format!("`{text}` is no address"))?;
    let dev = dev.ok_or("`ip addr` needs `dev`")?;
    let len = len.unwrap_or(crate::netfilter::Family::of(addr).bits());
    let done = match action {
        "add" => host.add_address(&dev, Address::new(addr, len)).is_ok(),
        _ => host.remove_address(&dev, addr, len),
    };
    let failed = "RTNETLINK answers: Cannot assign requested address\n";
    Ok(if done { Done::default() } else { Done { stderr: failed.into(), status: 2, ..Done::default() } })
}

fn link_set(host: &mut Host, words: &[&str]) -> Result<Done, String> {
    let words = words.strip_prefix(&["dev"]).unwrap_or(words);
    let dev = words.first().and_then(|d| IfName::new(d)).ok_or("`ip link set` needs an interface")?;
    let mut rest = words[1..].iter();
    while let Some(word) = rest.next() {
        match *word {
            "up" => host.set_up(&dev),
            "down" => host.set_down(&dev),
            "mtu" => {
                let mtu = rest.next().and_then(|m| m.parse().ok()).ok_or("`mtu` needs a number")?;
                if let Some(device) = host.devices.get_mut(&dev) {
                    device.link.mtu = mtu;
                }
            }
            other => return Err(format!("the model's `ip link set` has no `{other}` yet")),
        }
    }
    Ok(Done::default())
}

fn sysctl(host: &mut Host, words: &[&str]) -> Result<Done, String> {
    for word in words.iter().filter(|w| !w.starts_with('-')) {
        let (key, value) = word.split_once('=').ok_or("the model's `sysctl` only sets: KEY=VALUE")?;
        let value = value.trim().parse().map_err(|_| format!("`{value}` is no number"))?;
        host.set_sysctl(key.trim(), value).map_err(|e| format!("the model has no setting `{}`", e.0))?;
    }
    Ok(Done::default())
}
