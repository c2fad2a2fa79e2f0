//! Rates that `-j RATEEST` measures and `-m rateest` asks for (`net/core/gen_estimator.c`).

use crate::abi::Time;

/// An average of bytes and packets a second, in which older intervals count less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimator {
    /// The interval is a quarter of a second, doubled so often.
    steps: u32,
    /// The logarithm of the newest interval's weight.
    log: u32,
    bytes: u64,
    packets: u64,
    /// The averages, with eight bits of fraction.
    average: (i64, i64),
    /// Intervals since the world began, in whose phase all estimators are.
    ticks: u64,
}

const QUARTER: u64 = 250_000_000;
/// After so many intervals without a packet nothing is left of any average.
const FORGOTTEN: u64 = 1 << 20;

impl Estimator {
    /// An estimator that has seen nothing.
    pub fn new(steps: u32, log: u32, now: Time) -> Self {
        let ticks = now.as_nanos() / (QUARTER << steps);
        Estimator { steps, log, bytes: 0, packets: 0, average: (0, 0), ticks }
    }

    /// Counts a packet.
    pub fn count(&mut self, len: u32, now: Time) {
        self.advance(now);
        self.bytes += u64::from(len);
        self.packets += 1;
    }

    /// Bytes and packets a second.
    pub fn rates(&mut self, now: Time) -> (u64, u64) {
        self.advance(now);
        let whole = |average: i64| (average >> 8).max(0) as u64;
        (whole(self.average.0), whole(self.average.1))
    }

    /// Does what the timer did since the last time (`est_timer`).
    fn advance(&mut self, now: Time) {
        let ticks = now.as_nanos() / (QUARTER << self.steps);
        for _ in 0..(ticks - self.ticks.min(ticks)).min(FORGOTTEN) {
            let before = self.average;
            let step = |came: u64, average: i64| {
                let rate = (came << (10 - self.steps)) as i64;
                average + (rate >> self.log) - (average >> self.log)
            };
            self.average = (step(self.bytes, before.0), step(self.packets, before.1));
            let still = self.bytes == 0 && self.packets == 0 && self.average == before;
            (self.bytes, self.packets) = (0, 0);
            if still {
                break;
            }
        }
        self.ticks = ticks;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Duration;

    #[test]
    fn a_steady_rate_is_found() {
        let mut estimator = Estimator::new(0, 1, Time::ZERO);
        // 100 packets of 100 bytes a second.
        for n in 0..1_000u64 {
            estimator.count(100, Time::ZERO.after(Duration::from_millis(n * 10)));
        }
        assert_eq!(estimator.rates(Time::ZERO.after(Duration::from_secs(10))), (10_000, 100));
        assert_eq!(estimator.rates(Time::ZERO.after(Duration::from_secs(100))).1, 0);
    }
}
