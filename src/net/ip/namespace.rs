//! What `ip` does beyond its own network namespace: `ip link set DEV netns NAME`, `ip link add … netns NAME`.

use super::args::{invalid, number};
use super::link_add::{self, Wanted, free};
use super::link_set::{Changes, apply};
use super::{Output, Run, Stop, Unmodelled, end, start};
use crate::abi::{EventId, IfName, Sink};
use crate::net::namespaces::Moved;
use crate::net::{DeviceKind, Event, HostId, MoveError, Names, Network};
use crate::netfilter::event::Event as NfEvent;

/// What a command leaves to be done where all hosts are within reach.
pub(super) enum Errand {
    /// A device goes to another host, and changes there.
    Move { dev: IfName, to: HostId, changes: Changes },
    /// A device is made on another host; free names begin with the stem.
    Make { on: HostId, wanted: Wanted, stem: &'static str, kind: DeviceKind },
    /// A veth pair: where each end is to be, if it is not here.
    Pair { first: Wanted, other: Wanted },
}

/// The namespace of this name, or of the process of this number.
pub(super) fn find(run: &Run<'_>, word: &str) -> Result<HostId, Stop> {
    let unknown = || match number(word) {
        Some(_) => Stop::answers("No such process"),
        None => invalid(word, "Invalid \"netns\" value"),
    };
    run.names.find(word).ok_or_else(unknown)
}

pub(super) fn send(run: &mut Run<'_>, dev: IfName, to: HostId, changes: Changes) -> Result<(), Stop> {
    if changes.master.is_some() {
        return Err(Stop::unmodelled("`master` of a link that goes to another network namespace"));
    }
    run.errand = Some(Errand::Move { dev, to, changes });
    Ok(())
}

pub(super) fn make(
    run: &mut Run<'_>,
    wanted: Wanted,
    stem: &'static str,
    kind: DeviceKind,
) -> Result<(), Stop> {
    match wanted.to.netns {
        Some(on) => run.errand = Some(Errand::Make { on, wanted, stem, kind }),
        None => link_add::make(run, wanted, stem, kind).map(drop)?,
    }
    Ok(())
}

pub(super) fn pair(run: &mut Run<'_>, first: Wanted, other: Wanted) -> Result<(), Stop> {
    run.errand = Some(Errand::Pair { first, other });
    Ok(())
}

impl From<MoveError> for Stop {
    fn from(why: MoveError) -> Stop {
        match why {
            MoveError::NoDevice => Stop::answers("No such device"),
            MoveError::Immutable | MoveError::Exists | MoveError::NameTaken(_) => {
                Stop::kernel(&why.to_string())
            }
            MoveError::Stacked => {
                Stop::unmodelled("way to move a device that stands on another one or carries one")
            }
        }
    }
}

impl Errand {
    /// The hosts that it touches, beside the one where it begins.
    fn hosts(&self) -> Vec<HostId> {
        match self {
            Errand::Move { to, .. } => vec![*to],
            Errand::Make { on, .. } => vec![*on],
            Errand::Pair { first, other } => first.to.netns.into_iter().chain(other.to.netns).collect(),
        }
    }

    fn run(
        self,
        net: &mut Network,
        own: HostId,
        names: &dyn Names,
        went: &mut Option<Moved>,
    ) -> Result<(), Stop> {
        match self {
            Errand::Move { dev, to, changes } => {
                let moved = {
                    let other = changes.name.as_ref().filter(|name| **name != dev);
                    net.carry(&(own, dev.clone()), to, other)?
                };
                let new = moved.new.clone();
                // It stays there even if what else was asked for is refused.
                *went = Some(moved);
                apply(&mut Run::on(net.host_mut(to), names), &new, changes)
            }
            Errand::Make { on, wanted, stem, kind } => {
                link_add::make(&mut Run::on(net.host_mut(on), names), wanted, stem, kind).map(drop)
            }
            Errand::Pair { mut first, mut other } => {
                let a = first.to.netns.unwrap_or(own);
                let b = other.to.netns.unwrap_or(own);
                if a == b {
                    return link_add::pair(&mut Run::on(net.host_mut(a), names), first, other);
                }
                let ups = [(a, first.to.up.take()), (b, other.to.up.take())];
                free(&Run::on(net.host_mut(a), names), &first)?;
                let mut make = |host, wanted| {
                    link_add::make(&mut Run::on(net.host_mut(host), names), wanted, "veth", DeviceKind::Veth)
                };
                // The other end is made first.
                let far = make(b, other)?;
                let near = match make(a, first) {
                    Ok(near) => near,
                    Err(why) => {
                        net.host_mut(b).remove_device(&far);
                        return Err(why);
                    }
                };
                net.connect((a, near.clone()), (b, far.clone()));
                net.host_mut(a).judge(&near);
                net.host_mut(b).judge(&far);
                for ((host, up), dev) in ups.into_iter().zip([near, far]) {
                    if up == Some(true) {
                        net.host_mut(host).set_up(&dev);
                    }
                }
                Ok(())
            }
        }
    }
}

impl Network {
    /// Runs `ip` with these words after its name on a host from which namespaces have these names. What it changes,
    /// wherever, is told with the command as its cause.
    ///
    /// Errors: a part of the program that the model does not have.
    pub fn ip(
        &mut self,
        host: HostId,
        argv: &[impl AsRef<str>],
        names: &dyn Names,
    ) -> Result<Output, Unmodelled> {
        let words: Vec<String> = argv.iter().map(|w| w.as_ref().to_owned()).collect();
        let mut before = self.before([host]);
        let mut run = Run::on(self.host_mut(host), names);
        let mut ended = start(&mut run, &words);
        let Run { out, err, errand, .. } = run;
        let mut moved = None;
        if let (Ok(()), Some(errand)) = (&ended, errand) {
            before.add(self, errand.hosts());
            ended = errand.run(self, host, names, &mut moved);
        }
        let command = format!("ip {}", words.join(" "));
        self.tell_of(before, moved.as_slice(), |net| Some(net.command_run(host, command)));
        end(out, err, ended)
    }

    fn command_run(&mut self, host: HostId, command: String) -> EventId {
        self.within(host, |_, sink: &mut dyn Sink<Event>| {
            sink.emit(None, Event::Netfilter(NfEvent::CommandRun { command }))
        })
    }
}
