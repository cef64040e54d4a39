//! Taking in what is older than the look-back: a new ledger counts such failures and leaves them, for people may have
//! dealt with them long ago. Only an operator's word takes them in, after seeing what they are.
//!
//! *Older* is what closed before the first look of its type. Once taken in, the first look is where they begin.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{Timestamp, Unit};
use redrive_core::ids::BatchId;
use redrive_ledger::{AuditFilter, Failure, NewAuditEvent, ObserveSummary, ScanWindow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Ops, Result};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::gateway::{GatewayError, Window};
use crate::patience::Patience;
use crate::pulse::Pulse;
use crate::scan::{before, halves};

/// Failed runs that are read for a preview: each costs two calls.
const SAMPLE: usize = 1_000;
/// Runs between two words about how far it is.
const AT_A_TIME: u64 = 500;
/// The ages by which a preview groups, in days: each group is older than one and not than the next.
const AGES: [i64; 5] = [0, 2, 7, 30, 90];
/// What a take-in is in the audit trail.
const ACT: &str = "scan";
/// A take-in may take many requests: what the audit trail has of the last hour is not written once more.
const ONE_ACT: Duration = Duration::from_secs(3600);
/// So many take-ins of one person within that time are looked through.
const ACTS: u32 = 100;

/// What is older than the look-back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Older {
    /// From when on, to the second.
    pub since: Timestamp,
    /// Failed runs, as visibility counts them.
    pub runs: u64,
    /// How many were read, the newest of each type first; fewer than `runs`: the groups are a sample.
    pub read: u64,
    /// What was read, by failure status and age.
    pub groups: Vec<OlderGroup>,
}

/// Failed runs of one status and age.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OlderGroup {
    /// The failure status.
    pub failure_status: String,
    /// Older than so many days.
    pub older_than_days: i64,
    /// Whether the policy lets them be reprocessed.
    pub eligible: bool,
    /// How many.
    pub runs: u64,
}

/// What was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TakenIn {
    /// From when on.
    pub since: Timestamp,
    /// Failed runs not known before.
    pub new_failures: u64,
    /// Orders not known before.
    pub new_orders: u64,
    /// Those of them that the policy lets be reprocessed.
    pub eligible_orders: u64,
    /// Whether that is all there is; else the same once more takes in the rest.
    pub complete: bool,
}

/// Hears how many failed runs were taken in so far.
pub type Heard<'a> = &'a (dyn Fn(u64) + Send + Sync);

impl Ops {
    /// Looks at the failures older than the look-back that closed since then. Nothing is kept. Where `pulse` cancels it, it
    /// tells what it has read; how many there are it tells rightly, or fails.
    pub async fn preview_older(&self, since: Timestamp, pulse: &dyn Pulse) -> Result<Older> {
        let engine = &self.engine;
        let since = to_the_second(since);
        let windows = engine.older_windows(since).await?;
        let mut runs = 0;
        for window in &windows {
            runs += engine.count_failed(window, patience(pulse)).await?;
        }
        let share = SAMPLE / windows.len().max(1);
        let mut read = Vec::new();
        for window in &windows {
            let sampled = engine.sample(window, share, pulse, &mut read).await;
            engine.unless_over(patience(pulse), sampled)?;
        }
        Ok(Older {
            since,
            // Visibility is asked twice, and lags: it never counts fewer than it lists.
            runs: runs.max(read.len() as u64),
            read: read.len() as u64,
            groups: engine.grouped(&read),
        })
    }

    /// Takes them in: failed runs that closed since then, each once, and nothing is started. Where `pulse` cancels it, what is
    /// stored stays, and the next try goes on from there.
    pub async fn take_in_older(
        &self,
        since: Timestamp,
        by: &NewAuditEvent,
        pulse: &dyn Pulse,
        heard: Heard<'_>,
    ) -> Result<TakenIn> {
        let engine = &self.engine;
        let since = to_the_second(since);
        let now = engine.clock.now();
        self.note(since, by, now).await?;
        let (mut taken, mut complete) = (ObserveSummary::default(), true);
        for watch in &engine.policy.watch {
            let patience = patience(pulse);
            let taking = async {
                let known = engine
                    .known_window(&watch.workflow_type, now, patience)
                    .await?;
                engine
                    .take_in_type(known, since, patience, &mut taken, heard)
                    .await
            };
            complete &= engine.unless_over(patience, taking.await)?.unwrap_or(false);
        }
        Ok(TakenIn {
            since,
            new_failures: taken.new_failures,
            new_orders: taken.new_orders,
            eligible_orders: taken.eligible_orders,
            complete,
        })
    }

    /// Writes down who takes that in, and why, unless just that was written of late: the requests of one take-in all say the same.
    /// Nothing that a request says keeps it out of the trail.
    async fn note(&self, since: Timestamp, by: &NewAuditEvent, now: Timestamp) -> Result<()> {
        let subject = format!("since {since}");
        let lately = AuditFilter {
            actor: Some(by.actor.clone()),
            action: Some(ACT.to_owned()),
            since: Some(before(now, ONE_ACT)),
            after: None,
        };
        let acts = self.records.audit(&lately, ACTS).await?;
        let written = acts
            .iter()
            .any(|act| act.detail.as_deref() == Some(subject.as_str()) && act.reason == by.reason);
        if !written {
            let ledger = &self.engine.ledger;
            ledger.audit(ACT, Some(&subject), by, now).await?;
        }
        Ok(())
    }
}

