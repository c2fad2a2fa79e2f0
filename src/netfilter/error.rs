//! Why a rule was refused, in iptables 1.8.9's own words.

use super::{ChainName, Family, TableName};
use std::fmt;

/// Why iptables refuses a command. `Display` gives its message without the program's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleError {
    /// No loaded extension has the option.
    UnknownOption(String),
    /// The line ends where an option wants its argument.
    MissingArgument(String),
    /// A word that no option takes.
    BadArgument(String),
    /// A core option given twice.
    Multiple(char),
    /// `!` before a core option that takes none.
    NotInvertible(char),
    /// `!` before `-m`.
    NotBeforeMatch,
    /// Two `!` in a row.
    DoubleNot,
    /// `!` with nothing behind it.
    TrailingNot,
    /// `-p` with neither a name nor a number.
    UnknownProtocol(String),
    /// `! -p all`, which would match nothing.
    NeverMatches,
    /// An address that is none; names are not looked up.
    HostNotFound(String),
    /// A mask that is none.
    InvalidMask(String),
    /// `!` with a list of addresses.
    NegatedList,
    /// An interface's name of 16 bytes or more.
    IfNameTooLong(String),
    /// An interface's name of no byte.
    IfNameEmpty,
    /// `-i` or `-o` in a built-in chain where it means nothing.
    WrongInterface(char, ChainName),
    /// `-f` in ip6tables.
    Fragment6,
    /// The target is neither a chain nor a known extension.
    NoSuchChain(String),
    /// No such match in this family.
    NoSuchMatch(String),
    /// An option given twice to one extension.
    OnlyOnce {
        /// The extension.
        ext: &'static str,
        /// The option.
        opt: &'static str,
    },
    /// `!` before an extension's option that takes none.
    NoInvert {
        /// The extension.
        ext: &'static str,
        /// The option.
        opt: &'static str,
    },
    /// An option that must be given.
    Required {
        /// The extension.
        ext: &'static str,
        /// The option.
        opt: &'static str,
    },
    /// An option that wants another beside it.
    AlsoRequires {
        /// The extension.
        ext: &'static str,
        /// The option.
        opt: &'static str,
        /// The one that is missing.
        other: &'static str,
    },
    /// Two options that exclude each other.
    NotTogether {
        /// The extension.
        ext: &'static str,
        /// The option.
        opt: &'static str,
        /// The one it cannot stand beside.
        other: &'static str,
    },
    /// `-j DROP` or the policy DROP in the table nat.
    DropInNat,
    /// `-4` or `-6` for the other family: a dump's line is passed over.
    OtherFamily,
    /// What iptables or the extension says in words of its own; a line's end where iptables writes one.
    Said(String),
    /// What iptables says where neither the command nor the kernel is at fault (`OTHER_PROBLEM`).
    Incompatible(String),
    /// No such table.
    NoSuchTable(String),
    /// A message that stands without the program's version: `iptables: …`.
    Plain(&'static str),
    /// The kernel does not remove a chain that has rules or is jumped to.
    Busy(ChainName),
    /// What the kernel says, when the rule reaches it.
    Kernel(KernelError, ChainName),
}

/// Why the kernel refuses a rule that iptables let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelError {
    /// EINVAL: an extension in a table, hook or protocol that it does not work in.
    InvalidArgument,
    /// EMLINK: a loop, or more than 15 chains deep.
    TooManyLinks,
    /// EOPNOTSUPP: a jump to a built-in chain.
    NotSupported,
    /// ENOENT: the kernel has no such thing.
    NotFound,
    /// ENOENT as well: the kernel has no such module, or lacks something that other programs make.
    Missing,
    /// ERANGE: a number out of the kernel's bounds.
    OutOfRange,
    /// It has rules, or rules lead to it.
    Busy,
    /// There is one already.
    Exists,
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidArgument => "Invalid argument",
            Self::TooManyLinks => "Too many links",
            Self::NotSupported => "Operation not supported",
            Self::NotFound | Self::Missing => "No such file or directory",
            Self::Busy => "Device or resource busy",
            Self::Exists => "File exists",
            Self::OutOfRange => "Numerical result out of range",
        })
    }
}

/// The commands of iptables find nothing of that name.
pub const NO_CHAIN: RuleError = RuleError::Plain("No chain/target/match by that name.");

impl RuleError {
    /// iptables' exit status (`enum xtables_exittype`).
    pub fn exit_status(&self) -> u8 {
        match self {
            RuleError::Kernel(..) | RuleError::Busy(_) => 4,
            RuleError::Plain(_) | RuleError::Incompatible(_) => 1,
            RuleError::NoSuchTable(_) => 3,
            _ => 2,
        }
    }

