//! Connection tracking: which packets belong together, computed from what came before.

mod entry;
mod state;
mod tcp;

pub use entry::{CtEntry, CtId};
pub use state::{CtState, CtStatus, TcpState};

/// A host's connections.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conntrack {}
