//! Listings: `-L` and `-S`, and the line that `-v` prints of a rule.

use super::super::text::{Print, rule_words_counting};
use super::super::{
    AddrMask, Chain, ChainKind, ChainName, Counters, Family, Hook, IfMatch, Inv, Policy, Rule, Ruleset,
    TableName, Target,
};
use crate::packet::Proto;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Arc;

/// How a listing looks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Format {
    /// `-v`: counters and interfaces.
    pub verbose: bool,
    /// `-n`.
    pub numeric: bool,
    /// `-x`.
    pub exact: bool,
    pub line_numbers: bool,
    /// One line for a rule that a command names, without columns.
    pub one_line: bool,
}

impl Format {
    /// What `-v` beside `-A` and its like prints.
    pub const OF_A_RULE: Format =
        Format { verbose: false, numeric: true, exact: false, line_numbers: false, one_line: true };
}

/// What rules have counted, by the rule itself.
pub(super) type Counted = BTreeMap<*const Rule, Counters>;

/// What is listed.
pub(super) struct Shown<'a> {
    pub family: Family,
    pub ruleset: &'a Ruleset,
    /// The rules as the kernel has them.
    pub kernel: &'a Ruleset,
    pub counted: &'a Counted,
    pub table: TableName,
}

impl Shown<'_> {
    /// The chains in order; built-in ones also if they are not there yet.
    fn chains(&self) -> Vec<(ChainName, Option<&Arc<Chain>>)> {
        let builtin = Hook::ALL.into_iter().filter(|h| self.table.hooks().contains(h)).map(ChainName::from);
        let mut chains: Vec<_> =
            builtin.map(|name| (name.clone(), self.ruleset.chain(self.table, &name))).collect();
        if let Some(table) = self.ruleset.tables.get(&self.table) {
            let user = table.in_order().filter(|(_, c)| c.kind == ChainKind::User);
            chains.extend(user.map(|(name, chain)| (name.clone(), Some(chain))));
        }
        chains
    }

    fn total(&self, rule: &Arc<Rule>) -> Counters {
        let since = self.counted.get(&Arc::as_ptr(rule)).copied().unwrap_or_default();
        rule.counters.plus(since)
    }

    pub fn all(&self, out: &mut String, number: Option<usize>, format: Format) {
        for (place, (name, chain)) in self.chains().into_iter().enumerate() {
            if place > 0 {
                out.push('\n');
            }
            self.header(out, &name, chain, format);
            self.rules(out, chain, number, format);
        }
    }

    pub fn chain(&self, out: &mut String, name: &ChainName, number: Option<usize>, format: Format) {
        let chain = self.ruleset.chain(self.table, name);
        if number.is_none() {
            self.header(out, name, chain, format);
        }
        self.rules(out, chain, number, format);
    }

    fn rules(&self, out: &mut String, chain: Option<&Arc<Chain>>, number: Option<usize>, format: Format) {
        for (place, listed) in chain.iter().flat_map(|c| c.rules.iter()).enumerate() {
            if number.is_none_or(|n| n == place + 1) {
                rule(out, self.family, listed, self.total(listed), place + 1, format);
            }
        }
    }

    fn header(&self, out: &mut String, name: &ChainName, chain: Option<&Arc<Chain>>, format: Format) {
        let kind = chain.map(|c| c.kind).or_else(|| Some(Chain::base(Hook::by_name(name.as_str())?).kind));
        match kind {
            Some(ChainKind::Base { policy, counters, .. }) => {
                let _ = write!(out, "Chain {name} (policy {policy}");
                if format.verbose {
                    let counters = counters.unwrap_or_default();
                    out.push(' ');
                    number(out, counters.packets, format.exact, true);
                    out.push_str("packets, ");
                    number(out, counters.bytes, format.exact, true);
                    out.push_str("bytes");
                }
                out.push_str(")\n");
            }
            Some(ChainKind::User) | None => {
                // The kernel tells how often the chain is used, by its own rules too; iptables takes off the rules
                // that it knows of, which may be more.
                let before = self.kernel.tables.get(&self.table);
                let leads_here = |rule: &&Arc<Rule>| rule.target.chain() == Some(name);
                let jumps = before
                    .map_or(0, |t| t.chains.values().flat_map(|c| c.rules.iter()).filter(leads_here).count());
                let is_there = before.and_then(|t| t.chain(name));
                let used = is_there.map_or(0, |c| c.rules.len() + jumps);
                match (used as u32).wrapping_sub(chain.map_or(0, |c| c.rules.len()) as u32) {
                    u32::MAX => out.push_str(&format!("Chain {name} (ERROR obtaining refs)\n")),
                    references => out.push_str(&format!("Chain {name} ({references} references)\n")),
                }
            }
        }
        if format.line_numbers {
            out.push_str("num  ");
        }
        if format.verbose {
            out.push_str(if format.exact { "    pkts      bytes " } else { " pkts bytes " });
        }
        out.push_str("target     prot opt");
        if format.verbose {
            out.push_str(" in     out   ");
        }
        if format.verbose {
            out.push(' ');
        }
        let _ = writeln!(out, " {:<19}  {:<19} ", "source", "destination");
    }

    pub fn all_as_rules(&self, out: &mut String, number: Option<usize>, format: Format) {
        let chains = self.chains();
        for (name, chain) in &chains {
            declare(out, name, *chain, format);
        }
        for (name, chain) in &chains {
            self.lines(out, name, *chain, number, format);
        }
    }

    pub fn chain_as_rules(&self, out: &mut String, name: &ChainName, number: Option<usize>, format: Format) {
        let chain = self.ruleset.chain(self.table, name);
        if number.is_none() {
            declare(out, name, chain, format);
        }
        self.lines(out, name, chain, number, format);
    }

    fn lines(
        &self,
        out: &mut String,
        name: &ChainName,
        chain: Option<&Arc<Chain>>,
        number: Option<usize>,
        format: Format,
    ) {
        for (place, rule) in chain.iter().flat_map(|c| c.rules.iter()).enumerate() {
            if number.is_none_or(|n| n == place + 1) {
                let _ = write!(out, "-A {name}");
                let counters = format.verbose.then(|| self.total(rule));
                rule_words_counting(out, self.family, rule, counters);
                out.push('\n');
            }
        }
    }
}

