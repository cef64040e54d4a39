//! How far a watched workflow type has been scanned.

use jiff::Timestamp;
use serde::Serialize;

/// The scan of one watched type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScanWindow {
    /// The watched type.
    pub workflow_type: String,
    /// Failures that closed before it are counted, not taken in.
    pub first_look_at: Timestamp,
    /// How many such there were at the first look.
    pub older_count: u64,
    /// Every failure that closed before it is stored.
    pub watermark: Timestamp,
    /// When the last sweep (a second reading of the last hours) was done.
    pub swept_at: Timestamp,
}
