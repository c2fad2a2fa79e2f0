//! Telling of what a command changed.

use super::diff::{Difference, differences};
use super::{ConfigEvent, LinkChange};
use crate::abi::{EventId, Sink};
use crate::net::{Event, Host, Narrow};
use crate::netfilter::event::Event as NfEvent;

/// Runs a command that may change a host's configuration, and tells of it and of each difference that it makes. One
/// that changes nothing is not told of.
pub fn watched<T>(
    host: &mut Host,
    command: &str,
    sink: &mut dyn Sink<Event>,
    run: impl FnOnce(&mut Host) -> T,
) -> T {
    let before = host.configuration();
    let result = run(host);
    tell_since(before, host, sink, |sink| {
        let command = NfEvent::CommandRun { command: command.to_owned() };
        Some(sink.emit(None, Event::Netfilter(command)))
    });
    result
}

/// Tells of what is different from an earlier state. What it is all because of is asked for if anything is.
pub(in crate::net) fn tell_since(
    before: Host,
    host: &mut Host,
    sink: &mut dyn Sink<Event>,
    root: impl FnOnce(&mut dyn Sink<Event>) -> Option<EventId>,
) {
    let Told(found) = Told::of(before, host);
    if found.is_empty() {
        return;
    }
    let root = root(sink);
    tell(&Told(found), root, host, sink);
}

/// What is to be told of a host.
pub(in crate::net) struct Told(Vec<Difference>);

impl Told {
    /// What is different from an earlier state.
    pub fn of(before: Host, host: &Host) -> Told {
        Told(differences(before, host))
    }

    /// True if nothing is different.
    pub fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }

    /// The events, to be changed.
    pub fn events(&mut self) -> impl Iterator<Item = &mut ConfigEvent> {
        self.0.iter_mut().filter_map(|difference| match &mut difference.event {
            Event::Config(event) => Some(event),
            Event::Net(_) | Event::Netfilter(_) | Event::Link(_) | Event::Socket(_) => None,
        })
    }
}

/// Tells of differences because of `root`.
pub(in crate::net) fn tell(
    Told(found): &Told,
    root: Option<EventId>,
    host: &mut Host,
    sink: &mut dyn Sink<Event>,
) {
    let mut ids: Vec<EventId> = Vec::new();
    for difference in found {
        let because = difference.because.and_then(|at| ids.get(at).copied()).or(root);
        ids.push(sink.emit(because, difference.event.clone()));
    }
    // Connections that were masqueraded by what is no longer there are forgotten (`masq_device_event`,
    // `masq_inet_event`).
    for (difference, id) in found.iter().zip(ids) {
        let Event::Config(event) = &difference.event else { continue };
        match event {
            ConfigEvent::LinkDeleted { dev, .. }
            | ConfigEvent::LinkChanged { dev, change: LinkChange::Up(false) } => {
                host.netfilter.interface_down(dev, id, &mut Narrow(sink));
            }
            ConfigEvent::AddressRemoved { dev, address } => {
                host.netfilter.address_gone(dev, address.local, id, &mut Narrow(sink));
            }
            _ => {}
        }
    }
}
