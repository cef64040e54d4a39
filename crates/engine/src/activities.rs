//! The activities of a batch, as the worker runs them: thin, over [`Engine`].
#![expect(
    missing_docs,
    reason = "documented where they are declared, in redrive-flows"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use redrive_core::report::ReprocessingResult;
use redrive_flows::activities::{
    AdoptReport, BatchPlan, BeginOperation, Chunk, ChunkReport, FailedPhases, FinishBatch,
    FinishOperation, NextPage, OpenBatch, OperationReport, Phase, ScanReport, SettleReport,
};
use redrive_flows::options::SYSTEM_ERROR;
use temporalio_common::error::ApplicationFailure;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::pulse::Pulse;
use crate::record::end_of;

/// The activities.
#[derive(Clone)]
pub struct Activities {
    engine: Engine,
    stopping: Arc<AtomicBool>,
}

impl Activities {
    /// Activities over an engine.
    pub fn new(engine: Engine) -> Self {
        Self {
            engine,
            stopping: Arc::default(),
        }
    }

    /// From now on they give back what they have not touched, and leave the rest of their work to another worker.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    fn beating(&self, ctx: ActivityContext) -> Beating {
        Beating {
            ctx,
            stopping: Arc::clone(&self.stopping),
        }
    }

    /// What a long activity did; where this worker is stopping, that it is to be tried elsewhere.
    fn done<T>(&self, report: Result<T, EngineError>) -> Result<T, ActivityError> {
        let report = report.map_err(failed)?;
        if self.stopping.load(Ordering::Relaxed) {
            let stopping = "this worker is stopping; another one goes on".to_owned();
            return Err(ApplicationFailure::new(stopping).into());
        }
        Ok(report)
    }
}

/// An activity's context says that it lives and hears when to stop; so does the end of its worker.
struct Beating {
    ctx: ActivityContext,
    stopping: Arc<AtomicBool>,
}

#[async_trait]
impl Pulse for Beating {
    async fn beat(&self) {
        if let Err(error) = self.ctx.record_heartbeat(()).await {
            tracing::warn!(%error, "a heartbeat could not be sent");
        }
    }

    fn cancelled(&self) -> bool {
        self.ctx.is_cancelled() || self.stopping.load(Ordering::Relaxed)
    }
}

/// The one place where an error becomes retryable or not.
fn failed(error: EngineError) -> ActivityError {
    let system = error.is_system();
    tracing::warn!(%error, system, "an activity failed");
    let failure = ApplicationFailure::builder(error.to_string()).non_retryable(system);
    if system {
        failure.type_name(SYSTEM_ERROR.to_owned()).build().into()
    } else {
        failure.build().into()
    }
}

#[activities]
impl Activities {
    #[activity(definition = redrive_flows::activities::OpenBatchActivity)]
    pub async fn open_batch(
        self: Arc<Self>,
        _: ActivityContext,
        input: OpenBatch,
    ) -> Result<BatchPlan, ActivityError> {
        let opened = async {
            let Engine { ledger, policy, .. } = &self.engine;
            ledger.apply_policy(policy).await?;
            self.engine.open_batch(input).await
        };
        opened.await.map_err(failed)
    }

    #[activity(definition = redrive_flows::activities::AdoptClaims)]
    pub async fn adopt_claims(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Phase,
    ) -> Result<AdoptReport, ActivityError> {
        self.done(self.engine.adopt_claims(&input, &self.beating(ctx)).await)
    }

    #[activity(definition = redrive_flows::activities::ScanFailures)]
    pub async fn scan_failures(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Phase,
    ) -> Result<ScanReport, ActivityError> {
        self.done(self.engine.scan_failures(&input, &self.beating(ctx)).await)
    }

    #[activity(definition = redrive_flows::activities::SettleAttempts)]
    pub async fn settle_attempts(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Phase,
    ) -> Result<SettleReport, ActivityError> {
        self.done(
            self.engine
                .settle_attempts(&input, &self.beating(ctx))
                .await,
        )
    }

    #[activity(definition = redrive_flows::activities::ProcessChunk)]
    pub async fn process_chunk(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Chunk,
    ) -> Result<ChunkReport, ActivityError> {
        self.done(self.engine.process_chunk(&input, &self.beating(ctx)).await)
    }

    #[activity(definition = redrive_flows::activities::NoteFailures)]
    pub async fn note_failures(
        self: Arc<Self>,
        _: ActivityContext,
        input: FailedPhases,
    ) -> Result<(), ActivityError> {
        self.engine
            .ledger
            .note_failed_phases(&input.batch, input.scan, input.settle)
            .await
            .map_err(|error| failed(error.into()))
    }

    #[activity(definition = redrive_flows::activities::BeginOperationActivity)]
    pub async fn begin_operation(
        self: Arc<Self>,
        _: ActivityContext,
        input: BeginOperation,
    ) -> Result<OperationReport, ActivityError> {
        self.engine.begin_operation(&input).await.map_err(failed)
    }

    #[activity(definition = redrive_flows::activities::NextPageActivity)]
    pub async fn next_page(
        self: Arc<Self>,
        _: ActivityContext,
        input: NextPage,
    ) -> Result<OperationReport, ActivityError> {
        self.engine.next_page(&input).await.map_err(failed)
    }

    #[activity(definition = redrive_flows::activities::FinishOperationActivity)]
    pub async fn finish_operation(
        self: Arc<Self>,
        _: ActivityContext,
        input: FinishOperation,
    ) -> Result<OperationReport, ActivityError> {
        self.engine.finish_operation(&input).await.map_err(failed)
    }

    #[activity(definition = redrive_flows::activities::FinishBatchActivity)]
    pub async fn finish_batch(
        self: Arc<Self>,
        _: ActivityContext,
        input: FinishBatch,
    ) -> Result<ReprocessingResult, ActivityError> {
        let row = self
            .engine
            .finish(&input.batch, &end_of(&input))
            .await
            .map_err(failed)?;
        Ok(row.result)
    }
}
