//! A batch's numbers: counted from rows, never from memory, so that nothing counts twice.

use jiff::Timestamp;
use redrive_core::ids::BatchId;
use redrive_core::report::{BatchStatus, Counts, ReprocessingResult, VerdictKind};

use crate::record::micros;
use crate::{AttemptOutcome, BatchEnd};

/// What the rows of a batch say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Its verdicts.
    pub verdicts: Counts,
    /// Attempts that it learnt to have recovered.
    pub recovered: u64,
    /// Attempts that it learnt to have failed again.
    pub failed_again: u64,
    /// Orders that wait for a restart now.
    pub backlog: u64,
}

impl Tally {
    /// Adds `count` verdicts of a kind.
    pub fn add_verdicts(&mut self, kind: VerdictKind, count: u64) {
        let counts = &mut self.verdicts;
        *match kind {
            VerdictKind::Restarted => &mut counts.restarted,
            VerdictKind::Dlq => &mut counts.dlq,
            VerdictKind::Error => &mut counts.error,
            VerdictKind::Skipped => &mut counts.skipped,
        } += count;
    }

    /// Adds `count` attempts that ended so.
    pub fn add_outcomes(&mut self, outcome: AttemptOutcome, count: u64) {
        match outcome {
            AttemptOutcome::Recovered => self.recovered += count,
            AttemptOutcome::FailedAgain => self.failed_again += count,
            AttemptOutcome::NotStarted | AttemptOutcome::Stopped | AttemptOutcome::Unknown => {}
        }
    }

    /// The batch's numbers as of `now`: a scan or settle that failed is one error.
    pub fn result(&self, batch: &BatchId, end: &BatchEnd, now: Timestamp) -> ReprocessingResult {
        let mut counts = self.verdicts;
        counts.error += u64::from(end.scan_failed) + u64::from(end.settle_failed);
        ReprocessingResult {
            processed_at: micros(now),
            found_count: counts.found(),
            restarted_count: counts.restarted,
            dlq_count: counts.dlq,
            error_count: counts.error,
            skipped_count: counts.skipped,
            recovered_count: self.recovered,
            failed_again_count: self.failed_again,
            backlog_count: self.backlog,
            truncated: end.truncated,
            batch_id: batch.to_string(),
        }
    }
}

/// How a batch that ended so stands.
pub(crate) fn status(end: &BatchEnd) -> BatchStatus {
    if end.abandoned {
        BatchStatus::Abandoned
    } else if end.error.is_some() {
        BatchStatus::Failed
    } else if end.scan_failed || end.settle_failed || end.truncated {
        BatchStatus::Partial
    } else {
        BatchStatus::Completed
    }
}

/// The counts of a finished batch, as its row has them.
pub(crate) fn counts(result: &ReprocessingResult) -> Counts {
    Counts {
        restarted: result.restarted_count,
        dlq: result.dlq_count,
        error: result.error_count,
        skipped: result.skipped_count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_that_happened_is_the_status() {
        let mut end = BatchEnd::default();
        assert_eq!(status(&end), BatchStatus::Completed);
        end.truncated = true;
        assert_eq!(status(&end), BatchStatus::Partial);
        end = BatchEnd {
            settle_failed: true,
            ..Default::default()
        };
        assert_eq!(status(&end), BatchStatus::Partial);
        end.error = Some("no server".into());
        assert_eq!(status(&end), BatchStatus::Failed);
        end.abandoned = true;
        assert_eq!(status(&end), BatchStatus::Abandoned);
    }

    #[test]
    fn failed_queries_are_found_as_errors() {
        let end = BatchEnd {
            scan_failed: true,
            settle_failed: true,
            ..Default::default()
        };
        let result = Tally::default().result(&"b".into(), &end, Timestamp::UNIX_EPOCH);
        assert_eq!((result.found_count, result.error_count), (2, 2));
    }
}
