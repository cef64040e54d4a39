//! The real ledger, with a flaw.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;
use redrive_core::ids::{BatchId, Home, OperationId, RunId, WorkflowId};
use redrive_core::moment::Moment;
use redrive_core::policy::Policy;
use redrive_core::report::ReprocessingResult;
use redrive_ledger::{
    Act, Acted, BatchEnd, BatchOpening, BatchRow, Check, Checked, ClaimRequest, Claimed,
    ClaimedOrder, Commit, Committed, DeadLetter, Failure, Halt, Ledger, LedgerError, Limited,
    NewAuditEvent, ObserveSummary, Operation, OperationEnd, OperationOpening, OrderPk, Outcome,
    Park, Resolution, Resolve, Resolved, ScanWindow, SqlLedger, Story, Turns,
};

use crate::Flaw;

type Result<T> = std::result::Result<T, LedgerError>;

/// The ledger that all workers of a test share.
pub struct Flawed {
    pub inner: SqlLedger,
    pub flaw: Flaw,
    /// The newest claim of each order, with the request that made it.
    pub claims: Mutex<HashMap<OrderPk, (ClaimedOrder, ClaimRequest, Home)>>,
}

impl Flawed {
    async fn flawed_claim(
        &self,
        policy: &Policy,
        home: &Home,
        request: &ClaimRequest,
        moment: Moment,
    ) -> Result<Claimed> {
        let claimed = self.inner.claim(policy, home, request, moment).await?;
        for order in claimed.inherited.iter().chain(&claimed.fresh) {
            self.remember(order, request, home);
        }
        if self.flaw == Flaw::LateIntent {
            self.take_back(policy, request, &claimed.fresh, moment)
                .await?;
        }
        Ok(claimed)
    }

    async fn flawed_commit(
        &self,
        policy: &Policy,
        batch: &BatchId,
        chunk: u32,
        commits: &[Commit],
        moment: Moment,
    ) -> Result<Vec<Committed>> {
        let mut commits = commits.to_vec();
        for commit in &mut commits {
            match self.flaw {
                Flaw::NoFence => commit.fence = self.claim_of(commit.pk).0.fence,
                Flaw::LateIntent => {
                    commit.fence = self.claim_again(policy, commit.pk, moment).await?
                }
                _ => {}
            }
        }
        self.inner
            .commit(policy, batch, chunk, &commits, moment)
            .await
    }

    fn remember(&self, order: &ClaimedOrder, request: &ClaimRequest, home: &Home) {
        let claim = (order.clone(), request.clone(), home.clone());
        self.claims.lock().unwrap().insert(order.pk, claim);
    }

    fn claim_of(&self, pk: OrderPk) -> (ClaimedOrder, ClaimRequest, Home) {
        self.claims.lock().unwrap()[&pk].clone()
    }

    /// The claim is undone, and the worker does not know it.
    async fn take_back(
        &self,
        policy: &Policy,
        request: &ClaimRequest,
        orders: &[ClaimedOrder],
        moment: Moment,
    ) -> Result<()> {
        let undone = orders.iter().map(|order| Commit {
            pk: order.pk,
            fence: order.fence,
            outcome: Outcome::Released,
        });
        let undone: Vec<_> = undone.collect();
        let (batch, chunk) = (&request.batch, request.chunk);
        self.inner
            .commit(policy, batch, chunk, &undone, moment)
            .await?;
        Ok(())
    }

    /// The intent is written now, when its outcome is known. Returns its fence.
    async fn claim_again(&self, policy: &Policy, pk: OrderPk, moment: Moment) -> Result<i64> {
        let (order, request, home) = self.claim_of(pk);
        let request = ClaimRequest {
            only: Some(order.workflow_id),
            ..request
        };
        let claimed = self.inner.claim(policy, &home, &request, moment).await?;
        let own = claimed
            .inherited
            .into_iter()
            .chain(claimed.fresh)
            .find(|own| own.pk == pk);
        Ok(own.map_or(order.fence, |own| own.fence))
    }
}

/// The contract, handed on but for the methods that a flaw concerns.
macro_rules! handed_on {
    ($($name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*) => {
        #[async_trait]
        impl Ledger for Flawed {
            $(async fn $name(&self, $($arg: $type),*) -> Result<$out> {
                self.inner.$name($($arg),*).await
            })*

            async fn claim(&self, policy: &Policy, home: &Home, request: &ClaimRequest, moment: Moment) -> Result<Claimed> {
                self.flawed_claim(policy, home, request, moment).await
            }

            async fn commit(
                &self,
                policy: &Policy,
                batch: &BatchId,
                chunk: u32,
                commits: &[Commit],
                moment: Moment,
            ) -> Result<Vec<Committed>> {
                self.flawed_commit(policy, batch, chunk, commits, moment).await
            }
        }
    };
}

handed_on! {
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
    adopt(policy: &Policy, from: &BatchId, to: &BatchId, chunk: u32, limit: u32) -> Vec<ClaimedOrder>;
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
