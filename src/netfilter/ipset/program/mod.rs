//! The program `ipset` 7.17: words in, text and exit status out.

mod address;
mod allowed;
mod args;
mod element;
mod help;
mod lines;
mod print;
mod words;

use super::{Beside, Changes, Request, SetError, SetType, Sets, Spec, Verb};
use crate::abi::Time;
use args::{Fault, Report};
use smol_str::SmolStr;
use words::{Mode, Options};

/// What the program wrote and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Its output.
    pub stdout: String,
    /// Its error output.
    pub stderr: String,
    /// Its exit status.
    pub status: u8,
    /// What it wrote to the file of `-file`: its name and text.
    pub file: Option<(String, String)>,
    /// What changed.
    pub changes: Changes,
}

/// Runs `ipset` with these words, the program's own name left out. `stdin` is what it reads: its input, or for
/// `restore -file` the text of the file that [`input_file`] names.
///
/// ```
/// use vitrine::abi::Time;
/// use vitrine::netfilter::ipset::{Sets, run};
/// let mut sets = Sets::default();
/// let mut ipset = |line: &str| {
///     let words: Vec<String> = line.split(' ').map(String::from).collect();
///     run(&words, "", &mut sets, Time::ZERO)
/// };
/// assert_eq!(ipset("create blocked hash:net").status, 0);
/// assert_eq!(ipset("add blocked 10.0.0.7/8").status, 0);
/// assert_eq!(ipset("test blocked 10.9.9.9").stderr, "Warning: 10.9.9.9 is in set blocked.\n");
/// let again = ipset("add blocked 10.0.0.0/8");
/// assert_eq!((again.status, again.stderr.as_str()),
///     (1, "ipset v7.17: Element cannot be added to the set: it's already added\n"));
/// ```
pub fn run(argv: &[String], stdin: &str, sets: &mut Sets, now: Time) -> Output {
    let mut session = Session::new(sets, now, stdin);
    let status = match session.command(argv) {
        Ok(()) => 0,
        Err(Exit(status)) => status,
    };
    session.output(status)
}

/// Reads what `ipset save` prints, as `ipset restore` does. An error is the program's message.
///
/// ```
/// use vitrine::abi::Time;
/// use vitrine::netfilter::ipset::{Sets, restore};
/// let mut sets = Sets::default();
/// restore("create a hash:ip\nadd a 10.0.0.1\n", &mut sets, Time::ZERO).unwrap();
/// assert_eq!(sets.get("a").unwrap().len(), 1);
/// let wrong = restore("add nosuch 10.0.0.1\n", &mut sets, Time::ZERO).unwrap_err();
/// assert_eq!(wrong, "ipset v7.17: Error in line 1: The set with the given name does not exist\n");
/// ```
pub fn restore(text: &str, sets: &mut Sets, now: Time) -> Result<Changes, String> {
    let done = run(&["restore".to_owned()], text, sets, now);
    if done.status == 0 { Ok(done.changes) } else { Err(done.stderr) }
}

/// The file that these words make the program read, if they do.
pub fn input_file(argv: &[String]) -> Option<String> {
    let mut words = argv.to_vec();
    let options = Options::default().take(&mut words).ok()?;
    let is_restore = words::find_command(words.first()?).is_some_and(|c| c.name == "restore");
    options.file.filter(|_| is_restore)
}

/// The program ends with this status.
struct Exit(u8);

type Done = Result<(), Exit>;

/// An element of a dump that waits to be handed to the kernel with the others of its set.
struct Pending {
    line: u32,
    set: String,
    verb: Verb,
    request: Request,
    /// `-exist`, as it was for the first of those that wait together.
    exist: bool,
}

struct Session<'a> {
    sets: &'a mut Sets,
    now: Time,
    stdin: &'a str,
    out: Output,
    options: Options,
    /// The line of a dump that is read.
    line: u32,
    /// Commands are typed one by one: errors do not end the program.
    interactive: bool,
    pending: Vec<Pending>,
}

impl<'a> Session<'a> {
    fn new(sets: &'a mut Sets, now: Time, stdin: &'a str) -> Self {
        let mut out = Output::default();
        sets.expire(now, &mut out.changes);
        let options = Options::default();
        Session { sets, now, stdin, out, options, line: 0, interactive: false, pending: Vec::new() }
    }

