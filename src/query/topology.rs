//! Where each host of a network stands in its picture: boxes with devices in them, and the wires between.
//!
//! The same network always gives the same picture. Hosts stand in the layers of `layers.rs`; across a wide picture, row
//! by row where one would not do, or one below the other in a narrow one.

use super::layers::{layers, place_of, rows};
use crate::abi::IfName;
use crate::net::{DeviceKind, Host, HostId, Network};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Which way the layers follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From left to right.
    Across,
    /// From top to bottom, wires in lanes at the right.
    Down,
}

/// A rectangle of the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Area {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Width.
    pub w: i32,
    /// Height.
    pub h: i32,
}

impl Area {
    /// Its middle.
    pub fn middle(self) -> (i32, i32) {
        (self.x + self.w / 2, self.y + self.h / 2)
    }

    /// True if a rectangle lies within this one.
    pub fn contains(self, other: Area) -> bool {
        self.x <= other.x
            && self.y <= other.y
            && other.x + other.w <= self.x + self.w
            && other.y + other.h <= self.y + self.h
    }

    /// True if two rectangles have a point in common.
    pub fn meets(self, other: Area) -> bool {
        self.x < other.x + other.w
            && other.x < self.x + self.w
            && self.y < other.y + other.h
            && other.y < self.y + self.h
    }
}

/// What a device is in the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceRole {
    /// A device of its own.
    Plain,
    /// A bridge: its area holds its ports.
    Bridge,
    /// A bridge's port.
    Port,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceBox {
    /// Its name.
    pub name: IfName,
    /// Where it is.
    pub area: Area,
    /// Its addresses with their prefix lengths; those of the link alone are left out.
    pub addrs: Vec<String>,
    /// What it is.
    pub role: DeviceRole,
    /// Where the packet stands that is at it.
    pub point: (i32, i32),
}

/// A host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostBox {
    /// Which.
    pub host: HostId,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub area: Area,
    /// The room in it where the packet is while no device has it.
    pub core: Area,
    /// Its devices; a bridge comes before its ports.
    pub devices: Vec<DeviceBox>,
}

impl HostBox {
    /// A device.
    pub fn device(&self, name: &IfName) -> Option<&DeviceBox> {
        self.devices.iter().find(|d| d.name == *name)
    }
}

/// A wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireLine {
    /// Both ends.
    pub ends: [(HostId, IfName); 2],
    /// The line, as SVG path data.
    pub path: String,
}

/// The picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    /// Its width.
    pub width: i32,
    /// Its height.
    pub height: i32,
    /// The hosts, in their order.
    pub hosts: Vec<HostBox>,
    /// The wires.
    pub wires: Vec<WireLine>,
}

/// The height of a host's lid, where its name stands.
pub const LID: i32 = 28;
const PAD: i32 = 12;
const EDGE: i32 = 8;
const LINE: i32 = 15;
const CORE: i32 = 100;
const GAP_X: i32 = 64;
const GAP_Y: i32 = 28;
/// The width of the picture in which hosts stand one below the other.
const NARROW: i32 = 366;
const LANE: i32 = 14;
/// A picture wider than this is folded: its layers stand in rows, each led the other way than the one before.
const ROOM: i32 = 976;
/// How far a wire bows out beyond the hosts that it joins.
const BOW: i32 = 36;
/// How long it leads straight on before it does.
const STUB: i32 = 24;

/// A device before it has its place.
struct Part {
    name: IfName,
    addrs: Vec<String>,
    role: DeviceRole,
    ports: Vec<Part>,
    /// The layer and place in it of the host at the other end of the wire.
    towards: Option<(usize, usize)>,
}

impl Part {
    fn own_height(&self) -> i32 {
        LINE * (1 + self.addrs.len() as i32) + 8
    }

    fn height(&self) -> i32 {
        let ports: i32 = self.ports.iter().map(|p| p.height() + 6).sum();
        self.own_height() + ports + if self.ports.is_empty() { 0 } else { 4 }
    }

    fn width(&self) -> i32 {
        let longest =
            self.addrs.iter().map(|a| a.len() * 67 / 10).chain([self.name.as_str().len() * 8]).max();
        let own = longest.unwrap_or(0) as i32 + 18;
        let ports = self.ports.iter().map(|p| p.width() + 16).max().unwrap_or(0);
        own.max(ports).max(58)
    }

    /// Puts it and its ports at a place.
    fn place(self, x: i32, y: i32, w: i32, out: &mut Vec<DeviceBox>) {
        let area = Area { x, y, w, h: self.height() };
        let own = self.own_height();
        let point = (x + w / 2, y + own / 2);
        out.push(DeviceBox { name: self.name, area, addrs: self.addrs, role: self.role, point });
        let mut below = y + own;
        for port in self.ports {
            let h = port.height();
            port.place(x + 8, below, w - 16, out);
            below += h + 6;
        }
    }
}

