//! The audit reads a real server: orders that nobody brought back, and a failed run that was restarted twice.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use jiff::Timestamp;
use redrive::audit::{Audit, Kind, audit};
use redrive_engine::gateway::MEMO_KEY;
use redrive_fulfillment::testbed::{Testbed, json_payload};
use redrive_fulfillment::{
    Class, FaultPlan, FulfillmentWorker, Stage, StartOptions, TASK_QUEUE, Warehouse, start_orders,
    starter,
};
use redrive_ledger::SqlLedger;
use serde_json::json;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;

/// One order that always fails at slam, the fourth stage.
struct Site {
    bed: Testbed,
    plan: FaultPlan,
    folder: tempfile::TempDir,
    worker: FulfillmentWorker,
    ledger: SqlLedger,
}

impl Site {
    async fn open() -> Self {
        let bed = Testbed::connect("audit").await;
        let folder = tempfile::tempdir().unwrap();
        let class = Class::Poison { stage: Stage::Slam };
        let plan = FaultPlan::uniform(7, 1, &class);
        Warehouse::create(folder.path(), &plan, Timestamp::UNIX_EPOCH).unwrap();
        let client = bed.client.clone();
        let worker = FulfillmentWorker::spawn(client, TASK_QUEUE, folder.path())
            .await
            .unwrap();
        let ledger = SqlLedger::open(&folder.path().join("ledger.db"))
            .await
            .unwrap();
        Self {
            bed,
            plan,
            folder,
            worker,
            ledger,
        }
    }

    /// Waits for the order's latest run to fail.
    async fn failed(&self) -> String {
        let id = self.plan.orders[0].workflow_id();
        let failed = self.bed.await_status(&id, Status::Failed).await;
        failed.execution.unwrap().run_id
    }

    /// Starts the order as a batch of ours does, which no attempt in the ledger knows of.
    async fn restart(&self, batch: &str, from_run: &str) -> String {
        let (client, options) = (&self.bed.client, StartOptions::default());
        let mut request = starter::request(client, &self.plan, &self.plan.orders[0], &options);
        request.request_id = format!("request-of-{batch}");
        let memo = json!({ "batch": batch, "generation": 1, "attempt": 1, "fromRun": from_run });
        let fields = &mut request.memo.as_mut().unwrap().fields;
        fields.insert(MEMO_KEY.to_owned(), json_payload(&memo));
        self.bed.start(request).await;
        self.failed().await
    }

    async fn audit(&self) -> Audit {
        audit(&self.bed.client, &self.ledger, self.folder.path())
            .await
            .unwrap()
    }
}

fn sentences(audit: &Audit, kind: Kind) -> Vec<&str> {
    let found = audit.findings.iter().filter(|found| found.kind == kind);
    found.map(|found| found.sentence.as_str()).collect()
}

#[tokio::test]
async fn a_failed_order_without_a_ledger_is_lost_and_a_second_restart_is_a_duplicate() {
    let site = Site::open().await;
    start_orders(&site.bed.client, &site.plan, &StartOptions::default())
        .await
        .unwrap();
    let failed = site.failed().await;
    let audit = site.audit().await;
    let order = site.plan.orders[0].workflow_id();
    let lost = format!(
        "{order}: its latest run {failed} is failed, but the ledger does not know the order"
    );
    assert_eq!(sentences(&audit, Kind::Lost), [lost]);
    assert_eq!(
        (audit.duplicated, audit.unaccounted),
        (0, 0),
        "{:#?}",
        audit.findings
    );
    assert_eq!((audit.compared.runs, audit.compared.stages), (1, 3));

    let first = site.restart("b1", &failed).await;
    let second = site.restart("b2", &failed).await;
    let audit = site.audit().await;
    assert_eq!(
        (audit.lost, audit.compared.runs, audit.compared.restarts),
        (1, 3, 2)
    );
    let twice =
        format!("{order}: the failed run {failed} was restarted 2 times: {first}, {second}");
    let duplicated = sentences(&audit, Kind::Duplicated);
    assert!(duplicated.contains(&twice.as_str()), "{duplicated:#?}");
    assert_eq!(
        duplicated.len(),
        1 + 3,
        "and each of three stages was done by both: {duplicated:#?}"
    );
    let unaccounted = sentences(&audit, Kind::Unaccounted);
    for (batch, run) in [("b1", first), ("b2", second)] {
        let unnamed = format!(
            "{order}: batch {batch} started run {run}, but no attempt in the ledger names it"
        );
        assert!(unaccounted.contains(&unnamed.as_str()), "{unaccounted:#?}");
    }
    site.worker.stop().await.unwrap();
}
