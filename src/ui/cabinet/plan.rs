//! Where each thing of the picture stands. Computed from the kernel's own lists, not drawn by hand.

use crate::netfilter::{Hook, Stage};

/// The picture's width.
pub const WIDTH: i32 = 412;
/// The width of a case.
pub const CASE: i32 = 184;
/// The height of a shelf.
pub const SHELF: i32 = 25;
/// The height of a case's lid, where the hook's name stands.
pub const LID: i32 = 22;
/// How far from a case's left edge the packet's rail runs.
pub const RAIL: i32 = 16;

const LEFT: i32 = 10;
const RIGHT: i32 = WIDTH - CASE - 10;
const GAP: i32 = 12;

/// A place in the picture where the packet can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spot {
    /// It comes in by an interface.
    Arrives,
    /// A hook's stage.
    At(Hook, Stage),
    /// The routing decision after PREROUTING.
    RouteIn,
    /// A process of this host.
    Local,
    /// The routing decision of a packet that a process sent.
    RouteOut,
    /// It goes out by an interface.
    Leaves,
}

impl Spot {
    /// The hook, if it is one's stage.
    pub fn hook(self) -> Option<Hook> {
        match self {
            Spot::At(hook, _) => Some(hook),
            Spot::Arrives | Spot::RouteIn | Spot::Local | Spot::RouteOut | Spot::Leaves => None,
        }
    }
}

/// A box of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Height; the width is [`CASE`] for all.
    pub h: i32,
}

impl Area {
    /// Where the rail passes.
    pub fn rail(self) -> i32 {
        self.x + RAIL
    }

    /// Its middle.
    pub fn mid(self) -> i32 {
        self.y + self.h / 2
    }

    /// Its lower edge.
    pub fn end(self) -> i32 {
        self.y + self.h
    }
}

/// The whole picture's measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    arrives: Area,
    prerouting: Area,
    route_in: Area,
    input: Area,
    local: Area,
    route_out: Area,
    output: Area,
    forward: Area,
    postrouting: Area,
    leaves: Area,
}

fn case(x: i32, y: i32, hook: Hook) -> Area {
    Area { x, y, h: LID + SHELF * hook.stages().len() as i32 }
}

impl Default for Plan {
    /// Two lanes: on the left what passes through, on the right what this host's processes get and send.
    fn default() -> Self {
        let arrives = Area { x: LEFT, y: 8, h: 32 };
        let prerouting = case(LEFT, arrives.end() + GAP, Hook::Prerouting);
        let route_in = Area { x: LEFT, y: prerouting.end() + GAP, h: 28 };
        let input = case(RIGHT, route_in.end() + GAP, Hook::Input);
        let local = Area { x: RIGHT, y: input.end() + GAP, h: 34 };
        let route_out = Area { x: RIGHT, y: local.end() + GAP, h: 28 };
        let output = case(RIGHT, route_out.end() + GAP, Hook::Output);
        let postrouting = case(LEFT, output.end() + GAP + 6, Hook::Postrouting);
        let forward = case(LEFT, 0, Hook::Forward);
        let forward = Area { y: (route_in.end() + postrouting.y - forward.h) / 2, ..forward };
        let leaves = Area { x: LEFT, y: postrouting.end() + GAP, h: 32 };
        Plan { arrives, prerouting, route_in, input, local, route_out, output, forward, postrouting, leaves }
    }
}

impl Plan {
    /// The picture's height.
    pub fn height(&self) -> i32 {
        self.leaves.end() + 8
    }

    /// A hook's case.
    pub fn case(&self, hook: Hook) -> Area {
        match hook {
            Hook::Prerouting => self.prerouting,
            Hook::Input => self.input,
            Hook::Forward => self.forward,
            Hook::Output => self.output,
            Hook::Postrouting => self.postrouting,
        }
    }

    /// The corner that stays free, for the host's addresses.
    pub fn corner(&self) -> Area {
        Area { x: RIGHT, y: self.arrives.y, h: self.input.y - self.arrives.y }
    }

    /// Where a spot's box is.
    pub fn area(&self, spot: Spot) -> Area {
        match spot {
            Spot::Arrives => self.arrives,
            Spot::RouteIn => self.route_in,
            Spot::Local => self.local,
            Spot::RouteOut => self.route_out,
            Spot::Leaves => self.leaves,
            Spot::At(hook, stage) => {
                let case = self.case(hook);
                let shelf = hook.stages().iter().position(|s| *s == stage).unwrap_or(0) as i32;
                Area { x: case.x, y: case.y + LID + SHELF * shelf, h: SHELF }
            }
        }
    }

    /// Where the packet stands at a spot.
    pub fn point(&self, spot: Spot) -> (i32, i32) {
        let area = self.area(spot);
        (area.rail(), area.mid())
    }

    /// The wires that are always there, as path data.
    pub fn wires(&self) -> String {
        let (left, right) = (self.arrives.rail(), self.input.rail());
        format!(
            "M{left} {}V{}M{left} {}H{right}V{}H{left}",
            self.arrives.mid(),
            self.leaves.mid(),
            self.over(),
            self.under(),
        )
    }

    /// The line from the first of some spots through each to the last, along the wires, as path data.
    /// A spot with a mark is where another packet starts: the line does not lead there.
    pub fn trail(&self, spots: &[(Spot, bool)]) -> String {
        let mut path = String::new();
        let mut at: Option<i32> = None;
        for (spot, fresh) in spots {
            let (x, y) = self.point(*spot);
            match at {
                Some(from) if !fresh && from == x => path.push_str(&format!("V{y}")),
                Some(from) if !fresh && from < x => path.push_str(&format!("V{}H{x}V{y}", self.over())),
                Some(_) if !fresh => path.push_str(&format!("V{}H{x}V{y}", self.under())),
                Some(_) | None => path.push_str(&format!("M{x} {y}")),
            }
            at = Some(x);
        }
        path
    }

    /// Where the wire leads over from the routing decision to INPUT.
    fn over(&self) -> i32 {
        self.route_in.end() + GAP / 2
    }

    /// Where the wire leads back from OUTPUT to POSTROUTING.
    fn under(&self) -> i32 {
        self.output.end() + 9
    }
}
