//! `ip rule`: the words of a rule of routing, the commands, and the kernel's answers.

use super::args::{Args, bounded, cidr, find, invalid, name, number, wrong};
use super::route_words::{dsfield, proto, table};
use super::{Run, Stop, no_command, rule_show};
use crate::abi::IfName;
use crate::net::fib::{IpRule, Prefix, RouteProto, RuleAction, TableId};
use crate::netfilter::Family;
use crate::packet::Proto;

#[derive(Clone, Copy)]
enum Command {
    Show,
    Add,
    Delete,
    Flush,
    Other,
}

const COMMANDS: [(&str, Command); 9] = [
    ("list", Command::Show),
    ("lst", Command::Show),
    ("show", Command::Show),
    ("add", Command::Add),
    ("delete", Command::Delete),
    ("flush", Command::Flush),
    ("save", Command::Other),
    ("restore", Command::Other),
    ("help", Command::Other),
];

pub(super) fn run(run: &mut Run<'_>, mut args: Args<'_>) -> Result<(), Stop> {
    let Some(word) = args.next() else { return rule_show::show(run, args) };
    match find(word, &COMMANDS) {
        Some(Command::Show) => rule_show::show(run, args),
        Some(Command::Add) => add(run, args),
        Some(Command::Delete) => delete(run, args),
        Some(Command::Flush) => rule_show::flush(run, args),
        Some(Command::Other) => Err(Stop::unmodelled(format!("`rule {word}`"))),
        None => Err(no_command(word, "rule")),
    }
}

/// A rule as it was said: what was left out is `None`.
#[derive(Default)]
struct Words {
    not: bool,
    from: Option<Prefix>,
    to: Option<Prefix>,
    priority: Option<u32>,
    tos: u8,
    mark: Option<(u32, u32)>,
    iif: Option<IfName>,
    oif: Option<IfName>,
    uids: Option<(u32, u32)>,
    ipproto: Option<Proto>,
    sport: Option<(u16, u16)>,
    dport: Option<(u16, u16)>,
    action: Option<RuleAction>,
    suppress_prefixlength: Option<u8>,
    suppress_ifgroup: Option<u32>,
    proto: Option<RouteProto>,
}

fn net(word: &str, run: &Run<'_>, what: &str) -> Result<Option<Prefix>, Stop> {
    let net = cidr(word, run.family)?;
    if net.length() == 0 {
        return Ok(None);
    }
    if net.family() != run.family.unwrap_or(Family::Ip) {
        return Err(Stop::kernel(what));
    }
    if net.prefix().addr() != net.addr {
        return Err(Stop::unmodelled("rules whose network has bits beyond its length"));
    }
    Ok(Some(net.prefix()))
}

fn device(word: &str, key: &str) -> Result<IfName, Stop> {
    name(word).ok_or_else(|| wrong(word, &format!("\"{key}\" not a valid ifname")))
}

fn ports(word: &str, key: &str) -> Result<(u16, u16), Stop> {
    let (low, high) = word.split_once('-').unwrap_or((word, word));
    let one = |w: &str| number(w).and_then(|n| u16::try_from(n).ok());
    let read = one(low).zip(one(high));
    read.ok_or_else(|| invalid(word, &format!("invalid \"{key}\"")))
}

fn read(run: &Run<'_>, mut args: Args<'_>) -> Result<Words, Stop> {
    let mut words = Words::default();
    while let Some(key) = args.next() {
        match key {
            "not" => words.not = true,
            "from" => words.from = net(args.value()?, run, "Invalid source address")?,
            "to" => words.to = net(args.value()?, run, "Invalid destination address")?,
            "preference" | "pref" | "priority" | "prio" | "order" => {
                words.priority =
                    Some(bounded(args.value()?, u32::MAX.into(), "preference value is invalid")? as u32);
            }
            "tos" | "dsfield" => {
                let word = args.value()?;
                words.tos = dsfield(word).ok_or_else(|| invalid(word, "TOS value is invalid"))?;
            }
            "fwmark" => {
                let word = args.value()?;
                let (mark, mask) = word.split_once('/').unwrap_or((word, "0xffffffff"));
                let one = |w: &str, why| bounded(w, u32::MAX.into(), why).map(|n| n as u32);
                words.mark =
                    Some((one(mark, "fwmark value is invalid")?, one(mask, "fwmask value is invalid")?));
            }
            "protocol" | "proto" => words.proto = Some(proto(args.value()?)?),
            "iif" | "dev" => words.iif = Some(device(args.value()?, "iif")?),
            "oif" => words.oif = Some(device(args.value()?, "oif")?),
            "uidrange" => {
                let word = args.value()?;
                let read = word.split_once('-').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
                words.uids = Some(read.ok_or_else(|| invalid(word, "invalid UID range"))?);
            }
            "ipproto" => {
                let word = args.value()?;
                let proto = Proto::by_name(word).or(word.parse().ok().map(Proto));
                words.ipproto = Some(proto.ok_or_else(|| invalid(word, "Invalid \"ipproto\" value"))?);
            }
            "sport" => words.sport = Some(ports(args.value()?, "sport")?),
            "dport" => words.dport = Some(ports(args.value()?, "dport")?),
            "table" | "lookup" => words.action = Some(RuleAction::Lookup(table_of(args.value()?)?)),
            "suppress_prefixlength" | "sup_pl" => {
                let word = args.value()?;
                let read = number(word).and_then(|n| u8::try_from(n).ok());
                words.suppress_prefixlength =
                    Some(read.ok_or_else(|| invalid(word, "suppress_prefixlength value is invalid"))?);
            }
            "suppress_ifgroup" | "sup_group" => {
                let word = args.value()?;
                let read = match word {
                    "default" => Some(0),
                    _ => number(word).and_then(|n| u32::try_from(n).ok()),
                };
                words.suppress_ifgroup =
                    Some(read.ok_or_else(|| invalid(word, "Invalid \"suppress_ifgroup\" value"))?);
            }
            "realms" | "realm" | "tun_id" | "l3mdev" | "nat" | "map-to" => {
                return Err(Stop::unmodelled(format!("`{key}` of a rule")));
            }
            _ => {
                let word = if key == "type" { args.value()? } else { key };
                if word == "help" {
                    return Err(Stop::unmodelled("help"));
                }
                words.action = Some(match word {
                    "goto" => {
                        let word = args.value()?;
                        RuleAction::Goto(bounded(word, u32::MAX.into(), "invalid target")? as u32)
                    }
                    "nop" => RuleAction::Nop,
                    "blackhole" => RuleAction::Blackhole,
                    "unreachable" => RuleAction::Unreachable,
                    "prohibit" => RuleAction::Prohibit,
                    _ => return Err(wrong(word, "Failed to parse rule type")),
                });
            }
        }
    }
    Ok(words)
}

