//! The verbs that need the ledger only: what is known, and what is decided without a call. They work while Temporal does
//! not.

use std::sync::Arc;

use jiff::Timestamp;
use redrive_core::ids::{BatchId, RunId, WorkflowId};
use redrive_core::policy::Policy;
use redrive_core::report::VerdictKind;
use redrive_core::states::State;
use redrive_ledger::{
    Act, Acted, AuditFilter, AuditRow, BatchPlace, BatchRow, BatchVerdict, Day, DeadLetter,
    DeadLetterFilter, DeadLetterStats, Desk, EligibleFilter, FailureEntry, FailureFilter,
    FailureGroup, FailureHour, GroupFilter, Ledger, NewAuditEvent, Numbers, OrderFilter, OrderRow,
    Overview, Park, Reader, Story, Total,
};

use super::{OpsError, Result};
use crate::clock::Clock;

/// So many failure groups a list may be narrowed to at once. The eight letters that `redrive failures groups` shows are those of one.
const MOST_GROUPS: u32 = 20;

/// The verbs over a ledger.
#[derive(Clone)]
pub struct Records {
    /// What protocol and decisions go through.
    pub ledger: Arc<dyn Ledger>,
    /// What lists and numbers come from.
    pub reader: Arc<dyn Reader>,
    /// What the HTTP side keeps.
    pub desk: Arc<dyn Desk>,
    /// The policy.
    pub policy: Arc<Policy>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl Records {
    /// How everything stands; `since` is where today begins.
    pub async fn overview(&self, since: Timestamp) -> Result<Overview> {
        Ok(self.reader.overview(since).await?)
    }

    /// What was counted since the ledger was made, and what is oldest.
    pub async fn numbers(&self) -> Result<Numbers> {
        Ok(self.reader.numbers().await?)
    }

    /// Orders, those that failed last first.
    pub async fn orders(&self, filter: &OrderFilter, limit: u32) -> Result<Vec<OrderRow>> {
        self.few_groups(filter.group.as_deref()).await?;
        Ok(self.reader.orders(filter, limit).await?)
    }

    /// The order's whole story, by workflow id or order id.
    pub async fn show_order(&self, id: &str) -> Result<Story> {
        let workflow_id = self.find(id).await?;
        let story = self.ledger.story(&workflow_id).await?;
        story.ok_or_else(|| OpsError::NoSuchOrder { id: id.to_owned() })
    }

    /// The workflow id of an order.
    pub async fn find(&self, id: &str) -> Result<WorkflowId> {
        let found = self.ledger.find_order(id).await?;
        found.ok_or_else(|| OpsError::NoSuchOrder { id: id.to_owned() })
    }

    /// Failed runs, the latest first.
    pub async fn failures(&self, filter: &FailureFilter, limit: u32) -> Result<Vec<FailureEntry>> {
        self.few_groups(filter.group.as_deref()).await?;
        Ok(self.reader.failures(filter, limit).await?)
    }

    /// One failed run.
    pub async fn failure(&self, run: &RunId) -> Result<FailureEntry> {
        let found = self.reader.failure(run).await?;
        found.ok_or_else(|| OpsError::NoSuchFailure {
            run: run.to_string(),
        })
    }

    /// Failure groups, those with the most failures first.
    pub async fn failure_groups(
        &self,
        filter: &GroupFilter,
        limit: u32,
    ) -> Result<Vec<FailureGroup>> {
        Ok(self.reader.failure_groups(filter, limit).await?)
    }

    /// How often those groups failed in each hour since then.
    pub async fn failure_hours(
        &self,
        groups: &[FailureGroup],
        since: Timestamp,
    ) -> Result<Vec<FailureHour>> {
        let fingerprints = groups.iter().map(|group| group.fingerprint.clone());
        let fingerprints: Vec<String> = fingerprints.collect();
        Ok(self.reader.failure_hours(&fingerprints, since).await?)
    }

    /// Batches, the newest first.
    pub async fn batches(&self, limit: u32) -> Result<Vec<BatchRow>> {
        Ok(self.ledger.batches(limit).await?)
    }

    /// Batches after that place, the newest first.
    pub async fn newest_batches(
        &self,
        after: Option<&BatchPlace>,
        limit: u32,
    ) -> Result<Vec<BatchRow>> {
        Ok(self.reader.newest_batches(after, limit).await?)
    }

    /// Batches that have ended, the one that ended last first, without operators' retries.
    pub async fn ended_batches(&self, limit: u32) -> Result<Vec<BatchRow>> {
        Ok(self.reader.ended_batches(limit).await?)
    }

    /// One batch, by its id or its workflow id.
    pub async fn show_batch(&self, id: &str) -> Result<BatchRow> {
        let found = self.reader.batch(id).await?;
        found.ok_or_else(|| OpsError::NoSuchBatch { id: id.to_owned() })
    }

    /// What a batch did with its orders, a page at a time; only those with the verdict `wanted`, where one is.
    pub async fn verdicts(
        &self,
        batch: &BatchId,
        wanted: Option<VerdictKind>,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<BatchVerdict>> {
        Ok(self.reader.verdicts(batch, wanted, after, limit).await?)
    }

    /// Dead letters, in the filter's order.
    pub async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<DeadLetter>> {
        self.few_groups(filter.group.as_deref()).await?;
        Ok(self.reader.dead_letters(filter, 0, limit).await?)
    }

    /// Dead letters after the first `offset`, in the filter's order, and how many match in all.
    pub async fn dead_letter_page(
        &self,
        filter: &DeadLetterFilter,
        offset: u32,
        limit: u32,
    ) -> Result<(Vec<DeadLetter>, Total)> {
        self.few_groups(filter.group.as_deref()).await?;
        let entries = self.reader.dead_letters(filter, offset, limit).await?;
        Ok((entries, self.reader.total_dead_letters(filter).await?))
    }

    /// Errors: what a list is narrowed to is the beginning of many groups' fingerprints. It is read from each of them, and one
    /// letter may be the beginning of thousands.
    async fn few_groups(&self, group: Option<&str>) -> Result<()> {
        let Some(beginning) = group else {
            return Ok(());
        };
        let most = MOST_GROUPS;
        let found = self.reader.fingerprints_beginning(beginning, most + 1);
        if found.await? > u64::from(most) {
            let beginning = beginning.to_owned();
            return Err(OpsError::ManyGroups { beginning, most });
        }
        Ok(())
    }

    /// Orders that wait for a restart and are due, in a batch's order, and how many there are.
    pub async fn eligible(
        &self,
        filter: &EligibleFilter,
        limit: u32,
    ) -> Result<(Vec<OrderRow>, Total)> {
        Ok(self.reader.eligible(filter, limit).await?)
    }

    /// The queue in numbers.
    pub async fn dead_letter_stats(&self) -> Result<DeadLetterStats> {
        Ok(self.reader.dead_letter_stats().await?)
    }

    /// What batches did, a row a day.
    pub async fn daily(&self, since: Timestamp) -> Result<Vec<Day>> {
        Ok(self.reader.daily(since).await?)
    }

    /// What people did, the latest first.
    pub async fn audit(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditRow>> {
        Ok(self.reader.audit(filter, limit).await?)
    }

    /// Holds an order back, lets it go on, or gives it a fresh budget. `Err(state)` inside: the state does not allow it.
    pub async fn act(
        &self,
        id: &str,
        act: Act,
        by: &NewAuditEvent,
    ) -> Result<std::result::Result<Box<OrderRow>, State>> {
        let workflow_id = self.find(id).await?;
        let now = self.clock.now();
        match self
            .ledger
            .act(&self.policy, &workflow_id, act, by, now)
            .await?
        {
            Acted::Done(row) => Ok(Ok(row)),
            Acted::NotNow(state) => Ok(Err(state)),
            Acted::NoSuchOrder => Err(OpsError::NoSuchOrder { id: id.to_owned() }),
        }
    }

    /// Puts a waiting or held order into the dead letter queue. `Err(state)` inside: the state does not allow it.
    pub async fn park(
        &self,
        id: &str,
        park: &Park,
    ) -> Result<std::result::Result<DeadLetter, State>> {
        let workflow_id = self.find(id).await?;
        if let Some(entry) = self
            .ledger
            .park(&workflow_id, park, self.clock.now())
            .await?
        {
            return Ok(Ok(entry));
        }
        let story = self.show_order(id).await?;
        Ok(Err(story.order.state))
    }
}
