//! A ledger whose calls can be made to fail, before they act or after.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use redrive_core::ids::{BatchId, Home, OperationId, RunId, WorkflowId};
use redrive_core::moment::Moment;
use redrive_core::policy::Policy;
use redrive_core::report::ReprocessingResult;
use redrive_ledger::{
    Act, Acted, BatchEnd, BatchOpening, BatchRow, Check, Checked, ClaimRequest, Claimed,
    ClaimedOrder, Commit, Committed, DeadLetter, Failure, Halt, Ledger, LedgerError, Limited,
    NewAuditEvent, ObserveSummary, Operation, OperationEnd, OperationOpening, OrderPk, Park,
    Resolution, Resolve, Resolved, ScanWindow, Story, Turns,
};

type Result<T> = std::result::Result<T, LedgerError>;

/// What is to happen to a call of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is made.
    Passes,
    /// It fails before it acts.
    Fails,
    /// It acts, and its answer is lost.
    LosesAnswer,
}

type Hook = dyn Fn(&'static str) -> Fate + Send + Sync;

/// A ledger with a hook before every call, which is told its name.
pub struct HookedLedger {
    inner: Arc<dyn Ledger>,
    hook: Box<Hook>,
}

impl HookedLedger {
    pub fn over(
        inner: &Arc<dyn Ledger>,
        hook: impl Fn(&'static str) -> Fate + Send + Sync + 'static,
    ) -> Arc<dyn Ledger> {
        Arc::new(Self {
            inner: Arc::clone(inner),
            hook: Box::new(hook),
        })
    }
}

fn lost() -> LedgerError {
    LedgerError::Sql {
        doing: "be reached in a test",
        source: sqlx::Error::PoolClosed,
    }
}

macro_rules! hooked {
    ($($name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*) => {
        #[async_trait]
        impl Ledger for HookedLedger {
            $(async fn $name(&self, $($arg: $type),*) -> Result<$out> {
                match (self.hook)(stringify!($name)) {
                    Fate::Passes => self.inner.$name($($arg),*).await,
                    Fate::Fails => Err(lost()),
                    Fate::LosesAnswer => {
                        self.inner.$name($($arg),*).await?;
                        Err(lost())
                    }
                }
            })*
        }
    };
}

hooked! {
    bind(home: &Home) -> ();
    apply_policy(policy: &Policy) -> u64;
    scan_window(workflow_type: &str) -> Option<ScanWindow>;
    save_scan_window(window: &ScanWindow) -> ();
    unknown_runs(runs: &[RunId]) -> Vec<RunId>;
    observe(policy: &Policy, batch: &BatchId, failures: &[Failure], moment: Moment) -> ObserveSummary;
    report(policy: &Policy, failure: &Failure, moment: Moment) -> bool;
    observe_pending(policy: &Policy, batch: &BatchId, moment: Moment) -> ObserveSummary;
    due_checks(now: Timestamp, limit: u32) -> Vec<Check>;
    settle(policy: &Policy, batch: &BatchId, checked: &[Checked], moment: Moment) -> u64;
    open_batch(opening: &BatchOpening) -> ();
    finish_batch(batch: &BatchId, end: &BatchEnd, now: Timestamp) -> BatchRow;
    note_failed_phases(batch: &BatchId, scan: bool, settle: bool) -> ();
    unfinished_batches() -> Vec<BatchRow>;
    batches(limit: u32) -> Vec<BatchRow>;
    batch_counts(batch: &BatchId, now: Timestamp) -> ReprocessingResult;
    claim(policy: &Policy, home: &Home, request: &ClaimRequest, moment: Moment) -> Claimed;
    adopt(policy: &Policy, from: &BatchId, to: &BatchId, chunk: u32, limit: u32) -> Vec<ClaimedOrder>;
    commit(policy: &Policy, batch: &BatchId, chunk: u32, commits: &[Commit], moment: Moment) -> Vec<Committed>;
    start_request(pk: OrderPk) -> Option<Vec<u8>>;
    take_turns(what: Limited, configured: f64, most: u32, now: Timestamp) -> Turns;
    set_limit(what: Limited, per_second: Option<f64>, by: &NewAuditEvent, now: Timestamp) -> ();
    halt(by: &NewAuditEvent, now: Timestamp) -> bool;
    unhalt(by: &NewAuditEvent, now: Timestamp) -> bool;
    halted() -> Option<Halt>;
    find_order(id: &str) -> Option<WorkflowId>;
    story(workflow_id: &WorkflowId) -> Option<Story>;
    act(policy: &Policy, workflow_id: &WorkflowId, act: Act, by: &NewAuditEvent, now: Timestamp) -> Acted;
    resolve(policy: &Policy, resolve: &Resolve, now: Timestamp) -> Resolved;
    resolve_many(policy: &Policy, orders: &[WorkflowId], resolution: Resolution, by: &NewAuditEvent, now: Timestamp) -> Vec<Resolved>;
    park(workflow_id: &WorkflowId, park: &Park, now: Timestamp) -> Option<DeadLetter>;
    open_operation(opening: &OperationOpening, now: Timestamp) -> Operation;
    begin_operation(id: &OperationId, batch: &BatchId, now: Timestamp) -> Operation;
    note_operation(id: &OperationId, paused: bool, now: Timestamp) -> Operation;
    set_operation_rate(id: &OperationId, per_second: Option<f64>, by: &NewAuditEvent, now: Timestamp) -> Operation;
    operation_turns(id: &OperationId, most: u32, now: Timestamp) -> Turns;
    learn_operation(id: &OperationId, now: Timestamp) -> Operation;
    take_page(policy: &Policy, id: &OperationId, page: u32, size: u32, now: Timestamp) -> Operation;
    end_operation(id: &OperationId, end: &OperationEnd, now: Timestamp) -> Operation;
    state_counts() -> Vec<(String, u64)>;
    next_work_at() -> Option<Timestamp>;
    stories_after(after: Option<&WorkflowId>, limit: u32) -> Vec<Story>;
    audit(action: &str, subject: Option<&str>, by: &NewAuditEvent, now: Timestamp) -> ();
}
