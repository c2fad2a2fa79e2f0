//! Sets that hold sets: `list:set`.

use super::Sets;
use super::elem::Elem;
use super::error::{SetError, Verb};
use super::event::{Changes, SetChange, SetEvent};
use super::kind::SetType;
use super::request::Request;
use super::set::{IpSet, Store};
use super::table::Slot;
use crate::abi::Time;
use smol_str::SmolStr;

impl IpSet {
    /// The names of the sets in it, in order.
    pub fn members(&self) -> impl Iterator<Item = &SmolStr> {
        let members = match &self.store {
            Store::List(members) => &members[..],
            Store::Hash(_) | Store::Bitmap(_) => &[],
        };
        members.iter().filter_map(|slot| slot.elem.set.as_ref())
    }

    /// True if the set of this name is in it.
    pub(super) fn has_member(&self, name: &str) -> bool {
        self.members().any(|m| m == name)
    }

    fn members_mut(&mut self) -> Option<&mut Vec<Slot>> {
        match &mut self.store {
            Store::List(members) => Some(members),
            Store::Hash(_) | Store::Bitmap(_) => None,
        }
    }
}

impl Sets {
    /// Adds, deletes or tests a member of a list (`list_set_uadt`).
    pub(super) fn change_list(
        &mut self,
        name: &str,
        verb: Verb,
        request: &Request,
        exist: bool,
        now: Time,
        log: &mut Changes,
    ) -> Result<bool, SetError> {
        let answer = self.check_member(name, request);
        if verb == Verb::Test {
            let found = answer.is_ok().then(|| self.is_member(name, request));
            return Ok(found.unwrap_or(false));
        }
        let member = answer?;
        let beside = request.beside.as_ref();
        let set = self.get_mut(name).ok_or(SetError::NoSet)?;
        let names: Vec<SmolStr> = set.members().cloned().collect();
        let place = names.iter().position(|n| *n == member);
        let reference = beside.and_then(|b| names.iter().position(|n| *n == b.set));
        let change = match verb {
            Verb::Del => {
                let Some(place) = place else {
                    return match beside {
                        Some(_) => Err(SetError::RefAbsent),
                        None if exist => Ok(true),
                        None => Err(SetError::Elem),
                    };
                };
                let neighbour = match beside {
                    Some(b) if b.before => names.get(place + 1),
                    Some(_) => place.checked_sub(1).and_then(|p| names.get(p)),
                    None => None,
                };
                if beside.is_some_and(|b| neighbour != Some(&b.set)) {
                    return Err(SetError::RefAbsent);
                }
                if let Some(members) = set.members_mut() {
                    members.remove(place);
                }
                SetChange::Deleted(member)
            }
            _ => {
                // A set is no neighbour of itself.
                let reference = reference.filter(|r| Some(*r) != place);
                if beside.is_some() && reference.is_none() {
                    return Err(SetError::RefAbsent);
                }
                if place.is_some() && !exist {
                    return Err(SetError::Elem);
                }
                let old = set.elems().find(|(e, _)| e.set.as_ref() == Some(&member)).map(|(_, x)| x.clone());
                let ext = set.ext(&request.given, old.as_ref(), now);
                let Some(members) = set.members_mut() else { return Err(SetError::NoSet) };
                match place {
                    Some(place) => {
                        members[place].ext = ext;
                        SetChange::Updated(member)
                    }
                    None => {
                        let elem = Elem { set: Some(member.clone()), ..Elem::default() };
                        let at = match (beside, reference) {
                            (Some(b), Some(at)) if b.before => at,
                            (Some(_), Some(at)) => at + 1,
                            _ => members.len(),
                        };
                        members.insert(at, Slot { elem, ext });
                        SetChange::Added(member)
                    }
                }
            }
        };
        log.push(SetEvent { set: name.into(), change });
        Ok(true)
    }

    /// The member that a command names, if it may be one.
    fn check_member(&self, name: &str, request: &Request) -> Result<SmolStr, SetError> {
        let set = self.get(name).ok_or(SetError::NoSet)?;
        set.spec.allows(&request.given)?;
        let member = request.set.clone().ok_or(SetError::Protocol)?;
        match self.get(&member).map(|s| s.kind) {
            None => return Err(SetError::NoMember),
            Some(SetType::ListSet) => return Err(SetError::Loop),
            Some(_) => {}
        }
        if request.beside.as_ref().is_some_and(|b| !self.contains(&b.set)) {
            return Err(SetError::NoRef);
        }
        Ok(member)
    }

    fn is_member(&self, name: &str, request: &Request) -> bool {
        let Some(set) = self.get(name) else { return false };
        let names: Vec<&SmolStr> = set.members().collect();
        let Some(place) = names.iter().position(|n| Some(*n) == request.set.as_ref()) else { return false };
        match &request.beside {
            None => true,
            Some(b) if b.before => names.get(place + 1) == Some(&&b.set),
            Some(b) => place.checked_sub(1).and_then(|p| names.get(p)) == Some(&&b.set),
        }
    }
}
