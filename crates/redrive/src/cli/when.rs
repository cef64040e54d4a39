//! Times as people read them: local, with the zone.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The local time with its zone, to the second: `2026-11-23 19:40:05 CET`.
pub fn local(at: Timestamp) -> String {
    in_zone(at, TimeZone::system())
}

/// How long ago, in its largest unit: `3 days`, `12 min`.
pub fn age(since: Timestamp, now: Timestamp) -> String {
    length(now.duration_since(since).max(SignedDuration::ZERO))
}

/// How long, in its largest unit: `42 s`, `3 days`.
pub fn length(time: SignedDuration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn in_zone(at: Timestamp, zone: TimeZone) -> String {
    at.to_zoned_datetime(zone)
        .strftime("%Y-%m-%d %H:%M:%S %Z")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_in_its_zone() {
        let at: Timestamp = "2026-11-23T18:40:05.987Z".parse().unwrap();
        assert_eq!(in_zone(at, TimeZone::UTC), "2026-11-23 18:40:05 UTC");
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(in_zone(at, zone), "2026-11-23 19:40:05 CET");
    }

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let ages = [
            (-5, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (7_199, "1 h"),
            (172_799, "47 h"),
            (900_000, "10 days"),
        ];
        for (seconds, text) in ages {
            assert_eq!(age(at(0), at(seconds)), text);
        }
    }
}
