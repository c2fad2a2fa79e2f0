//! Network namespaces without names, and programs in them.

use super::VerifyError;
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::io::{self, Write};
use std::process::{Command, Stdio};

/// A network namespace. It lives as long as this and the sockets in it.
#[derive(Debug)]
pub struct Namespace {
    own: File,
    home: File,
}

/// What a program said.
#[derive(Debug)]
pub struct Said {
    /// Its exit status; 128 and more where a signal ended it.
    pub status: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

/// The namespace of this thread.
fn current() -> io::Result<File> {
    File::open("/proc/thread-self/ns/net")
}

impl Namespace {
    /// Makes one.
    pub fn new() -> Result<Self, VerifyError> {
        let home = current().map_err(VerifyError::doing("opening /proc/thread-self/ns/net"))?;
        unshare(CloneFlags::CLONE_NEWNET).map_err(|e| VerifyError::Rights(e.into()))?;
        let own = current();
        setns(&home, CloneFlags::CLONE_NEWNET).map_err(VerifyError::doing("going back to the namespace"))?;
        Ok(Namespace { own: own.map_err(VerifyError::doing("opening a new namespace"))?, home })
    }

    /// Does something in it. This thread is elsewhere again afterwards.
    pub fn within<T>(&self, act: impl FnOnce() -> T) -> Result<T, VerifyError> {
        setns(&self.own, CloneFlags::CLONE_NEWNET).map_err(VerifyError::doing("entering a namespace"))?;
        let done = act();
        setns(&self.home, CloneFlags::CLONE_NEWNET).map_err(VerifyError::doing("leaving a namespace"))?;
        Ok(done)
    }

    /// A path by which other programs reach it, as long as this process lives.
    pub fn path(&self) -> String {
        use std::os::fd::AsRawFd;
        format!("/proc/{}/fd/{}", std::process::id(), self.own.as_raw_fd())
    }

    /// Runs a program in it.
    pub fn run(&self, program: &str, arguments: &[&str], stdin: &str) -> Result<Said, VerifyError> {
        let child = self.within(|| {
            Command::new(program)
                .args(arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
        })?;
        let mut child = child.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => VerifyError::Tool(program.to_owned()),
            _ => VerifyError::System { doing: format!("starting {program}"), error },
        })?;
        let pipe = child.stdin.take();
        let text = stdin.to_owned();
        // A thread of its own: a program may talk before it has read everything.
        let writer = std::thread::spawn(move || {
            // A program that does not read its input is free not to.
            pipe.map(|mut pipe| pipe.write_all(text.as_bytes())).transpose().ok();
        });
        let done = child.wait_with_output().map_err(VerifyError::doing(format!("running {program}")))?;
        writer.join().ok();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let status = done.status.code().unwrap_or_else(|| {
            use std::os::unix::process::ExitStatusExt;
            128 + done.status.signal().unwrap_or(0)
        });
        Ok(Said { status, out: text(done.stdout), err: text(done.stderr) })
    }
}
