//! The program's own options and commands.

use super::args::Fault;

/// How sets are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Plain,
    Save,
    Xml,
}

/// The options that stand anywhere among the words. In a dump they hold from their line on.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pub(super) mode: Option<Mode>,
    pub(super) sorted: bool,
    pub(super) quiet: bool,
    pub(super) exist: bool,
    pub(super) names: bool,
    pub(super) terse: bool,
    pub(super) file: Option<String>,
}

const OPTIONS: [(&str, &str, bool); 8] = [
    ("-o", "-output", true),
    ("-s", "-sorted", false),
    ("-q", "-quiet", false),
    ("-r", "-resolve", false),
    ("-!", "-exist", false),
    ("-n", "-name", false),
    ("-t", "-terse", false),
    ("-f", "-file", true),
];

impl Options {
    /// Takes the options out of the words.
    pub(super) fn take(mut self, words: &mut Vec<String>) -> Result<Options, Fault> {
        for (short, long, has_arg) in OPTIONS {
            let mut at = 0;
            while at < words.len() {
                let word = words[at].strip_prefix('-').filter(|w| w.starts_with('-')).unwrap_or(&words[at]);
                if word != short && word != long {
                    at += 1;
                    continue;
                }
                words.remove(at);
                if !has_arg {
                    self.set(short);
                    continue;
                }
                if at >= words.len() {
                    return Err(Fault::Usage(format!("Missing mandatory argument to option {short}")));
                }
                let value = words.remove(at);
                if short == "-f" {
                    if self.file.is_some() {
                        let said = "-file option cannot be used when full io is activated";
                        return Err(Fault::Usage(said.to_owned()));
                    }
                    self.file = Some(value);
                } else {
                    self.mode = Some(match value.as_str() {
                        "plain" => Mode::Plain,
                        "save" => Mode::Save,
                        "xml" => Mode::Xml,
                        _ => return Err(Fault::syntax(format!("unknown output mode '{value}'"))),
                    });
                }
            }
        }
        Ok(self)
    }

    fn set(&mut self, option: &str) {
        match option {
            "-s" => self.sorted = true,
            "-q" => self.quiet = true,
            "-!" => self.exist = true,
            "-n" => self.names = true,
            "-t" => self.terse = true,
            // `-resolve`: the model has no names for addresses.
            _ => {}
        }
    }
}

/// A command: its names, how many arguments it may have, and how many it needs.
pub(super) struct Command {
    pub(super) name: &'static str,
    others: [&'static str; 2],
    pub(super) args: u8,
    pub(super) needs: u8,
}

const fn command(name: &'static str, others: [&'static str; 2], args: u8, needs: u8) -> Command {
    Command { name, others, args, needs }
}

/// In the order in which an abbreviation is looked up.
const COMMANDS: [Command; 14] = [
    command("create", ["new", "-N"], 2, 2),
    command("add", ["-A", ""], 2, 2),
    command("del", ["-D", ""], 2, 2),
    command("test", ["-T", ""], 2, 2),
    command("destroy", ["x", "-X"], 1, 0),
    command("list", ["-L", ""], 1, 0),
    command("save", ["-S", ""], 1, 0),
    command("restore", ["-R", ""], 0, 0),
    command("flush", ["-F", ""], 1, 0),
    command("rename", ["e", "-E"], 2, 2),
    command("swap", ["w", "-W"], 2, 2),
    command("help", ["-h", "-H"], 1, 0),
    command("version", ["-v", "-V"], 0, 0),
    command("quit", ["", ""], 0, 0),
];

/// The command of this name or beginning of a name.
pub(super) fn find_command(word: &str) -> Option<&'static Command> {
    let bare = word.strip_prefix("--").unwrap_or(word);
    if bare.is_empty() || word == "-" {
        return None;
    }
    COMMANDS.iter().find(|c| c.name.starts_with(bare) || c.others.iter().any(|o| o.starts_with(bare)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abbreviation_is_the_first_command_that_begins_so() {
        let name = |word| find_command(word).map(|c| c.name);
        assert_eq!(name("d"), Some("del"));
        assert_eq!(name("des"), Some("destroy"));
        assert_eq!(name("r"), Some("restore"));
        assert_eq!(name("n"), Some("create"));
        assert_eq!(name("--list"), Some("list"));
        assert_eq!(name("-"), None);
    }
}
