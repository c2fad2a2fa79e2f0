//! The words every room shares: names, virtual time, marks, hardware addresses, the event log.
//!
//! Knows no behaviour of Linux; only the shapes of its identifiers.

mod log;
mod mac;
mod names;
mod time;

pub use log::{Entry, EventId, Log, Sink};
pub use mac::{Mac, ParseMacError};
pub use names::IfName;
pub use time::{Duration, Time};
