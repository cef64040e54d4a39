//! The reading side: lists in pages, each from an index in its order, and numbers from counters.

mod audit;
mod batches;
mod by_hand;
mod checkup;
pub(super) mod dead_letters;
mod eligible;
mod failures;
pub(super) mod numbers;
mod operations;
mod orders;
mod overview;

use std::path::Path;

use async_trait::async_trait;
use jiff::Timestamp;
use redrive_core::decide::BatchRules;
use redrive_core::ids::{BatchId, Home, OperationId, RunId, WorkflowId};
use redrive_core::report::VerdictKind;

use crate::contract::Result;
use crate::sql::{SqlLedger, batch, copy, home, limits, operation, order};
use crate::{
    AuditFilter, AuditRow, BatchPlace, BatchRow, BatchVerdict, Copied, Day, DeadLetter,
    DeadLetterFilter, DeadLetterStats, EligibleFilter, FailureEntry, FailureFilter, FailureGroup,
    FailureHour, GroupFilter, Limited, NotStarted, Numbers, Operation, OrderFilter, OrderPk,
    OrderRow, Overview, Reader, Total,
};

#[async_trait]
impl Reader for SqlLedger {
    async fn overview(&self, since: Timestamp) -> Result<Overview> {
        overview::overview(self, since).await
    }

    async fn numbers(&self) -> Result<Numbers> {
        numbers::numbers(self).await
    }

    async fn orders(&self, filter: &OrderFilter, limit: u32) -> Result<Vec<OrderRow>> {
        orders::list(self, filter, limit).await
    }

    async fn orders_named(&self, ids: &[String]) -> Result<Vec<Option<(WorkflowId, String)>>> {
        order::named(self, ids).await
    }

    async fn failures(&self, filter: &FailureFilter, limit: u32) -> Result<Vec<FailureEntry>> {
        failures::list(self, filter, limit).await
    }

    async fn failure(&self, run: &RunId) -> Result<Option<FailureEntry>> {
        failures::one(self, run).await
    }

    async fn failure_groups(&self, filter: &GroupFilter, limit: u32) -> Result<Vec<FailureGroup>> {
        failures::groups(self, filter, limit).await
    }

    async fn fingerprints_beginning(&self, prefix: &str, most: u32) -> Result<u64> {
        orders::fingerprints_beginning(self, prefix, most).await
    }

    async fn failure_hours(
        &self,
        fingerprints: &[String],
        since: Timestamp,
    ) -> Result<Vec<FailureHour>> {
        failures::hours(self, fingerprints, since).await
    }

    async fn batch(&self, id: &str) -> Result<Option<BatchRow>> {
        batches::one(self, id).await
    }

    async fn ended_batches(&self, limit: u32) -> Result<Vec<BatchRow>> {
        batches::ended(self, limit).await
    }

    async fn newest_batches(
        &self,
        after: Option<&BatchPlace>,
        limit: u32,
    ) -> Result<Vec<BatchRow>> {
        batch::newest(self, after, limit).await
    }

    async fn verdicts(
        &self,
        batch: &BatchId,
        wanted: Option<VerdictKind>,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<BatchVerdict>> {
        batches::verdicts(self, batch, wanted, after, limit).await
    }

    async fn eligible(
        &self,
        filter: &EligibleFilter,
        limit: u32,
    ) -> Result<(Vec<OrderRow>, Total)> {
        eligible::list(self, filter, limit).await
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<DeadLetter>> {
        dead_letters::list(self, filter, offset, limit).await
    }

    async fn total_dead_letters(&self, filter: &DeadLetterFilter) -> Result<Total> {
        dead_letters::total(self, filter).await
    }

    async fn count_dead_letters(&self, filter: &DeadLetterFilter) -> Result<u64> {
        dead_letters::count(&mut self.read().await?, filter).await
    }

    async fn orders_beginning(&self, prefix: &str) -> Result<Total> {
        dead_letters::orders_beginning(self, prefix).await
    }

    async fn operations(
        &self,
        after: Option<(Timestamp, &OperationId)>,
        limit: u32,
    ) -> Result<Vec<Operation>> {
        operations::newest(self, after, limit).await
    }

    async fn operation(&self, id: &OperationId) -> Result<Option<Operation>> {
        operation::find(&mut self.read().await?, id, "").await
    }

    async fn not_started(
        &self,
        id: &OperationId,
        after: Option<(bool, OrderPk)>,
        limit: u32,
    ) -> Result<Vec<NotStarted>> {
        operations::not_started(self, id, after, limit).await
    }

    async fn dead_letter_stats(&self) -> Result<DeadLetterStats> {
        dead_letters::stats(self).await
    }

    async fn daily(&self, since: Timestamp) -> Result<Vec<Day>> {
        batches::daily(self, since).await
    }

    async fn audit(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditRow>> {
        audit::list(self, filter, limit).await
    }

    async fn copy_to(&self, folder: &Path) -> Result<Copied> {
        copy::copy_to(self, folder).await
    }

    async fn left_to(&self, batch: &BatchId, rules: &BatchRules, due_by: Timestamp) -> Result<u64> {
        by_hand::left_to(self, batch, rules, due_by).await
    }

    async fn limits(&self) -> Result<Vec<(Limited, f64)>> {
        limits::limits(self).await
    }

    async fn home(&self) -> Result<Option<Home>> {
        home::read(&mut self.read().await?).await
    }

    async fn waiting_by_status(&self) -> Result<Vec<(String, u64)>> {
        checkup::waiting_by_status(self).await
    }

    async fn without_start_request(&self, failed_before: Timestamp) -> Result<u64> {
        checkup::without_start_request(self, failed_before).await
    }

    async fn failure_statuses(&self) -> Result<Vec<String>> {
        by_hand::failure_statuses(self).await
    }
}

/// The bounds of the texts that begin with `prefix`: from, and before.
fn beginning_with(prefix: &str) -> (String, String) {
    (prefix.to_owned(), format!("{prefix}{}", char::MAX))
}
