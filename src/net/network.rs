//! Several hosts and the wires between them: one clock, one log, one order of things.

use super::bridge::Bridged;
use super::busy::Busy;
use super::event::{Event, FrameDrop};
use super::frame::Frame;
use super::host::Host;
use super::socket::SocketId;
use super::walk::Way;
use crate::abi::{Duration, EventId, IfName, Log, Sink, Time};
use crate::netfilter::{Choices, Skb};
use serde::Serialize;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A host's place in its network, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct HostId(pub u16);

/// A packet's way through one host, counted from 0 over the whole history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PassId(pub u32);

/// One event of a network: what, where, when, and on which packet's way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Happening {
    /// Where.
    pub host: HostId,
    /// When.
    pub time: Time,
    /// The way that it belongs to; `None` for what belongs to no packet's way through the hooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass: Option<PassId>,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// Something that is due at a moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Task {
    /// A frame arrives at a device.
    Frame { host: HostId, dev: IfName, frame: Box<Frame>, mark: u32, cause: EventId },
    /// A packet comes in by `lo`, or is the host's own copy of one that it sent to many.
    Loop { host: HostId, skb: Box<Skb>, cause: EventId },
    /// A neighbour is asked again, or is given up.
    Neighbour { host: HostId, dev: IfName, addr: std::net::IpAddr, cause: EventId },
    /// A connection's or a listener's timer.
    Tcp { host: HostId, socket: SocketId },
}

/// One end of a wire.
pub type Port = (HostId, IfName);

/// A network.
#[derive(Clone, Debug)]
pub struct Network {
    pub(super) names: Vec<SmolStr>,
    pub(super) hosts: Vec<Host>,
    /// The machine of each host: its first network namespace.
    pub(super) machines: Vec<HostId>,
    /// Hosts that were removed. Their numbers are not given again.
    pub(super) gone: BTreeSet<HostId>,
    /// Both ways, by the devices' numbers: names may change.
    pub(super) wires: BTreeMap<(HostId, u32), (HostId, u32)>,
    now: Time,
    queue: BTreeMap<(Time, u64), Task>,
    queued: u64,
    pub(super) choices: Choices,
    log: Log<Happening>,
    pass: Option<PassId>,
    /// Sockets whose programs are to be woken, in order.
    pub(super) woken: VecDeque<(HostId, SocketId)>,
    /// The stream that is inside a program's call.
    pub(super) busy: Option<Busy>,
    /// When something happened last that a program or a wire could see.
    last_activity: Time,
    /// After so many events nothing more happens.
    limit: usize,
}

impl Default for Network {
    fn default() -> Self {
        Network::new()
    }
}

impl Network {
    /// A network without hosts.
    pub fn new() -> Self {
        Network {
            names: Vec::new(),
            hosts: Vec::new(),
            machines: Vec::new(),
            gone: BTreeSet::new(),
            wires: BTreeMap::new(),
            now: Time::ZERO,
            queue: BTreeMap::new(),
            queued: 0,
            choices: Choices::default(),
            log: Log::default(),
            pass: None,
            woken: VecDeque::new(),
            busy: None,
            last_activity: Time::ZERO,
            limit: usize::MAX,
        }
    }

    /// Adds a host under a name: a machine of its own.
    pub fn add_host(&mut self, name: &str, host: Host) -> HostId {
        self.put_host(name, host, HostId(self.hosts.len() as u16))
    }

    pub(super) fn put_host(&mut self, name: &str, mut host: Host, machine: HostId) -> HostId {
        let id = HostId(self.hosts.len() as u16);
        host.now = self.now;
        host.devices.set_space(id.0 + 1);
        self.names.push(name.into());
        self.hosts.push(host);
        self.machines.push(machine);
        id
    }

    /// The hosts in the order in which they were added.
    pub fn hosts(&self) -> impl Iterator<Item = (HostId, &str, &Host)> {
        self.names
            .iter()
            .zip(&self.hosts)
            .enumerate()
            .map(|(i, (name, host))| (HostId(i as u16), name.as_str(), host))
            .filter(|(id, ..)| !self.gone.contains(id))
    }

