//! Why a rule was refused, in iptables 1.8.9's own words.

use super::{ChainName, Family};
use std::fmt;

/// Why iptables refuses a rule. `Display` gives its message without the program's name.
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
    /// `!` before an option that takes none.
    UnexpectedNot,
    /// Two `!` in a row.
    DoubleNot,
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
    /// No such match.
    NoSuchMatch(String),
    /// The extension exists for the other family alone.
    OtherFamily(String, Family),
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
    /// A value that cannot be read.
    BadValue {
        /// The extension.
        ext: String,
        /// The option.
        opt: String,
        /// The value.
        value: String,
    },
    /// A number outside its range.
    OutOfRange {
        /// The option.
        opt: String,
        /// Lowest.
        min: u64,
        /// Highest.
        max: u64,
    },
    /// A range that cannot be read.
    BadRange {
        /// The extension.
        ext: String,
        /// The option.
        opt: String,
        /// The value.
        value: String,
        /// Highest.
        max: u64,
    },
    /// Neither a port's number nor a service's name.
    Port(String),
    /// A port range whose end lies before its start.
    PortOrder,
    /// Neither a syslog level's number nor its name.
    LogLevel(String),
    /// What the extension itself says.
    Said(String),
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
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidArgument => "Invalid argument",
            Self::TooManyLinks => "Too many links",
            Self::NotSupported => "Operation not supported",
            Self::NotFound => "No such file or directory",
        })
    }
}

impl RuleError {
    /// iptables' exit status (`enum xtables_exittype`).
    pub fn exit_status(&self) -> u8 {
        match self {
            RuleError::Kernel(..) => 4,
            _ => 2,
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
            Self::UnexpectedNot => f.write_str("unexpected ! flag before --match"),
            Self::DoubleNot => f.write_str("multiple consecutive ! not allowed"),
            Self::UnknownProtocol(p) => write!(f, "unknown protocol \"{p}\" specified"),
            Self::NeverMatches => f.write_str("rule would never match protocol"),
            Self::HostNotFound(h) => write!(f, "host/network `{h}' not found"),
            Self::InvalidMask(m) => write!(f, "invalid mask `{m}' specified"),
            Self::NegatedList => {
                f.write_str("! not allowed with multiple source or destination IP addresses")
            }
            Self::IfNameTooLong(n) => write!(f, "interface name `{n}' must be shorter than IFNAMSIZ (15)"),
            Self::IfNameEmpty => f.write_str("Empty interface is likely to be undesired"),
            Self::WrongInterface(c, chain) => write!(f, "Can't use -{c} with {chain}\n"),
            Self::Fragment6 => f.write_str("Bad argument `-f'"),
            Self::NoSuchChain(c) => write!(f, "Chain '{c}' does not exist"),
            Self::NoSuchMatch(m) => {
                write!(f, "Couldn't load match `{m}':No such file or directory\n")
            }
            Self::OtherFamily(m, _) => write!(f, "Couldn't load match `{m}':No such file or directory\n"),
            Self::OnlyOnce { ext, opt } => write!(f, "{ext}: option \"--{opt}\" can only be used once.\n"),
            Self::NoInvert { ext, opt } => write!(f, "{ext}: option \"--{opt}\" cannot be inverted.\n"),
            Self::Required { ext, opt } => write!(f, "{ext}: option \"--{opt}\" must be specified\n"),
            Self::BadValue { ext, opt, value } => {
                write!(f, "{ext}: Bad value for \"--{opt}\" option: \"{value}\"\n")
            }
            Self::OutOfRange { opt, min, max } => {
                write!(f, "{opt}: bad value for option \"--{opt}\", or out of range ({min}-{max}).\n")
            }
            Self::BadRange { ext, opt, value, max } => {
                write!(
                    f,
                    "{ext}: bad value for option \"--{opt}\" near \"{value}\", or out of range (0-{max}).\n"
                )
            }
            Self::Port(p) => write!(f, "invalid port/service `{p}' specified"),
            Self::PortOrder => f.write_str("invalid portrange (min > max)"),
            Self::LogLevel(l) => write!(f, "log-level \"{l}\" unknown"),
            Self::Said(message) => f.write_str(message),
            Self::Kernel(error, chain) => write!(f, " RULE_APPEND failed ({error}): rule in chain {chain}"),
        }
    }
}

impl std::error::Error for RuleError {}
