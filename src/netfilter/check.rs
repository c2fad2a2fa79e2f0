//! What the kernel refuses when a table is committed: loops, depth, targets out of place.

use super::error::KernelError;
use super::extension::Extension;
use super::{
    Chain, ChainKind, ChainName, Family, Hook, Match, Rule, Table, TableName, Target, matches, targets,
};
use petgraph::algo::{is_cyclic_directed, toposort};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, EdgeRef};
use std::collections::BTreeMap;

/// Something the kernel refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The rule's line in its text.
    pub line: u32,
    /// The chain it stands in.
    pub chain: ChainName,
    /// Why.
    pub error: KernelError,
}

/// The deepest chain of jumps: `NFT_JUMP_STACK_SIZE` less the base chain.
pub const MAX_DEPTH: usize = 15;

type Graph<'a> = DiGraph<(&'a ChainName, &'a Chain), u32>;

/// Checks a table as the kernel does at commit.
///
/// What a base chain does not reach is not looked at, but for the table that a target or match needs.
pub fn table(family: Family, name: TableName, table: &Table) -> Vec<Refused> {
    let mut refused = Vec::new();
    let (graph, nodes) = jumps(table, &mut refused);
    loops(table, &graph, &nodes, &mut refused);
    if refused.is_empty() {
        depth(table, &graph, &nodes, &mut refused);
    }
    let hooks = reaching(&graph);
    for (chain_name, chain) in table.in_order() {
        let base = match chain.kind {
            ChainKind::Base { hook, .. } => Some(hook),
            ChainKind::User => None,
        };
        let hooks = &hooks[nodes[chain_name].index()];
        for rule in &chain.rules {
            if let Some(error) = out_of_place(family, name, rule, hooks, base) {
                refused.push(Refused { line: rule.line, chain: chain_name.clone(), error });
            }
        }
    }
    estimators(table, &mut refused);
    refused.sort_by_key(|r| r.line);
    refused
}

/// Rules that ask an estimator which no rule of the table makes.
fn estimators(table: &Table, refused: &mut Vec<Refused>) {
    for (chain, rule) in table.in_order().flat_map(|(name, chain)| chain.rules.iter().map(move |r| (name, r)))
    {
        if asks_nobody(table, rule) && !refused.iter().any(|r| r.line == rule.line) {
            refused.push(Refused { line: rule.line, chain: chain.clone(), error: KernelError::Missing });
        }
    }
}

/// True for a rule that asks an estimator which no rule of the table makes.
pub fn asks_nobody(table: &Table, rule: &Rule) -> bool {
    let asked: Vec<&str> = rule
        .matches
        .iter()
        .filter_map(|m| match m {
            Match::Kept(kept) if kept.name == "rateest" => Some(kept),
            _ => None,
        })
        .flat_map(|kept| ["rateest", "rateest1", "rateest2"].into_iter().filter_map(|n| kept.get(n)))
        .collect();
    if asked.is_empty() {
        return false;
    }
    let made = |name: &&str| {
        table.chains.values().flat_map(|c| c.rules.iter()).any(|rule| match &rule.target {
            Target::Kept(kept) => kept.get("rateest-name") == Some(*name),
            _ => false,
        })
    };
    !asked.iter().all(made)
}

/// The graph of jumps between chains; each edge carries the line of its rule.
fn jumps<'a>(
    table: &'a Table,
    refused: &mut Vec<Refused>,
) -> (Graph<'a>, BTreeMap<&'a ChainName, NodeIndex>) {
    let mut graph = Graph::new();
    let nodes: BTreeMap<_, _> =
        table.chains.iter().map(|(name, chain)| (name, graph.add_node((name, chain)))).collect();
    for from in graph.node_indices() {
        let (name, chain) = graph[from];
        for rule in &chain.rules {
            let Some(target) = rule.target.chain() else { continue };
            let error = match nodes.get(target) {
                None => KernelError::NotFound,
                Some(to) if graph[*to].1.kind != ChainKind::User => KernelError::NotSupported,
                Some(to) => {
                    graph.add_edge(from, *to, rule.line);
                    continue;
                }
            };
            refused.push(Refused { line: rule.line, chain: name.clone(), error });
        }
    }
    (graph, nodes)
}

