//! `-j SET`: puts what a packet has into sets, takes it out, or gives the packet what stands beside it.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::ipset::{Side, SkbInfo};
use super::super::matches::set::{check_set, read_sides, sides_text, split};
use super::super::text::SaveOptions;
use super::super::value::{Cx, Kind, Value, number};
use super::super::{Hook, KernelError, RuleError, TableName, Target};
use smol_str::SmolStr;

/// A set and the ends of the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetSides {
    /// The set's name.
    pub set: SmolStr,
    /// The ends, one for each part of the set's elements.
    pub sides: Vec<Side>,
}

/// What is done (iptables-extensions(8), SET).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetTarget {
    /// `--add-set`.
    pub add: Option<SetSides>,
    /// `--exist`: an element that is there gets its time anew.
    pub exist: bool,
    /// `--timeout`, in seconds.
    pub timeout: Option<u32>,
    /// `--del-set`.
    pub del: Option<SetSides>,
    /// `--map-set`.
    pub map: Option<SetSides>,
    /// `--map-mark`.
    pub map_mark: bool,
    /// `--map-prio`.
    pub map_prio: bool,
    /// `--map-queue`.
    pub map_queue: bool,
}

/// The kernel's longest time.
const TIMEOUT_MAX: u32 = u32::MAX / 1000;

pub(super) static EXT: Extension = Extension::a_target(
    "SET",
    BOTH,
    &[
        Opt::new("add-set", Kind::TwoTexts).many(),
        Opt::new("del-set", Kind::TwoTexts).many(),
        Opt::new("map-set", Kind::TwoTexts).many(),
        Opt::flag("exist").inv().many(),
        Opt::new("timeout", Kind::Own(read_timeout)).inv().many(),
        Opt::flag("map-mark").inv().many(),
        Opt::flag("map-prio").inv().many(),
        Opt::flag("map-queue").inv().many(),
    ],
    build,
)
.check(check);

fn read_timeout(text: &str, _: Cx) -> Result<Value, RuleError> {
    match number(text).filter(|n| *n < u64::from(u32::MAX)) {
        Some(n) => Ok(Value::Number(n)),
        None => said("Invalid value for option --timeout or out of range 0-4294967294"),
    }
}

fn check(args: &Args) -> Result<(), RuleError> {
    for option in ["add-set", "del-set", "map-set"] {
        if args.given.iter().filter(|a| args.name_of(a) == option).count() > 1 {
            return said(format!("--{option} can be specified only once"));
        }
        if let Some(given) = args.text(option) {
            check_set(given)?;
        }
    }
    let maps = ["map-mark", "map-prio", "map-queue"];
    if !["add-set", "del-set", "map-set"].iter().any(|o| args.has(o)) {
        return said("You must specify either `--add-set' or `--del-set' or `--map-set'");
    }
    if !args.has("add-set") {
        if args.has("exist") {
            return said("Flag `--exist' can be used with `--add-set' only");
        }
        if args.has("timeout") {
            return said("Option `--timeout' can be used with `--add-set' only");
        }
    }
    if !args.has("map-set") {
        return match maps.iter().find(|o| args.has(o)) {
            Some(map) => said(format!("Flag `--{map}' can be used with `--map-set' only")),
            None => Ok(()),
        };
    }
    if !maps.iter().any(|o| args.has(o)) {
        return said("You must specify flags `--map-mark' or '--map-prio` or `--map-queue'");
    }
    Ok(())
}

fn build(args: &Args) -> Result<Target, RuleError> {
    let set = |option: &str| -> Result<Option<SetSides>, RuleError> {
        let Some(given) = args.text(option) else { return Ok(None) };
        let (set, sides) = split(given);
        Ok(Some(SetSides { set: set.into(), sides: read_sides(sides)? }))
    };
    Ok(Target::Set(Box::new(SetTarget {
        add: set("add-set")?,
        exist: args.has("exist"),
        timeout: args.number("timeout").map(|n| n as u32),
        del: set("del-set")?,
        map: set("map-set")?,
        map_mark: args.has("map-mark"),
        map_prio: args.has("map-prio"),
        map_queue: args.has("map-queue"),
    })))
}

impl SetTarget {
    /// The sets that it names.
    pub fn sets(&self) -> impl Iterator<Item = &SmolStr> {
        [&self.add, &self.del, &self.map].into_iter().flatten().map(|s| &s.set)
    }

    pub(super) fn save(&self, out: &mut SaveOptions) {
        let set = |out: &mut SaveOptions, option: &str, set: &Option<SetSides>| {
            if let Some(SetSides { set, sides }) = set {
                out.value(option, format_args!("{set} {}", sides_text(sides)));
            }
        };
        set(out, "add-set", &self.add);
        if self.exist {
            out.flag("exist");
        }
        if let Some(timeout) = self.timeout {
            out.value("timeout", timeout);
        }
        set(out, "del-set", &self.del);
        set(out, "map-set", &self.map);
        for (on, flag) in
            [(self.map_mark, "map-mark"), (self.map_prio, "map-prio"), (self.map_queue, "map-queue")]
        {
            if on {
                out.flag(flag);
            }
        }
    }

    /// Seconds, as the kernel takes them.
    pub fn seconds(&self) -> Option<u32> {
        self.timeout.map(|t| t.min(TIMEOUT_MAX))
    }

    /// The mark of a packet that got it from an element.
    pub fn mark(&self, mark: u32, info: SkbInfo) -> u32 {
        if self.map_mark { (mark & !info.mask) ^ info.mark } else { mark }
    }

    /// Why the kernel refuses it in this table, from these hooks (`set_target_v3_checkentry`).
    pub(in crate::netfilter) fn out_of_place(&self, table: TableName, hooks: &[Hook]) -> Option<KernelError> {
        self.map.as_ref()?;
        let late = |hook: &Hook| matches!(hook, Hook::Forward | Hook::Output | Hook::Postrouting);
        let needs_late = self.map_prio || self.map_queue;
        let wrong = table != TableName::Mangle || needs_late && !hooks.iter().all(late);
        wrong.then_some(KernelError::InvalidArgument)
    }
}
