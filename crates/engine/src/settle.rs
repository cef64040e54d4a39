//! Settle: every open order that is due to be looked at is described, and the ledger learns how it stands.

use futures::StreamExt;
use redrive_core::decide::{Elsewhere, elsewhere};
use redrive_core::ids::BatchId;
use redrive_flows::activities::{Phase, SettleReport};
use redrive_ledger::{Check, Checked};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::gateway::GatewayError;
use crate::one_order::attempt_end;
use crate::pulse::Pulse;

/// Orders a transaction.
const PAGE: u32 = 200;
/// Descriptions at the same time.
const AT_ONCE: usize = 16;

impl Engine {
    /// Describes every order that is due to be, until none is or the time is up; then takes up closes that had to wait.
    pub async fn settle_attempts(
        &self,
        input: &Phase,
        pulse: &dyn Pulse,
    ) -> Result<SettleReport, EngineError> {
        let began = self.clock.now();
        let mut checked = 0;
        while self.clock.now() < input.ends_at && !pulse.cancelled() {
            let due = self.ledger.due_checks(began, PAGE).await?;
            let answers = self.settle_page(&input.batch, &due).await?;
            checked += answers;
            pulse.beat().await;
            if (due.len() as u32) < PAGE || answers == 0 {
                break;
            }
        }
        self.ledger
            .observe_pending(&self.policy, &input.batch, self.clock.moment())
            .await?;
        Ok(SettleReport {
            checked,
            due_by: self.clock.now(),
        })
    }

    /// One page. An order that cannot be described stays due; the others are settled.
    async fn settle_page(&self, batch: &BatchId, due: &[Check]) -> Result<u64, EngineError> {
        let mut described = futures::stream::iter(due.iter().cloned())
            .map(|check| self.look_at(check))
            .buffer_unordered(AT_ONCE);
        let mut answers = Vec::with_capacity(due.len());
        while let Some(answer) = described.next().await {
            match answer {
                Ok(checked) => answers.extend(checked),
                Err(EngineError::Gateway(GatewayError::Item(message))) => {
                    tracing::warn!(message, "an order cannot be described; it stays due");
                }
                Err(error) => return Err(error),
            }
        }
        self.ledger
            .settle(&self.policy, batch, &answers, self.clock.moment())
            .await?;
        Ok(answers.len() as u64)
    }

    /// Asks how one order stands; `None` where the answer changed while asking.
    async fn look_at(&self, check: Check) -> Result<Option<Checked>, EngineError> {
        let latest = self.gateway.describe(&check.workflow_id, None).await?;
        let mut checked = Checked {
            attempt: None,
            failure: None,
            latest,
            check,
        };
        let check = &checked.check;
        if let (Some(followed), true) = (&check.followed_run, check.has_attempt) {
            let same_chain = checked
                .latest
                .as_ref()
                .is_some_and(|latest| latest.first_run_id == *followed);
            let status = match &checked.latest {
                Some(latest) if same_chain => Some(latest.status),
                Some(_) => {
                    self.gateway
                        .run_status(&check.workflow_id, followed)
                        .await?
                }
                None => None,
            };
            let goes_on = same_chain && status.map(elsewhere) == Some(Elsewhere::Running);
            checked.attempt = (!goes_on).then(|| attempt_end(status));
        }
        if let Some(latest) = &checked.latest
            && elsewhere(latest.status) == Elsewhere::Failed
            && latest.run_id != check.failed_run
        {
            match self
                .gateway
                .read_failure(&check.workflow_id, &latest.run_id)
                .await?
            {
                Some(run) => checked.failure = Some(Box::new(self.classified(run))),
                None => return Ok(None),
            }
        }
        Ok(Some(checked))
    }
}
