//! Sentences for changes of IP sets.

use super::text::Text;
use crate::netfilter::ipset::SetChange;

/// Says a change of a set.
pub(super) fn set_changed(text: &Text, set: &str, change: &SetChange) -> String {
    let (key, elem): (_, &str) = match change {
        SetChange::Created(kind) => ("set-created", kind),
        SetChange::Destroyed => ("set-destroyed", ""),
        SetChange::Flushed => ("set-flushed", ""),
        SetChange::Renamed(to) => ("set-renamed", to),
        SetChange::Swapped(with) => ("set-swapped", with),
        SetChange::Added(elem) => ("set-added", elem),
        SetChange::Updated(elem) => ("set-updated", elem),
        SetChange::Deleted(elem) => ("set-deleted", elem),
        SetChange::Expired(elem) => ("set-expired", elem),
        SetChange::GaveWay(elem) => ("set-gave-way", elem),
    };
    text.with(key, &[("set", set), ("what", elem)])
}