/// A loop that a base chain reaches.
fn loops(table: &Table, graph: &Graph, nodes: &BTreeMap<&ChainName, NodeIndex>, refused: &mut Vec<Refused>) {
    if !is_cyclic_directed(graph) {
        return;
    }
    for (name, chain) in table.in_order() {
        if chain.kind == ChainKind::User {
            continue;
        }
        let mut path = Vec::new();
        if let Some((line, at)) =
            find_loop(graph, nodes[name], &mut path, &mut vec![false; graph.node_count()])
        {
            let chain = graph[at].0.clone();
            refused.push(Refused { line, chain, error: KernelError::TooManyLinks });
            return;
        }
    }
}

/// Walks down from `at`; the rule that leads back into the path, if there is one.
fn find_loop(
    graph: &Graph,
    at: NodeIndex,
    path: &mut Vec<NodeIndex>,
    done: &mut [bool],
) -> Option<(u32, NodeIndex)> {
    path.push(at);
    for edge in graph.edges(at) {
        if path.contains(&edge.target()) {
            return Some((*edge.weight(), at));
        }
        if !done[edge.target().index()]
            && let Some(found) = find_loop(graph, edge.target(), path, done)
        {
            return Some(found);
        }
    }
    path.pop();
    done[at.index()] = true;
    None
}

/// Chains deeper than the kernel's jump stack.
fn depth(table: &Table, graph: &Graph, nodes: &BTreeMap<&ChainName, NodeIndex>, refused: &mut Vec<Refused>) {
    let Ok(order) = toposort(graph, None) else { return };
    let mut deep: Vec<Option<usize>> = vec![None; graph.node_count()];
    for (name, chain) in &table.chains {
        if chain.kind != ChainKind::User {
            deep[nodes[name].index()] = Some(0);
        }
    }
    for node in order {
        let Some(here) = deep[node.index()] else { continue };
        for edge in graph.edges(node) {
            let there = &mut deep[edge.target().index()];
            *there = (*there).max(Some(here + 1));
            if here + 1 > MAX_DEPTH {
                let (line, chain) = (*edge.weight(), graph[node].0.clone());
                refused.push(Refused { line, chain, error: KernelError::TooManyLinks });
                return;
            }
        }
    }
}

/// The hooks from which each chain is reached, by the chain's number in the graph.
fn reaching(graph: &Graph) -> Vec<Vec<Hook>> {
    let mut hooks = vec![Vec::new(); graph.node_count()];
    for base in graph.node_indices() {
        let ChainKind::Base { hook, .. } = graph[base].1.kind else { continue };
        let mut dfs = Dfs::new(graph, base);
        while let Some(node) = dfs.next(graph) {
            hooks[node.index()].push(hook);
        }
    }
    hooks
}

/// Says why the kernel refuses a rule at once, before it looks at the whole table. `base` is the hook of the chain,
/// if it is a base chain.
pub fn rule(family: Family, table: TableName, rule: &Rule, base: Option<Hook>) -> Option<KernelError> {
    out_of_place(family, table, rule, base.as_slice(), base)
}

/// Says why the kernel refuses a table as a whole: loops, depth, and rules that jumps lead to from a hook where
/// they may not be.
pub fn reach(family: Family, table: &Table) -> Option<KernelError> {
    let mut refused = Vec::new();
    let (graph, nodes) = jumps(table, &mut Vec::new());
    loops(table, &graph, &nodes, &mut refused);
    if refused.is_empty() {
        depth(table, &graph, &nodes, &mut refused);
    }
    if let Some(first) = refused.first() {
        return Some(first.error);
    }
    let hooks = reaching(&graph);
    let misplaced = table.chains.iter().any(|(name, chain)| {
        let hooks = &hooks[nodes[name].index()];
        let outside = |ext: &Extension| !ext.hooks.is_empty() && hooks.iter().any(|h| !ext.hooks.contains(h));
        !hooks.is_empty()
            && chain.rules.iter().any(|rule| {
                let mut found = rule.matches.iter().filter(|m| !matches!(m, Match::Unknown(_)));
                found.any(|m| !m.is_native() && matches::find(m.name(), family).is_some_and(outside))
                    || rule.target.chain().is_none()
                        && !matches!(rule.target, Target::Unknown(_))
                        && targets::find(rule.target.name(), family).is_some_and(outside)
            })
    });
    misplaced.then_some(KernelError::InvalidArgument)
}

