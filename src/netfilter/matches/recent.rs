//! `-m recent`: lists of addresses that packets came from lately.

use super::super::error::KernelError;
use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Absent, Fact, Test};
use super::super::modules::{RecentEntry, RecentList};
use super::super::skb::Sender;
use super::super::text::{Print, SaveOptions};
use super::super::value::{Kind, Value};
use super::super::{Inv, Match, RuleError};
use super::MatchCx;
use crate::abi::Time;
use smol_str::SmolStr;
use std::net::IpAddr;

/// A list and what is asked of it (iptables-extensions(8), recent).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    /// What is done.
    pub action: Inv<RecentAction>,
    /// `--seconds`; 0 where it is not given.
    pub seconds: u32,
    /// `--hitcount`; 0 where it is not given.
    pub hitcount: u32,
    /// `--rttl`: the TTL must be that of the packet that put the address in.
    pub rttl: bool,
    /// `--reap`: forget what is older than `seconds`.
    pub reap: bool,
    /// `--name`.
    pub name: SmolStr,
    /// `--rdest`: the destination address counts.
    pub dest: bool,
    /// `--mask`.
    pub mask: IpAddr,
}

/// What a rule does with a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecentAction {
    /// `--set`: puts the address in.
    Set,
    /// `--rcheck`: asks whether it is there.
    Check,
    /// `--update`: asks, and notes the moment.
    Update,
    /// `--remove`: asks, and takes it out.
    Remove,
}

/// A list holds so many addresses (`ip_list_tot` of the module).
const LIST_MAX: usize = 100;
/// An entry holds so many moments, unless `--hitcount` asks for more.
const STAMPS: usize = 32;
/// The kernel's bound of `--hitcount`.
const HITS_MAX: u32 = 65_536;

pub(super) static EXT: Extension = Extension::a_match(
    "recent",
    BOTH,
    &[
        Opt::flag("set").inv().not_with(&["rcheck", "update", "remove"]),
        Opt::flag("rcheck").inv().not_with(&["set", "update", "remove"]),
        Opt::flag("update").inv().not_with(&["set", "rcheck", "remove"]),
        Opt::flag("remove").inv().not_with(&["set", "rcheck", "update"]),
        Opt::new("seconds", Kind::Number(1, u32::MAX as u64)),
        Opt::flag("reap").with(&["seconds"]),
        Opt::new("hitcount", Kind::Number(0, u32::MAX as u64)),
        Opt::flag("rttl"),
        Opt::new("name", Kind::Cut(199)),
        Opt::flag("rsource"),
        Opt::flag("rdest"),
        Opt::new("mask", Kind::Host),
    ],
    build,
)
.check(|args| {
    if ["set", "rcheck", "update", "remove"].iter().any(|o| args.has(o)) {
        return Ok(());
    }
    said("recent: you must specify one of `--set', `--rcheck' `--update' or `--remove'")
});

fn build(args: &Args) -> Result<Match, RuleError> {
    let actions = [
        ("set", RecentAction::Set),
        ("rcheck", RecentAction::Check),
        ("update", RecentAction::Update),
        ("remove", RecentAction::Remove),
    ];
    let found = actions.into_iter().find_map(|(name, action)| args.map(name, |_| action));
    let sides = args.given.iter().rev().map(|a| args.name_of(a));
    Ok(Match::Recent(Box::new(Recent {
        action: found.unwrap_or(Inv::yes(RecentAction::Set)),
        seconds: args.number("seconds").unwrap_or(0) as u32,
        hitcount: args.number("hitcount").unwrap_or(0) as u32,
        rttl: args.has("rttl"),
        reap: args.has("reap"),
        name: args.text("name").unwrap_or("DEFAULT").into(),
        dest: sides.into_iter().find(|n| ["rsource", "rdest"].contains(n)) == Some("rdest"),
        mask: match args.get("mask").map(|a| &a.value) {
            Some(Value::Host(mask)) => *mask,
            _ => super::super::addr::prefix_mask(args.family, args.family.bits()),
        },
    })))
}

