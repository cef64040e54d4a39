//! `dlq retry`: of one, of several, and of those that a filter chooses.

use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;

use super::tape;
use crate::scene::{NEVER, Scene};
use crate::site::Way;
use crate::ways::both_ways;

both_ways!(
    what_a_retry_of_named_orders_says,
    what_a_retry_under_a_halt_says,
    what_a_retry_by_a_filter_says
);

const ORDERS: [(&str, &str); 8] = [
    ("D-1", "shipping_failed"),
    ("D-2", "shipping_failed"),
    ("D-3", "shipping_failed"),
    ("D-4", "shipping_failed"),
    ("D-5", "wave_timeout"),
    ("D-6", "wave_timeout"),
    ("R-1", "repaired"),
    ("W-1", "planning_failed"),
];

/// All but `W-1` are dead letters; somebody has repaired `R-1` since.
async fn scene(way: Way) -> Scene {
    let mut scene = Scene::set(NEVER, &ORDERS).await.by(way);
    scene.knows();
    let park = "orders dead-letter D-1 D-2 D-3 D-4 D-5 D-6 R-1 --reason carrier-is-down";
    scene.site.run(park).well();
    scene.start("R-1").await;
    scene
        .becomes("R-1", WorkflowExecutionStatus::Completed)
        .await;
    scene
}

async fn what_a_retry_of_named_orders_says(way: Way) {
    let scenes = [scene(way).await, scene(way).await];
    let (mut tape, sites) = tape(&scenes);
    for command in [
        "dlq retry D-1 --reason carrier-is-back",
        "dlq retry D-1",
        "dlq retry R-1",
        "dlq retry W-1",
        "dlq retry nobody",
        "dlq retry D-2 D-3",
        "dlq retry D-2 D-3 --reason carrier-is-back --yes",
        "dlq retry D-2 D-4 --yes",
        "dlq retry D-4 nobody --yes",
    ] {
        tape.acts(&sites, command);
    }
    insta::assert_snapshot!("what_a_retry_of_named_orders_says", tape.told());
}

async fn what_a_retry_under_a_halt_says(way: Way) {
    let scenes = [scene(way).await, scene(way).await];
    let (mut tape, sites) = tape(&scenes);
    for command in [
        "halt --reason stocktaking",
        "dlq retry D-1 --reason carrier-is-back",
    ] {
        tape.acts(&sites, command);
    }
    insta::assert_snapshot!("what_a_retry_under_a_halt_says", tape.told());
}

async fn what_a_retry_by_a_filter_says(way: Way) {
    let scenes = [scene(way).await, scene(way).await];
    let (mut tape, sites) = tape(&scenes);
    for command in [
        "dlq retry",
        "dlq retry --status shipping_failed",
        "dlq retry --status shipping_failed --limit 1 --reason carrier-is-back --yes",
        "dlq retry --status shipping_failed --yes",
        "dlq retry --status shipping_failed --yes",
        "dlq retry --status slam_failed --yes",
        "dlq retry --status wave_timeout --older-than 7d",
    ] {
        tape.acts(&sites, command);
    }
    insta::assert_snapshot!("what_a_retry_by_a_filter_says", tape.told());
}