impl Topology {
    /// Lays a network out.
    pub fn of(network: &Network, direction: Direction) -> Topology {
        let layers = layers(network);
        match direction {
            Direction::Across => across(network, &layers),
            Direction::Down => down(network, &layers),
        }
    }

    /// A host's box.
    pub fn host(&self, host: HostId) -> Option<&HostBox> {
        self.hosts.iter().find(|h| h.host == host)
    }

    /// The wire at a device.
    pub fn wire_at(&self, host: HostId, dev: &IfName) -> Option<usize> {
        self.wires.iter().position(|w| w.ends.iter().any(|(h, d)| *h == host && d == dev))
    }
}

/// A host's devices, bridges with their ports; `lo` only where somebody gave it an address of its own.
fn parts(network: &Network, layers: &[Vec<HostId>], id: HostId, host: &Host) -> Vec<Part> {
    let mut devices: Vec<_> = host.devices.iter().collect();
    devices.sort_by_key(|(_, d)| d.link.index);
    let part = |name: &IfName, role: DeviceRole, ports: Vec<Part>| {
        let addrs = host.addresses(name).iter().filter(|a| !is_of_link(a.local));
        Part {
            name: name.clone(),
            addrs: addrs.map(|a| format!("{}/{}", a.local, a.len)).collect(),
            role,
            ports,
            towards: network.peer(id, name).and_then(|(peer, _)| place_of(layers, peer)),
        }
    };
    let mut all = Vec::new();
    for (name, device) in &devices {
        let is_port = device.master.as_ref().is_some_and(|m| host.devices.get(m).is_some());
        if is_port || (name.is_lo() && host.addresses(name).iter().all(|a| a.local.is_loopback())) {
            continue;
        }
        match &device.kind {
            DeviceKind::Bridge(_) => {
                let of = |(port, d): &&(&IfName, &crate::net::Device)| {
                    d.master.as_ref() == Some(name) && port != name
                };
                let ports =
                    devices.iter().filter(of).map(|(port, _)| part(port, DeviceRole::Port, Vec::new()));
                let mut ports: Vec<Part> = ports.collect();
                ports.sort_by_key(|p| p.towards);
                let mut bridge = part(name, DeviceRole::Bridge, Vec::new());
                bridge.towards = bridge.towards.or(ports.iter().filter_map(|p| p.towards).max());
                bridge.ports = ports;
                all.push(bridge);
            }
            DeviceKind::Loopback
            | DeviceKind::Veth
            | DeviceKind::Dummy
            | DeviceKind::Tap
            | DeviceKind::Macvlan { .. }
            | DeviceKind::Vlan { .. }
            | DeviceKind::Described => all.push(part(name, DeviceRole::Plain, Vec::new())),
        }
    }
    all
}

/// An address that every interface has of itself.
fn is_of_link(addr: IpAddr) -> bool {
    addr.is_loopback() || matches!(addr, IpAddr::V6(a) if a.is_unicast_link_local())
}

fn column_height(parts: &[Part]) -> i32 {
    parts.iter().map(|p| p.height() + 8).sum::<i32>() - 8.min(parts.len() as i32 * 8)
}

fn place_column(parts: Vec<Part>, x: i32, mut y: i32, w: i32, out: &mut Vec<DeviceBox>) {
    for part in parts {
        let h = part.height();
        part.place(x, y, w, out);
        y += h + 8;
    }
}

