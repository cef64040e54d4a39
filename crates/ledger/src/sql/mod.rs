//! The ledger in SQL, in an SQLite file or a PostgreSQL database.
//!
//! Every write is one transaction. In a file it is alone from its beginning (`BEGIN IMMEDIATE`); on a server it locks the
//! orders that it reads to change them, in the order of their keys. What it decides stands in [`crate::transition`]; the
//! modules here hold the statements.

mod access;
mod adopt;
mod again;
mod audit;
mod batch;
mod bulk;
mod candidates;
mod claim;
mod commit;
mod compact;
mod connect;
mod copy;
mod dead_letter;
mod desk;
mod file;
#[cfg(feature = "failpoints")]
mod full_disk;
mod halt;
mod home;
mod limits;
mod load;
mod lock;
mod observe;
mod operation;
mod operation_items;
mod operation_page;
mod order;
mod reading;
mod resolve;
mod scan;
mod schema;
#[cfg(feature = "bench")]
mod seed;
mod server;
mod settle;
mod story;
mod write;

use async_trait::async_trait;
use jiff::Timestamp;
use redrive_core::ids::{BatchId, Home, OperationId, RunId, WorkflowId};
use redrive_core::moment::Moment;
use redrive_core::policy::Policy;
use redrive_core::report::ReprocessingResult;

pub use connect::SqlLedger;
pub use lock::LedgerLock;
pub use schema::{Migration, Schema};

use self::again::again;
use crate::contract::Result;
use crate::folio::Learning;
use crate::{
    Act, Acted, BatchEnd, BatchOpening, BatchRow, Check, Checked, ClaimRequest, Claimed,
    ClaimedOrder, Commit, Committed, DeadLetter, Failure, Halt, Ledger, Limited, NewAuditEvent,
    ObserveSummary, Operation, OperationEnd, OperationOpening, OrderPk, Park, Resolution, Resolve,
    Resolved, ScanWindow, Story, Turns,
};

#[async_trait]
impl Ledger for SqlLedger {
    async fn bind(&self, home: &Home) -> Result<()> {
        again(|| home::bind(self, home)).await
    }

    async fn apply_policy(&self, policy: &Policy) -> Result<u64> {
        again(|| home::apply_policy(self, policy)).await
    }

    async fn scan_window(&self, workflow_type: &str) -> Result<Option<ScanWindow>> {
        scan::scan_window(self, workflow_type).await
    }

    async fn save_scan_window(&self, window: &ScanWindow) -> Result<()> {
        again(|| scan::save_scan_window(self, window)).await
    }

    async fn unknown_runs(&self, runs: &[RunId]) -> Result<Vec<RunId>> {
        observe::unknown_runs(&mut self.read().await?, runs).await
    }

    async fn observe(
        &self,
        policy: &Policy,
        batch: &BatchId,
        failures: &[Failure],
        moment: Moment,
    ) -> Result<ObserveSummary> {
        let learning = learning(policy, batch, None, moment);
        again(|| observe::observe(self, failures, &learning)).await
    }

    async fn report(&self, policy: &Policy, failure: &Failure, moment: Moment) -> Result<bool> {
        again(|| observe::report(self, policy, failure, moment)).await
    }

    async fn observe_pending(
        &self,
        policy: &Policy,
        batch: &BatchId,
        moment: Moment,
    ) -> Result<ObserveSummary> {
        let learning = learning(policy, batch, None, moment);
        again(|| observe::observe_pending(self, &learning)).await
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
        let learning = learning(policy, batch, None, moment);
        again(|| settle::settle(self, checked, &learning)).await
    }

    async fn open_batch(&self, opening: &BatchOpening) -> Result<()> {
        again(|| batch::open(self, opening)).await
    }

    async fn finish_batch(
        &self,
        batch: &BatchId,
        end: &BatchEnd,
        now: Timestamp,
    ) -> Result<BatchRow> {
        again(|| batch::finish(self, batch, end, now)).await
    }

    async fn note_failed_phases(&self, batch: &BatchId, scan: bool, settle: bool) -> Result<()> {
        again(|| batch::note_failed_phases(self, batch, scan, settle)).await
    }

    async fn unfinished_batches(&self) -> Result<Vec<BatchRow>> {
        batch::unfinished(self).await
    }

    async fn batches(&self, limit: u32) -> Result<Vec<BatchRow>> {
        batch::newest(self, None, limit).await
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
        again(|| claim::claim(self, policy, home, request, moment)).await
    }

