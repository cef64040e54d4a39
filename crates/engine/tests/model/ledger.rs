//! The real ledger behind the gate of one try.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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

use crate::flaw::Flaw;
use crate::gate::{Gate, Kind};
use crate::world::World;

/// The ledger as one try sees it.
pub struct GatedLedger {
    /// The world with the real one.
    pub world: Arc<World>,
    /// Where the try waits.
    pub gate: Gate,
    /// Whether the try has owned an order.
    pub owns: Arc<AtomicBool>,
}

type Result<T> = std::result::Result<T, LedgerError>;

impl GatedLedger {
    /// Waits for the gate. What the ledger itself refuses is a broken rule: the engine may ask for nothing that it refuses,
    /// but in the name of a batch that has ended meanwhile.
    async fn call<T>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let permit = self.gate.enter(name, Kind::Ledger).await;
        let watched = async {
            let answer = call.await;
            if let Err(error) = &answer
                && !matches!(error, LedgerError::BatchEnded(_))
            {
                self.world
                    .problem(format!("the ledger refuses {name}: {error}"));
            }
            answer
        };
        permit.carry(watched, lost, lost).await
    }

    fn note<'o>(&self, what: &str, orders: impl IntoIterator<Item = &'o ClaimedOrder>) {
        for order in orders {
            let (id, from, plan) = (&order.workflow_id, &order.from_run, &order.plan);
            self.world
                .note(format!("    {what} {id} from {from}: {plan:?}"));
            self.owns.store(true, Ordering::SeqCst);
        }
    }

    async fn claim_now(
        &self,
        policy: &Policy,
        home: &Home,
        request: &ClaimRequest,
        moment: Moment,
    ) -> Result<Claimed> {
        let claimed = match self.world.flaw {
            Flaw::LateIntent => {
                self.world
                    .claim_without_intent(policy, request, moment)
                    .await?
            }
            _ => {
                self.world
                    .ledger
                    .claim(policy, home, request, moment)
                    .await?
            }
        };
        self.world.remember(&claimed);
        self.note("claims", claimed.inherited.iter().chain(&claimed.fresh));
        Ok(claimed)
    }

    async fn adopt_now(
        &self,
        policy: &Policy,
        from: &BatchId,
        to: &BatchId,
        chunk: u32,
        limit: u32,
    ) -> Result<Vec<ClaimedOrder>> {
        let adopted = self
            .world
            .ledger
            .adopt(policy, from, to, chunk, limit)
            .await?;
        self.world.remember(&Claimed {
            inherited: adopted.clone(),
            ..Claimed::default()
        });
        self.note("adopts", &adopted);
        Ok(adopted)
    }

    async fn commit_now(
        &self,
        policy: &Policy,
        batch: &BatchId,
        chunk: u32,
        commits: &[Commit],
        moment: Moment,
    ) -> Result<Vec<Committed>> {
        let ledger = &self.world.ledger;
        let committed = match self.world.flaw {
            Flaw::NoFence => {
                ledger
                    .commit(policy, batch, chunk, &self.world.unfenced(commits), moment)
                    .await?
            }
            Flaw::LateIntent => {
                let (batch, due_by) = (batch.clone(), moment.now);
                let rules = redrive_core::decide::BatchRules::default();
                let request = ClaimRequest {
                    batch,
                    chunk,
                    limit: 100,
                    due_by,
                    rules,
                    only: None,
                    operation: None,
                };
                self.world
                    .commit_with_intent(policy, &request, commits, moment)
                    .await?
            }
            _ => ledger.commit(policy, batch, chunk, commits, moment).await?,
        };
        for (commit, committed) in commits.iter().zip(&committed) {
            self.world.note(format!(
                "    order {} {committed:?}: {:?}",
                commit.pk, commit.outcome
            ));
        }
        Ok(committed)
    }
}

fn lost() -> LedgerError {
    LedgerError::Sql {
        doing: "be reached in a model",
        source: sqlx::Error::PoolClosed,
    }
}

/// The contract, each method behind the gate.
macro_rules! gated {
    (
        plain { $($name:ident($($arg:ident: $type:ty),*) -> $out:ty;)* }
        flawed { $($as:ident: $own:ident($($oarg:ident: $otype:ty),*) -> $oout:ty;)* }
    ) => {
        #[async_trait]
        impl Ledger for GatedLedger {
            // Bound, and in line with the policy, since the world was made: engines are made without a step.
            async fn bind(&self, _: &Home) -> Result<()> {
                Ok(())
            }

            async fn apply_policy(&self, _: &Policy) -> Result<u64> {
                Ok(0)
            }

            $(async fn $name(&self, $($arg: $type),*) -> Result<$out> {
                self.call(stringify!($name), self.world.ledger.$name($($arg),*)).await
            })*
            $(async fn $own(&self, $($oarg: $otype),*) -> Result<$oout> {
                self.call(stringify!($own), self.$as($($oarg),*)).await
            })*
        }
    };
}

gated! {
    plain {
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
    flawed {
        claim_now: claim(policy: &Policy, home: &Home, request: &ClaimRequest, moment: Moment) -> Claimed;
        adopt_now: adopt(policy: &Policy, from: &BatchId, to: &BatchId, chunk: u32, limit: u32) -> Vec<ClaimedOrder>;
        commit_now: commit(policy: &Policy, batch: &BatchId, chunk: u32, commits: &[Commit], moment: Moment) -> Vec<Committed>;
    }
}
