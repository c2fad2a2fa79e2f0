//! Questions about a ruleset, a host or a network: what happens to this packet, where, and why.

mod journey;
mod json;
mod layers;
mod moment;
mod pass_log;
mod path;
mod rules_at;
mod scene;
mod topology;
mod trace;

pub use journey::{Journey, Place, Stop, Trip};
pub use json::TraceJson;
pub use moment::{NeighbourAt, connections_at, neighbours_at};
pub use pass_log::{PassLog, is_begin, pass_log};
pub use path::{PathStep, netfilter_step, path};
pub use rules_at::RulesAt;
pub use scene::{ChainAt, Scene, scenes};
pub use topology::{Area, DeviceBox, DeviceRole, Direction, HostBox, Topology, WireLine};
pub use trace::{MAX_WALKS, Outcome, Trace, Walk, trace};
