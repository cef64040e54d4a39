//! A moment, as pages tell it.

use jiff::Timestamp;
use redrive_core::words;

/// A moment in each of the ways in which it is told.
pub(super) struct Moment {
    /// For programs.
    pub iso: String,
    /// In full.
    pub utc: String,
    /// How long it is from now, in its largest unit.
    pub ago: String,
}

impl Moment {
    pub fn of(at: Timestamp, now: Timestamp) -> Self {
        Self::told(at, words::age(at, now))
    }

    /// One that is still to come.
    pub fn ahead(at: Timestamp, now: Timestamp) -> Self {
        Self::told(at, words::age(now, at))
    }

    fn told(at: Timestamp, ago: String) -> Self {
        Self {
            iso: at.to_string(),
            utc: at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            ago,
        }
    }
}
