//! What a batch did, in numbers: [`ReprocessingResult`] is the workflow's result, the ledger's row, the JSON body and
//! the CLI's table. The spec's three alerts are evaluated here and nowhere else.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::states::named_enum;

/// `dlqCount` above this in one batch is an alert (spec, "Key Metrics").
pub const ALERT_DLQ_COUNT: u64 = 10;
/// `errorCount` above this share of `foundCount` is an alert (spec, "Key Metrics": 5%).
pub const ALERT_ERROR_SHARE: f64 = 0.05;
/// `foundCount` above this in [`ALERT_BACKLOG_BATCHES`] batches running is an alert (spec: "> 100 consistently").
pub const ALERT_FOUND_COUNT: u64 = 100;
/// How many batches running make "consistently": our reading of the spec's word.
pub const ALERT_BACKLOG_BATCHES: usize = 3;

named_enum! {
    /// What a batch did with one order it found.
    VerdictKind {
        /// It was started again.
        Restarted = "restarted",
        /// It was moved to the dead letter queue.
        Dlq = "dlq",
        /// It could not be processed this time.
        Error = "error",
        /// Nothing was to be done, or what was done is not known yet.
        Skipped = "skipped",
    }
}

impl VerdictKind {
    /// The same in words.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Dlq => "dead-lettered",
            Self::Restarted | Self::Error | Self::Skipped => self.as_str(),
        }
    }
}

named_enum! {
    /// How a batch stands.
    BatchStatus {
        /// It has not ended, as far as the ledger knows.
        Running = "running",
        /// It did what it was to do.
        Completed = "completed",
        /// It did part of it: a scan or settle failed, or it ran into its deadline.
        Partial = "partial",
        /// It failed.
        Failed = "failed",
        /// Its workflow was terminated, cancelled or timed out; a later batch finished its row.
        Abandoned = "abandoned",
    }
}

/// The verdicts of one batch, counted. `found` is their sum, always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Orders started again.
    pub restarted: u64,
    /// Orders moved to the dead letter queue.
    pub dlq: u64,
    /// Orders that could not be processed, and scans or settles that failed.
    pub error: u64,
    /// Orders for which nothing was to be done.
    pub skipped: u64,
}

impl Counts {
    /// Orders given a verdict (and queries that failed, so that the sum holds).
    pub fn found(&self) -> u64 {
        self.restarted + self.dlq + self.error + self.skipped
    }
}

/// The result of a batch: the spec's six keys first, then ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ReprocessingResult {
    /// When the batch ended.
    pub processed_at: Timestamp,
    /// Orders found needing reprocessing.
    pub found_count: u64,
    /// Orders started again.
    pub restarted_count: u64,
    /// Orders moved to the dead letter queue.
    #[serde(rename = "dlqCount")]
    pub dlq_count: u64,
    /// Orders that failed to process, and queries that failed.
    pub error_count: u64,
    /// Orders skipped: already processing, completed or stopped.
    pub skipped_count: u64,
    /// Earlier restarts that this batch saw completed.
    pub recovered_count: u64,
    /// Earlier restarts that this batch saw failed again.
    pub failed_again_count: u64,
    /// Orders that still wait for a restart.
    pub backlog_count: u64,
    /// Whether the batch ended with work left: at its deadline, on a halt or on a stop, or with a scan or settle that ran
    /// out of time.
    pub truncated: bool,
    /// The batch; empty, and no key in JSON, where this is the sum of several.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub batch_id: String,
}

impl Default for ReprocessingResult {
    fn default() -> Self {
        Self {
            processed_at: Timestamp::UNIX_EPOCH,
            found_count: 0,
            restarted_count: 0,
            dlq_count: 0,
            error_count: 0,
            skipped_count: 0,
            recovered_count: 0,
            failed_again_count: 0,
            backlog_count: 0,
            truncated: false,
            batch_id: String::new(),
        }
    }
}

impl ReprocessingResult {
    /// This result with the counts of `earlier` added: what an orchestration returns that was handed an
    /// `accumulatedResult`.
    #[must_use]
    pub fn plus(mut self, earlier: &Self) -> Self {
        self.found_count += earlier.found_count;
        self.restarted_count += earlier.restarted_count;
        self.dlq_count += earlier.dlq_count;
        self.error_count += earlier.error_count;
        self.skipped_count += earlier.skipped_count;
        self.recovered_count += earlier.recovered_count;
        self.failed_again_count += earlier.failed_again_count;
        self.truncated |= earlier.truncated;
        self
    }
}

