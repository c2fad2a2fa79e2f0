//! What `-m time` asks: the hour and the day, by the model's clock.

use super::super::fact::{Fact, Test};
use super::MatchCx;
use crate::abi::Time;

/// Hours and days (iptables-extensions(8), time). The kernel's time zone is UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeTest {
    /// Seconds since 1970, first and last.
    pub dates: (u64, u64),
    /// Seconds since midnight, first and last.
    pub hours: (u64, u64),
    /// Days 1 (Monday) to 7, a bit each.
    pub weekdays: u64,
    /// Days 1 to 31, a bit each.
    pub monthdays: u64,
    /// What lies after midnight belongs to the day before.
    pub contiguous: bool,
}

const DAY: u64 = 86_400;
const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// 1 (Monday) to 7 of a day, counted from 1970-01-01, a Thursday.
fn weekday(day: u64) -> u64 {
    (day + 3) % 7 + 1
}

impl TimeTest {
    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let found = format!(
            "{} {}",
            NAMES[weekday(seconds(cx.now) / DAY) as usize - 1],
            super::time::date(seconds(cx.now))
        );
        Test::new(self.holds(seconds(cx.now)), Fact::Text(found))
    }

    /// As `time_mt` does.
    fn holds(&self, now: u64) -> bool {
        let mut stamp = now;
        let clock = stamp % DAY;
        let (first, last) = self.hours;
        if !(self.dates.0..=self.dates.1).contains(&stamp) {
            return false;
        }
        if first < last {
            if !(first..=last).contains(&clock) {
                return false;
            }
        } else {
            if clock < first && clock > last {
                return false;
            }
            if self.contiguous && clock < last {
                stamp = stamp.saturating_sub(DAY);
            }
        }
        let day = stamp / DAY;
        self.weekdays & 1 << weekday(day) != 0 && self.monthdays & 1 << super::time::monthday(day) != 0
    }
}

fn seconds(now: Time) -> u64 {
    now.unix_seconds()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALWAYS: TimeTest = TimeTest {
        dates: (0, i32::MAX as u64),
        hours: (0, 86_399),
        weekdays: 0xfe,
        monthdays: 0xffff_fffe,
        contiguous: false,
    };

    #[test]
    fn hours_and_days_as_the_kernel_counts_them() {
        // 2026-01-01 is a Thursday.
        let noon = Time::EPOCH + 12 * 3_600;
        let at = |hours, test: TimeTest| TimeTest { hours, ..test };
        for (test, now, want) in [
            (ALWAYS, noon, true),
            (at((43_200, 43_200), ALWAYS), noon, true),
            (at((43_201, 50_000), ALWAYS), noon, false),
            (at((80_000, 3_600), ALWAYS), noon, false),
            (at((80_000, 43_200), ALWAYS), noon, true),
            (TimeTest { weekdays: 1 << 4, ..ALWAYS }, noon, true),
            (TimeTest { weekdays: 1 << 5, ..ALWAYS }, noon, false),
            (TimeTest { monthdays: 1 << 1, ..ALWAYS }, noon, true),
            (TimeTest { monthdays: 1 << 2, ..ALWAYS }, noon, false),
            (TimeTest { monthdays: 1 << 2, ..ALWAYS }, noon + DAY, true),
            (TimeTest { dates: (noon + 1, noon + 2), ..ALWAYS }, noon, false),
            // After midnight of Friday, which counts as Thursday's evening.
            (TimeTest { weekdays: 1 << 4, ..at((72_000, 7_200), ALWAYS) }, noon + DAY - 40_000, false),
            (
                TimeTest { weekdays: 1 << 4, contiguous: true, ..at((72_000, 7_200), ALWAYS) },
                noon + DAY - 40_000,
                true,
            ),
        ] {
            assert_eq!(test.holds(now), want, "{test:?} at {now}");
        }
    }
}