fn across(network: &Network, layers: &[Vec<HostId>]) -> Topology {
    // Each column for itself first, both ways: which way it is led is known only when the rows are.
    let column = |far: usize, back: bool| -> (Vec<HostBox>, i32, i32) {
        let mut y = 0;
        let mut hosts = Vec::new();
        for id in layers.get(far).into_iter().flatten() {
            let host = machine(network, layers, *id, far, back, y);
            y += host.area.h + GAP_Y;
            hosts.push(host);
        }
        let widest = hosts.iter().map(|h| h.area.w).max().unwrap_or(0);
        (hosts, widest, y - GAP_Y)
    };
    let widths: Vec<i32> = (0..layers.len()).map(|far| column(far, false).1).collect();
    let rows = rows(&widths, GAP_X, ROOM);
    let laid: Vec<Vec<_>> = rows
        .iter()
        .enumerate()
        .map(|(r, row)| {
            let back = r % 2 == 1;
            let order: Vec<usize> = if back { row.clone().rev().collect() } else { row.clone().collect() };
            order.into_iter().map(|far| column(far, back)).collect()
        })
        .collect();
    let own = |columns: &[(Vec<HostBox>, i32, i32)]| columns.iter().map(|(_, w, _)| w).sum::<i32>();
    let gaps = |columns: &[(Vec<HostBox>, i32, i32)]| columns.len() as i32 - 1;
    let inner = laid.iter().map(|row| own(row) + GAP_X * gaps(row)).max().unwrap_or(0);
    let left = if rows.len() > 2 { EDGE + STUB + BOW - PAD } else { EDGE };
    let mut hosts = Vec::new();
    let mut y = EDGE;
    for (r, columns) in laid.into_iter().enumerate() {
        let back = r % 2 == 1;
        let tallest = columns.iter().map(|(.., h)| *h).max().unwrap_or(0);
        let (own, gaps) = (own(&columns), gaps(&columns));
        // The ends of all rows stand below each other. A row of one column keeps the side where the last row ended.
        let gap = if rows.len() > 1 && gaps > 0 { (inner - own) / gaps } else { GAP_X };
        let mut x = if back && gaps == 0 { left + inner - own } else { left };
        for (column, w, h) in columns {
            for mut host in column {
                // A row that is led back is aligned at its right.
                let by = x + if back { w - host.area.w } else { 0 };
                shift(&mut host, by, y + (tallest - h) / 2);
                hosts.push(host);
            }
            x += w + gap;
        }
        y += tallest + GAP_Y;
    }
    hosts.sort_by_key(|h| h.host);
    let row_of = |host: HostId| {
        let far = place_of(layers, host).map_or(0, |(far, _)| far);
        rows.iter().position(|row| row.contains(&far)).unwrap_or(0)
    };
    let ends = network.wires();
    let bows = |i: usize| {
        let ((a, _), (b, _)) = ends.get(i)?;
        let (a, b) = (row_of(*a), row_of(*b));
        (a != b).then(|| if a.min(b) % 2 == 1 { Side::Left } else { Side::Right })
    };
    let wires = wires(network, &hosts, |i, a, b| curve(bows(i), a, b));
    // A wire between two hosts of the last layer bulges beyond them.
    let last_bulges = layers
        .last()
        .is_some_and(|last| ends.iter().any(|((a, _), (b, _))| last.contains(a) && last.contains(b)));
    let right = if rows.len() > 1 || last_bulges { STUB + BOW - PAD } else { 0 };
    Topology { width: left + inner + EDGE + right, height: y - GAP_Y + EDGE, hosts, wires }
}

/// A host at the left edge, devices that lead to the layer before on the side of that.
fn machine(network: &Network, layers: &[Vec<HostId>], id: HostId, far: usize, back: bool, y: i32) -> HostBox {
    let is_left = |l: usize| if back { l > far } else { l < far };
    let (mut left, mut right): (Vec<Part>, Vec<Part>) = parts(network, layers, id, network.host(id))
        .into_iter()
        .partition(|p| p.towards.is_some_and(|(l, _)| is_left(l)));
    left.sort_by_key(|p| p.towards);
    right.sort_by_key(|p| (p.towards.is_none(), p.towards));
    let width = |column: &[Part]| column.iter().map(Part::width).max().unwrap_or(0);
    let (wl, wr) = (width(&left), width(&right));
    let name = network.name(id).to_owned();
    let core = CORE.max(name.chars().count() as i32 * 8 + 60 - wl - wr);
    let inner = column_height(&left).max(column_height(&right)).max(58);
    let area = Area { x: 0, y, w: wl + core + wr + 2 * PAD, h: LID + inner + 2 * PAD };
    let top = y + LID + PAD;
    let centred = |column: &[Part]| top + (inner - column_height(column)) / 2;
    let (yl, yr) = (centred(&left), centred(&right));
    let mut devices = Vec::new();
    place_column(left, PAD, yl, wl, &mut devices);
    place_column(right, PAD + wl + core, yr, wr, &mut devices);
    let core = Area { x: PAD + wl + 6, y: top, w: core - 12, h: inner };
    HostBox { host: id, name, area, core, devices }
}

fn shift(host: &mut HostBox, right: i32, down: i32) {
    let areas = host.devices.iter_mut().map(|d| &mut d.area).chain([&mut host.area, &mut host.core]);
    for area in areas {
        area.x += right;
        area.y += down;
    }
    for device in &mut host.devices {
        device.point.0 += right;
        device.point.1 += down;
    }
}

fn wires(network: &Network, hosts: &[HostBox], draw: impl Fn(usize, Area, Area) -> String) -> Vec<WireLine> {
    let area = |(host, dev): &(HostId, IfName)| {
        let host = hosts.iter().find(|h| h.host == *host)?;
        host.device(dev).map(|d| d.area)
    };
    let drawn = network.wires().into_iter().enumerate().filter_map(|(i, (a, b))| {
        let path = draw(i, area(&a)?, area(&b)?);
        Some(WireLine { ends: [a, b], path })
    });
    drawn.collect()
}

