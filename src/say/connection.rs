//! Sentences about connections: why a packet has its state, what changed in a connection or an expectation.

use super::text::Text;
use crate::netfilter::event::{CtChange, ExpectChange, KernelDrop, TrackedBy};
use crate::netfilter::{CtRef, Template};
use crate::packet::Direction;

pub(super) fn tracked_by(text: &Text, why: TrackedBy, ct: &CtRef) -> String {
    text.get(match (why, ct.dir) {
        (TrackedBy::NoEntry, _) => "tracked-by-no-entry",
        (TrackedBy::PickedUp, _) => "tracked-by-picked-up",
        (TrackedBy::Entry, Direction::Original) => "tracked-by-entry-original",
        (TrackedBy::Entry, Direction::Reply) => "tracked-by-entry-reply",
        (TrackedBy::Quoted, _) => "tracked-by-quoted",
        (TrackedBy::Reopened, _) => "tracked-by-reopened",
        (TrackedBy::Flags, _) => "tracked-by-flags",
        (TrackedBy::OutOfState, _) => "tracked-by-out-of-state",
        (TrackedBy::OutOfWindow, _) => "tracked-by-out-of-window",
        (TrackedBy::QuotedUnknown, _) => "tracked-by-quoted-unknown",
        (TrackedBy::QuotedElsewhere, _) => "tracked-by-quoted-elsewhere",
        (TrackedBy::Expected, _) => "tracked-by-expected",
        (TrackedBy::NoQuestion, _) => "tracked-by-no-question",
        (TrackedBy::Checksum, _) => "tracked-by-checksum",
        (TrackedBy::Fragment, _) => "tracked-by-fragment",
        (TrackedBy::Discovery, _) => "tracked-by-discovery",
        (TrackedBy::Assumed, _) => "tracked-by-assumed",
        (TrackedBy::Answer, _) => "tracked-by-answer",
    })
}

pub(super) fn connection(text: &Text, entry: &str, change: CtChange) -> String {
    match change {
        CtChange::Created => text.with("ct-created", &[("entry", entry)]),
        CtChange::Confirmed => text.get("ct-confirmed"),
        CtChange::Status(status) => text.with("ct-status", &[("status", status.name())]),
        CtChange::Tcp(from, to) => text.with("ct-tcp", &[("from", from.name()), ("to", to.name())]),
        CtChange::Sctp(from, to) => text.with("ct-sctp", &[("from", from.name()), ("to", to.name())]),
        CtChange::Mark(mark) => text.with("ct-mark", &[("mark", &format!("{mark:#x}"))]),
        CtChange::Timeout(secs) => text.with("ct-timeout", &[("seconds", &secs.to_string())]),
        CtChange::Expired => text.with("ct-expired", &[("entry", entry)]),
        CtChange::Reset => text.get("ct-reset"),
        CtChange::Replaced => text.with("ct-replaced", &[("entry", entry)]),
        CtChange::Abandoned => text.get("ct-abandoned"),
        CtChange::Clash => text.get("ct-clash"),
        CtChange::Evicted => text.with("ct-evicted", &[("entry", entry)]),
        CtChange::Deleted => text.with("ct-deleted", &[("entry", entry)]),
        CtChange::Rehomed => text.with("ct-rehomed", &[("entry", entry)]),
    }
}

pub(super) fn expectation(text: &Text, expected: &str, change: ExpectChange) -> String {
    let key = match change {
        ExpectChange::Created => "expect-created",
        ExpectChange::Met => "expect-met",
        ExpectChange::Expired => "expect-expired",
        ExpectChange::Replaced => "expect-replaced",
        ExpectChange::MasterGone => "expect-master-gone",
    };
    text.with(key, &[("expected", expected)])
}

pub(super) fn kernel_dropped(text: &Text, why: KernelDrop) -> String {
    text.get(match why {
        KernelDrop::TableFull => "kernel-drop-table-full",
        KernelDrop::TranslatedRedirect => "kernel-drop-translated-redirect",
        KernelDrop::OtherInterface => "kernel-drop-other-interface",
        KernelDrop::ShortQuote => "kernel-drop-short-quote",
        KernelDrop::PartialCommand => "kernel-drop-partial-command",
        KernelDrop::NotExpectable => "kernel-drop-not-expectable",
    })
}

/// What a CT rule said of a packet, in its own words.
pub(super) fn template(template: Option<&Template>, mark: u32) -> String {
    let Some(template) = template else { return "-".into() };
    let mut said = Vec::new();
    if template.zone.is_some() {
        said.push(format!("zone={}", template.zone(mark).id));
    }
    if let Some(helper) = &template.helper {
        said.push(format!("helper={helper}"));
    }
    if template.ctevents != 0 || template.expevents {
        said.push("events".into());
    }
    if said.is_empty() { "-".into() } else { said.join(" ") }
}
