//! Virtual time: nothing in the model reads a wall clock.

use serde::{Deserialize, Serialize};
use std::fmt;

pub use std::time::Duration;

/// A moment of the model's clock, in nanoseconds since the world began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(u64);

impl Time {
    /// The moment the world began.
    pub const ZERO: Time = Time(0);

    /// The date at which the world began: 2026-01-01 00:00:00 UTC, a Thursday, in seconds since 1970.
    pub const EPOCH: u64 = 1_767_225_600;

    /// The date, in seconds since 1970, UTC.
    pub fn unix_seconds(self) -> u64 {
        Time::EPOCH + self.0 / 1_000_000_000
    }

    /// Nanoseconds since the world began.
    pub fn as_nanos(self) -> u64 {
        self.0
    }

    /// This moment and a span more; stays at the end of time instead of overflowing.
    #[must_use]
    pub fn after(self, span: Duration) -> Time {
        Time(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// The span since an earlier moment; zero if it is a later one.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} s", self.0 / 1_000_000_000, self.0 / 1_000_000 % 1000)
    }
}
