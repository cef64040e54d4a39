//! How a failed run is read: a short history as a whole, a long one by its ends, and both tell the same.

use jiff::{SignedDuration, Timestamp};
use redrive_engine::Clock;
use redrive_engine::gateway::{FailedRun, Gateway, RunToRead, Window};
use redrive_fulfillment::testbed::json_input;
use serde_json::json;

use crate::world::{End, QUEUE, TYPE, World};

/// The failed runs that visibility lists, once there are so many.
async fn listed(world: &World, runs: u64) -> Vec<RunToRead> {
    world.visibility_shows(runs).await;
    let window = Window {
        workflow_type: TYPE.into(),
        from: Timestamp::UNIX_EPOCH,
        to: world.clock.now() + SignedDuration::from_hours(1),
    };
    world
        .gateway
        .list_failed(&window, Vec::new())
        .await
        .unwrap()
        .runs
}

async fn read(world: &World, run: &RunToRead) -> FailedRun {
    world.gateway.read_failure(run).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_history_is_read_as_a_whole_only_where_it_is_short() {
    let world = World::new("reading").await;
    let small = world.start("small", &[End::Fails]).await;
    world.script("large", &[End::Fails]);
    let mut request = world.bed.start_request("large", TYPE, QUEUE);
    request.input = Some(json_input(&json!({ "orderId": "x".repeat(40 << 10) })));
    let large = world.bed.start(request).await;
    let runs = listed(&world, 2).await;
    assert_eq!(runs.len(), 2);
    for run in runs {
        let is_small = run.run_id.as_str() == small;
        assert!(is_small || run.run_id.as_str() == large);
        assert_eq!(run.short, is_small, "{run:?}");
        let told = read(&world, &run).await;
        let other_way = RunToRead {
            short: !run.short,
            ..run.clone()
        };
        assert_eq!(told, read(&world, &other_way).await);
        assert_eq!(
            (told.run_id, told.workflow_type.as_str()),
            (run.run_id, TYPE)
        );
        assert!(!told.start_request.is_empty());
    }
}

#[tokio::test]
async fn a_run_that_goes_on_or_is_gone_has_no_failure_either_way() {
    let world = World::new("reading-none").await;
    let running = world.start("order-1", &[End::Runs]).await;
    for id in ["order-1", "nobody"] {
        for short in [true, false] {
            let run = RunToRead {
                short,
                ..RunToRead::new(id.into(), running.as_str().into())
            };
            assert_eq!(world.gateway.read_failure(&run).await.unwrap(), None);
        }
    }
}
