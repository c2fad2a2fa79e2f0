//! What matches remember from packet to packet.

/// The memory of stateful matches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Modules {}
