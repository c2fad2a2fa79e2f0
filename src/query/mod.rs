//! Questions about a ruleset or a host: what happens to this packet, and why.

mod json;
mod path;
mod scene;
mod trace;

pub use json::TraceJson;
pub use path::{PathStep, netfilter_step, path};
pub use scene::{ChainAt, Scene, scenes};
pub use trace::{MAX_WALKS, Outcome, Trace, Walk, trace};
