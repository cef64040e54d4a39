//! A rehearsal: what a batch would do, found out by doing it on a copy.
//!
//! Nothing is predicted. The code of the activities runs in the workflow's order on an engine of its own, over a copy of
//! the ledger and a gateway that starts nothing; the verdicts are those that it leaves in the copy. What it cannot show is
//! what other people and workers do meanwhile, and how what it would start would end.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use redrive_core::ids::BatchId;
use redrive_core::policy::{MAX_BATCH_SIZE, Policy};
use redrive_core::report::ReprocessingResult;
use redrive_flows::activities::{BatchPlan, Chunk, FinishBatch, OpenBatch, Phase, Stopped};
use redrive_flows::{Deadline, options};
use redrive_ledger::{BatchVerdict, Limited, NewAuditEvent, Reader};
use tempfile::TempDir;

use super::{Ops, OpsError, Result, RunRequest};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::gateway::RehearsalGateway;
use crate::pulse::Steady;

/// Verdicts read at a time.
const PAGE: u32 = 1_000;
/// Verdicts told at most: a backlog is not held in memory; its numbers are in the result.
pub const VERDICTS: usize = 10_000;

/// What a batch would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsed {
    /// Its result. The batch it names is the rehearsal's own, and is gone.
    pub result: ReprocessingResult,
    /// Its verdicts, by order id: the first [`VERDICTS`] of them.
    pub verdicts: Vec<BatchVerdict>,
    /// Its time was up before it had looked at everything: a batch may find more.
    pub cut_short: bool,
}

/// How far a batch comes: a rehearsal does not wait for the limit on starts, and a batch gives back what its deadline leaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Starts a second, over everything that works on this ledger.
    pub starts_per_second: f64,
    /// About so many starts are made before a batch's deadline.
    pub before_deadline: u64,
}

/// Where batches are rehearsed: each sees what those before it would have done.
pub struct Rehearsal {
    engine: Engine,
    reader: Arc<dyn Reader>,
    ends_at: Timestamp,
    _folder: TempDir,
}

/// What the steps before the chunks came to.
struct Prepared {
    due_by: Timestamp,
    scan_failed: bool,
    settle_failed: bool,
    scan_complete: bool,
    /// Whether there was time for all of every step.
    in_time: bool,
}

impl Ops {
    /// What a batch would do with each order, and no change anywhere; as [`rehearsal`](Self::rehearsal) says, what can be seen by
    /// `ends_at`.
    pub async fn rehearse(
        &self,
        request: &RunRequest,
        ends_at: Option<Timestamp>,
    ) -> Result<Rehearsed> {
        self.rehearsal(ends_at).await?.run(request).await
    }

    /// How far a batch comes that begins now.
    pub async fn pace(&self) -> Result<Pace> {
        let limits = self.records.limits().await?;
        let starts = limits.iter().find(|limit| limit.limit == Limited::Starts);
        let starts_per_second = starts.map_or(f64::INFINITY, |limit| limit.per_second);
        let now = self.engine.clock.now();
        let interval = self.engine.settings.interval;
        let deadline = Deadline::of(now, options::EXECUTION_TIMEOUT, interval);
        let seconds = deadline.stops_at.duration_since(now).as_secs_f64();
        Ok(Pace {
            starts_per_second,
            before_deadline: (starts_per_second * seconds).round() as u64,
        })
    }

    /// A copy of the ledger to rehearse on, until it is dropped. Only this user may read it. From `ends_at` on nothing more is looked
    /// at, and what was seen by then is told; without it each rehearsal has as long as a batch.
    pub async fn rehearsal(&self, ends_at: Option<Timestamp>) -> Result<Rehearsal> {
        let folder = tempfile::Builder::new()
            .prefix("redrive-rehearsal-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .map_err(OpsError::NoFolder)?;
        let real = &self.engine;
        let copy = self.records.reader.copy_to(folder.path()).await?;
        let gateway = RehearsalGateway::new(Arc::clone(&real.gateway), Arc::clone(&real.clock));
        // Nothing is started, so there is nothing to go gently with.
        let policy = Policy {
            starts_per_second: f64::INFINITY,
            ..(*real.policy).clone()
        };
        let engine = Engine::new(
            copy.ledger,
            Arc::new(gateway),
            Arc::clone(&real.clock),
            policy,
            (*real.settings).clone(),
        )
        .await?;
        let nobody = NewAuditEvent {
            actor: "rehearsal".to_owned(),
            reason: String::new(),
        };
        for what in Limited::ALL {
            let now = real.clock.now();
            engine.ledger.set_limit(what, None, &nobody, now).await?;
        }
        Ok(Rehearsal {
            engine,
            reader: copy.reader,
            ends_at: ends_at.unwrap_or(Timestamp::MAX),
            _folder: folder,
        })
    }
}

impl Rehearsal {
    /// The engine over the copy, for asking how everything would stand.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Rehearses a batch.
    pub async fn run(&self, request: &RunRequest) -> Result<Rehearsed> {
        let engine = &self.engine;
        let moment = engine.clock.moment();
        let batch = BatchId::from(format!(
            "rehearsal-{}-{:08x}",
            moment.now.as_microsecond(),
            moment.seed & 0xffff_ffff
        ));
        let opened = OpenBatch {
            batch: batch.clone(),
            workflow_id: batch.to_string(),
            started_at: moment.now,
            one_order: request.order.is_some(),
        };
        let plan = engine.open_batch(opened).await?;
        let interval = Duration::from_secs(plan.interval_seconds);
        let mut deadline = Deadline::of(moment.now, options::EXECUTION_TIMEOUT, interval);
        deadline.stops_at = deadline.stops_at.min(self.ends_at);
        let prepared = self.prepare(request, &batch, &deadline).await?;
        let stopped = self
            .process(request, &batch, plan, &deadline, prepared.due_by)
            .await?;
        let end = FinishBatch {
            batch: batch.clone(),
            scan_failed: prepared.scan_failed,
            settle_failed: prepared.settle_failed,
            truncated: stopped.is_some() || !prepared.scan_complete,
            error: None,
        };
        Ok(Rehearsed {
            result: engine.finish_quietly(&end).await?.result,
            verdicts: self.verdicts(&batch).await?,
            cut_short: stopped == Some(Stopped::Deadline) || !prepared.in_time,
        })
    }

