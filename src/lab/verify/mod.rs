//! A lab on the machine's own kernel: built out of network namespaces, its probes sent, and what the kernel did
//! read from its own trace (nf_tables), its connection table, its counters and the wires.
//!
//! A host is a namespace that nothing but a file descriptor of this process holds, so that the kernel takes all of
//! it away when the process ends, however it ends.

mod conntrack;
mod counters;
mod headers;
mod journey;
mod machine;
mod namespace;
mod netlink;
mod probes;
mod pump;
mod senders;
mod socket;
mod trace;

use super::{Backend, Lab};
use serde_json::{Value, json};
use std::fmt;
use std::io;

/// Why a lab was not run on this machine.
#[derive(Debug)]
pub enum VerifyError {
    /// This process may not make network namespaces.
    Rights(io::Error),
    /// A program is missing.
    Tool(String),
    /// A host has iptables-legacy, whose trace has no verdicts.
    Legacy(String),
    /// The kernel refused something.
    System {
        /// What was tried.
        doing: String,
        /// What it said.
        error: io::Error,
    },
    /// A tool refused what the lab gave it.
    Refused {
        /// The host.
        host: String,
        /// The tool.
        tool: String,
        /// What it said.
        message: String,
    },
}

impl VerifyError {
    /// Tells what was tried when the kernel refused.
    fn doing<E: Into<io::Error>>(doing: impl fmt::Display) -> impl FnOnce(E) -> VerifyError {
        let doing = doing.to_string();
        move |error| VerifyError::System { doing, error: error.into() }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VerifyError::Rights(e) => write!(f, "this needs root, to make network namespaces ({e})"),
            VerifyError::Tool(name) => write!(f, "this needs the program {name}, which is not there"),
            VerifyError::Legacy(host) => {
                write!(
                    f,
                    "host {host} has iptables-legacy, whose trace tells no verdicts; this needs iptables-nft"
                )
            }
            VerifyError::System { doing, error } => write!(f, "{doing}: {error}"),
            VerifyError::Refused { host, tool, message } => {
                write!(f, "host {host}: {tool} refused: {}", message.trim_end())
            }
        }
    }
}

impl std::error::Error for VerifyError {}

/// Runs a lab on this machine's kernel and tells what it did, in the shape of `lab run --json`.
///
/// Not told are the wires, ARP, the kernel's own statistics, events of connections, and the order of passes
/// through different hosts.
///
/// # Errors
/// Missing rights or tools, a host with iptables-legacy, or a lab that the kernel or its tools refuse.
pub fn record(lab: &Lab) -> Result<Value, VerifyError> {
    for (name, host) in lab.hosts.iter() {
        if lab.backend_of(host) == Backend::Legacy {
            return Err(VerifyError::Legacy(name.to_string()));
        }
    }
    let mut machine = machine::Machine::build(lab)?;
    let mut told = Vec::new();
    for (i, probe) in lab.probes.iter().enumerate() {
        told.push(machine.probe(i, probe)?);
    }
    Ok(json!({"scenario": lab.name, "about": lab.about, "backend": "nft", "probes": told}))
}