    async fn adopt(
        &self,
        policy: &Policy,
        from: &BatchId,
        to: &BatchId,
        chunk: u32,
        limit: u32,
    ) -> Result<Vec<ClaimedOrder>> {
        again(|| adopt::adopt(self, policy, from, to, chunk, limit)).await
    }

    async fn commit(
        &self,
        policy: &Policy,
        batch: &BatchId,
        chunk: u32,
        commits: &[Commit],
        moment: Moment,
    ) -> Result<Vec<Committed>> {
        let learning = learning(policy, batch, Some(chunk), moment);
        again(|| commit::commit(self, commits, &learning)).await
    }

    async fn start_request(&self, pk: OrderPk) -> Result<Option<Vec<u8>>> {
        order::start_request(self, pk).await
    }

    async fn take_turns(
        &self,
        what: Limited,
        configured: f64,
        most: u32,
        now: Timestamp,
    ) -> Result<Turns> {
        again(|| limits::take_turns(self, what, configured, most, now)).await
    }

    async fn set_limit(
        &self,
        what: Limited,
        per_second: Option<f64>,
        by: &NewAuditEvent,
        now: Timestamp,
    ) -> Result<()> {
        again(|| limits::set_limit(self, what, per_second, by, now)).await
    }

    async fn halt(&self, by: &NewAuditEvent, now: Timestamp) -> Result<bool> {
        again(|| halt::halt(self, by, now)).await
    }

    async fn unhalt(&self, by: &NewAuditEvent, now: Timestamp) -> Result<bool> {
        again(|| halt::unhalt(self, by, now)).await
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
        again(|| resolve::resolve(self, policy, resolve, now)).await
    }

    async fn resolve_many(
        &self,
        policy: &Policy,
        orders: &[WorkflowId],
        resolution: Resolution,
        by: &NewAuditEvent,
        now: Timestamp,
    ) -> Result<Vec<Resolved>> {
        let decision = resolve::Decision {
            policy,
            resolution,
            by,
            operation: None,
            reopens: None,
            now,
        };
        again(|| resolve::resolve_many(self, &decision, orders)).await
    }

    async fn park(
        &self,
        workflow_id: &WorkflowId,
        park: &Park,
        now: Timestamp,
    ) -> Result<Option<DeadLetter>> {
        again(|| resolve::park(self, workflow_id, park, now)).await
    }

    async fn act(
        &self,
        policy: &Policy,
        workflow_id: &WorkflowId,
        act: Act,
        by: &NewAuditEvent,
        now: Timestamp,
    ) -> Result<Acted> {
        again(|| resolve::act(self, policy, workflow_id, act, by, now)).await
    }

    async fn open_operation(
        &self,
        opening: &OperationOpening,
        now: Timestamp,
    ) -> Result<Operation> {
        again(|| operation::open(self, opening, now)).await
    }

    async fn begin_operation(
        &self,
        id: &OperationId,
        batch: &BatchId,
        now: Timestamp,
    ) -> Result<Operation> {
        again(|| operation::begin(self, id, batch, now)).await
    }

    async fn note_operation(
        &self,
        id: &OperationId,
        paused: bool,
        now: Timestamp,
    ) -> Result<Operation> {
        again(|| operation::note(self, id, paused, now)).await
    }

    async fn set_operation_rate(
        &self,
        id: &OperationId,
        per_second: Option<f64>,
        by: &NewAuditEvent,
        now: Timestamp,
    ) -> Result<Operation> {
        again(|| operation::set_rate(self, id, per_second, by, now)).await
    }

    async fn operation_turns(&self, id: &OperationId, most: u32, now: Timestamp) -> Result<Turns> {
        again(|| operation::turns(self, id, most, now)).await
    }

    async fn learn_operation(&self, id: &OperationId, now: Timestamp) -> Result<Operation> {
        again(|| operation_items::learn(self, id, now)).await
    }

    async fn take_page(
        &self,
        policy: &Policy,
        id: &OperationId,
        page: u32,
        size: u32,
        now: Timestamp,
    ) -> Result<Operation> {
        again(|| operation_page::take(self, policy, id, page, size, now)).await
    }

    async fn end_operation(
        &self,
        id: &OperationId,
        end: &OperationEnd,
        now: Timestamp,
    ) -> Result<Operation> {
        again(|| operation::end(self, id, end, now)).await
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
        again(|| audit::record(self, action, subject, by, now)).await
    }
}

fn learning<'a>(
    policy: &'a Policy,
    batch: &'a BatchId,
    chunk: Option<u32>,
    moment: Moment,
) -> Learning<'a> {
    Learning {
        policy,
        batch,
        chunk,
        moment,
    }
}

#[cfg(test)]
mod tests;
