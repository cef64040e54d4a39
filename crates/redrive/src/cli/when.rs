//! Times as people read them: local, with the zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use redrive_core::words::{age, length};

/// The local time with its zone, to the second: `2026-11-23 19:40:05 CET`.
pub fn local(at: Timestamp) -> String {
    in_zone(at, TimeZone::system())
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
}
