//! What people look at: lists in pages, counts and sums. Nothing here changes anything, and nothing here holds a backlog
//! in memory; with a million orders each answer comes from an index or from a counter that the writing transaction kept.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use redrive_core::decide::BatchRules;
use redrive_core::ids::{BatchId, Home, OperationId, RunId, WorkflowId};
use redrive_core::report::VerdictKind;

use crate::contract::Result;
use crate::{
    AuditFilter, AuditRow, BatchPlace, BatchRow, BatchVerdict, Day, DeadLetter, DeadLetterFilter,
    DeadLetterStats, EligibleFilter, FailureEntry, FailureFilter, FailureGroup, FailureHour,
    GroupFilter, Ledger, Limited, NotStarted, Numbers, Operation, OrderFilter, OrderPk, OrderRow,
    Overview, Total,
};

/// The reading side of a ledger.
#[async_trait]
pub trait Reader: Send + Sync + 'static {
    /// How everything stands; `since` is where "today" begins.
    async fn overview(&self, since: Timestamp) -> Result<Overview>;

    /// What was counted since the ledger was made, and what is oldest.
    async fn numbers(&self) -> Result<Numbers>;

    /// Up to `limit` orders, those whose failed run closed last first.
    async fn orders(&self, filter: &OrderFilter, limit: u32) -> Result<Vec<OrderRow>>;

    /// What each of `ids` names, in their order: the workflow id and the order id of the order that [`Ledger::find_order`] finds
    /// by it, or `None`.
    async fn orders_named(&self, ids: &[String]) -> Result<Vec<Option<(WorkflowId, String)>>>;

    /// Up to `limit` failed runs, the latest first; of those that closed at one moment, that of the greatest run id.
    async fn failures(&self, filter: &FailureFilter, limit: u32) -> Result<Vec<FailureEntry>>;

    /// The failed run of that id.
    async fn failure(&self, run: &RunId) -> Result<Option<FailureEntry>>;

    /// Up to `limit` failure groups, those with the most failures first.
    async fn failure_groups(&self, filter: &GroupFilter, limit: u32) -> Result<Vec<FailureGroup>>;

    /// How many fingerprints of failure groups begin so, counted up to `most`: lists of a group are read from each of them.
    async fn fingerprints_beginning(&self, prefix: &str, most: u32) -> Result<u64>;

    /// How often groups with one of those fingerprints failed in each hour since then, from the hour that it lies in.
    async fn failure_hours(
        &self,
        fingerprints: &[String],
        since: Timestamp,
    ) -> Result<Vec<FailureHour>>;

    /// The batch of that batch id, or the newest of that workflow id; while it runs, with its numbers as they stand.
    async fn batch(&self, id: &str) -> Result<Option<BatchRow>>;

    /// Up to `limit` batches that have ended, the one that ended last first; an operator's retry is none. The alerts of the
    /// first are those that hold.
    async fn ended_batches(&self, limit: u32) -> Result<Vec<BatchRow>>;

    /// Up to `limit` batches after that place, the newest first: those that ended last, and by their start those that run.
    async fn newest_batches(&self, after: Option<&BatchPlace>, limit: u32)
    -> Result<Vec<BatchRow>>;

    /// Up to `limit` orders of a batch with its verdicts, in the ledger's order, after the order id `after`; only those with
    /// the verdict `wanted`, where one is.
    async fn verdicts(
        &self,
        batch: &BatchId,
        wanted: Option<VerdictKind>,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<BatchVerdict>>;

    /// Up to `limit` dead letters after the first `offset`, in the filter's order.
    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<DeadLetter>>;

    /// How many dead letters match, whatever page is asked for: from counters where those tell, else counted up to
    /// [`COUNTED`](crate::COUNTED).
    async fn total_dead_letters(&self, filter: &DeadLetterFilter) -> Result<Total>;

    /// How many dead letters match, whatever page is asked for: each is counted, however many there are.
    async fn count_dead_letters(&self, filter: &DeadLetterFilter) -> Result<u64>;

    /// How many orders have an id that begins so, in the queue or not, counted up to [`COUNTED`](crate::COUNTED): a search of the
    /// queue looks at each of them.
    async fn orders_beginning(&self, prefix: &str) -> Result<Total>;

    /// Up to `limit` operations on dead letters, the latest first; only those that come after that one, by when it was opened and
    /// its id.
    async fn operations(
        &self,
        after: Option<(Timestamp, &OperationId)>,
        limit: u32,
    ) -> Result<Vec<Operation>>;

    /// The operation of that id.
    async fn operation(&self, id: &OperationId) -> Result<Option<Operation>>;

    /// Up to `limit` orders that an operation did not start, those that failed first; only those after that place.
    async fn not_started(
        &self,
        id: &OperationId,
        after: Option<(bool, OrderPk)>,
        limit: u32,
    ) -> Result<Vec<NotStarted>>;

    /// The queue in numbers.
    async fn dead_letter_stats(&self) -> Result<DeadLetterStats>;

    /// What batches did since `since`, a row a day (UTC, as the spec's query has it), the latest first.
    async fn daily(&self, since: Timestamp) -> Result<Vec<Day>>;

    /// Up to `limit` things that people did, the latest first.
    async fn audit(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditRow>>;

    /// A copy of everything, as of one moment, for a rehearsal: a ledger of its own, and what happens to it happens
    /// nowhere else. It lives in `folder`, which must outlive it. A ledger on a database server may keep its copy
    /// elsewhere, under the folder's name.
    async fn copy_to(&self, folder: &Path) -> Result<Copied>;

    /// How many orders are left to a batch that was told `rules`, as far as is known: those that it has claimed, and those
    /// due by then.
    async fn left_to(&self, batch: &BatchId, rules: &BatchRules, due_by: Timestamp) -> Result<u64>;

    /// The limits that operators have set, in calls a second; the others are as each process is configured.
    async fn limits(&self) -> Result<Vec<(Limited, f64)>>;

    /// Where the ledger belongs; `None` where it is not bound yet.
    async fn home(&self) -> Result<Option<Home>>;

    /// Up to `limit` orders that wait for a restart and are due, an operator's retries first, then the longest due; and how
    /// many there are, counted up to [`COUNTED`](crate::COUNTED).
    async fn eligible(&self, filter: &EligibleFilter, limit: u32)
    -> Result<(Vec<OrderRow>, Total)>;

    /// How many orders wait in state `failed`, by failure status.
    async fn waiting_by_status(&self) -> Result<Vec<(String, u64)>>;

    /// How many open orders failed before then and have no start request in the ledger: they cannot be started again once
    /// the server has deleted their history.
    async fn without_start_request(&self, failed_before: Timestamp) -> Result<u64>;

    /// Every failure status that was ever seen, in alphabetical order.
    async fn failure_statuses(&self) -> Result<Vec<String>>;
}

/// A copy of a ledger, by its two sides.
pub struct Copied {
    /// What protocol and decisions go through.
    pub ledger: Arc<dyn Ledger>,
    /// What lists and numbers come from.
    pub reader: Arc<dyn Reader>,
}
