//! What `-h` prints. Of the programs' own help the usage alone is modelled.

use super::iptables::VERSION;
use std::fmt::Write;

/// How a command is written, line by line.
const USAGE: [&str; 10] = [
    "-[ACD] chain rule-specification [options]",
    "-I chain [rulenum] rule-specification [options]",
    "-R chain rulenum rule-specification [options]",
    "-D chain rulenum [options]",
    "-[LS] [chain [rulenum]] [options]",
    "-[FZ] [chain] [options]",
    "-[NX] chain",
    "-E old-chain-name new-chain-name",
    "-P chain target [options]",
    "-h (print this help information)",
];

/// The first lines of what `iptables -h` prints.
pub(super) fn text(program: &str) -> String {
    let mut out = format!("{program} v{VERSION}\n\n");
    for (place, line) in USAGE.iter().enumerate() {
        let _ = writeln!(out, "{} {program} {line}", if place == 0 { "Usage:" } else { "      " });
    }
    out.push('\n');
    out
}

/// What `iptables-restore -h` prints.
pub(super) fn restore(program: &str) -> String {
    const LONG: [&str; 10] = [
        "--counters",
        "--verbose",
        "--version",
        "--test",
        "--help",
        "--noflush",
        "--table=<TABLE>",
        "--modprobe=<command>",
        "--ipv4",
        "--ipv6",
    ];
    let mut out =
        format!("Usage: {program} [-c] [-v] [-V] [-t] [-h] [-n] [-T table] [-M command] [-4] [-6] [file]\n");
    for name in LONG {
        // One of them lacks its blank in 1.8.9.
        let _ = writeln!(out, "\t   [ {name}{}", if name == "--version" { "]" } else { " ]" });
    }
    out
}
