//! `docs/fidelity.md`: how many probes agree with Linux, by feature; what differs; what is not modelled.

use super::features::{Feature, Group, of_probe};
use super::known::{KNOWN, Known};
use super::{Layer, Tried};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use vitrine::netfilter::extension::Fidelity;
use vitrine::netfilter::support::{SupportKind, Supported, support};

/// How many probes agree, in all layers and in each.
#[derive(Default)]
struct Row {
    probes: usize,
    agree: usize,
    layers: [usize; 6],
}

impl Row {
    fn count(&mut self, differ: &BTreeSet<Layer>) {
        self.probes += 1;
        self.agree += usize::from(differ.is_empty());
        for (n, layer) in self.layers.iter_mut().zip(Layer::ALL) {
            *n += usize::from(!differ.contains(&layer));
        }
    }

    /// The row of a table. A layer in which all agree is left empty.
    fn print(&self, name: &str) -> String {
        let layers = self.layers.map(|n| match n == self.probes {
            true => String::new(),
            false => n.to_string(),
        });
        format!("| {name} | {} | {} | {} |\n", self.probes, self.agree, layers.join(" | "))
    }
}

const HEAD: &str = "probes | all layers | fate | path | packet | state | ends | counters |\n\
                    |---|--:|--:|--:|--:|--:|--:|--:|--:|\n";

fn heading(group: Group) -> &'static str {
    match group {
        Group::Packets => "Packets",
        Group::Hosts => "Hosts",
        Group::Connections => "Connections",
        Group::Matches => "Matches that were asked",
        Group::Targets => "Targets of rules that matched",
    }
}

/// The whole page.
pub fn page(all: &[Tried]) -> String {
    let mut sum = Row::default();
    // A probe counts for each feature that it uses.
    let mut by_feature: BTreeMap<Feature, Row> = BTreeMap::new();
    let mut made_by: BTreeMap<String, usize> = BTreeMap::new();
    for tried in all {
        let text = |key: &str| tried.truth[key].as_str().unwrap_or("?");
        *made_by.entry(format!("Linux {}, {}", text("kernel"), text("tool"))).or_default() +=
            tried.probes.len();
        for (number, probe) in tried.probes.iter().enumerate() {
            let differ: BTreeSet<Layer> = probe.differences.iter().map(|d| d.layer).collect();
            sum.count(&differ);
            for feature in of_probe(tried, number) {
                by_feature.entry(feature).or_default().count(&differ);
            }
        }
    }
    let made_by: Vec<String> = made_by.iter().map(|(by, n)| format!("{n} on {by}")).collect();
    let mut out = format!(
        "# Fidelity\n\n\
         What real Linux did with each probe of the labs in `tests/data`, compared with what the model says. \
         Written by `./x fidelity`; `tests/labs` fails where this page, or the list below, is not what it finds.\n\n\
         {} labs, {} probes: {}. **{} probes agree in every layer.**\n\n\
         The layers: *fate*, how each packet's way through each host begins and ends; *path*, each rule, policy and \
         end of a chain it meets; *packet*, as it came and as it left; *state*, the connections afterwards; *ends*, what \
         sender and servers saw; *counters*, packets and bytes that each rule and policy grew by. \
         In the tables, the column of a layer in which all probes agree is empty; a number after a name is of probes that use it.\n\n| | {HEAD}{}",
        all.len(),
        sum.probes,
        made_by.join("; "),
        sum.agree,
        sum.print("all"),
    );
    for group in [Group::Packets, Group::Hosts, Group::Connections, Group::Matches, Group::Targets] {
        let _ = write!(out, "\n## {}\n", heading(group));
        let rows = || by_feature.iter().filter(|((g, _), _)| *g == group);
        let equal: Vec<String> = rows()
            .filter(|(_, row)| row.agree == row.probes)
            .map(|((_, name), row)| format!("{name}\u{a0}{}", row.probes))
            .collect();
        if !equal.is_empty() {
            let _ = write!(out, "\nAll probes agree in every layer: {}.\n", equal.join(", "));
        }
        let mut differ = rows().filter(|(_, row)| row.agree < row.probes).peekable();
        if differ.peek().is_some() {
            let _ = write!(out, "\n| | {HEAD}");
        }
        for ((_, name), row) in differ {
            out += &row.print(name);
        }
    }
    out += "\n## Known to differ\n\n";
    if KNOWN.is_empty() {
        out += "Nothing.\n";
    }
    let mut reasons: Vec<&str> = Vec::new();
    for known in KNOWN {
        if !reasons.contains(&known.why) {
            reasons.push(known.why);
        }
    }
    for why in reasons {
        let probe = |k: &Known| {
            let layers: Vec<&str> = k.layers.iter().map(|l| l.name()).collect();
            format!("{}, \u{201c}{}\u{201d} ({})", k.lab, k.probe, layers.join(", "))
        };
        let probes: Vec<String> = KNOWN.iter().filter(|k| k.why == why).map(probe).collect();
        let _ = writeln!(out, "- {}: {why}.", probes.join("; "));
    }
    out += "\n## Not modelled\n\n";
    out += &not_modelled();
    out
}

/// What the model refuses or only keeps, and what TCP's two ends leave out, as its source says.
fn not_modelled() -> String {
    let of = |status: Fidelity| {
        let name = |s: &Supported| match s.kind {
            SupportKind::Core => None,
            SupportKind::Match => Some(format!("`-m {}`", s.name)),
            SupportKind::Target => Some(format!("`-j {}`", s.name)),
        };
        let names: Vec<String> = support().iter().filter(|s| s.status == status).filter_map(name).collect();
        if names.is_empty() { "none".into() } else { names.join(", ") }
    };
    let options: Vec<String> = support()
        .iter()
        .filter(|s| s.status == Fidelity::Modelled)
        .flat_map(|s| {
            let kept = s.options.iter().filter(|o| o.status == Fidelity::Kept);
            kept.map(|o| format!("`{} {}`", s.name, o.name)).collect::<Vec<_>>()
        })
        .collect();
    let tcp = include_str!("../../src/net/tcp/mod.rs");
    let tcp: Vec<&str> = tcp
        .lines()
        .skip_while(|l| !l.ends_with("Not modelled:"))
        .skip(2)
        .take_while(|l| *l != "//!")
        .map(|l| l.trim_start_matches("//!").strip_prefix(' ').unwrap_or_default())
        .collect();
    assert!(!tcp.is_empty(), "src/net/tcp/mod.rs says what is not modelled");
    format!(
        "- Read and printed, and unknown to every packet: {}.\n- Options that are read and printed, and change nothing or are unknown to every packet: {}.\n- Refused, as \
         iptables 1.8.9 or Linux 6.18 refuse them: {}.\n- Devices but lo, veth pairs, bridges, macvlans, taps, dummies and VLANs; of the \
         last two nothing is proven, as the recorded kernel has neither. Tunnels, queueing (`tc`), IPsec; routing daemons; programs in hosts but the probes' sockets and `iptables`, `ip`, `ipset`, \
         `conntrack`.\n- What Linux leaves to chance (ports, the seed of hashes) is chosen in a fixed way.\n\nOf TCP's two \
         ends:\n\n{}\n",
        of(Fidelity::Kept),
        if options.is_empty() { "none".into() } else { options.join(", ") },
        of(Fidelity::Refused),
        tcp.join("\n"),
    )
}