impl Engine {
    /// What is older, a window a type; a type that was never looked at is older than its look-back would be.
    async fn older_windows(&self, since: Timestamp) -> Result<Vec<Window>> {
        let mut windows = Vec::new();
        for watch in &self.policy.watch {
            let known = self.ledger.scan_window(&watch.workflow_type).await?;
            let first_look = before(self.clock.now(), self.policy.scan.lookback);
            let to = known.map_or(first_look, |known| known.first_look_at);
            if since < to {
                windows.push(Window {
                    workflow_type: watch.workflow_type.clone(),
                    from: since,
                    to,
                });
            }
        }
        Ok(windows)
    }

    /// Reads up to so many failed runs of a window that the ledger does not know.
    async fn sample(
        &self,
        window: &Window,
        most: usize,
        pulse: &dyn Pulse,
        read: &mut Vec<Failure>,
    ) -> std::result::Result<(), EngineError> {
        let (mut page, mut looked_at) = (Vec::new(), 0);
        while !pulse.cancelled() {
            let mut listed = self.list_failed(window, &page, patience(pulse)).await?;
            listed.runs.truncate(most - looked_at);
            looked_at += listed.runs.len();
            self.read_new(listed.runs, patience(pulse), read).await?;
            if listed.next.is_empty() || looked_at >= most {
                break;
            }
            page = listed.next;
        }
        Ok(())
    }

    fn grouped(&self, read: &[Failure]) -> Vec<OlderGroup> {
        let now = self.clock.now();
        let mut groups: BTreeMap<(&str, i64, bool), u64> = BTreeMap::new();
        for failure in read {
            let status = failure.classification.status.as_str();
            let eligible = self.policy.reprocess(status)
                && (!failure.has_parent || self.policy.restart_children);
            let days = now.duration_since(failure.closed_at).as_hours() / 24;
            let age = AGES.into_iter().rfind(|age| *age <= days).unwrap_or(0);
            *groups.entry((status, age, eligible)).or_default() += 1;
        }
        let group = |((status, age, eligible), runs): ((&str, i64, bool), u64)| OlderGroup {
            failure_status: status.to_owned(),
            older_than_days: age,
            eligible,
            runs,
        };
        groups.into_iter().map(group).collect()
    }

    /// Takes in one type, the newest windows first, and moves its first look back over each that is stored: whoever is
    /// interrupted goes on from there. Returns whether that is all.
    async fn take_in_type(
        &self,
        mut known: ScanWindow,
        since: Timestamp,
        patience: Patience<'_>,
        taken: &mut ObserveSummary,
        heard: Heard<'_>,
    ) -> std::result::Result<bool, EngineError> {
        if since >= known.first_look_at {
            return Ok(true);
        }
        let batch = BatchId::from(format!("scan-since-{}", since.as_second()));
        let workflow_type = known.workflow_type.clone();
        let window = |from, to| Window {
            workflow_type: workflow_type.clone(),
            from,
            to,
        };
        let mut ahead = vec![window(since, known.first_look_at)];
        while let Some(next) = ahead.pop() {
            if patience.pulse.cancelled() {
                return Ok(false);
            }
            let count = self.count_failed(&next, patience).await?;
            if count > AT_A_TIME
                && let Some((earlier, later)) = halves(&next)
            {
                ahead.extend([earlier, later]);
                continue;
            }
            let whole = self.store(&next, &batch, patience, taken).await?;
            heard(taken.new_failures);
            if !whole {
                let untold = "the server does not tell of a failed run there".to_owned();
                return Err(GatewayError::Unknown(untold).into());
            }
            known.first_look_at = next.from;
            known.older_count = known.older_count.saturating_sub(count);
            self.save_first_look(&known).await?;
        }
        let still_older = window(Timestamp::UNIX_EPOCH, since);
        known.older_count = self.count_failed(&still_older, patience).await?;
        self.save_first_look(&known).await?;
        Ok(true)
    }

    /// Saves how far back was looked. How far scans have come meanwhile stays.
    async fn save_first_look(&self, known: &ScanWindow) -> std::result::Result<(), EngineError> {
        let by_now = self.ledger.scan_window(&known.workflow_type).await?;
        let window = ScanWindow {
            first_look_at: known.first_look_at,
            older_count: known.older_count,
            ..by_now.unwrap_or_else(|| known.clone())
        };
        Ok(self.ledger.save_scan_window(&window).await?)
    }
}

/// Nobody means parts of a second, nor what was before all servers.
fn to_the_second(since: Timestamp) -> Timestamp {
    let rounded = since.round(Unit::Second).unwrap_or(since);
    rounded.max(Timestamp::UNIX_EPOCH)
}

/// An operator waits as long as it takes.
fn patience(pulse: &dyn Pulse) -> Patience<'_> {
    Patience {
        ends_at: Timestamp::MAX,
        pulse,
    }
}
