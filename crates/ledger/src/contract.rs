//! The contract that every ledger keeps. Each method is one short transaction, and each is safe to repeat.
//!
//! `policy` and `moment` come in with the calls that decide: the ledger reads no clock and draws no numbers.
//!
//! A batch says one thing of an order (its verdict), and its numbers stand once its row is finished. So a batch that has
//! ended, and goes on as a zombie, is refused with [`LedgerError::BatchEnded`] (its commits are fenced off); and what would
//! make a batch count an order that it has restarted or dead-lettered already waits for the next batch. A batch whose
//! row was never opened is not refused.

use async_trait::async_trait;
use jiff::Timestamp;
use redrive_core::ids::{BatchId, Home, OperationId, RunId, WorkflowId};
use redrive_core::moment::Moment;
use redrive_core::policy::Policy;
use redrive_core::report::ReprocessingResult;

use crate::{
    Act, Acted, BatchEnd, BatchOpening, BatchRow, Check, Checked, ClaimRequest, Claimed,
    ClaimedOrder, Commit, Committed, DeadLetter, Failure, Halt, LedgerError, Limited,
    NewAuditEvent, ObserveSummary, Operation, OperationEnd, OperationOpening, OrderPk, Park,
    Resolution, Resolve, Resolved, ScanWindow, Story, Turns,
};

/// What every method returns.
pub type Result<T> = std::result::Result<T, LedgerError>;