/// `-P CHAIN POLICY` or `-N CHAIN`.
fn declare(out: &mut String, name: &ChainName, chain: Option<&Arc<Chain>>, format: Format) {
    let (policy, counters) = match chain.map(|c| c.kind) {
        Some(ChainKind::User) => {
            let _ = writeln!(out, "-N {name}");
            return;
        }
        Some(ChainKind::Base { policy, counters, .. }) => (policy, counters.unwrap_or_default()),
        None => (Policy::Accept, Counters::default()),
    };
    let _ = write!(out, "-P {name} {policy}");
    if format.verbose {
        let _ = write!(out, " -c {} {}", counters.packets, counters.bytes);
    }
    out.push('\n');
}

/// A counter in a column, or in running text, shortened to thousands unless it is to be exact
/// (`xtables_print_num`).
fn number(out: &mut String, number: u64, exact: bool, running: bool) {
    let (mut value, mut unit) = (number, "");
    if !exact && value > 99_999 {
        for next in ["K", "M", "G", "T"] {
            value = value.wrapping_add(500) / 1000;
            unit = next;
            if value <= 9999 {
                break;
            }
        }
    }
    let width = match (running, exact, unit) {
        (true, ..) => 0,
        (false, true, _) => 8,
        (false, false, "") => 5,
        (false, false, _) => 4,
    };
    let _ = write!(out, "{value:width$}{unit} ");
}

