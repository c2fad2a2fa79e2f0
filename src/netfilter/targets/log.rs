//! `-j LOG`: writes a line to the kernel's log and goes on.

use super::super::RuleError;
use super::super::Target;
use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::text::{Print, SaveOptions};
use super::super::value::{Kind, Value};
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

pub(super) static EXT: Extension = Extension::a_target(
    "LOG",
    BOTH,
    &[
        Opt::new("log-level", Kind::SyslogLevel),
        Opt::new("log-prefix", Kind::Own(|t, _| read_prefix(t, PREFIX_MAX))),
        Opt::flag("log-tcp-sequence"),
        Opt::flag("log-tcp-options"),
        Opt::flag("log-ip-options"),
        Opt::flag("log-uid"),
        Opt::flag("log-macdecode"),
    ],
    build,
)
.ignoring(&["log-level"]);

/// A prefix, of which so many bytes are kept.
pub(super) fn read_prefix(text: &str, max: usize) -> Result<Value, RuleError> {
    if text.is_empty() {
        return said("Argument must have a minimum length of 1 characters\n");
    }
    if text.contains('\n') {
        return said("Newlines not allowed in --log-prefix");
    }
    Ok(Value::Text(text[..text.floor_char_boundary(max)].into()))
}

fn build(args: &Args) -> Result<Target, RuleError> {
    Ok(Target::Log(Log {
        level: args.number("log-level").map_or(WARNING, |n| n as u8),
        prefix: args.text("log-prefix").unwrap_or_default().into(),
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

impl Log {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        out.words("LOG");
        let flags = [
            (self.tcp_sequence, 0x01, "tcp-sequence"),
            (self.tcp_options, 0x02, "tcp-options"),
            (self.ip_options, 0x04, "ip-options"),
            (self.uid, 0x08, "uid"),
            (self.macdecode, 0x20, "macdecode"),
        ];
        if out.numeric {
            let bits: u32 = flags.iter().filter(|(given, ..)| *given).map(|(_, bit, _)| *bit).sum();
            out.words(format_args!("flags {bits} level {}", self.level));
        } else {
            const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];
            let level = LEVELS.get(usize::from(self.level)).copied().unwrap_or_default();
            out.words(format_args!("level {level}"));
            for (_, _, name) in flags.iter().filter(|(given, ..)| *given) {
                out.words(name);
            }
        }
        if !self.prefix.is_empty() {
            out.words(format_args!("prefix \"{}\"", self.prefix));
        }
    }
}
