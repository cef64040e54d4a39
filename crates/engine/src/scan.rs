//! Scan: new failed runs, from visibility into the ledger.
//!
//! *Window*: a span of close times, closed below and open above. The *watermark* moves only over windows that are
//! stored whole; each scan begins a while before it, since visibility lags, and a *sweep* reads the last day again.
//! Reading twice is free: a run that is known is not read a second time.

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use redrive_core::ids::{BatchId, RunId};
use redrive_core::policy::ScanPolicy;
use redrive_flows::activities::{Phase, ScanReport};
use redrive_ledger::{Failure, ObserveSummary, ScanWindow};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::gateway::{GatewayError, RunToRead, Window};
use crate::patience::Patience;
use crate::pulse::Pulse;

/// Histories read at the same time.
const AT_ONCE: usize = 16;
/// So many runs are stored together: a scan that is interrupted has lost no more than it has read of them.
const PORTION: usize = 250;
/// A window is not split below this.
const SHORTEST: SignedDuration = SignedDuration::from_millis(1);

impl Engine {
    /// Scans every watched type up to the present, or until the time is up.
    pub async fn scan_failures(
        &self,
        input: &Phase,
        pulse: &dyn Pulse,
    ) -> Result<ScanReport, EngineError> {
        let (mut stored, mut complete) = (ObserveSummary::default(), true);
        let patience = Patience {
            ends_at: input.ends_at,
            pulse,
        };
        for watch in &self.policy.watch {
            let scanned = self
                .scan_type(&watch.workflow_type, &input.batch, patience, &mut stored)
                .await;
            complete &= self.unless_over(patience, scanned)?.unwrap_or(false);
        }
        Ok(ScanReport {
            new_failures: stored.new_failures,
            complete,
        })
    }

    /// Scans one type. Returns whether it came up to the present.
    async fn scan_type(
        &self,
        workflow_type: &str,
        batch: &BatchId,
        patience: Patience<'_>,
        stored: &mut ObserveSummary,
    ) -> Result<bool, EngineError> {
        let now = self.clock.now();
        let known = self.known_window(workflow_type, now, patience).await?;
        let mut known = trusted(known, &self.policy.scan, now);
        let (from, sweeps) = begin(&known, &self.policy.scan, now);
        let mut ahead = vec![Window {
            workflow_type: workflow_type.to_owned(),
            from,
            to: now,
        }];
        let mut whole = true;
        while let Some(window) = ahead.pop() {
            if patience.is_over(self.clock.now()) {
                return Ok(false);
            }
            if self.count_failed(&window, patience).await? > u64::from(self.policy.scan.window_rows)
                && let Some((earlier, later)) = halves(&window)
            {
                ahead.extend([later, earlier]);
                continue;
            }
            whole &= self.store(&window, batch, patience, stored).await?;
            // What the server did not tell of holds back nothing else, and is read again by every scan until it is told.
            if whole {
                known.watermark = known.watermark.max(window.to);
                self.ledger.save_scan_window(&known).await?;
            }
        }
        if sweeps && whole {
            known.swept_at = now;
            self.ledger.save_scan_window(&known).await?;
        }
        Ok(whole)
    }

    /// How far the type has been scanned. The first look takes in the look-back only: what is older is counted, so that
    /// the first start does not restart what people have long dealt with.
    pub(crate) async fn known_window(
        &self,
        workflow_type: &str,
        now: Timestamp,
        patience: Patience<'_>,
    ) -> Result<ScanWindow, EngineError> {
        if let Some(known) = self.ledger.scan_window(workflow_type).await? {
            return Ok(known);
        }
        let first_look_at = before(now, self.policy.scan.lookback);
        let older = Window {
            workflow_type: workflow_type.to_owned(),
            from: Timestamp::UNIX_EPOCH,
            to: first_look_at,
        };
        let known = ScanWindow {
            workflow_type: workflow_type.to_owned(),
            first_look_at,
            older_count: self.count_failed(&older, patience).await?,
            watermark: first_look_at,
            swept_at: now,
        };
        self.ledger.save_scan_window(&known).await?;
        Ok(known)
    }

