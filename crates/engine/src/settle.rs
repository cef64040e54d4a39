//! Settle: every open order that is due to be looked at is described, and the ledger learns how it stands.

use futures::StreamExt;
use redrive_core::decide::{Elsewhere, Latest, elsewhere};
use redrive_core::ids::BatchId;
use redrive_flows::activities::{Phase, SettleReport};
use redrive_ledger::{AttemptOutcome, Check, Checked, OurRun};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::gateway::{GatewayError, Mark, RunToRead};
use crate::one_order::attempt_end;
use crate::patience::Patience;
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
        let (mut checked, mut complete) = (0, false);
        let patience = Patience {
            ends_at: input.ends_at,
            pulse,
        };
        while !patience.is_over(self.clock.now()) {
            let due = self.ledger.due_checks(began, PAGE).await?;
            let (answers, in_time) = self.settle_page(&input.batch, &due, patience).await?;
            checked += answers;
            pulse.beat().await;
            if !in_time {
                break;
            }
            if (due.len() as u32) < PAGE || answers == 0 {
                complete = true;
                break;
            }
        }
        self.ledger
            .observe_pending(&self.policy, &input.batch, self.clock.moment())
            .await?;
        Ok(SettleReport {
            checked,
            due_by: self.clock.now(),
            complete,
        })
    }

    /// One page. An order that cannot be described stays due; the others are settled. Returns how many, and whether there was time
    /// for all.
    async fn settle_page(
        &self,
        batch: &BatchId,
        due: &[Check],
        patience: Patience<'_>,
    ) -> Result<(u64, bool), EngineError> {
        let mut described = futures::stream::iter(due.iter().cloned())
            .map(|check| async move {
                self.patiently(patience, || self.look_at(check.clone(), patience))
                    .await
            })
            .buffer_unordered(AT_ONCE);
        let (mut answers, mut in_time) = (Vec::with_capacity(due.len()), true);
        while let Some(answer) = described.next().await {
            match self.unless_over(patience, answer) {
                Ok(Some(checked)) => answers.extend(checked),
                Ok(None) => in_time = false,
                Err(EngineError::Gateway(GatewayError::Item(message))) => {
                    tracing::warn!(message, "an order cannot be described; it stays due");
                }
                Err(error) => return Err(error),
            }
        }
        self.ledger
            .settle(&self.policy, batch, &answers, self.clock.moment())
            .await?;
        Ok((answers.len() as u64, in_time))
    }

    /// Asks how one order stands; `None` where the answer changed while asking.
    async fn look_at(
        &self,
        check: Check,
        patience: Patience<'_>,
    ) -> Result<Option<Checked>, EngineError> {
        let given_up = check.given_up.map(|request_id| Mark {
            from_run: check.failed_run.clone(),
            request_id,
        });
        let latest = self
            .gateway
            .describe(&check.workflow_id, given_up.as_ref())
            .await?;
        let mut checked = Checked {
            attempt: None,
            ours: None,
            failure: None,
            latest,
            check,
        };
        checked.attempt = self.attempt_in_flight(&checked).await?;
        if let (Some(mark), Some(latest)) = (given_up, &checked.latest) {
            checked.ours = self
                .started_after_all(&checked.check, &mark, latest, patience)
                .await?;
        }
        let Some(latest) = &checked.latest else {
            return Ok(Some(checked));
        };
        if elsewhere(latest.status) == Elsewhere::Failed
            && latest.run_id != checked.check.failed_run
        {
            let workflow_id = checked.check.workflow_id.clone();
            let run = RunToRead::new(workflow_id, latest.run_id.clone());
            match self.gateway.read_failure(&run).await? {
                Some(run) => checked.failure = Some(Box::new(self.classified(run))),
                None => return Ok(None),
            }
        }
        Ok(Some(checked))
    }

    /// How the attempt that is followed has ended; `None` while it goes on, and where none is followed.
    async fn attempt_in_flight(
        &self,
        checked: &Checked,
    ) -> Result<Option<AttemptOutcome>, GatewayError> {
        let check = &checked.check;
        let (Some(followed), true) = (&check.followed_run, check.has_attempt) else {
            return Ok(None);
        };
        let status = match &checked.latest {
            Some(latest) if latest.first_run_id == *followed => {
                if elsewhere(latest.status) == Elsewhere::Running {
                    return Ok(None);
                }
                Some(latest.status)
            }
            Some(_) => {
                self.gateway
                    .run_status(&check.workflow_id, followed)
                    .await?
            }
            None => None,
        };
        Ok(Some(attempt_end(status)))
    }

    /// The run that an intent has started although it was given up: a try of a chunk that was taken for dead may have sent
    /// its start late, and visibility may have hidden a start whose answer was lost.
    async fn started_after_all(
        &self,
        check: &Check,
        mark: &Mark,
        latest: &Latest,
        patience: Patience<'_>,
    ) -> Result<Option<OurRun>, EngineError> {
        if check.has_attempt || latest.run_id == check.failed_run {
            return Ok(None);
        }
        if latest.ours {
            return Ok(Some(OurRun {
                run: latest.first_run_id.clone(),
                end: attempt_end(Some(latest.status)),
            }));
        }
        self.run_between(&check.workflow_id, mark, check.failed_at, patience)
            .await
    }
}