/// The ledger.
#[async_trait]
pub trait Ledger: Send + Sync + 'static {
    // ---- where it belongs

    /// Binds a new ledger to `home`, or checks that it is bound to it. Errors: [`LedgerError::OtherHome`].
    async fn bind(&self, home: &Home) -> Result<()>;

    /// Brings the eligibility of waiting orders in line with `policy`, if it differs from the one last applied (compared
    /// by digest). Returns how many orders changed.
    async fn apply_policy(&self, policy: &Policy) -> Result<u64>;

    // ---- scan

    /// How far `workflow_type` has been scanned.
    async fn scan_window(&self, workflow_type: &str) -> Result<Option<ScanWindow>>;

    /// Records how far it has been scanned. A watermark never goes back.
    async fn save_scan_window(&self, window: &ScanWindow) -> Result<()>;

    /// Those of `runs` that no failure is recorded for, in their order.
    async fn unknown_runs(&self, runs: &[RunId]) -> Result<Vec<RunId>>;

    /// The one door: records each failure once (by run id) and lets [`redrive_core::observe`] say what it means for its
    /// order. A failure whose memo names an intent without a known run gives it that run first: such a restart counts.
    /// `batch` is the batch that learns it.
    async fn observe(
        &self,
        policy: &Policy,
        batch: &BatchId,
        failures: &[Failure],
        moment: Moment,
    ) -> Result<ObserveSummary>;

    /// Takes in a failure that somebody reports, as a scan would, but lets no batch count it: where an intent or a followed run
    /// might be the one that failed, it waits for the next batch to take it up. Returns whether it was new.
    async fn report(&self, policy: &Policy, failure: &Failure, moment: Moment) -> Result<bool>;

    /// Takes up failures that were recorded while their order was claimed or followed, where it no longer is.
    async fn observe_pending(
        &self,
        policy: &Policy,
        batch: &BatchId,
        moment: Moment,
    ) -> Result<ObserveSummary>;

    // ---- settle

    /// Up to `limit` open orders due to be described by `now`, the longest due first.
    async fn due_checks(&self, now: Timestamp, limit: u32) -> Result<Vec<Check>>;

    /// Records what the server said of them, each only while the order is as it was when it was asked for. Returns how many
    /// attempts ended. An order that is found to be gone is dead-lettered, and counted so by `batch`.
    async fn settle(
        &self,
        policy: &Policy,
        batch: &BatchId,
        checked: &[Checked],
        moment: Moment,
    ) -> Result<u64>;

    // ---- batches

    /// Opens a batch's row. Opening it again changes nothing, but that a row which was finished as failed or abandoned goes
    /// on: a batch that is retried or reset has the id of its first run.
    async fn open_batch(&self, opening: &BatchOpening) -> Result<()>;

    /// Finishes a batch's row: its numbers from its verdicts and the attempts it settled, its status, its alerts. An operation
    /// that the batch worked for has failed where the batch is abandoned.
    /// Finishing it again returns the row as it is. Errors: [`LedgerError::NoSuchBatch`].
    async fn finish_batch(
        &self,
        batch: &BatchId,
        end: &BatchEnd,
        now: Timestamp,
    ) -> Result<BatchRow>;

    /// Notes in the row of a batch that runs that its scan or its settle has failed for good, so that it is counted whoever
    /// finishes the row. What was noted stays noted.
    async fn note_failed_phases(&self, batch: &BatchId, scan: bool, settle: bool) -> Result<()>;

    /// The batches whose rows say that they run, or that own claims still (whatever their rows say), oldest first.
    async fn unfinished_batches(&self) -> Result<Vec<BatchRow>>;

    /// Up to `limit` batches, newest first; those that run with their numbers as they stand.
    async fn batches(&self, limit: u32) -> Result<Vec<BatchRow>>;

    /// The numbers of a batch as they stand now.
    async fn batch_counts(&self, batch: &BatchId, now: Timestamp) -> Result<ReprocessingResult>;

    // ---- chunks

    /// Takes over what an earlier try of this chunk left, and claims due orders up to the limit, each restart with an
    /// open intent, in one transaction. Orders that `rules` leave alone are passed over for this batch; an order that the
    /// batch has handled is not claimed again. For an operation, only what it has taken is claimed. A limit of 0 only takes over.
    async fn claim(
        &self,
        policy: &Policy,
        home: &Home,
        request: &ClaimRequest,
        moment: Moment,
    ) -> Result<Claimed>;

    /// Takes over up to `limit` claims of `from` for the chunk (`to`, `chunk`), with new fences. The caller has seen that
    /// `from` is closed, or is `from` itself. With `from == to` only claims of other chunks are taken over. What a try of the
    /// chunk has adopted and not finished, the next try finds by [`Ledger::claim`].
    async fn adopt(
        &self,
        policy: &Policy,
        from: &BatchId,
        to: &BatchId,
        chunk: u32,
        limit: u32,
    ) -> Result<Vec<ClaimedOrder>>;

    /// Records outcomes, each only under the fence it was claimed with, all in one transaction; in their order.
    async fn commit(
        &self,
        policy: &Policy,
        batch: &BatchId,
        chunk: u32,
        commits: &[Commit],
        moment: Moment,
    ) -> Result<Vec<Committed>>;

    /// How to start the order's failed run again.
    async fn start_request(&self, pk: OrderPk) -> Result<Option<Vec<u8>>>;

    /// Takes the next turns of the line that everybody shares, at the rate that an operator set, else at the `configured` one
    /// (calls a second): at most so many, at most those of a quarter of a second, and none while the next is over five seconds
    /// ahead. Unused time is not saved up. A rate that is no positive number counts as one a second.
    async fn take_turns(
        &self,
        what: Limited,
        configured: f64,
        most: u32,
        now: Timestamp,
    ) -> Result<Turns>;

    /// Sets the rate of a limit for everybody, from the next turn on, which is five seconds ahead at most then; `None`: each goes by
    /// its own configuration again.
    async fn set_limit(
        &self,
        what: Limited,
        per_second: Option<f64>,
        by: &NewAuditEvent,
        now: Timestamp,
    ) -> Result<()>;

    // ---- what operators do and see

    /// Stops every start until [`Ledger::unhalt`]. Returns whether that is new: a halt that stands already stays as it is.
    async fn halt(&self, by: &NewAuditEvent, now: Timestamp) -> Result<bool>;

    /// Lets starts happen again. Returns whether they were stopped.
    async fn unhalt(&self, by: &NewAuditEvent, now: Timestamp) -> Result<bool>;

    /// Whether starts are stopped, by whom and why.
    async fn halted(&self) -> Result<Option<Halt>>;

    /// The order of that workflow id, or of that order id where it is one order's.
    async fn find_order(&self, id: &str) -> Result<Option<WorkflowId>>;

    /// Everything known of an order.
    async fn story(&self, workflow_id: &WorkflowId) -> Result<Option<Story>>;

    /// Carries out an operator's decision in one transaction, with its audit event. `manual_retry` opens a generation and
    /// puts the order first in line, due at once; it also reopens an order that was stopped or resolved after it had been in
    /// the queue. The other two decide about an unresolved entry only.
    async fn resolve(&self, policy: &Policy, resolve: &Resolve, now: Timestamp)
    -> Result<Resolved>;

    /// Carries out one decision about many orders, in one transaction: each as [`Ledger::resolve`] does. Returns what became of
    /// each, in their order.
    async fn resolve_many(
        &self,
        policy: &Policy,
        orders: &[WorkflowId],
        resolution: Resolution,
        by: &NewAuditEvent,
        now: Timestamp,
    ) -> Result<Vec<Resolved>>;

    /// An operator parks a waiting or held order in the dead letter queue. Returns the entry, or `None` where the
    /// order's state does not allow it (or there is none).
    async fn park(
        &self,
        workflow_id: &WorkflowId,
        park: &Park,
        now: Timestamp,
    ) -> Result<Option<DeadLetter>>;

    /// An operator holds an order back, lets it go on, or gives it a fresh budget: one transaction, with its audit event.
    async fn act(
        &self,
        policy: &Policy,
        workflow_id: &WorkflowId,
        act: Act,
        by: &NewAuditEvent,
        now: Timestamp,
    ) -> Result<Acted>;

    // ---- operations on many dead letters

    /// Opens an operation, counts what it is about, and notes in the audit trail who wants it. Opening it again returns it as it
    /// is.
    async fn open_operation(&self, opening: &OperationOpening, now: Timestamp)
    -> Result<Operation>;

    /// `batch` works for the operation from now on. One that has failed goes on with another batch; one that has ended for good
    /// stays so.
    ///
    /// Errors, here and below: [`LedgerError::NoSuchOperation`].
    async fn begin_operation(
        &self,
        id: &OperationId,
        batch: &BatchId,
        now: Timestamp,
    ) -> Result<Operation>;

    /// Notes whether operators keep an operation back that has not ended.
    async fn note_operation(
        &self,
        id: &OperationId,
        paused: bool,
        now: Timestamp,
    ) -> Result<Operation>;

    /// Gives an operation another rate, starts a second, with its audit event; `None`: as fast as everything. It holds from the next
    /// turn on, which is five seconds ahead at most then. One that has ended for good stays as it is.
    async fn set_operation_rate(
        &self,
        id: &OperationId,
        per_second: Option<f64>,
        by: &NewAuditEvent,
        now: Timestamp,
    ) -> Result<Operation>;

    /// Takes the next turns to begin an order of the operation, as [`Ledger::take_turns`] does, from its own line and at its own
    /// rate; without one they lie no time apart.
    async fn operation_turns(&self, id: &OperationId, most: u32, now: Timestamp) -> Result<Turns>;

    /// Learns from rows what became of orders that the operation has taken, of up to a thousand.
    async fn learn_operation(&self, id: &OperationId, now: Timestamp) -> Result<Operation>;

    /// Takes the operation's page of that number (from 0): up to `size` entries after those of the pages before, each resolved
    /// as a manual retry, with its audit event. A page that was taken before is not taken again, and one that has ended takes
    /// none. Entries that others have decided since the operation was opened are skipped.
    async fn take_page(
        &self,
        policy: &Policy,
        id: &OperationId,
        page: u32,
        size: u32,
        now: Timestamp,
    ) -> Result<Operation>;

    /// Ends an operation. What it has taken and nobody has dealt with yet is left to the next batch, and told so. One that has
    /// ended stays as it is, but one that has failed may be stopped.
    async fn end_operation(
        &self,
        id: &OperationId,
        end: &OperationEnd,
        now: Timestamp,
    ) -> Result<Operation>;

    /// How many orders are in each state, by name; for reports and audits.
    async fn state_counts(&self) -> Result<Vec<(String, u64)>>;

    /// Whether and when work is left: the earliest time at which a waiting order is due or an order in flight is to be
    /// described. A claimed order and a failure that waits to be taken up are work left since they were written. `None`
    /// when nothing is left to wait for; dead letters, held orders and those left alone are not waited for.
    async fn next_work_at(&self) -> Result<Option<Timestamp>>;

    /// Every order with its attempts, by workflow id, `limit` after `after`: for audits.
    async fn stories_after(&self, after: Option<&WorkflowId>, limit: u32) -> Result<Vec<Story>>;

    /// Records what somebody did elsewhere, such as to a batch. `subject` is what it was done to; where that is an
    /// order's workflow id, the event belongs to the order's story.
    async fn audit(
        &self,
        action: &str,
        subject: Option<&str>,
        by: &NewAuditEvent,
        now: Timestamp,
    ) -> Result<()>;
}