    /// Stores every failed run of a window, and adds to `stored` what that brought. What was read before an error is stored, too:
    /// whoever tries again goes on from there. Returns whether the server told of all.
    pub(crate) async fn store(
        &self,
        window: &Window,
        batch: &BatchId,
        patience: Patience<'_>,
        stored: &mut ObserveSummary,
    ) -> Result<bool, EngineError> {
        let (mut page, mut whole) = (Vec::new(), true);
        loop {
            let listed = self.list_failed(window, &page, patience).await?;
            for portion in portions(listed.runs) {
                let mut failures = Vec::new();
                let read = self.read_new(portion, patience, &mut failures).await;
                failures.sort_by_key(|failure: &Failure| failure.closed_at);
                *stored += self
                    .ledger
                    .observe(&self.policy, batch, &failures, self.clock.moment())
                    .await?;
                whole &= read?;
                patience.pulse.beat().await;
            }
            if listed.next.is_empty() {
                return Ok(whole);
            }
            page = listed.next;
        }
    }

    /// Reads those runs that the ledger does not know, as their answers come, and adds them to `failures`. One that cannot be read
    /// is left to the next sweep. Returns whether the server told of all others.
    pub(crate) async fn read_new(
        &self,
        listed: Vec<RunToRead>,
        patience: Patience<'_>,
        failures: &mut Vec<Failure>,
    ) -> Result<bool, EngineError> {
        let runs: Vec<RunId> = listed.iter().map(|run| run.run_id.clone()).collect();
        let unknown: std::collections::HashSet<_> =
            self.ledger.unknown_runs(&runs).await?.into_iter().collect();
        let new = listed
            .into_iter()
            .filter(|run| unknown.contains(&run.run_id));
        let mut reading = futures::stream::iter(new)
            .map(|run| async move {
                let read = || self.gateway.read_failure(&run);
                self.patiently(patience, read).await
            })
            .buffer_unordered(AT_ONCE);
        let mut whole = true;
        while let Some(read) = self.next_of(&mut reading, patience.pulse).await {
            match read {
                Ok(run) => failures.extend(run.map(|run| self.classified(run))),
                Err(GatewayError::Item(message)) => {
                    tracing::warn!(
                        message,
                        "a failed run cannot be read; the next sweep tries again"
                    );
                }
                Err(error @ GatewayError::Unknown(_)) if self.server_answers().await => {
                    tracing::warn!(%error, "the server does not tell of a failed run; the next scan asks again");
                    whole = false;
                }
                Err(error) => return Err(error.into()),
            }
            if failures.len() % 100 == 99 {
                patience.pulse.beat().await;
            }
        }
        Ok(whole)
    }
}

/// The runs of a page, which lists the newest first, in portions from the oldest on.
fn portions(mut runs: Vec<RunToRead>) -> impl Iterator<Item = Vec<RunToRead>> {
    runs.reverse();
    let portions: Vec<_> = runs.chunks(PORTION).map(<[_]>::to_vec).collect();
    portions.into_iter()
}

/// How far was scanned, as it is to be believed: a time that is still to come, by more than clocks differ, was noted by a clock
/// that went wrong. Nothing is known then, and the last hours are swept.
fn trusted(known: ScanWindow, policy: &ScanPolicy, now: Timestamp) -> ScanWindow {
    let noted = known.watermark.max(known.swept_at);
    if before(noted, policy.overlap) <= now {
        return known;
    }
    ScanWindow {
        watermark: before(now, policy.sweep_back).max(known.first_look_at),
        swept_at: before(now, policy.sweep_every),
        ..known
    }
}