    /// All that iptables writes to its error output about it, as a program of this name, and for a line of a file
    /// that iptables-restore reads.
    pub fn told(&self, program: &str, line: Option<u32>) -> String {
        let place = line.map(|line| format!("Error occurred at line: {line}\n")).unwrap_or_default();
        let help = format!("\n{place}Try `{program} -h' or '{program} --help' for more information.");
        match self {
            Self::Plain(_) => format!("{program}: {self}"),
            Self::Kernel(..) | Self::Busy(_) => format!("{program} v1.8.9 (nf_tables):  {self}"),
            Self::Incompatible(_) => format!("{program} v1.8.9 (nf_tables): {self}"),
            Self::NoSuchTable(_) => format!(
                "{program} v1.8.9 (nf_tables): {self}\nPerhaps {program} or your kernel needs to be upgraded."
            ),
            Self::BadArgument(_) => format!("{self}{help}"),
            Self::OtherFamily => help.trim_start().to_owned(),
            Self::DropInNat => format!("{program} v1.8.9 (nf_tables): \n{self}\n\n{help}"),
            _ if self.has_blank_line() => format!("{program} v1.8.9 (nf_tables): {self}\n{help}"),
            _ => format!("{program} v1.8.9 (nf_tables): {self}{help}"),
        }
    }

    /// All that iptables writes to its error output about it.
    ///
    /// ```
    /// use vitrine::netfilter::{Family, RuleError};
    /// let error = RuleError::UnknownOption("--nope".into());
    /// assert_eq!(error.stderr(Family::Ip6), "ip6tables v1.8.9 (nf_tables): unknown option \"--nope\"\n\
    ///     Try `ip6tables -h' or 'ip6tables --help' for more information.");
    /// ```
    pub fn stderr(&self, family: Family) -> String {
        self.told(family.program(), None)
    }

    /// True for the messages that iptables ends with a line's end of their own.
    fn has_blank_line(&self) -> bool {
        match self {
            Self::WrongInterface(..)
            | Self::NoSuchMatch(_)
            | Self::OnlyOnce { .. }
            | Self::NoInvert { .. }
            | Self::Required { .. }
            | Self::AlsoRequires { .. }
            | Self::NotTogether { .. } => true,
            Self::Said(message) => message.ends_with('\n'),
            _ => false,
        }
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOption(o) => write!(f, "unknown option \"{o}\""),
            Self::MissingArgument(o) => write!(f, "option \"{o}\" requires an argument"),
            Self::BadArgument(w) => write!(f, "Bad argument `{w}'"),
            Self::Multiple(c) => write!(f, "multiple -{c} flags not allowed"),
            Self::NotInvertible(c) => write!(f, "cannot have ! before -{c}"),
            Self::NotBeforeMatch => f.write_str("unexpected ! flag before --match"),
            Self::DoubleNot => f.write_str("multiple consecutive ! not allowed"),
            Self::TrailingNot => f.write_str("nothing appropriate following !"),
            Self::UnknownProtocol(p) => write!(f, "unknown protocol \"{p}\" specified"),
            Self::NeverMatches => f.write_str("rule would never match protocol"),
            Self::HostNotFound(h) => write!(f, "host/network `{h}' not found"),
            Self::InvalidMask(m) => write!(f, "invalid mask `{m}' specified"),
            Self::NegatedList => {
                f.write_str("! not allowed with multiple source or destination IP addresses")
            }
            Self::IfNameTooLong(n) => write!(f, "interface name `{n}' must be shorter than IFNAMSIZ (15)"),
            Self::IfNameEmpty => f.write_str("Empty interface is likely to be undesired"),
            Self::WrongInterface(c, chain) => write!(f, "Can't use -{c} with {chain}"),
            Self::Fragment6 => f.write_str("`-f' is not supported in IPv6, use -m frag instead"),
            Self::NoSuchChain(c) => write!(f, "Chain '{c}' does not exist"),
            Self::NoSuchMatch(m) => write!(f, "Couldn't load match `{m}':No such file or directory"),
            Self::OnlyOnce { ext, opt } => write!(f, "{ext}: option \"--{opt}\" can only be used once."),
            Self::NoInvert { ext, opt } => write!(f, "{ext}: option \"--{opt}\" cannot be inverted."),
            Self::Required { ext, opt } => write!(f, "{ext}: option \"--{opt}\" must be specified"),
            Self::AlsoRequires { ext, opt, other } => {
                write!(f, "{ext}: option \"--{opt}\" also requires \"--{other}\".")
            }
            Self::NotTogether { ext, opt, other } => {
                write!(f, "{ext}: option \"--{opt}\" cannot be used together with \"--{other}\".")
            }
            Self::DropInNat => write!(
                f,
                "The \"{}\" table is not intended for filtering, the use of DROP is therefore inhibited.",
                TableName::Nat
            ),
            Self::OtherFamily => f.write_str("this line is for the other family"),
            Self::Said(message) => f.write_str(message.trim_end_matches('\n')),
            Self::Incompatible(message) => f.write_str(message),
            Self::NoSuchTable(table) => write!(f, "table '{table}' does not exist"),
            Self::Plain(message) => f.write_str(message),
            Self::Busy(chain) => write!(f, "CHAIN_DEL failed (Device or resource busy): chain {chain}"),
            Self::Kernel(error, chain) => write!(f, "RULE_APPEND failed ({error}): rule in chain {chain}"),
        }
    }
}

impl std::error::Error for RuleError {}
