//! The moment that a dump's comments tell.

use crate::abi::Time;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [(&str, u64); 12] = [
    ("Jan", 31),
    ("Feb", 28),
    ("Mar", 31),
    ("Apr", 30),
    ("May", 31),
    ("Jun", 30),
    ("Jul", 31),
    ("Aug", 31),
    ("Sep", 30),
    ("Oct", 31),
    ("Nov", 30),
    ("Dec", 31),
];

/// A moment as ctime(3) prints it, in UTC, where the world began with the year 1970.
pub(super) fn ctime(now: Time) -> String {
    let seconds = now.as_nanos() / 1_000_000_000;
    let (all_days, second) = (seconds / 86_400, seconds % 86_400);
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (mut year, mut day) = (1970, all_days);
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let mut month = "";
    for (name, days) in MONTHS {
        let days = days + u64::from(name == "Feb" && is_leap(year));
        month = name;
        if day < days {
            break;
        }
        day -= days;
    }
    let weekday = DAYS[(all_days % 7) as usize];
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday} {month} {:2} {h:02}:{m:02}:{s:02} {year}", day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Duration;

    #[test]
    fn days_months_and_leap_years() {
        let at = |seconds| ctime(Time::ZERO.after(Duration::from_secs(seconds)));
        assert_eq!(at(0), "Thu Jan  1 00:00:00 1970");
        assert_eq!(at(951_782_400), "Tue Feb 29 00:00:00 2000");
        assert_eq!(at(1_700_000_000), "Tue Nov 14 22:13:20 2023");
    }
}