/// Where this scan begins, and whether it is a sweep.
fn begin(known: &ScanWindow, policy: &ScanPolicy, now: Timestamp) -> (Timestamp, bool) {
    let sweeps = before(now, policy.sweep_every) >= known.swept_at;
    let overlap = before(known.watermark, policy.overlap);
    let from = if sweeps {
        overlap.min(before(now, policy.sweep_back))
    } else {
        overlap
    };
    (from.max(known.first_look_at), sweeps)
}

/// A time so long before another.
pub(crate) fn before(time: Timestamp, by: std::time::Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.checked_sub(by).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A window in two, earlier and later; `None` where it is too short.
pub(crate) fn halves(window: &Window) -> Option<(Window, Window)> {
    let length = window.to.duration_since(window.from);
    if length <= SHORTEST {
        return None;
    }
    let middle = window.from.checked_add(length / 2).ok()?;
    let earlier = Window {
        to: middle,
        ..window.clone()
    };
    let later = Window {
        from: middle,
        ..window.clone()
    };
    Some((earlier, later))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour)
    }

    fn known(watermark: i64, swept: i64) -> ScanWindow {
        ScanWindow {
            workflow_type: "W".into(),
            first_look_at: at(100),
            older_count: 0,
            watermark: at(watermark),
            swept_at: at(swept),
        }
    }

    #[test]
    fn a_scan_begins_a_quarter_of_an_hour_before_the_watermark() {
        let (from, sweeps) = begin(&known(200, 200), &ScanPolicy::default(), at(200));
        assert_eq!(
            (from, sweeps),
            (at(200) - SignedDuration::from_mins(15), false)
        );
    }

    #[test]
    fn a_sweep_is_hourly_and_reads_a_day() {
        let (from, sweeps) = begin(&known(200, 199), &ScanPolicy::default(), at(200));
        assert_eq!((from, sweeps), (at(176), true));
    }

    #[test]
    fn what_a_clock_that_went_wrong_has_noted_is_not_believed() {
        let policy = ScanPolicy::default();
        let swept = |watermark, swept| {
            let known = trusted(known(watermark, swept), &policy, at(200));
            (known.watermark, begin(&known, &policy, at(200)))
        };
        let day_before = at(176) - SignedDuration::from_mins(15);
        for (watermark, swept_at) in [(900, 200), (200, 900), (900, 900)] {
            assert_eq!(swept(watermark, swept_at), (at(176), (day_before, true)));
        }
        // Clocks differ a little.
        let mut ahead = known(200, 200);
        ahead.watermark += SignedDuration::from_mins(15);
        assert_eq!(trusted(ahead.clone(), &policy, at(200)), ahead);
    }

    #[test]
    fn nothing_before_the_first_look_is_taken_in() {
        let (from, _) = begin(&known(101, 100), &ScanPolicy::default(), at(110));
        assert_eq!(from, at(100));
    }

    #[test]
    fn portions_begin_with_the_oldest_and_leave_none_out() {
        let run = |number: usize| RunToRead::new("w".into(), number.to_string().into());
        let newest_first: Vec<_> = (0..PORTION + 1).rev().map(run).collect();
        let portions: Vec<_> = portions(newest_first).collect();
        assert_eq!(
            portions.iter().map(Vec::len).collect::<Vec<_>>(),
            [PORTION, 1]
        );
        assert_eq!(portions[0][0], run(0));
        assert_eq!(portions[1][0], run(PORTION));
    }

    #[test]
    fn halves_meet_and_cover_the_window() {
        let window = Window {
            workflow_type: "W".into(),
            from: at(0),
            to: at(3),
        };
        let (earlier, later) = halves(&window).unwrap();
        assert_eq!((earlier.from, later.to), (window.from, window.to));
        assert_eq!(earlier.to, later.from);
        let instant = Window {
            to: window.from,
            ..window
        };
        assert_eq!(halves(&instant), None);
    }
}
