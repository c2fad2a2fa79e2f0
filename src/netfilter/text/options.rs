//! The options that every command knows, and how `getopt_long` picks one by a beginning of its name.

/// An option of iptables itself, and not of an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Core {
    /// A command: `-A` and its like, by the letter.
    Command(char),
    Source,
    Destination,
    InInterface,
    OutInterface,
    Protocol,
    Fragment,
    Match,
    Jump,
    Goto,
    Table,
    SetCounters,
    /// `-w` and `-W`: how long to wait for a lock that nft does not have.
    Wait,
    WaitInterval,
    Modprobe,
    Version,
    Help,
    Family4,
    Family6,
    Verbose,
    /// An option for listing, which no rule takes.
    Listing(char),
}

/// Whether an option takes an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    One,
    /// A word that hangs on it, or the next one that is no option.
    Maybe,
}

const LONG: &[(&str, Core)] = &[
    ("append", Core::Command('A')),
    ("delete", Core::Command('D')),
    ("check", Core::Command('C')),
    ("insert", Core::Command('I')),
    ("replace", Core::Command('R')),
    ("list", Core::Command('L')),
    ("list-rules", Core::Command('S')),
    ("flush", Core::Command('F')),
    ("zero", Core::Command('Z')),
    ("new-chain", Core::Command('N')),
    ("delete-chain", Core::Command('X')),
    ("rename-chain", Core::Command('E')),
    ("policy", Core::Command('P')),
    ("source", Core::Source),
    ("destination", Core::Destination),
    ("src", Core::Source),
    ("dst", Core::Destination),
    ("protocol", Core::Protocol),
    ("in-interface", Core::InInterface),
    ("jump", Core::Jump),
    ("table", Core::Table),
    ("match", Core::Match),
    ("numeric", Core::Listing('n')),
    ("out-interface", Core::OutInterface),
    ("verbose", Core::Verbose),
    ("wait", Core::Wait),
    ("wait-interval", Core::WaitInterval),
    ("exact", Core::Listing('x')),
    ("fragments", Core::Fragment),
    ("version", Core::Version),
    ("help", Core::Help),
    ("modprobe", Core::Modprobe),
    ("line-numbers", Core::Listing('0')),
    ("set-counters", Core::SetCounters),
    ("goto", Core::Goto),
    ("ipv4", Core::Family4),
    ("ipv6", Core::Family6),
];

impl Core {
    /// The option of a long name.
    pub(super) fn exact(name: &str) -> Option<Core> {
        LONG.iter().find(|(n, _)| *n == name).map(|(_, core)| *core)
    }

    /// The options whose long names begin so.
    pub(super) fn beginning(name: &str) -> impl Iterator<Item = Core> {
        LONG.iter().filter(move |(n, _)| n.starts_with(name)).map(|(_, core)| *core)
    }

    /// The option of a letter.
    pub(super) fn short(letter: char) -> Option<Core> {
        Some(match letter {
            'A' | 'D' | 'C' | 'I' | 'R' | 'L' | 'S' | 'F' | 'Z' | 'N' | 'X' | 'E' | 'P' => {
                Core::Command(letter)
            }
            's' => Core::Source,
            'd' => Core::Destination,
            'i' => Core::InInterface,
            'o' => Core::OutInterface,
            'p' => Core::Protocol,
            'f' => Core::Fragment,
            'm' => Core::Match,
            'j' => Core::Jump,
            'g' => Core::Goto,
            't' => Core::Table,
            'c' => Core::SetCounters,
            'w' => Core::Wait,
            'W' => Core::WaitInterval,
            'M' => Core::Modprobe,
            'V' => Core::Version,
            'h' => Core::Help,
            '4' => Core::Family4,
            '6' => Core::Family6,
            'v' => Core::Verbose,
            'n' | 'x' => Core::Listing(letter),
            _ => return None,
        })
    }

    /// Whether it takes an argument.
    pub(super) fn takes(self) -> Takes {
        match self {
            Core::Command('L' | 'S' | 'F' | 'Z' | 'X') | Core::Wait | Core::WaitInterval | Core::Help => {
                Takes::Maybe
            }
            Core::Fragment
            | Core::Family4
            | Core::Family6
            | Core::Verbose
            | Core::Version
            | Core::Listing(_) => Takes::Nothing,
            Core::Command(_)
            | Core::Source
            | Core::Destination
            | Core::InInterface
            | Core::OutInterface
            | Core::Protocol
            | Core::Match
            | Core::Jump
            | Core::Goto
            | Core::Table
            | Core::Modprobe
            | Core::SetCounters => Takes::One,
        }
    }
}
