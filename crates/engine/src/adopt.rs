//! Adoption: a batch finishes what batches that died have left, before it does anything of its own.
//!
//! Ownership has no clock: a batch is dead when the server describes it as closed, never because it is late.

use futures::future::join_all;
use redrive_core::decide::RunStatus;
use redrive_core::ids::WorkflowId;
use redrive_flows::activities::{AdoptReport, Phase};
use redrive_ledger::{BatchEnd, BatchRow, ClaimRequest};

use crate::chunk::Owner;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::patience::Patience;
use crate::pulse::Pulse;

/// The chunk number under which adopted claims are held: no chunk of a window ever has it.
const ADOPTED: u32 = u32::MAX;
/// Batches asked about at the same time.
const AT_ONCE: usize = 16;
/// Claims taken over at a time.
const AT_A_TIME: u32 = 100;

impl Engine {
    /// Finishes the claims and rows of dead batches, and the claims that an earlier try of this batch has left, until the time is up:
    /// what is left then, the next batch finishes.
    pub async fn adopt_claims(
        &self,
        input: &Phase,
        pulse: &dyn Pulse,
    ) -> Result<AdoptReport, EngineError> {
        let owner = Owner {
            batch: input.batch.clone(),
            chunk: ADOPTED,
            stops_at: input.ends_at,
            line: None,
        };
        let mut report = AdoptReport {
            adopted: self.take_up_again(&owner, pulse).await?,
            finished: 0,
        };
        let patience = Patience {
            ends_at: input.ends_at,
            pulse,
        };
        let unfinished = self.ledger.unfinished_batches().await?;
        for some in unfinished.chunks(AT_ONCE) {
            if patience.is_over(self.clock.now()) {
                break;
            }
            // Every answer is there before anything is done by one: a call that nobody looks after meanwhile might hold up the others.
            let closed = some.iter().map(|batch| async move {
                let own = batch.result.batch_id == input.batch.as_str();
                let closed = own || self.is_closed(batch, patience).await?;
                pulse.beat().await;
                Ok::<_, EngineError>(closed.then_some((batch, own)))
            });
            for closed in join_all(closed).await {
                let closed = match closed {
                    // Whether it is dead is not known, so nothing of it is touched: the others are.
                    Err(error) if error.is_lost() && self.server_answers().await => {
                        tracing::warn!(%error, "the server does not tell of a batch; the next one asks again");
                        continue;
                    }
                    closed => self.unless_over(patience, closed)?,
                };
                if let Some(Some((batch, own))) = closed {
                    self.adopt_all(batch, own, &owner, pulse, &mut report)
                        .await?;
                }
            }
        }
        Ok(report)
    }

    /// Finishes what a dead batch has left, and its row where it is another's.
    async fn adopt_all(
        &self,
        batch: &BatchRow,
        own: bool,
        owner: &Owner,
        pulse: &dyn Pulse,
        report: &mut AdoptReport,
    ) -> Result<(), EngineError> {
        report.adopted += self.adopt_from(batch, owner, pulse).await?;
        if !own {
            let end = BatchEnd {
                abandoned: true,
                truncated: true,
                ..BatchEnd::default()
            };
            self.finish(&batch.result.batch_id.as_str().into(), &end)
                .await?;
            report.finished += 1;
        }
        Ok(())
    }

    /// What an earlier try of this very activity had adopted and not finished.
    async fn take_up_again(&self, owner: &Owner, pulse: &dyn Pulse) -> Result<u64, EngineError> {
        let request = ClaimRequest {
            batch: owner.batch.clone(),
            chunk: owner.chunk,
            limit: 0,
            due_by: self.clock.now(),
            rules: redrive_core::decide::BatchRules::default(),
            only: None,
            operation: None,
        };
        let claimed = self
            .ledger
            .claim(
                &self.policy,
                self.gateway.home(),
                &request,
                self.clock.moment(),
            )
            .await?;
        let left = claimed.inherited.len() as u64;
        self.process(owner, claimed.inherited, Vec::new(), pulse)
            .await?;
        Ok(left)
    }

    async fn adopt_from(
        &self,
        batch: &BatchRow,
        owner: &Owner,
        pulse: &dyn Pulse,
    ) -> Result<u64, EngineError> {
        let from = batch.result.batch_id.as_str().into();
        let mut adopted = 0;
        while self.clock.now() < owner.stops_at && !pulse.cancelled() {
            let orders = self
                .ledger
                .adopt(&self.policy, &from, &owner.batch, owner.chunk, AT_A_TIME)
                .await?;
            if orders.is_empty() {
                break;
            }
            adopted += orders.len() as u64;
            self.process(owner, orders, Vec::new(), pulse).await?;
        }
        Ok(adopted)
    }

    /// Whether the server shows the batch's workflow, whose first run is the batch's id, as closed or gone.
    async fn is_closed(
        &self,
        batch: &BatchRow,
        patience: Patience<'_>,
    ) -> Result<bool, EngineError> {
        let workflow_id = WorkflowId::from(batch.workflow_id.as_str());
        let describe = || self.gateway.describe(&workflow_id, None);
        let latest = self.patiently(patience, describe).await?;
        Ok(latest.is_none_or(|latest| {
            let going_on = matches!(
                latest.status,
                RunStatus::Running | RunStatus::ContinuedAsNew
            );
            latest.first_run_id.as_str() != batch.result.batch_id || !going_on
        }))
    }
}
