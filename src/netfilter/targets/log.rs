//! `-j LOG`: writes a line to the kernel's log and goes on.

use super::super::RuleError;
use super::super::Target;
use super::super::extension::{Args, BOTH, Build, Extension, Fidelity, Opt};
use super::super::text::SaveOptions;
use super::super::value::Kind;
use smol_str::SmolStr;

/// A log line's options (iptables-extensions(8), LOG).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// `--log-level`, syslog's number; 4 (warning) unless given.
    pub level: u8,
    /// `--log-prefix`, at most 29 bytes.
    pub prefix: SmolStr,
    /// `--log-tcp-sequence`.
    pub tcp_sequence: bool,
    /// `--log-tcp-options`.
    pub tcp_options: bool,
    /// `--log-ip-options`.
    pub ip_options: bool,
    /// `--log-uid`.
    pub uid: bool,
    /// `--log-macdecode`.
    pub macdecode: bool,
}

/// The level that is not printed.
const WARNING: u8 = 4;
/// The prefix's longest part that is kept.
const PREFIX_MAX: usize = 29;

pub(super) static EXT: Extension = Extension {
    name: "LOG",
    families: BOTH,
    opts: &[
        Opt::new("log-level", Kind::SyslogLevel),
        Opt::new("log-prefix", Kind::Text),
        Opt::new("log-tcp-sequence", Kind::None),
        Opt::new("log-tcp-options", Kind::None),
        Opt::new("log-ip-options", Kind::None),
        Opt::new("log-uid", Kind::None),
        Opt::new("log-macdecode", Kind::None),
    ],
    build: Build::Target(build),
    fidelity: Fidelity::Modelled,
    tables: &[],
    hooks: &[],
};

fn build(args: &Args) -> Result<Target, RuleError> {
    let mut prefix = args.text("log-prefix").unwrap_or_default();
    if prefix.contains('\n') {
        return Err(args.said("Newlines not allowed in --log-prefix"));
    }
    while prefix.len() > PREFIX_MAX {
        prefix = &prefix[..prefix.floor_char_boundary(prefix.len() - 1)];
    }
    Ok(Target::Log(Log {
        level: args.number("log-level").map_or(WARNING, |n| n as u8),
        prefix: prefix.into(),
        tcp_sequence: args.has("log-tcp-sequence"),
        tcp_options: args.has("log-tcp-options"),
        ip_options: args.has("log-ip-options"),
        uid: args.has("log-uid"),
        macdecode: args.has("log-macdecode"),
    }))
}

impl Log {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        if !self.prefix.is_empty() {
            out.quoted("log-prefix", &self.prefix);
        }
        if self.level != WARNING {
            out.value("log-level", self.level);
        }
        for (given, name) in [
            (self.tcp_sequence, "log-tcp-sequence"),
            (self.tcp_options, "log-tcp-options"),
            (self.ip_options, "log-ip-options"),
            (self.uid, "log-uid"),
            (self.macdecode, "log-macdecode"),
        ] {
            if given {
                out.flag(name);
            }
        }
    }
}