/// One rule (`print_rule`).
pub(super) fn rule(
    out: &mut String,
    family: Family,
    rule: &Rule,
    counters: Counters,
    place: usize,
    format: Format,
) {
    if format.line_numbers {
        let _ = write!(out, "{place:<4} ");
    }
    if format.verbose {
        number(out, counters.packets, format.exact, false);
        number(out, counters.bytes, format.exact, false);
    }
    let column = |out: &mut String, text: &str, width: usize| {
        let width = if format.one_line { 0 } else { width };
        let _ = write!(out, "{text:<width$} ");
    };
    // `NOTRACK` is what CT is called with that alone; in the kernel it is CT.
    let target = match &rule.target {
        Target::Ct(_) => "CT",
        Target::Queue => "standard",
        target => target.name(),
    };
    column(out, target, 9);
    out.push(if rule.proto.is_some_and(|p| p.not) { '!' } else { ' ' });
    let proto = rule.proto.map_or(Proto::ALL, |p| p.value);
    let by_number = format.numeric && !format.one_line;
    let name = if format.one_line { proto.own_name() } else { proto.name().filter(|_| !by_number) };
    let proto = name.map_or_else(|| proto.0.to_string(), str::to_owned);
    column(out, &proto, 4);
    if format.one_line {
        out.push_str("opt ");
    }
    out.push_str(match rule.fragment {
        None => "-- ",
        Some(true) => "-f ",
        Some(false) => "!f ",
    });
    if format.verbose || format.one_line {
        let (iif, oif) = (interface(&rule.iif, format), interface(&rule.oif, format));
        let _ = match format.one_line {
            true => write!(out, "in {iif} out {oif} "),
            false => write!(out, " {iif:<6} {oif:<6} "),
        };
    }
    for (wanted, arrow) in [(rule.src, ""), (rule.dst, "-> ")] {
        out.push(if wanted.is_some_and(|a| a.not) { '!' } else { ' ' });
        let text = address(family, wanted, format.numeric);
        let _ = match (format.one_line, arrow) {
            (true, "") => write!(out, "{text} "),
            (true, _) => write!(out, "{arrow}{text}"),
            (false, _) => write!(out, "{text:<19} "),
        };
    }
    if format.one_line {
        out.push_str("  ");
    }
    if matches!(rule.target, Target::Goto(_)) {
        out.push_str("[goto] ");
    }
    let bound = rule.proto.filter(|p| !p.not).map(|p| p.value);
    let mut print = Print::new(out, family, bound, format.numeric);
    for m in &rule.matches {
        m.print(&mut print);
    }
    rule.target.print(&mut print);
    out.push('\n');
}

fn interface(wanted: &Option<Inv<IfMatch>>, format: Format) -> String {
    match wanted {
        Some(Inv { not, value }) => format!("{}{value}", if *not { "!" } else { "" }),
        None if format.numeric => "*".into(),
        None => "any".into(),
    }
}

/// An address with its mask. Names are those that /etc/hosts and /etc/networks of Debian 12 have: nothing is asked
/// of other hosts.
fn address(family: Family, wanted: Option<Inv<AddrMask>>, numeric: bool) -> String {
    let everything = match family {
        Family::Ip => "0.0.0.0/0",
        Family::Ip6 => "::/0",
    };
    let Some(Inv { value, .. }) = wanted else {
        return if numeric { everything.into() } else { "anywhere".into() };
    };
    let addr = value.addr();
    if !numeric && (value.is_everything() || addr.is_ipv6() && addr.is_unspecified()) {
        return "anywhere".into();
    }
    let name = match addr {
        IpAddr::V4(a) if !numeric => match a.octets() {
            [127, 0, 0, 1] => Some("localhost"),
            [127, 0, 0, 0] => Some("loopback"),
            [169, 254, 0, 0] => Some("link-local"),
            [0, 0, 0, 0] => Some("default"),
            _ => None,
        },
        _ => None,
    };
    let mut text = name.map_or_else(|| addr.to_string(), str::to_owned);
    match value.prefix_len() {
        Some(len) if len == family.bits() => {}
        Some(len) => text.push_str(&format!("/{len}")),
        None => text.push_str(&format!("/{}", value.mask())),
    }
    text
}