/// The side on which a wire bows out.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// From the right edge of the one to the left edge of the other, or, where they stand above each other, in a bow.
fn curve(bow: Option<Side>, a: Area, b: Area) -> String {
    let (a, b) = if a.x <= b.x { (a, b) } else { (b, a) };
    let (ya, yb) = (a.y + a.h / 2, b.y + b.h / 2);
    if bow.is_none() && a.x + a.w < b.x {
        let (xa, xb) = (a.x + a.w, b.x);
        let bend = ((xb - xa) / 2).clamp(10, 60);
        return format!("M{xa} {ya}C{} {ya} {} {yb} {xb} {yb}", xa + bend, xb - bend);
    }
    // Straight at first, so that the packet beside its device stands on the wire.
    let (xa, xb, edge, out) = match bow {
        Some(Side::Left) => (a.x, b.x, a.x.min(b.x) - STUB, a.x.min(b.x) - STUB - BOW),
        Some(Side::Right) | None => {
            let edge = (a.x + a.w).max(b.x + b.w) + STUB;
            (a.x + a.w, b.x + b.w, edge, edge + BOW)
        }
    };
    format!("M{xa} {ya}H{edge}C{out} {ya} {out} {yb} {edge} {yb}H{xb}")
}

fn down(network: &Network, layers: &[Vec<HostId>]) -> Topology {
    let lanes = lanes(network, layers);
    let count = lanes.values().max().map_or(0, |most| most + 1);
    // With many wires the boxes must not vanish: the picture grows instead.
    let gutter = 10 + LANE * count as i32;
    let width = NARROW.max(gutter + 250);
    let box_width = width - gutter - 2 * EDGE;
    let mut hosts = Vec::new();
    let mut y = EDGE;
    for id in layers.iter().flatten() {
        let mut parts = parts(network, layers, *id, network.host(*id));
        parts.sort_by_key(|p| (p.towards.is_none(), p.towards));
        let w = parts.iter().map(Part::width).max().unwrap_or(0).max(120).min(box_width - CORE - 2 * PAD);
        let inner = column_height(&parts).max(52);
        let area = Area { x: EDGE, y, w: box_width, h: LID + inner + 2 * PAD };
        let core = Area { x: EDGE + PAD, y: y + LID + PAD, w: box_width - w - 3 * PAD, h: inner };
        let mut devices = Vec::new();
        let top = y + LID + PAD + (inner - column_height(&parts)) / 2;
        place_column(parts, EDGE + box_width - PAD - w, top, w, &mut devices);
        hosts.push(HostBox { host: *id, name: network.name(*id).to_owned(), area, core, devices });
        y += area.h + GAP_Y / 2;
    }
    hosts.sort_by_key(|h| h.host);
    let first_lane = EDGE + box_width + 12;
    let bracket = |i: usize, a: Area, b: Area| {
        let lane = first_lane + LANE * lanes.get(&i).copied().unwrap_or(0) as i32;
        let (a, b) = if a.y <= b.y { (a, b) } else { (b, a) };
        let (ya, yb) = (a.y + a.h / 2, b.y + b.h / 2);
        format!("M{} {ya}H{lane}V{yb}H{}", a.x + a.w, b.x + b.w)
    };
    let wires = wires(network, &hosts, bracket);
    Topology { width, height: y - GAP_Y / 2 + EDGE, hosts, wires }
}

/// A lane for each wire, so that no two that pass the same host share one.
fn lanes(network: &Network, layers: &[Vec<HostId>]) -> BTreeMap<usize, usize> {
    let order: Vec<HostId> = layers.iter().flatten().copied().collect();
    let row = |host: HostId| order.iter().position(|h| *h == host).unwrap_or(0);
    let mut spans: Vec<(usize, usize, usize)> = network
        .wires()
        .iter()
        .enumerate()
        .map(|(i, ((a, _), (b, _)))| (row(*a).min(row(*b)), row(*a).max(row(*b)), i))
        .collect();
    spans.sort_by_key(|(from, to, i)| (to - from, *from, *i));
    let mut taken: Vec<Vec<(usize, usize)>> = Vec::new();
    let mut lanes = BTreeMap::new();
    for (from, to, i) in spans {
        let free = |lane: &Vec<(usize, usize)>| lane.iter().all(|(f, t)| to < *f || *t < from);
        let lane = taken.iter().position(free).unwrap_or(taken.len());
        if lane == taken.len() {
            taken.push(Vec::new());
        }
        taken.get_mut(lane).into_iter().for_each(|l| l.push((from, to)));
        lanes.insert(i, lane);
    }
    lanes
}
