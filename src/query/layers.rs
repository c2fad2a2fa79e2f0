//! A network's hosts in layers, by their distance from the first host that has one wire only; layers in rows.

use crate::net::{HostId, Network};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

/// A column of more hosts than this is shared out to both sides where that can be.
const LONG: usize = 4;

/// The hosts in layers: each wire joins two hosts of one layer or of two neighbouring ones.
pub fn layers(network: &Network) -> Vec<Vec<HostId>> {
    let mut peers: BTreeMap<HostId, Vec<HostId>> = network.hosts().map(|(id, ..)| (id, Vec::new())).collect();
    for ((a, _), (b, _)) in network.wires().into_iter().filter(|(a, b)| a.0 != b.0) {
        for (one, other) in [(a, b), (b, a)] {
            peers.entry(one).or_default().push(other);
        }
    }
    let mut distance: BTreeMap<HostId, usize> = BTreeMap::new();
    let ids: Vec<HostId> = peers.keys().copied().collect();
    let ends = ids.iter().filter(|id| peers.get(id).is_some_and(|p| p.len() == 1));
    for start in ends.chain(&ids) {
        if distance.contains_key(start) {
            continue;
        }
        let mut open = VecDeque::from([(*start, 0)]);
        while let Some((host, far)) = open.pop_front() {
            if distance.contains_key(&host) {
                continue;
            }
            distance.insert(host, far);
            open.extend(peers.get(&host).into_iter().flatten().map(|peer| (*peer, far + 1)));
        }
    }
    let mut layers: Vec<Vec<HostId>> = Vec::new();
    for (host, far) in &distance {
        if layers.len() <= *far {
            layers.resize(far + 1, Vec::new());
        }
        layers.get_mut(*far).into_iter().for_each(|layer| layer.push(*host));
    }
    balance(&mut layers, &peers);
    // Each host stands near its neighbours of the layer before.
    for i in 1..layers.len() {
        let Some((before, rest)) = layers.split_at_mut_checked(i) else { break };
        let (Some(before), Some(layer)) = (before.last(), rest.first_mut()) else { break };
        layer.sort_by_key(|host| {
            let near: Vec<usize> = peers
                .get(host)
                .into_iter()
                .flatten()
                .filter_map(|peer| before.iter().position(|b| b == peer))
                .collect();
            (near.iter().sum::<usize>() * 1000 / near.len().max(1), *host)
        });
    }
    layers
}

/// Many hosts that hang on one another's only wire stand on both its sides, so that no column grows too long.
fn balance(layers: &mut [Vec<HostId>], peers: &BTreeMap<HostId, Vec<HostId>>) {
    for far in 2..layers.len() {
        let is_leaf = |host: &HostId| peers.get(host).is_some_and(|p| p.len() == 1);
        loop {
            let (here, there) =
                (layers.get(far).map_or(0, Vec::len), layers.get(far - 2).map_or(0, Vec::len));
            if here <= LONG || here <= there + 1 {
                break;
            }
            let Some(layer) = layers.get_mut(far) else { break };
            let Some(at) = layer.iter().position(is_leaf) else { break };
            let host = layer.remove(at);
            layers.get_mut(far - 2).into_iter().for_each(|layer| layer.push(host));
        }
    }
}

/// A host's layer, and its place in that.
pub fn place_of(layers: &[Vec<HostId>], host: HostId) -> Option<(usize, usize)> {
    layers.iter().enumerate().find_map(|(l, layer)| Some((l, layer.iter().position(|h| *h == host)?)))
}

/// Shares layers out to as few rows as hold them, so that the widest row is as narrow as can be. A layer that is wider
/// than `room` has a row of its own.
pub fn rows(widths: &[i32], gap: i32, room: i32) -> Vec<Range<usize>> {
    let fewest = filled(widths, gap, room).len();
    let mut best = filled(widths, gap, room);
    let mut narrower = room - 1;
    while narrower > 0 {
        let next = filled(widths, gap, narrower);
        if next.len() > fewest {
            break;
        }
        // No row can be narrower than its widest now, so the next try begins below that.
        let widest = next.iter().map(|row| width(widths, gap, row)).max().unwrap_or(0);
        best = next;
        narrower = narrower.min(widest) - 1;
    }
    best
}

/// How wide a row is.
fn width(widths: &[i32], gap: i32, row: &Range<usize>) -> i32 {
    let columns = widths.get(row.clone()).unwrap_or_default();
    columns.iter().sum::<i32>() + gap * (columns.len().max(1) as i32 - 1)
}

/// Fills one row after the other.
fn filled(widths: &[i32], gap: i32, room: i32) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    for i in 0..widths.len() {
        match all.last_mut() {
            Some(row) if width(widths, gap, &(row.start..i + 1)) <= room => row.end = i + 1,
            Some(_) | None => all.push(i..i + 1),
        }
    }
    all
}