fn table_of(word: &str) -> Result<TableId, Stop> {
    table(word).map_err(|_| invalid(word, "invalid table ID"))
}

fn add(run: &mut Run<'_>, args: Args<'_>) -> Result<(), Stop> {
    if args.peek().is_none() {
        return Err(Stop::said(1, "\"ip rule add\" requires arguments.\n"));
    }
    let words = read(run, args)?;
    let family = run.family.unwrap_or(Family::Ip);
    if words.tos & 3 != 0 {
        return Err(Stop::kernel("Invalid dsfield (tos): ECN bits must be 0"));
    }
    let fib = &mut run.host.fib;
    let priority = words.priority.unwrap_or_else(|| fib.default_priority(family));
    let action = match words.action {
        None | Some(RuleAction::Lookup(TableId::UNSPEC)) => RuleAction::Lookup(TableId::MAIN),
        Some(action) => action,
    };
    if let RuleAction::Goto(target) = action
        && target <= priority
    {
        return Err(Stop::kernel("Backward goto not supported"));
    }
    if let (RuleAction::Lookup(table), Family::Ip6) = (action, family) {
        fib.create_table(family, table);
    }
    let rule = IpRule {
        not: words.not,
        from: words.from,
        to: words.to,
        iif: words.iif,
        oif: words.oif,
        mark: words.mark,
        tos: words.tos,
        uids: words.uids,
        ipproto: words.ipproto,
        sport: words.sport,
        dport: words.dport,
        suppress_prefixlength: words.suppress_prefixlength,
        suppress_ifgroup: words.suppress_ifgroup,
        proto: words.proto.unwrap_or(RouteProto::UNSPEC),
        ..IpRule::new(priority, action)
    };
    if words.priority.is_some() && fib.rules(family).iter().any(|r| taken(r, &rule)) {
        return Err(Stop::answers("File exists"));
    }
    fib.add_rule(family, rule, false);
    Ok(())
}

/// True if the kernel takes a rule to be there already (`rule_exists`): networks and TOS are compared only where
/// the new one has them, `not` and what is suppressed not at all.
fn taken(old: &IpRule, new: &IpRule) -> bool {
    let action = match (old.action, new.action) {
        (RuleAction::Goto(_), RuleAction::Goto(_)) => true,
        (old, new) => old == new,
    };
    action
        && old.priority == new.priority
        && (&old.iif, &old.oif, old.mark, old.uids) == (&new.iif, &new.oif, new.mark, new.uids)
        && (old.ipproto, old.sport, old.dport) == (new.ipproto, new.sport, new.dport)
        && (new.from.is_none() || old.from == new.from)
        && (new.to.is_none() || old.to == new.to)
        && (new.tos == 0 || old.tos == new.tos)
}

fn delete(run: &mut Run<'_>, args: Args<'_>) -> Result<(), Stop> {
    if args.peek().is_none() {
        return Err(Stop::said(1, "\"ip rule del\" requires arguments.\n"));
    }
    let words = read(run, args)?;
    let family = run.family.unwrap_or(Family::Ip);
    let gone = run.host.fib.remove_rule(family, |rule| meant(&words, rule));
    gone.map(drop).ok_or_else(|| Stop::answers("No such file or directory"))
}

/// True if a rule has all that was said (`rule_find`).
fn meant(words: &Words, rule: &IpRule) -> bool {
    let action = match words.action {
        None | Some(RuleAction::Lookup(TableId::UNSPEC)) => true,
        Some(RuleAction::Goto(_)) => matches!(rule.action, RuleAction::Goto(_)),
        Some(action) => action == rule.action,
    };
    action
        && words.priority.is_none_or(|p| p == rule.priority)
        && words.from.is_none_or(|net| Some(net) == rule.from)
        && words.to.is_none_or(|net| Some(net) == rule.to)
        && words.iif.as_ref().is_none_or(|n| Some(n) == rule.iif.as_ref())
        && words.oif.as_ref().is_none_or(|n| Some(n) == rule.oif.as_ref())
        && words.mark.is_none_or(|m| Some(m) == rule.mark)
        && (words.tos == 0 || words.tos == rule.tos)
        && words.uids.is_none_or(|u| Some(u) == rule.uids)
        && words.ipproto.is_none_or(|p| Some(p) == rule.ipproto)
        && words.sport.is_none_or(|p| Some(p) == rule.sport)
        && words.dport.is_none_or(|p| Some(p) == rule.dport)
        && words.suppress_prefixlength.is_none_or(|l| Some(l) == rule.suppress_prefixlength)
        && words.suppress_ifgroup.is_none_or(|g| Some(g) == rule.suppress_ifgroup)
}
