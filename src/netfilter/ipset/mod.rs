//! IP sets, as Linux 6.18 keeps them and ipset 7.17 shows them.
//!
//! A set holds addresses, networks, ports and other things; rules ask whether a packet is in it (`-m set`) and put
//! packets into it (`-j SET`). Lists and dumps have the kernel's order where a set was made with `initval`, as
//! saved ones are; without it Linux hashes by a secret of its own, and a fixed one takes its place here.

mod elem;
mod error;
mod event;
mod icmp;
mod jhash;
mod kind;
mod list;
mod memory;
mod packet;
mod program;
mod request;
mod set;
mod table;

pub use elem::{Elem, Ext, Iface, Net, SkbInfo};
pub use error::{SetError, Verb};
pub use event::{Changes, SetChange, SetEvent};
pub use kind::{Dim, Method, SetType};
pub use packet::{Answer, Ask, By, ByError, Compare, Look, Side};
pub use program::{Output, input_file, restore, run};
pub use request::{Addrs, Beside, Request};
pub use set::{Given, IpSet, Spec};

use crate::abi::Time;
use set::Done;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The sets of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sets {
    /// By the number that the kernel gives them: the order in which they are listed.
    slots: Vec<Option<(SmolStr, Arc<IpSet>)>>,
    names: BTreeMap<SmolStr, usize>,
    /// How many rules refer to each.
    held: BTreeMap<SmolStr, u32>,
    /// How many were made.
    made: u32,
}

