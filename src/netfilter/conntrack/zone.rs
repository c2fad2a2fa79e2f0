//! Zones: parts of the table in which the same addresses and ports may occur again, and the templates that
//! put a packet into one.

use super::super::targets::{CtZone, ZoneSide};
use crate::packet::Direction;
use serde::Serialize;
use smol_str::SmolStr;

/// A connection's zone (`struct nf_conntrack_zone`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// Its number; 0 is where everything is that no rule put elsewhere.
    pub id: u16,
    /// The directions that it holds for.
    pub side: ZoneSide,
}

impl Zone {
    /// The zone that a packet's tuple is looked up in, in a direction: 0 where the zone does not hold for it.
    pub fn id_in(self, dir: Direction) -> u16 {
        match (self.side, dir) {
            (ZoneSide::Both, _)
            | (ZoneSide::Original, Direction::Original)
            | (ZoneSide::Reply, Direction::Reply) => self.id,
            (ZoneSide::Original, Direction::Reply) | (ZoneSide::Reply, Direction::Original) => 0,
        }
    }
}

/// What a CT rule said of a packet that was not tracked yet (a template in the kernel's words).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Template {
    /// `--zone` and its like.
    #[serde(skip)]
    pub zone: Option<CtZone>,
    /// `--helper`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub helper: Option<SmolStr>,
    /// `--ctevents`, a bit for each of [`super::super::targets::Ct`]; 0: all of them.
    pub ctevents: u16,
    /// `--expevents`.
    pub expevents: bool,
}

impl Template {
    /// The zone of a packet with this mark.
    pub fn zone(&self, mark: u32) -> Zone {
        match self.zone {
            Some(CtZone { side, id }) => Zone { id: id.unwrap_or(mark as u16), side },
            None => Zone::default(),
        }
    }
}
