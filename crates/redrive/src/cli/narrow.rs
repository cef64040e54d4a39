//! Options that narrow a list.

use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use jiff::{SignedDuration, Timestamp};
use redrive_core::policy::duration;

use crate::printer::Printer;

/// How much of a list is shown.
#[derive(Debug, Clone, Args)]
pub struct Most {
    /// Show at most N
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

impl Most {
    /// Says that there may be more than the `shown` that are shown.
    pub fn tell(&self, shown: usize, printer: &Printer) {
        if shown >= self.limit as usize {
            printer.hint(format_args!(
                "these are the first {}; --limit shows more.",
                self.limit
            ));
        }
    }
}

/// Which failures.
#[derive(Debug, Clone, Default, Args)]
pub struct Which {
    /// Only those of this failure status, say shipping_failed
    #[arg(long, value_name = "STATUS", value_parser = NonEmptyStringValueParser::new())]
    pub status: Option<String>,
    /// Only those of this failure group: the beginning of its fingerprint, as `failures groups` shows it
    #[arg(long, value_name = "GROUP", value_parser = fingerprint)]
    pub group: Option<String>,
}

/// Whose orders.
#[derive(Debug, Clone, Default, Args)]
pub struct Whose {
    /// Only those of this customer
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub customer: Option<String>,
}

/// The beginning of a fingerprint.
fn fingerprint(text: &str) -> Result<String, String> {
    let text = text.to_lowercase();
    if !text.is_empty() && text.chars().all(|letter| letter.is_ascii_hexdigit()) {
        return Ok(text);
    }
    Err("a group is hex digits: `redrive failures groups` shows them".to_owned())
}

/// A span such as `90m`, `24h` or `7d`.
pub fn span(text: &str) -> Result<Duration, String> {
    duration::parse(text)
}

/// The time so long before `now`.
pub fn ago(span: Duration, now: Timestamp) -> Timestamp {
    SignedDuration::try_from(span)
        .ok()
        .and_then(|span| now.checked_sub(span).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_hex_digits() {
        assert_eq!(fingerprint("0A1f").unwrap(), "0a1f");
        assert!(fingerprint("").is_err());
        assert!(fingerprint("xyz").is_err());
    }

    #[test]
    fn long_ago_is_the_beginning_of_time() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        assert_eq!(ago(Duration::from_secs(1_000), now).as_second(), 999_000);
        assert_eq!(ago(Duration::MAX, now), Timestamp::UNIX_EPOCH);
    }
}
