//! Settle: every open order that is due to be looked at is described, and the ledger learns how it stands.

use std::collections::HashSet;

use futures::StreamExt;
use redrive_core::decide::{Elsewhere, Latest, elsewhere};
use redrive_core::ids::BatchId;
use redrive_flows::activities::{Phase, SettleReport};
use redrive_ledger::{AttemptOutcome, Check, Checked, OrderPk, OurRun};

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

/// What a settle has come to.
#[derive(Default)]
struct Progress {
    /// Orders that were settled.
    checked: u64,
    /// Those that stay due: nothing is known of how they stand. They are not asked about again this time, and hold nobody up.
    passed: HashSet<OrderPk>,
    /// Orders were passed of which the server does not tell.
    silent: bool,
    /// The time was up before all were asked about.
    ran_out: bool,
}

impl Engine {
    /// Describes every order that is due to be, until none is or the time is up; then takes up closes that had to wait.
    pub async fn settle_attempts(
        &self,
        input: &Phase,
        pulse: &dyn Pulse,
    ) -> Result<SettleReport, EngineError> {
        let began = self.clock.now();
        let patience = Patience {
            ends_at: input.ends_at,
            pulse,
        };
        let (mut progress, mut asked_all) = (Progress::default(), false);
        while !asked_all && !progress.ran_out && !patience.is_over(self.clock.now()) {
            let passed = progress.passed.len() as u32;
            let mut due = self.ledger.due_checks(began, PAGE + passed).await?;
            due.retain(|check| !progress.passed.contains(&check.pk));
            self.settle_page(&input.batch, &due, patience, &mut progress)
                .await?;
            pulse.beat().await;
            asked_all = (due.len() as u32) < PAGE;
        }
        self.ledger
            .observe_pending(&self.policy, &input.batch, self.clock.moment())
            .await?;
        Ok(SettleReport {
            checked: progress.checked,
            due_by: self.clock.now(),
            complete: asked_all && !progress.ran_out && !progress.silent,
        })
    }

    /// One page. An order that cannot be described stays due, and so does one of whom the server does not tell; the others are
    /// settled.
    async fn settle_page(
        &self,
        batch: &BatchId,
        due: &[Check],
        patience: Patience<'_>,
        progress: &mut Progress,
    ) -> Result<(), EngineError> {
        let mut described = futures::stream::iter(due.iter().cloned())
            .map(|check| async move {
                let pk = check.pk;
                let looked = self.patiently(patience, || self.look_at(check.clone(), patience));
                (pk, looked.await)
            })
            .buffer_unordered(AT_ONCE);
        let mut answers = Vec::with_capacity(due.len());
        while let Some((pk, answer)) = self.next_of(&mut described, patience.pulse).await {
            match self.unless_over(patience, answer) {
                Ok(Some(Some(checked))) => {
                    answers.push(checked);
                    continue;
                }
                Ok(Some(None)) => {}
                Ok(None) => progress.ran_out = true,
                Err(EngineError::Gateway(GatewayError::Item(message))) => {
                    tracing::warn!(message, "an order cannot be described; it stays due");
                }
                Err(error) if error.is_lost() && self.server_answers().await => {
                    tracing::warn!(%error, "the server does not tell of an order; it stays due");
                    progress.silent = true;
                }
                Err(error) => return Err(error),
            }
            progress.passed.insert(pk);
        }
        progress.checked += answers.len() as u64;
        self.ledger
            .settle(&self.policy, batch, &answers, self.clock.moment())
            .await?;
        Ok(())
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