    /// A host by its name.
    pub fn by_name(&self, name: &str) -> Option<HostId> {
        self.hosts().find(|(_, n, _)| *n == name).map(|(id, ..)| id)
    }

    /// A host's name, also of one that was removed.
    pub fn name(&self, host: HostId) -> &str {
        self.names.get(usize::from(host.0)).map_or("", SmolStr::as_str)
    }

    /// A host. One that was removed has nothing but `lo`.
    ///
    /// Panics if the number is of another network.
    pub fn host(&self, host: HostId) -> &Host {
        &self.hosts[usize::from(host.0)]
    }

    /// A host, to be changed.
    ///
    /// Panics if the number is of another network.
    pub fn host_mut(&mut self, host: HostId) -> &mut Host {
        &mut self.hosts[usize::from(host.0)]
    }

    /// The clock.
    pub fn now(&self) -> Time {
        self.now
    }

    /// What has happened so far.
    pub fn log(&self) -> &Log<Happening> {
        &self.log
    }

    /// The next socket whose program is to be woken.
    pub fn next_woken(&mut self) -> Option<(HostId, SocketId)> {
        self.woken.pop_front()
    }

    /// Sets a bound: after so many events nothing more happens, so that a loop of bridges, which sends a frame round
    /// for ever, ends.
    pub fn limit(&mut self, events: usize) {
        self.limit = events;
    }

    /// Fixes the first answers where the model cannot know whether a rule matches; see [`Choices`].
    pub fn choose(&mut self, answers: Vec<bool>) {
        self.choices = Choices::new(answers);
    }

    /// What was answered so far where the model cannot know.
    pub fn choices(&self) -> &Choices {
        &self.choices
    }

    /// True if the bound was reached: what would have happened next is not known.
    pub fn is_over(&self) -> bool {
        self.log.len() >= self.limit
    }

