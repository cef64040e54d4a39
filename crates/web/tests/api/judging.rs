//! What the policy makes of a run that failed.

use axum::http::StatusCode;
use redrive_fulfillment::puppet::{Move, Puppet};
use serde_json::json;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;

use crate::world::{TYPE, World};

const QUEUE: &str = "orders";

#[tokio::test]
async fn a_failed_run_is_judged_by_the_policy() {
    let world = World::alive("api-judged").await;
    let bed = &world.bed;
    let _puppet = Puppet::spawn(&bed.client, &bed.namespace, QUEUE, |task| {
        match task.workflow_id.as_str() {
            "order-A2" => Move::Nothing,
            _ => Move::fail("shipping_failed", "no carrier"),
        }
    });
    let run = bed.start(bed.start_request("order-A1", TYPE, QUEUE)).await;
    bed.start(bed.start_request("order-A2", TYPE, QUEUE)).await;
    bed.await_status("order-A1", WorkflowExecutionStatus::Failed)
        .await;
    let path = |id: &str| format!("/api/v1/workflows/{id}/classification");
    for query in ["", "?runId=", &format!("?runId={run}")] {
        let (status, mut judged) = world.get(&format!("{}{query}", path("order-A1"))).await;
        assert_eq!(status, StatusCode::OK, "{judged}");
        assert_eq!(judged["runId"].take(), run.as_str());
        assert!(judged["closedAt"].take().is_string());
        insta::assert_json_snapshot!("judged", judged);
    }
    let gone = "00000000-0000-4000-8000-000000000000";
    for (path, status, error) in [
        (path("order-A2"), StatusCode::CONFLICT, "CONFLICT"),
        (path("order-A3"), StatusCode::NOT_FOUND, "NOT_FOUND"),
        (
            format!("{}?runId={gone}", path("order-A1")),
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
        ),
        (
            format!("{}?runId=latest", path("order-A1")),
            StatusCode::BAD_REQUEST,
            "INVALID_REQUEST",
        ),
    ] {
        let (answered, body) = world.get(&path).await;
        assert_eq!(
            (answered, &body["error"]),
            (status, &json!(error)),
            "{path}: {body}"
        );
    }
}
