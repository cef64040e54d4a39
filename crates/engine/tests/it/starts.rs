//! What a restarted run is started with, and what of it nobody else gets to see.

use prost::Message;
use redrive_core::classify::{Classification, Matched};
use redrive_fulfillment::testbed::json_payload;
use redrive_ledger::Failure;
use serde_json::json;
use temporalio_common::protos::temporal::api::common::v1::{
    Header, Memo, Priority, RetryPolicy, SearchAttributes,
};
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;
use temporalio_common::protos::temporal::api::history::v1::{
    WorkflowExecutionStartedEventAttributes, history_event::Attributes,
};
use temporalio_common::protos::temporal::api::sdk::v1::UserMetadata;
use temporalio_common::protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;

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
    let original = world.bed.start(full_request(&world)).await;
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

/// An order whose start the server refuses: it names, with a marked value, a search attribute that is not there any more.
async fn refused(world: &World) {
    world.start("refused", &[End::Fails]).await;
    world.await_status("refused", Status::Failed).await;
    let run = world.latest_run("refused").await;
    let mut request = full_request(world);
    request.search_attributes = Some(SearchAttributes {
        indexed_fields: [("NoSuchAttribute".to_owned(), json_payload(&json!(MARKER)))].into(),
    });
    let failure = Failure {
        workflow_id: "refused".into(),
        order_id: "refused".into(),
        customer_id: None,
        workflow_type: TYPE.into(),
        run_id: run.as_str().into(),
        first_run_id: run.as_str().into(),
        timed_out: false,
        closed_at: world.engine.clock.now(),
        classification: Classification {
            status: "shipping_failed".into(),
            matched: Matched::FailureType,
            fingerprint: "a".repeat(16),
            message: "no carrier".into(),
        },
        from_run: None,
        has_parent: false,
        start_request: request.encode_to_vec(),
    };
    let (policy, moment) = (&world.engine.policy, world.engine.clock.moment());
    world
        .ledger
        .observe(policy, &"seeded".into(), &[failure], moment)
        .await
        .unwrap();
}

#[tokio::test]
async fn no_payload_of_an_order_enters_our_histories_errors_or_rows() {
    let world = World::new("marker").await;
    world.script("order-1", &[End::Fails, End::Fails, End::Completes]);
    world.bed.start(full_request(&world)).await;
    world.await_status("order-1", Status::Failed).await;
    refused(&world).await;
    world.visibility_shows(2).await;
    let worker = world.worker().await;
    for id in ["batch-1", "batch-2"] {
        let result = workflows::run(&world.bed, redrive_flows::BATCH_WORKFLOW, id, None)
            .await
            .unwrap();
        assert_eq!(result["errorCount"], 1, "{result}");
        for workflow_id in [id.to_owned(), format!("{id}-orchestration")] {
            for event in workflows::history(&world.bed, &workflow_id, "").await {
                let bytes = event.encode_to_vec();
                let found = bytes
                    .windows(MARKER.len())
                    .any(|window| window == MARKER.as_bytes());
                assert!(!found, "{workflow_id} event {}", event.event_id);
            }
        }
    }
    let refused = world.story("refused").await;
    let note = refused.attempts[0].note.as_deref().unwrap();
    assert!(
        note.contains("NoSuchAttribute"),
        "the server says why: {note}"
    );
    for story in [refused, world.story("order-1").await] {
        let story = serde_json::to_string(&story).unwrap();
        assert!(!story.contains(MARKER), "{story}");
    }
    worker.stop().await.unwrap();
}
