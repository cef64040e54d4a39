//! The schedule on a real server: created, updated, and its pause left alone.

use std::time::Duration;

use redrive_engine::{Applied, ScheduleSettings, apply_schedule};
use redrive_fulfillment::testbed::Testbed;
use temporalio_common::protos::temporal::api::enums::v1::ScheduleOverlapPolicy;
use temporalio_common::protos::temporal::api::schedule::v1::{
    Schedule, SchedulePatch, schedule_action::Action,
};
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeScheduleRequest, PatchScheduleRequest,
};
use tonic::Request;

fn settings(minutes: u64) -> ScheduleSettings {
    ScheduleSettings {
        id: redrive_flows::SCHEDULE_ID.into(),
        task_queue: redrive_flows::TASK_QUEUE.into(),
        interval: Duration::from_secs(minutes * 60),
    }
}

async fn described(bed: &Testbed) -> Schedule {
    let request = DescribeScheduleRequest {
        namespace: bed.namespace.clone(),
        schedule_id: redrive_flows::SCHEDULE_ID.into(),
    };
    bed.service()
        .describe_schedule(Request::new(request))
        .await
        .unwrap()
        .into_inner()
        .schedule
        .unwrap()
}

fn seconds(duration: Option<prost_wkt_types::Duration>) -> i64 {
    duration.unwrap().seconds
}

#[tokio::test]
async fn it_is_created_as_the_spec_sets_it_and_then_left_alone() {
    let bed = Testbed::connect("schedule").await;
    assert_eq!(
        apply_schedule(&bed.client, &settings(15)).await,
        Ok(Applied::Created)
    );
    assert_eq!(
        apply_schedule(&bed.client, &settings(15)).await,
        Ok(Applied::Unchanged)
    );
    let schedule = described(&bed).await;
    assert_eq!(seconds(schedule.spec.unwrap().interval[0].interval), 900);
    let policies = schedule.policies.unwrap();
    assert_eq!(policies.overlap_policy(), ScheduleOverlapPolicy::Skip);
    assert_eq!(seconds(policies.catchup_window), 900);
    let Some(Action::StartWorkflow(start)) = schedule.action.unwrap().action else {
        panic!("no workflow is started")
    };
    assert_eq!(start.workflow_id, "reprocessing-batch");
    assert_eq!(
        start.workflow_type.unwrap().name,
        "ReprocessingBatchWorkflow"
    );
    assert_eq!(start.task_queue.unwrap().name, "orchestrator");
    assert_eq!(seconds(start.workflow_execution_timeout), 900);
}

#[tokio::test]
async fn a_changed_interval_reaches_it_and_a_pause_stays_with_its_note() {
    let bed = Testbed::connect("schedule-paused").await;
    apply_schedule(&bed.client, &settings(15)).await.unwrap();
    let request = PatchScheduleRequest {
        namespace: bed.namespace.clone(),
        schedule_id: redrive_flows::SCHEDULE_ID.into(),
        patch: Some(SchedulePatch {
            pause: "carrier migration".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    bed.service()
        .patch_schedule(Request::new(request))
        .await
        .unwrap();
    redrive_fulfillment::testbed::eventually("the pause to show", || async {
        described(&bed)
            .await
            .state
            .is_some_and(|state| state.paused)
            .then_some(())
    })
    .await;
    assert_eq!(
        apply_schedule(&bed.client, &settings(5)).await,
        Ok(Applied::Updated)
    );
    let schedule = redrive_fulfillment::testbed::eventually("the interval to show", || async {
        let schedule = described(&bed).await;
        (seconds(schedule.spec.as_ref()?.interval[0].interval) == 300).then_some(schedule)
    })
    .await;
    let state = schedule.state.unwrap();
    assert!(state.paused);
    assert_eq!(state.notes, "carrier migration");
}

#[tokio::test]
async fn workers_that_roll_out_a_new_interval_at_once_all_succeed() {
    let bed = Testbed::connect("schedule-rollout").await;
    apply_schedule(&bed.client, &settings(60)).await.unwrap();
    for minutes in [5, 10, 15, 20, 25] {
        let wanted = settings(minutes);
        let workers = (0..2).map(|_| apply_schedule(&bed.client, &wanted));
        for applied in futures::future::join_all(workers).await {
            applied.unwrap();
        }
        redrive_fulfillment::testbed::eventually("the interval to show", || async {
            let schedule = described(&bed).await;
            let interval = seconds(schedule.spec?.interval[0].interval);
            (interval == wanted.interval.as_secs() as i64).then_some(())
        })
        .await;
    }
}