impl Recent {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        let action = match self.action.value {
            RecentAction::Set => "set",
            RecentAction::Check => "rcheck",
            RecentAction::Update => "update",
            RecentAction::Remove => "remove",
        };
        out.option(action, Inv { not: self.action.not, value: "" });
        if self.seconds > 0 {
            out.value("seconds", self.seconds);
        }
        if self.reap {
            out.flag("reap");
        }
        if self.hitcount > 0 {
            out.value("hitcount", self.hitcount);
        }
        if self.rttl {
            out.flag("rttl");
        }
        out.value("name", &self.name);
        out.value("mask", self.mask);
        out.flag(if self.dest { "rdest" } else { "rsource" });
    }

    /// What the kernel refuses (`recent_mt_check`).
    pub(super) fn kernel(&self) -> Option<KernelError> {
        let changes = matches!(self.action.value, RecentAction::Set | RecentAction::Remove);
        let wrong = changes && (self.seconds > 0 || self.hitcount > 0 || self.rttl || self.reap)
            || self.hitcount >= HITS_MAX
            || !is_proc_name(&self.name);
        wrong.then_some(KernelError::InvalidArgument)
    }

    /// A rule with the match is there: the list comes into being, or is emptied where its entries are to hold more
    /// moments from now on (`recent_mt_check`).
    pub fn hold(&self, list: &mut Option<RecentList>) {
        let room = if self.hitcount > 0 { (self.hitcount as usize).next_power_of_two() } else { STAMPS };
        let list =
            list.get_or_insert_with(|| RecentList { mask: octets(self.mask), room, entries: Vec::new() });
        if room > list.room {
            list.entries.clear();
            list.room = room;
        }
    }

    /// As `recent_mt` does.
    pub(super) fn test(&self, cx: &mut MatchCx) -> Test {
        let Some(list) = cx.modules.recent.get_mut(&self.name) else {
            return Test::new(self.action.not, Fact::Absent(Absent::Entry));
        };
        let packet = &cx.skb.packet;
        let masked = masked(if self.dest { packet.dst } else { packet.src }, &list.mask);
        // The TTL as it was before forwarding took one off.
        let forwarded = cx.hook.has_oif() && cx.skb.sender == Sender::Kernel;
        let ttl = packet.ttl.saturating_add(u8::from(forwarded));
        let not = self.action.not;
        let fits = |e: &RecentEntry| e.addr == masked && (!self.rttl || e.ttl == ttl || e.ttl == 0);
        let Some(place) = list.entries.iter().position(fits) else {
            if self.action.value == RecentAction::Set {
                if list.entries.len() >= LIST_MAX {
                    list.entries.remove(0);
                }
                list.entries.push(RecentEntry { addr: masked, ttl, stamps: vec![cx.now], next: 1 });
                return Test::new(!not, Fact::Number(1));
            }
            return Test::new(not, Fact::Absent(Absent::Entry));
        };
        let seen = list.entries[place].stamps.len() as u64;
        let held = match self.action.value {
            RecentAction::Set => {
                list.touch(place, ttl, cx.now);
                true
            }
            RecentAction::Remove => {
                list.entries.remove(place);
                true
            }
            RecentAction::Check | RecentAction::Update => {
                let entry = &list.entries[place];
                let fresh = entry.stamps.iter().filter(|s| self.is_fresh(**s, cx.now)).count();
                let held = fresh > 0 && fresh >= self.hitcount as usize;
                let updates = self.action.value == RecentAction::Update && held != not;
                // The entry itself is not forgotten where it is about to be noted.
                let reaped = self.reap && !(updates && place == 0) && self.reap_oldest(list, cx.now);
                if updates {
                    list.touch(place - usize::from(reaped), ttl, cx.now);
                }
                return Test::new(held != not, Fact::Number(fresh as u64));
            }
        };
        Test::new(held != not, Fact::Number(seen))
    }

    fn is_fresh(&self, stamp: Time, now: Time) -> bool {
        self.seconds == 0 || now.since(stamp).as_secs_f64() <= f64::from(self.seconds)
    }

    /// Forgets the entry that was touched longest ago, if its last moment is too old; says whether it did.
    fn reap_oldest(&self, list: &mut RecentList, now: Time) -> bool {
        let last = |e: &RecentEntry| e.stamps.get(e.next.wrapping_sub(1)).copied();
        let old = list.entries.first().and_then(last).is_some_and(|stamp| !self.is_fresh(stamp, now));
        if old {
            list.entries.remove(0);
        }
        old
    }
}

impl RecentList {
    /// Notes the moment, and makes the entry the last to be forgotten.
    fn touch(&mut self, place: usize, ttl: u8, now: Time) {
        let mut entry = self.entries.remove(place);
        entry.next %= self.room;
        match entry.stamps.get_mut(entry.next) {
            Some(stamp) => *stamp = now,
            None => entry.stamps.push(now),
        }
        entry.next += 1;
        entry.ttl = ttl;
        self.entries.push(entry);
    }
}

/// An address as the kernel holds either family's (`union nf_inet_addr`).
fn octets(addr: IpAddr) -> [u8; 16] {
    match addr {
        IpAddr::V4(a) => {
            let [a, b, c, d] = a.octets();
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
        IpAddr::V6(a) => a.octets(),
    }
}

/// What a list's mask leaves of an address.
fn masked(addr: IpAddr, mask: &[u8; 16]) -> IpAddr {
    let mut left = octets(addr);
    left.iter_mut().zip(mask).for_each(|(octet, mask)| *octet &= mask);
    match (addr, left) {
        (IpAddr::V4(_), [a, b, c, d, ..]) => IpAddr::from([a, b, c, d]),
        (IpAddr::V6(_), _) => IpAddr::from(left),
    }
}

/// True for a name that may stand in `/proc` (`xt_check_proc_name`).
pub(super) fn is_proc_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains('/')
}

impl Recent {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        let action = match self.action.value {
            RecentAction::Set => "SET",
            RecentAction::Check => "CHECK",
            RecentAction::Update => "UPDATE",
            RecentAction::Remove => "REMOVE",
        };
        out.words(format_args!("{}recent: {action}", if self.action.not { "! " } else { "" }));
        if self.seconds > 0 {
            out.words(format_args!("seconds: {}", self.seconds));
        }
        if self.reap {
            out.words("reap");
        }
        if self.hitcount > 0 {
            out.words(format_args!("hit_count: {}", self.hitcount));
        }
        if self.rttl {
            out.words("TTL-Match");
        }
        let side = if self.dest { "dest" } else { "source" };
        out.words(format_args!("name: {} side: {side} mask: {}", self.name, self.mask));
    }
}