/// Says why the kernel takes the rule not in this table, not from these hooks, or not at all. `base` is the hook
/// of the chain that the rule itself stands in.
fn out_of_place(
    family: Family,
    table: TableName,
    rule: &Rule,
    hooks: &[Hook],
    base: Option<Hook>,
) -> Option<KernelError> {
    if rule.src.is_some_and(|a| a.value.is_everything()) || rule.dst.is_some_and(|a| a.value.is_everything())
    {
        return Some(KernelError::InvalidArgument);
    }
    let proto = rule.proto.filter(|p| !p.not).map(|p| p.value);
    let wrong = |ext: &Extension, base_hooks: &[Hook]| {
        let outside = |allowed: &[Hook], hook: &Hook| !allowed.is_empty() && !allowed.contains(hook);
        !ext.tables.is_empty() && !ext.tables.contains(&table)
            || hooks.iter().any(|h| outside(ext.hooks, h))
            || base.is_some_and(|h| outside(base_hooks, &h))
            || !ext.protos.is_empty() && !proto.is_some_and(|p| ext.protos.contains(&p))
    };
    for m in &rule.matches {
        let Some(ext) = matches::find(m.name(), family).filter(|_| !matches!(m, Match::Unknown(_))) else {
            continue;
        };
        if ext.missing {
            return Some(KernelError::Missing);
        }
        if !m.is_native() && wrong(ext, m.base_hooks()) {
            return Some(KernelError::InvalidArgument);
        }
        if let Some(error) = m.kernel(family, proto) {
            return Some(error);
        }
    }
    let target = &rule.target;
    if *target == Target::Queue {
        return Some(KernelError::Missing);
    }
    if target.chain().is_none()
        && let Some(ext) = targets::find(target.name(), family)
        && !matches!(target, Target::Unknown(_))
    {
        if ext.missing {
            return Some(KernelError::Missing);
        }
        if wrong(ext, target.base_hooks()) {
            return Some(KernelError::InvalidArgument);
        }
    }
    if let Target::Set(set) = target
        && let Some(error) = set.out_of_place(table, hooks)
    {
        return Some(error);
    }
    target.kernel(proto)
}

#[cfg(test)]
mod tests {
    use crate::netfilter::Family;
    use crate::netfilter::text::restore;
    use expect_test::{Expect, expect};

    /// What is refused in a filter table with these user chains and rules, a line each.
    #[track_caller]
    fn check(chains: &[&str], rules: &[&str], want: Expect) {
        let chains: String = chains.iter().map(|c| format!(":{c} - [0:0]\n")).collect();
        let text = format!("*filter\n{chains}{}\nCOMMIT\n", rules.join("\n"));
        let told = restore(&text, Family::Ip).diagnostics;
        want.assert_eq(&told.iter().map(|d| d.problem.to_string()).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn a_loop_is_refused_only_where_a_base_chain_reaches_it() {
        let round = ["-A A -j B", "-A B -j A"];
        check(&["A", "B"], &round, expect![[""]]);
        check(
            &["A", "B"],
            &[&round[..], &["-A INPUT -j A"]].concat(),
            expect!["RULE_APPEND failed (Too many links): rule in chain B"],
        );
        check(
            &["A"],
            &["-A INPUT -j A", "-A A -g A"],
            expect!["RULE_APPEND failed (Too many links): rule in chain A"],
        );
    }

    #[test]
    fn fifteen_chains_deep_is_the_deepest() {
        let chain = |n: usize| format!("C{n:02}");
        let load = |depth: usize, want: Expect| {
            let names: Vec<_> = (1..=depth).map(chain).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let mut rules = vec!["-A INPUT -j C01".to_owned()];
            rules.extend((1..depth).map(|n| format!("-A {} -j {}", chain(n), chain(n + 1))));
            check(&names, &rules.iter().map(String::as_str).collect::<Vec<_>>(), want);
        };
        load(15, expect![[""]]);
        load(16, expect!["RULE_APPEND failed (Too many links): rule in chain C15"]);
    }

    #[test]
    fn a_target_out_of_place_is_refused_through_a_jump_too() {
        check(
            &["A"],
            &["-A A -j MASQUERADE"],
            expect!["RULE_APPEND failed (Invalid argument): rule in chain A"],
        );
        check(
            &["A"],
            &["-A INPUT -j A", "-A A -m owner --uid-owner 0"],
            expect!["RULE_APPEND failed (Invalid argument): rule in chain A"],
        );
        check(&["A"], &["-A OUTPUT -j A", "-A A -m owner --uid-owner 0"], expect![[""]]);
        check(
            &[],
            &["-A INPUT -j OUTPUT"],
            expect!["RULE_APPEND failed (Operation not supported): rule in chain INPUT"],
        );
    }
}
