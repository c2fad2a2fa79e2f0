//! The program `ip` of iproute2 6.1 over one host: what it changes, prints and refuses, its exit statuses, and the
//! kernel's answers in its words (ip(8), rtnetlink(7)).

mod addr;
mod addr_show;
mod args;
mod link;
mod link_add;
mod link_set;
mod link_show;
mod namespace;
mod neigh;
mod route;
mod route_get;
mod route_show;
mod route_words;
mod rule;
mod rule_show;
mod tuntap;

use super::{Event, Host, Names, NoNames, watched};
use crate::abi::Sink;
use crate::netfilter::Family;
use args::{Args, incomplete, matches};
use std::fmt;

/// What a command said, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit status.
    pub status: i32,
}

/// A part of `ip` that the model does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmodelled(pub String);

impl fmt::Display for Unmodelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the model's `ip` has no {}", self.0)
    }
}

impl std::error::Error for Unmodelled {}

/// Why a command ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stop {
    /// It says why.
    Said(i32, String),
    /// The model does not have it.
    Unmodelled(String),
}

impl Stop {
    fn said(status: i32, text: impl Into<String>) -> Stop {
        Stop::Said(status, text.into())
    }

    /// The kernel refused with an error number alone; its words by strerror(3).
    fn answers(error: &str) -> Stop {
        Stop::said(2, format!("RTNETLINK answers: {error}\n"))
    }

    /// The kernel refused and said why (`NL_SET_ERR_MSG`).
    fn kernel(why: &str) -> Stop {
        Stop::said(2, format!("Error: {why}.\n"))
    }

    fn unmodelled(what: impl Into<String>) -> Stop {
        Stop::Unmodelled(what.into())
    }
}

/// One run of the program.
struct Run<'h> {
    host: &'h mut Host,
    names: &'h dyn Names,
    /// What is left to do where other hosts are within reach.
    errand: Option<namespace::Errand>,
    out: String,
    err: String,
    /// `-4`, `-6`.
    family: Option<Family>,
    /// `-o`.
    oneline: bool,
    /// `-br`.
    brief: bool,
    /// `-d`.
    details: bool,
}

impl<'h> Run<'h> {
    fn on(host: &'h mut Host, names: &'h dyn Names) -> Run<'h> {
        Run {
            host,
            names,
            errand: None,
            out: String::new(),
            err: String::new(),
            family: None,
            oneline: false,
            brief: false,
            details: false,
        }
    }

    /// What stands between the lines of one thing: a line's end, with `-o` a backslash.
    fn line_break(&self) -> &'static str {
        if self.oneline { "\\" } else { "\n" }
    }

    fn of_family(&self, family: Family) -> bool {
        self.family.is_none_or(|f| f == family)
    }
}

/// The objects in the order in which `ip` looks for an abbreviation.
const OBJECTS: [&str; 32] = [
    "address",
    "addrlabel",
    "maddress",
    "route",
    "rule",
    "neighbor",
    "neighbour",
    "ntable",
    "ntbl",
    "link",
    "l2tp",
    "fou",
    "ila",
    "macsec",
    "tunnel",
    "tunl",
    "tuntap",
    "tap",
    "token",
    "tcpmetrics",
    "monitor",
    "xfrm",
    "mroute",
    "mrule",
    "netns",
    "netconf",
    "vrf",
    "sr",
    "nexthop",
    "mptcp",
    "ioam",
    "help",
];

/// Runs `ip` with these words after its name. What it changes is told, with the command as its cause.
///
/// Errors: a part of the program that the model does not have.
pub fn run(
    argv: &[impl AsRef<str>],
    host: &mut Host,
    sink: &mut dyn Sink<Event>,
) -> Result<Output, Unmodelled> {
    let words: Vec<String> = argv.iter().map(|w| w.as_ref().to_owned()).collect();
    watched(host, &format!("ip {}", words.join(" ")), sink, |host| answer(&words, host))
}

fn answer(words: &[String], host: &mut Host) -> Result<Output, Unmodelled> {
    let mut run = Run::on(host, &NoNames);
    let ended = start(&mut run, words);
    end(run.out, run.err, ended)
}

fn end(out: String, mut err: String, ended: Result<(), Stop>) -> Result<Output, Unmodelled> {
    match ended {
        Ok(()) => Ok(Output { stdout: out, stderr: err, status: 0 }),
        Err(Stop::Said(status, text)) => {
            err += &text;
            Ok(Output { stdout: out, stderr: err, status })
        }
        Err(Stop::Unmodelled(what)) => Err(Unmodelled(what)),
    }
}

fn start(run: &mut Run<'_>, words: &[String]) -> Result<(), Stop> {
    let mut args = Args::new(words);
    while let Some(word) = args.peek().filter(|w| w.starts_with('-')) {
        args.next();
        option(run, word, &mut args)?;
        if run.out.starts_with("ip utility") {
            return Ok(());
        }
    }
    let Some(object) = args.next() else { return Err(Stop::unmodelled("help")) };
    let Some(object) = OBJECTS.iter().find(|o| matches(object, o)) else {
        return Err(Stop::said(1, format!("Object \"{object}\" is unknown, try \"ip help\".\n")));
    };
    match *object {
        "address" => addr::run(run, args),
        "route" => route::run(run, args),
        "rule" => rule::run(run, args),
        "neighbor" | "neighbour" => neigh::run(run, args),
        "link" => link::run(run, args),
        "tuntap" | "tap" => tuntap::run(run, args),
        other => Err(Stop::unmodelled(format!("`{other}`"))),
    }
}

/// One option before the object. Two dashes are as good as one.
fn option(run: &mut Run<'_>, word: &str, args: &mut Args<'_>) -> Result<(), Stop> {
    let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-')).unwrap_or(word);
    let is = |full: &str| !name.is_empty() && matches(name, full);
    match name {
        "4" => run.family = Some(Family::Ip),
        "6" => run.family = Some(Family::Ip6),
        _ if is("family") => match args.next().ok_or_else(incomplete)? {
            "inet" => run.family = Some(Family::Ip),
            "inet6" => run.family = Some(Family::Ip6),
            other => return Err(Stop::unmodelled(format!("family `{other}`"))),
        },
        _ if is("oneline") => run.oneline = true,
        _ if is("details") => run.details = true,
        "V" => run.out = "ip utility, iproute2-6.1.0, libbpf 1.1.2\n".into(),
        _ if name.len() > 1 && is("brief") => run.brief = true,
        _ => return Err(Stop::unmodelled(format!("option `{word}`"))),
    }
    Ok(())
}

/// A command of an object that there is not.
fn no_command(word: &str, object: &str) -> Stop {
    Stop::said(255, format!("Command \"{word}\" is unknown, try \"ip {object} help\".\n"))
}
