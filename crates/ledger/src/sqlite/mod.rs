//! The ledger in an SQLite file: one process writes at a time, others and readers go on beside it (WAL).
//!
//! Every write is one `BEGIN IMMEDIATE` transaction on the only writing connection. What it decides stands in
//! [`crate::transition`]; the modules here hold the statements.

mod adopt;
mod audit;
mod batch;
mod candidates;
mod claim;
mod commit;
mod connect;
mod dead_letter;
mod halt;
mod home;
mod load;
mod observe;
mod order;
mod rate;
mod reading;
mod resolve;
mod row;
mod scan;
mod schema;
mod settle;
mod story;
mod write;

use async_trait::async_trait;
use jiff::Timestamp;
use redrive_core::ids::{BatchId, Home, RunId, WorkflowId};
use redrive_core::moment::Moment;
use redrive_core::policy::Policy;
use redrive_core::report::ReprocessingResult;

pub use connect::{LedgerLock, SqliteLedger};
pub use schema::{Migration, Schema};

use crate::contract::Result;
use crate::folio::Learning;
use crate::{
    Act, Acted, BatchEnd, BatchOpening, BatchRow, Check, Checked, ClaimRequest, Claimed,
    ClaimedOrder, Commit, Committed, DeadLetter, Failure, Halt, Ledger, NewAuditEvent,
    ObserveSummary, OrderPk, Resolve, Resolved, ScanWindow, Story,
};

#[async_trait]
impl Ledger for SqliteLedger {
    async fn bind(&self, home: &Home) -> Result<()> {
        home::bind(self, home).await
    }

    async fn apply_policy(&self, policy: &Policy) -> Result<u64> {
        home::apply_policy(self, policy).await
    }

    async fn scan_window(&self, workflow_type: &str) -> Result<Option<ScanWindow>> {
        scan::scan_window(self, workflow_type).await
    }

    async fn save_scan_window(&self, window: &ScanWindow) -> Result<()> {
        scan::save_scan_window(self, window).await
    }

    async fn unknown_runs(&self, runs: &[RunId]) -> Result<Vec<RunId>> {
        observe::unknown_runs(&mut *self.read().await?, runs).await
    }

    async fn observe(
        &self,
        policy: &Policy,
        batch: &BatchId,
        failures: &[Failure],
        moment: Moment,
    ) -> Result<ObserveSummary> {
        observe::observe(
            self,
            failures,
            &Learning {
                policy,
                batch,
                chunk: None,
                moment,
            },
        )
        .await
    }

    async fn observe_pending(
        &self,
        policy: &Policy,
        batch: &BatchId,
        moment: Moment,
    ) -> Result<ObserveSummary> {
        observe::observe_pending(
            self,
            &Learning {
                policy,
                batch,
                chunk: None,
                moment,
            },
        )
        .await
    }

    async fn due_checks(&self, now: Timestamp, limit: u32) -> Result<Vec<Check>> {
        settle::due_checks(self, now, limit).await
    }

    async fn settle(
        &self,
        policy: &Policy,
        batch: &BatchId,
        checked: &[Checked],
        moment: Moment,
    ) -> Result<u64> {
        settle::settle(
            self,
            checked,
            &Learning {
                policy,
                batch,
                chunk: None,
                moment,
            },
        )
        .await
    }

    async fn open_batch(&self, opening: &BatchOpening) -> Result<()> {
        batch::open(self, opening).await
    }

    async fn finish_batch(
        &self,
        batch: &BatchId,
        end: &BatchEnd,
        now: Timestamp,
    ) -> Result<BatchRow> {
        batch::finish(self, batch, end, now).await
    }

    async fn note_failed_phases(&self, batch: &BatchId, scan: bool, settle: bool) -> Result<()> {
        batch::note_failed_phases(self, batch, scan, settle).await
    }

    async fn unfinished_batches(&self) -> Result<Vec<BatchRow>> {
        batch::unfinished(self).await
    }

    async fn batches(&self, limit: u32) -> Result<Vec<BatchRow>> {
        batch::newest(self, limit).await
    }

    async fn batch_counts(&self, batch: &BatchId, now: Timestamp) -> Result<ReprocessingResult> {
        batch::counts(self, batch, now).await
    }

    async fn claim(
        &self,
        policy: &Policy,
        home: &Home,
        request: &ClaimRequest,
        moment: Moment,
    ) -> Result<Claimed> {
        claim::claim(self, policy, home, request, moment).await
    }

    async fn adopt(
        &self,
        policy: &Policy,
        from: &BatchId,
        to: &BatchId,
        chunk: u32,
        limit: u32,
    ) -> Result<Vec<ClaimedOrder>> {
        adopt::adopt(self, policy, from, to, chunk, limit).await
    }

    async fn commit(
        &self,
        policy: &Policy,
        batch: &BatchId,
        chunk: u32,
        commits: &[Commit],
        moment: Moment,
    ) -> Result<Vec<Committed>> {
        commit::commit(
            self,
            commits,
            &Learning {
                policy,
                batch,
                chunk: Some(chunk),
                moment,
            },
        )
        .await
    }

    async fn start_request(&self, pk: OrderPk) -> Result<Option<Vec<u8>>> {
        order::start_request(self, pk).await
    }

    async fn reserve_start(&self, per_second: f64, now: Timestamp) -> Result<Timestamp> {
        rate::reserve_start(self, per_second, now).await
    }

    async fn halt(&self, by: &NewAuditEvent, now: Timestamp) -> Result<()> {
        halt::halt(self, by, now).await
    }

    async fn unhalt(&self, by: &NewAuditEvent, now: Timestamp) -> Result<bool> {
        halt::unhalt(self, by, now).await
    }

    async fn halted(&self) -> Result<Option<Halt>> {
        halt::halted(self).await
    }

    async fn find_order(&self, id: &str) -> Result<Option<WorkflowId>> {
        order::find(self, id).await
    }

    async fn story(&self, workflow_id: &WorkflowId) -> Result<Option<Story>> {
        story::story(self, workflow_id).await
    }

    async fn resolve(
        &self,
        policy: &Policy,
        resolve: &Resolve,
        now: Timestamp,
    ) -> Result<Resolved> {
        resolve::resolve(self, policy, resolve, now).await
    }

    async fn park(
        &self,
        workflow_id: &WorkflowId,
        by: &NewAuditEvent,
        now: Timestamp,
    ) -> Result<Option<DeadLetter>> {
        resolve::park(self, workflow_id, by, now).await
    }

    async fn act(
        &self,
        policy: &Policy,
        workflow_id: &WorkflowId,
        act: Act,
        by: &NewAuditEvent,
        now: Timestamp,
    ) -> Result<Acted> {
        resolve::act(self, policy, workflow_id, act, by, now).await
    }

    async fn state_counts(&self) -> Result<Vec<(String, u64)>> {
        order::state_counts(self).await
    }

    async fn next_work_at(&self) -> Result<Option<Timestamp>> {
        order::next_work_at(self).await
    }

    async fn stories_after(&self, after: Option<&WorkflowId>, limit: u32) -> Result<Vec<Story>> {
        story::stories_after(self, after, limit).await
    }

    async fn audit(
        &self,
        action: &str,
        subject: Option<&str>,
        by: &NewAuditEvent,
        now: Timestamp,
    ) -> Result<()> {
        audit::record(self, action, subject, by, now).await
    }
}

#[cfg(test)]
mod tests;