    fn output(self, status: u8) -> Output {
        let mut out = self.out;
        out.status = status;
        out
    }

    /// One command's words.
    fn command(&mut self, argv: &[String]) -> Done {
        let mut words = argv.to_vec();
        match std::mem::take(&mut self.options).take(&mut words) {
            Ok(options) => self.options = options,
            Err(fault) => return self.fail(fault),
        }
        let Some(command) = words.first().and_then(|w| words::find_command(w)) else {
            return self.no_command(&words);
        };
        let name = command.name;
        if self.line > 0 && matches!(name, "restore" | "version" | "help") {
            return self.usage(format!("Command `{name}' is invalid in restore mode."));
        }
        words.remove(0);
        let take = |words: &mut Vec<String>| if words.is_empty() { None } else { Some(words.remove(0)) };
        let first = if command.args > 0 { take(&mut words) } else { None };
        if command.needs > 0 && first.is_none() {
            return self.usage(format!("Missing mandatory argument to command {name}"));
        }
        let second = if command.args > 1 { take(&mut words) } else { None };
        if command.needs > 1 && second.is_none() {
            return self.usage(format!("Missing second mandatory argument to command {name}"));
        }
        let first = first.unwrap_or_default();
        let second = second.unwrap_or_default();
        match name {
            "version" => {
                self.out.stdout += "ipset v7.17, protocol version: 7\n";
                return self.end();
            }
            "help" => return self.help(&first),
            "quit" => return Err(Exit(0)),
            "create" => return self.create(&first, &second, &words),
            "add" => return self.change(Verb::Add, &first, &second, &words),
            "del" => return self.change(Verb::Del, &first, &second, &words),
            "test" => return self.change(Verb::Test, &first, &second, &words),
            "restore" => {
                if let Some(word) = words.first() {
                    return self.usage(format!("Unknown argument {word}"));
                }
                if self.interactive {
                    self.out.stdout += "Restore command is not supported in interactive mode\n";
                    return Ok(());
                }
                return self.restore();
            }
            _ => {}
        }
        for set in [&first, &second] {
            args::set_name(set).or_else(|fault| self.fail(fault))?;
        }
        if let Some(word) = words.first() {
            return self.usage(format!("Unknown argument {word}"));
        }
        self.commit()?;
        let set = Some(first.as_str()).filter(|s| !s.is_empty());
        let log = &mut self.out.changes;
        let done = match name {
            "destroy" => self.sets.destroy(set, log).map_err(|e| (e, Verb::Other)),
            "flush" => self.sets.flush(set, log).map_err(|e| (e, Verb::Other)),
            "rename" => self.sets.rename(&first, &second, log).map_err(|e| (e, Verb::Rename)),
            "swap" => self.sets.swap(&first, &second, log).map_err(|e| (e, Verb::Swap)),
            _ => return self.show(name == "save", set),
        };
        done.or_else(|(error, verb)| self.refused(error, verb, self.line))
    }

    fn no_command(&mut self, words: &[String]) -> Done {
        if self.interactive {
            self.out.stdout += "No command specified\n";
            return Ok(());
        }
        match words.first() {
            Some(word) if word == "-" => self.interact(),
            Some(word) => self.usage(format!("No command specified: unknown argument {word}")),
            None => self.usage("No command specified.".to_owned()),
        }
    }

    fn end(&self) -> Done {
        if self.interactive { Ok(()) } else { Err(Exit(0)) }
    }

    fn create(&mut self, name: &str, kind: &str, words: &[String]) -> Done {
        args::set_name(name).or_else(|fault| self.fail(fault))?;
        let Some(kind) = SetType::by_name(kind) else {
            let long = kind.len() > args::NAME_MAX;
            let said = match long {
                true => format!("typename '{kind}' is longer than {} characters", args::NAME_MAX),
                false => format!("typename '{kind}' is unknown"),
            };
            return self.fail(Fault::syntax(said));
        };
        let mut report = Report::default();
        let spec: Spec = args::create(kind, words, &mut report)
            .or_else(|fault| self.fail(fault).map(|()| Spec::default()))?;
        if !report.is_empty() && !self.options.quiet {
            self.out.stderr += &format!("Warning: {report}");
        }
        self.commit()?;
        let done = self.sets.create(name, kind, spec, self.options.exist, &mut self.out.changes);
        done.or_else(|error| self.refused(error, Verb::Create, self.line))
    }