/// An alert that a finished batch raises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "alert", rename_all = "snake_case")]
pub enum Alert {
    /// Many orders went to the dead letter queue in one batch.
    #[serde(rename_all = "camelCase")]
    DlqCount {
        /// How many.
        dlq_count: u64,
    },
    /// Many orders could not be processed.
    #[serde(rename_all = "camelCase")]
    ErrorShare {
        /// How many could not.
        error_count: u64,
        /// Of how many.
        found_count: u64,
    },
    /// Many orders were found in several batches running.
    #[serde(rename_all = "camelCase")]
    Backlog {
        /// How many in this one.
        found_count: u64,
    },
}

impl Alert {
    /// What happened, and what it points to, in a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::DlqCount { dlq_count } => format!(
                "{dlq_count} orders went to the dead letter queue in one batch (alert above {ALERT_DLQ_COUNT}): \
                 look for a cause they share."
            ),
            Self::ErrorShare {
                error_count,
                found_count,
            } => format!(
                "{error_count} of {found_count} could not be processed (alert above {:.0}%): \
                 the batch's errors say why.",
                ALERT_ERROR_SHARE * 100.0
            ),
            Self::Backlog { found_count } => format!(
                "{found_count} orders were found, and each of the last {ALERT_BACKLOG_BATCHES} batches found more than \
                 {ALERT_FOUND_COUNT}: a backlog is building up."
            ),
        }
    }
}

/// The alerts of the newest of `batches` (newest first; only finished ones).
pub fn alerts(batches: &[Counts]) -> Vec<Alert> {
    let Some(newest) = batches.first() else {
        return Vec::new();
    };
    let mut raised = Vec::new();
    if newest.dlq > ALERT_DLQ_COUNT {
        raised.push(Alert::DlqCount {
            dlq_count: newest.dlq,
        });
    }
    if newest.error as f64 > newest.found() as f64 * ALERT_ERROR_SHARE {
        raised.push(Alert::ErrorShare {
            error_count: newest.error,
            found_count: newest.found(),
        });
    }
    let running = batches
        .iter()
        .take_while(|batch| batch.found() > ALERT_FOUND_COUNT)
        .count();
    if running >= ALERT_BACKLOG_BATCHES {
        raised.push(Alert::Backlog {
            found_count: newest.found(),
        });
    }
    raised
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(restarted: u64, dlq: u64, error: u64) -> Counts {
        Counts {
            restarted,
            dlq,
            error,
            skipped: 0,
        }
    }

    #[test]
    fn ten_dead_letters_are_quiet_and_eleven_are_not() {
        assert_eq!(alerts(&[counts(0, 10, 0)]), []);
        assert_eq!(
            alerts(&[counts(0, 11, 0)]),
            [Alert::DlqCount { dlq_count: 11 }]
        );
    }

    #[test]
    fn five_percent_of_errors_are_quiet_and_more_are_not() {
        assert_eq!(alerts(&[counts(95, 0, 5)]), []);
        assert_eq!(
            alerts(&[counts(94, 0, 6)]),
            [Alert::ErrorShare {
                error_count: 6,
                found_count: 100
            }]
        );
    }

    #[test]
    fn three_large_batches_running_are_a_backlog() {
        let (large, small) = (counts(101, 0, 0), counts(100, 0, 0));
        assert_eq!(alerts(&[large, large, small, large]), []);
        assert_eq!(
            alerts(&[large, large, large]),
            [Alert::Backlog { found_count: 101 }]
        );
        assert_eq!(alerts(&[small, large, large, large]), []);
    }

    #[test]
    fn no_batch_raises_nothing() {
        assert_eq!(alerts(&[]), []);
        assert_eq!(alerts(&[Counts::default()]), []);
    }

    #[test]
    fn the_result_has_the_keys_of_the_spec() {
        let json = serde_json::to_value(ReprocessingResult::default()).unwrap();
        for key in [
            "processedAt",
            "foundCount",
            "restartedCount",
            "dlqCount",
            "errorCount",
            "skippedCount",
        ] {
            assert!(json.get(key).is_some(), "{key} is missing in {json}");
        }
    }

    proptest! {
        #[test]
        fn sums_of_results_keep_the_sum(a in proptest::array::uniform4(0_u64..1000), b in proptest::array::uniform4(0_u64..1000)) {
            let result = |c: [u64; 4]| {
                let counts = Counts { restarted: c[0], dlq: c[1], error: c[2], skipped: c[3] };
                ReprocessingResult {
                    found_count: counts.found(), restarted_count: c[0], dlq_count: c[1], error_count: c[2], skipped_count: c[3],
                    ..Default::default()
                }
            };
            let sum = result(a).plus(&result(b));
            prop_assert_eq!(sum.found_count, sum.restarted_count + sum.dlq_count + sum.error_count + sum.skipped_count);
        }
    }
}
