//! What a restarted run is started with, and what of it nobody else gets to see.

use prost::Message;
use redrive_fulfillment::testbed::json_payload;
use serde_json::json;
use temporalio_common::protos::temporal::api::common::v1::{
    Header, Memo, Priority, RetryPolicy, SearchAttributes,
};
use temporalio_common::protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;
use temporalio_common::protos::temporal::api::history::v1::{
    WorkflowExecutionStartedEventAttributes, history_event::Attributes,
};
use temporalio_common::protos::temporal::api::sdk::v1::UserMetadata;
use temporalio_common::protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;

use crate::attributes;
use crate::workflows;
use crate::world::{End, QUEUE, TYPE, World};

/// Stands in the order's payloads and nowhere else.
const MARKER: &str = "payload-marker-5f2c";

/// A start that uses every field an order service may set.
fn full_request(world: &World) -> StartWorkflowExecutionRequest {
    let seconds = |seconds| Some(prost_wkt_types::Duration { seconds, nanos: 0 });
    let marked = || json_payload(&json!(MARKER));
    StartWorkflowExecutionRequest {
        input: Some(redrive_fulfillment::testbed::json_input(
            &json!({ "customer": MARKER }),
        )),
        workflow_execution_timeout: seconds(3000),
        workflow_run_timeout: seconds(600),
        workflow_task_timeout: seconds(7),
        retry_policy: Some(RetryPolicy {
            initial_interval: seconds(1),
            backoff_coefficient: 2.0,
            maximum_interval: seconds(5),
            maximum_attempts: 3,
            non_retryable_error_types: vec!["shipping_failed".into()],
        }),
        memo: Some(Memo {
            fields: [("shop".to_owned(), marked())].into(),
        }),
        header: Some(Header {
            fields: [("trace".to_owned(), marked())].into(),
        }),
        user_metadata: Some(UserMetadata {
            summary: Some(marked()),
            details: None,
        }),
        search_attributes: Some(SearchAttributes {
            indexed_fields: [("Shop".to_owned(), marked())].into(),
        }),
        priority: Some(Priority {
            priority_key: 2,
            ..Default::default()
        }),
        ..world.bed.start_request("order-1", TYPE, QUEUE)
    }
}

async fn start_event(
    world: &World,
    run: &str,
) -> (
    WorkflowExecutionStartedEventAttributes,
    Option<UserMetadata>,
) {
    let first = workflows::history(&world.bed, "order-1", run)
        .await
        .swap_remove(0);
    match first.attributes {
        Some(Attributes::WorkflowExecutionStartedEventAttributes(start)) => {
            (start, first.user_metadata)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_restart_equals_the_original_but_for_what_names_the_run() {
    let world = World::new("start-event").await;
    world.script("order-1", &[End::Fails, End::Completes]);
    attributes::define(&world, IndexedValueType::Keyword).await;
    let original = attributes::start(&world, full_request(&world)).await;
    world.await_status("order-1", Status::Failed).await;
    world.scan_sees(1).await;
    world.run_chunk("b1").await;
    world.await_status("order-1", Status::Completed).await;
    let restart = world.latest_run("order-1").await;
    let (mut was, metadata_was) = start_event(&world, &original).await;
    let (mut is, metadata_is) = start_event(&world, &restart).await;
    assert_eq!(metadata_is, metadata_was);
    let memo = is.memo.as_mut().unwrap().fields.remove("redrive").unwrap();
    assert!(
        String::from_utf8(memo.data).unwrap().contains(&original),
        "our memo names the failed run"
    );
    for event in [&mut was, &mut is] {
        event.original_execution_run_id.clear();
        event.first_execution_run_id.clear();
        event.workflow_execution_expiration_time = None;
        event.identity.clear();
    }
    assert_eq!(is, was);
}

#[tokio::test]
async fn no_payload_of_an_order_enters_our_histories_errors_or_rows() {
    let world = World::new("marker").await;
    world.script("order-1", &[End::Fails, End::Fails, End::Completes]);
    attributes::define(&world, IndexedValueType::Keyword).await;
    attributes::start(&world, full_request(&world)).await;
    world.await_status("order-1", Status::Failed).await;
    world.visibility_shows(1).await;
    let worker = world.worker().await;
    for id in ["batch-1", "batch-2"] {
        workflows::run(&world.bed, redrive_flows::BATCH_WORKFLOW, id, None)
            .await
            .unwrap();
        no_history_of_ours_holds_it(&world, id).await;
    }
    no_row_holds_it(&world).await;
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn no_payload_of_an_order_enters_the_story_of_a_start_that_is_refused() {
    for (name, of_type) in [
        ("marker-gone", None),
        ("marker-type", Some(IndexedValueType::Int)),
    ] {
        let world = World::new(name).await;
        world.script("order-1", &[End::Fails, End::Completes]);
        attributes::define(&world, IndexedValueType::Keyword).await;
        attributes::start(&world, full_request(&world)).await;
        world.await_status("order-1", Status::Failed).await;
        world.scan_sees(1).await;
        attributes::undefine(&world).await;
        if let Some(of_type) = of_type {
            attributes::define(&world, of_type).await;
        }
        attributes::are_refused(&world, full_request(&world)).await;
        let worker = world.worker().await;
        workflows::run(&world.bed, redrive_flows::BATCH_WORKFLOW, "batch-1", None)
            .await
            .unwrap();
        let verdicts = world.verdicts("order-1").await;
        assert!(verdicts[0].starts_with("error: "), "{verdicts:?}");
        assert!(verdicts[0].contains("Shop"), "what to mend: {verdicts:?}");
        no_history_of_ours_holds_it(&world, "batch-1").await;
        no_row_holds_it(&world).await;
        worker.stop().await.unwrap();
    }
}

async fn no_history_of_ours_holds_it(world: &World, batch: &str) {
    for workflow_id in [batch.to_owned(), format!("{batch}-orchestration")] {
        for event in workflows::history(&world.bed, &workflow_id, "").await {
            let bytes = event.encode_to_vec();
            let found = bytes
                .windows(MARKER.len())
                .any(|window| window == MARKER.as_bytes());
            assert!(!found, "{workflow_id} event {}", event.event_id);
        }
    }
}

/// Nor the order's story (verdicts, attempts, dead letters), nor a batch's row.
async fn no_row_holds_it(world: &World) {
    let story = serde_json::to_string(&world.story("order-1").await).unwrap();
    assert!(!story.contains(MARKER), "{story}");
    let batches = world.ledger.batches(100).await.unwrap();
    let batches = serde_json::to_string(&batches).unwrap();
    assert!(!batches.contains(MARKER), "{batches}");
}