    fn change(&mut self, verb: Verb, name: &str, element: &str, words: &[String]) -> Done {
        args::set_name(name).or_else(|fault| self.fail(fault))?;
        let Some(set) = self.sets.get(name) else { return self.refused(SetError::NoSet, verb, self.line) };
        let (kind, family) = (set.kind, set.spec.family);
        let mut late = None;
        let mut request = match element::read(kind, family, element, &mut late) {
            Ok(request) => request,
            Err(fault) => return self.fail(fault),
        };
        if let Err(fault) = args::change(kind, verb, words, &mut request) {
            return self.fail(element::behind(&late, fault));
        }
        if let Some(said) = late {
            return self.fail(allowed::without_element(kind, verb, said));
        }
        if let Err(fault) = allowed::check_allowed(kind, family, verb, &request) {
            return self.fail(fault);
        }
        if self.line > 0 && verb != Verb::Test {
            if self.pending.last().is_some_and(|p| p.verb != verb || p.set != name) {
                self.commit()?;
            }
            let exist = self.pending.last().map_or(self.options.exist, |p| p.exist);
            self.pending.push(Pending { line: self.line, set: name.to_owned(), verb, request, exist });
            return Ok(());
        }
        self.commit()?;
        let log = &mut self.out.changes;
        match self.sets.change(name, verb, &request, self.options.exist, self.now, log) {
            Err(error) => self.refused(error, verb, self.line),
            Ok(found) if verb == Verb::Test => {
                let asked = print::asked(kind, &request);
                if !self.options.quiet {
                    self.out.stderr += &match found {
                        true => format!("Warning: {asked} is in set {name}.\n"),
                        false => format!("{asked} is NOT in set {name}.\n"),
                    };
                }
                if found || self.interactive { Ok(()) } else { Err(Exit(1)) }
            }
            Ok(_) => Ok(()),
        }
    }

    /// Hands to the kernel what waits.
    fn commit(&mut self) -> Done {
        for waiting in std::mem::take(&mut self.pending) {
            let Pending { line, set, verb, request, exist } = waiting;
            let log = &mut self.out.changes;
            let done = self.sets.change(&set, verb, &request, exist, self.now, log);
            if let Err(error) = done {
                return self.refused(error, verb, line);
            }
        }
        Ok(())
    }

    /// The kernel refused.
    fn refused(&mut self, error: SetError, verb: Verb, line: u32) -> Done {
        let before = std::mem::replace(&mut self.line, line);
        let done = self.fail(Fault::said(error.text(verb)));
        self.line = before;
        done
    }

    /// Tells that the words are wrong, and points to the help.
    fn usage(&mut self, said: String) -> Done {
        self.fail(Fault::Usage(said))
    }

    fn fail(&mut self, fault: Fault) -> Done {
        let status = fault.status();
        if !self.options.quiet || self.interactive {
            self.out.stderr += &fault.text(self.line);
        }
        if self.interactive { Ok(()) } else { Err(Exit(status)) }
    }

    fn show(&mut self, save: bool, name: Option<&str>) -> Done {
        if let Some(name) = name
            && !self.sets.contains(name)
        {
            return self.refused(SetError::NoSet, Verb::Other, self.line);
        }
        let mode = self.options.mode.unwrap_or(if save { Mode::Save } else { Mode::Plain });
        let text = print::sets(self.sets, name, mode, &self.options, self.now);
        match &self.options.file {
            Some(file) => self.out.file = Some((file.clone(), text)),
            None => self.out.stdout += &text,
        }
        Ok(())
    }

    fn help(&mut self, kind: &str) -> Done {
        self.out.stdout += &help::general();
        if !self.options.quiet || self.interactive {
            match (kind, SetType::by_name(kind)) {
                ("", _) => self.out.stdout += &help::types(),
                (_, Some(kind)) => self.out.stdout += &help::of_type(kind),
                (_, None) => return self.usage(format!("Unknown settype: `{kind}'")),
            }
        }
        self.end()
    }
}

impl Request {
    /// `before` or `after` a set.
    fn put_beside(&mut self, before: bool, set: &str) {
        self.beside = Some(Beside { before, set: SmolStr::new(set) });
    }
}