    /// Does all that is due now, until nothing is left to do at this moment.
    pub fn settle(&mut self) {
        if self.is_over() {
            self.queue.clear();
        }
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let task = entry.remove();
            self.last_activity = self.now;
            self.run(task);
            if self.is_over() {
                self.queue.clear();
            }
        }
    }

    /// Lets time pass, to the next moment at which something is due, but not beyond `until`. False where nothing
    /// is due by then.
    pub fn advance(&mut self, until: Time) -> bool {
        let next = self.queue.first_key_value().map(|((time, _), _)| *time).filter(|t| *t <= until);
        self.set_now(next.unwrap_or(until));
        next.is_some()
    }

    /// Lets a span of time pass in which nothing new is begun; what is due in it happens.
    pub fn pass_time(&mut self, span: Duration) {
        let end = self.now.after(span);
        self.settle();
        while self.advance(end) {
            self.settle();
        }
    }

    /// When something happened last.
    pub fn last_activity(&self) -> Time {
        self.last_activity
    }

    /// Marks the present as a moment in which something happened.
    pub fn touch(&mut self) {
        self.last_activity = self.now;
    }

    fn set_now(&mut self, now: Time) {
        self.now = self.now.max(now);
        for host in &mut self.hosts {
            host.now = self.now;
        }
    }

    pub(super) fn later(&mut self, span: Duration, task: Task) {
        let key = (self.now.after(span), self.queued);
        self.queued += 1;
        self.queue.insert(key, task);
    }

    pub(super) fn soon(&mut self, task: Task) {
        self.later(Duration::ZERO, task);
    }

    /// Forgets what is due at a host.
    pub(super) fn forget_tasks(&mut self, gone: HostId) {
        self.queue.retain(|_, task| match task {
            Task::Frame { host, .. }
            | Task::Loop { host, .. }
            | Task::Neighbour { host, .. }
            | Task::Tcp { host, .. } => *host != gone,
        });
        self.woken.retain(|(host, _)| *host != gone);
    }

    fn run(&mut self, task: Task) {
        match task {
            Task::Frame { host, dev, frame, mark, cause } => {
                self.pass = None;
                self.receive(host, &dev, *frame, mark, cause);
            }
            Task::Loop { host, skb, cause } => self.loop_back(host, *skb, cause),
            Task::Neighbour { host, dev, addr, cause } => self.neighbour_timer(host, dev, addr, cause),
            Task::Tcp { host, socket } => self.tcp_timer(host, socket),
        }
    }

    /// Writes an event that belongs to the way that is being walked, if any.
    pub(super) fn emit(&mut self, host: HostId, cause: Option<EventId>, event: impl Into<Event>) -> EventId {
        let happening = Happening { host, time: self.now, pass: self.pass, event: event.into() };
        self.log.emit(cause, happening)
    }

    /// Ends the way that is being walked: what comes next belongs to none.
    pub(super) fn between(&mut self) {
        self.pass = None;
    }

    /// Changes a host; what it tells goes into the log.
    pub fn change<T>(&mut self, host: HostId, f: impl FnOnce(&mut Host, &mut dyn Sink<Event>) -> T) -> T {
        let since = self.log.next_id();
        let result = self.within(host, f);
        self.settle_wires_after(since);
        result
    }

    /// As [`Network::change`], without a look at the wires.
    pub(super) fn within<T>(
        &mut self,
        host: HostId,
        f: impl FnOnce(&mut Host, &mut dyn Sink<Event>) -> T,
    ) -> T {
        self.pass = None;
        let mut scribe = Scribe { log: &mut self.log, host, time: self.now, pass: &mut self.pass };
        f(&mut self.hosts[usize::from(host.0)], &mut scribe)
    }

    /// Leads something through a host.
    pub(super) fn walk<T>(&mut self, host: HostId, f: impl FnOnce(&mut Way) -> T) -> T {
        let mut scribe = Scribe { log: &mut self.log, host, time: self.now, pass: &mut self.pass };
        let mut way = Way::new(&mut self.hosts[usize::from(host.0)], &mut self.choices, &mut scribe);
        let result = f(&mut way);
        let outs = std::mem::take(&mut way.outs);
        self.follow(host, outs);
        result
    }

    /// Does what a bridge asked for.
    pub(super) fn bridged(&mut self, host: HostId, what: Vec<Bridged>, bridge: &IfName, cause: EventId) {
        for item in what {
            match item {
                Bridged::Port(port, frame) if !self.may_carry(host, &port, &frame) => {
                    self.drop_frame(host, &port, FrameDrop::TooLong, cause);
                }
                Bridged::Port(port, frame) => self.transmit_frame(host, &port, frame, 0, cause),
                Bridged::Up(frame) => {
                    self.between();
                    self.receive_up(host, bridge, frame, 0, cause);
                }
                Bridged::Ask(dev, addr, cause) => self.ask_neighbour(host, dev, addr, cause),
            }
        }
    }
}

/// Writes a host's events into the network's log. A packet that begins, or a copy that goes on by itself, begins
/// a new way.
struct Scribe<'a> {
    log: &'a mut Log<Happening>,
    host: HostId,
    time: Time,
    pass: &'a mut Option<PassId>,
}

impl Sink<Event> for Scribe<'_> {
    fn emit(&mut self, cause: Option<EventId>, event: Event) -> EventId {
        use super::event::NetEvent;
        if let Event::Net(NetEvent::Begins { .. } | NetEvent::Answers { .. } | NetEvent::Continues { .. }) =
            event
        {
            *self.pass = Some(PassId(self.log.next_id().0));
        }
        if let Event::Net(NetEvent::Resumes { begun }) = event {
            *self.pass = Some(PassId(begun.0));
        }
        self.log.emit(cause, Happening { host: self.host, time: self.time, pass: *self.pass, event })
    }
}
