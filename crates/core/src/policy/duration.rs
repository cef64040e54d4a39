//! How a policy writes spans of time: `"30s"`, `"15m"`, `"1h30m"`, `"2 days"`.
//!
//! Read by jiff's friendly format, with days of 24 hours and weeks of 7 days; a month has no fixed length and is
//! refused. Use it on a field with `#[serde(with = "redrive_core::policy::duration")]`.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::{Deserializer, Serializer, de};

/// Reads a span of time. The error is a sentence that says how to write one.
pub fn parse(text: &str) -> Result<Duration, String> {
    let span = text.trim().parse::<Span>().ok();
    let signed = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    match signed.map(Duration::try_from) {
        Some(Ok(duration)) => Ok(duration),
        Some(Err(_negative)) => Err(format!(
            "bad duration {text:?}: it cannot be negative, write it like \"30s\", \"15m\", \"1h\""
        )),
        None => Err(format!(
            "bad duration {text:?}: write it like \"30s\", \"15m\", \"1h\""
        )),
    }
}

/// Writes a span of time as [`parse`] reads it, in hours and below: `"24h"`, `"1h30m"`, `"250ms"`.
pub fn format(duration: Duration) -> String {
    let signed = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    format!("{signed:#}").replace(' ', "")
}

/// Serializes a duration as its text.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

/// Deserializes a duration from its text; a bare number is refused, as it has no unit.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_str(Text)
}

struct Text;

impl de::Visitor<'_> for Text {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration in quotes, like \"30s\", \"15m\", \"1h\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        parse(text).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let table = [
            ("30s", 30),
            ("15m", 900),
            ("1h", 3_600),
            ("1h30m", 5_400),
            ("1h 30m", 5_400),
            (" 5 minutes ", 300),
            ("24h", 86_400),
            ("1d", 86_400),
            ("2 weeks", 1_209_600),
            ("0s", 0),
        ];
        for (text, seconds) in table {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_in_a_sentence() {
        for text in [
            "5 minuts",
            "",
            "5",
            "1mo",
            "1y",
            "soon",
            "9999999999999999999h",
        ] {
            assert_eq!(
                parse(text),
                Err(format!(
                    "bad duration {text:?}: write it like \"30s\", \"15m\", \"1h\""
                ))
            );
        }
        assert!(parse("-5m").unwrap_err().contains("cannot be negative"));
    }

    #[test]
    fn durations_are_written_in_their_largest_units() {
        let table = [
            (0, "0s"),
            (30, "30s"),
            (60, "1m"),
            (5_400, "1h30m"),
            (86_400, "24h"),
        ];
        for (seconds, text) in table {
            assert_eq!(format(Duration::from_secs(seconds)), text);
        }
        assert_eq!(format(Duration::from_millis(250)), "250ms");
    }

    #[test]
    fn a_number_without_a_unit_is_refused() {
        #[derive(Debug, Deserialize)]
        struct Settings {
            #[serde(rename = "wait", with = "super")]
            _wait: Duration,
        }
        let error = toml::from_str::<Settings>("wait = 60")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("expected a duration in quotes, like \"30s\""),
            "{error}"
        );
        let error = toml::from_str::<Settings>("wait = '60'")
            .unwrap_err()
            .to_string();
        assert!(error.contains("bad duration \"60\""), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in 0..10_000_000_000u64, nanos in 0..1_000_000_000u32) {
            let duration = Duration::new(seconds, nanos);
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }
    }
}