impl Sets {
    /// The set of this name.
    pub fn get(&self, name: &str) -> Option<&IpSet> {
        let slot = *self.names.get(name)?;
        self.slots.get(slot)?.as_ref().map(|(_, set)| set.as_ref())
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut IpSet> {
        let slot = *self.names.get(name)?;
        self.slots.get_mut(slot)?.as_mut().map(|(_, set)| Arc::make_mut(set))
    }

    /// True if there is a set of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// True if there is no set.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The sets in the order in which they are listed: by their number, those that hold sets last.
    pub fn iter(&self) -> impl Iterator<Item = (&SmolStr, &IpSet)> {
        let all = |lists: bool| {
            let some = self.slots.iter().flatten().map(|(name, set)| (name, set.as_ref()));
            some.filter(move |(_, set)| (set.kind == SetType::ListSet) == lists)
        };
        all(false).chain(all(true))
    }

    /// Tells which sets rules refer to, and how many times.
    pub fn hold(&mut self, held: BTreeMap<SmolStr, u32>) {
        self.held = held;
    }

    /// What refers to a set: rules, and sets that hold it.
    pub fn references(&self, name: &str) -> u32 {
        let member = |set: &IpSet| set.has_member(name);
        let lists = self.iter().filter(|(_, set)| member(set)).count() as u32;
        self.held.get(name).copied().unwrap_or(0) + lists
    }

    /// Makes a set. With `exist`, one that is there already may stay if it was made in the same way.
    pub fn create(
        &mut self,
        name: &str,
        kind: SetType,
        spec: Spec,
        exist: bool,
        log: &mut Changes,
    ) -> Result<(), SetError> {
        let set = IpSet::new(kind, spec, self.made)?;
        if let Some(there) = self.get(name) {
            return if exist && there.is_made_as(&set) { Ok(()) } else { Err(SetError::SetExists) };
        }
        self.made = self.made.wrapping_add(1);
        let free = self.slots.iter().position(Option::is_none).unwrap_or(self.slots.len());
        if free == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[free] = Some((name.into(), Arc::new(set)));
        self.names.insert(name.into(), free);
        log.push(SetEvent { set: name.into(), change: SetChange::Created(kind.name()) });
        Ok(())
    }

    /// Takes a set away, or all.
    pub fn destroy(&mut self, name: Option<&str>, log: &mut Changes) -> Result<(), SetError> {
        let names: Vec<SmolStr> = match name {
            Some(name) => vec![name.into()],
            None => self.iter().map(|(name, _)| name.clone()).collect(),
        };
        if names.iter().any(|n| !self.contains(n)) {
            return Err(SetError::NoSet);
        }
        if names.iter().any(|n| self.references(n) > 0) {
            return Err(SetError::Busy);
        }
        for name in names {
            if let Some(slot) = self.names.remove(&name) {
                self.slots[slot] = None;
            }
            log.push(SetEvent { set: name, change: SetChange::Destroyed });
        }
        Ok(())
    }

    /// Empties a set, or all.
    pub fn flush(&mut self, name: Option<&str>, log: &mut Changes) -> Result<(), SetError> {
        let names: Vec<SmolStr> = match name {
            Some(name) => vec![name.into()],
            None => self.iter().map(|(name, _)| name.clone()).collect(),
        };
        for name in names {
            self.get_mut(&name).ok_or(SetError::NoSet)?.clear();
            log.push(SetEvent { set: name, change: SetChange::Flushed });
        }
        Ok(())
    }

    /// Gives a set another name.
    pub fn rename(&mut self, from: &str, to: &str, log: &mut Changes) -> Result<(), SetError> {
        let slot = *self.names.get(from).ok_or(SetError::NoSet)?;
        if self.references(from) > 0 {
            return Err(SetError::Referenced);
        }
        if self.contains(to) {
            return Err(SetError::Second);
        }
        self.names.remove(from);
        self.names.insert(to.into(), slot);
        if let Some((name, _)) = &mut self.slots[slot] {
            *name = to.into();
        }
        log.push(SetEvent { set: from.into(), change: SetChange::Renamed(to.into()) });
        Ok(())
    }

    /// Lets two sets change places: rules that refer to the one by its name meet the other from now on.
    pub fn swap(&mut self, from: &str, to: &str, log: &mut Changes) -> Result<(), SetError> {
        let a = *self.names.get(from).ok_or(SetError::NoSet)?;
        let b = *self.names.get(to).ok_or(SetError::Second)?;
        let (Some((_, one)), Some((_, other))) = (&self.slots[a], &self.slots[b]) else {
            return Err(SetError::NoSet);
        };
        if !one.kind.swaps_with(other.kind) || one.spec.family != other.spec.family {
            return Err(SetError::TypeMismatch);
        }
        let (one, other) = (one.clone(), other.clone());
        self.slots[a] = Some((from.into(), other));
        self.slots[b] = Some((to.into(), one));
        log.push(SetEvent { set: from.into(), change: SetChange::Swapped(to.into()) });
        Ok(())
    }

    /// Adds, deletes or tests what a command says. Of a test: whether it is in.
    pub fn change(
        &mut self,
        name: &str,
        verb: Verb,
        request: &Request,
        exist: bool,
        now: Time,
        log: &mut Changes,
    ) -> Result<bool, SetError> {
        let set = self.get(name).ok_or(SetError::NoSet)?;
        if set.kind == SetType::ListSet {
            return self.change_list(name, verb, request, exist, now, log);
        }
        if verb == Verb::Test {
            // Whatever the kernel has against a test means that it is not in.
            return Ok(self.test(name, request).unwrap_or(false));
        }
        let (kind, spec) = (set.kind, set.spec.clone());
        let Some(set) = self.get_mut(name) else { return Err(SetError::NoSet) };
        let mut tell = |change| log.push(SetEvent { set: name.into(), change });
        request.each(kind, &spec, verb, &mut |elem| {
            let text: SmolStr = elem.text(kind).into();
            if verb == Verb::Del {
                return match set.take(&elem) {
                    Ok(()) => {
                        tell(SetChange::Deleted(text));
                        Ok(())
                    }
                    Err(SetError::Elem) if exist => Ok(()),
                    Err(why) => Err(why),
                };
            }
            loop {
                match set.put(elem.clone(), &request.given, exist, now) {
                    Ok(Done::New(gone)) => {
                        if let Some(gone) = gone {
                            tell(SetChange::GaveWay(gone.text(kind).into()));
                        }
                        tell(SetChange::Added(text));
                        return Ok(());
                    }
                    Ok(Done::Changed) => {
                        tell(SetChange::Updated(text));
                        return Ok(());
                    }
                    Ok(Done::Crowded) => set.grow()?,
                    Err(why) => return Err(why),
                }
            }
        })?;
        Ok(true)
    }

    fn test(&self, name: &str, request: &Request) -> Result<bool, SetError> {
        let set = self.get(name).ok_or(SetError::NoSet)?;
        let mut found = None;
        request.each(set.kind, &set.spec, Verb::Test, &mut |elem| {
            found = set.find(&elem, &mut |_, _| true).map(|(_, ext)| ext.nomatch);
            Ok(())
        })?;
        Ok(found == Some(request.given.nomatch))
    }

    /// Takes out the elements whose time is up.
    pub fn expire(&mut self, now: Time, log: &mut Changes) {
        for (name, set) in self.slots.iter_mut().flatten() {
            // A set is copied only if something in it changes.
            if set.spec.timeout.is_none() || !set.has_expired(now) {
                continue;
            }
            let kind = set.kind;
            for elem in Arc::make_mut(set).expire(now) {
                let change = SetChange::Expired(elem.text(kind).into());
                log.push(SetEvent { set: name.clone(), change });
            }
        }
    }
}