    /// Reads a page at a time, and keeps the first by order id.
    async fn verdicts(&self, batch: &BatchId) -> Result<Vec<BatchVerdict>> {
        let (mut first, mut after) = (BTreeMap::new(), None);
        loop {
            let page = self.reader.verdicts(batch, None, after, PAGE).await?;
            after = page.last().map(|verdict| verdict.pk);
            let full = page.len() == PAGE as usize;
            for verdict in page {
                let key = (verdict.order_id.clone(), verdict.workflow_id.clone());
                first.insert(key, verdict);
                if first.len() > VERDICTS {
                    first.pop_last();
                }
            }
            if !full {
                return Ok(first.into_values().collect());
            }
        }
    }

    /// What comes before the chunks, as in the orchestration: a scan or settle that fails is noted.
    async fn prepare(
        &self,
        request: &RunRequest,
        batch: &BatchId,
        deadline: &Deadline,
    ) -> Result<Prepared> {
        let engine = &self.engine;
        let now = || engine.clock.now();
        let mut prepared = Prepared {
            due_by: now(),
            scan_failed: false,
            settle_failed: false,
            scan_complete: true,
            in_time: true,
        };
        if request.order.is_some() {
            return Ok(prepared);
        }
        let phase = || Phase {
            batch: batch.clone(),
            ends_at: deadline.phase_ends_at(now()),
        };
        let adoption = phase();
        engine.adopt_claims(&adoption, &Steady).await?;
        let adopted = now() < adoption.ends_at;
        let scanned = told("scan", engine.scan_failures(&phase(), &Steady).await);
        prepared.scan_failed = scanned.is_none();
        prepared.scan_complete = scanned.is_none_or(|scanned| scanned.complete);
        let settled = told("settle", engine.settle_attempts(&phase(), &Steady).await);
        prepared.settle_failed = settled.is_none();
        let settle_complete = settled.as_ref().is_none_or(|settled| settled.complete);
        prepared.in_time = adopted && prepared.scan_complete && settle_complete;
        prepared.due_by = settled.map_or_else(now, |settled| settled.due_by);
        Ok(prepared)
    }

    /// Chunks, one after the other, until one claims less than it asked for. Returns why work is left, where it is.
    async fn process(
        &self,
        request: &RunRequest,
        batch: &BatchId,
        plan: BatchPlan,
        deadline: &Deadline,
        due_by: Timestamp,
    ) -> Result<Option<Stopped>> {
        let size = plan.batch_size.clamp(1, MAX_BATCH_SIZE);
        let mut left = if request.order.is_some() {
            Some(1)
        } else {
            request.max_orders
        };
        for number in 0.. {
            let chunk = Chunk {
                batch: batch.clone(),
                chunk: number,
                limit: size.min(left.unwrap_or(u32::MAX)),
                due_by,
                stops_at: deadline.stops_at,
                rules: request.rules(),
                only: request.order.clone(),
                operation: None,
            };
            let report = self.engine.process_chunk(&chunk, &Steady).await?;
            left = left.map(|left| left.saturating_sub(chunk.limit));
            if report.stopped.is_some() {
                return Ok(report.stopped);
            }
            if report.claimed < chunk.limit || left == Some(0) {
                break;
            }
        }
        Ok(None)
    }
}

/// The report of a step that the batch goes on without.
fn told<T>(step: &'static str, report: std::result::Result<T, EngineError>) -> Option<T> {
    report
        .inspect_err(|error| tracing::warn!(%error, "the {step} failed in rehearsal"))
        .ok()
}
